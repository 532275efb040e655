"""Read one file of a trust as text: CSV, TSV, Parquet or the first sheet of an Excel workbook.

Nothing is judged here. Every value arrives in the engine as text, so that a code keeps its leading
zeros, with ``row_number`` beside it (1 is the first row of data).
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.contracts import ROW_NUMBER, Table
from helpers.engine import Engine, ReadError
from helpers.errors import InputError, name_a_few
from helpers.sources.encodings import as_utf8

TEXT_ENDINGS = (".csv", ".tsv", ".txt")
ENDINGS = (*TEXT_ENDINGS, ".parquet", ".xlsx")
DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
HEADER_MAX_CHARACTERS = 1_000_000
EXCEL_DIGITS = 15  # what Excel itself keeps and shows of a number


@dataclass(frozen=True)
class FileRead:
    """What reading one file noticed."""

    n_rows: int
    notices: tuple[str, ...] = ()


def read_file(
    path: Path, table: Table, db: Engine, *, renames: dict[str, str], workspace: Path
) -> FileRead:
    """Read a file into the engine as ``raw_<table>``, every column text.

    Parameters
    ----------
    path, table
        The file, and the contract it should meet.
    renames
        From ``columns.yml``: the trust's own column name, and ours.
    workspace
        Folder for a UTF-8 copy, where the file is in another encoding.

    Raises
    ------
    InputError
        If the file is empty, is not what its name says, lacks a column, has a column twice, or has
        a row with too many or too few fields. The message names the file and the line or column.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty: it has no header and no rows.\n{_how_to(table)}")
    ending = path.suffix.lower()
    if ending in TEXT_ENDINGS:
        notices = _read_text(path, table, db, renames, workspace)
    elif ending == ".parquet":
        notices = _read_parquet(path, table, db, renames)
    else:
        notices = _read_workbook(path, table, db, renames)
    n_rows = int(db.frame(f"SELECT count(*) AS n FROM raw_{table.name}")["n"].iloc[0])
    if n_rows == 0 and table.mandatory:
        raise InputError(f"{path.name} has a header but no rows.\n{_how_to(table)}")
    return FileRead(n_rows, tuple(notices))


def _read_text(
    path: Path, table: Table, db: Engine, renames: dict[str, str], workspace: Path
) -> list[str]:
    plain, notices = as_utf8(path, workspace)
    header, delimiter = _read_header(plain, path)
    if delimiter != ("\t" if path.suffix.lower() == ".tsv" else ","):
        notices.append(f"Fields are separated by {DELIMITERS[delimiter]}.")
    positions, unknown = match_columns(header, table, renames, file=path.name)
    fields = [positions.get(place, f"unused_{place}") for place in range(len(header))]
    try:
        db.add_csv("incoming_text", plain, fields, delimiter=delimiter)
    except ReadError as error:
        raise _explain(error, path) from None
    kept = ", ".join(f'"{name}"' for name in [*positions.values(), ROW_NUMBER])
    db.create(f"raw_{table.name}", f"SELECT {kept} FROM incoming_text")
    db.drop("incoming_text")
    return notices + _describe_unknown(unknown)


def _read_header(plain: Path, path: Path) -> tuple[list[str], str]:
    """Return the header's fields and what separates them: whatever splits it into most."""
    with plain.open(encoding="utf-8-sig", newline="") as lines:
        text = lines.read(HEADER_MAX_CHARACTERS)
    best: tuple[list[str], str] = ([], ",")
    for delimiter in DELIMITERS:
        try:
            found = next(
                csv.reader(itertools.chain(text.splitlines(True)), delimiter=delimiter), []
            )
        except csv.Error:
            continue
        if len(found) > len(best[0]):
            best = (found, delimiter)
    if not any(name.strip() for name in best[0]):
        raise InputError(
            f"{path.name}, line 1: there is no header. The first line must name the columns."
        )
    return best


def _read_parquet(path: Path, table: Table, db: Engine, renames: dict[str, str]) -> list[str]:
    import pyarrow.lib
    import pyarrow.parquet

    try:
        header = pyarrow.parquet.read_schema(path).names
    except (pyarrow.lib.ArrowException, OSError) as error:
        raise InputError(f"{path.name} cannot be read as Parquet. Export it again.") from error
    positions, unknown = match_columns(header, table, renames, file=path.name)
    chosen = {header[place]: ours for place, ours in positions.items()}
    try:
        db.add_parquet_text(f"raw_{table.name}", path, chosen)
    except ReadError as error:
        raise InputError(f"{path.name} cannot be read as Parquet. Export it again.") from error
    return _describe_unknown(unknown)


def _read_workbook(path: Path, table: Table, db: Engine, renames: dict[str, str]) -> list[str]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(path)
        rows = book.get_sheet_by_index(0).to_python(skip_empty_area=True)
    except (CalamineError, OSError, IndexError, ValueError) as error:
        raise InputError(
            f"{path.name} cannot be read as an Excel workbook: it is damaged, protected by a password, "
            "or another kind of file.\nSave it again as .xlsx without a password, or as .csv (UTF-8)."
        ) from error
    if not rows:
        raise InputError(f"{path.name}: its first sheet is empty.\n{_how_to(table)}")
    header = [_as_text(value) or "" for value in rows[0]]
    positions, unknown = match_columns(header, table, renames, file=path.name)
    body = [row for row in rows[1:] if any(_as_text(value) for value in row)]
    columns = {
        ours: pd.array([_as_text(row[place]) for row in body], dtype="str")
        for place, ours in positions.items()
    }
    frame = pd.DataFrame(columns, columns=list(positions.values()))
    db.add_frame(f"raw_{table.name}", frame.assign(**{ROW_NUMBER: range(1, len(body) + 1)}))
    others = book.sheet_names[1:]
    notices = [f"Only the first of {len(others) + 1} sheets was read."] if others else []
    return notices + _describe_unknown(unknown)


def _as_text(value: object) -> str | None:
    """Return a cell as a CSV would hold it."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.{EXCEL_DIGITS}g}" if not value.is_integer() else f"{value:.0f}"
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    return str(value)


def match_columns(
    header: list[str], table: Table, renames: dict[str, str], *, file: str
) -> tuple[dict[int, str], list[str]]:
    """Return our name for each position of a header, and the columns nobody asked for.

    Names are compared without outer blanks and in small letters.

    Raises
    ------
    InputError
        If two columns have one name, or a required column is missing.
    """
    ours_by_theirs = {theirs.strip().lower(): ours for theirs, ours in renames.items()}
    cleaned = [" ".join(name.replace("\ufeff", "").split()).lower() for name in header]
    names = [ours_by_theirs.get(name, name) for name in cleaned]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(
            f"{file}, line 1: two columns are named {name_a_few(twice)}.\n"
            "Keep one, or give each a name of its own in columns.yml."
        )
    positions = {place: name for place, name in enumerate(names) if name in table.columns}
    missing = [name for name in table.required_columns if name not in positions.values()]
    unknown = [header[place] for place in range(len(header)) if place not in positions]
    if missing:
        others = f"Its other columns are: {name_a_few(unknown)}.\n" if unknown else ""
        raise InputError(
            f"{file} lacks {_count(len(missing), 'column')} that the report needs: {name_a_few(missing)}.\n"
            f"{others}If they are there under other names, write columns.yml beside it:\n"
            f"{table.name}:\n  their name: {missing[0]}"
        )
    return positions, [name for name in unknown if name.strip()]


def _describe_unknown(unknown: list[str]) -> list[str]:
    if not unknown:
        return []
    return [f"Not used: {_count(len(unknown), 'column')} ({name_a_few(unknown)})."]


def _explain(error: ReadError, path: Path) -> InputError:
    where = f"{path.name}, line {error.line:,}" if error.line else path.name
    if error.found is not None and error.found != error.expected:
        return InputError(
            f"{where}: the row has {_count(error.found, 'field')} and the header "
            f"{error.expected:,}.\nPut quotes round values that hold a separator or a line break, "
            "and complete cut-off rows."
        )
    return InputError(
        f"{where}: the row cannot be read: a quote is not closed, or the file is not plain text in rows.\n"
        "Export it again as CSV (UTF-8)."
    )


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"


def _how_to(table: Table) -> str:
    return f"It should hold: {table.meaning} docs/your-own-data.md lists its columns."
