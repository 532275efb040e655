"""The yardstick of the consultant review that knows the laws: against sums done the slow way."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm, t

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from reference_models import LAWS, judge_by_laws, list_taus, name_by_mean, split_widths

T_SCALE = np.sqrt(0.5)  # a t law with 4 degrees of freedom has variance 2
CELL_VARIANCE = 0.16 * 0.05**2
GRID = np.linspace(-14, 14, 561)  # standard deviations of natural variation
STEP = GRID[1] - GRID[0]


def find_density(gap, error, tau, *, is_heavy):
    """Density of an effect, a natural difference and a normal error added up, by quadrature."""
    natural = t.pdf(GRID / T_SCALE, 4) / T_SCALE if is_heavy else norm.pdf(GRID)
    spread = np.sqrt(error**2 + CELL_VARIANCE)
    return (norm.pdf(gap[..., None], tau * GRID, spread) * natural).sum(-1) * STEP


def judge_slowly(theta, error):
    """P(planted dear) of the consultants of one specialty, straight from the definition."""
    places, top, below = np.linspace(-0.16, 0.16, 27), 0.0, 0.0
    dear, cheap = np.log(np.linspace(1.25, 1.60, 15)), np.log(np.linspace(0.65, 0.80, 7))
    for is_heavy in (False, True):
        parts = []  # by natural standard deviation: usual, dear, cheap; consultant x place
        for tau in np.linspace(0.056, 0.144, 9):
            kinds = []
            for shifts in (np.zeros(1), dear, cheap):
                rows = [
                    find_density(
                        (x - np.median(theta)) - places[:, None] - shifts, s, tau, is_heavy=is_heavy
                    ).mean(1)
                    for x, s in zip(theta, error, strict=True)
                ]
                kinds.append(np.array(rows))
            parts.append(kinds)
        for high, low in ((0.0, 0.0), (0.08, 0.03), (0.16, 0.03)):
            for usual, dearer, cheaper in parts:
                each = (1 - high - low) * usual + high * dearer + low * cheaper
                together = each.prod(axis=0)
                top = top + (together * high * dearer / each).sum(axis=1)
                below += together.sum()
    return top / below


def test_chances_are_those_of_the_definition():
    theta = np.array([-0.08, -0.02, 0.01, 0.05, 0.31, 0.02])
    error = np.array([0.05, 0.03, 0.08, 0.04, 0.06, 0.05])
    fast = judge_by_laws(theta, error, np.zeros(6, dtype=int))
    assert fast == pytest.approx(judge_slowly(theta, error), abs=0.005)
    assert fast.argmax() == 4


def test_a_t_law_is_mixed_from_normals():
    squares, shares = split_widths(4.0)
    x = np.linspace(-4, 4, 33)
    mixed = norm.pdf(x[:, None], 0, np.sqrt(squares)) @ shares
    assert mixed == pytest.approx(t.pdf(x / T_SCALE, 4) / T_SCALE, abs=0.01)
    assert squares @ shares == pytest.approx(1.0)


def draw_estimates(law, rng, n_lines=6, n=20):
    line = np.repeat(np.arange(n_lines), n)
    tau = rng.uniform(0.05, 0.15, n_lines)[line]
    score = rng.standard_t(4, len(line)) * T_SCALE if law.is_heavy_natural else rng.normal(size=120)
    place = rng.random(len(line))
    high, low = place < law.high, place > 1 - law.low
    shift = np.where(high, np.log(rng.uniform(1.25, 1.6, 120)), 0.0)
    shift = np.where(low, np.log(rng.uniform(0.65, 0.8, 120)), shift)
    error = rng.uniform(0.02, 0.10, 120)
    noise = rng.normal(0, np.sqrt(error**2 + CELL_VARIANCE))
    return tau * score + shift + noise, error, line, high


def test_chances_come_true():
    """Of those with a chance of 20% and more, as many are planted as the chances add up to."""
    rng = np.random.default_rng(3)
    chances, truth = [], []
    for law in LAWS * 6:
        theta, error, line, high = draw_estimates(law, rng)
        chances.append(judge_by_laws(theta, error, line))
        truth.append(high)
    chance, high = np.concatenate(chances), np.concatenate(truth)
    likely = chance >= 0.20
    assert likely.sum() > 150
    # one trust's chances go up and down together: twice the spread of independent ones is allowed
    error = np.sqrt((chance * (1 - chance))[likely].sum())
    assert high[likely].sum() == pytest.approx(chance[likely].sum(), abs=2 * 2 * error)


def test_nobody_stands_out_among_equals():
    rng = np.random.default_rng(5)
    theta, error, line, _ = draw_estimates(LAWS[0], rng, 6)
    assert LAWS[0].high == 0.0
    assert not name_by_mean(judge_by_laws(theta, error, line)).any()


def test_natural_variation_is_spread_evenly_over_its_law():
    assert list_taus() == pytest.approx(np.arange(0.055, 0.15, 0.01))
