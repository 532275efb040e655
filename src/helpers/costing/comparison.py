"""The year beside its plan and beside the year before, and a bridge between the two years."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.contracts.terms import CRITICAL_CARE, UNMAPPED
from helpers.errors import InputError, name_a_few

PLAN, PRIOR = "plan", "prior"
PRIOR_STATEMENT, PRIOR_HRGS = "prior_service_line_statement", "prior_line_hrgs"
# What is compared: name, rows of the statement added up.
MEASURES = {
    "income": ("I",),
    "direct": ("C1",),
    "indirect": ("C2",),
    "contribution": ("T2",),
    "overhead": ("C3",),
    "capital": ("C4",),
    "surplus": ("T4",),
}
PLANNED = ("income", "direct", "indirect")
COMPARISON_COLUMNS = [
    "line_id", "basis", "measure", "actual_pence", "compared_pence", "difference_pence",
]  # fmt: skip
TERMS = ("price", "volume", "mix", "unit_cost", "overhead", "other")
CELL = ["line_id", "pod", "hrg"]
APART = "critical_care_pence"  # of a cell: care that stands under critical care


def compare_lines(
    statement: pd.DataFrame, frames: Mapping[str, pd.DataFrame], lines: set[str]
) -> pd.DataFrame:
    """Return table ``line_against_plan``: each line beside its plan and beside the year before.

    A plan holds income, direct and indirect cost, so contribution can be compared, not surplus. Without
    a plan or a report of the year before there are no rows of that basis.

    Raises
    ------
    InputError
        PLAN-001 a line of the plan that service_lines lacks.
    """
    actual = _total_measures(statement)
    parts = [_compare(actual.iloc[:0], actual.iloc[:0], PLAN)]
    plan = frames.get("plan")
    if plan is not None and len(plan):
        parts.append(_compare(actual, _total_plan(plan, lines), PLAN))
    before = frames.get(PRIOR_STATEMENT)
    if before is not None and len(before):
        parts.append(_compare(actual, _total_measures(before), PRIOR))
    both = pd.concat(parts, ignore_index=True)
    return both.sort_values(["basis", "line_id", "measure"], ignore_index=True)[COMPARISON_COLUMNS]


def _total_measures(statement: pd.DataFrame) -> pd.DataFrame:
    rows = {row: measure for measure, some in MEASURES.items() for row in some}
    kept = statement[statement["row_id"].isin(rows)]
    kept = kept.assign(measure=kept["row_id"].map(rows))
    return kept[["line_id", "measure", "amount_pence"]]


def _total_plan(plan: pd.DataFrame, lines: set[str]) -> pd.DataFrame:
    """Return the plan's year by line and measure, contribution worked out."""
    unknown = plan[~plan["line_id"].isin(lines)]
    if len(unknown):
        raise InputError(
            f"plan, column line_id: {len(unknown):,} of {len(plan):,} rows name lines that service_lines "
            f"does not list: {name_a_few(unknown['line_id'])}.\nThey plan income of "
            f"£{unknown['income_pence'].sum() / 100:,.2f}. Correct either file.",
            rule="PLAN-001",
        )
    year = plan.groupby("line_id")[[f"{name}_pence" for name in PLANNED]].sum().astype("int64")
    year.columns = list(PLANNED)
    year["contribution"] = year["income"] - year["direct"] - year["indirect"]
    return year.reset_index().melt("line_id", var_name="measure", value_name="amount_pence")


def _compare(actual: pd.DataFrame, other: pd.DataFrame, basis: str) -> pd.DataFrame:
    """Return what both know of a line; a line of one side alone is left out."""
    both = actual.merge(other, on=["line_id", "measure"], validate="one_to_one")
    both = both.rename(
        columns={"amount_pence_x": "actual_pence", "amount_pence_y": "compared_pence"}
    )
    difference = both["actual_pence"] - both["compared_pence"]
    return both.assign(basis=basis, difference_pence=difference).astype(
        {"actual_pence": "int64", "compared_pence": "int64", "difference_pence": "int64"}
    )


def build_bridge(
    statement: pd.DataFrame, line_hrgs: pd.DataFrame, frames: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return table ``line_bridge``: why each line's surplus changed, in six terms that add up.

    Over cells (point of delivery x HRG) of a line, with n cases, income I and direct and indirect cost K:

    - *price*: what the cases of this year earn more than at last year's income a case;
    - *volume*: more or fewer cases, point of delivery by point of delivery, at last year's mean of I - K;
    - *mix*: cases that moved between the cells of a point of delivery, cells that are new or gone;
    - *unit cost*: what the cases of this year cost more than at last year's cost a case;
    - *overhead*: change of overhead and capital charges;
    - *other*: the rest of the change: cost without a patient, income without a case, pence of rounding.

    Returns
    -------
    pd.DataFrame
        One row per line of both years; empty without a report of the year before.
    """
    names = ["line_id", "before_pence", *(f"{term}_pence" for term in TERMS), "after_pence"]
    before = frames.get(PRIOR_STATEMENT)
    if before is None or PRIOR_HRGS not in frames or line_hrgs.empty:
        empty = pd.DataFrame({name: pd.Series(dtype="int64") for name in names})
        return empty.astype({"line_id": "str"})
    cells = explain_cells(frames[PRIOR_HRGS], _match_care(line_hrgs, frames[PRIOR_HRGS]))
    sides = {"before": _widen(before), "after": _widen(statement)}
    shared = sides["before"].index.intersection(sides["after"].index)
    rows = pd.DataFrame(
        {f"{name}_pence": side.loc[shared, "surplus"] for name, side in sides.items()}
    )
    for term in ("price", "volume", "mix", "unit_cost"):
        rows[f"{term}_pence"] = cells[term].reindex(shared).fillna(0.0).round().astype("int64")
    whole = {
        name: side.loc[shared, ["overhead", "capital"]].sum(axis=1) for name, side in sides.items()
    }
    rows["overhead_pence"] = whole["before"] - whole["after"]
    explained = rows[[f"{term}_pence" for term in TERMS[:-1]]].sum(axis=1)
    rows["other_pence"] = rows["after_pence"] - rows["before_pence"] - explained
    rows = rows.rename_axis("line_id").reset_index()
    is_line = rows["line_id"].isin(line_hrgs["line_id"]) & (rows["line_id"] != UNMAPPED)
    return rows[is_line].reset_index(drop=True)[names]


def explain_cells(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return price, volume, mix and unit cost of each line, in pence (not rounded).

    They add up to the change of income less direct and indirect cost of its cells.
    """
    both = _read_cells(before).merge(
        _read_cells(after), on=CELL, how="outer", suffixes=("_0", "_1"), validate="one_to_one"
    )
    numbers = [name for name in both.columns if name not in CELL]
    both[numbers] = both[numbers].fillna(0.0)
    is_both = (both["n_0"] > 0) & (both["n_1"] > 0)
    n_0 = both["n_0"].where(is_both, 1.0)
    at_old_income = (both["n_1"] * both["income_0"] / n_0).where(is_both, 0.0)
    at_old_cost = (both["n_1"] * both["care_0"] / n_0).where(is_both, 0.0)
    both["price"] = (both["income_1"] - at_old_income).where(is_both, 0.0)
    both["unit_cost"] = (at_old_cost - both["care_1"]).where(is_both, 0.0)
    margin = {year: both[f"income_{year}"] - both[f"care_{year}"] for year in (0, 1)}
    moved = at_old_income - at_old_cost - margin[0]
    both["moved"] = moved.where(is_both, margin[1] - margin[0])
    pods = (
        both.assign(margin_0=margin[0])
        .groupby(["line_id", "pod"])[["price", "unit_cost", "moved", "margin_0", "n_0", "n_1"]]
        .sum()
    )
    mean = (pods["margin_0"] / pods["n_0"].where(pods["n_0"] > 0)).fillna(0.0)
    pods["volume"] = (pods["n_1"] - pods["n_0"]) * mean
    pods["mix"] = pods["moved"] - pods["volume"]
    return pods.groupby("line_id")[["price", "volume", "mix", "unit_cost"]].sum()


def _match_care(line_hrgs: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Return this year's cells as the year before holds them.

    A report made before critical care had cells of its own holds its cost with the spells; then this
    year's is put back there, and its income is part of all else, as it was then.
    """
    if APART in before or APART not in line_hrgs:
        return line_hrgs
    spells = line_hrgs[line_hrgs["pod"] != CRITICAL_CARE]
    return spells.assign(controllable_pence=spells["controllable_pence"] + spells[APART])


def _read_cells(line_hrgs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            **{name: line_hrgs[name].astype("str").fillna("") for name in CELL},
            "n": line_hrgs["n_cases"].astype("float64"),
            "income": line_hrgs["income_pence"].astype("float64"),
            "care": line_hrgs["controllable_pence"].astype("float64"),
        }
    )


def _widen(statement: pd.DataFrame) -> pd.DataFrame:
    return _total_measures(statement).pivot(
        index="line_id", columns="measure", values="amount_pence"
    )
