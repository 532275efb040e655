"""Length of stay: trim points, expected days, tests, waiting, long stays, value."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.contracts import OUTPUTS
from helpers.engine import Engine
from helpers.outliers.stay_expected import (
    assign_cells,
    bootstrap_ratios,
    expect_days,
    pair_groups,
)
from helpers.outliers.stay_groups import (
    estimate_natural_variation,
    find_p_values,
    find_q_values,
    measure_shuffles,
    read_two_sided,
    review_groups,
)
from helpers.outliers.stay_trim import add_excess_days, find_trim_points
from helpers.outliers.stay_waiting import (
    count_long_stays,
    measure_variable_share,
    split_gap,
    split_gaps,
    split_waiting,
    value_excess_days,
)
from helpers.outliers.stays import (
    NO_STAYS,
    StaySettings,
    count_exclusions,
    review_stays,
    select_stays,
)

PROJECT = Path(__file__).resolve().parents[2]
GOLDEN = PROJECT.joinpath(os.environ.get("SHARED_DIR", "../shared")).resolve() / "golden"
STAYS = [2, 3, 3, 4, 4, 4, 5, 5, 6, 7, 9, 21]


def frame_of(hrg, days, **more):
    return pd.DataFrame({"hrg": hrg, "admission_type": "EL", "los_days": days, **more})


# ---- trim points -------------------------------------------------------------------------------


def find_trim(days, **settings):
    """Return the one trim point of the stays of one HRG, through the table the report uses."""
    found = find_trim_points(frame_of("HN22A", days), min_spells=1, **settings)
    (trim,) = found["trim_days"]
    return trim


def test_trim_point_is_the_upper_quartile_and_one_and_a_half_spreads():
    # Q1 3.75, Q3 6.25: 6.25 + 1.5 x 2.5 = 10
    assert find_trim(STAYS) == 10.0
    # and 21 - 10 = 11 days beyond it
    found = find_trim_points(frame_of("HN22A", STAYS), min_spells=1)
    assert found["excess_days"].tolist() == [11.0]


def test_trim_point_is_never_below_the_floor():
    # all stays 1 day: 1 + 1.5 x 0 = 1, raised to 5
    assert find_trim([1] * 30) == 5.0
    assert find_trim([1] * 30, floor_days=3) == 3.0


def test_only_days_beyond_the_trim_point_are_excess():
    # 21 - 10 = 11 days; the stays of 20 patients, so that the trim point is the trust's own
    spells = frame_of("HN22A", [*STAYS, *[4] * 8])
    trim = find_trim_points(spells, min_spells=20)
    days = sorted([*STAYS, *[4] * 8])
    # positions 4.75 and 14.25 of 20 sorted stays: both quartiles fall between 4 and 4, and 5 and 5
    assert (days[4], days[5], days[14], days[15]) == (4, 4, 5, 5)
    assert trim["trim_days"].tolist() == [6.5]  # 5 + 1.5 x 1
    # 21 - 6.5 + 9 - 6.5 + 7 - 6.5 = 14.5 + 2.5 + 0.5
    assert trim["excess_days"].tolist() == [17.5]
    assert trim["source"].tolist() == ["local"]


def test_few_local_stays_take_the_trim_point_of_the_price_list():
    spells = pd.concat([frame_of("HN22A", STAYS), frame_of("HT12A", [30])], ignore_index=True)
    prices = pd.DataFrame(
        {"hrg": ["HN22A", "HN22A"], "pod": ["EL", "NEL"], "trim_point": [10.0, 40.0]}
    )
    trim = find_trim_points(spells, prices).set_index("hrg")
    assert trim.loc["HN22A", ["trim_days", "excess_days", "source"]].tolist() == [
        10,
        11,
        "national",
    ]
    # no price and one local stay: nothing says what is too long, so nothing is
    assert trim.loc["HT12A", "source"] == "none"
    assert trim.loc["HT12A", "excess_days"] == 0


def test_a_stay_without_a_trim_point_has_no_excess():
    trim = pd.DataFrame({"hrg": ["A"], "admission_type": ["EL"], "trim_days": [np.nan]})
    assert add_excess_days(frame_of(["A"], [90]), trim)["excess_days"].tolist() == [0.0]


# ---- expected days -----------------------------------------------------------------------------

ORACLE = [
    ("C1", "HN22", 60, 4.0), ("C1", "HT12", 40, 16.0),
    ("C2", "HN22", 80, 4.5), ("C2", "HT12", 20, 14.0),
    ("C3", "HN22", 60, 6.0), ("C3", "HT12", 40, 18.0),
]  # fmt: skip


@pytest.fixture
def three_consultants():
    """Three consultants, two HRGs; half a day's mean is made of half the patients staying one more."""
    parts = []
    for consultant, hrg, n, mean in ORACLE:
        low = int(mean)
        days = [low + (i < round((mean - low) * n)) for i in range(n)]
        parts.append(frame_of(hrg, days, consultant=consultant))
    return pd.concat(parts, ignore_index=True)


def compare(spells, by="consultant", **more):
    cell = pd.factorize(assign_cells(spells), sort=True)[0]
    days = spells["los_days"].to_numpy(dtype="float64")
    pairs = pair_groups(spells[by], cell, **more)
    return expect_days(pairs, days, cell), pairs, days, cell


def test_expected_days_leave_the_consultant_out(three_consultants):
    table, *_ = compare(three_consultants)
    # C1: others' HN22 (80 x 4.5 + 60 x 6) / 140 = 5.142857, HT12 (20 x 14 + 40 x 18) / 60 = 16.666667
    # 60 x 5.142857 + 40 x 16.666667 = 975.2381
    assert table["observed_days"].tolist() == [880, 640, 1080]
    assert table["expected_days"].tolist() == pytest.approx([975.2381, 740, 870.4762], abs=1e-4)
    ratio = table["observed_days"] / table["expected_days"]
    assert ratio.tolist() == pytest.approx([0.902344, 0.864865, 1.240700], abs=1e-6)


def test_expected_days_of_the_whole_trust_add_up_to_the_days_there_are(three_consultants):
    table, *_ = compare(three_consultants)
    # trust means 4.8 and 16.4: 60 x 4.8 + 40 x 16.4 = 944
    assert table["trust_days"].tolist() == pytest.approx([944, 712, 944])
    excess = table["observed_days"] - table["trust_days"]
    assert excess.tolist() == pytest.approx([-64, -72, 136])
    assert excess.sum() == pytest.approx(0)


def test_a_cell_that_only_one_group_treats_has_no_comparator():
    spells = pd.concat(
        [
            frame_of("HN22A", [4] * 10, consultant="C1"),
            frame_of("HN22A", [2] * 10, consultant="C2"),
            frame_of("VA11A", [40] * 12, consultant="C1"),
        ],
        ignore_index=True,
    )
    table, *_ = compare(spells)
    assert table.loc["C1"].tolist() == [10, 12, 40, 20, pytest.approx(30)]
    assert table.loc["C2", ["n_spells", "n_no_comparator"]].tolist() == [10, 0]


def test_rare_hrgs_are_pooled_to_their_root_and_then_their_chapter():
    spells = frame_of(
        ["HN22A"] * 10 + ["HN22B"] * 6 + ["HN22C"] * 5 + ["HN14A"] * 4 + ["HN16A"] * 3, [1] * 28
    )
    # HN22B and HN22C pool to 11 of their root; HN14A (4) and HN16A (3) only meet in the chapter
    expected = ["HN22A EL"] * 10 + ["HN22* EL"] * 11 + ["HN* EL"] * 7
    assert assign_cells(spells).tolist() == expected


def test_interval_holds_the_ratio_and_narrows_with_more_patients(three_consultants):
    few, pairs, days, cell = compare(three_consultants)
    narrow = pd.concat([three_consultants] * 9, ignore_index=True)
    _, many_pairs, many_days, many_cell = compare(narrow)
    wide = bootstrap_ratios({"c": pairs}, days, cell, seed=1)["c"]
    tight = bootstrap_ratios({"c": many_pairs}, many_days, many_cell, seed=1)["c"]
    ratio = few["observed_days"] / few["expected_days"]
    assert ((wide["ci_low"] < ratio) & (ratio < wide["ci_high"])).all()
    # nine times the patients: about a third of the width
    shrink = (tight["ci_high"] - tight["ci_low"]) / (wide["ci_high"] - wide["ci_low"])
    assert shrink.tolist() == pytest.approx([1 / 3] * 3, abs=0.06)


def test_interval_covers_the_true_effect_about_nineteen_times_in_twenty():
    covered = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        group = np.repeat(["A", "B"], [60, 240])
        # true means 4 and 4 x 1.5 in one cell: the true effect of A is 2 days
        days = rng.poisson(np.where(group == "A", 6.0, 4.0)).astype(float)
        spells = frame_of("HN22A", days, consultant=group)
        _, pairs, days, cell = compare(spells)
        row = bootstrap_ratios({"c": pairs}, days, cell, seed=seed)["c"].loc["A"]
        covered.append(row["effect_low_days"] <= 2.0 <= row["effect_high_days"])
    assert np.mean(covered) >= 0.87  # binomial(60, 0.95) falls below 0.87 once in 200


# ---- casemix and practice ----------------------------------------------------------------------


def test_gap_is_casemix_and_practice():
    # C1 8.8 days (60 x 4 + 40 x 16), C2 6.4 (80 x 4.5 + 20 x 14), over 100 patients each
    gap = split_gap(n_a=[60, 40], days_a=[240, 640], n_b=[80, 20], days_b=[360, 280])
    assert gap.gap_days == pytest.approx(2.40)
    # mix: (0.6 - 0.8) x 4.25 + (0.4 - 0.2) x 15; practice: (4 - 4.5) x 0.7 + (16 - 14) x 0.3
    assert gap.mix_days == pytest.approx(2.15)
    assert gap.practice_days == pytest.approx(0.25)


CELLS = st.lists(
    st.tuples(st.integers(0, 50), st.floats(0, 400), st.integers(0, 50), st.floats(0, 400)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(CELLS)
def test_casemix_and_practice_always_add_to_the_gap(cells):
    n_a, days_a, n_b, days_b = (
        np.array(column, dtype=float) for column in zip(*cells, strict=True)
    )
    days_a, days_b = days_a * (n_a > 0), days_b * (n_b > 0)
    if n_a.sum() == 0 or n_b.sum() == 0:
        with pytest.raises(ValueError, match="both groups"):
            split_gap(n_a, days_a, n_b, days_b)
        return
    gap = split_gap(n_a, days_a, n_b, days_b)
    assert gap.mix_days + gap.practice_days == pytest.approx(gap.gap_days, abs=1e-6)
    assert gap.gap_days == pytest.approx(days_a.sum() / n_a.sum() - days_b.sum() / n_b.sum())


def test_gap_of_groups_with_no_common_patients_is_casemix_entirely():
    gap = split_gap(n_a=[10, 0], days_a=[80, 0], n_b=[0, 10], days_b=[0, 30])
    assert (gap.gap_days, gap.mix_days, gap.practice_days) == (5.0, pytest.approx(5.0), 0.0)


def test_a_ward_is_compared_within_its_main_line():
    days = np.array([5.0, 5, 3, 3, 90])
    ward = pd.Series(["W1", "W1", "W2", "W2", "W3"])
    line = pd.Series(["TO", "TO", "TO", "TO", "ICU"])
    table = split_gaps(days, ward, np.zeros(5, dtype=int), line)
    # the 90-day stay of another line is no part of it; W3 has nobody beside it and is left out
    assert table["group"].tolist() == ["W1", "W2"]
    assert table["gap_days"].tolist() == [2.0, -2.0]
    assert table["practice_days"].tolist() == [2.0, -2.0]


# ---- tests -------------------------------------------------------------------------------------


def test_false_discovery_rates_by_hand():
    # sorted 0.01, 0.02, 0.04, 0.5 of four: 4 x .01 = .04, 2 x .02 = .04, 4/3 x .04, 1 x .5
    q = find_q_values(np.array([0.5, 0.01, np.nan, 0.04, 0.02]))
    assert q[[1, 4, 3, 0]].tolist() == pytest.approx([0.04, 0.04, 0.16 / 3, 0.5])
    assert np.isnan(q[2])  # not tested, not counted


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden files are not beside the project")
def test_false_discovery_rates_of_the_golden_file():
    given = pd.read_csv(GOLDEN / "g4_fdr_input.csv")
    expected = pd.read_csv(GOLDEN / "g4_fdr_expected.csv")
    q = find_q_values(given["p_value"].to_numpy())
    assert q.tolist() == pytest.approx(expected["q_bh"].tolist(), abs=1e-12)


def test_excess_is_set_against_every_way_of_shuffling():
    """Skewed stays of 14 patients, four of them in the group: all 1,001 ways to draw four."""
    days = np.array([0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 6, 9, 15, 30], dtype=float)
    cell, members = np.zeros(14, dtype=int), [10, 11, 12, 9]
    group = pd.Series(["G" if i in members else "" for i in range(14)])
    excess, spread, skew = measure_shuffles(pair_groups(group, cell, min_others=1), days, cell)
    draws = np.array([days[list(who)].sum() for who in combinations(range(14), 4)])
    away = draws - draws.mean()
    # leaving four of 14 out stretches the sum's distance from its mean by 14 / 10
    assert excess[0] == pytest.approx((days[members].sum() - draws.mean()) * 1.4)
    assert spread[0] == pytest.approx(draws.std() * 1.4)
    assert skew[0] == pytest.approx((away**3).mean() / draws.std() ** 3)


def test_two_tails_by_hand():
    # no skew: the normal curve, 5% beyond 1.96; skew 2: the exponential, where e^-(1 + 2) = 4.98%
    p = read_two_sided(np.array([1.959964, 2.0, -2.0]), np.array([0.0, 2.0, -2.0]))
    assert p.tolist() == pytest.approx([0.05, 2 * np.exp(-3), 2 * np.exp(-3)], rel=1e-5)


def test_p_value_agrees_with_many_shuffles_over_cells():
    rng = np.random.default_rng(3)
    cell = np.repeat([0, 1, 2], [40, 60, 100])
    days = np.floor(rng.gamma(0.7, [[3.0], [8.0], [20.0]], (3, 100)).ravel()[:200])
    group = pd.Series(np.where(rng.random(200) < 0.2, "G", ""))
    days[(group == "G").to_numpy()] += 2.0
    pairs = pair_groups(group, cell, min_others=1)
    found = find_p_values(*measure_shuffles(pairs, days, cell))[0]

    def excess(shuffled):
        table = expect_days(pairs, shuffled, cell)
        return float((table["observed_days"] - table["expected_days"]).iloc[0])

    def shuffle():
        return np.concatenate([rng.permutation(days[cell == c]) for c in range(3)])

    draws = np.array([excess(shuffle()) for _ in range(2000)])
    shuffled = 2 * (draws >= excess(days)).mean()
    assert 0.002 < shuffled < 0.6, "the case must be neither hopeless nor certain to tell anything"
    assert found == pytest.approx(shuffled, abs=0.02)


def test_natural_variation_is_the_spread_that_chance_leaves_over():
    # five groups each at 0, 10 and 20 days over: the middle ones' square is the median, and
    # 100 / (36 + (share x 100)^2) = 0.4549 gives share = sqrt(219.8 - 36) / 100 = 0.1356
    excess = np.array([0.0] * 5 + [10.0] * 5 + [20.0] * 5)
    spread, expected = np.full(15, 6.0), np.full(15, 100.0)
    found = estimate_natural_variation(excess, spread, expected)
    assert found == pytest.approx(0.1356, abs=1e-4)
    # one group far out does not move it
    excess[-1] = 500.0
    assert estimate_natural_variation(excess, spread, expected) == pytest.approx(found)


def test_natural_variation_needs_twelve_groups_and_more_than_chance():
    many, few = np.ones(12), np.ones(11)
    assert estimate_natural_variation(9 * few, few, 10 * few) == 0
    assert estimate_natural_variation(0.1 * many, many, 10 * many) == 0
    assert estimate_natural_variation(9 * many, many, 10 * many) > 0


def test_natural_variation_makes_a_difference_less_surprising():
    excess, spread, skew = np.array([20.0]), np.array([6.0]), np.array([0.5])
    alone = find_p_values(excess, spread, skew)[0]
    # 20 / sqrt(6^2 + 8^2) = 2 standard deviations instead of 3.3
    allowed = find_p_values(excess, spread, skew, np.array([8.0]))[0]
    assert alone < 0.01 < 0.04 < allowed < 0.07


def simulate(n=6000, *, seed=1, slow_ward=False, slow_consultant=False, waiting_ward=False):
    """Two lines, four wards and twelve consultants each; skewed stays that follow the HRG."""
    rng = np.random.default_rng(seed)
    line = rng.integers(0, 2, n)
    consultant = line * 12 + rng.integers(0, 12, n)
    ward = line * 4 + consultant % 4
    swaps = rng.random(n) < 0.5  # half the patients lie on another ward of the line
    ward = np.where(swaps, line * 4 + rng.integers(0, 4, n), ward)
    hrg = rng.integers(0, 6, n)
    mean = np.array([1.0, 2.0, 3.0, 5.0, 8.0, 12.0])[hrg]
    days = rng.poisson(mean * rng.gamma(1.2, 1 / 1.2, n))
    waiting = np.zeros(n, dtype=int)
    if slow_ward:
        days = days + np.where(ward == 2, rng.poisson(2.0, n), 0)
    if slow_consultant:
        days = days + np.where(consultant == 5, rng.poisson(3.0, n), 0)
    if waiting_ward:
        waiting = np.where(ward == 2, rng.poisson(2.0, n), 0)
    days = days + waiting
    admitted = pd.Timestamp("2024-04-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    left = admitted + pd.to_timedelta(days, unit="D")
    return pd.DataFrame(
        {
            "event_id": [f"E{i:06d}" for i in range(n)],
            "spell_id": [f"S{i:06d}" for i in range(n)],
            "event_kind": "episode",
            "line_id": np.where(line == 0, "TO", "GENMED"),
            "consultant_code": [f"C{i:07d}" for i in consultant],
            "hrg_spell": [
                f"{'HN' if a == 0 else 'DZ'}{10 + b}A" for a, b in zip(line, hrg, strict=True)
            ],
            "admission_method": np.where(rng.random(n) < 0.4, "11", "21"),
            "patient_classification": "1",
            "discharge_method": "1",
            "discharge_destination": "19",
            "admission_dt": admitted,
            "discharge_dt": left,
            "discharge_ready_date": left - pd.to_timedelta(waiting, unit="D"),
            "completion": 1,
            "is_discharging": True,
            "los_days": days,
            "main_ward_id": [f"W{i}" for i in ward],
            "age": rng.integers(0, 100, n),
            "sex": np.where(rng.random(n) < 0.5, "1", "2"),
            "imd_decile": rng.integers(1, 11, n),
            "commissioner": np.where(rng.random(n) < 0.7, "QKK", "QWE"),
            "full_cost_pence": 100_000 + 40_000 * days,
            "ward_pence": 20_000 * days,
        }
    )


def assert_near(row, planted_days):
    """The planted effect lies within three standard errors, of which the interval spans 3.92."""
    error = (row["effect_high_days"] - row["effect_low_days"]) / 3.92
    assert abs(row["effect_days"] - planted_days) < 3 * error
    assert error < planted_days / 4, "an interval this wide would hold anything"


def review(events, **more):
    with Engine() as db:
        db.add_frame("patient_events", events)
        return review_stays(db, **more)


def test_a_trust_without_slow_groups_has_no_findings():
    n_found = sum(
        int(review(simulate(2500, seed=seed)).stay_groups["is_material"].sum()) for seed in range(6)
    )
    # a false discovery rate of 5% with nothing to discover: a finding in one trust of twenty
    assert n_found <= 1


def test_consultants_who_differ_naturally_are_not_findings():
    """24 consultants whose stays differ by a standard deviation of 8%, and nothing else."""
    n_found = 0
    for seed in range(4):
        rng = np.random.default_rng(100 + seed)
        events = simulate(12_000, seed=seed)
        pace = pd.Series(rng.normal(0, 0.08, 24), index=[f"C{i:07d}" for i in range(24)])
        longer = events["los_days"] * np.exp(events["consultant_code"].map(pace))
        days = np.floor(longer + rng.random(len(events))).astype(int)
        left = events["admission_dt"] + pd.to_timedelta(days, unit="D")
        found = review(events.assign(los_days=days, discharge_dt=left)).stay_groups
        own = found[found["grouping"] == "consultant"]
        n_found += int(own["is_material"].sum())
        assert 0.0 <= own["natural_prop"].iloc[0] < 0.16
    assert n_found <= 1


def test_a_planted_slow_ward_is_found_with_its_size():
    found = review(simulate(slow_ward=True)).stay_groups
    row = found[(found["grouping"] == "ward") & (found["group"] == "W2")].iloc[0]
    assert row["is_material"] and row["holds"]
    assert_near(row, 2.0)  # two days were planted
    others = found[found["is_material"] & ~found["grouping"].isin(["ward", "consultant"])]
    assert others.empty, "age, weekday, deprivation and the rest were not planted"


def test_a_slow_consultant_is_told_from_the_ward_that_holds_the_patients():
    found = review(simulate(12_000, seed=3, slow_consultant=True)).stay_groups
    who = found[(found["grouping"] == "consultant") & (found["group"] == "C0000005")].iloc[0]
    ward = found[(found["grouping"] == "ward") & (found["group"] == "W1")].iloc[0]
    assert who["is_material"] and who["holds"]
    assert_near(who, 3.0)
    # half the consultant's patients lie on ward 1, so it looks slow until they are allowed for
    assert ward["is_material"] and not ward["holds"]
    assert abs(ward["joint_effect_days"]) < 0.25 < ward["effect_days"]


def test_long_stays_for_want_of_a_place_to_go_are_called_waiting():
    found = review(simulate(waiting_ward=True))
    ward = found.stay_awaiting[found.stay_awaiting["grouping"] == "ward"].set_index("group")
    assert ward.index[ward["is_mostly_waiting"]].tolist() == ["W2"]
    assert ward.loc["W2", "awaiting_effect_days"] == pytest.approx(2.0, abs=0.15)
    slow = review(simulate(slow_ward=True)).stay_awaiting
    assert not slow["is_mostly_waiting"].any()


def test_waiting_and_the_rest_add_to_the_effect():
    spells = frame_of("HN22A", [10, 10, 4, 4, 4, 4, 4], ward=list("AABBBBB"))
    spells["awaiting_days"] = [5, 3, 0, 1, 0, 0, 0]
    table = split_waiting(spells, {"ward": spells["ward"]}, np.zeros(7, dtype=int))
    row = table.set_index("group").loc["A"]
    # 10 days against 4; waiting 8 of 20 days, 4 a spell against the others' 1/5
    assert row["effect_days"] == pytest.approx(6.0)
    assert row["awaiting_effect_days"] == pytest.approx(3.8)
    assert row["own_effect_days"] == pytest.approx(2.2)
    assert (row["n_waiting"], row["awaiting_days"], row["awaiting_prop"]) == (2, 8, 0.4)


def test_without_ready_dates_the_review_says_so():
    events = simulate(1500).assign(discharge_ready_date=pd.NaT)
    found = review(events)
    assert found.stay_awaiting.empty
    assert "date of being ready" in found.notes[0]
    assert not found.stay_groups.empty


# ---- what is counted, and what it costs --------------------------------------------------------


def test_long_stays_and_their_share_of_days():
    spells = pd.DataFrame({"line_id": ["A", "A", "A", "B"], "los_days": [1, 7, 22, 0]})
    table = count_long_stays(spells).set_index(["line_id", "threshold_days"])
    # A has 30 days: 29 of them in the two stays of a week or more, 22 in the one over 21 days
    assert table.loc[("A", 7), ["n_spells", "bed_days"]].tolist() == [2, 29]
    assert table.loc[("A", 21), "bed_days_prop"] == pytest.approx(22 / 30)
    assert table.loc[("TRUST", 14), "spells_prop"] == 0.25
    assert table.loc[("B", 7), "n_spells"] == 0
    assert np.isnan(table.loc[("B", 7), "bed_days_prop"])


def valued(**more):
    spells = pd.DataFrame(
        {
            "line_id": ["A", "A", "B", "B"],
            "los_days": [10, 10, 5, 5],
            "excess_days": [4.0, 0.0, 1.0, 0.0],
            "awaiting_days": [2.0, 0.0, 0.0, 0.0],
            "full_cost_pence": [500_000, 300_000, 100_000, 900_000],
            "ward_pence": [150_000, 50_000, 60_000, 10_000],
            "is_whole_cost": [True, True, True, False],
        }
    )
    return value_excess_days(spells, **more).set_index("line_id")


def test_excess_days_are_valued_at_two_prices():
    table = valued(variable_share=0.25)
    # A: £8,000 over 20 days = £400 a day, £100 of it ward; B: the stay costed in part is no price
    assert table["full_day_pence"].tolist() == [40_000, 20_000, 36_000]
    assert table.loc["A", ["full_value_pence", "variable_value_pence"]].tolist() == [
        160_000,
        10_000,
    ]
    assert table.loc["B", ["full_value_pence", "variable_value_pence"]].tolist() == [20_000, 3_000]
    assert table.loc["TRUST", ["full_value_pence", "variable_value_pence"]].tolist() == [
        180_000,
        13_000,
    ]
    assert table.loc["TRUST", "excess_days"] == 5


def test_without_a_variable_share_the_variable_price_is_blank_not_zero():
    table = valued()
    assert table["variable_value_pence"].isna().all()
    assert table.loc["TRUST", "full_value_pence"] == 180_000


def test_variable_share_weighs_each_posting_of_the_wards():
    ledger = pd.DataFrame(
        {
            "cost_centre": ["W1", "W1", "TH1"],
            "expense_code": ["PAY", "DRUGS", "DRUGS"],
            "amount_pence": [75_000, 25_000, 900_000],
        }
    )
    expense = pd.DataFrame(
        {
            "expense_code": ["PAY", "DRUGS"],
            "account_type": "expenditure",
            "variable_share_12m": [0.2, 1.0],
        }
    )
    centres = pd.DataFrame({"cost_centre": ["W1", "TH1"], "department_id": ["WARD_A", "THEATRE"]})
    pools = pd.DataFrame({"department_id": ["WARD_A", "THEATRE"], "feed": ["ward", "theatre"]})
    # (750 x 0.2 + 250 x 1.0) / 1,000; the theatre is no ward
    assert measure_variable_share(ledger, expense, centres, pools) == pytest.approx(0.4)
    unknown = expense.assign(variable_share_12m=np.nan)
    assert measure_variable_share(ledger, unknown, centres, pools) is None


def spell_events():
    """Seven spells, one for each reason, and a two-episode spell that counts once."""
    events = simulate(8).assign(discharge_method="1", completion=1)
    events["spell_id"] = ["S0", "S0", "S2", "S3", "S4", "S5", "S6", "S7"]
    events["is_discharging"] = [False, True, True, True, True, True, True, True]
    events.loc[2, "patient_classification"] = "2"
    events.loc[3, "discharge_method"] = "4"
    events.loc[4, "completion"] = 3
    events.loc[5, "hrg_spell"] = "UZ01Z"
    events.loc[6, "discharge_destination"] = "51"
    events.loc[7, "completion"] = 2
    events.loc[[0, 1], "full_cost_pence"] = [30_000, 12_000]
    return events


def test_every_spell_is_compared_or_counted_with_a_reason():
    with Engine() as db:
        db.add_frame("patient_events", spell_events())
        selected = select_stays(db)
    table = count_exclusions(selected).set_index("reason")
    assert table["n_spells"].to_dict() == {
        "kept": 3, "open": 1, "day_or_regular": 1, "died": 1, "no_stay": 0, "no_hrg": 1
    }  # fmt: skip
    assert table["n_spells"].sum() == 7
    first = selected.set_index("spell_id").loc["S0"]
    assert first["full_cost_pence"] == 42_000  # both episodes
    whole = selected.set_index("spell_id")["is_whole_cost"]
    assert bool(whole["S0"]) and not bool(whole["S7"])  # S7 began last year: its cost is in part


def test_transfers_stay_in_and_are_counted():
    assert review(spell_events()).n_transfers == 1


def test_tables_are_those_of_the_contract():
    found = review(simulate(1500), settings=StaySettings(variable_share=0.5))
    empty = review(simulate(10).iloc[:0])
    for one in (found, empty):
        for name in (
            "stay_groups",
            "stay_trim",
            "stay_awaiting",
            "stay_mix",
            "stay_long",
            "stay_value",
        ):
            assert set(OUTPUTS[name].columns) == set(getattr(one, name).columns), name
        assert set(OUTPUTS["stay_exclusions"].columns) == set(one.exclusions.columns)
    for name in (
        "stay_groups",
        "stay_awaiting",
        "stay_mix",
        "stay_long",
        "stay_value",
        "stay_trim",
    ):
        key = list(OUTPUTS[name].key)
        assert not getattr(found, name).duplicated(key).any(), name


def test_same_stays_in_another_order_give_the_same_tables():
    events = simulate(1500, slow_ward=True)
    one, two = review(events, seed=4), review(events.sample(frac=1, random_state=1), seed=4)
    for name in ("stay_groups", "stay_trim", "stay_awaiting", "stay_mix", "stay_value"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))


# ---- edges -------------------------------------------------------------------------------------


def test_a_trust_without_admitted_patients_gets_a_sentence():
    with Engine() as db:
        found = review_stays(db)
    assert found.notes == [NO_STAYS]
    assert found.stay_groups.empty
    assert review(simulate(10).iloc[:0]).notes == [NO_STAYS]
    assert review(simulate(10).assign(patient_classification="2")).notes == [NO_STAYS]


@pytest.mark.parametrize(
    "change",
    [
        {"main_ward_id": "W1", "consultant_code": "C1", "line_id": "TO"},  # one group
        {
            "hrg_spell": [f"{a}A{b:02d}A" for a in "ABCDEFGHJK" for b in range(30)]
        },  # one case a cell
        {"los_days": 0, "discharge_ready_date": pd.NaT},  # nobody stays
        {
            "imd_decile": pd.NA,
            "main_ward_id": None,
            "consultant_code": "C9999998",
        },  # little is known
        {"full_cost_pence": 0, "ward_pence": 0},
        {"los_days": [500] + [1] * 299},
    ],
    ids=["one group", "one case a cell", "all zero", "unknown groups", "no cost", "one very long"],
)
def test_degenerate_trusts_are_reviewed_without_findings(change):
    found = review(simulate(300).assign(**change))
    assert not found.stay_groups["is_material"].any()
    assert not found.stay_groups["is_material"].isna().any()
    assert found.exclusions["n_spells"].sum() == 300


def test_groups_too_small_to_test_are_shown_without_a_q_value():
    spells = frame_of("HN22A", [1] * 50 + [30] * 19, ward=["A"] * 50 + ["B"] * 19)
    table = review_groups(spells, {"ward": spells["ward"]}, np.zeros(69, dtype=int), seed=1)
    row = table.set_index("group").loc["B"]
    assert row["n_spells"] == 19 and np.isnan(row["q_value"]) and not row["is_material"]
