"""The review's formulas against other software: R, lme4, metafor, glm."""

import numpy as np
import pandas as pd
import pytest

from helpers.outliers.casemix import build_design, fit_gamma, measure_contrast
from helpers.outliers.contamination import State
from helpers.outliers.funnel import (
    Z_95,
    Z_998,
    adjust_z,
    find_limits,
    measure_overdispersion,
    score_count_ratio,
    winsorise,
)
from helpers.outliers.multiplicity import adjust_p_values
from helpers.outliers.natural import fix_natural
from helpers.outliers.posterior import flag_false_discovery, split_at_state, summarise_posterior
from helpers.outliers.random_effects import fit_random_intercept, pool_effects
from helpers.outliers.standardise import standardise_directly, standardise_indirectly
from unit.review_trust import read_golden


def same(found, expected, tolerance):
    np.testing.assert_allclose(
        np.asarray(found, float), np.asarray(expected, float), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("scale", ["sqrt", "log"])
def test_funnel_scores_and_winsorised_overdispersion_agree_with_r(scale):
    given, units = (
        read_golden("g1_overdispersion_input.csv"),
        read_golden("g1_overdispersion_expected_units.csv"),
    )
    summary = read_golden("g1_overdispersion_expected_summary.csv").set_index("method")
    observed, expected = given["observed"].to_numpy(), given["expected"].to_numpy()
    y, error, z = score_count_ratio(observed, expected, scale=scale)
    spread = measure_overdispersion(z, error)
    reference = summary.loc[f"{scale}_winsorised_10pct"]
    same([spread.phi, spread.tau2], [reference["phi"], reference["tau2"]], 1e-9)
    same(z, units[f"{scale}_z"], 1e-9)
    same(winsorise(z), units[f"{scale}_z_wins"], 1e-9)
    name = {"sqrt": "sqrt_z_od", "log": "log_z_od_wins"}[scale]
    same(adjust_z(y, error, spread.tau2, target=1.0 if scale == "sqrt" else 0.0), units[name], 1e-9)
    if scale == "sqrt":
        low, high = find_limits(error, spread.tau2, Z_95, scale="sqrt")
        same(low, units["sqrt_lcl95"], 1e-9)
        same(high, units["sqrt_ucl95"], 1e-9)


def test_truncated_overdispersion_agrees_with_the_shmi_method():
    given, units = (
        read_golden("g1_overdispersion_input.csv"),
        read_golden("g1_overdispersion_expected_units.csv"),
    )
    summary = read_golden("g1_overdispersion_expected_summary.csv").set_index("method")
    y, error, z = score_count_ratio(
        given["observed"].to_numpy(), given["expected"].to_numpy(), scale="log"
    )
    spread = measure_overdispersion(z, error, method="truncate")
    reference = summary.loc["shmi_log_truncated_10pct"]
    assert spread.n_used == reference["n_used"]
    same([spread.phi, spread.tau2], [reference["phi"], reference["tau2"]], 1e-9)
    same(spread.used, units["shmi_kept"], 0)
    same(adjust_z(y, error, spread.tau2), units["shmi_z_od"], 1e-9)
    for z_limit, name in ((Z_95, "95"), (Z_998, "998")):
        low, high = find_limits(error, spread.tau2, z_limit, scale="log")
        same(low, units[f"shmi_lcl{name}"], 1e-9)
        same(high, units[f"shmi_ucl{name}"], 1e-9)


def test_overdispersion_about_an_estimated_mean_is_another_quantity():
    given = read_golden("g1_overdispersion_input.csv")
    summary = read_golden("g1_overdispersion_expected_summary.csv").set_index("method")
    y, error, _ = score_count_ratio(
        given["observed"].to_numpy(), given["expected"].to_numpy(), scale="log"
    )
    reference = summary.loc["metafor_DL_log_free_mean_no_winsor"]
    pooled = pool_effects(y, error, method="DL")
    same([pooled.tau2, pooled.mu], [reference["tau2"], reference["mean_log"]], 1e-9)


def test_random_intercept_agrees_with_lme4():
    data, blups = read_golden("g3_lmm_input.csv"), read_golden("g3_lmm_expected_blups.csv")
    params = read_golden("g3_lmm_expected_params.csv").set_index("term")["value"]
    who = pd.factorize(data["consultant_id"], sort=True)[0]
    hrg = np.eye(3)[pd.factorize(data["hrg"], sort=True)[0]][:, 1:]
    design = np.column_stack([np.ones(len(data)), hrg, (data["age"] - 65) / 10])
    fit = fit_random_intercept(np.log(data["total_cost"].to_numpy()), design, who)
    same([*fit.coef, fit.tau2, fit.sigma2, fit.deviance], params, 1e-5)
    same(fit.blup, blups["blup"], 1e-5)
    same(fit.posterior_sd, blups["posterior_sd"], 1e-5)
    same(fit.reliability, blups["reliability"], 1e-5)
    same(fit.find_prob_above(np.log(1.15)), blups["p_effect_gt_15pct"], 1e-5)


@pytest.mark.parametrize(("method", "tolerance"), [("DL", 1e-6), ("REML", 1e-5), ("PM", 1e-6)])
def test_random_effects_mean_agrees_with_metafor(method, tolerance):
    data = read_golden("g3b_eb_input.csv")
    reference = read_golden("g3b_eb_expected_params.csv").set_index("method").loc[method]
    units = read_golden("g3b_eb_expected_units.csv")
    units = units[units["method"] == method]
    effects, error = data["yi"].to_numpy(), data["sei"].to_numpy()
    pooled = pool_effects(effects, error, method=method)
    same(
        [pooled.mu, pooled.mu_error, pooled.tau2, pooled.q],
        [reference["mu"], reference["se_mu"], reference["tau2"], reference["Q"]],
        tolerance,
    )
    shrinkage = pooled.tau2 / (pooled.tau2 + error**2)
    same(shrinkage, units["shrinkage_B"], tolerance)
    same(pooled.mu + shrinkage * (effects - pooled.mu), units["blup"], tolerance)


def test_gamma_model_and_the_error_of_the_contrast_agree_with_glm():
    data, units = read_golden("g3_lmm_input.csv"), read_golden("g3c_gamma_fe_expected_units.csv")
    coefs = read_golden("g3c_gamma_fe_expected_coefs.csv")
    who, names = pd.factorize(data["consultant_id"], sort=True)
    hrg = pd.factorize(data["hrg"], sort=True)[0]
    design = build_design(who, len(names), hrg, ((data["age"] - 65) / 10).to_numpy()[:, None])
    cost = data["total_cost"].to_numpy()
    coef, mean, bread = fit_gamma(design, cost)
    same(coef, coefs["estimate"], 1e-6)
    theta, error = measure_contrast(
        design, bread, (cost / mean - 1) ** 2, coef, np.ones(8, dtype=bool)
    )
    same(theta, units["theta_centred"], 1e-6)
    same(error, units["se_centred_hc0"], 1e-6)
    base = np.bincount(who, weights=mean) * np.exp(-theta)
    same(base * np.exp(np.median(theta)), units["expected_at_median_peer"], 1e-6)


@pytest.mark.parametrize(
    ("method", "name"),
    [("bh", "q_bh"), ("by", "q_by"), ("bonferroni", "p_bonferroni"), ("holm", "p_holm")],
)
def test_adjusted_p_values_agree_with_r(method, name):
    given, expected = read_golden("g4_fdr_input.csv"), read_golden("g4_fdr_expected.csv")
    shuffled = given.sample(frac=1, random_state=1)
    found = pd.Series(adjust_p_values(shuffled["p_value"].to_numpy(), method), index=shuffled.index)
    same(found.sort_index(), expected[name], 1e-12)


def test_standardised_costs_agree_with_the_reference():
    strata = read_golden("g5_standardisation_input.csv").rename(
        columns={"consultant_id": "group", "hrg": "stratum", "episodes": "n", "total_cost": "total"}
    )
    expected = read_golden("g5_standardisation_expected.csv")
    everyone = standardise_indirectly(strata)
    same(everyone["expected"], expected["expected_cost"], 1e-9)
    same(everyone["ratio"], expected["indirect_ratio"], 1e-9)
    same(everyone["observed"].sum(), everyone["expected"].sum(), 1e-12)
    others = standardise_indirectly(strata, leave_out=True)
    same(others["expected"], expected["E_loo"], 1e-9)
    same(others["ratio"], expected["ratio_loo"], 1e-9)
    direct = standardise_directly(strata)
    same(direct["standardised"], expected["direct_std_cost"], 1e-9)
    same(direct["comparative"], expected["cmf"], 1e-9)
    events = standardise_indirectly(strata.assign(total=strata["events"]))
    same(events["ratio"], expected["smr"], 1e-9)


def test_contamination_posterior_agrees_with_the_reference():
    given, expected = (
        read_golden("g7_contamination_input.csv"),
        read_golden("g7_contamination_expected.csv"),
    )
    fixed = State(np.array([0.01]), np.array([0.90, 0.07, 0.03]), np.array([1.0]))
    mixture = split_at_state(
        given["theta"].to_numpy(),
        given["se"].to_numpy(),
        np.zeros(len(given), dtype=int),
        fix_natural(0.09),
        fixed,
    )
    found = summarise_posterior(mixture)
    same(found.prob_high, expected["p_outlier_high"], 1e-9)
    same(found.mean, expected["post_mean_effect"], 1e-9)
    same(found.sd, expected["post_sd_effect"], 1e-9)
    same(found.prob_material, expected["p_effect_gt_15pct"], 1e-9)
    same(found.ratio - 1, expected["expected_relative_excess"], 1e-9)
    same(flag_false_discovery(found.prob_high, 0.10, least=0.0), expected["flag_bayes_fdr10"], 0)
