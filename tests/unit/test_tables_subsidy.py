"""The cross-subsidy page's tables: order, totals, names, and what is put together."""

from __future__ import annotations

import four_lines
import pandas as pd

from helpers.report.tables.subsidy import (
    arrange_matrix,
    arrange_position,
    arrange_sensitivity,
    arrange_totals,
)
from helpers.subsidy.funding import build_totals
from helpers.subsidy.position import build_position


def position(label="stable"):
    lines = build_position(
        four_lines.statement(), four_lines.service_lines(), four_lines.line_costs()
    )
    return lines.assign(sign_label=label)


def test_position_is_best_first_with_a_total_that_adds_up():
    table = arrange_position(position())
    assert table["line_name"].tolist() == [
        "Trauma and orthopaedics", "Emergency department", "Maternity", "General medicine", "All lines",
    ]  # fmt: skip
    # 180,000 + 5,000 - 10,000 - 120,000 = 55,000 of 17,650,000
    assert table["surplus_pence"].iloc[-1] == 5_500_000
    assert round(table["margin_prop"].iloc[-1], 6) == 0.003116


def test_a_rule_dependent_line_is_given_no_class():
    words = arrange_position(position("rule_dependent"))["words"]
    assert words.iloc[:4].str.startswith("Rule-dependent").all()


def test_totals_have_a_column_for_each_way_of_drawing_columns():
    columns = position()
    totals = pd.concat(
        [
            build_totals(columns, basis="lines", words=""),
            build_totals(columns.head(2), basis="with_others", words="x"),
            build_totals(columns, basis="private_apart", words="y"),
        ]
    )
    table = arrange_totals(totals).set_index("label")
    volume = table.loc[[name for name in table.index if "(V)" in name]].iloc[0]
    assert volume["lines_pence"] == 13_000_000
    # ED +5,000 and GENMED -120,000 alone: 5,000
    assert volume["with_others_pence"] == 500_000


def matrix(n_funders, n_receivers):
    return pd.DataFrame(
        [
            {"funder_line_id": f"F{i:02d}", "receiver_line_id": f"R{j:02d}", "amount_pence": 10 + i}
            for i in range(n_funders)
            for j in range(n_receivers)
        ],
        columns=["funder_line_id", "receiver_line_id", "amount_pence"],
    )


NAMES = pd.DataFrame({"line_id": ["F00", "F01"], "line_name": ["First", "Second"]})


def test_matrix_is_largest_first_with_totals_on_both_sides():
    shown = arrange_matrix(matrix(2, 2), NAMES)
    # Second gives 11 + 11, First 10 + 10
    assert shown.frame["funder"].tolist() == ["Second", "First", "All"]
    assert shown.frame["all_pence"].tolist() == [22, 20, 42]
    assert shown.columns["all_pence"] == "All"


def test_small_lines_are_put_together_and_nothing_is_lost():
    given = matrix(14, 9)
    shown = arrange_matrix(given, NAMES)
    assert len(shown.frame) == 10 + 1  # and the total
    assert shown.frame["funder"].iloc[-2] == "Other lines"
    # across: five by name, the other four together, and all of them
    assert len(shown.columns) == 1 + 6 + 1
    assert list(shown.columns.values())[-2:] == ["Other lines", "All"]
    assert shown.frame["(others)_pence"].iloc[-1] == given["amount_pence"].sum() * 4 // 9
    assert shown.frame["all_pence"].iloc[-1] == given["amount_pence"].sum()


def test_a_trust_without_funding_has_a_matrix_of_nothing():
    shown = arrange_matrix(matrix(0, 0), NAMES)
    assert shown.frame["all_pence"].tolist() == [0]


def test_ranges_are_best_first_and_in_words():
    summary = pd.DataFrame(
        {
            "line_id": ["ED", "TO"],
            "base_pence": [1, 2],
            "min_pence": [-1, 1],
            "max_pence": [2, 3],
            "width_income_prop": [0.1, 0.1],
            "same_sign_prop": [0.5, 1.0],
            "sign_label": ["rule_dependent", "stable"],
        }
    )
    table = arrange_sensitivity(summary, position())
    assert table["line_name"].tolist() == ["Trauma and orthopaedics", "Emergency department"]
    assert table["words"].str.split(":").str[0].tolist() == ["Stable", "Rule-dependent"]
