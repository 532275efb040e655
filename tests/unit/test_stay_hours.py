"""Stays by the clock, beside stays in nights."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.outliers.stay_hours import add_hours, measure_hours
from helpers.report.words.stay_hours import describe_hours


def stays(*clocks: tuple[str, str, str]) -> pd.DataFrame:
    """Return stays from (consultant, admission, discharge)."""
    frame = pd.DataFrame(clocks, columns=["who", "came", "left"])
    return frame.assign(
        admission_dt=pd.to_datetime(frame["came"]), discharge_dt=pd.to_datetime(frame["left"])
    )


def measure(spells: pd.DataFrame) -> pd.DataFrame:
    who = spells["who"]
    groupings = {"line": pd.Series("L", index=spells.index), "ward": who, "consultant": who}
    return measure_hours(add_hours(spells), groupings, np.zeros(len(spells), dtype=int))


def test_hours_run_from_admission_to_discharge_whatever_the_nights():
    spells = stays(
        ("A", "2024-05-01 22:00", "2024-05-02 08:00"), ("B", "2024-05-01 08:00", "2024-05-01 22:00")
    )
    assert add_hours(spells)["los_hours"].tolist() == [10.0, 14.0]  # one night, and none


def test_dates_without_times_have_no_hours():
    spells = stays(("A", "2024-05-01", "2024-05-04"), ("B", "2024-05-02", "2024-05-03"))
    assert add_hours(spells)["los_hours"].isna().all()
    assert measure(spells).empty


def test_a_group_is_set_beside_the_others_of_its_casemix():
    # A's five stays take 20 hours each, B's five 10 each; one cell. Expected of A: 5 x 10.
    spells = stays(
        *[("A", "2024-05-01 04:00", "2024-05-02 00:00")] * 5,
        *[("B", "2024-05-01 04:00", "2024-05-01 14:00")] * 5,
    )
    table = measure(spells).set_index(["grouping", "group"])
    row = table.loc[("consultant", "A")]
    assert row[["n_spells", "observed_hours", "expected_hours"]].tolist() == [5, 100, 50]
    assert (row["ratio"], row["effect_hours"], row["median_hours"]) == (2.0, 10.0, 20.0)
    everyone = table.loc[("trust", "trust")]
    assert (everyone["n_spells"], everyone["observed_hours"], everyone["median_hours"]) == (
        10,
        150,
        15,
    )
    # the only line has nobody to be compared with
    assert np.isnan(table.loc[("line", "L"), "ratio"])


GROUPS = pd.DataFrame(
    {
        "grouping": ["ward", "consultant", "age_band"], "group": ["W1", "C1", "85+"],
        "group_name": ["Ward W1", "Cons-01", "85 and over"], "effect_days": [1.0, 0.5, 2.0],
        "is_material": [True, True, True],
    }
)  # fmt: skip


def hours(ward_effect: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "grouping": ["trust", "ward", "consultant"], "group": ["trust", "W1", "C1"],
            "n_spells": [1_000, 50, 40], "observed_hours": [60_000.0, 1, 1], "effect_hours": [np.nan, ward_effect, 9.0],
            "median_hours": [40.0, 1, 1],
        }
    )  # fmt: skip


def test_words_say_whether_the_clock_bears_the_findings_out():
    same = describe_hours(hours(20.0), GROUPS)
    # 60,000 hours over 1,000 stays
    assert (
        "the 1,000 stays last 60 hours on average (2.5 times 24), half of them 40 or less." in same
    )
    assert same.endswith(
        "In hours, 2 findings on lines, wards and consultants all point the same way."
    )
    other = describe_hours(hours(-3.0), GROUPS)
    assert other.endswith(
        "Of 2 findings on lines, wards and consultants, 1 points the other way in hours: Ward W1."
    )


def test_words_without_times_or_without_findings():
    assert "dates without times" in describe_hours(hours(1.0).iloc[:0], GROUPS)
    assert describe_hours(hours(1.0), GROUPS.assign(is_material=False)).endswith("40 or less.")
