"""Small activity tables for tests, as cleaning would leave them in the engine."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.contracts import INPUTS, STORED_AS
from helpers.engine import Engine

SETTINGS = {"fy": "2024/25"}
LINES = ("TO", "GENMED", "ED")

EPISODE = {
    "episode_number": 1, "patient_key": "p1", "site_code": "X0101", "admission_method": "21",
    "patient_classification": "1", "discharge_method": "1", "tfc": "110", "consultant_code": "C1000001",
    "hrg_fce": "HN22C", "hrg_spell": "HN22C", "admin_category": "01", "completion": 1,
}  # fmt: skip
APPOINTMENT = {
    "patient_key": "p1", "tfc": "110", "consultant_code": "C1000001", "first_attendance": "1",
    "booked_minutes": 30, "hrg": "WF01B", "procedure_flag": "0", "admin_category": "01",
    "is_attended": True,
}  # fmt: skip
ATTENDANCE = {"patient_key": "p1", "department_type": "01", "acuity": 4, "hrg": "VB01Z"}
EXTRA_TYPES = {"completion": "BIGINT", "is_attended": "BOOLEAN"}


def make_frames(**more: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Three lines; treatment function 110 is TO, 300 GENMED, 180 ED."""
    frames = {
        "service_lines": pd.DataFrame({"line_id": LINES, "line_name": LINES}),
        "service_line_map": make_map(
            {"tfc": "110", "line_id": "TO"},
            {"tfc": "300", "line_id": "GENMED"},
            {"tfc": "180", "line_id": "ED"},
        ),
        "departments": pd.DataFrame(
            {"department_id": ["WARD"], "kind": ["clinical"], "owner_line_id": [""]}
        ),
    }
    return frames | more


def make_map(*rows: dict[str, Any]) -> pd.DataFrame:
    """Rows of a service line map; columns left out are blank, priority is 10."""
    blank = dict.fromkeys(("site_code", "ward_id", "tfc", "consultant_code", "admin_category"), "")
    return pd.DataFrame([{"priority": 10, **blank, **row} for row in rows])


def add_clean(db: Engine, file: str, rows: list[dict[str, Any]]) -> None:
    """Make ``clean_<file>`` with the columns and types that cleaning gives it; the rest is null."""
    contract = INPUTS[file]
    types = {
        contract.stored_name(name): STORED_AS[column.kind][0]
        for name, column in contract.columns.items()
    }
    extra = {"apc_episodes": ["completion"], "op_attendances": ["is_attended"]}.get(file, [])
    types |= {name: EXTRA_TYPES[name] for name in extra}
    text = pd.DataFrame(
        [{name: _as_text(row.get(name)) for name in types} for row in rows], columns=list(types),
        dtype="str",
    )  # fmt: skip
    db.add_frame("incoming_text", text)
    columns = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in types.items())
    db.create(f"clean_{file}", f"SELECT {columns} FROM incoming_text")
    db.drop("incoming_text")


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)


def make_episode(episode_id: str, start: str, end: str | None, **more: Any) -> dict[str, Any]:
    """One episode; its spell is the part of the id before the dot, and as long as the episode."""
    given = {
        "episode_id": episode_id, "spell_id": episode_id.split(".")[0], "episode_start_dt": start,
        "episode_end_dt": end, "admission_dt": start, "discharge_dt": end,
    }  # fmt: skip
    return {**EPISODE, **given, **more}


def make_appointment(attendance_id: str, at: str, **more: Any) -> dict[str, Any]:
    return {
        **APPOINTMENT,
        "attendance_id": attendance_id,
        "appointment_dt": at,
        "attended": "5",
        **more,
    }


def make_attendance(attendance_id: str, start: str, end: str, **more: Any) -> dict[str, Any]:
    return {
        **ATTENDANCE, "attendance_id": attendance_id, "arrival_dt": start, "departure_dt": end, **more
    }  # fmt: skip


def make_components(*rows: dict[str, Any]) -> pd.DataFrame:
    """Pool components: own cost of WARD in one element unless a row says otherwise."""
    usual = {
        "pool_id": "WARD_NURSING", "department_id": "WARD", "feed": "ward", "feed_filter": "",
        "fallback_feed": "", "weight_rule": "", "quality_score": 1.0, "line_id": "",
        "element": "PAY_NURSING", "is_overhead": False,
    }  # fmt: skip
    frame = pd.DataFrame([{**usual, **row} for row in rows])
    source = frame.get("source_department", pd.Series(index=frame.index, dtype="str"))
    return frame.assign(source_department=source.fillna(frame["department_id"]))
