"""The file of episodes of a demonstration trust."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from helpers.sources.demo.files import BLANK, as_codes, as_ids, as_patients, as_times, take
from helpers.sources.demo.recipe import DAY, Recipe
from helpers.sources.demo.spells import NEL

CLASS_BY_SETTING = ("2", "1", "1", "1")  # DC, EL, NEL, NES


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
            "id": -1, "bad_cons": "",
        }
    )  # fmt: skip


def write_episodes(recipe: Recipe, people: pd.DataFrame, rows: pd.DataFrame) -> pa.Table:
    """Return apc_episodes.csv as text."""
    spell = np.where(rows["spell"] >= 0, rows["spell"], rows["id"])
    own = np.where(rows["id"] >= 0, rows["id"], spell)
    spell_id = as_ids(f"{recipe.trust}-", spell)
    number = as_codes(rows["number"].astype(str))
    episode_id = pa.compute.binary_join_element_wise(as_ids(f"{recipe.trust}-", own), number, "-")
    hrg = as_codes(rows["hrg"])
    codes = take(people["code"], rows["cons"].to_numpy())
    consultant = pa.compute.if_else(
        pa.array(rows["cons"].to_numpy() < 0), as_codes(rows["bad_cons"]), codes
    )
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
