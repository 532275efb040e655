"""Whole pence: the oracle, negative amounts, refusals, and sums that always hold."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.contracts.money import hamilton
from helpers.costing.money import apportion, to_whole_weights
from helpers.errors import AllocationError


def test_a_hundred_pounds_over_three_equal_receivers():
    assert hamilton(10_000, [1, 1, 1]) == [3_334, 3_333, 3_333]


def test_a_ward_by_weighted_hours():
    # £12,345.67 over 48, 108, 40, 30.5 (226.5 in all)
    assert hamilton(1_234_567, [48, 108, 40, 30.5]) == [261_630, 588_668, 218_025, 166_244]


def test_ties_go_to_the_smallest_key_whatever_the_order():
    assert hamilton(100, [1, 1, 1], ["c", "a", "b"]) == [33, 34, 33]


def test_a_credit_is_shared_like_a_cost():
    assert hamilton(-10_000, [1, 1, 1]) == [-3_334, -3_333, -3_333]


def test_money_without_weights_is_refused_and_no_money_is_not():
    with pytest.raises(AllocationError, match="ALLOC-E02"):
        hamilton(1, [0, 0])
    assert hamilton(0, [0, 0]) == [0, 0]


def test_a_negative_weight_is_refused():
    with pytest.raises(AllocationError, match="ALLOC-E03"):
        hamilton(100, [2, -1])


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.one_of(st.integers(0, 10**9), st.floats(0, 1e6)), min_size=1, max_size=12),
)
def test_shares_add_up_and_are_within_a_penny_of_exact(pence, weights):
    total = sum(Fraction(w) for w in weights)
    if total == 0:
        return
    found = hamilton(pence, weights)
    assert sum(found) == pence
    for share, weight in zip(found, weights, strict=True):
        assert abs(share - pence * Fraction(weight) / total) < 1


def test_groups_are_shared_apart():
    frame = pd.DataFrame(
        {
            "group": ["a", "a", "a", "b", "b"],
            "key": ["z", "y", "x", "x", "y"],
            "pence": [100, 100, 100, 7, 7],
            "weight": [1, 1, 1, 3, 1],
        }
    )
    found = apportion(frame, by=["group"], amount="pence", weight="weight", key=["key"])
    # a: 34 to x (the smallest key), 33, 33.  b: 7 x 3/4 = 5.25 and 1.75: 5 and 2
    assert found["share_pence"].tolist() == [34, 33, 33, 5, 2]
    shuffled = apportion(
        frame.iloc[::-1], by=["group"], amount="pence", weight="weight", key=["key"]
    )
    assert shuffled["share_pence"].tolist() == found["share_pence"].tolist()


def test_a_group_without_weight_is_named():
    frame = pd.DataFrame({"group": ["W1"], "key": ["x"], "pence": [5], "weight": [0]})
    with pytest.raises(AllocationError, match=r"ALLOC-E02: Ward cost of W1"):
        apportion(
            frame, by=["group"], amount="pence", weight="weight", key=["key"], what="Ward cost"
        )


def test_the_last_bits_of_a_float_decide_nothing():
    third = 1 / 3
    assert to_whole_weights(pd.Series([third, third + 1e-16])) == [333_333_333_333] * 2
