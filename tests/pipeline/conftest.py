"""A small demonstration trust, written and reported once for all tests here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from project_copy import Project, copy_project

from helpers.cli import main
from helpers.sources.demo import write_demo

YEAR = "2024-25"
SMALL = 0.02


@dataclass(frozen=True)
class Place:
    """Where a test's trusts and reports are."""

    data: Path
    out: Path

    def report(self, trust: str = "XYZ", *more: str) -> int:
        return main(["report", trust, "--data", str(self.data), "--out", str(self.out), *more])

    def files(self, trust: str = "XYZ") -> Path:
        return self.data / trust / YEAR

    def final(self, trust: str = "XYZ") -> Path:
        return self.out / trust / YEAR


@pytest.fixture(scope="session")
def demo_files(tmp_path_factory) -> Path:
    """XYZ at a fiftieth of its size; never changed by a test."""
    folder = tmp_path_factory.mktemp("demo") / "XYZ" / YEAR
    write_demo("XYZ", folder, size=SMALL)
    return folder


@pytest.fixture(scope="session")
def reported(demo_files, tmp_path_factory) -> Place:
    """The small XYZ with its report; tests read it and leave it as it is."""
    place = Place(demo_files.parents[1], tmp_path_factory.mktemp("out"))
    assert place.report() == 0
    return place


@pytest.fixture
def copied(reported, tmp_path) -> Place:
    """A copy of the small XYZ and its report, for tests that change files."""
    shutil.copytree(reported.data, tmp_path / "data")
    shutil.copytree(reported.out, tmp_path / "out")
    return Place(tmp_path / "data", tmp_path / "out")


@pytest.fixture
def change() -> Callable[[Path, str, str], None]:
    """Replace text in a file, and fail if it is not there."""

    def replace(path: Path, old: str, new: str) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace


@pytest.fixture(scope="session")
def project_root(tmp_path_factory) -> Path:
    """One copy of the project for all tests that break it, in a folder with a difficult name."""
    root = tmp_path_factory.mktemp("copy") / "Ein Projekt – ünïcode"
    copy_project(root)
    return root


@pytest.fixture
def project(project_root, reported, tmp_path) -> Iterator[Project]:
    """The project's copy, with the small XYZ and its report in folders with difficult names."""
    data, out = tmp_path / "Dáten & <files>", tmp_path / "la sortie '№ 1'"
    shutil.copytree(reported.data, data)
    shutil.copytree(reported.out, out)
    copy = Project(project_root, data, out)
    yield copy
    copy.restore()
