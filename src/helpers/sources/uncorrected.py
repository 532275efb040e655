"""What corrections did to each line: the same files costed without them, beside this run."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from helpers.cleaning import clean
from helpers.cleaning.corrections import find_open
from helpers.costing.trust import Costed, cost_trust
from helpers.engine import open_engine
from helpers.errors import HelpersError
from helpers.run import Run
from helpers.sources.extracts import read_trust

FILE = "corrections"
# Columns that neither a cost nor an income of a line depends on (decision D-086).
NEUTRAL_COLUMNS = (
    "commissioner", "discharge_destination", "discharge_ready_date", "primary_diag", "imd_decile",
    "sex", "referral_source_event", "surgeon_code", "anaesthetist_code", "grade", "pseudonym",
    "line_name", "division", "cost_centre_name", "source", "adopted_slm_date", "population_obligation",
)  # fmt: skip
MEASURES = (("I", "income"), ("T4", "surplus"))
EFFECT_COLUMNS = (
    "line_id", "income_before_pence", "income_after_pence", "surplus_before_pence", "surplus_after_pence",
)  # fmt: skip


def find_effective(corrections: pd.DataFrame | None) -> int:
    """Return how many agreed corrections touch a column that a line's cost or income depends on."""
    if corrections is None or corrections.empty:
        return 0
    is_neutral = corrections["column"].isin(NEUTRAL_COLUMNS)
    return int((~is_neutral & ~find_open(corrections)).sum())


def measure_corrections(
    run: Run, corrections: pd.DataFrame | None, costed: Costed
) -> tuple[pd.DataFrame, str]:
    """Return each line's income and surplus without and with the corrections, and what to say of it.

    The files are read, cleaned and costed again without them, whole, only where a correction can change a
    line's figures: most of a trust's corrections do not. Lines that did not change are left out.
    """
    if find_effective(corrections) == 0:
        return pd.DataFrame(columns=list(EFFECT_COLUMNS)).astype(_KINDS), ""
    try:
        before = _cost_without(run)
    except HelpersError as error:
        first = str(error).splitlines()[0]
        words = f"Without the corrections the files could not be costed at all: {first}"
        return pd.DataFrame(columns=list(EFFECT_COLUMNS)).astype(_KINDS), words
    return compare_statements(before, costed.service_line_statement), ""


def _cost_without(run: Run) -> pd.DataFrame:
    with open_engine(spill=run.spill / "uncorrected") as db:
        received = read_trust(run, db)
        frames = {name: frame for name, frame in received.frames.items() if name != FILE}
        cleaned = clean(replace(received, frames=frames), db)
        found = cost_trust(db, cleaned.frames, cleaned.settings, method=run.method)
    return found.service_line_statement


def compare_statements(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the lines whose income or surplus differs between two statements, most changed first."""
    sides = {"before": before, "after": after}
    columns = [
        rows[rows["row_id"].eq(row_id)]
        .set_index("line_id")["amount_pence"]
        .rename(f"{name}_{side}_pence")
        for row_id, name in MEASURES
        for side, rows in sides.items()
    ]
    both = pd.concat(columns, axis=1).fillna(0).astype("int64").rename_axis("line_id").reset_index()
    change = (both["surplus_after_pence"] - both["surplus_before_pence"]).abs()
    change += (both["income_after_pence"] - both["income_before_pence"]).abs()
    both = both.assign(change=change)[change > 0]
    ordered = both.sort_values(["change", "line_id"], ascending=[False, True])
    return ordered[list(EFFECT_COLUMNS)].reset_index(drop=True)


_KINDS = {name: "str" if name == "line_id" else "int64" for name in EFFECT_COLUMNS}
