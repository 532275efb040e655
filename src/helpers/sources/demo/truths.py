"""What was planted in a demonstration trust, so that tests can ask whether the report finds it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from helpers.sources.demo.recipe import Recipe
from helpers.sources.demo.spells import DC, NEL

FINDINGS = {
    "dear_no_better": "flagged as high cost, outcomes no better; counts in the saving",
    "dear_better": "flagged as high cost, outcomes better; not in the saving",
    "two_days_longer": "stays longer than peers by about two days a spell, and dear because of it",
    "low_volume": "too few spells to be judged; must not be flagged",
}


def list_truths(
    recipe: Recipe,
    people: pd.DataFrame,
    spells: pd.DataFrame,
    money: dict[str, Any],
    defects: dict[str, int],
) -> dict[str, Any]:
    """Return the planted truths: consultants, lines, wards and counts of faults."""
    return {
        "trust": recipe.trust,
        "size": recipe.size,
        "financial_year": recipe.settings["fy"],
        "defects": defects,
        "consultants": _list_consultants(recipe, people, spells),
        "lines": _list_lines(recipe, money),
        "wards": _list_wards(recipe, spells),
        "must_not_be_flagged": sorted(people.loc[people["plant"].isin(["", "low_volume"]), "code"]),
    }


def _list_consultants(
    recipe: Recipe, people: pd.DataFrame, spells: pd.DataFrame
) -> list[dict[str, Any]]:
    done = spells[(spells["adm"] >= 0) & (spells["dis"] < recipe.year_minutes)]
    cases = np.bincount(done["cons"], minlength=len(people))
    ordinary = np.bincount(done.loc[done["setting"] != DC, "cons"], minlength=len(people))
    peers = people.groupby("line")["code"].transform("size")
    return [
        {
            "kind": row.plant, "line_id": row.line_id, "consultant_code": row.code,
            "pseudonym": row.pseudonym, "resource_ratio": round(float(row.resource), 4),
            "extra_days": float(row.extra_days), "outcome_odds": round(float(row.odds), 4),
            "n_spells": int(cases[row.Index]), "n_ordinary_spells": int(ordinary[row.Index]),
            "n_consultants_in_line": int(peers[row.Index]), "expected_finding": FINDINGS[row.plant],
        }
        for row in people[people["plant"] != ""].itertuples()
    ]  # fmt: skip


def _list_lines(recipe: Recipe, money: dict[str, Any]) -> list[dict[str, Any]]:
    plants = recipe.settings["plants"]
    found = []
    for kind, key, finding in (
        ("carried", "carried_line", "a loss under every overhead method"),
        (
            "rule_dependent",
            "rule_dependent_line",
            "a surplus under one overhead method, a loss under another",
        ),
        ("private_hides_loss", "private_line", "a surplus in all, a loss on NHS patients"),
    ):
        if plants.get(key):
            at = recipe.line_number(plants[key])
            found.append(
                {
                    "kind": kind, "line_id": plants[key], "expected_finding": finding,
                    "intended_income_gbp": round(float(money["line_income"][at])),
                    "intended_cost_reciprocal_gbp": round(float(money["line_costs"][at])),
                    "intended_cost_direct_gbp": round(float(money["line_costs_direct"][at])),
                    "intended_private_income_gbp": round(float(money["private"][at])),
                }
            )  # fmt: skip
    return found


def _list_wards(recipe: Recipe, spells: pd.DataFrame) -> list[dict[str, Any]]:
    plant = recipe.settings["plants"].get("waiting_ward")
    if not plant:
        return []
    done = (spells["adm"] >= 0) & (spells["dis"] < recipe.year_minutes)
    mine = spells[done & (spells["ward"] == plant["ward"]) & (spells["setting"] == NEL)]
    return [
        {
            "kind": "waiting_ward", "ward_id": plant["ward"], "n_spells": len(mine),
            "n_waiting": int((mine["waiting"] > 0).sum()), "waiting_days": int(mine["waiting"].sum()),
            "expected_finding": "long stays, of which most of the excess is after the patient was ready to leave",
        }
    ]  # fmt: skip
