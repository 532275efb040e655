"""Sentences of the comparison of trusts, written from its tables."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.comparison import FEWEST_TRUSTS
from helpers.report.formats import count_words, format_gbp, format_prop, true_minus

MEASURE_WORDS = {
    "imbalance_prop": "distance of a line from break-even (share of its income)",
    "stay_spread": "spread of consultants’ stays, case mix allowed for (log units)",
    "outlier_prop": "share of consultants compared who are outliers on cost",
    "credibility_score": "credibility of the line’s figures (0 to 1)",
}
INVENTED = (
    "Trusts with the codes XYZ and XY1 to XY5 are invented for demonstration. Nothing here says anything "
    "about a real trust by comparison with them."
)


def describe_trusts(trusts: pd.DataFrame) -> str:
    """Return how many trusts there are and between what their cross-subsidy lies."""
    n = count_words(len(trusts), "trust has", "trusts have")
    low, high = trusts["subsidy_prop"].min(), trusts["subsidy_prop"].max()
    between = (
        f"it is {format_prop(low, 1)}"
        if len(trusts) == 1
        else f"it lies between {format_prop(low, 1)} and {format_prop(high, 1)} of their income"
    )
    total = format_gbp(int(trusts["subsidy_pence"].sum()))
    return (
        f"{n} a report for this year. Together their lines with a surplus pay {total} of other lines’ "
        f"deficits; {between}."
    )


def describe_ranges(trusts: pd.DataFrame) -> str:
    """Return whether trusts differ by more than the choice of a rule could make them differ."""
    if len(trusts) < 2:
        return "One trust alone cannot be compared."
    apart = 0
    ordered = trusts.sort_values("trust")
    for place, one in enumerate(ordered.itertuples()):
        for other in ordered.iloc[place + 1 :].itertuples():
            apart += (
                one.subsidy_low_prop > other.subsidy_high_prop
                or other.subsidy_low_prop > one.subsidy_high_prop
            )
    pairs = len(trusts) * (len(trusts) - 1) // 2
    return (
        f"In {apart} of {count_words(pairs, 'pair')} of trusts the ranges do not meet: those differ by more than a "
        "fair choice of rule can explain. The others may not differ at all."
    )


def describe_slopes(slopes: pd.DataFrame) -> list[str]:
    """Return one sentence a measure: the slope, its interval, or why there is none."""
    return [_describe_slope(row) for row in slopes.to_dict("records")]


def _describe_slope(row: dict) -> str:
    name = MEASURE_WORDS[row["measure"]]
    if pd.isna(row["slope"]):
        return (
            f"The {name}: no slope, because fewer than {FEWEST_TRUSTS} trusts have figures and lines "
            "whose years of management differ."
        )
    slope = true_minus(f"{row['slope']:+.4f}")
    low, high = (true_minus(f"{row[end]:+.4f}") for end in ("ci_low", "ci_high"))
    verdict = (
        "which includes no difference at all"
        if row["ci_low"] <= 0 <= row["ci_high"]
        else "which leaves out no difference"
    )
    return (
        f"The {name}: {slope} with one more year of service-line management "
        f"(95% interval {low} to {high}, {verdict}; {count_words(row['n_lines'], 'line')} of "
        f"{count_words(row['n_trusts'], 'trust')})."
    )


def describe_invented(has_invented: bool) -> str:
    """Return the caution that stands first if any trust is invented."""
    return INVENTED if has_invented else ""
