"""What the public edition says, from protected tables with hidden figures in them."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.report.downloads import arrange_download
from helpers.report.exhibits import show_table
from helpers.report.tables import public as tables
from helpers.report.words import public as words
from helpers.sources.tables import star_hidden

NA = pd.NA


def findings(n_tested, n_named, saving) -> pd.DataFrame:
    amounts = [n_tested, n_named, saving]
    frame = pd.DataFrame({"measure": ["n_tested", "n_named", "saving_pence"]})
    frame["amount"] = pd.array(amounts, dtype="Int64")
    frame["hidden"] = ["amount" if amount is NA else "" for amount in amounts]
    return frame


def activity() -> pd.DataFrame:
    """Two lines; the elective cells are hidden."""
    all_of_it = "n_events n_spells bed_days income_pence cost_pence"
    rows = [
        ("A", "EL", NA, NA, NA, NA, NA, all_of_it),
        ("A", "OPFA", 20, 0, 0, 300_000, 200_000, ""),
        ("B", "EL", NA, NA, NA, NA, NA, all_of_it),
        ("B", "REST", 0, 0, 0, 500, 700, ""),
        ("TRUST", "EL", 40, 40, 155, 900_000, 1_000_000, ""),
        ("TRUST", "OPFA", 20, 0, 0, 300_000, 200_000, ""),
    ]
    names = [
        "line_id",
        "pod",
        "n_events",
        "n_spells",
        "bed_days",
        "income_pence",
        "cost_pence",
        "hidden",
    ]
    frame = pd.DataFrame(rows, columns=names)
    return frame.astype(dict.fromkeys(names[2:7], "Int64"))


def lines(*signs: str) -> pd.DataFrame:
    rows = [
        (f"L{place}", f"Line {place}", 1_000_000, (place - 1) * 100_000, sign, 12, "B")
        for place, sign in enumerate(signs)
    ]
    names = [
        "line_id",
        "line_name",
        "income_pence",
        "surplus_pence",
        "sign_label",
        "n_rules",
        "grade",
    ]
    return pd.DataFrame(rows, columns=names).assign(**{"class": "funder"})


def test_hidden_numbers_of_people_are_said_as_a_star_and_a_range():
    text = words.describe_findings(findings(60, NA, NA))
    assert text.startswith("From 1 to 7 consultants’ cost")
    assert "about 60 compared" in text
    assert "not shown" in text


def test_what_is_mapped_to_no_line_is_not_counted_as_one():
    table = lines("stable", "stable", "rule_dependent")
    table.loc[0, "line_id"] = "UNMAPPED"
    # Left are one line whose sign holds and one whose sign the rule decides
    assert words.describe_certainty(table).startswith("1 of 2 lines keeps the sign of its result")


def test_nobody_named_is_said():
    assert words.describe_findings(findings(60, 0, 0)).startswith("No consultant’s cost")
    assert words.describe_findings(findings(0, 0, 0)).startswith("No consultant saw enough")


def test_a_saving_that_may_be_shown_is_said():
    # £1,234,567 to three figures, as figures and tables have it
    assert "£1.23m" in words.describe_findings(findings(60, 10, 123_456_700))


def test_how_much_is_hidden_is_counted():
    # two of six cells
    assert words.describe_protection(activity()).startswith("2 of 6 cells of activity are hidden")
    shown = activity().assign(hidden="")
    assert words.describe_protection(shown) == "No cell of the tables of activity had to be hidden."


def test_made_and_lost_names_only_lines_whose_sign_holds():
    text = words.describe_made_and_lost(lines("stable", "stable", "rule_dependent", "stable"))
    # Line 0 loses £1,000; line 2 would make £1,000, but the rule decides; line 3 makes £2,000
    assert text == "Most money is made in Line 3 (£2.00k). Most money is lost in Line 0 (£1.00k)."


def test_certainty_counts_lines_and_rules():
    text = words.describe_certainty(lines("stable", "mostly_stable", "rule_dependent"))
    assert text.startswith("2 of 3 lines keep the sign")
    assert "12 fair ways" in text


def test_lines_put_together_are_explained():
    facts = pd.DataFrame({"fact": ["together"], "value": ["Together: Critical care, Pain"]})
    assert "Critical care, Pain" in words.describe_together(facts)
    assert words.describe_together(facts.assign(value="")) == ""


def test_the_kind_of_activity_that_costs_most_is_of_those_shown():
    pods = tables.arrange_pods(activity())
    # outpatients earn £1,000 more than they cost, electives cost £1,000 more
    text = words.describe_pods(pods)
    assert "Outpatient first earns most" in text
    assert "Elective inpatient costs most" in text
    hidden = pods.assign(hidden="cost_pence")
    assert words.describe_pods(hidden) == "No kind of activity has numbers that may be shown."


def test_months_are_named_only_when_they_stand_out():
    months = pd.DataFrame({"month": ["2024-04", "2024-05"], "signal": ["", "high"]})
    assert words.describe_months(months).endswith("May (high).")
    assert words.describe_months(months.iloc[:1]).startswith("No month lies beyond")
    assert words.describe_months(months.iloc[:0]).startswith("Stays are too few")


def test_what_is_worked_out_from_hidden_figures_is_hidden():
    shown = tables.arrange_activity(activity(), lines("stable"))
    hidden = shown[shown["pod"].eq("EL")]
    assert hidden["case_pence"].isna().all()
    assert all({"case_pence", "n_days_in_bed"} <= set(names.split()) for names in hidden["hidden"])
    # £2,000 over 20 as shown
    assert shown.loc[shown["pod"].eq("OPFA"), "case_pence"].tolist() == [10_000]


@pytest.mark.parametrize("column", ["n_events", "cost_pence", "case_pence"])
def test_a_hidden_figure_reads_a_star_on_the_page_and_in_the_download(column):
    shown = tables.arrange_activity(activity(), lines("stable"))
    html = show_table(
        shown, number="2.4", caption="Activity.", source="tests", columns={"pod_name": "Kind", column: "It"}
    )._repr_html_()  # fmt: skip
    assert html.count(">*<") == 2
    assert "* Hidden: a number from 1 to 7" in html
    taken = arrange_download(shown, {"pod_name": "Kind", column: "It"})
    assert taken.iloc[:, 1].tolist().count("*") == 2
    assert "hidden" not in arrange_download(shown).columns


def test_a_table_without_hidden_figures_has_no_note():
    frame = pd.DataFrame({"name": ["a"], "n_events": [10], "hidden": [""]})
    html = show_table(
        frame, number="1.1", caption="C.", source="s", columns={"name": "N", "n_events": "E"}
    )
    assert "Hidden" not in html._repr_html_()


def test_the_printed_table_has_stars_and_not_the_column_that_says_so():
    printed = star_hidden(activity())
    assert list(printed.columns) == [name for name in activity().columns if name != "hidden"]
    assert printed["cost_pence"].tolist() == ["*", 200_000, "*", 700, 1_000_000, 200_000]


def test_shares_of_long_stays_keep_their_stars():
    shares = pd.DataFrame(
        {"line_id": ["L0"] * 3, "threshold_days": [7, 14, 21], "share_prop": [0.5, None, 0.1],
         "hidden": ["", "share_prop", ""]}
    )  # fmt: skip
    taken = arrange_download(tables.take_shares(shares, lines("stable")))
    assert taken.iloc[0].tolist() == ["Line 0", "0.5", "*", "0.1"]


def totals() -> pd.DataFrame:
    amounts = {
        "I": 1_000, "C1": 400, "C2": 300, "C3": 150, "C4": 50, "T2": 300, "T4": 100, "ET": 20, "RD": -10,
        "OTHER": 5, "EXCLUDED": -40, "NOT_ATTRIBUTED": 60, "surpluses": 90, "deficits": 25,
    }  # fmt: skip
    frame = pd.DataFrame({"measure": list(amounts), "amount_pence": list(amounts.values())})
    return frame.assign(label=frame["measure"])


def test_the_trusts_statement_adds_up_to_its_last_row():
    table = tables.arrange_statement(totals())
    assert table["measure"].tolist() == ["I", "C1", "C2", "C3", "C4", "T4"]
    income, *costs, surplus = table["amount_pence"]
    assert income - sum(costs) == surplus == 100


def test_the_parts_of_the_trusts_surplus_add_up_to_it():
    table = tables.arrange_parts(totals())
    # lines 90 - 25 = 65; and 20 - 10 + 5 - 40 + 60 = 35 beside them
    assert table["amount_pence"].tolist() == [65, 20, -10, 5, -40, 60, 100]
    assert table["amount_pence"].iloc[:-1].sum() == table["amount_pence"].iloc[-1]
    assert table["label"].iloc[0] == "Surplus of the service lines"
