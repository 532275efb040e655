"""Critical care as a way of care of its own, on the hand-costed trust: its theatre turned into a unit.

The unit's 137,000 over 150 + 72.5 + 120 = 342.5 hours is 400 an hour: P1 60,000, P5 (private) 29,000, P3 48,000.
"""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pytest

from helpers.costing.comparison import build_bridge
from helpers.costing.trust import Costed, cost_trust
from helpers.engine import open_engine
from mini_trust import (
    SETTINGS,
    START,
    add_activity,
    add_clean,
    make_money_frames,
    make_patient_frames,
)

PERIODS = [("CC1", "SP1", 150.0), ("CC2", "SP5", 72.5), ("CC3", "SP3", 120.0)]
DAY_PENCE = 100_000


def cost(feed: str = "critical_care", *, is_priced: bool = True) -> Costed:
    frames = {**make_money_frames(), **make_patient_frames()}
    pools = frames["cost_pools"]
    pools["feed"] = pools["feed"].mask(pools["pool_id"] == "P_THEATRE", feed)
    price = frames["prices"].iloc[[0]].assign(hrg="XC07Z", pod="CC", unit_price_pence=DAY_PENCE)
    if is_priced:
        frames["prices"] = pd.concat([frames["prices"], price], ignore_index=True)
    began = START + timedelta(hours=1)
    with open_engine(threads=1) as db:
        add_activity(db)
        add_clean(db, "critical_care", [
            {"cc_id": cc, "spell_id": spell, "unit_id": "ICU", "start_dt": began,
             "end_dt": began + timedelta(hours=hours), "organs_supported": 0}
            for cc, spell, hours in PERIODS
        ])  # fmt: skip
        return cost_trust(db, frames, SETTINGS)


@pytest.fixture(scope="module")
def costed() -> Costed:
    return cost()


def rows_of(found: Costed) -> pd.DataFrame:
    return found.analyses["line_hrgs"].set_index(["line_id", "pod", "hrg"])


def test_a_periods_cost_and_income_stand_under_critical_care(costed):
    rows = rows_of(costed)
    to, gm = rows.loc[("TO", "CC", "XC07Z")], rows.loc[("GENMED", "CC", "XC07Z")]
    assert to["full_cost_pence"] == pytest.approx(6_000_000, abs=12)
    assert gm["full_cost_pence"] == pytest.approx(4_800_000, abs=12)
    # 3 June 09:00 + 150 h is 9 June 15:00: seven days; + 120 h is 8 June: six days.
    assert (to["n_events"], to["n_cases"], to["income_pence"]) == (1, 7, 7 * DAY_PENCE)
    assert (gm["n_events"], gm["n_cases"], gm["income_pence"]) == (1, 6, 6 * DAY_PENCE)


def test_it_has_left_the_spells_and_private_care_keeps_its_own(costed):
    rows = rows_of(costed)
    # P1: ward 19,200 + doctors 30,000; its 60,000 in the unit are apart. P3 keeps 142,000 of 190,000.
    assert rows.loc[("TO", "EL", "P1Z"), "full_cost_pence"] == pytest.approx(4_920_000, abs=12)
    assert rows.loc[("GENMED", "EL", "P3Z"), "full_cost_pence"] == pytest.approx(14_200_000, abs=12)
    # P5 is private: 29,000 of the unit and 20,000 of doctors.
    assert rows.loc[("TO", "PRIV", "P5Z"), "full_cost_pence"] == pytest.approx(4_900_000, abs=12)
    # Own cost of the unit is 120,000 of its 137,000: 400 an hour holds 350.36 of it, 60,000 holds 52,555.
    assert rows.loc[("TO", "EL", "P1Z"), "critical_care_pence"] == pytest.approx(5_255_474, abs=12)
    assert (rows["margin_pence"] == rows["income_pence"] - rows["full_cost_pence"]).all()


def test_every_identity_holds_and_days_have_a_unit_cost(costed):
    assert costed.reconciliation["passed"].all()
    income = costed.reconciliation["description"].str.startswith("Income at price by point")
    # 487,000 of spells and clinics and 13,000 of days; private income is no price
    assert costed.reconciliation.loc[income, "left_pence"].tolist() == [50_000_000]
    units = costed.analyses["unit_costs"].set_index(["line_id", "unit"])["cost_gbp_per_unit"]
    assert units[("TO", "critical_care_day")] == pytest.approx(60_000 / 7, abs=0.05)


def test_consultants_and_commissioners_earn_their_patients_days(costed):
    for name in ("line_consultants", "line_commissioners"):
        income = costed.analyses[name].groupby("line_id")["income_pence"].sum()
        # T&O: 115,000 + 130,000 + private 60,000 + clinics 42,000 + 7,000 of days
        assert income.to_dict() == {"GENMED": 20_600_000, "TO": 35_400_000}


def test_where_no_pool_pays_for_periods_their_income_stands_with_the_spells_that_hold_their_cost():
    found, without = cost(feed="theatre"), cost(feed="theatre", is_priced=False)
    assert found.reconciliation["passed"].all()
    rows, before = rows_of(found), rows_of(without)
    assert "CC" not in set(found.analyses["line_hrgs"]["pod"])
    more = (rows["income_pence"] - before["income_pence"]).loc[lambda pence: pence != 0]
    # P1's seven days and P3's six; P5 is private
    assert more.to_dict() == {
        ("TO", "EL", "P1Z"): 7 * DAY_PENCE,
        ("GENMED", "EL", "P3Z"): 6 * DAY_PENCE,
    }
    assert rows["full_cost_pence"].equals(before["full_cost_pence"])
    assert (rows["margin_pence"] == rows["income_pence"] - rows["full_cost_pence"]).all()
    for name in ("line_consultants", "line_commissioners"):
        income = found.analyses[name].groupby("line_id")["income_pence"].sum()
        assert income.to_dict() == {"GENMED": 20_600_000, "TO": 35_400_000}


def test_a_change_of_critical_care_is_price_volume_or_unit_cost_and_not_mix():
    names = ["line_id", "pod", "hrg", "n_cases", "income_pence", "controllable_pence"]
    before = pd.DataFrame(
        [("TO", "EL", "A", 10, 1_000, 600), ("TO", "CC", "XC07Z", 20, 2_000, 1_000)], columns=names
    ).assign(critical_care_pence=0)
    after = before.assign(
        n_cases=[10, 30], income_pence=[1_000, 3_300], controllable_pence=[600, 1_800]
    )
    statement = pd.DataFrame(
        [("TO", "I", 3_000), ("TO", "C1", 1_600), ("TO", "C2", 0), ("TO", "T2", 1_400), ("TO", "C3", 0),
         ("TO", "C4", 0), ("TO", "T4", 1_400)], columns=["line_id", "row_id", "amount_pence"],
    )  # fmt: skip
    now = statement.assign(amount_pence=[4_300, 2_400, 0, 1_900, 0, 0, 1_900])
    frames = {"prior_service_line_statement": statement, "prior_line_hrgs": before}
    row = build_bridge(now, after, frames).iloc[0]
    # Ten more days at last year's 50 a day; 30 days earn 10 more each, and cost 10 more each.
    assert (row["volume_pence"], row["price_pence"], row["unit_cost_pence"]) == (500, 300, -300)
    assert (row["mix_pence"], row["other_pence"]) == (0, 0)
    # A report from before critical care had rows of its own: its cost was the spells', its income nobody's.
    old = (
        before[before["pod"] == "EL"]
        .drop(columns="critical_care_pence")
        .assign(controllable_pence=1_600)
    )
    mixed = after.assign(critical_care_pence=[1_800, 0])
    row = build_bridge(now, mixed, frames | {"prior_line_hrgs": old}).iloc[0]
    # Spells' cost rises from 1,600 to 600 + 1,800; the 1,300 that days earn more is all else.
    assert (row["unit_cost_pence"], row["mix_pence"], row["other_pence"]) == (-800, 0, 1_300)
