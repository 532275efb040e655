"""The consultant review: who differs from peers, how sure that is, with what outcomes, at what cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.outliers.casemix import Effects, estimate_effects
from helpers.outliers.contamination import (
    Mixture,
    Posterior,
    State,
    fit_contamination,
    flag_false_discovery,
    measure_reliability,
    split_posterior,
    summarise_posterior,
)
from helpers.outliers.funnel import measure_overdispersion
from helpers.outliers.outcomes import OutcomeReview, review_outcomes
from helpers.outliers.saving import (
    Saving,
    empty_saving,
    estimate_saving,
    expect_excess,
    expect_typical,
)
from helpers.outliers.small_groups import ALARM_Z, compare_few
from helpers.outliers.spells import SpellSample
from helpers.outliers.wording import TAU_WARNING, describe_peer_status, describe_variation

MIN_PEERS = 8
MIN_PEERS_INDICATIVE = 5
MIN_SPELLS_PEER = 15
MIN_SPELLS_NAMED = 20
MATERIAL_PROBABILITY = 0.90
STAY_SHARE = (0.25, 0.75)  # of the excess that is ward cost: below, intensity; above, stay
INPATIENT_CLASSES = ("1", "5")
STAY_OFFSET_DAYS = 0.5


@dataclass(frozen=True)
class Measure:
    """A thing consultants are compared on: its name, column, model, and log offset for small lines."""

    name: str
    value: str
    kind: str
    offset: float


COST = Measure("cost", "cost_gbp", "gamma", 0.0)
STAY = Measure("los", "los_days", "poisson", STAY_OFFSET_DAYS)


@dataclass(frozen=True)
class Review:
    """What the review found; the frames follow the output contracts of the same names.

    Attributes
    ----------
    outcome_review
        Each consultant's events, outcome by outcome.
    exclusions
        Spells left out, by reason, with those kept first.
    """

    consultant_review: pd.DataFrame
    saving: pd.DataFrame
    saving_totals: pd.DataFrame
    specialty_variation: pd.DataFrame
    outcome_review: pd.DataFrame
    review_accounts: pd.DataFrame
    exclusions: pd.DataFrame


@dataclass(frozen=True)
class Fit:
    """One measure fitted over the trust: peers in the model's order, and the model."""

    measure: Measure
    peers: pd.DataFrame
    variation: pd.DataFrame
    line: np.ndarray
    mixture: Mixture | None
    state: State | None


def review_consultants(
    sample: SpellSample,
    consultants: pd.DataFrame,
    *,
    seed: int,
    min_spells: int = MIN_SPELLS_NAMED,
    variable_prop: float = float("nan"),
) -> Review:
    """Compare each consultant with the peers of the same line, on cost and on stay.

    Parameters
    ----------
    sample
        From ``select_spells``.
    consultants
        Consultants' codes and pseudonyms.
    seed
        Seed of the interval's draws; the same seed and spells give the same review.
    min_spells
        Fewest spells of a consultant who may be named.
    variable_prop
        Share of controllable cost that varies within twelve months (``measure_variable_prop``).
    """
    spells = sample.spells
    stays = spells[
        spells["patient_classification"].isin(INPATIENT_CLASSES) & spells["los_days"].notna()
    ]
    cost = fit_measure(spells, COST, min_spells=min_spells)
    stay = fit_measure(stays, STAY, min_spells=min_spells)
    outcomes = _review_lines_outcomes(spells, sample.outcomes, cost.peers)
    cost = _add_outcomes(cost, outcomes.table)
    cost = _add_drivers(cost, spells)
    saving = _estimate_saving(cost, sample.controllable, variable_prop=variable_prop, seed=seed)
    review = pd.concat([_complete(cost, spells), _complete(stay, stays)], ignore_index=True)
    return Review(
        consultant_review=_add_pseudonyms(review, consultants),
        saving=saving.by_consultant,
        saving_totals=saving.totals,
        specialty_variation=pd.concat([cost.variation, stay.variation], ignore_index=True),
        outcome_review=outcomes.by_measure,
        review_accounts=_account(cost),
        exclusions=sample.exclusions,
    )


def fit_measure(spells: pd.DataFrame, measure: Measure, *, min_spells: int) -> Fit:
    """Fit one measure: lines with enough peers by the main model, small ones as an indication."""
    parts, variation, few = [], [], []
    for line_id, rows in spells.groupby("line_id", sort=True):
        n_spells = rows.groupby("consultant_code").size()
        n_peers = int((n_spells >= MIN_SPELLS_PEER).sum())
        effects = _estimate_line(rows, measure) if n_peers >= MIN_PEERS else None
        if effects is not None and len(effects.table) >= MIN_PEERS:
            parts.append(effects.table.assign(line_id=line_id))
            variation.append(_describe_line(line_id, measure, effects, rows))
            continue
        small = compare_few(rows, value=measure.value, offset=measure.offset, min_spells=min_spells)
        few.append(small.assign(line_id=line_id))
        variation.append(_describe_small_line(line_id, measure, len(small), n_peers, len(rows)))
    lines = _stack(variation, ["line_id"])
    if not parts:
        return Fit(measure, _stack_few(few), lines, np.array([], dtype=int), None, None)
    peers = pd.concat(parts, ignore_index=True)
    line, names = pd.factorize(peers["line_id"], sort=True)
    theta, error = peers["theta"].to_numpy(), peers["std_error"].to_numpy()
    state = fit_contamination(theta, error, line)
    mixture = split_posterior(theta, error, line, state)
    posterior = summarise_posterior(mixture)
    peers = _add_posterior(peers, posterior, mixture, min_spells)
    lines = _add_tau(lines, peers)
    return Fit(measure, _stack([peers, *few], ["line_id"]), lines, line, mixture, state)


def _estimate_line(rows: pd.DataFrame, measure: Measure) -> Effects:
    return estimate_effects(
        rows, value=measure.value, kind=measure.kind, min_spells=MIN_SPELLS_PEER
    )


def _add_posterior(
    peers: pd.DataFrame, posterior: Posterior, mixture: Mixture, min_spells: int
) -> pd.DataFrame:
    """Add each peer's ratio, probabilities and flag.

    In a line whose natural variation is wide nobody is named an outlier, and nobody with fewer than
    ``min_spells`` spells is named at all.
    """
    base = peers["base"].to_numpy()
    table = peers.assign(
        expected=expect_typical(base, mixture),
        ratio=posterior.ratio,
        ci_low=posterior.ratio_low,
        ci_high=posterior.ratio_high,
        probability=posterior.prob_high,
        prob_low=posterior.prob_low,
        prob_material=posterior.prob_material,
        tau=posterior.tau,
        reliability=measure_reliability(posterior.tau, peers["std_error"].to_numpy()),
        excess=expect_excess(base, mixture),
    )
    table["crude_ratio"] = table["observed"] / table["expected"]
    may_name = (table["n"] >= min_spells).to_numpy()
    separable = may_name & (table["tau"] <= TAU_WARNING).to_numpy()
    outlier = np.zeros(len(table), dtype=bool)
    outlier[separable] = flag_false_discovery(table["probability"].to_numpy()[separable])
    material = may_name & (table["prob_material"] >= MATERIAL_PROBABILITY).to_numpy()
    table["flag"] = np.select(
        [outlier, material, ~may_name], ["outlier", "material", "not_tested"], "none"
    )
    return table


def _stack_few(few: list[pd.DataFrame]) -> pd.DataFrame:
    return _stack(few, ["line_id", "consultant_code", "n", "observed", "expected", "ratio", "flag"])


def _stack(parts: list, columns: list[str]) -> pd.DataFrame:
    """Return parts one under another; small lines gain their flag; an empty frame if there are none."""
    kept = [part for part in parts if len(part)]
    if not kept:
        return pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
    table = pd.concat(kept, ignore_index=True)
    if "z" in table:
        is_small = table["z"].notna()
        flag = np.where(table["z"] > ALARM_Z, "indicative", "none")
        table["flag"] = np.where(is_small, flag, table["flag"] if "flag" in table else "none")
        table["crude_ratio"] = (table["observed"] / table["expected"]).where(
            is_small, table.get("crude_ratio", np.nan)
        )
    return table


def _describe_line(
    line_id: str, measure: Measure, effects: Effects, rows: pd.DataFrame
) -> pd.DataFrame:
    theta, error = effects.table["theta"].to_numpy(), effects.table["std_error"].to_numpy()
    spread = measure_overdispersion(theta / error, error)
    return pd.DataFrame(
        {
            "line_id": [line_id],
            "measure": [measure.name],
            "n_consultants": [len(effects.table)],
            "n_spells": [len(rows)],
            "tau": [np.nan],
            "no_comparator_prop": [effects.no_comparator_prop],
            "phi": [spread.phi],
            "words": [""],
        }
    )


def _describe_small_line(
    line_id: str, measure: Measure, n_compared: int, n_peers: int, n_spells: int
) -> pd.DataFrame:
    words = describe_variation(float("nan"), n_compared=n_compared, n_peers=n_peers)
    return pd.DataFrame(
        {
            "line_id": [line_id],
            "measure": [measure.name],
            "n_consultants": [max(n_compared, n_peers)],
            "n_spells": [n_spells],
            "tau": [np.nan],
            "no_comparator_prop": [np.nan],
            "phi": [np.nan],
            "words": [words],
        }
    )


def _add_tau(lines: pd.DataFrame, peers: pd.DataFrame) -> pd.DataFrame:
    tau = peers.groupby("line_id")["tau"].first()
    table = lines.assign(tau=lines["line_id"].map(tau).astype("float64"))
    words = [
        describe_variation(t, n_compared=n, n_peers=n) if np.isfinite(t) else given
        for t, n, given in zip(table["tau"], table["n_consultants"], table["words"], strict=True)
    ]
    return table.assign(words=pd.Series(words, dtype="str"))


def _review_lines_outcomes(
    spells: pd.DataFrame, measures: tuple[str, ...], peers: pd.DataFrame
) -> OutcomeReview:
    tables, by_measure = [], []
    for line_id, group in peers.groupby("line_id", sort=True):
        rows = spells[spells["line_id"] == line_id]
        found = review_outcomes(rows, measures, group["consultant_code"].tolist())
        tables.append(found.table.assign(line_id=line_id))
        by_measure.append(found.by_measure.assign(line_id=line_id))
    empty = review_outcomes(spells.iloc[0:0], (), [])
    return OutcomeReview(
        pd.concat(tables, ignore_index=True) if tables else empty.table.assign(line_id=""),
        pd.concat(by_measure, ignore_index=True)
        if by_measure
        else empty.by_measure.assign(line_id=""),
    )


def _add_outcomes(fit: Fit, outcomes: pd.DataFrame) -> Fit:
    """Add the outcome class to the flagged, and the odds ratio to all."""
    if fit.peers.empty:
        return fit
    kept = outcomes[
        [
            "line_id",
            "consultant_code",
            "benefit",
            "odds_ratio",
            "odds_low",
            "odds_high",
            "n_outcomes",
        ]
    ]
    peers = fit.peers.merge(
        kept, on=["line_id", "consultant_code"], how="left", validate="one_to_one"
    )
    flagged = peers["flag"].isin(["outlier", "material", "indicative"])
    peers["benefit"] = peers["benefit"].where(flagged, "not_assessed")
    known = peers["n_outcomes"] > 0
    for name in ("odds_ratio", "odds_low", "odds_high"):
        peers[name] = peers[name].where(known)
    return Fit(fit.measure, peers, fit.variation, fit.line, fit.mixture, fit.state)


def _add_drivers(fit: Fit, spells: pd.DataFrame) -> Fit:
    """Add what the excess of each flagged consultant comes from: stay, intensity or both."""
    if fit.peers.empty:
        return fit
    driver = pd.Series("", index=fit.peers.index, dtype="str")
    flagged = fit.peers["flag"].isin(["outlier", "material"])
    for line_id in sorted(set(fit.peers.loc[flagged, "line_id"])):
        rows = spells[spells["line_id"] == line_id]
        share = _measure_ward_share(rows.assign(other_gbp=rows["cost_gbp"] - rows["ward_gbp"]))
        mine = flagged & (fit.peers["line_id"] == line_id)
        own = fit.peers.loc[mine, "consultant_code"].map(share)
        words = np.select([own > STAY_SHARE[1], own < STAY_SHARE[0]], ["stay", "intensity"], "both")
        driver[mine] = np.where(own.isna(), "", words)
    return Fit(
        fit.measure,
        fit.peers.assign(driver=driver),
        fit.variation,
        fit.line,
        fit.mixture,
        fit.state,
    )


def _measure_ward_share(rows: pd.DataFrame) -> pd.Series:
    """Return the share of each consultant's excess over the median peer that is ward cost."""
    excess = []
    for value in ("ward_gbp", "other_gbp"):
        table = estimate_effects(
            rows, value=value, kind="poisson", min_spells=MIN_SPELLS_PEER
        ).table.set_index("consultant_code")
        excess.append(table["base"] * (np.exp(table["theta"]) - np.exp(table["theta"].median())))
    ward, other = excess[0].align(excess[1], fill_value=0.0)
    total = ward + other
    return (ward / total.where(total > 0)).clip(0, 1)


def _estimate_saving(
    cost: Fit, controllable: pd.DataFrame, *, variable_prop: float, seed: int
) -> Saving:
    if cost.mixture is None:
        return empty_saving()
    peers = cost.peers.iloc[: len(cost.line)]
    total = int(controllable["controllable_pence"].sum())
    return estimate_saving(
        peers, cost.mixture, cost.state, cost.line,
        controllable_pence=total, variable_prop=variable_prop, seed=seed,
    )  # fmt: skip


def _complete(fit: Fit, spells: pd.DataFrame) -> pd.DataFrame:
    """Return a row for every consultant with a spell: those not compared say why."""
    value = fit.measure.value
    everyone = spells.groupby(["line_id", "consultant_code"], as_index=False).agg(
        n_all=(value, "size"), observed_all=(value, "sum")
    )
    table = everyone.merge(
        fit.peers.drop(columns=["n_all"], errors="ignore"),
        on=["line_id", "consultant_code"], how="left", validate="one_to_one",
    )  # fmt: skip
    for name in REVIEW_NUMBERS:
        table[name] = table[name].astype("float64") if name in table else np.nan
    for name, missing in REVIEW_TEXTS:
        table[name] = (
            table[name].astype("str").where(table[name].notna(), missing)
            if name in table
            else missing
        )
    table["n"] = table["n"].where(table["n"].notna(), table["n_all"]).astype("int64")
    table["observed"] = table["observed"].where(table["observed"].notna(), table["observed_all"])
    n_peers = (
        fit.variation.set_index("line_id")["n_consultants"]
        if len(fit.variation)
        else pd.Series(dtype="int64")
    )
    table["status"] = [
        describe_peer_status(
            row.flag, measure=fit.measure.name, n=row.n, ratio=row.ratio, n_peers=int(peers)
        )
        for row, peers in zip(
            table.itertuples(), table["line_id"].map(n_peers).fillna(0), strict=True
        )
    ]
    table["measure"] = fit.measure.name
    return table[
        [
            "line_id",
            "consultant_code",
            "measure",
            "n",
            *REVIEW_NUMBERS[1:],
            *[name for name, _ in REVIEW_TEXTS],
            "status",
        ]
    ]


REVIEW_NUMBERS = (
    "n", "observed", "expected", "ratio", "ci_low", "ci_high", "probability", "prob_low",
    "prob_material", "crude_ratio", "std_error", "tau", "reliability", "excess",
    "odds_ratio", "odds_low", "odds_high",
)  # fmt: skip
REVIEW_TEXTS = (("flag", "not_tested"), ("benefit", "not_assessed"), ("driver", ""))


def _add_pseudonyms(review: pd.DataFrame, consultants: pd.DataFrame) -> pd.DataFrame:
    """Add the name used in the report; a consultant without one gets a neutral label, not the code."""
    names = consultants[["consultant_code", "pseudonym"]]
    table = review.merge(names, on="consultant_code", how="left", validate="many_to_one")
    blank = table["pseudonym"].isna() | (table["pseudonym"].astype("str").str.strip() == "")
    order = pd.factorize(table["consultant_code"].where(blank), sort=True)[0] + 1
    labels = pd.Series(order, index=table.index).map("Unlisted-{:02d}".format)
    table["pseudonym"] = table["pseudonym"].where(~blank, labels).astype("str")
    return table


def _account(fit: Fit) -> pd.DataFrame:
    """Return, by line, actual = expected at the typical peer + named excess + the rest, in pence."""
    table = fit.peers.iloc[: len(fit.line)]
    if table.empty:
        return pd.DataFrame(
            {"line_id": pd.Series(dtype="str")}
            | {name: pd.Series(dtype="int64") for name in ACCOUNT_COLUMNS}
        )
    named = table["excess"].where(table["flag"] == "outlier", 0.0)
    pence = pd.DataFrame(
        {
            "line_id": table["line_id"],
            "actual_pence": np.rint(table["observed"] * 100).astype("int64"),
            "expected_pence": np.rint(table["expected"] * 100).astype("int64"),
            "identified_pence": np.rint(named * 100).astype("int64"),
        }
    )
    sums = pence.groupby("line_id", as_index=False).sum()
    sums["residual_pence"] = (
        sums["actual_pence"] - sums["expected_pence"] - sums["identified_pence"]
    )
    return sums


ACCOUNT_COLUMNS = ("actual_pence", "expected_pence", "identified_pence", "residual_pence")
