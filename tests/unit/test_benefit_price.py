"""What better outcomes cost: the excess over the bad outcomes that are avoided."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.outliers.benefit_price import COLUMNS, price_benefit
from helpers.report.words.outliers import describe_benefit_price


def person(code, **more):
    return {
        "line_id": "RESP", "consultant_code": code, "pseudonym": f"Cons-{code}", "measure": "cost",
        "line_name": "Respiratory medicine", "flag": "outlier", "benefit": "better", "excess": 40_000.0,
        "odds_ratio": 0.5, "odds_low": 0.25, "odds_high": 0.75, **more,
    }  # fmt: skip


def outcome(code, name, n, expected):
    return {
        "line_id": "RESP",
        "consultant_code": code,
        "outcome": name,
        "n": n,
        "expected": expected,
    }


OUTCOMES = pd.DataFrame(
    [
        outcome("C1", "readmit_30d", 100, 20.0),
        outcome("C1", "death_30d", 100, 50.0),
        outcome("C1", "fft", 90, 30.0),  # what patients thought is no harm avoided
        outcome("C2", "death_30d", 100, 50.0),
    ]
)


def test_the_price_is_the_excess_over_the_bad_outcomes_avoided():
    found = price_benefit(pd.DataFrame([person("C1")]), OUTCOMES)
    row = found.iloc[0]
    assert list(found.columns) == list(COLUMNS)
    # At half the odds a risk of 1/5 (odds 1/4) becomes 1/9, and one of 1/2 (odds 1) becomes 1/3:
    # 100 x (1/5 - 1/9) + 100 x (1/2 - 1/3) = 8.89 + 16.67 = 25.56 avoided; 40,000 / 25.56 = 1,565.22
    assert row["n_avoided"] == pytest.approx(25.5556, abs=1e-4)
    assert row["price_pence"] == 156_522
    # At a quarter: 1/17 and 1/5: 14.12 + 30 = 44.12; at three quarters: 3/19 and 3/7: 4.21 + 7.14 = 11.35
    assert row["n_avoided_high"] == pytest.approx(44.1176, abs=1e-4)
    assert row["n_avoided_low"] == pytest.approx(11.3534, abs=1e-4)
    assert row["price_low_pence"] == 90_667
    assert row["price_high_pence"] == pytest.approx(100 * 40_000 / 11.3534, abs=10)


def test_nobody_is_priced_whose_patients_do_no_better_or_who_is_not_named():
    others = [
        person("C1", benefit="no_better"),
        person("C2", flag="material"),
        person("C1", measure="los"),
    ]
    found = price_benefit(pd.DataFrame(others), OUTCOMES)
    assert found.empty
    assert describe_benefit_price(found, pd.DataFrame(others)) == ""


def test_an_interval_that_reaches_no_avoided_outcome_has_no_upper_end():
    named = pd.DataFrame([person("C1", odds_high=1.02)])
    found = price_benefit(named, OUTCOMES)
    assert pd.isna(found.at[0, "price_high_pence"])
    words = describe_benefit_price(found, named)
    assert "Cons-C1, Respiratory medicine, costs £40.0k a year more" in words
    assert "about 26 fewer readmissions" in words and "(90% interval £907 to no upper end)" in words


def test_without_events_there_is_no_price_and_a_sentence():
    named = pd.DataFrame([person("C9")])
    found = price_benefit(named, OUTCOMES)
    assert pd.isna(found.at[0, "price_pence"])
    assert "cannot be counted" in describe_benefit_price(found, named)
