"""Terms of the glossary, explained where a page first uses them.

``docs/glossary.md`` is the only place where a term is defined. In a paragraph of a page the first use
of a term becomes a button that shows its definition, without a script; all terms of a page stand
together at its end, for paper.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from html import escape

from helpers.parameters import PROJECT

GLOSSARY = PROJECT / "docs" / "glossary.md"
ROW = re.compile(r"^\| (?!term \||---)([^|]+) \| ([^|]+) \|\s*$", re.MULTILINE)
TAG = re.compile(r"(<[^>]*>)")
OPENED = re.compile(r"<([a-z0-9]+)(\s[^>]*)?>")
VOID = frozenset({"br", "hr", "img", "input", "source", "wbr", "meta"})
WORDED = frozenset({"p", "li"})
# Nothing inside these is touched: links and code have a purpose, exhibits their own captions.
CLOSED = frozenset(
    {
        "a", "aside", "button", "code", "dl", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "summary",
        "table",
    }
)  # fmt: skip
# Terms that are also everyday words: a page is not to be sprinkled with these.
EVERYDAY = frozenset(
    {
        "benefit", "deficit", "effect", "event", "expected", "feed", "ledger", "material", "mix", "observed",
        "practice", "ratio", "saving", "surplus", "waiting", "weight",
    }
)  # fmt: skip


@cache
def read_glossary() -> dict[str, str]:
    """Return each term and its meaning; terms that share a row share the meaning."""
    text = GLOSSARY.read_text(encoding="utf-8")
    return {
        term.strip(): meaning.strip()
        for terms, meaning in ROW.findall(text)
        for term in terms.split(",")
    }


def explain_terms(body: str, glossary: Mapping[str, str]) -> tuple[str, list[tuple[str, str, str]]]:
    """Make the first use of each term in a page's paragraphs a button that shows its meaning.

    Parameters
    ----------
    body
        HTML whose text is escaped.

    Returns
    -------
    tuple
        The body, and the terms found: id, term, and meaning as HTML, in order of the alphabet.
    """
    forms = {form: term for term in glossary if term not in EVERYDAY for form in list_forms(term)}
    if not forms:
        return body, []
    found: dict[str, str] = {}

    def explain(match: re.Match[str]) -> str:
        term = forms[match[2].lower()]
        if term in found:
            return match[0]
        found[term] = name = f"term-{re.sub('[^a-z0-9]+', '-', term.lower()).strip('-')}"
        button = f'<button type="button" class="term" popovertarget="{name}">{match[2]}</button>'
        beside = match[1] or match[3]
        return f'<span class="together">{match[1]}{button}{match[3]}</span>' if beside else button

    longest_first = sorted(forms, key=len, reverse=True)
    pattern = re.compile(
        rf"(\(?)(?<![\w-])({'|'.join(map(re.escape, longest_first))})(?![\w-])([),.;:]*)",
        re.IGNORECASE,
    )
    pieces, stack = TAG.split(body), []
    for place, piece in enumerate(pieces):
        if piece.startswith("<"):
            _follow(piece, stack)
        elif piece and any(tag in WORDED for tag in stack) and not CLOSED & set(stack):
            pieces[place] = pattern.sub(explain, piece)
    terms = [(name, term, write_meaning(glossary[term])) for term, name in found.items()]
    return "".join(pieces), sorted(terms, key=lambda one: one[1].lower())


def list_forms(term: str) -> list[str]:
    """Return a term in lower case, one and many.

    >>> list_forms("cross-subsidy"), list_forms("EBITDA")
    (['cross-subsidy', 'cross-subsidies'], ['ebitda', 'ebitdas'])
    """
    word = term.lower()
    many = f"{word[:-1]}ies" if word.endswith("y") and word[-2:-1] not in "aeiou" else f"{word}s"
    return [word, many]


def write_meaning(meaning: str) -> str:
    """Return a meaning as HTML: its words in asterisks, which are terms too, in italics; signs as code."""
    words = re.sub(r"(?<!`)\*([^*]+)\*(?!`)", r"<em>\1</em>", escape(meaning))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", words)


def _follow(tag: str, stack: list[str]) -> None:
    """Keep the list of open elements; a paragraph with a class is a source or a note, and closed."""
    if tag.startswith("</"):
        name = tag[2:-1].strip()
        while stack and stack.pop().split(".")[0] != name:
            pass
        return
    opened = OPENED.match(tag)
    if not opened or opened[1] in VOID or tag.endswith("/>"):
        return
    name = opened[1]
    stack.append(f"{name}.closed" if name in WORDED and opened[2] else name)
