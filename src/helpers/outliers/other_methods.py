"""Whom other usual methods would name on the same data: a check on how this review chooses.

Each rule is one that published tools use. They are applied as those tools do, over all consultants
compared, and to those who look dear only.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from helpers.outliers.funnel import Z_95, Z_998, adjust_z, find_limits, measure_overdispersion
from helpers.outliers.multiplicity import adjust_p_values

RAW_Z = 2.0
MOST_Q_VALUE = 0.10
METHOD_WORDS = (
    ("raw_mean", "Mean cost a spell in the line, two standard deviations above; no casemix"),
    ("chance_95", "Casemix adjusted, beyond 95% of chance alone"),
    ("chance_998", "Casemix adjusted, beyond 99.8% of chance alone (a plain funnel plot)"),
    ("funnel", "The same with one over-dispersion for the whole trust (the usual NHS funnel plot)"),
    ("false_discovery", "The same with false discoveries held at 10%"),
    ("this_review", "This review"),
)
COLUMNS = ["method", "words", "n_named", "n_also_here", "excess_pence"]


def compare_methods(review: pd.DataFrame) -> pd.DataFrame:
    """Return how many consultants each method would name as dear, and what excess it would claim.

    Parameters
    ----------
    review
        ``consultant_review``; its rows on cost with an estimate are used.

    Returns
    -------
    pd.DataFrame
        One row a method: ``n_named``, of those ``n_also_here`` that this review names too, and
        ``excess_pence``, actual less expected of those named (for this review its own expectation,
        which allows for chance). No rows where nobody can be compared.
    """
    cost = review[(review["measure"] == "cost") & review["std_error"].notna()]
    cost = cost[(cost["crude_ratio"] > 0) & (cost["std_error"] > 0)]
    if len(cost) < 2:
        return pd.DataFrame(columns=COLUMNS)
    y, error = np.log(cost["crude_ratio"].to_numpy()), cost["std_error"].to_numpy()
    spread = measure_overdispersion(y / error, error)
    ratio, wide = cost["crude_ratio"].to_numpy(), adjust_z(y, error, spread.tau2)
    here = (cost["flag"] == "outlier").to_numpy()
    named = {
        "raw_mean": _score_means(cost) > RAW_Z,
        "chance_95": ratio > find_limits(error, 0.0, Z_95, scale="log")[1],
        "chance_998": ratio > find_limits(error, 0.0, Z_998, scale="log")[1],
        "funnel": ratio > find_limits(error, spread.tau2, Z_998, scale="log")[1],
        "false_discovery": adjust_p_values(1 - ndtr(wide)) <= MOST_Q_VALUE,
        "this_review": here,
    }
    crude = (cost["observed"] - cost["expected"]).to_numpy()
    rows = [
        (
            name,
            words,
            int(named[name].sum()),
            int((named[name] & here).sum()),
            round(float((cost["excess"] if name == "this_review" else crude)[named[name]].sum()) * 100),
        )
        for name, words in METHOD_WORDS
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def _score_means(cost: pd.DataFrame) -> np.ndarray:
    """Return how many standard deviations each mean cost is above the mean of the line's means."""
    mean = cost["observed"] / cost["n"]
    line = mean.groupby(cost["line_id"])
    sd = line.transform("std")
    return ((mean - line.transform("mean")) / sd.where(sd > 0)).fillna(0.0).to_numpy()
