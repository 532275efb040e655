"""Faults planted in the episodes of a demonstration trust, counted, so that cleaning can be tested."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.sources.demo.files import BLANK
from helpers.sources.demo.recipe import DAY, Recipe

BAD_CONSULTANTS = ("", "X12", "C12345", "UNKNOWN")
UNMAPPED_TFCS = ("105", "173", "214", "656")
UNGROUPED, BAD_METHOD, WRONG_COMMISSIONER = "UZ01Z", "15", "QXX"
IMPOSSIBLE_AGES = (131, -1)
LATER_ID = 9_000_000  # ids of rows that are planted whole start here
# Faults for which cleaning sets the row aside.
EXCLUDING = (
    "duplicate_exact", "duplicate_differs", "duplicate_by_patient", "end_before_start",
    "discharge_before_admission", "outside_spell_far", "before_period",
)  # fmt: skip


class FreeSpells:
    """Spells not yet used for a fault; those of planted consultants and private ones never are."""

    def __init__(self, recipe: Recipe, people: pd.DataFrame, spells: pd.DataFrame) -> None:
        plain = (people["plant"] == "").to_numpy()[spells["cons"]] & ~spells["private"].to_numpy()
        self._rank = recipe.random("faults").permutation(len(spells))
        self._free = plain.copy()

    def choose(self, spell: np.ndarray, can: np.ndarray, count: int) -> np.ndarray:
        """Return up to ``count`` places in ``spell`` that can have the fault, and mark them used."""
        at = np.flatnonzero(can & self._free[spell])
        at = at[np.argsort(self._rank[spell[at]], kind="stable")]
        _, first = np.unique(spell[at], return_index=True)
        at = np.sort(at[np.sort(first)[:count]])
        self._free[spell[at]] = False
        return at


class Planter:
    """Rows of episodes with faults being planted; no spell has two."""

    def __init__(self, recipe: Recipe, rows: pd.DataFrame, free: FreeSpells) -> None:
        self.rows = rows
        self.extra: list[pd.DataFrame] = []
        self.planted: dict[str, int] = {}
        self._recipe, self._free = recipe, free
        done = ((rows["dis"] != BLANK) & (rows["start"] >= 0)).to_numpy()
        self.done = done
        self.single = done & ~rows["spell"].duplicated(keep=False).to_numpy()
        self.minutes = np.where(done, rows["end"] - rows["start"], 0)
        self.ends_early = np.where(done, rows["dis"], 0) < recipe.year_minutes - 10 * DAY

    def choose(self, name: str, can: np.ndarray) -> np.ndarray:
        """Choose the rows that get one fault, as many as the recipe says."""
        wanted = self._recipe.settings["defects"].get(name, 0)
        count = self._recipe.counted(wanted) if wanted else 0
        at = self._free.choose(self.rows["spell"].to_numpy(), can, count)
        self.planted[name] = len(at)
        return at

    def set(self, at: np.ndarray, column: str, values: np.ndarray | tuple | str) -> None:
        """Put values in a column; a tuple is used in turn."""
        if isinstance(values, tuple):
            values = np.resize(np.array(values, dtype=self.rows[column].dtype), len(at))
        self.rows.loc[at, column] = values


def plant_faults(
    recipe: Recipe, rows: pd.DataFrame, free: FreeSpells
) -> tuple[pd.DataFrame, dict[str, int], pd.DataFrame]:
    """Return the rows with faults, how many of each, and the corrections the trust has agreed."""
    planter = Planter(recipe, rows, free)
    _plant_duplicates(planter)
    _plant_dates(planter)
    _plant_codes(planter)
    at = planter.choose("wrong_commissioner", planter.single)
    right = rows["commissioner"].to_numpy(object)[at]
    planter.set(at, "commissioner", WRONG_COMMISSIONER)
    corrections = _list_corrections(recipe, rows.iloc[at], right)
    planter.extra.append(
        _copy_to_year_before(rows.iloc[planter.choose("before_period", planter.single)])
    )
    whole = pd.concat([rows, *planter.extra], ignore_index=True)
    # The first part of a long stay may have ended before the year: set aside by the same rule.
    early = (whole["end"] != BLANK) & (whole["end"] < 0) & (whole["end"] >= whole["start"])
    planter.planted["before_period"] = int(early.sum())
    return whole, planter.planted, corrections


def count_kept(rows: pd.DataFrame, planted: dict[str, int]) -> int:
    """Return the episodes left when cleaning has set aside those that it must."""
    return len(rows) - sum(planted.get(name, 0) for name in EXCLUDING)


def _plant_duplicates(planter: Planter) -> None:
    """Copy rows: whole; with an earlier end; under another id."""
    rows = planter.rows
    planter.extra.append(rows.iloc[planter.choose("duplicate_exact", planter.single)])
    differs = rows.iloc[
        planter.choose("duplicate_differs", planter.single & (planter.minutes > DAY))
    ].copy()
    differs["end"] -= 60
    differs["imd"] = 1 + differs["imd"] % 10
    planter.extra.append(differs)
    again = rows.iloc[planter.choose("duplicate_by_patient", planter.single)].copy()
    again["id"] = LATER_ID + np.arange(len(again))
    planter.extra.append(again)


def _plant_dates(planter: Planter) -> None:
    """Plant impossible and overlapping times, and day cases that stayed."""
    rows, single = planter.rows, planter.single
    at = planter.choose("end_before_start", single)
    planter.set(at, "end", rows["start"].to_numpy()[at] - 45)
    at = planter.choose("discharge_before_admission", single)
    planter.set(at, "dis", rows["adm"].to_numpy()[at] - DAY)
    rows.loc[at, "ready"] = BLANK
    at = planter.choose("outside_spell_clipped", single & planter.ends_early)
    rows.loc[at, "end"] += 300
    at = planter.choose("outside_spell_far", single & planter.ends_early)
    rows.loc[at, "end"] += 3 * DAY
    at = planter.choose("overlapping", planter.done & _can_overlap(rows))
    rows.loc[at, "end"] += 120
    booked = (rows["class"] == "1") & rows["method"].isin(["11", "12"])
    short = (planter.minutes > DAY) & (planter.minutes < 4 * DAY)
    planter.set(
        planter.choose("day_case_with_stay", single & booked.to_numpy() & short), "class", "2"
    )


def _plant_codes(planter: Planter) -> None:
    """Plant impossible ages and codes that are malformed, unknown or ungroupable."""
    planter.set(planter.choose("age_impossible", planter.single), "age", IMPOSSIBLE_AGES)
    at = planter.choose("consultant_malformed", planter.single)
    planter.set(at, "bad_cons", np.resize(np.array(BAD_CONSULTANTS, dtype=object), len(at)))
    planter.rows.loc[at, "cons"] = -1
    at = planter.choose("tfc_unmapped", planter.single)
    planter.set(at, "tfc", np.resize(np.array(UNMAPPED_TFCS, dtype=object), len(at)))
    planter.set(planter.choose("hrg_ungroupable", planter.single), "hrg", UNGROUPED)
    planter.set(planter.choose("method_invalid", planter.single), "method", BAD_METHOD)


def _can_overlap(rows: pd.DataFrame) -> np.ndarray:
    """Tell which episodes are followed, in the same spell, by one of over four hours."""
    same = (rows["spell"].shift(-1) == rows["spell"]).to_numpy()
    following = rows["start"].shift(-1).fillna(0).to_numpy()
    until = rows["end"].shift(-1).fillna(BLANK).to_numpy()
    return same & (until - following > 240) & (rows["end"].to_numpy() == following)


def _copy_to_year_before(rows: pd.DataFrame) -> pd.DataFrame:
    """Copy spells to the year before, under new ids and patients."""
    rows = rows.copy()
    for column in ("adm", "dis", "start", "end"):
        rows[column] -= 400 * DAY
    rows["ready"] = BLANK
    rows["id"] = LATER_ID + 500_000 + np.arange(len(rows))
    rows["spell"] = -1
    rows["patient"] = LATER_ID + np.arange(len(rows))
    return rows


def _list_corrections(recipe: Recipe, rows: pd.DataFrame, right: np.ndarray) -> pd.DataFrame:
    """Return corrections.csv: the commissioner that the trust has agreed."""
    keys = [
        f"{recipe.trust}-{s:07d}-{n}" for s, n in zip(rows["spell"], rows["number"], strict=True)
    ]
    return pd.DataFrame(
        {
            "file": "apc_episodes", "key": keys, "column": "commissioner", "old": WRONG_COMMISSIONER,
            "new": right, "reason": "Commissioner agreed after the year's end", "raised_by": "Contracts team",
            "date": f"{int(recipe.settings['fy'][:4]) + 1}-05-06",
        }
    )  # fmt: skip
