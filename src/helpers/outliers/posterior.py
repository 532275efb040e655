"""What the fitted model says of each consultant: chances of divergence, size of the effect, who is named.

The posterior of a consultant's whole effect is a mixture of normals. It sums over the fits that count,
over the size of the line's natural variation, and over where its typical peer may lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from helpers.outliers.contamination import (
    CENTRE_POINTS,
    KIND,
    SHIFTS,
    TINY,
    Effects,
    Model,
    State,
    centre_lines,
    find_density,
    find_precision,
    gather_effects,
    weigh_taus,
)
from helpers.outliers.natural import Natural

FALSE_DISCOVERY_RATE = 0.20
# Decision D-330: the probability of divergence that a name needs, where the data leave no doubt
# about the model, and where they leave much.
LEAST_SURE, LEAST_DOUBTFUL = 0.60, 0.88
HEAVY_DOUBT = (0.10, 0.40)  # chance of heavy tails, from which there is some doubt, and much
FEW_SHARE = 0.02  # share of divergent consultants, at or below which a trust may have none
QUANTILE_STEPS = 20  # halvings: to a millionth of the range
QUANTILE_WEIGHT = 1e-7  # a piece lighter than this for everyone is passed over


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
    """The posterior as normal pieces: consultant x width x shift.

    ``weight`` adds to 1 for each consultant; ``centre`` and ``spread`` (standard deviation, by
    consultant and width) are of the whole effect; ``mu`` is the line's typical peer by width;
    ``tau`` is the expected natural standard deviation of the consultant's line.
    """

    weight: np.ndarray
    centre: np.ndarray
    spread: np.ndarray
    mu: np.ndarray
    tau: np.ndarray


@dataclass(frozen=True)
class Place:
    """Where typical peers may lie: ``mu`` by line, P(place, tau) by line, and the chance of each shift."""

    mu: np.ndarray
    chances: np.ndarray
    shifts: np.ndarray


def split_posterior(
    theta: np.ndarray, error: np.ndarray, line: np.ndarray, model: Model
) -> Mixture:
    """Return the posterior of each consultant's whole effect as a mixture of normals."""
    effects = gather_effects(theta, error, line)
    parts = []
    for shape in dict.fromkeys(model.shapes):
        places = []
        for state, weight in model.list_fits(shape):
            mu_error, chances, _ = centre_lines(effects, shape, state)
            for k, point in enumerate(CENTRE_POINTS):
                mu = state.mu + point * mu_error
                places.append(Place(mu, weight * chances[:, k], state.shift_chances()))
        # single precision: probabilities need six digits, and take half the time
        parts.append(_gather_places(effects, shape, places, np.float32))
    return Mixture(
        weight=np.concatenate([part.weight for part in parts], axis=1),
        centre=np.concatenate([part.centre for part in parts], axis=1),
        spread=np.concatenate([part.spread for part in parts], axis=1),
        mu=np.concatenate([part.mu for part in parts], axis=1),
        tau=sum(part.tau for part in parts),
    )


def split_at_state(
    theta: np.ndarray, error: np.ndarray, line: np.ndarray, shape: Natural, state: State
) -> Mixture:
    """Return the posterior of one shape with the typical peer exactly at the state's ``mu``."""
    effects = gather_effects(theta, error, line)
    density = find_density(effects, find_precision(effects, shape), state.mu)
    by_tau = (density @ state.shift_chances()) @ shape.mixing.T
    of_tau, _ = weigh_taus(effects, np.maximum(by_tau, TINY), state.q)
    return _gather_places(
        effects, shape, [Place(state.mu, of_tau, state.shift_chances())], np.float64
    )


def _gather_places(effects: Effects, shape: Natural, places: list[Place], precise: type) -> Mixture:
    """Add up the posterior over the places where the typical peer may lie.

    A piece keeps one centre and one spread: the mean over places, and the spread within and between.
    The weights add up to the chance of the shape.
    """
    line, exact = effects.line, find_precision(effects, shape)
    precision = exact.astype(precise)
    kept = shape.scales[None, :] ** 2 * exact
    weight = np.zeros((*precision.shape, len(SHIFTS)), dtype=precise)
    first, second = np.zeros_like(weight), np.zeros(precision.shape)
    for place in places:
        part = find_density(effects, precision, place.mu)
        part *= place.shifts.astype(precise)
        by_width = part.sum(axis=2, dtype=float)
        by_tau = np.maximum(by_width @ shape.mixing.T, TINY)
        share = (place.chances[line] / by_tau) @ shape.mixing
        part *= share[:, :, None].astype(precise)
        mu = place.mu[line]
        weight += part
        first += part * mu[:, None, None].astype(precise)
        second += by_width * share * mu[:, None] ** 2
    weight, first = weight.astype(float), first.astype(float)
    total = np.maximum(weight.sum(axis=2), TINY)
    mu_piece = first / np.maximum(weight, TINY)
    mu_width = first.sum(axis=2) / total
    between = np.maximum(second / total - mu_width**2, 0.0)
    centre = kept[:, :, None] * (effects.theta[:, None, None] - mu_piece - SHIFTS) + SHIFTS
    spread = np.sqrt(kept * effects.error[:, None] ** 2 + kept**2 * between)
    chances = sum(place.chances for place in places)
    weight *= (chances.sum(axis=1)[line] / weight.sum(axis=(1, 2)))[:, None, None]
    return Mixture(weight, centre, spread, mu_width, (chances @ shape.taus)[line])


def find_divergent(mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    """Return each consultant's probability of divergent practice above and below peers."""
    by_shift = mixture.weight.sum(axis=1)
    return by_shift[:, KIND == 1].sum(axis=1), by_shift[:, KIND == 2].sum(axis=1)


def summarise_posterior(mixture: Mixture, *, material_prop: float = 0.15) -> Posterior:
    """Return probabilities, means and 90% intervals of each consultant's effect."""
    weight, centre, spread = mixture.weight, mixture.centre, mixture.spread[:, :, None]
    mean = (weight * centre).sum((1, 2))
    second = (weight * (centre**2 + spread**2)).sum((1, 2))
    high, low = find_divergent(mixture)
    return Posterior(
        prob_high=high,
        prob_low=low,
        mean=mean,
        sd=np.sqrt(np.maximum(second - mean**2, 0.0)),
        prob_material=(weight * ndtr((centre - np.log1p(material_prop)) / spread)).sum((1, 2)),
        ratio=(weight * np.exp(centre + spread**2 / 2)).sum((1, 2)),
        ratio_low=np.exp(_find_quantile(mixture, 0.05)),
        ratio_high=np.exp(_find_quantile(mixture, 0.95)),
        tau=mixture.tau,
    )


def _find_quantile(mixture: Mixture, level: float) -> np.ndarray:
    """Return a quantile of each consultant's mixture, by bisection."""
    pieces = (mixture.weight > QUANTILE_WEIGHT).any(axis=(0, 2))
    weight, centre = mixture.weight[:, pieces], mixture.centre[:, pieces]
    spread = mixture.spread[:, pieces, None]
    reach = 8 * spread.max(axis=(1, 2))
    low, high = centre.min((1, 2)) - reach, centre.max((1, 2)) + reach
    for _ in range(QUANTILE_STEPS):
        middle = (low + high) / 2
        below = (weight * ndtr((middle[:, None, None] - centre) / spread)).sum((1, 2)) < level
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2


def find_least(model: Model) -> float:
    """Return the probability of divergence that a name needs in this trust.

    Two things make the likeliest outliers of a trust likely to be wrong: heavy tails, whose extremes
    look divergent, and a trust in which hardly anybody is. The more the data leave either open, the
    more a name needs (decision D-330).
    """
    some, much = HEAVY_DOUBT
    heavy = float(np.clip((model.measure_heavy() - some) / (much - some), 0.0, 1.0))
    doubt = max(heavy, model.measure_few(FEW_SHARE))
    return LEAST_SURE + (LEAST_DOUBTFUL - LEAST_SURE) * doubt


def flag_false_discovery(
    prob_high: np.ndarray, rate: float = FALSE_DISCOVERY_RATE, least: float = LEAST_SURE
) -> np.ndarray:
    """Flag the largest set whose mean probability of being wrongly named is at most ``rate``.

    Nobody whose own probability of divergence is below ``least`` is in it, however sure the others are.
    """
    wrong = 1 - prob_high
    order = np.argsort(wrong, kind="stable")
    running = np.cumsum(wrong[order]) / np.arange(1, len(wrong) + 1)
    n_flagged = int(np.max(np.flatnonzero(running <= rate), initial=-1)) + 1
    flags = np.zeros(len(wrong), dtype=bool)
    flags[order[:n_flagged]] = True
    return flags & (prob_high >= least)


def measure_reliability(tau: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return the share of the spread that is the consultant's own rather than sampling noise, 0-1."""
    return tau**2 / (tau**2 + error**2)
