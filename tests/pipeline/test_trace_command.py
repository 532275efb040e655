"""`python -m helpers trace` on a finished report."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.cli import main


def trace(place, *words: str) -> int:
    return main(["trace", "XYZ", "--out", str(place.out), *words])


@pytest.fixture(scope="module")
def event(reported) -> pd.Series:
    """The dearest event of the report."""
    events = pd.read_parquet(reported.final() / "tables" / "patient_events.parquet")
    return events.sort_values(["full_cost_pence", "event_id"]).iloc[-1]


def test_an_event_is_told_to_the_penny_and_without_its_patient(reported, event, capsys):
    assert trace(reported, "--event", event["event_id"]) == 0
    told = capsys.readouterr().out
    pence = int(event["full_cost_pence"])
    assert f"cost £{pence // 100:,}.{pence % 100:02d}." in told
    episodes = pd.read_parquet(reported.final() / "tables" / "clean_apc_episodes.parquet")
    keys = episodes.loc[episodes["episode_id"] == event["event_id"], "patient_key"]
    assert len(keys) == 1
    assert keys.iloc[0] not in told


def test_a_ledger_line_is_told_to_the_penny(reported, capsys):
    ledger = pd.read_parquet(reported.final() / "tables" / "clean_general_ledger.parquet")
    by_line = ledger.groupby(["cost_centre", "expense_code"])["amount_pence"].sum()
    centre, code = by_line.idxmax()
    pence = int(by_line.max())
    assert trace(reported, "--ledger", f"{centre}:{code}") == 0
    assert f"£{pence // 100:,}.{pence % 100:02d}  in all" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--event", "nobody"], "No event nobody carries cost"),
        (["--ledger", "12345"], "write COST_CENTRE:EXPENSE_CODE"),
        (["--event", "x", "--audience", "public"], "public edition"),
        (["--event", "x", "--year", "2019-20"], "There is no report of XYZ 2019-20"),
    ],
)
def test_what_cannot_be_traced_is_refused_in_words(reported, capsys, words, message):
    assert trace(reported, *words) == 2
    assert message in capsys.readouterr().err


def test_a_report_of_other_costs_is_not_traced(copied, event, capsys):
    path = copied.final() / "tables" / "patient_costs.parquet"
    costs = pd.read_parquet(path)
    costs.loc[0, "amount_pence"] += 1
    costs.to_parquet(path)
    assert trace(copied, "--event", event["event_id"]) == 1
    assert "costed by another version" in capsys.readouterr().err
