"""Who differs from peers by more than peers differ from each other.

Within a line, consultants' effects scatter for three reasons: natural variation (its size the
line's own, its tails as heavy as the trust's data say), sampling noise (known), and, for a few,
divergent practice: 20% to 80% dearer, or cheaper by as much. The model is fitted over the whole
trust by EM, once for each shape of natural variation and each share of consultants who may be
divergent, nobody among them; the data weigh the fits. ``posterior`` sums over those that count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from helpers.outliers.natural import SHAPES, TAU_GRID, Natural

HIGH = np.linspace(np.log(1.20), np.log(1.80), 9)
LOW = np.linspace(np.log(0.55), np.log(1 / 1.20), 9)
SHIFTS = np.concatenate([[0.0], HIGH, LOW])
KIND = np.repeat([0, 1, 2], [1, len(HIGH), len(LOW)])  # 0 like peers, 1 dearer, 2 cheaper
EVEN = (1 / np.bincount(KIND))[KIND]  # chance of each shift within its kind, all alike
# Decision D-261: the dearer are most often 40% dearer, seldom as much as 80%
PEAK = np.interp(HIGH, np.log([1.15, 1.40, 1.85]), [0.0, 1.0, 0.0])
PEAKED = np.concatenate([EVEN[:1], PEAK / PEAK.sum(), EVEN[1 + len(HIGH) :]])
# Decision D-260: shares of consultants who are divergent and dearer, and their chances beforehand.
SHARES = np.array([0.18, 0.13, 0.09, 0.05, 0.02, 0.006, 0.0])
SHARE_CHANCES = np.array([0.17, 0.23, 0.20, 0.12, 0.06, 0.04, 0.18])
NORMAL_CHANCE = 0.70  # beforehand, that natural variation has normal tails
START_LOW = 0.03  # share of the others who are cheaper
LOW_PSEUDO_COUNT = 25.0  # consultants; without it, wide natural variation passes for divergence
TAU_SPREAD = 0.35  # standard deviation between lines of log tau
TAU_CENTRES = np.log(np.linspace(0.03, 0.25, 45))
CENTRE_POINTS = np.linspace(-2.2, 2.2, 5)  # where a line's typical peer may lie, in its errors
EM_STEPS = 60
SHARE_STEPS = 10  # of the EM, from one share to the next
EM_TOLERANCE = 1e-5
LEAST_WEIGHT = 2e-3  # a fit that the data weigh less than this is passed over
MOST_DISTANCE = 60.0  # of a log density below its top, before single precision loses it
TINY = 1e-30


@dataclass(frozen=True)
class State:
    """Where the EM stands.

    ``mu`` by line, ``pi`` of the three kinds, ``q`` of each tau, ``law`` of the shifts of each kind.
    """

    mu: np.ndarray
    pi: np.ndarray
    q: np.ndarray
    law: np.ndarray = field(default_factory=lambda: EVEN)

    def shift_chances(self) -> np.ndarray:
        """Return the chance of each shift."""
        return self.pi[KIND] * self.law


@dataclass(frozen=True)
class Model:
    """The fits that count: shape and state of each, and its weight given the data (adds to 1)."""

    shapes: tuple[Natural, ...]
    states: tuple[State, ...]
    weight: np.ndarray

    def list_fits(self, shape: Natural) -> Iterator[tuple[State, float]]:
        """Yield the states of one shape with their weights."""
        for own, state, weight in zip(self.shapes, self.states, self.weight, strict=True):
            if own is shape:
                yield state, float(weight)

    def measure_heavy(self) -> float:
        """Return how much shapes with heavy tails weigh, 0-1."""
        return sum(
            float(w)
            for own, w in zip(self.shapes, self.weight, strict=True)
            if np.isfinite(own.degrees)
        )

    def measure_few(self, share: float) -> float:
        """Return the chance that at most a share of consultants are divergent and dearer, 0-1."""
        return sum(
            float(w)
            for state, w in zip(self.states, self.weight, strict=True)
            if state.pi[1] <= share
        )

    def measure_share(self) -> float:
        """Return the expected share of consultants who are divergent and dearer."""
        return sum(
            float(w) * float(state.pi[1]) for state, w in zip(self.states, self.weight, strict=True)
        )


@dataclass(frozen=True)
class Effects:
    """Log effects of consultants, their errors, and their lines as 0, 1, 2 ..."""

    theta: np.ndarray
    error: np.ndarray
    line: np.ndarray
    member: np.ndarray  # line x consultant, the consultant's weight


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
    """Fit the model by EM for each shape of natural variation and share of divergent, and weigh the fits.

    Parameters
    ----------
    theta, error
        Log effect of each consultant and its standard error.
    line
        Line of each consultant, as 0, 1, 2 ...
    """
    effects = gather_effects(theta, error, line)
    centres = np.array([np.median(theta[line == k]) for k in np.unique(line)])
    even_q = np.full(len(TAU_GRID), 1 / len(TAU_GRID))
    start = State(centres, set_share(START_LOW, 0.0), even_q, PEAKED)
    fits, evidence = [], []
    for shape in shapes:
        state, steps = start, EM_STEPS
        shape_chance = NORMAL_CHANCE if np.isinf(shape.degrees) else 1 - NORMAL_CHANCE
        for share, chance in zip(SHARES, SHARE_CHANCES, strict=True):
            low = state.pi[2] / (state.pi[0] + state.pi[2])
            state = replace(state, pi=set_share(low, share))
            state = refit(effects, shape, state, steps=steps)
            fits.append((shape, state))
            chances = np.log(chance) + np.log(shape_chance)
            evidence.append(centre_lines(effects, shape, state)[2] + chances)
            steps = SHARE_STEPS
    weight = np.exp(np.array(evidence) - add_logs(np.array(evidence)))
    kept = weight >= LEAST_WEIGHT
    chosen = [fit for fit, keep in zip(fits, kept, strict=True) if keep]
    return Model(
        tuple(shape for shape, _ in chosen),
        tuple(state for _, state in chosen),
        weight[kept] / weight[kept].sum(),
    )


def set_share(low: float, share: float) -> np.ndarray:
    """Return ``pi``: a share that is divergent and dearer, and of the others a share that is cheaper."""
    return np.array([(1 - share) * (1 - low), share, (1 - share) * low])


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
    """Return the density of each effect (without the constant) by consultant, width and shift.

    Somebody so far out that every density would vanish is lifted until the likeliest does not: who
    is told apart stays the same, and what one person can say of a fit is bounded.
    """
    square = ((effects.theta - mu[effects.line])[:, None] - SHIFTS) ** 2
    nearest = 0.5 * square.min(axis=1) * precision.min(axis=1)
    lift = np.maximum(nearest - MOST_DISTANCE, 0.0).astype(precision.dtype)
    density = precision[:, :, None] * square.astype(precision.dtype)[:, None, :]
    density *= -0.5
    density += lift[:, None, None]
    np.exp(density, out=density)
    density *= np.sqrt(precision)[:, :, None]
    return density


def _improve(effects: Effects, shape: Natural, state: State, precision: np.ndarray):
    """Return the state after one EM step, and the log-likelihood before it."""
    density = find_density(effects, precision, state.mu)
    chance = state.shift_chances()
    columns = [np.where(k == KIND, chance, 0.0) for k in range(3)] + [chance * SHIFTS]
    # consultant x width x (three kinds, shift)
    sums = (density @ np.column_stack(columns).astype(density.dtype)).astype(float)
    by_width = sums[:, :, :3].sum(axis=2)
    by_tau = np.maximum(by_width @ shape.mixing.T, TINY)
    of_tau, likelihood = weigh_taus(effects, by_tau, state.q)
    of_width = (of_tau[effects.line] / by_tau) @ shape.mixing
    own = effects.member.sum(axis=0)  # each consultant's weight
    kinds = own @ (of_width[:, :, None] * sums[:, :, :3]).sum(axis=1)
    others, cheaper = (
        LOW_PSEUDO_COUNT + kinds[0] + kinds[2],
        LOW_PSEUDO_COUNT * START_LOW + kinds[2],
    )
    pi = set_share(cheaper / others, float(state.pi[1]))
    pull = of_width * precision
    top = effects.theta * (pull * by_width).sum(1) - (pull * sums[:, :, 3]).sum(1)
    below = effects.member @ (pull * by_width).sum(1)
    mu = np.where(below > TINY, effects.member @ top / np.maximum(below, TINY), state.mu)
    return replace(state, mu=mu, pi=pi, q=_fit_tau_law(of_tau)), likelihood


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


def centre_lines(
    effects: Effects, shape: Natural, state: State
) -> tuple[np.ndarray, np.ndarray, float]:
    """Weigh where each line's typical peer may lie.

    Returns
    -------
    tuple
        The error of each line's ``mu``; P(point, tau) by line; the log evidence of the fit.
    """
    precision = find_precision(effects, shape).astype(np.float32)
    chance = state.shift_chances().astype(np.float32)
    by_width = (find_density(effects, precision, state.mu) @ chance).astype(float)
    by_tau = np.maximum(by_width @ shape.mixing.T, TINY)
    of_tau, _ = weigh_taus(effects, by_tau, state.q)
    pull = ((of_tau[effects.line] / by_tau) @ shape.mixing) * by_width * precision
    error = 1 / np.sqrt(np.maximum(effects.member @ pull.sum(axis=1), TINY))
    logs = []
    for point in CENTRE_POINTS:
        density = find_density(effects, precision, state.mu + point * error) @ chance
        by_tau = np.maximum(density.astype(float) @ shape.mixing.T, TINY)
        logs.append(effects.member @ np.log(by_tau) + np.log(np.maximum(state.q, TINY)))
    cube = np.stack(logs, axis=1)
    norm = add_logs(cube.reshape(len(cube), -1))
    low = state.pi[2] / (state.pi[0] + state.pi[2])
    prior = LOW_PSEUDO_COUNT * (
        START_LOW * np.log(max(low, TINY)) + (1 - START_LOW) * np.log(max(1 - low, TINY))
    )
    return error, np.exp(cube - norm[:, None, None]), float((norm + np.log(error)).sum() + prior)
