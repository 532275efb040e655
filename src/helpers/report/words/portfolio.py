"""Sentences on all lines on one map."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import UNMAPPED
from helpers.report.formats import count_words, format_prop, join_words

FEW_NAMES = 3
LARGE_PROP = 0.05  # of all income: a line large enough to name


def describe_portfolio(portfolio: pd.DataFrame) -> str:
    """Say which large lines contribute more, and which less, than all lines together."""
    lines = portfolio[(portfolio["line_id"] != UNMAPPED) & portfolio["margin_prop"].notna()]
    income = lines["income_pence"].sum()
    if lines.empty or income <= 0:
        return "No line has income, so there is nothing to map."
    mean = lines["contribution_pence"].sum() / income
    large = lines[lines["income_prop"] >= LARGE_PROP].sort_values(
        ["margin_prop", "line_id"], ascending=[False, True]
    )
    text = f"All lines together contribute {format_prop(mean, 1)} of their income to overheads."
    above = large[large["margin_prop"] >= mean]["line_name"].tolist()
    below = large[large["margin_prop"] < mean]["line_name"].tolist()[::-1]
    if above or below:
        parts = []
        if above:
            parts.append(f"{_list(above)} contribute more of each pound")
        if below:
            parts.append(f"{_list(below)} less")
        text += f" Of {count_words(len(large), 'line')} with at least 5% of income, {' and '.join(parts)}."
    if lines["growth_prop"].isna().all():
        return (
            f"{text} Growth cannot be shown: no report of the year before stands in the same folder, so "
            "lines are placed by their share of income."
        )
    growing = lines[(lines["growth_prop"] > 0) & (lines["margin_prop"] < mean)]
    if len(growing):
        names = growing.sort_values(["growth_prop", "line_id"], ascending=[False, True])
        text += (
            f" Growing, and contributing less than the mean: {_list(names['line_name'].tolist())}."
        )
    return text


def _list(names: list[str]) -> str:
    more = len(names) - FEW_NAMES
    return join_words([*names[:FEW_NAMES], f"{more} more"] if more > 1 else names)
