"""Time the main job: set-up is measured by hand (docs/benchmarks.md); this measures the report.

Run with `make bench`. It writes nothing into `outputs/`; figures go to docs/benchmarks.md by hand,
with the machine and versions printed here.
"""

from __future__ import annotations

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

ROOT = Path(__file__).resolve().parents[1]
REPEATS = 3


def time_command(*words: str) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and the largest process's peak memory in GB of a command."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "helpers", *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, cpu, after.ru_maxrss / 1e6


def show(what: str, timings: list[tuple[float, float, float]]) -> None:
    wall, cpu, peak = (sorted(column)[len(column) // 2] for column in zip(*timings, strict=True))
    print(f"| {what} | {wall:.1f} | {cpu:.1f} | {peak:.2f} |")


def main() -> int:
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        + ", ".join(
            f"{name} {version(name)}" for name in ("duckdb", "pandas", "papermill", "nbconvert")
        )
    )
    print("\n| what (median of 3) | wall s | CPU s | peak GB |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        data, out = f"{folder}/data", f"{folder}/out"
        show("demonstration trust XYZ written", [time_command("demo", "XYZ", "--data", data)])
        whole = []
        for _ in range(REPEATS):
            shutil.rmtree(out, ignore_errors=True)
            whole.append(time_command("report", "XYZ", "--data", data, "--out", out))
        show("`report XYZ`, everything done", whole)
        same = [time_command("report", "XYZ", "--data", data, "--out", out) for _ in range(REPEATS)]
        show("`report XYZ`, nothing changed", same)
        pages = sum(path.stat().st_size for path in Path(out).rglob("*.html"))
        print(f"\nPages of one report: {pages / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
