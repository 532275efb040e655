"""Figures of the costing page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from helpers.contracts.terms import NON_PATIENT_LINES, find_own_line
from helpers.report.figures.phone import Bar, add_phone_form, draw_stages
from helpers.report.figures.style import (
    BLUE,
    GREY,
    INK,
    LIGHT_GREY,
    PURPLE,
    TURQUOISE,
    draw_zero_line,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.formats import format_gbp, format_prop
from helpers.report.words.plain import name_lines, name_term

BAR_INCHES, MARGIN_INCHES = 0.27, 1.1
LONGEST_NAME = 30
TIERS = [
    ("direct_pence", BLUE, "Direct"),
    ("indirect_pence", TURQUOISE, "Indirect"),
    ("overhead_pence", PURPLE, "Overhead"),
    ("capital_pence", GREY, "Capital charges"),
]
TRACING = [
    ("traced_prop", BLUE, "Traced to the patient"),
    ("averaged_prop", TURQUOISE, "Averaged on activity"),
    ("apportioned_prop", LIGHT_GREY, "Apportioned overhead"),
]
# The money-flow picture: three columns of blocks, as shares of its width and height.
COLUMN_X, BLOCK_WIDTH, GAP, LABEL_STEP = (0.0, 0.47, 0.8), 0.014, 0.012, 0.047
STAGES = ("The ledger", "Shared out by", "Service line")
MOST_LINES, MOST_FEEDS = 14, 9  # the smallest are drawn together
OTHERS, OTHER_FEEDS, REST_LINE = "All other lines", "Other activity", "Education, research, other"
SERVICES, CLINICAL, REST = "Overhead services", "Clinical departments", "Other departments"


def plot_money_flow(pool_line_costs: pd.DataFrame, service_lines: pd.DataFrame) -> Figure:
    """Draw where the money went: from the ledger, through activity, to service lines."""
    flows = build_money_flow(pool_line_costs, service_lines)
    with report_style():
        figure, axes = new_figure(6.2)
        axes.set(xlim=(-0.005, 1.16), ylim=(1.03, -0.06))
        axes.axis("off")
        stages = [_stack(flows, name) for name in ("source", "activity", "line")]
        for left, right in ((0, 1), (1, 2)):
            _draw_bands(axes, flows, stages[left], stages[right], left, right)
        for number, (stage, title) in enumerate(zip(stages, STAGES, strict=True)):
            _draw_blocks(axes, stage, COLUMN_X[number])
            axes.text(COLUMN_X[number], -0.03, title, weight="bold", ha="left")
    bars = [[*map(_make_bar, stage.itertuples())] for stage in stages]
    return add_phone_form(figure, draw_stages(list(zip(STAGES, bars, strict=True))))


def _make_bar(block: Any) -> Bar:
    return Bar(block.Index, block.pence, format_gbp(block.pence), block.colour)


def build_money_flow(pool_line_costs: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return pence by ``source``, ``activity`` and ``line``, the smallest lines put together."""
    line = pool_line_costs["line_id"].map(find_own_line)
    is_rest = line.isin(NON_PATIENT_LINES)
    source = pd.Series(CLINICAL, index=line.index).mask(is_rest, REST)
    rows = pd.DataFrame(
        {
            "source": source.mask(pool_line_costs["tier"] == "overhead", SERVICES),
            "activity": pool_line_costs["feed"].map(lambda code: name_term("feed", code)),
            "line": name_lines(line, service_lines).mask(is_rest, REST_LINE),
            "pence": pool_line_costs["amount_pence"],
        }
    )
    rows["line"] = _bundle(rows[~is_rest], "line", MOST_LINES, OTHERS).reindex(
        rows.index, fill_value=REST_LINE
    )
    rows["activity"] = _bundle(rows[~is_rest], "activity", MOST_FEEDS, OTHER_FEEDS).reindex(
        rows.index, fill_value=name_term("feed", "none")
    )
    total = rows.groupby(["source", "activity", "line"], as_index=False)["pence"].sum()
    return total[total["pence"] > 0]


def _bundle(rows: pd.DataFrame, column: str, most: int, name: str) -> pd.Series:
    """Return a column with its smallest values put together under one name."""
    ranked = rows.groupby(column)["pence"].sum().reset_index()
    ranked = ranked.sort_values(["pence", column], ascending=[False, True])
    small = ranked[column].iloc[most:] if len(ranked) > most + 1 else []
    return rows[column].mask(rows[column].isin(small), name)


def plot_cost_make_up(table: pd.DataFrame) -> Figure:
    """Draw each line's cost by tier as a stacked bar, dearest at the top, with its income marked.

    ``table`` is ``build_statement_table``'s; the trust and columns without cost are left out.
    """
    parts = [name for name, _, _ in TIERS]
    lines = table[~table["line_id"].isin(["TRUST", "NOT_ATTRIBUTED"])]
    lines = lines.assign(cost=lines[parts].sum(axis=1))
    lines = lines[lines["cost"] > 0].sort_values(["cost", "line_id"], ignore_index=True)
    with report_style():
        figure, axes = new_figure(BAR_INCHES * len(lines) + MARGIN_INCHES)
        _draw_parts(axes, lines, TIERS)
        place = np.arange(len(lines))
        axes.vlines(
            lines["income_pence"],
            place - 0.42,
            place + 0.42,
            color=INK,
            linewidth=2,
            label="Income",
        )
        _name_rows(axes, lines)
        use_money_axis(axes)
        axes.grid(axis="x")
        _add_legend(figure, axes)
    return figure


def plot_credibility(table: pd.DataFrame) -> Figure:
    """Draw how each line's cost was found, best supported at the top, with its grade at the right.

    ``table`` is ``build_credibility_table``'s.
    """
    lines = table.iloc[::-1].reset_index(drop=True)
    with report_style():
        figure, axes = new_figure(BAR_INCHES * len(lines) + MARGIN_INCHES)
        _draw_parts(axes, lines, TRACING)
        for place, row in enumerate(lines.itertuples()):
            axes.text(1.02, place, row.grade, va="center", weight="bold", color=INK)
        axes.text(1.02, len(lines) - 0.2, "Grade", va="bottom", fontsize=8.5, color=GREY)
        _name_rows(axes, lines)
        axes.set(xlim=(0, 1.09))
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], [format_prop(v) for v in (0, 0.25, 0.5, 0.75, 1)])
        _add_legend(figure, axes)
    return figure


def _draw_parts(axes: Axes, lines: pd.DataFrame, parts: list[tuple[str, str, str]]) -> None:
    place, left = np.arange(len(lines)), np.zeros(len(lines))
    for column, colour, label in parts:
        values = lines[column].astype("float64").fillna(0).to_numpy()
        axes.barh(
            place, values, left=left, color=colour, height=0.72, label=label, edgecolor="white",
            linewidth=0.5,
        )  # fmt: skip
        left = left + values
    draw_zero_line(axes)


def _name_rows(axes: Axes, lines: pd.DataFrame) -> None:
    axes.set_yticks(np.arange(len(lines)), [_shorten(name) for name in lines["line_name"]])
    axes.set_ylim(-0.6, len(lines) - 0.2)
    axes.spines["left"].set_visible(False)


def _add_legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), handlelength=1.2)


def _shorten(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"


def _stack(flows: pd.DataFrame, stage: str) -> pd.DataFrame:
    """Place a stage's blocks from the top, biggest first, those put together last."""
    total = flows.groupby(stage)["pence"].sum().reset_index().rename(columns={stage: "name"})
    last = total["name"].isin([OTHERS, OTHER_FEEDS]) + 2 * total["name"].isin(
        [REST, REST_LINE, name_term("feed", "none")]
    )
    total = total.assign(last=last).sort_values(
        ["last", "pence", "name"], ascending=[True, False, True]
    )
    size = total["pence"] / total["pence"].sum() * (1 - GAP * (len(total) - 1))
    top = size.cumsum() - size + GAP * np.arange(len(total))
    colours = {SERVICES: PURPLE, REST: GREY, REST_LINE: GREY, name_term("feed", "none"): GREY}
    default = {"source": BLUE, "activity": TURQUOISE, "line": INK}[stage]
    colour = [colours.get(name, default) for name in total["name"]]
    return total.assign(size=size, top=top, colour=colour).set_index("name")


def _draw_blocks(axes: Axes, blocks: pd.DataFrame, x: float) -> None:
    centres = (blocks["top"] + blocks["size"] / 2).tolist()
    names = list(blocks.itertuples())
    for row, centre, y in zip(names, centres, _spread(centres), strict=True):
        axes.add_patch(
            Rectangle(
                (x, row.top), BLOCK_WIDTH, max(row.size, 0.0015), color=row.colour, linewidth=0
            )
        )
        start = x + BLOCK_WIDTH
        axes.plot([start, start + 0.012], [centre, y], color=GREY, linewidth=0.5)
        axes.text(
            start + 0.016, y, f"{_shorten(row.Index)}  {format_gbp(row.pence)}", va="center",
            fontsize=8, color=INK, bbox={"facecolor": "white", "alpha": 0.7, "pad": 0.6, "linewidth": 0},
        )  # fmt: skip


def _spread(centres: list[float]) -> list[float]:
    """Move labels apart, in order, so that none covers its neighbour."""
    step = min(LABEL_STEP, 1 / max(len(centres), 1))
    placed: list[float] = []
    for centre in centres:
        placed.append(max(centre, placed[-1] + step) if placed else centre)
    for n in reversed(range(len(placed))):
        ceiling = placed[n + 1] - step if n + 1 < len(placed) else 1.0
        placed[n] = min(placed[n], ceiling)
    return placed


def _draw_bands(
    axes: Axes, flows: pd.DataFrame, left: pd.DataFrame, right: pd.DataFrame, start: int, end: int
) -> None:
    stages = ("source", "activity", "line")
    amounts = flows.groupby([stages[start], stages[end]])["pence"].sum()
    from_tops, to_tops = left["top"].to_dict(), right["top"].to_dict()
    for source, target in [
        (a, b) for a in left.index for b in right.index if (a, b) in amounts.index
    ]:
        pence = amounts[source, target]
        from_size = pence / left.loc[source, "pence"] * left.loc[source, "size"]
        to_size = pence / right.loc[target, "pence"] * right.loc[target, "size"]
        x0, x1 = COLUMN_X[start] + BLOCK_WIDTH, COLUMN_X[end]
        axes.add_patch(
            _make_band(
                x0,
                x1,
                from_tops[source],
                from_size,
                to_tops[target],
                to_size,
                left.loc[source, "colour"],
            )
        )
        from_tops[source] += from_size
        to_tops[target] += to_size


def _make_band(
    x0: float, x1: float, start: float, from_size: float, end: float, to_size: float, colour: str
) -> PathPatch:
    middle = (x0 + x1) / 2
    corners = [
        (x0, start), (middle, start), (middle, end), (x1, end), (x1, end + to_size),
        (middle, end + to_size), (middle, start + from_size), (x0, start + from_size), (x0, start),
    ]  # fmt: skip
    curve = [Path.CURVE4] * 3
    codes = [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY]
    return PathPatch(Path(corners, codes), facecolor=colour, alpha=0.22, linewidth=0)
