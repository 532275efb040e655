"""Cost one very large trust: growth, memory and sameness, in one run.

    python benchmarks/scale.py                          growth at 1, 5, 10 and 20 million activity lines
    python benchmarks/scale.py --millions 20 40         other sizes
    python benchmarks/scale.py --only memory            20 million lines in 1 GB and in 256 MB of engine memory
    python benchmarks/scale.py --only same              threads and order of rows change no penny

The trust is the demonstration trust XYZ, cleaned, and then as many copies of its patients as the size asks for, each
with identifiers of its own and with moments and amounts a little off: Parquet to Parquet inside the engine, never through
CSV. Times are of one process that costs it from those files to `patient_costs.parquet`. Figures go to docs/scale.md by
hand.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from helpers.contracts import INPUTS
from helpers.costing.ledger import read_postings, total_department_costs
from helpers.costing.line_costing import cost_lines, fill_pools
from helpers.costing.trust import share_overheads
from helpers.engine import Engine
from helpers.sources.costed import write_patient_costs

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("grow", "memory", "same")
BASE_SIZE = 0.1  # of XYZ; its patients are then copied
IDS = (
    "episode_id", "spell_id", "patient_key", "attendance_id", "stay_id", "case_id", "cc_id", "test_id",
    "spell_or_attendance_id", "issue_id", "implant_id", "contact_id", "admitted_spell_id", "event_id",
)  # fmt: skip
AMOUNTS = (
    "cost_pence", "minutes", "booked_minutes", "actual_minutes", "recovery_minutes", "setup_minutes",
)  # fmt: skip
ID_LENGTH = 16  # hexadecimal digits of a copy's identifiers
MOST_SECONDS_OFF = 6 * 3600  # how far a copy's moments are from the first's
FEEDS = (
    "ward_stays", "theatre_cases", "critical_care", "tests", "drug_issues", "implants", "therapy_contacts",
)  # fmt: skip
EVENTS = ("apc_episodes", "op_attendances", "ed_attendances")
MONEY = ("general_ledger", "cost_centre_map", "expense_map", "departments")


def make_base(folder: Path) -> Path:
    """Write and clean XYZ; return its clean tables."""
    out, data = folder / "out", folder / "data"
    for words in (
        ["demo", "XYZ", "--size", str(BASE_SIZE), "--data", str(data)],
        ["report", "XYZ", "--data", str(data), "--out", str(out)],
    ):
        subprocess.run(
            [sys.executable, "-m", "helpers", *words], cwd=ROOT, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
    return out / "XYZ" / "2024-25" / "tables"


def count_lines(tables: Path) -> int:
    """Return the lines of activity of all feeds, the events' own among them."""
    names = [f"'{tables}/clean_{name}.parquet'" for name in (*FEEDS, *EVENTS)]
    return sum(duckdb.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in names)


def copy_patients(tables: Path, target: Path, copies: int, *, shuffle: bool = False) -> None:
    """Write the large clean tables with every patient as often as asked; link the small ones.

    A copy has identifiers in no order, moments some hours off and amounts a fifth off, all by its number and
    the same in every file: what is written is as various as another trust's files, and Parquet stores it so.
    """
    target.mkdir(parents=True)
    for path in tables.glob("clean_*.parquet"):
        name = path.stem.removeprefix("clean_")
        if name not in INPUTS or not INPUTS[name].large:
            os.link(path, target / path.name)
            continue
        kinds = duckdb.sql(f"SELECT * FROM '{path}' LIMIT 0")
        chosen = ", ".join(
            f"{vary(column, str(kind))} AS {column}"
            for column, kind in zip(kinds.columns, kinds.types, strict=True)
        )
        order = "ORDER BY hash(t, r.n)" if shuffle else ""
        duckdb.sql(
            f"COPY (SELECT {chosen} FROM '{path}' AS t CROSS JOIN range({copies}) AS r(n) {order}) "
            f"TO '{target / path.name}' (FORMAT parquet, COMPRESSION zstd)"
        )


def vary(column: str, kind: str) -> str:
    """Return the expression of a column ``t.<column>`` in copy ``r.n``; copy 0 keeps moments and amounts."""
    if column in IDS:
        return f"substr(md5(t.{column} || '-' || CAST(r.n AS VARCHAR)), 1, {ID_LENGTH})"
    if kind == "TIMESTAMP":
        return f"t.{column} + to_seconds((r.n * 7919) % {MOST_SECONDS_OFF})"
    if column in AMOUNTS:
        off = f"(0.8 + (hash(t.row_number, r.n, '{column}') % 401) / 1000.0)"
        return (
            f"CAST(CASE WHEN r.n = 0 THEN t.{column} ELSE round(t.{column} * {off}) END AS {kind})"
        )
    return f"t.{column}"


def cost(folder: Path, memory: str, threads: int, out: str) -> dict[str, float]:
    """Cost the tables of a folder to patient costs; return seconds, memory and rows."""
    frames, settings = read_small(folder)
    began, before = time.monotonic(), time.process_time()
    with (
        tempfile.TemporaryDirectory(dir=folder.parent) as spill,
        Engine(spill=Path(spill), memory_limit=memory, threads=threads) as db,
    ):
        for name in INPUTS:
            path = folder / f"clean_{name}.parquet"
            if INPUTS[name].large and path.exists():
                db.add_parquet(f"clean_{name}", path)
        costs = total_department_costs(read_postings(*(frames[name] for name in MONEY)))
        overheads = share_overheads(costs, frames, settings)
        pools = fill_pools(costs, overheads.allocation, frames, settings, "plics")
        cost_lines(db, frames, settings, pools, "plics")
        costed = time.monotonic()
        path = Path(out) if out else Path(spill) / "patient_costs.parquet"
        write_patient_costs(db, path)
        ended, spent = time.monotonic(), time.process_time() - before
        peak = read_peak()
        rows = db.frame("SELECT count(*) AS n FROM cost_rows")["n"].iloc[0]
        lines = db.frame("SELECT count(*) AS n FROM line_weights")["n"].iloc[0]
        disk = sum(file.stat().st_size for file in Path(spill).rglob("*") if file.is_file())
    return {
        "wall": ended - began, "cost_wall": costed - began, "cpu": spent,
        "peak_gb": peak, "rows": int(rows), "lines": int(lines), "disk_gb": disk / 1e9,
    }  # fmt: skip


def read_peak() -> float:
    """Return the most memory this process has held, GB.

    Where the system tells it (Linux), that of this program alone: what the system counts for a process includes
    what the program held that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        told = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(told[0].split()[1]) * 1024 / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def read_small(folder: Path) -> tuple[dict[str, pd.DataFrame], dict]:
    """Return the small clean tables and the settings."""
    frames = {}
    for name, table in INPUTS.items():
        path = folder / f"clean_{name}.parquet"
        if not table.large and path.exists():
            frames[name] = pd.read_parquet(path).astype(table.pandas_kinds)
    told = pd.read_parquet(folder / "clean_settings.parquet")
    return frames, {row.key: json.loads(row.value) for row in told.itertuples()}


def run_child(
    folder: Path, memory: str = "4GB", threads: int = 2, out: str = ""
) -> dict[str, float]:
    """Cost a folder in a process of its own."""
    words = ["--child", str(folder), "--memory", memory, "--threads", str(threads), "--out", out]
    done = subprocess.run(
        [sys.executable, __file__, *words], capture_output=True, text=True, check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def scan(folder: Path) -> tuple[float, float]:
    """Return wall and CPU seconds of reading every column that costing reads, and adding nothing up."""
    began, before = time.monotonic(), time.process_time()
    with Engine(memory_limit="1GB", threads=2) as db:
        for name in (*FEEDS, *EVENTS):
            path = folder / f"clean_{name}.parquet"
            columns = duckdb.sql(f"SELECT * FROM '{path}' LIMIT 0").columns
            sums = ", ".join(f"max({column}) AS c{n}" for n, column in enumerate(columns))
            db.frame(f"SELECT {sums} FROM '{path}'")
    return time.monotonic() - began, time.process_time() - before


def read_by_arrow(folder: Path) -> float:
    """Return CPU seconds of Arrow reading the same columns of the same files, a file at a time."""
    before = time.process_time()
    for name in (*FEEDS, *EVENTS):
        pq.read_table(folder / f"clean_{name}.parquet")
    return time.process_time() - before


def rewrite(costs: Path) -> float:
    """Return CPU seconds of reading the file of costs and writing it again, in its order, by the engine."""
    before = time.process_time()
    with Engine(memory_limit="1GB", threads=2) as db:
        db.add_parquet("costs", costs)
        db.write_parquet("costs", costs.with_name("again.parquet"))
    return time.process_time() - before


def grow(base: Path, place: Path, millions: list[float], memory: str) -> None:
    """Print time and memory at each size, beside a mere scan and beside writing the same costs again."""
    print(
        "| lines m | cost rows m | wall s | of it writing s | CPU s | peak GB | scan CPU s | CPU / scan "
        "| read by Arrow CPU s | CPU / Arrow | written again CPU s | CPU / (scan + written again) |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for size in millions:
        folder = place / f"m{size:g}"
        copy_patients(base, folder, max(1, round(size * 1e6 / count_lines(base))))
        _, scanned = scan(folder)
        costs = place / "patient_costs.parquet"
        arrow = read_by_arrow(folder)
        found = run_child(folder, memory, out=str(costs))
        shutil.rmtree(folder)
        again = rewrite(costs)
        print(
            f"| {found['lines'] / 1e6:.2f} | {found['rows'] / 1e6:.1f} | {found['wall']:.1f} "
            f"| {found['wall'] - found['cost_wall']:.1f} | {found['cpu']:.1f} | {found['peak_gb']:.2f} "
            f"| {scanned:.1f} | {found['cpu'] / scanned:.1f} "
            f"| {arrow:.1f} | {found['cpu'] / arrow:.1f} "
            f"| {again:.1f} | {found['cpu'] / (scanned + again):.2f} |",
            flush=True,
        )


def limit_memory(base: Path, place: Path, millions: float, limits: list[str]) -> None:
    """Print time and memory of one size under some limits of the engine's memory."""
    folder = place / "limited"
    copy_patients(base, folder, max(1, round(millions * 1e6 / count_lines(base))))
    for limit in limits:
        try:
            found = run_child(folder, limit)
        except subprocess.CalledProcessError as error:
            last = (error.stderr or "").strip().splitlines()[-1:]
            print(f"| {limit} | did not complete: {' '.join(last)[:120]} |", flush=True)
            continue
        print(
            f"| {limit} | {found['lines'] / 1e6:.2f} m lines | {found['wall']:.1f} s | {found['cpu']:.1f} CPU s "
            f"| peak {found['peak_gb']:.2f} GB | {found['disk_gb']:.1f} GB on disk at the end |",
            flush=True,
        )
    shutil.rmtree(folder)


def compare_same(base: Path, place: Path, millions: float) -> None:
    """Cost with one thread and two, and with the rows of every file shuffled; count what differs."""
    copies = max(1, round(millions * 1e6 / count_lines(base)))
    for name, shuffle in (("plain", False), ("shuffled", True)):
        copy_patients(base, place / name, copies, shuffle=shuffle)
    runs = {
        "two threads": ("plain", 2, "4GB"), "one thread": ("plain", 1, "4GB"),
        "rows shuffled": ("shuffled", 2, "4GB"), "256 MB": ("plain", 2, "256MB"),
    }  # fmt: skip
    outs = {what: place / f"{n}.parquet" for n, what in enumerate(runs)}
    for what, (folder, threads, memory) in runs.items():
        run_child(place / folder, memory, threads, str(outs[what]))
    first = outs["two threads"]
    rows = duckdb.sql(f"SELECT count(*), sum(amount_pence) FROM '{first}'").fetchall()[0]
    print(f"{rows[0]:,} cost rows, {rows[1]:,} pence")
    for what, path in outs.items():
        apart = duckdb.sql(
            f"SELECT count(*) FROM ((FROM '{first}' EXCEPT ALL FROM '{path}') UNION ALL "
            f"(FROM '{path}' EXCEPT ALL FROM '{first}'))"
        ).fetchall()[0][0]
        print(
            f"| {what} | rows that differ: {apart:,} | same bytes: {first.read_bytes() == path.read_bytes()} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 5, 10, 20])
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--base", help="clean tables to copy, if they are there already")
    parser.add_argument("--child")
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--limits", nargs="+", default=["4GB", "1GB", "256MB"])
    parser.add_argument("--scratch", help="folder for the copies")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", default="")
    given = parser.parse_args()
    if given.child:
        print(json.dumps(cost(Path(given.child), given.memory, given.threads, given.out)))
        return 0
    parts = given.only or PARTS
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"duckdb {version('duckdb')}, pandas {version('pandas')}; load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    with tempfile.TemporaryDirectory(dir=given.scratch) as place:
        base = Path(given.base) if given.base else make_base(Path(place))
        if "grow" in parts:
            grow(base, Path(place), given.millions, given.memory)
        if "memory" in parts:
            limit_memory(base, Path(place), given.millions[-1], given.limits)
        if "same" in parts:
            compare_same(base, Path(place), given.millions[0])
    print(f"\nload after: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
