"""Time reading and cleaning of large CSV files against the engine merely scanning the same files.

`python benchmarks/intake.py --size 1` writes 2 million episodes and appointments and 20 million lines of
tests to a temporary folder (about 1.4 GB), and prints wall and CPU seconds and peak memory of each way, each in
a process of its own. One test in a hundred names a spell that is not there; appointments are in no order.
On a busy machine only the CPU seconds compare.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

N_EPISODES, N_APPOINTMENTS, N_TESTS = 800_000, 1_200_000, 20_000_000
FILES = ("apc_episodes", "op_attendances", "tests", "ward_stays")
QUERIES = {
    "apc_episodes": """SELECT 'E' || i AS episode_id, 'S' || i AS spell_id, 1 AS episode_number,
        'p' || i % 300000 AS patient_key, 'X0101' AS site_code, d AS admission_dt,
        d + INTERVAL 2 DAY AS discharge_dt, d AS episode_start_dt, d + INTERVAL 2 DAY AS episode_end_dt,
        '21' AS admission_method, '1' AS patient_classification, '1' AS discharge_method,
        '19' AS discharge_destination, '300' AS tfc, 'C1234567' AS consultant_code, 'DZ11K' AS hrg_fce,
        'DZ11K' AS hrg_spell, 'J189' AS primary_diag, 20 + i % 70 AS age, 1 + i % 2 AS sex,
        '01' AS admin_category, 'QKK' AS commissioner""",
    "op_attendances": """SELECT 'O' || i * 7919 % 1200007 AS attendance_id, 'p' || i % 300000 AS patient_key,
        d AS appointment_dt, '300' AS tfc, 'C1234567' AS consultant_code, '1' AS first_attendance,
        '5' AS attended, 20 AS booked_minutes, 'WF01A' AS hrg, '0' AS procedure_flag,
        '01' AS admin_category, 'QKK' AS commissioner""",
    "tests": """SELECT 'T' || i AS test_id, 'p' || i % n_episodes % 300000 AS patient_key,
        CASE WHEN i % 100 = 99 THEN 'X' || i ELSE 'S' || i % n_episodes END AS spell_or_attendance_id, d AS requested_dt, 'BIO' AS discipline,
        'B' || i % 200 AS test_code, 1 AS count, '300' AS requesting_tfc""",
    "ward_stays": """SELECT 'W' || i AS stay_id, 'S' || i AS spell_id, 'WARD_A' AS ward_id, d AS start_dt,
        d + INTERVAL 2 DAY AS end_dt, 1.0 AS acuity_weight""",
}


def write_files(data: Path, size: float) -> Path:
    """Write the small trust with large activity files; return its folder."""
    import duckdb

    from small_trust import write_trust

    folder = write_trust(
        data, control_totals="measure,value\ntotal_expenditure,360.00\ntotal_income,400.00\n"
    )
    rows = {
        "apc_episodes": N_EPISODES,
        "ward_stays": N_EPISODES,
        "op_attendances": N_APPOINTMENTS,
        "tests": N_TESTS,
    }
    with duckdb.connect() as db:
        for name, select in QUERIES.items():
            named = select.replace("n_episodes", str(max(int(N_EPISODES * size), 1)))
            db.execute(
                f"COPY ({named} FROM (SELECT i, TIMESTAMP '2024-04-02 08:00:00' + (i * 37 % 500000) "
                f"* INTERVAL 1 MINUTE AS d FROM range({int(rows[name] * size)}) AS t(i)) AS rows) "
                f"TO '{folder / f'{name}.csv'}' (HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M')"
            )
    return folder


def scan(folder: Path) -> None:
    """Read every field of the large files as text, and keep nothing."""
    import duckdb

    with duckdb.connect(config={"memory_limit": "1200MB"}) as db:
        for name in FILES:
            path = folder / f"{name}.csv"
            fields = [
                row[0]
                for row in db.execute(f"DESCRIBE SELECT * FROM read_csv('{path}')").fetchall()
            ]
            counts = ", ".join(f'count("{field}")' for field in fields)
            db.execute(f"SELECT {counts} FROM read_csv('{path}', all_varchar = true)").fetchall()


def read_and_clean(folder: Path) -> None:
    """Read and clean the folder as a report does."""
    from helpers.cleaning import clean
    from helpers.engine import Engine
    from helpers.run import open_run
    from helpers.sources.extracts import read_trust

    data = folder.parents[1]
    run = open_run(trust="XYZ", year="2024-25", data=data, out=data / "out")
    with Engine(spill=data / "spill") as db:
        began = time.monotonic()
        received = read_trust(run, db)
        print(f"  read {time.monotonic() - began:.1f} s", file=sys.stderr)
        clean(received, db)


def time_apart(way: str, folder: Path) -> tuple[float, float, float]:
    """Return wall seconds, CPU seconds and peak memory in GB of one way, in a process of its own."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r}); import intake, pathlib, resource; "
        f"intake.{way}(pathlib.Path({str(folder)!r})); used = resource.getrusage(resource.RUSAGE_SELF); "
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss)"
    )
    began = time.monotonic()
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True
    )
    wall = time.monotonic() - began
    cpu, peak = found.stdout.split()[-2:]
    return wall, float(cpu), int(peak) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=1.0, help="share of the full size (1)")
    size = parser.parse_args().size
    with tempfile.TemporaryDirectory() as data:
        folder = write_files(Path(data), size)
        n_bytes = sum((folder / f"{name}.csv").stat().st_size for name in FILES)
        print(
            f"size {size}: {n_bytes / 1e9:.2f} GB of CSV\n\n"
            "| what | wall s | CPU s | peak GB |\n| --- | --- | --- | --- |"
        )
        wall, base, peak = time_apart("scan", folder)
        print(f"| the engine scans the files | {wall:.1f} | {base:.1f} | {peak:.2f} |", flush=True)
        wall, cpu, peak = time_apart("read_and_clean", folder)
        print(f"| read and clean | {wall:.1f} | {cpu:.1f} ({cpu / base:.1f} times) | {peak:.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
