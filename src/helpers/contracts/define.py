"""How the tables that steps write are written down, short enough to be read."""

from __future__ import annotations

from helpers.contracts.model import Column, Level, Table

LINE = ("code", "Service line, or UNMAPPED, UNMATCHED:<line>, ET, RD, OTHER, EXCLUDED.")
PENCE = "whole pence"


def define_table(
    name: str,
    meaning: str,
    columns: dict[str, tuple],
    key: str = "",
    level: Level = "line",
    **more: object,
) -> Table:
    """Return a table: its columns as ``(kind, meaning[, unit])``, its key as names with blanks between."""
    return Table(
        name,
        meaning,
        {column: Column(*given) for column, given in columns.items()},
        key=tuple(key.split()),
        level=level,
        **more,  # type: ignore[arg-type]
    )


def in_pence(meaning: str) -> tuple[str, str, str]:
    """Return a column of whole pence."""
    return ("int", meaning, PENCE)
