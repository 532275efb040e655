"""The pages of one report: what stands around each notebook, and in which order."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import replace
from importlib.metadata import version

import pandas as pd

from helpers import __version__
from helpers.report import exhibits, fitness
from helpers.report.formats import format_count, format_exact_gbp
from helpers.report.render import PageInfo, Provenance, render_page
from helpers.report.series import Step, list_parameters, list_steps
from helpers.report.words.published import describe_basis
from helpers.run import Run
from helpers.sources.extracts import read_clean_settings
from helpers.sources.published.tables import read_facts
from helpers.sources.tables import has_table, read_table

CHECK_TABLES = ("reconciliation", "subsidy_reconciliation")
LIBRARIES = ("duckdb", "pandas", "numpy", "scipy", "matplotlib", "papermill", "nbconvert")
PUBLIC_PARAMETERS = ("trust", "year", "audience", "method")
UNUSED = ("method", "what_if")  # of the parameters, on the published basis
METHOD_WORDS = {"reciprocal": "reciprocal", "step_down": "step-down", "direct": "direct"}


def render_pages(run: Run, inputs: dict[str, str]) -> None:
    """Write every page of a run from its executed notebooks.

    Parameters
    ----------
    inputs
        Checksum of each file that was read, by name.
    """
    if run.is_on_published:
        render_published_pages(run, inputs)
        return
    settings = read_clean_settings(run)
    checks = read_checks(run)
    stamp = describe_run(run, settings, checks, inputs)
    provenance = list_provenance(find_parameters(run, settings), checks, inputs)
    caution, panel = build_credibility(run)
    steps = list_steps(run)
    for step in steps:
        page = PageInfo(
            trust=run.trust,
            trust_name=str(settings["trust_name"]),
            year=run.year,
            title=step.title,
            audience=run.audience,
            is_demo=run.is_demo,
            pages=list_pages(steps, step),
            stamp=stamp,
            has_published_figures=run.is_demo or has_table(run, "clean_benchmarks"),
            is_unreconciled=not checks["passed"].all(),
            caution=caution,
            panel=panel,
            provenance=provenance,
        )
        render_page(
            run.folder / "notebooks" / f"{step.name}.ipynb", run.folder / step.page, page=page
        )


def build_credibility(run: Run) -> tuple[str, str]:
    """Return what every page says of its lines' credibility: the caution, and the panel's HTML."""
    credibility, rates = read_table(run, "credibility"), read_table(run, "line_match_rates")
    service_lines = read_table(run, "clean_service_lines")
    signs = read_table(run, "sensitivity_summary")
    earlier = read_earlier_credibility(run)
    columns = fitness.PANEL_COLUMNS | ({} if earlier is None else fitness.TREND_COLUMN)
    words = fitness.describe_panel(credibility, rates, earlier)
    table = exhibits.show_table(
        fitness.build_panel(credibility, rates, service_lines, signs, earlier),
        number="C",
        caption="Credibility of each line, weakest first (shares of its cost, and of its activity).",
        source="credibility, line_match_rates and sensitivity_summary of this run.",
        columns=columns,
        note="Traced, averaged and apportioned add up to the line’s cost. Grades run from A to E; † marks D "
        "and E, not fit for decisions.",
    )
    html = exhibits.show_words(words)._repr_html_() + table._repr_html_()
    return fitness.describe_weak(credibility, service_lines), html


def read_earlier_credibility(run: Run) -> pd.DataFrame | None:
    """Return the credibility of the report of the year before, if one stands (decision D-087)."""
    path = run.find_year_before("credibility")
    return pd.read_parquet(path) if path else None


def render_published_pages(run: Run, inputs: dict[str, str]) -> None:
    """Write every page of a report made from published figures; each says at its top what it rests on."""
    facts = read_facts(run)
    checks = read_table(run, "published_position_checks")
    used = {name: text for name, text in list_parameters(run).items() if name not in UNUSED}
    provenance = list_provenance(used, checks, inputs)
    steps = list_steps(run)
    for step in steps:
        page = PageInfo(
            trust=run.trust,
            trust_name=facts["trust_name"],
            year=run.year,
            title=step.title,
            audience=run.audience,
            pages=list_pages(steps, step),
            stamp=(("Basis", "published figures"), *describe_making(checks, inputs)),
            has_published_figures=True,
            is_public_data=True,
            is_unreconciled=not checks["passed"].all(),
            caution=describe_basis(facts),
            provenance=provenance,
        )
        render_page(
            run.folder / "notebooks" / f"{step.name}.ipynb", run.folder / step.page, page=page
        )


def render_public_pages(run: Run, inputs: dict[str, str]) -> None:
    """Write every page of a public edition; ``run`` can read the protected tables and no others."""
    facts = dict(read_table(run, "public_facts")[["fact", "value"]].itertuples(index=False))
    checks = read_table(run, "public_checks")
    lines = read_table(run, "public_lines")
    used = {name: text for name, text in list_parameters(run).items() if name in PUBLIC_PARAMETERS}
    provenance = list_public_provenance(used, checks)
    method = METHOD_WORDS[facts["overhead_method"]]
    steps = list_steps(run)
    for step in steps:
        page = PageInfo(
            trust=run.trust,
            trust_name=facts["trust_name"],
            year=run.year,
            title=step.title,
            audience=run.audience,
            is_demo=run.is_demo,
            pages=list_pages(steps, step),
            stamp=(("Overhead method", method), *describe_making(checks, inputs)),
            caution=fitness.describe_weak(lines, lines),
            provenance=provenance,
        )
        render_page(
            run.folder / "notebooks" / f"{step.name}.ipynb", run.folder / step.page, page=page
        )


def list_public_provenance(parameters: dict[str, str], checks: pd.DataFrame) -> Provenance:
    """Return what a public page was made from: no file's checksum, and no amount of a check.

    A small file could be guessed and tried against its checksum; one checksum over all files cannot.
    """
    whole = list_provenance(parameters, checks.assign(difference_pence=0), {})
    told = tuple(
        (number, words, "none" if holds else "some", holds)
        for number, words, _, holds in whole.checks
    )
    return replace(whole, checks=told)


def list_pages(steps: tuple[Step, ...], current: Step) -> tuple[tuple[str, str, bool], ...]:
    """Return file name, short title and whether it is the current one, summary first."""
    return tuple((step.page, step.heading, step is current) for step in (steps[-1], *steps[:-1]))


def read_checks(run: Run) -> pd.DataFrame:
    """Return every identity that the run checked."""
    return pd.concat([read_table(run, name) for name in CHECK_TABLES], ignore_index=True)


def describe_run(
    run: Run, settings: dict[str, object], checks: pd.DataFrame, inputs: dict[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return how the pages were made, as pairs of label and words; no time and no place."""
    method = run.method or str(settings["overhead_method"])
    return (("Overhead method", METHOD_WORDS[method]), *describe_making(checks, inputs))


def describe_making(checks: pd.DataFrame, inputs: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return what holds, what was read and what it was made with, as pairs of label and words."""
    files = hashlib.sha256(
        "\n".join(f"{name} {digest}" for name, digest in sorted(inputs.items())).encode()
    )
    return (
        ("Identities", f"{int(checks['passed'].sum())} of {len(checks)} hold to the penny"),
        ("Files read", f"{len(inputs)}, checksum {files.hexdigest()[:12]}"),
        (
            "Made with",
            f"service line reporting {__version__}, Python {platform.python_version()}, "
            f"DuckDB {version('duckdb')}, pandas {version('pandas')}",
        ),
    )


def find_parameters(run: Run, settings: dict[str, object]) -> dict[str, str]:
    """Return the run's parameters, with the method of overheads in words."""
    method = METHOD_WORDS[run.method or str(settings["overhead_method"])]
    chosen = "chosen for this run" if run.method else "as the trust’s files say"
    return list_parameters(run) | {"method": f"{method}, {chosen}"}


def list_provenance(
    parameters: dict[str, str], checks: pd.DataFrame, inputs: dict[str, str]
) -> Provenance:
    """Return what the pages were made from, in full; no time and no place.

    A check that compares rows, not pounds, has its difference in rows.
    """
    return Provenance(
        files=tuple(sorted(inputs.items())),
        parameters=tuple(
            (name.replace("_", " "), str(value)) for name, value in parameters.items()
        ),
        versions=(
            ("service line reporting", __version__),
            ("Python", platform.python_version()),
            *((name, version(name)) for name in LIBRARIES),
        ),
        checks=tuple(
            (
                str(row.id),
                str(row.description),
                _write_difference(row.difference_pence, row.description),
                bool(row.passed),
            )
            for row in checks.itertuples()
        ),
    )


def _write_difference(difference: int, description: str) -> str:
    is_rows = description.endswith("(rows)")
    return f"{format_count(difference)} rows" if is_rows else format_exact_gbp(difference)
