"""Outcomes that are scores and not events: what patients say they gained.

A score has no odds. Its difference from peers, in standard deviations of patients, is put on the scale
of the log odds ratio of a bad outcome, so that events and scores speak of one common effect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from helpers.outliers.casemix import build_design
from helpers.outliers.line_cases import LineCases, build_covariates, pool_casemix

SCORES = ("prom_gain",)  # the higher, the better for the patient
MIN_SCORES_LINE = 20  # scores in a line, below which none is compared
# Decision D-332: a difference of one standard deviation is this much of a log odds ratio, the other
# way round, as a score that follows the logistic curve would have it (Hasselblad and Hedges 1995).
LOG_ODDS_PER_SD = np.pi / np.sqrt(3)
RIDGE = 0.01
Z_95 = float(ndtri(0.975))


@dataclass(frozen=True)
class ScoreReview:
    """One score by consultant; means and differences in its own points, NaN without a patient.

    Attributes
    ----------
    loglik
        Log-likelihood of each consultant over the grid of log odds ratios.
    n, observed, expected
        Patients with a score, their mean, and the mean expected of such patients.
    difference, low, high
        Observed less expected with its 95% interval.
    """

    loglik: np.ndarray
    n: np.ndarray
    observed: np.ndarray
    expected: np.ndarray
    difference: np.ndarray
    low: np.ndarray
    high: np.ndarray


def estimate_score(value: np.ndarray, given: np.ndarray, cases: LineCases | None) -> np.ndarray:
    """Return the score expected of each patient, set to the level of the line.

    Parameters
    ----------
    value, given
        Score, and the score in the file that such a patient would have (NaN where there is none).
    cases
        The same patients, wherever an expected score is missing: it is then fitted to casemix and
        patient covariates by least squares, without the consultant.
    """
    expected = given
    if cases is not None and not np.isfinite(given).all():
        expected = np.where(np.isfinite(given), given, _fit_score(cases, value))
    return expected + (value - expected).mean()


def _fit_score(cases: LineCases, value: np.ndarray) -> np.ndarray:
    """Return scores fitted to casemix groups (lightly ridged) and covariates."""
    group = np.unique(pool_casemix(cases, cases.who), return_inverse=True)[1]
    # the ridge lets every group have a term beside the intercept, so the first group is an empty one
    intercept = np.zeros(len(value), dtype=int)
    design = build_design(intercept, 1, group + 1, build_covariates(cases))
    penalty = np.full(design.n_groups + design.covariates.shape[1], RIDGE)
    penalty[0] = 0.0
    cross = design.cross(np.ones(len(value))) + np.diag(penalty)
    return design.predict(np.linalg.pinv(cross, hermitian=True) @ design.project(value))


def review_score(
    who: np.ndarray, value: np.ndarray, expected: np.ndarray, n_who: int, grid: np.ndarray
) -> ScoreReview:
    """Compare a score with what is expected of the same patients.

    The spread of patients about what is expected of them is that of the line: a few patients cannot
    tell their own. Lines with few scores, or with scores that are all as expected, say nothing.

    Parameters
    ----------
    who
        Place of each patient's consultant; -1 for one who is not reviewed.
    grid
        Log odds ratios.
    """
    mine = who >= 0
    place, gap = who[mine], (value - expected)[mine]
    n = np.bincount(place, minlength=n_who)
    some = np.where(n > 0, n, np.nan)
    difference = np.bincount(place, weights=gap, minlength=n_who) / some
    spread = float(np.sqrt(np.mean((value - expected) ** 2))) if len(value) else 0.0
    loglik = np.zeros((n_who, len(grid)))
    error = spread / np.sqrt(some)
    if len(value) >= MIN_SCORES_LINE and spread > 1e-9 * max(float(np.abs(value).max()), 1.0):
        known = n > 0
        centre = -difference[known] / spread * LOG_ODDS_PER_SD
        squares = (grid - centre[:, None]) ** 2
        loglik[known] = -squares * n[known, None] / (2 * LOG_ODDS_PER_SD**2)
    return ScoreReview(
        loglik,
        n,
        np.bincount(place, weights=value[mine], minlength=n_who) / some,
        np.bincount(place, weights=expected[mine], minlength=n_who) / some,
        difference,
        difference - Z_95 * error,
        difference + Z_95 * error,
    )
