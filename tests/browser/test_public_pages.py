"""The pages of the public edition in a real browser: accessible in both themes, at desktop and phone width."""

from __future__ import annotations

import pytest
from test_pages import DESKTOP, PHONE, ZOOMED, find_violations

from helpers.report.series import PUBLIC_STEPS
from small_report import YEAR

pytestmark = pytest.mark.xdist_group("pipeline")

PAGES = [step.page for step in PUBLIC_STEPS]


@pytest.fixture
def open_public(browser, edition):
    """Open a page of the small public edition at a width and in a theme."""
    contexts = []

    def open_one(name: str, *, width: int = DESKTOP, theme: str = "light"):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.goto((edition.out / "public" / "XYZ" / YEAR / name).as_uri())
        return page

    yield open_one
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("width", "theme"), [(DESKTOP, "light"), (PHONE, "dark")])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_violation(open_public, name, width, theme):
    page = open_public(name, width=width, theme=theme)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert find_violations(page) == []


@pytest.mark.parametrize("width", ZOOMED)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_off_the_side_when_zoomed(open_public, name, width):
    page = open_public(name, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", PAGES)
def test_there_is_no_code_to_show(open_public, name):
    page = open_public(name)
    assert page.locator("#show-code").count() == 0
    assert page.locator("pre.code").count() == 0
