"""How activity finds its event: rule by rule, nearest in time, then smallest id."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pandas as pd
import pytest
from activity_tables import (
    SETTINGS,
    add_clean,
    make_appointment,
    make_attendance,
    make_episode,
    make_frames,
)

from helpers.costing import bands
from helpers.costing.clock import find_period
from helpers.costing.events import build_events
from helpers.costing.matching import build_activity_lines, match_lines
from helpers.costing.weights import MATCH_RULES, build_feed_lines, build_ward_pieces
from helpers.engine import Engine
from helpers.errors import InputError

SPELL = {"admission_dt": "2024-07-01 08:00", "discharge_dt": "2024-07-05 08:00"}
EPISODES = [
    make_episode("s1.1", "2024-07-01 08:00", "2024-07-02 08:00", **SPELL),
    make_episode("s1.2", "2024-07-02 08:00", "2024-07-05 08:00", episode_number=2, **SPELL),
]
CLINICS = [
    make_appointment("o1", "2024-09-10 09:00"),
    make_appointment("o2", "2024-09-10 15:00"),
    make_appointment("o3", "2024-10-10 09:00", tfc="300"),
]
EMERGENCIES = [make_attendance("e1", "2024-11-01 10:00", "2024-11-01 14:00")]


def make_request(test_id: str, at: str | None, ref: str | None = None, **more) -> dict:
    usual = {"patient_key": "p1", "discipline": "PATH", "test_code": "FBC", "count": 1,
             "requesting_tfc": "110"}  # fmt: skip
    return {
        **usual, "test_id": test_id, "requested_dt": at, "spell_or_attendance_id": ref, **more
    }  # fmt: skip


def match(*tests: dict, shuffle: int | None = None, threads: int = 1, **files) -> pd.DataFrame:
    """Return event, rule and unmatched line of each test, by id."""
    tables = {
        "apc_episodes": EPISODES, "op_attendances": CLINICS, "ed_attendances": EMERGENCIES,
        "tests": list(tests), **files,
    }  # fmt: skip
    with Engine(threads=threads) as db:
        for file, rows in tables.items():
            order = pd.Series(rows).sample(frac=1, random_state=shuffle) if shuffle else rows
            add_clean(db, file, list(order))
        frames, period = make_frames(), find_period(SETTINGS)
        build_events(db, frames, SETTINGS)
        build_ward_pieces(db, period)
        build_feed_lines(db, frames, period)
        match_lines(db)
        build_activity_lines(db, frames, period)
        return db.frame(
            "SELECT * FROM activity_lines WHERE feed = 'tests' ORDER BY activity_id"
        ).set_index("activity_id")


def rule_of(request: dict, **files) -> tuple[str | None, str]:
    row = match(request, **files).iloc[0]
    return (None if pd.isna(row["event_id"]) else row["event_id"], row["match_rule"])


@pytest.mark.parametrize(
    ("ref", "at", "found"),
    [
        ("s1.1", "2024-12-25 00:00", ("s1.1", "ID")),  # an episode's own id, whatever the time
        ("o2", "2024-09-01 00:00", ("o2", "ID")),
        ("e1", "2024-11-01 11:00", ("e1", "ID")),
        ("s1", "2024-07-01 20:00", ("s1.1", "SPELL")),
        ("s1", "2024-07-02 08:00", ("s1.2", "SPELL")),  # boundary: the later episode
        ("s1", "2024-07-06 08:00", ("s1.2", "SPELL_NEAR")),  # 24 hours after
        ("s1", "2024-06-30 08:00", ("s1.1", "SPELL_NEAR")),
    ],
)
def test_a_line_that_names_its_event_or_spell(ref: str, at: str, found: tuple):
    assert rule_of(make_request("t", at, ref)) == found


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("2024-07-03 12:00", ("s1.2", "PAT_APC")),
        ("2024-07-02 08:00", ("s1.2", "PAT_APC")),  # boundary: the later episode
        ("2024-11-01 18:00", ("e1", "PAT_ED")),  # 4 hours after
        ("2024-11-01 06:00", ("e1", "PAT_ED")),  # 4 hours before
        ("2024-11-01 18:01", (None, "NONE")),
        ("2024-09-10 23:00", ("o2", "PAT_OP_DAY")),  # the nearer appointment of that day
        ("2024-09-10 12:00", ("o1", "PAT_OP_DAY")),  # as near: the smaller id
        ("2024-08-11 09:00", ("o1", "PAT_OP")),  # 30 days before
        ("2024-08-11 08:59", (None, "NONE")),
        ("2024-09-24 15:00", ("o2", "PAT_OP")),  # 14 days after
        ("2024-09-24 15:01", (None, "NONE")),
    ],
)
def test_a_line_that_knows_only_its_patient(at: str, found: tuple):
    assert rule_of(make_request("t", at)) == found


def test_more_than_a_day_outside_its_spell_a_line_tries_the_patient():
    # 9 September is outside the spell and a day before the clinic of the same patient.
    assert rule_of(make_request("t", "2024-09-09 09:00", "s1")) == ("o1", "PAT_OP")


def test_a_reference_that_is_nobodys_falls_to_the_patient():
    assert rule_of(make_request("t", "2024-07-03 12:00", "typo")) == ("s1.2", "PAT_APC")


def test_a_line_without_a_moment_finds_only_the_event_it_names():
    assert rule_of(make_request("t", None, "s1.2")) == ("s1.2", "ID")
    assert rule_of(make_request("t", None, "s1")) == (None, "NONE")  # which of its episodes?
    assert rule_of(make_request("t", None)) == (None, "NONE")


def test_inside_two_episodes_the_later_one_has_the_line_though_its_id_is_larger():
    episodes = [
        make_episode("s1.1", "2024-07-01 08:00", "2024-07-05 08:00", **SPELL),
        make_episode("s1.2", "2024-07-02 08:00", "2024-07-05 08:00", episode_number=2, **SPELL),
    ]
    assert rule_of(make_request("t", "2024-07-03 12:00", "s1"), apc_episodes=episodes) == (
        "s1.2",
        "SPELL",
    )
    assert rule_of(make_request("t", "2024-07-02 07:59", "s1"), apc_episodes=episodes) == (
        "s1.1",
        "SPELL",
    )


def test_a_clinic_of_another_treatment_function_is_no_match():
    assert rule_of(make_request("t", "2024-10-10 10:00")) == (None, "NONE")
    assert rule_of(make_request("t", "2024-10-10 10:00", requesting_tfc="300")) == (
        "o3",
        "PAT_OP_DAY",
    )


def test_another_patient_is_no_match():
    assert rule_of(make_request("t", "2024-07-03 12:00", patient_key="p2")) == (None, "NONE")


def test_in_hospital_comes_before_a_clinic_the_same_day():
    clinic = [make_appointment("o9", "2024-07-03 12:00")]
    assert rule_of(make_request("t", "2024-07-03 12:00"), op_attendances=clinic)[1] == "PAT_APC"


def test_a_gap_inside_a_spell_goes_to_the_nearer_episode():
    episodes = [
        make_episode("s1.1", "2024-07-01 08:00", "2024-07-02 08:00", **SPELL),
        make_episode("s1.2", "2024-07-04 08:00", "2024-07-05 08:00", episode_number=2, **SPELL),
    ]
    early, late = make_request("t", "2024-07-02 20:00"), make_request("t", "2024-07-03 20:00")
    assert rule_of(early, apc_episodes=episodes) == ("s1.1", "PAT_APC")
    assert rule_of(late, apc_episodes=episodes) == ("s1.2", "PAT_APC")
    middle = make_request("t", "2024-07-03 08:00")
    assert rule_of(middle, apc_episodes=episodes) == ("s1.1", "PAT_APC")  # as near: the smaller id


def test_a_line_without_a_match_goes_to_the_line_that_asked():
    lines = match(
        make_request("t1", "2024-12-25 00:00"),
        make_request("t2", "2024-12-25 00:00", requesting_tfc="300"),
        make_request("t3", "2024-12-25 00:00", requesting_tfc="777"),
        make_request("t4", "2024-12-25 00:00", requesting_tfc=None),
        make_request("t5", "2024-07-03 12:00", "s1"),
    )
    assert lines["unmatched_line_id"].iloc[:4].tolist() == [
        "UNMATCHED:TO", "UNMATCHED:GENMED", "UNMATCHED:UNMAPPED", "UNMATCHED:UNMAPPED",
    ]  # fmt: skip
    assert pd.isna(lines["unmatched_line_id"].iloc[4])


def draw_trust(rng: random.Random) -> tuple[dict[str, list[dict]], list[dict]]:
    """Events and requests of three patients on a grid of six hours, so that times meet and edges are hit."""

    def at(hours: int) -> str:
        return f"{datetime(2024, 7, 1) + timedelta(hours=hours):%Y-%m-%d %H:%M}"

    episodes = []
    for spell in range(8):
        first, n = 6 * rng.randrange(100), rng.randint(1, 3)
        edges = sorted(first + 6 * rng.randrange(20) for _ in range(2 * n))
        for place in range(n):  # with gaps between episodes, and with time outside them
            episodes.append(make_episode(
                f"s{spell}.{place}", at(edges[2 * place]), at(edges[2 * place + 1]), episode_number=place + 1,
                patient_key=f"p{spell % 3}", admission_dt=at(first), discharge_dt=at(first + 120),
            ))  # fmt: skip
    events = {
        "apc_episodes": episodes,
        "op_attendances": [
            make_appointment(f"o{n}", at(6 * rng.randrange(160)), tfc=rng.choice(["110", "300"]),
                             patient_key=f"p{n % 3}")
            for n in range(12)
        ],
        "ed_attendances": [
            make_attendance(f"e{n}", at(start := 6 * rng.randrange(160)), at(start + 3), patient_key=f"p{n % 3}")
            for n in range(8)
        ],
    }  # fmt: skip
    names = ["s1", "s2.0", "o3", "e4", "typo", "s5", None, None, None, None]
    requests = [
        make_request(
            f"t{n:03d}", rng.choice([at(rng.randrange(960)), at(6 * rng.randrange(160)), None]),
            rng.choice(names), patient_key=rng.choice(["p0", "p1", "p2", None]),
            requesting_tfc=rng.choice(["110", "300", None]),
        )
        for n in range(250)
    ]  # fmt: skip
    return events, requests


def find_plainly(request: dict, events: dict[str, list[dict]]) -> tuple[str | None, str]:
    """The rules of matching as the method tells them, one request and one event at a time."""
    day = timedelta(days=1)
    moment = request["requested_dt"] and datetime.fromisoformat(request["requested_dt"])
    ref, patient, tfc = (
        request[name] for name in ("spell_or_attendance_id", "patient_key", "requesting_tfc")
    )
    kinds = {
        "apc_episodes": ("episode_id", "episode_start_dt", "episode_end_dt"),
        "op_attendances": ("attendance_id", "appointment_dt", "appointment_dt"),
        "ed_attendances": ("attendance_id", "arrival_dt", "departure_dt"),
    }
    told = [
        {**event, "kind": kind, "id": event[key], "start": datetime.fromisoformat(event[start]),
         "end": datetime.fromisoformat(event[end])}
        for kind, (key, start, end) in kinds.items() for event in events[kind]
    ]  # fmt: skip
    if any(event["id"] == ref for event in told):
        return ref, "ID"
    if moment is None:
        return None, "NONE"
    for event in told:
        event["gap"] = max(event["start"] - moment, moment - event["end"], timedelta(0))
        event["since"] = moment - event["start"] if not event["gap"] else timedelta(0)
    episodes, clinics, emergencies = ([e for e in told if e["kind"] == kind] for kind in kinds)
    here = [e for e in episodes if e["spell_id"] == ref]
    of_patient = [e for e in episodes if e["patient_key"] == patient and
                  e["admission_dt"] <= request["requested_dt"] <= e["discharge_dt"]]  # fmt: skip
    clinics = [e for e in clinics if e["patient_key"] == patient and e["tfc"] == tfc]
    for event in emergencies:
        event["since"] = timedelta(0)  # the smaller id, not the later arrival
    tried = [
        ("SPELL", [e for e in here if not e["gap"]]),
        ("SPELL_NEAR", [e for e in here if e["gap"] <= day]),
        ("PAT_APC", of_patient),
        ("PAT_ED", [e for e in emergencies if e["patient_key"] == patient and e["gap"] <= day / 6]),
        ("PAT_OP_DAY", [e for e in clinics if e["start"].date() == moment.date()]),
        ("PAT_OP", [e for e in clinics if -14 * day <= e["start"] - moment <= 30 * day]),
    ]
    for rule, found in tried:
        if found:
            return min(found, key=lambda e: (e["gap"], e["since"], e["id"]))["id"], rule
    return None, "NONE"


@pytest.mark.parametrize("rows_a_band", [bands.ROWS_A_BAND, 97])
def test_matching_agrees_with_the_rules_tried_one_event_at_a_time(rows_a_band, monkeypatch):
    monkeypatch.setattr(bands, "ROWS_A_BAND", rows_a_band)
    seen = set()
    for seed in range(6):
        events, requests = draw_trust(random.Random(seed))
        lines = match(*requests, **events)
        found = [
            (None if pd.isna(row.event_id) else row.event_id, row.match_rule)
            for row in lines.itertuples()
        ]
        assert found == [find_plainly(request, events) for request in requests]
        seen |= set(lines["match_rule"])
    assert seen == set(MATCH_RULES)


def test_every_line_stands_once_whatever_the_order_of_rows_and_the_threads():
    requests = [make_request(f"t{n:02d}", f"2024-07-0{n % 6 + 1} 0{n % 9}:00", ["s1", None][n % 2])
                for n in range(40)]  # fmt: skip
    plain = match(*requests)
    assert len(plain) == 40
    pd.testing.assert_frame_equal(plain, match(*requests, shuffle=7, threads=2))


def test_an_id_that_stands_twice_in_a_file_is_refused():
    twice = make_request("t1", "2024-07-03 12:00")
    with pytest.raises(InputError, match=r"1 activity lines repeat the id .*\n?.*tests"):
        match(twice, twice)
