"""Figures of the costing page that look inside lines and at the year."""

from __future__ import annotations

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from helpers.report.figures.phone import (
    CELL_SIZE,
    NAME_LETTERS,
    NAME_SIZE,
    ROW_INCHES,
    add_phone_form,
    fold_name,
)
from helpers.report.figures.style import (
    BLUE,
    DEFICIT,
    GREY,
    INK,
    NARROW_INCHES,
    PURPLE,
    SURPLUS,
    TURQUOISE,
    draw_zero_line,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.formats import format_gbp
from helpers.report.words.plain import name_lines

BAR_INCHES, MARGIN_INCHES = 0.29, 0.9
LONGEST_NAME = 36
MOST_DEPARTMENTS = 9  # the dearest that several lines use
SMALLEST_CELL_PROP, SMALLEST_OTHER_PROP = 0.005, 0.03
PALEST, DARKEST = 0.10, 0.62
HEAD_LETTERS = 11
LABEL_GAP_PROP = 0.008  # between the end of a bar and its value, as a share of the longest
TERMS = {
    "price_pence": "Price", "volume_pence": "Volume", "mix_pence": "Mix", "unit_cost_pence": "Unit cost",
    "overhead_pence": "Overhead and capital", "other_pence": "Other",
}  # fmt: skip


def plot_ledger_waterfall(steps: pd.DataFrame) -> Figure:
    """Draw the ledger's expenditure step by step down to what the lines cost.

    ``steps`` is ``build_waterfall``'s: a full bar for the ledger, then what each step takes.
    """
    rows = steps.iloc[::-1].reset_index(drop=True)
    colours = {"total": INK, "beside": GREY, "direct": BLUE, "indirect": TURQUOISE, "overhead": PURPLE,
               "capital": GREY}  # fmt: skip
    with report_style():
        figure, axes = new_figure(BAR_INCHES * 1.25 * len(rows) + 0.6)
        gap = LABEL_GAP_PROP * rows["pence"].max()
        for place, row in enumerate(rows.itertuples()):
            axes.barh(place, row.pence, left=row.start_pence, color=colours[row.kind], height=0.66)
            end = row.start_pence + row.pence
            axes.text(
                end + gap,
                place,
                format_gbp(row.pence),
                va="center",
                ha="left",
                fontsize=9,
                color=INK,
            )
        for place in range(len(rows) - 1, 0, -1):
            at = rows.at[place, "start_pence"] if rows.at[place, "kind"] != "total" else (
                rows.at[place, "start_pence"] + rows.at[place, "pence"]
            )  # fmt: skip
            axes.plot([at, at], [place - 0.33, place - 0.67], color=GREY, linewidth=0.8)
        axes.set_yticks(range(len(rows)), rows["label"])
        axes.spines["left"].set_visible(False)
        axes.set_xlim(0, rows["pence"].max() * 1.14)
        use_money_axis(axes)
        axes.grid(axis="x")
        draw_zero_line(axes)
    return figure


def build_waterfall(statement: pd.DataFrame) -> pd.DataFrame:
    """Return the steps from the ledger to the lines: ``label, kind, start_pence, pence``.

    Each step after the ledger begins where what is left ends; the last four are what the lines cost.
    """
    cost = statement[statement["row_id"].isin(["C1", "C2", "C3", "C4"])]
    wide = cost.pivot(index="line_id", columns="row_id", values="amount_pence")
    total = wide.sum(axis=1)
    beside = {
        "Education and research": ["ET", "RD"], "Other services": ["OTHER"], "Excluded": ["EXCLUDED"],
    }  # fmt: skip
    left = int(total["TRUST"])
    rows = [("Ledger expenditure", "total", 0, left)]
    apart = [name for names in beside.values() for name in names]
    lines = wide.drop(index=[*apart, "TRUST", "NOT_ATTRIBUTED"], errors="ignore")
    parts = [
        (label, "beside", int(total.reindex(names).fillna(0).sum()))
        for label, names in beside.items()
    ]
    names = {"C4": "Capital charges", "C3": "Overhead", "C2": "Indirect", "C1": "Direct"}
    kinds = {"C4": "capital", "C3": "overhead", "C2": "indirect", "C1": "direct"}
    parts += [(f"Lines: {names[row].lower()}", kinds[row], int(lines[row].sum())) for row in names]
    for label, kind, pence in parts:
        if pence:
            left -= pence
            rows.append((label, kind, left, pence))
    return pd.DataFrame(rows, columns=["label", "kind", "start_pence", "pence"])


def build_department_use(
    pool_line_costs: pd.DataFrame, departments: pd.DataFrame, service_lines: pd.DataFrame
) -> pd.DataFrame:
    """Return the share of each shared department's own cost that each line uses: lines x departments.

    Departments that a line other than their owner uses for at least 3% of their cost, the dearest nine;
    lines that use at least one of them. Unmatched cost counts in its line.
    """
    own = pool_line_costs[
        (pool_line_costs["tier"] != "overhead") & (pool_line_costs["feed"] != "none")
    ]
    line = own["line_id"].str.removeprefix("UNMATCHED:")
    pence = own.groupby(["department_id", line])["amount_pence"].sum().unstack(fill_value=0)
    owners = departments.set_index("department_id")["owner_line_id"].astype("str").fillna("")
    total = pence.sum(axis=1)
    share = pence.div(total.where(total > 0), axis=0).fillna(0.0)
    others = share.apply(
        lambda row: row.drop(owners.get(row.name, ""), errors="ignore").sum(), axis=1
    )
    shared = total[(others >= SMALLEST_OTHER_PROP) & (total > 0)].sort_values(ascending=False)
    table = share.loc[shared.index[:MOST_DEPARTMENTS]].T
    table = table[table.max(axis=1) >= SMALLEST_CELL_PROP]
    names = departments.set_index("department_id")["name"]
    table.columns = [str(names.get(code, code)) for code in table.columns]
    used = table.sum(axis=1)
    order = used.sort_values(ascending=False, kind="stable").index
    table = table.loc[order]
    table.index = name_lines(pd.Series(table.index), service_lines).to_numpy()
    return table


def plot_department_use(table: pd.DataFrame) -> Figure | None:
    """Draw which lines use which shared departments: a cell a pair, its share written in it."""
    if table.empty:
        return None
    with report_style():
        figure, axes = new_figure(BAR_INCHES * len(table) + 1.2)
        _draw_use(axes, table, size=8, unit="%")
        heads = [fill(name, HEAD_LETTERS, break_long_words=False) for name in table.columns]
        axes.set_xticks(range(len(table.columns)), heads, fontsize=7.5)
        axes.set_yticks(range(len(table)), [_shorten(name) for name in table.index])
        form, axes = new_figure(ROW_INCHES * len(table) + 2.0, width=NARROW_INCHES)
        _draw_use(axes, table, size=CELL_SIZE, unit="")
        heads = [fill(name, NAME_LETTERS) for name in table.columns]
        axes.set_xticks(range(len(table.columns)), heads, fontsize=NAME_SIZE, rotation=90)
        axes.set_yticks(range(len(table)), [*map(fold_name, table.index)], fontsize=NAME_SIZE)
        axes.set_xlabel("Per cent of each department’s cost", fontsize=NAME_SIZE)
    return add_phone_form(figure, form)


def _draw_use(axes: Axes, table: pd.DataFrame, *, size: float, unit: str) -> None:
    values = table.to_numpy(float)
    for row, column in zip(*np.nonzero(values >= SMALLEST_CELL_PROP), strict=True):
        value = values[row, column]
        axes.add_patch(_make_cell(column, row, PALEST + (DARKEST - PALEST) * value))
        text = f"{value * 100:.0f}{unit}"
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=INK)
    axes.set(xlim=(-0.5, len(table.columns) - 0.5), ylim=(len(table) - 0.5, -0.5))
    axes.xaxis.tick_top()
    axes.spines[:].set_visible(False)


def _make_cell(column: int, row: int, opacity: float) -> Rectangle:
    corner = (column - 0.48, row - 0.46)
    return Rectangle(corner, 0.96, 0.92, facecolor=BLUE, alpha=opacity, linewidth=0)


def plot_hrg_margins(table: pd.DataFrame) -> Figure | None:
    """Draw the HRGs that gain and lose most as bars from zero, the largest gain at the top."""
    if table.empty:
        return None
    rows = table.iloc[::-1].reset_index(drop=True)
    margin = rows["margin_pence"].astype("float64")
    with report_style():
        figure, axes = new_figure(BAR_INCHES * len(rows) + MARGIN_INCHES)
        colours = np.where(margin >= 0, SURPLUS, DEFICIT)
        axes.barh(np.arange(len(rows)), margin, color=colours, height=0.7)
        reach = margin.abs().max() * 1.28
        for place, value in enumerate(margin):
            side, gap = ("left", 1) if value >= 0 else ("right", -1)
            axes.text(
                value + gap * LABEL_GAP_PROP * reach, place, format_gbp(value, signed=True), va="center",
                ha=side, fontsize=8.5, color=INK,
            )  # fmt: skip
        axes.set_xlim(min(margin.min() * 1.3, -reach * 0.1), max(margin.max() * 1.3, reach * 0.1))
        labels = rows["hrg"] + ", " + rows["line_name"]
        twice = labels.duplicated(keep=False)
        labels = labels.mask(twice, rows["hrg"] + ", " + rows["pod_name"].str.lower())
        axes.set_yticks(np.arange(len(rows)), [_shorten(name) for name in labels])
        axes.spines["left"].set_visible(False)
        draw_zero_line(axes)
        use_money_axis(axes)
        axes.set_xlabel("Income less full cost: loss (left) or gain (right)")
        axes.grid(axis="x")
    return figure


def plot_bridge(bridge: pd.DataFrame) -> Figure | None:
    """Draw how all lines' surplus moved from the year before to this one, term by term."""
    if bridge.empty:
        return None
    sums = bridge[["before_pence", *TERMS, "after_pence"]].sum()
    labels = ["The year before", *TERMS.values(), "This year"]
    with report_style():
        figure, axes = new_figure(BAR_INCHES * 1.25 * len(labels) + 0.8)
        at = 0.0
        gap, sides = LABEL_GAP_PROP * float(sums.abs().max()), set()
        for place, name in enumerate(sums.index):
            value = float(sums[name])
            is_end = name in ("before_pence", "after_pence")
            start = 0.0 if is_end else at
            colour = INK if is_end else SURPLUS if value >= 0 else DEFICIT
            axes.barh(place, value, left=start, color=colour, height=0.66)
            at = value if is_end else start + value
            ends = sorted((start, start + value))
            # A bar left of nought has its value at its left, clear of the zero line.
            x, side = (ends[0] - gap, "right") if ends[1] <= 0 else (ends[1] + gap, "left")
            axes.text(
                x, place, format_gbp(value, signed=not is_end), va="center", ha=side, fontsize=9, color=INK,
            )  # fmt: skip
            sides.add(side)
            if place < len(labels) - 1:
                axes.plot([at, at], [place + 0.33, place + 0.67], color=GREY, linewidth=0.8)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.spines["left"].set_visible(False)
        low, high = axes.get_xlim()
        room = 0.14 if "right" in sides else 0.03
        axes.set_xlim(low - room * (high - low), high + 0.14 * (high - low))
        draw_zero_line(axes)
        use_money_axis(axes)
        axes.grid(axis="x")
    return figure


def _shorten(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"
