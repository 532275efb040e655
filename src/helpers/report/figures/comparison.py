"""The drawings of the comparison of trusts."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from helpers.report.figures.style import BLUE, GREY, INK, new_figure, report_style

MOST_TRUSTS = 60
INCHES_PER_TRUST = 0.3


def plot_subsidy_ranges(trusts: pd.DataFrame) -> Figure | None:
    """Draw each trust's cross-subsidy with its range over all rules, in order of its code.

    The order is by code on purpose: it is no ranking. Nothing is drawn for a single trust.
    """
    if len(trusts) < 2:
        return None
    shown = trusts.sort_values("trust", ascending=False).tail(MOST_TRUSTS).reset_index(drop=True)
    with report_style():
        figure, axes = new_figure(1.0 + INCHES_PER_TRUST * len(shown))
        axes.hlines(
            shown.index,
            shown["subsidy_low_prop"],
            shown["subsidy_high_prop"],
            color=GREY,
            linewidth=5,
        )
        axes.plot(shown["subsidy_prop"], shown.index, "o", color=BLUE, markersize=7)
        for place, row in shown.iterrows():
            axes.annotate(
                f"{row['subsidy_prop']:.1%}", (row["subsidy_high_prop"], place), xytext=(6, 0),
                textcoords="offset points", va="center", color=INK,
            )  # fmt: skip
        axes.set_yticks(shown.index, shown["trust"])
        axes.set_xlim(0, 1.15 * float(shown["subsidy_high_prop"].max()) or 1)
        axes.set_ylim(-0.6, len(shown) - 0.4)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel("Cross-subsidy between lines, % of the lines’ income")
    return figure
