"""Which spells are compared, whose they are, and why the others are left out."""

import pandas as pd
import pytest

from helpers.engine import open_engine
from helpers.outliers.spells import select_spells


def episode(spell, **more):
    row = {
        "event_id": f"{spell}-1",
        "spell_id": spell,
        "event_kind": "episode",
        "line_id": "TO",
        "consultant_code": "C0000001",
        "hrg_spell": "HN22C",
        "admission_method": "11",
        "patient_classification": "1",
        "discharge_method": "1",
        "completion": 1,
        "is_discharging": True,
        "discharge_dt": pd.Timestamp("2024-07-06"),
        "los_days": 3,
        "age": 70,
        "sex": "2",
        "imd_decile": 4,
        "controllable_pence": 100_000,
        "ward_pence": 40_000,
    }
    return row | more


@pytest.fixture
def db():
    with open_engine() as engine:
        yield engine


def select(db, *rows, outcomes=None):
    db.add_frame("patient_events", pd.DataFrame(rows))
    if outcomes is not None:
        columns = ["event_id", "measure", "value", "expected"]
        db.add_frame("clean_outcomes", pd.DataFrame(outcomes, columns=columns))
    return select_spells(db)


def test_a_spell_belongs_to_its_discharging_consultant_with_the_cost_of_all_its_episodes(db):
    found = select(
        db,
        episode("S1", consultant_code="C0000009", line_id="GENMED", is_discharging=False, hrg_spell="HN22C"),
        episode("S1", event_id="S1-2", controllable_pence=250_000, ward_pence=10_000),
    )  # fmt: skip
    (row,) = found.spells.to_dict("records")
    assert (row["line_id"], row["consultant_code"]) == ("TO", "C0000001")
    # £1,000 + £2,500, of which wards £400 + £100
    assert (row["cost_gbp"], row["ward_gbp"]) == (3_500.0, 500.0)


def test_every_spell_is_kept_or_has_one_reason(db):
    found = select(
        db,
        episode("S1"),
        episode("S2", completion=2),
        episode("S3", is_discharging=False, completion=2),
        episode("S3", event_id="S3-2"),
        episode("S4", patient_classification="3"),
        episode("S5", consultant_code="C9999998"),
        episode("S6", hrg_spell="UZ01Z"),
        episode("S7", hrg_spell=None),
        episode("S8", line_id="UNMAPPED"),
        episode("A1", event_kind="op", spell_id=None),
    )
    counts = found.exclusions.set_index("reason")["n_spells"]
    assert counts.to_dict() == {
        "kept": 1, "not_whole": 2, "regular": 1, "no_consultant": 1, "ungroupable": 2, "unmapped": 1,
    }  # fmt: skip
    assert found.exclusions["controllable_pence"].sum() == 900_000
    # attendances count in the line's controllable cost: 9 events of TO beside the unmapped one
    assert found.controllable.set_index("line_id")["controllable_pence"]["TO"] == 900_000


def test_emergency_and_maternity_are_one_admission_type(db):
    found = select(
        db, *(episode(f"S{m}", admission_method=m) for m in ("11", "13", "21", "2A", "31"))
    )
    kinds = found.spells.set_index("spell_id")["admission_type"]
    assert kinds.to_dict() == {"S11": "EL", "S13": "EL", "S21": "EM", "S2A": "EM", "S31": "EM"}


def test_outcomes_join_by_spell_and_others_stay_missing(db):
    found = select(
        db,
        episode("S1"),
        episode("S2"),
        outcomes=[
            ("S1", "readmit_30d", 1.0, 0.08),
            ("S1", "prom_gain", 12.0, None),
            ("A9", "readmit_30d", 0.0, 0.05),
        ],
    )
    assert found.outcomes == ("readmit_30d", "prom_gain")
    rows = found.spells.set_index("spell_id")
    assert rows.loc["S1", "value_prom_gain"] == 12.0
    assert rows.loc["S1":, "expected_prom_gain"].isna().all()
    assert rows.loc["S1", ["value_readmit_30d", "expected_readmit_30d"]].tolist() == [1.0, 0.08]
    assert pd.isna(rows.loc["S2", "value_readmit_30d"])


def test_no_events_give_no_spells_and_counts_of_zero(db):
    db.add_frame("patient_events", pd.DataFrame([episode("S1")]))
    db.create("patient_events", "SELECT * FROM patient_events WHERE event_id = ''")
    found = select_spells(db)
    assert found.spells.empty
    assert found.exclusions["n_spells"].sum() == 0
