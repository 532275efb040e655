"""What each line would claim and keep under each rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from helpers.report.figures.style import (
    BLUE,
    GREY,
    INK,
    LIGHT_GREY,
    new_figure,
    report_style,
    use_money_axis,
)
from helpers.report.figures.subsidy import shorten_name
from helpers.report.words.retention import RULES

ROW_INCHES, MARGIN_INCHES = 0.27, 1.35
SHOWN = ("R1", "R2", "R3")
CLOSED = "×"


def plot_retention(retention: pd.DataFrame, names: pd.DataFrame) -> Figure | None:
    """Draw claims (pale) and what is kept of them (dark), one panel a rule; none without claims."""
    rows = retention[retention["rule"].isin(SHOWN)]
    asks = rows.groupby("line_id")[["ungated_pence"]].max()["ungated_pence"]
    lines = asks[asks > 0].sort_values(kind="stable").index
    if not len(lines):
        return None
    by_line = names.set_index("line_id")["line_name"]
    places = np.arange(len(lines))
    with report_style():
        figure, panels = new_figure(
            ROW_INCHES * max(len(lines), 3) + MARGIN_INCHES, n_columns=3, sharey=True
        )
        for axes, rule in zip(panels, SHOWN, strict=True):
            own = rows[rows["rule"] == rule].set_index("line_id").reindex(lines)
            axes.barh(places, own["claim_pence"], height=0.7, color=LIGHT_GREY)
            axes.barh(places, own["kept_pence"], height=0.4, color=BLUE)
            shut = (own["gate"] != "") & (own["ungated_pence"] > 0)
            for place in places[shut.to_numpy()]:
                axes.annotate(
                    CLOSED, (0, place), xytext=(6, 0), textcoords="offset points", va="center",
                    ha="center", color=INK, weight="bold",
                )  # fmt: skip
            axes.set_title(f"{rule}\n{_break(RULES[rule])}", fontsize=9)
            use_money_axis(axes)
            axes.locator_params(axis="x", nbins=3)
            axes.grid(axis="x")
            axes.set_xlim(left=0)
            if not own["claim_pence"].fillna(0).any():
                axes.set(xticks=[], xlim=(0, 1))
                axes.text(0.05, 0.5, "No claim", transform=axes.transAxes, color=GREY, va="center")
            axes.margins(y=0.02)
        panels[0].set_yticks(places, [shorten_name(by_line.get(line, line)) for line in lines])
        handles = [Patch(color=LIGHT_GREY, label="Claim"), Patch(color=BLUE, label="Kept")]
        if (rows["gate"] != "").any():
            handles.append(Patch(color="none", label=f"{CLOSED} A gate is closed"))
        figure.legend(handles=handles, loc="outside upper left", ncols=3)
    return figure


def _break(words: str) -> str:
    """Break a title in two where it is long."""
    if len(words) < 24:
        return words
    at = words.rfind(" ", 0, len(words) // 2 + 4)
    return f"{words[:at]}\n{words[at + 1 :]}"
