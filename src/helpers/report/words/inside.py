"""Sentences on what a line's total hides, whichever way it is cut."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import UNMAPPED
from helpers.report.formats import format_gbp, format_prop, join_words

GROUPINGS = {
    "pod": "point of delivery",
    "hrg": "HRG",
    "consultant": "consultant",
    "commissioner": "commissioner",
    "admin_category": "private or NHS",
}
LARGE_PROP = 0.5


def describe_masking(masking: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say in how many lines each cut hides at least half of gains and losses, and name the most."""
    rows = masking[masking["line_id"] != UNMAPPED]
    if rows.empty:
        return "No line can be cut: that needs activity by patient, and its prices."
    parts = []
    for grouping, words in GROUPINGS.items():
        own = rows[(rows["grouping"] == grouping) & (rows["n_groups"] > 1)]
        if len(own):
            n = int((own["masking_prop"] >= LARGE_PROP).sum())
            parts.append(f"{n} of {len(own)} by {words}")
    if not parts:
        return "No line has more than one part in any way of cutting it."
    hidden = rows.assign(hidden=rows[["surpluses_pence", "deficits_pence"]].min(axis=1))
    hidden = hidden[hidden["grouping"] == "consultant"].sort_values(
        ["hidden", "line_id"], ascending=[False, True]
    )
    text = (
        "The number of lines where at least half of gains and losses cancel out before the total is "
        f"struck: {join_words(parts)}."
    )
    if hidden.empty or hidden["hidden"].iloc[0] <= 0:
        return text
    most = hidden.iloc[0]
    name = position.set_index("line_id")["line_name"][most["line_id"]]
    return (
        f"{text} Among consultants most is hidden in {name}: patients of some earn "
        f"{format_gbp(most['surpluses_pence'])} more than they cost, patients of others cost "
        f"{format_gbp(most['deficits_pence'])} more than they earn "
        f"({format_prop(most['masking_prop'])} cancels out). That is casemix and price as much as practice; "
        "part 4 compares like with like."
    )
