"""What is asked of the costed events: work in progress, months, inside the lines, unit costs."""

from __future__ import annotations

import pandas as pd

from helpers.contracts import OUTPUTS, STORED_AS, QueryEngine
from helpers.costing.critical_apart import set_apart
from helpers.costing.wip import list_closing, total_months, total_work_in_progress
from helpers.costing.within import break_down_lines, measure_unit_costs

TABLES = (
    "line_hrgs", "line_consultants", "line_commissioners", "line_months", "line_wip", "wip_closing",
    "unit_costs", "medical_time", "education_subsidy", "line_against_plan", "line_activity_plan",
    "line_bridge", "critical_care_costs", "critical_care_income",
)  # fmt: skip


def analyse_events(
    db: QueryEngine, pool_line_costs: pd.DataFrame, line_units: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Return the tables of ``TABLES`` that come from the engine's ``patient_events``, by name."""
    tables = set_apart(db, break_down_lines(db), pool_line_costs)
    months = total_months(db)
    return tables | {
        "line_months": months,
        "line_wip": total_work_in_progress(db, months),
        "wip_closing": list_closing(db),
        "unit_costs": measure_unit_costs(db, pool_line_costs, line_units, tables["line_hrgs"]),
    }


def make_empty_tables() -> dict[str, pd.DataFrame]:
    """Return the same tables without rows, for a trust without activity feeds."""
    return {name: make_empty_table(name) for name in TABLES}


def make_empty_table(name: str) -> pd.DataFrame:
    """Return a table of the contract without rows, every column of its type."""
    columns = OUTPUTS[name].columns.items()
    return pd.DataFrame(
        {title: pd.Series(dtype=STORED_AS[column.kind][1]) for title, column in columns}
    )
