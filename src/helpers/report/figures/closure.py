"""What closing a line would do to the trust, beside what its deficit suggests."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from helpers.contracts.terms import UNMAPPED
from helpers.report.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    draw_zero_line,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.figures.subsidy import shorten_name
from helpers.report.formats import format_gbp

ROW_INCHES, MARGIN_INCHES = 0.36, 1.5
LAST_STEP = 5  # of the waterfall: where it ends
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


def plot_waterfall(closure: pd.DataFrame, position: pd.DataFrame) -> Figure | None:
    """Draw, step by step, why closing the line with the largest deficit saves so little.

    From nought: the income that goes, the cost that is shed within 12 months by tier, and where that
    leaves the trust, beside what the deficit suggested. None without a line in deficit.
    """
    line = find_worst(closure, position)
    if line is None:
        return None
    steps = [
        ("What the deficit suggests", -line["surplus_pence"]),
        ("Income lost", -line["income_pence"]),
        ("Shed in own departments", line["avoidable_direct_pence"]),
        ("Shed in shared departments", line["avoidable_indirect_pence"]),
        ("Shed of overheads", line["avoidable_overhead_pence"]),
    ]
    with report_style():
        figure, axes = new_figure(ROW_INCHES * (len(steps) + 1) + MARGIN_INCHES)
        level = 0.0
        for place, (_, amount) in enumerate(steps):
            start = 0.0 if place == 0 else level
            _draw_step(axes, place, start, float(amount))
            if place:
                level = start + float(amount)
                axes.vlines(level, -place - 1.31, -place + 0.31, color=GREY, linewidth=0.8)
        _draw_step(axes, len(steps), 0.0, level)
        names = [*[name for name, _ in steps], "What would happen"]
        axes.set_yticks(-np.arange(len(names)), names)
        use_money_axis(axes)
        axes.grid(axis="x")
        axes.set_xlabel("Trust’s surplus, change a year: worse off (left) or better off (right)")
        axes.spines["left"].set_visible(False)
        draw_zero_line(axes)
        axes.use_sticky_edges = False
        axes.margins(x=0.14, y=0.04)
    return figure


def find_worst(closure: pd.DataFrame, position: pd.DataFrame) -> pd.Series | None:
    """Return the 12-month row of the line with the largest deficit, named; none without one."""
    year = closure[(closure["horizon"] == "12m") & (closure["line_id"] != UNMAPPED)]
    year = year[year["surplus_pence"] < 0].merge(
        position[["line_id", "line_name"]], on="line_id", how="left", validate="one_to_one"
    )
    return None if year.empty else year.sort_values(["surplus_pence", "line_id"]).iloc[0]


def _choose_look(place: int, amount: float) -> dict[str, str]:
    """Return colour and hatch: the suggestion white, the result dark, steps by their direction."""
    if place == 0:
        return {"color": "white", "edgecolor": GREY}
    if place == LAST_STEP:
        return {"color": INK, "edgecolor": INK}
    colour, hatch = (BLUE, "") if amount >= 0 else (ORANGE, "////")
    return {"color": colour, "hatch": hatch, "edgecolor": "white"}


def _draw_step(axes: Axes, place: int, start: float, amount: float) -> None:
    """Draw one bar from where the one before ended, and write its amount beyond its end."""
    axes.barh(-place, amount, left=start, height=0.62, linewidth=1.0, **_choose_look(place, amount))
    is_up = amount >= 0
    axes.annotate(
        format_gbp(amount, signed=True), (start + amount, -place), xytext=(5 if is_up else -5, 0),
        textcoords="offset points", ha="left" if is_up else "right", va="center", fontsize=8.5,
    )  # fmt: skip
