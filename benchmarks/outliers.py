"""Measure the consultant review on simulated trusts, beside the usual methods.

    python benchmarks/outliers.py --results FOLDER --minutes 5     run on; each trust is kept when done
    python benchmarks/outliers.py --results FOLDER --names         the same, names alone (a quarter of the time)
    python benchmarks/outliers.py --results FOLDER --table         what has been measured so far
    python benchmarks/outliers.py --speed                          time and memory at two sizes

Every method sees the same episodes. Seeds start at 17001 (or at --first); the method was tuned on others
(7001 to 7040).
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd
from reference_models import fit_plain, judge_by_laws, judge_knowing, name_by_mean
from simulated_trusts import SCENARIOS, SimulatedTrust, draw_trust

from helpers.outliers.casemix import build_design, fit_poisson, pool_variance
from helpers.outliers.cases import (
    MIN_CASES_NAMED,
    build_sample,
    list_consultants,
    tabulate_consultants,
    tabulate_summary,
)
from helpers.outliers.consultants import review_consultants
from helpers.outliers.funnel import Z_95, Z_998, adjust_z, measure_overdispersion
from helpers.outliers.line_cases import build_covariates, pool_casemix, read_line_cases
from helpers.outliers.peers import screen_cost
from helpers.outliers.random_effects import fit_random_intercept
from helpers.outliers.spells import SpellSample

FIRST_SEED = 17001
REPLICATIONS = {name: 50 if name in ("base", "null", "t4", "t4-null") else 20 for name in SCENARIOS}
MATERIAL = 1.15
TRUE_CLASS = {"better": "better", "worse": "worse", "same": "no_better"}
METHODS = (
    ("review", "this review"),
    ("z", "plain z-score of the mean cost, above 2"),
    ("funnel", "funnel of cost over expected, patients' errors, 99.8%"),
    ("funnel_od95", "the same with over-dispersion, 95%"),
    ("funnel_od998", "the same with over-dispersion, 99.8%"),
    ("mixed", "mixed model of log cost (REML), P(above 15%) at least 90%"),
    ("plain", "plain contamination model, normal tails, mean chance of a wrong name 10%"),
    ("laws", "one who knows by which laws trusts are invented, mean chance 10%"),
    ("knowing", "one who knows natural variation and what was planted, mean chance 10%"),
)


def to_cases(episodes: pd.DataFrame, *, with_stay: bool) -> pd.DataFrame:
    """Return episodes as the stand-alone review reads them: money in pence."""
    cases = episodes.copy()
    for name in ("total_cost", "ward_cost", "other_cost"):
        cases[f"{name}_pence"] = np.rint(cases.pop(name) * 100).astype("int64")
    return cases if with_stay else cases.drop(columns="los_days")


def measure_trust(scenario: str, seed: int) -> dict:
    """Return what each method finds in one trust, beside the truth."""
    trust = draw_trust(scenario, seed)
    sample = build_sample(to_cases(trust.episodes, with_stay=False))
    began = time.process_time()
    review = review_consultants(
        sample,
        list_consultants(sample),
        seed=seed,
        min_spells=MIN_CASES_NAMED,
        drivers_of_all=True,
        with_checks=False,
    )
    seconds = time.process_time() - began
    found = tabulate_consultants(review, by_cost=True)
    truth = trust.truth.set_index("consultant_id").loc[found["consultant_id"]].reset_index()
    own = score_flags(truth, (found["flag_high"] == 1).to_numpy(), found["excess_cost"])
    own |= score_saving(truth, found, tabulate_summary(review, by_cost=True))
    own |= score_words(truth, found) | {"seconds": seconds}
    others = try_usual_methods(sample, trust)
    screened = screen_cost(sample.spells, min_spells=MIN_CASES_NAMED)
    others |= try_models(screened, trust, scenario)
    return {"scenario": scenario, "seed": seed, "n": len(trust.episodes), "review": own} | others


def measure_names(scenario: str, seed: int) -> dict:
    """Return whom each method names in one trust, beside the truth; no savings and no outcomes."""
    trust = draw_trust(scenario, seed)
    sample = build_sample(to_cases(trust.episodes, with_stay=False))
    found = screen_cost(sample.spells, min_spells=MIN_CASES_NAMED)
    truth = trust.truth.set_index("consultant_id").loc[found["consultant_code"]].reset_index()
    own = score_flags(truth, found["is_named"].to_numpy(), pd.Series(0.0, index=found.index))
    others = try_usual_methods(sample, trust) | try_models(found, trust, scenario)
    return {"scenario": scenario, "seed": seed, "n": len(trust.episodes), "review": own} | others


def try_models(found: pd.DataFrame, trust: SimulatedTrust, scenario: str) -> dict:
    """Return the scores of the plain model and of one who knows, on the review's own estimates."""
    truth = trust.truth.set_index("consultant_id").loc[found["consultant_code"]].reset_index()
    theta, error = found["theta"].to_numpy(), found["std_error"].to_numpy()
    line = pd.factorize(found["line_id"], sort=True)[0]
    chances = {
        "plain": fit_plain(theta, error, line),
        "laws": judge_by_laws(theta, error, line),
        "knowing": judge_knowing(found, truth, SCENARIOS[scenario]),
    }
    nothing = pd.Series(0.0, index=found.index)
    return {
        name: score_flags(truth, name_by_mean(chance), nothing) for name, chance in chances.items()
    }


def score_flags(truth: pd.DataFrame, flag: np.ndarray, claimed: pd.Series) -> dict:
    """Return counts of right and wrong flags, and the money claimed beside the true excess."""
    high = (truth["kind"] == "high").to_numpy()
    ratio = (truth["actual_gbp"] / truth["peer_gbp"]).to_numpy()
    excess = (truth["actual_gbp"] - truth["peer_gbp"]).to_numpy()
    planted = (truth["actual_gbp"] - truth["unplanted_gbp"]).to_numpy()
    return {
        "flags": int(flag.sum()),
        "right": int((flag & high).sum()),
        "high": int(high.sum()),
        "not_material": int((flag & (ratio <= MATERIAL)).sum()),
        "claimed": float(claimed.to_numpy()[flag].sum()),
        "true_excess": float(excess[flag].sum()),
        "planted": float(planted[high].sum()),
        "cost": float(truth["actual_gbp"].sum()),
    }


def score_saving(truth: pd.DataFrame, found: pd.DataFrame, summary: pd.DataFrame) -> dict:
    """Return the two savings and their intervals beside the truth, and consultants' own intervals."""
    rows = summary.set_index("measure")
    flag, high = (found["flag_high"] == 1).to_numpy(), (truth["kind"] == "high").to_numpy()
    excess = (truth["actual_gbp"] - truth["peer_gbp"]).to_numpy()
    planted = (truth["actual_gbp"] - truth["unplanted_gbp"]).to_numpy()
    sums = {
        "peer": ("identified_saving_to_peer", float(excess[flag].sum())),
        "total": ("total_saving", float(planted[high].sum())),
    }
    scores = {}
    for name, (row, true) in sums.items():
        value, low, high_end = (float(x) for x in rows.loc[row, ["value", "lo", "hi"]])
        scores |= {f"{name}_value": value, f"{name}_true": true}
        scores[f"{name}_covered"] = int(low <= true <= high_end)
    known = found["excess_cost"].notna().to_numpy()
    inside = (found["excess_lo"] <= excess) & (excess <= found["excess_hi"])
    return scores | {"own_covered": int(inside[known].sum()), "own": int(known.sum())}


def score_words(truth: pd.DataFrame, found: pd.DataFrame) -> dict:
    """Return how outcome classes and drivers of those planted high agree with the truth."""
    high = (truth["kind"] == "high").to_numpy() & found["excess_cost"].notna().to_numpy()
    given, true = found["outcome_class"][high], truth["outcome"][high]
    decided = given != "inconclusive"
    better = true == "better"
    driver, mechanism = found["driver"][high], truth["mechanism"][high]
    return {
        "decided": int(decided.sum()),
        "classed": int(high.sum()),
        "class_right": int((given == true.map(TRUE_CLASS))[decided].sum()),
        "better": int(better.sum()),
        "harmed": int((better & given.isin(["no_better", "worse"])).sum()),
        "driver_right": int((driver == mechanism).sum()),
    }


def try_usual_methods(sample: SpellSample, trust: SimulatedTrust) -> dict:
    """Return the scores of the methods in common use, on the same cases."""
    spells = sample.spells
    parts = [_score_specialty(rows) for _, rows in spells.groupby("line_id", sort=True)]
    units = pd.concat(parts, ignore_index=True)
    truth = trust.truth.set_index("consultant_id").loc[units["consultant_id"]].reset_index()
    ratio, error = np.log(units["observed"] / units["expected"]), units["error"].to_numpy()
    spread = measure_overdispersion((ratio / error).to_numpy(), error)
    wide = adjust_z(ratio.to_numpy(), error, spread.tau2, target=0.0)
    gap = units["observed"] - units["expected"]
    crude = units["observed"] * (1 - units["peer_mean"] / units["mean"])
    flags = {
        "z": (units["z"] > 2, crude),
        "funnel": (ratio / error > Z_998, gap),
        "funnel_od95": (pd.Series(wide > Z_95), gap),
        "funnel_od998": (pd.Series(wide > Z_998), gap),
        "mixed": (units["mixed"] >= 0.90, units["observed"] * (1 - np.exp(-units["blup"]))),
    }
    return {
        name: score_flags(truth, np.asarray(flag, dtype=bool), claimed)
        for name, (flag, claimed) in flags.items()
    }


def _score_specialty(rows: pd.DataFrame) -> pd.DataFrame:
    """Return each consultant's mean, cost over expected with its error, and mixed-model effect."""
    cases = read_line_cases(rows)
    who, names = cases.who, cases.people
    group = np.unique(pool_casemix(cases, who), return_inverse=True)[1]
    y, covariates = rows["cost_gbp"].to_numpy(), build_covariates(cases)
    nobody = np.zeros(len(y), dtype=int)
    _, mu, _ = fit_poisson(build_design(nobody, 1, group, covariates), y)
    variance = pool_variance((y / mu - 1) ** 2, group)
    observed, expected = np.bincount(who, y), np.bincount(who, mu)
    mean = observed / np.bincount(who)
    dense = np.column_stack([np.ones(len(y)), np.eye(group.max() + 1)[group][:, 1:], covariates])
    mixed = fit_random_intercept(np.log(y), dense, who)
    return pd.DataFrame(
        {
            "consultant_id": names,
            "observed": observed,
            "expected": expected,
            "error": np.sqrt(np.bincount(who, variance * mu**2)) / expected,
            "mean": mean,
            "peer_mean": mean.mean(),
            "z": (mean - mean.mean()) / mean.std(ddof=1),
            "blup": mixed.blup,
            "mixed": mixed.find_prob_above(np.log(MATERIAL)),
        }
    )


def list_work(first: int) -> list[tuple[str, int]]:
    """Return scenarios and seeds, the ones with most replications first and evenly mixed."""
    work = [((k + 0.5) / n, name, first + k) for name, n in REPLICATIONS.items() for k in range(n)]
    return [(name, seed) for _, name, seed in sorted(work, key=lambda one: one[0])]


def run_on(folder: Path, minutes: float, *, first: int, names: bool, only: str) -> None:
    """Measure trusts that have not been, until the minutes are used up."""
    measure, ending = (measure_names, "names.json") if names else (measure_trust, "json")
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + 60 * minutes
    for scenario, seed in list_work(first):
        path = folder / f"{scenario}-{seed}.{ending}"
        if path.exists() or scenario not in (only.split(",") if only else SCENARIOS):
            continue
        if time.monotonic() > until:
            break
        text = json.dumps(measure(scenario, seed))
        path.with_suffix(".part").write_text(text, encoding="utf-8")
        path.with_suffix(".part").rename(path)


def read_results(folder: Path, *, names: bool) -> pd.DataFrame:
    """Return one row a trust and method: of whole reviews, or of all that names are known of."""
    found: dict[tuple[str, int], dict] = {}
    for path in sorted(folder.glob("*.json")):
        one = json.loads(path.read_text(encoding="utf-8"))
        key, is_whole = (one["scenario"], one["seed"]), not path.name.endswith(".names.json")
        if is_whole or (names and key not in found):
            found[key] = one
    rows = [
        {"scenario": one["scenario"], "method": name} | one[name]
        for one in found.values()
        for name, _ in METHODS
        if name in one
    ]
    return pd.DataFrame(rows, columns=None if rows else ["scenario", "method"])


def print_tables(folder: Path) -> None:
    named, whole = read_results(folder, names=True), read_results(folder, names=False)
    for scenario in [name for name in SCENARIOS if name in set(named["scenario"])]:
        here = named[named["scenario"] == scenario]
        own = whole[(whole["scenario"] == scenario) & (whole["method"] == "review")]
        print(f"\n{scenario}: {(here['method'] == 'review').sum()} trusts; savings from {len(own)}")
        for name, words in METHODS:
            if (here["method"] == name).any():
                print(f"  {describe_flags(here[here['method'] == name])}  {words}")
        if len(own):
            print(f"  {describe_money(own)}")


def describe_flags(rows: pd.DataFrame) -> str:
    """Return flags a trust, sensitivity, false discovery, material false flags, claim and its error."""
    sums = rows.sum(numeric_only=True)
    flags, high = max(sums["flags"], 1), max(sums["high"], 1)
    over = (sums["claimed"] - sums["true_excess"]) / sums["true_excess"] if sums["flags"] else 0.0
    return (
        f"flags {sums['flags'] / len(rows):5.2f} sens {sums['right'] / high:.2f} "
        f"fdr {(sums['flags'] - sums['right']) / flags:.3f} mat {sums['not_material'] / flags:.3f} "
        f"claim {100 * sums['claimed'] / sums['cost']:.2f}% of cost, {100 * over:+.1f}% of true excess"
    )


def describe_money(rows: pd.DataFrame) -> str:
    """Return the errors of the two savings, coverage, and the words' scores."""
    sums, parts = rows.sum(numeric_only=True), []
    for name in ("peer", "total"):
        true = sums[f"{name}_true"]
        miss = rows[f"{name}_value"] - rows[f"{name}_true"]
        if true > 0:
            parts.append(
                f"{name}: bias {100 * miss.sum() / true:+.1f}% error {100 * miss.abs().sum() / true:.1f}% "
                f"covered {rows[f'{name}_covered'].mean():.2f}"
            )
        else:
            parts.append(f"{name}: {100 * rows[f'{name}_value'].sum() / sums['cost']:.2f}% of cost")
    parts.append(f"own intervals {sums['own_covered'] / sums['own']:.2f}")
    if sums["classed"]:
        parts.append(
            f"decided {sums['decided'] / sums['classed']:.2f} right {sums['class_right'] / max(sums['decided'], 1):.2f} "
            f"harm {sums['harmed'] / max(sums['better'], 1):.3f} driver {sums['driver_right'] / sums['classed']:.2f}"
        )
    return "; ".join([*parts, f"CPU {rows['seconds'].mean():.1f} s"])


def time_sizes() -> None:
    """Print wall and CPU seconds and peak memory of the whole review at two sizes."""
    trust = draw_trust("base", FIRST_SEED)
    for copies in (1, 20):
        frames = [trust.episodes] * copies
        episodes = pd.concat(frames, ignore_index=True)
        rng = np.random.default_rng(copies)
        episodes["total_cost"] *= rng.uniform(0.9, 1.1, len(episodes))
        episodes["episode_id"] = [f"E{k:08d}" for k in range(len(episodes))]
        cases = to_cases(episodes, with_stay=True)
        del frames, episodes
        began, before = time.monotonic(), time.process_time()
        sample = build_sample(cases)
        review_consultants(sample, list_consultants(sample), seed=1, min_spells=MIN_CASES_NAMED)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{len(cases):,} cases of {len(trust.truth)} consultants: {time.monotonic() - began:.1f} s, "
            f"CPU {time.process_time() - before:.1f} s, peak {peak:.2f} GB",
            flush=True,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the consultant review.")
    parser.add_argument("--results", type=Path, help="folder of what has been measured")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--first", type=int, default=FIRST_SEED, help="the first seed")
    parser.add_argument("--names", action="store_true", help="names alone: no savings, no outcomes")
    parser.add_argument("--only", default="", help="scenarios, commas between")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--speed", action="store_true")
    given = parser.parse_args()
    if given.speed:
        time_sizes()
    elif given.results is None:
        parser.error("--results FOLDER or --speed")
    elif given.table:
        print_tables(given.results)
    else:
        run_on(given.results, given.minutes, first=given.first, names=given.names, only=given.only)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
