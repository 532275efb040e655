"""A small demonstration trust, written and reported once for all tests that read a report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from helpers.sources.demo import write_demo
from small_report import YEAR, Place

SMALL = 0.02

# How long an example takes is the machine's business: no test passes or fails by it.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


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


@pytest.fixture(scope="session")
def edition(reported, tmp_path_factory) -> Place:
    """The small XYZ with its report and, made from it, its public edition."""
    base = tmp_path_factory.mktemp("public")
    shutil.copytree(reported.data, base / "data")
    shutil.copytree(reported.out, base / "out")
    place = Place(base / "data", base / "out")
    assert place.report("XYZ", "--audience", "public") == 0
    return place
