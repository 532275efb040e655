"""One lock file, whichever way the environment is made."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from setup_env import split_extras

from environment import need_own_environment

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = {"lab": "jupyterlab", "browser": "playwright", "spark": "pyspark"}


def read_pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", text, flags=re.MULTILINE))


def read_project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_pin_carries_a_checksum():
    for name in ("requirements.lock", *(f"requirements-{extra}.lock" for extra in EXTRAS)):
        text = (ROOT / name).read_text(encoding="utf-8")
        blocks = re.split(r"^(?=[a-z0-9._-]+==)", text, flags=re.MULTILINE)[1:]
        assert len(blocks) > 50
        assert all("--hash=sha256:" in block for block in blocks)


def test_what_the_project_asks_for_is_locked():
    project = read_project()
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.match(r"[a-z0-9._-]+", line)[0].lower() for line in wanted}
    assert names <= set(read_pins("requirements.lock"))


@pytest.mark.parametrize(("extra", "package"), EXTRAS.items())
def test_each_extra_has_a_lock_that_agrees_with_the_main_one(extra, package):
    main, more = read_pins("requirements.lock"), read_pins(f"requirements-{extra}.lock")
    assert package in more
    assert package not in main
    shared = main.keys() & more.keys()
    assert {name: more[name] for name in shared} == {name: main[name] for name in shared}


@pytest.mark.parametrize(
    ("typed", "locks", "left"),
    [
        ([], [], []),
        (["--lab", "lab"], ["requirements-lab.lock"], ["lab"]),
        (["--spark"], ["requirements-spark.lock"], []),
        (["test", "-x"], ["requirements-browser.lock"], ["test", "-x"]),
        (["--spark", "test"], ["requirements-spark.lock", "requirements-browser.lock"], ["test"]),
        (
            ["report", "--engine", "spark", "XYZ"],
            ["requirements-spark.lock"],
            ["report", "--engine", "spark", "XYZ"],
        ),
        (["report", "--engine", "duckdb", "spark"], [], ["report", "--engine", "duckdb", "spark"]),
    ],
)
def test_a_command_brings_the_extras_it_needs(typed, locks, left):
    assert split_extras(typed) == (locks, left)


def test_conda_gets_the_same_python_and_the_same_lock():
    told = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    plain = [line for line in told["dependencies"] if isinstance(line, str)]
    through_pip = next(line["pip"] for line in told["dependencies"] if isinstance(line, dict))
    assert plain == ["python=3.11", "pip", "make"]
    assert through_pip == ["--require-hashes", "-r requirements.lock", "-r requirements-lab.lock"]
    assert read_project()["requires-python"].startswith(">=3.11")


def test_set_up_does_nothing_when_it_is_current():
    own = need_own_environment()["SLR_ENV"]
    done = subprocess.run(
        [sys.executable, "setup_env.py"], cwd=ROOT, capture_output=True, text=True,
        env={"SLR_ENV": own, "PATH": ""}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
