"""The report of the year before, where one stands in the same folder of reports (decision D-087)."""

from __future__ import annotations

import pandas as pd

from helpers.run import Run

TABLES = ("service_line_statement", "line_hrgs")


def read_prior(run: Run) -> dict[str, pd.DataFrame]:
    """Return last year's tables as ``prior_<name>``; nothing unless all of them stand."""
    paths = {name: run.find_year_before(name) for name in TABLES}
    found = {f"prior_{name}": pd.read_parquet(path) for name, path in paths.items() if path}
    return found if len(found) == len(TABLES) else {}
