"""The second engine: the same SQL, the same rows, the same types; and words where it cannot start."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys

import pandas as pd
import pytest

from environment import need_spark
from helpers import engine_spark
from helpers.costing.clock import days_between, seconds_between
from helpers.costing.matching import number_nearness
from helpers.engine import open_engine
from helpers.engine_spark import translate
from helpers.errors import CommandError

pytestmark = pytest.mark.xdist_group("spark")
ENGINES = ("duckdb", "spark")


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """Both engines, open."""
    need_spark()
    folder = tmp_path_factory.mktemp("spill")
    with (
        open_engine("duckdb", threads=1) as duck,
        open_engine("spark", spill=folder, threads=2) as spark,
    ):
        yield {"duckdb": duck, "spark": spark}


@pytest.fixture(params=ENGINES)
def db(request, engines):
    return engines[request.param]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT CAST(NULL AS VARCHAR) AS x", "SELECT CAST(NULL AS STRING) AS x"),
        ("WHERE a >= $first AND b < $last_one", "WHERE a >= :first AND b < :last_one"),
        ("date_diff('second', a, b)", "(unix_seconds(b) - unix_seconds(a))"),
        (
            "date_diff('second', greatest(a, date_diff('day', c, d)), least(e, f)) / 60e0",
            "(unix_seconds(least(e, f)) - unix_seconds(greatest(a, datediff(d, c)))) / 60e0",
        ),
    ],
)
def test_what_differs_is_translated(ours, theirs):
    assert translate(ours) == theirs


def test_a_moment_is_bound_as_one():
    sql = translate("SELECT $at, $n", {"at": dt.datetime(2024, 4, 1), "n": 1})
    assert sql == "SELECT CAST(:at AS TIMESTAMP), :n"


def test_a_unit_that_is_not_known_is_not_guessed():
    with pytest.raises(KeyError):
        translate("date_diff('month', a, b)")


def test_without_pyspark_one_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(
        CommandError, match=r"(?s)pyspark, which is not installed.*setup_env.py --spark"
    ):
        open_engine("spark")


def test_without_java_one_message_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(
        CommandError, match=r"(?s)needs Java 17 or later; there is none.*SPARK_REMOTE"
    ):
        engine_spark.check_java()


def test_an_old_java_is_refused(monkeypatch, tmp_path):
    java = tmp_path / "java"
    java.write_text(
        "#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n", encoding="utf-8"
    )
    java.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(CommandError, match="Java 11 is on this machine"):
        engine_spark.check_java()


def test_another_name_is_refused():
    with pytest.raises(CommandError, match="`polars` is not known"):
        open_engine("polars")


def test_rows_come_back_in_the_same_types(engines):
    given = pd.DataFrame(
        {
            "code": pd.Series(["007", None, "é"], dtype="str"),
            "whole": pd.Series([1, None, 2**53 + 1], dtype="Int64"),
            "pence": pd.Series([1, -2, 3], dtype="int64"),
            "part": [0.1, float("nan"), 1e300],
            "moment": pd.to_datetime(["2024-03-31 01:30:00", None, "2024-10-27 01:30:00"]).as_unit(
                "us"
            ),
            "is_kept": pd.Series([True, None, False], dtype="boolean"),
        }
    )
    rows = {}
    for name, db in engines.items():
        db.add_frame("given", given)
        db.create("kept", "SELECT *, CAST(moment AS DATE) AS day FROM given")
        rows[name] = db.frame("SELECT * FROM kept ORDER BY pence")
    pd.testing.assert_frame_equal(rows["duckdb"], rows["spark"])


def test_lengths_of_time_are_counted_alike(db):
    start, end = dt.datetime(2024, 3, 31, 0, 59, 59, 900_000), dt.datetime(2024, 4, 1, 0, 0, 1)
    found = db.frame(
        f"SELECT {seconds_between('a', 'b')} AS seconds, {days_between('a', 'b')} AS days, "
        f"{seconds_between('b', 'a')} AS back FROM (SELECT $start AS a, $end AS b) AS t",
        start=start, end=end,
    )  # fmt: skip
    # 00:59:59 to 00:00:01 of the next day is 23 hours and 2 seconds, on the night the clocks change too.
    assert found.iloc[0].tolist() == [82_802, 1, -82_802]


def test_rounding_and_division_are_alike(db):
    found = db.frame(
        "SELECT CAST(floor(7 / 2) AS BIGINT) AS half, CAST(floor(CAST(-7 AS BIGINT) / 2e0) AS BIGINT) AS below, "
        "CAST(floor(3 * 0.15e0 + 0.5) AS BIGINT) AS up, coalesce(sum(x), 0) AS nothing "
        "FROM (SELECT CAST(NULL AS BIGINT) AS x) AS t"
    )
    assert [int(value) for value in found.iloc[0]] == [3, -4, 0, 0]


def test_a_table_may_be_made_from_itself(db):
    db.create("steps", "SELECT 1 AS n")
    db.create("steps", "SELECT n FROM steps UNION ALL SELECT n + 1 FROM steps")
    assert db.frame("SELECT n FROM steps ORDER BY n")["n"].tolist() == [1, 2]
    assert db.columns("steps") == ["n"]
    assert db.count("steps") == 2
    db.drop("steps", "never_there")
    assert not db.has("steps")


def test_rows_are_put_at_a_tables_end_by_the_place_of_their_columns(db):
    db.create("pairs", "SELECT CAST(1 AS BIGINT) AS n, 'a' AS code")
    db.append_rows("pairs", "SELECT CAST(n + $more AS BIGINT), 'b' FROM pairs", more=4)
    found = db.frame("SELECT n, code FROM pairs ORDER BY n")
    assert found["n"].tolist() == [1, 5]
    assert found["code"].tolist() == ["a", "b"]
    assert db.arrow("SELECT n FROM pairs WHERE code = $code", code="b").to_pydict() == {"n": [5]}
    db.drop("pairs")


def test_rows_put_at_the_end_are_there_after_the_table_was_read(db):
    db.create("growing", "SELECT CAST(n AS BIGINT) AS n FROM (VALUES (1), (2)) AS t(n)")
    for expected in (2, 4, 8):
        assert db.count("growing") == expected
        assert len(db.frame("SELECT n FROM growing")) == expected
        db.append_rows("growing", "SELECT n + $more FROM growing", more=expected)
    assert db.frame("SELECT n FROM growing ORDER BY n")["n"].tolist() == list(range(1, 17))


def test_rows_are_numbered_from_nought_without_gaps_and_numbers_go_on(db):
    db.create("asked", "SELECT * FROM (VALUES ('a'), ('b'), ('c')) AS t(code)")
    db.create_numbered(
        "numbered", "row_no", "SELECT code FROM asked WHERE code <> $not", **{"not": "c"}
    )
    assert db.columns("numbered") == ["row_no", "code"]
    db.append_rows("numbered", "SELECT code FROM asked WHERE code > $last", last="a")
    found = db.frame("SELECT row_no, code FROM numbered ORDER BY row_no")
    assert found["row_no"].tolist() == [0, 1, 2, 3]
    assert sorted(found["code"]) == ["a", "b", "b", "c"]
    assert sorted(found["code"][:2]) == ["a", "b"]  # the first two came first
    again = db.frame(
        "SELECT row_no, code FROM numbered WHERE row_no >= 1 AND row_no < 3 ORDER BY row_no"
    )
    assert again["code"].tolist() == found["code"][1:3].tolist()
    db.drop("asked", "numbered")
    assert not db.has("numbered")
    db.create_numbered("numbered", "row_no", "SELECT 'new' AS code")
    assert db.frame("SELECT * FROM numbered").to_dict("records") == [{"row_no": 0, "code": "new"}]
    db.drop("numbered")


def test_the_nearest_event_is_the_smallest_number_whatever_the_times(db):
    longest, last = 2**31 - 1, 2**31 - 1
    # gap, seconds since the start, event: from the nearest on
    order = [
        (0, 0, 1), (0, 0, last), (0, 1, 1), (0, longest, last), (1, 0, 1), (1, 0, 2), (86_400, 0, last),
        (longest, 0, 1), (longest, 0, last),
    ]  # fmt: skip
    db.add_frame(
        "told", pd.DataFrame(order[::-1], columns=["gap", "since", "event_no"]).astype("int64")
    )
    sql = f"SELECT v.*, {number_nearness('v.gap', 'v.since')} AS nearness FROM told AS v ORDER BY nearness"
    found = db.frame(sql)
    assert list(found[["gap", "since", "event_no"]].itertuples(index=False, name=None)) == order
    assert found["nearness"].is_unique
    assert (found["nearness"] % 2**31).tolist() == found["event_no"].tolist()
    db.drop("told")


def test_what_is_written_is_sorted_with_blanks_last(db, tmp_path):
    db.create("rows_", "SELECT * FROM (VALUES (2, 'b'), (NULL, 'c'), (1, 'a')) AS t(n, code)")
    db.write_parquet("rows_", tmp_path / "rows.parquet", order_by='"n"')
    assert pd.read_parquet(tmp_path / "rows.parquet")["code"].tolist() == ["a", "b", "c"]
    db.add_parquet("again", tmp_path / "rows.parquet")
    db.create_view("seen", "SELECT count(*) AS n FROM again")
    assert db.frame("SELECT n FROM seen")["n"].tolist() == [3]


OVER_CONNECT = """
import sys
from pathlib import Path

import pandas as pd

from helpers.engine import open_engine

blank = pd.DataFrame({"code": pd.Series([], dtype="str"), "n": pd.Series([], dtype="int64"),
                      "weight": pd.Series([], dtype="float64")})
db = open_engine("spark", spill=Path(sys.argv[1]))
db.add_frame("nothing", blank)
assert len(db.frame("SELECT * FROM nothing")) == 0
db.create("some", "SELECT code, n, weight FROM nothing UNION ALL SELECT 'a', 7, 0.5e0")
db.append_rows("some", "SELECT 'b', 8, 1.5e0")
found = db.frame("SELECT code, n, weight FROM some ORDER BY code")
kept = list(Path(sys.argv[1]).glob("warehouse/*"))
print(len(kept), found.to_dict("list"), type(db._spark).__module__)
del db  # as a notebook's engine goes, with its variables
print(len(list(Path(sys.argv[1]).glob("warehouse/*"))))
"""


def test_over_spark_connect_a_frame_without_rows_keeps_its_types_and_no_table_stays(tmp_path):
    need_spark()
    here, spill = tmp_path / "here", tmp_path / "spill"
    here.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", OVER_CONNECT, str(spill)],
        cwd=here,
        env={**os.environ, "SPARK_REMOTE": "local[2]"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found, n_kept = done.stdout.splitlines()[-2:]
    assert found.endswith("pyspark.sql.connect.session")  # or this test would show nothing
    assert found.startswith("1 {'code': ['a', 'b'], 'n': [7, 8], 'weight': [0.5, 1.5]}")
    assert n_kept == "0"
    assert list(here.iterdir()) == []  # nothing of a trust's stays where the command was typed
