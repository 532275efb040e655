"""How far each line's cost can be traced to patients, and the grade that gives."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.contracts.terms import UNMATCHED, find_own_line
from helpers.costing.pool_lines import NO_FEED, PoolWeights
from helpers.costing.reference import get_reference

TRACED_QUALITY = 1.0  # a driver of this quality traces cost to the patient
# A grade needs a score of at least, and an unmatched share of less than, this (0-1).
GRADES = (("A", 0.80, 0.02), ("B", 0.65, 0.05), ("C", 0.50, 0.10), ("D", 0.35, np.inf))
LOWEST_GRADE = "E"
PARTS = ("traced_pence", "averaged_pence", "apportioned_pence", "unmatched_pence")


def assess_credibility(weighed: PoolWeights, pool_line_costs: pd.DataFrame) -> pd.DataFrame:
    """Return ``credibility``: each line's cost by how it was found, a score and a grade.

    Traced: own cost of pools of quality 1 and of traced items, where an event was found. Apportioned:
    overhead. Averaged: the rest, unmatched own cost among it. The three add up to the line's cost;
    ``unmatched_pence`` is a part of them. A line's unmatched cost is inside the line.
    """
    costs = pool_line_costs[pool_line_costs["feed"] != NO_FEED]
    costs = costs.merge(
        weighed.pools[["pool_id", "quality_score", "is_traced"]],
        on="pool_id",
        validate="many_to_one",
    )
    is_unmatched = costs["line_id"].str.startswith(f"{UNMATCHED}:")
    is_overhead = costs["tier"] == "overhead"
    good = costs["is_traced"] | (costs["quality_score"] >= TRACED_QUALITY)
    amount = costs["amount_pence"]
    costs = costs.assign(
        line_id=costs["line_id"].map(find_own_line).astype("str"),
        traced_pence=amount.where(good & ~is_overhead & ~is_unmatched, 0),
        averaged_pence=amount.where((~good | is_unmatched) & ~is_overhead, 0),
        apportioned_pence=amount.where(is_overhead, 0),
        unmatched_pence=amount.where(is_unmatched, 0),
    )
    lines = costs.groupby("line_id", as_index=False, sort=True)[list(PARTS)].sum()
    by_pool = costs.groupby(["line_id", "pool_id"], as_index=False).agg(
        cost=("amount_pence", "sum"), quality=("quality_score", "first")
    )
    matched = find_match_rates(weighed.weights)
    by_pool = by_pool.merge(matched, on=["line_id", "pool_id"], how="left", validate="one_to_one")
    scores = {
        line: score_pools(rows["cost"], rows["quality"], rows["match_prop"].fillna(0.0))
        for line, rows in by_pool.groupby("line_id")
    }
    total = lines[["traced_pence", "averaged_pence", "apportioned_pence"]].sum(axis=1)
    lines["score"] = lines["line_id"].map(scores).astype("float64")
    unmatched = lines["unmatched_pence"] / total.where(total != 0)
    return lines.assign(
        grade=[
            grade_line(score, part)
            for score, part in zip(lines["score"], unmatched.fillna(0), strict=True)
        ]
    )


def find_match_rates(weights: pd.DataFrame) -> pd.DataFrame:
    """Return the match rate of each line in each pool: share of weight x quality of the rule, 0-1."""
    quality = get_reference("match_rules").set_index("match_rule")["quality_prop"]
    rows = weights.assign(
        line_id=weights["line_id"].map(find_own_line).astype("str"),
        weight=weights["weight"].clip(lower=0),
    )
    rows["good"] = rows["weight"] * rows["match_rule"].map(quality)
    sums = rows.groupby(["line_id", "pool_id"], as_index=False)[["weight", "good"]].sum()
    return sums.assign(match_prop=sums["good"] / sums["weight"].where(sums["weight"] != 0))[
        ["line_id", "pool_id", "match_prop"]
    ]


def score_pools(cost: pd.Series, quality: pd.Series, match_prop: pd.Series) -> float:
    """Return the sum over pools of cost share x quality x match rate, 0-1; 0 where there is no cost."""
    cost = cost.clip(lower=0)
    total = cost.sum()
    return float((cost * quality * match_prop).sum() / total) if total else 0.0


def grade_line(score: float, unmatched_prop: float) -> str:
    """Return A to E. D and E are not fit for decisions."""
    for grade, lowest_score, unmatched_below in GRADES:
        if score >= lowest_score and unmatched_prop < unmatched_below:
            return grade
    return LOWEST_GRADE
