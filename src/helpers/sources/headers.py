"""Find the header of a file, and our name for each of its columns.

The header is the first row that names every column the report must have, after `columns.yml`; rows
above it (titles, notes) are passed over. Nothing is guessed: a name is ours, or `columns.yml` says
whose it is.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers.contracts import Table
from helpers.errors import InputError, name_a_few

DELIMITERS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
HEADER_MAX_CHARACTERS = 1_000_000
HEADER_ROWS = 50  # how far down a header is looked for
HEADER_FULLNESS = 0.8  # of the fullest row: where no row names all columns, the first such is taken
MOST_COLUMNS = 2_000
SHEET = "sheet"  # in columns.yml `1 APC & OPROC: sheet` says which sheet of a workbook to read


class MissingColumns(InputError):
    """A file lacks columns that the report needs; ``unknown`` are the names it has instead."""

    def __init__(self, message: str, *, missing: list[str], unknown: list[str]) -> None:
        super().__init__(message)
        self.missing, self.unknown = missing, unknown


@dataclass(frozen=True)
class TextHeader:
    """The header of a text file: its fields, what separates them, and where it ends."""

    fields: list[str]
    delimiter: str
    line: int  # the line it begins in, from 1
    n_lines: int  # lines down to its end
    n_characters: int  # characters down to its end


def tidy(name: object) -> str:
    """Return a column's name as names are compared: small letters, single blanks, no mark."""
    return " ".join(str(name or "").replace("\ufeff", "").split()).lower()


def find_header_row(rows: list[list[str]], table: Table, renames: dict[str, str]) -> int:
    """Return the place of the first row that names every required column.

    Where none does: the row that names most of them; where none names any, the first that is nearly
    as full as the fullest.
    """
    needed = set(table.required_columns)
    named = [len(needed & set(_list_ours(row, table, renames))) for row in rows]
    if not rows:
        return 0
    if max(named):
        return named.index(max(named))
    full = [_count_names(row) for row in rows]
    return next(place for place, n in enumerate(full) if n >= HEADER_FULLNESS * max(full))


def _list_ours(row: list[str], table: Table, renames: dict[str, str]) -> list[str]:
    claimed, plain = _claim(row, table, renames)
    return [*claimed, *plain]


def _count_names(row: list[str]) -> int:
    return sum(bool(name.strip()) for name in row)


def find_text_header(
    plain: Path, table: Table, renames: dict[str, str], *, file: str
) -> TextHeader:
    """Return a text file's header: the separator is the one under which most columns are known.

    Raises
    ------
    InputError
        If there is no header, or it is too wide to be one.
    """
    with plain.open(encoding="utf-8-sig", newline="") as lines:
        text = lines.read(HEADER_MAX_CHARACTERS)
    if len(text) >= HEADER_MAX_CHARACTERS and not {"\n", "\r"} & set(text):
        raise InputError(
            f"{file}, line 1: the first line has more than {HEADER_MAX_CHARACTERS:,} characters.\n"
            "Export it again, one row a line."
        )
    needed = set(table.required_columns)
    best: tuple[int, int, TextHeader] | None = None
    for delimiter in DELIMITERS:
        records = list(_list_records(text, delimiter))
        rows = [fields for fields, _, _ in records]
        place = find_header_row(rows, table, renames)
        if not rows or not _count_names(rows[place]):
            continue
        known = len(needed & set(_list_ours(rows[place], table, renames)))
        rank = (known, _count_names(rows[place]))
        if best is None or rank > best[:2]:
            above = records[place - 1] if place else ([], 0, 0)
            fields, n_lines, n_characters = records[place]
            header = TextHeader(fields, delimiter, above[1] + 1, n_lines, n_characters)
            best = (*rank, header)
    if best is None:
        raise InputError(
            f"{file}, line 1: there is no header. The first line must name the columns."
        )
    if len(best[2].fields) > MOST_COLUMNS or best[2].n_characters >= HEADER_MAX_CHARACTERS:
        raise too_wide(file, best[2].line, len(best[2].fields))
    return best[2]


def too_wide(file: str, line: int, n_columns: int) -> InputError:
    """Return the refusal of a header that cannot be one."""
    return InputError(
        f"{file}, line {line:,}: the row has {n_columns:,} columns; a table here has at most "
        f"{MOST_COLUMNS:,}.\nIts rows and columns may be exchanged, or its lines may have no ends. Export it "
        "again, one row a line."
    )


def _list_records(text: str, delimiter: str) -> Iterator[tuple[list[str], int, int]]:
    """Give the first records of a text: fields, and lines and characters down to the record's end."""
    n_read = 0

    def lines() -> Iterator[str]:
        nonlocal n_read
        for line in io.StringIO(text, newline=""):
            n_read += len(line)
            yield line

    reader = csv.reader(lines(), delimiter=delimiter)
    for _ in range(HEADER_ROWS):
        try:
            fields = next(reader, None)
        except csv.Error:
            return
        if fields is None:
            return
        yield fields, reader.line_num, n_read


def match_columns(
    header: list[str], table: Table, renames: dict[str, str], *, file: str, line: int = 1
) -> tuple[dict[int, str], list[str]]:
    """Return our name for each position of a header, and the columns nobody asked for.

    Names are compared without outer blanks and in small letters. What `columns.yml` says wins over a
    column that merely has our name; of columns with one name it may choose: `Activity [2]: n`.

    Raises
    ------
    InputError
        If two columns could be one of ours, or (``MissingColumns``) a required column is missing.
    """
    if len(header) > MOST_COLUMNS:
        raise too_wide(file, line, len(header))
    claimed, plain = _claim(header, table, renames)
    places = {**plain, **claimed}
    twice = sorted(name for name, found in places.items() if len(found) > 1)
    if twice:
        theirs = header[places[twice[0]][0]].strip()
        raise InputError(
            f"{file}, line {line:,}: two columns are named {name_a_few(twice)}.\n"
            f"Keep one, or say in columns.yml which it is:\n{table.name}:\n  {theirs} [2]: {twice[0]}"
        )
    positions = {found[0]: name for name, found in places.items()}
    positions = {place: positions[place] for place in sorted(positions)}
    missing = [name for name in table.required_columns if name not in places]
    unknown = [" ".join(name.split()) for at, name in enumerate(header) if at not in positions]
    unknown = [name for name in unknown if name]
    if missing:
        raise MissingColumns(
            _explain_missing(missing, unknown, table, f"{file}, line {line:,},"),
            missing=missing,
            unknown=unknown,
        )
    return positions, unknown


def _claim(
    header: list[str], table: Table, renames: dict[str, str]
) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """Return the places of each of our columns: those that `columns.yml` gives, and by plain name."""
    ours = {tidy(theirs): name for theirs, name in renames.items() if name != SHEET}
    chosen = {theirs.rpartition(" [")[0] for theirs in ours if theirs.endswith("]")}
    claimed: dict[str, list[int]] = {}
    plain: dict[str, list[int]] = {}
    seen: Counter[str] = Counter()
    for place, name in enumerate(map(tidy, header)):
        seen[name] += 1
        given = ours.get(f"{name} [{seen[name]}]") or ours.get(name)
        if given:
            claimed.setdefault(given, []).append(place)
        elif name in table.columns and name not in chosen:
            plain.setdefault(name, []).append(place)
    return claimed, plain


def find_unused_renames(header: list[str], renames: dict[str, str]) -> list[str]:
    """Return the names in `columns.yml` that the file does not have."""
    names = Counter(map(tidy, header))
    known = set(names) | {
        f"{name} [{n}]" for name, count in names.items() for n in range(1, count + 1)
    }
    return [
        theirs for theirs, ours in renames.items() if tidy(theirs) not in known and ours != SHEET
    ]


def _explain_missing(missing: list[str], unknown: list[str], table: Table, where: str) -> str:
    others = f"Its other columns are: {name_a_few(unknown)}.\n" if unknown else ""
    if len(unknown) == 1 and len(missing) == len(table.required_columns):
        others += "The whole line is one column: separate its fields by commas or tabs.\n"
    return (
        f"{where} lacks {count_words(len(missing), 'column')} that the report needs: {name_a_few(missing)}.\n"
        f"{others}If they are there under other names, write columns.yml beside it:\n"
        f"{table.name}:\n  their name: {missing[0]}\n"
        "`python -m helpers check FOLDER` proposes the closest names."
    )


def count_words(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"
