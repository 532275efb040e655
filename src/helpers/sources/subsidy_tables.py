"""The tables of the cross-subsidy step: what it reads, and what it writes."""

from __future__ import annotations

from dataclasses import fields

from helpers.engine import Engine
from helpers.run import Run
from helpers.sources.extracts import read_clean_settings
from helpers.sources.tables import open_table, read_table, write_table
from helpers.subsidy.behaviour import find_behaviour
from helpers.subsidy.checks import total_ledger_surplus
from helpers.subsidy.trust import Subsidy, find_subsidy
from helpers.subsidy.within import total_pods, total_private

# the first is part of the statement already, the second is written once the step is whole
NOT_WRITTEN = {"others", "reconciliation"}


def read_and_find_subsidy(run: Run, db: Engine) -> Subsidy:
    """Read the costed trust's tables and find who pays for whom."""
    open_table(run, db, "patient_events")
    return find_subsidy(
        is_costed_elsewhere=read_clean_settings(run).get("mode") == "costed",
        statement=read_table(run, "service_line_statement"),
        service_lines=read_table(run, "clean_service_lines"),
        line_costs=read_table(run, "line_costs"),
        line_pods=total_pods(read_table(run, "line_hrgs")),
        private=total_private(db),
        department_costs=read_table(run, "department_costs"),
        overhead_allocation=read_table(run, "overhead_allocation"),
        overhead_rules=read_table(run, "overhead_rules"),
        overhead_orders=read_table(run, "overhead_orders"),
        overhead_without_line=read_table(run, "overhead_without_line"),
        behaviour=find_behaviour(
            read_table(run, "clean_general_ledger"),
            read_table(run, "clean_cost_centre_map"),
            read_table(run, "clean_expense_map"),
        ),
        line_contract_income=read_table(run, "line_contract_income"),
        department_line_shares=read_table(run, "department_line_shares"),
        ledger_surplus_pence=total_ledger_surplus(
            read_table(run, "clean_general_ledger"), read_table(run, "clean_expense_map")
        ),
    )


def write_subsidy(run: Run, found: Subsidy) -> None:
    """Write every table under its name in the contracts; identities are written with the rest."""
    for field in fields(found):
        if field.name not in NOT_WRITTEN:
            write_table(run, field.name, getattr(found, field.name))
