"""A finished report's year, costed once more month by month."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd

from helpers.costing.months import MonthRuns, compare_with_year, cost_months
from helpers.engine import open_engine
from helpers.run import Run
from helpers.sources.extracts import read_clean
from helpers.sources.tables import read_table


def run_months(
    run: Run, *, method: str = ""
) -> tuple[MonthRuns, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Cost each month of a report's year by itself, and set the sum beside the report.

    Parameters
    ----------
    method
        Overhead method that the report was asked for; blank takes the trust's own.

    Returns
    -------
    tuple
        The monthly runs; each line's cost by months and by the year (``compare_with_year``); and the
        trust's small clean files, by name.

    Raises
    ------
    InputError
        If the trust is not costed by patient here, or its ledger lacks a month.
    """
    run = replace(run, folder=run.published)
    with (
        tempfile.TemporaryDirectory() as spill,
        open_engine(spill=Path(spill)) as db,
    ):
        frames, settings = read_clean(run, db)
        runs = cost_months(db, frames, settings, method=method)
    return runs, compare_with_year(runs, read_table(run, "line_costs")), dict(frames)
