"""The data dictionary and the glossary say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from helpers.contracts import INPUTS, OUTPUTS, Table, outputs
from helpers.report.dictionary import PAGE, render_dictionary

DOCS = Path(__file__).resolve().parents[2] / "docs"
ENTRY = re.compile(r"^\| (?!term \||---)([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def test_the_committed_dictionary_is_current():
    assert PAGE.read_text(encoding="utf-8") == render_dictionary(), (
        "docs/data-dictionary.md is out of date; run `python -m helpers.report.dictionary`"
    )


def test_every_table_and_column_is_in_the_dictionary():
    page = render_dictionary()
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    tables = INPUTS | {name: one for name, one in OUTPUTS.items() if not name.startswith("clean_")}
    assert set(sections) == set(tables)
    for name, table in tables.items():
        assert re.findall(r"^\| `(\w+)` \|", sections[name], re.MULTILINE) == list(table.columns)


def test_no_cell_of_the_dictionary_breaks_its_row():
    rows = [line for line in render_dictionary().splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in rows} == {5}


def test_the_glossary_has_one_entry_for_a_term_and_no_dead_reference():
    entries = ENTRY.findall((DOCS / "glossary.md").read_text(encoding="utf-8"))
    terms = [term.strip() for heading, _ in entries for term in heading.split(",")]
    assert len(terms) == len(set(terms)) > 50
    known = {term.lower() for term in terms}
    marked = [word for _, meaning in entries for word in re.findall(r"\*([^*]+)\*", meaning)]
    dead = {word for word in marked if not {word.lower(), word.lower().removesuffix("s")} & known}
    assert not dead


def test_no_two_tables_share_a_name():
    groups = [value for value in vars(outputs).values() if _is_list_of_tables(value)]
    names = [table.name for table in {id(one): one for group in groups for one in group}.values()]
    assert len(names) > 50
    assert sorted(names) == sorted(set(names))


def _is_list_of_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Table)
