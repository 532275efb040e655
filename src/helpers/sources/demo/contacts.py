"""Outpatient and emergency attendances of a demonstration trust."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.sources.demo.recipe import DAY, Recipe

LINKED_PROP = 0.35  # outpatient appointments of patients who also had a spell
SEEN = np.array(["5", "6", "7", "2", "3", "4"], dtype=object)
SEEN_PROP = [0.83, 0.05, 0.005, 0.035, 0.065]
ED_HRGS = ["VB01Z", "VB02Z", "VB03Z", "VB04Z", "VB05Z", "VB06Z", "VB07Z", "VB08Z", "VB09Z", "VB11Z"]
ACUITY_PROP = [0.02, 0.16, 0.42, 0.32]  # the rest are acuity 5
ED_MINUTES = [330, 290, 230, 150, 110]


def make_outpatients(recipe: Recipe, people: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """Return one row per appointment, in order of time; ``at`` is minutes from the year's start."""
    first_new = len(spells)
    parts = []
    for line in recipe.lines.index:
        if not recipe.lines.at[line, "op"]:
            continue
        part = _make_line(recipe, people, spells, line, first_new)
        first_new = int(part["patient"].max()) + 1 if len(part) else first_new
        parts.append(part)
    whole = pd.concat(parts, ignore_index=True)
    clash = whole.duplicated(["patient", "line", "at"])
    whole.loc[clash, "patient"] = first_new + np.arange(int(clash.sum()))
    return whole.sort_values(["at", "line", "patient"], kind="stable").reset_index(drop=True)


def _make_line(
    recipe: Recipe, people: pd.DataFrame, spells: pd.DataFrame, line: int, first_new: int
) -> pd.DataFrame:
    row = recipe.lines.loc[line]
    random = recipe.random(f"outpatients {row['line_id']}")
    n = int(row["op"])
    own = people.index[people["line"] == line].to_numpy()
    cons = own[(random.random(n) * len(own)).astype("int64")]
    patient, day = _choose_patients(recipe, spells, line, n, first_new, random)
    at = day * DAY + 540 + 10 * random.integers(0, 46, n)
    is_first = random.random(n) < float(row["op_first_share"])
    remote = random.random(n) < 0.18
    procedure = (random.random(n) < float(row["op_proc_share"])) & ~remote
    procedures = recipe.other_hrgs.query("setting == 'OPPROC'")
    codes = procedures.loc[procedures["line_id"] == row["line_id"], "hrg"].to_numpy(object)
    procedure &= len(codes) > 0
    plain = np.select(
        [is_first & remote, is_first, remote], ["WF01D", "WF01B", "WF01C"], default="WF01A"
    ).astype(object)
    joint = (random.random(n) < 0.05) & ~remote
    plain = np.where(joint, np.where(is_first, "WF02B", "WF02A"), plain)
    drawn = random.integers(0, max(len(codes), 1), n)
    hrg = np.where(procedure, codes[drawn] if len(codes) else "", plain)
    minutes = 5 * np.round(
        row["op_minutes"] * np.where(is_first, 1.5, 1.0) * np.where(remote, 0.8, 1) / 5
    )
    minutes = np.maximum(minutes + np.where(procedure, 10, 0), 10).astype("int64")
    return pd.DataFrame(
        {
            "line": line, "cons": cons, "patient": patient, "at": at,
            "first": np.select([is_first & remote, remote, is_first], [3, 4, 1], 2),
            "seen": SEEN[np.searchsorted(np.cumsum(SEEN_PROP), random.random(n))],
            "minutes": minutes,
            "actual": np.maximum(3, (minutes * random.lognormal(-0.03, 0.25, n)).astype("int64")),
            "hrg": hrg, "procedure": procedure,
            "private": random.random(n) < float(row["private_share"]) * 0.6,
        }
    )  # fmt: skip


def _choose_patients(
    recipe: Recipe,
    spells: pd.DataFrame,
    line: int,
    n: int,
    first_new: int,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose patients and days: some follow or precede a spell of the same line."""
    days = recipe.year_minutes // DAY
    day = random.integers(0, days, n)
    start_weekday = (recipe.start.astype("datetime64[D]").astype("int64") + 3) % 7
    patient = first_new + random.integers(0, max(n // 3, 1), n)
    known = np.flatnonzero(spells["line"].to_numpy() == line)
    if len(known):
        chosen = known[(random.random(n) * len(known)).astype("int64")]
        linked = random.random(n) < LINKED_PROP
        before = random.random(n) < 0.5
        away = random.integers(1, 75, n)
        adm = spells["adm"].to_numpy()[chosen] // DAY
        dis = spells["dis"].to_numpy()[chosen] // DAY
        near = np.where(before, adm - away, dis + away)
        linked &= (near >= 0) & (near < days - 3)
        patient = np.where(linked, spells["patient"].to_numpy()[chosen], patient)
        day = np.where(linked, near, day)
    weekday = (day + start_weekday) % 7
    day = np.where(weekday >= 5, np.where(day < days - 3, day + 7 - weekday, day - 3), day)
    return patient, day


def make_emergency(
    recipe: Recipe, people: pd.DataFrame, spells: pd.DataFrame, first_new: int
) -> pd.DataFrame:
    """Return one row per emergency attendance; those admitted lead to their spell."""
    random = recipe.random("emergency")
    n = round(recipe.settings["ed_attendances"] * recipe.size)
    admitted = np.flatnonzero(spells["via_ed"].to_numpy() & (spells["adm"].to_numpy() >= DAY))
    walk_in = max(n - len(admitted), 0)
    admitted = admitted[: n - walk_in]
    n = len(admitted) + walk_in
    spell = np.concatenate([admitted, np.full(walk_in, -1)])
    drawn = random.random(n)
    acuity = 1 + np.searchsorted(np.cumsum(ACUITY_PROP), drawn)
    acuity = np.where(spell >= 0, np.maximum(acuity - 1, 1), acuity)
    minutes = np.array(ED_MINUTES)[acuity - 1] * random.lognormal(-0.15, 0.55, n)
    minutes = np.clip(minutes * np.where(spell >= 0, 1.35, 0.95), 12, 1400).astype("int64")
    any_time = random.integers(0, recipe.year_minutes // DAY, n) * DAY
    any_time += (random.beta(2.4, 1.9, n) * DAY).astype("int64")
    adm = spells["adm"].to_numpy()[np.maximum(spell, 0)]
    arrival = np.where(spell >= 0, adm - minutes, any_time)
    patient = np.where(
        spell >= 0, spells["patient"].to_numpy()[np.maximum(spell, 0)],
        first_new + random.integers(0, max(int(walk_in / 1.4), 1), n),
    )  # fmt: skip
    own = people.index[people["line_id"] == "ED"].to_numpy()
    order = np.clip(acuity - 1 + random.integers(-1, 3, n), 0, 4) * 2 + random.integers(0, 2, n)
    frame = pd.DataFrame(
        {
            "spell": spell, "patient": patient, "arrival": arrival, "departure": arrival + minutes,
            "acuity": acuity, "hrg": np.array(ED_HRGS, dtype=object)[order],
            "cons": own[(random.random(n) * len(own)).astype("int64")],
            "type": np.where((acuity >= 4) & (random.random(n) < 0.45), "03", "01"),
        }
    )  # fmt: skip
    frame.loc[frame["spell"] >= 0, "type"] = "01"
    return frame.sort_values(["arrival", "patient"], kind="stable").reset_index(drop=True)
