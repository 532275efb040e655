"""The tables of the review of stays: what it reads, and what it writes."""

from __future__ import annotations

import pandas as pd

from helpers.engine import Engine
from helpers.outliers.stay_waiting import measure_variable_share
from helpers.outliers.stays import StayReview, StaySettings, review_stays
from helpers.run import Run
from helpers.sources.settings import read_settings
from helpers.sources.tables import has_table, open_table, read_table, write_table

WRITTEN = (
    "stay_groups", "stay_trim", "stay_awaiting", "stay_mix", "stay_long", "stay_value",
    "stay_variation", "stay_trend", "stay_hours",
)  # fmt: skip


def read_and_review_stays(run: Run, db: Engine) -> StayReview:
    """Read the costed patients, the price list and the ledger's behaviour, and review stays.

    A trust without patient events gets empty tables and a sentence that says so.
    """
    if has_table(run, "patient_events"):
        open_table(run, db, "patient_events")
    settings, _ = read_settings(run.input_dir, run)
    share = measure_variable_share(
        read_table(run, "clean_general_ledger"),
        read_table(run, "clean_expense_map"),
        read_table(run, "clean_cost_centre_map"),
        _read_if_there(run, "clean_cost_pools"),
    )
    return review_stays(
        db,
        prices=_read_if_there(run, "clean_prices"),
        settings=StaySettings(
            trim_floor_days=settings["trim_floor_days"],
            min_group_spells=settings["min_spells_consultant"],
            variable_share=share,
        ),
        seed=settings["seed"],
    )


def write_stays(run: Run, review: StayReview) -> None:
    """Write every table of the review under its name in the contracts."""
    for name in WRITTEN:
        write_table(run, name, getattr(review, name))
    write_table(run, "stay_exclusions", review.exclusions)


def _read_if_there(run: Run, name: str) -> pd.DataFrame | None:
    return read_table(run, name) if has_table(run, name) else None
