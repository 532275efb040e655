"""A finished report in an analyst's hands: its tables as frames, SQL over them, traces, questions.

Nothing is written here, and no figure of the report can be changed by it (docs/explore.md).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.contracts import OUTPUTS
from helpers.costing.trace import EventTrace
from helpers.costing.trace_ledger import LedgerTrace
from helpers.engine import open_engine
from helpers.errors import CommandError, name_a_few
from helpers.report.series import Record
from helpers.run import Run, open_run, show_path
from helpers.sources.further_tables import answer_report
from helpers.sources.tables import read_table
from helpers.sources.traced import open_tracer
from helpers.subsidy.answers import Answers

PENCE_IN_A_POUND = 100


class Report:
    """One trust's finished report, open for reading. Made by ``open_report``."""

    def __init__(self, run: Run, record: Record) -> None:
        self._run, self._record = run, record

    def __repr__(self) -> str:
        return f"Report of {self._run.trust} {self._run.year}: {len(self._find_names())} tables"

    def list_tables(self) -> pd.DataFrame:
        """Return every table of the report: its meaning, what a row is, and how many rows it has."""
        rows = [
            {
                "table": name,
                "meaning": OUTPUTS[name].meaning,
                "one row for each": ", ".join(OUTPUTS[name].key),
                "n_rows": len(pd.read_parquet(self._run.tables / f"{name}.parquet", columns=[])),
            }
            for name in self._find_names()
        ]
        return pd.DataFrame(rows)

    def list_columns(self, table: str) -> pd.DataFrame:
        """Return each column of a table: its unit and its meaning, from the contract."""
        self._check_known(table)
        columns = OUTPUTS[table].columns.items()
        rows = [(name, column.unit or column.kind, column.meaning) for name, column in columns]
        return pd.DataFrame(rows, columns=["column", "unit", "meaning"])

    def read(self, table: str) -> pd.DataFrame:
        """Return a table, money in whole pence; ``attrs["units"]`` says the unit of each column."""
        self._check_known(table)
        frame = read_table(self._run, table)
        columns = OUTPUTS[table].columns
        frame.attrs["units"] = {name: columns[name].unit for name in frame if name in columns}
        return frame

    def query(self, sql: str) -> pd.DataFrame:
        """Return what SQL says of the report's tables, each under its own name.

        They are views of files: millions of rows are no burden, and rows cannot be changed.
        """
        names = [name for name in self._find_names() if name in sql]
        with tempfile.TemporaryDirectory() as spill, open_engine(spill=Path(spill)) as db:
            for name in names:
                db.add_parquet(name, self._run.tables / f"{name}.parquet")
            return db.frame(sql)

    def name_lines(self) -> dict[str, str]:
        """Return the name of each service line by its code, for ``Series.map``."""
        lines = self.read("clean_service_lines")
        return dict(zip(lines["line_id"], lines["line_name"], strict=True))

    def ask(self, *questions: str) -> Answers:
        """Answer what-if questions on the report as it stands, as page 3 does.

        Returns
        -------
        Answers
            ``what_if`` (the trust), ``what_if_lines``, ``what_if_costs``: tables of the contracts.

        Raises
        ------
        CommandError
            If a question cannot be read, or names what is not there; the message shows the forms.
        """
        with tempfile.TemporaryDirectory() as spill, open_engine(spill=Path(spill)) as db:
            return answer_report(self._run, db, "; ".join(questions))

    def trace_ledger_line(self, cost_centre: str, expense_code: str) -> LedgerTrace:
        """Follow a ledger line's pence forward; ``paths`` adds up to it (takes some seconds)."""
        return self._trace("trace_ledger_line", cost_centre, expense_code)

    def trace_event(self, event_id: str) -> EventTrace:
        """Walk one stay's or attendance's cost back to the ledger (takes some seconds)."""
        return self._trace("trace_event", event_id)

    def _trace(self, kind: str, *what: str) -> Any:
        if self._record.parameters.get("audience") == "public":
            raise CommandError("A trace follows one patient: there is none in the public edition.")
        method = self._record.parameters.get("method", "")
        with open_tracer(self._run, method=method) as tracer:
            return getattr(tracer, kind)(*what)

    def _find_names(self) -> list[str]:
        stand = {path.stem for path in self._run.tables.glob("*.parquet")}
        return [name for name in OUTPUTS if name in stand]

    def _check_known(self, table: str) -> None:
        names = self._find_names()
        if table not in names:
            alike = [name for name in names if table.lower() in name] or names
            raise CommandError(
                f"There is no table {table!r} in this report. There is: {name_a_few(alike)}; "
                "list_tables() has all of them."
            )


def open_report(trust: str = "XYZ", year: str = "", *, out: str | Path = "outputs") -> Report:
    """Open a trust's finished report.

    Parameters
    ----------
    year
        As ``2024-25``, which it is if left out.
    out
        Folder of reports; a relative one starts at the project's folder.

    Raises
    ------
    CommandError
        If there is no whole report; the message says how one is made.
    """
    run = open_run(trust=trust, out=out, **({"year": year} if year else {}))
    record = Record.read(run.published)
    if not record.whole:
        raise CommandError(
            f"There is no report of {run.trust} {run.year} in {show_path(run.published)}: run "
            f"`make report TRUST={run.trust}` first."
        )
    return Report(replace(run, folder=run.published), record)


def in_pounds(frame: pd.DataFrame, *, decimals: int = 0) -> pd.DataFrame:
    """Return a frame whose ``_pence`` columns are pounds, named ``_gbp``; for reading, not for adding up.

    >>> in_pounds(pd.DataFrame({"line": ["A"], "cost_pence": [123_456]}), decimals=2).to_dict("records")
    [{'line': 'A', 'cost_gbp': 1234.56}]
    """
    money = [name for name in frame.columns if str(name).endswith("_pence")]
    pounds = {name: (frame[name] / PENCE_IN_A_POUND).round(decimals) for name in money}
    names = {name: f"{str(name).removesuffix('_pence')}_gbp" for name in money}
    return frame.assign(**pounds).rename(columns=names)


def keep_rows(frame: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Return the rows whose columns hold what is wanted: one value, or any of a list.

    >>> keep_rows(pd.DataFrame({"line_id": ["A", "B", "C"]}), line_id=["A", "C"])["line_id"].tolist()
    ['A', 'C']
    """
    kept = frame
    for name, values in wanted.items():
        is_list = isinstance(values, Sequence) and not isinstance(values, str)
        kept = kept[kept[name].isin(list(values) if is_list else [values])]
    return kept
