"""All trusts of a file: each one's index in a funnel, and its peers by a stated rule. No league."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.contracts import QueryEngine
from helpers.published.cells import ENGLAND

N_PEERS = 10
MOST_SIZE_RATIO = 3.0  # of expected cost, between a trust and its peer
LEAST_TRUSTS = 10  # for a funnel
LEAST_COMPARED_PROP = 0.5  # of a trust's cost, for its index to be drawn

SHARES_SQL = """
SELECT org_code, line_id, CAST(sum(expected_pence) AS DOUBLE) AS expected
FROM published_compared WHERE expected_pence > 0 AND org_code <> '{england}' GROUP BY org_code, line_id
"""

COVERAGE_SQL = """
SELECT org_code, CAST(sum(cost_pence) AS BIGINT) AS cost_pence,
       CAST(sum(CASE WHEN expected_pence > 0 THEN observed_pence ELSE 0 END) AS BIGINT) AS compared_pence
FROM published_compared WHERE org_code <> '{england}' GROUP BY org_code
"""


def find_peers(db: QueryEngine) -> pd.DataFrame:
    """Return the ten trusts most like each trust in what they do (decision D-228).

    Likeness is half the sum of the absolute differences between two trusts' shares of expected cost by
    line: 0 if they do the same, 1 if nothing is common. A peer is at most three times as large, and at
    least a third as large. Ties go to the first code.

    Returns
    -------
    pd.DataFrame
        ``org_code, place`` (from 1), ``peer_code, distance_prop``.
    """
    shares = db.frame(SHARES_SQL.format(england=ENGLAND))
    wide = (
        shares.pivot(index="org_code", columns="line_id", values="expected")
        .fillna(0.0)
        .sort_index()
    )
    return choose_peers(wide)


def choose_peers(expected: pd.DataFrame) -> pd.DataFrame:
    """Return peers from expected cost by trust (rows, sorted) and line (columns)."""
    values = expected.to_numpy("float64")
    size = values.sum(axis=1)
    share = values / size[:, None]
    rows = []
    for at, code in enumerate(expected.index):
        distance = np.abs(share - share[at]).sum(axis=1) / 2
        ratio = np.maximum(size, size[at]) / np.minimum(size, size[at])
        fits = np.flatnonzero((ratio <= MOST_SIZE_RATIO) & (np.arange(len(size)) != at))
        order = fits[np.argsort(distance[fits], kind="stable")][:N_PEERS]
        rows += [
            (code, place, expected.index[one], float(distance[one]))
            for place, one in enumerate(order, start=1)
        ]
    columns = ["org_code", "place", "peer_code", "distance_prop"]
    return pd.DataFrame(rows, columns=columns).astype({"org_code": "str", "peer_code": "str"})


def add_coverage(index: pd.DataFrame, db: QueryEngine) -> pd.DataFrame:
    """Add ``cost_pence`` and ``compared_prop``: the share of a trust's cost that could be compared."""
    coverage = db.frame(COVERAGE_SQL.format(england=ENGLAND))
    coverage["compared_prop"] = coverage["compared_pence"] / coverage["cost_pence"]
    return index.merge(
        coverage[["org_code", "cost_pence", "compared_prop"]],
        on="org_code", how="left", validate="one_to_one",
    )  # fmt: skip


def find_noise(index: pd.DataFrame) -> float:
    """Return k, where a trust's log index has the error ``k / sqrt(expected pounds)``: the median trust's.

    One curve for all trusts, so that a limit depends on size alone.
    """
    scaled = index["log_error"] * np.sqrt(index["expected_pence"] / 100)
    return float(scaled.dropna().median()) if scaled.notna().any() else 0.0


def add_limits(
    index: pd.DataFrame, *, noise: float, tau2: float, z95: float, z998: float
) -> pd.DataFrame:
    """Add funnel limits at each trust's size and where it lies.

    Parameters
    ----------
    noise, tau2
        From ``find_noise``; variance between trusts on the log scale beyond it.
    z95, z998
        Normal quantiles of the two limits.
    """
    sd = np.sqrt(noise**2 / (index["expected_pence"] / 100) + tau2)
    log_index = np.log(index["index_ratio"])
    place = np.where(np.abs(log_index) <= z95 * sd, "inside", "between")
    place = np.where(np.abs(log_index) > z998 * sd, "outside", place)
    return index.assign(
        low_95=np.exp(-z95 * sd), high_95=np.exp(z95 * sd),
        low_998=np.exp(-z998 * sd), high_998=np.exp(z998 * sd), place=place,
    )  # fmt: skip
