"""Clinical output of consultants who lead a line: price-weighted activity for each session of care.

Leading takes time. Whether leads see less work done in the time that is left is asked often and
answered on very few people, so the interval is given first.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from helpers.contracts import QueryEngine

CARE_ACTIVITIES = ("ward", "theatre", "clinic", "ed", "oncall", "admin_clinical")
MIN_PEERS = 3
MIN_SESSIONS = 1.0  # programmed activities a week
LEVEL = 0.90
MONTH_COLUMNS = [
    "line_id", "consultant_code", "month", "is_lead", "activity_pence", "care_pas", "pence_per_pa",
]  # fmt: skip
SUMMARY_COLUMNS = [
    "line_id", "consultant_code", "n_months", "n_peers", "pence_per_pa", "peers_pence_per_pa", "ratio",
    "n_months_before", "ratio_before",
]  # fmt: skip
ACTIVITY_SQL = """
SELECT consultant_code, extract(year FROM care_dt) * 100 + extract(month FROM care_dt) AS month,
       CAST(sum(income_pence) AS BIGINT) AS activity_pence
FROM (SELECT consultant_code, income_pence,
             CASE WHEN event_kind = 'episode' THEN end_dt ELSE start_dt END AS care_dt
      FROM patient_events WHERE admin_category <> '02' OR admin_category IS NULL) dated
WHERE care_dt IS NOT NULL AND consultant_code IS NOT NULL
GROUP BY consultant_code, month
ORDER BY consultant_code, month
"""


def select_activity(db: QueryEngine) -> pd.DataFrame:
    """Return NHS activity at price by consultant and month (as 202404): ``activity_pence``."""
    return db.frame(ACTIVITY_SQL)


def measure_output(
    activity: pd.DataFrame, consultants: pd.DataFrame, job_plans: pd.DataFrame, *, year: int
) -> pd.DataFrame:
    """Return activity at price for each programmed activity of direct care, by month.

    Parameters
    ----------
    activity
        From ``select_activity``.
    consultants, job_plans
        Files of the trust. Only sessions of direct care count: ward, theatre, clinic, emergency,
        on call and clinical administration.
    year
        Calendar year in which the financial year begins.

    Returns
    -------
    pd.DataFrame
        One row a consultant and month of the year with at least one session a week.
    """
    months = pd.period_range(f"{year}-04", periods=12, freq="M")
    plans = job_plans[job_plans["activity"].isin(CARE_ACTIVITIES)]
    people = consultants[["consultant_code", "line_id", "is_line_lead", "lead_from", "lead_to"]]
    parts = []
    for month in months:
        day = month.to_timestamp()
        in_force = _covers(plans["from"], plans["to"], day)
        pas = plans[in_force].groupby("consultant_code")["pas"].sum().rename("care_pas")
        leads = people["is_line_lead"].fillna(False).astype("bool") & _covers(
            people["lead_from"], people["lead_to"], day
        )
        rows = people.assign(is_lead=leads, month=month.year * 100 + month.month)
        parts.append(rows.join(pas, on="consultant_code", how="inner", validate="one_to_one"))
    table = pd.concat(parts, ignore_index=True)
    table = table[table["care_pas"] >= MIN_SESSIONS]
    keys = ["consultant_code", "month"]
    table = table.merge(activity.astype({"month": "int64"}), on=keys, how="left", validate="one_to_one")  # fmt: skip
    table["activity_pence"] = table["activity_pence"].fillna(0).astype("int64")
    table["pence_per_pa"] = np.rint(table["activity_pence"] / table["care_pas"]).astype("int64")
    table["month"] = (
        table["month"].astype("str").str[:4] + "-" + table["month"].astype("str").str[4:]
    )
    return table[MONTH_COLUMNS].sort_values(["line_id", "consultant_code", "month"], ignore_index=True)  # fmt: skip


def _covers(start: pd.Series, end: pd.Series, day: pd.Timestamp) -> pd.Series:
    start, end = pd.to_datetime(start), pd.to_datetime(end)
    return (start.isna() | (start <= day)) & (end.isna() | (end >= day))


def compare_leads(output: pd.DataFrame) -> pd.DataFrame:
    """Set each lead's output beside the median of the line's others, and before beside after.

    Returns
    -------
    pd.DataFrame
        One row a lead with at least three peers: means of monthly output while leading,
        ``ratio`` to the peers' median, and ``ratio_before``, the same for the months before leading
        began (missing where there are none in the year).
    """
    rows = []
    for (line_id, code), own in output.groupby(["line_id", "consultant_code"], sort=True):
        while_leading = own[own["is_lead"]]
        others = output[(output["line_id"] == line_id) & (output["consultant_code"] != code)]
        others = others[~others["is_lead"]]
        if while_leading.empty or others["consultant_code"].nunique() < MIN_PEERS:
            continue
        before = own[own["month"] < while_leading["month"].min()]
        mean, peers = _means(while_leading, others)
        old, old_peers = _means(before, others)
        rows.append(
            (line_id, code, len(while_leading), others["consultant_code"].nunique(), mean, peers,
             mean / peers if peers > 0 else np.nan, len(before), old / old_peers if old_peers > 0 else np.nan)
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=SUMMARY_COLUMNS)
    for name in ("pence_per_pa", "peers_pence_per_pa"):
        table[name] = table[name].round().astype("Int64")
    return table


def _means(own: pd.DataFrame, others: pd.DataFrame) -> tuple[float, float]:
    """Return mean monthly output of some months, and the peers' median in those months."""
    if own.empty:
        return np.nan, np.nan
    same = others[others["month"].isin(own["month"])]
    means = same.groupby("consultant_code")["pence_per_pa"].mean()
    return float(own["pence_per_pa"].mean()), float(means.median()) if len(means) else np.nan


def pool_leads(summary: pd.DataFrame, *, level: float = LEVEL) -> tuple[float, float, float]:
    """Return the typical ratio of leads to peers over lines, with its interval (Student's t on logs).

    Missing with fewer than three leads.
    """
    logs = np.log(summary["ratio"][summary["ratio"] > 0].to_numpy(dtype="float64"))
    if len(logs) < MIN_PEERS:
        return np.nan, np.nan, np.nan
    error = float(np.std(logs, ddof=1)) / np.sqrt(len(logs))
    width = float(stdtrit(len(logs) - 1, (1 + level) / 2)) * error
    centre = float(logs.mean())
    return float(np.exp(centre)), float(np.exp(centre - width)), float(np.exp(centre + width))
