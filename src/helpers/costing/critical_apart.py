"""Critical care as a way of care of its own: its cost taken out of the spells it was for, beside its income."""

from __future__ import annotations

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import CRITICAL_CARE, ELEMENTS_BELOW_EBITDA, PRIVATE_CARE
from helpers.costing.critical_care import PERIOD_INCOME
from helpers.costing.money import apportion
from helpers.costing.pool_lines import HUNDREDTHS

FEED = "critical_care"
CELL = ["line_id", "pod", "hrg"]
KINDS = ["controllable_pence", "overhead_pence", "below_ebitda_pence"]
NO_COSTS = pd.DataFrame(
    {name: pd.Series(dtype="str") for name in ("cc_id", "event_id", "line_id")}
    | {name: pd.Series(dtype="int64") for name in (*KINDS, "full_cost_pence")}
)
INCOME_COLUMNS = ["cc_id", "event_id", "line_id", "hrg", "days", "income_pence"]
NO_PERIODS = pd.DataFrame(
    {name: pd.Series(dtype="str") for name in INCOME_COLUMNS[:4]}
    | {name: pd.Series(dtype="int64") for name in INCOME_COLUMNS[4:]}
)

# Each period in each pool that pays for it: its share of what the line used.
USE_SQL = f"""
SELECT w.activity_key AS cc_id, e.event_id, c.pool_id, c.line_id,
       CAST(CASE WHEN k.is_counted THEN {HUNDREDTHS} ELSE w.weight END AS BIGINT) AS weight,
       coalesce(e.spell_pod, e.pod, '') AS pod, coalesce(e.hrg_spell, e.hrg, '') AS hrg,
       e.consultant_code, coalesce(e.commissioner, '') AS commissioner, s.is_whole
FROM weighed_lines AS w
JOIN pool_keys AS k ON k.feed = w.feed AND k.feed_key = w.feed_key
JOIN pool_cells AS c ON c.pool_no = k.pool_no AND c.line_id = w.line_id
JOIN events AS e ON e.event_no = w.event_no
JOIN event_whole AS s ON s.event_id = e.event_id
WHERE w.feed = '{FEED}' ORDER BY c.pool_id, c.line_id, w.activity_key
"""
INCOME_SQL = f"""
SELECT i.cc_id, i.event_id, i.line_id, i.hrg, i.days, i.income_pence, e.consultant_code,
       coalesce(e.commissioner, '') AS commissioner,
       coalesce(e.spell_pod, e.pod, '') AS spell_pod, coalesce(e.hrg_spell, e.hrg, '') AS spell_hrg
FROM {PERIOD_INCOME} AS i JOIN events AS e ON e.event_id = i.event_id ORDER BY i.cc_id
"""


def set_apart(
    db: QueryEngine, tables: dict[str, pd.DataFrame], pool_line_costs: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Give critical care rows of its own in ``line_hrgs``, and its income to consultants and commissioners.

    Adds tables ``critical_care_costs`` and ``critical_care_income``: cost and income of each period.

    A row of critical care (point of delivery CC, HRG by organs supported) holds periods, days as cases,
    the periods' share of the line's critical care pools, and what the days earned. The same cost leaves
    the spells' rows, so that a line's rows still add up to it. Private patients' stays with them.

    Parameters
    ----------
    tables
        ``line_hrgs``, ``line_consultants`` and ``line_commissioners``, as ``break_down_lines`` gives them.
    pool_line_costs
        Table of that name.

    Notes
    -----
    Decision D-322. Without periods that pools pay for (patients costed elsewhere) their cost is inside
    the spells, so what they earn is put there too (D-413).
    """
    hrgs = tables["line_hrgs"].assign(critical_care_pence=0)
    periods = db.frame(INCOME_SQL) if db.has(PERIOD_INCOME) else NO_PERIODS.copy()
    tables = tables | {"critical_care_income": periods[INCOME_COLUMNS]}
    earned = _add_earned(tables, periods) if len(periods) else {}
    costs = cost_periods(db, pool_line_costs)
    if costs.empty:
        hrgs = _add_to_spells(hrgs, periods) if len(periods) else hrgs
        return tables | {"line_hrgs": hrgs, "critical_care_costs": NO_COSTS.copy()} | earned
    apart = costs.groupby(CELL, as_index=False)[[*KINDS, "whole_pence"]].sum()
    both = pd.concat([_take_out(hrgs, apart), _list_rows(costs, periods)], ignore_index=True)
    both = both.sort_values(CELL, ignore_index=True)[hrgs.columns]
    listed = costs.assign(full_cost_pence=costs[KINDS].sum(axis=1))[list(NO_COSTS)]
    return tables | {"line_hrgs": both, "critical_care_costs": listed} | earned


def cost_periods(db: QueryEngine, pool_line_costs: pd.DataFrame) -> pd.DataFrame:
    """Return the cost of each NHS period, whole pence: ``cc_id``, its spell's cell, ``KINDS`` and more.

    The periods of a line, private ones among them, add up to its cost of each pool.
    """
    use = db.frame(USE_SQL) if db.has("pool_cells") else pd.DataFrame({"cc_id": []})
    if use.empty:
        return use
    below = pool_line_costs["element"].isin(ELEMENTS_BELOW_EBITDA)
    kind = pd.Series(KINDS[0], index=pool_line_costs.index, dtype="str")
    kind = kind.mask(pool_line_costs["tier"] == "overhead", KINDS[1]).mask(below, KINDS[2])
    by = ["pool_id", "line_id", "kind"]
    pence = pool_line_costs.assign(kind=kind).groupby(by, as_index=False)["amount_pence"].sum()
    rows = use.merge(pence, on=by[:2], validate="many_to_many")
    rows = rows[rows.groupby(by)["weight"].transform("sum") > 0]
    shared = apportion(
        rows, by=by, amount="amount_pence", weight="weight", key=["cc_id"], what="Critical care"
    )
    wide = shared.pivot_table(
        index="cc_id", columns="kind", values="share_pence", aggfunc="sum", fill_value=0
    )
    first = use.drop_duplicates("cc_id").set_index("cc_id").drop(columns=["pool_id", "weight"])
    costs = first.join(wide.reindex(columns=KINDS, fill_value=0), how="inner").reset_index()
    costs[KINDS] = costs[KINDS].fillna(0).astype("int64")
    whole = costs[KINDS].sum(axis=1)
    costs = costs.assign(whole_pence=whole.where(costs["is_whole"].astype(bool), 0))
    return costs[costs["pod"] != PRIVATE_CARE].reset_index(drop=True)


def _take_out(hrgs: pd.DataFrame, apart: pd.DataFrame) -> pd.DataFrame:
    """Return the spells' rows without their critical care."""
    rows = hrgs.merge(apart, on=CELL, how="left", suffixes=("", "_apart"), validate="one_to_one")
    out = {name: rows[f"{name}_apart"].fillna(0).astype("int64") for name in KINDS}
    full = sum(out.values())
    changed = {name: rows[name] - pence for name, pence in out.items()}
    return rows.assign(
        **changed,
        full_cost_pence=rows["full_cost_pence"] - full,
        margin_pence=rows["margin_pence"] + full,
        whole_cost_pence=rows["whole_cost_pence"] - rows["whole_pence"].fillna(0).astype("int64"),
        critical_care_pence=out[KINDS[0]],
    )


def _list_rows(costs: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """Return rows of critical care: cost by the line that used it, days and income by the line they are in."""
    hrg = costs["cc_id"].map(periods.set_index("cc_id")["hrg"]).fillna("")
    spent = costs.assign(hrg=hrg, n_events=1).groupby(["line_id", "hrg"])[["n_events", *KINDS]]
    earned = periods.groupby(["line_id", "hrg"])[["days", "income_pence"]]
    rows = pd.concat([spent.sum(), earned.sum()], axis=1).fillna(0).astype("int64").reset_index()
    full = rows[KINDS].sum(axis=1)
    return rows.assign(
        pod=CRITICAL_CARE, n_cases=rows["days"], full_cost_pence=full, n_whole=rows["days"],
        whole_cost_pence=full, margin_pence=rows["income_pence"] - full, critical_care_pence=0,
    )  # fmt: skip


def _add_earned(tables: dict[str, pd.DataFrame], periods: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the breakdowns by consultant and commissioner with what days in critical care earned."""
    keys = (("line_consultants", "consultant_code"), ("line_commissioners", "commissioner"))
    return {name: _add_income(tables[name], periods, ["line_id", key]) for name, key in keys}


def _add_to_spells(hrgs: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """Return the spells' rows with what their days in critical care earned."""
    at_spells = periods.drop(columns="hrg").rename(columns={"spell_pod": "pod", "spell_hrg": "hrg"})
    return _add_income(hrgs, at_spells, CELL)


def _add_income(table: pd.DataFrame, periods: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return a breakdown with what days in critical care earned added to its income and margin."""
    earned = periods.groupby(by, as_index=False)["income_pence"].sum()
    rows = table.merge(earned, on=by, how="left", suffixes=("", "_critical"), validate="one_to_one")
    more = rows["income_pence_critical"].fillna(0).astype("int64")
    return rows.assign(
        income_pence=rows["income_pence"] + more, margin_pence=rows["margin_pence"] + more
    )[table.columns]
