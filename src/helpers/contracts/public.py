"""The tables of the public edition: the only ones that may be written to it, with these columns only.

A table or a column that is not named here does not get in, whatever it holds.
"""

from __future__ import annotations

from helpers.contracts.define import define_table, in_pence
from helpers.contracts.model import Table

LINE = ("code", "Service line; TOGETHER for lines too small to stand alone; TRUST for the trust.")
HIDDEN = (
    "text",
    "Columns of the row that are hidden, spaces between; they are empty here, * in CSV.",
)
ROUNDED = "rounded to 5"


def _public(name: str, meaning: str, columns: dict[str, tuple], key: str) -> Table:
    return define_table(name, meaning, columns, key, "public")


PUBLIC_TABLES = [
    _public(
        "public_facts",
        "What the public edition says of the trust and the run.",
        {"fact": ("code", "Fact."), "value": ("text", "Its value.")},
        "fact",
    ),
    _public(
        "public_lines",
        "Income, cost and surplus of each service line as published.",
        {
            "line_id": LINE,
            "line_name": ("text", "Name."),
            "n_events": ("int", "Episodes and attendances.", ROUNDED),
            "income_pence": in_pence("Income."),
            "direct_pence": in_pence("Direct cost above EBITDA."),
            "indirect_pence": in_pence("Indirect cost above EBITDA."),
            "overhead_pence": in_pence("Overhead above EBITDA."),
            "below_ebitda_pence": in_pence("Capital charges."),
            "full_cost_pence": in_pence("All cost."),
            "contribution_pence": in_pence("Income less direct and indirect cost."),
            "surplus_pence": in_pence("Income less all cost."),
            "min_pence": in_pence("Lowest surplus under any rule tried."),
            "max_pence": in_pence("Highest surplus under any rule tried."),
            "n_rules": ("int", "Rules tried."),
            "class": ("code", "funder, covers_care or below_care."),
            "sign_label": ("code", "stable, mostly_stable or rule_dependent."),
            "grade": ("code", "Grade of credibility, A to E; blank for lines put together."),
            "score": ("number", "Score of credibility, two decimals.", "0-1"),
            "traced_prop": ("number", "Share of cost traced to patients, whole per cent.", "0-1"),
            "averaged_prop": ("number", "Share of cost averaged on activity.", "0-1"),
            "apportioned_prop": ("number", "Share of cost apportioned as overhead.", "0-1"),
        },
        "line_id",
    ),
    _public(
        "public_totals",
        "Money of the whole trust: its statement, what is no service line, and the cross-subsidy.",
        {
            "measure": (
                "code",
                "Row, as I, C1, T4; ET, RD, OTHER, NOT_ATTRIBUTED; volume and the like.",
            ),
            "label": ("text", "In words."),
            "amount_pence": in_pence("Amount."),
        },
        "measure",
    ),
    _public(
        "public_funding",
        "Who funds whom among the lines as published.",
        {
            "funder_line_id": ("code", "Line in surplus."),
            "receiver_line_id": ("code", "Line in deficit."),
            "amount_pence": in_pence("What the one gives the other."),
        },
        "funder_line_id receiver_line_id",
    ),
    _public(
        "public_funding_lines",
        "What each line as published gives and keeps, or receives and leaves unfunded.",
        {
            "line_id": LINE,
            "line_name": ("text", "Name."),
            "surplus_pence": in_pence("Surplus."),
            "given_pence": in_pence("Given to lines in deficit."),
            "retained_pence": in_pence("Kept."),
            "received_pence": in_pence("Received from lines in surplus."),
            "unfunded_pence": in_pence("Deficit that no line pays for."),
        },
        "line_id",
    ),
    _public(
        "public_activity",
        "Activity, income and cost by line and point of delivery; small cells hidden.",
        {
            "line_id": LINE,
            "pod": ("code", "Point of delivery; REST for cost and income that is none."),
            "n_events": ("int", "Episodes or attendances.", ROUNDED),
            "n_spells": ("int", "Completed spells.", ROUNDED),
            "bed_days": ("int", "Bed days.", ROUNDED),
            "income_pence": in_pence("Income at price."),
            "cost_pence": in_pence("Full cost."),
            "hidden": HIDDEN,
        },
        "line_id pod",
    ),
    _public(
        "public_long_stays",
        "Share of bed days taken by long stays.",
        {
            "line_id": LINE,
            "threshold_days": ("int", "Stays of so many days or more.", "days"),
            "share_prop": ("number", "Share of the line's bed days, whole per cent.", "0-1"),
            "hidden": HIDDEN,
        },
        "line_id threshold_days",
    ),
    _public(
        "public_stay_months",
        "The trust's bed days by month against those expected of the casemix.",
        {
            "month": ("code", "Month, as 2024-04."),
            "ratio": ("number", "Observed over expected."),
            "centre": ("number", "Mean of the months."),
            "low": ("number", "Lower limit of the XmR chart."),
            "high": ("number", "Upper limit of the XmR chart."),
            "signal": ("code", "high, low, run or blank."),
        },
        "month",
    ),
    _public(
        "public_variation",
        "How much consultants of a line differ by nature; no consultant's own figure.",
        {
            "line_id": LINE,
            "measure": ("code", "cost or los."),
            "n_consultants": ("int", "Consultants with enough spells.", ROUNDED),
            "tau": ("number", "One standard deviation between consultants, log units."),
            "hidden": HIDDEN,
        },
        "line_id measure",
    ),
    _public(
        "public_findings",
        "Numbers of consultants compared and named, and the saving where eight or more carry it.",
        {
            "measure": ("code", "n_tested, n_named or saving_pence."),
            "amount": ("int", "Number, rounded to 5, or whole pence."),
            "hidden": HIDDEN,
        },
        "measure",
    ),
    _public(
        "public_accounts",
        "Rows of each file, and how many were set aside, in bands.",
        {
            "file": ("code", "Input file."),
            "n_read": ("int", "Rows read.", ROUNDED),
            "set_aside": ("text", "Share set aside: in a band."),
            "hidden": HIDDEN,
        },
        "file",
    ),
    _public(
        "public_checks",
        "Identities of the run and whether they hold; their amounts are in the analyst's report.",
        {
            "id": ("code", "Identity."),
            "description": ("text", "What is compared."),
            "passed": ("bool", "It holds to the penny."),
        },
        "id description",
    ),
    _public(
        "public_trusts",
        "Trusts that have a public edition for the year, side by side; from public tables alone.",
        {
            "trust": ("code", "Trust (ODS code)."),
            "trust_name": ("text", "Name."),
            "income_pence": in_pence("Income of the service lines."),
            "n_lines": ("int", "Lines as published."),
            "n_surplus": ("int", "Lines that earn at least their full cost."),
            "n_rule_dependent": ("int", "Lines whose sign depends on the rule."),
            "subsidy_pence": in_pence("Deficits that other lines' surpluses pay for."),
            "subsidy_prop": ("number", "The same as a share of the lines' income.", "0-1"),
            "subsidy_low_prop": ("number", "Smallest share under any rule tried.", "0-1"),
            "subsidy_high_prop": ("number", "Largest share under any rule tried.", "0-1"),
        },
        "trust",
    ),
    _public(
        "public_trust_lines",
        "Service lines of every trust that has a public edition for the year.",
        {
            "trust": ("code", "Trust (ODS code)."),
            "line_id": LINE,
            "line_name": ("text", "Name."),
            "income_pence": in_pence("Income."),
            "surplus_pence": in_pence("Income less all cost."),
            "margin_prop": ("number", "Surplus over income.", "0-1"),
            "sign_label": ("code", "stable, mostly_stable or rule_dependent."),
            "grade": ("code", "Grade of credibility, A to E."),
        },
        "trust line_id",
    ),
]
PUBLIC = {table.name: table for table in PUBLIC_TABLES}
