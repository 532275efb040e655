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
        ("What the deficit\nsuggests", -line["surplus_pence"]),
        ("Income lost", -line["income_pence"]),
        ("Shed in own\ndepartments", line["avoidable_direct_pence"]),
        ("Shed in shared\ndepartments", line["avoidable_indirect_pence"]),
        ("Shed of\noverheads", line["avoidable_overhead_pence"]),
    ]
    with report_style():
        figure, axes = new_figure(3.6)
        level = 0.0
        ends = []
        for place, (_, amount) in enumerate(steps):
            start = 0.0 if place == 0 else level
            look = _choose_look(place, amount)
            axes.bar(place, amount, bottom=start, width=0.62, linewidth=1.0, **look)
            _write_step(axes, place, start, float(amount))
            if place:
                level = start + float(amount)
                ends.append(level)
        last = len(steps)
        look = _choose_look(last, level)
        axes.bar(last, level, width=0.62, linewidth=1.0, **look)
        _write_step(axes, last, 0.0, level)
        for place, end in enumerate(ends, start=1):
            axes.hlines(end, place - 0.31, place + 1.31, color=GREY, linewidth=0.8)
        axes.set_xticks(range(last + 1), [*[name for name, _ in steps], "What would\nhappen"])
        axes.tick_params(axis="x", labelsize=8)
        use_money_axis(axes, "y")
        axes.grid(axis="y")
        axes.set_ylabel("Trust’s surplus, change a year")
        draw_zero_line(axes, "y")
        axes.use_sticky_edges = False
        axes.margins(y=0.12)
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


def _write_step(axes: Axes, place: int, start: float, amount: float) -> None:
    """Write an amount beyond the end of its bar."""
    end = start + amount
    top = max(start, end) if amount >= 0 else min(start, end)
    axes.annotate(
        format_gbp(amount, signed=True), (place, top), xytext=(0, 4 if amount >= 0 else -4),
        textcoords="offset points", ha="center", va="bottom" if amount >= 0 else "top", fontsize=8.5,
    )  # fmt: skip
