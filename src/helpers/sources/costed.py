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

# The ids of events in their order, so that those of a chunk stand together.
CHUNK_EVENTS = "chunk_events"
CHUNK_EVENTS_SQL = "SELECT event_no, event_id, spell_id, event_kind FROM events ORDER BY event_no"
CHUNK_IDS_SQL = f"""
SELECT event_id, spell_id, event_kind FROM {CHUNK_EVENTS}
WHERE event_no >= $first AND event_no < $last ORDER BY event_no
"""
CHUNK_ROWS_SQL = """
SELECT event_no - $first AS event_place, key_no - 1 AS key_place, amount_pence FROM cost_rows
WHERE event_no >= $first AND event_no < $last ORDER BY event_no, key_no
"""
# The same in one whole number: event, key and amount, each in bits of its own. Sorting numbers alone is
# quicker; it needs room in the bits for every key and amount (D-351).
KEY_BITS, AMOUNT_BITS = 16, 32
MOST_KEYS, MOST_PENCE = 1 << KEY_BITS, 1 << (AMOUNT_BITS - 1)
PACKED_ROWS_SQL = f"""
SELECT (CAST(event_no AS BIGINT) - $first) * {1 << (KEY_BITS + AMOUNT_BITS)}
       + (CAST(key_no AS BIGINT) - 1) * {1 << AMOUNT_BITS} + amount_pence + {MOST_PENCE} AS packed
FROM cost_rows WHERE event_no >= $first AND event_no < $last
"""
RANGE_SQL = "SELECT max(key_no) AS key_no, min(amount_pence) AS least, max(amount_pence) AS most FROM cost_rows"
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

    The engine hands over whole numbers, sorted, for some events at a time, and the ids of those events; the
    file takes rows as numbers of texts that it holds once. Sorting, or even looking up, ten million rows
    of text takes many times as long and as much memory. Nothing here grows with the number of events.
    """
    keys = db.arrow(f"SELECT {', '.join(KEY_COLUMNS)} FROM cost_keys ORDER BY key_no")
    key_texts = {name: _list_texts(keys[name]) for name in KEY_COLUMNS}
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
        use_dictionary=[name for name in schema.names if name != "amount_pence"],
        write_statistics=["event_id"],  # what a trace looks for; every group has every line
        dictionary_pagesize_limit=DICTIONARY_BYTES,
    ) as writer:
        db.create(CHUNK_EVENTS, CHUNK_EVENTS_SQL)
        read_rows = read_packed if is_packed(db) else read_sorted
        for first in range(1, db.count(CHUNK_EVENTS) + 1, EVENTS_A_CHUNK):
            last = first + EVENTS_A_CHUNK
            ids = db.arrow(CHUNK_IDS_SQL, first=first, last=last)
            event_place, key_place, amount = read_rows(db, first, last)
            columns = {name: _list_texts(ids[name]).take(event_place) for name in EVENT_COLUMNS}
            columns |= {name: texts.take(key_place) for name, texts in key_texts.items()}
            columns["amount_pence"] = amount
            writer.write_table(pa.table([columns[name] for name in schema.names], schema=schema))
        db.drop(CHUNK_EVENTS)
        others = db.frame(OTHER_SQL)
        writer.write_table(pa.Table.from_pandas(others, schema=schema, preserve_index=False))


def is_packed(db: Engine) -> bool:
    """Tell whether every key and amount has room in the bits of ``PACKED_ROWS_SQL``."""
    found = db.frame(RANGE_SQL).fillna(0).iloc[0]
    return bool(
        found["key_no"] <= MOST_KEYS
        and found["least"] >= -MOST_PENCE
        and found["most"] < MOST_PENCE
    )


def read_packed(db: Engine, first: int, last: int) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return places of events, places of keys and amounts of a chunk, by event and key."""
    packed = db.arrow(PACKED_ROWS_SQL, first=first, last=last)["packed"].to_numpy()
    packed = np.sort(packed)
    return (
        pa.array((packed >> (KEY_BITS + AMOUNT_BITS)).astype("int32")),
        pa.array(((packed >> AMOUNT_BITS) & (MOST_KEYS - 1)).astype("int32")),
        pa.array((packed & ((1 << AMOUNT_BITS) - 1)) - MOST_PENCE),
    )


def read_sorted(db: Engine, first: int, last: int) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return the same, sorted by the engine, whatever the keys and amounts are."""
    rows = db.arrow(CHUNK_ROWS_SQL, first=first, last=last)
    return (
        rows["event_place"],
        rows["key_place"],
        rows["amount_pence"].cast(pa.int64()),
    )


def add_accounts(run: Run, frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the frames with the cleaning accounts and last year's tables among them, where there are any."""
    accounts = {ACCOUNTS: read_table(run, ACCOUNTS)} if has_table(run, ACCOUNTS) else {}
    return {**frames, **accounts, **read_prior(run)}


def _list_texts(texts: pa.ChunkedArray) -> pa.DictionaryArray:
    """Return a column of texts as numbers of its distinct texts."""
    return texts.combine_chunks().cast(pa.string()).dictionary_encode()
