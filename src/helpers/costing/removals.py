"""Where overheads would go if a line were gone: the use of services, resolved again without it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.contracts.terms import NON_PATIENT_LINES, find_own_line
from helpers.costing.overheads import Use, resolve_shares, resolve_step_orders

CENTRAL = "CENTRAL"  # overhead that nobody is left to bear
SMALLEST_SHARE_PROP = 1e-12
LOST_SHARE_PROP = 1e-9  # a service whose shares fall short of 1 by more has nobody left to serve
REMOVAL_COLUMNS = ["closed_line_id", "service_id", "line_id", "share_prop"]


def find_shares_without_lines(
    use: Use, department_line_shares: pd.DataFrame, *, method: str, order: Sequence[str]
) -> pd.DataFrame:
    """Return, for each line, how services would reach the other lines if it closed.

    A department that works for the line shrinks by the line's share of it: it uses that much less
    of every service, and passes the overhead it still receives to its other lines. A service that
    has nobody left to serve stays with ``CENTRAL``.

    Parameters
    ----------
    use
        Use of services in the run's base drivers.
    department_line_shares
        How a department's overhead passes to lines; ``UNMATCHED:X`` counts as line X.

    Returns
    -------
    pd.DataFrame
        Table ``overhead_without_line``: shares of each closed line and service add up to 1.
    """
    own = department_line_shares.assign(
        line_id=department_line_shares["line_id"].map(find_own_line)
    )
    passed = own.pivot_table(
        index="department_id", columns="line_id", values="share_prop", aggfunc="sum"
    )
    passed = passed.reindex(list(use.finals)).fillna(0.0).sort_index(axis=1)
    closable = [name for name in passed.columns if name not in NON_PATIENT_LINES]
    tables = [
        _spread(closed, use, passed, _resolve_without(closed, use, passed, method, order))
        for closed in closable
    ]
    if not tables:
        return pd.DataFrame(columns=REMOVAL_COLUMNS).astype({"share_prop": "float64"})
    return pd.concat(tables, ignore_index=True)


def _resolve_without(
    closed: str, use: Use, passed: pd.DataFrame, method: str, order: Sequence[str]
) -> np.ndarray:
    """Return final departments x services of shares, once the line's departments have shrunk."""
    kept = 1.0 - passed[closed].to_numpy("float64").clip(0, 1)
    quantity = use.quantity.copy()
    quantity[:, use.n_services :] *= np.where(kept < LOST_SHARE_PROP, 0.0, kept)
    quantity = np.hstack([quantity, _find_stuck(quantity, use.n_services)[:, None]])
    smaller = Use(use.services, (*use.finals, CENTRAL), quantity)
    if method != "step_down":
        # direct may leave a service nobody: it has no final user; it then serves CENTRAL alone
        if method == "direct":
            unused = smaller.quantity[:, use.n_services :].sum(axis=1) == 0
            smaller.quantity[unused, -1] = 1.0
        return resolve_shares(smaller, method=method)[:-1]
    places = [use.services.index(service) for service in order]
    return resolve_step_orders(smaller, np.array([places]))[0][:-1]


def _find_stuck(quantity: np.ndarray, n: int) -> np.ndarray:
    """Return 1 for each service whose cost can no longer reach a final department, else 0."""
    reaches = (quantity[:, n:] > 0).any(axis=1)
    for _ in range(n):
        reaches = reaches | ((quantity[:, :n] > 0) & reaches).any(axis=1)
    return (~reaches).astype("float64")


def _spread(closed: str, use: Use, passed: pd.DataFrame, shares: np.ndarray) -> pd.DataFrame:
    """Pass departments' shares on to the lines that are left; what is left over is central."""
    rest = passed.drop(columns=closed)
    total = rest.sum(axis=1).to_numpy("float64")[:, None]
    onward = np.divide(rest.to_numpy("float64"), total, out=np.zeros(rest.shape), where=total > 0)
    by_line = shares.T @ onward
    central = (1.0 - by_line.sum(axis=1)).clip(min=0)
    central[central < LOST_SHARE_PROP] = 0.0
    every = np.hstack([by_line, central[:, None]])
    lines = [*rest.columns, CENTRAL]
    frame = pd.DataFrame(
        {
            "closed_line_id": closed,
            "service_id": np.repeat(use.services, len(lines)),
            "line_id": np.tile(lines, use.n_services),
            "share_prop": np.round(every.ravel(), 12),
        }
    )
    frame = frame[frame["share_prop"] > SMALLEST_SHARE_PROP]
    return frame.astype({"closed_line_id": "str", "service_id": "str", "line_id": "str"})
