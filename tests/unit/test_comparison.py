"""Beside plan and the year before; and the bridge between two years."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.costing.comparison import build_bridge, compare_lines, explain_cells
from helpers.errors import InputError
from helpers.run import open_run
from helpers.sources.prior import read_prior

ROWS = ("I", "C1", "C2", "C3", "C4")


def statement(**lines: tuple[int, ...]) -> pd.DataFrame:
    """A statement of lines given as income, direct, indirect, overhead, capital."""
    rows = []
    for line, amounts in lines.items():
        income, direct, indirect, overhead, capital = amounts
        values = dict(zip(ROWS, amounts, strict=True))
        values["T2"] = income - direct - indirect
        values["T4"] = values["T2"] - overhead - capital
        rows += [(line, row, value) for row, value in values.items()]
    return pd.DataFrame(rows, columns=["line_id", "row_id", "amount_pence"])


def hrgs(*rows: tuple) -> pd.DataFrame:
    names = ["line_id", "pod", "hrg", "n_cases", "income_pence", "controllable_pence"]
    return pd.DataFrame(rows, columns=names)


def test_a_line_beside_its_plan():
    plan = pd.DataFrame(
        {"line_id": ["TO", "TO"], "month": [1, 2], "income_pence": [50, 60], "direct_pence": [20, 20],
         "indirect_pence": [10, 15]}
    )  # fmt: skip
    found = compare_lines(statement(TO=(120, 45, 20, 9, 1)), {"plan": plan}, {"TO"})
    rows = found.set_index("measure")
    assert found["basis"].eq("plan").all()
    # Contribution: 120 - 45 - 20 = 55 against 110 - 40 - 25 = 45
    assert rows["difference_pence"].to_dict() == {
        "income": 10, "direct": 5, "indirect": -5, "contribution": 10,
    }  # fmt: skip


def test_a_plan_for_a_line_that_does_not_exist_is_refused():
    plan = pd.DataFrame(
        {
            "line_id": ["XX"],
            "month": [1],
            "income_pence": [50],
            "direct_pence": [1],
            "indirect_pence": [1],
        }
    )
    with pytest.raises(InputError, match=r"plan, column line_id: 1 of 1 rows.*XX") as stopped:
        compare_lines(statement(TO=(1, 0, 0, 0, 0)), {"plan": plan}, {"TO"})
    assert stopped.value.rule == "PLAN-001"


def test_without_plan_and_year_before_there_is_nothing_to_compare():
    now = statement(TO=(1, 0, 0, 0, 0))
    assert compare_lines(now, {}, {"TO"}).empty
    assert build_bridge(now, hrgs(("TO", "EL", "A", 1, 1, 0)), {}).empty


def test_a_bridge_worked_by_hand():
    # Last year: A 10 cases at 100 income, 80 cost; B 10 at 200, 190. Mean margin (200 + 100) / 20 = 15.
    # This year: A 15 cases at 110, 84; B 8 at 200, 200; C, new, 1 at 50, 20.
    before = hrgs(("TO", "EL", "A", 10, 1_000, 800), ("TO", "EL", "B", 10, 2_000, 1_900))
    after = hrgs(
        ("TO", "EL", "A", 15, 1_650, 1_260),
        ("TO", "EL", "B", 8, 1_600, 1_600),
        ("TO", "EL", "C", 1, 50, 20),
    )
    frames = {
        "prior_service_line_statement": statement(TO=(3_000, 2_000, 700, 100, 50)),
        "prior_line_hrgs": before,
    }
    now = statement(TO=(3_310, 2_100, 790, 130, 40))
    found = build_bridge(now, after, frames).iloc[0]
    assert (found["before_pence"], found["after_pence"]) == (150, 250)
    assert found["price_pence"] == 15 * 10  # A earns 10 more a case
    assert found["unit_cost_pence"] == -(15 * 4 + 8 * 10)
    assert found["volume_pence"] == (24 - 20) * 15
    # A: +5 x 20; B: -2 x 10; C: +30; less the 60 that volume alone would give.
    assert found["mix_pence"] == 100 - 20 + 30 - 60
    assert found["overhead_pence"] == (100 + 50) - (130 + 40)
    # Change 100 = 150 - 140 + 60 + 50 - 20 + other
    assert found["other_pence"] == 0


CASES = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(0, 40), st.integers(0, 10**8), st.integers(0, 10**8)),
    unique_by=lambda row: row[0], max_size=3,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(CASES, CASES)
def test_the_terms_add_up_whatever_the_years(first, second):
    before, after = (hrgs(*(("TO", "EL", *row) for row in year)) for year in (first, second))
    terms = explain_cells(before, after).sum(axis=1).sum()
    change = sum(i - k for _, _, i, k in second) - sum(i - k for _, _, i, k in first)
    assert terms == pytest.approx(change, abs=0.01)
    if second:
        frames = {
            "prior_service_line_statement": statement(TO=(7, 5, 0, 1, 1)), "prior_line_hrgs": before,
        }  # fmt: skip
        row = build_bridge(statement(TO=(9, 1, 2, 3, 1)), after, frames).iloc[0]
        parts = [f"{t}_pence" for t in ("price", "volume", "mix", "unit_cost", "overhead", "other")]
        assert row["before_pence"] + row[parts].sum() == row["after_pence"]


def test_last_years_report_is_read_where_all_its_tables_stand(tmp_path):
    run = open_run(trust="XYZ", year="2024-25", data=tmp_path / "data", out=tmp_path / "out")
    assert read_prior(run) == {}
    folder = tmp_path / "out" / "XYZ" / "2023-24" / "tables"
    folder.mkdir(parents=True)
    statement(TO=(1, 0, 0, 0, 0)).to_parquet(folder / "service_line_statement.parquet")
    assert read_prior(run) == {}
    hrgs(("TO", "EL", "A", 1, 1, 0)).to_parquet(folder / "line_hrgs.parquet")
    assert set(read_prior(run)) == {"prior_service_line_statement", "prior_line_hrgs"}
