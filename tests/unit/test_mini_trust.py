"""The hand-costed trust, end to end: every event, line, margin and identity."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.contracts import OUTPUTS
from helpers.costing.analysis import TABLES as ANALYSES
from helpers.costing.reconciliation import check_reconciled
from helpers.costing.trust import Costed, cost_trust
from helpers.engine import open_engine
from helpers.errors import ReconciliationError
from mini_trust import SETTINGS, add_activity, make_money_frames, make_patient_frames

PENNIES = 12  # a line's or event's parts are closed apart, each within a penny


def cost(method: str = "", settings: dict | None = None, frames: dict | None = None):
    db = open_engine(threads=1)
    add_activity(db)
    frames = frames or {**make_money_frames(), **make_patient_frames()}
    return db, cost_trust(db, frames, settings or SETTINGS, method=method)


@pytest.fixture(scope="module")
def costed():
    db, found = cost()
    yield db, found
    db.close()


def get_row(found: Costed, row_id: str) -> dict[str, int]:
    rows = found.service_line_statement
    return rows[rows["row_id"] == row_id].set_index("line_id")["amount_pence"].to_dict()


def test_overheads_land_where_the_hand_calculation_puts_them(costed):
    _, found = costed
    by_department = found.overhead_allocation.groupby("department_id")["amount_pence"].sum() / 100
    assert by_department.to_dict() == pytest.approx(
        {"WARD": 24_000, "THEATRE": 17_000, "CLINIC": 7_000, "MED_TO": 6_000, "MED_GM": 4_000, "RD": 2_000},
        abs=0.02,
    )  # fmt: skip
    capital = found.overhead_allocation.query("element == 'DEPRECIATION'").set_index(
        "department_id"
    )
    assert (capital["amount_pence"] / 100).to_dict() == pytest.approx(
        {"WARD": 3_755.10, "THEATRE": 2_775.51, "CLINIC": 979.59, "MED_TO": 244.90, "MED_GM": 163.27, "RD": 81.63},
        abs=0.011,
    )  # fmt: skip
    assert capital["amount_pence"].sum() == 800_000


def test_every_event_costs_its_weights_times_the_rates(costed):
    db, _ = costed
    found = db.frame("SELECT event_id, full_cost_pence FROM patient_events").set_index("event_id")
    # P1: 96 h x 200 + 150 min x 400 + 300 min x 100 = 19,200 + 60,000 + 30,000
    expected = {
        "P1": 109_200, "P2": 148_000, "P5": 49_000, "O1": 25_000, "O2": 13_500,
        "P3": 142_000, "P4": 18_800, "O3": 35_000, "O4": 9_500,
    }  # fmt: skip
    assert found["full_cost_pence"].to_dict() == pytest.approx(
        {event: 100 * pounds for event, pounds in expected.items()}, abs=PENNIES
    )


def test_unmatched_cost_stays_under_its_line(costed):
    db, found = costed
    lost = db.frame(
        "SELECT line_id, sum(amount_pence) AS p FROM patient_costs WHERE event_kind = 'unmatched' GROUP BY line_id"
    )
    assert lost.to_numpy().tolist() == [["UNMATCHED:GENMED", 500_000]]
    assert get_row(found, "U")["GENMED"] == 500_000


def test_margins_of_every_column(costed):
    _, found = costed
    assert get_row(found, "I") == {
        "TO": 34_700_000, "GENMED": 20_000_000, "RD": 1_800_000, "ET": 800_000, "OTHER": 0,
        "EXCLUDED": 0, "NOT_ATTRIBUTED": 0, "TRUST": 57_300_000,
    }  # fmt: skip
    surplus = get_row(found, "T4")
    # T&O 347,000 - 344,700; GENMED 200,000 - 210,300; R&D 18,000 - 17,000; E&T 8,000 - 0
    assert surplus["TO"] == pytest.approx(230_000, abs=PENNIES)
    assert surplus["GENMED"] == pytest.approx(-1_030_000, abs=PENNIES)
    assert surplus["RD"] == pytest.approx(100_000, abs=2)
    assert (surplus["ET"], surplus["TRUST"]) == (800_000, 100_000)
    capital = get_row(found, "C4")
    assert [capital[line] / 100 for line in ("TO", "GENMED", "RD")] == pytest.approx(
        [5_395.80, 2_522.57, 81.63], abs=0.05
    )
    ebitda = get_row(found, "T3")
    assert ebitda["TO"] == pytest.approx(769_580, abs=PENNIES)
    assert ebitda["GENMED"] == pytest.approx(-777_743, abs=PENNIES)


def test_tiers_follow_who_owns_the_department(costed):
    _, found = costed
    # T&O owns its medical team only: 100,000 direct. Theatre 120,000 is all its own use: indirect
    assert get_row(found, "C1")["TO"] == 10_000_000
    # GENMED: medical team 80,000, drugs 25,000 (5,000 of them unmatched)
    assert get_row(found, "C1")["GENMED"] == 10_500_000
    theatre = found.line_costs.query("source_department == 'THEATRE'")
    assert theatre[["line_id", "tier", "amount_pence"]].to_numpy().tolist() == [
        ["TO", "indirect", 12_000_000]
    ]


def test_private_work_hides_an_nhs_loss(costed):
    db, _ = costed
    found = db.frame(
        """SELECT admin_category, sum(income_pence - full_cost_pence) AS p FROM patient_events
           WHERE line_id = 'TO' GROUP BY admin_category ORDER BY admin_category"""
    )
    # NHS -8,700; private 60,000 - 49,000 = 11,000
    assert found["p"].tolist() == pytest.approx([-870_000, 1_100_000], abs=PENNIES)


def test_income_reaches_the_event_that_earned_it(costed):
    db, _ = costed
    found = db.frame("SELECT event_id, income_pence FROM patient_events").set_index("event_id")
    assert found["income_pence"].to_dict() == {
        "P1": 11_500_000, "P2": 13_000_000, "P5": 6_000_000, "P3": 13_000_000, "P4": 2_500_000,
        "O1": 3_000_000, "O2": 1_200_000, "O3": 3_600_000, "O4": 900_000,
    }  # fmt: skip


def test_every_identity_holds(costed):
    _, found = costed
    failed = found.reconciliation[~found.reconciliation["passed"]]
    assert failed.empty, failed.to_string()
    assert set(found.reconciliation["id"]) == {
        "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R12", "R14", "R15", "R16", "R18",
    }  # fmt: skip
    assert check_reconciled(found.reconciliation) is found.reconciliation


def test_tables_hold_their_contracts_columns_and_keys(costed):
    db, found = costed
    assert set(found.analyses) == set(ANALYSES)
    for name, table in OUTPUTS.items():
        frame = found.analyses.get(name, getattr(found, name, None))
        if frame is None:
            continue
        assert set(table.columns) <= set(frame.columns), name
        assert not frame.duplicated(list(table.key)).any(), name
    for name in ("patient_events", "patient_costs"):
        assert set(OUTPUTS[name].columns) <= set(db.columns(name))
        key = ", ".join(OUTPUTS[name].key)
        doubled = db.frame(
            f"SELECT count(*) AS n FROM (SELECT 1 FROM {name} GROUP BY {key} HAVING count(*) > 1) d"
        )
        assert doubled["n"].iloc[0] == 0


def test_activity_by_line_and_point_of_delivery(costed):
    _, found = costed
    rows = found.line_activity.set_index(["line_id", "pod"])
    # GENMED: P3 stays 15 days, P4 one day
    assert rows.loc[("GENMED", "EL"), ["n_events", "n_spells", "bed_days"]].tolist() == [2, 2, 16]
    assert rows.loc[("TO", "PRIV"), "income_pence"] == 6_000_000
    assert (
        rows["cost_pence"].sum()
        == 57_200_000 - 500_000 - found.line_costs.query("line_id == 'RD'")["amount_pence"].sum()
    )


@pytest.mark.parametrize("method", ["direct", "step_down"])
def test_another_method_moves_cost_between_lines_and_not_the_total(method):
    db, found = cost(method)
    with db:
        assert found.method == method
        assert get_row(found, "T4")["TRUST"] == 100_000
        assert found.reconciliation["passed"].all()
        assert abs(get_row(found, "T4")["TO"] - 230_000) > 100 * PENNIES


def test_a_moved_penny_fails_and_names_its_identities():
    frames = {**make_money_frames(), **make_patient_frames()}
    controls = frames["control_totals"].copy()
    controls.loc[controls["measure"] == "total_expenditure", "value"] += 0.01
    db, found = cost(frames={**frames, "control_totals": controls})
    with db, pytest.raises(ReconciliationError, match=r"identities fail: R1, R10") as stopped:
        check_reconciled(found.reconciliation)
    assert "R1 Ledger expenditure = control total: 57,200,000 against 57,200,001" in str(
        stopped.value
    )
    assert check_reconciled(found.reconciliation, allow=True) is found.reconciliation


def test_a_price_beyond_the_trim_point_adds_a_day_rate():
    frames = {**make_money_frames(), **make_patient_frames()}
    prices = frames["prices"].copy()
    is_p3 = prices["hrg"] == "P3Z"
    prices.loc[is_p3, "per_diem_pence"] = 20_000
    prices.loc[is_p3, "trim_point"] = 12.0
    db, found = cost(frames={**frames, "prices": prices}, settings={**SETTINGS, "mff": 1.1})
    with db:
        income = db.frame("SELECT event_id, income_pence AS p FROM patient_events").set_index(
            "event_id"
        )["p"]
        # (130,000 + 3 days past 12 x 200) x 1.1 = 143,660; P1 115,000 x 1.1; private work unchanged
        assert (income["P3"], income["P1"], income["P5"]) == (14_366_000, 12_650_000, 6_000_000)
        # NHS price 487,600 x 1.1 = 536,360 against 487,000 in the ledger
        assert get_row(found, "I")["NOT_ATTRIBUTED"] == 48_700_000 - 53_636_000
        assert found.reconciliation["passed"].all()


def test_a_spells_price_is_split_by_days_between_its_episodes():
    db = open_engine(threads=1)
    with db:
        db.create("events", """SELECT * FROM (VALUES
            ('E1', 'S1', 'episode', 'TO', 'EL', 'EL', 'AA', 'AA', 3, false, 1, DATE '2024-05-01', DATE '2024-05-02'),
            ('E2', 'S1', 'episode', 'GM', 'EL', 'EL', 'BB', 'AA', 3, true, 1, DATE '2024-05-02', DATE '2024-05-04'),
            ('E3', 'S2', 'episode', 'TO', 'DC', 'DC', 'AA', 'CC', 0, false, 1, DATE '2024-05-01', DATE '2024-05-01'),
            ('E4', 'S2', 'episode', 'TO', 'DC', 'DC', 'AA', 'CC', 0, true, 1, DATE '2024-05-01', DATE '2024-05-01'),
            ('E5', 'S3', 'episode', 'TO', 'EL', 'EL', 'AA', 'AA', 9, true, 3, DATE '2025-03-01', NULL)
            ) v(event_id, spell_id, event_kind, line_id, pod, spell_pod, hrg, hrg_spell, los_days,
                is_discharging, completion, start_dt, end_dt)""")  # fmt: skip
        from helpers.costing.income import price_events

        prices = pd.DataFrame(
            {"hrg": ["AA", "CC"], "pod": ["EL", "DC"], "unit_price_pence": [10_000, 501]}
        )
        price_events(db, prices, mff=1)
        found = db.frame("SELECT event_id, income_pence AS p FROM event_income").set_index(
            "event_id"
        )
        # S1: £100 by 1 and 2 days. S2: £5.01 by no days: half each, the odd penny to the first.
        # S3 had not ended by the end of the year: no price yet.
        assert found["p"].to_dict() == {"E1": 3_333, "E2": 6_667, "E3": 251, "E4": 250}


def test_two_runs_give_the_same_rows():
    (one, first), (two, second) = cost(), cost()
    with one, two:
        sql = "SELECT * FROM patient_costs ORDER BY event_id, tier, element, source_department"
        pd.testing.assert_frame_equal(one.frame(sql), two.frame(sql))
        pd.testing.assert_frame_equal(first.service_line_statement, second.service_line_statement)


def test_without_prices_income_stays_with_cost_centres_and_the_reader_is_told():
    frames = {**make_money_frames(), **make_patient_frames()}
    del frames["prices"]
    db, found = cost(frames=frames)
    with db:
        # the ward, which no line owns, holds all clinical income
        assert get_row(found, "I1")["NOT_ATTRIBUTED"] == 48_700_000
        assert any("There are no prices" in text for text in found.notices)
        assert found.reconciliation["passed"].all()
