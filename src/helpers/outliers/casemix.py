"""What a consultant's patients would have cost with a typical peer: fixed-effects models by line.

Cost follows a Gamma model with a log link, so that effects are ratios of mean cost and a long stay
weighs as the money it is; days follow a quasi-Poisson model, which keeps zeros. Both have one effect
a consultant, and the standard error is that of the *contrast* with the other consultants, by a
sandwich whose variances are pooled over HRGs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from helpers.outliers.line_cases import (
    MIN_SPELLS_HRG,
    LineCases,
    build_covariates,
    count_people,
    pair_people,
    pool_casemix,
    read_line_cases,
)

POOLING_SPELLS = 20.0  # weight of the line's variance in that of an HRG, in spells
MAX_STEPS = 100
MAX_HALVINGS = 30
TOLERANCE = 1e-10
MAX_NO_COMPARATOR = 0.5  # share of a line's cost without a peer, above which nobody is compared
SMALLEST_ERROR = 1e-6  # log units, so that a perfect fit does not divide by zero


@dataclass(frozen=True)
class Effects:
    """One row a peer of a line: log effect against the plain mean of peers, and its error.

    Attributes
    ----------
    table
        ``consultant_code, n, observed, base, theta, std_error``; ``base`` is what the same patients
        would have cost (or stayed) at an effect of zero.
    no_comparator_prop
        Share of the line's cost (or days) in HRGs that one consultant alone treats.
    """

    table: pd.DataFrame
    no_comparator_prop: float


@dataclass(frozen=True)
class Design:
    """The model matrix, never written out: who treats, casemix group (less the first), covariates.

    One row of it has a 1 for its consultant, a 1 for its group, and the covariates. Its products
    need only sums by consultant and by group, so that millions of rows cost no more than their sums.
    """

    who: np.ndarray
    n_who: int
    group: np.ndarray
    n_groups: int
    covariates: np.ndarray

    def predict(self, coef: np.ndarray) -> np.ndarray:
        """Return the matrix times coefficients, by row."""
        groups = np.concatenate([[0.0], coef[self.n_who : self.n_who + self.n_groups - 1]])
        own = coef[self.who] + groups[self.group]
        return own + self.covariates @ coef[self.n_who + self.n_groups - 1 :]

    def project(self, values: np.ndarray) -> np.ndarray:
        """Return the transposed matrix times values, by coefficient."""
        by_who = np.bincount(self.who, values, self.n_who)
        by_group = np.bincount(self.group, values, self.n_groups)[1:]
        return np.concatenate([by_who, by_group, self.covariates.T @ values])

    def cross(self, weight: np.ndarray) -> np.ndarray:
        """Return X'WX for weights by row."""
        cells = np.bincount(
            self.who * self.n_groups + self.group, weight, self.n_who * self.n_groups
        ).reshape(self.n_who, self.n_groups)
        weighted = self.covariates * weight[:, None]
        side = np.asarray(self._dummies.T @ weighted).T
        dummies = np.block(
            [
                [np.diag(cells.sum(axis=1)), cells[:, 1:]],
                [cells[:, 1:].T, np.diag(cells.sum(axis=0)[1:])],
            ]
        )
        return np.block([[dummies, side.T], [side, self.covariates.T @ weighted]])

    @cached_property
    def _dummies(self) -> csr_array:
        """Return the columns of consultants and groups: one or two ones in each row."""
        n = len(self.who)
        has_group = self.group > 0
        rows = np.concatenate([np.arange(n), np.flatnonzero(has_group)])
        columns = np.concatenate([self.who, self.n_who + self.group[has_group] - 1])
        shape = (n, self.n_who + self.n_groups - 1)
        return csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)


def build_design(who: np.ndarray, n_who: int, group: np.ndarray, covariates: np.ndarray) -> Design:
    """Return the model matrix of consultants, casemix groups (numbered from 0) and covariates."""
    return Design(who, n_who, group, int(group.max()) + 1, covariates)


def fit_gamma(design: Design, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit a Gamma model with log link; return coefficients, fitted means and (X'X)^-1.

    Fisher scoring has constant weights here, so one factorisation serves all steps. A step that
    raises the deviance is halved.
    """
    bread = np.linalg.pinv(design.cross(np.ones(len(y))), hermitian=True)
    coef = bread @ design.project(np.log(y) + np.log(y.mean()) - np.log(y).mean())
    eta = design.predict(coef)
    deviance = _gamma_deviance(eta, y)
    for _ in range(MAX_STEPS):
        step = bread @ design.project(y * np.exp(-eta) - 1)
        coef, eta, deviance = _halve_until_better(
            design, coef, eta, step, deviance, lambda at: _gamma_deviance(at, y)
        )
        if np.abs(step).max() < TOLERANCE:
            break
    return coef, np.exp(eta), bread


def fit_poisson(design: Design, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit a quasi-Poisson model with log link; return coefficients, means and (X'WX)^-1."""
    start = np.linalg.pinv(design.cross(np.ones(len(y))), hermitian=True)
    coef = start @ design.project(np.log(np.maximum(y, 0.0) + 0.5 * max(y.mean(), 1e-9)))
    eta = design.predict(coef)
    deviance = _poisson_deviance(eta, y)
    for _ in range(MAX_STEPS):
        mu = np.exp(np.clip(eta, -30, 30))
        bread = np.linalg.pinv(design.cross(mu), hermitian=True)
        step, before = bread @ design.project(y - mu), deviance
        coef, eta, deviance = _halve_until_better(
            design, coef, eta, step, deviance, lambda at: _poisson_deviance(at, y)
        )
        if np.abs(step).max() < 1e-8 or abs(deviance - before) <= 1e-12 * (abs(before) + 1):
            break
    mu = np.exp(np.clip(eta, -30, 30))
    return coef, mu, np.linalg.pinv(design.cross(mu), hermitian=True)


def _gamma_deviance(eta: np.ndarray, y: np.ndarray) -> float:
    with np.errstate(over="ignore"):
        return float(np.sum(eta + y * np.exp(-eta)))


def _poisson_deviance(eta: np.ndarray, y: np.ndarray) -> float:
    with np.errstate(over="ignore"):
        return float(np.sum(np.exp(eta) - y * eta))


def _halve_until_better(design, coef, eta, step, before, measure):
    """Return coefficients, their predictions and deviance after a step.

    The step is halved until the deviance does not rise.
    """
    along, size = design.predict(step), 1.0
    for _ in range(MAX_HALVINGS):
        after = measure(eta + size * along)
        if after <= before + 1e-9 * abs(before):
            return coef + size * step, eta + size * along, after
        size /= 2
    return coef, eta, before


def pool_variance(squares: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return each row's variance: its casemix group's mean square, drawn to the overall mean."""
    overall = squares.mean()
    total = np.bincount(group, weights=squares)
    count = np.bincount(group)
    return ((total + POOLING_SPELLS * overall) / (count + POOLING_SPELLS))[group]


def measure_contrast(
    design: Design,
    bread: np.ndarray,
    variance: np.ndarray,
    coef: np.ndarray,
    is_peer: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return peers' effects centred on their plain mean, and the errors of those contrasts.

    Parameters
    ----------
    variance
        Variance of each row's score, in the weighting of the model.
    is_peer
        Which of the first columns are peers; the others take no part in the mean.
    """
    covariance = bread @ design.cross(variance) @ bread
    places = np.flatnonzero(is_peer)
    n = len(places)
    contrast = np.eye(n) - 1.0 / n
    block = contrast @ covariance[np.ix_(places, places)] @ contrast.T
    theta = coef[places] - coef[places].mean()
    return theta, np.maximum(np.sqrt(np.maximum(np.diag(block), 0.0)), SMALLEST_ERROR)


def estimate_effects(
    spells: pd.DataFrame,
    *,
    value: str,
    kind: str,
    min_spells: int,
    cases: LineCases | None = None,
) -> Effects:
    """Estimate each consultant's effect on one measure, within one line.

    Parameters
    ----------
    spells
        Spells of one line, as ``prepare_spells`` returns them.
    value
        Column to explain: ``cost_gbp``, ``los_days``, ``ward_gbp`` or another amount.
    kind
        ``gamma`` (every value above zero) or ``poisson`` (zeros allowed).
    min_spells
        Fewest spells of a peer; consultants with fewer help to price HRGs, as one group.
    cases
        The same spells as numbers, where they have been read before.
    """
    cases = read_line_cases(spells) if cases is None else cases
    y = spells[value].to_numpy(dtype=float)
    alone = measure_no_comparator(cases, y)
    rows, who, group = _choose_rows(cases, y, kind, min_spells)
    few = len(cases.people)
    people, who = np.unique(who, return_inverse=True)
    if (people != few).sum() < 2 or alone > MAX_NO_COMPARATOR:
        return Effects(_empty_effects(), alone)
    group = np.unique(group, return_inverse=True)[1]
    y, n = y[rows], len(people)
    design = build_design(who, n, group, build_covariates(cases.keep(rows)))
    fit = fit_gamma if kind == "gamma" else fit_poisson
    coef, mu, bread = fit(design, y)
    # relative variances in both models: days, like costs, vary in proportion to their mean
    variance = pool_variance((y / mu - 1) ** 2, group)
    if kind == "poisson":
        variance = mu**2 * variance
    is_peer = people != few
    theta, error = measure_contrast(design, bread, variance, coef, is_peer)
    sums = {
        "n": np.bincount(who, minlength=n)[is_peer],
        "observed": np.bincount(who, weights=y, minlength=n)[is_peer],
        "base": np.bincount(who, weights=mu, minlength=n)[is_peer] * np.exp(-theta),
    }
    table = pd.DataFrame(
        {
            "consultant_code": cases.people[people[is_peer]],
            **sums,
            "theta": theta,
            "std_error": error,
        }
    )
    return Effects(table.astype({"consultant_code": "str"}), alone)


def measure_no_comparator(cases: LineCases, y: np.ndarray) -> float:
    """Return the share of a line's cost or days in HRGs that one consultant alone treats."""
    total = float(y.sum())
    if total <= 0:
        return 0.0
    alone = count_people(cases.hrg, len(cases.groups), cases.who) == 1
    return float(y[alone[cases.hrg]].sum()) / total


def _choose_rows(
    cases: LineCases, y: np.ndarray, kind: str, min_spells: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows that can be compared, who treats them, and their casemix group.

    Consultants with few spells stand as one, numbered after all others. Rows are left out until all
    that remain have peers: HRGs of one consultant, consultants with no casemix in common with the
    others, and, where zeros are allowed, groups with nothing but zeros.
    """
    few, n_groups = len(cases.people), len(cases.groups)
    rows = np.arange(len(y))
    who = group = rows[:0]
    for _ in range(MAX_STEPS):
        used = cases.keep(rows)
        count = np.bincount(used.who, minlength=few)
        who = np.where(count[used.who] >= min_spells, used.who, few)
        group = pool_casemix(used, who)
        keep = _is_connected(group, n_groups, who) & ~_is_alone(used, who)
        if kind == "poisson":
            amount = y[rows]
            keep &= (np.bincount(group, weights=amount, minlength=n_groups) > 0)[group]
            keep &= (np.bincount(who, weights=amount, minlength=few + 1) > 0)[who]
        if keep.all():
            break
        rows, who, group = rows[keep], who[keep], group[keep]
    return rows, who, group


def _is_alone(cases: LineCases, who: np.ndarray) -> np.ndarray:
    """Tell which rows are of an HRG, common enough to stand alone, that one consultant treats.

    They say nothing of peers, and pooled with cheaper HRGs they would make a subspecialist look dear.
    """
    n_groups = len(cases.groups)
    count = np.bincount(cases.hrg, minlength=n_groups)
    alone = (count_people(cases.hrg, n_groups, who) == 1) & (count >= MIN_SPELLS_HRG)
    return alone[cases.hrg]


def _is_connected(group: np.ndarray, n_groups: int, who: np.ndarray) -> np.ndarray:
    """Tell which rows belong to the largest set of consultants linked by common casemix groups."""
    if not len(who):
        return np.zeros(0, dtype=bool)
    pairs = pair_people(group, n_groups, who)
    n_people = pairs.shape[1]
    links = np.zeros((n_people + n_groups, n_people + n_groups), dtype=bool)
    links[n_people:, :n_people] = pairs
    _, label = connected_components(csr_array(links), directed=False)
    present = np.unique(who)
    largest = np.bincount(label[present]).argmax()
    return label[who] == largest


def _empty_effects() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "consultant_code": pd.Series(dtype="str"),
            "n": pd.Series(dtype="int64"),
            **{
                name: pd.Series(dtype="float64")
                for name in ("observed", "base", "theta", "std_error")
            },
        }
    )
