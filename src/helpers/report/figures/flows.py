"""The picture of who funds whom: two columns of blocks, and bands between them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from helpers.report.figures.phone import Bar, add_phone_form, draw_stages
from helpers.report.figures.style import (
    DEFICIT,
    GREY,
    INK,
    LIGHT_GREY,
    NOT_SURE,
    SURPLUS,
    new_figure,
    report_style,
)
from helpers.report.figures.subsidy import HATCH, RULE_DEPENDENT, shorten_name
from helpers.report.formats import format_gbp

MOST_BLOCKS = 7  # on each side; smaller lines are drawn together as others
OTHERS, LEFT_OVER, NO_LINE = "(others)", "(left over)", "(no line)"
LEFT_X, RIGHT_X, BLOCK_WIDTH = 0.315, 0.67, 0.015
GAP, LABEL_STEP, THINNEST = 0.018, 0.082, 0.002  # of the height: between blocks, labels; a block


@dataclass(frozen=True)
class Block:
    """One block of the picture; ``top`` and ``size`` are shares of the picture's height."""

    key: str
    name: str
    pence: int
    top: float
    size: float
    colour: str
    is_unsure: bool


def plot_funding_flows(
    funding_lines: pd.DataFrame, matrix: pd.DataFrame, position: pd.DataFrame
) -> Figure | str:
    """Draw lines in surplus at the left, lines in deficit at the right, and the funding between.

    What no deficit needs goes to *left over*; what no surplus pays for comes from *no line*, the
    trust's own deficit. The smallest lines of a side are drawn together.
    """
    flows = build_flows(funding_lines, matrix)
    if flows.empty:
        return "no line has a surplus or a deficit."
    with report_style():
        figure, axes = new_figure(5.4)
        axes.set(xlim=(0, 1), ylim=(1.02, -0.09))
        axes.axis("off")
        unsure = set(position.loc[position["sign_label"] == RULE_DEPENDENT, "line_id"])
        names = dict(zip(position["line_id"], position["line_name"], strict=True))
        counts = _count_others(funding_lines, flows)
        left = _stack(flows, "source", names, unsure, counts["source"])
        right = _stack(flows, "target", names, unsure, counts["target"])
        _draw_bands(axes, flows, left, right)
        _draw_blocks(axes, left, x=LEFT_X, label_x=LEFT_X - 0.03, align="right")
        _draw_blocks(axes, right, x=RIGHT_X, label_x=RIGHT_X + BLOCK_WIDTH + 0.03, align="left")
        if (flows["source"] != NO_LINE).any():
            x = LEFT_X + BLOCK_WIDTH
            axes.text(x, -0.05, "Earn more than they cost", ha="right", weight="bold")
        if (flows["target"] != LEFT_OVER).any():
            axes.text(RIGHT_X, -0.05, "Cost more than they earn", ha="left", weight="bold")
    stages = [
        ("Earn more than they cost", left),
        ("Cost more than they earn", right),
    ]
    return add_phone_form(
        figure, draw_stages([(title, [*map(_make_bar, side)]) for title, side in stages])
    )


def _make_bar(block: Block) -> Bar:
    note = ", depends on rule" if block.is_unsure else ""
    hatch = HATCH if block.is_unsure else ""
    return Bar(block.name + note, block.pence, format_gbp(block.pence), block.colour, hatch)


def build_flows(funding_lines: pd.DataFrame, matrix: pd.DataFrame) -> pd.DataFrame:
    """Return source, target and pence of each band, small lines put together, biggest first."""
    kept = funding_lines.loc[funding_lines["retained_pence"] > 0, ["line_id", "retained_pence"]]
    lacking = funding_lines.loc[funding_lines["unfunded_pence"] > 0, ["line_id", "unfunded_pence"]]
    names = ["source", "target", "pence"]
    flows = pd.concat(
        [
            matrix.set_axis(names, axis=1),
            kept.set_axis(["source", "pence"], axis=1).assign(target=LEFT_OVER)[names],
            lacking.set_axis(["target", "pence"], axis=1).assign(source=NO_LINE)[names],
        ],
        ignore_index=True,
    )
    flows = flows[flows["pence"] > 0]
    for side in ("source", "target"):
        flows[side] = _bundle(flows, side)
    return flows.groupby(["source", "target"], as_index=False)["pence"].sum()


def spread_labels(centres: list[float], step: float) -> list[float]:
    """Move labels apart, in order, so that neighbours stand at least ``step`` from each other."""
    placed: list[float] = []
    for centre in centres:
        placed.append(max(centre, placed[-1] + step) if placed else centre)
    for n in reversed(range(len(placed))):
        ceiling = placed[n + 1] - step if n + 1 < len(placed) else max(centres[-1], 1.0 - step / 2)
        placed[n] = min(placed[n], ceiling)
    return placed


def _bundle(flows: pd.DataFrame, side: str) -> pd.Series:
    """Name the smallest lines of a side as others, where there are more than fit."""
    lines = flows[~flows[side].isin([LEFT_OVER, NO_LINE])].groupby(side)["pence"].sum()
    if len(lines) <= MOST_BLOCKS:
        return flows[side]
    ranked = lines.reset_index().sort_values(["pence", side], ascending=[False, True])
    small = ranked[side].iloc[MOST_BLOCKS - 1 :]
    return flows[side].mask(flows[side].isin(small), OTHERS)


def _count_others(funding_lines: pd.DataFrame, flows: pd.DataFrame) -> dict[str, int]:
    """Return how many lines each side's others stand for."""
    shown = {side: set(flows[side]) - {OTHERS, LEFT_OVER, NO_LINE} for side in ("source", "target")}
    above = int((funding_lines["surplus_pence"] > 0).sum())
    below = int((funding_lines["surplus_pence"] < 0).sum())
    return {"source": above - len(shown["source"]), "target": below - len(shown["target"])}


def _stack(
    flows: pd.DataFrame, side: str, names: dict[str, str], unsure: set[str], n_others: int
) -> list[Block]:
    """Place a side's blocks from the top: biggest first, others after them, grey ones last."""
    last = {OTHERS: 1, LEFT_OVER: 2, NO_LINE: 2}
    totals = flows.groupby(side)["pence"].sum().reset_index()
    totals["rank"] = totals[side].map(last).fillna(0)
    totals = totals.sort_values(["rank", "pence", side], ascending=[True, False, True])
    words = {
        OTHERS: f"{n_others} other line{'s' if n_others > 1 else ''}",
        LEFT_OVER: "Left over for the trust",
        NO_LINE: "Paid for by no line",
    }
    usable = 1 - GAP * (max(flows["source"].nunique(), flows["target"].nunique()) - 1)
    scale, top, blocks = usable / totals["pence"].sum(), 0.0, []
    for key, pence in zip(totals[side], totals["pence"], strict=True):
        is_unsure = key in unsure
        name = shorten_name(words.get(key, names.get(key, key)), 27)
        colour = _pick_colour(key, side, is_unsure)
        blocks.append(Block(key, name, int(pence), top, pence * scale, colour, is_unsure))
        top += pence * scale + GAP
    return blocks


def _pick_colour(key: str, side: str, is_unsure: bool) -> str:
    """Return a block's colour; others may hold rule-dependent lines, so they take neither side's."""
    if key in (LEFT_OVER, NO_LINE):
        return LIGHT_GREY
    if key == OTHERS:
        return GREY
    if is_unsure:
        return NOT_SURE
    return SURPLUS if side == "source" else DEFICIT


def _draw_blocks(axes: Axes, blocks: list[Block], *, x: float, label_x: float, align: str) -> None:
    centres = [block.top + block.size / 2 for block in blocks]
    edge = x if align == "right" else x + BLOCK_WIDTH
    for block, centre, y in zip(blocks, centres, spread_labels(centres, LABEL_STEP), strict=True):
        axes.add_patch(
            Rectangle(
                (x, block.top),
                BLOCK_WIDTH,
                max(block.size, THINNEST),
                facecolor=block.colour,
                linewidth=0,
                edgecolor="white",
                hatch=HATCH if block.is_unsure else None,
            )
        )
        near = label_x + (0.006 if align == "right" else -0.006)
        axes.plot([edge, near], [centre, y], color=GREY, linewidth=0.6)
        amount = format_gbp(block.pence)
        note = " (depends on rule)" if block.is_unsure else ""
        axes.text(
            label_x, y, f"{block.name}\n{amount}{note}", ha=align, va="center", fontsize=8.5,
            color=INK, linespacing=1.15,
        )  # fmt: skip


def _draw_bands(axes: Axes, flows: pd.DataFrame, left: list[Block], right: list[Block]) -> None:
    """Draw each flow as a band from its source's block to its target's, in the blocks' order."""
    amounts = flows.set_index(["source", "target"])["pence"].to_dict()
    starts, ends = {b.key: b.top for b in left}, {b.key: b.top for b in right}
    for source in left:
        for target in right:
            pence = amounts.get((source.key, target.key), 0)
            if not pence:
                continue
            from_size, to_size = (pence * block.size / block.pence for block in (source, target))
            is_grey = LEFT_OVER in (source.key, target.key) or NO_LINE in (source.key, target.key)
            colour = LIGHT_GREY if is_grey else source.colour
            axes.add_patch(
                _make_band(
                    starts[source.key], from_size, ends[target.key], to_size, colour, is_grey
                )
            )
            starts[source.key] += from_size
            ends[target.key] += to_size


def _make_band(
    start: float, from_size: float, end: float, to_size: float, colour: str, is_grey: bool
) -> PathPatch:
    x0, x1 = LEFT_X + BLOCK_WIDTH, RIGHT_X
    middle = (x0 + x1) / 2
    corners = [
        (x0, start), (middle, start), (middle, end), (x1, end),
        (x1, end + to_size), (middle, end + to_size), (middle, start + from_size),
        (x0, start + from_size), (x0, start),
    ]  # fmt: skip
    codes = [
        Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4, Path.LINETO,
        Path.CURVE4, Path.CURVE4, Path.CURVE4, Path.CLOSEPOLY,
    ]  # fmt: skip
    return PathPatch(
        Path(corners, codes), facecolor=colour, alpha=0.5 if is_grey else 0.3, linewidth=0.4,
        edgecolor="white",
    )  # fmt: skip
