"""The data dictionary: every file a trust supplies and every table a run writes, from the contracts.

`python -m helpers.report.dictionary` writes `docs/data-dictionary.md` anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from helpers.contracts import INPUTS, OUTPUTS, Column, Table
from helpers.parameters import PROJECT

PAGE = PROJECT / "docs" / "data-dictionary.md"
CLEAN = "clean_"
KINDS = (
    ("text", "text"),
    ("code", "code"),
    ("int", "whole number"),
    ("number", "number"),
    ("money", "pounds, at most 2 decimals"),
    ("date", "date, as 2024-07-03"),
    ("datetime", "date and time, as 2024-07-03T07:30"),
    ("bool", "true or false"),
)
LEVELS = (
    ("trust", "the trust"),
    ("line", "service lines"),
    ("consultant", "consultants"),
    ("patient", "patients"),
    ("public", "what may be published"),
)
INTRODUCTION = """# Data dictionary

Written by `python -m helpers.report.dictionary` from the contracts in `src/helpers/contracts`; do not edit it by hand.

A trust's files stand in `data/raw/<TRUST>/<YEAR>/`. They are CSV (UTF-8, UTF-16 or cp1252), TSV, Parquet or the first
sheet of an .xlsx, with a header row. `columns.yml` in the folder maps the trust's own column names to these. Tables of
a run stand in `outputs/<TRUST>/<YEAR>/tables/` as Parquet, with CSV beside the small ones. Money in tables is whole
pence, and the names of such columns end in `_pence`. For each file of the trust there is also a table `clean_<file>`
with the same columns after cleaning. A code is text: its leading zeros are kept and outer blanks are lost.
"""


def render_dictionary() -> str:
    """Return the page: one section a table, one row a column, as Markdown."""
    written = [table for name, table in OUTPUTS.items() if not name.startswith(CLEAN)]
    parts = [
        INTRODUCTION,
        "## Contents\n",
        _list_tables("Files of the trust", INPUTS.values()),
        _list_tables("Tables of a run", written),
        "## Files of the trust\n",
        *(_render_table(table, is_input=True) for table in INPUTS.values()),
        "## Tables of a run\n",
        *(_render_table(table, is_input=False) for table in written),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _list_tables(title: str, tables: Iterable[Table]) -> str:
    links = ", ".join(f"[{table.name}](#{table.name})" for table in tables)
    return f"{title}: {links}.\n"


def _render_table(table: Table, *, is_input: bool) -> str:
    lines = [f"### {table.name}\n", f"{table.meaning} {_say_status(table, is_input=is_input)}\n"]
    if table.key:
        lines.append(f"One row for each {', '.join(f'`{name}`' for name in table.key)}.\n")
    lines += ["| column | kind | needed | meaning |", "| --- | --- | --- | --- |"]
    if not is_input:
        lines[-2:] = ["| column | kind | unit | meaning |", "| --- | --- | --- | --- |"]
    lines += [_render_column(name, one, is_input=is_input) for name, one in table.columns.items()]
    return "\n".join(lines) + "\n"


def _say_status(table: Table, *, is_input: bool) -> str:
    if not is_input:
        return f"About {_find_words(LEVELS, table.level)}."
    if table.mandatory:
        return "**Needed.**"
    return f"Optional; makes possible: {table.panel}." if table.panel else "Optional."


def _render_column(name: str, column: Column, *, is_input: bool) -> str:
    notes = [column.meaning]
    if is_input and column.unit and column.unit != "pounds":
        notes.append(f"Unit: {column.unit}.")
    if column.allowed:
        notes.append(f"One of: {', '.join(f'`{value}`' for value in column.allowed)}.")
    if column.pattern:
        notes.append(f"Pattern: `{column.pattern}`.")
    if column.default is not None:
        notes.append(f"Blank means `{column.default}`.")
    third = ("yes" if column.required else "no") if is_input else column.unit
    cells = (f"`{name}`", _find_words(KINDS, column.kind), third, " ".join(notes))
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def _find_words(pairs: tuple[tuple[str, str], ...], code: str) -> str:
    return next(words for name, words in pairs if name == code)


if __name__ == "__main__":
    PAGE.write_text(render_dictionary(), encoding="utf-8", newline="\n")
