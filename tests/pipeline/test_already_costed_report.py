"""A trust that costs elsewhere: its export in, the same statement out."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from small_report import Place

FEEDS = (
    "cost_pools", "theatre_cases", "tests", "drug_issues", "implants", "therapy_contacts", "critical_care",
    "job_plans", "relative_weights",
)  # fmt: skip


@pytest.fixture(scope="module")
def elsewhere(reported, tmp_path_factory) -> Place:
    """The small XYZ with its own patient costs as another system's export, and no feeds."""
    root = tmp_path_factory.mktemp("elsewhere")
    place = Place(root / "data", root / "out")
    shutil.copytree(reported.data, place.data)
    costs = pd.read_parquet(reported.final() / "tables" / "patient_costs.parquet")
    pounds = costs["amount_pence"].map(lambda pence: f"{pence / 100:.2f}")
    names = costs[["element", "source_department"]].drop_duplicates()
    pd.DataFrame(
        {"event_id": costs["event_id"], "resource": costs["element"].str.lower(),
         "activity": costs["source_department"], "amount": pounds}
    ).to_csv(place.files() / "costed_patients.csv", index=False)  # fmt: skip
    names.assign(resource=names["element"].str.lower(), activity=names["source_department"]).to_csv(
        place.files() / "cost_names.csv", index=False
    )
    for name in FEEDS:
        (place.files() / f"{name}.csv").unlink(missing_ok=True)
    assert place.report() == 0
    return place


def read_both(reported: Place, elsewhere: Place, name: str) -> list[pd.DataFrame]:
    return [
        pd.read_parquet(place.final() / "tables" / f"{name}.parquet")
        for place in (reported, elsewhere)
    ]


@pytest.mark.parametrize("name", ["line_costs", "patient_costs"])
def test_the_same_costs_come_out(reported, elsewhere, name):
    before, after = read_both(reported, elsewhere, name)
    pd.testing.assert_frame_equal(before, after, check_exact=True)


def test_the_statement_differs_by_what_feeds_earn_and_nothing_else(reported, elsewhere):
    """No feed says which cost was a named drug or device, or who was in critical care (D-150, D-280)."""
    before, after = (
        table.set_index(["line_id", "row_id"])["amount_pence"]
        for table in read_both(reported, elsewhere, "service_line_statement")
    )
    lines = read_both(reported, elsewhere, "service_line_position")[0]["line_id"]
    passed = before.xs("I3", level="row_id").reindex(lines).fillna(0)
    income = read_both(reported, elsewhere, "line_income")
    days = income[0][income[0]["pod"] == "CC"].groupby("line_id")["amount_pence"].sum()
    assert passed.sum() > 0 and days.sum() > 0 and not (income[1]["pod"] == "CC").any()
    passed += days.reindex(lines).fillna(0)
    for row in ("C1", "C2", "C3", "C4"):
        assert before.xs(row, level="row_id").equals(after.xs(row, level="row_id")), row
    for row in ("I", "T1", "T2", "T3", "T4"):
        gone = before.xs(row, level="row_id") - after.xs(row, level="row_id")
        assert gone.reindex(lines).eq(passed).all(), row


def test_positions_have_the_same_costs(reported, elsewhere):
    before, after = read_both(reported, elsewhere, "service_line_position")
    costs = [name for name in before.columns if name.startswith(("direct", "indirect", "overhead"))]
    costs += ["line_id", "full_cost_pence", "below_ebitda_pence"]
    pd.testing.assert_frame_equal(before[costs], after[costs], check_exact=True)


def test_the_page_says_whose_costs_they_are(elsewhere):
    page = (elsewhere.final() / "02_service_line_costing.html").read_text(encoding="utf-8")
    assert "costs come from the trust’s own costing system" in page
    first = (elsewhere.final() / "01_data_cleaning.html").read_text(encoding="utf-8")
    assert "what each patient cost in the trust" in first
