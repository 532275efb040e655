"""What is done again, and how a report appears whole or not at all."""

from __future__ import annotations

import os

import pytest

from helpers.errors import CommandError
from helpers.report.checksums import SOURCE, UNSURE_NS, hash_file, hash_inputs
from helpers.report.lock import hold_lock
from helpers.report.series import (
    ALL_STEPS,
    PAGE_CODE,
    Record,
    explain_step,
    publish,
    recover,
    reuse_step,
)


def test_a_file_is_known_by_its_bytes(tmp_path):
    folder, seen = tmp_path / "in", tmp_path / "seen"
    folder.mkdir()
    (folder / "a.csv").write_text("1\n")
    first = hash_inputs(folder, seen)
    assert first == {"a.csv": hash_file(folder / "a.csv")}
    (folder / "a.csv").write_text("2\n")  # the same size, perhaps within one tick of the clock
    assert hash_inputs(folder, seen) != first


def test_a_file_that_stood_unchanged_is_not_read_again(tmp_path):
    folder, seen = tmp_path / "in", tmp_path / "seen"
    folder.mkdir()
    path = folder / "a.csv"
    path.write_text("1\n")
    old = path.stat().st_mtime_ns - 2 * UNSURE_NS
    os.utime(path, ns=(old, old))
    first = hash_inputs(folder, seen)
    path.write_text("2\n")
    os.utime(path, ns=(old, old))  # size and time as noted: taken to be the same file
    assert hash_inputs(folder, seen) == first
    os.utime(path, ns=(old + 1, old + 1))
    assert hash_inputs(folder, seen) != first


def test_damaged_notes_are_ignored(tmp_path):
    folder, seen = tmp_path / "in", tmp_path / "seen"
    folder.mkdir()
    (folder / "a.csv").write_text("1\n")
    for damage in ("", "[]", "{", '{"a.csv": [1]}'):
        seen.write_text(damage)
        assert hash_inputs(folder, seen) == {"a.csv": hash_file(folder / "a.csv")}


def test_a_report_takes_its_name_whole_and_keeps_the_laboratory(tmp_path):
    building, final = tmp_path / ".building", tmp_path / "2024-25"
    (final / "lab").mkdir(parents=True)
    (final / "lab" / "mine.csv").write_text("kept")
    (final / "index.html").write_text("old")
    building.mkdir()
    (building / "index.html").write_text("new")
    publish(building, final)
    assert (final / "index.html").read_text() == "new"
    assert (final / "lab" / "mine.csv").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["2024-25"]


def test_a_kill_between_two_names_is_undone(tmp_path):
    building, final = tmp_path / ".building", tmp_path / "2024-25"
    aside = tmp_path / ".building.old"
    aside.mkdir()
    (aside / "index.html").write_text("last good")
    building.mkdir()
    recover(building, final)
    assert (final / "index.html").read_text() == "last good"
    assert [path.name for path in tmp_path.iterdir()] == ["2024-25"]


def test_a_step_is_reused_only_with_all_its_files(tmp_path):
    record = Record(steps={"one": {"key": "k", "files": ["tables/a.csv", "tables/b.csv"]}})
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "tables").mkdir(parents=True)
    (old / "tables" / "a.csv").write_text("a")
    assert not reuse_step("one", record, old, new)
    (old / "tables" / "b.csv").write_text("b")
    assert reuse_step("one", record, old, new)
    assert (new / "tables" / "b.csv").read_text() == "b"


def test_why_a_step_is_done_again():
    record = Record(steps={"one": {"parts": {"code": "a", "notebook": "b"}, "files": []}})
    assert explain_step("one", {"code": "a", "notebook": "b"}, record) == ""
    assert explain_step("one", {"code": "x", "notebook": "b"}, record) == "changed: code"
    assert explain_step("one", {"code": "x"}, record) == "changed: code, notebook"
    assert explain_step("two", {"code": "a"}, record) == "no earlier result"


def test_a_damaged_record_is_no_record(tmp_path):
    whole = Record(steps={"one": {"parts": {}, "files": [], "why": ""}}, whole=True)
    whole.write(tmp_path)
    assert Record.read(tmp_path) == whole
    text = (tmp_path / "run.json").read_text(encoding="utf-8")
    for damaged in (text[:40], "", "[]", "{}", text.replace('"parts"', '"key"')):
        (tmp_path / "run.json").write_text(damaged, encoding="utf-8")
        assert Record.read(tmp_path) == Record()


def test_one_run_at_a_time(tmp_path):
    lock = tmp_path / "lock"
    with (
        hold_lock(lock, "XYZ 2024-25"),
        pytest.raises(CommandError, match="XYZ 2024-25 is going on"),
        hold_lock(lock, "XYZ 2024-25"),
    ):
        pass
    with hold_lock(lock, "XYZ 2024-25"):
        pass  # freed when its holder ended


def test_every_module_that_can_change_a_result_is_in_some_checksum():
    """A module forgotten here would leave stale pages after it changed."""
    named = {part for step in ALL_STEPS for part in step.all_code}
    # These start, schedule and publish; the pages' own checksum holds the rendering.
    front = {
        "cli.py",
        "explore.py",
        "__main__.py",
        "__init__.py",
        "report/__init__.py",
        "report/dictionary.py",
        "report/words/months.py",  # of a command alone
    }
    front |= {
        f"report/{name}.py"
        for name in ("batch", "book", "checksums", "lock", "pdf", "runner", "series", "stopping")
    }
    front |= set(PAGE_CODE)
    # The comparison is made afresh each time: nothing of it is ever kept from an earlier run.
    front |= {"comparison", "report/comparing.py"}
    front |= {f"report/{kind}/comparison.py" for kind in ("figures", "words", "tables")}
    forgotten = [
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and path.name != "__init__.py"
        and not {path.relative_to(SOURCE).as_posix(), *map(str, path.relative_to(SOURCE).parents)}
        & (named | front)
    ]
    assert forgotten == []
