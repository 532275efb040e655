"""Running one notebook in a process of its own."""

from __future__ import annotations

import json
import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.errors import HelpersError, StepError
from helpers.report.apart import Apart
from helpers.report.execute import execute_notebook, warm_up


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
    with Apart(way) as child:
        for trust in ("ABC", "DEF"):
            execute_notebook(source, executed, {"trust": trust}, child=child)
            (shown,) = read_outputs(executed)
            assert f"<p>{trust}</p>" in shown["data"]["text/html"]


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


LEAVES_NO_TRACE = """
import gc, os, random, threading, warnings
import matplotlib, numpy, pandas
from helpers.engine import Engine

print(os.getcwd() != "/", os.environ.get("LEFT"), matplotlib.rcParams["lines.linewidth"])
print(pandas.get_option("display.max_rows"), numpy.geterr()["invalid"], len(warnings.filters))
print("left" in globals(), sum(isinstance(one, Engine) for one in gc.get_objects()))
print(hash((random.getstate(), numpy.random.get_state()[1].tobytes())))
"""
CHANGES_ALL = """
left = "behind"
held = Engine()
held.itself = held
os.chdir("/")
os.environ["LEFT"] = left
matplotlib.rcParams["lines.linewidth"] = 99
pandas.set_option("display.max_rows", 7)
numpy.seterr(invalid="raise")
warnings.simplefilter("error")
random.seed(1)
numpy.random.seed(1)
"""


def test_one_run_does_not_reach_the_next(write_notebook):
    """Neither in processes of their own nor in one that they share."""
    warm_up()
    source, executed = write_notebook(LEAVES_NO_TRACE, CHANGES_ALL)
    with Apart() as child:
        seen = []
        for place in (child, child, None):
            execute_notebook(source, executed, {}, child=place)
            (printed,) = read_outputs(executed)
            seen.append(printed["text"].split("\n"))
    assert seen[0][:3] == ["True None 1.5", seen[0][1], "False 0"]
    assert seen[0] == seen[1]
    assert seen[2][:3] == seen[0][:3]
    assert "LEFT" not in os.environ


def test_notebooks_share_a_process_until_it_ends(write_notebook):
    source, executed = write_notebook("import os", "print(os.getpid())")

    def find_process(child):
        execute_notebook(source, executed, {}, child=child)
        return read_outputs(executed)[0]["text"]

    with Apart() as child:
        first = find_process(child)
        assert find_process(child) == first
        child.end()
        assert find_process(child) != first
    assert find_process(None) != first


def test_another_child_takes_the_place_of_one_that_was_killed(write_notebook):
    source, executed = write_notebook(
        "import os, signal", 'trust == "BAD" and os.kill(os.getpid(), signal.SIGKILL)', SHOW
    )
    with Apart() as child:
        with pytest.raises(StepError, match="SIGKILL"):
            execute_notebook(source, executed, {"trust": "BAD"}, child=child)
        execute_notebook(source, executed, {"trust": "ABC"}, child=child)
    assert "<p>ABC</p>" in read_outputs(executed)[-1]["data"]["text/html"]
