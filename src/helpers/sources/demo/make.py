"""Make a demonstration trust's files, whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml

from helpers.sources.demo import (
    admitted,
    contacts,
    faults,
    feeds,
    income,
    ledger,
    opening,
    orders,
    overheads,
    structure,
    truths,
    writing,
)
from helpers.sources.demo import outcomes as outcome_rates
from helpers.sources.demo import people as consultants
from helpers.sources.demo import spells as admissions
from helpers.sources.demo.costs import Costs, cost_departments
from helpers.sources.demo.files import as_pounds, write_csv
from helpers.sources.demo.recipe import Recipe, read_recipe

SLR = "slr"  # a trust with a ledger and line drivers, and no activity feeds
UNASSIGNED_PROP = 0.006  # contract income that no line earned
PRIVATE_MARKUP = 1.12
HIDDEN_LOSS_PROP = 0.06  # NHS loss that private work hides, of the line's cost
SETTINGS_WRITTEN = ("trust_code", "trust_name", "fy", "mff", "overhead_method", "seed")


def write_demo(trust: str, folder: Path, *, size: float = 1.0, year: str = "") -> Path:
    """Write every file of a demonstration trust into ``folder``, and its planted truths beside it.

    Parameters
    ----------
    trust
        XYZ, XY1, ... XY5.
    folder
        Where the files belong, for example ``data/raw/XYZ/2024-25``; replaced when all is written.
    size
        Factor on activity and money.
    year
        Financial year, as ``2023-24``; that of the recipe if blank. Only that one has its truths written.

    Returns
    -------
    Path
        ``folder``.
    """
    recipe = read_recipe(trust.upper(), size=size, year=year)
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        found = _write_all(recipe, draft)
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if recipe.years_on:
        return folder
    text = json.dumps(found, indent=2, sort_keys=True) + "\n"
    (folder.parent / "planted_truths.json").write_text(text, encoding="utf-8")
    return folder


def _write_all(recipe: Recipe, folder: Path) -> dict[str, Any]:
    people = consultants.make_consultants(recipe)
    spells = admissions.make_spells(recipe, people)
    activity = _make_activity(recipe, people, spells)
    costs = cost_departments(recipe, activity)
    money = _make_money(recipe, spells, activity, costs)
    if recipe.settings.get("mode") == SLR:
        counts, planted = {}, {}
        write_csv(opening.list_line_drivers(recipe, costs), folder / "line_drivers.csv")
    else:
        counts, planted = _write_activity(recipe, people, spells, activity, folder)
        _write_patient_level(recipe, people, costs, activity, folder)
    _write_money(recipe, money, counts, folder)
    _write_structure(recipe, folder)
    return truths.list_truths(recipe, people, spells, money, planted)


def _make_activity(
    recipe: Recipe, people: pd.DataFrame, spells: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    parts = admissions.split_spells(recipe, people, spells)
    episodes = admissions.list_episodes(parts)
    outpatients = contacts.make_outpatients(recipe, people, spells)
    newest = int(max(outpatients["patient"].max(), len(spells))) + 1
    emergency = contacts.make_emergency(recipe, people, spells, newest)
    theatre = feeds.make_theatre(recipe, spells, parts)
    return {
        "parts": parts, "apc_episodes": episodes, "op_attendances": outpatients,
        "ed_attendances": emergency, "ward_stays": feeds.make_ward_stays(recipe, parts),
        "theatre_cases": theatre, "critical_care": feeds.make_critical_care(recipe, parts),
        "implants": feeds.make_implants(recipe, spells, theatre),
        "therapy_contacts": feeds.make_therapies(recipe, spells),
        "tests": orders.make_tests(recipe, spells, outpatients, emergency),
        "drug_issues": orders.make_drugs(recipe, spells, outpatients, emergency),
    }  # fmt: skip


def _make_money(
    recipe: Recipe, spells: pd.DataFrame, activity: dict[str, pd.DataFrame], costs: Costs
) -> dict[str, Any]:
    """Work out drivers, lines' costs, prices, income and the ledger."""
    lines = recipe.lines
    n = len(lines)
    contact = np.bincount(spells["line"], minlength=n) + np.bincount(
        activity["op_attendances"]["line"], minlength=n
    )
    if "ED" in set(lines["line_id"]):
        contact[recipe.line_number("ED")] += len(activity["ed_attendances"])
    use = overheads.measure_use(recipe, costs, contact.astype(float))
    drivers = overheads.list_drivers(recipe, use)
    line_costs = overheads.estimate_line_costs(recipe, costs, drivers, direct=False)
    other_costs = overheads.estimate_line_costs(recipe, costs, drivers, direct=True)
    private = _price_private(recipe, spells, line_costs)
    margin = lines["target_margin"].to_numpy(float) + float(recipe.settings["price_tilt"])
    wanted = line_costs / (1 - margin)
    depends = recipe.settings["plants"].get("rule_dependent_line")
    if depends:
        at = recipe.line_number(depends)
        wanted[at] = (line_costs[at] + other_costs[at]) / 2
    earned_by = income.count_activity(
        recipe, spells,
        *(activity[x] for x in ("apc_episodes", "op_attendances", "ed_attendances", "critical_care")),
    )  # fmt: skip
    passed = income.pass_through(recipe, activity, wanted - private)
    prices = income.price(recipe, earned_by, wanted - private - passed)
    earned = income.earn(recipe, earned_by, prices)
    centres = ledger.list_cost_centres(recipe, costs)
    posted = _list_income(recipe, costs, earned + passed, private)
    book = ledger.post_ledger(recipe, costs, centres, posted)
    book = ledger.add_balance_sheet(recipe, book)
    clinical = posted.loc[posted["expense_code"].str.startswith("41"), "pence"].sum()
    return {
        "drivers": drivers, "prices": prices, "ledger": book, "centres": centres, "costs": costs,
        "line_costs": line_costs, "line_costs_direct": other_costs,
        "line_income": earned + passed + private,
        "private": private, "clinical_pence": int(clinical), "cases": income.count_cases(recipe, spells, activity["apc_episodes"], earned_by),
    }  # fmt: skip


def _price_private(recipe: Recipe, spells: pd.DataFrame, line_costs: np.ndarray) -> np.ndarray:
    """Return private income by line, pounds: cost with a margin, more where it must hide a loss."""
    n = len(recipe.lines)
    reference = recipe.hrgs["national_unit_cost"].to_numpy(float)[spells["hrg"]]
    done = (spells["dis"] < recipe.year_minutes).to_numpy()
    private = (
        np.bincount(spells["line"], reference * spells["private"] * done, minlength=n)
        * PRIVATE_MARKUP
    )
    line_id = recipe.settings["plants"].get("private_line")
    if line_id:
        at = recipe.line_number(line_id)
        private[at] += HIDDEN_LOSS_PROP * line_costs[at]
    return private


def _list_income(
    recipe: Recipe, costs: Costs, earned: np.ndarray, private: np.ndarray
) -> pd.DataFrame:
    """Return income to post: cost centre, expense code, pence of the year."""
    rows = []
    for place in recipe.lines.index:
        centre = f"9{place:02d}00"
        rows += [
            (centre, "41010", earned[place] * 0.72), (centre, "41020", earned[place] * 0.28),
            (centre, "42010", private[place] * 0.97), (centre, "42020", private[place] * 0.03),
        ]  # fmt: skip
    total = pd.Series(costs.matrix.sum(axis=1) / 100, index=costs.departments["department_id"])
    teams = "MED_" + recipe.lines["line_id"]
    taught = total.reindex(teams).fillna(0).to_numpy() @ consultants.find_teaching_share(recipe)
    rows += [
        ("99900", "41010", earned.sum() * UNASSIGNED_PROP), ("99910", "43010", total["ET"] * 1.3 + taught),
        ("99920", "44010", total["RD"] * 1.2), ("99930", "45010", total["COMMERCIAL"] * 1.4),
        ("99930", "45020", total["COMMERCIAL"] * 0.5),
    ]  # fmt: skip
    posted = pd.DataFrame(rows, columns=["cost_centre", "expense_code", "pounds"])
    posted["pence"] = np.round(posted.pop("pounds") * 100).astype("int64")
    return posted[posted["pence"] != 0].reset_index(drop=True)


def _write_activity(
    recipe: Recipe,
    people: pd.DataFrame,
    spells: pd.DataFrame,
    activity: dict[str, pd.DataFrame],
    folder: Path,
) -> tuple[dict[str, int], dict[str, int]]:
    """Write the activity files; return activity after cleaning, and what was planted."""
    free = faults.FreeSpells(recipe, people, spells)
    rows = admitted.frame_episodes(recipe, spells, activity["apc_episodes"])
    rows, planted, corrections = faults.plant_faults(recipe, rows, free)
    counts = {"apc_episodes": faults.count_kept(rows, planted)}
    _write(recipe, folder, "corrections", corrections)
    _write(recipe, folder, "apc_episodes", admitted.write_episodes(recipe, people, rows))
    table, found, counts["op_attended"] = writing.write_outpatients(
        recipe, people, activity["op_attendances"]
    )
    _write(recipe, folder, "op_attendances", table)
    planted |= found
    table, found, counts["ed_attendances"] = writing.write_emergency(
        recipe, people, activity["ed_attendances"]
    )
    _write(recipe, folder, "ed_attendances", table)
    planted |= found
    for name, made in (
        ("ward_stays", writing.write_ward_stays(recipe, activity["ward_stays"], free)),
        ("tests", writing.write_tests(recipe, activity["tests"])),
        ("drug_issues", writing.write_drugs(recipe, activity["drug_issues"])),
    ):
        _write(recipe, folder, name, made[0])
        planted |= made[1] if recipe.has(name) else {}
    _write(
        recipe,
        folder,
        "theatre_cases",
        writing.write_theatre(recipe, people, activity["theatre_cases"]),
    )
    _write(
        recipe,
        folder,
        "critical_care",
        writing.write_critical_care(recipe, activity["critical_care"]),
    )
    _write(recipe, folder, "implants", writing.write_implants(recipe, activity["implants"]))
    _write(
        recipe,
        folder,
        "therapy_contacts",
        writing.write_therapies(recipe, spells, activity["therapy_contacts"]),
    )
    rates = outcome_rates.make_outcomes(recipe, people, spells)
    _write(recipe, folder, "outcomes", writing.write_outcomes(recipe, rates))
    return counts, planted


def _write_patient_level(
    recipe: Recipe,
    people: pd.DataFrame,
    costs: Costs,
    activity: dict[str, pd.DataFrame],
    folder: Path,
) -> None:
    """Write what only patient-level costing needs."""
    year = int(recipe.settings["fy"][:4])
    tables = {
        "service_line_map": structure.list_line_map(recipe, people),
        "consultants": consultants.list_consultants(recipe, people),
        "job_plans": consultants.list_job_plans(recipe, people),
        "trainees": consultants.list_trainees(people),
        "cost_pools": ledger.list_pools(recipe, costs, activity),
        "relative_weights": structure.list_weights(recipe),
        "outlier_review": structure.list_reviews(people, year),
        "wip_opening": opening.list_opening(
            recipe, costs, activity["parts"], activity["apc_episodes"]
        ),
    }
    for name, table in tables.items():
        _write(recipe, folder, name, table)


def _write_money(
    recipe: Recipe, money: dict[str, Any], counts: dict[str, int], folder: Path
) -> None:
    book = money["ledger"]
    written = pd.DataFrame(
        {
            "fy": recipe.settings["fy"], "month": book["month"], "cost_centre": book["cost_centre"],
            "expense_code": book["expense_code"],
            "amount": as_pounds(book["pence"]).to_pylist(), "wte_actual": book["wte"],
        }
    )  # fmt: skip
    tables = {
        "general_ledger": written, "cost_centre_map": money["centres"],
        "expense_map": ledger.list_expenses(recipe), "departments": ledger.list_departments(money["costs"]),
        "overhead_drivers": money["drivers"], "prices": money["prices"],
        "benchmarks": income.list_benchmarks(recipe),
        "contract_income": structure.list_contract(recipe, money["clinical_pence"]),
        "plan": structure.list_plan(
            recipe, money["line_costs"], money["line_income"], money["cases"]
        ),
        "control_totals": structure.list_controls(recipe, book, counts),
    }  # fmt: skip
    for name, table in tables.items():
        _write(recipe, folder, name, table)


def _write_structure(recipe: Recipe, folder: Path) -> None:
    _write(recipe, folder, "service_lines", structure.list_lines(recipe))
    _write(recipe, folder, "decision_rights", structure.list_rights(recipe))
    settings = {name: recipe.settings[name] for name in SETTINGS_WRITTEN}
    settings |= {
        "currency": "GBP", "step_order": "auto", "non_patient_care": "separate", "income_basis": "price",
        "los_quantile": "linear", "trim_floor_days": 5, "min_spells_consultant": 20,
        "behaviour_horizon": "12m", "retention_rule": "R0", "required_surplus": 0, "audience": "analyst",
    }  # fmt: skip
    text = yaml.safe_dump(settings, sort_keys=True, allow_unicode=True)
    (folder / "trust.yml").write_text(text, encoding="utf-8", newline="\n")


def _write(recipe: Recipe, folder: Path, name: str, table: pd.DataFrame | pa.Table) -> None:
    """Write a file, unless the recipe says that the trust does not have it."""
    if recipe.has(name):
        write_csv(table, folder / f"{name}.csv")
