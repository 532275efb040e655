"""Challenge and correction: open questions, and what agreed corrections did to each line."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from helpers.cleaning import clean
from helpers.cleaning.queries import list_open_queries
from helpers.costing.trust import cost_trust
from helpers.sources.extracts import read_trust
from helpers.sources.uncorrected import compare_statements, find_effective, measure_corrections
from small_trust import (
    FILES,
    add_rows,
    clean_small,
    list_log,
    open_small_engine,
    open_small_run,
)

HEADER = "file,key,column,old,new,reason,raised_by,date,status\n"
REVIEWS = """review_id,subject,status,reason_code,action,owner,value,date
R1,C1234567,closed,W1,Explained,Clinical director,0.00,2024-02-11
R2,C1234567,Open,,Look at implants,Line manager,18500.00,2024-03-31
R3,C7654321,in progress,,Look at stays,,,2025-03-30
R4,WARD_A,open,,Late,Matron,,2025-04-02
"""
END = dt.date(2025, 3, 31)


def test_open_questions_are_listed_oldest_first_with_owner_and_age_at_the_years_end(tmp_path):
    question = "apc_episodes,E1,tfc,300,501,Wrong specialty?,Dr A,2025-03-01,open\n"
    cleaned, db = clean_small(tmp_path, outlier_review=REVIEWS, corrections=HEADER + question)
    found = list_open_queries(cleaned.frames, period_end=END)
    ages = found["age_days"].fillna(-1).astype("int64").astype("str")
    rows = found[["reference", "subject", "owner", "raised"]].assign(age=ages)
    # 31 March 2024 to 31 March 2025 is 365 days, 1 March 30; R3's consultant is on no list
    assert rows.to_numpy().tolist() == [
        ["R2", "Cons-01", "Line manager", "2024-03-31", "365"],
        ["row 1", "apc_episodes, tfc", "Dr A", "2025-03-01", "30"],
        ["R3", "a consultant", "nobody named", "2025-03-30", "1"],
        ["R4", "WARD_A", "Matron", "2025-04-02", "-1"],
    ]
    assert found["amount_pence"].iloc[0] == 1_850_000
    assert found["line_id"].tolist() == ["MED", "", "", ""]
    assert not found.astype("str").apply(lambda column: column.str.contains("E1")).any().any()
    # the question changed nothing
    assert list_log(db, "COR-001") == []
    assert db.frame("SELECT tfc FROM clean_apc_episodes")["tfc"].tolist() == ["300"]


def test_nothing_raised_is_an_empty_list(tmp_path):
    cleaned, _ = clean_small(tmp_path)
    assert list_open_queries(cleaned.frames, period_end=END).empty


def test_only_agreed_corrections_of_columns_that_matter_call_for_a_second_costing():
    rows = pd.DataFrame({
        "column": ["commissioner", "tfc", "tfc", "hrg_spell"],
        "status": ["", "open", "agreed", None],
    })  # fmt: skip
    assert find_effective(rows) == 2
    assert find_effective(rows.head(2)) == 0
    assert find_effective(rows.drop(columns="status")) == 3
    assert find_effective(None) == 0


def statement(**lines: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame([
        {"line_id": line, "row_id": row, "amount_pence": pence}
        for line, (income, surplus) in lines.items()
        for row, pence in (("I", income), ("T4", surplus), ("C1", 7))
    ])  # fmt: skip


def test_lines_that_changed_are_compared_and_the_others_left_out():
    found = compare_statements(
        statement(MED=(100, 10), SURG=(50, 5), OLD=(1, 1)), statement(MED=(100, 7), SURG=(50, 5))
    )
    assert found.to_numpy().tolist() == [["MED", 100, 100, 10, 7], ["OLD", 1, 0, 1, 0]]


def test_the_effect_is_that_of_costing_the_same_files_without_the_correction(tmp_path):
    lines = add_rows("service_lines", "SURG,Surgery,Surgery,,none")
    lines_map = add_rows("service_line_map", "1,,,100,,,SURG")
    correction = "apc_episodes,E1,tfc,300,100,Surgeon's patient,Dr A,2025-03-01,\n"
    run = open_small_run(
        tmp_path,
        service_lines=lines,
        service_line_map=lines_map,
        corrections=HEADER + correction,
        prices="hrg,pod,unit_price\nDZ11K,NEL,100.00\n",
        trust=FILES["trust.yml"].replace("1.0654", "1.0"),
    )
    with open_small_engine() as db:
        cleaned = clean(read_trust(run, db), db)
        costed = cost_trust(db, cleaned.frames, cleaned.settings)
        found, words = measure_corrections(run, cleaned.frames["corrections"], costed)
    assert words == ""
    assert found["line_id"].tolist() == ["SURG", "MED"] or found["line_id"].tolist() == [
        "MED",
        "SURG",
    ]
    by_line = found.set_index("line_id")
    # the spell's £100.00 goes from medicine to surgery, and its cost with it: the trust's sum stands
    assert by_line["income_before_pence"].to_dict() == {"MED": 10_000, "SURG": 0}
    assert by_line["income_after_pence"].to_dict() == {"MED": 0, "SURG": 10_000}
    assert found["surplus_before_pence"].sum() == found["surplus_after_pence"].sum()
    assert by_line.loc["SURG", "surplus_before_pence"] == 0


def test_without_a_correction_that_matters_nothing_is_costed_twice(tmp_path):
    run = open_small_run(tmp_path)
    found, words = measure_corrections(run, None, costed=None)
    assert found.empty and words == ""
    assert found["income_before_pence"].dtype == "int64"
