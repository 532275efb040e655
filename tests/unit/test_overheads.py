"""Overheads: three methods, their oracle, what each service charges, and the refusals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.costing.overhead_rules import (
    build_overhead_charges,
    build_overhead_rules,
    list_step_orders,
    total_step_orders,
)
from helpers.costing.overheads import (
    allocate_overheads,
    build_use,
    choose_step_order,
    resolve_shares,
    total_primary,
)
from helpers.errors import AllocationError, InputError

SERVICES = ("ESTATES", "HR", "IT")
LINES = ("ED", "GENMED", "MAT", "TO")
PRIMARY_PENCE = {"ESTATES": 80_000_000, "IT": 64_000_000, "HR": 34_000_000}
USES = {
    "ESTATES": {"IT": 10, "HR": 10, "TO": 20, "GENMED": 30, "ED": 10, "MAT": 20},
    "IT": {"ESTATES": 10, "HR": 20, "TO": 15, "GENMED": 25, "ED": 20, "MAT": 10},
    "HR": {"ESTATES": 20, "IT": 10, "TO": 20, "GENMED": 30, "ED": 10, "MAT": 10},
}


def make_drivers(uses: dict, driver_set: str = "base") -> pd.DataFrame:
    rows = [
        (k, c, "units", float(q), driver_set) for k, used in uses.items() for c, q in used.items()
    ]
    names = ["service_department", "consumer_department", "driver", "quantity", "driver_set"]
    return pd.DataFrame(rows, columns=names)


def make_departments(services=SERVICES, finals=LINES) -> pd.DataFrame:
    kinds = ["service"] * len(services) + ["clinical"] * len(finals)
    return pd.DataFrame({"department_id": [*services, *finals], "kind": kinds})


def make_costs(primary: dict) -> pd.DataFrame:
    rows = [(name, "service", "PAY_OTHER", pence) for name, pence in primary.items()]
    return pd.DataFrame(rows, columns=["department_id", "kind", "element", "amount_pence"])


def share_out(method: str, order=(), uses=USES, primary=PRIMARY_PENCE) -> dict[str, int]:
    use = build_use(make_drivers(uses), make_departments())
    shares = resolve_shares(use, method=method, order=order)
    allocation = allocate_overheads(make_costs(primary), use, shares, method=method)
    return allocation.groupby("department_id")["amount_pence"].sum().to_dict()


def test_reciprocal_shares_are_the_exact_fractions():
    use = build_use(make_drivers(USES), make_departments())
    shares = pd.DataFrame(
        resolve_shares(use, method="reciprocal"), index=use.finals, columns=use.services
    )
    # solved by hand with exact fractions
    expected = {
        "TO": ("473/1890", "31/135", "86/315"),
        "GENMED": ("143/378", "10/27", "26/63"),
        "ED": ("44/315", "11/45", "16/105"),
        "MAT": ("73/315", "7/45", "17/105"),
    }
    for line, texts in expected.items():
        for service, text in zip(("ESTATES", "IT", "HR"), texts, strict=True):
            assert shares.loc[line, service] == pytest.approx(float(Fraction(text)), abs=1e-14)


def test_step_down_shares_are_the_exact_fractions():
    use = build_use(make_drivers(USES), make_departments())
    shares = pd.DataFrame(
        resolve_shares(use, method="step_down", order=("ESTATES", "IT", "HR")),
        index=use.finals,
        columns=use.services,
    )
    expected = {
        "TO": ("317/1260", "29/126", "2/7"),
        "GENMED": ("479/1260", "47/126", "3/7"),
        "ED": ("44/315", "16/63", "1/7"),
        "MAT": ("8/35", "1/7", "1/7"),
    }
    for line, texts in expected.items():
        for service, text in zip(("ESTATES", "IT", "HR"), texts, strict=True):
            assert shares.loc[line, service] == pytest.approx(float(Fraction(text)), abs=1e-14)


def test_reciprocal_closes_to_the_penny_by_source():
    # exact: 44,000,000; 68,000,000; 32,000,000; 34,000,000. Pence close service by service, so a
    # penny of a remainder falls on MAT rather than on ED.
    assert share_out("reciprocal") == {
        "TO": 44_000_000, "GENMED": 68_000_000, "ED": 31_999_999, "MAT": 34_000_001,
    }  # fmt: skip


def test_direct_closes_to_the_penny_by_source():
    assert share_out("direct") == {
        "TO": 43_428_572, "GENMED": 67_428_571, "ED": 33_142_857, "MAT": 34_000_000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("order", "pounds"),
    [
        ("E>I>H", (445_714.29, 688_571.43, 322_857.14, 322_857.14)),
        ("E>H>I", (430_535.71, 673_392.86, 353_214.29, 322_857.14)),
        ("I>E>H", (449_142.86, 689_714.29, 304_571.43, 336_571.43)),
        ("I>H>E", (442_000.00, 679_000.00, 301_000.00, 358_000.00)),
        ("H>E>I", (425_984.13, 666_492.06, 350_571.43, 336_952.38)),
        ("H>I>E", (432_437.50, 669_718.75, 321_531.25, 356_312.50)),
    ],
)
def test_step_down_in_every_order(order, pounds):
    names = {"E": "ESTATES", "I": "IT", "H": "HR"}
    found = share_out("step_down", [names[letter] for letter in order.split(">")])
    # three services close apart, so a line can differ from its rounded total by up to 1.5 pence
    assert [found[line] for line in ("TO", "GENMED", "ED", "MAT")] == pytest.approx(
        [100 * value for value in pounds], abs=2
    )
    assert sum(found.values()) == 178_000_000


def test_a_service_charges_more_than_its_own_cost_that_ends_in_a_line():
    use = build_use(make_drivers(USES), make_departments())
    shares = resolve_shares(use, method="reciprocal")
    costs = make_costs(PRIMARY_PENCE)
    allocation = allocate_overheads(costs, use, shares, method="reciprocal")
    charges = build_overhead_charges(
        use, allocation, total_primary(costs), method="reciprocal", order=()
    ).set_index(["service_id", "department_id"])
    # gross s = £1,000,000, £800,000, £600,000; MAT uses 20%, 10%, 10% of them
    charged = [int(charges.loc[(k, "MAT"), "charged_pence"]) for k in ("ESTATES", "IT", "HR")]
    assert charged == [20_000_000, 8_000_000, 6_000_000]
    # M: the services' own cost that ends in MAT
    ended = [int(charges.loc[(k, "MAT"), "attributed_pence"]) for k in ("ESTATES", "IT", "HR")]
    assert ended == pytest.approx([18_539_683, 9_955_556, 5_504_762], abs=1)
    assert charges["charged_pence"].sum() == charges["attributed_pence"].sum() == 178_000_000


def test_step_down_charges_add_up_to_all_overhead():
    use = build_use(make_drivers(USES), make_departments())
    order = ("ESTATES", "IT", "HR")
    shares = resolve_shares(use, method="step_down", order=order)
    costs = make_costs(PRIMARY_PENCE)
    allocation = allocate_overheads(costs, use, shares, method="step_down")
    charges = build_overhead_charges(
        use, allocation, total_primary(costs), method="step_down", order=order
    )
    # ESTATES closes first: of £800,000, MAT uses 20 of 100
    first = charges.query("service_id == 'ESTATES' and department_id == 'MAT'")
    assert first["charged_pence"].tolist() == [16_000_000]
    assert charges["charged_pence"].sum() == pytest.approx(178_000_000, abs=6)


def test_self_use_changes_nothing():
    with_self = {**USES, "IT": {**USES["IT"], "IT": 25}}
    assert share_out("reciprocal", uses=with_self) == share_out("reciprocal")
    assert share_out("direct", uses=with_self) == share_out("direct")


def test_reciprocal_is_the_limit_of_passing_costs_on_again_and_again():
    use = build_use(make_drivers(USES), make_departments())
    passed = use.quantity / use.quantity.sum(axis=1, keepdims=True)
    held, landed = np.eye(3), np.zeros((3, 4))
    for _ in range(100):
        landed += held @ passed[:, 3:]
        held = held @ passed[:, :3]
    assert np.abs(landed.T - resolve_shares(use, method="reciprocal")).max() < 1e-9


def test_the_auto_order_serves_most_services_first_then_the_dearest():
    use = build_use(make_drivers(USES), make_departments())
    # each serves two services, so cost decides: ESTATES 800,000, IT 640,000, HR 340,000
    order = choose_step_order(use, pd.Series(PRIMARY_PENCE), departments=make_departments())
    assert order == ["ESTATES", "IT", "HR"]
    lonely = {**USES, "ESTATES": {"TO": 1.0}}  # serves no other service: goes last
    use = build_use(make_drivers(lonely), make_departments())
    order = choose_step_order(use, pd.Series(PRIMARY_PENCE), departments=make_departments())
    assert order == ["IT", "HR", "ESTATES"]


def test_the_trusts_ranks_and_then_its_list_come_before_the_auto_order():
    use = build_use(make_drivers(USES), make_departments())
    ranked = make_departments().assign(step_rank=pd.array([3, 1, 2, *[None] * 4], dtype="Int64"))
    costs = pd.Series(PRIMARY_PENCE)
    assert choose_step_order(use, costs, departments=ranked) == ["HR", "IT", "ESTATES"]
    listed = choose_step_order(use, costs, departments=ranked, step_order=["IT", "HR", "ESTATES"])
    assert listed == ["IT", "HR", "ESTATES"]
    with pytest.raises(InputError, match=r"DRV-007.*step_order"):
        choose_step_order(use, costs, departments=ranked, step_order=["IT"])


def test_a_closed_loop_is_refused_by_name():
    loop = {"A": {"B": 1}, "B": {"A": 1}, "C": {"W": 1}}
    with pytest.raises(AllocationError, match=r"DRV-003: ALLOC-E01.*A, B"):
        build_use(make_drivers(loop), make_departments(("A", "B", "C"), ("W",)))


def test_a_service_nobody_uses_is_refused():
    with pytest.raises(AllocationError, match=r"ALLOC-E02.*HR"):
        build_use(make_drivers({**USES, "HR": {"TO": 0, "HR": 5}}), make_departments())


def test_negative_use_is_refused():
    with pytest.raises(AllocationError, match=r"ALLOC-E03.*IT"):
        build_use(make_drivers({**USES, "IT": {"TO": -1}}), make_departments())


def test_two_units_in_one_service_are_refused():
    drivers = make_drivers(USES)
    drivers.loc[0, "driver"] = "floor_m2"
    with pytest.raises(InputError, match=r"DRV-006.*ESTATES"):
        build_use(drivers, make_departments())


def test_use_by_an_unknown_department_is_refused():
    with pytest.raises(InputError, match=r"DRV-002.*NOWHERE"):
        build_use(make_drivers({**USES, "HR": {"NOWHERE": 1}}), make_departments())


def test_an_order_that_leaves_a_service_nowhere_to_go_is_refused():
    # HR serves only IT; closed after IT its cost would be lost
    uses = {**USES, "HR": {"IT": 5}}
    use = build_use(make_drivers(uses), make_departments())
    with pytest.raises(AllocationError, match=r"ALLOC-E02.*HR"):
        resolve_shares(use, method="step_down", order=("ESTATES", "IT", "HR"))
    with pytest.raises(AllocationError, match=r"direct method.*HR"):
        resolve_shares(use, method="direct")
    whole = resolve_shares(use, method="step_down", order=("HR", "ESTATES", "IT"))
    assert whole.sum(axis=0) == pytest.approx([1, 1, 1])


def test_the_rules_of_a_run_are_three_methods_by_driver_set():
    other = make_drivers({"IT": {"TO": 1, "MAT": 1}}, "alt1")
    rules = build_overhead_rules(
        pd.concat([make_drivers(USES), other]), make_departments(), pd.Series(PRIMARY_PENCE)
    )
    names = rules["rule_id"].unique().tolist()
    assert names == [
        "reciprocal", "step_down:ESTATES>IT>HR", "direct",
        "reciprocal@alt1", "step_down:ESTATES>HR>IT@alt1", "direct@alt1",
    ]  # fmt: skip
    sums = rules.groupby(["rule_id", "service_id"])["share_prop"].sum()
    assert sums.to_numpy() == pytest.approx(np.ones(len(sums)))
    # alt1 replaces IT's drivers only: half to each, and HR keeps its base ones
    alt = rules.set_index(["rule_id", "service_id", "department_id"])["share_prop"]
    assert alt["direct@alt1", "IT", "MAT"] == 0.5
    assert alt["direct@alt1", "HR", "TO"] == pytest.approx(20 / 70)


def test_all_orders_up_to_five_services_and_a_seeded_sample_beyond():
    three = list_step_orders(SERVICES, ("HR", "IT", "ESTATES"), rules="all", seed=1)
    assert len(three) == 6 and three[0] == ("HR", "IT", "ESTATES")
    eight = list_step_orders(list("ABCDEFGH"), tuple("ABCDEFGH"), rules="all", seed=1)
    assert 195 <= len(eight) <= 201 and eight[0] == tuple("ABCDEFGH")
    assert eight == list_step_orders(list("ABCDEFGH"), tuple("ABCDEFGH"), rules="all", seed=1)
    assert eight != list_step_orders(list("ABCDEFGH"), tuple("ABCDEFGH"), rules="all", seed=2)


def test_every_other_step_order_is_totalled_by_line():
    """Four departments, each its line's but MAT's, whose overhead goes half to ED."""
    passes = pd.DataFrame(
        {
            "department_id": ["ED", "GENMED", "MAT", "MAT", "TO"],
            "line_id": ["ED", "GENMED", "ED", "MAT", "TO"],
            "share_prop": [1.0, 1.0, 0.5, 0.5, 1.0],
        }
    )
    orders = total_step_orders(
        make_drivers(USES), make_departments(), pd.Series(PRIMARY_PENCE), passes
    )
    by_rule = orders.pivot(index="rule_id", columns="line_id", values="overhead_gbp")
    # The trust's own order, ESTATES>IT>HR, is a rule already: five of six are left.
    assert len(by_rule) == 5 and "step_down:ESTATES>IT>HR" not in by_rule.index
    # IT, HR, ESTATES: T&O 442,000; GENMED 679,000; ED 301,000 + 358,000 / 2; MAT 358,000 / 2
    assert by_rule.loc["step_down:IT>HR>ESTATES"].to_dict() == pytest.approx(
        {"TO": 442_000, "GENMED": 679_000, "ED": 480_000, "MAT": 179_000}, abs=0.001
    )
    assert by_rule.sum(axis=1).tolist() == pytest.approx([1_780_000] * 5)


def test_a_trust_without_overhead_services_has_rules_and_no_shares():
    nothing = make_drivers({})
    finals = make_departments(services=())
    rules = build_overhead_rules(nothing, finals, pd.Series(dtype="int64"))
    assert rules.empty
    use = build_use(nothing, finals)
    costs = make_costs({})
    assert allocate_overheads(
        costs, use, resolve_shares(use, method="direct"), method="direct"
    ).empty


def test_one_service_has_no_other_order():
    drivers, one = make_drivers({"IT": {"ED": 1, "TO": 3}}), make_departments(("IT",), ("ED", "TO"))
    passes = pd.DataFrame(
        {"department_id": ["ED", "TO"], "line_id": ["ED", "TO"], "share_prop": 1.0}
    )
    assert total_step_orders(drivers, one, pd.Series({"IT": 400}), passes).empty


@st.composite
def ledgers(draw):
    """Random services with random use, at least some of it by final departments; credits too."""
    n, j = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    services, finals = [f"S{i}" for i in range(n)], [f"F{i}" for i in range(j)]
    amount = st.integers(0, 500).map(float)
    uses = {k: {c: draw(amount) for c in [*services, *finals]} for k in services}
    for k in services:
        uses[k][draw(st.sampled_from(finals))] = draw(st.integers(1, 500).map(float))
    primary = {k: draw(st.integers(-(10**9), 10**11)) for k in services}
    return services, finals, uses, primary


def allocate(services, finals, uses, primary, method):
    use = build_use(make_drivers(uses), make_departments(services, finals))
    shares = resolve_shares(use, method=method, order=services)
    return allocate_overheads(make_costs(primary), use, shares, method=method)


@settings(max_examples=60, deadline=None)
@given(ledgers(), st.sampled_from(["reciprocal", "step_down", "direct"]))
def test_pence_out_are_pence_in_by_service(ledger, method):
    services, finals, uses, primary = ledger
    found = allocate(services, finals, uses, primary, method)
    out = found.groupby("service_id")["amount_pence"].sum()
    assert {k: int(out.get(k, 0)) for k in services} == primary


@settings(max_examples=30, deadline=None)
@given(ledgers())
def test_methods_agree_where_services_do_not_serve_each_other(ledger):
    services, finals, uses, primary = ledger
    apart = {k: {c: q for c, q in used.items() if c in finals} for k, used in uses.items()}
    tables = [
        allocate(services, finals, apart, primary, method).drop(columns="method")
        for method in ("reciprocal", "step_down", "direct")
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    pd.testing.assert_frame_equal(tables[0], tables[2])


@settings(max_examples=30, deadline=None)
@given(
    ledgers(), st.sampled_from(["reciprocal", "step_down", "direct"]), st.sampled_from([2, 8, 64])
)
def test_scaling_all_drivers_of_a_service_changes_nothing(ledger, method, factor):
    services, finals, uses, primary = ledger
    scaled = {**uses, "S0": {c: q * factor for c, q in uses["S0"].items()}}
    pd.testing.assert_frame_equal(
        allocate(services, finals, uses, primary, method),
        allocate(services, finals, scaled, primary, method),
    )


@settings(max_examples=30, deadline=None)
@given(ledgers(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(ledger, random):
    services, finals, uses, _ = ledger
    drivers = make_drivers(uses)
    shuffled = drivers.sample(frac=1, random_state=random.randint(0, 10**6))
    departments = make_departments(services, finals)
    first, second = (build_use(rows, departments) for rows in (drivers, shuffled))
    assert np.array_equal(first.quantity, second.quantity)
