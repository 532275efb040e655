"""Admitted patients of a demonstration trust: spells, and the parts they fall into."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.sources.demo.recipe import DAY, DAYS_BEFORE, SETTINGS, Recipe

DC, EL, NEL, NES = range(4)
OPEN = np.iinfo("int64").min  # no discharge by the end of the year
MIX_SHAPE = 5.0  # the smaller, the more consultants' case-mix differs
STAY_SHAPE = 2.5  # negative binomial shape of stays
ACUTE_FIRST = 0.45  # emergencies of medical lines that begin on the acute medical unit
ACUTE_LINES = ("CARDIO", "RESP", "GERI", "NEURO", "GASTRO")
CHEMO_VISITS = 8  # day cases of one oncology patient
WAITING_PROP = 0.12  # emergency stays of 3 days or more that end with some waiting
VIA_ED_PROP = 0.72
DEATH_SLOPE = 0.25  # log odds for each 10 years of age
IN_HOSPITAL_PROP = 0.6  # of deaths within 30 days


def make_spells(recipe: Recipe, people: pd.DataFrame) -> pd.DataFrame:
    """Return one row per spell that touches the year, in order of admission.

    Times are minutes from the start of the year; ``dis`` may lie beyond its end.
    """
    parts = [
        _make_line(recipe, people, line)
        for line in recipe.lines.index
        if recipe.lines.at[line, "spells"]
    ]
    spells = pd.concat(parts, ignore_index=True)
    spells = spells[spells["dis"] >= 0].sort_values(["adm", "line", "cons"], kind="stable")
    spells = spells.reset_index(drop=True)
    return _add_patients(recipe, spells)


def _make_line(recipe: Recipe, people: pd.DataFrame, line: int) -> pd.DataFrame:
    row = recipe.lines.loc[line]
    random = recipe.random(f"spells {row['line_id']}")
    n = round(int(row["spells"]) * (365 + DAYS_BEFORE) / 365)
    own = people.index[people["line"] == line].to_numpy()
    share = people.loc[own, "share"].to_numpy()
    cons = own[np.searchsorted(np.cumsum(share / share.sum())[:-1], random.random(n), side="right")]
    hrg = _choose_hrgs(recipe, row, line, own, cons, random)
    setting = recipe.hrgs["setting_number"].to_numpy()[hrg]
    adm = _choose_admissions(recipe, setting, random)
    ward = _choose_wards(row, setting, random)
    waiting = _choose_waiting(recipe, ward, setting, random)
    stay, days = _choose_stays(recipe, people, hrg, cons, setting, adm, random)
    stay += waiting * DAY
    return pd.DataFrame(
        {
            "line": line, "cons": cons, "hrg": hrg, "setting": setting, "adm": adm,
            "dis": adm + stay, "los": days + waiting, "waiting": waiting, "ward": ward,
            "resource": people["resource"].to_numpy()[cons], "odds": people["odds"].to_numpy()[cons],
        }
    )  # fmt: skip


def _choose_hrgs(
    recipe: Recipe,
    row: pd.Series,
    line: int,
    own: np.ndarray,
    cons: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Choose an HRG and setting per spell; each consultant has a mix of their own."""
    mine = np.flatnonzero(recipe.hrgs["line"].to_numpy() == line)
    weights = recipe.hrgs["national_activity"].to_numpy(dtype=float)[mine] ** 0.6
    settings = recipe.hrgs["setting_number"].to_numpy()[mine]
    for number, name in enumerate(SETTINGS):
        at = settings == number
        if at.any():
            weights[at] *= float(row[f"share_{name.lower()}"]) / weights[at].sum()
    # The mix differs by HRG alone: day case or overnight, short or long, is the same everywhere.
    kind, _ = pd.factorize(recipe.hrgs["hrg"].to_numpy(object)[mine])
    taste = random.gamma(MIX_SHAPE, 1 / MIX_SHAPE, (len(own), kind.max() + 1))
    mixes = weights * taste[:, kind]
    limits = np.cumsum(mixes / mixes.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    drawn = random.random(len(cons))
    chosen = np.empty(len(cons), dtype="int64")
    for place, who in enumerate(own):
        at = cons == who
        chosen[at] = np.searchsorted(limits[place], drawn[at], side="right")
    return mine[chosen]


def _choose_admissions(
    recipe: Recipe, setting: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Choose a minute of admission: booked ones on weekday mornings, emergencies at any time."""
    n = len(setting)
    first = -DAYS_BEFORE
    day = random.integers(first, recipe.year_minutes // DAY, n)
    start_weekday = (recipe.start.astype("datetime64[D]").astype("int64") + 3) % 7  # Monday is 0
    weekday = (day + start_weekday) % 7
    booked = setting <= EL
    shift = np.where(weekday >= 5, weekday - 4 + random.integers(0, 5, n), 0)
    shift = np.where(random.random(n) < 0.06, 0, shift)  # a few weekend lists
    day = np.where(booked, np.maximum(day - shift, first), day)
    morning = 435 + random.integers(0, 300, n)
    any_time = (random.beta(2.6, 2.0, n) * DAY).astype("int64")
    return day * DAY + np.where(booked, morning, any_time)


def _choose_wards(row: pd.Series, setting: np.ndarray, random: np.random.Generator) -> np.ndarray:
    wards = np.array(row["wards"].split(";"), dtype=object)
    chosen = wards[random.integers(0, len(wards), len(setting))]
    return np.where(setting == DC, row["day_ward"], chosen)


def _choose_waiting(
    recipe: Recipe, ward: np.ndarray, setting: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Choose the days between being ready to leave and leaving."""
    n = len(ward)
    waiting = np.where(random.random(n) < WAITING_PROP, random.geometric(0.5, n), 0)
    plant = recipe.settings["plants"].get("waiting_ward")
    drawn = random.random(n), random.geometric(1 / (plant or {}).get("mean_days", 1), n)
    if plant:
        at = (ward == plant["ward"]) & (drawn[0] < plant["share"])
        waiting = np.where(at, drawn[1], waiting)
    return np.where(setting == NEL, waiting, 0)


def _choose_stays(
    recipe: Recipe,
    people: pd.DataFrame,
    hrg: np.ndarray,
    cons: np.ndarray,
    setting: np.ndarray,
    adm: np.ndarray,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return minutes in hospital and nights, before any waiting."""
    n = len(hrg)
    resource = people["resource"].to_numpy()[cons]
    mean = recipe.hrgs["mean_los_days"].to_numpy(dtype=float)[hrg] * resource
    rate = random.gamma(STAY_SHAPE, 1.0, n) / STAY_SHAPE
    above = np.where(setting == NEL, 2.0, np.where(setting == EL, 1.0, 0.0))
    above = np.where((setting == EL) & (mean < 1.0), 0.0, above)
    nights = above + random.poisson(np.maximum(mean - above, 0.05) * rate)
    short = (random.random(n) < mean).astype(float)
    nights = np.select([setting == DC, setting == NES], [0.0, short], nights)
    extra = people["extra_days"].to_numpy()[cons]
    nights = nights + np.where(setting == DC, 0, extra)
    hours_in_day = np.clip(random.gamma(9.0, 0.55, n) * resource, 1.5, 11.0)
    leave = 600 + (random.beta(2.2, 2.0, n) * 540).astype("int64")  # minute of the day of discharge
    overnight = (nights * DAY - adm % DAY + leave).astype("int64")
    same_day = np.minimum((hours_in_day * 60).astype("int64"), DAY - 1 - adm % DAY)
    minutes = np.where(nights == 0, np.maximum(same_day, 20), overnight)
    late = (nights == 0) & ((adm + minutes) // DAY != adm // DAY)
    minutes = np.where(late, DAY - 1 - adm % DAY, minutes)
    return np.maximum(minutes, 1), nights.astype("int64")


def _add_patients(recipe: Recipe, spells: pd.DataFrame) -> pd.DataFrame:
    """Add who the patient is, how they came and left, and who pays."""
    random = recipe.random("patients")
    lines = recipe.lines.loc[spells["line"]]
    n = len(spells)
    setting = spells["setting"].to_numpy()
    spells["patient"] = np.arange(n)
    _share_chemo_patients(spells, recipe)
    low = np.where(lines["line_id"] == "PAED", 0, np.where(lines["line_id"] == "MAT", 16, 17))
    high = np.where(lines["line_id"] == "PAED", 17, np.where(lines["line_id"] == "MAT", 49, 104))
    age = random.normal(lines["age_mean"].to_numpy(float), lines["age_sd"].to_numpy(float))
    spells["age"] = np.clip(np.abs(age), low, high).astype("int64")
    spells["sex"] = np.where(random.random(n) < lines["share_female"].to_numpy(float), 2, 1)
    spells["imd"] = np.minimum(random.integers(1, 11, n), random.integers(1, 13, n))
    spells["private"] = (random.random(n) < lines["private_share"].to_numpy(float)) & (
        setting <= EL
    )
    emergency = np.array(["21", "22", "24", "28", "2A"], dtype=object)[
        np.searchsorted([0.76, 0.88, 0.93, 0.96], random.random(n))
    ]
    booked = np.array(["11", "12", "13"], dtype=object)[
        np.searchsorted([0.7, 0.95], random.random(n))
    ]
    maternity = np.where(random.random(n) < 0.7, "31", "32")
    is_mat = (lines["line_id"] == "MAT").to_numpy()
    spells["method"] = np.where(is_mat, maternity, np.where(setting <= EL, booked, emergency))
    older = (spells["age"].to_numpy() - lines["age_mean"].to_numpy(float)) / 10
    death = lines["death"].to_numpy(float) * np.exp(DEATH_SLOPE * older) * spells["odds"].to_numpy()
    spells["p_died"] = np.where(setting >= NEL, np.minimum(death * IN_HOSPITAL_PROP, 0.5), 0.0)
    spells["died"] = random.random(n) < spells["p_died"]
    spells["dis"] -= np.where(spells["died"], spells["waiting"] * DAY, 0)
    spells["los"] -= np.where(spells["died"], spells["waiting"], 0)
    spells.loc[spells["died"], "waiting"] = 0
    spells["commissioner"] = np.array(["QKK", "QRV", "QWE", "Y58"], dtype=object)[
        np.searchsorted([0.62, 0.8, 0.9], random.random(n))
    ]
    ed_way = (setting >= NEL) & ~is_mat & (random.random(n) < VIA_ED_PROP)
    spells["via_ed"] = ed_way & (spells["method"] == "21")
    return spells


def _share_chemo_patients(spells: pd.DataFrame, recipe: Recipe) -> None:
    """Let one oncology patient have several day cases, on different days."""
    if "ONC" not in set(recipe.lines["line_id"]):
        return
    at = np.flatnonzero((spells["line"] == recipe.line_number("ONC")) & (spells["setting"] == DC))
    groups = max(1, len(at) // CHEMO_VISITS)
    spells.loc[at, "patient"] = spells["patient"].to_numpy()[at[np.arange(len(at)) % groups]]


def split_spells(recipe: Recipe, people: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """Return the parts of each spell: acute unit, ward, critical care, ward again.

    Columns: ``spell``, ``kind`` (0 acute, 1 main, 2 critical care, 3 main again), ``start``,
    ``end``, ``ward``, ``line``, ``cons``, ``is_new`` (a new episode begins).
    """
    random = recipe.random("parts")
    n = len(spells)
    adm, dis = spells["adm"].to_numpy(), spells["dis"].to_numpy()
    length = dis - adm
    acute_lines = [recipe.line_number(x) for x in ACUTE_LINES if x in set(recipe.lines["line_id"])]
    has_acute = "GENMED" in set(recipe.lines["line_id"])
    acute = (
        spells["line"].isin(acute_lines).to_numpy() & (spells["setting"].to_numpy() == NEL)
        & (random.random(n) < ACUTE_FIRST) & (length > 2 * DAY) & has_acute
    )  # fmt: skip
    critical = _choose_critical(recipe, spells, random) & (length > 3 * DAY)
    acute_end = adm + np.where(acute, random.integers(480, 1900, n), 0)
    care_start = acute_end + np.where(acute, 60, random.integers(180, 900, n))
    care_hours = np.clip(random.gamma(1.3, 55.0, n), 8, 500) * spells["resource"].to_numpy()
    care_end = np.minimum(care_start + (care_hours * 60).astype("int64"), dis - 600)
    critical &= care_end > care_start + 360
    has_crit = "CRIT" in set(recipe.lines["line_id"])
    care_episode = critical & (random.random(n) < 0.6) & has_crit
    acute_people = _pick(recipe, people, "GENMED", n, random)
    care_people = _pick(recipe, people, "CRIT", n, random)
    main_line, main_cons = spells["line"].to_numpy(), spells["cons"].to_numpy()
    genmed = recipe.line_number("GENMED") if has_acute else -1
    crit = recipe.line_number("CRIT") if has_crit else -1
    spell = np.arange(n)

    def part(at, kind, start, end, ward, line, cons, is_new):
        return pd.DataFrame(
            {"spell": spell[at], "kind": kind, "start": start[at], "end": end[at], "ward": ward[at],
             "line": line[at], "cons": cons[at], "is_new": is_new[at]}
        )  # fmt: skip

    whole = np.full(n, True)
    first_end = np.where(critical, care_start, dis)
    ward = spells["ward"].to_numpy()
    parts = pd.concat(
        [
            part(acute, 0, adm, acute_end, np.full(n, "AM1", dtype=object), np.full(n, genmed), acute_people, whole),
            part(whole, 1, acute_end, first_end, ward, main_line, main_cons, whole),
            part(critical, 2, care_start, care_end, ward, np.where(care_episode, crit, main_line),
                 np.where(care_episode, care_people, main_cons), care_episode),
            part(critical, 3, care_end, dis, ward, main_line, main_cons, care_episode),
        ],
        ignore_index=True,
    )  # fmt: skip
    return parts.sort_values(["spell", "kind"], kind="stable").reset_index(drop=True)


def _choose_critical(
    recipe: Recipe, spells: pd.DataFrame, random: np.random.Generator
) -> np.ndarray:
    lines = recipe.lines["line_id"].to_numpy()[spells["line"]]
    unlikely = np.isin(lines, ["MAT", "PAED", "OPHTH", "DERM", "PAIN", "RHEUM"])
    chance = np.select([spells["setting"] == EL, spells["setting"] == NEL], [0.09, 0.045], 0.0)
    return random.random(len(spells)) < np.where(unlikely, 0.002, chance)


def _pick(
    recipe: Recipe, people: pd.DataFrame, line_id: str, n: int, random: np.random.Generator
) -> np.ndarray:
    own = people.index[people["line_id"] == line_id].to_numpy()
    drawn = random.random(n)
    return own[(drawn * len(own)).astype("int64")] if len(own) else np.full(n, -1)


def list_episodes(parts: pd.DataFrame) -> pd.DataFrame:
    """Join parts under one consultant into episodes: ``spell``, ``number``, ``start``, ``end``, ..."""
    new = parts["is_new"].to_numpy() | (parts["spell"] != parts["spell"].shift()).to_numpy()
    number = np.cumsum(new) - 1
    firsts = np.flatnonzero(new)
    lasts = np.append(firsts[1:], len(parts)) - 1
    episodes = parts.iloc[firsts][["spell", "start", "line", "cons"]].reset_index(drop=True)
    episodes["end"] = parts["end"].to_numpy()[lasts]
    episodes["number"] = episodes.groupby("spell").cumcount() + 1
    parts["episode"] = number
    return episodes
