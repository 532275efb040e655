"""What ending unexplained excess would save: three different sums, each with its interval.

The headline counts only consultants who are named and whose outcomes are no better or worse. It is
a posterior expectation, never "actual less expected" of those picked for being high, which would
count chance as money.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.outliers.contamination import KIND, SHIFTS, Model
from helpers.outliers.draws import DRAWS, draw_effects
from helpers.outliers.posterior import Mixture

INTERVAL = (0.05, 0.95)
COUNTED = ("no_better", "worse")
TOTAL = "TOTAL"
EXCESS_COLUMNS = ("excess_pence", "excess_low_pence", "excess_high_pence")

SAVING_WORDS = (
    ("identified", "Excess of the consultants named, whatever their outcomes"),
    ("counted", "Of which: outcomes no better, or worse (the headline)"),
    ("better", "Of which: outcomes better (paid for benefit; not counted)"),
    ("not_known", "Of which: outcomes not known, or too few to tell (not counted)"),
    ("warranted", "Of which: the trust’s own review found a good reason (not counted)"),
    ("releasable", "Of the headline: cost that varies within twelve months"),
    ("divergent_named", "Divergent practice of those named (without their natural variation)"),
    ("divergent", "All divergent practice in the trust, named or not"),
    ("to_median", "If everyone above the median peer came down to it (not from outliers)"),
    ("to_quartile", "If everyone came down to the cheapest quarter of peers (not from outliers)"),
)


@dataclass(frozen=True)
class Saving:
    """The saving by consultant and for the trust.

    Attributes
    ----------
    by_consultant
        Contract ``saving``: those named, then TOTAL.
    totals
        Contract ``saving_totals``: the sums that may be meant by "saving", with intervals.
    everyone
        ``line_id, consultant_code, excess_pence, excess_low_pence, excess_high_pence`` of every
        consultant in the model, named or not.
    """

    by_consultant: pd.DataFrame
    totals: pd.DataFrame
    everyone: pd.DataFrame


def estimate_saving(
    peers: pd.DataFrame,
    mixture: Mixture,
    model: Model,
    line: np.ndarray,
    *,
    controllable_pence: int,
    variable_prop: float,
    seed: int,
) -> Saving:
    """Estimate the saving from a fitted model.

    Parameters
    ----------
    peers
        One row a consultant, in the order of the model: ``line_id, consultant_code, theta,
        std_error, base`` (pounds at an effect of zero), ``flag``, ``benefit`` and, where known,
        ``reason_code``: why the trust finds the difference warranted, blank if it does not.
    controllable_pence
        Controllable cost of all lines, for shares.
    variable_prop
        Share of controllable cost that varies within twelve months; NaN if not known.
    seed
        Seed of the bootstrap.
    """
    base = peers["base"].to_numpy()
    excess = expect_excess(base, mixture)
    drawn = draw_excess(peers, model, line, seed=seed)
    named = (peers["flag"] == "outlier").to_numpy()
    if "reason_code" not in peers:
        peers = peers.assign(reason_code="")
    warranted = named & (peers["reason_code"] != "").to_numpy()
    open_to = named & ~warranted
    counted = open_to & peers["benefit"].isin(COUNTED).to_numpy()
    better = open_to & (peers["benefit"] == "better").to_numpy()
    groups = {
        "identified": named,
        "counted": counted,
        "better": better,
        "not_known": open_to & ~counted & ~better,
        "warranted": warranted,
    }
    everyone = _list_consultants(peers, excess, drawn.excess, counted)
    by_consultant = everyone[named].reset_index(drop=True)
    pence = by_consultant.set_index("consultant_key")["excess_pence"]
    keys = (peers["line_id"] + "|" + peers["consultant_code"]).to_numpy()
    rows = [
        (name, int(pence.reindex(keys[chosen]).sum()), drawn.excess[:, chosen].sum(axis=1))
        for name, chosen in groups.items()
    ]
    rows.append(("releasable", _share(rows[1][1], variable_prop), rows[1][2] * variable_prop))
    divergent = expect_divergent(base, mixture)
    own = ("divergent_named", _to_pence(float(divergent[named].sum())))
    rows.append((*own, drawn.divergent[:, named].sum(axis=1)))
    rows.append(("divergent", _to_pence(float(divergent.sum())), drawn.divergent.sum(axis=1)))
    rows.append(("to_median", _to_pence(float(drawn.to_median.mean())), drawn.to_median))
    rows.append(("to_quartile", _to_pence(float(drawn.to_quartile.mean())), drawn.to_quartile))
    totals = _list_totals(rows, controllable_pence)
    kept = ["line_id", "consultant_code", *EXCESS_COLUMNS]
    return Saving(_add_total(by_consultant, totals), totals, everyone[kept])


def expect_excess(base: np.ndarray, mixture: Mixture) -> np.ndarray:
    """Return each consultant's expected excess over the typical peer, pounds."""
    ratio = np.exp(mixture.centre + mixture.spread[:, :, None] ** 2 / 2) - 1
    return base * (mixture.weight * np.exp(mixture.mu)[:, :, None] * ratio).sum((1, 2))


def expect_typical(base: np.ndarray, mixture: Mixture) -> np.ndarray:
    """Return what each consultant's patients would have cost with the typical peer, pounds."""
    return base * (mixture.weight * np.exp(mixture.mu)[:, :, None]).sum((1, 2))


def expect_divergent(base: np.ndarray, mixture: Mixture) -> np.ndarray:
    """Return each consultant's expected cost of divergent practice above peers, pounds."""
    share = np.where(KIND == 1, 1 - np.exp(-SHIFTS), 0.0)
    level = np.exp(mixture.mu[:, :, None] + mixture.centre + mixture.spread[:, :, None] ** 2 / 2)
    return base * (mixture.weight * level * share).sum((1, 2))


@dataclass(frozen=True)
class Draws:
    """Draws, pounds: excess and divergent practice by draw and consultant; two sums by draw."""

    excess: np.ndarray
    divergent: np.ndarray
    to_median: np.ndarray
    to_quartile: np.ndarray


def draw_excess(peers: pd.DataFrame, model: Model, line: np.ndarray, *, seed: int) -> Draws:
    """Draw the excess 200 times: consultants reweighted, the model refitted, one effect each."""
    theta, error = peers["theta"].to_numpy(), peers["std_error"].to_numpy()
    base = peers["base"].to_numpy()
    excess, divergent = np.empty((DRAWS, len(theta))), np.empty((DRAWS, len(theta)))
    to_median, to_quartile = np.empty(DRAWS), np.empty(DRAWS)
    for k, drawn in enumerate(draw_effects(theta, error, line, model, seed=seed)):
        typical = base * np.exp(drawn.level)
        excess[k] = typical * np.expm1(drawn.effect)
        own = -np.expm1(-np.maximum(drawn.shift, 0.0))
        divergent[k] = typical * np.exp(drawn.effect) * own
        for sums, prop in ((to_median, 0.5), (to_quartile, 0.25)):
            target = find_quantiles(drawn.effect, line, prop)[line]
            above = np.maximum(np.exp(drawn.effect) - np.exp(target), 0.0)
            sums[k] = (typical * above).sum()
    return Draws(excess, divergent, to_median, to_quartile)


def find_quantiles(values: np.ndarray, line: np.ndarray, prop: float) -> np.ndarray:
    """Return a quantile of each line, lines numbered from 0, as numpy's ``linear`` method has it."""
    count = np.bincount(line)
    ordered = values[np.lexsort((values, line))]
    place = np.cumsum(count) - count + (count - 1) * prop
    below, above = ordered[np.floor(place).astype(int)], ordered[np.ceil(place).astype(int)]
    return below + (above - below) * (place - np.floor(place))


def _list_consultants(peers, excess, drawn, counted) -> pd.DataFrame:
    """Return one row for each consultant; the saving is zero where it does not count."""
    low, high = (_to_pence(np.quantile(drawn, level, axis=0)) for level in INTERVAL)
    pence = _to_pence(excess)
    return pd.DataFrame(
        {
            "line_id": peers["line_id"].to_numpy(),
            "consultant_code": peers["consultant_code"].to_numpy(),
            "consultant_key": (peers["line_id"] + "|" + peers["consultant_code"]).to_numpy(),
            "benefit": peers["benefit"].to_numpy(),
            "reason_code": peers["reason_code"].to_numpy(),
            "excess_pence": pence,
            "excess_low_pence": low,
            "excess_high_pence": high,
            "saving_pence": np.where(counted, pence, 0),
            "ci_low_pence": np.where(counted, low, 0),
            "ci_high_pence": np.where(counted, high, 0),
        }
    )


def _add_total(by_consultant: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    all_named, counted = totals.iloc[0], totals.iloc[1]
    total = pd.DataFrame(
        {
            "line_id": [TOTAL],
            "consultant_code": [TOTAL],
            "benefit": [""],
            "reason_code": [""],
            "excess_pence": [all_named["amount_pence"]],
            "excess_low_pence": [all_named["ci_low_pence"]],
            "excess_high_pence": [all_named["ci_high_pence"]],
            "saving_pence": [counted["amount_pence"]],
            "ci_low_pence": [counted["ci_low_pence"]],
            "ci_high_pence": [counted["ci_high_pence"]],
        }
    )
    rows = by_consultant.drop(columns="consultant_key")
    return pd.concat([rows, total], ignore_index=True) if len(rows) else total


def _list_totals(rows: list[tuple], controllable_pence: int) -> pd.DataFrame:
    words = pd.DataFrame(list(SAVING_WORDS), columns=["measure", "label"])
    table = pd.DataFrame(
        {
            "measure": [name for name, _, _ in rows],
            "amount_pence": pd.array([amount for _, amount, _ in rows], dtype="Int64"),
            "ci_low_pence": _interval_pence(rows, INTERVAL[0]),
            "ci_high_pence": _interval_pence(rows, INTERVAL[1]),
        }
    )
    table = words.merge(table, on="measure", how="left", validate="one_to_one")
    cost = float(controllable_pence) if controllable_pence > 0 else np.nan
    table["controllable_prop"] = table["amount_pence"].astype("float64") / cost
    return table


def add_all_cost_share(totals: pd.DataFrame, all_cost_pence: int) -> pd.DataFrame:
    """Add ``all_cost_prop``: each sum over all that the trust spends, overheads and capital included."""
    cost = float(all_cost_pence) if all_cost_pence > 0 else np.nan
    return totals.assign(all_cost_prop=totals["amount_pence"].astype("float64") / cost)


def _interval_pence(rows: list[tuple], level: float) -> pd.arrays.IntegerArray:
    ends = [np.quantile(drawn, level) for _, _, drawn in rows]
    return pd.array(
        [pd.NA if np.isnan(end) else int(_to_pence(end)) for end in ends], dtype="Int64"
    )


def _to_pence(gbp):
    pence = np.rint(np.asarray(gbp, dtype=float) * 100).astype("int64")
    return pence if pence.ndim else int(pence)


def _share(pence: int, prop: float):
    return pd.NA if np.isnan(prop) else round(pence * prop)


def empty_saving() -> Saving:
    """Return the saving where nobody could be compared: zero, by construction."""
    none = np.zeros(DRAWS)
    totals = _list_totals([(name, 0, none) for name, _ in SAVING_WORDS], 0)
    blank = pd.DataFrame({"consultant_key": pd.Series(dtype="str")})
    return Saving(_add_total(blank, totals), totals, _empty_excess())


def _empty_excess() -> pd.DataFrame:
    keys = {name: pd.Series(dtype="str") for name in ("line_id", "consultant_code")}
    return pd.DataFrame(keys | {name: pd.Series(dtype="int64") for name in EXCESS_COLUMNS})


def measure_variable_prop(
    ledger: pd.DataFrame,
    expense_map: pd.DataFrame,
    cost_centre_map: pd.DataFrame,
    departments: pd.DataFrame,
    elements: tuple[str, ...],
    *,
    share: str = "variable_share_12m",
) -> float:
    """Return the share of clinical departments' cost that varies with activity within a year.

    Parameters
    ----------
    elements
        Cost elements that count as controllable.
    share
        Column of the expense map to use.

    Returns
    -------
    float
        0-1, weighted by ledger cost; NaN where the expense map gives no shares.
    """
    if share not in expense_map or not expense_map[share].notna().any():
        return float("nan")
    postings = ledger.merge(
        expense_map[["expense_code", "account_type", "element", share]],
        on="expense_code", how="inner", validate="many_to_one",
    ).merge(
        cost_centre_map[["cost_centre", "department_id"]],
        on="cost_centre", how="inner", validate="many_to_one",
    ).merge(departments[["department_id", "kind"]], on="department_id", how="inner", validate="many_to_one")  # fmt: skip
    used = postings[
        (postings["kind"] == "clinical")
        & (postings["account_type"] == "expenditure")
        & postings["element"].isin(elements)
        & postings[share].notna()
    ]
    total = int(used["amount_pence"].sum())
    if total <= 0:
        return float("nan")
    return (
        float((used["amount_pence"].astype("float64") * used[share].astype("float64")).sum())
        / total
    )
