"""Where whole reports and public editions stand in a folder of reports; found without reading them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from helpers.errors import InputError, name_a_few
from helpers.parameters import TRUST_CODE
from helpers.run import Run

# The tables that a comparison reads of each.
REPORT_TABLES = (
    "service_line_position", "rule_sensitivity", "consultant_review", "saving", "credibility",
    "clean_service_lines", "clean_settings",
)  # fmt: skip
EDITION_TABLES = ("public_facts", "public_lines", "public_totals")


def find_reports(run: Run) -> dict[str, dict[str, Path]]:
    """Return, by trust, where the tables of every whole report of the run's year stand.

    Reports from published figures alone, and those of trusts without patients, hold other tables
    and are passed over.

    Raises
    ------
    InputError
        If there is no report for the year.
    """
    found = _find(run, REPORT_TABLES)
    if not found:
        raise InputError(
            f"There are no reports for {run.year} in {run.published.parents[1]} that hold the tables "
            f"to compare ({len(REPORT_TABLES)} are needed, {name_a_few(REPORT_TABLES)}).\n"
            "Make some first: `make report TRUST=xyz`, or `make reports` for every trust under DATA."
        )
    return found


def find_editions(run: Run) -> dict[str, dict[str, Path]]:
    """Return, by trust, where the tables of every whole public edition of the run's year stand.

    Raises
    ------
    InputError
        If there is no public edition for the year.
    """
    found = _find(run, EDITION_TABLES)
    if not found:
        raise InputError(
            f"There are no public editions for {run.year} in {run.published.parents[1]}.\n"
            "Make some first: `make report TRUST=xyz AUDIENCE=public`."
        )
    return found


def _find(run: Run, names: Sequence[str]) -> dict[str, dict[str, Path]]:
    found = {}
    for folder in sorted(run.published.parents[1].glob(f"*/{run.year}")):
        paths = {name: folder / "tables" / f"{name}.parquet" for name in names}
        is_whole = TRUST_CODE.match(folder.parent.name) and (folder / "run.json").is_file()
        if is_whole and all(path.is_file() for path in paths.values()):
            found[folder.parent.name] = paths
    return found
