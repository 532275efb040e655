"""Tables of retention, arranged for reading."""

from __future__ import annotations

import pandas as pd

from helpers.report.words.retention import GATES, RULES

TOTAL_COLUMNS = {
    "words": "Rule",
    "claim_pence": "Claims",
    "kept_pence": "Kept by lines",
    "trust_surplus_pence": "Trust’s surplus",
    "left_pence": "Left to the trust",
    "required_pence": "Surplus needed",
    "required_next_pence": "Needed when it is spent",
}
YEAR_COLUMNS = {
    "line_name": "Service line",
    "fy": "Year",
    "claim_r1_pence": "R1 claim",
    "kept_r1_pence": "R1 kept",
    "claim_r2_pence": "R2 claim",
    "kept_r2_pence": "R2 kept",
    "claim_r3_pence": "R3 claim",
    "kept_r3_pence": "R3 kept",
    "gate_words": "Gate",
}


def arrange_totals(totals: pd.DataFrame) -> pd.DataFrame:
    """Return one row a rule, named."""
    words = totals["rule"] + ": " + totals["rule"].map(RULES).str.lower()
    return totals.assign(words=words)[list(TOTAL_COLUMNS)]


def arrange_years(years: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Return what each line would claim and keep, year by year, largest claim first."""
    wide = years[years["rule"] != "R0"].pivot(
        index=["line_id", "fy", "gate"], columns="rule", values=["claim_pence", "kept_pence"]
    )
    wide.columns = [f"{what.removesuffix('_pence')}_{rule.lower()}_pence" for what, rule in wide]
    table = wide.reset_index().merge(
        names[["line_id", "line_name"]], on="line_id", how="left", validate="many_to_one"
    )
    table["line_name"] = table["line_name"].fillna(table["line_id"])
    table["gate_words"] = table["gate"].map(GATES).fillna("")
    claims = [name for name in table.columns if name.startswith("claim_")]
    money = [name for name in YEAR_COLUMNS if name.endswith("_pence")]
    table[money] = table[money].astype("int64")
    has_claim = (table[claims] > 0).any(axis=1) | (table["gate"] != "")
    table = table[has_claim].assign(
        most=table.groupby("line_id")["claim_r2_pence"].transform("max")
        + table.groupby("line_id")["claim_r1_pence"].transform("max")
    )
    table = table.sort_values(["most", "line_id", "fy"], ascending=[False, True, True])
    return table[list(YEAR_COLUMNS)].reset_index(drop=True)
