"""Time a year of organisation-level costs, read, cleaned and compared for every trust, beside a mere scan.

`python benchmarks/published.py --size 1` writes an invented file of the published shape (1.67 million rows, 205
trusts; no figure in it is any trust's) to a temporary folder, and prints wall and CPU seconds and peak memory of each
way, each in a process of its own. Figures go to docs/benchmarks.md by hand.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
N_ORGS, N_CURRENCIES = 205, 790
TRUST, YEAR = "ZAC", "2023-24"
FILE = "Organisation_level_source_data_1_2324.csv"


def write_file(root: Path, size: float) -> int:
    """Write the invented file; return its rows."""
    from organisation_file import make_organisations, write_organisations

    (root / "published").mkdir(parents=True)
    rows, _ = make_organisations(
        n_orgs=N_ORGS, n_currencies=max(16, round(N_CURRENCIES * size)), n_planted=200
    )
    write_organisations(root / "published" / FILE, rows)
    return len(rows)


def scan(root: Path) -> None:
    """Read the file and add up one column: what no way of reading it can do without."""
    import duckdb

    place = str(root / "published" / FILE)
    duckdb.sql(
        f"SELECT count(*), sum(try_cast(\"Actual cost\" AS DOUBLE)) FROM read_csv('{place}', all_varchar = true)"
    ).fetchall()


def compare(root: Path) -> None:
    """Do all five steps of the series; every trust's index, funnel place and peers among them."""
    from helpers.engine import open_engine
    from helpers.run import open_run
    from helpers.sources.published import tables

    run = open_run(
        trust=TRUST, year=YEAR, data=str(root / "raw"), out=str(root / "out"), folder=str(root / "built"),
    )  # fmt: skip
    for step in (
        tables.read_published,
        tables.compare_costs,
        tables.review_trust,
        tables.compare_trusts,
    ):
        with open_engine(spill=run.spill) as db:
            step(run, db)
    tables.find_positions(run)


WAYS = {"scan": scan, "compare": compare}


def time_way(name: str, root: Path) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and peak GB of one way in a process of its own."""
    code = [sys.executable, __file__, "--way", name, "--root", str(root)]
    printed = subprocess.run(code, check=True, capture_output=True, text=True).stdout
    wall, cpu, peak = (float(word) for word in printed.split())
    return wall, cpu, peak


def run_way(name: str, root: Path) -> None:
    began = time.monotonic()
    WAYS[name](root)
    wall = time.monotonic() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=float, default=1.0)
    parser.add_argument("--way", choices=[*WAYS])
    parser.add_argument("--root", type=Path)
    given = parser.parse_args()
    if given.way:
        run_way(given.way, given.root)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        n_rows = write_file(root, given.size)
        bytes_mb = (root / "published" / FILE).stat().st_size / 1e6
        print(f"{n_rows:,} rows of {N_ORGS} trusts, {bytes_mb:.0f} MB")
        results = {name: time_way(name, root) for name in WAYS}
    for name, (wall, cpu, peak) in results.items():
        print(f"{name:8} {wall:6.1f} s wall {cpu:6.1f} s CPU {peak:5.2f} GB")
    print(f"CPU against a scan: {results['compare'][1] / results['scan'][1]:.0f}x")


if __name__ == "__main__":
    main()
