"""Tables of flows between lines and of decision rights, arranged for reading."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import UNMAPPED
from helpers.report.words.downstream import DECISIONS, HOLDERS

MOST_FLOWS = 15
FLOW_COLUMNS = {
    "from_name": "First contact in",
    "to_name": "Went on in",
    "n_events": "Episodes and attendances",
    "income_pence": "Income",
    "contribution_pence": "Contribution",
}
SHARED_COLUMNS = {
    "line_name": "Service line",
    "care_pence": "Direct and indirect cost",
    "own_prop": "In own departments",
    "other_prop": "In other lines’ departments",
    "shared_prop": "In departments nobody owns",
    "largest": "Most used of others’",
}
CHANGE_COLUMNS = {
    "line_name": "Service line",
    "decision_words": "Decision",
    "from_words": "Held at the start by",
    "to_words": "Held at the end by",
    "amount_pence": "Cost it governs",
}


def arrange_flows(flows: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Return the largest flows between two lines within 90 days, by what they contribute."""
    rows = flows[(flows["kind"] == "follow_on") & (flows["from_line_id"] != flows["to_line_id"])]
    names = position.set_index("line_id")["line_name"]
    rows = rows.assign(
        from_name=rows["from_line_id"].map(names).fillna(rows["from_line_id"]),
        to_name=rows["to_line_id"].map(names).fillna(rows["to_line_id"]),
        size=rows["income_pence"].abs(),
    )
    rows = rows.sort_values(
        ["size", "from_line_id", "to_line_id"], ascending=[False, True, True]
    ).head(MOST_FLOWS)
    return rows[list(FLOW_COLUMNS)].reset_index(drop=True)


def arrange_shared(shared: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Return where each line's care costs arise: own, others' and nobody's departments."""
    names = position.set_index("line_id")["line_name"]
    rows = shared[shared["line_id"].isin(names.index) & (shared["line_id"] != UNMAPPED)]
    is_own = rows["owner_line_id"] == rows["line_id"]
    is_nobodys = rows["owner_line_id"] == "SHARED"
    table = rows.groupby("line_id")["amount_pence"].sum().rename("care_pence").to_frame()
    for name, part in (("own", is_own), ("shared", is_nobodys), ("other", ~is_own & ~is_nobodys)):
        amount = rows[part].groupby("line_id")["amount_pence"].sum()
        share = amount.reindex(table.index, fill_value=0) / table["care_pence"]
        table[f"{name}_prop"] = share.astype("float64")
    others = rows[~is_own & ~is_nobodys].sort_values(
        ["amount_pence", "owner_line_id"], ascending=[False, True]
    )
    most = others.drop_duplicates("line_id").set_index("line_id")["owner_line_id"].map(names)
    table["largest"] = most.reindex(table.index).fillna("")
    table["line_name"] = names.reindex(table.index)
    return table.sort_values(["own_prop", "line_name"])[list(SHARED_COLUMNS)].reset_index(drop=True)


def arrange_changes(changes: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Return decisions whose holder changed within the year, in words."""
    names = position.set_index("line_id")["line_name"]
    rows = changes[changes["line_id"] != UNMAPPED]
    return pd.DataFrame(
        {
            "line_name": rows["line_id"].map(names).fillna(rows["line_id"]),
            "decision_words": rows["decision"].map(DECISIONS).fillna(rows["decision"]),
            "from_words": rows["holder_start"].map(HOLDERS).fillna(rows["holder_start"]),
            "to_words": rows["holder_end"].map(HOLDERS).fillna(rows["holder_end"]),
            "amount_pence": rows["amount_pence"],
        }
    ).reset_index(drop=True)
