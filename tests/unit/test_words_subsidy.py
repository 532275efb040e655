"""What the cross-subsidy page says, at the edges too; and that its figures can be drawn there."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from helpers.report.figures.flows import (
    LEFT_OVER,
    MOST_BLOCKS,
    NO_LINE,
    OTHERS,
    build_flows,
    plot_funding_flows,
    spread_labels,
)
from helpers.report.figures.rules import plot_sensitivity
from helpers.report.figures.style import to_svg
from helpers.report.figures.subsidy import (
    pick_unit,
    plot_coverage,
    plot_private,
    plot_surplus_by_line,
    plot_within_line,
)
from helpers.report.words import subsidy as words

MILLION = 100_000_000  # pence


def position(surplus_millions, *, contribution=None, label="stable", names=None):
    """Lines that earn £100m each, with overheads of £10m."""
    n = len(surplus_millions)
    surplus = pd.Series([round(value * MILLION) for value in surplus_millions], dtype="int64")
    if contribution is None:
        contribution = surplus + 10 * MILLION
    else:
        contribution = pd.Series([value * MILLION for value in contribution], dtype="int64")
    ids = [f"L{number}" for number in range(n)]
    lines = pd.DataFrame(
        {
            "line_id": pd.Series(ids, dtype="str"),
            "line_name": pd.Series(names or [f"Line {number}" for number in range(n)], dtype="str"),
            "income_pence": pd.Series([100 * MILLION] * n, dtype="int64"),
            "overhead_pence": pd.Series([8 * MILLION] * n, dtype="int64"),
            "below_ebitda_pence": pd.Series([2 * MILLION] * n, dtype="int64"),
            "unmatched_pence": pd.Series([0] * n, dtype="int64"),
            "contribution_pence": contribution,
            "surplus_pence": surplus,
        }
    )
    lines["full_cost_pence"] = lines["income_pence"] - lines["surplus_pence"]
    classes = [
        "funder" if s >= 0 else "covers_care" if c >= 0 else "below_care"
        for s, c in zip(surplus, contribution, strict=True)
    ]
    lines["class"] = pd.Series(classes, dtype="str")
    lines["sign_label"] = pd.Series(label if isinstance(label, list) else [label] * n, dtype="str")
    return lines


def totals(lines, **other):
    """Volumes by hand from signed surpluses; ``other`` overrides a measure (pence)."""
    above = sum(value for value in lines["surplus_pence"] if value > 0)
    below = -sum(value for value in lines["surplus_pence"] if value < 0)
    amounts = {
        "surpluses": above,
        "deficits": below,
        "volume": min(above, below),
        "retained": max(above - below, 0),
        "unfunded": max(below - above, 0),
        "volume@with_others": min(above, below),
        "volume@private_apart": min(above, below),
    } | other
    income = lines["income_pence"].sum()
    return pd.DataFrame(
        {
            "measure": list(amounts),
            "amount_pence": list(amounts.values()),
            "income_prop": [
                amount / income if income else float("nan") for amount in amounts.values()
            ],
        }
    )


def funding(gives, receives):
    """Return funding_lines and matrix from line -> (given, retained) and line -> (received, unfunded)."""
    rows = [
        {"line_id": line, "surplus_pence": given + kept, "given_pence": given,
         "retained_pence": kept, "received_pence": 0, "unfunded_pence": 0}
        for line, (given, kept) in gives.items()
    ] + [
        {"line_id": line, "surplus_pence": -(got + lacking), "given_pence": 0,
         "retained_pence": 0, "received_pence": got, "unfunded_pence": lacking}
        for line, (got, lacking) in receives.items()
    ]  # fmt: skip
    lines = pd.DataFrame(rows)
    lines["line_name"] = lines["line_id"].str.replace("L", "Line ")
    total = sum(got for got, _ in receives.values())
    matrix = [
        {
            "funder_line_id": funder,
            "receiver_line_id": receiver,
            "amount_pence": given * got // total,
        }
        for funder, (given, _) in gives.items()
        for receiver, (got, _) in receives.items()
        if total
    ]
    columns = ["funder_line_id", "receiver_line_id", "amount_pence"]
    return lines, pd.DataFrame(matrix, columns=columns)


def summary(lines, *, n_rules=3, width=0.01):
    frame = lines[["line_id", "sign_label"]].copy()
    frame["base_pence"] = lines["surplus_pence"]
    frame["min_pence"] = lines["surplus_pence"] - MILLION // 2
    frame["max_pence"] = lines["surplus_pence"] + MILLION // 2
    frame["width_income_prop"] = width
    frame["n_rules"], frame["n_bases"], frame["depends_on"] = n_rules, 1, "overheads"
    frame["low_price_pence"], frame["high_price_pence"] = frame["min_pence"], frame["max_pence"]
    frame["low_contract_pence"] = frame["high_contract_pence"] = frame["contract_pence"] = pd.NA
    return frame


def test_position_counts_each_side():
    lines = position([5, -3, -20], contribution=[15, 7, -10])
    assert words.describe_position(lines) == (
        "Of 3 service lines, 1 earns at least full cost and 2 cost more than they earn. Of those in "
        "deficit, 1 covers its own care but not its share of overheads; 1 does not cover even the care itself."
    )


def test_a_rule_dependent_line_is_counted_on_neither_side():
    lines = position([5, -3], label=["stable", "rule_dependent"])
    text = words.describe_position(lines)
    assert "1 earns at least full cost and 0 cost more" in text
    assert "For 1 line the sign depends" in text and "Line 1." in text


def test_a_rule_dependent_line_is_never_the_extreme():
    lines = position([9, 2, -4, -9], label=["rule_dependent", "stable", "stable", "rule_dependent"])
    assert words.describe_extremes(lines) == (
        "The largest surplus is in Line 1, £2.00m; the largest deficit is in Line 2, £4.00m."
    )


def test_extremes_with_one_side_only():
    assert (
        words.describe_extremes(position([-1, -2])) == "The largest deficit is in Line 1, £2.00m."
    )
    assert words.describe_extremes(position([0, 0])) == ""


@pytest.mark.parametrize(
    ("surplus", "expected"),
    [
        ([8, -5], "So £5.00m of one line's income pays for another's care: 2.5% of all lines' income. £3.00m is left over."),
        ([5, -8], "Surpluses do not stretch to the deficits: £3.00m is paid for by no line."),
        ([5, -5], "Nothing is left over."),
        ([8, 5], "No line costs more than it earns, so there is no cross-subsidy."),
        ([-8, -5], "no line pays for another. The lines' deficits, £13.0m, fall on the trust."),
        ([0, 0], "Every line earns exactly what it costs"),
    ],
)  # fmt: skip
def test_volume_in_each_case(surplus, expected):
    assert expected in words.describe_subsidy_volume(totals(position(surplus)))


def test_a_rate_that_would_round_away_is_not_written_as_nought():
    text = words.describe_subsidy_volume(totals(position([8, -0.01])))
    assert "less than 0.1% of all lines' income" in text


def test_wider_volume_compares_with_the_lines_alone():
    lines = position([8, -5])
    text = words.describe_wider_volume(
        totals(lines, **{"volume@with_others": 6 * MILLION, "volume@private_apart": 7 * MILLION})
    )
    assert "the volume is £6.00m, more than the £5.00m on lines alone." in text
    assert "private patients as a column of their own, it is £7.00m" in text
    assert "the same, £5.00m" in words.describe_wider_volume(totals(lines))


def coverage(lines):
    frame = lines[["line_id", "contribution_pence"]].copy()
    frame["overhead_pence"] = lines["overhead_pence"] + lines["below_ebitda_pence"]
    frame["coverage_prop"] = frame["contribution_pence"] / frame["overhead_pence"]
    return frame


def test_coverage_names_lines_that_pay_nothing():
    lines = position([5, -3, -20])  # contributions 15, 7, -10 of overheads 10 each
    text = words.describe_coverage(lines, coverage(lines))
    # 12 of 30
    assert "contribute £12.0m towards overheads and capital charges of £30.0m: 40% of them" in text
    assert "1 line pays part of its share." in text
    assert "1 line pays none of it" in text and text.endswith("Line 2.")


def test_coverage_without_overheads():
    lines = position([5]).assign(overhead_pence=0, below_ebitda_pence=0)
    assert words.describe_coverage(lines, coverage(lines)) == "No overheads fall on service lines."


def test_funding_names_the_largest_on_each_side():
    lines, matrix = funding({"L0": (60, 0), "L1": (40, 9)}, {"L2": (75, 0), "L3": (25, 0)})
    assert words.describe_funding(lines, matrix) == (
        "2 lines pay for 2 others. Line 0 gives most, 60% of what is given; Line 2 receives most, 75% of it."
    )


def test_funding_without_flows():
    lines, matrix = funding({"L0": (0, 9)}, {})
    assert words.describe_funding(lines, matrix).startswith("No line pays for another")


def test_sensitivity_names_the_lines_whose_sign_is_a_choice():
    lines = position([5, 0.1, -3], label=["stable", "rule_dependent", "mostly_stable"])
    assert words.describe_sensitivity(summary(lines), lines) == (
        "Under 3 rules for sharing overheads, 1 of 3 lines keep the same sign under every one and 1 under at least "
        "four in five. 1 line is in surplus under one fair rule and in deficit under another: Line 1. "
        "Do not act on its sign."
    )


def test_sensitivity_says_when_nothing_depends_on_the_rule_or_only_one_was_tried():
    lines = position([5, -3])
    assert "No line's sign is a matter of choice." in words.describe_sensitivity(
        summary(lines), lines
    )
    assert "Only one rule" in words.describe_sensitivity(summary(lines, n_rules=1), lines)


def test_rules_with_two_bases_of_income_are_counted_as_pairs():
    lines = position([5, -3])
    assert words.describe_sensitivity(
        summary(lines, n_rules=16).assign(n_bases=2), lines
    ).startswith(
        "Under 16 rules (8 ways of sharing overheads, each with income at price and as contracted), "
        "2 of 2 lines keep the same sign"
    )


def test_further_keys_for_fixed_sums_are_counted_as_bases():
    lines = position([5, -3])
    assert words.describe_sensitivity(
        summary(lines, n_rules=32).assign(n_bases=4), lines
    ).startswith(
        "Under 32 rules (8 ways of sharing overheads, each with income at price and with fixed contract "
        "sums shared in 3 ways), 2 of 2 lines"
    )


def test_causes_say_what_turns_each_unsure_sign():
    lines = position([5, -3, 2, 9], label="rule_dependent")
    found = summary(lines).assign(depends_on=["overheads", "income", "both", "income"])
    assert words.describe_causes(found, lines) == (
        "The sign of Line 0 turns with the way overheads are shared. The signs of Line 3 and Line 1 "
        "turn only with what is counted as income: prices, or fixed contract sums. The sign of "
        "Line 2 turns with the way overheads are shared, and also with the basis of income."
    )


def test_causes_are_silent_where_every_sign_holds():
    lines = position([5, -3])
    assert words.describe_causes(summary(lines), lines) == ""


def test_width_names_the_line_that_moves_most():
    lines = position([5, 1])
    found = summary(lines)
    found["width_income_prop"] = [0.01, 0.02]
    assert words.describe_width(found, lines) == (
        "The choice of rule moves Line 1 most: from +£500k to +£1.50m, a range of 2.0% of its income."
    )
    assert "No line's surplus moves" in words.describe_width(summary(lines, width=0.0), lines)


def test_names_with_commas_are_kept_apart():
    lines = position([5, -1], names=["Ear, nose and throat", "Urology"], label="rule_dependent")
    assert "Ear, nose and throat; and Urology." in words.describe_position(lines)


def test_many_names_are_shortened():
    lines = position([5, 4, 3, 2, 1], label="rule_dependent")
    assert "Line 0, Line 1, Line 2 and 2 more." in words.describe_position(lines)


def private(*rows):
    frame = pd.DataFrame(rows, columns=["line_name", "nhs_surplus_pence", "private_surplus_pence"])
    frame["line_id"] = [f"L{number}" for number in range(len(frame))]
    frame["surplus_pence"] = frame["nhs_surplus_pence"] + frame["private_surplus_pence"]
    frame["is_masked"] = (frame["surplus_pence"] >= 0) & (frame["nhs_surplus_pence"] < 0)
    return frame


def test_private_work_that_hides_a_loss_is_told_with_its_sums():
    found = private(("Orthopaedics", -870_000, 1_100_000), ("Urology", 5, 5))
    assert words.describe_private(found) == (
        "2 lines treat private patients. In 1 line a surplus on private patients hides a loss on the "
        "rest: Orthopaedics (line +£2.30k: private +£11.0k, NHS −£8.70k)."
    )


def test_private_work_that_hides_nothing_and_no_private_work():
    assert "In none of them" in words.describe_private(private(("Urology", -5, 1)))
    assert "No private patients" in words.describe_private(private())


def test_many_lines_that_hide_a_loss_are_shortened():
    found = private(*[(f"Line {n}", -10 - n, 900) for n in range(5)])
    assert words.describe_private(found).endswith(" and 2 more.")


def within(*rows):
    return pd.DataFrame(rows, columns=["line_id", "pod", "surplus_pence"])


def masking(*rows):
    columns = ["line_id", "surpluses_pence", "deficits_pence", "masking_prop"]
    return pd.DataFrame(rows, columns=columns)


def test_within_line_names_where_most_is_hidden():
    lines = position([1.8, 0.1])
    split = within(
        ("L0", "EL", 35_000_000), ("L0", "NEL", -34_000_000), ("L0", "REST", -99_000_000), ("L1", "DC", 10),
    )  # fmt: skip
    text = words.describe_within_line(
        split, masking(("L0", 53_000_000, 35_000_000, 0.795), ("L1", 10, 0, 0.0)), lines
    )
    assert text.startswith("In 1 of 2 lines, at least half")
    assert (
        "Line 0: elective inpatient at +£350k against emergency, two days or more at −£340k."
        in text
    )


def test_within_line_without_losses_or_without_patients():
    lines = position([1])
    text = words.describe_within_line(within(("L0", "EL", 5)), masking(("L0", 5, 0, 0.0)), lines)
    assert "No line gains on one kind of care and loses on another." in text
    assert "needs activity by patient, and its prices" in words.describe_within_line(
        within(), masking(), lines
    )


def test_unmapped_and_unmatched_cost_is_told_and_silence_kept_otherwise():
    lines = position([0, 0])
    assert words.describe_unmapped(lines) == ""
    lines["line_id"] = ["L0", "UNMAPPED"]
    lines["unmatched_pence"] = [20 * MILLION, 0]
    text = words.describe_unmapped(lines)
    # 20 and 100 of a cost of 200 million
    assert "£20.0m (10.0%) is activity that matched no patient" in text
    assert "£100m (50.0%) belongs to no service line" in text


def test_no_lines_at_all():
    none = position([])
    assert words.describe_position(none) == "No service line has income or cost."
    assert words.describe_extremes(none) == ""
    assert "exactly what it costs" in words.describe_subsidy_volume(totals(none))


def test_labels_are_moved_apart_and_stay_in_order():
    placed = spread_labels([0.5, 0.51, 0.52, 0.99], 0.1)
    gaps = [later - earlier for earlier, later in pairwise(placed)]
    assert min(gaps) >= 0.1 - 1e-9
    assert placed[-1] <= 0.99


def test_small_flows_are_drawn_together_and_nothing_is_lost():
    gives = {f"L{n}": (100 + n, 10) for n in range(12)}
    lines, matrix = funding(gives, {"L90": (1266, 0)})
    flows = build_flows(lines, matrix)
    assert flows["source"].nunique() == MOST_BLOCKS
    assert OTHERS in set(flows["source"])
    # Given 1,266 (12 x 100 + 0 + 1 + ... + 11) and left over 12 x 10
    assert flows["pence"].sum() == 1_266 + 120
    assert flows.loc[flows["target"] == LEFT_OVER, "pence"].sum() == 120


def test_a_deficit_that_nothing_pays_for_comes_from_no_line():
    lines, matrix = funding({}, {"L0": (0, 7)})
    assert build_flows(lines, matrix).to_dict("records") == [
        {"source": NO_LINE, "target": "L0", "pence": 7}
    ]


@pytest.mark.parametrize("surplus", [[5, -3, 0], [-4, -5], [4, 5], [0], []])
def test_every_figure_can_be_drawn_at_the_edges(surplus):
    lines = position(surplus)
    figures = [
        plot_surplus_by_line(lines),
        plot_coverage(lines, coverage(lines)),
        plot_sensitivity(lines, summary(lines)),
    ]
    assert all(to_svg(figure).startswith("<svg") for figure in figures)


def test_a_grid_of_money_is_in_the_unit_that_fits_and_nought_has_no_sign():
    small, large = pick_unit(np.array([[1_234_500.0, np.nan]])), pick_unit(np.array([[-2e8]]))
    assert (small.words, small.write(1_234_500), small.write(-40_000)) == ("£ thousand", "+12", "0")
    assert (large.words, large.write(-2e8), large.write(4e6)) == ("£ million", "−2.0", "0.0")


def test_what_the_map_gives_to_no_line_is_counted_as_none():
    lines = position([5, -3, -9]).assign(line_id=["L0", "L1", "UNMAPPED"])
    assert words.describe_position(lines).startswith("Of 2 service lines, 1 earns")
    assert "deficit is in Line 1" in words.describe_extremes(lines)
    assert "1 of 1 line" in words.describe_sensitivity(summary(lines.iloc[1:]), lines)


def test_a_trust_without_patients_has_no_figure_of_them():
    assert plot_private(private()) is None
    assert plot_within_line(within(), position([1])) is None


@pytest.mark.parametrize(
    ("gives", "receives"),
    [({"L0": (5, 1)}, {"L1": (5, 0)}), ({}, {"L0": (0, 7)}), ({"L0": (0, 3)}, {})],
)
def test_flows_can_be_drawn_with_one_side_only(gives, receives):
    lines, matrix = funding(gives, receives)
    assert to_svg(plot_funding_flows(lines, matrix, position([1, -1]))).startswith("<svg")


def test_a_rule_dependent_line_takes_neither_sides_colour():
    from matplotlib.colors import to_hex

    from helpers.report.figures.style import DEFICIT, NOT_SURE, SURPLUS

    axes = plot_surplus_by_line(position([5, -3], label=["rule_dependent", "rule_dependent"])).axes[
        0
    ]
    drawn = {to_hex(bar.get_facecolor()).upper() for bar in axes.patches}
    assert drawn == {NOT_SURE}
    assert not drawn & {SURPLUS, DEFICIT}
