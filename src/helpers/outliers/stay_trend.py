"""Whether stays change over the year: observed over expected days by month, on an XmR chart."""

from __future__ import annotations

import numpy as np
import pandas as pd

LIMIT_FACTOR = 2.66  # 3 / 1.128: mean moving range to three standard deviations
RUN_LENGTH = 7
MIN_MONTHS = 8
MIN_MONTH_SPELLS = 20
TRUST = "TRUST"
COLUMNS = [
    "line_id", "month", "n_spells", "observed_days", "expected_days", "ratio", "centre", "low",
    "high", "signal",
]  # fmt: skip


def find_limits(values: np.ndarray) -> tuple[float, float, float]:
    """Return centre and limits of an XmR chart: the mean, and 2.66 mean moving ranges either side.

    Values of 1, 3, 2 have a mean of 2 and moving ranges of 2 and 1, so limits of 2 -/+ 3.99.
    """
    centre = float(np.mean(values))
    width = LIMIT_FACTOR * float(np.abs(np.diff(values)).mean()) if len(values) > 1 else np.nan
    return centre, centre - width, centre + width


def find_signals(values: np.ndarray) -> list[str]:
    """Return what is special about each value: ``high``, ``low``, ``run`` or blank.

    A value beyond a limit is high or low; seven or more in a row on one side of the mean are a run.
    """
    centre, low, high = find_limits(values)
    side = np.sign(values - centre)
    runs = np.zeros(len(values), dtype=bool)
    start = 0
    for end in range(1, len(values) + 1):
        if end == len(values) or side[end] != side[start]:
            if end - start >= RUN_LENGTH and side[start] != 0:
                runs[start:end] = True
            start = end
    return [
        "high" if value > high else "low" if value < low else "run" if in_run else ""
        for value, in_run in zip(values, runs, strict=True)
    ]


def trend_stays(spells: pd.DataFrame, cell: np.ndarray) -> pd.DataFrame:
    """Return days over those of the year's mean for the same casemix, by month of discharge.

    Parameters
    ----------
    spells
        One row a spell: ``line_id, discharge_date, los_days``.
    cell
        Position of each spell's casemix cell; its mean over the whole year is what is expected.

    Returns
    -------
    pd.DataFrame
        One row a line (and TRUST) and month. Lines need eight months of at least 20 spells each; a
        month with fewer is left out.
    """
    if spells.empty:
        return pd.DataFrame(columns=COLUMNS)
    days = spells["los_days"].to_numpy(dtype="float64")
    n = np.bincount(cell)
    expected = (np.bincount(cell, weights=days) / np.maximum(n, 1))[cell]
    rows = pd.DataFrame(
        {
            "line_id": spells["line_id"].astype("str").to_numpy(),
            "month": pd.to_datetime(spells["discharge_date"]).dt.strftime("%Y-%m").to_numpy(),
            "observed_days": days,
            "expected_days": expected,
        }
    )
    whole = pd.concat([rows, rows.assign(line_id=TRUST)], ignore_index=True)
    months = whole.groupby(["line_id", "month"], as_index=False, sort=True).agg(
        n_spells=("observed_days", "size"),
        observed_days=("observed_days", "sum"),
        expected_days=("expected_days", "sum"),
    )
    months = months[(months["n_spells"] >= MIN_MONTH_SPELLS) & (months["expected_days"] > 0)]
    months["ratio"] = months["observed_days"] / months["expected_days"]
    parts = [_chart(part) for _, part in months.groupby("line_id") if len(part) >= MIN_MONTHS]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def _chart(months: pd.DataFrame) -> pd.DataFrame:
    values = months["ratio"].to_numpy()
    centre, low, high = find_limits(values)
    table = months.assign(centre=centre, low=low, high=high)
    table["signal"] = pd.Series(find_signals(values), index=table.index, dtype="str")
    return table[COLUMNS]
