"""Traces in words: on the page, and in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.report.formats import (
    format_count,
    format_exact_gbp,
    format_gbp,
    format_prop,
    join_words,
)
from helpers.report.words.plain import name_term

MOST_WRITTEN = 10  # rows of a list in the terminal; the rest are one row
MOST_NAMED = 3
UNMATCHED = "UNMATCHED:"
NO_EXAMPLE = (
    "There is no worked example on this page: it follows one patient’s stay, and this edition or this "
    "trust’s files do not reach that far."
)


def name_use(pool: Any) -> str:
    """Return what an event used of a pool, and of how much: `87.23 of 10,072.63 ward hours`."""
    if pd.isna(pool.units):
        return ""
    return f"{_write_units(pool.units)} of {_write_units(pool.line_units)} {pool.unit}"


def describe_example(
    example: tuple[Any, Any] | None, names: Mapping[str, Mapping[str, str]]
) -> str:
    """Say what the worked example shows; ``names`` holds departments, cost centres, codes and lines."""
    if example is None:
        return NO_EXAMPLE
    back, forward = example
    overhead = int(back.overheads["amount_pence"].sum())
    n_lines = len(back.paths.drop_duplicates(["cost_centre", "expense_code"]))
    to_lines = forward.paths.groupby("line_id")["amount_pence"].sum()
    to_lines = to_lines.sort_values(ascending=False, kind="stable")
    first = [
        f"{name_line(code, names)} ({format_gbp(pence)})"
        for code, pence in to_lines.head(MOST_NAMED).items()
    ]
    return (
        f"The stay {back.event_id} of {name_line(back.line_id, names)} cost "
        f"{format_exact_gbp(back.amount_pence)}: {format_exact_gbp(back.amount_pence - overhead)} from "
        f"departments it used and {format_exact_gbp(overhead)} of overhead that came with them. It can be "
        f"walked back to {format_count(n_lines)} lines of the ledger. The largest is "
        f"{name_posting(forward, names)}, which holds {format_gbp(forward.amount_pence)}; of that, "
        f"{join_words(first)} {'take' if len(first) > 1 else 'takes'}"
        f"{' the most' if len(to_lines) > MOST_NAMED else ' all'}."
    )


def name_line(code: str, names: Mapping[str, Mapping[str, str]]) -> str:
    """Return a line or column by its name; unmatched cost says whose it is."""
    if code.startswith(UNMATCHED):
        return f"{name_line(code.removeprefix(UNMATCHED), names)}, not matched to a patient"
    return names["line"].get(code) or name_term("line", code)


def name_posting(trace: Any, names: Mapping[str, Mapping[str, str]]) -> str:
    """Return a ledger line by its names and codes."""
    code = names["expense_code"].get(trace.expense_code, trace.expense_code)
    centre = names["cost_centre"].get(trace.cost_centre, trace.cost_centre)
    return f"{code} of {centre} ({trace.cost_centre}:{trace.expense_code})"


def collect_names(frames: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, str]]:
    """Return the trust's own names of departments, cost centres, expense codes and lines."""
    sources = {
        "department": ("departments", "department_id", "name"),
        "cost_centre": ("cost_centre_map", "cost_centre", "cost_centre_name"),
        "expense_code": ("expense_map", "expense_code", "name"),
        "line": ("service_lines", "line_id", "line_name"),
    }
    found = {}
    for what, (file, code, name) in sources.items():
        rows = frames[file][[code, name]].dropna()
        found[what] = dict(zip(rows[code], rows[name], strict=True))
    return found


def write_event_trace(trace: Any, names: Mapping[str, Mapping[str, str]]) -> str:
    """Return a trace from an event back to the ledger, for a terminal."""
    line = name_line(trace.line_id, names)
    lines = [f"{trace.event_id} ({line}) cost {format_exact_gbp(trace.amount_pence)}.", ""]
    lines.append(
        "Through cost pools: own cost + overhead, for what was used of the line's activity"
    )
    for pool in trace.pools.itertuples():
        place = names["department"].get(pool.department_id, pool.department_id)
        rules = f"; matched by {pool.match_rules}" if pool.match_rules else ""
        used = f": {name_use(pool)}{rules}" if pool.unit else ""
        lines.append(
            f"  {format_exact_gbp(pool.amount_pence):>14}  {place}, pool {pool.pool_id} "
            f"({format_exact_gbp(pool.own_pence)} + {format_exact_gbp(pool.overhead_pence)}){used}"
        )
    lines += ["", "Of it, overhead: service, by its driver, through the department"]
    ways = [
        (row.amount_pence, _write_way(row, names["department"]))
        for row in trace.overheads.itertuples()
    ]
    lines += _write_amounts(ways, "other ways of overhead") or ["  none"]
    by_posting = trace.paths.groupby(["cost_centre", "expense_code"], as_index=False)
    totals = by_posting["amount_pence"].sum()
    postings = [(row.amount_pence, name_posting(row, names)) for row in totals.itertuples()]
    lines += ["", "From the ledger", *_write_amounts(postings, "other ledger lines")]
    return "\n".join([*lines, f"  {format_exact_gbp(trace.amount_pence):>14}  in all"])


def write_ledger_trace(trace: Any, names: Mapping[str, Mapping[str, str]]) -> str:
    """Return a trace from a ledger line forward to lines, for a terminal."""
    department = names["department"].get(trace.department_id, trace.department_id)
    element = name_term("element", trace.element)
    lines = [
        f"{name_posting(trace, names)} holds {format_exact_gbp(trace.amount_pence)}.",
        f"It travels with all {element.lower()} of {department}: "
        f"{format_exact_gbp(trace.department_pence)}.",
        "",
        "Where it went",
    ]
    for row in trace.paths.itertuples():
        line = name_line(row.line_id, names)
        through = names["department"].get(row.department_id, row.department_id)
        lines.append(
            f"  {format_exact_gbp(row.amount_pence):>14}  {line}, {row.tier}, through {through} "
            f"(pool {row.pool_id}, {name_term('feed', row.feed).lower()})"
        )
    lines.append(f"  {format_exact_gbp(trace.amount_pence):>14}  in all")
    carriers = trace.paths[trace.paths["n_events"] > 0].groupby("line_id")["n_events"].max()
    told = [f"{name_line(line, names)} {format_count(n)}" for line, n in carriers.items()]
    if told:
        lines += ["", f"Patient events that carry some of it: {', '.join(told)}."]
    return "\n".join(lines)


def _write_amounts(rows: list[tuple[int, str]], others: str) -> list[str]:
    """Return the largest amounts, a row each, and the rest in one row."""
    ranked = sorted(rows, key=lambda row: (-abs(row[0]), row[1]))
    lines = [f"  {format_exact_gbp(pence):>14}  {words}" for pence, words in ranked[:MOST_WRITTEN]]
    rest = ranked[MOST_WRITTEN:]
    if rest:
        total = format_exact_gbp(sum(pence for pence, _ in rest))
        lines.append(f"  {total:>14}  {format_count(len(rest))} {others}")
    return lines


def _write_way(row: Any, departments: Mapping[str, str]) -> str:
    service = departments.get(row.service_id, row.service_id)
    department = departments.get(row.department_id, row.department_id)
    ends = (
        f"{format_prop(row.attributed_prop, 1)} of its own cost ends there"
        if pd.notna(row.attributed_prop)
        else ""
    )
    if pd.isna(row.quantity):
        return f"{service}, through {department}: {ends}, by way of other services"
    return (
        f"{service}, through {department}: {row.quantity:,.1f} {name_term('driver', row.driver)} "
        f"({format_prop(row.quantity_prop, 1)} of all use); {ends}"
    )


def _write_units(units: float) -> str:
    return f"{units:,.2f}".removesuffix(".00")
