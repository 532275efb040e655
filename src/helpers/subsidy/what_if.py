"""What if: prices, stays, the place of care, an overhead service, or a whole line changed.

Every answer has the same shape. The question touches some cost (what full cost suggests); of that, a
part moves within the horizon and the rest stays. The trust's surplus changes by the change of income
less the cost that moves. Questions are answered one at a time, each from the trust as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.money import hamilton
from helpers.contracts.questions import Question
from helpers.contracts.terms import NON_PATIENT_LINES, PODS, UNMAPPED, find_own_line
from helpers.errors import CommandError, name_a_few
from helpers.subsidy.behaviour import HORIZONS

CELL = ["line_id", "tier", "element", "source_department"]
SHARES = list(HORIZONS)
WARD_FEED = "ward"
PRICED_ROW = "I1"
USUAL_STAY_DAYS, USUAL_PRICE, USUAL_CUT = -0.5, 0.01, -0.05

STAYS = """
SELECT line_id, los_days, count(*) AS n_spells FROM patient_events
WHERE event_kind = 'episode' AND is_discharging AND los_days >= 1 AND pod NOT IN ('DC', 'RDN')
GROUP BY line_id, los_days ORDER BY line_id, los_days
"""


@dataclass(frozen=True)
class Costed:
    """What questions are answered from: tables of the contracts by their names, and four more.

    Attributes
    ----------
    line_pods
        From ``within.total_pods``: critical care apart, so that an average case is without it.
    stays
        From ``total_stays``.
    behaviour, services
        ``behaviour.find_behaviour`` and ``behaviour.total_services``.
    overhead
        Overhead of every column in the run, whole pence.
    """

    position: pd.DataFrame
    line_income: pd.DataFrame
    line_pods: pd.DataFrame
    line_costs: pd.DataFrame
    pool_line_costs: pd.DataFrame
    overhead_without_line: pd.DataFrame
    stays: pd.DataFrame
    behaviour: pd.DataFrame
    services: pd.DataFrame
    overhead: pd.Series


@dataclass(frozen=True)
class Change:
    """What a question changes before time is asked about.

    Attributes
    ----------
    income
        Change of income by line, whole pence.
    cells
        ``line_id, tier, element, source_department``, ``change_pence`` (what full cost suggests) and
        the share of it that moves within each horizon (0-1).
    gone
        The line that leaves the trust; blank for all other questions.
    """

    income: pd.Series
    cells: pd.DataFrame
    gone: str = ""


def total_stays(db: QueryEngine) -> pd.DataFrame:
    """Count completed spells of a night or more by line and length: ``line_id, los_days, n_spells``."""
    numbers = {"los_days": "int64", "n_spells": "int64"}
    return db.frame(STAYS).dropna().astype(numbers)


def ask_usual_questions(trust: Costed) -> tuple[Question, ...]:
    """Return questions that any trust may ask: they stand on the page when none were given.

    Prices up 1%; stays half a day shorter where the wards cost most; the dearest overhead service cut
    by a twentieth; the line with the largest deficit transferred.
    """
    questions = []
    if (trust.line_income["row_id"] == PRICED_ROW).any():
        questions.append(Question("prices", USUAL_PRICE))
    wards = _find_ward_costs(trust)
    wards = wards[wards["line_id"].isin(trust.stays["line_id"])]
    if len(wards):
        dearest = wards.groupby("line_id")["amount_pence"].sum()
        questions.append(Question("stays", USUAL_STAY_DAYS, str(dearest.idxmax())))
    if len(trust.services):
        questions.append(Question("service", USUAL_CUT, str(trust.services["cost_pence"].idxmax())))
    lines = trust.position[trust.position["line_id"] != UNMAPPED]
    deficits = lines[lines["surplus_pence"] < 0].set_index("line_id")["surplus_pence"]
    if len(deficits):
        questions.append(Question("transfer", 0.0, str(deficits.idxmin())))
    return tuple(questions)


def _change_prices(question: Question, trust: Costed) -> Change:
    """Income at price of NHS patients moves with prices; cost does not."""
    earned = trust.line_income[trust.line_income["row_id"] == PRICED_ROW]
    earned = earned[earned["line_id"].isin(trust.position["line_id"])]
    earned = earned.groupby("line_id")["amount_pence"].sum()
    if question.subject:
        _check_known(question, [question.subject], trust.position["line_id"], "line")
        earned = earned[earned.index == question.subject]
    total = round(int(earned.sum()) * question.amount)
    shared = hamilton(total, earned.clip(lower=0).tolist(), earned.index.tolist())
    return Change(pd.Series(shared, index=earned.index, dtype="int64"), _NO_CELLS)


def _change_stays(question: Question, trust: Costed) -> Change:
    """The line's ward cost changes in proportion to its bed days; income at price does not.

    No stay falls below nought. What a longer stay would earn past its trim point is left out.
    """
    _check_known(question, [question.subject], trust.stays["line_id"], "line with stays in beds")
    stays = trust.stays[trust.stays["line_id"] == question.subject]
    moved = np.maximum(question.amount, -stays["los_days"]) * stays["n_spells"]
    part = float(moved.sum()) / float((stays["los_days"] * stays["n_spells"]).sum())
    wards = _find_ward_costs(trust)
    cells = wards[wards["line_id"] == question.subject]
    return Change(_NO_INCOME, _scale(cells, part, trust))


def _move_activity(question: Question, trust: Costed) -> Change:
    """Cases leave one line and setting and join another, each as the average case there.

    Their cost is made up as the whole line's is.
    """
    _check_known(question, [question.subject, question.to_line], trust.position["line_id"], "line")
    activity = trust.line_pods.set_index(["line_id", "pod"])
    income: dict[str, int] = {}
    cells = []
    for line, pod, sign in (
        (question.subject, question.pod, -1),
        (question.to_line, question.to_pod, 1),
    ):
        if (line, pod) not in activity.index or activity.at[(line, pod), "n_events"] <= 0:
            raise CommandError(
                f"WHAT_IF asks {question.text!r}, but {line} has no activity of the kind {pod} "
                f"({PODS[pod].lower()}), so nothing says what such a case earns and costs."
            )
        here = activity.loc[(line, pod)]
        if sign < 0 and question.amount > here["n_events"]:
            raise CommandError(
                f"WHAT_IF asks {question.text!r}, but {line} has {int(here['n_events']):,} "
                f"{pod} cases. Move no more than these."
            )
        part = sign * question.amount / float(here["n_events"])
        income[line] = income.get(line, 0) + round(int(here["income_pence"]) * part)
        own = _find_line_costs(trust, line)
        whole = float(own["amount_pence"].sum())
        cells.append(_scale(own, part * float(here["cost_pence"]) / whole, trust))
    return Change(pd.Series(income, dtype="int64"), pd.concat(cells, ignore_index=True))


def _change_service(question: Question, trust: Costed) -> Change:
    """An overhead service's cost changes, and every line bears its part as it bears the service.

    Of a cut, no more can be had within a horizon than the part of each kind of cost that moves. More
    cost comes at once.
    """
    _check_known(question, [question.subject], trust.services.index, "overhead service")
    costs = trust.line_costs.assign(line_id=trust.line_costs["line_id"].map(find_own_line))
    costs = costs[(costs["tier"] == "overhead") & (costs["source_department"] == question.subject)]
    cells = _scale(
        costs.groupby(CELL, as_index=False)["amount_pence"].sum(), question.amount, trust
    )
    moves = cells[["element"]].merge(
        trust.behaviour[trust.behaviour["department_id"] == question.subject],
        on="element", how="left", validate="many_to_one",
    )  # fmt: skip
    for horizon in HORIZONS:
        share = moves[horizon].fillna(0.0).to_numpy() / abs(question.amount)
        cells[horizon] = np.minimum(share, 1.0) if question.amount < 0 else 1.0
    return Change(_NO_INCOME, cells)


def _transfer_line(question: Question, trust: Costed) -> Change:
    """A line goes to another provider with its own departments; the rest moves as if it closed."""
    lines = trust.position.loc[trust.position["line_id"] != UNMAPPED, "line_id"]
    _check_known(question, [question.subject], lines, "line")
    cells = _scale(_find_line_costs(trust, question.subject), -1.0, trust)
    cells.loc[cells["tier"] == "direct", SHARES] = 1.0
    own = trust.position[trust.position["line_id"] == question.subject]
    income = -own.set_index("line_id")["income_pence"]
    return Change(income, cells, gone=question.subject)


CHANGES: dict[str, Callable[[Question, Costed], Change]] = {
    "prices": _change_prices,
    "stays": _change_stays,
    "move": _move_activity,
    "service": _change_service,
    "transfer": _transfer_line,
}


def _find_ward_costs(trust: Costed) -> pd.DataFrame:
    """Return each line's cost shared by hours on a ward, overhead on it included, by cell."""
    pools = trust.pool_line_costs[trust.pool_line_costs["feed"] == WARD_FEED]
    pools = pools[~pools["line_id"].isin(NON_PATIENT_LINES)]
    pools = pools[pools["line_id"].map(find_own_line) == pools["line_id"]]
    return pools.groupby(CELL, as_index=False)["amount_pence"].sum()


def _find_line_costs(trust: Costed, line: str) -> pd.DataFrame:
    costs = trust.line_costs.assign(line_id=trust.line_costs["line_id"].map(find_own_line))
    return costs[costs["line_id"] == line].groupby(CELL, as_index=False)["amount_pence"].sum()


def _scale(costs: pd.DataFrame, part: float, trust: Costed) -> pd.DataFrame:
    """Return cells with the change of a part of their cost, and what of it moves by horizon."""
    cells = costs.merge(
        trust.behaviour.rename(columns={"department_id": "source_department"}),
        on=["source_department", "element"], how="left", validate="many_to_one",
    )  # fmt: skip
    is_overhead = cells["tier"] == "overhead"
    for horizon in HORIZONS:
        by_service = cells["source_department"].map(trust.services[horizon])
        cells[horizon] = cells[horizon].mask(is_overhead, by_service).fillna(0.0)
    cells["change_pence"] = (cells["amount_pence"] * part).round().astype("int64")
    return cells[[*CELL, "change_pence", *SHARES]]


def _check_known(
    question: Question, names: list[str], known: pd.Series | pd.Index, what: str
) -> None:
    unknown = [name for name in names if name not in set(known)]
    if unknown:
        raise CommandError(
            f"WHAT_IF asks {question.text!r}, but there is no {what} called {name_a_few(unknown)}.\n"
            f"There are {', '.join(sorted(set(known)))}."
        )


_NO_INCOME = pd.Series(dtype="int64")
_NO_CELLS = pd.DataFrame(
    {
        **{name: pd.Series(dtype="str") for name in CELL},
        "change_pence": pd.Series(dtype="int64"),
        **{name: pd.Series(dtype="float64") for name in SHARES},
    }
)
