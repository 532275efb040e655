"""What a board is told in one page: where money is made and lost, what to fix, and what is disputed.

Sums are written to two figures: a board decides on sizes, and the pages behind have the pence.
"""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import UNMAPPED
from helpers.report.formats import (
    count_words,
    format_count,
    format_gbp,
    format_prop,
    join_words,
)
from helpers.report.tables.summary import SummaryTables, arrange_lines, keep_service_lines
from helpers.report.words.summary import (
    count_tested,
    describe_largest_deficit,
    describe_longest_stay,
    describe_practice,
    describe_weak_lines,
)

N_FIXES = 3
N_NAMED = 3
SURE = ("stable", "mostly_stable")
# A share of a line's cost that found no patient and is worth mending; below it is noise.
UNMATCHED_TO_MEND_PROP = 0.01


def describe_made_and_lost(tables: SummaryTables) -> str:
    """Return where most money is made and lost, by lines whose sign holds under other fair rules."""
    return name_made_and_lost(keep_service_lines(arrange_lines(tables)))


def name_made_and_lost(lines: pd.DataFrame) -> str:
    """Return the same of ``line_name``, ``surplus_pence`` and ``sign_label``, one row a line."""
    sure = lines[lines["sign_label"].isin(SURE)]
    made = sure[sure["surplus_pence"] > 0].nlargest(N_NAMED, "surplus_pence")
    lost = sure[sure["surplus_pence"] < 0].nsmallest(N_NAMED, "surplus_pence")
    words = [
        f"Most money is {verb} in {_name_amounts(found)}."
        for verb, found in (("made", made), ("lost", lost))
        if len(found)
    ]
    return " ".join(words) or "No line's result is sure enough to name."


def describe_certainty(tables: SummaryTables) -> str:
    """Return how many lines keep their sign under the rules tried, and what that does not cover."""
    lines = keep_service_lines(arrange_lines(tables))
    if lines.empty:
        return ""
    n_sure = int(lines["sign_label"].isin(SURE).sum())
    n_rules = int(lines["n_rules"].max()) if lines["n_rules"].notna().any() else 0
    if n_sure == len(lines):
        which = f"All {count_words(len(lines), 'line')} stay"
    elif n_sure:
        which = (
            f"{n_sure} of {count_words(len(lines), 'line')} {'stays' if n_sure == 1 else 'stay'}"
        )
    else:
        which = "No line stays"
    return (
        f"{which} on one side of zero under nearly all of the {format_count(n_rules)} fair ways tried of sharing "
        "overheads and fixed income. That says how sure the sign is, not the amount: the bars’ ranges "
        "do, and neither covers faults in what was recorded."
    )


def list_fixes(tables: SummaryTables) -> list[str]:
    """Return up to three things to fix: one of money, one of practice, one of the data."""
    money = describe_largest_deficit(tables)
    practice = [describe_practice(tables), describe_longest_stay(tables.stays)]
    data = [describe_unmatched_line(tables), describe_weak_lines(tables), describe_unmapped(tables)]
    first = [money, _first(practice), _first(data)]
    rest = [words for words in [*practice, *data] if words and words not in first]
    kept = [words for words in [*first, *rest] if words][:N_FIXES]
    return kept or [
        "Nothing stands out: no sure deficit, no group that differs, no cost left over."
    ]


def describe_unmatched_line(tables: SummaryTables) -> str:
    """Return the line with most cost that found no patient; blank if it is too little to mend."""
    lines = keep_service_lines(arrange_lines(tables))
    lines = lines[lines["unmatched_prop"] >= UNMATCHED_TO_MEND_PROP]
    if lines.empty:
        return ""
    line = lines.loc[lines["unmatched_pence"].idxmax()]
    return (
        f"{format_gbp(line['unmatched_pence'])} of cost in {line['line_name']} "
        f"({format_prop(line['unmatched_prop'], 1)} of its cost) found no patient. Mend the numbers that "
        "link its tests, drugs and operations to stays; until then its patients look cheaper than they are."
    )


def describe_unmapped(tables: SummaryTables) -> str:
    """Return what cost belongs to no line; blank if none does."""
    rows = tables.position[tables.position["line_id"] == UNMAPPED]
    cost = int(rows["full_cost_pence"].sum())
    if cost <= 0:
        return ""
    return f"{format_gbp(cost)} of cost belongs to no service line. Add its codes to the line map."


def list_challenges(tables: SummaryTables) -> list[str]:
    """Return what clinicians would rightly hold against this report, and what can be answered."""
    if not tables.has_patients:
        return [
            "These are averages: no cost was traced to a patient, so a line with sicker patients looks dear. "
            "That is right, and only activity by patient can answer it."
        ]
    found = [
        _challenge_averaging(tables),
        _challenge_casemix(tables),
        _challenge_outcomes(tables.review),
        _challenge_rules(tables),
        _challenge_stays(tables.stays),
    ]
    return [words for words in found if words]


def _challenge_averaging(tables: SummaryTables) -> str:
    parts = tables.credibility[["traced_pence", "averaged_pence", "apportioned_pence"]].sum()
    total = int(parts.sum())
    if total <= 0:
        return ""
    traced, averaged = (format_prop(part / total) for part in parts.iloc[:2])
    return (
        f"“These are not my patients’ costs.” In part: {traced} of cost is traced to the patient; {averaged} is "
        "a rate for each hour, test or visit, so two patients with the same hours cost the same."
    )


def _challenge_casemix(tables: SummaryTables) -> str:
    n_tested = count_tested(tables.review)
    if not n_tested:
        return ""
    cost = tables.review[tables.review["measure"] == "cost"]
    n_left = int((cost["flag"] == "not_tested").sum())
    left = (
        f" {format_count(n_left)} with too few like patients were not compared at all."
        if n_left
        else ""
    )
    return (
        f"“My patients are sicker.” {count_words(n_tested, 'consultant')} "
        f"{'was' if n_tested == 1 else 'were'} compared on like patients as coded. "
        f"What is not coded, such as frailty, is not allowed for.{left}"
    )


def _challenge_outcomes(review: pd.DataFrame) -> str:
    named = review[(review["measure"] == "cost") & (review["flag"] == "outlier")]
    n_open = int((~named["benefit"].isin(["better", "no_better", "worse"])).sum())
    if not n_open:
        return ""
    whose = (
        "the one consultant"
        if len(named) == n_open == 1
        else f"{n_open} of {len(named)} consultants"
    )
    return (
        f"“My patients do better for it.” For {whose} found dearer the outcomes on file cannot tell. "
        "They are in no saving."
    )


def _challenge_rules(tables: SummaryTables) -> str:
    lines = keep_service_lines(arrange_lines(tables))
    unsure = sorted(lines.loc[lines["sign_label"] == "rule_dependent", "line_name"])
    if not unsure:
        return "“Another rule would clear us.” Not here: no line's sign turns on the rule."
    names = unsure if len(unsure) <= N_NAMED else [*unsure[:2], f"{len(unsure) - 2} more"]
    return f"“Another rule would clear us.” For {join_words(names)} it may: the sign turns on the rule."


def _challenge_stays(stays: pd.DataFrame) -> str:
    is_ward = (stays["grouping"] == "ward") & stays["holds"].fillna(False).astype(bool)
    if not is_ward.any():
        return ""
    return (
        "“They wait for a place to go.” Days after a patient was ready to leave are counted apart where "
        "the trust records them (page 4); a long stay is not by itself slow care."
    )


def _name_amounts(lines: pd.DataFrame) -> str:
    return join_words(
        [f"{row.line_name} ({format_gbp(abs(row.surplus_pence))})" for row in lines.itertuples()]
    )


def _first(words: list[str]) -> str:
    return next((one for one in words if one), "")
