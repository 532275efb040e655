"""Education and research income: separate, netted, credited; and the subsidy that stays hidden."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.costing.education import (
    compare_treatments,
    credit_income,
    net_income,
    share_education,
)
from helpers.costing.reconciliation import check_reconciled
from helpers.costing.trust import cost_trust
from helpers.engine import open_engine
from helpers.errors import InputError
from mini_trust import SETTINGS, add_activity, make_frame, make_money_frames, make_patient_frames

TRAINEES = make_frame(
    "trainees",
    [
        {"line_id": "TO", "trainee_wte": 3.0, "research_wte": 0.0},
        {"line_id": "GENMED", "trainee_wte": 1.0, "research_wte": 2.0},
    ],
)


def cost(treatment: str, **frames: pd.DataFrame):
    with open_engine(threads=1) as db:
        add_activity(db)
        every = {**make_money_frames(), **make_patient_frames(), **frames}
        found = cost_trust(db, every, {**SETTINGS, "non_patient_care": treatment})
    assert check_reconciled(found.reconciliation) is found.reconciliation
    return found


def read_row(found, row_id: str) -> dict[str, int]:
    rows = found.service_line_statement.query("row_id == @row_id")
    return rows.set_index("line_id")["amount_pence"].to_dict()


@pytest.fixture(scope="module")
def separate():
    return cost("separate", trainees=TRAINEES)


@pytest.fixture(scope="module")
def credited():
    return cost("credited", trainees=TRAINEES)


@pytest.fixture(scope="module")
def netted():
    return cost("netted", trainees=TRAINEES)


def test_credited_income_follows_trainees_and_research_staff(separate, credited):
    before, after = read_row(separate, "T4"), read_row(credited, "T4")
    # Education 8,000: three quarters to TO, one to GENMED. Research 18,000: all to GENMED.
    assert after["TO"] - before["TO"] == 600_000
    assert after["GENMED"] - before["GENMED"] == 200_000 + 1_800_000
    assert after["ET"] - before["ET"] == -800_000
    assert after["RD"] - before["RD"] == -1_800_000
    assert after["TRUST"] == before["TRUST"] == 100_000


@pytest.mark.parametrize("which", ["separate", "credited"])
def test_the_hidden_subsidy_is_the_same_under_either_treatment(which, request):
    found = request.getfixturevalue(which).analyses["education_subsidy"].set_index("line_id")
    assert found["hidden_pence"].to_dict() == {
        "ET": -800_000, "GENMED": 2_000_000, "RD": -1_800_000, "TO": 600_000,
    }  # fmt: skip
    assert (found["credited_pence"] - found["separate_pence"] == found["hidden_pence"]).all()
    own = read_row(request.getfixturevalue(which), "T4")
    column = "separate_pence" if which == "separate" else "credited_pence"
    assert found[column].to_dict() == {line: own[line] for line in found.index}


def test_netted_income_lowers_its_own_departments_then_medical_pay(netted, separate):
    # Research: 18,000 against its department's 15,000; 3,000 left. Education: 8,000, no department.
    # 11,000 off the 180,000 of the two medical teams, 100 : 80.
    before = separate.department_costs.set_index(["department_id", "element"])["amount_pence"]
    after = netted.department_costs.set_index(["department_id", "element"])["amount_pence"]
    lowered = (before - after).loc[lambda s: s != 0]
    assert lowered[("RD", "PAY_OTHER")] == 1_500_000
    assert lowered[("MED_TO", "PAY_MEDICAL")] == pytest.approx(611_111, abs=1)
    assert lowered[("MED_GM", "PAY_MEDICAL")] == pytest.approx(488_889, abs=1)
    assert lowered.sum() == 2_600_000
    assert read_row(netted, "I")["TRUST"] == 57_300_000 - 2_600_000
    assert read_row(netted, "T4")["TRUST"] == 100_000
    assert read_row(netted, "I5")["ET"] == read_row(netted, "I5")["RD"] == 0


def test_the_ledger_is_checked_before_anything_is_netted(netted):
    rows = netted.reconciliation.set_index("description")
    assert rows.loc["Ledger expenditure = control total", "left_pence"] == 57_200_000
    assert rows.loc["Ledger income, netted among it = control total", "left_pence"] == 57_300_000


def test_more_income_than_cost_is_refused():
    postings = pd.DataFrame(
        [("A", "RD", "non_patient_care", "expenditure", "PAY_OTHER", 100),
         ("A", "RD", "non_patient_care", "rd_income", "", -500),
         ("B", "MED", "clinical", "expenditure", "PAY_MEDICAL", 300)],
        columns=["cost_centre", "department_id", "kind", "account_type", "element", "amount_pence"],
    )  # fmt: skip
    departments = pd.DataFrame(
        [("RD", "non_patient_care", "RD"), ("MED", "clinical", "TO")],
        columns=["department_id", "kind", "owner_line_id"],
    )
    with pytest.raises(InputError, match=r"income of RD, £5.00, is more than the cost") as stopped:
        net_income(postings, departments, "netted")
    assert stopped.value.rule == "EDU-001"
    fits = postings.assign(amount_pence=[100, -400, 300])
    assert net_income(fits, departments, "netted").netted["amount_pence"].tolist() == [100, 300]


def test_credited_without_trainees_is_refused():
    with pytest.raises(InputError, match=r"trainees.csv does not say where") as stopped:
        cost("credited")
    assert stopped.value.rule == "EDU-004"


def test_staff_of_an_unknown_line_and_negative_staff_are_refused():
    income = pd.DataFrame({"line_id": ["ET"], "row_id": ["I5"], "amount_pence": [100]})
    with pytest.raises(InputError, match=r"trainees, column line_id: 1 of 2 rows.*GENMED"):
        share_education(income, {"trainees": TRAINEES}, {"TO"})
    below = TRAINEES.assign(trainee_wte=[-1.0, 2.0])
    with pytest.raises(InputError, match=r"trainees, column trainee_wte: 1 of 2 rows.*TO"):
        share_education(income, {"trainees": below}, {"TO", "GENMED"})


def test_without_trainees_nothing_is_said_of_a_hidden_subsidy(separate):
    nobody = share_education(separate.line_income, {}, {"TO"})
    assert nobody.empty
    assert compare_treatments(nobody, separate.service_line_statement, "separate").empty
    with pytest.raises(InputError):
        credit_income(separate.line_income, nobody)
