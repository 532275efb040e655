"""Traces: back from an event, forward from a ledger line, both to the penny."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.costing.trace import choose_example, share_parts
from helpers.costing.trust import cost_trust
from helpers.engine import open_engine
from helpers.errors import InputError
from helpers.report.tables.trace import build_trace_table
from helpers.report.words import trace as words
from helpers.sources.traced import Tracer, make_tracer
from mini_trust import SETTINGS, add_activity, make_frame, make_money_frames, make_patient_frames

PENNIES = 4  # parts of a record are each within a penny of their share


@dataclass(frozen=True)
class Traced:
    db: object
    frames: dict
    tracer: Tracer


@pytest.fixture(scope="module")
def traced():
    """The hand-costed trust, the ward's 132,000 of nursing as 100,000 + 40,000 - 8,000."""
    frames = {**make_money_frames(), **make_patient_frames()}
    ledger, centres = frames["general_ledger"], frames["cost_centre_map"]
    is_ward = ledger["cost_centre"].eq("WARD") & ledger["expense_code"].eq("PAY_NURSING")
    ward = ledger[is_ward]
    parts = {"WARD": 100_000, "WARDB": 40_000, "WARDC": -8_000}
    posted = [ward.assign(cost_centre=name, amount_pence=100 * n) for name, n in parts.items()]
    frames["general_ledger"] = pd.concat([ledger[~is_ward], *posted], ignore_index=True)
    more = make_frame(
        "cost_centre_map",
        [
            {
                "cost_centre": name,
                "cost_centre_name": name,
                "department_id": "WARD",
                "owner_line_id": "",
            }
            for name in ("WARDB", "WARDC")
        ],
    )
    frames["cost_centre_map"] = pd.concat([centres, more], ignore_index=True)
    with open_engine(threads=1) as db:
        add_activity(db)
        costed = cost_trust(db, frames, SETTINGS)
        yield Traced(db, frames, make_tracer(db, frames, costed))


def test_an_event_is_walked_back_to_its_pools(traced):
    trace = traced.tracer.trace_event("P1")
    pools = trace.pools.set_index("pool_id")
    # P1 used 96 of 396 ward hours of its line, 150 of 342.5 theatre minutes, 300 of 900 medical minutes.
    assert pools["units"].to_dict() == {"P_WARD": 96, "P_THEATRE": 150, "P_MED_TO": 300}
    assert pools["line_units"].to_dict() == {"P_WARD": 396, "P_THEATRE": 342.5, "P_MED_TO": 1060}
    # Own cost at 132,000 / 780 h, 120,000 / 342.5 min, 100,000 / 1,060 min; the rest is overhead.
    own = {"P_WARD": 16_246.15, "P_THEATRE": 52_554.74, "P_MED_TO": 28_301.89}
    overhead = {"P_WARD": 2_953.85, "P_THEATRE": 7_445.26, "P_MED_TO": 1_698.11}
    assert (pools["own_pence"] / 100).to_dict() == pytest.approx(own, abs=PENNIES / 100)
    assert (pools["overhead_pence"] / 100).to_dict() == pytest.approx(overhead, abs=PENNIES / 100)


def test_every_trace_adds_up_to_the_events_cost(traced):
    held = traced.db.frame(
        "SELECT event_id, CAST(sum(amount_pence) AS BIGINT) AS pence FROM patient_costs GROUP BY event_id"
    )
    assert len(held) >= 11
    for event in held.itertuples():
        trace = traced.tracer.trace_event(event.event_id)
        assert trace.amount_pence == event.pence
        assert trace.paths["amount_pence"].sum() == event.pence
        assert trace.pools["amount_pence"].sum() == event.pence
        assert trace.overheads["amount_pence"].sum() == trace.pools["overhead_pence"].sum()


def test_a_records_pence_follow_the_postings_of_its_department(traced):
    paths = traced.tracer.trace_event("P1").paths
    ward = paths[paths["source_department"] == "WARD"].set_index("cost_centre")["amount_pence"]
    # 16,246.15 in the proportion 100 : 40 : -8 of 132
    assert (ward / 100).to_dict() == pytest.approx(
        {"WARD": 12_307.69, "WARDB": 4_923.08, "WARDC": -984.62}, abs=PENNIES / 100
    )


def test_overhead_says_its_driver_and_how_much_of_the_service_ends_there(traced):
    ways = traced.tracer.trace_event("P1").overheads.set_index(["service_id", "department_id"])
    ward = ways.loc[("OH1", "WARD")]
    assert (ward["driver"], ward["quantity"]) == ("units", 30)
    assert ward["quantity_prop"] == pytest.approx(30 / 100)
    # Through OH2 too: (0.3 + 0.4 x 0.1) / 0.98; and 96 of 780 hours of that
    assert ward["attributed_prop"] == pytest.approx(0.34 / 0.98, abs=1e-6)
    assert ward["amount_pence"] == pytest.approx(0.34 / 0.98 * 3_400_000 * 96 / 780, abs=PENNIES)


def test_a_column_beside_the_lines_can_be_traced(traced):
    # 15,000 of its own and 2,000 of overhead, in two elements each closed to its penny
    assert traced.tracer.trace_event("RD").amount_pence == pytest.approx(1_700_000, abs=2)
    lost = traced.tracer.trace_event("UNMATCHED:GENMED")
    assert lost.amount_pence == 500_000
    assert lost.paths["source_department"].unique().tolist() == ["HCD"]


def test_a_ledger_line_goes_forward_to_lines_by_use(traced):
    trace = traced.tracer.trace_ledger_line("WARDB", "PAY_NURSING")
    assert (trace.department_id, trace.amount_pence, trace.department_pence) == (
        "WARD",
        4_000_000,
        13_200_000,
    )
    lines = trace.paths.set_index("line_id")["amount_pence"]
    # 40,000 by hours: 396 and 384 of 780
    assert lines.to_dict() == pytest.approx(
        {"TO": 4_000_000 * 396 / 780, "GENMED": 4_000_000 * 384 / 780}, abs=1
    )
    assert lines.sum() == 4_000_000
    # P1 and P2 lie on the ward for one line, P3 and P4 for the other
    assert trace.paths.set_index("line_id")["n_events"].to_dict() == {"TO": 2, "GENMED": 2}


def test_an_overhead_posting_goes_through_departments_to_lines(traced):
    trace = traced.tracer.trace_ledger_line("OH1", "PAY_OTHER")
    assert trace.paths["amount_pence"].sum() == trace.amount_pence == 3_400_000
    assert set(trace.paths["tier"]) == {"overhead"}
    research = trace.paths.loc[trace.paths["line_id"] == "RD", "amount_pence"].sum()
    assert research == pytest.approx(0.05 / 0.98 * 3_400_000, abs=1)


def test_every_posting_goes_somewhere_in_full(traced):
    spent = traced.tracer.postings.query("account_type == 'expenditure'")
    total = 0
    for row in spent.itertuples():
        trace = traced.tracer.trace_ledger_line(row.cost_centre, row.expense_code)
        assert trace.paths["amount_pence"].sum() == row.amount_pence
        total += trace.amount_pence
    assert total == 57_200_000


def test_no_patient_is_named(traced):
    names = words.collect_names(traced.frames)
    told = words.write_event_trace(traced.tracer.trace_event("P3"), names)
    told += words.write_ledger_trace(traced.tracer.trace_ledger_line("HCD", "DRUGS"), names)
    assert "£142,000" in told
    assert "KP3" not in told
    assert "KP1" not in told


def test_the_worked_example_is_the_middle_theatre_stay_and_adds_up(traced):
    # Theatre stays of a night or more, each one episode, by cost: P1 109,200 and P2 148,000; P5 is 6 hours.
    event = choose_example(traced.db)
    assert event == "P1"
    back = traced.tracer.trace_event(event)
    table = build_trace_table((back, None), traced.frames["departments"])
    assert (
        table["amount_pence"].iloc[:-1].sum() == table["amount_pence"].iloc[-1] == back.amount_pence
    )


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("SP1", "is a spell.*one of its episodes: P1"),
        ("P99", "No event P99 carries cost"),
        ("UNMATCHED:TO", "carries no cost"),
    ],
)
def test_an_event_that_is_not_there_is_refused(traced, event, message):
    with pytest.raises(InputError, match=message):
        traced.tracer.trace_event(event)


@pytest.mark.parametrize(
    ("centre", "code", "message"),
    [
        ("NOWHERE", "PAY_OTHER", "no cost centre NOWHERE"),
        ("WARD", "DRUGS", "under DRUGS.*Its expense codes are: CLINICAL, PAY_NURSING"),
        ("WARD", "CLINICAL", "clinical income, not expenditure"),
    ],
)
def test_a_ledger_line_that_is_no_cost_is_refused(traced, centre, code, message):
    with pytest.raises(InputError, match=r"(?s)" + message):
        traced.tracer.trace_ledger_line(centre, code)


@given(
    st.integers(-(10**9), 10**9),
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=30),
)
def test_shares_add_up_whatever_the_credits(pence, parts):
    shares = share_parts(pence, parts)
    assert len(shares) == len(parts)
    assert sum(shares) == pence


@given(st.integers(0, 10**9), st.lists(st.integers(1, 10**6), min_size=1, max_size=30))
def test_charges_alone_are_shared_within_a_penny(pence, parts):
    for share, part in zip(share_parts(pence, parts), parts, strict=True):
        assert abs(share - pence * part / sum(parts)) < 1.001
