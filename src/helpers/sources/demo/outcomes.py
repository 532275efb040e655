"""Outcomes of a demonstration trust's spells."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.sources.demo.recipe import Recipe
from helpers.sources.demo.spells import DC, NEL

MEASURES = ("readmit_30d", "death_30d", "complication")
DAY_CASE_PROP = 0.35  # of the line's base rate
HIGHEST = 0.6


def make_outcomes(recipe: Recipe, people: pd.DataFrame, spells: pd.DataFrame) -> pd.DataFrame:
    """Return one row per completed spell and measure: ``spell``, ``measure``, ``value``, ``expected``."""
    random = recipe.random("outcomes")
    lines = recipe.lines
    excluded = [recipe.line_number(x) for x in ("ONC",) if x in set(lines["line_id"])]
    done = (spells["dis"] < recipe.year_minutes) & ~spells["line"].isin(excluded)
    spell = np.flatnonzero(done.to_numpy())
    own = spells.iloc[spell]
    older = (own["age"].to_numpy() - lines["age_mean"].to_numpy(float)[own["line"]]) / 10
    setting = own["setting"].to_numpy()
    scale = np.select([setting == DC, setting == NEL], [DAY_CASE_PROP, 1.15], 0.85)
    odds = people["odds"].to_numpy()[own["cons"]]
    died = own["died"].to_numpy()
    parts = []
    for measure, column, slope in (
        ("readmit_30d", "readmit", 0.04), ("death_30d", "death", 0.25), ("complication", "complication", 0.06),
    ):  # fmt: skip
        base = lines[column].to_numpy(float)[own["line"]] * scale * np.exp(slope * older)
        base = np.clip(base, 0.0005, HIGHEST)
        chance = odds * base / (1 - base + odds * base)
        if measure == "death_30d":  # those who died in hospital are already known
            known = own["p_died"].to_numpy()
            chance = np.where(died, 1.0, np.clip((chance - known) / (1 - known), 0.0, 1.0))
        value = random.random(len(own)) < chance
        counts = ~died if measure == "readmit_30d" else np.full(len(own), True)
        parts.append(
            pd.DataFrame(
                {
                    "spell": spell,
                    "measure": measure,
                    "value": value.astype(int),
                    "expected": base.round(4),
                }
            )[counts]
        )
    return pd.concat(parts, ignore_index=True)
