"""Each event with its income and its cost by tier: what later steps read."""

from __future__ import annotations

import pandas as pd

from helpers.contracts import OUTPUTS, QueryEngine

MONEY_COLUMNS = (
    "income_pence", "direct_pence", "indirect_pence", "overhead_pence", "below_ebitda_pence",
    "full_cost_pence", "controllable_pence", "ward_pence", "wip_opening_pence",
)  # fmt: skip


def create_patient_events(db: QueryEngine) -> None:
    """Make the engine table ``patient_events`` (contract).

    Reads ``events``, ``event_cost_totals``, ``event_income`` and ``opening_work`` (cost carried in,
    no part of the year's cost). An event without cost or income has zero pence.
    """
    plain = [name for name in OUTPUTS["patient_events"].columns if name not in MONEY_COLUMNS]
    attributes = ", ".join(f"e.{name}" for name in plain)
    db.create(
        "patient_events",
        f"""SELECT {attributes},
                   coalesce(i.income_pence, 0) AS income_pence,
                   coalesce(c.direct_pence, 0) AS direct_pence,
                   coalesce(c.indirect_pence, 0) AS indirect_pence,
                   coalesce(c.overhead_pence, 0) AS overhead_pence,
                   coalesce(c.below_ebitda_pence, 0) AS below_ebitda_pence,
                   coalesce(c.full_cost_pence, 0) AS full_cost_pence,
                   coalesce(c.direct_pence, 0) + coalesce(c.indirect_pence, 0) AS controllable_pence,
                   coalesce(c.ward_pence, 0) AS ward_pence,
                   coalesce(o.opening_pence, 0) AS wip_opening_pence
            FROM events e
            LEFT JOIN event_cost_totals c ON c.event_id = e.event_id
            LEFT JOIN event_income i ON i.event_id = e.event_id
            LEFT JOIN opening_work o ON o.event_id = e.event_id""",
    )


def total_line_activity(db: QueryEngine) -> pd.DataFrame:
    """Return activity, income and cost of each line by point of delivery (table ``line_activity``).

    A spell counts once, in the line of its discharging episode, when it ended in the period.
    """
    found = db.frame(
        """SELECT line_id, coalesce(spell_pod, pod) AS pod,
                  CAST(count(*) AS BIGINT) AS n_events,
                  CAST(sum(CASE WHEN event_kind = 'episode' AND is_discharging
                                 AND completion IN (1, 2) THEN 1 ELSE 0 END) AS BIGINT) AS n_spells,
                  CAST(sum(CASE WHEN event_kind = 'episode' AND is_discharging
                                 AND completion IN (1, 2) THEN coalesce(los_days, 0) ELSE 0 END)
                       AS BIGINT) AS bed_days,
                  CAST(sum(income_pence) AS BIGINT) AS income_pence,
                  CAST(sum(full_cost_pence) AS BIGINT) AS cost_pence
           FROM patient_events GROUP BY line_id, coalesce(spell_pod, pod) ORDER BY line_id, pod"""
    )
    return found


def count_activity(db: QueryEngine) -> dict[str, int]:
    """Return rows kept of each kind of activity, by the names that control totals use."""
    queries = {
        "apc_episodes": ("clean_apc_episodes", "1 = 1"),
        "op_attended": ("clean_op_attendances", "is_attended"),
        "op_attendances": ("clean_op_attendances", "1 = 1"),
        "ed_attendances": ("clean_ed_attendances", "1 = 1"),
        "ward_stays": ("clean_ward_stays", "1 = 1"),
    }
    return {
        measure: int(db.frame(f"SELECT count(*) AS n FROM {table} WHERE {which}")["n"].iloc[0])
        for measure, (table, which) in queries.items()
        if db.has(table)
    }
