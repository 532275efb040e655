"""Cost pools: which part of each department's cost follows which activity."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.contracts.terms import ELEMENTS, EXCLUDED, OTHER
from helpers.costing.money import apportion
from helpers.costing.weight_rules import check_weight_rules
from helpers.errors import AllocationError, InputError, name_a_few

SHARE_TOLERANCE = 1e-6  # shares of a department's element must sum to 1 within this
NO_FEED = "none"
COMPONENT_COLUMNS = [
    "pool_id", "department_id", "feed", "feed_filter", "fallback_feed", "weight_rule",
    "quality_score", "line_id", "element", "source_department", "is_overhead", "amount_pence",
]  # fmt: skip
POOL_COLUMNS = COMPONENT_COLUMNS[:7]


def build_pool_components(
    department_costs: pd.DataFrame,
    overhead_allocation: pd.DataFrame,
    cost_pools: pd.DataFrame,
    departments: pd.DataFrame,
) -> pd.DataFrame:
    """Split every final department's cost into pools, element by element, to the penny.

    A department's own cost goes to its pools by ``share``. The overhead it received joins its pools
    in proportion to their own cost (decision D-009). Non-patient-care and excluded departments get
    one pool each, ``NPC:<department>``, whose ``line_id`` is ET, RD, OTHER or EXCLUDED (D-003).

    Parameters
    ----------
    department_costs, overhead_allocation
        Tables of those names (contracts), whole pence.
    cost_pools, departments
        The trust's files, typed.

    Returns
    -------
    pd.DataFrame
        One row per pool x element x source department with ``amount_pence`` other than zero;
        ``is_overhead`` tells overhead received from own cost; ``line_id`` is blank for a pool that
        activity shares out.

    Raises
    ------
    InputError
        POOL-001 shares of a department's element do not sum to 1; POOL-002 a department has cost
        and no pool takes it; POOL-003 a pool of an unknown, service or non-patient department;
        POOL-004 an unknown element in a filter; POOL-005 a weight rule that the feed cannot follow.
    """
    kinds = departments.set_index("department_id")["kind"]
    pools = _clean_pools(cost_pools, kinds)
    own = department_costs[department_costs["kind"] == "clinical"]
    own = own[own["amount_pence"] != 0]
    spread = _spread_own(own, _list_elements(pools))
    received = overhead_allocation.groupby(
        ["department_id", "service_id", "element"], as_index=False, sort=True
    )["amount_pence"].sum()
    received = received[received["amount_pence"] != 0]
    is_clinical = received["department_id"].map(kinds).eq("clinical").to_numpy(dtype=bool)
    joined = _join_overhead(received[is_clinical], spread, pools)
    patient = pd.concat([spread, joined], ignore_index=True)
    patient = patient.merge(
        pools[POOL_COLUMNS], on=["pool_id", "department_id"], how="left", validate="many_to_one"
    ).assign(line_id="")
    others = _build_other_pools(department_costs, received[~is_clinical], departments)
    both = pd.concat([patient, others], ignore_index=True)[COMPONENT_COLUMNS]
    both = both[both["amount_pence"] != 0]
    both["amount_pence"] = both["amount_pence"].astype("int64")
    both["is_overhead"] = both["is_overhead"].astype(bool)
    return both.sort_values(["pool_id", "is_overhead", "source_department", "element"]).reset_index(
        drop=True
    )


def find_special_line(departments: pd.DataFrame) -> pd.Series:
    """Return the column (ET, RD, OTHER, EXCLUDED) of each non-patient-care or excluded department."""
    rows = departments[departments["kind"].isin(["non_patient_care", "excluded"])]
    owner = rows["owner_line_id"].fillna("").where(rows["owner_line_id"].fillna("") != "", OTHER)
    line = owner.mask(rows["kind"] == "excluded", EXCLUDED)
    return pd.Series(line.to_numpy(), index=rows["department_id"].to_numpy(), dtype="str")


def _clean_pools(cost_pools: pd.DataFrame, kinds: pd.Series) -> pd.DataFrame:
    pools = cost_pools.copy()
    for column in ("feed_filter", "fallback_feed", "weight_rule", "element_filter"):
        given = pools[column] if column in pools else pd.Series("", index=pools.index)
        pools[column] = given.astype("str").fillna("").str.strip()
    quality = pools.get("quality_score", 0.0)
    check_weight_rules(pools)
    pools["quality_score"] = pd.Series(quality, index=pools.index).astype("float64").fillna(0.0)
    wrong = pools[pools["department_id"].map(kinds).ne("clinical").to_numpy(dtype=bool)]
    if len(wrong):
        raise InputError(
            f"cost_pools has {len(wrong):,} pools of departments that departments does not list as "
            f"clinical: {name_a_few(wrong['department_id'])}.\n"
            "A pool shares out a clinical department's cost; correct department_id or its kind.",
            rule="POOL-003",
        )
    return pools


def _list_elements(pools: pd.DataFrame) -> pd.DataFrame:
    """Return one row per pool and element that its filter takes."""
    named = pools["element_filter"].str.split(";")
    listed = [
        list(ELEMENTS) if text in ("", "*") else [part.strip() for part in parts if part.strip()]
        for text, parts in zip(pools["element_filter"], named, strict=True)
    ]
    rows = pools[["pool_id", "department_id", "share"]].assign(element=listed).explode("element")
    unknown = rows[~rows["element"].isin(ELEMENTS)]
    if len(unknown):
        raise InputError(
            f"cost_pools, column element_filter, names elements that do not exist: "
            f"{name_a_few(unknown['element'])}, in pools {name_a_few(unknown['pool_id'])}.\n"
            f"The elements are: {', '.join(ELEMENTS)}.",
            rule="POOL-004",
        )
    return rows.assign(element=rows["element"].astype("str")).reset_index(drop=True)


def _spread_own(own: pd.DataFrame, takers: pd.DataFrame) -> pd.DataFrame:
    """Return each pool's part of its department's own cost."""
    own = own[["department_id", "element", "amount_pence"]]
    sums = takers.groupby(["department_id", "element"], as_index=False)["share"].sum()
    checked = own.merge(sums, on=["department_id", "element"], how="left", validate="one_to_one")
    _check_shares(checked)
    rows = own.merge(takers, on=["department_id", "element"], validate="one_to_many")
    shared = apportion(
        rows, by=["department_id", "element"], amount="amount_pence", weight="share", key=["pool_id"],
        what="Own cost",
    )  # fmt: skip
    return shared.assign(
        amount_pence=shared["share_pence"],
        source_department=shared["department_id"],
        is_overhead=False,
    )[["pool_id", "department_id", "element", "source_department", "is_overhead", "amount_pence"]]


def _check_shares(checked: pd.DataFrame) -> None:
    missing = checked[checked["share"].isna()]
    if len(missing):
        pounds = missing["amount_pence"].sum() / 100
        pairs = missing["department_id"] + " " + missing["element"]
        raise InputError(
            f"{len(missing):,} department elements, £{pounds:,.2f} in all, have cost and no pool takes "
            f"it: {name_a_few(pairs)}.\nAdd a row for each to cost_pools, or widen an element_filter.",
            rule="POOL-002",
        )
    wrong = checked[(checked["share"] - 1).abs() > SHARE_TOLERANCE]
    if len(wrong):
        pounds = wrong["amount_pence"].sum() / 100
        pairs = (
            wrong["department_id"]
            + " "
            + wrong["element"]
            + " sums to "
            + (wrong["share"].map("{:.4f}".format))
        )
        raise InputError(
            f"cost_pools, column share: the shares of {len(wrong):,} department elements, "
            f"£{pounds:,.2f} in all, do not sum to 1: {name_a_few(pairs)}.\n"
            "Correct the shares: pools that take the same element of a department must sum to 1.",
            rule="POOL-001",
        )


def _join_overhead(
    received: pd.DataFrame, spread: pd.DataFrame, pools: pd.DataFrame
) -> pd.DataFrame:
    """Return the overhead that joins each pool, in proportion to the pool's own cost.

    A department whose pools hold no net cost of their own shares its overhead equally among them.
    """
    own = spread.groupby("pool_id")["amount_pence"].sum()
    basis = pools[["pool_id", "department_id"]].assign(
        weight=pools["pool_id"].map(own).fillna(0).clip(lower=0).astype("int64")
    )
    total = basis.groupby("department_id")["weight"].transform("sum")
    basis["weight"] = basis["weight"].where(total > 0, 1)
    poolless = received[~received["department_id"].isin(basis["department_id"])]
    if len(poolless):
        raise InputError(
            f"{poolless['department_id'].nunique():,} departments receive overhead of "
            f"£{poolless['amount_pence'].sum() / 100:,.2f} and have no cost pool: "
            f"{name_a_few(poolless['department_id'])}.\nAdd a pool for each to cost_pools.",
            rule="POOL-002",
        )
    rows = received.merge(basis, on="department_id", validate="many_to_many")
    shared = apportion(
        rows, by=["department_id", "service_id", "element"], amount="amount_pence", weight="weight",
        key=["pool_id"], what="Overhead received",
    )  # fmt: skip
    return shared.assign(
        amount_pence=shared["share_pence"], source_department=shared["service_id"], is_overhead=True
    )[["pool_id", "department_id", "element", "source_department", "is_overhead", "amount_pence"]]


def _build_other_pools(
    department_costs: pd.DataFrame, received: pd.DataFrame, departments: pd.DataFrame
) -> pd.DataFrame:
    """Return one pool per non-patient-care or excluded department, already given to its column."""
    own = department_costs[department_costs["kind"].isin(["non_patient_care", "excluded"])]
    own = own.assign(source_department=own["department_id"], is_overhead=False)
    overhead = received.assign(source_department=received["service_id"], is_overhead=True)
    columns = ["department_id", "element", "source_department", "is_overhead", "amount_pence"]
    both = pd.concat([own[columns], overhead[columns]], ignore_index=True)
    line = both["department_id"].map(find_special_line(departments))
    if line.isna().any():
        lost = both[line.isna()]
        raise AllocationError(
            f"£{lost['amount_pence'].sum() / 100:,.2f} of overhead reached departments that are "
            f"neither clinical nor non-patient care: {name_a_few(lost['department_id'])}.",
            rule="POOL-003",
        )
    return both.assign(
        pool_id="NPC:" + both["department_id"], feed=NO_FEED, feed_filter="", fallback_feed="",
        weight_rule="", quality_score=np.nan, line_id=line.astype("str"),
    )  # fmt: skip
