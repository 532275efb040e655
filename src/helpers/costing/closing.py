"""From pools to events: micro-pounds by event, closed to whole pence against each line's total.

An event costs ``floor(weight x rate + 0.5)`` micro-pounds of each component of a pool. Inside a line,
tier, element and department of origin, events are rounded down to pence and the pence left over go to
the largest remainders, the smallest event id first, so that they add up to the line's pence exactly.
"""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import UNMATCHED
from helpers.costing.bands import extend
from helpers.costing.pool_lines import HUNDREDTHS, NO_FEED, PoolWeights

MICRO_POUNDS_A_PENNY = 10_000
BIN_MICRO_POUNDS = 100  # remainders are first counted in bins this wide
OVERHEAD_COLUMNS = 24  # overhead components worked out in one pass

EVENTS_A_BAND = 131_072  # events worked out at a time: some three million cost rows, all in memory

# Which cells a line of activity weighs in, by what it is of and whose patient it was for.
CELL_USES_SQL = """
SELECT u.use_no, n.service_line_no, c.line_no, c.cell_no, k.is_counted
FROM pool_keys AS k
JOIN activity_uses AS u ON u.feed = k.feed AND u.feed_key = k.feed_key
JOIN pool_cells AS c ON c.pool_no = k.pool_no
JOIN service_line_numbers AS n ON n.line_id = c.line_id
"""

# In the order of events, so that a band of them is a small part of the table.
EVENT_LINES_SQL = """
SELECT event_no, use_no, service_line_no, weight FROM line_weights WHERE event_no IS NOT NULL
ORDER BY event_no
"""

BAND_SQL = f"""
SELECT a.event_no, u.line_no, u.cell_no,
       CAST(sum(CASE WHEN u.is_counted THEN {HUNDREDTHS} ELSE a.weight END) AS BIGINT) AS weight
FROM event_lines AS a
JOIN cell_uses AS u ON u.use_no = a.use_no AND u.service_line_no = a.service_line_no
WHERE a.event_no >= $first AND a.event_no < $last AND (a.weight <> 0 OR u.is_counted)
GROUP BY a.event_no, u.line_no, u.cell_no
"""
_MICRO = "CAST(floor(w.weight * r.rate + 0.5) AS BIGINT)"

# Own cost: sources that one pool holds need no adding up.
SINGLE_SQL = f"""
SELECT w.event_no, r.part_no, {_MICRO} AS micro
FROM band_pool AS w JOIN own_rates AS r ON r.cell_no = w.cell_no WHERE r.n_pools = 1
"""
SEVERAL_SQL = f"""
SELECT w.event_no, r.part_no, CAST(sum({_MICRO}) AS BIGINT) AS micro
FROM band_pool AS w JOIN own_rates AS r ON r.cell_no = w.cell_no WHERE r.n_pools > 1
GROUP BY w.event_no, r.part_no
"""

# Whole pence and what is left of a penny, worked out once.
MICRO_SQL = f"""
SELECT event_no, part_no, pence, CAST(micro - pence * {MICRO_POUNDS_A_PENNY} AS INTEGER) AS remainder
FROM (SELECT event_no, CAST(part_no AS INTEGER) AS part_no, micro,
             CAST(floor(micro / {MICRO_POUNDS_A_PENNY}e0) AS BIGINT) AS pence
      FROM ({{union}}) AS u(event_no, part_no, micro) WHERE micro <> 0) AS m
"""
_BIN = f"CAST(floor(c.remainder / {BIN_MICRO_POUNDS}e0) AS INTEGER)"

BINS_SQL = f"""
SELECT part_no, {_BIN} AS bin, count(*) AS n, CAST(sum(pence) AS BIGINT) AS pence
FROM cost_micro AS c GROUP BY part_no, {_BIN} ORDER BY part_no, bin
"""

# In the bin of the cut the first `n_more` events get a penny more: the last of them is the mark.
MARKS_SQL = f"""
SELECT part_no, remainder AS cut_left, event_no AS cut_event
FROM (
    SELECT c.part_no, c.event_no, c.remainder, g.n_more,
           row_number() OVER (PARTITION BY c.part_no ORDER BY c.remainder DESC, c.event_no) AS place
    FROM cost_micro AS c JOIN closing_cuts AS g ON g.part_no = c.part_no AND g.cut_bin = {_BIN}
    WHERE g.n_more > 0
) AS p WHERE place = n_more
"""

# Remainders above the mark get a penny more, and of those equal to it the events up to the mark's.
RULES_SQL = f"""
SELECT s.part_no, s.key_no, s.sign, s.base_pence,
       CAST(coalesce(m.cut_left, (s.cut_bin + 1) * {BIN_MICRO_POUNDS} - 1) AS INTEGER) AS cut_left,
       coalesce(m.cut_event, 0) AS cut_event
FROM closing_cuts AS s LEFT JOIN closing_marks AS m ON m.part_no = s.part_no
"""
CLOSED_SQL = """
SELECT event_no, key_no, amount_pence FROM (
    SELECT c.event_no, g.key_no,
           g.sign * (c.pence + g.base_pence + CASE WHEN c.remainder > g.cut_left
               OR (c.remainder = g.cut_left AND c.event_no <= g.cut_event) THEN 1 ELSE 0 END) AS amount_pence
    FROM cost_micro AS c JOIN closing_rules AS g ON g.part_no = c.part_no
) AS closed WHERE amount_pence <> 0
"""


def cost_line_events(
    db: QueryEngine,
    weighed: PoolWeights,
    pool_line_costs: pd.DataFrame,
    *,
    counting: Collection[str] = (),
) -> pd.DataFrame:
    """Make ``cost_rows`` (event_no, key_no, amount_pence), closed to each line's pence.

    Parameters
    ----------
    counting
        Pools that count records alike, whatever each weighs.

    Returns
    -------
    pd.DataFrame
        ``cost_keys``: key_no, line_id, tier, element, source_department and what its rows add up to,
        ``amount_pence``; also left in the engine, with ``event_pool``, ``pool_cells`` and ``pool_keys``.
    """
    matched = pool_line_costs[
        (pool_line_costs["feed"] != NO_FEED)
        & ~pool_line_costs["line_id"].str.startswith(f"{UNMATCHED}:")
    ]
    cells = _number_cells(weighed)
    keys = _number_keys(matched, cells)
    rates = _find_rates(matched, cells, keys)
    db.add_frame("cost_keys", keys)
    db.add_frame("pool_cells", cells)
    pool_no = cells.drop_duplicates("pool_id").set_index("pool_id")["pool_no"]
    pool_keys = weighed.keys[weighed.keys["pool_id"].isin(pool_no.index)]
    pool_keys = pool_keys.assign(
        pool_no=pool_keys["pool_id"].map(pool_no).astype("int32"),
        is_counted=pool_keys["pool_id"].isin(counting),
    )
    db.add_frame("pool_keys", pool_keys)
    db.create("cell_uses", CELL_USES_SQL)
    db.create("event_lines", EVENT_LINES_SQL)
    _work_out_micro(db, rates)
    _close(db, keys, rates)
    return keys


def _number_cells(weighed: PoolWeights) -> pd.DataFrame:
    """Number the pools, the lines and every pool x line that has matched weight."""
    rows = weighed.weights[weighed.weights["is_matched"]]
    cells = rows.groupby(["pool_id", "line_id"], as_index=False, sort=True)["weight"].sum()
    return cells.assign(
        pool_no=cells["pool_id"].rank(method="dense").astype("int32"),
        line_no=cells["line_id"].rank(method="dense").astype("int32"),
        cell_no=pd.RangeIndex(1, len(cells) + 1).to_numpy(dtype="int32"),
    )


def _number_keys(matched: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return what events are closed to: pence by line x tier x element x department of origin."""
    parts = ["line_id", "tier", "element", "source_department"]
    keys = matched.groupby(parts, as_index=False, sort=True)["amount_pence"].sum()
    sources = keys["source_department"] + "\t" + keys["element"]
    line_no = cells.drop_duplicates("line_id").set_index("line_id")["line_no"]
    return keys.assign(
        key_no=pd.RangeIndex(1, len(keys) + 1).to_numpy(dtype="int32"),
        line_no=keys["line_id"].map(line_no).astype("int32"),
        source_no=sources.rank(method="dense").astype("int32"),
        sign=keys["amount_pence"].map(lambda pence: -1 if pence < 0 else 1).astype("int64"),
    ).assign(
        part_no=lambda rows: (
            rows["line_no"] * (rows["source_no"].max() + 1) + rows["source_no"]
        ).astype("int32")
    )


def _find_rates(matched: pd.DataFrame, cells: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """Return micro-pounds per hundredth of a unit, for each pool x line and component."""
    rows = matched.merge(
        cells[["pool_id", "line_id", "cell_no", "pool_no", "weight"]], on=["pool_id", "line_id"],
        validate="many_to_one",
    )  # fmt: skip
    rows = rows.merge(
        keys[["line_id", "tier", "element", "source_department", "source_no", "part_no", "sign"]],
        on=["line_id", "tier", "element", "source_department"], validate="many_to_one",
    )  # fmt: skip
    weight = rows["weight"].where(rows["weight"] != 0).astype("float64")
    rate = rows["sign"] * rows["amount_pence"] * MICRO_POUNDS_A_PENNY / weight
    return rows.assign(
        rate=rate.fillna(0.0), n_pools=rows.groupby("source_no")["pool_no"].transform("nunique")
    )


def _work_out_micro(db: QueryEngine, rates: pd.DataFrame) -> None:
    """Make ``event_pool``, the weight of every event in each cell, and ``cost_micro`` from it.

    ``cost_micro`` holds cost by event and part (line and source), as whole pence and the micro-pounds left.

    Band by band of events: what is added up for a band stays in memory, and stands together.
    """
    is_overhead = rates["tier"] == "overhead"
    db.add_frame("own_rates", rates.loc[~is_overhead, ["cell_no", "part_no", "rate", "n_pools"]])
    wide = _add_wide_rates(db, rates[is_overhead])
    n_parts = int(rates["source_no"].max()) + 1 if len(rates) else 1
    for first in list_bands(db):
        db.create("band_pool", BAND_SQL, first=first, last=first + EVENTS_A_BAND)
        extend(db, "event_pool", "SELECT * FROM band_pool", is_new=first == 0)
        selects = [SINGLE_SQL, SEVERAL_SQL]
        for name, sources in wide.items():
            db.create(f"band_{name}", _add_up_overhead(name, sources))
            selects += [
                f"SELECT event_no, line_no * {n_parts} + {n}, m{n} FROM band_{name}"
                for n in sources
            ]
        union = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS s" for sql in selects)
        extend(db, "cost_micro", MICRO_SQL.format(union=union), is_new=first == 0)
    db.drop(
        "own_rates",
        "event_lines",
        "cell_uses",
        "band_pool",
        *wide,
        *(f"band_{name}" for name in wide),
    )


def list_bands(db: QueryEngine) -> range:
    """Return the first number of each band of events; there is one band at least."""
    last = db.frame("SELECT coalesce(max(event_no), 0) AS n FROM events")["n"].iloc[0]
    return range(0, int(last) + 1, EVENTS_A_BAND)


def _add_wide_rates(db: QueryEngine, rates: pd.DataFrame) -> dict[str, list[int]]:
    """Add tables of rates with one row per cell and one column per overhead source; name their sources."""
    every = sorted(rates["source_no"].unique().tolist())
    tables = {}
    for first in range(0, len(every), OVERHEAD_COLUMNS):
        sources = every[first : first + OVERHEAD_COLUMNS]
        wide = rates[rates["source_no"].isin(sources)].pivot(
            index="cell_no", columns="source_no", values="rate"
        )
        wide = wide.reindex(columns=sources).fillna(0.0)
        wide.columns = [f"r{n}" for n in sources]
        name = f"overhead_{first // OVERHEAD_COLUMNS}"
        db.add_frame(name, wide.reset_index())
        tables[name] = sources
    return tables


def _add_up_overhead(name: str, sources: list[int]) -> str:
    """Return the SELECT of one row per event and one column per overhead source."""
    sums = ", ".join(
        f"CAST(sum(CAST(floor(w.weight * r.r{n} + 0.5) AS BIGINT)) AS BIGINT) AS m{n}"
        for n in sources
    )
    return (
        f"SELECT w.event_no, w.line_no, {sums} FROM band_pool AS w "
        f"JOIN {name} AS r ON r.cell_no = w.cell_no GROUP BY w.event_no, w.line_no"
    )


def _close(db: QueryEngine, keys: pd.DataFrame, rates: pd.DataFrame) -> None:
    """Make ``cost_rows`` from ``cost_micro``, adding up to the pence of every key."""
    cuts = find_cuts(db.frame(BINS_SQL), keys)
    db.add_frame("closing_cuts", cuts)
    db.create("closing_marks", MARKS_SQL)
    db.create("closing_rules", RULES_SQL)
    db.create("cost_rows", CLOSED_SQL)
    db.drop("cost_micro", "closing_cuts", "closing_marks", "closing_rules")
    _give_tiny(db, keys, rates)


def find_cuts(bins: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """Find, for each line and source, which remainders are rounded up.

    Parameters
    ----------
    bins
        ``part_no, bin, n, pence``: events by size of remainder, and their whole pence.
    keys
        ``key_no, part_no, sign, amount_pence``: what they must add up to.

    Returns
    -------
    pd.DataFrame
        ``part_no, key_no, sign, base_pence`` (added to every event, as a rule 0), ``cut_bin``
        (events in bins above it get a penny more) and ``n_more`` (so do this many of the bin itself).
    """
    rows = bins.sort_values(["part_no", "bin"], ascending=[True, False], ignore_index=True)
    groups = rows.groupby("part_no", sort=False)
    rows["n_above"] = groups["n"].cumsum() - rows["n"]
    totals = groups.agg(n=("n", "sum"), pence=("pence", "sum")).reset_index()
    totals = totals.merge(
        keys[["part_no", "key_no", "sign", "amount_pence"]], on="part_no", validate="one_to_one"
    )
    left = totals["sign"] * totals["amount_pence"] - totals["pence"]
    totals["base_pence"] = left // totals["n"]
    totals["n_up"] = left - totals["base_pence"] * totals["n"]
    rows = rows.merge(
        totals[["part_no", "key_no", "sign", "base_pence", "n_up"]], on="part_no",
        validate="many_to_one",
    )  # fmt: skip
    is_cut = (rows["n_above"] <= rows["n_up"]) & (rows["n_up"] < rows["n_above"] + rows["n"])
    cuts = rows[is_cut].assign(
        cut_bin=lambda r: r["bin"], n_more=lambda r: r["n_up"] - r["n_above"]
    )
    columns = ["part_no", "key_no", "sign", "base_pence", "cut_bin", "n_more"]
    return cuts[columns].reset_index(drop=True)


def _give_tiny(db: QueryEngine, keys: pd.DataFrame, rates: pd.DataFrame) -> None:
    """Give pence so few that no event's part reaches a micro-pound to the heaviest events.

    This is a matter of a penny or so in a line of tens of thousands of events.
    """
    found = db.frame(
        "SELECT key_no, CAST(sum(amount_pence) AS BIGINT) AS closed_pence FROM cost_rows GROUP BY key_no"
    )
    both = keys.merge(found, on="key_no", how="left", validate="one_to_one")
    short = both[both["closed_pence"].isna() & (both["amount_pence"] != 0)]
    if short.empty:
        return
    given = []
    for key in short.itertuples():
        cells = rates.loc[
            (rates["line_id"] == key.line_id) & (rates["source_no"] == key.source_no), "cell_no"
        ]
        heaviest = db.frame(
            f"SELECT event_no FROM event_pool WHERE cell_no IN ({', '.join(map(str, cells))}) "
            "GROUP BY event_no ORDER BY sum(weight) DESC, event_no LIMIT $n",
            n=abs(key.amount_pence),
        )
        given.append(heaviest.assign(key_no=key.key_no, amount_pence=key.sign))
    db.add_frame("cost_tiny", pd.concat(given)[["event_no", "key_no", "amount_pence"]])
    db.create("cost_rows", "SELECT * FROM cost_rows UNION ALL SELECT * FROM cost_tiny")
    db.drop("cost_tiny")
