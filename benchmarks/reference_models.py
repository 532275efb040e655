"""Three yardsticks for the consultant review, on the same estimates: a plain model, and two who know.

``fit_plain`` is a contamination model as it is usually described: normal natural variation, one
share of divergent consultants, sizes of divergence all alike, fitted by a single EM, and named the
largest set whose mean chance of being wrong is at most 10%. ``judge_knowing`` is told what no review
can know: each specialty's true natural variation and its shape, where its typical peer lies, and how
many were planted and how far. ``judge_by_laws`` is told by which laws trusts are invented, and nothing
of the trust in question. Its probabilities are exact as far as estimates err normally with the error
they state; so no rule that works on the same estimates does better on average over such trusts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm, t
from simulated_trusts import CELL_SD, HIGH, LOW, SCENARIOS, T_DEGREES, Scenario

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
# What one who knows the laws holds possible: these kinds of trust, all equally likely beforehand, ...
LAWS = tuple(
    replace(SCENARIOS[shape], high=high, low=SCENARIOS["base"].low if high else 0.0)
    for shape in ("base", "t4")
    for high in (0.0, SCENARIOS["base"].high, SCENARIOS["dense"].high)
)
# ... and where a typical peer lies, from the median of a specialty's estimates, log units.
PLACES = np.linspace(-0.16, 0.16, 23)
TAU_STEPS, HIGH_STEPS, LOW_STEPS = 10, 12, 5
# Shares of consultants between the widths of normals that a t law is mixed from, the widest first.
WIDTH_ENDS = np.array([0, 0.001, 0.005, 0.02, 0.06, 0.15, 0.3, 0.5, 0.75, 1.0])
WIDTH_POINTS = 200
MOST_DISTANCE = 85.0  # of a log density, before single precision loses it


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


def judge_by_laws(theta: np.ndarray, error: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Return each consultant's probability of being planted dear, for one who knows the laws alone.

    Sums over the kinds of trust that there are (``LAWS``), over each specialty's natural variation
    and over where its typical peer lies, as the estimates make them likely.

    Parameters
    ----------
    theta, error
        Log effect of each consultant and its standard error.
    line
        Specialty of each consultant, as 0, 1, 2 ...
    """
    evidence, chances = [], []
    for is_heavy in (False, True):
        laws = [law for law in LAWS if law.is_heavy_natural == is_heavy]
        parts = weigh_places(theta, error, line, is_heavy=is_heavy)
        for law in laws:
            log_evidence, chance = _judge_law(parts, line, law)
            evidence.append(log_evidence)
            chances.append(chance)
    weight = np.exp(np.array(evidence) - max(evidence))
    return weight @ np.array(chances) / weight.sum()


def weigh_places(
    theta: np.ndarray, error: np.ndarray, line: np.ndarray, *, is_heavy: bool
) -> np.ndarray:
    """Return the density of each effect (without the constant) of one usual, dear and cheap.

    The array is kind x consultant x natural standard deviation x place of the typical peer.
    """
    centres = np.array([np.median(theta[line == k]) for k in range(line.max() + 1)])
    gap = (theta - centres[line])[:, None] - PLACES
    variance = error**2 + CELL_SHARE * CELL_SD**2
    squares, shares = split_widths(T_DEGREES) if is_heavy else (np.ones(1), np.ones(1))
    kinds = [np.zeros(1)] + [
        np.log(np.linspace(*ends, n)) for ends, n in ((HIGH, HIGH_STEPS), (LOW, LOW_STEPS))
    ]
    density = np.zeros((len(kinds), len(theta), TAU_STEPS, len(PLACES)))
    for kind, shifts in enumerate(kinds):
        square = ((gap[:, :, None] - shifts) ** 2).astype(np.float32)
        for step, tau in enumerate(list_taus()):
            for relative, share in zip(squares, shares, strict=True):
                precision = (1 / (variance + tau**2 * relative)).astype(np.float32)
                logs = np.maximum(-0.5 * precision[:, None, None] * square, -MOST_DISTANCE)
                mean = np.exp(logs).mean(axis=2)
                density[kind, :, step] += share * np.sqrt(precision)[:, None] * mean
    return density


def list_taus() -> np.ndarray:
    """Return natural standard deviations that stand for equal parts of what a specialty may have."""
    least, most = SCENARIOS["base"].tau
    return least + (np.arange(TAU_STEPS) + 0.5) * (most - least) / TAU_STEPS


def split_widths(degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Return variances and shares of normals that together make a t law with variance 1."""
    shares = np.diff(WIDTH_ENDS)
    inside = (np.arange(WIDTH_POINTS) + 0.5) / WIDTH_POINTS
    precision = chi2.ppf(WIDTH_ENDS[:-1, None] + shares[:, None] * inside, degrees)
    squares = (1 / precision).mean(axis=1)
    return squares / (squares @ shares), shares


def _judge_law(parts: np.ndarray, line: np.ndarray, law: Scenario) -> tuple[float, np.ndarray]:
    """Return the log evidence of one kind of trust, and each consultant's probability in it."""
    usual = (1 - law.high - law.low) * parts[0]
    total = np.maximum(usual + law.high * parts[1] + law.low * parts[2], TINY)
    own, logs = law.high * parts[1] / total, np.log(total)
    evidence, chance = 0.0, np.zeros(len(line))
    for k in range(line.max() + 1):
        mine = line == k
        together = logs[mine].sum(axis=0)  # natural standard deviation x place
        weight = np.exp(together - together.max())
        evidence += float(together.max() + np.log(weight.mean()))
        chance[mine] = (own[mine] * weight).sum(axis=(1, 2)) / weight.sum()
    return evidence, chance


def name_by_mean(chance: np.ndarray) -> np.ndarray:
    """Name the largest set whose mean chance of being wrong is at most 10%."""
    order = np.argsort(-chance, kind="stable")
    running = np.cumsum(1 - chance[order]) / np.arange(1, len(chance) + 1)
    n = int(np.max(np.flatnonzero(running <= MEAN_WRONG), initial=-1)) + 1
    named = np.zeros(len(chance), dtype=bool)
    named[order[:n]] = True
    return named
