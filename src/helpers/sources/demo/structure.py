"""Lines, maps, rights, plan, contract and control totals of a demonstration trust."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.sources.demo.income import PASS_THROUGH_PROP
from helpers.sources.demo.recipe import Recipe

FIXED_SCOPE, VARIABLE_SCOPE = "NEL;NES;NELNE;ED;OPFU", "EL;DC;OPFA;OPPROC"
# Commissioner, element, scope, share: of the fixed sums, of the variable ones, or of all income.
CONTRACT = (
    ("QKK", "fixed", FIXED_SCOPE, 0.79),
    ("QKK", "variable", VARIABLE_SCOPE, 0.56),
    ("QRV", "fixed", FIXED_SCOPE, 0.21),
    ("QRV", "variable", VARIABLE_SCOPE, 0.18),
    ("QWE", "lva", "", 0.006),
    ("Y58", "variable", "EL;DC", 0.26),
    ("Y58", "pass_through", "", PASS_THROUGH_PROP),
    ("OTH", "other", "", 0.006),
)
FIXED_PAID_PROP = 0.99  # the fixed sums pay this part of what their activity would earn at price
RIGHTS = (
    ("hire", "line"), ("rota", "line"), ("theatre_list", "shared"), ("ward", "shared"),
    ("procure", "division"), ("price", "corporate"), ("capital", "corporate"), ("admin", "division"),
)  # fmt: skip
# Who holds a decision from 1 October, where that changes.
RIGHTS_MOVED = {("GENMED", "rota"): "division", ("CARDIO", "procure"): "line"}


def list_lines(recipe: Recipe) -> pd.DataFrame:
    """Return service_lines.csv."""
    shift = int(recipe.settings.get("adopted_shift_years", 0))
    adopted = [
        f"{int(date[:4]) + shift}{date[4:]}" if date and shift < 50 else ""
        for date in recipe.lines["adopted"]
    ]
    return pd.DataFrame(
        {
            "line_id": recipe.lines["line_id"], "line_name": recipe.lines["line_name"],
            "division": recipe.lines["division"], "adopted_slm_date": adopted,
            "population_obligation": recipe.lines["obligation"],
        }
    )  # fmt: skip


def list_line_map(recipe: Recipe, people: pd.DataFrame) -> pd.DataFrame:
    """Return service_line_map.csv: consultants of emergency and critical care first, then TFC."""
    wide = people[people["line_id"].isin(["ED", "CRIT"])]
    by_person = pd.DataFrame(
        {"priority": 10, "consultant_code": wide["code"], "line_id": wide["line_id"]}
    )
    by_tfc = pd.DataFrame(
        {"priority": 20, "tfc": recipe.lines["tfc"], "line_id": recipe.lines["line_id"]}
    )
    whole = pd.concat([by_person, by_tfc], ignore_index=True)
    columns = [
        "priority",
        "site_code",
        "ward_id",
        "tfc",
        "consultant_code",
        "admin_category",
        "line_id",
    ]
    return whole.reindex(columns=columns)


def list_rights(recipe: Recipe) -> pd.DataFrame:
    """Return decision_rights.csv: who decides what, line by line."""
    rows = [
        (line, "", "", decision, holder if index % 5 or decision != "hire" else "division",
         f"{recipe.settings['fy'][:4]}-04-01", "")
        for index, line in enumerate(recipe.lines["line_id"])
        for decision, holder in RIGHTS
    ]  # fmt: skip
    rows = _recall_rights(rows, recipe)
    return pd.DataFrame(
        rows, columns=["line_id", "element", "department", "decision", "holder", "from", "to"]
    )


def _recall_rights(rows: list[tuple], recipe: Recipe) -> list[tuple]:
    """Let one line lose its rotas to the division in the autumn, and another win its orders."""
    year = recipe.settings["fy"][:4]
    told = []
    for line, *blanks, decision, holder, first, last in rows:
        to = RIGHTS_MOVED.get((line, decision))
        if to is None or to == holder:
            told.append((line, *blanks, decision, holder, first, last))
            continue
        told.append((line, *blanks, decision, holder, first, f"{year}-09-30"))
        told.append((line, *blanks, decision, to, f"{year}-10-01", ""))
    return told


def list_contract(recipe: Recipe, clinical_pence: int) -> pd.DataFrame:
    """Return contract_income.csv; it adds up to the ledger's clinical income."""
    fixed = FIXED_PAID_PROP * float(recipe.settings["fixed_scope_prop"])
    small = sum(share for _, element, _, share in CONTRACT if element not in ("fixed", "variable"))
    part = {"fixed": fixed, "variable": 1 - fixed - small}
    amounts = [
        round(clinical_pence * part.get(element, 1.0) * share) for _, element, _, share in CONTRACT
    ]
    amounts[-1] += clinical_pence - sum(amounts)
    rows = [(*row[:3], f"{pence / 100:.2f}") for row, pence in zip(CONTRACT, amounts, strict=True)]
    return pd.DataFrame(rows, columns=["commissioner", "element", "scope_rule", "amount"])


def list_plan(
    recipe: Recipe, line_costs: np.ndarray, line_income: np.ndarray, cases: pd.DataFrame
) -> pd.DataFrame:
    """Return plan.csv: money, and activity by point of delivery, by line and month, near what happened.

    ``cases`` holds NHS activity: ``line`` (its number), ``pod`` and ``n`` of the year.
    """
    random = recipe.random("plan")
    n = len(recipe.lines)
    tilt = 1 + random.normal(0, 0.02, (n, 3))
    rows = pd.DataFrame(
        {
            "line_id": np.repeat(recipe.lines["line_id"].to_numpy(object), 12),
            "month": np.tile(np.arange(1, 13), n),
        }
    )
    for place, (column, yearly) in enumerate(
        (("income", line_income), ("direct", line_costs * 0.42), ("indirect", line_costs * 0.36))
    ):
        monthly = np.repeat(yearly * tilt[:, place] / 12, 12)
        rows[column] = [f"{value:.2f}" for value in monthly]
    return pd.concat([rows, _plan_activity(recipe, cases)], axis=1)


def _plan_activity(recipe: Recipe, cases: pd.DataFrame) -> pd.DataFrame:
    """Return planned activity, a column a point of delivery; blank where a line has none."""
    random = recipe.random("planned activity")
    yearly = cases.pivot_table(index="line", columns="pod", values="n", aggfunc="sum")
    yearly = yearly.reindex(range(len(recipe.lines))).sort_index(axis=1)
    yearly = yearly * (1 + random.normal(0, 0.03, yearly.shape))
    columns = {}
    for pod in yearly.columns:
        so_far = np.floor(np.outer(yearly[pod].to_numpy(), np.arange(13) / 12) + 0.5)
        months = np.diff(so_far, axis=1).ravel()  # whole numbers that add up to the year's
        columns[f"activity_{pod.lower()}"] = [
            "" if np.isnan(value) else f"{value:.0f}" for value in months
        ]
    return pd.DataFrame(columns)


def list_controls(recipe: Recipe, ledger: pd.DataFrame, counts: dict[str, int]) -> pd.DataFrame:
    """Return control_totals.csv: the accounts' totals, and activity after cleaning."""
    types = recipe.expenses.set_index("expense_code")["account_type"]
    kind = ledger["expense_code"].map(types)
    spent = int(ledger.loc[kind == "expenditure", "pence"].sum())
    earned = -int(ledger.loc[kind.str.endswith("income"), "pence"].sum())
    rows = [
        ("total_expenditure", _pounds(spent), "audited_accounts"),
        ("total_income", _pounds(earned), "audited_accounts"),
        *((measure, str(count), "SUS") for measure, count in counts.items()),
    ]
    return pd.DataFrame(rows, columns=["measure", "value", "source"])


def list_weights(recipe: Recipe) -> pd.DataFrame:
    """Return relative_weights.csv: pounds' worth of each test; minutes of therapists count alike."""
    tests = pd.DataFrame(
        {"feed": "tests", "code": recipe.tests["test_code"], "weight": recipe.tests["weight_gbp"]}
    )
    therapies = pd.DataFrame(
        {
            "feed": "therapies",
            "code": ["PHYSIO", "OT", "SALT", "DIETETICS"],
            "weight": [1.0, 1.0, 1.1, 0.9],
        }
    )
    return pd.concat([tests, therapies], ignore_index=True)


def list_reviews(people: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return outlier_review.csv: two findings of last year and what became of them."""
    plain = people[people["plant"] == ""].reset_index(drop=True)
    rows = [
        ("REV-001", plain.at[0, "code"], "closed", "W1", "Case-mix explained", "Clinical director", "0.00", f"{year}-02-11"),
        ("REV-002", plain.at[len(plain) // 2, "code"], "open", "", "Review of implants", "Line manager", "18500.00", f"{year}-03-04"),
    ]  # fmt: skip
    columns = ["review_id", "subject", "status", "reason_code", "action", "owner", "value", "date"]
    return pd.DataFrame(rows, columns=columns)


def _pounds(pence: int) -> str:
    sign = "-" if pence < 0 else ""
    return f"{sign}{abs(pence) // 100}.{abs(pence) % 100:02d}"
