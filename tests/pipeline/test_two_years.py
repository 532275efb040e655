"""A trust with the report of the year before beside this one: bridge, tracker and retention by year."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.cli import main
from small_report import Place

YEARS = ("2023-24", "2024-25")
TERMS = ("price", "volume", "mix", "unit_cost", "overhead", "other")


@pytest.fixture(scope="module")
def two_years(tmp_path_factory) -> Place:
    """The invented trust XY1, small, for two years, each with its report."""
    root = tmp_path_factory.mktemp("two years")
    place = Place(root / "data", root / "out")
    for year in YEARS:
        words = ["demo", "XY1", "--year", year, "--size", "0.05", "--data", str(place.data)]
        assert main(words) == 0
        assert place.report("XY1", "--year", year) == 0
    return place


def read(place: Place, name: str, year: str = YEARS[1]) -> pd.DataFrame:
    return pd.read_parquet(place.out / "XY1" / year / "tables" / f"{name}.parquet")


def find_surplus(place: Place, year: str) -> pd.Series:
    rows = read(place, "service_line_statement", year)
    return rows[rows["row_id"] == "T4"].set_index("line_id")["amount_pence"]


def test_the_bridge_runs_from_one_report_to_the_other_and_adds_up(two_years):
    bridge = read(two_years, "line_bridge").set_index("line_id")
    assert len(bridge) > 10
    before, after = (find_surplus(two_years, year).reindex(bridge.index) for year in YEARS)
    assert bridge["before_pence"].tolist() == before.tolist()
    assert bridge["after_pence"].tolist() == after.tolist()
    moved = bridge[[f"{term}_pence" for term in TERMS]].sum(axis=1)
    assert (bridge["before_pence"] + moved).tolist() == after.tolist()


def test_dearer_care_is_told_from_more_care(two_years):
    """The recipe makes care 4% dearer a year and prices follow: one lowers the surplus, one raises it."""
    total = read(two_years, "line_bridge").sum(numeric_only=True)
    assert total["price_pence"] > 0
    assert total["unit_cost_pence"] + total["overhead_pence"] < 0
    assert read(two_years, "line_bridge", YEARS[0]).empty  # nothing stands before the first year


def test_retention_is_shown_for_each_year_and_the_findings_of_last_year_are_followed(two_years):
    assert not read(two_years, "finding_tracker").empty
    page = (two_years.out / "XY1" / YEARS[1] / "03_cross_subsidy.html").read_text(encoding="utf-8")
    assert "The table adds up 2 years of reports, oldest first." in page
    first = (two_years.out / "XY1" / YEARS[0] / "03_cross_subsidy.html").read_text(encoding="utf-8")
    assert "The table adds up 2 years of reports" not in first


def test_the_page_says_what_moved(two_years):
    page = (two_years.out / "XY1" / YEARS[1] / "02_service_line_costing.html").read_text(
        encoding="utf-8"
    )
    assert "stand above the year before" in page
    assert "Why each line’s surplus changed from the year before" in page
