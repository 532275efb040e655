"""Words, tables and figures of the costing page, on the hand-costed trust and at the edges."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.costing.trust import cost_trust
from helpers.engine import open_engine
from helpers.report.figures import costing as figures
from helpers.report.figures.style import to_svg
from helpers.report.tables import costing as tables
from helpers.report.words import costing as words
from helpers.report.words.plain import name_term
from mini_trust import SETTINGS, add_activity, make_money_frames, make_patient_frames


@pytest.fixture(scope="module")
def page():
    frames = {**make_money_frames(), **make_patient_frames()}
    with open_engine(threads=1) as db:
        add_activity(db)
        found = cost_trust(db, frames, SETTINGS)
    return (
        frames,
        found,
        tables.build_statement_table(found.service_line_statement, frames["service_lines"]),
    )


def test_the_statement_lists_lines_by_surplus_and_ends_with_the_trust(page):
    _, _, table = page
    assert table["line_name"].tolist() == [
        "Trauma and orthopaedics", "General medicine", "Education and training",
        "Research and development", "The trust",
    ]  # fmt: skip
    # 2,300 of 347,000
    assert table["margin_prop"].iloc[0] == pytest.approx(2_300 / 347_000, abs=1e-6)


def test_three_margins_as_shares_of_income(page):
    frames, found, _ = page
    table = tables.build_margin_table(found.service_line_statement, frames["service_lines"])
    assert table["line_name"].tolist()[-1] == "The trust"
    to = table.set_index("line_id").loc["TO"]
    # Income 347,000; direct 100,000 and indirect wards 67,015, theatre 120,000, clinics 19,149: T2 is what is
    # left. EBITDA 7,695.80 and surplus 2,300 (the oracle).
    ward = 132_000 * 396 / 780
    clinic = 40_000 * 45 / 94
    assert to["contribution_pence"] / 100 == pytest.approx(
        347_000 - 100_000 - 120_000 - ward - clinic, abs=1
    )
    assert to["ebitda_prop"] == pytest.approx(7_695.80 / 347_000, abs=1e-6)
    assert to["surplus_prop"] == pytest.approx(2_300 / 347_000, abs=1e-6)


def test_the_trusts_statement_names_services_and_elements(page):
    frames, found, _ = page
    rows = tables.build_statement_rows(found.service_line_statement, frames["departments"])
    names = rows["row_name"].tolist()
    assert {"– Oh1", "– Medical pay", "– Depreciation", "EBITDA", "Net surplus"} <= set(names)
    assert names.index("Income") < names.index("Direct cost") < names.index("Net surplus")


def test_the_overhead_table_says_what_shares_each_service_out(page):
    frames, found, _ = page
    table = tables.build_overhead_table(
        found.department_costs,
        found.overhead_charges,
        frames["overhead_drivers"],
        frames["departments"],
    )
    assert table[["service_name", "own_pence"]].to_numpy().tolist() == [
        ["Oh1", 3_400_000],
        ["Oh2", 2_600_000],
    ]
    # OH1 grosses up to 40,000 and passes 90 of 100 to departments: 36,000. OH2: 80% of 30,000
    assert table["charged_pence"].tolist() == [3_600_000, 2_400_000]
    assert "Ward (" in table["users"].iloc[0]


def test_sentences_tell_the_trusts_own_figures(page):
    _, found, table = page
    assert words.describe_quantum(found.department_costs) == (
        "The ledger holds £572k of expenditure: £497k (87%) in clinical departments, £60.0k (10%) in "
        "overhead services and £15.0k (3%) in education, research and other work."
    )
    held = words.describe_quantum(found.department_costs, found.reconciliation)
    assert held == words.describe_quantum(found.department_costs)
    # 600,000 in the ledger, of which 28,000 is paid for by education and research income
    netted = pd.DataFrame({"id": ["R2"], "right_pence": [60_000_000]})
    assert words.describe_quantum(found.department_costs, netted).startswith(
        "The ledger holds £600k of expenditure. £28.0k of education and research income is taken off it first. "
        "What is left is £572k: £497k (87%)"
    )
    assert words.describe_statement(table) == (
        "1 line earns more than its full cost and 1 line earns less. With education, research and what "
        "no line owns, the trust ends the year with a surplus of £1.00k on income of £573k."
    )
    assert "T&O" not in words.describe_money_flow(table)
    assert "Trauma and orthopaedics (£345k)" in words.describe_money_flow(table)
    pools = words.describe_pools(found.pool_summary)
    # medical pools (190,000) of 555,000 have quality 0.5
    assert pools.startswith("6 pools hold £555k. 66% of it")


def test_matching_is_told_whole_partly_and_not_at_all():
    rows = pd.DataFrame(
        [("tests", "ID", 97, 9_000), ("tests", "NONE", 3, 1_000)],
        columns=["feed", "match_rule", "n_lines", "amount_pence"],
    )
    partly = words.describe_matching(rows)
    assert partly.startswith(
        "97 of 100 activity lines (97.0%) found their patient. The other 3 carry £10, 10.0%"
    )
    assert words.describe_matching(rows.head(1)) == "All 97 activity lines found their patient."
    assert "no activity feeds" in words.describe_matching(rows.head(0))
    assert tables.build_matching_table(rows)["rule_name"].tolist() == [
        "Its own episode or attendance", "No patient found",
    ]  # fmt: skip


def test_weak_grades_are_named():
    rows = pd.DataFrame(
        {
            "line_id": ["A", "B"], "traced_pence": [60, 0], "averaged_pence": [20, 90],
            "apportioned_pence": [20, 10], "unmatched_pence": [0, 9], "score": [0.9, 0.2], "grade": ["A", "E"],
        }
    )  # fmt: skip
    lines = pd.DataFrame({"line_id": ["A", "B"], "line_name": ["Eyes", "Skin"]})
    table = tables.build_credibility_table(rows, lines)
    assert table["line_name"].tolist() == ["Eyes", "Skin"]
    assert table["traced_prop"].tolist() == [0.6, 0.0]
    told = words.describe_credibility(table)
    # 60, 110 and 30 of 200
    assert told == (
        "Of the lines' cost, 30% is traced to the patient, 55% is averaged on activity and 15% is "
        "apportioned overhead. 1 line is graded D or E, not fit for decisions about money: Skin."
    )
    assert words.describe_credibility(table.head(1)).endswith("No line is graded D or E.")


def test_identities_are_told_and_written_to_the_penny(page):
    _, found, _ = page
    assert words.describe_reconciliation(found.reconciliation).endswith("to the penny or the row.")
    failed = found.reconciliation.assign(
        passed=[False, *found.reconciliation["passed"].tolist()[1:]]
    )
    assert "These do not: R1." in words.describe_reconciliation(failed)
    table = tables.build_reconciliation_table(failed)
    assert table.loc[0, ["left", "difference", "holds"]].tolist() == [
        "£572,000.00",
        "£0.00",
        "FAILS",
    ]
    assert table.loc[table["id"] == "R15", "left"].tolist() == ["5", "4"]


def test_more_income_than_price_and_less_are_told_apart(page):
    _, _, table = page
    row = table.iloc[[0]].assign(line_id="NOT_ATTRIBUTED")
    for amount, text in (
        (5_000_00, "beyond the price"),
        (-5_000_00, "more at price than the ledger"),
    ):
        told = words.describe_statement(pd.concat([table, row.assign(income_pence=amount)]))
        assert "£5.00k of income is not attributed" in told and text in told


def test_the_money_flow_holds_all_the_money(page):
    frames, found, _ = page
    flows = figures.build_money_flow(found.pool_line_costs, frames["service_lines"])
    assert flows["pence"].sum() == 57_200_000
    by_source = flows.groupby("source")["pence"].sum()
    assert by_source.to_dict() == {
        "Clinical departments": 49_700_000, "Other departments": 1_500_000, "Overhead services": 6_000_000,
    }  # fmt: skip


def test_small_lines_and_feeds_are_drawn_together():
    rows = pd.DataFrame(
        [
            (f"L{n:02d}", f"feed{n:02d}", "indirect", 1_000 - n)
            for n in range(figures.MOST_LINES + 5)
        ],
        columns=["line_id", "feed", "tier", "amount_pence"],
    )
    lines = pd.DataFrame({"line_id": rows["line_id"], "line_name": rows["line_id"]})
    flows = figures.build_money_flow(rows, lines)
    assert flows["line"].nunique() == figures.MOST_LINES + 1
    assert flows["activity"].nunique() == figures.MOST_FEEDS + 1
    assert flows["pence"].sum() == rows["amount_pence"].sum()
    assert flows.loc[flows["line"] == figures.OTHERS, "pence"].sum() == sum(
        1_000 - n for n in range(14, 19)
    )


def test_figures_are_the_same_bytes_twice(page):
    frames, found, table = page
    rows = tables.build_credibility_table(found.credibility, frames["service_lines"])
    for plot in (
        lambda: figures.plot_money_flow(found.pool_line_costs, frames["service_lines"]),
        lambda: figures.plot_cost_make_up(table),
        lambda: figures.plot_credibility(rows),
    ):
        assert to_svg(plot()) == to_svg(plot())


def test_a_code_without_words_is_shown_as_it_is():
    assert name_term("driver", "visits_made") == "visits made"
    assert name_term("element", "CNST") == "Clinical negligence premium"
