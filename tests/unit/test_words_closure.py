"""What the page says of closing lines, of growth, and of the strict test."""

from __future__ import annotations

import pandas as pd

from helpers.report.figures.closure import plot_closure
from helpers.report.figures.style import to_svg
from helpers.report.tables import closure as tables
from helpers.report.words import closure as words

K = 100_000  # a thousand pounds, in pence


def closure(*lines):
    """Return closure from (surplus, income, then avoidable at 12m, 3y, long), thousands of pounds."""
    rows = [
        {
            "line_id": f"L{n}", "horizon": horizon, "surplus_pence": surplus * K,
            "income_pence": income * K, "full_cost_pence": (income - surplus) * K,
            "avoidable_pence": saved * K, "stranded_pence": (income - surplus - saved) * K,
            "trust_effect_pence": (saved - income) * K,
            "marginal_prop": (income - saved) / income if income else None,
        }
        for n, (surplus, income, *avoidable) in enumerate(lines)
        for horizon, saved in zip(("12m", "3y", "long"), avoidable, strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def position(table):
    lines = table[["line_id"]].drop_duplicates()
    return lines.assign(line_name=lines["line_id"].str.replace("L", "Line "))


def test_closing_names_the_largest_deficit_with_what_is_shed_and_stranded():
    table = closure((-10, 100, 40, 60, 105), (-5, 50, 30, 40, 49), (15, 200, 50, 60, 70))
    assert words.describe_closure(table, position(table)) == (
        "2 lines are in deficit. Closing each of them, one at a time, would leave the trust worse off "
        "within 12 months. Line 0 has the largest deficit, £10.0k. Closing it would lose £100k of income "
        "and shed £40.0k of cost within 12 months; £70.0k would be stranded, and the trust would be £60.0k "
        "worse off. In the long run, if every cost that can move had moved, the trust would be better "
        "off without Line 0."
    )


def test_closing_agrees_with_one_line_and_with_lines_that_save_money():
    table = closure((-10, 100, 104, 106, 108))
    text = words.describe_closure(table, position(table))
    assert text.startswith("1 line is in deficit. Closing it would leave the trust no worse off")
    assert "the trust would be £4.00k better off." in text
    table = closure((-10, 100, 104, 106, 108), (-5, 50, 30, 40, 49), (-4, 50, 51, 52, 53))
    assert "Closing 1 of them, one at a time" in words.describe_closure(table, position(table))
    table = closure((-10, 100, 104, 106, 108), (-4, 50, 51, 52, 53))
    assert "Closing none of them, one at a time" in words.describe_closure(table, position(table))


def test_closing_says_when_no_line_gains_in_the_long_run_or_none_is_in_deficit():
    table = closure((-10, 100, 40, 60, 99))
    assert "Even in the long run closing none" in words.describe_closure(table, position(table))
    table = closure((10, 100, 40, 60, 90))
    assert "No line is in deficit" in words.describe_closure(table, position(table))
    assert plot_closure(table, position(table)) is None


def test_growth_names_what_is_kept_of_a_pound_and_where_work_costs_more_than_it_earns():
    table = closure((5, 100, 27, 50, 90), (5, 100, 130, 140, 150))
    assert words.describe_growth(table, position(table)) == (
        "A little more or less of the same work moves income by its price, but only the cost that moves "
        "within 12 months. Of each further £1 of income, Line 0 would keep 73p, more than any other "
        "line. In 1 line more work would cost more than it earns: Line 1."
    )
    table = closure((-5, 0, 2, 3, 4))
    assert "No line has income" in words.describe_growth(table, position(table))


def test_one_more_elective_list_keeps_of_its_price_what_the_line_keeps_of_a_pound():
    table = closure((5, 100, 27, 50, 90), (5, 100, 130, 140, 150))
    inside = pd.DataFrame(
        [("L0", "EL", 50, 10_000_000), ("L0", "DC", 1, 90_000_000), ("L1", "EL", 10, 9_000_000)],
        columns=["line_id", "pod", "n_events", "income_pence"],
    )
    said = words.describe_list(table, inside, position(table))
    # 4 x 2,000.00 is 8,000; 73% of it 5,840
    assert "One more elective list in Line 0" in said and "would earn £8.00k" in said
    assert "it would add £5.84k" in said
    said = words.describe_list(table, inside.iloc[2:], position(table))
    # 4 x 9,000.00 is 36,000; 30% more than that moves
    assert "would earn £36.0k" in said and "it would cost the trust £10.8k" in said
    assert words.describe_list(table, inside.iloc[1:2], position(table)) == ""


def bounds(*verdicts):
    """Return strict_bounds from (verdict within 12 months, verdict in the long run)."""
    rows = [
        {
            "line_id": f"L{n}", "horizon": horizon, "verdict": verdict, "income_pence": 100 - n,
            "incremental_pence": 10, "standalone_pence": 200,
        }
        for n, pair in enumerate(verdicts)
        for horizon, verdict in zip(("12m", "3y", "long"), (pair[0], pair[0], pair[1]), strict=True)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_bounds_claim_a_subsidy_only_outside_them():
    table = bounds(("within", "subsidised"), ("within", "subsidised"), ("within", "funder"))
    assert words.describe_bounds(table, position(table)) == (
        "Within 12 months, no line is subsidised and no line funds another under every sharing of "
        "common cost: each earns more than the trust would save without it, and less than it would "
        "cost alone. In the long run, Line 0 and Line 1 earn less than the trust would save without "
        "them, so they are subsidised under any sharing; Line 2 earns more than it would cost alone, "
        "so it funds others under any sharing."
    )


def downstream(lines: pd.DataFrame) -> pd.DataFrame:
    """Return what each line's patients contributed elsewhere: £1 for the first line, £2 for the next."""
    names = sorted(lines["line_id"].unique())
    return pd.DataFrame(
        {"line_id": names, "downstream_pence": [100 * (1 + i) for i in range(len(names))]}
    )


def test_what_began_with_a_line_stands_beside_its_closure_and_is_not_added():
    table = closure((10, 100, 40, 60, 90), (-10, 50, 40, 60, 90))
    arranged = tables.arrange_closure(table, position(table), downstream(table))
    assert arranged.set_index("line_name")["downstream_pence"].to_dict() == {
        "Line 0": 100,
        "Line 1": 200,
    }
    nothing_known = downstream(table).head(0)
    without = tables.arrange_closure(table, position(table), nothing_known)
    assert without["downstream_pence"].isna().all()
    rest = [name for name in tables.CLOSURE_COLUMNS if name != "downstream_pence"]
    pd.testing.assert_frame_equal(arranged[rest], without[rest])


def test_tables_put_the_largest_deficit_and_lines_outside_their_bounds_first():
    table = closure((10, 100, 40, 60, 90), (-10, 50, 40, 60, 90))
    arranged = tables.arrange_closure(table, position(table), downstream(table))
    assert arranged["line_name"].tolist() == ["Line 1", "Line 0"]
    # 40, 60 and 90 shed, less 50 of income
    assert arranged[["effect_12m_pence", "effect_3y_pence", "effect_long_pence"]].iloc[
        0
    ].tolist() == [-10 * K, 10 * K, 40 * K]
    table = bounds(("within", "within"), ("within", "subsidised"), ("funder", "within"))
    arranged = tables.arrange_bounds(table, position(table))
    assert arranged["line_name"].tolist() == ["Line 2", "Line 1", "Line 0"]
    assert arranged["words_12m"].iloc[0] == "Funds others"


def test_what_belongs_to_no_line_cannot_close():
    table = closure((-5, 50, 30, 40, 49), (-9, 10, 4, 5, 6))
    table["line_id"] = table["line_id"].replace("L1", "UNMAPPED")
    names = position(table)
    assert words.describe_closure(table, names).startswith("1 line is in deficit.")
    assert tables.arrange_closure(table, names, downstream(table))["line_name"].tolist() == [
        "Line 0"
    ]
    assert to_svg(plot_closure(table, names)).count("UNMAPPED") == 0
