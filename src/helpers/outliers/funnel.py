"""Funnel quantities as NHS practice has them, and how much more units differ than chance allows.

Pounds and days are not counts: their error comes from the model (`casemix`), never from 1/sqrt(E).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaincinv

Z_95, Z_998 = 1.959963984540054, 3.090232306167813
TAIL = 0.10


@dataclass(frozen=True)
class Overdispersion:
    """``phi``, the mean square of the z-scores used (1 if only chance), and ``tau2`` between units."""

    phi: float
    tau2: float
    n_used: int
    used: np.ndarray


def score_count_ratio(
    observed: np.ndarray, expected: np.ndarray, *, scale: str
) -> tuple[np.ndarray, ...]:
    """Return y, its error and z of observed counts over expected ones.

    ``scale`` is ``sqrt`` (target 1, error 1/(2 sqrt E)) or ``log`` (target 0, error 1/sqrt E).
    """
    if scale == "sqrt":
        y, error, target = np.sqrt(observed / expected), 1 / (2 * np.sqrt(expected)), 1.0
    else:
        with np.errstate(divide="ignore"):
            y = np.log(observed / expected)
        error, target = 1 / np.sqrt(expected), 0.0
    return y, error, (y - target) / error


def winsorise(z: np.ndarray, tail: float = TAIL) -> np.ndarray:
    """Return z with each tail set to its 10% and 90% quantile."""
    low, high = np.quantile(z, [tail, 1 - tail])
    return np.clip(z, low, high)


def measure_overdispersion(
    z: np.ndarray, error: np.ndarray, *, method: str = "winsorise"
) -> Overdispersion:
    """Return phi and the additive variance between units, zero if chance explains the spread.

    ``winsorise`` clips 10% at either end; ``truncate`` leaves them out, as the SHMI does; ``none``
    takes z as it is.
    """
    used = np.ones(len(z), dtype=bool)
    if method == "truncate":
        band = np.floor(pd.Series(z).rank().to_numpy() * 10 / (len(z) + 1))
        used = (band > 0) & (band < 9)
    kept = winsorise(z) if method == "winsorise" else z[used]
    n, phi = len(kept), float(np.mean(kept**2))
    weight = 1 / error[used] ** 2
    spare = weight.sum() - (weight**2).sum() / weight.sum()
    tau2 = (n * phi - (n - 1)) / spare if n * phi >= n - 1 and spare > 0 else 0.0
    return Overdispersion(phi, float(max(tau2, 0.0)), n, used)


def adjust_z(y: np.ndarray, error: np.ndarray, tau2: float, target: float = 0.0) -> np.ndarray:
    """Return z with the variance between units added to that of chance."""
    return (y - target) / np.sqrt(error**2 + tau2)


def find_limits(
    error: np.ndarray, tau2: float, z: float, *, scale: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper funnel limits, on the scale of y for ``sqrt``, as ratios for ``log``."""
    width = z * np.sqrt(error**2 + tau2)
    return (1 - width, 1 + width) if scale == "sqrt" else (np.exp(-width), np.exp(width))


def find_exact_interval(
    observed: np.ndarray, expected: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact Poisson interval of observed over expected; zero events have a lower end of 0."""
    tail = (1 - level) / 2  # half the chi-squared quantile with twice as many degrees of freedom
    low = np.where(observed > 0, gammaincinv(np.maximum(observed, 0.5), tail), 0.0)
    return low / expected, gammaincinv(observed + 1, 1 - tail) / expected
