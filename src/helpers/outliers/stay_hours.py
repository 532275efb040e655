"""Stays in hours, beside the nights that a stay in days counts.

A stay from ten in the evening to eight in the morning is one day, and one from eight in the morning
to ten in the evening is none. Hours tell whether a finding in days hangs on the clock.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.outliers.stay_expected import expect_days, pair_groups

GROUPINGS = ("line", "ward", "consultant")
ALL = "trust"  # the grouping, and the group, of all stays together
COLUMNS = [
    "grouping", "group", "n_spells", "observed_hours", "expected_hours", "ratio", "effect_hours",
    "median_hours",
]  # fmt: skip


def add_hours(spells: pd.DataFrame) -> pd.DataFrame:
    """Add ``los_hours`` from admission to discharge; missing where the files hold dates alone.

    Dates alone are told by the clock: no stay begins or ends at any time but midnight.
    """
    came, left = (pd.to_datetime(spells[name]) for name in ("admission_dt", "discharge_dt"))
    hours = (left - came).dt.total_seconds() / 3600
    has_times = bool(((came != came.dt.normalize()) | (left != left.dt.normalize())).any())
    return spells.assign(los_hours=hours.astype("float64") if has_times else np.nan)


def measure_hours(
    spells: pd.DataFrame, groupings: Mapping[str, pd.Series], cell: np.ndarray
) -> pd.DataFrame:
    """Return table ``stay_hours``: each group's hours beside those of the same casemix elsewhere.

    Expected hours are found as expected days are: casemix cell by cell, the group left out.

    Parameters
    ----------
    spells
        Stays compared, with ``los_hours`` (``add_hours``).
    groupings
        Group of each stay, by grouping; those of ``GROUPINGS`` are taken.
    cell
        Position of each stay's casemix cell.

    Returns
    -------
    pd.DataFrame
        One row a group, and one for all stays; empty where hours are not known.
    """
    hours = spells["los_hours"].to_numpy(dtype="float64")
    if not len(hours) or np.isnan(hours).any():
        return pd.DataFrame(columns=COLUMNS)
    everyone = pd.DataFrame(
        {"grouping": [ALL], "group": [ALL], "n_spells": [len(hours)], "observed_hours": [hours.sum()],
         "median_hours": [np.median(hours)]}
    )  # fmt: skip
    parts = [everyone]
    for name in GROUPINGS:
        found = expect_days(pair_groups(groupings[name], cell), hours, cell)
        expected, n = found["expected_days"], found["n_spells"]
        medians = pd.Series(hours).groupby(groupings[name].to_numpy()).median()
        parts.append(
            pd.DataFrame(
                {
                    "grouping": name,
                    "n_spells": n,
                    "observed_hours": found["observed_days"],
                    "expected_hours": expected,
                    "ratio": found["observed_days"] / expected.where(expected > 0),
                    "effect_hours": (found["observed_days"] - expected) / n.where(n > 0),
                    "median_hours": medians.reindex(found.index),
                }
            )
            .rename_axis("group")
            .reset_index()
        )
    table = pd.concat(parts, ignore_index=True)[COLUMNS]
    return table.sort_values(["grouping", "group"], ignore_index=True)
