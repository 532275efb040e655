"""The other activity files of a demonstration trust as text, with their planted faults."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from helpers.sources.demo.costs import in_year
from helpers.sources.demo.faults import LATER_ID, FreeSpells
from helpers.sources.demo.files import (
    BLANK,
    as_codes,
    as_ids,
    as_patients,
    as_pounds,
    as_times,
    take,
)
from helpers.sources.demo.orders import EMERGENCY, OUTPATIENT, SPELL
from helpers.sources.demo.recipe import DAY, Recipe

UNKNOWN_PATIENT = 2_500_000_000  # numbers above this belong to nobody
SPELL_UNKNOWN = 8_000_000


def spell_ids(recipe: Recipe, numbers: np.ndarray) -> pa.Array:
    return as_ids(f"{recipe.trust}-", numbers)


def write_outpatients(
    recipe: Recipe, people: pd.DataFrame, rows: pd.DataFrame
) -> tuple[pa.Table, dict[str, int], int]:
    """Return op_attendances.csv, planted counts, and attended appointments after cleaning."""
    random = recipe.random("outpatient faults")
    order = random.permutation(len(rows))
    wanted = [recipe.counted(recipe.settings["defects"][name]) for name in
              ("op_duplicates", "op_same_minute", "op_minutes_missing", "op_minutes_excessive")]  # fmt: skip
    cuts = np.split(order, np.cumsum(wanted))[:4]
    rows = rows.assign(id=np.arange(1, len(rows) + 1))
    minutes = rows["minutes"].to_numpy().copy()
    minutes[cuts[2]] = BLANK
    minutes[cuts[3]] = 600
    rows["minutes"] = minutes
    same = rows.iloc[np.sort(cuts[1])].assign(id=LATER_ID + np.arange(len(cuts[1])))
    kept_attended = int(rows["seen"].isin(["5", "6"]).sum())
    rows = pd.concat([rows, rows.iloc[np.sort(cuts[0])], same], ignore_index=True)
    private = rows["private"].to_numpy()
    booked = rows["minutes"].to_numpy()
    text = pa.table(
        {
            "attendance_id": as_ids("OP", rows["id"]), "patient_key": as_patients(rows["patient"]),
            "appointment_dt": as_times(recipe.start, rows["at"]),
            "tfc": take(recipe.lines["tfc"], rows["line"]), "consultant_code": take(people["code"], rows["cons"]),
            "first_attendance": pa.array(rows["first"].to_numpy()), "attended": as_codes(rows["seen"]),
            "booked_minutes": pa.array(booked, mask=booked == BLANK),
            "actual_minutes": pa.array(rows["actual"].to_numpy(), mask=~rows["seen"].isin(["5", "6"]).to_numpy()),
            "hrg": as_codes(rows["hrg"]), "procedure_flag": pa.array(rows["procedure"].to_numpy().astype("int64")),
            "admin_category": as_codes(np.where(private, "02", "01")),
            "commissioner": as_codes(np.where(private, "VPP00", "QKK")),
        }
    )  # fmt: skip
    names = ("op_duplicates", "op_same_minute", "op_minutes_missing", "op_minutes_excessive")
    planted = {name: len(cut) for name, cut in zip(names, cuts, strict=True)}
    return text, planted, kept_attended


def write_emergency(
    recipe: Recipe, people: pd.DataFrame, rows: pd.DataFrame
) -> tuple[pa.Table, dict[str, int], int]:
    """Return ed_attendances.csv, planted counts, and attendances left after cleaning."""
    random = recipe.random("emergency faults")
    walk_in = np.flatnonzero(rows["spell"].to_numpy() < 0)
    walk_in = walk_in[random.permutation(len(walk_in))]
    names = ("ed_departure_before_arrival", "ed_long_stay", "ed_spell_unknown")
    wanted = [recipe.counted(recipe.settings["defects"][name]) for name in names]
    cuts = np.split(walk_in, np.cumsum(wanted))[:3]
    arrival, departure = rows["arrival"].to_numpy(), rows["departure"].to_numpy().copy()
    departure[cuts[0]] = arrival[cuts[0]] - 25
    departure[cuts[1]] = arrival[cuts[1]] + 2880 + 300
    spell = rows["spell"].to_numpy().copy()
    spell[cuts[2]] = SPELL_UNKNOWN + np.arange(len(cuts[2]))
    text = pa.table(
        {
            "attendance_id": as_ids("ED", np.arange(1, len(rows) + 1)),
            "patient_key": as_patients(rows["patient"]), "department_type": as_codes(rows["type"]),
            "arrival_dt": as_times(recipe.start, arrival), "departure_dt": as_times(recipe.start, departure),
            "acuity": pa.array(rows["acuity"].to_numpy()), "hrg": as_codes(rows["hrg"]),
            "admitted_spell_id": spell_ids(recipe, spell), "consultant_code": take(people["code"], rows["cons"]),
        }
    )  # fmt: skip
    planted = {name: len(cut) for name, cut in zip(names, cuts, strict=True)}
    return text, planted, len(rows) - len(cuts[0])


def write_ward_stays(
    recipe: Recipe, stays: pd.DataFrame, free: FreeSpells
) -> tuple[pa.Table, dict[str, int]]:
    """Return ward_stays.csv: overlaps, ends after discharge and missing stays planted."""
    limit = recipe.year_minutes
    rows = stays[(stays["start"] < limit) & (stays["end"] >= 0)].reset_index(drop=True)
    rows["end"] = np.where(rows["end"] >= limit, BLANK, rows["end"])
    spell = rows["spell"].to_numpy()
    defects = recipe.settings["defects"]
    closed = (
        (rows["end"] != BLANK) & (rows["end"] < limit - DAY) & (rows["start"] >= 0)
    ).to_numpy()
    followed = (rows["spell"].shift(-1) == rows["spell"]).to_numpy()
    last = ~followed
    alone = ~rows["spell"].duplicated(keep=False).to_numpy()
    touching = followed & (rows["start"].shift(-1) == rows["end"]).to_numpy()
    long_next = (rows["end"].shift(-1) - rows["start"].shift(-1) > 240).to_numpy()
    overlap = free.choose(
        spell, closed & touching & long_next, recipe.counted(defects["ward_overlap"])
    )
    outside = free.choose(spell, closed & last, recipe.counted(defects["ward_outside_spell"]))
    overnight = np.where(closed, rows["end"] // DAY > rows["start"] // DAY, False)
    missing = free.choose(
        spell, closed & alone & overnight, recipe.counted(defects["ward_missing"])
    )
    rows.loc[overlap, "end"] += 120
    rows.loc[outside, "end"] += 180
    rows["id"] = np.arange(1, len(rows) + 1)
    rows = rows.drop(index=missing)
    text = pa.table(
        {
            "stay_id": as_ids("WS", rows["id"]), "spell_id": spell_ids(recipe, rows["spell"]),
            "ward_id": as_codes(rows["ward"]), "start_dt": as_times(recipe.start, rows["start"]),
            "end_dt": as_times(recipe.start, rows["end"]), "acuity_weight": pa.array(rows["acuity"].to_numpy()),
        }
    )  # fmt: skip
    planted = {
        "ward_overlap": len(overlap),
        "ward_outside_spell": len(outside),
        "ward_missing": len(missing),
    }
    return text, planted


def write_theatre(recipe: Recipe, people: pd.DataFrame, rows: pd.DataFrame) -> pa.Table:
    rows = rows[in_year(recipe, rows["into"])].reset_index(drop=True)
    return pa.table(
        {
            "case_id": as_ids("TC", np.arange(1, len(rows) + 1)), "spell_id": spell_ids(recipe, rows["spell"]),
            "theatre_id": as_codes(rows["room"]),
            "session_type": as_codes(np.where(rows["emergency"], "emergency", "elective")),
            "into_dt": as_times(recipe.start, rows["into"]), "out_dt": as_times(recipe.start, rows["out"]),
            "setup_minutes": pa.array(rows["setup"].to_numpy()), "recovery_minutes": pa.array(rows["recovery"].to_numpy()),
            "surgeon_code": take(people["code"], rows["cons"]), "team_weight": pa.array(rows["team"].to_numpy()),
        }
    )  # fmt: skip


def write_critical_care(recipe: Recipe, rows: pd.DataFrame) -> pa.Table:
    inside = in_year(recipe, rows["start"])
    rows = rows[inside].reset_index(drop=True)
    end = np.minimum(rows["end"], recipe.year_minutes - 1)
    return pa.table(
        {
            "cc_id": as_ids("C", np.arange(1, len(rows) + 1), 6), "spell_id": spell_ids(recipe, rows["spell"]),
            "unit_id": as_codes(rows["unit"]), "start_dt": as_times(recipe.start, rows["start"]),
            "end_dt": as_times(recipe.start, end), "organs_supported": pa.array(rows["organs"].to_numpy()),
        }
    )  # fmt: skip


def write_implants(recipe: Recipe, rows: pd.DataFrame) -> pa.Table:
    rows = rows[in_year(recipe, rows["at"])].reset_index(drop=True)
    return pa.table(
        {
            "implant_id": as_ids("IM", np.arange(1, len(rows) + 1)), "spell_id": spell_ids(recipe, rows["spell"]),
            "used_dt": as_times(recipe.start, rows["at"]), "product": as_codes(rows["product"]),
            "cost": as_pounds(rows["pence"]),
        }
    )  # fmt: skip


def write_therapies(recipe: Recipe, spells: pd.DataFrame, rows: pd.DataFrame) -> pa.Table:
    rows = rows[in_year(recipe, rows["at"])].reset_index(drop=True)
    return pa.table(
        {
            "contact_id": as_ids("TH", np.arange(1, len(rows) + 1)),
            "patient_key": as_patients(spells["patient"].to_numpy()[rows["spell"]]),
            "spell_or_attendance_id": spell_ids(recipe, rows["spell"]),
            "start_dt": as_times(recipe.start, rows["at"]), "minutes": pa.array(rows["minutes"].to_numpy()),
            "profession": as_codes(rows["profession"]), "grade": as_codes(rows["grade"]),
        }
    )  # fmt: skip


def _event_ids(
    recipe: Recipe, source: np.ndarray, event: np.ndarray, shown: np.ndarray
) -> pa.Array:
    """Return the id of the spell or attendance; blank where not ``shown``."""
    parts = [
        as_ids(prefix, np.where((source == kind) & shown, event + first, -1))
        for kind, prefix, first in (
            (SPELL, f"{recipe.trust}-", 0),
            (OUTPATIENT, "OP", 1),
            (EMERGENCY, "ED", 1),
        )
    ]
    return pc.coalesce(*parts)


def write_tests(recipe: Recipe, rows: pd.DataFrame) -> tuple[pa.Table, dict[str, int]]:
    """Return tests.csv: a set share matches nothing, another has a patient but no event id."""
    random = recipe.random("test faults")
    rows = rows[in_year(recipe, rows["at"])].reset_index(drop=True)
    n = len(rows)
    n_lost = round(recipe.settings["defects"]["tests_unmatched_prop"] * n)
    lost = np.zeros(n, dtype=bool)
    lost[random.permutation(n)[:n_lost]] = True
    shown = (random.random(n) < recipe.settings["share_matched_by_id"]) & ~lost
    patient = np.where(lost, UNKNOWN_PATIENT + np.arange(n), rows["patient"])
    event = _event_ids(recipe, rows["source"].to_numpy(), rows["event"].to_numpy(), shown)
    wrong_id = spell_ids(
        recipe, np.where(lost & (np.arange(n) % 2 == 0), SPELL_UNKNOWN + np.arange(n), -1)
    )
    text = pa.table(
        {
            "test_id": as_ids("TS", np.arange(1, n + 1), 8), "patient_key": as_patients(patient),
            "spell_or_attendance_id": pc.coalesce(event, wrong_id),
            "requested_dt": as_times(recipe.start, rows["at"]),
            "discipline": take(recipe.tests["discipline"], rows["test"]),
            "test_code": take(recipe.tests["test_code"], rows["test"]), "count": pa.array(rows["count"].to_numpy()),
            "requesting_tfc": take(recipe.lines["tfc"], rows["line"]),
        }
    )  # fmt: skip
    return text, {"tests_unmatched": n_lost}


def write_drugs(recipe: Recipe, rows: pd.DataFrame) -> tuple[pa.Table, dict[str, int]]:
    """Return drug_issues.csv: some costs missing, some credits."""
    random = recipe.random("drug faults")
    rows = rows[in_year(recipe, rows["at"])].reset_index(drop=True)
    plain = np.flatnonzero(rows["high"] == 0)
    plain = plain[random.permutation(len(plain))]
    defects = recipe.settings["defects"]
    missing, credit, _ = np.split(
        plain,
        np.cumsum(
            [recipe.counted(defects["drug_cost_missing"]), recipe.counted(defects["drug_credits"])]
        ),
    )
    pence = rows["pence"].to_numpy().copy()
    pence[missing] = BLANK
    back = rows.iloc[np.sort(credit)]
    rows = pd.concat([rows, back], ignore_index=True)
    pence = np.concatenate([pence, -pence[np.sort(credit)]])
    n = len(rows)
    shown = random.random(n) < recipe.settings["share_matched_by_id"] + 0.1
    text = pa.table(
        {
            "issue_id": as_ids("DI", np.arange(1, n + 1), 8), "patient_key": as_patients(rows["patient"]),
            "spell_or_attendance_id": _event_ids(recipe, rows["source"].to_numpy(), rows["event"].to_numpy(), shown),
            "issue_dt": as_times(recipe.start, rows["at"]), "product": as_codes(rows["product"]),
            "cost": as_pounds(pence), "high_cost_flag": pa.array(rows["high"].to_numpy()),
        }
    )  # fmt: skip
    return text, {"drug_cost_missing": len(missing), "drug_credits": len(credit)}


def write_outcomes(recipe: Recipe, rows: pd.DataFrame) -> pa.Table:
    return pa.table(
        {
            "event_id": spell_ids(recipe, rows["spell"]), "measure": as_codes(rows["measure"]),
            "value": pa.array(rows["value"].to_numpy()), "expected": pa.array(rows["expected"].to_numpy()),
        }
    )  # fmt: skip
