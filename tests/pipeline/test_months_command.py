"""`python -m helpers months` on a finished report: twelve monthly runs are the year."""

from __future__ import annotations

import pandas as pd

from helpers.cli import main


def test_twelve_monthly_runs_of_a_small_trust_are_its_year(reported, capsys):
    assert main(["months", "XYZ", "--out", str(reported.out)]) == 0
    told = capsys.readouterr().out
    assert told.count("; holds.") == 3 and "FAILS" not in told
    tables = reported.final() / "tables"
    ledger = pd.read_parquet(tables / "clean_general_ledger.parquet")
    codes = pd.read_parquet(tables / "clean_expense_map.parquet")
    spent = ledger.merge(codes[["expense_code", "account_type"]], on="expense_code")
    spent = spent[spent["account_type"] == "expenditure"]
    # Every month's cost is its own month's ledger, and the year's is theirs.
    for pence in (*spent.groupby("month")["amount_pence"].sum(), spent["amount_pence"].sum()):
        assert f"£{pence // 100:,}.{pence % 100:02d}" in told


def test_without_a_report_it_says_so(tmp_path, capsys):
    assert main(["months", "XYZ", "--out", str(tmp_path)]) == 2
    assert "There is no report of XYZ" in capsys.readouterr().err
