"""Copies of the small report, for tests that change files or break the project."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project_copy import Project, copy_project

from small_report import Place


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
