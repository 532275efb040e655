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
EVENTS_A_CHUNK = 32_768  # about 700,000 cost rows at a time: one row group of the file
DICTIONARY_BYTES = 8 << 20  # room for the ids of so many events, each once

CHUNK_SQL = """
SELECT event_no - $first AS event_place, key_no, amount_pence FROM cost_rows
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

    The engine hands over whole numbers, sorted, for some events at a time; the file takes them as numbers
    of texts that it holds once. Sorting, or even looking up, ten million rows of text takes many times as
    long and as much memory.
    """
    events = db.frame(f"SELECT event_no, {', '.join(EVENT_COLUMNS)} FROM events ORDER BY event_no")
    keys = db.frame(f"SELECT key_no, {', '.join(KEY_COLUMNS)} FROM cost_keys ORDER BY key_no")
    key_texts = {name: _list_texts(keys[name], keys["key_no"]) for name in KEY_COLUMNS}
    schema = pa.schema(
        [
            (name, pa.int64() if name == "amount_pence" else pa.dictionary(pa.int32(), pa.string()))
            for name in OUTPUTS[PATIENT_COSTS].columns
        ]
    )
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        store_schema=False,
        dictionary_pagesize_limit=DICTIONARY_BYTES,
    ) as writer:
        for start in range(0, len(events), EVENTS_A_CHUNK):
            part = events.iloc[start : start + EVENTS_A_CHUNK]
            first = int(part["event_no"].iloc[0])
            rows = db.arrow(CHUNK_SQL, first=first, last=int(part["event_no"].iloc[-1]) + 1)
            at_event = rows["event_place"].to_numpy()
            at_key = rows["key_no"].to_numpy()
            columns = {
                name: _point_to(_list_texts(part[name], part["event_no"] - first), at_event)
                for name in EVENT_COLUMNS
            }
            columns |= {name: _point_to(texts, at_key) for name, texts in key_texts.items()}
            columns["amount_pence"] = rows["amount_pence"].cast(pa.int64())
            writer.write_table(pa.table([columns[name] for name in schema.names], schema=schema))
        others = db.frame(OTHER_SQL)
        writer.write_table(pa.Table.from_pandas(others, schema=schema, preserve_index=False))


def add_accounts(run: Run, frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the frames with the cleaning accounts and last year's tables among them, where there are any."""
    accounts = {ACCOUNTS: read_table(run, ACCOUNTS)} if has_table(run, ACCOUNTS) else {}
    return {**frames, **accounts, **read_prior(run)}


def _list_texts(texts: pd.Series, numbers: pd.Series) -> tuple[pa.Array, np.ndarray]:
    """Return the distinct texts, and the place among them of the text of each number (-1: no text)."""
    places, distinct = pd.factorize(texts)
    by_number = np.full(int(numbers.max()) + 1 if len(numbers) else 0, -1, dtype="int32")
    by_number[numbers.to_numpy()] = places
    return pa.array(distinct, pa.string()), by_number


def _point_to(texts: tuple[pa.Array, np.ndarray], numbers: np.ndarray) -> pa.DictionaryArray:
    """Return a column of texts, one for each number."""
    distinct, by_number = texts
    places = by_number[numbers]
    return pa.DictionaryArray.from_arrays(
        pa.array(places, pa.int32(), mask=places < 0 if (by_number < 0).any() else None), distinct
    )
