"""The file of episodes of a demonstration trust, with the faults that are planted in it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from helpers.sources.demo.files import BLANK, as_codes, as_ids, as_patients, as_times, take
from helpers.sources.demo.recipe import DAY, Recipe
from helpers.sources.demo.spells import DC, NEL

BAD_CONSULTANTS = ("", "X12", "C12345", "UNKNOWN")
UNMAPPED_TFCS = ("105", "173", "214", "656")
UNGROUPED = "UZ01Z"
CLASS_BY_SETTING = ("2", "1", "1", "1")
LATER_ID = 9_000_000  # ids of rows that are planted whole start here


def frame_episodes(recipe: Recipe, spells: pd.DataFrame, episodes: pd.DataFrame) -> pd.DataFrame:
    """Return one row per episode in the year, numbers still numbers, with nothing wrong yet."""
    end_of_year = recipe.year_minutes
    rows = episodes[episodes["start"] < end_of_year].reset_index(drop=True)
    own = spells.iloc[rows["spell"]].reset_index(drop=True)
    dis = own["dis"].to_numpy()
    is_open = dis >= end_of_year
    setting = own["setting"].to_numpy()
    died = own["died"].to_numpy()
    ready = np.where((setting == NEL) & ~died, dis - own["waiting"] * DAY, BLANK)
    return pd.DataFrame(
        {
            "spell": rows["spell"], "number": rows["number"], "patient": own["patient"],
            "line": rows["line"], "site": own["line"] % len(recipe.settings["sites"]),
            "adm": own["adm"], "dis": np.where(is_open, BLANK, dis), "start": rows["start"],
            "end": np.where(rows["end"] >= end_of_year, BLANK, rows["end"]),
            "method": own["method"], "class": np.array(CLASS_BY_SETTING, dtype=object)[setting],
            "dis_method": np.where(is_open, "8", np.where(died, "4", "1")),
            "destination": np.where(is_open, "98", np.where(died, "79", "19")),
            "ready": np.where(is_open, BLANK, ready),
            "tfc": recipe.lines["tfc"].to_numpy(object)[rows["line"]], "cons": rows["cons"],
            "hrg": recipe.hrgs["hrg"].to_numpy(object)[own["hrg"]], "age": own["age"], "sex": own["sex"],
            "imd": own["imd"], "private": own["private"], "commissioner": own["commissioner"],
            "theatre": recipe.hrgs["theatre_minutes"].to_numpy()[own["hrg"]] > 0,
            "id": own.index.to_numpy() * 0 - 1, "bad_cons": "",
        }
    )  # fmt: skip


def plant_faults(
    recipe: Recipe, people: pd.DataFrame, rows: pd.DataFrame, free: FreeSpells
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the rows with faults planted, and how many of each; no spell has two faults."""
    faults = {name: recipe.counted(count) for name, count in recipe.settings["defects"].items() if count}
    planted: dict[str, int] = {}
    extra: list[pd.DataFrame] = []

    def choose(name: str, can: np.ndarray) -> np.ndarray:
        at = free.choose(rows["spell"].to_numpy(), can, faults.get(name, 0))
        planted[name] = len(at)
        return at

    single = ~rows["spell"].duplicated(keep=False).to_numpy()
    done = ((rows["dis"] != BLANK) & (rows["start"] >= 0)).to_numpy()
    simple = single & done
    length = np.where(done, rows["end"] - rows["start"], 0)
    early = np.where(done, rows["dis"], 0) < recipe.year_minutes - 10 * DAY

    extra.append(rows.iloc[choose("duplicate_exact", simple)])
    differs = rows.iloc[choose("duplicate_differs", simple & (length > DAY))].copy()
    differs["end"] -= 60
    differs["imd"] = 1 + differs["imd"] % 10
    extra.append(differs)
    again = rows.iloc[choose("duplicate_by_patient", simple)].copy()
    again["id"] = LATER_ID + np.arange(len(again))
    extra.append(again)
    at = choose("end_before_start", simple)
    rows.loc[at, "end"] = rows["start"].to_numpy()[at] - 45
    at = choose("discharge_before_admission", simple)
    rows.loc[at, "dis"] = rows["adm"].to_numpy()[at] - DAY
    rows.loc[at, "ready"] = BLANK
    at = choose("outside_spell_clipped", simple & early)
    rows.loc[at, "end"] += 300
    at = choose("outside_spell_far", simple & early)
    rows.loc[at, "end"] += 3 * DAY
    at = choose("overlapping", _can_overlap(rows) & done)
    rows.loc[at, "end"] += 120
    stays = (rows["class"] == "1").to_numpy() & rows["method"].isin(["11", "12"]).to_numpy() & (length > DAY)
    at = choose("day_case_with_stay", simple & stays & (length < 4 * DAY))
    rows.loc[at, "class"] = "2"
    at = choose("age_impossible", simple)
    rows.loc[at, "age"] = np.where(np.arange(len(at)) % 2 == 0, 131, -1)
    at = choose("consultant_malformed", simple)
    rows.loc[at, "bad_cons"] = np.array(BAD_CONSULTANTS, dtype=object)[np.arange(len(at)) % len(BAD_CONSULTANTS)]
    rows.loc[at, "cons"] = -1
    at = choose("tfc_unmapped", simple)
    rows.loc[at, "tfc"] = np.array(UNMAPPED_TFCS, dtype=object)[np.arange(len(at)) % len(UNMAPPED_TFCS)]
    at = choose("hrg_ungroupable", simple)
    rows.loc[at, "hrg"] = UNGROUPED
    at = choose("method_invalid", simple)
    rows.loc[at, "method"] = "15"
    at = choose("wrong_commissioner", simple)
    rows.loc[at, "commissioner"] = "QXX"
    extra.append(_before_the_year(rows.iloc[choose("before_period", simple)]))
    whole = pd.concat([rows, *extra], ignore_index=True)
    finished = (whole["end"] != BLANK) & (whole["end"] < 0) & (whole["dis"] > whole["adm"])
    planted["before_period"] = int(finished.sum())
    return whole, planted


class FreeSpells:
    """Spells not yet used for a fault: those of planted consultants never are."""

    def __init__(self, recipe: Recipe, people: pd.DataFrame, spells: pd.DataFrame) -> None:
        plain = (people["plant"] == "").to_numpy()[spells["cons"]] & ~spells["private"].to_numpy()
        self._rank = np.full(len(spells), -1, dtype="int64")
        order = recipe.random("faults").permutation(len(spells))
        self._rank[order] = np.arange(len(spells))
        self._free = plain.copy()

    def choose(self, spell: np.ndarray, can: np.ndarray, count: int) -> np.ndarray:
        """Return up to ``count`` row numbers that can have the fault, and mark their spells used."""
        at = np.flatnonzero(can & self._free[spell])
        at = at[np.argsort(self._rank[spell[at]], kind="stable")]
        _, first = np.unique(spell[at], return_index=True)
        at = np.sort(at[np.sort(first)[:count]])
        self._free[spell[at]] = False
        return at


def _can_overlap(rows: pd.DataFrame) -> np.ndarray:
    """Tell which episodes are followed, in the same spell, by one of over four hours."""
    same = (rows["spell"].shift(-1) == rows["spell"]).to_numpy()
    following = rows["start"].shift(-1).fillna(0).to_numpy()
    until = rows["end"].shift(-1).fillna(BLANK).to_numpy()
    return same & (until - following > 240) & (rows["end"].to_numpy() == following)


def _before_the_year(rows: pd.DataFrame) -> pd.DataFrame:
    """Copy spells to the year before, under new ids and patients."""
    rows = rows.copy()
    for column in ("adm", "dis", "start", "end"):
        rows[column] -= 400 * DAY
    rows["ready"] = BLANK
    rows["id"] = LATER_ID + 500_000 + np.arange(len(rows))
    rows["spell"] = -1
    rows["patient"] = LATER_ID + np.arange(len(rows))
    return rows


def write_episodes(recipe: Recipe, people: pd.DataFrame, rows: pd.DataFrame) -> pa.Table:
    """Return apc_episodes.csv as text."""
    spell = np.where(rows["spell"] >= 0, rows["spell"], rows["id"])
    own = np.where(rows["id"] >= 0, rows["id"], spell)
    spell_id = as_ids(f"{recipe.trust}-", spell)
    number = as_codes(rows["number"].astype(str))
    episode_id = pa.compute.binary_join_element_wise(as_ids(f"{recipe.trust}-", own), number, "-")
    hrg = as_codes(rows["hrg"])
    codes = take(people["code"], rows["cons"].to_numpy())
    consultant = pa.compute.if_else(pa.array(rows["cons"].to_numpy() < 0), as_codes(rows["bad_cons"]), codes)
    private = rows["private"].to_numpy()
    proc = recipe.lines["procedure"].to_numpy(object)[rows["line"]]
    columns = {
        "episode_id": episode_id, "spell_id": spell_id, "episode_number": number,
        "patient_key": as_patients(rows["patient"]), "site_code": take(recipe.settings["sites"], rows["site"]),
        "admission_dt": as_times(recipe.start, rows["adm"]), "discharge_dt": as_times(recipe.start, rows["dis"]),
        "episode_start_dt": as_times(recipe.start, rows["start"]),
        "episode_end_dt": as_times(recipe.start, rows["end"]),
        "admission_method": as_codes(rows["method"]), "patient_classification": as_codes(rows["class"]),
        "discharge_method": as_codes(rows["dis_method"]), "discharge_destination": as_codes(rows["destination"]),
        "discharge_ready_date": as_times(recipe.start, rows["ready"], date_only=True),
        "tfc": as_codes(rows["tfc"]), "consultant_code": consultant, "hrg_fce": hrg, "hrg_spell": hrg,
        "primary_diag": as_codes(recipe.lines["diagnosis"].to_numpy(object)[rows["line"]]),
        "primary_proc": as_codes(np.where(rows["theatre"], proc, "")),
        "age": pa.array(rows["age"].to_numpy()), "sex": pa.array(rows["sex"].to_numpy()),
        "imd_decile": pa.array(rows["imd"].to_numpy()),
        "admin_category": as_codes(np.where(private, "02", "01")),
        "commissioner": as_codes(np.where(private, "VPP00", rows["commissioner"])),
    }  # fmt: skip
    return pa.table(columns)


def count_kept(rows: pd.DataFrame, planted: dict[str, int]) -> int:
    """Return the episodes left when cleaning has set aside those that it must."""
    excluded = (
        "duplicate_exact", "duplicate_differs", "duplicate_by_patient", "end_before_start",
        "discharge_before_admission", "outside_spell_far", "before_period",
    )  # fmt: skip
    return len(rows) - sum(planted.get(name, 0) for name in excluded)


def is_day_case(rows: pd.DataFrame) -> np.ndarray:
    return (rows["class"] == CLASS_BY_SETTING[DC]).to_numpy()
