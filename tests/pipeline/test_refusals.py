"""What a user can get wrong: one clear message, the right exit code, nothing half-written."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from environment import need_own_environment
from helpers.cli import main

pytestmark = pytest.mark.xdist_group("pipeline")
ROOT = Path(__file__).resolve().parents[2]


def read_report(place) -> dict[str, bytes]:
    final = place.final()
    return {
        str(path.relative_to(final)): path.read_bytes()
        for path in final.rglob("*")
        if path.is_file()
    }


def expect_refusal(place, capsys, *words: str, code: int = 2) -> str:
    """Run, and check the refusal: its code, its words, and that the last good report stands."""
    before = read_report(place)
    assert place.report() == code
    message = capsys.readouterr().err
    for word in words:
        assert word in message
    assert "Traceback" not in message
    assert read_report(place) == before
    assert not list(place.final().parent.glob(".*.building"))
    return message


@pytest.mark.parametrize(
    "trust", ["../x", "a b", "$(id)", "<script>", "`id`", "", "ABCDEF", "X;ls"]
)
def test_a_trust_that_is_not_a_code(trust, tmp_path, capsys):
    assert main(["report", "--out", str(tmp_path / "out"), "--", trust]) == 2
    assert "not a trust code" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "trust", ["$(shell touch PWNED)", "$(id)", "`touch PWNED`", "$$(touch PWNED)", "../x", "a b"]
)
def test_make_passes_a_trust_on_as_it_was_typed(trust, tmp_path):
    done = subprocess.run(
        ["make", "report", f"TRUST={trust}", f"OUT={tmp_path}"], cwd=ROOT, capture_output=True, text=True,
        check=False, env=need_own_environment(),
    )  # fmt: skip
    assert done.returncode == 2
    assert "which is not a trust code" in done.stderr
    assert not (ROOT / "PWNED").exists() and not list(tmp_path.iterdir())


def test_an_unknown_trust_is_told_what_is_there(reported, capsys):
    assert reported.report("R0A") == 2
    assert "There are files for: XYZ" in capsys.readouterr().err


def test_an_unknown_year_is_told_which_years_are_there(reported, capsys):
    assert reported.report("XYZ", "--year", "2023-24") == 2
    assert "2024-25" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--method", "magic"),
        ("--audience", "everyone"),
        ("--engine", "abacus"),
        ("--year", "2024-26"),
    ],
)
def test_a_parameter_out_of_its_list(reported, capsys, option, value):
    assert reported.report("XYZ", option, value) == 2
    assert value in capsys.readouterr().err


@pytest.mark.parametrize("name", ["general_ledger", "apc_episodes", "service_lines", "departments"])
def test_a_mandatory_file_is_missing(copied, capsys, name):
    (copied.files() / f"{name}.csv").unlink()
    expect_refusal(copied, capsys, name)


def test_a_mandatory_column_is_missing(copied, capsys, change):
    change(copied.files() / "general_ledger.csv", "expense_code", "subjective")
    expect_refusal(copied, capsys, "general_ledger", "expense_code")


def test_a_ledger_that_differs_from_its_control_total(copied, capsys):
    path = copied.files() / "control_totals.csv"
    totals = pd.read_csv(path, dtype=str)
    spent = totals["measure"].eq("total_expenditure")
    totals.loc[spent, "value"] = totals.loc[spent, "value"].map(
        lambda text: f"{float(text) + 0.01:.2f}"
    )
    totals.to_csv(path, index=False)
    expect_refusal(copied, capsys, "LED-005", "£0.01")


def miscount_episodes(place) -> None:
    """Let the control total ask for one episode more than the files hold."""
    path = place.files() / "control_totals.csv"
    totals = pd.read_csv(path, dtype=str)
    episodes = totals["measure"].eq("apc_episodes")
    totals.loc[episodes, "value"] = totals.loc[episodes, "value"].map(lambda n: str(int(n) + 1))
    totals.to_csv(path, index=False)


def test_an_identity_that_fails_stops_the_report(copied, capsys):
    miscount_episodes(copied)
    expect_refusal(copied, capsys, "R15", code=1)


def test_a_report_allowed_to_be_unreconciled_says_so_on_every_page(copied):
    miscount_episodes(copied)
    assert copied.report("XYZ", "--allow-unreconciled") == 0
    for page in copied.final().glob("*.html"):
        assert "<strong>UNRECONCILED.</strong>" in page.read_text(encoding="utf-8"), page.name


def test_overhead_services_that_only_serve_each_other(copied, capsys):
    path = copied.files() / "overhead_drivers.csv"
    drivers = pd.read_csv(path, dtype=str)
    services = pd.read_csv(copied.files() / "departments.csv", dtype=str).query("kind == 'service'")
    pair = sorted(services["department_id"])[:2]
    kept = drivers[~drivers["service_department"].isin(pair)]
    loop = pd.DataFrame(
        {
            "service_department": pair,
            "consumer_department": pair[::-1],
            "driver": "wte",
            "quantity": "1",
        }
    ).merge(drivers[["driver_set"]].drop_duplicates(), how="cross")
    pd.concat([kept, loop]).to_csv(path, index=False)
    expect_refusal(copied, capsys, "DRV-003", pair[0])


def test_a_folder_of_another_trust(copied, capsys):
    shutil.copytree(copied.files(), copied.data / "R0A" / "2024-25")
    assert copied.report("R0A") == 2
    assert "XYZ" in capsys.readouterr().err
    assert not copied.final("R0A").exists()


def test_out_that_cannot_be_written(reported, tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert main(["report", "XYZ", "--data", str(reported.data), "--out", str(blocked)]) == 2
    assert "which is a file. Name a folder." in capsys.readouterr().err
    assert blocked.read_text() == "in the way"
