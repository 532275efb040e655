"""Overheads by what each line adds to them, averaged over every order of joining."""

from __future__ import annotations

from itertools import permutations

import four_lines
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.subsidy import shapley
from helpers.subsidy.behaviour import total_services
from helpers.subsidy.sensitivity import read_shares
from helpers.subsidy.shapley import (
    EXACT_UP_TO,
    choose_scale,
    list_joining_rules,
    share_by_joining,
    share_overheads_by_joining,
    total_cost,
)

uses = st.lists(st.floats(0.01, 1), min_size=2, max_size=7).map(lambda x: np.array([x]) / sum(x))
scales = st.floats(0, 1).map(lambda x: np.array([x]))


def share(use, scale):
    return share_by_joining(np.array([use]), np.array([scale]))[0][0]


def average_over_orders(use, scale):
    """The definition, order by order."""
    total = np.zeros(len(use))
    orders = list(permutations(range(len(use))))
    for order in orders:
        joined = 0.0
        for one in order:
            before = joined**scale if joined else 0.0
            joined += use[one]
            total[one] += joined**scale - before
    return total / len(orders)


def test_two_lines_by_hand():
    # cost = square root of use: alone 0.774597 and 0.632456; joining second 0.367544 and 0.225403
    # (0.774597 + 0.367544) / 2 = 0.571070 and (0.632456 + 0.225403) / 2 = 0.428930
    assert share([0.6, 0.4], 0.5) == pytest.approx([0.571070, 0.428930], abs=1e-6)


def test_a_service_whose_cost_all_moves_is_shared_by_use():
    assert share([0.5, 0.3, 0.2, 0.0], 1.0) == pytest.approx([0.5, 0.3, 0.2, 0.0])


def test_a_service_whose_cost_never_moves_is_shared_equally_among_its_users():
    assert share([0.7, 0.2, 0.1, 0.0], 0.0) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])


@settings(max_examples=30, deadline=None)
@given(uses.filter(lambda use: use.size <= 6), scales)
def test_it_is_the_average_over_every_order(use, scale):
    exact = share_by_joining(use, scale)[0][0]
    assert exact == pytest.approx(average_over_orders(use[0], scale[0]), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(uses, scales)
def test_every_share_lies_between_incremental_and_stand_alone_cost(use, scale):
    shares, errors = share_by_joining(use, scale)
    assert shares.sum() == pytest.approx(1)
    assert (errors == 0).all()
    moves = scale[0] * use[0]
    assert (shares[0] >= moves - 1e-9).all()
    assert (shares[0] <= 1 - scale[0] + moves + 1e-9).all()


def test_with_more_than_twelve_receivers_the_stated_error_holds():
    # equal users bear equal parts, whatever is drawn
    equal = share_by_joining(np.full((1, 24), 1 / 24), np.array([0.4]))
    assert equal[0][0] == pytest.approx([1 / 24] * 24, abs=1e-12)
    # 12 unequal ones can be worked out exactly too
    use = np.random.default_rng(5).dirichlet(np.ones(EXACT_UP_TO), 40)
    scale = np.linspace(0.2, 0.9, 40)
    exact = share_by_joining(use, scale)[0]
    drawn, errors = shapley._draw_orders(use, scale, seed=2)
    scores = (drawn - exact) / errors
    assert (errors > 0).all()
    assert 0.6 < scores.std() < 1.5  # 16 orders: t distribution of 15 degrees, variance 15/13
    assert drawn.sum(axis=1) == pytest.approx(np.ones(40))


def test_drawing_is_the_same_every_time():
    use = np.random.default_rng(5).dirichlet(np.ones(20), 3)
    first, again = (share_by_joining(use, np.full(3, 0.5), seed=7)[0] for _ in range(2))
    assert (first == again).all()


def test_half_of_a_service_costs_more_than_half():
    assert total_cost(np.array([0.0, 0.25, 1.0]), 0.5) == pytest.approx([0, 0.5, 1])


def test_a_service_without_behaviour_is_shared_by_use():
    services = pd.DataFrame({"long": [0.0, 0.4]}, index=["IT", "HR"])
    assert choose_scale(services).tolist() == [1.0, 0.4]


def four_line_shares(behaviour):
    services = total_services(behaviour, four_lines.department_costs())
    return share_overheads_by_joining(
        read_shares(four_lines.overhead_rules()),
        four_lines.department_line_shares(),
        services,
        pd.Index(sorted(four_lines.LINES)),
    )


def test_if_all_cost_moves_the_rule_is_the_reciprocal_one():
    by_service = four_line_shares(four_lines.behaviour())  # everything moves in the long run
    rule = list_joining_rules(by_service)
    assert rule["rule_id"].unique().tolist() == ["shapley"]
    found = rule.set_index("line_id")["overhead_gbp"].to_dict()
    expected = dict(zip(four_lines.LINES, four_lines.RECIPROCAL_OVERHEAD, strict=True))
    assert found == pytest.approx(expected, abs=0.01)


def test_if_none_moves_much_the_smallest_users_bear_more_and_all_cost_is_shared_out():
    fixed = four_lines.behaviour().assign(long=0.25)
    rule = list_joining_rules(four_line_shares(fixed)).set_index("line_id")["overhead_gbp"]
    assert rule.sum() == pytest.approx(sum(four_lines.PRIMARY.values()), abs=0.01)
    assert rule["GENMED"] < 680_000  # the largest user
    assert rule["ED"] > 320_000  # the smallest
