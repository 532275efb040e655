"""Demonstration trusts: whole, seeded, in the input format, with every planted truth where it is said to be."""

from __future__ import annotations

import csv
import json
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.contracts import INPUTS, PLICS_MANDATORY
from helpers.contracts.terms import ELEMENTS
from helpers.errors import CommandError
from helpers.run import DEMO_TRUSTS
from helpers.sources.demo import write_demo
from helpers.sources.demo.people import make_consultants
from helpers.sources.demo.recipe import RECIPES, read_recipe
from helpers.sources.demo.spells import DC, make_spells

SMALL = 0.05
TEN_DIGITS = re.compile(
    rb"(?<![0-9A-Za-z.])[0-9]{10}(?![0-9A-Za-z])"
)  # as an NHS number is written


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_demo("XYZ", tmp_path_factory.mktemp("demo") / "XYZ" / "2024-25", size=SMALL)


@pytest.fixture(scope="module")
def defects(folder) -> dict[str, int]:
    return read_truths(folder)["defects"]


@pytest.fixture(scope="module")
def episodes(folder) -> pd.DataFrame:
    return read_file(folder, "apc_episodes")


@pytest.fixture(scope="module")
def spells_at_full_size() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    recipe = read_recipe("XYZ")
    people = make_consultants(recipe)
    spells = make_spells(recipe, people)
    expected = recipe.hrgs["mean_los_days"].to_numpy(float)[spells["hrg"]]
    spells["expected_nights"] = np.where(spells["setting"] == DC, 0.0, expected)
    done = (spells["adm"] >= 0) & (spells["dis"] < recipe.year_minutes)
    return people, spells[done], recipe.hrgs


def read_file(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", dtype="str", keep_default_na=False)


def read_truths(folder: Path) -> dict:
    return json.loads((folder.parent / "planted_truths.json").read_text(encoding="utf-8"))


def read_times(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column.replace("", None), format="%Y-%m-%dT%H:%M")


def test_the_same_recipe_gives_the_same_bytes(tmp_path):
    one = write_demo("XYZ", tmp_path / "a" / "2024-25", size=0.02)
    two = write_demo("XYZ", tmp_path / "b" / "2024-25", size=0.02)
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in two.iterdir())
    for name in names:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_files_have_the_columns_of_the_contract_and_lf_line_ends(folder):
    names = {path.stem for path in folder.glob("*.csv")}
    assert set(PLICS_MANDATORY) <= names
    assert {name for name, table in INPUTS.items() if table.mandatory} <= names
    for name in names:
        table = INPUTS[name]
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            header = file.readline()
        columns = header.rstrip("\n").split(",")
        assert "\r" not in header
        assert set(table.required_columns) <= set(columns) <= set(table.columns), name


def test_no_number_looks_like_an_nhs_number(folder):
    for path in folder.glob("*.csv"):
        assert not TEN_DIGITS.search(path.read_bytes()), path.name


@pytest.mark.parametrize("trust", DEMO_TRUSTS)
def test_ledger_adds_up_to_the_control_totals(trust, tmp_path):
    folder = write_demo(trust, tmp_path / trust / "2024-25", size=0.02 if trust == "XYZ" else 0.1)
    kinds = read_file(folder, "expense_map").set_index("expense_code")["account_type"]
    ledger = read_file(folder, "general_ledger")
    kind = ledger["expense_code"].map(kinds)
    amounts = ledger["amount"].map(Decimal)
    totals = read_file(folder, "control_totals").set_index("measure")["value"].map(Decimal)
    assert amounts[kind == "expenditure"].sum() == totals["total_expenditure"]
    assert -amounts[kind.str.endswith("income")].sum() == totals["total_income"]
    assert set(ledger["cost_centre"]) <= set(read_file(folder, "cost_centre_map")["cost_centre"])


def test_optional_files_differ_between_trusts(tmp_path):
    by_line = write_demo("XY4", tmp_path / "XY4" / "2024-25", size=0.1)
    assert (by_line / "line_drivers.csv").exists()
    assert not (by_line / "apc_episodes.csv").exists()
    shares = read_file(by_line, "line_drivers")
    clinical = read_file(by_line, "departments").query("kind == 'clinical'")
    assert set(shares["department_id"]) == set(clinical["department_id"])
    sparse = write_demo("XY3", tmp_path / "XY3" / "2024-25", size=0.1)
    for name in ("outcomes", "theatre_cases", "implants"):
        assert not (sparse / f"{name}.csv").exists()
    # A pool may not follow a feed that the trust does not have.
    assert not set(read_file(sparse, "cost_pools")["feed"]) & {"theatre", "recovery", "implants"}


def test_size_scales_activity_and_money_together(tmp_path, folder):
    double = write_demo("XYZ", tmp_path / "XYZ" / "2024-25", size=2 * SMALL)
    for name in ("apc_episodes", "op_attendances", "ed_attendances", "tests"):
        ratio = len(read_file(double, name)) / len(read_file(folder, name))
        assert ratio == pytest.approx(2, abs=0.1), name
    spent = [
        Decimal(
            read_file(place, "control_totals").set_index("measure").at["total_expenditure", "value"]
        )
        for place in (folder, double)
    ]
    assert float(spent[1] / spent[0]) == pytest.approx(2, abs=0.1)


def test_pool_shares_add_up_to_one_for_each_department_and_element(folder):
    pools = read_file(folder, "cost_pools")
    names = [text.split(";") if text != "*" else list(ELEMENTS) for text in pools["element_filter"]]
    spread = pools.assign(element=names, share=pools["share"].map(Decimal)).explode("element")
    total = spread.groupby(["department_id", "element"])["share"].sum()
    assert set(total) == {Decimal(1)}
    clinical = read_file(folder, "departments").query("kind == 'clinical'")
    assert set(pools["department_id"]) == set(clinical["department_id"])


def test_each_driver_set_serves_every_service_and_every_final_department(folder):
    drivers = read_file(folder, "overhead_drivers")
    departments = read_file(folder, "departments")
    services = set(departments.loc[departments["kind"] == "service", "department_id"])
    finals = departments["kind"].isin(["clinical", "non_patient_care"])
    for _, rows in drivers.groupby("driver_set"):
        assert set(rows["service_department"]) == services
        assert set(departments.loc[finals, "department_id"]) <= set(rows["consumer_department"])
    assert not (drivers["service_department"] == drivers["consumer_department"]).any()
    assert drivers.groupby(["service_department", "driver_set"])["driver"].nunique().max() == 1


def test_all_that_is_done_for_the_nhs_has_a_price(folder, episodes):
    prices = set(read_file(folder, "prices")["hrg"])
    wards = set(episodes["hrg_spell"]) - {"UZ01Z"}
    assert wards <= prices
    assert set(read_file(folder, "op_attendances")["hrg"]) <= prices
    assert set(read_file(folder, "ed_attendances")["hrg"]) <= prices


def test_planted_duplicates_are_in_the_file(episodes, defects):
    exact = episodes.duplicated().sum()
    same_id = episodes.duplicated("episode_id").sum()
    assert exact == defects["duplicate_exact"] > 0
    assert same_id - exact == defects["duplicate_differs"] > 0
    once = episodes.drop_duplicates("episode_id")
    key = ["patient_key", "episode_start_dt", "episode_end_dt", "episode_number", "site_code"]
    assert once.duplicated(key).sum() == defects["duplicate_by_patient"] > 0


def test_planted_dates_are_in_the_file(episodes, defects):
    start, end = read_times(episodes["episode_start_dt"]), read_times(episodes["episode_end_dt"])
    admitted, left = read_times(episodes["admission_dt"]), read_times(episodes["discharge_dt"])
    assert (end < start).sum() == defects["end_before_start"] > 0
    assert (left < admitted).sum() == defects["discharge_before_admission"] > 0
    beyond = (end - left).where(left >= admitted)
    day = pd.Timedelta(days=1)
    assert ((beyond > pd.Timedelta(0)) & (beyond <= day)).sum() == defects["outside_spell_clipped"]
    assert (beyond > day).sum() == defects["outside_spell_far"]
    assert ((end < "2024-04-01") & (end >= start)).sum() == defects["before_period"] > 0
    nights = (left.dt.normalize() - admitted.dt.normalize()).dt.days
    stayed = (episodes["patient_classification"] == "2") & (nights > 0)
    assert stayed.sum() == defects["day_case_with_stay"] > 0


def test_planted_overlaps_are_in_the_file(episodes, defects):
    once = episodes.drop_duplicates(["spell_id", "episode_number"]).sort_values(
        ["spell_id", "episode_number"]
    )
    following = read_times(once["episode_start_dt"]).shift(-1)
    same = once["spell_id"].shift(-1) == once["spell_id"]
    overlap = same & (read_times(once["episode_end_dt"]) > following)
    assert overlap.sum() == defects["overlapping"] > 0


def test_planted_codes_are_in_the_file(folder, episodes, defects):
    mapped = set(read_file(folder, "service_line_map")["tfc"])
    age = episodes["age"].astype(int)
    well_formed = episodes["consultant_code"].str.fullmatch(r"[CDNMH][0-9A-Z]{7}")
    assert (~episodes["tfc"].isin(mapped)).sum() == defects["tfc_unmapped"] > 0
    assert (episodes["hrg_fce"] == "UZ01Z").sum() == defects["hrg_ungroupable"] > 0
    assert (~well_formed).sum() == defects["consultant_malformed"] > 0
    assert ((age < 0) | (age > 120)).sum() == defects["age_impossible"] > 0
    assert (episodes["admission_method"] == "15").sum() == defects["method_invalid"] > 0


def test_agreed_corrections_name_rows_and_values_of_the_file(folder, episodes, defects):
    corrections = read_file(folder, "corrections")
    assert len(corrections) == defects["wrong_commissioner"] > 0
    once = episodes.drop_duplicates("episode_id")
    found = corrections.merge(once, left_on="key", right_on="episode_id", validate="one_to_one")
    assert (found["commissioner"] == found["old"]).all()
    assert (found["new"] != found["old"]).all()


def test_planted_attendances_are_in_the_files(folder, defects):
    clinics = read_file(folder, "op_attendances")
    assert clinics.duplicated().sum() == defects["op_duplicates"] > 0
    once = clinics.drop_duplicates("attendance_id")
    same = once.duplicated(["patient_key", "tfc", "appointment_dt"])
    assert same.sum() == defects["op_same_minute"] > 0
    minutes = pd.to_numeric(once["booked_minutes"].replace("", None))
    assert minutes.isna().sum() >= defects["op_minutes_missing"] > 0
    assert (minutes > 480).sum() >= defects["op_minutes_excessive"] > 0
    urgent = read_file(folder, "ed_attendances")
    stay = read_times(urgent["departure_dt"]) - read_times(urgent["arrival_dt"])
    assert (stay < pd.Timedelta(0)).sum() == defects["ed_departure_before_arrival"] > 0
    assert (stay > pd.Timedelta(hours=48)).sum() == defects["ed_long_stay"] > 0


def test_planted_unmatched_tests_match_nothing(folder, episodes, defects):
    tests = read_file(folder, "tests")
    keys = [read_file(folder, name)["patient_key"] for name in ("op_attendances", "ed_attendances")]
    known = set(episodes["patient_key"]).union(*keys)
    lost = ~tests["patient_key"].isin(known)
    assert lost.sum() == defects["tests_unmatched"]
    assert lost.mean() == pytest.approx(0.03, abs=0.0005)
    assert not tests.loc[lost, "spell_or_attendance_id"].isin(episodes["spell_id"]).any()


def test_control_activity_is_what_is_left_after_cleaning(folder, episodes, defects):
    set_aside = (
        "duplicate_exact", "duplicate_differs", "duplicate_by_patient", "end_before_start",
        "discharge_before_admission", "outside_spell_far", "before_period",
    )  # fmt: skip
    totals = read_file(folder, "control_totals").set_index("measure")["value"].astype(float)
    assert totals["apc_episodes"] == len(episodes) - sum(defects[name] for name in set_aside)
    urgent = len(read_file(folder, "ed_attendances"))
    assert totals["ed_attendances"] == urgent - defects["ed_departure_before_arrival"]


def test_planted_consultants_have_enough_spells_to_be_found(spells_at_full_size):
    people, spells, _ = spells_at_full_size
    cases = spells["cons"].value_counts()
    members = people.groupby("line_id")["code"].transform("size")
    for kind, least in (("dear_no_better", 250), ("dear_better", 300), ("two_days_longer", 200)):
        who = people.index[people["plant"] == kind]
        assert len(who) == 1
        assert cases[who[0]] >= least
        assert members[who[0]] >= 8
    few = people.index[people["plant"] == "low_volume"]
    assert len(few) == 4
    assert (cases.reindex(few, fill_value=0) < 20).all()


def test_planted_consultants_practise_as_is_said(spells_at_full_size):
    people, spells, _ = spells_at_full_size
    nights = (spells["los"] - spells["waiting"]).groupby(spells["cons"]).sum()
    expected = spells.groupby("cons")["expected_nights"].sum()
    code = people.index
    dear = code[people["plant"] == "dear_better"][0]
    slow = code[people["plant"] == "two_days_longer"][0]
    stayed = ((spells["setting"] != DC) & (spells["cons"] == slow)).sum()
    # Nights are drawn with the means of the recipe: 1.30 times them, or two more for each stay.
    assert nights[dear] / expected[dear] == pytest.approx(1.30, abs=0.10)
    assert (nights[slow] - expected[slow]) / stayed == pytest.approx(2.0, abs=0.5)
    natural = people.loc[people["plant"] == "", "resource"]
    assert 0.03 < np.log(natural).std() < 0.05
    assert natural.between(0.9, 1.1).all()


def test_patients_of_the_waiting_ward_wait_for_reasons_outside_it(folder, episodes):
    stays = read_file(folder, "ward_stays").drop_duplicates("spell_id", keep="last")
    known = episodes[(episodes["discharge_ready_date"] != "") & (episodes["episode_end_dt"] != "")]
    both = stays.merge(known.drop_duplicates("spell_id"), on="spell_id", validate="one_to_one")
    left = read_times(both["discharge_dt"]).dt.normalize()
    waited = (left - pd.to_datetime(both["discharge_ready_date"])).dt.days
    mean = waited.groupby(both["ward_id"]).mean()
    assert mean["EL3"] > 2
    assert mean.drop("EL3").max() < 0.8


def test_truths_name_every_planted_line(folder):
    truths = read_truths(folder)
    kinds = {row["kind"]: row for row in truths["lines"]}
    assert set(kinds) == {"carried", "rule_dependent", "private_hides_loss"}
    carried, depends = kinds["carried"], kinds["rule_dependent"]
    for method in ("direct", "reciprocal"):
        assert carried["intended_income_gbp"] < 0.97 * carried[f"intended_cost_{method}_gbp"]
    costs = sorted([depends["intended_cost_direct_gbp"], depends["intended_cost_reciprocal_gbp"]])
    assert costs[0] < depends["intended_income_gbp"] < costs[1]
    flagged = {
        row["consultant_code"] for row in truths["consultants"] if row["kind"] != "low_volume"
    }
    assert len(flagged) == 3
    assert not flagged & set(truths["must_not_be_flagged"])


def test_writing_again_replaces_the_folder_and_leaves_nothing_behind(tmp_path):
    folder = tmp_path / "XY2" / "2024-25"
    write_demo("XY2", folder, size=0.2)
    (folder / "stray.csv").write_text("left over")
    write_demo("XY2", folder, size=0.2)
    assert not (folder / "stray.csv").exists()
    assert sorted(path.name for path in folder.parent.iterdir()) == [
        "2024-25",
        "planted_truths.json",
    ]


@pytest.mark.parametrize(("trust", "size"), [("ABC", 1.0), ("../x", 1.0), ("XYZ", 0.0)])
def test_what_cannot_be_made_is_refused_and_nothing_is_written(tmp_path, trust, size):
    with pytest.raises(CommandError, match="demonstration trust"):
        write_demo(trust, tmp_path / "out" / "2024-25", size=size)
    assert not (tmp_path / "out").exists()


def test_every_row_of_a_recipe_names_its_source():
    for path in sorted(RECIPES.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert rows
        assert all(row["source"] for row in rows), path.name


def test_another_year_has_the_same_consultants_other_patients_and_cheaper_care(tmp_path):
    now, before = (
        write_demo("XY1", tmp_path / year, size=0.05, year=year) for year in ("2024-25", "2023-24")
    )
    plain = write_demo("XY1", tmp_path / "plain", size=0.05)
    for path in sorted(plain.iterdir()):  # the recipe's own year, named or not, is one and the same
        assert path.read_bytes() == (now / path.name).read_bytes(), path.name
    codes = [
        set(pd.read_csv(folder / "consultants.csv")["consultant_code"]) for folder in (now, before)
    ]
    assert codes[0] == codes[1]
    stays = [pd.read_csv(folder / "apc_episodes.csv", dtype="str") for folder in (now, before)]
    assert stays[1]["admission_dt"].str[:10].between("2023-01-31", "2024-03-31").mean() > 0.99
    moments = [table["admission_dt"].str[5:] for table in stays]  # month, day and minute
    assert moments[0].isin(moments[1]).mean() < 0.2
    spent = [
        pd.read_csv(folder / "control_totals.csv").set_index("measure")["value"][
            "total_expenditure"
        ]
        for folder in (now, before)
    ]
    # 3% more activity, each 4% dearer: 1.03 x 1.04 = 1.071, give or take which patients came.
    assert spent[0] / spent[1] == pytest.approx(1.071, abs=0.04)


def test_the_plan_is_near_what_lines_count_themselves(folder, episodes):
    """A spell is its last episode's line's; the plan is within a fifth of that where there is much of it."""
    plan = read_file(folder, "plan")
    planned = pd.to_numeric(plan.loc[plan["line_id"] == "GENMED", "activity_nel"]).sum()
    kept = episodes.drop_duplicates("episode_id")
    last = kept.sort_values(["spell_id", "episode_start_dt"]).drop_duplicates(
        "spell_id", keep="last"
    )
    days = (
        pd.to_datetime(last["discharge_dt"]).dt.normalize()
        - pd.to_datetime(last["admission_dt"]).dt.normalize()
    )
    is_long = last["admission_method"].str.startswith("2") & (days.dt.days > 1)
    is_his = last["tfc"].isin(["300"]) & (last["admin_category"] == "01")
    done = int((is_long & is_his).sum())
    assert done > 50
    assert planned == pytest.approx(done, rel=0.2)
