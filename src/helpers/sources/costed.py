"""The tables of the costing step, written for the steps after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from helpers.contracts import OUTPUTS
from helpers.costing.trust import Costed
from helpers.engine import Engine
from helpers.run import Run
from helpers.sources.prior import read_prior
from helpers.sources.tables import has_table, read_table, write_table

FRAMES = (
    "department_costs", "overhead_allocation", "overhead_rules", "overhead_charges",
    "overhead_orders", "overhead_without_line", "line_contract_income",
    "department_line_shares", "pool_line_costs", "pool_summary", "matching_summary", "credibility",
    "line_costs", "line_income", "line_activity", "service_line_statement", "reconciliation",
    "cost_checks", "line_match_rates",
)  # fmt: skip
ACCOUNTS = "cleaning_accounts"
PATIENT_COSTS = "patient_costs"
EVENTS_A_CHUNK = 100_000  # about two million cost rows, 50 MB, at a time

CHUNK_SQL = """
SELECT event_no, key_no, amount_pence FROM cost_rows
WHERE event_no >= $first AND event_no < $last ORDER BY event_no, key_no
"""
OTHER_SQL = """
SELECT event_id, CAST(NULL AS VARCHAR) AS spell_id, event_kind, line_id, tier, element,
       source_department, amount_pence
FROM other_costs ORDER BY event_id, tier, element, source_department
"""
EVENT_COLUMNS = ("event_id", "spell_id", "event_kind")
KEY_COLUMNS = ("line_id", "tier", "element", "source_department")


def write_costed(run: Run, db: Engine, costed: Costed) -> None:
    """Write every table of the step; patient tables go from the engine to disk in pieces."""
    write_table(run, "patient_events", db)
    if db.has("cost_rows"):
        run.tables.mkdir(parents=True, exist_ok=True)
        write_patient_costs(db, run.tables / f"{PATIENT_COSTS}.parquet")
    else:
        write_table(run, PATIENT_COSTS, db)
    write_table(run, "cost_check_findings", db)
    for name in FRAMES:
        write_table(run, name, getattr(costed, name))
    for name, table in costed.analyses.items():
        write_table(run, name, table)


def write_patient_costs(db: Engine, path: Path) -> None:
    """Write ``patient_costs`` in the order of its events, then cost that is no event's.

    The engine hands over whole numbers, sorted, for some events at a time; their texts are looked up
    here. Sorting ten million rows of text takes many times as long and as much memory.
    """
    events = db.frame(f"SELECT event_no, {', '.join(EVENT_COLUMNS)} FROM events ORDER BY event_no")
    keys = db.frame(f"SELECT key_no, {', '.join(KEY_COLUMNS)} FROM cost_keys ORDER BY key_no")
    key_texts = {name: pa.array(keys[name], pa.string()) for name in KEY_COLUMNS}
    key_place = _number_places(keys["key_no"])
    schema = pa.schema(
        [
            (name, pa.int64() if name == "amount_pence" else pa.string())
            for name in OUTPUTS[PATIENT_COSTS].columns
        ]
    )
    with pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as writer:
        for start in range(0, len(events), EVENTS_A_CHUNK):
            part = events.iloc[start : start + EVENTS_A_CHUNK]
            first = int(part["event_no"].iloc[0])
            rows = db.frame(CHUNK_SQL, first=first, last=int(part["event_no"].iloc[-1]) + 1)
            event_place = _number_places(part["event_no"], offset=first)
            at_event = pa.array(event_place[rows["event_no"].to_numpy() - first])
            at_key = pa.array(key_place[rows["key_no"].to_numpy()])
            columns = {
                name: pa.array(part[name], pa.string()).take(at_event) for name in EVENT_COLUMNS
            }
            columns |= {name: texts.take(at_key) for name, texts in key_texts.items()}
            columns["amount_pence"] = pa.array(rows["amount_pence"].to_numpy(dtype="int64"))
            writer.write_table(pa.table(columns).select(schema.names))
        others = db.frame(OTHER_SQL)
        writer.write_table(pa.Table.from_pandas(others, schema=schema, preserve_index=False))


def add_accounts(run: Run, frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the frames with the cleaning accounts and last year's tables among them, where there are any."""
    accounts = {ACCOUNTS: read_table(run, ACCOUNTS)} if has_table(run, ACCOUNTS) else {}
    return {**frames, **accounts, **read_prior(run)}


def _number_places(numbers: pd.Series, *, offset: int = 0) -> np.ndarray:
    """Return where each number stands in its list, so that a number finds its row at once."""
    places = np.zeros(int(numbers.max()) - offset + 1, dtype="int32")
    places[numbers.to_numpy() - offset] = np.arange(len(numbers), dtype="int32")
    return places
