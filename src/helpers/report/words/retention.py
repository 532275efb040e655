"""Sentences on what lines could keep."""

from __future__ import annotations

import pandas as pd

from helpers.report.formats import count_words, format_gbp, join_words

FEW_NAMES = 3
RULES = {
    "R0": "Nothing is kept",
    "R1": "Half of a contribution above plan",
    "R2": "By surplus",
    "R3": "Surplus above 2% of income",
}
GATES = {"quality": "bad outcomes are an alarm", "credibility": "too little cost is traced"}
CHOSEN_WORDS = {
    "R0": "keeps nothing with lines",
    "R1": "follows R1",
    "R2": "follows R2",
    "R3": "follows R3",
}


def describe_retention(retention: pd.DataFrame, totals: pd.DataFrame) -> str:
    """Say what the trust can spare, what each rule would leave with lines, and what that costs."""
    if retention.empty:
        return "No service line has income or cost."
    first = totals.iloc[0]
    surplus, needed = int(first["trust_surplus_pence"]), int(first["required_pence"])
    spare = max(0, surplus - needed)
    text = (
        f"The trust's {'surplus' if surplus >= 0 else 'deficit'} is {format_gbp(abs(surplus))} and it needs "
        f"a surplus of {format_gbp(needed)}, so lines together could keep at most {format_gbp(spare)}."
    )
    asked = totals[totals["rule"] != "R0"]
    parts = [
        f"{row['rule']} asks for {format_gbp(row['claim_pence'])} and leaves {format_gbp(row['kept_pence'])}"
        for _, row in asked.iterrows()
    ]
    text = f"{text} {join_words(parts)}."
    if spare == 0:
        return (
            f"{text} With nothing to spare, no line keeps anything, whatever the rule: a promise to let "
            "lines keep their surplus could only be met out of others' money."
        )
    return (
        f"{text} What lines keep is spent in a later year without income to match it, so the trust then "
        "needs that much more surplus from everything else."
    )


def describe_plan(has_plan: bool) -> str:
    """Say why R1 asks for nothing where the trust gave no plan; blank where it did."""
    if has_plan:
        return ""
    return "R1 rewards a contribution above plan. No plan was given (plan.csv), so it asks for nothing."


def describe_gates(retention: pd.DataFrame, names: pd.DataFrame) -> str:
    """Say which lines keep nothing because a gate is closed, and what they would have claimed."""
    closed = retention[retention["gate"] != ""]
    if closed.empty:
        return "No gate is closed: no line's outcomes are an alarm, and no line is graded D or E."
    lost = closed.groupby(["line_id", "gate"], as_index=False)["ungated_pence"].max()
    lost = lost.merge(
        names[["line_id", "line_name"]], on="line_id", how="left", validate="many_to_one"
    )
    lost = lost.sort_values(["ungated_pence", "line_id"], ascending=[False, True])
    cases = [
        f"{row['line_name']} ({GATES.get(row['gate'], row['gate'])}; up to {format_gbp(row['ungated_pence'])} not claimed)"
        for _, row in lost.head(FEW_NAMES).iterrows()
    ]
    if len(lost) > FEW_NAMES:
        cases.append(f"{len(lost) - FEW_NAMES} more")
    return f"A gate is closed for {count_words(len(lost), 'line')}: {join_words(cases)}."


def describe_years(years: pd.DataFrame) -> str:
    """Say how many years the table of years holds."""
    n = years["fy"].nunique()
    if n < 2:
        return (
            "Only this year's report stands, so there is no earlier year to set beside it. Reports of "
            "other years in the same folder are added here."
        )
    return f"The table adds up {count_words(n, 'year')} of reports, oldest first."


def describe_chosen(rule: str) -> str:
    """Say which rule the trust itself follows (`retention_rule` in trust.yml)."""
    return f"The trust's own setting {CHOSEN_WORDS.get(rule, 'is not known')}."
