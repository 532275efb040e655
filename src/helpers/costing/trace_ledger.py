"""Following pence from a line of the ledger forward to pools, tiers and service lines."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.costing.ledger import EXPENDITURE
from helpers.costing.trace import share_parts
from helpers.errors import InputError, name_a_few

SET_OFF = "SET_OFF"  # a posting that others of its department and element cancel in full

CARRIERS_SQL = """
SELECT k.line_id, k.tier, count(DISTINCT c.event_no) AS n_events
FROM cost_rows AS c JOIN cost_keys AS k ON k.key_no = c.key_no
WHERE k.element = $element AND k.source_department = $source
GROUP BY k.line_id, k.tier ORDER BY k.line_id, k.tier
"""


@dataclass(frozen=True)
class LedgerTrace:
    """Where the pence of one ledger line (cost centre and expense code) went.

    ``paths`` has one row per pool, tier and line: ``pool_id, department_id, feed, line_id, tier,
    n_events`` (of the line, that carry some), ``amount_pence``; they add up to ``amount_pence``.
    ``department_pence`` is all that the department's ledger holds of the element, of which this
    line's share travels with the rest.
    """

    cost_centre: str
    expense_code: str
    department_id: str
    element: str
    amount_pence: int
    department_pence: int
    paths: pd.DataFrame


def trace_ledger_line(
    db: QueryEngine,
    cost_centre: str,
    expense_code: str,
    *,
    postings: pd.DataFrame,
    pool_line_costs: pd.DataFrame,
) -> LedgerTrace:
    """Follow a ledger line's pence forward to pools, tiers, lines and columns.

    A posting travels with all others of its department and element; its share of what each line
    took is its share of what they hold together. Parameters are those of ``trace_event``.

    Raises
    ------
    InputError
        If the ledger has no such line, or it is not expenditure.
    """
    row = _find_posting(postings, cost_centre, expense_code)
    amount, department, element = int(row.amount_pence), row.department_id, row.element
    together = postings[
        (postings["account_type"] == EXPENDITURE)
        & (postings["department_id"] == department)
        & (postings["element"] == element)
    ]
    taken = pool_line_costs[
        (pool_line_costs["source_department"] == department)
        & (pool_line_costs["element"] == element)
    ].reset_index(drop=True)
    columns = ["pool_id", "department_id", "feed", "line_id", "tier"]
    if taken.empty:  # charges and credits cancel: nothing was left to share out
        paths = pd.DataFrame([[SET_OFF, department, "none", SET_OFF, "direct"]], columns=columns)
        paths = paths.assign(n_events=0, amount_pence=amount)
    else:
        shares = share_parts(amount, taken["amount_pence"].tolist())
        carriers = _count_carriers(db, element, department)
        paths = taken[columns].assign(amount_pence=shares).merge(
            carriers, on=["line_id", "tier"], how="left", validate="many_to_one"
        )  # fmt: skip
        paths["n_events"] = paths["n_events"].fillna(0).astype("int64")
    order = paths["amount_pence"].abs()
    paths = paths.assign(order=order).sort_values(
        ["order", "pool_id", "line_id", "tier"], ascending=[False, True, True, True]
    )
    return LedgerTrace(
        cost_centre=cost_centre,
        expense_code=expense_code,
        department_id=department,
        element=element,
        amount_pence=amount,
        department_pence=int(together["amount_pence"].sum()),
        paths=paths[[*columns, "n_events", "amount_pence"]].reset_index(drop=True),
    )


def _find_posting(postings: pd.DataFrame, cost_centre: str, expense_code: str) -> pd.Series:
    centre = postings[postings["cost_centre"] == cost_centre]
    if centre.empty:
        raise InputError(f"The ledger has no cost centre {cost_centre}.")
    rows = centre[centre["expense_code"] == expense_code]
    if rows.empty:
        raise InputError(
            f"The ledger has nothing in cost centre {cost_centre} under {expense_code}.\n"
            f"Its expense codes are: {name_a_few(centre['expense_code'])}."
        )
    row = rows.iloc[0]
    if row["account_type"] != EXPENDITURE:
        raise InputError(
            f"{cost_centre}:{expense_code} is {row['account_type'].replace('_', ' ')}, not expenditure. "
            "Only expenditure is shared out to lines; income stands in the statement."
        )
    return row


def _count_carriers(db: QueryEngine, element: str, department: str) -> pd.DataFrame:
    if not db.has("cost_rows"):
        return pd.DataFrame({"line_id": [], "tier": [], "n_events": []}).astype(
            {"line_id": "str", "tier": "str", "n_events": "int64"}
        )
    return db.frame(CARRIERS_SQL, element=element, source=department)
