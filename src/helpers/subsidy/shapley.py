"""Overheads shared by what each line adds to them: the Shapley value, one more fair rule.

Suppose lines had joined the trust one after another. Each would have added something to what an
overhead service costs: the first one most, because a service half as large costs more than half. The
Shapley value charges each line its average addition over every order in which the lines could have
joined. It is the only sharing that charges the whole cost, treats equal users equally and charges
nothing for no use (Shapley, 1953; for cost sharing Young, 1985).

What a service would cost for some of the lines is ``cost x use ** scale``: ``use`` is their share of it
(0-1) and ``scale`` the share of its cost that moves in the long run, so that a little less use saves
just that share. Every line's charge then lies between its incremental and its stand-alone cost.
"""

from __future__ import annotations

from math import factorial

import numpy as np
import pandas as pd

from helpers.subsidy.sensitivity import ORDER_COLUMNS, RuleShares, pass_to_lines

EXACT_UP_TO = 12  # receivers; with more, orders of joining are drawn
N_ORDERS = 16  # orders drawn, each with all its turns and their reverses
SHAPLEY = "shapley"
DECIMALS, GBP_DECIMALS = 9, 5  # of shares and pounds: equal runs give equal bytes
NO_SHARES = pd.DataFrame(
    {
        **{name: pd.Series(dtype="str") for name in ("service_id", "driver_set", "line_id")},
        **{
            name: pd.Series(dtype="float64")
            for name in ("use_prop", "share_prop", "std_error_prop", "overhead_gbp")
        },
    }
)


def share_by_joining(
    use: np.ndarray, scale: np.ndarray, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return each receiver's Shapley share of each service, and the standard error of the shares.

    Exact for up to 12 receivers, by going through every set of them: what a set costs depends only
    on the sum of its members' use. With more, the mean over 16 seeded orders, every turn of them and
    the reverse of every turn.

    Parameters
    ----------
    use
        Services x receivers; shares of a service (0-1) that add up to 1.
    scale
        One number a service, 0-1: 1 shares by use; 0 shares equally among those who use it at all.

    Returns
    -------
    tuple
        Shares (services x receivers; each service adds up to 1) and standard errors, 0 if exact.
    """
    is_user = (use > 0).any(axis=0)
    shares, errors = np.zeros(use.shape), np.zeros(use.shape)
    n = int(is_user.sum())
    if n == 0:
        return shares, errors
    if n <= EXACT_UP_TO:
        shares[:, is_user] = _go_through_sets(use[:, is_user], scale)
    else:
        shares[:, is_user], errors[:, is_user] = _draw_orders(use[:, is_user], scale, seed)
    return shares, errors


def share_overheads_by_joining(
    shares: RuleShares,
    department_line_shares: pd.DataFrame,
    services: pd.DataFrame,
    columns: pd.Index,
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """Return every overhead service's Shapley shares by column, one set a driver set.

    Use is what the reciprocal method attributes, so services that work for each other are followed
    to their end. A driver set that has no reciprocal rule is left out.

    Parameters
    ----------
    services
        ``behaviour.total_services``: own cost of each service in whole pence, and what of it moves.
    columns
        Lines, ET, RD, OTHER: everything that receives overhead.

    Returns
    -------
    pd.DataFrame
        Table ``shapley_overheads``.
    """
    to_lines = pass_to_lines(shares, department_line_shares, columns)
    services = services.reindex(shares.services)
    scale = choose_scale(services).to_numpy("float64")
    tables = []
    for place, rule in shares.rules.iterrows():
        if rule["overhead_method"] != "reciprocal":
            continue
        use = shares.shares[place] @ to_lines
        found, errors = share_by_joining(use, scale, seed=seed)
        size = len(columns)
        cost = np.repeat(services["cost_pence"].to_numpy("float64"), size)
        tables.append(
            pd.DataFrame(
                {
                    "service_id": np.repeat(shares.services, size),
                    "driver_set": rule["driver_set"],
                    "line_id": np.tile(columns, len(shares.services)),
                    "use_prop": np.round(use.ravel(), DECIMALS),
                    "share_prop": np.round(found.ravel(), DECIMALS),
                    "std_error_prop": np.round(errors.ravel(), DECIMALS),
                    "overhead_gbp": np.round(found.ravel() * cost / 100, GBP_DECIMALS),
                }
            )
        )
    return pd.concat(tables, ignore_index=True) if tables else NO_SHARES.copy()


def list_joining_rules(by_service: pd.DataFrame) -> pd.DataFrame:
    """Return the Shapley rules as rows of ``overhead_orders``, all services of a column added."""
    keys = ["driver_set", "line_id"]
    total = by_service.groupby(keys, as_index=False)["overhead_gbp"].sum()
    suffix = ("@" + total["driver_set"]).mask(total["driver_set"] == "base", "")
    return total.assign(rule_id=SHAPLEY + suffix, overhead_method=SHAPLEY, step_order="")[
        ORDER_COLUMNS
    ]


def choose_scale(services: pd.DataFrame) -> pd.Series:
    """Return how each service's cost grows with use (0-1), from ``behaviour.total_services``.

    It is the share that moves in the long run. A service whose ledger codes say that nothing ever
    moves is shared by use: that is the mark of shares not filled in (decision D-161).
    """
    return services["long"].where(services["long"] > 0, 1.0)


def total_cost(use: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return a service's cost for some of its use, as a share of its cost for all of it."""
    return np.where(use > 0, np.clip(use, 0, None) ** scale, 0.0)


def _go_through_sets(use: np.ndarray, scale: np.ndarray) -> np.ndarray:
    n = use.shape[1]
    sets = np.arange(2**n)
    members = (sets[:, None] >> np.arange(n)) & 1
    cost = total_cost(members @ use.T, scale)
    n_members = members.sum(axis=1)
    weights = np.array([factorial(k) * factorial(n - k - 1) / factorial(n) for k in range(n)])
    shares = np.empty(use.shape)
    for one in range(n):
        without = sets[members[:, one] == 0]
        added = cost[without | (1 << one)] - cost[without]
        shares[:, one] = weights[n_members[without]] @ added
    return shares


def _draw_orders(use: np.ndarray, scale: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Average over drawn orders, every turn of each, and the reverse of every turn.

    In the turns of one order every receiver joins once at every place, which takes most of the chance
    out; the drawn orders are independent, so their spread gives the error.
    """
    draw = np.random.default_rng(seed)
    n = use.shape[1]
    turns = (np.arange(n)[:, None] + np.arange(n)) % n
    means = np.empty((N_ORDERS, *use.shape))
    for number in range(N_ORDERS):
        orders = draw.permutation(n)[turns]
        places = np.argsort(orders, axis=1)
        for k in range(len(use)):
            joined = np.clip(use[k][orders].cumsum(axis=1), 0, 1)
            edges = np.hstack([np.zeros((n, 1)), joined[:, :-1], np.ones((n, 1))])
            added = np.diff(total_cost(edges, scale[k]), axis=1)
            # in the reverse order a line joins those that came after it
            added -= np.diff(total_cost(1.0 - edges, scale[k]), axis=1)
            means[number, k] = np.take_along_axis(added, places, axis=1).mean(axis=0) / 2
    return means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(N_ORDERS)
