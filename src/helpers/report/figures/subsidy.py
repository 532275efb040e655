"""Figures of the cross-subsidy page.

A line whose sign depends on the allocation rule is grey and hatched wherever it is drawn, never in
the colour of a surplus or a deficit.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from helpers.contracts.terms import PODS
from helpers.report.figures.phone import NAME_LETTERS, NAME_SIZE, add_phone_form, fold_name
from helpers.report.figures.phone import ROW_INCHES as PHONE_ROW_INCHES
from helpers.report.figures.style import (
    BLUE,
    DEFICIT,
    INK,
    NARROW_INCHES,
    NOT_SURE,
    PINK,
    SURPLUS,
    draw_zero_line,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.formats import format_gbp, format_prop

BAR_INCHES, MARGIN_INCHES = 0.27, 1.15
LONGEST_NAME = 30
RULE_DEPENDENT = "rule_dependent"
HATCH = "////"
ONE_MILLION_PENCE = 1e8
PALEST, DARKEST = 0.12, 0.55  # opacity of a cell: ink stays readable on the darkest
LEGEND = [
    ("funder", SURPLUS, "Earns more than its full cost"),
    ("covers_care", DEFICIT, "Covers its care, not its overheads"),
    ("below_care", PINK, "Does not cover its own care"),
    (RULE_DEPENDENT, NOT_SURE, "Sign depends on the rule"),
]

MARK_PROP, LABEL_PROP = 0.015, 0.13  # of the scale: half a mark, and a written amount


def plot_surplus_by_line(position: pd.DataFrame) -> Figure:
    """Draw each line's surplus (T4) as a bar, best at the top, coloured by class."""
    lines = position.sort_values(["surplus_pence", "line_id"], ignore_index=True)
    with report_style():
        figure, axes = new_figure(_height(lines))
        kinds = lines["class"].mask(lines["sign_label"] == RULE_DEPENDENT, RULE_DEPENDENT)
        _draw_bars(axes, lines["surplus_pence"], kinds)
        _name_rows(axes, lines)
        _write_amounts(axes, lines["surplus_pence"])
        _finish(axes, "Surplus (right) or deficit (left) after every cost")
        _add_legend(figure, [entry for entry in LEGEND if (kinds == entry[0]).any()])
    return figure


def plot_coverage(position: pd.DataFrame, coverage: pd.DataFrame) -> Figure:
    """Draw each line's contribution as a bar and its overheads as the mark to reach."""
    lines = position.merge(
        coverage[["line_id", "coverage_prop"]], on="line_id", how="left", validate="one_to_one"
    )
    lines["to_pay_pence"] = lines["overhead_pence"] + lines["below_ebitda_pence"]
    lines = lines.sort_values(["contribution_pence", "line_id"], ignore_index=True)
    rows = np.arange(len(lines))
    with report_style():
        figure, axes = new_figure(_height(lines))
        axes.barh(rows, lines["contribution_pence"], height=0.62, color="#8FA9C4")
        axes.plot(
            lines["to_pay_pence"], rows, linestyle="", marker="|", markersize=13, markeredgewidth=2.4,
            color=INK,
        )  # fmt: skip
        _name_rows(axes, lines)
        reach = lines[["contribution_pence", "to_pay_pence"]].max(axis=1).clip(lower=0)
        texts = ["" if pd.isna(part) else format_prop(part) for part in lines["coverage_prop"]]
        _write_beside(axes, reach, texts)
        _finish(axes, "Contribution against overheads; the percentage is the part covered")
        handles = [
            Patch(color="#8FA9C4", label="Contribution: income less direct and indirect cost"),
            axes.plot([], [], "|", color=INK, markersize=12, markeredgewidth=2.4,
                      label="Overheads and capital charges to pay")[0],
        ]  # fmt: skip
        figure.legend(handles=handles, loc="outside upper left", ncols=1, alignment="left")
    return figure


def plot_private(private: pd.DataFrame) -> Figure | None:
    """Draw NHS and private surplus side by side for each line with private patients, if any."""
    if private.empty:
        return None
    lines = private.sort_values(["nhs_surplus_pence", "line_id"], ignore_index=True)
    rows = np.arange(len(lines))
    with report_style():
        figure, axes = new_figure(max(0.52 * len(lines), 0.6) + 1.2)
        axes.barh(
            rows + 0.2,
            lines["nhs_surplus_pence"],
            height=0.36,
            color=BLUE,
            label="NHS patients and all else",
        )
        axes.barh(
            rows - 0.2,
            lines["private_surplus_pence"],
            height=0.36,
            color="#A285D1",
            label="Private patients",
        )
        axes.plot(
            lines["surplus_pence"], rows, "D", color="white", markeredgecolor=INK, markeredgewidth=1.6,
            markersize=6, zorder=4, label="The line in all",
        )  # fmt: skip
        _name_rows(axes, lines)
        for name, shift in (("nhs_surplus_pence", 0.2), ("private_surplus_pence", -0.2)):
            _write_amounts(axes, lines[name], shift=shift, past=lines["surplus_pence"])
        _finish(axes, "Surplus or deficit after every cost")
        figure.legend(loc="outside upper left", ncols=3)
    return figure


def plot_within_line(within_line: pd.DataFrame, position: pd.DataFrame) -> Figure | None:
    """Draw margins as a grid, lines down and points of delivery across, if they are known."""
    if within_line.empty:
        return None
    wide = within_line.pivot(index="line_id", columns="pod", values="surplus_pence")
    pods = [pod for pod in [*PODS, "REST"] if pod in wide.columns]
    lines = position[position["line_id"].isin(wide.index)]
    lines = lines.sort_values(
        ["surplus_pence", "line_id"], ascending=[False, True], ignore_index=True
    )
    values = wide.reindex(index=lines["line_id"], columns=pods).to_numpy("float64")
    unit = pick_unit(values)
    with report_style():
        figure, axes = new_figure(0.29 * max(len(lines), 1) + 1.7)
        most = np.nanmax(np.abs(values), initial=1.0)
        unsure = (lines["sign_label"] == RULE_DEPENDENT).to_numpy()
        _draw_cells(axes, values, unsure, unit, most=most, size=8.5)
        last = len(pods) + 0.1
        for row, total in enumerate(lines["surplus_pence"]):
            text = unit.write(total)
            axes.text(last, row, text, ha="center", va="center", weight="bold", fontsize=8.5)
        axes.set_xlim(-0.5, len(pods) + 0.6)
        axes.set_ylim(max(len(lines), 1) - 0.5, -0.5)
        _name_rows(axes, lines)
        axes.set_xticks([*range(len(pods)), last], [*map(_write_pod, pods), "The line in all"])
        axes.xaxis.tick_top()
        axes.tick_params(axis="x", labelsize=8, labelrotation=32)
        for text in axes.get_xticklabels():
            text.set(ha="left", rotation_mode="anchor")
        axes.set_xlabel(f"Surplus (+) or deficit (−), {unit.words}", loc="left")
        axes.spines[:].set_visible(False)
    return add_phone_form(figure, _draw_within_parts(values, pods, lines, unit))


def _draw_within_parts(
    values: np.ndarray, pods: list[str], lines: pd.DataFrame, unit: Unit
) -> Figure:
    """Draw the grid of a line's points of delivery in two parts, one under another, for a phone."""
    unsure = (lines["sign_label"] == RULE_DEPENDENT).to_numpy()
    all_values = np.column_stack([values, lines["surplus_pence"].astype("float64")])
    heads = [*map(_write_pod, pods), "The line in all"]
    parts = np.array_split(np.arange(len(heads)), 2)
    most = np.nanmax(np.abs(values), initial=1.0)
    with report_style():
        height = 2 * (PHONE_ROW_INCHES * max(len(lines), 1) + 1.6)
        form, panels = new_figure(height, width=NARROW_INCHES, n_rows=2)
        for axes, part in zip(panels, parts, strict=True):
            _draw_cells(axes, all_values[:, part], unsure, unit, most=most, size=NAME_SIZE)
            axes.set_xlim(-0.5, len(parts[0]) - 0.5)
            axes.set_ylim(max(len(lines), 1) - 0.5, -0.5)
            axes.set_yticks(
                range(len(lines)), [*map(fold_name, lines["line_name"])], fontsize=NAME_SIZE
            )
            names = [fill(heads[place], NAME_LETTERS) for place in part]
            axes.set_xticks(range(len(part)), names, fontsize=NAME_SIZE, rotation=90)
            axes.xaxis.tick_top()
            axes.set_xlabel(
                f"Surplus (+) or deficit (−), {unit.words}", loc="left", fontsize=NAME_SIZE
            )
            axes.spines[:].set_visible(False)
    return form


@dataclass(frozen=True)
class Unit:
    """The unit of a grid of money: its size in pence, decimals shown, and its name."""

    pence: float
    decimals: int
    words: str

    def write(self, pence: float) -> str:
        """Return an amount in the unit, with its sign unless it rounds to nought."""
        text = f"{abs(pence) / self.pence:,.{self.decimals}f}"
        return text if float(text.replace(",", "")) == 0 else f"{'−' if pence < 0 else '+'}{text}"


def pick_unit(values: np.ndarray) -> Unit:
    """Return millions where an amount reaches one, and thousands otherwise; pence in."""
    if np.nanmax(np.abs(values), initial=0.0) >= ONE_MILLION_PENCE:
        return Unit(ONE_MILLION_PENCE, 1, "£ million")
    return Unit(ONE_MILLION_PENCE / 1000, 0, "£ thousand")


def _draw_cells(
    axes: Axes, values: np.ndarray, is_unsure: np.ndarray, unit: Unit, *, most: float, size: float
) -> None:
    """Shade each cell by its size and sign; a rule-dependent line is hatched grey.

    ``most`` is the amount of the darkest cell; larger ones are no darker.
    """
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        text = unit.write(value)
        is_grey = is_unsure[row] or text[0] not in "+−"
        strength = PALEST + (DARKEST - PALEST) * min(abs(value) / most, 1.0) ** 0.5
        axes.barh(
            row, 0.94, left=column - 0.47, height=0.86, linewidth=0, edgecolor="white",
            color=NOT_SURE if is_grey else SURPLUS if value >= 0 else DEFICIT,
            alpha=0.35 if is_grey else strength, hatch=HATCH if is_unsure[row] else None,
        )  # fmt: skip
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=INK)


def _draw_bars(axes: Axes, amounts: pd.Series, kinds: pd.Series) -> None:
    colours = {kind: colour for kind, colour, _ in LEGEND}
    for row, (amount, kind) in enumerate(zip(amounts, kinds, strict=True)):
        is_unsure = kind == RULE_DEPENDENT
        axes.barh(
            row, amount, height=0.66, color=colours[kind], edgecolor="white", linewidth=0,
            hatch=HATCH if is_unsure else None,
        )  # fmt: skip


def _add_legend(figure: Figure, entries: list[tuple[str, str, str]]) -> None:
    handles = [
        Patch(
            facecolor=colour,
            edgecolor="white",
            label=words,
            hatch=HATCH if kind == RULE_DEPENDENT else None,
        )
        for kind, colour, words in entries
    ]
    if handles:
        figure.legend(handles=handles, loc="outside upper left", ncols=2, handlelength=1.3)


def _name_rows(axes: Axes, lines: pd.DataFrame) -> None:
    names = [shorten_name(name) for name in lines["line_name"]]
    axes.set_yticks(range(len(lines)), names)


def _write_amounts(
    axes: Axes, amounts: pd.Series, shift: float = 0.0, past: pd.Series | None = None
) -> None:
    """Write each amount at the end of its bar, outside it; beyond a mark of ``past`` that stands there."""
    low, high = axes.get_xlim()
    for row, amount in enumerate(amounts):
        side = 1 if amount >= 0 else -1
        end, gap = float(amount), 4
        if past is not None:
            beyond = (float(past.iloc[row]) - end) * side / (high - low)
            if -MARK_PROP < beyond < LABEL_PROP:
                end, gap = (max if side > 0 else min)(end, float(past.iloc[row])), 7
        axes.annotate(
            format_gbp(amount, signed=True), (end, row + shift), xytext=(gap * side, 0),
            textcoords="offset points", ha="left" if side > 0 else "right", va="center", fontsize=8.5,
        )  # fmt: skip
    axes.margins(x=0.16)


def _write_beside(axes: Axes, ends: pd.Series, texts: list[str]) -> None:
    for row, (end, text) in enumerate(zip(ends, texts, strict=True)):
        axes.annotate(
            text, (end, row), xytext=(8, 0), textcoords="offset points", va="center", fontsize=8.5
        )
    axes.margins(x=0.1)


def _finish(axes: Axes, label: str) -> None:
    use_money_axis(axes)
    axes.locator_params(axis="x", nbins=6)
    axes.grid(axis="x")
    axes.set_xlabel(label)
    axes.spines["left"].set_visible(False)
    draw_zero_line(axes)
    axes.margins(y=0.02)


def _height(lines: pd.DataFrame) -> float:
    return BAR_INCHES * max(len(lines), 2) + MARGIN_INCHES


def shorten_name(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a line's name, cut with an ellipsis where it would not fit."""
    return name if len(name) <= longest else name[: longest - 1].rstrip() + "…"


def _write_pod(pod: str) -> str:
    return "Unmatched and other" if pod == "REST" else PODS.get(pod, pod)
