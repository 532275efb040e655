"""Rows of cost and activity: organisation-level files and national schedules, into one table of text.

Nothing is judged here; ``helpers.published.cells`` types, chooses and counts the rows.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.engine import Engine
from helpers.published.cells import ENGLAND, ROW_COLUMNS, ROWS
from helpers.sources.encodings import as_utf8
from helpers.sources.headers import find_text_header, tidy
from helpers.sources.published.files import COSTS, Found, list_renames, read_reference
from helpers.sources.published.schedules import read_schedule
from helpers.sources.readers import read_file

MFF_MARK = "mffd"  # how the published files name figures that the market forces factor has adjusted
COST_KINDS = ("organisations", "schedule")


def add_rows(files: list[Found], db: Engine, workspace: Path) -> None:
    """Make ``published_rows``: every row of the cost files, as text, with file, year and place.

    Columns: ``ROW_COLUMNS``; ``is_adjusted`` tells costs that are divided by the market forces
    factor already.
    """
    empty = pd.DataFrame({name: pd.Series(dtype="str") for name in ROW_COLUMNS})
    types = {"row_number": "int64", "is_adjusted": "bool", "length_of_stay": "str"}
    db.add_frame(ROWS, empty.astype(types))
    for file in files:
        if file.kind not in COST_KINDS:
            continue
        if file.path.suffix.lower() == ".xlsx":
            frame = read_schedule(file)[list(ROW_COLUMNS)]
            db.add_frame("incoming_rows", frame)
            db.run(f"INSERT INTO {ROWS} SELECT * FROM incoming_rows")
            db.drop("incoming_rows")
        else:
            _add_text(file, db, workspace)


def _add_text(file: Found, db: Engine, workspace: Path) -> None:
    space = workspace / "utf8" / file.name.replace(": ", "_")
    plain, _ = as_utf8(file.path, space)
    header = find_text_header(plain, COSTS, list_renames(), file=file.name)
    renames = choose_columns(header.fields)
    read_file(plain, COSTS, db, renames=renames, workspace=space)
    have = set(db.columns(f"raw_{COSTS.name}"))
    is_adjusted = any(
        ours == "cost" and tidy(theirs).startswith(MFF_MARK) for theirs, ours in renames.items()
    )
    parts = {name: f'"{name}"' if name in have else "CAST(NULL AS VARCHAR)" for name in ROW_COLUMNS}
    parts |= {
        "file": "$file", "row_number": "row_number", "length_of_stay": "CAST(NULL AS VARCHAR)",
        "year": 'coalesce("year", $year)' if "year" in have else "$year",
        "is_adjusted": "true" if is_adjusted else "false",
        "org_code": parts["org_code"] if file.kind == "organisations" else f"'{ENGLAND}'",
    }  # fmt: skip
    columns = ", ".join(f'{parts[name]} AS "{name}"' for name in ROW_COLUMNS)
    db.run(
        f"INSERT INTO {ROWS} SELECT {columns} FROM raw_{COSTS.name} WHERE $year IS NOT NULL",
        file=file.name, year=file.year,
    )  # fmt: skip
    db.drop(f"raw_{COSTS.name}")


def choose_columns(header: list[str]) -> dict[str, str]:
    """Return which of a file's columns are read as which of ours.

    Where a file has several for one of ours (unadjusted and adjusted cost), the first in the order
    of ``published_headers.csv`` is taken: the unadjusted one.
    """
    names = [tidy(name) for name in header]
    chosen: dict[str, str] = {}
    for row in read_reference("published_headers").itertuples():
        if row.ours not in chosen.values() and tidy(row.theirs) in names:
            theirs = tidy(row.theirs)
            chosen[theirs if names.count(theirs) == 1 else f"{theirs} [1]"] = row.ours
    return chosen
