"""A page is whole, harmless and the same each time; a notebook that went wrong gives none."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from helpers.errors import StepError
from helpers.report.exhibits import show_words
from helpers.report.render import (
    PageInfo,
    Provenance,
    check_self_contained,
    read_script,
    render_page,
    slug,
)

HOSTILE = "<script>alert(1)</script>\"'&"
PAGES = (
    ("index.html", "Summary", False),
    ("01_data_cleaning.html", "1 Data cleaning", True),
    ("02_service_line_costing.html", "2 Service line costing", False),
)


def page(**changes: object) -> PageInfo:
    given = {
        "trust": "XYZ",
        "trust_name": "Exampleshire",
        "year": "2024-25",
        "title": "Data cleaning",
        "pages": PAGES,
        "stamp": (("Overhead method", "reciprocal"), ("Identities", "14 of 14 passed")),
    }
    return PageInfo(**{**given, **changes})  # type: ignore[arg-type]


def exhibit_output(words: str = "Rows were read.") -> nbformat.NotebookNode:
    exhibit = show_words(words)
    data = {"text/html": exhibit._repr_html_(), "text/plain": repr(exhibit)}
    return v4.new_output("execute_result", data=data, execution_count=1)


def write_notebook(folder: Path, *outputs: nbformat.NotebookNode, run: bool = True) -> Path:
    cells = [
        v4.new_markdown_cell("# 1 Data cleaning\n\nWhat came in?", id="c01"),
        v4.new_code_cell(
            'secret_setting = "codeword"', id="c02", execution_count=1 if run else None
        ),
        v4.new_markdown_cell("## 1.1 What came in?\n\nEvery file.", id="c03"),
        v4.new_code_cell(
            "show_words()", id="c04", execution_count=2 if run else None, outputs=list(outputs)
        ),
        v4.new_markdown_cell("### What was done\n\n## What this feeds", id="c05"),
    ]
    path = folder / "01_data_cleaning.ipynb"
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


def render(folder: Path, *outputs: nbformat.NotebookNode, **changes: object) -> str:
    notebook = write_notebook(folder, *outputs)
    out = render_page(notebook, folder / "out" / "page.html", page=page(**changes))
    return out.read_text(encoding="utf-8")


def count_scripts(html: str) -> int:
    """Count scripts that are not the page's own one."""
    return html.replace(f"<script>{read_script()}</script>", "", 1).count("<script")


def test_the_public_edition_shows_words_and_exhibits_and_no_code(tmp_path):
    html = render(tmp_path, exhibit_output("Twelve rows were set aside."), audience="public")
    assert "<p>Twelve rows were set aside.</p>" in html
    assert "Every file." in html
    assert "codeword" not in html
    assert "Show code" not in html
    assert "In [" not in html


def render_cells(folder: Path, *cells: nbformat.NotebookNode) -> str:
    path = folder / "01_data_cleaning.ipynb"
    nbformat.write(v4.new_notebook(cells=list(cells)), path)
    return render_page(path, folder / "page.html", page=page()).read_text(encoding="utf-8")


def exhibit_cell(name: str, words: str) -> nbformat.NotebookNode:
    outputs = [exhibit_output(words)]
    return v4.new_code_cell(f"call_{name}()", id=name, execution_count=1, outputs=outputs)


def test_words_that_lead_to_nothing_are_left_out(tmp_path):
    html = render_cells(
        tmp_path,
        v4.new_markdown_cell("# Title\n\nOpening.", id="c01"),
        exhibit_cell("c02", ""),
        v4.new_markdown_cell("## Half full\n\nQuestion.", id="c03"),
        exhibit_cell("c04", "An answer."),
        v4.new_markdown_cell("Look at the longest bar.", id="c05"),
        exhibit_cell("c06", ""),
        v4.new_markdown_cell("Then at the table.", id="c07"),
        exhibit_cell("c08", "A table."),
        v4.new_markdown_cell("## Empty\n\nThe pale bar.", id="c09"),
        exhibit_cell("c10", ""),
        v4.new_markdown_cell("The dark bar.", id="c11"),
        exhibit_cell("c12", ""),
        v4.new_markdown_cell("## Words only\n\nThat is all.", id="c13"),
    )
    for kept in (
        "Opening.",
        "Half full",
        "Question.",
        "An answer.",
        "Then at the table.",
        "That is all.",
    ):
        assert kept in html, kept
    for left_out in ("longest bar", "Empty", "pale bar", "dark bar"):
        assert left_out not in html, left_out
    assert "call_c10()" in html  # the code still tells what was tried


def test_a_part_of_an_empty_section_that_shows_something_keeps_its_heading(tmp_path):
    html = render_cells(
        tmp_path,
        v4.new_markdown_cell("# Title", id="c01"),
        v4.new_markdown_cell("## Outer\n\nLead.", id="c02"),
        exhibit_cell("c03", ""),
        v4.new_markdown_cell("### Inner\n\nMore.", id="c04"),
        exhibit_cell("c05", "Something."),
    )
    for kept in ("Outer", "Lead.", "Inner", "More.", "Something."):
        assert kept in html, kept


def test_the_analyst_edition_holds_its_code_behind_a_switch(tmp_path):
    html = render(tmp_path, exhibit_output())
    assert '<pre class="code"><code>secret_setting = &#34;codeword&#34;</code></pre>' in html
    assert '<input type="checkbox" id="show-code"' in html
    assert "Analyst edition" in html


@pytest.mark.parametrize("tag", ["parameters", "injected-parameters"])
def test_parameters_are_no_code_to_show(tmp_path, tag):
    """They hold places on the machine that made the page; its end lists them instead."""
    path = write_notebook(tmp_path, exhibit_output())
    read = nbformat.read(path, as_version=4)
    read.cells[1].metadata["tags"] = [tag]
    nbformat.write(read, path)
    html = render_page(path, tmp_path / "page.html", page=page()).read_text(encoding="utf-8")
    assert "codeword" not in html
    assert "<code>show_words()</code>" in html


def test_hostile_code_stays_text(tmp_path):
    path = write_notebook(tmp_path, exhibit_output())
    read = nbformat.read(path, as_version=4)
    read.cells[3].source = f"show({HOSTILE!r})"
    nbformat.write(read, path)
    html = render_page(path, tmp_path / "page.html", page=page()).read_text(encoding="utf-8")
    assert count_scripts(html) == 0


def test_a_page_ends_with_what_it_was_made_from(tmp_path):
    made = Provenance(
        files=(("ledger.csv", "ab12" * 16),),
        parameters=(("method", "reciprocal"),),
        versions=(("pandas", "3.0"),),
        checks=(("R1", "Ledger = control total", "£0.00", True), ("R2", "x", "£0.01", False)),
    )
    html = render(tmp_path, exhibit_output(), provenance=made)
    assert f'<th scope="row">ledger.csv</th><td><code>{"ab12" * 16}</code></td>' in html
    assert "1 of 2 hold to the penny" in html
    assert "<dt>pandas</dt><dd>3.0</dd>" in html


def test_a_term_is_explained_where_it_is_first_used(tmp_path):
    html = render(tmp_path, exhibit_output("A casemix cell, then a casemix cell."))
    assert html.count('popovertarget="term-casemix-cell"') == 1
    assert html.count('id="term-casemix-cell"') == 1
    assert "<dt>casemix cell</dt>" in html


def test_a_page_has_its_landmarks_language_and_title(tmp_path):
    html = render(tmp_path, exhibit_output())
    assert '<html lang="en-GB">' in html
    assert "<title>Data cleaning · Exampleshire 2024-25</title>" in html
    for landmark in ("<header", "<main", "<footer", "<nav"):
        assert landmark in html
    assert html.count("<h1") == 1
    assert '<a class="skip" href="#main">' in html


def test_contents_lead_to_the_headings(tmp_path):
    html = render(tmp_path, exhibit_output())
    assert '<h2 id="section-1-1-what-came-in">1.1 What came in?</h2>' in html
    # once beside the text, once in the fold-out list of a narrow screen
    assert html.count('<a href="#section-1-1-what-came-in">1.1 What came in?</a>') == 2
    assert html.count('class="level-3"') == 2


def test_the_same_heading_twice_gets_two_ids(tmp_path):
    notebook = write_notebook(tmp_path, exhibit_output())
    read = nbformat.read(notebook, as_version=4)
    read.cells[4].source = "## 1.1 What came in?"
    nbformat.write(read, notebook)
    html = render_page(notebook, tmp_path / "page.html", page=page()).read_text()
    assert 'id="section-1-1-what-came-in"' in html
    assert 'id="section-1-1-what-came-in-2"' in html


def test_the_page_before_and_the_page_after_are_linked(tmp_path):
    html = render(tmp_path, exhibit_output())
    assert 'rel="prev" href="index.html"' in html
    assert 'rel="next" href="02_service_line_costing.html"' in html
    assert '<a href="01_data_cleaning.html" aria-current="page">' in html


def test_the_stamp_says_how_the_page_was_made(tmp_path):
    html = render(tmp_path, exhibit_output())
    assert "<dt>Overhead method</dt><dd>reciprocal</dd>" in html
    assert "14 of 14 passed" in html


def test_a_demonstration_trust_says_that_it_is_invented(tmp_path):
    words = "These figures are invented."
    assert words in render(tmp_path, exhibit_output(), is_demo=True)
    assert words not in render(tmp_path, exhibit_output(), is_demo=False)


def test_an_unreconciled_run_is_stamped(tmp_path):
    assert "UNRECONCILED" in render(tmp_path, exhibit_output(), is_unreconciled=True)
    assert "UNRECONCILED" not in render(tmp_path, exhibit_output())


def test_the_licence_is_named_where_published_figures_are_used(tmp_path):
    words = "Open Government Licence v3.0"
    assert words in render(tmp_path, exhibit_output(), has_published_figures=True)
    assert words not in render(tmp_path, exhibit_output())


@pytest.mark.parametrize("field", ["trust", "trust_name", "year", "title"])
def test_hostile_names_are_harmless(tmp_path, field):
    html = render(tmp_path, exhibit_output(), **{field: HOSTILE})
    assert count_scripts(html) == 0
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_hostile_words_in_the_stamp_and_pages_are_harmless(tmp_path):
    html = render(
        tmp_path,
        exhibit_output(),
        stamp=((HOSTILE, HOSTILE),),
        pages=((HOSTILE, HOSTILE, True), (HOSTILE, HOSTILE, False)),
        provenance=Provenance(((HOSTILE,) * 2,), ((HOSTILE,) * 2,), (), ((*(HOSTILE,) * 3, True),)),
    )
    assert count_scripts(html) == 0


def test_hostile_words_in_an_exhibit_are_harmless(tmp_path):
    assert count_scripts(render(tmp_path, exhibit_output(HOSTILE))) == 0


def test_the_same_notebook_gives_the_same_bytes(tmp_path):
    first = render(tmp_path, exhibit_output())
    assert render(tmp_path, exhibit_output()) == first


def test_the_page_asks_no_other_host_for_anything(tmp_path):
    html = render(tmp_path, exhibit_output(), has_published_figures=True, is_demo=True)
    assert "default-src 'none'" in html
    assert "src=" not in html.replace("-src ", "")
    assert "@import" not in html
    assert "url(" not in html


@pytest.mark.parametrize(
    "piece",
    [
        "<script>1</script>",
        '<link rel="stylesheet" href="x.css">',
        '<img src="https://example.org/a.png">',
        '<img src="a.png">',
        '<p onclick="go()">x</p>',
        '<a href="javascript:go()">x</a>',
        '<a href="data:text/html,<b>x</b>">x</a>',
        "<script async></script>",
        '<p style="background: url(https://example.org/a)">x</p>',
        '<iframe src="data:text/html,x"></iframe>',
    ],
)
def test_a_page_that_would_run_or_fetch_something_is_refused(piece):
    with pytest.raises(StepError, match="would run or fetch"):
        check_self_contained(f"<p>words</p>{piece}")


def test_links_and_pictures_inside_the_page_are_allowed():
    html = '<a href="https://example.org">x</a><img alt="" src="data:image/svg+xml;base64,AA">'
    assert check_self_contained(html) == html


FAULTS = [
    (v4.new_output("stream", name="stdout", text="E0012 left over"), "printed to stdout"),
    (v4.new_output("stream", name="stderr", text="a warning"), "printed to stderr: a warning"),
    (v4.new_output("error", ename="KeyError", evalue="'x'", traceback=[]), "failed: KeyError: 'x'"),
    (
        v4.new_output("execute_result", data={"text/plain": "42"}, execution_count=2),
        "shows a value that is not an exhibit",
    ),
    (
        v4.new_output("execute_result", data={"text/html": "<table></table>"}, execution_count=2),
        "shows a value that is not an exhibit",
    ),
]


@pytest.mark.parametrize(("output", "words"), FAULTS)
def test_a_cell_that_went_wrong_stops_the_page(tmp_path, output, words):
    notebook = write_notebook(tmp_path, exhibit_output(), output)
    out = tmp_path / "page.html"
    with pytest.raises(StepError, match=f"cell 4 {words}"):
        render_page(notebook, out, page=page())
    assert not out.exists()


def test_a_stray_value_is_not_repeated_in_the_message(tmp_path):
    notebook = write_notebook(tmp_path, FAULTS[0][0])
    with pytest.raises(StepError) as stop:
        render_page(notebook, tmp_path / "page.html", page=page())
    assert "E0012" not in str(stop.value)


def test_a_notebook_that_was_not_run_is_refused(tmp_path):
    notebook = write_notebook(tmp_path, run=False)
    with pytest.raises(StepError, match="cell 2 was not run"):
        render_page(notebook, tmp_path / "page.html", page=page())


def test_a_refused_page_leaves_the_last_good_one(tmp_path):
    out = tmp_path / "page.html"
    out.write_text("last good page")
    notebook = write_notebook(tmp_path, FAULTS[0][0])
    with pytest.raises(StepError):
        render_page(notebook, out, page=page())
    assert out.read_text() == "last good page"
    assert [path.name for path in tmp_path.glob("*.part")] == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [("3.2 Who pays?", "section-3-2-who-pays"), ("£ & €", "section"), ("", "section")],
)
def test_a_heading_becomes_an_id(words, expected):
    assert slug(words) == expected
