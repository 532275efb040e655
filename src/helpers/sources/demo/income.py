"""Prices, income, contract and plan of a demonstration trust."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.contracts.terms import CRITICAL_CARE
from helpers.sources.demo.costs import in_year
from helpers.sources.demo.recipe import DAY, Recipe
from helpers.sources.demo.spells import DC, EL, NEL

PER_DIEM_PROP = 0.35  # of the unit price, for each trim point's worth of days
MULTIPLIER_LIMITS = (0.55, 1.9)
PASS_THROUGH_PROP = 0.006  # of income; the contract's share for drugs and devices
ATTEND_PRICE_PROP = 1.02  # price of shared outpatient HRGs, against their reference cost


def spell_pods(spells: pd.DataFrame, is_maternity: np.ndarray) -> np.ndarray:
    """Return each spell's point of delivery as the trust's prices know it."""
    setting, los = spells["setting"].to_numpy(), spells["los"].to_numpy()
    emergency = np.where(los <= 1, "NES", "NEL")
    pods = np.select([setting == DC, setting == EL, is_maternity], ["DC", "EL", "NELNE"], emergency)
    return pods.astype(object)


def list_reference_prices(recipe: Recipe) -> pd.DataFrame:
    """Return hrg, pod, line_id, reference (pounds), los, trim_point, n: one row per HRG and POD."""
    own = recipe.hrgs.copy()
    own["pod"] = np.where(
        (own["line_id"] == "MAT") & (own["setting_number"] >= NEL), "NELNE", own["setting"]
    )
    weight = own["national_activity"].astype(float)
    own["cost"] = own["national_unit_cost"].astype(float) * weight
    own["days"] = own["mean_los_days"].astype(float) * weight
    own["n"] = weight
    table = own.groupby(["hrg", "pod"], sort=True).agg(
        line_id=("line_id", "first"), n_lines=("line_id", "nunique"), cost=("cost", "sum"),
        days=("days", "sum"), n=("n", "sum"), trim_point=("trim_point", "first"),
    )  # fmt: skip
    table = table.reset_index()
    table["reference"] = (table["cost"] / table["n"]).round(2)
    table["los"] = (table["days"] / table["n"]).round(1)
    other = recipe.other_hrgs.copy()
    other["pod"] = other["setting"]
    other = other.assign(
        reference=other["national_unit_cost"].astype(float), n=other["national_activity"], los=np.nan,
        trim_point=np.nan, n_lines=np.where(other["line_id"] == "", 9, 1),
    )  # fmt: skip
    columns = ["hrg", "pod", "line_id", "n_lines", "reference", "los", "trim_point", "n"]
    return pd.concat([_fill_pods(table[columns]), other[columns]], ignore_index=True)


def _fill_pods(table: pd.DataFrame) -> pd.DataFrame:
    """Give every HRG a price at both emergency lengths, and as elective where it can be a day case."""
    parts = [table]
    for missing, like, factor in (
        ("NES", "NEL", 0.25), ("NEL", "NES", 3.0), ("EL", "DC", 1.4), ("DC", "EL", 0.75), ("EL", "NEL", 0.9),
    ):  # fmt: skip
        have = pd.concat(parts)
        source = have[
            (have["pod"] == like) & ~have["hrg"].isin(have.loc[have["pod"] == missing, "hrg"])
        ]
        reference = (source["reference"] * factor).round(2)
        parts.append(source.assign(pod=missing, reference=reference, n=np.nan, los=np.nan))
    whole = pd.concat(parts, ignore_index=True)
    return whole.sort_values(["hrg", "pod"], kind="stable").reset_index(drop=True)


def count_activity(
    recipe: Recipe,
    spells: pd.DataFrame,
    episodes: pd.DataFrame,
    outpatients: pd.DataFrame,
    emergency: pd.DataFrame,
    critical: pd.DataFrame,
) -> pd.DataFrame:
    """Return NHS activity that earns income: hrg, pod, line, n, excess_days (past the trim point).

    Critical care counts days, the first and the last of a period among them.

    A spell counts for the lines of its episodes in proportion to their days.
    """
    parts = _split_by_days(episodes)
    own = spells.iloc[parts["spell"]]
    at = ((own["dis"] < recipe.year_minutes) & ~own["private"]).to_numpy()
    parts, done = parts[at], own[at]
    is_mat = recipe.lines["line_id"].to_numpy()[done["line"]] == "MAT"
    trim = recipe.hrgs["trim_point"].to_numpy(float)[done["hrg"]]
    excess = np.nan_to_num(np.maximum(done["los"].to_numpy() - trim, 0.0))
    admitted = pd.DataFrame(
        {
            "hrg": recipe.hrgs["hrg"].to_numpy(object)[done["hrg"]], "pod": spell_pods(done, is_mat),
            "line": parts["line"].to_numpy(), "n": parts["share"].to_numpy(),
            "excess_days": excess * parts["share"].to_numpy(),
        }
    )  # fmt: skip
    seen = outpatients[outpatients["seen"].isin(["5", "6"]) & ~outpatients["private"]]
    pods = np.where(
        seen["procedure"], "OPPROC", np.where(seen["first"].isin([1, 3]), "OPFA", "OPFU")
    )
    clinic = pd.DataFrame(
        {"hrg": seen["hrg"], "pod": pods, "line": seen["line"], "n": 1.0, "excess_days": 0.0}
    )
    ed_line = recipe.line_number("ED") if "ED" in set(recipe.lines["line_id"]) else 0
    urgent = pd.DataFrame(
        {"hrg": emergency["hrg"], "pod": "ED", "line": ed_line, "n": 1.0, "excess_days": 0.0}
    )
    whole = pd.concat(
        [admitted, clinic, urgent, _count_critical(recipe, spells, critical)], ignore_index=True
    )
    return whole.groupby(["hrg", "pod", "line"], sort=True, as_index=False).sum()


def count_cases(
    recipe: Recipe, spells: pd.DataFrame, episodes: pd.DataFrame, earned_by: pd.DataFrame
) -> pd.DataFrame:
    """Return NHS activity as lines count it: pod, line, n; a spell is its last episode's line's.

    ``earned_by`` is ``count_activity``'s, which splits spells between lines.
    """
    last = episodes.sort_values(["spell", "start"], kind="stable").drop_duplicates(
        "spell", keep="last"
    )
    own = spells.iloc[last["spell"]]
    at = ((own["dis"] < recipe.year_minutes) & ~own["private"]).to_numpy()
    done = own[at]
    is_mat = recipe.lines["line_id"].to_numpy()[done["line"]] == "MAT"
    admitted = pd.DataFrame(
        {"pod": spell_pods(done, is_mat), "line": last["line"].to_numpy()[at], "n": 1.0}
    )
    others = earned_by.loc[~earned_by["pod"].isin(admitted["pod"].unique()), ["pod", "line", "n"]]
    both = pd.concat([admitted, others], ignore_index=True)
    return both.groupby(["pod", "line"], sort=True, as_index=False).sum()


def _count_critical(recipe: Recipe, spells: pd.DataFrame, critical: pd.DataFrame) -> pd.DataFrame:
    at = in_year(recipe, critical["start"]) & ~spells["private"].to_numpy()[critical["spell"]]
    rows = critical[at]
    last = np.minimum(rows["end"], recipe.year_minutes - 1)
    return pd.DataFrame(
        {
            "hrg": "XC0" + (7 - rows["organs"]).astype(str) + "Z", "pod": CRITICAL_CARE, "line": rows["line"],
            "n": (last // DAY - rows["start"] // DAY + 1).astype(float), "excess_days": 0.0,
        }
    )  # fmt: skip


def _split_by_days(episodes: pd.DataFrame) -> pd.DataFrame:
    """Return episodes (``spell``, ``line``) with their ``share`` of the spell's days, equal if none."""
    parts = episodes[["spell", "line", "start", "end"]].copy()
    days = parts["end"] // DAY - parts["start"] // DAY
    whole = days.groupby(parts["spell"]).transform("sum")
    count = parts.groupby("spell")["line"].transform("size")
    parts["share"] = np.where(whole > 0, days / whole.clip(lower=1), 1 / count)
    return parts


def price(recipe: Recipe, activity: pd.DataFrame, targets: np.ndarray) -> pd.DataFrame:
    """Return prices.csv, set so that each line's income comes near its target.

    HRGs that several lines use have one price; those of one line alone move to meet the target.

    Parameters
    ----------
    targets
        Income at price that each line should earn, pounds, market forces factor included.
    """
    table = list_reference_prices(recipe)
    mff = float(recipe.settings["mff"])
    multiplier = np.ones(len(recipe.lines))
    number = pd.Series(recipe.lines.index, index=recipe.lines["line_id"])
    owner = table["line_id"].map(number).fillna(-1).astype(int).to_numpy()
    owner = np.where(table["n_lines"] > 1, -1, owner)
    base = table["reference"].to_numpy() * np.where(owner < 0, ATTEND_PRICE_PROP, 1.0) / mff
    keyed = activity.merge(
        table.assign(owner=owner, base=base)[["hrg", "pod", "owner", "base", "trim_point"]],
        on=["hrg", "pod"], how="left", validate="many_to_one",
    )  # fmt: skip
    per_diem = PER_DIEM_PROP * keyed["base"] / keyed["trim_point"].fillna(20)
    worth = (keyed["base"] * keyed["n"] + per_diem * keyed["excess_days"]).fillna(
        0
    ).to_numpy() * mff
    for _ in range(12):
        factor = np.where(keyed["owner"] >= 0, multiplier[keyed["owner"].clip(lower=0)], 1.0)
        earned = np.bincount(keyed["line"], worth * factor, minlength=len(multiplier))
        own = keyed["owner"].to_numpy() == keyed["line"].to_numpy()
        movable = np.bincount(keyed["line"][own], (worth * factor)[own], minlength=len(multiplier))
        change = np.divide(targets - earned, movable, out=np.zeros_like(earned), where=movable > 0)
        multiplier = np.clip(multiplier * (1 + change), *MULTIPLIER_LIMITS)
    scaled = base * np.where(owner >= 0, multiplier[np.maximum(owner, 0)], 1.0)
    prices = pd.DataFrame({"hrg": table["hrg"], "pod": table["pod"], "unit_price": scaled.round(2)})
    trim = table["trim_point"].where(table["pod"].isin(["EL", "NEL", "NELNE"]))
    prices["per_diem"] = (PER_DIEM_PROP * scaled / trim).round(2)
    prices["trim_point"] = trim
    prices["price_type"] = "local"
    prices["fy"] = recipe.settings["fy"]
    return prices


def pass_through(
    recipe: Recipe, activity: dict[str, pd.DataFrame], income: np.ndarray
) -> np.ndarray:
    """Return what commissioners pay for high-cost drugs and devices, pounds by line.

    A set part of all income at price, by what the lines' items cost.
    """
    cost = np.zeros(len(recipe.lines))
    if recipe.has("prices") and recipe.has("contract_income"):
        drugs = activity["drug_issues"]
        for name, rows in (
            ("drug_issues", drugs[drugs["high"] == 1]),
            ("implants", activity["implants"]),
        ):
            rows = rows[in_year(recipe, rows["at"])]
            if recipe.has(name):
                cost += np.bincount(rows["line"], rows["pence"], minlength=len(cost))
    return income.sum() * PASS_THROUGH_PROP * cost / cost.sum() if cost.sum() else cost


def list_benchmarks(recipe: Recipe) -> pd.DataFrame:
    """Return benchmarks.csv: national mean cost where the National Cost Collection has one."""
    table = list_reference_prices(recipe)
    table = table[table["n"].notna()]
    return pd.DataFrame(
        {
            "hrg": table["hrg"], "pod": table["pod"], "national_mean_cost": table["reference"],
            "national_mean_los": table["los"], "n": table["n"].astype("int64"),
        }
    )  # fmt: skip


def earn(recipe: Recipe, activity: pd.DataFrame, prices: pd.DataFrame) -> np.ndarray:
    """Return income at price by line, pounds, market forces factor included."""
    keyed = activity.merge(prices, on=["hrg", "pod"], how="left", validate="many_to_one")
    worth = keyed["unit_price"] * keyed["n"] + (keyed["per_diem"] * keyed["excess_days"]).fillna(0)
    return np.bincount(
        keyed["line"], worth.fillna(0) * float(recipe.settings["mff"]), minlength=len(recipe.lines)
    )
