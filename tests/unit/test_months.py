"""Twelve monthly runs: a stay over two months, counted by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.costing.clock import find_period
from helpers.costing.months import compare_with_year, cost_months
from helpers.costing.trust import cost_trust
from helpers.engine import open_engine
from helpers.errors import InputError
from helpers.report.words.months import write_months
from mini_trust import SETTINGS, add_clean, make_frame

# One ward. P1 is there from 27 April to 7 May: ten days at £350, four of them in April. P2 came in March a
# year ago and leaves on 3 April: two days at £350, and £50 carried in. P3 comes on 30 March and stays. Every
# month from June has £12 of ward cost, and until March no patient.
APRIL, MAY, OTHERS = 2_100, 2_100, 12
NAMES = {"line": {"GM": "Medicine"}}


def stay(episode: str, start: str, end: str | None, completion: int) -> tuple[dict, dict]:
    begin, stop = pd.Timestamp(start), pd.NaT if end is None else pd.Timestamp(end)
    episodes = {
        "episode_id": episode, "spell_id": f"S{episode}", "episode_number": 1, "patient_key": f"K{episode}",
        "site_code": "X0101", "admission_dt": begin, "discharge_dt": stop, "episode_start_dt": begin,
        "episode_end_dt": stop, "admission_method": "21", "patient_classification": "1",
        "discharge_method": "1", "discharge_destination": "19", "tfc": "300", "consultant_code": "C1111111",
        "hrg_fce": "DZ11A", "hrg_spell": "DZ11A", "age": 50, "sex": "1", "admin_category": "01",
        "commissioner": "QKK", "completion": completion,
    }  # fmt: skip
    ward = {"stay_id": f"W{episode}", "spell_id": f"S{episode}", "ward_id": "W1", "start_dt": begin,
            "end_dt": stop, "acuity_weight": 1.0}  # fmt: skip
    return episodes, ward


def frames(**changed: pd.DataFrame) -> dict[str, pd.DataFrame]:
    pounds = {1: APRIL, 2: MAY, **dict.fromkeys(range(3, 13), OTHERS)}
    given = {
        "general_ledger": [
            {"fy": "2024/25", "month": month, "cost_centre": "WARD", "expense_code": "PAY_NURSING",
             "amount_pence": 100 * cost} for month, cost in pounds.items()
        ],
        "cost_centre_map": [{"cost_centre": "WARD", "cost_centre_name": "Ward", "department_id": "WARD"}],
        "expense_map": [{"expense_code": "PAY_NURSING", "name": "Nurses", "account_type": "expenditure",
                         "element": "PAY_NURSING"}],
        "departments": [{"department_id": "WARD", "name": "Ward", "kind": "clinical", "owner_line_id": "GM"}],
        "control_totals": [{"measure": "total_expenditure", "value": float(sum(pounds.values()))}],
        "service_lines": [{"line_id": "GM", "line_name": "Medicine", "division": "Medicine"}],
        "cost_pools": [{"pool_id": "P_WARD", "department_id": "WARD", "feed": "ward", "element_filter": "*",
                        "share": 1.0, "quality_score": 1.0}],
        "service_line_map": [{"priority": 1, "tfc": "300", "line_id": "GM"}],
        "consultants": [{"consultant_code": "C1111111", "pseudonym": "Cons-01", "line_id": "GM"}],
    }  # fmt: skip
    empty = make_frame("overhead_drivers", [
        {"service_department": "", "consumer_department": "", "driver": "", "quantity": 0, "driver_set": "base"}
    ]).iloc[:0]  # fmt: skip
    return {name: make_frame(name, rows) for name, rows in given.items()} | {
        "overhead_drivers": empty,
        **changed,
    }


def add_stays(db, *stays: tuple[dict, dict]) -> None:
    add_clean(db, "apc_episodes", [episode for episode, _ in stays], completion="BIGINT")
    add_clean(db, "ward_stays", [ward for _, ward in stays])
    add_clean(
        db, "op_attendances", [{"attendance_id": "O1", "is_attended": False}], is_attended="BOOLEAN"
    )


@pytest.fixture(scope="module")
def year():
    opening = make_frame("wip_opening", [
        {"episode_id": "P2", "source_department": "WARD", "element": "PAY_NURSING", "amount_pence": 5_000}
    ])  # fmt: skip
    with open_engine(threads=1) as db:
        add_stays(
            db,
            stay("P1", "2024-04-27", "2024-05-07", 1),
            stay("P2", "2024-03-20", "2024-04-03", 2),
            stay("P3", "2025-03-30", None, 3),
        )
        given = frames(wip_opening=opening)
        runs = cost_months(db, given, SETTINGS)
        kept = db.frame("SELECT episode_id, completion FROM clean_apc_episodes ORDER BY episode_id")
        yearly = cost_trust(db, given, SETTINGS)
    return runs, yearly, kept


COLUMNS = ["cost_pence", "opening_pence", "completed_pence", "closing_pence"]


def test_ten_days_at_350_of_which_four_are_in_april(year):
    line = year[0].lines.set_index("month")
    # April gives 4 x 350 = 1,400 to P1, who stays, and 2 x 350 = 700 to P2, who brought 50 and leaves.
    assert line.loc[1, COLUMNS].tolist() == [210_000, 5_000, 75_000, 140_000]
    # May gives P1 6 x 350 = 2,100 and takes up his 1,400.
    assert line.loc[2, COLUMNS].tolist() == [210_000, 140_000, 350_000, 0]
    # March gives P3 its £12, and carries it out of the year.
    assert line.loc[12, COLUMNS].tolist() == [1_200, 0, 0, 1_200]


def test_a_month_with_a_ward_and_no_patient_is_unmatched_cost_and_said(year):
    runs = year[0]
    line = runs.lines.set_index("month")
    assert line.loc[3:11, "unmatched_pence"].tolist() == [1_200] * 9
    assert line.loc[3:11, COLUMNS].to_numpy().sum() == 0
    assert len(runs.notices) == 9
    assert runs.notices[0].startswith(
        "Month 3: Pool P_WARD holds £12.00 and has no activity (ward)"
    )


def test_twelve_runs_and_the_movement_are_the_year(year):
    runs, yearly, _ = year
    assert runs.checks["id"].tolist() == ["R14"] * 3
    assert runs.checks["passed"].all()
    whole = runs.checks[runs.checks["description"].str.startswith("Completed")].iloc[0]
    # 750 + 3,500 completed + 12 carried out - 50 carried in + 9 x 12 of no patient = 4,320
    assert whole["left_pence"] == 75_000 + 350_000 + 1_200 - 5_000 + 9 * 1_200
    assert whole["right_pence"] == 432_000
    # The yearly run has one rate and no month without a patient; the line has the same £4,320.
    assert compare_with_year(runs, yearly.line_costs).to_numpy().tolist() == [
        ["GM", 432_000, 432_000, 0]
    ]


def test_the_years_own_episodes_stand_as_they_were(year):
    assert year[2].to_numpy().tolist() == [["P1", 1], ["P2", 2], ["P3", 3]]


def test_a_month_without_a_ledger_is_refused():
    ledger = frames()["general_ledger"]
    with (
        open_engine(threads=1) as db,
        pytest.raises(InputError, match=r"months 7 \(April = 1\)") as stopped,
    ):
        add_stays(db, stay("P1", "2024-04-27", "2024-05-07", 1))
        cost_months(db, frames(general_ledger=ledger[ledger["month"] != 7]), SETTINGS)
    assert "one sum for the year cannot be costed by month" in str(stopped.value)


@pytest.mark.parametrize(
    ("month", "start", "end"),
    [(1, "2024-04-01", "2024-05-01"), (9, "2024-12-01", "2025-01-01"), (10, "2025-01-01", "2025-02-01"),
     (12, "2025-03-01", "2025-04-01")],
)  # fmt: skip
def test_months_run_from_april_to_march(month, start, end):
    period = find_period({"fy": "2024/25", "month": month})
    assert (period.start, period.end) == (pd.Timestamp(start), pd.Timestamp(end))


def test_a_failing_identity_is_told_as_failing(year):
    runs, yearly, _ = year
    compared = compare_with_year(runs, yearly.line_costs)
    text = write_months(runs.lines, runs.checks, compared, runs.notices, NAMES)
    assert "April" in text and "3,500.00" in text and text.count("; holds.") == 3
    wrong = runs.checks.assign(passed=False, difference_pence=1)
    assert "FAILS, 1 pence apart" in write_months(runs.lines, wrong, compared, [], NAMES)
