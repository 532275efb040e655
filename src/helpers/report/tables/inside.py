"""Tables of what a line's total hides, arranged for reading."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import UNMAPPED
from helpers.report.words.inside import GROUPINGS

MASKING_COLUMNS = {
    "line_name": "Service line",
    "surplus_pence": "Surplus",
    **{f"{name}_prop": f"By {words}" for name, words in GROUPINGS.items()},
}


def arrange_masking(masking: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Return how much each way of cutting a line cancels out, lines in the order of their surplus.

    A cut with one part only hides nothing by nature and is left blank.
    """
    rows = masking[masking["line_id"] != UNMAPPED]
    known = rows["masking_prop"].where(rows["n_groups"] > 1)
    wide = rows.assign(known=known).pivot(index="line_id", columns="grouping", values="known")
    wide = wide.reindex(columns=list(GROUPINGS)).add_suffix("_prop").reset_index()
    table = wide.merge(
        position[["line_id", "line_name", "surplus_pence"]], on="line_id", how="left",
        validate="one_to_one",
    )  # fmt: skip
    table = table.sort_values(["surplus_pence", "line_id"], ascending=[False, True])
    return table[list(MASKING_COLUMNS)].reset_index(drop=True)


def arrange_commissioners(line_parts: pd.DataFrame) -> pd.DataFrame:
    """Return income and cost of each commissioner's patients over all lines, largest income first."""
    rows = line_parts[line_parts["grouping"] == "commissioner"]
    numbers = ["n_events", "income_pence", "cost_pence", "surplus_pence"]
    table = rows.groupby("group", as_index=False)[numbers].sum()
    table["margin_prop"] = (
        table["surplus_pence"] / table["income_pence"].where(table["income_pence"] > 0)
    ).astype("float64")
    is_rest = table["group"] == "REST"
    table["group"] = table["group"].where(~is_rest, "(no patient)")
    table = table.assign(is_rest=is_rest)
    return table.sort_values(
        ["is_rest", "income_pence", "group"], ascending=[True, False, True], ignore_index=True
    )


COMMISSIONER_COLUMNS = {
    "group": "Commissioner",
    "n_events": "Episodes and attendances",
    "income_pence": "Income",
    "cost_pence": "Cost",
    "surplus_pence": "Surplus",
    "margin_prop": "Of income",
}
