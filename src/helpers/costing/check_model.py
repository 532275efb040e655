"""What a check of costs is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.contracts import QueryEngine

FINDING_COLUMNS = ("code", "subject", "line_id", "amount_pence")


@dataclass(frozen=True)
class CostedTables:
    """The small tables of the costing step that checks read."""

    department_costs: pd.DataFrame
    pool_summary: pd.DataFrame
    pool_line_costs: pd.DataFrame


Finder = Callable[
    [QueryEngine, Mapping[str, pd.DataFrame], Mapping[str, Any], CostedTables], pd.DataFrame
]


@dataclass(frozen=True)
class CostCheck:
    """One check: what it asks, and how.

    Attributes
    ----------
    words
        What it finds, in plain words.
    subject
        What it counts: events, spells, departments, HRGs, ...
    action
        What the trust should do about it.
    sql, find
        A SELECT of ``subject, line_id, amount_pence``, or a function that returns them.
    needs
        Clean files it reads, and ``file.column`` where the column must hold something.
    """

    code: str
    words: str
    subject: str
    action: str
    sql: str = ""
    find: Finder | None = None
    needs: tuple[str, ...] = ()

    def find_missing(self, db: QueryEngine, frames: Mapping[str, pd.DataFrame]) -> list[str]:
        """Return what the check needs and the trust did not supply."""
        missing = []
        for need in self.needs:
            file, _, column = need.partition(".")
            is_there = len(frames[file]) > 0 if file in frames else db.has(f"clean_{file}")
            if is_there and column:
                count = db.frame(f"SELECT count({column}) AS n FROM clean_{file}")
                is_there = int(count["n"].iloc[0]) > 0
            if not is_there:
                missing.append(need)
        return missing


def findings_of(subject: pd.Series, amount: pd.Series, line: pd.Series | str = "") -> pd.DataFrame:
    """Return findings as the checks' functions do: subject, line and whole pence."""
    found = pd.DataFrame({"subject": subject.astype("str"), "amount_pence": amount})
    return found.assign(line_id=line).reset_index(drop=True)
