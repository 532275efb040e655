"""What lines do for each other: patients who begin in one and go on in another, and shared departments.

A line's surplus says nothing of the work it brings to others. A patient's first contact within the
90 days up to an event tells where the event began; if in another line, it is downstream of that line.
"""

from __future__ import annotations

import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import NON_PATIENT_LINES, find_own_line
from helpers.subsidy.within import CRITICAL_INCOME_SQL

FOLLOW_ON_DAYS = 90
SPELL, FOLLOW_ON = "spell", "follow_on"
SHARED = "SHARED"  # a department that no line owns
NO_CHECKS = pd.DataFrame({"id": [], "description": [], "left_pence": [], "right_pence": []}).astype(
    {"id": "str", "description": "str", "left_pence": "int64", "right_pence": "int64"}
)
PLACES_A_DAY = 100_000  # more than the contacts of one patient in the year

# What days in critical care earn is no part of an event's income, but of what its patient brings.
CONTACTS = f"""
SELECT e.event_id, e.line_id, e.event_kind, e.spell_id, e.start_dt,
       coalesce(k.patient_key, e.event_id) AS patient,
       coalesce(e.income_pence, 0) + coalesce(c.income_pence, 0) AS income_pence,
       coalesce(e.income_pence, 0) + coalesce(c.income_pence, 0) - e.direct_pence - e.indirect_pence
           AS contribution_pence
FROM patient_events e
LEFT JOIN patient_keys k ON k.event_id = e.event_id
LEFT JOIN ({CRITICAL_INCOME_SQL}) c ON c.event_id = e.event_id
"""
# The day and a place within it in one whole number, so that a window of days has no ties.
FIRST_CONTACTS = """
SELECT line_id, income_pence, contribution_pence,
       first_value(line_id) OVER (PARTITION BY patient ORDER BY place
           RANGE BETWEEN {reach} PRECEDING AND CURRENT ROW) AS from_line_id
FROM (
    SELECT line_id, income_pence, contribution_pence, patient,
           date_diff('day', DATE '2000-01-01', CAST(start_dt AS DATE)) * {places}
           + row_number() OVER (PARTITION BY patient ORDER BY start_dt, event_id) AS place
    FROM contacts
) placed
"""
FIRST_EPISODES = """
SELECT line_id, income_pence, contribution_pence,
       first_value(line_id) OVER (PARTITION BY spell_id ORDER BY start_dt, event_id
           ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS from_line_id
FROM contacts WHERE event_kind = 'episode'
"""
TOTALS = """
SELECT from_line_id, line_id AS to_line_id, count(*) AS n_events,
       CAST(sum(income_pence) AS BIGINT) AS income_pence,
       CAST(sum(contribution_pence) AS BIGINT) AS contribution_pence
FROM ({rows}) traced GROUP BY from_line_id, line_id ORDER BY from_line_id, line_id
"""


def total_flows(db: QueryEngine) -> pd.DataFrame:
    """Total events by the line where they began and the line that did them (``patient_flows``).

    Reads the engine's ``patient_events``, ``critical_care_income`` and ``patient_keys`` (``event_id,
    patient_key``). ``spell``
    follows the episodes of one spell from its first; ``follow_on`` follows every event of a patient
    from the first contact in the 90 days before it. An event whose patient is not known began where it
    was done. Whole pence; contribution is income less direct and indirect cost.
    """
    db.create("contacts", CONTACTS)
    reach = FOLLOW_ON_DAYS * PLACES_A_DAY + PLACES_A_DAY - 1
    roads = {
        SPELL: FIRST_EPISODES,
        FOLLOW_ON: FIRST_CONTACTS.format(reach=reach, places=PLACES_A_DAY),
    }
    tables = [db.frame(TOTALS.format(rows=rows)).assign(kind=kind) for kind, rows in roads.items()]
    db.drop("contacts")
    numbers = ["n_events", "income_pence", "contribution_pence"]
    columns = ["kind", "from_line_id", "to_line_id", *numbers]
    table = pd.concat(tables, ignore_index=True)[columns]
    return table.astype(dict.fromkeys(numbers, "int64"))


def total_downstream(flows: pd.DataFrame, position: pd.DataFrame) -> pd.DataFrame:
    """Return for each line what began with it and went on elsewhere, and the reverse.

    Returns
    -------
    pd.DataFrame
        Table ``line_downstream``: contribution of the line's own events, of them begun elsewhere
        (``arrived_pence``), and of other lines' events that began here (``downstream_pence``).
    """
    rows = flows[flows["kind"] == FOLLOW_ON]
    is_own = rows["from_line_id"] == rows["to_line_id"]
    away = rows[~is_own]
    table = position[["line_id"]].copy()
    at = table["line_id"]
    for name, part, by, value in (
        ("own_pence", rows[is_own], "to_line_id", "contribution_pence"),
        ("arrived_pence", away, "to_line_id", "contribution_pence"),
        ("downstream_pence", away, "from_line_id", "contribution_pence"),
        ("n_arrived", away, "to_line_id", "n_events"),
        ("n_downstream", away, "from_line_id", "n_events"),
    ):
        table[name] = at.map(part.groupby(by)[value].sum()).fillna(0).astype("int64")
    return table


def share_departments(line_costs: pd.DataFrame, owners: pd.Series) -> pd.DataFrame:
    """Return what each line's care costs in departments of its own, of others, and of nobody.

    Parameters
    ----------
    owners
        Owning line by department; blank where the department is shared.

    Returns
    -------
    pd.DataFrame
        Table ``shared_departments``: ``line_id, owner_line_id, amount_pence, cost_prop``; overheads
        are left out, and the shares of a line add up to 1.
    """
    costs = line_costs[line_costs["tier"] != "overhead"]
    owner = costs["source_department"].map(owners).fillna("").replace("", SHARED)
    rows = costs.assign(line_id=costs["line_id"].map(find_own_line), owner_line_id=owner)
    rows = rows[~rows["line_id"].isin(NON_PATIENT_LINES)]
    table = rows.groupby(["line_id", "owner_line_id"], as_index=False)["amount_pence"].sum()
    total = table.groupby("line_id")["amount_pence"].transform("sum")
    table["cost_prop"] = (table["amount_pence"] / total.where(total != 0)).astype("float64")
    return table


def check_flows(
    flows: pd.DataFrame, line_activity: pd.DataFrame, contribution_pence: int
) -> pd.DataFrame:
    """Compare both ways of following patients with the events themselves (identity R15).

    Parameters
    ----------
    contribution_pence
        Contribution of every patient event, critical care's income in it, added straight from
        ``patient_events`` and ``critical_care_income``.
    """
    follow_on = flows[flows["kind"] == FOLLOW_ON]
    rows = [
        (
            "R15",
            "Events by line of first contact = events by line",
            int(follow_on["n_events"].sum()),
            int(line_activity["n_events"].sum()),
        ),
        (
            "R12",
            "Contribution by line of first contact = contribution of all patients",
            int(follow_on["contribution_pence"].sum()),
            contribution_pence,
        ),
    ]
    return pd.DataFrame(rows, columns=["id", "description", "left_pence", "right_pence"])
