"""A trust with a ledger and line-level drivers, but no activity feeds (XY4)."""

from __future__ import annotations

import pandas as pd
import pytest

from helpers.cli import main
from helpers.report.series import STEPS
from helpers.sources.demo import write_demo

pytestmark = pytest.mark.xdist_group("line_level")


@pytest.fixture(scope="module")
def final(tmp_path_factory):
    base = tmp_path_factory.mktemp("line_level")
    write_demo("XY4", base / "data" / "XY4" / "2024-25")
    assert main(["report", "XY4", "--data", str(base / "data"), "--out", str(base / "out")]) == 0
    return base / "out" / "XY4" / "2024-25"


def read(final, name: str) -> pd.DataFrame:
    return pd.read_parquet(final / "tables" / f"{name}.parquet")


def test_every_page_is_made_and_says_that_costs_are_averaged(final):
    pages = {step.page: (final / step.page).read_text(encoding="utf-8") for step in STEPS}
    assert all(len(text) > 5_000 for text in pages.values())
    assert "averaged" in pages["02_service_line_costing.html"]


def test_every_identity_holds(final):
    checks = pd.concat([read(final, "reconciliation"), read(final, "subsidy_reconciliation")])
    assert checks["passed"].all()
    assert {"R1", "R2", "R3", "R7", "R8", "R9", "R10", "R11"} <= set(checks["id"])


def test_lines_carry_the_whole_ledger(final):
    spent = read(final, "department_costs")["amount_pence"].sum()
    assert read(final, "line_costs")["amount_pence"].sum() == spent


def test_no_patient_is_invented(final):
    assert len(read(final, "patient_events")) == 0
    assert len(read(final, "consultant_review")) == 0
