"""Answers to what-if questions: what moves and what stays, for the trust and for every line."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from helpers.contracts.questions import Question
from helpers.contracts.terms import ELEMENTS_BELOW_EBITDA
from helpers.subsidy.behaviour import HORIZONS
from helpers.subsidy.closure import CENTRAL, rerun_without_lines
from helpers.subsidy.what_if import CHANGES, Change, Costed

SUPPLIES = ("DRUGS", "CLIN_SUPPLIES")


@dataclass(frozen=True)
class Answers:
    """Tables ``what_if``, ``what_if_lines`` and ``what_if_costs``, and their identities."""

    what_if: pd.DataFrame
    what_if_lines: pd.DataFrame
    what_if_costs: pd.DataFrame
    identities: pd.DataFrame


def answer_questions(questions: tuple[Question, ...], trust: Costed) -> Answers:
    """Answer each question by itself, at each horizon.

    Raises
    ------
    CommandError
        If a question names a line, service or activity that the trust does not have.
    """
    totals, lines, costs = [_NO_TOTALS], [_NO_LINES], [_NO_COSTS]
    for number, question in enumerate(questions, start=1):
        change = CHANGES[question.kind](question, trust)
        for horizon in HORIZONS:
            key = {"question_no": number, "question": question.text, "horizon": horizon}
            by_line = _spread(change, trust, horizon)
            lines.append(by_line.assign(**key)[list(_NO_LINES)])
            totals.append(pd.DataFrame([_add_up(change, horizon)]).assign(**key)[list(_NO_TOTALS)])
            costs.append(_group_costs(change, horizon).assign(**key)[list(_NO_COSTS)])
    what_if, what_if_lines = (pd.concat(x, ignore_index=True) for x in (totals, lines))
    return Answers(
        what_if=what_if,
        what_if_lines=what_if_lines,
        what_if_costs=pd.concat(costs, ignore_index=True),
        identities=_check(what_if, what_if_lines, trust.position),
    )


def find_moving(change: Change, horizon: str) -> pd.Series:
    """Return what of each cell's change moves within the horizon, whole pence."""
    return (change.cells["change_pence"] * change.cells[horizon]).round().astype("int64")


def _add_up(change: Change, horizon: str) -> dict[str, int]:
    touched, moves = (
        int(change.cells["change_pence"].sum()),
        int(find_moving(change, horizon).sum()),
    )
    income = int(change.income.sum())
    return {
        "income_change_pence": income,
        "cost_touched_pence": touched,
        "cost_moves_pence": moves,
        "cost_stays_pence": touched - moves,
        "trust_effect_pence": income - moves,
    }


def _spread(change: Change, trust: Costed, horizon: str) -> pd.DataFrame:
    """Return the change of every line and other column that the question reaches."""
    moves = find_moving(change, horizon)
    cost = moves.groupby(change.cells["line_id"]).sum()
    if change.gone:
        cost = _pass_on(change, trust, horizon)
    both = pd.DataFrame({"income_change_pence": change.income, "cost_change_pence": cost})
    table = both.fillna(0).astype("int64").rename_axis("line_id").reset_index()
    table["surplus_change_pence"] = table["income_change_pence"] - table["cost_change_pence"]
    before = trust.position.set_index("line_id")["surplus_pence"]
    table["surplus_before_pence"] = table["line_id"].map(before).astype("Int64")
    table["surplus_after_pence"] = table["surplus_before_pence"] + table["surplus_change_pence"]
    return table.sort_values("line_id", ignore_index=True)


def _pass_on(change: Change, trust: Costed, horizon: str) -> pd.Series:
    """Return each column's change of cost when a line is gone: its overheads fall on the others."""
    moves = find_moving(change, horizon)
    is_overhead = change.cells["tier"] == "overhead"
    shed = change.cells.assign(avoidable_pence=-moves, horizon=horizon)[is_overhead]
    keys = ["line_id", "tier", "source_department", "horizon"]
    shed = shed.groupby(keys, as_index=False)["avoidable_pence"].sum()
    without = trust.overhead_without_line
    without = without[without["closed_line_id"] == change.gone]
    rerun = rerun_without_lines(trust.position, trust.overhead, shed, trust.services, without)
    cost = rerun[rerun["horizon"] == horizon].set_index("line_id")["change_pence"].copy()
    left = (change.cells["change_pence"] - moves)[~is_overhead].sum()
    cost[CENTRAL] = int(cost.get(CENTRAL, 0)) - int(left)
    cost[change.gone] = int(change.cells["change_pence"].sum())
    return cost[cost != 0]


def _group_costs(change: Change, horizon: str) -> pd.DataFrame:
    """Return the cost touched, and what of it moves, by kind of cost."""
    cells = change.cells.assign(moves_pence=find_moving(change, horizon))
    element = cells["element"].astype("str")
    group = pd.Series("other", index=cells.index, dtype="str")
    group = group.mask(element.isin(SUPPLIES), "drugs_supplies")
    group = group.mask(element.str.startswith("PAY_"), "staff")
    group = group.mask(element.isin(ELEMENTS_BELOW_EBITDA), "capital")
    is_overhead = cells["tier"] == "overhead"
    if not is_overhead.all():  # a service's own cost is told by its kind
        group = group.mask(is_overhead, "overheads")
    table = cells.groupby(group)[["change_pence", "moves_pence"]].sum()
    table = table.set_axis(["cost_touched_pence", "cost_moves_pence"], axis=1)
    table["cost_stays_pence"] = table["cost_touched_pence"] - table["cost_moves_pence"]
    return table.rename_axis("cost_group").reset_index()


def _check(what_if: pd.DataFrame, lines: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Compare each answer's lines with the trust (identity R17), differences without their signs."""
    keys = ["question_no", "horizon"]
    by_lines = lines.groupby(keys)["surplus_change_pence"].sum()
    effects = what_if.set_index(keys)["trust_effect_pence"]
    apart = int((effects - by_lines.reindex(effects.index, fill_value=0)).abs().sum())
    left = int(effects.sum())
    words = (
        f"What if, {len(effects)} answers added: changes of lines = change of the trust's surplus"
    )
    rows = [("R17", words, left + apart, left)]
    return pd.DataFrame(rows, columns=["id", "description", "left_pence", "right_pence"])


_KEY = {
    "question_no": pd.Series(dtype="int64"),
    "question": pd.Series(dtype="str"),
    "horizon": pd.Series(dtype="str"),
}
_COSTS = ("cost_touched_pence", "cost_moves_pence", "cost_stays_pence")
_NO_TOTALS = pd.DataFrame(
    _KEY
    | {
        name: pd.Series(dtype="int64")
        for name in ("income_change_pence", *_COSTS, "trust_effect_pence")
    }
)
_NO_COSTS = pd.DataFrame(
    _KEY
    | {"cost_group": pd.Series(dtype="str")}
    | {name: pd.Series(dtype="int64") for name in _COSTS}
)
_NO_LINES = pd.DataFrame(
    _KEY
    | {"line_id": pd.Series(dtype="str")}
    | {
        name: pd.Series(dtype="int64")
        for name in ("income_change_pence", "cost_change_pence", "surplus_change_pence")
    }
    | {name: pd.Series(dtype="Int64") for name in ("surplus_before_pence", "surplus_after_pence")}
)
