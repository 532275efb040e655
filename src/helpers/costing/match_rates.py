"""How much of each line's activity found its patient, by feed; and cost without a usable HRG."""

from __future__ import annotations

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import UNMATCHED, find_own_line
from helpers.costing.pool_lines import NO_FEED

RATE_COLUMNS = ["line_id", "feed", "n_lines", "n_matched", "cost_pence", "matched_pence"]
UNGROUPED = "hrg IS NULL OR hrg LIKE 'UZ%'"


def rate_matches(db: QueryEngine, pool_line_costs: pd.DataFrame) -> pd.DataFrame:
    """Return ``line_match_rates``: each line's activity and cost by feed, and what found a patient.

    A line's unmatched activity is inside the line. Without activity feeds there are no rows.
    """
    if not db.has("weighed_lines"):
        return pd.DataFrame(columns=RATE_COLUMNS).astype(
            {name: "str" if name in ("line_id", "feed") else "int64" for name in RATE_COLUMNS}
        )
    counts = db.frame(
        "SELECT coalesce(line_id, unmatched_line_id) AS line_id, feed, count(*) AS n_lines, "
        "count(event_no) AS n_matched FROM weighed_lines "
        "GROUP BY coalesce(line_id, unmatched_line_id), feed ORDER BY 1, 2"
    )
    counts = _total(counts, ["n_lines", "n_matched"])
    costs = pool_line_costs[pool_line_costs["feed"] != NO_FEED]
    is_unmatched = costs["line_id"].str.startswith(f"{UNMATCHED}:")
    costs = costs.assign(
        cost_pence=costs["amount_pence"], matched_pence=costs["amount_pence"].mask(is_unmatched, 0)
    )
    costs = _total(costs, ["cost_pence", "matched_pence"])
    both = counts.merge(costs, on=["line_id", "feed"], how="outer", validate="one_to_one")
    numbers = {name: both[name].fillna(0).astype("int64") for name in RATE_COLUMNS[2:]}
    return both.assign(**numbers).sort_values(["line_id", "feed"], ignore_index=True)[RATE_COLUMNS]


def add_ungrouped(db: QueryEngine, credibility: pd.DataFrame) -> pd.DataFrame:
    """Add ``ungrouped_pence``: the cost of a line's events whose HRG is missing or ungroupable (UZ)."""
    found = db.frame(
        "SELECT line_id, CAST(sum(full_cost_pence) AS BIGINT) AS pence FROM patient_events "
        f"WHERE {UNGROUPED} GROUP BY line_id ORDER BY line_id"
    ).set_index("line_id")["pence"]
    ungrouped = credibility["line_id"].map(found).fillna(0).astype("int64")
    return credibility.assign(ungrouped_pence=ungrouped)


def _total(rows: pd.DataFrame, numbers: list[str]) -> pd.DataFrame:
    own = rows.assign(line_id=rows["line_id"].map(find_own_line).astype("str"))
    return own.groupby(["line_id", "feed"], as_index=False, sort=True)[numbers].sum()
