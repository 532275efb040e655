"""What a reader can take away from an exhibit: its data as CSV, inside the page itself.

Every download of a page is made here, from the frame that the exhibit shows and from nothing else
(decision D-200).
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from urllib.parse import quote

import pandas as pd

from helpers.report.cells import HIDDEN, is_money, star_cells
from helpers.sources.spreadsheets import write_csv_text

# Data of one exhibit above this size are not put into a page (decision D-200).
LARGEST_DOWNLOAD_BYTES = 150_000
SIGNIFICANT_DIGITS = 8
UNIT_ENDINGS = (("_pence", "£"), ("_prop", "share of 1"), ("_days", "days"))
TOO_LARGE = (
    "The data of this exhibit are too many for a page; they are in the folder tables beside it."
)
KEPT_CHARACTERS = " ,;:/()*!.-_~'$?@"


def write_download(
    frame: pd.DataFrame, *, name: str, headings: Mapping[str, str] | None = None
) -> str:
    """Return a link that saves a frame as CSV, as HTML; a plain sentence if it is too large.

    Parameters
    ----------
    name
        The file's name without its ending, such as ``table-3.2``.
    headings
        Columns to write, in order, and their headings; all, under their own names, without it.
    """
    text = write_csv_text(arrange_download(frame, headings))
    if len(text.encode()) > LARGEST_DOWNLOAD_BYTES:
        return f'<p class="tools">{TOO_LARGE}</p>'
    place = "data:text/csv;charset=utf-8," + quote(text, safe=KEPT_CHARACTERS)
    return (
        f'<p class="tools"><a download="{escape(name)}.csv" href="{escape(place)}">'
        f'Download the data<span class="unseen"> of {escape(name.replace("-", " "))}</span> (CSV)</a></p>'
    )


def arrange_download(
    frame: pd.DataFrame, headings: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return the columns as a reader computes with them: pounds to the penny, shares of 1, days.

    Nothing is rounded but to eight significant digits, and each heading says its unit.
    """
    headings = headings or dict.fromkeys(frame.columns, "")
    columns = {
        head_column(str(name), heading, frame[name]): _star_values(
            str(name), _arrange_values(str(name), frame[name]), frame
        )
        for name, heading in headings.items()
        if name != HIDDEN
    }
    return pd.DataFrame(columns)


def head_column(name: str, heading: str, values: pd.Series) -> str:
    """Return a column's heading with its unit, from its name's ending.

    >>> head_column("surplus_pence", "", pd.Series([1])), head_column("n_spells", "Spells", pd.Series([1]))
    ('surplus (£)', 'Spells')
    """
    for ending, unit in UNIT_ENDINGS:
        if name.endswith(ending) and pd.api.types.is_numeric_dtype(values):
            words = heading or name.removesuffix(ending).replace("_", " ")
            return words if f"({unit})" in words else f"{words} ({unit})"
    return heading or name.replace("_", " ")


def _arrange_values(name: str, values: pd.Series) -> pd.Series:
    if is_money(name, values):
        return values.map(_write_pounds, na_action="ignore")
    if pd.api.types.is_float_dtype(values):
        return values.map(lambda value: f"{value:.{SIGNIFICANT_DIGITS}g}", na_action="ignore")
    return values


def _star_values(name: str, values: pd.Series, frame: pd.DataFrame) -> pd.Series:
    """Return a column with ``*`` for what may not be shown."""
    if HIDDEN not in frame.columns:
        return values
    texts = star_cells(name, values.astype("object").tolist(), frame)
    return pd.Series(texts, index=values.index, dtype="object")


def _write_pounds(pence: float) -> str:
    whole = round(pence)
    return f"{'-' if whole < 0 else ''}{abs(whole) // 100}.{abs(whole) % 100:02d}"
