"""Figures of the consultant review. Consultants come labelled (``tables.outliers.name_review``)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from helpers.report.figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.formats import format_gbp, format_prop

MOST_LINES = 6
COST_TICKS = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.7, 2.0, 3.0)
ODDS_TICKS = (0.25, 0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 3.0, 4.0)
LABEL_CORNERS = ((7, 7, "left"), (7, -9, "left"), (-7, 7, "right"), (-7, -9, "right"))
LABEL_WIDTH, LABEL_HEIGHT = 62, 14  # points
NAMED = ("outlier", "material", "indicative")
NOBODY = "no consultants could be compared."
NO_OUTCOMES = "the trust’s files hold no outcomes to set beside cost."
Z_95, Z_998 = 1.96, 3.09
SAVING_SHOWN = (
    ("counted", "Named, outcomes no\nbetter or worse\n(the headline)"),
    ("identified", "Named, whatever\ntheir outcomes"),
    ("divergent", "All divergent practice,\nnamed or not"),
    ("to_median", "Everyone to the\nmedian peer: not\nfrom outliers"),
)


def plot_funnel(named: pd.DataFrame) -> Figure | str:
    """Draw each consultant's cost ratio by number of spells, with what chance and nature allow.

    The inner band is sampling chance alone, the outer one adds natural variation of a typical line;
    both at 95%. Pounds vary more than counts, so the bands come from the model's errors. Spells of a
    casemix whose cost is harder to foretell count for less, so that the inner band is right for
    every consultant.
    """
    cost = named[(named["measure"] == "cost") & named["std_error"].notna()]
    if cost.empty:
        return NOBODY
    with report_style():
        figure, axes = new_figure(4.0)
        typical = float(np.median(cost["std_error"] * np.sqrt(cost["n"])))
        cost = cost.assign(n=(typical / cost["std_error"]) ** 2)
        n = np.linspace(max(cost["n"].min() * 0.97, 1), cost["n"].max() * 1.03, 200)
        noise = typical / np.sqrt(n)
        tau = float(np.median(cost["tau"]))
        for z, spread, shade, words in (
            (Z_95, np.sqrt(noise**2 + tau**2), "#E4E9EE", "Chance and natural variation, 95%"),
            (Z_95, noise, "#C3D0DC", "Chance alone, 95%"),
        ):
            axes.fill_between(
                n, np.exp(-z * spread), np.exp(z * spread), color=shade, lw=0, label=words
            )
        far = np.exp(Z_998 * np.sqrt(noise**2 + tau**2))
        axes.plot(n, far, color=GREY, lw=0.8, ls="--", label="Both, 99.8%")
        axes.plot(n, 1 / far, color=GREY, lw=0.8, ls="--")
        axes.axhline(1, color=INK, lw=0.9)
        flagged = cost["flag"].isin(NAMED)
        axes.scatter(
            cost["n"][~flagged], cost["crude_ratio"][~flagged], s=16, color=BLUE, alpha=0.75, lw=0
        )
        axes.scatter(cost["n"][flagged], cost["crude_ratio"][flagged], s=34, color=ORANGE, zorder=4)
        _label_points(axes, cost[flagged], "n", "crude_ratio")
        axes.yaxis.set_major_formatter(FuncFormatter(_write_ratio))
        axes.set_xlabel("Spells in the year (those whose cost is hard to foretell count for less)")
        axes.set_ylabel("Cost against the typical peer")
        figure.legend(loc="outside lower left", ncols=3, fontsize=8.5)
    return figure


def plot_lines(named: pd.DataFrame) -> Figure | str:
    """Draw consultants' cost ratios with 90% intervals, a panel a line, for lines with a finding.

    At most six lines, those with the largest excess; the largest lines where nobody is named.
    """
    cost = named[(named["measure"] == "cost") & named["ratio"].notna()]
    lines = _choose_lines(cost)
    if not lines:
        return NOBODY
    with report_style():
        n_columns = min(len(lines), 2)
        n_rows = -(-len(lines) // n_columns)
        most = max(int((cost["line_name"] == line).sum()) for line in lines)
        figure, grid = new_figure(
            n_rows * (1.1 + 0.135 * most) + 0.4,
            n_rows=n_rows, n_columns=n_columns, squeeze=False, sharex=True,
        )  # fmt: skip
        for axes, line in zip(grid.flat, lines, strict=False):
            _draw_line(axes, cost[cost["line_name"] == line], line, most)
        for axes in grid.flat[len(lines) :]:
            axes.set_visible(False)
        for axes in grid[-1]:
            axes.set_xlabel("Cost against the typical peer, same patients")
        figure.legend(handles=_explain_marks(), loc="outside lower left", ncols=3, fontsize=8.5)
    return figure


def _choose_lines(cost: pd.DataFrame) -> list[str]:
    found = cost[cost["flag"].isin(NAMED)]
    by_line = (
        found.groupby("line_name")["excess"].sum()
        if len(found)
        else cost.groupby("line_name")["n"].sum()
    )
    most = MOST_LINES if len(found) else 2
    return by_line.sort_values(ascending=False, kind="stable").index[:most].tolist()


def _draw_line(axes: Axes, rows: pd.DataFrame, line: str, most: int) -> None:
    rows = rows.sort_values(["ratio", "label"]).reset_index(drop=True)
    axes.axvline(1, color=INK, lw=0.9)
    for place, row in enumerate(rows.to_dict("records")):
        is_named = row["flag"] in NAMED
        colour = ORANGE if is_named else BLUE
        axes.plot([row["ci_low"], row["ci_high"]], [place, place], color=colour, lw=1.6, alpha=0.8)
        axes.plot(
            row["ratio"], place, "o", ms=6.5 if is_named else 4.5, color=colour,
            mfc=colour if row["flag"] in ("outlier", "none", "not_tested") else "white", mew=1.5,
        )  # fmt: skip
        if is_named:
            axes.annotate(
                row["pseudonym"], (row["ci_low"], place), xytext=(-5, 0), textcoords="offset points",
                ha="right", va="center", fontsize=8.5, fontweight="bold",
            )  # fmt: skip
    axes.set_title(line)
    axes.set_yticks([])
    axes.set_ylim(len(rows) - most - 0.8, len(rows) - 0.2)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.xaxis.set_major_formatter(FuncFormatter(_write_ratio))
    axes.tick_params(labelbottom=True)


def _explain_marks() -> list[Line2D]:
    return [
        Line2D([], [], color=ORANGE, marker="o", ms=6.5, label="Differs from peers"),
        Line2D(
            [],
            [],
            color=ORANGE,
            marker="o",
            ms=6.5,
            mfc="white",
            mew=1.5,
            label="15% dearer or more, may be natural",
        ),
        Line2D([], [], color=BLUE, marker="o", ms=4.5, label="Within what peers differ by"),
    ]


def plot_cost_and_outcome(named: pd.DataFrame) -> Figure | str:
    """Draw cost against the typical peer beside patients' outcomes: four corners, four meanings."""
    cost = named[
        (named["measure"] == "cost") & named["odds_ratio"].notna() & named["ratio"].notna()
    ]
    if cost.empty:
        compared = named.loc[named["measure"] == "cost", "ratio"].notna().any()
        return NO_OUTCOMES if compared else NOBODY
    with report_style():
        figure, axes = new_figure(4.6)
        flagged = cost["flag"].isin(NAMED)
        found = cost[flagged]
        axes.axvline(1, color=INK, lw=0.9)
        axes.axhline(1, color=INK, lw=0.9)
        axes.scatter(
            cost["ratio"][~flagged], cost["odds_ratio"][~flagged], s=16, color=BLUE, alpha=0.6, lw=0
        )
        axes.errorbar(
            found["ratio"], found["odds_ratio"],
            xerr=[found["ratio"] - found["ci_low"], found["ci_high"] - found["ratio"]],
            yerr=[found["odds_ratio"] - found["odds_low"], found["odds_high"] - found["odds_ratio"]],
            fmt="o", ms=6.5, color=ORANGE, elinewidth=1.3, zorder=4,
        )  # fmt: skip
        _frame_plane(axes, cost, found)
        _label_points(axes, found, "ratio", "odds_ratio")
    return figure


def _frame_plane(axes: Axes, cost: pd.DataFrame, found: pd.DataFrame) -> None:
    """Scale both axes as ratios, better outcomes upwards, and name the corners."""
    costs = np.r_[cost["ratio"], found["ci_low"], found["ci_high"], 0.85, 1.25]
    odds = np.r_[cost["odds_ratio"], found["odds_low"], found["odds_high"], 0.6, 1.6]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(costs.min() / 1.06, costs.max() * 1.12)
    axes.set_ylim(odds.max() * 1.25, odds.min() / 1.25)
    _set_ticks(axes.xaxis, COST_TICKS, axes.get_xlim(), _write_ratio)
    _set_ticks(axes.yaxis, ODDS_TICKS, axes.get_ylim()[::-1], lambda value, _: f"{value:g}")
    axes.set_xlabel("Cost against the typical peer (cheaper left, dearer right)")
    axes.set_ylabel("Odds of a bad outcome against peers\n(fewer bad outcomes upwards)")
    for x, y, words, side in (
        (0.99, 0.98, "Dearer and better:\npaid for benefit?", "right"),
        (0.99, 0.02, "Dearer and worse:\nlook here first", "right"),
        (0.01, 0.98, "Cheaper and better:\nlearn from them", "left"),
        (0.01, 0.02, "Cheaper and worse:\ncheck care", "left"),
    ):
        axes.text(
            x,
            y,
            words,
            transform=axes.transAxes,
            ha=side,
            va="top" if y > 0.5 else "bottom",
            fontsize=8.5,
            color=GREY,
        )


def _set_ticks(axis, ticks: tuple[float, ...], limits: tuple[float, float], write) -> None:
    """Mark those ticks that are in view, written by ``write``."""
    axis.set_major_locator(FixedLocator([tick for tick in ticks if limits[0] < tick < limits[1]]))
    axis.set_major_formatter(FuncFormatter(write))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def plot_saving(totals: pd.DataFrame) -> Figure:
    """Draw the sums that may be meant by a saving, with 90% intervals."""
    rows = totals.set_index("measure")
    with report_style():
        figure, axes = new_figure(3.2)
        for place, (measure, _) in enumerate(SAVING_SHOWN):
            row = rows.loc[measure]
            amount = float(row["amount_pence"])
            low, high = max(float(row["ci_low_pence"]), 0.0), max(float(row["ci_high_pence"]), 0.0)
            style = {"color": BLUE} if measure == "counted" else {"color": "#C3D0DC"}
            if measure == "to_median":
                style = {"color": "white", "edgecolor": GREY, "hatch": "////"}
            axes.barh(place, amount, height=0.6, **style)
            axes.plot([low, high], [place, place], color="white", lw=4, solid_capstyle="butt")
            axes.plot([low, high], [place, place], color=INK, lw=1.6, solid_capstyle="butt")
            words = f"{format_gbp(amount)}  ({format_gbp(low)} to {format_gbp(high)})"
            axes.annotate(
                words,
                (max(amount, high), place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
            )
        axes.set_yticks(range(len(SAVING_SHOWN)), [words for _, words in SAVING_SHOWN])
        axes.invert_yaxis()
        top = max(
            rows.loc[[m for m, _ in SAVING_SHOWN], ["amount_pence", "ci_high_pence"]].max().max(),
            100_00,
        )
        axes.set_xlim(0, float(top) * 1.45)
        axes.axvline(0, color=INK, lw=0.9)
        use_money_axis(axes)
        axes.set_xlabel("A year’s cost (line: 90% interval)")
        axes.grid(axis="x")
    return figure


def _label_points(axes: Axes, rows: pd.DataFrame, x: str, y: str) -> None:
    """Name points by pseudonym, each label where it covers no other point's label."""
    taken: list[tuple[float, float]] = []
    axes.get_xlim(), axes.get_ylim()  # settles the limits, which the places depend on
    for row in rows.sort_values([x, y]).to_dict("records"):
        place = axes.transData.transform((row[x], row[y]))
        dx, dy, side = next(
            (corner for corner in LABEL_CORNERS if _is_free(place, corner, taken)), LABEL_CORNERS[0]
        )
        taken.append(
            (
                place[0] + dx + (LABEL_WIDTH / 2 if side == "left" else -LABEL_WIDTH / 2),
                place[1] + dy,
            )
        )
        axes.annotate(
            row["pseudonym"], (row[x], row[y]), xytext=(dx, dy), textcoords="offset points", ha=side,
            va="center", fontsize=8.5, fontweight="bold", zorder=5,
        )  # fmt: skip


def _is_free(
    place: np.ndarray, corner: tuple[float, float, str], taken: list[tuple[float, float]]
) -> bool:
    dx, dy, side = corner
    middle = place[0] + dx + (LABEL_WIDTH / 2 if side == "left" else -LABEL_WIDTH / 2)
    return all(
        abs(middle - x) > LABEL_WIDTH or abs(place[1] + dy - y) > LABEL_HEIGHT for x, y in taken
    )


def _write_ratio(value: float, _: object) -> str:
    """Return a ratio as a difference in per cent: 1.2 is +20%, and 1 is 0."""
    if abs(value - 1) < 1e-9:
        return "0"
    return f"{'+' if value > 1 else ''}{format_prop(value - 1)}"
