"""Following pence from a patient event back to the ledger.

The answer is a list of *paths*: one row per way that pence took, in whole pence that add up exactly
to what is asked about. Every path names the posting (cost centre and expense code), the department
that holds it, the pool it went through, and the activity that shared the pool out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import NON_PATIENT_LINES, UNMATCHED
from helpers.costing.ledger import EXPENDITURE
from helpers.costing.pool_lines import HUNDREDTHS, share_signed
from helpers.costing.reference import get_reference
from helpers.errors import InputError, ReconciliationError, name_a_few

RECORD = ["tier", "element", "source_department"]
POSTING = ["cost_centre", "expense_code"]

EVENT_SQL = """
SELECT event_no, event_id, event_kind, spell_id, line_id, pod, hrg, tfc, los_days, completion
FROM events WHERE event_id = $event_id
"""
RECORDS_SQL = """
SELECT k.tier, k.element, k.source_department, CAST(sum(c.amount_pence) AS BIGINT) AS amount_pence
FROM cost_rows AS c JOIN cost_keys AS k ON k.key_no = c.key_no
WHERE c.event_no = $event_no
GROUP BY k.tier, k.element, k.source_department
ORDER BY k.tier, k.element, k.source_department
"""
OTHER_RECORDS_SQL = """
SELECT tier, element, source_department, CAST(sum(amount_pence) AS BIGINT) AS amount_pence
FROM other_costs WHERE event_id = $event_id
GROUP BY tier, element, source_department ORDER BY tier, element, source_department
"""
USE_SQL = f"""
SELECT c.pool_id, a.match_rule, CAST(c.weight AS BIGINT) AS line_weight,
       CAST(sum(CASE WHEN k.is_counted THEN {HUNDREDTHS} ELSE a.weight END) AS BIGINT) AS weight,
       count(*) AS n_lines
FROM activity_lines AS a
JOIN pool_keys AS k ON k.feed = a.feed AND k.feed_key = a.feed_key
JOIN pool_cells AS c ON c.pool_no = k.pool_no AND c.line_id = a.line_id
WHERE a.event_no = $event_no
GROUP BY c.pool_id, a.match_rule, c.weight ORDER BY c.pool_id, a.match_rule
"""


@dataclass(frozen=True)
class EventTrace:
    """Where the cost of one event, or of one column beside the lines, comes from.

    Attributes
    ----------
    event_id, event_kind, line_id
        What was traced. A column such as ``UNMATCHED:<line>`` or ``RD`` has itself as its line.
    amount_pence
        Its cost; every frame below adds up to it.
    paths
        One row per tier, pool and posting: ``tier, element, source_department, pool_id,
        department_id, cost_centre, expense_code, amount_pence``.
    pools
        One row per pool: ``pool_id, department_id, feed, n_lines, units, line_units`` (hundredths
        taken out), ``unit, match_rules, own_pence, overhead_pence, amount_pence``.
    overheads
        One row per service and department it reached the event through: ``service_id,
        department_id, driver, quantity, quantity_prop`` (of all use), ``attributed_pence`` (the
        service's own cost that ends in the department), ``attributed_prop``, ``amount_pence``.
    """

    event_id: str
    event_kind: str
    line_id: str
    amount_pence: int
    paths: pd.DataFrame
    pools: pd.DataFrame
    overheads: pd.DataFrame


def trace_event(
    db: QueryEngine,
    event_id: str,
    *,
    postings: pd.DataFrame,
    pool_line_costs: pd.DataFrame,
    drivers: pd.DataFrame,
    overhead_allocation: pd.DataFrame,
) -> EventTrace:
    """Walk an event's pence back to pools, drivers, overhead shares and ledger lines.

    Parameters
    ----------
    db
        The engine after ``cost_events``.
    event_id
        Episode or attendance; or a column beside the lines, as ``UNMATCHED:GENMED`` or ``RD``.
    postings
        The ledger by cost centre and expense code (``read_postings``).
    pool_line_costs, overhead_allocation
        Tables of those names.
    drivers
        ``overhead_drivers`` of the base set, as the trust gives them.

    Raises
    ------
    InputError
        If no event of that id carries cost.

    Notes
    -----
    Identity R16: paths, pools and overheads of an event add up to its cost. Decision D-145: a record
    that several pools or postings share is divided by largest remainder, so one path may differ by a
    penny from its share of the total.
    """
    found = db.frame(EVENT_SQL, event_id=event_id)
    if len(found):
        event = found.iloc[0]
        event_no, line_id, kind = int(event["event_no"]), event["line_id"], event["event_kind"]
        records = db.frame(RECORDS_SQL, event_no=event_no)
        use = db.frame(USE_SQL, event_no=event_no)
    elif event_id in NON_PATIENT_LINES or event_id.startswith(f"{UNMATCHED}:"):
        line_id, kind = event_id, "beside the lines"
        records, use = db.frame(OTHER_RECORDS_SQL, event_id=event_id), None
    else:
        raise InputError(_explain_unknown(db, event_id))
    if records.empty:
        raise InputError(f"{event_id} carries no cost: no activity of a cost pool belongs to it.")
    of_line = pool_line_costs[pool_line_costs["line_id"] == line_id]
    through = _divide_by_pool(records, of_line, use)
    paths = _divide_by_posting(through, postings)
    _check_whole(event_id, paths, records)
    return EventTrace(
        event_id=event_id,
        event_kind=str(kind),
        line_id=str(line_id),
        amount_pence=int(records["amount_pence"].sum()),
        paths=paths,
        pools=_describe_pools(paths, of_line, use),
        overheads=_describe_overheads(paths, drivers, overhead_allocation),
    )


def choose_example(db: QueryEngine) -> str:
    """Return the event that a worked example follows, or blank if none is fit.

    A finished stay of one episode that used an operating theatre, whose cost is the middle one of
    its kind; the smallest id of equals. Without theatres, any finished stay.
    """
    for feed in ("theatre", "ward"):
        found = db.frame(
            """SELECT event_id FROM (
                   SELECT e.event_id, row_number() OVER (ORDER BY e.full_cost_pence, e.event_id) AS place,
                          count(*) OVER (PARTITION BY 1) AS n
                   FROM patient_events AS e
                   JOIN (SELECT DISTINCT event_id FROM activity_lines WHERE feed = $feed) AS a
                     ON a.event_id = e.event_id
                   WHERE e.event_kind = 'episode' AND e.is_discharging AND e.completion = 1
                     AND e.los_days > 0 AND e.admission_dt = e.start_dt) AS placed
               WHERE place = CAST(floor((n + 1) / 2e0) AS BIGINT)""",
            feed=feed,
        )
        if len(found):
            return str(found["event_id"].iloc[0])
    return ""


def _divide_by_pool(
    records: pd.DataFrame, of_line: pd.DataFrame, use: pd.DataFrame | None
) -> pd.DataFrame:
    """Divide each record between the pools that put it there: rate x what the event used of each."""
    rows = of_line.merge(
        records.rename(columns={"amount_pence": "record_pence"}), on=RECORD, validate="many_to_one"
    )
    if use is None:
        rows["part"] = rows["amount_pence"].astype("float64")
    else:
        used = use.groupby("pool_id")[["weight", "line_weight"]].agg(
            {"weight": "sum", "line_weight": "first"}
        )
        share = (used["weight"] / used["line_weight"].where(used["line_weight"] != 0)).fillna(0.0)
        rows = rows[rows["pool_id"].isin(used.index)]
        rows = rows.assign(part=rows["amount_pence"] * rows["pool_id"].map(share))
    pieces = []
    for _, group in rows.groupby(RECORD, sort=True):
        parts = _to_whole(group["part"])
        shares = share_parts(int(group["record_pence"].iloc[0]), parts)
        pieces.append(group.assign(amount_pence=shares))
    kept = pd.concat(pieces, ignore_index=True)
    return kept.loc[
        kept["amount_pence"] != 0, [*RECORD, "pool_id", "department_id", "amount_pence"]
    ]


def _divide_by_posting(through: pd.DataFrame, postings: pd.DataFrame) -> pd.DataFrame:
    """Divide each piece between the ledger lines of its department and element."""
    spent = postings[postings["account_type"] == EXPENDITURE].sort_values(POSTING)
    books = dict(list(spent.groupby(["department_id", "element"])[[*POSTING, "amount_pence"]]))
    pieces = []
    for piece in through.itertuples():
        lines = books[(piece.source_department, piece.element)]
        shares = share_parts(int(piece.amount_pence), lines["amount_pence"].tolist())
        pieces.append(
            lines[POSTING].assign(
                **{name: getattr(piece, name) for name in [*RECORD, "pool_id", "department_id"]},
                amount_pence=shares,
            )
        )
    paths = pd.concat(pieces, ignore_index=True)
    paths = paths[paths["amount_pence"] != 0]
    names = [*RECORD, "pool_id", "department_id", *POSTING]
    return paths.sort_values(names, ignore_index=True)[[*names, "amount_pence"]]


def _describe_pools(
    paths: pd.DataFrame, of_line: pd.DataFrame, use: pd.DataFrame | None
) -> pd.DataFrame:
    """Return what the event took from each pool, and what it used of the pool's activity."""
    own = paths["amount_pence"].where(paths["tier"] != "overhead", 0)
    rows = paths.assign(own_pence=own, overhead_pence=paths["amount_pence"] - own)
    pools = rows.groupby(["pool_id", "department_id"], as_index=False, sort=True)[
        ["own_pence", "overhead_pence", "amount_pence"]
    ].sum()
    feeds = of_line.drop_duplicates("pool_id").set_index("pool_id")["feed"]
    pools["feed"] = pools["pool_id"].map(feeds)
    if use is None:
        return pools.assign(n_lines=0, units=np.nan, line_units=np.nan, unit="", match_rules="")
    used = use.groupby("pool_id").agg(
        n_lines=("n_lines", "sum"), units=("weight", "sum"), line_units=("line_weight", "first"),
        match_rules=("match_rule", ", ".join),
    )  # fmt: skip
    used[["units", "line_units"]] = used[["units", "line_units"]] / HUNDREDTHS
    pools = pools.merge(used, left_on="pool_id", right_index=True, validate="one_to_one")
    units = get_reference("feeds").set_index("feed")["unit"]
    return pools.assign(unit=pools["feed"].map(units)).sort_values(
        ["amount_pence", "pool_id"], ascending=[False, True], ignore_index=True
    )


def _describe_overheads(
    paths: pd.DataFrame, drivers: pd.DataFrame, allocation: pd.DataFrame
) -> pd.DataFrame:
    """Return each service's way to the event: its driver, its share that ends there, its pence."""
    rows = paths[paths["tier"] == "overhead"].rename(columns={"source_department": "service_id"})
    keys = ["service_id", "department_id"]
    table = rows.groupby(keys, as_index=False, sort=True)["amount_pence"].sum()
    ends = allocation.groupby(keys)["amount_pence"].sum().rename("attributed_pence").reset_index()
    whole = ends.groupby("service_id")["attributed_pence"].transform("sum")
    ends["attributed_prop"] = ends["attributed_pence"] / whole.where(whole != 0)
    used = drivers[drivers["service_department"] != drivers["consumer_department"]]
    used = used.groupby(["service_department", "consumer_department"], as_index=False).agg(
        driver=("driver", "first"), quantity=("quantity", "sum")
    )
    total = used.groupby("service_department")["quantity"].transform("sum")
    used["quantity_prop"] = used["quantity"] / total.where(total != 0)
    used.columns = [*keys, *used.columns[2:]]
    table = table.merge(ends, on=keys, how="left", validate="one_to_one")
    table = table.merge(used, on=keys, how="left", validate="one_to_one")
    return table.sort_values(
        ["amount_pence", *keys], ascending=[False, True, True], ignore_index=True
    )


def _check_whole(event_id: str, paths: pd.DataFrame, records: pd.DataFrame) -> None:
    """Refuse a trace that loses a penny."""
    given, held = int(paths["amount_pence"].sum()), int(records["amount_pence"].sum())
    if given != held:
        raise ReconciliationError(
            f"The paths of {event_id} hold £{given / 100:,.2f}; its cost records hold £{held / 100:,.2f}."
        )


def share_parts(pence: int, parts: Sequence[int]) -> list[int]:
    """Share whole pence in the proportion of parts, some of them credits; equally if all are zero."""
    if not any(parts):
        parts = [1] * len(parts)
    if sum(parts) < 0:  # a department in credit: its charges are what is set against it
        parts = [-part for part in parts]
    return share_signed(pence, list(parts), [f"{place:08d}" for place in range(len(parts))])


def _to_whole(parts: pd.Series) -> list[int]:
    """Return parts of pence as whole millionths, so that they are shared exactly."""
    return [int(part) for part in np.rint(parts.to_numpy(dtype="float64") * 1e6)]


def _explain_unknown(db: QueryEngine, event_id: str) -> str:
    """Say what else the id could be."""
    episodes = db.frame(
        "SELECT event_id FROM events WHERE spell_id = $spell ORDER BY event_id", spell=event_id
    )
    if len(episodes):
        return (
            f"{event_id} is a spell. Cost is kept by episode; name one of its episodes: "
            f"{name_a_few(episodes['event_id'])}."
        )
    return (
        f"No event {event_id} carries cost. It may be spelt otherwise, have been set aside by cleaning "
        "(the table cleaning_log says so), not have been attended, or lie outside the year."
    )
