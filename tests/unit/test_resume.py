"""A change makes exactly those steps worth doing again that can differ, and says what changed."""

from __future__ import annotations

import shutil

import pytest

from helpers.report import checksums, series
from helpers.report.series import Record, explain_step, find_page_key, find_parts
from helpers.run import open_run

ALL = [1, 2, 3, 4, 5]
# The steps that read, directly or through others, what each step writes; and the step itself.
AFTER = {1: ALL, 2: [2, 3, 4, 5], 3: [3, 5], 4: [4, 5], 5: [5]}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Point the checksums at a copy of the code and the notebooks."""
    shutil.copytree(checksums.SOURCE, tmp_path / "code", ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copytree(series.NOTEBOOKS, tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    (tmp_path / "data" / "reference").mkdir(parents=True)
    shutil.copyfile(series.PROJECT / "requirements.lock", tmp_path / "requirements.lock")
    monkeypatch.setattr(checksums, "SOURCE", tmp_path / "code")
    monkeypatch.setattr(series, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(series, "PROJECT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    """Forget checksums of code, which one process takes once."""
    checksums.hash_code.cache_clear()
    checksums._hash_part.cache_clear()


def read_parts(inputs=None, **parameters):
    forget()
    return find_parts(open_run(trust="XYZ", **parameters), inputs or {"a.csv": "1"})


def compare(before, after) -> dict[int, str]:
    """Return the steps to do again, by number, and why."""
    last = Record(steps={name: {"parts": parts} for name, parts in before.items()})
    reasons = {int(name[:2]): explain_step(name, parts, last) for name, parts in after.items()}
    return {step: why for step, why in reasons.items() if why}


def expect(changes: dict[int, str], what: str, steps: list[int], *, own: list[int]) -> None:
    assert list(changes) == steps
    for step, why in changes.items():
        assert (what in why) == (step in own), (step, why)


def test_nothing_changed(copy):
    assert compare(read_parts(), read_parts()) == {}


@pytest.mark.parametrize("position", ALL)
def test_a_notebook(copy, position):
    before = read_parts()
    path = next((copy / "notebooks").glob(f"{position:02}_*.ipynb"))
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    expect(compare(before, read_parts()), "notebook", AFTER[position], own=[position])


@pytest.mark.parametrize(
    ("file", "first", "own"),
    [
        ("errors.py", 1, ALL),
        ("engine.py", 1, ALL),
        ("contracts/money.py", 1, ALL),
        ("report/exhibits.py", 1, ALL),
        ("cleaning/__init__.py", 1, [1]),
        ("sources/extracts.py", 1, [1, 2, 3, 4]),
        ("costing/overheads.py", 2, [2]),
        ("subsidy/funding.py", 3, [3]),
        ("report/words/subsidy.py", 3, [3]),
        ("outliers/saving.py", 4, [4]),
        ("report/figures/stays.py", 4, [4]),
        ("report/words/summary.py", 5, [5]),
    ],
)
def test_a_code_file(copy, file, first, own):
    before = read_parts()
    path = copy / "code" / file
    path.write_text(path.read_text(encoding="utf-8") + "\n# more\n", encoding="utf-8")
    expect(compare(before, read_parts()), "code", AFTER[first], own=own)


@pytest.mark.parametrize("file", ["report/render.py", "report/pages.py", "report/template/report.css"])  # fmt: skip
def test_what_draws_pages_only(copy, file):
    before = read_parts()
    path = copy / "code" / file
    page = find_page_key(before)
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    after = read_parts()
    assert compare(before, after) == {}
    assert find_page_key(after) != page


@pytest.mark.parametrize("file", ["cli.py", "report/runner.py", "report/batch.py", "report/lock.py"])  # fmt: skip
def test_what_only_starts_and_schedules(copy, file):
    before = read_parts()
    page = find_page_key(before)
    path = copy / "code" / file
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    after = read_parts()
    assert compare(before, after) == {}
    assert find_page_key(after) == page


@pytest.mark.parametrize("inputs", [{"a.csv": "2"}, {"b.csv": "1"}, {"a.csv": "1", "b.csv": "1"}])
def test_an_input_file(copy, inputs):
    expect(compare(read_parts(), read_parts(inputs)), "files", ALL, own=[1])


def test_a_reference_table(copy):
    before = read_parts()
    (copy / "data" / "reference" / "mff.csv").write_text("a\n1\n", encoding="utf-8")
    expect(compare(before, read_parts()), "reference tables", ALL, own=[1])


@pytest.mark.parametrize("change", [{"method": "direct"}, {"allow_unreconciled": True}])
def test_a_parameter(copy, change):
    expect(compare(read_parts(), read_parts(**change)), "parameters", ALL, own=ALL)


def test_where_a_report_is_written_is_no_change(copy, tmp_path):
    assert compare(read_parts(), read_parts(out=tmp_path / "out", folder=tmp_path / "x")) == {}


def test_a_version(copy):
    before = read_parts()
    lock = copy / "requirements.lock"
    lock.write_text(lock.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    expect(compare(before, read_parts()), "versions", ALL, own=ALL)
