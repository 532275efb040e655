"""The events that carry cost: kinds, points of delivery, wards, spells, refusals."""

from __future__ import annotations

import pandas as pd
import pytest
from activity_tables import (
    SETTINGS,
    add_clean,
    make_appointment,
    make_attendance,
    make_episode,
    make_frames,
    make_map,
)

from helpers.contracts import OUTPUTS
from helpers.costing.events import build_events
from helpers.engine import Engine
from helpers.errors import InputError


def list_events(*, notices: list[str] | None = None, frames=None, **files) -> pd.DataFrame:
    with Engine(threads=1) as db:
        for file, rows in files.items():
            add_clean(db, file, rows)
        said = build_events(db, frames or make_frames(), SETTINGS)
        if notices is not None:
            notices.extend(said)
        return db.frame("SELECT * FROM events ORDER BY event_no").set_index("event_id")


def test_one_row_for_each_episode_attended_appointment_and_emergency_attendance():
    events = list_events(
        apc_episodes=[make_episode("s1.1", "2024-07-01 08:00", "2024-07-04 10:00")],
        op_attendances=[
            make_appointment("o1", "2024-07-20 09:00"),
            make_appointment("o2", "2024-07-21 09:00", is_attended=False),
        ],
        ed_attendances=[make_attendance("e1", "2024-06-30 22:00", "2024-07-01 02:30")],
    )
    assert events["event_kind"].to_dict() == {"e1": "ed", "o1": "op", "s1.1": "episode"}
    assert events["line_id"].to_dict() == {"e1": "ED", "o1": "TO", "s1.1": "TO"}
    # 1 to 4 July is three midnights; 22:00 to 02:30 is 270 minutes.
    assert events.loc["s1.1", "los_days"] == 3
    assert events.loc["e1", "minutes"] == 270
    assert events["event_no"].tolist() == [1, 2, 3]


def test_a_trust_may_cost_the_slots_that_patients_miss():
    missed = [
        make_appointment("o1", "2024-07-20 09:00"),
        make_appointment("o2", "2024-07-21 09:00", attended="3", is_attended=False),
        make_appointment("o3", "2024-07-21 10:00", attended="7", is_attended=False),
        # cancelled, by the patient and by the trust: the slot can be given away
        make_appointment("o4", "2024-07-21 11:00", attended="2", is_attended=False),
        make_appointment("o5", "2024-07-21 12:00", attended="4", is_attended=False),
        make_appointment("o6", "2023-07-21 12:00", attended="3", is_attended=False),  # last year's
    ]
    with Engine(threads=1) as db:
        add_clean(db, "op_attendances", missed)
        build_events(db, make_frames(), {**SETTINGS, "missed_appointments": "costed"})
        events = db.frame("SELECT * FROM events ORDER BY event_no").set_index("event_id")
    assert events["event_kind"].to_dict() == {"o1": "op", "o2": "missed", "o3": "missed"}
    assert events.loc["o2", "pod"] == "DNA" and events.loc["o1", "pod"] != "DNA"
    assert list_events(op_attendances=missed).index.tolist() == ["o1"]  # unless it says so


def test_every_column_that_later_tables_copy_is_there():
    events = list_events(apc_episodes=[make_episode("s1.1", "2024-07-01 08:00", None)])
    copied = {name for name in OUTPUTS["patient_events"].columns if not name.endswith("_pence")}
    assert copied - {"event_id"} <= set(events.columns)


@pytest.mark.parametrize(
    ("more", "pod"),
    [
        ({"admin_category": "02", "patient_classification": "2"}, "PRIV"),
        ({"patient_classification": "2"}, "DC"),
        ({"patient_classification": "3"}, "RDN"),
        ({"patient_classification": "4"}, "RDN"),
        ({"admission_method": "12"}, "EL"),
        ({"admission_method": "2A"}, "NEL"),
        ({"admission_method": "31"}, "NELNE"),
        ({"admission_method": "82"}, "NELNE"),
        ({"admission_method": "99"}, "NEL"),
        ({"admission_method": "99", "patient_classification": "5"}, "NELNE"),
    ],
)
def test_the_point_of_delivery_of_an_episode(more: dict, pod: str):
    episode = make_episode("s1.1", "2024-07-01 08:00", "2024-07-04 10:00", **more)
    assert list_events(apc_episodes=[episode])["pod"].tolist() == [pod]


def test_an_emergency_of_one_midnight_is_short():
    episodes = [
        make_episode("s1.1", "2024-07-01 08:00", "2024-07-02 23:00"),
        make_episode("s2.1", "2024-07-01 23:00", "2024-07-03 01:00"),
    ]
    assert list_events(apc_episodes=episodes)["pod"].tolist() == ["NES", "NEL"]


def test_a_spell_has_the_point_of_delivery_of_its_first_episode_and_ends_with_its_last():
    spell = {"admission_dt": "2024-07-01 08:00", "discharge_dt": "2024-07-09 08:00"}
    events = list_events(
        apc_episodes=[
            make_episode("s1.2", "2024-07-03 08:00", "2024-07-09 08:00", episode_number=2,
                         admission_method="21", **spell),
            make_episode("s1.1", "2024-07-01 08:00", "2024-07-03 08:00", admission_method="11", **spell),
        ]
    )  # fmt: skip
    assert events["pod"].to_dict() == {"s1.1": "EL", "s1.2": "NEL"}
    assert events["spell_pod"].tolist() == ["EL", "EL"]
    assert events["is_discharging"].to_dict() == {"s1.1": False, "s1.2": True}


def test_a_patient_still_in_hospital_has_no_stay_and_no_discharging_episode():
    events = list_events(
        apc_episodes=[
            make_episode("s1.1", "2025-03-20 08:00", None, completion=3),
            make_episode("s2.1", "2025-03-20 08:00", "2025-04-02 08:00", completion=3),
        ]
    )
    assert events["los_days"].isna().all()
    assert events["is_discharging"].tolist() == [False, False]
    assert events["pod"].tolist() == ["NEL", "NEL"]


def test_the_main_ward_is_where_the_episode_spent_longest():
    stays = [
        {"stay_id": "w1", "spell_id": "s1", "ward_id": "W2", "start_dt": "2024-07-01 08:00",
         "end_dt": "2024-07-02 08:00"},
        {"stay_id": "w2", "spell_id": "s1", "ward_id": "W1", "start_dt": "2024-07-02 08:00",
         "end_dt": "2024-07-03 08:00"},
        {"stay_id": "w3", "spell_id": "s1", "ward_id": "W2", "start_dt": "2024-07-03 08:00",
         "end_dt": "2024-07-03 18:00"},
    ]  # fmt: skip
    frames = make_frames(
        service_line_map=make_map(
            {"tfc": "110", "line_id": "TO"}, {"ward_id": "W2", "tfc": "110", "line_id": "GENMED"}
        )
    )
    events = list_events(
        frames=frames,
        apc_episodes=[make_episode("s1.1", "2024-07-01 08:00", "2024-07-03 18:00")],
        ward_stays=stays,
    )
    # W2 24 + 10 hours, W1 24; and the map sends ward W2 to GENMED.
    assert events.loc["s1.1", "main_ward_id"] == "W2"
    assert events.loc["s1.1", "line_id"] == "GENMED"


def test_attendances_outside_the_year_take_no_cost_and_are_counted():
    notices: list[str] = []
    events = list_events(
        notices=notices,
        op_attendances=[
            make_appointment("o1", "2025-03-31 23:59"),
            make_appointment("o2", "2025-04-01 00:00"),
        ],
    )
    assert events.index.tolist() == ["o1"]
    assert notices == ["Rows of op_attendances outside the financial year, which take no cost: 1."]


def test_an_appointment_by_kind():
    events = list_events(
        op_attendances=[
            make_appointment("a", "2024-07-01 09:00", first_attendance="3"),
            make_appointment("b", "2024-07-01 09:00", first_attendance="2"),
            make_appointment("c", "2024-07-01 09:00", procedure_flag="1"),
            make_appointment("d", "2024-07-01 09:00", admin_category="02"),
        ]
    )
    assert events["pod"].tolist() == ["OPFA", "OPFU", "OPPROC", "PRIV"]


def test_one_id_for_two_events_is_refused_without_naming_it():
    with pytest.raises(InputError, match=r"1 ids are used more than once \(2 rows\)") as refused:
        list_events(
            op_attendances=[make_appointment("same77", "2024-07-01 09:00")],
            ed_attendances=[make_attendance("same77", "2024-07-01 09:00", "2024-07-01 10:00")],
        )
    assert "same77" not in str(refused.value)


def test_no_activity_at_all_is_refused():
    with pytest.raises(InputError, match="no activity to cost"):
        list_events()
