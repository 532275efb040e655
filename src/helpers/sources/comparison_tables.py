"""What the comparison reads: tables of every whole report of the year in one folder of reports."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.comparison.slopes import fit_slopes
from helpers.comparison.trusts import compare_lines, compare_trusts
from helpers.run import DEMO_TRUSTS, Run
from helpers.sources.report_folders import find_reports
from helpers.sources.tables import write_table

YEAR_END = "-03-31"


@dataclass(frozen=True)
class Comparison:
    """Tables of the comparison, as the contracts name them, and which trusts are invented."""

    trusts: pd.DataFrame
    lines: pd.DataFrame
    slopes: pd.DataFrame
    has_invented: bool


def list_links(run: Run, trusts: pd.DataFrame) -> list[tuple[str, str]]:
    """Return each trust's name and its report's place, from the folder of reports."""
    return [
        (f"{one.trust_name} ({one.trust})", f"{one.trust}/{run.year}/index.html")
        for one in trusts.itertuples()
    ]


def read_and_compare(run: Run) -> Comparison:
    """Return the comparison of every trust that has a report for the year."""
    reports = {code: _read_tables(paths) for code, paths in find_reports(run).items()}
    year_end = pd.Timestamp(f"{int(run.year[:4]) + 1}{YEAR_END}")
    names = {code: _read_name(tables["clean_settings"], code) for code, tables in reports.items()}
    trusts = compare_trusts(reports)
    trusts.insert(1, "trust_name", trusts["trust"].map(names))
    lines = compare_lines(reports, year_end)
    return Comparison(trusts, lines, fit_slopes(lines), not reports.keys().isdisjoint(DEMO_TRUSTS))


def write_comparison(run: Run, compared: Comparison) -> None:
    """Write the tables of the comparison."""
    write_table(run, "trust_comparison", compared.trusts)
    write_table(run, "trust_lines", compared.lines)
    write_table(run, "slm_slopes", compared.slopes)


def _read_tables(paths: dict[str, Path]) -> dict[str, pd.DataFrame]:
    return {name: pd.read_parquet(path) for name, path in paths.items()}


def _read_name(settings: pd.DataFrame, code: str) -> str:
    values = dict(zip(settings["key"], settings["value"], strict=True))
    return str(json.loads(values["trust_name"])) if "trust_name" in values else code
