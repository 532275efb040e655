"""What a trust's files can get wrong in costing: one clear message each, and nothing lost."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.costing.trust import Costed, cost_trust
from helpers.engine import open_engine
from helpers.errors import AllocationError, InputError
from mini_trust import SETTINGS, add_activity, make_frame, make_money_frames, make_patient_frames

Frames = dict[str, pd.DataFrame]


def cost(**changed: pd.DataFrame) -> Costed:
    with open_engine(threads=1) as db:
        add_activity(db)
        return cost_trust(db, {**make_money_frames(), **make_patient_frames(), **changed}, SETTINGS)


def drivers(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return make_frame("overhead_drivers", [
        {"service_department": k, "consumer_department": c, "driver": "units", "quantity": q, "driver_set": "base"}
        for k, c, q in rows
    ])  # fmt: skip


def pools(**changes: object) -> pd.DataFrame:
    """The mini-trust's pools, the first one changed."""
    frame = make_patient_frames()["cost_pools"].copy()
    for name, value in changes.items():
        frame.loc[0, name] = value
    return frame


REFUSED = [
    ("a closed overhead loop", "DRV-003", "OH1, OH2",
     {"overhead_drivers": drivers(("OH1", "OH2", 5), ("OH2", "OH1", 3))}),
    ("a negative driver", "ALLOC-E03", "OH1",
     {"overhead_drivers": drivers(("OH1", "WARD", -1), ("OH2", "WARD", 3))}),
    ("drivers that are all zero", "ALLOC-E02", "OH2",
     {"overhead_drivers": drivers(("OH1", "WARD", 1), ("OH2", "WARD", 0), ("OH2", "CLINIC", 0))}),
    ("a pool without events", "ALLOC-E02", "P_WARD", {"cost_pools": pools(feed="critical_care")}),
    ("shares that do not sum to 1", "POOL-001", "WARD PAY_NURSING", {"cost_pools": pools(share=0.9)}),
    ("an element that no pool takes", "POOL-002", "WARD PAY_NURSING",
     {"cost_pools": pools(element_filter="DRUGS")}),
    ("an element that does not exist", "POOL-004", "GOLD", {"cost_pools": pools(element_filter="GOLD")}),
    ("a weight rule that does not exist", "POOL-005", "P_WARD by_moonlight",
     {"cost_pools": pools(weight_rule="by_moonlight")}),
    ("traced items counted alike", "POOL-005", "P_HCD count",
     {"cost_pools": pools().assign(weight_rule=lambda f: ["", "", "", "", "", "count"])}),
    ("prices of which none is for care that was given", "INC-003", "ZZ99Z EL",
     {"prices": make_frame("prices", [{"hrg": "ZZ99Z", "pod": "EL", "unit_price_pence": 100}])}),
]  # fmt: skip


@pytest.mark.parametrize("what, rule, named, changed", REFUSED, ids=[row[0] for row in REFUSED])
def test_is_refused_by_name(what, rule, named, changed):
    with pytest.raises((InputError, AllocationError)) as stopped:
        cost(**changed)
    assert stopped.value.rule == rule
    assert all(part in str(stopped.value) for part in named.split(", "))
    assert "KP1" not in str(stopped.value)  # never a patient


def test_an_expense_code_without_an_element_is_refused_with_its_pounds():
    codes = make_money_frames()["expense_map"].copy()
    codes.loc[codes["expense_code"] == "DRUGS", "element"] = ""
    with pytest.raises(InputError, match=r"no\s+cost element: DRUGS.*\n.*£25,000.00") as stopped:
        cost(expense_map=codes)
    assert stopped.value.rule == "LED-009"


def test_events_without_a_pool_are_said_and_cost_nothing():
    # Clinics lose their pool: their department gets none of their activity, and its cost goes elsewhere.
    found = cost(cost_pools=pools(feed_filter="").assign(
        feed=lambda f: f["feed"].where(f["pool_id"] != "P_CLINIC", "ward")
    ))  # fmt: skip
    assert found.reconciliation["passed"].all()
    checks = found.cost_checks.set_index("code")
    assert checks.loc["DQ-014", "n_found"] > 0


def test_care_without_a_price_is_said_and_its_income_stays_visible():
    prices = make_patient_frames()["prices"]
    found = cost(prices=prices[prices["hrg"] != "P3Z"])
    (notice,) = [text for text in found.notices if "have no price" in text]
    assert "have no price and earn nothing: 1." in notice and "P3Z EL" in notice
    rows = found.service_line_statement.set_index(["row_id", "line_id"])["amount_pence"]
    assert rows[("I", "NOT_ATTRIBUTED")] == 13_000_000  # what P3 earned at 130,000
    assert found.reconciliation["passed"].all()


def test_a_pool_can_count_records_alike():
    found = cost(cost_pools=pools(weight_rule="count"))
    # Four ward stays share 156,000 alike: P1 and P2 of TO, P3 and P4 of GENMED, 78,000 a line.
    ward = (
        found.pool_line_costs.query("pool_id == 'P_WARD'").groupby("line_id")["amount_pence"].sum()
    )
    assert ward.to_dict() == {
        "GENMED": pytest.approx(7_800_000, abs=4),
        "TO": pytest.approx(7_800_000, abs=4),
    }
    assert found.reconciliation["passed"].all()
    assert found.pool_summary.set_index("pool_id").loc["P_WARD", "weight_units"] == 4


def test_the_rest_of_a_traced_pool_can_go_to_its_items():
    with open_engine(threads=1) as db:
        add_activity(db)
        frames = {**make_money_frames(), **make_patient_frames()}
        found = cost_trust(db, frames, {**SETTINGS, "residual_rule": "proportional"})
        p3 = db.frame("SELECT full_cost_pence AS p FROM patient_events WHERE event_id = 'P3'")[
            "p"
        ].iloc[0]
    # P3's drug of 20,000 carries all 25,000 of the ledger: 142,000 + 5,000.
    assert p3 == pytest.approx(14_700_000, abs=12)
    assert found.service_line_statement.query("row_id == 'U'")["amount_pence"].sum() == 0
    assert any("every item carries 1.2500 times its cost" in text for text in found.notices)
    assert found.reconciliation["passed"].all()
