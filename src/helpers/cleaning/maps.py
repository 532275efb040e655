"""Rules for the maps (MAP): one answer to each question, and only names that exist."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from helpers.cleaning.model import FrameRule, Frames, Settings, no_findings
from helpers.contracts import INPUTS, ROW_NUMBER
from helpers.contracts.terms import EDUCATION, OTHER, RESEARCH, UNMAPPED
from helpers.errors import InputError, name_a_few

LINE_MAP = "service_line_map"
MATCHED_FIELDS = ["site_code", "ward_id", "tfc", "consultant_code", "admin_category"]
# Columns that name a service line, and the special lines that may stand there.
LINE_COLUMNS = (
    ("cost_centre_map", "owner_line_id", (EDUCATION, RESEARCH, OTHER)),
    ("departments", "owner_line_id", (EDUCATION, RESEARCH, OTHER)),
    ("service_line_map", "line_id", (UNMAPPED,)),
    ("consultants", "line_id", (UNMAPPED,)),
    ("line_drivers", "line_id", (UNMAPPED,)),
)


def check_line_map(frames: Frames, settings: Settings) -> pd.DataFrame:
    """MAP-001: rows of the line map that ask the same give the same line."""
    rows = frames[LINE_MAP].assign(
        **{name: frames[LINE_MAP][name].astype("str").fillna("") for name in MATCHED_FIELDS}
    )
    lines = rows.groupby(["priority", *MATCHED_FIELDS])["line_id"].nunique()
    torn = lines[lines > 1].reset_index()
    if len(torn):
        codes = torn[MATCHED_FIELDS].agg(lambda fields: " ".join(filter(None, fields)), axis=1)
        raise InputError(
            f"{LINE_MAP}: {len(torn):,} combinations of site, ward, treatment function, consultant and category "
            f"have two lines at one priority: {name_a_few(codes)}.\nLeave one row for each, or give them "
            "different priorities.",
            rule="MAP-001",
        )
    return no_findings()


def make_key_check(file: str) -> Callable[[Frames, Settings], pd.DataFrame]:
    """Return the check that a small table's key stands once (MAP-002)."""
    key = list(INPUTS[file].key)

    def check(frames: Frames, settings: Settings) -> pd.DataFrame:
        rows = frames[file]
        twice = rows[rows.duplicated(key, keep=False)]
        if len(twice):
            named = twice[key].astype("str").agg(" ".join, axis=1)
            raise InputError(
                f"{file}: {named.nunique():,} keys ({', '.join(key)}) stand in more than one row: "
                f"{name_a_few(named)}.\nThe first is in data row {twice[ROW_NUMBER].iloc[0]:,}. Keep one row for "
                "each.",
                rule="MAP-002",
            )
        return no_findings()

    return check


def make_line_check(
    file: str, column: str, special: tuple[str, ...]
) -> Callable[[Frames, Settings], pd.DataFrame]:
    """Return the check that a column names lines that exist (MAP-003)."""

    def check(frames: Frames, settings: Settings) -> pd.DataFrame:
        given = frames[file][column].dropna()
        unknown = given[~given.isin([*frames["service_lines"]["line_id"], *special])]
        if len(unknown):
            raise InputError(
                f"{file}, column {column}: {unknown.nunique():,} lines are not in service_lines: "
                f"{name_a_few(unknown)}.\nThey stand in {len(unknown):,} of {len(frames[file]):,} rows. Correct "
                "them, or add the lines to service_lines.",
                rule="MAP-003",
            )
        return no_findings()

    return check


_KEYED_SMALL = [name for name, table in INPUTS.items() if table.key and not table.large]

MAP_RULES = [
    FrameRule("MAP-001", LINE_MAP, "codes", "F", "stop", "The line map gives two lines at equal rank.",
              "the run stops", check_line_map),
    *(FrameRule("MAP-002", file, "duplicates", "F", "stop", "A key stands in more than one row.",
                "the run stops", make_key_check(file)) for file in _KEYED_SMALL),
    *(FrameRule("MAP-003", file, "links", "F", "stop", "A service line is named that does not exist.",
                "the run stops", make_line_check(file, column, special), ("service_lines",))
      for file, column, special in LINE_COLUMNS),
]  # fmt: skip
