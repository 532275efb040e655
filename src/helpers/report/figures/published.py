"""Figures of the pages made from published figures. Each is left out (None) where files do not reach."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from helpers.report.figures.phone import NAME_SIZE, add_phone_form, fold_name
from helpers.report.figures.phone import ROW_INCHES as PHONE_ROW_INCHES
from helpers.report.figures.style import (
    BLUE,
    DEFICIT,
    GREY,
    INK,
    LIGHT_GREY,
    NARROW_INCHES,
    NOT_SURE,
    ORANGE,
    PURPLE,
    SURPLUS,
    draw_zero_line,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.formats import format_gbp, format_tick_gbp
from helpers.report.tables.published import name_line, name_setting
from helpers.report.words.published import keep_drawn

ROW_INCHES, MARGIN_INCHES = 0.27, 1.1
PHONE_MARGIN_INCHES, PHONE_TICKS = 1.5, 5
LONGEST_NAME = 36
MOST_NAMED = 20
TICKS = (0.25, 0.33, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0)


def plot_costs(lines: pd.DataFrame) -> Figure:
    """Draw the cost of each line, largest at the top; the part with a published price is dark."""
    shown = lines.sort_values(["cost_pence", "line_id"], ascending=[True, False], ignore_index=True)
    rows = np.arange(len(shown))
    with report_style():
        figure, axes = new_figure(MARGIN_INCHES + ROW_INCHES * len(shown))
        axes.barh(rows, shown["priced_cost_pence"], height=0.66, color=BLUE)
        axes.barh(
            rows, shown["unpriced_cost_pence"], left=shown["priced_cost_pence"], height=0.66,
            color=LIGHT_GREY, hatch="////", edgecolor="white", linewidth=0,
        )  # fmt: skip
        _name_rows(axes, shown["line_id"].map(name_line))
        _write_beside(axes, shown["cost_pence"], shown["cost_pence"].map(format_gbp))
        use_money_axis(axes)
        axes.margins(x=0.16)
        handles = [
            Patch(color=BLUE, label="Care with a published price"),
            Patch(
                facecolor=LIGHT_GREY, hatch="////", edgecolor="white", label="No price to put to it"
            ),
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=2, fontsize=9)
    return figure


def plot_index(index: pd.DataFrame) -> Figure | None:
    """Draw each line's index with its interval on a log axis; a line without an interval is hollow."""
    if index.empty:
        return None
    lines = index[index["line_id"] != "ALL"].sort_values(["index_ratio", "line_id"])
    shown = pd.concat([index[index["line_id"] == "ALL"], lines], ignore_index=True)
    names = shown["line_id"].map(name_line).mask(shown["line_id"].eq("ALL"), "All lines together")
    with report_style():
        figure, axes = new_figure(MARGIN_INCHES + ROW_INCHES * len(shown))
        _draw_index(axes, shown)
        _name_rows(axes, names)
        _use_ratio_axis(axes, shown)
        axes.set_xlabel("Cost against national means (1 = the same)")
        figure.legend(handles=_explain_index(), loc="outside upper left", ncols=2, fontsize=9)
        height = PHONE_MARGIN_INCHES + PHONE_ROW_INCHES * len(shown)
        form, axes = new_figure(height, width=NARROW_INCHES)
        _draw_index(axes, shown)
        axes.set_yticks(np.arange(len(shown)), [*map(fold_name, names)], fontsize=NAME_SIZE)
        _use_ratio_axis(axes, shown, most=PHONE_TICKS)
        axes.set_xlabel("Cost against national means\n(1 = the same)")
        form.legend(handles=_explain_index(), loc="outside upper left", ncols=1, fontsize=9)
    return add_phone_form(figure, form)


def _draw_index(axes: Axes, shown: pd.DataFrame) -> None:
    rows = np.arange(len(shown))
    is_all, has_interval = shown["line_id"].eq("ALL"), shown["ci_low"].notna()
    axes.hlines(
        rows[has_interval], shown["ci_low"][has_interval], shown["ci_high"][has_interval],
        color=GREY, lw=2,
    )  # fmt: skip
    for rule, colour, fill in ((has_interval, BLUE, BLUE), (~has_interval, GREY, "white")):
        axes.scatter(shown["index_ratio"][rule], rows[rule], s=34, facecolor=fill, edgecolor=colour,
                     zorder=3)  # fmt: skip
    axes.scatter(shown["index_ratio"][is_all], rows[is_all], s=70, color=INK, marker="D", zorder=4)
    axes.axvline(1, color=INK, lw=0.9)


def _explain_index() -> list[Line2D]:
    return [
        Line2D([], [], marker="o", color=GREY, markerfacecolor=BLUE, lw=2, label="Index and 95% interval"),
        Line2D([], [], marker="o", color=GREY, markerfacecolor="white", ls="", label="Too few currencies for an interval"),
        Line2D([], [], marker="D", color=INK, ls="", label="All lines"),
    ]  # fmt: skip


def thin_ticks(ticks: list[float], most: int) -> list[float]:
    """Return every second tick, or third, so that at most so many are left; 1 always is.

    >>> thin_ticks([0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0], 5)
    [0.5, 0.8, 1.0, 1.25, 2.0]
    """
    middle, step = ticks.index(1.0) if 1.0 in ticks else 0, 1
    kept = ticks
    while len(kept) > most:
        step += 1
        kept = [tick for place, tick in enumerate(ticks) if (place - middle) % step == 0]
    return kept


def plot_positions(positions: pd.DataFrame) -> Figure | None:
    """Draw the margin in proportion as a bar and the margin at price as a diamond, by line or setting.

    A bar is grey and hatched where the two disagree about the sign.
    """
    priced = positions[positions["sign_label"] != "none"]
    if len(priced) < 2:
        return None
    key = positions.columns[0]
    shown = priced.sort_values(["level_margin_pence", key], ignore_index=True)
    namer = name_line if key == "line_id" else name_setting
    rows = np.arange(len(shown))
    depends = shown["sign_label"].eq("depends")
    ahead = shown["level_margin_pence"].ge(0)
    colours = np.where(depends, NOT_SURE, np.where(ahead, SURPLUS, DEFICIT))
    with report_style():
        figure, axes = new_figure(MARGIN_INCHES + 0.3 + ROW_INCHES * len(shown))
        bars = axes.barh(
            rows,
            shown["level_margin_pence"],
            height=0.66,
            color=colours,
            edgecolor="white",
            linewidth=0,
        )
        for bar, is_unsure in zip(bars, depends, strict=True):
            bar.set_hatch("////" if is_unsure else "")
        axes.plot(shown["margin_pence"], rows, ls="", marker="D", color=INK, markersize=5, zorder=4)
        draw_zero_line(axes)
        _name_rows(axes, shown[key].map(namer))
        use_money_axis(axes)
        axes.grid(axis="x")
        handles = [
            Patch(color=SURPLUS, label="In proportion: earns more than it costs"),
            Patch(color=DEFICIT, label="In proportion: earns less"),
            Patch(facecolor=NOT_SURE, hatch="////", edgecolor="white", label="Sign depends on the level of prices"),
            Line2D([], [], ls="", marker="D", color=INK, label="At price, as published"),
        ]  # fmt: skip
        figure.legend(handles=handles, loc="outside upper left", ncols=2, fontsize=9)
    return figure


def plot_review(found: pd.DataFrame) -> Figure | None:
    """Draw the unit costs that are named, largest sums first, with the interval that chance allows."""
    named = found[found["flag"] != ""]
    if named.empty:
        return None
    size = named["excess_pence"].abs()
    shown = named.assign(size=size).sort_values(["size", "currency_code"], ascending=[False, True])
    shown = shown.head(MOST_NAMED).iloc[::-1].reset_index(drop=True)
    rows = np.arange(len(shown))
    with report_style():
        figure, axes = new_figure(MARGIN_INCHES + 0.3 + ROW_INCHES * len(shown))
        axes.hlines(rows, shown["ci_low"], shown["ci_high"], color=GREY, lw=2)
        half = np.exp(1.96 * shown["spread"])
        axes.barh(rows, half - 1 / half, left=1 / half, height=0.5, color="#E4E9EE", zorder=0)
        for flag, colour, marker in (("dearer", ORANGE, "o"), ("cheaper", PURPLE, "s")):
            one = shown["flag"].eq(flag)
            axes.scatter(
                shown["ratio"][one], rows[one], s=40, color=colour, marker=marker, zorder=3
            )
        axes.axvline(1, color=INK, lw=0.9)
        _name_rows(axes, shown["currency_code"] + "  " + shown["setting"].map(name_setting))
        for row, pence in zip(rows, shown["excess_pence"], strict=True):
            axes.annotate(
                format_gbp(pence, signed=True), (1, row), xycoords=("axes fraction", "data"),
                xytext=(54, 0), textcoords="offset points", ha="right", va="center", fontsize=9,
            )  # fmt: skip
        _use_ratio_axis(axes, shown)
        axes.set_xlabel("Unit cost against the median trust (1 = the same)")
        handles = [
            Line2D([], [], ls="", marker="o", color=ORANGE, label="Dearer"),
            Line2D([], [], ls="", marker="s", color=PURPLE, label="Cheaper"),
            Line2D([], [], color=GREY, lw=2, label="What chance allows, 95%"),
            Patch(color="#E4E9EE", label="Where 95% of trusts usually lie"),
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=2, fontsize=9)
    return figure


def plot_trusts(trusts: pd.DataFrame, peers: pd.DataFrame, trust: str) -> Figure | None:
    """Draw every trust's index by its size, with the limits that size and usual differences allow.

    Only this trust and its peers stand out; nobody is ranked.
    """
    drawn = keep_drawn(trusts)
    if drawn is None:
        return None
    size = drawn["expected_pence"].to_numpy("float64")
    noise, tau2 = float(drawn["noise"].iloc[0]), float(drawn["tau2"].iloc[0])
    own = drawn["org_code"].eq(trust)
    is_peer = drawn["org_code"].isin(peers.loc[peers["org_code"] == trust, "peer_code"])
    rest = ~own & ~is_peer
    with report_style():
        figure, axes = new_figure(4.4)
        x = np.geomspace(size.min() * 0.9, size.max() * 1.1, 200)
        sd = np.sqrt(noise**2 / (x / 100) + tau2)
        axes.fill_between(
            x, np.exp(-1.96 * sd), np.exp(1.96 * sd), color="#E4E9EE", lw=0, label="95% limits"
        )
        for sign in (-1, 1):
            words = "99.8% limits" if sign > 0 else None
            axes.plot(x, np.exp(sign * 3.09 * sd), color=GREY, lw=0.9, ls="--", label=words)
        axes.axhline(1, color=INK, lw=0.9)
        ratio = drawn["index_ratio"]
        axes.scatter(size[rest], ratio[rest], s=16, color=GREY, alpha=0.7, lw=0, label="Trusts")
        axes.scatter(
            size[is_peer], ratio[is_peer], s=34, color=BLUE, marker="s", label="Peers", zorder=3
        )
        if own.any():
            axes.scatter(
                size[own], ratio[own], s=80, color=ORANGE, marker="D", label=trust, zorder=4
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format_tick_gbp(value)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_locator(FixedLocator(_find_sizes(size)))
        _use_ratio_axis(axes, drawn, which="y")
        axes.set_xlabel("Cost at national means (size)")
        axes.set_ylabel("Cost against national means")
        figure.legend(loc="outside lower left", ncols=5, fontsize=8.5)
    return figure


def _find_sizes(pence: np.ndarray) -> list[float]:
    """Return round sums to write along an axis of sizes."""
    steps = [base * 10**power for power in range(6, 15) for base in (1, 2, 5)]
    return [step for step in steps if pence.min() * 0.9 <= step <= pence.max() * 1.1]


def _use_ratio_axis(
    axes: Axes, rows: pd.DataFrame, *, which: str = "x", most: int = len(TICKS)
) -> None:
    """Use a log axis for ratios, with plain numbers at round places."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    known = pd.concat(
        [rows[name] for name in ("index_ratio", "ratio", "ci_low", "ci_high") if name in rows]
    )
    usual = float(np.exp(1.96 * rows["spread"].max())) if "spread" in rows else 1.1
    low, high = min(known.min(), 1 / usual, 0.9), max(known.max(), usual, 1.1)
    ticks = [tick for tick in TICKS if low * 0.95 <= tick <= high * 1.05]
    axis.set_major_locator(FixedLocator(thin_ticks(ticks, most)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    (axes.set_xlim if which == "x" else axes.set_ylim)(low * 0.93, high * 1.07)
    axes.grid(axis=which)


def _name_rows(axes: Axes, names: pd.Series) -> None:
    short = [
        name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"
        for name in names
    ]
    axes.set_yticks(np.arange(len(names)), short)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.spines["left"].set_visible(False)


def _write_beside(axes: Axes, ends: pd.Series, texts: pd.Series) -> None:
    for row, (end, text) in enumerate(zip(ends, texts, strict=True)):
        axes.annotate(
            text, (end, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9
        )
