"""The files a trust supplies: `data/raw/<TRUST>/<YEAR>/<name>.csv` (or .tsv, .parquet, .xlsx)."""

from __future__ import annotations

from helpers.contracts.model import Column, Table
from helpers.contracts.terms import (
    ACCOUNT_TYPES,
    CRITICAL_CARE,
    DEPARTMENT_KINDS,
    ELEMENTS,
    FEEDS,
    MISSED,
    PODS,
)

CONSULTANT = r"^[CDNMH][0-9A-Z]{7}$"
TFC = r"^[0-9A-Z]{3}$"
HRG = r"^[A-Z]{2}[0-9]{2}[A-Z]$"
DEPARTMENT = r"^[A-Z0-9_]{2,20}$"


def _optional(kind: str, meaning: str, unit: str = "", **more: object) -> Column:
    return Column(kind, meaning, unit, required=False, **more)  # type: ignore[arg-type]


# A plan's activity, one column for each point of delivery that it plans; blank is not planned.
PLANNED_ACTIVITY = {
    f"activity_{pod.lower()}": _optional(
        "number",
        f"Planned activity: {name[0].lower()}{name[1:]}.",
        "days" if pod == CRITICAL_CARE else "spells or attendances",
    )
    for pod, name in PODS.items()
    if pod != MISSED
}

MONEY_TABLES = [
    Table(
        "general_ledger",
        "Every posting of the year: debit positive, credit negative.",
        {
            "fy": Column("text", "Financial year, as 2024/25."),
            "month": Column("int", "Month of the year, April = 1."),
            "cost_centre": Column("code", "Cost centre.", pattern=r"^[A-Z0-9]{4,8}$"),
            "expense_code": Column("code", "Subjective code.", pattern=r"^[A-Z0-9]{4,10}$"),
            "amount": Column("money", "Posting, debit positive.", "pounds"),
            "wte_actual": _optional("number", "Staff in post.", "whole-time equivalents"),
        },
        mandatory=True,
        row_words="postings",
    ),
    Table(
        "cost_centre_map",
        "The department each cost centre belongs to.",
        {
            "cost_centre": Column("code", "Cost centre.", pattern=r"^[A-Z0-9]{4,8}$"),
            "cost_centre_name": Column("text", "Its name."),
            "department_id": Column("code", "Department."),
            "owner_line_id": _optional("code", "Service line that owns it; blank if shared."),
            "site_code": _optional("code", "Site, five characters."),
        },
        key=("cost_centre",),
        mandatory=True,
    ),
    Table(
        "expense_map",
        "What each expense code is, and how it behaves when activity changes.",
        {
            "expense_code": Column("code", "Subjective code."),
            "name": Column("text", "Its name."),
            "account_type": Column("code", "What the account is.", allowed=ACCOUNT_TYPES),
            "element": _optional("code", "Cost element; for expenditure.", allowed=ELEMENTS),
            "behaviour": _optional(
                "code", "Behaviour.", allowed=("fixed", "semi_fixed", "variable")
            ),
            "variable_share_12m": _optional("number", "Share that varies within 12 months.", "0-1"),
            "variable_share_3y": _optional("number", "Share that varies within 3 years.", "0-1"),
            "variable_share_long": _optional("number", "Share that varies in the long run.", "0-1"),
        },
        key=("expense_code",),
        mandatory=True,
    ),
    Table(
        "departments",
        "Departments and their kind.",
        {
            "department_id": Column("code", "Department.", pattern=DEPARTMENT),
            "name": Column("text", "Its name."),
            "kind": Column("code", "Kind of department.", allowed=DEPARTMENT_KINDS),
            "owner_line_id": _optional(
                "code", "Line that owns it; ET, RD or OTHER for non-patient care; blank if shared."
            ),
            "step_rank": _optional("int", "Place in the step-down order."),
        },
        key=("department_id",),
        mandatory=True,
    ),
    Table(
        "overhead_drivers",
        "How much of each overhead service each department uses.",
        {
            "service_department": Column("code", "The overhead service."),
            "consumer_department": Column("code", "The department that uses it."),
            "driver": Column("code", "What is measured: floor_m2, wte, devices, ..."),
            "quantity": Column("number", "Use, in the driver's unit; zero or more."),
            "driver_set": _optional("code", "base, or an alternative set.", default="base"),
        },
        mandatory=True,
    ),
    Table(
        "cost_pools",
        "How each clinical department's cost is shared between patient events.",
        {
            "pool_id": Column("code", "Pool."),
            "department_id": Column("code", "Department."),
            "element_filter": _optional(
                "text",
                "Elements in the pool, `;` between; `*` or blank is all of them.",
                default="*",
            ),
            "share": Column(
                "number", "Share of those elements; sums to 1 per department and element."
            ),
            "feed": Column("code", "Activity that shares it.", allowed=FEEDS),
            "weight_rule": _optional("code", "How an activity line is weighted."),
            "fallback_feed": _optional("code", "Feed used if the first has no activity."),
            "quality_score": _optional("number", "Quality of the driver: 0, 0.25, 0.5, 0.75, 1."),
            "feed_filter": _optional(
                "text",
                "Values of the feed's own key that belong to the pool, `;` between; blank is all.",
            ),
        },
        key=("pool_id",),
        panel="patient-level costing",
    ),
    Table(
        "control_totals",
        "Totals from the accounts and from the activity returns, to check against.",
        {
            "measure": Column("code", "total_expenditure, total_income, apc_episodes, ..."),
            "value": Column("number", "The total: pounds for money, rows for activity."),
            "source": _optional("text", "Where the total comes from."),
        },
        key=("measure",),
        mandatory=True,
    ),
    Table(
        "contract_income",
        "Income by commissioner and contract element.",
        {
            "commissioner": Column("code", "Commissioner."),
            "element": Column(
                "code",
                "Contract element.",
                allowed=("fixed", "variable", "lva", "pass_through", "other"),
            ),
            "scope_rule": _optional("text", "Points of delivery it covers."),
            "amount": Column("money", "Income of the year.", "pounds"),
        },
        panel="income as contracted",
    ),
    Table(
        "prices",
        "Price of each HRG at each point of delivery.",
        {
            "hrg": Column("code", "HRG."),
            "pod": Column("code", "Point of delivery."),
            "unit_price": Column("money", "Price before the market forces factor.", "pounds"),
            "per_diem": _optional("money", "Price of each day beyond the trim point.", "pounds"),
            "trim_point": _optional("number", "Trim point.", "days"),
            "price_type": _optional("code", "unit, guide or local."),
            "fy": _optional("text", "Financial year of the price."),
        },
        key=("hrg", "pod"),
        panel="income at price",
    ),
    Table(
        "benchmarks",
        "National mean cost and stay.",
        {
            "hrg": Column("code", "HRG."),
            "pod": Column("code", "Point of delivery."),
            "national_mean_cost": Column("money", "National mean unit cost.", "pounds"),
            "national_mean_los": _optional("number", "National mean stay.", "days"),
            "n": _optional("int", "National activity."),
        },
        key=("hrg", "pod"),
        panel="comparison with national mean cost",
    ),
    Table(
        "plan",
        "Plan by line and month.",
        {
            "line_id": Column("code", "Service line."),
            "month": Column("int", "Month, April = 1."),
            "income": Column("money", "Planned income.", "pounds"),
            "direct": Column("money", "Planned direct cost.", "pounds"),
            "indirect": Column("money", "Planned indirect cost.", "pounds"),
            **PLANNED_ACTIVITY,
        },
        key=("line_id", "month"),
        panel="comparison with plan",
    ),
    Table(
        "wip_opening",
        "Cost of unfinished episodes carried in from last year.",
        {
            "episode_id": Column("code", "Episode."),
            "source_department": Column("code", "Department."),
            "element": Column("code", "Cost element.", allowed=ELEMENTS),
            "amount": Column("money", "Cost carried in.", "pounds"),
        },
        level="patient",
        panel="work in progress carried in",
    ),
    Table(
        "trainees",
        "Where trainees and research staff work: what education and research income would follow.",
        {
            "line_id": Column("code", "Service line."),
            "trainee_wte": Column("number", "Trainees.", "whole-time equivalents"),
            "research_wte": _optional("number", "Research staff.", "whole-time equivalents"),
        },
        key=("line_id",),
        panel="education income credited to lines",
    ),
    Table(
        "line_drivers",
        "For a trust without activity feeds: how clinical departments' cost falls on service lines.",
        {
            "department_id": Column("code", "Clinical department."),
            "line_id": Column("code", "Service line."),
            "driver": Column("code", "What is measured."),
            "quantity": Column("number", "Use; zero or more."),
            "driver_set": _optional("code", "base, or an alternative set.", default="base"),
        },
        panel="costing without activity feeds",
    ),
    Table(
        "costed_patients",
        "For a trust whose own system has costed its patients: what each event cost, by the system's names.",
        {
            "event_id": Column(
                "code",
                "Episode or attendance; or UNMATCHED:<line>, ET, RD, OTHER, EXCLUDED for what is no patient's.",
            ),
            "resource": _optional("code", "The system's name of what was used."),
            "activity": _optional("code", "The system's name of what it was used for."),
            "tier": _optional("code", "direct, indirect or overhead; else as cost_names says."),
            "element": _optional("code", "Cost element; else as cost_names says."),
            "source_department": _optional("code", "Department; else as cost_names says."),
            "amount": Column("money", "Cost, whole pence.", "pounds"),
        },
        key=("event_id",),
        large=True,
        level="patient",
        panel="costs of patients from the trust's own costing system",
        row_words="cost records",
    ),
    Table(
        "cost_names",
        "What the names in costed_patients mean here.",
        {
            "resource": Column("code", "The system's name of what was used."),
            "activity": _optional("code", "And for what; blank is every activity without a row."),
            "element": Column("code", "Cost element.", allowed=ELEMENTS),
            "source_department": Column("code", "Department whose ledger holds it."),
            "tier": _optional(
                "code",
                "direct, indirect or overhead; blank: by the department's kind and owner.",
                allowed=("direct", "indirect", "overhead"),
            ),
            "feed": _optional("code", "Kind of activity, as ward or theatre.", allowed=FEEDS),
            "quality_score": _optional("number", "Quality of the measure behind it.", "0-1"),
        },
        panel="costs of patients from the trust's own costing system",
    ),
]

ACTIVITY_TABLES = [
    Table(
        "apc_episodes",
        "Episodes of admitted patients: time under one consultant.",
        {
            "episode_id": Column("code", "Episode."),
            "spell_id": Column("code", "Spell: admission to discharge."),
            "episode_number": Column("int", "Order within the spell."),
            "patient_key": Column("code", "Pseudonym of the patient."),
            "site_code": Column("code", "Site, five characters."),
            "admission_dt": Column("datetime", "Admission."),
            "discharge_dt": Column("datetime", "Discharge; blank if still in hospital."),
            "episode_start_dt": Column("datetime", "Start of the episode."),
            "episode_end_dt": Column("datetime", "End of the episode."),
            "admission_method": Column(
                "code", "How the patient came: 11-13, 21-28, 2A-2D, 31, 32, 81-83."
            ),
            "patient_classification": Column(
                "code", "1 ordinary, 2 day case, 3 regular day, 4 regular night, 5 delivery only."
            ),
            "discharge_method": Column("code", "1-5, 8, 9; 4 = died."),
            "discharge_destination": Column("code", "Two characters; 19 usual home, 79 died."),
            "discharge_ready_date": _optional("date", "Day the patient was ready to leave."),
            "tfc": Column("code", "Treatment function code.", pattern=TFC),
            "consultant_code": Column(
                "code", "Consultant; C9999998 = not known.", pattern=CONSULTANT
            ),
            "hrg_fce": Column("code", "HRG of the episode.", pattern=HRG),
            "hrg_spell": Column("code", "HRG of the spell.", pattern=HRG),
            "primary_diag": _optional("code", "ICD-10, no dot."),
            "primary_proc": _optional("code", "OPCS-4, no dot; blank if none."),
            "age": Column("int", "Age on admission.", "years"),
            "sex": Column("code", "1 male, 2 female, 9 not specified, 0 not known."),
            "imd_decile": _optional("int", "Deprivation decile; 1 = most deprived."),
            "admin_category": Column("code", "01 NHS, 02 private, 03 amenity, 04 other."),
            "commissioner": Column("code", "Who pays."),
        },
        key=("episode_id",),
        mandatory=True,
        large=True,
        level="patient",
        row_words="episodes",
    ),
    Table(
        "op_attendances",
        "Outpatient appointments.",
        {
            "attendance_id": Column("code", "Attendance."),
            "patient_key": Column("code", "Pseudonym of the patient."),
            "appointment_dt": Column("datetime", "Appointment."),
            "tfc": Column("code", "Treatment function code.", pattern=TFC),
            "consultant_code": Column("code", "Consultant.", pattern=CONSULTANT),
            "first_attendance": Column(
                "code",
                "1 first, 2 follow-up, 3 first by phone or video, 4 follow-up by phone or video.",
            ),
            "attended": Column(
                "code", "5, 6 seen; 7 late, not seen; 2, 4 cancelled; 3 did not attend."
            ),
            "booked_minutes": Column("number", "Booked time.", "minutes"),
            "actual_minutes": _optional("number", "Time taken.", "minutes"),
            "hrg": Column("code", "HRG.", pattern=HRG),
            "procedure_flag": Column("code", "1 if a procedure was done, else 0."),
            "admin_category": Column("code", "01 NHS, 02 private, 03 amenity, 04 other."),
            "commissioner": Column("code", "Who pays."),
            "referral_source_event": _optional("code", "Event that led to the referral."),
        },
        key=("attendance_id",),
        mandatory=True,
        large=True,
        level="patient",
        row_words="appointments",
    ),
    Table(
        "ed_attendances",
        "Emergency department attendances.",
        {
            "attendance_id": Column("code", "Attendance."),
            "patient_key": Column("code", "Pseudonym of the patient."),
            "department_type": Column("code", "01-05."),
            "arrival_dt": Column("datetime", "Arrival."),
            "departure_dt": Column("datetime", "Departure."),
            "acuity": Column("int", "1 (immediate) to 5 (non-urgent)."),
            "hrg": Column("code", "HRG.", pattern=HRG),
            "admitted_spell_id": _optional("code", "Spell the patient was admitted to."),
            "consultant_code": _optional("code", "Consultant."),
        },
        key=("attendance_id",),
        large=True,
        level="patient",
        panel="emergency department attendances",
        row_words="attendances",
    ),
    Table(
        "ward_stays",
        "Stays on wards.",
        {
            "stay_id": Column("code", "Ward stay."),
            "spell_id": Column("code", "Spell."),
            "ward_id": Column("code", "Ward."),
            "start_dt": Column("datetime", "Start."),
            "end_dt": Column("datetime", "End; blank if still on the ward."),
            "acuity_weight": _optional("number", "Nursing weight; 1 is usual.", default="1.0"),
        },
        key=("stay_id",),
        mandatory=True,
        large=True,
        level="patient",
        row_words="ward stays",
    ),
    Table(
        "theatre_cases",
        "Operations.",
        {
            "case_id": Column("code", "Case."),
            "spell_id": Column("code", "Spell."),
            "theatre_id": Column("code", "Theatre."),
            "session_type": _optional("code", "elective or emergency."),
            "into_dt": Column("datetime", "Into theatre."),
            "out_dt": Column("datetime", "Out of theatre."),
            "setup_minutes": _optional("number", "Setting up.", "minutes", default="0"),
            "recovery_minutes": _optional("number", "In recovery.", "minutes", default="0"),
            "surgeon_code": _optional("code", "Surgeon."),
            "anaesthetist_code": _optional("code", "Anaesthetist."),
            "team_weight": _optional("number", "Size of the team; 1 is usual.", default="1.0"),
        },
        key=("case_id",),
        large=True,
        level="patient",
        panel="theatre time by patient",
    ),
    Table(
        "critical_care",
        "Periods of critical care.",
        {
            "cc_id": Column("code", "Period."),
            "spell_id": Column("code", "Spell."),
            "unit_id": Column("code", "Unit."),
            "start_dt": Column("datetime", "Start."),
            "end_dt": Column("datetime", "End."),
            "organs_supported": Column("int", "Organs supported, 0-7."),
        },
        key=("cc_id",),
        large=True,
        level="patient",
        panel="critical care by patient",
    ),
    Table(
        "tests",
        "Diagnostic tests and images.",
        {
            "test_id": Column("code", "Test."),
            "patient_key": Column("code", "Pseudonym of the patient."),
            "spell_or_attendance_id": _optional("code", "Spell, episode or attendance it was for."),
            "requested_dt": Column("datetime", "When it was asked for."),
            "discipline": Column("code", "Pathology, imaging, ..."),
            "test_code": Column("code", "Test code."),
            "count": Column("int", "How many."),
            "requesting_tfc": _optional("code", "Treatment function that asked."),
        },
        key=("test_id",),
        large=True,
        level="patient",
        panel="tests by patient",
    ),
    Table(
        "drug_issues",
        "Drugs issued.",
        {
            "issue_id": Column("code", "Issue."),
            "patient_key": _optional("code", "Pseudonym of the patient."),
            "spell_or_attendance_id": _optional("code", "Spell, episode or attendance."),
            "issue_dt": Column("datetime", "When."),
            "product": Column("code", "Product."),
            "cost": _optional("money", "Cost.", "pounds"),
            "high_cost_flag": _optional("code", "1 for a high-cost drug, traced to the patient."),
        },
        key=("issue_id",),
        large=True,
        level="patient",
        panel="drugs by patient",
    ),
    Table(
        "implants",
        "Implants and devices used.",
        {
            "implant_id": Column("code", "Implant."),
            "spell_id": Column("code", "Spell."),
            "used_dt": Column("datetime", "When."),
            "product": Column("code", "Product."),
            "cost": Column("money", "Cost.", "pounds"),
        },
        key=("implant_id",),
        large=True,
        level="patient",
        panel="implants by patient",
    ),
    Table(
        "therapy_contacts",
        "Therapists' time with patients.",
        {
            "contact_id": Column("code", "Contact."),
            "patient_key": Column("code", "Pseudonym of the patient."),
            "spell_or_attendance_id": Column("code", "Spell, episode or attendance."),
            "start_dt": Column("datetime", "When."),
            "minutes": Column("number", "Time.", "minutes"),
            "profession": Column("code", "Profession."),
            "grade": _optional("code", "Grade."),
        },
        key=("contact_id",),
        large=True,
        level="patient",
        panel="therapies by patient",
    ),
    Table(
        "relative_weights",
        "Relative cost of one unit of each test, therapy or product.",
        {
            "feed": Column("code", "Feed."),
            "code": Column("code", "Test code, profession or product."),
            "weight": Column("number", "Relative weight, above zero."),
        },
        key=("feed", "code"),
        panel="relative weights of tests and therapies",
    ),
]

PEOPLE_TABLES = [
    Table(
        "service_lines",
        "Service lines: the units that the report is about.",
        {
            "line_id": Column("code", "Service line."),
            "line_name": Column("text", "Its name."),
            "division": Column("text", "Division."),
            "adopted_slm_date": _optional("date", "When it began service-line management."),
            "population_obligation": _optional(
                "code",
                "Duty to provide.",
                allowed=("none", "commissioner_requested", "emergency_core"),
            ),
        },
        key=("line_id",),
        mandatory=True,
    ),
    Table(
        "service_line_map",
        "Which line an event belongs to. Blank matches all; the lowest priority number wins.",
        {
            "priority": Column("int", "Lowest wins."),
            "site_code": _optional("code", "Site."),
            "ward_id": _optional("code", "Ward."),
            "tfc": _optional("code", "Treatment function code."),
            "consultant_code": _optional("code", "Consultant."),
            "admin_category": _optional("code", "Administrative category."),
            "line_id": Column("code", "Service line."),
        },
        mandatory=True,
    ),
    Table(
        "consultants",
        "Consultants, under a pseudonym.",
        {
            "consultant_code": Column("code", "Consultant.", pattern=CONSULTANT),
            "pseudonym": Column("text", "Name in the report, as Cons-01."),
            "main_tfc": _optional("code", "Main treatment function."),
            "line_id": Column("code", "Service line."),
            "start_date": _optional("date", "In post from."),
            "end_date": _optional("date", "In post to."),
            "is_line_lead": _optional("bool", "Leads the line."),
            "lead_from": _optional("date", "Lead from."),
            "lead_to": _optional("date", "Lead to."),
        },
        key=("consultant_code",),
        mandatory=True,
        level="consultant",
    ),
    Table(
        "job_plans",
        "Consultants' programmed activities.",
        {
            "consultant_code": Column("code", "Consultant."),
            "from": Column("date", "From."),
            "to": _optional("date", "To."),
            "activity": Column(
                "code", "ward, theatre, clinic, ed, oncall, admin_clinical, spa, ..."
            ),
            "pas": Column("number", "Programmed activities a week.", "PAs of 4 hours"),
        },
        level="consultant",
        panel="medical time by job plan",
    ),
    Table(
        "outcomes",
        "What happened to the patient.",
        {
            "event_id": Column("code", "Spell or attendance."),
            "measure": Column(
                "code",
                "readmit_30d, death_30d, return_theatre, complication (1 happened, 0 did not), prom_gain "
                "(points, the more the better) or fft (1 found the care good or very good, 0 did not).",
            ),
            "value": Column("number", "Outcome: 0 or 1, or a score."),
            "expected": _optional("number", "Expected value for such a patient."),
        },
        key=("event_id", "measure"),
        large=True,
        level="patient",
        panel="outcomes beside cost",
    ),
    Table(
        "decision_rights",
        "Who decides what.",
        {
            "line_id": Column("code", "Service line."),
            "element": _optional("code", "Cost element."),
            "department": _optional("code", "Department."),
            "decision": Column(
                "code", "hire, rota, theatre_list, ward, procure, price, capital or admin."
            ),
            "holder": Column("code", "line, shared, division or corporate."),
            "from": _optional("date", "From."),
            "to": _optional("date", "To."),
        },
        panel="accountability against control",
    ),
    Table(
        "corrections",
        "Corrections that the trust has agreed.",
        {
            "file": Column("code", "File."),
            "key": Column("code", "Key of the row."),
            "column": Column("code", "Column."),
            "old": _optional("text", "Value as received."),
            "new": _optional("text", "Corrected value."),
            "reason": Column("text", "Why."),
            "raised_by": _optional("text", "Who asked."),
            "date": _optional("date", "When."),
            "status": _optional(
                "code", "open: a question, not put in yet; blank or agreed: put in."
            ),
        },
        level="patient",
        panel="corrections",
    ),
    Table(
        "outlier_review",
        "What the trust has decided about earlier findings.",
        {
            "review_id": Column("code", "Review."),
            "subject": Column("code", "Consultant, ward or group."),
            "status": Column("text", "Status."),
            "reason_code": _optional("code", "W1-W8."),
            "action": _optional("text", "Action."),
            "owner": _optional("text", "Owner."),
            "value": _optional("money", "Value agreed.", "pounds"),
            "date": _optional("date", "When."),
        },
        level="consultant",
        panel="tracking of earlier findings",
    ),
]

INPUTS: dict[str, Table] = {
    table.name: table for table in [*MONEY_TABLES, *ACTIVITY_TABLES, *PEOPLE_TABLES]
}
# What tells that a trust has activity feeds; without any of them the run is in `slr` mode.
ACTIVITY_EVENTS = ("apc_episodes", "op_attendances", "ed_attendances", "ward_stays")
# A trust with this file brings its patients' costs with it (`costed` mode), and needs only these files
# beside the ledger's.
COSTED_FILE = "costed_patients"
COSTED_MANDATORY = ("apc_episodes", "service_line_map", "consultants")
# Files that only a patient-level (`plics`) run must have.
PLICS_MANDATORY = (
    "cost_pools", "apc_episodes", "op_attendances", "ward_stays", "service_line_map", "consultants",
)  # fmt: skip
