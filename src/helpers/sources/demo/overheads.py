"""Overhead drivers of a demonstration trust, and what its lines come to cost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.contracts.terms import ELEMENTS
from helpers.sources.demo.costs import Costs
from helpers.sources.demo.people import find_teaching_share
from helpers.sources.demo.recipe import Recipe

POUNDS_PER_WTE = 48_000
PAY = [place for place, element in enumerate(ELEMENTS) if element.startswith("PAY_")]


def measure_use(recipe: Recipe, costs: Costs, contacts: np.ndarray) -> pd.DataFrame:
    """Return use of each driver by final department (rows as ``costs.departments`` without services).

    ``contacts`` is the number of patient contacts by line.
    """
    finals = costs.departments[costs.departments["kind"].isin(["clinical", "non_patient_care"])]
    millions = costs.matrix[finals.index].sum(axis=1) / 1e8
    classes = recipe.classes.loc[finals["class"]]
    wte = costs.matrix[finals.index][:, PAY].sum(axis=1) / 100 / POUNDS_PER_WTE
    floor = millions * classes["m2_per_million"].to_numpy(float)
    seen = costs.line_shares[finals.index] @ contacts
    notes = seen * classes["notes_share"].to_numpy(float)
    nonpay = millions - costs.matrix[finals.index][:, PAY].sum(axis=1) / 1e8
    use = pd.DataFrame(
        {
            "floor_m2": floor,
            "floor_m2_weighted": floor * (1 + classes["cleaning_per_m2"].to_numpy(float) / 3),
            "devices": wte * classes["devices_per_wte"].to_numpy(float),
            "wte": wte, "headcount": wte * 1.17 + 1,
            "invoices": 40 + nonpay * 620, "gross_cost": millions * 1e6,
            "cleaning_hours": floor * classes["cleaning_per_m2"].to_numpy(float) * 52,
            "case_notes": notes, "contacts": seen * (classes["notes_share"].to_numpy(float) > 0),
        },
        index=finals["department_id"],
    )  # fmt: skip
    return use.clip(lower=0).round(1)


def list_drivers(recipe: Recipe, use: pd.DataFrame) -> pd.DataFrame:
    """Return overhead_drivers.csv: base and alt1, services that use each other among them."""
    parts = []
    for set_name, column in (("base", "driver"), ("alt1", "alt_driver")):
        for service in recipe.services.itertuples():
            driver = getattr(service, column)
            finals = use[driver]
            between = recipe.service_use[recipe.service_use["service_id"] == service.service_id]
            scale = finals.sum() / (1 - between["share"].sum())
            consumers = [*between["consumer"], *finals.index]
            quantity = [*(between["share"] * scale).round(1), *finals]
            parts.append(
                pd.DataFrame(
                    {
                        "service_department": service.service_id, "consumer_department": consumers,
                        "driver": driver, "quantity": quantity, "driver_set": set_name,
                    }
                )
            )  # fmt: skip
    whole = pd.concat(parts, ignore_index=True)
    return whole[whole["quantity"] > 0].reset_index(drop=True)


def resolve_shares(
    drivers: pd.DataFrame, services: list[str], finals: list[str], *, direct: bool
) -> np.ndarray:
    """Return finals x services: where each service's own cost ends, directly or reciprocally."""
    use = drivers.pivot_table(
        index="consumer_department", columns="service_department", values="quantity", aggfunc="sum"
    )
    use = use.reindex(index=[*services, *finals], columns=services).fillna(0.0).to_numpy()
    n = len(services)
    if direct:
        return use[n:] / use[n:].sum(axis=0)
    shares = use / use.sum(axis=0)
    return shares[n:] @ np.linalg.inv(np.eye(n) - shares[:n])


def estimate_line_costs(
    recipe: Recipe, costs: Costs, drivers: pd.DataFrame, *, direct: bool
) -> np.ndarray:
    """Return each line's full cost in pounds: own and shared departments, and overheads.

    The part of a medical team's time that is teaching is no line's.
    """
    departments = costs.departments
    services = list(recipe.services["service_id"])
    finals = departments[departments["kind"].isin(["clinical", "non_patient_care"])]
    base = drivers[drivers["driver_set"] == "base"]
    shares = resolve_shares(base, services, list(finals["department_id"]), direct=direct)
    totals = costs.matrix.sum(axis=1) / 100
    overhead = shares @ totals[departments.index[departments["kind"] == "service"]]
    absorbed = totals[finals.index] + overhead
    taught = find_teaching_share(recipe) * (finals["feed"] == "medical").to_numpy(float)[:, None]
    return absorbed @ (costs.line_shares[finals.index] * (1 - taught))
