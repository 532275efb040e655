"""What breaks leaves the last good report whole, says so, and does not spoil the next run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import nbformat
import pandas as pd
import papermill
import pytest

from helpers.report.lock import hold_lock
from helpers.report.series import STEPS

BESIDE = [".2024-25.lock", ".2024-25.seen", "2024-25"]
pytestmark = pytest.mark.xdist_group("pipeline")


def start_report(place, **more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "helpers", "report", "XYZ", "--data", str(place.data), "--out", str(place.out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **more},
    )  # fmt: skip


def change_input(place) -> None:
    """Make every step worth doing again, with the same totals."""
    path = place.files() / "consultants.csv"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")


def wait_for_line(process: subprocess.Popen, words: str) -> None:
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f"never said {words!r}: {process.stderr.read()}")


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_the_last_report(copied, way):
    change_input(copied)
    before = (copied.final() / "index.html").read_bytes()
    process = start_report(copied)
    wait_for_line(process, "data cleaning")
    process.send_signal(way)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Stopped" in complaint and "Traceback" not in complaint
    assert (copied.final() / "index.html").read_bytes() == before
    assert not list(copied.final().parent.glob(".*.building*"))


def test_a_run_that_is_killed_is_cleared_up_by_the_next(copied, capsys):
    change_input(copied)
    before = (copied.final() / "index.html").read_bytes()
    process = start_report(copied)
    wait_for_line(process, "data cleaning")
    process.kill()
    process.communicate(timeout=60)
    time.sleep(0.5)
    assert (copied.final() / "index.html").read_bytes() == before
    assert copied.report() == 0
    assert sorted(path.name for path in copied.final().parent.iterdir()) == BESIDE


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


def test_a_second_run_of_one_trust_says_so(reported, capsys):
    with hold_lock(reported.final().parent / ".2024-25.lock", "this test"):
        assert reported.report() == 2
    assert "Another run of XYZ 2024-25 is going on" in capsys.readouterr().err


def test_only_what_changed_is_done_again(copied, capsys):
    (copied.final() / "03_cross_subsidy.html").unlink()
    assert copied.report() == 0
    assert capsys.readouterr().out.count("unchanged") == len(STEPS)
    assert (copied.final() / "03_cross_subsidy.html").exists()


def test_papermill_by_hand_gives_the_same_exhibits_and_tables(copied, tmp_path):
    """Through a real kernel, as an analyst would: every output and table equals the report's."""
    for step in STEPS[2:3]:
        done = tmp_path / f"{step.name}.ipynb"
        papermill.execute_notebook(
            f"notebooks/{step.name}.ipynb", str(done), progress_bar=False, log_output=False,
            parameters={"data": str(copied.data), "out": str(copied.out)},
        )  # fmt: skip
        ours = nbformat.read(copied.final() / "notebooks" / f"{step.name}.ipynb", 4)
        assert list_shown(nbformat.read(done, 4)) == list_shown(ours)
        by_hand = sorted((copied.final() / "lab" / "tables").glob("*.parquet"))
        assert by_hand
        for path in by_hand:
            pd.testing.assert_frame_equal(
                pd.read_parquet(path), pd.read_parquet(copied.final() / "tables" / path.name)
            )


def list_shown(notebook) -> list[str]:
    return [
        output["data"]["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
