"""Beyond who funds whom: what the page says of why, what if and who decides, on whole runs."""

from __future__ import annotations

import pandas as pd

from helpers.subsidy.control import list_changes
from helpers.subsidy.reasons import PARTS


def read(place, name):
    return pd.read_parquet(place.final() / "tables" / f"{name}.parquet")


def test_the_parts_of_every_lines_surplus_add_up_to_the_penny(reported):
    reasons = read(reported, "line_reasons")
    position = read(reported, "service_line_position").set_index("line_id")["surplus_pence"]
    assert len(reasons) > 10
    assert (reasons["compared_prop"] > 0.3).sum() > 10
    added = reasons.set_index("line_id")[list(PARTS)].sum(axis=1)
    assert (added == position.reindex(added.index)).all()


def test_rights_that_moved_in_the_autumn_are_found(reported):
    changes = list_changes(read(reported, "control_costs"))
    moved = changes[["line_id", "decision", "holder_start", "holder_end"]]
    found = set(moved.itertuples(index=False, name=None))
    assert ("GENMED", "rota", "line", "division") in found
    assert ("CARDIO", "procure", "division", "line") in found
    assert {line for line, *_ in found} == {"GENMED", "CARDIO"}


def test_work_that_the_emergency_department_begins_goes_on_elsewhere(reported):
    flows = read(reported, "patient_flows")
    away = flows[(flows["kind"] == "follow_on") & (flows["from_line_id"] == "ED")]
    away = away[away["to_line_id"] != "ED"]
    assert away["n_events"].sum() > 100
    down = read(reported, "line_downstream").set_index("line_id")["downstream_pence"]
    assert down["ED"] == away["contribution_pence"].sum()


def test_the_usual_questions_are_answered_and_every_line_adds_up(reported):
    answers, lines = read(reported, "what_if"), read(reported, "what_if_lines")
    kinds = answers["question"].str.split(":").str[0].unique().tolist()
    assert kinds == ["prices", "stays", "service", "transfer"]
    keys = ["question_no", "horizon"]
    by_line = lines.groupby(keys)["surplus_change_pence"].sum()
    effect = answers.set_index(keys)["trust_effect_pence"]
    assert (by_line.reindex(effect.index) == effect).all()
    later = answers.pivot(index="question_no", columns="horizon", values="cost_moves_pence").abs()
    assert (later["12m"] <= later["3y"]).all() and (later["3y"] <= later["long"]).all()


def test_a_question_about_a_line_that_is_not_there_stops_the_run_and_leaves_the_report(copied):
    before = (copied.final() / "index.html").read_bytes()
    assert copied.report("XYZ", "--what-if", "transfer:NOLINE") == 2
    assert (copied.final() / "index.html").read_bytes() == before


def test_a_question_that_cannot_be_read_starts_nothing(copied, capsys):
    assert copied.report("XYZ", "--what-if", "close:TO") == 2
    assert "asks nothing that can be answered" in capsys.readouterr().err
