"""Why each line is where it is: price, relative cost, and what cannot be compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.contracts.terms import UNMAPPED
from helpers.report.figures.style import (
    BLUE,
    INK,
    NOT_SURE,
    TURQUOISE,
    draw_zero_line,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.figures.subsidy import HATCH, shorten_name
from helpers.report.words.reasons import NOT_COMPARED

ROW_INCHES, MARGIN_INCHES = 0.3, 1.3
OBLIGED = " ◆"
PARTS = [  # column, colour, hatch, what it says
    ("price_gap_pence", BLUE, "", "Price against the national mean cost"),
    ("cost_gap_pence", TURQUOISE, "||||", "National mean cost against own cost"),
    ("not_compared_pence", NOT_SURE, HATCH, "Cannot be compared"),
]


def plot_reasons(reasons: pd.DataFrame) -> Figure | None:
    """Draw each line's surplus as the sum of three parts, good ones right and bad ones left.

    None where no patient could be compared with a national mean.
    """
    lines = reasons[(reasons["line_id"] != UNMAPPED)].copy()
    if lines.empty or lines["compared_prop"].fillna(0).max() <= 0:
        return None
    lines["not_compared_pence"] = lines[list(NOT_COMPARED)].sum(axis=1)
    lines = lines.sort_values(["surplus_pence", "line_id"], ignore_index=True)
    rows = np.arange(len(lines))
    with report_style():
        figure, axes = new_figure(ROW_INCHES * max(len(lines), 2) + MARGIN_INCHES)
        _stack(axes, lines, rows)
        axes.plot(
            lines["surplus_pence"], rows, "D", color="white", markeredgecolor=INK,
            markeredgewidth=1.5, markersize=6, zorder=4, label="Surplus or deficit: all parts added",
        )  # fmt: skip
        names = [
            shorten_name(name) + (OBLIGED if duty != "none" else "")
            for name, duty in zip(lines["line_name"], lines["obligation"], strict=True)
        ]
        axes.set_yticks(rows, names)
        use_money_axis(axes)
        axes.grid(axis="x")
        axes.set_xlabel(f"For the line (right) or against it (left).{OBLIGED} must be provided")
        axes.spines["left"].set_visible(False)
        draw_zero_line(axes)
        axes.margins(x=0.04, y=0.02)
        figure.legend(loc="outside upper left", ncols=2)
    return figure


def _stack(axes: Axes, lines: pd.DataFrame, rows: np.ndarray) -> None:
    """Stack positive parts to the right and negative ones to the left."""
    right, left = np.zeros(len(lines)), np.zeros(len(lines))
    for column, colour, hatch, words in PARTS:
        amount = lines[column].to_numpy("float64")
        start = np.where(amount >= 0, right, left)
        axes.barh(
            rows, amount, left=start, height=0.62, color=colour, hatch=hatch, edgecolor="white",
            linewidth=0, label=words,
        )  # fmt: skip
        right += np.where(amount >= 0, amount, 0)
        left += np.where(amount < 0, amount, 0)
