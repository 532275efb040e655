"""Cost of every patient event: the activity side of costing, from cost pools to patients.

``cost_events`` is the one call. It leaves in the engine:

- ``events`` one row per event that carries cost, with its line;
- ``activity_lines`` every line of activity with its weight, event and match rule;
- ``patient_costs`` (a view) cost by event, tier, element and department of origin;
- ``event_cost_totals`` the same by event: tiers above EBITDA, capital charges, all, wards;
- ``event_ward_costs`` each event's cost of wards and critical care;
- ``pool_keys`` and ``pool_cells`` (small): the activity of each pool, and its weight by line, for traces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import ELEMENTS_BELOW_EBITDA, EXCLUDED, UNMATCHED
from helpers.costing.bands import extend
from helpers.costing.clock import MONTH, find_period
from helpers.costing.closing import (
    EVENTS_A_BAND,
    MICRO_POUNDS_A_PENNY,
    cost_line_events,
    list_bands,
)
from helpers.costing.credibility import assess_credibility
from helpers.costing.events import build_events
from helpers.costing.matching import build_activity_lines, match_lines
from helpers.costing.pool_lines import (
    NO_FEED,
    UNMATCHED_RESIDUAL,
    share_departments,
    share_pools,
    weigh_pools,
)
from helpers.costing.pool_summaries import summarise_matching, summarise_pools
from helpers.costing.weight_rules import list_counting_pools
from helpers.costing.weights import build_feed_lines, build_ward_pieces
from helpers.errors import ReconciliationError

WARD_FEEDS = ("ward", "critical_care")

PATIENT_COSTS_SQL = """
SELECT v.event_id, v.spell_id, v.event_kind, k.line_id, k.tier, k.element, k.source_department,
       c.amount_pence
FROM cost_rows AS c JOIN cost_keys AS k ON k.key_no = c.key_no JOIN events AS v ON v.event_no = c.event_no
UNION ALL
SELECT event_id, CAST(NULL AS VARCHAR) AS spell_id, event_kind, line_id, tier, element,
       source_department, amount_pence
FROM other_costs
"""

_BELOW = ", ".join(f"'{element}'" for element in ELEMENTS_BELOW_EBITDA)
_KINDS = ("direct", "indirect", "overhead", "below_ebitda")  # of cost, numbered from 0
_KIND = f"""CASE WHEN element IN ({_BELOW}) THEN {_KINDS.index("below_ebitda")}
            {" ".join(f"WHEN tier = '{kind}' THEN {n}" for n, kind in enumerate(_KINDS))} END"""
_SUMS = ", ".join(
    f"coalesce(CAST(sum(c.amount_pence) FILTER (WHERE k.kind = {n}) AS BIGINT), 0) AS {kind}_pence"
    for n, kind in enumerate(_KINDS)
)

# Band by band: what is added up for a band of events stays in memory.
EVENT_TOTALS_SQL = f"""
SELECT v.event_id, t.direct_pence, t.indirect_pence, t.overhead_pence, t.below_ebitda_pence,
       t.direct_pence + t.indirect_pence + t.overhead_pence + t.below_ebitda_pence AS full_cost_pence,
       least(coalesce(w.ward_pence, 0), t.direct_pence + t.indirect_pence) AS ward_pence
FROM (
    SELECT c.event_no, {_SUMS}
    FROM cost_rows AS c JOIN (SELECT key_no, {_KIND} AS kind FROM cost_keys) AS k ON k.key_no = c.key_no
    WHERE c.event_no >= $first AND c.event_no < $last
    GROUP BY c.event_no
) AS t
JOIN (SELECT event_no, event_id FROM events WHERE event_no >= $first AND event_no < $last) AS v
  ON v.event_no = t.event_no
LEFT JOIN (
    SELECT p.event_no,
           CAST(floor(sum(CAST(floor(p.weight * r.rate + 0.5) AS BIGINT)) / {MICRO_POUNDS_A_PENNY}e0 + 0.5)
                AS BIGINT) AS ward_pence
    FROM event_pool AS p JOIN ward_rates AS r ON r.cell_no = p.cell_no
    WHERE p.event_no >= $first AND p.event_no < $last
    GROUP BY p.event_no
) AS w ON w.event_no = t.event_no
"""


@dataclass(frozen=True)
class EventCosts:
    """Small tables that ``cost_events`` returns, as the contracts name them."""

    pool_line_costs: pd.DataFrame
    department_line_shares: pd.DataFrame
    pool_summary: pd.DataFrame
    matching_summary: pd.DataFrame
    credibility: pd.DataFrame
    line_units: pd.DataFrame
    medical_time: pd.DataFrame
    notices: list[str] = field(default_factory=list)


def cost_events(
    db: QueryEngine,
    frames: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
    components: pd.DataFrame,
) -> EventCosts:
    """Give every pool's pence to patient events, to the penny.

    Parameters
    ----------
    db
        Holds ``clean_<feed>`` for every feed the trust has.
    frames
        The trust's small files, typed: departments, service_lines, service_line_map and, where
        present, relative_weights.
    settings
        ``trust.yml``; ``fy`` and ``residual_rule`` are used.
    components
        Cost pools by element and source department (``build_pool_components``), whole pence.

    Raises
    ------
    InputError
        If events share an id or the line map is wrong.
    AllocationError
        If a pool has cost and no activity.
    ReconciliationError
        If what events, lines and columns hold differs from what the pools held.
    """
    period = find_period(settings)
    notices = build_events(db, frames, settings)
    build_ward_pieces(db, period)
    build_feed_lines(db, frames, period)
    match_lines(db)
    medical_time = build_activity_lines(db, frames, period)
    counting = list_counting_pools(frames.get("cost_pools"))
    weighed = weigh_pools(
        db, components, frames["departments"], counting=counting,
        residual_rule=str(settings.get("residual_rule") or UNMATCHED_RESIDUAL),
        allow_idle=bool(settings.get(MONTH)),
    )  # fmt: skip
    pool_line_costs = share_pools(weighed, components, frames["departments"])
    cost_line_events(db, weighed, pool_line_costs, counting=counting)
    db.add_frame("other_costs", list_other_costs(pool_line_costs))
    db.create_view("patient_costs", PATIENT_COSTS_SQL)
    _total_events(db, pool_line_costs)
    _check_closed(db, components)
    return EventCosts(
        pool_line_costs=pool_line_costs,
        department_line_shares=share_departments(weighed, components),
        pool_summary=summarise_pools(weighed, counting=counting),
        matching_summary=summarise_matching(db, weighed),
        credibility=assess_credibility(weighed, pool_line_costs),
        line_units=weighed.units,
        medical_time=medical_time,
        notices=[*notices, *weighed.notices],
    )


def list_other_costs(pool_line_costs: pd.DataFrame) -> pd.DataFrame:
    """Return cost that belongs to no patient event: unmatched, non-patient care and excluded.

    Its ``event_id`` is its line: ``UNMATCHED:<line>``, ET, RD, OTHER or EXCLUDED.
    """
    is_unmatched = pool_line_costs["line_id"].str.startswith(f"{UNMATCHED}:")
    rows = pool_line_costs[is_unmatched | (pool_line_costs["feed"] == NO_FEED)]
    parts = ["line_id", "tier", "element", "source_department"]
    rows = rows.groupby(parts, as_index=False, sort=True)["amount_pence"].sum()
    kind = pd.Series("non_patient_care", index=rows.index, dtype="str")
    kind = kind.mask(rows["line_id"] == EXCLUDED, "excluded")
    kind = kind.mask(rows["line_id"].str.startswith(f"{UNMATCHED}:"), "unmatched")
    rows = rows.assign(event_id=rows["line_id"], event_kind=kind)
    return rows[rows["amount_pence"] != 0].reset_index(drop=True)


def _total_events(db: QueryEngine, pool_line_costs: pd.DataFrame) -> None:
    """Make ``event_cost_totals`` and ``event_ward_costs``; forget what only they need."""
    ward = pool_line_costs[
        pool_line_costs["feed"].isin(WARD_FEEDS)
        & (pool_line_costs["tier"] != "overhead")
        & ~pool_line_costs["element"].isin(ELEMENTS_BELOW_EBITDA)
    ]
    pence = ward.groupby(["pool_id", "line_id"], as_index=False)["amount_pence"].sum()
    cells = db.frame("SELECT pool_id, line_id, cell_no, weight FROM pool_cells ORDER BY cell_no")
    rates = cells.merge(pence, on=["pool_id", "line_id"], validate="one_to_one")
    rates = rates[rates["weight"] != 0]
    rates["rate"] = rates["amount_pence"] * MICRO_POUNDS_A_PENNY / rates["weight"].astype("float64")
    create_event_totals(db, rates[["cell_no", "rate"]])


def create_event_totals(db: QueryEngine, ward_rates: pd.DataFrame) -> None:
    """Make ``event_cost_totals`` and ``event_ward_costs`` from ``cost_rows`` and ``event_pool``.

    ``ward_rates`` holds ``cell_no`` and ``rate``, micro-pounds of ward cost for each unit of weight.
    """
    db.add_frame("ward_rates", ward_rates)
    for first in list_bands(db):
        extend(
            db, "event_cost_totals", EVENT_TOTALS_SQL, is_new=first == 0, first=first,
            last=first + EVENTS_A_BAND,
        )  # fmt: skip
    db.create("event_ward_costs", "SELECT event_id, ward_pence FROM event_cost_totals")
    db.drop("ward_rates", "event_pool")


def _check_closed(db: QueryEngine, components: pd.DataFrame) -> None:
    """Refuse if the pounds given differ from the pounds held."""
    found = db.frame(
        "SELECT (SELECT coalesce(sum(amount_pence), 0) FROM cost_rows) "
        "+ (SELECT coalesce(sum(amount_pence), 0) FROM other_costs) AS pence"
    )
    given, held = int(found["pence"].iloc[0]), int(components["amount_pence"].sum())
    if given != held:
        raise ReconciliationError(
            f"Patient events and columns hold £{given / 100:,.2f}; the cost pools held £{held / 100:,.2f}. "
            f"The difference is £{(given - held) / 100:,.2f}."
        )
