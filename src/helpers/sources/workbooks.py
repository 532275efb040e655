"""Read a sheet of an Excel workbook, each cell as a CSV would hold it."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.contracts import Table
from helpers.errors import InputError, name_a_few
from helpers.sources.headers import (
    HEADER_ROWS,
    MOST_COLUMNS,
    SHEET,
    find_header_row,
    match_columns,
    tidy,
    too_wide,
)

EXCEL_DIGITS = 15  # what Excel itself keeps and shows of a number
OFFICE_LOCKED = b"\xd0\xcf\x11\xe0"  # how an encrypted workbook, or an old .xls, begins
MOST_CELLS = 50_000_000  # a sheet's width times its height: about 2 GB of memory
SHEET_TOP_BYTES = 4_096
DIMENSION = re.compile(rb'<dimension ref="[A-Z]+[0-9]+:([A-Z]+)([0-9]+)"')


@dataclass(frozen=True)
class SheetRead:
    """A sheet from its header down."""

    name: str
    header: list[str]
    line: int
    body: list[list[Any]]
    notices: tuple[str, ...] = ()


def read_sheet(path: Path, table: Table, renames: dict[str, str]) -> SheetRead:
    """Return the sheet that holds a table: the one that `columns.yml` names, else the first.

    Raises
    ------
    InputError
        If the workbook is damaged, protected, vast or empty, or has no such sheet.
    """
    book = _open_book(path)
    names = list(book.sheet_names)
    asked = [tidy(theirs) for theirs, ours in renames.items() if ours == SHEET]
    chosen = next((name for name in names if tidy(name) in asked), names[0] if names else "")
    if asked and tidy(chosen) not in asked:
        raise InputError(
            f"{path.name} has no sheet {name_a_few(asked)}, which columns.yml names.\n"
            f"Its sheets are: {name_a_few(names, few=len(names))}."
        )
    top, rows = _read_rows(path, book, names.index(chosen) if names else 0)
    if not rows:
        raise InputError(
            f"{path.name}: its {'first sheet' if not asked else f'sheet {chosen}'} is empty.\n"
            f"It should hold: {table.meaning} docs/your-own-data.md lists its columns."
        )
    heads = [[as_text(value) or "" for value in row] for row in rows[:HEADER_ROWS]]
    place = find_header_row(heads, table, renames)
    notices = ()
    if len(names) > 1:
        _refuse_other_sheet(path, table, renames, heads[place], chosen, names, bool(asked))
        notices = (f"Only the sheet {chosen} of {len(names)} was read.",)
    return SheetRead(chosen, heads[place], top + place + 1, rows[place + 1 :], notices)


def _refuse_other_sheet(
    path: Path,
    table: Table,
    renames: dict[str, str],
    header: list[str],
    chosen: str,
    names: list[str],
    is_asked: bool,
) -> None:
    """Say how to name a sheet, where the first of several is not the table."""
    try:
        match_columns(header, table, renames, file=path.name)
    except InputError as error:
        if is_asked or set(table.required_columns) != set(getattr(error, "missing", ())):
            return
        raise InputError(
            f"{path.name}: its first sheet, {chosen}, has none of the columns of {table.name}.\n"
            f"Its sheets are: {name_a_few(names, few=len(names))}. Put the right one first, or name it in "
            f"columns.yml:\n{table.name}:\n  name of the sheet: {SHEET}"
        ) from None


def _open_book(path: Path) -> Any:
    from python_calamine import CalamineWorkbook

    with path.open("rb") as stream:
        start = stream.read(len(OFFICE_LOCKED))
    if start == OFFICE_LOCKED:
        raise InputError(
            f"{path.name} is protected by a password, or is an old .xls under another name.\n"
            "Save it as .xlsx without a password, or as .csv (UTF-8)."
        )
    _refuse_vast(path)
    try:
        return CalamineWorkbook.from_path(path)
    except BaseException as error:
        raise _damaged(path, error) from error


def _read_rows(path: Path, book: Any, place: int) -> tuple[int, list[list[Any]]]:
    """Return how many rows stand above the first that is not empty, and the rows from it."""
    try:
        sheet = book.get_sheet_by_index(place)
        rows = sheet.to_python(skip_empty_area=True)
        return (sheet.start[0] if sheet.start else 0), rows
    except BaseException as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: BaseException) -> BaseException:
    """Return our own error for whatever the library raises on a damaged file, panics included."""
    if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
        return error
    return InputError(
        f"{path.name} cannot be read as an Excel workbook: it is damaged, cut off, or another kind of "
        "file.\nSave it again as .xlsx without a password, or as .csv (UTF-8)."
    )


def _refuse_vast(path: Path) -> None:
    """Refuse a workbook with a sheet too large to hold, by the size each sheet states of itself."""
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
            tops = []
            for name in sheets:
                with archive.open(name) as stream:
                    tops.append(stream.read(SHEET_TOP_BYTES))
    except Exception:  # whatever a damaged archive raises: the reader says what is wrong with it
        return
    for top in tops:
        found = DIMENSION.search(top)
        if found and _count_columns(found[1]) > MOST_COLUMNS:
            raise too_wide(path.name, 1, _count_columns(found[1]))
        if found and _count_columns(found[1]) * int(found[2]) > MOST_CELLS:
            raise InputError(
                f"{path.name} has a sheet of {_count_columns(found[1]):,} columns and {int(found[2]):,} rows, "
                "more than can be held.\nDelete the empty rows and columns beside the table, or save it as "
                ".csv (UTF-8)."
            )


def _count_columns(letters: bytes) -> int:
    """Return the number of a column from its letters: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def as_text(value: object) -> str | None:
    """Return a cell as a CSV would hold it."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.{EXCEL_DIGITS}g}" if not value.is_integer() else f"{value:.0f}"
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value)


def open_workbook(path: Path) -> Any:
    """Return a workbook with every sheet, as its library has it; refuse one that cannot be read."""
    return _open_book(path)
