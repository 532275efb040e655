"""Patients costed elsewhere: the same statement to the penny, and what is refused."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.costing.costed_summaries import rate_credibility
from helpers.costing.reconciliation import check_reconciled
from helpers.costing.trust import cost_trust
from helpers.engine import open_engine
from helpers.errors import InputError, ReconciliationError
from mini_trust import (
    SETTINGS,
    add_activity,
    add_clean,
    make_frame,
    make_money_frames,
    make_patient_frames,
)

FEEDS = ("ward_stays", "theatre_cases", "therapy_contacts", "drug_issues")
WARD_NAME = {"resource": "Nursing", "activity": "Ward care", "element": "PAY_NURSING",
             "source_department": "WARD", "feed": "ward", "quality_score": 1.0}  # fmt: skip


@pytest.fixture(scope="module")
def own():
    """The hand-costed trust, costed here: its records and its tables."""
    with open_engine(threads=1) as db:
        add_activity(db)
        costed = cost_trust(db, {**make_money_frames(), **make_patient_frames()}, SETTINGS)
        records = db.frame(
            "SELECT * FROM patient_costs ORDER BY event_id, tier, element, source_department"
        )
        events = db.frame("SELECT * FROM patient_events ORDER BY event_id")
        yield records, events, costed


def export(records: pd.DataFrame) -> pd.DataFrame:
    """Return records by another system's names: the element's words, and the department's."""
    return pd.DataFrame(
        {
            "event_id": records["event_id"],
            "resource": "R-" + records["element"],
            "activity": "A-" + records["source_department"],
            "amount_pence": records["amount_pence"],
        }
    )


def name_all(records: pd.DataFrame, **more: object) -> pd.DataFrame:
    pairs = records[["element", "source_department"]].drop_duplicates()
    rows = [
        {"resource": f"R-{pair.element}", "activity": f"A-{pair.source_department}", "element": pair.element,
         "source_department": pair.source_department,
         "feed": "ward" if pair.source_department == "WARD" else "", **more}
        for pair in pairs.itertuples()
    ]  # fmt: skip
    return make_frame("cost_names", rows)


def cost_again(exported: pd.DataFrame, names: pd.DataFrame | None, settings: dict | None = None):
    frames = {**make_money_frames(), **make_patient_frames()}
    del frames["cost_pools"]
    if names is not None:
        frames["cost_names"] = names
    db = open_engine(threads=1)
    add_activity(db)
    db.drop(*(f"clean_{name}" for name in FEEDS))
    add_clean(db, "costed_patients", exported.to_dict("records"))
    return db, cost_trust(db, frames, settings or SETTINGS)


def test_the_same_costs_give_the_same_statement_to_the_penny(own):
    records, events, before = own
    db, after = cost_again(export(records), name_all(records))
    assert after.mode == "costed"
    for name in (
        "service_line_statement",
        "line_costs",
        "line_income",
        "department_costs",
        "line_activity",
    ):
        pd.testing.assert_frame_equal(getattr(before, name), getattr(after, name))
    check_reconciled(after.reconciliation)
    again = db.frame(
        "SELECT * FROM patient_costs ORDER BY event_id, tier, element, source_department"
    )
    pd.testing.assert_frame_equal(records, again)
    money = [name for name in events if name.endswith("_pence") and name != "ward_pence"]
    found = db.frame("SELECT * FROM patient_events ORDER BY event_id")
    pd.testing.assert_frame_equal(events[money], found[money])


def test_ward_cost_is_what_the_file_calls_a_ward(own):
    records, _, _ = own
    db, _ = cost_again(export(records), name_all(records))
    found = db.frame("SELECT event_id, ward_pence FROM patient_events").set_index("event_id")
    # P1: 96 h of 132,000 / 780 h, overhead and capital charges apart; a clinic has none.
    assert found.loc["P1", "ward_pence"] == pytest.approx(96 * 13_200_000 / 780, abs=1)
    assert found.loc["O1", "ward_pence"] == 0


def test_columns_given_in_the_file_need_no_names(own):
    records, _, before = own
    plain = records[["event_id", "tier", "element", "source_department", "amount_pence"]]
    _, after = cost_again(plain, None)
    pd.testing.assert_frame_equal(before.line_costs, after.line_costs)


def test_a_penny_apart_is_refused_with_the_difference(own):
    records, _, _ = own
    wrong = export(records)
    wrong.loc[0, "amount_pence"] += 1
    with pytest.raises(
        ReconciliationError, match=r"PLC-003.*572,000\.01.*572,000\.00.*difference is £0\.01"
    ):
        cost_again(wrong, name_all(records))


def test_names_that_mean_nothing_are_refused_with_their_money(own):
    records, _, _ = own
    names = name_all(records)
    names = names[names["resource"] != "R-DRUGS"]
    with pytest.raises(
        InputError, match=r"(?s)PLC-001.*1 names.*R-DRUGS / A-HCD.*£25,000\.00 in 2 records"
    ):
        cost_again(export(records), names)


def test_a_resource_without_its_activity_takes_the_row_for_all(own):
    records, _, before = own
    names = name_all(records)
    names.loc[names["resource"] == "R-DRUGS", "activity"] = ""
    _, after = cost_again(export(records), names)
    pd.testing.assert_frame_equal(before.line_costs, after.line_costs)


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [("source_department", "NOWHERE", "departments"), ("element", "GOLD", "cost elements")],
)
def test_a_meaning_that_does_not_exist_is_refused(own, column, value, what):
    records, _, _ = own
    names = name_all(records)
    names.loc[0, column] = value
    with pytest.raises(InputError, match=rf"PLC-002.*1 {what} do not exist: {value}"):
        cost_again(export(records), names)


def test_an_unknown_line_of_unmatched_cost_is_refused(own):
    records, _, _ = own
    wrong = export(records).replace({"event_id": {"UNMATCHED:GENMED": "UNMATCHED:GENMAD"}})
    with pytest.raises(InputError, match=r"PLC-004.*GENMAD"):
        cost_again(wrong, name_all(records))


def test_income_cannot_be_netted_from_costs_already_shared_out(own):
    records, _, _ = own
    with pytest.raises(InputError, match=r"PLC-005.*netted"):
        cost_again(export(records), name_all(records), {**SETTINGS, "non_patient_care": "netted"})


def test_an_event_that_is_not_there_is_unmatched_and_counted(own):
    records, _, before = own
    wrong = export(records).replace({"event_id": {"O4": "O4-OLD"}})
    _, after = cost_again(wrong, name_all(records))
    check_reconciled(after.reconciliation)
    lost = after.line_costs.query("line_id == 'UNMATCHED:UNMAPPED'")["amount_pence"].sum()
    held = records.query("event_id == 'O4'")
    assert lost == held["amount_pence"].sum()
    assert any(f"{len(held):,} records" in text and "not among" in text for text in after.notices)
    trust = "line_id == 'TRUST' and row_id == 'T4'"
    assert (
        after.service_line_statement.query(trust)["amount_pence"].iloc[0]
        == before.service_line_statement.query(trust)["amount_pence"].iloc[0]
    )


def test_money_that_the_system_placed_elsewhere_is_told(own):
    records, _, _ = own
    names = name_all(records)
    names.loc[names["resource"].eq("R-DRUGS"), "source_department"] = "WARD"  # 25,000 of it
    _, after = cost_again(export(records), names)
    check_reconciled(after.reconciliation)
    assert any(text.startswith("£25,000.00 of the ledger (4.4%)") for text in after.notices)
    drugs = after.department_costs.query("element == 'DRUGS'")
    assert drugs[["department_id", "amount_pence"]].to_numpy().tolist() == [["WARD", 2_500_000]]


def test_credibility_weighs_quality_and_what_found_no_patient():
    rows = [
        ("A", "direct", 1.0, True, 600), ("A", "direct", float("nan"), True, 200),
        ("A", "overhead", 1.0, True, 300), ("UNMATCHED:A", "direct", 1.0, False, 200),
        ("RD", "direct", 1.0, False, 999),
    ]  # fmt: skip
    names = ["line_id", "tier", "quality_score", "is_event", "amount_pence"]
    found = rate_credibility(pd.DataFrame(rows, columns=names))
    # (600 x 1 + 200 x 0.5 + 200 x 0) / 1,000 = 0.7, with 200 of 1,300 unmatched (15%): D
    assert found.to_dict("records") == [
        {"line_id": "A", "traced_pence": 600, "averaged_pence": 400, "apportioned_pence": 300,
         "unmatched_pence": 200, "score": pytest.approx(0.7), "grade": "D"}
    ]  # fmt: skip
