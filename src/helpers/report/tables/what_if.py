"""Tables of what-if answers, arranged for reading."""

from __future__ import annotations

import pandas as pd

from helpers.report.words.what_if import GROUPS, write_question

ANSWER_COLUMNS = {
    "words": "Question",
    "income_change_pence": "Income",
    "cost_touched_pence": "Cost, as full cost suggests",
    "cost_moves_pence": "Moves in 12 months",
    "cost_stays_pence": "Does not",
    "effect_12m_pence": "Trust, 12 months",
    "effect_3y_pence": "Trust, three years",
    "effect_long_pence": "Trust, long run",
}
COST_COLUMNS = {
    "words": "Question",
    "group_words": "Kind of cost",
    "cost_touched_pence": "As full cost suggests",
    "moves_12m_pence": "Moves in 12 months",
    "moves_3y_pence": "In three years",
    "moves_long_pence": "In the long run",
}
LINE_COLUMNS = {
    "words": "Question",
    "line_name": "Service line or other column",
    "income_change_pence": "Income",
    "cost_change_pence": "Cost",
    "surplus_change_pence": "Surplus",
    "surplus_after_pence": "Surplus after",
}
OTHERS = {
    "ET": "Education", "RD": "Research", "OTHER": "Other work", "CENTRAL": "Left in the middle",
}  # fmt: skip
MOST_LINES = 8  # of one question


def arrange_answers(what_if: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Return one row a question: what moves within a year, and the trust's change at each horizon."""
    year = what_if[what_if["horizon"] == "12m"].set_index("question_no")
    effects = what_if.pivot(index="question_no", columns="horizon", values="trust_effect_pence")
    table = year.copy()
    for horizon in ("12m", "3y", "long"):
        table[f"effect_{horizon}_pence"] = effects.get(horizon, 0)
    table["words"] = [write_question(text, position) for text in table["question"]]
    return table.sort_index()[list(ANSWER_COLUMNS)].reset_index(drop=True)


def arrange_costs(costs: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Return the cost each question touches, by kind, and how much of it moves by horizon."""
    keys = ["question_no", "question", "cost_group"]
    wide = costs.pivot(index=keys, columns="horizon", values="cost_moves_pence")
    touched = costs[costs["horizon"] == "12m"].set_index(keys)["cost_touched_pence"]
    table = touched.to_frame()
    for horizon in ("12m", "3y", "long"):
        table[f"moves_{horizon}_pence"] = wide.get(horizon, 0)
    table = table.reset_index()
    table["order"] = table["cost_group"].map(list(GROUPS).index)
    table = table.sort_values(["question_no", "order"], ignore_index=True)
    table["words"] = [write_question(text, position) for text in table["question"]]
    table["words"] = table["words"].mask(table["question_no"].duplicated(), "")
    table["group_words"] = table["cost_group"].map(GROUPS)
    return table[list(COST_COLUMNS)]


def arrange_lines(lines: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Return the lines that each question changes most within 12 months; all others added."""
    rows = lines[(lines["horizon"] == "12m") & (lines["surplus_change_pence"] != 0)]
    names = position.set_index("line_id")["line_name"].to_dict() | OTHERS
    tables = []
    for _, own in rows.groupby("question_no", sort=True):
        own = own.assign(size=own["surplus_change_pence"].abs())
        own = own.sort_values(["size", "line_id"], ascending=[False, True])
        first = own.head(MOST_LINES).assign(line_name=lambda x: x["line_id"].map(names))
        rest = own.iloc[MOST_LINES:]
        if len(rest):
            money = ["income_change_pence", "cost_change_pence", "surplus_change_pence"]
            row = {**own.iloc[0][["question_no", "question"]], **rest[money].sum()}
            more = pd.DataFrame([{**row, "line_name": f"{len(rest)} more"}])
            first = pd.concat([first, more], ignore_index=True)
        tables.append(first)
    if not tables:
        return pd.DataFrame(columns=list(LINE_COLUMNS))
    table = pd.concat(tables, ignore_index=True)
    table["words"] = [write_question(text, position) for text in table["question"]]
    table["words"] = table["words"].mask(table["question_no"].duplicated(), "")
    money = [name for name in LINE_COLUMNS if name.endswith("_pence")]
    return table.astype(dict.fromkeys(money, "Int64"))[list(LINE_COLUMNS)]
