"""Observed against expected by strata: what the same patients would have had at the group's norm."""

from __future__ import annotations

import pandas as pd


def standardise_indirectly(strata: pd.DataFrame, *, leave_out: bool = False) -> pd.DataFrame:
    """Compare each group's total with what its mix of strata would have at the norm.

    Parameters
    ----------
    strata
        One row a group and stratum: ``group, stratum, n, total``.
    leave_out
        The norm of a stratum is that of the *other* groups, so that an outlier does not hide in its
        own norm. A stratum without others is left out, of observed and expected alike.

    Returns
    -------
    pd.DataFrame
        One row a group: ``group, n, observed, expected, ratio, excess, n_no_comparator``. Counting
        everyone in, observed and expected have the same sum.
    """
    table = strata.copy()
    by_stratum = table.groupby("stratum")[["n", "total"]].transform("sum")
    others = by_stratum - table[["n", "total"]] if leave_out else by_stratum
    has_norm = others["n"] > 0
    table["expected"] = table["n"] * (others["total"] / others["n"].where(has_norm))
    table["n_no_comparator"] = table["n"].where(~has_norm, 0)
    table["observed"] = table["total"].where(has_norm, 0.0)
    sums = table.groupby("group", as_index=False).agg(
        n=("n", "sum"),
        observed=("observed", "sum"),
        expected=("expected", "sum"),
        n_no_comparator=("n_no_comparator", "sum"),
    )
    sums["ratio"] = sums["observed"] / sums["expected"].where(sums["expected"] > 0)
    sums["excess"] = sums["observed"] - sums["expected"]
    return sums


def standardise_directly(strata: pd.DataFrame) -> pd.DataFrame:
    """Return what every patient of all groups would have on average at each group's own rates.

    Returns
    -------
    pd.DataFrame
        ``group, standardised`` (mean a patient) and ``comparative`` (against the overall mean).
    """
    weight = strata.groupby("stratum")["n"].sum() / strata["n"].sum()
    rate = strata["total"] / strata["n"]
    value = rate * strata["stratum"].map(weight)
    table = value.groupby(strata["group"]).sum().rename("standardised").reset_index()
    table["comparative"] = table["standardised"] / (strata["total"].sum() / strata["n"].sum())
    return table
