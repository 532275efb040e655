"""Doctors' time by job plan."""

from __future__ import annotations

import pandas as pd
import pytest
from activity_tables import SETTINGS, make_components
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.costing.clock import find_period
from helpers.costing.medical import (
    MINUTES_A_PA,
    WEEKS_A_YEAR,
    add_medical_rates,
    cap_quality,
    find_plain_rates,
    rate_medical_time,
    set_apart_teaching,
    total_job_plans,
)
from helpers.engine import Engine
from helpers.errors import InputError
from helpers.report.words import line_detail as words

PERIOD = find_period(SETTINGS)
PEOPLE = pd.DataFrame({"consultant_code": ["C1", "C2", "C3"], "line_id": ["TO", "TO", "GENMED"]})


def plan(*rows: tuple) -> dict[str, pd.DataFrame]:
    """Frames of job plans: consultant, activity, PAs, and optionally from and to."""
    full = [(*row, None, None)[:5] for row in rows]
    plans = pd.DataFrame(full, columns=["consultant_code", "activity", "pas", "from", "to"])
    for name in ("from", "to"):
        plans[name] = pd.to_datetime(plans[name])
    return {"job_plans": plans.astype({"pas": "float64"}), "consultants": PEOPLE}


def minutes(**places: float) -> pd.DataFrame:
    return pd.DataFrame(
        [{"line_id": "TO", "ward": 0.0, "theatre": 0.0, "clinic": 0.0, "ed": 0.0} | places]
    )


def rate(frames: dict, **places: float) -> pd.DataFrame:
    found = rate_medical_time(total_job_plans(frames, PERIOD), minutes(**places))
    return found.set_index("place")


def test_planned_activities_divide_the_teams_pool_and_minutes_divide_each_part():
    frames = plan(
        ("C1", "theatre", 3), ("C1", "ward", 1), ("C2", "theatre", 3), ("C2", "clinic", 1)
    )
    found = rate(frames, theatre=60_000, ward=1_000_000, clinic=20_000)
    weight = found["weight_per_minute"] * found["recorded_minutes"]
    # Theatre 6 of 8 PAs, ward 1, clinic 1, whatever the minutes recorded in each.
    assert (weight / weight.sum()).round(9).to_dict() == {
        "clinic": 0.125, "ed": 0.0, "theatre": 0.75, "ward": 0.125,
    }  # fmt: skip
    # All weight together is the time planned in a year: 8 PAs x 240 minutes x 42 weeks.
    assert weight.sum() == pytest.approx(8 * 240 * 42)
    assert (MINUTES_A_PA, WEEKS_A_YEAR) == (240, 42)
    assert found["is_planned"].all()


def test_support_time_follows_clinical_time_and_on_call_the_wards():
    frames = plan(
        ("C1", "theatre", 2), ("C1", "oncall", 1), ("C1", "spa", 1.5), ("C1", "management", 0.5)
    )
    found = rate(frames, theatre=1_000, ward=1_000)
    # 2 : 1 in clinical time; 2 PAs of support go with them: 5 PAs in all.
    assert found["planned_minutes"].round(6).to_dict() == {
        "clinic": 0.0, "ed": 0.0, "theatre": 5 * 240 * 42 * 2 / 3, "ward": 5 * 240 * 42 / 3,
    }  # fmt: skip


def test_planned_time_without_any_recorded_minute_goes_to_the_other_places():
    found = rate(plan(("C1", "theatre", 5), ("C1", "clinic", 1)), clinic=300)
    assert found.loc["clinic", "planned_minutes"] == 6 * 240 * 42
    assert found.loc["theatre", "weight_per_minute"] == 0


def test_a_plan_counts_for_the_part_of_the_year_in_which_it_ran():
    frames = plan(
        ("C1", "clinic", 4, "2023-04-01", "2024-06-12"),  # 73 of 365 days: 1 April to 12 June
        ("C2", "clinic", 5, "2025-03-31", None),  # the last day
        ("C3", "clinic", 3, "2022-01-01", "2024-03-31"),  # over before the year began
    )
    found = total_job_plans(frames, PERIOD).set_index("line_id")["pas"]
    assert found.to_dict() == {"TO": pytest.approx(4 * 73 / 365 + 5 / 365)}


def test_without_job_plans_the_plain_rule_holds():
    found = rate({"consultants": PEOPLE}, ward=600, theatre=90, clinic=30, ed=100)
    assert found["weight_per_minute"].to_dict() == pytest.approx(
        {"ward": 0.02, "theatre": 1.0, "clinic": 1.0, "ed": 0.15}
    )
    assert not found["is_planned"].any()


def test_a_trust_can_count_all_minutes_alike():
    weights = pd.DataFrame(
        [("medical", place, 1.0) for place in ("ward", "theatre", "clinic", "ed")] + [("tests", "ward", 9.0)],
        columns=["feed", "code", "weight"],
    )  # fmt: skip
    rates = find_plain_rates({"relative_weights": weights})
    assert rates == {"ward": 1.0, "theatre": 1.0, "clinic": 1.0, "ed": 1.0}
    assert find_plain_rates({}) == find_plain_rates({"relative_weights": weights.iloc[-1:]})
    nobody = total_job_plans({}, PERIOD)
    found = rate_medical_time(nobody, minutes(ward=600.0, theatre=90.0), rates).set_index("place")
    # 600 minutes on wards weigh 600 and 90 in theatre 90, where the project's own rule says 12 and 90.
    assert found["planned_minutes"].to_dict() == {"ward": 600, "theatre": 90, "clinic": 0, "ed": 0}
    assert words.describe_medical_time(found.reset_index(), nobody).startswith(
        "No line has job plans, so doctors’ cost follows a plain rule: an hour counts 60 minutes in theatre, 60 in"
    )


def test_a_plan_only_of_teaching_says_nothing_of_patients():
    found = rate(plan(("C1", "teaching", 2)), clinic=30)
    assert not found["is_planned"].any()
    assert found.loc["clinic", "weight_per_minute"] == 1.0


def test_teaching_and_research_leave_for_columns_of_their_own_to_the_penny():
    frames = plan(
        ("C1", "ward", 7), ("C1", "teaching", 2), ("C2", "research", 1), ("C3", "teaching", 5)
    )
    pools = make_components(
        {"pool_id": "M", "department_id": "MED", "feed": "medical", "feed_filter": "TO",
         "element": "PAY_MEDICAL", "amount_pence": 1_001},
        {"pool_id": "M", "department_id": "MED", "feed": "medical", "feed_filter": "TO",
         "element": "PAY_OTHER", "source_department": "HR", "is_overhead": True, "amount_pence": 100},
        {"pool_id": "W", "department_id": "WARD", "amount_pence": 500},
    )  # fmt: skip
    found = set_apart_teaching(pools, frames, PERIOD).set_index(["pool_id", "element"])
    # 10 PAs of TO: 7 stay, 2 teach, 1 researches; C3 is of another line.
    # 1,001 pence: 700.7, 200.2, 100.1 -> the penny left over to the largest remainder, 700.7
    assert found["amount_pence"].to_dict() == {
        ("M", "PAY_MEDICAL"): 701, ("NPC:ET:M", "PAY_MEDICAL"): 200, ("NPC:RD:M", "PAY_MEDICAL"): 100,
        ("M", "PAY_OTHER"): 70, ("NPC:ET:M", "PAY_OTHER"): 20, ("NPC:RD:M", "PAY_OTHER"): 10,
        ("W", "PAY_NURSING"): 500,
    }  # fmt: skip
    assert found.loc["NPC:ET:M", "line_id"].tolist() == ["ET", "ET"]
    assert found.loc["NPC:ET:M", "feed"].tolist() == ["none", "none"]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(-10**9, 10**9), st.floats(0.1, 20), st.floats(0.01, 20), st.floats(0, 20),
)  # fmt: skip
def test_setting_apart_makes_and_loses_nothing(pence, ward, teaching, research):
    frames = plan(("C1", "ward", ward), ("C1", "teaching", teaching), ("C2", "research", research))
    pools = make_components({"feed": "medical", "feed_filter": "TO", "amount_pence": pence})
    assert set_apart_teaching(pools, frames, PERIOD)["amount_pence"].sum() == pence


def test_a_medical_pool_without_job_plans_is_of_quality_a_quarter_at_most():
    pools = pd.DataFrame(
        {"pool_id": ["A", "B", "C"], "feed": ["medical", "medical", "ward"],
         "feed_filter": ["TO", "GENMED", ""], "quality_score": [0.5, 0.5, 0.75]}
    )  # fmt: skip
    capped = cap_quality(pools, total_job_plans(plan(("C1", "ward", 3)), PERIOD))
    assert capped["quality_score"].tolist() == [0.5, 0.25, 0.75]


def test_an_unknown_activity_and_negative_time_are_refused():
    with pytest.raises(
        InputError, match=r"job_plans, column activity: 1 of 1 rows.*golf"
    ) as stopped:
        total_job_plans(plan(("C1", "golf", 1)), PERIOD)
    assert stopped.value.rule == "JOB-001"
    with pytest.raises(InputError, match=r"job_plans, column pas: 1 of 2 rows are below zero: -1"):
        total_job_plans(plan(("C1", "ward", -1), ("C1", "clinic", 1)), PERIOD)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_recorded_minutes_are_the_same_in_whatever_order_they_are_added_up(seed):
    # 1,000 visits of 7 seconds and 500 of 22 minutes 20 seconds; clinics of 12.35 minutes.
    rows = [(7 / 60, 0.0)] * 1_000 + [(1_340 / 60, 0.0)] * 500 + [(0.0, 12.35)] * 777
    visits = pd.DataFrame(rows, columns=["ed_minutes", "clinic_minutes"]).sample(
        frac=1, random_state=seed
    )
    visits = visits.assign(line_id="EMERGENCY", ward_seconds=0, theatre_seconds=0)
    with Engine(threads=1) as db:
        db.add_frame("medical_minutes", visits)
        found = add_medical_rates(db, {}, PERIOD).set_index("place")["recorded_minutes"]
    assert found["ed"] == (1_000 * 7 + 500 * 1_340) / 60  # one division of whole seconds
    assert found["clinic"] == 777 * 1_235 / 100
