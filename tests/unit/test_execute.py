"""Running one notebook in a process of its own."""

from __future__ import annotations

import json
import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.errors import HelpersError, StepError
from helpers.report.execute import execute_notebook


@pytest.fixture
def write_notebook(tmp_path):
    def write(*cells: str):
        notebook = new_notebook(
            cells=[
                new_markdown_cell("# Title", id="c01"),
                new_code_cell(
                    'trust = "XYZ"\nfolder = ""', id="c02", metadata={"tags": ["parameters"]}
                ),
                *[new_code_cell(text, id=f"c{n:02d}") for n, text in enumerate(cells, start=3)],
            ],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
            },
        )
        nbformat.write(notebook, tmp_path / "in.ipynb")
        return tmp_path / "in.ipynb", tmp_path / "out" / "in.ipynb"

    return write


SHOW = "from helpers.report.exhibits import show_words\nshow_words(trust)"


def read_outputs(path):
    return [output for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", [])]


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_parameters_reach_the_cells_and_exhibits_are_kept(write_notebook, way):
    source, executed = write_notebook(SHOW)
    execute_notebook(source, executed, {"trust": "ABC"}, way=way)
    (shown,) = read_outputs(executed)
    assert "<p>ABC</p>" in shown["data"]["text/html"]


def test_the_same_run_gives_the_same_bytes_and_hides_the_folder(write_notebook, tmp_path):
    source, executed = write_notebook(SHOW)
    execute_notebook(source, executed, {"trust": "ABC", "folder": str(tmp_path / "a")})
    first = executed.read_bytes()
    execute_notebook(source, executed, {"trust": "ABC", "folder": str(tmp_path / "b")})
    assert executed.read_bytes() == first
    assert str(tmp_path).encode() not in first


def test_a_refusal_keeps_its_message_and_exit_code(write_notebook):
    source, executed = write_notebook(
        "from helpers.errors import InputError",
        'raise InputError("no ledger", rule="LED-005")',
        SHOW,
    )
    with pytest.raises(HelpersError, match="LED-005: no ledger") as caught:
        execute_notebook(source, executed, {})
    assert caught.value.exit_code == 2
    outputs = read_outputs(executed)
    assert [output["output_type"] for output in outputs] == ["error"]  # the last cell never ran


def test_an_unexpected_error_shows_no_values_from_data(write_notebook):
    source, executed = write_notebook('{}["patient 7f3a19c2"]')
    with pytest.raises(StepError, match="unexpected KeyError") as caught:
        execute_notebook(source, executed, {})
    assert "7f3a19c2" not in str(caught.value)
    assert "7f3a19c2" not in json.dumps(read_outputs(executed))


def test_a_killed_process_is_said_to_be_killed(write_notebook):
    source, executed = write_notebook("import os, signal", "os.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(StepError, match="SIGKILL"):
        execute_notebook(source, executed, {})
    assert not list(executed.parent.glob("*.json"))


def test_a_parameter_the_notebook_lacks_is_refused(write_notebook):
    source, executed = write_notebook(SHOW)
    with pytest.raises(StepError, match="no parameter named colour"):
        execute_notebook(source, executed, {"colour": "red"})


def test_one_run_does_not_reach_the_next(write_notebook):
    source, executed = write_notebook(
        "import os, random, matplotlib",
        'print(os.environ.get("LEFT"), matplotlib.rcParams["lines.linewidth"], random.random())',
        'os.environ["LEFT"] = "behind"; matplotlib.rcParams["lines.linewidth"] = 99; random.seed(1)',
    )
    execute_notebook(source, executed, {})
    first = read_outputs(executed)[0]["text"].split()
    execute_notebook(source, executed, {})
    second = read_outputs(executed)[0]["text"].split()
    assert first[:2] == second[:2]
    assert "LEFT" not in os.environ
