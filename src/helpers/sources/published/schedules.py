"""National schedules of costs as workbooks: a sheet a department, and the publisher's own totals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from helpers.errors import InputError, name_a_few
from helpers.published.cells import ENGLAND, ROW_COLUMNS
from helpers.sources.headers import tidy
from helpers.sources.published.files import Found, read_reference
from helpers.sources.workbooks import as_text, open_workbook

HEADER_WITHIN = 12  # rows in which a sheet's header is looked for
UNIT_COSTS = ("national average unit cost", "unit cost")
COLUMNS = {
    "currency code": "currency_code",
    "currency": "currency_code",
    "currency description": "currency_name",
    "service code": "service_code",
    "department code": "part_code",
    "number of inlier bed days": "bed_days",
    "average length of stay - days": "length_of_stay",
}
MEASURES = ("activity", "unit cost", "total cost")


def read_schedule(file: Found) -> pd.DataFrame:
    """Return every row of every department's sheet, as text, with ``ROW_COLUMNS``.

    Raises
    ------
    InputError
        If no sheet has a currency and a unit cost.
    """
    book = open_workbook(file.path)
    codes = {code.upper() for code in read_reference("published_departments")["department_code"]}
    parts = []
    for name in book.sheet_names:
        if "".join(name.split()).upper() in codes or name.strip().upper() in codes:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            part = _read_sheet(rows)
            if part is not None:
                parts.append(part.assign(department_code=name.strip()))
    if not parts:
        raise InputError(
            f"{file.name}: no sheet has a currency code and a unit cost.\n"
            f"Its sheets are: {name_a_few(book.sheet_names)}. Download the national schedule again."
        )
    frame = pd.concat(parts, ignore_index=True)
    frame["row_number"] = pd.Series(range(1, len(frame) + 1), dtype="int64")
    frame = frame.assign(file=file.name, year=file.year, org_code=ENGLAND, is_adjusted=False)
    return frame.reindex(columns=list(ROW_COLUMNS)).astype(
        {name: "str" for name in ROW_COLUMNS if name not in ("row_number", "is_adjusted")}
    )


def _read_sheet(rows: list[list[Any]]) -> pd.DataFrame | None:
    """Return a department's rows; the activity stands left of the unit cost, whatever its name."""
    line = _find_line(
        rows, lambda names: _find_cost(names) >= 0 and "currency_code" in map(COLUMNS.get, names)
    )
    if line < 0:
        return None
    names = [tidy(cell) for cell in rows[line]]
    cost = _find_cost(names)
    places = {COLUMNS[name]: place for place, name in enumerate(names) if name in COLUMNS}
    places |= {"unit_cost": cost, "activity": cost - 1}
    body = [one for one in rows[line + 1 :] if as_text(one[places["currency_code"]])]
    frame = pd.DataFrame(
        {ours: [as_text(one[place]) for one in body] for ours, place in places.items()},
        dtype="object",
    )
    if "part_code" in frame:
        has_service = "service_code" in frame
        both = (
            frame["part_code"] + "/" + frame["service_code"] if has_service else frame["part_code"]
        )
        frame["service_code"] = both
    return frame.drop(columns="part_code", errors="ignore")


def _find_cost(names: list[str]) -> int:
    return next((names.index(name) for name in UNIT_COSTS if name in names), -1)


def _find_line(rows: list[list[Any]], fits: Callable[[list[str]], bool]) -> int:
    """Return the first line whose tidied cells fit; -1 if there is none near the top."""
    lines = enumerate(rows[:HEADER_WITHIN])
    return next((line for line, row in lines if fits([tidy(cell) for cell in row])), -1)


def read_stated_totals(file: Found) -> pd.DataFrame:
    """Return the totals that the publisher states: on the Index sheet, and above each totals sheet.

    Returns
    -------
    pd.DataFrame
        ``sheet, item, measure`` (activity, unit cost or total cost), ``stated``; and ``recomputed``
        where the sheet's own rows give it (missing for the Index).
    """
    book = open_workbook(file.path)
    found: list[dict[str, Any]] = []
    for name in book.sheet_names:
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        if tidy(name) == "index":
            found += _read_index(name, rows)
        elif tidy(name).startswith("total"):
            found += _read_totals_sheet(name, rows)
    columns = ["sheet", "item", "measure", "stated", "recomputed"]
    return pd.DataFrame(found, columns=columns).astype(
        {"stated": "float64", "recomputed": "float64"}
    )


def _read_index(sheet: str, rows: list[list[Any]]) -> list[dict[str, Any]]:
    found = []
    line = _find_line(rows, lambda names: "total cost" in names and "index" in names)
    if line < 0:
        return []
    names = [tidy(cell) for cell in rows[line]]
    code = names.index("index")
    headings = {"activity": "total activity", "unit cost": "unit cost", "total cost": "total cost"}
    places = {measure: names.index(heading) for measure, heading in headings.items()}
    for row in rows[line + 1 :]:
        for measure, place in places.items():
            if isinstance(row[place], (int, float)) and as_text(row[code]):
                found.append(
                    {
                        "sheet": sheet,
                        "item": str(row[code]).strip(),
                        "measure": measure,
                        "stated": float(row[place]),
                    }
                )
    return found


def _read_totals_sheet(sheet: str, rows: list[list[Any]]) -> list[dict[str, Any]]:
    """Return stated and recomputed totals of each group of three columns of a totals sheet."""
    header = _find_line(rows, lambda names: names.count("unit cost") > 1)
    if header < 0:
        return []
    names = [tidy(cell) for cell in rows[header]]
    above = [line for line in rows[:header] if sum(isinstance(cell, float) for cell in line) > 1]
    if not above:
        return []
    stated, groups, body = above[-1], _name_groups(rows[:header]), rows[header + 1 :]
    found = []
    for place in [at for at, name in enumerate(names) if name == "unit cost"]:
        activity, cost = (_add_up(body, column) for column in (place - 1, place + 1))
        sums = {
            "activity": activity,
            "unit cost": cost / activity if activity else None,
            "total cost": cost,
        }
        for step, measure in zip((-1, 0, 1), MEASURES, strict=True):
            value = stated[place + step]
            if isinstance(value, (int, float)):
                found.append(
                    {"sheet": sheet, "item": groups(place), "measure": measure, "stated": float(value),
                     "recomputed": sums[measure]}
                )  # fmt: skip
    return found


def _name_groups(rows: list[list[Any]]):
    """Return a function that names the group of columns a place is in, from a merged heading."""

    def count_words(row: list[Any]) -> int:
        return sum(isinstance(cell, str) and bool(cell.strip()) for cell in row)

    named = max(reversed(rows), key=count_words)  # of equals, the one next to the header

    def find(place: int) -> str:
        left = [str(cell).strip() for cell in named[: place + 1] if str(cell).strip()]
        return " ".join(left[-1].split()) if left else "Total"

    return find


def _add_up(body: list[list[Any]], place: int) -> float:
    return float(sum(row[place] for row in body if isinstance(row[place], (int, float))))
