"""Rules for outpatient appointments (OP) and emergency department attendances (ED)."""

from __future__ import annotations

from typing import Any

from helpers.cleaning.episodes import NOT_KNOWN_CONSULTANT, is_malformed, unmapped_rows
from helpers.cleaning.model import SqlRule, row_rule
from helpers.contracts import QueryEngine
from helpers.contracts.inputs import CONSULTANT

OP, ED = "op_attendances", "ed_attendances"
LONGEST_BOOKING_MINUTES = 480
USUAL_FIRST_MINUTES, USUAL_FOLLOW_UP_MINUTES = 30, 15
LONG_ED_MINUTES = 2880  # 48 hours; weights stop there too
SEEN = "('5', '6')"
FIRST_ATTENDANCE = "('1', '3')"


def _rule(
    code: str,
    file: str,
    stage: str,
    severity: str,
    effect: str,
    words: str,
    action: str,
    sql: str,
    **more: Any,
) -> SqlRule:
    return SqlRule(code, file, stage, severity, effect, words, action, sql=sql, **more)  # type: ignore[arg-type]


def _row(
    code: str,
    file: str,
    stage: str,
    severity: str,
    effect: str,
    words: str,
    action: str,
    *found: str,
    **more: str,
) -> SqlRule:
    return row_rule(code, file, stage, severity, effect, words, action, *found, **more)  # type: ignore[arg-type]


def _later_of(file: str, partition: str, order: str, condition: str = "TRUE") -> str:
    """Return findings for all rows but the first of each group."""
    return (
        "SELECT row_number, 'attendance_id' AS column_name, attendance_id AS old_value, "
        "kept_id AS new_value, CAST(NULL AS BIGINT) AS amount_pence FROM ("
        "SELECT row_number, attendance_id, row_number() OVER same AS place, "
        f"first_value(attendance_id) OVER same AS kept_id FROM clean_{file} WHERE {condition} "
        f"WINDOW same AS (PARTITION BY {partition} ORDER BY {order})) AS ranked WHERE place > 1"
    )


_SAME_MINUTE = ("patient_key", "tfc", "date_trunc('minute', appointment_dt)")
_BOOKING = (
    f"booked_minutes IS NULL OR booked_minutes <= 0 OR booked_minutes > {LONGEST_BOOKING_MINUTES}"
)
_USUAL_BOOKING = (
    f"CASE WHEN first_attendance IN {FIRST_ATTENDANCE} THEN {USUAL_FIRST_MINUTES} "
    f"ELSE {USUAL_FOLLOW_UP_MINUTES} END"
)
_ED_SECONDS = "date_diff('second', arrival_dt, departure_dt)"
_NO_DEPARTURE = (
    "SELECT open.row_number, 'departure_dt' AS column_name, CAST(NULL AS VARCHAR) AS old_value, "
    "CAST(open.arrival_dt + usual.minutes * INTERVAL 1 MINUTE AS VARCHAR) AS new_value, "
    "CAST(NULL AS BIGINT) AS amount_pence FROM clean_ed_attendances AS open JOIN ("
    f"SELECT department_type, CAST(floor(sum({_ED_SECONDS}) / (60 * count(*))) AS BIGINT) AS minutes "
    "FROM clean_ed_attendances WHERE departure_dt IS NOT NULL "
    f"AND {_ED_SECONDS} <= {LONG_ED_MINUTES * 60} GROUP BY department_type"
    ") AS usual ON usual.department_type = open.department_type WHERE open.departure_dt IS NULL"
)
_NO_SPELL = (
    "SELECT row_number, 'admitted_spell_id' AS column_name, admitted_spell_id AS old_value, "
    "CAST(NULL AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence "
    "FROM clean_ed_attendances AS ed WHERE admitted_spell_id IS NOT NULL AND NOT EXISTS ("
    "SELECT 1 FROM clean_apc_episodes AS apc WHERE apc.spell_id = ed.admitted_spell_id)"
)

ATTENDANCE_RULES = [
    _rule("OP-001", OP, "duplicates", "X", "set aside", "The same appointment number twice.",
          "the one with the latest date kept, the others set aside",
          _later_of(OP, "attendance_id", "appointment_dt DESC NULLS LAST, row_number"),
          unless_unique=("attendance_id",)),
    _rule("OP-004", OP, "duplicates", "X", "set aside",
          "Two appointments of one patient, treatment function and minute.",
          "one kept (one that was attended first), the other set aside",
          _later_of(OP, ", ".join(_SAME_MINUTE),
                    f"CASE WHEN attended IN {SEEN} THEN 0 ELSE 1 END, row_number",
                    "patient_key IS NOT NULL AND tfc IS NOT NULL"),
          unless_unique=_SAME_MINUTE),
    _row("OP-007", OP, "dates", "X", "set aside", "The appointment is outside the year.",
          "set aside: not this year's",
          "CAST(appointment_dt AS DATE) < $period_start OR "
                        "CAST(appointment_dt AS DATE) > $period_end", "appointment_dt"),
    _row("OP-002", OP, "codes", "W", "note", "The appointment was not attended.",
          "kept and counted; carries no cost, unless the trust costs missed appointments",
          f"attended IS NULL OR attended NOT IN {SEEN}", "attended"),
    _row("OP-003", OP, "codes", "R", "rewrite",
          f"Booked time is missing, not above zero, or above {LONGEST_BOOKING_MINUTES} minutes.",
          f"taken as {USUAL_FIRST_MINUTES} minutes (first) or {USUAL_FOLLOW_UP_MINUTES} (follow-up)",
          _BOOKING, "booked_minutes", new=_USUAL_BOOKING),
    _row("OP-005", OP, "codes", "R", "rewrite", "The consultant's code is missing or malformed.",
          f"taken as {NOT_KNOWN_CONSULTANT} (not known)",
          is_malformed("consultant_code", CONSULTANT), "consultant_code",
                    new=f"'{NOT_KNOWN_CONSULTANT}'"),
    SqlRule("OP-006", OP, "codes", "W", "note", "No row of the line map takes this treatment function.",
            "kept, under the line UNMAPPED", sql=unmapped_rows(OP, has_site=False),
            needs=("service_line_map",)),
    _rule("ED-006", ED, "duplicates", "X", "set aside", "The same attendance number twice.",
          "first kept, later ones set aside", _later_of(ED, "attendance_id", "row_number"),
          unless_unique=("attendance_id",)),
    _row("ED-001", ED, "dates", "X", "set aside", "Departure is before arrival.", "set aside",
          "departure_dt < arrival_dt", "departure_dt"),
    _row("ED-004", ED, "dates", "X", "set aside", "The arrival is outside the year.",
          "set aside: not this year's",
          "CAST(arrival_dt AS DATE) < $period_start OR CAST(arrival_dt AS DATE) > $period_end",
                    "arrival_dt"),
    _row("ED-002", ED, "dates", "W", "note",
          f"The patient was in the department for more than {LONG_ED_MINUTES // 60} hours.",
          f"kept; its weight stops at {LONG_ED_MINUTES:,} minutes",
          f"{_ED_SECONDS} > {LONG_ED_MINUTES * 60}", "departure_dt"),
    _rule("ED-005", ED, "dates", "R", "rewrite", "The departure is missing.",
          "taken as the department type's mean time after arrival", _NO_DEPARTURE, where="departure_dt IS NULL"),
    SqlRule("ED-003", ED, "links", "W", "note", "The spell the patient was admitted to is not among the episodes.",
            "kept", sql=_NO_SPELL, needs=("apc_episodes",), where="admitted_spell_id IS NOT NULL"),
]  # fmt: skip


def add_attended(db: QueryEngine) -> None:
    """Add ``is_attended`` to the clean appointments: only these carry cost."""
    db.add_column(f"clean_{OP}", "is_attended", "BOOLEAN", f"coalesce(attended IN {SEEN}, FALSE)")
