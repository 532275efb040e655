"""Closing a line: what is shed, what is stranded, and who then bears it."""

from __future__ import annotations

import four_lines
import numpy as np
import pandas as pd
import pytest

from helpers.costing.overheads import Use
from helpers.costing.removals import find_shares_without_lines
from helpers.subsidy.behaviour import HORIZONS, find_behaviour, total_services
from helpers.subsidy.closure import close_lines, find_bounds, rerun_without_lines, total_avoidable
from helpers.subsidy.position import build_position

SERVICES = tuple(four_lines.USE)
LINES = tuple(four_lines.LINES)
MOVES = {"ESTATES": 0.10, "IT": 0.30, "HR": 0.40, "OWN": 0.85, "SHARED": 0.30}
# Long-run: all direct and indirect cost goes; overheads move no more than before.
LONG = MOVES | {"OWN": 1.0, "SHARED": 1.0}


def line_costs():
    """The four lines with overheads by service: 800,000 x 473/1890 of ESTATES in T&O, and so on."""
    own = [
        (line, tier, source, pounds * 100)
        for tier, source, amounts in (
            ("direct", "OWN", four_lines.DIRECT),
            ("indirect", "SHARED", four_lines.INDIRECT),
        )
        for line, pounds in zip(LINES, amounts, strict=True)
    ]
    overhead = four_lines.overhead_allocation()
    rows = own + [
        (line, "overhead", service, pence)
        for line, service, pence in zip(
            overhead["department_id"],
            overhead["service_id"],
            overhead["amount_pence"],
            strict=True,
        )
    ]
    frame = pd.DataFrame(rows, columns=["line_id", "tier", "source_department", "amount_pence"])
    return frame.assign(element="PAY_OTHER")


def position():
    lines = build_position(four_lines.statement(), four_lines.service_lines(), line_costs())
    overhead = overhead_by_line()
    lines["full_cost_pence"] += lines["line_id"].map(overhead) - lines["overhead_pence"]
    lines["surplus_pence"] = lines["income_pence"] - lines["full_cost_pence"]
    return lines


def overhead_by_line():
    costs = line_costs()
    return costs[costs["tier"] == "overhead"].groupby("line_id")["amount_pence"].sum()


def behaviour():
    rows = [(name, "PAY_OTHER", share, share, LONG[name]) for name, share in MOVES.items()]
    return pd.DataFrame(rows, columns=["department_id", "element", *HORIZONS])


def services():
    return total_services(behaviour(), four_lines.department_costs())


def use(uses=four_lines.USE, finals=LINES):
    names = (*uses, *finals)
    quantity = np.array([[float(uses[k].get(c, 0)) for c in names] for k in uses])
    return Use(tuple(uses), tuple(finals), quantity)


def passes(finals=LINES):
    return pd.DataFrame({"department_id": finals, "line_id": finals, "share_prop": 1.0})


def closed():
    return close_lines(
        position(), total_avoidable(line_costs(), behaviour(), services()), overhead_by_line()
    )


def of_line(table, line, horizon="12m"):
    return table[(table["line_id"] == line) & (table["horizon"] == horizon)].iloc[0]


def test_closing_maternity_sheds_less_than_it_earns():
    mat = of_line(closed(), "MAT")
    # 0.85 x 2,650,000; 0.30 x 320,000; 0.10 x 185,396.83 + 0.30 x 99,555.56 + 0.40 x 55,047.62
    assert mat["avoidable_direct_pence"] == 225_250_000
    assert mat["avoidable_indirect_pence"] == 9_600_000
    assert mat["avoidable_overhead_pence"] == pytest.approx(7_042_540, abs=1)
    assert mat["avoidable_pence"] == pytest.approx(241_892_540, abs=1)
    assert mat["stranded_pence"] == pytest.approx(89_107_460, abs=1)
    # +10,000 deficit gone, 891,074.60 stranded: the trust is 881,074.60 worse off
    assert mat["trust_effect_pence"] == pytest.approx(-88_107_460, abs=1)
    assert mat["trust_effect_pence"] == -mat["surplus_pence"] - mat["stranded_pence"]
    # 2,650,000 - 2,252,500 + 320,000 - 96,000 of maternity's own cost stays in the middle
    assert mat["central_pence"] == pytest.approx(62_150_000, abs=1)
    # of 3,300,000 income, 881,074.60 is more than what moves with it
    assert mat["marginal_prop"] == pytest.approx(0.266992, abs=1e-6)


def test_the_other_lines_bear_the_overheads_that_maternity_leaves():
    without = find_shares_without_lines(use(), passes(), method="reciprocal", order=())
    avoidable = total_avoidable(line_costs(), behaviour(), services())
    lines = rerun_without_lines(position(), overhead_by_line(), avoidable, services(), without)
    after = lines[(lines["closed_line_id"] == "MAT") & (lines["horizon"] == "12m")]
    after = after.set_index("line_id")
    expected = {"TO": 52_510_508, "GENMED": 81_003_418, "ED": 37_443_534, "CENTRAL": 0}
    assert after["after_pence"].to_dict() == pytest.approx(expected, abs=1)
    # 1,780,000 - 70,425.40
    assert after["after_pence"].sum() == pytest.approx(170_957_460, abs=1)
    expected = {"TO": 9_489_492, "GENMED": -25_003_418, "ED": -4_943_534}
    assert after["surplus_after_pence"].dropna().to_dict() == pytest.approx(expected, abs=2)
    # 55,000 - 881,074.60 = 94,894.92 - 250,034.18 - 49,435.34 - 621,500
    trust = after["surplus_after_pence"].sum() - of_line(closed(), "MAT")["central_pence"]
    assert trust == 5_500_000 + of_line(closed(), "MAT")["trust_effect_pence"]


def test_no_line_is_strictly_subsidised_or_funding():
    bounds = find_bounds(position(), line_costs(), closed(), services())
    expected = {
        "TO": (334_524_021, 605_324_021, 468_124_021),
        "GENMED": (415_450_265, 696_950_265, 559_750_265),
        "ED": (230_133_175, 427_583_175, 290_383_175),
        "MAT": (241_892_540, 441_242_540, 304_042_540),
    }
    for line, (incremental, alone, long_run) in expected.items():
        row = of_line(bounds, line)
        assert row["incremental_pence"] == pytest.approx(incremental, abs=1)
        assert row["standalone_pence"] == pytest.approx(alone, abs=1)
        assert of_line(bounds, line, "long")["incremental_pence"] == pytest.approx(long_run, abs=1)
    assert (bounds["verdict"] == "within").all()


def test_a_line_outside_the_bounds_is_named():
    lines = position().set_index("line_id")
    lines.loc["MAT", "income_pence"] = 241_892_539  # a penny below what would be shed
    lines.loc["TO", "income_pence"] = 605_324_023
    lines = lines.reset_index()
    table = close_lines(
        lines, total_avoidable(line_costs(), behaviour(), services()), overhead_by_line()
    )
    bounds = find_bounds(lines, line_costs(), table, services())
    verdicts = bounds[bounds["horizon"] == "12m"].set_index("line_id")["verdict"].to_dict()
    assert verdicts == {"ED": "within", "GENMED": "within", "MAT": "subsidised", "TO": "funder"}


def test_a_shared_department_shrinks_by_the_closed_lines_part():
    """Estates: WARD 60 m2, half A and half B; CLINIC 30, all B; OFFICE 10, research."""
    uses = {"ESTATES": {"WARD": 60, "CLINIC": 30, "OFFICE": 10}}
    shares = pd.DataFrame(
        {
            "department_id": ["WARD", "WARD", "CLINIC", "OFFICE"],
            "line_id": ["A", "UNMATCHED:B", "B", "RD"],
            "share_prop": [0.5, 0.5, 1.0, 1.0],
        }
    )
    found = find_shares_without_lines(
        use(uses, ("WARD", "CLINIC", "OFFICE")), shares, method="reciprocal", order=()
    )
    by_line = found.set_index(["closed_line_id", "line_id"])["share_prop"].to_dict()
    # Without A the ward is 30 of 70; without B it is 30 of 40, and the clinic is gone.
    assert by_line == pytest.approx(
        {("A", "B"): 60 / 70, ("A", "RD"): 10 / 70, ("B", "A"): 30 / 40, ("B", "RD"): 10 / 40}
    )


@pytest.mark.parametrize("method", ["reciprocal", "direct", "step_down"])
def test_a_service_that_served_the_closed_line_alone_stays_in_the_middle(method):
    uses = {"SCANS": {"A": 5, "OFFICE": 2}, "OFFICE": {"SCANS": 3}, "HR": {"A": 1, "B": 1}}
    found = find_shares_without_lines(
        use(uses, ("A", "B")), passes(("A", "B")), method=method, order=("OFFICE", "SCANS", "HR")
    )
    without = found[found["closed_line_id"] == "A"].set_index(["service_id", "line_id"])
    assert without["share_prop"].to_dict() == pytest.approx(
        {("SCANS", "CENTRAL"): 1.0, ("OFFICE", "CENTRAL"): 1.0, ("HR", "B"): 1.0}
    )


def test_shares_of_codes_are_weighted_by_their_cost():
    ledger = pd.DataFrame(
        {
            "cost_centre": "4001",
            "expense_code": ["5101", "5102", "4101"],
            "amount_pence": [300, 100, -9],
        }
    )
    centres = pd.DataFrame({"cost_centre": ["4001"], "department_id": ["WARD"]})
    codes = pd.DataFrame(
        {
            "expense_code": ["5101", "5102", "4101"],
            "account_type": ["expenditure", "expenditure", "clinical_income"],
            "element": ["PAY_NURSING", "PAY_NURSING", ""],
            "variable_share_12m": [0.2, 1.0, np.nan],
            "variable_share_3y": [np.nan, 1.0, np.nan],
            "variable_share_long": [1.0, 1.0, np.nan],
        }
    )
    found = find_behaviour(ledger, centres, codes).iloc[0]
    # (300 x 0.2 + 100 x 1) / 400; a blank does not move: 100 / 400; all of it in the long run
    assert found[list(HORIZONS)].tolist() == [0.4, 0.25, 1.0]
