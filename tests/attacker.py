"""A reader who wants to know what a public table hides: everything that adds up, solved for the hidden cells.

It shares no code with the protection it attacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog

OPEN_END = 1e15


@dataclass
class Attacker:
    """Cells by name, each within what is printed of it, and sums that the reader knows within bounds."""

    cells: dict[object, tuple[float, float]] = field(default_factory=dict)
    sums: list[tuple[dict[object, float], float, float]] = field(default_factory=list)

    def see(self, cell: object, low: float, high: float | None = None) -> None:
        self.cells[cell] = (low, low if high is None else high)

    def miss(self, cell: object) -> None:
        """A hidden cell: nobody is negative."""
        self.cells[cell] = (0.0, np.inf)

    def add_up(
        self,
        parts: Iterable[object],
        low: float,
        high: float | None = None,
        *,
        total: object = None,
    ) -> None:
        factors = dict.fromkeys(parts, 1.0)
        if total is not None:
            factors[total] = -1.0
        self.sums.append((factors, low, low if high is None else high))

    def find_range(self, cell: object) -> tuple[float, float]:
        """Return the least and the most that a cell can hold."""
        names = list(self.cells)
        place = {name: at for at, name in enumerate(names)}
        bounds = [self.cells[name] for name in names]
        rows, limits = [], []
        for factors, low, high in self.sums:
            row = np.zeros(len(names))
            for name, factor in factors.items():
                row[place[name]] = factor
            rows += [row, -row]
            limits += [high, -low]
        ends = []
        for sign in (1.0, -1.0):
            goal = np.zeros(len(names))
            goal[place[cell]] = sign
            found = linprog(
                goal,
                A_ub=np.array(rows) if rows else None,
                b_ub=limits or None,
                bounds=bounds,
                method="highs",
            )
            if found.status == 3:  # without end
                ends.append(-sign * OPEN_END)
            else:
                assert found.status == 0, found.message
                ends.append(sign * found.fun)
        return ends[0], ends[1]


def attack_margins(
    values: np.ndarray, hidden: np.ndarray, row_known: Sequence[bool] | None = None
) -> Mapping[tuple[int, int], tuple[float, float]]:
    """Attack a table of rows x columns whose last row holds the columns' totals.

    Totals of rows are known exactly where ``row_known`` says so (all, if None); a shown cell is known
    exactly. Returns each hidden cell's range.
    """
    attacker = Attacker()
    n_rows, n_columns = values.shape
    for cell in np.ndindex(values.shape):
        if hidden[cell]:
            attacker.miss(cell)
        else:
            attacker.see(cell, float(values[cell]))
    for row in range(n_rows - 1):
        if row_known is None or row_known[row]:
            parts = [(row, column) for column in range(n_columns)]
            attacker.add_up(parts, float(values[row].sum()))
    for column in range(n_columns):
        parts = [(row, column) for row in range(n_rows - 1)]
        attacker.add_up(parts, 0.0, total=(n_rows - 1, column))
    return {cell: attacker.find_range(cell) for cell in zip(*np.nonzero(hidden), strict=True)}
