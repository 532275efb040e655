"""What the departments of a demonstration trust cost, from the activity they serve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.contracts.terms import ELEMENTS
from helpers.sources.demo.recipe import Recipe

MEDICAL_GBP_MINUTE = 2.35
MEDICAL_WARD_MINUTES_HOUR = 60 * 0.02
MEDICAL_ED_PROP = 0.15
MEDICAL_QUALITY, MEDICAL_QUALITY_PLAIN = 0.5, 0.25  # of medical pools, with job plans and without
ED_WEIGHTS = (3.0, 2.0, 1.3, 1.0, 0.8)
ED_LONGEST = 2880  # minutes
CNST_MATERNITY_PROP = 0.16  # of the maternity team's cost, beside the usual share
STAFF_SHARE_PHARMACY = 0.44  # of ordinary drugs
STOCK_LOSS_PROP = 0.012  # drugs bought and never traced to a patient
LAB_PRODUCTS = ["PACEMAKER", "STENT", "STENTS_COMPLEX"]
RD_PROP, ET_PROP, COMMERCIAL_PROP, EXCLUDED_PROP = 0.014, 0.024, 0.004, 0.003


CARE_PER_ORGAN = 0.35  # more nursing for each organ supported

Weights = tuple[pd.Series | np.ndarray, pd.Series | np.ndarray]  # line, weight: one a record


@dataclass(frozen=True)
class Costs:
    """Intended cost of the year.

    Attributes
    ----------
    departments
        One row per department: id, name, kind, owner_line_id, class, feed, feed_filter, ...
    matrix
        Departments x ELEMENTS, whole pence.
    line_shares
        Clinical departments x lines: share of the department's cost that falls on each line.
    implant_share, high_cost_share
        Traced shares: of theatre and catheter supplies, and of pharmacy's drugs.
    """

    departments: pd.DataFrame
    matrix: np.ndarray
    line_shares: np.ndarray
    implant_shares: pd.Series
    high_cost_share: float


def cost_departments(recipe: Recipe, activity: dict[str, pd.DataFrame]) -> Costs:
    """Cost each department at its intended rate, then add the overhead services."""
    clinical = _list_clinical(recipe)
    weights = np.vstack([_weigh(recipe, activity, row) for row in clinical.itertuples()])
    kept = (weights.sum(axis=1) > 0) | (clinical["kind"] != "clinical").to_numpy()
    clinical, weights = clinical[kept].reset_index(drop=True), weights[kept]
    pounds = weights.sum(axis=1) * clinical["gbp_per_weight"].to_numpy(float) * recipe.price_level
    matrix = np.zeros((len(clinical), len(ELEMENTS)))
    for place, name in enumerate(clinical["class"]):
        matrix[place] = pounds[place] * _read_mix(recipe.classes.at[name, "mix"])
    _add_special(recipe, activity, clinical, matrix)
    care = matrix.sum()
    _add_non_patient(clinical, matrix, care)
    services = _list_services(recipe)
    overhead = np.vstack(
        [
            care * float(row.share_of_cost) * _read_mix(row.mix)
            for row in recipe.services.itertuples()
        ]
    )
    total = weights.sum(axis=1, keepdims=True)
    shares = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    implants, high = _trace_shares(activity, clinical, matrix)
    return Costs(
        departments=pd.concat([clinical, services], ignore_index=True),
        matrix=np.round(np.vstack([matrix, overhead]) * 100).astype("int64"),
        line_shares=_blend_traced(recipe, activity, clinical, matrix, shares, implants, high),
        implant_shares=implants,
        high_cost_share=high,
    )


def _blend_traced(
    recipe: Recipe,
    activity: dict[str, pd.DataFrame],
    departments: pd.DataFrame,
    matrix: np.ndarray,
    shares: np.ndarray,
    implants: pd.Series,
    high: float,
) -> np.ndarray:
    """Return line shares in which traced items follow the lines that used them."""
    items, drugs = activity["implants"], activity["drug_issues"]
    in_lab = items["product"].isin(LAB_PRODUCTS)
    blended = shares.copy()
    for department, used, element, traced in (
        ("THEATRES", items[~in_lab], "CLIN_SUPPLIES", implants.get("THEATRES", 0.0)),
        ("CATHLAB", items[in_lab], "CLIN_SUPPLIES", implants.get("CATHLAB", 0.0)),
        ("PHARMACY", drugs[drugs["high"] == 1], "DRUGS", high),
    ):
        at = departments.index[departments["department_id"] == department]
        used = used[in_year(recipe, used["at"])]
        if len(at) and len(used):
            place = at[0]
            own = np.bincount(used["line"], used["pence"], minlength=shares.shape[1])
            part = traced * matrix[place, ELEMENTS.index(element)] / matrix[place].sum()
            blended[place] = (1 - part) * shares[place] + part * own / own.sum()
    return blended


def _list_clinical(recipe: Recipe) -> pd.DataFrame:
    """List departments of the recipe, and a medical team per line that sees patients."""
    lines = recipe.lines[recipe.lines["line_id"] != "CRIT"]
    teams = pd.DataFrame(
        {
            "department_id": "MED_" + lines["line_id"], "name": lines["line_name"] + " medical team",
            "kind": "clinical", "owner_line_id": lines["line_id"], "class": "medical", "feed": "medical",
            "feed_filter": lines["line_id"], "gbp_per_weight": MEDICAL_GBP_MINUTE, "cost_centres": 4,
            "quality_score": MEDICAL_QUALITY if recipe.has("job_plans") else MEDICAL_QUALITY_PLAIN,
            "source": "",
        }
    )  # fmt: skip
    return pd.concat([recipe.departments, teams], ignore_index=True)


def _list_services(recipe: Recipe) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "department_id": recipe.services["service_id"], "name": recipe.services["name"],
            "kind": "service", "owner_line_id": "", "class": "other", "feed": "", "feed_filter": "",
            "gbp_per_weight": 0.0, "cost_centres": recipe.services["cost_centres"],
            "quality_score": np.nan, "source": "",
        }
    )  # fmt: skip


def _read_mix(text: str) -> np.ndarray:
    """Turn `PAY_NURSING:0.8|DRUGS:0.2` into shares over ELEMENTS."""
    shares = np.zeros(len(ELEMENTS))
    for part in text.split("|"):
        element, share = part.split(":")
        shares[ELEMENTS.index(element)] = float(share)
    return shares / shares.sum()


def _weigh(recipe: Recipe, activity: dict[str, pd.DataFrame], row: tuple) -> np.ndarray:
    """Return a department's weight by line, from the feed that drives it."""
    n_lines = len(recipe.lines)
    if row.feed == "medical":
        whole = _medical_minutes(recipe, activity)
        return np.where(recipe.lines["line_id"] == row.feed_filter, whole, 0.0)
    weigh = WEIGHING.get(row.feed)
    if weigh is None:
        return np.zeros(n_lines)
    line, weight = weigh(recipe, activity, row)
    return np.bincount(np.asarray(line), np.asarray(weight, dtype=float), minlength=n_lines)


def _weigh_ward(recipe: Recipe, activity: dict[str, pd.DataFrame], row: tuple) -> Weights:
    stays = activity["ward_stays"]
    stays = stays[stays["ward"].isin(row.feed_filter.split(";"))]
    return stays["line"], _clip_hours(recipe, stays["start"], stays["end"]) * stays["acuity"]


def _weigh_theatre(recipe: Recipe, activity: dict[str, pd.DataFrame], row: tuple) -> Weights:
    cases = activity["theatre_cases"]
    mine = cases["room"].str.startswith(row.feed_filter.rstrip("*"))
    cases = cases[mine & in_year(recipe, cases["into"])]
    if row.feed == "recovery":
        return cases["line"], cases["recovery"]
    return cases["line"], (cases["out"] - cases["into"] + cases["setup"]) * cases["team"]


def _weigh_clinic(recipe: Recipe, activity: dict[str, pd.DataFrame], row: tuple) -> Weights:
    seen = _seen(activity)
    tfc = recipe.lines["tfc"].to_numpy(object)[seen["line"]]
    owned = recipe.departments.loc[recipe.departments["feed"] == "clinic", "feed_filter"]
    mine = ~np.isin(tfc, list(owned)) if row.feed_filter == "*" else tfc == row.feed_filter
    return seen["line"][mine], seen["minutes"][mine]


def _weigh_ed(recipe: Recipe, activity: dict[str, pd.DataFrame], row: tuple) -> Weights:
    attendances = activity["ed_attendances"]
    minutes = np.minimum(attendances["departure"] - attendances["arrival"], ED_LONGEST)
    acuity = np.array(ED_WEIGHTS)[attendances["acuity"].to_numpy() - 1]
    return _ed_lines(recipe, activity), minutes * acuity


def _weigh_critical_care(recipe: Recipe, activity: dict[str, pd.DataFrame], row: tuple) -> Weights:
    care = activity["critical_care"]
    care = care[in_year(recipe, care["start"])]
    hours = _clip_hours(recipe, care["start"], care["end"])
    return care["line"], hours * (1 + CARE_PER_ORGAN * care["organs"])


def _weigh_tests(recipe: Recipe, activity: dict[str, pd.DataFrame], row: tuple) -> Weights:
    tests = activity["tests"]
    mine = recipe.tests["discipline"].to_numpy(object)[tests["test"]] == row.feed_filter
    tests = tests[mine & in_year(recipe, tests["at"])]
    return tests["line"], recipe.tests["weight_gbp"].to_numpy(float)[tests["test"]] * tests["count"]


def _weigh_drugs(recipe: Recipe, activity: dict[str, pd.DataFrame], row: tuple) -> Weights:
    drugs = activity["drug_issues"]
    drugs = drugs[in_year(recipe, drugs["at"]) & (drugs["high"] == 0)]
    return drugs["line"], drugs["pence"] / 100 * STAFF_SHARE_PHARMACY


def _weigh_therapies(recipe: Recipe, activity: dict[str, pd.DataFrame], row: tuple) -> Weights:
    contacts = activity["therapy_contacts"]
    contacts = contacts[in_year(recipe, contacts["at"])]
    return contacts["line"], contacts["minutes"]


WEIGHING = {
    "ward": _weigh_ward, "theatre": _weigh_theatre, "recovery": _weigh_theatre, "clinic": _weigh_clinic,
    "ed": _weigh_ed, "critical_care": _weigh_critical_care, "tests": _weigh_tests,
    "drugs": _weigh_drugs, "therapies": _weigh_therapies,
}  # fmt: skip


def in_year(recipe: Recipe, at: pd.Series | np.ndarray) -> np.ndarray:
    """Tell which times (minutes from the year's start) are in the year."""
    at = np.asarray(at)
    return (at >= 0) & (at < recipe.year_minutes)


def _clip_hours(recipe: Recipe, start: pd.Series, end: pd.Series) -> np.ndarray:
    first, last = np.maximum(start, 0), np.minimum(end, recipe.year_minutes)
    return np.maximum(np.asarray(last - first, dtype=float), 0) / 60


def _seen(activity: dict[str, pd.DataFrame]) -> pd.DataFrame:
    clinics = activity["op_attendances"]
    return clinics[clinics["seen"].isin(["5", "6"])].reset_index(drop=True)


def _ed_lines(recipe: Recipe, activity: dict[str, pd.DataFrame]) -> np.ndarray:
    line = recipe.line_number("ED") if "ED" in set(recipe.lines["line_id"]) else 0
    return np.full(len(activity["ed_attendances"]), line)


def _medical_minutes(recipe: Recipe, activity: dict[str, pd.DataFrame]) -> np.ndarray:
    """Add up doctors' minutes by line: ward rounds, operations, clinics, emergency attendances."""
    n = len(recipe.lines)
    stays, cases, seen = activity["ward_stays"], activity["theatre_cases"], _seen(activity)
    at = in_year(recipe, cases["into"])
    whole = np.bincount(
        stays["line"],
        _clip_hours(recipe, stays["start"], stays["end"]) * MEDICAL_WARD_MINUTES_HOUR,
        minlength=n,
    )
    whole = whole + np.bincount(cases["line"][at], (cases["out"] - cases["into"])[at], minlength=n)
    whole = whole + np.bincount(seen["line"], seen["minutes"], minlength=n)
    emergency = activity["ed_attendances"]
    minutes = (
        np.minimum(emergency["departure"] - emergency["arrival"], ED_LONGEST) * MEDICAL_ED_PROP
    )
    return whole + np.bincount(_ed_lines(recipe, activity), minutes, minlength=n)


def _add_special(
    recipe: Recipe, activity: dict[str, pd.DataFrame], departments: pd.DataFrame, matrix: np.ndarray
) -> None:
    """Add drugs, implants and the maternity share of the negligence scheme, in place (pounds)."""
    place = pd.Series(departments.index, index=departments["department_id"])
    drugs = activity["drug_issues"]
    bought = drugs["pence"][in_year(recipe, drugs["at"])].sum() / 100 * (1 + STOCK_LOSS_PROP)
    matrix[place["PHARMACY"], ELEMENTS.index("DRUGS")] += bought
    supplies = ELEMENTS.index("CLIN_SUPPLIES")
    implants = activity["implants"]
    at = in_year(recipe, implants["at"]).astype(bool)
    in_lab = implants["product"].isin(LAB_PRODUCTS).to_numpy()
    for department, mine in (("THEATRES", ~in_lab), ("CATHLAB", in_lab)):
        if department in place.index:
            matrix[place[department], supplies] += implants["pence"][at & mine].sum() / 100 * 1.01
    for name, share in (
        ("MED_MAT", CNST_MATERNITY_PROP * 3),
        ("MED_GYNAE", 0.06),
        ("ED_DEPT", 0.03),
    ):
        if name in place.index:
            matrix[place[name], ELEMENTS.index("CNST")] += matrix[place[name]].sum() * share


def _add_non_patient(departments: pd.DataFrame, matrix: np.ndarray, care: float) -> None:
    """Add research, education, commercial and excluded departments as shares of care, in place."""
    place = pd.Series(departments.index, index=departments["department_id"])
    pay, other = ELEMENTS.index("PAY_OTHER"), ELEMENTS.index("OTHER_NONPAY")
    for name, share in (("RD", RD_PROP), ("ET", ET_PROP), ("COMMERCIAL", COMMERCIAL_PROP)):
        matrix[place[name], pay] += care * share * 0.7
        matrix[place[name], other] += care * share * 0.3
    matrix[place["CHARITY"], ELEMENTS.index("IMPAIRMENT")] += care * EXCLUDED_PROP
    matrix[place["CHARITY"], other] += care * EXCLUDED_PROP * 0.2


def _trace_shares(
    activity: dict[str, pd.DataFrame], departments: pd.DataFrame, matrix: np.ndarray
) -> tuple[pd.Series, float]:
    """Return the shares of supplies that are implants, and of drugs that are high-cost; 4 decimals."""
    place = pd.Series(departments.index, index=departments["department_id"])
    implants = activity["implants"]
    in_lab = implants["product"].isin(LAB_PRODUCTS)
    shares = {}
    for department, mine in (("THEATRES", ~in_lab), ("CATHLAB", in_lab)):
        if department in place.index:
            whole = matrix[place[department], ELEMENTS.index("CLIN_SUPPLIES")]
            pounds = implants.loc[mine & (implants["at"] >= 0), "pence"].sum() / 100 * 1.01
            shares[department] = round(pounds / whole, 4)
    drugs = activity["drug_issues"]
    high = (
        drugs.loc[(drugs["high"] == 1) & (drugs["at"] >= 0), "pence"].sum()
        / 100
        * (1 + STOCK_LOSS_PROP)
    )
    drugs_cost = matrix[place["PHARMACY"], ELEMENTS.index("DRUGS")]
    return pd.Series(shares, dtype=float), round(high / drugs_cost, 4)
