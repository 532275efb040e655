"""Pictures: small, with words as words, in two widths and two themes."""

from __future__ import annotations

import base64
import re
from urllib.parse import unquote

import numpy as np
import pytest

from helpers.report.figures import picture
from helpers.report.figures.narrow import NARROW_INCHES
from helpers.report.figures.picture import draw_picture, draw_pictures, follow_theme, shrink_svg
from helpers.report.figures.style import BLUE, DARK, ORANGE, new_figure, report_style

# Lightness of what a reader in the dark has behind a figure: report.css, --paper.
PAPER, DARK_PAPER = "#ffffff", "#14181c"


def bars(names=("Trauma and orthopaedics", "Urology"), *, colour=BLUE, label=""):
    with report_style():
        figure, axes = new_figure(2.5)
        axes.barh(list(names), range(1, len(names) + 1), color=colour)
        axes.set_xlabel(label)
    return figure


def read_svg(one) -> str:
    head, body = one.address.split(",", 1)
    return base64.b64decode(body).decode() if head.endswith("base64") else unquote(body)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_words_are_words():
    assert ">Trauma and orthopaedics</text>" in read_svg(draw_picture(bars()))


def test_a_phone_gets_a_narrower_one_with_folded_words():
    wide, narrow = draw_pictures(bars())
    assert narrow is not None
    assert narrow.width == round(NARROW_INCHES * 96) < wide.width
    assert "Trauma and orthopaedics" not in read_svg(narrow)  # in two lines
    assert "orthopaedics" in read_svg(narrow)


def test_an_address_for_a_phone_is_one_word():
    """A ``srcset`` ends an address at a blank."""
    assert " " not in draw_pictures(bars())[1].address


def test_words_that_would_meet_keep_the_wide_form():
    with report_style():
        figure, axes = new_figure(2.5)
        axes.bar(range(14), range(14))
        axes.set_xticks(range(14), [f"Month number {n}" for n in range(14)], fontsize=4)
    assert draw_pictures(figure)[1] is None


def test_a_picture_follows_the_theme():
    svg = read_svg(draw_picture(bars(colour=ORANGE)))
    assert f"var(--{ORANGE[1:].lower()})" in svg
    assert f"--{ORANGE[1:].lower()}:{DARK[ORANGE.lower()]}" in svg
    assert "prefers-color-scheme:dark" in svg


def test_a_colour_outside_the_palette_stays_and_so_does_its_white_ground():
    one = draw_picture(bars(colour="#123456"))
    assert not one.follows_theme
    assert "#123456" in read_svg(one)


def test_a_colour_or_a_number_in_words_is_left_alone():
    svg = '<svg><text style="fill: #12436d" x="1.23456">#12436d 0.12345</text></svg>'
    shown, _ = follow_theme(shrink_svg(svg))
    assert ">#12436d 0.12345</text>" in shown
    assert 'x="1.23"' in shown


@pytest.mark.parametrize("light", [BLUE, ORANGE, "#28A197", "#801650", "#6F777B", "#22272B"])
def test_colours_stand_out_from_their_ground_in_both_themes(light):
    """WCAG 1.4.11 asks 3:1 of a mark; orange on white falls just under and always has words beside it."""
    least = 2.9 if light == ORANGE else 3.0
    assert contrast(light, PAPER) >= least
    assert contrast(DARK[light.lower()], DARK_PAPER) >= 3.0


def test_a_figure_with_very_many_marks_becomes_pixels():
    with report_style():
        figure, axes = new_figure(2.5)
        # 60,000 paths of one step each; the wave keeps matplotlib from joining them
        wave = np.cumsum(np.tile([1.0, -0.9], 30_000))
        axes.scatter(np.arange(60_000), wave, s=1)
    one = draw_picture(figure)
    assert one.address.startswith("data:image/png;base64,")
    assert not one.follows_theme


def test_the_same_figure_gives_the_same_bytes():
    assert draw_pictures(bars()) == draw_pictures(bars())


def test_a_picture_runs_and_asks_for_nothing():
    svg = read_svg(draw_picture(bars(['<script>alert("1")</script>', "b & c"])))
    assert "<script" not in svg
    assert not re.search(r'(?:href|src)="(?!#)', svg)


def test_an_svg_that_is_lighter_stays_one(monkeypatch):
    monkeypatch.setattr(picture, "LARGEST_SVG_BYTES", 1)
    assert draw_picture(bars()).address.startswith("data:image/svg+xml")
