"""Two yardsticks for the consultant review, on the same estimates: a plain model, and one who knows.

``fit_plain`` is a contamination model as it is usually described: normal natural variation, one
share of divergent consultants, sizes of divergence all alike, fitted by a single EM, and named the
largest set whose mean chance of being wrong is at most 10%. ``judge_knowing`` is told what no review
can know: each specialty's true natural variation and its shape, where its typical peer lies, and how
many were planted and how far. Nobody can do better than that from the same estimates.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm, t
from simulated_trusts import CELL_SD, HIGH, LOW, T_DEGREES, Scenario

TAUS = np.array(
    [0.02, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10, 0.115, 0.13, 0.15, 0.17, 0.20, 0.25, 0.32]
)
UP = np.linspace(np.log(1.20), np.log(1.80), 9)
DOWN = np.linspace(np.log(0.55), np.log(1 / 1.20), 9)
SHIFTS = np.concatenate([[0.0], UP, DOWN])
KIND = np.repeat([0, 1, 2], [1, 9, 9])  # like peers, dearer, cheaper
EVEN = (1 / np.bincount(KIND))[KIND]
START = (0.92, 0.05, 0.03)
PSEUDO_COUNTS = np.array([0.0, 1.0, 1.0])
STEPS, TOLERANCE = 200, 1e-5
HUBER = 1.345
MEAN_WRONG = 0.10
TINY = 1e-300
CELL_SHARE = 0.16  # of the cell variance that is left in a consultant's mean over HRGs
SCORES = np.linspace(-12, 12, 1201)  # standard deviations of natural variation


def fit_plain(theta: np.ndarray, error: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return each consultant's probability of being divergent and dearer, by the plain model."""
    lines = np.unique(line)
    member = (lines[:, None] == line).astype(float)
    start = [find_robust_centre(theta[line == k], error[line == k]) for k in lines]
    mu = np.repeat(np.array(start)[:, None], len(TAUS), axis=1)  # line x tau
    pi, q = np.array(START), np.full(len(TAUS), 1 / len(TAUS))
    precision = 1 / (TAUS**2 + error[:, None] ** 2)
    chance, before = np.zeros((len(theta), len(SHIFTS))), -np.inf
    for _ in range(STEPS):
        gap = theta[:, None, None] - mu[line][:, :, None] - SHIFTS
        logs = 0.5 * (np.log(precision)[:, :, None] - precision[:, :, None] * gap**2)
        logs += np.log(np.maximum(pi[KIND] * EVEN, TINY))
        top = logs.max(axis=2, keepdims=True)
        part = np.exp(logs - top)
        total = part.sum(axis=2)
        part /= total[:, :, None]  # consultant x tau x shift
        by_line = member @ (np.log(total) + top[:, :, 0]) + np.log(np.maximum(q, TINY))
        high = by_line.max(axis=1, keepdims=True)
        of_tau = np.exp(by_line - high)
        likelihood = float((high[:, 0] + np.log(of_tau.sum(axis=1))).sum())
        of_tau /= of_tau.sum(axis=1, keepdims=True)
        chance = (of_tau[line][:, :, None] * part).sum(axis=1)
        if abs(likelihood - before) <= TOLERANCE * abs(likelihood):
            break
        before = likelihood
        counts = np.array([chance[:, k == KIND].sum() for k in range(3)]) + PSEUDO_COUNTS
        pi, q = counts / counts.sum(), of_tau.sum(axis=0) + 1 / len(TAUS)
        q = q / q.sum()
        mu = member @ (precision * (theta[:, None] - part @ SHIFTS)) / (member @ precision)
    return chance[:, KIND == 1].sum(axis=1)


def find_robust_centre(theta: np.ndarray, error: np.ndarray) -> float:
    """Return a specialty's centre and spread by Huber's weights, consistent at the normal; the centre."""
    share = 2 * norm.cdf(HUBER) - 1
    kappa = share - 2 * HUBER * norm.pdf(HUBER) + 2 * HUBER**2 * (1 - norm.cdf(HUBER))
    mu, spread = float(np.median(theta)), 0.0
    for _ in range(100):
        old = (mu, spread)
        scale = np.sqrt(spread + error**2)
        weight = np.minimum(1, HUBER / np.maximum(np.abs(theta - mu) / scale, 1e-12)) / scale**2
        mu = float((weight * theta).sum() / weight.sum())
        low, high = 0.0, 4.0
        for _ in range(50):
            spread = (low + high) / 2
            squares = (theta - mu) ** 2 / (spread + error**2)
            wide = np.minimum(squares, HUBER**2).mean() > kappa
            low, high = (spread, high) if wide else (low, spread)
        if abs(mu - old[0]) + abs(spread - old[1]) < 1e-9:
            break
    return mu


def judge_knowing(found: pd.DataFrame, truth: pd.DataFrame, plan: Scenario) -> np.ndarray:
    """Return each consultant's probability of being planted dear, for one who knows the trust.

    Parameters
    ----------
    found
        ``line_id, theta, std_error`` by consultant.
    truth
        The same consultants' truth.
    """
    theta = found["theta"].to_numpy()
    error = np.sqrt(found["std_error"].to_numpy() ** 2 + CELL_SHARE * CELL_SD**2)
    effect = np.log(truth["actual_gbp"] / truth["peer_gbp"]).to_numpy()
    mu = -pd.Series(effect).groupby(found["line_id"].to_numpy()).transform("mean").to_numpy()
    shrink = np.sqrt((T_DEGREES - 2) / T_DEGREES)
    weight = t.pdf(SCORES / shrink, T_DEGREES) if plan.is_heavy_natural else norm.pdf(SCORES)
    natural = truth["tau"].to_numpy()[:, None] * SCORES

    def weigh(shifts: np.ndarray) -> np.ndarray:
        parts = [
            norm.pdf((theta - mu - shift)[:, None], natural, error[:, None]) @ weight
            for shift in shifts
        ]
        return np.mean(parts, axis=0)

    high = plan.high * weigh(np.log(np.linspace(*HIGH, 15)))
    low = plan.low * weigh(np.log(np.linspace(*LOW, 9)))
    usual = (1 - plan.high - plan.low) * weigh(np.zeros(1))
    return high / (high + low + usual)


def name_by_mean(chance: np.ndarray) -> np.ndarray:
    """Name the largest set whose mean chance of being wrong is at most 10%."""
    order = np.argsort(-chance, kind="stable")
    running = np.cumsum(1 - chance[order]) / np.arange(1, len(chance) + 1)
    n = int(np.max(np.flatnonzero(running <= MEAN_WRONG), initial=-1)) + 1
    named = np.zeros(len(chance), dtype=bool)
    named[order[:n]] = True
    return named
