"""Which lines' figures are fit for decisions, and the mark of those that are not."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import SIGN_LABELS, UNMAPPED
from helpers.report.formats import format_count, format_prop, join_words
from helpers.report.words.plain import name_lines

WEAK_GRADES = ("D", "E")
MARK = " †"
PARTS = ("traced", "averaged", "apportioned")
PANEL_COLUMNS = {
    "line_name": "Service line",
    "grade": "Grade",
    "score": "Score",
    "traced_prop": "Traced",
    "averaged_prop": "Averaged",
    "apportioned_prop": "Appor\u00adtioned",  # may break there, so that the table fits
    "count_matched_prop": "Activity matched",
    "pence_matched_prop": "Cost matched",
    "ungrouped_prop": "No HRG",
    "sign_words": "Sign",
}
TREND_COLUMN = {"trend": "A year earlier"}


def list_weak(credibility: pd.DataFrame) -> list[str]:
    """Return the ids of lines graded D or E, in order; what was mapped to no line is none."""
    is_weak = credibility["grade"].isin(WEAK_GRADES) & credibility["line_id"].ne(UNMAPPED)
    return sorted(credibility.loc[is_weak, "line_id"])


def mark_lines(lines: pd.DataFrame, credibility: pd.DataFrame) -> pd.DataFrame:
    """Return rows with ``line_id`` and ``line_name``, the names of weak lines marked.

    Whatever a page names lines by, mark it here once: every table, figure and sentence made from it
    then carries the mark.
    """
    is_weak = lines["line_id"].isin(list_weak(credibility))
    names = lines["line_name"].astype("str")
    return lines.assign(line_name=names.mask(is_weak, names + MARK))


def describe_weak(credibility: pd.DataFrame, service_lines: pd.DataFrame) -> str:
    """Return the caution that stands at the top of every page; blank if every line is fit."""
    weak = list_weak(credibility)
    if not weak:
        return ""
    if len(weak) == int(credibility["line_id"].ne(UNMAPPED).sum()):
        return "Not fit for decisions: every line is graded D or E. Read totals for the trust; do not act on a line."
    names = sorted(name_lines(pd.Series(weak, dtype="str"), service_lines))
    return (
        f"Not fit for decisions: {join_words(names)} (graded D or E, marked †). Too little of the cost is "
        "traced to patients, or too much found none."
    )


def build_panel(
    credibility: pd.DataFrame,
    match_rates: pd.DataFrame,
    service_lines: pd.DataFrame,
    signs: pd.DataFrame,
    earlier: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return the credibility of each line that has cost, worst grade first.

    Traced, averaged and apportioned add up to 1. ``signs`` is ``sensitivity_summary``: whether the
    sign of a line's result depends on the rule for overheads. ``earlier`` is this table in the report
    of the year before, if there is one.
    """
    total = credibility[[f"{part}_pence" for part in PARTS]].sum(axis=1)
    rows = credibility[total > 0]
    total = total[total > 0]
    shares = {f"{part}_prop": rows[f"{part}_pence"] / total for part in PARTS}
    counts = match_rates.groupby("line_id")[
        ["n_lines", "n_matched", "cost_pence", "matched_pence"]
    ].sum()
    counts = counts.reindex(rows["line_id"]).reset_index(drop=True).set_index(rows.index)
    labels = signs.set_index("line_id")["sign_label"].map(SIGN_LABELS).str.split(":").str[0]
    marked = mark_lines(service_lines, credibility)
    table = rows.assign(
        line_name=name_lines(rows["line_id"], marked),
        **shares,
        count_matched_prop=counts["n_matched"] / counts["n_lines"].where(counts["n_lines"] > 0),
        pence_matched_prop=counts["matched_pence"]
        / counts["cost_pence"].where(counts["cost_pence"] > 0),
        ungrouped_prop=rows["ungrouped_pence"] / total,
        sign_words=rows["line_id"].map(labels).fillna("–").astype("str"),
        trend=describe_trends(rows, earlier),
    )
    return table.sort_values(
        ["grade", "score", "line_id"], ascending=[False, True, True]
    ).reset_index(drop=True)


def describe_trends(credibility: pd.DataFrame, earlier: pd.DataFrame | None) -> list[str]:
    """Return each line's grade and score a year earlier, as `B, score up 0.04`; a dash without one."""
    if earlier is None:
        return ["–"] * len(credibility)
    before = earlier.set_index("line_id")
    words = []
    for row in credibility.itertuples():
        if row.line_id not in before.index:
            words.append("no such line")
            continue
        change = row.score - before["score"][row.line_id]
        moved = (
            "as now"
            if abs(change) < 0.005
            else f"{'up' if change > 0 else 'down'} {abs(change):.2f} since"
        )
        words.append(f"{before['grade'][row.line_id]}, {moved}")
    return words


def describe_panel(
    credibility: pd.DataFrame, match_rates: pd.DataFrame, earlier: pd.DataFrame | None
) -> str:
    """Say how the trust's cost was found, and how much activity found its patient."""
    sums = credibility[[f"{part}_pence" for part in PARTS]].sum()
    total = int(sums.sum())
    if total <= 0:
        return "No line has cost."
    parts = [f"{format_prop(sums[f'{part}_pence'] / total, 1)} is {part}" for part in PARTS]
    words = f"Of the cost of all lines {join_words(parts)}."
    lines = match_rates[["n_lines", "n_matched", "cost_pence", "matched_pence"]].sum()
    if lines["n_lines"]:
        words += (
            f" {format_count(lines['n_matched'])} of {format_count(lines['n_lines'])} records of activity found "
            f"their patient ({format_prop(lines['n_matched'] / lines['n_lines'], 1)}), with "
            f"{format_prop(lines['matched_pence'] / lines['cost_pence'], 1)} of the cost."
        )
    unmapped = credibility.loc[credibility["line_id"].eq(UNMAPPED), [f"{p}_pence" for p in PARTS]]
    words += f" {format_prop(unmapped.to_numpy().sum() / total, 1)} belongs to no line."
    if earlier is None:
        words += " There is no report of the year before, so no trend can be shown."
    return words
