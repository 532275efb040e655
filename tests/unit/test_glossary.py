"""Terms are explained once, in running text only, with the glossary's own words."""

from __future__ import annotations

import pytest

from helpers.report.glossary import EVERYDAY, explain_terms, read_glossary, write_meaning

WORDS = {"cost pool": "Part of a *department*.", "peer": "A <like> one.", "spell": "One stay."}


def mark(body: str) -> str:
    return explain_terms(body, WORDS)[0]


def test_the_first_use_becomes_a_button_and_the_second_stays():
    body, terms = explain_terms("<p>A cost pool and a cost pool.</p>", WORDS)
    button = '<button type="button" class="term" popovertarget="term-cost-pool">cost pool</button>'
    assert body == f"<p>A {button} and a cost pool.</p>"
    assert terms == [("term-cost-pool", "cost pool", "Part of a <em>department</em>.")]


def test_a_meaning_is_escaped():
    assert explain_terms("<p>peer</p>", WORDS)[1][0][2] == "A &lt;like&gt; one."


@pytest.mark.parametrize("words", ["Cost pools", "PEERS", "spell"])
def test_capitals_and_plurals_count(words):
    assert "<button" in mark(f"<p>{words} here</p>")


@pytest.mark.parametrize("words", ["peerless", "com-peer", "spelling", "unspell"])
def test_a_part_of_another_word_does_not(words):
    assert mark(f"<p>{words}</p>") == f"<p>{words}</p>"


def test_punctuation_beside_a_term_stays_with_it():
    assert '<span class="together">(<button' in mark("<p>a (peer).</p>")


@pytest.mark.parametrize(
    "body",
    [
        "<h2>peer</h2>",
        '<p><a href="#x">peer</a></p>',
        "<p><code>peer</code></p>",
        "<table><tr><td><p>peer</p></td></tr></table>",
        '<figure><figcaption>peer</figcaption><p class="source">peer</p></figure>',
        '<p class="note">peer</p>',
        "<pre>peer</pre>",
        '<p><img alt="peer" src="data:,peer"></p>',
        "<summary>peer</summary>",
    ],
)
def test_headings_links_code_and_exhibits_are_left_alone(body):
    assert mark(body) == body


def test_text_after_a_closed_element_is_read_again():
    assert mark("<h2>peer</h2><ul><li>peer</li></ul>").count("<button") == 1


def test_everyday_words_are_not_marked():
    assert explain_terms("<p>A benefit.</p>", {"benefit": "x"}) == ("<p>A benefit.</p>", [])


def test_the_glossary_is_read_whole():
    glossary = read_glossary()
    assert glossary["spell"].startswith("One stay in the trust")
    assert glossary["matched"] == glossary["unmatched"]
    assert "term" not in glossary
    assert {term.lower() for term in glossary} >= EVERYDAY


def test_a_sign_in_a_meaning_is_shown_as_a_sign():
    assert (
        write_meaning("a *spell* <reads> `*`.") == "a <em>spell</em> &lt;reads&gt; <code>*</code>."
    )
    assert not [term for term, words in read_glossary().items() if "`" in write_meaning(words)]
