"""Each cost pool's pence by service line, and how well its activity was matched."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.money import hamilton
from helpers.contracts.terms import UNMAPPED, UNMATCHED, find_own_line
from helpers.costing.reference import get_reference
from helpers.costing.weights import name_rule
from helpers.errors import AllocationError, name_a_few

HUNDREDTHS = 100
SHARED_COLUMNS = ("line_id", "tier", "amount_pence", "element", "source_department")
NO_FEED = "none"  # a department that no patient activity shares out
UNMATCHED_RULE = "NONE"
UNMATCHED_RESIDUAL, PROPORTIONAL = RESIDUAL_RULES = ("unmatched", "proportional")

# Added up by number first; names are for the few rows that are left.
FEED_WEIGHTS_SQL = f"""
SELECT u.feed, u.feed_key, {name_rule("t.rule_no")} AS match_rule,
       CASE WHEN t.is_matched THEN n.line_id ELSE '{UNMATCHED}:' || n.line_id END AS line_id,
       t.is_matched, t.weight, t.n_lines
FROM (SELECT use_no, rule_no, service_line_no, event_no IS NOT NULL AS is_matched,
             CAST(sum(weight) AS BIGINT) AS weight, count(*) AS n_lines
      FROM line_weights GROUP BY use_no, rule_no, service_line_no, event_no IS NOT NULL) AS t
JOIN activity_uses AS u ON u.use_no = t.use_no
JOIN service_line_numbers AS n ON n.service_line_no = t.service_line_no
ORDER BY feed, feed_key, match_rule, line_id
"""


@dataclass(frozen=True)
class PoolWeights:
    """Which activity shares out each pool.

    Attributes
    ----------
    pools
        One row per pool: ``pool_id, department_id, feed`` (the one used), ``quality_score,
        own_pence, overhead_pence, is_traced``.
    keys
        ``pool_id, feed, feed_key``: the activity that belongs to each pool.
    weights
        ``pool_id, line_id, match_rule, is_matched, weight, n_lines``: hundredths of a unit by line. A
        traced pool's remainder is a row of its own, not matched, with no lines.
    units
        ``line_id, feed, weight_units``: matched activity of the feeds in use, each counted once.
    notices
        What the reader should know, in words.
    """

    pools: pd.DataFrame
    keys: pd.DataFrame
    weights: pd.DataFrame
    units: pd.DataFrame
    notices: list[str]


def weigh_pools(
    db: QueryEngine,
    components: pd.DataFrame,
    departments: pd.DataFrame,
    *,
    counting: Collection[str] = (),
    residual_rule: str = UNMATCHED_RESIDUAL,
    allow_idle: bool = False,
) -> PoolWeights:
    """Find the activity of every pool, by line.

    A pool without any activity takes its fallback feed. In a traced pool (high-cost drugs, implants)
    a line weighs what its items cost: what the pool holds beyond them is a remainder that goes,
    unmatched, to the line that owns the department; what it lacks scales the items down (TRC-001).

    Parameters
    ----------
    components
        Pools by element and source department (``build_pool_components``), whole pence.
    counting
        Pools that count records alike, whatever each weighs.
    residual_rule
        ``unmatched``; or ``proportional``: what a traced pool holds beyond its items goes to the
        items too, in proportion to their cost.
    allow_idle
        A pool without any activity is unmatched cost of the line that owns the department, and said,
        instead of refused: one month of a year (decision D-321).

    Raises
    ------
    AllocationError
        ALLOC-E02 if a pool has cost and neither feed has activity.
    """
    feeds = get_reference("feeds")
    activity = db.frame(FEED_WEIGHTS_SQL)
    pools = list_pools(components)
    keys, used, notices = _choose_feeds(
        pools, activity, set(feeds.loc[feeds["is_traced"] == 1, "feed"]), allow_idle
    )
    pools = pools.assign(feed=pools["pool_id"].map(used).astype("str"))
    pools["is_traced"] = pools["feed"].map(feeds.set_index("feed")["is_traced"]).eq(1)
    rows = keys.merge(activity, on=["feed", "feed_key"], validate="many_to_many")
    rows["weight"] = rows["weight"].mask(
        rows["pool_id"].isin(counting), rows["n_lines"] * HUNDREDTHS
    )
    weights = rows.groupby(
        ["pool_id", "line_id", "match_rule", "is_matched"], as_index=False, sort=True
    )[["weight", "n_lines"]].sum()
    remainders, scaled = _find_remainders(pools, weights, departments, residual_rule)
    idle = _list_idle(pools, weights, departments) if allow_idle else remainders.iloc[:0]
    weights = pd.concat([weights, remainders, idle], ignore_index=True)
    notices = [*notices, *scaled, *_describe_unused(keys, activity)]
    return PoolWeights(pools, keys, weights, _total_units(keys, activity), notices)


def list_pools(components: pd.DataFrame) -> pd.DataFrame:
    """Return one row per pool that activity shares out, with its own and overhead pence.

    A pool that names no fallback feed takes the usual one of its feed: ward hours for drugs without
    any issue.
    """
    rows = components[components["feed"] != NO_FEED]
    amount = rows["amount_pence"]
    rows = rows.assign(
        own_pence=amount.where(~rows["is_overhead"], 0),
        overhead_pence=amount.where(rows["is_overhead"], 0),
    )
    pools = rows.groupby("pool_id", as_index=False, sort=True).agg(
        department_id=("department_id", "first"),
        feed=("feed", "first"),
        feed_filter=("feed_filter", "first"),
        fallback_feed=("fallback_feed", "first"),
        quality_score=("quality_score", "first"),
        own_pence=("own_pence", "sum"),
        overhead_pence=("overhead_pence", "sum"),
    )
    for name in ("feed_filter", "fallback_feed"):
        pools[name] = pools[name].astype("str").fillna("").str.strip()
    usual = get_reference("feeds").set_index("feed")["fallback_feed"].fillna("")
    usual = pools["feed"].map(usual).fillna("").astype("str")
    pools["fallback_feed"] = pools["fallback_feed"].where(pools["fallback_feed"] != "", usual)
    return pools.assign(quality_score=pools["quality_score"].astype("float64").fillna(0.0))


def _choose_feeds(
    pools: pd.DataFrame, activity: pd.DataFrame, traced: set[str], allow_idle: bool
) -> tuple[pd.DataFrame, pd.Series, list[str]]:
    """Return the feed keys of each pool and the feed it uses; refuse a pool with none, or say it."""
    found = activity.groupby(["feed", "feed_key"], as_index=False)["weight"].sum()
    chosen, used, notices = [], {}, []
    for pool in pools.itertuples():
        keys = _filter_keys(found, pool.feed, pool.feed_filter)
        feed = pool.feed
        if keys["weight"].sum() <= 0 and pool.fallback_feed:
            feed, keys = pool.fallback_feed, _filter_keys(found, pool.fallback_feed, "")
            notices.append(
                f"Pool {pool.pool_id} has no {pool.feed} activity: {feed} shares it out."
            )
        if keys["weight"].sum() <= 0 and feed not in traced:
            if not allow_idle:
                _refuse(pool)
            notices.append(
                f"Pool {pool.pool_id} holds £{(pool.own_pence + pool.overhead_pence) / 100:,.2f} and has no "
                f"activity ({feed}): it is unmatched cost."
            )
        chosen.append(keys.assign(pool_id=pool.pool_id))
        used[pool.pool_id] = feed
    keys = pd.concat(chosen, ignore_index=True) if chosen else found.head(0).assign(pool_id="")
    return keys[["pool_id", "feed", "feed_key"]], pd.Series(used, dtype="str"), notices


def _filter_keys(found: pd.DataFrame, feed: str, feed_filter: str) -> pd.DataFrame:
    keys = found[found["feed"] == feed]
    wanted = [part.strip() for part in feed_filter.split(";") if part.strip()]
    return keys[keys["feed_key"].isin(wanted)] if wanted else keys


def _refuse(pool: object) -> None:
    where = f" with {pool.feed_filter}" if pool.feed_filter else ""
    tried = f", and none of the fallback feed {pool.fallback_feed}" if pool.fallback_feed else ""
    raise AllocationError(
        f"pool {pool.pool_id} of {pool.department_id} holds "
        f"£{(pool.own_pence + pool.overhead_pence) / 100:,.2f} and there is no {pool.feed} activity"
        f"{where}{tried} to share it out.\n"
        "Supply the feed's file, correct feed_filter in cost_pools, or name a fallback_feed there.",
        rule="ALLOC-E02",
    )


def _find_remainders(
    pools: pd.DataFrame, weights: pd.DataFrame, departments: pd.DataFrame, residual_rule: str
) -> tuple[pd.DataFrame, list[str]]:
    """Return what traced pools hold beyond their items, as unmatched rows; say which were scaled.

    Under the rule ``proportional`` items take the whole pool, so there is a row only without items.
    """
    owners = departments.set_index("department_id")["owner_line_id"].astype("str").fillna("")
    items = weights.groupby("pool_id")["weight"].sum()
    rows, notices = [], []
    for pool in pools[pools["is_traced"]].itertuples():
        cost = int(items.get(pool.pool_id, 0))
        left = pool.own_pence - cost
        if left > 0 and cost > 0 and residual_rule == PROPORTIONAL:
            notices.append(
                f"Items of pool {pool.pool_id} cost £{cost / 100:,.2f} and its ledger cost is "
                f"£{pool.own_pence / 100:,.2f}: by residual_rule in trust.yml every item carries "
                f"{pool.own_pence / cost:.4f} times its cost."
            )
        elif left > 0 or cost == 0:
            owner = owners.get(pool.department_id, "") or UNMAPPED
            rows.append((pool.pool_id, f"{UNMATCHED}:{owner}", max(left, 1)))
        elif left < 0:
            notices.append(
                f"TRC-001: items of pool {pool.pool_id} cost £{cost / 100:,.2f} and its ledger cost is "
                f"£{pool.own_pence / 100:,.2f}: every item is scaled by {pool.own_pence / cost:.4f}."
            )
    frame = pd.DataFrame(rows, columns=["pool_id", "line_id", "weight"]).astype({"weight": "int64"})
    return frame.assign(match_rule=UNMATCHED_RULE, is_matched=False, n_lines=0), notices


def _list_idle(
    pools: pd.DataFrame, weights: pd.DataFrame, departments: pd.DataFrame
) -> pd.DataFrame:
    """Return pools without any weight as unmatched cost of the lines that own their departments."""
    owners = departments.set_index("department_id")["owner_line_id"].astype("str").fillna("")
    weighed = weights.groupby("pool_id")["weight"].sum()
    is_idle = ~pools["is_traced"] & (pools["pool_id"].map(weighed).fillna(0) <= 0)
    rows = pools.loc[is_idle, ["pool_id"]]
    owner = pools.loc[is_idle, "department_id"].map(owners).replace("", UNMAPPED).fillna(UNMAPPED)
    return rows.assign(
        line_id=f"{UNMATCHED}:" + owner, weight=1, match_rule=UNMATCHED_RULE, is_matched=False,
        n_lines=0,
    )  # fmt: skip


def _total_units(keys: pd.DataFrame, activity: pd.DataFrame) -> pd.DataFrame:
    """Return each line's matched activity in the feeds that pools use, however many pools use it."""
    used = keys[["feed", "feed_key"]].drop_duplicates()
    rows = activity[activity["is_matched"]].merge(
        used, on=["feed", "feed_key"], validate="many_to_one"
    )
    total = rows.groupby(["line_id", "feed"], as_index=False, sort=True)["weight"].sum()
    return total.assign(weight_units=total["weight"] / HUNDREDTHS)[
        ["line_id", "feed", "weight_units"]
    ]


def _describe_unused(keys: pd.DataFrame, activity: pd.DataFrame) -> list[str]:
    """Say which activity belongs to no pool, in feeds that some pool uses."""
    rows = activity[activity["feed"].isin(keys["feed"])]
    rows = rows.merge(
        keys[["feed", "feed_key"]].drop_duplicates(), on=["feed", "feed_key"], how="left",
        validate="many_to_one", indicator=True,
    )  # fmt: skip
    unused = rows[rows["_merge"] == "left_only"]
    return [
        f"Activity of {feed} that belongs to no pool and carries no cost of it: "
        f"{name_a_few(group['feed_key'])} (lines: {group['n_lines'].sum():,}). "
        "See feed_filter in cost_pools."
        for feed, group in unused.groupby("feed", sort=True)
    ]


def share_signed(pence: int, weights: list[int], keys: list[str]) -> list[int]:
    """Share whole pence in proportion to weights of which some are credits, to the penny.

    Charges and credits are each shared by largest remainder; without credits this is ``hamilton``.
    Credits that outweigh all charges have nothing to be set against: the charges alone count then.
    """
    credits = [max(-weight, 0) for weight in weights]
    charges = [max(weight, 0) for weight in weights]
    net = sum(weights)
    if not any(credits):
        return hamilton(pence, weights, keys)
    if net <= 0:
        return hamilton(pence, charges if any(charges) else credits, keys)
    back = _scale(pence, sum(credits), net)
    up, down = hamilton(pence + back, charges, keys), hamilton(back, credits, keys)
    return [charge - credit for charge, credit in zip(up, down, strict=True)]


def _scale(pence: int, part: int, whole: int) -> int:
    """Return pence x part / whole, rounded half up, in whole numbers."""
    return (2 * pence * part + whole) // (2 * whole)


def share_pools(
    weighed: PoolWeights, components: pd.DataFrame, departments: pd.DataFrame
) -> pd.DataFrame:
    """Return ``pool_line_costs``: every component's pence by line, adding up to the component.

    A pool's own cost is direct for the line that owns its department and indirect for others; the
    overhead in it is overhead for all (decision D-004). Departments that no activity shares out keep
    the column they were given.
    """
    owners = departments.set_index("department_id")["owner_line_id"].astype("str").fillna("")
    by_line = weighed.weights.groupby(["pool_id", "line_id"], sort=True)["weight"].sum()
    feeds = weighed.pools.set_index("pool_id")["feed"]
    parts = []
    for pool_id, rows in components.groupby("pool_id", sort=True):
        given = rows["feed"].iloc[0] == NO_FEED
        lines = (
            pd.Series({rows["line_id"].iloc[0]: 1})
            if given
            else by_line.loc[[pool_id]].droplevel(0)
        )
        parts.append(
            _share_pool(rows, lines, feed=NO_FEED if given else feeds[pool_id], owner=owners)
        )
    columns = ["pool_id", "department_id", "feed", "line_id", "tier", "element", "source_department",
               "amount_pence"]  # fmt: skip
    shared = pd.concat(parts, ignore_index=True)
    shared = shared[shared["amount_pence"] != 0]
    return shared.sort_values(
        ["pool_id", "line_id", "tier", "element", "source_department"], ignore_index=True
    )[columns]


def _share_pool(
    rows: pd.DataFrame, lines: pd.Series, *, feed: str, owner: pd.Series
) -> pd.DataFrame:
    names, weights = lines.index.tolist(), [int(weight) for weight in lines]
    owned_by = owner.get(rows["department_id"].iloc[0], "")
    # a department's own column, as against what a medical team gives to teaching or research
    is_own = feed == NO_FEED and rows["pool_id"].iloc[0].count(":") == 1
    own_tier = [
        "direct" if is_own or (owned_by and find_own_line(name) == owned_by) else "indirect"
        for name in names
    ]
    columns: dict[str, list] = {name: [] for name in SHARED_COLUMNS}
    for row in rows.itertuples():  # one frame at the end: a frame for each row takes seconds
        columns["line_id"] += names
        columns["tier"] += ["overhead"] * len(names) if row.is_overhead else own_tier
        columns["amount_pence"] += share_signed(int(row.amount_pence), weights, names)
        columns["element"] += [row.element] * len(names)
        columns["source_department"] += [row.source_department] * len(names)
    return pd.DataFrame(columns).assign(
        pool_id=rows["pool_id"].iloc[0], department_id=rows["department_id"].iloc[0], feed=feed
    )


def share_departments(weighed: PoolWeights, components: pd.DataFrame) -> pd.DataFrame:
    """Return ``department_line_shares``: how overhead that a final department receives goes to lines.

    A department's pools count by their own cost (D-009), and equally if they have none; a pool's
    lines by their weight. What is set apart (non-patient care, teaching, research) is a pool of one line.
    """
    lines = weighed.weights.groupby(["pool_id", "line_id"], as_index=False, sort=True)[
        "weight"
    ].sum()
    apart = components[components["feed"] == NO_FEED]
    own = apart["amount_pence"].where(~apart["is_overhead"], 0)
    apart = (
        apart.assign(own_pence=own)
        .groupby(["pool_id", "department_id", "line_id"], as_index=False, sort=True)["own_pence"]
        .sum()
    )
    columns = ["pool_id", "department_id", "own_pence"]
    pools = pd.concat([weighed.pools[columns], apart[columns]], ignore_index=True)
    lines = pd.concat([lines, apart[["pool_id", "line_id"]].assign(weight=1)], ignore_index=True)
    pools["part"] = pools["own_pence"].clip(lower=0).astype("float64")
    total = pools.groupby("department_id")["part"].transform("sum")
    equal = 1.0 / pools.groupby("department_id")["part"].transform("size")
    pools["part"] = (pools["part"] / total.where(total > 0, 1.0)).where(total > 0, equal)
    lines["share"] = lines["weight"] / lines.groupby("pool_id")["weight"].transform("sum")
    rows = lines.merge(
        pools[["pool_id", "department_id", "part"]], on="pool_id", validate="many_to_one"
    )
    rows["share_prop"] = rows["share"] * rows["part"]
    return rows.groupby(["department_id", "line_id"], as_index=False, sort=True)["share_prop"].sum()
