"""One lock file, whichever way the environment is made."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from environment import need_own_environment

ROOT = Path(__file__).resolve().parents[2]


def read_pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", text, flags=re.MULTILINE))


def read_project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_pin_carries_a_checksum():
    for name in ("requirements.lock", "requirements-lab.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        blocks = re.split(r"^(?=[a-z0-9._-]+==)", text, flags=re.MULTILINE)[1:]
        assert len(blocks) > 50
        assert all("--hash=sha256:" in block for block in blocks)


def test_what_the_project_asks_for_is_locked():
    project = read_project()
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.match(r"[a-z0-9._-]+", line)[0].lower() for line in wanted}
    assert names <= set(read_pins("requirements.lock"))
    assert "jupyterlab" not in read_pins("requirements.lock")
    assert "jupyterlab" in read_pins("requirements-lab.lock")


def test_the_laboratory_lock_agrees_with_the_main_one():
    main, lab = read_pins("requirements.lock"), read_pins("requirements-lab.lock")
    assert {name: lab[name] for name in main.keys() & lab.keys()} == {
        name: main[name] for name in main.keys() & lab.keys()
    }


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
