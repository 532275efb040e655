"""Sentences on what-if questions."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.questions import Question, read_questions
from helpers.contracts.terms import PODS
from helpers.report.formats import format_gbp, format_prop, join_words, true_minus

GROUPS = {
    "staff": "staff",
    "drugs_supplies": "drugs and supplies",
    "other": "other running costs",
    "capital": "capital charges",
    "overheads": "overheads",
}
SHORTEST_CHANGE_PROP = 0.005
MOVES_PROP = 0.5  # a kind of cost of which at least half moves is said to move


def write_question(text: str, position: pd.DataFrame) -> str:
    """Return a question in words, with lines' names for their codes."""
    names = position.set_index("line_id")["line_name"].to_dict()
    return _WORDS[read_questions(text)[0].kind](read_questions(text)[0], names)


def describe_asked(what_if: pd.DataFrame, *, given: bool) -> str:
    """Say whose questions these are and how to ask others."""
    n = what_if["question_no"].nunique()
    if n == 0:
        return "No question could be asked of this trust's files."
    start = (
        "These questions were asked when the report was made."
        if given
        else "No question was asked when the report was made, so here are the usual ones."
    )
    return (
        f"{start} Each is answered by itself, from the trust as it is. Others can be asked with "
        "WHAT_IF, or in the first cell of this notebook."
    )


def describe_answers(
    what_if: pd.DataFrame, costs: pd.DataFrame, position: pd.DataFrame
) -> list[str]:
    """Say for each question what it does within a year, and which costs move and which do not."""
    sentences = []
    year = what_if[what_if["horizon"] == "12m"]
    for _, answer in year.iterrows():
        question = write_question(answer["question"], position)
        rows = costs[(costs["question_no"] == answer["question_no"]) & (costs["horizon"] == "12m")]
        later = what_if[
            (what_if["question_no"] == answer["question_no"]) & (what_if["horizon"] == "long")
        ].iloc[0]
        sentences.append(f"{question}: {_describe_one(answer, later)}{_describe_costs(rows)}")
    return sentences


def _describe_one(answer: pd.Series, later: pd.Series) -> str:
    effect = int(answer["trust_effect_pence"])
    end = (
        f"the trust is {format_gbp(abs(effect))} {'better' if effect > 0 else 'worse'} off within 12 months"
        if effect
        else "nothing changes within 12 months"
    )
    touched, moves = int(answer["cost_touched_pence"]), int(answer["cost_moves_pence"])
    income = int(answer["income_change_pence"])
    earned = f"{_write_change(income)} income" if income else ""
    if touched == 0:
        return f"{earned or 'no change of income'} and no cost that moves, so {end}."
    spent = f"full cost suggests {_write_change(touched)} cost"
    start = f"{earned}; {spent}" if earned else spent
    last = int(later["trust_effect_pence"])
    tail = (
        f" In the long run it is {format_gbp(abs(last))} {'better' if last >= 0 else 'worse'} off."
        if abs(last - effect) > SHORTEST_CHANGE_PROP * max(abs(effect), 1)
        else ""
    )
    return f"{start}, and {format_gbp(abs(moves))} of it moves within 12 months; {end}.{tail}"


def _write_change(pence: int) -> str:
    return f"{format_gbp(abs(pence))} {'less' if pence < 0 else 'more'}"


def _describe_costs(rows: pd.DataFrame) -> str:
    """Return which kinds of cost mostly move within a year, and which mostly stay."""
    rows = rows[rows["cost_touched_pence"] != 0]
    if rows.empty:
        return ""
    share = (rows["cost_moves_pence"] / rows["cost_touched_pence"]).clip(0, 1)
    named = rows["cost_group"].map(GROUPS) + " (" + share.map(format_prop) + ")"
    order = rows["cost_group"].map(list(GROUPS).index)
    moves = named[share >= MOVES_PROP].loc[order[share >= MOVES_PROP].sort_values().index].tolist()
    stays = named[share < MOVES_PROP].loc[order[share < MOVES_PROP].sort_values().index].tolist()
    parts = []
    if moves:
        parts.append(f"Mostly moving: {join_words(moves)}.")
    if stays:
        parts.append(f"Mostly staying: {join_words(stays)}.")
    return f" {' '.join(parts)}"


def _percent(amount: float) -> str:
    return f"{abs(amount) * 100:.10g}%"


def _write_prices(question: Question, names: dict[str, str]) -> str:
    way = "up" if question.amount > 0 else "down"
    where = f" for {names.get(question.subject, question.subject)}" if question.subject else ""
    return f"Prices{where} {way} by {_percent(question.amount)}"


def _write_stays(question: Question, names: dict[str, str]) -> str:
    days = true_minus(f"{abs(question.amount):g}")
    word = "day" if abs(question.amount) == 1 else "days"
    way = "longer" if question.amount > 0 else "shorter"
    return f"Stays in {names.get(question.subject, question.subject)} {days} {word} {way}"


def _write_move(question: Question, names: dict[str, str]) -> str:
    there = names.get(question.to_line, question.to_line)
    here = names.get(question.subject, question.subject)
    ends = (
        f"to {PODS[question.to_pod].lower()}"
        if question.to_line == question.subject
        else f"to {there}, {PODS[question.to_pod].lower()}"
    )
    return f"{question.amount:,.0f} cases of {here} moved from {PODS[question.pod].lower()} {ends}"


def _write_service(question: Question, names: dict[str, str]) -> str:
    way = "up" if question.amount > 0 else "cut"
    return f"Cost of the overhead service {question.subject} {way} by {_percent(question.amount)}"


def _write_transfer(question: Question, names: dict[str, str]) -> str:
    return (
        f"{names.get(question.subject, question.subject)} transferred to another provider, with its own "
        "departments"
    )


_WORDS = {
    "prices": _write_prices,
    "stays": _write_stays,
    "move": _write_move,
    "service": _write_service,
    "transfer": _write_transfer,
}
