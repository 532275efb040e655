"""Consultants of a demonstration trust: who they are, how they practise, what is planted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.sources.demo.recipe import Recipe

VOLUME_SD = 0.35  # spread of log volume between consultants
NATURAL_LIMIT = 0.08  # of log cost
SURGICAL_SHARE = 0.05  # of a line's spells that are elective; above it, its doctors operate
TRAINEES_A_CONSULTANT, RESEARCH_A_CONSULTANT = 1.2, 0.15
CODE_STEP = 7919  # makes codes that do not run in order of line


def make_consultants(recipe: Recipe) -> pd.DataFrame:
    """Return one row per consultant.

    Columns: ``code``, ``pseudonym``, ``line``, ``line_id``, ``tfc``, ``share`` (of the line's
    spells), ``resource`` (factor on stay, theatre, tests and drugs), ``extra_days``, ``odds`` (of a
    bad outcome), ``plant``.
    """
    random = recipe.random("consultants")
    rows = recipe.lines.loc[recipe.lines.index.repeat(recipe.lines["consultants"])]
    people = pd.DataFrame(
        {
            "line": rows.index.to_numpy(),
            "line_id": rows["line_id"].to_numpy(),
            "tfc": rows["tfc"].to_numpy(),
        }
    )
    n = len(people)
    first = recipe.settings["seed"] * CODE_STEP  # trusts do not share consultants
    number = (np.arange(n) * CODE_STEP + first) % 8_999_999 + 1_000_000
    people["code"] = [f"C{value}" for value in number]
    people["pseudonym"] = [f"Cons-{value:02d}" for value in random.permutation(n) + 1]
    people["volume"] = np.exp(np.clip(random.normal(0, VOLUME_SD, n), -0.8, 0.8))
    natural = random.normal(0, recipe.settings["natural_sd"], n)
    people["resource"] = np.exp(np.clip(natural, -NATURAL_LIMIT, NATURAL_LIMIT))
    people["extra_days"] = 0.0
    people["odds"] = np.exp(random.normal(0, 0.08, n))
    people["plant"] = ""
    return _plant(recipe, people)


def _plant(recipe: Recipe, people: pd.DataFrame) -> pd.DataFrame:
    """Give the planted consultants, each the first of the line, their volume and practice."""
    people["share"] = people["volume"] / people.groupby("line")["volume"].transform("sum")
    for kind in ("dear_no_better", "dear_better", "two_days_longer"):
        plant = recipe.settings["plants"].get(kind)
        if not plant:
            continue
        who = people.index[people["line_id"] == plant["line"]][0]
        people.loc[who, ["plant", "share"]] = [kind, plant["share"]]
        people.loc[who, "resource"] = plant.get("resource", 1.0)
        people.loc[who, "extra_days"] = float(plant.get("extra_days", 0))
        people.loc[who, "odds"] = float(plant.get("odds", 1.0))
    for line_id, n_spells in (recipe.settings["plants"].get("low_volume") or {}).items():
        who = people.index[people["line_id"] == line_id][-1]
        spells = int(recipe.lines.loc[people.at[who, "line"], "spells"])
        people.loc[who, ["plant", "share"]] = [
            "low_volume",
            n_spells * recipe.size / max(spells, 1),
        ]
    fixed = people["plant"] != ""
    taken = people["share"].where(fixed, 0.0).groupby(people["line"]).transform("sum")
    free = people["volume"].where(~fixed, 0.0)
    total = free.groupby(people["line"]).transform("sum")
    people["share"] = people["share"].where(fixed, (1 - taken) * free / total)
    return people.drop(columns="volume")


def list_consultants(recipe: Recipe, people: pd.DataFrame) -> pd.DataFrame:
    """Return the file consultants.csv."""
    lead = ~people.duplicated("line") & (people["plant"] == "")
    second = people.groupby("line").cumcount() == 1
    lead |= second & (people["plant"].groupby(people["line"]).transform("first") != "")
    first_year = int(recipe.settings["fy"][:4])
    started = [f"{first_year - 1 - index % 14}-08-01" for index in range(len(people))]
    return pd.DataFrame(
        {
            "consultant_code": people["code"],
            "pseudonym": people["pseudonym"],
            "main_tfc": people["tfc"],
            "line_id": people["line_id"],
            "start_date": started,
            "end_date": "",
            "is_line_lead": np.where(lead, "1", "0"),
            "lead_from": np.where(lead, f"{first_year - 1}-04-01", ""),
            "lead_to": "",
        }
    )


def plan_week(surgical: np.ndarray, emergency: np.ndarray) -> dict[str, np.ndarray]:
    """Return programmed activities a week by kind of work, for surgical, emergency and other doctors."""
    return {
        "ward": np.where(surgical, 1.5, 3.5),
        "theatre": np.where(surgical, 2.5, 0.0),
        "clinic": np.where(emergency, 0.0, 2.5),
        "ed": np.where(emergency, 6.0, 0.0),
        "admin_clinical": np.full(len(surgical), 1.0),
        "spa": np.full(len(surgical), 1.5),
        "teaching": np.full(len(surgical), 0.5),
    }


def find_teaching_share(recipe: Recipe) -> np.ndarray:
    """Return the part of each line's doctors' time that is teaching (0-1); 0 without job plans."""
    if not recipe.has("job_plans") or recipe.settings.get("mode") == "slr":
        return np.zeros(len(recipe.lines))
    surgical = recipe.lines["share_el"].to_numpy() > SURGICAL_SHARE
    plan = plan_week(surgical, (recipe.lines["line_id"] == "ED").to_numpy())
    return plan["teaching"] / sum(plan.values())


def list_trainees(people: pd.DataFrame) -> pd.DataFrame:
    """Return the file trainees.csv: trainees and research staff by line."""
    doctors = people.groupby("line_id").size()
    return pd.DataFrame(
        {
            "line_id": doctors.index,
            "trainee_wte": [f"{n * TRAINEES_A_CONSULTANT:.1f}" for n in doctors],
            "research_wte": [f"{max(n - 4, 0) * RESEARCH_A_CONSULTANT:.1f}" for n in doctors],
        }
    )


def list_job_plans(recipe: Recipe, people: pd.DataFrame) -> pd.DataFrame:
    """Return the file job_plans.csv: programmed activities a week by kind of work."""
    surgical = recipe.lines["share_el"].to_numpy()[people["line"]] > SURGICAL_SHARE
    plan = plan_week(surgical, (people["line_id"] == "ED").to_numpy())
    parts = [
        pd.DataFrame({"consultant_code": people["code"], "activity": activity, "pas": pas})
        for activity, pas in plan.items()
    ]
    whole = pd.concat(parts, ignore_index=True)
    whole = whole[whole["pas"] > 0]
    whole["from"], whole["to"] = f"{recipe.settings['fy'][:4]}-04-01", ""
    whole = whole.sort_values(["consultant_code", "activity"], kind="stable")
    return whole[["consultant_code", "from", "to", "activity", "pas"]]
