"""Consultants' time: whose patients a medical team's cost belongs to, by job plan.

A job plan says how many programmed activities (PAs of four hours) a consultant gives each week to wards,
theatres, clinics and the emergency department. A team's PAs divide its cost between these; inside each,
recorded minutes divide it between patients. Supporting and management time follows clinical time; teaching
and research time leaves for columns of its own. A line without job plans keeps a plain rule (D-006).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import EDUCATION, RESEARCH
from helpers.costing.clock import Period
from helpers.costing.money import apportion
from helpers.costing.reference import get_reference
from helpers.errors import InputError, name_a_few

JOB_PLANS = "job_plans"
MEDICAL = "medical"
PLACES = ("ward", "theatre", "clinic", "ed")  # where clinical time can be recorded
CLINICAL = "clinical"  # follows all of them
MINUTES_A_PA = 240
WEEKS_A_YEAR = 42  # weeks of work in a consultant's year; scales the unit, not anyone's share
# Weight of a recorded minute of each place without job plans (decision D-006).
PLAIN_RATES = {"ward": 0.02, "theatre": 1.0, "clinic": 1.0, "ed": 0.15}
PLAIN_QUALITY = 0.25
BESIDE = (EDUCATION, RESEARCH)
PLAN_COLUMNS = ["line_id", "follows", "pas"]

# Minutes are added up as whole hundredths of a second, so that their order does not matter.
TICKS_A_MINUTE = 6_000


def _ticks(minutes: str) -> str:
    return f"CAST(sum(CAST(floor({minutes} * {TICKS_A_MINUTE} + 0.5) AS BIGINT)) AS BIGINT)"


MINUTES_SQL = f"""
SELECT line_id, CAST(sum(ward_seconds) AS BIGINT) AS ward_seconds,
       CAST(sum(theatre_seconds) AS BIGINT) AS theatre_seconds,
       {_ticks("clinic_minutes")} AS clinic_ticks, {_ticks("ed_minutes")} AS ed_ticks
FROM medical_minutes GROUP BY line_id ORDER BY line_id
"""


def total_job_plans(frames: Mapping[str, pd.DataFrame], period: Period) -> pd.DataFrame:
    """Return PAs a week by line and what they follow: ``line_id, follows, pas``.

    A plan counts for the part of the year in which it ran. Consultants that consultants.csv lacks, or
    gives no line, count nowhere.

    Raises
    ------
    InputError
        JOB-001 an activity that is not known; JOB-002 negative PAs.
    """
    plans, people = frames.get(JOB_PLANS), frames.get("consultants")
    if plans is None or people is None or plans.empty:
        return pd.DataFrame({"line_id": [], "follows": [], "pas": []}).astype(
            {"line_id": "str", "follows": "str", "pas": "float64"}
        )
    known = get_reference("plan_activities").set_index("activity")["follows"]
    _check_plans(plans, known)
    lines = people.drop_duplicates("consultant_code").set_index("consultant_code")["line_id"]
    part = _find_parts_of_year(plans, period)
    rows = pd.DataFrame(
        {
            "line_id": plans["consultant_code"].map(lines),
            "follows": plans["activity"].map(known),
            "pas": plans["pas"].fillna(0.0) * part,
        }
    ).dropna()
    total = rows.groupby(["line_id", "follows"], as_index=False, sort=True)["pas"].sum()
    return total[total["pas"] > 0].reset_index(drop=True)[PLAN_COLUMNS]


def _check_plans(plans: pd.DataFrame, known: pd.Series) -> None:
    unknown = plans[~plans["activity"].isin(known.index)]
    if len(unknown):
        raise InputError(
            f"job_plans, column activity: {len(unknown):,} of {len(plans):,} rows name activities that do "
            f"not exist: {name_a_few(unknown['activity'])}.\nThere are {', '.join(known.index)}.",
            rule="JOB-001",
        )
    negative = plans[plans["pas"] < 0]
    if len(negative):
        raise InputError(
            f"job_plans, column pas: {len(negative):,} of {len(plans):,} rows are below zero: "
            f"{name_a_few(negative['pas'])}.\nA programmed activity is four hours of work; write zero or more.",
            rule="JOB-002",
        )


def _find_parts_of_year(plans: pd.DataFrame, period: Period) -> pd.Series:
    """Return the part of the year (0-1) in which each plan ran."""
    start, end = pd.Timestamp(period.start), pd.Timestamp(period.end)
    begins = pd.to_datetime(plans["from"]).fillna(start).clip(lower=start)
    last = pd.to_datetime(plans["to"]) + timedelta(days=1)
    ends = last.fillna(end).clip(upper=end)
    days = (ends - begins).dt.days.clip(lower=0)
    return days / _count_days(period.start, period.end)


def _count_days(start: datetime, end: datetime) -> int:
    return (end - start).days


def find_plain_rates(frames: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Return the weight of a recorded minute of each place without job plans: the trust's own, or ours.

    The trust's stand in relative_weights under the feed `medical`, by place (decision D-323). Four equal
    weights count all minutes alike.
    """
    given = frames.get("relative_weights")
    if given is None or given.empty:
        return dict(PLAIN_RATES)
    own = given[(given["feed"] == MEDICAL) & given["code"].isin(PLACES)]
    return PLAIN_RATES | dict(zip(own["code"], own["weight"].astype("float64"), strict=True))


def rate_medical_time(
    plans: pd.DataFrame, minutes: pd.DataFrame, plain_rates: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Return the weight of a recorded minute in each place, line by line.

    Parameters
    ----------
    plans
        ``total_job_plans``.
    minutes
        ``line_id`` and ``ward, theatre, clinic, ed``: recorded minutes of the year.
    plain_rates
        Weight of a minute of each place in lines without job plans; ``PLAIN_RATES`` if absent.

    Returns
    -------
    pd.DataFrame
        ``line_id, place, pas, recorded_minutes, planned_minutes, weight_per_minute, is_planned``.
        With job plans a line's weights add up to its planned minutes of clinical work in a year;
        planned time in a place without recorded minutes goes to the line's other places.
    """
    long = minutes.melt("line_id", list(PLACES), "place", "recorded_minutes")
    pas = plans.rename(columns={"follows": "place"})
    rows = long.merge(pas, on=["line_id", "place"], how="left", validate="one_to_one")
    rows["pas"] = rows["pas"].fillna(0.0)
    usable = rows["pas"].where(rows["recorded_minutes"] > 0, 0.0)
    of_line = usable.groupby(rows["line_id"]).transform("sum")
    support = plans[~plans["follows"].isin([*BESIDE])].groupby("line_id")["pas"].sum()
    whole = rows["line_id"].map(support).astype("float64").fillna(0.0) * MINUTES_A_PA * WEEKS_A_YEAR
    share = np.divide(usable, of_line, out=np.zeros(len(rows)), where=(of_line > 0).to_numpy())
    rows["is_planned"] = of_line > 0
    rates = rows["place"].map(plain_rates or PLAIN_RATES).astype("float64")
    plain = rows["recorded_minutes"] * rates
    rows["planned_minutes"] = (share * whole).where(rows["is_planned"], plain)
    rate = rows["planned_minutes"] / rows["recorded_minutes"].where(rows["recorded_minutes"] > 0)
    default = rates.where(~rows["is_planned"], 0.0)
    rows["weight_per_minute"] = rate.fillna(default)
    return rows.sort_values(["line_id", "place"], ignore_index=True)


def add_medical_rates(
    db: QueryEngine, frames: Mapping[str, pd.DataFrame], period: Period
) -> pd.DataFrame:
    """Make ``medical_rates`` in the engine from job plans and ``medical_minutes``; return table ``medical_time``."""
    found = db.frame(MINUTES_SQL)
    minutes = pd.DataFrame(
        {
            "line_id": found["line_id"],
            "ward": found["ward_seconds"] / 60,
            "theatre": found["theatre_seconds"] / 60,
            "clinic": found["clinic_ticks"] / TICKS_A_MINUTE,
            "ed": found["ed_ticks"] / TICKS_A_MINUTE,
        }
    )
    plans = total_job_plans(frames, period)
    rates = rate_medical_time(plans, minutes, find_plain_rates(frames))
    wide = rates.pivot(index="line_id", columns="place", values="weight_per_minute")
    wide = wide.reindex(columns=list(PLACES)).reset_index()
    wide.columns = ["line_id", *(f"{place}_rate" for place in PLACES)]
    db.add_frame("medical_rates", wide)
    return rates


def set_apart_teaching(
    components: pd.DataFrame, frames: Mapping[str, pd.DataFrame], period: Period
) -> pd.DataFrame:
    """Move the teaching and research part of medical pools to ET and RD, to the penny.

    Own cost and overhead move alike. A pool's part is that of the job plans of its lines
    (``feed_filter``; all lines where it is blank).

    Returns
    -------
    pd.DataFrame
        The components, those set apart in pools ``NPC:ET:<pool>`` and ``NPC:RD:<pool>`` without a feed.
    """
    is_medical = components["feed"] == MEDICAL
    parts = _find_parts_of_pools(components[is_medical], total_job_plans(frames, period))
    if parts.empty:
        return components
    moved = components[is_medical & components["pool_id"].isin(parts["pool_id"])]
    rows = moved.assign(at=range(len(moved))).merge(parts, on="pool_id", validate="many_to_many")
    shared = apportion(
        rows, by=["at"], amount="amount_pence", weight="share", key=["column"],
        what="A medical pool's cost",
    )  # fmt: skip
    is_beside = shared["column"] != ""
    shared["amount_pence"] = shared["share_pence"].astype("int64")
    shared["pool_id"] = shared["pool_id"].where(
        ~is_beside, "NPC:" + shared["column"] + ":" + shared["pool_id"]
    )
    shared["line_id"] = shared["line_id"].where(~is_beside, shared["column"])
    shared["feed"] = shared["feed"].where(~is_beside, "none")
    shared["feed_filter"] = shared["feed_filter"].where(~is_beside, "")
    both = pd.concat([components.drop(moved.index), shared[components.columns]], ignore_index=True)
    both = both[both["amount_pence"] != 0]
    order = ["pool_id", "is_overhead", "source_department", "element"]
    return both.sort_values(order, ignore_index=True)


def _find_parts_of_pools(pools: pd.DataFrame, plans: pd.DataFrame) -> pd.DataFrame:
    """Return ``pool_id, column, share``: what stays (column blank), ET and RD; shares add up to 1."""
    rows = []
    for pool in pools.drop_duplicates("pool_id").itertuples():
        lines = [part.strip() for part in str(pool.feed_filter).split(";") if part.strip()]
        own = plans[plans["line_id"].isin(lines)] if lines else plans
        total = own["pas"].sum()
        beside = own[own["follows"].isin(BESIDE)].groupby("follows")["pas"].sum()
        if total > 0 and 0 < beside.sum() < total:
            rows += [(pool.pool_id, column, pas / total) for column, pas in beside.items()]
            rows.append((pool.pool_id, "", 1 - beside.sum() / total))
    return pd.DataFrame(rows, columns=["pool_id", "column", "share"])


def cap_quality(cost_pools: pd.DataFrame, plans: pd.DataFrame) -> pd.DataFrame:
    """Return the pools, medical ones without any job plan of their lines at quality 0.25 at most."""
    planned = set(plans.loc[plans["follows"].isin(PLACES), "line_id"])
    named = (
        cost_pools["feed_filter"].astype("str").fillna("") if "feed_filter" in cost_pools else ""
    )
    texts = pd.Series(named, index=cost_pools.index, dtype="str")
    has_plan = texts.map(
        lambda text: (
            bool(planned & {p.strip() for p in text.split(";") if p.strip()})
            or (not text.strip() and bool(planned))
        )
    ).astype(bool)
    is_plain = (cost_pools["feed"] == MEDICAL) & ~has_plan
    quality = cost_pools["quality_score"].fillna(0.0)
    return cost_pools.assign(
        quality_score=quality.mask(is_plain, quality.clip(upper=PLAIN_QUALITY))
    )
