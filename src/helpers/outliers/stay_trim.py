"""Trim points: the length of stay beyond which a day counts as excess."""

from __future__ import annotations

import numpy as np
import pandas as pd

CELL = ["hrg", "admission_type"]
MIN_LOCAL_SPELLS = 20
QUARTILE_SPREADS = 1.5
TRIM_FLOOR_DAYS = 5.0
ELECTIVE_PODS = ("EL",)
EMERGENCY_PODS = ("NEL", "NELNE", "NES")


def find_trim_points(
    spells: pd.DataFrame,
    prices: pd.DataFrame | None = None,
    *,
    floor_days: float = TRIM_FLOOR_DAYS,
    min_spells: int = MIN_LOCAL_SPELLS,
) -> pd.DataFrame:
    """Return the trim point and the days beyond it, by HRG and admission type.

    A trim point is Q3 + 1.5 x (Q3 - Q1), and at least the floor; quartiles are interpolated
    linearly. Stays of 2, 3, 3, 4, 4, 4, 5, 5, 6, 7, 9 and 21 days have quartiles 3.75 and 6.25, and
    so a trim point of 10 days.

    The trust's own stays set the trim point where there are ``min_spells``; else the one that comes
    with the prices; else there is none and no day of that HRG counts as excess.

    Parameters
    ----------
    spells
        One row a spell: ``hrg``, ``admission_type``, ``los_days``.
    prices
        The trust's price list (``hrg``, ``pod``, ``trim_point`` in days), if there is one.

    Returns
    -------
    pd.DataFrame
        ``hrg, admission_type, n_spells, mean_days, trim_days, excess_days, source`` with source
        local, national or none.
    """
    groups = spells.assign(los_days=spells["los_days"].astype("float64")).groupby(CELL, sort=True)
    found = groups["los_days"].agg(n_spells="size", mean_days="mean").reset_index()
    quartiles = groups["los_days"].quantile([0.25, 0.75]).unstack().reset_index()
    quartiles.columns = [*CELL, "q1", "q3"]
    found = found.merge(quartiles, on=CELL, validate="one_to_one")
    found = found.merge(_find_national(prices), on=CELL, how="left", validate="one_to_one")
    local = found["q3"] + QUARTILE_SPREADS * (found["q3"] - found["q1"])
    is_local = found["n_spells"] >= min_spells
    found["trim_days"] = local.where(is_local, found["national_days"]).clip(lower=floor_days)
    found["source"] = np.where(
        is_local, "local", np.where(found["trim_days"].notna(), "national", "none")
    )
    excess = add_excess_days(spells, found).groupby(CELL)["excess_days"].sum()
    found = found.merge(excess.reset_index(), on=CELL, validate="one_to_one")
    return found[[*CELL, "n_spells", "mean_days", "trim_days", "excess_days", "source"]]


def add_excess_days(spells: pd.DataFrame, trim_points: pd.DataFrame) -> pd.DataFrame:
    """Add ``excess_days``: days of each stay beyond the trim point of its HRG, never negative."""
    wide = spells.merge(
        trim_points[[*CELL, "trim_days"]], on=CELL, how="left", validate="many_to_one"
    )
    beyond = wide["los_days"].astype("float64") - wide["trim_days"]
    return wide.assign(excess_days=beyond.clip(lower=0).fillna(0.0)).drop(columns="trim_days")


def _find_national(prices: pd.DataFrame | None) -> pd.DataFrame:
    """Return the price list's trim points by HRG and admission type; the highest where they differ."""
    columns = [*CELL, "national_days"]
    if prices is None or "trim_point" not in prices or prices.empty:
        return pd.DataFrame({"hrg": [], "admission_type": [], "national_days": []}).astype(
            {"hrg": "str", "admission_type": "str", "national_days": "float64"}
        )
    kind = np.select(
        [prices["pod"].isin(ELECTIVE_PODS), prices["pod"].isin(EMERGENCY_PODS)], ["EL", "EM"], ""
    )
    listed = prices.assign(
        admission_type=kind, national_days=prices["trim_point"].astype("float64")
    )
    listed = listed[(listed["admission_type"] != "") & listed["national_days"].notna()]
    return listed.groupby(CELL, as_index=False)["national_days"].max()[columns]
