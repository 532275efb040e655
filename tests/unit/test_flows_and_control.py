"""Patients from line to line, shared departments, decision rights, and the map of lines."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from helpers.engine import open_engine
from helpers.report.figures.downstream import plot_control, plot_downstream
from helpers.report.figures.portfolio import plot_portfolio
from helpers.report.tables.downstream import arrange_changes, arrange_flows, arrange_shared
from helpers.report.words.downstream import (
    describe_changes,
    describe_control,
    describe_downstream,
    describe_shared,
)
from helpers.report.words.portfolio import describe_portfolio
from helpers.subsidy.control import find_holders, govern_costs, list_changes, measure_control
from helpers.subsidy.flows import check_flows, share_departments, total_downstream, total_flows
from helpers.subsidy.portfolio import build_portfolio

START = dt.datetime(2024, 4, 1, 9)
POSITION = pd.DataFrame(
    {
        "line_id": ["ED", "GENMED", "TO"],
        "line_name": ["Emergency department", "General medicine", "Orthopaedics"],
        "surplus_pence": [-50, 10, 20],
        "income_pence": [100, 300, 600],
        "contribution_pence": [-20, 60, 180],
        "class": ["below_care", "funder", "funder"],
        "sign_label": ["stable", "stable", "rule_dependent"],
    }
)


def trace(*contacts, critical=()):
    """Return flows of contacts: event, patient, line, day, kind, spell, income (direct cost is 1).

    ``critical`` holds events and what their days in critical care earn.
    """
    rows = pd.DataFrame(
        [
            {
                "event_id": event, "patient_key": patient, "line_id": line, "event_kind": kind,
                "spell_id": spell, "start_dt": START + dt.timedelta(days=day),
                "income_pence": income, "direct_pence": 1, "indirect_pence": 0,
            }
            for event, patient, line, day, kind, spell, income in contacts
        ]
    )  # fmt: skip
    db = open_engine("duckdb")
    db.add_frame("patient_events", rows.drop(columns="patient_key").astype({"spell_id": "str"}))
    earned = pd.DataFrame(list(critical), columns=["event_id", "income_pence"])
    earned = earned.astype({"event_id": "str", "income_pence": "int64"})
    db.add_frame("critical_care_income", earned)
    keys = rows[["event_id", "patient_key"]].dropna()
    db.add_frame("patient_keys", keys.astype("str"))
    return total_flows(db)


def pairs(flows, kind="follow_on"):
    rows = flows[flows["kind"] == kind]
    names = zip(rows["from_line_id"], rows["to_line_id"], strict=True)
    return dict(zip(names, rows["contribution_pence"], strict=True))


def test_an_event_began_with_the_first_contact_in_ninety_days():
    flows = trace(
        ("A1", "p", "ED", 0, "ed", None, 10),
        ("A2", "p", "GENMED", 90, "op", None, 100),  # 90 days later: still from ED
        ("A3", "p", "TO", 91, "op", None, 1_000),  # 91 days after ED: from GENMED
        ("B1", "q", "TO", 5, "op", None, 10_000),  # another patient
    )
    assert pairs(flows) == {
        ("ED", "ED"): 9, ("ED", "GENMED"): 99, ("GENMED", "TO"): 999, ("TO", "TO"): 9_999,
    }  # fmt: skip


def test_what_critical_care_earns_goes_with_the_patient():
    flows = trace(
        ("A", "p", "ED", 0, "ed", None, 10),
        ("B", "p", "GENMED", 1, "episode", "s", 100),
        critical=[("B", 400), ("B", 50)],  # two periods in one episode, counted as one event
    )
    assert pairs(flows) == {("ED", "ED"): 9, ("ED", "GENMED"): 549}
    assert flows.query("kind == 'follow_on'")["n_events"].tolist() == [1, 1]


def test_contacts_of_one_moment_are_told_apart_by_their_names():
    flows = trace(
        ("B", "p", "TO", 0, "op", None, 10),
        ("A", "p", "ED", 0, "ed", None, 10),
    )
    assert pairs(flows) == {("ED", "ED"): 9, ("ED", "TO"): 9}


def test_an_event_without_a_patient_began_where_it_was_done():
    flows = trace(
        ("A", None, "ED", 0, "ed", None, 10),
        ("B", None, "TO", 1, "op", None, 10),
    )
    assert pairs(flows) == {("ED", "ED"): 9, ("TO", "TO"): 9}


def test_episodes_of_a_spell_are_followed_from_the_first():
    flows = trace(
        ("E1", "p", "GENMED", 0, "episode", "S1", 10),
        ("E2", "p", "TO", 2, "episode", "S1", 10),
        ("E3", "p", "GENMED", 4, "episode", "S1", 10),
        ("O1", "p", "ED", 9, "op", None, 10),
    )
    assert pairs(flows, "spell") == {("GENMED", "GENMED"): 18, ("GENMED", "TO"): 9}


def downstream():
    flows = trace(
        ("A1", "p", "ED", 0, "ed", None, 10),
        ("A2", "p", "GENMED", 3, "op", None, 100),
        ("A3", "q", "TO", 3, "op", None, 30),
    )
    return flows, total_downstream(flows, POSITION)


def test_what_began_here_and_went_on_elsewhere():
    flows, table = downstream()
    ed, medicine, _ = table.to_dict("records")
    assert (ed["own_pence"], ed["downstream_pence"], ed["arrived_pence"]) == (9, 99, 0)
    assert (medicine["own_pence"], medicine["arrived_pence"]) == (0, 99)
    assert table["downstream_pence"].sum() == table["arrived_pence"].sum()
    activity = pd.DataFrame({"line_id": ["ED"], "n_events": [3]})
    good = check_flows(flows, activity, 9 + 99 + 29)
    assert (good["left_pence"] == good["right_pence"]).all()
    assert not (check_flows(flows, activity, 138)["left_pence"] == 138).any()


def test_words_say_what_is_at_risk():
    flows, table = downstream()
    words = describe_downstream(table, POSITION)
    assert words.startswith("1 of all episodes and attendances was done by another line")
    assert "For Emergency department what began there contributes more elsewhere" in words
    assert plot_downstream(table, POSITION) is not None
    quiet = table.assign(n_downstream=0, n_arrived=0)
    assert plot_downstream(quiet, POSITION) is None
    assert describe_downstream(quiet, POSITION).startswith("No patient is known")
    assert arrange_flows(flows, POSITION)["to_name"].tolist() == ["General medicine"]


COSTS = pd.DataFrame(
    [
        ("TO", "direct", "PAY_MEDICAL", "MED_TO", 400),
        ("TO", "direct", "DRUGS", "MED_TO", 100),
        ("TO", "indirect", "PAY_NURSING", "WARD_A", 200),
        ("UNMATCHED:TO", "indirect", "PAY_NURSING", "THEATRE", 100),
        ("TO", "overhead", "PAY_OTHER", "HR", 150),
        ("TO", "direct", "DEPRECIATION", "MED_TO", 50),
        ("RD", "direct", "PAY_OTHER", "LAB", 900),
    ],
    columns=["line_id", "tier", "element", "source_department", "amount_pence"],
)
RULES = pd.DataFrame(
    [
        ("direct", "", "PAY_MEDICAL", "hire"),
        ("direct", "", "DRUGS", "procure"),
        ("indirect", "ward", "", "ward"),
        ("indirect", "", "", "procure"),
        ("overhead", "", "", "admin"),
        ("", "", "DEPRECIATION", "capital"),
    ],
    columns=["tier", "feed", "element", "decision"],
)
FEEDS = pd.Series({"WARD_A": "ward", "THEATRE": "theatre"})
FIRST, LAST = pd.Timestamp("2024-04-01"), pd.Timestamp("2025-03-31")


def rights(*rows):
    columns = ["line_id", "element", "department", "decision", "holder", "from", "to"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in ("from", "to")})


def governed():
    return govern_costs(COSTS, RULES, FEEDS)


def test_every_pound_follows_one_decision_and_research_is_no_line():
    table = governed()
    assert table["amount_pence"].sum() == 1_000
    found = table.set_index(["source_department", "element"])["decision"].to_dict()
    assert found == {
        ("MED_TO", "PAY_MEDICAL"): "hire", ("MED_TO", "DRUGS"): "procure",
        ("WARD_A", "PAY_NURSING"): "ward", ("THEATRE", "PAY_NURSING"): "procure",
        ("HR", "PAY_OTHER"): "admin", ("MED_TO", "DEPRECIATION"): "capital",
    }  # fmt: skip


def test_the_gap_is_what_a_line_answers_for_and_does_not_decide():
    held = rights(
        ("TO", None, None, "hire", "line", "2023-04-01", None),
        ("TO", None, None, "ward", "shared", None, None),
        ("TO", None, None, "procure", "line", "2024-04-01", "2024-09-30"),
        ("TO", None, None, "procure", "division", "2024-10-01", None),
    )
    costs, lines = measure_control(governed(), held, FIRST, LAST)
    line = lines.iloc[0]
    # at the start 400 + 100 + 100 of 1,000, at the end 400
    assert line["controlled_start_pence"] == 600
    assert line["controlled_end_pence"] == 400
    assert line["shared_end_pence"] == 200
    assert line["gap_prop"] == pytest.approx(0.6)
    # of direct and indirect cost, 850, the line decides 400
    assert line["care_gap_prop"] == pytest.approx(1 - 400 / 850)
    assert line["not_recorded_pence"] == 200  # administration and capital
    changes = list_changes(costs)
    assert changes["decision"].tolist() == ["procure"]
    assert changes["amount_pence"].tolist() == [200]
    words = describe_changes(changes, POSITION)
    assert "1 decision over £2 of cost was taken back from lines: Orthopaedics" in words
    assert arrange_changes(changes, POSITION)["to_words"].tolist() == ["Its division"]
    assert "Lines decide 40% of it" in describe_control(lines, POSITION)
    assert plot_control(costs, POSITION) is not None


def test_a_right_for_a_department_or_an_element_wins_over_the_general_one():
    held = rights(
        ("TO", None, "THEATRE", "procure", "line", None, None),
        ("TO", "DRUGS", None, "procure", "corporate", None, None),
        ("TO", None, None, "procure", "division", None, None),
    )
    table = governed()
    holders = find_holders(table, held, LAST)[table["decision"] == "procure"]
    by_department = dict(zip(table["source_department"][holders.index], holders, strict=True))
    assert by_department == {"MED_TO": "corporate", "THEATRE": "line"}


def test_a_right_holds_on_its_last_day_and_not_the_day_after():
    held = rights(("TO", None, None, "hire", "line", "2024-04-01", "2025-03-31"))
    table = governed()
    is_hire = table["decision"] == "hire"
    assert find_holders(table, held, LAST)[is_hire].tolist() == ["line"]
    assert find_holders(table, held, LAST + pd.Timedelta(days=1))[is_hire].tolist() == [
        "not_recorded"
    ]


def test_without_rights_the_page_says_so():
    costs, lines = measure_control(governed(), rights(), FIRST, LAST)
    assert "supplied no decision rights" in describe_control(lines, POSITION)
    assert plot_control(costs, POSITION) is None
    assert describe_changes(list_changes(costs), POSITION).startswith("No decision moved")


def test_departments_of_ones_own_of_others_and_of_nobody():
    shared = share_departments(
        COSTS, pd.Series({"MED_TO": "TO", "WARD_A": "GENMED", "THEATRE": ""})
    )
    found = shared.set_index("owner_line_id")["amount_pence"].to_dict()
    assert found == {"TO": 550, "GENMED": 200, "SHARED": 100}
    assert shared["cost_prop"].sum() == pytest.approx(1)
    table = arrange_shared(shared, POSITION).iloc[0]
    assert table["own_prop"] == pytest.approx(550 / 850)
    assert table["largest"] == "General medicine"
    assert "65% of direct and indirect cost" in describe_shared(shared, POSITION)


def test_growth_is_weighted_by_what_each_kind_of_care_earns():
    now = pd.DataFrame(
        {
            "line_id": "TO", "pod": ["EL", "OPFA"], "n_events": [10, 100],
            "income_pence": [5_000, 1_000],
        }
    )  # fmt: skip
    before = pd.DataFrame({"line_id": "TO", "pod": ["EL", "OPFA"], "n_events": [8, 120]})
    table = build_portfolio(POSITION, now, before).set_index("line_id")
    # now 10 x 500 + 100 x 10 = 6,000; then 8 x 500 + 120 x 10 = 5,200
    assert table.at["TO", "growth_prop"] == pytest.approx(6_000 / 5_200 - 1)
    assert table.at["TO", "margin_prop"] == pytest.approx(0.3)
    assert table.at["TO", "income_prop"] == pytest.approx(0.6)
    assert pd.isna(table.at["ED", "growth_prop"])


def test_the_map_says_when_growth_is_not_known():
    table = build_portfolio(POSITION, pd.DataFrame(), None)
    assert table["growth_prop"].isna().all()
    words = describe_portfolio(table)
    assert "All lines together contribute 22.0%" in words  # (-20 + 60 + 180) / 1,000
    assert "Growth cannot be shown" in words
    assert plot_portfolio(table) is not None
    assert plot_portfolio(table.assign(margin_prop=float("nan"))) is None
