"""Sentences on closing a line, on growth, and on who is subsidised under any rule."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import UNMAPPED
from helpers.report.formats import count_words, format_gbp, format_prop, join_words

FEW_NAMES = 3
ELECTIVE, LIST_PATIENTS = "EL", 4
HORIZON_WORDS = {"12m": "within 12 months", "3y": "within three years", "long": "in the long run"}


def describe_closure(closure: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say what closing the lines in deficit would do within a year, later, and for the worst."""
    lines = _name(closure, position)
    lines = lines[lines["surplus_pence"] < 0]
    if lines.empty:
        return "No line is in deficit, so no deficit suggests closing one."
    year = lines[lines["horizon"] == "12m"]
    n, n_worse = len(year), int((year["trust_effect_pence"] < 0).sum())
    if n == 1:
        fate = "worse" if n_worse else "no worse"
        text = (
            f"1 line is in deficit. Closing it would leave the trust {fate} off within 12 months."
        )
    else:
        which = "each" if n_worse == n else str(n_worse) if n_worse else "none"
        text = (
            f"{count_words(n, 'line')} are in deficit. Closing {which} of them, one at a time, would "
            "leave the trust worse off within 12 months."
        )
    worst = year.sort_values(["surplus_pence", "line_id"]).iloc[0]
    return f"{text} {_describe_one(worst)}{_describe_later(lines)}"


def describe_waterfall(closure: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say in one sentence why closing the line with the largest deficit does not save it."""
    year = _name(closure[closure["horizon"] == "12m"], position)
    year = year[year["surplus_pence"] < 0].sort_values(["surplus_pence", "line_id"])
    if year.empty:
        return "No line is in deficit."
    line = year.iloc[0]
    overhead = line["avoidable_overhead_pence"]
    return (
        f"{line['line_name']}: {format_gbp(line['income_pence'])} of income would go. Within 12 months "
        f"{format_gbp(line['avoidable_direct_pence'])} could be shed in its own departments, "
        f"{format_gbp(line['avoidable_indirect_pence'])} in shared ones and {format_gbp(overhead)} of "
        f"overheads. The trust would be {format_gbp(abs(line['trust_effect_pence']))} "
        f"{'worse' if line['trust_effect_pence'] < 0 else 'better'} off, where the deficit of "
        f"{format_gbp(-line['surplus_pence'])} suggests it would be better off."
    )


def describe_growth(closure: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say what a little more activity adds, where it adds most and where it costs money."""
    year = _name(closure[closure["horizon"] == "12m"], position)
    year = year[year["marginal_prop"].notna()]
    if year.empty:
        return "No line has income, so nothing can be said of growth."
    best = year.sort_values(["marginal_prop", "line_id"], ascending=[False, True]).iloc[0]
    losing = year[year["marginal_prop"] < 0].sort_values(["marginal_prop", "line_id"])
    text = (
        "A little more or less of the same work moves income by its price, but only the cost that "
        f"moves within 12 months. Of each further £1 of income, {best['line_name']} would keep "
        f"{_write_pence(best['marginal_prop'])}, more than any other line."
    )
    if losing.empty:
        return f"{text} Every line would keep something."
    names = _list_names(losing["line_name"].tolist())
    return f"{text} In {count_words(len(losing), 'line')} more work would cost more than it earns: {names}."


def describe_list(closure: pd.DataFrame, within_line: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say what one more elective list would contribute, in the line with most elective income.

    The list holds ``LIST_PATIENTS`` at the line's mean elective income, and keeps of it what the line keeps
    of each further pound within 12 months (decision D-281). Blank without elective inpatients.
    """
    elective = within_line[(within_line["pod"] == ELECTIVE) & (within_line["income_pence"] > 0)]
    year = _name(closure[closure["horizon"] == "12m"], position)
    found = elective[["line_id", "n_events", "income_pence"]].merge(
        year[["line_id", "line_name", "marginal_prop"]], on="line_id", validate="one_to_one"
    )
    found = found[found["marginal_prop"].notna()]
    if found.empty:
        return ""
    line = found.sort_values(["income_pence", "line_id"], ascending=[False, True]).iloc[0]
    earned = LIST_PATIENTS * line["income_pence"] / line["n_events"]
    kept = earned * line["marginal_prop"]
    return (
        f"One more elective list in {line['line_name']}, the line with most elective income, with "
        f"{LIST_PATIENTS} inpatients at its mean elective price, would earn {format_gbp(earned)}. After the cost "
        f"that moves within 12 months it would {'add' if kept >= 0 else 'cost the trust'} "
        f"{format_gbp(abs(kept))}. That holds for a list that staff, theatre and beds can bear."
    )


def describe_bounds(bounds: pd.DataFrame, position: pd.DataFrame) -> str:
    """Say which lines are subsidised, or fund others, whatever the sharing of common cost."""
    parts = [
        _describe_verdicts(_name(bounds[bounds["horizon"] == horizon], position), words)
        for horizon, words in HORIZON_WORDS.items()
        if horizon != "3y"
    ]
    return " ".join(parts)


def _describe_one(line: pd.Series) -> str:
    effect = line["trust_effect_pence"]
    end = (
        f"the trust would be {format_gbp(abs(effect))} {'worse' if effect < 0 else 'better'} off"
        if effect
        else "the trust would be where it was"
    )
    return (
        f"{line['line_name']} has the largest deficit, {format_gbp(-line['surplus_pence'])}. Closing it "
        f"would lose {format_gbp(line['income_pence'])} of income and shed "
        f"{format_gbp(line['avoidable_pence'])} of cost within 12 months; "
        f"{format_gbp(line['stranded_pence'])} would be stranded, and {end}."
    )


def _describe_later(lines: pd.DataFrame) -> str:
    long_run = lines[lines["horizon"] == "long"]
    better = long_run[long_run["trust_effect_pence"] > 0]
    if better.empty:
        return " Even in the long run closing none of the lines in deficit would leave the trust better off."
    better = better.sort_values(["trust_effect_pence", "line_id"], ascending=[False, True])
    names = _list_names(better["line_name"].tolist())
    return (
        f" In the long run, if every cost that can move had moved, the trust would be better off "
        f"without {names}."
    )


def _describe_verdicts(lines: pd.DataFrame, when: str) -> str:
    subsidised = lines[lines["verdict"] == "subsidised"].sort_values("line_id")
    funders = lines[lines["verdict"] == "funder"].sort_values("line_id")
    when = when[0].upper() + when[1:]
    if subsidised.empty and funders.empty:
        return (
            f"{when}, no line is subsidised and no line funds another under every sharing of common "
            "cost: each earns more than the trust would save without it, and less than it would cost alone."
        )
    parts = []
    if len(subsidised):
        names = _list_names(subsidised["line_name"].tolist())
        parts.append(
            f"{names} {_agree(len(subsidised), 'earns', 'earn')} less than the trust would save without "
            f"{_agree(len(subsidised), 'it, so it is', 'them, so they are')} subsidised under any sharing"
        )
    if len(funders):
        names = _list_names(funders["line_name"].tolist())
        parts.append(
            f"{names} {_agree(len(funders), 'earns more than it', 'earn more than they')} would cost alone, so "
            f"{_agree(len(funders), 'it funds', 'they fund')} others under any sharing"
        )
    return f"{when}, {'; '.join(parts)}."


def _name(table: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Add names, and leave out what belongs to no line."""
    kept = table[table["line_id"] != UNMAPPED]
    return kept.merge(
        position[["line_id", "line_name"]], on="line_id", how="left", validate="many_to_one"
    )


def _list_names(names: list[str]) -> str:
    more = len(names) - FEW_NAMES
    return join_words([*names[:FEW_NAMES], f"{more} more"] if more > 1 else names)


def _write_pence(prop: float) -> str:
    """Return 0.27 as `27p`: what is kept of a pound."""
    return f"{format_prop(prop).removesuffix('%')}p"


def _agree(n: int, one: str, many: str) -> str:
    return one if n == 1 else many
