"""One trust, costed: from clean tables to service lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from helpers.contracts import (
    ACTIVITY_EVENTS,
    COSTED_FILE,
    COSTED_MANDATORY,
    PLICS_MANDATORY,
    QueryEngine,
)
from helpers.contracts.terms import METHODS
from helpers.costing import education, slr
from helpers.costing import reconciliation as identities
from helpers.costing.analysis import analyse_events, make_empty_tables
from helpers.costing.check_model import CostedTables
from helpers.costing.comparison import PRIOR_HRGS, build_bridge, compare_lines
from helpers.costing.contract import NO_CONTRACT, share_contract_income
from helpers.costing.cost_checks import check_costs
from helpers.costing.earning import describe_unpriced, earn_lines
from helpers.costing.ledger import read_postings, total_department_costs, total_ledger_income
from helpers.costing.line_costing import LineCosts, cost_from_records, cost_lines, fill_pools
from helpers.costing.match_rates import add_ungrouped, rate_matches
from helpers.costing.overhead_rules import (
    build_overhead_charges,
    build_overhead_rules,
    total_step_orders,
)
from helpers.costing.overheads import (
    Use,
    allocate_overheads,
    build_use,
    choose_step_order,
    resolve_shares,
    total_primary,
)
from helpers.costing.patient_events import (
    count_activity,
    create_patient_events,
    total_line_activity,
)
from helpers.costing.planned import compare_activity, describe_plan
from helpers.costing.removals import find_shares_without_lines
from helpers.costing.statement import build_statement, total_line_costs
from helpers.costing.wip import add_opening_work
from helpers.errors import AllocationError, InputError, name_a_few

PATIENT_TABLES = ("patient_events", "patient_costs")
DEFAULT_METHOD = "reciprocal"


@dataclass(frozen=True)
class Costed:
    """Every table of the step. ``patient_costs`` and ``patient_events`` stay in the engine.

    ``analyses`` holds, by name, tables that are asked of the costed events (``analysis.TABLES``).
    """

    mode: str
    method: str
    step_order: list[str]
    department_costs: pd.DataFrame
    overhead_allocation: pd.DataFrame
    overhead_rules: pd.DataFrame
    overhead_charges: pd.DataFrame
    overhead_orders: pd.DataFrame
    overhead_without_line: pd.DataFrame
    pool_line_costs: pd.DataFrame
    department_line_shares: pd.DataFrame
    pool_summary: pd.DataFrame
    matching_summary: pd.DataFrame
    credibility: pd.DataFrame
    line_match_rates: pd.DataFrame
    line_costs: pd.DataFrame
    line_income: pd.DataFrame
    line_contract_income: pd.DataFrame
    line_activity: pd.DataFrame
    service_line_statement: pd.DataFrame
    reconciliation: pd.DataFrame
    cost_checks: pd.DataFrame
    analyses: dict[str, pd.DataFrame] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Overheads:
    """Overheads shared out: the trust's own method, and the others beside it."""

    method: str
    step_order: list[str]
    use: Use
    allocations: dict[str, pd.DataFrame]
    rules: pd.DataFrame
    charges: pd.DataFrame

    @property
    def allocation(self) -> pd.DataFrame:
        return self.allocations[self.method]


def cost_trust(
    db: QueryEngine,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    *,
    method: str = "",
) -> Costed:
    """Cost a trust: ledger, overheads, pools, events, lines, income, statement, identities.

    Parameters
    ----------
    db
        Holds the large clean tables (``clean_apc_episodes``, ...); the large tables of this step
        are left in it.
    frames
        The small clean tables, by file name.
    settings
        ``trust.yml``, typed.
    method
        Overhead method; blank takes that of ``trust.yml``.

    Raises
    ------
    InputError, AllocationError
        If the files cannot be costed as they are.

    Notes
    -----
    The identities are computed, not enforced: ``check_reconciled`` stops a run.
    """
    departments = frames["departments"]
    mode = find_mode(db, frames)
    treatment = str(settings.get("non_patient_care") or education.SEPARATE)
    ledger = read_postings(
        frames["general_ledger"], frames["cost_centre_map"], frames["expense_map"], departments
    )
    netting = education.net_income(ledger, departments, treatment)
    postings = netting.postings
    department_costs = total_department_costs(postings)
    if mode == "costed":
        costs, department_costs = cost_from_records(db, frames, settings, department_costs)
    overheads = share_overheads(department_costs, frames, settings, method=method)
    components = None
    if mode != "costed":
        components = fill_pools(department_costs, overheads.allocation, frames, settings, mode)
        costs = cost_lines(db, frames, settings, components, mode)
    line_costs = total_line_costs(costs.pool_line_costs)
    ledger_income = total_ledger_income(postings)
    line_income = earn_lines(db, frames, settings, ledger_income, costs.pool_line_costs, mode)
    credit = education.share_education(line_income, frames, set(frames["service_lines"]["line_id"]))
    if treatment == education.CREDITED:
        line_income = education.credit_income(line_income, credit)
    if mode != "slr":
        costs.notices.extend(add_opening_work(db, frames))
        create_patient_events(db)
        analyses = analyse_events(db, costs.pool_line_costs, costs.line_units)
        analyses |= {"medical_time": costs.medical_time}
    else:
        slr.create_empty_tables(db, *PATIENT_TABLES)
        analyses = make_empty_tables()
    statement = build_statement(line_costs, line_income, frames["service_lines"])
    lines = set(frames["service_lines"]["line_id"])
    analyses |= {
        "education_subsidy": education.compare_treatments(credit, statement, treatment),
        "line_against_plan": compare_lines(statement, frames, lines),
        "line_activity_plan": compare_activity(analyses["line_hrgs"], frames.get("plan")),
        "line_bridge": build_bridge(statement, analyses["line_hrgs"], frames),
    }
    checks = _check_identities(
        db, frames, ledger, netting, department_costs, overheads, components, costs, line_costs, statement,
        line_income, analyses,
    )  # fmt: skip
    return Costed(
        mode=mode,
        method=overheads.method,
        step_order=overheads.step_order,
        department_costs=department_costs,
        overhead_allocation=overheads.allocation,
        overhead_rules=overheads.rules,
        overhead_charges=overheads.charges,
        overhead_orders=total_step_orders(
            frames["overhead_drivers"],
            departments,
            total_primary(department_costs),
            costs.department_line_shares,
            step_order=settings.get("step_order") or "auto",
            seed=int(settings.get("seed") or 0),
        ),
        overhead_without_line=find_shares_without_lines(
            overheads.use,
            costs.department_line_shares,
            method=overheads.method,
            order=overheads.step_order,
        ),
        pool_line_costs=costs.pool_line_costs,
        department_line_shares=costs.department_line_shares,
        pool_summary=costs.pool_summary,
        matching_summary=costs.matching_summary,
        credibility=add_ungrouped(db, costs.credibility),
        line_match_rates=rate_matches(db, costs.pool_line_costs),
        line_costs=line_costs,
        line_income=line_income,
        line_contract_income=share_contract_income(
            line_income,
            frames.get("contract_income", NO_CONTRACT),
            analyses["line_hrgs"],
            frames.get(PRIOR_HRGS),
        ),
        line_activity=total_line_activity(db),
        service_line_statement=statement,
        reconciliation=checks,
        cost_checks=check_costs(
            db,
            frames,
            settings,
            CostedTables(department_costs, costs.pool_summary, costs.pool_line_costs),
        ),
        analyses=analyses,
        notices=[
            *costs.notices,
            *describe_unpriced(analyses["line_hrgs"], frames.get("prices")),
            *describe_plan(frames.get("plan")),
            *_describe_choices(frames, settings, overheads, mode),
        ],
    )


def find_mode(db: QueryEngine, frames: Mapping[str, pd.DataFrame]) -> str:
    """Return ``costed`` where patients came costed, ``plics`` with activity feeds, ``slr`` with line drivers.

    Raises
    ------
    InputError
        If there is neither, or if a patient-level run lacks a file it must have.
    """
    if db.has(f"clean_{COSTED_FILE}"):
        _check_there(db, frames, COSTED_MANDATORY)
        return "costed"
    if not any(db.has(f"clean_{name}") for name in ACTIVITY_EVENTS):
        if "line_drivers" in frames and len(frames["line_drivers"]):
            return "slr"
        raise InputError(
            f"There is no activity ({name_a_few(ACTIVITY_EVENTS)}) and no line_drivers: nothing says "
            "which line uses which department.\nSupply the activity files, or line_drivers.csv."
        )
    _check_there(db, frames, PLICS_MANDATORY)
    return "plics"


def _check_there(
    db: QueryEngine, frames: Mapping[str, pd.DataFrame], needed: tuple[str, ...]
) -> None:
    missing = [name for name in needed if name not in frames and not db.has(f"clean_{name}")]
    if missing:
        raise InputError(
            f"Costing patients needs these files too: {name_a_few(missing)}.\n"
            "docs/your-own-data.md says what each holds."
        )


def share_overheads(
    department_costs: pd.DataFrame,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    *,
    method: str = "",
) -> Overheads:
    """Share overheads by the run's method, and by the others to compare."""
    departments, drivers = frames["departments"], frames["overhead_drivers"]
    chosen = method or str(settings.get("overhead_method") or DEFAULT_METHOD)
    if chosen not in METHODS:
        raise InputError(
            f"trust.yml, overhead_method is {chosen!r}; it can be {', '.join(METHODS)}."
        )
    use = build_use(drivers, departments)
    primary = total_primary(department_costs)
    step_order = settings.get("step_order") or "auto"
    order = choose_step_order(use, primary, departments=departments, step_order=step_order)
    allocations = {}
    for name in METHODS:
        try:
            shares = resolve_shares(use, method=name, order=order)
        except AllocationError:
            if name == chosen:
                raise
            continue
        allocations[name] = allocate_overheads(department_costs, use, shares, method=name)
    rules = build_overhead_rules(
        drivers, departments, primary, step_order=step_order, seed=int(settings.get("seed") or 0)
    )
    charges = build_overhead_charges(use, allocations[chosen], primary, method=chosen, order=order)
    return Overheads(chosen, order, use, allocations, rules, charges)


def _describe_choices(
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    overheads: Overheads,
    mode: str,
) -> list[str]:
    """Say what the trust's files made impossible, in words."""
    notices = [
        f"The {name.replace('_', '-')} method cannot be used: it would leave a service nobody to serve."
        for name in METHODS
        if name not in overheads.allocations
    ]
    if settings.get("income_basis") == "contract":
        notices.append(
            "trust.yml says income_basis: contract. The statement is at price, so that patients and lines "
            "agree; the table of both bases shows each line as its contracts pay it."
        )
    if mode != "slr" and not len(frames.get("prices", ())):
        notices.append(
            "There are no prices: clinical income goes to the line that owns its cost centre, and no "
            "patient event has income."
        )
    return notices


def _check_identities(
    db: QueryEngine,
    frames: Mapping[str, pd.DataFrame],
    ledger: pd.DataFrame,
    netting: education.Netting,
    department_costs: pd.DataFrame,
    overheads: Overheads,
    components: pd.DataFrame | None,
    costs: LineCosts,
    line_costs: pd.DataFrame,
    statement: pd.DataFrame,
    line_income: pd.DataFrame,
    analyses: Mapping[str, pd.DataFrame],
) -> pd.DataFrame:
    """Return every identity of the step (table ``reconciliation``)."""
    checks, controls = identities.Checks(), frames["control_totals"]
    postings, netted = netting.postings, netting.netted_pence
    identities.check_ledger(checks, ledger, department_costs, controls, netted_pence=netted)
    identities.check_overheads(checks, department_costs, overheads.allocations, overheads.method)
    if components is None:  # the trust's own system says what stands in which department
        identities.check_records(checks, department_costs, costs.pool_line_costs)
        postings = identities.restate_expenditure(postings, department_costs)
    else:
        identities.check_pools(
            checks, department_costs, overheads.allocation, components, costs.pool_line_costs
        )
    identities.check_lines(checks, postings, line_costs, statement)
    identities.check_income(
        checks, total_ledger_income(postings), statement, controls, netted_pence=netted
    )
    if find_mode(db, frames) != "slr":
        identities.check_patient_costs(checks, db, postings, line_costs)
        identities.check_breakdowns(checks, analyses, line_costs, line_income)
        identities.check_months(checks, analyses["line_wip"], line_costs)
        identities.check_activity(checks, count_activity(db), controls)
    if "cleaning_accounts" in frames:
        identities.check_rows(checks, frames["cleaning_accounts"])
    return checks.as_frame()
