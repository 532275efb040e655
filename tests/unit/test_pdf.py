"""A book of pages keeps every page's words and every link; a missing browser is one clear message."""

from __future__ import annotations

import re
import stat

import pytest

from helpers.errors import CommandError, StepError
from helpers.report.book import bind_pages, read_leaves
from helpers.report.pdf import find_browser, print_page

PAGE = """<!DOCTYPE html><html><head><title>{title}</title><style>p {{}}</style></head><body>
<p class="banner demo" role="note">Invented.</p>
<p class="kicker">Service line report · public edition</p>
<p class="trust">A &lt;Trust&gt; <span class="year">XYZ · 2024-25</span></p>
<nav class="pages" aria-label="Pages"><ul><li><a href="index.html" aria-current="page">One &amp; only</a></li>
<li><a href="02.html">Two</a></li></ul></nav>
<main id="main"><h1 id="top">{title}</h1>
<p>See <a href="02.html">two</a>, <a href="02.html#top">its top</a>, <a href="#top">this top</a>,
<a href="https://example.org/x.html">elsewhere</a>.
A <button type="button" class="term" popovertarget="term-peer">peer</button>.</p>
<pre class="code"><code>secret()</code></pre><p class="tools"><a href="data:text/csv;,x">x</a></p>
<details class="fold"><summary>How</summary><p>Folded words.</p></details>
<section aria-labelledby="credibility"><h2 id="credibility">Panel</h2></section>
<div popover class="definition" id="term-peer"><p>Meaning.</p></div></main>
<footer class="site"><details class="fold"><summary>Files</summary>a.csv</details></footer></body></html>"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "index.html").write_text(PAGE.format(title="One"), encoding="utf-8")
    (tmp_path / "02.html").write_text(PAGE.format(title="Two"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def book(folder) -> str:
    return bind_pages(read_leaves(folder))


def test_every_page_is_in_it_and_no_name_comes_twice(book):
    assert re.findall(r"<h1 [^>]*>(\w+)</h1>", book) == ["One", "Two"]
    names = re.findall(r' id="([^"]+)"', book)
    assert len(names) == len(set(names))


def test_every_link_leads_to_a_place_in_the_book(book):
    targets = re.findall(r'href="#([^"]+)"', book)
    names = set(re.findall(r' id="([^"]+)"', book))
    assert targets and set(targets) <= names
    assert '<a href="#page-1">two</a>' in book
    assert '<a href="#page-1-top">its top</a>' in book
    assert 'href="https://example.org/x.html"' in book


def test_what_paper_cannot_use_is_left_out_and_what_is_folded_is_open(book):
    for words in ("secret()", "data:text/csv", "<button", "popover"):
        assert words not in book
    assert book.count("<details open") == book.count("<details") == 3
    assert "A peer." in book


def test_the_panel_that_ends_every_page_stands_once(book):
    assert book.count(">Panel<") == 1


def test_its_head_says_whose_it_is_and_the_warning_stays(book):
    assert "<title>A &lt;Trust&gt; XYZ · 2024-25</title>" in book
    assert "One &amp; only" in book
    assert book.count("Invented.") == 1


def test_its_cover_says_which_edition_it_is(book):
    cover = book[book.index('<header class="cover">') : book.index("</header>")]
    assert "Service line report · public edition" in cover


def test_a_report_that_lacks_a_page_is_not_bound(folder):
    (folder / "02.html").unlink()
    with pytest.raises(StepError, match=r"lacks 02\.html"):
        read_leaves(folder)
    (folder / "index.html").unlink()
    with pytest.raises(StepError, match=r"lacks index\.html"):
        read_leaves(folder)


def make_program(folder, name: str, words: str = "exit 3"):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{words}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_browser_on_the_path_is_found_and_one_that_is_named_comes_first(tmp_path):
    usual, named = make_program(tmp_path, "chromium"), make_program(tmp_path, "other")
    assert find_browser({"PATH": str(tmp_path)}, platform="linux") == str(usual)
    given = {"PATH": str(tmp_path), "SLR_BROWSER": str(named)}
    assert find_browser(given, platform="linux") == str(named)


def test_a_browser_in_the_usual_place_of_windows_is_found(tmp_path):
    place = tmp_path / "Microsoft/Edge/Application/msedge.exe"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"")
    found = find_browser({"PATH": "", "ProgramFiles(x86)": str(tmp_path)}, platform="win32")
    assert found == str(place)


def test_no_browser_is_one_clear_message():
    with pytest.raises(CommandError, match="no Chromium, Chrome or Edge"):
        find_browser({"PATH": ""}, platform="linux")
    with pytest.raises(CommandError, match="SLR_BROWSER names nowhere"):
        find_browser({"PATH": "", "SLR_BROWSER": "nowhere"}, platform="linux")


def test_a_browser_that_cannot_print_is_one_clear_message(tmp_path):
    browser = make_program(tmp_path, "chromium")
    page = tmp_path / "page.html"
    page.write_text("x")
    with pytest.raises(StepError, match=r"could not print the report \(it ended with 3\)"):
        print_page(str(browser), page, tmp_path / "x.pdf", profile=tmp_path / "profile")
