"""One row a trust, from the tables of its report."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.contracts.terms import UNMAPPED

DAYS_A_YEAR = 365.25
COST, STAY = "cost", "los"
OUTLIER = "outlier"
RULE = ["rule_id", "income_basis"]  # one way of sharing overheads and income
TESTED = ("outlier", "material", "none")
FEWEST_SPELLS = 20  # a consultant's stays count in the spread from here


def compare_trusts(reports: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    """Return one row a trust.

    Parameters
    ----------
    reports
        By trust's code, the tables of its report by name: ``service_line_position``,
        ``rule_sensitivity``, ``consultant_review``, ``stay_groups``, ``saving``, ``credibility``,
        ``clean_service_lines``.

    Returns
    -------
    pd.DataFrame
        As the table ``trust_comparison``: money in pence, shares from 0 to 1. The range of the
        cross-subsidy is over every rule of sharing overheads and income that its report tried.
    """
    rows = [{"trust": code, **_describe_trust(tables)} for code, tables in sorted(reports.items())]
    return pd.DataFrame(rows)


def compare_lines(
    reports: Mapping[str, Mapping[str, pd.DataFrame]], year_end: pd.Timestamp
) -> pd.DataFrame:
    """Return one row a trust and service line, as the table ``trust_lines``.

    Years of service-line management run from the date of adoption to the end of the year; a line
    without a date has none.
    """
    parts = []
    for code, tables in sorted(reports.items()):
        lines = tables["service_line_position"]
        lines = lines[lines["line_id"].ne(UNMAPPED) & lines["income_pence"].gt(0)]
        adopted = tables["clean_service_lines"].set_index("line_id")["adopted_slm_date"]
        since = pd.to_datetime(lines["line_id"].map(adopted))
        years = ((year_end - since).dt.days / DAYS_A_YEAR).clip(lower=0).fillna(0.0)
        flagged = _share_flagged(tables["consultant_review"])
        margin = lines["surplus_pence"] / lines["income_pence"]
        scores = tables["credibility"].set_index("line_id")["score"]
        stays = _spread_by_line(tables["consultant_review"])
        parts.append(
            pd.DataFrame(
                {
                    "trust": code, "line_id": lines["line_id"], "line_name": lines["line_name"],
                    "slm_years": years, "income_pence": lines["income_pence"],
                    "margin_prop": margin, "imbalance_prop": margin.abs(),
                    "stay_spread": lines["line_id"].map(stays), "outlier_prop": lines["line_id"].map(flagged),
                    "credibility_score": lines["line_id"].map(scores),
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def total_subsidy(surplus_pence: pd.Series) -> int:
    """Return what surpluses pay of deficits: the smaller of the two sums, in pence.

    >>> total_subsidy(pd.Series([180_000, -120_000, 5_000, -10_000]))
    130000
    """
    surplus = int(surplus_pence[surplus_pence > 0].sum())
    deficit = -int(surplus_pence[surplus_pence < 0].sum())
    return min(surplus, deficit)


def _describe_trust(tables: Mapping[str, pd.DataFrame]) -> dict[str, object]:
    lines = tables["service_line_position"]
    income = int(lines["income_pence"].sum())
    rules = tables["rule_sensitivity"]
    rates = rules.groupby(RULE)["surplus_pence"].agg(total_subsidy) / income
    review = tables["consultant_review"]
    tested = _take_tested(review)
    saving = tables["saving"].set_index("line_id")
    total = saving.loc["TOTAL"] if "TOTAL" in saving.index else None
    credibility = tables["credibility"]
    weights = credibility[["traced_pence", "averaged_pence", "apportioned_pence"]].sum(axis=1)
    return {
        "income_pence": income,
        "n_lines": int(lines["line_id"].ne(UNMAPPED).sum()),
        "n_surplus": int(lines["surplus_pence"].ge(0).sum()),
        "n_rule_dependent": int(lines["sign_label"].eq("rule_dependent").sum()),
        "subsidy_pence": total_subsidy(lines["surplus_pence"]),
        "subsidy_prop": total_subsidy(lines["surplus_pence"]) / income,
        "subsidy_low_prop": float(rates.min()),
        "subsidy_high_prop": float(rates.max()),
        "n_tested": len(tested),
        "n_outliers": int(tested["flag"].eq(OUTLIER).sum()),
        "stay_spread": _spread(review),
        "saving_pence": 0 if total is None else int(total["saving_pence"]),
        "saving_low_pence": 0 if total is None else int(total["ci_low_pence"]),
        "saving_high_pence": 0 if total is None else int(total["ci_high_pence"]),
        "credibility_score": float(np.average(credibility["score"], weights=weights)),
        "traced_prop": float(credibility["traced_pence"].sum() / weights.sum()),
    }


def _take_tested(review: pd.DataFrame) -> pd.DataFrame:
    return review[review["measure"].eq(COST) & review["flag"].isin(TESTED)]


def _share_flagged(review: pd.DataFrame) -> pd.Series:
    """Return each line's share of tested consultants who are outliers on cost."""
    tested = _take_tested(review)
    return tested["flag"].eq(OUTLIER).groupby(tested["line_id"]).mean()


def _spread_by_line(review: pd.DataFrame) -> pd.Series:
    return pd.Series(
        {line: _spread(rows) for line, rows in review.groupby("line_id", sort=True)},
        dtype="float64",
    )


def _spread(review: pd.DataFrame) -> float:
    """Return the standard deviation of consultants' observed over expected stay, in log units.

    Chance is part of it: more so where consultants see few patients. NaN for fewer than two.
    """
    ratios = pd.to_numeric(
        review.loc[review["measure"].eq(STAY) & review["n"].ge(FEWEST_SPELLS), "ratio"]
    )
    kept = ratios[ratios > 0]
    return float(np.log(kept).std(ddof=1)) if len(kept) > 1 else float("nan")
