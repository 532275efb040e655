"""The pages of one report bound into one page, for paper: what a PDF is printed from.

It is made from the published pages themselves, so that a PDF cannot say anything else than they do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

from helpers.errors import StepError

NAVIGATION = re.compile(r'<nav class="pages".*?>(.*?)</nav>', re.DOTALL)
PAGE_LINK = re.compile(r'<a href="([\w.]+\.html)"[^>]*>(.*?)</a>')
WHOSE = re.compile(r'<p class="trust">(.*?)<span class="year">(.*?)</span>', re.DOTALL)
EDITION = re.compile(r'<p class="kicker">(.*?)</p>')
MAIN = re.compile(r"<main[^>]*>(.*)</main>", re.DOTALL)
FOOT = re.compile(r"<footer[^>]*>(.*)</footer>", re.DOTALL)
HEAD = re.compile(r"<head>(.*?)</head>", re.DOTALL)
BANNERS = re.compile(r'<p class="(?:banner|stamp)[^>]*>.*?</p>', re.DOTALL)
NAMED = re.compile(r'(?<= )(id|aria-labelledby|popovertarget)="([^"]+)"')
LINK = re.compile(r'<a href="([\w.]*\.html)?(#[^"]*)?"')
TERM = re.compile(r'<button type="button" class="term"[^>]*>(.*?)</button>', re.DOTALL)
# Every page ends with the same panel; a book needs it once.
PANEL = re.compile(r'<section aria-labelledby="credibility">.*?</section>', re.DOTALL)
# What has no use on paper: code, downloads, meanings that open, the form of a figure for phones.
NOT_ON_PAPER = (
    re.compile(r'<pre class="code">.*?</pre>', re.DOTALL),
    re.compile(r'<p class="tools">.*?</p>', re.DOTALL),
    re.compile(r'<div popover class="definition".*?</div>', re.DOTALL),
    re.compile(r"<source [^>]*>"),
)


FIRST = "page-0"


@dataclass(frozen=True)
class Leaf:
    """One page of a report: its file, its short title, and its HTML."""

    file: str
    title: str
    html: str


def read_leaves(folder: Path) -> list[Leaf]:
    """Read the pages of a published report, in the order in which its first page lists them.

    Raises
    ------
    StepError
        If a page is not there.
    """
    first = folder / "index.html"
    listed = NAVIGATION.search(first.read_text(encoding="utf-8")) if first.is_file() else None
    pages = PAGE_LINK.findall(listed[1]) if listed else [("index.html", "")]
    missing = [file for file, _ in pages if not (folder / file).is_file()]
    if missing:
        raise StepError(
            f"The report in {folder} lacks {', '.join(missing)}.\nMake it again with `make report`."
        )
    return [
        Leaf(file, unescape(title), (folder / file).read_text(encoding="utf-8"))
        for file, title in pages
    ]


def bind_pages(leaves: list[Leaf]) -> str:
    """Return one page that holds all of a report's pages, in order, each from a new sheet.

    Every name inside a page gets the page's own prefix, so that links lead where they led.
    """
    prefixes = {leaf.file: f"page-{place}" for place, leaf in enumerate(leaves)}
    first = leaves[0].html
    trust_name, subtitle = (unescape(words).strip() for words in WHOSE.search(first).groups())
    parts = [
        f'<section class="leaf" id="{prefixes[leaf.file]}">{_take_main(leaf, prefixes)}</section>'
        for leaf in leaves
    ]
    contents = "".join(
        f'<li><a href="#{prefixes[leaf.file]}">{escape(leaf.title)}</a></li>' for leaf in leaves
    )
    head = re.sub(r"<title>.*?</title>", f"<title>{escape(trust_name)} {escape(subtitle)}</title>",
                  HEAD.search(first)[1], flags=re.DOTALL)  # fmt: skip
    edition = EDITION.search(first)  # the cover says which edition it is, as every page does
    kicker = edition[1] if edition else "Service line report"
    foot = open_folds(FOOT.search(first)[1])
    banners = "".join(BANNERS.findall(first))
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB">\n<head>{head}</head>\n<body class="book">\n{banners}\n'
        f'<header class="cover"><p class="kicker">{kicker}</p><p class="cover-title">'
        f"{escape(trust_name)}</p><p>{escape(subtitle)}</p>"
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav></header>\n<main>{"".join(parts)}</main>\n'
        f'<footer class="site">{foot}</footer>\n</body>\n</html>\n'
    )


def open_folds(html: str) -> str:
    """Return HTML in which everything folded is open: paper cannot be opened."""
    return html.replace("<details ", "<details open ")


def _take_main(leaf: Leaf, prefixes: dict[str, str]) -> str:
    html = MAIN.search(leaf.html)[1]
    if prefixes[leaf.file] != FIRST:
        html = PANEL.sub("", html)
    for pattern in NOT_ON_PAPER:
        html = pattern.sub("", html)
    html = TERM.sub(r"\1", html)
    own = prefixes[leaf.file]
    html = NAMED.sub(lambda found: f'{found[1]}="{own}-{found[2]}"', html)
    html = LINK.sub(lambda found: _lead(found, own, prefixes), html)
    return open_folds(html)


def _lead(found: re.Match[str], own: str, prefixes: dict[str, str]) -> str:
    """Return a link inside the book for one that led to a page, or to a place in one."""
    page, place = found[1], found[2]
    if page and page not in prefixes:
        return found[0]
    target = prefixes[page] if page else own
    return f'<a href="#{target}{f"-{place[1:]}" if place else ""}"'
