"""What a reader takes away from a figure, and names beside marks."""

from __future__ import annotations

from itertools import combinations

import nbformat
import pandas as pd
import pytest
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from helpers.parameters import PROJECT
from helpers.report.figures.labels import Mark, name_marks
from helpers.report.figures.narrow import NARROW_INCHES, draw_narrow
from helpers.report.figures.portfolio import find_edge
from helpers.report.figures.style import new_figure, report_style
from helpers.report.tables.drawn import keep_cost, take_drawn

NAMES = pd.DataFrame(
    {
        "line_id": ["TO", "TO", "MAT"], "line_name": ["Orthopaedics", "Orthopaedics", "Maternity"],
        "consultant_code": ["C1", "C2", "C3"], "pseudonym": ["P1", "P2", "P3"],
    }
)  # fmt: skip


def test_lines_come_by_name_and_in_the_order_asked_for():
    frame = pd.DataFrame({"line_id": ["MAT", "TO", "NEW"], "b": [1, 2, 3], "a": [4, 5, 6]})
    taken = take_drawn(frame, "a", "b", "absent", names=NAMES[["line_id", "line_name"]])
    assert list(taken.columns) == ["line_name", "a", "b"]
    assert taken["line_name"].tolist() == ["Maternity", "Orthopaedics", "NEW"]


def test_consultants_come_by_pseudonym_and_never_by_code():
    frame = pd.DataFrame({"line_id": ["TO"], "consultant_code": ["C2"], "n": [5]})
    taken = take_drawn(frame, names=NAMES)
    assert taken.to_dict("records") == [{"line_name": "Orthopaedics", "pseudonym": "P2", "n": 5}]


def test_nothing_drawn_is_nothing_to_take():
    assert take_drawn(None) is None and take_drawn(pd.DataFrame({"a": []})) is None


def test_only_what_was_compared_on_cost_is_drawn():
    review = pd.DataFrame({"measure": ["cost", "los", "cost"], "ratio": [1.1, 1.2, None]})
    assert keep_cost(review)["ratio"].tolist() == [1.1]


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_every_figure_has_its_data_and_says_how_it_is_read(path):
    cells = [
        cell for cell in nbformat.read(path, as_version=4).cells if "show_figure(" in cell.source
    ]
    lacking = [c.id for c in cells if "data=" not in c.source or "how_to_read=" not in c.source]
    assert lacking == []


def find_names(axes) -> list[Bbox]:
    axes.get_figure().draw_without_rendering()
    return [one.get_window_extent() for one in axes.findobj(Annotation) if one.get_text()]


def test_names_of_a_crowd_do_not_cover_each_other():
    """Twelve marks in two square centimetres: nearest places alone would put names over names."""
    with report_style():
        _, axes = new_figure(4.0)
        marks = [
            Mark(0.5 + 0.01 * (k % 4), 0.5 + 0.02 * (k // 4), 4.0, f"Service line {k}")
            for k in range(12)
        ]
        axes.set(xlim=(0, 1), ylim=(0, 1))
        name_marks(axes, marks)
        boxes = find_names(axes)
        assert len(boxes) == 12
        assert [
            1 for one, other in combinations(boxes, 2) if one.padded(-1).overlaps(other.padded(-1))
        ] == []
        assert all(axes.bbox.contains(*box.p0) and axes.bbox.contains(*box.p1) for box in boxes)


def test_one_line_far_below_does_not_press_the_others_together():
    assert find_edge(pd.Series([0.15, 0.2, 0.2, 0.25, -0.9])) == pytest.approx(-0.03)
    assert find_edge(pd.Series([0.2, 0.1, -0.1, -0.15])) == pytest.approx(-0.18)  # no line is far
    assert find_edge(pd.Series([-0.5, -0.4, -0.3])) == pytest.approx(-0.2)  # never further down


def test_panels_beside_each_other_stand_one_under_another_on_a_phone():
    with report_style():
        figure, grid = new_figure(2.0, n_rows=1, n_columns=2, sharey=True)
        for axes, title in zip(grid, ("One", "Two"), strict=True):
            axes.barh([0, 1], [1, 2])
            axes.set_title(title)
            axes.set_yticks([0, 1], ["First", "Second"])
        figure.draw_without_rendering()
        assert draw_narrow(figure)
        figure.draw_without_rendering()
        above, below = (axes.get_position() for axes in grid)
        assert above.y0 > below.y1 and figure.get_size_inches()[0] == NARROW_INCHES
        assert all(label.get_visible() for label in grid[1].get_yticklabels())
