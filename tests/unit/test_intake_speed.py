"""What makes reading quick changes nothing: the short ways give what the long ways give."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers import engine
from helpers.cleaning import clean as clean_package
from helpers.cleaning.links import add_link_tables
from helpers.cleaning.rules import SQL_RULES
from helpers.cleaning.small_tables import read_small_table
from helpers.cleaning.values import (
    MISSING,
    NOTHING_KNOWN,
    Known,
    plain_number,
    quote,
    settled,
    typed,
)
from helpers.contracts import INPUTS, Column
from helpers.run import open_run
from helpers.sources import encodings
from helpers.sources.codes import Codes
from helpers.sources.demo import write_demo
from helpers.sources.encodings import LineEnds, look_through
from helpers.sources.extracts import read_trust
from small_trust import open_small_engine, write_trust

AMOUNT = st.one_of(
    st.integers(-(10**19), 10**19).map(str),
    st.decimals(-(10**16), 10**16, places=2).map(str),
    st.decimals(-1000, 1000, places=4).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.sampled_from(["", "-", "NULL", "007", "+5", "5.", ".5", "1,234", "£1", "(2.50)", "3-", "20%", "-0", "1e5"]),
)  # fmt: skip
BLANKS = st.sampled_from(["", " ", "  ", "\t", "\u00a0"])


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(AMOUNT, min_size=1, max_size=40))
@example(texts=["100000000000000", "99999999999999.99", "-9999999999999999.99"])
@pytest.mark.parametrize("kind", ["int", "number", "money"])
def test_a_number_written_plainly_is_the_number_that_the_long_way_reads(kind, texts):
    column = Column(kind, "Test.")
    with open_small_engine() as db:
        db.add_frame("given", pd.DataFrame({"text": texts}, dtype="str"))
        for is_rounded in (True, False):
            short = typed("text", column, round_money=is_rounded, plain="plain")
            long = typed("text", column, round_money=is_rounded)
            differing = db.frame(
                f"SELECT text FROM (SELECT text, {plain_number('text', kind)} AS plain FROM given) AS one "
                f"WHERE ({short}) IS DISTINCT FROM ({long})"
            )
            assert differing["text"].tolist() == []


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(
        st.tuples(BLANKS, st.one_of(st.text("aN-*?", max_size=4), st.sampled_from(MISSING)), BLANKS).map("".join),
        min_size=1, max_size=40,
    )
)  # fmt: skip
def test_blanks_and_words_for_no_value_go_however_they_are_told(texts):
    with open_small_engine() as db:
        db.add_frame("given", pd.DataFrame({"text": texts}, dtype="str"))
        long = settled("text", NOTHING_KNOWN)
        for known in (Known(is_marked=True), Known(is_marked=True, has_odd_blanks=False)):
            if not known.has_odd_blanks and any(c in text for text in texts for c in "\t\u00a0"):
                continue
            marked = "CASE WHEN text IN (SELECT word FROM words) THEN NULL ELSE text END"
            db.add_frame("words", pd.DataFrame({"word": list(MISSING)}, dtype="str"))
            found = db.frame(
                f"SELECT shown.text AS given, {settled('text', known)} AS short, shown.long AS long FROM "
                f"(SELECT {marked} AS text, {long} AS long FROM given) AS shown"
            )
            assert found["short"].astype("object").where(found["short"].notna(), None).tolist() == (
                found["long"].astype("object").where(found["long"].notna(), None).tolist()
            )


@settings(max_examples=80, deadline=None)
@given(
    fields=st.lists(
        st.one_of(st.sampled_from(MISSING), st.text("aANUul/#n-*? ", max_size=4)), max_size=8
    ),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
    part=st.sampled_from([1, 2, 3, 1 << 20]),
)
def test_a_word_for_no_value_that_a_file_has_is_looked_for(fields, encoding, part):
    """However the file is cut into parts, and whatever its letters are written in."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(encodings, "CHUNK_BYTES", part)
        path = Path(folder) / "rows.csv"
        path.write_bytes("\n".join(["code", *fields, ""]).encode(encoding))
        _, _, known = look_through(path, Path(folder) / "copy")
    assert {field for field in fields if field in MISSING} <= {*known.missing}


@pytest.mark.parametrize(
    ("text", "looked_for"),
    [
        ("2024-07-03", {"", "-", "--"}),
        ("plain", {"", "nan"}),
        ("n", {""}),  # `nan` needs an `a` too; the header below has none
        ("*", {"", "*", "**"}),
        (
            "\u2014",
            {"", "\u2013", "\u2014"},
        ),  # one sign that is not plain: both dashes may be there
    ],
)
def test_words_whose_letters_a_file_lacks_are_not_looked_for(tmp_path, text, looked_for):
    path = tmp_path / "rows.csv"
    path.write_bytes(f"Q\n{text}\n".encode())
    assert set(look_through(path, tmp_path)[2].missing) == looked_for


def test_what_cannot_be_looked_through_may_hold_every_word(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes("code\nNULL\n".encode("utf-16"))
    assert look_through(path, tmp_path)[2].missing == MISSING


@settings(max_examples=150, deadline=None)
@given(
    pieces=st.lists(st.sampled_from(["\r", "\n", "\r\n", "a"]), max_size=12),
    part=st.integers(1, 4),
)
def test_line_ends_are_told_however_a_file_is_cut(pieces, part):
    text = "".join(pieces)
    pairs = text.count("\r\n")
    kinds = (pairs, text.count("\n") - pairs, text.count("\r") - pairs)
    ends = LineEnds()
    for start in range(0, len(text), part):
        ends.count(text[start : start + part].encode())
    assert ends.are_mixed == (sum(kind > 0 for kind in kinds) > 1)


@pytest.mark.parametrize(
    ("keys", "repeats"),
    [
        (["T8", "T9", "T10", "T11"], False),  # rising, though T10 comes before T9 in a dictionary
        (["b", "a", "c"], False),
        (["a", "b", "a"], True),
        (["a"], False),
        ([], False),
    ],
)
def test_repeated_keys_are_told(keys, repeats):
    with open_small_engine() as db:
        db.add_frame("given", pd.DataFrame({"k": pd.Series(keys, dtype="str"), "other": 1}))
        assert db.has_repeats("given", ("k",)) is repeats
        assert db.has_repeats("given", ("k", "other")) is repeats


def test_rows_are_numbered_in_the_order_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "NUMBERED_AT_ONCE", 7)
    path = tmp_path / "rows.csv"
    path.write_text("code\n" + "".join(f"c{i}\n" for i in range(1, 41)))
    with open_small_engine() as db:
        db.add_numbered("found", path, ["code"], "SELECT code FROM incoming_rows")
        wrong = db.frame("SELECT * FROM found WHERE code <> 'c' || row_number")
        assert wrong.empty and db.count("found") == 40


def test_order_is_kept_until_the_outer_block_ends(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('code\n"open\n')
    with open_small_engine() as db:
        kept = "SELECT current_setting('preserve_insertion_order') AS kept"
        with db.in_order():
            with pytest.raises(engine.ReadError):
                db.add_csv("found", path, ["code"], keep=["code"])
            assert db.frame(kept)["kept"].tolist() == [True]
        assert db.frame(kept)["kept"].tolist() == [False]


@pytest.mark.parametrize("is_large", [True, False])
def test_codes_are_listed_anew_once_some_were_replaced(is_large):
    rows = pd.DataFrame({"row_number": [1, 2, 3], "test_code": ["B7*", "B7", "B8"]})
    rows = rows.astype({"test_code": "str"})
    with open_small_engine() as db:
        columns = ("file", "column_name", "old_value", "new_value", "why")
        empty = pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
        empty.insert(1, "row_number", pd.Series(dtype="int64"))
        db.add_frame("raw_repairs", empty)
        db.add_frame("typed_tests", rows)
        codes = Codes(db, {} if is_large else {"tests": rows})
        assert codes.read("tests", "test_code") == {"B7*", "B7", "B8"}
        assert codes.replace("tests", "test_code", {"B7*": "B7"}, "stars") == 1
        assert codes.read("tests", "test_code") == {"B7", "B8"}
        kept = db.frame("SELECT row_number, old_value, new_value FROM raw_repairs")
    assert kept.values.tolist() == [[1, "B7*", "B7"]]


@pytest.mark.parametrize("given", [["", " ", None, "PAY_OTHER"], None])
def test_a_default_that_reads_like_no_value_is_put_in_all_the_same(given):
    """Pools take every element (`*`) where none is named, though a `*` in a file says "no value"."""
    rows = pd.DataFrame(
        {"pool_id": list("abcd"), "department_id": "WARD", "feed": "ward", "row_number": range(1, 5)}
    )  # fmt: skip
    if given is not None:
        rows["element_filter"] = given
    with open_small_engine() as db:
        texts = rows.astype({name: "str" for name in rows if name != "row_number"})
        found = read_small_table(db, INPUTS["cost_pools"], texts.assign(share="1"))
    last = "*" if given is None else "PAY_OTHER"
    assert found["element_filter"].tolist() == ["*", "*", "*", last]


@pytest.mark.parametrize(
    "rule", [rule for rule in SQL_RULES if rule.where], ids=lambda r: f"{r.code}-{r.file}"
)
def test_a_condition_is_never_narrower_than_its_rule(rule, odd_trust):
    db, year = odd_trust
    bound = {name: day for name, day in year.items() if f"${name}" in rule.sql + rule.where}
    missed = db.frame(
        f"SELECT count(*) AS n FROM ({rule.sql}) AS found JOIN odd_{rule.file} AS rows "
        f"ON rows.row_number = found.row_number WHERE coalesce(NOT ({rule.where.replace('clean_', 'odd_')}), TRUE)"
        .replace(f"clean_{rule.file}", f"odd_{rule.file}"),
        **bound,
    )  # fmt: skip
    assert missed["n"].iloc[0] == 0


@pytest.fixture(scope="module")
def odd_trust(tmp_path_factory):
    """A demonstration trust whose every table has, in turn, each of its values missing, late or below zero."""
    folder = tmp_path_factory.mktemp("odd")
    write_demo("XYZ", folder / "XYZ" / "2024-25", size=0.005)
    run = open_run(trust="XYZ", year="2024-25", data=folder, out=folder / "out")
    with open_small_engine() as db:
        cleaned = clean_package(read_trust(run, db), db)
        for file in {rule.file for rule in SQL_RULES}:
            db.create(f"odd_{file}", f"SELECT * FROM clean_{file} WHERE row_number IS NOT NULL")
            for place, column in enumerate(db.columns(f"odd_{file}")):
                if column != "row_number":
                    spoilt = _spoil(db, file, column)
                    which = f"row_number % 97 BETWEEN {place} AND {place + 1}"
                    sql = f"SELECT row_number, {spoilt} AS new_value FROM odd_{file} WHERE {which}"
                    db.put_values(f"odd_{file}", column, sql)
        for name in ("service_line_map", "relative_weights"):
            db.add_frame(f"small_{name}", cleaned.frames[name])
        add_link_tables(db)
        yield db, {name: cleaned.settings[name] for name in ("period_start", "period_end")}


def _spoil(db, file: str, column: str) -> str:
    """Return a value that a rule may object to: nothing, far away, or below zero, by the row."""
    kind = db.frame(f"SELECT typeof({quote(column)}) AS kind FROM odd_{file} LIMIT 1")["kind"]
    kind = kind.iloc[0] if len(kind) else "VARCHAR"
    far = {
        "TIMESTAMP": f"{quote(column)} + (row_number % 9 - 4) * INTERVAL 200 DAY",
        "BIGINT": f"-{quote(column)} * 200", "DOUBLE": f"-{quote(column)} * 900",
    }.get(kind, f"{quote(column)}")  # fmt: skip
    return f"CASE WHEN row_number % 3 = 0 THEN NULL ELSE {far} END"


def test_rules_that_are_passed_over_would_have_found_nothing(tmp_path, monkeypatch):
    """The log and the tables are the same with every rule run, one by one, as with the screen."""
    folder = tmp_path / "XYZ" / "2024-25"
    write_demo("XYZ", folder, size=0.005)
    run = open_run(trust="XYZ", year="2024-25", data=tmp_path, out=tmp_path / "out")
    found = {}
    for way in ("screened", "all"):
        if way == "all":
            monkeypatch.setattr("helpers.cleaning.screen.Screen.can_find", lambda *_: True)
        with open_small_engine() as db:
            clean_package(read_trust(run, db), db)
            tables = ["cleaning_log", *sorted({f"clean_{rule.file}" for rule in SQL_RULES})]
            found[way] = [
                sorted(map(str, db.frame(f"SELECT * FROM {name}").itertuples(index=False)))
                for name in tables
            ]
    assert found["screened"] == found["all"]


def test_a_large_file_with_blank_rows_keeps_the_numbers_of_the_others(tmp_path):
    # The small trust's tests have 8 columns; a row of nothing stands between the two rows of data.
    head = "test_id,patient_key,spell_or_attendance_id,requested_dt,discipline,test_code,count,requesting_tfc\n"
    rows = [
        "T1,p1,S1,2024-07-04,BIO,B1,1,300",
        ",".join([""] * 8),
        "T2,p1,S1,2024-07-04,BIO,B1,1,300",
    ]
    write_trust(tmp_path, tests=head + "\n".join(rows) + "\n")
    run = open_run(trust="XYZ", year="2024-25", data=tmp_path, out=tmp_path / "out")
    with open_small_engine() as db:
        received = read_trust(run, db)
        numbers = db.frame("SELECT row_number, test_id FROM typed_tests ORDER BY row_number")
    assert numbers.values.tolist() == [[1, "T1"], [3, "T2"]]
    files = received.input_files.set_index("file")
    assert files.at["tests", "n_rows"] == 2 and "1 row blank" in files.at["tests", "notice"]
