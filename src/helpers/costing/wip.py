"""Work in progress: patients whose care began before the year, or had not ended when it closed.

A year's ledger pays for care given in the year, not for stays that ended in it. What a stay cost before
the year is carried in (``wip_opening``); what unfinished stays have cost by its last day is carried out
(``wip_closing``). With both, the cost of what was completed is known, month by month.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import NON_PATIENT_LINES, UNMATCHED
from helpers.costing.clock import seconds_between
from helpers.errors import name_a_few

OPENING = "wip_opening"
COMPLETED = "completion IN (1, 2)"
FIRST_DAY_SECONDS = 24 * 3600  # a spell whose first kept episode starts later lost an earlier one
_LATE_BY = seconds_between(
    "min(admission_dt) OVER (PARTITION BY spell_id)", "min(start_dt) OVER (PARTITION BY spell_id)"
)

# A spell's cost is whole if each of its episodes began and ended in the year, or brought its earlier
# cost with it, and none is missing at its start. Attendances are whole.
WHOLE_SQL = f"""
SELECT event_id, min(part) OVER (PARTITION BY spell_id) = 1
       AND {_LATE_BY} <= {FIRST_DAY_SECONDS} AS is_whole
FROM (SELECT e.event_id, e.spell_id, e.admission_dt, e.start_dt,
             CASE WHEN e.completion = 1 OR (e.completion = 2 AND o.event_id IS NOT NULL) THEN 1
                  ELSE 0 END AS part
      FROM events AS e LEFT JOIN opening_work AS o ON o.event_id = e.event_id
      WHERE e.event_kind = 'episode') AS marked
UNION ALL
SELECT event_id, true AS is_whole FROM events WHERE event_kind <> 'episode'
"""

# Month of the year (April = 1) in which an episode ended or an attendance began.
_MONTH = (
    "CAST((EXTRACT(MONTH FROM CASE WHEN event_kind = 'episode' THEN end_dt ELSE start_dt END) + 8) "
    "% 12 + 1 AS BIGINT)"
)
MONTHS_SQL = f"""
SELECT line_id, {_MONTH} AS month,
       CAST(sum(CASE WHEN event_kind = 'episode' AND is_discharging THEN 1 ELSE 0 END) AS BIGINT)
           AS n_spells,
       CAST(sum(CASE WHEN event_kind = 'episode' THEN 0 ELSE 1 END) AS BIGINT) AS n_attendances,
       CAST(sum(income_pence) AS BIGINT) AS income_pence,
       CAST(sum(full_cost_pence) AS BIGINT) AS in_year_pence,
       CAST(sum(wip_opening_pence) AS BIGINT) AS opening_pence
FROM patient_events WHERE {COMPLETED} GROUP BY line_id, {_MONTH} ORDER BY line_id, month
"""

LINES_SQL = f"""
SELECT line_id,
       CAST(sum(CASE WHEN {COMPLETED} THEN 0 ELSE 1 END) AS BIGINT) AS n_open,
       CAST(sum(CASE WHEN wip_opening_pence <> 0 THEN 1 ELSE 0 END) AS BIGINT) AS n_carried_in,
       CAST(sum(wip_opening_pence) AS BIGINT) AS opening_pence,
       CAST(sum(CASE WHEN {COMPLETED} THEN 0 ELSE full_cost_pence + wip_opening_pence END) AS BIGINT)
           AS closing_pence
FROM patient_events GROUP BY line_id ORDER BY line_id
"""

CLOSING_SQL = """
SELECT episode_id, line_id, source_department, element, CAST(sum(amount_pence) AS BIGINT) AS amount_pence
FROM (SELECT c.event_id AS episode_id, c.line_id, c.source_department, c.element, c.amount_pence
      FROM patient_costs AS c JOIN patient_events AS e ON e.event_id = c.event_id
      WHERE e.completion IN (3, 4)
      UNION ALL
      SELECT e.event_id, e.line_id, o.source_department, o.element, o.amount_pence
      FROM opening_rows AS o JOIN patient_events AS e ON e.event_id = o.event_id
      WHERE e.completion IN (3, 4)) AS both_years
GROUP BY episode_id, line_id, source_department, element
HAVING sum(amount_pence) <> 0
ORDER BY episode_id, line_id, source_department, element
"""
CLOSING_COLUMNS = ["episode_id", "line_id", "source_department", "element", "amount_pence"]


def add_opening_work(db: QueryEngine, frames: Mapping[str, pd.DataFrame]) -> list[str]:
    """Make ``opening_rows`` and ``opening_work`` (event_id, opening_pence), and ``event_whole``.

    ``event_whole`` tells of each event whether the whole cost of its spell is known: unit costs and
    HRG comparisons use no others.

    Returns
    -------
    list[str]
        Notices: cost carried in for episodes that are not among the year's.
    """
    given = frames.get(OPENING)
    columns = {
        "event_id": "episode_id",
        "source_department": "source_department",
        "element": "element",
    }
    rows = pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
    rows["amount_pence"] = pd.Series(dtype="int64")
    if given is not None and len(given):
        rows = pd.DataFrame({name: given[column].astype("str") for name, column in columns.items()})
        rows["amount_pence"] = given["amount_pence"].fillna(0).astype("int64")
    db.add_frame("opening_rows", rows)
    db.create(
        "opening_work",
        "SELECT o.event_id, CAST(sum(o.amount_pence) AS BIGINT) AS opening_pence FROM opening_rows AS o "
        "JOIN events AS e ON e.event_id = o.event_id WHERE e.completion IN (2, 4) GROUP BY o.event_id",
    )
    db.create("event_whole", WHOLE_SQL)
    return _describe_unplaced(db, rows)


def _describe_unplaced(db: QueryEngine, rows: pd.DataFrame) -> list[str]:
    """Say what was carried in for episodes that did not begin before the year, or are not there."""
    if rows.empty:
        return []
    placed = db.frame("SELECT event_id FROM opening_work")["event_id"]
    lost = rows[~rows["event_id"].isin(placed)]
    if lost.empty:
        return []
    n = lost["event_id"].nunique()
    return [
        f"wip_opening: £{lost['amount_pence'].sum() / 100:,.2f} is carried in for {n:,} episodes that are "
        "not among those that began before the year and were there in it, in departments "
        f"{name_a_few(lost['source_department'])}. It takes no part; correct episode_id or leave it out."
    ]


def total_months(db: QueryEngine) -> pd.DataFrame:
    """Return table ``line_months``: what each line completed in each month, and its cost, whole pence."""
    months = db.frame(MONTHS_SQL)
    return months.assign(completed_pence=months["in_year_pence"] + months["opening_pence"])


def total_work_in_progress(db: QueryEngine, months: pd.DataFrame) -> pd.DataFrame:
    """Return table ``line_wip``: cost carried in and out, and of what was completed, by line.

    Cost of the year = cost of what was completed + carried out - carried in, line by line.
    """
    lines = db.frame(LINES_SQL)
    done = months.groupby("line_id")["completed_pence"].sum()
    lines["completed_pence"] = lines["line_id"].map(done).fillna(0).astype("int64")
    lines["movement_pence"] = lines["closing_pence"] - lines["opening_pence"]
    return lines


def list_closing(db: QueryEngine) -> pd.DataFrame:
    """Return table ``wip_closing``: what unfinished episodes have cost, to carry into next year.

    ``amount`` is the same in pounds, so that the file can be next year's ``wip_opening`` as it is.
    """
    rows = db.frame(CLOSING_SQL)[CLOSING_COLUMNS]
    return rows.assign(amount=rows["amount_pence"] / 100)


def total_matched(line_costs: pd.DataFrame) -> pd.Series:
    """Return the cost of each line that found a patient event, whole pence."""
    is_beside = line_costs["line_id"].isin(NON_PATIENT_LINES)
    is_matched = ~line_costs["line_id"].str.startswith(f"{UNMATCHED}:") & ~is_beside
    return line_costs[is_matched].groupby("line_id")["amount_pence"].sum()
