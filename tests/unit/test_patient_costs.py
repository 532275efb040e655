"""From pools to patients, to the penny."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from activity_tables import (
    SETTINGS,
    add_clean,
    make_appointment,
    make_components,
    make_episode,
    make_frames,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.contracts import OUTPUTS
from helpers.costing.patient_costs import EventCosts, cost_events
from helpers.costing.pool_lines import share_signed
from helpers.engine import Engine
from helpers.errors import AllocationError

START = datetime(2024, 7, 1)
TFC = {"TO": "110", "GENMED": "300"}
KEYS = ["event_id", "tier", "element", "source_department"]


@dataclass
class Result:
    """What one costing gave."""

    small: EventCosts
    costs: pd.DataFrame
    wards: pd.Series

    @property
    def by_event(self) -> dict[str, int]:
        return self.costs.groupby("event_id")["amount_pence"].sum().to_dict()


def make_departments(**owners: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"department_id": list(owners), "kind": "clinical", "owner_line_id": list(owners.values())}
    )


def stay_hours(**hours: float) -> dict[str, list[dict[str, Any]]]:
    """One episode of TO for each name, on ward W1 for so many hours."""
    return stay_on([(name, "TO", "W1", given) for name, given in hours.items()])


def stay_on(rows: list[tuple[str, str, str, float]]) -> dict[str, list[dict[str, Any]]]:
    """Episodes and ward stays from (event, line, ward, hours)."""
    episodes, stays = [], []
    for name, line, ward, hours in rows:
        end = START + timedelta(hours=hours)
        episodes.append(make_episode(name, str(START), str(end), tfc=TFC[line]))
        stays.append({"stay_id": f"w{name}", "spell_id": name.split(".")[0], "ward_id": ward,
                      "start_dt": str(START), "end_dt": str(end)})  # fmt: skip
    return {"apc_episodes": episodes, "ward_stays": stays}


def cost(
    components: pd.DataFrame, *, departments: pd.DataFrame | None = None, threads: int = 1,
    shuffle: int | None = None, **files: list[dict],
) -> Result:  # fmt: skip
    frames = make_frames() if departments is None else make_frames(departments=departments)
    with Engine(threads=threads) as db:
        for file, rows in files.items():
            order = pd.Series(rows).sample(frac=1, random_state=shuffle) if shuffle else rows
            add_clean(db, file, list(order))
        small = cost_events(db, frames, SETTINGS, components)
        costs = db.frame("SELECT * FROM patient_costs ORDER BY " + ", ".join(KEYS))
        wards = db.frame("SELECT * FROM event_ward_costs ORDER BY event_id")
    return Result(small, costs, wards.set_index("event_id")["ward_pence"])


def test_a_ward_pool_is_shared_by_hours_and_acuity():
    # 226.5 weighted hours share £12,345.67: A 48, B 54 x 2, C 40, D 30.5.
    files = stay_hours(a=48, b=54, c=40, d=30.5)
    files["ward_stays"][1]["acuity_weight"] = 2.0
    result = cost(make_components({"amount_pence": 1_234_567}), **files)
    assert result.by_event == {"a": 261_630, "b": 588_668, "c": 218_025, "d": 166_244}
    assert result.wards.to_dict() == result.by_event


def test_pence_left_over_go_to_the_largest_remainder_then_the_smallest_id():
    # £100.00 over 1:1:1
    result = cost(make_components({"amount_pence": 10_000}), **stay_hours(c=5, b=5, a=5))
    assert result.by_event == {"a": 3_334, "b": 3_333, "c": 3_333}


def test_a_credit_is_the_charge_negated():
    result = cost(make_components({"amount_pence": -10_000}), **stay_hours(a=5, b=5, c=5))
    assert result.by_event == {"a": -3_334, "b": -3_333, "c": -3_333}


def test_own_cost_is_direct_for_the_line_that_owns_the_department_and_overhead_is_overhead():
    files = stay_on([("a", "TO", "W1", 10), ("b", "GENMED", "W1", 30)])
    components = make_components(
        {"amount_pence": 4_000},
        {"amount_pence": 800, "element": "DEPRECIATION", "source_department": "ESTATES",
         "is_overhead": True},
    )  # fmt: skip
    result = cost(components, departments=make_departments(WARD="TO"), **files)
    # 10 and 30 of 40 hours
    assert result.costs.set_index(["event_id", "tier"])["amount_pence"].to_dict() == {
        ("a", "direct"): 1_000, ("a", "overhead"): 200,
        ("b", "indirect"): 3_000, ("b", "overhead"): 600,
    }  # fmt: skip
    assert set(result.costs.query("tier == 'overhead'")["source_department"]) == {"ESTATES"}
    assert list(result.costs.columns) == list(OUTPUTS["patient_costs"].columns)
    # Ward cost holds no overhead.
    assert result.wards.to_dict() == {"a": 1_000, "b": 3_000}


def test_two_pools_of_one_element_add_up_in_an_event():
    # £30.00 by ward hours (1:2), £10.00 by clinic... none here, so by consultant minutes (1:2 too).
    components = make_components(
        {"amount_pence": 3_000},
        {
            "amount_pence": 1_000,
            "pool_id": "WARD_MEDICAL",
            "feed": "medical",
            "quality_score": 0.25,
        },
    )
    result = cost(components, **stay_hours(a=10, b=20))
    # 1,000 + 333.33 and 2,000 + 666.67, closed together
    assert result.by_event == {"a": 1_333, "b": 2_667}
    assert len(result.costs) == 2
    assert result.wards.to_dict() == {"a": 1_000, "b": 2_000}


def test_a_feed_filter_keeps_a_pool_to_its_wards_and_says_what_no_pool_takes():
    files = stay_on([("a", "TO", "W1", 10), ("b", "TO", "W2", 10), ("c", "TO", "W3", 10)])
    components = make_components(
        {"amount_pence": 500, "feed_filter": "W1"},
        {"amount_pence": 900, "pool_id": "WARD_2", "feed_filter": " W2; W9 "},
    )
    result = cost(components, **files)
    assert result.by_event == {"a": 500, "b": 900}
    assert result.small.notices == [
        "Activity of ward that belongs to no pool and carries no cost of it: W3 (lines: 1). "
        "See feed_filter in cost_pools."
    ]


def test_activity_without_a_patient_is_shown_under_the_line_that_asked_and_never_spread():
    tests = [
        {"test_id": name, "patient_key": key, "requested_dt": "2024-07-01 01:00", "count": count,
         "discipline": "PATH", "test_code": "FBC", "requesting_tfc": "300"}
        for name, key, count in (("t1", "p1", 3), ("t2", "nobody", 1))
    ]  # fmt: skip
    components = make_components(
        {"amount_pence": 8_000, "pool_id": "PATH", "department_id": "PATH", "feed": "tests"}
    )
    result = cost(
        components, departments=make_departments(PATH="GENMED"), **stay_hours(a=10), tests=tests
    )
    # 3 of 4 tests found the patient of T&O; the other stays beside GENMED, at the same price.
    assert result.by_event == {"a": 6_000, "UNMATCHED:GENMED": 2_000}
    unmatched = result.costs.set_index("event_id").loc["UNMATCHED:GENMED"]
    assert unmatched["event_kind"] == "unmatched"
    assert unmatched["line_id"] == "UNMATCHED:GENMED"
    assert unmatched["tier"] == "direct"
    assert result.small.matching_summary.query("feed == 'tests'")["amount_pence"].tolist() == [
        6_000,
        2_000,
    ]
    assert result.small.credibility.set_index("line_id")["unmatched_pence"].to_dict() == {
        "GENMED": 2_000, "TO": 0,
    }  # fmt: skip


DRUG_POOL = {"pool_id": "DRUGS_HIGH", "department_id": "PHARM", "feed": "high_cost_drugs",
             "element": "DRUGS"}  # fmt: skip


def issue_drugs(*pence: int) -> list[dict[str, Any]]:
    return [
        {"issue_id": f"d{n}", "spell_or_attendance_id": name, "issue_dt": "2024-07-01 01:00",
         "product": "MAB", "cost_pence": cost, "high_cost_flag": "1"}
        for n, (name, cost) in enumerate(zip("ab", pence, strict=False))
    ]  # fmt: skip


def cost_drugs(pool_pence: int, *pence: int, owner: str = "TO", **more: Any) -> Result:
    components = make_components({**DRUG_POOL, "amount_pence": pool_pence, **more})
    return cost(
        components, departments=make_departments(PHARM=owner), **stay_hours(a=1, b=1),
        drug_issues=issue_drugs(*pence),
    )  # fmt: skip


def test_a_traced_item_costs_what_it_cost_and_the_rest_of_the_pool_is_unmatched():
    result = cost_drugs(2_500_000, 2_000_001, 100)
    assert result.by_event == {"a": 2_000_001, "b": 100, "UNMATCHED:TO": 499_899}
    assert result.small.notices == []


def test_the_rest_of_a_shared_department_belongs_to_no_line():
    assert cost_drugs(150, 100, owner="").by_event == {"a": 100, "UNMATCHED:UNMAPPED": 50}


def test_items_dearer_than_their_pool_are_scaled_and_it_is_said():
    result = cost_drugs(300, 400, 200)
    assert result.by_event == {"a": 200, "b": 100}
    assert result.small.notices == [
        "TRC-001: items of pool DRUGS_HIGH cost £6.00 and its ledger cost is £3.00: "
        "every item is scaled by 0.5000."
    ]


def test_a_returned_drug_is_a_credit_to_its_patient():
    assert cost_drugs(900, 1_000, -100).by_event == {"a": 1_000, "b": -100}


def test_a_traced_pool_without_items_is_all_unmatched_unless_it_has_a_fallback():
    assert cost_drugs(500).by_event == {"UNMATCHED:TO": 500}
    result = cost_drugs(500, fallback_feed="ward")
    assert result.by_event == {"a": 250, "b": 250}
    assert result.small.notices == [
        "Pool DRUGS_HIGH has no high_cost_drugs activity: ward shares it out."
    ]


def test_drugs_without_any_issue_follow_ward_hours():
    # 300 pence over 1 and 2 ward hours; nothing in cost_pools says so, it is the feed's own rule
    components = make_components(
        {"amount_pence": 300, "pool_id": "DRUGS", "feed": "drugs", "fallback_feed": ""}
    )
    result = cost(components, **stay_hours(a=1, b=2))
    assert result.by_event == {"a": 100, "b": 200}
    assert result.small.notices == ["Pool DRUGS has no drugs activity: ward shares it out."]


def test_overhead_in_a_traced_pool_follows_the_items_and_the_rest():
    components = make_components(
        {**DRUG_POOL, "amount_pence": 1_000},
        {**DRUG_POOL, "amount_pence": 100, "source_department": "HR", "is_overhead": True},
    )
    result = cost(
        components, departments=make_departments(PHARM="TO"), **stay_hours(a=1, b=1),
        drug_issues=issue_drugs(600, 200),
    )  # fmt: skip
    # 600, 200 and a remainder of 200; a tenth more of overhead
    assert result.by_event == {"a": 660, "b": 220, "UNMATCHED:TO": 220}


def test_a_pool_that_nothing_can_share_out_stops_the_run():
    components = make_components(
        {"amount_pence": 123_456, "pool_id": "SCANS", "feed": "tests", "feed_filter": "MRI",
         "fallback_feed": "clinic"}
    )  # fmt: skip
    with pytest.raises(
        AllocationError, match=r"ALLOC-E02: pool SCANS of WARD holds £1,234\.56"
    ) as refused:
        cost(components, **stay_hours(a=1))
    assert "no tests activity with MRI, and none of the fallback feed clinic" in str(refused.value)


def test_departments_without_patients_keep_their_column():
    components = make_components(
        {"amount_pence": 100},
        {"pool_id": "NPC:RESEARCH", "department_id": "RESEARCH", "feed": "none", "line_id": "RD",
         "amount_pence": 70},
        {"pool_id": "NPC:RESEARCH", "department_id": "RESEARCH", "feed": "none", "line_id": "RD",
         "amount_pence": 7, "source_department": "HR", "is_overhead": True},
        {"pool_id": "NPC:CHARITY", "department_id": "CHARITY", "feed": "none", "line_id": "EXCLUDED",
         "amount_pence": 5},
    )  # fmt: skip
    result = cost(components, **stay_hours(a=1))
    kinds = result.costs.set_index(["event_id", "tier"])[["event_kind", "amount_pence"]]
    assert kinds.loc[("RD", "direct")].tolist() == ["non_patient_care", 70]
    assert kinds.loc[("RD", "overhead")].tolist() == ["non_patient_care", 7]
    assert kinds.loc[("EXCLUDED", "direct")].tolist() == ["excluded", 5]
    shares = result.small.department_line_shares.set_index(["department_id", "line_id"])[
        "share_prop"
    ]
    assert shares.to_dict() == {
        ("CHARITY", "EXCLUDED"): 1,
        ("RESEARCH", "RD"): 1,
        ("WARD", "TO"): 1,
    }


def test_overhead_received_passes_to_lines_as_the_pools_do():
    files = stay_on([("a", "TO", "W1", 10), ("b", "GENMED", "W1", 30), ("c", "GENMED", "W2", 10)])
    components = make_components(
        {"amount_pence": 300, "feed_filter": "W1"},
        {"amount_pence": 100, "pool_id": "WARD_2", "feed_filter": "W2"},
    )
    shares = cost(components, **files).small.department_line_shares
    # W1 is 3/4 of the cost and TO 1/4 of it: 3/16; the rest is GENMED's.
    assert shares.set_index("line_id")["share_prop"].to_dict() == {"GENMED": 13 / 16, "TO": 3 / 16}


def test_a_pool_tells_its_rate_and_how_much_found_its_patient():
    files = stay_hours(a=10, b=20)
    files["ward_stays"].append({"stay_id": "lost", "spell_id": "nowhere", "ward_id": "W1",
                                "start_dt": str(START), "end_dt": str(START + timedelta(hours=10))})  # fmt: skip
    pool = cost(make_components({"amount_pence": 8_000}), **files).small.pool_summary.iloc[0]
    # £80 over 40 hours, 30 of them of known patients
    assert (pool["weight_units"], pool["rate_gbp_per_unit"], pool["matched_prop"]) == (40, 2, 0.75)
    assert (pool["n_lines"], pool["unit"], pool["own_pence"]) == (3, "ward hours x acuity", 8_000)


def test_a_penny_among_very_many_events_goes_to_the_heaviest():
    # 1p over 25,001 appointments is under half a micro-pound each.
    clinics = [make_appointment(f"o{n:05d}", "2024-07-01 09:00") for n in range(25_000)]
    clinics.append(make_appointment("o99999", "2024-07-01 09:00", booked_minutes=31))
    components = make_components({"amount_pence": 1, "feed": "clinic"})
    assert cost(components, op_attendances=clinics).by_event == {"o99999": 1}


@settings(max_examples=10, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["TO", "GENMED"]), st.sampled_from(["W1", "W2"]), st.integers(1, 2_000)
        ),
        min_size=1, max_size=25,
    ),
    pence=st.lists(st.integers(-1_000_000, 10_000_000), min_size=4, max_size=4),
)  # fmt: skip
def test_every_pound_arrives_whatever_the_pools_and_stays(rows: list, pence: list[int]):
    files = stay_on(
        [(f"e{n:02d}", line, ward, hours / 10) for n, (line, ward, hours) in enumerate(rows)]
    )
    components = make_components(
        {"amount_pence": pence[0]},
        {"amount_pence": pence[1], "pool_id": "DOCTORS", "feed": "medical"},
        {"amount_pence": pence[2], "source_department": "HR", "is_overhead": True},
        {"amount_pence": pence[3], "pool_id": "DOCTORS", "feed": "medical", "source_department": "HR",
         "is_overhead": True},
    )  # fmt: skip
    result = cost(components, departments=make_departments(WARD="TO"), **files)
    assert result.costs["amount_pence"].sum() == sum(pence)
    parts = ["line_id", "tier", "element", "source_department"]
    lines = result.small.pool_line_costs.groupby(parts)["amount_pence"].sum()
    events = result.costs.groupby(parts)["amount_pence"].sum()
    assert events.to_dict() == lines[lines != 0].to_dict()
    pools = result.small.pool_line_costs.groupby(["pool_id", "source_department"])[
        "amount_pence"
    ].sum()
    held = components.groupby(["pool_id", "source_department"])["amount_pence"].sum()
    assert pools.to_dict() == held[held != 0].to_dict()


@settings(max_examples=6, deadline=None)
@given(
    hours=st.lists(st.integers(10, 3_000), min_size=1, max_size=12),
    pence=st.integers(1, 10_000_000),
)
def test_doubling_a_pool_doubles_its_events_within_a_penny(hours: list[int], pence: int):
    files = stay_hours(**{f"e{n:02d}": one / 10 for n, one in enumerate(hours)})
    once = cost(make_components({"amount_pence": pence}), **files).by_event
    twice = cost(make_components({"amount_pence": 2 * pence}), **files).by_event
    for n, one in enumerate(hours):
        exact = pence * one / sum(hours)
        assert abs(once.get(f"e{n:02d}", 0) - exact) < 1.001
        assert abs(twice.get(f"e{n:02d}", 0) - 2 * exact) < 1.001


def test_order_of_rows_and_number_of_threads_change_nothing():
    rows = [(f"e{n:02d}", ["TO", "GENMED"][n % 2], f"W{n % 3}", 7 + n * 1.3) for n in range(40)]
    components = make_components(
        {"amount_pence": 7_654_321},
        {"amount_pence": 999_999, "pool_id": "DOCTORS", "feed": "medical"},
        {"amount_pence": 123_457, "source_department": "HR", "is_overhead": True},
    )
    plain = cost(components, **stay_on(rows))
    other = cost(components.sample(frac=1, random_state=3), threads=2, shuffle=5, **stay_on(rows))
    pd.testing.assert_frame_equal(plain.costs, other.costs)
    for name in ("pool_line_costs", "department_line_shares", "pool_summary", "matching_summary",
                 "credibility"):  # fmt: skip
        pd.testing.assert_frame_equal(getattr(plain.small, name), getattr(other.small, name))


@given(
    weights=st.lists(st.integers(-10_000, 10_000), min_size=1, max_size=8).filter(any),
    pence=st.integers(-100_000, 100_000),
)
def test_charges_and_credits_share_to_the_penny(weights: list[int], pence: int):
    keys = [str(n) for n in range(len(weights))]
    assert sum(share_signed(pence, weights, keys)) == pence


def test_charges_and_credits_that_net_to_the_pool_keep_their_own_pence():
    assert share_signed(700, [1_000, -350, 50], ["a", "b", "c"]) == [1_000, -350, 50]
