"""From a figure to pictures for a page: small, sharp, readable on a phone and in the dark.

A picture is SVG whose words are words, so that it is a fifth of the size of one that draws each
letter (decision D-201). Colours of the report's palette follow the reader's light or dark theme.
A figure with very many marks becomes pixels.
"""

from __future__ import annotations

import base64
import io
import re
from dataclasses import dataclass
from urllib.parse import quote

from matplotlib.figure import Figure

from helpers.report.figures.narrow import draw_form, draw_narrow
from helpers.report.figures.phone import get_phone_form
from helpers.report.figures.style import DARK, WHITE, report_style, to_svg

# Above this size a figure is drawn as pixels, if that is smaller.
LARGEST_SVG_BYTES = 90_000
PIXELS_PER_INCH = 170
COLOURS_OF_PIXELS = 96
FONTS = "'DejaVu Sans','Verdana','Segoe UI','Roboto','Helvetica Neue',Arial,sans-serif"
NUMBER = re.compile(r"-?\d+\.\d{2,}")
COLOUR = re.compile(r"#[0-9a-f]{6}\b")
STYLE, TAG = re.compile(r'style="[^"]*"'), re.compile(r"<[^>]*>")
NO_TURN = re.compile(r' transform="rotate\(-?0 [^)]*\)"')
EMPTY_GROUP = re.compile(r"<g(?: id=\"[^\"]*\")?/>|<g(?: id=\"[^\"]*\")?></g>")
GROUP_NAME = re.compile(r'(<g) id="[^"]*"')
SAFE_IN_URL = " /:;=,.!*()'-_~?@&+$"


@dataclass(frozen=True)
class Picture:
    """A picture as a ``data:`` address, with its size on a page in CSS pixels."""

    address: str
    width: int
    height: int
    follows_theme: bool = True


def draw_pictures(figure: Figure) -> tuple[Picture, Picture | None]:
    """Return a figure as a picture for a screen and, if its words fit, one for a phone.

    The figure is laid out afresh for the second one, so it is not to be used again.
    """
    wide, form = draw_picture(figure), get_phone_form(figure)
    with report_style():
        narrow = draw_narrow(figure) if form is None else draw_form(form)
    return wide, _make_picture(form or figure, narrow, is_one_word=True) if narrow else None


def draw_picture(figure: Figure) -> Picture:
    """Return a figure as it is laid out; the same figure gives the same bytes."""
    return _make_picture(figure, to_svg(figure), is_one_word=False)


def _make_picture(figure: Figure, svg: str, *, is_one_word: bool) -> Picture:
    """Return a figure that was drawn as SVG.

    An address that is one word, without blanks, is a little longer; a ``srcset`` needs one.
    """
    width, height = (round(inches * 96) for inches in figure.get_size_inches())
    svg = shrink_svg(svg)
    if len(svg) > LARGEST_SVG_BYTES:
        pixels = to_png(figure)
        if len(pixels) < len(svg):
            address = "data:image/png;base64," + base64.b64encode(pixels).decode()
            return Picture(address, width, height, follows_theme=False)
    themed, follows = follow_theme(svg)
    if is_one_word:
        address = "data:image/svg+xml;base64," + base64.b64encode(themed.encode()).decode()
    else:
        address = "data:image/svg+xml," + quote(themed, safe=SAFE_IN_URL)
    return Picture(address, width, height, follows_theme=follows)


def to_png(figure: Figure) -> bytes:
    """Return a figure as pixels in as many colours as an eye tells apart on a page."""
    from matplotlib.image import imread
    from PIL import Image

    drawn, buffer = io.BytesIO(), io.BytesIO()
    with report_style():
        figure.savefig(
            drawn, format="png", dpi=PIXELS_PER_INCH, facecolor=WHITE, metadata={"Software": None}
        )
    drawn.seek(0)
    levels = (imread(drawn, format="png")[..., :3] * 255).round().astype("uint8")
    few = Image.fromarray(levels).quantize(COLOURS_OF_PIXELS, dither=Image.Dither.NONE)
    few.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def shrink_svg(svg: str) -> str:
    """Return SVG that looks the same with what no reader sees taken out.

    >>> shrink_svg('<svg><!-- a --><g id="patch_1"><path d="M 1.23456 2.0004 "/></g></svg>')
    '<svg><g><path d="M 1.23 2 "/></g></svg>'
    """
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r">\s+<", "><", re.sub(r"\s+", " ", svg)).strip()
    svg = GROUP_NAME.sub(r"\1", NO_TURN.sub("", svg))
    svg = TAG.sub(lambda tag: NUMBER.sub(_round, tag[0]), svg)  # never a number that is read
    while EMPTY_GROUP.search(svg):
        svg = EMPTY_GROUP.sub("", svg)
    return svg


def follow_theme(svg: str) -> tuple[str, bool]:
    """Return SVG whose colours follow the reader's theme, and whether it could be done.

    A figure with a colour outside the report's palette keeps its colours and its white ground.
    """
    used = sorted({colour for style in STYLE.findall(svg) for colour in COLOUR.findall(style)})
    if any(colour not in DARK for colour in used):
        return svg.replace("font-family: 'DejaVu Sans'", f"font-family: {FONTS}"), False
    light = "".join(f"--{colour[1:]}:{colour};" for colour in used)
    dark = "".join(f"--{colour[1:]}:{DARK[colour]};" for colour in used)
    svg = STYLE.sub(lambda style: COLOUR.sub(_name_colour, style[0]), svg)
    svg = svg.replace("font-family: 'DejaVu Sans'", "font-family: var(--font)")
    style = (
        f"<style>:root{{color-scheme:light dark;--font:{FONTS};{light}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{dark}}}}}</style>"
    )
    end = svg.index(">") + 1
    return svg[:end] + style + svg[end:], True


def _name_colour(found: re.Match[str]) -> str:
    return f"var(--{found[0][1:]})"


def _round(found: re.Match[str]) -> str:
    text = f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
