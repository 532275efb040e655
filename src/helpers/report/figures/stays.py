"""Figures on length of stay. Groups come named (``helpers.report.words.stays.name_groups``)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

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
from helpers.report.formats import format_count, format_days, format_prop

ROW_INCHES, MARGIN_INCHES = 0.27, 1.15
MOST_FINDINGS, MOST_BARS = 30, 18
LONGEST_NAME = 34
MIN_GAP_SPELLS = 20
WAITING_HATCH = "////"
TRUST = "TRUST"
LONG_SHADES = ((7, "#B7C9DA"), (14, "#5F84A8"), (21, BLUE))


def plot_group_effects(groups: pd.DataFrame) -> Figure | str:
    """Draw each material finding as days a stay above or below its casemix, with its interval.

    Findings are grouped by kind and sorted by size. Filled marks are findings of their own; open
    marks go with another finding. At most 30 are drawn, the largest.
    """
    found = groups[groups["is_material"].astype(bool)]
    found = found.loc[_largest(found["effect_days"], MOST_FINDINGS)]
    rows = _lay_rows(found)
    if rows.empty:
        return "no group differs from its casemix beyond chance."
    with report_style():
        figure, axes = new_figure(_height(len(rows)))
        for place, row in zip(rows.index, rows.to_dict("records"), strict=True):
            if not row["is_heading"]:
                _draw_finding(axes, place, row)
        draw_zero_line(axes)
        _name_rows(axes, rows)
        axes.set_xlabel(
            "Days a stay: shorter (left) or longer (right) than the same casemix elsewhere"
        )
        axes.grid(axis="x")
        _add_legend(
            figure,
            [
                Line2D([], [], color=BLUE, marker="o", label="Finding of its own"),
                Line2D(
                    [],
                    [],
                    color=GREY,
                    marker="o",
                    markerfacecolor="white",
                    label="Goes with another",
                ),
            ],
        )
    return figure


def plot_ward_stays(awaiting: pd.DataFrame) -> Figure | str:
    """Draw the mean stay on each ward, the days of waiting to leave apart, and the stay expected.

    The 18 wards farthest from expected are drawn, the one with most days over it at the top.
    """
    wards = awaiting[(awaiting["grouping"] == "ward") & awaiting["effect_days"].notna()]
    wards = wards.loc[_largest(wards["effect_days"], MOST_BARS)]
    wards = wards.sort_values(["effect_days", "group"], ignore_index=True)
    mean = wards["bed_days"] / wards["n_spells"]
    waiting = wards["awaiting_days"] / wards["n_spells"]
    rows = np.arange(len(wards))
    if wards.empty:
        return "no ward can be compared."
    with report_style():
        figure, axes = new_figure(_height(len(wards)))
        axes.barh(rows, mean - waiting, height=0.62, color="#8FA9C4")
        axes.barh(
            rows, waiting, left=mean - waiting, height=0.62, color=ORANGE, hatch=WAITING_HATCH,
            edgecolor="white", linewidth=0,
        )  # fmt: skip
        axes.plot(
            mean - wards["effect_days"], rows, linestyle="", marker="|", markersize=14,
            markeredgewidth=2.4, color=INK,
        )  # fmt: skip
        edge = np.maximum(mean, mean - wards["effect_days"])
        for row, place, effect in zip(rows, edge, wards["effect_days"], strict=True):
            axes.annotate(
                _write_effect(effect), (place, row), (6, 0),
                textcoords="offset points", va="center", fontsize=8.5, color=INK,
            )  # fmt: skip
        _label_rows(axes, wards["group_name"], wards["n_spells"])
        axes.set_xlim(0, float(edge.max()) * 1.1)
        axes.set_xlabel("Mean stay in days; the number is days over (+) or under (−) expected")
        _add_legend(
            figure,
            [
                Patch(color="#8FA9C4", label="Until ready to leave"),
                Patch(
                    facecolor=ORANGE, hatch=WAITING_HATCH, edgecolor="white", label="Ready, waiting to leave"
                ),
                Line2D(
                    [], [], color=INK, marker="|", linestyle="", markersize=12, markeredgewidth=2.4,
                    label="Expected of its casemix",
                ),
            ],
        )  # fmt: skip
    return figure


def plot_gap_parts(mix: pd.DataFrame, *, grouping: str) -> Figure | str:
    """Draw each group's gap to its line's other patients as two bars: casemix and practice.

    The 18 groups with the largest part in practice, of at least 20 stays on either side, are drawn.
    """
    enough = mix[["n_spells", "n_others"]].min(axis=1) >= MIN_GAP_SPELLS
    kept = mix[(mix["grouping"] == grouping) & enough]
    kept = kept.loc[_largest(kept["practice_days"], MOST_BARS)]
    kept = kept.sort_values(["practice_days", "group"], ignore_index=True)
    rows = np.arange(len(kept))
    if kept.empty:
        return "no group has enough stays to divide its gap."
    with report_style():
        figure, axes = new_figure(_height(len(kept), row=0.36))
        axes.barh(rows + 0.19, kept["practice_days"], height=0.34, color=BLUE)
        axes.barh(
            rows - 0.19,
            kept["mix_days"],
            height=0.34,
            color=LIGHT_GREY,
            edgecolor=GREY,
            linewidth=0.6,
        )
        axes.plot(kept["gap_days"], rows, linestyle="", marker="D", markersize=5, color=INK)
        draw_zero_line(axes)
        names = kept["group_name"] + ", " + kept["within_name"]
        _label_rows(axes, names, kept["n_spells"])
        axes.set_xlabel("Days a stay against the other patients of the line")
        axes.grid(axis="x")
        _add_legend(
            figure,
            [
                Patch(color=BLUE, label="Practice: like patients stay differently"),
                Patch(facecolor=LIGHT_GREY, edgecolor=GREY, label="Casemix: different patients"),
                Line2D(
                    [], [], color=INK, marker="D", linestyle="", markersize=5, label="Whole gap"
                ),
            ],
        )
    return figure


def plot_long_stays(long_stays: pd.DataFrame) -> Figure | str:
    """Draw the share of each line's bed days that long stays take, the darkest 21 days and over.

    Expects ``line_name``. The trust stands at the top, then lines by their share of 21 days and over.
    """
    wide = long_stays.pivot(index="line_id", columns="threshold_days", values="bed_days_prop")
    names = long_stays.drop_duplicates("line_id").set_index("line_id")["line_name"]
    wide = wide.reindex(columns=[threshold for threshold, _ in LONG_SHADES]).dropna()
    order = wide.sort_values([21, 14, 7], kind="stable").index
    order = [line for line in order if line != TRUST] + [line for line in order if line == TRUST]
    wide, rows = wide.loc[order], np.arange(len(order))
    if wide.empty:
        return "there are no completed stays."
    with report_style():
        figure, axes = new_figure(_height(len(order)))
        for threshold, shade in LONG_SHADES:
            axes.barh(rows, wide[threshold], height=0.66, color=shade)
        for row, share in zip(rows, wide[7], strict=True):
            text = f"{format_prop(share)} · {format_prop(wide[14].iloc[row])} · {format_prop(wide[21].iloc[row])}"
            axes.annotate(
                text, (share, row), (5, 0), textcoords="offset points", va="center", fontsize=8.5
            )
        axes.set_yticks(rows, [_shorten(names[line]) for line in order])
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
        axes.set_xlim(0, min(1.0, float(wide[7].max())) * 1.3 or 1.0)
        axes.xaxis.set_major_formatter(lambda value, _: format_prop(value))
        axes.set_xlabel("Share of the line's bed days")
        _add_legend(
            figure,
            [
                Patch(color=shade, label=f"{threshold} days or more")
                for threshold, shade in LONG_SHADES
            ],
        )
    return figure


def _draw_finding(axes: Axes, place: int, row: dict) -> None:
    is_own = bool(row["holds"])
    color = BLUE if is_own else GREY
    axes.plot(
        [row["effect_low_days"], row["effect_high_days"]],
        [place, place],
        color=color,
        linewidth=1.6,
    )
    axes.plot(
        row["effect_days"], place, marker="o", markersize=6.5, color=color,
        markerfacecolor=color if is_own else "white", linestyle="",
    )  # fmt: skip


def _lay_rows(found: pd.DataFrame) -> pd.DataFrame:
    """Return findings with a heading before each kind, bottom row first."""
    rows: list[dict] = []
    order = found.groupby("grouping_name")["effect_days"].agg(lambda days: days.abs().max())
    for kind in order.sort_values(ascending=False, kind="stable").index:
        rows.append({"is_heading": True, "group_name": kind})
        part = found[found["grouping_name"] == kind].sort_values(
            ["effect_days", "group"], ascending=[False, True]
        )
        rows += [{**row, "is_heading": False} for row in part.to_dict("records")]
    return pd.DataFrame(rows[::-1])


def _name_rows(axes: Axes, rows: pd.DataFrame) -> None:
    labels = [
        row["group_name"]
        if row["is_heading"]
        else f"{_shorten(row['group_name'])} ({format_count(row['n_spells'])})"
        for row in rows.to_dict("records")
    ]
    axes.set_yticks(rows.index, labels)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    for tick, is_heading in zip(axes.get_yticklabels(), rows["is_heading"], strict=True):
        tick.set_fontweight("bold" if is_heading else "normal")


def _label_rows(axes: Axes, names: pd.Series, n_spells: pd.Series) -> None:
    labels = [
        f"{_shorten(name)} ({format_count(n)})" for name, n in zip(names, n_spells, strict=True)
    ]
    axes.set_yticks(np.arange(len(labels)), labels)
    axes.set_ylim(-0.7, len(labels) - 0.3)


def _write_effect(days: float) -> str:
    text = format_days(days, signed=True).removesuffix(" days")
    return "0.0" if text == "+0.0" else text


def _largest(values: pd.Series, most: int) -> pd.Index:
    return values.abs().sort_values(ascending=False, kind="stable").index[:most]


def _shorten(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip()}…"


def _height(n_rows: int, *, row: float = ROW_INCHES) -> float:
    return MARGIN_INCHES + row * n_rows


def _add_legend(figure: Figure, handles: list) -> None:
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), fontsize=9)
