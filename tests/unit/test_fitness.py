"""The mark of lines that are not fit for decisions, and the credibility panel of every page."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.costing.match_rates import add_ungrouped, rate_matches
from helpers.engine import Engine
from helpers.report import fitness

LINES = pd.DataFrame({"line_id": ["MED", "SURG"], "line_name": ["Medicine", "Surgery"]})


def credibility(**grades: str) -> pd.DataFrame:
    rows = [
        {"line_id": line, "traced_pence": 500, "averaged_pence": 300, "apportioned_pence": 200,
         "unmatched_pence": 50, "ungrouped_pence": 100, "score": 0.7, "grade": grade}
        for line, grade in grades.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


RATES = pd.DataFrame(
    [("MED", "ward", 80, 72, 600, 570), ("MED", "tests", 20, 18, 200, 190), ("SURG", "ward", 0, 0, 0, 0)],
    columns=["line_id", "feed", "n_lines", "n_matched", "cost_pence", "matched_pence"],
)  # fmt: skip

SIGNS = pd.DataFrame({"line_id": ["MED"], "sign_label": ["rule_dependent"]})


@pytest.mark.parametrize(("grade", "name"), [("C", "Medicine"), ("D", "Medicine †"), ("E", "Medicine †")])  # fmt: skip
def test_d_and_e_mark_a_line_wherever_it_is_named(grade, name):
    marked = fitness.mark_lines(LINES, credibility(MED=grade, SURG="A"))
    assert marked["line_name"].tolist() == [name, "Surgery"]
    assert LINES["line_name"].tolist() == ["Medicine", "Surgery"]  # its input stays as it is


def test_what_was_mapped_to_no_line_is_not_a_line_to_caution_about():
    assert fitness.list_weak(credibility(MED="D", UNMAPPED="E")) == ["MED"]


def test_the_caution_names_weak_lines_and_is_blank_without_any():
    assert fitness.describe_weak(credibility(MED="A", SURG="C"), LINES) == ""
    found = fitness.describe_weak(credibility(MED="D", SURG="C"), LINES)
    assert found.startswith("Not fit for decisions: Medicine (graded D or E, marked †).")
    assert "every line" in fitness.describe_weak(credibility(MED="E", SURG="E"), LINES)


def test_the_panel_adds_up_to_the_whole_of_each_line_worst_first():
    table = fitness.build_panel(credibility(MED="B", SURG="D"), RATES, LINES, SIGNS, None)
    assert table["line_name"].tolist() == ["Surgery †", "Medicine"]
    parts = table[["traced_prop", "averaged_prop", "apportioned_prop"]]
    assert parts.sum(axis=1).tolist() == pytest.approx([1, 1])
    medicine = table.iloc[1]
    # 90 of 100 records, 760 of 800 pence; 100 of 1,000
    assert medicine["count_matched_prop"] == pytest.approx(0.9)
    assert medicine["pence_matched_prop"] == pytest.approx(0.95)
    assert medicine["ungrouped_prop"] == pytest.approx(0.1)
    assert table["sign_words"].tolist() == ["–", "Rule-dependent"]
    assert pd.isna(table["count_matched_prop"].iloc[0])  # no activity: not known, not nought
    assert set(table["trend"]) == {"–"}


def test_the_trend_is_against_the_year_before():
    earlier = credibility(MED="C").assign(score=0.62)
    found = fitness.describe_trends(credibility(MED="B", SURG="A"), earlier)
    assert found == ["C, up 0.08 since", "no such line"]
    assert fitness.describe_trends(credibility(MED="B"), credibility(MED="B")) == ["B, as now"]


def test_the_sentence_gives_shares_of_all_lines_and_says_that_there_is_no_trend():
    words = fitness.describe_panel(credibility(MED="B", UNMAPPED="E"), RATES, None)
    assert words == (
        "Of the cost of all lines 50.0% is traced, 30.0% is averaged and 20.0% is apportioned. 90 of 100 records of "
        "activity found their patient (90.0%), with 95.0% of the cost. 50.0% belongs to no line. There is no "
        "report of the year before, so no trend can be shown."
    )


def test_match_rates_count_a_lines_unmatched_activity_inside_it():
    costs = pd.DataFrame(
        [("tests", "MED", 900), ("tests", "UNMATCHED:MED", 100), ("none", "RD", 70)],
        columns=["feed", "line_id", "amount_pence"],
    )
    with Engine(threads=1) as db:
        db.create(
            "weighed_lines",
            "SELECT * FROM (VALUES ('tests', 1, 'MED', NULL), ('tests', 2, 'MED', NULL), "
            "('tests', NULL, NULL, 'UNMATCHED:MED')) AS t(feed, event_no, line_id, unmatched_line_id)",
        )
        found = rate_matches(db, costs)
    assert found.to_numpy().tolist() == [["MED", "tests", 3, 2, 1000, 900]]


def test_ungrouped_cost_is_that_of_events_without_a_usable_hrg():
    with Engine(threads=1) as db:
        db.create(
            "patient_events",
            "SELECT * FROM (VALUES ('MED', 'DZ11K', 5), ('MED', NULL, 30), ('MED', 'UZ01Z', 200)) "
            "AS t(line_id, hrg, full_cost_pence)",
        )
        found = add_ungrouped(db, credibility(MED="B", SURG="B"))
    assert found["ungrouped_pence"].tolist() == [230, 0]
