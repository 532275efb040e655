"""How care differs by consultant: like patients are compared, and only real differences are named."""

import numpy as np
import pandas as pd
import pytest

from helpers.engine import open_engine
from helpers.outliers.treatment import review_care, select_care, split_care
from unit.care_rows import invent, rows


def test_expected_is_the_mean_of_the_others_in_the_same_cell():
    care = {"tests": rows({"C1": [4.0] * 30, "C2": [2.0] * 20, "C3": [3.0] * 20})}
    found = review_care(care).set_index("consultant_code")
    # the others of C1: 20 spells of 2 tests and 20 of 3, so 2.5 a spell; 120 / 75 = 1.6
    assert found.loc["C1", ["observed", "expected", "ratio"]].tolist() == [120.0, 75.0, 1.6]
    assert found.loc["C1", ["rate", "peer_rate"]].tolist() == [4.0, 2.5]


def test_a_consultant_who_orders_half_as_many_again_is_found_and_nobody_else():
    found = review_care({"tests": invent(1, more={3: 1.5})})
    assert found.loc[found["flag"] != "none", "consultant_code"].tolist() == ["C03"]
    assert found.set_index("consultant_code").at["C03", "flag"] == "more"


def test_consultants_who_do_not_differ_are_not_found():
    n_found = sum(
        (review_care({"tests": invent(seed)})["flag"].isin(["more", "less"])).sum()
        for seed in range(20)
    )
    assert n_found <= 2  # 280 tests, none true


def test_a_certain_but_small_difference_is_not_one():
    care = {"tests": invent(2, more={3: 1.06}, n_spells=6000)}
    found = review_care(care).set_index("consultant_code")
    assert found.at["C03", "q_value"] <= 0.05
    assert found.at["C03", "flag"] == "none"


def test_a_line_of_four_is_shown_and_not_tested():
    found = review_care({"tests": invent(3, n_consultants=4, more={0: 3.0})})
    assert (found["flag"] == "not_tested").all()
    assert found["ratio"].notna().all()


def test_few_patients_are_not_tested():
    care = invent(4)
    few = care[
        ~((care["consultant_code"] == "C05") & (care.groupby("consultant_code").cumcount() > 10))
    ]
    assert (
        review_care({"tests": few}).set_index("consultant_code").at["C05", "flag"] == "not_tested"
    )


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_equal_amounts_name_nobody(value):
    care = {"tests": rows({f"C{k}": [value] * 30 for k in range(8)})}
    assert not review_care(care)["flag"].isin(["more", "less"]).any()


def test_one_consultant_in_a_line_and_one_patient_in_a_cell_have_no_comparison():
    alone = review_care({"tests": rows({"C1": [3.0] * 50})})
    assert alone["flag"].tolist() == ["not_tested"]
    single = pd.concat([rows({f"C{k}": [2.0 + k]}, cell=str(k)) for k in range(9)])
    assert set(review_care({"tests": single.reset_index(drop=True)})["flag"]) == {"not_tested"}


def test_no_measures_give_no_rows():
    assert review_care({}).empty


def spell(n, who="C1", **more):
    row = {
        "line_id": "L0", "consultant_code": who, "hrg": "AA11A", "admission_type": "EL",
        "patient_classification": "1", "n_tests": np.nan, "implant_gbp": np.nan,
    }  # fmt: skip
    return [row | more] * n


def test_spells_without_tests_count_as_none_and_without_implants_are_left_out():
    spells = pd.DataFrame([*spell(3, n_tests=4.0), *spell(2), *spell(1, implant_gbp=500.0)])
    visits = pd.DataFrame(columns=["line_id", "tfc", "consultant_code", "is_follow_up"])
    care = split_care(spells, visits)
    assert care["tests"]["n_tests"].tolist() == [4.0, 4.0, 4.0, 0.0, 0.0, 0.0]
    assert care["implants"]["implant_gbp"].tolist() == [500.0]
    assert "theatre_minutes" not in care
    assert "follow_up" not in care


def test_only_planned_patients_can_be_day_cases():
    spells = pd.DataFrame(
        [*spell(2, patient_classification="2"), *spell(1), *spell(4, admission_type="EM")]
    )
    visits = pd.DataFrame(columns=["line_id", "tfc", "consultant_code", "is_follow_up"])
    assert split_care(spells, visits)["day_case"]["is_day_case"].tolist() == [1.0, 1.0, 0.0]


def test_a_trust_without_any_of_the_files_has_only_what_its_events_tell():
    with open_engine() as db:
        db.run(
            "CREATE TABLE patient_events AS SELECT 'E1' AS event_id, 'S1' AS spell_id, 'episode' AS event_kind, "
            "'L0' AS line_id, NULL AS pod, '110' AS tfc, 'C1' AS consultant_code, 'AA11A' AS hrg_spell, "
            "'11' AS admission_method, '1' AS patient_classification, '1' AS discharge_method, 50 AS age, "
            "'1' AS sex, 3 AS imd_decile, 2 AS los_days, "
            "TIMESTAMP '2024-07-03 10:00:00' AS discharge_dt, TRUE AS is_discharging, 1 AS completion, "
            "100 AS controllable_pence, 50 AS ward_pence"
        )
        assert set(select_care(db)) == {"day_case"}
