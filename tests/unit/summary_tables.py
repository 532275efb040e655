"""The summary page's tables of a trust small enough to check by hand, for the tests of its words."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from helpers.report.tables.summary import SummaryTables

POUND = 100  # pence


def position(*rows: tuple) -> pd.DataFrame:
    """Rows of line_id, line_name, income, cost (pounds), class, sign label."""
    frame = pd.DataFrame(
        rows, columns=["line_id", "line_name", "income", "cost", "class", "sign_label"]
    )
    frame["income_pence"] = frame["income"] * POUND
    frame["full_cost_pence"] = frame["cost"] * POUND
    frame["surplus_pence"] = frame["income_pence"] - frame["full_cost_pence"]
    return frame


def sensitivity(lines: pd.DataFrame) -> pd.DataFrame:
    frame = lines[["line_id", "sign_label"]].copy()
    frame["base_pence"] = lines["surplus_pence"]
    frame["min_pence"] = lines["surplus_pence"] - 1_000 * POUND
    frame["max_pence"] = lines["surplus_pence"] + 1_000 * POUND
    frame["same_sign_prop"] = 1.0
    frame.loc[frame["sign_label"] == "mostly_stable", "same_sign_prop"] = 0.875
    frame["n_rules"] = 8
    return frame


def credibility(**grades: str) -> pd.DataFrame:
    """A line per grade; £600 traced, £300 averaged, £100 apportioned; £20 unmatched."""
    return pd.DataFrame(
        {
            "line_id": list(grades),
            "traced_pence": 600 * POUND,
            "averaged_pence": 300 * POUND,
            "apportioned_pence": 100 * POUND,
            "unmatched_pence": 20 * POUND,
            "score": 0.7,
            "grade": list(grades.values()),
        }
    )


def review(*rows: tuple) -> pd.DataFrame:
    """Rows of consultant, flag, benefit, for the measure cost."""
    frame = pd.DataFrame(rows, columns=["consultant_code", "flag", "benefit"])
    return frame.assign(measure="cost", line_id="TO", probability=1.0)


def saving(saving_gbp: int, low_gbp: int, high_gbp: int, excess_gbp: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "line_id": ["TO", "TOTAL"],
            "consultant_code": ["C1", "TOTAL"],
            "excess_pence": excess_gbp * POUND,
            "saving_pence": saving_gbp * POUND,
            "ci_low_pence": low_gbp * POUND,
            "ci_high_pence": high_gbp * POUND,
        }
    )


def stays(*rows: tuple) -> pd.DataFrame:
    """Rows of grouping, group, spells, effect in days, whether it holds."""
    return pd.DataFrame(rows, columns=["grouping", "group", "n_spells", "effect_days", "holds"])


def checks(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "description", "passed"])


def totals(volume_gbp: int, unfunded_gbp: int, rate: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "measure": ["volume", "unfunded", "volume@wider"],
            "amount_pence": [volume_gbp * POUND, unfunded_gbp * POUND, 1],
            "income_prop": [rate, 0.0, 0.0],
        }
    )


# The four lines of a worked example: surpluses 180,000, -120,000, 5,000 and -10,000 pounds, so that
# 130,000 of deficits is paid for out of 185,000 of surpluses: 0.74% of an income of 17,650,000.
FOUR_LINES = position(
    ("TO", "Trauma and orthopaedics", 5_200_000, 5_020_000, "funder", "stable"),
    ("GENMED", "General medicine", 6_000_000, 6_120_000, "covers_care", "stable"),
    ("ED", "Emergency medicine", 3_150_000, 3_145_000, "funder", "rule_dependent"),
    ("MAT", "Maternity", 3_300_000, 3_310_000, "covers_care", "rule_dependent"),
)


@pytest.fixture
def tables() -> SummaryTables:
    statement = pd.DataFrame(
        [
            ("TRUST", "I", 17_700_000 * POUND),
            ("TRUST", "C1", 12_850_000 * POUND),
            ("TRUST", "C2", 2_965_000 * POUND),
            ("TRUST", "C3", 1_500_000 * POUND),
            ("TRUST", "C4", 330_000 * POUND),
            ("TRUST", "T4", 55_000 * POUND),
            ("TO", "I", 5_200_000 * POUND),
        ],
        columns=["line_id", "row_id", "amount_pence"],
    )
    return SummaryTables(
        statement=statement,
        position=FOUR_LINES,
        totals=totals(130_000, 0, 130 / 17_650),
        sensitivity=sensitivity(FOUR_LINES),
        credibility=credibility(TO="A", GENMED="B", ED="C", MAT="B"),
        review=review(("C1", "outlier", "no_better"), ("C2", "none", ""), ("C3", "not_tested", "")),
        saving=saving(120_000, 60_000, 190_000, 150_000),
        stays=stays(("ward", "W1", 500, 2.04, True), ("ward", "W2", 900, 0.1, False)),
        accounts=pd.DataFrame(
            {"file": ["a", "b"], "n_read": [900, 100], "n_excluded": [4, 1], "n_repaired": [10, 2]}
        ),
        files=pd.DataFrame(
            {
                "file": ["apc_episodes", "outcomes"],
                "found": ["apc_episodes.csv", "outcomes.csv"],
                "panel": ["patient-level costing", "outcomes beside cost"],
            }
        ),
        reconciliation=checks(("R1", "ledger", True), ("R5", "pools", True)),
        subsidy_reconciliation=checks(("R11", "matrix", True)),
    )


def without_patients(tables: SummaryTables) -> SummaryTables:
    return replace(
        tables,
        files=tables.files.assign(found=["", "outcomes.csv"]),
        review=tables.review.head(0),
        saving=tables.saving.head(0),
        stays=tables.stays.head(0),
    )
