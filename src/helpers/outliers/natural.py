"""How much consultants differ by nature: the size of it, line by line, and how heavy its tails are.

Natural variation of a line has a standard deviation ``tau``. Its shape is Student's t: with infinite
degrees of freedom it is normal; with four, a consultant in fifty is beyond 2.2 standard deviations on
either side. Which shape holds is not assumed: each is fitted, and weighted by how well it explains
the trust. A t distribution is a mixture of normals of different widths, so all shapes share one
table of densities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincinv

TAU_GRID = np.array(
    [0.02, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10, 0.115, 0.13, 0.15, 0.17, 0.20, 0.25, 0.32]
)
SCALES = np.geomspace(0.012, 1.3, 22)  # widths that any shape is mixed from, log units
# Shares of consultants, from the widest down: narrow where the widths differ most.
WIDTH_BINS = np.array([0, 0.001, 0.005, 0.02, 0.06, 0.15, 0.35, 0.65, 1.0])
POINTS_PER_BIN = 200
DEGREES = (np.inf, 4.0)


@dataclass(frozen=True, eq=False)
class Natural:
    """One shape of natural variation.

    Attributes
    ----------
    degrees
        Degrees of freedom; infinite for the normal shape.
    taus
        Standard deviations a line may have, log units.
    scales, mixing
        Widths of normals, and the share of each (columns) that makes up each ``tau`` (rows).
    """

    degrees: float
    taus: np.ndarray
    scales: np.ndarray
    mixing: np.ndarray


def shape_natural(degrees: float) -> Natural:
    """Return a shape on the common grids, without the widths that it does not use."""
    factors, shares = _split_widths(degrees)
    mixing = np.zeros((len(TAU_GRID), len(SCALES)))
    squares = SCALES**2
    for row, tau in zip(mixing, TAU_GRID, strict=True):
        wanted = np.clip(tau**2 * factors, squares[0], squares[-1])
        left = np.clip(np.searchsorted(squares, wanted, side="right") - 1, 0, len(SCALES) - 2)
        # between two widths of the grid, in the shares that keep the variance
        upper = (wanted - squares[left]) / (squares[left + 1] - squares[left])
        np.add.at(row, left, shares * (1 - upper))
        np.add.at(row, left + 1, shares * upper)
    used = mixing.any(axis=0)
    return Natural(degrees, TAU_GRID, SCALES[used], mixing[:, used])


def fix_natural(tau: float) -> Natural:
    """Return normal natural variation of one known size."""
    return Natural(np.inf, np.array([tau]), np.array([tau]), np.ones((1, 1)))


def _split_widths(degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Return variances (relative to tau squared) and shares of the normals that make up a shape."""
    if np.isinf(degrees):
        return np.ones(1), np.ones(1)
    inside = (np.arange(POINTS_PER_BIN) + 0.5) / POINTS_PER_BIN
    shares = np.diff(WIDTH_BINS)
    chance = WIDTH_BINS[:-1, None] + shares[:, None] * inside
    precision = gammaincinv(degrees / 2, chance) * 2 / degrees
    factors = ((degrees - 2) / degrees / precision).mean(axis=1)
    return factors / (factors @ shares), shares


SHAPES = tuple(shape_natural(degrees) for degrees in DEGREES)
