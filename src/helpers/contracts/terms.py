"""The closed lists of the method: elements, tiers, kinds, points of delivery, special lines."""

from __future__ import annotations

ELEMENTS_ABOVE_EBITDA = (
    "PAY_MEDICAL", "PAY_NURSING", "PAY_AHP_SCI", "PAY_OTHER",
    "DRUGS", "CLIN_SUPPLIES", "OTHER_NONPAY", "CNST",
)  # fmt: skip
ELEMENTS_BELOW_EBITDA = ("DEPRECIATION", "PDC", "INTEREST", "IMPAIRMENT")
ELEMENTS = ELEMENTS_ABOVE_EBITDA + ELEMENTS_BELOW_EBITDA

TIERS = ("direct", "indirect", "overhead")
DEPARTMENT_KINDS = ("service", "clinical", "non_patient_care", "excluded")
FINAL_KINDS = ("clinical", "non_patient_care")
ACCOUNT_TYPES = (
    "expenditure", "clinical_income", "nonnhs_income", "et_income", "rd_income",
    "other_income", "balance_sheet", "excluded",
)  # fmt: skip
INCOME_TYPES = ("clinical_income", "nonnhs_income", "et_income", "rd_income", "other_income")
METHODS = ("reciprocal", "step_down", "direct")
FEEDS = (
    "ward", "theatre", "recovery", "clinic", "ed", "critical_care", "tests", "therapies",
    "drugs", "high_cost_drugs", "implants", "medical",
)  # fmt: skip

# Columns of the statement that are not service lines.
UNMAPPED = "UNMAPPED"
UNMATCHED = "UNMATCHED"  # as UNMATCHED:<line_id>
EDUCATION, RESEARCH, OTHER, EXCLUDED = "ET", "RD", "OTHER", "EXCLUDED"
NON_PATIENT_LINES = (EDUCATION, RESEARCH, OTHER, EXCLUDED)

PODS = {
    "EL": "Elective inpatient",
    "DC": "Day case",
    "RDN": "Regular day or night",
    "NEL": "Emergency, two days or more",
    "NES": "Emergency, short stay",
    "NELNE": "Maternity and other non-elective",
    "OPFA": "Outpatient first",
    "OPFU": "Outpatient follow-up",
    "OPPROC": "Outpatient procedure",
    "ED": "Emergency department",
    "CC": "Critical care",
    "PRIV": "Private patient",
    "DNA": "Missed appointment",  # only where the trust costs them
}
CRITICAL_CARE, PRIVATE_CARE, MISSED = "CC", "PRIV", "DNA"

CLASSES = {
    "funder": "Funder: earns more than its full cost",
    "covers_care": "Covers its care, not its share of overheads",
    "below_care": "Does not cover its own care",
}
SIGN_LABELS = {
    "stable": "Stable: the same sign under every rule",
    "mostly_stable": "Mostly stable: the same sign under at least 80% of rules",
    "rule_dependent": "Rule-dependent: the sign depends on the rule",
}


def find_own_line(line_id: str) -> str:
    """Return the line under which a column is shown: `UNMATCHED:GENMED` is part of `GENMED`."""
    return line_id.removeprefix(f"{UNMATCHED}:")


# Statuses of a review or a question that mean that it has ended.
CLOSED = ("closed", "resolved", "rejected", "done", "agreed", "complete", "completed", "withdrawn")
# Reasons that take a difference between consultants out of the saving once a review is closed with one.
WARRANTED = ("W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8")

# How the remark on a file begins that another way of costing would need, and this one does not.
NOT_NEEDED = "Not needed"
