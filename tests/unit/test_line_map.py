"""Which line an event belongs to: priority, then columns given, then nothing else."""

from __future__ import annotations

import pandas as pd
import pytest
from activity_tables import LINES, make_map

from helpers.costing.line_map import MAP_COLUMNS, resolve_lines
from helpers.engine import Engine
from helpers.errors import InputError

SERVICE_LINES = pd.DataFrame({"line_id": LINES})


def ask(line_map: pd.DataFrame, **question: str) -> str:
    """Return the line that a map gives to one event."""
    asked = ", ".join(f"'{question.get(name, '')}' AS {name}" for name in MAP_COLUMNS)
    with Engine(threads=1) as db:
        resolve_lines(db, f"SELECT {asked}", line_map, SERVICE_LINES)
        return db.frame("SELECT line_id FROM line_answers")["line_id"].iloc[0]


def test_a_blank_column_of_the_map_matches_all():
    assert ask(make_map({"line_id": "TO"}), tfc="110", site_code="X0101") == "TO"


def test_the_lowest_priority_number_wins_even_with_fewer_columns():
    line_map = make_map(
        {"priority": 2, "tfc": "110", "consultant_code": "C1000001", "line_id": "GENMED"},
        {"priority": 1, "tfc": "110", "line_id": "TO"},
    )
    assert ask(line_map, tfc="110", consultant_code="C1000001") == "TO"


def test_inside_a_priority_the_row_with_most_columns_wins():
    line_map = make_map(
        {"tfc": "110", "line_id": "TO"},
        {"tfc": "110", "ward_id": "W1", "line_id": "GENMED"},
    )
    assert ask(line_map, tfc="110", ward_id="W1") == "GENMED"
    assert ask(line_map, tfc="110", ward_id="W2") == "TO"


def test_an_event_that_no_row_fits_is_unmapped():
    assert ask(make_map({"tfc": "110", "line_id": "TO"}), tfc="999") == "UNMAPPED"


def test_an_event_without_a_value_fits_only_a_blank():
    line_map = make_map({"ward_id": "W1", "line_id": "TO"})
    assert ask(line_map, tfc="110") == "UNMAPPED"


def test_two_lines_at_equal_rank_stop_the_run():
    line_map = make_map(
        {"tfc": "110", "line_id": "TO"}, {"consultant_code": "C1000001", "line_id": "GENMED"}
    )
    with pytest.raises(InputError, match=r"MAP-001.*equal rank.*\n?.*GENMED or TO"):
        ask(line_map, tfc="110", consultant_code="C1000001")


def test_equal_rows_that_no_event_meets_together_are_harmless():
    line_map = make_map({"tfc": "110", "line_id": "TO"}, {"ward_id": "W1", "line_id": "GENMED"})
    assert ask(line_map, tfc="110", ward_id="W2") == "TO"


def test_a_better_row_settles_what_two_equal_rows_leave_open():
    line_map = make_map(
        {"tfc": "110", "line_id": "TO"},
        {"ward_id": "W1", "line_id": "GENMED"},
        {"priority": 1, "tfc": "110", "line_id": "ED"},
    )
    assert ask(line_map, tfc="110", ward_id="W1") == "ED"


def test_a_line_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="lines that service_lines does not have: NOWHERE"):
        ask(make_map({"tfc": "110", "line_id": "NOWHERE"}), tfc="110")
