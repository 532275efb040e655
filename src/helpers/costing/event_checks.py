"""Checks of the cost of single events and spells: SQL over ``patient_events`` and activity."""

from __future__ import annotations

from helpers.costing.check_model import CostCheck
from helpers.costing.clock import seconds_between

FAR_BELOW, FAR_ABOVE = 0.1, 10  # times the HRG's mean
FEWEST_FOR_MEAN = 20  # events of an HRG before its mean says anything
LEAST_PENCE = 500  # £5.00
LONG_WARD_HOURS = 24
THEATRE_HRG_PROP = 0.8  # of an HRG's episodes are operated on: then it is an operation's HRG
CRITICAL_HRGS = ("XA", "XB", "XC")  # unbundled HRGs of critical care start so
APC, THEATRES, STAYS = "apc_episodes", "theatre_cases", "ward_stays"

_COMPLETED = "event_kind = 'episode' AND is_discharging AND completion IN (1, 2)"
_HOURS = f"{seconds_between('s.start_dt', 's.end_dt')} / 3600e0"
_WARD_HOURS = (
    f"SELECT s.spell_id, sum({_HOURS}) AS hours FROM clean_ward_stays AS s "
    "WHERE s.end_dt IS NOT NULL GROUP BY s.spell_id"
)
_OPERATED = "SELECT DISTINCT spell_id FROM clean_theatre_cases WHERE spell_id IS NOT NULL"


def _events(condition: str, amount: str = "full_cost_pence") -> str:
    return (
        f"SELECT event_id AS subject, line_id, {amount} AS amount_pence "
        f"FROM patient_events WHERE {condition}"
    )


_FREE_SPELLS = f"""
SELECT e.spell_id AS subject, e.line_id, 0 AS amount_pence FROM patient_events AS e
JOIN (SELECT spell_id FROM patient_events WHERE event_kind = 'episode' AND spell_id IS NOT NULL
      GROUP BY spell_id HAVING sum(abs(full_cost_pence)) = 0) AS free ON free.spell_id = e.spell_id
WHERE {_COMPLETED}
"""
_FAR_FROM_MEAN = f"""
SELECT e.event_id AS subject, e.line_id, e.full_cost_pence AS amount_pence FROM patient_events AS e
JOIN (SELECT event_kind, hrg, pod, CAST(sum(full_cost_pence) AS DOUBLE) / count(*) AS mean_pence
      FROM patient_events WHERE hrg IS NOT NULL AND completion = 1 GROUP BY event_kind, hrg, pod
      HAVING count(*) >= {FEWEST_FOR_MEAN}) AS usual
  ON usual.event_kind = e.event_kind AND usual.hrg = e.hrg AND usual.pod = e.pod
WHERE e.completion = 1 AND usual.mean_pence > 0
  AND (e.full_cost_pence < {FAR_BELOW}e0 * usual.mean_pence OR e.full_cost_pence > {FAR_ABOVE} * usual.mean_pence)
"""
_NO_PROCEDURE = f"""
SELECT e.event_id AS subject, e.line_id, e.full_cost_pence AS amount_pence FROM patient_events AS e
JOIN (SELECT DISTINCT event_id FROM activity_lines WHERE feed = 'theatre' AND event_id IS NOT NULL) AS used
  ON used.event_id = e.event_id
WHERE e.event_kind = 'episode' AND NOT EXISTS (
    SELECT 1 FROM clean_{APC} AS a WHERE a.spell_id = e.spell_id AND a.primary_proc IS NOT NULL)
"""
_NO_THEATRE = f"""
SELECT e.event_id AS subject, e.line_id, e.full_cost_pence AS amount_pence FROM patient_events AS e
JOIN (SELECT v.hrg, v.pod FROM patient_events AS v LEFT JOIN ({_OPERATED}) AS o ON o.spell_id = v.spell_id
      WHERE v.event_kind = 'episode' AND v.hrg IS NOT NULL GROUP BY v.hrg, v.pod
      HAVING count(*) >= {FEWEST_FOR_MEAN} AND count(o.spell_id) >= {THEATRE_HRG_PROP}e0 * count(*)) AS surgical
  ON surgical.hrg = e.hrg AND surgical.pod = e.pod
LEFT JOIN ({_OPERATED}) AS operated ON operated.spell_id = e.spell_id
WHERE e.event_kind = 'episode' AND operated.spell_id IS NULL
"""


def _long_on_ward(condition: str) -> str:
    return f"""
SELECT e.event_id AS subject, e.line_id, e.ward_pence AS amount_pence FROM patient_events AS e
JOIN ({_WARD_HOURS}) AS w ON w.spell_id = e.spell_id
WHERE {_COMPLETED} AND {condition} AND w.hours > {LONG_WARD_HOURS} AND e.ward_pence <> 0
"""


_CRITICAL = " OR ".join(f"e.hrg LIKE '{start}%'" for start in CRITICAL_HRGS)
_NO_CRITICAL_PERIOD = f"""
SELECT e.event_id AS subject, e.line_id, e.full_cost_pence AS amount_pence FROM patient_events AS e
WHERE e.event_kind = 'episode' AND ({_CRITICAL})
  AND NOT EXISTS (SELECT 1 FROM clean_critical_care AS c WHERE c.spell_id = e.spell_id)
"""
_IMPLANT_ALONE = f"""
SELECT i.implant_id AS subject, coalesce(a.line_id, a.unmatched_line_id) AS line_id,
       i.cost_pence AS amount_pence
FROM clean_implants AS i
LEFT JOIN (SELECT * FROM activity_lines WHERE feed = 'implants') AS a ON a.activity_id = 'implants:' || i.implant_id
LEFT JOIN ({_OPERATED}) AS operated ON operated.spell_id = i.spell_id
WHERE operated.spell_id IS NULL
"""
_DRUG_ALONE = """
SELECT activity_id AS subject, unmatched_line_id AS line_id, weight AS amount_pence
FROM activity_lines WHERE feed IN ('drugs', 'high_cost_drugs') AND event_id IS NULL AND weight <> 0
"""
_NOT_SEEN = """
SELECT e.event_id AS subject, e.line_id, e.full_cost_pence AS amount_pence FROM patient_events AS e
JOIN clean_op_attendances AS a ON a.attendance_id = e.event_id
WHERE e.event_kind = 'op' AND NOT a.is_attended AND e.full_cost_pence <> 0
"""
_PRIVATE_PAID = "admin_category = '02' AND coalesce(spell_pod, pod) <> 'PRIV' AND income_pence <> 0"
_ALL = (APC,)

EVENT_CHECKS = [
    CostCheck("DQ-001", "The cost of an event is negative.", "events",
              "Look for credits posted or issued against the wrong activity.",
              _events("full_cost_pence < 0"), needs=_ALL),
    CostCheck("DQ-002", "A completed spell cost nothing.", "spells",
              "Find the ward stays and other activity that belong to it.", _FREE_SPELLS, needs=_ALL),
    CostCheck("DQ-003", f"An event cost less than a tenth of its HRG's mean, or more than {FAR_ABOVE} times it.",
              "events", "Check the dates, minutes and items of the dearest first.", _FAR_FROM_MEAN, needs=_ALL),
    CostCheck("DQ-004", f"An event cost less than £{LEAST_PENCE // 100}.", "events",
              "Look for activity that is missing from its feeds.",
              _events(f"full_cost_pence > 0 AND full_cost_pence < {LEAST_PENCE}"), needs=_ALL),
    CostCheck("DQ-005", "An episode has theatre time, and its spell no procedure.", "episodes",
              "Ask clinical coding; the HRG, and so the income, may be wrong.", _NO_PROCEDURE,
              needs=(f"{APC}.primary_proc", THEATRES)),
    CostCheck("DQ-006", "An episode's HRG is one of operations, and its spell has no theatre time.", "episodes",
              "Look for its theatre case under another spell.", _NO_THEATRE, needs=(APC, THEATRES)),
    CostCheck("DQ-007", f"A day case has ward cost for more than {LONG_WARD_HOURS} hours.", "spells",
              "Correct the class of the patient, or the end of the ward stay.",
              _long_on_ward("e.pod = 'DC'"), needs=(APC, STAYS)),
    CostCheck("DQ-008", f"A stay of no nights has more than {LONG_WARD_HOURS} ward hours.", "spells",
              "Correct the discharge, or the end of the ward stay.",
              _long_on_ward("e.pod <> 'DC' AND e.los_days = 0"), needs=(APC, STAYS)),
    CostCheck("DQ-009", "A critical care HRG has no critical care period.", "episodes",
              "Ask for the unit's own records.", _NO_CRITICAL_PERIOD, needs=(APC, "critical_care")),
    CostCheck("DQ-010", "An implant was used in a spell without theatre time.", "implants",
              "Look for its theatre case, or for the spell it was used in.", _IMPLANT_ALONE,
              needs=("implants", THEATRES)),
    CostCheck("DQ-011", "A drug was issued to a patient with no stay or visit to charge it to.", "issues",
              "Give issues the spell or attendance they were for.", _DRUG_ALONE, needs=("drug_issues",)),
    CostCheck("DQ-017", "An appointment that was not attended carries cost.", "appointments",
              "Nothing should: report it as a fault of the program.", _NOT_SEEN, needs=("op_attendances",)),
    CostCheck("DQ-019", "A private patient's event earns NHS income.", "events",
              "Correct the administrative category of the episode, or of its spell.",
              _events(_PRIVATE_PAID, "income_pence"), needs=_ALL),
]  # fmt: skip
