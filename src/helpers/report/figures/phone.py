"""Forms of figures for a phone where the same marks in half the width would not be readable.

A figure may carry another that is shown on a phone in its place: a grid in parts, names as numbers
with a key, or bands between blocks as bars. It tells the same amounts (decision D-412).
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill

from matplotlib.figure import Figure

from helpers.report.figures.style import GREY, INK, NARROW_INCHES, new_figure, report_style

PHONE_FORM = "phone_form"
NAME_LETTERS = 24  # of a row's name in one line
NAME_SIZE, CELL_SIZE = 7.5, 7.0  # points; smaller ones cannot be read on a phone
ROW_INCHES, TITLE_INCHES = 0.31, 0.42
ROOM_PROP = 1.42  # of the longest bar, so that the amounts beside bars have room


@dataclass(frozen=True)
class Bar:
    """A block of a picture of flows, as a bar: its name, its size, what is written beside it."""

    name: str
    size: float
    words: str
    colour: str
    hatch: str = ""


def add_phone_form(figure: Figure, form: Figure) -> Figure:
    """Return a figure that is shown in another form on a phone."""
    setattr(figure, PHONE_FORM, form)
    return figure


def get_phone_form(figure: Figure) -> Figure | None:
    """Return the form in which a figure is shown on a phone, if it carries one."""
    return getattr(figure, PHONE_FORM, None)


def fold_name(name: str) -> str:
    """Return a row's name in lines that fit beside a grid on a phone."""
    return fill(name, NAME_LETTERS, break_long_words=False)


def draw_stages(stages: list[tuple[str, list[Bar]]]) -> Figure:
    """Draw blocks of flows as bars, a panel a stage, one under another, all on one scale.

    Parameters
    ----------
    stages
        Each stage's title, and its bars from the top.
    """
    counts = [len(bars) for _, bars in stages]
    longest = max((bar.size for _, bars in stages for bar in bars), default=1.0)
    with report_style():
        figure, panels = new_figure(
            ROW_INCHES * sum(counts) + TITLE_INCHES * len(stages),
            width=NARROW_INCHES, n_rows=len(stages), squeeze=False, sharex=True,
            gridspec_kw={"height_ratios": counts},
        )  # fmt: skip
        for axes, (title, bars) in zip(panels[:, 0], stages, strict=True):
            for place, bar in enumerate(bars):
                axes.barh(place, bar.size, height=0.7, color=bar.colour, hatch=bar.hatch or None,
                          edgecolor="white", linewidth=0)  # fmt: skip
                axes.annotate(bar.words, (bar.size, place), (3, 0), textcoords="offset points",
                              va="center", fontsize=NAME_SIZE, color=INK)  # fmt: skip
            axes.set_title(title, fontsize=9)
            axes.set_yticks(
                range(len(bars)), [fold_name(bar.name) for bar in bars], fontsize=NAME_SIZE
            )
            axes.set(xlim=(0, longest * ROOM_PROP), ylim=(len(bars) - 0.4, -0.6))
            axes.set_xticks([])
            axes.axvline(0, color=GREY, linewidth=0.8)
            axes.spines[:].set_visible(False)
    return figure
