"""Published figures compared: each sum by hand, planted truths recovered, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from helpers.engine import open_engine
from helpers.outliers.multiplicity import adjust_p_values
from helpers.published.cells import CELLS, place_currencies
from helpers.published.checks import check_cells, compare_totals, list_checks
from helpers.published.compare import (
    choose_basis,
    choose_factors,
    compare_with_nation,
    index_lines,
    index_organisations,
    measure_index,
)
from helpers.published.prices import add_prices, find_positions, total_subsidy
from helpers.published.review import (
    flag_currencies,
    judge_units,
    measure_spreads,
    review_currencies,
    split_spreads,
)
from helpers.published.stays import find_stays
from helpers.published.trusts import add_limits, choose_peers, find_noise
from organisation_file import NOISE, SPREAD, make_organisations

PRICES = pd.DataFrame(
    [
        ("PLANNED", "HN22A", "", 5_000.0), ("NEL", "HN22A", "", 6_000.0), ("NES", "HN22A", "", 1_200.0),
        ("OPROC", "HN22A", "", 0.0), ("OP", "WF01A", "110", 70.0), ("EM12", "VB02Z", "", 410.0),
        ("EM3", "VB02Z", "", 85.0), ("IMAG", "RD01A", "", 114.0), ("OTHER", "SB11Z", "", 129.0),
    ],
    columns=["basis", "currency_code", "treatment_function_code", "price_gbp"],
)  # fmt: skip


def make_cells(*rows: tuple) -> pd.DataFrame:
    """Rows of setting, service, currency, activity, cost in pounds."""
    columns = ["setting", "service_code", "currency_code", "activity", "cost_gbp"]
    frame = pd.DataFrame(rows, columns=columns).astype({"activity": "float64"})
    pence = (frame["cost_gbp"] * 100).round().astype("int64")
    return frame.assign(line_id="MUSCLE", cost_pence=pence, cost_only_pence=0)


def price(*row: object, factor: float = 1.0) -> tuple:
    """Return income in pence and why there is none, for setting, service, currency, activity, cost."""
    one = add_prices(make_cells(row), PRICES, factor=factor).iloc[0]
    return (None if pd.isna(one["income_pence"]) else int(one["income_pence"])), one["why_unpriced"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("EL", "110", "HN22A", 2, 1), (1_000_000, "")),
        (
            ("DC", "110", "HN22A", 2, 1),
            (1_000_000, ""),
        ),  # one price for a day case and a planned stay
        (("NEL", "110", "HN22A", 2, 1), (1_200_000, "")),
        (("NES", "110", "HN22A", 2, 1), (240_000, "")),  # the reduced price, not the full one
        (("OPROC", "110", "HN22A", 2, 1), (0, "")),  # a price of nothing is a price
        (("RP", "110", "HN22A", 2, 1), (None, "setting")),
        (("EL", "110", "HN99Z", 2, 1), (None, "currency")),
        (("CL", "110", "WF01A", 2, 1), (14_000, "")),
        (("CL", "300", "WF01A", 2, 1), (None, "currency")),
        (("NCL", "110", "WF01A", 2, 1), (None, "setting")),
        (("OUT", "", "WF01A", 2, 1), (None, "mixed")),
        (("MIXED", "", "HN22A", 2, 1), (None, "mixed")),
        (("EM", "T01A", "VB02Z", 2, 1), (82_000, "")),
        (("EM", "", "VB02Z", 2, 1), (82_000, "")),
        (("EM", "T03NA", "VB02Z", 2, 1), (17_000, "")),  # minor injuries
        (("IMAG", "IMAGOP", "RD01A", 2, 1), (22_800, "")),
        (("CHEM", "", "SB11Z", 2, 1), (25_800, "")),
        (("EL", "110", "HN22A", np.nan, 1), (None, "activity")),
    ],
)
def test_each_setting_is_paid_from_its_own_list(row, expected):
    assert price(*row) == expected


def test_income_is_activity_times_price_times_factor_to_the_penny():
    """473 x £410 x 1.046225 = £202,894.41425, which is £202,894.41."""
    assert price("EM", "T01A", "VB02Z", 473, 1, factor=1.046225) == (20_289_441, "")


def test_cost_without_activity_stays_unpriced():
    cells = make_cells(("EL", "110", "HN22A", 2, 300)).assign(cost_only_pence=10_000)
    priced = add_prices(cells, PRICES, factor=1.0)
    assert priced["priced_cost_pence"].tolist() == [20_000]


def make_positions(*lines: tuple[str, int, int | None]) -> pd.DataFrame:
    """Lines with cost and income in pence; without income a line is unpriced."""
    frame = pd.DataFrame(lines, columns=["line_id", "cost_pence", "income_pence"])
    frame["income_pence"] = frame["income_pence"].astype("Int64")
    priced = frame["cost_pence"].where(frame["income_pence"].notna(), 0).astype("int64")
    return find_positions(frame.assign(priced_cost_pence=priced), "line_id")


def test_margins_at_price_and_in_proportion():
    """Cost 600, income 100 + 200 = 300. In proportion A gets 600 x 1/3 = 200 and B 400.

    A: 100 - 300 = -200 and 200 - 300 = -100: short on both. B: 200 - 300 = -100 but 400 - 300 = +100.
    """
    found = make_positions(("A", 300, 100), ("B", 300, 200), ("C", 50, None)).set_index("line_id")
    assert found["margin_pence"].tolist() == [-200, -100, 0]
    assert found["level_margin_pence"].tolist() == [-100, 100, 0]
    assert found["sign_label"].tolist() == ["stable", "depends", "none"]
    assert found["unpriced_cost_pence"].tolist() == [0, 0, 50]


def test_the_cross_subsidy_is_the_smaller_of_surpluses_and_deficits():
    found = make_positions(("A", 300, 400), ("B", 300, 50), ("C", 300, 290))
    assert total_subsidy(found, "margin_pence") == {
        "surpluses_pence": 100, "deficits_pence": 260, "subsidy_pence": 100,
    }  # fmt: skip


amounts = st.integers(min_value=0, max_value=10**12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=8))
def test_margins_in_proportion_add_up_to_nothing_whatever_is_paid(pairs):
    lines = [(f"L{at}", cost, income) for at, (cost, income) in enumerate(pairs)]
    found = make_positions(*lines)
    total = sum(income for _, income in pairs)
    expected = 0 if total else -sum(cost for cost, _ in pairs)
    assert int(found["level_margin_pence"].sum()) == expected
    assert int(found["margin_pence"].sum()) == total - sum(cost for cost, _ in pairs)


def test_doubling_every_price_leaves_margins_in_proportion_as_they_are():
    once = make_positions(("A", 301, 100), ("B", 300, 200))
    twice = make_positions(("A", 301, 200), ("B", 300, 400))
    assert once["level_margin_pence"].tolist() == twice["level_margin_pence"].tolist()


CELL = {
    "year": "2022/23", "service_code": "", "cost_only_pence": 0, "bed_days": np.nan, "length_of_stay": np.nan,
    "is_adjusted": False, "line_id": "MUSCLE", "setting": "EL",
}  # fmt: skip


def open_cells(db, rows: list[dict], factors: dict[str, float]) -> None:
    frame = pd.DataFrame([CELL | row for row in rows])
    kinds = {
        "activity": "float64",
        "cost_pence": "int64",
        "bed_days": "float64",
        "length_of_stay": "float64",
    }
    db.add_frame(CELLS, frame.astype(kinds))
    db.add_frame(
        "published_factors",
        pd.DataFrame({"org_code": list(factors), "factor": list(factors.values())}),
    )


def cell(org: str, currency: str, activity: float, pounds: float, **more: object) -> dict:
    return {
        "org_code": org,
        "currency_code": currency,
        "activity": activity,
        "cost_pence": round(pounds * 100),
        **more,
    }


def test_against_a_schedule_expected_cost_is_activity_times_mean_times_own_factor_over_the_usual():
    """England £1,000 for 10 is £100; without its usual factor 1.1, £90.91. Own factor 1.21:
    5 x 90.909... x 1.21 = £550."""
    with open_engine() as db:
        open_cells(
            db,
            [cell("ENGLAND", "HN22A", 10, 1_000), cell("RAA", "HN22A", 5, 660)],
            {"ENGLAND": 1.1, "RAA": 1.21},
        )
        assert compare_with_nation(db) == "schedule"
        own = db.frame("SELECT * FROM published_compared WHERE org_code = 'RAA'").iloc[0]
    assert (own["expected_pence"], own["compared_at"]) == (55_000, "service")
    assert own["mean_gbp"] == pytest.approx(1_000 / 11)


def test_among_many_trusts_the_mean_leaves_out_the_trust_itself():
    """20 trusts: 19 at £100 for one, one at £500. The one expects £100; another (18 x 100 + 500) / 19."""
    rows = [cell(f"Z{at:02d}", "HN22A", 1, 500 if at == 0 else 100) for at in range(20)]
    with open_engine() as db:
        open_cells(db, rows, {row["org_code"]: 1.0 for row in rows})
        assert compare_with_nation(db) == "organisations"
        expected = db.frame("SELECT org_code, expected_pence FROM published_compared").set_index(
            "org_code"
        )
    assert expected["expected_pence"]["Z00"] == 10_000
    assert expected["expected_pence"]["Z05"] == round((18 * 100 + 500) / 19 * 100)


def test_another_service_of_the_currency_stands_in_where_nobody_else_has_this_one():
    rows = [cell(f"Z{at:02d}", "HN22A", 1, 100, service_code="110") for at in range(20)]
    rows += [cell("Z00", "HN22A", 1, 900, service_code="999"), cell("Z00", "QQ10A", 1, 50)]
    with open_engine() as db:
        open_cells(db, rows, {f"Z{at:02d}": 1.0 for at in range(20)})
        compare_with_nation(db)
        own = db.frame(
            "SELECT * FROM published_compared WHERE org_code = 'Z00' ORDER BY cost_pence"
        )
    assert own["compared_at"].tolist() == ["none", "service", "setting"]
    assert own["expected_pence"].tolist()[1:] == [10_000, 10_000] and pd.isna(
        own["expected_pence"][0]
    )


def test_a_cost_that_is_adjusted_already_is_not_adjusted_again():
    rows = [
        cell("ENGLAND", "HN22A", 10, 1_000, is_adjusted=True),
        cell("RAA", "HN22A", 5, 500, is_adjusted=True),
    ]
    with open_engine() as db:
        open_cells(db, rows, {"ENGLAND": 1.1, "RAA": 1.5})
        compare_with_nation(db)
        assert (
            db.frame("SELECT expected_pence FROM published_compared WHERE org_code = 'RAA'").iloc[
                0, 0
            ]
            == 50_000
        )


def test_a_file_of_few_trusts_is_no_nation():
    assert [choose_basis(19, 0), choose_basis(19, 1), choose_basis(20, 1)] == [
        "none",
        "schedule",
        "organisations",
    ]
    with open_engine() as db:
        open_cells(
            db,
            [cell("RAA", "HN22A", 5, 500), cell("RAB", "HN22A", 5, 500)],
            {"RAA": 1.0, "RAB": 1.0},
        )
        assert compare_with_nation(db) == "none"
        assert index_lines(db, "RAA").empty and index_organisations(db).empty


def test_factors_are_of_the_nearest_year_and_the_mean_where_there_is_none():
    given_factors = pd.DataFrame(
        {
            "org_code": ["RAA", "RAA", "RAB"],
            "year": ["2022/23", "2023/24", "2023/24"],
            "factor": [1.0, 1.2, 1.1],
        }
    )
    found = choose_factors(
        given_factors, year="2024/25", organisations=["RAA", "RAB", "RAC"]
    ).set_index("org_code")
    assert found["factor"].tolist() == pytest.approx([1.2, 1.1, 1.15])
    assert found["is_own"].tolist() == [True, True, False]
    assert found["factor_year"].tolist() == ["2023/24", "2023/24", ""]
    assert choose_factors(given_factors.iloc[:0], year="2024/25", organisations=["RAA"])[
        "factor"
    ].tolist() == [1.0]


def make_index_rows(observed: list[int], expected: list[int]) -> pd.DataFrame:
    codes = [f"C{at}" for at in range(len(observed))]
    return pd.DataFrame(
        {
            "line_id": "A",
            "currency_code": codes,
            "observed_pence": observed,
            "expected_pence": expected,
        }
    )


def test_an_index_and_its_interval_by_hand():
    """O 120 + 80 x 4 = 440 against 500: 0.88. Residuals 120 - 88 = 32 and 80 - 88 = -8 four times:
    squares 1,024 + 256 = 1,280; variance 1,280 / 500^2 x 5 / 4 = 0.0064, error 0.08, on the log scale
    0.08 / 0.88; t with 4 degrees 2.776."""
    found = measure_index(make_index_rows([120, 80, 80, 80, 80], [100] * 5), ["line_id"]).iloc[0]
    assert (found["n_currencies"], found["index_ratio"]) == (5, pytest.approx(0.88))
    assert found["log_error"] == pytest.approx(0.08 / 0.88)
    reach = 2.7764451 * 0.08 / 0.88
    assert (found["ci_low"], found["ci_high"]) == pytest.approx(
        (0.88 * np.exp(-reach), 0.88 * np.exp(reach))
    )


def test_four_currencies_have_no_interval():
    found = measure_index(make_index_rows([1, 2, 3, 4], [2, 2, 2, 2]), ["line_id"]).iloc[0]
    assert found["index_ratio"] == 1.25 and pd.isna(found["ci_low"])


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Indices of 400 trusts of 40 currencies, each currency with its own effect; 95% should hold 1."""
    rng = np.random.default_rng(3)
    expected = rng.gamma(2, 50_000, (400, 40))
    observed = expected * np.exp(
        rng.normal(-0.02, 0.2, (400, 40))
    )  # mean of exp(N(-0.02, 0.2^2)) is 1
    rows = pd.DataFrame(
        {
            "org_code": np.repeat(np.arange(400).astype(str), 40), "currency_code": np.tile(np.arange(40).astype(str), 400),
            "observed_pence": observed.ravel(), "expected_pence": expected.ravel(),
        }
    )  # fmt: skip
    found = measure_index(rows, ["org_code"])
    covered = ((found["ci_low"] <= 1) & (found["ci_high"] >= 1)).mean()
    assert 0.91 <= covered <= 0.98


@pytest.fixture(scope="module")
def invented():
    """60 invented trusts in the engine, compared; with the truth that went in."""
    rows, truth = make_organisations(n_orgs=60, n_currencies=60, n_planted=12, seed=5)
    db = open_engine()
    frame = rows.rename(
        columns={
            "org": "org_code",
            "department": "setting",
            "service": "service_code",
            "currency": "currency_code",
        }
    )
    frame = frame.assign(cost_pence=(frame["cost"] * 100).round().astype("int64"))
    keys = ["org_code", "setting", "service_code", "currency_code"]
    cells = frame.groupby(keys, as_index=False)[["activity", "cost_pence"]].sum()
    records = cells.assign(**{key: value for key, value in CELL.items() if key not in cells})
    db.add_frame(
        CELLS,
        records.astype({"activity": "float64", "bed_days": "float64", "length_of_stay": "float64"}),
    )
    factors = truth.factors.rename_axis("org_code").rename("factor").reset_index()
    db.add_frame("published_factors", factors)
    compare_with_nation(db)
    yield db, truth
    db.close()


def test_planted_unit_costs_are_found_and_little_else(invented):
    """12 currencies of 60 trusts cost three times the usual; names are at 10% false discoveries."""
    db, truth = invented
    spreads = measure_spreads(db)
    flags = []
    for org in truth.factors.index:
        found = review_currencies(db, spreads, org)
        flags.append(
            flag_currencies(found, adjust_p_values(found["p_value"].to_numpy())).assign(org=org)
        )
    flags = pd.concat(flags)
    named = flags[flags["flag"] != ""]
    pairs = pd.Series(
        list(zip(named["org"], named["setting"], named["currency_code"], strict=True))
    )
    planted = set(truth.planted.itertuples(index=False, name=None))
    assert len(planted & set(pairs[named["flag"].to_numpy() == "dearer"])) >= 0.9 * len(planted)
    # With nothing to find a trust has a false name with probability 0.10: of 60 at most 14 (99.9%).
    assert named.loc[~pairs.isin(planted).to_numpy(), "org"].nunique() <= 14


def test_the_spread_between_trusts_and_chance_are_told_apart(invented):
    """Two services of one currency are added up, so its spread is between 0.15 / sqrt(2) and 0.15."""
    db, _ = invented
    spreads = measure_spreads(db)
    assert SPREAD / np.sqrt(2) * 0.8 < spreads["spread"].median() < SPREAD * 1.2
    assert 0.3 * NOISE < spreads["noise"].iloc[0] < 3 * NOISE


def test_every_trusts_index_is_near_one_after_its_own_factor(invented):
    """Effects are 0.15 a currency: an index over 300 of them cannot be far from 1, whatever the factor."""
    db, truth = invented
    index = index_organisations(db).set_index("org_code")["index_ratio"]
    assert index.between(0.85, 1.2).all()
    assert abs(np.corrcoef(index, truth.factors.reindex(index.index))[0, 1]) < 0.35


def test_a_unit_costs_ratio_and_shrinking_by_hand():
    """Ratio e^0.4, spread 0.2 (variance 0.04), noise 1 over 25 (0.04): z = 0.4 / sqrt(0.08), half is kept.

    £1,000 of cost, 0.2 kept: 1,000 x (1 - e^-0.2) = £181.27.
    """
    row = pd.DataFrame(
        {
            "log_ratio": [0.4],
            "noise": [1.0],
            "activity": [25.0],
            "spread": [0.2],
            "degrees": [1e9],
            "cost_pence": [100_000],
        }
    )
    found = judge_units(row).iloc[0]
    assert found["shrunk_ratio"] == pytest.approx(np.exp(0.2))
    assert found["excess_pence"] == 18_127
    assert found["p_value"] == pytest.approx(0.1572992, rel=1e-6)  # 2 x (1 - Phi(sqrt 2))
    assert found["ci_high"] == pytest.approx(np.exp(0.4 + 1.959964 * 0.2))


def test_small_differences_are_not_named_however_sure():
    rows = pd.DataFrame({"shrunk_ratio": [1.14, 1.16, 0.86, 0.88, 1.5]})
    q = np.array([0.0, 0.0, 0.0, 0.0, 0.2])
    assert flag_currencies(rows, q)["flag"].tolist() == ["", "dearer", "cheaper", "", ""]


def test_chance_is_the_slope_between_small_and_large():
    """Variance 0.09 at 1/n = 0.05 and 0.05 at 0.01: slope 1, and 0.07 - 1 x 0.03 = 0.04 is left."""
    halves = pd.DataFrame(
        {"setting": ["EL"], "currency_code": ["A"], "n_orgs": [20], "v_all": [0.07], "c_all": [0.03],
         "v_small": [0.09], "c_small": [0.05], "v_large": [0.05], "c_large": [0.01]}
    )  # fmt: skip
    found = split_spreads(halves).iloc[0]
    assert (found["noise"], found["spread"]) == (pytest.approx(1.0), pytest.approx(0.2))


def test_peers_do_the_same_things_and_are_of_like_size():
    """B shares 90% with A, C all of it but is four times as large, D shares nothing."""
    expected = pd.DataFrame(
        {"X": [90.0, 80.0, 360.0, 0.0], "Y": [10.0, 20.0, 40.0, 100.0]}, index=["A", "B", "C", "D"]
    )
    found = choose_peers(expected)
    own = found[found["org_code"] == "A"]
    assert own["peer_code"].tolist() == ["B", "D"]
    assert own["distance_prop"].tolist() == pytest.approx([0.1, 0.9])


def test_limits_widen_for_small_trusts():
    """Noise 1,000 at £1m is 1, at £100m 0.1; with a variance of 0.01 between trusts sqrt(0.02)."""
    index = pd.DataFrame(
        {
            "index_ratio": [1.3, 1.5],
            "expected_pence": [10_000_000_000, 10_000_000_000],
            "log_error": [0.1, 0.1],
        }
    )
    assert find_noise(index) == pytest.approx(1_000)
    found = add_limits(index, noise=1_000.0, tau2=0.01, z95=1.96, z998=3.09)
    assert found["high_95"][0] == pytest.approx(np.exp(1.96 * np.sqrt(0.02)))
    assert found["place"].tolist() == ["inside", "between"]


def test_stays_against_the_nation_by_hand():
    """England 100 days for 20 is 5; the trust's 4 episodes took 30 days where 4 x 5 = 20 are expected."""
    rows = [
        cell("ENGLAND", "HN22A", 20, 1, bed_days=100.0), cell("RAA", "HN22A", 4, 1, bed_days=30.0),
        cell("RAA", "HN22B", 9, 1),
    ]  # fmt: skip
    with open_engine() as db:
        open_cells(db, rows, {"ENGLAND": 1.0, "RAA": 1.0})
        found = find_stays(db, "RAA", reference="ENGLAND")
    assert found[["days", "expected_days", "episodes"]].values.tolist() == [[30.0, 20.0, 4.0]]


def test_the_longest_beginning_of_a_currencys_own_list_wins():
    rules = pd.DataFrame(
        {
            "shape": ["hrg", "hrg", "other"],
            "prefix": ["R", "RD", "R"],
            "line_id": ["ONE", "TWO", "THREE"],
            "setting": ["", "IMAG", ""],
        }
    )
    found = place_currencies(pd.Series(["RC01A", "RD01A", "R1", "Q"]), rules)
    assert found["line_id"].tolist() == ["ONE", "TWO", "THREE", "OTHER"]


def test_pounds_set_aside_are_not_lost():
    accounts = pd.DataFrame(
        {"reason": ["", "not_own"], "cost_pence": pd.array([70, 30], dtype="Int64")}
    )
    assert list_checks(check_cells(accounts, 70, 5, 5))["passed"].all()
    assert not list_checks(check_cells(accounts, 69, 5, 5))["passed"].all()


def test_a_stated_total_is_held_against_the_rows_of_its_sheet():
    stated = pd.DataFrame(
        [("f", "Index", "EL", "total cost", 900.0, np.nan), ("f", "Index", "EL", "unit cost", 250.0, np.nan),
         ("f", "Index", "ZZ", "activity", 1.0, np.nan)],
        columns=["file", "sheet", "item", "measure", "stated", "recomputed"],
    )  # fmt: skip
    sums = pd.DataFrame(
        {"file": ["f"], "department_code": ["EL"], "activity": [3.0], "cost_gbp": [900.0]}
    )
    found = compare_totals(stated, sums)
    assert found[["measure", "recomputed", "agrees"]].values.tolist() == [
        ["total cost", 900.0, True], ["unit cost", 300.0, False],
    ]  # fmt: skip
    assert student.ppf(0.975, 4) == pytest.approx(2.7764451)  # the quantile used above
