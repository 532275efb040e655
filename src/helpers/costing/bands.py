"""Large tables made a band at a time, so that what a statement looks things up in stays in memory (D-352)."""

from __future__ import annotations

from typing import Any

from helpers.contracts import QueryEngine

ROWS_A_BAND = 1_048_576  # rows that a band looks up: some 40 MB


def extend(db: QueryEngine, name: str, sql: str, *, is_new: bool, **parameters: Any) -> None:
    """Put the rows of a SELECT at a table's end, or make the table of them."""
    if is_new:
        db.create(name, sql, **parameters)
    else:
        db.append_rows(name, sql, **parameters)


def extend_in_bands(
    db: QueryEngine, name: str, sql: str, *, numbered: int, is_new: bool = True
) -> None:
    """Make a table, or add to it, for some of the ``numbered`` rows at a time; they are numbered from 0.

    ``sql`` takes those from ``$first`` up to but not including ``$last``. There is one band at least.
    """
    for first in range(0, max(numbered, 1), ROWS_A_BAND):
        extend(
            db, name, sql, is_new=is_new and first == 0, first=first, last=first + ROWS_A_BAND
        )  # fmt: skip
