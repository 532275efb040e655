"""Tables made a band at a time are those made at once; a small memory spills and changes no penny."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest
from activity_tables import (
    SETTINGS,
    add_clean,
    make_appointment,
    make_components,
    make_episode,
    make_frames,
)

from helpers.costing import bands, closing, patient_costs
from helpers.costing.bands import extend_in_bands
from helpers.costing.patient_costs import cost_events
from helpers.engine import Engine, choose_memory_limit, is_short_of_memory
from helpers.sources import costed

START = datetime(2024, 7, 1)


@pytest.mark.parametrize(("numbered", "size"), [(0, 4), (1, 4), (4, 4), (5, 4), (8, 4), (9, 1)])
def test_bands_take_every_number_once(monkeypatch, numbered, size):
    monkeypatch.setattr(bands, "ROWS_A_BAND", size)
    with Engine(threads=1) as db:
        db.add_frame("given", pd.DataFrame({"n": range(numbered)}))
        sql = "SELECT n FROM given WHERE n >= $first AND n < $last"
        extend_in_bands(db, "found", sql, numbered=numbered)
        extend_in_bands(db, "found", sql, numbered=numbered, is_new=False)
        found = db.frame("SELECT n FROM found ORDER BY n")["n"].tolist()
    assert found == sorted([*range(numbered)] * 2)


def cost(tmp_path, name: str, **settings) -> bytes:
    """Cost nine stays and their tests, some of which name no event; return the file of costs."""
    ends = {f"s{n}.1": str(START + timedelta(hours=7 * n + 3)) for n in range(9)}
    with Engine(threads=1, **settings) as db:
        add_clean(
            db, "apc_episodes",
            [make_episode(i, str(START), end, tfc="110", admission_dt=str(START), discharge_dt=end)
             for i, end in ends.items()],
        )  # fmt: skip
        add_clean(
            db, "ward_stays",
            [{"stay_id": f"w{i}", "spell_id": i.split(".")[0], "ward_id": "W1",
              "start_dt": str(START), "end_dt": end} for i, end in ends.items()],
        )  # fmt: skip
        add_clean(
            db, "op_attendances",
            [make_appointment(f"o{n}", "2024-08-01 09:00:00", tfc="300") for n in range(3)],
        )  # fmt: skip
        add_clean(
            db, "tests",
            [{"test_id": f"t{n}", "patient_key": "p1", "discipline": "PATH", "test_code": "FBC",
              "count": 1 + n % 3, "requesting_tfc": "110", "requested_dt": str(START),
              "spell_or_attendance_id": (f"s{n % 9}.1", f"s{n % 9}", "nobody", None)[n % 4]}
             for n in range(40)],
        )  # fmt: skip
        components = make_components(
            {"amount_pence": 1_234_567},
            {"amount_pence": 7_003, "pool_id": "CLINIC", "feed": "clinic"},
            {"amount_pence": 90_001, "pool_id": "LABS", "feed": "tests"},
        )
        cost_events(db, make_frames(), SETTINGS, components)
        costed.write_patient_costs(db, tmp_path / name)
        lines = db.frame("SELECT * FROM activity_lines ORDER BY activity_id")
        totals = db.frame("SELECT * FROM event_cost_totals ORDER BY event_id")
    path = tmp_path / name
    return path.read_bytes() + lines.to_csv().encode() + totals.to_csv().encode()


def test_costs_do_not_depend_on_the_size_of_bands(tmp_path, monkeypatch):
    whole = cost(tmp_path, "whole")
    monkeypatch.setattr(bands, "ROWS_A_BAND", 4)
    monkeypatch.setattr(closing, "EVENTS_A_BAND", 5)
    monkeypatch.setattr(patient_costs, "EVENTS_A_BAND", 5)
    assert cost(tmp_path, "bands") == whole


def test_costs_are_the_same_with_tables_in_a_file_which_goes_with_the_engine(tmp_path):
    whole = cost(tmp_path, "whole")
    spill = tmp_path / "spill"
    assert cost(tmp_path, "filed", spill=spill, memory_limit="256MB") == whole
    assert list(spill.iterdir()) == []


@pytest.mark.parametrize(
    ("limit", "is_filed"), [("999MB", True), ("1000MB", False), ("1GB", False), ("4GB", False)]
)
def test_tables_are_in_a_file_where_memory_is_short(tmp_path, limit, is_filed):
    place = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
    with Engine(spill=tmp_path / "spill", memory_limit=limit) as db:
        assert db.frame(place)["path"].notna().iloc[0] == is_filed
    with Engine(memory_limit=limit) as db:  # nowhere to put a file
        assert db.frame(place)["path"].isna().iloc[0]


@pytest.mark.parametrize(
    ("limit", "is_short"),
    [("256MB", True), ("0.9GB", True), ("512 MiB", True), ("200000KB", True), ("1TB", False),
     ("80%", False)],
)  # fmt: skip
def test_a_limit_is_read_in_its_own_unit(limit, is_short):
    assert is_short_of_memory(limit) == is_short


@pytest.mark.parametrize(
    ("free_gb", "limit"), [(0.5, "700MB"), (2.1, "700MB"), (6, "2000MB"), (64, "2800MB")]
)
def test_the_engine_takes_a_third_of_free_memory_within_bounds(free_gb, limit):
    assert choose_memory_limit(int(free_gb * 1e9)) == limit
