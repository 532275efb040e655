"""Appointments, emergency attendances, ward stays and the other feeds: each rule on planted rows."""

from __future__ import annotations

import pytest

from small_trust import FILES, add_rows, clean_small, get_account, list_log

ED_HEADER = "attendance_id,patient_key,department_type,arrival_dt,departure_dt,acuity,hrg,admitted_spell_id\n"


def appointment(key: str, **changes: str) -> str:
    fields = FILES["op_attendances.csv"].splitlines()[0].split(",")
    usual = FILES["op_attendances.csv"].splitlines()[1].split(",")
    row = dict(zip(fields, usual, strict=True)) | {"attendance_id": key, "patient_key": f"p{key}"}
    return ",".join((row | changes).values())


def clean_op(tmp_path, *rows: str):
    return clean_small(tmp_path, op_attendances=add_rows("op_attendances", *rows))


def ids(db, file: str, key: str = "attendance_id") -> list[str]:
    return db.frame(f"SELECT {key} AS k FROM clean_{file} ORDER BY k")["k"].tolist()


def test_op_001_a_number_twice_keeps_the_latest_date(tmp_path):
    _, db = clean_op(
        tmp_path, appointment("O2"), appointment("O2", appointment_dt="2024-08-02T09:00")
    )
    dates = db.frame(
        "SELECT CAST(appointment_dt AS VARCHAR) AS d FROM clean_op_attendances WHERE attendance_id = 'O2'"
    )
    assert dates["d"].tolist() == ["2024-08-02 09:00:00"]
    assert len(list_log(db, "OP-001")) == 1


def test_op_002_only_seen_appointments_are_attended(tmp_path):
    codes = ["5", "6", "7", "2", "3", "4", ""]
    rows = [appointment(f"A{place}", attended=code) for place, code in enumerate(codes)]
    cleaned, db = clean_op(tmp_path, *rows)
    attended = db.frame("SELECT is_attended FROM clean_op_attendances ORDER BY attendance_id")[
        "is_attended"
    ]
    assert attended.tolist() == [True, True, False, False, False, False, False, True]  # A0..A6, O1
    assert len(list_log(db, "OP-002")) == 5
    assert get_account(cleaned, "op_attendances")["kept"] == 8


@pytest.mark.parametrize(
    ("booked", "first", "expected"),
    [
        ("", "1", 30),
        ("481", "3", 30),
        ("", "2", 15),
        ("0", "4", 15),
        ("480", "1", 480),
        ("20.5", "2", 20.5),
    ],
)
def test_op_003_booked_time_that_cannot_be_is_the_usual_time(tmp_path, booked, first, expected):
    _, db = clean_op(tmp_path, appointment("O2", booked_minutes=booked, first_attendance=first))
    minutes = db.frame(
        "SELECT booked_minutes AS m FROM clean_op_attendances WHERE attendance_id = 'O2'"
    )
    assert minutes["m"].tolist() == [expected]


def test_op_004_two_at_one_minute_leave_the_attended_one(tmp_path):
    _, db = clean_op(
        tmp_path,
        appointment("O2", patient_key="x", attended="3"),
        appointment("O3", patient_key="x", appointment_dt="01/08/2024 09:00:40"),
        appointment("O4", patient_key="x", tfc="420"),
    )
    assert ids(db, "op_attendances") == ["O1", "O3", "O4"]
    assert list_log(db, "OP-004") == [("O2", "X", "attendance_id", "O2", "O3")]


def test_op_007_another_years_appointment_is_set_aside(tmp_path):
    _, db = clean_op(
        tmp_path,
        appointment("O2", appointment_dt="2024-03-31T23:59"),
        appointment("O3", appointment_dt="2025-03-31T23:59"),
        appointment("O4", appointment_dt="2025-04-01T00:00"),
    )
    assert ids(db, "op_attendances") == ["O1", "O3"]


def test_emergency_rules(tmp_path):
    rows = [
        "D1,p1,01,2024-07-03T04:00,2024-07-03T07:30,3,VB05Z,S1",
        "D2,p2,01,2024-07-03T04:00,2024-07-03T03:59,3,VB05Z,",  # ED-001
        "D3,p3,02,2024-07-03T04:00,2024-07-05T04:01,3,VB05Z,",  # ED-002: 48 h and a minute
        "D4,p4,01,2024-07-03T04:00,2024-07-03T05:31,3,VB05Z,GONE",  # ED-003
        "D5,p5,01,2024-07-03T04:00,,3,VB05Z,",  # ED-005
        "D6,p6,01,2025-04-01T04:00,2025-04-01T05:00,3,VB05Z,",  # ED-004
        "D1,p1,01,2024-07-03T04:00,2024-07-03T07:30,3,VB05Z,S1",  # ED-006
    ]
    cleaned, db = clean_small(tmp_path, ed_attendances=ED_HEADER + "\n".join(rows) + "\n")
    assert ids(db, "ed_attendances") == ["D1", "D3", "D4", "D5"]
    assert [row[0] for row in list_log(db, "ED-002")] == ["D3"]
    assert list_log(db, "ED-003") == [("D4", "W", "admitted_spell_id", "GONE", "")]
    # type 01: 210 and 91 minutes, mean 150.5, taken as 150
    assert list_log(db, "ED-005") == [("D5", "R", "departure_dt", "", "2024-07-03 06:30:00")]
    assert get_account(cleaned, "ed_attendances") == {
        "read": 7, "kept": 4, "repaired": 1, "excluded": 3, "added": 0, "warned": 2
    }  # fmt: skip


def clean_stays(tmp_path, *rows: str, **more):
    header = FILES["ward_stays.csv"].splitlines()[0]
    return clean_small(tmp_path, ward_stays="\n".join([header, *rows]) + "\n", **more)


def stays(db) -> list[tuple[str, str, str]]:
    rows = db.frame(
        "SELECT stay_id, strftime(start_dt, '%d %H:%M') AS s, strftime(end_dt, '%d %H:%M') AS e "
        "FROM clean_ward_stays ORDER BY stay_id"
    )
    return [tuple(row) for row in rows.to_numpy()]


def test_wrd_001_the_earlier_stay_ends_where_the_later_starts(tmp_path):
    _, db = clean_stays(
        tmp_path,
        "W1,S1,A,2024-07-03T07:30,2024-07-05T12:00,1",
        "W2,S1,B,2024-07-04T10:00,2024-07-06T12:00,",
    )
    assert stays(db) == [("W1", "03 07:30", "04 10:00"), ("W2", "04 10:00", "06 12:00")]
    assert len(list_log(db, "WRD-001")) == 1
    assert db.frame("SELECT acuity_weight AS w FROM clean_ward_stays")["w"].tolist() == [1.0, 1.0]


def test_wrd_002_a_stay_is_cut_to_its_spell(tmp_path):
    _, db = clean_stays(tmp_path, "W1,S1,A,2024-07-03T06:00,2024-07-06T13:00,1")
    assert stays(db) == [("W1", "03 07:30", "06 12:00")]
    assert [row[2] for row in list_log(db, "WRD-002")] == ["end_dt", "start_dt"]


def test_wrd_002_a_stay_wholly_outside_its_spell_keeps_no_hours(tmp_path):
    _, db = clean_stays(
        tmp_path,
        "W1,S1,A,2024-07-03T07:30,2024-07-06T12:00,1",
        "W2,S1,A,2024-07-08T06:00,2024-07-09T13:00,1",
    )
    assert stays(db)[1] == ("W2", "06 12:00", "06 12:00")
    assert [row[0] for row in list_log(db, "WRD-004")] == ["W2"]


def test_wrd_003_a_spell_with_nights_and_no_stay_gets_one(tmp_path):
    cleaned, db = clean_stays(tmp_path, "W9,GONE,A,2024-07-03T07:30,2024-07-06T12:00,1")
    assert stays(db) == [
        ("W9", "03 07:30", "06 12:00"),
        ("WARD_UNKNOWN:S1", "03 07:30", "06 12:00"),
    ]
    assert list_log(db, "WRD-003") == [("WARD_UNKNOWN:S1", "R", "ward_id", "", "WARD_UNKNOWN")]
    assert list_log(db, "WRD-005") == [("W9", "W", "spell_id", "GONE", "")]
    # 1 read = 1 kept + 0 set aside; the made row is counted apart
    account = get_account(cleaned, "ward_stays")
    assert (account["read"], account["kept"], account["added"]) == (1, 1, 1)


def test_wrd_006_and_007_backward_stays_and_other_years_are_set_aside(tmp_path):
    _, db = clean_stays(
        tmp_path,
        "W1,S1,A,2024-07-03T07:30,2024-07-06T12:00,1",
        "W2,S1,A,2024-07-04T07:30,2024-07-03T12:00,1",
        "W3,S0,A,2024-03-01T07:30,2024-03-31T12:00,1",
    )
    assert ids(db, "ward_stays", "stay_id") == ["W1"]


def test_wrd_008_a_nursing_weight_of_nothing_is_one(tmp_path):
    _, db = clean_stays(tmp_path, "W1,S1,A,2024-07-03T07:30,2024-07-06T12:00,0")
    assert db.frame("SELECT acuity_weight AS w FROM clean_ward_stays")["w"].tolist() == [1.0]


def test_theatre_and_drug_rules(tmp_path):
    theatre = """case_id,spell_id,theatre_id,into_dt,out_dt
T1,S1,TH1,2024-07-03T09:00,2024-07-03T10:00
T2,S1,TH1,2024-07-03T10:00,2024-07-03T10:00
T3,S1,TH1,2024-07-03T09:00,2024-07-04T01:01
T4,GONE,TH1,2024-07-03T09:00,2024-07-03T10:00
T1,S1,TH1,2024-07-03T09:00,2024-07-03T10:00
"""
    drugs = """issue_id,issue_dt,product,cost
I1,2024-07-03T09:00,DRUG,"1,234.50"
I2,2024-07-03T09:00,DRUG,(5.25)
I3,2024-07-03T09:00,DRUG,
I4,2024-07-03T09:00,DRUG,0.125
I5,2025-07-03T09:00,DRUG,1.00
"""
    cleaned, db = clean_small(tmp_path, theatre_cases=theatre, drug_issues=drugs)
    assert ids(db, "theatre_cases", "case_id") == ["T1", "T3", "T4"]
    assert [row[0] for row in list_log(db, "THR-001")] == ["T2"]
    assert [row[0] for row in list_log(db, "THR-002")] == ["T3"]
    assert [row[0] for row in list_log(db, "THR-003")] == ["T4"]
    assert [row[0] for row in list_log(db, "DUP-001")] == ["T1"]
    costs = db.frame("SELECT cost_pence AS c FROM clean_drug_issues ORDER BY issue_id")["c"]
    assert costs.isna().tolist() == [False, False, True, False]
    # £1,234.50; a credit of £5.25; not known; 12.5p rounded away from zero
    assert costs.dropna().tolist() == [123_450, -525, 13]
    assert list_log(db, "TYP-003") == [("I4", "R", "cost", "0.125", "13")]
    assert [row[0] for row in list_log(db, "DRG-001")] == ["I2"]
    assert [row[0] for row in list_log(db, "DRG-002")] == ["I3"]
    assert [row[0] for row in list_log(db, "PER-001")] == ["I5"]
    amounts = cleaned.summary.set_index("rule")["amount_pence"]
    assert amounts["DRG-001"] == -525
