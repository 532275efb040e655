"""All lines on one map: size, growth and contribution."""

from __future__ import annotations

import pandas as pd


def build_portfolio(
    position: pd.DataFrame, activity: pd.DataFrame, earlier: pd.DataFrame | None
) -> pd.DataFrame:
    """Return each line's share of income, growth in activity and contribution margin (``portfolio``).

    Parameters
    ----------
    activity, earlier
        ``line_activity`` of this year and of the year before; growth is missing without the latter.
        Events of each point of delivery are weighted by this year's mean income, so that an operation counts
        for more than a visit.
    """
    table = position[
        ["line_id", "line_name", "income_pence", "contribution_pence", "class", "sign_label"]
    ].copy()
    earned = table["income_pence"].where(table["income_pence"] > 0)
    table["income_prop"] = (table["income_pence"] / earned.sum()).astype("float64")
    table["margin_prop"] = (table["contribution_pence"] / earned).astype("float64")
    table["growth_prop"] = float("nan")
    if earlier is None or activity.empty:
        return table
    worth = activity.set_index(["line_id", "pod"])
    each = worth["income_pence"] / worth["n_events"].where(worth["n_events"] > 0)
    before = earlier.set_index(["line_id", "pod"])["n_events"].reindex(each.index).fillna(0)
    now = (each * worth["n_events"]).groupby("line_id").sum()
    then = (each * before).groupby("line_id").sum()
    table["growth_prop"] = table["line_id"].map(now / then.where(then > 0) - 1).astype("float64")
    return table
