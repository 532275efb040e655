"""Tables of the comparison page."""

from __future__ import annotations

import pandas as pd

from helpers.report.formats import true_minus

TRUST_COLUMNS = {
    "trust": "Trust", "trust_name": "Name", "income_pence": "Income", "subsidy_pence": "Cross-subsidy",
    "subsidy_prop": "Share of income", "n_lines": "Lines", "n_rule_dependent": "Sign hangs on the rule",
    "credibility_score": "Credibility",
}  # fmt: skip
PRACTICE_COLUMNS = {
    "trust": "Trust", "n_tested": "Consultants compared", "n_outliers": "Outliers on cost",
    "saving_pence": "Saving counted", "saving_low_pence": "from", "saving_high_pence": "to",
    "stay_spread": "Spread of stays", "slm_years": "Years of line management (mean of lines)",
}  # fmt: skip
SLOPE_COLUMNS = {
    "words": "Measure", "slope": "Change a year", "ci_low": "from", "ci_high": "to",
    "n_lines": "Lines", "n_trusts": "Trusts",
}  # fmt: skip


def arrange_practice(trusts: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Return the trusts with the mean years of management of their lines."""
    years = lines.groupby("trust")["slm_years"].mean()
    return trusts.assign(slm_years=trusts["trust"].map(years))


def arrange_slopes(slopes: pd.DataFrame, words: dict[str, str]) -> pd.DataFrame:
    """Return the slopes in words, to four decimals: a year changes a share by little."""
    written = {
        name: pd.Series(
            [true_minus(f"{value:+.4f}") if pd.notna(value) else "–" for value in slopes[name]],
            index=slopes.index, dtype="str",
        )
        for name in ("slope", "ci_low", "ci_high")
    }  # fmt: skip
    return slopes.assign(words=slopes["measure"].map(words), **written)
