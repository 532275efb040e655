"""What a line of activity weighs: hundredths of the feed's unit, pence for drugs and implants."""

from __future__ import annotations

import pandas as pd
from activity_tables import (
    SETTINGS,
    add_clean,
    make_appointment,
    make_attendance,
    make_episode,
    make_frames,
)

from helpers.contracts.terms import FEEDS
from helpers.costing.clock import find_period
from helpers.costing.events import build_events
from helpers.costing.matching import build_activity_lines, match_lines
from helpers.costing.reference import get_reference
from helpers.costing.weights import build_feed_lines, build_ward_pieces
from helpers.engine import Engine

SPELL = {"admission_dt": "2024-07-01 08:00", "discharge_dt": "2024-07-05 08:00"}
STAY = {"stay_id": "w1", "spell_id": "s1", "ward_id": "W1"}


def list_lines(
    feed: str, *, relative: list[tuple] = (), missed: str = "free", **files
) -> pd.DataFrame:
    """Return a feed's activity lines by id."""
    settings = {**SETTINGS, "missed_appointments": missed}
    frames = make_frames(
        relative_weights=pd.DataFrame(list(relative), columns=["feed", "code", "weight"])
    )
    with Engine(threads=1) as db:
        for file, rows in files.items():
            add_clean(db, file, rows)
        period = find_period(SETTINGS)
        build_events(db, frames, settings)
        build_ward_pieces(db, period)
        build_feed_lines(db, frames, period)
        match_lines(db)
        build_activity_lines(db, frames, period)
        return db.frame(
            "SELECT * FROM activity_lines WHERE feed = $feed ORDER BY activity_id", feed=feed
        ).set_index("activity_id")


def one_spell(**more) -> list[dict]:
    return [make_episode("s1.1", "2024-07-01 08:00", "2024-07-05 08:00", **more)]


def test_a_ward_stay_weighs_hours_times_acuity():
    stay = {
        **STAY,
        "start_dt": "2024-07-01 08:00",
        "end_dt": "2024-07-03 14:00",
        "acuity_weight": 2.0,
    }
    lines = list_lines("ward", apc_episodes=one_spell(), ward_stays=[stay])
    # 54 hours x 2
    assert lines["weight"].tolist() == [10_800]
    assert lines["match_rule"].tolist() == ["SPELL"]
    assert lines["feed_key"].tolist() == ["W1"]


def test_a_short_or_empty_stay_weighs_one_hour():
    stays = [
        {**STAY, "start_dt": "2024-07-01 08:00", "end_dt": "2024-07-01 08:20"},
        {**STAY, "stay_id": "w2", "start_dt": "2024-07-02 08:00", "end_dt": "2024-07-02 08:00"},
    ]
    assert list_lines("ward", apc_episodes=one_spell(), ward_stays=stays)["weight"].tolist() == [
        100,
        100,
    ]


def test_only_hours_inside_the_year_count():
    episode = make_episode("s1.1", "2024-03-30 00:00", "2024-04-02 12:00", completion=2)
    stay = {**STAY, "start_dt": "2024-03-30 00:00", "end_dt": "2024-04-02 12:00"}
    before = {**STAY, "stay_id": "w0", "start_dt": "2024-03-01 00:00", "end_dt": "2024-03-02 00:00"}
    lines = list_lines("ward", apc_episodes=[episode], ward_stays=[stay, before])
    # 1 April 00:00 to 2 April 12:00 is 36 hours.
    assert lines["weight"].to_dict() == {"ward:w1": 3_600}


def test_a_stay_still_open_runs_to_the_end_of_the_year():
    episode = make_episode("s1.1", "2025-03-31 00:00", None, completion=3)
    stay = {**STAY, "start_dt": "2025-03-31 00:00", "end_dt": None}
    assert list_lines("ward", apc_episodes=[episode], ward_stays=[stay])["weight"].tolist() == [
        2_400
    ]


def test_a_stay_over_two_episodes_is_split_by_time_and_keeps_its_whole_weight():
    episodes = [
        make_episode("s1.1", "2024-07-01 08:00", "2024-07-02 08:00", **SPELL),
        make_episode("s1.2", "2024-07-02 08:00", "2024-07-05 08:00", episode_number=2, **SPELL),
    ]
    stay = {**STAY, "start_dt": "2024-07-01 08:00", "end_dt": "2024-07-05 08:00"}
    lines = list_lines("ward", apc_episodes=episodes, ward_stays=[stay])
    # 96 hours: 72 in the second episode, 24 in the first.
    assert dict(zip(lines["event_id"], lines["weight"], strict=True)) == {
        "s1.2": 7_200,
        "s1.1": 2_400,
    }
    assert lines.index.tolist() == ["ward:w1", "ward:w1:2"]


def test_hours_in_a_gap_between_episodes_stay_in_the_split():
    episodes = [
        make_episode("s1.1", "2024-07-01 08:00", "2024-07-02 08:00", **SPELL),
        make_episode("s1.2", "2024-07-03 08:00", "2024-07-04 08:00", episode_number=2, **SPELL),
    ]
    stay = {**STAY, "start_dt": "2024-07-01 08:00", "end_dt": "2024-07-04 08:00"}
    lines = list_lines("ward", apc_episodes=episodes, ward_stays=[stay])
    # 72 hours in all, half to each episode.
    assert lines["weight"].tolist() == [3_600, 3_600]


def test_a_stay_beside_its_episodes_goes_to_the_nearest_within_a_day():
    near = {**STAY, "start_dt": "2024-07-05 10:00", "end_dt": "2024-07-05 14:00"}
    far = {**STAY, "stay_id": "w2", "start_dt": "2024-07-07 10:00", "end_dt": "2024-07-07 14:00"}
    lost = {**STAY, "stay_id": "w3", "spell_id": "nowhere", "start_dt": "2024-07-07 10:00",
            "end_dt": "2024-07-07 14:00"}  # fmt: skip
    lines = list_lines("ward", apc_episodes=one_spell(), ward_stays=[near, far, lost])
    assert lines["match_rule"].tolist() == ["SPELL_NEAR", "NONE", "NONE"]
    assert lines["weight"].tolist() == [400, 400, 400]
    assert lines["unmatched_line_id"].tolist()[1:] == ["UNMATCHED:UNMAPPED"] * 2


def test_theatre_weighs_minutes_with_setting_up_times_the_team_and_recovery_its_own():
    case = {"case_id": "c1", "spell_id": "s1", "theatre_id": "T1", "into_dt": "2024-07-01 09:00",
            "out_dt": "2024-07-01 10:30", "setup_minutes": 15, "recovery_minutes": 40,
            "team_weight": 1.2}  # fmt: skip
    files = {"apc_episodes": one_spell(), "theatre_cases": [case]}
    # (90 + 15) x 1.2 = 126 minutes
    assert list_lines("theatre", **files)["weight"].tolist() == [12_600]
    assert list_lines("recovery", **files)["weight"].tolist() == [4_000]


def test_critical_care_weighs_hours_by_organs_supported():
    period = {"cc_id": "cc1", "spell_id": "s1", "unit_id": "ICU", "start_dt": "2024-07-02 00:00",
              "end_dt": "2024-07-03 00:00", "organs_supported": 2}  # fmt: skip
    lines = list_lines("critical_care", apc_episodes=one_spell(), critical_care=[period])
    # 24 x (1 + 0.35 x 2) = 40.8
    assert lines["weight"].tolist() == [4_080]


def test_emergency_minutes_are_capped_and_weighed_by_acuity():
    attendances = [
        make_attendance("e1", "2024-07-01 08:00", "2024-07-01 10:00", acuity=1),
        make_attendance("e2", "2024-07-01 08:00", "2024-07-06 10:00", acuity=5),
        make_attendance("e3", "2024-07-01 08:00", "2024-07-01 09:00", acuity=None),
    ]
    lines = list_lines("ed", ed_attendances=attendances)
    # 120 x 3.0; 2,880 x 0.8; 60 x 1 where acuity is not known
    assert lines["weight"].tolist() == [36_000, 230_400, 6_000]


def test_a_trust_can_weigh_acuity_itself():
    attendance = [make_attendance("e1", "2024-07-01 08:00", "2024-07-01 10:00", acuity=1)]
    lines = list_lines("ed", ed_attendances=attendance, relative=[("ed", "1", 5.0)])
    assert lines["weight"].tolist() == [60_000]


def test_a_test_without_a_relative_weight_takes_the_median_of_its_discipline():
    def request(test_id: str, discipline: str, code: str, count: int = 1) -> dict:
        return {"test_id": test_id, "patient_key": "p1", "spell_or_attendance_id": "s1",
                "requested_dt": "2024-07-01 09:00", "discipline": discipline, "test_code": code,
                "count": count}  # fmt: skip

    tests = [
        request("t1", "PATH", "FBC", 2),
        request("t2", "PATH", "UE"),
        request("t3", "PATH", "NEW"),
        request("t4", "IMAGING", "CT"),
    ]
    relative = [("tests", "FBC", 1.0), ("tests", "UE", 2.0)]
    lines = list_lines("tests", apc_episodes=one_spell(), tests=tests, relative=relative)
    # 2 x 1; 1 x 2; median of 1 and 2; nothing known of imaging
    assert lines["weight"].tolist() == [200, 200, 150, 100]


def test_therapy_weighs_minutes_by_profession():
    contacts = [
        {"contact_id": "k1", "patient_key": "p1", "spell_or_attendance_id": "s1",
         "start_dt": "2024-07-02 09:00", "minutes": 30, "profession": "PHYSIO"},
        {"contact_id": "k2", "patient_key": "p1", "spell_or_attendance_id": "s1",
         "start_dt": "2024-07-02 09:00", "minutes": 30, "profession": "DIET"},
    ]  # fmt: skip
    lines = list_lines(
        "therapies", apc_episodes=one_spell(), therapy_contacts=contacts,
        relative=[("therapies", "PHYSIO", 1.5)],
    )  # fmt: skip
    assert lines["weight"].tolist() == [4_500, 3_000]


def test_drugs_weigh_their_cost_or_the_median_of_the_product():
    def issue(issue_id: str, product: str, pence: int | None, flag: str = "0") -> dict:
        return {"issue_id": issue_id, "patient_key": "p1", "spell_or_attendance_id": "s1",
                "issue_dt": "2024-07-01 09:00", "product": product, "cost_pence": pence,
                "high_cost_flag": flag}  # fmt: skip

    issues = [
        issue("d1", "PARA", 100), issue("d2", "PARA", 300), issue("d3", "PARA", None),
        issue("d4", "PARA", -50), issue("d5", "MAB", 250_000, "1"), issue("d6", "MAB", -1_000, "1"),
    ]  # fmt: skip
    files = {"apc_episodes": one_spell(), "drug_issues": issues}
    # The median of -50, 100 and 300 is 100; a credit weighs nothing, unless the item is traced.
    assert list_lines("drugs", **files)["weight"].tolist() == [100, 300, 100, 0]
    assert list_lines("high_cost_drugs", **files)["weight"].tolist() == [250_000, -1_000]


def test_medical_minutes_come_from_wards_theatres_clinics_and_emergencies():
    case = {"case_id": "c1", "spell_id": "s1", "theatre_id": "T1", "into_dt": "2024-07-01 09:00",
            "out_dt": "2024-07-01 10:30", "setup_minutes": 15}  # fmt: skip
    stay = {
        **STAY,
        "start_dt": "2024-07-01 08:00",
        "end_dt": "2024-07-03 08:00",
        "acuity_weight": 3,
    }
    lines = list_lines(
        "medical",
        apc_episodes=one_spell(),
        ward_stays=[stay],
        theatre_cases=[case],
        op_attendances=[make_appointment("o1", "2024-08-01 09:00")],
        ed_attendances=[make_attendance("e1", "2024-06-30 22:00", "2024-07-01 02:00")],
    )
    # Ward: 48 h x 60 x 0.02 = 57.6 (acuity is for nurses), theatre 105; clinic 30; emergency 240 x 0.15.
    assert lines["weight"].to_dict() == {
        "medical:e1": 3_600, "medical:o1": 3_000, "medical:s1.1": 16_260,
    }  # fmt: skip
    assert lines["feed_key"].tolist() == ["ED", "TO", "TO"]


def test_a_missed_slot_that_is_costed_weighs_its_booked_minutes_and_draws_no_tests():
    files = {
        "op_attendances": [
            make_appointment("o1", "2024-05-20 09:00"),
            make_appointment("o2", "2024-07-20 10:00", attended="3", is_attended=False),
        ],
        "tests": [
            {
                "test_id": "t1",
                "patient_key": "p1",
                "spell_or_attendance_id": None,
                "discipline": "PATHOLOGY",
                "test_code": "FBC",
                "count": 1,
                "requested_dt": "2024-07-20 12:00",
                "requesting_tfc": "110",
            }
        ],  # on the day of the missed slot
    }
    # 30 booked minutes each, in hundredths
    for feed in ("clinic", "medical"):
        costed = list_lines(feed, missed="costed", **files)["weight"].tolist()
        assert costed == [3_000, 3_000]
        assert list_lines(feed, **files)["weight"].tolist() == [3_000]
    assert list_lines("tests", missed="costed", **files)["match_rule"].tolist() == ["NONE"]


def test_activity_dated_outside_the_year_takes_no_cost():
    implant = {"implant_id": "i1", "spell_id": "s1", "used_dt": "2025-04-01 00:00", "product": "HIP",
               "cost_pence": 100_000}  # fmt: skip
    assert list_lines("implants", apc_episodes=one_spell(), implants=[implant]).empty


def test_every_feed_that_a_pool_may_name_has_a_unit_and_a_source():
    feeds = get_reference("feeds")
    assert sorted(feeds["feed"]) == sorted(FEEDS)
    assert feeds[["unit", "source"]].notna().all(axis=None)
