"""Work in progress, months, breakdowns and unit costs, on five stays and a clinic counted by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.costing.analysis import analyse_events
from helpers.costing.patient_events import MONEY_COLUMNS, create_patient_events
from helpers.costing.reconciliation import Checks, check_breakdowns, check_months
from helpers.costing.wip import add_opening_work
from helpers.engine import open_engine

# event, spell, kind, line, pod, HRG, completion, discharging, admission, start, end, days, cost, income
EVENTS = [
    ("A1", "A", "episode", "TO", "EL", "HN22", 1, False, "2024-05-01", "2024-05-01", "2024-05-03", 6, 300, 400),
    ("A2", "A", "episode", "GM", "EL", "HN22", 1, True, "2024-05-01", "2024-05-03", "2024-05-07", 6, 500, 600),
    ("B1", "B", "episode", "TO", "NEL", "HN22", 2, True, "2024-03-26", "2024-03-26", "2024-04-05", 10, 140, 900),
    ("C1", "C", "episode", "TO", "NEL", "HN12", 2, True, "2024-03-30", "2024-03-30", "2024-04-02", 3, 70, 800),
    ("D1", "D", "episode", "TO", "NEL", "HN12", 3, False, "2025-03-20", "2025-03-20", None, None, 250, 0),
    ("E1", "E", "episode", "TO", "NEL", "HN12", 4, False, "2024-03-01", "2024-03-01", None, None, 365, 0),
    ("O1", None, "op", "TO", "OPFA", "WF01", 1, True, "2024-06-09", "2024-06-09", "2024-06-09", None, 20, 30),
]  # fmt: skip
NAMES = ["event_id", "spell_id", "event_kind", "line_id", "pod", "hrg", "completion", "is_discharging",
         "admission_dt", "start_dt", "end_dt", "los_days", "cost", "income"]  # fmt: skip
# B stayed ten days, six of them before the year: 10 x 35 = 350, of which 210 was carried in.
OPENING = pd.DataFrame(
    [("B1", "WARD", "PAY_NURSING", 200), ("B1", "MED", "PAY_MEDICAL", 10), ("E1", "WARD", "PAY_NURSING", 300),
     ("GONE", "WARD", "PAY_NURSING", 77)],
    columns=["episode_id", "source_department", "element", "amount_pence"],
)  # fmt: skip


@pytest.fixture
def db():
    with open_engine(threads=1) as engine:
        events = pd.DataFrame(EVENTS, columns=NAMES)
        for name in ("admission_dt", "start_dt", "end_dt"):
            events[name] = pd.to_datetime(events[name])
        events["los_days"] = events["los_days"].astype("Int64")
        from helpers.contracts import OUTPUTS

        for name in OUTPUTS["patient_events"].columns:
            if name not in events and name not in MONEY_COLUMNS:
                events[name] = pd.Series(dtype="str")
        events["hrg_spell"] = events["hrg"].where(events["event_kind"] == "episode")
        events["spell_pod"] = events["pod"].where(events["event_kind"] == "episode")
        events["consultant_code"] = "C1"
        engine.add_frame("events", events)
        engine.create(
            "event_cost_totals",
            "SELECT event_id, cost AS direct_pence, 0 AS indirect_pence, 0 AS overhead_pence, 0 AS "
            "below_ebitda_pence, cost AS full_cost_pence, 0 AS ward_pence FROM events",
        )
        engine.create("event_income", "SELECT event_id, income AS income_pence FROM events")
        engine.create(
            "patient_costs",
            "SELECT event_id, line_id, 'WARD' AS source_department, 'PAY_NURSING' AS element, "
            "cost AS amount_pence FROM events",
        )
        yield engine


def analyse(db, opening: pd.DataFrame | None = OPENING):
    frames = {} if opening is None else {"wip_opening": opening}
    notices = add_opening_work(db, frames)
    create_patient_events(db)
    costs = pd.DataFrame({"feed": ["theatre"], "line_id": ["TO"], "amount_pence": [4_000]})
    units = pd.DataFrame({"line_id": ["TO"], "feed": ["theatre"], "weight_units": [20.0]})
    return analyse_events(db, costs, units), notices


def test_a_stay_of_ten_days_four_in_the_year(db):
    # Ten days at 350; four are in the year: 1,400 of the year, 2,100 carried in, 3,500 in all.
    db.run("UPDATE event_cost_totals SET full_cost_pence = 140000 WHERE event_id = 'B1'")
    tables, _ = analyse(db, OPENING.assign(amount_pence=[200_000, 10_000, 0, 0]))
    april = tables["line_months"].query("line_id == 'TO' and month == 1").iloc[0]
    # C1 ended in April too, and cost 70.
    assert (april["in_year_pence"], april["opening_pence"]) == (140_000 + 70, 210_000)
    assert april["completed_pence"] == 350_000 + 70


def test_twelve_months_and_the_movement_make_the_year(db):
    tables, _ = analyse(db)
    to = tables["line_wip"].set_index("line_id").loc["TO"]
    # Carried in: B 210, E 300. Carried out: D 250, E 365 + 300. Completed: A1 300, B 350, C 70, O 20.
    assert (to["opening_pence"], to["closing_pence"]) == (510, 915)
    assert (to["completed_pence"], to["movement_pence"]) == (740, 405)
    assert (to["n_open"], to["n_carried_in"]) == (2, 2)
    # The year's cost: 300 + 140 + 70 + 250 + 365 + 20 = 1,145 = 740 + 405
    checks = Checks()
    costs = pd.DataFrame(
        {"line_id": ["TO", "GM", "UNMATCHED:TO", "ET"], "amount_pence": [1_145, 500, 9, 9]}
    )
    check_months(checks, tables["line_wip"], costs)
    check_months(checks, tables["line_wip"], costs.assign(amount_pence=[1_144, 501, 9, 9]))
    assert [row[-1] for row in checks.rows] == [True, False]
    assert (
        checks.rows[1][-2] == 2
    )  # a penny short in one line and a penny over in another do not cancel


def test_what_is_carried_out_can_be_carried_in_next_year(db):
    tables, _ = analyse(db)
    closing = tables["wip_closing"]
    assert closing.groupby("episode_id")["amount_pence"].sum().to_dict() == {"D1": 250, "E1": 665}
    assert closing["amount"].tolist() == [2.5, 6.65]
    assert {"episode_id", "source_department", "element", "amount"} <= set(closing.columns)


def test_what_is_carried_in_for_nobody_is_said_and_takes_no_part(db):
    _, notices = analyse(db)
    assert len(notices) == 1
    assert "£0.77 is carried in for 1 episodes" in notices[0] and "GONE" not in notices[0]


def test_unit_costs_use_spells_whose_whole_cost_is_known(db):
    tables, _ = analyse(db)
    found = tables["unit_costs"].set_index(["line_id", "unit"])
    # TO discharged B (140 + 210 carried in); C brought nothing from its two days before the year.
    assert found.loc[("TO", "spell"), ["n_units", "cost_pence"]].tolist() == [1, 350]
    assert found.loc[("TO", "bed_day"), "cost_gbp_per_unit"] == pytest.approx(0.35)
    # GM discharged A, all of whose cost is A1's 300 and A2's 500.
    assert found.loc[("GM", "spell"), ["n_units", "cost_pence"]].tolist() == [1, 800]
    assert found.loc[("TO", "op_attendance"), "cost_pence"] == 20
    assert found.loc[("TO", "theatre_minute"), "cost_gbp_per_unit"] == pytest.approx(2.0)


def test_without_a_file_of_opening_work_stays_from_before_the_year_set_no_unit_cost(db):
    tables, notices = analyse(db, None)
    assert notices == []
    units = tables["unit_costs"].set_index(["line_id", "unit"])
    assert ("TO", "spell") not in units.index
    assert tables["line_wip"]["opening_pence"].sum() == 0


def test_a_spell_whose_first_episode_is_not_there_is_not_whole(db):
    db.run("UPDATE events SET admission_dt = TIMESTAMP '2024-04-28' WHERE spell_id = 'A'")
    tables, _ = analyse(db)
    assert ("GM", "spell") not in tables["unit_costs"].set_index(["line_id", "unit"]).index


def test_rows_of_a_line_add_up_to_it(db):
    tables, _ = analyse(db)
    hrgs = tables["line_hrgs"].set_index(["line_id", "pod", "hrg"])
    cell = hrgs.loc[("TO", "NEL", "HN12")]
    # C, D and E: income 800, cost 70 + 250 + 365; one case, and none whose whole cost is known.
    assert (cell["n_events"], cell["n_cases"], cell["n_whole"]) == (3, 1, 0)
    assert (cell["income_pence"], cell["full_cost_pence"], cell["margin_pence"]) == (800, 685, 115)
    whole = hrgs.loc[("TO", "NEL", "HN22")]
    assert (whole["n_whole"], whole["whole_cost_pence"]) == (1, 350)
    costs = pd.DataFrame({"line_id": ["TO", "GM"], "amount_pence": [1_145, 500]})
    income = pd.DataFrame(
        {"line_id": ["TO", "GM", "TO"], "row_id": "I1", "pod": ["NEL", "EL", "OPFA"],
         "amount_pence": [2_100, 600, 30]}
    )  # fmt: skip
    checks = Checks()
    check_breakdowns(checks, tables, costs, income)
    assert [row[0] for row in checks.rows] == ["R12"] * 4
    assert all(row[-1] for row in checks.rows)
    wrong = Checks()
    check_breakdowns(wrong, tables, costs.assign(amount_pence=[1_144, 501]), income)
    assert [row[-2] for row in wrong.rows] == [2, 2, 2, 0]
