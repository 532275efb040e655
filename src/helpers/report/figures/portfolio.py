"""All lines on one map: how large, and what each contributes."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.contracts.terms import UNMAPPED
from helpers.report.figures.style import (
    DEFICIT,
    GREY,
    INK,
    NOT_SURE,
    PINK,
    SURPLUS,
    new_figure,
    report_style,
)
from helpers.report.figures.subsidy import HATCH, RULE_DEPENDENT, shorten_name
from helpers.report.formats import format_prop

LOOKS = {
    "funder": (SURPLUS, "o", "Earns more than its full cost"),
    "covers_care": (DEFICIT, "s", "Covers its care, not its overheads"),
    "below_care": (PINK, "v", "Does not cover its own care"),
    RULE_DEPENDENT: (NOT_SURE, "D", "Sign depends on the rule"),
}
LARGEST_POINTS = 900.0  # area of the line with most income
SMALLEST_POINTS = 30.0
NEAR_ACROSS, NEAR_UP = 0.24, 0.05  # of the figure: names closer than this would overlap
FAR_RIGHT = 0.75  # of the figure: names beyond stand at the left of their mark
LOWEST_PROP = -0.2  # a line below this is drawn here, its margin written beside it


def plot_portfolio(portfolio: pd.DataFrame) -> Figure | None:
    """Draw lines by growth or share of income (across) and contribution margin (up)."""
    lines = portfolio[(portfolio["line_id"] != UNMAPPED) & portfolio["margin_prop"].notna()]
    if lines.empty:
        return None
    lines = lines.sort_values(["income_pence", "line_id"], ascending=[False, True])
    has_growth = bool(lines["growth_prop"].notna().any())
    across = lines["growth_prop"].fillna(0) if has_growth else lines["income_prop"]
    area = LARGEST_POINTS * lines["income_pence"] / lines["income_pence"].max()
    kinds = lines["class"].mask(lines["sign_label"] == RULE_DEPENDENT, RULE_DEPENDENT)
    with report_style():
        figure, axes = new_figure(5.6)
        heights = lines["margin_prop"].clip(lower=LOWEST_PROP)
        for x, y, size, kind in zip(across, heights, area, kinds, strict=True):
            colour, marker, _ = LOOKS[kind]
            axes.scatter(
                x, y, s=max(size, SMALLEST_POINTS), c=colour, marker=marker, alpha=0.75,
                edgecolors="white", hatch=HATCH if kind == RULE_DEPENDENT else None,
            )  # fmt: skip
        _name_points(axes, across.tolist(), lines)
        mean = lines["contribution_pence"].sum() / lines["income_pence"].sum()
        axes.axhline(mean, color=GREY, linewidth=0.8, linestyle="--")
        axes.annotate("all lines", (1, mean), xycoords=("axes fraction", "data"), fontsize=8,
                      color=GREY, ha="right", va="bottom")  # fmt: skip
        axes.axhline(0, color=INK, linewidth=0.9)
        if has_growth:
            axes.axvline(0, color=INK, linewidth=0.9)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
            axis.set_major_formatter(FuncFormatter(lambda value, _: format_prop(value)))
        axes.grid()
        axes.set_xlabel(
            "Growth in activity since last year" if has_growth else "Share of all lines’ income"
        )
        axes.set_ylabel("Contribution, of income")
        axes.margins(x=0.12, y=0.1)
        figure.legend(handles=_list_handles(kinds), loc="outside upper left", ncols=2)
    return figure


def _name_points(axes: Axes, across: list[float], lines: pd.DataFrame) -> None:
    """Write names beside marks, largest line first; a name that would cover another is left out."""
    width = max(across) - min(across) or 1.0
    heights = lines["margin_prop"].clip(lower=LOWEST_PROP)
    height = float(heights.max() - heights.min()) or 1.0
    taken: list[tuple[float, float]] = []
    for x, y, true, name in zip(
        across, heights, lines["margin_prop"], lines["line_name"], strict=True
    ):
        is_near = any(
            abs(x - a) / width < NEAR_ACROSS and abs(y - b) / height < NEAR_UP for a, b in taken
        )
        if is_near and true >= LOWEST_PROP:
            continue
        taken.append((x, y))
        is_right = (x - min(across)) / width > FAR_RIGHT
        text = shorten_name(name, 20) + ("" if true >= LOWEST_PROP else f" ({format_prop(true)})")
        axes.annotate(
            text, (x, y), xytext=(-9 if is_right else 9, 6), textcoords="offset points", fontsize=8,
            ha="right" if is_right else "left",
        )  # fmt: skip


def _list_handles(kinds: pd.Series) -> list[Line2D]:
    return [
        Line2D([], [], linestyle="", marker=marker, color=colour, markersize=8, label=words)
        for kind, (colour, marker, words) in LOOKS.items()
        if (kinds == kind).any()
    ]
