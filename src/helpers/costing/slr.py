"""Costing without activity feeds: clinical departments go to lines by the trust's own drivers.

Such a trust gets the same statement. Every patient table is there and empty, and all cost of care
counts as averaged (decision D-002).
"""

from __future__ import annotations

import pandas as pd

from helpers.contracts import OUTPUTS, STORED_AS, QueryEngine
from helpers.costing.money import apportion
from helpers.errors import AllocationError, InputError, name_a_few

LINE_DRIVERS = "line_drivers"
BASE_SET = "base"


def build_department_pools(departments: pd.DataFrame) -> pd.DataFrame:
    """Return one pool for each clinical department, as cost_pools would hold it."""
    clinical = departments.loc[departments["kind"] == "clinical", ["department_id"]]
    return clinical.assign(
        pool_id=clinical["department_id"], element_filter="*", share=1.0, feed=LINE_DRIVERS,
        feed_filter="", fallback_feed="", weight_rule="", quality_score=0.0,
    ).reset_index(drop=True)  # fmt: skip


def find_line_weights(
    line_drivers: pd.DataFrame, departments: pd.DataFrame, lines: set[str]
) -> pd.DataFrame:
    """Return ``department_id, line_id, quantity`` of the base set.

    A department without rows that one line owns goes to that line.

    Raises
    ------
    InputError
        SLR-001 a line that service_lines lacks.
    AllocationError
        ALLOC-E03 a negative quantity.
    """
    base = line_drivers[line_drivers["driver_set"].fillna(BASE_SET) == BASE_SET]
    unknown = base[~base["line_id"].isin(lines)]
    if len(unknown):
        raise InputError(
            f"line_drivers, column line_id: lines that service_lines does not list: "
            f"{name_a_few(unknown['line_id'])}.\nCorrect either file.",
            rule="SLR-001",
        )
    negative = base[base["quantity"] < 0]
    if len(negative):
        raise AllocationError(
            f"line_drivers, column quantity: {len(negative):,} rows are negative, of departments "
            f"{name_a_few(negative['department_id'])}.",
            rule="ALLOC-E03",
        )
    given = base.groupby(["department_id", "line_id"], as_index=False, sort=True)["quantity"].sum()
    owned = departments[
        departments["kind"].eq("clinical")
        & departments["owner_line_id"].isin(lines)
        & ~departments["department_id"].isin(given["department_id"])
    ]
    own = owned[["department_id"]].assign(line_id=owned["owner_line_id"], quantity=1.0)
    return pd.concat([given, own], ignore_index=True)


def share_to_lines(
    components: pd.DataFrame, weights: pd.DataFrame, departments: pd.DataFrame
) -> pd.DataFrame:
    """Share every pool component between lines by the department's drivers, to the penny.

    Returns
    -------
    pd.DataFrame
        Table ``pool_line_costs``, non-patient care and excluded departments among its rows.

    Raises
    ------
    InputError
        SLR-002 a department has cost and no driver.
    """
    special = components[components["line_id"] != ""]
    patient = components[components["line_id"] == ""].drop(columns="line_id")
    bare = patient[~patient["department_id"].isin(weights["department_id"])]
    if len(bare):
        raise InputError(
            f"{bare['department_id'].nunique():,} clinical departments have no row in line_drivers: "
            f"{name_a_few(bare['department_id'])}.\nThey cost £{bare['amount_pence'].sum() / 100:,.2f} "
            "with overhead. Add rows that say which lines use them.",
            rule="SLR-002",
        )
    weights = weights.assign(
        weight=weights["quantity"]
        / weights.groupby("department_id")["quantity"].transform("sum").where(lambda s: s > 0, 1)
    )
    rows = patient.merge(weights, on="department_id", validate="many_to_many")
    shared = apportion(
        rows,
        by=["pool_id", "is_overhead", "source_department", "element"],
        amount="amount_pence",
        weight="weight",
        key=["line_id"],
        what="Cost",
    )
    both = pd.concat(
        [shared.assign(amount_pence=shared["share_pence"]), special], ignore_index=True
    )
    return total_pool_lines(add_tier(both, departments))


def add_tier(rows: pd.DataFrame, departments: pd.DataFrame) -> pd.DataFrame:
    """Add ``tier``: overhead; direct if the line owns the department; otherwise indirect (D-004)."""
    owner = departments.set_index("department_id")["owner_line_id"].fillna("")
    is_own = rows["department_id"].map(owner).eq(rows["line_id"])
    is_own = is_own | rows["pool_id"].str.startswith("NPC:")
    tier = pd.Series("indirect", index=rows.index, dtype="str").mask(is_own, "direct")
    return rows.assign(tier=tier.mask(rows["is_overhead"].astype(bool), "overhead"))


def total_pool_lines(rows: pd.DataFrame) -> pd.DataFrame:
    """Return table ``pool_line_costs``: one row per key, none of them zero."""
    contract = OUTPUTS["pool_line_costs"]
    by = [name for name in contract.columns if name != "amount_pence"]
    total = rows.groupby(by, as_index=False, sort=True)["amount_pence"].sum()
    return (
        total[total["amount_pence"] != 0].astype({"amount_pence": "int64"}).reset_index(drop=True)
    )


def find_department_shares(pool_line_costs: pd.DataFrame) -> pd.DataFrame:
    """Return how the overhead a department receives passes to lines (``department_line_shares``)."""
    passed = pool_line_costs[pool_line_costs["tier"] == "overhead"]
    by_line = passed.groupby(["department_id", "line_id"], as_index=False, sort=True)[
        "amount_pence"
    ].sum()
    total = by_line.groupby("department_id")["amount_pence"].transform("sum")
    return by_line.assign(share_prop=by_line["amount_pence"] / total)[
        ["department_id", "line_id", "share_prop"]
    ]


def rate_credibility(pool_line_costs: pd.DataFrame, lines: list[str]) -> pd.DataFrame:
    """Return table ``credibility`` for a trust without feeds: nothing is traced, grade E."""
    is_overhead = pool_line_costs["tier"] == "overhead"
    averaged = pool_line_costs[~is_overhead].groupby("line_id")["amount_pence"].sum()
    apportioned = pool_line_costs[is_overhead].groupby("line_id")["amount_pence"].sum()
    return pd.DataFrame(
        {
            "line_id": pd.Series(lines, dtype="str"),
            "traced_pence": 0,
            "averaged_pence": averaged.reindex(lines).fillna(0).astype("int64").to_numpy(),
            "apportioned_pence": apportioned.reindex(lines).fillna(0).astype("int64").to_numpy(),
            "unmatched_pence": 0,
            "score": 0.0,
            "grade": "E",
        }
    )


def summarise_pools(components: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Return table ``pool_summary``: one pool a department, shared by its line drivers."""
    patient = components[components["line_id"] == ""]
    keys = ["pool_id", "department_id"]
    own = patient[~patient["is_overhead"]].groupby(keys)["amount_pence"].sum()
    overhead = patient[patient["is_overhead"]].groupby(keys)["amount_pence"].sum()
    both = pd.DataFrame({"own_pence": own, "overhead_pence": overhead}).fillna(0).astype("int64")
    counted = weights.groupby("department_id").agg(
        n_lines=("line_id", "size"), weight_units=("quantity", "sum")
    )
    frame = both.reset_index().merge(
        counted.reset_index(), on="department_id", how="left", validate="one_to_one"
    )
    cost = (frame["own_pence"] + frame["overhead_pence"]) / 100
    return frame.assign(
        feed=LINE_DRIVERS, unit="driver unit", rate_gbp_per_unit=cost / frame["weight_units"],
        matched_prop=1.0, quality_score=0.0,
    )  # fmt: skip


def create_empty_tables(db: QueryEngine, *names: str) -> None:
    """Make patient tables of the contract without rows, so that later steps find them."""
    for name in names:
        columns = ", ".join(
            f"CAST(NULL AS {STORED_AS[column.kind][0]}) AS {title}"
            for title, column in OUTPUTS[name].columns.items()
        )
        db.create(name, f"SELECT * FROM (SELECT {columns}) empty WHERE 1 = 0")
