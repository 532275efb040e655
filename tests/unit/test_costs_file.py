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
