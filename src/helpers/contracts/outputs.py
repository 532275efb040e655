"""The tables that steps write: `outputs/<TRUST>/<YEAR>/tables/<name>.parquet`."""

from __future__ import annotations

from helpers.contracts.cleaning import CLEANING
from helpers.contracts.comparison import COMPARISON
from helpers.contracts.costing import COSTING
from helpers.contracts.inputs import INPUTS
from helpers.contracts.line_detail import INSIDE
from helpers.contracts.model import Table
from helpers.contracts.outliers import OUTLIERS
from helpers.contracts.public import PUBLIC_TABLES
from helpers.contracts.published import PUBLISHED
from helpers.contracts.subsidy import SUBSIDY


def _clean_table(table: Table) -> Table:
    return Table(
        f"clean_{table.name}",
        f"{table.meaning} After cleaning.",
        {table.stored_name(name): column for name, column in table.columns.items()},
        key=table.key,
        large=table.large,
        level=table.level,
    )


CLEAN = [_clean_table(table) for table in INPUTS.values()]
EVERY = [
    *CLEANING,
    *CLEAN,
    *COSTING,
    *INSIDE,
    *SUBSIDY,
    *OUTLIERS,
    *PUBLISHED,
    *COMPARISON,
    *PUBLIC_TABLES,
]
OUTPUTS: dict[str, Table] = {table.name: table for table in EVERY}
if len(OUTPUTS) != len(EVERY):
    raise ValueError("two output tables have one name")
