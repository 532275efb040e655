"""How far a line's cost can be traced, and the grade that gives."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.costing.credibility import (
    assess_credibility,
    find_match_rates,
    grade_line,
    score_pools,
)
from helpers.costing.pool_lines import PoolWeights

POOLS = pd.DataFrame(
    [("NURSING", 0.5, False), ("ITEMS", 1.0, True), ("THEATRE", 1.0, False)],
    columns=["pool_id", "quality_score", "is_traced"],
)
UNITS = pd.DataFrame(columns=["line_id", "feed", "weight_units"])
WEIGHTS = pd.DataFrame(
    [
        ("NURSING", "TO", "SPELL", True, 90),
        ("NURSING", "UNMATCHED:TO", "NONE", False, 10),
        ("ITEMS", "TO", "ID", True, 60),
        ("ITEMS", "TO", "PAT_OP", True, 40),
        ("THEATRE", "TO", "SPELL", True, 50),
    ],
    columns=["pool_id", "line_id", "match_rule", "is_matched", "weight"],
)
COSTS = pd.DataFrame(
    [
        ("NURSING", "ward", "TO", "direct", 900),
        ("NURSING", "ward", "UNMATCHED:TO", "direct", 100),
        ("ITEMS", "implants", "TO", "indirect", 400),
        ("THEATRE", "theatre", "TO", "indirect", 300),
        ("NURSING", "ward", "TO", "overhead", 270),
        ("NURSING", "ward", "UNMATCHED:TO", "overhead", 30),
        ("NPC:RESEARCH", "none", "RD", "direct", 5_000),
    ],
    columns=["pool_id", "feed", "line_id", "tier", "amount_pence"],
)


def test_the_score_of_five_pools():
    cost = pd.Series([4.0, 2.0, 0.6, 3.0, 0.4])
    quality = pd.Series([1.0, 0.75, 0.5, 0.25, 1.0])
    match = pd.Series([0.98, 0.95, 0.90, 1.0, 1.0])
    # 3.92 + 1.425 + 0.27 + 0.75 + 0.4 = 6.765 of 10
    assert score_pools(cost, quality, match) == pytest.approx(0.6765, abs=1e-12)


def test_a_line_is_traced_averaged_and_apportioned_and_nothing_else():
    line = (
        assess_credibility(PoolWeights(POOLS, POOLS, WEIGHTS, UNITS, []), COSTS)
        .set_index("line_id")
        .loc["TO"]
    )
    assert line["traced_pence"] == 400 + 300
    assert line["averaged_pence"] == 900 + 100  # unmatched nursing among it
    assert line["apportioned_pence"] == 270 + 30
    assert line["unmatched_pence"] == 100 + 30
    # Nursing 1,300 x 0.5 x 90%; items 400 x (60 + 40 x 0.5)%; theatre 300: 585 + 320 + 300 of 2,000
    assert line["score"] == pytest.approx(1_205 / 2_000)
    # A score of 0.60, and 130 of 2,000 unmatched
    assert line["grade"] == "C"


def test_departments_without_patients_have_no_grade():
    found = assess_credibility(PoolWeights(POOLS, POOLS, WEIGHTS, UNITS, []), COSTS)
    assert found["line_id"].tolist() == ["TO"]


def test_a_weaker_rule_counts_for_less():
    rates = find_match_rates(WEIGHTS).set_index("pool_id")["match_prop"]
    assert rates.to_dict() == {"ITEMS": 0.8, "NURSING": 0.9, "THEATRE": 1.0}


@pytest.mark.parametrize(
    ("score", "unmatched", "grade"),
    [
        (0.80, 0.019, "A"),
        (0.80, 0.02, "B"),
        (0.79, 0.0, "B"),
        (0.65, 0.05, "C"),
        (0.50, 0.10, "D"),
        (0.35, 0.90, "D"),
        (0.34, 0.0, "E"),
    ],
)
def test_a_grade_needs_both_a_score_and_few_unmatched(score: float, unmatched: float, grade: str):
    assert grade_line(score, unmatched) == grade
