"""What is said of patients that came costed: pools, shares of lines, credibility."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import NON_PATIENT_LINES, find_own_line
from helpers.costing.credibility import grade_line
from helpers.costing.pools import find_special_line

NOT_SAID = float("nan")
UNSEEN_QUALITY = 0.5  # of a measure that the trust does not grade (decision D-147)
TRACED_QUALITY = 1.0


def find_department_shares(totals: pd.DataFrame, departments: pd.DataFrame) -> pd.DataFrame:
    """Return ``department_line_shares``: a department passes overhead on as its own cost falls on lines.

    A department without cost of its own in the records passes it on as the trust's own cost falls.
    """
    own = totals[totals["tier"] != "overhead"]
    own = own[~own["line_id"].isin(NON_PATIENT_LINES)]
    kinds = departments.set_index("department_id")["kind"]
    by_line = own.groupby("line_id", as_index=False, sort=True)["amount_pence"].sum()
    pieces = []
    for department in sorted(kinds.index[kinds == "clinical"]):
        rows = own[own["source_department"] == department]
        rows = rows.groupby("line_id", as_index=False, sort=True)["amount_pence"].sum()
        rows = rows if rows["amount_pence"].clip(lower=0).sum() > 0 else by_line
        part = rows["amount_pence"].clip(lower=0)
        pieces.append(rows.assign(department_id=department, share_prop=part / part.sum()))
    special = find_special_line(departments[departments["kind"] == "non_patient_care"])
    others = pd.DataFrame(
        {"department_id": special.index, "line_id": special.to_numpy(), "share_prop": 1.0}
    )
    shares = pd.concat([*pieces, others], ignore_index=True)
    shares = shares[["department_id", "line_id", "share_prop"]]
    return shares.sort_values(["department_id", "line_id"], ignore_index=True)


def summarise_pools(totals: pd.DataFrame, pool_line_costs: pd.DataFrame) -> pd.DataFrame:
    """Return ``pool_summary``: the records of each department and kind of activity; no units are known."""
    rows = totals.assign(
        pool_id="COSTED:" + totals["source_department"] + ":" + totals["feed"],
        own_pence=totals["amount_pence"].where(totals["tier"] != "overhead", 0),
        matched_pence=totals["amount_pence"].where(totals["is_event"], 0),
    )
    rows = rows[~rows["line_id"].isin(NON_PATIENT_LINES)]
    rows["good"] = rows["amount_pence"] * rows["quality_score"].fillna(UNSEEN_QUALITY)
    pools = rows.groupby("pool_id", as_index=False, sort=True).agg(
        department_id=("source_department", "first"), feed=("feed", "first"),
        own_pence=("own_pence", "sum"), all_pence=("amount_pence", "sum"),
        matched_pence=("matched_pence", "sum"), good=("good", "sum"),
    )  # fmt: skip
    pools = pools[pools["pool_id"].isin(pool_line_costs["pool_id"])]
    whole = pools["all_pence"].where(pools["all_pence"] != 0)
    return pools.assign(
        overhead_pence=pools["all_pence"] - pools["own_pence"], n_lines=0, weight_units=0.0,
        unit="not known", rate_gbp_per_unit=NOT_SAID, matched_prop=pools["matched_pence"] / whole,
        quality_score=pools["good"] / whole,
    )[[
        "pool_id", "department_id", "feed", "own_pence", "overhead_pence", "n_lines", "weight_units",
        "unit", "rate_gbp_per_unit", "matched_prop", "quality_score",
    ]].reset_index(drop=True)  # fmt: skip


def rate_credibility(totals: pd.DataFrame) -> pd.DataFrame:
    """Return ``credibility`` by the quality that ``cost_names`` gives; half where it gives none.

    Overhead counts as good as the rest of the line's cost. What found no event counts as averaged.
    """
    rows = totals[~totals["line_id"].isin(NON_PATIENT_LINES)]
    quality = rows["quality_score"].fillna(UNSEEN_QUALITY)
    is_overhead = rows["tier"] == "overhead"
    amount = rows["amount_pence"]
    is_traced = rows["is_event"] & (quality >= TRACED_QUALITY) & ~is_overhead
    rows = rows.assign(
        line_id=rows["line_id"].map(find_own_line).astype("str"),
        traced_pence=amount.where(is_traced, 0),
        averaged_pence=amount.where(~is_traced & ~is_overhead, 0),
        apportioned_pence=amount.where(is_overhead, 0),
        unmatched_pence=amount.where(~rows["is_event"], 0),
        weighed=(amount.clip(lower=0) * quality).where(~is_overhead & rows["is_event"], 0.0),
        own=amount.clip(lower=0).where(~is_overhead, 0),
    )
    parts = ["traced_pence", "averaged_pence", "apportioned_pence", "unmatched_pence"]
    lines = rows.groupby("line_id", as_index=False, sort=True)[[*parts, "weighed", "own"]].sum()
    cost = lines[["traced_pence", "averaged_pence", "apportioned_pence"]].sum(axis=1)
    lines["score"] = (lines["weighed"] / lines["own"].where(lines["own"] > 0)).fillna(0.0)
    unmatched = (lines["unmatched_pence"] / cost.where(cost != 0)).fillna(0.0)
    grades = [grade_line(s, u) for s, u in zip(lines["score"], unmatched, strict=True)]
    return lines.assign(grade=grades)[["line_id", *parts, "score", "grade"]]
