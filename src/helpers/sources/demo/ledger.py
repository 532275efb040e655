"""The ledger of a demonstration trust and the maps that read it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.contracts.terms import ELEMENTS
from helpers.sources.demo.costs import LAB_PRODUCTS, Costs
from helpers.sources.demo.recipe import Recipe

MONTHS = 12
MONTH_NOISE = 0.035
QUALITY_SHARED, QUALITY_AVERAGED = 0.75, 0.25
SMALLEST_CODE_PENCE = 60_000  # a department's element below this stays on one expense code


def list_cost_centres(recipe: Recipe, costs: Costs) -> pd.DataFrame:
    """Return cost_centre_map.csv: departments' own cost centres, then one for each line's income."""
    departments = costs.departments
    rows = departments.loc[departments.index.repeat(departments["cost_centres"].astype(int))]
    number = rows.groupby(level=0).cumcount() + 1
    owner = rows["owner_line_id"].where(rows["kind"] == "clinical", "")
    own = pd.DataFrame(
        {
            "cost_centre": [f"{20 + place // 10}{place % 10}{n:02d}" for place, n in zip(rows.index, number, strict=True)],
            "cost_centre_name": rows["name"].to_numpy() + " " + number.astype(str).to_numpy(),
            "department_id": rows["department_id"].to_numpy(),
            "owner_line_id": owner.to_numpy(),
        }
    )  # fmt: skip
    lines = recipe.lines
    teams = "MED_" + lines["line_id"]
    known = set(departments["department_id"])
    # A line without a team of its own posts its income to critical care, or where a small trust has none, to the
    # first clinical department.
    clinical = departments.loc[departments["kind"] == "clinical", "department_id"]
    other = "CRITCARE" if "CRITCARE" in known else clinical.iloc[0]
    income = pd.DataFrame(
        {
            "cost_centre": [f"9{place:02d}00" for place in lines.index],
            "cost_centre_name": (lines["line_name"] + " income").to_numpy(),
            "department_id": [team if team in known else other for team in teams],
            "owner_line_id": lines["line_id"].to_numpy(),
        }
    )
    central = pd.DataFrame(
        {
            "cost_centre": ["99900", "99910", "99920", "99930"],
            "cost_centre_name": ["Contract income not assigned", "Education income", "Research income", "Other income"],
            "department_id": ["FINANCE", "ET", "RD", "COMMERCIAL"], "owner_line_id": "",
        }
    )  # fmt: skip
    whole = pd.concat([own, income, central], ignore_index=True)
    sites = recipe.settings["sites"]
    whole["site_code"] = [sites[index % len(sites)] for index in range(len(whole))]
    return whole


def post_ledger(
    recipe: Recipe, costs: Costs, centres: pd.DataFrame, income: pd.DataFrame
) -> pd.DataFrame:
    """Return general_ledger.csv with whole pence (``pence``) and staff in post (``wte``).

    ``income`` has one row per cost centre and expense code, ``pence`` of the year (positive).
    """
    random = recipe.random("ledger")
    parts = []
    by_department = centres[centres["cost_centre"].str.startswith(("2", "3", "4", "5", "6", "7"))]
    owned = by_department.groupby("department_id", sort=False)["cost_centre"].agg(list)
    for place, department in enumerate(costs.departments["department_id"]):
        mine = owned[department]
        spread = random.dirichlet(np.full(len(mine), 12.0))
        for number, element in enumerate(ELEMENTS):
            pence = int(costs.matrix[place, number])
            if pence:
                parts.append(_post(recipe, random, pence, mine, spread, element))
    for row in income.itertuples():
        months = _spread(row.pence, 1 + random.normal(0, 0.01, MONTHS))
        parts.append(
            pd.DataFrame(
                {
                    "month": np.arange(1, 13), "cost_centre": row.cost_centre,
                    "expense_code": row.expense_code, "pence": -months, "wte": np.nan,
                }
            )
        )  # fmt: skip
    whole = pd.concat(parts, ignore_index=True)
    whole = whole[whole["pence"] != 0]
    order = ["month", "cost_centre", "expense_code"]
    return whole.sort_values(order, kind="stable").reset_index(drop=True)


def _post(
    recipe: Recipe,
    random: np.random.Generator,
    pence: int,
    mine: list[str],
    spread: np.ndarray,
    element: str,
) -> pd.DataFrame:
    """Post a department's element over its cost centres, expense codes and months."""
    codes = recipe.expenses[recipe.expenses["element"] == element]
    if abs(pence) < SMALLEST_CODE_PENCE:
        codes, mine, spread = codes.head(1), mine[:1], np.ones(1)
    weight = (
        spread[:, None]
        * codes["weight"].to_numpy(float)[None, :]
        * random.lognormal(0, 0.2, (len(mine), len(codes)))
    )
    months = 1 + random.normal(0, MONTH_NOISE, (len(mine), len(codes), MONTHS))
    amounts = _spread(pence, (weight[:, :, None] * np.maximum(months, 0.5)).ravel())
    rate = np.tile(np.repeat(codes["pounds_per_wte"].to_numpy(float), MONTHS), len(mine))
    return pd.DataFrame(
        {
            "month": np.tile(np.arange(1, MONTHS + 1), len(mine) * len(codes)),
            "cost_centre": np.repeat(np.array(mine, dtype=object), len(codes) * MONTHS),
            "expense_code": np.tile(np.repeat(codes["expense_code"].to_numpy(object), MONTHS), len(mine)),
            "pence": amounts,
            "wte": np.round(amounts / 100 / (rate / MONTHS), 2),
        }
    )  # fmt: skip


def _spread(pence: int, weights: np.ndarray) -> np.ndarray:
    """Share whole pence by rounding the running total, so that the parts add up."""
    running = np.round(np.cumsum(weights) / weights.sum() * pence).astype("int64")
    running[-1] = pence
    return np.diff(running, prepend=0)


def add_balance_sheet(recipe: Recipe, ledger: pd.DataFrame) -> pd.DataFrame:
    """Add postings that are neither income nor cost; they cancel over the year."""
    amounts = np.tile([1_250_000_00, -1_250_000_00], 6)
    rows = pd.DataFrame(
        {
            "month": np.arange(1, 13), "cost_centre": "99900", "expense_code": "91010",
            "pence": amounts, "wte": np.nan,
        }
    )  # fmt: skip
    return pd.concat([ledger, rows], ignore_index=True)


def list_expenses(recipe: Recipe) -> pd.DataFrame:
    """Return expense_map.csv."""
    return recipe.expenses.drop(columns=["weight", "pounds_per_wte", "source"])


def list_departments(costs: Costs) -> pd.DataFrame:
    """Return departments.csv; services are ranked in the order of their cost."""
    table = costs.departments[["department_id", "name", "kind", "owner_line_id"]].copy()
    total = pd.Series(costs.matrix.sum(axis=1), index=table.index)
    services = table["kind"] == "service"
    rank = total[services].rank(ascending=False, method="first").astype(int)
    table["step_rank"] = rank.reindex(table.index).astype("Int64")
    return table


def list_pools(recipe: Recipe, costs: Costs, activity: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return cost_pools.csv: one pool a clinical department, more where items are traced."""
    devices = sorted(set(activity["implants"]["product"].astype(str)))
    rows = []
    for row in costs.departments[costs.departments["kind"] == "clinical"].itertuples():
        keys = _feed_filter(recipe, row, activity)
        feed, quality = row.feed, row.quality_score
        if feed in ("theatre", "recovery") and not recipe.has("theatre_cases"):
            feed, quality, keys = "ward", QUALITY_AVERAGED, row.wards_without_theatre_data
        share = float(costs.implant_shares.get(row.department_id, 0.0)) * recipe.has("implants")
        if row.department_id == "PHARMACY":
            parts = _split_pharmacy(costs.high_cost_share)
        elif share > 0:
            lab = row.department_id == "CATHLAB"
            products = ";".join(device for device in devices if (device in LAB_PRODUCTS) == lab)
            parts = [
                ("STAFF", _all_but("CLIN_SUPPLIES"), 1.0, feed, quality, keys),
                ("SUPPLIES", "CLIN_SUPPLIES", round(1 - share, 4), feed, QUALITY_SHARED, keys),
                ("DEVICES", "CLIN_SUPPLIES", share, "implants", 1.0, products),
            ]
        else:
            parts = [("ALL", "*", 1.0, feed, quality, keys)]
        rows += [(f"{row.department_id}_{part[0]}", row.department_id, *part[1:]) for part in parts]
    columns = [
        "pool_id",
        "department_id",
        "element_filter",
        "share",
        "feed",
        "quality_score",
        "feed_filter",
    ]
    pools = pd.DataFrame(rows, columns=columns)
    pools.insert(5, "weight_rule", pools["feed"] + "_weight")
    pools.insert(6, "fallback_feed", np.where(pools["feed"] == "drugs", "ward", ""))
    return pools


def _split_pharmacy(high: float) -> list[tuple]:
    """Return pharmacy's pools; ``high`` is the share of its drugs that are traced to patients."""
    parts = [
        ("STAFF", _all_but("DRUGS"), 1.0, "drugs", 0.5, ""),
        ("ORDINARY", "DRUGS", round(1 - high, 4), "drugs", QUALITY_SHARED, ""),
    ]
    return [*parts, ("HIGH", "DRUGS", high, "high_cost_drugs", 1.0, "")] if high > 0 else parts


def _all_but(element: str) -> str:
    return ";".join(one for one in ELEMENTS if one != element)


def _feed_filter(recipe: Recipe, row: tuple, activity: dict[str, pd.DataFrame]) -> str:
    """Return the keys of a pool's feed, written out: TH01;TH02 for TH*, all the clinics not owned for *."""
    text = str(row.feed_filter)
    if row.feed in ("theatre", "recovery"):
        rooms = sorted(set(activity["theatre_cases"]["room"].astype(str)))
        return ";".join(room for room in rooms if room.startswith(text.rstrip("*")))
    if text == "*" and row.feed == "clinic":
        owned = set(recipe.departments.loc[recipe.departments["feed"] == "clinic", "feed_filter"])
        tfcs = recipe.lines.loc[recipe.lines["op"] > 0, "tfc"]
        return ";".join(tfc for tfc in tfcs if tfc not in owned)
    return text
