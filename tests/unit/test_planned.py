"""Activity beside its plan, by point of delivery."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.inputs import PLANNED_ACTIVITY
from helpers.contracts.terms import MISSED, PODS
from helpers.costing.analysis import make_empty_table
from helpers.costing.planned import compare_activity, describe_plan
from helpers.report.tables import line_detail as tables
from helpers.report.words import line_detail as words

LINES = pd.DataFrame({"line_id": ["TO", "GM"], "line_name": ["Orthopaedics", "Medicine"]})
HRGS = pd.DataFrame(
    [("TO", "EL", "HN22", 60, 300_000), ("TO", "EL", "HN23", 40, 100_000), ("TO", "OPFA", "WF01", 10, 2_000),
     ("GM", "NEL", "DZ11", 50, 150_000), ("GM", "EL", "DZ11", 5, 9_000)],
    columns=["line_id", "pod", "hrg", "n_cases", "income_pence"],
)  # fmt: skip


def plan(*rows: tuple) -> pd.DataFrame:
    names = ["line_id", "month", "activity_el", "activity_nel", "activity_opfu"]
    return pd.DataFrame(rows, columns=names)


YEAR = plan(*(("TO", month, 10.0, None, 1.5) for month in range(1, 13)),
            *(("GM", month, None, 4.0, None) for month in range(1, 13)))  # fmt: skip


def test_a_difference_is_worth_the_mean_income_of_its_kind():
    found = compare_activity(HRGS, YEAR).set_index(["line_id", "pod"])
    # Orthopaedics planned 12 x 10 = 120 elective and did 60 + 40: 20 fewer at 400,000 / 100 = 4,000.
    assert found.loc[("TO", "EL")].tolist() == [120, 100, -20, -80_000]
    # Medicine planned 12 x 4 = 48 and did 50: 2 more at 150,000 / 50 = 3,000.
    assert found.loc[("GM", "NEL")].tolist() == [48, 50, 2, 6_000]
    # What was planned and never done counts nought; nothing tells what it would have earned.
    assert found.loc[("TO", "OPFU")].tolist() == [18, 0, -18, 0]
    # What the plan leaves blank is not planned: no row for Medicine's five elective stays.
    assert sorted(found.index) == [("GM", "NEL"), ("TO", "EL"), ("TO", "OPFU")]


def test_days_in_critical_care_that_nobody_counts_are_not_compared():
    meant = YEAR.assign(activity_cc=2.0)
    assert "CC" not in set(compare_activity(HRGS, meant)["pod"])
    days = pd.DataFrame([("TO", "CC", "XC05Z", 30, 60_000)], columns=HRGS.columns)
    found = compare_activity(pd.concat([HRGS, days]), meant).set_index(["line_id", "pod"])
    assert found.loc[("TO", "CC")].tolist() == [24, 30, 6, 12_000]


def test_without_planned_activity_or_without_feeds_nothing_is_compared():
    money = YEAR[["line_id", "month"]]
    for found in (compare_activity(HRGS, None), compare_activity(HRGS, money),
                  compare_activity(HRGS, YEAR.assign(activity_el=None, activity_nel=None, activity_opfu=None)),
                  compare_activity(make_empty_table("line_hrgs"), YEAR)):  # fmt: skip
        assert found.empty
        assert list(found.columns) == list(make_empty_table("line_activity_plan").columns)


def test_a_plan_of_half_a_year_is_said():
    assert describe_plan(YEAR) == describe_plan(None) == []
    (notice,) = describe_plan(YEAR[(YEAR["line_id"] == "TO") | (YEAR["month"] <= 6)])
    assert notice.startswith("plan holds fewer than 12 months of 1 lines: GM (6).")


def test_every_point_of_delivery_can_be_planned():
    planned = [name.removeprefix("activity_").upper() for name in PLANNED_ACTIVITY]
    assert planned == [pod for pod in PODS if pod != MISSED]  # nobody plans to miss an appointment


def test_the_page_adds_the_lines_up_and_names_the_furthest():
    found = compare_activity(HRGS, YEAR)
    table = tables.build_planned_table(found)
    columns = ["pod_name", "planned_cases", "n_cases", "difference_cases", "income_effect_pence"]
    assert table[columns].to_numpy().tolist() == [
        ["Elective inpatient", 120, 100, -20, -80_000],
        ["Emergency, two days or more", 48, 50, 2, 6_000],
        ["Outpatient follow-up", 18, 0, -18, 0],
    ]
    lines = tables.build_planned_lines_table(found, LINES)
    assert lines["line_name"].tolist() == ["Orthopaedics", "Medicine", "Orthopaedics"]
    money = pd.DataFrame({"basis": ["plan"]})
    text = words.describe_planned(found, money, found)
    # 6,000 - 80,000 pence; of three kinds only Medicine's emergencies were above plan.
    assert text.startswith("Of 3 ways of care planned, 1 was above plan. At this year’s mean")
    assert "activity earned £740 less than the planned number" in text
    assert text.endswith("Furthest from plan is outpatient follow-up: 100% below.")


def test_the_page_says_which_columns_would_tell():
    nothing = make_empty_table("line_activity_plan")
    money = pd.DataFrame({"basis": ["plan"]})
    assert words.describe_planned(nothing, money, HRGS).startswith(
        "The plan can say how many cases"
    )
    assert "no activity feeds" in words.describe_planned(nothing, money, HRGS.iloc[:0])
