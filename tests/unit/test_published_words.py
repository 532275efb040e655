"""Sentences and tables of the published series say what the files say, and add up."""

from __future__ import annotations

import pandas as pd

from helpers.report.figures.picture import draw_pictures
from helpers.report.figures.published import plot_index, thin_ticks
from helpers.report.tables import published as tables
from helpers.report.words import published as words

FACTS = {"year": "2022/23", "n_orgs": "1", "trust_name": "A Trust", "stated_total_pence": ""}


def accounts(*, cost_only: int) -> pd.DataFrame:
    rows = [("", 30, 900, cost_only), ("no_figures", 2, 0, 0)]
    return pd.DataFrame(rows, columns=["reason", "n_rows", "cost_pence", "n_cost_only"])


def test_a_cost_without_activity_is_not_called_hidden():
    text = words.describe_accounts(accounts(cost_only=1), FACTS)
    assert text.startswith("32 rows were read and 30 kept.")
    assert "1 row has a cost and no activity" in text
    assert "7 rows have a cost and no activity" in words.describe_accounts(
        accounts(cost_only=7), FACTS
    )
    assert "no activity" not in words.describe_accounts(accounts(cost_only=0), FACTS)


def test_the_table_of_indices_adds_up_although_some_lines_have_no_mean():
    index = pd.DataFrame(
        {
            "line_id": ["ALL", "EYES"],
            "observed_pence": [700, 700],
            "expected_pence": [500, 500],
            "index_ratio": [1.4, 1.4],
            "ci_low": [float("nan")] * 2,
            "ci_high": [float("nan")] * 2,
            "n_currencies": [6, 6],
        }
    )
    lines = pd.DataFrame({"line_id": ["EYES", "HEART", "SKIN"], "cost_pence": [800, 150, 50]})
    table = tables.arrange_index(index, lines)
    # 800 of eyes, and 150 + 50 without a national mean, are the 1,000 of all lines
    assert table["cost_pence"].tolist() == [800, 200, 1_000]
    assert table["line_name"].iloc[1] == tables.NOT_COMPARED
    assert table["line_name"].iloc[2] == "All lines"
    assert table["observed_pence"].isna().tolist() == [False, True, False]
    whole = tables.arrange_index(index, lines[lines["line_id"] == "EYES"])
    assert whole["cost_pence"].tolist() == [800, 800]


def test_the_figure_of_indices_has_a_form_for_a_phone_with_fewer_marks_on_its_scale():
    ratios = [0.5, 0.7, 0.9, 1.0, 1.2, 1.6, 2.4]
    index = pd.DataFrame(
        {
            "line_id": ["ALL", "EYES", "HEART", "SKIN", "ENT", "MATERNITY", "CRITICAL"],
            "index_ratio": ratios,
            "ci_low": [0.4] + [float("nan")] * 6,
            "ci_high": [0.6] + [float("nan")] * 6,
        }
    )
    wide, narrow = draw_pictures(plot_index(index))
    assert narrow is not None and narrow.width < wide.width
    ticks = [0.4, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0]
    # every second one from 1 down and up: 0.8, 0.5 and 1.25, 2.0
    assert thin_ticks(ticks, 5) == [0.5, 0.8, 1.0, 1.25, 2.0]
    assert thin_ticks([0.9, 1.0, 1.1], 5) == [0.9, 1.0, 1.1]


def test_no_page_is_said_to_make_itself():
    reasons = [
        words.describe_no_review(FACTS),
        words.describe_trusts(pd.DataFrame({"compared_prop": [1.0]}), FACTS, "R0A"),
    ]
    for text in reasons:
        assert "organisation-level file" in text
        assert "this page" not in text  # the summary says it too, and is another page


def test_beds_are_said_to_be_of_the_quarter_that_they_are_of():
    beds = pd.DataFrame({"period": ["September 2020-21"], "beds": [1.0]})
    text = words.describe_stays(pd.DataFrame(), beds, FACTS)
    assert "for the quarter to September 2020-21" in text
