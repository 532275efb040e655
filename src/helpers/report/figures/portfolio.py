"""All lines on one map: how large, and what each contributes."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.contracts.terms import UNMAPPED
from helpers.report.figures.labels import Mark, name_marks
from helpers.report.figures.phone import NAME_SIZE, add_phone_form
from helpers.report.figures.style import (
    DEFICIT,
    GREY,
    INK,
    NARROW_INCHES,
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
PHONE_INCHES, KEY_ROW_INCHES, KEY_LETTERS = 5.0, 0.19, 27
PHONE_SMALLER = 5.0  # times the area of a mark on a screen
LARGEST_POINTS = 900.0  # area of the line with most income
SMALLEST_POINTS = 30.0
LOWEST_PROP = -0.2  # a line below this is drawn at the lower edge, its margin written beside it
FAR_SPREADS = 3.0  # so is one this many times the middle half's spread below the middle half
EDGE_PROP = 0.03  # from the lowest other line, or from zero, down to that edge


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
    edge = find_edge(lines["margin_prop"])
    marks = _list_marks(across, lines, area, edge)
    with report_style():
        figure, axes = new_figure(6.2)
        _draw_map(axes, lines, across, area, kinds, edge)
        figure.legend(handles=_list_handles(kinds), loc="outside upper left", ncols=2)
        name_marks(axes, marks)
        n_rows = -(-len(marks) // 2)
        key_inches = KEY_ROW_INCHES * n_rows
        form, (axes, key) = new_figure(
            PHONE_INCHES + key_inches, width=NARROW_INCHES, n_rows=2,
            gridspec_kw={"height_ratios": [PHONE_INCHES, key_inches]},
        )  # fmt: skip
        # On a phone half the width: marks of a fifth of the area, numbered, with a key below.
        _draw_map(axes, lines, across, area / PHONE_SMALLER, kinds, edge)
        form.legend(handles=_list_handles(kinds), loc="outside upper left", ncols=1, fontsize=8)
        _write_key(key, marks, n_rows)
        name_marks(axes, _number_marks(marks), size=NAME_SIZE, gap=3.0)
    return add_phone_form(figure, form)


def _draw_map(
    axes: Axes,
    lines: pd.DataFrame,
    across: pd.Series,
    area: pd.Series,
    kinds: pd.Series,
    edge: float,
) -> None:
    heights = lines["margin_prop"].clip(lower=edge)
    for x, y, size, kind in zip(across, heights, area, kinds, strict=True):
        colour, marker, _ = LOOKS[kind]
        axes.scatter(
            x, y, s=max(size, SMALLEST_POINTS), c=colour, marker=marker, alpha=0.75,
            edgecolors="white", hatch=HATCH if kind == RULE_DEPENDENT else None,
        )  # fmt: skip
    mean = lines["contribution_pence"].sum() / lines["income_pence"].sum()
    axes.axhline(mean, color=GREY, linewidth=0.8, linestyle="--")
    axes.annotate("all lines", (1, mean), xycoords=("axes fraction", "data"), fontsize=8,
                  color=GREY, ha="right", va="bottom")  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.9)
    has_growth = bool(lines["growth_prop"].notna().any())
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


def _number_marks(marks: list[Mark]) -> list[Mark]:
    """Return the marks of a phone's map, each with its number in the key for a name."""
    shrink = PHONE_SMALLER**0.5
    return [
        replace(mark, name=str(number), radius=mark.radius / shrink)
        for number, mark in enumerate(marks, start=1)
    ]


def _write_key(axes: Axes, marks: list[Mark], n_rows: int) -> None:
    """Write which number is which line, down two columns."""
    axes.axis("off")
    axes.set(xlim=(0, 2), ylim=(n_rows - 0.5, -0.5))
    for place, mark in enumerate(marks):
        words = f"{place + 1}  {shorten_name(mark.name, KEY_LETTERS)}"
        axes.text(place // n_rows, place % n_rows, words, va="center", fontsize=NAME_SIZE)


def find_edge(margins: pd.Series) -> float:
    """Return where lines far below all others are drawn, so that one line does not press the rest together.

    >>> round(find_edge(pd.Series([0.15, 0.2, 0.2, 0.25, -0.9])), 2)
    -0.03
    """
    low, high = margins.quantile([0.25, 0.75])
    near = margins[margins >= low - FAR_SPREADS * (high - low)]
    return max(LOWEST_PROP, min(0.0, float(near.min())) - EDGE_PROP)


def _list_marks(across: pd.Series, lines: pd.DataFrame, area: pd.Series, edge: float) -> list[Mark]:
    """Return each line's mark, the largest first; one below the map has its margin in its name."""
    marks = []
    for x, true, size, name in zip(
        across, lines["margin_prop"], area, lines["line_name"], strict=True
    ):
        beyond = f" ({format_prop(true)})" if true < edge else ""
        radius = (max(size, SMALLEST_POINTS) ** 0.5) / 2
        marks.append(Mark(x, max(true, edge), radius, shorten_name(name) + beyond))
    return marks


def _list_handles(kinds: pd.Series) -> list[Line2D]:
    return [
        Line2D([], [], linestyle="", marker=marker, color=colour, markersize=8, label=words)
        for kind, (colour, marker, words) in LOOKS.items()
        if (kinds == kind).any()
    ]
