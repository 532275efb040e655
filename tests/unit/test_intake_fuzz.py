"""Whatever the bytes, a reader gives a table or our own error; how a file is written changes nothing."""

from __future__ import annotations

import io
import random

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.errors import HelpersError, InputError
from helpers.sources.extracts import read_trust
from helpers.sources.readers import read_file
from small_trust import FILES, NAMES, clean_small, open_small_engine, open_small_run
from workbook_bytes import write_workbook

EXAMPLES = 40
LEDGER = FILES["general_ledger.csv"]
ROWS = [line.split(",") for line in LEDGER.splitlines()]


def write_parquet(rows: list[list[str]]) -> bytes:
    buffer = io.BytesIO()
    pd.DataFrame(rows[1:], columns=rows[0], dtype="str").to_parquet(buffer)
    return buffer.getvalue()


WHOLE = {
    "csv": LEDGER.encode(),
    "tsv": LEDGER.replace(",", "\t").encode(),
    "txt": LEDGER.encode("utf-16"),
    "xlsx": write_workbook({"Data": ROWS}),
    "parquet": write_parquet(ROWS),
}
RELAXED = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip


@st.composite
def spoil(draw, whole: bytes) -> bytes:
    """Return a file with bytes changed, cut out, doubled or put in, or its end gone."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(1, 30))
        way = draw(st.sampled_from(["change", "cut", "double", "put in", "end"]))
        if way == "change":
            data[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
        elif way == "cut":
            del data[place : place + length]
        elif way == "double":
            data[place:place] = data[place : place + length]
        elif way == "put in":
            data[place:place] = draw(st.binary(max_size=30))
        else:
            del data[place:]
    return bytes(data)


@pytest.mark.parametrize("ending", WHOLE)
@RELAXED
@given(data=st.data())
def test_a_spoilt_file_gives_a_table_or_our_own_error(tmp_path_factory, ending, data):
    content = data.draw(st.one_of(spoil(WHOLE[ending]), st.binary(max_size=200)))
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / f"general_ledger.{ending}"
    path.write_bytes(content)
    from helpers.contracts import INPUTS

    with open_small_engine() as db:
        try:
            read = read_file(path, INPUTS["general_ledger"], db, renames={}, workspace=folder)
        except InputError as error:
            assert path.name in str(error)
            return
        numbers = db.frame("SELECT row_number AS n FROM raw_general_ledger ORDER BY n")["n"]
    assert read.n_rows == len(numbers) > 0
    assert numbers.is_unique and numbers.min() >= 1


CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\x85\ufeff"),
    min_size=1, max_size=8,
).filter(lambda text: text.strip() == text)  # fmt: skip


@RELAXED
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), way=st.sampled_from(
    ["csv", "semicolons", "tsv", "utf-16", "utf-8-sig", "crlf", "xlsx", "parquet"]))  # fmt: skip
def test_nothing_is_lost_however_a_table_is_written(tmp_path_factory, rows, way):
    table = [["code", "name"], *map(list, rows)]
    ending = way if way in ("tsv", "xlsx", "parquet") else "csv"
    separator = {"tsv": "\t", "semicolons": ";"}.get(way, ",")
    end = "\r\n" if way == "crlf" else "\n"
    quoted = end.join(
        separator.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table
    )
    folder = tmp_path_factory.mktemp("whole")
    path = folder / f"departments.{ending}"
    path.write_bytes(
        write_workbook({"Data": table}) if way == "xlsx"
        else write_parquet(table) if way == "parquet"
        else (quoted + end).encode(way if way.startswith("utf") else "utf-8")
    )  # fmt: skip
    with open_small_engine() as db:
        read_file(path, NAMES, db, renames={}, workspace=folder)
        found = db.frame("SELECT code, name FROM raw_departments ORDER BY row_number")
    assert [tuple(row) for row in found.values.tolist()] == rows


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 2**32), end=st.sampled_from(["\n", "\r\n", "\r"]))
def test_row_order_column_order_and_line_endings_change_nothing(tmp_path_factory, seed, end):
    chance = random.Random(seed)
    changed = {}
    for name, text in FILES.items():
        if name.endswith(".csv"):
            header, *rows = [line.split(",") for line in text.splitlines()]
            order = chance.sample(range(len(header)), len(header))
            chance.shuffle(rows)
            lines = [",".join(row[place] for place in order) for row in [header, *rows]]
            changed[name.removesuffix(".csv")] = end.join(lines) + end
    one, left = clean_small(tmp_path_factory.mktemp("one"))
    two, right = clean_small(tmp_path_factory.mktemp("two"), **changed)
    for name, frame in one.frames.items():
        columns = list(frame.columns)
        pd.testing.assert_frame_equal(
            frame.sort_values(columns, ignore_index=True),
            two.frames[name][columns].sort_values(columns, ignore_index=True),
        )
    pd.testing.assert_frame_equal(one.accounts, two.accounts)
    pd.testing.assert_frame_equal(one.summary, two.summary)
    for name in ("apc_episodes", "op_attendances", "ward_stays"):
        shown = ", ".join(c for c in left.columns(f"clean_{name}") if c != "row_number")
        query = f"SELECT {shown} FROM clean_{name} ORDER BY ALL"
        pd.testing.assert_frame_equal(left.frame(query), right.frame(query))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(noise=st.binary(max_size=60), text=st.text(max_size=60))
def test_any_columns_yml_gives_a_run_or_our_own_error(tmp_path_factory, noise, text):
    for content in (noise, text.encode("utf-8", "surrogatepass")):
        with open_small_engine() as db:
            run = open_small_run(tmp_path_factory.mktemp("columns"), columns=content)
            try:
                received = read_trust(run, db)
            except HelpersError as error:
                assert "columns.yml" in str(error) or "general_ledger" in str(error)
            else:
                assert len(received.frames["general_ledger"]) == 4
