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


@pytest.mark.parametrize(
    "name",
    [
        "service_line_statement",
        "line_costs",
        "patient_costs",
        "service_line_position",
        "funding_matrix",
    ],
)
def test_the_same_costs_come_out(reported, elsewhere, name):
    before, after = (
        pd.read_parquet(place.final() / "tables" / f"{name}.parquet")
        for place in (reported, elsewhere)
    )
    same = [column for column in before.columns if column != "sign_label"]
    pd.testing.assert_frame_equal(before[same], after[same], check_exact=True)


def test_the_page_says_whose_costs_they_are(elsewhere):
    page = (elsewhere.final() / "02_service_line_costing.html").read_text(encoding="utf-8")
    assert "costs come from the trust’s own costing system" in page
    first = (elsewhere.final() / "01_data_cleaning.html").read_text(encoding="utf-8")
    assert "what each patient cost in the trust" in first
