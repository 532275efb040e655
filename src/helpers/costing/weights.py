"""What each line of activity weighs, feed by feed.

A weight is a whole number of hundredths of the feed's unit (pence for drugs and implants), so that
sums are exact in any order.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.costing.clock import SECONDS_AN_HOUR, Period, seconds_between
from helpers.costing.reference import get_reference

HUNDREDTHS = 100
ORGAN_WEIGHT = 0.35  # extra weight of a critical care hour for each organ supported
ED_LONGEST_MINUTES = 2880  # 48 hours
NEAR_SECONDS = 24 * SECONDS_AN_HOUR  # how far outside an episode its own spell's activity may be
# Match rules by number, from 0; activity that found no event has the last.
MATCH_RULES = (
    "ID", "SPELL", "SPELL_NEAR", "PAT_APC", "PAT_ED", "PAT_OP_DAY", "PAT_OP", "NONE",
)  # fmt: skip


def number_rule(match_rule: str) -> str:
    """Return the SQL of a match rule's number."""
    return f"CAST({MATCH_RULES.index(match_rule)} AS INTEGER)"


def name_rule(rule_no: str) -> str:
    """Return the SQL of the name of a match rule, given by its number."""
    names = " ".join(f"WHEN {n} THEN '{name}'" for n, name in enumerate(MATCH_RULES))
    return f"CASE {rule_no} {names} END"


def _hundredths(expression: str) -> str:
    return f"CAST(floor(({expression}) * {HUNDREDTHS} + 0.5) AS BIGINT)"


def _whole(expression: str) -> str:
    return f"CAST(floor(({expression}) + 0.5) AS BIGINT)"


# Each ward stay inside the year, split over the episodes of its spell by time. `seconds` is the
# overlap with the episode; below zero it is the gap between the two.
_OVERLAP = seconds_between(
    "greatest(s.start_dt, v.start_dt)", "least(s.end_dt, coalesce(v.end_dt, $period_end))"
)

WARD_OVERLAPS_SQL = f"""
SELECT s.stay_id, s.spell_id, s.ward_id, s.stay_seconds, s.acuity_weight, v.event_no, v.service_line_no,
       v.start_dt, CASE WHEN v.event_no IS NOT NULL THEN {_OVERLAP} END AS seconds
FROM (
    SELECT stay_id, spell_id, ward_id, start_dt, end_dt, acuity_weight,
           greatest({seconds_between("start_dt", "end_dt")}, {SECONDS_AN_HOUR}) AS stay_seconds
    FROM (
        SELECT stay_id, spell_id, ward_id, coalesce(acuity_weight, 1e0) AS acuity_weight,
               greatest(start_dt, $period_start) AS start_dt,
               least(coalesce(end_dt, $period_end), $period_end) AS end_dt
        FROM clean_ward_stays
        WHERE start_dt < $period_end AND coalesce(end_dt, $period_end) >= $period_start
    ) AS inside
) AS s
LEFT JOIN events AS v ON v.spell_id = s.spell_id AND v.event_kind = 'episode'
"""

WARD_PIECES_SQL = f"""
SELECT stay_id, ward_id, place, acuity_weight,
       CASE WHEN seconds >= -{NEAR_SECONDS} THEN event_no END AS event_no,
       CASE WHEN seconds >= -{NEAR_SECONDS} THEN service_line_no END AS service_line_no,
       CASE WHEN seconds >= 0 THEN {number_rule("SPELL")}
            WHEN seconds >= -{NEAR_SECONDS} THEN {number_rule("SPELL_NEAR")}
            ELSE {number_rule("NONE")} END AS rule_no,
       CASE WHEN covered > 0 THEN {_whole("stay_seconds * (CAST(seconds AS DOUBLE) / covered)")}
            ELSE stay_seconds END AS seconds
FROM (
    SELECT o.*, sum(greatest(coalesce(seconds, 0), 0)) OVER (PARTITION BY stay_id) AS covered,
           row_number() OVER (PARTITION BY stay_id
                              ORDER BY coalesce(seconds, -{10**12}) DESC, start_dt DESC, event_no) AS place
    FROM ward_overlaps AS o
) AS placed
WHERE (covered > 0 AND seconds > 0) OR (covered = 0 AND place = 1)
"""

WARD_LINES_SQL = f"""
SELECT stay_id || CASE WHEN place > 1 THEN ':' || CAST(place AS VARCHAR) ELSE '' END AS activity_key,
       'ward' AS feed, ward_id AS feed_key, event_no, service_line_no, rule_no,
       {_hundredths(f"seconds / {SECONDS_AN_HOUR}e0 * acuity_weight")} AS weight
FROM ward_pieces
"""

# Feeds whose lines have to find their event: one SELECT each, with the columns of FEED_COLUMNS.
# `seconds` is consultant time that the line brings with it.
FEED_COLUMNS = (
    "feed, activity_key, feed_key, ref_id, patient_key, moment, requesting_tfc, weight, seconds"
)
_NO_TEXT = "CAST(NULL AS VARCHAR)"
_NO_SECONDS = "CAST(0 AS BIGINT)"
_THEATRE_SECONDS = _whole(
    f"greatest({seconds_between('into_dt', 'out_dt')}, 0) + coalesce(setup_minutes, 0) * 60"
)
_THEATRE_WEIGHT = _hundredths(f"{_THEATRE_SECONDS} / 60e0 * coalesce(team_weight, 1e0)")
_CRITICAL_SECONDS = seconds_between(
    "greatest(start_dt, $period_start)", "least(coalesce(end_dt, $period_end), $period_end)"
)
_CRITICAL_WEIGHT = _hundredths(
    f"greatest({_CRITICAL_SECONDS}, 0) / {SECONDS_AN_HOUR}e0"
    f" * (1 + {ORGAN_WEIGHT}e0 * coalesce(organs_supported, 0))"
)

FEED_SELECTS = {
    "theatre_cases": [
        f"""SELECT 'theatre', case_id, theatre_id, spell_id, {_NO_TEXT}, into_dt, {_NO_TEXT},
                   {_THEATRE_WEIGHT}, {_THEATRE_SECONDS}
            FROM clean_theatre_cases""",
        f"""SELECT 'recovery', case_id, theatre_id, spell_id, {_NO_TEXT}, into_dt, {_NO_TEXT},
                   {_hundredths("recovery_minutes")}, {_NO_SECONDS}
            FROM clean_theatre_cases WHERE recovery_minutes > 0""",
    ],
    "critical_care": [
        f"""SELECT 'critical_care', cc_id, unit_id, spell_id, {_NO_TEXT},
                   greatest(start_dt, $period_start), {_NO_TEXT}, {_CRITICAL_WEIGHT}, {_NO_SECONDS}
            FROM clean_critical_care WHERE coalesce(end_dt, $period_end) >= $period_start""",
    ],
    "tests": [
        f"""SELECT 'tests', t.test_id, t.discipline, t.spell_or_attendance_id, t.patient_key,
                   t.requested_dt, t.requesting_tfc,
                   {_hundredths("greatest(coalesce(t.count, 1), 0) * w.weight")}, {_NO_SECONDS}
            FROM clean_tests AS t JOIN test_weights AS w
              ON w.discipline = coalesce(t.discipline, '') AND w.code = coalesce(t.test_code, '')""",
    ],
    "therapy_contacts": [
        f"""SELECT 'therapies', t.contact_id, t.profession, t.spell_or_attendance_id, t.patient_key,
                   t.start_dt, {_NO_TEXT},
                   {_hundredths("greatest(coalesce(t.minutes, 0), 0) * coalesce(w.weight, 1e0)")},
                   {_NO_SECONDS}
            FROM clean_therapy_contacts AS t LEFT JOIN therapy_weights AS w ON w.code = t.profession""",
    ],
    "drug_issues": [
        f"""SELECT CASE WHEN d.high_cost_flag = '1' THEN 'high_cost_drugs' ELSE 'drugs' END, d.issue_id,
                   d.product, d.spell_or_attendance_id, d.patient_key, d.issue_dt, {_NO_TEXT},
                   CASE WHEN d.high_cost_flag = '1' THEN coalesce(d.cost_pence, m.median_pence, 0)
                        ELSE greatest(coalesce(d.cost_pence, m.median_pence, 0), 0) END, {_NO_SECONDS}
            FROM clean_drug_issues AS d LEFT JOIN drug_medians AS m ON m.product = d.product""",
    ],
    "implants": [
        f"""SELECT 'implants', implant_id, product, spell_id, {_NO_TEXT}, used_dt, {_NO_TEXT},
                   coalesce(cost_pence, 0), {_NO_SECONDS}
            FROM clean_implants""",
    ],
}

# An id is one event's: a line that names it is matched as it is read (decision D-350). What finds an event for
# the others is kept for them alone (D-391).
_TO_FIND_BY = ("ref_id", "patient_key", "moment", "requesting_tfc")
SOUGHT = ", ".join(
    f"CASE WHEN v.event_no IS NULL THEN f.{name} END AS {name}" for name in _TO_FIND_BY
)
LINES_OF_YEAR_SQL = f"""
SELECT * FROM ({{selects}}) AS every_feed({FEED_COLUMNS})
WHERE moment IS NULL OR (moment >= $period_start AND moment < $period_end)
"""
FEED_LINES_SQL = f"""
SELECT f.activity_key, u.use_no, f.weight, f.seconds, {SOUGHT}, v.event_no, v.service_line_no
FROM ({{lines}}) AS f
JOIN activity_uses AS u ON u.feed = f.feed AND u.feed_key = coalesce(f.feed_key, '')
LEFT JOIN events AS v ON v.event_id = f.ref_id
"""

DRUG_MEDIANS_SQL = f"""
SELECT product, {_whole("median(cost_pence)")} AS median_pence
FROM clean_drug_issues WHERE cost_pence IS NOT NULL GROUP BY product
"""

# Events weigh for themselves in these feeds; the words name the event's kind.
_CLINIC_WEIGHT = _hundredths("greatest(coalesce(v.minutes, 0), 0) * coalesce(w.weight, 1e0)")

CLINIC_LINES_SQL = f"""
SELECT event_id AS activity_key, 'clinic' AS feed, tfc AS feed_key, event_no, service_line_no,
       {number_rule("ID")} AS rule_no, {_CLINIC_WEIGHT} AS weight
FROM events AS v LEFT JOIN clinic_weights AS w ON w.code = v.tfc
WHERE event_kind IN ('op', 'missed')
"""

_ED_MINUTES = f"least(greatest(coalesce(v.minutes, 0), 0), {ED_LONGEST_MINUTES})"
_ED_WEIGHT = _hundredths(f"{_ED_MINUTES} * coalesce(w.weight, 1e0)")

ED_LINES_SQL = f"""
SELECT event_id AS activity_key, 'ed' AS feed, department_type AS feed_key, event_no, service_line_no,
       {number_rule("ID")} AS rule_no, {_ED_WEIGHT} AS weight
FROM events AS v LEFT JOIN ed_weights AS w ON w.acuity = v.acuity
WHERE event_kind = 'ed'
"""

# Recorded time of each event in which a doctor may have worked: whole seconds, or minutes.
MEDICAL_MINUTES_SQL = f"""
SELECT v.event_no, v.event_id, v.line_id, v.service_line_no, coalesce(w.seconds, 0) AS ward_seconds,
       coalesce(t.seconds, 0) AS theatre_seconds,
       CASE WHEN v.event_kind IN ('op', 'missed') THEN greatest(coalesce(v.minutes, 0), 0) ELSE 0 END
           AS clinic_minutes,
       CASE WHEN v.event_kind = 'ed' THEN {_ED_MINUTES} ELSE 0 END AS ed_minutes
FROM events AS v
LEFT JOIN (SELECT event_no, CAST(sum(seconds) AS BIGINT) AS seconds FROM ward_pieces
           WHERE event_no IS NOT NULL GROUP BY event_no) AS w ON w.event_no = v.event_no
LEFT JOIN (SELECT coalesce(f.event_no, m.event_no) AS event_no, CAST(sum(f.seconds) AS BIGINT) AS seconds
           FROM feed_lines AS f LEFT JOIN match_links AS m ON m.line_no = f.line_no
           WHERE f.seconds > 0 GROUP BY coalesce(f.event_no, m.event_no)) AS t ON t.event_no = v.event_no
"""

# Consultant minutes of each event: recorded time, weighed by job plan or plain rule (``medical``).
_MEDICAL_WEIGHT = _hundredths(
    "(m.ward_seconds * r.ward_rate + m.theatre_seconds * r.theatre_rate) / 60e0"
    " + m.clinic_minutes * r.clinic_rate + m.ed_minutes * r.ed_rate"
)

MEDICAL_LINES_SQL = f"""
SELECT m.event_id AS activity_key, 'medical' AS feed, m.line_id AS feed_key, m.event_no, m.service_line_no,
       {number_rule("ID")} AS rule_no, {_MEDICAL_WEIGHT} AS weight
FROM medical_minutes AS m JOIN medical_rates AS r ON r.line_id = m.line_id
"""

# Feeds that need no matching; doctors' time is weighed when all others are matched.
OWN_FEEDS = {"ward": WARD_LINES_SQL, "clinic": CLINIC_LINES_SQL, "ed": ED_LINES_SQL}
_OWN_USES = " ".join(
    f"UNION SELECT feed, coalesce(feed_key, '') FROM ({sql}) AS of_{name}"
    for name, sql in OWN_FEEDS.items()
)
# A feed and what of it a pool may pick, by number: what many rows say is short.
ACTIVITY_USES_SQL = f"""
SELECT feed, feed_key, CAST(row_number() OVER (ORDER BY feed, feed_key) AS INTEGER) AS use_no
FROM (SELECT feed, coalesce(feed_key, '') AS feed_key FROM ({{lines}}) AS of_files {_OWN_USES}
      UNION SELECT 'medical', line_id FROM service_line_numbers) AS every_use
"""


def build_ward_pieces(db: QueryEngine, period: Period) -> None:
    """Make ``ward_pieces``: stays in the year, split over the episodes of their spell by time.

    A stay weighs its hours (one at least) times its nursing weight; the split keeps the whole of it.
    A stay that touches no episode goes to the nearest of its spell within 24 hours, or to none.
    """
    if not db.has("clean_ward_stays"):
        db.create(
            "ward_pieces",
            "SELECT CAST(NULL AS VARCHAR) AS stay_id, CAST(NULL AS VARCHAR) AS ward_id, 1 AS place, "
            "CAST(1 AS DOUBLE) AS acuity_weight, CAST(NULL AS INTEGER) AS event_no, "
            "CAST(NULL AS INTEGER) AS service_line_no, "
            f"{number_rule('NONE')} AS rule_no, CAST(0 AS BIGINT) AS seconds WHERE 1 = 0",
        )
        return
    db.create("ward_overlaps", WARD_OVERLAPS_SQL, period_start=period.start, period_end=period.end)
    db.create("ward_pieces", WARD_PIECES_SQL)
    db.drop("ward_overlaps")


def build_feed_lines(db: QueryEngine, frames: Mapping[str, pd.DataFrame], period: Period) -> None:
    """Make ``feed_lines``: activity of the year, weighed, with its event where the line names one.

    ``activity_uses`` numbers feeds and what of them pools may pick (feed, feed_key, use_no).
    """
    relative = frames.get("relative_weights", pd.DataFrame({"feed": [], "code": [], "weight": []}))
    _add_weights(db, relative)
    selects = [
        sql for table, feeds in FEED_SELECTS.items() if db.has(f"clean_{table}") for sql in feeds
    ]
    if not selects:
        selects = [
            f"SELECT {_NO_TEXT}, {_NO_TEXT}, {_NO_TEXT}, {_NO_TEXT}, {_NO_TEXT}, "
            f"CAST(NULL AS TIMESTAMP), {_NO_TEXT}, {_NO_SECONDS}, {_NO_SECONDS} WHERE 1 = 0"
        ]
    lines = LINES_OF_YEAR_SQL.format(selects=" UNION ALL ".join(selects))
    year = {"period_start": period.start, "period_end": period.end}
    db.create("activity_uses", ACTIVITY_USES_SQL.format(lines=lines), **year)
    with db.joins_as_written():  # lines are read past the events, which are fewer
        db.create_numbered("feed_lines", "line_no", FEED_LINES_SQL.format(lines=lines), **year)
    db.drop("test_weights", "therapy_weights", "drug_medians")


def _add_weights(db: QueryEngine, relative: pd.DataFrame) -> None:
    relative = relative.assign(
        feed=relative["feed"].astype("str"), code=relative["code"].astype("str")
    )
    if db.has("clean_tests"):
        codes = db.frame(
            "SELECT DISTINCT coalesce(discipline, '') AS discipline, coalesce(test_code, '') AS code "
            "FROM clean_tests ORDER BY discipline, code"
        )
        db.add_frame("test_weights", weigh_tests(codes, relative))
    if db.has("clean_therapy_contacts"):
        of_therapies = relative[relative["feed"] == "therapies"]
        db.add_frame(
            "therapy_weights", of_therapies[["code", "weight"]].astype({"weight": "float64"})
        )
    if db.has("clean_drug_issues"):
        db.create("drug_medians", DRUG_MEDIANS_SQL)
    db.add_frame("ed_weights", weigh_acuity(relative))
    staff = relative[relative["feed"] == "clinic"]
    db.add_frame("clinic_weights", staff[["code", "weight"]].astype({"weight": "float64"}))


def weigh_tests(codes: pd.DataFrame, relative: pd.DataFrame) -> pd.DataFrame:
    """Give each test code its relative weight; else the median of its discipline; else 1."""
    given = relative.loc[relative["feed"] == "tests", ["code", "weight"]]
    weighed = codes.merge(given, on="code", how="left", validate="many_to_one")
    weighed["weight"] = weighed["weight"].astype("float64")
    median = weighed.groupby("discipline")["weight"].transform("median")
    return weighed.assign(weight=weighed["weight"].fillna(median).fillna(1.0))


def weigh_acuity(relative: pd.DataFrame) -> pd.DataFrame:
    """Return the weight of each acuity: the trust's own (feed `ed`), else the project's default."""
    own = relative[relative["feed"] == "ed"].set_index("code")["weight"].astype("float64")
    defaults = get_reference("ed_acuity")
    weight = defaults["acuity"].astype("str").map(own).fillna(defaults["weight"])
    return pd.DataFrame({"acuity": defaults["acuity"].astype("int64"), "weight": weight})
