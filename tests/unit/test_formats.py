"""Numbers on a page: three figures, a true minus, and a word where nothing is known."""

from __future__ import annotations

import doctest
import math

import pandas as pd
import pytest

from helpers.report import cells, formats
from helpers.report.formats import (
    count_words,
    format_count,
    format_days,
    format_exact_gbp,
    format_gbp,
    format_prop,
    join_words,
    true_minus,
)


@pytest.mark.parametrize(
    ("pence", "expected"),
    [
        (0, "£0"),
        (40, "£0"),  # 40p rounds to no pounds
        (-40, "£0"),
        (60, "£1"),
        (99_900, "£999"),
        (123_400, "£1.23k"),
        (99_994_000, "£1.00m"),  # £999,940 is £1.00m to three figures, not £1,000k
        (123_456_789, "£1.23m"),
        (-4_560_000, "−£45.6k"),
        (57_300_000_000, "£573m"),
        (99_980_000_000, "£1.00bn"),
        (123_000_000_000_000, "£1,230bn"),
        (None, "not known"),
        (math.nan, "not known"),
        (pd.NA, "not known"),
    ],
)
def test_pounds_have_three_figures_and_a_true_minus(pence, expected):
    assert format_gbp(pence) == expected


def test_a_signed_amount_shows_its_plus_but_zero_has_no_sign():
    assert format_gbp(100_000, signed=True) == "+£1.00k"
    assert format_gbp(-100_000, signed=True) == "−£1.00k"
    assert format_gbp(0, signed=True) == "£0"


def test_exact_pounds_keep_every_penny():
    # 2 ** 53 + 1 pence: a float would lose the last penny
    assert format_exact_gbp(9_007_199_254_740_993) == "£90,071,992,547,409.93"
    assert format_exact_gbp(-5) == "−£0.05"


@pytest.mark.parametrize(
    ("prop", "decimals", "expected"),
    [(0.1234, 1, "12.3%"), (-0.05, 0, "−5%"), (-0.0001, 1, "0.0%"), (math.nan, 1, "not known")],
)
def test_shares_become_percentages(prop, decimals, expected):
    assert format_prop(prop, decimals) == expected


def test_counts_and_days():
    assert format_count(-1_234_567) == "−1,234,567"
    assert format_days(-2.04) == "−2.0 days"
    assert format_days(1.26, signed=True) == "+1.3 days"
    assert format_days(math.nan) == "not known"


def test_words_are_joined_as_in_speech():
    assert join_words([]) == ""
    assert join_words(["a"]) == "a"
    assert join_words(["a", "b"]) == "a and b"
    assert join_words(["a", "b", "c"]) == "a, b and c"


def test_a_count_takes_the_right_noun():
    assert count_words(0, "line") == "no lines"
    assert count_words(1, "line") == "1 line"
    assert count_words(1_200, "row") == "1,200 rows"


def test_a_rounded_negative_zero_loses_its_sign():
    assert true_minus("-0.00") == "0.00"
    assert true_minus("-0.01") == "−0.01"


@pytest.mark.parametrize("module", [formats, cells])
def test_the_examples_in_the_words_are_true(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
