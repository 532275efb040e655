"""Overheads: how each service's own cost reaches the departments that see patients.

Three methods answer the same question, what share ``F[j, k]`` of service k's own cost ends in final
department j. ``direct`` ignores what services do for each other; ``step_down`` closes services one
after another; ``reciprocal`` solves for all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.contracts.terms import FINAL_KINDS
from helpers.costing.money import apportion
from helpers.errors import AllocationError, InputError, name_a_few

BASE_SET = "base"
SHARE_SUM_TOLERANCE = 1e-9  # shares of one service must sum to 1 within this


@dataclass(frozen=True)
class Use:
    """Who uses each overhead service, in the unit of the service's driver.

    ``quantity[k, c]`` is the use of service k by consumer c; consumers are the services, in the
    same order, and then the final departments. Self-use is already removed.
    """

    services: tuple[str, ...]
    finals: tuple[str, ...]
    quantity: np.ndarray

    @property
    def n_services(self) -> int:
        return len(self.services)


def build_use(
    drivers: pd.DataFrame, departments: pd.DataFrame, *, driver_set: str = BASE_SET
) -> Use:
    """Return the use matrix of one driver set; a service the set leaves out keeps its base drivers.

    Raises
    ------
    AllocationError
        ALLOC-E03 negative use; ALLOC-E02 a service nobody else uses; DRV-003 a closed loop.
    InputError
        DRV-002 use by a department that is unknown or excluded; DRV-006 two units in one service.
    """
    kinds = departments.set_index("department_id")["kind"]
    services = tuple(sorted(kinds.index[kinds == "service"]))
    finals = tuple(sorted(kinds.index[kinds.isin(FINAL_KINDS)]))
    rows = _choose_set(drivers, driver_set)
    _check_drivers(rows, services, finals)
    place = {name: number for number, name in enumerate((*services, *finals))}
    quantity = np.zeros((len(services), len(place)))
    totals = rows.groupby(["service_department", "consumer_department"], sort=True)[
        "quantity"
    ].sum()
    for (service, consumer), amount in totals.items():
        if service != consumer:
            quantity[place[service], place[consumer]] = amount
    use = Use(services, finals, quantity)
    _check_reach(use)
    return use


def resolve_shares(use: Use, *, method: str, order: Sequence[str] = ()) -> np.ndarray:
    """Return ``F``: the share of each service's own cost that ends in each final department.

    Parameters
    ----------
    method
        ``reciprocal``, ``step_down`` or ``direct``.
    order
        Services in the order in which step-down closes them.

    Returns
    -------
    np.ndarray
        Final departments x services; each column sums to 1.

    Raises
    ------
    AllocationError
        ALLOC-E02 where the method leaves a service nowhere to go.
    """
    if not use.n_services:
        return np.zeros((len(use.finals), 0))
    if method == "reciprocal":
        shares = _resolve_reciprocal(use)
    elif method == "direct":
        shares = _resolve_direct(use)
    else:
        places = [use.services.index(service) for service in order]
        shares = resolve_step_orders(use, np.array([places]))[0]
    stuck = [
        service
        for service, total in zip(use.services, shares.sum(axis=0), strict=True)
        if not abs(total - 1) < SHARE_SUM_TOLERANCE
    ]
    if stuck:
        raise AllocationError(
            f"Under the {method} method these services serve no department that is still open: "
            f"{name_a_few(stuck)}.\nTheir cost would be lost. Use METHOD=reciprocal, or put them "
            "earlier in step_order.",
            rule="ALLOC-E02",
        )
    return shares


def resolve_step_orders(use: Use, orders: np.ndarray) -> np.ndarray:
    """Return the shares ``F`` of many step-down orders at once.

    Parameters
    ----------
    orders
        One row per order: numbers of the services, first closed first.

    Returns
    -------
    np.ndarray
        Orders x final departments x services. A column that does not sum to 1 belongs to a service
        that, in that order, has nobody open left to serve.
    """
    n_orders, n = orders.shape
    every = np.arange(n_orders)
    held = np.zeros((n_orders, use.quantity.shape[1], n))
    held[:, np.arange(n), np.arange(n)] = 1.0
    is_open = np.ones((n_orders, use.quantity.shape[1]))
    for step in range(n):
        k = orders[:, step]
        is_open[every, k] = 0.0
        used = use.quantity[k] * is_open
        total = used.sum(axis=1, keepdims=True)
        passed = np.divide(used, total, out=np.zeros_like(used), where=total > 0)
        held += passed[:, :, None] * held[every, k][:, None, :]
        held[every, k] = 0.0
    return held[:, n:, :]


def choose_step_order(
    use: Use,
    primary_pence: pd.Series,
    *,
    departments: pd.DataFrame,
    step_order: str | Sequence[str] = "auto",
) -> list[str]:
    """Return the order in which step-down closes services.

    A list in ``trust.yml`` comes first; then ``step_rank`` where every service has one; otherwise
    the service that serves most other services, then the dearest, then by code.
    """
    if not isinstance(step_order, str):
        if sorted(step_order) != sorted(use.services):
            raise InputError(
                f"trust.yml, step_order lists {name_a_few(step_order)}; the overhead services are "
                f"{name_a_few(use.services)}.\nName each service once, or write `auto`.",
                rule="DRV-007",
            )
        return list(step_order)
    ranks = (
        departments.set_index("department_id")["step_rank"] if "step_rank" in departments else None
    )
    if ranks is not None and ranks.reindex(use.services).notna().all():
        return sorted(use.services, key=lambda service: (int(ranks[service]), service))
    n_served = (use.quantity[:, : use.n_services] > 0).sum(axis=1)
    return sorted(
        use.services,
        key=lambda service: (
            -int(n_served[use.services.index(service)]),
            -int(primary_pence.get(service, 0)),
            service,
        ),
    )


def allocate_overheads(
    department_costs: pd.DataFrame, use: Use, shares: np.ndarray, *, method: str
) -> pd.DataFrame:
    """Send each service's own cost to final departments (table ``overhead_allocation``).

    The source service and the element stay with every penny: depreciation of Estates is still
    depreciation, and still Estates, in the ward that it reaches. Pence close by service and element.
    """
    own = department_costs[department_costs["kind"] == "service"]
    own = own[own["amount_pence"] != 0]
    lattice = pd.DataFrame(
        {
            "service_id": np.repeat(use.services, len(use.finals)),
            "department_id": np.tile(use.finals, use.n_services),
            "share_prop": shares.T.ravel(),
        }
    ).astype({"service_id": "str", "department_id": "str"})
    rows = own.rename(columns={"department_id": "service_id"}).merge(
        lattice[lattice["share_prop"] > 0], on="service_id", validate="many_to_many"
    )
    shared = apportion(
        rows, by=["service_id", "element"], amount="amount_pence", weight="share_prop",
        key=["department_id"], what="Overhead",
    )  # fmt: skip
    shared = shared.assign(amount_pence=shared["share_pence"], method=method)
    shared = shared[["service_id", "department_id", "element", "amount_pence", "method"]]
    return shared.sort_values(["service_id", "department_id", "element"]).reset_index(drop=True)


def total_primary(department_costs: pd.DataFrame) -> pd.Series:
    """Return each service's own cost, whole pence."""
    own = department_costs[department_costs["kind"] == "service"]
    return own.groupby("department_id")["amount_pence"].sum()


def _choose_set(drivers: pd.DataFrame, driver_set: str) -> pd.DataFrame:
    sets = drivers["driver_set"].fillna(BASE_SET)
    chosen = drivers[sets == driver_set]
    if driver_set == BASE_SET:
        return chosen
    rest = ~drivers["service_department"].isin(chosen["service_department"])
    return pd.concat([chosen, drivers[(sets == BASE_SET) & rest]], ignore_index=True)


def _check_drivers(rows: pd.DataFrame, services: tuple[str, ...], finals: tuple[str, ...]) -> None:
    negative = rows[rows["quantity"] < 0]
    if len(negative):
        raise AllocationError(
            f"overhead_drivers, column quantity: {len(negative):,} rows are negative, for services "
            f"{name_a_few(negative['service_department'])}.\nUse of a service is zero or more.",
            rule="ALLOC-E03",
        )
    unknown = rows[~rows["consumer_department"].isin((*services, *finals))]
    wrong = rows[~rows["service_department"].isin(services)]
    if len(unknown) or len(wrong):
        names = [*unknown["consumer_department"], *wrong["service_department"]]
        raise InputError(
            "overhead_drivers names departments that cannot take or give overhead (unknown, excluded, "
            f"or not of kind service): {name_a_few(names)}.\nCorrect overhead_drivers or departments.",
            rule="DRV-002",
        )
    units = rows.groupby("service_department")["driver"].nunique()
    mixed = units.index[units > 1]
    if len(mixed):
        raise InputError(
            f"overhead_drivers mixes units inside one service and driver set: {name_a_few(mixed)}.\n"
            "Give each service one driver, or put the other in a driver set of its own.",
            rule="DRV-006",
        )


def _check_reach(use: Use) -> None:
    """Refuse a service that nobody else uses, or whose cost can only go round in a loop."""
    unused = [use.services[k] for k in np.flatnonzero(use.quantity.sum(axis=1) == 0)]
    if unused:
        raise AllocationError(
            f"Overhead services that no other department uses: {name_a_few(unused)}.\n"
            "Every quantity in overhead_drivers is zero, or there is no row. Give each a driver.",
            rule="ALLOC-E02",
        )
    n = use.n_services
    reaches = (use.quantity[:, n:] > 0).any(axis=1)
    for _ in range(n):
        reaches = reaches | ((use.quantity[:, :n] > 0) & reaches).any(axis=1)
    stuck = [use.services[k] for k in np.flatnonzero(~reaches)]
    if stuck:
        raise AllocationError(
            f"ALLOC-E01: overhead services that serve only each other, a closed loop: "
            f"{name_a_few(stuck)}.\nTheir cost can reach no department that sees patients. Add "
            "overhead_drivers rows from at least one of them to such a department.",
            rule="DRV-003",
        )


def _resolve_direct(use: Use) -> np.ndarray:
    used = use.quantity[:, use.n_services :]
    total = used.sum(axis=1, keepdims=True)
    return np.divide(used, total, out=np.zeros_like(used), where=total > 0).T


def _resolve_reciprocal(use: Use) -> np.ndarray:
    """Return ``R (I - Q)^-1``; a loop without an exit was refused before, so it can be solved."""
    n = use.n_services
    passed = (use.quantity / use.quantity.sum(axis=1, keepdims=True)).T
    between, to_finals = passed[:n], passed[n:]
    return np.linalg.solve((np.eye(n) - between).T, to_finals.T).T
