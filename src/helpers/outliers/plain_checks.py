"""The findings beside arithmetic that could be done by hand, and beside a model that others use.

Neither decides who is named. Where the review's order of consultants has little to do with a plain
standardisation by HRG, its model is doing something that nobody can check, and that should be known.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.outliers.line_cases import LineCases, build_covariates, pool_casemix, read_line_cases
from helpers.outliers.random_effects import fit_random_intercept
from helpers.outliers.standardise import standardise_directly, standardise_indirectly

MATERIAL_PROP = 0.15
SURE = 0.90
FEWEST = 5  # consultants of a line, to speak of an order
MEASURED = (
    "line_id", "consultant_code", "hrg", "admission_type", "age", "sex", "imd_decile", "charlson",
    "cost_gbp",
)  # fmt: skip
COLUMNS = ("line_id", "consultant_code", "indirect", "direct", "mixed_probability")


def measure_plainly(spells: pd.DataFrame, peers: pd.DataFrame) -> pd.DataFrame:
    """Return each peer's cost by three plain methods.

    Parameters
    ----------
    spells
        Cases compared.
    peers
        ``line_id, consultant_code`` of those in the model.

    Returns
    -------
    pd.DataFrame
        One row a peer: ``indirect``, actual over expected cost, the norm of each HRG, emergencies
        apart, that of the *other* consultants; ``direct``, mean cost with everyone's casemix over the
        line's mean, on the HRGs that every peer treats (missing where there is none);
        ``mixed_probability``, of being more than 15% dearer in a linear model of log cost with one
        random intercept a consultant (REML), 0-1.
    """
    by_line = dict(
        list(spells[[name for name in MEASURED if name in spells]].groupby("line_id", sort=True))
    )
    parts = []
    for line_id, who in peers.groupby("line_id", sort=True)["consultant_code"]:
        rows = by_line[line_id]
        rows = rows[rows["consultant_code"].isin(who)]
        cases, cost = read_line_cases(rows), rows["cost_gbp"].to_numpy(dtype=float)
        found = _standardise(cases, cost).assign(mixed_probability=_fit_mixed(cases, cost))
        parts.append(found.assign(line_id=line_id))
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _standardise(cases: LineCases, cost: np.ndarray) -> pd.DataFrame:
    """Return each consultant's cost over the norm, indirectly and directly standardised."""
    n_people, n_strata = len(cases.people), 2 * len(cases.groups)
    stratum = 2 * cases.hrg + cases.is_emergency
    cell = stratum * n_people + cases.who
    n = np.bincount(cell, minlength=n_strata * n_people)
    used = np.flatnonzero(n)
    sums = pd.DataFrame(
        {
            "group": used % n_people,
            "stratum": used // n_people,
            "n": n[used],
            "total": np.bincount(cell, cost, n_strata * n_people)[used],
        }
    )
    found = standardise_indirectly(sums, leave_out=True).set_index("group")
    table = pd.DataFrame({"consultant_code": cases.people.astype("str"), "direct": np.nan})
    table["indirect"] = found["ratio"].reindex(range(n_people)).to_numpy()
    common = sums.groupby("stratum")["group"].transform("size") == n_people
    if common.any():
        direct = standardise_directly(sums[common]).set_index("group")["comparative"]
        table["direct"] = direct.reindex(range(n_people)).to_numpy()
    return table


def _fit_mixed(cases: LineCases, cost: np.ndarray) -> np.ndarray:
    """Return each consultant's probability in the mixed model; NaN where casemix cannot be told apart."""
    group = np.unique(pool_casemix(cases, cases.who), return_inverse=True)[1]
    groups = np.eye(int(group.max()) + 1)[group][:, 1:]
    design = np.column_stack([np.ones(len(cost)), groups, build_covariates(cases)])
    if not np.linalg.matrix_rank(design.T @ design) == design.shape[1] < len(cost):
        return np.full(len(cases.people), np.nan)
    fit = fit_random_intercept(np.log(cost), design, cases.who)
    return fit.find_prob_above(np.log1p(MATERIAL_PROP))


def check_plainly(spells: pd.DataFrame, peers: pd.DataFrame) -> list[tuple[str, str, float, str]]:
    """Return rows of the review's checks: how far plain methods agree with it.

    Parameters
    ----------
    peers
        Those in the model: ``line_id, consultant_code, ratio, flag``.
    """
    keys = ["line_id", "consultant_code"]
    plain = measure_plainly(spells, peers)
    both = peers[[*keys, "ratio", "flag"]].merge(plain, on=keys, how="inner", validate="one_to_one")
    dear = both["mixed_probability"].astype("float64") >= SURE
    here = both["flag"] == "outlier"
    words = "Order of consultants, this review beside {}, middle line (rank correlation)"
    return [
        ("agree_indirect", words.format("plain standardisation by HRG, emergencies apart"),
         _agree(both, "indirect"), "-1 to 1"),
        ("agree_direct", words.format("direct standardisation, on the HRGs that everyone treats"),
         _agree(both, "direct"), "-1 to 1"),
        ("n_mixed", "Consultants whom a mixed model of log cost would call more than 15% dearer",
         float(dear.sum()), "consultants"),
        ("n_mixed_here", "Of those, named here", float((dear & here).sum()), "consultants"),
    ]  # fmt: skip


def _agree(both: pd.DataFrame, name: str) -> float:
    """Return the rank correlation of the ratios in the middle line; NaN where no line has an order."""
    found = []
    for _, rows in both.dropna(subset=[name, "ratio"]).groupby("line_id"):
        pair = rows[["ratio", name]].astype("float64")
        if len(pair) >= FEWEST and (pair.nunique() > 1).all():
            found.append(pair.rank().corr().iloc[0, 1])
    return float(np.median(found)) if found else float("nan")
