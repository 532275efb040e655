"""Inside a line, whichever way it is cut: by HRG, consultant, commissioner, and who pays."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.subsidy.within import CRITICAL_INCOME_SQL, REST, is_priced

NOT_KNOWN = "(not known)"
COMMISSIONER, ADMIN_CATEGORY, HRG, CONSULTANT = (
    "commissioner",
    "admin_category",
    "hrg",
    "consultant",
)
GROUPINGS = (HRG, CONSULTANT, COMMISSIONER, ADMIN_CATEGORY)
BY_POD = "pod"
PART_COLUMNS = ["line_id", "grouping", "group", "n_events", "income_pence", "cost_pence"]

NUMBERS = ["n_events", "income_pence", "cost_pence"]
# Which column of which table of part 2 a grouping reads; there critical care stands with its income.
LINE_TABLES = {
    HRG: ("line_hrgs", "hrg"),
    CONSULTANT: ("line_consultants", "consultant_code"),
    COMMISSIONER: ("line_commissioners", "commissioner"),
}

CATEGORIES_SQL = f"""
SELECT e.line_id, '{ADMIN_CATEGORY}' AS grouping, coalesce(e.admin_category, '{NOT_KNOWN}') AS "group",
       count(*) AS n_events,
       CAST(sum(coalesce(e.income_pence, 0) + coalesce(c.income_pence, 0)) AS BIGINT) AS income_pence,
       CAST(sum(e.full_cost_pence) AS BIGINT) AS cost_pence
FROM patient_events e
LEFT JOIN ({CRITICAL_INCOME_SQL}) c ON c.event_id = e.event_id
GROUP BY e.line_id, coalesce(e.admin_category, '{NOT_KNOWN}')
ORDER BY line_id, "group"
"""


def total_parts(db: QueryEngine, line_tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Total lines by each grouping; whole pence.

    Parameters
    ----------
    db
        Holds ``patient_events``, which alone knows who is a private patient, and
        ``critical_care_income``.
    line_tables
        ``line_hrgs``, ``line_consultants`` and ``line_commissioners`` of part 2.

    Returns
    -------
    pd.DataFrame
        ``line_id, grouping, group, n_events, income_pence, cost_pence``. A column that the trust does
        not fill gives one group, ``(not known)``. No rows without prices (decision D-374).

    Notes
    -----
    Decision D-371: what days in critical care earn is counted with the patients they were for; by
    HRG critical care is a group of its own, or stands with its spells where their cost holds it
    (patients costed elsewhere, D-413).
    """
    tables = [db.frame(CATEGORIES_SQL)]
    for grouping, (name, column) in LINE_TABLES.items():
        table = line_tables[name].rename(columns={"full_cost_pence": "cost_pence"})
        group = table[column].astype("str").replace("", NOT_KNOWN)
        tables.append(table.assign(grouping=grouping, group=group)[PART_COLUMNS])
    every = pd.concat(tables, ignore_index=True)
    if not is_priced(line_tables["line_hrgs"]):
        every = every.iloc[:0]
    totals = every.groupby(["line_id", "grouping", "group"], as_index=False)[NUMBERS].sum()
    return totals[PART_COLUMNS].astype(dict.fromkeys(NUMBERS, "int64"))


def split_by_parts(position: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
    """Return each line cut in every way (``line_parts``); each way adds up to the line's surplus.

    Cost matched to no patient and income that belongs to none are the part ``REST`` of every way.
    """
    parts = parts[parts["line_id"].isin(position["line_id"])]
    total = position.set_index("line_id")[["income_pence", "full_cost_pence"]]
    total.columns = ["income_pence", "cost_pence"]
    known = parts.groupby(["line_id", "grouping"])[["income_pence", "cost_pence"]].sum()
    whole = total.reindex(known.index.get_level_values("line_id")).set_index(known.index)
    rest = (whole - known).reset_index()
    rest = rest[(rest[["income_pence", "cost_pence"]] != 0).any(axis=1)]
    table = pd.concat([parts, rest.assign(group=REST, n_events=0)[PART_COLUMNS]], ignore_index=True)
    table["surplus_pence"] = table["income_pence"] - table["cost_pence"]
    table = table.astype(dict.fromkeys([*NUMBERS, "surplus_pence"], "int64"))
    return table.sort_values(["line_id", "grouping", "group"], ignore_index=True)


def measure_masking_by(line_parts: pd.DataFrame, within_line: pd.DataFrame) -> pd.DataFrame:
    """Return how far gains and losses cancel out inside each line, way by way (``part_masking``).

    ``masking_prop = 1 - |G - D| / (G + D)``. Points of delivery come from ``within_line``; ``REST`` is
    no group of patients and is left out. The finer the cut, the more is due to single patients: read a
    cut by HRG beside a cut by point of delivery, not instead of it.
    """
    by_pod = within_line.assign(grouping=BY_POD).rename(columns={"pod": "group"})
    columns = ["line_id", "grouping", "group", "surplus_pence"]
    rows = pd.concat([line_parts[columns], by_pod[columns]], ignore_index=True)
    rows = rows[rows["group"] != REST]
    margin = rows["surplus_pence"]
    rows = rows.assign(
        surpluses_pence=margin.clip(lower=0), deficits_pence=(-margin).clip(lower=0), n_groups=1
    )
    numbers = ["n_groups", "surpluses_pence", "deficits_pence"]
    table = rows.groupby(["line_id", "grouping"], as_index=False)[numbers].sum()
    gross = table["surpluses_pence"] + table["deficits_pence"]
    net = (table["surpluses_pence"] - table["deficits_pence"]).abs()
    table["masking_prop"] = (1 - (net / gross.where(gross > 0)).astype("float64")).fillna(0.0)
    return table


def check_parts(line_parts: pd.DataFrame, rest: pd.DataFrame) -> pd.DataFrame:
    """Compare what each way of cutting leaves over with what belongs to no patient (identity R12).

    Parameters
    ----------
    rest
        ``line_id`` and ``rest_pence`` from the tables of lines, not of patients
        (``reasons.total_rest``). Differences are added without their signs, so that one line's cannot
        cancel another's.
    """
    known = rest.set_index("line_id")["rest_pence"]
    rows = []
    for grouping, part in line_parts.groupby("grouping", sort=True):
        lines = part["line_id"].unique()
        over = part[part["group"] == REST].set_index("line_id")["surplus_pence"]
        over = over.reindex(lines, fill_value=0)
        right = known.reindex(lines, fill_value=0)
        apart = int((over - right).abs().sum())
        words = f"Lines cut by {NAMES[grouping]}: parts = line less what belongs to no patient"
        rows.append(("R12", words, int(right.sum()) + apart, int(right.sum())))
    return pd.DataFrame(rows, columns=["id", "description", "left_pence", "right_pence"])


NAMES = {
    HRG: "HRG", CONSULTANT: "consultant", COMMISSIONER: "commissioner",
    ADMIN_CATEGORY: "administrative category", BY_POD: "point of delivery",
}  # fmt: skip
