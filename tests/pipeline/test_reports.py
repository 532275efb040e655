"""Many trusts in one command: one that fails stops and spoils no other."""

from __future__ import annotations

import json
import shutil
import signal

import pytest
from project_copy import BESIDE, wait_for_end, wait_for_file

pytestmark = pytest.mark.xdist_group("pipeline")
MARKUP = "<img src=x onerror=alert(1)>"


def test_every_trust_is_told_of_and_none_spoils_another(project):
    before = project.read_report()
    shutil.copytree(project.files, project.data / "R0A" / "2024-25")  # its trust.yml says XYZ
    for name in (MARKUP, "xy1", "$(id)", ".hidden"):
        (project.data / name / "2024-25").mkdir(parents=True)
    (project.data / "R0B" / "2023-24").mkdir(parents=True)  # another year
    project.add_words(5)

    code, said, complained = project.run("reports", "--jobs", "2")
    assert (code, complained) == (1, "")
    progress, table, compared = said.strip().split("\n\n")
    assert compared == f"1 report compared\nOpen {project.out / 'index.html'}"
    assert "XYZ/2024-25/index.html" in (project.out / "index.html").read_text(encoding="utf-8")
    assert sorted(line.split()[0] for line in progress.splitlines()) == ["R0A", "XYZ"]
    assert "1 of 2, about" in progress and " s left" in progress and "2 of 2" in progress
    rows = table.splitlines()
    assert rows[-1] == "1 done, 0 unchanged, 4 failed"
    told = {row.split("failed")[0].strip(): row for row in rows[:-1] if "failed" in row}
    assert set(told) == {"R0A", f"'{MARKUP}'", "'xy1'", "'$(id)'"}
    assert "XYZ" in told["R0A"]  # the reason: another trust's files
    assert all("Rename it." in row for name, row in told.items() if name != "R0A")
    assert f"XYZ    done      {project.final / 'index.html'}" in rows

    after = project.read_report()
    tables = [name for name in before if name.startswith("tables/")]
    assert tables and all(before[name] == after[name] for name in tables)
    assert project.list_beside() == BESIDE
    steps = json.loads(after["run.json"])["steps"]
    assert [one["why"] for one in steps.values()] == [*["unchanged"] * 4, "changed: notebook"]
    assert not (project.out / "R0A" / "2024-25").exists()

    code, said, _ = project.run("reports")
    assert code == 1 and "0 done, 1 unchanged, 4 failed" in said
    assert "Comparison: nothing has changed." in said
    assert project.read_report() == after

    (project.out / "trust_comparison.csv").unlink()
    code, said, _ = project.run("reports")
    assert code == 1 and "1 report compared" in said
    assert (project.out / "trust_comparison.csv").exists()


def test_a_stop_ends_every_trust(project):
    before = project.read_report()
    mark = project.data.parent / "process.txt"
    project.add_cell(
        5,
        f"import os, time, pathlib\npathlib.Path({str(mark)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(100)",
    )
    process = project.start("reports")
    child = int(wait_for_file(mark))
    process.send_signal(signal.SIGTERM)
    _, complained = process.communicate(timeout=30)
    assert process.returncode == 1 and "Stopped." in complained
    assert wait_for_end(child)
    assert project.read_report() == before
    assert project.list_beside() == [*BESIDE, "2024-25.failed"]


def test_a_folder_without_trusts(project, tmp_path):
    shutil.rmtree(project.data)
    project.data.mkdir()
    code, _, complained = project.run("reports")
    assert code == 2 and "There are no trusts with files for 2024-25" in complained
