"""Divergent practice told from natural variation, on effects and on whole invented trusts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.outliers.consultants import review_consultants
from helpers.outliers.contamination import fit_contamination
from helpers.outliers.funnel import find_exact_interval
from helpers.outliers.posterior import (
    flag_false_discovery,
    measure_reliability,
    split_posterior,
    summarise_posterior,
)
from helpers.outliers.small_groups import compare_few, score_leave_one_out
from helpers.outliers.standardise import standardise_indirectly
from helpers.outliers.wording import describe_peer_status
from unit.review_trust import invent_spells, make_sample, name_consultants


def review(spells, **more):
    return review_consultants(make_sample(spells), name_consultants(spells), seed=1, **more)


def test_the_flagged_set_is_the_largest_within_the_rate():
    # chances of being wrong .02, .08, .20, .50: running means .02, .05, .10, .20
    flags = flag_false_discovery(np.array([0.50, 0.98, 0.80, 0.92]), rate=0.10 + 1e-12)
    assert flags.tolist() == [False, True, True, True]
    assert not flag_false_discovery(np.array([0.5, 0.4])).any()
    assert flag_false_discovery(np.array([])).tolist() == []


def test_reliability_is_the_share_that_is_not_noise():
    # 0.06^2 / (0.06^2 + 0.08^2) = 0.36
    assert measure_reliability(np.array([0.06]), np.array([0.08]))[0] == pytest.approx(0.36)


def test_leave_one_out_finds_what_a_pooled_spread_hides():
    # ln indices 0.25, -0.02, -0.05, -0.08, 0.10; s = 0.60; n = 120, 100, 80, 90, 25
    mean = np.array([0.25, -0.02, -0.05, -0.08, 0.10])
    error = 0.60 / np.sqrt([120, 100, 80, 90, 25])
    found = score_leave_one_out(mean, error)
    assert found["z"].round(4).tolist() == [4.4066, -0.3755, -0.5876, -0.8455, 0.3487]
    assert found.loc[0, "mu"] == pytest.approx(-0.036271, abs=5e-7)
    assert found.loc[0, "tau2"] == 0


def test_stay_expected_all_in_and_leaving_the_consultant_out():
    strata = pd.DataFrame(
        {
            "group": ["C1", "C1", "C2", "C2", "C3", "C3"],
            "stratum": ["HN22", "HT12"] * 3,
            "n": [60, 40, 80, 20, 60, 40],
            "mean": [4, 16, 4.5, 14, 6, 18],
        }
    )
    strata["total"] = strata["n"] * strata["mean"]
    # everyone: HN22 960/200 = 4.8, HT12 1640/100 = 16.4
    everyone = standardise_indirectly(strata)
    assert everyone["observed"].tolist() == [880, 640, 1080]
    assert everyone["expected"].round(6).tolist() == [944, 712, 944]
    assert everyone["excess"].round(6).tolist() == [-64, -72, 136]
    others = standardise_indirectly(strata, leave_out=True)
    assert others["expected"].round(4).tolist() == [975.2381, 740, 870.4762]
    assert others["ratio"].round(6).tolist() == [0.902344, 0.864865, 1.240700]
    assert others["excess"].round(4).tolist() == [-95.2381, -100, 209.5238]


def test_a_stratum_of_one_group_has_no_comparator():
    strata = pd.DataFrame(
        {
            "group": ["A", "A", "B"],
            "stratum": ["x", "y", "x"],
            "n": [2, 3, 2],
            "total": [10.0, 90.0, 20.0],
        }
    )
    found = standardise_indirectly(strata, leave_out=True).set_index("group")
    # y is A's alone: A is compared on x only, 10 against 2 x 10
    assert found.loc["A", ["observed", "expected", "n_no_comparator"]].tolist() == [10, 20, 3]


def test_exact_interval_of_no_events_starts_at_zero():
    low, high = find_exact_interval(np.array([0.0, 10.0]), np.array([2.0, 10.0]))
    # Garwood: 0 events -> 0 to 3.689; 10 events -> 4.795 to 18.390
    assert low.round(4).tolist() == [0.0, 0.4795]
    assert high.round(4).tolist() == [1.8444, 1.839]


def test_a_trust_without_outliers_gives_no_flags_and_no_saving():
    for seed in (11, 12, 13):
        found = review(invent_spells(seed))
        assert not found.consultant_review["flag"].isin(["outlier", "indicative"]).any()
        assert found.saving["saving_pence"].tolist() == [0]


def test_a_consultant_planted_40_percent_dearer_is_found_with_the_excess():
    spells = invent_spells(21, planted={(0, 3): 1.4})
    found = review(spells)
    cost = found.consultant_review.query("measure == 'cost'").set_index("consultant_code")
    assert cost.index[cost["flag"] == "outlier"].tolist() == ["C0000003"]
    planted = cost.loc["C0000003"]
    assert planted["ci_low"] < 1.4 < planted["ci_high"]
    # the true excess is 0.4 / 1.4 of what the consultant's spells cost
    own = spells.loc[spells["consultant_code"] == "C0000003", "controllable_pence"].sum()
    row = found.saving.set_index("consultant_code").loc["C0000003"]
    assert row["excess_low_pence"] < own * 0.4 / 1.4 < row["excess_high_pence"]


def test_an_excess_that_is_the_same_for_every_patient_is_not_overstated():
    spells = invent_spells(23, tau=0.02)
    mine = spells["consultant_code"] == "C0010007"
    # £3,000 more for each of 150 patients, whose illness costs from £1,000 to £8,000
    spells["controllable_pence"] += np.where(mine, 300_000, 0)
    found = review(spells).saving.set_index("consultant_code").loc["C0010007"]
    assert found["excess_low_pence"] < 150 * 300_000 < found["excess_high_pence"]
    assert found["excess_pence"] == pytest.approx(150 * 300_000, rel=0.15)


def test_dearer_with_better_outcomes_is_named_but_not_counted():
    spells = invent_spells(22, n_spells=300, tau=0.03, planted={(1, 5): 1.6}, odds={(1, 5): 0.4})
    found = review(spells)
    row = (
        found.consultant_review.query("measure == 'cost'")
        .set_index("consultant_code")
        .loc["C0010005"]
    )
    assert (row["flag"], row["benefit"]) == ("outlier", "better")
    saving = found.saving.set_index("consultant_code")
    assert saving.loc["C0010005", "excess_pence"] > 0
    assert saving.loc["TOTAL", "saving_pence"] == 0


def test_without_outcomes_the_excess_is_shown_and_not_counted():
    spells = invent_spells(21, planted={(0, 3): 1.4})
    sample = make_sample(spells, outcomes=())
    found = review_consultants(sample, name_consultants(spells), seed=1)
    total = found.saving.set_index("consultant_code").loc["TOTAL"]
    assert total["excess_pence"] > 0
    assert total["saving_pence"] == 0
    flagged = found.consultant_review.query("flag == 'outlier' and measure == 'cost'")
    assert flagged["benefit"].tolist() == ["unknown"]


def test_the_same_spells_and_seed_give_the_same_review():
    spells = invent_spells(21, planted={(0, 3): 1.4})
    shuffled = spells.sample(frac=1, random_state=5)
    first, second = review(spells), review(shuffled)
    pd.testing.assert_frame_equal(first.saving_totals, second.saving_totals)
    pd.testing.assert_frame_equal(first.consultant_review, second.consultant_review, rtol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"cost_gbp": 100.0, "ward_gbp": 40.0},
        {"cost_gbp": 1.0, "ward_gbp": 0.0},
        {"los_days": 0.0},
        {"consultant_code": "C0000000"},
        {"hrg": "AA10Z"},
        {"age": np.nan, "sex": "9", "imd_decile": np.nan},
        {"value_complication": np.nan, "value_readmit_30d": np.nan},
        {"value_complication": 0.0, "value_readmit_30d": 0.0},
        {"expected_complication": np.nan},
    ],
    ids=str,
)
def test_a_degenerate_trust_neither_stops_the_review_nor_gives_a_flag(change):
    spells = invent_spells(11)
    sample = make_sample(spells)
    changed = replace(sample, spells=sample.spells.assign(**change))
    found = review_consultants(changed, name_consultants(spells), seed=1)
    assert not found.consultant_review["flag"].isin(["outlier", "indicative"]).any()
    assert found.specialty_variation["words"].str.len().gt(0).all()


def test_no_spells_at_all_give_empty_tables_and_a_saving_of_zero():
    spells = invent_spells(11).head(0)
    found = review(spells)
    assert found.consultant_review.empty
    assert found.saving["saving_pence"].tolist() == [0]
    assert found.review_accounts.empty


def test_a_line_of_six_gives_an_indication_that_never_counts_as_a_saving():
    found = review(invent_spells(31, n_consultants=6, tau=0.02, planted={(0, 1): 1.6}))
    cost = found.consultant_review.query("measure == 'cost'").set_index("consultant_code")
    assert cost.index[cost["flag"] == "indicative"].tolist() == ["C0000001"]
    assert found.saving["excess_pence"].tolist() == [0]


def test_spells_that_only_one_of_six_treats_are_counted_and_left_out():
    spells = invent_spells(31, n_lines=1, n_consultants=6)
    alone = spells.index[spells["consultant_code"] == "C0000001"][:40]
    spells.loc[alone, ["hrg", "admission_type"]] = ["ZZ99Z", "EL"]
    found = review(spells)
    row = found.specialty_variation.query("measure == 'cost'").iloc[0]
    assert row["n_no_comparator"] == 40
    share = spells.loc[alone, "controllable_pence"].sum() / spells["controllable_pence"].sum()
    assert row["no_comparator_prop"] == pytest.approx(share)
    # 150 spells each; 40 of this consultant's have nobody to be set against
    cost = found.consultant_review.query("measure == 'cost'").set_index("consultant_code")
    assert cost.loc["C0000001", "n"] == 110 and cost.loc["C0000002", "n"] == 150


def test_lines_that_the_model_compares_count_no_spells_alone():
    found = review(invent_spells(31, n_lines=1))
    assert found.specialty_variation["n_no_comparator"].isna().all()


def test_a_line_of_four_is_shown_and_not_tested():
    spells = invent_spells(31, n_consultants=4)
    found = review(spells)
    assert set(found.consultant_review["flag"]) == {"not_tested"}
    assert compare_few(make_sample(spells).spells.query("line_id == 'L0'"), value="cost_gbp").empty


def test_few_spells_are_compared_but_never_named():
    spells = invent_spells(21, planted={(0, 3): 1.4})
    found = review(spells, min_spells=151)
    assert set(found.consultant_review["flag"]) == {"not_tested"}


def test_wide_natural_variation_names_nobody():
    rng = np.random.default_rng(2)
    effects = rng.normal(0, 0.25, 160)
    line = np.repeat(np.arange(10), 16)
    error = np.full(160, 0.04)
    state = fit_contamination(effects, error, line)
    found = summarise_posterior(split_posterior(effects, error, line, state))
    assert (found.tau > 0.15).all()


def test_actual_is_expected_plus_named_excess_plus_the_rest():
    found = review(invent_spells(21, planted={(0, 3): 1.4}))
    sums = found.review_accounts
    parts = sums["expected_pence"] + sums["identified_pence"] + sums["residual_pence"]
    assert parts.tolist() == sums["actual_pence"].tolist()
    total = found.saving.set_index("consultant_code").loc["TOTAL", "excess_pence"]
    assert sums["identified_pence"].sum() == total


def test_a_consultant_without_a_pseudonym_is_not_shown_by_code():
    spells = invent_spells(11)
    names = name_consultants(spells).iloc[1:]
    found = review_consultants(make_sample(spells), names, seed=1)
    assert "Unlisted-01" in set(found.consultant_review["pseudonym"])
    assert not set(found.consultant_review["pseudonym"]) & set(spells["consultant_code"])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(-2, 2), min_size=16, max_size=16),
    st.lists(st.floats(0.001, 1.0), min_size=16, max_size=16),
)
def test_any_effects_give_probabilities(theta, error):
    line = np.repeat([0, 1], 8)
    theta, error = np.array(theta), np.array(error)
    state = fit_contamination(theta, error, line)
    found = summarise_posterior(split_posterior(theta, error, line, state))
    for value in (found.prob_high, found.prob_low, found.prob_material):
        assert ((value >= -1e-12) & (value <= 1 + 1e-9)).all()
    assert (found.ratio_low <= found.ratio_high).all()
    assert np.isfinite(found.ratio).all()


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        (1.95, "Within what peers differ by."),
        (
            2.5,
            "An alert in a line of few consultants (z 2.5, short of the alarm at 3.09): 20% dearer",
        ),
        (
            -2.5,
            "An alert in a line of few consultants (z -2.5, short of the alarm at 3.09): 20% cheaper",
        ),
        (
            -3.2,
            "An alert in a line of few consultants (z -3.2, beyond the alarm at 3.09): 20% cheaper",
        ),
        (float("nan"), "Within what peers differ by."),
    ],
)
def test_a_score_between_alert_and_alarm_is_said_and_names_nobody(z, expected):
    found = describe_peer_status("none", measure="cost", n=120, ratio=0.8 if z < 0 else 1.2, z=z)
    assert found.startswith(expected)
