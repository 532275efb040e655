"""The statement: three rules' surpluses, tiers, capital charges, unmatched cost, special columns."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.costing.overheads import allocate_overheads, build_use, resolve_shares
from helpers.costing.statement import build_statement, total_line_costs

LINES = ("TO", "GENMED", "ED", "MAT")
SERVICE_LINES = pd.DataFrame({"line_id": LINES, "line_name": LINES})
INCOME = (5_200_000, 6_000_000, 3_150_000, 3_300_000)
DIRECT = (3_400_000, 4_300_000, 2_500_000, 2_650_000)
INDIRECT = (1_180_000, 1_140_000, 325_000, 320_000)
PRIMARY = {"ESTATES": 800_000, "IT": 640_000, "HR": 340_000}
USES = {
    "ESTATES": {"IT": 10, "HR": 10, "TO": 20, "GENMED": 30, "ED": 10, "MAT": 20},
    "IT": {"ESTATES": 10, "HR": 20, "TO": 15, "GENMED": 25, "ED": 20, "MAT": 10},
    "HR": {"ESTATES": 20, "IT": 10, "TO": 20, "GENMED": 30, "ED": 10, "MAT": 10},
}
COST_COLUMNS = ["line_id", "tier", "element", "source_department", "amount_pence"]


def make_income(pounds=INCOME) -> pd.DataFrame:
    rows = [(line, "I1", "EL", 100 * amount) for line, amount in zip(LINES, pounds, strict=True)]
    return pd.DataFrame(rows, columns=["line_id", "row_id", "pod", "amount_pence"])


def share_overheads(method: str, order=()) -> pd.DataFrame:
    departments = pd.DataFrame(
        {
            "department_id": [*PRIMARY, *LINES],
            "kind": ["service"] * 3 + ["clinical"] * 4,
        }
    )
    drivers = pd.DataFrame(
        [(k, c, "units", float(q), "base") for k, used in USES.items() for c, q in used.items()],
        columns=["service_department", "consumer_department", "driver", "quantity", "driver_set"],
    )
    costs = pd.DataFrame(
        [(k, "service", "PAY_OTHER", 100 * v) for k, v in PRIMARY.items()],
        columns=["department_id", "kind", "element", "amount_pence"],
    )
    use = build_use(drivers, departments)
    shares = resolve_shares(use, method=method, order=order)
    return allocate_overheads(costs, use, shares, method=method)


def make_costs(allocation: pd.DataFrame) -> pd.DataFrame:
    rows = [(n, "direct", "PAY_MEDICAL", n, 100 * v) for n, v in zip(LINES, DIRECT, strict=True)]
    rows += [
        (n, "indirect", "PAY_NURSING", "WARDS", 100 * v)
        for n, v in zip(LINES, INDIRECT, strict=True)
    ]
    rows += [
        (row.department_id, "overhead", row.element, row.service_id, row.amount_pence)
        for row in allocation.itertuples()
    ]
    return pd.DataFrame(rows, columns=COST_COLUMNS)


def get_row(statement: pd.DataFrame, row_id: str) -> dict[str, int]:
    return statement[statement["row_id"] == row_id].set_index("line_id")["amount_pence"].to_dict()


@pytest.mark.parametrize(
    ("method", "order", "pounds"),
    [
        ("reciprocal", (), (180_000.00, -120_000.00, 5_000.00, -10_000.00)),
        ("direct", (), (185_714.29, -114_285.71, -6_428.57, -10_000.00)),
        ("step_down", ("ESTATES", "IT", "HR"), (174_285.71, -128_571.43, 2_142.86, 7_142.86)),
    ],
)
def test_each_lines_surplus_under_three_methods(method, order, pounds):
    costs = make_costs(share_overheads(method, order))
    statement = build_statement(costs, make_income(), SERVICE_LINES)
    surplus = get_row(statement, "T4")
    # pence close service by service, so up to 1.5 pence from the rounded total
    assert [surplus[line] for line in LINES] == pytest.approx([100 * v for v in pounds], abs=2)
    assert surplus["TRUST"] == 5_500_000
    # contribution = income - direct - indirect, the same under every method
    contribution = get_row(statement, "T2")
    assert [contribution[line] for line in LINES] == [
        62_000_000,
        56_000_000,
        32_500_000,
        33_000_000,
    ]


def test_capital_charges_of_every_tier_are_in_c4_only():
    costs = pd.DataFrame(
        [
            ("TO", "direct", "PAY_MEDICAL", "MED_TO", 600),
            ("TO", "direct", "DEPRECIATION", "MED_TO", 40),
            ("TO", "indirect", "PAY_NURSING", "WARD", 100),
            ("TO", "overhead", "PAY_OTHER", "ESTATES", 50),
            ("TO", "overhead", "PDC", "ESTATES", 7),
        ],
        columns=COST_COLUMNS,
    )
    statement = build_statement(costs, make_income((10, 0, 0, 0)), SERVICE_LINES)
    line = statement[statement["line_id"] == "TO"].set_index("row_id")["amount_pence"]
    # income 1,000; C1 600, C2 100, C3 50, C4 40 + 7
    rows = ["I", "C1", "T1", "C2", "T2", "C3", "T3", "C4", "T4"]
    assert line[rows].tolist() == [1_000, 600, 400, 100, 300, 50, 250, 47, 203]
    assert line[["C1:PAY_MEDICAL", "C4:DEPRECIATION", "C4:PDC", "C3:ESTATES"]].tolist() == [
        600,
        40,
        7,
        50,
    ]
    assert "C1:DEPRECIATION" not in line


def test_unmatched_cost_is_inside_its_line_and_shown_again():
    costs = pd.DataFrame(
        [
            ("MAT", "indirect", "DRUGS", "PHARMACY", 900),
            ("UNMATCHED:MAT", "indirect", "DRUGS", "PHARMACY", 100),
            ("UNMATCHED:UNMAPPED", "indirect", "DRUGS", "PHARMACY", 30),
        ],
        columns=COST_COLUMNS,
    )
    statement = build_statement(costs, make_income(), SERVICE_LINES)
    assert get_row(statement, "C2")["MAT"] == 1_000
    assert get_row(statement, "U") == {
        "TO": 0, "GENMED": 0, "ED": 0, "MAT": 100, "UNMAPPED": 30, "ET": 0, "RD": 0, "OTHER": 0,
        "EXCLUDED": 0, "NOT_ATTRIBUTED": 0, "TRUST": 130,
    }  # fmt: skip


def test_special_columns_follow_the_lines_and_the_trust_is_their_sum():
    costs = pd.DataFrame(
        [
            ("ET", "direct", "PAY_OTHER", "ET_DEPT", 38_000),
            ("RD", "direct", "PAY_OTHER", "RD_DEPT", 15_000),
        ],
        columns=COST_COLUMNS,
    )
    income = pd.DataFrame(
        [("ET", "I5", "", 40_000), ("RD", "I5", "", 12_000), ("NOT_ATTRIBUTED", "I1", "", -500)],
        columns=["line_id", "row_id", "pod", "amount_pence"],
    )
    statement = build_statement(costs, income, SERVICE_LINES)
    assert statement["line_id"].drop_duplicates().tolist() == [
        *LINES, "ET", "RD", "OTHER", "EXCLUDED", "NOT_ATTRIBUTED", "TRUST",
    ]  # fmt: skip
    surplus = get_row(statement, "T4")
    # E&T 400 - 380 = +20; R&D 120 - 150 = -30; -5 not attributed
    assert (surplus["ET"], surplus["RD"], surplus["NOT_ATTRIBUTED"]) == (2_000, -3_000, -500)
    assert surplus["TRUST"] == -1_500


def test_rows_come_in_the_order_of_reading():
    statement = build_statement(make_costs(share_overheads("direct")), make_income(), SERVICE_LINES)
    line = statement[statement["line_id"] == "TO"]["row_id"].tolist()
    assert line == [
        "I1", "I2", "I3", "I4", "I5", "I", "C1", "C1:PAY_MEDICAL", "T1", "C2", "C2:PAY_NURSING",
        "T2", "C3", "C3:ESTATES", "C3:HR", "C3:IT", "T3", "C4", "T4", "U",
    ]  # fmt: skip


def test_lines_costs_are_the_pools_added_up():
    pools = pd.DataFrame(
        [("P1", "TO", 60), ("P2", "TO", 40), ("P2", "MAT", 5), ("P3", "MAT", -5)],
        columns=["pool_id", "line_id", "amount_pence"],
    ).assign(tier="direct", element="DRUGS", source_department="PHARMACY")
    found = total_line_costs(pools)
    assert found[["line_id", "amount_pence"]].to_numpy().tolist() == [["TO", 100]]


def test_the_oracle_teaching_and_research_stand_beside_the_lines():
    """Teaching earns 400,000 and costs 380,000, research 120,000 and 150,000: -10,000 together."""
    beside = pd.DataFrame(
        [("ET", "I5", "", 40_000_000), ("RD", "I5", "", 12_000_000)],
        columns=["line_id", "row_id", "pod", "amount_pence"],
    )
    cost = pd.DataFrame(
        [
            ("ET", "direct", "PAY_MEDICAL", "ET", 38_000_000),
            ("RD", "direct", "PAY_OTHER", "RD", 15_000_000),
        ],
        columns=COST_COLUMNS,
    )
    statement = build_statement(
        pd.concat([make_costs(share_overheads("reciprocal")), cost]),
        pd.concat([make_income(), beside]),
        SERVICE_LINES,
    )
    surplus = get_row(statement, "T4")
    assert (surplus["ET"], surplus["RD"]) == (2_000_000, -3_000_000)
    # The lines' own 55,000 does not move; the trust has 55,000 - 10,000 = 45,000.
    assert sum(surplus[line] for line in LINES) == pytest.approx(5_500_000, abs=1)
    assert surplus["TRUST"] == pytest.approx(4_500_000, abs=1)
