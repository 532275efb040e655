"""Who funds whom: volumes, the matrix, and whole pence in both directions."""

from __future__ import annotations

import four_lines
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.subsidy.funding import (
    build_funding_lines,
    build_funding_matrix,
    build_totals,
    measure_volumes,
    share_both_ways,
)


def lines(surplus_pence, income_pence=0):
    names = [f"L{n:02d}" for n in range(len(surplus_pence))]
    return pd.DataFrame(
        {
            "line_id": pd.Series(names, dtype="str"),
            "line_name": pd.Series(names, dtype="str"),
            "income_pence": pd.Series([income_pence] * len(names), dtype="int64"),
            "surplus_pence": pd.Series(surplus_pence, dtype="int64"),
        }
    )


def four():
    """T&O +180,000; GENMED -120,000; ED +5,000; MAT -10,000."""
    frame = lines([18_000_000, -12_000_000, 500_000, -1_000_000])
    frame["line_id"] = four_lines.LINES
    frame["income_pence"] = [pounds * 100 for pounds in four_lines.INCOME]
    return frame


def test_volume_is_the_smaller_of_surpluses_and_deficits():
    # G = 180,000 + 5,000; D = 120,000 + 10,000; V = 130,000; 55,000 is left over
    assert measure_volumes(four()["surplus_pence"]) == {
        "surpluses": 18_500_000,
        "deficits": 13_000_000,
        "volume": 13_000_000,
        "retained": 5_500_000,
        "unfunded": 0,
        "net": 5_500_000,
    }


def test_rate_is_volume_over_the_lines_income():
    totals = build_totals(four(), basis="lines", words="").set_index("measure")
    # 130,000 / 17,650,000
    assert totals.loc["volume", "income_prop"] == pytest.approx(0.007365, abs=5e-7)


def test_a_wider_set_of_columns_has_names_of_its_own():
    totals = build_totals(four(), basis="with_others", words="research as a column")
    assert "volume@with_others" in totals["measure"].tolist()
    assert totals["label"].str.endswith("research as a column").all()


def test_matrix_splits_in_proportion_to_the_penny():
    matrix = build_funding_matrix(four()).set_index(["funder_line_id", "receiver_line_id"])
    # T&O gives 130,000 x 180/185 = 126,486.49, of which GENMED gets 120/130
    assert matrix["amount_pence"].to_dict() == {
        ("ED", "GENMED"): 324_324,
        ("ED", "MAT"): 27_027,
        ("TO", "GENMED"): 11_675_676,
        ("TO", "MAT"): 972_973,
    }


def test_what_funders_keep_is_their_surplus_less_their_gift():
    found = build_funding_lines(four(), build_funding_matrix(four())).set_index("line_id")
    assert found["retained_pence"].to_dict() == {
        "TO": 5_351_351, "GENMED": 0, "ED": 148_649, "MAT": 0,
    }  # fmt: skip
    assert found["received_pence"].to_dict() == {
        "TO": 0, "GENMED": 12_000_000, "ED": 0, "MAT": 1_000_000,
    }  # fmt: skip
    assert (found["unfunded_pence"] == 0).all()


def test_deficits_above_surpluses_are_left_unfunded_in_proportion():
    frame = lines([100, -300, -100])
    matrix = build_funding_matrix(frame)
    # 100 pence over 300:100
    assert matrix["amount_pence"].tolist() == [75, 25]
    found = build_funding_lines(frame, matrix)
    assert found["unfunded_pence"].tolist() == [0, 225, 75]


@pytest.mark.parametrize("surplus", [[], [0, 0], [5, 7], [-5, -7], [0, -7]])
def test_no_funding_without_both_sides(surplus):
    assert build_funding_matrix(lines(surplus)).empty


def test_rows_and_columns_must_hold_the_same_total():
    with pytest.raises(ValueError, match="same total"):
        share_both_ways([3], [4])


PENCE = st.integers(min_value=-(10**12), max_value=10**12) | st.integers(-3, 3)


@given(st.lists(PENCE, max_size=12))
def test_rows_columns_and_remainders_hold_to_the_penny(surplus):
    frame = lines(surplus)
    matrix = build_funding_matrix(frame)
    found = build_funding_lines(frame, matrix)
    above, below = found["surplus_pence"].clip(lower=0), (-found["surplus_pence"]).clip(lower=0)
    volume = min(above.sum(), below.sum())
    assert matrix["amount_pence"].sum() == volume
    assert (matrix["amount_pence"] >= 0).all()
    assert (found[["retained_pence", "unfunded_pence"]] >= 0).all(axis=None)
    assert found["retained_pence"].sum() == above.sum() - volume
    assert found["unfunded_pence"].sum() == below.sum() - volume


TOTALS = st.lists(st.integers(0, 10**10) | st.integers(0, 4), min_size=1, max_size=8)


@given(TOTALS, TOTALS)
def test_cells_stay_within_pence_of_their_exact_share(rows, columns):
    # Make both add up to the same: the shorter side takes the difference in a last entry.
    gap = sum(rows) - sum(columns)
    rows, columns = [*rows, max(-gap, 0)], [*columns, max(gap, 0)]
    cells = share_both_ways(rows, columns)
    assert [sum(line) for line in cells] == rows
    assert [sum(line[j] for line in cells) for j in range(len(columns))] == columns
    total = sum(rows)
    for row, line in zip(rows, cells, strict=True):
        for column, cell in zip(columns, line, strict=True):
            assert cell >= 0
            if total:
                assert abs(cell - row * column / total) <= len(rows) + len(columns) + 1e-3
