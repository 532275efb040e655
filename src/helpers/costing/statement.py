"""The service line statement: income, four tiers of cost, and the margins between them."""

from __future__ import annotations

import pandas as pd

from helpers.contracts.terms import (
    EDUCATION,
    ELEMENTS,
    ELEMENTS_BELOW_EBITDA,
    EXCLUDED,
    OTHER,
    RESEARCH,
    UNMAPPED,
    UNMATCHED,
    find_own_line,
)
from helpers.costing.income import NOT_ATTRIBUTED

TRUST = "TRUST"
COLUMNS_BESIDE_LINES = (EDUCATION, RESEARCH, OTHER, EXCLUDED, NOT_ATTRIBUTED)
INCOME_ROWS = ("I1", "I2", "I3", "I4", "I5")
COST_ROWS = ("C1", "C2", "C3", "C4")
UNMATCHED_ROW = "U"
# Rows in the order of reading. Income and margins positive, cost positive.
LABELS = [
    ("I1", "Clinical income, variable"),
    ("I2", "Clinical income, fixed"),
    ("I3", "Pass-through drugs and devices"),
    ("I4", "Private and other non-NHS patient income"),
    ("I5", "Other income"),
    ("I", "Income"),
    ("C1", "Direct cost"),
    ("T1", "Direct contribution"),
    ("C2", "Indirect cost"),
    ("T2", "Contribution to overheads"),
    ("C3", "Overhead"),
    ("T3", "EBITDA"),
    ("C4", "Depreciation, PDC, interest and impairment of every tier"),
    ("T4", "Net surplus"),
    ("U", "Of which: cost not matched to any patient"),
]


def total_line_costs(pool_line_costs: pd.DataFrame) -> pd.DataFrame:
    """Return cost by line, tier, element and department of origin (table ``line_costs``)."""
    by = ["line_id", "tier", "element", "source_department"]
    total = pool_line_costs.groupby(by, as_index=False, sort=True)["amount_pence"].sum()
    return (
        total[total["amount_pence"] != 0].astype({"amount_pence": "int64"}).reset_index(drop=True)
    )


def build_statement(
    line_costs: pd.DataFrame, line_income: pd.DataFrame, service_lines: pd.DataFrame
) -> pd.DataFrame:
    """Return the statement, long: one row per column and row (table ``service_line_statement``).

    Columns are the service lines (cost not matched to a patient is inside its line, and shown again
    in row U), UNMAPPED where it holds anything, ET, RD, OTHER, EXCLUDED, NOT_ATTRIBUTED and TRUST.
    C1, C2 and C3 hold no element below EBITDA: those of every tier are in C4, so the margins T1 to
    T3 are before capital charges. Detail rows are named after their row, as ``C1:PAY_MEDICAL``.
    """
    cost = _classify_costs(line_costs)
    income = line_income.groupby(["line_id", "row_id"])["amount_pence"].sum().unstack(fill_value=0)
    main = cost.groupby(["line_id", "row_id"])["amount_pence"].sum().unstack(fill_value=0)
    columns = list_columns(service_lines, [*income.index, *main.index])
    table = pd.concat([income, main], axis=1).reindex(columns).fillna(0)
    table = table.reindex(columns=[*INCOME_ROWS, *COST_ROWS]).fillna(0).astype("int64")
    table["I"] = table[list(INCOME_ROWS)].sum(axis=1)
    table["T1"] = table["I"] - table["C1"]
    table["T2"] = table["T1"] - table["C2"]
    table["T3"] = table["T2"] - table["C3"]
    table["T4"] = table["T3"] - table["C4"]
    unmatched = cost[cost["is_unmatched"]].groupby("line_id")["amount_pence"].sum()
    table["U"] = unmatched.reindex(columns).fillna(0).astype("int64")
    table.loc[TRUST] = table.sum()
    long = _stack(table[[row for row, _ in LABELS]].astype("int64"), dict(LABELS))
    both = pd.concat([long, _build_detail(cost)], ignore_index=True)
    return _order(both, [*columns, TRUST])


def list_columns(service_lines: pd.DataFrame, used: list[str]) -> list[str]:
    """Return the statement's columns in order, TRUST left out."""
    lines = service_lines["line_id"].tolist()
    unmapped = [UNMAPPED] if UNMAPPED in {find_own_line(name) for name in used} else []
    return [*lines, *[name for name in unmapped if name not in lines], *COLUMNS_BESIDE_LINES]


def _classify_costs(line_costs: pd.DataFrame) -> pd.DataFrame:
    """Add the statement's row of each cost, and bring unmatched cost home to its line."""
    rows = {"direct": "C1", "indirect": "C2", "overhead": "C3"}
    row = line_costs["tier"].map(rows).mask(line_costs["element"].isin(ELEMENTS_BELOW_EBITDA), "C4")
    return line_costs.assign(
        row_id=row.astype("str"),
        is_unmatched=line_costs["line_id"].str.startswith(f"{UNMATCHED}:"),
        line_id=line_costs["line_id"].map(find_own_line).astype("str"),
    )


def _build_detail(cost: pd.DataFrame) -> pd.DataFrame:
    """Return C1, C2 and C4 by element, and C3 by the service whose cost it is."""
    part = cost["element"].where(cost["row_id"] != "C3", cost["source_department"])
    detail = cost.assign(row_id=cost["row_id"] + ":" + part, label=part)
    found = detail.groupby(["line_id", "row_id", "label"], as_index=False)["amount_pence"].sum()
    trust = found.groupby(["row_id", "label"], as_index=False)["amount_pence"].sum()
    return pd.concat([found, trust.assign(line_id=TRUST)], ignore_index=True)


def _stack(table: pd.DataFrame, labels: dict[str, str]) -> pd.DataFrame:
    long = (
        table.rename_axis("line_id")
        .reset_index()
        .melt("line_id", var_name="row_id", value_name="amount_pence")
    )
    return long.assign(label=long["row_id"].map(labels))


def _order(statement: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Sort by column and row, detail under its row, and number the rows (``row_order``)."""
    places = {row: number * 100 for number, (row, _) in enumerate(LABELS)}
    elements = {name: number for number, name in enumerate(ELEMENTS)}
    split = statement["row_id"].str.split(":", n=1, expand=True).reindex(columns=[0, 1])
    services = sorted(set(split[1].dropna()) - set(elements))
    detail = {**elements, **{name: len(elements) + n for n, name in enumerate(services)}}
    within = split[1].map(detail).fillna(-1).astype("int64") + 1
    order = split[0].map(places).astype("int64") + within
    column = statement["line_id"].map({name: n for n, name in enumerate(columns)})
    kept = statement.assign(row_order=order, column_order=column)
    kept = kept.sort_values(["column_order", "row_order", "row_id"]).reset_index(drop=True)
    return kept[["line_id", "row_id", "label", "amount_pence", "row_order"]]
