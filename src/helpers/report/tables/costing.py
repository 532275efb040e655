"""Tables of the costing page."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import (
    EDUCATION,
    EXCLUDED,
    OTHER,
    RESEARCH,
    UNMAPPED,
    find_own_line,
)
from helpers.report.formats import format_prop, join_words
from helpers.report.words.plain import name_lines, name_term

NOT_ATTRIBUTED, TRUST = "NOT_ATTRIBUTED", "TRUST"
SPECIAL = (UNMAPPED, EDUCATION, RESEARCH, OTHER, EXCLUDED, NOT_ATTRIBUTED, TRUST)
BASE_SET = "base"
BIGGEST_USERS = 3
RECONCILED_IN_ROWS = "R15"


def build_statement_table(statement: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return one row per line, largest surplus first, then the other columns and the trust."""
    rows = {
        "I": "income_pence", "C1": "direct_pence", "C2": "indirect_pence", "C3": "overhead_pence",
        "C4": "capital_pence", "T4": "surplus_pence", "U": "unmatched_pence",
    }  # fmt: skip
    main = statement[statement["row_id"].isin(rows)]
    wide = main.pivot(index="line_id", columns="row_id", values="amount_pence")
    wide = wide.rename(columns=rows)[list(rows.values())].reset_index()
    wide["line_name"] = name_lines(wide["line_id"], service_lines)
    wide["margin_prop"] = (wide["surplus_pence"] / wide["income_pence"]).where(
        (wide["income_pence"] > 0) & (wide["line_id"] != NOT_ATTRIBUTED)
    )
    place = wide["line_id"].map({name: n + 1 for n, name in enumerate(SPECIAL)}).fillna(0)
    money = list(rows.values())
    is_used = wide[money].ne(0).any(axis=1) | (place == 0)
    ordered = wide.assign(place=place)[is_used].sort_values(
        ["place", "surplus_pence", "line_id"], ascending=[True, False, True]
    )
    return ordered.drop(columns="place").reset_index(drop=True)


def build_margin_table(statement: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return contribution to overheads, EBITDA and surplus of each line, and their shares of income.

    Lines in the order of their contribution's share, the trust last.
    """
    rows = {
        "I": "income_pence",
        "T2": "contribution_pence",
        "T3": "ebitda_pence",
        "T4": "surplus_pence",
    }
    kept = statement["row_id"].isin(rows) & statement["line_id"].isin(
        [*service_lines["line_id"], TRUST]
    )
    wide = statement[kept].pivot(index="line_id", columns="row_id", values="amount_pence")
    table = wide.rename(columns=rows)[list(rows.values())].reset_index()
    table["line_name"] = name_lines(table["line_id"], service_lines)
    income = table["income_pence"].where(table["income_pence"] > 0)
    for name in ("contribution", "ebitda", "surplus"):
        table[f"{name}_prop"] = (table[f"{name}_pence"] / income).astype("float64")
    table["is_trust"] = table["line_id"] == TRUST
    return table.sort_values(
        ["is_trust", "contribution_prop", "line_id"],
        ascending=[True, False, True],
        ignore_index=True,
    ).drop(columns="is_trust")


def build_statement_rows(
    statement: pd.DataFrame, departments: pd.DataFrame, line_id: str = TRUST
) -> pd.DataFrame:
    """Return one column of the statement, row by row, details under their row."""
    rows = statement[statement["line_id"] == line_id].sort_values("row_order")
    services = dict(zip(departments["department_id"], departments["name"], strict=True))
    named = rows["label"].map(
        lambda code: "– " + (services.get(code) or name_term("element", code))
    )
    rows = rows.assign(row_name=named.where(rows["row_id"].str.contains(":"), rows["label"]))
    keep = rows["amount_pence"].ne(0) | rows["row_id"].isin(["I", "T1", "T2", "T3", "T4"])
    return rows.loc[keep, ["row_id", "row_name", "amount_pence"]].reset_index(drop=True)


def build_overhead_table(
    department_costs: pd.DataFrame,
    charges: pd.DataFrame,
    drivers: pd.DataFrame,
    departments: pd.DataFrame,
) -> pd.DataFrame:
    """Return each service's own cost, what it passes on, its driver, and its biggest users."""
    names = dict(zip(departments["department_id"], departments["name"], strict=True))
    own = department_costs[department_costs["kind"] == "service"]
    table = own.groupby("department_id", as_index=False)["amount_pence"].sum()
    table = table.rename(columns={"department_id": "service_id", "amount_pence": "own_pence"})
    passed = charges.groupby("service_id")["charged_pence"].sum()
    table["charged_pence"] = table["service_id"].map(passed).fillna(0).astype("int64")
    base = drivers[drivers["driver_set"].fillna(BASE_SET) == BASE_SET]
    units = base.groupby("service_department")["driver"].first()
    table["driver_name"] = table["service_id"].map(
        lambda service: name_term("driver", units.get(service, "not given"))
    )
    table["service_name"] = table["service_id"].map(lambda code: names.get(code) or code)
    table["users"] = table["service_id"].map(
        lambda service: _name_users(charges[charges["service_id"] == service], names)
    )
    return table.sort_values(["own_pence", "service_id"], ascending=[False, True]).reset_index(
        drop=True
    )


def _name_users(charges: pd.DataFrame, names: dict[str, str]) -> str:
    ordered = charges.sort_values(["attributed_pence", "department_id"], ascending=[False, True])
    total = charges["attributed_pence"].sum()
    if not total:
        return "–"
    return join_words(
        [
            f"{names.get(row.department_id) or row.department_id} ({format_prop(row.attributed_pence / total)})"
            for row in ordered.head(BIGGEST_USERS).itertuples()
        ]
    )


def build_pool_table(pool_summary: pd.DataFrame, departments: pd.DataFrame) -> pd.DataFrame:
    """Return the pools, dearest first: what each costs, what shares it out, and its rate."""
    names = dict(zip(departments["department_id"], departments["name"], strict=True))
    table = pool_summary.assign(
        cost_pence=pool_summary["own_pence"] + pool_summary["overhead_pence"],
        department_name=pool_summary["department_id"].map(lambda code: names.get(code) or code),
        feed_name=pool_summary["feed"].map(lambda code: name_term("feed", code)),
        n_units=pool_summary["weight_units"].round().astype("int64"),
    )
    table = table.sort_values(["cost_pence", "pool_id"], ascending=[False, True])
    return table.reset_index(drop=True)


def build_matching_table(matching_summary: pd.DataFrame) -> pd.DataFrame:
    """Return how activity found its patient, one row per feed and rule, rules in their order."""
    rules = ["ID", "SPELL", "SPELL_NEAR", "PAT_APC", "PAT_ED", "PAT_OP_DAY", "PAT_OP", "NONE"]
    place = {rule: n for n, rule in enumerate(rules)}
    total = matching_summary.groupby("feed")["n_lines"].transform("sum")
    table = matching_summary.assign(
        lines_prop=matching_summary["n_lines"] / total.where(total > 0),
        feed_name=matching_summary["feed"].map(lambda code: name_term("feed", code)),
        rule_name=matching_summary["match_rule"].map(lambda code: name_term("rule", code)),
        place=matching_summary["match_rule"].map(place).fillna(len(place)),
    )
    has_any = (table["n_lines"] > 0) | (table["amount_pence"] != 0)
    table = table[has_any].sort_values(["feed_name", "place"])
    return table.drop(columns="place").reset_index(drop=True)


def build_unmatched_table(statement: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return the lines with cost that no patient took, most first."""
    table = build_statement_table(statement, service_lines)
    cost = table[["direct_pence", "indirect_pence", "overhead_pence", "capital_pence"]].sum(axis=1)
    table = table.assign(full_cost_pence=cost, unmatched_prop=table["unmatched_pence"] / cost)
    table = table[(table["unmatched_pence"] != 0) & (table["line_id"] != TRUST)]
    return table.sort_values(["unmatched_pence", "line_id"], ascending=[False, True]).reset_index(
        drop=True
    )


def build_credibility_table(credibility: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return each line's shares traced, averaged and apportioned, best supported first."""
    kept = credibility[~credibility["line_id"].isin([EDUCATION, RESEARCH, OTHER, EXCLUDED])]
    kept = kept[kept["line_id"].map(find_own_line).eq(kept["line_id"])]
    parts = ["traced", "averaged", "apportioned"]
    total = kept[[f"{part}_pence" for part in parts]].sum(axis=1)
    table = kept.assign(
        line_name=name_lines(kept["line_id"], service_lines),
        full_cost_pence=total,
        unmatched_prop=(kept["unmatched_pence"] / total).where(total > 0),
        **{f"{part}_prop": (kept[f"{part}_pence"] / total).where(total > 0) for part in parts},
    )
    table = table[table["full_cost_pence"] > 0]
    return table.sort_values(["score", "line_id"], ascending=[False, True]).reset_index(drop=True)


def build_reconciliation_table(reconciliation: pd.DataFrame) -> pd.DataFrame:
    """Return every identity as text: pounds and pence, or rows for activity."""
    is_rows = reconciliation["id"] == RECONCILED_IN_ROWS
    table = reconciliation[["id", "description"]].copy()
    for side in ("left", "right", "difference"):
        values = reconciliation[f"{side}_pence"]
        pounds = values.map(lambda pence: f"£{pence / 100:,.2f}".replace("£-", "−£"))
        table[side] = pounds.where(~is_rows, values.map("{:,}".format))
    table["holds"] = reconciliation["passed"].map({True: "holds", False: "FAILS"})
    return table.reset_index(drop=True)


def build_checks_table(cost_checks: pd.DataFrame) -> pd.DataFrame:
    """Return the checks of costs that found something, the most money first."""
    found = cost_checks[cost_checks["n_found"] > 0]
    found = found.assign(size=found["amount_pence"].abs())
    found = found.sort_values(["size", "code"], ascending=[False, True])
    return found.drop(columns="size").reset_index(drop=True)


def build_effects_table(effects: pd.DataFrame, service_lines: pd.DataFrame) -> pd.DataFrame:
    """Return what corrections did to each line that they changed."""
    return effects.assign(
        line_name=name_lines(effects["line_id"], service_lines),
        change_pence=effects["surplus_after_pence"] - effects["surplus_before_pence"],
    )
