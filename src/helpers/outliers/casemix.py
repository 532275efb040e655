"""What a consultant's patients would have cost with a typical peer: fixed-effects models by line.

Cost follows a Gamma model with a log link, so that effects are ratios of mean cost and a long stay
weighs as the money it is; days follow a quasi-Poisson model, which keeps zeros. Both have one effect
a consultant, and the standard error is that of the *contrast* with the other consultants, by a
sandwich whose variances are pooled over HRGs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

MIN_SPELLS_HRG = 10
ROOT_CHARACTERS = 4
POOLING_SPELLS = 20.0  # weight of the line's variance in that of an HRG, in spells
CHARLSON_CAP = 3  # points, above which the score counts for less
MAX_STEPS = 100
MAX_HALVINGS = 30
TOLERANCE = 1e-10
MAX_NO_COMPARATOR = 0.5  # share of a line's cost without a peer, above which nobody is compared
SMALLEST_ERROR = 1e-6  # log units, so that a perfect fit does not divide by zero
FEW = "(few)"  # consultants with too few spells to be peers, together


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


def pool_casemix(hrg: pd.Series, consultant: pd.Series) -> pd.Series:
    """Return the casemix group of each spell: its HRG, the HRG's root, or ``other``.

    An HRG with fewer than ten spells, or with one consultant, says little about peers: its spells
    join others of the same root (four characters), and failing that a single remainder.
    """
    group = hrg.astype("str").copy()
    small = _is_thin(group, consultant)
    group[small] = group[small].str[:ROOT_CHARACTERS]
    thin = small & _is_thin(group, consultant)
    group[thin] = "other"
    return group


def _is_thin(group: pd.Series, consultant: pd.Series) -> pd.Series:
    """Tell which rows are of a group with few spells, or with one consultant."""
    place, groups = pd.factorize(group)
    count = np.bincount(place, minlength=len(groups))
    thin = (count < MIN_SPELLS_HRG) | (_count_people(place, len(groups), consultant) < 2)
    return pd.Series(thin[place], index=group.index)


def _count_people(place: np.ndarray, n_places: int, consultant: pd.Series) -> np.ndarray:
    """Return how many consultants each place has."""
    who, people = pd.factorize(consultant)
    pairs = np.bincount(place * len(people) + who, minlength=n_places * len(people)) > 0
    return pairs.reshape(n_places, len(people)).sum(axis=1)


def build_covariates(spells: pd.DataFrame) -> np.ndarray:
    """Return patient covariates: age, its square, sex, emergency, deprivation fifth, comorbidity.

    Age is in decades from 60. Missing ages take the line's median and missing deprivation is a
    level of its own; levels with fewer than ten spells on either side are dropped. Comorbidity is
    the column ``charlson`` where there is one (missing is 0), and its first three points apart.
    """
    age = spells["age"].to_numpy(dtype=float)
    known = age[np.isfinite(age)]
    decades = (np.where(np.isfinite(age), age, np.median(known) if len(known) else 60.0) - 60) / 10
    fifth = np.ceil(spells["imd_decile"].to_numpy(dtype=float) / 2)
    levels = [
        (spells["sex"] == "2").to_numpy(),
        (spells["admission_type"] == "EM").to_numpy(),
        *[fifth == k for k in (2, 3, 4, 5)],
        ~np.isfinite(fifth),
    ]
    flags = np.column_stack(levels).astype(float)
    enough = (flags.sum(0) >= MIN_SPELLS_HRG) & ((1 - flags).sum(0) >= MIN_SPELLS_HRG)
    numbers = np.column_stack([decades, decades**2, *_list_comorbidity(spells)])
    numbers = numbers[:, numbers.std(0) > 0]
    return np.column_stack([numbers, flags[:, enough]])


def _list_comorbidity(spells: pd.DataFrame) -> list[np.ndarray]:
    if "charlson" not in spells:
        return []
    score = np.nan_to_num(spells["charlson"].to_numpy(dtype=float))
    return [score, np.minimum(score, CHARLSON_CAP)]


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
        side = np.array([self._sum_dummies(column) for column in weighted.T])
        side = side.reshape(self.covariates.shape[1], self.n_who + self.n_groups - 1)
        dummies = np.block(
            [
                [np.diag(cells.sum(axis=1)), cells[:, 1:]],
                [cells[:, 1:].T, np.diag(cells.sum(axis=0)[1:])],
            ]
        )
        return np.block([[dummies, side.T], [side, self.covariates.T @ weighted]])

    def _sum_dummies(self, values: np.ndarray) -> np.ndarray:
        by_group = np.bincount(self.group, values, self.n_groups)[1:]
        return np.concatenate([np.bincount(self.who, values, self.n_who), by_group])


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


def estimate_effects(spells: pd.DataFrame, *, value: str, kind: str, min_spells: int) -> Effects:
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
    """
    alone = measure_no_comparator(spells, value)
    used = _choose_rows(spells, value, kind, min_spells)
    if len(set(used["who"].unique()) - {FEW}) < 2 or alone > MAX_NO_COMPARATOR:
        return Effects(_empty_effects(), alone)
    who, names = pd.factorize(used["who"], sort=True)
    group, _ = pd.factorize(used["casemix"], sort=True)
    y = used[value].to_numpy(dtype=float)
    design = build_design(who, len(names), group, build_covariates(used))
    fit = fit_gamma if kind == "gamma" else fit_poisson
    coef, mu, bread = fit(design, y)
    # relative variances in both models: days, like costs, vary in proportion to their mean
    variance = pool_variance((y / mu - 1) ** 2, group)
    if kind == "poisson":
        variance = mu**2 * variance
    is_peer = np.asarray(names != FEW)
    theta, error = measure_contrast(design, bread, variance, coef, is_peer)
    expected = np.bincount(who, weights=mu, minlength=len(names))[is_peer]
    table = pd.DataFrame(
        {
            "consultant_code": names[is_peer],
            "n": np.bincount(who, minlength=len(names))[is_peer],
            "observed": np.bincount(who, weights=y, minlength=len(names))[is_peer],
            "base": expected * np.exp(-theta),
            "theta": theta,
            "std_error": error,
        }
    )
    return Effects(table, alone)


def measure_no_comparator(spells: pd.DataFrame, value: str) -> float:
    """Return the share of a line's cost or days in HRGs that one consultant alone treats."""
    total = float(spells[value].sum())
    if total <= 0:
        return 0.0
    place, groups = pd.factorize(spells["hrg"])
    alone = _count_people(place, len(groups), spells["consultant_code"]) == 1
    return float(spells[value].to_numpy()[alone[place]].sum()) / total


def _choose_rows(spells: pd.DataFrame, value: str, kind: str, min_spells: int) -> pd.DataFrame:
    """Return the rows that can be compared, with ``who`` and ``casemix``.

    Rows are left out until all that remain have peers: HRGs of one consultant, consultants with no
    casemix in common with the others, and, where zeros are allowed, groups with nothing but zeros.
    """
    used = spells
    for _ in range(MAX_STEPS):
        count = used.groupby("consultant_code")["hrg"].transform("size")
        who = used["consultant_code"].where(count >= min_spells, FEW)
        used = used.assign(who=who, casemix=pool_casemix(used["hrg"], who))
        keep = _is_connected(used) & ~_is_alone(used)
        if kind == "poisson":
            keep &= (used.groupby("casemix")[value].transform("sum") > 0).to_numpy()
            keep &= (used.groupby("who")[value].transform("sum") > 0).to_numpy()
        if keep.all():
            break
        used = used[keep]
        if used.empty:
            break
    return used


def _is_alone(used: pd.DataFrame) -> np.ndarray:
    """Tell which rows are of an HRG, common enough to stand alone, that one consultant treats.

    They say nothing of peers, and pooled with cheaper HRGs they would make a subspecialist look dear.
    """
    place, groups = pd.factorize(used["hrg"])
    count = np.bincount(place, minlength=len(groups))
    alone = (_count_people(place, len(groups), used["who"]) == 1) & (count >= MIN_SPELLS_HRG)
    return alone[place]


def _is_connected(used: pd.DataFrame) -> np.ndarray:
    """Tell which rows belong to the largest set of consultants linked by common casemix groups."""
    who, names = pd.factorize(used["who"], sort=True)
    group, groups = pd.factorize(used["casemix"], sort=True)
    size = len(names) + len(groups)
    links = coo_matrix((np.ones(len(who)), (who, group + len(names))), shape=(size, size))
    _, label = connected_components(links, directed=False)
    largest = np.bincount(label[: len(names)]).argmax()
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
