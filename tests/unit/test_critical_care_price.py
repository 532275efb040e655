"""A day in critical care earns its price by organs supported, in the line that the patient was in."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import pytest

from helpers.costing.clock import Period
from helpers.costing.critical_care import price_critical_care
from helpers.engine import open_engine

YEAR = Period(datetime(2024, 4, 1), datetime(2025, 4, 1))
PRICES = pd.DataFrame(
    [("XC01Z", "CC", 300_000), ("XC06Z", "CC", 180_000), ("XC07Z", "CC", 170_000), ("XC06Z", "EL", 1)],
    columns=["hrg", "pod", "unit_price_pence"],
)  # fmt: skip
EPISODES = [
    # spell, episode, line, begins, point of delivery
    ("S1", "E1", "TO", "2024-05-01 08:00", "EL"), ("S1", "E2", "CRIT", "2024-05-02 20:00", "EL"),
    ("S2", "E3", "MAT", "2024-06-01 08:00", "PRIV"), ("S3", "E4", "RESP", "2024-03-20 08:00", "NEL"),
    ("S4", "E5", "GERI", "2025-03-30 08:00", "NEL"),
]  # fmt: skip


def price(periods, prices=PRICES, mff=1.0):
    columns = ["cc_id", "spell_id", "start_dt", "end_dt", "organs_supported"]
    care = pd.DataFrame(periods, columns=columns)
    for name in ("start_dt", "end_dt"):
        care[name] = pd.to_datetime(care[name])
    care["organs_supported"] = care["organs_supported"].astype("Int64")
    events = pd.DataFrame(
        EPISODES, columns=["spell_id", "event_id", "line_id", "start_dt", "spell_pod"]
    )
    events = events.assign(start_dt=pd.to_datetime(events["start_dt"]), event_kind="episode")
    with open_engine() as db:
        db.add_frame("events", events)
        db.add_frame("clean_critical_care", care)
        found = price_critical_care(db, prices, YEAR, mff=mff)
    assert set(found["row_id"]) | set(found["pod"]) <= {"I1", "CC"}
    return dict(zip(found["line_id"], found["amount_pence"], strict=True))


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        # 3, 4 and 5 May are three days, part days among them: 3 x 1,800.00
        (("C1", "S1", "2024-05-03 23:00", "2024-05-05 01:00", 1), {"CRIT": 540_000}),
        # begun before the second episode: the first one's line; one day of no organ
        (("C1", "S1", "2024-05-02 10:00", "2024-05-02 12:00", 0), {"TO": 170_000}),
        # begun before any episode: the spell's first; seven organs are priced as six
        (("C1", "S1", "2024-05-01 07:00", "2024-05-01 09:00", 7), {"TO": 300_000}),
        # only 1 and 2 April lie in the year
        (("C1", "S3", "2024-03-28 10:00", "2024-04-02 10:00", 1), {"RESP": 360_000}),
        # without an end it goes on to the end of the year: 30 and 31 March; organs not known are none
        (("C1", "S4", "2025-03-30 10:00", None, None), {"GERI": 340_000}),
        (("C1", "S4", "2025-04-01 00:00", "2025-04-03 10:00", 1), {}),  # the next year
        (("C1", "S2", "2024-06-02 10:00", "2024-06-03 10:00", 1), {}),  # a private patient
        (("C1", "S1", "2024-05-03 10:00", "2024-05-03 12:00", 3), {}),  # XC04Z has no price
        (("C1", "S9", "2024-05-03 10:00", "2024-05-03 12:00", 1), {}),  # no such spell
    ],
)
def test_a_period_earns_its_days(period, expected):
    assert price([period]) == expected


def test_the_market_forces_factor_raises_a_price_and_half_pennies_go_up():
    # 180,000 x 1.000003 = 180,000.54 and 3 x 180,000 x 1.000003 = 540,001.62 pence, rounded for each period
    periods = [
        ("C1", "S1", "2024-05-03 10:00", "2024-05-03 12:00", 1),
        ("C2", "S1", "2024-05-04 10:00", "2024-05-06 12:00", 1),
    ]
    assert price(periods, mff=1.000_003) == {"CRIT": 180_001 + 540_002}


def test_without_prices_of_days_or_periods_nothing_is_earned():
    period = ("C1", "S1", "2024-05-03 10:00", "2024-05-03 12:00", 1)
    assert price([period], PRICES[PRICES["pod"] == "EL"]) == {}
    with open_engine() as db:
        assert price_critical_care(db, PRICES, YEAR, mff=1).empty
