"""Which further cells must be hidden, so that no hidden one can be worked out from the rest.

A cell hidden for its small number can often be had back: a total less the cells that are shown. So
others are hidden with it. The choice is made by linear programming (the method of table protection
in official statistics): for each hidden cell the cheapest way is found to change the table so that
this cell moves by a stated amount and every total stays; the cells that had to move for it are
hidden too. A reader who knows all totals, all shown cells to the penny and that nothing is negative
then still faces a range of at least that amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import bmat, csr_matrix

from helpers.errors import DisclosureError

SMALLEST_SHOWN = 8  # a number of events or people below this is hidden
SMALLEST_MONEY_RANGE_PENCE = 100_00  # a hidden amount stays unknown within at least this
MOVED = 1e-6  # of the amount a cell must move; less is the solver's noise
TOTAL_PRICE = 40.0  # hiding a total costs a reader as much as hiding so many cells


@dataclass(frozen=True)
class System:
    """A table's cells with all that a reader knows of them.

    Attributes
    ----------
    values
        By measure, each cell's true value: counts under names that begin ``n_`` or end ``_days``,
        else whole pence.
    relations
        By measure, what adds up, a row a sum: the cells' factors, such that factors x values is the
        same before and after any change a reader could imagine.
    is_small
        Cells that rest on too few events or people.
    is_fixed
        Cells that cannot be hidden, because something else that is published tells them.
    is_total
        Cells that are totals of others: dear to hide.
    """

    values: Mapping[str, np.ndarray]
    relations: Mapping[str, np.ndarray]
    is_small: np.ndarray
    is_fixed: np.ndarray
    is_total: np.ndarray


def hide_cells(system: System) -> np.ndarray:
    """Return which cells must be hidden: the small ones, and those that keep them hidden.

    Raises
    ------
    DisclosureError
        If a small cell could be worked out even with every cell hidden that can be: then the table
        must not be published at all.
    """
    hidden = system.is_small.copy()
    done = np.zeros(len(hidden), dtype=bool)
    while (hidden & ~done).any():
        waiting = np.flatnonzero(hidden & ~done)
        # the dearest to protect first: what is hidden for it often serves the others too
        cell = max(waiting, key=lambda place: (system.is_small[place], -place))
        for measure in system.values:
            hidden |= _find_movers(system, measure, int(cell), hidden)
        done[cell] = True
    return hidden


def find_need(measure: str, value: float, *, is_small: bool) -> float:
    """Return how wide the range of a hidden cell must stay: 8 for counts; for money the amount itself.

    A cell hidden only for another's sake needs £100. A nought of one measure in a hidden cell needs
    nothing: nobody is in it.
    """
    if value == 0:
        return 0.0
    if is_count(measure):
        return float(SMALLEST_SHOWN)
    return max(abs(value), SMALLEST_MONEY_RANGE_PENCE) if is_small else SMALLEST_MONEY_RANGE_PENCE


def is_count(measure: str) -> bool:
    return measure.startswith("n_") or measure.endswith("_days")


def _find_movers(system: System, measure: str, cell: int, hidden: np.ndarray) -> np.ndarray:
    """Return the cells that must be hidden so that one cell keeps its range in one measure."""
    values = np.asarray(system.values[measure], dtype="float64")
    need = find_need(measure, values[cell], is_small=bool(system.is_small[cell]))
    if need == 0:
        return np.zeros(len(values), dtype=bool)
    is_free = ~system.is_fixed & (values != 0)
    places = np.flatnonzero(is_free)
    if cell not in places:
        raise DisclosureError(_REFUSAL)
    sizes = np.abs(values[places]) / need
    factors = csr_matrix(system.relations[measure][:, places])
    price = _price(system, hidden, values)[places]
    # variables: up and down moves of the world where the cell is highest, then of that where it is lowest
    moves = bmat([[factors, -factors, None, None], [None, None, factors, -factors]], format="csr")
    at = int(np.flatnonzero(places == cell)[0])
    spread = np.zeros(4 * len(places))
    spread[[at, 3 * len(places) + at]] = 1
    spread[[len(places) + at, 2 * len(places) + at]] = -1
    bounds = [(0, None)] * len(places) + [(0, size) for size in sizes]
    found = linprog(
        np.tile(price, 4),
        A_eq=bmat([[moves], [csr_matrix(spread)]], format="csr"),
        b_eq=np.append(np.zeros(moves.shape[0]), 1.0),
        bounds=[*bounds, *bounds],
        method="highs-ds",
    )
    if not found.success:
        raise DisclosureError(_REFUSAL)
    moved = found.x.reshape(4, len(places))
    movers = np.zeros(len(values), dtype=bool)
    net = np.abs(moved[0] - moved[1]) + np.abs(moved[2] - moved[3])
    movers[places[net > MOVED]] = True
    return movers


def _price(system: System, hidden: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return what moving each cell costs: nothing if it is hidden already, more the more it tells."""
    largest = max(float(np.abs(values).max()), 1.0)
    price = 1.0 + 0.5 * np.abs(values) / largest
    price = np.where(system.is_total, TOTAL_PRICE * price, price)
    return np.where(hidden, 1e-3, price)


_REFUSAL = (
    "A small number could be worked out from this table however much of it were hidden, so it is not "
    "published."
)
