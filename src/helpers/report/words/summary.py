"""What the summary page says of a trust: cards and sentences written from its tables."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import UNMAPPED
from helpers.report.formats import (
    count_words,
    format_count,
    format_days,
    format_gbp,
    format_prop,
    join_words,
)
from helpers.report.tables.summary import (
    WEAK_GRADES,
    SummaryTables,
    arrange_lines,
    find_trust_amount,
    keep_service_lines,
    total_by_rule,
)

NAMED_LINES = 4
COSTS = ("C1", "C2", "C3", "C4")
STRONG_GRADES = ("A", "B")
UNMATCHED_WORTH_A_WORD_PROP = 0.01
WARD = "ward"  # the grouping of stays that a board can act on
# No trust whose patients are costed here needs these.
INSTEAD_OF_ACTIVITY = ("line_drivers", "costed_patients", "cost_names")
LEDGER = "to the penny, from the ledger"


def describe_headlines(tables: SummaryTables) -> list[dict[str, str]]:
    """Return the key figures of the trust as cards."""
    return [
        *_describe_money(tables),
        describe_subsidy_card(tables.totals, total_by_rule(tables)),
        describe_lines_card(tables),
        describe_review_card(tables),
        describe_saving_card(tables),
        describe_rows_card(tables.accounts),
        describe_tracing_card(tables.credibility),
    ]


def _describe_money(tables: SummaryTables) -> list[dict[str, str]]:
    income = find_trust_amount(tables.statement, "I")
    cost = sum(find_trust_amount(tables.statement, row) for row in COSTS)
    surplus = find_trust_amount(tables.statement, "T4")
    lines = int(tables.position["income_pence"].sum())
    share = f"{format_prop(abs(surplus) / income, 1)} of income" if income else ""
    return [
        _card(
            "Income of the trust",
            format_gbp(income),
            f"of which service lines earned {format_gbp(lines)}",
            LEDGER,
        ),
        _card(
            "Cost of the trust",
            format_gbp(cost),
            "every pound of expenditure in the ledger",
            LEDGER,
        ),
        _card("Surplus" if surplus >= 0 else "Deficit", format_gbp(abs(surplus)), share, LEDGER),
    ]


def describe_subsidy_card(totals: pd.DataFrame, by_rule: pd.DataFrame) -> dict[str, str]:
    """Return how much of some lines' deficits other lines' surpluses pay for, and its range over rules."""
    amounts = totals.set_index("measure")["amount_pence"]
    volume, unfunded = int(amounts["volume"]), int(amounts["unfunded"])
    rate = totals.set_index("measure")["income_prop"]["volume"]
    note = (
        f"{format_prop(rate, 1)} of the lines’ income: deficits that other lines’ surpluses pay for"
    )
    if unfunded:
        note += f". A further {format_gbp(unfunded)} of deficits no line pays for"
    sure = ""
    if len(by_rule) > 1:
        low, high = by_rule["volume_pence"].min(), by_rule["volume_pence"].max()
        sure = (
            f"{format_gbp(low)} to {format_gbp(high)} over {format_count(len(by_rule))} fair rules"
        )
    return _card("Cross-subsidy between lines", format_gbp(volume), note, sure)


def describe_lines_card(tables: SummaryTables) -> dict[str, str]:
    """Return how many lines are in surplus, and how many change sign with the rule."""
    lines = keep_service_lines(arrange_lines(tables))
    n_surplus = int((lines["surplus_pence"] >= 0).sum())
    n_unsure = int((lines["sign_label"] == "rule_dependent").sum())
    unsure = (
        f"{format_count(n_unsure)} change{'s' if n_unsure == 1 else ''} sign with the rule for sharing overheads and fixed income"
        if n_unsure
        else "none depends on the rule for sharing overheads and fixed income"
    )
    by_rule = total_by_rule(tables)["n_surplus"]
    low, high = by_rule.min(), by_rule.max()
    sure = f"{low} to {high}, by the rule taken" if len(by_rule) > 1 and low != high else ""
    return _card(
        "Service lines in surplus",
        f"{n_surplus} of {len(lines)}",
        f"{format_count(len(lines) - n_surplus)} in deficit; {unsure}",
        sure,
    )


def describe_review_card(tables: SummaryTables) -> dict[str, str]:
    """Return how many consultants' cost differs from peers' beyond natural variation."""
    label = "Consultants dearer than peers"
    n_tested = count_tested(tables.review)
    if not n_tested:
        return _card(label, "Not tested", _why_not_tested(tables))
    is_named = (tables.review["measure"] == "cost") & (tables.review["flag"] == "outlier")
    note = "for the same casemix, beyond natural variation; each has a right of reply"
    wrong = 1 - tables.review.loc[is_named, "probability"].mean()  # missing where nobody is named
    chance = "less than 1%" if wrong < 0.01 else f"about {format_prop(wrong)}"
    sure = f"{chance} of such names are wrong, by estimate" if wrong > 0 else ""
    return _card(label, f"{int(is_named.sum())} of {format_count(n_tested)}", note, sure)


def describe_saving_card(tables: SummaryTables) -> dict[str, str]:
    """Return what ending unexplained excess cost would save, as a range."""
    label = "Possible saving"
    total = tables.saving[tables.saving["consultant_code"] == "TOTAL"]
    if not tables.has_patients or count_tested(tables.review) == 0 or total.empty:
        return _card(label, "Not tested", _why_not_tested(tables))
    row = total.iloc[0]
    if int(row["saving_pence"]) == 0:
        excess = int(row["excess_pence"])
        note = (
            f"{format_gbp(excess)} of excess cost was found, but none with outcomes known to be no better"
            if excess > 0
            else "no consultant’s cost differs from peers’ beyond natural variation"
        )
        return _card(label, "None identified", note)
    low, high = format_gbp(row["ci_low_pence"]), format_gbp(row["ci_high_pence"])
    best = format_gbp(row["saving_pence"])
    note = (
        "if unexplained excess cost ended; counted only where outcomes are no better. A question for "
        "review, not a budget cut"
    )
    return _card(label, f"{low} to {high}", note, f"90% interval; best estimate {best}")


def _why_not_tested(tables: SummaryTables) -> str:
    if not tables.has_patients:
        return "this needs activity by patient, which was not supplied"
    return "no line has enough consultants with enough patients to compare"


def describe_rows_card(accounts: pd.DataFrame) -> dict[str, str]:
    """Return how many rows cleaning set aside and repaired."""
    read, aside = int(accounts["n_read"].sum()), int(accounts["n_excluded"].sum())
    share = (
        f"{format_prop(aside / read, 2)} of {format_count(read)} read" if read else "no rows read"
    )
    repaired = int(accounts["n_repaired"].sum())
    if read and not aside and not repaired:
        return _card("Rows set aside in cleaning", "None", f"{format_count(read)} were read")
    return _card(
        "Rows set aside in cleaning",
        format_count(aside),
        f"{share}; {format_count(repaired)} more were repaired and kept. Each has its reason",
    )


def describe_tracing_card(credibility: pd.DataFrame) -> dict[str, str]:
    """Return how much of the lines' cost is traced, averaged and apportioned."""
    parts = credibility[["traced_pence", "averaged_pence", "apportioned_pence"]].sum()
    total = int(parts.sum())
    if total <= 0:
        return _card("Cost traced to the patient", "not known", "")
    traced, averaged, apportioned = (format_prop(part / total) for part in parts)
    note = f"{averaged} is averaged on activity, {apportioned} is apportioned overhead"
    costs = credibility[["traced_pence", "averaged_pence", "apportioned_pence"]].sum(axis=1)
    by_line = (credibility["traced_pence"] / costs.where(costs > 0))[
        credibility["line_id"].ne(UNMAPPED)
    ].dropna()
    low, high = format_prop(by_line.min()), format_prop(by_line.max())
    sure = f"{low} to {high}, by line" if len(by_line) > 1 and low != high else ""
    return _card("Cost traced to the patient", traced, note, sure)


def describe_largest_deficit(tables: SummaryTables) -> str:
    """Return the largest deficit whose sign survives other fair rules; blank if there is none."""
    lines = keep_service_lines(arrange_lines(tables))
    sure = lines[
        (lines["surplus_pence"] < 0) & lines["sign_label"].isin(["stable", "mostly_stable"])
    ]
    if sure.empty:
        return ""
    line = sure.loc[sure["surplus_pence"].idxmin()]
    share = ""
    if line["income_pence"] > 0:
        share = f", {format_prop(-line['surplus_pence'] / line['income_pence'])} of its income"
    rules = (
        f"under all {format_count(line['n_rules'])} rules tried for sharing overheads and fixed income"
        if line["sign_label"] == "stable"
        else f"under {format_prop(line['same_sign_prop'])} of the {format_count(line['n_rules'])} rules tried"
    )
    care = (
        "It does not cover its own care, before any overhead is charged."
        if line["class"] == "below_care"
        else "It covers its own care, but not its share of overheads."
    )
    amount = format_gbp(-line["surplus_pence"])
    return f"{line['line_name']} costs {amount} more than it earns{share}. It is in deficit {rules}. {care}"


def describe_practice(tables: SummaryTables) -> str:
    """Return how many consultants' cost differs from peers', and what is known of benefit."""
    cost = tables.review[tables.review["measure"] == "cost"]
    named = cost[cost["flag"] == "outlier"]
    if named.empty:
        return ""
    counts = named["benefit"].value_counts()
    n_better = int(counts.get("better", 0))
    n_same = int(counts.get("no_better", 0)) + int(counts.get("worse", 0))
    n_open = len(named) - n_better - n_same
    parts = [
        f"{words} for {format_count(n)}"
        for n, words in (
            (n_same, "no better, or worse,"),
            (n_better, "better"),
            (n_open, "not clear"),
        )
        if n
    ]
    verb = "costs" if len(named) == 1 else "cost"
    return (
        f"{count_words(len(named), 'consultant')} of {format_count(count_tested(tables.review))} compared "
        f"{verb} more for the same casemix than natural variation explains. "
        f"Outcomes are {join_words(parts)}. "
        "Check coding, shared care and casemix with them first."
    )


def describe_longest_stay(stays: pd.DataFrame) -> str:
    """Return the ward whose stays add most days that casemix does not explain; blank if none."""
    is_long = (stays["grouping"] == WARD) & (stays["effect_days"] > 0)
    found = stays[is_long & stays["holds"].fillna(False).astype(bool)]
    if found.empty:
        return ""
    found = found.assign(days=found["effect_days"] * found["n_spells"])
    group = found.sort_values(["days", "group"], ascending=[False, True]).iloc[0]
    return (
        f"Patients of ward {group['group']} stay {format_days(group['effect_days'])} longer than others of the same casemix "
        f"({format_count(group['n_spells'])} spells). Look for waits to leave before looking at care."
    )


def describe_weak_lines(tables: SummaryTables) -> str:
    """Return the lines whose figures are not fit for decisions; blank if there are none."""
    lines = keep_service_lines(arrange_lines(tables))
    weak = lines[lines["grade"].isin(WEAK_GRADES)]
    if weak.empty:
        return ""
    verb = "is" if len(weak) == 1 else "are"
    names = f"All {len(lines)} lines" if 1 < len(weak) == len(lines) else _name_lines(weak)
    return (
        f"{names} {verb} graded D or E: too little of the cost is traced to patients "
        "to decide on these figures."
    )


def describe_rule_dependent(tables: SummaryTables) -> str:
    """Return the lines whose sign depends on the rule."""
    lines = keep_service_lines(arrange_lines(tables))
    unsure = lines[lines["sign_label"] == "rule_dependent"]
    if unsure.empty:
        return "No line changes sign: every rule tried for sharing overheads and fixed income agrees who is in surplus."
    verb = "changes" if len(unsure) == 1 else "change"
    return (
        f"{_name_lines(unsure)} {verb} sign with the rule for sharing overheads and fixed income. "
        "Do not read a winner or a loser into that."
    )


def describe_surplus_figure(tables: SummaryTables) -> str:
    """Return the finding of the figure of surplus by line, as its alternative text."""
    lines = keep_service_lines(arrange_lines(tables))
    if lines.empty:
        return "There are no service lines to show."
    top, bottom = lines.iloc[0], lines.iloc[-1]
    n_surplus = int((lines["surplus_pence"] >= 0).sum())
    n_unsure = int((lines["sign_label"] == "rule_dependent").sum())
    return (
        f"Bars by service line. {n_surplus} of {len(lines)} are in surplus. "
        f"The highest is {top['line_name']} at {format_gbp(top['surplus_pence'])}, "
        f"the lowest {bottom['line_name']} at {format_gbp(bottom['surplus_pence'])}. "
        f"{count_words(n_unsure, 'line').capitalize()} "
        f"{'depends' if n_unsure == 1 else 'depend'} on the rule for sharing overheads and fixed income."
    )


def describe_grades(tables: SummaryTables) -> str:
    """Return how many lines have figures that can bear a decision."""
    lines = keep_service_lines(arrange_lines(tables))
    if lines["grade"].isna().all():
        return "No line could be graded."
    n_strong = int(lines["grade"].isin(STRONG_GRADES).sum())
    words = (
        f"{n_strong} of {count_words(len(lines), 'line')} are graded A or B."
        if n_strong
        else "No line is graded A or B."
    )
    return f"{words} {describe_weak_lines(tables) or 'None is graded D or E.'}"


def describe_unmatched(credibility: pd.DataFrame) -> str:
    """Return how much cost found no patient; blank where no cost was traced to any."""
    total = int(
        credibility[["traced_pence", "averaged_pence", "apportioned_pence"]].to_numpy().sum()
    )
    unmatched = int(credibility["unmatched_pence"].sum())
    if unmatched == 0 and credibility["traced_pence"].sum() == 0:
        return ""
    if unmatched == 0 or total <= 0:
        return "All cost of patient care was matched to patient events."
    prop = unmatched / total
    words = f"{format_gbp(unmatched)} of cost ({format_prop(prop, 1)}) found no patient event."
    tail = (
        "It stays in the line that asked for it, as a row of its own, and is not spread over patients."
        if prop >= UNMATCHED_WORTH_A_WORD_PROP
        else "It stays in the line that asked for it."
    )
    return f"{words} {tail}"


def describe_missing(tables: SummaryTables) -> str:
    """Return what the report is without because a file was not supplied; blank if nothing."""
    missing = tables.files[(tables.files["found"].fillna("") == "") & (tables.files["panel"] != "")]
    if not tables.has_patients:
        return (
            "This trust supplied no activity by patient. Costs of its departments are averaged over "
            "service lines, and nothing here can be traced to a patient, a consultant or a stay."
        )
    missing = missing[~missing["file"].isin(INSTEAD_OF_ACTIVITY)]
    if missing.empty:
        return ""
    return f"Files were not supplied for: {join_words(sorted(set(missing['panel'])))}."


def describe_checks(tables: SummaryTables) -> str:
    """Return whether every check of the money held."""
    checks = tables.checks
    failed = checks[~checks["passed"].astype(bool)]
    if failed.empty:
        return (
            f"All {len(checks)} checks of the money hold to the penny: every pound in the ledger is "
            "in exactly one place in this report."
        )
    ids = join_words(sorted(failed["id"].unique()))
    return (
        f"{format_count(len(failed))} of {len(checks)} checks failed ({ids}). "
        "Do not use these figures until the cause is found."
    )


def find_check_kind(tables: SummaryTables) -> str:
    """Return the kind of notice for the checks: a caution if one failed."""
    return "note" if tables.checks["passed"].astype(bool).all() else "caution"


def count_tested(review: pd.DataFrame) -> int:
    """Return how many consultants' cost was compared with enough peers."""
    is_tested = (review["measure"] == "cost") & (review["flag"] != "not_tested")
    return int(is_tested.sum())


def _name_lines(lines: pd.DataFrame) -> str:
    names = sorted(lines["line_name"])
    if len(names) <= NAMED_LINES:
        return join_words(names)
    return join_words([*names[: NAMED_LINES - 1], f"{len(names) - NAMED_LINES + 1} more lines"])


def _card(label: str, value: str, note: str, sure: str = "") -> dict[str, str]:
    """Return a card; ``sure`` says how sure the value is, and stands right under it."""
    card = {"label": label, "value": value, "note": note[:1].upper() + note[1:]}
    return card | ({"range": sure} if sure else {})
