"""The whole step: from the costed trust to who pays for whom."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from helpers.contracts.terms import find_own_line
from helpers.subsidy import behaviour as costs_that_move
from helpers.subsidy import checks, closure, funding, position, sensitivity, shapley, within


@dataclass(frozen=True)
class Subsidy:
    """Every table of the step; each is documented in the contracts under its name.

    ``reconciliation`` is part of ``subsidy_reconciliation``. ``others`` holds the statement's
    columns that are no service line.
    """

    service_line_position: pd.DataFrame
    subsidy_totals: pd.DataFrame
    funding_matrix: pd.DataFrame
    funding_lines: pd.DataFrame
    overhead_coverage: pd.DataFrame
    rule_sensitivity: pd.DataFrame
    sensitivity_summary: pd.DataFrame
    shapley_overheads: pd.DataFrame
    private_position: pd.DataFrame
    within_line: pd.DataFrame
    line_masking: pd.DataFrame
    closure: pd.DataFrame
    closure_lines: pd.DataFrame
    strict_bounds: pd.DataFrame
    others: pd.DataFrame
    reconciliation: pd.DataFrame


def find_subsidy(
    *,
    statement: pd.DataFrame,
    service_lines: pd.DataFrame,
    line_costs: pd.DataFrame,
    line_pods: pd.DataFrame,
    private: pd.DataFrame,
    department_costs: pd.DataFrame,
    overhead_allocation: pd.DataFrame,
    overhead_rules: pd.DataFrame,
    overhead_orders: pd.DataFrame,
    overhead_without_line: pd.DataFrame,
    line_contract_income: pd.DataFrame,
    behaviour: pd.DataFrame,
    department_line_shares: pd.DataFrame,
    ledger_surplus_pence: int,
    is_costed_elsewhere: bool = False,
) -> Subsidy:
    """Find where each line stands, who funds whom, and whether that survives other fair rules.

    Parameters are tables of the contracts by their names, but for ``private``
    (``within.total_private``), ``line_pods`` (``within.total_pods``), ``behaviour`` (``behaviour.find_behaviour``) and ``ledger_surplus_pence`` (``checks.total_ledger_surplus``).
    Amounts are whole pence of the financial year.

    Raises
    ------
    ReconciliationError, AllocationError
        If the tables do not come from one run, or a sum cannot be shared.
    """
    lines = position.build_position(statement, service_lines, line_costs)
    others = position.list_other_columns(statement)
    shares = sensitivity.read_shares(overhead_rules)
    base_rule = sensitivity.find_base_rule(shares, overhead_allocation)
    overhead = total_overhead(line_costs, lines)
    services = costs_that_move.total_services(behaviour, department_costs)
    joining = shapley.share_overheads_by_joining(
        shares, department_line_shares, services, overhead.index
    )
    more_rules = pd.concat(
        [overhead_orders, shapley.list_joining_rules(joining)], ignore_index=True
    )
    overheads = sensitivity.share_overheads(
        shares,
        overhead_allocation,
        department_line_shares,
        overhead,
        base_rule,
        more_rules,
        is_costed_elsewhere=is_costed_elsewhere,
    )
    tried = sensitivity.try_rules(
        lines,
        overheads,
        sensitivity.list_rules(shares, more_rules),
        base_rule,
        sensitivity.find_gaps(line_contract_income),
    )
    summary = sensitivity.summarise_rules(tried, lines, base_rule)
    lines = position.add_sign_label(lines, summary)
    matrix = funding.build_funding_matrix(lines)
    funding_lines = funding.build_funding_lines(lines, matrix)
    private_position = within.split_private(lines, private)
    within_line = within.split_lines(lines, line_pods)
    avoidable = closure.total_avoidable(line_costs, behaviour, services)
    closed = closure.close_lines(lines, avoidable, overhead)
    rerun = closure.rerun_without_lines(lines, overhead, avoidable, services, overhead_without_line)
    return Subsidy(
        service_line_position=lines,
        subsidy_totals=_total_every_way(lines, others, private_position),
        funding_matrix=matrix,
        funding_lines=funding_lines,
        overhead_coverage=position.measure_coverage(lines),
        rule_sensitivity=tried,
        sensitivity_summary=summary,
        shapley_overheads=joining,
        private_position=private_position,
        within_line=within_line,
        line_masking=within.measure_masking(within_line),
        closure=closed,
        closure_lines=rerun,
        strict_bounds=closure.find_bounds(lines, line_costs, closed, services),
        others=others,
        reconciliation=checks.check_identities(
            ledger_surplus_pence=ledger_surplus_pence,
            department_costs=department_costs,
            position=lines,
            others=others,
            funding_lines=funding_lines,
            overheads=overheads,
            closure=closed,
            closure_lines=rerun,
        ),
    )


def total_overhead(line_costs: pd.DataFrame, lines: pd.DataFrame) -> pd.Series:
    """Return overhead of every column, capital charges in it included; whole pence."""
    overhead = line_costs[line_costs["tier"] == "overhead"]
    totals = overhead["amount_pence"].groupby(overhead["line_id"].map(find_own_line)).sum()
    columns = totals.index.union(pd.Index(lines["line_id"]))
    return totals.reindex(columns, fill_value=0).astype("int64").rename_axis("line_id")


def _total_every_way(
    lines: pd.DataFrame, others: pd.DataFrame, private: pd.DataFrame
) -> pd.DataFrame:
    """Measure the volumes on lines, then with the other columns, then with private work apart."""
    columns = ["income_pence", "surplus_pence"]
    wider = pd.concat([lines[columns], others[columns]], ignore_index=True)
    parts = [
        lines.loc[~lines["line_id"].isin(private["line_id"]), columns],
        *(
            private[[f"{who}_income_pence", f"{who}_surplus_pence"]].set_axis(columns, axis=1)
            for who in ("nhs", "private")
        ),
    ]
    return pd.concat(
        [
            funding.build_totals(lines, basis="lines", words=""),
            funding.build_totals(
                wider,
                basis="with_others",
                words="education, research, other and not attributed as columns",
            ),
            funding.build_totals(
                pd.concat(parts, ignore_index=True),
                basis="private_apart",
                words="each line's private patients as a column",
            ),
        ],
        ignore_index=True,
    )
