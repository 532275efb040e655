"""Sentences of the data cleaning page, written from the trust's files."""

from __future__ import annotations

import pandas as pd

from helpers.report.formats import format_count, format_gbp, format_prop, join_words
from helpers.report.tables.cleaning import find_missed
from helpers.report.words.plain import name_term

FULL_PROP, WEAK_PROP = 0.9995, 0.95
MOST_NAMED = 3
FALL_PROP = 0.1  # a field this much emptier in one month has lost something
UNEVEN_PROP = 0.5  # a month below half of the file's middle month looks like a gap
MONTH_NAMES = (
    "April", "May", "June", "July", "August", "September", "October", "November", "December",
    "January", "February", "March",
)  # fmt: skip


def describe_files(input_files: pd.DataFrame, mode: str) -> str:
    """Say how many files and rows came, and which way of costing they allow."""
    came = input_files[input_files["is_on"] & input_files["file"].ne("trust")]
    ways = {
        "plics": "They hold activity for each patient, so costs can be taken to patients.",
        "costed": "They hold what each patient cost in the trust's own costing system, which is taken as it "
        "is and held against the ledger.",
        "slr": "They hold no activity feeds: costs go to service lines by line drivers, and every figure about "
        "patients is an average.",
    }
    way = ways[mode]
    return f"{_count(len(came), 'file')} came, with {format_count(came['n_rows'].sum())} rows in all. {way}"


def describe_accounts(accounts: pd.DataFrame) -> str:
    """Say how many rows were kept and set aside."""
    totals = accounts[["n_read", "n_kept", "n_repaired", "n_excluded", "n_added", "n_warned"]].sum()
    share = totals["n_excluded"] / max(totals["n_read"], 1)
    sentence = (
        f"Of {format_count(totals['n_read'])} rows read, {format_count(totals['n_kept'])} were kept and "
        f"{format_count(totals['n_excluded'])} ({_share(share)}) set aside. Among the kept ones "
        f"{format_count(totals['n_repaired'])} were repaired and {format_count(totals['n_warned'])} carry a "
        "warning."
    )
    if totals["n_added"]:
        sentence += (
            f" {_count(totals['n_added'], 'row was', 'rows were')} made where one was missing."
        )
    return sentence


def describe_findings(summary: pd.DataFrame) -> str:
    """Name the rules that set most rows aside and repaired most."""
    if summary.empty:
        return "No rule found anything: every row was kept as it came."
    parts = []
    for severity, start in (
        ("X", "Most rows were set aside because"),
        ("R", "Most repairs were made because"),
    ):
        some = summary[summary["severity"].eq(severity)].sort_values(
            ["n_rows", "file", "rule"], ascending=[False, True, True]
        )
        if len(some):
            top = some.iloc[0]
            parts.append(
                f"{start}: “{top['words'].rstrip('.')}” ({name_term('file', top['file']).lower()}, "
                f"{format_count(top['n_rows'])} of {format_count(some['n_rows'].sum())})."
            )
    return " ".join(parts) or "Nothing was set aside or repaired; some rows carry warnings."


def describe_completeness(completeness: pd.DataFrame) -> str:
    """Say how many fields are full, and name the emptiest."""
    rows = completeness[completeness["n_rows"] > 0]
    if rows.empty:
        return "There are no activity files, so there is nothing to measure."
    full = int((rows["present_prop"] >= FULL_PROP).sum())
    weak = rows[rows["present_prop"] < WEAK_PROP].sort_values(["present_prop", "file", "field"])
    sentence = f"{full} of the {len(rows)} fields that matter most are full."
    if weak.empty:
        return f"{sentence} None is below {format_prop(WEAK_PROP)}."
    named = [
        f"{name_term('field', r.field)} in {name_term('file', r.file).lower()} ({format_prop(r.present_prop)})"
        for r in weak.head(MOST_NAMED).itertuples()
    ]
    return f"{sentence} The emptiest: {join_words(named)}."


def describe_field_months(months: pd.DataFrame) -> str:
    """Name the fields that are much emptier in some month than in the year's middle month."""
    if months.empty:
        return "There are no activity files, so there is nothing to measure."
    worst = []
    for (file, field), some in months.groupby(["file", "field"], sort=True):
        fall = some["present_prop"].median() - some["present_prop"]
        if fall.max() >= FALL_PROP:
            month = int(some.loc[fall.idxmax(), "month"])
            worst.append(
                (float(fall.max()), str(file), str(field), month, float(some["present_prop"].min()))
            )
    if not worst:
        return f"No field is emptier by {format_prop(FALL_PROP)} of its rows or more in one month than in its usual month."
    named = [
        f"{name_term('field', field)} in {name_term('file', file).lower()} ({MONTH_NAMES[month - 1]}: "
        f"{format_prop(prop)} filled)"
        for _, file, field, month, prop in sorted(worst, reverse=True)[:MOST_NAMED]
    ]
    return f"{_count(len(worst), 'field falls', 'fields fall')} off in some month: {join_words(named)}."


def describe_months(months: pd.DataFrame) -> str:
    """Name months in which a file holds less than half of what is usual for it."""
    if months.empty:
        return "There are no activity files, so there is nothing to count."
    gaps = []
    for file, some in months.groupby("file", sort=True):
        counts = some.set_index("month")["n_rows"].reindex(range(1, 13), fill_value=0)
        low = counts[counts < counts.median() * UNEVEN_PROP]
        if len(low):
            names = join_words([MONTH_NAMES[month - 1] for month in low.index])
            gaps.append(f"{name_term('file', str(file)).lower()} in {names}")
    if not gaps:
        return "No file has a month with less than half of its usual rows."
    return f"Look for missing extracts: {join_words(gaps)} hold less than half of the usual rows."


def describe_stakes(stakes_table: pd.DataFrame) -> str:
    """Say which finding is worth most, so that the trust knows what to mend first."""
    if stakes_table.empty:
        return "No finding touches a row whose money is known."
    top = stakes_table.iloc[0]
    return (
        f"To mend first: “{top['words'].rstrip('.')}” in {top['file_name'].lower()} touches "
        f"{_count(top['n_rows'], 'row')} that stand for {format_gbp(top['stake_pence'])}. That is what rests on "
        "these rows, not what is lost."
    )


def describe_queries(queries: pd.DataFrame) -> str:
    """Say how many questions are open, how old the oldest is, and how many nobody owns."""
    if queries.empty:
        return "No question about the data or about an earlier finding is open."
    known = queries["age_days"].dropna()
    is_one = len(queries) == 1
    sentence = (
        f"{_count(len(queries), 'question is', 'questions are')} open at the end of the year."
    )
    if len(known):
        age = f"{_count(int(known.max()), 'day')} old at the year's end"
        sentence += f" It is {age}." if is_one else f" The oldest was {age}."
    unowned = int(queries["owner"].eq("nobody named").sum())
    if unowned:
        sentence += (
            f" {format_count(unowned)} of them {'has' if unowned == 1 else 'have'} no owner."
        )
    return sentence


def describe_corrections(corrections: pd.DataFrame | None, summary: pd.DataFrame) -> str:
    """Say how many corrections the trust sent and how many values they changed."""
    if corrections is None or corrections.empty:
        return "The trust sent no corrections."
    changed = int(summary.loc[summary["rule"].eq("COR-001"), "n_rows"].sum())
    return (
        f"The trust sent {_count(len(corrections), 'correction')}; {_count(changed, 'row was', 'rows were')} "
        "changed by them before any rule ran. Page 2 says what that did to each line."
    )


def describe_panels_off(input_files: pd.DataFrame) -> str:
    """Say how many optional files are absent."""
    off = int(find_missed(input_files).sum())
    if off == 0:
        return "Every file that a report of this kind can use is there."
    return f"{_count(off, 'file is', 'files are')} not in the folder. The report says so where it matters:"


def _count(n: int, one: str, many: str = "") -> str:
    return f"{format_count(n)} {one if n == 1 else many or one + 's'}"


def _share(prop: float) -> str:
    return "under 0.1%" if 0 < prop < 0.001 else format_prop(prop, 1)
