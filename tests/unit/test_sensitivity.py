"""Does a line's sign survive another fair rule?"""

from __future__ import annotations

import time
from itertools import permutations

import four_lines
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import AllocationError, ReconciliationError
from helpers.subsidy.position import build_position
from helpers.subsidy.sensitivity import (
    find_base_rule,
    find_gaps,
    label_signs,
    list_rules,
    read_shares,
    round_rows,
    share_overheads,
    summarise_rules,
    try_rules,
)

BASE_OVERHEAD = pd.Series(
    [pounds * 100 for pounds in four_lines.RECIPROCAL_OVERHEAD],
    index=pd.Index(four_lines.LINES, name="line_id"),
)


def position():
    return build_position(
        four_lines.statement(), four_lines.service_lines(), four_lines.line_costs()
    )


def surpluses(*, every_order=True):
    shares = read_shares(four_lines.overhead_rules(every_order=every_order))
    overheads = share_overheads(
        shares,
        four_lines.overhead_allocation(),
        four_lines.department_line_shares(),
        BASE_OVERHEAD,
        "reciprocal",
    )
    return try_rules(position(), overheads, shares.rules, "reciprocal")


def of_rule(tried, rule):
    return tried[tried["rule_id"] == rule].set_index("line_id")["surplus_pence"].to_dict()


def test_each_rule_gives_its_own_surplus():
    tried = surpluses()
    assert of_rule(tried, "reciprocal") == {
        "TO": 18_000_000, "GENMED": -12_000_000, "ED": 500_000, "MAT": -1_000_000,
    }  # fmt: skip
    # Direct: 620,000 - 434,285.71; 560,000 - 674,285.71; 325,000 - 331,428.57; 330,000 - 340,000
    # Whole pence that add up to 55,000 for every rule, so a line may be a penny from its own share.
    expected = {"TO": 18_571_429, "GENMED": -11_428_571, "ED": -642_857, "MAT": -1_000_000}
    assert of_rule(tried, "direct") == pytest.approx(expected, abs=1)
    expected = {"TO": 17_428_571, "GENMED": -12_857_143, "ED": 214_286, "MAT": 714_286}
    assert of_rule(tried, "step_down:ESTATES>IT>HR") == pytest.approx(expected, abs=1)


def test_every_rule_keeps_the_trusts_surplus():
    totals = surpluses().groupby("rule_id")["surplus_pence"].sum()
    assert len(totals) == 8
    assert (totals == 5_500_000).all()


def test_ranges_and_labels_over_eight_rules():
    summary = summarise_rules(surpluses(), position(), "reciprocal").set_index("line_id")
    expected = {
        "TO": (17_085_714, 19_401_587, 1.0, "stable"),
        "GENMED": (-12_971_429, -10_649_206, 1.0, "stable"),
        "ED": (-2_821_429, 2_400_000, 5 / 8, "rule_dependent"),
        "MAT": (-2_800_000, 714_286, 6 / 8, "rule_dependent"),
    }
    for line, (low, high, same, label) in expected.items():
        row = summary.loc[line]
        assert row["min_pence"] == pytest.approx(low, abs=1)
        assert row["max_pence"] == pytest.approx(high, abs=1)
        assert row["same_sign_prop"] == pytest.approx(same)
        assert row["sign_label"] == label
    # (194,015.87 - 170,857.14) / 5,200,000
    assert summary.loc["TO", "width_income_prop"] == pytest.approx(0.0044536, abs=1e-6)
    assert (summary["n_rules"] == 8).all()


def with_contract(contract=None):
    shares = read_shares(four_lines.overhead_rules())
    overheads = share_overheads(
        shares,
        four_lines.overhead_allocation(),
        four_lines.department_line_shares(),
        BASE_OVERHEAD,
        "reciprocal",
    )
    contract = four_lines.line_contract_income() if contract is None else contract
    return try_rules(position(), overheads, shares.rules, "reciprocal", find_gaps(contract))


def test_income_as_contracted_doubles_the_rules_and_moves_each_line_by_its_gap():
    tried = with_contract()
    assert len(tried) == 8 * 2 * 4
    own = tried[(tried["rule_id"] == "reciprocal") & (tried["income_basis"] == "contract")]
    # 180,000 - 190,000; -120,000 - 560,000; 5,000 - 290,000; -10,000 - 310,000
    assert own.set_index("line_id")["surplus_pence"].to_dict() == {
        "TO": -1_000_000, "GENMED": -68_000_000, "ED": -28_500_000, "MAT": -32_000_000,
    }  # fmt: skip


def test_a_lines_sign_can_turn_on_overheads_on_income_or_on_both():
    summary = summarise_rules(with_contract(), position(), "reciprocal").set_index("line_id")
    # T&O at price +170,857..+194,016, as contracted -19,143..+4,016. Maternity's 310,000 gap keeps
    # it below nought, but at price it is above nought under two orders.
    assert summary["depends_on"].to_dict() == {
        "TO": "both", "GENMED": "nothing", "ED": "both", "MAT": "overheads",
    }  # fmt: skip
    assert (summary["n_rules"] == 16).all() and (summary["n_bases"] == 2).all()
    assert summary.loc["TO", "low_price_pence"] == pytest.approx(17_085_714, abs=1)
    assert summary.loc["TO", "low_contract_pence"] == pytest.approx(-1_914_286, abs=1)
    assert summary.loc["TO", "contract_pence"] == -1_000_000
    assert summary.loc["TO", "high_contract_pence"] == pytest.approx(401_587, abs=1)
    # ED: at price above nought in 5 of 8, as contracted in none: 5 of 16
    assert summary.loc["ED", "same_sign_prop"] == pytest.approx(5 / 16)


def test_another_key_for_fixed_sums_is_one_more_basis_and_widens_the_range():
    # 12,150,000 again, by cost: T&O 200,000 more than its price, maternity 500,000 more; general
    # medicine and the emergency department pay for it, and for the 1,350,000 below notional value.
    by_cost = [2_100_000, 4_200_000, 2_250_000, 3_600_000]
    contract = four_lines.line_contract_income().assign(
        by_cost_pence=pd.array([pounds * 100 for pounds in by_cost], dtype="Int64")
    )
    tried = with_contract(contract)
    assert len(tried) == 8 * 3 * 4
    own = tried[(tried["rule_id"] == "reciprocal") & (tried["income_basis"] == "contract_by_cost")]
    # 180,000 + 200,000; -120,000 - 1,400,000; 5,000 - 650,000; -10,000 + 500,000
    assert own.set_index("line_id")["surplus_pence"].to_dict() == {
        "TO": 38_000_000, "GENMED": -152_000_000, "ED": -64_500_000, "MAT": 49_000_000,
    }  # fmt: skip
    summary = summarise_rules(tried, position(), "reciprocal").set_index("line_id")
    assert (summary["n_rules"] == 24).all() and (summary["n_bases"] == 3).all()
    # T&O as contracted from -19,143 (by value) to 194,016 + 200,000 (by cost)
    assert summary.loc["TO", "low_contract_pence"] == pytest.approx(-1_914_286, abs=1)
    assert summary.loc["TO", "high_contract_pence"] == pytest.approx(39_401_587, abs=1)
    assert summary.loc["TO", "contract_pence"] == -1_000_000  # the mark stays by value
    # maternity: below nought by value, above it by cost under every way of sharing overheads
    assert summary.loc["MAT", "depends_on"] == "both"
    assert summary.loc["MAT", "sign_label"] == "rule_dependent"


def test_a_key_that_is_not_known_is_no_basis():
    contract = four_lines.line_contract_income()
    assert list(find_gaps(contract)) == ["contract"]
    both = contract["contract_pence"] - contract["price_pence"]
    by_line = both.groupby(contract["line_id"]).sum()
    assert find_gaps(contract)["contract"].to_dict() == by_line.to_dict()
    assert find_gaps(contract.iloc[:0]) == {}


def test_without_a_contract_income_turns_no_sign():
    summary = summarise_rules(surpluses(), position(), "reciprocal")
    assert summary["depends_on"].tolist() == ["overheads", "nothing", "overheads", "nothing"]
    assert summary["low_contract_pence"].isna().all() and (summary["n_bases"] == 1).all()


def test_orders_known_by_line_give_what_their_shares_would_give():
    """The same step-down orders, once as shares by department and once as overhead by line."""
    all_rules = four_lines.overhead_rules()
    few = all_rules[all_rules["overhead_method"] != "step_down"]
    orders = [
        {
            "rule_id": f"step_down:{'>'.join(order)}",
            "overhead_method": "step_down",
            "step_order": ">".join(order),
            "driver_set": "base",
            "line_id": line,
            "overhead_gbp": float(
                sum(
                    share * four_lines.PRIMARY[service]
                    for service, share in four_lines.step_down(order)[line].items()
                )
            ),
        }
        for order in permutations(four_lines.USE)
        for line in four_lines.LINES
    ]
    shares = read_shares(few)
    found = share_overheads(
        shares,
        four_lines.overhead_allocation(),
        four_lines.department_line_shares(),
        BASE_OVERHEAD,
        "reciprocal",
        pd.DataFrame(orders),
    )
    rules = list_rules(shares, pd.DataFrame(orders))
    tried = try_rules(position(), found, rules, "reciprocal")
    pd.testing.assert_frame_equal(tried, surpluses())


def test_an_order_that_names_a_line_of_another_run_is_refused():
    orders = pd.DataFrame(
        {
            "rule_id": ["x"], "overhead_method": ["step_down"], "step_order": ["A"],
            "driver_set": ["base"], "line_id": ["NOWHERE"], "overhead_gbp": [1.0],
        }
    )  # fmt: skip
    with pytest.raises(AllocationError, match=r"ALLOC-E02.*NOWHERE"):
        share_overheads(
            read_shares(four_lines.overhead_rules()),
            four_lines.overhead_allocation(),
            four_lines.department_line_shares(),
            BASE_OVERHEAD,
            "reciprocal",
            orders,
        )


def test_labels_change_at_all_and_at_four_in_five():
    same = pd.Series([1.0, 0.95, 0.8, 4 / 5, 0.79, 0.5])
    assert label_signs(same).tolist() == [
        "stable", "mostly_stable", "mostly_stable", "mostly_stable",
        "rule_dependent", "rule_dependent",
    ]  # fmt: skip


def test_a_surplus_of_nought_counts_as_a_surplus():
    tried = pd.DataFrame(
        {
            "rule_id": ["a", "b"],
            "income_basis": "price",
            "line_id": ["L", "L"],
            "surplus_pence": [0, 3],
        }
    )
    line = pd.DataFrame({"line_id": ["L"], "surplus_pence": [0], "income_pence": [0]})
    summary = summarise_rules(tried, line, "a")
    assert summary["sign_label"].tolist() == ["stable"]
    assert summary["width_income_prop"].isna().all()  # no income to compare with


def test_the_runs_own_rule_is_found_by_what_it_did():
    shares = read_shares(four_lines.overhead_rules())
    assert find_base_rule(shares, four_lines.overhead_allocation()) == "reciprocal"
    order = ("HR", "ESTATES", "IT")
    used = four_lines.overhead_allocation().assign(method="step_down")
    by_line = four_lines.step_down(order)
    used["amount_pence"] = [
        round(four_lines.PRIMARY[service] * 100 * by_line[line][service])
        for service, line in zip(used["service_id"], used["department_id"], strict=True)
    ]
    assert find_base_rule(shares, used) == "step_down:HR>ESTATES>IT"


def test_an_allocation_of_another_run_is_refused():
    shares = read_shares(four_lines.overhead_rules())
    other = four_lines.overhead_allocation().assign(method="direct")  # reciprocal amounts
    with pytest.raises(ReconciliationError, match="1 `direct` rules"):
        find_base_rule(shares, other)


def test_shares_that_disagree_with_the_statement_are_refused():
    shares = read_shares(four_lines.overhead_rules())
    moved = BASE_OVERHEAD + pd.Series([100_000, -100_000, 0, 0], index=BASE_OVERHEAD.index)
    with pytest.raises(ReconciliationError, match=r"2 columns, by up to £1,000: GENMED, TO"):
        share_overheads(
            shares,
            four_lines.overhead_allocation(),
            four_lines.department_line_shares(),
            moved,
            "reciprocal",
        )


def test_a_service_that_is_not_shared_out_wholly_is_refused():
    rules = four_lines.overhead_rules()
    rules.loc[0, "share_prop"] += 0.01
    with pytest.raises(AllocationError, match=r"ALLOC-E01.*ESTATES"):
        read_shares(rules)


def test_a_department_that_passes_overhead_to_no_line_is_refused():
    passed = four_lines.department_line_shares().query("department_id != 'ED'")
    with pytest.raises(AllocationError, match=r"ALLOC-E02.*ED"):
        share_overheads(
            read_shares(four_lines.overhead_rules()),
            four_lines.overhead_allocation(),
            passed,
            BASE_OVERHEAD,
            "reciprocal",
        )


def test_unmatched_activity_of_a_department_counts_as_its_line():
    passed = four_lines.department_line_shares()
    part = passed.query("department_id == 'ED'").assign(line_id="UNMATCHED:ED", share_prop=0.25)
    passed.loc[passed["department_id"] == "ED", "share_prop"] = 0.75
    shares = read_shares(four_lines.overhead_rules())
    found = share_overheads(
        shares,
        four_lines.overhead_allocation(),
        pd.concat([passed, part]),
        BASE_OVERHEAD,
        "reciprocal",
    )
    assert found.loc["direct", "ED"] == 33_142_857


def test_a_trust_without_overheads_has_one_rule_and_stable_signs():
    empty = four_lines.overhead_rules().iloc[:0]
    shares = read_shares(empty)
    none = four_lines.overhead_allocation().iloc[:0]
    base = find_base_rule(shares, none)
    overheads = share_overheads(
        shares, none, four_lines.department_line_shares(), BASE_OVERHEAD * 0, base
    )
    summary = summarise_rules(
        try_rules(position(), overheads, shares.rules, base), position(), base
    )
    assert (summary["sign_label"] == "stable").all()
    assert (summary["n_rules"] == 1).all()


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=9).map(np.array).map(np.atleast_2d))
def test_rounded_rows_keep_their_total_within_a_penny_a_cell(exact):
    total = round(float(exact.sum()))
    whole = round_rows(exact, total)
    assert whole.sum() == total
    assert (np.abs(whole - exact) <= 1).all()


def test_two_hundred_orders_of_sixty_lines_are_quick():
    draw = np.random.default_rng(1)
    n_rules, n_services, n_departments, n_lines = 200, 15, 80, 60
    raw = draw.random((n_rules, n_services, n_departments))
    raw /= raw.sum(axis=2, keepdims=True)
    rule, service, department = (axis.ravel() for axis in np.indices(raw.shape))
    rules = pd.DataFrame(
        {
            "rule_id": [f"r{n:03d}" for n in rule],
            "overhead_method": "direct",
            "step_order": "",
            "driver_set": "base",
            "service_id": [f"s{n:02d}" for n in service],
            "department_id": [f"d{n:02d}" for n in department],
            "share_prop": raw.ravel(),
        }
    )
    passes = draw.dirichlet(np.ones(n_lines), n_departments)
    to_lines = pd.DataFrame(
        {
            "department_id": np.repeat([f"d{n:02d}" for n in range(n_departments)], n_lines),
            "line_id": np.tile([f"L{n:02d}" for n in range(n_lines)], n_departments),
            "share_prop": passes.ravel(),
        }
    )
    primary = 100_000_000
    allocation = rules[rules["rule_id"] == "r000"].assign(element="PAY_OTHER", method="direct")
    allocation["amount_pence"] = (allocation["share_prop"] * primary).round().astype("int64")
    received = allocation.groupby("department_id")["amount_pence"].sum().to_numpy()
    base = pd.Series(
        np.rint(received @ passes).astype("int64"),
        index=pd.Index([f"L{n:02d}" for n in range(n_lines)], name="line_id"),
    )
    started = time.process_time()
    overheads = share_overheads(read_shares(rules), allocation, to_lines, base, "r000")
    assert time.process_time() - started < 2
    assert (overheads.sum(axis=1) == base.sum()).all()
    assert (overheads.loc["r000"] == base).all()
