"""Rules for overhead drivers (DRV): every service reaches patients, and each driver has one unit."""

from __future__ import annotations

import pandas as pd

from helpers.cleaning.model import FrameRule, Frames, Settings, findings_of, no_findings
from helpers.contracts import ROW_NUMBER
from helpers.contracts.terms import FINAL_KINDS
from helpers.errors import AllocationError, InputError, name_a_few

FILE = "overhead_drivers"
BASE = "base"
SERVICE = "service"


def find_self_use(frames: Frames, settings: Settings) -> pd.DataFrame:
    """DRV-004: a service's use of itself; leaving it out does not change the result."""
    rows = frames[FILE]
    own = rows[rows["service_department"].eq(rows["consumer_department"])]
    return findings_of(
        [
            {
                "row_number": row[ROW_NUMBER],
                "column_name": "consumer_department",
                "old_value": row["consumer_department"],
            }
            for row in own.to_dict("records")
        ]
    )


def check_known_departments(frames: Frames, settings: Settings) -> pd.DataFrame:
    """DRV-002: drivers run from services to departments that exist and are costed."""
    rows, departments = frames[FILE], frames["departments"]
    kinds = departments.set_index("department_id")["kind"]
    services = set(kinds[kinds.eq(SERVICE)].index)
    consumers = set(kinds[kinds.isin((SERVICE, *FINAL_KINDS))].index)
    for column, known, words in (
        ("service_department", services, "overhead services (kind service)"),
        ("consumer_department", consumers, "departments, or are excluded ones"),
    ):
        wrong = rows[~rows[column].isin(known)]
        if len(wrong):
            raise InputError(
                f"{FILE}, column {column}: {wrong[column].nunique():,} codes are not {words} in departments: "
                f"{name_a_few(wrong[column])}.\nThey stand in {len(wrong):,} of {len(rows):,} driver rows. "
                "Correct the codes, or add the departments.",
                rule="DRV-002",
            )
    return no_findings()


def check_quantities(frames: Frames, settings: Settings) -> pd.DataFrame:
    """ALLOC-E03: no use is negative."""
    rows = frames[FILE]
    below = rows[rows["quantity"] < 0]
    if len(below):
        raise AllocationError(
            f"{FILE}, column quantity: {len(below):,} rows are negative, from the services "
            f"{name_a_few(below['service_department'])}.\nUse is zero or more; correct the extract.",
            rule="ALLOC-E03",
        )
    return no_findings()


def check_services_have_drivers(frames: Frames, settings: Settings) -> pd.DataFrame:
    """DRV-001: every overhead service has somebody who uses it."""
    departments, rows = frames["departments"], frames[FILE]
    services = departments.loc[departments["kind"].eq(SERVICE), "department_id"]
    used = rows[rows["driver_set"].eq(BASE) & rows["quantity"].gt(0)]
    without = services[~services.isin(used["service_department"])]
    if len(without):
        raise InputError(
            f"{FILE}: {len(without):,} overhead services have no rows with a quantity in the driver set {BASE}: "
            f"{name_a_few(without)}.\nTheir cost would go nowhere. Add rows for them, or give them another kind "
            "in departments.",
            rule="DRV-001",
        )
    return no_findings()


def check_one_unit(frames: Frames, settings: Settings) -> pd.DataFrame:
    """DRV-006: a service is shared by one measure within a set, not by two units added up."""
    rows = frames[FILE]
    measures = rows.groupby(["service_department", "driver_set"])["driver"].nunique()
    mixed = measures[measures > 1].reset_index()
    if len(mixed):
        named = mixed["service_department"] + " (" + mixed["driver_set"] + ")"
        raise InputError(
            f"{FILE}, column driver: {len(mixed):,} services mix measures in one driver set: "
            f"{name_a_few(named)}.\nSquare metres and people cannot be added up. Keep one measure, or split the "
            "service in two.",
            rule="DRV-006",
        )
    return no_findings()


def check_no_closed_loop(frames: Frames, settings: Settings) -> pd.DataFrame:
    """DRV-003: following use from service to service, every service's cost reaches a final department."""
    departments, rows = frames["departments"], frames[FILE]
    finals = set(departments.loc[departments["kind"].isin(FINAL_KINDS), "department_id"])
    for driver_set, some in rows[rows["quantity"] > 0].groupby("driver_set", sort=True):
        base = rows[rows["driver_set"].eq(BASE) & rows["quantity"].gt(0)]
        missing = base[~base["service_department"].isin(some["service_department"])]
        stuck = find_stuck_services(pd.concat([some, missing]), finals)
        if stuck:
            raise AllocationError(
                f"{FILE}: {len(stuck):,} overhead services use only each other in the driver set {driver_set}, so "
                f"their cost reaches no clinical or non-patient-care department: {name_a_few(stuck)}.\n"
                "Add a row from one of them to a department that treats patients.",
                rule="DRV-003",
            )
    return no_findings()


def find_stuck_services(used: pd.DataFrame, finals: set[str]) -> set[str]:
    """Return services from which no chain of use leads to a final department."""
    services = set(used["service_department"])
    reached = set(finals)
    while True:
        more = (
            set(used.loc[used["consumer_department"].isin(reached), "service_department"]) - reached
        )
        if not more:
            return services - reached
        reached |= more


def find_departments_without_overhead(frames: Frames, settings: Settings) -> pd.DataFrame:
    """DRV-005: clinical and non-patient-care departments that no service serves."""
    departments, rows = frames["departments"], frames[FILE]
    served = rows.loc[rows["quantity"].gt(0), "consumer_department"]
    final = departments["kind"].isin(FINAL_KINDS)
    alone = departments[final & ~departments["department_id"].isin(served)]
    return findings_of(
        [
            {
                "row_number": row[ROW_NUMBER],
                "column_name": "department_id",
                "old_value": row["department_id"],
            }
            for row in alone.to_dict("records")
        ]
    )


DRIVER_RULES = [
    FrameRule("DRV-004", FILE, "codes", "R", "set aside", "A service uses itself.",
              "set aside; it does not change the result", find_self_use),
    FrameRule("DRV-002", FILE, "codes", "F", "stop", "A driver runs to an unknown or excluded department.",
              "the run stops", check_known_departments, ("departments",)),
    FrameRule("DRV-006", FILE, "codes", "F", "stop", "A service's driver mixes units.", "the run stops",
              check_one_unit),
    FrameRule("ALLOC-E03", FILE, "codes", "F", "stop", "A driver quantity is negative.", "the run stops",
              check_quantities),
    FrameRule("DRV-001", FILE, "links", "F", "stop", "An overhead service has no drivers.", "the run stops",
              check_services_have_drivers, ("departments",)),
    FrameRule("DRV-003", FILE, "links", "F", "stop", "Overhead services use only each other.", "the run stops",
              check_no_closed_loop, ("departments",)),
    FrameRule("DRV-005", "departments", "links", "W", "note",
              "A clinical or non-patient-care department receives no overhead.", "kept",
              find_departments_without_overhead, (FILE,)),
]  # fmt: skip
