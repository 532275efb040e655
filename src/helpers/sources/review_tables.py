"""The consultant review's way to disk: it reads the steps before it, and writes its tables."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from helpers.contracts.terms import ELEMENTS_ABOVE_EBITDA
from helpers.engine import Engine
from helpers.outliers.benefit_price import price_benefit
from helpers.outliers.consultants import Review, review_consultants
from helpers.outliers.saving import add_all_cost_share, measure_variable_prop
from helpers.outliers.spells import select_spells
from helpers.outliers.warranted import find_warranted
from helpers.run import Run
from helpers.sources.extracts import read_clean
from helpers.sources.tables import has_table, open_table, read_table, write_table

TABLES = (
    "consultant_review", "saving", "saving_totals", "specialty_variation", "outcome_review",
    "review_accounts", "review_exclusions", "review_checks", "review_robustness", "risk_calibration",
)  # fmt: skip


def read_and_review_consultants(run: Run, db: Engine) -> Review:
    """Review a trust's consultants from its costed events, outcomes and ledger."""
    frames, settings = read_clean(run, db)
    open_table(run, db, "patient_events")
    variable_prop = measure_variable_prop(
        frames["general_ledger"],
        frames["expense_map"],
        frames["cost_centre_map"],
        frames["departments"],
        ELEMENTS_ABOVE_EBITDA,
    )
    review = review_consultants(
        select_spells(db),
        read_pseudonyms(run),
        seed=settings["seed"],
        min_spells=settings["min_spells_consultant"],
        variable_prop=variable_prop,
        warranted=find_warranted(read_reviews(run)),
    )
    all_cost_pence = int(read_table(run, "line_costs")["amount_pence"].sum())
    return replace(review, saving_totals=add_all_cost_share(review.saving_totals, all_cost_pence))


def read_reviews(run: Run) -> pd.DataFrame | None:
    """Return what the trust has written about earlier findings; None if it supplies none."""
    return (
        read_table(run, "clean_outlier_review") if has_table(run, "clean_outlier_review") else None
    )


def read_pseudonyms(run: Run) -> pd.DataFrame:
    """Return consultants' codes and pseudonyms; no rows where the trust supplies none."""
    if has_table(run, "clean_consultants"):
        return read_table(run, "clean_consultants")
    return pd.DataFrame(columns=["consultant_code", "pseudonym"], dtype="str")


def write_review(run: Run, review: Review) -> None:
    """Write the review's tables."""
    for name in TABLES:
        write_table(run, name, getattr(review, name))
    write_table(
        run, "benefit_price", price_benefit(review.consultant_review, review.outcome_review)
    )
