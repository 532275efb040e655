"""The rest of the cross-subsidy step: why, what a line could keep, what it hides, and what if."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import pandas as pd

from helpers.contracts.questions import read_questions
from helpers.contracts.terms import CRITICAL_CARE
from helpers.engine import Engine
from helpers.parameters import PROJECT
from helpers.run import Run
from helpers.sources.extracts import read_clean_settings
from helpers.sources.tables import has_table, open_table, read_table, write_table
from helpers.subsidy import control, flows, parts, reasons, retention
from helpers.subsidy.answers import Answers, answer_questions
from helpers.subsidy.behaviour import find_behaviour, total_services
from helpers.subsidy.checks import finish_identities, total_ledger_surplus
from helpers.subsidy.portfolio import build_portfolio
from helpers.subsidy.sensitivity import CONTRACT, find_gaps
from helpers.subsidy.trust import Subsidy, total_overhead
from helpers.subsidy.what_if import Costed, ask_usual_questions, total_stays
from helpers.subsidy.within import is_priced, total_pods

DECISION_COSTS = PROJECT / "data" / "reference" / "decision_costs.csv"
NOT_WRITTEN = {"identities", "questions_given"}
PATIENT_KEYS = """
SELECT episode_id AS event_id, patient_key FROM keys_apc_episodes
UNION ALL SELECT attendance_id, patient_key FROM keys_op_attendances
UNION ALL SELECT attendance_id, patient_key FROM keys_ed_attendances
"""
CONTRIBUTION = """
SELECT CAST(coalesce(sum(pence), 0) AS BIGINT) AS pence FROM (
    SELECT coalesce(income_pence, 0) - direct_pence - indirect_pence AS pence FROM patient_events
    UNION ALL SELECT income_pence FROM critical_care_income
) every_event
"""
ID_COLUMNS = {
    "apc_episodes": "episode_id",
    "op_attendances": "attendance_id",
    "ed_attendances": "attendance_id",
}
NO_BENCHMARKS = pd.DataFrame(
    {
        "hrg": pd.Series(dtype="str"),
        "pod": pd.Series(dtype="str"),
        "national_mean_cost_pence": pd.Series(dtype="Int64"),
    }
)
NO_PERIODS = pd.DataFrame({"spell_id": pd.Series(dtype="str")})
NO_RIGHTS = pd.DataFrame(
    {
        **{
            name: pd.Series(dtype="str")
            for name in ("line_id", "element", "department", "decision", "holder")
        },
        **{name: pd.Series(dtype="datetime64[us]") for name in ("from", "to")},
    }
)


@dataclass(frozen=True)
class Further:
    """Tables of the contracts by their names, and the identities that hold between them.

    ``questions_given`` tells whether the what-if questions came with the run; otherwise the usual
    ones were asked.
    """

    hrg_margins: pd.DataFrame
    line_reasons: pd.DataFrame
    line_parts: pd.DataFrame
    consultant_parts: pd.DataFrame
    part_masking: pd.DataFrame
    retention: pd.DataFrame
    retention_totals: pd.DataFrame
    quality_gates: pd.DataFrame
    patient_flows: pd.DataFrame
    line_downstream: pd.DataFrame
    shared_departments: pd.DataFrame
    control_costs: pd.DataFrame
    line_control: pd.DataFrame
    portfolio: pd.DataFrame
    what_if: pd.DataFrame
    what_if_lines: pd.DataFrame
    what_if_costs: pd.DataFrame
    questions_given: bool
    identities: pd.DataFrame


def read_and_look_further(run: Run, db: Engine, found: Subsidy) -> Further:
    """Read what the costed trust says beyond who funds whom, and work it out."""
    open_table(run, db, "patient_events")
    open_table(run, db, "critical_care_income")
    why, whole, why_checks = _find_reasons(run, db, found)
    line_parts, part_checks = _find_parts(run, db, found)
    kept = _find_retention(run, db, found)
    moved, flow_checks = _find_flows(run, db)
    by_decision, line_control = _find_control(run)
    answers, is_given = _find_answers(run, db, found.service_line_position)
    is_consultant = line_parts["grouping"] == parts.CONSULTANT
    checks = [
        why_checks, part_checks, retention.check_retention(kept), flow_checks, answers.identities,
    ]  # fmt: skip
    return Further(
        hrg_margins=why,
        line_reasons=whole,
        line_parts=line_parts[~is_consultant].reset_index(drop=True),
        consultant_parts=line_parts[is_consultant].reset_index(drop=True),
        part_masking=parts.measure_masking_by(line_parts, found.within_line),
        retention=kept.retention,
        retention_totals=kept.retention_totals,
        quality_gates=kept.quality_gates,
        patient_flows=moved,
        line_downstream=flows.total_downstream(moved, found.service_line_position),
        shared_departments=flows.share_departments(
            read_table(run, "line_costs"), _read_owners(run)
        ),
        control_costs=by_decision,
        line_control=line_control,
        portfolio=_find_portfolio(run, found),
        what_if=answers.what_if,
        what_if_lines=answers.what_if_lines,
        what_if_costs=answers.what_if_costs,
        questions_given=is_given,
        identities=finish_identities(pd.concat(checks, ignore_index=True)),
    )


def join_identities(found: Subsidy, further: Further) -> pd.DataFrame:
    """Return every identity of the step (``subsidy_reconciliation``)."""
    return pd.concat([found.reconciliation, further.identities], ignore_index=True)


def write_further(run: Run, further: Further, identities: pd.DataFrame) -> None:
    """Write every table under its name in the contracts, and the identities of the whole step."""
    write_table(run, "subsidy_reconciliation", identities)
    for field in fields(further):
        if field.name not in NOT_WRITTEN:
            write_table(run, field.name, getattr(further, field.name))


def read_years_kept(run: Run, further: Further) -> pd.DataFrame:
    """Return ``retention`` of this year and of every earlier one whose report stands, oldest first."""
    earlier = [pd.read_parquet(path) for path in run.list_earlier("retention")]
    return pd.concat([*earlier, further.retention], ignore_index=True)


def _find_reasons(
    run: Run, db: Engine, found: Subsidy
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    db.add_frame("critical_spells", _read_or(run, "clean_critical_care", NO_PERIODS)[["spell_id"]])
    cases = reasons.total_cases(db)
    income = read_table(run, "line_income")
    is_critical = income["pod"].eq(CRITICAL_CARE)
    means = _read_or(run, "clean_benchmarks", NO_BENCHMARKS)
    hrgs = reasons.compare_hrgs(cases, means, mff=float(read_clean_settings(run)["mff"]))
    lines = reasons.explain_lines(
        found.service_line_position,
        cases,
        hrgs,
        read_table(run, "clean_service_lines"),
        find_gaps(read_table(run, "line_contract_income")).get(CONTRACT),
        income[is_critical].groupby("line_id")["amount_pence"].sum(),
    )
    rest = _total_rest(run, income[~is_critical])
    checks = reasons.check_reasons(lines, cases, found.service_line_position, rest)
    return hrgs, lines, checks


def _find_parts(run: Run, db: Engine, found: Subsidy) -> tuple[pd.DataFrame, pd.DataFrame]:
    line_tables = {name: read_table(run, name) for name, _ in parts.LINE_TABLES.values()}
    cut = parts.total_parts(db, line_tables)
    table = parts.split_by_parts(found.service_line_position, cut)
    income = read_table(run, "line_income")
    rest = _total_rest(run, income[income["pod"] != CRITICAL_CARE])
    return table, parts.check_parts(table, rest)


def _total_rest(run: Run, income: pd.DataFrame) -> pd.DataFrame:
    return reasons.total_rest(
        income, read_table(run, "line_costs"), read_table(run, "line_activity")
    )


def _find_retention(run: Run, db: Engine, found: Subsidy) -> retention.Retention:
    outcomes = retention.NO_OUTCOMES.copy()
    if has_table(run, "clean_outcomes"):
        open_table(run, db, "clean_outcomes", as_name="outcomes")
        outcomes = retention.score_outcomes(db)
    position = found.service_line_position
    planned = pd.Series(dtype="int64")
    if has_table(run, "clean_plan"):
        planned = retention.total_plan(read_table(run, "clean_plan"))
    return retention.find_retention(
        position,
        planned,
        retention.find_gates(position["line_id"], read_table(run, "credibility"), outcomes),
        outcomes,
        trust_surplus_pence=total_ledger_surplus(
            read_table(run, "clean_general_ledger"), read_table(run, "clean_expense_map")
        ),
        required_surplus_pence=int(read_clean_settings(run)["required_surplus_pence"]),
        fy=run.fy,
    )


def _find_flows(run: Run, db: Engine) -> tuple[pd.DataFrame, pd.DataFrame]:
    for name, column in ID_COLUMNS.items():
        if has_table(run, f"clean_{name}"):
            open_table(run, db, f"clean_{name}", as_name=f"keys_{name}")
        else:
            empty = pd.DataFrame({column: [], "patient_key": []}, dtype="str")
            db.add_frame(f"keys_{name}", empty)
    db.create("patient_keys", PATIENT_KEYS)
    table = flows.total_flows(db)
    if not is_priced(read_table(run, "line_hrgs")):  # what is brought cannot be told (D-374)
        return table.iloc[:0], flows.NO_CHECKS
    contribution = db.frame(CONTRIBUTION)["pence"].iloc[0]
    return table, flows.check_flows(table, read_table(run, "line_activity"), int(contribution))


def _find_control(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    settings = read_clean_settings(run)
    pools = read_table(run, "pool_summary").sort_values(["own_pence", "pool_id"])
    governed = control.govern_costs(
        read_table(run, "line_costs"),
        pd.read_csv(DECISION_COSTS, dtype="str", keep_default_na=False),
        pools.groupby("department_id")["feed"].last(),
    )
    return control.measure_control(
        governed,
        _read_or(run, "clean_decision_rights", NO_RIGHTS),
        pd.Timestamp(settings["period_start"]),
        pd.Timestamp(settings["period_end"]),
    )


def _find_portfolio(run: Run, found: Subsidy) -> pd.DataFrame:
    last_year = int(run.year[:4]) - 1
    earlier = [
        path
        for path in run.list_earlier("line_activity")
        if int(path.parents[1].name[:4]) == last_year
    ]
    return build_portfolio(
        found.service_line_position,
        read_table(run, "line_activity"),
        pd.read_parquet(earlier[0]) if earlier else None,
    )


def answer_report(run: Run, db: Engine, questions: str) -> Answers:
    """Answer what-if questions on a finished report; nothing is written.

    Raises
    ------
    CommandError
        If a question cannot be read, or names what the trust has not.
    """
    open_table(run, db, "patient_events")
    asked = replace(run, what_if=questions)
    return _find_answers(asked, db, read_table(run, "service_line_position"))[0]


def _find_answers(run: Run, db: Engine, position: pd.DataFrame) -> tuple[Answers, bool]:
    behaviour = find_behaviour(
        read_table(run, "clean_general_ledger"),
        read_table(run, "clean_cost_centre_map"),
        read_table(run, "clean_expense_map"),
    )
    line_costs = read_table(run, "line_costs")
    costed = Costed(
        position=position,
        line_income=read_table(run, "line_income"),
        line_pods=total_pods(read_table(run, "line_hrgs")),
        line_costs=line_costs,
        pool_line_costs=read_table(run, "pool_line_costs"),
        overhead_without_line=read_table(run, "overhead_without_line"),
        stays=total_stays(db),
        behaviour=behaviour,
        services=total_services(behaviour, read_table(run, "department_costs")),
        overhead=total_overhead(line_costs, position),
    )
    given = read_questions(run.what_if)
    return answer_questions(given or ask_usual_questions(costed), costed), bool(given)


def _read_owners(run: Run) -> pd.Series:
    owners = read_table(run, "clean_departments").set_index("department_id")["owner_line_id"]
    return owners.fillna("").astype("str")


def _read_or(run: Run, name: str, empty: pd.DataFrame) -> pd.DataFrame:
    return read_table(run, name) if has_table(run, name) else empty
