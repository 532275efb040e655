"""Which costs move with activity, and how soon: from the behaviour of each ledger code."""

from __future__ import annotations

import pandas as pd

HORIZONS = ("12m", "3y", "long")
SHARE_COLUMNS = [f"variable_share_{horizon}" for horizon in HORIZONS]
EXPENDITURE = "expenditure"


def find_behaviour(
    ledger: pd.DataFrame, cost_centre_map: pd.DataFrame, expense_map: pd.DataFrame
) -> pd.DataFrame:
    """Return the share of each department's cost that can be shed within each horizon.

    Shares of ledger codes are weighted by their cost. A code without a share is taken not to move
    (decision D-093).

    Returns
    -------
    pd.DataFrame
        ``department_id``, ``element`` and the shares ``12m``, ``3y``, ``long`` (0-1).
    """
    codes = expense_map[["expense_code", "account_type", "element", *SHARE_COLUMNS]]
    rows = ledger.merge(codes, on="expense_code", how="left", validate="many_to_one")
    rows = rows[rows["account_type"] == EXPENDITURE].merge(
        cost_centre_map[["cost_centre", "department_id"]],
        on="cost_centre", how="left", validate="many_to_one",
    )  # fmt: skip
    return _weigh(rows, ["department_id", "element"])


def total_services(behaviour: pd.DataFrame, department_costs: pd.DataFrame) -> pd.DataFrame:
    """Return each overhead service's own cost and the share of it that can be shed, by horizon.

    Returns
    -------
    pd.DataFrame
        One row per service: ``cost_pence`` and the shares ``12m``, ``3y``, ``long``, all elements
        together.
    """
    own = department_costs[department_costs["kind"] == "service"].merge(
        behaviour, on=["department_id", "element"], how="left", validate="one_to_one"
    )
    moved = own[list(HORIZONS)].fillna(0.0).mul(own["amount_pence"], axis=0)
    moved["cost_pence"] = own["amount_pence"]
    totals = moved.groupby(own["department_id"]).sum()
    whole = totals["cost_pence"].where(totals["cost_pence"] != 0)
    shares = totals[list(HORIZONS)].div(whole, axis=0).fillna(0.0).clip(0, 1)
    return shares.assign(cost_pence=totals["cost_pence"].astype("int64")).rename_axis("service_id")


def _weigh(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    shares = rows[SHARE_COLUMNS].astype("float64").fillna(0.0).set_axis(HORIZONS, axis=1)
    moved = shares.mul(rows["amount_pence"], axis=0)
    moved["amount_pence"] = rows["amount_pence"]
    totals = moved.groupby([rows[name] for name in by]).sum()
    whole = totals["amount_pence"].where(totals["amount_pence"] != 0)
    return totals[list(HORIZONS)].div(whole, axis=0).fillna(0.0).clip(0, 1).reset_index()
