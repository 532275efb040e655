"""Exhibits are numbered, captioned, sourced and harmless, and say each number in its unit."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.report.cells import POUND, find_table_unit
from helpers.report.exhibits import (
    show_cards,
    show_figure,
    show_folded,
    show_list,
    show_notice,
    show_table,
    show_words,
)
from helpers.report.figures.style import new_figure, report_style

HOSTILE = '<script>alert(1)</script><img src=x onerror="go()">"\'&'
GIVEN = {"number": "1.1", "caption": "What came in.", "source": "trust extracts"}


class Tags(HTMLParser):
    """Collects tags and attribute names, to see what a browser would."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def read_tags(html: str) -> Tags:
    reader = Tags()
    reader.feed(html)
    return reader


def table(frame: pd.DataFrame, **more: object) -> str:
    columns = {name: name.removesuffix("_pence") for name in frame.columns}
    return show_table(frame, **{**GIVEN, "columns": columns, **more})._repr_html_()


def body_cells(html: str) -> list[list[str]]:
    body = html[html.index("<tbody>") :]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def small_figure():
    with report_style():
        figure, axes = new_figure(2)
        axes.barh(["A"], [1])
    return figure


def test_a_column_of_millions_says_its_unit_once_in_the_heading():
    frame = pd.DataFrame({"line": ["a", "b", "c"], "cost_pence": [123_456_789, -4_560_000, 0]})
    html = table(frame)
    assert 'cost <span class="unit">£m</span>' in html
    # £1,234,567.89; −£45,600; nothing
    assert [row[1] for row in body_cells(html)] == ["1.23", "−0.05", "0"]


@pytest.mark.parametrize(
    ("pence", "unit", "written"),
    [
        (123_456, "£", "1,235"),  # £1,234.56
        (12_345_678, "£000", "123.5"),  # £123,456.78
        (250_000_000_000, "£m", "2,500.0"),  # £2.5bn
    ],
)
def test_the_unit_follows_the_size(pence, unit, written):
    html = table(pd.DataFrame({"line": ["a"], "cost_pence": [pence]}))
    assert f'<span class="unit">{unit}</span>' in html
    assert body_cells(html) == [["a", written]]


def test_an_amount_too_small_for_its_unit_differs_from_nothing():
    html = table(pd.DataFrame({"line": ["a", "b", "c"], "x_pence": [500_000_000, 100, 0]}))
    assert [row[1] for row in body_cells(html)] == ["5.00", "0.00", "0"]


def test_exact_columns_show_every_penny():
    frame = pd.DataFrame({"id": ["R1"], "left_pence": [57_200_000_001]})
    assert body_cells(table(frame, exact=["left_pence"])) == [["R1", "572,000,000.01"]]


def test_all_money_of_a_table_is_in_one_unit():
    frame = pd.DataFrame(
        {"line": ["a"], "income_pence": [123_456_789_00], "surplus_pence": [45_678_00]}
    )
    # £123,456,789 beside £45,678: pounds would need nine digits, so thousands for both
    assert body_cells(table(frame)) == [["a", "123,456.8", "45.7"]]


def test_a_column_of_money_that_is_not_known_does_not_choose_the_unit():
    frame = pd.DataFrame({"line": ["a"], "income_pence": [5_000_000_00], "plan_pence": [pd.NA]})
    frame["plan_pence"] = frame["plan_pence"].astype("Int64")
    assert body_cells(table(frame)) == [["a", "5.00", "–"]]


def test_a_heading_that_names_its_unit_gets_no_second_one():
    frame = pd.DataFrame({"line": ["a"], "x_pence": [100]})
    html = table(frame, columns={"line": "Line", "x_pence": "Cost (£)"})
    assert "unit" not in html


def test_each_ending_is_written_in_its_way():
    frame = pd.DataFrame(
        {
            "line": ["a", "b"],
            "n_spells": [1_234, 7],
            "margin_prop": [0.1234, -0.05],
            "stay_days": [1_250.26, -0.25],
            "ratio": [1.0, -0.256],
            "passed": [True, False],
            "day": pd.to_datetime(["2024-07-03", None]),
        }
    )
    assert body_cells(table(frame)) == [
        ["a", "1,234", "12.3%", "1,250.3", "1.00", "yes", "3 July 2024"],
        ["b", "7", "−5.0%", "−0.2", "−0.26", "no", "–"],
    ]


def test_missing_values_are_a_dash_and_not_a_zero():
    frame = pd.DataFrame(
        {
            "line": ["a", None],
            "x_pence": pd.array([None, 100], dtype="Int64"),
            "n_rows": [np.nan, 3.0],
            "w_prop": [np.nan, 0.5],
        }
    )
    assert body_cells(table(frame)) == [["a", "–", "–", "–"], ["–", "1", "3", "50.0%"]]


def test_rows_stay_in_the_order_given():
    frame = pd.DataFrame({"line": ["c", "a", "b"], "n_rows": [1, 3, 2]}, index=[7, 7, 1])
    assert [row[0] for row in body_cells(table(frame))] == ["c", "a", "b"]


def test_the_last_row_of_a_table_with_a_total_is_set_apart():
    frame = pd.DataFrame({"line": ["a", "All"], "n_rows": [1, 1]})
    assert table(frame, total=True).count('<tr class="total">') == 1
    assert '<tr class="total">' not in table(frame)


def test_headers_tell_rows_from_columns():
    html = table(pd.DataFrame({"line": ["a", "b"], "n_rows": [1, 2]}))
    assert html.count('scope="col"') == 2
    assert html.count('scope="row"') == 2
    assert "<caption>" in html


def test_a_long_table_scrolls_in_its_own_frame():
    short = pd.DataFrame({"line": ["a"] * 40})
    long = pd.DataFrame({"line": ["a"] * 41})
    assert 'class="table codes"' in table(short)
    assert 'class="table long codes"' in table(long)


def test_long_row_headings_may_be_broken():
    assert 'class="table"' in table(pd.DataFrame({"line": ["Trauma and orthopaedics"]}))


def test_a_sentence_in_a_figures_place_has_nothing_to_read_or_to_take_away():
    words = {"number": "4.2", "caption": "Cost (%).", "alt": "Nothing.", "source": "x of this run."}
    shown = show_figure(
        "nobody & no one.", how_to_read="Look up.", data=pd.DataFrame({"a": [1]}), **words
    )
    html = shown._repr_html_()
    assert "Figure 4.2 is not drawn: nobody &amp; no one." in html
    assert 'id="figure-4.2"' in html
    for piece in ("Look up", "Source", "data:text/csv", "<img", "Cost (%)"):
        assert piece not in html


def test_a_fold_over_nothing_is_nothing():
    nothing = show_figure(None, number="1", caption="a", alt="b", source="c")
    assert nothing.is_empty
    assert show_folded("All of them", nothing, nothing).is_empty
    html = show_folded("All of them", nothing, show_words("One."))._repr_html_()
    assert "All of them" in html and "One." in html


def test_days_have_a_decimal_and_a_count_of_days_has_none():
    frame = pd.DataFrame({"line": ["a"], "mean_days": [3.25], "n_bed_days": [25_090]})
    assert body_cells(table(frame)) == [["a", "3.2", "25,090"]]


def test_whole_per_cents_have_no_decimals():
    frame = pd.DataFrame({"line": ["a"], "x_whole_prop": [0.58], "y_prop": [0.58]})
    assert body_cells(table(frame)) == [["a", "58%", "58.0%"]]


def test_an_empty_table_says_so():
    html = table(
        pd.DataFrame({"line": pd.Series(dtype="str"), "x_pence": pd.Series(dtype="int64")})
    )
    assert html.count("<th") == 0  # no headings over nothing
    assert "Table 1.1 has no rows" in html


def test_written_sums_stand_at_the_right_like_numbers():
    sums = pd.DataFrame({"id": ["R1", "R15"], "left": ["£1,234.50", "65,913"], "note": ["£5", "a"]})
    html = table(sums)
    assert html.count('class="number"') == 3  # the heading and two cells of `left` alone
    codes = pd.DataFrame({"id": ["a", "b"], "code": ["04", "2024"]})
    assert 'class="number"' not in table(codes)


def test_a_table_of_many_columns_is_set_smaller():
    assert "broad" in table(pd.DataFrame({f"column {n}": ["a"] for n in range(9)}))
    assert "broad" not in table(pd.DataFrame({f"column {n}": ["a"] for n in range(8)}))


def test_a_note_stands_under_the_table():
    frame = pd.DataFrame({"line": ["a"]})
    assert '<p class="note">Counts &lt; 8 are hidden.</p>' in table(
        frame, note="Counts < 8 are hidden."
    )


@given(words=st.text(max_size=60))
def test_no_text_from_data_becomes_markup_in_a_table(words):
    frame = pd.DataFrame({"line": [words], "other": [words]})
    same_length = "a" * len(words)  # a long cell is told apart by a class
    name = "a" if words.strip() else ""  # a row without a name has no heading
    plain = read_tags(table(pd.DataFrame({"line": [name], "other": [same_length]}), note="n"))
    found = read_tags(
        show_table(
            frame,
            number="1.1",
            caption=f"c{words}",
            source=f"s{words}",
            columns={"line": words, "other": words},
            note=f"n{words}",
        )._repr_html_()
    )
    assert found.tags == plain.tags
    assert found.attributes == plain.attributes


@pytest.mark.parametrize(
    "exhibit",
    [
        show_words(HOSTILE, HOSTILE),
        show_list([HOSTILE]),
        show_notice(HOSTILE),
        show_cards([{"label": HOSTILE, "value": HOSTILE, "note": HOSTILE}]),
        show_table(
            pd.DataFrame({HOSTILE: [HOSTILE]}),
            number=HOSTILE,
            caption=HOSTILE,
            source=HOSTILE,
            columns={HOSTILE: HOSTILE},
            note=HOSTILE,
        ),
        show_figure(small_figure(), number=HOSTILE, caption=HOSTILE, alt=HOSTILE, source=HOSTILE),
    ],
    ids=["words", "list", "notice", "cards", "table", "figure"],
)
def test_hostile_text_stays_text(exhibit):
    found = read_tags(exhibit._repr_html_())
    assert "script" not in found.tags
    assert "onerror" not in found.attributes
    assert "&lt;script&gt;" in exhibit._repr_html_()


def test_a_figure_has_number_caption_alternative_text_and_source():
    html = show_figure(
        small_figure(), number="3.2", caption="Surplus, £m.", alt="A is largest.", source="ledger"
    )._repr_html_()
    assert "<b>Figure 3.2</b> Surplus, £m." in html
    assert 'alt="A is largest."' in html
    assert "Source: ledger" in html
    assert 'src="data:image/svg+xml,' in html


def test_the_same_figure_gives_the_same_bytes():
    first, second = (
        show_figure(small_figure(), number="1", caption="c", alt="a", source="s") for _ in range(2)
    )
    assert first._repr_html_() == second._repr_html_()


@pytest.mark.parametrize("missing", ["number", "caption", "alt", "source"])
def test_a_figure_without_its_words_is_refused(missing):
    words = {"number": "1", "caption": "c", "alt": "a", "source": "s", missing: " "}
    with pytest.raises(ValueError, match=f"needs its {missing}"):
        show_figure(small_figure(), **words)


@pytest.mark.parametrize("missing", ["number", "caption", "source"])
def test_a_table_without_its_words_is_refused(missing):
    with pytest.raises(ValueError, match=f"needs its {missing}"):
        table(pd.DataFrame({"line": ["a"]}), **{missing: ""})


def test_blank_sentences_leave_no_trace():
    assert show_words("", "One.")._repr_html_() == '<div class="exhibit"><p>One.</p></div>'
    assert "<li>" not in show_list([""])._repr_html_()
    assert "<aside" not in show_notice("")._repr_html_()


def test_a_notice_of_no_known_kind_is_refused():
    with pytest.raises(ValueError, match="note, caution, method"):
        show_notice("Careful.", kind="alarm")


def test_a_terminal_gets_words_and_not_markup():
    assert repr(show_words("One.", "Two.")) == "One.\nTwo."
    assert repr(show_cards([{"label": "Income", "value": "£1m"}])) == "Income: £1m"


def test_a_table_with_a_column_of_blanks_still_has_one_unit():
    columns = [pd.Series([pd.NA, pd.NA], dtype="Int64"), pd.Series([250_000_000, 1])]
    assert find_table_unit(columns) == find_table_unit(columns[1:])
    assert find_table_unit(columns[:1]) == POUND
