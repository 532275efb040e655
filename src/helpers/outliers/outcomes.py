"""Whether higher cost goes with better outcomes: each consultant's patients against their risk.

The prior is weak on purpose. A prior fitted to the data would draw everyone to the mean, and then
those whose patients do better would be called "no better" for lack of data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.outliers.casemix import build_design
from helpers.outliers.funnel import find_exact_interval
from helpers.outliers.line_cases import LineCases, build_covariates, pool_casemix, read_line_cases
from helpers.outliers.scores import SCORES, estimate_score, review_score

GRID = np.arange(-80, 81) * 0.025  # log odds ratio, -2 to 2
KNOTS = GRID[::4]  # between them the log-likelihood is smooth enough to be interpolated
PRIOR_SD = 0.5  # of the log odds ratio
SURE = 0.95
MATERIAL_ODDS = 0.80
RULED_OUT = 0.15
RIDGE = 0.01
RISK_RANGE = (1e-4, 1 - 1e-4)
MIN_EVENTS_LINE = 5  # to set the line's level of an outcome, or to fit its risks
RATIO = ("over_expected", "over_low", "over_high")  # of events
DIFFERENCE = ("difference", "difference_low", "difference_high")  # of scores

BENEFIT_WORDS = (
    ("better", "outcomes are better"),
    ("no_better", "outcomes are no better"),
    ("worse", "outcomes are worse"),
    ("inconclusive", "outcomes are too few to tell"),
    ("unknown", "outcomes are not recorded"),
    ("not_assessed", ""),
)


def _build_spline() -> np.ndarray:
    """Return the matrix that takes values at the knots to the cubic spline at the grid's points.

    The third derivative is continuous at the first and last inner knot ("not a knot"). It stands
    here so that a review need not load a library of splines for one matrix.
    """
    n, step = len(KNOTS), KNOTS[1] - KNOTS[0]
    curve, bend = np.zeros((n, n)), np.zeros((n, n))
    for k in range(1, n - 1):
        curve[k, k - 1 : k + 2] = 1, 4, 1
        bend[k, k - 1 : k + 2] = 1, -2, 1
    curve[0, :3] = curve[-1, -3:] = 1, -2, 1
    second = np.linalg.solve(curve, 6 * bend / step**2)  # derivatives at the knots
    left = np.minimum(((GRID - KNOTS[0]) / step + 1e-9).astype(int), n - 2)
    after = ((GRID - KNOTS[left]) / step)[:, None]
    before = 1 - after
    unit = np.eye(n)
    bent = (before**3 - before) * second[left] + (after**3 - after) * second[left + 1]
    return before * unit[left] + after * unit[left + 1] + step**2 / 6 * bent


SPLINE = _build_spline()


@dataclass(frozen=True)
class OutcomeReview:
    """Consultants' outcomes.

    Attributes
    ----------
    table
        One row a consultant: ``consultant_code, benefit, odds_ratio, odds_low, odds_high,
        prob_better, prob_worse, n_outcomes``. An odds ratio above 1 means more bad events than
        peers' patients of the same risk.
    by_measure
        One row a consultant and outcome: observed and expected events, their ratio with its exact
        interval, and the odds ratio. For a score: the mean observed and expected, their difference
        with its interval, and the odds ratio of a bad outcome that goes with it.
    risks
        One row a case and outcome (scores have none): ``outcome, event, risk``.
    """

    table: pd.DataFrame
    by_measure: pd.DataFrame
    risks: pd.DataFrame


def review_outcomes(
    spells: pd.DataFrame, measures: tuple[str, ...], consultants: list[str]
) -> OutcomeReview:
    """Compare outcomes with the risk of the same patients at the level of the line's peers.

    Parameters
    ----------
    spells
        Spells of one line.
    measures
        Outcomes recorded; for each, ``value_`` 0 or 1 and ``expected_`` (the risk, where given); for
        the ``SCORES``, points, the more the better, and those such a patient would have.
    consultants
        Whom to review.
    """
    loglik = np.zeros((len(consultants), len(GRID)))
    n_rows = np.zeros(len(consultants), dtype=np.int64)
    certain_harm = np.zeros(len(consultants), dtype=bool)
    rows, risks = [], []
    places = pd.Index(consultants).get_indexer(spells["consultant_code"])
    is_given = all(spells[f"expected_{measure}"].notna().all() for measure in measures)
    cases = None if is_given else read_line_cases(spells)
    for measure in measures:
        value = spells[f"value_{measure}"].to_numpy(dtype=float)
        known = np.flatnonzero(np.isfinite(value))
        if not len(known):
            continue
        given = spells[f"expected_{measure}"].to_numpy(dtype=float)[known]
        patients = None if cases is None else cases.keep(known)
        if measure in SCORES:
            one = _review_score(places[known], value[known], given, patients, len(consultants))
        else:
            event = (value[known] >= 0.5).astype(float)
            risk = estimate_risk(event, given, patients)
            risks.append(pd.DataFrame({"outcome": measure, "event": event, "risk": risk}))
            one = _review_events(places[known], event, risk, len(consultants))
        loglik += one.loglik
        n_rows += one.numbers["n"]
        summary = summarise_odds(one.loglik)
        certain_harm |= summary["prob_worse"].to_numpy() >= SURE
        rows.append(summary.assign(consultant_code=consultants, outcome=measure, **one.numbers))
    table = summarise_odds(loglik).assign(consultant_code=consultants, n_outcomes=n_rows)
    table["benefit"] = classify_benefit(table, certain_harm)
    by_measure = pd.concat(rows, ignore_index=True) if rows else _empty_by_measure()
    return OutcomeReview(table, by_measure, stack_risks(risks))


def stack_risks(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Return risks one under another."""
    if parts:
        return pd.concat(parts, ignore_index=True)
    return pd.DataFrame({"outcome": pd.Series(dtype="str"), "event": [], "risk": []}).astype(
        {"event": "float64", "risk": "float64"}
    )


def estimate_risk(
    event: np.ndarray, given: np.ndarray, cases: LineCases | None = None
) -> np.ndarray:
    """Return each patient's risk, set to the level of the line.

    The risk given in the file is used where there is one. Where it is missing it is fitted to
    casemix and patient covariates, without the consultant. Either way the line's observed events
    equal its expected events, so that the norm is the same peers as for cost.

    Parameters
    ----------
    event, given
        0 or 1, and the risk in the file (NaN where there is none), by patient.
    cases
        The same patients, wherever a risk is missing.
    """
    fitted = given
    if cases is not None and not np.isfinite(given).all():
        fitted = np.where(np.isfinite(given), given, _fit_risk(cases, event))
    risk = np.clip(fitted, *RISK_RANGE)
    if not MIN_EVENTS_LINE <= event.sum() <= len(event) - MIN_EVENTS_LINE:
        return risk
    logit, shift = np.log(risk / (1 - risk)), 0.0
    for _ in range(50):
        moved = 1 / (1 + np.exp(-(logit + shift)))
        step = (event.sum() - moved.sum()) / (moved * (1 - moved)).sum()
        shift += float(np.clip(step, -1, 1))
        if abs(step) < 1e-10:
            break
    return np.clip(1 / (1 + np.exp(-(logit + shift))), *RISK_RANGE)


def _fit_risk(cases: LineCases, event: np.ndarray) -> np.ndarray:
    """Return risks from a logistic model on casemix (lightly ridged) and covariates."""
    average = (event.sum() + 0.5) / (len(event) + 1)
    if event.sum() < MIN_EVENTS_LINE:
        return np.full(len(event), average)
    group = np.unique(pool_casemix(cases, cases.who), return_inverse=True)[1]
    # the ridge lets every group have a term beside the intercept, so the first group is an empty one
    intercept = np.zeros(len(event), dtype=int)
    design = build_design(intercept, 1, group + 1, build_covariates(cases))
    coef = np.zeros(1 + design.n_groups - 1 + design.covariates.shape[1])
    coef[0] = np.log(average / (1 - average))
    penalty = np.full(len(coef), RIDGE)
    penalty[0] = 0.0
    for _ in range(30):
        p = 1 / (1 + np.exp(-np.clip(design.predict(coef), -12, 12)))
        gradient = design.project(event - p) - penalty * coef
        hessian = design.cross(p * (1 - p) + 1e-9) + np.diag(penalty)
        step = np.clip(np.linalg.pinv(hessian, hermitian=True) @ gradient, -2, 2)
        coef = coef + step
        if np.abs(step).max() < 1e-8:
            break
    return 1 / (1 + np.exp(-np.clip(design.predict(coef), -12, 12)))


@dataclass(frozen=True)
class _Measured:
    """One outcome by consultant: log-likelihood over the grid, and the columns that describe it."""

    loglik: np.ndarray
    numbers: dict[str, np.ndarray]


def _review_events(who: np.ndarray, event: np.ndarray, risk: np.ndarray, n_who: int) -> _Measured:
    """Compare events with risks; over expected events with the exact Poisson interval (95%)."""
    mine = who >= 0
    who, event, risk = who[mine], event[mine], risk[mine]
    observed = np.bincount(who, weights=event, minlength=n_who)
    spread = np.empty((n_who, len(KNOTS)))
    for k, odds in enumerate(np.exp(KNOTS)):
        spread[:, k] = np.bincount(who, weights=np.log1p(risk * (odds - 1)), minlength=n_who)
    loglik = observed[:, None] * GRID - spread @ SPLINE.T
    expected = np.bincount(who, weights=risk, minlength=n_who)
    known = np.where(expected > 0, expected, np.nan)  # NaN without patients
    low, high = find_exact_interval(observed, known)
    numbers = {
        "n": np.bincount(who, minlength=n_who),
        "observed": observed,
        "expected": expected,
        "over_expected": observed / known,
        "over_low": low,
        "over_high": high,
    }
    return _Measured(loglik, numbers | dict.fromkeys(DIFFERENCE, np.full(n_who, np.nan)))


def _review_score(
    who: np.ndarray,
    value: np.ndarray,
    given: np.ndarray,
    cases: LineCases | None,
    n_who: int,
) -> _Measured:
    """Compare scores with those expected; a difference in the score's own points, and no ratio."""
    expected = estimate_score(value, given, cases)
    found = review_score(who, value, expected, n_who, GRID)
    numbers = {
        "n": found.n,
        "observed": found.observed,
        "expected": found.expected,
        **dict.fromkeys(RATIO, np.full(n_who, np.nan)),
        **dict(zip(DIFFERENCE, (found.difference, found.low, found.high), strict=True)),
    }
    return _Measured(found.loglik, numbers)


def summarise_odds(loglik: np.ndarray) -> pd.DataFrame:
    """Return the posterior odds ratio, its 90% interval and the chances that decide the class.

    The point at an odds ratio of exactly 1 counts half on either side.
    """
    logs = loglik - GRID**2 / (2 * PRIOR_SD**2)
    weight = np.exp(logs - logs.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    cumulative = np.cumsum(weight, axis=1)
    at_one = weight[:, np.isclose(GRID, 0.0)].sum(axis=1) / 2
    below = weight[:, GRID < -1e-9].sum(axis=1) + at_one
    return pd.DataFrame(
        {
            "odds_ratio": np.exp(weight @ GRID),
            "odds_low": np.exp(GRID[(cumulative < 0.05).sum(axis=1)]),
            "odds_high": np.exp(GRID[np.minimum((cumulative < 0.95).sum(axis=1), len(GRID) - 1)]),
            "prob_better": below,
            "prob_worse": 1 - below,
            "prob_much_better": weight[:, np.log(MATERIAL_ODDS) > GRID].sum(axis=1),
        }
    )


def classify_benefit(table: pd.DataFrame, certain_harm: np.ndarray | None = None) -> np.ndarray:
    """Return better, worse, no_better, inconclusive or unknown, the first that holds.

    Better: 95% sure of fewer bad events, and no single outcome 95% sure of more. Worse: 95% sure of
    more. No better: a material benefit (an odds ratio below 0.80) has at most 15% probability.
    """
    harm = np.zeros(len(table), dtype=bool) if certain_harm is None else certain_harm
    return np.select(
        [
            (table["n_outcomes"] == 0).to_numpy(),
            (table["prob_better"] >= SURE).to_numpy() & ~harm,
            (table["prob_worse"] >= SURE).to_numpy(),
            (table["prob_much_better"] <= RULED_OUT).to_numpy(),
        ],
        ["unknown", "better", "worse", "no_better"],
        "inconclusive",
    )


def _empty_by_measure() -> pd.DataFrame:
    numbers = (
        "observed",
        "expected",
        *RATIO,
        *DIFFERENCE,
        "odds_ratio",
        "odds_low",
        "odds_high",
        "prob_better",
        "prob_worse",
    )
    return pd.DataFrame(
        {
            "consultant_code": pd.Series(dtype="str"),
            "outcome": pd.Series(dtype="str"),
            "n": pd.Series(dtype="int64"),
            **{name: pd.Series(dtype="float64") for name in (*numbers, "prob_much_better")},
        }
    )
