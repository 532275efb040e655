"""Rules for ward stays (WRD): within their spell, one ward at a time, none missing."""

from __future__ import annotations

from helpers.cleaning.model import SPELLS, SqlRule, row_rule
from helpers.contracts import ROW_NUMBER

FILE = "ward_stays"
UNKNOWN_WARD = "WARD_UNKNOWN"

_NOTHING = "CAST(NULL AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence"
_OVERLAP = (
    "SELECT row_number, 'end_dt' AS column_name, CAST(end_dt AS VARCHAR) AS old_value, "
    "CAST(next_start AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence FROM ("
    "SELECT row_number, end_dt, lead(start_dt) OVER (PARTITION BY spell_id ORDER BY start_dt, stay_id) "
    f"AS next_start FROM clean_{FILE} WHERE spell_id IS NOT NULL) AS ordered "
    "WHERE next_start IS NOT NULL AND (end_dt > next_start OR end_dt IS NULL)"
)
_INSIDE_START = "least(greatest(start_dt, admission_dt), coalesce(discharge_dt, greatest(start_dt, admission_dt)))"
_INSIDE_END = "greatest(least(end_dt, coalesce(discharge_dt, end_dt)), admission_dt)"


def _clip(column: str, inside: str) -> str:
    return (
        f"SELECT stays.row_number, '{column}' AS column_name, CAST({column} AS VARCHAR) AS old_value, "
        f"CAST({inside} AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence "
        f"FROM clean_{FILE} AS stays JOIN {SPELLS} AS spells ON spells.spell_id = stays.spell_id "
        f"WHERE {inside} <> {column}"
    )


_NO_STAY = (
    f"FROM {SPELLS} AS spells WHERE date_diff('day', CAST(admission_dt AS DATE), "
    "coalesce(CAST(discharge_dt AS DATE), $period_end)) > 0 "
    f"AND NOT EXISTS (SELECT 1 FROM clean_{FILE} AS stays WHERE stays.spell_id = spells.spell_id)"
)
_NO_STAY_FOUND = (
    "SELECT CAST(NULL AS BIGINT) AS row_number, 'ward_id' AS column_name, CAST(NULL AS VARCHAR) AS old_value, "
    f"'{UNKNOWN_WARD}' AS new_value, CAST(NULL AS BIGINT) AS amount_pence, "
    f"'{UNKNOWN_WARD}:' || spell_id AS row_key {_NO_STAY}"
)
_MADE_STAY = (
    f"SELECT '{UNKNOWN_WARD}:' || spell_id AS stay_id, spell_id, '{UNKNOWN_WARD}' AS ward_id, "
    "admission_dt AS start_dt, discharge_dt AS end_dt, CAST(1.0 AS DOUBLE) AS acuity_weight, "
    f"CAST(NULL AS BIGINT) AS {ROW_NUMBER} {_NO_STAY}"
)
_NO_SPELL = (
    f"SELECT row_number, 'spell_id' AS column_name, spell_id AS old_value, {_NOTHING} "
    f"FROM clean_{FILE} AS stays WHERE NOT EXISTS ("
    "SELECT 1 FROM clean_apc_episodes AS apc WHERE apc.spell_id = stays.spell_id)"
)

STAY_RULES = [
    row_rule("WRD-006", FILE, "dates", "X", "set aside", "The stay ends before it starts.", "set aside",
            "end_dt < start_dt", "end_dt"),
    row_rule("WRD-007", FILE, "dates", "X", "set aside", "The stay lies wholly outside the year.",
            "set aside: not this year's",
            "CAST(end_dt AS DATE) < $period_start OR CAST(start_dt AS DATE) > $period_end",
                          "start_dt"),
    row_rule("WRD-008", FILE, "codes", "R", "rewrite", "The nursing weight is not above zero.",
            "taken as 1", "acuity_weight IS NULL OR acuity_weight <= 0", "acuity_weight",
                                        new="1.0"),
    SqlRule("WRD-001", FILE, "links", "R", "rewrite", "Two ward stays of one spell overlap.",
            "the earlier ends where the later starts", sql=_OVERLAP),
    SqlRule("WRD-002", FILE, "links", "R", "rewrite", "The stay reaches outside its spell.",
            "cut to the spell", sql=f"{_clip('start_dt', _INSIDE_START)} UNION ALL {_clip('end_dt', _INSIDE_END)}",
            needs=("apc_episodes",)),
    SqlRule("WRD-003", FILE, "links", "R", "add rows", "A spell with at least one night has no ward stay.",
            f"a stay on the ward {UNKNOWN_WARD} made, from admission to discharge",
            sql=_NO_STAY_FOUND, new_rows=_MADE_STAY, needs=("apc_episodes",)),
    row_rule("WRD-004", FILE, "links", "W", "note", "The stay has no length.", "kept, weighs one hour",
            "start_dt = end_dt", "end_dt"),
    SqlRule("WRD-005", FILE, "links", "W", "note", "The stay's spell is not among the episodes.",
            "kept; its cost is shown as unmatched", sql=_NO_SPELL, needs=("apc_episodes",)),
]  # fmt: skip
