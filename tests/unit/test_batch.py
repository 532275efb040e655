"""Many trusts at once, within the cores and the memory."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.report.batch import (
    BASE_NEED_BYTES,
    NEED_BYTES_PER_INPUT_BYTE,
    Job,
    Outcome,
    choose_next,
    describe_outcomes,
    plan_job,
)
from helpers.run import open_run

GB = 1_000_000_000


def job(need_gb: float, name: str = "R0A") -> Job:
    return Job(open_run(trust=name), int(need_gb * GB), 0)


def test_a_run_that_needs_three_gigabytes_does_not_start_beside_another_on_four():
    big, small = job(3.0), job(1.5)
    assert choose_next([big, small], [], 2, 4 * GB) == [big]
    assert choose_next([small], [big], 2, 4 * GB) == []  # 3.0 + 1.5 > 4
    assert choose_next([small], [job(2.0)], 2, 4 * GB) == [small]  # 2.0 + 1.5 < 4


def test_a_run_that_fits_nowhere_runs_alone():
    huge = job(9.0)
    assert choose_next([huge], [], 4, 4 * GB) == [huge]
    assert choose_next([huge], [job(0.1)], 4, 4 * GB) == []


def test_a_small_run_goes_past_a_large_one_that_must_wait():
    big, small = job(3.0), job(0.5)
    assert choose_next([big, small], [job(2.0)], 3, 4 * GB) == [small]


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(st.floats(0.1, 5.0), max_size=8),
    st.lists(st.floats(0.1, 5.0), max_size=3),
    st.integers(1, 4),
    st.floats(0.5, 16.0),
)
def test_never_more_than_the_cores_or_the_memory(waiting, running, jobs, memory_gb):
    going = [job(need) for need in running]
    chosen = choose_next([job(need) for need in waiting], going, jobs, int(memory_gb * GB))
    together = [*going, *chosen]
    if chosen:
        assert len(together) <= jobs
        assert len(together) == 1 or sum(one.need_bytes for one in together) <= memory_gb * GB
    if not going and waiting:
        assert chosen  # something always runs


def test_the_need_is_planned_from_the_size_of_the_files(tmp_path):
    folder = tmp_path / "R0A" / "2024-25"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"x" * 1000)
    planned = plan_job(open_run(trust="R0A", data=tmp_path))
    assert planned.need_bytes == BASE_NEED_BYTES + NEED_BYTES_PER_INPUT_BYTE * 1000


def test_the_plan_covers_what_runs_were_measured_to_need():
    # 23.2 MB of files: 800 MB at the most; 112.3 MB: 1,536 MB (docs/benchmarks.md)
    for files_mb, measured_mb in ((23.2, 800), (112.3, 1536)):
        planned_mb = BASE_NEED_BYTES / 1e6 + NEED_BYTES_PER_INPUT_BYTE * files_mb
        assert 1.05 < planned_mb / measured_mb < 1.25


def test_the_final_table_says_why_and_where():
    text = describe_outcomes(
        [
            Outcome("XY1", "done", "outputs/XY1/2024-25/index.html", 3.0),
            Outcome("XY2", "failed", "LED-005: the ledger differs", 1.0),
        ]
    )
    assert "XY2    failed    LED-005: the ledger differs" in text
    assert text.endswith("1 done, 0 unchanged, 1 failed")


def test_paths_are_taken_from_the_project(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Path(open_run(trust="r0a").input_dir).parts[-3:] == ("raw", "R0A", "2024-25")
