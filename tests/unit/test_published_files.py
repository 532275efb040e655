"""Files that the NHS has published, read by the readers a trust's files go through.

Row counts, totals and spoilt values were counted in the files with another reader. The files stand
beside the project, in the folder that SHARED_DIR names; without them these tests are skipped.
"""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pandas as pd
import pytest

from helpers.cleaning.types import type_table
from helpers.contracts import Column, Table
from helpers.errors import InputError
from helpers.sources.headers import SHEET
from helpers.sources.readers import FileRead, read_file
from small_trust import open_small_engine

SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).resolve().parents[2].parent / "shared"))
REAL = SHARED / "real"
NAMED = Table("departments", "Test table.", {"code": Column("code", "Code.")})
PRICED = Table(
    "departments",
    "Test table.",
    {"code": Column("code", "Code."), "amount": Column("number", "Amount.")},
)
pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason="the published NHS files are not beside the project (SHARED_DIR)"
)

# Each file, one of its columns, and its rows.
COUNTS = (
    ("ncc-org-extract/ncc_org_R0A_top60_2020-21_to_2024-25.csv", "currency_code", 262),
    ("ncc-org-extract/ncc_org_totals_4_trusts.csv", "org_code", 20),
    ("ncc-national-schedules/HRGcosts_2013_2017.csv.gz", "HRG", 133_868),
    ("ncc-national-schedules/National_schedule_of_NHS_costs_2019.csv", "Number of FCEs", 2_522),
    ("ncc-national-schedules/ncc_2023_24.csv", "currency_code", 13_362),
    ("nhp-reference/hrg_trimpoints.csv", "sushrg", 2_312),
    ("nhp-reference/peers.csv", "procode", 2_224),
    ("nhp-reference/providers.csv", "value", 210),
    ("nhp-reference/rtt_specialties.csv", "specialty", 21),
    ("nhs-trust-panel/financial_positions.csv", "ORG_CODE", 2_183),
    ("nhs-trust-panel/inpatient_data.csv", "ORG_CODE", 3_245),
    ("nhs-trust-panel/beds.csv", "ORG_CODE", 2_089),
    ("nhs-trust-panel/shmi.csv", "ORG_CODE", 952),
    ("nhs-trust-panel/AE.csv", "ORG_CODE", 1_379),
    ("nhs-trust-panel/RTT.csv", "ORG_CODE", 1_331),
    ("nhs-trust-panel/CQC_ratings.csv", "ORG_CODE", 8_155),
    ("nhs-trust-panel/NHS_SS_management.csv", "ORG_CODE", 1_393),
    ("nhs-trust-panel/consultants_simple_def.csv", "ORG_CODE", 3_110),
    ("nhs-trust-panel/managers_simple_def.csv", "ORG_CODE", 4_371),
    ("nhs-trust-panel/all_staff_simple_def.csv", "ORG_CODE", 1_547),
    ("nhs-trust-panel/stability.csv", "ORG_CODE", 429),
    ("nhs-trust-panel/nhs_provider.csv", "ORG_CODE", 431),
    ("nhs-trust-reference/trust_ref_file.csv", "procode", 2_728),
    ("nhs-trust-reference/appendix_a_data.csv", "Age 0-15", 208),
    ("nhs-trust-reference/etr_2016.csv", "organisation_code", 239),
    ("nhs-trust-reference/etr_2021.csv", "organisation_code", 228),
    ("nhs-trust-reference/nhs-non-nhs-ods-codes.csv", "procode", 254),
    ("nhs-trust-reference/mental_health_trusts.csv", "name_caps", 53),
    ("nhs-trust-reference/trust_changes.csv.gz", "old_code", 25_481),
    ("nhs-healthyr/england_critical_general_acute_beds.csv", "nhs_trust22_code", 5_557),
    ("nhs-healthyr/england_trust_accidents_emergency.csv", "nhs_trust22_code", 7_895),
    ("nhs-tac-schema/dim_tac_subcodes_by_year.csv", "SubCode", 5_018),
    ("nhs-tac-schema/dim_provider.csv", "provider_id", 294),
    ("nhsrdatasets/ae_attendances.csv", "org_code", 12_765),
    ("nhsrdatasets/LOS_model.csv", "ID", 300),
    ("nhsrdatasets/stranded_data.csv", "stranded.label", 768),
)

# Each workbook, its sheet, the columns of code and amount as published, the pattern of a code, its rows.
TARIFF = "nhs-tariff-2022-23/22-23NT_Annex-A-National-tariff-workbook_Apr22.xlsx"
BEDS = "nhs-kh03-beds/Beds-Open-Overnight-Web_File-Final-DE5WC.xlsx"
BEDS_Q1 = "nhs-kh03-beds/2021-Q1-Beds-Open-Overnight-Web_File-Final-DE5WC.xlsx"
HRG, ORG = r"[A-Z]{2}\d{2}[A-Z]", r"[A-Z0-9]{3}"
SHEETS = (
    (TARIFF, "1 APC & OPROC", "HRG Code", "Non-elective spell (£)", HRG, 2_371),
    (TARIFF, "2 Outpatients", "Treatment function code", "WF01B First Attendance - Single Professional", r"\d{3}", 56),
    (TARIFF, "3 A&E", "HRG code", "Type 1 and 2 Departments", HRG, 12),
    (TARIFF, "0 National prices", "HRG Code", "Tariff (including cost of reporting) (£)", HRG, 41),
    (TARIFF, "13 MFF values", "Provider Code", "2022/23 (Year 4)", ORG, 214),
    (BEDS, "NHS Trust by Sector", "Org Code", "Total [2]", ORG, 195),
    (BEDS_Q1, "NHS Trust by Sector", "Org Code", "Total [2]", ORG, 195),
    (BEDS, "Occupied by Specialty", "Org Code", "110 Trauma & Orthopaedics", ORG, 195),
    ("ncc-national-schedules/HRG_ref_costs_2014.xlsx", "Total HRG's", "Currency", "Total Cost [1]", HRG, 2_756),
    ("ncc-national-schedules/HRG_ref_costs_2016.xlsx", "Total HRGs", "Currency", "Total Cost [1]", HRG, 2_813),
)  # fmt: skip


def read_published(
    name: str, table: Table, renames: dict[str, str], tmp_path: Path
) -> tuple[FileRead, pd.DataFrame, pd.DataFrame]:
    """Return what reading noticed, the rows as text, and the rows typed."""
    path = REAL / name
    if path.suffix == ".gz":
        path = tmp_path / path.stem
        path.write_bytes(gzip.decompress((REAL / name).read_bytes()))
    with open_small_engine() as db:
        read = read_file(path, table, db, renames=renames, workspace=tmp_path / "copies")
        text = db.frame("SELECT * FROM raw_departments ORDER BY row_number")
        type_table(db, table)
        return read, text, db.frame("SELECT * FROM clean_departments ORDER BY row_number")


@pytest.mark.parametrize(("name", "column", "n_rows"), COUNTS, ids=[name for name, _, _ in COUNTS])
def test_every_published_table_comes_back_whole(tmp_path, name, column, n_rows):
    read, text, _ = read_published(name, NAMED, {column: "code"}, tmp_path)
    assert read.n_rows == len(text) == n_rows


@pytest.mark.parametrize(
    ("name", "sheet", "code", "amount", "pattern", "n_rows"),
    SHEETS,
    ids=[f"{Path(row[0]).name[:18]} {row[1]}" for row in SHEETS],
)
def test_every_published_sheet_is_found_below_its_titles(
    tmp_path, name, sheet, code, amount, pattern, n_rows
):
    renames = {code: "code", amount: "amount", sheet: SHEET}
    read, text, _ = read_published(name, PRICED, renames, tmp_path)
    codes = text["code"].str.strip().str.rstrip("*")
    assert codes.str.fullmatch(pattern).sum() == n_rows
    assert "The header is in line" in " ".join(read.notices)


def test_thousands_commas_and_windows_1252_of_a_published_schedule(tmp_path):
    read, text, clean = read_published(
        "ncc-national-schedules/National_schedule_of_NHS_costs_2019.csv",
        PRICED,
        {"Currency_Code": "code", "Number of FCEs": "amount"},
        tmp_path,
    )
    assert "Read as Windows-1252" in " ".join(read.notices)
    assert text["amount"].str.contains(",").sum() == 280
    assert clean["amount"].notna().sum() == text["amount"].notna().sum()


def test_codes_that_begin_with_a_zero_keep_it(tmp_path):
    _, text, clean = read_published(
        "ncc-national-schedules/ncc_2023_24.csv",
        PRICED,
        {"currency_code": "code", "cost": "amount"},
        tmp_path,
    )
    assert {"01", "02", "03", "04"} <= set(text["code"])  # ambulance currencies
    assert round(clean["amount"].sum() / 1e9, 2) == 99.18  # the published total, GBP billion


def test_a_dash_is_no_price_and_a_nought_is_one(tmp_path):
    renames = {"HRG Code": "code", "Outpatient procedure (£)": "amount", "1 APC & OPROC": SHEET}
    _, text, clean = read_published(TARIFF, PRICED, renames, tmp_path)
    assert (text["amount"] == "-").sum() == 2_093
    assert clean["amount"].notna().sum() == 2_371 - 2_093


def test_a_published_price_is_read_from_its_sheet(tmp_path):
    renames = {"HRG Code": "code", "Non-elective spell (£)": "amount", "1 APC & OPROC": SHEET}
    _, _, clean = read_published(TARIFF, PRICED, renames, tmp_path)
    assert clean.set_index("code").loc["AA22C", "amount"] == 9_953


def test_market_forces_factors_are_read_from_their_sheet(tmp_path):
    renames = {"Provider Code": "code", "2022/23 (Year 4)": "amount", "13 MFF values": SHEET}
    _, _, clean = read_published(TARIFF, PRICED, renames, tmp_path)
    factors = clean.set_index("code")["amount"].round(6)
    assert (factors["R0A"], factors["R1H"]) == (1.046225, 1.171131)


def test_of_the_blocks_of_a_bed_return_the_second_is_occupied_beds(tmp_path):
    renames = {"Org Code": "code", "Total [2]": "amount", "NHS Trust by Sector": SHEET}
    _, _, clean = read_published(BEDS, PRICED, renames, tmp_path)
    assert round(clean.set_index("code").loc["RJ7", "amount"], 1) == 687.9


def test_codes_padded_on_both_sides_are_trimmed(tmp_path):
    renames = {"ORG_CODE": "code", "TOTAL_EPISODES": "amount"}
    _, text, clean = read_published("nhs-trust-panel/inpatient_data.csv", PRICED, renames, tmp_path)
    assert (text["code"] != text["code"].str.strip()).sum() == 930
    assert (clean["code"] == clean["code"].str.strip()).all()


def test_british_dates_of_a_published_file_are_read(tmp_path):
    table = Table("departments", "Test table.", {"code": Column("date", "Date.")})
    _, _, clean = read_published("nhs-trust-panel/RTT.csv", table, {"DATE": "code"}, tmp_path)
    assert clean["code"].notna().all()
    assert clean["code"].dt.month.isin([3]).all()  # each year's return is for 31 March


def test_what_is_not_a_table_is_refused_in_words(tmp_path):
    for name in ("nhp-reference/hrgs.json", "nhp-reference/tx-lookup.json"):
        path = tmp_path / "departments.csv"
        path.write_bytes((REAL / name).read_bytes())
        with open_small_engine() as db, pytest.raises(InputError, match=r"departments\.csv"):
            read_file(path, PRICED, db, renames={}, workspace=tmp_path)
    packed = tmp_path / "expense_map.csv"
    packed.write_bytes((REAL / "nhs-trust-reference/trust_changes.csv.gz").read_bytes())
    with open_small_engine() as db, pytest.raises(InputError, match="a gzip file under another"):
        read_file(packed, PRICED, db, renames={}, workspace=tmp_path)


def test_a_blank_workbook_of_forms_lacks_our_columns_and_says_so(tmp_path):
    name = "nhs-tac-schema/202223-NHS-Provider-TAC-Illustrative-File.xlsx"
    with pytest.raises(InputError, match="its first sheet, Intro, has none of the columns"):
        read_published(name, PRICED, {}, tmp_path)
