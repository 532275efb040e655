"""Words and figures on length of stay."""

from __future__ import annotations

import pandas as pd

from helpers.report.figures.stays import (
    plot_gap_parts,
    plot_group_effects,
    plot_long_stays,
    plot_ward_stays,
)
from helpers.report.figures.style import to_svg
from helpers.report.tables.stays import arrange_exclusions, arrange_value
from helpers.report.words.stays import (
    describe_gap_parts,
    describe_group_findings,
    describe_long_stays,
    describe_stay_value,
    describe_stays_compared,
    describe_trim,
    describe_waiting,
    name_groups,
    name_line_column,
)

PEOPLE = pd.DataFrame({"consultant_code": ["C1234567"], "pseudonym": ["Cons-01"]})
LINES = pd.DataFrame({"line_id": ["TO", "GM"], "line_name": ["Orthopaedics", "General medicine"]})


def named(table):
    return name_groups(table, consultants=PEOPLE, service_lines=LINES)


def groups(*rows):
    columns = ["grouping", "group", "effect_days", "is_material", "holds", "q_value"]
    table = pd.DataFrame(rows, columns=columns)
    low, high = table["effect_days"] - 0.5, table["effect_days"] + 0.5
    table = table.assign(
        n_spells=120, natural_prop=0.06, effect_low_days=low, effect_high_days=high
    )
    return named(table)


FOUND = groups(
    ("ward", "W9", 2.0, True, True, 0.001),
    ("consultant", "C1234567", 1.0, True, False, 0.01),
    ("line", "TO", -0.6, True, True, 0.02),
    ("age_band", "85+", 0.1, False, None, 0.4),
    ("imd_quintile", "1", 0.0, False, None, None),
)


def test_groups_are_named_in_plain_words_and_consultants_by_pseudonym():
    table = named(
        pd.DataFrame(
            {
                "grouping": ["consultant", "consultant", "line", "ward", "ward", "age_band"],
                "group": ["C1234567", "C7654321", "TO", "W9", "WARD_A", "85+"],
            }
        )
    )
    assert table["group_name"].tolist() == [
        "Cons-01", "Consultant not listed", "Orthopaedics", "Ward W9", "WARD_A", "Aged 85 or over"
    ]  # fmt: skip
    assert table["grouping_name"].tolist()[-1] == "Age"
    assert not table["group_name"].str.contains("C7654321").any()


def test_findings_are_told_with_their_number_size_and_interval():
    text = describe_group_findings(FOUND)
    assert text.startswith("4 groups were tested. 3 differ from their casemix")
    assert "Ward W9 (+2.0 days a stay, 95% interval +1.5 to +2.5 days)" in text
    assert "Shortest: Orthopaedics (−0.6 days a stay" in text
    assert "Consultants' stays differ naturally by about ±6%" in text
    # the consultant's finding goes with the ward's, and is counted but not named
    assert "1 of the findings goes with another one" in text
    assert "Cons-01" not in text


def test_no_findings_is_said_plainly():
    quiet = FOUND.assign(is_material=False)
    assert "None differs from its casemix" in describe_group_findings(quiet)
    untested = FOUND.assign(q_value=float("nan"), is_material=False)
    assert describe_group_findings(untested) == "No group of patients is large enough to test."
    assert (
        describe_group_findings(FOUND.iloc[:0]) == "No group of patients is large enough to test."
    )


def exclusions(**counts):
    given = {
        "kept": 0,
        "open": 0,
        "day_or_regular": 0,
        "died": 0,
        "no_stay": 0,
        "no_hrg": 0,
    } | counts
    return pd.DataFrame(
        {
            "reason": list(given),
            "label": [f"Stays of kind {name}" for name in given],
            "n_spells": list(given.values()),
            "bed_days": [4.0 * n for n in given.values()],
            "mean_days": 4.0,
        }
    )


def test_stays_left_out_are_counted_and_deaths_told_apart():
    text = describe_stays_compared(exclusions(kept=1200, day_or_regular=800, died=1), 12)
    assert text.startswith(
        "1,200 completed stays of 4,800 bed days are compared, 4.0 days on average."
    )
    assert "Left out: stays of kind day_or_regular (800)." in text
    assert "1 patient died in hospital after 4.0 days" in text
    assert "12 compared stays ended in a move to another hospital" in text
    assert "no_hrg" not in text
    nothing = describe_stays_compared(exclusions(), 0)
    assert nothing == "There are no completed stays to compare."


WAITING = named(
    pd.DataFrame(
        {
            "grouping": ["ward", "ward"],
            "group": ["W9", "W1"],
            "n_spells": [100, 300],
            "bed_days": [900.0, 900.0],
            "awaiting_days": [270.0, 0.0],
            "effect_days": [3.0, -1.0],
            "awaiting_effect_days": [2.7, -0.5],
            "own_effect_days": [0.3, -0.5],
            "is_mostly_waiting": [True, False],
        }
    )
)


ALL_DAYS = pd.DataFrame({"line_id": ["TRUST"], "bed_days": [1800.0], "awaiting_days": [270.0]})


def test_a_ward_whose_patients_wait_is_explained_as_such():
    text = describe_waiting(WAITING, ALL_DAYS)
    assert "270 of 1,800 bed days (15%) came after the patient was ready to leave" in text
    assert "Ward W9 (+3.0 days against expected: +2.7 days waiting, +0.3 days before)" in text
    assert "outside the ward" in text
    quiet = describe_waiting(WAITING.assign(is_mostly_waiting=False), ALL_DAYS)
    assert "No ward is long mainly because its patients wait." in quiet
    assert "No dates of being ready to leave" in describe_waiting(WAITING.iloc[:0], ALL_DAYS)


MIX = named(
    pd.DataFrame(
        {
            "grouping": ["consultant", "ward", "ward"],
            "group": ["C1234567", "W9", "W1"],
            "within": ["TO", "GM", "GM"],
            "n_spells": [100, 200, 200],
            "n_others": [100, 200, 5],
            "mean_days": [8.8, 5.0, 30.0],
            "others_mean_days": [6.4, 5.0, 1.0],
            "gap_days": [2.4, 0.0, 29.0],
            "mix_days": [2.15, 0.0, 0.0],
            "practice_days": [0.25, 0.0, 29.0],
        }
    )
)


def test_a_gap_is_told_in_its_two_parts():
    text = describe_gap_parts(MIX, grouping="consultant")
    assert "Cons-01's: 8.8 days on average against 6.4 days" in text
    assert "Orthopaedics" in text
    assert "gap of +2.40 days, +2.15 days come from different patients and +0.25 days" in text
    # a ward beside five other patients is no comparison
    assert "Ward W9" in describe_gap_parts(MIX, grouping="ward")
    assert "enough stays" in describe_gap_parts(MIX.iloc[:0], grouping="ward")


LONG = name_line_column(
    pd.DataFrame(
        {
            "line_id": ["TRUST", "TO", "GM"] * 3,
            "threshold_days": [7] * 3 + [14] * 3 + [21] * 3,
            "n_spells": [40, 20, 20, 20, 10, 10, 10, 1, 9],
            "spells_prop": [0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.01, 0.09],
            "bed_days_prop": [0.6, 0.5, 0.7, 0.4, 0.3, 0.5, 0.3, 0.1, 0.5],
        }
    ),
    LINES,
)


def test_long_stays_are_told_with_their_share_of_days():
    text = describe_long_stays(LONG)
    assert text == (
        "10 stays of 21 days or more (5.0% of all) take 30% of bed days. "
        "The share is highest in General medicine: 50%."
    )
    assert describe_long_stays(LONG.assign(n_spells=0)) == "No stay lasted 21 days or more."
    assert describe_long_stays(LONG.iloc[:0]) == "There are no completed stays to count."


def value(variable):
    return pd.DataFrame(
        {
            "line_id": ["TRUST"],
            "bed_days": [1000.0],
            "excess_days": [50.0],
            "full_value_pence": pd.array([2_000_000], "Int64"),
            "variable_value_pence": pd.array([variable], "Int64"),
        }
    )


def test_excess_days_are_valued_twice_and_promise_no_cash():
    text = describe_stay_value(value(300_000))
    assert "50 bed days (5.0%)" in text
    assert "£20.0k" in text and "£3.00k" in text
    assert "No cash is saved until beds are closed" in text
    unknown = describe_stay_value(value(None))
    assert "not known" in unknown and "No cash" in unknown
    none = describe_stay_value(value(0).assign(excess_days=0.0))
    assert none == "No stay went beyond its trim point."


def test_trim_points_are_told_by_source():
    text = describe_trim(pd.DataFrame({"source": ["local", "local", "national", "none"]}))
    assert "Of 4 HRGs and admission types, 2 have" in text
    assert "1 the one of the price list, and 1 none" in text


def test_figures_draw_and_are_the_same_twice():
    for draw in list_draws(slice(None)):
        first = to_svg(draw())
        assert first == to_svg(draw())
        assert "<svg" in first


def test_without_rows_a_sentence_stands_in_the_figures_place():
    sentences = [draw() for draw in list_draws(slice(0))]
    assert all(isinstance(words, str) and words.endswith(".") for words in sentences)
    assert len(set(sentences)) == len(sentences)


def list_draws(part: slice) -> list:
    return [
        lambda: plot_group_effects(FOUND.iloc[part]),
        lambda: plot_ward_stays(WAITING.iloc[part]),
        lambda: plot_gap_parts(MIX.iloc[part], grouping="ward"),
        lambda: plot_long_stays(LONG.iloc[part]),
    ]


def test_forest_shows_findings_only_under_a_heading_for_each_kind():
    axes = plot_group_effects(FOUND).axes[0]
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    # bottom row first; the kind with the largest effect is at the top
    assert labels[::-1] == [
        "Main ward", "Ward W9 (120)", "Consultant", "Cons-01 (120)", "Service line",
        "Orthopaedics (120)",
    ]  # fmt: skip


def test_ward_bars_end_at_the_mean_stay_and_mark_what_was_expected():
    axes = plot_ward_stays(WAITING).axes[0]
    ends = sorted({round(bar.get_x() + bar.get_width(), 6) for bar in axes.patches})
    # W9: 900 / 100 = 9 days, of which 2.7 waiting; W1: 900 / 300 = 3 days, none waiting
    assert ends == [3.0, 6.3, 9.0]
    marks = sorted(axes.lines[0].get_xdata())
    assert marks == [4.0, 6.0]  # 3 + 1 and 9 - 3


def test_tables_are_arranged_with_the_whole_last():
    table = arrange_exclusions(exclusions(kept=10, died=2))
    assert table["label"].tolist() == ["Stays of kind kept", "Stays of kind died", "All spells"]
    assert table["n_bed_days"].tolist() == [40, 8, 48]
    lines = pd.DataFrame(
        {
            "line_id": ["TO", "TRUST", "GM"],
            "line_name": ["Orthopaedics", "The trust", "General medicine"],
            "n_spells": [1, 3, 2],
            "bed_days": [5.0, 15.0, 10.0],
            "excess_days": [0.4, 2.0, 1.6],
            "awaiting_days": [0.0, 1.0, 1.0],
            "full_value_pence": pd.array([100, 1000, 900], "Int64"),
        }
    )
    arranged = arrange_value(lines)
    assert arranged["line_id"].tolist() == ["GM", "TO", "TRUST"]
    assert arranged["n_excess_days"].tolist() == [2, 0, 2]
