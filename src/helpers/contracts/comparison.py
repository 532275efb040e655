"""The tables that set trusts beside each other: `outputs/comparison/<YEAR>/tables/`."""

from __future__ import annotations

from helpers.contracts.define import PENCE, define_table
from helpers.contracts.model import Level, Table

FEWEST_TRUSTS = 3  # with lines whose years of management differ, for a slope
TRUST = ("code", "Trust (ODS code).")


def _of_trusts(
    name: str, meaning: str, columns: dict[str, tuple], key: str, level: Level = "trust"
) -> Table:
    return define_table(name, meaning, columns, key, level)


COMPARISON = [
    _of_trusts(
        "trust_comparison",
        "Trusts that have a report for the year, side by side.",
        {
            "trust": TRUST,
            "trust_name": ("text", "Name."),
            "income_pence": ("int", "Income of the service lines.", PENCE),
            "n_lines": ("int", "Service lines."),
            "n_surplus": ("int", "Lines that earn at least their full cost."),
            "n_rule_dependent": ("int", "Lines whose sign depends on the rule."),
            "subsidy_pence": ("int", "Deficits that other lines' surpluses pay for.", PENCE),
            "subsidy_prop": ("number", "The same as a share of the lines' income."),
            "subsidy_low_prop": ("number", "Smallest share under any rule tried."),
            "subsidy_high_prop": ("number", "Largest share under any rule tried."),
            "n_tested": ("int", "Consultants compared with their peers on cost."),
            "n_outliers": ("int", "Of them, dearer than natural variation explains."),
            "stay_spread": (
                "number",
                "Standard deviation, in log units, of consultants' observed over expected stay; chance is part of it.",
            ),
            "saving_pence": ("int", "Possible saving that is counted.", PENCE),
            "saving_low_pence": ("int", "Lower end of its 90% interval.", PENCE),
            "saving_high_pence": ("int", "Upper end of its 90% interval.", PENCE),
            "credibility_score": ("number", "Mean credibility of the lines, weighted by cost."),
            "traced_prop": ("number", "Share of cost traced to patients."),
        },
        "trust",
    ),
    _of_trusts(
        "trust_lines",
        "Service lines of every trust that has a report for the year.",
        {
            "trust": TRUST,
            "line_id": ("code", "Service line."),
            "line_name": ("text", "Name."),
            "slm_years": ("number", "Years under service-line management by the year's end."),
            "income_pence": ("int", "Income.", PENCE),
            "margin_prop": ("number", "Surplus over income."),
            "imbalance_prop": ("number", "Surplus or deficit, without its sign, over income."),
            "stay_spread": ("number", "As in trust_comparison, within the line."),
            "outlier_prop": ("number", "Outliers on cost among consultants compared."),
            "credibility_score": ("number", "Credibility, 0 to 1."),
        },
        "trust line_id",
        "line",
    ),
    _of_trusts(
        "slm_slopes",
        "Change of each measure with one more year of service-line management; no claim of cause.",
        {
            "measure": ("code", "Column of trust_lines."),
            "n_trusts": ("int", "Trusts."),
            "n_lines": ("int", "Lines."),
            "slope": ("number", "Change of the measure with one more year."),
            "ci_low": ("number", "Lower end of the 95% interval."),
            "ci_high": ("number", "Upper end of the 95% interval."),
        },
        "measure",
    ),
]
