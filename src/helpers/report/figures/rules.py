"""How each line's result moves with the rule: which signs are facts, and which are choices."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from helpers.report.figures.style import (
    DEFICIT,
    GREY,
    INK,
    SURPLUS,
    draw_zero_line,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.figures.subsidy import RULE_DEPENDENT, shorten_name

ROW_INCHES, TALL_ROW_INCHES, MARGIN_INCHES = 0.27, 0.36, 1.15
THICK, THIN = 6.0, 2.2  # points: income at price, income as contracted
APART = 0.18  # of a row, between the two
CAUSES = [("overheads", "overheads"), ("income", "income"), ("both", "overheads\nand income")]


def plot_sensitivity(position: pd.DataFrame, summary: pd.DataFrame) -> Figure:
    """Draw each line's surplus under the run's rule (dot) and its range over all rules.

    The thick bar is the range with income at price, the thin one, where the trust's contract is
    known, with fixed sums shared out instead. Lines are in the run's order; the words at the right
    say which signs hold.
    """
    lines = summary.merge(
        position[["line_id", "line_name"]], on="line_id", how="left", validate="one_to_one"
    )
    lines = lines.sort_values(["base_pence", "line_id"], ignore_index=True)
    has_contract = bool(lines["low_contract_pence"].notna().any())
    with report_style():
        height = TALL_ROW_INCHES if has_contract else ROW_INCHES
        figure, axes = new_figure(height * max(len(lines), 2) + MARGIN_INCHES)
        _draw_ranges(axes, lines, has_contract=has_contract)
        axes.set_yticks(range(len(lines)), [shorten_name(name) for name in lines["line_name"]])
        _write_labels(axes, lines)
        use_money_axis(axes)
        axes.locator_params(axis="x", nbins=6)
        axes.grid(axis="x")
        axes.set_xlabel("Surplus (right) or deficit (left) after every cost")
        axes.spines["left"].set_visible(False)
        draw_zero_line(axes)
        axes.margins(y=0.02)
        figure.legend(handles=_list_handles(has_contract=has_contract), loc="outside upper left")
    return figure


def _draw_ranges(axes: Axes, lines: pd.DataFrame, *, has_contract: bool) -> None:
    is_unsure = (lines["sign_label"] == RULE_DEPENDENT).to_numpy()
    colours = np.where(lines["base_pence"] >= 0, SURPLUS, DEFICIT)
    colours = np.where(is_unsure, GREY, colours)
    rows = np.arange(len(lines))
    upper = rows + (APART if has_contract else 0.0)
    ends = lines[["low_price_pence", "high_price_pence"]].to_numpy("float64")
    axes.hlines(upper, ends[:, 0], ends[:, 1], colors=colours, linewidth=THICK, alpha=0.45)
    if has_contract:
        ends = lines[["low_contract_pence", "high_contract_pence"]].to_numpy("float64")
        axes.hlines(rows - APART, ends[:, 0], ends[:, 1], colors=colours, linewidth=THIN)
        contracted = lines["contract_pence"].to_numpy("float64")
        axes.plot(contracted, rows - APART, "|", color=INK, markersize=6, markeredgewidth=1.2)
    axes.scatter(
        lines["base_pence"], upper, s=34, zorder=4, edgecolors=np.where(is_unsure, INK, colours),
        c=np.where(is_unsure, "white", colours),
    )  # fmt: skip


def _write_labels(axes: Axes, lines: pd.DataFrame) -> None:
    for row, (label, cause) in enumerate(
        zip(lines["sign_label"], lines["depends_on"], strict=True)
    ):
        is_unsure = label == RULE_DEPENDENT
        text = (
            f"A choice: {_name_cause(cause)}" if is_unsure else label.replace("_", " ").capitalize()
        )
        axes.annotate(
            text, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=8.5,
            color=INK, weight="bold" if is_unsure else "normal",
        )  # fmt: skip


def _name_cause(cause: str) -> str:
    return next((words for name, words in CAUSES if name == cause), "the rule")


def _list_handles(*, has_contract: bool) -> list[Line2D]:
    dot = Line2D([], [], linestyle="", marker="o", color=INK, label="This report’s rule")
    price = "Lowest to highest over all ways of sharing overheads"
    handles = [dot, Line2D([], [], color=GREY, alpha=0.45, linewidth=THICK, label=price)]
    if has_contract:
        handles[1].set_label(f"{price}, income at price")
        handles.append(
            Line2D(
                [], [], color=GREY, linewidth=THIN, marker="|", markeredgecolor=INK, markersize=6,
                label="The same, income as contracted (mark: this report\u2019s rule)",
            )
        )  # fmt: skip
    return handles
