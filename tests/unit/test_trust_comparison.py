"""Trusts beside each other: worked examples, a planted slope, and what cannot be said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.cli import build_parser, compare_if_possible, main
from helpers.comparison.slopes import fit_slopes
from helpers.comparison.trusts import compare_lines, compare_trusts, total_subsidy
from helpers.errors import InputError
from helpers.report.exhibits import show_links
from helpers.report.tables.comparison import arrange_slopes
from helpers.report.words.comparison import describe_ranges, describe_slopes, describe_trusts
from helpers.run import open_run
from helpers.sources.report_folders import REPORT_TABLES, find_reports

YEAR_END = pd.Timestamp("2025-03-31")


def make_tables(*, surplus=(300, -100, -50), income=(2_000, 1_000, 1_000), adopted="2015-03-31"):
    """Return the tables of a trust with three lines, in pence; the first was adopted, others never."""
    lines = ["A", "B", "C"]
    review = pd.DataFrame(
        {
            "line_id": ["A"] * 6, "measure": ["cost"] * 3 + ["los"] * 3, "n": [50, 50, 3, 50, 50, 50],
            "flag": ["outlier", "none", "not_tested", "none", "none", "none"],
            "ratio": [1.4, 1.0, np.nan, np.e, 1.0, 1 / np.e],
        }
    )  # fmt: skip
    by_price = pd.DataFrame(
        {"rule_id": "r", "income_basis": "price", "line_id": lines, "surplus_pence": surplus}
    )
    by_contract = by_price.assign(income_basis="contract", surplus_pence=[150, -200, 200])
    return {
        "service_line_position": pd.DataFrame(
            {
                "line_id": lines, "line_name": lines, "income_pence": income, "surplus_pence": surplus,
                "sign_label": ["stable", "rule_dependent", "stable"],
            }
        ),
        "rule_sensitivity": pd.concat([by_price, by_contract]),
        "consultant_review": review,
        "saving": pd.DataFrame(
            {"line_id": ["TOTAL"], "saving_pence": [70], "ci_low_pence": [40], "ci_high_pence": [90]}
        ),
        "credibility": pd.DataFrame(
            {
                "line_id": lines, "traced_pence": [30, 0, 0], "averaged_pence": [0, 10, 0],
                "apportioned_pence": [0, 0, 10], "score": [0.9, 0.5, 0.3],
            }
        ),
        "clean_service_lines": pd.DataFrame(
            {"line_id": lines, "adopted_slm_date": pd.to_datetime([adopted, None, None])}
        ),
    }  # fmt: skip


def test_a_trust_in_one_row():
    row = compare_trusts({"R0A": make_tables()}).iloc[0]
    # surpluses 300, deficits 150: 150 of 4,000 income; as contracted 350 and 200: 200 of 4,000
    assert (row["subsidy_pence"], row["subsidy_prop"]) == (150, 0.0375)
    assert (row["subsidy_low_prop"], row["subsidy_high_prop"]) == (0.0375, 0.05)
    assert (row["n_tested"], row["n_outliers"]) == (2, 1)  # the third was not tested
    assert row["credibility_score"] == pytest.approx((30 * 0.9 + 10 * 0.5 + 10 * 0.3) / 50)
    assert row["traced_prop"] == 0.6
    assert row["stay_spread"] == pytest.approx(1)  # logs 1, 0, -1
    assert (row["saving_low_pence"], row["saving_pence"], row["saving_high_pence"]) == (40, 70, 90)
    assert (row["n_surplus"], row["n_rule_dependent"]) == (1, 1)


def test_years_run_from_adoption_to_the_end_of_the_year():
    lines = compare_lines({"R0A": make_tables()}, YEAR_END)
    assert lines["slm_years"].tolist() == pytest.approx([3653 / 365.25, 0, 0])
    assert lines["margin_prop"].tolist() == [0.15, -0.1, -0.05]
    assert lines["imbalance_prop"].tolist() == [0.15, 0.1, 0.05]
    assert lines["outlier_prop"].tolist()[0] == 0.5 and lines["outlier_prop"].isna().sum() == 2


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=30))
def test_no_more_is_paid_than_is_earned_or_needed(surplus):
    paid = total_subsidy(pd.Series(surplus))
    assert 0 <= paid <= sum(one for one in surplus if one > 0)
    assert paid <= -sum(one for one in surplus if one < 0)
    assert paid == total_subsidy(pd.Series([-one for one in surplus]))


def make_lines(n_trusts: int, slope: float, noise: float, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    trust = np.repeat([f"T{i:02}" for i in range(n_trusts)], 20)
    years = random.uniform(0, 12, len(trust))
    level = np.repeat(random.normal(0, 5, n_trusts), 20)  # trusts differ far more than lines
    measure = level + slope * years + random.normal(0, noise, len(trust))
    return pd.DataFrame(
        {
            "trust": trust, "slm_years": years, "imbalance_prop": measure, "stay_spread": np.nan,
            "outlier_prop": 0.0, "credibility_score": 0.5,
        }
    )  # fmt: skip


def test_a_planted_slope_is_found_within_its_interval():
    found = fit_slopes(make_lines(12, 0.03, 0.2)).set_index("measure").loc["imbalance_prop"]
    assert found["ci_low"] < 0.03 < found["ci_high"]
    assert found["ci_low"] > 0


def test_the_interval_covers_no_difference_about_as_often_as_it_says():
    missed = 0
    for seed in range(200):
        found = fit_slopes(make_lines(8, 0.0, 0.2, seed)).set_index("measure").loc["imbalance_prop"]
        missed += not found["ci_low"] <= 0 <= found["ci_high"]
    assert missed <= 22  # 5% of 200 is 10; more than 22 has a chance below 1 in 1,000


@pytest.mark.parametrize("lines", [make_lines(2, 0.03, 0.1), make_lines(5, 0, 0.1).assign(slm_years=3.0)])  # fmt: skip
def test_too_few_trusts_or_equal_years_give_no_slope_and_say_so(lines):
    slopes = fit_slopes(lines)
    assert slopes["slope"].isna().all()
    assert all(
        "no slope, because fewer than 3 trusts" in words for words in describe_slopes(slopes)
    )


def test_words():
    trusts = compare_trusts({"R0A": make_tables(), "R0B": make_tables(surplus=(900, -600, -50))})
    assert describe_trusts(trusts).startswith("2 trusts have a report for this year.")
    # R0A 3.75% to 5%; R0B 16.25% at price, but 5% as contracted: its range reaches down to R0A's
    assert describe_ranges(trusts).startswith("In 0 of 1 pair of trusts the ranges do not meet")
    assert describe_ranges(trusts.head(1)) == "One trust alone cannot be compared."


def test_links_stay_inside_and_are_escaped():
    html = show_links([("<b>Trust</b>", "R0A/2024-25/index.html")])._repr_html_()
    assert "&lt;b&gt;Trust" in html and 'href="R0A/2024-25/index.html"' in html
    for place in ("https://example.org", "javascript:alert(1)", "/etc/passwd"):
        with pytest.raises(ValueError, match="inside the folder"):
            show_links([("x", place)])


def test_without_reports_it_says_what_to_do(tmp_path, capsys):
    assert main(["comparison", "--out", str(tmp_path)]) == 2
    assert "There are no reports for 2024-25" in capsys.readouterr().err
    assert not (tmp_path / "index.html").exists()


def test_reports_that_cannot_be_compared_are_no_failure_of_reports(tmp_path, capsys):
    """A report from line drivers holds no consultants: `reports` says so, and goes on to its code."""
    folder = tmp_path / "R0A" / "2024-25"
    (folder / "tables").mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    compare_if_possible(build_parser().parse_args(["reports", "--out", str(tmp_path)]))
    told = capsys.readouterr().out
    assert told.startswith("There is no comparison of trusts.") and "hold the tables" in told
    assert not (tmp_path / "index.html").exists()


def test_reports_are_found_without_reading_their_tables(tmp_path):
    tables = tmp_path / "R0A" / "2024-25" / "tables"
    tables.mkdir(parents=True)
    (tables.parent / "run.json").write_text("{}")
    for name in REPORT_TABLES:
        (tables / f"{name}.parquet").write_text("no table at all")
    run = open_run(trust="XYZ", out=tmp_path, data=tmp_path / "data")
    assert list(find_reports(run)) == ["R0A"]
    (tables / "saving.parquet").unlink()
    with pytest.raises(InputError, match="hold the tables"):
        find_reports(run)


def test_slopes_are_written_to_four_decimals_and_a_missing_one_as_a_dash():
    slopes = pd.DataFrame(
        {"measure": ["a", "b"], "slope": [0.0013, float("nan")], "ci_low": [-0.0004, float("nan")],
         "ci_high": [0.003, float("nan")]}
    )  # fmt: skip
    table = arrange_slopes(slopes, {"a": "Alpha", "b": "Beta"})
    assert table.loc[0, ["words", "slope", "ci_low", "ci_high"]].tolist() == [
        "Alpha", "+0.0013", "−0.0004", "+0.0030",
    ]  # fmt: skip
    assert table.loc[1, "slope"] == "–"
