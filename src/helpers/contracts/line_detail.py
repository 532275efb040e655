"""Tables that service line costing writes of what is inside a line, and of plan and year before."""

from __future__ import annotations

from helpers.contracts.define import LINE, define_table, in_pence

_CASES = {
    "n_events": ("int", "Episodes and attendances; periods of critical care."),
    "n_cases": (
        "int",
        "Completed spells that it discharged, and attendances; days of critical care.",
    ),
    "income_pence": in_pence("Income at price, private income included."),
    "controllable_pence": in_pence("Direct and indirect cost above EBITDA."),
    "overhead_pence": in_pence("Overhead above EBITDA."),
    "below_ebitda_pence": in_pence("Capital charges of every tier."),
    "full_cost_pence": in_pence("All cost of the year."),
    "n_whole": ("int", "Of the cases: those whose cost is known from first day to last."),
    "whole_cost_pence": in_pence("Their cost, what was carried in included."),
    "margin_pence": in_pence("Income less all cost of the year."),
}

INSIDE = [
    define_table(
        "line_hrgs",
        "Each line by point of delivery and HRG, critical care by days and organs supported; rows of a line add up "
        "to its events.",
        {
            "line_id": LINE,
            "pod": ("code", "Point of delivery; of the spell, for admitted patients."),
            "hrg": ("code", "HRG; of the spell, for admitted patients; blank if not known."),
            **_CASES,
            "critical_care_pence": in_pence(
                "Direct and indirect cost of its patients in critical care: not in the cost here, but under CC."
            ),
        },
        "line_id pod hrg",
    ),
    define_table(
        "critical_care_income",
        "What each period of critical care of an NHS patient earns: no part of its episode's income.",
        {
            "cc_id": ("code", "Period."),
            "event_id": ("code", "The episode it began in."),
            "line_id": LINE,
            "hrg": ("code", "XC01Z (six organs supported or more) to XC07Z (none)."),
            "days": ("int", "Days within the year, the first and the last among them.", "days"),
            "income_pence": in_pence("Days at price; nought without a price."),
        },
        "cc_id",
        "patient",
        large=True,
    ),
    define_table(
        "critical_care_costs",
        "Cost of each period of critical care of an NHS patient: part of its episode's cost.",
        {
            "cc_id": ("code", "Period."),
            "event_id": ("code", "The episode it was matched to."),
            "line_id": LINE,
            "controllable_pence": in_pence("Direct and indirect cost above EBITDA."),
            "overhead_pence": in_pence("Overhead above EBITDA."),
            "below_ebitda_pence": in_pence("Capital charges of every tier."),
            "full_cost_pence": in_pence("All of it."),
        },
        "cc_id",
        "patient",
        large=True,
    ),
    define_table(
        "line_consultants",
        "Each line by consultant; rows of a line add up to its events.",
        {"line_id": LINE, "consultant_code": ("code", "Consultant."), **_CASES},
        "line_id consultant_code",
        "consultant",
    ),
    define_table(
        "line_commissioners",
        "Each line by commissioner; rows of a line add up to its events.",
        {
            "line_id": LINE,
            "commissioner": (
                "code",
                "Who pays; blank if not recorded, as for emergency attendances.",
            ),
            **_CASES,
        },
        "line_id commissioner",
    ),
    define_table(
        "line_months",
        "What each line completed in each month, and its cost.",
        {
            "line_id": LINE,
            "month": ("int", "Month in which episodes ended and attendances began, April = 1."),
            "n_spells": ("int", "Spells it discharged."),
            "n_attendances": ("int", "Outpatient and emergency attendances."),
            "income_pence": in_pence("Income at price, private income included."),
            "in_year_pence": in_pence("Their cost in the year."),
            "opening_pence": in_pence("Their cost carried in from the year before."),
            "completed_pence": in_pence("Both."),
        },
        "line_id month",
    ),
    define_table(
        "line_wip",
        "Work in progress of each line: the year's cost = completed + carried out - carried in.",
        {
            "line_id": LINE,
            "n_open": ("int", "Episodes not ended by the last day."),
            "n_carried_in": ("int", "Episodes that brought cost from the year before."),
            "opening_pence": in_pence("Carried in."),
            "closing_pence": in_pence("Carried out."),
            "completed_pence": in_pence("Cost of what was completed, in twelve months."),
            "movement_pence": in_pence("Carried out less carried in."),
        },
        "line_id",
    ),
    define_table(
        "wip_closing",
        "What unfinished episodes have cost: next year's wip_opening.",
        {
            "episode_id": ("code", "Episode."),
            "line_id": LINE,
            "source_department": ("code", "Department whose ledger holds the cost."),
            "element": ("code", "Cost element."),
            "amount_pence": in_pence("Cost so far, what was carried in included."),
            "amount": ("number", "The same.", "pounds"),
        },
        "episode_id line_id source_department element",
        "patient",
        large=True,
    ),
    define_table(
        "unit_costs",
        "Full cost of a spell, a bed day, an attendance, a theatre minute and a day in critical care, by line.",
        {
            "line_id": LINE,
            "unit": (
                "code",
                "spell, bed_day, op_attendance, ed_attendance, theatre_minute or critical_care_day.",
            ),
            "n_units": ("number", "How many: whole spells, nights, attendances, weighted minutes."),
            "cost_pence": in_pence("Their full cost, what was carried in included."),
            "cost_gbp_per_unit": ("number", "Cost of one.", "pounds"),
        },
        "line_id unit",
    ),
    define_table(
        "medical_time",
        "How doctors' time is weighed in each line: by job plan, or by a plain rule.",
        {
            "line_id": LINE,
            "place": ("code", "ward, theatre, clinic or ed."),
            "pas": ("number", "Planned there, on-call with wards.", "PAs of 4 hours a week"),
            "recorded_minutes": ("number", "Recorded there in the year.", "minutes"),
            "planned_minutes": (
                "number",
                "Weight it has: planned time, support time in it.",
                "minutes",
            ),
            "weight_per_minute": ("number", "Weight of one recorded minute.", "minutes"),
            "is_planned": ("bool", "The line has job plans that say so."),
        },
        "line_id place",
    ),
    define_table(
        "education_subsidy",
        "Each line's surplus with education and research income apart, and credited to lines.",
        {
            "line_id": ("code", "Service line, ET or RD."),
            "separate_pence": in_pence("Surplus with that income in columns ET and RD."),
            "credited_pence": in_pence("Surplus with it credited by trainees and research staff."),
            "hidden_pence": in_pence(
                "The second less the first; adds up to nothing over all rows."
            ),
        },
        "line_id",
    ),
    define_table(
        "line_against_plan",
        "Each line beside its plan, and beside the report of the year before.",
        {
            "line_id": ("code", "Service line, or a column beside the lines."),
            "basis": ("code", "plan or prior."),
            "measure": (
                "code",
                "income, direct, indirect, contribution, overhead, capital or surplus.",
            ),
            "actual_pence": in_pence("This year."),
            "compared_pence": in_pence("Plan, or the year before."),
            "difference_pence": in_pence("The first less the second."),
        },
        "line_id basis measure",
    ),
    define_table(
        "line_activity_plan",
        "Each line's activity beside its plan, by point of delivery that is planned.",
        {
            "line_id": ("code", "Service line."),
            "pod": ("code", "Point of delivery."),
            "planned_cases": ("number", "Planned for the months that the plan holds.", "cases"),
            "n_cases": ("int", "Spells that the line discharged, and attendances, of the year."),
            "difference_cases": ("number", "The second less the first.", "cases"),
            "income_effect_pence": in_pence(
                "What the difference earns at this year's mean income of a case; 0 without a case."
            ),
        },
        "line_id pod",
    ),
    define_table(
        "line_bridge",
        "Why each line's surplus changed from the year before; the terms add up to the change.",
        {
            "line_id": LINE,
            "before_pence": in_pence("Surplus of the year before."),
            "price_pence": in_pence("Income a case changed."),
            "volume_pence": in_pence(
                "More or fewer cases of each way of care, at its margin of the year before."
            ),
            "mix_pence": in_pence(
                "Cases moved between the HRGs of a way of care; new ones and gone ones."
            ),
            "unit_cost_pence": in_pence("Direct and indirect cost a case changed."),
            "overhead_pence": in_pence("Overhead and capital charges changed."),
            "other_pence": in_pence("All else: cost without a patient, income without a case."),
            "after_pence": in_pence("Surplus of this year."),
        },
        "line_id",
    ),
]
