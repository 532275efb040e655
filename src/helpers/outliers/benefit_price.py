"""What better outcomes cost: the excess of those whose patients do better, by bad outcome avoided."""

from __future__ import annotations

import numpy as np
import pandas as pd

COLUMNS = (
    "line_id", "consultant_code", "excess_pence", "n_avoided", "n_avoided_low", "n_avoided_high",
    "price_pence", "price_low_pence", "price_high_pence",
)  # fmt: skip
KEYS = ["line_id", "consultant_code"]
# Harm that is counted one for one; what patients thought of their care is no event of this kind.
HARMS = ("readmit_30d", "death_30d", "complication", "return_theatre")


def price_benefit(review: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Set the excess of consultants who are named, and whose patients do better, beside what it may buy.

    Parameters
    ----------
    review
        Contract ``consultant_review``.
    outcomes
        Contract ``outcome_review``, of which ``HARMS`` are read.

    Returns
    -------
    pd.DataFrame
        Contract ``benefit_price``. Events avoided are those expected of such patients less those at
        the consultant's odds ratio, all kinds added; the price is the excess over them, and missing
        where none may be avoided. Intervals (90%) follow the odds ratio's alone.
    """
    named = review[
        (review["measure"] == "cost")
        & (review["flag"] == "outlier")
        & (review["benefit"] == "better")
    ]
    events = outcomes[outcomes["outcome"].isin(HARMS) & (outcomes["n"] > 0)]
    rows = [_price_one(row, events) for row in named.to_dict("records")]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    whole = [name for name in COLUMNS if name.endswith("_pence")]
    counts = [name for name in COLUMNS if name.startswith("n_")]
    kinds = dict.fromkeys(whole, "Int64") | dict.fromkeys(counts, "float64")
    return table.astype(kinds | dict.fromkeys(KEYS, "str"))


def _price_one(row: dict, events: pd.DataFrame) -> tuple:
    own = events[
        (events["line_id"] == row["line_id"])
        & (events["consultant_code"] == row["consultant_code"])
    ]
    # Low odds of a bad outcome avoid most
    middle, least, most = (
        count_avoided(own["n"], own["expected"], row[name])
        for name in ("odds_ratio", "odds_high", "odds_low")
    )
    excess = float(row["excess"])
    prices = [_divide(excess, avoided) for avoided in (middle, most, least)]
    keys = (row["line_id"], row["consultant_code"], round(excess * 100))
    return (*keys, middle, least, most, *prices)


def count_avoided(n: pd.Series, expected: pd.Series, odds_ratio: float) -> float:
    """Return how many fewer events patients have at an odds ratio than at their expected risk.

    >>> round(count_avoided(pd.Series([100]), pd.Series([20.0]), 0.5), 2)  # 20% becomes 1/9
    8.89
    """
    risk = expected / n
    moved = risk * odds_ratio / (1 - risk + risk * odds_ratio)
    return float((n * (risk - moved)).sum())


def _divide(excess_gbp: float, avoided: float) -> object:
    if not np.isfinite(avoided) or avoided <= 0 or excess_gbp <= 0:
        return pd.NA
    return round(100 * excess_gbp / avoided)
