"""Small lines stand together, and what is said of lines is worked out for the lines as they stand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from helpers.disclosure.lines import find_small_lines, name_together, put_together
from helpers.errors import CommandError
from helpers.report.public import find_analyst_run
from helpers.report.series import PUBLIC_STEPS, list_steps, remove_reports
from helpers.run import open_run
from helpers.sources.public_tables import write_public_tables


def sizes(**lines: tuple[int, int]) -> pd.DataFrame:
    """Lines given as events and patients."""
    rows = [(line, *counts) for line, counts in lines.items()]
    return pd.DataFrame(rows, columns=["line_id", "n_events", "n_patients"])


def test_a_small_line_stands_with_the_smallest_of_its_sign():
    found = find_small_lines(
        sizes(A=(5, 5), B=(90, 90), C=(40, 40), D=(10, 10)),
        pd.Series({"A": -100, "B": -50, "C": -900, "D": 300}),
    )
    # D is smaller than C, but in surplus: with it the sum of deficits would change
    assert found == ["A", "C"]


def test_without_one_of_its_sign_the_smallest_other_is_taken():
    found = find_small_lines(
        sizes(A=(5, 5), B=(90, 90), D=(10, 10)), pd.Series({"A": -100, "B": 50, "D": 300})
    )
    assert found == ["A", "D"]


def test_two_small_lines_need_a_third_until_they_have_eight_patients():
    surplus = pd.Series({"A": -1, "B": -1, "C": -1, "D": -1})
    assert find_small_lines(sizes(A=(3, 3), B=(4, 4), C=(20, 20), D=(30, 30)), surplus) == ["A", "B", "C"]  # fmt: skip
    assert find_small_lines(sizes(A=(4, 4), B=(4, 4), C=(20, 20), D=(30, 30)), surplus) == [
        "A",
        "B",
    ]


def test_many_events_of_few_patients_are_small():
    surplus = pd.Series({"A": 1, "B": 1})
    assert find_small_lines(sizes(A=(150, 1), B=(40, 40)), surplus) == ["A", "B"]


def test_a_line_without_patients_is_not_small():
    surplus = pd.Series({"A": 1, "B": 1, "NONE": -5})
    assert find_small_lines(sizes(A=(8, 8), B=(40, 40)), surplus) == []


def test_sums_of_lines_put_together_are_the_same_in_all():
    frame = pd.DataFrame({"line_id": ["A", "B", "C"], "pod": ["EL", "EL", "EL"], "cost_pence": [1, 20, 300],
                          "grade": ["A", "B", "C"]})  # fmt: skip
    together = put_together(frame, ["A", "C"], by=["pod"])
    assert together.set_index("line_id")["cost_pence"].to_dict() == {"B": 20, "TOGETHER": 301}
    assert "grade" not in together


def test_lines_put_together_are_named():
    assert name_together(["X", "A"], {"A": "Pain"}) == "Together: Pain, X"


def make_run(tmp_path: Path):
    return open_run(
        trust="XYZ", audience="public", data=tmp_path / "data", out=tmp_path / "out",
        folder=tmp_path / "building",
    )  # fmt: skip


def test_a_public_run_stands_apart_and_has_pages_of_its_own(tmp_path):
    run = make_run(tmp_path)
    assert run.published == tmp_path / "out" / "public" / "XYZ" / "2024-25"
    assert run.out == tmp_path / "out"
    assert list_steps(run) == PUBLIC_STEPS
    analyst = find_analyst_run(run)
    assert (analyst.audience, analyst.published) == (
        "analyst",
        tmp_path / "out" / "XYZ" / "2024-25",
    )
    assert analyst.out == run.out
    assert run.source_note.endswith("made safe to publish.")


def test_a_trust_without_patients_gets_no_public_edition(tmp_path):
    run = make_run(tmp_path)
    with pytest.raises(CommandError, match="no activity by patient"):
        write_public_tables(find_analyst_run(run), run)
    assert not run.tables.exists()


def test_cleaning_up_removes_public_editions_and_nothing_else(tmp_path):
    out = tmp_path / "out"
    for place in (out / "XYZ" / "2024-25", out / "public" / "XYZ" / "2024-25"):
        place.mkdir(parents=True)
        (place / "run.json").write_text("{}", encoding="utf-8")
    (out / "public" / "index.html").write_text("", encoding="utf-8")
    (out / "public" / "letter.txt").write_text("mine", encoding="utf-8")
    assert remove_reports(out) == 2
    assert sorted(path.name for path in out.rglob("*")) == ["letter.txt", "public"]
