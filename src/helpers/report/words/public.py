"""What the public edition says, written from protected tables: no sentence can know what they hide."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import UNMAPPED
from helpers.report.cells import HIDDEN
from helpers.report.formats import (
    count_words,
    format_count,
    format_gbp,
    format_prop,
    join_words,
)
from helpers.report.words.board import SURE, name_made_and_lost

TRUST = "TRUST"
STRONG_GRADES = ("A", "B")
SMALL = "a number from 1 to 7, which is not shown"


def describe_protection(activity: pd.DataFrame) -> str:
    """Return how much of the table of activity is hidden."""
    n_hidden = int(activity[HIDDEN].fillna("").ne("").sum())
    n_all = len(activity)
    if not n_hidden:
        return "No cell of the tables of activity had to be hidden."
    return (
        f"{format_count(n_hidden)} of {count_words(n_all, 'cell')} of activity are hidden: those with 1 to 7 events "
        "or patients, and others without which a hidden one could be worked out from a total. What a hidden "
        "cell holds is still counted in the totals."
    )


def describe_together(facts: pd.DataFrame) -> str:
    """Return which lines stand together because one of them is too small; blank if none do."""
    together = facts.set_index("fact")["value"].get("together", "")
    if not together:
        return ""
    names = together.partition(": ")[2]
    return (
        f"These stand as one line, because fewer than 8 patients fell to at least one of them: {names}. Every "
        "sum of this edition that rests on lines, the cross-subsidy too, is of the lines as they stand here."
    )


def describe_headlines(
    totals: pd.DataFrame, lines: pd.DataFrame, findings: pd.DataFrame
) -> list[dict[str, str]]:
    """Return the key figures as cards."""
    amounts = totals.set_index("measure")["amount_pence"]
    income, surplus = int(amounts["I"]), int(amounts["T4"])
    cost = sum(int(amounts[row]) for row in ("C1", "C2", "C3", "C4"))
    earned = int(lines["income_pence"].sum())
    low, high, volume = (int(amounts[key]) for key in ("volume_low", "volume_high", "volume"))
    mapped = _keep_mapped(lines)
    n_surplus = int(mapped["surplus_pence"].ge(0).sum())
    n_unsure = int(mapped["sign_label"].eq("rule_dependent").sum())
    share = f"{format_prop(abs(surplus) / income, 1)} of income" if income else ""
    return [
        _card("Income of the trust", format_gbp(income), f"of which service lines earned {format_gbp(earned)}"),
        _card("Cost of the trust", format_gbp(cost), "every pound of expenditure in the ledger"),
        _card("Surplus" if surplus >= 0 else "Deficit", format_gbp(abs(surplus)), share),
        _card(
            "Cross-subsidy between lines", format_gbp(volume),
            f"{format_prop(volume / earned, 1) if earned else '0%'} of the lines’ income: deficits that other lines’ surpluses pay for",
            f"{format_gbp(low)} to {format_gbp(high)} over all rules tried",
        ),
        _card(
            "Service lines in surplus", f"{n_surplus} of {len(mapped)}",
            f"{format_count(n_unsure)} of all have a sign that hangs on the rule for sharing overheads and fixed income",
        ),
        _card("Consultants dearer than peers", *_describe_named(findings)),
    ]  # fmt: skip


def _keep_mapped(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the service lines: what the map gives to none is shown, but is no service."""
    return lines[lines["line_id"] != UNMAPPED]


def _describe_named(findings: pd.DataFrame) -> tuple[str, str]:
    n_tested, is_tested_hidden = _find(findings, "n_tested")
    n_named, is_named_hidden = _find(findings, "n_named")
    if n_tested == 0 and not is_tested_hidden:
        return "Not tested", "too few like patients a consultant"
    among = (
        "of fewer than 8 compared"
        if is_tested_hidden
        else f"of about {format_count(n_tested)} compared"
    )
    value = "*" if is_named_hidden else "None" if n_named == 0 else f"About {format_count(n_named)}"
    note = f"{among}, for the same casemix, beyond natural variation"
    return value, f"{note}; * is {SMALL}" if is_named_hidden else note


def describe_made_and_lost(lines: pd.DataFrame) -> str:
    """Return where most money is made and lost, by lines whose sign holds under other fair rules."""
    return name_made_and_lost(_keep_mapped(lines))


def describe_certainty(lines: pd.DataFrame) -> str:
    """Return how many lines keep their sign under the rules tried."""
    lines = _keep_mapped(lines)
    if lines.empty:
        return "There is no line to show."
    n_sure = int(lines["sign_label"].isin(SURE).sum())
    n_rules = int(lines["n_rules"].max())
    keep = "keeps the sign of its" if n_sure == 1 else "keep the sign of their"
    return (
        f"{n_sure} of {count_words(len(lines), 'line')} {keep} result under nearly all of the "
        f"{format_count(n_rules)} fair ways tried of sharing overheads and fixed income. For the others the rule "
        "decides, not the service."
    )


def describe_surplus_figure(lines: pd.DataFrame) -> str:
    """Return what the figure of surpluses and their ranges shows."""
    return f"{describe_made_and_lost(lines)} {describe_certainty(lines)}"


def describe_funding(funding: pd.DataFrame, totals: pd.DataFrame) -> str:
    """Return how much lines pay for each other, and which pair most."""
    volume = int(totals.set_index("measure")["amount_pence"]["volume"])
    if funding.empty or volume == 0:
        return "No line pays for another."
    top = funding.iloc[0]
    return (
        f"Lines in surplus pay {format_gbp(volume)} of other lines’ deficits. The largest part, "
        f"{format_gbp(int(top['amount_pence']))}, is said to go from {top['funder_name']} to {top['receiver_name']}: each "
        "deficit is taken to be paid for by all surpluses in proportion, which is a convention."
    )


def describe_pods(pods: pd.DataFrame) -> str:
    """Return which kind of activity costs most beyond its income, of those shown."""
    shown = pods[pods[HIDDEN].fillna("").eq("") & pods["n_events"].fillna(0).gt(0)]
    if shown.empty:
        return "No kind of activity has numbers that may be shown."
    margin = shown["income_pence"] - shown["cost_pence"]
    best, worst = shown.loc[margin.idxmax()], shown.loc[margin.idxmin()]
    words = []
    if margin.max() > 0:
        words.append(f"{best['pod_name']} earns most above its cost ({format_gbp(margin.max())})")
    if margin.min() < 0:
        words.append(
            f"{worst['pod_name']} costs most above its income ({format_gbp(-margin.min())})"
        )
    return f"Of the kinds of activity that are shown, {join_words(words)}." if words else ""


def describe_long_stays(long_stays: pd.DataFrame) -> str:
    """Return what share of bed days stays of 21 days and more take."""
    trust = long_stays[long_stays["line_id"].eq(TRUST)].set_index("threshold_days")
    if trust.empty:
        return "There are no completed stays to count."
    shown = [
        f"{format_prop(row['share_prop'])} are of stays of {days} days or more"
        for days, row in trust.iterrows()
        if pd.notna(row["share_prop"])
    ]
    n_lines = long_stays.loc[long_stays[HIDDEN].fillna("").ne(""), "line_id"].nunique()
    hidden = (
        f" {count_words(n_lines, 'row')} of the table {'has' if n_lines == 1 else 'have'} a share that is hidden, "
        "because 1 to 7 stays lie on one side of it or it would tell one that is; the figure leaves them out."
        if n_lines
        else ""
    )
    return (
        f"Of the trust’s bed days {join_words(shown)}."
        if shown
        else "The trust’s shares are hidden."
    ) + hidden


def describe_months(months: pd.DataFrame) -> str:
    """Return whether stays changed over the year for the same casemix."""
    if months.empty:
        return "Stays are too few in some month to be followed over the year."
    found = months[months["signal"].isin(["high", "low"])]
    if found.empty:
        return "No month lies beyond the usual ups and downs of the trust’s stays."
    names = [f"{pd.Period(row.month).strftime('%B')} ({row.signal})" for row in found.itertuples()]
    return f"Beyond the usual ups and downs of the trust’s stays: {join_words(names)}."


def describe_findings(findings: pd.DataFrame) -> str:
    """Return what the consultant review found, in numbers that name nobody."""
    value, note = _describe_named(findings)
    saving, is_hidden = _find(findings, "saving_pence")
    if value == "Not tested":
        return "No consultant saw enough like patients to be compared with peers."
    words = {"None": "No consultant’s", "*": "From 1 to 7 consultants’"}.get(
        value, f"{value} consultants’"
    )
    text = f"{words} cost for like patients differs from peers’ by more than chance and natural variation explain ({note.split(',')[0]})."
    if is_hidden:
        return f"{text} What it is worth is not shown: it would be the sum of fewer than 8 people."
    if saving:
        return f"{text} It is worth {format_gbp(saving)} a year at most, where outcomes are no better for it."
    return text


def describe_grades(lines: pd.DataFrame) -> str:
    """Return how many lines have figures that can bear a decision."""
    graded = lines[lines["grade"].notna()]
    if graded.empty:
        return "No line could be graded."
    n_strong = int(graded["grade"].isin(STRONG_GRADES).sum())
    return (
        f"{n_strong} of {count_words(len(graded), 'line')} are graded A or B, which can bear a decision; D and E "
        "cannot. Lines that stand together have no grade."
    )


def describe_checks(checks: pd.DataFrame) -> str:
    """Return that every check of the money held; an edition is made of no other report."""
    return (
        f"All {len(checks)} checks of the money hold to the penny, and the sums of this edition are those of the "
        "full report."
    )


def describe_trusts_invented(trusts: pd.DataFrame, invented: tuple[str, ...]) -> str:
    """Return the caution that some trusts are invented; blank if none is."""
    if not trusts["trust"].isin(invented).any():
        return ""
    return (
        "Trusts with the codes XYZ and XY1 to XY5 are invented for demonstration. Nothing here says anything "
        "about a real trust by comparison with them."
    )


def _find(findings: pd.DataFrame, measure: str) -> tuple[int, bool]:
    """Return an amount and whether it is hidden; a hidden one is nought here."""
    row = findings.set_index("measure").loc[measure]
    return (0, True) if row[HIDDEN] else (int(row["amount"]), False)


def _card(label: str, value: str, note: str, sure: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "range": sure, "note": note[:1].upper() + note[1:]}
