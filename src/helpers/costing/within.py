"""Inside a line: by point of delivery and HRG, by consultant, by commissioner; and unit costs.

Every table adds up to its line, cost and income, to the penny.
"""

from __future__ import annotations

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import CRITICAL_CARE

# Cases: spells, in the line of their discharging episode, and attendances. `whole` cases are those
# whose cost is known from first day to last (``event_whole``).
_CASE = "(e.event_kind <> 'episode' OR (e.is_discharging AND e.completion IN (1, 2)))"
_SUMS = f"""
       CAST(count(*) AS BIGINT) AS n_events,
       CAST(sum(CASE WHEN {_CASE} THEN 1 ELSE 0 END) AS BIGINT) AS n_cases,
       CAST(sum(e.income_pence) AS BIGINT) AS income_pence,
       CAST(sum(e.controllable_pence) AS BIGINT) AS controllable_pence,
       CAST(sum(e.overhead_pence) AS BIGINT) AS overhead_pence,
       CAST(sum(e.below_ebitda_pence) AS BIGINT) AS below_ebitda_pence,
       CAST(sum(e.full_cost_pence) AS BIGINT) AS full_cost_pence,
       CAST(sum(CASE WHEN w.is_whole AND {_CASE} THEN 1 ELSE 0 END) AS BIGINT) AS n_whole,
       CAST(sum(CASE WHEN w.is_whole THEN e.full_cost_pence + e.wip_opening_pence ELSE 0 END) AS BIGINT)
           AS whole_cost_pence"""

BREAKDOWN_SQL = """
SELECT e.line_id, {columns}, {sums}
FROM patient_events AS e JOIN event_whole AS w ON w.event_id = e.event_id
GROUP BY e.line_id, {groups} ORDER BY e.line_id, {groups}
"""
# Table, and the SQL of each of its columns. A spell's HRG and point of delivery are those it is paid by.
BREAKDOWNS = {
    "line_hrgs": {
        "pod": "coalesce(e.spell_pod, e.pod)",
        "hrg": "coalesce(e.hrg_spell, e.hrg, '')",
    },
    "line_consultants": {"consultant_code": "e.consultant_code"},
    "line_commissioners": {"commissioner": "coalesce(e.commissioner, '')"},
}

# Spells whose whole cost is known, in the line that discharged the patient, with all their episodes.
SPELLS_SQL = """
SELECT line_id, CAST(count(*) AS BIGINT) AS n_spells, CAST(sum(cost_pence) AS BIGINT) AS spell_pence,
       CAST(sum(CASE WHEN los_days > 0 THEN los_days ELSE 0 END) AS BIGINT) AS n_days,
       CAST(sum(CASE WHEN los_days > 0 THEN cost_pence ELSE 0 END) AS BIGINT) AS night_pence
FROM (SELECT max(CASE WHEN e.is_discharging THEN e.line_id END) AS line_id, max(e.los_days) AS los_days,
             sum(e.full_cost_pence + e.wip_opening_pence) AS cost_pence
      FROM patient_events AS e JOIN event_whole AS w ON w.event_id = e.event_id
      WHERE e.event_kind = 'episode' AND w.is_whole
      GROUP BY e.spell_id HAVING max(CASE WHEN e.is_discharging THEN 1 ELSE 0 END) = 1) AS spells
GROUP BY line_id ORDER BY line_id
"""
ATTENDANCES_SQL = """
SELECT line_id, event_kind, CAST(count(*) AS BIGINT) AS n, CAST(sum(full_cost_pence) AS BIGINT) AS pence
FROM patient_events WHERE event_kind <> 'episode' GROUP BY line_id, event_kind
ORDER BY line_id, event_kind
"""
UNITS = (
    "spell",
    "bed_day",
    "op_attendance",
    "ed_attendance",
    "theatre_minute",
    "critical_care_day",
)
UNIT_COLUMNS = ["line_id", "unit", "n_units", "cost_pence", "cost_gbp_per_unit"]


def break_down_lines(db: QueryEngine) -> dict[str, pd.DataFrame]:
    """Return tables ``line_hrgs``, ``line_consultants`` and ``line_commissioners``.

    ``margin_pence`` is income less full cost; work in progress at the end of the year has cost and no
    income yet. Rows of a line add up to its events' cost and income.
    """
    tables = {}
    for name, columns in BREAKDOWNS.items():
        chosen = ", ".join(f"{sql} AS {column}" for column, sql in columns.items())
        groups = ", ".join(columns.values())
        found = db.frame(BREAKDOWN_SQL.format(columns=chosen, groups=groups, sums=_SUMS))
        tables[name] = found.assign(margin_pence=found["income_pence"] - found["full_cost_pence"])
    return tables


def measure_unit_costs(
    db: QueryEngine,
    pool_line_costs: pd.DataFrame,
    line_units: pd.DataFrame,
    line_hrgs: pd.DataFrame,
) -> pd.DataFrame:
    """Return table ``unit_costs``: full cost of a spell, bed day, attendance, theatre minute, day in critical care.

    Spells and bed days: those whose whole cost is known, in the line that discharged the patient. A bed
    day is that of spells with a night. Theatre minutes hold setting up, times the size of the team.

    Parameters
    ----------
    line_units
        ``line_id, feed, weight_units``: matched activity by line.
    line_hrgs
        Table of that name: days in critical care and their cost are read from it.
    """
    spells = db.frame(SPELLS_SQL)
    seen = db.frame(ATTENDANCES_SQL)
    parts = [
        _name_unit(spells, "spell", "n_spells", "spell_pence"),
        _name_unit(spells, "bed_day", "n_days", "night_pence"),
        _name_unit(seen[seen["event_kind"] == "op"], "op_attendance", "n", "pence"),
        _name_unit(seen[seen["event_kind"] == "ed"], "ed_attendance", "n", "pence"),
        _name_unit(_join_theatre(pool_line_costs, line_units), "theatre_minute", "n", "pence"),
    ]
    critical = line_hrgs[line_hrgs["pod"] == CRITICAL_CARE]
    days = critical.groupby("line_id", as_index=False)[["n_cases", "full_cost_pence"]].sum()
    parts.append(_name_unit(days, "critical_care_day", "n_cases", "full_cost_pence"))
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["n_units"] > 0]
    rows["cost_gbp_per_unit"] = rows["cost_pence"] / 100 / rows["n_units"]
    return rows.sort_values(["line_id", "unit"], ignore_index=True)[UNIT_COLUMNS]


def _join_theatre(pool_line_costs: pd.DataFrame, line_units: pd.DataFrame) -> pd.DataFrame:
    """Return each line's cost of theatre pools and its minutes in theatre."""
    cost = pool_line_costs[pool_line_costs["feed"] == "theatre"]
    cost = cost.groupby("line_id", as_index=False)["amount_pence"].sum()
    minutes = line_units[line_units["feed"] == "theatre"].groupby("line_id")["weight_units"].sum()
    units = cost["line_id"].map(minutes)
    both = cost.assign(n=units.fillna(0).astype("float64"), pence=cost["amount_pence"])
    return both[both["n"] > 0]


def _name_unit(rows: pd.DataFrame, unit: str, n: str, pence: str) -> pd.DataFrame:
    frame = rows[["line_id", n, pence]].set_axis(["line_id", "n_units", "cost_pence"], axis=1)
    return frame.assign(unit=unit, n_units=frame["n_units"].astype("float64"))
