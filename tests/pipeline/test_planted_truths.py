"""What was planted in XYZ at its full size is found, and what is only noise is not named.

The truths were written by the generator beside the trust's folder; no notebook reads them.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest

from helpers.cli import main
from helpers.sources.demo import write_demo

pytestmark = pytest.mark.xdist_group("full")

# The cleaning rule that should find each planted defect of a file.
RULE_OF = {
    "duplicate_exact": ("apc_episodes", "APC-001"),
    "duplicate_differs": ("apc_episodes", "APC-002"),
    "duplicate_by_patient": ("apc_episodes", "APC-003"),
    "end_before_start": ("apc_episodes", "APC-004"),
    "discharge_before_admission": ("apc_episodes", "APC-005"),
    "overlapping": ("apc_episodes", "APC-007"),
    "day_case_with_stay": ("apc_episodes", "APC-009"),
    "age_impossible": ("apc_episodes", "APC-011"),
    "consultant_malformed": ("apc_episodes", "APC-012"),
    "tfc_unmapped": ("apc_episodes", "APC-013"),
    "hrg_ungroupable": ("apc_episodes", "APC-014"),
    "before_period": ("apc_episodes", "APC-015"),
    "method_invalid": ("apc_episodes", "APC-017"),
    "op_duplicates": ("op_attendances", "OP-001"),
    "op_same_minute": ("op_attendances", "OP-004"),
    "ed_departure_before_arrival": ("ed_attendances", "ED-001"),
    "ed_long_stay": ("ed_attendances", "ED-002"),
    "ward_overlap": ("ward_stays", "WRD-001"),
    "ward_missing": ("ward_stays", "WRD-003"),
    "drug_credits": ("drug_issues", "DRG-001"),
    "drug_cost_missing": ("drug_issues", "DRG-002"),
}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """XYZ at its full size: its tables by name, and the planted truths."""
    base = tmp_path_factory.mktemp("full")
    write_demo("XYZ", base / "data" / "XYZ" / "2024-25")
    assert main(["report", "XYZ", "--data", str(base / "data"), "--out", str(base / "out")]) == 0
    tables = base / "out" / "XYZ" / "2024-25" / "tables"
    truths = json.loads((base / "data" / "XYZ" / "planted_truths.json").read_text(encoding="utf-8"))
    return lambda name: pd.read_parquet(tables / f"{name}.parquet"), truths


def find_consultant(truths: dict, kind: str) -> dict:
    (found,) = [one for one in truths["consultants"] if one["kind"] == kind]
    return found


def read_review(read, code: str, measure: str) -> pd.Series:
    review = read("consultant_review")
    (row,) = review[
        (review["consultant_code"] == code) & (review["measure"] == measure)
    ].itertuples()
    return row


def test_the_dear_consultant_with_no_better_outcome_is_named_and_counted(full):
    read, truths = full
    planted = find_consultant(truths, "dear_no_better")
    row = read_review(read, planted["consultant_code"], "cost")
    assert row.flag == "outlier"
    assert row.ci_low <= planted["resource_ratio"] <= row.ci_high
    assert row.benefit in ("no_better", "worse")
    saving = read("saving").set_index("consultant_code").loc[planted["consultant_code"]]
    assert saving["saving_pence"] > 0
    assert saving["ci_low_pence"] <= saving["saving_pence"] <= saving["ci_high_pence"]


def test_the_dear_consultant_whose_patients_do_better_is_named_and_not_counted(full):
    read, truths = full
    planted = find_consultant(truths, "dear_better")
    row = read_review(read, planted["consultant_code"], "cost")
    assert row.flag in ("outlier", "material")
    assert row.benefit == "better"
    saving = read("saving").set_index("consultant_code")["saving_pence"]
    assert saving.get(planted["consultant_code"], 0) == 0


def test_the_consultant_who_keeps_patients_two_days_longer_is_found(full):
    read, truths = full
    planted = find_consultant(truths, "two_days_longer")
    row = read_review(read, planted["consultant_code"], "los")
    assert row.flag == "outlier"
    assert (row.observed - row.expected) / row.n == pytest.approx(planted["extra_days"], abs=0.5)


def test_nobody_else_is_named_as_dear(full):
    read, truths = full
    review = read("consultant_review")
    named = set(
        review[(review["measure"] == "cost") & (review["flag"] == "outlier")]["consultant_code"]
    )
    assert not named & set(truths["must_not_be_flagged"])
    planted = {
        one["consultant_code"] for one in truths["consultants"] if one["kind"] != "low_volume"
    }
    assert named <= planted


def test_too_few_spells_are_never_named(full):
    read, truths = full
    low = {one["consultant_code"] for one in truths["consultants"] if one["kind"] == "low_volume"}
    review = read("consultant_review")
    flags = review[review["consultant_code"].isin(low)]["flag"]
    assert low and not set(flags) & {"outlier", "material"}


def test_the_carried_line_the_ruled_line_and_the_hidden_loss(full):
    read, truths = full
    position = read("service_line_position").set_index("line_id")
    expected = {one["kind"]: one["line_id"] for one in truths["lines"]}
    carried = position.loc[expected["carried"]]
    assert carried["surplus_pence"] < 0 and carried["sign_label"] == "stable"
    assert position.loc[expected["rule_dependent"], "sign_label"] == "rule_dependent"
    private = read("private_position").set_index("line_id").loc[expected["private_hides_loss"]]
    assert position.loc[expected["private_hides_loss"], "surplus_pence"] > 0
    assert private["nhs_surplus_pence"] < 0 < private["private_surplus_pence"]


def test_the_ward_whose_patients_wait_to_leave(full):
    read, truths = full
    (ward,) = truths["wards"] if isinstance(truths["wards"], list) else [truths["wards"]]
    stays = read("stay_groups")
    found = stays[(stays["grouping"] == "ward") & (stays["group"] == ward["ward_id"])].iloc[0]
    assert found["effect_days"] > 1 and found["q_value"] < 0.01
    waiting = read("stay_awaiting")
    row = waiting[(waiting["grouping"] == "ward") & (waiting["group"] == ward["ward_id"])].iloc[0]
    assert row["awaiting_days"] / row["n_spells"] > 1


@pytest.mark.parametrize("defect", RULE_OF)
def test_every_planted_defect_is_found_once(full, defect):
    read, truths = full
    file, rule = RULE_OF[defect]
    summary = read("cleaning_summary").set_index(["file", "rule"])["n_rows"]
    found = summary.loc[(file, rule)].sum()
    assert found == truths["defects"][defect]


def test_unmatched_tests_stay_visible(full):
    read, truths = full
    matched = read("matching_summary").query("feed == 'tests' and match_rule == 'NONE'")
    planted = truths["defects"]["tests_unmatched"]
    # A few more have no event because cleaning set their episode or attendance aside.
    assert planted <= matched["n_lines"].sum() <= 1.02 * planted
    assert matched["amount_pence"].sum() > 0
