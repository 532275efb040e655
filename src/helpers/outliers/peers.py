"""Consultants against the peers of their line, on one measure: cost or stay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.outliers.casemix import Effects, estimate_effects
from helpers.outliers.contamination import Model, fit_contamination
from helpers.outliers.funnel import measure_overdispersion
from helpers.outliers.line_cases import read_line_cases
from helpers.outliers.posterior import (
    Mixture,
    find_divergent,
    find_least,
    flag_false_discovery,
    measure_reliability,
    split_posterior,
    summarise_posterior,
)
from helpers.outliers.saving import expect_excess, expect_typical
from helpers.outliers.small_groups import compare_few, find_norms
from helpers.outliers.wording import ALARM_Z, MIN_PEERS, TAU_WARNING, describe_variation

MIN_SPELLS_PEER = 15
MATERIAL_PROBABILITY = 0.90
STAY_OFFSET_DAYS = 0.5


@dataclass(frozen=True)
class Measure:
    """A thing consultants are compared on.

    Attributes
    ----------
    name, value
        As in the review table, and the column of the spells.
    screen
        Model that tells who differs. For cost it is Gamma, in which every patient weighs alike.
    offset
        Added before taking logs in small lines.

    Notes
    -----
    How much is at stake always comes from the quasi-Poisson model, whose fitted cost adds up to the
    actual cost. A ratio from the Gamma model times the cost of all patients overstates an excess
    that is the same for each of them, such as two extra days (by half, in simulated trusts).
    """

    name: str
    value: str
    screen: str
    offset: float


COST = Measure("cost", "cost_gbp", "gamma", 0.0)
STAY = Measure("los", "los_days", "poisson", STAY_OFFSET_DAYS)


@dataclass(frozen=True)
class Fit:
    """One measure fitted over the trust: peers in the model's order, and the model of amounts."""

    measure: Measure
    peers: pd.DataFrame
    variation: pd.DataFrame
    line: np.ndarray
    mixture: Mixture | None
    model: Model | None
    screen: Model | None = None


def fit_measure(spells: pd.DataFrame, measure: Measure, *, min_spells: int) -> Fit:
    """Fit one measure: lines with enough peers by the main model, small ones as an indication.

    Parameters
    ----------
    spells
        Spells of all lines.
    min_spells
        Fewest spells of a consultant who may be named.
    """
    parts, few, variation = [], [], []
    for line_id, rows in spells.groupby("line_id", sort=True):
        n_peers = int((rows.groupby("consultant_code").size() >= MIN_SPELLS_PEER).sum())
        effects = _estimate_line(rows, measure) if n_peers >= MIN_PEERS else None
        if effects is not None and len(effects.table) >= MIN_PEERS:
            parts.append(effects.table.assign(line_id=line_id))
            variation.append(_describe_line(str(line_id), measure, effects, len(rows)))
            continue
        small = _compare_small_line(rows, measure, n_peers, min_spells)
        few.append(_flag_few(small, str(line_id)))
        words = describe_variation(float("nan"), n_compared=len(small), n_peers=n_peers)
        n = len(small) or n_peers
        row = _start_variation(str(line_id), measure, n, len(rows), words)
        variation.append(row | (_count_alone(rows, measure) if len(small) else {}))
    lines = _list_variation(variation)
    if not parts:
        return Fit(measure, _stack(few), lines, np.array([], dtype=int), None, None)
    peers = pd.concat(parts, ignore_index=True)
    line = pd.factorize(peers["line_id"], sort=True)[0]
    screen_model, screen = _fit(peers["screen_theta"], peers["screen_error"], line)
    model, mixture = _fit(peers["theta"], peers["std_error"], line)
    peers = _add_posterior(peers, screen, mixture, min_spells, find_least(screen_model))
    return Fit(
        measure, _stack([peers, *few]), _add_tau(lines, peers), line, mixture, model, screen_model
    )


def _fit(theta: pd.Series, error: pd.Series, line: np.ndarray) -> tuple[Model, Mixture]:
    effects, errors = theta.to_numpy(), error.to_numpy()
    model = fit_contamination(effects, errors, line)
    return model, split_posterior(effects, errors, line, model)


def _compare_small_line(
    rows: pd.DataFrame, measure: Measure, n_peers: int, min_spells: int
) -> pd.DataFrame:
    """Compare a line of five to seven; a larger one that cannot be modelled is not compared."""
    fit_to_compare = rows if n_peers < MIN_PEERS else rows.iloc[0:0]
    return compare_few(
        fit_to_compare, value=measure.value, offset=measure.offset, min_spells=min_spells
    )


def _estimate_line(rows: pd.DataFrame, measure: Measure) -> Effects:
    """Estimate a line by the model of amounts, with the screening model's effects beside it."""
    cases = read_line_cases(rows)
    fixed = {"value": measure.value, "min_spells": MIN_SPELLS_PEER, "cases": cases}
    amounts = screen = estimate_effects(rows, kind="poisson", **fixed)
    if measure.screen != "poisson":
        screen = estimate_effects(rows, kind=measure.screen, **fixed)
    names = {"theta": "screen_theta", "std_error": "screen_error"}
    beside = screen.table[["consultant_code", *names]].rename(columns=names)
    table = amounts.table.merge(beside, on="consultant_code", how="inner", validate="one_to_one")
    return Effects(table, amounts.no_comparator_prop)


def _add_posterior(
    peers: pd.DataFrame, screen: Mixture, mixture: Mixture, min_spells: int, least: float
) -> pd.DataFrame:
    """Add each peer's ratio, probabilities and flag.

    In a line whose natural variation is wide nobody is named an outlier, and nobody with fewer than
    ``min_spells`` spells is named at all.
    """
    base, amounts = peers["base"].to_numpy(), summarise_posterior(mixture)
    prob_high, prob_low = find_divergent(screen)
    table = peers.assign(
        expected=expect_typical(base, mixture),
        ratio=amounts.ratio,
        ci_low=amounts.ratio_low,
        ci_high=amounts.ratio_high,
        probability=prob_high,
        prob_low=prob_low,
        prob_material=amounts.prob_material,
        tau=screen.tau,
        reliability=measure_reliability(screen.tau, peers["screen_error"].to_numpy()),
        excess=expect_excess(base, mixture),
    )
    table["crude_ratio"] = table["observed"] / table["expected"]
    may_name = (table["n"] >= min_spells).to_numpy()
    outlier = name_outliers(prob_high, screen.tau, may_name, least)
    material = may_name & (table["prob_material"] >= MATERIAL_PROBABILITY).to_numpy()
    table["flag"] = np.select(
        [outlier, material, ~may_name], ["outlier", "material", "not_tested"], "none"
    )
    return table


def name_outliers(
    prob_high: np.ndarray, tau: np.ndarray, may_name: np.ndarray, least: float
) -> np.ndarray:
    """Tell who is named: of those who may be, in lines whose natural variation is not too wide."""
    separable = may_name & (tau <= TAU_WARNING)
    named = np.zeros(len(prob_high), dtype=bool)
    named[separable] = flag_false_discovery(prob_high[separable], least=least)
    return named


def screen_cost(spells: pd.DataFrame, *, min_spells: int) -> pd.DataFrame:
    """Name consultants by the screening model of cost alone, to see whether names hold.

    Returns
    -------
    pd.DataFrame
        ``line_id, consultant_code, theta, std_error, prob_high, is_named`` of everyone in the model.
    """
    parts = []
    for line_id, rows in spells.groupby("line_id", sort=True):
        if (rows.groupby("consultant_code").size() >= MIN_SPELLS_PEER).sum() < MIN_PEERS:
            continue
        table = estimate_effects(
            rows, value=COST.value, kind=COST.screen, min_spells=MIN_SPELLS_PEER
        ).table
        if len(table) >= MIN_PEERS:
            parts.append(table.assign(line_id=line_id))
    peers = _stack(parts)
    if not parts:
        numbers = dict.fromkeys(("theta", "std_error", "prob_high"), 0.0)
        return peers[["line_id", "consultant_code"]].assign(**numbers, is_named=False)
    line = pd.factorize(peers["line_id"], sort=True)[0]
    model, mixture = _fit(peers["theta"], peers["std_error"], line)
    prob_high, _ = find_divergent(mixture)
    may_name = (peers["n"] >= min_spells).to_numpy()
    named = name_outliers(prob_high, mixture.tau, may_name, find_least(model))
    kept = peers[["line_id", "consultant_code", "theta", "std_error"]]
    return kept.assign(prob_high=prob_high, is_named=named)


def _stack(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return parts one under another; a frame of the two keys where there is none."""
    kept = [part for part in parts if len(part)]
    if kept:
        return pd.concat(kept, ignore_index=True)
    names = ("line_id", "consultant_code", "flag")
    return pd.DataFrame({name: pd.Series(dtype="str") for name in names})


def _flag_few(table: pd.DataFrame, line_id: str) -> pd.DataFrame:
    """Flag the consultants of a small line whose score is beyond the alarm, as an indication."""
    return table.assign(
        line_id=line_id,
        flag=np.where(table["z"] > ALARM_Z, "indicative", "none"),
        crude_ratio=table["observed"] / table["expected"],
        excess=table["observed"] - table["expected"],
    )


def _start_variation(
    line_id: str, measure: Measure, n_consultants: int, n_spells: int, words: str
) -> dict[str, object]:
    """Return one row of the variation table, its numbers still missing."""
    return {
        "line_id": line_id,
        "measure": measure.name,
        "n_consultants": n_consultants,
        "n_spells": n_spells,
        "tau": np.nan,
        "no_comparator_prop": np.nan,
        "n_no_comparator": pd.NA,
        "phi": np.nan,
        "words": words,
    }


def _count_alone(rows: pd.DataFrame, measure: Measure) -> dict[str, object]:
    """Count a small line's spells that no other consultant's can be compared with, and their share."""
    amount = rows[measure.value].to_numpy(dtype=float)
    is_alone = find_norms(rows, amount + measure.offset).isna().to_numpy()
    share = amount[is_alone].sum() / amount.sum() if amount.sum() > 0 else np.nan
    return {"n_no_comparator": int(is_alone.sum()), "no_comparator_prop": share}


def _describe_line(
    line_id: str, measure: Measure, effects: Effects, n_spells: int
) -> dict[str, object]:
    theta = effects.table["screen_theta"].to_numpy()
    error = effects.table["screen_error"].to_numpy()
    row = _start_variation(line_id, measure, len(effects.table), n_spells, "")
    row["no_comparator_prop"] = effects.no_comparator_prop
    row["phi"] = measure_overdispersion(theta / error, error).phi
    return row


def _list_variation(rows: list[dict[str, object]]) -> pd.DataFrame:
    empty = _start_variation("", COST, 0, 0, "")
    table = pd.DataFrame([*rows, empty]).iloc[:-1].reset_index(drop=True)
    return table.astype({"n_no_comparator": "Int64"})


def _add_tau(lines: pd.DataFrame, peers: pd.DataFrame) -> pd.DataFrame:
    tau = peers.groupby("line_id")["tau"].first()
    table = lines.assign(tau=lines["line_id"].map(tau).astype("float64"))
    words = [
        describe_variation(t, n_compared=n, n_peers=n) if np.isfinite(t) else given
        for t, n, given in zip(table["tau"], table["n_consultants"], table["words"], strict=True)
    ]
    return table.assign(words=pd.Series(words, dtype="str"))
