"""Stays over the year on an XmR chart, and what their variation goes with."""

import numpy as np
import pandas as pd
import pytest

from helpers.outliers.stay_trend import find_limits, find_signals, trend_stays
from helpers.outliers.stay_variation import split_variation


def test_limits_by_hand():
    # mean 2; moving ranges 2 and 1, mean 1.5; 2.66 x 1.5 = 3.99
    assert find_limits(np.array([1.0, 3.0, 2.0])) == pytest.approx((2.0, -1.99, 5.99))


def test_a_month_beyond_the_limits_and_a_run_are_signals():
    values = np.array([1.0, 1.1, 1.0, 1.1, 1.0, 1.1, 1.0, 1.1, 1.0, 3.0])
    assert find_signals(values)[-1] == "high"
    assert set(find_signals(values)[:-1]) <= {"", "run"}
    # mean 1.107 and limits 0.865 to 1.349: five below the mean, then seven above
    step = np.array([1.0, 1.1, 1.0, 1.1, 1.0, 1.12, 1.2, 1.12, 1.2, 1.12, 1.2, 1.12])
    assert find_signals(step)[5:] == ["run"] * 7
    assert find_signals(np.ones(12)) == [""] * 12


def stays(n_months=12, per_month=30, longer_in=None):
    rows = [
        {"line_id": "L0", "discharge_date": f"2024-{m:02d}-15", "los_days": 4.0 + k % 3 + (6 if m == longer_in else 0)}
        for m in range(1, n_months + 1)
        for k in range(per_month)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_a_month_of_long_stays_is_found_in_the_line_and_the_trust():
    spells = stays(longer_in=6)
    found = trend_stays(spells, np.zeros(len(spells), dtype=int))
    assert found[found["signal"] == "high"][["line_id", "month"]].to_numpy().tolist() == [
        ["L0", "2024-06"],
        ["TRUST", "2024-06"],
    ]
    assert found.groupby("line_id")["observed_days"].sum().eq(spells["los_days"].sum()).all()


@pytest.mark.parametrize("change", [{"n_months": 7}, {"per_month": 19}])
def test_too_few_months_or_stays_are_not_charted(change):
    spells = stays(**change)
    assert trend_stays(spells, np.zeros(len(spells), dtype=int)).empty


def invent(seed, *, consultant_sd=0.0, n=4000):
    rng = np.random.default_rng(seed)
    hrg, who, ward = rng.integers(0, 12, n), rng.integers(0, 20, n), rng.integers(0, 5, n)
    level = rng.normal(1.0, 0.8, 12)[hrg] + rng.normal(0, consultant_sd, 20)[who]
    days = rng.negative_binomial(3, 3 / (3 + np.exp(level))).astype(float)
    as_text = [pd.Series(code).astype("str") for code in (hrg, who, ward)]
    return days, {"casemix": as_text[0]}, {"ward": as_text[2], "consultant": as_text[1]}


def test_variation_that_is_casemix_alone_is_given_to_casemix():
    table = split_variation(*invent(1)).set_index("factor")
    assert table.loc["casemix", "explained_prop"] > 0.95
    assert table.loc["consultant", "explained_prop"] < 0.04


def test_consultants_who_differ_get_their_share():
    table = split_variation(*invent(2, consultant_sd=0.5)).set_index("factor")
    # log variances planted: 0.64 and 0.25, so about 28% of what can be explained
    assert 0.15 < table.loc["consultant", "explained_prop"] < 0.42
    assert table.loc["ward", "explained_prop"] < 0.03


def test_shares_add_up():
    table = split_variation(*invent(3, consultant_sd=0.2)).set_index("factor")
    factors = table.drop(["explained", "unexplained"])
    assert factors["explained_prop"].sum() == pytest.approx(1.0)
    assert factors["all_prop"].sum() == pytest.approx(table.loc["explained", "all_prop"])
    assert table.loc[["explained", "unexplained"], "all_prop"].sum() == pytest.approx(1.0)


def test_noise_explains_nothing_of_new_patients():
    rng = np.random.default_rng(4)
    days = rng.negative_binomial(2, 0.3, 3000).astype(float)
    groups = {"casemix": pd.Series(rng.integers(0, 60, 3000)).astype("str")}
    table = split_variation(days, groups, {}).set_index("factor")
    assert table.loc["explained", "all_prop"] < 0.02


@pytest.mark.parametrize("days", [np.zeros(500), np.full(150, 3.0)])
def test_no_days_or_few_stays_give_no_rows(days):
    groups = {"casemix": pd.Series(["a"] * len(days))}
    assert split_variation(days, groups, {}).empty


def test_equal_stays_are_no_error():
    table = split_variation(np.full(400, 3.0), {"casemix": pd.Series(["a", "b"] * 200)}, {})
    assert table.set_index("factor").loc["explained", "all_prop"] == 0.0
