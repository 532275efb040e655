"""Cost pools: shares, elements, overhead that joins them, special departments, refusals."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.costing.pools import build_pool_components
from helpers.errors import InputError

DEPARTMENTS = pd.DataFrame(
    [("EST", "service", ""), ("WARD", "clinical", "MED"), ("RD", "non_patient_care", "RD"),
     ("SHOP", "non_patient_care", ""), ("GIFTS", "excluded", "")],
    columns=["department_id", "kind", "owner_line_id"],
)  # fmt: skip
COSTS = pd.DataFrame(
    [("WARD", "clinical", "PAY_NURSING", 10_001), ("WARD", "clinical", "DRUGS", 999),
     ("RD", "non_patient_care", "PAY_OTHER", 70), ("SHOP", "non_patient_care", "PAY_OTHER", 30),
     ("GIFTS", "excluded", "OTHER_NONPAY", 5), ("EST", "service", "PAY_OTHER", 1_100)],
    columns=["department_id", "kind", "element", "amount_pence"],
)  # fmt: skip
RECEIVED = pd.DataFrame(
    [("EST", "WARD", "PAY_OTHER", 1_000), ("EST", "RD", "PAY_OTHER", 100)],
    columns=["service_id", "department_id", "element", "amount_pence"],
)


def make_pools(*rows: tuple) -> pd.DataFrame:
    names = ["pool_id", "department_id", "element_filter", "share", "feed", "quality_score"]
    return pd.DataFrame([(p, d, e, s, "ward", 0.75) for p, d, e, s in rows], columns=names)


HALVES = make_pools(
    ("A", "WARD", "PAY_NURSING", 0.5),
    ("B", "WARD", "PAY_NURSING;DRUGS", 0.5),
    ("C", "WARD", "DRUGS", 0.5),
)


def build(pools=HALVES, costs=COSTS, received=RECEIVED, departments=DEPARTMENTS) -> pd.DataFrame:
    return build_pool_components(costs, received, pools, departments)


def test_own_cost_goes_by_share_element_by_element():
    own = build().query("not is_overhead and line_id == ''").set_index(["pool_id", "element"])
    # 10,001 in halves: the odd penny to the first pool. 999 in halves: 500 and 499
    assert own["amount_pence"].to_dict() == {
        ("A", "PAY_NURSING"): 5_001, ("B", "PAY_NURSING"): 5_000, ("B", "DRUGS"): 500, ("C", "DRUGS"): 499,
    }  # fmt: skip


def test_overhead_joins_in_proportion_to_the_pools_own_cost():
    joined = build().query("is_overhead and line_id == ''").set_index("pool_id")
    # own cost 5,001; 5,500; 499 of 11,000: 1,000 x each = 454.64, 500.00, 45.36
    assert joined["amount_pence"].to_dict() == {"A": 455, "B": 500, "C": 45}
    assert set(joined["source_department"]) == {"EST"}


def test_departments_beside_patient_care_keep_columns_of_their_own():
    special = build().query("line_id != ''").groupby(["pool_id", "line_id"])["amount_pence"].sum()
    assert special.to_dict() == {
        ("NPC:GIFTS", "EXCLUDED"): 5, ("NPC:RD", "RD"): 170, ("NPC:SHOP", "OTHER"): 30,
    }  # fmt: skip


def test_overhead_of_a_department_with_no_net_cost_is_shared_equally():
    nothing = COSTS[COSTS["department_id"] != "WARD"]
    joined = build(costs=nothing).query("is_overhead and line_id == ''").set_index("pool_id")
    assert joined["amount_pence"].to_dict() == {"A": 334, "B": 333, "C": 333}


def test_shares_that_do_not_sum_to_one_are_refused_with_their_pounds():
    short = make_pools(("A", "WARD", "*", 0.5), ("B", "WARD", "PAY_NURSING", 0.5))
    with pytest.raises(
        InputError, match=r"POOL-001.*1 department elements, £9\.99.*WARD DRUGS sums to 0\.5000"
    ):
        build(short)


def test_an_element_no_pool_takes_is_refused():
    with pytest.raises(InputError, match=r"POOL-002.*£9\.99.*WARD DRUGS"):
        build(make_pools(("A", "WARD", "PAY_NURSING", 1.0)))


def test_pools_of_other_departments_and_unknown_elements_are_refused():
    with pytest.raises(InputError, match=r"POOL-003.*EST"):
        build(pd.concat([HALVES, make_pools(("X", "EST", "*", 1.0))]))
    with pytest.raises(InputError, match=r"POOL-004.*NURSES"):
        build(make_pools(("A", "WARD", "NURSES", 1.0)))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=6),
    st.integers(-(10**9), 10**11),
    st.integers(0, 10**10),
)
def test_no_penny_is_made_or_lost(parts, own, overhead):
    rows = [(f"P{n}", "WARD", "*", part / sum(parts)) for n, part in enumerate(parts)]
    costs = COSTS.assign(amount_pence=COSTS["amount_pence"].where(COSTS["element"] != "DRUGS", own))
    received = RECEIVED.assign(amount_pence=[overhead, 100])
    found = (
        build(make_pools(*rows), costs, received)
        .groupby(["department_id", "is_overhead"])["amount_pence"]
        .sum()
    )
    assert found.get(("WARD", False), 0) == 10_001 + own
    assert found.get(("WARD", True), 0) == overhead
