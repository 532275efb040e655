"""Effects on cost from ward cost and all other cost: sums by hand, planted excesses, calibration."""

import numpy as np
import pandas as pd
import pytest

from helpers.outliers.casemix import build_design, estimate_effects, fit_gamma
from helpers.outliers.cost_parts import can_part, estimate_cost_effects


def line_of(who, ward, other, hrg="AA10A"):
    """Return spells of patients of whom nothing but HRG and cost is known."""
    return pd.DataFrame(
        {
            "consultant_code": who,
            "hrg": hrg,
            "admission_type": "EL",
            "age": np.nan,
            "sex": "9",
            "imd_decile": np.nan,
            "ward_gbp": ward,
            "cost_gbp": np.add(ward, other),
        }
    )


def test_a_weighted_row_counts_as_that_many_rows():
    nobody = np.zeros(2, dtype=int)
    design = build_design(nobody, 1, nobody, np.empty((2, 0)))
    coef, mu, bread = fit_gamma(design, np.array([100.0, 300.0]), np.array([3.0, 1.0]))
    # (3 x 100 + 1 x 300) / 4 = 150; X'WX = 4
    assert np.exp(coef) == pytest.approx([150.0])
    assert mu == pytest.approx([150.0, 150.0])
    assert bread == pytest.approx(np.array([[0.25]]))


def test_weights_of_whole_numbers_equal_rows_repeated():
    rng = np.random.default_rng(2)
    who, group, x = rng.integers(0, 3, 60), rng.integers(0, 4, 60), rng.normal(size=(60, 1))
    y, times = rng.gamma(2.0, 100.0, 60), rng.integers(1, 4, 60)
    coef, _, bread = fit_gamma(build_design(who, 3, group, x), y, times.astype(float))
    k = np.repeat(np.arange(60), times)
    repeated = fit_gamma(build_design(who[k], 3, group[k], x[k]), y[k])
    np.testing.assert_allclose(coef, repeated[0], atol=1e-8)
    np.testing.assert_allclose(bread, repeated[2], atol=1e-8)


def test_zeros_are_a_part_of_the_mean():
    nobody = np.zeros(4, dtype=int)
    design = build_design(nobody, 1, nobody, np.empty((4, 0)))
    coef, _, _ = fit_gamma(design, np.array([0.0, 0.0, 0.0, 400.0]))
    assert np.exp(coef) == pytest.approx([100.0])


def test_two_consultants_differ_by_the_ratio_of_their_mean_costs():
    n = 20
    up_down = np.tile([0.5, 1.5], n // 2)
    spells = line_of(
        np.repeat(["X", "Y"], n),
        np.concatenate([200 * up_down, 50 * up_down]),
        np.repeat([100.0, 200.0], n),
    )
    table = estimate_cost_effects(spells, min_spells=15).table
    # means 300 and 250; against the mean of two, half of log(300 / 250) on either side
    half = np.log(300 / 250) / 2
    assert table["theta"].to_numpy() == pytest.approx([half, -half])
    # ward costs are half above and half below their mean: relative variance 0.25, over 20 spells;
    # ward is 200 / 300 of the one's cost and 50 / 250 of the other's; half of the difference.
    # Both scatter as the HRG does, so neither error is wider
    error = 0.5 * np.sqrt(((2 / 3) ** 2 + 0.2**2) * 0.25 / n)
    assert table["std_error"].to_numpy() == pytest.approx([error, error])
    assert (table["base"] * np.exp(table["theta"])).sum() == pytest.approx(20 * (300 + 250))


def test_parts_that_move_together_add_their_errors():
    n = 20
    up_down = np.tile([0.5, 1.5], n // 2)
    costs = np.concatenate([100 * up_down, 100 * up_down])
    spells = line_of(np.repeat(["X", "Y"], n), costs, costs)
    parts = estimate_cost_effects(spells, min_spells=15).table
    whole = estimate_effects(spells, value="cost_gbp", kind="gamma", min_spells=15).table
    # one cost in two equal halves says no more than the cost itself: 0.5 sqrt(2 x 0.25 / 20)
    assert parts["std_error"].to_numpy() == pytest.approx(whole["std_error"].to_numpy())
    assert parts["std_error"][0] == pytest.approx(0.5 * np.sqrt(2 * 0.25 / n))


@pytest.mark.parametrize(
    ("ward", "other", "reason"),
    [
        ([10.0, 10.0, 10.0, np.nan], [10.0] * 4, "ward cost of one not known"),
        ([0.0, 0.0, 10.0, 10.0], [10.0] * 4, "one consultant without ward cost"),
        ([0.0, 10.0, 0.0, 10.0], [10.0] * 4, "one casemix group without ward cost"),
        ([10.0] * 4, [0.4] * 4, "other cost under 5% of the line"),
    ],
)
def test_a_line_whose_parts_cannot_be_told_apart_is_not_parted(ward, other, reason):
    design = build_design(np.array([0, 0, 1, 1]), 2, np.array([0, 1, 0, 1]), np.empty((4, 0)))
    ward, other = np.array(ward), np.array(other)
    assert not can_part(design, ward, np.where(np.isnan(ward), 10, ward) + other), reason
    assert can_part(design, np.full(4, 10.0), np.full(4, 20.0))


def test_without_ward_cost_the_whole_cost_has_one_model_with_all_rows_alike():
    rng = np.random.default_rng(5)
    spells = line_of(np.repeat(list("VWXYZ"), 30), rng.gamma(2, 100, 150), rng.gamma(2, 100, 150))
    spells["ward_gbp"] = np.nan
    found = estimate_cost_effects(spells, min_spells=15).table
    whole = estimate_effects(spells, value="cost_gbp", kind="gamma", min_spells=15).table
    same = ["consultant_code", "n", "observed", "base", "theta"]
    pd.testing.assert_frame_equal(found[same], whole[same])
    wider = (found["std_error"] / whole["std_error"]).to_numpy()
    assert wider.min() == pytest.approx(1.0)
    assert (wider > 0.999999).all() and wider.max() < 1.2


def test_a_consultant_whose_cases_scatter_more_has_a_wider_error():
    n = 50
    narrow, wide = np.tile([0.9, 1.1], n // 2), np.tile([0.5, 1.5], n // 2)
    spells = line_of(np.repeat(["X", "Y"], n), np.nan, 100.0)
    spells["cost_gbp"] = np.concatenate([100 * wide, 100 * narrow])
    table = estimate_cost_effects(spells, min_spells=15).table
    plain = estimate_effects(spells, value="cost_gbp", kind="gamma", min_spells=15).table
    # relative variances 0.25 and 0.01, of the HRG 0.13; the one has 0.25 / 0.13 = 1.923 times that,
    # and with a hundred spells as expected (50 x 1.923 + 100) / 150 = 1.308. The other is not narrowed
    ratio = (table["std_error"] / plain["std_error"]).to_numpy()
    assert ratio == pytest.approx([np.sqrt((50 * 0.25 / 0.13 + 100) / 150), 1.0])


def draw_line(rng, *, n=80, n_people=8, ward_up=1.0, other_up=1.0):
    """Return a line in which the first consultant's two parts are dearer, by factors.

    Two HRGs, one mostly stay and one mostly not; stays scatter by a Gamma of shape 0.8 and one in
    twenty is four times as long, other cost by one of shape 3.
    """
    who = np.repeat([f"C{k}" for k in range(n_people)], n)
    is_stay = rng.random(len(who)) < np.repeat(rng.uniform(0.3, 0.7, n_people), n)
    first = who == "C0"
    long = np.where(rng.random(len(who)) < 0.05, 4.0, 1.0)
    ward = np.where(is_stay, 2000.0, 300.0) * np.where(first, ward_up, 1.0) * long
    other = np.where(is_stay, 500.0, 1500.0) * np.where(first, other_up, 1.0)
    ward = ward * rng.gamma(0.8, 1 / 0.8, len(who))
    other = other * rng.gamma(3.0, 1 / 3.0, len(who))
    truth = np.where(is_stay, 2000.0, 300.0) * 1.15, np.where(is_stay, 500.0, 1500.0)
    own = (ward_up * truth[0] + other_up * truth[1])[first].sum() / sum(truth)[first].sum()
    return line_of(who, ward, other, np.where(is_stay, "AA10A", "BB20A")), float(np.log(own))


@pytest.mark.parametrize(("ward_up", "other_up"), [(1.6, 1.0), (1.0, 1.6), (1.3, 1.3)])
def test_an_excess_is_found_whole_whichever_part_it_is_in(ward_up, other_up):
    rng, misses = np.random.default_rng(11), []
    for _ in range(60):
        spells, true = draw_line(rng, ward_up=ward_up, other_up=other_up)
        table = estimate_cost_effects(spells, min_spells=15).table
        # the mean of eight peers holds an eighth of the excess
        misses.append(table["theta"].iloc[0] - true * 7 / 8)
    chance = np.std(misses) / np.sqrt(len(misses))
    assert abs(np.mean(misses)) < 3 * chance
    assert chance < 0.02


def test_errors_are_as_large_as_the_estimates_are_wrong():
    rng, found, whole = np.random.default_rng(12), [], []
    for _ in range(120):
        spells, _ = draw_line(rng)
        found.append(estimate_cost_effects(spells, min_spells=15).table)
        fixed = {"value": "cost_gbp", "kind": "gamma", "min_spells": 15}
        whole.append(estimate_effects(spells, **fixed).table)
    found, whole = pd.concat(found), pd.concat(whole)
    # 960 scores of consultants who do not differ: standard deviation 1, its own error 0.025
    assert (found["theta"] / found["std_error"]).std() == pytest.approx(1.0, abs=0.075)
    # one model of the whole cost errs by more on the same lines: mean square at least 5% higher
    assert (found["theta"] ** 2).mean() < 0.95 * (whole["theta"] ** 2).mean()
