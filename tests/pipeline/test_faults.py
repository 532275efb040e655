"""What breaks leaves the last good report whole, says so, and does not spoil the next run."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from project_copy import BESIDE, Project, wait_for_end, wait_for_file

from helpers.report.series import STEPS, Record

pytestmark = pytest.mark.xdist_group("pipeline")
GB = 1_000_000_000
# The value is put together, so that it stands in no notebook as it is typed.
LEAK = '{}["patient " + "7f3a"]'


def expect_failure(project: Project, *words: str, **settings: object) -> str:
    """Run, and check that it fails tidily: the last report whole, nothing temporary left."""
    before = project.read_report()
    code, _, complained = project.run(**settings)
    assert code == 1, complained
    for word in words:
        assert word in complained
    assert project.read_report() == before
    assert project.list_beside() in (BESIDE, [*BESIDE, "2024-25.failed"])
    assert not [path for path in project.out.rglob("*") if path.suffix == ".part"]
    assert not list(project.out.rglob("spill"))
    return complained


def expect_completion(project: Project) -> None:
    """Run again without the fault, with something to do, and check that it ends well."""
    project.restore()
    project.add_words(5)
    assert project.run()[0] == 0
    assert project.list_beside() == BESIDE
    assert "More words." in (project.final / "index.html").read_text(encoding="utf-8")


def pause(project: Project, seconds: int) -> Path:
    """Let the last step wait; return the file in which it says its process."""
    said = project.data.parent / "process.txt"
    project.add_cell(
        5,
        "import os, time, pathlib\n"
        f"pathlib.Path({str(said)!r}).write_text(str(os.getpid()))\ntime.sleep({seconds})",
    )
    return said


@pytest.mark.parametrize("position", range(1, 6))
def test_a_step_that_breaks_is_named_with_its_notebook(project, position):
    project.add_cell(position, LEAK)
    step = STEPS[position - 1]
    told = expect_failure(project, f"XYZ stopped in {step.title.lower()}", "unexpected KeyError")
    kept = project.failed / "notebooks" / f"{step.name}.ipynb"
    assert f"Its notebook: {kept}" in told
    text = kept.read_text(encoding="utf-8")
    assert "KeyError" in text and "patient 7f3a" not in text + told
    assert list(Record.read(project.failed).steps) == [one.name for one in STEPS[: position - 1]]
    expect_completion(project)


def test_a_step_whose_process_is_killed(project):
    project.add_cell(5, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    expect_failure(project, "stopped in summary", "SIGKILL", "run the same command again")
    expect_completion(project)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_or_killed(project, sent):
    before = project.read_report()
    said = pause(project, 100)
    process = project.start()
    child = int(wait_for_file(said))
    process.send_signal(sent)
    _, complained = process.communicate(timeout=30)
    assert wait_for_end(child)
    assert project.read_report() == before
    if sent != signal.SIGKILL:
        assert process.returncode == 1
        assert "Stopped. The last whole report stands" in complained
        assert "Traceback" not in complained
        assert not list(project.final.parent.glob(".*.building*"))
    expect_completion(project)


def test_ctrl_c_at_a_terminal_reaches_every_process_and_is_told_once(project):
    said = pause(project, 100)
    process = project.start(start_new_session=True)
    child = int(wait_for_file(said))
    os.killpg(process.pid, signal.SIGINT)
    _, complained = process.communicate(timeout=30)
    assert wait_for_end(child)
    assert process.returncode == 1
    assert complained.strip().count("\n") == 0
    assert project.list_beside() == [*BESIDE, "2024-25.failed"]


def mount(folder: Path, options: str) -> None:
    """Mount a small disk in memory, or skip where this user may not."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )  # fmt: skip
    if done.returncode:
        pytest.skip("only root may mount a small disk here")


@pytest.fixture
def small_disk(project):
    """Move the report to a disk of its own with 400 kB to spare; return what changes its size."""
    size = sum(path.stat().st_size + 8192 for path in project.out.rglob("*"))
    kept = project.out.with_name("kept")
    project.out.rename(kept)
    project.out.mkdir()
    try:
        mount(project.out, f"size={size + 400_000}")
        shutil.copytree(kept, project.out, dirs_exist_ok=True)
        yield lambda options: mount(project.out, f"remount,{options}")
    finally:
        subprocess.run(["umount", "-l", str(project.out)], capture_output=True, check=False)


def test_the_disk_fills(project, small_disk):
    project.add_words(1)
    expect_failure(project, "the disk is full", "Free some space")
    small_disk("size=1g")
    expect_completion(project)


def test_the_disk_fills_after_the_last_step_has_its_tables(project, small_disk):
    project.add_cell(
        5,
        "import os\nfiller = open(os.path.join(folder, 'filler'), 'wb', buffering=0)\n"
        "while True:\n    filler.write(bytes(4096))",
    )
    expect_failure(project, "stopped in summary", "the disk is full")
    small_disk("size=1g")
    expect_completion(project)


def test_a_folder_of_reports_that_cannot_be_written(project):
    project.add_words(5)
    if os.geteuid() == 0:
        kept = project.out.with_name("kept")
        project.out.rename(kept)
        project.out.mkdir()
        mount(project.out, "ro")
    else:
        project.out.chmod(0o500)
        project.final.parent.chmod(0o500)
    try:
        code, _, complained = project.run()
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", "-l", str(project.out)], check=True)
    assert code == 2
    assert "cannot be written" in complained and "Choose another folder with OUT" in complained


def test_two_runs_of_one_trust_at_once(project):
    said = pause(project, 4)
    first = project.start()
    wait_for_file(said)
    code, _, complained = project.run()
    assert code == 2
    assert "Another run of XYZ 2024-25 is going on. Wait until it has ended" in complained
    assert first.communicate(timeout=60)[1] == ""
    assert first.returncode == 0
    assert project.list_beside() == BESIDE


def test_a_file_that_changes_during_the_run(project):
    before = project.read_report()
    said = pause(project, 3)
    process = project.start()
    wait_for_file(said)
    path = project.files / "consultants.csv"
    text = path.read_bytes()
    path.write_bytes(text + b"\n")
    path.write_bytes(text)  # back as it was: some step may have read it in between
    _, complained = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "changed during the run. Run the same command again" in complained
    assert project.read_report() == before
    assert Record.read(project.failed).steps == {}  # none of what it made is used again
    expect_completion(project)


def test_no_display_no_home_and_a_plain_terminal(project):
    env = {
        "MPLBACKEND": "TkAgg", "DISPLAY": "", "HOME": "/proc/none", "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii", "MPLCONFIGDIR": "", "IPYTHONDIR": "",
    }  # fmt: skip
    project.add_words(3)
    code, said, complained = project.run(env=env)
    assert code == 0, complained
    assert "Open " in said
    assert project.list_beside() == BESIDE


def test_memory_runs_out_in_a_step(project):
    project.add_cell(5, f"held = bytearray({30 * GB})")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (20 * GB, 20 * GB))

    expect_failure(project, "stopped in summary", "ran out of memory", preexec_fn=limit)
    expect_completion(project)


def test_memory_runs_out_in_the_query_engine(project):
    project.add_cell(
        5,
        "from helpers.engine import open_engine\n"
        "small = open_engine(memory_limit='10MB')\n"
        "small.create('t', 'SELECT list(hash(range)) AS h FROM range(3000000)')",  # no part of it is spilled
    )
    expect_failure(project, "stopped in summary", "query engine ran out of memory")
    expect_completion(project)


def test_a_step_that_fails_is_named_and_finished_steps_are_kept(copied, capsys):
    prices = copied.files() / "service_lines.csv"
    table = pd.read_csv(prices, dtype=str)
    table[table["line_id"] != table["line_id"].iloc[0]].to_csv(prices, index=False)
    assert copied.report() in (1, 2)
    assert copied.final("XYZ").with_name("2024-25.failed").joinpath("notebooks").is_dir()
    table.to_csv(prices, index=False)
    capsys.readouterr()
    assert copied.report() == 0
    assert not copied.final("XYZ").with_name("2024-25.failed").exists()


def test_only_what_changed_is_done_again(copied, capsys):
    (copied.final() / "03_cross_subsidy.html").unlink()
    assert copied.report() == 0
    assert capsys.readouterr().out.count("unchanged") == len(STEPS)
    assert (copied.final() / "03_cross_subsidy.html").exists()
