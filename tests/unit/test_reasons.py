"""Why a line is where it is: parts that add up."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.engine import open_engine
from helpers.report.figures.reasons import plot_reasons
from helpers.report.tables.reasons import arrange_hrgs, arrange_reasons
from helpers.report.words.reasons import (
    describe_capital,
    describe_contract_gap,
    describe_duties,
    describe_hrgs,
    describe_reasons,
)
from helpers.subsidy.reasons import (
    PARTS,
    check_reasons,
    compare_hrgs,
    explain_lines,
    total_cases,
    total_rest,
)

COLUMNS = {
    "line_id": "TO", "event_kind": "op", "spell_id": None, "event_id": "", "hrg": "WF01A",
    "hrg_spell": None, "pod": "OPFA", "spell_pod": None, "completion": None, "income_pence": 0,
    "full_cost_pence": 0, "below_ebitda_pence": 0,
}  # fmt: skip
BENCHMARKS = pd.DataFrame({"hrg": ["HN22C"], "pod": ["EL"], "national_mean_cost_pence": [480_000]})


def events(*rows):
    frame = pd.DataFrame([COLUMNS | row for row in rows])
    texts = [
        "line_id",
        "event_kind",
        "spell_id",
        "event_id",
        "hrg",
        "hrg_spell",
        "pod",
        "spell_pod",
    ]
    return frame.astype(dict.fromkeys(texts, "str")).astype({"completion": "Int64"})


def cases(*rows, critical=()):
    db = open_engine("duckdb")
    db.add_frame("patient_events", events(*rows))
    db.add_frame("critical_spells", pd.DataFrame({"spell_id": pd.Series(critical, dtype="str")}))
    return total_cases(db)


def spell(number, line="TO", income=500_000, cost=530_000, **more):
    return {
        "event_kind": "episode", "spell_id": f"S{number}", "event_id": f"S{number}-{line}",
        "hrg_spell": "HN22C", "hrg": "HN22C", "pod": "EL", "spell_pod": "EL", "completion": 1,
        "line_id": line, "income_pence": income, "full_cost_pence": cost, **more,
    }  # fmt: skip


def position(**surplus):
    return pd.DataFrame(
        {
            "line_id": list(surplus), "line_name": list(surplus), "surplus_pence": surplus.values(),
            "full_cost_pence": 53_000_000,
        }
    )  # fmt: skip


def service_lines(*lines, duty="none"):
    return pd.DataFrame({"line_id": lines, "population_obligation": duty})


def test_the_oracle_price_national_and_cost():
    # 100 cases at 5,000; national 4,800 x 1.05 = 5,040; cost 5,300; contract 20,000 short
    found = cases(*[spell(n) for n in range(100)])
    hrgs = compare_hrgs(found, BENCHMARKS, mff=1.05)
    lines = position(TO=-3_000_000)
    gaps = pd.Series({"TO": -2_000_000})
    reason = explain_lines(lines, found, hrgs, service_lines("TO"), gaps).iloc[0]
    assert reason["price_gap_pence"] == -400_000
    assert reason["cost_gap_pence"] == -2_600_000
    assert reason["contract_gap_pence"] == -2_000_000
    # as contracted: 480,000 - 530,000 = -50,000 = -20,000 - 4,000 - 26,000
    assert reason["surplus_pence"] + reason["contract_gap_pence"] == -5_000_000
    assert reason["rest_pence"] == 0
    assert reason["compared_prop"] == 1


def test_a_spell_of_two_lines_counts_for_each_by_its_part_of_the_price():
    found = cases(
        spell(1, "TO", income=300_000, cost=200_000),
        spell(1, "GERI", income=200_000, cost=330_000),
    )
    hrgs = compare_hrgs(found, BENCHMARKS, mff=1.0).set_index("line_id")
    assert hrgs["n_cases"].to_dict() == {"TO": 0.6, "GERI": 0.4}
    assert hrgs["national_pence"].to_dict() == {"TO": 288_000, "GERI": 192_000}
    # 300,000 - 288,000 + 288,000 - 200,000
    assert hrgs.at["TO", "price_gap_pence"] + hrgs.at["TO", "cost_gap_pence"] == 100_000


def test_what_cannot_be_compared_has_rows_of_its_own():
    found = cases(
        spell(1),
        spell(2, pod="PRIV", spell_pod="PRIV", income=900_000, cost=600_000),
        spell(3, completion=2, income=500_000, cost=100_000),
        spell(4, completion=3, income=0, cost=250_000),
        spell(5, income=0, cost=40_000),
        {"event_id": "OP1", "income_pence": 20_000, "full_cost_pence": 15_000},
    )
    hrgs = compare_hrgs(found, BENCHMARKS, mff=1.0)
    # 20,000 - 40,000 of cost that no patient caused stands in the line besides
    surplus = -30_000 + 300_000 + 400_000 - 250_000 - 40_000 + 5_000 - 20_000
    reason = explain_lines(position(TO=surplus), found, hrgs, service_lines("TO"), None).iloc[0]
    assert reason["price_gap_pence"] == 20_000
    assert reason["cost_gap_pence"] == -50_000
    assert reason["private_pence"] == 300_000
    assert reason["part_year_pence"] == 400_000 - 250_000
    assert reason["unpriced_pence"] == -40_000
    assert reason["no_benchmark_pence"] == 5_000
    assert reason["rest_pence"] == -20_000
    assert reason[list(PARTS)].sum() == surplus
    assert pd.isna(reason["contract_gap_pence"])


def test_a_spell_with_critical_care_is_not_compared_with_spells_without():
    # Spell 2 was also in critical care: 5,000 by the spell and 1,200 by the day, for 9,000 of cost
    found = cases(spell(1), spell(2, income=500_000, cost=900_000), critical=["S2"])
    hrgs = compare_hrgs(found, BENCHMARKS, mff=1.0)
    assert hrgs["n_cases"].tolist() == [1.0]
    surplus = -30_000 + 500_000 + 120_000 - 900_000
    by_the_day = pd.Series({"TO": 120_000})
    reason = explain_lines(
        position(TO=surplus), found, hrgs, service_lines("TO"), None, by_the_day
    ).iloc[0]
    assert reason["critical_pence"] == -280_000
    assert reason["price_gap_pence"] == 20_000  # 5,000 against 4,800, of spell 1 alone
    assert reason["cost_gap_pence"] == -50_000
    assert reason["rest_pence"] == 0
    assert reason["compared_cost_pence"] == 530_000


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["TO", "MAT"]),
            st.sampled_from(["HN22C", "ZZ99Z"]),
            st.integers(1, 10**7),
            st.integers(-(10**5), 10**7),
            st.integers(1, 3),
        ),
        min_size=1,
        max_size=12,
    ),
    st.floats(0.9, 1.3),
    st.integers(-(10**9), 10**9),
)
def test_the_parts_always_add_up_to_the_penny(rows, mff, rest):
    found = cases(
        *[
            spell(n % 4, line, income, cost, hrg_spell=hrg, event_id=f"E{n}", completion=state)
            for n, (line, hrg, income, cost, state) in enumerate(rows)
        ]
    )
    hrgs = compare_hrgs(found, BENCHMARKS, mff=mff)
    margin = (found["income_pence"] - found["cost_pence"]).groupby(found["line_id"]).sum()
    lines = position(**{line: int(margin.get(line, 0)) + rest for line in ("TO", "MAT")})
    reasons = explain_lines(lines, found, hrgs, service_lines("TO", "MAT"), None)
    assert (reasons[list(PARTS)].sum(axis=1) == reasons["surplus_pence"]).all()
    assert (reasons["rest_pence"] == rest).all()


def tables(unmatched):
    income = pd.DataFrame({"line_id": ["TO"], "amount_pence": [500_000]})
    costs = pd.DataFrame({"line_id": ["TO", "UNMATCHED:TO"], "amount_pence": [530_000, unmatched]})
    activity = pd.DataFrame({"line_id": ["TO"], "income_pence": [500_000], "cost_pence": [530_000]})
    return total_rest(income, costs, activity)


def test_the_rest_is_found_a_second_way_and_a_difference_is_seen():
    found = cases(spell(1))
    lines = position(TO=-30_000 - 7_000)
    hrgs = compare_hrgs(found, BENCHMARKS, mff=1.0)
    reasons = explain_lines(lines, found, hrgs, service_lines("TO"), None)
    good = check_reasons(reasons, found, lines, tables(7_000))
    assert (good["left_pence"] == good["right_pence"]).all()
    bad = check_reasons(reasons, found, lines, tables(6_999))
    assert (bad["left_pence"] != bad["right_pence"]).all()


def told(price_gap=-400_000, cost_gap=-2_600_000, duty="none", gap=None):
    found = cases(*[spell(n) for n in range(100)])
    hrgs = compare_hrgs(found, BENCHMARKS, mff=1.05)
    gaps = None if gap is None else pd.Series({"TO": gap})
    reasons = explain_lines(
        position(TO=-3_000_000), found, hrgs, service_lines("TO", duty=duty), gaps
    )
    return reasons.assign(price_gap_pence=price_gap, cost_gap_pence=cost_gap), hrgs


def test_words_say_whether_price_or_cost_is_the_larger_reason():
    assert "it is cost" in describe_reasons(told()[0])
    assert "the price is the larger reason" in describe_reasons(told(-2_600_000, -400_000)[0])
    assert "no benchmarks" in describe_reasons(told()[0].assign(compared_prop=0.0))


def test_words_name_duties_contract_and_capital_only_where_there_are_any():
    reasons, _ = told(duty="emergency_core", gap=-2_000_000)
    assert describe_duties(reasons).startswith("TO (core to emergency care) is a service that")
    assert "£20.0k less than prices would" in describe_contract_gap(reasons)
    plain, _ = told()
    assert describe_duties(plain) == "" == describe_contract_gap(plain)
    assert describe_capital(plain.assign(capital_pence=5_300_000)).startswith(
        "Of the cost compared, £53.0k (10.0%)"
    )


def test_tables_and_figure_show_every_line():
    reasons, hrgs = told(gap=-2_000_000)
    table = arrange_reasons(reasons)
    assert table["line_name"].tolist() == ["TO", "All lines"]
    assert table["contract_gap_pence"].tolist() == [-2_000_000, -2_000_000]
    cases_table = arrange_hrgs(hrgs, position(TO=0))
    # 100 cases: 50,000,000 / 100, 53,000,000 / 100 and 4,800 x 1.05 in pence
    row = cases_table.iloc[0]
    assert row["income_case_pence"] == 500_000
    assert row["cost_case_pence"] == 530_000
    assert row["national_case_pence"] == 504_000
    assert plot_reasons(reasons) is not None
    assert plot_reasons(reasons.assign(compared_prop=0.0)) is None
    assert describe_hrgs(hrgs, position(TO=0)).startswith("Of 1 kind of care")


@pytest.mark.parametrize("mff", [1.0, 1.2])
def test_without_benchmarks_nothing_is_compared(mff):
    found = cases(spell(1))
    hrgs = compare_hrgs(found, BENCHMARKS.iloc[:0], mff=mff)
    assert hrgs["national_pence"].isna().all()
    reason = explain_lines(position(TO=-30_000), found, hrgs, service_lines("TO"), None).iloc[0]
    assert reason["no_benchmark_pence"] == -30_000
    assert reason["price_gap_pence"] == 0
