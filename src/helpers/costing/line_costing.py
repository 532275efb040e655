"""From cost pools to lines, by patients or by averages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.costing import already_costed, costed_summaries, slr
from helpers.costing.analysis import make_empty_table
from helpers.costing.clock import find_period
from helpers.costing.education import NETTED
from helpers.costing.medical import cap_quality, set_apart_teaching, total_job_plans
from helpers.costing.patient_costs import cost_events
from helpers.costing.pools import build_pool_components
from helpers.errors import InputError


@dataclass(frozen=True)
class LineCosts:
    """What sharing the pools gives, with patients or without."""

    pool_line_costs: pd.DataFrame
    department_line_shares: pd.DataFrame
    pool_summary: pd.DataFrame
    matching_summary: pd.DataFrame
    credibility: pd.DataFrame
    line_units: pd.DataFrame
    medical_time: pd.DataFrame
    notices: list[str]


def fill_pools(
    department_costs: pd.DataFrame,
    allocation: pd.DataFrame,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    mode: str,
) -> pd.DataFrame:
    """Return the cost pools by element and source; teaching and research time of doctors set apart."""
    departments = frames["departments"]
    if mode != "plics":
        pools = slr.build_department_pools(departments)
        return build_pool_components(department_costs, allocation, pools, departments)
    period = find_period(settings)
    pools = cap_quality(frames["cost_pools"], total_job_plans(frames, period))
    components = build_pool_components(department_costs, allocation, pools, departments)
    if settings.get("non_patient_care") == NETTED:  # there are no columns to set anything apart in
        return components
    return set_apart_teaching(components, frames, period)


def cost_lines(
    db: QueryEngine,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    components: pd.DataFrame,
    mode: str,
) -> LineCosts:
    """Share pools between events and lines, or between lines alone."""
    if mode == "plics":
        found = cost_events(db, frames, settings, components)
        return LineCosts(
            found.pool_line_costs, found.department_line_shares, found.pool_summary,
            found.matching_summary, found.credibility, found.line_units, found.medical_time,
            list(found.notices),
        )  # fmt: skip
    departments, service_lines = frames["departments"], frames["service_lines"]
    weights = slr.find_line_weights(
        frames["line_drivers"], departments, set(service_lines["line_id"])
    )
    shared = slr.share_to_lines(components, weights, departments)
    return LineCosts(
        pool_line_costs=shared,
        department_line_shares=slr.find_department_shares(shared),
        pool_summary=slr.summarise_pools(components, weights),
        matching_summary=pd.DataFrame(
            {"feed": [], "match_rule": [], "n_lines": [], "amount_pence": []}
        ).astype({"feed": "str", "match_rule": "str", "n_lines": "int64", "amount_pence": "int64"}),
        credibility=slr.rate_credibility(shared, service_lines["line_id"].tolist()),
        line_units=pd.DataFrame(columns=["line_id", "feed", "weight_units"]),
        medical_time=make_empty_table("medical_time"),
        notices=["There are no activity files: cost reaches lines by averages, not by patient."],
    )


def cost_from_records(
    db: QueryEngine,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    department_costs: pd.DataFrame,
) -> tuple[LineCosts, pd.DataFrame]:
    """Take patients' costs from the trust's own system; return them, and the departments' cost by them.

    Raises
    ------
    InputError, ReconciliationError
        PLC-001 to PLC-005: names that mean nothing here, a total that is not the ledger's, or income
        that was to be netted.
    """
    if settings.get("non_patient_care") == NETTED:
        raise InputError(
            "trust.yml: non_patient_care is netted, and costed_patients holds costs that were shared out "
            "already.\nWrite separate or credited.",
            rule="PLC-005",
        )
    departments = frames["departments"]
    totals, notices = already_costed.read_records(db, frames, settings)
    restated, moved = already_costed.restate_departments(totals, department_costs, departments)
    pools = already_costed.cost_from_records(db, totals, departments)
    costs = LineCosts(
        pool_line_costs=pools,
        department_line_shares=costed_summaries.find_department_shares(totals, departments),
        pool_summary=costed_summaries.summarise_pools(totals, pools),
        matching_summary=make_empty_table("matching_summary"),
        credibility=costed_summaries.rate_credibility(totals),
        line_units=pd.DataFrame(columns=["line_id", "feed", "weight_units"]),
        medical_time=make_empty_table("medical_time"),
        notices=[already_costed.NOTICE, *notices, *moved],
    )
    return costs, restated
