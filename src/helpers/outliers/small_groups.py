"""Lines of five to seven consultants: each against the others, as an indication and no more.

With so few peers natural variation cannot be told from divergent practice. A consultant is compared
with a mean and a spread that leave them out: kept in, one divergent consultant widens the spread
that should reveal them. Two divergent in the same direction mask each other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.outliers.random_effects import pool_effects
from helpers.outliers.stay_expected import assign_cells

MIN_SPELLS = 20
MIN_CONSULTANTS = 5  # of a line, for each to be set against the others
INTERVAL_Z = 1.6448536269514722


def score_leave_one_out(mean: np.ndarray, error: np.ndarray) -> pd.DataFrame:
    """Compare each mean with the random-effects mean of the others.

    Returns
    -------
    pd.DataFrame
        ``mu`` and ``tau2`` of the others, and ``z``, whose variance holds the consultant's own
        error, the others' spread and the error of their mean.
    """
    rows = []
    for i in range(len(mean)):
        others = np.arange(len(mean)) != i
        pooled = pool_effects(mean[others], error[others], method="DL")
        spread = np.sqrt(error[i] ** 2 + pooled.tau2 + pooled.mu_error**2)
        own = np.sqrt(error[i] ** 2 + pooled.mu_error**2)
        rows.append((pooled.mu, pooled.tau2, (mean[i] - pooled.mu) / spread, own))
    return pd.DataFrame(rows, columns=["mu", "tau2", "z", "gap_error"])


def find_norms(spells: pd.DataFrame, value: np.ndarray) -> pd.Series:
    """Return, for each spell, the mean value of other consultants' spells in its casemix cell.

    Missing where no other consultant treats the cell: the spell has no comparator.
    """
    cell = assign_cells(spells).to_numpy()
    keys = pd.DataFrame({"cell": cell, "who": spells["consultant_code"].to_numpy(), "value": value})
    all_sum = keys.groupby("cell")["value"].transform("sum")
    all_n = keys.groupby("cell")["value"].transform("size")
    own_sum = keys.groupby(["cell", "who"])["value"].transform("sum")
    own_n = keys.groupby(["cell", "who"])["value"].transform("size")
    others = all_n - own_n
    norm = (all_sum - own_sum) / others.where(others > 0)
    return pd.Series(norm.to_numpy(), index=spells.index)


def index_spells(spells: pd.DataFrame, value: np.ndarray) -> pd.Series:
    """Return the log of each spell's value over its norm (``find_norms``), missing without one."""
    norm = find_norms(spells, value)
    return np.log(value / norm.where(norm > 0))


def compare_few(
    spells: pd.DataFrame, *, value: str, offset: float = 0.0, min_spells: int = MIN_SPELLS
) -> pd.DataFrame:
    """Compare the consultants of a small line.

    Parameters
    ----------
    value
        ``cost_gbp`` or ``los_days``.
    offset
        Added before taking logs: 0.5 days for stays, so that a stay of zero counts.

    Returns
    -------
    pd.DataFrame
        ``consultant_code, n, n_no_comparator, observed, expected, ratio, ci_low, ci_high, z``; empty
        if fewer than five have enough spells.
    """
    amount = spells[value].to_numpy(dtype=float) + offset
    frame = pd.DataFrame(
        {
            "consultant_code": spells["consultant_code"],
            "x": index_spells(spells, amount),
            "value": spells[value],
        }
    )
    counted = frame[np.isfinite(frame["x"])]
    table = counted.groupby("consultant_code").agg(
        n=("x", "size"), mean=("x", "mean"), observed=("value", "sum")
    )
    table["n_no_comparator"] = frame.groupby("consultant_code").size() - table["n"]
    table = table[table["n"] >= min_spells].reset_index()
    if len(table) < MIN_CONSULTANTS:
        return table.iloc[0:0].reindex(
            columns=[*table.columns, "expected", "ratio", "ci_low", "ci_high", "z"]
        )
    peers = counted[counted["consultant_code"].isin(table["consultant_code"])]
    within = peers["x"] - peers.groupby("consultant_code")["x"].transform("mean")
    sd = np.sqrt((within**2).sum() / max(len(peers) - len(table), 1))
    error = np.maximum(sd / np.sqrt(table["n"].to_numpy()), 1e-6)
    score = score_leave_one_out(table["mean"].to_numpy(), error)
    gap = table["mean"] - score["mu"]
    table["ratio"] = np.exp(gap)
    table["ci_low"] = np.exp(gap - INTERVAL_Z * score["gap_error"])
    table["ci_high"] = np.exp(gap + INTERVAL_Z * score["gap_error"])
    table["expected"] = table["observed"] / table["ratio"]
    table["z"] = score["z"]
    return table
