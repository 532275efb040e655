"""A trust small enough to cost by hand: two overhead services, two lines, five stays, four clinics.

Overheads (reciprocal): OH1 34,000 and OH2 26,000 gross up to 40,000 and 30,000, and send WARD 24,000,
THEATRE 17,000, CLINIC 7,000, MED_TO 6,000, MED_GM 4,000, RD 2,000. Absorbed cost over weights gives
round rates: WARD 156,000 / 780 h = 200 an hour; THEATRE 137,000 / 342.5 = 400 a minute; CLINIC 47,000
/ 94 = 500 a minute; MED_TO 106,000 / 1,060 and MED_GM 84,000 / 840 = 100 a minute.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from helpers.contracts import INPUTS, STORED_AS, QueryEngine

SETTINGS = {
    "trust_code": "XYZ", "fy": "2024/25", "mff": 1.0, "overhead_method": "reciprocal",
    "step_order": "auto", "non_patient_care": "separate", "income_basis": "price", "seed": 1,
}  # fmt: skip
START = datetime(2024, 6, 3, 8)

OVERHEADS = {"OH1": {"PAY_OTHER": 34_000}, "OH2": {"PAY_OTHER": 18_000, "DEPRECIATION": 8_000}}
DIRECT = {
    "WARD": ("PAY_NURSING", 132_000), "THEATRE": ("PAY_NURSING", 120_000),
    "CLINIC": ("PAY_NURSING", 40_000), "MED_TO": ("PAY_MEDICAL", 100_000),
    "MED_GM": ("PAY_MEDICAL", 80_000), "RD": ("PAY_OTHER", 15_000), "HCD": ("DRUGS", 25_000),
}  # fmt: skip
OWNERS = {"MED_TO": "TO", "MED_GM": "GENMED", "HCD": "GENMED", "RD": "RD", "ET": "ET"}
USES = {
    "OH1": {
        "OH2": 10,
        "WARD": 30,
        "THEATRE": 20,
        "CLINIC": 10,
        "MED_TO": 15,
        "MED_GM": 10,
        "RD": 5,
    },
    "OH2": {"OH1": 20, "WARD": 40, "THEATRE": 30, "CLINIC": 10},
}
# (spell, line's treatment function, private, ward hours, theatre minutes, medical minutes, price)
STAYS = [
    ("P1", "110", False, 96, 150.0, 300, 115_000),
    ("P2", "110", False, 300, 120.0, 400, 130_000),
    ("P5", "110", True, 0, 72.5, 200, 0),
    ("P3", "300", False, 360, 0, 500, 130_000),
    ("P4", "300", False, 24, 0, 140, 25_000),
]
CLINICS = [  # (attendance, treatment function, booked minutes, medical minutes, price)
    ("O1", "110", 30, 100, 30_000),
    ("O2", "110", 15, 60, 12_000),
    ("O3", "300", 40, 150, 36_000),
    ("O4", "300", 9, 50, 9_000),
]
TFC_LINES = {"110": "TO", "300": "GENMED"}


def make_frame(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a small clean table with every column of its contract, typed."""
    table = INPUTS[name]
    frame = pd.DataFrame(rows)
    for column, spec in table.columns.items():
        stored = table.stored_name(column)
        kind = STORED_AS[spec.kind][1]
        given = frame.get(stored)
        frame[stored] = (
            pd.Series(given, index=frame.index, dtype=kind) if given is None else given.astype(kind)
        )
    return frame[table.stored_columns]


def add_clean(db: QueryEngine, name: str, rows: list[dict[str, Any]], **extra: str) -> None:
    """Make ``clean_<name>`` in the engine with every column of its contract, typed."""
    table = INPUTS[name]
    types = {table.stored_name(c): STORED_AS[spec.kind][0] for c, spec in table.columns.items()}
    given = pd.DataFrame(rows)
    columns = [
        f"CAST({column if column in given else 'NULL'} AS {kind}) AS {column}"
        for column, kind in {**types, **extra}.items()
        if column != "count" or "count" in given
    ]
    db.add_frame("given_rows", given)
    db.create(f"clean_{name}", f"SELECT {', '.join(columns)} FROM given_rows")
    db.drop("given_rows")


def post(centre: str, code: str, pounds: float) -> dict[str, Any]:
    return {
        "fy": "2024/25", "month": 1, "cost_centre": centre, "expense_code": code,
        "amount_pence": round(pounds * 100), "wte_actual": 0.0,
    }  # fmt: skip


def make_money_frames() -> dict[str, pd.DataFrame]:
    """Return ledger, maps, departments, drivers, control totals and lines."""
    postings = [post(d, e, v) for d, cost in OVERHEADS.items() for e, v in cost.items()]
    postings += [post(d, e, v) for d, (e, v) in DIRECT.items()]
    clinical = sum(row[-1] for row in [*STAYS, *CLINICS])
    postings += [
        post("WARD", "CLINICAL", -clinical), post("MED_TO", "PRIVATE", -60_000),
        post("RD", "RDGRANT", -18_000), post("ET", "TARIFF", -8_000),
    ]  # fmt: skip
    departments = [*OVERHEADS, *DIRECT, "ET"]
    kinds = {
        **dict.fromkeys(OVERHEADS, "service"),
        "RD": "non_patient_care",
        "ET": "non_patient_care",
    }
    elements = sorted(
        {e for cost in OVERHEADS.values() for e in cost} | {e for e, _ in DIRECT.values()}
    )
    income = {
        "CLINICAL": "clinical_income",
        "PRIVATE": "nonnhs_income",
        "RDGRANT": "rd_income",
        "TARIFF": "et_income",
    }
    codes = [
        {"expense_code": e, "name": e, "account_type": "expenditure", "element": e}
        for e in elements
    ]
    codes += [{"expense_code": c, "name": c, "account_type": a} for c, a in income.items()]
    return {
        "general_ledger": make_frame("general_ledger", postings),
        "cost_centre_map": make_frame("cost_centre_map", [
            {"cost_centre": d, "cost_centre_name": d, "department_id": d, "owner_line_id": OWNERS.get(d, "")}
            for d in departments
        ]),
        "expense_map": make_frame("expense_map", codes),
        "departments": make_frame("departments", [
            {"department_id": d, "name": d.title(), "kind": kinds.get(d, "clinical"), "owner_line_id": OWNERS.get(d, "")}
            for d in departments
        ]),
        "overhead_drivers": make_frame("overhead_drivers", [
            {"service_department": k, "consumer_department": c, "driver": "units", "quantity": q, "driver_set": "base"}
            for k, used in USES.items() for c, q in used.items()
        ]),
        "control_totals": make_frame("control_totals", [
            {"measure": "total_expenditure", "value": 572_000.0}, {"measure": "total_income", "value": 573_000.0},
            {"measure": "apc_episodes", "value": 5.0}, {"measure": "op_attended", "value": 4.0},
        ]),
        "service_lines": make_frame("service_lines", [
            {"line_id": "TO", "line_name": "Trauma and orthopaedics", "division": "Surgery"},
            {"line_id": "GENMED", "line_name": "General medicine", "division": "Medicine"},
        ]),
    }  # fmt: skip


def make_patient_frames() -> dict[str, pd.DataFrame]:
    """Return the small files that only patient-level costing needs."""
    pools = [
        ("P_WARD", "WARD", "ward", "", 1.0), ("P_THEATRE", "THEATRE", "theatre", "", 1.0),
        ("P_CLINIC", "CLINIC", "clinic", "", 0.75), ("P_MED_TO", "MED_TO", "therapies", "MED_TO", 0.5),
        ("P_MED_GM", "MED_GM", "therapies", "MED_GM", 0.5), ("P_HCD", "HCD", "high_cost_drugs", "", 1.0),
    ]  # fmt: skip
    names = ["pool_id", "department_id", "feed", "feed_filter", "quality_score"]
    prices = [(f"{row[0]}Z", "EL", row[-1]) for row in STAYS if not row[2]]
    prices += [(f"{row[0]}Z", "OPFA", row[-1]) for row in CLINICS]
    return {
        "cost_pools": make_frame(
            "cost_pools",
            [
                {**dict(zip(names, row, strict=True)), "element_filter": "*", "share": 1.0}
                for row in pools
            ],
        ),
        "prices": make_frame(
            "prices",
            [
                {"hrg": hrg, "pod": pod, "unit_price_pence": price * 100}
                for hrg, pod, price in prices
            ],
        ),
        "service_line_map": make_frame(
            "service_line_map",
            [{"priority": 1, "tfc": tfc, "line_id": line} for tfc, line in TFC_LINES.items()],
        ),
        "consultants": make_frame(
            "consultants",
            [{"consultant_code": "C1111111", "pseudonym": "Cons-01", "line_id": "TO"}],
        ),
    }


def add_activity(db: QueryEngine) -> None:
    """Leave the mini-trust's clean activity tables in the engine."""
    episodes, wards, cases, contacts = [], [], [], []
    for spell, tfc, private, hours, theatre, medical, _ in STAYS:
        end = START + timedelta(hours=max(hours, 6))
        episodes.append({
            "episode_id": spell, "spell_id": f"S{spell}", "episode_number": 1, "patient_key": f"K{spell}",
            "site_code": "X0101", "admission_dt": START, "discharge_dt": end, "episode_start_dt": START,
            "episode_end_dt": end, "admission_method": "11", "patient_classification": "1",
            "discharge_method": "1", "discharge_destination": "19", "tfc": tfc,
            "consultant_code": "C1111111", "hrg_fce": f"{spell}Z", "hrg_spell": f"{spell}Z", "age": 50,
            "sex": "1", "admin_category": "02" if private else "01", "commissioner": "QKK", "completion": 1,
        })  # fmt: skip
        contacts.append((f"T{spell}", spell, tfc, medical))
        if hours:
            wards.append({
                "stay_id": f"W{spell}", "spell_id": f"S{spell}", "ward_id": "W1", "start_dt": START,
                "end_dt": end, "acuity_weight": 1.0,
            })  # fmt: skip
        if theatre:
            cases.append({
                "case_id": f"C{spell}", "spell_id": f"S{spell}", "theatre_id": "T1",
                "into_dt": START + timedelta(hours=1), "setup_minutes": 0.0, "recovery_minutes": 0.0,
                "out_dt": START + timedelta(hours=1, minutes=theatre), "team_weight": 1.0,
            })  # fmt: skip
    clinics = []
    for attendance, tfc, booked, medical, _ in CLINICS:
        clinics.append({
            "attendance_id": attendance, "patient_key": f"K{attendance}", "appointment_dt": START,
            "tfc": tfc, "consultant_code": "C1111111", "first_attendance": "1", "attended": "5",
            "booked_minutes": float(booked), "hrg": f"{attendance}Z", "procedure_flag": "0",
            "admin_category": "01", "commissioner": "QKK", "is_attended": True,
        })  # fmt: skip
        contacts.append((f"T{attendance}", attendance, tfc, medical))
    add_clean(db, "apc_episodes", episodes, completion="BIGINT")
    add_clean(db, "op_attendances", clinics, is_attended="BOOLEAN")
    add_clean(db, "ward_stays", wards)
    add_clean(db, "theatre_cases", cases)
    add_clean(db, "therapy_contacts", [
        {"contact_id": c, "patient_key": f"K{e}", "spell_or_attendance_id": e, "minutes": float(m),
         "start_dt": START + timedelta(hours=2), "profession": "MED_" + ("TO" if tfc == "110" else "GM")}
        for c, e, tfc, m in contacts
    ])  # fmt: skip
    add_clean(db, "drug_issues", [
        {"issue_id": "D1", "patient_key": "KP3", "spell_or_attendance_id": "P3", "product": "DRUGA",
         "issue_dt": START + timedelta(hours=3), "cost_pence": 2_000_000, "high_cost_flag": "1"}
    ])  # fmt: skip
