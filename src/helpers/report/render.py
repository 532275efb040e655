"""From an executed notebook to one page of HTML that needs nothing beside it.

The page holds its stylesheet, its pictures and the data of its exhibits, and asks no other host for
anything. It runs one script of ours, which sorts tables; without it nothing is missing to read. Code is
folded away in the analyst edition and absent from the public one. A notebook with an error, a stray
print or a cell that was not run is refused: nothing is written.
"""

from __future__ import annotations

import base64
import hashlib
import re
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from helpers.errors import StepError
from helpers.report.exhibits import EXHIBIT_START
from helpers.report.glossary import explain_terms, read_glossary
from helpers.report.idle import find_idle_words

TEMPLATES = Path(__file__).parent / "template"
HEADING = re.compile(r"<h([1-6])>(.*?)</h\1>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")
FORBIDDEN_TAGS = frozenset({"link", "iframe", "object", "embed", "base", "form"})
DATA_LINK = "data:text/csv;"
LONGEST_EXCERPT = 200
CONTENTS_LEVELS = ("2", "3")


@dataclass(frozen=True)
class Provenance:
    """What a page was made from, for its end. All of it is escaped when the page is written.

    Attributes
    ----------
    files
        Name and SHA-256 of each file of the trust.
    parameters, versions
        Pairs of name and value.
    checks
        Each identity: its number, what is compared, the difference, and whether it holds.
    """

    files: tuple[tuple[str, str], ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    checks: tuple[tuple[str, str, str, bool], ...] = ()


@dataclass(frozen=True)
class PageInfo:
    """What a page says around its notebook. All of it is escaped when the page is written.

    Attributes
    ----------
    trust, trust_name, year
        ODS code, the trust's name as its ``trust.yml`` has it, and the year as ``2024-25``.
    title
        The page in a few words, for the browser's tab.
    audience
        analyst or public.
    is_demo
        The trust is invented, and the page says so.
    pages
        All pages of the report in reading order: file name, short title, whether it is this one.
    stamp
        How the page was made: pairs of label and words, such as ``("Overhead method",
        "reciprocal")`` or ``("Identities", "14 of 14 passed")``.
    has_published_figures
        NHS England's average costs were used, so the page names their licence.
    is_public_data
        Everything on the page is published already, so that the page may be too.
    is_unreconciled
        An identity failed and the run was allowed to go on: every page is stamped.
    caution
        Lines whose figures are not fit for decisions, in words; blank if there are none.
    panel
        How far each line's figures can be trusted: HTML of an exhibit, escaped already.
    provenance
        What the page was made from, in full.
    """

    trust: str
    trust_name: str
    year: str
    title: str
    audience: str = "analyst"
    is_demo: bool = False
    pages: tuple[tuple[str, str, bool], ...] = ()
    caution: str = ""
    panel: str = ""
    stamp: tuple[tuple[str, str], ...] = ()
    has_published_figures: bool = False
    is_public_data: bool = False
    is_unreconciled: bool = False
    provenance: Provenance | None = None


def render_page(executed: Path, out: Path, *, page: PageInfo) -> Path:
    """Write an executed notebook as one page of HTML, whole or not at all.

    Parameters
    ----------
    executed
        The notebook with its outputs.
    out
        The page to write. It appears only once it is complete.
    page
        What stands around the notebook's own words.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    StepError
        If a cell failed, printed something, showed something that is not an exhibit or was not
        run, or if the page would ask another host for anything.
    """
    html = render_notebook(read_executed(executed), page)
    check_self_contained(html, name=executed.name)
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    part.write_text(html, encoding="utf-8", newline="\n")
    part.replace(out)
    return out


def read_executed(executed: Path) -> Any:
    """Return an executed notebook whose every output may be shown."""
    import nbformat

    notebook = nbformat.read(executed, as_version=4)
    for position, cell in enumerate(notebook.cells, start=1):
        fault = find_fault(cell)
        if fault:
            raise StepError(
                f"{executed.name} cannot be shown: cell {position} {fault}.\n"
                f"Open {executed} to see it. No page was written."
            )
    return notebook


def find_fault(cell: Any) -> str:
    """Return why a cell may not be shown, in words; blank if it may.

    Printed or stray values are not repeated: they may hold a patient's row.
    """
    if "papermill-error-cell-tag" in cell.metadata.get("tags", []):
        return "says that the run failed"
    if cell.cell_type != "code":
        return ""
    if cell.source.strip() and cell.execution_count is None:
        return "was not run"
    for output in cell.outputs:
        if output.output_type == "error":
            return f"failed: {_excerpt(f'{output.ename}: {output.evalue}')}"
        if output.output_type == "stream":
            words = _excerpt(output.text) if output.name == "stderr" else "see the notebook"
            return f"printed to {output.name}: {words}"
        if not output.data.get("text/html", "").startswith(EXHIBIT_START):
            return "shows a value that is not an exhibit"
    return ""


def render_notebook(notebook: Any, page: PageInfo) -> str:
    """Return the whole page as text. The same notebook and page give the same text.

    Words that lead to exhibits with nothing to show are left out of the page, not of the notebook.
    """
    idle = find_idle_words(notebook.cells)
    notebook = copy(notebook)
    notebook.cells = [cell for place, cell in enumerate(notebook.cells) if place not in idle]
    shows_code = page.audience == "analyst"
    body, _ = _open_exporter().from_notebook_node(notebook, resources={"shows_code": shows_code})
    body, headings = add_heading_ids(body)
    body, terms = explain_terms(body, read_glossary())
    has_title = any(level == "1" for level, _, _ in headings)
    before, after = find_neighbours(page.pages)
    script = read_script()
    html = _open_page_template().render(
        page=page,
        body=body,
        has_title=has_title,
        contents=[entry for entry in headings if entry[0] in CONTENTS_LEVELS],
        terms=terms,
        before=before,
        after=after,
        css=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    return html.rstrip() + "\n"


def read_script() -> str:
    """Return the one script a page may run; its checksum stands in the page's security policy."""
    return (TEMPLATES / "page.js").read_text(encoding="utf-8").strip()


def add_heading_ids(body: str) -> tuple[str, list[tuple[str, str, str]]]:
    """Give every heading an id of its own.

    Returns
    -------
    tuple
        The body, and each heading's level, id and words (escaped), in order.
    """
    headings: list[tuple[str, str, str]] = []
    used: set[str] = set()

    def add_id(found: re.Match[str]) -> str:
        level, inner = found[1], found[2]
        words = " ".join(unescape(TAG.sub("", inner)).split())
        name = _unused(slug(words), used)
        headings.append((level, name, words))
        return f'<h{level} id="{name}">{inner}</h{level}>'

    return HEADING.sub(add_id, body), headings


def slug(words: str) -> str:
    """Return words as an id: lower-case letters, digits and hyphens.

    >>> slug("3.2 Which service lines pay for the others?")
    'section-3-2-which-service-lines-pay-for-the-others'
    """
    kept = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    return f"section-{kept}" if kept else "section"


def find_neighbours(
    pages: tuple[tuple[str, str, bool], ...],
) -> tuple[tuple[str, str] | None, tuple[str, str] | None]:
    """Return the page before this one and the page after it, as file name and short title."""
    current = next((place for place, page in enumerate(pages) if page[2]), None)
    if current is None:
        return None, None
    before = pages[current - 1][:2] if current > 0 else None
    after = pages[current + 1][:2] if current + 1 < len(pages) else None
    return before, after


class _Requests(HTMLParser):
    """Collect what a page would ask for, or run, beside the one script it may run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts: list[str] = []
        self.is_in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_in_script = tag == "script"
        if tag in FORBIDDEN_TAGS or (tag == "script" and attrs):
            self.found.append(f"<{tag}>")
        if tag == "script":
            self.scripts.append("")
        for name, value in attrs:
            place = (value or "").strip().lower()
            if name.startswith("on") or (name == "href" and place.startswith("javascript:")):
                self.found.append(f"{tag} {name}")
            if name == "href" and place.startswith("data:") and not place.startswith(DATA_LINK):
                self.found.append(f"{tag} {name}={place}")
            if name in ("src", "srcset", "poster", "background") and not place.startswith("data:"):
                self.found.append(f"{tag} {name}={place}")
            if name == "style" and "url(" in place:
                self.found.append(f"{tag} style={place}")

    def handle_endtag(self, tag: str) -> None:
        self.is_in_script = self.is_in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self.is_in_script:
            self.scripts[-1] += data


def check_self_contained(html: str, *, name: str = "page") -> str:
    """Return a page that runs no script but ours and asks no host for anything, or refuse it."""
    reader = _Requests()
    reader.feed(html)
    ours = read_script()
    reader.found += ["<script>" for script in reader.scripts if script.strip() != ours]
    if reader.found:
        raise StepError(
            f"{name} would run or fetch something, which a page of this report may not: "
            f"{_excerpt('; '.join(reader.found))}.\nNo page was written."
        )
    return html


@lru_cache(maxsize=1)
def _open_exporter() -> Any:
    """Return nbconvert's exporter with our template for cells; slow to import, so kept."""
    from nbconvert.exporters.templateexporter import TemplateExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    def render_markdown(source: str) -> str:
        renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
        return MarkdownWithMath(renderer=renderer).render(source)

    exporter = TemplateExporter(
        template_name="report",
        template_file="cells.html.j2",
        extra_template_basedirs=[str(TEMPLATES)],
        default_preprocessors=[],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    exporter.register_filter("markdown2html", render_markdown)
    return exporter


@lru_cache(maxsize=1)
def _open_page_template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")


def _unused(name: str, used: set[str]) -> str:
    given, number = name, 2
    while name in used:
        name, number = f"{given}-{number}", number + 1
    used.add(name)
    return name


def _excerpt(text: str) -> str:
    words = " ".join(str(text).split())
    return words if len(words) <= LONGEST_EXCERPT else words[: LONGEST_EXCERPT - 1] + "…"
