"""However a notebook is run, it gives the same: by hand, in a forked or in a fresh process."""

from __future__ import annotations

import shutil

import nbformat
import papermill
import pytest

from helpers.report.execute import execute_notebook
from helpers.report.runner import make_report
from helpers.report.series import NOTEBOOKS, STEPS, Record
from helpers.run import open_run

pytestmark = pytest.mark.xdist_group("pipeline")
# Kept out of every run: they serve the laboratory, and take seconds to import.
HEAVY = ("jupyterlab", "jupyterlab_server", "jupyter_server")
WATCH = """
import pathlib, sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {heavy!r}:
            with pathlib.Path({seen!r}).open("a") as stream:
                print(name, file=stream)

sys.meta_path.insert(0, Watch())
"""


def list_outputs(path) -> list[tuple[str, list[str]]]:
    """Return what every code cell shows, by the cell's name."""
    notebook = nbformat.read(path, as_version=4)
    return [
        (cell.id, [output.get("data", {}).get("text/html", str(output)) for output in cell.outputs])
        for cell in notebook.cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


def test_papermill_by_hand_gives_the_same_exhibits_and_tables(copied, tmp_path, monkeypatch):
    """Through a real kernel, as an analyst would: every output and table equals the report's."""
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOKS.parent / "src"))
    before = {path: path.read_bytes() for path in copied.final().rglob("*.parquet")}
    for step in STEPS:
        done = tmp_path / f"{step.name}.ipynb"
        papermill.execute_notebook(
            str(NOTEBOOKS / done.name), str(done), progress_bar=False, log_output=False,
            parameters={"data": str(copied.data), "out": str(copied.out)},
        )  # fmt: skip
        ours = list_outputs(copied.final() / "notebooks" / done.name)
        assert sum(len(shown) for _, shown in ours) > 5
        assert list_outputs(done) == ours, step.name
    theirs = {path.name: path.read_bytes() for path in (copied.final() / "lab/tables").iterdir()}
    assert theirs == {
        path.name: path.read_bytes() for path in (copied.final() / "tables").iterdir()
    }
    assert all(path.read_bytes() == content for path, content in before.items())


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_step_reads_no_tables_but_those_of_the_steps_it_names(step, reported, tmp_path):
    """What it needs is what decides whether it is done again, so nothing else may reach it."""
    ours = reported.final()
    written = {name: one["files"] for name, one in Record.read(ours).steps.items()}
    for file in (file for name in step.needs for file in written[name] if "tables/" in file):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copyfile(ours / file, tmp_path / file)
    given = {"data": str(reported.data), "out": str(reported.out), "folder": str(tmp_path)}
    executed = tmp_path / "notebooks" / f"{step.name}.ipynb"
    execute_notebook(NOTEBOOKS / executed.name, executed, given)
    for file in (file for file in written[step.name] if "tables/" in file):
        assert (tmp_path / file).read_bytes() == (ours / file).read_bytes(), file
    assert list_outputs(executed) == list_outputs(ours / "notebooks" / executed.name)


def test_forked_and_fresh_processes_give_the_same_bytes(reported, tmp_path):
    """Nothing that one notebook leaves behind reaches another, and nothing of the parent does."""
    out = tmp_path / "elsewhere"
    building = out / "XYZ" / ".2024-25.building"
    run = open_run(trust="XYZ", data=reported.data, out=out, folder=building)
    assert not make_report(run, way="spawn", say=lambda line: None).is_unchanged
    ours, theirs = reported.final(), run.published
    names = {path.relative_to(ours) for path in ours.rglob("*") if path.is_file()}
    assert names == {path.relative_to(theirs) for path in theirs.rglob("*") if path.is_file()}
    for name in sorted(names):
        first = (ours / name).read_bytes().replace(str(reported.out).encode(), b"OUT")
        assert first == (theirs / name).read_bytes().replace(str(out).encode(), b"OUT"), name


def test_running_and_rendering_never_import_the_laboratory(project):
    seen = project.data.parent / "imported.txt"
    watch = project.root / "src" / "sitecustomize.py"
    watch.write_text(WATCH.format(heavy=HEAVY, seen=str(seen)), encoding="utf-8")
    try:
        project.add_cell(4, "import importlib.util")
        assert project.run()[0] == 0
        assert not seen.exists(), seen.read_text(encoding="utf-8")
        project.add_cell(5, "import importlib.util\nimportlib.util.find_spec('jupyterlab')")
        project.run()
        assert seen.read_text(encoding="utf-8") == "jupyterlab\n"  # the watch does see
    finally:
        watch.unlink()
