"""Who a report is for: what the command says, else what the trust's settings say, else analysts."""

from __future__ import annotations

import pytest

from helpers.cli import _open, build_parser
from helpers.sources.settings import read_audience

WRITTEN = "trust_code: R0A\ntrust_name: Anywhere\nfy: 2024/25\nmff: 1.0\n"


@pytest.mark.parametrize(
    ("text", "audience"),
    [
        (WRITTEN, "analyst"),
        (WRITTEN + "audience: public\n", "public"),
        ("audience: public\n", "public"),  # the run says what else is missing
        (WRITTEN + "audience: everybody\n", "analyst"),
        ("no yaml: [", "analyst"),
    ],
)
def test_settings_may_name_the_audience(tmp_path, text, audience):
    (tmp_path / "trust.yml").write_text(text, encoding="utf-8")
    assert read_audience(tmp_path) == audience


def test_without_settings_it_is_the_analyst(tmp_path):
    assert read_audience(tmp_path) == "analyst"


@pytest.mark.parametrize(
    ("words", "audience", "folder"),
    [([], "public", "public"), (["--audience", "analyst"], "analyst", "")],
)
def test_the_command_wins_over_the_settings(tmp_path, words, audience, folder):
    place = tmp_path / "raw" / "R0A" / "2024-25"
    place.mkdir(parents=True)
    (place / "trust.yml").write_text(WRITTEN + "audience: public\n", encoding="utf-8")
    paths = ["--data", str(tmp_path / "raw"), "--out", str(tmp_path / "out")]
    given = build_parser().parse_args(["report", "R0A", *paths, *words])
    run = _open(given, given.trust)
    assert run.audience == audience
    assert run.published == tmp_path / "out" / folder / "R0A" / "2024-25"
