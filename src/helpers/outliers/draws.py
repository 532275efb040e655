"""Draws of every consultant's effect, by which the saving gets its interval.

A Bayesian bootstrap over consultants: each draw weighs them afresh, refits the model from where it
stands, and draws one size of natural variation a line and one effect a consultant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from helpers.outliers.contamination import (
    SHIFTS,
    TINY,
    Effects,
    Model,
    State,
    find_density,
    find_precision,
    gather_effects,
    refit,
    weigh_taus,
)
from helpers.outliers.natural import Natural

DRAWS = 200
WARM_STEPS = 5


@dataclass(frozen=True)
class Drawn:
    """One draw by consultant, log units: the whole effect, its divergent part, the typical peer."""

    effect: np.ndarray
    shift: np.ndarray
    level: np.ndarray


def draw_effects(
    theta: np.ndarray, error: np.ndarray, line: np.ndarray, model: Model, *, seed: int
) -> Iterator[Drawn]:
    """Yield 200 draws; the same seed gives the same ones whatever the order of other work.

    Parameters
    ----------
    theta, error, line
        As the model was fitted to.
    """
    rng = np.random.default_rng(seed)
    ends = np.cumsum(model.weight)
    for _ in range(DRAWS):
        weights = rng.gamma(1.0, 1.0, len(theta))
        effects = gather_effects(theta, error, line, weights * len(theta) / weights.sum())
        k = min(int(np.searchsorted(ends, rng.random())), len(model.states) - 1)
        state = refit(effects, model.shapes[k], model.states[k], steps=WARM_STEPS)
        yield _draw_once(effects, model.shapes[k], state, rng)


def _draw_once(effects: Effects, shape: Natural, state: State, rng: np.random.Generator) -> Drawn:
    """Draw each line's tau, then each consultant's width, shift and effect."""
    line, precision = effects.line, find_precision(effects, shape).astype(np.float32)
    part = find_density(effects, precision, state.mu) * state.shift_chances()
    by_width = part.sum(axis=2)
    of_tau, _ = weigh_taus(effects, np.maximum(by_width @ shape.mixing.T, TINY), state.q)
    rows = np.arange(len(line))
    tau = _pick(of_tau, rng)[line]
    width = _pick(np.maximum(shape.mixing[tau] * by_width, TINY), rng)
    place = _pick(part[rows, width] + TINY, rng)
    kept = shape.scales[width] ** 2 * precision[rows, width]
    shift, level = SHIFTS[place], state.mu[line]
    centre = kept * (effects.theta - level - shift) + shift
    noise = np.sqrt(kept) * effects.error * rng.standard_normal(len(line))
    return Drawn(centre + noise, shift, level)


def _pick(chances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return, for each row, a column drawn in proportion to its chance."""
    ends = np.cumsum(chances, axis=1)
    mark = rng.random(len(chances))[:, None] * ends[:, -1:]
    return np.minimum((mark > ends).sum(axis=1), chances.shape[1] - 1)
