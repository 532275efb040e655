"""What a board is told: sure results only, sizes and not pence, and the objections that stand."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from helpers.contracts.terms import UNMAPPED
from helpers.report.exhibits import show_answers
from helpers.report.words import answers, board
from unit.summary_tables import (
    credibility,
    position,
    review,
    saving,
    sensitivity,
    totals,
    without_patients,
)
from unit.summary_tables import tables as tables  # the worked example, as a fixture


def with_lines(tables, *rows):
    lines = position(*rows)
    grades = credibility(**{row[0]: "B" for row in rows})
    return replace(tables, position=lines, sensitivity=sensitivity(lines), credibility=grades)


def test_only_lines_whose_sign_is_sure_are_named(tables):
    # Trauma earns 180,000, general medicine loses 120,000; the two others turn on the rule
    words = board.describe_made_and_lost(tables)
    assert words == (
        "Most money is made in Trauma and orthopaedics (£180k). "
        "Most money is lost in General medicine (£120k)."
    )


def test_at_most_three_of_each_are_named_largest_first(tables):
    many = with_lines(
        tables, *((f"L{n}", f"Line {n}", 1_000 + n * 10, 1_000, "funder", "stable") for n in range(1, 6))
    )  # fmt: skip
    words = board.describe_made_and_lost(many)
    assert words == "Most money is made in Line 5 (£50), Line 4 (£40) and Line 3 (£30)."


def test_with_nothing_sure_no_line_is_named(tables):
    unsure = with_lines(tables, ("A", "Alpha", 10, 20, "below_care", "rule_dependent"))
    assert board.describe_made_and_lost(unsure) == "No line's result is sure enough to name."
    assert board.describe_certainty(unsure).startswith("No line stays on one side of zero")


def test_certainty_counts_lines_and_says_what_it_leaves_out(tables):
    words = board.describe_certainty(tables)
    assert words.startswith("2 of 4 lines stay on one side of zero under nearly all of the 8 fair")
    assert "not the amount" in words and "faults in what was recorded" in words


def test_unmatched_cost_worth_mending_is_a_fix(tables):
    lines = with_lines(tables, ("A", "Alpha", 5_000, 1_000, "funder", "stable"))
    # £20 of £1,000 found no patient: 2%, above 1%
    assert board.describe_unmatched_line(lines).startswith(
        "£20 of cost in Alpha (2.0% of its cost) found no patient."
    )
    lines = with_lines(tables, ("A", "Alpha", 5_000, 2_001, "funder", "stable"))
    assert board.describe_unmatched_line(lines) == ""  # £20 of £2,001 is under 1%


def test_cost_of_no_line_is_a_fix(tables):
    lines = with_lines(
        tables, ("A", "Alpha", 9_000, 5_000, "funder", "stable"),
        (UNMAPPED, "Not mapped", 0, 640, "below_care", "stable"),
    )  # fmt: skip
    assert board.describe_unmapped(lines).startswith("£640 of cost belongs to no service line.")
    assert board.describe_unmapped(tables) == ""


def test_fixes_are_of_three_kinds_and_fill_up(tables):
    kinds = board.list_fixes(tables)
    # no fault of data here, so that both findings of practice stand
    assert kinds[0].startswith("General medicine costs £120k more")
    assert kinds[1].startswith("1 consultant of 2 compared")
    assert kinds[2].startswith("Patients of ward W1")
    assert len(kinds) == 3


def test_challenges_say_what_is_true_of_them(tables):
    found = board.list_challenges(tables)
    assert "60% of cost is traced to the patient; 30% is a rate" in found[0]
    assert "2 consultants were compared" in found[1]
    assert "1 with too few like patients were not compared" in found[1]
    assert any("Emergency medicine and Maternity it may" in one for one in found)
    assert not any("do better" in one for one in found)  # the one outlier's outcomes are known


def test_unclear_outcomes_are_conceded(tables):
    unclear = replace(
        tables, review=review(("C1", "outlier", "unclear"), ("C2", "outlier", "better"))
    )
    words = " ".join(board.list_challenges(unclear))
    assert "For 1 of 2 consultants found dearer the outcomes on file cannot tell" in words


def test_a_report_of_averages_concedes_that(tables):
    files = tables.files.assign(found="")
    found = board.list_challenges(replace(tables, files=files))
    assert len(found) == 1 and found[0].startswith("These are averages")


def answer(tables):
    return [words for _, words in answers.list_answers(tables)]


def test_the_four_answers_stand_in_the_order_of_asking(tables):
    found = answers.list_answers(tables)
    assert [question for question, _ in found] == [
        "What do services cost?", "Who pays for whom?", "What could be saved?", "How sure is that?",
    ]  # fmt: skip
    cost, subsidy, saving, sure = (answer for _, answer in found)
    # 12,850 + 2,965 + 1,500 + 330 thousand; 17,700 thousand less that
    assert cost == (
        "The trust earned £17.7m and spent £17.6m: a surplus of £55.0k. Overheads "
        "included, General medicine £6.12m, Trauma and orthopaedics £5.02m and Maternity £3.31m cost most; "
        "table 5.2 has every service."
    )
    assert subsidy == (
        "£130k that some services earn pays for others’ deficits, 0.7% of what all earn. "
        "Trauma and orthopaedics pays most; General medicine is paid for most."
    )
    assert "About £120k a year (90% interval £60.0k to £190k)" in saving
    # £600 of £1,000 of each line is traced; two of four signs are a choice
    assert sure == (
        "The totals agree with the ledger to the penny. Whether 2 services of 4 gain or "
        "lose is a choice of rule. 60% of cost is traced to single patients; the rest is shared out by fair "
        "rules."
    )


def test_answers_that_cannot_be_given_say_why(tables):
    nothing = replace(tables, saving=saving(0, 0, 0, 0), totals=totals(0, 0, 0.0))
    found = answer(nothing)
    assert found[1] == "No service pays for another."
    assert "Nothing that can be counted: of 2 consultants compared" in found[2]
    assert "activity by patient" in answer(without_patients(tables))[2]
    few = replace(tables, review=review(("C1", "not_tested", "")))
    assert "no line has enough consultants" in answer(few)[2]
    loss = tables.statement.assign(
        amount_pence=tables.statement["amount_pence"].mask(tables.statement["row_id"] == "T4", -500)
    )
    assert "a deficit of £5" in answer(replace(tables, statement=loss))[0]


def test_a_line_whose_sign_is_a_choice_is_never_named_as_payer(tables):
    lines = with_lines(
        tables,
        ("A", "Alpha", 90, 10, "funder", "rule_dependent"),
        ("B", "Beta", 5, 9, "x", "stable"),
    )
    words = answer(lines)[1]
    assert "Alpha" not in words and words.endswith("Beta is paid for most.")


def test_the_cross_subsidy_has_its_range_where_rules_were_tried(tables):
    rules = pd.DataFrame(
        {
            "rule_id": ["a", "a", "b", "b"], "income_basis": "price", "line_id": ["X", "Y"] * 2,
            "surplus_pence": [50_000, -40_000, 90_000, -70_000],
        }
    )  # fmt: skip
    # the smaller of gains and losses: £400 under one rule, £700 under the other
    assert answer(replace(tables, rules=rules))[1].startswith(
        "£130k (£400 to £700, by the rule taken) that some services earn"
    )


def test_questions_stand_out_and_answers_are_escaped():
    shown = show_answers([("Why?", "a < b")])
    assert "<ul><li><strong>Why?</strong> a &lt; b</li></ul>" in shown._repr_html_()
    assert repr(shown) == "Why? a < b"
