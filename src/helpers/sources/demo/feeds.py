"""Where patients were and what was done: wards, theatres, critical care, therapies, implants."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.sources.demo.recipe import DAY, Recipe
from helpers.sources.demo.spells import DC, EL, NEL

THEATRES = np.array([f"TH{number:02d}" for number in range(1, 11)], dtype=object)
ENDOSCOPY = np.array(["EN01", "EN02", "EN03"], dtype=object)
CATHETER = np.array(["CL01", "CL02"], dtype=object)
PROFESSIONS = np.array(["PHYSIO", "OT", "SALT", "DIETETICS"], dtype=object)


def make_ward_stays(recipe: Recipe, parts: pd.DataFrame) -> pd.DataFrame:
    """Return one row per stay on a ward; time in critical care is not ward time."""
    random = recipe.random("wards")
    stays = parts.loc[parts["kind"] != 2, ["spell", "start", "end", "ward", "line", "episode"]]
    stays = stays.reset_index(drop=True)
    levels = np.array([0.8, 1.0, 1.0, 1.0, 1.2, 1.5])
    stays["acuity"] = levels[random.integers(0, len(levels), len(stays))]
    return stays


def make_theatre(recipe: Recipe, spells: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
    """Return one row per operation, in the first part of the spell under the line's consultant."""
    random = recipe.random("theatre")
    planned = recipe.hrgs["theatre_minutes"].to_numpy(float)[spells["hrg"]]
    spell = np.flatnonzero((planned > 0) & (spells["adm"].to_numpy() > -20 * DAY))
    n = len(spell)
    own = spells.iloc[spell]
    minutes = planned[spell] * own["resource"].to_numpy() * random.lognormal(-0.02, 0.2, n)
    minutes = np.maximum(minutes, 5).astype("int64")
    main = parts[parts["kind"] == 1].set_index("spell").loc[spell]
    length = (main["end"] - main["start"]).to_numpy()
    wait = np.where(
        own["setting"] <= EL, random.integers(40, 150, n), random.integers(120, 2200, n)
    )
    into = main["start"].to_numpy() + np.minimum(wait, np.maximum(length - minutes - 20, 1))
    code = recipe.hrgs["hrg"].to_numpy(object)[own["hrg"]].astype(str)
    room = THEATRES[(own["line"].to_numpy() + random.integers(0, 3, n)) % len(THEATRES)]
    root = np.array([value[:2] for value in code])
    room = np.where(root == "FE", ENDOSCOPY[random.integers(0, 3, n)], room)
    room = np.where(root == "EY", CATHETER[random.integers(0, 2, n)], room)
    in_theatre = np.char.startswith(room.astype(str), "TH")
    return pd.DataFrame(
        {
            "spell": spell, "room": room, "line": own["line"].to_numpy(), "cons": own["cons"].to_numpy(),
            "emergency": (own["setting"] >= NEL).to_numpy(), "into": into, "out": into + minutes,
            "setup": np.where(in_theatre, 15, 5),
            "recovery": np.where(in_theatre, (20 + minutes * 0.35).astype("int64"), 15),
            "team": np.where(root == "JC", 0.6, np.where(minutes > 120, 1.2, 1.0)),
        }
    )  # fmt: skip


def make_critical_care(recipe: Recipe, parts: pd.DataFrame) -> pd.DataFrame:
    """Return one row per period of critical care."""
    random = recipe.random("critical care")
    care = parts.loc[parts["kind"] == 2, ["spell", "start", "end", "line"]].reset_index(drop=True)
    care["organs"] = np.searchsorted([0.08, 0.5, 0.76, 0.92, 0.98], random.random(len(care)))
    care["unit"] = np.where(random.random(len(care)) < 0.6, "ICU1", "HDU1")
    return care


def make_implants(recipe: Recipe, spells: pd.DataFrame, theatre: pd.DataFrame) -> pd.DataFrame:
    """Return one row per implant used, at the time of the operation."""
    random = recipe.random("implants")
    mean = recipe.hrgs["implant_cost"].to_numpy(float)[spells["hrg"].to_numpy()[theatre["spell"]]]
    used = theatre[mean > 0]
    n = len(used)
    own = spells.iloc[used["spell"]]
    pounds = mean[mean > 0] * own["resource"].to_numpy() * random.lognormal(-0.01, 0.15, n)
    return pd.DataFrame(
        {
            "spell": used["spell"].to_numpy(), "line": used["line"].to_numpy(), "at": used["into"].to_numpy() + 10,
            "product": recipe.hrgs["implant"].to_numpy(object)[own["hrg"]],
            "pence": np.round(pounds * 100).astype("int64"),
        }
    )  # fmt: skip


def make_therapies(recipe: Recipe, spells: pd.DataFrame) -> pd.DataFrame:
    """Return one row per contact of a therapist with an admitted patient."""
    random = recipe.random("therapies")
    per_day = recipe.lines["therapy_day"].to_numpy(float)[spells["line"]]
    days = np.where(spells["setting"] == DC, 0.2, spells["los"] + 0.3)
    count = np.minimum(random.poisson(per_day * days * 0.55), 60)
    spell = np.repeat(np.arange(len(spells)), count)
    n = len(spell)
    start, end = spells["adm"].to_numpy()[spell], spells["dis"].to_numpy()[spell]
    return pd.DataFrame(
        {
            "spell": spell, "line": spells["line"].to_numpy()[spell],
            "at": start + ((end - start) * random.uniform(0.02, 0.98, n)).astype("int64"),
            "minutes": 5 * random.integers(3, 11, n),
            "profession": PROFESSIONS[np.searchsorted([0.6, 0.85, 0.93], random.random(n))],
            "grade": np.array(["5", "6", "7"], dtype=object)[random.integers(0, 3, n)],
        }
    )  # fmt: skip
