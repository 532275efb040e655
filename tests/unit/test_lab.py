"""Notebooks run by hand: what they read, and what they say when they cannot go on."""

from __future__ import annotations

import os

import pandas as pd
import pytest

from helpers.cli import describe_lab
from helpers.contracts import OUTPUTS
from helpers.contracts.public import PUBLIC_TABLES
from helpers.errors import DEBUG, StepError
from helpers.report.series import Record
from helpers.run import open_run
from helpers.sources.tables import FIRST_NOTEBOOK, find_table, has_table


@pytest.fixture
def run(tmp_path):
    """A run by hand, whose report has one table and so has its `lab/`."""
    run = open_run(trust="XYZ", out=tmp_path / "out", data=tmp_path / "data")
    for folder in (run.published / "tables", run.tables):
        folder.mkdir(parents=True)
        pd.DataFrame({"line_id": [folder.parent.name]}).to_parquet(folder / "credibility.parquet")
    Record(whole=True).write(run.published)
    return run


def read_place(run) -> str:
    return find_table(run, "credibility").parent.parent.name


def test_what_was_made_by_hand_is_read_until_the_report_is_made_again(run):
    report, lab = run.published / "run.json", run.tables / "credibility.parquet"
    os.utime(report, (1_000, 1_000))
    os.utime(lab, (2_000, 2_000))
    assert read_place(run) == "lab"
    os.utime(report, (3_000, 3_000))
    assert read_place(run) == run.year
    (run.published / "tables" / "credibility.parquet").unlink()
    assert not has_table(run, "credibility")


def test_a_missing_table_names_the_notebook_to_run_first(run):
    with pytest.raises(
        StepError, match=r"^Run 01_data_cleaning.ipynb first, or `make report TRUST=XYZ` once"
    ):
        find_table(run, "clean_settings")
    with pytest.raises(
        StepError, match=r"01_data_cleaning.ipynb and 02_service_line_costing.ipynb"
    ):
        find_table(run, "line_costs")
    with pytest.raises(StepError, match="notebooks 01 to 03"):
        find_table(run, "service_line_position")


def test_every_table_that_a_later_notebook_reads_has_such_a_name():
    public = {table.name for table in PUBLIC_TABLES}  # of an edition, which has words of its own
    assert set(OUTPUTS) - set(FIRST_NOTEBOOK) - public == {
        "trust_comparison", "trust_lines", "slm_slopes",
    }  # fmt: skip


def test_in_a_notebook_a_stop_is_its_message_alone(monkeypatch):
    """IPython asks an error for the lines to show in place of the traceback."""
    monkeypatch.delenv(DEBUG, raising=False)
    error = StepError("Run 01 first.")
    assert error._render_traceback_() == ["Stopped: Run 01 first."]
    monkeypatch.setenv(DEBUG, "1")
    assert "StepError: Run 01 first." in "".join(error._render_traceback_())


def test_make_lab_says_whether_notebooks_must_run_in_order(run):
    assert "any notebook runs by itself, on its tables" in describe_lab(run)
    (run.published / "run.json").unlink()
    assert "run the notebooks in order, 01 first" in describe_lab(run)
