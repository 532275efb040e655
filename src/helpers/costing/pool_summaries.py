"""What a reader asks of the pools: their rate, and how their activity found its patients."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.money import hamilton
from helpers.costing.pool_lines import HUNDREDTHS, UNMATCHED_RULE, PoolWeights
from helpers.costing.reference import get_reference

COUNTED_UNIT = "records, each counted alike"
POOL_COLUMNS = [
    "pool_id", "department_id", "feed", "own_pence", "overhead_pence", "n_lines", "weight_units",
    "unit", "rate_gbp_per_unit", "matched_prop", "quality_score",
]  # fmt: skip


def summarise_pools(weighed: PoolWeights, *, counting: Collection[str] = ()) -> pd.DataFrame:
    """Return ``pool_summary``: cost, activity, rate and share matched of each pool.

    The rate is pounds of all cost in the pool for one unit of its weight; in a traced pool, where
    the unit is a pound of items, the remainder counts as weight.
    """
    rows = weighed.weights
    rows = rows.assign(matched=rows["weight"].where(rows["is_matched"], 0))
    sums = rows.groupby("pool_id")[["n_lines", "weight", "matched"]].sum()
    pools = weighed.pools.merge(
        sums, left_on="pool_id", right_index=True, how="left", validate="one_to_one"
    ).merge(get_reference("feeds")[["feed", "unit"]], on="feed", how="left", validate="many_to_one")
    units = (pools["weight"] / HUNDREDTHS).where(pools["weight"] != 0)
    pools["unit"] = pools["unit"].mask(pools["pool_id"].isin(counting), COUNTED_UNIT)
    pounds = (pools["own_pence"] + pools["overhead_pence"]) / 100
    return pools.assign(
        weight_units=pools["weight"] / HUNDREDTHS,
        rate_gbp_per_unit=pounds / units,
        matched_prop=pools["matched"] / HUNDREDTHS / units,
    )[POOL_COLUMNS]


def summarise_matching(db: QueryEngine, weighed: PoolWeights) -> pd.DataFrame:
    """Return ``matching_summary``: activity lines of each feed by match rule, and their cost.

    The cost of a feed's pools, overhead among it, goes to rules by weight; what a traced pool holds
    beyond its items stands under NONE.
    """
    counts = db.frame(
        "SELECT feed, match_rule, count(*) AS n_lines FROM weighed_lines GROUP BY feed, match_rule"
    )
    by_rule = weighed.weights.groupby(["pool_id", "match_rule"], sort=True)["weight"].sum()
    rules = {pool: rows.droplevel(0) for pool, rows in by_rule.groupby(level=0)}
    amounts = [_cost_rules(pool, rules.get(pool.pool_id)) for pool in weighed.pools.itertuples()]
    cost = pd.concat(amounts).groupby(["feed", "match_rule"], as_index=False)["amount_pence"].sum()
    both = counts.merge(cost, on=["feed", "match_rule"], how="outer", validate="one_to_one")
    for name in ("n_lines", "amount_pence"):
        both[name] = both[name].fillna(0).astype("int64")
    places = get_reference("match_rules")[["match_rule", "place"]]
    both = both.merge(places, on="match_rule", how="left", validate="many_to_one")
    return both.sort_values(["feed", "place"], ignore_index=True)[
        ["feed", "match_rule", "n_lines", "amount_pence"]
    ]


def _cost_rules(pool: object, by_rule: pd.Series | None) -> pd.DataFrame:
    by_rule = pd.Series(dtype="int64") if by_rule is None else by_rule.clip(lower=0)
    if not by_rule.sum():
        by_rule = pd.Series({UNMATCHED_RULE: 1})
    shared = hamilton(pool.own_pence + pool.overhead_pence, [int(w) for w in by_rule])
    return pd.DataFrame({"feed": pool.feed, "match_rule": by_rule.index, "amount_pence": shared})
