"""Which groups of patients stay longer or shorter than their casemix explains.

Each group is compared with the same casemix outside it. The test is a permutation test: if the
group did not matter, its patients would be a random draw from each casemix cell. Where a grouping
has groups enough (consultants, wards), natural variation between them is allowed for.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import gammainc, gammaincc, ndtr

from helpers.outliers.multiplicity import adjust_p_values
from helpers.outliers.stay_expected import (
    Pairs,
    add_pairs,
    bootstrap_ratios,
    expect_days,
    pair_groups,
)

MIN_GROUP_SPELLS = 20
MAX_Q_VALUE = 0.05
MATERIAL_DAYS = 0.25
HOLDS_AT_Z = 2.58
MIN_PEER_GROUPS = 12
MEDIAN_SQUARE = 0.454936  # median of a squared standard normal value
NEARLY_NO_SKEW = 1e-4
SMALLEST_P = 1e-12
NO_SPREAD_DAYS = 1e-9
COLUMNS = [
    "grouping", "group", "n_spells", "n_no_comparator", "observed_days", "expected_days", "ratio",
    "ci_low", "ci_high", "effect_days", "effect_low_days", "effect_high_days", "natural_prop", "p_value", "q_value",
    "is_material", "joint_effect_days", "holds",
]  # fmt: skip


def review_groups(
    spells: pd.DataFrame,
    groupings: Mapping[str, pd.Series],
    cell: np.ndarray,
    *,
    seed: int,
    min_spells: int = MIN_GROUP_SPELLS,
) -> pd.DataFrame:
    """Compare every group of every grouping with its casemix elsewhere.

    Parameters
    ----------
    spells
        One row a spell, with ``los_days``.
    groupings
        The group of each spell, by the name of the grouping (ward, age band, ...).
    cell
        Position of each spell's casemix cell.
    seed
        Seed of the bootstrap.
    min_spells
        Compared spells that a group needs to be tested; smaller ones are shown without a q-value.

    Returns
    -------
    pd.DataFrame
        One row a grouping and group, sorted. ``effect_days`` is days a spell over (+) or under what
        the same casemix stays elsewhere; ``q_value`` the false discovery rate over all tests;
        ``is_material`` q <= 0.05 and at least 0.25 days. ``joint_effect_days`` and ``holds``: what
        is left of a material effect once the other groupings' findings are allowed for.
    """
    days = spells["los_days"].to_numpy(dtype="float64")
    pairs = {name: pair_groups(group, cell) for name, group in groupings.items()}
    intervals = bootstrap_ratios(pairs, days, cell, seed=seed)
    parts = [
        _review_grouping(name, found, days, cell, min_spells).join(
            intervals[name], validate="one_to_one"
        )
        for name, found in pairs.items()
    ]
    table = pd.concat([part.reset_index() for part in parts], ignore_index=True)
    table["q_value"] = find_q_values(table["p_value"].to_numpy())
    is_far = table["effect_days"].abs() >= MATERIAL_DAYS
    table["is_material"] = (table["q_value"] <= MAX_Q_VALUE) & is_far
    table = _add_joint_effects(table, groupings, days, cell)
    return table[COLUMNS].sort_values(["grouping", "group"], ignore_index=True)


def _review_grouping(
    name: str, pairs: Pairs, days: np.ndarray, cell: np.ndarray, min_spells: int
) -> pd.DataFrame:
    table = expect_days(pairs, days, cell)
    n, expected = table["n_spells"].where(table["n_spells"] > 0), table["expected_days"]
    excess, spread, skew = measure_shuffles(pairs, days, cell)
    is_tested = (table["n_spells"] >= min_spells).to_numpy() & ~np.isnan(spread)
    natural = estimate_natural_variation(
        excess[is_tested], spread[is_tested], expected.to_numpy()[is_tested]
    )
    p_values = find_p_values(excess, spread, skew, natural * expected.to_numpy())
    return table.assign(
        grouping=name,
        ratio=table["observed_days"] / expected.where(expected > 0),
        effect_days=(table["observed_days"] - expected) / n,
        natural_prop=natural,
        p_value=np.where(is_tested, p_values, np.nan),
    )


def estimate_natural_variation(
    excess: np.ndarray, spread: np.ndarray, expected: np.ndarray
) -> float:
    """Return how much a grouping's groups differ beyond chance, as a share of their expected days.

    Doctors and wards differ for reasons that nobody has to explain. The share is the one at which
    half of the groups lie within the middle half of a normal curve: the median is not moved by a few
    that stand out. With fewer than 12 groups it cannot be told from them, and is taken as none.

    Parameters
    ----------
    excess, spread, expected
        Excess days of each group, their standard deviation under shuffling, and expected days.

    Returns
    -------
    float
        Standard deviation between groups over expected days, 0 to 1.
    """
    if len(excess) < MIN_PEER_GROUPS:
        return 0.0

    def find_surplus(share: float) -> float:
        squares = excess**2 / (spread**2 + (share * expected) ** 2)
        return float(np.median(squares)) - MEDIAN_SQUARE

    if find_surplus(0.0) <= 0:
        return 0.0
    if find_surplus(1.0) >= 0:
        return 1.0
    return float(brentq(find_surplus, 0.0, 1.0, xtol=1e-9))


def find_p_values(
    excess: np.ndarray, spread: np.ndarray, skew: np.ndarray, natural_days: np.ndarray | float = 0.0
) -> np.ndarray:
    """Return two-sided p-values of excess days under shuffling, natural variation allowed for.

    Natural variation widens the curve and, being symmetric, makes it less skewed.

    Returns
    -------
    numpy.ndarray
        One p-value a group, nan where there is nothing to shuffle.
    """
    wide = np.sqrt(spread**2 + np.square(natural_days))
    p_values = read_two_sided(excess / wide, skew * (spread / wide) ** 3)
    return np.where(np.isnan(spread), np.nan, p_values)


def measure_shuffles(
    pairs: Pairs, days: np.ndarray, cell: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each group's excess days, and their standard deviation and skewness over all shuffles.

    A shuffle deals the stays of each casemix cell out anew among its patients. The mean (zero),
    variance and third moment of the excess over *all* shuffles are known exactly (sampling without
    replacement from a finite population), so none needs to be drawn. Where stays do not differ
    inside any cell there is nothing to shuffle, and the last two are nan.
    """
    cell_n = pairs.cell_n.astype("float64")
    mean = np.bincount(cell, weights=days, minlength=len(cell_n)) / np.maximum(cell_n, 1)
    residual = days - mean[cell]
    squares = np.bincount(cell, weights=residual**2, minlength=len(cell_n))
    cubes = np.bincount(cell, weights=residual**3, minlength=len(cell_n))
    size, n, others = cell_n[pairs.cell], pairs.n.astype("float64"), pairs.others.astype("float64")
    # Leaving the group out of its comparison stretches its residuals by size / others.
    stretch = size / np.maximum(others, 1)
    variance = stretch**2 * n * others * squares[pairs.cell] / (size * np.maximum(size - 1, 1))
    third = n * others * (size - 2 * n) * cubes[pairs.cell]
    third = stretch**3 * third / (size * np.maximum((size - 1) * (size - 2), 1))
    excess = pairs.add_up(stretch * add_pairs(pairs, residual))
    spread = np.sqrt(pairs.add_up(variance))
    spread = np.where(spread > NO_SPREAD_DAYS, spread, np.nan)
    return excess, spread, pairs.add_up(third) / spread**3


def read_two_sided(z: np.ndarray, skew: np.ndarray) -> np.ndarray:
    """Return twice the smaller tail of a Pearson III curve with mean 0, variance 1 and this skew.

    Stays are skewed: a normal curve would find too many long groups among small ones.
    """
    z, skew = np.nan_to_num(z), np.nan_to_num(skew)
    mirrored = np.where(skew < 0, -z, z)  # a negative skew is the mirror image of a positive one
    shape = 4.0 / np.maximum(np.abs(skew), NEARLY_NO_SKEW) ** 2
    place = np.maximum(shape + mirrored * np.sqrt(shape), 0.0)
    is_even = np.abs(skew) <= NEARLY_NO_SKEW
    upper = np.where(is_even, ndtr(-z), gammaincc(shape, place))
    lower = np.where(is_even, ndtr(z), gammainc(shape, place))
    return np.clip(2 * np.minimum(upper, lower), SMALLEST_P, 1.0)


def find_q_values(p_values: np.ndarray) -> np.ndarray:
    """Return false discovery rates (Benjamini-Hochberg); missing p-values stay missing, uncounted.

    Of findings with q at or below 5%, about one in twenty is expected to be chance. For p-values
    0.01, 0.02, 0.04 and 0.5 they are 4 x 0.01 = 0.04, 2 x 0.02 = 0.04, 4/3 x 0.04 = 0.0533 and 0.5.
    """
    p_values = np.asarray(p_values, dtype="float64")
    q_values = np.full(len(p_values), np.nan)
    is_given = ~np.isnan(p_values)
    q_values[is_given] = adjust_p_values(p_values[is_given], "bh")
    return q_values


def _add_joint_effects(
    table: pd.DataFrame, groupings: Mapping[str, pd.Series], days: np.ndarray, cell: np.ndarray
) -> pd.DataFrame:
    """Add what is left of each material effect when findings of other groupings are allowed for.

    A ward looks slow when a slow consultant works on it. Least squares within casemix cells, of the
    finding together with the material findings of every *other* grouping, tells them apart.
    """
    found = table.index[table["is_material"]]
    table["joint_effect_days"], table["holds"] = np.nan, pd.array([pd.NA] * len(table), "boolean")
    if not len(found):
        return table
    members = [
        (groupings[table.at[row, "grouping"]].astype("str") == table.at[row, "group"]).to_numpy()
        for row in found
    ]
    marks = _center(np.column_stack(members).astype("float64"), cell)
    outcome = _center(days[:, None], cell)[:, 0]
    kinds = table.loc[found, "grouping"].to_numpy()
    for position, row in enumerate(found):
        held = np.flatnonzero(kinds != kinds[position])
        effect, error = _fit_first(marks[:, [position, *held]], outcome)
        table.loc[row, "joint_effect_days"] = effect
        same_way = np.sign(effect) == np.sign(table.at[row, "effect_days"])
        is_clear = abs(effect) >= max(MATERIAL_DAYS, HOLDS_AT_Z * error)
        table.loc[row, "holds"] = bool(same_way and is_clear)
    return table


def _center(values: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return columns less their mean in each casemix cell."""
    n = np.maximum(np.bincount(cell), 1)
    means = np.column_stack([np.bincount(cell, weights=column) / n for column in values.T])
    return values - means[cell]


def _fit_first(marks: np.ndarray, outcome: np.ndarray) -> tuple[float, float]:
    """Return the first column's coefficient and its standard error, robust to unequal variances."""
    inverse = np.linalg.pinv(marks.T @ marks, rcond=1e-10, hermitian=True)
    coefficients = inverse @ (marks.T @ outcome)
    score = (marks @ inverse[:, 0]) * (outcome - marks @ coefficients)
    return float(coefficients[0]), float(np.sqrt((score**2).sum()))
