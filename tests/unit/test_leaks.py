"""The last search of a public edition: codes of people and events are found wherever they hide."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pandas as pd
import pytest

from helpers.errors import DisclosureError
from helpers.report.leaks import check_no_identifiers, is_telling, unpack
from helpers.run import Run, open_run

DOWNLOAD = quote("a,b\nSP0000077,1")


@pytest.fixture
def analyst(tmp_path) -> Run:
    """An analyst's report of two tables that name people."""
    run = open_run(trust="XYZ", data=tmp_path / "data", out=tmp_path / "out")
    tables = run.published / "tables"
    tables.mkdir(parents=True)
    events = pd.DataFrame(
        {"event_id": ["EP-000123", "200417"], "spell_id": ["SP0000077", None], "consultant_code": "C1234567"}
    )  # fmt: skip
    events.to_parquet(tables / "patient_events.parquet")
    people = pd.DataFrame({"consultant_code": ["C1234567"], "pseudonym": ["Cons-01"]})
    people.to_parquet(tables / "clean_consultants.parquet")
    return run


@pytest.fixture
def edition(tmp_path):
    folder = tmp_path / "edition"
    folder.mkdir()
    (folder / "index.html").write_text(
        "<p>Cost of 200417 pounds, word for word.</p>", encoding="utf-8"
    )
    return folder


def test_an_edition_that_names_nobody_passes(analyst, edition):
    """A number that is an event's id and an amount alike is no finding."""
    check_no_identifiers(analyst, edition)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<td>EP-000123</td>", "event_id"),
        ("<p>Spell SP0000077, which</p>", "spell_id"),
        ('<img alt="Dearest: C1234567.">', "consultant_code"),
        ("<!-- Cons-01 -->", "pseudonym"),
        (f'<a href="data:text/csv;charset=utf-8,{DOWNLOAD}">', "spell_id"),
        (
            '<img src="data:image/svg+xml;base64,'
            + base64.b64encode(b"<svg><text>C1234567</text></svg>").decode()
            + '">',
            "consultant_code",
        ),
    ],
    ids=["cell", "prose", "alt text", "comment", "download", "drawing"],
)
def test_a_code_is_found_wherever_it_stands(analyst, edition, text, kind):
    (edition / "page.html").write_text(text, encoding="utf-8")
    with pytest.raises(DisclosureError, match=rf"{kind} in page\.html \(1\)") as stopped:
        check_no_identifiers(analyst, edition)
    for code in ("EP-000123", "SP0000077", "C1234567", "Cons-01"):
        assert code not in str(stopped.value)


def test_a_code_in_a_table_is_found(analyst, edition):
    pd.DataFrame({"line_id": ["TO"], "who": ["C1234567"]}).to_parquet(edition / "t.parquet")
    with pytest.raises(DisclosureError, match=r"consultant_code in t\.parquet"):
        check_no_identifiers(analyst, edition)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("C1234567", True), ("200417", False), ("General", False), ("A1", False)],
)
def test_what_would_be_found_by_accident_is_not_looked_for(value, expected):
    assert is_telling(value) is expected


def test_a_picture_in_points_is_passed_over():
    picture = base64.b64encode(bytes(range(256))).decode()
    assert unpack(f'<img src="data:image/png;base64,{picture}">').count("\n") == 0
