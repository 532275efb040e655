"""Random-effects means and random intercepts, for lines too small for the main model and as a check."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import ndtr


@dataclass(frozen=True)
class Pooled:
    """Random-effects mean, its error, the variance between units, and Cochran's Q."""

    mu: float
    mu_error: float
    tau2: float
    q: float


def pool_effects(effects: np.ndarray, error: np.ndarray, *, method: str = "DL") -> Pooled:
    """Return the random-effects mean of some effects.

    ``method`` is ``DL`` (DerSimonian and Laird), ``PM`` (Paule and Mandel) or ``REML``.
    """
    variance = error**2
    weight = 1 / variance
    q = _weighted_q(effects, weight)
    degrees = len(effects) - 1
    if method == "DL":
        spare = weight.sum() - (weight**2).sum() / weight.sum()
        tau2 = max(0.0, (q - degrees) / spare) if spare > 0 else 0.0
    elif method == "PM":
        tau2 = _solve_paule_mandel(effects, variance, degrees)
    else:
        tau2 = _solve_reml(effects, variance)
    weight = 1 / (variance + tau2)
    return Pooled(
        float((weight * effects).sum() / weight.sum()), float(weight.sum() ** -0.5), tau2, q
    )


def _weighted_q(effects: np.ndarray, weight: np.ndarray) -> float:
    mu = (weight * effects).sum() / weight.sum()
    return float((weight * (effects - mu) ** 2).sum())


def _solve_paule_mandel(effects: np.ndarray, variance: np.ndarray, degrees: int) -> float:
    def gap(tau2: float) -> float:
        return _weighted_q(effects, 1 / (variance + tau2)) - degrees

    if gap(0.0) <= 0:
        return 0.0
    return float(brentq(gap, 0.0, 100 * (np.var(effects) + variance.max()), xtol=1e-14))


def _solve_reml(effects: np.ndarray, variance: np.ndarray) -> float:
    """Return the REML variance between units by its fixed point."""
    tau2 = max(0.0, float(np.var(effects, ddof=1) - variance.mean()))
    for _ in range(10_000):
        weight = 1 / (variance + tau2)
        mu = (weight * effects).sum() / weight.sum()
        square = (weight**2 * ((effects - mu) ** 2 - variance)).sum() / (weight**2).sum()
        moved = max(0.0, float(square + 1 / weight.sum()))
        if abs(moved - tau2) < 1e-13:
            break
        tau2 = moved
    return tau2


@dataclass(frozen=True)
class RandomIntercept:
    """A linear model with one random intercept a group, fitted by REML."""

    coef: np.ndarray
    tau2: float
    sigma2: float
    deviance: float
    blup: np.ndarray
    posterior_sd: np.ndarray
    reliability: np.ndarray

    def find_prob_above(self, effect: float) -> np.ndarray:
        """Return the probability that each group's effect is above a value."""
        return 1 - ndtr((effect - self.blup) / self.posterior_sd)


def fit_random_intercept(y: np.ndarray, design: np.ndarray, group: np.ndarray) -> RandomIntercept:
    """Fit by REML: the ratio of the two variances is the only thing to search for.

    Parameters
    ----------
    y, design, group
        Outcome, model matrix with its intercept, and group of each row as 0, 1, 2 ...
    """
    n_rows, n_coef = design.shape
    n = np.bincount(group).astype(float)
    sums = np.array([np.bincount(group, weights=column) for column in design.T]).T
    y_sums = np.bincount(group, weights=y)
    xx, xy, yy = design.T @ design, design.T @ y, float(y @ y)

    def solve(ratio: float):
        shrink = ratio / (1 + n * ratio)
        a = xx - (sums * shrink[:, None]).T @ sums
        b = xy - sums.T @ (shrink * y_sums)
        coef = np.linalg.solve(a, b)
        rss = yy - float(shrink @ y_sums**2) - float(coef @ b)
        return coef, max(rss, 1e-300) / (n_rows - n_coef), np.linalg.slogdet(a)[1]

    def deviance(root: float) -> float:
        _, sigma2, logdet = solve(root**2)
        free = n_rows - n_coef
        return float(free * (1 + np.log(2 * np.pi * sigma2)) + np.log1p(n * root**2).sum() + logdet)

    best = minimize_scalar(deviance, bounds=(0.0, 10.0), method="bounded", options={"xatol": 1e-10})
    root = float(best.x) if best.fun < deviance(0.0) else 0.0
    coef, sigma2, _ = solve(root**2)
    shrink = root**2 / (1 + n * root**2)
    return RandomIntercept(
        coef=coef,
        tau2=root**2 * sigma2,
        sigma2=sigma2,
        deviance=deviance(root),
        blup=shrink * (y_sums - sums @ coef),
        posterior_sd=np.sqrt(np.maximum(shrink * sigma2, 1e-18)),
        reliability=n * shrink,
    )
