"""What lines could keep."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.engine import open_engine
from helpers.report.figures.retention import plot_retention
from helpers.report.tables.retention import arrange_totals, arrange_years
from helpers.report.words.retention import (
    describe_gates,
    describe_plan,
    describe_retention,
    describe_years,
)
from helpers.subsidy.retention import (
    NO_OUTCOMES,
    check_retention,
    find_gates,
    find_retention,
    score_outcomes,
    total_plan,
)

LINES = ["TO", "GENMED", "ED", "MAT"]
CONTRIBUTION = [62_000_000, 56_000_000, 32_500_000, 33_000_000]
ABOVE_PLAN = [4_000_000, 0, 1_000_000, -500_000]
SURPLUS = [18_000_000, -12_000_000, 500_000, -1_000_000]


def position():
    return pd.DataFrame(
        {
            "line_id": LINES,
            "line_name": LINES,
            "income_pence": [520_000_000, 600_000_000, 315_000_000, 330_000_000],
            "contribution_pence": CONTRIBUTION,
            "surplus_pence": SURPLUS,
        }
    )


PLANNED = pd.Series(
    [actual - above for actual, above in zip(CONTRIBUTION, ABOVE_PLAN, strict=True)], index=LINES
)


def keep(*, surplus=5_500_000, required=4_000_000, gates=("", "", "", ""), planned=PLANNED):
    return find_retention(
        position(), planned, pd.Series(gates), NO_OUTCOMES,
        trust_surplus_pence=surplus, required_surplus_pence=required, fy="2024/25",
    )  # fmt: skip


def of_rule(found, rule, column="kept_pence"):
    rows = found.retention[found.retention["rule"] == rule]
    return rows.set_index("line_id")[column].to_dict()


def test_the_oracle_half_of_a_gain_scaled_to_what_the_trust_can_spare():
    # over plan 40,000, 0, 10,000, -5,000; spare 55,000 - 40,000; claims 25,000, scale 0.6
    found = keep()
    assert of_rule(found, "R1", "claim_pence") == {
        "TO": 2_000_000, "GENMED": 0, "ED": 500_000, "MAT": 0,
    }  # fmt: skip
    assert of_rule(found, "R1") == {"TO": 1_200_000, "GENMED": 0, "ED": 300_000, "MAT": 0}
    total = found.retention_totals.set_index("rule").loc["R1"]
    assert total["left_pence"] == 4_000_000
    assert total["required_next_pence"] == 5_500_000


def test_other_rules_by_hand():
    found = keep()
    # R2: 15,000 by surpluses of 180,000 and 5,000: 180/185 of 1,500,000 pence is 1,459,459.46
    assert of_rule(found, "R2") == {"TO": 1_459_459, "GENMED": 0, "ED": 40_541, "MAT": 0}
    # R3: 180,000 less 2% of 5,200,000 is 76,000; ED's 5,000 is less than 63,000
    assert of_rule(found, "R3", "claim_pence")["TO"] == 7_600_000
    assert of_rule(found, "R3") == {"TO": 1_500_000, "GENMED": 0, "ED": 0, "MAT": 0}
    assert set(of_rule(found, "R0").values()) == {0}


def test_nothing_is_kept_before_the_required_surplus_is_met():
    found = keep(surplus=3_999_999)
    assert found.retention["kept_pence"].sum() == 0
    assert of_rule(found, "R1", "claim_pence")["TO"] == 2_000_000
    assert "With nothing to spare" in describe_retention(found.retention, found.retention_totals)


def test_a_closed_gate_keeps_nothing_and_leaves_more_for_others():
    found = keep(gates=("quality", "", "", ""))
    assert of_rule(found, "R1") == {"TO": 0, "GENMED": 0, "ED": 500_000, "MAT": 0}
    assert of_rule(found, "R1", "ungated_pence")["TO"] == 2_000_000
    words = describe_gates(found.retention, position())
    # the largest claim that the gate stops is R3's
    assert words == (
        "A gate is closed for 1 line: TO (bad outcomes are an alarm; up to £76.0k not claimed)."
    )


def test_a_trust_without_a_plan_claims_nothing_under_the_first_rule():
    assert set(of_rule(keep(planned=pd.Series(dtype="int64")), "R1").values()) == {0}


def test_a_plan_is_added_up_over_months():
    plan = pd.DataFrame(
        {
            "line_id": ["TO", "TO"], "income_pence": [100, 200], "direct_pence": [40, 50],
            "indirect_pence": [10, 20],
        }
    )  # fmt: skip
    assert total_plan(plan).to_dict() == {"TO": 180}


@settings(deadline=None)
@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=4, max_size=4),
    st.integers(-(10**9), 10**9),
    st.integers(0, 10**8),
)
def test_no_rule_keeps_more_than_the_trust_can_spare_or_the_line_claims(above, surplus, required):
    planned = pd.Series(CONTRIBUTION, index=LINES) - pd.Series(above, index=LINES)
    found = keep(surplus=surplus, required=required, planned=planned)
    kept = found.retention.groupby("rule")["kept_pence"].sum()
    assert (kept <= max(0, surplus - required)).all()
    assert (found.retention["kept_pence"] <= found.retention["claim_pence"]).all()
    assert (found.retention["kept_pence"] >= 0).all()
    identity = check_retention(found).iloc[0]
    assert identity["left_pence"] == identity["right_pence"]


def scored(observed, expected=0.1, n=100, others=0.1):
    """A line with so many deaths of 100 patients, beside a large line at its expected level."""
    rows = [("TO", f"T{i}", float(i < observed), expected) for i in range(n)]
    rows += [("GENMED", f"G{i}", float(i < 1000 * others), others) for i in range(1000)]
    frame = pd.DataFrame(rows, columns=["line_id", "spell_id", "value", "expected"])
    db = open_engine("duckdb")
    events = frame[["line_id", "spell_id"]].assign(
        event_id=frame["spell_id"] + "-1", event_kind="episode", is_discharging=True
    )
    db.add_frame("patient_events", events)
    outcomes = frame.rename(columns={"spell_id": "event_id"}).drop(columns="line_id")
    db.add_frame("outcomes", outcomes.assign(measure="death_30d"))
    return score_outcomes(db)


def gate(outcomes, grade="B"):
    credibility = pd.DataFrame({"line_id": ["TO", "GENMED"], "grade": [grade, "B"]})
    return find_gates(pd.Series(["TO", "GENMED"]), credibility, outcomes).tolist()


def test_the_quality_gate_closes_only_on_an_alarm():
    assert gate(scored(13)) == ["", ""]  # 13 of 10 expected is chance
    assert gate(scored(25)) == ["quality", ""]  # 25 of about 9 is not


def test_one_death_of_very_few_expected_is_no_alarm():
    assert gate(scored(1, expected=0.0013, n=47)) == ["", ""]


def test_risks_are_set_to_the_level_of_the_trust():
    # 20 and 100 deaths, 10 and 100 expected: the stated risks are raised until they add up to 120
    found = scored(20, expected=0.1)
    expected = found.set_index("line_id")["expected"]
    assert expected["TO"] == pytest.approx(10 * 120 / 110, abs=1e-6)
    assert expected["GENMED"] == pytest.approx(100 * 120 / 110, abs=1e-6)


def test_weak_lines_keep_nothing():
    assert gate(NO_OUTCOMES, grade="D") == ["credibility", ""]


def test_years_are_set_side_by_side():
    found = keep()
    years = pd.concat([found.retention.assign(fy="2023/24"), found.retention])
    table = arrange_years(years, position())
    assert table["fy"].tolist() == ["2023/24", "2024/25"] * 2
    assert table["kept_r1_pence"].tolist() == [1_200_000] * 2 + [300_000] * 2
    assert describe_years(years) == "The table adds up 2 years of reports, oldest first."
    assert describe_years(found.retention).startswith("Only this year's report stands")


def test_totals_and_figure():
    found = keep(gates=("quality", "", "", ""))
    table = arrange_totals(found.retention_totals)
    assert table["words"].iloc[1] == "R1: half of a contribution above plan"
    assert plot_retention(found.retention, position()) is not None
    assert plot_retention(found.retention.assign(ungated_pence=0), position()) is None


def test_a_missing_plan_is_said_and_a_plan_is_not():
    assert describe_plan(True) == ""
    assert "plan.csv" in describe_plan(False)
