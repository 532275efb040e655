"""Time the whole rule set: 200 step-down orders x driver sets x bases of income, for 60 lines.

The Shapley value of every service and driver set is one of the rules.

Run with `python benchmarks/rules.py`. The trust is drawn at random (seeded): only its size matters.
Every order is resolved and multiplied through to lines; no patient is costed again.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from helpers.costing.overhead_rules import build_overhead_rules, total_step_orders
from helpers.costing.overheads import allocate_overheads, build_use, resolve_shares
from helpers.subsidy.sensitivity import (
    find_base_rule,
    list_rules,
    read_shares,
    share_overheads,
    summarise_rules,
    try_rules,
)
from helpers.subsidy.shapley import list_joining_rules, share_overheads_by_joining

N_LINES, N_SERVICES, N_DEPARTMENTS = 60, 15, 120
DRIVER_SETS = ("base", "alt1")
REPEATS = 3
GOAL_SECONDS = 2.0


def draw_trust(seed: int = 1) -> dict[str, pd.DataFrame | pd.Series]:
    """Return a trust's drivers, departments, service costs, shares by line, and contract gaps."""
    draw = np.random.default_rng(seed)
    services = [f"S{n:02d}" for n in range(N_SERVICES)]
    finals = [f"D{n:03d}" for n in range(N_DEPARTMENTS)]
    lines = [f"L{n:02d}" for n in range(N_LINES)]
    drivers = pd.DataFrame(
        [
            (service, consumer, "units", float(draw.integers(1, 100)), name)
            for name in DRIVER_SETS
            for service in services
            for consumer in (*services, *finals)
            if consumer != service
        ],
        columns=["service_department", "consumer_department", "driver", "quantity", "driver_set"],
    )
    kinds = ["service"] * N_SERVICES + ["clinical"] * N_DEPARTMENTS
    passes = draw.dirichlet(np.ones(N_LINES) / 10, N_DEPARTMENTS)
    cost = draw.integers(10**8, 10**10, N_SERVICES)
    return {
        "drivers": drivers,
        "departments": pd.DataFrame({"department_id": [*services, *finals], "kind": kinds}),
        "costs": pd.DataFrame(
            {
                "department_id": services,
                "kind": "service",
                "element": "PAY_OTHER",
                "amount_pence": cost,
            }
        ),
        "passes": pd.DataFrame(
            {
                "department_id": np.repeat(finals, N_LINES),
                "line_id": np.tile(lines, N_DEPARTMENTS),
                "share_prop": passes.ravel(),
            }
        ),
        "moves": pd.Series(draw.uniform(0.5, 1, N_SERVICES), index=services),
        "gaps": pd.Series(draw.integers(-(10**8), 10**8, N_LINES), index=lines),
    }


def main() -> int:
    trust = draw_trust()
    drivers, departments, passes = trust["drivers"], trust["departments"], trust["passes"]
    use = build_use(drivers, departments)
    primary = trust["costs"].set_index("department_id")["amount_pence"]
    allocation = allocate_overheads(
        trust["costs"], use, resolve_shares(use, method="reciprocal"), method="reciprocal"
    )
    received = allocation.groupby("department_id")["amount_pence"].sum()
    wide = passes.pivot(index="department_id", columns="line_id", values="share_prop")
    base = pd.Series(np.rint(received[wide.index].to_numpy() @ wide).astype("int64"))
    base = base.set_axis(wide.columns)
    services = pd.DataFrame({"cost_pence": primary, "long": trust["moves"]})
    position = pd.DataFrame({"line_id": base.index, "surplus_pence": 0, "income_pence": 10**10})
    for _ in range(REPEATS):
        began = time.monotonic()
        orders = total_step_orders(drivers, departments, primary, passes)
        costed = time.monotonic()
        rules = build_overhead_rules(drivers, departments, primary)
        shares = read_shares(rules)
        joining_began = time.monotonic()
        joining = share_overheads_by_joining(shares, passes, services, base.index)
        joined = time.monotonic() - joining_began
        orders = pd.concat([orders, list_joining_rules(joining)], ignore_index=True)
        own = find_base_rule(shares, allocation)
        overheads = share_overheads(shares, allocation, passes, base, own, orders)
        tried = try_rules(position, overheads, list_rules(shares, orders), own, trust["gaps"])
        summary = summarise_rules(tried, position, own)
        whole = time.monotonic() - began
        print(
            f"{summary['n_rules'].iloc[0]} rules x {len(summary)} lines: {whole:.2f} s "
            f"(orders resolved {costed - began:.2f} s, Shapley {joined:.2f} s); goal {GOAL_SECONDS} s"
        )
    return int(whole > GOAL_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
