"""What cost is made of: its parts add up, by consultant and by patient."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.engine import open_engine
from helpers.outliers.resources import (
    BUCKETS,
    find_patient_outliers,
    list_buckets,
    measure_drivers,
    score_modified_z,
    select_resources,
)

POOLS = pd.DataFrame(
    [
        ("P1", "WARD_A", "*", "ward"),
        ("P2", "THEATRES", "CLIN_SUPPLIES", "implants"),
        ("P3", "THEATRES", "PAY_NURSING;DRUGS", "theatre"),
        ("P4", "RECOVERY", "*", "recovery"),
        ("P5", "CLINIC", "*", "clinic"),
    ],
    columns=["pool_id", "department_id", "element_filter", "feed"],
)


def spells(rows):
    """Rows of (spell, consultant, ward, drugs) in one HRG; pence."""
    frame = pd.DataFrame(rows, columns=["spell_id", "consultant_code", "ward_pence", "drugs_pence"])
    for name in BUCKETS:
        frame[f"{name}_pence"] = frame.get(f"{name}_pence", 0)
    parts = frame[[f"{name}_pence" for name in BUCKETS]]
    return frame.assign(
        line_id="L0",
        hrg="AA11A",
        admission_type="EL",
        los_days=1,
        controllable_pence=parts.sum(axis=1),
    )


def test_a_department_is_the_kind_of_its_main_pool():
    found = list_buckets(POOLS).set_index("department_id")
    assert found["bucket"].to_dict() == {
        "CLINIC": "other", "RECOVERY": "theatre", "THEATRES": "theatre", "WARD_A": "ward",
    }  # fmt: skip
    assert found.index[found["has_implants"]].tolist() == ["THEATRES"]
    assert list_buckets(None).empty


def test_the_parts_of_a_spell_add_up_to_its_controllable_cost():
    costs = [
        ("direct", "PAY_NURSING", "WARD_A", 700),
        ("indirect", "CLIN_SUPPLIES", "THEATRES", 200),
        ("indirect", "PAY_NURSING", "THEATRES", 90),
        ("direct", "DRUGS", "WARD_A", 30),
        ("direct", "PAY_OTHER", "ELSEWHERE", 5),
        ("overhead", "PAY_OTHER", "HR", 1_000),
        ("direct", "DEPRECIATION", "WARD_A", 500),
    ]
    with open_engine() as db:
        db.run(
            "CREATE TABLE patient_events AS SELECT 'E1' AS event_id, 'S1' AS spell_id, 'episode' AS event_kind, "
            "'L0' AS line_id, 'C1' AS consultant_code, 'AA11A' AS hrg_spell, '11' AS admission_method, "
            "'1' AS patient_classification, '1' AS discharge_method, 50 AS age, '1' AS sex, 3 AS imd_decile, "
            "2 AS los_days, TIMESTAMP '2024-07-03 10:00:00' AS discharge_dt, TRUE AS is_discharging, 1 AS completion, 1025 AS controllable_pence, 700 AS ward_pence"
        )
        db.add_frame(
            "patient_costs",
            pd.DataFrame(
                costs, columns=["tier", "element", "source_department", "amount_pence"]
            ).assign(event_id="E1", spell_id="S1", event_kind="episode", line_id="L0"),
        )
        (row,) = select_resources(db, list_buckets(POOLS)).to_dict("records")
    parts = {name: row[f"{name}_pence"] for name in BUCKETS if row[f"{name}_pence"]}
    assert parts == {"ward": 700, "implants": 200, "theatre": 90, "drugs": 30, "other": 5}
    assert sum(parts.values()) == row["controllable_pence"]


def test_a_consultants_parts_are_set_beside_the_others_means():
    rows = [(f"A{k}", "C1", 100, 30) for k in range(10)] + [
        (f"B{k}", "C2", 60, 20) for k in range(20)
    ]
    found = measure_drivers(spells(rows)).set_index(["consultant_code", "bucket"])
    # C1: 10 spells at the others' 60 and 20 pence
    assert found.loc[
        ("C1", "ward"), ["observed_pence", "expected_pence", "excess_pence"]
    ].tolist() == [1_000, 600, 400]
    assert found.loc[("C1", "drugs"), "excess_pence"] == 100
    assert found.loc[("C2", "ward"), "excess_pence"] == 1_200 - 2_000


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 10**6), st.integers(0, 10**6)),
        min_size=1,
        max_size=40,
    )
)
def test_parts_of_the_excess_add_up_to_that_of_the_whole(drawn):
    frame = spells(
        [(f"S{k}", f"C{who}", ward, drugs) for k, (who, ward, drugs) in enumerate(drawn)]
    )
    parts = measure_drivers(frame).groupby("consultant_code")["excess_pence"].sum()
    whole = measure_drivers(frame.assign(drugs_pence=0, ward_pence=frame["controllable_pence"]))
    whole = whole.groupby("consultant_code")["excess_pence"].sum()
    assert (parts - whole).abs().max() <= 2  # each part is rounded to a penny


def test_modified_z_by_hand():
    costs = np.array([4100, 4350, 4420, 4600, 4700, 4800, 4950, 5100, 5300, 5600, 12900.0])
    score = score_modified_z(costs)
    assert score[-1] == pytest.approx(8.085, abs=5e-4)
    assert score[0] == pytest.approx(-1.289, abs=5e-4)


def test_a_dear_patient_is_found_with_what_makes_the_difference():
    rows = [(f"S{k:02d}", "C1", 1_000_00 + 100 * k, 50_00) for k in range(11)]
    rows[5] = ("S05", "C1", 9_000_00, 700_00)
    found = find_patient_outliers(spells(rows))
    assert found["spell_id"].tolist() == ["S05"]
    one = found.iloc[0]
    # the ward's median is 1,006.00 or so, the drugs' 50.00
    assert (one["driver_1"], one["driver_2"], one["driver_3"]) == ("ward", "drugs", "")
    assert one["driver_2_pence"] == 650_00
    assert one["cost_pence"] == 9_700_00


def test_few_patients_and_equal_costs_have_no_outliers():
    nine = [(f"S{k}", "C1", 100_00, 0) for k in range(8)] + [("S9", "C1", 900_000_00, 0)]
    assert find_patient_outliers(spells(nine)).empty
    equal = [(f"S{k}", "C1", 100_00, 0) for k in range(30)]
    assert find_patient_outliers(spells(equal)).empty
    zero = [(f"S{k}", "C1", 0, 0) for k in range(30)]
    assert find_patient_outliers(spells(zero)).empty


def test_a_negative_cost_is_a_low_one_and_no_error():
    rows = [(f"S{k:02d}", "C1", 1_000_00 + 900 * k, 0) for k in range(20)] + [
        ("S99", "C1", -5_00, 0)
    ]
    found = find_patient_outliers(spells(rows))
    assert found["spell_id"].tolist() == ["S99"]
    assert found.iloc[0]["modified_z"] < 0
