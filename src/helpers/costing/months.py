"""Twelve monthly runs: the year costed month by month, each month by its own ledger and activity.

A month is costed as a year is: its postings, its activity, rates of its own. Patients who are still in
hospital at its end carry their cost out of it and into the next. What the twelve runs completed, with the
movement in work in progress over the year and what found no patient, is the year's ledger to the penny
(R14). Lines differ a little from the yearly run, because a month has other rates than the year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import NON_PATIENT_LINES, UNMATCHED, find_own_line
from helpers.costing import education
from helpers.costing.clock import MONTH, MONTHS_A_YEAR, Period, find_period
from helpers.costing.ledger import read_postings, total_department_costs
from helpers.costing.reconciliation import Checks
from helpers.costing.statement import total_line_costs
from helpers.costing.trust import Costed, cost_trust, find_mode
from helpers.costing.wip import OPENING, total_matched
from helpers.errors import InputError, name_a_few

EPISODES, KEPT = "clean_apc_episodes", "year_apc_episodes"
LEDGER = "general_ledger"
# Sums of the whole year, or of other years: no month can be held against them.
OF_THE_YEAR = ("plan", "contract_income", "benchmarks", "cleaning_accounts")
MONEY = ["cost_pence", "unmatched_pence", "opening_pence", "completed_pence", "closing_pence"]

# An episode as it stood at the month's end: a later end is not known yet.
AS_IT_STOOD = {
    "discharge_dt": "CASE WHEN discharge_dt < $period_end THEN discharge_dt END",
    "episode_end_dt": "CASE WHEN episode_end_dt < $period_end THEN episode_end_dt END",
    "completion": """CAST(CASE WHEN episode_end_dt < $period_end THEN 1 ELSE 3 END
        + CASE WHEN episode_start_dt < $period_start THEN 1 ELSE 0 END AS BIGINT)""",
}
THERE = (
    "episode_start_dt < $period_end AND (episode_end_dt IS NULL OR episode_end_dt >= $period_start)"
)


@dataclass(frozen=True)
class MonthRuns:
    """The year, costed month by month.

    Attributes
    ----------
    lines
        One row per month and line: ``month, line_id``, and in pence ``cost_pence`` (the month's, that
        found a patient), ``unmatched_pence``, ``opening_pence`` and ``closing_pence`` (carried in and
        out), ``completed_pence``. Columns beside the lines (ET, RD, OTHER, EXCLUDED) have all their cost
        in ``unmatched_pence``: it is no patient's.
    checks
        Identity R14, as table ``reconciliation`` holds identities.
    notices
        What the monthly runs had to do otherwise than the year.
    """

    lines: pd.DataFrame
    checks: pd.DataFrame
    notices: list[str]


def cost_months(
    db: QueryEngine,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    *,
    method: str = "",
) -> MonthRuns:
    """Cost every month of a year by itself, carrying unfinished stays from one to the next.

    Parameters are those of ``cost_trust``. The engine's clean tables are left as they were; its costed
    tables are those of the last month.

    Raises
    ------
    InputError
        If the trust is not costed by patient here, or its ledger lacks a month.

    Notes
    -----
    Decision D-321: a pool that has cost in a month and no activity stands as unmatched cost of the line
    that owns its department, for that month; over a whole year it would be refused.
    """
    _check_months(db, frames)
    db.rename(EPISODES, KEPT)
    parts, boundaries, notices = [], [], []
    opening = frames.get(OPENING)
    try:
        for month in range(1, MONTHS_A_YEAR + 1):
            costed = _cost_month(db, frames, {**settings, MONTH: month}, opening, method)
            parts.append(_read_lines(costed).assign(month=month))
            boundaries.append(costed.analyses["line_wip"])
            opening = costed.analyses["wip_closing"]
            notices += [
                f"Month {month}: {text}" for text in costed.notices if "no activity" in text
            ]
    finally:
        db.rename(KEPT, EPISODES)
    lines = pd.concat(parts, ignore_index=True)[["month", "line_id", *MONEY]]
    checks = _check_year(lines, boundaries, frames, settings)
    return MonthRuns(lines, checks, notices)


def _check_months(db: QueryEngine, frames: Mapping[str, pd.DataFrame]) -> None:
    if find_mode(db, frames) != "plics" or not db.has(EPISODES):
        raise InputError(
            "Months can be costed by themselves only where patients are costed here, from activity.\n"
            "This trust's costs come to lines by averages, or from its own costing system."
        )
    months = set(frames[LEDGER]["month"].dropna().astype("int64"))
    absent = [str(month) for month in range(1, MONTHS_A_YEAR + 1) if month not in months]
    if absent:
        raise InputError(
            f"general_ledger has no postings in months {name_a_few(absent)} (April = 1), so there is no cost "
            "to give to their patients.\nSupply a ledger by month; one sum for the year cannot be costed by month."
        )


def _cost_month(
    db: QueryEngine,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    opening: pd.DataFrame | None,
    method: str,
) -> Costed:
    period = find_period(settings)
    _select_episodes(db, period)
    ledger = frames[LEDGER]
    month = {
        **{name: frame for name, frame in frames.items() if name not in OF_THE_YEAR},
        LEDGER: ledger[ledger["month"] == settings[MONTH]],
        "control_totals": frames["control_totals"].iloc[:0],
    }
    month.pop(OPENING, None)
    if opening is not None:
        month[OPENING] = opening[["episode_id", "source_department", "element", "amount_pence"]]
    costed = cost_trust(db, month, settings, method=method)
    failed = costed.reconciliation[~costed.reconciliation["passed"].astype(bool)]
    if len(failed):
        raise InputError(f"Month {settings[MONTH]}: identities fail: {name_a_few(failed['id'])}.")
    return costed


def _select_episodes(db: QueryEngine, period: Period) -> None:
    """Make the month's episodes from the year's: those there in it, later ends unknown."""
    columns = ", ".join(f"{AS_IT_STOOD.get(name, name)} AS {name}" for name in db.columns(KEPT))
    db.create(
        EPISODES,
        f"SELECT {columns} FROM {KEPT} WHERE {THERE}",
        period_start=period.start,
        period_end=period.end,
    )


def _read_lines(costed: Costed) -> pd.DataFrame:
    """Return one run's cost by line: matched, not matched, carried in and out."""
    costs = total_line_costs(costed.pool_line_costs)
    beside = costs["line_id"].str.startswith(f"{UNMATCHED}:") | costs["line_id"].isin(
        NON_PATIENT_LINES
    )
    unmatched = costs[beside].groupby(costs["line_id"].map(find_own_line))["amount_pence"].sum()
    wip = costed.analyses["line_wip"].set_index("line_id")
    table = pd.DataFrame(
        {
            "cost_pence": total_matched(costs),
            "unmatched_pence": unmatched,
            **{name: wip[name] for name in MONEY[2:]},
        }
    )
    return table.fillna(0).astype("int64").rename_axis("line_id").reset_index()


def _check_year(
    lines: pd.DataFrame,
    boundaries: list[pd.DataFrame],
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
) -> pd.DataFrame:
    """R14: every month closes on its own ledger, nothing is lost between months, and the year comes out."""
    ledger = frames[LEDGER]
    treatment = str(settings.get("non_patient_care") or education.SEPARATE)
    names = ("cost_centre_map", "expense_map", "departments")
    maps = [frames[name] for name in names]

    def total(rows: pd.DataFrame) -> int:
        postings = read_postings(rows, *maps)
        left = education.net_income(postings, frames["departments"], treatment).postings
        return int(total_department_costs(left)["amount_pence"].sum())

    checks = Checks()
    by_month = lines.groupby("month")[["cost_pence", "unmatched_pence"]].sum().sum(axis=1)
    spent = {month: total(rows) for month, rows in ledger.groupby("month")}
    checks.add_parts(
        "R14", "Cost of each monthly run = its month's ledger", by_month, pd.Series(spent)
    )
    carried = pd.Series([int(wip["closing_pence"].sum()) for wip in boundaries[:-1]])
    taken_up = pd.Series([int(wip["opening_pence"].sum()) for wip in boundaries[1:]])
    checks.add_parts("R14", "Carried out of each month = carried into the next", carried, taken_up)
    first, last = (int(boundaries[at][name].sum()) for at, name in ((0, MONEY[2]), (-1, MONEY[4])))
    completed, beside = (int(lines[name].sum()) for name in ("completed_pence", "unmatched_pence"))
    checks.add(
        "R14",
        "Completed in twelve monthly runs + work in progress carried out - carried in + cost of no patient = "
        "the year's ledger",
        completed + last - first + beside,
        total(ledger),
    )
    return checks.as_frame()


def compare_with_year(runs: MonthRuns, line_costs: pd.DataFrame) -> pd.DataFrame:
    """Return each line's cost by twelve monthly runs beside the yearly run: ``line_id, months_pence, year_pence``.

    Parameters
    ----------
    line_costs
        Table of that name, of the yearly run.

    Returns
    -------
    pd.DataFrame
        Also ``difference_pence``, months less year; it adds up to nothing.
    """
    year = line_costs.groupby(line_costs["line_id"].map(find_own_line))["amount_pence"].sum()
    months = runs.lines.groupby("line_id")[["cost_pence", "unmatched_pence"]].sum().sum(axis=1)
    table = pd.DataFrame({"months_pence": months, "year_pence": year}).fillna(0).astype("int64")
    table["difference_pence"] = table["months_pence"] - table["year_pence"]
    return table.rename_axis("line_id").reset_index()
