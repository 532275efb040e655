"""Activity feeds and their links: each rule on a planted row of the small trust.

Its one spell S1 is patient p1's, from 3 July 07:30 to 6 July 12:00.
"""

from __future__ import annotations

import pytest

from small_trust import FILES, add_rows, clean_small, list_log

THEATRE = "case_id,spell_id,theatre_id,into_dt,out_dt,setup_minutes,recovery_minutes,team_weight\n"
CRITICAL = "cc_id,spell_id,unit_id,start_dt,end_dt,organs_supported\n"
TESTS = "test_id,patient_key,spell_or_attendance_id,requested_dt,discipline,test_code,count\n"
THERAPY = "contact_id,patient_key,spell_or_attendance_id,start_dt,minutes,profession\n"
DRUGS = "issue_id,patient_key,spell_or_attendance_id,issue_dt,product,cost\n"
IMPLANTS = "implant_id,spell_id,used_dt,product,cost\n"
WEIGHTS = "feed,code,weight\ntests,FBC,4\ntherapies,PHYSIO,1\n"
DAY = "2024-07-04T09:00"


def keys(db, rule: str) -> list[str]:
    return [row[0] for row in list_log(db, rule)]


@pytest.mark.parametrize(
    ("into", "out", "found"),
    [
        ("2024-07-02T07:30", "2024-07-02T08:30", []),  # 24 hours before admission, to the minute
        ("2024-07-02T07:29", "2024-07-02T08:30", ["T1"]),
        ("2024-07-07T12:00", "2024-07-07T13:00", []),  # 24 hours after discharge
        ("2024-07-07T12:01", "2024-07-07T13:00", ["T1"]),
    ],
)
def test_thr_004_a_case_more_than_a_day_from_its_spell_is_warned_of(tmp_path, into, out, found):
    _, db = clean_small(tmp_path, theatre_cases=f"{THEATRE}T1,S1,TH1,{into},{out},,,\n")
    assert keys(db, "THR-004") == found
    assert db.count("clean_theatre_cases") == 1


def test_thr_004_a_spell_that_goes_on_has_no_end_to_lie_after(tmp_path):
    episodes = FILES["apc_episodes.csv"].replace("2024-07-06T12:00", "")
    case = "T1,S1,TH1,2025-01-07T12:01,2025-01-07T13:00,,,\n"
    _, db = clean_small(tmp_path, apc_episodes=episodes, theatre_cases=THEATRE + case)
    assert keys(db, "THR-004") == []


def test_thr_005_minutes_and_teams_below_what_can_be_are_repaired(tmp_path):
    rows = "T1,S1,TH1,2024-07-03T09:00,2024-07-03T10:00,-5,-1,0\n"
    _, db = clean_small(tmp_path, theatre_cases=THEATRE + rows)
    assert [row[2:] for row in list_log(db, "THR-005")] == [
        ("recovery_minutes", "-1.0", "0.0"),
        ("setup_minutes", "-5.0", "0.0"),
        ("team_weight", "0.0", "1.0"),
    ]
    kept = db.frame("SELECT setup_minutes, recovery_minutes, team_weight FROM clean_theatre_cases")
    assert kept.to_numpy().tolist() == [[0.0, 0.0, 1.0]]


def test_thr_006_a_patient_in_theatre_twice_at_once_is_warned_of(tmp_path):
    rows = """T1,S1,TH1,2024-07-03T09:00,2024-07-03T12:00,,,
T2,S1,TH2,2024-07-03T10:00,2024-07-03T11:00,,,
T3,S1,TH2,2024-07-03T11:30,2024-07-03T11:45,,,
T4,S1,TH1,2024-07-03T12:00,2024-07-03T13:00,,,
"""
    _, db = clean_small(tmp_path, theatre_cases=THEATRE + rows)
    # T3 starts after T2 has ended, but T1 goes on; T4 starts as T1 ends
    assert keys(db, "THR-006") == ["T2", "T3"]


def test_critical_care_rules(tmp_path):
    rows = """C1,S1,ICU,2024-07-03T08:00,2024-07-04T08:00,2
C2,S1,ICU,2024-07-04T07:00,2024-07-05T08:00,8
C3,GONE,ICU,2024-07-04T07:00,2024-07-05T08:00,1
C4,S1,ICU,2024-07-05T09:00,,1
C5,S1,ICU,2024-07-09T09:00,2024-07-09T10:00,1
C6,S1,ICU,2024-07-05T09:00,2024-07-05T08:00,1
"""
    _, db = clean_small(tmp_path, critical_care=CRITICAL + rows)
    assert keys(db, "CCP-001") == ["C6"]
    assert keys(db, "CCP-002") == ["C3"]
    assert keys(db, "CCP-003") == ["C5"]
    assert list_log(db, "CCP-004") == [("C2", "R", "organs_supported", "8", "")]
    assert keys(db, "CCP-005") == ["C2"]
    assert list_log(db, "CCP-006") == [("C4", "R", "end_dt", "", "2024-07-06 12:00:00")]


def test_tests_and_therapies_are_held_against_the_relative_weights(tmp_path):
    tests = f"""S1,p1,S1,{DAY},PATHOLOGY,FBC,1
S2,p1,S1,{DAY},PATHOLOGY,ODD,1
S3,p1,S1,{DAY},PATHOLOGY,FBC,
S4,p1,S1,{DAY},PATHOLOGY,FBC,0
"""
    contacts = f"""H1,p1,S1,{DAY},30,PHYSIO
H2,p1,S1,{DAY},0,PHYSIO
H3,p1,S1,{DAY},481,PHYSIO
H4,p1,S1,{DAY},480,ASTROLOGY
"""
    _, db = clean_small(
        tmp_path, tests=TESTS + tests, therapy_contacts=THERAPY + contacts, relative_weights=WEIGHTS
    )
    assert list_log(db, "TST-001") == [("S2", "W", "test_code", "ODD", "")]
    assert keys(db, "TST-002") == ["S3", "S4"]
    assert keys(db, "THP-001") == ["H2"]
    assert keys(db, "THP-002") == ["H3"]
    assert keys(db, "THP-003") == ["H4"]


def test_tst_001_has_nothing_to_say_where_no_test_has_a_weight(tmp_path):
    tests = TESTS + f"S1,p1,S1,{DAY},PATHOLOGY,FBC,1\n"
    for number, weights in enumerate((None, "feed,code,weight\ntherapies,PHYSIO,1\n")):
        _, db = clean_small(tmp_path / str(number), tests=tests, relative_weights=weights)
        assert keys(db, "TST-001") == []


def test_drg_003_a_product_that_never_has_a_cost_takes_none(tmp_path):
    rows = f"I1,p1,S1,{DAY},GIVEN,\nI2,p1,S1,{DAY},GIVEN,2.00\nI3,p1,S1,{DAY},NEVER,\n"
    _, db = clean_small(tmp_path, drug_issues=DRUGS + rows)
    assert keys(db, "DRG-002") == ["I1", "I3"]
    assert keys(db, "DRG-003") == ["I3"]


def test_implant_rules(tmp_path):
    rows = f"""M1,S1,{DAY},HIP,100.00
M2,S1,{DAY},HIP,-40.00
M3,S1,{DAY},HIP,0
M4,GONE,{DAY},HIP,100.00
M5,S1,2024-07-07T12:01,HIP,100.00
"""
    cleaned, db = clean_small(tmp_path, implants=IMPLANTS + rows)
    assert keys(db, "IMP-001") == ["M2"]
    assert keys(db, "IMP-002") == ["M3"]
    assert keys(db, "IMP-003") == ["M4"]
    assert keys(db, "IMP-004") == ["M5"]
    summary = cleaned.summary.set_index("rule")
    assert summary.loc["IMP-001", "amount_pence"] == -4000
    assert not summary.loc["IMP-001", "is_fault"]  # a credit is a fact


def test_lnk_001_a_row_of_another_patient_than_its_spell_is_warned_of(tmp_path):
    rows = f"""S1,p1,S1,{DAY},PATHOLOGY,FBC,1
S2,p2,S1,{DAY},PATHOLOGY,FBC,1
S3,,S1,{DAY},PATHOLOGY,FBC,1
S4,p2,O1,{DAY},PATHOLOGY,FBC,1
"""
    attendance = (
        "attendance_id,patient_key,department_type,arrival_dt,departure_dt,acuity,hrg,"
        "admitted_spell_id\nD1,p9,01,2024-07-03T03:00,2024-07-03T06:30,3,VB07Z,S1\n"
    )
    _, db = clean_small(tmp_path, tests=TESTS + rows, ed_attendances=attendance)
    # a patient who is not known contradicts nothing; O1 is p1's appointment
    assert keys(db, "LNK-001") == ["D1", "S2", "S4"]
    assert db.count("clean_tests") == 4


def test_lnk_002_nothing_before_birth_or_after_death(tmp_path):
    usual = FILES["apc_episodes.csv"].splitlines()[1]
    died = usual.replace("E1,S1,1,p1", "E2,S2,1,p2").replace(",21,1,1,19,", ",21,1,4,79,")
    born = (
        usual.replace("E1,S1,1,p1", "E3,S3,1,p3")
        .replace(",21,1,1,19,", ",82,1,1,19,")
        .replace(",68,2,", ",0,2,")
    )
    appointments = [
        f"{key},{patient},{moment},300,C1234567,1,5,20,WF01A,0,01,QKK"
        for key, patient, moment in (
            ("A1", "p2", "2024-07-07T12:00"),  # a day after death, to the minute
            ("A2", "p2", "2024-07-07T12:01"),
            ("A3", "p3", "2024-07-03T00:00"),  # the day of birth
            ("A4", "p3", "2024-07-02T23:59"),
            ("A5", "p1", "2024-07-30T23:59"),
        )
    ]
    _, db = clean_small(
        tmp_path,
        apc_episodes=add_rows("apc_episodes", died, born),
        op_attendances=add_rows("op_attendances", *appointments),
    )
    assert keys(db, "LNK-002") == ["A2", "A4"]


def test_lnk_003_and_004_rows_that_name_nothing_known_or_nobody(tmp_path):
    rows = f"""I1,p1,S1,{DAY},D,1.00
I2,p1,GONE,{DAY},D,1.00
I3,p1,,{DAY},D,1.00
I4,,,{DAY},D,1.00
I5,p1,E1,{DAY},D,1.00
"""
    _, db = clean_small(tmp_path, drug_issues=DRUGS + rows)
    assert list_log(db, "LNK-003") == [("I2", "W", "spell_or_attendance_id", "GONE", "")]
    assert keys(db, "LNK-004") == ["I4"]
    assert not db.has("link_patients")
