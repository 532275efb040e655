"""Who funds whom: the size of the cross-subsidy, and a proportional split of it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from helpers.contracts.money import hamilton

MEASURES = {
    "income": "Income",
    "surpluses": "Surpluses of columns that earn more than they cost (G)",
    "deficits": "Deficits of columns that cost more than they earn (D)",
    "volume": "Cross-subsidy: deficits paid for by surpluses (V)",
    "retained": "Surplus left over",
    "unfunded": "Deficit that no surplus pays for",
    "net": "Net surplus",
}


def measure_volumes(surplus_pence: Sequence[int]) -> dict[str, int]:
    """Return the volumes of cross-subsidy among surpluses and deficits, whole pence.

    ``surpluses`` G adds the positive margins, ``deficits`` D the negative ones, and the ``volume``
    V is the smaller: what one part of the trust pays for another. The rest is ``retained`` (G - D)
    or ``unfunded`` (D - G).
    """
    above = sum(int(value) for value in surplus_pence if value > 0)
    below = -sum(int(value) for value in surplus_pence if value < 0)
    return {
        "surpluses": above,
        "deficits": below,
        "volume": min(above, below),
        "retained": max(above - below, 0),
        "unfunded": max(below - above, 0),
        "net": above - below,
    }


def build_totals(columns: pd.DataFrame, *, basis: str, words: str) -> pd.DataFrame:
    """Return the volumes of one set of columns as rows of ``subsidy_totals``.

    Parameters
    ----------
    columns
        ``income_pence`` and ``surplus_pence``, one row per line or other column.
    basis
        ``lines``, or the name of a wider set, which is then part of ``measure``: ``volume@wider``.
    words
        What the set is, for the label; blank for the lines themselves.
    """
    income = int(columns["income_pence"].sum())
    amounts = {"income": income, **measure_volumes(columns["surplus_pence"])}
    tail, note = ("", "") if basis == "lines" else (f"@{basis}", f" - {words}")
    rows = [
        {
            "measure": f"{measure}{tail}",
            "label": f"{MEASURES[measure]}{note}",
            "amount_pence": amount,
            "income_prop": amount / income if income else float("nan"),
            "basis": basis,
        }
        for measure, amount in amounts.items()
    ]
    return pd.DataFrame(rows)


def build_funding_matrix(position: pd.DataFrame) -> pd.DataFrame:
    """Split the cross-subsidy between lines in surplus and lines in deficit, in proportion.

    Each pound of surplus spent on deficits is taken to have the same make-up:
    ``X[i,j] = (S_i+ / G) (S_j- / D) V``. Margins are facts; this split is a convention. Whole
    pence: the rows add up to each funder's gift and the columns to each receiver's, exactly.

    Parameters
    ----------
    position
        ``line_id`` and ``surplus_pence``.

    Returns
    -------
    pd.DataFrame
        ``funder_line_id``, ``receiver_line_id``, ``amount_pence``; one row per pair, empty if no
        line is in surplus or none in deficit.
    """
    given, received = _gifts(position, 1), _gifts(position, -1)
    split = share_both_ways(list(given.values()), list(received.values()))
    rows = [
        {"funder_line_id": funder, "receiver_line_id": receiver, "amount_pence": amount}
        for funder, amounts in zip(given, split, strict=True)
        for receiver, amount in zip(received, amounts, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["funder_line_id", "receiver_line_id", "amount_pence"])
    return frame.astype(
        {"funder_line_id": "str", "receiver_line_id": "str", "amount_pence": "int64"}
    )


def build_funding_lines(position: pd.DataFrame, matrix: pd.DataFrame) -> pd.DataFrame:
    """Return what each line gives and keeps, or receives and leaves unfunded; whole pence.

    ``surplus = given + retained`` for a line in surplus, ``-(received + unfunded)`` for one in
    deficit.
    """
    lines = position[["line_id", "line_name", "surplus_pence"]].copy()
    given = matrix.groupby("funder_line_id")["amount_pence"].sum()
    received = matrix.groupby("receiver_line_id")["amount_pence"].sum()
    lines["given_pence"] = lines["line_id"].map(given).fillna(0).astype("int64")
    lines["retained_pence"] = lines["surplus_pence"].clip(lower=0) - lines["given_pence"]
    lines["received_pence"] = lines["line_id"].map(received).fillna(0).astype("int64")
    lines["unfunded_pence"] = (-lines["surplus_pence"]).clip(lower=0) - lines["received_pence"]
    return lines


def share_both_ways(rows: Sequence[int], columns: Sequence[int]) -> list[list[int]]:
    """Fill a table of whole pence in proportion, when its row and column totals are given.

    A cell's exact share is row x column / total. Each is rounded down; the pence left over go
    first to the largest remainders whose row and column still lack one, a penny each, and then, in
    the same order, whatever a few cells still need. Totals hold exactly and no cell is negative.

    Parameters
    ----------
    rows, columns
        Totals to meet, whole pence, zero or more; both add up to the same sum.
    """
    total = sum(rows)
    if total != sum(columns):
        raise ValueError("rows and columns do not add up to the same total")
    if total == 0:
        return [[0] * len(columns) for _ in rows]
    cells = [[row * column // total for column in columns] for row in rows]
    row_left = [row - sum(line) for row, line in zip(rows, cells, strict=True)]
    column_left = [column - sum(line[j] for line in cells) for j, column in enumerate(columns)]
    order = sorted(
        ((i, j) for i in range(len(rows)) for j in range(len(columns))),
        key=lambda cell: (-(rows[cell[0]] * columns[cell[1]] % total), cell),
    )
    for most in (1, total):
        for i, j in order:
            extra = min(row_left[i], column_left[j], most)
            cells[i][j] += extra
            row_left[i] -= extra
            column_left[j] -= extra
    return cells


def _gifts(position: pd.DataFrame, sign: int) -> dict[str, int]:
    """Return what each line on one side gives (sign 1) or receives (-1) of the volume V."""
    ordered = position.sort_values("line_id", kind="stable")
    margins = {
        line: sign * int(amount)
        for line, amount in zip(ordered["line_id"], ordered["surplus_pence"], strict=True)
        if sign * amount > 0
    }
    volume = measure_volumes(position["surplus_pence"])["volume"]
    if not margins or volume == 0:
        return {}
    return dict(zip(margins, hamilton(volume, list(margins.values()), list(margins)), strict=True))
