"""Who differs from peers by more than peers differ from each other.

Within a line, consultants' effects scatter for three reasons: natural variation (its size the
line's own, its tails as heavy as the trust's data say), sampling noise (known), and, for a few,
divergent practice: 20% to 80% dearer, or cheaper by as much. The model is fitted over the whole
trust by EM, once for each shape of natural variation. The posterior sums over the shapes, over the
size of each line's variation, and over where its typical peer lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from helpers.outliers.natural import SHAPES, TAU_GRID, Natural

HIGH = np.linspace(np.log(1.20), np.log(1.80), 9)
LOW = np.linspace(np.log(0.55), np.log(1 / 1.20), 9)
SHIFTS = np.concatenate([[0.0], HIGH, LOW])
KIND = np.repeat([0, 1, 2], [1, len(HIGH), len(LOW)])  # 0 like peers, 1 dearer, 2 cheaper
START_PI = np.array([0.90, 0.07, 0.03])
PI_PSEUDO_COUNT = (
    25 * START_PI
)  # without it, wide natural variation in a small trust passes for divergence
TAU_SPREAD = 0.35  # standard deviation between lines of log tau
TAU_CENTRES = np.log(np.linspace(0.03, 0.25, 45))
CENTRE_POINTS = np.linspace(-2.4, 2.4, 7)  # where a line's typical peer may lie, in its errors
EM_STEPS = 60
EM_TOLERANCE = 1e-5
FALSE_DISCOVERY_RATE = 0.10
LEAST_PROBABILITY = 0.75  # of divergence, to be named at all
QUANTILE_STEPS = 20  # halvings: to a millionth of the range
QUANTILE_WEIGHT = 1e-7  # a piece lighter than this for everyone is passed over
HUBER_C = 1.345
TINY = 1e-300


@dataclass(frozen=True)
class State:
    """Where the EM stands for one shape: ``mu`` by line, ``pi`` of the three kinds, ``q`` of each tau."""

    mu: np.ndarray
    pi: np.ndarray
    q: np.ndarray


@dataclass(frozen=True)
class Model:
    """The fit: a state for each shape of natural variation, and the weight of each shape (adds to 1)."""

    shapes: tuple[Natural, ...]
    states: tuple[State, ...]
    weight: np.ndarray


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
class Effects:
    """Log effects of consultants, their errors, and their lines as 0, 1, 2 ..."""

    theta: np.ndarray
    error: np.ndarray
    line: np.ndarray
    member: np.ndarray  # line x consultant, the consultant's weight


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


def gather_effects(
    theta: np.ndarray, error: np.ndarray, line: np.ndarray, weights: np.ndarray | None = None
) -> Effects:
    """Return effects ready for the model; ``weights`` are those of a Bayesian bootstrap."""
    member = (np.arange(int(line.max()) + 1)[:, None] == line[None, :]).astype(float)
    return Effects(theta, error, line, member if weights is None else member * weights)


def fit_contamination(
    theta: np.ndarray,
    error: np.ndarray,
    line: np.ndarray,
    *,
    shapes: tuple[Natural, ...] = SHAPES,
) -> Model:
    """Fit the model by EM for each shape of natural variation, and weigh the shapes.

    Parameters
    ----------
    theta, error
        Log effect of each consultant and its standard error.
    line
        Line of each consultant, as 0, 1, 2 ...
    """
    effects = gather_effects(theta, error, line)
    centres = np.array([np.median(theta[line == k]) for k in np.unique(line)])
    state = State(centres, START_PI, np.full(len(TAU_GRID), 1 / len(TAU_GRID)))
    states, evidence = [], []
    for shape in shapes:
        state = refit(effects, shape, state, steps=EM_STEPS)
        states.append(state)
        evidence.append(_centre_lines(effects, shape, state)[2])
    return Model(shapes, tuple(states), np.exp(np.array(evidence) - add_logs(np.array(evidence))))


def refit(effects: Effects, shape: Natural, state: State, *, steps: int) -> State:
    """Run the EM from a state, until it settles or the steps are used up."""
    # single precision: the fit needs four digits, and takes a third of the time
    precision = find_precision(effects, shape).astype(np.float32)
    before = -np.inf
    for _ in range(steps):
        state, likelihood = _improve(effects, shape, state, precision)
        if abs(likelihood - before) <= EM_TOLERANCE * abs(likelihood):
            break
        before = likelihood
    return state


def find_precision(effects: Effects, shape: Natural) -> np.ndarray:
    return 1.0 / (shape.scales[None, :] ** 2 + effects.error[:, None] ** 2)


def find_density(effects: Effects, precision: np.ndarray, mu: np.ndarray) -> np.ndarray:
    """Return the density of each effect (without the constant) by consultant, width and shift."""
    square = ((effects.theta - mu[effects.line])[:, None] - SHIFTS) ** 2
    square = square.astype(precision.dtype)
    density = precision[:, :, None] * square[:, None, :]
    density *= -0.5
    np.exp(density, out=density)
    density *= np.sqrt(precision)[:, :, None]
    return density


def shift_chances(pi: np.ndarray) -> np.ndarray:
    return (pi / np.bincount(KIND))[KIND]


def _improve(effects: Effects, shape: Natural, state: State, precision: np.ndarray):
    """Return the state after one EM step, and the log-likelihood before it."""
    density = find_density(effects, precision, state.mu)
    chance = shift_chances(state.pi)
    columns = [np.where(k == KIND, chance, 0.0) for k in range(3)] + [chance * SHIFTS]
    # consultant x width x (three kinds, shift)
    sums = (density @ np.column_stack(columns).astype(density.dtype)).astype(float)
    by_width = sums[:, :, :3].sum(axis=2)
    by_tau = np.maximum(by_width @ shape.mixing.T, TINY)
    of_tau, likelihood = weigh_taus(effects, by_tau, state.q)
    of_width = (of_tau[effects.line] / by_tau) @ shape.mixing
    own = effects.member.sum(axis=0)  # each consultant's weight
    kinds = own @ (of_width[:, :, None] * sums[:, :, :3]).sum(axis=1) + PI_PSEUDO_COUNT
    pull = of_width * precision
    top = effects.theta * (pull * by_width).sum(1) - (pull * sums[:, :, 3]).sum(1)
    below = effects.member @ (pull * by_width).sum(1)
    mu = np.where(below > TINY, effects.member @ top / np.maximum(below, TINY), state.mu)
    return State(mu, kinds / kinds.sum(), _fit_tau_law(of_tau)), likelihood


def weigh_taus(effects: Effects, by_tau: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, float]:
    """Return P(tau) by line and the log-likelihood."""
    logs = effects.member @ np.log(by_tau) + np.log(np.maximum(q, TINY))
    norm = add_logs(logs)
    return np.exp(logs - norm[:, None]), float(norm.sum())


def add_logs(logs: np.ndarray) -> np.ndarray:
    """Return the logarithm of each row's sum of exponentials."""
    top = logs.max(axis=-1)
    return top + np.log(np.exp(logs - top[..., None]).sum(axis=-1))


def _list_tau_laws() -> np.ndarray:
    """Return log chances of each tau, for each centre that lines' variation may have."""
    steps = np.log(np.gradient(np.log(TAU_GRID)))
    laws = steps - 0.5 * ((np.log(TAU_GRID) - TAU_CENTRES[:, None]) / TAU_SPREAD) ** 2
    return laws - add_logs(laws)[:, None]


TAU_LAWS = _list_tau_laws()


def _fit_tau_law(of_tau: np.ndarray) -> np.ndarray:
    """Return the chances of each tau, log-normal between lines, that fit the lines best."""
    return np.exp(TAU_LAWS[int(np.argmax(TAU_LAWS @ of_tau.sum(axis=0)))])


def _centre_lines(effects: Effects, shape: Natural, state: State):
    """Weigh where each line's typical peer may lie.

    Returns
    -------
    tuple
        The error of each line's ``mu``; P(point, tau) by line; the log evidence of the shape.
    """
    precision = find_precision(effects, shape)
    chance = shift_chances(state.pi)
    by_width = find_density(effects, precision, state.mu) @ chance
    by_tau = np.maximum(by_width @ shape.mixing.T, TINY)
    of_tau, _ = weigh_taus(effects, by_tau, state.q)
    pull = ((of_tau[effects.line] / by_tau) @ shape.mixing) * by_width * precision
    error = 1 / np.sqrt(np.maximum(effects.member @ pull.sum(axis=1), TINY))
    logs = []
    for point in CENTRE_POINTS:
        density = find_density(effects, precision, state.mu + point * error)
        by_tau = np.maximum((density @ chance) @ shape.mixing.T, TINY)
        logs.append(effects.member @ np.log(by_tau) + np.log(np.maximum(state.q, TINY)))
    cube = np.stack(logs, axis=1)
    norm = add_logs(cube.reshape(len(cube), -1))
    prior = float(PI_PSEUDO_COUNT @ np.log(np.maximum(state.pi, TINY)))
    chances = np.exp(cube - norm[:, None, None])
    return error, chances, float((norm + np.log(error)).sum()) + prior


def split_posterior(
    theta: np.ndarray, error: np.ndarray, line: np.ndarray, model: Model
) -> Mixture:
    """Return the posterior of each consultant's whole effect as a mixture of normals."""
    effects = gather_effects(theta, error, line)
    parts = [
        _split_shape(effects, shape, state)
        for shape, state in zip(model.shapes, model.states, strict=True)
    ]
    weighed = list(zip(parts, model.weight, strict=True))
    return Mixture(
        weight=np.concatenate([part.weight * share for part, share in weighed], axis=1),
        centre=np.concatenate([part.centre for part in parts], axis=1),
        spread=np.concatenate([part.spread for part in parts], axis=1),
        mu=np.concatenate([part.mu for part in parts], axis=1),
        tau=sum(part.tau * share for part, share in weighed),
    )


def split_at_state(
    theta: np.ndarray, error: np.ndarray, line: np.ndarray, shape: Natural, state: State
) -> Mixture:
    """Return the posterior of one shape with the typical peer exactly at the state's ``mu``."""
    effects = gather_effects(theta, error, line)
    density = find_density(effects, find_precision(effects, shape), state.mu)
    by_tau = (density @ shift_chances(state.pi)) @ shape.mixing.T
    of_tau, _ = weigh_taus(effects, np.maximum(by_tau, TINY), state.q)
    return _gather_points(effects, shape, state, np.zeros(len(state.mu)), of_tau[:, None], (0.0,))


def _split_shape(effects: Effects, shape: Natural, state: State) -> Mixture:
    mu_error, chances, _ = _centre_lines(effects, shape, state)
    return _gather_points(effects, shape, state, mu_error, chances, CENTRE_POINTS)


def _gather_points(effects, shape, state, mu_error, chances, points) -> Mixture:
    """Add up the posterior over the places where the typical peer may lie.

    A piece keeps one centre and one spread: the mean over places, and the spread within and between.
    """
    line, precision = effects.line, find_precision(effects, shape)
    kept = shape.scales[None, :] ** 2 * precision
    weight = np.zeros((*precision.shape, len(SHIFTS)))
    first, second = np.zeros_like(weight), np.zeros(precision.shape)
    for k, point in enumerate(points):
        places = state.mu + point * mu_error
        part = find_density(effects, precision, places)
        part *= shift_chances(state.pi)
        by_tau = np.maximum(part.sum(axis=2) @ shape.mixing.T, TINY)
        part *= ((chances[:, k][line] / by_tau) @ shape.mixing)[:, :, None]
        weight += part
        first += part * places[line][:, None, None]
        second += part.sum(axis=2) * places[line][:, None] ** 2
    total = np.maximum(weight.sum(axis=2), TINY)
    mu_piece = first / np.maximum(weight, TINY)
    mu_width = first.sum(axis=2) / total
    between = np.maximum(second / total - mu_width**2, 0.0)
    centre = kept[:, :, None] * (effects.theta[:, None, None] - mu_piece - SHIFTS) + SHIFTS
    spread = np.sqrt(kept * effects.error[:, None] ** 2 + kept**2 * between)
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    return Mixture(weight, centre, spread, mu_width, (chances.sum(axis=1) @ shape.taus)[line])


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


def flag_false_discovery(
    prob_high: np.ndarray, rate: float = FALSE_DISCOVERY_RATE, least: float = LEAST_PROBABILITY
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
