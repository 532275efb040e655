"""Figures of the data cleaning page."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from helpers.report.figures.phone import CELL_SIZE, NAME_SIZE, add_phone_form, fold_name
from helpers.report.figures.phone import ROW_INCHES as PHONE_ROW_INCHES
from helpers.report.figures.style import (
    BLUE,
    GREY,
    INK,
    LIGHT_GREY,
    NARROW_INCHES,
    ORANGE,
    new_figure,
    report_style,
)
from helpers.report.formats import format_count, format_prop
from helpers.report.words.plain import name_term

ROW_INCHES, MARGIN_INCHES = 0.25, 0.8
WEAK_PROP = 0.95  # a field below this is drawn in another colour and with an open mark
MOST_RULES = 16
MONTHS = ("A", "M", "J", "J", "A", "S", "O", "N", "D", "J", "F", "M")
PANELS_A_ROW, PANEL_INCHES = 3, 1.45
SEVERITY_MARKS = (("X", ORANGE, "D"), ("R", BLUE, "o"), ("W", GREY, "s"))


def plot_completeness(completeness: pd.DataFrame) -> Figure | None:
    """Draw the share of kept rows that hold a value, field by field."""
    rows = completeness[completeness["n_rows"] > 0].iloc[::-1].reset_index(drop=True)
    if rows.empty:
        return None
    labels = [
        f"{name_term('file', r.file)}: {name_term('field', r.field)}" for r in rows.itertuples()
    ]
    with report_style():
        figure, axes = new_figure(MARGIN_INCHES + ROW_INCHES * len(rows))
        axes.hlines(rows.index, 0, 1, color=LIGHT_GREY, linewidth=0.8)
        for is_weak, colour, mark in ((False, BLUE, "o"), (True, ORANGE, "D")):
            some = rows[rows["present_prop"].lt(WEAK_PROP).eq(is_weak)]
            axes.plot(some["present_prop"], some.index, mark, color=colour, markersize=5)
        for place, prop in rows["present_prop"].items():
            axes.annotate(
                format_prop(prop, 1), (1.02, place), va="center", color=INK, fontsize=8.5,
                annotation_clip=False,
            )  # fmt: skip
        axes.set_yticks(rows.index, labels)
        axes.set_xlim(0, 1.12)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel("Kept rows with a value")
    return figure


def plot_months(months: pd.DataFrame) -> Figure | None:
    """Draw rows by month, one small panel a file, each with its own scale from zero."""
    files = list(months["file"].drop_duplicates())
    if not files:
        return None
    n_rows = -(-len(files) // PANELS_A_ROW)
    with report_style():
        figure, grid = new_figure(
            0.4 + PANEL_INCHES * n_rows, n_rows=n_rows, n_columns=PANELS_A_ROW, squeeze=False
        )
        for place, axes in enumerate(grid.flat):
            if place >= len(files):
                axes.set_visible(False)
                continue
            some = months[months["file"].eq(files[place])].set_index("month")["n_rows"]
            counts = some.reindex(range(1, 13), fill_value=0)
            axes.bar(counts.index, counts, color=BLUE, width=0.8)
            axes.set_title(name_term("file", files[place]), fontsize=8.5)
            axes.set_xticks(range(1, 13), MONTHS, fontsize=7)
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_count(value)))
            axes.tick_params(axis="y", labelsize=7)
            axes.locator_params(axis="y", nbins=3)
    return figure


def plot_field_months(months: pd.DataFrame) -> Figure | None:
    """Draw how full each field is, month by month: the darker, the emptier; blank where there are no rows.

    A cell below 95% also holds its percentage, so that nothing rests on the colour alone.
    """
    if months.empty:
        return None
    grid = months.pivot(index=["file", "field"], columns="month", values="present_prop")
    grid = grid.reindex(columns=range(1, 13))
    labels = [
        f"{name_term('file', file)}: {name_term('field', field)}" for file, field in grid.index
    ]
    with report_style():
        figure, axes = new_figure(MARGIN_INCHES + ROW_INCHES * len(grid))
        _draw_fullness(axes, grid.to_numpy(), size=7.5)
        axes.set_yticks(np.arange(len(grid)) + 0.5, labels)
        form, axes = new_figure(MARGIN_INCHES + PHONE_ROW_INCHES * len(grid), width=NARROW_INCHES)
        _draw_fullness(axes, grid.to_numpy(), size=CELL_SIZE)
        names = [*map(fold_name, labels)]
        axes.set_yticks(np.arange(len(grid)) + 0.5, names, fontsize=NAME_SIZE)
    return add_phone_form(figure, form)


def _draw_fullness(axes: Axes, grid: np.ndarray, *, size: float) -> None:
    shades = LinearSegmentedColormap.from_list("empty", ["#ffffff", ORANGE])
    axes.pcolormesh(1 - grid, cmap=shades, vmin=0, vmax=1, edgecolors=LIGHT_GREY, linewidth=0.5)
    for (row, month), prop in np.ndenumerate(grid):
        if prop < WEAK_PROP:
            axes.text(month + 0.5, row + 0.5, f"{prop * 100:.0f}", ha="center", va="center",
                      fontsize=size, color=INK)  # fmt: skip
    axes.set_xticks(np.arange(12) + 0.5, MONTHS)
    axes.invert_yaxis()
    axes.set_xlabel("Month (per cent of rows, where below 95)", fontsize=size + 1)


def plot_findings(summary: pd.DataFrame) -> Figure | None:
    """Draw the rules that touched most rows, by what was done."""
    if summary.empty:
        return None
    rows = summary.sort_values(["n_rows", "file", "rule"], ascending=[False, True, True])
    rows = rows.head(MOST_RULES).iloc[::-1].reset_index(drop=True)
    with report_style():
        figure, axes = new_figure(MARGIN_INCHES + ROW_INCHES * len(rows))
        axes.hlines(rows.index, 0.8, rows["n_rows"], color=LIGHT_GREY, linewidth=0.8)
        for severity, colour, mark in SEVERITY_MARKS:
            some = rows[rows["severity"].eq(severity)]
            axes.plot(
                some["n_rows"],
                some.index,
                mark,
                color=colour,
                label=name_term("severity", severity),
            )
        axes.set_xscale("log")
        for place, n_rows in rows["n_rows"].items():
            axes.annotate(
                format_count(n_rows), (n_rows, place), xytext=(6, 0), textcoords="offset points",
                va="center", fontsize=8.5,
            )  # fmt: skip
        labels = [f"{r.rule} {name_term('file', r.file).lower()}" for r in rows.itertuples()]
        axes.set_yticks(rows.index, labels)
        axes.set_xlim(left=0.8, right=max(rows["n_rows"].max() * 4, 10))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_count(value)))
        axes.set_xlabel("Rows (each step of the scale is ten times the one before)")
        axes.legend(loc="lower right", fontsize=8.5)
    return figure
