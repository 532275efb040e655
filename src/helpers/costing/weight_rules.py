"""How a pool weighs the activity that shares it out: ``weight_rule`` of cost_pools."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.costing.reference import get_reference
from helpers.errors import InputError, name_a_few

COUNT = "count"  # every record counts alike
ACTUAL = "actual_minutes"  # minutes an appointment took, where they are recorded
CLINIC = "clinic"
COST_POOLS = "cost_pools"


def check_weight_rules(cost_pools: pd.DataFrame) -> None:
    """Refuse a weight rule that does not exist, or that its feed cannot follow.

    Blank, ``weight`` and ``<feed>_weight`` are the feed's own rule (feeds.csv says it in words);
    ``count`` counts records alike; ``actual_minutes`` is for clinics, all of them or none.

    Raises
    ------
    InputError
        POOL-005.
    """
    rules, feeds = _read_rules(cost_pools), cost_pools["feed"].astype("str")
    traced = set(get_reference("feeds").query("is_traced == 1")["feed"])
    is_own = rules.isin(["", "weight"]) | (rules == feeds + "_weight")
    is_count = (rules == COUNT) & ~feeds.isin(traced)
    is_actual = (rules == ACTUAL) & (feeds == CLINIC)
    wrong = cost_pools[~(is_own | is_count | is_actual)]
    if len(wrong):
        pairs = wrong["pool_id"].astype("str") + " " + rules[wrong.index]
        raise InputError(
            f"cost_pools, column weight_rule: {len(wrong):,} pools have a rule that their feed cannot "
            f"follow: {name_a_few(pairs)}.\nLeave it blank for the feed's own weight; or write count "
            "(every record alike; not for traced items), or actual_minutes (clinics only).",
            rule="POOL-005",
        )
    clinics = set(rules[(feeds == CLINIC) & (rules != COUNT)] == ACTUAL)
    if len(clinics) > 1:
        raise InputError(
            "cost_pools, column weight_rule: some clinic pools say actual_minutes and others do not.\n"
            "An appointment has one length: write actual_minutes for all clinic pools, or for none.",
            rule="POOL-005",
        )


def list_counting_pools(cost_pools: pd.DataFrame | None) -> set[str]:
    """Return the pools that count records alike."""
    if cost_pools is None:
        return set()
    return set(cost_pools.loc[_read_rules(cost_pools) == COUNT, "pool_id"])


def find_clinic_minutes(frames: Mapping[str, pd.DataFrame]) -> str:
    """Return SQL for an appointment's minutes: booked, or actual where the trust's pools say so."""
    pools = frames.get(COST_POOLS)
    if pools is not None and _read_rules(pools).eq(ACTUAL).any():
        return "coalesce(actual_minutes, booked_minutes)"
    return "booked_minutes"


def _read_rules(cost_pools: pd.DataFrame) -> pd.Series:
    if "weight_rule" not in cost_pools:
        return pd.Series("", index=cost_pools.index, dtype="str")
    return cost_pools["weight_rule"].astype("str").fillna("").str.strip()
