"""Income on the contract basis: fixed sums shared between lines, everything else at price.

A trust paid a fixed sum for some kinds of care earns no more when a line does more of it. What the
line is worth to the contract is then its share of the fixed sum, in proportion to what its activity
would have earned at price (its notional value).
"""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import PODS
from helpers.costing.income import NOT_ATTRIBUTED
from helpers.costing.money import apportion
from helpers.errors import InputError, name_a_few

FIXED = "fixed"
SCOPE_SEPARATOR = ";"
CONTRACT_COLUMNS = ["line_id", "pod", "price_pence", "contract_pence", "gap_pence"]
NO_CONTRACT = pd.DataFrame(
    {
        "element": pd.Series(dtype="str"),
        "scope_rule": pd.Series(dtype="str"),
        "amount_pence": pd.Series(dtype="int64"),
    }
)


def share_contract_income(line_income: pd.DataFrame, contract_income: pd.DataFrame) -> pd.DataFrame:
    """Return what each line earns at price and under the contract, by point of delivery.

    A fixed sum goes to the activity in its scope in proportion to notional value, to the penny.
    Activity in no fixed sum's scope earns its price under both.

    Parameters
    ----------
    line_income
        Table of the same name; read here for clinical income at price by point of delivery.
    contract_income
        ``element``, ``scope_rule`` (points of delivery, ``;`` between; blank is all of them) and
        ``amount_pence``. Only rows of element ``fixed`` change anything.

    Returns
    -------
    pd.DataFrame
        Table ``line_contract_income``, whole pence; empty without a fixed sum or priced activity.

    Raises
    ------
    InputError
        INC-002 if a scope names a point of delivery that does not exist.

    Notes
    -----
    Decisions D-090 and D-091: commissioners are not told apart, because attendances in the
    emergency department carry none; a fixed sum without any activity in its scope, and low-volume
    sums, stay with the income that is not attributed. Pass-through sums are the same on both bases.
    """
    notional = line_income[
        (line_income["row_id"] == "I1")
        & (line_income["line_id"] != NOT_ATTRIBUTED)
        & (line_income["pod"] != "")
    ]
    notional = notional.groupby(["line_id", "pod"], as_index=False)["amount_pence"].sum()
    sums = contract_income[contract_income["element"] == FIXED]
    if sums.empty or notional.empty:
        return _tabulate(notional.iloc[:0], {})
    paid: dict[int, int] = {}
    for scope, amount in sums.groupby(sums["scope_rule"].fillna(""))["amount_pence"].sum().items():
        inside = notional[notional["pod"].isin(_read_scope(str(scope)))]
        inside = inside[inside["amount_pence"] > 0]
        if inside.empty:
            continue
        shared = apportion(
            inside.assign(pool="scope", paid_pence=int(amount), row=inside.index),
            by=["pool"], amount="paid_pence", weight="amount_pence", key=["line_id", "pod"],
            what="Fixed contract income",
        )  # fmt: skip
        for row, pence in zip(shared["row"], shared["share_pence"], strict=True):
            paid[row] = paid.get(row, 0) + int(pence)
    return _tabulate(notional if paid else notional.iloc[:0], paid)


def _read_scope(scope: str) -> list[str]:
    """Return the points of delivery that a scope names; blank names all of them."""
    pods = [pod.strip() for pod in scope.split(SCOPE_SEPARATOR) if pod.strip()]
    unknown = [pod for pod in pods if pod not in PODS]
    if unknown:
        raise InputError(
            f"contract_income, column scope_rule: no points of delivery are called "
            f"{name_a_few(unknown)}.\nThere are {', '.join(PODS)}; write `;` between them.",
            rule="INC-002",
        )
    return pods or list(PODS)


def _tabulate(notional: pd.DataFrame, paid: dict[int, int]) -> pd.DataFrame:
    price = notional["amount_pence"].astype("int64")
    table = notional.assign(
        price_pence=price, contract_pence=[paid.get(row, int(at)) for row, at in price.items()]
    ).astype({"contract_pence": "int64"})
    table["gap_pence"] = table["contract_pence"] - table["price_pence"]
    return table[CONTRACT_COLUMNS].sort_values(["line_id", "pod"], ignore_index=True)
