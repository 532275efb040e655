"""Files that cannot be read: one message that names the file, the line or column, and what to do."""

from __future__ import annotations

import gzip
import io

import pandas as pd
import pytest

from helpers.errors import HelpersError, InputError
from helpers.run import open_run
from helpers.sources.extracts import read_trust
from small_trust import FILES, open_small_engine, open_small_run, write_trust
from workbook_bytes import write_workbook

LEDGER = FILES["general_ledger.csv"]
ROWS = [line.split(",") for line in LEDGER.splitlines()]
BOOK = write_workbook({"Data": ROWS})


def write_parquet() -> bytes:
    buffer = io.BytesIO()
    pd.read_csv(io.StringIO(LEDGER), dtype=str).to_parquet(buffer)
    return buffer.getvalue()


WIDE = ",".join(["fy", *(f"c{n}" for n in range(20_000))]) + "\n"
CASES = {
    "cut off in a row": (
        {"general_ledger": LEDGER[:-25]},
        ["general_ledger.csv, line 5: the row has", "complete cut-off rows"],
    ),
    "cut off in quotes": (
        {"general_ledger": LEDGER[:-25] + '"4001'},
        ["general_ledger.csv, line 5", "quote"],
    ),
    "cut-off workbook": (
        {"general_ledger__xlsx": BOOK[: len(BOOK) // 2]},
        ["general_ledger.xlsx cannot be read as an Excel workbook", "Save it again as .xlsx"],
    ),
    "cut-off Parquet": (
        {"general_ledger__parquet": write_parquet()[:-20]},
        ["general_ledger.parquet cannot be read as Parquet", "Export it again"],
    ),
    "empty": ({"general_ledger": b""}, ["general_ledger.csv is empty", "docs/your-own-data.md"]),
    "a mark alone": (
        {"general_ledger": b"\xef\xbb\xbf"},
        ["general_ledger.csv, line 1: there is no header"],
    ),
    "empty sheet": (
        {"general_ledger__xlsx": write_workbook({"Data": []})},
        ["general_ledger.xlsx: its first sheet is empty", "docs/your-own-data.md"],
    ),
    "a picture": (
        {"general_ledger": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"},
        ["general_ledger.csv is not text", "Export it as CSV"],
    ),
    "a gzip": (
        {"general_ledger": gzip.compress(LEDGER.encode(), mtime=0)},
        ["general_ledger.csv is a gzip file under another name", "export it as CSV"],
    ),
    "another separator": (
        {"general_ledger": LEDGER.replace(",", "^")},
        ["general_ledger.csv, line 1", "separate its fields by commas or tabs"],
    ),
    "a password": (
        {"general_ledger__xlsx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)},
        ["general_ledger.xlsx is protected by a password", "without a password"],
    ),
    "CSV named as a workbook": (
        {"general_ledger__xlsx": LEDGER},
        ["general_ledger.xlsx cannot be read as an Excel workbook", "or as .csv"],
    ),
    "20,001 columns": (
        {"general_ledger": WIDE},
        ["general_ledger.csv, line 1: the row has 20,001 columns", "at most 2,000"],
    ),
    "one endless line": (
        {"general_ledger": "fy,month," + "x" * 1_500_000},
        ["general_ledger.csv, line 1", "one row a line"],
    ),
    "a sheet of 16,384 columns": (
        {"general_ledger__xlsx": write_workbook({"D": ROWS}, dimension="A1:XFD1048576")},
        ["general_ledger.xlsx, line 1: the row has 16,384 columns", "at most 2,000"],
    ),
    "a sheet of a million rows of 100": (
        {"general_ledger__xlsx": write_workbook({"D": ROWS}, dimension="A1:CV1048576")},
        ["general_ledger.xlsx has a sheet of 100 columns and 1,048,576 rows", "Delete the empty rows"],
    ),
    "empty settings": ({"trust": ""}, ["trust.yml is empty", "key: value"]),
    "folder of another trust": (
        {"trust": FILES["trust.yml"].replace("XYZ", "R0A")},
        ["trust.yml says that these are the files of R0A, and the run is for XYZ", "Move the files"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), CASES.values(), ids=CASES.keys())
def test_one_message_names_the_file_the_place_and_what_to_do(tmp_path, changes, words):
    with open_small_engine() as db, pytest.raises(InputError) as stopped:
        read_trust(open_small_run(tmp_path, **changes), db)
    for word in words:
        assert word in str(stopped.value)
    assert len(str(stopped.value)) < 800
    assert stopped.value.exit_code == 2


def test_two_files_for_one_table_are_named_with_what_to_do(tmp_path):
    run = open_small_run(tmp_path)
    (run.input_dir / "general_ledger.xlsx").write_bytes(BOOK)
    with open_small_engine() as db, pytest.raises(InputError) as stopped:
        read_trust(run, db)
    assert str(stopped.value) == (
        "2 files hold general_ledger: general_ledger.csv, general_ledger.xlsx.\n"
        "Leave the one to be used in the folder and move the others out."
    )


def test_a_packed_file_is_to_be_unpacked(tmp_path):
    run = open_small_run(tmp_path)
    (run.input_dir / "general_ledger.csv").rename(run.input_dir / "general_ledger.zip")
    with open_small_engine() as db, pytest.raises(InputError) as stopped:
        read_trust(run, db)
    assert "lacks 1 of the files that a report needs: general_ledger" in str(stopped.value)
    assert "Unpack general_ledger.zip" in str(stopped.value)


@pytest.mark.parametrize("name", ["xyz", "Xyz"])
def test_a_folder_in_small_letters_is_not_passed_over(tmp_path, name):
    (tmp_path / name / "2024-25").mkdir(parents=True)
    if (tmp_path / "XYZ").exists():
        pytest.skip("this disk does not tell large letters from small ones")
    with pytest.raises(InputError, match="Rename it XYZ, in capitals") as stopped:
        open_run(trust="xyz", data=tmp_path)
    assert name in str(stopped.value)
    (tmp_path / "XYZ").mkdir()
    assert open_run(trust="xyz", data=tmp_path).input_dir.parent.name == "XYZ"


def test_a_folder_in_place_of_a_file_is_not_a_file(tmp_path):
    folder = write_trust(tmp_path / "raw")
    (folder / "prices.csv").mkdir()
    with open_small_engine() as db:
        received = read_trust(open_small_run(tmp_path), db)
    assert "prices" not in received.frames


def test_a_refusal_never_shows_a_row(tmp_path):
    rows = FILES["apc_episodes.csv"] + "SECRET9,S9,1,p9\n"
    with open_small_engine() as db, pytest.raises(HelpersError) as stopped:
        read_trust(open_small_run(tmp_path, apc_episodes=rows), db)
    assert "apc_episodes.csv, line 3: the row has 4 fields" in str(stopped.value)
    assert "SECRET9" not in str(stopped.value)
