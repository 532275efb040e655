"""How lines differ by years of service-line management: a slope with its interval, and no cause."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from helpers.contracts.comparison import FEWEST_TRUSTS
from helpers.errors import HelpersError

CONFIDENCE = 0.95
MEASURES = ("imbalance_prop", "stay_spread", "outlier_prop", "credibility_score")


def fit_slopes(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the slope of each measure on years of management, over all trusts' lines.

    Least squares with a level of its own for each trust, so that lines are compared within their
    trust; the interval allows for lines of one trust being alike (clustered by trust, HC1-type
    correction, Student's t with as many degrees of freedom as trusts less one). Liang and Zeger 1986.

    Parameters
    ----------
    lines
        As the table ``trust_lines``.

    Returns
    -------
    pd.DataFrame
        ``measure, n_trusts, n_lines, slope, ci_low, ci_high``: change of the measure with one more
        year. Slope and interval are missing with fewer than three trusts, or where years do not differ.
    """
    return pd.DataFrame([{"measure": name, **_fit(lines, name)} for name in MEASURES])


def _fit(lines: pd.DataFrame, measure: str) -> dict[str, float]:
    if measure not in lines.columns:
        raise HelpersError(f"There is no measure `{measure}` in the comparison of lines.")
    kept = lines.dropna(subset=[measure, "slm_years"])
    x = _within(kept["slm_years"].astype(float), kept["trust"])
    y = _within(kept[measure].astype(float), kept["trust"])
    varied = kept["trust"][x.abs() > 1e-9].nunique()
    found = {"n_trusts": kept["trust"].nunique(), "n_lines": len(kept)}
    if varied < FEWEST_TRUSTS:
        return {**found, "slope": np.nan, "ci_low": np.nan, "ci_high": np.nan}
    sum_squares = float((x**2).sum())
    slope = float((x * y).sum()) / sum_squares
    residual = y - slope * x
    scores = (x * residual).groupby(kept["trust"]).sum()
    n_groups, n_rows = len(scores), len(kept)
    correction = n_groups / (n_groups - 1) * (n_rows - 1) / max(n_rows - n_groups - 1, 1)
    error = float(np.sqrt(correction * (scores**2).sum())) / sum_squares
    reach = float(stdtrit(n_groups - 1, 0.5 + CONFIDENCE / 2)) * error
    return {**found, "slope": slope, "ci_low": slope - reach, "ci_high": slope + reach}


def _within(values: pd.Series, groups: pd.Series) -> pd.Series:
    return values - values.groupby(groups).transform("mean")
