"""Rules for the other activity feeds: one row a key, inside the year, and what is plainly wrong."""

from __future__ import annotations

from helpers.cleaning.model import SqlRule, find_rows
from helpers.contracts import INPUTS

LONG_CASE_MINUTES = 960
# Each feed, the date that places it in the year, and the date it ends where it can take days.
FEED_DATES = (
    ("theatre_cases", "into_dt", ""),
    ("critical_care", "start_dt", "end_dt"),
    ("tests", "requested_dt", ""),
    ("drug_issues", "issue_dt", ""),
    ("implants", "used_dt", ""),
    ("therapy_contacts", "start_dt", ""),
)
KEYED_FILES = ("ward_stays", *(file for file, _, _ in FEED_DATES), "outcomes")


def _twice(file: str) -> SqlRule:
    """Return the rule that a key stands once."""
    keys = INPUTS[file].key
    first = keys[0]
    sql = (
        f"SELECT row_number, '{first}' AS column_name, {first} AS old_value, CAST(NULL AS VARCHAR) AS new_value, "
        f"CAST(NULL AS BIGINT) AS amount_pence FROM (SELECT row_number, {first}, row_number() OVER ("
        f"PARTITION BY {', '.join(keys)} ORDER BY row_number) AS place FROM clean_{file}) AS ranked WHERE place > 1"
    )
    return SqlRule("DUP-001", file, "duplicates", "X", "set aside", "The same key twice.",
                   "first kept, later ones set aside", sql=sql)  # fmt: skip


def _outside(file: str, date: str, end: str) -> SqlRule:
    """Return the rule that activity touches the year; critical care may run across its ends."""
    day = f"CAST({date} AS DATE)"
    last = f"CAST({end} AS DATE)" if end else day
    sql = find_rows(file, f"{last} < $period_start OR {day} > $period_end", date)
    return SqlRule("PER-001", file, "dates", "X", "set aside", "The activity is dated outside the year.",
                   "set aside: not this year's", sql=sql)  # fmt: skip


_CASE_MINUTES = "date_diff('second', into_dt, out_dt) / 60.0"
_NO_SPELL = (
    "SELECT row_number, 'spell_id' AS column_name, spell_id AS old_value, CAST(NULL AS VARCHAR) AS new_value, "
    "CAST(NULL AS BIGINT) AS amount_pence FROM clean_theatre_cases AS cases WHERE NOT EXISTS ("
    "SELECT 1 FROM clean_apc_episodes AS apc WHERE apc.spell_id = cases.spell_id)"
)

FEED_RULES = [
    *(_twice(file) for file in KEYED_FILES),
    *(_outside(*feed) for feed in FEED_DATES),
    SqlRule("THR-001", "theatre_cases", "dates", "X", "set aside",
            "The patient leaves the theatre before entering it, or at once.", "set aside",
            sql=find_rows("theatre_cases", "out_dt <= into_dt", "out_dt")),
    SqlRule("THR-002", "theatre_cases", "dates", "W", "note",
            f"The case took more than {LONG_CASE_MINUTES // 60} hours.", "kept",
            sql=find_rows("theatre_cases", f"{_CASE_MINUTES} > {LONG_CASE_MINUTES}", "out_dt")),
    SqlRule("THR-003", "theatre_cases", "links", "W", "note", "The case's spell is not among the episodes.",
            "kept; its cost is shown as unmatched", sql=_NO_SPELL, needs=("apc_episodes",)),
    SqlRule("CCP-001", "critical_care", "dates", "X", "set aside", "The period ends before it starts.", "set aside",
            sql=find_rows("critical_care", "end_dt < start_dt", "end_dt")),
    SqlRule("DRG-001", "drug_issues", "codes", "W", "note", "The cost is negative (a credit).", "kept",
            sql=find_rows("drug_issues", "cost_pence < 0", "cost_pence", amount="cost_pence")),
    SqlRule("DRG-002", "drug_issues", "codes", "W", "note", "The cost is missing.",
            "kept; weighed by the product's median",
            sql=find_rows("drug_issues", "cost_pence IS NULL", "cost_pence")),
]  # fmt: skip
