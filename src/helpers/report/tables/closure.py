"""Tables of closures and of the strict test, arranged for reading."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import UNMAPPED

HORIZON_WORDS = {"12m": "12 months", "3y": "three years", "long": "the long run"}
VERDICT_WORDS = {
    "subsidised": "Subsidised",
    "funder": "Funds others",
    "within": "Within",
}
CLOSURE_COLUMNS = {
    "line_name": "Service line",
    "surplus_pence": "Surplus",
    "income_pence": "Income lost",
    "avoidable_pence": "Cost shed, 12 months",
    "stranded_pence": "Cost stranded, 12 months",
    "effect_12m_pence": "Trust, 12 months",
    "effect_3y_pence": "Trust, three years",
    "effect_long_pence": "Trust, long run",
    "marginal_prop": "Kept of one more pound, 12 months",
    "downstream_pence": "Begun here, earned elsewhere (not added)",
}
BOUND_COLUMNS = {
    "line_name": "Service line",
    "incremental_12m_pence": "Incremental cost, 12 months",
    "incremental_long_pence": "Incremental cost, long run",
    "income_pence": "Income",
    "standalone_12m_pence": "Stand-alone cost, 12 months",
    "words_12m": "Under any rule, 12 months",
    "words_long": "Under any rule, long run",
}
BOUND_WORDS = (
    "Within: income lies between the two, so who pays for whom depends on how common cost is shared. Subsidised, or "
    "funds others: so under any way of sharing it."
)


def arrange_closure(
    closure: pd.DataFrame, position: pd.DataFrame, downstream: pd.DataFrame
) -> pd.DataFrame:
    """Return what closing each line would do, largest deficit first.

    What other lines contribute by patients who began with the line (``line_downstream``) stands
    beside, and is in no sum: how many of them would still come cannot be known from the files.
    """
    lines = _name(closure, position)
    effects = lines.pivot(index="line_id", columns="horizon", values="trust_effect_pence")
    year = lines[lines["horizon"] == "12m"].set_index("line_id")
    for horizon in HORIZON_WORDS:
        year[f"effect_{horizon}_pence"] = effects[horizon]
    year["downstream_pence"] = downstream.set_index("line_id")["downstream_pence"].astype("Int64")
    year = year.reset_index().sort_values(["surplus_pence", "line_id"])
    return year[list(CLOSURE_COLUMNS)].reset_index(drop=True)


def arrange_bounds(bounds: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Return each line's strict bounds, lines outside them first, then largest income first."""
    lines = _name(bounds, position)
    table = lines[lines["horizon"] == "12m"].set_index("line_id")
    for horizon in ("12m", "long"):
        part = lines[lines["horizon"] == horizon].set_index("line_id")
        for name in ("incremental", "standalone"):
            table[f"{name}_{horizon}_pence"] = part[f"{name}_pence"]
        table[f"words_{horizon}"] = part["verdict"].map(VERDICT_WORDS)
        table[f"is_within_{horizon}"] = part["verdict"] == "within"
    order = ["is_within_12m", "is_within_long", "income_pence", "line_id"]
    table = table.reset_index().sort_values(order, ascending=[True, True, False, True])
    return table[list(BOUND_COLUMNS)].reset_index(drop=True)


def _name(table: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    kept = table[table["line_id"] != UNMAPPED]  # printed as a line, but nothing that could close
    return kept.merge(
        position[["line_id", "line_name"]], on="line_id", how="left", validate="many_to_one"
    )
