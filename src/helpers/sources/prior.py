"""The report of the year before, where one stands in the same folder of reports (decision D-087)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.run import Run

if TYPE_CHECKING:  # the command line asks for checksums before anything heavy is loaded
    import pandas as pd

TABLES = ("service_line_statement", "line_hrgs")


def find_prior_tables(run: Run) -> dict[str, Path]:
    """Return where last year's tables stand; nothing unless all of them do."""
    first = int(run.year[:4]) - 1
    folder = run.published.parent / f"{first}-{(first + 1) % 100:02}" / "tables"
    found = {name: folder / f"{name}.parquet" for name in TABLES}
    return found if all(path.is_file() for path in found.values()) else {}


def read_prior(run: Run) -> dict[str, pd.DataFrame]:
    """Return last year's tables as ``prior_<name>``, or nothing."""
    import pandas as pd

    tables = find_prior_tables(run)
    return {f"prior_{name}": pd.read_parquet(path) for name, path in tables.items()}


def hash_prior(run: Run) -> str:
    """Return a checksum of last year's tables, blank without them."""
    digest = hashlib.sha256()
    tables = find_prior_tables(run)
    for name, path in sorted(tables.items()):
        digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest() if tables else ""
