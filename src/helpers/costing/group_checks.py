"""Checks of whole departments, HRGs, months and consultants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import UNMATCHED
from helpers.costing.check_model import CostCheck, CostedTables, findings_of
from helpers.costing.events import UNKNOWN_CONSULTANT

FEWEST_SPELLS = 20  # of an HRG, to hold its mean against the national one
FAR_BELOW, FAR_ABOVE = 0.5, 2.0  # times the national mean
MOST_MONTHLY_CHANGE_PERCENT = 30
FEWEST_A_MONTH = 30  # events, for a month's mean to say anything
# Feeds whose unit cost a trust can give a range for, the setting, and the range in pounds if it does not.
RANGES = (
    ("theatre", "theatre_minute_range", (3.0, 60.0)),
    ("ward", "ward_hour_range", (5.0, 100.0)),
    ("clinic", "clinic_minute_range", (0.5, 15.0)),
)

Frames = Mapping[str, pd.DataFrame]
Settings = Mapping[str, Any]


def find_far_from_benchmark(
    db: QueryEngine, frames: Frames, settings: Settings, tables: CostedTables
) -> pd.DataFrame:
    """DQ-012: HRGs whose mean spell cost is far from the national one; the amount is the gap."""
    own = db.frame(
        """SELECT s.hrg, s.pod, count(*) AS n, CAST(sum(c.pence) AS BIGINT) AS pence
           FROM (SELECT spell_id, hrg_spell AS hrg, spell_pod AS pod FROM patient_events
                 WHERE event_kind = 'episode' AND is_discharging AND completion = 1) AS s
           JOIN (SELECT spell_id, sum(full_cost_pence) AS pence FROM patient_events
                 WHERE event_kind = 'episode' GROUP BY spell_id) AS c ON c.spell_id = s.spell_id
           GROUP BY s.hrg, s.pod ORDER BY s.hrg, s.pod"""
    )
    both = own[own["n"] >= FEWEST_SPELLS].merge(
        frames["benchmarks"][["hrg", "pod", "national_mean_cost_pence"]],
        on=["hrg", "pod"],
        validate="many_to_one",
    )
    expected = both["national_mean_cost_pence"].astype("float64") * both["n"]
    ratio = both["pence"] / expected.where(expected > 0)
    far = both[(ratio < FAR_BELOW) | (ratio > FAR_ABOVE)]
    gap = (far["pence"] - far["national_mean_cost_pence"] * far["n"]).abs()
    return findings_of(far["hrg"] + " " + far["pod"], gap.astype("int64"))


def find_departments_without_events(
    db: QueryEngine, frames: Frames, settings: Settings, tables: CostedTables
) -> pd.DataFrame:
    """DQ-013: clinical departments with cost of their own that reached no patient event."""
    costs = tables.department_costs
    own = costs[costs["kind"].eq("clinical")].groupby("department_id")["amount_pence"].sum()
    lines = tables.pool_line_costs
    reached = lines[~lines["line_id"].str.startswith(f"{UNMATCHED}:") & lines["amount_pence"].ne(0)]
    alone = own[own.ne(0) & ~own.index.isin(reached["department_id"])]
    return findings_of(alone.index.to_series(), alone)


def find_activity_without_cost(
    db: QueryEngine, frames: Frames, settings: Settings, tables: CostedTables
) -> pd.DataFrame:
    """DQ-014: kinds of activity (a ward, a theatre, a discipline) that no cost pool pays for."""
    activity = db.frame(
        "SELECT feed, feed_key, count(*) AS n FROM weighed_lines GROUP BY feed, feed_key "
        "HAVING sum(weight) <> 0 ORDER BY feed, feed_key"
    )
    pools = frames["cost_pools"][["pool_id", "feed_filter"]]
    used = tables.pool_summary.merge(pools, on="pool_id", how="left", validate="one_to_one")
    wanted = used["feed_filter"].astype("str").fillna("").str.split(";")
    keys = used.assign(feed_key=wanted).explode("feed_key")
    keys = keys.assign(feed_key=keys["feed_key"].str.strip())
    whole = set(keys.loc[keys["feed_key"].eq(""), "feed"])
    named = set(zip(keys["feed"], keys["feed_key"], strict=True))
    is_free = [
        row.feed not in whole and (row.feed, row.feed_key) not in named
        for row in activity.itertuples()
    ]
    free = activity[pd.Series(is_free, index=activity.index, dtype=bool)]
    return findings_of(free["feed"] + ":" + free["feed_key"], free["n"] * 0)


def find_rates_out_of_range(
    db: QueryEngine, frames: Frames, settings: Settings, tables: CostedTables
) -> pd.DataFrame:
    """DQ-015: departments whose cost of a unit is outside the range the trust expects."""
    pools = tables.pool_summary
    found = []
    for feed, setting, usual in RANGES:
        low, high = settings.get(setting) or usual
        some = pools[pools["feed"].eq(feed)]
        some = some.assign(pence=some["own_pence"] + some["overhead_pence"])
        sums = some.groupby("department_id").agg(
            pence=("pence", "sum"), rate=("rate_gbp_per_unit", "sum")
        )
        far = sums[(sums["rate"] < low) | (sums["rate"] > high)]
        found.append(findings_of(far.index.to_series(), far["pence"]))
    return pd.concat(found, ignore_index=True)


def find_monthly_jumps(
    db: QueryEngine, frames: Frames, settings: Settings, tables: CostedTables
) -> pd.DataFrame:
    """DQ-016: months whose unit cost differs by over 30% from the month before, in one line and way of care."""
    months = db.frame(
        """SELECT line_id, coalesce(spell_pod, pod) AS pod,
                  CAST((EXTRACT(MONTH FROM start_dt) + 8) % 12 + 1 AS BIGINT) AS month,
                  count(*) AS n, CAST(sum(full_cost_pence) AS BIGINT) AS pence
           FROM patient_events WHERE completion = 1 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
    )
    before = months.assign(month=months["month"] + 1).rename(
        columns={"n": "n_before", "pence": "pence_before"}
    )
    both = months.merge(before, on=["line_id", "pod", "month"], validate="one_to_one")
    both = both[(both["n"] >= FEWEST_A_MONTH) & (both["n_before"] >= FEWEST_A_MONTH)]
    # In whole numbers: the change is over 30% if 100 x |a/n - b/m| > 30 x b/m.
    gap = (both["pence"] * both["n_before"] - both["pence_before"] * both["n"]).abs()
    is_far = 100 * gap > MOST_MONTHLY_CHANGE_PERCENT * both["pence_before"].abs() * both["n"]
    far = both[is_far]
    pence = gap[is_far] / far["n_before"]
    subject = far["line_id"] + " " + far["pod"] + " month " + far["month"].astype("str")
    return findings_of(subject, pence.round().astype("int64"), far["line_id"])


def find_without_job_plan(
    db: QueryEngine, frames: Frames, settings: Settings, tables: CostedTables
) -> pd.DataFrame:
    """DQ-018: consultants with activity and no job plan; the amount is what their events cost."""
    active = db.frame(
        "SELECT consultant_code, CAST(sum(full_cost_pence) AS BIGINT) AS pence FROM patient_events "
        f"WHERE consultant_code <> '{UNKNOWN_CONSULTANT}' GROUP BY consultant_code ORDER BY consultant_code"
    )
    without = active[~active["consultant_code"].isin(frames["job_plans"]["consultant_code"])]
    return findings_of(without["consultant_code"], without["pence"])


_LINES = ("apc_episodes",)

GROUP_CHECKS = [
    CostCheck("DQ-012", "An HRG's mean cost is over twice, or under half, the national mean.", "HRGs",
              "Look at the activity and the pools behind its dearest part.", find=find_far_from_benchmark,
              needs=("apc_episodes", "benchmarks")),
    CostCheck("DQ-013", "A clinical department has cost and reaches no patient.", "departments",
              "Find the activity it does, or give it another kind.", find=find_departments_without_events,
              needs=_LINES),
    CostCheck("DQ-014", "Activity is recorded that no cost pool pays for.", "kinds of activity",
              "Add it to a pool's feed_filter, or make a pool for it.", find=find_activity_without_cost,
              needs=(*_LINES, "cost_pools")),
    CostCheck("DQ-015", "A department's cost of a theatre minute, ward hour or clinic minute is out of range.",
              "departments", "Check its cost centres, its activity and the range in trust.yml.",
              find=find_rates_out_of_range, needs=_LINES),
    CostCheck("DQ-016", "A line's unit cost changed by over 30% from one month to the next.", "months",
              "Look for a change of recording or a missing extract.", find=find_monthly_jumps, needs=_LINES),
    CostCheck("DQ-018", "A consultant has activity and no job plan.", "consultants",
              "Add the job plan, or correct the consultant's code.", find=find_without_job_plan,
              needs=(*_LINES, "job_plans")),
]  # fmt: skip
