"""Three overhead services and four lines, small enough to check by hand.

Each line is one department, so a department's overhead is its line's.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import pandas as pd

LINES = ["TO", "GENMED", "ED", "MAT"]
NAMES = ["Trauma and orthopaedics", "General medicine", "Emergency department", "Maternity"]
INCOME = [5_200_000, 6_000_000, 3_150_000, 3_300_000]
DIRECT = [3_400_000, 4_300_000, 2_500_000, 2_650_000]
INDIRECT = [1_180_000, 1_140_000, 325_000, 320_000]
RECIPROCAL_OVERHEAD = [440_000, 680_000, 320_000, 340_000]
PRIMARY = {"ESTATES": 800_000, "IT": 640_000, "HR": 340_000}
USE = {
    "ESTATES": {"IT": 10, "HR": 10, "TO": 20, "GENMED": 30, "ED": 10, "MAT": 20},
    "IT": {"ESTATES": 10, "HR": 20, "TO": 15, "GENMED": 25, "ED": 20, "MAT": 10},
    "HR": {"ESTATES": 20, "IT": 10, "TO": 20, "GENMED": 30, "ED": 10, "MAT": 10},
}
# Resolved shares of ESTATES, IT and HR by hand: of ESTATES' 800,000 T&O bears 473/1890, and so on.
RECIPROCAL = {
    "TO": ["473/1890", "31/135", "86/315"],
    "GENMED": ["143/378", "10/27", "26/63"],
    "ED": ["44/315", "11/45", "16/105"],
    "MAT": ["73/315", "7/45", "17/105"],
}


def step_down(order: tuple[str, ...]) -> dict[str, dict[str, Fraction]]:
    """Return line -> service -> share, closing services in order."""
    held = {k: {c: Fraction(int(c == k)) for c in USE} for k in USE}
    ended = {line: dict.fromkeys(USE, Fraction(0)) for line in LINES}
    is_open = set(USE)
    for service in order:
        is_open.discard(service)
        users = {c: q for c, q in USE[service].items() if c in LINES or c in is_open}
        for user, quantity in users.items():
            part = Fraction(quantity, sum(users.values()))
            target = ended[user] if user in LINES else held[user]
            for source in USE:
                target[source] += part * held[service][source]
    return ended


def direct() -> dict[str, dict[str, Fraction]]:
    total = {k: sum(USE[k][line] for line in LINES) for k in USE}
    return {line: {k: Fraction(USE[k][line], total[k]) for k in USE} for line in LINES}


def reciprocal() -> dict[str, dict[str, Fraction]]:
    return {
        line: dict(zip(USE, map(Fraction, shares), strict=True))
        for line, shares in RECIPROCAL.items()
    }


def overhead_rules(*, every_order: bool = True) -> pd.DataFrame:
    rules = [("reciprocal", "", reciprocal()), ("direct", "", direct())]
    orders = list(permutations(USE)) if every_order else [("ESTATES", "IT", "HR")]
    rules += [("step_down", ">".join(order), step_down(order)) for order in orders]
    rows = [
        {
            "rule_id": f"{method}:{order}" if order else method,
            "overhead_method": method,
            "step_order": order,
            "driver_set": "base",
            "service_id": service,
            "department_id": line,
            "share_prop": float(share),
        }
        for method, order, by_line in rules
        for line, by_service in by_line.items()
        for service, share in by_service.items()
    ]
    return pd.DataFrame(rows)


def overhead_allocation() -> pd.DataFrame:
    """Where each service's cost ended under the reciprocal method, nearest penny."""
    rows = [
        {
            "service_id": service,
            "department_id": line,
            "element": "PAY_OTHER",
            "amount_pence": round(PRIMARY[service] * 100 * share),
            "method": "reciprocal",
        }
        for line, by_service in reciprocal().items()
        for service, share in by_service.items()
    ]
    return pd.DataFrame(rows)


def department_line_shares() -> pd.DataFrame:
    return pd.DataFrame({"department_id": LINES, "line_id": LINES, "share_prop": 1.0})


def department_costs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "department_id": list(PRIMARY),
            "kind": "service",
            "element": "PAY_OTHER",
            "amount_pence": [pounds * 100 for pounds in PRIMARY.values()],
        }
    )


def service_lines() -> pd.DataFrame:
    return pd.DataFrame({"line_id": LINES, "line_name": NAMES})


def line_costs() -> pd.DataFrame:
    tiers = {"direct": DIRECT, "indirect": INDIRECT, "overhead": RECIPROCAL_OVERHEAD}
    rows = [
        {
            "line_id": line,
            "tier": tier,
            "element": "PAY_OTHER",
            "source_department": "ANY",
            "amount_pence": pounds * 100,
        }
        for tier, amounts in tiers.items()
        for line, pounds in zip(LINES, amounts, strict=True)
    ]
    return pd.DataFrame(rows)


def statement(columns: dict[str, tuple[int, int, int, int, int]] | None = None) -> pd.DataFrame:
    """Return a statement from column -> income, direct, indirect, overhead, below EBITDA (pounds)."""
    if columns is None:
        columns = {
            line: (INCOME[n], DIRECT[n], INDIRECT[n], RECIPROCAL_OVERHEAD[n], 0)
            for n, line in enumerate(LINES)
        }
    rows = []
    for line, (income, own, shared, overhead, below) in columns.items():
        contribution = income - own - shared
        amounts = {
            "I": income, "C1": own, "T1": income - own, "C2": shared, "T2": contribution,
            "C3": overhead, "T3": contribution - overhead, "C4": below,
            "T4": contribution - overhead - below,
        }  # fmt: skip
        rows += [
            {"line_id": line, "row_id": row, "label": row, "amount_pence": pounds * 100}
            for row, pounds in amounts.items()
        ]
    return pd.DataFrame(rows)


def line_activity() -> pd.DataFrame:
    """T&O by point of delivery: margins +350, +140, -340, +40 and -10 thousand."""
    return pd.DataFrame(
        {
            "line_id": "TO",
            "pod": ["EL", "DC", "NEL", "OPFA", "OPFU"],
            "n_events": [400, 900, 300, 2_000, 1_500],
            "n_spells": [400, 900, 300, 0, 0],
            "bed_days": [1_600, 0, 2_400, 0, 0],
            "income_pence": [230_000_000, 90_000_000, 150_000_000, 30_000_000, 20_000_000],
            "cost_pence": [195_000_000, 76_000_000, 184_000_000, 26_000_000, 21_000_000],
        }
    )


def no_private() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "line_id": pd.Series(dtype="str"),
            "n_private_events": pd.Series(dtype="int64"),
            "private_income_pence": pd.Series(dtype="int64"),
            "private_cost_pence": pd.Series(dtype="int64"),
        }
    )


def overhead_orders() -> pd.DataFrame:
    """No further orders: all six are among the rules already."""
    columns = ["rule_id", "overhead_method", "step_order", "driver_set", "line_id", "overhead_gbp"]
    return pd.DataFrame(columns=columns).astype({"overhead_gbp": "float64"})


def line_contract_income() -> pd.DataFrame:
    """Fixed 12,150,000 over notional values that add up to 13,500,000: 0.9 of each."""
    notional = [1_900_000, 5_600_000, 2_900_000, 3_100_000]
    price = [pounds * 100 for pounds in notional]
    return pd.DataFrame(
        {
            "line_id": LINES,
            "pod": "NEL",
            "price_pence": price,
            "contract_pence": [pence * 9 // 10 for pence in price],
            "gap_pence": [-pence // 10 for pence in price],
            "by_cost_pence": pd.array([pd.NA] * len(LINES), dtype="Int64"),
            "by_last_year_pence": pd.array([pd.NA] * len(LINES), dtype="Int64"),
        }
    )


def behaviour() -> pd.DataFrame:
    """A tenth of every cost moves within a year, half in three, all in the long run."""
    names = [*PRIMARY, "ANY"]
    moves = {"12m": 0.1, "3y": 0.5, "long": 1.0}
    return pd.DataFrame({"department_id": names, "element": "PAY_OTHER", **moves})


def overhead_without_line() -> pd.DataFrame:
    """If a line closed, the three others would share each service equally."""
    rows = [
        (closed, service, line, 1 / 3)
        for closed in LINES
        for service in PRIMARY
        for line in LINES
        if line != closed
    ]
    columns = ["closed_line_id", "service_id", "line_id", "share_prop"]
    return pd.DataFrame(rows, columns=columns)
