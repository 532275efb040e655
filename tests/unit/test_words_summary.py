"""The summary page: its cards, sentences, table and figure, on a trust small enough to check by hand."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from helpers.contracts.terms import CLASSES
from helpers.errors import StepError
from helpers.report.exhibits import show_cards, show_figure
from helpers.report.figures.summary import plot_surplus_ranges, take_ends
from helpers.report.tables.summary import (
    SummaryTables,
    arrange_lines,
    find_trust_amount,
    keep_service_lines,
)
from helpers.report.words import board
from helpers.report.words import summary as words
from unit.summary_tables import (
    FOUR_LINES,
    POUND,
    checks,
    credibility,
    position,
    review,
    saving,
    sensitivity,
    stays,
    totals,
    without_patients,
)
from unit.summary_tables import tables as tables  # the worked example, as a fixture


def find_card(tables: SummaryTables, label: str) -> dict[str, str]:
    return next(card for card in words.describe_headlines(tables) if label in card["label"])


def test_the_money_of_the_trust_adds_up(tables):
    income, cost, surplus = words.describe_headlines(tables)[:3]
    # costs 12.85 + 2.965 + 1.5 + 0.33 = 17.645; 17.7 - 17.645 = 0.055
    assert income["value"] == "£17.7m"
    assert cost["value"] == "£17.6m"
    assert (surplus["label"], surplus["value"]) == ("Surplus", "£55.0k")
    assert surplus["note"] == "0.3% of income"
    assert income["note"].startswith("Of which service lines earned £17.")  # 5.2 + 6 + 3.15 + 3.3


def test_a_loss_is_called_a_deficit(tables):
    statement = tables.statement.copy()
    statement.loc[statement["row_id"] == "T4", "amount_pence"] = -2_000_000 * POUND
    card = words.describe_headlines(replace(tables, statement=statement))[2]
    assert (card["label"], card["value"]) == ("Deficit", "£2.00m")


def test_a_statement_without_the_trust_is_refused(tables):
    with pytest.raises(StepError, match="no column for the whole trust"):
        find_trust_amount(tables.statement[tables.statement["line_id"] != "TRUST"], "I")


def test_the_cross_subsidy_is_the_lines_own_and_not_the_wider_one(tables):
    card = find_card(tables, "Cross-subsidy")
    assert card["value"] == "£130k"
    assert card["note"].startswith("0.7% of the lines’ income")
    assert "no line pays for" not in card["note"]


def test_deficits_that_nobody_pays_for_are_named(tables):
    card = find_card(replace(tables, totals=totals(130_000, 40_000, 0.01)), "Cross-subsidy")
    assert "A further £40.0k of deficits no line pays for" in card["note"]


def test_lines_are_counted_by_sign_and_by_rule(tables):
    card = find_card(tables, "Service lines in surplus")
    assert card["value"] == "2 of 4"
    assert (
        card["note"]
        == "2 in deficit; 2 change sign with the rule for sharing overheads and fixed income"
    )


def test_what_is_mapped_to_no_line_is_not_counted_as_a_line(tables):
    more = pd.concat(
        [FOUR_LINES, position(("UNMAPPED", "Not mapped", 0, 10, "below_care", "stable"))],
        ignore_index=True,
    )
    changed = replace(tables, position=more, sensitivity=sensitivity(more))
    assert find_card(changed, "Service lines in surplus")["value"] == "2 of 4"


def test_consultants_are_counted_against_those_tested(tables):
    # one named, one compared without a finding, one not tested
    assert find_card(tables, "Consultants")["value"] == "1 of 2"
    assert find_card(without_patients(tables), "Consultants")["value"] == "Not tested"


def test_the_saving_is_a_range(tables):
    card = find_card(tables, "saving")
    assert card["value"] == "£60.0k to £190k"
    assert card["range"] == "90% interval; best estimate £120k"


@pytest.mark.parametrize(
    ("excess_gbp", "expected"),
    [
        (0, "No consultant’s cost differs from peers’ beyond natural variation"),
        (
            150_000,
            "£150k of excess cost was found, but none with outcomes known to be no better",
        ),
    ],
)
def test_no_saving_says_why(tables, excess_gbp, expected):
    card = find_card(replace(tables, saving=saving(0, 0, 0, excess_gbp)), "saving")
    assert (card["value"], card["note"]) == ("None identified", expected)


def test_a_trust_with_too_few_consultants_is_not_said_to_have_no_outliers(tables):
    few = replace(tables, review=review(("C1", "not_tested", "")))
    assert find_card(few, "saving")["value"] == "Not tested"


def test_rows_set_aside_are_shown_against_rows_read(tables):
    card = find_card(tables, "Rows set aside")
    # 5 of 1,000
    assert card["value"] == "5"
    assert card["note"].startswith("0.50% of 1,000 read; 12 more were repaired")


def test_nothing_set_aside_and_no_strong_grade_are_said_in_words(tables):
    clean = tables.accounts.assign(n_excluded=0, n_repaired=0)
    card = find_card(replace(tables, accounts=clean), "Rows set aside in cleaning")
    assert (card["value"], card["note"]) == ("None", "1,000 were read")
    weak = replace(tables, credibility=credibility(TO="D", GENMED="E", ED="D", MAT="E"))
    assert words.describe_grades(weak).startswith(
        "No line is graded A or B. All 4 lines are graded D or E:"
    )


def test_cost_is_split_into_traced_averaged_and_apportioned(tables):
    card = find_card(tables, "traced")
    assert card["value"] == "60%"
    assert card["note"] == "30% is averaged on activity, 10% is apportioned overhead"


def test_cards_say_how_sure_their_figures_are(tables):
    """Two rules, by hand: surpluses 185 and 30, deficits 130 and 90; 2 of 4 lines in surplus, then 1."""
    rules = pd.DataFrame(
        [(rule, "price", line, pounds * POUND) for rule, amounts in (
            ("reciprocal", {"TO": 180, "GENMED": -120, "ED": 5, "MAT": -10}),
            ("direct", {"TO": 30, "GENMED": -80, "ED": -5, "MAT": -5, "UNMAPPED": 0}),
        ) for line, pounds in amounts.items()],
        columns=["rule_id", "income_basis", "line_id", "surplus_pence"],
    )  # fmt: skip
    sure = replace(tables, rules=rules)
    assert find_card(sure, "Cross-subsidy")["range"] == "£30 to £130 over 2 fair rules"
    assert find_card(sure, "Service lines")["range"] == "1 to 2, by the rule taken"
    assert find_card(sure, "Income")["range"] == "to the penny, from the ledger"
    assert "range" not in find_card(sure, "Rows set aside")
    assert "range" not in find_card(tables, "Cross-subsidy")  # no rules, no range


def test_a_name_may_be_wrong_and_the_card_says_how_often(tables):
    # one named, with a probability of 0.9 of practice different in kind
    probable = tables.review.assign(probability=[0.9, 0.1, 0.0])
    card = find_card(replace(tables, review=probable), "Consultants")
    assert card["range"] == "about 10% of such names are wrong, by estimate"
    certain = tables.review.assign(probability=[0.999, 0.1, 0.0])
    card = find_card(replace(tables, review=certain), "Consultants")
    assert card["range"].startswith("less than 1% of such names")
    none = probable.assign(flag="none")
    assert "range" not in find_card(replace(tables, review=none), "Consultants")


def test_lines_differ_in_how_much_is_traced(tables):
    shares = tables.credibility.assign(
        traced_pence=[900, 100, 500, 500], averaged_pence=[100, 900, 500, 500], apportioned_pence=0
    )
    assert (
        find_card(replace(tables, credibility=shares), "traced")["range"] == "10% to 90%, by line"
    )


def test_three_things_come_in_order_and_no_more(tables):
    weak = replace(tables, credibility=credibility(TO="A", GENMED="B", ED="D", MAT="B"))
    found = board.list_fixes(weak)
    assert len(found) == 3
    assert found[0].startswith("General medicine costs £120k more than it earns, 2% of its income.")
    assert found[1].startswith("1 consultant of 2 compared costs more")
    assert found[2].startswith("Emergency medicine † is graded D or E")


def test_weak_data_takes_the_place_of_a_finding_that_is_not_there(tables):
    weak = replace(
        tables,
        credibility=credibility(TO="A", GENMED="B", ED="D", MAT="E"),
        stays=tables.stays.head(0),
    )
    assert board.list_fixes(weak)[2].startswith(
        "Emergency medicine † and Maternity † are graded D or E"
    )


def test_a_trust_with_nothing_to_see_says_so(tables):
    sound = position(("TO", "Trauma", 100, 90, "funder", "stable"))
    calm = replace(
        tables,
        position=sound,
        sensitivity=sensitivity(sound),
        credibility=credibility(TO="A").assign(unmatched_pence=0),
        review=tables.review.head(0),
        stays=tables.stays.head(0),
    )
    assert board.list_fixes(calm) == [
        "Nothing stands out: no sure deficit, no group that differs, no cost left over."
    ]


def test_a_line_whose_sign_depends_on_the_rule_is_never_the_deficit_to_look_at(tables):
    lines = position(
        ("A", "Alpha", 100, 900, "below_care", "rule_dependent"),
        ("B", "Beta", 100, 150, "below_care", "mostly_stable"),
    )
    changed = replace(
        tables,
        position=lines,
        sensitivity=sensitivity(lines),
        credibility=credibility(A="A", B="A"),
    )
    found = words.describe_largest_deficit(changed)
    assert found.startswith("Beta costs £50 more than it earns, 50% of its income.")
    assert "under 88% of the 8 rules tried" in found
    assert found.endswith("It does not cover its own care, before any overhead is charged.")


def test_a_deficit_that_every_rule_confirms_says_so(tables):
    found = words.describe_largest_deficit(tables)
    assert "under all 8 rules tried" in found
    assert found.endswith("It covers its own care, but not its share of overheads.")


def test_consultants_are_counted_by_what_is_known_of_benefit_and_never_named(tables):
    mixed = review(
        ("C1", "outlier", "no_better"),
        ("C2", "outlier", "worse"),
        ("C3", "outlier", "better"),
        ("C4", "outlier", "unknown"),
        ("C5", "material", "no_better"),
        ("C6", "not_tested", ""),
    )
    found = words.describe_practice(replace(tables, review=mixed))
    assert found.startswith("4 consultants of 5 compared cost more")
    assert "Outcomes are no better, or worse, for 2, better for 1 and not clear for 1." in found
    assert "C1" not in found


def test_the_ward_with_most_unexplained_days_is_named_and_not_the_one_with_the_longest_stay():
    found = words.describe_longest_stay(
        stays(
            ("ward", "SMALL", 10, 9.0, True),  # 90 days in all
            ("ward", "LARGE", 400, 1.0, True),  # 400 days in all
            ("ward", "CHANCE", 9_000, 1.0, False),
            ("ward", "SHORT", 9_000, -1.0, True),
            ("consultant", "C1", 9_000, 1.0, True),
        )
    )
    assert found.startswith("Patients of ward LARGE stay 1.0 days longer")


def test_rule_dependent_lines_are_named_without_a_verdict(tables):
    found = words.describe_rule_dependent(tables)
    assert found.startswith("Emergency medicine and Maternity change sign")
    assert "winner" in found


def test_lines_that_all_rules_agree_on_are_reported_as_such(tables):
    sure = FOUR_LINES.assign(sign_label="stable")
    changed = replace(tables, position=sure, sensitivity=sensitivity(sure))
    assert words.describe_rule_dependent(changed).startswith("No line changes sign")
    card = find_card(changed, "Service lines in surplus")
    assert card["note"].endswith("none depends on the rule for sharing overheads and fixed income")


def test_many_lines_are_shortened(tables):
    many = position(
        *((f"L{n}", f"Line {n}", 100, 100 + n, "covers_care", "rule_dependent") for n in range(7))
    )
    changed = replace(
        tables,
        position=many,
        sensitivity=sensitivity(many),
        credibility=credibility(**{f"L{n}": "A" for n in range(7)}),
    )
    assert words.describe_rule_dependent(changed).startswith(
        "Line 0, Line 1, Line 2 and 4 more lines change sign"
    )


def test_grades_and_unmatched_cost_say_how_far_the_data_can_bear_it(tables):
    assert words.describe_grades(tables) == "3 of 4 lines are graded A or B. None is graded D or E."
    # 4 lines x £20 of 4 x £1,000
    assert words.describe_unmatched(tables.credibility).startswith("£80 of cost (2.0%) found no")


def test_no_unmatched_cost_is_said_plainly(tables):
    clean = tables.credibility.assign(unmatched_pence=0)
    assert words.describe_unmatched(clean) == (
        "All cost of patient care was matched to patient events."
    )


def test_files_that_are_missing_are_named_by_what_they_would_show(tables):
    gone = replace(tables, files=tables.files.assign(found=["apc_episodes.csv", ""]))
    assert words.describe_missing(gone) == "Files were not supplied for: outcomes beside cost."
    assert words.describe_missing(tables) == ""


def test_a_file_for_trusts_without_activity_is_not_missed_where_there_is_activity(tables):
    files = tables.files.assign(found=["apc_episodes.csv", ""])
    instead = files["file"].where(files["found"] != "", "line_drivers")
    assert words.describe_missing(replace(tables, files=files.assign(file=instead))) == ""


def test_a_trust_without_patients_reads_well(tables):
    averaged = without_patients(tables)
    assert "averaged over service lines" in words.describe_missing(averaged)
    assert find_card(averaged, "saving")["value"] == "Not tested"
    assert len(board.list_fixes(averaged)) == 1
    assert show_cards(words.describe_headlines(averaged))


def test_checks_are_counted_over_both_steps(tables):
    assert words.describe_checks(tables).startswith("All 3 checks of the money hold to the penny")
    assert words.find_check_kind(tables) == "note"


def test_failed_checks_are_named(tables):
    failed = replace(tables, reconciliation=checks(("R1", "ledger", False), ("R5", "pools", True)))
    assert words.describe_checks(failed).startswith("1 of 3 checks failed (R1). Do not use")
    assert words.find_check_kind(failed) == "caution"


def test_the_table_of_lines_runs_from_the_largest_surplus(tables):
    lines = arrange_lines(tables)
    assert lines["line_id"].tolist() == ["TO", "ED", "MAT", "GENMED"]
    assert lines["class_words"].tolist()[0] == CLASSES["funder"]
    assert lines["sign_words"].tolist() == ["Stable", "Rule-dependent", "Rule-dependent", "Stable"]
    # £20 of £5,020,000
    assert lines["unmatched_prop"].iloc[0] == pytest.approx(20 / 5_020_000)


def test_a_line_without_a_grade_or_cost_is_missing_and_not_nought(tables):
    lines = position(("NEW", "New line", 0, 0, "funder", "stable"))
    changed = replace(
        tables,
        position=lines,
        sensitivity=sensitivity(lines),
        credibility=credibility(TO="A"),
    )
    arranged = arrange_lines(changed)
    assert arranged["grade"].isna().all()
    assert arranged["unmatched_prop"].isna().all()
    assert words.describe_grades(changed) == "No line could be graded."


def test_the_figure_says_what_it_shows(tables):
    alt = words.describe_surplus_figure(tables)
    assert "2 of 4 are in surplus" in alt
    assert "Trauma and orthopaedics at £180k" in alt
    assert "General medicine at −£120k" in alt
    assert "2 lines depend on the rule" in alt


def test_the_figure_names_every_line_and_shows_rule_dependent_ones_apart(tables):
    figure = plot_surplus_ranges(keep_service_lines(arrange_lines(tables)))
    axes = figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [
        "Trauma and orthopaedics",
        "Emergency medicine",
        "Maternity",
        "General medicine",
    ]
    hatched = [bool(bar.get_hatch()) for bar in axes.patches]
    assert hatched == [False, True, True, False]
    amounts = [text.get_text() for text in axes.texts]
    assert amounts == ["+£180k", "+£5.00k", "−£10.0k", "−£120k"]


def test_a_figure_without_lines_can_be_shown(tables):
    figure = plot_surplus_ranges(arrange_lines(tables).head(0))
    assert show_figure(figure, number="5.1", caption="c", alt="a", source="s")


def test_of_very_many_lines_both_ends_are_drawn():
    frame = pd.DataFrame({"n": range(10)})
    assert take_ends(frame, 4)["n"].tolist() == [0, 1, 8, 9]
    assert take_ends(frame, 10)["n"].tolist() == list(range(10))
