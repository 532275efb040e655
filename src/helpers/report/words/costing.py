"""Sentences of the costing page, written from the trust's figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.report.formats import format_count, format_gbp, format_prop, join_words
from helpers.report.words.plain import name_term

TRUST = "TRUST"
NO_RULE = "NONE"
WEAK_GRADES = ("D", "E")
MOST_NAMED = 3
LEAST_SHARE = 0.005  # a smaller share is written "under 1%"


def name_source(settings: Mapping[str, Any], files: str) -> str:
    """Name the trust, the year and the files that a figure comes from."""
    name = settings.get("trust_name") or settings.get("trust_code") or "the trust"
    return f"{name}, {settings.get('fy', 'the year')}: {files}; costed by this run."


def describe_quantum(
    department_costs: pd.DataFrame, reconciliation: pd.DataFrame | None = None
) -> str:
    """Say how much the ledger holds, and in which kinds of department.

    Where identity R2 says that income was netted off the ledger first, that is told.
    """
    by_kind = department_costs.groupby("kind")["amount_pence"].sum()
    total = int(by_kind.sum())
    words = {
        "clinical": "in clinical departments",
        "service": "in overhead services",
        "non_patient_care": "in education, research and other work",
        "excluded": "set apart from costing",
    }
    parts = [
        f"{format_gbp(int(by_kind[kind]))} ({_write_share(by_kind[kind] / total)}) {text}"
        for kind, text in words.items()
        if kind in by_kind and by_kind[kind] != 0
    ]
    rows = None if reconciliation is None else reconciliation[reconciliation["id"] == "R2"]
    ledger = total if rows is None or rows.empty else int(rows["right_pence"].iloc[0])
    if ledger == total:
        return f"The ledger holds {format_gbp(total)} of expenditure: {join_words(parts)}."
    return (
        f"The ledger holds {format_gbp(ledger)} of expenditure. {format_gbp(ledger - total)} of education and "
        f"research income is taken off it first. What is left is {format_gbp(total)}: {join_words(parts)}."
    )


def describe_money_flow(table: pd.DataFrame) -> str:
    """Say which lines take most of the cost; ``table`` is the statement's, a line a row."""
    lines = _pick_lines(table).assign(cost=_total_cost)
    ranked = lines.sort_values(["cost", "line_id"], ascending=[False, True])
    trust = int(_total_cost(table[table["line_id"] == TRUST]).iloc[0])
    top = ranked.head(MOST_NAMED)
    named = [f"{row.line_name} ({format_gbp(row.cost)})" for row in top.itertuples()]
    share = top["cost"].sum() / trust
    return (
        f"All {format_gbp(trust)} of cost is given to a column of the statement. The dearest "
        f"{'line is' if len(named) == 1 else 'lines are'} {join_words(named)}: "
        f"together {format_prop(share)} of the trust's cost."
    )


def describe_statement(table: pd.DataFrame) -> str:
    """Say how many lines earn more than they cost, and what remains for the trust."""
    lines = _pick_lines(table)
    trust = table[table["line_id"] == TRUST].iloc[0]
    above, below = (lines["surplus_pence"] > 0).sum(), (lines["surplus_pence"] < 0).sum()
    end = "surplus" if trust["surplus_pence"] >= 0 else "deficit"
    text = (
        f"{_count(above, 'line earns', 'lines earn')} more than {'its' if above == 1 else 'their'} full "
        f"cost and {_count(below, 'line earns', 'lines earn')} less. With education, research and what "
        f"no line owns, the trust ends the year with a {end} of "
        f"{format_gbp(abs(int(trust['surplus_pence'])))} on income of "
        f"{format_gbp(int(trust['income_pence']))}."
    )
    loose = table.loc[table["line_id"] == "NOT_ATTRIBUTED", "income_pence"]
    if len(loose) and loose.iloc[0] != 0:
        amount = int(loose.iloc[0])
        kind = (
            "beyond the price of activity, or in cost centres that no line owns"
            if amount > 0
            else "more at price than the ledger received"
        )
        text += f" {format_gbp(abs(amount))} of income is not attributed to any line: it is {kind}."
    return text


def describe_cost_make_up(table: pd.DataFrame) -> str:
    """Say how the trust's cost divides between the tiers."""
    trust = table[table["line_id"] == TRUST].iloc[0]
    parts = {
        "direct": "direct_pence",
        "indirect": "indirect_pence",
        "overhead": "overhead_pence",
        "capital charges": "capital_pence",
    }
    total = sum(int(trust[column]) for column in parts.values())
    named = [f"{format_prop(int(trust[column]) / total)} {name}" for name, column in parts.items()]
    return (
        f"Of all cost, {join_words(named)}. Bars show each line's cost, dearest first; the black mark "
        "is its income."
    )


def describe_overheads(table: pd.DataFrame, *, method: str, step_order: list[str]) -> str:
    """Say what is shared out, by which method, and why charges exceed own cost."""
    own, charged = int(table["own_pence"].sum()), int(table["charged_pence"].sum())
    order = ""
    if method == "step_down" and step_order:
        order = f", closing them in this order: {', '.join(step_order)}"
    return (
        f"{_count(len(table), 'overhead service costs', 'overhead services cost')} {format_gbp(own)}, "
        f"which the {name_term('method', method)} method shares out{order}. Final departments are "
        f"charged {format_gbp(charged)}, the same sum: a service's charge holds what other services "
        "charged it, so it can differ from the service's own cost."
    )


def describe_pools(pool_summary: pd.DataFrame) -> str:
    """Say how many pools there are and how good their drivers are."""
    cost = pool_summary["own_pence"] + pool_summary["overhead_pence"]
    good = cost[pool_summary["quality_score"] >= 0.75].sum() / cost.sum()
    return (
        f"{_count(len(pool_summary), 'pool holds', 'pools hold')} {format_gbp(int(cost.sum()))}. "
        f"{format_prop(good)} of it follows a driver of quality 0.75 or better (1 is a record of what the "
        "patient used; 0 is a guess)."
    )


def describe_matching(matching_summary: pd.DataFrame) -> str:
    """Say how much activity found its patient, and what became of the rest."""
    if matching_summary.empty or not matching_summary["n_lines"].sum():
        return (
            "Nothing was matched here: this trust has no activity feeds, or its patients came costed by its "
            "own system."
        )
    lost = matching_summary[matching_summary["match_rule"] == NO_RULE]
    n_all, n_lost = int(matching_summary["n_lines"].sum()), int(lost["n_lines"].sum())
    pence, all_pence = int(lost["amount_pence"].sum()), int(matching_summary["amount_pence"].sum())
    if not n_lost:
        return f"All {format_count(n_all)} activity lines found their patient."
    share = format_prop(pence / all_pence, 1) if all_pence else "none"
    return (
        f"{format_count(n_all - n_lost)} of {format_count(n_all)} activity lines "
        f"({format_prop((n_all - n_lost) / n_all, 1)}) found their patient. The other "
        f"{format_count(n_lost)} carry {format_gbp(pence)}, {share} of the cost matched by activity; it "
        "is shown under the line that asked for them, and never spread over other patients."
    )


def describe_credibility(table: pd.DataFrame) -> str:
    """Say how much of the lines' cost is traced, averaged or apportioned, and which are weak."""
    total = table["full_cost_pence"].sum()
    parts = [
        f"{format_prop(table[f'{part}_pence'].sum() / total)} is {words}"
        for part, words in (
            ("traced", "traced to the patient"),
            ("averaged", "averaged on activity"),
            ("apportioned", "apportioned overhead"),
        )
    ]
    weak = table[table["grade"].isin(WEAK_GRADES)]
    text = f"Of the lines' cost, {join_words(parts)}."
    if weak.empty:
        return text + " No line is graded D or E."
    names = sorted(weak["line_name"])
    shown = names[:MOST_NAMED] + (
        [f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    )
    return text + (
        f" {_count(len(weak), 'line is', 'lines are')} graded D or E, not fit for decisions about "
        f"money: {join_words(shown)}."
    )


def describe_reconciliation(reconciliation: pd.DataFrame) -> str:
    """Say how many identities hold, and which do not."""
    failed = reconciliation[~reconciliation["passed"].astype(bool)]
    n = len(reconciliation)
    if failed.empty:
        return f"{n} of {n} identities hold, to the penny or the row."
    return (
        f"{n - len(failed)} of {n} identities hold. These do not: "
        f"{join_words(sorted(set(failed['id'])))}. The figures on this page do not add up to the ledger."
    )


def _write_share(prop: float) -> str:
    return "under 1%" if 0 < prop < LEAST_SHARE else format_prop(prop)


def _pick_lines(table: pd.DataFrame) -> pd.DataFrame:
    beside = ["UNMAPPED", "ET", "RD", "OTHER", "EXCLUDED", "NOT_ATTRIBUTED", TRUST]
    return table[~table["line_id"].isin(beside)]


def _total_cost(table: pd.DataFrame) -> pd.Series:
    return table[["direct_pence", "indirect_pence", "overhead_pence", "capital_pence"]].sum(axis=1)


def _count(n: int, one: str, many: str) -> str:
    return f"{format_count(n)} {one if n == 1 else many}"


def describe_cost_checks(cost_checks: pd.DataFrame) -> str:
    """Say how many checks found something, and what is worth most."""
    made = cost_checks[cost_checks["is_checked"]]
    found = made[made["n_found"] > 0]
    if made.empty:
        return "None of the checks could be made: there are no patient events."
    if found.empty:
        return f"{len(made)} checks were made, and none found anything."
    size = found["amount_pence"].abs()
    top = found.loc[size.sort_values(ascending=False, kind="stable").index[0]]
    return (
        f"{len(made)} checks were made, and {len(found)} of them found something. Most money rests on "
        f"{top['code']}: {top['words'][0].lower()}{top['words'][1:].rstrip('.')} "
        f"({format_count(top['n_found'])} {_name_found(top)}, {format_gbp(abs(top['amount_pence']))})."
    )


def list_checks_off(cost_checks: pd.DataFrame) -> list[str]:
    """Return a sentence for each check that could not be made."""
    off = cost_checks[~cost_checks["is_checked"]]
    return [f"{row.code} {row.words} {row.notice}" for row in off.itertuples()]


def describe_effects(effects: pd.DataFrame, problem: str, corrections: pd.DataFrame | None) -> str:
    """Say what the trust's corrections did to its lines."""
    if problem:
        return problem
    if corrections is None or corrections.empty:
        return "The trust sent no corrections, so there is nothing to compare."
    if effects.empty:
        return "The trust’s corrections change no line’s income or surplus."
    lines = effects[~effects["line_id"].isin([TRUST])]
    moved = int((lines["surplus_after_pence"] - lines["surplus_before_pence"]).abs().max())
    return (
        f"The trust’s corrections change {format_count(len(lines))} columns of the statement. The largest change of "
        f"a surplus is {format_gbp(moved)}."
    )


def _name_found(check: pd.Series) -> str:
    """Return what a check counts, in the singular where it found one: `HRG`, `spell`."""
    name = str(check["subject"])
    if int(check["n_found"]) != 1:
        return name
    return name.replace("kinds of", "kind of") if " of " in name else name.removesuffix("s")
