"""Words of a notebook that lead to exhibits which have nothing to show: left out of the page.

The same notebook runs for every trust. Where a trust's files do not reach as far as an exhibit, the
exhibit shows nothing; a sentence such as *look first at the longest bar* would then lead nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from helpers.report.exhibits import EMPTY_EXHIBIT

HEADING = re.compile(r"^(#{1,6}) ", re.MULTILINE)
LARGEST_HEADING = 1  # a page's title always stays


def find_idle_words(cells: Sequence[Any]) -> set[int]:
    """Return the places of cells of words that lead to nothing.

    That is a paragraph right before an exhibit that shows nothing, and a heading with its paragraphs
    if every exhibit under it, and there is at least one, shows nothing (decision D-410).

    Parameters
    ----------
    cells
        Cells of an executed notebook.
    """
    idle = {
        place
        for place, cell in enumerate(cells[:-1])
        if cell.cell_type == "markdown" and not find_level(cell) and is_nothing(cells[place + 1])
    }
    for place, cell in enumerate(cells):
        level = find_level(cell)
        if level <= LARGEST_HEADING:
            continue
        section = list_section(cells, place, level)
        left = [one for one in section if one not in idle and not is_nothing(cells[one])]
        if not left and any(is_nothing(cells[one]) for one in section):
            idle.add(place)
    return idle


def list_section(cells: Sequence[Any], place: int, level: int) -> list[int]:
    """Return the places of the cells under a heading, up to the next one that is as large."""
    end = place + 1
    while end < len(cells) and not 1 <= find_level(cells[end]) <= level:
        end += 1
    return list(range(place + 1, end))


def find_level(cell: Any) -> int:
    """Return the level of the largest heading in a cell of words; 0 if it has none."""
    if cell.cell_type != "markdown":
        return 0
    return min((len(marks) for marks in HEADING.findall(cell.source)), default=0)


def is_nothing(cell: Any) -> bool:
    """Tell whether a cell is an exhibit that shows nothing; a cell without outputs is no exhibit."""
    return cell.cell_type == "code" and [
        output.get("data", {}).get("text/html") for output in cell.outputs
    ] == [EMPTY_EXHIBIT]
