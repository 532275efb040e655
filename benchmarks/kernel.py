"""One kernel of costing, written for the project's engine, for Polars and for pandas, in one run.

    python benchmarks/kernel.py                         1 and 5 million lines of activity, from Parquet
    python benchmarks/kernel.py --millions 20 --memory 2GB
    python benchmarks/kernel.py --csv                   from CSV as well

The kernel: text becomes moments and numbers; lines of which either cannot be read are dropped; every line
finds its event by the rules of costing, in their order; an event weighs in a pool what its lines weigh, and
costs ``floor(weight x rate + 0.5)`` micro-pounds; these are added up by event and pool, and by line and pool.
The engine runs the project's own matching (``helpers.costing.matching``). All must agree to the micro-pound.

Each way runs in a process of its own, on two threads. *Scan*: the engine reads every column of the
files, and keeps nothing. *Clean*: the engine's first stage alone, text made moments and numbers. Polars is no part of the project: install its extra `bench` first, or `--skip polars`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
from scale import copy_patients, make_base, read_peak

from helpers.costing.bands import extend_in_bands
from helpers.costing.events import NUMBERS_SQL
from helpers.costing.matching import (
    DAYS_AFTER_CLINIC,
    DAYS_BEFORE_CLINIC,
    ED_NEAR_SECONDS,
    SECONDS_A_DAY,
    match_lines,
)
from helpers.costing.weights import HUNDREDTHS, NEAR_SECONDS, SOUGHT
from helpers.engine import Engine

WAYS = ("engine", "polars", "pandas")
THREADS = 2
LINE_COLUMNS = (
    "activity_key",
    "ref_id",
    "patient_key",
    "requesting_tfc",
    "moment",
    "pool",
    "quantity",
)
EVENT_COLUMNS = (
    "event_id", "spell_id", "patient_key", "event_kind", "tfc", "service_line", "start_dt", "end_dt",
    "admission_dt", "discharge_dt",
)  # fmt: skip
MOMENTS = ("start_dt", "end_dt", "admission_dt", "discharge_dt")
WRITTEN_AS = "%Y-%m-%d %H:%M:%S"
UNREADABLE = 200  # one line in so many has a quantity, and one a moment, that cannot be read
POOLS, SERVICE_LINES = 12, 17  # rates differ by both
MARKS = 9_973  # an event's mark is its number by this: a cost at another event shows

LINES_SQL = f"""
SELECT activity_key, ref_id, patient_key, requesting_tfc,
       CASE WHEN hash(activity_key) % {UNREADABLE} = 1 THEN '2024-02-30 10:00:00'
            ELSE strftime(moment, '{WRITTEN_AS}') END AS moment,
       'P' || CAST(hash(code) % {POOLS} AS VARCHAR) AS pool,
       CASE WHEN hash(activity_key) % {UNREADABLE} = 0 THEN 'n/k' ELSE CAST(quantity AS VARCHAR) END AS quantity
FROM (
    SELECT test_id AS activity_key, spell_or_attendance_id AS ref_id, patient_key, requesting_tfc,
           requested_dt AS moment, test_code AS code, 1 + hash(test_id) % 900 / 100.0 AS quantity
    FROM '{{place}}/clean_tests.parquet'
    UNION ALL
    SELECT issue_id, spell_or_attendance_id, patient_key, NULL, issue_dt, product, cost_pence / 100.0
    FROM '{{place}}/clean_drug_issues.parquet'
    UNION ALL
    SELECT contact_id, spell_or_attendance_id, patient_key, NULL, start_dt, profession, minutes
    FROM '{{place}}/clean_therapy_contacts.parquet'
) AS every_feed
"""
EVENTS_SQL = f"""
SELECT event_id, spell_id, patient_key, event_kind, tfc,
       'L' || CAST(hash(tfc) % {SERVICE_LINES} AS VARCHAR) AS service_line,
       {", ".join(f"strftime({name}, '{WRITTEN_AS}') AS {name}" for name in MOMENTS)}
FROM (
    SELECT episode_id AS event_id, spell_id, patient_key, 'episode' AS event_kind, tfc,
           episode_start_dt AS start_dt, episode_end_dt AS end_dt, admission_dt, discharge_dt
    FROM '{{place}}/clean_apc_episodes.parquet'
    UNION ALL
    SELECT attendance_id, NULL, patient_key, 'op', tfc, appointment_dt, appointment_dt, appointment_dt,
           appointment_dt
    FROM '{{place}}/clean_op_attendances.parquet' WHERE is_attended
    UNION ALL
    SELECT attendance_id, NULL, patient_key, 'ed', '180', arrival_dt, departure_dt, arrival_dt, departure_dt
    FROM '{{place}}/clean_ed_attendances.parquet'
) AS every_kind
"""
RATES_SQL = f"""
SELECT 'P' || CAST(p.n AS VARCHAR) AS pool, 'L' || CAST(s.n AS VARCHAR) AS service_line,
       1000.0 / (7 + p.n * 3 + s.n) * 37.3 AS rate
FROM range({POOLS}) AS p(n) CROSS JOIN range({SERVICE_LINES}) AS s(n)
"""


TYPED_SQL = f"""(
    SELECT ref_id, patient_key, requesting_tfc, pool, TRY_CAST(moment AS TIMESTAMP) AS moment,
           CAST(floor(TRY_CAST(quantity AS DOUBLE) * {HUNDREDTHS} + 0.5) AS BIGINT) AS weight
    FROM raw_lines
)"""
READABLE = "moment IS NOT NULL AND weight IS NOT NULL"


# As costing does it, what is looked up by number is looked up a band at a time.
IN_BAND = "{number} >= $first AND {number} < $last"
NUMBERED_SQL = f"""
SELECT n.event_no, v.* FROM event_basis AS v
JOIN (SELECT * FROM event_numbers WHERE {IN_BAND.format(number="basis_no")}) AS n ON n.basis_no = v.basis_no
WHERE {IN_BAND.format(number="v.basis_no")}
"""
NAMED_LINES_SQL = """
SELECT event_no, service_line_no, use_no, weight FROM feed_lines WHERE event_no IS NOT NULL
"""
MATCHED_LINES_SQL = f"""
SELECT m.event_no, m.service_line_no, f.use_no, f.weight FROM feed_lines AS f
JOIN (SELECT * FROM match_links WHERE {IN_BAND.format(number="line_no")}) AS m ON m.line_no = f.line_no
WHERE {IN_BAND.format(number="f.line_no")}
"""
EVENT_POOL_SQL = """
SELECT p.event_no, c.cell_no, CAST(floor(p.weight * c.rate + 0.5) AS BIGINT) AS micro
FROM (SELECT event_no, service_line_no, use_no, CAST(sum(weight) AS BIGINT) AS weight
      FROM event_lines GROUP BY event_no, service_line_no, use_no) AS p
JOIN cells AS c ON c.use_no = p.use_no AND c.service_line_no = p.service_line_no
"""


def write_raw(place: Path, formats: tuple[str, ...]) -> int:
    """Write lines and events as text, in each format, and the rates; return the number of lines."""
    for name, sql in (("lines", LINES_SQL), ("events", EVENTS_SQL)):
        for suffix in formats:
            how = "FORMAT csv, HEADER" if suffix == "csv" else "FORMAT parquet, COMPRESSION zstd"
            duckdb.sql(f"COPY ({sql.format(place=place)}) TO '{place / name}.{suffix}' ({how})")
    duckdb.sql(f"COPY ({RATES_SQL}) TO '{place / 'rates.parquet'}' (FORMAT parquet)")
    return duckdb.sql(f"SELECT count(*) FROM '{place / 'lines.parquet'}'").fetchall()[0][0]


# The engine


def prepare(db: Engine, place: Path, suffix: str) -> None:
    """Make views of the text, and the events with moments and numbers."""
    for name in ("lines", "events"):
        db.create_view(f"raw_{name}", f"SELECT * FROM {read_text(place / f'{name}.{suffix}')}")
    db.add_parquet("rates", place / "rates.parquet")
    db.create(
        "service_line_numbers",
        "SELECT service_line, CAST(row_number() OVER (ORDER BY service_line) AS INTEGER) AS service_line_no "
        "FROM (SELECT DISTINCT service_line FROM raw_events) AS every_line",
    )
    moments = ", ".join(f"TRY_CAST(v.{name} AS TIMESTAMP) AS {name}" for name in MOMENTS)
    db.create_numbered(
        "event_basis",
        "basis_no",
        f"SELECT v.event_id, v.spell_id, v.patient_key, v.event_kind, v.tfc, {moments}, n.service_line_no "
        "FROM raw_events AS v JOIN service_line_numbers AS n ON n.service_line = v.service_line",
    )
    db.create("event_numbers", NUMBERS_SQL)
    extend_in_bands(db, "events", NUMBERED_SQL, numbered=db.count("event_basis"))
    db.drop("event_basis", "event_numbers")
    db.create(
        "uses",
        "SELECT pool, CAST(row_number() OVER (ORDER BY pool) AS INTEGER) AS use_no "
        "FROM (SELECT DISTINCT pool FROM rates) AS every_pool",
    )
    db.create(
        "cells",
        "SELECT CAST(row_number() OVER (ORDER BY r.pool, r.service_line) AS INTEGER) AS cell_no, "
        "r.pool, u.use_no, r.service_line, n.service_line_no, r.rate "
        "FROM rates AS r JOIN uses AS u ON u.pool = r.pool "
        "JOIN service_line_numbers AS n ON n.service_line = r.service_line",
    )


def run_clean(place: Path, suffix: str, memory: str) -> dict[str, Any]:
    """The kernel's first stage alone: text read, moments and numbers made, events numbered."""
    with open_limited(memory) as db:
        prepare(db, place, suffix)
        db.create("typed_lines", f"SELECT * FROM {TYPED_SQL} AS r WHERE {READABLE}")
    return {}


@contextmanager
def open_limited(memory: str) -> Iterator[Engine]:
    with (
        tempfile.TemporaryDirectory() as spill,
        Engine(spill=Path(spill), memory_limit=memory, threads=THREADS) as db,
    ):
        yield db


def run_engine(place: Path, suffix: str, memory: str) -> dict[str, Any]:
    """The kernel in the project's SQL; matching is the project's own."""
    with open_limited(memory) as db:
        prepare(db, place, suffix)
        with db.joins_as_written():
            db.create_numbered(
                "feed_lines",
                "line_no",
                f"""SELECT u.use_no, f.weight, {SOUGHT}, v.event_no, v.service_line_no
                    FROM (SELECT * FROM {TYPED_SQL} AS r WHERE {READABLE}) AS f
                    JOIN uses AS u ON u.pool = f.pool
                    LEFT JOIN events AS v ON v.event_id = f.ref_id""",
            )
        match_lines(db)
        db.create("event_lines", NAMED_LINES_SQL)
        extend_in_bands(
            db, "event_lines", MATCHED_LINES_SQL, numbered=db.count("feed_lines"), is_new=False
        )
        db.create("event_pool", EVENT_POOL_SQL)
        by_line = db.frame(
            "SELECT c.service_line, c.pool, CAST(sum(p.micro) AS BIGINT) AS micro "
            "FROM event_pool AS p JOIN cells AS c ON c.cell_no = p.cell_no "
            "GROUP BY c.service_line, c.pool ORDER BY c.service_line, c.pool"
        )
        told = db.frame(
            "SELECT count(*) AS n, CAST(sum(micro) AS BIGINT) AS micro, "
            f"CAST(sum(event_no % {MARKS} * micro) AS BIGINT) AS mark FROM event_pool"
        ).iloc[0]
        named = db.frame("SELECT count(event_no) AS n FROM feed_lines")["n"].iloc[0]
        n_matched = db.count("match_links") + int(named)
    return describe(by_line["micro"].tolist(), n_matched, told["n"], told["micro"], told["mark"])


def read_text(path: Path) -> str:
    """Return the source that reads a file's fields as text; a blank is no value."""
    if path.suffix == ".csv":
        return f"read_csv('{path}', header = true, all_varchar = true)"
    return f"read_parquet('{path}')"


def describe(by_line: list[int], *numbers: int) -> dict[str, Any]:
    """What must be the same for all: cells by line and pool, lines matched, cells by event, their sum and a
    mark that any cell with another event or another micro-pound changes."""
    return {"by_line": [int(n) for n in by_line], "numbers": [int(n) for n in numbers]}


# Polars


def run_polars(place: Path, suffix: str, memory: str) -> dict[str, Any]:
    """The kernel in Polars, lazily but for the lines that are still open after each rule."""
    import polars as pl

    def read(name: str) -> pl.LazyFrame:
        path = place / f"{name}.{suffix}"
        return pl.scan_csv(path, infer_schema=False) if suffix == "csv" else pl.scan_parquet(path)

    def moment(name: str) -> pl.Expr:
        return pl.col(name).str.to_datetime(WRITTEN_AS, strict=False, time_unit="us")

    events = (
        read("events").with_columns(*[moment(name) for name in MOMENTS]).sort("event_id")
        .with_row_index("event_no").collect().lazy()
    )  # fmt: skip
    weight = (pl.col("quantity").cast(pl.Float64, strict=False) * HUNDREDTHS + 0.5).floor()
    lines = (
        read("lines")
        .select("ref_id", "patient_key", "requesting_tfc", "pool", moment("moment"),
                weight.cast(pl.Int64).alias("weight"))
        .filter(pl.col("moment").is_not_null() & pl.col("weight").is_not_null())
        .with_row_index("line_no").collect().lazy()
    )  # fmt: skip

    def seconds(later: str, earlier: str) -> pl.Expr:
        return (pl.col(later) - pl.col(earlier)).dt.total_seconds()

    gap = (
        pl.when(pl.col("moment") < pl.col("start_dt")).then(seconds("start_dt", "moment"))
        .when(pl.col("moment") > pl.col("end_dt")).then(seconds("moment", "end_dt")).otherwise(0)
    )  # fmt: skip
    since = pl.when((gap == 0) & (pl.col("moment") >= pl.col("start_dt"))).then(
        seconds("moment", "start_dt")
    )
    since, apart, none = since.otherwise(0), seconds("moment", "start_dt").abs(), pl.lit(0)
    inside = (pl.col("moment") >= pl.col("admission_dt")) & (
        pl.col("discharge_dt").is_null() | (pl.col("moment") <= pl.col("discharge_dt"))
    )
    near = (seconds("start_dt", "moment") <= DAYS_BEFORE_CLINIC * SECONDS_A_DAY) & (
        seconds("moment", "start_dt") <= DAYS_AFTER_CLINIC * SECONDS_A_DAY
    )
    same_day = pl.col("start_dt").dt.date() == pl.col("moment").dt.date()
    patient, clinic = ["patient_key"], ["patient_key", "tfc"]
    rules = [
        ("episode", ["spell_id"], gap <= NEAR_SECONDS, gap, since),
        ("episode", patient, inside, gap, since),
        ("ed", patient, gap <= ED_NEAR_SECONDS, gap, none),
        ("op", clinic, same_day, apart, none),
        ("op", clinic, near, apart, none),
    ]
    theirs = {"spell_id": "ref_id", "patient_key": "patient_key", "tfc": "requesting_tfc"}
    links = [
        lines.join(events, left_on="ref_id", right_on="event_id")
        .select("line_no", "event_no")
        .collect()
    ]
    still = lines.select("line_no", "ref_id", "patient_key", "requesting_tfc", "moment")
    still = still.join(links[-1].lazy(), on="line_no", how="anti").collect()
    for kind, keys, allowed, distance, after in rules:
        found = (
            still.lazy()
            .join(events.filter(pl.col("event_kind") == kind), left_on=[theirs[key] for key in keys], right_on=keys)
            .filter(allowed)
            .select("line_no", "event_no", distance.alias("gap"), after.alias("since"))
            .sort("line_no", "gap", "since", "event_no").unique("line_no", keep="first", maintain_order=True)
            .select("line_no", "event_no").collect()
        )  # fmt: skip
        links.append(found)
        still = still.join(found, on="line_no", how="anti")
    linked = pl.concat(links)
    cells = (
        linked.lazy().join(lines.select("line_no", "pool", "weight"), on="line_no")
        .group_by("event_no", "pool").agg(pl.col("weight").sum())
        .join(events.select("event_no", "service_line"), on="event_no")
        .join(pl.scan_parquet(place / "rates.parquet"), on=["pool", "service_line"])
        .with_columns((pl.col("weight") * pl.col("rate") + 0.5).floor().cast(pl.Int64).alias("micro"))
        .collect()
    )  # fmt: skip
    by_line = (
        cells.group_by("service_line", "pool")
        .agg(pl.col("micro").sum())
        .sort("service_line", "pool")
    )
    mark = (cells["event_no"].cast(pl.Int64) + 1) % MARKS * cells["micro"]
    return describe(
        by_line["micro"].to_list(), linked.height, cells.height, cells["micro"].sum(), mark.sum()
    )


# pandas


def run_pandas(place: Path, suffix: str, memory: str) -> dict[str, Any]:
    """The kernel in pandas, as an analyst would write it with its fast readers."""
    import numpy as np
    import pandas as pd

    def read(name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        path = place / f"{name}.{suffix}"
        if suffix == "csv":
            return pd.read_csv(
                path, dtype="str", usecols=list(columns), na_values=[""], keep_default_na=False
            )
        return pd.read_parquet(path, columns=list(columns))

    def seconds(later: pd.Series, earlier: pd.Series) -> pd.Series:
        return (later - earlier).dt.total_seconds()

    events = read("events", EVENT_COLUMNS).sort_values("event_id", ignore_index=True)
    for name in MOMENTS:
        events[name] = pd.to_datetime(events[name], format=WRITTEN_AS, errors="coerce")
    events["event_no"] = np.arange(1, len(events) + 1)
    lines = read("lines", LINE_COLUMNS[1:])
    lines["moment"] = pd.to_datetime(lines["moment"], format=WRITTEN_AS, errors="coerce")
    lines["weight"] = np.floor(pd.to_numeric(lines["quantity"], errors="coerce") * HUNDREDTHS + 0.5)
    lines = lines[lines["moment"].notna() & lines["weight"].notna()].drop(columns="quantity")
    lines = lines.assign(weight=lines["weight"].astype("int64"), line_no=np.arange(len(lines)))

    def find_gap(rows: pd.DataFrame) -> pd.Series:
        before = rows["moment"] < rows["start_dt"]
        after = rows["moment"] > rows["end_dt"]
        gap = seconds(rows["start_dt"], rows["moment"]).where(before, 0.0)
        return gap.mask(after & ~before, seconds(rows["moment"], rows["end_dt"]))

    def find_since(rows: pd.DataFrame) -> pd.Series:
        return seconds(rows["moment"], rows["start_dt"]).where(
            (rows["gap"] == 0) & (rows["moment"] >= rows["start_dt"]), 0.0
        )

    def find_apart(rows: pd.DataFrame) -> pd.Series:
        return seconds(rows["moment"], rows["start_dt"]).abs()

    def is_inside(rows: pd.DataFrame) -> pd.Series:
        left = rows["discharge_dt"].isna() | (rows["moment"] <= rows["discharge_dt"])
        return (rows["moment"] >= rows["admission_dt"]) & left

    def is_near(rows: pd.DataFrame) -> pd.Series:
        before = seconds(rows["start_dt"], rows["moment"]) <= DAYS_BEFORE_CLINIC * SECONDS_A_DAY
        return before & (
            seconds(rows["moment"], rows["start_dt"]) <= DAYS_AFTER_CLINIC * SECONDS_A_DAY
        )

    def is_same_day(rows: pd.DataFrame) -> pd.Series:
        return rows["start_dt"].dt.normalize() == rows["moment"].dt.normalize()

    clinic = {"requesting_tfc": "tfc", "patient_key": "patient_key"}
    patient = {"patient_key": "patient_key"}
    rules = [
        ("episode", {"ref_id": "spell_id"}, lambda r: r["gap"] <= NEAR_SECONDS, find_gap, True),
        ("episode", patient, is_inside, find_gap, True),
        ("ed", patient, lambda r: r["gap"] <= ED_NEAR_SECONDS, find_gap, False),
        ("op", clinic, is_same_day, find_apart, False),
        ("op", clinic, is_near, find_apart, False),
    ]
    links = [
        lines[["line_no", "ref_id"]]
        .merge(events[["event_id", "event_no"]], left_on="ref_id", right_on="event_id")
        [["line_no", "event_no"]]
    ]  # fmt: skip
    still = lines[["line_no", "ref_id", "patient_key", "requesting_tfc", "moment"]]
    still = still[~still["line_no"].isin(links[-1]["line_no"])]
    for kind, keys, allowed, distance, has_since in rules:
        theirs = events.loc[events["event_kind"] == kind, [*keys.values(), "event_no", *MOMENTS]]
        asked = still[["line_no", "moment", *keys]].dropna(subset=list(keys))
        rows = asked.merge(theirs, left_on=list(keys), right_on=list(keys.values()))
        rows = rows.assign(gap=distance)
        rows["since"] = find_since(rows) if has_since else 0.0
        rows = rows[allowed(rows)].sort_values(["line_no", "gap", "since", "event_no"])
        links.append(rows.drop_duplicates("line_no")[["line_no", "event_no"]])
        still = still[~still["line_no"].isin(links[-1]["line_no"])]
    linked = pd.concat(links)
    cells = linked.merge(lines[["line_no", "pool", "weight"]], on="line_no")
    cells = cells.groupby(["event_no", "pool"], as_index=False, sort=False)["weight"].sum()
    cells = cells.merge(events[["event_no", "service_line"]], on="event_no")
    cells = cells.merge(pd.read_parquet(place / "rates.parquet"), on=["pool", "service_line"])
    cells["micro"] = np.floor(cells["weight"] * cells["rate"] + 0.5).astype("int64")
    by_line = cells.groupby(["service_line", "pool"], sort=True)["micro"].sum()
    mark = (cells["event_no"] % MARKS * cells["micro"]).sum()
    return describe(by_line.tolist(), len(linked), len(cells), cells["micro"].sum(), mark)


def scan(place: Path, suffix: str, memory: str) -> dict[str, Any]:
    """Read every column, and keep nothing."""
    with Engine(memory_limit=memory, threads=THREADS) as db:
        for name, columns in (("lines", LINE_COLUMNS), ("events", EVENT_COLUMNS)):
            sums = ", ".join(f"max({column}) AS c{n}" for n, column in enumerate(columns))
            db.frame(f"SELECT {sums} FROM {read_text(place / f'{name}.{suffix}')}")
    return {}


RUNS = {
    "scan": scan,
    "clean": run_clean,
    "engine": run_engine,
    "polars": run_polars,
    "pandas": run_pandas,
}


def run_child(way: str, place: Path, suffix: str, memory: str) -> dict[str, Any]:
    """Run one way in a process of its own; its own loading of libraries is not counted."""
    words = ["--child", way, "--place", str(place), "--suffix", suffix, "--memory", memory]
    done = subprocess.run(
        [sys.executable, __file__, *words], capture_output=True, text=True, check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": str(THREADS)},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def measure(way: str, place: Path, suffix: str, memory: str) -> dict[str, Any]:
    """Run one way here; return what it found, seconds and memory."""
    if way in ("polars", "pandas"):
        __import__(way)
    began, before = time.monotonic(), time.process_time()
    found = RUNS[way](place, suffix, memory)
    return {
        **found, "wall": time.monotonic() - began, "cpu": time.process_time() - before,
        "peak_gb": read_peak(),
    }  # fmt: skip


def compare(place: Path, suffix: str, ways: list[str], memory: str, n_lines: int) -> None:
    """Print one table row for each way, beside the scan and the engine."""
    runs = {way: run_child(way, place, suffix, memory) for way in ("scan", "clean", *ways)}
    first = runs[ways[0]]
    for way, found in runs.items():
        same = (
            ""
            if way in ("scan", "clean")
            else all(found[k] == first[k] for k in ("by_line", "numbers"))
        )
        print(
            f"| {n_lines / 1e6:.2f} | {suffix} | {way} | {found['wall']:.1f} | {found['cpu']:.1f} "
            f"| {found['peak_gb']:.2f} | {found['cpu'] / runs['scan']['cpu']:.1f} "
            f"| {found['wall'] / runs['scan']['wall']:.1f} | {found['cpu'] / first['cpu']:.2f} "
            f"| {found['peak_gb'] / first['peak_gb']:.2f} | {same} |",
            flush=True,
        )
    costing = first["cpu"] - runs["clean"]["cpu"]
    print(
        f"  costing alone (engine less clean): {costing / runs['scan']['cpu']:.1f} times the scan's CPU"
    )
    print(f"  lines matched, cells by event, micro-pounds, mark: {first['numbers']}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 5])
    parser.add_argument("--skip", choices=WAYS[1:], action="append", default=[])
    parser.add_argument("--csv", action="store_true")
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--base", help="clean tables to copy, if they are there already")
    parser.add_argument("--scratch", help="folder for the copies")
    parser.add_argument("--child")
    parser.add_argument("--place")
    parser.add_argument("--suffix")
    given = parser.parse_args()
    if given.child:
        print(json.dumps(measure(given.child, Path(given.place), given.suffix, given.memory)))
        return 0
    ways = [way for way in WAYS if way not in given.skip]
    if "polars" in ways and importlib.util.find_spec("polars") is None:
        print(
            "Polars is not installed: it is left out. The extra `bench` puts it beside the others."
        )
        ways.remove("polars")
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"duckdb {version('duckdb')}, pandas {version('pandas')}"
          f"{', polars ' + version('polars') if 'polars' in ways else ''}; load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    print(
        "| lines m | from | way | wall s | CPU s | peak GB | CPU / scan | wall / scan | CPU / engine | memory / engine | same |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        base = Path(given.base) if given.base else make_base(Path(scratch))
        feeds = ("tests", "drug_issues", "therapy_contacts")
        a_copy = sum(
            duckdb.sql(f"SELECT count(*) FROM '{base}/clean_{name}.parquet'").fetchall()[0][0]
            for name in feeds
        )
        for size in given.millions:
            place = Path(scratch) / f"k{size:g}"
            copy_patients(base, place, max(1, round(size * 1e6 / a_copy)))
            formats = ("parquet", "csv") if given.csv else ("parquet",)
            n_lines = write_raw(place, formats)
            for suffix in formats:
                compare(place, suffix, ways, given.memory, n_lines)
    print(f"\nload after: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
