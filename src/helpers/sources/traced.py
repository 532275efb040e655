"""Traces of one trust: from its finished report, or beside the costing step on a page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.costing.education import SEPARATE, net_income
from helpers.costing.ledger import read_postings
from helpers.costing.overheads import BASE_SET
from helpers.costing.trace import EventTrace, choose_example, trace_event
from helpers.costing.trace_ledger import LedgerTrace, trace_ledger_line
from helpers.costing.trust import Costed, cost_trust
from helpers.engine import Engine, open_engine
from helpers.errors import InputError, StepError
from helpers.run import Run
from helpers.sources.extracts import read_clean
from helpers.sources.tables import find_table

MONEY_FILES = ("general_ledger", "cost_centre_map", "expense_map", "departments")


@dataclass(frozen=True)
class Tracer:
    """What traces are made from: the engine after costing, and the small tables."""

    db: Engine
    frames: Mapping[str, pd.DataFrame]
    postings: pd.DataFrame
    pool_line_costs: pd.DataFrame
    overhead_allocation: pd.DataFrame

    def trace_event(self, event_id: str) -> EventTrace:
        """Walk an event's cost back to the ledger (``costing.trace.trace_event``)."""
        drivers = self.frames["overhead_drivers"]
        return trace_event(
            self.db,
            event_id,
            postings=self.postings,
            pool_line_costs=self.pool_line_costs,
            drivers=drivers[drivers["driver_set"].fillna(BASE_SET) == BASE_SET],
            overhead_allocation=self.overhead_allocation,
        )

    def trace_ledger_line(self, cost_centre: str, expense_code: str) -> LedgerTrace:
        """Follow a ledger line forward to lines (``costing.trace_ledger.trace_ledger_line``)."""
        return trace_ledger_line(
            self.db,
            cost_centre,
            expense_code,
            postings=self.postings,
            pool_line_costs=self.pool_line_costs,
        )


def make_tracer(
    db: Engine,
    frames: Mapping[str, pd.DataFrame],
    costed: Costed,
    settings: Mapping[str, Any] | None = None,
) -> Tracer:
    """Return a tracer for a trust that ``cost_trust`` has just costed in ``db``.

    ``settings`` matter where education and research income was netted off cost: the ledger lines then
    hold what was left.
    """
    treatment = str((settings or {}).get("non_patient_care") or SEPARATE)
    ledger = read_postings(*(frames[name] for name in MONEY_FILES))
    return Tracer(
        db=db,
        frames=frames,
        postings=net_income(ledger, frames["departments"], treatment).postings,
        pool_line_costs=costed.pool_line_costs,
        overhead_allocation=costed.overhead_allocation,
    )


def trace_example(
    run: Run,
    db: Engine,
    frames: Mapping[str, pd.DataFrame],
    costed: Costed,
    settings: Mapping[str, Any] | None = None,
) -> tuple[EventTrace, LedgerTrace] | None:
    """Return the page's worked example: one stay back to the ledger, and its largest posting forward.

    None without patient events, and in the public edition, where one patient is too few.
    """
    if run.audience == "public" or not db.has("pool_keys"):
        return None
    event_id = choose_example(db)
    if not event_id:
        return None
    tracer = make_tracer(db, frames, costed, settings)
    back = tracer.trace_event(event_id)
    by_posting = back.paths.groupby(["cost_centre", "expense_code"])["amount_pence"].sum()
    return back, tracer.trace_ledger_line(*by_posting.idxmax())


@contextmanager
def open_tracer(run: Run, *, method: str = "") -> Iterator[Tracer]:
    """Cost a finished report's clean tables once more, and check that its costs come out again.

    Parameters
    ----------
    method
        Overhead method that the report was asked for; blank takes the trust's own.

    Raises
    ------
    InputError
        If the trust's patients were not costed here.
    StepError
        If there is no report, or its costs were made by other code.
    """
    run = replace(run, folder=run.published)
    with (
        tempfile.TemporaryDirectory() as spill,
        open_engine(spill=Path(spill)) as db,
    ):
        frames, settings = read_clean(run, db)
        costed = cost_trust(db, frames, settings, method=method)
        if not db.has("pool_keys"):
            raise InputError(
                f"{run.trust} has no patient costs of this project's making: its costs came to lines by "
                "averages, or from the trust's own system. There is no event to trace."
            )
        db.add_parquet("published_costs", find_table(run, "patient_costs"))
        _check_same(db, run)
        yield make_tracer(db, frames, costed, settings)


def _check_same(db: Engine, run: Run) -> None:
    """Refuse if the report's patient costs differ from those costed now."""
    rows = "event_id, tier, element, source_department, amount_pence"
    apart = db.frame(
        f"SELECT count(*) AS n FROM (SELECT {rows} FROM published_costs EXCEPT SELECT {rows} FROM "
        f"patient_costs UNION ALL SELECT {rows} FROM patient_costs EXCEPT SELECT {rows} FROM published_costs)"
    )
    if int(apart["n"].iloc[0]):
        raise StepError(
            f"The report of {run.trust} {run.year} was costed by another version of this project.\n"
            f"Run `make report TRUST={run.trust}` again, then the trace."
        )
