"""Names beside marks of a scatter: each where it covers no mark and no other name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from helpers.report.figures.style import GREY, WIDE_ONLY

POINTS_IN_AN_INCH = 72
DISTANCES = (3.0, 10.0, 18.0, 28.0, 40.0)  # points from a mark's edge to its name
LEADER_FROM = 9.0  # points; a name further away is joined to its mark by a line
# Right first: names are read from left to right.
DIRECTIONS = ((1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1), (0, 1), (0, -1))


@dataclass(frozen=True)
class Mark:
    """A mark and its name: place on the axes' scales, and its radius in points."""

    x: float
    y: float
    radius: float
    name: str


def name_marks(axes: Axes, marks: Sequence[Mark], *, size: float = 8.0, gap: float = 0.0) -> None:
    """Write the name of every mark, the first one first; call it when all else is drawn.

    A name stands where it covers nothing, as near to its mark as it can; a thin line joins the two
    where they are apart. Where there is no such place it stands where it covers least. ``gap`` points
    are kept between names beside each other.
    """
    figure = axes.get_figure()
    figure.set_gid(WIDE_ONLY)  # names would meet in half the width
    figure.draw_without_rendering()  # settles where marks stand
    pixels = figure.dpi / POINTS_IN_AN_INCH
    inside = axes.bbox
    boxes = []
    for mark in marks:
        x, y = axes.transData.transform((mark.x, mark.y))
        half = mark.radius * pixels
        boxes.append(Bbox.from_extents(x - half, y - half, x + half, y + half))
    for mark, own in zip(marks, list(boxes), strict=True):
        text = axes.annotate(
            mark.name, (mark.x, mark.y), xytext=(0, 0), textcoords="offset points", fontsize=size
        )
        extent = text.get_window_extent()
        others = np.array([box.extents for box in boxes if box is not own]).reshape(-1, 4)
        best = min(
            _list_places(own, extent.width, extent.height, pixels),
            key=lambda place: _rate(place[0], others, inside) + 0.01 * place[1],
        )
        place, distance = best
        centre = ((own.x0 + own.x1) / 2, (own.y0 + own.y1) / 2)
        text.set_position(((place.x0 - centre[0]) / pixels, (place.y0 - centre[1]) / pixels))
        if distance >= LEADER_FROM:
            _join(axes, own, place)
        boxes.append(place.padded(gap * pixels, 0))


def _list_places(
    own: Bbox, width: float, height: float, pixels: float
) -> Iterator[tuple[Bbox, float]]:
    """Yield the places round a mark that a name may take, nearest first, and their distance in points."""
    middle = ((own.x0 + own.x1) / 2, (own.y0 + own.y1) / 2)
    radius = (own.x1 - own.x0) / 2
    for distance in DISTANCES:
        for across, up in DIRECTIONS:
            reach = (radius + distance * pixels) / hypot(across, up)
            x = middle[0] + across * reach + (across - 1) / 2 * width
            y = middle[1] + up * reach + (up - 1) / 2 * height
            yield Bbox.from_bounds(x, y, width, height), distance


def _rate(place: Bbox, others: np.ndarray, inside: Bbox) -> float:
    """Return how much a place covers, in square pixels; what would be cut off counts most."""
    covered = _share(place, others).sum()
    outside = place.width * place.height - _share(place, inside.extents[None])[0]
    return float(covered + 10 * outside)


def _share(place: Bbox, boxes: np.ndarray) -> np.ndarray:
    """Return the area that a place shares with each box, whose corners are a row."""
    x0, y0, x1, y1 = place.extents
    width = np.minimum(x1, boxes[:, 2]) - np.maximum(x0, boxes[:, 0])
    height = np.minimum(y1, boxes[:, 3]) - np.maximum(y0, boxes[:, 1])
    return np.clip(width, 0, None) * np.clip(height, 0, None)


def _join(axes: Axes, own: Bbox, place: Bbox) -> None:
    """Draw a line from a mark's edge to the nearest point of its name."""
    x, y = (own.x0 + own.x1) / 2, (own.y0 + own.y1) / 2
    end = (min(max(x, place.x0), place.x1), min(max(y, place.y0), place.y1))
    length = hypot(end[0] - x, end[1] - y) or 1.0
    edge = (own.x1 - own.x0) / 2 / length
    start = (x + (end[0] - x) * edge, y + (end[1] - y) * edge)
    back = axes.transData.inverted()
    (x0, y0), (x1, y1) = back.transform(start), back.transform(end)
    axes.plot([x0, x1], [y0, y1], color=GREY, lw=0.6, zorder=1, scalex=False, scaley=False)
