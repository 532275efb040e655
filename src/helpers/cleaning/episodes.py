"""Rules for episodes of admitted patients (APC-001 to APC-018), and their completion."""

from __future__ import annotations

from typing import Any

from helpers.cleaning.model import SqlRule, find_rows, row_rule
from helpers.cleaning.values import list_texts, matches
from helpers.contracts import INPUTS, QueryEngine
from helpers.contracts.inputs import CONSULTANT, HRG

FILE = "apc_episodes"
CLIP_HOURS = 24
GAP_HOURS = 24
LONG_STAY_DAYS = 365
OLDEST_AGE = 120
ADULT_AGE_YEARS = 18
NOT_KNOWN_CONSULTANT = "C9999998"
NOT_KNOWN_METHOD = "99"
ADMISSION_METHODS = (
    "11", "12", "13", "21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D",
    "31", "32", "81", "82", "83",
)  # fmt: skip
# Treatment functions by the NHS Data Dictionary: obstetrics and midwifery; children's services.
OBSTETRIC_TFCS = ("501", "560")
CHILD_TFCS = ("142", "171", "290", "291", "321", "420", "421", "422")
CHILD_TFC_GROUP = "2__"  # 211-291 are all children's

_COLUMNS = ", ".join(INPUTS[FILE].stored_columns)


def _apc(
    code: str,
    stage: str,
    severity: str,
    effect: str,
    words: str,
    action: str,
    sql: str,
    **more: Any,
) -> SqlRule:
    return SqlRule(code, FILE, stage, severity, effect, words, action, sql=sql, **more)  # type: ignore[arg-type]


def _row(
    code: str,
    stage: str,
    severity: str,
    effect: str,
    words: str,
    action: str,
    *found: str,
    **more: str,
) -> SqlRule:
    return row_rule(code, FILE, stage, severity, effect, words, action, *found, **more)  # type: ignore[arg-type]


_SAME_ROW = (
    "SELECT row_number, 'episode_id' AS column_name, episode_id AS old_value, "
    "CAST(NULL AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence FROM ("
    f"SELECT row_number, episode_id, row_number() OVER (PARTITION BY {_COLUMNS} ORDER BY row_number) AS place "
    f"FROM clean_{FILE}) AS ranked WHERE place > 1"
)
_SAME_ID = (
    "SELECT row_number, 'episode_end_dt' AS column_name, CAST(episode_end_dt AS VARCHAR) AS old_value, "
    "CAST(kept_end AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence FROM ("
    "SELECT row_number, episode_end_dt, "
    "row_number() OVER by_end AS place, first_value(episode_end_dt) OVER by_end AS kept_end "
    f"FROM clean_{FILE} "
    "WINDOW by_end AS (PARTITION BY episode_id ORDER BY episode_end_dt DESC NULLS LAST, row_number)"
    ") AS ranked WHERE place > 1"
)
_EPISODE_FIELDS = (
    "patient_key", "episode_start_dt", "episode_end_dt", "episode_number", "site_code",
)  # fmt: skip
_SAME_EPISODE = (
    "SELECT row_number, 'episode_id' AS column_name, episode_id AS old_value, kept_id AS new_value, "
    "CAST(NULL AS BIGINT) AS amount_pence FROM ("
    "SELECT row_number, episode_id, patient_key, row_number() OVER same AS place, "
    f"first_value(episode_id) OVER same AS kept_id FROM clean_{FILE} WINDOW same AS ("
    f"PARTITION BY {', '.join(_EPISODE_FIELDS)} "
    "ORDER BY row_number)) AS ranked WHERE place > 1 AND patient_key IS NOT NULL"
)
# How far the episode reaches outside its spell, at either end.
_OUTSIDE_SECONDS = (
    "greatest(date_diff('second', episode_start_dt, admission_dt), "
    "date_diff('second', coalesce(episode_end_dt, episode_start_dt), admission_dt), "
    "date_diff('second', coalesce(discharge_dt, episode_end_dt, episode_start_dt), "
    "coalesce(episode_end_dt, episode_start_dt)), "
    "date_diff('second', coalesce(discharge_dt, episode_start_dt), episode_start_dt))"
)
_CLIPPED_START = "least(greatest(episode_start_dt, admission_dt), coalesce(discharge_dt, greatest(episode_start_dt, admission_dt)))"
_CLIPPED_END = (
    "greatest(least(episode_end_dt, coalesce(discharge_dt, episode_end_dt)), admission_dt)"
)
_CLIP_START = find_rows(
    FILE,
    f"{_OUTSIDE_SECONDS} > 0 AND {_CLIPPED_START} <> episode_start_dt",
    "episode_start_dt",
    new=_CLIPPED_START,
)
_CLIP_END = find_rows(
    FILE,
    f"{_OUTSIDE_SECONDS} > 0 AND {_CLIPPED_END} <> episode_end_dt",
    "episode_end_dt",
    new=_CLIPPED_END,
)
_NEXT_START = (
    f"(SELECT row_number, episode_id, episode_start_dt, episode_end_dt, "
    "lead(episode_start_dt) OVER (PARTITION BY spell_id ORDER BY episode_start_dt, episode_number, row_number) "
    f"AS next_start FROM clean_{FILE} WHERE spell_id IS NOT NULL) AS ordered"
)
_OVERLAP = (
    "SELECT row_number, 'episode_end_dt' AS column_name, CAST(episode_end_dt AS VARCHAR) AS old_value, "
    "CAST(next_start AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence "
    f"FROM {_NEXT_START} WHERE next_start IS NOT NULL AND (episode_end_dt > next_start OR episode_end_dt IS NULL)"
)
_GAP = (
    "SELECT row_number, 'episode_end_dt' AS column_name, CAST(episode_end_dt AS VARCHAR) AS old_value, "
    "CAST(NULL AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence "
    f"FROM {_NEXT_START} WHERE date_diff('second', episode_end_dt, next_start) > {GAP_HOURS * 3600}"
)
_NIGHTS = "date_diff('day', CAST(admission_dt AS DATE), CAST(discharge_dt AS DATE))"


def is_malformed(column: str, pattern: str) -> str:
    """Return the condition that a code is missing or not of its pattern."""
    return f"({column} IS NULL OR NOT {matches(column, pattern)})"


def has_no_hrg(column: str) -> str:
    """Return the condition that an HRG is missing, malformed or UZ (ungroupable)."""
    return f"({is_malformed(column, HRG)} OR {column} LIKE 'UZ%')"


def unmapped_rows(file: str, *, has_site: bool) -> str:
    """Return findings for rows whose treatment function no row of the line map can take.

    A map row that names a ward is left aside, because an event's ward is not known yet.
    """
    looked_up = ("tfc", "consultant_code", "admin_category", *(("site_code",) if has_site else ()))
    names = ", ".join(looked_up)
    met = " AND ".join(f"(map.{name} IS NULL OR map.{name} = codes.{name})" for name in looked_up)
    no_site = "" if has_site else "AND map.site_code IS NULL"
    same = " AND ".join(f"rows.{name} IS NOT DISTINCT FROM codes.{name}" for name in looked_up)
    return (
        "SELECT rows.row_number, 'tfc' AS column_name, rows.tfc AS old_value, 'UNMAPPED' AS new_value, "
        f"CAST(NULL AS BIGINT) AS amount_pence FROM clean_{file} AS rows JOIN ("
        f"SELECT {names} FROM (SELECT DISTINCT {names} FROM clean_{file}) AS codes WHERE NOT EXISTS ("
        f"SELECT 1 FROM small_service_line_map AS map WHERE {met} AND map.ward_id IS NULL {no_site})"
        f") AS codes ON {same}"
    )


_IMPOSSIBLE = (
    f"(sex = '1' AND tfc IN ({list_texts(OBSTETRIC_TFCS)})) OR "
    f"(age > {ADULT_AGE_YEARS} AND (tfc IN ({list_texts(CHILD_TFCS)}) OR tfc LIKE '{CHILD_TFC_GROUP}'))"
)
_OUT_OF_PERIOD = (
    "CAST(episode_end_dt AS DATE) < $period_start OR CAST(episode_start_dt AS DATE) > $period_end"
)
_OPEN_AT_END = "(episode_end_dt IS NULL OR CAST(episode_end_dt AS DATE) > $period_end)"

EPISODE_RULES = [
    _apc("APC-001", "duplicates", "X", "set aside", "The same episode twice, every field equal.",
         "first kept, later ones set aside", _SAME_ROW, unless_unique=("episode_id",)),
    _apc("APC-002", "duplicates", "X", "set aside", "One episode number with different contents.",
         "the one that ends last kept, the others set aside; both ends logged", _SAME_ID, unless_unique=("episode_id",)),
    _apc("APC-003", "duplicates", "X", "set aside",
         "The same patient, start, end, episode order and site under another number.",
         "first kept, later ones set aside", _SAME_EPISODE, unless_unique=_EPISODE_FIELDS),
    _row("APC-004", "dates", "X", "set aside", "The episode ends before it starts.", "set aside",
         "episode_end_dt < episode_start_dt", "episode_end_dt"),
    _row("APC-005", "dates", "X", "set aside", "Discharge is before admission.", "set aside",
         "discharge_dt < admission_dt", "discharge_dt"),
    _row("APC-006", "dates", "X", "set aside",
         f"The episode lies outside its spell by more than {CLIP_HOURS} hours.", "set aside",
         f"{_OUTSIDE_SECONDS} > {CLIP_HOURS * 3600}", "episode_start_dt"),
    _apc("APC-006", "dates", "R", "rewrite",
         f"The episode reaches outside its spell by {CLIP_HOURS} hours or less.",
         "cut to the spell", f"{_CLIP_START} UNION ALL {_CLIP_END}", where=f"{_OUTSIDE_SECONDS} > 0"),
    _apc("APC-007", "dates", "R", "rewrite", "Episodes of one spell overlap.",
         "the earlier ends where the later starts; both kept", _OVERLAP),
    _apc("APC-008", "dates", "W", "note",
         f"More than {GAP_HOURS} hours lie between episodes of one spell.", "kept", _GAP),
    _row("APC-009", "dates", "R", "rewrite", "A day case stayed at least one night.",
         "taken as an ordinary admission (class 1)",
         f"patient_classification = '2' AND {_NIGHTS} > 0",
                   "patient_classification", new="'1'"),
    _row("APC-010", "dates", "W", "note", f"The stay is longer than {LONG_STAY_DAYS} days.", "kept",
         f"{_NIGHTS} > {LONG_STAY_DAYS}", "discharge_dt"),
    _row("APC-015", "dates", "X", "set aside",
         "The episode ends before the year starts, or starts after it ends.",
         "set aside: not this year's", _OUT_OF_PERIOD, "episode_start_dt"),
    _row("APC-016", "dates", "W", "note", "The episode is not finished at the end of the year.",
         "kept as work in progress (completion 3 or 4)",
         _OPEN_AT_END, "episode_end_dt"),
    _row("APC-011", "codes", "R", "rewrite", f"The age is below 0 or above {OLDEST_AGE}.",
         "taken as missing", f"age < 0 OR age > {OLDEST_AGE}", "age"),
    _row("APC-012", "codes", "R", "rewrite", "The consultant's code is missing or malformed.",
         f"taken as {NOT_KNOWN_CONSULTANT} (not known); the line follows the treatment function",
         is_malformed("consultant_code", CONSULTANT), "consultant_code",
                   new=f"'{NOT_KNOWN_CONSULTANT}'"),
    SqlRule("APC-013", FILE, "codes", "W", "note", "No row of the line map takes this treatment function.",
            "kept, under the line UNMAPPED", sql=unmapped_rows(FILE, has_site=True),
            needs=("service_line_map",)),
    _row("APC-014", "codes", "W", "note", "The HRG is missing, malformed or ungroupable (UZ).",
         "kept in cost, left out of HRG comparisons",
         f"{has_no_hrg('hrg_fce')} OR {has_no_hrg('hrg_spell')}", "hrg_fce"),
    _row("APC-017", "codes", "R", "rewrite", "The admission method is not one of the national codes.",
         f"taken as {NOT_KNOWN_METHOD} (not known); the point of delivery follows the patient's class",
         f"admission_method IS NULL OR admission_method NOT IN ({list_texts(ADMISSION_METHODS)})",
                   "admission_method", new=f"'{NOT_KNOWN_METHOD}'"),
    _row("APC-018", "codes", "W", "note",
         f"A man under obstetrics, or a patient over {ADULT_AGE_YEARS} under a children's service.",
         "kept", _IMPOSSIBLE, "tfc"),
]  # fmt: skip


def add_completion(db: QueryEngine, *, period_start: object, period_end: object) -> None:
    """Add ``completion`` to the clean episodes.

    1 started and ended in the year; 2 started before it, ended in it; 3 started in it and not ended
    by its last day; 4 started before it and not ended.
    """
    db.add_column(
        f"clean_{FILE}",
        "completion",
        "BIGINT",
        f"CASE WHEN {_OPEN_AT_END} AND CAST(episode_start_dt AS DATE) < $period_start THEN 4 "
        f"WHEN {_OPEN_AT_END} THEN 3 "
        "WHEN CAST(episode_start_dt AS DATE) < $period_start THEN 2 ELSE 1 END",
        period_start=period_start,
        period_end=period_end,
    )
