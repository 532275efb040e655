"""Natural variation with tails as heavy as the data say, and the checks of the review."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.outliers.casemix import estimate_effects
from helpers.outliers.consultants import review_consultants
from helpers.outliers.contamination import (
    EVEN,
    SHIFTS,
    Model,
    State,
    fit_contamination,
    set_share,
)
from helpers.outliers.draws import DRAWS, draw_effects
from helpers.outliers.natural import SHAPES, TAU_GRID, shape_natural
from helpers.outliers.posterior import (
    FEW_SHARE,
    find_divergent,
    find_least,
    flag_false_discovery,
    split_posterior,
    summarise_posterior,
)
from helpers.outliers.robustness import calibrate_risk, cap_costs
from unit.review_trust import invent_spells, make_sample, name_consultants

DEGREES = (np.inf, 8.0, 4.0, 3.0)


@pytest.mark.parametrize("degrees", DEGREES)
def test_a_shape_is_a_mixture_with_the_standard_deviation_of_its_name(degrees):
    shape = shape_natural(degrees)
    np.testing.assert_allclose(shape.mixing.sum(axis=1), 1, rtol=1e-12)
    assert (shape.mixing >= 0).all()
    middle = (TAU_GRID > 0.03) & (TAU_GRID < 0.14)  # wider lines name nobody
    found = np.sqrt(shape.mixing[middle] @ shape.scales**2)
    # the widest widths of a heavy shape end at 1.3, so its last per cent of variance may be cut
    np.testing.assert_allclose(found, TAU_GRID[middle], rtol=0.02)


@pytest.mark.parametrize("degrees", [4.0, 8.0])
@pytest.mark.parametrize("times", [0.5, 1.0, 2.0, 3.0, 5.0])
def test_a_heavy_shape_has_the_density_of_students_t(degrees, times):
    tau = 0.10
    shape = shape_natural(degrees)
    row = shape.mixing[np.flatnonzero(tau == TAU_GRID)[0]]
    found = row @ stats.norm.pdf(times * tau, scale=shape.scales)
    unit = np.sqrt((degrees - 2) / degrees)  # t scaled to a standard deviation of tau
    assert found == pytest.approx(stats.t.pdf(times * tau, degrees, scale=tau * unit), rel=0.10)


def scatter(seed, *, heavy, n_lines=20, planted=0):
    """Return effects of 20 consultants a line with natural variation of 0.08, and who is planted."""
    rng = np.random.default_rng(seed)
    line = np.repeat(np.arange(n_lines), 20)
    natural = rng.standard_t(3, len(line)) / np.sqrt(3) if heavy else rng.standard_normal(len(line))
    effect = 0.08 * natural
    effect[:planted] += np.log(1.45)
    return effect + 0.03 * rng.standard_normal(len(line)), np.full(len(line), 0.03), line


def test_the_data_weigh_the_shapes():
    plain = [fit_contamination(*scatter(seed, heavy=False)).measure_heavy() for seed in range(4)]
    heavy = [fit_contamination(*scatter(seed, heavy=True)).measure_heavy() for seed in range(4)]
    # 400 consultants say something of the tails, not everything
    assert np.mean(plain) < 0.3
    assert np.mean(heavy) > np.mean(plain) + 0.3


def test_extremes_of_heavy_tails_are_named_less_than_half_as_often_as_with_normal_tails():
    counts = {"normal": 0, "weighed": 0}
    for seed in range(8):
        effects = scatter(seed, heavy=True)  # nobody is divergent
        for name, shapes in (("normal", SHAPES[:1]), ("weighed", SHAPES)):
            mixture = split_posterior(*effects, fit_contamination(*effects, shapes=shapes))
            counts[name] += int(flag_false_discovery(find_divergent(mixture)[0]).sum())
    assert counts["normal"] > 8
    assert counts["weighed"] < counts["normal"] / 2


def test_nobody_below_the_least_probability_is_named_however_sure_the_others_are():
    chances = np.array([0.999] * 9 + [0.59])
    # the mean chance of being wrong would be 4.2% with all ten
    assert flag_false_discovery(chances, least=0.60).tolist() == [True] * 9 + [False]
    assert flag_false_discovery(chances, least=0.0).all()


def weigh_fits(heavy, few):
    """Return a model whose fits have heavy tails, and few who are divergent, with given weights."""
    state = State(np.zeros(1), set_share(0.03, 0.09), np.ones(1), EVEN)
    rare = State(np.zeros(1), set_share(0.03, FEW_SHARE), np.ones(1), EVEN)
    parts = [
        (SHAPES[1], state, heavy * (1 - few)), (SHAPES[1], rare, heavy * few),
        (SHAPES[0], state, (1 - heavy) * (1 - few)), (SHAPES[0], rare, (1 - heavy) * few),
    ]  # fmt: skip
    shapes, states, weights = zip(*parts, strict=True)
    return Model(shapes, states, np.array(weights))


@pytest.mark.parametrize(
    ("heavy", "few", "least"),
    [
        (0.00, 0.00, 0.60),
        (0.10, 0.00, 0.60),
        (0.25, 0.00, 0.74),  # half way from 10% to 40%: half way from 60% to 88%
        (0.40, 0.00, 0.88),
        (0.90, 0.00, 0.88),
        (0.00, 0.25, 0.67),  # a quarter of the way
        (0.00, 1.00, 0.88),
        (0.25, 0.25, 0.74),  # the larger doubt counts, not both
    ],
)
def test_a_name_needs_more_where_the_model_is_in_doubt(heavy, few, least):
    assert find_least(weigh_fits(heavy, few)) == pytest.approx(least, abs=1e-9)


def test_a_trust_with_planted_outliers_needs_less_than_one_with_nobody():
    theta, error, line = scatter(3, heavy=False)  # 20 lines of 20 consultants
    nobody = find_least(fit_contamination(theta, error, line))
    theta[::20] += np.log(1.45)  # the first of each line
    sure = find_least(fit_contamination(theta, error, line))
    assert sure < 0.75 < nobody


def test_draws_scatter_as_the_posterior_does():
    effects = scatter(1, heavy=False, planted=1)
    model = fit_contamination(*effects)
    found = summarise_posterior(split_posterior(*effects, model))
    drawn = list(draw_effects(*effects, model, seed=3))
    assert len(drawn) == DRAWS
    each = np.array([draw.effect for draw in drawn])
    # 200 draws: an error of the mean of about a fourteenth of the standard deviation
    score = (each.mean(axis=0) - found.mean) / (found.sd / np.sqrt(DRAWS))
    assert abs(score).mean() < 2.5
    assert set(np.round(np.unique([d.shift for d in drawn]), 9)) <= set(np.round(SHIFTS, 9))
    planted = np.mean([draw.shift[0] > 0 for draw in drawn])
    assert planted == pytest.approx(found.prob_high[0], abs=0.12)


def test_costs_are_capped_at_the_trim_point_of_their_group():
    cost = [10.0] * 10 + [20.0] * 9 + [500.0]
    spells = pd.DataFrame({"line_id": "L", "hrg": "A", "admission_type": "EL", "cost_gbp": cost})
    # quartiles 10 and 20: no case above 20 + 1.5 x 10 = 35
    assert cap_costs(spells).tolist() == [10.0] * 10 + [20.0] * 9 + [35.0]
    few = spells.head(19).assign(cost_gbp=[*cost[:18], 500.0])
    assert cap_costs(few).tolist() == few["cost_gbp"].tolist()


def test_calibration_adds_up_events_by_tenths_of_risk():
    risks = pd.DataFrame(
        {"outcome": "died", "risk": np.linspace(0.01, 0.20, 20), "event": [0.0, 1.0] * 10}
    )
    found = calibrate_risk(risks)
    assert found["n"].tolist() == [2] * 10
    assert found["observed"].tolist() == [1.0] * 10
    # the two lowest: 0.01 + 0.02
    assert found["expected"].iloc[0] == pytest.approx(0.03)
    assert calibrate_risk(risks.head(0)).empty


def test_the_checks_say_whether_names_hold_and_that_the_parts_add_up():
    spells = invent_spells(21, planted={(0, 3): 1.5}).assign(month=np.tile([1, 2], 1800))
    found = review_consultants(make_sample(spells), name_consultants(spells), seed=1)
    checks = found.review_checks.set_index("check_id")["value"]
    assert checks["n_named"] == 1
    assert checks["difference"] == 0
    assert checks["actual"] == found.review_accounts["actual_pence"].sum()
    row = found.review_robustness.iloc[0]
    assert (row["consultant_code"], bool(row["is_named_capped"])) == ("C0000003", True)
    assert checks["named_odd"] in (0, 1)
    assert not checks.index.duplicated().any()


def test_without_dates_the_halves_are_missing_and_not_wrong():
    spells = invent_spells(21, planted={(0, 3): 1.5})
    found = review_consultants(make_sample(spells), name_consultants(spells), seed=1)
    assert found.review_robustness["is_named_odd"].isna().all()
    assert np.isnan(found.review_checks.set_index("check_id")["value"]["agree_halves"])


def test_a_large_line_needs_no_matrix_written_out():
    """A line of 200 consultants and 200,000 spells: the design written out would take 350 MB."""
    import tracemalloc

    n = 200_000
    rng = np.random.default_rng(1)
    spells = pd.DataFrame(
        {
            "hrg": np.array([f"H{k:02d}" for k in range(20)])[rng.integers(0, 20, n)],
            "consultant_code": np.array([f"C{k:03d}" for k in range(200)])[rng.integers(0, 200, n)],
            "age": 60.0, "sex": "1", "admission_type": "EL", "imd_decile": 2.0,
            "cost_gbp": rng.gamma(2.0, 500.0, n),
        }
    )  # fmt: skip
    tracemalloc.start()
    table = estimate_effects(spells, value="cost_gbp", kind="gamma", min_spells=15).table
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(table) == 200
    assert peak < 150e6
