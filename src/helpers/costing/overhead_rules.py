"""Every fair way of sharing overheads, and what each service charges under the run's own way."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Literal

import numpy as np
import pandas as pd

from helpers.contracts.terms import METHODS
from helpers.costing.overheads import (
    BASE_SET,
    SHARE_SUM_TOLERANCE,
    Use,
    build_use,
    choose_step_order,
    resolve_shares,
    resolve_step_orders,
)
from helpers.errors import AllocationError

ALL_ORDERS_UP_TO_SERVICES = 5  # with more services than this, orders are sampled
N_SAMPLED_ORDERS = 200
ORDER_DECIMALS = 5  # of a pound: a thousandth of a penny, so that equal runs give equal bytes

RuleSet = Literal["methods", "all"]


def build_overhead_rules(
    drivers: pd.DataFrame,
    departments: pd.DataFrame,
    primary_pence: pd.Series,
    *,
    step_order: str | Sequence[str] = "auto",
    rules: RuleSet = "methods",
    seed: int = 0,
) -> pd.DataFrame:
    """Return the resolved shares under each allocation rule and driver set.

    Parameters
    ----------
    rules
        ``methods``: reciprocal, direct, and step-down in the trust's order. ``all``: every
        step-down order too (up to 5 services), or 200 seeded ones and the trust's.

    Returns
    -------
    pd.DataFrame
        Table ``overhead_rules``. A rule that would leave a service nowhere to go is left out.
    """
    tables = []
    for driver_set in _list_sets(drivers):
        use = build_use(drivers, departments, driver_set=driver_set)
        own = choose_step_order(use, primary_pence, departments=departments, step_order=step_order)
        for method in METHODS:
            if method == "step_down":
                orders = list_step_orders(use.services, own, rules=rules, seed=seed)
                shares = resolve_step_orders(use, _number(use, orders))
            else:
                orders, shares = [()], np.array([_try_shares(use, method)])
            tables.append(_tabulate(use, method, orders, shares, driver_set))
    return pd.concat(tables, ignore_index=True)


def total_step_orders(
    drivers: pd.DataFrame,
    departments: pd.DataFrame,
    primary_pence: pd.Series,
    department_line_shares: pd.DataFrame,
    *,
    step_order: str | Sequence[str] = "auto",
    seed: int = 0,
) -> pd.DataFrame:
    """Return each line's overhead under every step-down order beyond the trust's own.

    The orders' shares by department would be some hundred thousand rows; by line they are a few
    thousand, and nothing more is asked of them.

    Parameters
    ----------
    primary_pence
        Each service's own cost, whole pence.
    department_line_shares
        How a department passes overhead to lines; shares of a department add up to 1.

    Returns
    -------
    pd.DataFrame
        Table ``overhead_orders``; pounds are not rounded to the penny and serve comparison only.
        An order that would leave a service nowhere to go is left out.
    """
    tables = []
    for driver_set in _list_sets(drivers):
        use = build_use(drivers, departments, driver_set=driver_set)
        own = choose_step_order(use, primary_pence, departments=departments, step_order=step_order)
        orders = list_step_orders(use.services, own, rules="all", seed=seed)[1:]
        shares = resolve_step_orders(use, _number(use, orders))
        orders, shares = _keep_whole(orders, shares)
        cost = np.array([float(primary_pence.get(service, 0)) for service in use.services])
        passed = department_line_shares.pivot_table(
            index="department_id", columns="line_id", values="share_prop", aggfunc="sum"
        )
        passed = passed.reindex(list(use.finals)).fillna(0.0)
        by_line = shares @ cost @ passed.to_numpy("float64")
        names = _name_rules("step_down", orders, driver_set)
        texts = [">".join(order) for order in orders]
        frame = pd.DataFrame(
            {
                "rule_id": np.repeat(names, len(passed.columns)),
                "overhead_method": "step_down",
                "step_order": np.repeat(texts, len(passed.columns)),
                "driver_set": driver_set,
                "line_id": np.tile(passed.columns, len(orders)),
                "overhead_gbp": np.round(by_line.ravel() / 100, ORDER_DECIMALS),
            }
        )
        text_columns = [name for name in frame.columns if name != "overhead_gbp"]
        tables.append(frame.astype({**dict.fromkeys(text_columns, "str"), "overhead_gbp": float}))
    return pd.concat(tables, ignore_index=True)


def list_step_orders(
    services: Sequence[str], own: Sequence[str], *, rules: RuleSet, seed: int
) -> list[tuple[str, ...]]:
    """Return the step-down orders to try: the trust's own first, none twice."""
    if rules == "methods":
        return [tuple(own)]
    if len(services) <= ALL_ORDERS_UP_TO_SERVICES:
        others = permutations(sorted(services))
    else:
        draw = np.random.default_rng(seed)
        others = (
            tuple(draw.permutation(sorted(services)).tolist()) for _ in range(N_SAMPLED_ORDERS)
        )
    return list(dict.fromkeys([tuple(own), *others]))


def build_overhead_charges(
    use: Use,
    allocation: pd.DataFrame,
    primary_pence: pd.Series,
    *,
    method: str,
    order: Sequence[str],
) -> pd.DataFrame:
    """Return what each service charges each final department, beside its own cost that ends there.

    A charge passes on what the service was itself charged by others; the attribution follows the
    service's own cost to its end. Both add up to all overhead; only the attribution says which
    service's cost would change.

    Returns
    -------
    pd.DataFrame
        ``service_id, department_id, charged_pence, attributed_pence`` (charges are rounded for
        reading and take no part in costing).
    """
    passed, gross = _find_charges(use, primary_pence, method=method, order=order)
    charged = pd.DataFrame(
        {
            "service_id": np.repeat(use.services, len(use.finals)),
            "department_id": np.tile(use.finals, use.n_services),
            "charged_pence": np.rint(passed[:, use.n_services :] * gross[:, None])
            .astype("int64")
            .ravel(),
        }
    ).astype({"service_id": "str", "department_id": "str"})
    ended = allocation.groupby(["service_id", "department_id"], as_index=False)[
        "amount_pence"
    ].sum()
    both = charged.merge(
        ended.rename(columns={"amount_pence": "attributed_pence"}),
        on=["service_id", "department_id"], how="left", validate="one_to_one",
    )  # fmt: skip
    both["attributed_pence"] = both["attributed_pence"].fillna(0).astype("int64")
    return both[(both["charged_pence"] != 0) | (both["attributed_pence"] != 0)].reset_index(
        drop=True
    )


def _find_charges(
    use: Use, primary_pence: pd.Series, *, method: str, order: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return shares passed on (service x consumer) and what each service has to pass on, in pence."""
    n = use.n_services
    own = np.array([float(primary_pence.get(service, 0)) for service in use.services])
    passed = use.quantity.copy()
    if method == "direct":
        passed[:, :n] = 0
    if method == "step_down":
        for position, service in enumerate(order):
            closed = [use.services.index(name) for name in order[:position]]
            passed[use.services.index(service), closed] = 0
    passed = passed / passed.sum(axis=1, keepdims=True)
    return passed, np.linalg.solve(np.eye(n) - passed[:, :n].T, own)


def _try_shares(use: Use, method: str) -> np.ndarray:
    try:
        return resolve_shares(use, method=method)
    except AllocationError:
        return np.zeros((len(use.finals), use.n_services))


def _number(use: Use, orders: Sequence[Sequence[str]]) -> np.ndarray:
    numbers = [[use.services.index(service) for service in order] for order in orders]
    return np.array(numbers, dtype=int).reshape(len(orders), use.n_services)


def _tabulate(
    use: Use, method: str, orders: Sequence[Sequence[str]], shares: np.ndarray, driver_set: str
) -> pd.DataFrame:
    """Return the rows of one method and driver set, leaving out rules that lose cost."""
    kept, shares = _keep_whole(orders, shares)
    texts = [">".join(order) for order in kept]
    names = _name_rules(method, kept, driver_set)
    size, n, n_finals = use.n_services * len(use.finals), use.n_services, len(use.finals)
    frame = pd.DataFrame(
        {
            "rule_id": np.repeat(names, size),
            "overhead_method": method,
            "step_order": np.repeat(texts, size),
            "driver_set": driver_set,
            "service_id": np.tile(np.repeat(use.services, n_finals), len(kept)),
            "department_id": np.tile(use.finals, n * len(kept)),
            "share_prop": shares.transpose(0, 2, 1).ravel(),
        }
    )
    text_columns = [name for name in frame.columns if name != "share_prop"]
    return frame.astype(dict.fromkeys(text_columns, "str"))


def _list_sets(drivers: pd.DataFrame) -> list[str]:
    """Return the names of the driver sets, the base set first (also where there are no drivers)."""
    names = {BASE_SET, *drivers["driver_set"].fillna(BASE_SET)}
    return sorted(names, key=lambda name: (name != BASE_SET, name))


def _keep_whole(
    orders: Sequence[Sequence[str]], shares: np.ndarray
) -> tuple[list[Sequence[str]], np.ndarray]:
    """Leave out rules that would lose a service's cost."""
    is_whole = (np.abs(shares.sum(axis=1) - 1) < SHARE_SUM_TOLERANCE).all(axis=1)
    return [o for o, whole in zip(orders, is_whole, strict=True) if whole], shares[is_whole]


def _name_rules(method: str, orders: Sequence[Sequence[str]], driver_set: str) -> list[str]:
    suffix = "" if driver_set == BASE_SET else f"@{driver_set}"
    return [f"{method}:{'>'.join(o)}{suffix}" if o else f"{method}{suffix}" for o in orders]
