"""Twelve monthly runs in words, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.report.formats import format_exact_gbp, format_gbp
from helpers.report.words.cleaning import MONTH_NAMES
from helpers.report.words.trace import name_line

HEADS = ("Cost of the month", "no patient's", "carried in", "completed", "carried out")
COLUMNS = ("cost_pence", "unmatched_pence", "opening_pence", "completed_pence", "closing_pence")
WIDE, FIRST = 20, 12
MOST_LINES = 8


def write_months(
    lines: pd.DataFrame,
    checks: pd.DataFrame,
    compared: pd.DataFrame,
    notices: list[str],
    names: Mapping[str, Mapping[str, str]],
) -> str:
    """Return the months, identity R14 and the lines that monthly rates move most, as plain text.

    Parameters
    ----------
    lines, checks, notices
        Those of ``MonthRuns``.
    compared
        ``compare_with_year``.
    names
        As ``collect_names`` gives them.
    """
    months = lines.groupby("month")[list(COLUMNS)].sum()
    months["cost_pence"] += months["unmatched_pence"]
    rows = ["Every month costed by its own ledger, activity and rates (£):", ""]
    rows.append(" " * FIRST + "".join(f"{head:>{WIDE}}" for head in HEADS))
    for month, row in months.iterrows():
        rows.append(
            f"{MONTH_NAMES[int(month) - 1]:<{FIRST}}"
            + "".join(f"{format_exact_gbp(int(row[name])):>{WIDE}}" for name in COLUMNS)
        )
    rows += ["", *[_write_check(check) for check in checks.itertuples()], ""]
    rows += _write_lines(compared, names)
    rows += ["", *notices] if notices else []
    return "\n".join(rows)


def _write_check(check: object) -> str:
    verdict = "holds" if check.passed else f"FAILS, {check.difference_pence:,} pence apart"
    left, right = format_exact_gbp(check.left_pence), format_exact_gbp(check.right_pence)
    return f"{check.id} {check.description}: {left} and {right}; {verdict}."


def _write_lines(compared: pd.DataFrame, names: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the lines whose twelve months differ most from the yearly run."""
    size = compared["difference_pence"].abs()
    moved = int(compared["difference_pence"].clip(lower=0).sum())
    far = compared.assign(size=size).sort_values(["size", "line_id"], ascending=[False, True])
    told = [
        f"Monthly rates put {format_gbp(moved)} in other lines than the yearly run does. Where they differ most "
        "(twelve months, the year, difference):"
    ]
    for row in far.head(MOST_LINES).itertuples():
        pence = (row.months_pence, row.year_pence, row.difference_pence)
        told.append(
            f"  {name_line(row.line_id, names):<40.40}"
            + "".join(f"{format_exact_gbp(int(p)):>18}" for p in pence)
        )
    return told
