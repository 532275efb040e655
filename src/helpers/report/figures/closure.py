"""What closing a line would do to the trust, beside what its deficit suggests."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from helpers.contracts.terms import UNMAPPED
from helpers.report.figures.style import (
    BLUE,
    GREY,
    draw_zero_line,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.figures.subsidy import shorten_name

ROW_INCHES, MARGIN_INCHES = 0.36, 1.5
HORIZONS = [  # horizon, marker, size in points, what it says
    ("12m", "o", 7.0, "What would happen within 12 months"),
    ("3y", "s", 5.0, "\u2026 within three years"),
    ("long", "|", 9.0, "\u2026 in the long run"),
]


def plot_closure(closure: pd.DataFrame, position: pd.DataFrame) -> Figure | None:
    """Draw, for each line in deficit, its deficit and the effect of closing it; none without one."""
    names = position[["line_id", "line_name"]]
    lines = closure.merge(names, on="line_id", how="left", validate="many_to_one")
    lines = lines[(lines["surplus_pence"] < 0) & (lines["line_id"] != UNMAPPED)]
    if lines.empty:
        return None
    wide = lines.pivot(
        index=["line_id", "line_name"], columns="horizon", values="trust_effect_pence"
    )
    wide["suggested"] = -lines.groupby(["line_id", "line_name"])["surplus_pence"].first()
    wide = wide.sort_values(["12m", "line_id"]).reset_index()
    rows = np.arange(len(wide))[::-1]
    with report_style():
        figure, axes = new_figure(ROW_INCHES * max(len(wide), 2) + MARGIN_INCHES)
        axes.hlines(rows, wide["12m"], wide["suggested"], color=GREY, linewidth=1.0, alpha=0.7)
        axes.plot(
            wide["suggested"],
            rows,
            "D",
            markerfacecolor="white",
            markeredgecolor=GREY,
            markersize=6,
        )
        for horizon, marker, size, _ in HORIZONS:
            axes.plot(
                wide[horizon], rows, marker, color=BLUE, markersize=size, zorder=4,
                markeredgewidth=2.2 if marker == "|" else 0.5,
                markeredgecolor=BLUE if marker == "|" else "white",
            )  # fmt: skip
        axes.set_yticks(rows, [shorten_name(name) for name in wide["line_name"]])
        use_money_axis(axes)
        axes.locator_params(axis="x", nbins=6)
        axes.grid(axis="x")
        axes.set_xlabel("Trust worse off (left) or better off (right) each year")
        axes.spines["left"].set_visible(False)
        draw_zero_line(axes)
        axes.margins(x=0.05, y=0.06)
        figure.legend(handles=_list_handles(), loc="outside upper left", ncols=2)
    return figure


def _list_handles() -> list[Line2D]:
    suggested = Line2D(
        [], [], linestyle="", marker="D", markerfacecolor="white", markeredgecolor=GREY,
        label="What the deficit suggests",
    )  # fmt: skip
    real = [
        Line2D([], [], linestyle="", marker=marker, color=BLUE, markersize=size, label=words,
               markeredgewidth=2.2 if marker == "|" else 0.5)
        for _, marker, size, words in HORIZONS
    ]  # fmt: skip
    return [suggested, *real]
