"""Gains that patients report, and whether they found the care good, beside cost."""

import numpy as np
import pandas as pd
import pytest

from helpers.outliers.consultants import review_consultants
from helpers.outliers.line_cases import read_line_cases
from helpers.outliers.outcomes import GRID, PRIOR_SD, review_outcomes, summarise_odds
from helpers.outliers.scores import estimate_score, review_score
from helpers.outliers.spells import FRIENDS_AND_FAMILY, prepare_spells
from helpers.report.tables.outliers import OUTCOME_COLUMNS, write_outcomes
from unit.review_trust import invent_spells, make_sample, name_consultants

GAIN = "prom_gain"
SCALE = np.pi / np.sqrt(3)


def add_gain(spells, *, gains=None, sd=10.0, share=1.0, seed=1):
    """Add a gain of 20 points in each HRG's own manner, and ``gains`` by place of consultant."""
    rng = np.random.default_rng(seed)
    places = pd.factorize(spells["consultant_code"], sort=True)[0]
    own = np.array([(gains or {}).get(int(k), 0.0) for k in places])
    level = 20 + spells["hrg"].str[3].astype(int).to_numpy()
    value = level + own + rng.normal(0, sd, len(spells))
    value[rng.random(len(spells)) > share] = np.nan
    return spells.assign(value_prom_gain=value, expected_prom_gain=np.nan)


def test_a_difference_in_points_becomes_an_odds_ratio_of_a_bad_outcome():
    # 8 patients each; A gains 2 more than expected, B 2 less, and that is all the spread: one sd = 2
    value = np.array([22.0] * 10 + [18.0] * 10)
    found = review_score(np.repeat([0, 1], 10), value, np.full(20, 20.0), 2, GRID)
    assert found.n.tolist() == [10, 10]
    assert found.difference.tolist() == [2.0, -2.0]
    # 2 points with an error of 2 / sqrt(10) = 0.632, times 1.96
    assert [found.low[0], found.high[0]] == pytest.approx([2 - 1.2396, 2 + 1.2396], abs=1e-3)
    # one sd better is a log odds ratio of -1.814, error 1.814 / sqrt(10) = 0.5736; prior sd 0.5:
    # -1.814 x 0.25 / (0.25 + 0.3290) = -0.7832
    weight = PRIOR_SD**2 / (PRIOR_SD**2 + SCALE**2 / 10)
    odds = summarise_odds(found.loglik)["odds_ratio"]
    assert np.log(odds[0]) == pytest.approx(-SCALE * weight, abs=2e-3)
    assert np.log(odds[0]) == pytest.approx(-0.7832, abs=2e-3)
    assert np.log(odds[1]) == pytest.approx(0.7832, abs=2e-3)


def test_a_score_says_nothing_where_few_are_known_or_all_are_as_expected():
    few = review_score(np.zeros(19, dtype=int), np.arange(19.0), np.full(19, 9.0), 1, GRID)
    same = review_score(np.zeros(50, dtype=int), np.full(50, 7.0), np.full(50, 7.0), 1, GRID)
    assert not few.loglik.any()
    assert not same.loglik.any()


def test_expected_scores_are_set_to_the_level_of_the_line():
    # a file that expects 15 of everybody, where 10, 20 and 30 were gained: 15 + 5
    assert (
        estimate_score(np.array([10.0, 20.0, 30.0]), np.full(3, 15.0), None).tolist() == [20.0] * 3
    )


def test_a_missing_expected_score_follows_casemix():
    raw = add_gain(invent_spells(6, n_lines=1), sd=0.0)
    spells = prepare_spells(raw, (GAIN,))
    given = np.full(len(spells), np.nan)
    value = spells["value_prom_gain"].to_numpy()
    # eight HRGs gain 20, 21 ... 27 and nothing else matters
    fitted = estimate_score(value, given, read_line_cases(spells))
    assert fitted == pytest.approx(value, abs=0.01)


def test_planted_gains_decide_the_class():
    raw = add_gain(invent_spells(5, n_lines=1, n_spells=300), gains={0: 6.0, 1: -6.0})
    spells = prepare_spells(raw, (GAIN,))
    who = sorted(spells["consultant_code"].unique())
    found = review_outcomes(spells, (GAIN,), who)
    table = found.table.set_index("consultant_code")["benefit"]
    assert table[who[0]] == "better"
    assert table[who[1]] == "worse"
    # ten consultants gain as peers do: with 300 scores each, none may be called better or worse
    # but by chance (5% each way)
    assert table[who[2:]].isin(["no_better", "inconclusive"]).sum() >= 8
    first = found.by_measure.iloc[0]
    assert first["difference_low"] < 6.0 < first["difference_high"]
    assert first["over_expected"] != first["over_expected"]  # events alone have a ratio
    assert found.risks.empty


def test_a_gain_turns_dear_and_no_better_into_dear_and_better():
    spells = invent_spells(21, planted={(0, 3): 1.4}, n_spells=300)
    consultants = name_consultants(spells)
    plain = review_consultants(make_sample(spells), consultants, seed=1, with_checks=False)
    place = sorted(spells["consultant_code"].unique()).index("C0000003")
    raw = add_gain(spells, gains={place: 8.0})
    with_gain = make_sample(raw, ("readmit_30d", "complication", GAIN))
    found = review_consultants(with_gain, consultants, seed=1, with_checks=False)

    def pick(review):
        rows = review.consultant_review
        chosen = (rows["consultant_code"] == "C0000003") & (rows["measure"] == "cost")
        return rows[chosen].iloc[0]

    assert pick(plain)["flag"] == pick(found)["flag"] == "outlier"
    assert pick(plain)["benefit"] in ("no_better", "inconclusive")
    assert pick(found)["benefit"] == "better"
    assert found.saving["saving_pence"].max() == 0
    assert set(found.outcome_review["outcome"]) == {"readmit_30d", "complication", GAIN}


def test_scores_that_are_all_missing_change_nothing():
    spells = invent_spells(21, planted={(0, 3): 1.4})
    consultants = name_consultants(spells)
    raw = add_gain(spells, share=0.0)
    assert raw["value_prom_gain"].isna().all()
    kept = ("readmit_30d", "complication")
    plain = review_consultants(make_sample(spells), consultants, seed=1, with_checks=False)
    found = review_consultants(
        make_sample(raw, (*kept, GAIN)), consultants, seed=1, with_checks=False
    )
    pd.testing.assert_frame_equal(plain.consultant_review, found.consultant_review)
    pd.testing.assert_frame_equal(plain.saving, found.saving)
    assert set(found.outcome_review["outcome"]) == set(kept)


def test_a_trust_with_nothing_but_missing_scores_does_not_know():
    spells = add_gain(invent_spells(3, n_lines=1), share=0.0)
    who = sorted(spells["consultant_code"].unique())
    found = review_outcomes(prepare_spells(spells, (GAIN,)), (GAIN,), who)
    assert set(found.table["benefit"]) == {"unknown"}
    assert found.by_measure.empty


def test_care_found_good_is_turned_round_into_a_bad_event():
    spells = (
        invent_spells(2, n_lines=1)
        .head(4)
        .assign(value_fft=[1.0, 0.0, np.nan, 1.0], expected_fft=[0.9, 0.9, 0.9, np.nan])
    )
    ready = prepare_spells(spells, (FRIENDS_AND_FAMILY,))
    assert ready["value_fft"].tolist()[:2] == [0.0, 1.0]
    assert ready["value_fft"].isna().tolist() == [False, False, True, False]
    assert ready["expected_fft"].round(6).tolist()[:3] == [0.1] * 3


def test_answers_in_the_national_codes_are_left_out():
    # 1 is very good and 5 very poor there: taken as they stand, the best would be the worst
    spells = invent_spells(2, n_lines=1).head(4)
    ready = prepare_spells(
        spells.assign(value_fft=[1.0, 5.0, 2.0, 1.0], expected_fft=np.nan), (FRIENDS_AND_FAMILY,)
    )
    assert ready["value_fft"].isna().all()


def test_a_score_is_shown_in_points_and_an_event_as_a_ratio():
    raw = add_gain(invent_spells(5, n_lines=1, n_spells=60), gains={0: 6.0})
    spells = prepare_spells(raw, ("complication", GAIN))
    who = sorted(spells["consultant_code"].unique())
    shown = write_outcomes(review_outcomes(spells, ("complication", GAIN), who).by_measure)
    assert set(OUTCOME_COLUMNS) - {"label"} <= set(shown.columns)
    gain = shown[(shown["outcome"] == GAIN) & (shown["consultant_code"] == who[0])].iloc[0]
    assert gain["outcome_words"] == "Gain that patients report (mean score)"
    assert gain["over"].startswith("+")
    event = shown[shown["outcome"] == "complication"].iloc[0]
    assert not event["over"].startswith(("+", "−"))
