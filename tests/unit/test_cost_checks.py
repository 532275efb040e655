"""Checks of costs: each finds a planted row, leaves its neighbours, and says when it cannot look."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.contracts import OUTPUTS, STORED_AS
from helpers.costing.check_model import CostedTables
from helpers.costing.cost_checks import COST_CHECKS, check_costs
from helpers.engine import Engine
from helpers.report.tables import costing as tables
from helpers.report.words import costing as words
from mini_trust import add_clean, make_frame

EPISODE = {
    "event_kind": "episode", "line_id": "MED", "pod": "NEL", "spell_pod": "NEL", "hrg": "DZ11K",
    "hrg_spell": "DZ11K", "consultant_code": "C1", "start_dt": "2024-07-03 08:00",
    "completion": 1, "is_discharging": True, "los_days": 2, "admin_category": "01",
    "income_pence": 0, "full_cost_pence": 100_000, "ward_pence": 40_000,
}  # fmt: skip
ACTIVITY = ("activity_id", "feed", "feed_key", "event_id", "line_id", "unmatched_line_id", "weight")
NO_TABLES = CostedTables(
    pd.DataFrame({"department_id": ["WARD"], "kind": ["clinical"], "amount_pence": [500]}),
    pd.DataFrame(
        {"pool_id": ["P1"], "department_id": ["WARD"], "feed": ["ward"], "own_pence": [500],
         "overhead_pence": [0], "rate_gbp_per_unit": [20.0]}
    ),
    pd.DataFrame({"department_id": ["WARD"], "line_id": ["MED"], "amount_pence": [500]}),
)  # fmt: skip


def event(event_id: str, **changes) -> dict:
    return EPISODE | {"event_id": event_id, "spell_id": f"S{event_id}"} | changes


def open_db(events: list[dict], activity: list[tuple] = ()) -> Engine:
    db = Engine(threads=1)
    columns = OUTPUTS["patient_events"].columns
    given = pd.DataFrame(events).reindex(columns=list(columns))
    types = ", ".join(
        f"CAST({name} AS {STORED_AS[spec.kind][0]}) AS {name}" for name, spec in columns.items()
    )
    db.add_frame("given", given)
    db.create("patient_events", f"SELECT {types} FROM given")
    lines = [dict(zip(ACTIVITY, row, strict=True)) for row in activity]
    frame = pd.DataFrame(lines, columns=list(ACTIVITY))
    db.add_frame("given", frame.astype({"weight": "int64"}))
    texts = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in ACTIVITY[:-1])
    db.create("weighed_lines", f"SELECT {texts}, weight FROM given")
    db.create_view("activity_lines", "SELECT * FROM weighed_lines")
    add_clean(db, "apc_episodes", [
        {"episode_id": row["event_id"], "spell_id": row["spell_id"],
         "primary_proc": row.get("proc", "W37")}
        for row in events
    ])  # fmt: skip
    return db


def run(db, frames=None, settings=None, tables=NO_TABLES):
    checks = check_costs(db, frames or {}, settings or {}, tables).set_index("code")
    found = db.frame("SELECT * FROM cost_check_findings ORDER BY code, subject")
    return checks, found


def subjects(found: pd.DataFrame, code: str) -> list[str]:
    return found.loc[found["code"].eq(code), "subject"].tolist()


def test_nineteen_checks_with_words_and_an_action_each():
    assert [check.code for check in COST_CHECKS] == [f"DQ-{n:03}" for n in range(1, 20)]
    assert all(check.words.endswith(".") and check.action.endswith(".") for check in COST_CHECKS)


def test_a_sound_event_is_found_by_nothing_and_absent_files_are_said():
    checks, found = run(open_db([event("E1")]))
    assert found.empty and checks["n_found"].sum() == 0 and checks["amount_pence"].sum() == 0
    # no theatre, ward, critical care, implant or drug feed, no appointments, benchmarks, pools or plans
    assert checks.index[~checks["is_checked"]].tolist() == [
        f"DQ-{n:03}" for n in (5, 6, 7, 8, 9, 10, 11, 12, 14, 17, 18)
    ]
    assert checks.loc["DQ-018", "notice"] == "Not checked: no job_plans."


def test_dq_001_002_and_004_negative_free_and_tiny_costs():
    checks, found = run(
        open_db(
            [
                event("E1", full_cost_pence=-250),
                event("E2", full_cost_pence=0),
                event("E3", full_cost_pence=499),
                event("E4", full_cost_pence=500),
                # a spell that cost something, though its last episode did not
                event("E5", full_cost_pence=0),
                event("E6", spell_id="SE5", is_discharging=False),
                event("E7", full_cost_pence=0, completion=3, is_discharging=False),
            ]
        )
    )
    assert subjects(found, "DQ-001") == ["E1"]
    assert subjects(found, "DQ-002") == ["SE2"]
    assert subjects(found, "DQ-004") == ["E3"]
    assert checks.loc["DQ-001", ["n_found", "amount_pence"]].tolist() == [1, -250]


def test_dq_003_far_from_the_hrgs_mean():
    usual = [event(f"U{n:02}", full_cost_pence=10_000) for n in range(40)]
    # sum 40 x 10,000 + 900 + 200,000 = 600,900 of 42: mean 14,307.1; limits 1,430.7 and 143,071
    _, found = run(
        open_db(
            [*usual, event("LOW", full_cost_pence=900), event("TOP", full_cost_pence=200_000),
             event("FEW", hrg="AA26C", full_cost_pence=9)]
        )
    )  # fmt: skip
    assert subjects(found, "DQ-003") == ["LOW", "TOP"]


def test_dq_005_theatre_cost_without_a_procedure_in_the_spell():
    theatre = [("t1", "theatre", "T", "E1", "MED", None, 5), ("t2", "theatre", "T", "E2", "MED", None, 5)]  # fmt: skip
    db = open_db([event("E1", proc=None), event("E2"), event("E3", proc=None)], theatre)
    add_clean(db, "theatre_cases", [{"case_id": "t1", "spell_id": "SE1"}])
    assert subjects(run(db)[1], "DQ-005") == ["E1"]


def test_dq_005_is_not_made_where_no_procedure_is_recorded_at_all():
    db = open_db([event("E1", proc=None)], [("t1", "theatre", "T", "E1", "MED", None, 5)])
    add_clean(db, "theatre_cases", [{"case_id": "t1", "spell_id": "SE1"}])
    checks, found = run(db)
    assert subjects(found, "DQ-005") == []
    assert checks.loc["DQ-005", "notice"] == "Not checked: no apc_episodes.primary_proc."


@pytest.mark.parametrize(("n_operated", "expected"), [(16, ["E16", "E17", "E18", "E19"]), (15, [])])
def test_dq_006_an_hrg_of_operations_is_one_where_four_in_five_have_theatre_time(
    n_operated, expected
):
    db = open_db([event(f"E{n:02}") for n in range(20)])
    cases = [{"case_id": f"t{n}", "spell_id": f"SE{n:02}"} for n in range(n_operated)]
    add_clean(db, "theatre_cases", cases)
    assert subjects(run(db)[1], "DQ-006") == expected


def test_dq_007_and_008_ward_hours_beyond_a_day_without_a_night():
    db = open_db(
        [
            event("DAY", pod="DC", los_days=0),
            event("EXACT", pod="DC", los_days=0),
            event("NONE", pod="NES", los_days=0),
            event("NIGHT", pod="NES", los_days=1),
        ]
    )
    add_clean(db, "ward_stays", [
        {"stay_id": f"W{spell}", "spell_id": f"S{spell}", "start_dt": "2024-07-03 08:00", "end_dt": end}
        for spell, end in (("DAY", "2024-07-04 08:01"), ("EXACT", "2024-07-04 08:00"),
                           ("NONE", "2024-07-04 09:00"), ("NIGHT", "2024-07-04 09:00"))
    ])  # fmt: skip
    checks, found = run(db)
    assert subjects(found, "DQ-007") == ["DAY"]
    assert subjects(found, "DQ-008") == ["NONE"]
    assert checks.loc["DQ-007", "amount_pence"] == 40_000  # the ward cost, not all of it


def test_dq_009_and_010_critical_care_and_implants_without_their_record():
    db = open_db(
        [event("E1", hrg="XC01Z"), event("E2", hrg="XC01Z"), event("E3")],
        [("implants:M2", "implants", "HIP", "E2", "MED", None, 9)],
    )
    add_clean(db, "critical_care", [{"cc_id": "C1", "spell_id": "SE1"}])
    add_clean(db, "theatre_cases", [{"case_id": "t1", "spell_id": "SE1"}])
    add_clean(db, "implants", [
        {"implant_id": "M1", "spell_id": "SE1", "cost_pence": 100},
        {"implant_id": "M2", "spell_id": "SE2", "cost_pence": 700},
    ])  # fmt: skip
    checks, found = run(db)
    assert subjects(found, "DQ-009") == ["E2"]
    assert subjects(found, "DQ-010") == ["M2"]
    assert checks.loc["DQ-010", "amount_pence"] == 700
    assert found.loc[found["code"].eq("DQ-010"), "line_id"].tolist() == ["MED"]


def test_dq_011_drugs_that_found_no_patient():
    db = open_db(
        [event("E1")],
        [
            ("drugs:I1", "drugs", "D", "E1", "MED", None, 300),
            ("drugs:I2", "drugs", "D", None, None, "UNMATCHED:MED", 450),
            ("tests:I3", "tests", "D", None, None, "UNMATCHED:MED", 450),
        ],
    )
    add_clean(db, "drug_issues", [{"issue_id": "I1"}, {"issue_id": "I2"}])
    checks, found = run(db)
    assert subjects(found, "DQ-011") == ["drugs:I2"]
    assert checks.loc["DQ-011", "amount_pence"] == 450


@pytest.mark.parametrize(("national", "n_found"), [(100_000, 0), (199_000, 0), (201_000, 1)])
def test_dq_012_under_half_the_national_mean(national, n_found):
    rows = [{"hrg": "DZ11K", "pod": "NEL", "national_mean_cost_pence": national, "n": 99}]
    benchmarks = make_frame("benchmarks", rows)
    db = open_db([event(f"E{n:02}") for n in range(20)])  # 20 spells of 100,000
    checks, found = run(db, {"benchmarks": benchmarks})
    assert len(subjects(found, "DQ-012")) == n_found
    # 20 x (201,000 - 100,000)
    assert checks.loc["DQ-012", "amount_pence"] == n_found * 2_020_000


def test_dq_013_and_014_cost_without_events_and_activity_without_a_pool():
    tables = CostedTables(
        pd.DataFrame({"department_id": ["WARD", "LOST", "HR"],
                      "kind": ["clinical", "clinical", "service"], "amount_pence": [500, 80, 20]}),
        NO_TABLES.pool_summary,
        pd.DataFrame({"department_id": ["WARD", "LOST"], "line_id": ["MED", "UNMATCHED:MED"],
                      "amount_pence": [500, 80]}),
    )  # fmt: skip
    pools = pd.DataFrame({"pool_id": ["P1"], "feed_filter": ["A; B"]})
    lines = [(f"ward:{key}", "ward", key, "E1", "MED", None, 1) for key in ("A", "B", "C")]
    checks, found = run(open_db([event("E1")], lines), {"cost_pools": pools}, tables=tables)
    assert subjects(found, "DQ-013") == ["LOST"]
    assert checks.loc["DQ-013", "amount_pence"] == 80
    assert subjects(found, "DQ-014") == ["ward:C"]


@pytest.mark.parametrize(
    ("settings", "n_found"), [({}, 0), ({"ward_hour_range": [25, 50]}, 1), ({"ward_hour_range": [20, 50]}, 0)]
)  # fmt: skip
def test_dq_015_a_rate_is_held_against_the_trusts_range(settings, n_found):
    checks, _ = run(open_db([event("E1")]), settings=settings)  # WARD costs £20 an hour
    assert checks.loc["DQ-015", ["n_found", "amount_pence"]].tolist() == [n_found, 500 * n_found]


def test_dq_016_a_months_unit_cost_that_jumps():
    months = [
        event(f"{month}-{n}", start_dt=f"2024-{month}-03 08:00", full_cost_pence=pence)
        for month, pence in (("04", 1000), ("05", 1300), ("06", 1820))
        for n in range(30)
    ]
    checks, found = run(open_db(months))
    # April to May is 30% to the penny, May to June 40%: 30 x (1,820 - 1,300)
    assert subjects(found, "DQ-016") == ["MED NEL month 3"]
    assert checks.loc["DQ-016", "amount_pence"] == 15_600


def test_dq_017_018_and_019_appointments_consultants_and_private_patients():
    db = open_db(
        [
            event("O1", event_kind="op", spell_id=None, pod="OPFA", spell_pod=None),
            event("O2", event_kind="op", spell_id=None, pod="OPFA", spell_pod=None),
            event("E1", consultant_code="C9999998"),
            event("E2", consultant_code="C2", admin_category="02", income_pence=70),
            event("E3", admin_category="02", pod="PRIV", spell_pod="PRIV", income_pence=70),
        ]
    )
    add_clean(
        db, "op_attendances",
        [{"attendance_id": "O1", "is_attended": True}, {"attendance_id": "O2", "is_attended": False}],
        is_attended="BOOLEAN",
    )  # fmt: skip
    plans = pd.DataFrame({"consultant_code": ["C1"]})
    checks, found = run(db, {"job_plans": plans})
    assert subjects(found, "DQ-017") == ["O2"]
    assert subjects(found, "DQ-018") == ["C2"]  # C9999998 is nobody
    assert subjects(found, "DQ-019") == ["E2"]
    assert checks.loc["DQ-019", "amount_pence"] == 70


def test_the_page_ranks_what_was_found_by_money_and_names_what_was_not_checked():
    checks = pd.DataFrame({
        "code": ["DQ-001", "DQ-002", "DQ-003", "DQ-018"],
        "words": ["The cost of an event is negative.", "A completed spell cost nothing.",
                  "An event is far off.", "A consultant has no job plan."],
        "subject": ["events", "spells", "events", "consultants"],
        "action": ["Look."] * 4,
        "is_checked": [True, True, True, False],
        "notice": ["", "", "", "Not checked: no job_plans."],
        "n_found": [2, 0, 1, 0],
        "amount_pence": [-90_000, 0, 50_000, 0],
    })  # fmt: skip
    assert tables.build_checks_table(checks)["code"].tolist() == ["DQ-001", "DQ-003"]
    assert words.describe_cost_checks(checks) == (
        "3 checks were made, and 2 of them found something. Most money rests on DQ-001: the cost of an "
        "event is negative (2 events, £900)."
    )
    assert words.list_checks_off(checks) == [
        "DQ-018 A consultant has no job plan. Not checked: no job_plans."
    ]
