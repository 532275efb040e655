"""Care that goes on elsewhere, and who decides a line's cost."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from helpers.contracts.terms import UNMAPPED
from helpers.report.figures.style import (
    BLUE,
    GREY,
    INK,
    LIGHT_GREY,
    ORANGE,
    TURQUOISE,
    draw_zero_line,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.figures.subsidy import shorten_name
from helpers.report.formats import format_prop
from helpers.report.words.downstream import HOLDERS

ROW_INCHES, MARGIN_INCHES = 0.4, 1.2
LOOKS = {  # holder: colour, hatch
    "line": (BLUE, ""),
    "shared": (TURQUOISE, "||||"),
    "division": ("#C3D0DC", ""),
    "corporate": (GREY, "////"),
    "not_recorded": ("white", "xx"),
}


def plot_downstream(downstream: pd.DataFrame, position: pd.DataFrame) -> Figure | None:
    """Draw each line's own contribution beside that of care it began elsewhere; none without flows."""
    lines = downstream.merge(
        position[["line_id", "line_name"]], on="line_id", how="inner", validate="one_to_one"
    )
    lines = lines[(lines["line_id"] != UNMAPPED) & (lines["n_arrived"] + lines["n_downstream"] > 0)]
    if lines.empty:
        return None
    lines = lines.assign(here=lines["own_pence"] + lines["arrived_pence"])
    lines = lines.sort_values(["downstream_pence", "line_id"], ignore_index=True)
    rows = np.arange(len(lines))
    with report_style():
        figure, axes = new_figure(ROW_INCHES * max(len(lines), 2) + MARGIN_INCHES)
        axes.barh(rows + 0.2, lines["here"], height=0.36, color=LIGHT_GREY, edgecolor=GREY,
                  linewidth=0.5, label="Contribution of the line’s own work")  # fmt: skip
        axes.barh(rows - 0.2, lines["downstream_pence"], height=0.36, color=TURQUOISE, hatch="||||",
                  edgecolor="white", linewidth=0,
                  label="Contribution of other lines’ work that began here")  # fmt: skip
        axes.set_yticks(rows, [shorten_name(name) for name in lines["line_name"]])
        use_money_axis(axes)
        axes.grid(axis="x")
        axes.set_xlabel("Income less direct and indirect cost")
        axes.spines["left"].set_visible(False)
        draw_zero_line(axes)
        axes.margins(y=0.02)
        figure.legend(loc="outside upper left", ncols=1, reverse=False)
    return figure


def plot_control(control_costs: pd.DataFrame, position: pd.DataFrame) -> Figure | None:
    """Draw who decides each line's cost at the end of the year, as shares; a mark shows the start of the year.

    None where no decision right is recorded.
    """
    rows = control_costs[control_costs["line_id"].isin(position["line_id"])]
    rows = rows[rows["line_id"] != UNMAPPED]
    if rows.empty or (rows["holder_end"] == "not_recorded").all():
        return None
    wide, before = (
        rows.pivot_table(
            index="line_id", columns=holder, values="amount_pence", aggfunc="sum", fill_value=0
        ).reindex(columns=list(HOLDERS), fill_value=0)
        for holder in ("holder_end", "holder_start")
    )
    shares = wide.div(wide.sum(axis=1), axis=0).sort_values(["line", "shared"], kind="stable")
    start = before.div(before.sum(axis=1), axis=0)["line"].reindex(shares.index)
    names = position.set_index("line_id")["line_name"]
    places = np.arange(len(shares))
    with report_style():
        figure, axes = new_figure(0.3 * max(len(shares), 2) + MARGIN_INCHES)
        left = np.zeros(len(shares))
        handles = []
        for holder, words in HOLDERS.items():
            if not shares[holder].any():
                continue
            colour, hatch = LOOKS[holder]
            edge = GREY if holder == "not_recorded" else "white"
            axes.barh(places, shares[holder], left=left, height=0.7, color=colour, hatch=hatch,
                      edgecolor=edge, linewidth=0)  # fmt: skip
            handles.append(
                Patch(facecolor=colour, hatch=hatch, edgecolor=edge, linewidth=0, label=words)
            )
            left += shares[holder].to_numpy()
        moved = (start - shares["line"]).abs().to_numpy() > 0.0005
        marks = axes.plot(start[moved], places[moved], "|", color=ORANGE, markersize=14,
                          markeredgewidth=3, label="The line’s share at the start of the year")  # fmt: skip
        axes.set_yticks(places, [shorten_name(names[line]) for line in shares.index])
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], [format_prop(x) for x in (0, 0.25, 0.5, 0.75, 1)])
        axes.set_xlim(0, 1)
        axes.set_xlabel("Share of the line’s full cost, by who decides it", color=INK)
        axes.spines[:].set_visible(False)
        axes.margins(y=0.02)
        figure.legend(
            handles=[*handles, *(marks if moved.any() else [])], loc="outside upper left", ncols=3
        )
    return figure
