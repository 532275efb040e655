"""Each line's surplus under every fair rule for sharing out overheads, without costing again.

A rule changes only how overhead services are shared between departments. A department passes what
it receives to lines in fixed shares, so a line's overhead under rule r is
``sum over services k and departments j of P[k] * F_r[j, k] * share[j, l]``: a product of matrices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.contracts.terms import find_own_line
from helpers.errors import AllocationError, ReconciliationError, name_a_few

MOSTLY_STABLE_PROP = 0.8
BASE_DRIVERS = "base"
SHARE_TOLERANCE_PROP = 1e-6
BASE_TOLERANCE_PENCE_PER_CELL = 50.0  # of one service in one department: rounding, not another rule
DRIFT_PENCE = 10_000.0  # between overhead to the penny and as a product of shares: rounding only
DRIFT_PROP = 1e-5  # the same, as a share of all overhead
RULE_COLUMNS = ["rule_id", "overhead_method", "step_order", "driver_set"]
ORDER_COLUMNS = [*RULE_COLUMNS, "line_id", "overhead_gbp"]
PRICE, CONTRACT = "price", "contract"
# Each basis of income, and the column of `line_contract_income` that holds it (decision D-370).
BASES = {
    PRICE: "price_pence",
    CONTRACT: "contract_pence",
    "contract_by_cost": "by_cost_pence",
    "contract_by_last_year": "by_last_year_pence",
}


@dataclass(frozen=True)
class RuleShares:
    """Shares of each overhead service by rule and department, as numbers ready to multiply.

    Attributes
    ----------
    rules
        One row per rule: ``rule_id``, ``overhead_method``, ``step_order``, ``driver_set``.
    services, departments
        Names of the last two axes of ``shares``.
    shares
        rules x services x departments; 0-1, each service of each rule adds up to 1.
    """

    rules: pd.DataFrame
    services: pd.Index
    departments: pd.Index
    shares: np.ndarray


def read_shares(overhead_rules: pd.DataFrame) -> RuleShares:
    """Arrange ``overhead_rules`` as an array, rules in order of their id; one rule `none` if empty.

    Raises
    ------
    AllocationError
        ALLOC-E01 if a service of a rule is not shared out wholly.
    """
    rules = overhead_rules[RULE_COLUMNS].drop_duplicates("rule_id").sort_values("rule_id")
    rules = rules.fillna({"step_order": ""}).reset_index(drop=True)
    if rules.empty:  # a trust without overhead services: one rule, and nothing to share
        rules = pd.DataFrame([["none", "", "", BASE_DRIVERS]], columns=RULE_COLUMNS)
    services = pd.Index(sorted(overhead_rules["service_id"].unique()))
    departments = pd.Index(sorted(overhead_rules["department_id"].unique()))
    shares = np.zeros((len(rules), len(services), len(departments)))
    shares[
        pd.Index(rules["rule_id"]).get_indexer(overhead_rules["rule_id"]),
        services.get_indexer(overhead_rules["service_id"]),
        departments.get_indexer(overhead_rules["department_id"]),
    ] = overhead_rules["share_prop"].to_numpy("float64")
    short = np.abs(shares.sum(axis=2) - 1) > SHARE_TOLERANCE_PROP
    if short.any():
        raise AllocationError(
            f"the shares of {int(short.any(axis=0).sum())} overhead services do not add up to 1 "
            f"under every rule: {name_a_few(services[short.any(axis=0)])}.\n"
            "Run the costing step again.",
            rule="ALLOC-E01",
        )
    return RuleShares(rules, services, departments, shares)


def find_base_rule(shares: RuleShares, overhead_allocation: pd.DataFrame) -> str:
    """Return the id of the rule that the run itself used, found by what it did.

    It is the rule of the run's method and of the base drivers whose shares give
    ``overhead_allocation``; step-down orders differ, so the nearest is taken and checked.

    Raises
    ------
    ReconciliationError
        If no rule gives the run's own allocation.
    """
    used = _arrange(overhead_allocation, shares, "amount_pence")
    method = overhead_allocation["method"].iloc[0] if len(overhead_allocation) else ""
    rules = shares.rules
    is_candidate = (rules["overhead_method"] == method) & (rules["driver_set"] == BASE_DRIVERS)
    candidates = np.flatnonzero(is_candidate)
    if len(candidates):
        expected = shares.shares[candidates] * used.sum(axis=1)[None, :, None]
        gaps = np.abs(expected - used[None]).max(axis=(1, 2), initial=0)
        if gaps.min() <= BASE_TOLERANCE_PENCE_PER_CELL:
            return str(rules["rule_id"].iloc[candidates[int(gaps.argmin())]])
    raise ReconciliationError(
        f"None of the {len(candidates)} `{method}` rules with the base drivers gives the overheads "
        "of this run.\nRun the costing step again, so that both tables come from one run."
    )


def share_overheads(
    shares: RuleShares,
    overhead_allocation: pd.DataFrame,
    department_line_shares: pd.DataFrame,
    base_overhead: pd.Series,
    base_rule: str,
    orders: pd.DataFrame | None = None,
    *,
    is_costed_elsewhere: bool = False,
) -> pd.DataFrame:
    """Return each line's overhead under each rule, whole pence that add up to the same total.

    The base rule's row is ``base_overhead`` to the penny. Another rule's row is that plus the
    difference between the two rules, closed to the total by largest remainder (ties: first line).

    Parameters
    ----------
    overhead_allocation
        Where each service's own cost ended in the run; read here for the cost itself.
    department_line_shares
        How a department's overhead passes to lines; ``UNMATCHED:X`` counts as line ``X``.
    base_overhead
        Overhead of every column (lines, ET, RD, OTHER) in the run, all elements, whole pence.
    base_rule
        Rule of the run.
    orders
        Further rules, as rows of ``overhead_orders``: their overhead by line is known already.
    is_costed_elsewhere
        The trust's own system shared out the overheads, by a way that no rule here need give
        (decision D-148): what a rule changes is laid on that.

    Returns
    -------
    pd.DataFrame
        Rules down, columns of ``base_overhead`` across, int64 pence.

    Raises
    ------
    AllocationError
        ALLOC-E02 if a department that receives overhead passes it to no line.
    ReconciliationError
        If the shares do not give the run's own overhead, line by line.
    """
    columns = base_overhead.sort_index()
    to_lines = pass_to_lines(shares, department_line_shares, columns.index)
    primary = _arrange(overhead_allocation, shares, "amount_pence").sum(axis=1)
    by_rule = np.einsum("k,rkj,jl->rl", primary, shares.shares, to_lines, optimize=True)
    base = shares.rules["rule_id"].tolist().index(base_rule)
    if not is_costed_elsewhere:
        _check_drift(by_rule[base] - columns.to_numpy("float64"), columns)
    names = shares.rules["rule_id"].tolist()
    if orders is not None and len(orders):
        more = _arrange_orders(orders, columns.index)
        names += more.index.tolist()
        by_rule = np.vstack([by_rule, more.to_numpy("float64")])
    exact = columns.to_numpy("float64")[None, :] + (by_rule - by_rule[base])
    whole = round_rows(exact, int(columns.sum()))
    return pd.DataFrame(whole, index=pd.Index(names, name="rule_id"), columns=columns.index)


def list_rules(shares: RuleShares, orders: pd.DataFrame) -> pd.DataFrame:
    """Return one row per rule: those of the shares, then the further ones."""
    more = orders[RULE_COLUMNS].drop_duplicates("rule_id")
    return pd.concat([shares.rules[RULE_COLUMNS], more], ignore_index=True)


def round_rows(exact: np.ndarray, total: int) -> np.ndarray:
    """Round each row to whole numbers that add up to ``total``, by largest remainder.

    Remainders are compared to a thousandth, so that the last bits of a product settle no tie.
    """
    exact = np.round(exact, 3)
    whole = np.floor(exact).astype("int64")
    left = total - whole.sum(axis=1)
    if exact.size == 0:
        return whole
    if (left < 0).any() or (left > exact.shape[1]).any():
        raise AllocationError(
            f"rules differ in how much overhead they share out, by up to {np.abs(left).max():,} pence.\n"
            "Run the costing step again.",
            rule="ALLOC-E01",
        )
    rank = np.argsort(np.argsort(whole - exact, axis=1, kind="stable"), axis=1, kind="stable")
    return whole + (rank < left[:, None])


def try_rules(
    position: pd.DataFrame,
    overheads: pd.DataFrame,
    rules: pd.DataFrame,
    base_rule: str,
    gaps: Mapping[str, pd.Series] | None = None,
) -> pd.DataFrame:
    """Return each line's surplus under each rule and basis of income (``rule_sensitivity``).

    Everything but overhead and income stays as it is:
    ``surplus_r = surplus + overhead_base - overhead_r``, plus the contract gap on that basis.

    Parameters
    ----------
    gaps
        By basis of income (``find_gaps``): income on it less income at price, by line, whole pence.
        A line without a row has no gap.
    """
    surplus = position.set_index("line_id")["surplus_pence"]
    tried = overheads.loc[base_rule, surplus.index] - overheads[surplus.index] + surplus
    bases = {PRICE: tried}
    for basis, gap in (gaps or {}).items():
        bases[basis] = tried + gap.reindex(surplus.index, fill_value=0).astype("int64")
    tables = [
        frame.rename_axis(index="rule_id", columns="line_id")
        .stack()
        .rename("surplus_pence")
        .reset_index()
        .assign(income_basis=basis)
        for basis, frame in bases.items()
    ]
    long = pd.concat(tables, ignore_index=True)
    long = long.merge(rules, on="rule_id", how="left", validate="many_to_one")
    columns = [*RULE_COLUMNS, "income_basis", "line_id", "surplus_pence"]
    return long[columns].sort_values(["rule_id", "income_basis", "line_id"], ignore_index=True)


def find_gaps(line_contract_income: pd.DataFrame) -> dict[str, pd.Series]:
    """Return, for each basis but price that is known, what each line earns on it beyond its price."""
    gaps = {}
    for basis, column in BASES.items():
        known = line_contract_income[column].notna().all() and len(line_contract_income)
        if basis != PRICE and known:
            gap = line_contract_income[column] - line_contract_income[BASES[PRICE]]
            gaps[basis] = gap.astype("int64").groupby(line_contract_income["line_id"]).sum()
    return gaps


def summarise_rules(tried: pd.DataFrame, position: pd.DataFrame, base_rule: str) -> pd.DataFrame:
    """Return the range of each line's surplus over the rules, and whether its sign holds.

    A surplus of nought counts as a surplus. The share of rules with the base's sign counts the
    base itself: 1 is *stable*, at least 0.8 *mostly stable*, less is *rule-dependent*. A rule is
    one way of sharing overheads with one basis of income. The range as contracted is over every
    key that fixed sums can be shared by.
    """
    summary = position[["line_id", "surplus_pence", "income_pence"]].copy()
    summary = summary.rename(columns={"surplus_pence": "base_pence"})
    is_above = (tried["surplus_pence"] >= 0).groupby(tried["line_id"]).mean()
    grouped = tried.groupby("line_id")["surplus_pence"]
    summary["min_pence"] = summary["line_id"].map(grouped.min())
    summary["max_pence"] = summary["line_id"].map(grouped.max())
    width = summary["max_pence"] - summary["min_pence"]
    earned = summary["income_pence"].where(summary["income_pence"] > 0)
    summary["width_income_prop"] = (width / earned).astype("float64")
    above = summary["line_id"].map(is_above).astype("float64")
    summary["same_sign_prop"] = above.where(summary["base_pence"] >= 0, 1 - above)
    summary["n_rules"] = len(tried[["rule_id", "income_basis"]].drop_duplicates())
    summary["n_bases"] = tried["income_basis"].nunique()
    own = tried[(tried["rule_id"] == base_rule) & (tried["income_basis"] == CONTRACT)]
    contracted = own.set_index("line_id")["surplus_pence"]
    summary["contract_pence"] = summary["line_id"].map(contracted).astype("Int64")
    is_price = tried["income_basis"] == PRICE
    for basis, rows in ((PRICE, tried[is_price]), (CONTRACT, tried[~is_price])):
        kept = rows.groupby("line_id")["surplus_pence"]
        for end, ends in (("low", kept.min()), ("high", kept.max())):
            summary[f"{end}_{basis}_pence"] = summary["line_id"].map(ends).astype("Int64")
    summary["base_rule_id"] = base_rule
    summary["sign_label"] = label_signs(summary["same_sign_prop"])
    summary["depends_on"] = find_cause(summary, tried, base_rule)
    return summary.drop(columns="income_pence").reset_index(drop=True)


def find_cause(summary: pd.DataFrame, tried: pd.DataFrame, base_rule: str) -> pd.Series:
    """Return what can turn each line's sign: ``nothing``, ``overheads``, ``income`` or ``both``.

    ``income``: under the run's own rule the sign differs between the bases. ``overheads``: on one
    and the same basis it differs between rules.
    """
    signs = tried.assign(is_above=tried["surplus_pence"] >= 0)
    by_basis = signs.groupby(["line_id", "income_basis"])["is_above"].nunique()
    by_overheads = summary["line_id"].map((by_basis > 1).groupby("line_id").any()).astype("bool")
    own = signs[signs["rule_id"] == base_rule].groupby("line_id")["is_above"].nunique() > 1
    by_income = summary["line_id"].map(own).astype("bool")
    cause = pd.Series("nothing", index=summary.index, dtype="str")
    cause = cause.mask(by_overheads, "overheads").mask(by_income, "income")
    return cause.mask(by_overheads & by_income, "both")


def label_signs(same_sign_prop: pd.Series) -> pd.Series:
    """Return ``stable``, ``mostly_stable`` or ``rule_dependent`` for shares of rules (0-1)."""
    almost = 1e-9
    labels = pd.Series("rule_dependent", index=same_sign_prop.index, dtype="str")
    labels = labels.mask(same_sign_prop >= MOSTLY_STABLE_PROP - almost, "mostly_stable")
    return labels.mask(same_sign_prop >= 1 - almost, "stable")


def _check_drift(drift: np.ndarray, columns: pd.Series) -> None:
    """Refuse shares that do not give back the run's own overhead but for rounding."""
    allowed = max(DRIFT_PENCE, DRIFT_PROP * float(columns.abs().sum()))
    wrong = np.abs(drift) > allowed
    if wrong.any():
        raise ReconciliationError(
            f"Overhead by department and share differs from the statement's for {int(wrong.sum())} "
            f"columns, by up to £{np.abs(drift).max() / 100:,.0f}: {name_a_few(columns.index[wrong])}.\n"
            "Run the costing step again, so that both tables come from one run."
        )


def _arrange(frame: pd.DataFrame, shares: RuleShares, value: str) -> np.ndarray:
    """Return services x departments of ``value``, elements added together."""
    total = frame.groupby(["service_id", "department_id"])[value].sum().reset_index()
    missing = total.loc[
        ~total["service_id"].isin(shares.services)
        | ~total["department_id"].isin(shares.departments)
    ]
    if len(missing) and (missing[value] != 0).any():
        raise ReconciliationError(
            "Overheads went to departments that no rule names: "
            f"{name_a_few(missing['department_id'])}.\nRun the costing step again."
        )
    total = total.drop(missing.index)
    arranged = np.zeros((len(shares.services), len(shares.departments)))
    arranged[
        shares.services.get_indexer(total["service_id"]),
        shares.departments.get_indexer(total["department_id"]),
    ] = total[value].to_numpy("float64")
    return arranged


def _arrange_orders(orders: pd.DataFrame, columns: pd.Index) -> pd.DataFrame:
    """Return rules x columns of overhead in pence; unmatched activity counts as its own line."""
    own = orders.assign(line_id=orders["line_id"].map(find_own_line))
    table = own.pivot_table(
        index="rule_id", columns="line_id", values="overhead_gbp", aggfunc="sum", fill_value=0.0
    )
    unknown = table.columns.difference(columns)
    if len(unknown) and (table[unknown] != 0).any(axis=None):
        raise AllocationError(
            f"overhead goes to lines that the statement lacks: {name_a_few(unknown)}.\n"
            "Run the costing step again.",
            rule="ALLOC-E02",
        )
    return table.reindex(columns=columns, fill_value=0.0) * 100


def pass_to_lines(
    shares: RuleShares, department_line_shares: pd.DataFrame, lines: pd.Index
) -> np.ndarray:
    """Return departments x lines of shares; unmatched activity counts as its own line."""
    passed = department_line_shares.assign(
        line_id=department_line_shares["line_id"].map(find_own_line)
    )
    table = passed.pivot_table(
        index="department_id", columns="line_id", values="share_prop", aggfunc="sum", fill_value=0.0
    )
    unknown = table.columns.difference(lines)
    table = table.reindex(index=shares.departments, columns=lines.union(unknown), fill_value=0.0)
    receives = shares.shares.sum(axis=(0, 1)) > 0
    stuck = receives & (np.abs(table.sum(axis=1).to_numpy() - 1) > SHARE_TOLERANCE_PROP)
    if stuck.any() or (len(unknown) and (table[unknown] != 0).any(axis=None)):
        names = name_a_few([*shares.departments[stuck], *unknown])
        raise AllocationError(
            f"overhead has nowhere to go from, or no line to go to, in: {names}.\n"
            "Run the costing step again.",
            rule="ALLOC-E02",
        )
    return table[lines].to_numpy("float64")
