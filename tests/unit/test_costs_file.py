"""The file of patient costs is the engine's table, however few events are written at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from activity_tables import (
    SETTINGS,
    add_clean,
    make_appointment,
    make_components,
    make_episode,
    make_frames,
)

from helpers.contracts import OUTPUTS
from helpers.costing.patient_costs import cost_events
from helpers.engine import Engine
from helpers.sources import costed

START = datetime(2024, 7, 1)
HOURS = {"d": 40, "b": 7, "c": 19, "a.1": 11, "e": 3}


@pytest.fixture
def db():
    """Five stays that share two pools, and a clinic whose patients have no spell."""
    components = make_components(
        {"amount_pence": 1_234_567},
        {"amount_pence": 80_001, "element": "DEPRECIATION", "source_department": "ESTATES",
         "is_overhead": True},
        {"amount_pence": 7_003, "pool_id": "CLINIC", "feed": "clinic"},
    )  # fmt: skip
    with Engine(threads=2) as engine:
        ends = {name: str(START + timedelta(hours=hours)) for name, hours in HOURS.items()}
        add_clean(
            engine, "apc_episodes", [make_episode(n, str(START), ends[n], tfc="110") for n in HOURS]
        )
        add_clean(
            engine, "ward_stays",
            [{"stay_id": f"w{n}", "spell_id": n.split(".")[0], "ward_id": "W1",
              "start_dt": str(START), "end_dt": ends[n]} for n in HOURS],
        )  # fmt: skip
        add_clean(
            engine, "op_attendances",
            [make_appointment(n, "2024-08-01 09:00:00", tfc="300") for n in ("op2", "bb")],
        )  # fmt: skip
        cost_events(engine, make_frames(), SETTINGS, components)
        yield engine


def read(path: Path) -> pd.DataFrame:
    return pq.read_table(path).to_pandas().astype(object).fillna("")


@pytest.mark.parametrize("events_a_chunk", [1, 2, 3, 7, 1_000])
def test_the_file_holds_the_table_in_the_order_of_its_events(
    db, tmp_path, monkeypatch, events_a_chunk
):
    monkeypatch.setattr(costed, "EVENTS_A_CHUNK", events_a_chunk)
    costed.write_patient_costs(db, tmp_path / "costs.parquet")
    found = read(tmp_path / "costs.parquet")
    keys = ["event_id", "tier", "element", "source_department"]
    table = db.frame("SELECT * FROM patient_costs ORDER BY " + ", ".join(keys))
    assert list(found.columns) == list(OUTPUTS["patient_costs"].columns)
    assert found["event_id"].is_monotonic_increasing
    assert set(found["event_id"]) >= {*HOURS, "op2", "bb"}
    assert found["amount_pence"].sum() == 1_234_567 + 80_001 + 7_003
    assert (
        found.sort_values(keys).to_numpy().tolist()
        == table.astype(object).fillna("").to_numpy().tolist()
    )


def test_the_same_costs_give_the_same_bytes_and_leave_nothing_in_the_engine(db, tmp_path):
    for name in ("one", "two"):
        costed.write_patient_costs(db, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert not db.has(costed.CHUNK_EVENTS)


@pytest.mark.parametrize(("key_bits", "amount_bits"), [(1, 32), (16, 4)])
def test_keys_or_amounts_too_large_for_their_bits_give_the_same_file(
    db, tmp_path, monkeypatch, key_bits, amount_bits
):
    costed.write_patient_costs(db, tmp_path / "packed")
    assert costed.is_packed(db)
    monkeypatch.setattr(costed, "MOST_KEYS", 1 << key_bits)
    monkeypatch.setattr(costed, "MOST_PENCE", 1 << (amount_bits - 1))
    assert not costed.is_packed(db)
    costed.write_patient_costs(db, tmp_path / "sorted")
    assert (tmp_path / "packed").read_bytes() == (tmp_path / "sorted").read_bytes()


@pytest.mark.parametrize("amount", [-(2**31), -1, 0, 1, 2**31 - 1])
def test_an_amount_at_the_edge_of_its_bits_is_read_back(tmp_path, amount):
    with Engine(threads=1) as db:
        db.create(
            "cost_rows",
            "SELECT * FROM (VALUES (32768, 65536, 5), (1, 65536, $amount), (1, 1, -7)) "
            "AS t(event_no, key_no, amount_pence)",
            amount=amount,
        )
        assert costed.is_packed(db)
        events, keys, amounts = costed.read_packed(db, 1, 32769)
    assert events.to_pylist() == [0, 0, 32767]
    assert keys.to_pylist() == [0, 65535, 65535]
    assert amounts.to_pylist() == [-7, amount, 5]


@pytest.mark.parametrize(("key_no", "amount"), [(65537, 1), (1, 2**31), (1, -(2**31) - 1)])
def test_what_does_not_fit_is_not_packed(key_no, amount):
    with Engine(threads=1) as db:
        db.create(
            "cost_rows",
            "SELECT 1 AS event_no, $key_no AS key_no, $amount AS amount_pence",
            key_no=key_no,
            amount=amount,
        )
        assert not costed.is_packed(db)
