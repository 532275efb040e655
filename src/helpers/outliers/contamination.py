"""Who differs from peers by more than peers differ from each other.

Within a line, consultants' effects scatter for three reasons: natural variation (normal, its size
the line's own), sampling noise (known), and, for a few, divergent practice: 20% to 80% dearer, or
cheaper by as much. The model is fitted over the whole trust by EM, with the size of each line's
natural variation summed over a grid. It assumes that natural variation is normal: where its tails
are heavier, more of those named are extremes than divergent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, ndtr

TAU_GRID = np.array(
    [0.02, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10, 0.115, 0.13, 0.15, 0.17, 0.20, 0.25, 0.32]
)
HIGH = np.linspace(np.log(1.20), np.log(1.80), 9)
LOW = np.linspace(np.log(0.55), np.log(1 / 1.20), 9)
SHIFTS = np.concatenate([[0.0], HIGH, LOW])
KIND = np.repeat([0, 1, 2], [1, len(HIGH), len(LOW)])  # 0 like peers, 1 dearer, 2 cheaper
START_PI = np.array([0.92, 0.05, 0.03])
PI_PSEUDO_COUNT = (
    25 * START_PI
)  # without it, wide natural variation in a small trust passes for divergence
EM_STEPS = 200
EM_TOLERANCE = 1e-5
FALSE_DISCOVERY_RATE = 0.10
HUBER_C = 1.345


@dataclass(frozen=True)
class State:
    """Where the EM stands: ``mu`` by line and tau, ``pi`` of the three kinds, ``q`` of each tau."""

    mu: np.ndarray
    pi: np.ndarray
    q: np.ndarray


@dataclass(frozen=True)
class Posterior:
    """What the model says of each consultant, and of each line's natural variation.

    Attributes
    ----------
    prob_high, prob_low
        Probability of divergent practice above and below peers.
    mean, sd
        Of the whole effect against the typical peer, log units.
    prob_material
        Probability that the effect is above 15%.
    ratio, ratio_low, ratio_high
        Expected ratio to the typical peer and its 90% interval.
    tau
        Posterior mean natural standard deviation of the consultant's line, log units.
    """

    prob_high: np.ndarray
    prob_low: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    prob_material: np.ndarray
    ratio: np.ndarray
    ratio_low: np.ndarray
    ratio_high: np.ndarray
    tau: np.ndarray


@dataclass(frozen=True)
class Mixture:
    """The posterior as normal pieces: consultant x tau x shift.

    ``weight`` adds to 1 for each consultant; ``centre`` and ``spread`` (standard deviation, by
    consultant and tau) are of the whole effect; ``mu`` is the line's typical peer by tau.
    """

    weight: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    mu: np.ndarray


def start_at_centre(theta: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """Return a robust centre and natural variance: the individualised empirical null of one line.

    Huber weights keep a few divergent consultants from moving the centre, and a consistency
    constant makes the variance right when nobody is divergent.
    """
    phi = np.exp(-(HUBER_C**2) / 2) / np.sqrt(2 * np.pi)
    inside = 2 * ndtr(HUBER_C) - 1
    kappa = inside - 2 * HUBER_C * phi + 2 * HUBER_C**2 * (1 - ndtr(HUBER_C))

    def centre_and_excess(tau2: float) -> tuple[float, float]:
        total = tau2 + error**2
        mu = float(np.median(theta))
        for _ in range(500):
            r = np.abs(theta - mu) / np.sqrt(total)
            weight = np.minimum(1.0, HUBER_C / np.maximum(r, 1e-12)) / total
            moved = float(np.sum(weight * theta) / np.sum(weight))
            if abs(moved - mu) < 1e-9:
                break
            mu = moved
        r = (theta - mu) / np.sqrt(total)
        return mu, float(np.minimum(r**2, HUBER_C**2).mean()) - kappa

    low, high = 0.0, float(np.var(theta) * 10 + 1e-12)
    mu, excess = centre_and_excess(low)
    if excess <= 0:
        return mu, 0.0
    for _ in range(60):
        middle = (low + high) / 2
        mu, excess = centre_and_excess(middle)
        low, high = (middle, high) if excess > 0 else (low, middle)
    return mu, (low + high) / 2


def fit_contamination(
    theta: np.ndarray,
    error: np.ndarray,
    line: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    start: State | None = None,
    steps: int = EM_STEPS,
) -> State:
    """Fit the model by EM.

    Parameters
    ----------
    theta, error
        Log effect of each consultant and its standard error.
    line
        Line of each consultant, as 0, 1, 2 ...
    weights
        Weight of each consultant (for the Bayesian bootstrap); 1 if absent.
    start
        State to start from; the robust centres if absent.
    """
    weight = np.ones(len(theta)) if weights is None else weights
    member = (np.arange(int(line.max()) + 1)[:, None] == line[None, :]).astype(float)
    state = start or _first_state(theta, error, member)
    precision = 1.0 / (TAU_GRID[None, :] ** 2 + error[:, None] ** 2)
    before = -np.inf
    for _ in range(steps):
        parts, r, likelihood = _expect(theta, precision, line, member, weight, state)
        state = _maximise(theta, precision, line, member, weight, parts, r)
        if abs(likelihood - before) <= EM_TOLERANCE * abs(likelihood):
            break
        before = likelihood
    return state


def _first_state(theta: np.ndarray, error: np.ndarray, member: np.ndarray) -> State:
    centres = [start_at_centre(theta[row > 0], error[row > 0])[0] for row in member]
    mu = np.repeat(np.array(centres)[:, None], len(TAU_GRID), axis=1)
    return State(mu, START_PI, np.full(len(TAU_GRID), 1 / len(TAU_GRID)))


def _component_logs(pi: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(pi, 1e-300))[KIND] - np.log(np.bincount(KIND))[KIND]


def _expect(theta, precision, line, member, weight, state):
    """Return P(shift | tau), P(tau) by line, and the log-likelihood."""
    gap = theta[:, None] - state.mu[line]
    logs = (gap[:, :, None] - SHIFTS) ** 2
    logs *= -0.5 * precision[:, :, None]
    logs += _component_logs(state.pi)
    top = logs.max(axis=2, keepdims=True)
    logs -= top
    parts = np.exp(logs, out=logs)
    total = parts.sum(axis=2, keepdims=True)
    parts /= total
    by_tau = top[:, :, 0] + np.log(total[:, :, 0]) + 0.5 * np.log(precision / (2 * np.pi))
    by_line = (member * weight) @ by_tau + np.log(np.maximum(state.q, 1e-300))
    norm = logsumexp(by_line, axis=1)
    return parts, np.exp(by_line - norm[:, None]), float(norm.sum())


def _maximise(theta, precision, line, member, weight, parts, r) -> State:
    of_tau = r[line]
    by_shift = np.einsum("jtc,jt->jc", parts, of_tau)
    pi = np.array([(weight @ by_shift[:, k == KIND]).sum() for k in range(3)]) + PI_PSEUDO_COUNT
    q = r.sum(axis=0) + 1 / len(TAU_GRID)
    w = precision * weight[:, None]
    shift = parts @ SHIFTS
    mu = (member @ (w * (theta[:, None] - shift))) / np.maximum(member @ w, 1e-300)
    return State(mu, pi / pi.sum(), q / q.sum())


def split_posterior(
    theta: np.ndarray, error: np.ndarray, line: np.ndarray, state: State,
    *, weights: np.ndarray | None = None, taus: np.ndarray = TAU_GRID,
) -> Mixture:  # fmt: skip
    """Return the posterior of each consultant's whole effect as a mixture of normals."""
    member = (np.arange(int(line.max()) + 1)[:, None] == line[None, :]).astype(float)
    precision = 1.0 / (taus[None, :] ** 2 + error[:, None] ** 2)
    weight = np.ones(len(theta)) if weights is None else weights
    parts, r, _ = _expect(theta, precision, line, member, weight, state)
    kept = (taus**2)[None, :] * precision
    mu = state.mu[line]
    centre = kept[:, :, None] * ((theta[:, None] - mu)[:, :, None] - SHIFTS) + SHIFTS
    return Mixture(parts * r[line][:, :, None], centre, np.sqrt(kept) * error[:, None], mu)


def summarise_posterior(
    mixture: Mixture, *, taus: np.ndarray = TAU_GRID, material_prop: float = 0.15
) -> Posterior:
    """Return probabilities, means and 90% intervals of each consultant's effect."""
    weight, centre, spread = mixture.weight, mixture.centre, mixture.spread[:, :, None]
    mean = (weight * centre).sum((1, 2))
    second = (weight * (centre**2 + spread**2)).sum((1, 2))
    return Posterior(
        prob_high=weight[:, :, KIND == 1].sum((1, 2)),
        prob_low=weight[:, :, KIND == 2].sum((1, 2)),
        mean=mean,
        sd=np.sqrt(np.maximum(second - mean**2, 0.0)),
        prob_material=(weight * ndtr((centre - np.log1p(material_prop)) / spread)).sum((1, 2)),
        ratio=(weight * np.exp(centre + spread**2 / 2)).sum((1, 2)),
        ratio_low=np.exp(_find_quantile(mixture, 0.05)),
        ratio_high=np.exp(_find_quantile(mixture, 0.95)),
        tau=weight.sum(2) @ taus,
    )


def _find_quantile(mixture: Mixture, level: float) -> np.ndarray:
    """Return a quantile of each consultant's mixture, by bisection."""
    reach = 8 * mixture.spread.max(axis=1)
    low, high = mixture.centre.min((1, 2)) - reach, mixture.centre.max((1, 2)) + reach
    for _ in range(45):
        middle = (low + high) / 2
        z = (middle[:, None, None] - mixture.centre) / mixture.spread[:, :, None]
        below = (mixture.weight * ndtr(z)).sum((1, 2)) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def flag_false_discovery(prob_high: np.ndarray, rate: float = FALSE_DISCOVERY_RATE) -> np.ndarray:
    """Flag the largest set whose mean probability of being wrongly named is at most ``rate``."""
    wrong = 1 - prob_high
    order = np.argsort(wrong, kind="stable")
    running = np.cumsum(wrong[order]) / np.arange(1, len(wrong) + 1)
    n_flagged = int(np.max(np.flatnonzero(running <= rate), initial=-1)) + 1
    flags = np.zeros(len(wrong), dtype=bool)
    flags[order[:n_flagged]] = True
    return flags


def measure_reliability(tau: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return the share of the spread that is the consultant's own rather than sampling noise, 0-1."""
    return tau**2 / (tau**2 + error**2)
