"""CSV that a spreadsheet program opens without running anything in it."""

from __future__ import annotations

import re

import pandas as pd

# A cell that starts so is taken for a formula by Excel, LibreOffice and others (OWASP, CSV injection).
FORMULA_START = r"^\s*[=+\-@]|^[\t\r]"
PLAIN_NUMBER = r"^[+\-]?[\d,.]+(?:[eE][+\-]?\d+)?$"
GUARD = "'"


def guard_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which no text can be taken for a formula.

    Text that starts like one gets an apostrophe in front, which spreadsheet programs take for "this
    is text"; a number written as text, such as ``-5``, stays as it is. Headings are guarded too.
    """
    guarded = frame.rename(columns=_guard_one)
    for place, (_, values) in enumerate(frame.items()):
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values):
            continue
        is_text = _find_text(values)
        words = values.where(is_text, "").astype("str")
        is_formula = words.str.contains(FORMULA_START) & ~words.str.match(PLAIN_NUMBER)
        if (is_formula & is_text).any():
            column = values.astype("object").mask(is_formula & is_text, GUARD + words)
            guarded.isetitem(place, column)
    return guarded


def write_csv_text(frame: pd.DataFrame) -> str:
    """Return a frame as CSV text: guarded, one line a row, with a mark that it is UTF-8.

    A line break inside a cell is a line feed; a carriage return would end the row for some readers.
    """
    guarded = guard_text(frame).replace(r"\r\n?", "\n", regex=True)
    return "\ufeff" + guarded.to_csv(index=False, lineterminator="\n")


def _guard_one(words: object) -> object:
    if not isinstance(words, str) or not re.search(FORMULA_START, words):
        return words
    return GUARD + words


def _find_text(values: pd.Series) -> pd.Series:
    """Tell which values are text; of a column of text, those that are there."""
    if isinstance(values.dtype, pd.StringDtype):
        return values.notna()
    return values.map(lambda value: isinstance(value, str)).astype(bool)
