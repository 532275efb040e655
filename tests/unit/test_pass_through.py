"""Pass-through sums follow traced drugs and devices."""

from __future__ import annotations

import pandas as pd

from helpers.contracts import INPUTS
from helpers.costing.pass_through import share_pass_through
from helpers.costing.trust import cost_trust
from helpers.engine import open_engine
from mini_trust import SETTINGS, add_activity, make_frame, make_money_frames, make_patient_frames

COSTS = pd.DataFrame(
    [("high_cost_drugs", "TO", "indirect", 600), ("implants", "TO", "indirect", 100),
     ("high_cost_drugs", "UNMATCHED:GM", "direct", 300), ("high_cost_drugs", "GM", "overhead", 999),
     ("drugs", "GM", "direct", 999)],
    columns=["feed", "line_id", "tier", "amount_pence"],
)  # fmt: skip


def contract(*rows: tuple[str, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["element", "amount_pence"])


def test_sums_follow_lines_own_cost_of_traced_items_to_the_penny():
    sums = contract(("pass_through", 400), ("pass_through", 101), ("fixed", 10_000))
    found = share_pass_through(sums, COSTS)
    # 501 over 700 and 300: 350.7 and 150.3; the penny left over to the larger remainder
    assert found.set_index("line_id")["amount_pence"].to_dict() == {"TO": 351, "GM": 150}
    assert set(found["row_id"]) == {"I3"}


def test_without_a_sum_or_without_items_there_is_no_row():
    assert share_pass_through(contract(("fixed", 10)), COSTS).empty
    assert share_pass_through(contract(("pass_through", 10)), COSTS.iloc[3:]).empty


def test_it_is_clinical_income_of_the_ledger_and_every_identity_holds():
    sums = make_frame(
        "contract_income",
        [
            {
                "commissioner": "QKK",
                "element": "pass_through",
                "scope_rule": "",
                "amount_pence": 2_000_000,
            }
        ],
    )
    assert "amount_pence" in INPUTS["contract_income"].stored_columns
    with open_engine(threads=1) as db:
        add_activity(db)
        frames = {**make_money_frames(), **make_patient_frames(), "contract_income": sums}
        found = cost_trust(db, frames, SETTINGS)
    rows = found.service_line_statement.set_index(["row_id", "line_id"])["amount_pence"]
    # All traced cost is general medicine's drug; prices already use up the ledger's income.
    assert rows[("I3", "GENMED")] == 2_000_000 and rows[("I", "NOT_ATTRIBUTED")] == -2_000_000
    assert found.reconciliation["passed"].all()
