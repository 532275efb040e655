"""What lines did beside what they planned to do, by point of delivery."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import CRITICAL_CARE, PODS
from helpers.errors import name_a_few

MONTHS_A_YEAR = 12
COLUMNS = {f"activity_{pod.lower()}": pod for pod in PODS}  # of the plan, and what they plan
KEYS = ["line_id", "pod"]
ACTIVITY_COLUMNS = [*KEYS, "planned_cases", "n_cases", "difference_cases", "income_effect_pence"]
KINDS = {
    "line_id": "str", "pod": "str", "planned_cases": "float64", "n_cases": "int64",
    "difference_cases": "float64", "income_effect_pence": "int64",
}  # fmt: skip


def compare_activity(line_hrgs: pd.DataFrame, plan: pd.DataFrame | None) -> pd.DataFrame:
    """Return table ``line_activity_plan``: cases of each line beside its plan, by point of delivery.

    A case is a spell, in the line that discharged the patient, or an attendance. What the plan leaves
    blank in every month is not planned and has no row; what it plans and nobody did counts nought. Days in
    critical care are compared only where they are known (not where patients were costed elsewhere).

    Parameters
    ----------
    line_hrgs
        Table of that name: ``line_id, pod, n_cases, income_pence``.
    plan
        The trust's file, typed; its columns ``activity_<point of delivery>`` are optional.

    Notes
    -----
    Decision D-320: a difference is worth the mean income of this year's cases of its kind in the line.
    """
    planned = total_planned(plan)
    if planned.empty or line_hrgs.empty:  # no plan of activity, or a trust without activity feeds
        return pd.DataFrame({name: [] for name in ACTIVITY_COLUMNS}).astype(KINDS)
    if not (line_hrgs["pod"] == CRITICAL_CARE).any():  # nobody counts its days here
        planned = planned[planned["pod"] != CRITICAL_CARE]
    done = line_hrgs.groupby(KEYS, as_index=False)[["n_cases", "income_pence"]].sum()
    both = planned.merge(done, on=KEYS, how="left", validate="one_to_one")
    both[["n_cases", "income_pence"]] = both[["n_cases", "income_pence"]].fillna(0).astype("int64")
    both["difference_cases"] = both["n_cases"] - both["planned_cases"]
    mean = (both["income_pence"] / both["n_cases"].where(both["n_cases"] > 0)).fillna(0.0)
    both["income_effect_pence"] = (both["difference_cases"] * mean).round()
    return both.sort_values(KEYS, ignore_index=True)[ACTIVITY_COLUMNS].astype(KINDS)


def total_planned(plan: pd.DataFrame | None) -> pd.DataFrame:
    """Return the plan's activity of the year: ``line_id, pod, planned_cases``."""
    given = [] if plan is None else [name for name in COLUMNS if name in plan]
    if not given:
        return pd.DataFrame({"line_id": [], "pod": [], "planned_cases": []})
    long = plan.melt("line_id", given, "pod", "planned_cases").dropna(subset=["planned_cases"])
    long["pod"] = long["pod"].map(COLUMNS)
    total = long.astype({"planned_cases": "float64"}).groupby(KEYS, as_index=False, sort=True)
    return total["planned_cases"].sum()


def describe_plan(plan: pd.DataFrame | None) -> list[str]:
    """Say which lines' plans hold less than twelve months: the whole year is held against them."""
    if plan is None or plan.empty:
        return []
    months = plan.groupby("line_id")["month"].nunique()
    short = months[months < MONTHS_A_YEAR]
    if short.empty:
        return []
    return [
        f"plan holds fewer than {MONTHS_A_YEAR} months of {len(short):,} lines: "
        f"{name_a_few([f'{line} ({n})' for line, n in short.items()])}. The whole year is held against "
        "what is planned, so these lines look above their plan; add the other months."
    ]
