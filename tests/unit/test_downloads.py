"""What a reader takes away: the exhibit's own data, in units, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from urllib.parse import unquote

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.contracts import OUTPUTS
from helpers.report import downloads
from helpers.report.downloads import arrange_download, write_download
from helpers.run import open_run
from helpers.sources.spreadsheets import guard_text, write_csv_text
from helpers.sources.tables import read_table, write_table

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", " =1", "\r=1"]


def read_back(html: str) -> list[list[str]]:
    place = re.search(r'href="([^"]*)"', html)[1]
    text = unquote(unescape(place).split(",", 1)[1])
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:], newline="")))


def test_money_is_in_pounds_to_the_penny_and_nothing_is_rounded_for_show():
    frame = pd.DataFrame(
        {"line": ["a", "b"], "x_pence": [123_456_789, -5], "y_prop": [0.123456, None], "n_rows": [1, 2]}
    )  # fmt: skip
    html = write_download(
        frame, name="table-1.1", headings={"line": "Line", "x_pence": "Cost", "y_prop": "Share", "n_rows": "Rows"}
    )  # fmt: skip
    assert read_back(html) == [
        ["Line", "Cost (£)", "Share (share of 1)", "Rows"],
        ["a", "1234567.89", "0.123456", "1"],
        ["b", "-0.05", "", "2"],
    ]
    assert 'download="table-1.1.csv"' in html


def test_only_the_columns_that_are_shown_can_be_taken_away():
    frame = pd.DataFrame({"line": ["a"], "patient_key": ["P1"]})
    assert "P1" not in write_download(frame, name="t", headings={"line": "Line"})


@pytest.mark.parametrize("formula", FORMULAS)
def test_text_that_a_spreadsheet_would_run_is_text(formula):
    guarded = guard_text(pd.DataFrame({formula: [formula, "plain"]}))
    assert guarded.iloc[:, 0].tolist() == ["'" + formula, "plain"]
    assert list(guarded.columns) == ["'" + formula]


@pytest.mark.parametrize("plain", ["-5", "+4.25", "-1,234.50", "1e5", "−5", "a=b", "", "–"])
def test_numbers_and_words_stay_as_they_are(plain):
    assert guard_text(pd.DataFrame({"x": [plain]}))["x"].tolist() == [plain]


def test_missing_values_and_numbers_pass_the_guard():
    frame = pd.DataFrame({"x": ["=1", None], "n": [-1, 2], "b": [True, False]})
    assert write_csv_text(frame) == "\ufeffx,n,b\n'=1,-1,True\n,2,False\n"


@given(words=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1))
def test_any_text_comes_back_and_none_starts_a_formula(words):
    html = write_download(pd.DataFrame({"x": words}), name="t")
    rows = [row[0] if row else "" for row in read_back(html)[1:]]
    for given_text, found in zip(words, rows, strict=True):
        same = given_text.replace("\r\n", "\n").replace("\r", "\n")
        assert found in (same, "'" + same)
        assert not found.startswith(("=", "@", "\t", "\r"))


def test_data_too_large_for_a_page_are_not_put_in_it(monkeypatch):
    monkeypatch.setattr(downloads, "LARGEST_DOWNLOAD_BYTES", 20)
    html = write_download(pd.DataFrame({"x": ["a" * 30]}), name="t")
    assert "href" not in html
    assert "too many for a page" in html


def test_a_frame_without_headings_keeps_its_own_names_with_units():
    frame = pd.DataFrame({"line_id": ["a"], "surplus_pence": [1], "stay_days": [1.5]})
    assert list(arrange_download(frame).columns) == ["line id", "surplus (£)", "stay (days)"]


def test_a_table_beside_the_page_runs_nothing_in_a_spreadsheet(tmp_path):
    """A trust's own text reaches tables/*.csv; numbers there stay numbers, Parquet stays as it was."""
    run = open_run(trust="XYZ", out=tmp_path, data=tmp_path / "data")
    accounts = pd.DataFrame({name: [-5] for name in OUTPUTS["cleaning_accounts"].columns})
    accounts["file"] = "=HYPERLINK(1)"
    write_table(run, "cleaning_accounts", accounts)
    rows = list(csv.reader((run.tables / "cleaning_accounts.csv").open(encoding="utf-8-sig")))
    assert rows[1] == ["'=HYPERLINK(1)", *["-5"] * (len(accounts.columns) - 1)]
    assert read_table(run, "cleaning_accounts")["file"].tolist() == ["=HYPERLINK(1)"]
