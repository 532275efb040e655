"""What one step holds in memory for the next: a trust's files as received, and as cleaned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

ROW_NUMBER = "row_number"
# Codes that reading repaired: file, row_number, column_name, old_value, new_value, why.
REPAIRS = "raw_repairs"


@dataclass(frozen=True)
class Received:
    """A trust's files as they came: nothing has been judged.

    Attributes
    ----------
    settings
        What ``trust.yml`` says, typed, with ``mode``, ``period_start`` and ``period_end`` added.
    mode
        ``plics`` (patient-level costing) or ``slr`` (a ledger and line drivers, no activity feeds).
    frames
        Small tables as text, by file name, each with ``row_number`` (1 is the first data row). Large
        ones are in the engine: as ``raw_<file>``, text that is read from the file each time it is asked for,
        and as ``typed_<file>``, the values that text can be read as.
    input_files
        One row per file of the contract: what was found, its checksum, what is off without it.
    """

    settings: dict[str, Any]
    mode: str
    frames: dict[str, pd.DataFrame]
    input_files: pd.DataFrame


@dataclass(frozen=True)
class Cleaned:
    """A trust's files after cleaning.

    ``frames`` holds the small tables, typed; large ones are in the engine as ``clean_<file>``, and
    the log as ``cleaning_log``.
    """

    settings: dict[str, Any]
    mode: str
    frames: dict[str, pd.DataFrame]
    accounts: pd.DataFrame
    summary: pd.DataFrame
    input_files: pd.DataFrame = field(repr=False)
