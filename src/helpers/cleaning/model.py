"""What a cleaning rule is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

Stage = Literal["types", "corrections", "duplicates", "dates", "codes", "links"]
Severity = Literal["F", "X", "R", "W"]
Effect = Literal["stop", "set aside", "rewrite", "add rows", "note"]

STAGES: tuple[Stage, ...] = ("types", "corrections", "duplicates", "dates", "codes", "links")
SEVERITY_WORDS = {
    "F": "stops the run",
    "X": "row set aside",
    "R": "value repaired",
    "W": "kept, with a warning",
}
FACTS = (
    "OP-002", "APC-010", "APC-015", "APC-016", "OP-007", "ED-004", "WRD-007", "PER-001", "COR-001",
    "DRG-001", "IMP-001", "DRV-004", "LED-007",
)  # fmt: skip
SPELLS = "link_spells"  # what rules of links look up: when each spell began and ended
FINDING_COLUMNS = ("row_number", "column_name", "old_value", "new_value", "amount_pence")

Frames = Mapping[str, pd.DataFrame]
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """What every rule says of itself.

    Attributes
    ----------
    code
        As in the log, for example ``APC-004``.
    file
        The input file whose rows it judges.
    stage
        When it runs: all files pass one stage before any enters the next.
    severity, effect
        F stops the run, X sets the row aside, R repairs it, W keeps it with a warning.
    words
        What it finds, in plain words: the sentence a reader of the report sees.
    action
        What is done about it.

    Notes
    -----
    ``FACTS`` names the rules that tell of how things are (a patient still in hospital, an appointment
    missed), not of a fault that the trust should mend.
    """

    code: str
    file: str
    stage: Stage
    severity: Severity
    effect: Effect
    words: str
    action: str


@dataclass(frozen=True)
class SqlRule(Rule):
    """A rule on a large table: a SELECT that returns one row a finding.

    ``sql`` gives ``row_number``, ``column_name``, ``old_value``, ``new_value`` (text) and
    ``amount_pence``; it may use ``$period_start`` and ``$period_end``. For ``rewrite`` the new value
    is put in the column. For ``add rows`` ``new_rows`` is a SELECT of whole rows, and ``sql`` of
    findings about them.

    Most rules find nothing in most files. Two fields let that be shown cheaply, for many rules at once:
    ``where`` is a condition on one row that is met by every row the rule finds; ``unless_unique`` names
    columns (or expressions) without whose repetition it finds nothing. Both may be met where it finds nothing.
    """

    sql: str = ""
    needs: tuple[str, ...] = ()
    new_rows: str = ""
    where: str = ""
    unless_unique: tuple[str, ...] = ()


@dataclass(frozen=True)
class FrameRule(Rule):
    """A rule on small tables: a function of all frames that returns findings, or raises.

    The findings have the columns ``FINDING_COLUMNS``. A rule with severity F returns none: it
    raises ``InputError``. ``needs`` names the files it reads; it is passed over if one is absent.
    """

    find: Callable[[Frames, Settings], pd.DataFrame] | None = None
    needs: tuple[str, ...] = ()


def row_rule(
    code: str,
    file: str,
    stage: Stage,
    severity: Severity,
    effect: Effect,
    words: str,
    action: str,
    condition: str,
    column: str,
    *,
    new: str = "NULL",
    amount: str = "NULL",
) -> SqlRule:
    """Return a rule that judges each row by itself: those that meet a condition are found, by a column."""
    sql = find_rows(file, condition, column, new=new, amount=amount)
    return SqlRule(code, file, stage, severity, effect, words, action, sql=sql, where=condition)


def no_findings() -> pd.DataFrame:
    """Return an empty frame of findings."""
    return _NO_FINDINGS.copy()


def findings_of(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Return findings as a frame with one type a column, also when there are none."""
    frame = pd.DataFrame(records, columns=list(FINDING_COLUMNS))
    return frame.astype(
        {
            "row_number": "Int64",
            "column_name": "str",
            "old_value": "str",
            "new_value": "str",
            "amount_pence": "Int64",
        }
    )


_NO_FINDINGS = findings_of([])


def find_rows(
    file: str, condition: str, column: str, *, new: str = "NULL", amount: str = "NULL"
) -> str:
    """Return the SELECT of findings for rows of a clean table that meet a condition."""
    old = f"CAST({column} AS VARCHAR)" if column else "NULL"
    return (
        f"SELECT row_number, '{column}' AS column_name, {old} AS old_value, "
        f"CAST({new} AS VARCHAR) AS new_value, CAST({amount} AS BIGINT) AS amount_pence "
        f"FROM clean_{file} WHERE {condition}"
    )
