"""The tables that steps write: `outputs/<TRUST>/<YEAR>/tables/<name>.parquet`."""

from __future__ import annotations

from helpers.contracts.inputs import INPUTS
from helpers.contracts.model import Column, Level, Table


def _table(
    name: str, meaning: str, columns: dict[str, tuple], key: str = "", level: Level = "line", **more: object
) -> Table:
    return Table(
        name,
        meaning,
        {column: Column(*given) for column, given in columns.items()},
        key=tuple(key.split()),
        level=level,
        **more,  # type: ignore[arg-type]
    )


LINE = ("code", "Service line, or UNMAPPED, UNMATCHED:<line>, ET, RD, OTHER, EXCLUDED.")
PENCE = "whole pence"


def _pence(meaning: str) -> tuple[str, str, str]:
    return ("int", meaning, PENCE)


CLEANING = [
    _table(
        "cleaning_accounts",
        "Rows read, kept and set aside, file by file.",
        {
            "file": ("code", "Input file."),
            "n_read": ("int", "Rows read."),
            "n_kept": ("int", "Rows kept, repaired and warned ones among them."),
            "n_repaired": ("int", "Rows kept after a repair."),
            "n_excluded": ("int", "Rows set aside."),
            "n_added": ("int", "Rows made by a repair, over and above the rows read."),
            "n_warned": ("int", "Rows kept with a warning."),
        },
        "file",
        "trust",
    ),
    _table(
        "cleaning_log",
        "Every change and finding.",
        {
            "file": ("code", "Input file."),
            "row_key": ("code", "Key of the row, or of the group of rows."),
            "rule": ("code", "Rule."),
            "severity": ("code", "F stop, X excluded, R repaired, W kept with warning."),
            "action": ("text", "What was done."),
            "column": ("code", "Column, where one is concerned."),
            "old_value": ("text", "Value as received."),
            "new_value": ("text", "Value after."),
            "amount_pence": _pence("Money touched, where known."),
        },
        level="patient",
        large=True,
    ),
    _table(
        "cleaning_summary",
        "The log by rule.",
        {
            "file": ("code", "Input file."),
            "rule": ("code", "Rule."),
            "words": ("text", "What the rule finds, in plain words."),
            "severity": ("code", "F, X, R or W."),
            "action": ("text", "What was done."),
            "n_rows": ("int", "Rows touched."),
            "rows_prop": ("number", "Share of the file's rows.", "0-1"),
            "amount_pence": _pence("Money touched, where known."),
        },
        "file rule severity",
        "trust",
    ),
    _table(
        "clean_settings",
        "What trust.yml says, typed, as later steps read it.",
        {
            "key": ("code", "Setting."),
            "value": ("text", "Its value, as JSON."),
        },
        "key",
        "trust",
    ),
    _table(
        "input_files",
        "Files found, and panels that are off because an optional file is absent.",
        {
            "file": ("code", "Input table."),
            "found": ("text", "File name; blank if absent."),
            "n_rows": ("int", "Rows read."),
            "sha256": ("code", "Checksum of the file."),
            "panel": ("text", "What the file makes possible."),
            "notice": ("text", "What the reader noticed, in words."),
        },
        "file",
        "trust",
    ),
]

COSTING = [
    _table(
        "department_costs",
        "Ledger expenditure by department and element.",
        {
            "department_id": ("code", "Department."),
            "kind": ("code", "Kind of department."),
            "element": ("code", "Cost element."),
            "amount_pence": _pence("Net cost of the year."),
        },
        "department_id element",
        "trust",
    ),
    _table(
        "overhead_allocation",
        "Where each overhead service's own cost ended, under the run's method.",
        {
            "service_id": ("code", "Overhead service."),
            "department_id": ("code", "Final department."),
            "element": ("code", "Cost element."),
            "amount_pence": _pence("Primary cost of the service that ends in the department."),
            "method": ("code", "reciprocal, step_down or direct."),
        },
        "service_id department_id element",
        "trust",
    ),
    _table(
        "overhead_rules",
        "Resolved shares of each service under each allocation rule.",
        {
            "rule_id": ("code", "Rule, as reciprocal or step_down:ESTATES>IT>HR."),
            "overhead_method": ("code", "Method."),
            "step_order": ("text", "Order of services, `>` between; blank unless step-down."),
            "driver_set": ("code", "Set of drivers."),
            "service_id": ("code", "Overhead service."),
            "department_id": ("code", "Final department."),
            "share_prop": ("number", "Share of the service's own cost that ends there.", "0-1"),
        },
        "rule_id service_id department_id",
        "trust",
    ),
    _table(
        "department_line_shares",
        "How the overhead a final department receives passes to lines.",
        {
            "department_id": ("code", "Final department."),
            "line_id": LINE,
            "share_prop": ("number", "Share; sums to 1 for each department.", "0-1"),
        },
        "department_id line_id",
    ),
    _table(
        "pool_line_costs",
        "Each cost pool's pence by line.",
        {
            "pool_id": ("code", "Pool."),
            "department_id": ("code", "Department of the pool."),
            "feed": ("code", "Activity that shared it."),
            "line_id": LINE,
            "tier": ("code", "direct, indirect or overhead."),
            "element": ("code", "Cost element."),
            "source_department": ("code", "Department whose ledger holds the cost."),
            "amount_pence": _pence("Cost."),
        },
        "pool_id line_id tier element source_department",
    ),
    _table(
        "pool_summary",
        "Each pool's cost, activity and rate.",
        {
            "pool_id": ("code", "Pool."),
            "department_id": ("code", "Department."),
            "feed": ("code", "Feed used."),
            "own_pence": _pence("The department's own cost in the pool."),
            "overhead_pence": _pence("Overhead that joined it."),
            "n_lines": ("int", "Activity lines."),
            "weight_units": ("number", "Sum of weights."),
            "unit": ("text", "Unit of the weight."),
            "rate_gbp_per_unit": ("number", "Cost of one unit.", "pounds"),
            "matched_prop": ("number", "Share of the weight matched to a patient event.", "0-1"),
            "quality_score": ("number", "Quality of the driver.", "0-1"),
        },
        "pool_id",
        "trust",
    ),
    _table(
        "matching_summary",
        "How activity lines found their patient event.",
        {
            "feed": ("code", "Feed."),
            "match_rule": ("code", "Rule, ID first, NONE last."),
            "n_lines": ("int", "Activity lines."),
            "amount_pence": _pence("Cost they carry."),
        },
        "feed match_rule",
        "trust",
    ),
    _table(
        "patient_costs",
        "Cost of each event by tier, element and department of origin.",
        {
            "event_id": ("code", "Episode or attendance; or UNMATCHED:<line>, ET, RD, OTHER, EXCLUDED."),
            "spell_id": ("code", "Spell, for episodes."),
            "event_kind": ("code", "episode, op, ed, unmatched, non_patient_care or excluded."),
            "line_id": LINE,
            "tier": ("code", "direct, indirect or overhead."),
            "element": ("code", "Cost element."),
            "source_department": ("code", "Department whose ledger holds the cost."),
            "amount_pence": _pence("Cost."),
        },
        "event_id tier element source_department",
        "patient",
        large=True,
    ),
    _table(
        "patient_events",
        "Each event with its line, casemix, income and cost.",
        {
            "event_id": ("code", "Episode or attendance."),
            "spell_id": ("code", "Spell, for episodes."),
            "event_kind": ("code", "episode, op or ed."),
            "line_id": LINE,
            "pod": ("code", "Point of delivery of the event."),
            "spell_pod": ("code", "Point of delivery of the spell: that of its first episode."),
            "tfc": ("code", "Treatment function."),
            "consultant_code": ("code", "Consultant; C9999998 = not known."),
            "site_code": ("code", "Site."),
            "hrg": ("code", "HRG of the episode or attendance."),
            "hrg_spell": ("code", "HRG of the spell."),
            "admission_method": ("code", "How the patient came."),
            "patient_classification": ("code", "1-5."),
            "admission_dt": ("datetime", "Admission, appointment or arrival."),
            "discharge_dt": ("datetime", "Discharge or departure."),
            "start_dt": ("datetime", "Start of the episode or attendance."),
            "end_dt": ("datetime", "End of it."),
            "discharge_method": ("code", "4 = died."),
            "discharge_destination": ("code", "Two characters."),
            "discharge_ready_date": ("date", "Day the patient was ready to leave."),
            "completion": ("int", "1 in period, 2 began before, 3 open at the end, 4 both."),
            "is_discharging": ("bool", "Last episode of its spell; true for attendances."),
            "los_days": ("int", "Stay of the spell.", "days"),
            "main_ward_id": ("code", "Ward of the longest stay."),
            "age": ("int", "Age.", "years"),
            "sex": ("code", "1, 2, 9, 0."),
            "imd_decile": ("int", "1 = most deprived."),
            "admin_category": ("code", "01 NHS, 02 private."),
            "commissioner": ("code", "Who pays."),
            "income_pence": _pence("Income at price, private income included."),
            "direct_pence": _pence("Direct cost above EBITDA."),
            "indirect_pence": _pence("Indirect cost above EBITDA."),
            "overhead_pence": _pence("Overhead above EBITDA."),
            "below_ebitda_pence": _pence("Depreciation, PDC, interest and impairment of every tier."),
            "full_cost_pence": _pence("All cost."),
            "controllable_pence": _pence("Direct and indirect cost above EBITDA."),
            "ward_pence": _pence("Of controllable cost: from ward and critical care pools."),
        },
        "event_id",
        "patient",
        large=True,
    ),
    _table(
        "line_costs",
        "Cost of each line by tier, element and department of origin.",
        {
            "line_id": LINE,
            "tier": ("code", "direct, indirect or overhead."),
            "element": ("code", "Cost element."),
            "source_department": ("code", "Department whose ledger holds the cost."),
            "amount_pence": _pence("Cost."),
        },
        "line_id tier element source_department",
    ),
    _table(
        "line_income",
        "Income of each line by row of the statement.",
        {
            "line_id": LINE,
            "row_id": ("code", "I1-I5."),
            "pod": ("code", "Point of delivery, for clinical income."),
            "amount_pence": _pence("Income."),
        },
        "line_id row_id pod",
    ),
    _table(
        "service_line_statement",
        "Income and expenditure of each line, row by row.",
        {
            "line_id": ("code", "Line (unmatched cost inside it), ET, RD, OTHER, EXCLUDED, NOT_ATTRIBUTED or TRUST."),
            "row_id": ("code", "Row, as I1, I, C1, T1 ... T4; C1:PAY_MEDICAL for one element."),
            "label": ("text", "Row in words."),
            "amount_pence": _pence("Amount; income and margins positive, cost positive."),
        },
        "line_id row_id",
    ),
    _table(
        "line_activity",
        "Activity, income and cost of each line by point of delivery.",
        {
            "line_id": LINE,
            "pod": ("code", "Point of delivery."),
            "n_events": ("int", "Episodes or attendances."),
            "n_spells": ("int", "Completed spells."),
            "bed_days": ("int", "Days of completed spells.", "days"),
            "income_pence": _pence("Income at price."),
            "cost_pence": _pence("Full cost."),
        },
        "line_id pod",
    ),
    _table(
        "credibility",
        "How far each line's cost can be traced.",
        {
            "line_id": LINE,
            "traced_pence": _pence("Traced to the patient: items, and activity of quality 1."),
            "averaged_pence": _pence("Averaged on an activity driver."),
            "apportioned_pence": _pence("Apportioned overhead."),
            "unmatched_pence": _pence("Not matched to any patient."),
            "score": ("number", "Sum over pools of cost share x quality x match rate.", "0-1"),
            "grade": ("code", "A to E."),
        },
        "line_id",
    ),
    _table(
        "reconciliation",
        "Identities checked in the run; none may differ.",
        {
            "id": ("code", "Identity, R1-R19."),
            "description": ("text", "What is compared."),
            "left_pence": _pence("Left side (rows for R15)."),
            "right_pence": _pence("Right side."),
            "difference_pence": _pence("Left less right."),
            "passed": ("bool", "No difference."),
        },
        "id description",
        "trust",
    ),
]

SUBSIDY = [
    _table(
        "service_line_position",
        "Where each line stands.",
        {
            "line_id": ("code", "Service line, unmatched cost inside it; UNMAPPED too."),
            "line_name": ("text", "Its name."),
            "income_pence": _pence("Income."),
            "direct_pence": _pence("Direct cost above EBITDA."),
            "indirect_pence": _pence("Indirect cost above EBITDA."),
            "overhead_pence": _pence("Overhead above EBITDA."),
            "below_ebitda_pence": _pence("Capital charges of every tier."),
            "full_cost_pence": _pence("All cost."),
            "contribution_pence": _pence("T2: income less direct and indirect cost."),
            "surplus_pence": _pence("T4: income less full cost."),
            "class": ("code", "funder, covers_care or below_care."),
            "sign_label": ("code", "stable, mostly_stable or rule_dependent."),
            "unmatched_pence": _pence("Of full cost: activity matched to no patient."),
        },
        "line_id",
    ),
    _table(
        "subsidy_totals",
        "Size of the cross-subsidy.",
        {
            "measure": (
                "code",
                "income, surpluses (G), deficits (D), volume (V), retained, unfunded, net; "
                "with @ and the basis unless it is lines.",
            ),
            "label": ("text", "In words."),
            "amount_pence": _pence("Amount."),
            "income_prop": ("number", "As a share of the columns' income.", "0-1"),
            "basis": ("code", "lines, with_others or private_apart: what counts as a column."),
        },
        "measure",
        "trust",
    ),
    _table(
        "funding_matrix",
        "Who funds whom, in proportion.",
        {
            "funder_line_id": ("code", "Line in surplus."),
            "receiver_line_id": ("code", "Line in deficit."),
            "amount_pence": _pence("Amount."),
        },
        "funder_line_id receiver_line_id",
    ),
    _table(
        "funding_lines",
        "What each line gives and keeps, or receives and leaves unfunded.",
        {
            "line_id": ("code", "Service line."),
            "line_name": ("text", "Its name."),
            "surplus_pence": _pence("T4."),
            "given_pence": _pence("Of its surplus: pays for other lines."),
            "retained_pence": _pence("Of its surplus: left over."),
            "received_pence": _pence("Of its deficit: paid for by other lines."),
            "unfunded_pence": _pence("Of its deficit: paid for by no line."),
        },
        "line_id",
    ),
    _table(
        "private_position",
        "Lines with private patients: NHS and private work apart.",
        {
            "line_id": ("code", "Service line."),
            "line_name": ("text", "Its name."),
            "n_private_events": ("int", "Episodes and attendances of private patients."),
            "nhs_income_pence": _pence("Income of the line less private patients'."),
            "nhs_cost_pence": _pence("Cost of the line less private patients'; unmatched cost is here."),
            "nhs_surplus_pence": _pence("NHS surplus."),
            "private_income_pence": _pence("Private patients' income."),
            "private_cost_pence": _pence("Private patients' cost."),
            "private_surplus_pence": _pence("Private surplus."),
            "surplus_pence": _pence("T4 of the line."),
            "is_masked": ("bool", "The line breaks even or better; its NHS work does not."),
        },
        "line_id",
    ),
    _table(
        "within_line",
        "Each line's surplus by point of delivery; the rows of a line add up to its T4.",
        {
            "line_id": ("code", "Service line."),
            "pod": ("code", "Point of delivery; REST for cost and income that belong to none."),
            "n_events": ("int", "Episodes or attendances."),
            "income_pence": _pence("Income."),
            "cost_pence": _pence("Full cost."),
            "surplus_pence": _pence("Income less full cost."),
        },
        "line_id pod",
    ),
    _table(
        "line_masking",
        "How far gains and losses by point of delivery cancel out inside a line.",
        {
            "line_id": ("code", "Service line."),
            "surpluses_pence": _pence("Sum of surpluses by point of delivery."),
            "deficits_pence": _pence("Sum of deficits by point of delivery."),
            "net_pence": _pence("Surpluses less deficits."),
            "masking_prop": ("number", "1 - |net| / (surpluses + deficits).", "0-1"),
        },
        "line_id",
    ),
    _table(
        "subsidy_reconciliation",
        "Identities checked in the cross-subsidy step; none may differ.",
        {
            "id": ("code", "Identity, R10, R11, R18."),
            "description": ("text", "What is compared."),
            "left_pence": _pence("Left side."),
            "right_pence": _pence("Right side."),
            "difference_pence": _pence("Left less right."),
            "passed": ("bool", "No difference."),
        },
        "id description",
        "trust",
    ),
    _table(
        "rule_sensitivity",
        "Each line's surplus under each fair rule.",
        {
            "rule_id": ("code", "Rule."),
            "overhead_method": ("code", "Method."),
            "step_order": ("text", "Order of services; blank unless step-down."),
            "driver_set": ("code", "Set of drivers."),
            "income_basis": ("code", "price or contract."),
            "line_id": ("code", "Service line."),
            "surplus_pence": _pence("T4."),
        },
        "rule_id income_basis line_id",
    ),
    _table(
        "sensitivity_summary",
        "Range of each line's surplus over the rules.",
        {
            "line_id": ("code", "Service line."),
            "base_pence": _pence("Under the run's rule."),
            "min_pence": _pence("Lowest."),
            "max_pence": _pence("Highest."),
            "width_income_prop": ("number", "Range as a share of income.", "0-1"),
            "same_sign_prop": ("number", "Share of rules with the base's sign.", "0-1"),
            "n_rules": ("int", "Rules tried."),
            "sign_label": ("code", "stable, mostly_stable or rule_dependent."),
            "base_rule_id": ("code", "The run's own rule."),
        },
        "line_id",
    ),
    _table(
        "overhead_coverage",
        "How much of its overhead each line's contribution covers.",
        {
            "line_id": ("code", "Service line."),
            "contribution_pence": _pence("T2."),
            "overhead_pence": _pence("Overhead and capital charges."),
            "coverage_prop": ("number", "Contribution over overhead."),
        },
        "line_id",
    ),
]

OUTLIERS = [
    _table(
        "consultant_review",
        "Each consultant against peers, measure by measure.",
        {
            "line_id": ("code", "Service line."),
            "consultant_code": ("code", "Consultant."),
            "pseudonym": ("text", "Name in the report."),
            "measure": ("code", "cost or los."),
            "n": ("int", "Spells."),
            "observed": ("number", "Pounds or days."),
            "expected": ("number", "For the same patients, at the peers' norm."),
            "ratio": ("number", "Against the typical peer."),
            "ci_low": ("number", "90% interval of the ratio."),
            "ci_high": ("number", "90% interval of the ratio."),
            "probability": ("number", "Probability of divergent practice.", "0-1"),
            "flag": ("code", "outlier, material, indicative, none or not_tested."),
            "benefit": ("code", "better, no_better, worse, inconclusive or unknown."),
            "status": ("text", "In words."),
        },
        "line_id consultant_code measure",
        "consultant",
    ),
    _table(
        "saving",
        "What ending unexplained excess would save; consultant_code TOTAL for the trust.",
        {
            "line_id": ("code", "Service line, or TOTAL."),
            "consultant_code": ("code", "Consultant, or TOTAL."),
            "excess_pence": _pence("Excess over the typical peer."),
            "saving_pence": _pence("Part that counts: no better or worse outcomes."),
            "ci_low_pence": _pence("90% interval."),
            "ci_high_pence": _pence("90% interval."),
        },
        "line_id consultant_code",
        "consultant",
    ),
    _table(
        "stay_groups",
        "Length of stay of groups of patients against that expected for their casemix.",
        {
            "grouping": ("code", "ward, age_band, admission_weekday, ..."),
            "group": ("text", "Group."),
            "n_spells": ("int", "Spells."),
            "observed_days": ("number", "Days."),
            "expected_days": ("number", "Days."),
            "ratio": ("number", "Observed over expected."),
            "ci_low": ("number", "95% interval of the ratio."),
            "ci_high": ("number", "95% interval of the ratio."),
            "effect_days": ("number", "Days a spell above or below expected."),
            "q_value": ("number", "False discovery rate (Benjamini-Hochberg)."),
        },
        "grouping group",
    ),
    _table(
        "stay_trim",
        "Trim point and excess days by HRG and admission type.",
        {
            "hrg": ("code", "HRG of the spell."),
            "admission_type": ("code", "EL or EM."),
            "n_spells": ("int", "Spells."),
            "mean_days": ("number", "Mean stay."),
            "trim_days": ("number", "Trim point."),
            "excess_days": ("number", "Days beyond it."),
        },
        "hrg admission_type",
    ),
    _table(
        "specialty_variation",
        "Natural variation between consultants of a line.",
        {
            "line_id": ("code", "Service line."),
            "measure": ("code", "cost or los."),
            "n_consultants": ("int", "Consultants."),
            "n_spells": ("int", "Spells."),
            "tau": ("number", "Standard deviation of natural variation, log scale."),
            "no_comparator_prop": ("number", "Share of cost without a peer.", "0-1"),
            "words": ("text", "What can and cannot be said."),
        },
        "line_id measure",
    ),
]


def _clean_table(table: Table) -> Table:
    return Table(
        f"clean_{table.name}",
        f"{table.meaning} After cleaning.",
        {table.stored_name(name): column for name, column in table.columns.items()},
        key=table.key,
        large=table.large,
        level=table.level,
    )


CLEAN = [_clean_table(table) for table in INPUTS.values()]
OUTPUTS: dict[str, Table] = {
    table.name: table for table in [*CLEANING, *CLEAN, *COSTING, *SUBSIDY, *OUTLIERS]
}
