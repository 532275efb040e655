"""Published files as downloaded: recognised by what they hold, read with every quirk that was met."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from helpers.engine import Engine, open_engine
from helpers.published.cells import CELLS
from helpers.sources.published.files import Found, find_files, find_year
from helpers.sources.published.schedules import read_schedule, read_stated_totals
from helpers.sources.published.tables import read_cells
from helpers.sources.published.tariff import read_tariff
from helpers.sources.published.trusts import (
    read_beds,
    read_names,
    read_peers,
    read_successors,
    tidy_name,
)
from organisation_file import HEADER, make_organisations, pack, write_organisations
from workbook_bytes import write_workbook

PLAIN = "Org code,Department code,Service code,Currency code,Unit cost,Activity,Actual cost\n"
ROW = "RAA,EL,110,HN22A,5000,2,10000\n"


def recognise(tmp_path: Path, **files: bytes | str) -> dict[str, Found]:
    """Return what each file is taken for; `__` in a name stands for a point."""
    folder = tmp_path / "published"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / name.replace("__", ".")).write_bytes(raw)
    return {one.name: one for one in find_files(folder, tmp_path / "space")}


def read(tmp_path: Path, name: str, content: bytes | str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the cells and the account of one cost file."""
    found = recognise(tmp_path, **{name: content})
    with open_engine() as db:
        accounts = read_cells(list(found.values()), db, tmp_path / "space")
        return show_cells(db), accounts


def show_cells(db: Engine) -> pd.DataFrame:
    return db.frame(
        f"SELECT * FROM {CELLS} ORDER BY org_code, setting, service_code, currency_code"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("National Schedule of Reference Costs, 2016-17 - NHS trusts", "2016/17"),
        ("2022/23 National Tariff Payment System", "2022/23"),
        ("Year 5\n2023/24", "2023/24"),
        ("2019 / 2020", "2019/20"),
        ("2019-21", ""),  # two years are no financial year
        ("costs of 2019", ""),
    ],
)
def test_the_year_in_a_text(text, expected):
    assert find_year(text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Organisation_level_source_data_1_2324 v2.csv", "2023/24"),
        ("NCC_Schedule_1920_Org_level_Data_1 v2.csv", "2019/20"),
        ("NCC_FY2024-25_Org_File1.csv", "2024/25"),
        ("reference-costs-2015-16.zip: 1a Data.csv", "2015/16"),
        ("csv061117NoMff (1).csv", ""),  # a date, not a year
        ("1 Data V2.csv", ""),
    ],
)
def test_the_year_in_a_file_name(name, expected):
    assert find_year(name, in_name=True) == expected


def test_a_file_that_does_not_say_its_year_is_told_how_to(tmp_path):
    found = recognise(tmp_path, **{"1 Data__csv": PLAIN + ROW})["1 Data.csv"]
    assert found.kind == ""
    assert "Put the financial year in its name, as 2022-23_1 Data.csv" in found.problem


def test_a_year_in_the_rows_needs_none_in_the_name(tmp_path):
    cells, _ = read(
        tmp_path,
        "x__csv",
        "org_code,year,currency_code,activity,unit_cost\nRAA,2022/23,VB02Z,3,10\n",
    )
    assert cells[["org_code", "year", "setting", "cost_pence"]].values.tolist() == [
        ["RAA", "2022/23", "EM", 3_000]
    ]


@pytest.mark.parametrize("code", ["Org code", "Org Code", "Provider Code"])
@pytest.mark.parametrize("department", ["Department code", "Department Code", "Dept Code"])
@pytest.mark.parametrize("currency", ["Currency code", "Currency Code", "Curreny Code"])
@pytest.mark.parametrize(("activity", "cost"), [("Activity", "Actual cost"), ("Total Activity", "Actual_Cost"), ("FCE", "Actual Cost")])  # fmt: skip
def test_every_header_that_was_met_is_read(tmp_path, code, department, currency, activity, cost):
    text = f"{code},{department},{currency},{activity},{cost}\nRAA,EL,HN22A,2,10000.50\n"
    cells, _ = read(tmp_path, "d_2122__csv", text)
    assert cells[
        ["org_code", "setting", "currency_code", "activity", "cost_pence"]
    ].values.tolist() == [["RAA", "EL", "HN22A", 2.0, 1_000_050]]


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_separators_and_encodings(tmp_path, delimiter, encoding):
    text = delimiter.join(
        ["Org code", "Dept code", "Currency code", "Activity", "Actual cost", "Note"]
    )
    text += "\r\n" + delimiter.join(["RAA", "EL", "HN22A", "2", "100", "£ – ‘quoted’"]) + "\r\n"
    cells, _ = read(tmp_path, "d_2122__txt", text.encode(encoding))
    assert cells["cost_pence"].tolist() == [10_000]


def test_a_zip_within_a_zip_and_its_year_from_the_outer_name(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    pack(folder / "costs-2015-16.zip", {"deep/1a Data.csv": (PLAIN + ROW).encode()}, twice=True)
    found = find_files(folder, tmp_path / "space")
    assert [(one.name, one.kind, one.year) for one in found] == [
        ("costs-2015-16.zip: inner.zip: 1a Data.csv", "organisations", "2015/16")
    ]


def test_a_member_cannot_be_unpacked_outside_its_folder(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../../evil_2122.csv", PLAIN + ROW)
    found = recognise(tmp_path, a__zip=buffer.getvalue())
    assert [one.kind for one in found.values()] == ["organisations"]
    assert list(tmp_path.rglob("*evil*")) == []


@pytest.mark.parametrize("name", ["a.zip", "b.csv.gz", "c.xlsx", "d.pdf", "e.csv"])
def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path, name):
    good = gzip.compress((PLAIN + ROW).encode())
    found = recognise(
        tmp_path, **{name.replace(".", "__"): b"PK\x03\x04 cut", "d_2122__csv__gz": good}
    )
    assert found[name].kind == "" and found[name].problem
    assert found["d_2122.csv.gz"].kind == "organisations"


def test_a_file_of_another_kind_is_told_by_its_columns(tmp_path):
    found = recognise(tmp_path, x__csv="ORG_CODE,YEAR,BEDS\nRAA,2018,9\n")
    assert (
        "its columns are not those of a file that is known: BEDS, ORG_CODE, YEAR"
        in found["x.csv"].problem
    )


def test_stars_hide_activity_and_not_its_cost(tmp_path):
    """£100 of hidden activity is counted in cost, and gives no unit cost."""
    text = PLAIN + "RAA,EL,110,HN22A,50,2,100\nRAA,EL,110,HN22B,*,*,100\nRAA,EL,110,HN22C,*,*,*\n"
    cells, accounts = read(tmp_path, "d_2122__csv", text)
    hidden = cells.set_index("currency_code").loc["HN22B"]
    assert (
        pd.isna(hidden["activity"]) and hidden["cost_only_pence"] == hidden["cost_pence"] == 10_000
    )
    assert accounts.set_index("reason")["n_rows"].to_dict() == {"": 2, "no_figures": 1}
    assert int(accounts["n_suppressed"].sum()) == 2


def test_only_a_trusts_own_work_counts(tmp_path):
    """Of £600, £100 is the trust's own; each other pound is set aside with its reason."""
    text = (
        "Org code,Org type,Supplier type,Department code,Currency code,Activity,Actual cost\n"
        "RAA,TRUST,OWN,EL,HN22A,1,100\nRAA,TRUST,OUT,EL,HN22A,1,200\nNT1,ISP,OWN,EL,HN22A,1,250\n"
        ",TRUST,OWN,EL,HN22A,1,30\nRAA,TRUST,OWN,EL,Total,1,20\n"
    )
    cells, accounts = read(tmp_path, "d_1516__csv", text)
    assert cells["cost_pence"].tolist() == [10_000]
    aside = accounts.set_index("reason")["cost_pence"].to_dict()
    assert aside == {"": 10_000, "not_own": 20_000, "not_a_trust": 25_000, "no_organisation": 3_000,
                     "no_currency": 2_000}  # fmt: skip
    assert sum(aside.values()) == 60_000


@pytest.mark.parametrize(
    ("published", "setting"),
    [
        ("TEI", "EL"), ("EI", "EL"), ("EL", "EL"), ("TNEI_L", "NEL"), ("NEI_L", "NEL"), ("TNEI_S", "NES"),
        ("NEI_S", "NES"), ("TDC", "DC"), ("TOPROC", "OPROC"), ("TCL", "CL"), ("TNCL", "NCL"), ("AE", "EM"),
        ("EM", "EM"), ("SPC", "SPC"), ("SPAL", "SPC"), ("el", "EL"),
    ],
)  # fmt: skip
def test_department_codes_of_every_year_are_one_setting(tmp_path, published, setting):
    cells, _ = read(tmp_path, "d_1213__csv", PLAIN + f"RAA,{published},110,HN22A,5,2,10\n")
    assert cells["setting"].tolist() == [setting]


def test_excess_bed_days_add_cost_and_no_episodes(tmp_path):
    """2 episodes for £100 and 30 excess days for £60: £160 for 2 episodes."""
    text = PLAIN + "RAA,NEL,110,HN22A,50,2,100\nRAA,NEL_XS,110,HN22A,2,30,60\n"
    cells, _ = read(tmp_path, "d_1516__csv", text)
    assert cells[["setting", "activity", "cost_pence"]].values.tolist() == [["NEL", 2.0, 16_000]]


def test_an_unknown_department_is_kept_without_a_setting(tmp_path):
    cells, accounts = read(tmp_path, "d_2122__csv", PLAIN + "RAA,NEW9,110,HN22A,5,2,10\n")
    assert cells[["setting", "line_id", "cost_pence"]].values.tolist() == [
        ["MIXED", "MUSCLE", 1_000]
    ]
    assert accounts["reason"].tolist() == [""]


@pytest.mark.parametrize(
    ("code", "line", "setting"),
    [
        ("WF01A", "OUTPATIENTS", "OUT"), ("N02AF", "COMMUNITY", "CHS"), ("N12", "COMMUNITY", "CHS"),
        ("A08C1", "COMMUNITY", "CHS"), ("A09F", "COMMUNITY", "CHS"), ("AA22C", "NERVOUS", "MIXED"),
        ("NZ21Z", "MATERNITY", "MIXED"), ("MHCC", "MENTAL", "MH"), ("HCDr", "HIGH_COST", "HCD"),
        ("PATH04", "PATHOLOGY", "DAPS"), ("OSCCRT", "OTHER", "MIXED"), ("LD01A", "URINARY", "RENAL"),
        ("VB04Z", "EMERGENCY", "EM"), ("XC06Z", "CRITICAL", "CC"), ("01", "OTHER", "MIXED"),
    ],
)  # fmt: skip
def test_currencies_of_every_shape_find_their_line_without_a_department(
    tmp_path, code, line, setting
):
    """Half of the NHS's currencies are not casemix groups: A08C1 is community's, not chapter A."""
    cells, _ = read(
        tmp_path, "d_2122__csv", f"Org code,Currency code,Activity,Actual cost\nRAA,{code},1,1\n"
    )
    assert cells[["line_id", "setting", "currency_code"]].values.tolist() == [[line, setting, code]]


def test_an_outpatient_attendance_belongs_to_its_treatment_function(tmp_path):
    text = PLAIN + "RAA,CL,110,WF01A,5,2,10\nRAA,CL,130,WF01A,5,2,20\nRAA,CL,XYZ,WF01A,5,2,30\n"
    cells, _ = read(tmp_path, "d_2122__csv", text)
    lines = dict(zip(cells["service_code"], cells["line_id"], strict=True))
    assert lines == {"110": "MUSCLE", "130": "EYES", "XYZ": "OUTPATIENTS"}


def test_of_two_files_with_one_trusts_year_the_fuller_is_used(tmp_path):
    recognise(
        tmp_path, a_2122__csv=PLAIN + ROW, b_2122__csv=PLAIN + ROW + ROW.replace("HN22A", "HN22B")
    )
    found = find_files(tmp_path / "published", tmp_path / "space")
    with open_engine() as db:
        accounts = read_cells(found, db, tmp_path / "space")
        assert int(show_cells(db)["cost_pence"].sum()) == 2_000_000
    aside = accounts[accounts["reason"] == "other_file"]
    assert aside[["file", "cost_pence"]].values.tolist() == [["a_2122.csv", 1_000_000]]


def test_costs_that_hold_the_market_forces_factor_are_marked(tmp_path):
    text = "Org code,Department code,Currency code,Activity,MFFd Actual Cost\nRAA,EL,HN22A,1,10\n"
    assert read(tmp_path, "a_2122__csv", text)[0]["is_adjusted"].tolist() == [True]


def test_unadjusted_cost_is_taken_where_both_are_published(tmp_path):
    text = "Org code,Department code,Currency code,Activity,MFFd Actual Cost,Actual Cost\nRAA,EL,HN22A,1,9,10\n"
    cells, _ = read(tmp_path, "a_2122__csv", text)
    assert cells[["cost_pence", "is_adjusted"]].values.tolist() == [[1_000, False]]


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8-sig"), ("\t", "utf-8")])
def test_an_invented_file_comes_back_to_the_penny(tmp_path, delimiter, encoding):
    rows, truth = make_organisations(n_orgs=5, n_currencies=12)
    folder = tmp_path / "published"
    folder.mkdir()
    write_organisations(folder / "o_2223.csv", rows, delimiter=delimiter, encoding=encoding)
    found = find_files(folder, tmp_path / "space")
    with open_engine() as db:
        read_cells(found, db, tmp_path / "space")
        cells = show_cells(db)
    pence = cells.groupby("org_code")["cost_pence"].sum()
    assert pence.to_dict() == (truth.cost_gbp * 100).round().astype("int64").to_dict()
    known = rows[rows["activity"] >= 3]
    assert cells["activity"].sum() == known["activity"].sum()
    assert HEADER["activity"] == "Activity"


# A national schedule, small enough to add up by hand.
HEAD = [
    "Currency Code",
    "Currency Description",
    "Number of FCE's",
    "National Average Unit Cost",
    "No. Data Submissions",
    None,
]
SCHEDULE = {
    "Front page": [["National Schedule of Reference Costs, 2017-18 - NHS trusts"]],
    "Index": [
        ["Back"], [None, "INDEX", "DESCRIPTION", "Total Activity ", "Unit Cost", "Total Cost"],
        [None, "Total Quantum", "", None, None, 1_500.0], [None, "EL", "Elective", 3, 300.0, 900.0],
        [None, "AE", "Emergency", 2, 300.0, 600.0],
    ],
    "Total HRG's": [
        ["Back to Index", "National Schedule"], [None],
        [None, None, 5.0, 300.0, 1_500.0, 3.0, 250.0, 900.0],  # 250 is last year's, left behind
        [None, None, "Total", None, None, "Elective Inpatient ", None, None],
        ["Currency ", "Currency Description", "Activity ", "Unit Cost ", "Total Cost", "Activity ", "Unit Cost ", "Total Cost"],
        ["AA22C", "Stroke", 3.0, 300.0, 900.0, 3.0, 300.0, 900.0], ["VB01Z", "Urgent", 2.0, 300.0, 600.0, 0, 0, 0],
    ],
    "EL": [["Back to Index"], [None], HEAD, ["AA22C", "Stroke", 1, 500, 9, 10_315_435.24], ["AA22D", "Stroke", 2, 200, 9, 7]],
    "AE": [["Back"], ["Service Code", "Currency Code", "Attendances", "National Average Unit Cost"], [180.0, "VB01Z", 2, 300], ["T01A", "VB02Z", 0, 0]],
}  # fmt: skip


@pytest.fixture
def schedule(tmp_path) -> Found:
    return recognise(tmp_path, s__xlsx=write_workbook(SCHEDULE))["s.xlsx"]


def test_a_schedule_is_known_by_its_sheets_and_its_year_by_its_front_page(schedule):
    assert (schedule.kind, schedule.year) == ("schedule", "2017/18")


def test_a_schedules_sheets_are_read_below_their_titles_without_left_over_columns(schedule):
    rows = read_schedule(schedule)
    assert rows[["department_code", "service_code", "currency_code", "activity", "unit_cost"]].fillna("").values.tolist() == [
        ["EL", "", "AA22C", "1", "500"], ["EL", "", "AA22D", "2", "200"],
        ["AE", "180", "VB01Z", "2", "300"], ["AE", "T01A", "VB02Z", "0", "0"],
    ]  # fmt: skip


def test_totals_are_added_up_again_and_the_wrong_one_is_found(schedule):
    """The 2017/18 workbook stated 2016/17's unit cost: here £250 where 900 / 3 = £300."""
    totals = read_stated_totals(schedule)
    sheet = totals[totals["sheet"] == "Total HRG's"]
    wrong = sheet[(sheet["stated"] - sheet["recomputed"]).abs() > 1e-9]
    assert wrong[["item", "measure", "stated", "recomputed"]].values.tolist() == [
        ["Elective Inpatient", "unit cost", 250.0, 300.0]
    ]


# A price list with every trap that the published one has.
TARIFF = {
    "Front page": [["2022/23 National Tariff Payment System: Annex A"]],
    "0 National prices": [
        [None, "National prices 2022/23"], [None], [None, "HRG Code", "HRG Name", "Tariff (including cost of\nreporting) (£)*"],
        [None, "RD01A", "Scan", 114], [None, "RD60Z**", "New", 315], [None, None, "** These new HRGs"],
    ],
    "1 APC & OPROC": [
        [None, "Admitted", None, "Return to contents"], [None],
        [None, "HRG Code", "HRG Name", "Outpatient \nprocedure (£)", "Combined day \ncase /ordinary \nelective spell (£)",
         "Ordinary elective long stay trim point (days)", "Non-elective \nspell (£)", "Non-elective \nlong stay trim point",
         "Reduced short stay emergency adjustment applicable?", "% applied", "Reduced short stay emergency adjustment (£)"],
        [None, "AA22C", "Stroke", "-", 8640, 35, 9953, 75, "YES", 0.2, 1991],
        [None, "AA22D", "Stroke", 0, 100, 5, 300, 6, "NO", "-", "-"],
    ],
    "2 Outpatients": [
        [None, "Outpatients"], [None, "Treatment function code", "Name", "WF01A \nFollow", "WF01B \nFirst", "WF02A\n", "WF02B\n"],
        [None, 110, "T&O", 70, 150, 90, 200], [None, 812, "Imaging", 0, 0, 0, "-"], [None, None, "* note"],
    ],
    "3 A&E": [
        [None, "A&E"], [None, "HRG code", "HRG name", "Type 1 and 2 \nDepartments", "Type 3"], [None, "VB02Z", "E", 410, 85],
    ],
    "4b Unbundled prices": [
        [None, "1. Imaging"], [None, "HRG Code", "HRG Name", "Price (£)"], [None, "RN01A", "Scan", 20],
        [None, "2. Chemotherapy"], [None, "HRG Code", "HRG Name", "Price (£)"], [None, "SB11Z", "Deliver", 129],
    ],
    "13 MFF values": [
        [None, "MFF"], [None, "Provider Code", "Provider name", "2022/23 \n(Year 4)", None, "Year 5\n2023/24", "Notes"],
        [None, "RAA", "Trust", 1.046225, None, 1.04, "merged"],
    ],
}  # fmt: skip


@pytest.fixture
def tariff(tmp_path):
    return read_tariff(recognise(tmp_path, t__xlsx=write_workbook(TARIFF))["t.xlsx"])


def test_prices_of_every_sheet_are_read(tariff):
    prices = tariff.prices.set_index(["basis", "currency_code", "treatment_function_code"])[
        "price_gbp"
    ]
    assert tariff.year == "2022/23"
    assert prices.to_dict() == {
        ("PLANNED", "AA22C", ""): 8640, ("NEL", "AA22C", ""): 9953, ("NES", "AA22C", ""): 1991,
        ("OPROC", "AA22D", ""): 0, ("PLANNED", "AA22D", ""): 100, ("NEL", "AA22D", ""): 300,
        ("NES", "AA22D", ""): 300,  # no reduced price: paid as any other stay
        ("OP", "WF01A", "110"): 70, ("OP", "WF01B", "110"): 150, ("OP", "WF02A", "110"): 90,
        ("OP", "WF02B", "110"): 200, ("OP", "WF01A", "812"): 0, ("OP", "WF01B", "812"): 0,
        ("OP", "WF02A", "812"): 0, ("EM12", "VB02Z", ""): 410, ("EM3", "VB02Z", ""): 85,
        ("IMAG", "RD01A", ""): 114, ("IMAG", "RD60Z", ""): 315, ("OTHER", "RN01A", ""): 20,
        ("OTHER", "SB11Z", ""): 129,
    }  # fmt: skip


def test_factors_and_trim_points_are_read(tariff):
    assert tariff.factors.values.tolist() == [
        ["RAA", "2022/23", 1.046225],
        ["RAA", "2023/24", 1.04],
    ]
    assert tariff.trim_points.values.tolist() == [
        ["AA22C", "PLANNED", 35.0], ["AA22C", "NEL", 75.0], ["AA22D", "PLANNED", 5.0], ["AA22D", "NEL", 6.0]
    ]  # fmt: skip


def test_occupied_beds_are_read_below_england_and_a_blank_row(tmp_path):
    head = [
        "",
        "Year",
        "Period End",
        "Region Code",
        "Org Code",
        "Org Name",
        "110 Trauma & Orthopaedics",
        "300 General Medicine",
    ]
    sheet = [["Title"], [None], head, ["", "2020-21", "September", None, None, "England", 9.0, 9.0], [None],
             ["", "2020-21", "September", "Y56", "RJ7", "ST GEORGE'S", 54.0, "-"]]  # fmt: skip
    found = recognise(
        tmp_path,
        b__xlsx=write_workbook({"NHS Trust by Sector": [["x"]], "Occupied by Specialty": sheet}),
    )
    assert read_beds(list(found.values())).values.tolist() == [
        ["RJ7", "110", "Trauma & Orthopaedics", "September 2020-21", 54.0]
    ]


def test_lists_of_trusts(tmp_path):
    found = recognise(
        tmp_path,
        a__csv="organisation_code,name\n R0A ,MANCHESTER UNIVERSITY NHS FOUNDATION TRUST\n00D,A CCG\n",
        b__csv="name,value\nAiredale NHS Foundation Trust (RCF),RCF\n",
        c__csv="procode,peer\nR0A,R0A\nR0A,R1H\n",
        d__csv="old_code,new_code,date\nRW3,R0A,20171001.0\nRW3AB,R0AAB,20171001.0\n",
    )
    files = list(found.values())
    names = read_names(files, tmp_path / "space").set_index("org_code")["org_name"]
    assert names["R0A"] == "Manchester University NHS Foundation Trust"
    assert names["RCF"] == "Airedale NHS Foundation Trust"
    assert read_peers(files, tmp_path / "space").values.tolist() == [["R0A", "R1H"]]
    assert read_successors(files, tmp_path / "space").values.tolist() == [["RW3", "R0A"]]


def test_names_in_capitals_are_written_as_names():
    assert (
        tidy_name("ROYAL FREE LONDON NHS FOUNDATION TRUST")
        == "Royal Free London NHS Foundation Trust"
    )
    assert tidy_name("Barts  Health") == "Barts Health"
