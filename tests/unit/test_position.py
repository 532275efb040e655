"""Where each line stands: class, coverage, what its total hides, and the whole step."""

from __future__ import annotations

import four_lines
import pandas as pd
import pytest

from helpers.engine import open_engine
from helpers.errors import ReconciliationError
from helpers.subsidy.checks import total_ledger_surplus
from helpers.subsidy.position import (
    build_position,
    classify,
    list_other_columns,
    measure_coverage,
)
from helpers.subsidy.trust import find_subsidy
from helpers.subsidy.within import (
    measure_masking,
    split_lines,
    split_private,
    total_pods,
    total_private,
)


def position(columns=None):
    costs = four_lines.line_costs()
    return build_position(four_lines.statement(columns), four_lines.service_lines(), costs)


def by_line(frame, column):
    return frame.set_index("line_id")[column].to_dict()


def test_position_is_the_statement_line_by_line():
    found = position()
    # T&O: 5,200,000 - 3,400,000 - 1,180,000 = 620,000; less 440,000 overhead = 180,000
    assert by_line(found, "contribution_pence") == {
        "TO": 62_000_000, "GENMED": 56_000_000, "ED": 32_500_000, "MAT": 33_000_000,
    }  # fmt: skip
    assert by_line(found, "surplus_pence") == {
        "TO": 18_000_000, "GENMED": -12_000_000, "ED": 500_000, "MAT": -1_000_000,
    }  # fmt: skip
    assert by_line(found, "full_cost_pence")["TO"] == 502_000_000
    assert by_line(found, "line_name")["MAT"] == "Maternity"


def test_class_follows_surplus_then_contribution():
    surplus = pd.Series([1, 0, -1, -1, -1])
    contribution = pd.Series([5, 5, 5, 0, -1])
    assert classify(surplus, contribution).tolist() == [
        "funder", "funder", "covers_care", "covers_care", "below_care",
    ]  # fmt: skip


def test_capital_charges_come_after_contribution():
    found = position({"TO": (100, 40, 30, 10, 15)})
    # contribution 100 - 40 - 30 = 30; surplus 30 - 10 - 15 = 5; coverage 30 / (10 + 15) = 1.2
    assert by_line(found, "contribution_pence") == {"TO": 3_000}
    assert by_line(found, "surplus_pence") == {"TO": 500}
    assert by_line(measure_coverage(found), "coverage_prop")["TO"] == pytest.approx(1.2)


def test_coverage_is_missing_where_no_overhead_is_received():
    covered = measure_coverage(position({"TO": (100, 40, 30, 0, 0)}))
    assert covered["coverage_prop"].isna().tolist() == [True]


def test_other_columns_are_no_lines_and_the_total_is_neither():
    columns = {"TO": (100, 60, 20, 10, 0), "ET": (8, 5, 0, 0, 0), "NOT_ATTRIBUTED": (3, 0, 0, 0, 0)}
    statement = four_lines.statement(columns | {"TRUST": (111, 65, 20, 10, 0)})
    found = build_position(statement, four_lines.service_lines(), four_lines.line_costs())
    assert found["line_id"].tolist() == ["TO"]
    assert by_line(list_other_columns(statement), "surplus_pence") == {
        "ET": 300, "NOT_ATTRIBUTED": 300,
    }  # fmt: skip


@pytest.mark.parametrize(("cost", "n_lines"), [(0, 1), (7, 2)])
def test_unmapped_is_a_line_only_if_something_fell_to_it(cost, n_lines):
    found = position({"TO": (100, 60, 20, 10, 0), "UNMAPPED": (0, 0, cost, 0, 0)})
    assert len(found) == n_lines


def test_unmatched_cost_is_inside_its_line_and_shown_beside_it():
    unmatched = four_lines.line_costs().iloc[[0]].assign(line_id="UNMATCHED:TO", amount_pence=4_000)
    costs = pd.concat([four_lines.line_costs(), unmatched])
    found = build_position(four_lines.statement(), four_lines.service_lines(), costs)
    assert by_line(found, "unmatched_pence") == {"TO": 4_000, "GENMED": 0, "ED": 0, "MAT": 0}


def test_a_statement_that_does_not_add_up_is_refused():
    statement = four_lines.statement()
    moved = (statement["line_id"] == "ED") & (statement["row_id"] == "T4")
    statement.loc[moved, "amount_pence"] += 1
    with pytest.raises(ReconciliationError, match=r"1 lines: ED"):
        build_position(statement, four_lines.service_lines(), four_lines.line_costs())


def test_points_of_delivery_inside_a_line_add_up_and_cancel():
    split = split_lines(position(), four_lines.line_activity())
    # Five margins add to +180,000, which is T&O's surplus: no rest.
    assert split["surplus_pence"].sum() == 18_000_000
    masking = measure_masking(split).iloc[0]
    assert (masking["surpluses_pence"], masking["deficits_pence"]) == (53_000_000, 35_000_000)
    # 1 - |530 - 350| / (530 + 350) = 1 - 180/880
    assert masking["masking_prop"] == pytest.approx(0.795455, abs=5e-7)


def test_what_belongs_to_no_point_of_delivery_is_a_row_of_its_own():
    activity = four_lines.line_activity().iloc[:4]  # without OPFU: income 200,000, cost 210,000
    split = split_lines(position(), activity).set_index("pod")
    assert split.loc["REST", "surplus_pence"] == -1_000_000
    assert split["surplus_pence"].sum() == 18_000_000
    # The rest is no group of patients: G 530,000, D 340,000.
    masking = measure_masking(split.reset_index()).iloc[0]
    assert masking["deficits_pence"] == 34_000_000


def test_critical_care_stands_under_its_own_point_of_delivery():
    # A spell of 230 at cost 180 without its critical care, and four days of that at 300 for 260.
    hrgs = pd.DataFrame(
        [("TO", "EL", "HN22", 1, 150, 100), ("TO", "EL", "HT12", 1, 80, 80), ("TO", "CC", "XC06Z", 2, 300, 260)],
        columns=["line_id", "pod", "hrg", "n_events", "income_pence", "full_cost_pence"],
    )  # fmt: skip
    line = pd.DataFrame({"line_id": ["TO"], "income_pence": [530], "full_cost_pence": [445]})
    split = split_lines(line, total_pods(hrgs)).set_index("pod")["surplus_pence"]
    assert split.to_dict() == {"CC": 40, "EL": 50, "REST": -5}


def test_without_prices_no_part_of_a_line_is_called_a_loss():
    hrgs = pd.DataFrame(
        [("TO", "EL", "HN22", 1, 0, 100), ("TO", "PRIV", "HN22", 1, 50, 40)],
        columns=["line_id", "pod", "hrg", "n_events", "income_pence", "full_cost_pence"],
    )
    assert total_pods(hrgs).empty
    priced = hrgs.assign(income_pence=[1, 50])
    assert total_pods(priced)["pod"].tolist() == ["EL", "PRIV"]


def test_nothing_cancels_in_a_line_without_margins():
    activity = four_lines.line_activity().iloc[:1].assign(cost_pence=230_000_000)
    assert measure_masking(split_lines(position(), activity))["masking_prop"].tolist() == [0.0]


def test_private_work_that_hides_an_nhs_loss_is_found():
    # Mini-trust: T&O +2,300 in all; a private patient paid 60,000 and cost 49,000 (+11,000),
    # so its NHS work made -8,700.
    lines = position({"TO": (347_000, 300_000, 0, 44_700, 0), "ED": (10, 20, 0, 0, 0)})
    private = pd.DataFrame(
        {
            "line_id": ["TO"],
            "n_private_events": [1],
            "private_income_pence": [6_000_000],
            "private_cost_pence": [4_900_000],
        }
    )
    split = split_private(lines, private)
    assert split["line_id"].tolist() == ["TO"]
    row = split.iloc[0]
    assert (row["nhs_surplus_pence"], row["private_surplus_pence"]) == (-870_000, 1_100_000)
    assert row["is_masked"]


def test_private_totals_come_from_the_engine_by_line():
    events = pd.DataFrame(
        {
            "line_id": ["TO", "TO", "TO", "ED"],
            "admin_category": ["02", "02", "01", "01"],
            "income_pence": [10, 20, 500, 7],
            "full_cost_pence": [4, 5, 600, 8],
        }
    )
    with open_engine() as db:
        db.add_frame("patient_events", events)
        found = total_private(db)
    assert found.to_dict("records") == [
        {
            "line_id": "TO",
            "n_private_events": 2,
            "private_income_pence": 30,
            "private_cost_pence": 9,
        }
    ]


def test_ledger_surplus_counts_income_and_expenditure_only():
    ledger = pd.DataFrame(
        {"expense_code": ["INC", "PAY", "BANK", "GIFT"], "amount_pence": [-900, 700, -50, -30]}
    )
    kinds = pd.DataFrame(
        {
            "expense_code": ["INC", "PAY", "BANK", "GIFT"],
            "account_type": ["clinical_income", "expenditure", "balance_sheet", "other_income"],
        }
    )
    # 900 + 30 - 700
    assert total_ledger_surplus(ledger, kinds) == 230


def whole_step(**changes):
    given = {
        "statement": four_lines.statement(),
        "service_lines": four_lines.service_lines(),
        "line_costs": four_lines.line_costs(),
        "line_pods": four_lines.line_activity(),
        "private": four_lines.no_private(),
        "department_costs": four_lines.department_costs(),
        "overhead_allocation": four_lines.overhead_allocation(),
        "overhead_rules": four_lines.overhead_rules(),
        "overhead_orders": four_lines.overhead_orders(),
        "overhead_without_line": four_lines.overhead_without_line(),
        "behaviour": four_lines.behaviour(),
        "line_contract_income": four_lines.line_contract_income().iloc[:0],
        "department_line_shares": four_lines.department_line_shares(),
        "ledger_surplus_pence": 5_500_000,
    }
    return find_subsidy(**(given | changes))


def test_the_whole_step_reconciles():
    found = whole_step()
    # 180,000 - 120,000 + 5,000 - 10,000 = 55,000
    assert found.reconciliation["passed"].all()
    assert found.reconciliation["left_pence"].iloc[0] == 5_500_000
    assert by_line(found.service_line_position, "sign_label") == {
        "TO": "stable", "GENMED": "stable", "ED": "rule_dependent", "MAT": "rule_dependent",
    }  # fmt: skip


def test_a_moved_penny_in_the_ledger_fails_its_identity():
    checked = whole_step(ledger_surplus_pence=5_500_001).reconciliation
    assert checked.loc[~checked["passed"], "id"].tolist() == ["R10"]


def test_overheads_that_differ_from_the_services_own_cost_fail():
    costs = four_lines.department_costs()
    costs.loc[0, "amount_pence"] += 1
    checked = whole_step(department_costs=costs).reconciliation
    assert checked.loc[~checked["passed"], "id"].tolist() == ["R18", "R17"]


def test_a_trust_without_patients_still_gets_its_lines():
    found = whole_step(line_pods=four_lines.line_activity().iloc[:0])
    assert found.within_line.empty
    assert found.line_masking.empty
    assert len(found.service_line_position) == 4
