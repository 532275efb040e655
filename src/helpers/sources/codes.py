"""Repair codes that an extract has spoilt: leading zeros lost, footnote stars added.

A code made of digits loses its leading zeros when a spreadsheet takes it for a number. It is repaired
only where no doubt is left: the bare code is not in the file it should match, and exactly one code
there is the same with zeros in front. Every repair is kept, row by row, in ``raw_repairs``, for the log.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from helpers.contracts import INPUTS, REPAIRS, ROW_NUMBER
from helpers.engine import Engine
from helpers.errors import name_a_few

ZEROS, STARS = "zeros", "stars"

# Columns that hold the same codes: the file, and the map it is looked up in.
LINKS = (
    ("general_ledger", "cost_centre", "cost_centre_map", "cost_centre"),
    ("general_ledger", "expense_code", "expense_map", "expense_code"),
    ("apc_episodes", "tfc", "service_line_map", "tfc"),
    ("op_attendances", "tfc", "service_line_map", "tfc"),
    ("apc_episodes", "site_code", "service_line_map", "site_code"),
    ("ward_stays", "ward_id", "service_line_map", "ward_id"),
    ("tests", "requesting_tfc", "service_line_map", "tfc"),
    ("tests", "test_code", "relative_weights", "code"),
    ("drug_issues", "product", "relative_weights", "code"),
)  # fmt: skip
# National lists whose codes begin with a zero.
LISTED = (
    ("apc_episodes", "admin_category", ("01", "02", "03", "04")),
    ("op_attendances", "admin_category", ("01", "02", "03", "04")),
    ("service_line_map", "admin_category", ("01", "02", "03", "04")),
    ("ed_attendances", "department_type", ("01", "02", "03", "04", "05")),
)


@dataclass(frozen=True)
class LostZeros:
    """What became of the codes of one column that are without their zeros."""

    repairs: dict[str, str]
    unclear: dict[str, list[str]]


def find_lost_zeros(codes: set[str], known: set[str]) -> LostZeros:
    """Return, for each code that is not known, the one known code it is with zeros in front.

    >>> find_lost_zeros({"123", "77"}, {"0123", "077", "0077"})
    LostZeros(repairs={'123': '0123'}, unclear={'77': ['0077', '077']})
    """
    padded: dict[str, list[str]] = {}
    for code in sorted(known):
        if code.isdecimal() and code.startswith("0"):
            padded.setdefault(code.lstrip("0"), []).append(code)
    repairs, unclear = {}, {}
    for code in sorted(codes - known):
        if not code.isdecimal() or not code.lstrip("0"):
            continue
        longer = [one for one in padded.get(code.lstrip("0"), []) if len(one) > len(code)]
        if len(longer) == 1:
            repairs[code] = longer[0]
        elif longer:
            unclear[code] = longer
    return LostZeros(repairs, unclear)


def repair_codes(db: Engine, frames: dict[str, pd.DataFrame]) -> dict[str, list[str]]:
    """Repair codes in the large tables of the engine and in frames, in place; return notices by file."""
    columns = {"file": "str", ROW_NUMBER: "int64"}
    columns |= dict.fromkeys(("column_name", "old_value", "new_value", "why"), "str")
    db.add_frame(REPAIRS, pd.DataFrame(columns=list(columns)).astype(columns))
    codes = Codes(db, frames)
    notices: dict[str, list[str]] = {}
    for file, column in _list_starred(codes):
        ending = (code for code in codes.read(file, column) if code.endswith("*"))
        starred = {code: code.rstrip("*").rstrip() for code in ending}
        starred = {code: bare for code, bare in starred.items() if bare}
        if starred:
            n_rows = codes.replace(file, column, starred, STARS)
            notices.setdefault(file, []).append(
                f"{column}: stars after the code were taken off in {n_rows:,} rows "
                f"({name_a_few(starred)})."
            )
    for file, column, known in LISTED:
        if codes.has(file, column):
            lost = find_lost_zeros(codes.read(file, column), set(known))
            _settle(codes, file, column, lost, "the national list", notices)
    for file, column, map_file, map_column in LINKS:
        if not (codes.has(file, column) and codes.has(map_file, map_column)):
            continue
        one, two = (file, column), (map_file, map_column)
        for (left, name), right in ((one, two), (two, one)):
            lost = find_lost_zeros(codes.read(left, name), codes.read(*right))
            _settle(codes, left, name, lost, right[0], notices)
    return notices


def _settle(
    codes: Codes,
    file: str,
    column: str,
    lost: LostZeros,
    source: str,
    notices: dict[str, list[str]],
) -> None:
    """Repair what is clear, and say so; name what is not."""
    said = notices.setdefault(file, [])
    if lost.repairs:
        n_rows = codes.replace(file, column, lost.repairs, ZEROS)
        pairs = [f"{bare} is {code}" for bare, code in lost.repairs.items()]
        said.append(
            f"{column}: {len(lost.repairs):,} codes in {n_rows:,} rows had lost their leading zeros and were "
            f"repaired by {source} ({name_a_few(pairs)})."
        )
    if lost.unclear:
        said.append(
            f"{column}: {len(lost.unclear):,} codes may have lost leading zeros, but {source} has more than "
            f"one that each could be; they stand as they came ({name_a_few(lost.unclear)})."
        )


def _list_starred(codes: Codes) -> list[tuple[str, str]]:
    """Return the columns of codes that may carry footnote stars: lists and maps, not rows' own keys."""
    return [
        (name, column)
        for name, table in INPUTS.items()
        for column, one in table.columns.items()
        if one.kind == "code" and (one.pattern or not table.large) and codes.has(name, column)
    ]


class Codes:
    """The codes of each column, large tables' and frames': listed once, until some are replaced."""

    def __init__(self, db: Engine, frames: dict[str, pd.DataFrame]) -> None:
        self._db, self._frames = db, frames
        self._columns: dict[str, set[str]] = {}
        self._listed: dict[tuple[str, str], set[str]] = {}

    def has(self, file: str, column: str) -> bool:
        """Tell whether a file was received and has a column."""
        if file not in self._columns:
            self._columns[file] = self._find_columns(file)
        return column in self._columns[file]

    def _find_columns(self, file: str) -> set[str]:
        if file in self._frames:
            return set(self._frames[file].columns)
        return set(self._db.columns(f"raw_{file}") if self._db.has(f"raw_{file}") else ())

    def read(self, file: str, column: str) -> set[str]:
        """Return the codes of a column, without outer blanks."""
        if (file, column) not in self._listed:
            self._listed[file, column] = self._find(file, column)
        return self._listed[file, column]

    def _find(self, file: str, column: str) -> set[str]:
        if file in self._frames:
            found = self._frames[file][column].dropna().str.strip()
        else:
            found = self._db.frame(f'SELECT DISTINCT "{column}" AS code FROM typed_{file}')["code"]
        return set(found.dropna()) - {""}

    def replace(self, file: str, column: str, repairs: dict[str, str], why: str) -> int:
        """Put new codes in a column, and keep each row's old one; return the number of rows."""
        self._listed.pop((file, column), None)
        if file in self._frames:
            self._replace_small(file, column, repairs, why)
        else:
            self._replace_large(file, column, repairs, why)
        n_rows = self._db.count("new_repairs")
        self._db.append_rows(REPAIRS, "SELECT * FROM new_repairs")
        self._db.drop("new_repairs")
        return n_rows

    def _replace_small(self, file: str, column: str, repairs: dict[str, str], why: str) -> None:
        frame = self._frames[file]
        old = frame[column].str.strip()
        is_spoilt = old.isin(list(repairs))
        new = old[is_spoilt].map(repairs)
        changed = pd.DataFrame(
            {
                "file": file,
                ROW_NUMBER: frame.loc[is_spoilt, ROW_NUMBER].astype("int64"),
                "column_name": column,
                "old_value": old[is_spoilt],
                "new_value": new,
                "why": why,
            }
        )
        self._frames[file] = frame.assign(**{column: frame[column].where(~is_spoilt, new)})
        self._db.add_frame("new_repairs", changed)

    def _replace_large(self, file: str, column: str, repairs: dict[str, str], why: str) -> None:
        pairs = pd.DataFrame({"bare": list(repairs), "code": list(repairs.values())}).astype("str")
        self._db.add_frame("new_codes", pairs)
        self._db.create(
            "new_repairs",
            f"SELECT '{file}' AS file, rows.{ROW_NUMBER}, '{column}' AS column_name, "
            f"codes.bare AS old_value, codes.code AS new_value, '{why}' AS why FROM typed_{file} AS rows "
            f'JOIN new_codes AS codes ON codes.bare = rows."{column}"',
        )
        fresh = f"SELECT {ROW_NUMBER}, new_value FROM new_repairs"
        self._db.put_values(f"typed_{file}", column, fresh)
        self._db.drop("new_codes")
