"""The figure a board reads first: each line's surplus, and how far it moves under other rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from helpers.report.figures.style import (
    DEFICIT,
    GREY,
    INK,
    NOT_SURE,
    PINK,
    SURPLUS,
    draw_zero_line,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.formats import format_gbp

MOST_LINES = 40
INCHES_PER_LINE = 0.27
SHORTEST_INCHES = 2.4
LONGEST_NAME = 34


def plot_surplus_ranges(lines: pd.DataFrame) -> Figure:
    """Draw surplus by service line as bars, with each line's range over all rules.

    A line whose sign depends on the rule is grey and hatched, never a winner or a loser.

    Parameters
    ----------
    lines
        ``line_name, surplus_pence, min_pence, max_pence, class, sign_label``, largest surplus
        first; whole pence. Of more than 40 lines, the 20 at either end are drawn.
    """
    shown = take_ends(lines, MOST_LINES)
    with report_style():
        height = max(SHORTEST_INCHES, 1.25 + INCHES_PER_LINE * len(shown))
        figure, axes = new_figure(height)
        if shown.empty:
            axes.set_axis_off()
            axes.text(0.5, 0.5, "No service lines to show", ha="center", color=GREY)
            return figure
        _draw_bars(axes, shown)
        _draw_ranges(axes, shown)
        _write_amounts(axes, shown)
        _label(axes, shown)
        _add_key(figure, shown)
    return figure


def take_ends(lines: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the rows, or the first and last of them if there are more than ``most``."""
    if len(lines) <= most:
        return lines.reset_index(drop=True)
    return pd.concat([lines.head(most // 2), lines.tail(most - most // 2)], ignore_index=True)


def _find_colour(line: pd.Series) -> str:
    if line["sign_label"] == "rule_dependent":
        return NOT_SURE
    if line["class"] == "funder":
        return SURPLUS
    return DEFICIT if line["class"] == "covers_care" else PINK


def _draw_bars(axes: Axes, lines: pd.DataFrame) -> None:
    colours = [_find_colour(line) for _, line in lines.iterrows()]
    hatches = ["////" if label == "rule_dependent" else "" for label in lines["sign_label"]]
    axes.barh(
        np.arange(len(lines)),
        lines["surplus_pence"],
        height=0.7,
        color=colours,
        hatch=hatches,
        edgecolor="white",
        linewidth=0,
    )
    draw_zero_line(axes)


def _draw_ranges(axes: Axes, lines: pd.DataFrame) -> None:
    places = np.arange(len(lines))
    low, high = lines["min_pence"].to_numpy("float64"), lines["max_pence"].to_numpy("float64")
    axes.hlines(places, low, high, color="white", linewidth=3.4, zorder=4)
    axes.hlines(places, low, high, color=INK, linewidth=1.4, zorder=5)
    for ends in (low, high):
        axes.plot(ends, places, "|", color="white", markersize=9, markeredgewidth=4, zorder=4)
        axes.plot(ends, places, "|", color=INK, markersize=6, markeredgewidth=1.4, zorder=5)


def _write_amounts(axes: Axes, lines: pd.DataFrame) -> None:
    """Write each amount in one column at the right, so that none meets a bar or a range."""
    for place, amount in enumerate(lines["surplus_pence"]):
        axes.annotate(
            format_gbp(amount, signed=True),
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(54, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9,
            color=INK,
            annotation_clip=False,
        )


def _label(axes: Axes, lines: pd.DataFrame) -> None:
    names = [_shorten(name) for name in lines["line_name"]]
    axes.set_yticks(np.arange(len(lines)), names)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.grid(axis="x")
    use_money_axis(axes)
    axes.margins(x=0.03)


def _shorten(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"


def _add_key(figure: Figure, lines: pd.DataFrame) -> None:
    sure = lines[lines["sign_label"] != "rule_dependent"]
    entries = [
        (SURPLUS, "", "Earns more than its full cost", (sure["class"] == "funder").any()),
        (DEFICIT, "", "Covers its care, not its overheads", (sure["class"] == "covers_care").any()),
        (PINK, "", "Does not cover its own care", (sure["class"] == "below_care").any()),
        (NOT_SURE, "////", "Sign depends on the rule", len(sure) < len(lines)),
    ]
    handles: list[Patch | Line2D] = [
        Patch(facecolor=colour, hatch=hatch, edgecolor="white", linewidth=0, label=words)
        for colour, hatch, words, is_used in entries
        if is_used
    ]
    handles.append(
        Line2D([], [], color=INK, linewidth=1.4, marker="|", label="Range over all rules tried")
    )
    figure.legend(handles=handles, loc="outside upper left", ncols=2, fontsize=9, borderpad=0)
