"""Table of the worked example: one stay's cost, from the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.report.words.plain import name_term
from helpers.report.words.trace import name_use

COLUMNS = ["source_name", "tier_name", "shared_by", "use", "amount_pence"]


def build_trace_table(example: tuple[Any, Any] | None, departments: pd.DataFrame) -> pd.DataFrame:
    """Return where a stay's pence came from: pools of departments it used, then overhead services.

    A pool's row is its departments' own cost; overhead that reached the stay through those
    departments is added up by service. The last row is the stay's cost.
    """
    if example is None:
        return pd.DataFrame(columns=COLUMNS)
    trace = example[0]
    names = dict(zip(departments["department_id"], departments["name"], strict=True))
    rows = [
        {
            "source_name": names.get(pool.department_id, pool.department_id),
            "tier_name": name_tier(trace.paths, pool.pool_id),
            "shared_by": name_term("feed", pool.feed),
            "use": name_use(pool),
            "amount_pence": pool.own_pence,
        }
        for pool in trace.pools.itertuples()
        if pool.own_pence
    ]
    rows += [
        _describe_service(service, part, names)
        for service, part in trace.overheads.groupby("service_id", sort=True)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["place"] = table["tier_name"].eq("Overhead")
    table = table.sort_values(
        ["place", "amount_pence", "source_name"], ascending=[True, False, True]
    )
    total = pd.DataFrame(
        [["The stay’s whole cost", "", "", "", trace.amount_pence]], columns=COLUMNS
    )
    return pd.concat([table[COLUMNS], total], ignore_index=True)


def name_tier(paths: pd.DataFrame, pool_id: str) -> str:
    """Return whether a pool's own cost is the line's or a shared department's."""
    tiers = paths.loc[paths["pool_id"].eq(pool_id) & paths["tier"].ne("overhead"), "tier"]
    return str(tiers.iloc[0]).capitalize() if len(tiers) else ""


def _describe_service(
    service: str, part: pd.DataFrame, names: Mapping[str, str]
) -> dict[str, object]:
    drivers = part["driver"].dropna()
    biggest = part.sort_values(["amount_pence", "department_id"], ascending=[False, True]).iloc[0]
    through = names.get(biggest["department_id"], biggest["department_id"])
    share = biggest["attributed_prop"]
    return {
        "source_name": names.get(service, service),
        "tier_name": "Overhead",
        "shared_by": name_term("driver", drivers.iloc[0])
        if len(drivers)
        else "other services’ use",
        "use": f"{share:.1%} of it ends in {through}" if pd.notna(share) else "",
        "amount_pence": int(part["amount_pence"].sum()),
    }
