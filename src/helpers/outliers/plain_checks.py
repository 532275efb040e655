"""The findings beside arithmetic that could be done by hand, and beside a model that others use.

Neither decides who is named. Where the review's order of consultants has little to do with a plain
standardisation by HRG, its model is doing something that nobody can check, and that should be known.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.outliers.line_cases import build_covariates, pool_casemix, read_line_cases
from helpers.outliers.random_effects import fit_random_intercept
from helpers.outliers.standardise import standardise_directly, standardise_indirectly

MATERIAL_PROP = 0.15
SURE = 0.90
FEWEST = 5  # consultants of a line, to speak of an order
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
        One row a peer: ``indirect``, actual over expected cost, the norm of each HRG and kind of
        admission that of the *other* consultants; ``direct``, mean cost with everyone's casemix over the
        line's mean, on the HRGs that every peer treats (missing where there is none);
        ``mixed_probability``, of being more than 15% dearer in a linear model of log cost with one
        random intercept a consultant (REML), 0-1.
    """
    parts = []
    for line_id, who in peers.groupby("line_id", sort=True)["consultant_code"]:
        rows = spells[(spells["line_id"] == line_id) & spells["consultant_code"].isin(who)]
        found = _standardise(rows).merge(
            _fit_mixed(rows), on="consultant_code", how="left", validate="one_to_one"
        )
        parts.append(found.assign(line_id=line_id))
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _standardise(rows: pd.DataFrame) -> pd.DataFrame:
    strata = pd.DataFrame(
        {
            "group": rows["consultant_code"].astype("str"),
            "stratum": rows["hrg"].astype("str") + "|" + rows["admission_type"].astype("str"),
            "total": rows["cost_gbp"],
        }
    )
    sums = strata.groupby(["group", "stratum"], as_index=False).agg(
        n=("total", "size"), total=("total", "sum")
    )
    found = standardise_indirectly(sums, leave_out=True).set_index("group")
    common = sums.groupby("stratum")["group"].transform("size") == sums["group"].nunique()
    table = pd.DataFrame({"indirect": found["ratio"], "direct": np.nan})
    if common.any():
        table["direct"] = standardise_directly(sums[common]).set_index("group")["comparative"]
    return table.rename_axis("consultant_code").reset_index()


def _fit_mixed(rows: pd.DataFrame) -> pd.DataFrame:
    cases = read_line_cases(rows)
    group = np.unique(pool_casemix(cases, cases.who), return_inverse=True)[1]
    groups = np.eye(int(group.max()) + 1)[group][:, 1:]
    design = np.column_stack([np.ones(len(rows)), groups, build_covariates(cases)])
    own = np.full(len(cases.people), np.nan)
    if np.linalg.matrix_rank(design.T @ design) == design.shape[1] < len(rows):
        fit = fit_random_intercept(np.log(rows["cost_gbp"].to_numpy()), design, cases.who)
        own = fit.find_prob_above(np.log1p(MATERIAL_PROP))
    return pd.DataFrame({"consultant_code": cases.people.astype("str"), "mixed_probability": own})


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
        ("agree_indirect", words.format("plain standardisation by HRG and kind of admission"),
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
