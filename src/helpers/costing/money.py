"""Sharing whole pence inside many groups at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.contracts.money import hamilton
from helpers.errors import AllocationError

# A share from 0 to 1 is compared to 12 decimals, so that the last bits of a float, which differ
# between processors, never decide which receiver a penny goes to.
SHARE_DECIMALS = 12


def to_whole_weights(shares: pd.Series | np.ndarray) -> list[int]:
    """Return shares from 0 to 1 as whole weights, exact to 12 decimals."""
    values = np.asarray(shares, dtype="float64")
    return [int(value) for value in np.rint(values * 10.0**SHARE_DECIMALS)]


def apportion(
    frame: pd.DataFrame,
    *,
    by: Sequence[str],
    amount: str,
    weight: str,
    key: Sequence[str],
    what: str = "the amount",
) -> pd.DataFrame:
    """Share one amount inside each group of rows by largest remainder.

    Parameters
    ----------
    frame
        One row per group and receiver. ``amount`` (whole pence) is the same on all rows of a group.
    by
        Columns that name a group.
    weight
        Column of weights, zero or more; whole numbers, or floats taken to 12 decimals.
    key
        Columns that name a receiver inside its group, and settle ties.
    what
        What is being shared, for a refusal.

    Returns
    -------
    pd.DataFrame
        The same rows sorted by ``by`` and ``key``, with ``share_pence``; they add up to each
        group's amount.

    Raises
    ------
    AllocationError
        ALLOC-E02 or ALLOC-E03, naming the group.
    """
    ordered = frame.sort_values([*by, *key], kind="stable").reset_index(drop=True)
    shared = np.zeros(len(ordered), dtype="int64")
    values = ordered[weight]
    weights = to_whole_weights(values) if values.dtype.kind == "f" else [int(v) for v in values]
    amounts = ordered[amount].tolist()
    for start, end in _find_groups(ordered, by):
        try:
            shared[start:end] = hamilton(amounts[start], weights[start:end])
        except AllocationError as error:
            group = ", ".join(str(ordered[name].iloc[start]) for name in by)
            raise AllocationError(f"{what} of {group}: {error}", rule=error.rule) from error
    return ordered.assign(share_pence=shared)


def _find_groups(ordered: pd.DataFrame, by: Sequence[str]) -> list[tuple[int, int]]:
    """Return first and one-past-last row of each group of a sorted frame."""
    if ordered.empty:
        return []
    numbers = ordered.groupby(list(by), sort=False, dropna=False).ngroup().to_numpy()
    starts = np.flatnonzero(np.r_[True, numbers[1:] != numbers[:-1]])
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(ordered)], strict=True))
