"""What was found of the published files, of which years, and what it makes possible, in words."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd

from helpers.engine import open_engine
from helpers.errors import name_a_few
from helpers.parameters import show_path
from helpers.published.cells import CELLS, ENGLAND
from helpers.published.compare import LEAST_ORGANISATIONS
from helpers.published.prices import MOST_YEARS_APART
from helpers.sources.published.files import KINDS, Found, find_files
from helpers.sources.published.tables import read_cells

MISSING_WORDS = {
    "organisations": "costs by organisation (any trust's report, its peers, the page of all trusts)",
    "schedule": "a national schedule of costs (TRUST=ENGLAND; the national mean where few trusts are held)",
    "tariff": "the tariff's Annex A (income at price, cross-subsidy, market forces factors)",
    "beds": "KH03 (occupied beds by specialty)",
    "names": "a list of organisations (names beside codes)",
    "successors": "successor organisations (advice for a code that was merged)",
    "peers": "a list of peers (shown beside this project's own rule)",
}


def describe_published(folder: Path) -> tuple[str, int]:
    """Return what is in a folder of published files, in words, and how many files are known."""
    if not folder.is_dir():
        return (
            f"{show_path(folder)} does not exist. docs/published-data.md says what to put there.",
            0,
        )
    with tempfile.TemporaryDirectory() as space, open_engine(spill=Path(space) / "spill") as db:
        files = find_files(folder, Path(space))
        if not files:
            return (
                f"{show_path(folder)} holds no files. docs/published-data.md says what to put there.",
                0,
            )
        accounts = read_cells(files, db, Path(space))
        held = db.frame(
            f"""SELECT year, org_code, CAST(sum(cost_pence) AS BIGINT) AS cost_pence FROM {CELLS}
                GROUP BY year, org_code ORDER BY year, org_code"""
        )
    known = [file for file in files if file.kind]
    parts = [
        f"{show_path(folder)}",
        *(_describe_file(file, accounts) for file in files),
        "",
        "What they make possible",
        *_describe_reports(held, files),
    ]
    missing = [
        words for kind, words in MISSING_WORDS.items() if kind not in {file.kind for file in known}
    ]
    if missing:
        parts += ["", "Not there", *(f"  {words}" for words in missing)]
    return "\n".join(parts), len(known)


def _describe_file(file: Found, accounts: pd.DataFrame) -> str:
    if file.problem:
        return f"  {file.name}\n    not used: {file.problem}"
    rows = accounts[accounts["file"] == file.name]
    kept = rows[rows["reason"] == ""]
    words = f"  {file.name}\n    {KINDS[file.kind]}"
    if len(kept):
        years = name_a_few(kept["year"], few=8)
        pounds = kept["cost_pence"].fillna(0).sum() / 100
        words += f", {years}: {int(kept['n_rows'].sum()):,} rows, £{pounds / 1e6:,.1f}m"
        aside = int(rows["n_rows"].sum() - kept["n_rows"].sum())
        words += f"; {aside:,} rows set aside" if aside else ""
    elif file.year:
        words += f", {file.year}"
    return words


def _describe_reports(held: pd.DataFrame, files: list[Found]) -> list[str]:
    if held.empty:
        return ["  No report: no file of costs is there."]
    lines = []
    tariffs = [int(file.year[:4]) for file in files if file.kind == "tariff"]
    for year, rows in held.groupby("year"):
        codes = [code for code in rows["org_code"] if code != ENGLAND]
        what = []
        if codes:
            what.append(
                f"{len(codes):,} trust{'' if len(codes) == 1 else 's'} ({name_a_few(codes)})"
            )
        if len(codes) < len(rows):
            what.append(ENGLAND)
        notes = []
        if not any(abs(int(str(year)[:4]) - one) <= MOST_YEARS_APART for one in tariffs):
            notes.append("no prices within two years: cost only")
        if codes and len(codes) < LEAST_ORGANISATIONS:
            notes.append("too few trusts to compare them")
        lines.append(f"  {year}: {' and '.join(what)}{'; ' + '; '.join(notes) if notes else ''}")
    return lines
