"""What closing a line would really do, and the strict test of who is subsidised.

Closing a line sheds only the cost that moves within the horizon. The rest is stranded: other lines
bear the overheads among it, and what the line's own departments cannot shed stays in the middle.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.contracts.terms import NON_PATIENT_LINES, find_own_line
from helpers.subsidy.behaviour import HORIZONS
from helpers.subsidy.sensitivity import round_rows

CENTRAL = "CENTRAL"
TIERS = ("direct", "indirect", "overhead")


def total_avoidable(
    line_costs: pd.DataFrame, behaviour: pd.DataFrame, services: pd.DataFrame
) -> pd.DataFrame:
    """Return what could be shed of each line's cost, by tier and department of origin.

    Direct and indirect cost move as their department's ledger codes do; a service's overhead moves
    with the share of the service's whole cost. Whole pence by line, tier and department.

    Returns
    -------
    pd.DataFrame
        ``line_id``, ``tier``, ``source_department``, ``horizon``, ``avoidable_pence``.
    """
    costs = line_costs.assign(line_id=line_costs["line_id"].map(find_own_line))
    costs = costs[~costs["line_id"].isin(NON_PATIENT_LINES)]
    keys = ["line_id", "tier", "element", "source_department"]
    costs = costs.groupby(keys, as_index=False)["amount_pence"].sum()
    own = costs.merge(
        behaviour.rename(columns={"department_id": "source_department"}),
        on=["source_department", "element"], how="left", validate="many_to_one",
    )  # fmt: skip
    is_overhead = own["tier"] == "overhead"
    tables = []
    for horizon in HORIZONS:
        share = own[horizon].mask(is_overhead, own["source_department"].map(services[horizon]))
        moved = own["amount_pence"] * share.fillna(0.0)
        total = moved.groupby([own[name] for name in ("line_id", "tier", "source_department")])
        found = total.sum().round().astype("int64").rename("avoidable_pence").reset_index()
        tables.append(found.assign(horizon=horizon))
    return pd.concat(tables, ignore_index=True)


def close_lines(
    position: pd.DataFrame, avoidable: pd.DataFrame, overhead: pd.Series
) -> pd.DataFrame:
    """Return what closing each line would do to the trust, at each horizon (``closure``).

    ``trust effect = avoidable - income = -surplus - stranded``. Growth is the same with the sign
    turned: a line that grows by a hundredth adds a hundredth of ``income - avoidable``.

    Parameters
    ----------
    overhead
        Overhead of every column in the run, all elements; what of it is stranded falls on the
        other columns, the rest of what is stranded stays in the middle (``central_pence``).
    """
    by_tier = avoidable.pivot_table(
        index=["line_id", "horizon"], columns="tier", values="avoidable_pence", aggfunc="sum"
    )
    by_tier = by_tier.reindex(columns=list(TIERS)).fillna(0).astype("int64")
    by_tier.columns = [f"avoidable_{tier}_pence" for tier in TIERS]
    every = pd.MultiIndex.from_product(
        [position["line_id"], HORIZONS], names=["line_id", "horizon"]
    )
    table = by_tier.reindex(every, fill_value=0).reset_index()
    money = ["line_id", "income_pence", "full_cost_pence", "surplus_pence"]
    table = table.merge(position[money], on="line_id", how="left", validate="many_to_one")
    table["avoidable_pence"] = table[list(by_tier.columns)].sum(axis=1)
    table["stranded_pence"] = table["full_cost_pence"] - table["avoidable_pence"]
    borne = table["line_id"].map(overhead).fillna(0).astype("int64")
    passed_on = borne - table["avoidable_overhead_pence"]
    table["central_pence"] = table["stranded_pence"] - passed_on
    table["trust_effect_pence"] = table["avoidable_pence"] - table["income_pence"]
    earned = table["income_pence"].where(table["income_pence"] > 0)
    table["marginal_prop"] = (-table["trust_effect_pence"] / earned).astype("float64")
    return table


def rerun_without_lines(
    position: pd.DataFrame,
    overhead: pd.Series,
    avoidable: pd.DataFrame,
    services: pd.DataFrame,
    without: pd.DataFrame,
) -> pd.DataFrame:
    """Return every other column's overhead before and after each closure (``closure_lines``).

    Parameters
    ----------
    overhead
        Overhead of every column in the run, whole pence.
    services
        Own cost of each service (``behaviour.total_services``); it falls by what is avoidable.
    without
        ``overhead_without_line``.

    Returns
    -------
    pd.DataFrame
        ``closed_line_id``, ``horizon``, ``line_id`` (lines, ET, RD, OTHER, ``CENTRAL``),
        ``before_pence``, ``after_pence``, ``change_pence`` of overhead; ``after_pence`` of a
        closure adds up to what is left of all overhead.
    """
    columns = [*overhead.index, CENTRAL]
    saved = avoidable[avoidable["tier"] == "overhead"].set_index(
        ["line_id", "horizon", "source_department"]
    )["avoidable_pence"]
    before = overhead.reindex(columns, fill_value=0).astype("int64")
    tables = []
    for closed, shares in without.groupby("closed_line_id"):
        if closed not in set(position["line_id"]):
            continue
        to_lines = shares.pivot(index="service_id", columns="line_id", values="share_prop")
        to_lines = to_lines.reindex(index=services.index, columns=columns).fillna(0.0)
        for horizon in HORIZONS:
            gone = pd.Series(
                [int(saved.get((closed, horizon, name), 0)) for name in services.index],
                index=services.index,
            )
            left = services["cost_pence"] - gone
            exact = left.to_numpy("float64") @ to_lines.to_numpy("float64")
            after = round_rows(exact[None, :], int(left.sum()))[0]
            frame = pd.DataFrame(
                {
                    "closed_line_id": closed,
                    "horizon": horizon,
                    "line_id": columns,
                    "before_pence": before.to_numpy(),
                    "after_pence": after,
                }
            )
            tables.append(frame[frame["line_id"] != closed])
    table = pd.concat(tables, ignore_index=True) if tables else _EMPTY.copy()
    table["change_pence"] = table["after_pence"] - table["before_pence"]
    surplus = table["line_id"].map(position.set_index("line_id")["surplus_pence"]).astype("Int64")
    table["surplus_after_pence"] = surplus - table["change_pence"]
    return table


_EMPTY = pd.DataFrame(
    {
        "closed_line_id": pd.Series(dtype="str"),
        "horizon": pd.Series(dtype="str"),
        "line_id": pd.Series(dtype="str"),
        "before_pence": pd.Series(dtype="int64"),
        "after_pence": pd.Series(dtype="int64"),
    }
)


def find_bounds(
    position: pd.DataFrame,
    line_costs: pd.DataFrame,
    closure: pd.DataFrame,
    services: pd.DataFrame,
) -> pd.DataFrame:
    """Return the strict test of each line at each horizon (``strict_bounds``).

    *Subsidised* means income below incremental cost, what the trust would shed without the line.
    *Funder* means income above stand-alone cost, what the line would cost with the whole fixed part
    of every service to itself. Between the two, any answer is a way of sharing common cost.
    """
    common = {
        horizon: round(float(((1 - services[horizon]) * services["cost_pence"]).sum()))
        for horizon in HORIZONS
    }
    costs = line_costs.assign(line_id=line_costs["line_id"].map(find_own_line))
    own = costs[costs["tier"] != "overhead"].groupby("line_id")["amount_pence"].sum()
    table = closure[["line_id", "horizon", "income_pence"]].copy()
    table["incremental_pence"] = closure["avoidable_pence"]
    table["standalone_pence"] = (
        table["line_id"].map(own).fillna(0).astype("int64")
        + table["horizon"].map(common).astype("int64")
        + closure["avoidable_overhead_pence"]
    )
    table["verdict"] = np.select(
        [
            table["income_pence"] < table["incremental_pence"],
            table["income_pence"] > table["standalone_pence"],
        ],
        ["subsidised", "funder"],
        "within",
    )
    return table.astype({"verdict": "str"})
