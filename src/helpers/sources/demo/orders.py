"""Tests and drugs of a demonstration trust, for every kind of event."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.sources.demo.recipe import SETTINGS, Recipe
from helpers.sources.demo.spells import DC

SPELL, OUTPATIENT, EMERGENCY = 0, 1, 2
TESTS_ED = 1.7  # rows per attendance
DRUGS_ED = 0.35
MOST_TESTS = 120
DRUG_ROWS_DAY = 0.8
PLAIN_PRODUCTS = np.array(["ANALG", "ANTIB", "FLUIDS", "CARDIAC", "RESPIR", "OTHER"], dtype=object)


def make_tests(
    recipe: Recipe, spells: pd.DataFrame, outpatients: pd.DataFrame, emergency: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per request: ``source`` (spell, outpatient, emergency), ``event``, ``test``, ..."""
    random = recipe.random("tests")
    lines = recipe.lines
    base = lines["tests_spell"].to_numpy(float)[spells["line"]]
    daily = lines["tests_day"].to_numpy(float)[spells["line"]]
    mean = base * spells["resource"].to_numpy() + daily * spells["los"].to_numpy()  # stay is scaled
    n_spell = np.minimum(random.poisson(mean), MOST_TESTS)
    seen = outpatients["seen"].isin(["5", "6"]).to_numpy()
    n_op = random.poisson(lines["tests_op"].to_numpy(float)[outpatients["line"]]) * seen
    n_ed = random.poisson(TESTS_ED * np.array([3, 2, 1.3, 0.6, 0.2])[emergency["acuity"] - 1])
    return pd.concat(
        [
            _order(recipe, random, SPELL, n_spell, "share_spell", spells["line"], spells["patient"],
                   spells["adm"], spells["dis"]),
            _order(recipe, random, OUTPATIENT, n_op, "share_op", outpatients["line"], outpatients["patient"],
                   outpatients["at"], outpatients["at"] + 60),
            _order(recipe, random, EMERGENCY, n_ed, "share_ed",
                   pd.Series(_ed_line(recipe), index=emergency.index), emergency["patient"],
                   emergency["arrival"], emergency["departure"]),
        ],
        ignore_index=True,
    )  # fmt: skip


def _ed_line(recipe: Recipe) -> int:
    return recipe.line_number("ED") if "ED" in set(recipe.lines["line_id"]) else 0


def _order(
    recipe: Recipe, random: np.random.Generator, source: int, count: np.ndarray, share: str,
    line: pd.Series, patient: pd.Series, start: pd.Series, end: pd.Series,
) -> pd.DataFrame:  # fmt: skip
    event = np.repeat(np.arange(len(count)), count)
    n = len(event)
    shares = recipe.tests[share].to_numpy(float)
    first, last = start.to_numpy()[event], end.to_numpy()[event]
    return pd.DataFrame(
        {
            "source": source, "event": event, "line": line.to_numpy()[event],
            "patient": patient.to_numpy()[event],
            "at": first + ((last - first) * random.uniform(0.0, 0.97, n)).astype("int64"),
            "test": np.searchsorted(np.cumsum(shares / shares.sum())[:-1], random.random(n)),
            "count": 1 + (random.random(n) < 0.07),
        }
    )  # fmt: skip


def make_drugs(
    recipe: Recipe, spells: pd.DataFrame, outpatients: pd.DataFrame, emergency: pd.DataFrame
) -> pd.DataFrame:
    """Return one row per issue: ordinary drugs, then the high-cost ones of products.csv."""
    random = recipe.random("drugs")
    days = np.where(spells["setting"] == DC, 0.6, spells["los"] + 0.6)
    n_spell = np.minimum(random.poisson(DRUG_ROWS_DAY * days), 80)
    daily = recipe.lines["drug_day_gbp"].to_numpy(float) / DRUG_ROWS_DAY
    daily = daily[spells["line"]]
    seen = outpatients["seen"].isin(["5", "6"]).to_numpy()
    n_op = random.binomial(1, 0.08, len(outpatients)) * seen
    n_ed = random.poisson(DRUGS_ED, len(emergency))
    parts = [
        _issue(random, SPELL, n_spell, daily, spells["line"], spells["patient"], spells["adm"], spells["dis"]),
        _issue(random, OUTPATIENT, n_op, np.full(len(outpatients), 18.0), outpatients["line"],
               outpatients["patient"], outpatients["at"], outpatients["at"] + 30),
        _issue(random, EMERGENCY, n_ed, np.full(len(emergency), 7.0),
               pd.Series(_ed_line(recipe), index=emergency.index), emergency["patient"],
               emergency["arrival"], emergency["departure"]),
    ]  # fmt: skip
    for product in recipe.products.itertuples():
        if product.line_id in set(recipe.lines["line_id"]):
            parts.append(_issue_high_cost(recipe, random, product, spells, outpatients, seen))
    return pd.concat(parts, ignore_index=True)


def _issue(
    random: np.random.Generator, source: int, count: np.ndarray, mean: np.ndarray, line: pd.Series,
    patient: pd.Series, start: pd.Series, end: pd.Series,
) -> pd.DataFrame:  # fmt: skip
    event = np.repeat(np.arange(len(count)), count)
    n = len(event)
    first, last = start.to_numpy()[event], end.to_numpy()[event]
    return pd.DataFrame(
        {
            "source": source, "event": event, "line": line.to_numpy()[event],
            "patient": patient.to_numpy()[event],
            "at": first + ((last - first) * random.uniform(0.0, 0.97, n)).astype("int64"),
            "product": PLAIN_PRODUCTS[random.integers(0, len(PLAIN_PRODUCTS), n)],
            "pence": np.maximum(np.round(mean[event] * random.gamma(1.5, 1 / 1.5, n) * 100), 5).astype("int64"),
            "high": 0,
        }
    )  # fmt: skip


def _issue_high_cost(
    recipe: Recipe, random: np.random.Generator, product: tuple, spells: pd.DataFrame,
    outpatients: pd.DataFrame, seen: np.ndarray,
) -> pd.DataFrame:  # fmt: skip
    line = recipe.line_number(product.line_id)
    if product.setting == "OP":
        can, source = (outpatients["line"] == line).to_numpy() & seen, OUTPATIENT
        patient, start = outpatients["patient"], outpatients["at"]
    else:
        setting = SETTINGS.index(product.setting)
        can, source = ((spells["line"] == line) & (spells["setting"] == setting)).to_numpy(), SPELL
        patient, start = spells["patient"], spells["adm"]
    event = np.flatnonzero(can & (random.random(len(can)) < product.per_event))
    n = len(event)
    pounds = product.mean_gbp * np.round(random.lognormal(-0.02, 0.2, n), 2)
    return pd.DataFrame(
        {
            "source": source, "event": event, "line": line, "patient": patient.to_numpy()[event],
            "at": start.to_numpy()[event] + 15, "product": product.product,
            "pence": np.round(pounds * 100).astype("int64"), "high": 1,
        }
    )  # fmt: skip
