"""The tables that steps hand on: Parquet, and CSV beside it where it is small and holds no patients."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.contracts import OUTPUTS, Table
from helpers.contracts.outputs import (
    CLEAN,
    CLEANING,
    COSTING,
    INSIDE,
    OUTLIERS,
    PUBLISHED,
    SUBSIDY,
)
from helpers.contracts.public import PUBLIC
from helpers.engine import Engine
from helpers.errors import DisclosureError, StepError, name_a_few
from helpers.run import Run
from helpers.sources.spreadsheets import guard_text

CSV_BELOW_ROWS = 100_000
HIDDEN_MARK = "*"
# Which notebooks an analyst who opened a later one runs first, by the table that is missing.
FIRST_NOTEBOOK = {
    **{table.name: "01_data_cleaning.ipynb" for table in (*CLEANING, *CLEAN)},
    **dict.fromkeys(
        (table.name for table in (*COSTING, *INSIDE)),
        "01_data_cleaning.ipynb and 02_service_line_costing.ipynb",
    ),
    **{table.name: "notebooks 01 to 03" for table in SUBSIDY},
    **{table.name: "notebooks 01 to 04" for table in OUTLIERS},
    **{table.name: "11_published_data.ipynb" for table in PUBLISHED},
}


def find_table(run: Run, name: str) -> Path:
    """Return where a table stands: in this run's folder or, by hand, in the last whole report."""
    _check_door(run, name)
    for folder in run.read_folders:
        path = folder / f"{name}.parquet"
        if path.exists() and not run.is_out_of_date(path):
            return path
    if name in PUBLIC and run.audience != "public":
        raise StepError(
            f"The table `{name}` is of the public edition.\n"
            f'Run `make report TRUST={run.trust} AUDIENCE=public`, and set audience = "public" in the '
            "notebook's first cell."
        )
    first = FIRST_NOTEBOOK.get(name, "the notebooks before this one")
    raise StepError(
        f"Run {first} first, or `make report TRUST={run.trust}` once: the table `{name}` of {run.trust} "
        f"{run.year} is not there yet."
    )


def has_table(run: Run, name: str) -> bool:
    """Tell whether a table has been written."""
    _check_door(run, name)
    paths = [folder / f"{name}.parquet" for folder in run.read_folders]
    return any(path.exists() and not run.is_out_of_date(path) for path in paths)


def read_table(run: Run, name: str) -> pd.DataFrame:
    """Return a table as a frame."""
    return pd.read_parquet(find_table(run, name))


def open_table(run: Run, db: Engine, name: str, *, as_name: str = "") -> None:
    """Let the engine read a table in place."""
    db.add_parquet(as_name or name, find_table(run, name))


def write_table(run: Run, name: str, table: pd.DataFrame | Engine) -> None:
    """Write one table of the contract, sorted by its key.

    ``table`` is a frame, or the engine that holds a table of that name.
    """
    contract = OUTPUTS[name]
    _check_door(run, name)
    run.tables.mkdir(parents=True, exist_ok=True)
    path = run.tables / f"{name}.parquet"
    if not isinstance(table, pd.DataFrame):
        if contract.level == "public":
            raise DisclosureError(
                f"The public table {name} is written from a frame, and from no engine."
            )
        held = table.columns(name)
        _check_columns(contract, held)
        # A table without a key is sorted by everything it holds, so that its bytes are settled too.
        order = contract.key or (*contract.columns, *(c for c in held if c not in contract.columns))
        table.write_parquet(name, path, order_by=", ".join(f'"{column}"' for column in order))
        if contract.level != "patient" and table.count(name) < CSV_BELOW_ROWS:
            _write_csv(pd.read_parquet(path), path.with_suffix(".csv"))
        return
    _check_columns(contract, list(table.columns))
    if contract.level == "public":
        _check_only_declared(contract, list(table.columns))
    ordered = table.sort_values(list(contract.key), kind="stable") if contract.key else table
    ordered = ordered.reset_index(drop=True)
    ordered.to_parquet(path, index=False, compression="zstd")
    if contract.level != "patient" and len(ordered) < CSV_BELOW_ROWS:
        _write_csv(star_hidden(ordered), path.with_suffix(".csv"))


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table for a spreadsheet: no text of a trust's files can act as a formula (D-250)."""
    guard_text(frame).to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def star_hidden(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the public edition as it is printed: what ``hidden`` names reads ``*``."""
    if "hidden" not in frame.columns:
        return frame
    hidden = frame["hidden"].fillna("").str.split()
    starred = frame.drop(columns="hidden").astype("object")
    for name in starred.columns:
        is_hidden = hidden.map(lambda names, name=name: name in names).astype("bool")
        starred[name] = starred[name].mask(is_hidden, HIDDEN_MARK)
    return starred


def _check_door(run: Run, name: str) -> None:
    """Refuse a run of the public edition every table that is not made for it (decision D-240)."""
    if run.audience == "public" and name not in PUBLIC:
        raise DisclosureError(
            f"The table `{name}` is not one of the public edition, which may neither read nor hold it.\n"
            "Pages 21 to 26 make that edition; 1 to 6 are the analyst's: leave AUDIENCE out."
        )


def _check_only_declared(contract: Table, columns: list[str]) -> None:
    more = [name for name in columns if name not in contract.columns]
    if more:
        raise DisclosureError(
            f"The public table {contract.name} would hold columns that are not declared: {name_a_few(more)}."
        )


def _check_columns(contract: Table, columns: list[str]) -> None:
    missing = [name for name in contract.columns if name not in columns]
    if missing:
        raise ValueError(f"table {contract.name} lacks columns: {name_a_few(missing)}")
