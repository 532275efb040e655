"""Income on the contract basis: fixed sums shared between lines, everything else at price.

A trust paid a fixed sum for some kinds of care earns no more when a line does more of it. What the
line is worth to the contract is then its share of the fixed sum, in proportion to what its activity
would have earned at price (its notional value). That is one fair key; what the activity cost, and
what last year's activity earned, are two others (decision D-370).
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from helpers.contracts.terms import MISSED, PODS, PRIVATE_CARE
from helpers.costing.income import NOT_ATTRIBUTED
from helpers.costing.money import apportion
from helpers.errors import InputError, name_a_few

FIXED = "fixed"
SCOPE_SEPARATOR = ";"
APART = "critical_care_pence"  # a column of reports that show critical care apart
CELL = ["line_id", "pod"]
CONTRACT_COLUMNS = [
    *CELL, "price_pence", "contract_pence", "gap_pence", "by_cost_pence", "by_last_year_pence",
]  # fmt: skip
NO_CONTRACT = pd.DataFrame(
    {
        "element": pd.Series(dtype="str"),
        "scope_rule": pd.Series(dtype="str"),
        "amount_pence": pd.Series(dtype="int64"),
    }
)


def share_contract_income(
    line_income: pd.DataFrame,
    contract_income: pd.DataFrame,
    line_hrgs: pd.DataFrame | None = None,
    before: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return what each line earns at price and under the contract, by point of delivery.

    A fixed sum goes to the activity in its scope in proportion to notional value, to the penny; and,
    as two further ways, to its full cost and to what last year's activity earned. Activity in no
    fixed sum's scope earns its price under all of them.

    Parameters
    ----------
    line_income
        Table of the same name; read here for clinical income at price by point of delivery.
    contract_income
        ``element``, ``scope_rule`` (points of delivery, ``;`` between; blank is all of them) and
        ``amount_pence``. Only rows of element ``fixed`` change anything.
    line_hrgs
        Table of that name, for the full cost of activity; without it ``by_cost_pence`` is blank.
    before
        Last year's ``line_hrgs``, for the income of its activity; without it
        ``by_last_year_pence`` is blank.

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
    sums, stay with the income that is not attributed. Pass-through sums are the same on all bases.
    Decision D-370: each key shares out the same sums; one that has nothing in a sum's scope is blank.
    """
    notional = _find_notional(line_income)
    sums = contract_income[contract_income["element"] == FIXED]
    totals = sums.groupby(sums["scope_rule"].fillna(""))["amount_pence"].sum()
    scopes = [(_read_scope(str(scope)), int(pence)) for scope, pence in totals.items()]
    scopes = [(pods, pence) for pods, pence in scopes if _weigh(notional, pods).sum() > 0]
    covered = {pod for pods, _ in scopes for pod in pods}
    if not scopes:
        return _tabulate(notional.iloc[:0], {})
    lines = set(line_income["line_id"])
    keys = {
        "contract_pence": notional,
        "by_cost_pence": _total(line_hrgs, "full_cost_pence", lines),
        "by_last_year_pence": _total(before, "income_pence", lines),
    }
    bases = {
        name: earned.add(notional[~_is_in(notional, covered)], fill_value=0).astype("int64")
        for name, weights in keys.items()
        if (earned := _share_sums(scopes, weights)) is not None
    }
    return _tabulate(notional, bases)


def _find_notional(line_income: pd.DataFrame) -> pd.Series:
    """Return clinical income at price by line and point of delivery, whole pence."""
    rows = line_income[
        (line_income["row_id"] == "I1")
        & (line_income["line_id"] != NOT_ATTRIBUTED)
        & (line_income["pod"] != "")
    ]
    return rows.groupby(CELL)["amount_pence"].sum().astype("int64")


def _total(line_hrgs: pd.DataFrame | None, column: str, lines: set[str]) -> pd.Series:
    """Return an amount of NHS care by line and point of delivery, for lines that earn this year.

    Empty where the table is not known, or holds critical care inside its spells: a report made
    before critical care had rows of its own tells nothing of sums that cover it.
    """
    if line_hrgs is None or APART not in line_hrgs:
        line_hrgs = pd.DataFrame({"line_id": [], "pod": [], column: []})
    rows = line_hrgs[
        line_hrgs["line_id"].isin(lines) & ~line_hrgs["pod"].isin([PRIVATE_CARE, MISSED])
    ]
    return rows.groupby(CELL)[column].sum().astype("int64")


def _is_in(weights: pd.Series, pods: Iterable[str]) -> pd.Series:
    return pd.Series(weights.index.get_level_values("pod").isin(list(pods)), index=weights.index)


def _weigh(weights: pd.Series, pods: Iterable[str]) -> pd.Series:
    """Return the weights inside a scope; what earned or cost less than nothing takes no part."""
    return weights[_is_in(weights, pods) & (weights > 0)]


def _share_sums(scopes: list[tuple[list[str], int]], weights: pd.Series) -> pd.Series | None:
    """Return each cell's pence of all fixed sums; none if a sum has no weight in its scope."""
    parts = []
    for pods, pence in scopes:
        inside = _weigh(weights, pods)
        if inside.empty:
            return None
        shared = apportion(
            inside.rename("weight").reset_index().assign(pool="scope", pence=pence),
            by=["pool"], amount="pence", weight="weight", key=CELL, what="Fixed contract income",
        )  # fmt: skip
        parts.append(shared)
    return pd.concat(parts).groupby(CELL)["share_pence"].sum().astype("int64")


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


def _tabulate(notional: pd.Series, bases: dict[str, pd.Series]) -> pd.DataFrame:
    """Return one row per line and point of delivery that earns on any basis."""
    cells = notional.index
    for earned in bases.values():
        cells = cells.union(earned.index)
    table = pd.DataFrame(index=cells)
    table["price_pence"] = notional.reindex(cells, fill_value=0).astype("int64")
    for name in ("contract_pence", "by_cost_pence", "by_last_year_pence"):
        known = bases[name].reindex(cells, fill_value=0) if name in bases else pd.NA
        table[name] = pd.Series(known, index=cells, dtype="Int64")
    table = table.astype({"contract_pence": "int64"})
    table["gap_pence"] = table["contract_pence"] - table["price_pence"]
    return (
        table.rename_axis(CELL).reset_index().sort_values(CELL, ignore_index=True)[CONTRACT_COLUMNS]
    )
