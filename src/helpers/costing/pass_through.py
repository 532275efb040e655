"""Pass-through income: what commissioners pay for high-cost drugs and devices, at cost."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import find_own_line
from helpers.costing.income import INCOME_COLUMNS, NO_INCOME
from helpers.costing.money import apportion
from helpers.costing.reference import get_reference

PASS_THROUGH = "pass_through"
ROW = "I3"


def share_pass_through(
    contract_income: pd.DataFrame, pool_line_costs: pd.DataFrame
) -> pd.DataFrame:
    """Share pass-through sums over lines by their own cost of traced items, to the penny.

    The sums pay for named drugs and devices at cost, so they follow that cost. A line's traced cost
    counts whether or not it found a patient.

    Parameters
    ----------
    contract_income
        ``element`` and ``amount_pence``.
    pool_line_costs
        Table of that name; feeds that are traced, own cost (no overhead).

    Returns
    -------
    pd.DataFrame
        ``line_income`` rows I3; none without such a sum, or without traced items.

    Notes
    -----
    Decision D-138.
    """
    income = int(
        contract_income.loc[contract_income["element"] == PASS_THROUGH, "amount_pence"].sum()
    )
    traced = get_reference("feeds").query("is_traced == 1")["feed"]
    own = pool_line_costs[
        pool_line_costs["feed"].isin(traced) & (pool_line_costs["tier"] != "overhead")
    ]
    line = own["line_id"].map(find_own_line)
    cost = own.groupby(line)["amount_pence"].sum()
    cost = cost[cost > 0].rename_axis("line_id").reset_index(name="cost_pence")
    if income <= 0 or cost.empty:
        return NO_INCOME.copy()
    shared = apportion(
        cost.assign(all="all", income_pence=income), by=["all"], amount="income_pence",
        weight="cost_pence", key=["line_id"], what="Pass-through income",
    )  # fmt: skip
    shared = shared[shared["share_pence"] != 0]
    return shared.assign(row_id=ROW, pod="", amount_pence=shared["share_pence"])[INCOME_COLUMNS]
