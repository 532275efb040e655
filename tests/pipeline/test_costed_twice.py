"""Every event of a report costed a second time, by other code that shares nothing with the project's."""

from __future__ import annotations

import pandas as pd
import pytest

from second_costing import SecondCosting

# A weight is kept in hundredths: of a ward hour at some £50, that is up to 25 pence a stay.
MOST_APART_PENCE = 100
LINE_APART_PROP = 5e-5


@pytest.fixture(scope="module")
def twice(reported) -> tuple[pd.DataFrame, SecondCosting]:
    second = SecondCosting(reported.final() / "tables", "2024-04-01", "2025-03-31")
    return second.events, second


def test_every_event_costs_the_same(twice):
    events, second = twice
    apart = (second.cost - events["full_cost_pence"]).abs()
    assert apart.max() < MOST_APART_PENCE
    assert (apart > 5).mean() < 0.1


def test_every_line_costs_the_same(twice):
    events, second = twice
    lines = events.groupby("line_id")["full_cost_pence"].sum()
    again = second.cost.groupby(events["line_id"]).sum()
    assert ((again - lines).abs() / lines).max() < LINE_APART_PROP


def test_every_nhs_event_earns_the_same(twice):
    events, second = twice
    nhs = events["spell_pod"].fillna(events["pod"]) != "PRIV"
    apart = (second.income - events["income_pence"])[nhs].abs()
    assert apart.max() < 1  # a spell's odd penny goes to one of its episodes
    total = (second.income[nhs].sum(), events.loc[nhs, "income_pence"].sum())
    assert total[0] == pytest.approx(total[1], abs=0.5)
