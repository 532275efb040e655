"""Rules for the other activity feeds: one row a key, inside the year, and what is plainly wrong."""

from __future__ import annotations

from helpers.cleaning.model import SPELLS, SqlRule, find_rows, row_rule
from helpers.contracts import INPUTS

LONG_CASE_MINUTES = 960
LONG_CONTACT_MINUTES = 480
MOST_ORGANS = 7
NEAR_SPELL_HOURS = 24
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
                   "first kept, later ones set aside", sql=sql, unless_unique=keys)  # fmt: skip


def _outside(file: str, date: str, end: str) -> SqlRule:
    """Return the rule that activity touches the year; critical care may run across its ends."""
    day = f"CAST({date} AS DATE)"
    last = f"CAST({end} AS DATE)" if end else day
    return row_rule("PER-001", file, "dates", "X", "set aside", "The activity is dated outside the year.",
                    "set aside: not this year's", f"{last} < $period_start OR {day} > $period_end", date)  # fmt: skip


_CASE_MINUTES = "date_diff('second', into_dt, out_dt) / 60.0"
_NOTHING = "CAST(NULL AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence"


def _without_spell(code: str, file: str, owner: str) -> SqlRule:
    """Return the rule that a row's spell is among the episodes."""
    sql = (
        f"SELECT row_number, 'spell_id' AS column_name, spell_id AS old_value, {_NOTHING} "
        f"FROM clean_{file} AS rows WHERE NOT EXISTS ("
        "SELECT 1 FROM clean_apc_episodes AS apc WHERE apc.spell_id = rows.spell_id)"
    )
    words = f"The {owner}'s spell is not among the episodes."
    return SqlRule(code, file, "links", "W", "note", words, "kept; its cost is shown as unmatched",
                   sql=sql, needs=("apc_episodes",))  # fmt: skip


def _outside_spell(code: str, file: str, start: str, end: str) -> SqlRule:
    """Return the rule that activity lies in its spell, give or take a day."""
    sql = (
        f"SELECT rows.row_number, '{start}' AS column_name, CAST(rows.{start} AS VARCHAR) AS old_value, {_NOTHING} "
        f"FROM clean_{file} AS rows JOIN {SPELLS} AS spells ON spells.spell_id = rows.spell_id WHERE "
        f"date_diff('second', rows.{start}, admission_dt) > {NEAR_SPELL_HOURS * 3600} "
        f"OR (is_ended AND date_diff('second', discharge_dt, rows.{end}) > {NEAR_SPELL_HOURS * 3600})"
    )
    words = f"It lies more than {NEAR_SPELL_HOURS} hours before its spell, or after it."
    return SqlRule(code, file, "links", "W", "note", words,
                   "kept; costed with the spell only where an episode is within a day",
                   sql=sql, needs=("apc_episodes",))  # fmt: skip


def _overlapping(code: str, file: str, start: str, end: str, words: str) -> SqlRule:
    """Return the rule that one patient is in one place at a time."""
    key = INPUTS[file].key[0]
    sql = (
        f"SELECT row_number, '{start}' AS column_name, CAST({start} AS VARCHAR) AS old_value, {_NOTHING} FROM ("
        f"SELECT row_number, {start}, max({end}) OVER (PARTITION BY spell_id ORDER BY {start}, {key} "
        f"ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier_end FROM clean_{file} "
        f"WHERE spell_id IS NOT NULL) AS ordered WHERE earlier_end > {start}"
    )
    return SqlRule(code, file, "dates", "W", "note", words, "kept; both are costed", sql=sql)


def _below_zero(column: str, usual: str, *, or_zero: bool = False) -> str:
    """Return findings for theatre numbers that cannot be, with the usual value in their place."""
    test = "<= 0" if or_zero else "< 0"
    return find_rows("theatre_cases", f"{column} {test}", column, new=usual)


_ANY_IMPOSSIBLE = "setup_minutes < 0 OR recovery_minutes < 0 OR team_weight <= 0"
_IMPOSSIBLE_TIMES = " UNION ALL ".join(
    (_below_zero("setup_minutes", "0.0"), _below_zero("recovery_minutes", "0.0"),
     _below_zero("team_weight", "1.0", or_zero=True))
)  # fmt: skip
_OPEN_PERIOD = (
    "SELECT rows.row_number, 'end_dt' AS column_name, CAST(NULL AS VARCHAR) AS old_value, "
    "CAST(greatest(discharge_dt, rows.start_dt) AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence "
    f"FROM clean_critical_care AS rows JOIN {SPELLS} AS spells ON spells.spell_id = rows.spell_id "
    "WHERE rows.end_dt IS NULL AND is_ended"
)


def _unweighed(code: str, file: str, feed: str, column: str, words: str, action: str) -> SqlRule:
    """Return the rule that a code has a relative weight."""
    sql = (
        f"SELECT row_number, '{column}' AS column_name, {column} AS old_value, {_NOTHING} FROM clean_{file} AS rows "
        "WHERE EXISTS (SELECT 1 FROM small_relative_weights AS weights "
        f"WHERE weights.feed = '{feed}') AND NOT EXISTS (SELECT 1 FROM small_relative_weights AS weights "
        f"WHERE weights.feed = '{feed}' AND weights.code = rows.{column})"
    )
    return SqlRule(
        code, file, "codes", "W", "note", words, action, sql=sql, needs=("relative_weights",)
    )


_NO_COST_ANYWHERE = (
    f"SELECT row_number, 'cost_pence' AS column_name, CAST(NULL AS VARCHAR) AS old_value, {_NOTHING} "
    "FROM clean_drug_issues AS rows WHERE cost_pence IS NULL AND NOT EXISTS (SELECT 1 FROM clean_drug_issues "
    "AS others WHERE others.product = rows.product AND others.cost_pence IS NOT NULL)"
)

THEATRE_RULES = [
    row_rule("THR-001", "theatre_cases", "dates", "X", "set aside",
            "The patient leaves the theatre before entering it, or at once.", "set aside",
            "out_dt <= into_dt", "out_dt"),
    row_rule("THR-002", "theatre_cases", "dates", "W", "note",
            f"The case took more than {LONG_CASE_MINUTES // 60} hours.", "kept",
            f"{_CASE_MINUTES} > {LONG_CASE_MINUTES}", "out_dt"),
    SqlRule("THR-005", "theatre_cases", "codes", "R", "rewrite",
            "Setting up, recovery or the size of the team is below what can be.",
            "taken as none (minutes) or the usual team (1)", sql=_IMPOSSIBLE_TIMES,
            where=_ANY_IMPOSSIBLE),
    _overlapping("THR-006", "theatre_cases", "into_dt", "out_dt",
                 "The patient is in theatre twice at one time."),
    _without_spell("THR-003", "theatre_cases", "case"),
    _outside_spell("THR-004", "theatre_cases", "into_dt", "into_dt"),
]  # fmt: skip
CRITICAL_CARE_RULES = [
    row_rule("CCP-001", "critical_care", "dates", "X", "set aside", "The period ends before it starts.", "set aside",
            "end_dt < start_dt", "end_dt"),
    _overlapping("CCP-005", "critical_care", "start_dt", "end_dt",
                 "Two periods of one spell overlap, so hours count twice."),
    row_rule("CCP-004", "critical_care", "codes", "R", "rewrite",
            f"Organs supported are not 0 to {MOST_ORGANS}.", "taken as missing; the hours weigh as none supported",
            f"organs_supported < 0 OR organs_supported > {MOST_ORGANS}",
                          "organs_supported"),
    SqlRule("CCP-006", "critical_care", "links", "R", "rewrite",
            "The period has no end, though the patient was discharged.", "taken as the discharge",
            sql=_OPEN_PERIOD, needs=("apc_episodes",), where="end_dt IS NULL"),
    _without_spell("CCP-002", "critical_care", "period"),
    _outside_spell("CCP-003", "critical_care", "start_dt", "end_dt"),
]  # fmt: skip
TEST_RULES = [
    _unweighed("TST-001", "tests", "tests", "test_code", "The test has no relative weight.",
               "kept; weighs as the middle test of its discipline"),
    row_rule("TST-002", "tests", "codes", "W", "note", "The number of tests is missing or not above zero.",
            "kept; weighs as one (missing) or nothing",
            "count IS NULL OR count <= 0", "count"),
]  # fmt: skip
THERAPY_RULES = [
    row_rule("THP-001", "therapy_contacts", "codes", "W", "note", "The time is missing or not above zero.",
            "kept; takes no cost", "minutes IS NULL OR minutes <= 0", "minutes"),
    row_rule("THP-002", "therapy_contacts", "codes", "W", "note",
            f"The contact took more than {LONG_CONTACT_MINUTES // 60} hours.", "kept",
            f"minutes > {LONG_CONTACT_MINUTES}", "minutes"),
    _unweighed("THP-003", "therapy_contacts", "therapies", "profession",
               "The profession has no relative weight.", "kept; a minute weighs as one"),
]  # fmt: skip
DRUG_RULES = [
    row_rule("DRG-001", "drug_issues", "codes", "W", "note", "The cost is negative (a credit).", "kept",
            "cost_pence < 0", "cost_pence", amount="cost_pence"),
    row_rule("DRG-002", "drug_issues", "codes", "W", "note", "The cost is missing.",
            "kept; weighed by the product's median",
            "cost_pence IS NULL", "cost_pence"),
    SqlRule("DRG-003", "drug_issues", "codes", "W", "note",
            "The cost is missing from every issue of the product.", "kept; takes no cost",
            sql=_NO_COST_ANYWHERE, where="cost_pence IS NULL"),
]  # fmt: skip
IMPLANT_RULES = [
    row_rule("IMP-001", "implants", "codes", "W", "note", "The cost is negative (a credit).", "kept",
            "cost_pence < 0", "cost_pence", amount="cost_pence"),
    row_rule("IMP-002", "implants", "codes", "W", "note", "The cost is missing or zero.",
            "kept; takes no cost",
            "cost_pence IS NULL OR cost_pence = 0", "cost_pence"),
    _without_spell("IMP-003", "implants", "implant"),
    _outside_spell("IMP-004", "implants", "used_dt", "used_dt"),
]  # fmt: skip

FEED_RULES = [
    *(_twice(file) for file in KEYED_FILES),
    *(_outside(*feed) for feed in FEED_DATES),
    *THEATRE_RULES,
    *CRITICAL_CARE_RULES,
    *TEST_RULES,
    *THERAPY_RULES,
    *DRUG_RULES,
    *IMPLANT_RULES,
]
