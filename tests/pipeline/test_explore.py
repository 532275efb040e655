"""The questions of docs/explore.md: its code runs as printed, and each answer is true."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from helpers.errors import CommandError
from helpers.explore import in_pounds, keep_rows, open_report
from helpers.parameters import PROJECT
from helpers.report.series import Record

pytestmark = pytest.mark.xdist_group("pipeline")

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPENED = 'open_report("XYZ")'


def read_blocks(out: Path) -> list[str]:
    """Return the page's code, with the folder of reports that a test made put in."""
    page = (PROJECT / "docs" / "explore.md").read_text(encoding="utf-8")
    assert page.count(OPENED) == 1
    return BLOCK.findall(page.replace(OPENED, f'open_report("XYZ", out={str(out)!r})'))


@pytest.fixture(scope="module")
def answers(reported):
    """What each block of the page leaves behind, in order: the opening, then the five questions."""
    blocks = read_blocks(reported.out)
    assert len(blocks) == 6
    names, left = {}, []
    for block in blocks:
        exec(compile(block, "docs/explore.md", "exec"), names)
        left.append(dict(names))
    return left


def test_every_table_and_column_is_explained(answers):
    tables = answers[0]["tables"]
    assert (tables["meaning"].str.len() > 5).all() and {"rule_sensitivity", "stay_awaiting"} <= set(
        tables["table"]
    )
    assert (answers[0]["columns"]["meaning"].str.len() > 5).all()
    held = answers[0]["report"].read("stay_awaiting")
    assert held.attrs["units"]["awaiting_days"] == "days"
    counted = tables.set_index("table").loc["stay_awaiting", "n_rows"]
    assert counted == len(held)


def test_stays_beside_a_deficit(tmp_path):
    """By hand: 10 extra days at 30.00 that moves and 90.00 in full, beside a deficit of 5,000.00."""
    tables = tmp_path / "XYZ" / "2024-25" / "tables"
    tables.mkdir(parents=True)
    Record(whole=True).write(tables.parent)
    held = {
        "consultant_review": pd.DataFrame(
            {
                "line_id": ["TO", "TO", "TO", "MAT"], "measure": ["los", "los", "cost", "los"],
                "consultant_code": ["C1", "C2", "C1", "C3"], "pseudonym": ["P1", "P2", "P1", "P3"],
                "n": [9, 9, 9, 9], "observed": [30.0, 50.0, 1.0, 9.0], "expected": [32.0, 38.0, 1.0, 1.0],
                "excess": [-1.5, 10.0, 99.0, 99.0], "flag": ["none", "outlier", "none", "none"],
            }
        ),
        "stay_value": pd.DataFrame(
            {"line_id": ["MAT", "TO"], "variable_day_pence": [1, 3_000], "full_day_pence": [1, 9_000]}
        ),
        "service_line_position": pd.DataFrame({"line_id": ["TO"], "surplus_pence": [-500_000]}),
    }  # fmt: skip
    for name, frame in held.items():
        frame.to_parquet(tables / f"{name}.parquet")
    found = {}
    for block in read_blocks(tmp_path)[:2]:
        exec(
            compile(
                block.replace('list_columns("stay_awaiting")', "list_tables()"),
                "docs/explore.md",
                "exec",
            ),
            found,
        )
    answer = found["answer"]
    assert answer["pseudonym"].tolist() == ["P2", "P1"]
    assert answer["variable_gbp"].tolist() == [300, -45]  # 10 x 30, -1.5 x 30
    assert answer["full_gbp"].tolist() == [900, -135]
    assert found["surplus_pence"] == -500_000


def test_stays_of_the_small_trust(answers):
    """A fiftieth of XYZ is too small to name anybody; the list says so and holds one line."""
    stays = answers[1]["stays"]
    assert set(stays["line_id"]) == {"TO"} and stays["consultant_code"].is_unique
    assert "outlier" not in set(stays["flag"])


def test_step_down_among_the_rules(answers):
    found = answers[2]
    methods = found["by_method"]
    assert methods.loc["reciprocal", "count"] == methods.loc["direct", "count"] == 1
    assert methods.loc["step_down", "count"] > 100  # 200 orders are drawn
    position = found["report"].read("service_line_position").set_index("line_id")
    assert methods.loc["reciprocal", "median"] == position.loc["MAT", "surplus_pence"]
    assert methods.loc["step_down", "min"] < methods.loc["step_down", "max"]


def test_a_ledger_line_goes_somewhere_to_the_penny(answers):
    found = answers[3]
    assert found["by_line"]["amount_pence"].sum() == found["largest"]["amount_pence"]
    assert found["ledger"]["amount_pence"].is_monotonic_decreasing


def test_prices_move_income_alone(answers):
    found = answers[4]
    lines, trust = found["lines"], keep_rows(found["asked"].what_if, question_no=1, horizon="12m")
    assert lines["surplus_change_pence"].sum() == trust["trust_effect_pence"].iloc[0] > 0
    assert (lines["cost_change_pence"] == 0).all()
    # 3% of the income that is earned at a price, and never more than 3% of all income
    position = found["report"].read("service_line_position").set_index("line_id")["income_pence"]
    most = lines["line_id"].map(position) * 0.03 + 1
    assert (lines["income_change_pence"] <= most).all()
    one = keep_rows(found["asked"].what_if_lines, question_no=2, horizon="12m")
    both = one.merge(lines, on="line_id", validate="one_to_one").query("line_id == 'TO'")
    # a penny between them: the sum over all lines is rounded once, and closed by largest remainder
    assert abs(both["income_change_pence_x"] - both["income_change_pence_y"]).max() <= 1


def test_wards_with_patients_ready_to_leave(answers):
    """The ward whose stays are long for reasons outside it is a planted truth: EL3."""
    found = answers[5]
    first = found["answer"].iloc[0]
    assert first["group"] == "EL3" and first["awaiting_days"] < first["bed_days"]
    assert found["beds"] == pytest.approx(found["answer"]["awaiting_days"].sum() / 365)


def test_what_is_not_there_is_said_in_a_sentence(answers, tmp_path):
    report = answers[0]["report"]
    with pytest.raises(CommandError, match="no table 'stays'"):
        report.read("stays")
    with pytest.raises(CommandError, match="make report TRUST=XYZ"):
        open_report("XYZ", out=tmp_path)
    with pytest.raises(CommandError, match="prices:"):
        report.ask("prices:3")


def test_nothing_of_the_report_changes(answers, reported):
    held = reported.final() / "tables" / "stay_awaiting.parquet"
    before = held.read_bytes()
    with pytest.raises(Exception, match="base table"):
        answers[0]["report"].query("DELETE FROM stay_awaiting")
    assert held.read_bytes() == before and not (reported.final() / "lab").exists()


def test_pounds_are_named_so():
    frame = pd.DataFrame({"line": ["A"], "cost_pence": [123_456], "n_rows": [2]})
    assert in_pounds(frame).to_dict("records") == [{"line": "A", "cost_gbp": 1235.0, "n_rows": 2}]
