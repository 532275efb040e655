"""Patients costed by the trust's own system: its records take the place of pools, weights and matching.

A record is an amount of one patient event, by the system's own names of resource and activity.
``cost_names`` says what each name is here: cost element, department, and where known the tier, the kind
of activity and how good the measure behind it is. What the records hold must equal the ledger to the
penny; which department and element it stands in is taken as the system says (decision D-147).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import (
    ELEMENTS,
    ELEMENTS_BELOW_EBITDA,
    EXCLUDED,
    NON_PATIENT_LINES,
    TIERS,
    UNMAPPED,
    UNMATCHED,
)
from helpers.costing.events import build_events
from helpers.costing.patient_costs import PATIENT_COSTS_SQL, create_event_totals
from helpers.costing.pools import find_special_line
from helpers.errors import InputError, ReconciliationError, name_a_few

RECORDS = "costed_patients"
NOTICE = (
    "Patients’ costs come from the trust’s own costing system. Its measures, matching and sharing of "
    "overheads are not seen here: pools below are its records by department, and no figure can be traced "
    "further back than its records."
)
NOT_SAID = float("nan")
MICRO_POUNDS_A_PENNY = 10_000.0
COSTED_FEED = "costed"  # a record whose kind of activity the trust does not say
WARD_FEEDS = ("ward", "critical_care")
NAMES = ["resource", "activity"]
GIVEN = ["tier", "element", "source_department"]
NO_NAMES = pd.DataFrame({name: pd.Series(dtype="str") for name in (*NAMES, *GIVEN, "feed")}).assign(
    quality_score=pd.Series(dtype="float64")
)

_ASKED = ", ".join(f"coalesce({name}, '') AS {name}" for name in (*NAMES, *GIVEN))
_SAME = " AND ".join(f"n.{name} = coalesce(r.{name}, '')" for name in (*NAMES, *GIVEN))
KINDS_SQL = f"""
SELECT {_ASKED}, count(*) AS n_rows, CAST(sum(amount_pence) AS BIGINT) AS amount_pence
FROM clean_{RECORDS} GROUP BY ALL_NAMES ORDER BY ALL_NAMES
""".replace("ALL_NAMES", ", ".join(f"coalesce({name}, '')" for name in (*NAMES, *GIVEN)))

_COLUMNS = ", ".join(f"'{name}'" for name in NON_PATIENT_LINES)
_IS_COLUMN = f"(r.event_id IN ({_COLUMNS}) OR r.event_id LIKE '{UNMATCHED}:%')"
LOST_SQL = f"""
SELECT count(*) AS n, coalesce(sum(r.amount_pence), 0) AS pence FROM clean_{RECORDS} AS r
WHERE NOT {_IS_COLUMN} AND NOT EXISTS (SELECT 1 FROM events AS v WHERE v.event_id = r.event_id)
"""

# Every record with its event, the event's line, and what its names mean. A record whose event is not
# among the trust's events is cost that found no patient.
RECORDS_SQL = f"""
SELECT v.event_no, n.kind_no,
       CASE WHEN v.event_no IS NOT NULL THEN v.line_id
            WHEN {_IS_COLUMN} THEN r.event_id
            ELSE '{UNMATCHED}:{UNMAPPED}' END AS line_id,
       CAST(sum(r.amount_pence) AS BIGINT) AS amount_pence
FROM clean_{RECORDS} AS r JOIN cost_kinds AS n ON {_SAME}
LEFT JOIN events AS v ON v.event_id = r.event_id
GROUP BY 1, 2, 3
"""
TOTALS_SQL = """
SELECT c.line_id, k.tier_meant AS tier_given, k.element_meant AS element,
       k.department_meant AS source_department, k.feed, k.quality_score,
       c.event_no IS NOT NULL AS is_event, CAST(sum(c.amount_pence) AS BIGINT) AS amount_pence
FROM costed_records AS c JOIN cost_kinds AS k ON k.kind_no = c.kind_no
GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7
"""
COST_ROWS_SQL = """
SELECT c.event_no, y.key_no, CAST(sum(c.amount_pence) AS BIGINT) AS amount_pence
FROM costed_records AS c JOIN cost_kinds AS k ON k.kind_no = c.kind_no
JOIN cost_key_names AS y ON y.line_id = c.line_id AND y.tier_given = k.tier_meant
 AND y.element = k.element_meant AND y.source_department = k.department_meant
WHERE c.event_no IS NOT NULL
GROUP BY c.event_no, y.key_no HAVING sum(c.amount_pence) <> 0
ORDER BY 1, 2
"""
WARD_SQL = f"""
SELECT c.event_no, CAST(1 AS INTEGER) AS cell_no, CAST(sum(c.amount_pence) AS BIGINT) AS weight
FROM costed_records AS c JOIN cost_kinds AS k ON k.kind_no = c.kind_no
JOIN cost_key_names AS y ON y.line_id = c.line_id AND y.tier_given = k.tier_meant
 AND y.element = k.element_meant AND y.source_department = k.department_meant
WHERE c.event_no IS NOT NULL AND k.feed IN ({", ".join(f"'{feed}'" for feed in WARD_FEEDS)})
  AND y.is_controllable
GROUP BY c.event_no
"""
NO_LINES_SQL = """
SELECT CAST(NULL AS VARCHAR) AS activity_id, CAST(NULL AS VARCHAR) AS feed,
       CAST(NULL AS VARCHAR) AS feed_key, CAST(NULL AS VARCHAR) AS event_id,
       CAST(NULL AS VARCHAR) AS unmatched_line_id, CAST(NULL AS VARCHAR) AS match_rule,
       CAST(0 AS BIGINT) AS weight, CAST(NULL AS INTEGER) AS event_no,
       CAST(NULL AS VARCHAR) AS line_id WHERE 1 = 0
"""


def read_records(
    db: QueryEngine, frames: Mapping[str, pd.DataFrame], settings: Mapping[str, Any]
) -> tuple[pd.DataFrame, list[str]]:
    """Give every record its event, line, tier, element and department; leave them in the engine.

    Makes ``events``, ``costed_records`` and ``cost_kinds``.

    Returns
    -------
    tuple
        Pence by ``line_id, tier, element, source_department, feed, quality_score, is_event``, and notices.

    Raises
    ------
    InputError
        PLC-001 if a name means nothing here; PLC-002 if a name's element, tier or department does not
        exist; PLC-004 if a column beside the lines is of no line.
    """
    notices = build_events(db, frames, settings)
    kinds = resolve_names(
        db.frame(KINDS_SQL), frames.get("cost_names", NO_NAMES), frames["departments"]
    )
    db.add_frame("cost_kinds", kinds)
    db.create("costed_records", RECORDS_SQL)
    lost = db.frame(LOST_SQL).iloc[0]
    if lost["n"]:
        notices.append(
            f"{int(lost['n']):,} records of {RECORDS}, £{int(lost['pence']) / 100:,.2f}, are of events that "
            "are not among the trust's episodes and attendances: they stand as unmatched cost."
        )
    totals = db.frame(TOTALS_SQL)
    _check_columns(totals, set(frames["service_lines"]["line_id"]))
    totals["tier"] = find_tiers(totals, frames["departments"])
    return totals, notices


def resolve_names(
    kinds: pd.DataFrame, names: pd.DataFrame, departments: pd.DataFrame
) -> pd.DataFrame:
    """Return each kind of record with ``kind_no``, its element, department, tier, feed and quality.

    A column that the record gives itself stands; what it leaves blank comes from ``cost_names``, by
    resource and activity, else by resource alone.
    """
    table = names.reindex(columns=NO_NAMES.columns)
    for column in (*NAMES, *GIVEN, "feed"):
        table[column] = table[column].astype("str").fillna("").str.strip()
    exact = table.drop_duplicates(NAMES).set_index(NAMES)
    rows = []
    for kind in kinds.itertuples():
        key = next(
            (k for k in ((kind.resource, kind.activity), (kind.resource, "")) if k in exact.index),
            None,
        )
        meant = exact.loc[key] if key else pd.Series(dtype="object")
        rows.append(
            {
                **kind._asdict(),
                "tier_meant": kind.tier or meant.get("tier", ""),
                "element_meant": kind.element or meant.get("element", ""),
                "department_meant": kind.source_department or meant.get("source_department", ""),
                "feed": meant.get("feed", "") or COSTED_FEED,
                "quality_score": float(meant.get("quality_score", NOT_SAID)),
            }
        )
    resolved = pd.DataFrame(rows).drop(columns="Index")
    _check_names(resolved, set(departments["department_id"]))
    return resolved.assign(kind_no=range(1, len(resolved) + 1))


def _check_names(kinds: pd.DataFrame, departments: set[str]) -> None:
    unknown = kinds[(kinds["element_meant"] == "") | (kinds["department_meant"] == "")]
    if len(unknown):
        labels = unknown["resource"] + unknown["activity"].map(lambda a: f" / {a}" if a else "")
        raise InputError(
            f"{RECORDS}: {len(unknown):,} names of resource and activity have no cost element or "
            f"department here: {name_a_few(labels)}.\nThey hold £{unknown['amount_pence'].sum() / 100:,.2f} in "
            f"{unknown['n_rows'].sum():,} records. Add a row for each to cost_names.csv.",
            rule="PLC-001",
        )
    checks = (
        ("element_meant", set(ELEMENTS), "cost elements"),
        ("department_meant", departments, "departments"),
        ("tier_meant", {"", *TIERS}, "tiers"),
    )
    for column, allowed, what in checks:
        wrong = kinds[~kinds[column].isin(allowed)]
        if len(wrong):
            raise InputError(
                f"{RECORDS} and cost_names: {wrong[column].nunique():,} {what} do not exist: "
                f"{name_a_few(wrong[column])}.\nThey hold £{wrong['amount_pence'].sum() / 100:,.2f}. Correct "
                "cost_names.csv or departments.csv.",
                rule="PLC-002",
            )


def _check_columns(totals: pd.DataFrame, lines: set[str]) -> None:
    homes = totals.loc[totals["line_id"].str.startswith(f"{UNMATCHED}:"), "line_id"]
    unknown = {home.removeprefix(f"{UNMATCHED}:") for home in homes} - lines - {UNMAPPED}
    if unknown:
        raise InputError(
            f"{RECORDS}, column event_id: {UNMATCHED}: names lines that service_lines does not have: "
            f"{name_a_few(unknown)}.",
            rule="PLC-004",
        )


def find_tiers(totals: pd.DataFrame, departments: pd.DataFrame) -> pd.Series:
    """Return each row's tier: as given; else overhead for a service, direct for the owner, else indirect."""
    kinds = departments.set_index("department_id")["kind"]
    owners = departments.set_index("department_id")["owner_line_id"].astype("str").fillna("")
    kind = totals["source_department"].map(kinds)
    owner = totals["source_department"].map(owners)
    own = totals["line_id"].str.removeprefix(f"{UNMATCHED}:")
    is_own = (owner == own) | kind.isin(["non_patient_care", "excluded"])
    tier = pd.Series("indirect", index=totals.index, dtype="str")
    tier = tier.mask(is_own, "direct").mask(kind == "service", "overhead")
    return tier.mask(totals["tier_given"] != "", totals["tier_given"])


def restate_departments(
    totals: pd.DataFrame, department_costs: pd.DataFrame, departments: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """Return ``department_costs`` as the records hold them, and what they moved.

    Raises
    ------
    ReconciliationError
        PLC-003 if the records' total is not the ledger's, to the penny.
    """
    held, spent = int(totals["amount_pence"].sum()), int(department_costs["amount_pence"].sum())
    if held != spent:
        raise ReconciliationError(
            f"PLC-003: {RECORDS} holds £{held / 100:,.2f}; the ledger's expenditure is £{spent / 100:,.2f}. "
            f"The difference is £{(held - spent) / 100:,.2f}.\n"
            "Every pound of the ledger must be in the file: under its event, or under UNMATCHED:<line>, RD, ET, "
            "OTHER or EXCLUDED where it is no patient's. Amounts must be whole pence."
        )
    by = ["department_id", "element"]
    own = totals.rename(columns={"source_department": "department_id"})
    restated = own.groupby(by, as_index=False, sort=True)["amount_pence"].sum()
    kinds = departments.set_index("department_id")["kind"]
    restated.insert(1, "kind", restated["department_id"].map(kinds))
    before = department_costs.set_index(by)["amount_pence"]
    moved = restated.set_index(by)["amount_pence"].sub(before, fill_value=0)
    pence = int(moved.clip(lower=0).sum())
    if not pence:
        return restated, []
    largest = moved[moved > 0].sort_values(ascending=False, kind="stable").index[:3]
    return restated, [
        f"£{pence / 100:,.2f} of the ledger ({pence / max(spent, 1):.1%}) stands in another department or element in "
        f"{RECORDS} than in the ledger; the file's is used. Most moved to: "
        f"{', '.join(f'{department} {element}' for department, element in largest)}."
    ]


def cost_from_records(
    db: QueryEngine, totals: pd.DataFrame, departments: pd.DataFrame
) -> pd.DataFrame:
    """Make the tables that costing by pools makes; return ``pool_line_costs``.

    A pool here is the records of one department and kind of activity. Overhead stands in a pool of
    its service: the file does not say through which department it came.
    """
    keys = totals[totals["is_event"]]
    parts = ["line_id", "tier", "element", "source_department"]
    numbered = keys.groupby(parts, as_index=False, sort=True)["amount_pence"].sum()
    numbered = numbered.assign(key_no=pd.RangeIndex(1, len(numbered) + 1).to_numpy(dtype="int32"))
    db.add_frame("cost_keys", numbered)
    named = keys.drop_duplicates(["line_id", "tier_given", "element", "source_department"])
    named = named.merge(numbered[[*parts, "key_no"]], on=parts, validate="many_to_one")
    from_ebitda = named["element"].isin(ELEMENTS_BELOW_EBITDA)
    db.add_frame(
        "cost_key_names",
        named[["line_id", "tier_given", "element", "source_department", "key_no"]].assign(
            is_controllable=(named["tier"] != "overhead") & ~from_ebitda
        ),
    )
    db.create("cost_rows", COST_ROWS_SQL)
    db.add_frame("other_costs", _list_others(totals))
    db.create_view("patient_costs", PATIENT_COSTS_SQL)
    db.create("event_pool", WARD_SQL)
    create_event_totals(db, pd.DataFrame({"cell_no": [1], "rate": [MICRO_POUNDS_A_PENNY]}))
    db.create("weighed_lines", NO_LINES_SQL)
    db.create_view("activity_lines", "SELECT * FROM weighed_lines")
    db.drop("costed_records", "cost_key_names", "event_pool")
    pools = totals.assign(
        pool_id="COSTED:" + totals["source_department"] + ":" + totals["feed"],
        department_id=totals["source_department"],
    )
    by = ["pool_id", "department_id", "feed", *parts]
    pools = pools.groupby(by, as_index=False, sort=True)["amount_pence"].sum()
    columns = [
        "pool_id",
        "department_id",
        "feed",
        "line_id",
        "tier",
        "element",
        "source_department",
    ]
    pools = pools[pools["amount_pence"] != 0].reset_index(drop=True)
    special = set(find_special_line(departments).index)
    pools["feed"] = pools["feed"].mask(pools["department_id"].isin(special), "none")
    return pools[[*columns, "amount_pence"]]


def _list_others(totals: pd.DataFrame) -> pd.DataFrame:
    rows = totals[~totals["is_event"]]
    parts = ["line_id", "tier", "element", "source_department"]
    rows = rows.groupby(parts, as_index=False, sort=True)["amount_pence"].sum()
    kind = pd.Series("non_patient_care", index=rows.index, dtype="str")
    kind = kind.mask(rows["line_id"] == EXCLUDED, "excluded")
    kind = kind.mask(rows["line_id"].str.startswith(f"{UNMATCHED}:"), "unmatched")
    rows = rows.assign(event_id=rows["line_id"], event_kind=kind)
    return rows[rows["amount_pence"] != 0].reset_index(drop=True)
