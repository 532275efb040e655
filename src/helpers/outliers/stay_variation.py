"""How much of the variation in length of stay goes with what: HRG, consultant, ward, day, age ..."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack

RIDGE = 1.0  # pseudo-days; keeps a group of few patients from explaining its own chance
MAX_STEPS = 50
TOLERANCE = 1e-5
STEEPEST = 12.0  # log days
MIN_SPELLS = 200
COLUMNS = ["factor", "n_groups", "explained_prop", "all_prop"]
UNEXPLAINED, EXPLAINED = "unexplained", "explained"


def split_variation(
    days: np.ndarray, patients: Mapping[str, pd.Series], settings: Mapping[str, pd.Series]
) -> pd.DataFrame:
    """Divide what a model of stays explains between the things it knows.

    Days are modelled as quasi-Poisson (zeros kept) with a log mean that is a sum of one part a
    factor. What the patients brought with them has first claim; each setting, in the order
    given, gets only what is left over, because illness decides who is sent to which ward (D-188). A factor's
    share is the covariance of its part with the whole log mean, over the
    variance of the log mean. Shares add to 1; one can be slightly negative where a factor offsets
    another. How much of all variation is explained is measured on patients that the model has not
    seen: each half of the spells is predicted from the other.

    Parameters
    ----------
    days
        Days of each spell.
    patients, settings
        Group of each spell under every factor, by the factor's name; blank is a group of its own.
        ``patients`` are the patient's (casemix, age, day of coming ...), fitted together;
        ``settings`` where, then by whom, the patient was treated, fitted one after the other.

    Returns
    -------
    pd.DataFrame
        One row a factor, the largest first: ``n_groups``, ``explained_prop`` (share of what is
        explained) and ``all_prop`` (share of all variation in days); then ``explained`` and
        ``unexplained``, whose ``all_prop`` add to 1. No rows with fewer than 200 spells.
    """
    if len(days) < MIN_SPELLS or days.sum() <= 0:
        return pd.DataFrame(columns=COLUMNS)
    stages = [[_mark(group) for group in patients.values()]]
    stages += [[_mark(group)] for group in settings.values()]
    designs = [hstack(blocks).tocsr() for blocks in stages if blocks]
    names, sizes = [*patients, *settings], [block.shape[1] for blocks in stages for block in blocks]
    component = _fit_components(stages, designs, days)
    component -= component.mean(axis=0)
    eta = component.sum(axis=1)
    spread = float(eta @ eta)
    shares = component.T @ eta / spread if spread > 0 else np.zeros(len(sizes))
    seen = _predict_halves(designs, days)
    table = pd.DataFrame(
        {"factor": names, "n_groups": sizes, "explained_prop": shares, "all_prop": shares * seen}
    )  # fmt: skip
    table = table.sort_values("explained_prop", ascending=False, kind="stable")
    ends = pd.DataFrame(
        {
            "factor": [EXPLAINED, UNEXPLAINED],
            "n_groups": 0,
            "explained_prop": [1.0, np.nan],
            "all_prop": [seen, 1 - seen],
        }
    )
    return pd.concat([table, ends], ignore_index=True)[COLUMNS]


def _mark(group: pd.Series) -> csr_matrix:
    """Return one column a group, with a one where the spell is of it."""
    code, levels = pd.factorize(group.astype("str"), sort=True)
    n = len(code)
    return csr_matrix((np.ones(n), (np.arange(n), code)), shape=(n, len(levels)))


def _fit_components(
    stages: list[list[csr_matrix]], designs: list[csr_matrix], days: np.ndarray
) -> np.ndarray:
    """Return each factor's part of every spell's log mean, one column a factor."""
    level = np.full(len(days), np.log(days.mean()))
    columns = []
    for blocks, design in zip([b for b in stages if b], designs, strict=True):
        coef = _fit(design, days, level)
        level = level + design @ coef
        ends = np.cumsum([block.shape[1] for block in blocks])[:-1]
        columns += [b @ part for b, part in zip(blocks, np.split(coef, ends), strict=True)]
    return np.column_stack(columns)


def _fit(design: csr_matrix, days: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return the part of each group beside a given log mean, by penalised iterated least squares."""
    coef = np.zeros(design.shape[1])
    for _ in range(MAX_STEPS):
        mean = np.exp(np.clip(level + design @ coef, -STEEPEST, STEEPEST))
        gradient = design.T @ (days - mean) - RIDGE * coef
        hessian = (design.T @ design.multiply(mean[:, None]).tocsr()).toarray()
        hessian[np.diag_indices_from(hessian)] += RIDGE
        step = np.clip(np.linalg.solve(hessian, gradient), -1.0, 1.0)
        coef = coef + step
        if np.abs(step).max() < TOLERANCE:
            break
    return coef


def _predict_halves(designs: list[csr_matrix], days: np.ndarray) -> float:
    """Return the share of the variance of days that a model of the other half of spells explains."""
    odd = np.arange(len(days)) % 2 == 1
    predicted = np.empty(len(days))
    for half in (odd, ~odd):
        eta = np.full(len(days), np.log(max(float(days[~half].mean()), 1e-9)))
        for design in designs:
            eta = eta + design @ _fit(design[~half], days[~half], eta[~half])
        predicted[half] = np.exp(np.clip(eta[half], -STEEPEST, STEEPEST))
    spread = float(np.square(days - days.mean()).sum())
    left = float(np.square(days - predicted).sum())
    return max(1 - left / spread, 0.0) if spread > 0 else 0.0
