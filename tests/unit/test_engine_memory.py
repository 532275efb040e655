"""The query engine where memory is short: one thread is tried before giving up."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from helpers.engine import Engine
from helpers.errors import HelpersError

N_ROWS = 600_000
LOOK_UP = f"""
SELECT a.i, b.s FROM (SELECT i, md5(CAST(i AS VARCHAR)) AS k FROM range({N_ROWS}) AS r(i)) AS a
LEFT JOIN (SELECT md5(CAST(i AS VARCHAR)) AS k, md5(CAST(i + 1 AS VARCHAR)) AS s FROM range(400000) AS r(i)) AS b
  ON b.k = a.k
"""


def open_small(folder: Path, megabytes: int) -> Engine:
    """An engine of eight threads whose memory is enough for one."""
    return Engine(spill=folder, memory_limit=f"{megabytes}MB", threads=8)


def test_a_statement_that_eight_threads_have_no_room_for_is_done_by_one(tmp_path: Path):
    with open_small(tmp_path, 32) as db:
        with pytest.raises(duckdb.OutOfMemoryException):  # or this test would show nothing
            db._connection.execute(f"CREATE TABLE plain AS {LOOK_UP}")
        db.create("found", LOOK_UP)
        told = db.frame(
            "SELECT count(*) AS n, count(DISTINCT i) AS ids, count(s) AS named FROM found"
        )
        assert told.iloc[0].tolist() == [N_ROWS, N_ROWS, 400_000]
        threads = db.frame("SELECT current_setting('threads') AS n")
        assert threads["n"].tolist() == [8]


def test_rows_put_at_the_end_on_the_second_try_stand_once(tmp_path: Path):
    with open_small(tmp_path, 32) as db:
        db.create("found", "SELECT CAST(-1 AS BIGINT) AS i, 'first' AS s")
        db.append_rows("found", LOOK_UP)
        assert db.count("found") == N_ROWS + 1


def test_where_one_thread_has_no_room_either_it_is_said_in_words(tmp_path: Path):
    with open_small(tmp_path, 12) as db, pytest.raises(HelpersError, match="ran out of memory"):
        db.create("found", LOOK_UP)


MANY, FEW = 200_000, 100_000
# The engine thinks that each filter leaves a fifth of the rows; here it leaves them all.
FILTERED = """
SELECT a.i, b.s FROM (SELECT i, CAST(t AS INTEGER) AS k FROM many WHERE TRY_CAST(t AS INTEGER) IS NOT NULL
                      AND TRY_CAST(u AS INTEGER) IS NOT NULL) AS a
LEFT JOIN few AS b ON b.k = a.k
"""


def find_join(db: Engine) -> str:
    """How the engine means to join: RIGHT where it keeps the rows on the left."""
    plan = db.frame(f"EXPLAIN {FILTERED}")["explain_value"].iloc[0]
    return re.search(r"Join Type: (\w+)", plan)[1]


def test_a_join_is_done_as_written_in_a_block_and_by_guess_after_it(tmp_path: Path):
    with open_small(tmp_path, 500) as db:
        text = "CAST(i AS VARCHAR)"
        db.create("many", f"SELECT i, {text} AS t, {text} AS u FROM range({MANY}) AS r(i)")
        db.create("few", f"SELECT CAST(i AS INTEGER) AS k, {text} AS s FROM range({FEW}) AS r(i)")
        assert find_join(db) == "RIGHT"  # or this test would show nothing
        with db.joins_as_written():
            assert find_join(db) == "LEFT"
            db.create("found", FILTERED)
        assert find_join(db) == "RIGHT"
        told = db.frame("SELECT count(*) AS n, count(s) AS named FROM found")
        assert told.iloc[0].tolist() == [MANY, FEW]


def test_an_error_in_the_block_does_not_leave_joins_as_written(tmp_path: Path):
    with open_small(tmp_path, 500) as db:
        with pytest.raises(duckdb.Error), db.joins_as_written():
            db.create("found", "SELECT nothing FROM nowhere")
        setting = db.frame("SELECT current_setting('disabled_optimizers') AS s")
        assert setting["s"].tolist() == [""]
