"""The events that carry cost: episodes, outpatient appointments, emergency attendances."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from helpers.contracts import OUTPUTS, STORED_AS, QueryEngine
from helpers.contracts.terms import MISSED, UNMAPPED
from helpers.costing.bands import extend_in_bands
from helpers.costing.clock import Period, days_between, find_period, seconds_between
from helpers.costing.line_map import MAP_COLUMNS, resolve_lines
from helpers.costing.weight_rules import find_clinic_minutes
from helpers.errors import InputError

ED_TFC = "180"  # treatment function of an emergency attendance
NHS = "01"  # admin_category of an event whose file has none
UNKNOWN_CONSULTANT = "C9999998"
SHORT_STAY_DAYS = 1  # an emergency stay of up to this many days is NES

_OVERLAP = seconds_between(
    "greatest(e.episode_start_dt, w.start_dt)",
    "least(coalesce(e.episode_end_dt, $period_end), coalesce(w.end_dt, $period_end))",
)

# The ward an episode spent longest on; a tie goes to the smallest code.
MAIN_WARDS_SQL = f"""
SELECT episode_id, ward_id AS main_ward_id
FROM (
    SELECT episode_id, ward_id,
           row_number() OVER (PARTITION BY episode_id ORDER BY sum(seconds) DESC, ward_id) AS place
    FROM (
        SELECT e.episode_id, w.ward_id,
               {_OVERLAP} AS seconds
        FROM clean_apc_episodes AS e JOIN clean_ward_stays AS w ON w.spell_id = e.spell_id
        WHERE w.start_dt <= coalesce(e.episode_end_dt, $period_end)
          AND coalesce(w.end_dt, $period_end) >= e.episode_start_dt
    ) AS shared_time
    GROUP BY episode_id, ward_id
) AS placed
WHERE place = 1
"""

# Private patients first; then by class; then by how the patient came. A method that is not known
# (99) goes by class: a delivery is NELNE, any other ordinary stay an emergency.
EPISODE_POD = f"""
CASE WHEN admin_category = '02' THEN 'PRIV'
     WHEN patient_classification = '2' THEN 'DC'
     WHEN patient_classification IN ('3', '4') THEN 'RDN'
     WHEN admission_method IN ('11', '12', '13') THEN 'EL'
     WHEN admission_method IN ('31', '32', '81', '82', '83') THEN 'NELNE'
     WHEN patient_classification = '5' AND admission_method NOT LIKE '2%' THEN 'NELNE'
     WHEN los_days <= {SHORT_STAY_DAYS} THEN 'NES'
     ELSE 'NEL' END
"""

EPISODES_SQL = f"""
SELECT a.*, first_value(pod) OVER (PARTITION BY spell_id ORDER BY episode_number, episode_start_dt,
                                   episode_id) AS spell_pod
FROM (
    SELECT b.*, {EPISODE_POD} AS pod
    FROM (
        SELECT e.*, w.main_ward_id,
               CASE WHEN e.discharge_dt < $period_end
                    THEN {days_between("e.admission_dt", "e.discharge_dt")} END AS los_days,
               (row_number() OVER (PARTITION BY e.spell_id ORDER BY e.episode_number DESC,
                                   e.episode_start_dt DESC, e.episode_id DESC) = 1
                AND e.discharge_dt IS NOT NULL AND e.discharge_dt < $period_end) AS is_discharging
        FROM clean_apc_episodes AS e LEFT JOIN main_wards AS w ON w.episode_id = e.episode_id
    ) AS b
) AS a
"""

# What each kind of event holds; a column that a kind does not name is null for it.
EPISODE = {
    **{name: name for name in (
        "spell_id", "patient_key", "pod", "spell_pod", "tfc", "site_code", "hrg_spell",
        "admission_method", "patient_classification", "admission_dt", "discharge_dt",
        "discharge_method", "discharge_destination", "discharge_ready_date", "completion",
        "is_discharging", "los_days", "main_ward_id", "age", "sex", "imd_decile", "admin_category",
        "commissioner",
    )},
    "event_id": "episode_id",
    "event_kind": "'episode'",
    "consultant_code": f"coalesce(consultant_code, '{UNKNOWN_CONSULTANT}')",
    "hrg": "hrg_fce",
    "start_dt": "episode_start_dt",
    "end_dt": "episode_end_dt",
}  # fmt: skip
OUTPATIENT = {
    **{name: name for name in ("patient_key", "tfc", "hrg", "admin_category", "commissioner")},
    **dict.fromkeys(("admission_dt", "discharge_dt", "start_dt", "end_dt"), "appointment_dt"),
    "event_id": "attendance_id",
    "event_kind": "CASE WHEN is_attended THEN 'op' ELSE 'missed' END",
    "pod": f"""CASE WHEN NOT is_attended THEN '{MISSED}' WHEN admin_category = '02' THEN 'PRIV' WHEN procedure_flag = '1' THEN 'OPPROC'
                   WHEN first_attendance IN ('1', '3') THEN 'OPFA' ELSE 'OPFU' END""",
    "consultant_code": f"coalesce(consultant_code, '{UNKNOWN_CONSULTANT}')",
    "completion": "1",
    "is_discharging": "true",
}
EMERGENCY = {
    **{name: name for name in ("patient_key", "hrg", "acuity", "department_type")},
    **dict.fromkeys(("admission_dt", "start_dt"), "arrival_dt"),
    **dict.fromkeys(("discharge_dt", "end_dt"), "departure_dt"),
    "event_id": "attendance_id",
    "event_kind": "'ed'",
    "pod": "'ED'",
    "tfc": f"'{ED_TFC}'",
    "consultant_code": f"coalesce(consultant_code, '{UNKNOWN_CONSULTANT}')",
    "completion": "1",
    "is_discharging": "true",
    "admin_category": f"'{NHS}'",
    "minutes": f"{seconds_between('arrival_dt', 'departure_dt')} / 60e0",
}
# A slot is lost where the patient did not come, or came too late to be seen; one that was cancelled
# can be given to another patient (decision D-372).
LOST_SLOT = "attended IN ('3', '7')"
IN_YEAR = "appointment_dt >= $period_start AND appointment_dt < $period_end"
ARRIVED = "arrival_dt >= $period_start AND arrival_dt < $period_end"

# Columns of patient_events that are known before any costing, and four that only weights need.
KNOWN_LATER = ("line_id",)
EVENT_TYPES = {
    name: STORED_AS[column.kind][0]
    for name, column in OUTPUTS["patient_events"].columns.items()
    if not name.endswith("_pence") and name not in KNOWN_LATER
} | {
    "patient_key": "VARCHAR",
    "minutes": "DOUBLE",
    "acuity": "BIGINT",
    "department_type": "VARCHAR",
}

# An event's answers to the columns of the line map.
EVENT_QUESTIONS = {
    "site_code": "site_code",
    "ward_id": "main_ward_id",
    "tfc": "tfc",
    "consultant_code": "consultant_code",
    "admin_category": "admin_category",
}
_SAME = " AND ".join(
    f"a.{name} = coalesce(v.{column}, '')" for name, column in EVENT_QUESTIONS.items()
)

# Ids alone are sorted: sorting whole events takes several times as long. Events wait under a number of their
# own, because numbers are found again in a third of the time that ids take.
NUMBERS_SQL = """
SELECT basis_no, CAST(row_number() OVER (ORDER BY event_id) AS INTEGER) AS event_no FROM event_basis
"""
EVENTS_SQL = f"""
SELECT n.event_no, {", ".join(f"v.{name}" for name in EVENT_TYPES)}, a.line_id, s.service_line_no
FROM event_basis AS v
JOIN (SELECT basis_no, event_no FROM event_numbers WHERE basis_no >= $first AND basis_no < $last) AS n
  ON n.basis_no = v.basis_no
JOIN line_answers AS a ON {_SAME}
JOIN service_line_numbers AS s ON s.line_id = a.line_id
WHERE v.basis_no >= $first AND v.basis_no < $last
"""

# What many rows say of a line is a number; the line of what is not mapped has one too.
LINE_NUMBERS_SQL = f"""
SELECT line_id, CAST(row_number() OVER (ORDER BY line_id) AS INTEGER) AS service_line_no
FROM (SELECT line_id FROM line_answers UNION SELECT '{UNMAPPED}' AS line_id) AS every_line
"""


def build_events(
    db: QueryEngine, frames: Mapping[str, pd.DataFrame], settings: Mapping[str, Any]
) -> list[str]:
    """Make the table ``events``: one row per event that carries cost, with its service line.

    Episodes with completion 1 to 4, outpatient appointments that were attended and emergency
    attendances, the last two if they fall in the financial year; where ``trust.yml`` says
    ``missed_appointments: costed``, also appointments whose slot was lost, as a kind and point of
    delivery of their own (``missed``, DNA). ``event_no`` numbers them in the
    order of their ids. ``minutes`` are booked or actual (outpatient) or spent (emergency) minutes. Also leaves
    ``service_line_numbers`` (line_id, service_line_no) and ``tfc_lines``: the line of each treatment
    function alone, for activity that finds no event.

    Returns
    -------
    list[str]
        Notices, in words.

    Raises
    ------
    InputError
        If an episode and an attendance have the same id, or the line map is wrong.
    """
    period = find_period(settings)
    taken = "is_attended"
    if settings.get("missed_appointments") == "costed":
        taken = f"(is_attended OR {LOST_SLOT})"
    kinds = _select_kinds(db, period, find_clinic_minutes(frames), f"{taken} AND {IN_YEAR}")
    if not kinds:
        raise InputError(
            "there is no activity to cost: apc_episodes, op_attendances and ed_attendances are all "
            "absent.\nSupply them, or line_drivers for costing without activity feeds."
        )
    (first, moments), *others = kinds
    db.create_numbered("event_basis", "basis_no", first, **moments)
    for kind, moments in others:
        db.append_rows("event_basis", kind, **moments)
    db.drop("main_wards", "episode_basis")
    _check_ids(db)
    resolve_lines(db, _questions_sql(db), frames["service_line_map"], frames["service_lines"])
    db.create("service_line_numbers", LINE_NUMBERS_SQL)
    db.create("event_numbers", NUMBERS_SQL)
    extend_in_bands(db, "events", EVENTS_SQL, numbered=db.count("event_basis"))
    db.create(
        "tfc_lines",
        "SELECT a.tfc, s.service_line_no FROM line_answers AS a "
        "JOIN service_line_numbers AS s ON s.line_id = a.line_id "
        "WHERE site_code = '' AND ward_id = '' AND tfc <> '' "
        f"AND consultant_code = '' AND admin_category = '{NHS}'",
    )
    db.drop("event_basis", "event_numbers", "line_answers")
    return _describe_left_out(db, period)


def _select_kinds(
    db: QueryEngine, period: Period, clinic_minutes: str, taken: str
) -> list[tuple[str, dict[str, datetime]]]:
    """Return one SELECT for each kind of event that the trust has, each with the moments it names.

    ``taken`` says which appointments carry cost.
    """
    outpatient = {**OUTPATIENT, "minutes": clinic_minutes}
    year = {"period_start": period.start, "period_end": period.end}
    kinds: list[tuple[str, dict[str, datetime]]] = []
    if db.has("clean_apc_episodes"):
        _find_main_wards(db, period)
        db.create("episode_basis", EPISODES_SQL, period_end=period.end)
        kinds.append((_select_kind(EPISODE, "episode_basis"), {}))
    for table, expressions, where in (
        ("clean_op_attendances", outpatient, taken),
        ("clean_ed_attendances", EMERGENCY, ARRIVED),
    ):
        if db.has(table):
            kinds.append((_select_kind(expressions, table, where), year))
    return kinds


def _find_main_wards(db: QueryEngine, period: Period) -> None:
    if db.has("clean_ward_stays"):
        db.create("main_wards", MAIN_WARDS_SQL, period_end=period.end)
        return
    none = "SELECT CAST(NULL AS VARCHAR) AS episode_id, CAST(NULL AS VARCHAR) AS main_ward_id"
    db.create("main_wards", f"{none} WHERE 1 = 0")


def _select_kind(expressions: Mapping[str, str], table: str, where: str = "") -> str:
    """Return a SELECT of every event column, in order and of its type."""
    columns = ", ".join(
        f"CAST({expressions.get(name, 'NULL')} AS {kind}) AS {name}"
        for name, kind in EVENT_TYPES.items()
    )
    return f"SELECT {columns} FROM {table}" + (f" WHERE {where}" if where else "")


def _questions_sql(db: QueryEngine) -> str:
    """Return the SELECT of what events, and requests for tests, ask of the line map."""
    asked = ", ".join(f"{EVENT_QUESTIONS[name]} AS {name}" for name in MAP_COLUMNS)
    sql = f"SELECT {asked} FROM event_basis"
    if db.has("clean_tests"):
        by_tfc = (
            f"'' AS site_code, '' AS ward_id, requesting_tfc AS tfc, '' AS consultant_code, '{NHS}'"
        )
        sql += f" UNION ALL SELECT {by_tfc} FROM (SELECT DISTINCT requesting_tfc FROM clean_tests) AS r"
    return sql


def _check_ids(db: QueryEngine) -> None:
    """Refuse events of two kinds, or of one, under one id."""
    repeated = db.frame(
        "SELECT count(*) AS n_ids, coalesce(sum(n), 0) AS n_rows FROM "
        "(SELECT count(*) AS n FROM event_basis GROUP BY event_id HAVING count(*) > 1) AS r"
    ).iloc[0]
    if repeated["n_ids"]:
        raise InputError(
            f"{int(repeated['n_ids']):,} ids are used more than once ({int(repeated['n_rows']):,} rows) "
            "by episode_id of apc_episodes and attendance_id of op_attendances and ed_attendances.\n"
            "Cost is kept by these ids: put a letter for each file before them, in every file."
        )


def _describe_left_out(db: QueryEngine, period: Period) -> list[str]:
    notices = []
    for name, column, where in (
        ("op_attendances", "appointment_dt", "is_attended AND "),
        ("ed_attendances", "arrival_dt", ""),
    ):
        if not db.has(f"clean_{name}"):
            continue
        n = db.frame(
            f"SELECT count(*) AS n FROM clean_{name} WHERE {where}({column} IS NULL "
            f"OR {column} < $period_start OR {column} >= $period_end)",
            period_start=period.start,
            period_end=period.end,
        )["n"].iloc[0]
        if n:
            notices.append(f"Rows of {name} outside the financial year, which take no cost: {n:,}.")
    return notices
