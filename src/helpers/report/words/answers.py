"""The page in half a minute: what services cost, who pays for whom, what could be saved, how sure."""

from __future__ import annotations

from helpers.report.formats import (
    count_words,
    format_count,
    format_gbp,
    format_prop,
    join_words,
)
from helpers.report.tables.summary import (
    SummaryTables,
    arrange_lines,
    find_trust_amount,
    keep_service_lines,
    total_by_rule,
)
from helpers.report.words.summary import COSTS, count_tested

N_NAMED = 3
SURE = ("stable", "mostly_stable")
QUESTIONS = (
    "What do services cost?",
    "Who pays for whom?",
    "What could be saved?",
    "How sure is that?",
)


def list_answers(tables: SummaryTables) -> list[tuple[str, str]]:
    """Return the questions that a board asks first, each with its answer."""
    answers = (
        _answer_cost(tables),
        _answer_subsidy(tables),
        _answer_saving(tables),
        _answer_sureness(tables),
    )
    return list(zip(QUESTIONS, answers, strict=True))


def _answer_cost(tables: SummaryTables) -> str:
    """Say what the trust earned and spent, and which services cost most."""
    income, surplus = (find_trust_amount(tables.statement, row) for row in ("I", "T4"))
    cost = sum(find_trust_amount(tables.statement, row) for row in COSTS)
    kind = "a surplus" if surplus >= 0 else "a deficit"
    text = (
        f"The trust earned {format_gbp(income)} and spent {format_gbp(cost)}: "
        f"{kind} of {format_gbp(abs(surplus))}."
    )
    lines = keep_service_lines(arrange_lines(tables)).nlargest(N_NAMED, "full_cost_pence")
    if len(lines) < 2:
        return text
    named = [f"{row.line_name} {format_gbp(row.full_cost_pence)}" for row in lines.itertuples()]
    return f"{text} Overheads included, {join_words(named)} cost most; table 5.2 has every service."


def _answer_subsidy(tables: SummaryTables) -> str:
    """Say how much of what services earn pays for others, and name the sure ones on both sides."""
    totals = tables.totals.set_index("measure")
    volume, rate = int(totals["amount_pence"]["volume"]), totals["income_prop"]["volume"]
    if volume == 0:
        return "No service pays for another."
    lines = keep_service_lines(arrange_lines(tables))
    sure = lines[lines["sign_label"].isin(SURE)]
    pays = sure[sure["surplus_pence"] > 0].nlargest(N_NAMED, "surplus_pence")["line_name"]
    gets = sure[sure["surplus_pence"] < 0].nsmallest(N_NAMED, "surplus_pence")["line_name"]
    text = (
        f"{format_gbp(volume)}{_write_range(tables)} that some services earn pays for others’ deficits, "
        f"{format_prop(rate, 1)} of what all earn."
    )
    sides = [
        f"{join_words(names.tolist())} {verb[len(names) == 1]}"
        for names, verb in (
            (pays, ("pay most", "pays most")),
            (gets, ("are paid for most", "is paid for most")),
        )
        if len(names)
    ]
    return f"{text} {'; '.join(sides)}." if sides else text


def _write_range(tables: SummaryTables) -> str:
    """Return the range of the cross-subsidy over the rules tried; blank where there is none."""
    volumes = total_by_rule(tables)["volume_pence"]
    if len(volumes) < 2:
        return ""
    return f" ({format_gbp(volumes.min())} to {format_gbp(volumes.max())}, by the rule taken)"


def _answer_saving(tables: SummaryTables) -> str:
    """Say what ending unexplained excess would save, with its range; or that nothing was found."""
    if not tables.has_patients:
        return "Not known: that needs activity by patient, which was not supplied."
    n_tested = count_tested(tables.review)
    if not n_tested:
        return "Not known: no line has enough consultants with enough patients to compare."
    total = tables.saving[tables.saving["consultant_code"] == "TOTAL"]
    best = int(total["saving_pence"].iloc[0]) if len(total) else 0
    if best == 0:
        return (
            f"Nothing that can be counted: of {count_words(n_tested, 'consultant')} compared, none is "
            "known to cost more than peers do by nature with outcomes that are no better."
        )
    low, high = (format_gbp(total[name].iloc[0]) for name in ("ci_low_pence", "ci_high_pence"))
    return (
        f"About {format_gbp(best)} a year (90% interval {low} to {high}). It is the "
        "cost of practice that differs from peers’ and has no better outcomes to show; a question to "
        "those concerned, not a cut."
    )


def _answer_sureness(tables: SummaryTables) -> str:
    """Say what is certain, what is a matter of choice, and what is an estimate."""
    lines = keep_service_lines(arrange_lines(tables))
    n_unsure = int((lines["sign_label"] == "rule_dependent").sum())
    choice = (
        f"Whether {count_words(n_unsure, 'service')} of {format_count(len(lines))} "
        f"{'gains or loses' if n_unsure == 1 else 'gain or lose'} is a choice of rule"
        if n_unsure
        else "No service’s gain or loss is a choice of rule"
    )
    parts = tables.credibility[["traced_pence", "averaged_pence", "apportioned_pence"]].sum()
    traced = ""
    if parts.sum() > 0:
        share = format_prop(parts.iloc[0] / parts.sum())
        traced = (
            f" {share} of cost is traced to single patients; the rest is shared out by fair rules."
        )
    return f"The totals agree with the ledger to the penny. {choice}.{traced}"
