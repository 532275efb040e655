"""A report from published files alone: whole, honest about what it lacks, and found by its files."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from helpers.cli import main
from helpers.report.series import PUBLISHED_STEPS, STEPS, list_steps
from helpers.run import open_run
from organisation_file import make_organisations, write_organisations

FULL, ALONE = "ZAC", "ZZZ"
LICENCE = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
SCHEDULE = "department_code,currency_code,activity,unit_cost,cost\nEmergency Care,VB02Z,10,300,3000\nDaycase,AZ10A,20,100,2000\n"
EXTRACT = "org_code,year,currency_code,activity,unit_cost\nZZZ,2021/22,VB02Z,5,400\nZZZ,2021/22,AZ10A,1,7\n"


def report(root: Path, trust: str, year: str) -> int:
    return main(
        ["report", trust, "--year", year, "--data", str(root / "raw"), "--out", str(root / "out")]
    )


def read_pages(root: Path, trust: str, year: str) -> dict[str, str]:
    folder = root / "out" / trust / year
    return {
        step.name[3:]: (folder / step.page).read_text(encoding="utf-8") for step in PUBLISHED_STEPS
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Thirty invented trusts of 2023/24; one trust's extract and a schedule of 2021/22."""
    root = tmp_path_factory.mktemp("public") / "a folder"
    (root / "published").mkdir(parents=True)
    rows, _ = make_organisations(n_orgs=30, n_currencies=30, n_planted=20, seed=2)
    write_organisations(root / "published" / "Org_level_2324.csv", rows)
    (root / "published" / "schedule_2122.csv").write_text(SCHEDULE)
    (root / "published" / "extract.csv").write_text(EXTRACT)
    (root / "published" / "notes.csv").write_text("a,<script>alert(1)</script>\n1,2\n")
    assert report(root, FULL, "2023-24") == 0
    assert report(root, ALONE, "2021-22") == 0
    assert report(root, "england", "2021-22") == 0
    return root


def test_every_page_is_there_and_says_what_it_rests_on(root):
    for trust, year in ((FULL, "2023-24"), (ALONE, "2021-22"), ("ENGLAND", "2021-22")):
        for page in read_pages(root, trust, year).values():
            assert (
                "Made from what NHS England publishes, without any trust’s ledger or patients"
                in page
            )
            assert "Open Government Licence v3.0" in page
            assert "This edition holds small numbers" not in page
            assert set(re.findall(r'(?:src|href)="(http[^"]*)"', page)) == {LICENCE}


def test_a_trust_of_a_full_file_has_an_index_a_funnel_and_peers(root):
    pages = read_pages(root, FULL, "2023-24")
    assert 'id="figure-2.2"' in pages["published_costs"]
    assert (
        'id="figure-5.1"' in pages["published_trusts"]
        and 'id="table-5.2"' in pages["published_trusts"]
    )
    names = re.findall(
        r'<th scope="row">(Z\w\w)</th>', pages["published_trusts"].split('id="table-5.3"')[1]
    )
    assert len(names) == 30 and names == sorted(names)  # by name, not by merit


def test_what_the_files_do_not_support_is_left_out_and_said(root):
    pages = read_pages(root, ALONE, "2021-22")
    assert "No prices within two years" in pages["published_subsidy"]
    assert not re.search(r'id="(figure-3\.[13]|table-3\.[245])"', pages["published_subsidy"])
    assert (
        "so none is" in pages["published_outliers"]
        and "figure-4.1" not in pages["published_outliers"]
    )
    assert "too few for a picture of all trusts" in pages["published_trusts"]
    assert not re.search(r'id="(figure-5\.1|table-5\.[23])"', pages["published_trusts"])
    assert "Bed days are not published for this year" in pages["published_costs"]


def test_a_trust_alone_is_held_against_the_schedule_by_hand(root):
    """5 attendances at £300 = £1,500 against £2,000; AZ10A has no setting: 1 at £100 against £7."""
    index = pd.read_parquet(root / "out" / ALONE / "2021-22" / "tables" / "published_index.parquet")
    rows = index.set_index("line_id")[["observed_pence", "expected_pence"]].to_dict("index")
    assert rows["EMERGENCY"] == {"observed_pence": 200_000, "expected_pence": 150_000}
    assert rows["NERVOUS"] == {"observed_pence": 700, "expected_pence": 10_000}
    assert rows["ALL"] == {"observed_pence": 200_700, "expected_pence": 160_000}


def test_england_is_not_compared_with_itself(root):
    assert (
        "England is the mean: it is not compared with itself"
        in read_pages(root, "ENGLAND", "2021-22")["published_costs"]
    )


def test_nothing_is_done_twice_and_the_bytes_are_the_same(root, tmp_path, capsys):
    before = {
        path.name: path.read_bytes() for path in (root / "out" / ALONE / "2021-22").glob("*.html")
    }
    assert report(root, ALONE, "2021-22") == 0
    assert "nothing has changed since the last report" in capsys.readouterr().out
    shutil.copytree(root / "published", tmp_path / "published")
    assert report(tmp_path, ALONE, "2021-22") == 0
    again = {
        path.name: path.read_bytes()
        for path in (tmp_path / "out" / ALONE / "2021-22").glob("*.html")
    }
    assert again == before


def test_what_a_file_says_cannot_act_on_a_page(root):
    page = read_pages(root, ALONE, "2021-22")["published_data"]
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_trusts_own_files_win(tmp_path):
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "a_2324.csv").write_text(SCHEDULE)
    given = {"data": str(tmp_path / "raw"), "out": str(tmp_path / "out")}
    assert list_steps(open_run(trust="R0A", **given)) == PUBLISHED_STEPS
    assert (
        list_steps(open_run(trust="XYZ", **given)) == STEPS
    )  # an invented trust is in no published file
    (tmp_path / "raw" / "R0A" / "2024-25").mkdir(parents=True)
    assert list_steps(open_run(trust="R0A", **given)) == STEPS


def test_without_published_files_the_message_is_as_before(tmp_path, capsys):
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "README.md").write_text("about")
    assert report(tmp_path, "R0A", "2024-25") == 2
    assert "There are no trusts there yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("trust", "year", "words"),
    [
        (
            "ZZZ",
            "2022-23",
            "hold ZZZ for 2021/22, not for 2022/23.\nChoose one of these with YEAR, as YEAR=2021-22",
        ),
        (
            "ZZQ",
            "2021-22",
            "hold no ZZQ.\nFor 2021/22 or without a year of their own they hold: ENGLAND, ZZZ",
        ),
        ("ZZQ", "2010-11", "docs/published-data.md says which files to put there"),
    ],
)
def test_a_trust_or_year_that_is_not_there_is_refused_in_words(root, capsys, trust, year, words):
    assert report(root, trust, year) == 2
    told = capsys.readouterr().err
    assert words in told and "Traceback" not in told


def test_the_listing_says_what_was_found_and_what_it_enables(root, capsys):
    assert main(["published", "--data", str(root / "raw")]) == 0
    told = capsys.readouterr().out
    assert "National Cost Collection by organisation, 2023/24" in told
    assert (
        "2021/22: 1 trust (ZZZ) and ENGLAND; no prices within two years: cost only; too few trusts"
        in told
    )
    assert "2023/24: 30 trusts (ZAA, ZAB, ZAC, ZAD, ZAE and 25 more)" in told
    assert "notes.csv\n    not used: its columns are not those of a file that is known" in told
    assert "KH03" in told.split("Not there")[1]


def test_the_listing_of_nothing_says_what_to_do(tmp_path, capsys):
    assert main(["published", "--data", str(tmp_path / "raw")]) == 2
    assert "docs/published-data.md says what to put there" in capsys.readouterr().out
