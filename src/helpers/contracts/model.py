"""What a table is: its key, columns, types, units and meaning."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:  # contracts stay light: the command line reads them before anything heavy
    import pandas as pd

Kind = Literal["text", "code", "int", "number", "money", "date", "datetime", "bool"]
Level = Literal["trust", "line", "consultant", "patient", "public"]

# How each kind is held after reading: (engine type, pandas type).
STORED_AS: dict[str, tuple[str, str]] = {
    "text": ("VARCHAR", "str"),
    "code": ("VARCHAR", "str"),
    "int": ("BIGINT", "Int64"),
    "number": ("DOUBLE", "float64"),
    "money": ("BIGINT", "Int64"),
    "date": ("DATE", "datetime64[us]"),
    "datetime": ("TIMESTAMP", "datetime64[us]"),
    "bool": ("BOOLEAN", "boolean"),
}


@dataclass(frozen=True)
class Column:
    """One column: how it is read, its unit, and what it means.

    ``required`` columns must be in the file. A ``money`` column is pounds with at most two decimals
    in a file and whole pence once read, when its name gains ``_pence``.
    """

    kind: Kind
    meaning: str
    unit: str = ""
    required: bool = True
    pattern: str = ""
    allowed: tuple[str, ...] = ()
    default: str | None = None


@dataclass(frozen=True)
class Table:
    """One table: a file that a trust supplies, or one that a step writes."""

    name: str
    meaning: str
    columns: dict[str, Column]
    key: tuple[str, ...] = ()
    mandatory: bool = False
    large: bool = False
    level: Level = "trust"
    panel: str = ""
    row_words: str = field(default="rows")

    @property
    def required_columns(self) -> list[str]:
        return [name for name, column in self.columns.items() if column.required]

    def stored_name(self, column: str) -> str:
        """Return a column's name once read: money gains ``_pence``."""
        is_money = self.columns[column].kind == "money"
        return f"{column}_pence" if is_money and not column.endswith("_pence") else column

    @property
    def stored_columns(self) -> list[str]:
        return [self.stored_name(column) for column in self.columns]

    @property
    def pandas_kinds(self) -> dict[str, str]:
        """Return how each stored column is held in a frame: money that must be there as plain int64."""
        return {
            self.stored_name(name): "int64"
            if column.kind == "money" and column.required
            else STORED_AS[column.kind][1]
            for name, column in self.columns.items()
        }


class QueryEngine(Protocol):
    """What calculation modules may ask of the engine (helpers.engine opens one)."""

    def create(self, name: str, sql: str, **parameters: Any) -> None:
        """Make or replace a table from a SELECT."""

    def create_numbered(self, name: str, number: str, sql: str, **parameters: Any) -> None:
        """Make or replace a table, its rows numbered from 0 in a column, in no order."""

    def joins_as_written(self) -> AbstractContextManager[None]:
        """In a block, keep in memory the right side of a join, whatever is thought of its size."""

    def create_view(self, name: str, sql: str) -> None:
        """Make or replace a view of a SELECT that has no parameters."""

    def frame(self, sql: str, **parameters: Any) -> pd.DataFrame:
        """Return the rows of a SELECT."""

    def add_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Make or replace a table from a frame."""

    def remove_rows(self, name: str, condition: str) -> int:
        """Take the rows that meet a condition out of a table; return how many."""

    def append_rows(self, name: str, sql: str, **parameters: Any) -> None:
        """Put the rows of a SELECT, whose columns are the table's in order, at a table's end."""

    def put_values(self, name: str, column: str, values: str) -> None:
        """Put new values in a column: a SELECT of ``row_number`` and ``new_value``."""

    def add_column(self, name: str, column: str, kind: str, value: str, **parameters: Any) -> None:
        """Add a column to a table: an expression of its other columns, and its type."""

    def has_repeats(self, name: str, columns: Sequence[str]) -> bool:
        """Tell whether two rows may have the same values in some columns; False is certain."""

    def rename(self, name: str, to: str) -> None:
        """Give a table another name."""

    def count(self, name: str) -> int:
        """Return how many rows a table has."""

    def has(self, name: str) -> bool:
        """Tell whether a table or view of that name is there."""

    def columns(self, name: str) -> list[str]:
        """Return a table's column names, in order."""

    def drop(self, *names: str) -> None:
        """Forget tables or views."""
