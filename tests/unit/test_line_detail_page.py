"""Words, tables and figures of the costing page on what is inside lines and on the year."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.costing.analysis import make_empty_tables
from helpers.report.figures import line_detail as figures
from helpers.report.figures.style import to_svg
from helpers.report.tables import line_detail as tables
from helpers.report.words import line_detail as words

LINES = pd.DataFrame({"line_id": ["TO", "GM"], "line_name": ["Orthopaedics", "Medicine"]})
EMPTY = make_empty_tables()
HRGS = pd.DataFrame(
    [("TO", "EL", "HN22", 3, 900, 600, 300, 3, 600), ("TO", "DC", "HN22", 2, 500, 450, 50, 0, 0),
     ("GM", "NEL", "DZ11", 5, 100, 800, -700, 4, 640), ("GM", "NEL", "", 5, 0, 90, -90, 4, 640)],
    columns=["line_id", "pod", "hrg", "n_cases", "income_pence", "full_cost_pence", "margin_pence", "n_whole",
             "whole_cost_pence"],
)  # fmt: skip
BRIDGE = pd.DataFrame(
    [("TO", -100, 50, 30, 0, -200, 10, 5, -205), ("GM", 400, -10, 0, 5, 15, 0, 0, 410)],
    columns=["line_id", "before_pence", "price_pence", "volume_pence", "mix_pence", "unit_cost_pence",
             "overhead_pence", "other_pence", "after_pence"],
)  # fmt: skip


def test_hrgs_that_gain_come_first_and_unknown_ones_are_left_out():
    table = tables.build_hrg_table(HRGS, LINES)
    assert table["margin_pence"].tolist() == [300, 50, -700]
    assert table["pod_name"].tolist() == [
        "Elective inpatient",
        "Day case",
        "Emergency, two days or more",
    ]
    # 600 over 3; no case of the second is known whole; 640 over 4
    assert table["unit_cost_pence"].tolist()[::2] == [200, 160] and pd.isna(
        table["unit_cost_pence"][1]
    )
    text = words.describe_hrgs(table, HRGS)
    assert "2 kinds of care earn £4 more than they cost, and 2 kinds earn £8 less" in text
    assert (
        "The largest gain is HN22, Orthopaedics (£3), the largest loss DZ11, Medicine (£7)" in text
    )


def test_without_prices_no_hrg_is_said_to_lose():
    free = HRGS.assign(income_pence=0)
    table = tables.build_hrg_table(free, LINES)
    assert table.empty and figures.plot_hrg_margins(table) is None
    assert "The file prices would show" in words.describe_hrgs(table, free)
    # Private patients pay, and by no price list: the rest still has none.
    private = HRGS.assign(income_pence=[900, 0, 0, 0], pod=["PRIV", "DC", "NEL", "NEL"])
    table = tables.build_hrg_table(private, LINES)
    assert table.empty and "There are no prices" in words.describe_hrgs(table, private)


def test_the_bridge_is_told_and_totalled():
    table = tables.build_bridge_table(BRIDGE, LINES)
    assert table["line_name"].tolist() == ["Orthopaedics", "Medicine", "All lines"]
    assert table["after_pence"].tolist() == [-205, 410, 205]
    text = words.describe_bridge(BRIDGE)
    # 205 - 300: price 40, volume 30, mix 5, unit cost -185, overhead 10, other 5
    assert text.startswith("The lines’ surplus fell by £1: unit cost −£2")


def test_a_waterfall_ends_at_nothing():
    rows = [("TO", "C1", 60), ("TO", "C2", 20), ("TO", "C3", 10), ("TO", "C4", 5), ("ET", "C1", 15), ("RD", "C1", 8),
            ("OTHER", "C3", 2), ("EXCLUDED", "C4", 4), ("NOT_ATTRIBUTED", "C1", 0)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["line_id", "row_id", "amount_pence"])
    trust = frame.groupby("row_id", as_index=False)["amount_pence"].sum().assign(line_id="TRUST")
    steps = figures.build_waterfall(pd.concat([frame, trust], ignore_index=True))
    assert steps[["label", "start_pence", "pence"]].to_numpy().tolist() == [
        ["Ledger expenditure", 0, 124], ["Education and research", 101, 23], ["Other services", 99, 2],
        ["Excluded", 95, 4], ["Lines: capital charges", 90, 5], ["Lines: overhead", 80, 10],
        ["Lines: indirect", 60, 20], ["Lines: direct", 0, 60],
    ]  # fmt: skip
    assert to_svg(figures.plot_ledger_waterfall(steps)) == to_svg(
        figures.plot_ledger_waterfall(steps)
    )


def test_who_uses_whose_departments():
    costs = pd.DataFrame(
        [("WARD", "TO", 75), ("WARD", "UNMATCHED:TO", 5), ("WARD", "GM", 20), ("TEAM", "TO", 99), ("TEAM", "GM", 1)],
        columns=["department_id", "line_id", "amount_pence"],
    ).assign(tier="indirect", feed="ward")  # fmt: skip
    departments = pd.DataFrame(
        {"department_id": ["WARD", "TEAM"], "name": ["Ward", "Team"], "owner_line_id": ["", "TO"]}
    )
    table = figures.build_department_use(costs, departments, LINES)
    # The team's 1% outside the line that owns it is too little to call it shared.
    assert table["Ward"].to_dict() == {
        "Orthopaedics": pytest.approx(0.8),
        "Medicine": pytest.approx(0.2),
    }
    assert list(table.columns) == ["Ward"]
    assert "Orthopaedics alone uses 80% of its cost" in words.describe_department_use(table)
    assert figures.plot_department_use(table.iloc[:0]) is None


def test_each_comparison_says_which_file_would_make_it():
    nothing = EMPTY["line_against_plan"]
    assert "the file plan" in words.describe_comparison(nothing, "plan", LINES)
    assert "no report of the year before" in words.describe_comparison(nothing, "prior", LINES)
    assert words.describe_bridge(EMPTY["line_bridge"]) == ""
    assert figures.plot_bridge(EMPTY["line_bridge"]) is None
    rows = pd.DataFrame(
        [("TO", "plan", "contribution", 90, 100, -10), ("GM", "plan", "contribution", 50, 20, 30),
         ("TO", "plan", "income", 7, 5, 2), ("GM", "plan", "income", 1, 1, 0)],
        columns=["line_id", "basis", "measure", "actual_pence", "compared_pence", "difference_pence"],
    )  # fmt: skip
    table = tables.build_comparison_table(rows, "plan", LINES)
    assert table[["line_name", "difference_pence", "income_difference_pence"]].to_numpy().tolist() == [
        ["Orthopaedics", -10, 2], ["Medicine", 30, 0],
    ]  # fmt: skip
    text = words.describe_comparison(rows, "plan", LINES)
    assert text.startswith("By contribution, 1 line stands above plan and 1 line below; together")
    assert "Furthest below is Orthopaedics" in text


def test_a_trust_without_feeds_is_told_so_and_every_table_stands_empty():
    for text in (
        words.describe_units(EMPTY["unit_costs"], LINES),
        words.describe_wip(EMPTY["line_wip"]),
        words.describe_medical_time(EMPTY["medical_time"], pd.DataFrame()),
        words.describe_hrgs(EMPTY["line_hrgs"], EMPTY["line_hrgs"]),
    ):
        assert "no activity feeds" in text
    for build, name in (
        (tables.build_unit_table, "unit_costs"), (tables.build_wip_table, "line_wip"),
        (tables.build_medical_table, "medical_time"), (tables.build_hrg_table, "line_hrgs"),
        (tables.build_bridge_table, "line_bridge"), (tables.build_hidden_table, "education_subsidy"),
    ):  # fmt: skip
        assert build(EMPTY[name], LINES).empty


def test_the_hidden_subsidy_names_lines_whose_sign_it_turns():
    hidden = pd.DataFrame(
        {"line_id": ["ET", "GM", "TO"], "separate_pence": [500, -100, 200], "credited_pence": [0, 300, 300],
         "hidden_pence": [-500, 400, 100]}
    )  # fmt: skip
    text = words.describe_hidden(hidden, "separate", LINES)
    assert "it adds £5 to the lines" in text and text.endswith("into a surplus in Medicine.")
    assert "The file trainees" in words.describe_hidden(hidden.iloc[:1], "separate", LINES)
    assert "look cheaper than their ledger" in words.describe_hidden(
        hidden.iloc[:0], "netted", LINES
    )


def test_a_measure_that_nobody_described_asks_who_keeps_it():
    overheads = pd.DataFrame({"service_id": ["EST", "ODD"]})
    drivers = pd.DataFrame(
        {
            "service_department": ["EST", "ODD"],
            "driver": ["floor_m2", "moonlight"],
            "driver_set": ["base", None],
        }
    )
    table = tables.build_driver_table(overheads, drivers)
    assert table["because"].tolist()[0] == "Heat, light and rent follow space."
    assert table["against"].str.startswith("The trust’s own measure").tolist() == [False, True]


def test_both_bases_of_income_stand_side_by_side():
    contract = pd.DataFrame({"line_id": ["TO", "TO", "GM"], "gap_pence": [-100, -50, 90]})
    contract = contract.assign(by_cost_pence=pd.NA, by_last_year_pence=pd.NA)
    statement = pd.DataFrame({"line_id": ["TO", "GM"], "row_id": "T4", "amount_pence": [120, 10]})
    table = tables.build_bases_table(contract, statement, LINES)
    assert table[["line_name", "contract_pence"]].to_numpy().tolist() == [
        ["Orthopaedics", -30],
        ["Medicine", 100],
    ]
    assert words.describe_bases(table).endswith(
        "1 line changes sign between the two bases: Orthopaedics."
    )
    nothing = tables.build_bases_table(contract.iloc[:0], statement, LINES)
    assert nothing.empty and "contract_income together" in words.describe_bases(nothing)


def test_other_keys_for_fixed_sums_are_columns_where_they_are_known():
    contract = pd.DataFrame(
        {
            "line_id": ["TO", "TO", "GM"], "price_pence": [200, 100, 50], "gap_pence": [-100, -50, 90],
            "by_cost_pence": [150, 100, 40], "by_last_year_pence": pd.NA,
        }
    )  # fmt: skip
    statement = pd.DataFrame({"line_id": ["TO", "GM"], "row_id": "T4", "amount_pence": [120, 10]})
    table = tables.build_bases_table(contract, statement, LINES)
    # orthopaedics 120 + (150 - 200) + (100 - 100); medicine 10 + (40 - 50)
    assert table["by_cost_surplus_pence"].tolist() == [70, 0]
    assert "by_last_year_surplus_pence" not in table
    assert list(tables.list_bases_columns(table)) == [
        "line_name", "price_pence", "gap_pence", "contract_pence", "by_cost_surplus_pence",
    ]  # fmt: skip
    assert words.describe_bases(table).endswith(
        "Shared by what the activity cost instead, fixed sums change the sign of Orthopaedics."
    )


def test_missed_appointments_are_told_only_where_they_are_costed():
    assert words.describe_missed(HRGS) == ""
    missed = pd.DataFrame(
        {"pod": ["DNA", "DNA", "EL"], "n_events": [3, 1, 9], "full_cost_pence": [9_000, 3_000, 7]}
    )
    assert words.describe_missed(missed).startswith(
        "4 missed appointments are costed, as the trust chose: the slots cost £120."
    )
