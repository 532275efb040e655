"""Casemix: pooling, covariates, fixed effects, and lines in which nobody can be compared."""

import numpy as np
import pandas as pd
import pytest

from helpers.outliers.casemix import (
    build_design,
    estimate_effects,
    fit_gamma,
    fit_poisson,
    measure_no_comparator,
    pool_variance,
)
from helpers.outliers.line_cases import build_covariates, pool_casemix, read_line_cases
from helpers.outliers.spells import prepare_spells
from unit.review_trust import invent_spells


def line_of(seed=1, **settings):
    return prepare_spells(invent_spells(seed, n_lines=1, **settings))


def plain_spells(**columns):
    """Return spells of patients of whom nothing is known."""
    unknown = {"age": np.nan, "sex": "9", "admission_type": "EL", "imd_decile": np.nan}
    return pd.DataFrame({"consultant_code": "X", "hrg": "AA10A"} | columns).assign(**unknown)


def test_rare_hrgs_join_their_root_and_then_the_rest():
    cases = read_line_cases(
        plain_spells(
            hrg=["AA10A"] * 12 + ["AA10B"] * 6 + ["AA10C"] * 6 + ["BB20Z"] * 3,
            consultant_code=["X", "Y"] * 13 + ["X"],
        )
    )
    group = cases.groups[pool_casemix(cases, cases.who)]
    # 12 spells stand alone; 6 + 6 of root AA10 make 12 together; 3 are left over
    assert group.tolist() == ["AA10A"] * 12 + ["AA10"] * 12 + ["other"] * 3


def test_an_hrg_of_one_consultant_counts_as_cost_without_a_peer():
    spells = plain_spells(hrg=["A", "A", "B", "B"], consultant_code=["X", "Y", "X", "X"])
    cost_gbp = np.array([100.0, 100.0, 150.0, 50.0])
    # B is treated by X alone: £200 of £400
    assert measure_no_comparator(read_line_cases(spells), cost_gbp) == 0.5


def test_covariates_without_variation_are_left_out():
    spells = plain_spells(hrg=["AA10A"] * 30)
    assert build_covariates(read_line_cases(spells)).shape == (30, 0)


def test_pooled_variance_draws_a_small_group_to_the_overall_mean():
    # overall mean square (4 x 1 + 1 x 9) / 5 = 2.6; group of one: (9 + 20 x 2.6) / 21 = 2.9048
    found = pool_variance(np.array([1.0, 1.0, 1.0, 1.0, 9.0]), np.array([0, 0, 0, 0, 1]))
    assert found[4] == pytest.approx(61 / 21)
    assert found[0] == pytest.approx((4 + 52) / 24)


def test_both_models_return_the_means_of_a_saturated_table():
    design = build_design(np.array([0, 0, 1, 1]), 2, np.zeros(4, dtype=int), np.empty((4, 0)))
    y = np.array([100.0, 300.0, 10.0, 30.0])
    for fit in (fit_gamma, fit_poisson):
        coef, mean, _ = fit(design, y)
        assert np.exp(coef) == pytest.approx([200.0, 20.0], rel=1e-6)
        assert mean == pytest.approx([200, 200, 20, 20], rel=1e-6)


def test_products_of_the_matrix_equal_those_of_the_matrix_written_out():
    rng = np.random.default_rng(4)
    who, group, x = rng.integers(0, 3, 40), rng.integers(0, 4, 40), rng.normal(size=(40, 2))
    design = build_design(who, 3, group, x)
    whole = np.column_stack([np.eye(3)[who], np.eye(4)[group][:, 1:], x])
    weight, coef = rng.random(40), rng.normal(size=8)
    np.testing.assert_allclose(design.predict(coef), whole @ coef)
    np.testing.assert_allclose(design.project(weight), whole.T @ weight)
    np.testing.assert_allclose(design.cross(weight), whole.T @ (whole * weight[:, None]))


def test_comorbidity_counts_twice_up_to_three_points():
    spells = line_of().assign(charlson=[0.0, 2.0, 5.0] * 600)
    plain, more = (build_covariates(read_line_cases(rows)) for rows in (line_of(), spells))
    extra = [c for c in more.T if not any(np.array_equal(c, p) for p in plain.T)]
    assert [column[:3].tolist() for column in extra] == [[0, 2, 5], [0, 2, 3]]


def test_a_poisson_model_keeps_zeros_and_its_total():
    rng = np.random.default_rng(3)
    x = rng.normal(size=400)
    nobody = np.zeros(400, dtype=int)
    days = rng.poisson(np.exp(0.2 + 0.5 * x)).astype(float)
    coef, mean, _ = fit_poisson(build_design(nobody, 1, nobody, x[:, None]), days)
    assert mean.sum() == pytest.approx(days.sum(), rel=1e-8)
    assert coef == pytest.approx([0.2, 0.5], abs=0.15)


def test_a_planted_cost_ratio_is_estimated_and_its_error_is_that_of_a_contrast():
    spells = line_of(tau=0.0, planted={(0, 3): 1.4})
    table = estimate_effects(spells, value="cost_gbp", kind="gamma", min_spells=15).table
    # centred on the mean of 12: log 1.4 x 11/12 = 0.308; error about 1/sqrt(2.5 x 150) = 0.052
    assert table.loc[3, "theta"] == pytest.approx(0.308, abs=3 * 0.052)
    assert table["std_error"].between(0.03, 0.08).all()
    assert table["theta"].mean() == pytest.approx(0, abs=1e-9)


def test_a_model_of_days_reproduces_each_consultants_days():
    spells = line_of()
    table = estimate_effects(spells, value="los_days", kind="poisson", min_spells=15).table
    assert table["observed"].sum() == pytest.approx(spells["los_days"].sum())
    # a consultant's own effect makes expected days x e^theta equal the days observed
    assert (table["base"] * np.exp(table["theta"])).to_numpy() == pytest.approx(
        table["observed"].to_numpy(), rel=1e-6
    )


def test_errors_of_days_are_as_wide_as_the_estimates_scatter():
    errors = []
    for seed in range(30):
        spells = line_of(seed=100 + seed, n_spells=40, tau=0.0)
        table = estimate_effects(spells, value="los_days", kind="poisson", min_spells=15).table
        errors.append(table["theta"] / table["std_error"])
    # nobody differs: 30 x 12 scores of mean 0 and standard deviation 1 (0.04 is its own error)
    assert np.concatenate(errors).std() == pytest.approx(1.0, abs=0.12)


def test_a_subspecialist_is_not_compared_on_what_nobody_else_treats():
    spells = line_of(tau=0.0)
    alone = spells[spells["consultant_code"] == "C0000000"].head(40)
    special = alone.assign(hrg="ZZ99A", cost_gbp=alone["cost_gbp"] * 20)
    plain = estimate_effects(spells, value="cost_gbp", kind="gamma", min_spells=15).table
    both = pd.concat([spells, special], ignore_index=True)
    found = estimate_effects(both, value="cost_gbp", kind="gamma", min_spells=15).table
    assert found.loc[0, "n"] == plain.loc[0, "n"]
    assert found.loc[0, "theta"] == pytest.approx(plain.loc[0, "theta"])


@pytest.mark.parametrize(
    "change",
    [
        {"consultant_code": "C0000000"},
        {"hrg": [f"Z{k:04d}" for k in range(1800)]},
    ],
    ids=["one consultant", "one case per cell"],
)
def test_nobody_is_compared_without_peers(change):
    spells = line_of().assign(**change)
    assert estimate_effects(spells, value="cost_gbp", kind="gamma", min_spells=15).table.empty


def test_consultants_with_no_casemix_in_common_are_not_compared():
    spells = line_of()
    spells["hrg"] = "A" + spells["consultant_code"].str[-3:] + "Z"
    assert estimate_effects(spells, value="cost_gbp", kind="gamma", min_spells=15).table.empty


def test_equal_costs_give_effects_of_zero():
    spells = line_of().assign(cost_gbp=100.0)
    table = estimate_effects(spells, value="cost_gbp", kind="gamma", min_spells=15).table
    assert table["theta"].abs().max() < 1e-9
    assert (table["std_error"] > 0).all()


def test_a_consultant_whose_patients_never_stay_is_left_out_of_the_stay_model():
    spells = line_of()
    never = spells["consultant_code"] == "C0000001"
    table = estimate_effects(
        spells.assign(los_days=spells["los_days"].where(~never, 0.0)),
        value="los_days", kind="poisson", min_spells=15,
    ).table  # fmt: skip
    assert "C0000001" not in set(table["consultant_code"])
    assert np.isfinite(table["theta"]).all()


def test_costs_below_a_pound_become_a_pound_and_are_counted():
    raw = invent_spells(1, n_lines=1).head(3).assign(controllable_pence=[-5_000, 0, 12_345])
    ready = prepare_spells(raw)
    assert ready["cost_gbp"].tolist() == [1.0, 1.0, 123.45]
    assert ready["is_floored"].tolist() == [True, True, False]
