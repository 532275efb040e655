"""Time the main job beside the plain way of doing it, in one run, so that ratios mean something.

    make bench                                  everything at full size
    python benchmarks/run.py --size 0.2         smaller trusts
    python benchmarks/run.py --only memory      one part: report, plain, trusts, unchanged or memory

It writes nothing into `outputs/`. Figures go to docs/benchmarks.md by hand, with the machine and the
versions that are printed first. CPU seconds tell more than wall seconds where others use the machine.
"""

from __future__ import annotations

import argparse
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
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("0[1-5]_*.ipynb"))
PARTS = ("report", "plain", "trusts", "unchanged", "memory")
N_COPIES = 160  # of a small trust, five pages each
UNCHANGED_REPEATS = 5
SAMPLE_SECONDS = 0.05
# The notebooks' code and nothing else, in one process that has the libraries loaded.
FLOOR = """
import sys, time, nbformat
sys.path.insert(0, "src")
from helpers.report.execute import warm_up
warm_up()
began = time.process_time()
for name in sys.argv[3:]:
    names = {"__name__": "__main__"}
    for cell in nbformat.read(name, 4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, name, "exec"), names)
            if "parameters" in cell.metadata.get("tags", []):
                names |= {"data": sys.argv[1], "out": sys.argv[2]}
print(time.process_time() - began)
"""


def time_commands(*commands: list[str]) -> tuple[float, float]:
    """Return wall seconds and CPU seconds of commands, one after the other."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        subprocess.run(
            [sys.executable, *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, cpu


def show(what: str, timings: list[tuple[float, float]]) -> float:
    """Print a row of medians; return the CPU seconds."""
    wall, cpu = (median(column) for column in zip(*timings, strict=True))
    print(f"| {what} | {wall:.1f} | {cpu:.1f} |", flush=True)
    return cpu


def report(*words: str) -> list[str]:
    return ["-m", "helpers", *words]


def time_report(data: str, out: str, repeats: int) -> float:
    """Time one trust's report, made whole and with nothing changed."""
    whole, same = [], []
    for _ in range(repeats):
        shutil.rmtree(out, ignore_errors=True)
        whole.append(time_commands(report("report", "XYZ", "--data", data, "--out", out)))
        same.append(time_commands(report("report", "XYZ", "--data", data, "--out", out)))
    cpu = show("`report XYZ`, everything done", whole)
    show("`report XYZ`, nothing changed", same)
    return cpu


def time_plain(data: str, out: str, repeats: int) -> tuple[float, float]:
    """Time papermill then nbconvert for each notebook, and the notebooks' code alone."""
    plain, floor = [], []
    for _ in range(repeats):
        commands = []
        for notebook in NOTEBOOKS:
            done = f"{out}/{notebook.name}"
            commands.append(
                ["-m", "papermill", str(notebook), done, "-p", "data", data, "-p", "out", out,
                 "--no-progress-bar"]
            )  # fmt: skip
            commands.append(["-m", "nbconvert", "--to", "html", done])
        shutil.rmtree(out, ignore_errors=True)
        Path(out).mkdir()
        plain.append(time_commands(*commands))
        shutil.rmtree(out)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", FLOOR, data, out, *map(str, NOTEBOOKS)], cwd=ROOT, check=True,
            capture_output=True, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        floor.append((time.monotonic() - began, float(done.stdout.split()[-1])))
    return (
        show("the plain way: `papermill` then `nbconvert`, five times", plain),
        show("floor: the notebooks' code alone, libraries loaded", floor),
    )


def time_trusts(data: str, out: str) -> None:
    """Time all demonstration trusts on one core and on two, and with nothing changed."""
    cores = sorted(os.sched_getaffinity(0))
    walls = []
    for n_cores in (1, 2):
        shutil.rmtree(out, ignore_errors=True)
        words = report("reports", "--data", data, "--out", out, "--jobs", str(n_cores))
        os.sched_setaffinity(0, cores[:n_cores])  # the run, and all that it starts, keep to them
        timed = time_commands(words)
        os.sched_setaffinity(0, cores)
        walls.append(timed[0])
        show(f"`reports --jobs {n_cores}` on {n_cores} of the cores, all trusts", [timed])
    print(f"\nOne core / two: {walls[0] / walls[1]:.2f}\n")


def time_unchanged(folder: Path) -> None:
    """Time `reports` where many reports stand and nothing has changed: copies of one small report."""
    sys.path.insert(0, str(ROOT / "src"))
    from helpers.report.checksums import hash_inputs
    from helpers.report.series import Record, find_page_key, find_parts
    from helpers.run import open_run

    data, out = folder / "many", folder / "many_out"
    places = ("--data", str(data), "--out", str(out))
    time_commands(report("demo", "XY1", "--data", str(data), "--size", "0.02"))
    time_commands(report("report", "XY1", *places))
    settings = (data / "XY1" / "2024-25" / "trust.yml").read_text(encoding="utf-8")
    record = Record.read(out / "XY1" / "2024-25")
    for copy in range(N_COPIES):
        code = f"R{copy:03}"
        for top in (data, out):
            shutil.copytree(top / "XY1", top / code, copy_function=os.link)
        (data / code / "2024-25" / "trust.yml").unlink()
        (data / code / "2024-25" / "trust.yml").write_text(
            settings.replace("XY1", code), encoding="utf-8"
        )
        run = open_run(trust=code, data=data, out=out)
        record.inputs = hash_inputs(run.files_dir, out / code / ".2024-25.seen")
        parts = find_parts(run, record.inputs)
        record.steps = {name: {**step, "parts": parts[name]} for name, step in record.steps.items()}
        record.pages = find_page_key(parts)
        (run.published / "run.json").unlink()
        record.write(run.published)
    for top in (data, out):
        shutil.rmtree(top / "XY1")
    time_commands(report("reports", *places))  # the comparison is made
    pages = len(list(out.glob("*/*/*.html")))
    timings = [time_commands(report("reports", *places)) for _ in range(UNCHANGED_REPEATS)]
    show(f"`reports`, nothing changed, {pages} pages", timings)


def measure_memory(data: str, out: str) -> None:
    """Print the most memory that one run's processes hold together, each shared page once."""
    import psutil

    size = sum(path.stat().st_size for path in Path(data, "XYZ", "2024-25").iterdir())
    shutil.rmtree(out, ignore_errors=True)
    process = subprocess.Popen(
        [sys.executable, *report("report", "XYZ", "--data", data, "--out", out)], cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    parent, peak = psutil.Process(process.pid), 0
    while process.poll() is None:
        held = 0
        try:
            for one in (parent, *parent.children(recursive=True)):
                full = one.memory_full_info()
                held += getattr(full, "pss", full.uss)
        except psutil.Error:
            continue
        peak = max(peak, held)
        time.sleep(SAMPLE_SECONDS)
    print(
        f"\nFiles of XYZ: {size / 1e6:.1f} MB; peak memory of a run: {peak / 1e6:.0f} MB",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default="1")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=PARTS, action="append")
    given = parser.parse_args()
    parts = given.only or PARTS
    names = ("duckdb", "pandas", "papermill", "nbconvert", "ipykernel")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}"
    )
    print(f"Size {given.size}; load before: {os.getloadavg()[0]:.1f}; median of {given.repeats}\n")
    print("| what | wall s | CPU s |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        data, out = f"{folder}/data", f"{folder}/out"
        trusts = [] if "trusts" in parts else ["XYZ"]
        written = time_commands(report("demo", *trusts, "--data", data, "--size", given.size))
        show(f"{'XYZ' if trusts else 'all demonstration trusts'} written", [written])
        ours = time_report(data, out, given.repeats) if "report" in parts else 0
        if "plain" in parts:
            plain, floor = time_plain(data, out, given.repeats)
            if ours:
                print(f"\nCPU: plain / ours {plain / ours:.2f}; ours / floor {ours / floor:.2f}\n")
        if "trusts" in parts:
            time_trusts(data, out)
        if "unchanged" in parts:
            time_unchanged(Path(folder))
        if "memory" in parts:
            measure_memory(data, out)
    print(f"\nLoad after: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
