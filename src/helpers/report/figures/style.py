"""What all figures share: size, colours (Government Analysis Function) and fonts."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from helpers.report.formats import format_tick_gbp

# Government Analysis Function palette: apart from each other in every form of colour blindness.
BLUE, TURQUOISE, PINK, ORANGE = "#12436D", "#28A197", "#801650", "#F46A25"
GREY, LIGHT_GREY, INK, PURPLE = "#6F777B", "#D9DCDE", "#22272B", "#A285D1"
SURPLUS, DEFICIT, NOT_SURE = BLUE, ORANGE, "#A9AFB3"
GRID, WHITE = "#ECEEEF", "#FFFFFF"
WIDTH_INCHES = 7.4
NARROW_INCHES = 4.1  # on a phone
WIDE_ONLY = "wide-only"  # name of a figure that is not laid out again for a phone
MOST_TICKS = 6

# Each colour of a figure and what it becomes for a reader in the dark: as far from the ground, and
# from each other, as before. A figure with any other colour stays on white.
DARK = {
    light.lower(): dark
    for light, dark in {
        BLUE: "#6FAEE6", TURQUOISE: "#3FC1B5", PINK: "#E28CBF", ORANGE: "#F7834F", PURPLE: "#B9A3E3",
        GREY: "#A3ABB0", LIGHT_GREY: "#454E56", INK: "#E6E9EC", NOT_SURE: "#7D868D", GRID: "#262D33",
        WHITE: "#14181C", "#E4E9EE": "#1F2931", "#C3D0DC": "#30465A", "#B7C9DA": "#3A5B78",
        "#8FA9C4": "#4E7699", "#5F84A8": "#5C93C4", "#000000": "#E6E9EC",
    }.items()
}  # fmt: skip

SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "figure.facecolor": "none",  # the page is the ground
    "axes.facecolor": "none",
    "axes.edgecolor": LIGHT_GREY,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "service-line-reporting",
    "figure.dpi": 100,
}


@contextmanager
def report_style():
    """Draw with the report's settings, and leave matplotlib's own as they were."""
    with mpl.rc_context(SETTINGS):
        yield


def new_figure(
    height: float, *, width: float = WIDTH_INCHES, n_rows: int = 1, n_columns: int = 1, **more: Any
) -> tuple[Figure, Any]:
    """Return a figure and its axes, laid out so that labels fit. Use inside ``report_style()``."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(n_rows, n_columns, **more)


def use_money_axis(axes: Axes, which: str = "x") -> None:
    """Label an axis that holds pence in pounds."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(nbins=MOST_TICKS, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_tick_gbp(value)))


def draw_zero_line(axes: Axes, which: str = "x") -> None:
    """Draw the line that bars start from."""
    draw = axes.axvline if which == "x" else axes.axhline
    draw(0, color=INK, linewidth=0.9, zorder=3)


class _Canvas(FigureCanvasSVG):
    """An SVG canvas that measures words with one renderer, which keeps what it has measured."""

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure)
        self._measuring = RendererSVG(1, 1, io.StringIO())

    def get_renderer(self) -> RendererSVG:
        return self._measuring


def to_svg(figure: Figure) -> str:
    """Return a figure as SVG text on no ground: the same figure gives the same bytes.

    The canvas is asked itself: ``savefig`` would draw the figure a second time, to lay it out.
    """
    buffer = io.StringIO()
    with report_style():
        _Canvas(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
