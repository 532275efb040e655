"""Organisations: names, successors and peer groups; and the beds they report (KH03)."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.sources.encodings import as_utf8
from helpers.sources.headers import tidy
from helpers.sources.published.files import Found
from helpers.sources.workbooks import as_text, open_workbook

TRUST = re.compile(r"^[A-Z0-9]{3}$")
SPECIALTY = re.compile(r"^(\d{3})\s+(.+)$")
NAME_AND_CODE = re.compile(r"\s*\(([A-Z0-9]{3})\)\s*$")
CODE_COLUMNS = ("organisation_code", "procode", "value", "org_code", "ods_code")
SMALL_WORDS = {"And", "Of", "The", "For", "In", "On", "With"}
BEDS_WITHIN = 40


def read_rows(file: Found, workspace: Path) -> list[dict[str, str]]:
    """Return a small text file's rows by tidied heading."""
    plain, _ = as_utf8(file.path, workspace / "utf8" / file.name.replace(": ", "_"))
    with plain.open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.reader(text))
    head = [tidy(name) for name in rows[0]] if rows else []
    return [dict(zip(head, (cell.strip() for cell in row), strict=False)) for row in rows[1:]]


def read_names(files: list[Found], workspace: Path) -> pd.DataFrame:
    """Return ``org_code, org_name``: one row an organisation, the first file that names it."""
    names: dict[str, str] = {}
    for file in files:
        if file.kind != "names":
            continue
        for row in read_rows(file, workspace):
            code = next((row[name] for name in CODE_COLUMNS if row.get(name)), "").upper()
            name = NAME_AND_CODE.sub("", row.get("name", ""))
            if TRUST.fullmatch(code) and name:
                names.setdefault(code, tidy_name(name))
    return pd.DataFrame({"org_code": list(names), "org_name": list(names.values())}, dtype="str")


def tidy_name(name: str) -> str:
    """Return an organisation's name in small and capital letters, where it is all capitals.

    >>> tidy_name("GUY'S AND ST THOMAS' NHS FOUNDATION TRUST")
    "Guy's and St Thomas' NHS Foundation Trust"
    """
    if not name.isupper():
        return " ".join(name.split())
    words = [word if word == "NHS" else word.capitalize() for word in name.split()]
    return " ".join(
        word.lower() if at and word in SMALL_WORDS else word for at, word in enumerate(words)
    )


def read_successors(files: list[Found], workspace: Path) -> pd.DataFrame:
    """Return ``old_code, new_code``, trusts only."""
    found = [
        (row["old_code"].upper(), row["new_code"].upper())
        for file in files
        if file.kind == "successors"
        for row in read_rows(file, workspace)
        if row.get("old_code") and row.get("new_code")
    ]
    frame = pd.DataFrame(found, columns=["old_code", "new_code"], dtype="str").drop_duplicates()
    is_trust = frame["old_code"].str.fullmatch(TRUST.pattern) & frame["new_code"].str.fullmatch(
        TRUST.pattern
    )
    return frame[is_trust & frame["old_code"].ne(frame["new_code"])].reset_index(drop=True)


def read_peers(files: list[Found], workspace: Path) -> pd.DataFrame:
    """Return ``org_code, peer_code`` without a trust's own pair."""
    found = [
        (row["procode"].upper(), row["peer"].upper())
        for file in files
        if file.kind == "peers"
        for row in read_rows(file, workspace)
    ]
    frame = pd.DataFrame(found, columns=["org_code", "peer_code"], dtype="str").drop_duplicates()
    return frame[frame["org_code"] != frame["peer_code"]].reset_index(drop=True)


def read_totals(files: list[Found], workspace: Path) -> pd.DataFrame:
    """Return ``org_code, year, cost_gbp``: whole-organisation totals, where such a file is there."""
    found = [
        (row["org_code"].upper(), row["year"].replace("-", "/"), row["total_cost"].replace(",", ""))
        for file in files
        if file.kind == "organisation_totals"
        for row in read_rows(file, workspace)
    ]
    frame = pd.DataFrame(found, columns=["org_code", "year", "cost_gbp"])
    frame["cost_gbp"] = pd.to_numeric(frame["cost_gbp"], errors="coerce").astype("float64")
    return frame.astype({"org_code": "str", "year": "str"})


def read_beds(files: list[Found]) -> pd.DataFrame:
    """Return average occupied overnight beds: ``org_code, specialty_code, specialty, period, beds``.

    One row a trust and specialty with any occupied bed, from the sheet `Occupied by Specialty`.
    """
    found: list[tuple[str, str, str, str, float]] = []
    for file in files:
        if file.kind == "beds":
            book = open_workbook(file.path)
            name = next(
                (one for one in book.sheet_names if tidy(one) == "occupied by specialty"), ""
            )
            if name:
                found += _read_specialties(
                    book.get_sheet_by_name(name).to_python(skip_empty_area=False)
                )
    columns = ["org_code", "specialty_code", "specialty", "period", "beds"]
    return pd.DataFrame(found, columns=columns).astype({"beds": "float64"})


def _read_specialties(rows: list[list[Any]]) -> list[tuple[str, str, str, str, float]]:
    head = next(
        (line for line, row in enumerate(rows[:BEDS_WITHIN]) if "org code" in map(tidy, row)), None
    )
    if head is None:
        return []
    names = [tidy(cell) for cell in rows[head]]
    code_at, year_at, month_at = (names.index(name) for name in ("org code", "year", "period end"))
    specialties = {
        at: SPECIALTY.match(" ".join(str(cell).split())) for at, cell in enumerate(rows[head])
    }
    found = []
    for row in rows[head + 1 :]:
        code = (as_text(row[code_at]) or "").strip()
        if not TRUST.fullmatch(code):
            continue
        period = f"{row[month_at]} {row[year_at]}"
        found += [
            (code, match[1], match[2], period, float(row[at]))
            for at, match in specialties.items()
            if match and isinstance(row[at], (int, float)) and row[at] > 0
        ]
    return found
