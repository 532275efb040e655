"""Files as trusts have them: titles above the header, sheets, duplicate names, spoilt codes."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from helpers.cleaning import clean
from helpers.cleaning.small_tables import find_small_repairs
from helpers.contracts import Received
from helpers.errors import InputError
from helpers.sources.codes import find_lost_zeros
from helpers.sources.extracts import read_trust
from small_trust import FILES, add_rows, clean_small, list_log, open_small_engine, open_small_run
from workbook_bytes import write_workbook

LEDGER = FILES["general_ledger.csv"]
ROWS = [line.split(",") for line in LEDGER.splitlines()]


def read_small(tmp_path, **changes: str | bytes | None) -> Received:
    with open_small_engine() as db:
        return read_trust(open_small_run(tmp_path, **changes), db)


def get_notice(received, file: str = "general_ledger") -> str:
    return received.input_files.set_index("file").loc[file, "notice"]


def list_amounts(received: Received) -> list[str]:
    return received.frames["general_ledger"]["amount"].tolist()


@pytest.mark.parametrize(
    ("top", "line"),
    [
        ("Example Trust\n\n", 3),
        ("Ledger 2024/25,,,,,\nPrepared by,Finance,,,,\n,,,,,\n", 4),
        ('"Ledger,\nall ""postings""",,,,,\n', 3),
        ("Example Trust\r\nLedger\r\n", 3),
    ],
    ids=["one field", "padded", "a title over two lines", "CRLF"],
)
def test_titles_above_the_header_are_passed_over_and_said(tmp_path, top, line):
    text = LEDGER.replace("\n", "\r\n") if "\r" in top else LEDGER
    received = read_small(tmp_path, general_ledger=top + text)
    assert list_amounts(received) == ["100.00", "200.10", "59.90", "-400.00"]
    above = "1 lines" if line == 2 else f"{line - 1} lines"
    assert f"The header is in line {line}; the {above} above it were not read." in get_notice(
        received
    )


def test_a_header_over_two_lines_in_windows_1252_is_found(tmp_path):
    text = LEDGER.replace("amount", '"Net £\namount"')
    received = read_small(
        tmp_path,
        general_ledger=("Titles\n" + text).encode("cp1252"),
        columns="general_ledger:\n  Net £ amount: amount\n",
    )
    assert list_amounts(received) == ["100.00", "200.10", "59.90", "-400.00"]


def test_the_line_of_a_fault_counts_the_lines_above_the_header(tmp_path):
    # two title lines, the header in line 3, four rows, the fault in line 8
    with pytest.raises(InputError, match=r"general_ledger\.csv, line 8: the row has 2 fields"):
        read_small(tmp_path, general_ledger="Trust\nLedger\n" + LEDGER + "cut,off\n")


def test_rows_without_any_value_are_left_out_and_counted(tmp_path):
    received = read_small(tmp_path, general_ledger=LEDGER + ",,,,,\n , ,,,,\n")
    assert received.frames["general_ledger"]["row_number"].tolist() == [1, 2, 3, 4]
    assert "2 rows blank in every column used." in get_notice(received)


def test_a_sheet_with_titles_and_an_empty_first_column_is_read(tmp_path):
    sheet = [[], [None, "Ledger"], [], *([None, *row] for row in ROWS)]
    received = read_small(tmp_path, general_ledger__xlsx=write_workbook({"Data": sheet}))
    assert list_amounts(received) == ["100.00", "200.10", "59.90", "-400.00"]
    assert "The header is in line 4" in get_notice(received)


def test_numbers_in_cells_become_the_text_of_a_csv(tmp_path):
    header, *rows = ROWS
    sheet = [header, *([*row[:4], float(row[4]), None] for row in rows)]
    received = read_small(tmp_path, general_ledger__xlsx=write_workbook({"Data": sheet}))
    assert list_amounts(received) == ["100", "200.1", "59.9", "-400"]


def test_the_first_sheet_is_read_unless_columns_yml_names_another(tmp_path):
    book = write_workbook({"Index": [["Contents"], ["Back"]], "GL 24/25": ROWS})
    with pytest.raises(InputError, match="first sheet, Index, has none of the columns") as stopped:
        read_small(tmp_path / "a", general_ledger__xlsx=book)
    assert "name of the sheet: sheet" in str(stopped.value)
    received = read_small(
        tmp_path / "b", general_ledger__xlsx=book, columns="general_ledger:\n  GL 24/25: sheet\n"
    )
    assert list_amounts(received) == ["100.00", "200.10", "59.90", "-400.00"]
    assert "Only the sheet GL 24/25 of 2 was read." in get_notice(received)
    with pytest.raises(InputError, match="has no sheet gl 23/24"):
        read_small(
            tmp_path / "c",
            general_ledger__xlsx=book,
            columns="general_ledger:\n  GL 23/24: sheet\n",
        )


def test_of_columns_with_one_name_columns_yml_chooses(tmp_path):
    rows = [[*row[:4], "9.99", *row[4:]] for row in ROWS]
    rows[0][4:6] = ["Amount", "amount"]
    text = "\n".join(",".join(row) for row in rows) + "\n"
    with pytest.raises(InputError, match=r"two columns are named amount") as stopped:
        read_small(tmp_path / "a", general_ledger=text)
    assert "Amount [2]: amount" in str(stopped.value)
    chosen = "general_ledger:\n  Amount [2]: amount\n"
    received = read_small(tmp_path / "b", general_ledger=text, columns=chosen)
    assert list_amounts(received) == ["100.00", "200.10", "59.90", "-400.00"]
    assert "Not used: 1 column (Amount)." in get_notice(received)
    first = read_small(tmp_path / "c", general_ledger=text, columns=chosen.replace("2", "1"))
    assert list_amounts(first) == ["9.99"] * 4


def test_two_columns_that_nobody_asks_for_may_share_a_name(tmp_path):
    text = "\n".join(f"{line},x,y" for line in LEDGER.splitlines()).replace("x,y", "Note,Note", 1)
    assert list_amounts(read_small(tmp_path, general_ledger=text + "\n"))[0] == "100.00"


def test_columns_yml_wins_over_a_column_that_merely_has_our_name(tmp_path):
    text = "\n".join(
        f"{line},{'Net' if place == 0 else f'{place}.00'}"
        for place, line in enumerate(LEDGER.splitlines())
    )
    received = read_small(
        tmp_path,
        general_ledger=text + "\n",
        columns="general_ledger:\n  net: amount\n  gone: wte_actual\n",
    )
    assert list_amounts(received) == ["1.00", "2.00", "3.00", "4.00"]
    assert "columns.yml names columns that are not there: gone." in get_notice(received)


def test_a_columns_yml_of_proposals_alone_changes_nothing(tmp_path):
    received = read_small(tmp_path, columns="# general_ledger:\n#   Net: amount\n")
    assert list_amounts(received)[0] == "100.00"


@pytest.mark.parametrize(
    "text",
    ["45476.3125", "03/07/2024 07:30", "3/7/2024 07:30", "2024-07-03 07:30", " 2024-07-03T07:30:00 "],
)  # fmt: skip
def test_one_moment_however_it_is_written(tmp_path, text):
    # a spreadsheet's day 45476 is 3 July 2024, for 45292 is 1 January and July begins 182 days later;
    # 0.3125 of 24 hours is 7.5 hours
    rows = FILES["ward_stays.csv"].replace("2024-07-03T07:30", text)
    _, db = clean_small(tmp_path, ward_stays=rows)
    assert db.frame("SELECT start_dt FROM clean_ward_stays")["start_dt"].tolist() == [
        pd.Timestamp(2024, 7, 3, 7, 30)
    ]


@pytest.mark.parametrize("text", ["45476", "20240703", "03/07/2024", "2024-07-03"])
def test_one_day_however_it_is_written(tmp_path, text):
    lines = FILES["service_lines.csv"].replace("2012-04-01", text)
    cleaned, _ = clean_small(tmp_path, service_lines=lines)
    assert cleaned.frames["service_lines"]["adopted_slm_date"].dt.date.tolist() == [
        dt.date(2024, 7, 3)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("20%", 0.2), ("12.5 %", 0.125), ("(5%)", -0.05), ("1,234.5", 1234.5), ("£2", 2.0), ("(3)", -3.0)],
)  # fmt: skip
def test_one_number_however_it_is_written(tmp_path, text, expected):
    shares = FILES["expense_map.csv"].replace("0.2,0.5,1", f'"{text}",0.5,1')
    cleaned, _ = clean_small(tmp_path, expense_map=shares)
    assert cleaned.frames["expense_map"]["variable_share_12m"].iloc[0] == expected


@pytest.mark.parametrize("text", ["5%5", "%", "20%%"])
def test_what_only_looks_like_a_percentage_is_refused(tmp_path, text):
    shares = FILES["expense_map.csv"].replace("0.2,0.5,1", f"{text},0.5,1")
    with pytest.raises(InputError, match="TYP-004: expense_map, column variable_share_12m"):
        clean_small(tmp_path, expense_map=shares)


def test_an_amount_of_money_is_never_a_percentage(tmp_path):
    with pytest.raises(InputError, match="LED-003"):
        clean_small(tmp_path, general_ledger=LEDGER.replace("100.00", "100%"))


@pytest.mark.parametrize("text", ["", " ", "-", "*", "?", "NULL", "n/a", "N/A", "–", "#N/A"])
def test_missing_however_it_is_spelt(tmp_path, text):
    cleaned, _ = clean_small(
        tmp_path, general_ledger=LEDGER.replace("100.00,1.5", f"100.00,{text}")
    )
    assert cleaned.frames["general_ledger"]["wte_actual"].isna().tolist() == [True] * 4


def test_zeros_are_found_lost_only_where_one_code_is_left():
    found = find_lost_zeros(
        {"401", "77", "5", "0401", "A1", "0", "9"}, {"0401", "077", "0077", "5", "A1"}
    )
    # 401 is 0401; 77 could be 077 or 0077; 5, 0401 and A1 are known; 0 and 9 are like nothing
    assert found.repairs == {"401": "0401"}
    assert found.unclear == {"77": ["0077", "077"]}


def test_a_ledger_that_lost_its_zeros_is_repaired_by_the_map(tmp_path):
    maps = FILES["cost_centre_map.csv"].replace("CC01", "000401")
    with open_small_engine() as db:
        run = open_small_run(
            tmp_path, general_ledger=LEDGER.replace("CC01", "401"), cost_centre_map=maps
        )
        received = read_trust(run, db)
        log = find_small_repairs(db, received.frames)
    assert received.frames["general_ledger"]["cost_centre"].tolist() == [
        "000401",
        "CC02",
        "CC03",
        "CC02",
    ]
    assert (
        "cost_centre: 1 codes in 1 rows had lost their leading zeros and were repaired by cost_centre_map "
        "(401 is 000401)."
    ) in get_notice(received)
    assert log[
        ["file", "row_number", "rule", "column", "old_value", "new_value"]
    ].values.tolist() == [["general_ledger", 1, "TYP-006", "cost_centre", "401", "000401"]]


def test_repairs_of_small_tables_stand_in_the_log(tmp_path):
    maps = FILES["cost_centre_map.csv"].replace("CC01", "000401")
    with open_small_engine() as db:
        run = open_small_run(
            tmp_path, general_ledger=LEDGER.replace("CC01", "401"), cost_centre_map=maps
        )
        cleaned = clean(read_trust(run, db), db)
        log = db.frame("SELECT old_value, new_value FROM cleaning_log WHERE rule = 'TYP-006'")
    assert log.values.tolist() == [["401", "000401"]]
    accounts = cleaned.accounts.set_index("file").loc["general_ledger"]
    assert (accounts["n_repaired"], accounts["n_excluded"]) == (1, 0)


def test_a_map_that_lost_its_zeros_is_repaired_by_the_ledger(tmp_path):
    received = read_small(
        tmp_path,
        general_ledger=LEDGER.replace("CC01", "000401"),
        cost_centre_map=FILES["cost_centre_map.csv"].replace("CC01", "401"),
    )
    assert received.frames["cost_centre_map"]["cost_centre"].tolist() == ["000401", "CC02", "CC03"]
    assert "repaired by general_ledger" in get_notice(received, "cost_centre_map")


def test_zeros_that_could_be_two_codes_are_named_and_left(tmp_path):
    maps = add_rows("cost_centre_map", "00401,One,WARD_A,,", "000401,Two,WARD_A,,")
    received = read_small(
        tmp_path, general_ledger=LEDGER.replace("CC01", "401"), cost_centre_map=maps
    )
    assert received.frames["general_ledger"]["cost_centre"].iloc[0] == "401"
    assert "has more than one that each could be; they stand as they came (401)" in get_notice(
        received
    )


def test_a_private_patient_without_a_zero_stays_private_and_is_logged(tmp_path):
    rows = FILES["op_attendances.csv"].replace(",01,QKK", ",2,QKK")
    cleaned, db = clean_small(tmp_path, op_attendances=rows)
    assert db.frame("SELECT admin_category AS c FROM clean_op_attendances")["c"].tolist() == ["02"]
    assert list_log(db, "TYP-006") == [("O1", "R", "admin_category", "2", "02")]
    assert cleaned.summary.set_index("rule").loc["TYP-006", "n_rows"] == 1


def test_stars_after_codes_are_taken_off_and_logged(tmp_path):
    rows = FILES["apc_episodes.csv"].replace("DZ11K,DZ11K", "DZ11K**,DZ11K")
    _, db = clean_small(tmp_path, apc_episodes=rows)
    assert db.frame("SELECT hrg_fce FROM clean_apc_episodes")["hrg_fce"].tolist() == ["DZ11K"]
    assert list_log(db, "TYP-007") == [("E1", "R", "hrg_fce", "DZ11K**", "DZ11K")]


def test_a_star_alone_is_no_value_and_not_a_code(tmp_path):
    received = read_small(
        tmp_path, cost_pools=FILES["cost_pools.csv"].replace("P1,WARD_A,*", "P1,WARD_A*,*")
    )
    assert received.frames["cost_pools"]["department_id"].tolist() == ["WARD_A", "MED_TEAM"]
    assert received.frames["cost_pools"]["element_filter"].tolist() == ["*", "*"]
