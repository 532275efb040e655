"""The ledger as costing sees it: cost by department and element, income by account and owner."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import ELEMENTS, INCOME_TYPES
from helpers.errors import InputError, name_a_few

EXPENDITURE = "expenditure"


def read_postings(
    general_ledger: pd.DataFrame,
    cost_centre_map: pd.DataFrame,
    expense_map: pd.DataFrame,
    departments: pd.DataFrame,
) -> pd.DataFrame:
    """Return the ledger by cost centre and expense code, with what each of them is.

    Returns
    -------
    pd.DataFrame
        ``cost_centre``, ``expense_code``, ``department_id``, ``kind``, ``owner_line_id`` (of the
        cost centre; blank if shared), ``account_type``, ``element`` and ``amount_pence`` (debit
        positive, whole pence of the year).

    Raises
    ------
    InputError
        LED-001, LED-002 for a code that is in no map; LED-008 for a cost centre's department that
        departments lacks; LED-009 for expenditure without a cost element.
    """
    posted = general_ledger.groupby(["cost_centre", "expense_code"], as_index=False, sort=True)[
        "amount_pence"
    ].sum()
    posted["amount_pence"] = posted["amount_pence"].astype("int64")
    centres = cost_centre_map[["cost_centre", "department_id", "owner_line_id"]]
    codes = expense_map[["expense_code", "account_type", "element"]]
    kinds = departments[["department_id", "kind"]]
    _check_known(posted, "cost_centre", centres, "cost_centre_map", "LED-001")
    _check_known(posted, "expense_code", codes, "expense_map", "LED-002")
    rows = posted.merge(centres, on="cost_centre", validate="many_to_one")
    _check_known(rows, "department_id", kinds, "departments", "LED-008")
    rows = rows.merge(codes, on="expense_code", validate="many_to_one").merge(
        kinds, on="department_id", validate="many_to_one"
    )
    for column in ("owner_line_id", "element"):
        rows[column] = rows[column].astype("str").fillna("")
    bare = rows[rows["account_type"].eq(EXPENDITURE) & ~rows["element"].isin(ELEMENTS)]
    if len(bare):
        raise InputError(
            f"expense_map, column element: {bare['expense_code'].nunique():,} expenditure codes have no "
            f"cost element: {name_a_few(bare['expense_code'])}.\n"
            f"They hold £{bare['amount_pence'].sum() / 100:,.2f}. Give each one of: {', '.join(ELEMENTS)}.",
            rule="LED-009",
        )
    return rows.sort_values(["cost_centre", "expense_code"]).reset_index(drop=True)


def total_department_costs(postings: pd.DataFrame) -> pd.DataFrame:
    """Return net expenditure by department and element (table ``department_costs``)."""
    spent = postings[postings["account_type"] == EXPENDITURE]
    return (
        spent.groupby(["department_id", "kind", "element"], as_index=False, sort=True)[
            "amount_pence"
        ]
        .sum()
        .sort_values(["department_id", "element"])
        .reset_index(drop=True)
    )


def total_ledger_income(postings: pd.DataFrame) -> pd.DataFrame:
    """Return income by account type and owner line: ``account_type, owner_line_id, amount_pence``.

    Income is a credit in the ledger; here it is positive.
    """
    earned = postings[postings["account_type"].isin(INCOME_TYPES)]
    total = earned.groupby(["account_type", "owner_line_id"], as_index=False, sort=True)[
        "amount_pence"
    ].sum()
    return total.assign(amount_pence=-total["amount_pence"])


def find_control_pence(control_totals: pd.DataFrame, measure: str) -> int | None:
    """Return a control total in whole pence, or nothing when the trust gives none."""
    found = control_totals.loc[control_totals["measure"] == measure, "value"]
    return None if found.empty or pd.isna(found.iloc[0]) else round(float(found.iloc[0]) * 100)


def _check_known(
    rows: pd.DataFrame, column: str, known: pd.DataFrame, file: str, rule: str
) -> None:
    unknown = rows[~rows[column].isin(known[column])]
    if len(unknown):
        raise InputError(
            f"{unknown[column].nunique():,} values of {column} are not in {file}: "
            f"{name_a_few(unknown[column])}.\n"
            f"They hold £{unknown['amount_pence'].abs().sum() / 100:,.2f} of postings. "
            f"Add a row for each to {file}.",
            rule=rule,
        )
