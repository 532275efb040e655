"""The tables of a report made from published figures alone."""

from __future__ import annotations

from helpers.contracts.define import define_table, in_pence

ORG = ("code", "Organisation (ODS code), or ENGLAND.")
YEAR = ("code", "Financial year, as 2022/23.")
LINE = ("code", "Service line of the published basis (data/reference/published_lines.csv).")
SETTING = ("code", "Setting of care (data/reference/published_settings.csv).")
CURRENCY = ("code", "Currency: an HRG, or another unit of the cost collection.")


PUBLISHED = [
    define_table(
        "published_files",
        "Files found in the folder of published files, and what each is.",
        {
            "file": ("code", "File, with the archive it was in."),
            "kind": ("code", "What it is; blank if it is not known."),
            "year": ("code", "Financial year, where the file is of one."),
            "words": ("text", "What it is in words, or why it is not used."),
        },
        "file",
        "trust",
    ),
    define_table(
        "published_accounts",
        "Rows and pounds of each cost file, kept or set aside, with the reason.",
        {
            "file": ("code", "File."),
            "year": YEAR,
            "reason": ("code", "Why rows were set aside; blank if kept."),
            "words": ("text", "The reason in words."),
            "n_rows": ("int", "Rows."),
            "n_suppressed": ("int", "Rows with a figure hidden by the publisher (*)."),
            "n_cost_only": ("int", "Rows with a cost and no activity."),
            "cost_pence": in_pence("Cost of these rows."),
        },
        "file year reason",
        "trust",
    ),
    define_table(
        "published_totals",
        "The publisher's own totals beside totals of the rows.",
        {
            "file": ("code", "File."),
            "sheet": ("text", "Sheet."),
            "item": ("text", "What the total is of."),
            "measure": ("code", "activity, unit cost or total cost."),
            "stated": ("number", "As published.", "units or pounds"),
            "recomputed": ("number", "From the rows.", "units or pounds"),
            "difference": ("number", "Stated less recomputed.", "units or pounds"),
            "agrees": ("bool", "They agree to a millionth."),
        },
        "file sheet item measure",
        "trust",
    ),
    define_table(
        "published_facts",
        "What this report is based on, fact by fact.",
        {"fact": ("code", "Fact."), "value": ("text", "Its value.")},
        "fact",
        "trust",
    ),
    define_table(
        "published_cells",
        "Cost and activity of every organisation in the year.",
        {
            "year": YEAR,
            "org_code": ORG,
            "setting": SETTING,
            "service_code": ("code", "Treatment function or other service, where published."),
            "currency_code": CURRENCY,
            "line_id": LINE,
            "activity": ("number", "Episodes, attendances, days or tests.", "units"),
            "cost_pence": in_pence("Cost."),
            "cost_only_pence": in_pence("Cost of rows whose activity is hidden."),
            "bed_days": ("number", "Bed days, where published.", "days"),
            "length_of_stay": ("number", "Average stay, where published.", "days"),
            "expected_gbp": ("number", "Expected cost as the publisher states it.", "pounds"),
            "n_rows": ("int", "Published rows."),
            "is_adjusted": ("bool", "Cost is divided by the market forces factor already."),
            "is_suppressed": ("bool", "A figure is hidden by the publisher."),
        },
        "org_code setting service_code currency_code line_id year",
    ),
    define_table(
        "published_compared",
        "The organisation's cells with the national mean, price and income.",
        {
            "setting": SETTING,
            "service_code": ("code", "Treatment function or other service, where published."),
            "currency_code": CURRENCY,
            "line_id": LINE,
            "activity": ("number", "Episodes, attendances, days or tests.", "units"),
            "cost_pence": in_pence("Cost."),
            "observed_pence": in_pence("Cost of rows with activity."),
            "mean_gbp": (
                "number",
                "National mean a unit, before the market forces factor.",
                "pounds",
            ),
            "compared_at": (
                "code",
                "service, setting, currency or none: how alike the mean's care is.",
            ),
            "expected_pence": in_pence("Activity x national mean x market forces factor."),
            "price_gbp": ("number", "Price a unit, before the market forces factor.", "pounds"),
            "income_pence": in_pence(
                "Activity x price x market forces factor; missing without a price."
            ),
            "priced_cost_pence": in_pence("Cost of priced activity."),
            "why_unpriced": ("code", "Why there is no price; blank if there is."),
        },
        "setting service_code currency_code line_id",
    ),
    *(
        define_table(
            f"published_{name}",
            f"Cost, income at price and margin by {words}.",
            {
                key: about,
                "cost_pence": in_pence("Cost."),
                "priced_cost_pence": in_pence("Cost of activity with a price."),
                "unpriced_cost_pence": in_pence("Cost without a price."),
                "income_pence": in_pence("Income at published prices."),
                "margin_pence": in_pence("Income at price less cost of priced activity."),
                "level_income_pence": in_pence(
                    "Priced cost of the organisation, shared in proportion to income."
                ),
                "level_margin_pence": in_pence("That less cost of priced activity."),
                "sign_label": ("code", "stable, depends or none."),
            },
            key,
        )
        for name, words, key, about in (
            ("lines", "line", "line_id", LINE),
            ("settings", "setting", "setting", SETTING),
            (
                "line_settings",
                "line and setting",
                "line_setting",
                ("code", "Line and setting, with | between."),
            ),
        )
    ),
    define_table(
        "published_index",
        "Cost over expected cost by line, and for ALL.",
        {
            "line_id": LINE,
            "n_currencies": ("int", "Currencies compared."),
            "observed_pence": in_pence("Cost of what could be compared."),
            "expected_pence": in_pence("Expected cost."),
            "index_ratio": ("number", "Observed over expected.", "ratio"),
            "log_error": ("number", "Standard error on the log scale; missing below 5 currencies."),
            "ci_low": ("number", "Lower end of the 95% interval.", "ratio"),
            "ci_high": ("number", "Upper end of the 95% interval.", "ratio"),
        },
        "line_id",
    ),
    define_table(
        "published_stays",
        "Days in bed by line against the national mean of the same currencies.",
        {
            "line_id": LINE,
            "n_currencies": ("int", "Currencies compared."),
            "episodes": ("number", "Episodes.", "episodes"),
            "days": ("number", "Bed days.", "days"),
            "expected_days": ("number", "Bed days at the national mean.", "days"),
        },
        "line_id",
    ),
    define_table(
        "published_beds",
        "Average occupied overnight beds by specialty (KH03).",
        {
            "specialty_code": ("code", "Specialty."),
            "specialty": ("text", "Its name."),
            "period": ("text", "Quarter's last month and year."),
            "beds": ("number", "Average occupied beds.", "beds"),
        },
        "period specialty_code",
    ),
    define_table(
        "published_review",
        "The trust's unit costs beside those of every other trust, currency by currency.",
        {
            "setting": SETTING,
            "currency_code": CURRENCY,
            "line_id": LINE,
            "n_orgs": ("int", "Trusts with this currency."),
            "activity": ("number", "The trust's activity.", "units"),
            "cost_pence": in_pence("The trust's cost."),
            "ratio": ("number", "Unit cost over the median trust's.", "ratio"),
            "ci_low": ("number", "Lower end of the 95% interval, chance alone.", "ratio"),
            "ci_high": ("number", "Upper end of the 95% interval, chance alone.", "ratio"),
            "shrunk_ratio": ("number", "Ratio without the part that chance explains.", "ratio"),
            "spread": ("number", "Usual difference between trusts, log scale."),
            "p_value": ("number", "Two-sided.", "0-1"),
            "q_value": ("number", "Adjusted for the number of currencies.", "0-1"),
            "excess_pence": in_pence(
                "Cost above the median trust's for the same activity, shrunken."
            ),
            "flag": ("code", "dearer, cheaper or blank."),
        },
        "setting currency_code",
    ),
    define_table(
        "published_trusts",
        "Every trust of the file: index, and the limits of the funnel at its size.",
        {
            "org_code": ORG,
            "org_name": ("text", "Its name, where known."),
            "n_currencies": ("int", "Currencies compared."),
            "cost_pence": in_pence("All its cost."),
            "compared_prop": ("number", "Share of its cost that could be compared.", "0-1"),
            "observed_pence": in_pence("Cost of what could be compared."),
            "expected_pence": in_pence("Expected cost."),
            "index_ratio": ("number", "Observed over expected.", "ratio"),
            "ci_low": ("number", "Lower end of the 95% interval.", "ratio"),
            "ci_high": ("number", "Upper end of the 95% interval.", "ratio"),
            "low_95": ("number", "Lower 95% limit at its size.", "ratio"),
            "high_95": ("number", "Upper 95% limit at its size.", "ratio"),
            "low_998": ("number", "Lower 99.8% limit at its size.", "ratio"),
            "high_998": ("number", "Upper 99.8% limit at its size.", "ratio"),
            "place": ("code", "inside, between or outside the limits."),
            "noise": (
                "number",
                "Error of a log index for one pound expected; falls with its square root.",
            ),
            "tau2": ("number", "Variance between trusts beyond that, log scale."),
        },
        "org_code",
        "trust",
    ),
    define_table(
        "published_peers",
        "The trusts most like each trust in what they do.",
        {
            "org_code": ORG,
            "place": ("int", "From 1, the most alike."),
            "peer_code": ("code", "The peer."),
            "distance_prop": ("number", "Share of cost that lies in other lines.", "0-1"),
            "is_listed": ("bool", "The peer is also in the list of peers that was supplied."),
        },
        "org_code place",
        "trust",
    ),
    define_table(
        "published_prices",
        "Prices of the tariff that is used.",
        {
            "basis": ("code", "PLANNED, NEL, NES, OPROC, OP, EM12, EM3, IMAG or OTHER."),
            "currency_code": CURRENCY,
            "treatment_function_code": ("code", "Treatment function, for outpatient attendances."),
            "price_gbp": ("number", "Price a unit, before the market forces factor.", "pounds"),
        },
        "basis currency_code treatment_function_code",
        "trust",
    ),
    define_table(
        "published_organisations",
        "Organisations of the year: name and market forces factor.",
        {
            "org_code": ORG,
            "org_name": ("text", "Name, or the code where no name is known."),
            "factor": ("number", "Market forces factor.", "ratio"),
            "factor_year": ("code", "Year of the factor; blank if it is the mean of the others'."),
            "is_own": ("bool", "The factor is the organisation's own."),
        },
        "org_code",
        "trust",
    ),
    define_table(
        "published_listed_peers",
        "Peers as a published list names them.",
        {"org_code": ORG, "peer_code": ("code", "Peer.")},
        "org_code peer_code",
        "trust",
    ),
    *(
        define_table(
            name,
            meaning,
            {
                "id": ("code", "Identity."),
                "description": ("text", "What is compared."),
                "left_pence": in_pence("Left side."),
                "right_pence": in_pence("Right side."),
                "difference_pence": in_pence("Left less right."),
                "passed": ("bool", "They are equal."),
            },
            "id",
            "trust",
        )
        for name, meaning in (
            ("published_reconciliation", "Identities of reading published files."),
            ("published_position_checks", "Identities of the published basis, all steps."),
        )
    ),
]
