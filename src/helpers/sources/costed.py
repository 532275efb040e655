"""The tables of the costing step, written for the steps after it."""

from __future__ import annotations

import pandas as pd

from helpers.costing.trust import PATIENT_TABLES, Costed
from helpers.engine import Engine
from helpers.run import Run
from helpers.sources.tables import has_table, read_table, write_table

FRAMES = (
    "department_costs", "overhead_allocation", "overhead_rules", "overhead_charges",
    "department_line_shares", "pool_line_costs", "pool_summary", "matching_summary", "credibility",
    "line_costs", "line_income", "line_activity", "service_line_statement", "reconciliation",
)  # fmt: skip
ACCOUNTS = "cleaning_accounts"


def write_costed(run: Run, db: Engine, costed: Costed) -> None:
    """Write every table of the step; patient tables go from the engine straight to disk."""
    for name in PATIENT_TABLES:
        write_table(run, name, db)
    for name in FRAMES:
        write_table(run, name, getattr(costed, name))


def add_accounts(run: Run, frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the frames with the cleaning accounts among them, for the identity of rows."""
    return {**frames, ACCOUNTS: read_table(run, ACCOUNTS)} if has_table(run, ACCOUNTS) else frames
