"""Tables on length of stay, arranged for reading. Whole days are shown as counts."""

from __future__ import annotations

import pandas as pd

TRUST = "TRUST"
EXCLUSION_COLUMNS = {
    "label": "Spells",
    "n_spells": "Number",
    "n_bed_days": "Bed days",
    "mean_days": "Mean stay, days",
}
VALUE_COLUMNS = {
    "line_name": "Service line",
    "n_spells": "Stays",
    "n_bed_days": "Bed days",
    "n_excess_days": "Days beyond trim point",
    "n_awaiting_days": "Days waiting to leave",
    "full_value_pence": "Beyond trim point, at full cost",
    "variable_value_pence": "At variable cost",
}


def arrange_exclusions(exclusions: pd.DataFrame) -> pd.DataFrame:
    """Return the reasons that apply, the stays compared first, and all spells last."""
    table = exclusions[(exclusions["n_spells"] > 0) | (exclusions["reason"] == "kept")]
    n, days = int(table["n_spells"].sum()), float(table["bed_days"].sum())
    total = {
        "label": "All spells",
        "n_spells": n,
        "bed_days": days,
        "mean_days": days / n if n else None,
    }
    whole = pd.concat([table, pd.DataFrame([total])], ignore_index=True)
    return whole.assign(n_bed_days=whole["bed_days"].round().astype("int64"))


def arrange_value(value: pd.DataFrame) -> pd.DataFrame:
    """Return lines by the value of their excess days, the trust last. Expects ``line_name``."""
    lines = value[value["line_id"] != TRUST].sort_values(
        ["full_value_pence", "line_id"], ascending=[False, True], na_position="last"
    )
    table = pd.concat([lines, value[value["line_id"] == TRUST]], ignore_index=True)
    whole = {
        f"n_{name}": table[name].astype("float64").round().astype("int64")
        for name in ("bed_days", "excess_days", "awaiting_days")
    }
    return table.assign(**whole)
