"""Invented trusts whose outlying consultants are known, to measure how well a review finds them.

    python benchmarks/simulated_trusts.py --scenario base --seed 1 --out DIR

writes episodes.csv, in the columns that `python -m helpers review` reads, and truth.csv. The draw is
seeded: the same scenario and seed give the same trust.

A trust has 20 specialties of 15 to 25 consultants, about 100,000 episodes a year. An episode costs
its non-stay part (lognormal in half the specialties, Gamma in the other half) and its days (negative
binomial; one in fifty stays four times as long) at the specialty's price of a day. Consultants differ
naturally, by a standard deviation of 5% to 15% that is the specialty's own, and by 5% more from HRG
to HRG. A few are divergent: what they cost more (or less) is planted, and so are their outcomes.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

VOLUME = (15, 200, 600)  # episodes a year: least, median, most
VOLUME_SPREAD = 0.7  # standard deviation of the logarithm
HIGH, LOW = (1.25, 1.60), (0.65, 0.80)  # planted ratios of expected cost
CELL_SD = 0.05  # consultant by HRG, log units
LONG_STAY, LONG_FACTOR = 0.02, 4.0
LONGEST_SHARE = 0.90  # of a consultant's patients who may be made long stayers
DAYS_SHAPE = 1.5  # of the negative binomial
DAY_PRICE = (300.0, 420.0)  # pounds
COST_SD, COST_SHAPE = 0.6, 2.5  # of non-stay cost: lognormal, Gamma
HEAVY_SHARE, HEAVY_FACTOR = 0.05, 6.0
T_DEGREES = 4
OUTCOME_SD = 0.12  # natural variation of outcomes, log odds
OUTCOMES = (("readmit30", 0.09), ("died", 0.03), ("complication", 0.075))
BETTER, WORSE = (0.45, 0.65), (1.5, 2.0)  # planted odds ratios
BETTER_SHARE, WORSE_SHARE = 0.30, 0.20  # of those planted high
MECHANISMS = ("los", "nonstay", "both")


@dataclass(frozen=True)
class Scenario:
    """What is changed from the base trust.

    Attributes
    ----------
    high, low
        Share of consultants planted dear and cheap.
    tau
        Least and most natural standard deviation of a specialty, log units.
    mix
        Concentration of consultants' shares of HRGs: the smaller, the more they differ.
    patients
        Standard deviation between consultants of their patients' mean age (decades) and Charlson score.
    """

    n_specialties: int = 20
    high: float = 0.08
    low: float = 0.03
    tau: tuple[float, float] = (0.05, 0.15)
    mix: float = 8.0
    patients: float = 0.15
    is_heavy_cost: bool = False
    is_heavy_natural: bool = False
    only_long_stays: bool = False


BASE = Scenario()
SCENARIOS = {
    "base": BASE,
    "null": replace(BASE, high=0.0, low=0.0),
    "dense": replace(BASE, high=0.16),
    "heavytail": replace(BASE, is_heavy_cost=True),
    "lowhet": replace(BASE, tau=(0.02, 0.06)),
    "highhet": replace(BASE, tau=(0.12, 0.22)),
    "confounded": replace(BASE, mix=1.0, patients=0.6),
    "tailmech": replace(BASE, only_long_stays=True),
    "small": replace(BASE, n_specialties=6),
    "t4": replace(BASE, is_heavy_natural=True),
    "t4-null": replace(BASE, is_heavy_natural=True, high=0.0, low=0.0),
}


@dataclass(frozen=True)
class SimulatedTrust:
    """An invented trust.

    Attributes
    ----------
    episodes
        One row an episode, in the columns of the stand-alone review.
    truth
        One row a consultant: ``kind`` (high, low, usual), ``tau`` (natural standard deviation of the
        specialty, log units), ``ratio`` planted, ``mechanism``,
        ``outcome`` (better, worse, same) and the expected cost of the same patients in pounds: as it
        is (``actual``), without what is planted (``unplanted``), with the typical peer (``peer``).
    """

    episodes: pd.DataFrame
    truth: pd.DataFrame


def draw_trust(scenario: str | Scenario, seed: int) -> SimulatedTrust:
    """Draw one trust."""
    plan = SCENARIOS[scenario] if isinstance(scenario, str) else scenario
    rng = np.random.default_rng(seed)
    people = _draw_consultants(plan, rng)
    parts = [
        _draw_specialty(plan, number, rows, rng)
        for number, rows in people.groupby("specialty", sort=True)
    ]
    episodes = pd.concat([part for part, _ in parts], ignore_index=True)
    sums = pd.concat([part for _, part in parts], ignore_index=True)
    truth = people.merge(sums, on="consultant_id", validate="one_to_one")
    episodes.insert(0, "episode_id", [f"E{k:07d}" for k in range(len(episodes))])
    return SimulatedTrust(episodes, truth)


def _draw_consultants(plan: Scenario, rng: np.random.Generator) -> pd.DataFrame:
    """Draw who there is, how much they do, and what is planted on whom."""
    sizes = rng.integers(15, 26, plan.n_specialties)
    specialty = np.repeat(np.arange(plan.n_specialties), sizes)
    n = len(specialty)
    least, median, most = VOLUME
    volume = np.clip(median * np.exp(VOLUME_SPREAD * rng.standard_normal(n)), least, most)
    tau = rng.uniform(*plan.tau, plan.n_specialties)[specialty]
    scores = rng.standard_normal(n)
    if plan.is_heavy_natural:  # the same standard deviation, heavier tails
        scores = rng.standard_t(T_DEGREES, n) * np.sqrt((T_DEGREES - 2) / T_DEGREES)
    place = rng.random(n)
    kind = np.select([place < plan.high, place > 1 - plan.low], ["high", "low"], "usual")
    ratio = np.select(
        [kind == "high", kind == "low"], [rng.uniform(*HIGH, n), rng.uniform(*LOW, n)], 1.0
    )
    outcome, odds = _draw_outcome_effects(kind == "high", rng)
    mechanism = rng.choice(MECHANISMS, n)
    mechanism = np.select(
        [kind == "usual", kind == "low"], ["", "both"], "los" if plan.only_long_stays else mechanism
    )
    return pd.DataFrame(
        {
            "consultant_id": [f"D{k:04d}" for k in range(n)],
            "specialty": specialty,
            "volume": np.rint(volume).astype("int64"),
            "tau": tau,
            "natural": tau * scores,
            "kind": kind,
            "ratio": ratio,
            "mechanism": mechanism,
            "outcome": outcome,
            "odds": odds,
        }
    )


def _draw_outcome_effects(is_high: np.ndarray, rng: np.random.Generator):
    """Draw whose patients truly do better or worse, and the odds ratio."""
    n = len(is_high)
    place = np.where(is_high, rng.random(n), 0.5 * (BETTER_SHARE + 1 - WORSE_SHARE))
    outcome = np.select(
        [place < BETTER_SHARE, place > 1 - WORSE_SHARE], ["better", "worse"], "same"
    )
    odds = np.select(
        [outcome == "better", outcome == "worse"],
        [rng.uniform(*BETTER, n), rng.uniform(*WORSE, n)],
        1.0,
    )
    return outcome, odds


def _draw_specialty(
    plan: Scenario, number: int, people: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw one specialty's episodes, and the expected cost of each consultant's patients."""
    n_hrgs, n_people = int(rng.integers(8, 16)), len(people)
    who = np.repeat(np.arange(n_people), people["volume"])
    hrg = _draw_hrgs(plan, who, n_people, n_hrgs, rng)
    patients = _draw_patients(plan, who, n_people, rng)
    cell = rng.normal(0, CELL_SD, (n_people, n_hrgs))[who, hrg]
    price = rng.uniform(*DAY_PRICE)
    typical = _expect_parts(patients, hrg, n_hrgs, rng)
    own = np.exp(people["natural"].to_numpy()[who] + cell)
    planted = _plant(plan, people, who, typical, own, price)
    stay, other, long = (values[who] for values in planted)
    costs = _draw_costs(
        plan, number, typical["days"] * own * stay, typical["other"] * own * other, long, price, rng
    )
    events = _draw_events(people, who, patients, rng)
    table = pd.DataFrame(
        {
            "specialty": f"S{number:02d}",
            "consultant_id": people["consultant_id"].to_numpy()[who],
            "hrg": np.array([f"H{number:02d}{k:02d}A" for k in range(n_hrgs)])[hrg],
            **{name: patients[name] for name in _PATIENT_COLUMNS},
            **costs,
            **events,
        }
    )
    truth = pd.DataFrame(
        {
            "consultant_id": people["consultant_id"],
            "actual_gbp": _total_cost(typical, own * stay, own * other, long, price, who, plan),
            "unplanted_gbp": _total_cost(typical, own, own, LONG_STAY, price, who, plan),
            "peer_gbp": _total_cost(typical, 1.0, 1.0, LONG_STAY, price, who, plan),
        }
    )
    return table, truth


_PATIENT_COLUMNS = ("age", "sex", "charlson", "admission_method", "imd_quintile", "admission_date")


def _draw_hrgs(plan: Scenario, who, n_people: int, n_hrgs: int, rng) -> np.ndarray:
    """Draw each episode's HRG from its consultant's own mix."""
    common = rng.dirichlet(np.full(n_hrgs, 2.0))
    mix = rng.dirichlet(common * plan.mix * n_hrgs / 8 + 0.05, n_people)
    ends = np.cumsum(mix, axis=1)
    return np.minimum((rng.random(len(who))[:, None] > ends[who]).sum(1), n_hrgs - 1)


def _draw_patients(plan: Scenario, who, n_people: int, rng) -> dict[str, np.ndarray]:
    n = len(who)
    older, sicker = rng.normal(0, plan.patients, (2, n_people))
    emergency = rng.random(n) < rng.beta(4, 5, n_people)[who]
    days = rng.integers(0, 365, n).astype("timedelta64[D]")
    return {
        "age": np.clip(np.rint(62 + 16 * rng.standard_normal(n) + 10 * older[who]), 18, 98).astype(int),
        "sex": rng.integers(1, 3, n),
        "charlson": rng.poisson(0.9 * np.exp(sicker[who])),
        "admission_method": np.where(emergency, "EM", "EL"),
        "imd_quintile": rng.integers(1, 6, n),
        "admission_date": np.datetime_as_string(np.datetime64("2024-04-01") + days),
    }  # fmt: skip


def _expect_parts(patients: dict, hrg: np.ndarray, n_hrgs: int, rng) -> dict[str, np.ndarray]:
    """Return each patient's expected days and non-stay cost with a typical peer, and a day's price."""
    decades, charlson = (patients["age"] - 60) / 10, patients["charlson"]
    emergency = patients["admission_method"] == "EM"
    deprived = (3 - patients["imd_quintile"]) / 2
    days = np.log(2.3) + rng.normal(0, 0.55, n_hrgs)[hrg]
    days = days + 0.10 * decades + 0.13 * charlson + 0.30 * emergency + 0.05 * deprived
    other = np.log(1150) + rng.normal(0, 0.65, n_hrgs)[hrg]
    other = other + 0.02 * decades + 0.05 * charlson + 0.08 * emergency
    return {"days": np.exp(days), "other": np.exp(other)}


def _lengthen(share: np.ndarray | float) -> np.ndarray | float:
    """Return by how much long stayers raise the mean stay."""
    return 1 + share * (LONG_FACTOR - 1)


def _total_cost(typical: dict, stay, other, long, price: float, who: np.ndarray, plan: Scenario):
    """Return each consultant's expected cost, pounds."""
    cost = typical["days"] * stay * _lengthen(long) * price + typical["other"] * other
    heavy = 1 + HEAVY_SHARE * (HEAVY_FACTOR - 1) if plan.is_heavy_cost else 1.0
    return np.bincount(who, cost) * heavy


def _plant(plan: Scenario, people: pd.DataFrame, who, typical: dict, own, price: float):
    """Return by consultant what multiplies days and non-stay cost, and the share of long stays.

    Each is set so that the consultant's expected cost is the planted ratio times what it would be.
    """
    ward = np.bincount(who, typical["days"] * own) * _lengthen(LONG_STAY) * price
    rest = np.bincount(who, typical["other"] * own)
    extra = (people["ratio"].to_numpy() - 1) * (ward + rest)
    mechanism = people["mechanism"].to_numpy()
    part = np.select([mechanism == "los", mechanism == "nonstay"], [1.0, 0.0], ward / (ward + rest))
    stay, other = 1 + extra * part / ward, 1 + extra * (1 - part) / rest
    long = np.full(len(people), LONG_STAY)
    if plan.only_long_stays:
        high = (people["kind"] == "high").to_numpy()
        wanted = (_lengthen(LONG_STAY) * stay - 1) / (LONG_FACTOR - 1)
        long, stay = (
            np.where(high, np.minimum(wanted, LONGEST_SHARE), long),
            np.where(high, 1, stay),
        )
    return stay, other, long


def _draw_costs(plan: Scenario, number: int, days, other, long, price: float, rng) -> dict:
    """Draw each episode's days and costs from their means, pounds."""
    n = len(days)
    los = rng.poisson(rng.gamma(DAYS_SHAPE, days / DAYS_SHAPE))
    los = np.where(
        rng.random(n) < long,
        rng.poisson(rng.gamma(DAYS_SHAPE, days / DAYS_SHAPE * LONG_FACTOR)),
        los,
    )
    if number % 2:
        noise = np.exp(COST_SD * rng.standard_normal(n) - COST_SD**2 / 2)
    else:
        noise = rng.gamma(COST_SHAPE, 1 / COST_SHAPE, n)
    heavy = np.where(rng.random(n) < HEAVY_SHARE, HEAVY_FACTOR, 1.0) if plan.is_heavy_cost else 1.0
    ward_cost = np.round(los * price * heavy, 2)
    other_cost = np.round(other * noise * heavy, 2)
    return {
        "los_days": los,
        "ward_cost": ward_cost,
        "other_cost": other_cost,
        "total_cost": np.round(ward_cost + other_cost, 2),
    }


def _draw_events(people: pd.DataFrame, who: np.ndarray, patients: dict, rng) -> dict:
    """Draw outcomes; a patient who died cannot be readmitted."""
    risk = 0.30 * (patients["age"] - 62) / 10 + 0.20 * (patients["charlson"] - 0.9)
    risk = risk + 0.30 * (patients["admission_method"] == "EM")
    events = {}
    for name, rate in OUTCOMES:
        own = rng.normal(0, OUTCOME_SD, len(people)) + np.log(people["odds"].to_numpy())
        level = np.log(rate / (1 - rate)) - 0.35  # the risks' spread raises the mean rate again
        chance = 1 / (1 + np.exp(-(level + risk + own[who])))
        events[name] = (rng.random(len(who)) < chance).astype(float)
    events["readmit30"][events["died"] == 1] = np.nan
    return events


def main() -> int:
    parser = argparse.ArgumentParser(description="Write an invented trust and the truth about it.")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), default="base")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="folder for the two files")
    given = parser.parse_args()
    trust = draw_trust(given.scenario, given.seed)
    given.out.mkdir(parents=True, exist_ok=True)
    trust.episodes.to_csv(given.out / "episodes.csv", index=False, lineterminator="\n")
    trust.truth.to_csv(given.out / "truth.csv", index=False, lineterminator="\n")
    print(f"{len(trust.episodes):,} episodes of {len(trust.truth)} consultants: {given.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
