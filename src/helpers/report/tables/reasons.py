"""Tables of reasons and HRGs, arranged for reading."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import PODS, UNMAPPED
from helpers.report.words.reasons import NOT_COMPARED

MOST_HRGS = 8  # at either end
REASON_COLUMNS = {
    "line_name": "Service line",
    "price_gap_pence": "Price gap",
    "cost_gap_pence": "Relative cost gap",
    "no_benchmark_pence": "No national mean",
    "critical_pence": "With critical care",
    "other_pence": "Other",
    "surplus_pence": "Surplus",
    "contract_gap_pence": "Contract gap, beside",
    "compared_prop": "Cost com\u00adpared",  # may break there, so that the table fits
    "duty": "Duty",
}
# Put together in one column: each is small for most lines. The table to download has them apart.
OTHER_PARTS = ("private_pence", "part_year_pence", "unpriced_pence", "rest_pence")
OTHER_WORDS = (
    "Other: private patients, spells partly outside the year, care without a price, and income and cost of no "
    "patient. Each stands apart in the table line_reasons. Duty: requested by commissioners, or core to emergency care."
)
DUTIES = {"none": "", "commissioner_requested": "requested", "emergency_core": "emergency"}
HRG_COLUMNS = {
    "label": "HRG",
    "line_name": "Service line",
    "pod_name": "Setting",
    "n_cases": "Cases",
    "surplus_pence": "Surplus",
    "income_case_pence": "Income a case (£)",
    "cost_case_pence": "Cost a case (£)",
    "trust_case_pence": "Cost in the trust (£)",
    "national_case_pence": "National mean x MFF (£)",
}


def arrange_reasons(reasons: pd.DataFrame) -> pd.DataFrame:
    """Return the parts of each line's surplus, largest deficit first, with a total."""
    lines = reasons.sort_values(["surplus_pence", "line_id"]).copy()
    lines["other_pence"] = lines[list(OTHER_PARTS)].sum(axis=1)
    lines["duty"] = lines["obligation"].map(DUTIES).fillna(lines["obligation"])
    lines["duty"] = lines["duty"].where(lines["line_id"] != UNMAPPED, "")
    money = [
        name for name in REASON_COLUMNS if name.endswith("_pence") and name != "contract_gap_pence"
    ]
    total = {"line_name": "All lines", "duty": "", **lines[money].sum()}
    known = lines["contract_gap_pence"].notna().any()
    total["contract_gap_pence"] = lines["contract_gap_pence"].sum() if known else pd.NA
    table = pd.concat([lines, pd.DataFrame([total])], ignore_index=True)
    table["contract_gap_pence"] = table["contract_gap_pence"].astype("Int64")
    return table[list(REASON_COLUMNS)]


def list_not_compared(table: pd.DataFrame) -> pd.Series:
    """Return what of each line's surplus cannot be compared, whole pence."""
    return table[list(NOT_COMPARED)].sum(axis=1)


def arrange_hrgs(hrgs: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Return the kinds of care that lose and gain most in money, each beside trust and nation."""
    table = hrgs[hrgs["n_cases"] > 0].copy()
    names = position.set_index("line_id")["line_name"]
    table["line_name"] = table["line_id"].map(names)
    table["pod_name"] = table["pod"].map(PODS).fillna(table["pod"])
    table["label"] = table["hrg"]
    by_hrg = table.groupby(["hrg", "pod"])[["cost_pence", "n_cases"]].transform("sum")
    table["trust_case_pence"] = _round(by_hrg["cost_pence"] / by_hrg["n_cases"])
    for name in ("income", "cost", "national"):
        table[f"{name}_case_pence"] = _round(table[f"{name}_pence"] / table["n_cases"])
    table["n_cases"] = table["n_cases"].round().astype("int64")
    ordered = table.sort_values(["surplus_pence", "hrg", "pod", "line_id"], ignore_index=True)
    if len(ordered) <= 2 * MOST_HRGS:
        return ordered[list(HRG_COLUMNS)]
    ends = pd.concat([ordered.head(MOST_HRGS), ordered.tail(MOST_HRGS)], ignore_index=True)
    return ends[list(HRG_COLUMNS)]


def _round(amounts: pd.Series) -> pd.Series:
    return amounts.astype("Float64").round().astype("Int64")
