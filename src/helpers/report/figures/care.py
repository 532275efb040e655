"""Figures on how care differs: strips of consultants, parts of an excess, stays over the year."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.report.figures.style import (
    BLUE,
    GREY,
    INK,
    LIGHT_GREY,
    ORANGE,
    draw_zero_line,
    new_figure,
    report_style,
)
from helpers.report.formats import format_gbp, format_prop, format_tick_gbp
from helpers.report.words.care import pick_named
from helpers.report.words.plain import name_term

MOST_PANELS = 4
MOST_TRENDS = 5
SPREAD = 0.30  # half the height of a strip
CLOSE = 0.3  # ratios nearer than this cannot have labels of their own
LONGEST_NAMES = 18  # letters in one line of names
LABEL_ROOM = 0.3  # at the right of the scale, for names beside the marks
WIDEST = 0.9  # a ratio further from 1 is drawn at the edge
TRUST = "TRUST"


def plot_care(care: pd.DataFrame, named: pd.DataFrame) -> Figure | None:
    """Draw one strip a measure, a mark a consultant, at the ratio to peers for the same casemix.

    Marks are spread up and down so that none hides another; height means nothing. Those too few to
    test are left out.
    """
    tested = care[care["flag"] != "not_tested"]
    if tested.empty:
        return None
    names = named.drop_duplicates(["line_id", "consultant_code"])
    tested = tested.merge(
        names[["line_id", "consultant_code", "pseudonym"]],
        on=["line_id", "consultant_code"],
        how="left",
        validate="many_to_one",
    )
    measures = list(dict.fromkeys(tested["measure"]))
    with report_style():
        figure, axes = new_figure(0.9 + 0.72 * len(measures))
        for place, measure in enumerate(measures):
            _draw_strip(axes, tested[tested["measure"] == measure], place)
        axes.axvline(1, color=INK, lw=0.9, zorder=1)
        axes.set_yticks(range(len(measures)), [_break(name_term("care", m)) for m in measures])
        axes.invert_yaxis()
        low, high = _find_span(tested)
        named_right = tested["flag"].eq("more").any()
        axes.set_xlim(low, high + (LABEL_ROOM if named_right else 0.0))
        axes.xaxis.set_major_formatter(FuncFormatter(_write_gap))
        axes.set_xlabel("Against peers, same casemix (less left, more right)")
        axes.grid(axis="x")
        figure.legend(handles=_explain(), loc="outside lower left", ncols=2, fontsize=8.5)
    return figure


def _find_span(tested: pd.DataFrame) -> tuple[float, float]:
    gap = float(min((tested["ratio"] - 1).abs().max() * 1.15, WIDEST))
    return 1 - gap, 1 + gap


def _draw_strip(axes: Axes, rows: pd.DataFrame, place: int) -> None:
    """Draw the consultants of one measure; those that differ are larger and named."""
    rows = rows.sort_values(["ratio", "consultant_code"]).reset_index(drop=True)
    ratio = rows["ratio"].clip(1 - WIDEST, 1 + WIDEST)
    height = place + SPREAD * np.array([0, 0.6, -0.6, 1, -1])[np.arange(len(rows)) % 5]
    differs = rows["flag"].isin(["more", "less"])
    axes.scatter(
        ratio[~differs], height[~differs.to_numpy()], s=12, color=BLUE, alpha=0.6, lw=0, zorder=2
    )
    axes.scatter(
        ratio[differs], np.full(int(differs.sum()), float(place)), s=42, color=ORANGE, marker="D", zorder=3
    )  # fmt: skip
    for names, end in _group_labels(rows[differs]):
        side = 1 if end >= 1 else -1
        axes.annotate(
            names, (end, place), xytext=(8 * side, 0), textcoords="offset points",
            ha="left" if side > 0 else "right", va="center", fontsize=8.5, fontweight="bold",
        )  # fmt: skip


def _group_labels(found: pd.DataFrame) -> list[tuple[str, float]]:
    """Return labels and the marks beside which they stand; consultants whose marks are close share one."""
    groups: list[list[dict]] = []
    for row in found.sort_values("ratio").to_dict("records"):
        if groups and row["ratio"] - groups[-1][-1]["ratio"] < CLOSE:
            groups[-1].append(row)
        else:
            groups.append([row])
    ends = [
        (max if group[-1]["ratio"] >= 1 else min)(row["ratio"] for row in group) for group in groups
    ]
    return [
        (
            fill(", ".join(str(row["pseudonym"]) for row in group), LONGEST_NAMES),
            min(max(float(end), 1 - WIDEST), 1 + WIDEST),
        )
        for group, end in zip(groups, ends, strict=True)
    ]


def _explain() -> list[Line2D]:
    return [
        Line2D([], [], color=ORANGE, marker="D", ls="", ms=6.5, label="Differs from peers"),
        Line2D([], [], color=BLUE, marker="o", ls="", ms=4, label="Within what peers differ by"),
    ]


def _break(words: str) -> str:
    """Return a label on two lines at its bracket, or at the blank nearest its middle."""
    if len(words) < 20:
        return words
    if " (" in words:
        return words.replace(" (", "\n(", 1)
    blanks = [k for k, letter in enumerate(words) if letter == " "]
    middle = min(blanks, key=lambda k: abs(k - len(words) / 2))
    return words[:middle] + "\n" + words[middle + 1 :]


def plot_drivers(drivers: pd.DataFrame, named: pd.DataFrame) -> Figure | None:
    """Draw what the excess of each consultant named is made of, a panel each, at most four."""
    people = pick_named(named).head(MOST_PANELS)
    if people.empty:
        return None
    with report_style():
        n_columns = min(len(people), 2)
        n_rows = -(-len(people) // n_columns)
        figure, grid = new_figure(
            0.5 + 2.9 * n_rows, n_rows=n_rows, n_columns=n_columns, squeeze=False, sharex=True
        )
        for axes, row in zip(grid.flat, people.to_dict("records"), strict=False):
            mine = drivers["line_id"].eq(row["line_id"]) & drivers["consultant_code"].eq(
                row["consultant_code"]
            )
            _draw_parts(axes, drivers[mine], row["label"])
        for axes in grid.flat[len(people) :]:
            axes.set_visible(False)
    return figure


def _draw_parts(axes: Axes, parts: pd.DataFrame, label: str) -> None:
    shown = parts[(parts["observed_pence"] != 0) | (parts["expected_pence"] != 0)]
    shown = shown.sort_values("excess_pence").reset_index(drop=True)
    top = set(shown.nlargest(3, "excess_pence").index)
    for place, row in enumerate(shown.itertuples()):
        is_top = place in top and row.excess_pence > 0
        axes.barh(place, row.excess_pence, height=0.66, color=BLUE if is_top else "#C3D0DC")
        axes.annotate(
            format_gbp(row.excess_pence, signed=True), (max(row.excess_pence, 0), place), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    names = [_break(name_term("bucket", bucket)) for bucket in shown["bucket"]]
    axes.set_yticks(range(len(shown)), names, fontsize=8.5)
    axes.set_title(label)
    draw_zero_line(axes)
    axes.margins(x=0.28)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_tick_gbp(value)))
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("Cost above the same casemix")


def plot_variation(variation: pd.DataFrame) -> Figure | None:
    """Draw how what is explained of the variation in stays divides."""
    rows = variation[~variation["factor"].isin(["explained", "unexplained"])]
    if rows.empty:
        return None
    with report_style():
        figure, axes = new_figure(0.8 + 0.38 * len(rows))
        share = rows["explained_prop"].to_numpy()
        axes.barh(range(len(rows)), share, height=0.66, color=BLUE)
        for place, value in enumerate(share):
            axes.annotate(
                format_prop(value, 1), (max(value, 0), place), xytext=(5, 0),
                textcoords="offset points", va="center", fontsize=8.5,
            )  # fmt: skip
        axes.set_yticks(range(len(rows)), [name_term("stay_factor", f) for f in rows["factor"]])
        axes.invert_yaxis()
        draw_zero_line(axes)
        axes.set_xlim(min(0.0, float(share.min()) * 1.1), max(float(share.max()) * 1.14, 0.1))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_prop(value)))
        axes.set_xlabel("Share of the variation that is explained")
        axes.grid(axis="x")
    return figure


def plot_trend(trend: pd.DataFrame, names: dict[str, str]) -> Figure | None:
    """Draw days over expected by month on XmR charts: the trust, then lines with a signal.

    Without signals the largest lines follow. A mark beyond a limit is an open diamond.
    """
    if trend.empty:
        return None
    size = trend.groupby("line_id").agg(n=("n_spells", "sum"), found=("signal", lambda s: (s != "").any()))  # fmt: skip
    size["first"] = size.index == TRUST
    order = size.sort_values(["first", "found", "n"], ascending=False, kind="stable").index
    lines = order[: MOST_TRENDS + 1].tolist()
    with report_style():
        n_rows = -(-len(lines) // 2)
        figure, grid = new_figure(
            1.65 * n_rows + 0.3,
            n_rows=n_rows,
            n_columns=min(len(lines), 2),
            squeeze=False,
            sharey=True,
        )
        for axes, line in zip(grid.flat, lines, strict=False):
            _draw_trend(axes, trend[trend["line_id"] == line], names.get(line, line))
        for axes in grid.flat[len(lines) :]:
            axes.set_visible(False)
    return figure


def _draw_trend(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    places = np.arange(len(rows))
    first = rows.iloc[0]
    axes.axhspan(first["low"], first["high"], color="#E4E9EE", lw=0)
    axes.axhline(first["centre"], color=GREY, lw=0.9)
    axes.plot(places, rows["ratio"], color=BLUE, marker="o", ms=3.5, lw=1.2)
    special = (rows["signal"] != "").to_numpy()
    axes.plot(
        places[special], rows["ratio"][special], ls="", marker="D", ms=8, mfc="none", mec=ORANGE, mew=1.8
    )  # fmt: skip
    axes.set_title(name)
    months = [pd.Period(month).strftime("%b") for month in rows["month"]]
    axes.set_xticks(places[::2], months[::2])
    axes.yaxis.set_major_formatter(FuncFormatter(_write_gap))
    axes.spines["bottom"].set_color(LIGHT_GREY)


def _write_gap(value: float, _: object) -> str:
    if abs(value - 1) < 1e-9:
        return "0"
    return f"{'+' if value > 1 else ''}{format_prop(value - 1)}"
