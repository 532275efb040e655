"""A consultant's effect on cost from its two parts, stay and all else, each modelled apart.

Days on a ward scatter more than drugs, tests or theatre time, and patients differ in how much of
their cost is which. One model of the whole cost treats a patient whose cost is mostly stay as no
less certain than any other. Here ward cost and all other cost have a Gamma model each, with an
effect for each consultant in each; rows count by one over the relative variance of their casemix
group. The two effects are then added up in pounds, so that the whole is a ratio of mean cost as
before, whichever part an excess is in (decision D-360).

The error of a consultant whose own cases scatter more than their HRGs explain is wider for it, so
that a few very dear cases do not make a name (decision D-361).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.outliers.casemix import (
    MAX_NO_COMPARATOR,
    SMALLEST_ERROR,
    Compared,
    Design,
    Effects,
    compare_rows,
    fit_gamma,
    list_effects,
    measure_no_comparator,
    no_effects,
    pool_variance,
)
from helpers.outliers.line_cases import LineCases, read_line_cases

MIN_PART_SHARE = 0.05  # of a line's cost, below which a part is not worth a model of its own
TINY = 1e-30
HRG_SCATTER_SPELLS = 100.0  # weight of the HRGs' scatter in a consultant's, in spells


@dataclass(frozen=True)
class Part:
    """One part of the cost, fitted.

    Attributes
    ----------
    theta
        Log effect by consultant, against the plain mean of peers.
    mu
        Fitted cost of each row, pounds.
    residual, weight
        Relative residual of each row, and what the row counts.
    bread
        (X'WX)^-1.
    """

    theta: np.ndarray
    mu: np.ndarray
    residual: np.ndarray
    weight: np.ndarray
    bread: np.ndarray


def estimate_cost_effects(
    spells: pd.DataFrame, *, min_spells: int, cases: LineCases | None = None
) -> Effects:
    """Estimate each consultant's effect on cost, within one line, from ward cost and all other cost.

    Where ward cost is not known, or some consultant or casemix group has none of a part, the whole
    cost has one Gamma model, in which all rows count alike.

    Parameters
    ----------
    spells
        Spells of one line, as ``prepare_spells`` returns them: ``cost_gbp``, ``ward_gbp``.
    min_spells
        Fewest spells of a peer.
    cases
        The same spells as numbers, where they have been read before.
    """
    cases = read_line_cases(spells) if cases is None else cases
    cost = spells["cost_gbp"].to_numpy(dtype=float)
    alone = measure_no_comparator(cases, cost)
    compared = compare_rows(cases, cost, kind="gamma", min_spells=min_spells)
    if compared is None or alone > MAX_NO_COMPARATOR:
        return no_effects(alone)
    cost = cost[compared.rows]
    ward = spells["ward_gbp"].to_numpy(dtype=float)[compared.rows]
    if can_part(compared.design, ward, cost):
        parts = tuple(fit_part(compared, y, is_weighted=True) for y in (ward, cost - ward))
    else:
        parts = (fit_part(compared, cost, is_weighted=False),)
    return Effects(list_effects(compared, cost, *add_parts(compared, parts)), alone)


def can_part(design: Design, ward: np.ndarray, cost: np.ndarray) -> bool:
    """Tell whether both parts are a fair share of the line's cost and nobody is without either."""
    if not np.isfinite(ward).all():
        return False
    for part in (ward, cost - ward):
        if part.sum() < MIN_PART_SHARE * cost.sum():
            return False
        by_who = np.bincount(design.who, part, design.n_who)
        by_group = np.bincount(design.group, part, design.n_groups)
        if by_who.min() <= 0 or by_group.min() <= 0:
            return False
    return True


def fit_part(compared: Compared, y: np.ndarray, *, is_weighted: bool) -> Part:
    """Fit a part, all rows alike; if wanted again, by one over its group's relative variance.

    Weights by variance are for parts, whose effect is much the same in every HRG. On the whole cost
    they would count an excess of stay for less, and one of other cost for more, than it is.
    """
    design, weight = compared.design, np.ones(len(y))
    coef, mu, bread = fit_gamma(design, y)
    if is_weighted:
        variance = pool_variance((y / mu - 1) ** 2, design.group)
        weight = weight if variance.min() <= 0 else variance.mean() / variance
        coef, mu, bread = fit_gamma(design, y, weight, coef)
    theta = coef[: design.n_who]
    return Part(theta - theta[compared.is_peer].mean(), mu, y / mu - 1, weight, bread)


def add_parts(
    compared: Compared, parts: tuple[Part, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return peers' fitted cost (pounds), their effects on the whole cost, and the errors of those.

    The whole effect is the log of fitted cost over what it would be with no effect on any part.
    Its covariance follows from how it moves with each part's coefficients, and from a sandwich
    within and between the parts, pooled over casemix groups.
    """
    design, is_peer = compared.design, compared.is_peer
    sums = [np.bincount(design.who, part.mu, design.n_who) for part in parts]
    bare = [total * np.exp(-part.theta) for total, part in zip(sums, parts, strict=True)]
    fitted, base = np.sum(sums, axis=0), np.sum(bare, axis=0)
    shares = [total / fitted for total in sums]
    pulls = pool_pulls(design, parts)
    rises = [
        _find_slope(compared, part, share, own / base) @ part.bread
        for part, share, own in zip(parts, shares, bare, strict=True)
    ]
    both = [(j, k) for j in range(len(parts)) for k in range(len(parts))]
    covariance = sum(rises[j] @ design.cross(pulls[j, k]) @ rises[k].T for j, k in both)
    centre = np.eye(len(covariance)) - 1.0 / len(covariance)
    variance = np.maximum(np.diag(centre @ covariance @ centre), 0.0)
    error = np.sqrt(variance * measure_scatter(design, parts, shares, pulls)[is_peer])
    theta = np.log(fitted / base)[is_peer]
    return fitted[is_peer], theta - theta.mean(), np.maximum(error, SMALLEST_ERROR)


def pool_pulls(design: Design, parts: tuple[Part, ...]) -> dict[tuple[int, int], np.ndarray]:
    """Return, for each pair of parts, the (co)variance of each row's pull, pooled over its group."""
    pulls = {}
    for j, left in enumerate(parts):
        for k, right in enumerate(parts):
            pooled = pool_variance(left.residual * right.residual, design.group)
            pulls[j, k] = left.weight * right.weight * pooled
    return pulls


def measure_scatter(
    design: Design,
    parts: tuple[Part, ...],
    shares: list[np.ndarray],
    pulls: dict[tuple[int, int], np.ndarray],
) -> np.ndarray:
    """Return by how much each consultant's cases scatter more than their HRGs explain, at least 1.

    A ratio of variances: the consultant's own squared pulls over those expected of the same HRGs,
    drawn to 1 as by a hundred spells that scatter as expected.

    Parameters
    ----------
    shares
        Share of each part in each consultant's fitted cost.
    pulls
        From ``pool_pulls``.
    """
    by_row = [share[design.who] for share in shares]
    pull = sum(
        share * part.weight * part.residual for share, part in zip(by_row, parts, strict=True)
    )
    expected = sum(by_row[j] * by_row[k] * pooled for (j, k), pooled in pulls.items())
    n = np.bincount(design.who, minlength=design.n_who)
    own = np.bincount(design.who, pull**2, design.n_who)
    usual = np.maximum(np.bincount(design.who, expected, design.n_who), TINY)
    return np.maximum((n * own / usual + HRG_SCATTER_SPELLS) / (n + HRG_SCATTER_SPELLS), 1.0)


def _find_slope(
    compared: Compared, part: Part, share: np.ndarray, bare_share: np.ndarray
) -> np.ndarray:
    """Return how each peer's whole effect moves with the coefficients of one part.

    A consultant's own coefficient moves fitted cost by the part's ``share`` of it; the mean of
    peers' moves the cost without effects by the part's ``bare_share``; the others move both.
    """
    design, is_peer = compared.design, compared.is_peer
    own = np.diag(share) - np.outer(bare_share, is_peer / is_peer.sum())
    rest = (share - bare_share)[:, None] * design.average(part.mu)
    return np.hstack([own, rest])[is_peer]
