"""How care differs and what a finding rests on: what is read for it, and the tables written."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from helpers.engine import Engine
from helpers.outliers.challenge import CASE_COLUMNS, check_consultants, list_cases, select_facts
from helpers.outliers.lead_output import (
    MONTH_COLUMNS,
    SUMMARY_COLUMNS,
    compare_leads,
    measure_output,
    pool_leads,
    select_activity,
)
from helpers.outliers.other_methods import compare_methods
from helpers.outliers.resources import (
    find_patient_outliers,
    list_buckets,
    measure_drivers,
    select_resources,
)
from helpers.outliers.tracker import track_findings
from helpers.outliers.treatment import review_care, select_care
from helpers.run import Run
from helpers.sources.review_tables import read_reviews
from helpers.sources.settings import read_settings
from helpers.sources.tables import has_table, open_table, read_table, write_table

FEEDS = ("clean_theatre_cases", "clean_tests", "clean_drug_issues", "clean_implants")


@dataclass(frozen=True)
class Care:
    """Tables of the output contracts, by their names there.

    ``lead_pool`` is the typical ratio of leads to peers with its interval; it is no table.
    """

    treatment_review: pd.DataFrame
    consultant_drivers: pd.DataFrame
    patient_outliers: pd.DataFrame
    consultant_cases: pd.DataFrame
    consultant_checks: pd.DataFrame
    finding_tracker: pd.DataFrame
    other_methods: pd.DataFrame
    lead_output: pd.DataFrame
    lead_summary: pd.DataFrame
    lead_pool: tuple[float, float, float]


def read_and_review_care(run: Run, db: Engine, review: pd.DataFrame) -> Care:
    """Compare what consultants do, and gather what a finding of ``consultant_review`` rests on.

    Files that a trust does not have leave out their measures; nothing else changes.
    """
    settings, _ = read_settings(run.input_dir, run)
    open_table(run, db, "patient_events")
    open_table(run, db, "patient_costs")
    for name in FEEDS:
        if has_table(run, name):
            open_table(run, db, name)
    pools = read_table(run, "clean_cost_pools") if has_table(run, "clean_cost_pools") else None
    spells = select_resources(db, list_buckets(pools))
    earlier = run.find_year_before("consultant_review")
    output = _measure_leads(run, db)
    leads = compare_leads(output) if len(output) else pd.DataFrame(columns=SUMMARY_COLUMNS)
    return Care(
        treatment_review=review_care(select_care(db), min_spells=settings["min_spells_consultant"]),
        consultant_drivers=measure_drivers(spells),
        patient_outliers=find_patient_outliers(spells),
        consultant_cases=list_cases(spells) if len(spells) else pd.DataFrame(columns=CASE_COLUMNS),
        consultant_checks=check_consultants(spells, select_facts(db)),
        finding_tracker=track_findings(
            review, pd.read_parquet(earlier) if earlier else None, read_reviews(run)
        ),
        other_methods=compare_methods(review),
        lead_output=output,
        lead_summary=leads,
        lead_pool=pool_leads(leads),
    )


def _measure_leads(run: Run, db: Engine) -> pd.DataFrame:
    """Return monthly output by consultant; no rows without job plans or consultants."""
    if not (has_table(run, "clean_job_plans") and has_table(run, "clean_consultants")):
        return pd.DataFrame(columns=MONTH_COLUMNS)
    plans, people = read_table(run, "clean_job_plans"), read_table(run, "clean_consultants")
    if plans.empty or people.empty:
        return pd.DataFrame(columns=MONTH_COLUMNS)
    return measure_output(select_activity(db), people, plans, year=int(run.year[:4]))


def write_care(run: Run, care: Care) -> None:
    """Write every table under its name in the contracts."""
    for name in care.__dataclass_fields__.keys() - {"lead_pool"}:
        write_table(run, name, getattr(care, name))
