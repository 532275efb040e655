"""A figure laid out again for a phone: the same marks, in half the width, with words in lines.

Panels that stand side by side go one under another (D-253). A figure whose words would meet or be
cut off at that width carries a form of its own for a phone (``phone``), or is left to its wide form,
which a phone scrolls sideways (decision D-202).
"""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from helpers.report.figures.style import NARROW_INCHES, WIDE_ONLY, to_svg

LONGEST_LABEL = 19  # letters in one line of a row's name
LONGEST_AXIS_LABEL = 40
LONGEST_LEGEND_LABEL = 42
LINE_INCHES = 0.15
KEY_LINE_INCHES = 0.19
MOST_TICKS = 3
MOST_WORDS = 150  # labels in one figure; a grid of more is not readable on a phone
MOST_STRETCH = 2.1
ROOM_PROP = 0.14  # of an axis, added beside the marks where words meet
MOST_TRIES = 6
LEAST_AXES_INCHES = 1.3
# Words may touch by this part of the smaller one's area before they count as meeting.
MOST_OVERLAP_PROP = 0.02
GAP_PIXELS = 2.0  # between words beside each other; lines may stand closer
CLOSE_PIXELS = -1.0
EDGE_PIXELS = 2.0


def draw_narrow(figure: Figure) -> str:
    """Lay a figure out for a phone, in place, and return it as SVG; blank if its words do not fit.

    The figure has been drawn once in its wide form.
    """
    boxes = _find_boxes(figure)
    grids = [axes.get_gridspec() for axes in figure.axes]
    n_columns = max((grid.ncols for grid in grids if grid is not None), default=1)
    n_rows = max((grid.nrows for grid in grids if grid is not None), default=1)
    is_diagram = len(boxes) > 1 and not any(axes.axison for axes in figure.axes)
    is_crowded = len(boxes) > MOST_WORDS * n_columns or figure.get_gid() == WIDE_ONLY
    if figure.get_size_inches()[0] <= NARROW_INCHES or is_diagram or is_crowded:
        return ""
    if n_columns > 1:
        _stack_panels(figure, n_rows)
    met_before = _count_overlaps(boxes)
    extra = sum(_stack_legend(figure, legend) for legend in list(figure.legends))
    stretch = max((_fold_labels(axes) for axes in figure.axes), default=1.0)
    if stretch > MOST_STRETCH:
        return ""
    height = figure.get_size_inches()[1] * stretch + extra
    figure.set_size_inches(NARROW_INCHES, height)
    fewest = len(boxes) ** 2
    for _ in range(MOST_TRIES):
        svg = to_svg(figure)  # which settles where words stand
        faults = _count_faults(figure, met_before)
        if not faults:
            figure.set_layout_engine("none")  # it stays as it was measured
            return svg
        if faults > fewest:  # more room makes it worse: its marks are in each other's way
            return ""
        fewest = faults
        for axes in figure.axes:
            _make_room(axes)
    return ""


def draw_form(form: Figure) -> str:
    """Return the form that a figure carries for a phone as SVG; blank if its words do not fit."""
    svg = to_svg(form)  # which settles where words stand
    return "" if _count_faults(form, 0) else svg


def _stack_panels(figure: Figure, n_rows: int) -> None:
    """Put a figure's panels one under another, each as high as before, with its own labels."""
    panels = [axes for axes in figure.axes if axes.get_visible()]
    for axes in figure.axes:
        if not axes.get_visible():
            axes.remove()
    width, height = figure.get_size_inches()
    grid = GridSpec(len(panels), 1, figure=figure)
    for place, axes in enumerate(panels):
        axes.set_subplotspec(grid[place])
        shown = [axes.yaxis.get_major_ticks(), axes.xaxis.get_major_ticks()]
        axes.tick_params(labelleft=bool(shown[0]), labelbottom=True)
    figure.set_size_inches(width, height * len(panels) / n_rows)


def _make_room(axes: Axes) -> None:
    """Widen a linear scale a little, so that words beside marks have room; zero stays in place."""
    if axes.get_xscale() != "linear" or not axes.axison:
        return
    low, high = axes.get_xlim()
    room = ROOM_PROP * (high - low)
    axes.set_xlim(low - room if low < 0 else low, high + room)


def _stack_legend(figure: Figure, legend) -> float:
    """Put a figure's key above it, one entry a line; return the inches that this adds."""
    words = [text.get_text() for text in legend.get_texts()]
    folded = [textwrap.fill(one, LONGEST_LEGEND_LABEL) for one in words]
    size, handles = legend.get_texts()[0].get_fontsize(), legend.legend_handles
    legend.remove()
    figure.legend(
        handles=handles, labels=folded, loc="outside upper left", ncols=1, fontsize=size, alignment="left"
    )  # fmt: skip
    n_lines = sum(one.count("\n") + 1 for one in folded)
    return KEY_LINE_INCHES * max(n_lines - 1, 0)


def _fold_labels(axes: Axes) -> float:
    """Fold the words along an axes' edges; return by how much its rows must grow for them."""
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        if "\n" not in label.get_text():
            label.set_text(textwrap.fill(label.get_text(), LONGEST_AXIS_LABEL))
    locator = axes.xaxis.get_major_locator()
    if isinstance(locator, MaxNLocator):
        locator.set_params(nbins=MOST_TICKS)
    names = [label.get_text() for label in axes.get_yticklabels()]
    if not names or max(map(len, names)) <= LONGEST_LABEL:
        return 1.0
    folded = [
        name if "\n" in name else textwrap.fill(name, LONGEST_LABEL, break_long_words=False)
        for name in names
    ]
    axes.set_yticks(axes.get_yticks(), folded)
    n_lines = max(one.count("\n") + 1 for one in folded)
    row = axes.get_position().height * axes.get_figure().get_size_inches()[1] / len(names)
    return max(1.0, (n_lines * LINE_INCHES + 0.05) / row)


def _count_faults(figure: Figure, met_before: int) -> int:
    """Return how many words are cut off or meet one that they did not meet, and axes are too narrow."""
    inside = figure.bbox.padded(EDGE_PIXELS)
    boxes = _find_boxes(figure)
    n_cut = sum(not _contains(inside, box) for box in boxes)
    widths = [axes.bbox.width / figure.dpi for axes in figure.axes if axes.axison]
    n_thin = sum(width < LEAST_AXES_INCHES for width in widths)
    return n_cut + n_thin + max(_count_overlaps(boxes) - met_before, 0)


def _find_boxes(figure: Figure) -> list[Bbox]:
    """Return where the words of a figure stand, in pixels; rotated words take their whole box."""
    hidden = {label for axes in figure.axes for label in _list_undrawn(axes)}
    found = []
    for text in figure.findobj(Text):
        if text in hidden or not text.get_visible() or not text.get_text().strip():
            continue
        box = text.get_window_extent()
        if box.width > 0 and box.height > 0:
            found.append(box.padded(GAP_PIXELS, CLOSE_PIXELS))
    return found


def _list_undrawn(axes: Axes) -> list[Text]:
    """Return the labels of an axes' scales that matplotlib keeps but does not draw."""
    found = []
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        slack = 1e-9 * (high - low)
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            is_drawn = axes.axison and low - slack <= tick.get_loc() <= high + slack
            if not is_drawn:
                found += [tick.label1, tick.label2]
    return found


def _count_overlaps(boxes: list[Bbox]) -> int:
    """Return how many pairs of boxes meet by more than a little of the smaller one's area."""
    if len(boxes) < 2:
        return 0
    left, bottom, right, top = np.array([box.extents for box in boxes]).T
    one, other = np.triu_indices(len(boxes), k=1)
    width = np.minimum(right[one], right[other]) - np.maximum(left[one], left[other])
    height = np.minimum(top[one], top[other]) - np.maximum(bottom[one], bottom[other])
    area = (right - left) * (top - bottom)
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    return int((shared > MOST_OVERLAP_PROP * np.minimum(area[one], area[other])).sum())


def _contains(outer: Bbox, inner: Bbox) -> bool:
    return (
        outer.x0 <= inner.x0
        and inner.x1 <= outer.x1
        and outer.y0 <= inner.y0
        and inner.y1 <= outer.y1
    )
