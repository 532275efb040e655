"""Read one file of a trust: CSV, TSV, Parquet or the first sheet of an Excel workbook.

Nothing is judged here. Every value arrives as text, so that a code keeps its leading zeros, with
``row_number`` beside it (1 is the first row of data). Rows with nothing in any column that is used are
left out, and counted in a notice. A large file is read once, straight to typed values: its text stays in
the file, and is read again only where a rule has to show it.
"""

from __future__ import annotations

import codecs
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from helpers.cleaning.types import write_typed
from helpers.cleaning.values import Known
from helpers.contracts import ROW_NUMBER, Table
from helpers.engine import Engine, ReadError
from helpers.errors import InputError, name_a_few
from helpers.sources.encodings import look_through
from helpers.sources.headers import (
    DELIMITERS,
    TextHeader,
    count_words,
    find_text_header,
    find_unused_renames,
    match_columns,
)
from helpers.sources.workbooks import as_text, read_sheet

TEXT_ENDINGS = (".csv", ".tsv", ".txt")
ENDINGS = (*TEXT_ENDINGS, ".parquet", ".xlsx")


@dataclass(frozen=True)
class TextSource:
    """A text file as the engine reads it: UTF-8, our names for its fields, what separates them."""

    path: Path
    fields: list[str]
    delimiter: str


@dataclass(frozen=True)
class FileRead:
    """What reading one file noticed."""

    n_rows: int
    notices: tuple[str, ...] = ()


def read_file(
    path: Path, table: Table, db: Engine, *, renames: dict[str, str], workspace: Path
) -> FileRead:
    """Read a file into the engine as ``raw_<table>``, every column text.

    Of a large table there is also ``typed_<table>``: the same rows, its columns as their contract has them.

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
    db.drop(f"raw_{table.name}", f"typed_{table.name}")
    if ending in TEXT_ENDINGS:
        notices = _read_text(path, table, db, renames, workspace)
    elif ending == ".parquet":
        notices = _read_parquet(path, table, db, renames)
    else:
        notices = _read_workbook(path, table, db, renames)
    if table.large and not db.has(f"typed_{table.name}"):
        _type_read(db, table)
    n_rows = db.count(f"typed_{table.name}" if table.large else f"raw_{table.name}")
    if n_rows == 0 and table.mandatory:
        raise InputError(f"{path.name} has a header but no rows.\n{_how_to(table)}")
    return FileRead(n_rows, tuple(notices))


def _read_text(
    path: Path, table: Table, db: Engine, renames: dict[str, str], workspace: Path
) -> list[str]:
    plain, notices, known = look_through(path, workspace)
    header = find_text_header(plain, table, renames, file=path.name)
    if header.delimiter != ("\t" if path.suffix.lower() == ".tsv" else ","):
        notices.append(f"Fields are separated by {DELIMITERS[header.delimiter]}.")
    positions, unknown = match_columns(
        header.fields, table, renames, file=path.name, line=header.line
    )
    fields = [positions.get(place, f"unused_{place}") for place in range(len(header.fields))]
    passed = 0
    if header.n_lines > 1:  # the engine passes over one line only
        plain, passed = _cut_top(plain, header, workspace), header.n_lines - 1
    source = TextSource(plain, fields, header.delimiter)
    names = list(positions.values())
    try:
        notices += (
            _read_straight(db, table, source, names, known)
            if table.large
            else _read_whole(db, table, source, names)
        )
    except ReadError as error:
        raise _explain(error, path, passed) from None
    return [*notices, *_describe_header(header.fields, header.line, unknown, renames)]


def _read_whole(db: Engine, table: Table, source: TextSource, names: list[str]) -> list[str]:
    """Make ``raw_<table>`` of a text file."""
    raw = f"raw_{table.name}"
    db.add_csv(raw, source.path, source.fields, keep=names, delimiter=source.delimiter)
    return _drop_blank(db, raw, names)


def _read_straight(
    db: Engine, table: Table, source: TextSource, names: list[str], known: Known
) -> list[str]:
    """Make ``typed_<table>`` of a text file in one pass, and ``raw_<table>`` a view of the file.

    A row with nothing in any column has no key: only where a key is missing are blank rows looked for.
    """
    typed, raw = f"typed_{table.name}", f"raw_{table.name}"
    sql = write_typed(table, names, "incoming_rows", known=replace(known, is_marked=True))
    db.add_numbered(
        typed, source.path, source.fields, sql, delimiter=source.delimiter, missing=known.missing
    )
    db.open_csv(raw, source.path, source.fields, keep=names, delimiter=source.delimiter)
    no_key = f'"{table.key[0]}" IS NULL' if table.key else "TRUE"
    if db.frame(f"SELECT count(*) AS n FROM {typed} WHERE {no_key}")["n"].iloc[0] == 0:
        return []
    n_blank = db.remove_rows(
        typed,
        f"{no_key} AND row_number IN (SELECT row_number FROM {raw} WHERE {_is_blank(names)})",
    )
    return _describe_blank(n_blank)


def _cut_top(plain: Path, header: TextHeader, workspace: Path) -> Path:
    """Write a copy that begins with one line in place of everything down to the header's end."""
    with plain.open(encoding="utf-8-sig", newline="") as lines:
        top = lines.read(header.n_characters)
    copy = workspace / f"{plain.stem}.cut{plain.suffix}"
    workspace.mkdir(parents=True, exist_ok=True)
    with plain.open("rb") as source, copy.open("wb") as target:
        mark = len(codecs.BOM_UTF8) if source.read(3) == codecs.BOM_UTF8 else 0
        source.seek(mark + len(top.encode("utf-8")))
        target.write(f"header{_find_line_end(top)}".encode())
        shutil.copyfileobj(source, target)
    return copy


def _find_line_end(top: str) -> str:
    """Return how the lines of a file end, from a text that ends with one."""
    return next((end for end in ("\r\n", "\n", "\r") if top.endswith(end)), "\n")


def _drop_blank(db: Engine, raw: str, names: list[str]) -> list[str]:
    """Take out of a table of text the rows that hold nothing in its columns; say how many."""
    return _describe_blank(db.remove_rows(raw, _is_blank(names)))


def _is_blank(names: list[str]) -> str:
    """Return the condition that a row of text holds nothing in the columns named."""
    held = ", ".join(f"nullif(trim(\"{name}\"), '')" for name in names)
    return f"coalesce({held}) IS NULL"


def _describe_blank(n_blank: int) -> list[str]:
    return [f"{count_words(n_blank, 'row')} blank in every column used."] if n_blank else []


def _type_read(db: Engine, table: Table) -> None:
    """Make ``typed_<table>`` of text that is in the engine."""
    names = [name for name in db.columns(f"raw_{table.name}") if name in table.columns]
    sql = write_typed(table, names, f"raw_{table.name}", keep=(ROW_NUMBER,))
    db.create(f"typed_{table.name}", sql)


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
    notices = _drop_blank(db, f"raw_{table.name}", list(positions.values()))
    return [*notices, *_describe_header(header, 1, unknown, renames)]


def _read_workbook(path: Path, table: Table, db: Engine, renames: dict[str, str]) -> list[str]:
    sheet = read_sheet(path, table, renames)
    positions, unknown = match_columns(
        sheet.header, table, renames, file=f"{path.name}, sheet {sheet.name}", line=sheet.line
    )
    columns = {
        ours: pd.array([as_text(row[place]) for row in sheet.body], dtype="str")
        for place, ours in positions.items()
    }
    frame = pd.DataFrame(columns, columns=list(positions.values()))
    numbers = pd.Series(range(1, len(frame) + 1), dtype="int64")
    db.add_frame(f"raw_{table.name}", frame.assign(**{ROW_NUMBER: numbers}))
    notices = _drop_blank(db, f"raw_{table.name}", list(positions.values()))
    more = _describe_header(sheet.header, sheet.line, unknown, renames)
    return [*sheet.notices, *notices, *more]


def _describe_header(
    header: list[str], line: int, unknown: list[str], renames: dict[str, str]
) -> list[str]:
    notices = []
    if line > 1:
        above = "line above it was" if line == 2 else f"{line - 1:,} lines above it were"
        notices.append(f"The header is in line {line:,}; the {above} not read.")
    if unknown:
        notices.append(f"Not used: {count_words(len(unknown), 'column')} ({name_a_few(unknown)}).")
    absent = find_unused_renames(header, renames)
    if absent:
        notices.append(f"columns.yml names columns that are not there: {name_a_few(absent)}.")
    return notices


def _explain(error: ReadError, path: Path, passed: int) -> InputError:
    where = f"{path.name}, line {error.line + passed:,}" if error.line else path.name
    if error.found is not None and error.found != error.expected:
        return InputError(
            f"{where}: the row has {count_words(error.found, 'field')} and the header "
            f"{error.expected:,}.\nPut quotes round values that hold a separator or a line break, "
            "and complete cut-off rows."
        )
    return InputError(
        f"{where}: the row cannot be read: a quote is not closed, or the file is not plain text in rows.\n"
        "Export it again as CSV (UTF-8)."
    )


def _how_to(table: Table) -> str:
    return f"It should hold: {table.meaning} docs/your-own-data.md lists its columns."
