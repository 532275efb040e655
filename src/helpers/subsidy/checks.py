"""Identities of the cross-subsidy step, to the penny."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import INCOME_TYPES


def total_ledger_surplus(ledger: pd.DataFrame, expense_map: pd.DataFrame) -> int:
    """Return the trust's income less expenditure straight from its ledger, whole pence.

    Ledger credits are negative, so the surplus is the sum of both kinds of posting, negated.
    Balance-sheet and excluded codes are not part of it.
    """
    kinds = ledger.merge(
        expense_map[["expense_code", "account_type"]],
        on="expense_code",
        how="left",
        validate="many_to_one",
    )
    counted = kinds["account_type"].isin([*INCOME_TYPES, "expenditure"])
    return -int(kinds.loc[counted, "amount_pence"].sum())


def check_identities(
    *,
    ledger_surplus_pence: int,
    department_costs: pd.DataFrame,
    position: pd.DataFrame,
    others: pd.DataFrame,
    funding_lines: pd.DataFrame,
    overheads: pd.DataFrame,
    closure: pd.DataFrame,
    closure_lines: pd.DataFrame,
) -> pd.DataFrame:
    """Compare both sides of each identity (``subsidy_reconciliation``); whole pence.

    Whether a difference stops the run is for the caller.

    Parameters
    ----------
    ledger_surplus_pence
        From ``total_ledger_surplus``.
    department_costs
        Ledger cost by department; the overhead services' own cost is read from it.
    position, others, funding_lines
        Lines, the statement's other columns, and what each line gives and receives.
    overheads
        Overhead by rule and column.
    closure, closure_lines
        What each closure does to the trust, and to the columns that are left.
    """
    gifts = _measure_gifts(funding_lines)
    above = funding_lines["surplus_pence"].clip(lower=0).sum()
    below = -funding_lines["surplus_pence"].clip(upper=0).sum()
    services = department_costs.loc[department_costs["kind"] == "service", "amount_pence"].sum()
    rerun = closure[closure["line_id"].isin(closure_lines["closed_line_id"])]
    rows = [
        (
            "R10",
            "Surplus of lines, education, research, other and not attributed = ledger surplus",
            position["surplus_pence"].sum() + others["surplus_pence"].sum(),
            ledger_surplus_pence,
        ),
        (
            "R11",
            "Funding matrix by funder = surpluses less what is retained, no line below nought",
            gifts["given"],
            above - gifts["retained"],
        ),
        (
            "R11",
            "Funding matrix by receiver = deficits less what is unfunded, no line below nought",
            gifts["received"],
            below - gifts["unfunded"],
        ),
        (
            "R11",
            "Retained less unfunded = surplus of the lines",
            gifts["retained"] - gifts["unfunded"],
            position["surplus_pence"].sum(),
        ),
        (
            "R18",
            f"Overhead shared out, {len(overheads)} rules added = as often the services' own cost",
            overheads.to_numpy().sum(),
            len(overheads) * services,
        ),
        (
            "R17",
            f"Closures, {len(rerun)} added: cost left with others and in the middle = stranded cost",
            closure_lines["change_pence"].sum() + rerun["central_pence"].sum(),
            rerun["stranded_pence"].sum(),
        ),
        (
            "R17",
            "Closures: change of the trust's surplus = less the line's surplus, less stranded cost",
            closure["trust_effect_pence"].sum(),
            -(closure["surplus_pence"] + closure["stranded_pence"]).sum(),
        ),
    ]
    return finish_identities(
        pd.DataFrame(rows, columns=["id", "description", "left_pence", "right_pence"])
    )


def finish_identities(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of ``id, description, left_pence, right_pence`` with what they differ by."""
    frame = rows.astype({"left_pence": "int64", "right_pence": "int64"})
    frame["difference_pence"] = frame["left_pence"] - frame["right_pence"]
    frame["passed"] = frame["difference_pence"] == 0
    return frame


def _measure_gifts(funding_lines: pd.DataFrame) -> pd.Series:
    """Add up what lines give, keep, receive and lack, each without its sign.

    A line that gave more than its surplus would keep a negative sum; without signs that cannot
    cancel against another line, so the identities of the matrix would fail.
    """
    names = ["given_pence", "retained_pence", "received_pence", "unfunded_pence"]
    return funding_lines[names].abs().sum().rename(lambda name: name.removesuffix("_pence"))
