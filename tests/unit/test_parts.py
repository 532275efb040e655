"""Inside a line, whichever way it is cut."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.engine import open_engine
from helpers.report.tables.inside import arrange_commissioners, arrange_masking
from helpers.report.words.inside import describe_masking
from helpers.subsidy.parts import (
    check_parts,
    measure_masking_by,
    split_by_parts,
    total_parts,
)

EVENTS = pd.DataFrame(
    [  # line, kind, hrg of the spell, hrg, consultant, commissioner, category, income, cost
        ("TO", "episode", "HN22C", "HN22C", "C1", "QKK", "01", 500, 300),
        ("TO", "episode", "HT12A", "HT12A", "C2", "QKK", "01", 400, 700),
        ("TO", "op", None, "WF01A", "C1", None, "02", 100, 50),
        ("MAT", "op", None, None, "C3", "QRV", "01", None, 80),
    ],
    columns=[
        "line_id", "event_kind", "hrg_spell", "hrg", "consultant_code", "commissioner",
        "admin_category", "income_pence", "full_cost_pence",
    ],
)  # fmt: skip
# The line's total holds 40 of cost that no patient caused besides.
POSITION = pd.DataFrame(
    {
        "line_id": ["MAT", "TO"],
        "line_name": ["Maternity", "Orthopaedics"],
        "income_pence": [0, 1_000],
        "full_cost_pence": [80, 1_090],
        "surplus_pence": [-80, -90],
    }
)
NO_PODS = pd.DataFrame(
    {
        "line_id": ["TO", "TO", "MAT"],
        "pod": ["EL", "OPFA", "OPFA"],
        "surplus_pence": [-100, 50, -80],
    }
)
REST = pd.DataFrame({"line_id": ["TO"], "rest_pence": [-40]})


@pytest.fixture(scope="module")
def parts():
    db = open_engine("duckdb")
    add_events(db)
    return split_by_parts(POSITION, total_parts(db, line_tables(EVENTS)))


def add_events(db, critical=()):
    rows = EVENTS.assign(event_id=["A", "B", "C", "D"]).astype({"income_pence": "Int64"})
    db.add_frame("patient_events", rows)
    earned = pd.DataFrame(list(critical), columns=["event_id", "income_pence"])
    earned = earned.astype({"event_id": "str", "income_pence": "int64"})
    db.add_frame("critical_care_income", earned)


def line_tables(events):
    """Return the tables of part 2 that say the same of the events."""
    hrg = events["hrg_spell"].where(events["event_kind"] == "episode", events["hrg"])
    rows = events.assign(
        hrg=hrg.fillna(""), commissioner=events["commissioner"].fillna(""), pod="EL", n_events=1,
        income_pence=events["income_pence"].fillna(0).astype("int64"),
    )  # fmt: skip
    numbers = ["n_events", "income_pence", "full_cost_pence"]
    return {
        name: rows.groupby(["line_id", *keys], as_index=False)[numbers].sum()
        for name, keys in (
            ("line_hrgs", ["pod", "hrg"]),
            ("line_consultants", ["consultant_code"]),
            ("line_commissioners", ["commissioner"]),
        )
    }


def cut(parts, line, grouping):
    rows = parts[(parts["line_id"] == line) & (parts["grouping"] == grouping)]
    return rows.set_index("group")["surplus_pence"].to_dict()


def test_every_cut_adds_up_to_the_line_with_what_belongs_to_nobody(parts):
    assert cut(parts, "TO", "hrg") == {"HN22C": 200, "HT12A": -300, "WF01A": 50, "REST": -40}
    assert cut(parts, "TO", "consultant") == {"C1": 250, "C2": -300, "REST": -40}
    assert cut(parts, "TO", "commissioner") == {"QKK": -100, "(not known)": 50, "REST": -40}
    assert cut(parts, "TO", "admin_category") == {"01": -100, "02": 50, "REST": -40}
    assert cut(parts, "MAT", "hrg") == {"(not known)": -80}


def test_income_of_critical_care_goes_with_the_patients_it_was_for():
    # C1's patient had two days at 60 each, in a spell that cost 300, 90 of it critical care.
    db = open_engine("duckdb")
    add_events(db, [("A", 60), ("A", 60)])
    tables = line_tables(EVENTS)
    hrgs = tables["line_hrgs"]
    is_spell = hrgs["hrg"] == "HN22C"
    hrgs.loc[is_spell, "full_cost_pence"] -= 90
    apart = {"line_id": "TO", "pod": "CC", "hrg": "XC06Z", "n_events": 1, "income_pence": 120,
             "full_cost_pence": 90}  # fmt: skip
    tables["line_hrgs"] = pd.concat([hrgs, pd.DataFrame([apart])], ignore_index=True)
    for name, column, group in (
        ("line_consultants", "consultant_code", "C1"),
        ("line_commissioners", "commissioner", "QKK"),
    ):
        own = (tables[name]["line_id"] == "TO") & (tables[name][column] == group)
        tables[name].loc[own, "income_pence"] += 120
    line = POSITION.assign(income_pence=[0, 1_120], surplus_pence=[-80, 30])
    found = split_by_parts(line, total_parts(db, tables))
    assert cut(found, "TO", "hrg") == {
        "HN22C": 290, "HT12A": -300, "WF01A": 50, "XC06Z": 30, "REST": -40,
    }  # fmt: skip
    assert cut(found, "TO", "consultant") == {"C1": 370, "C2": -300, "REST": -40}
    assert cut(found, "TO", "commissioner") == {"QKK": 20, "(not known)": 50, "REST": -40}
    assert cut(found, "TO", "admin_category") == {"01": 20, "02": 50, "REST": -40}


def test_where_patients_were_costed_elsewhere_it_stands_with_the_spell_that_holds_its_cost():
    db = open_engine("duckdb")
    add_events(db, [("A", 120)])
    tables = line_tables(EVENTS)
    for name, column, group in (
        ("line_hrgs", "hrg", "HN22C"),
        ("line_consultants", "consultant_code", "C1"),
        ("line_commissioners", "commissioner", "QKK"),
    ):
        own = (tables[name]["line_id"] == "TO") & (tables[name][column] == group)
        tables[name].loc[own, "income_pence"] += 120
    line = POSITION.assign(income_pence=[0, 1_120], surplus_pence=[-80, 30])
    found = split_by_parts(line, total_parts(db, tables))
    # 120 more than without critical care, and still 40 that no patient caused
    assert cut(found, "TO", "hrg") == {"HN22C": 320, "HT12A": -300, "WF01A": 50, "REST": -40}
    assert cut(found, "TO", "consultant") == {"C1": 370, "C2": -300, "REST": -40}
    assert cut(found, "TO", "commissioner") == {"QKK": 20, "(not known)": 50, "REST": -40}
    assert cut(found, "TO", "admin_category") == {"01": 20, "02": 50, "REST": -40}


def test_a_cut_that_loses_money_is_seen(parts):
    good = check_parts(parts, REST)
    assert len(good) == 4
    assert (good["left_pence"] == good["right_pence"]).all()
    lost = parts[~((parts["grouping"] == "consultant") & (parts["group"] == "REST"))]
    bad = check_parts(lost, REST).set_index("description")
    wrong = bad["left_pence"] != bad["right_pence"]
    assert wrong.sum() == 1
    assert "consultant" in bad.index[wrong][0]


def test_differences_of_two_lines_do_not_cancel_out(parts):
    moved = parts.copy()
    is_rest = (moved["group"] == "REST") & (moved["grouping"] == "hrg")
    moved.loc[is_rest, "surplus_pence"] = 0
    extra = moved[is_rest].assign(line_id="MAT", surplus_pence=-40)
    bad = check_parts(pd.concat([moved, extra]), REST)
    assert (bad["left_pence"] != bad["right_pence"]).sum() == 1


def test_masking_by_every_cut(parts):
    masking = measure_masking_by(parts, NO_PODS).set_index(["line_id", "grouping"])["masking_prop"]
    # by HRG: gains 250, losses 300: 1 - 50/550; by consultant the same; by commissioner 1 - 50/150
    assert masking["TO", "hrg"] == pytest.approx(1 - 50 / 550)
    assert masking["TO", "consultant"] == pytest.approx(1 - 50 / 550)
    assert masking["TO", "commissioner"] == pytest.approx(1 - 50 / 150)
    assert masking["TO", "pod"] == pytest.approx(1 - 50 / 150)
    assert masking["MAT", "hrg"] == 0


def test_a_cut_with_one_part_is_left_blank_and_not_counted(parts):
    masking = measure_masking_by(parts, NO_PODS)
    table = arrange_masking(masking, POSITION).set_index("line_name")
    assert table.loc["Maternity"].drop("surplus_pence").isna().all()
    words = describe_masking(masking, POSITION)
    assert "1 of 1 by HRG, 1 of 1 by consultant" in words
    assert "Orthopaedics: patients of some earn £2 more than they cost" in words


def test_commissioners_are_added_over_lines(parts):
    table = arrange_commissioners(parts)
    assert table["group"].tolist() == ["QKK", "(not known)", "QRV", "(no patient)"]
    assert table["surplus_pence"].tolist() == [-100, 50, -80, -40]


def test_without_prices_nothing_is_cut():
    db = open_engine("duckdb")
    add_events(db)
    tables = line_tables(EVENTS)
    tables["line_hrgs"] = tables["line_hrgs"].assign(income_pence=0)
    parts = total_parts(db, tables)
    assert parts.empty
    assert split_by_parts(POSITION, parts).empty and check_parts(parts, REST).empty
    masking = measure_masking_by(split_by_parts(POSITION, parts), NO_PODS.iloc[:0])
    assert describe_masking(masking, POSITION).startswith("No line can be cut")
    assert arrange_commissioners(split_by_parts(POSITION, parts)).empty
