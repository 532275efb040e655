"""Worked figures from NHS England's own files, which stand beside the project where they are at hand.

Expected figures were worked out from the files with another reader, before this code was written.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from helpers.engine import open_engine
from helpers.errors import InputError
from helpers.run import open_run
from helpers.sources.published import tables
from helpers.sources.tables import read_table

SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).resolve().parents[2].parent / "shared"))
REAL = SHARED / "real"
FILES = {
    "ncc-org-extract/ncc_org_R0A_top60_2020-21_to_2024-25.csv": "",
    "ncc-org-extract/ncc_org_totals_4_trusts.csv": "",
    "ncc-national-schedules/ncc_2023_24.csv": "",
    "ncc-national-schedules/HRG_ref_costs_2014.xlsx": "",
    "ncc-national-schedules/HRG_ref_costs_2016.xlsx": "",
    "ncc-national-schedules/National_schedule_of_NHS_costs_2019.csv": "National_schedule_2018-19.csv",
    "nhs-tariff-2022-23/22-23NT_Annex-A-National-tariff-workbook_Apr22.xlsx": "",
    "nhs-kh03-beds/Beds-Open-Overnight-Web_File-Final-DE5WC.xlsx": "",
    "nhs-trust-reference/trust_changes.csv.gz": "",
    "nhs-trust-reference/etr_2021.csv": "",
}
pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason="the published NHS files are not beside the project (SHARED_DIR)"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("real")
    (root / "published").mkdir()
    for name, new in FILES.items():
        shutil.copy(REAL / name, root / "published" / (new or Path(name).name))
    return root


def run_steps(place: Path, trust: str, year: str) -> dict[str, pd.DataFrame]:
    run = open_run(
        trust=trust, year=year, data=str(place / "raw"), out=str(place / "out"),
        folder=str(place / "built" / f"{trust}-{year}"),
    )  # fmt: skip
    with open_engine(spill=run.spill) as db:
        tables.read_published(run, db)
    with open_engine(spill=run.spill) as db:
        tables.compare_costs(run, db)
    tables.find_positions(run)
    names = (
        "cells",
        "compared",
        "lines",
        "settings",
        "index",
        "totals",
        "facts",
        "position_checks",
        "accounts",
        "stays",
    )
    return {name: read_table(run, f"published_{name}") for name in names}


@pytest.fixture(scope="module")
def manchester(place):
    return run_steps(place, "R0A", "2022-23")


@pytest.fixture(scope="module")
def england(place):
    return run_steps(place, "ENGLAND", "2023-24")


def test_manchesters_emergency_departments_in_2022_23(manchester):
    """Cost £115.30m, income at price £76.79m, margin -£38.51m."""
    line = manchester["lines"].set_index("line_id").loc["EMERGENCY"]
    assert round(line["cost_pence"] / 1e8, 2) == 115.30
    assert round(line["income_pence"] / 1e8, 2) == 76.79
    assert round(line["margin_pence"] / 1e8, 2) == -38.51


@pytest.mark.parametrize(
    ("code", "activity", "cost", "income", "margin"),
    [
        ("VB02Z", 12_784, 11.87, 5.48, -6.39), ("VB03Z", 25_542, 12.49, 7.70, -4.79),
        ("VB04Z", 20_279, 15.65, 6.11, -9.54), ("VB07Z", 46_506, 19.35, 8.95, -10.40),
        ("VB08Z", 122_799, 22.23, 21.58, -0.64), ("VB09Z", 119_509, 24.62, 15.75, -8.86),
        ("VB11Z", 126_064, 9.10, 11.21, 2.11),
    ],
)  # fmt: skip
def test_each_kind_of_attendance_of_it(manchester, code, activity, cost, income, margin):
    row = manchester["compared"].set_index("currency_code").loc[code]
    found = [
        row["activity"],
        row["cost_pence"],
        row["income_pence"],
        row["income_pence"] - row["cost_pence"],
    ]
    assert found[0] == activity
    assert [round(pence / 1e8, 2) for pence in found[1:]] == [cost, income, margin]


def test_manchesters_imaging_in_2022_23(manchester):
    line = manchester["lines"].set_index("line_id").loc["IMAGING"]
    pence = line[["cost_pence", "income_pence", "margin_pence"]]
    assert [round(one / 1e8, 2) for one in pence] == [7.10, 4.77, -2.33]


def test_manchesters_care_without_a_setting_has_no_price(manchester):
    """BZ86B and BZ88A may be outpatient procedures or day cases, each with its own price."""
    rows = manchester["compared"].set_index("currency_code").loc[["BZ86B", "BZ88A", "JC43C"]]
    assert rows["why_unpriced"].tolist() == ["mixed"] * 3
    assert rows["income_pence"].isna().all()


def test_the_file_holds_two_fifths_of_manchesters_cost(manchester):
    facts = manchester["facts"].set_index("fact")["value"]
    assert round(int(facts["cost_pence"]) / int(facts["stated_total_pence"]), 3) == 0.407
    assert (facts["factor"], facts["tariff_year"]) == ("1.046225", "2022/23")
    assert facts["trust_name"] == "Manchester University NHS Foundation Trust"


def test_englands_cost_in_2023_24(england):
    """£99.18bn; 1,820 of 13,362 rows hide their activity; emergency care £6.60bn."""
    assert round(int(england["lines"]["cost_pence"].sum()) / 1e11, 2) == 99.18
    national = england["accounts"].query("file == 'ncc_2023_24.csv'").iloc[0]
    assert (national["n_rows"], national["n_cost_only"], national["reason"]) == (13_362, 1_820, "")
    settings = england["settings"].set_index("setting")["cost_pence"]
    assert round(settings["EM"] / 1e11, 2) == 6.60 and round(settings["NEL"] / 1e11, 1) == 24.9
    assert {"01", "02", "03", "04"} <= set(england["compared"]["currency_code"])  # ambulance


def test_short_emergency_stays_are_priced_at_the_reduced_price(england, place):
    """At the full price they would earn 10.2 bn against 4.3 bn of cost, before the market forces factor."""
    short = england["compared"].query("setting == 'NES' and why_unpriced == ''")
    run = open_run(trust="ENGLAND", year="2023-24", data=str(place / "raw"), out=str(place / "out"),
                   folder=str(place / "built" / "ENGLAND-2023-24"))  # fmt: skip
    prices = (
        read_table(run, "published_prices")
        .query("basis == 'NEL'")
        .set_index("currency_code")["price_gbp"]
    )
    full = (short["activity"] * short["currency_code"].map(prices)).sum() / 1e9
    assert round(full, 1) == 10.2 and round(short["cost_pence"].sum() / 1e11, 1) == 4.3
    factor = float(england["facts"].set_index("fact")["value"]["factor"])
    assert short["income_pence"].sum() / 1e11 / factor < 0.6 * full


@pytest.mark.parametrize(
    ("year", "quantum", "n_wrong"),
    [("2014-15", 61_208_013_570.42, 3), ("2016-17", 65_773_108_380.06, 0)],
)
def test_schedules_of_reference_costs_add_up_to_their_total(place, year, quantum, n_wrong):
    """Rows become whole pence one by one, so the sum may differ by half a penny a row."""
    found = run_steps(place, "ENGLAND", year)
    pence = int(found["lines"]["cost_pence"].sum())
    assert abs(pence - quantum * 100) <= 0.5 * len(found["cells"]) + 1
    totals = found["totals"]
    assert len(totals) > 150
    assert int((~totals["agrees"].astype(bool)).sum()) == n_wrong
    assert found["position_checks"]["passed"].all()
    assert len(found["stays"]) > 10


def test_the_schedule_of_2018_19_is_read_in_windows_1252(place):
    found = run_steps(place, "ENGLAND", "2018-19")
    assert int(found["accounts"].query("year == '2018/19'")["n_rows"].sum()) == 2_522
    assert found["cells"]["activity"].notna().all()  # 280 of them have a thousands comma


def test_a_merged_trust_is_sent_to_its_successor(place):
    with pytest.raises(InputError, match="RW3 became part of R0A: try TRUST=R0A"):
        run_steps(place, "RW3", "2022-23")


def test_a_year_that_is_not_there_is_told_which_are(place):
    with pytest.raises(InputError, match="2023/24, 2024/25, not for 2016/17") as stopped:
        run_steps(place, "R0A", "2016-17")
    assert str(stopped.value).endswith("as YEAR=2024-25.")
