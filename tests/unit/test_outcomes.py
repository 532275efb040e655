"""Outcomes beside cost: who is better, worse, no better, and who cannot be told."""

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import CubicSpline

from helpers.outliers.line_cases import read_line_cases
from helpers.outliers.outcomes import (
    GRID,
    KNOTS,
    SPLINE,
    classify_benefit,
    estimate_risk,
    review_outcomes,
    summarise_odds,
)
from helpers.outliers.spells import prepare_spells
from unit.review_trust import OUTCOMES, invent_spells


def chances(better, much_better, n=1):
    return pd.DataFrame(
        {
            "n_outcomes": [n],
            "prob_better": [better],
            "prob_worse": [1 - better],
            "prob_much_better": [much_better],
        }
    )


@pytest.mark.parametrize(
    ("better", "much_better", "n", "expected"),
    [
        (0.96, 0.80, 300, "better"),
        (0.04, 0.01, 300, "worse"),
        (0.50, 0.15, 300, "no_better"),
        (0.50, 0.16, 300, "inconclusive"),
        (0.94, 0.60, 300, "inconclusive"),
        (0.50, 0.33, 0, "unknown"),
    ],
)
def test_the_class_is_the_first_that_holds(better, much_better, n, expected):
    assert classify_benefit(chances(better, much_better, n))[0] == expected


def test_better_overall_is_withheld_when_one_outcome_is_surely_worse():
    assert classify_benefit(chances(0.97, 0.9), np.array([True]))[0] == "inconclusive"


def test_the_spline_is_that_of_the_library():
    values = np.log1p(0.2 * (np.exp(KNOTS) - 1))
    assert SPLINE @ values == pytest.approx(CubicSpline(KNOTS, values)(GRID), abs=1e-12)
    # a cubic is itself: 1 + 2x - x^3
    cubic = SPLINE @ (1 + 2 * KNOTS - KNOTS**3)
    assert cubic == pytest.approx(1 + 2 * GRID - GRID**3, abs=1e-11)


def test_no_data_leave_the_weak_prior_which_accuses_nobody():
    found = summarise_odds(np.zeros((1, len(GRID))))
    # prior N(0, 0.5): P(odds < 0.80) = P(z < -0.446) = 0.33, far above the 0.15 that rules it out
    assert found["odds_ratio"][0] == pytest.approx(1.0)
    assert found["prob_better"][0] == pytest.approx(0.5)
    assert found["prob_much_better"][0] == pytest.approx(0.33, abs=0.02)


def test_planted_odds_are_recovered_and_classed():
    spells = prepare_spells(
        invent_spells(5, n_lines=1, n_spells=400, odds={(0, 0): 0.45, (0, 1): 2.0}), OUTCOMES
    )
    who = sorted(spells["consultant_code"].unique())
    table = review_outcomes(spells, OUTCOMES, who).table.set_index("consultant_code")
    assert table.loc[who[0], "benefit"] == "better"
    assert table.loc[who[1], "benefit"] == "worse"
    assert table.loc[who[0], "odds_low"] < 0.5 < 1
    assert table.loc[who[1], "odds_low"] > 1


@pytest.mark.parametrize(("n", "expected"), [(20, "inconclusive"), (3000, "no_better")])
def test_the_same_rate_as_peers_is_no_better_only_when_many_patients_say_so(n, expected):
    # two consultants, one event in ten each: the benefit is ruled out by 3,000 patients, not by 20
    event = np.tile([1.0] + [0.0] * 9, n // 5)
    spells = pd.DataFrame(
        {
            "consultant_code": ["A"] * n + ["B"] * n,
            "value_complication": event,
            "expected_complication": 0.1,
        }
    )
    found = review_outcomes(spells, ("complication",), ["A", "B"])
    assert found.table["benefit"].tolist() == [expected] * 2
    assert found.by_measure["observed"].tolist() == [n / 10] * 2
    assert found.by_measure["expected"].round(6).tolist() == [n / 10] * 2
    assert found.by_measure["over_expected"].round(6).tolist() == [1.0] * 2


def test_events_over_expected_have_the_exact_interval():
    spells = pd.DataFrame(
        {
            "consultant_code": ["A"] * 50 + ["B"] * 50,
            "value_complication": [1.0] * 10 + [0.0] * 90,
            "expected_complication": 0.1,
        }
    )
    rows = review_outcomes(spells, ("complication",), ["A", "B"]).by_measure
    # 10 and 0 events where 5 are expected: Garwood 4.795 to 18.390 and 0 to 3.689, each over 5
    assert rows["over_expected"].tolist() == pytest.approx([2.0, 0.0])
    assert rows["over_low"].tolist() == pytest.approx([4.795 / 5, 0.0], abs=1e-3)
    assert rows["over_high"].tolist() == pytest.approx([18.390 / 5, 3.689 / 5], abs=1e-3)


def test_risks_are_set_to_the_level_of_the_line():
    event = np.array([1.0] * 20 + [0.0] * 80)
    risk = estimate_risk(event, np.full(100, 0.05))
    # 20 events in 100: a given risk of 5% for all becomes 20%
    assert risk == pytest.approx(np.full(100, 0.20))


def test_a_missing_risk_is_fitted_to_casemix():
    spells = prepare_spells(invent_spells(6, n_lines=1), OUTCOMES)
    spells["hrg"] = np.where(spells.index % 2 == 0, "AA10Z", "BB20Z")
    event = ((spells.index % 2 == 0) & (spells.index % 10 < 4)).astype(float)
    risk = estimate_risk(np.asarray(event), np.full(len(spells), np.nan), read_line_cases(spells))
    # 2 of every 5 in AA10Z, none in BB20Z
    assert risk[::2].mean() == pytest.approx(0.4, abs=0.01)
    assert risk[1::2].mean() < 0.01


def test_a_death_in_hospital_cannot_be_readmitted():
    raw = invent_spells(1, n_lines=1).head(2).assign(discharge_method=["4", "1"])
    ready = prepare_spells(raw, OUTCOMES)
    assert ready["value_readmit_30d"].isna().tolist() == [True, False]
    assert ready["value_complication"].notna().all()


def test_without_measures_benefit_is_unknown():
    spells = prepare_spells(invent_spells(1, n_lines=1))
    assert review_outcomes(spells, (), ["C0000000"]).table["benefit"].tolist() == ["unknown"]
