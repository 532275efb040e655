"""Reading a trust's folder: formats, encodings, and every refusal."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.contracts import Column, Table
from helpers.errors import CommandError, HelpersError, InputError
from helpers.run import open_run
from helpers.sources.extracts import read_clean, read_trust, write_cleaned
from helpers.sources.readers import read_file
from small_trust import (
    FILES,
    TRUST,
    YEAR,
    clean_small,
    open_small_engine,
    open_small_run,
    write_trust,
)

LEDGER = FILES["general_ledger.csv"]
SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).resolve().parents[2].parent / "shared"))


def read_ledger(tmp_path, content: str | bytes | None, ending: str = "csv") -> pd.DataFrame:
    with open_small_engine() as db:
        run = open_small_run(tmp_path, **{f"general_ledger__{ending}": content})
        return read_trust(run, db).frames["general_ledger"]


def plain(frame: pd.DataFrame) -> list[tuple]:
    """Return a frame's rows with blanks for missing values, in the contract's order."""
    names = ["fy", "month", "cost_centre", "expense_code", "amount", "wte_actual", "row_number"]
    rows = frame[names].astype(object)
    return [tuple(row) for row in rows.where(rows.notna(), "").to_numpy()]


@pytest.fixture
def expected(tmp_path) -> list[tuple]:
    return [
        ("2024/25", "1", "CC01", "5001", "100.00", "1.5", 1),
        ("2024/25", "2", "CC02", "5001", "200.10", "", 2),
        ("2024/25", "3", "CC03", "5002", "59.90", "", 3),
        ("2024/25", "3", "CC02", "4001", "-400.00", "", 4),
    ]


@pytest.mark.parametrize(
    "content",
    [
        LEDGER,
        LEDGER.encode("utf-8-sig"),
        LEDGER.encode("utf-16"),
        LEDGER.encode("utf-16-le"),
        LEDGER.encode("utf-16-be"),
        LEDGER.replace("\n", "\r\n"),
        LEDGER.replace("\n", "\r"),
        LEDGER.replace("\n", "\r\n", 2),
        LEDGER.rstrip("\n"),
        LEDGER.replace(",", ";"),
        LEDGER.replace("fy,month", " FY ,Month"),
        LEDGER.replace("\n2024", "\n\n2024"),
        LEDGER.replace(",amount", ',"amount"').replace(",100.00", ',"100.00"'),
    ],
    ids=[
        "UTF-8", "mark", "UTF-16", "UTF-16 little", "UTF-16 big", "CRLF", "CR", "mixed endings", "no last newline",
        "semicolons", "header in capitals", "blank lines", "quotes",
    ],
)  # fmt: skip
def test_one_table_however_the_text_is_written(tmp_path, expected, content):
    assert plain(read_ledger(tmp_path, content)) == expected


def test_tabs_parquet_and_excel_give_the_same_table(tmp_path, expected):
    assert plain(read_ledger(tmp_path / "a", LEDGER.replace(",", "\t"), "tsv")) == expected
    frame = pd.read_csv(io.StringIO(LEDGER), dtype=str)
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    assert plain(read_ledger(tmp_path / "b", buffer.getvalue(), "parquet")) == expected


def test_excel_numbers_and_dates_become_the_text_a_csv_would_hold():
    from datetime import datetime

    from helpers.sources.workbooks import as_text as _as_text

    assert _as_text(401123.0) == "401123"
    assert _as_text(0.1 + 0.2) == "0.3"
    assert _as_text(18250.37) == "18250.37"
    assert _as_text(datetime(2024, 7, 3, 7, 30)) == "2024-07-03T07:30:00"
    assert _as_text("007") == "007"
    assert _as_text(True) == "1"
    assert _as_text("") is None


def test_a_windows_pound_sign_and_a_name_with_an_accent_survive(tmp_path):
    text = LEDGER.replace("100.00", "£100.00")
    assert read_ledger(tmp_path / "a", text.encode("cp1252"))["amount"].iloc[0] == "£100.00"
    cleaned, _ = clean_small(
        tmp_path / "b",
        departments=FILES["departments.csv"].replace("Doctors", "Médecine").encode("cp1252"),
    )
    assert "Médecine" in cleaned.frames["departments"]["name"].tolist()
    notices = cleaned.input_files.set_index("file")["notice"]
    assert "cp1252" in notices["departments"]


def test_numbers_that_look_like_numbers_stay_text(tmp_path):
    frame = read_ledger(tmp_path, LEDGER.replace("CC01", "007").replace("CC03", "1E5"))
    assert frame["cost_centre"].tolist() == ["007", "CC02", "1E5", "CC02"]


def test_a_line_break_inside_quotes_is_one_row(tmp_path):
    cleaned, _ = clean_small(
        tmp_path, departments=FILES["departments.csv"].replace("Doctors", '"Doctors,\nall of them"')
    )
    assert cleaned.frames["departments"]["name"].iloc[2] == "Doctors,\nall of them"


def test_columns_yml_renames_and_other_columns_are_named_in_a_notice(tmp_path):
    cleaned, _ = clean_small(
        tmp_path,
        general_ledger=LEDGER.replace("amount,wte_actual", "Net £,Analyst note"),
        columns="general_ledger:\n  Net £: amount\n",
    )
    assert cleaned.frames["general_ledger"]["amount_pence"].sum() == -4_000  # 360.00 - 400.00
    notice = cleaned.input_files.set_index("file").loc["general_ledger", "notice"]
    assert notice == "Not used: 1 column (Analyst note)."


def test_file_names_are_taken_in_capitals_and_other_files_are_left_alone(tmp_path):
    folder = write_trust(tmp_path / "raw")
    (folder / "general_ledger.csv").rename(folder / "GENERAL_LEDGER.CSV")
    (folder / "notes.csv").write_text("a\n")
    with open_small_engine() as db:
        received = read_trust(
            open_run(trust=TRUST, year=YEAR, data=tmp_path / "raw", out=tmp_path), db
        )
    assert len(received.frames["general_ledger"]) == 4


REFUSALS = {
    "empty file": ({"general_ledger": ""}, ["general_ledger.csv is empty"]),
    "header alone": (
        {"general_ledger": LEDGER.splitlines()[0] + "\n"},
        ["general_ledger.csv", "no rows"],
    ),
    "blank header": ({"general_ledger": "\n\n"}, ["general_ledger.csv", "line 1"]),
    "missing column": (
        {"general_ledger": LEDGER.replace("amount", "net")},
        ["general_ledger.csv", "amount", "net", "columns.yml"],
    ),
    "column twice": (
        {"general_ledger": LEDGER.replace("wte_actual", "Amount")},
        ["general_ledger.csv", "amount"],
    ),
    "row too long": (
        {"general_ledger": LEDGER + "a,b,c,d,e,f,g\n"},
        ["general_ledger.csv, line 6", "7 fields"],
    ),
    "row too short": (
        {"general_ledger": LEDGER + "secret\n"},
        ["general_ledger.csv, line 6", "1 field "],
    ),
    "open quote": (
        {"general_ledger": LEDGER + '2024/25,1,"CC01,5001,1.00,\n'},
        ["general_ledger.csv, line 6", "quote"],
    ),
    "zero bytes": ({"general_ledger": b"a,b\n\0\0\0,1\n"}, ["general_ledger.csv", "not text"]),
    "Excel as CSV": ({"general_ledger": b"PK\x03\x04rest"}, ["general_ledger.csv", "Excel"]),
    "bad Excel": ({"general_ledger__xlsx": b"PK\x03\x04rest"}, ["general_ledger.xlsx", "Excel"]),
    "bad Parquet": (
        {"general_ledger__parquet": b"PAR1restPAR1"},
        ["general_ledger.parquet", "Parquet"],
    ),
    "unreadable bytes": (
        {"general_ledger": LEDGER.replace("CC03", "CC\x81").encode("latin-1")},
        ["general_ledger.csv", "line", "cp1252"],
    ),
    "missing file": ({"general_ledger": None}, ["general_ledger", "It holds"]),
    "missing settings": ({"trust": None}, ["trust.yml"]),
    "settings of another trust": (
        {"trust": "trust_code: R0A\ntrust_name: x\nfy: 2024/25\nmff: 1\n"},
        ["R0A", "XYZ"],
    ),
    "settings of another year": (
        {"trust": "trust_code: XYZ\ntrust_name: x\nfy: 2023/24\nmff: 1\n"},
        ["2023/24"],
    ),
    "settings without mff": ({"trust": "trust_code: XYZ\ntrust_name: x\nfy: 2024/25\n"}, ["mff"]),
    "mff of 106": ({"trust": FILES["trust.yml"].replace("1.0654", "106.54")}, ["mff", "106.54"]),
    "unknown method": (
        {"trust": FILES["trust.yml"] + "overhead_method: magic\n"},
        ["magic", "step_down"],
    ),
    "settings not YAML": ({"trust": "a: b: c: [\n"}, ["trust.yml", "line 1"]),
    "settings a list": ({"trust": "- a\n"}, ["trust.yml"]),
    "rename of no file": ({"columns": "nowhere:\n  a: b\n"}, ["columns.yml", "nowhere"]),
    "rename to no column": (
        {"columns": "departments:\n  a: b\n"},
        ["columns.yml", "departments", "b"],
    ),
}


@pytest.mark.parametrize(("changes", "words"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refusals_say_which_file_and_what_is_wrong(tmp_path, changes, words):
    with open_small_engine() as db, pytest.raises(InputError) as stopped:
        read_trust(open_small_run(tmp_path, **changes), db)
    for word in words:
        assert word in str(stopped.value)
    assert "secret" not in str(stopped.value)  # never the row itself


def test_two_files_for_one_table_are_refused(tmp_path):
    folder = write_trust(tmp_path / "raw")
    (folder / "general_ledger.tsv").write_text(LEDGER.replace(",", "\t"))
    run = open_run(trust=TRUST, year=YEAR, data=tmp_path / "raw", out=tmp_path / "out")
    with open_small_engine() as db, pytest.raises(InputError, match="2 files hold general_ledger"):
        read_trust(run, db)


def test_an_unknown_trust_is_refused_before_any_folder_is_looked_at(tmp_path):
    for trust in ("../x", "a b", "$(id)", "<script>"):
        with pytest.raises(CommandError):
            open_run(trust=trust, data=tmp_path)


def test_without_optional_files_each_panel_is_off_with_a_sentence(tmp_path):
    cleaned, _ = clean_small(tmp_path)
    off = cleaned.input_files[~cleaned.input_files["is_on"]].set_index("file")["notice"]
    assert (
        off["outcomes"]
        == "There is no outcomes file: the report goes without outcomes beside cost."
    )
    assert "general_ledger" not in off.index


def test_a_trust_with_line_drivers_and_no_feeds_needs_no_activity(tmp_path):
    drivers = "department_id,line_id,driver,quantity\nWARD_A,MED,bed_days,10\nMED_TEAM,MED,pas,1\n"
    none = dict.fromkeys(
        [
            "apc_episodes",
            "op_attendances",
            "ward_stays",
            "cost_pools",
            "service_line_map",
            "consultants",
        ]
    )
    cleaned, db = clean_small(tmp_path, line_drivers=drivers, **none)
    assert cleaned.mode == "slr"
    assert cleaned.settings["mode"] == "slr"
    assert cleaned.frames["line_drivers"]["driver_set"].tolist() == ["base", "base"]
    assert not db.has("clean_apc_episodes")


def test_clean_tables_are_written_and_read_again_as_they_were(tmp_path):
    run = open_small_run(tmp_path)
    from helpers.cleaning import clean

    with open_small_engine() as db:
        cleaned = clean(read_trust(run, db), db)
        write_cleaned(run, db, cleaned)
    with open_small_engine() as db:
        frames, again = read_clean(run, db)
        assert again == cleaned.settings
        assert set(frames) == set(cleaned.frames)
        for name, frame in frames.items():
            assert dict(frame.dtypes) == dict(cleaned.frames[name].dtypes)
            assert len(frame) == len(cleaned.frames[name])
        assert db.frame("SELECT completion FROM clean_apc_episodes")["completion"].tolist() == [1]
        assert not db.has("clean_ed_attendances")


def test_a_file_taken_out_of_the_folder_is_gone_from_the_clean_tables(tmp_path):
    from helpers.cleaning import clean

    for more in ({"plan": "line_id,month,income,direct,indirect\nMED,1,1,1,1\n"}, {"plan": None}):
        run = open_small_run(tmp_path, **more)
        if more["plan"] is None:
            (run.input_dir / "plan.csv").unlink()
        with open_small_engine() as db:
            write_cleaned(run, db, clean(read_trust(run, db), db))
    with open_small_engine() as db:
        frames, _ = read_clean(run, db)
    assert "plan" not in frames


def test_row_order_and_column_order_change_nothing(tmp_path):
    header, *rows = LEDGER.splitlines()
    turned = "\n".join(",".join(reversed(line.split(","))) for line in [header, *rows[::-1]]) + "\n"
    one, _ = clean_small(tmp_path / "a")
    two, _ = clean_small(tmp_path / "b", general_ledger=turned)
    fields = ["month", "cost_centre", "expense_code", "amount_pence"]
    left = one.frames["general_ledger"][fields].sort_values(fields, ignore_index=True)
    right = two.frames["general_ledger"][fields].sort_values(fields, ignore_index=True)
    pd.testing.assert_frame_equal(left, right)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    content=st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=200).map(lambda noise: LEDGER.encode() + noise),
        st.text(max_size=200).map(lambda noise: (LEDGER + noise).encode("utf-8", "surrogatepass")),
    ),
    ending=st.sampled_from(["csv", "tsv", "parquet", "xlsx"]),
)
def test_any_bytes_give_a_table_or_our_own_error(tmp_path_factory, content, ending):
    base = tmp_path_factory.mktemp("bytes")
    with open_small_engine() as db:
        run = open_small_run(base, **{f"general_ledger__{ending}": content})
        try:
            frame = read_trust(run, db).frames["general_ledger"]
        except HelpersError as error:
            assert "general_ledger" in str(error)
        else:
            assert frame["row_number"].tolist() == list(range(1, len(frame) + 1))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(noise=st.text(max_size=80))
def test_any_settings_text_gives_settings_or_our_own_error(tmp_path_factory, noise):
    with open_small_engine() as db:
        run = open_small_run(tmp_path_factory.mktemp("yml"), trust=FILES["trust.yml"] + noise)
        try:
            received = read_trust(run, db)
        except HelpersError:
            return
        assert received.settings["trust_code"] == "XYZ"


def needs_shared(name: str) -> Path:
    path = SHARED / "real" / name
    if not path.exists():
        pytest.skip("the published NHS files are not beside the project (SHARED_DIR)")
    return path


def test_a_published_schedule_in_cp1252_with_a_broken_header_is_read(tmp_path):
    path = needs_shared("ncc-national-schedules/National_schedule_of_NHS_costs_2019.csv")
    table = Table(
        "departments", "Test.", {"hrg": Column("code", "HRG."), "fces": Column("int", "Episodes.")}
    )
    with open_small_engine() as db:
        read = read_file(
            path,
            table,
            db,
            workspace=tmp_path,
            renames={"Currency_Code": "hrg", "Number of FCEs": "fces"},
        )
        rows = db.frame("SELECT hrg, fces FROM raw_departments ORDER BY row_number")
    assert read.n_rows == 2_522  # counted in the file with another reader
    assert "cp1252" in " ".join(read.notices)
    assert rows["fces"].str.contains(",").sum() == 280


def test_codes_padded_on_both_sides_in_a_published_panel_are_trimmed(tmp_path):
    path = needs_shared("nhs-trust-panel/financial_positions.csv")
    from helpers.cleaning.types import type_table

    table = Table(
        "departments",
        "Test.",
        {
            "org_code": Column("code", "Trust."),
            "year": Column("int", "Year."),
            "op_cost": Column("number", "Cost."),
        },
    )
    with open_small_engine() as db:
        read = read_file(path, table, db, workspace=tmp_path, renames={})
        type_table(db, table)
        codes = db.frame("SELECT org_code AS c FROM clean_departments")["c"]
    assert read.n_rows == 2_183
    assert (codes == codes.str.strip()).all()
    assert (codes == "RJ7").any()
