"""How a line of activity finds the patient event it was for.

Rules are tried in order, each on the lines that no earlier rule could place. Among several events
the nearest in time is taken, then the smallest id.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import UNMAPPED, UNMATCHED
from helpers.costing.bands import extend_in_bands
from helpers.costing.clock import SECONDS_AN_HOUR, Period, seconds_between
from helpers.costing.medical import add_medical_rates
from helpers.costing.weights import (
    MEDICAL_LINES_SQL,
    MEDICAL_MINUTES_SQL,
    NEAR_SECONDS,
    OWN_FEEDS,
    name_rule,
    number_rule,
)
from helpers.errors import InputError, name_a_few

ED_NEAR_SECONDS = 4 * SECONDS_AN_HOUR
DAYS_BEFORE_CLINIC = 30  # a test may be done this long before the appointment it is for
DAYS_AFTER_CLINIC = 14
SECONDS_A_DAY = 24 * SECONDS_AN_HOUR

# Seconds between a line and an event: 0 inside it.
_GAP = f"""CASE WHEN o.moment < v.start_dt THEN {seconds_between("o.moment", "v.start_dt")}
                WHEN v.end_dt IS NOT NULL AND o.moment > v.end_dt THEN {seconds_between("v.end_dt", "o.moment")}
                ELSE 0 END"""
# At the boundary of two episodes the later one is taken.
_SINCE_START = (
    f"CASE WHEN o.moment >= v.start_dt THEN {seconds_between('v.start_dt', 'o.moment')} ELSE 0 END"
)
_TO_APPOINTMENT = f"abs({seconds_between('o.moment', 'v.start_dt')})"

_SPAN = 2**31  # more seconds than a life has, more events than a trust


def number_nearness(gap: str, since_start: str = "0") -> str:
    """Return the SQL of how near an event is: one whole number, smaller the nearer, no two events' alike.

    Inside an event (no gap) it is the time since its start, outside the gap, and then the event's number
    (decision D-421). Times are seconds; more than 68 years count as 68.
    """
    inside, outside = f"least({since_start}, {_SPAN - 1})", f"{_SPAN} + least({gap}, {_SPAN - 1})"
    return f"(CASE WHEN {gap} = 0 THEN {inside} ELSE {outside} END) * {_SPAN} + v.event_no"


# Each rule: the lines still open, each with every event that it may be for and how near it is, or with none.
# Lines that name their event have it already.
SPELL_SQL = f"""
SELECT o.line_no, v.service_line_no, {number_nearness(_GAP, _SINCE_START)} AS nearness
FROM {{lines}} AS o LEFT JOIN episode_moments AS v
  ON v.spell_id = o.ref_id AND o.moment IS NOT NULL AND {_GAP} <= {NEAR_SECONDS}
"""

ADMITTED_SQL = f"""
SELECT o.line_no, v.service_line_no, {number_nearness(_GAP, _SINCE_START)} AS nearness
FROM {{lines}} AS o LEFT JOIN episode_moments AS v
  ON v.patient_key = o.patient_key AND o.moment >= v.admission_dt
     AND (v.discharge_dt IS NULL OR o.moment <= v.discharge_dt)
"""

EMERGENCY_SQL = f"""
SELECT o.line_no, v.service_line_no, {number_nearness(_GAP)} AS nearness
FROM {{lines}} AS o LEFT JOIN ed_moments AS v
  ON v.patient_key = o.patient_key AND o.moment IS NOT NULL AND {_GAP} <= {ED_NEAR_SECONDS}
"""

SAME_DAY_SQL = f"""
SELECT o.line_no, v.service_line_no, {number_nearness(_TO_APPOINTMENT)} AS nearness
FROM {{lines}} AS o LEFT JOIN op_moments AS v
  ON v.patient_key = o.patient_key AND v.tfc = o.requesting_tfc
     AND CAST(v.start_dt AS DATE) = CAST(o.moment AS DATE)
"""

NEAR_CLINIC_SQL = f"""
SELECT o.line_no, v.service_line_no, {number_nearness(_TO_APPOINTMENT)} AS nearness
FROM {{lines}} AS o LEFT JOIN op_moments AS v
  ON v.patient_key = o.patient_key AND v.tfc = o.requesting_tfc
     AND {seconds_between("o.moment", "v.start_dt")} <= {DAYS_BEFORE_CLINIC * SECONDS_A_DAY}
     AND {seconds_between("v.start_dt", "o.moment")} <= {DAYS_AFTER_CLINIC * SECONDS_A_DAY}
"""

# In their order, each with the names it has inside an event and outside it.
RULES = (
    (SPELL_SQL, "SPELL", "SPELL_NEAR"),
    (ADMITTED_SQL, "PAT_APC", "PAT_APC"),
    (EMERGENCY_SQL, "PAT_ED", "PAT_ED"),
    (SAME_DAY_SQL, "PAT_OP_DAY", "PAT_OP_DAY"),
    (NEAR_CLINIC_SQL, "PAT_OP", "PAT_OP"),
)

FOUND_SQL = f"""
SELECT line_no, CAST(nearness % {_SPAN} AS INTEGER) AS event_no, service_line_no,
       CASE WHEN nearness < {_SPAN**2} THEN {{inside}} ELSE {{outside}} END AS rule_no
FROM (SELECT line_no, min(nearness) AS nearness,
             min_by(service_line_no, nearness) AS service_line_no
      FROM match_candidates
      WHERE nearness IS NOT NULL AND line_no >= $first AND line_no < $last
      GROUP BY line_no) AS nearest
"""

# What lines are matched by, of each kind of event: a narrow table stays in memory where events do not.
MATCHED_KINDS = ("episode", "ed", "op")
MOMENTS_SQL = """
SELECT event_no, service_line_no, spell_id, patient_key, tfc, start_dt, end_dt, admission_dt, discharge_dt
FROM events WHERE event_kind = '{kind}'
"""

UNNAMED_SQL = """
SELECT line_no, ref_id, patient_key, moment, requesting_tfc FROM feed_lines WHERE event_no IS NULL
"""

# A line that found nothing stands among the candidates once, without an event.
STILL_OPEN_SQL = """
SELECT line_no, patient_key, moment, requesting_tfc FROM {lines}
WHERE line_no IN (SELECT line_no FROM match_candidates WHERE nearness IS NULL)
"""

_OWN_SQL = (*OWN_FEEDS.values(), MEDICAL_LINES_SQL)

_UNMAPPED = f"JOIN service_line_numbers AS n ON n.line_id = '{UNMAPPED}'"
NAMED_LINES_SQL = f"""
SELECT activity_key, use_no, {number_rule("ID")} AS rule_no, service_line_no, event_no, weight
FROM feed_lines WHERE event_no IS NOT NULL
"""
# A line without an event has the service line of who asked for it.
OTHER_LINES_SQL = f"""
SELECT a.activity_key, a.use_no, coalesce(m.rule_no, {number_rule("NONE")}) AS rule_no,
       coalesce(m.service_line_no, t.service_line_no, n.service_line_no) AS service_line_no,
       m.event_no, a.weight
FROM feed_lines AS a {_UNMAPPED}
LEFT JOIN (SELECT * FROM match_links WHERE line_no >= $first AND line_no < $last) AS m
       ON m.line_no = a.line_no
LEFT JOIN tfc_lines AS t ON t.tfc = a.requesting_tfc
WHERE a.event_no IS NULL AND a.line_no >= $first AND a.line_no < $last
"""
OWN_LINES_SQL = f"""
SELECT a.activity_key, u.use_no, a.rule_no,
       coalesce(a.service_line_no, n.service_line_no) AS service_line_no, a.event_no, a.weight
FROM ({{own}}) AS a {_UNMAPPED}
JOIN activity_uses AS u ON u.feed = a.feed AND u.feed_key = coalesce(a.feed_key, '')
"""

WEIGHED_LINES_SQL = f"""
SELECT w.activity_key, u.feed, u.feed_key,
       CASE WHEN w.event_no IS NULL THEN '{UNMATCHED}:' || n.line_id END AS unmatched_line_id,
       {name_rule("w.rule_no")} AS match_rule, w.weight, w.event_no,
       CASE WHEN w.event_no IS NOT NULL THEN n.line_id END AS line_id
FROM line_weights AS w
JOIN activity_uses AS u ON u.use_no = w.use_no
JOIN service_line_numbers AS n ON n.service_line_no = w.service_line_no
"""

ACTIVITY_LINES_SQL = """
SELECT w.feed || ':' || w.activity_key AS activity_id, w.feed, w.feed_key, v.event_id,
       w.unmatched_line_id, w.match_rule, w.weight, w.event_no, w.line_id
FROM weighed_lines AS w LEFT JOIN events AS v ON v.event_no = w.event_no
"""

# Events' own lines have the ids of events, which are checked before.
REPEATS_SQL = """
SELECT u.feed, count(*) - count(DISTINCT w.activity_key) AS n
FROM line_weights AS w JOIN activity_uses AS u ON u.use_no = w.use_no
WHERE u.feed NOT IN ('clinic', 'ed', 'medical')
GROUP BY u.feed HAVING count(*) > count(DISTINCT w.activity_key) ORDER BY u.feed
"""


def match_lines(db: QueryEngine) -> None:
    """Make ``match_links``: event, its service line and rule of lines of ``feed_lines`` that name no event.

    Each line at most once; a line that no rule could place is not there.
    """
    db.create_view("unnamed_lines", UNNAMED_SQL)
    moments = [f"{kind}_moments" for kind in MATCHED_KINDS]
    for name, kind in zip(moments, MATCHED_KINDS, strict=True):
        db.create(name, MOMENTS_SQL.format(kind=kind))
    lines, n_lines = "unnamed_lines", db.count("feed_lines")
    for number, (candidates, inside, outside) in enumerate(RULES):
        # Looking up and choosing in two statements: each has the memory to itself (D-392).
        db.create("match_candidates", candidates.format(lines=lines))
        found = "match_found" if number else "match_links"
        nearest = FOUND_SQL.format(inside=number_rule(inside), outside=number_rule(outside))
        extend_in_bands(db, found, nearest, numbered=n_lines)
        if number:
            db.append_rows("match_links", "SELECT * FROM match_found")
        db.create("open_lines", STILL_OPEN_SQL.format(lines=lines))
        lines = "open_lines"
    db.drop("open_lines", "unnamed_lines", "match_candidates", "match_found", *moments)


def build_activity_lines(
    db: QueryEngine, frames: Mapping[str, pd.DataFrame], period: Period
) -> pd.DataFrame:
    """Make ``line_weights``: every line of every feed with its weight, event and match rule, by number.

    ``weighed_lines`` is a view of it with feeds, rules and lines by name, ``activity_lines`` a view that
    adds the ids of the line and its event. ``weight`` is hundredths of the feed's unit. A line without an event has
    ``unmatched_line_id``, ``UNMATCHED:`` and the line of the treatment function that asked for it.

    Returns
    -------
    pd.DataFrame
        How doctors' time is weighed, by line and place (``medical.rate_medical_time``).

    Raises
    ------
    InputError
        If a file holds one id twice: its activity would be counted twice; if job plans are wrong.
    """
    db.create("medical_minutes", MEDICAL_MINUTES_SQL)
    medical_time = add_medical_rates(db, frames, period)
    # One statement for each: what each holds to look things up need not fit beside the others'.
    db.create("line_weights", NAMED_LINES_SQL)
    n_lines = db.count("feed_lines")
    extend_in_bands(db, "line_weights", OTHER_LINES_SQL, numbered=n_lines, is_new=False)
    for own in _OWN_SQL:
        db.append_rows("line_weights", OWN_LINES_SQL.format(own=own))
    db.create_view("weighed_lines", WEIGHED_LINES_SQL)
    db.create_view("activity_lines", ACTIVITY_LINES_SQL)
    db.drop("medical_minutes", "medical_rates")
    db.drop(
        "feed_lines",
        "match_links",
        "ward_pieces",
        "ed_weights",
        "clinic_weights",
        "tfc_lines",
    )
    repeated = db.frame(REPEATS_SQL)
    if len(repeated):
        raise InputError(
            f"{int(repeated['n'].sum()):,} activity lines repeat the id of another line of the same "
            f"feed: {name_a_few(repeated['feed'])}.\n"
            "Each test, issue, case or contact needs an id of its own; remove the repeats from the file."
        )
    return medical_time
