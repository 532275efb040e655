"""Identities of the published basis, in whole pence; and the publisher's own totals beside ours."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

COLUMNS = ["id", "description", "left_pence", "right_pence", "difference_pence", "passed"]


def list_checks(rows: Sequence[tuple[str, str, int, int]]) -> pd.DataFrame:
    """Return comparisons as table ``published_reconciliation``: both sides, difference, whether it holds."""
    return pd.DataFrame(
        [
            (name, words, int(left), int(right), int(left) - int(right), int(left) == int(right))
            for name, words, left, right in rows
        ],
        columns=COLUMNS,
    )


def check_cells(accounts: pd.DataFrame, cells_pence: int, org_pence: int, line_pence: int) -> list:
    """P1 pounds read = pounds in cells + pounds set aside; P2 a trust's cells = its lines.

    Parameters
    ----------
    accounts
        ``reason, cost_pence`` by file; a blank reason is kept.
    cells_pence
        Cost of all cells of all organisations and years.
    """
    pence = accounts["cost_pence"].fillna(0)
    aside = int(pence[accounts["reason"] != ""].sum())
    return [
        (
            "P1",
            "Cost read = cost kept in cells + cost set aside",
            int(pence.sum()),
            cells_pence + aside,
        ),
        ("P2", "Cost of the organisation's cells = cost of its lines", org_pence, line_pence),
    ]


def check_positions(cells: pd.DataFrame, lines: pd.DataFrame, settings: pd.DataFrame) -> list:
    """P3 to P7: the same cost and margin by line and by setting; priced + unpriced = all; level = 0."""
    cost = int(cells["cost_pence"].sum())
    margin = int(cells["income_pence"].fillna(0).sum()) - int(cells["priced_cost_pence"].sum())
    both = lines["priced_cost_pence"] + lines["unpriced_cost_pence"]
    return [
        ("P3", "Cost by line = cost of cells", int(lines["cost_pence"].sum()), cost),
        ("P4", "Cost by setting = cost of cells", int(settings["cost_pence"].sum()), cost),
        ("P5", "Priced + unpriced cost = all cost", int(both.sum()), cost),
        ("P6", "Margin by line = income less cost of priced cells", int(lines["margin_pence"].sum()), margin),
        ("P7", "Margin by setting = income less cost of priced cells", int(settings["margin_pence"].sum()), margin),
        ("P8", "Margins of lines in proportion to price add up to nought", int(lines["level_margin_pence"].sum()), 0),
    ]  # fmt: skip


def compare_totals(
    stated: pd.DataFrame, sums: pd.DataFrame, *, tolerance: float = 1e-6
) -> pd.DataFrame:
    """Return the publisher's totals beside totals of the rows, and whether they agree.

    Parameters
    ----------
    stated
        ``file, sheet, item, measure, stated, recomputed``; ``recomputed`` missing where only the rows of
        other sheets give it.
    sums
        ``file, department_code, activity, cost_gbp``: sums of rows by file and department, and for the
        file as a whole under the department ``TOTAL QUANTUM``.
    tolerance
        Relative difference that rounding in the published file explains.
    """
    keyed = stated.assign(department_code=stated["item"].str.upper())
    keyed = keyed.merge(sums, on=["file", "department_code"], how="left", validate="many_to_one")
    from_rows = keyed["cost_gbp"].where(keyed["measure"].eq("total cost"))
    from_rows = from_rows.fillna(keyed["activity"].where(keyed["measure"].eq("activity")))
    unit = keyed["cost_gbp"] / keyed["activity"]
    from_rows = from_rows.fillna(unit.where(keyed["measure"].eq("unit cost")))
    out = keyed.assign(recomputed=keyed["recomputed"].fillna(from_rows))
    out = out[out["recomputed"].notna()]
    gap = (out["stated"] - out["recomputed"]).abs()
    out = out.assign(difference=out["stated"] - out["recomputed"])
    return out.assign(agrees=gap <= tolerance * out["stated"].abs().clip(lower=1))[
        ["file", "sheet", "item", "measure", "stated", "recomputed", "difference", "agrees"]
    ].reset_index(drop=True)
