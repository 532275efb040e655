"""The whole series on a small trust: complete, reconciled, self-contained, the same each time."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import nbformat
import pandas as pd
import pytest

from helpers.contracts import OUTPUTS
from helpers.parameters import list_defaults
from helpers.report.series import STEPS

pytestmark = pytest.mark.xdist_group("pipeline")

PROMISED = (
    "cleaning_accounts", "cleaning_log", "overhead_allocation", "patient_costs",
    "service_line_statement", "service_line_position", "funding_matrix", "rule_sensitivity",
    "consultant_review", "saving", "stay_groups", "reconciliation",
)  # fmt: skip


class Page(HTMLParser):
    """Collects what a page asks a browser to fetch, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def read_pages(place) -> dict[str, str]:
    return {step.page: (place.final() / step.page).read_text(encoding="utf-8") for step in STEPS}


def test_every_page_table_and_notebook_is_there(reported):
    final = reported.final()
    assert all((final / step.page).stat().st_size > 5_000 for step in STEPS)
    assert all((final / "notebooks" / f"{step.name}.ipynb").exists() for step in STEPS)
    for name in PROMISED:
        table = pd.read_parquet(final / "tables" / f"{name}.parquet")
        assert set(OUTPUTS[name].columns) <= set(table.columns), name
        assert len(table), name


def test_nothing_but_the_report_is_left_beside_it(reported):
    beside = sorted(path.name for path in reported.final().parent.iterdir())
    assert beside == [".2024-25.lock", ".2024-25.seen", "2024-25"]


def test_tables_hold_one_row_a_key(reported):
    for path in (reported.final() / "tables").glob("*.parquet"):
        key = list(OUTPUTS[path.stem].key)
        if key:
            keys = pd.read_parquet(path, columns=key)
            assert not keys.duplicated().any(), path.stem


def test_no_page_asks_another_host_for_anything(reported):
    for name, text in read_pages(reported).items():
        page = Page(text)
        for tag, attributes in page.tags:
            assert tag not in ("iframe", "link", "object", "embed"), (name, tag)
            assert tag != "script" or not attributes, (name, attributes)
            for attribute in ("src", "srcset", "data", "poster", "action"):
                assert attributes.get(attribute, "data:").startswith("data:"), (name, tag)
        # a picture's own parts are named by url(#...), in a data: address url(%23...)
        assert not re.search(r"url\(\s*['\"]?(?!data:|#|%23)", text), name
        assert "@import" not in text


def test_pages_can_be_read_by_everyone(reported):
    for name, text in read_pages(reported).items():
        page = Page(text)
        names = [tag for tag, _ in page.tags]
        assert names.count("h1") == 1 and "main" in names and "nav" in names, name
        assert dict(page.tags)["html"]["lang"] == "en-GB"
        pictures = [given for tag, given in page.tags if tag == "img"]
        assert all(len(given.get("alt", "")) > 20 for given in pictures), name
        heads = [given for tag, given in page.tags if tag == "th"]
        assert all(given.get("scope") in ("col", "row") for given in heads), name
        assert "Traceback" not in text and "In [" not in text, name


def test_every_page_says_that_the_trust_is_invented(reported):
    assert all("invented" in text for text in read_pages(reported).values())


def test_every_identity_holds_and_is_listed(reported):
    tables = reported.final() / "tables"
    checks = pd.concat(
        pd.read_parquet(tables / f"{name}.parquet")
        for name in ("reconciliation", "subsidy_reconciliation")
    )
    assert checks["passed"].all()
    assert (checks["difference_pence"] == 0).all()
    assert {"R1", "R2", "R3", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R15", "R18"} <= set(
        checks["id"]
    )


def test_pounds_in_the_ledger_are_pounds_in_the_patients(reported, demo_files):
    ledger = pd.read_csv(demo_files / "general_ledger.csv", dtype=str)
    kinds = pd.read_csv(demo_files / "expense_map.csv", dtype=str).set_index("expense_code")[
        "account_type"
    ]
    spent = ledger[ledger["expense_code"].map(kinds).eq("expenditure")]
    pence = spent["amount"].map(lambda text: round(float(text) * 100)).sum()
    costs = pd.read_parquet(reported.final() / "tables" / "patient_costs.parquet")
    assert costs["amount_pence"].sum() == pence


def test_rows_read_are_rows_kept_and_set_aside(reported, demo_files):
    accounts = pd.read_parquet(reported.final() / "tables" / "cleaning_accounts.parquet")
    assert (accounts["n_read"] == accounts["n_kept"] + accounts["n_excluded"]).all()
    lines = (demo_files / "apc_episodes.csv").read_text(encoding="utf-8").count("\n") - 1
    assert accounts.set_index("file").loc["apc_episodes", "n_read"] == lines


def test_run_again_changes_nothing(reported, capsys):
    before = {path: path.stat().st_mtime_ns for path in reported.final().rglob("*")}
    assert reported.report() == 0
    assert "nothing has changed" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in reported.final().rglob("*")} == before


def read_trust_rows(place) -> dict[str, int]:
    statement = pd.read_parquet(place.final() / "tables" / "service_line_statement.parquet")
    rows = statement[statement["line_id"] == "TRUST"].set_index("row_id")["amount_pence"]
    return {row: int(rows[row]) for row in ("I", "C1", "C2", "T2", "T4")}


def test_another_method_moves_lines_but_not_the_trust(copied):
    first = pd.read_parquet(copied.final() / "tables" / "service_line_position.parquet")
    trust_rows = read_trust_rows(copied)
    assert copied.report("XYZ", "--method", "direct") == 0
    second = pd.read_parquet(copied.final() / "tables" / "service_line_position.parquet")
    assert read_trust_rows(copied) == trust_rows
    assert (first["surplus_pence"] != second["surplus_pence"]).any()
    told = json.loads((copied.final() / "run.json").read_text())
    assert (
        told["steps"]["01_data_cleaning"]["why"] != "unchanged"
    )  # method is a parameter of every step


def test_an_optional_file_taken_away_takes_its_panel_and_nothing_else(copied):
    before = pd.read_parquet(copied.final() / "tables" / "service_line_statement.parquet")
    (copied.files() / "outcomes.csv").unlink()
    assert copied.report() == 0
    after = pd.read_parquet(copied.final() / "tables" / "service_line_statement.parquet")
    pd.testing.assert_frame_equal(before, after)
    review = pd.read_parquet(copied.final() / "tables" / "consultant_review.parquet")
    assert not set(review["benefit"]) & {"better", "worse", "no_better", "inconclusive"}


def test_every_notebook_was_given_every_parameter(reported):
    for step in STEPS:
        notebook = nbformat.read(reported.final() / "notebooks" / f"{step.name}.ipynb", 4)
        (cell,) = [
            one for one in notebook.cells if "injected-parameters" in one.metadata.get("tags", [])
        ]
        names = [line.split(" = ")[0] for line in cell.source.splitlines() if " = " in line]
        assert names == list(list_defaults()), step.name
