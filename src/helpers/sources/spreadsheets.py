"""CSV that a spreadsheet program opens without running anything in it."""

from __future__ import annotations

import re

import pandas as pd

# A cell that starts so is taken for a formula by Excel, LibreOffice and others (OWASP, CSV injection).
FORMULA_START = re.compile(r"^\s*[=+\-@]|^[\t\r]")
PLAIN_NUMBER = re.compile(r"^[+\-]?[\d,.]+(?:[eE][+\-]?\d+)?\Z")
GUARD = "'"


def guard_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which no text can be taken for a formula.

    Text that starts like one gets an apostrophe in front, which spreadsheet programs take for "this
    is text"; a number written as text, such as ``-5``, stays as it is. Headings are guarded too.
    """
    guarded = frame.rename(columns=_guard)
    for place, (_, values) in enumerate(frame.items()):
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
            continue
        given = values.astype("object").tolist()
        safe = [_guard(value) for value in given]
        if any(new is not old for new, old in zip(safe, given, strict=True)):
            guarded.isetitem(place, pd.Series(safe, index=values.index, dtype="object"))
    return guarded


def write_csv_text(frame: pd.DataFrame) -> str:
    """Return a frame as CSV text: guarded, one line a row, with a mark that it is UTF-8.

    A line break inside a cell is a line feed; a carriage return would end the row for some readers.
    """
    guarded = guard_text(frame).replace(r"\r\n?", "\n", regex=True)
    return "\ufeff" + guarded.to_csv(index=False, lineterminator="\n")


def _guard(value: object) -> object:
    if not isinstance(value, str) or not FORMULA_START.search(value) or PLAIN_NUMBER.match(value):
        return value
    return GUARD + value
