"""One list of parameters: notebooks, command line and Makefile have these and no others."""

from __future__ import annotations

import inspect
import re
import subprocess
from pathlib import Path

import pytest

from helpers.cli import build_parser, main
from helpers.errors import CommandError
from helpers.parameters import PARAMETERS, check_values, list_defaults
from helpers.report.series import remove_reports
from helpers.run import open_run

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def read_options(command: str) -> dict[str, object]:
    """Return a command's parameters with their defaults, as its parser has them."""
    subparsers = next(one for one in build_parser()._actions if one.choices)
    actions = subparsers.choices[command]._actions
    return {one.dest: one.default for one in actions if one.dest not in ("help", "trusts", "words")}


def run_make(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["make", "--no-print-directory", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_defaults_are_values_that_the_checks_take():
    given = {name: one.default for name, one in PARAMETERS.items()}
    assert check_values(given) == given


def test_a_run_is_opened_with_the_notebooks_parameters():
    given = inspect.signature(open_run).parameters
    assert list(given) == list(list_defaults())
    defaults = {name: one.default for name, one in given.items() if name != "trust"}
    assert {"trust": "XYZ", **defaults} == list_defaults()


def test_the_command_line_has_the_same_names_and_defaults():
    report = read_options("report")
    assert report["audience"] is None  # until the trust's settings were asked (test_audience.py)
    report["audience"] = PARAMETERS["audience"].default
    assert {**report, "trust": "XYZ", "folder": ""} == list_defaults()
    both = {**read_options("reports"), **read_options("demo"), **read_options("clean"), **report}
    assert set(both) | {"folder"} == set(PARAMETERS)
    assert all(both[name] == PARAMETERS[name].default for name in both if name != "trust")


def test_the_makefile_has_the_same_names():
    named = re.search(r"^PARAMETERS := (.+)$", MAKEFILE, re.MULTILINE)[1].split()
    assert named == [name.upper() for name, one in PARAMETERS.items() if one.in_make]


@pytest.mark.parametrize("command", ["report", "reports", "comparison", "demo", "clean"])
def test_make_passes_on_every_parameter_that_the_command_takes(command):
    taken = [name for name in read_options(command) if PARAMETERS[name].in_make]
    typed = run_make("-n", command, *[f"{name.upper()}=1" for name in taken])
    assert typed.returncode == 0, typed.stderr
    for name in taken:
        option = (
            f'-- "${name.upper()}"'
            if name == "trust"
            else f'--{name.replace("_", "-")} "${name.upper()}"'
        )
        assert option in typed.stdout, name


def test_make_refuses_a_parameter_that_is_not_there():
    done = run_make("-n", "report", "TRUST=xyz", "COLOUR=red blue")
    assert done.returncode == 2 and done.stdout == ""
    assert "There is no parameter named COLOUR; the parameters are TRUST YEAR" in done.stderr


def test_a_name_that_is_not_a_parameter_is_refused():
    with pytest.raises(CommandError, match=r"no parameter named colour; the parameters are trust,"):
        check_values({"colour": "red"})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("trust", 123, "TRUST is 123, which is not text"),
        ("trust", "XÝZ", "not a trust code"),
        ("trust", "XY٣", "not a trust code"),
        ("year", 2024, "not text"),
        ("year", "２０２４-25", "not a financial year"),
        ("audience", "", "AUDIENCE is ''; it can be analyst, public"),
        ("method", None, "METHOD is None, which is not text"),
        ("method", "magic", "it can be reciprocal, step_down, direct"),
        ("engine", True, "ENGINE is True, which is not text"),
        ("data", "", "DATA is ''; it must name a folder"),
        ("out", "a\0b", "must name a folder"),
        ("out", 3, "not text"),
        ("allow_unreconciled", "yes", "can be True or False"),
        ("allow_unreconciled", 1, "can be True or False"),
        ("what_if", 1, "WHAT_IF is 1, which is not text"),
        ("what_if", "prices:2%", "with a sign before a change"),
        ("what_if", "close:MAT", "asks nothing that can be answered"),
        ("what_if", "stays:MAT:-1; stays:mat:-1.0", "the same more than once"),
        ("jobs", "0", "JOBS is '0'; it must be a whole number from 1"),
        ("jobs", "-1", "whole number"),
        ("jobs", "1.5", "whole number"),
        ("jobs", "many", "whole number"),
        ("jobs", True, "whole number"),
        ("size", "nan", "SIZE is 'nan'; it must be a number above 0"),
        ("size", "inf", "above 0"),
        ("size", "0", "above 0"),
        ("size", "-1", "above 0"),
        ("size", "", "above 0"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(name, value, words):
    with pytest.raises(CommandError, match=re.escape(words)):
        check_values({name: value})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("trust", " xyz ", "XYZ"),
        ("year", "2024/25", "2024-25"),
        ("jobs", "2", 2),
        ("jobs", None, None),
        ("size", "0.05", 0.05),
        ("data", Path("a b"), "a b"),
    ],
)
def test_a_value_is_returned_in_its_own_type(name, value, expected):
    found = check_values({name: value})[name]
    assert found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    "words",
    [
        ("reports", "--jobs", "0"),
        ("reports", "--jobs", "-1"),
        ("demo", "XYZ", "--size", "nan"),
        ("report", "XYZ", "--data", "README.md"),
        ("reports", "--data", "README.md"),
        ("report", "XYZ", "--out", "README.md/deeper"),
        ("clean", "--out", "README.md"),
    ],
)
def test_a_command_with_a_wrong_value_does_not_start(words, capsys):
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.strip().endswith(".")


@pytest.mark.parametrize("words", [("report", "XYZ", "--colour", "red"), ("report", "XYZ", "--meth", "direct")])  # fmt: skip
def test_an_unknown_or_shortened_option_is_refused(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_a_report_is_never_written_over_the_trusts_files(tmp_path, capsys):
    files = tmp_path / "XYZ" / "2024-25"
    files.mkdir(parents=True)
    (files / "trust.yml").write_text("mine")
    for out in (tmp_path, files, tmp_path / "." / "XYZ" / ".."):
        assert main(["report", "XYZ", "--data", str(tmp_path), "--out", str(out)]) == 2
        assert "DATA and OUT must be different folders" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.rglob("*") if path.is_file()] == ["mine"]


def test_clean_removes_reports_and_nothing_else(tmp_path):
    made, mine = tmp_path / "XYZ" / "2024-25", tmp_path / "R0A" / "2024-25"
    for folder in (made, mine, tmp_path / "XYZ" / ".2023-24.building", tmp_path / "letters" / "a"):
        folder.mkdir(parents=True)
        (folder / "kept.txt").write_text("a")
    (made / "run.json").write_text("{}")
    (tmp_path / "XYZ" / ".2024-25.lock").touch()
    assert remove_reports(tmp_path) == 2
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"R0A/2024-25/kept.txt", "letters/a/kept.txt"}
    assert not (tmp_path / "XYZ").exists()
