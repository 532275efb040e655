"""The pages of one report: what stands around each notebook, and in which order."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version

import pandas as pd

from helpers import __version__
from helpers.report.render import PageInfo, render_page
from helpers.report.series import STEPS, Step
from helpers.run import Run
from helpers.sources.extracts import read_clean_settings
from helpers.sources.tables import has_table, read_table

CHECK_TABLES = ("reconciliation", "subsidy_reconciliation")
SUMMARY_FIRST = (STEPS[-1], *STEPS[:-1])
METHOD_WORDS = {"reciprocal": "reciprocal", "step_down": "step-down", "direct": "direct"}


def render_pages(run: Run, inputs: dict[str, str]) -> None:
    """Write every page of a run from its executed notebooks.

    Parameters
    ----------
    inputs
        Checksum of each file that was read, by name.
    """
    settings = read_clean_settings(run)
    checks = read_checks(run)
    stamp = describe_run(run, settings, checks, inputs)
    for step in STEPS:
        page = PageInfo(
            trust=run.trust,
            trust_name=str(settings["trust_name"]),
            year=run.year,
            title=step.title,
            audience=run.audience,
            is_demo=run.is_demo,
            pages=list_pages(step),
            stamp=stamp,
            has_published_figures=run.is_demo or has_table(run, "clean_benchmarks"),
            is_unreconciled=not checks["passed"].all(),
        )
        render_page(
            run.folder / "notebooks" / f"{step.name}.ipynb", run.folder / step.page, page=page
        )


def list_pages(current: Step) -> tuple[tuple[str, str, bool], ...]:
    """Return file name, short title and whether it is the current one, summary first."""
    return tuple((step.page, step.heading, step is current) for step in SUMMARY_FIRST)


def read_checks(run: Run) -> pd.DataFrame:
    """Return every identity that the run checked."""
    return pd.concat([read_table(run, name) for name in CHECK_TABLES], ignore_index=True)


def describe_run(
    run: Run, settings: dict[str, object], checks: pd.DataFrame, inputs: dict[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return how the pages were made, as pairs of label and words; no time and no place."""
    method = run.method or str(settings["overhead_method"])
    files = hashlib.sha256(
        "\n".join(f"{name} {digest}" for name, digest in sorted(inputs.items())).encode()
    )
    return (
        ("Overhead method", METHOD_WORDS[method]),
        ("Identities", f"{int(checks['passed'].sum())} of {len(checks)} hold to the penny"),
        ("Files read", f"{len(inputs)}, checksum {files.hexdigest()[:12]}"),
        (
            "Made with",
            f"service line reporting {__version__}, Python {platform.python_version()}, "
            f"DuckDB {version('duckdb')}, pandas {version('pandas')}",
        ),
    )
