"""Income on the contract basis: fixed sums shared by notional value."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.costing.contract import NO_CONTRACT, share_contract_income
from helpers.errors import InputError

NOTIONAL = {"TO": 1_900_000, "GENMED": 5_600_000, "ED": 2_900_000, "MAT": 3_100_000}


def line_income(rows):
    """Return clinical income from (line, point of delivery, pounds)."""
    frame = pd.DataFrame(rows, columns=["line_id", "pod", "pounds"])
    return frame.assign(row_id="I1", amount_pence=frame["pounds"] * 100).drop(columns="pounds")


def contract(*rows):
    frame = pd.DataFrame(rows, columns=["element", "scope_rule", "pounds"])
    return frame.assign(amount_pence=frame["pounds"] * 100).drop(columns="pounds")


def emergencies():
    return line_income([(line, "NEL", pounds) for line, pounds in NOTIONAL.items()])


def test_a_fixed_sum_follows_notional_value():
    found = share_contract_income(emergencies(), contract(("fixed", "NEL", 12_150_000)))
    found = found.set_index("line_id")
    # 12,150,000 of 13,500,000 is 0.9 of each line's notional value
    assert (found["contract_pence"] // 100).to_dict() == {
        "TO": 1_710_000, "GENMED": 5_040_000, "ED": 2_610_000, "MAT": 2_790_000,
    }  # fmt: skip
    assert (found["gap_pence"] // 100).to_dict() == {
        "TO": -190_000, "GENMED": -560_000, "ED": -290_000, "MAT": -310_000,
    }  # fmt: skip


def test_care_outside_every_fixed_scope_keeps_its_price():
    income = line_income([("TO", "EL", 500), ("TO", "NEL", 100), ("ED", "ED", 300)])
    found = share_contract_income(
        income, contract(("fixed", "NEL; ED", 200), ("variable", "EL", 9))
    )
    by_pod = found.set_index(["line_id", "pod"])["contract_pence"]
    assert by_pod.to_dict() == {("ED", "ED"): 15_000, ("TO", "EL"): 50_000, ("TO", "NEL"): 5_000}


def test_two_fixed_sums_over_the_same_care_are_added():
    income = line_income([("TO", "NEL", 100), ("ED", "NEL", 300)])
    fixed = contract(("fixed", "NEL", 80), ("fixed", "NEL;ED", 200))
    found = share_contract_income(income, fixed).set_index("line_id")["contract_pence"]
    assert found.to_dict() == {"ED": 21_000, "TO": 7_000}  # 280 split 3 to 1


def hrgs(rows):
    """Return activity from (line, point of delivery, cost in pounds, income in pounds)."""
    frame = pd.DataFrame(rows, columns=["line_id", "pod", "cost", "income"])
    return frame.assign(
        full_cost_pence=frame["cost"] * 100, income_pence=frame["income"] * 100,
        critical_care_pence=0,
    )  # fmt: skip


def test_a_fixed_sum_can_follow_cost_or_last_years_activity_instead():
    income = line_income([("TO", "NEL", 300), ("ED", "NEL", 100), ("TO", "EL", 50)])
    # by cost 1 to 3 (two HRGs of one line together), by last year's income 1 to 1; planned care
    # stands in no scope
    now = hrgs(
        [("TO", "NEL", 100, 0), ("ED", "NEL", 250, 0), ("ED", "NEL", 50, 0), ("TO", "EL", 9, 0)]
    )
    before = hrgs([("TO", "NEL", 7, 80), ("ED", "NEL", 7, 80), ("ED", "PRIV", 7, 999)])
    found = share_contract_income(income, contract(("fixed", "NEL", 200)), now, before)
    found = found.set_index(["line_id", "pod"])
    assert found["contract_pence"].to_dict() == {
        ("ED", "NEL"): 5_000, ("TO", "EL"): 5_000, ("TO", "NEL"): 15_000,
    }  # fmt: skip
    assert found["by_cost_pence"].to_dict() == {
        ("ED", "NEL"): 15_000, ("TO", "EL"): 5_000, ("TO", "NEL"): 5_000,
    }  # fmt: skip
    assert found["by_last_year_pence"].to_dict() == {
        ("ED", "NEL"): 10_000, ("TO", "EL"): 5_000, ("TO", "NEL"): 10_000,
    }  # fmt: skip


def test_care_without_a_price_has_a_share_by_cost_and_none_by_value():
    income = line_income([("TO", "NEL", 300), ("ED", "ED", 10)])
    now = hrgs([("TO", "NEL", 100, 0), ("ED", "NEL", 300, 0)])
    found = share_contract_income(income, contract(("fixed", "NEL", 200)), now)
    free = found.set_index(["line_id", "pod"]).loc[("ED", "NEL")]
    assert free[["price_pence", "contract_pence", "by_cost_pence"]].tolist() == [0, 0, 15_000]


def test_a_line_that_has_closed_since_takes_no_part_of_this_years_sum():
    income = line_income([("TO", "NEL", 300), ("ED", "NEL", 100)])
    before = hrgs([("TO", "NEL", 1, 30), ("ED", "NEL", 1, 10), ("GONE", "NEL", 1, 60)])
    found = share_contract_income(income, contract(("fixed", "NEL", 200)), None, before)
    assert found["by_last_year_pence"].tolist() == [5_000, 15_000]  # ED, TO
    assert found["by_cost_pence"].isna().all()


def test_a_key_with_nothing_in_a_sums_scope_and_an_older_report_are_left_out():
    income = line_income([("TO", "NEL", 300), ("TO", "DC", 100)])
    fixed = contract(("fixed", "NEL", 200), ("fixed", "DC", 50))
    before = hrgs([("TO", "NEL", 1, 30)])  # nothing of last year's is a day case
    now = hrgs([("TO", "NEL", 1, 0), ("TO", "DC", 1, 0)]).drop(columns="critical_care_pence")
    found = share_contract_income(income, fixed, now, before)
    assert found[["by_cost_pence", "by_last_year_pence"]].isna().all(axis=None)


@given(
    st.lists(st.integers(1, 10**9), min_size=2, max_size=6),
    st.lists(st.integers(1, 10**9), min_size=6, max_size=6),
    st.integers(1, 10**9),
)
def test_every_key_shares_out_the_same_sum(priced, cost, fixed):
    lines = [f"L{n}" for n in range(len(priced))]
    income = line_income(
        [(line, "NEL", pounds) for line, pounds in zip(lines, priced, strict=True)]
    )
    now = hrgs([(line, "NEL", pounds, 0) for line, pounds in zip(lines, cost, strict=False)])
    found = share_contract_income(
        income, contract(("fixed", "", fixed)), now, now.assign(income_pence=7)
    )
    for column in ("contract_pence", "by_cost_pence", "by_last_year_pence"):
        assert found[column].sum() == fixed * 100


def test_pence_are_shared_without_loss():
    income = line_income([("A", "NEL", 1), ("B", "NEL", 1), ("C", "NEL", 1)])
    found = share_contract_income(income, contract(("fixed", "", 100)))
    assert found["contract_pence"].tolist() == [3_334, 3_333, 3_333]


def test_income_that_no_line_earned_and_other_rows_take_no_part():
    income = pd.concat(
        [
            line_income([("TO", "NEL", 100), ("NOT_ATTRIBUTED", "", 900)]),
            line_income([("TO", "PRIV", 50)]).assign(row_id="I4"),
        ]
    )
    found = share_contract_income(income, contract(("fixed", "", 60), ("lva", "", 7)))
    assert found[["line_id", "pod", "contract_pence"]].to_numpy().tolist() == [["TO", "NEL", 6_000]]


@pytest.mark.parametrize(
    ("income", "sums"),
    [
        (emergencies(), NO_CONTRACT),
        (emergencies(), contract(("variable", "NEL", 5))),
        (emergencies().iloc[:0], contract(("fixed", "NEL", 5))),
        (emergencies(), contract(("fixed", "DC", 5))),
    ],
    ids=["no contract", "nothing fixed", "no priced care", "no care in scope"],
)
def test_no_fixed_sum_with_care_to_share_it_over_is_no_other_basis(income, sums):
    assert share_contract_income(income, sums).empty


def test_a_scope_that_names_no_point_of_delivery_is_refused():
    with pytest.raises(InputError, match=r"INC-002.*|called NELX"):
        share_contract_income(emergencies(), contract(("fixed", "NEL;NELX", 5)))
