"""Rules for the ledger (LED): every posting known, in the year, and adding up to the accounts."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd

from helpers.cleaning.model import FrameRule, Frames, Settings, findings_of, no_findings
from helpers.contracts import ROW_NUMBER
from helpers.contracts.terms import ELEMENTS, INCOME_TYPES
from helpers.errors import InputError, name_a_few

FILE = "general_ledger"
EXPENDITURE = "expenditure"
TOTAL_EXPENDITURE, TOTAL_INCOME = "total_expenditure", "total_income"
LAST_MONTH = 12


def pounds(pence: int) -> str:
    """Return pence as pounds and pence for a message."""
    return f"{'-' if pence < 0 else ''}£{abs(int(pence)) / 100:,.2f}"


def check_codes_are_mapped(frames: Frames, column: str, file: str, rule: str) -> None:
    """Refuse a ledger with a code that a map lacks."""
    ledger = frames[FILE]
    known = ledger[column].isin(frames[file][column])
    if known.all():
        return
    unknown = ledger[~known]
    raise InputError(
        f"{FILE}, column {column}: {unknown[column].nunique():,} codes are not in {file}: "
        f"{name_a_few(unknown[column])}.\nThey hold {len(unknown):,} of {len(ledger):,} postings and "
        f"{pounds(unknown['amount_pence'].sum())} net. Add a row for each code to {file}.",
        rule=rule,
    )


def check_cost_centres(frames: Frames, settings: Settings) -> pd.DataFrame:
    """LED-001: every cost centre is in the map."""
    check_codes_are_mapped(frames, "cost_centre", "cost_centre_map", "LED-001")
    return no_findings()


def check_expense_codes(frames: Frames, settings: Settings) -> pd.DataFrame:
    """LED-002: every expense code is in the map."""
    check_codes_are_mapped(frames, "expense_code", "expense_map", "LED-002")
    return no_findings()


def find_other_periods(frames: Frames, settings: Settings) -> pd.DataFrame:
    """LED-004: postings of another year, or of a month that is none."""
    ledger = frames[FILE]
    fy = ledger["fy"].fillna("").str.replace("-", "/")
    in_year = fy.eq(settings["fy"])
    in_months = ledger["month"].between(1, LAST_MONTH).fillna(False).astype(bool)
    found = ledger[~(in_year & in_months)]
    wrong_year = ~in_year[found.index]
    month = found["month"].astype("str").fillna("(unreadable)")
    return findings_of(
        [
            {
                "row_number": row[ROW_NUMBER],
                "column_name": "fy" if is_year else "month",
                "old_value": row["fy"] if is_year else text,
                "amount_pence": row["amount_pence"],
            }
            for row, is_year, text in zip(found.to_dict("records"), wrong_year, month, strict=True)
        ]
    )


def check_control_total(frames: Frames, settings: Settings) -> pd.DataFrame:
    """LED-005: expenditure, and income where a total is given, are the accounts' to the penny."""
    by_account = _sum_by_account(frames)
    totals = frames["control_totals"].set_index("measure")["value"]
    if TOTAL_EXPENDITURE not in totals.index:
        raise InputError(
            f"control_totals has no row {TOTAL_EXPENDITURE}, so the ledger cannot be checked.\n"
            "Add it, in pounds, from the audited accounts or the trial balance.",
            rule="LED-005",
        )
    spent = int(by_account.get(EXPENDITURE, 0))
    earned = -sum(int(by_account.get(name, 0)) for name in INCOME_TYPES)
    for measure, sum_pence in ((TOTAL_EXPENDITURE, spent), (TOTAL_INCOME, earned)):
        if measure in totals.index:
            _check_total(measure, sum_pence, to_pence(totals[measure]), len(frames[FILE]))
    return no_findings()


def _sum_by_account(frames: Frames) -> pd.Series:
    kinds = frames["expense_map"][["expense_code", "account_type"]]
    postings = frames[FILE].merge(kinds, on="expense_code", how="inner", validate="many_to_one")
    return postings.groupby("account_type")["amount_pence"].sum()


def to_pence(value_gbp: float) -> int:
    """Return a control total in whole pence, exactly as it was written."""
    return int((Decimal(repr(float(value_gbp))) * 100).to_integral_value())


def _check_total(measure: str, sum_pence: int, control_pence: int, n_rows: int) -> None:
    if sum_pence == control_pence:
        return
    raise InputError(
        f"the ledger adds up to {pounds(sum_pence)} and control_totals gives {measure} as "
        f"{pounds(control_pence)}: a difference of {pounds(sum_pence - control_pence)} in {n_rows:,} "
        "postings of the year.\nLook for postings missing from the extract, set aside for their month or "
        "year (LED-004), or under the wrong account_type in expense_map.",
        rule="LED-005",
    )


def find_negative_departments(frames: Frames, settings: Settings) -> pd.DataFrame:
    """LED-006: departments whose cost of the year is below zero."""
    spent = frames["expense_map"].loc[
        frames["expense_map"]["account_type"].eq(EXPENDITURE), ["expense_code"]
    ]
    centres = frames["cost_centre_map"][["cost_centre", "department_id"]]
    postings = frames[FILE].merge(spent, on="expense_code", validate="many_to_one")
    postings = postings.merge(centres, on="cost_centre", validate="many_to_one")
    cost = postings.groupby("department_id")["amount_pence"].sum()
    below = cost[cost < 0]
    rows = frames["departments"].set_index("department_id")[ROW_NUMBER]
    return findings_of(
        [
            {
                "row_number": rows[name],
                "column_name": "department_id",
                "old_value": name,
                "amount_pence": int(pence),
            }
            for name, pence in below.items()
            if name in rows.index
        ]
    )


def find_repeated_postings(frames: Frames, settings: Settings) -> pd.DataFrame:
    """LED-007: postings that are the same in every field as an earlier one."""
    ledger = frames[FILE]
    fields = [name for name in ledger.columns if name != ROW_NUMBER]
    repeated = ledger[ledger.duplicated(fields, keep="first")]
    return findings_of(
        [
            {
                "row_number": row[ROW_NUMBER],
                "column_name": "amount",
                "old_value": f"{row['amount_pence'] / 100:.2f}",
                "amount_pence": row["amount_pence"],
            }
            for row in repeated[[ROW_NUMBER, "amount_pence"]].to_dict("records")
        ]
    )


def check_departments_are_known(frames: Frames, settings: Settings) -> pd.DataFrame:
    """LED-008: every cost centre's department is in departments."""
    centres = frames["cost_centre_map"]
    unknown = centres[~centres["department_id"].isin(frames["departments"]["department_id"])]
    if len(unknown):
        raise InputError(
            f"cost_centre_map, column department_id: {unknown['department_id'].nunique():,} departments are "
            f"not in departments: {name_a_few(unknown['department_id'])}.\n"
            f"They hold {len(unknown):,} cost centres. Add a row for each to departments.",
            rule="LED-008",
        )
    return no_findings()


def check_elements(frames: Frames, settings: Settings) -> pd.DataFrame:
    """LED-009: every expenditure code has a cost element."""
    codes = frames["expense_map"]
    bare = codes[codes["account_type"].eq(EXPENDITURE) & codes["element"].isna()]
    if len(bare):
        raise InputError(
            f"expense_map, column element: {len(bare):,} expenditure codes have no cost element: "
            f"{name_a_few(bare['expense_code'])}.\nGive each one of: {', '.join(ELEMENTS)}.",
            rule="LED-009",
        )
    return no_findings()


LEDGER_RULES = [
    FrameRule("LED-001", FILE, "codes", "F", "stop", "A cost centre is not in the map.", "the run stops",
              check_cost_centres, ("cost_centre_map",)),
    FrameRule("LED-002", FILE, "codes", "F", "stop", "An expense code is not in the map.", "the run stops",
              check_expense_codes, ("expense_map",)),
    FrameRule("LED-004", FILE, "dates", "X", "set aside", "The posting is of another year, or of no month.",
              "set aside; LED-005 then decides whether the run stops", find_other_periods),
    FrameRule("LED-005", FILE, "links", "F", "stop", "The ledger differs from the control total.",
              "the run stops", check_control_total, ("expense_map", "control_totals")),
    FrameRule("LED-006", "departments", "links", "W", "note", "The department's cost of the year is negative.",
              "kept", find_negative_departments, (FILE, "expense_map", "cost_centre_map")),
    FrameRule("LED-007", FILE, "duplicates", "W", "note", "The same posting twice, every field equal.",
              "kept: ledgers repeat postings lawfully", find_repeated_postings),
    FrameRule("LED-008", "cost_centre_map", "codes", "F", "stop", "A cost centre's department is not known.",
              "the run stops", check_departments_are_known, ("departments",)),
    FrameRule("LED-009", "expense_map", "codes", "F", "stop", "An expenditure code has no cost element.",
              "the run stops", check_elements),
]  # fmt: skip
