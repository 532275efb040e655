"""Checks of costs once they are made (DQ): what an accountant would ask about before believing them.

A check never changes a cost. It counts what it finds, says how much money rests on it and what to
do. What was found, one by one, is in the engine table ``cost_check_findings``, for analysts only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.costing.check_model import FINDING_COLUMNS, CostCheck, CostedTables
from helpers.costing.event_checks import EVENT_CHECKS
from helpers.costing.group_checks import GROUP_CHECKS

COST_CHECKS: list[CostCheck] = sorted([*EVENT_CHECKS, *GROUP_CHECKS], key=lambda check: check.code)
FINDINGS = "cost_check_findings"
_TYPES = ("VARCHAR", "VARCHAR", "VARCHAR", "BIGINT")
_EMPTY_SQL = (
    "SELECT "
    + ", ".join(
        f"CAST(NULL AS {kind}) AS {name}"
        for name, kind in zip(FINDING_COLUMNS, _TYPES, strict=True)
    )
    + " WHERE 1 = 0"
)


def check_costs(
    db: QueryEngine,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    tables: CostedTables,
) -> pd.DataFrame:
    """Run every check on the costs of a trust; return ``cost_checks``, one row a check.

    Leaves ``cost_check_findings`` in the engine: code, subject (an event, a department, an HRG, ...),
    line and pence. A check whose files are absent says so; it is not passed.
    """
    parts, records = [_EMPTY_SQL], []
    for check in COST_CHECKS:
        missing = check.find_missing(db, frames)
        if not missing:
            name = f"found_{check.code.replace('-', '_').lower()}"
            _find(db, check, name, frames, settings, tables)
            parts.append(f"SELECT {', '.join(FINDING_COLUMNS)} FROM {name}")
        records.append(_describe(check, missing))
    db.create(FINDINGS, " UNION ALL ".join(parts))
    db.drop(*(f"found_{check.code.replace('-', '_').lower()}" for check in COST_CHECKS))
    sums = db.frame(
        "SELECT code, count(*) AS n_found, CAST(coalesce(sum(amount_pence), 0) AS BIGINT) AS amount_pence "
        f"FROM {FINDINGS} GROUP BY code ORDER BY code"
    )
    checks = pd.DataFrame(records).merge(sums, on="code", how="left", validate="one_to_one")
    numbers = {name: checks[name].fillna(0).astype("int64") for name in ("n_found", "amount_pence")}
    return checks.assign(**numbers)


def _find(
    db: QueryEngine,
    check: CostCheck,
    name: str,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    tables: CostedTables,
) -> None:
    """Make a table of what one check finds."""
    if check.sql:
        db.create(
            name,
            f"SELECT '{check.code}' AS code, CAST(found.subject AS VARCHAR) AS subject, "
            "CAST(found.line_id AS VARCHAR) AS line_id, "
            f"CAST(found.amount_pence AS BIGINT) AS amount_pence FROM ({check.sql}) AS found",
        )
        return
    if check.find is None:
        raise ValueError(f"{check.code} has neither SQL nor a function")
    found = check.find(db, frames, settings, tables)
    kinds = dict(zip(FINDING_COLUMNS, ("str", "str", "str", "int64"), strict=True))
    db.add_frame(name, found.assign(code=check.code)[list(FINDING_COLUMNS)].astype(kinds))


def _describe(check: CostCheck, missing: list[str]) -> dict[str, object]:
    return {
        "code": check.code,
        "words": check.words,
        "subject": check.subject,
        "action": check.action,
        "is_checked": not missing,
        "notice": f"Not checked: no {', '.join(missing)}." if missing else "",
    }
