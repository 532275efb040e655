"""One door to the query engine: DuckDB, embedded, spilling to disk.

Calculation modules write SQL in the subset that Spark shares, bind every parameter, and are handed
this engine; they never open it.
"""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from helpers.errors import CommandError, HelpersError
from helpers.memory import find_free_bytes

NAME = re.compile(r"^[a-z][a-z0-9_]*$")
TABLES_FILE = "helpers_tables.duckdb"
SIDES_BY_GUESS = "build_side_probe_side"  # what chooses the side of a join that is kept in memory
NUMBERED_AT_ONCE = 1 << 20  # rows
# The engine's memory: enough to sort a large file without spilling, little enough for a small laptop.
LEAST_MEMORY_MB, MOST_MEMORY_MB = 700, 2_800
# With less than this tables are kept in a file: of a table in memory a sixteenth cannot be spilled (D-393).
LEAST_FOR_TABLES_MB = 1_000
MEMORY_LIMIT = re.compile(r"^\s*([0-9.]+)\s*([KMGT])I?B\s*$", re.IGNORECASE)


class ReadError(Exception):
    """A file the engine could not read: the line, where known, and why. Holds no values."""

    def __init__(self, line: int | None, expected: int | None, found: int | None) -> None:
        super().__init__(f"line {line}: {found} fields, {expected} expected")
        self.line, self.expected, self.found = line, expected, found

    @classmethod
    def from_engine(cls, text: str) -> ReadError:
        """Take the line and the numbers of fields out of the engine's message; leave the row."""

        def find(pattern: str) -> int | None:
            found = re.search(pattern, text, flags=re.MULTILINE)
            return int(found[1]) if found else None

        return cls(
            find(r"CSV Error on Line: (\d+)"),
            find(r"^Expected Number of Columns: (\d+)"),
            find(r"^Expected Number of Columns: \d+ Found: (\d+)"),
        )


def choose_memory_limit(free_bytes: int) -> str:
    """Return a third of the memory that is free, between 700 MB and 2,800 MB.

    >>> choose_memory_limit(6_000_000_000)
    '2000MB'
    """
    return f"{min(max(free_bytes // 3_000_000, LEAST_MEMORY_MB), MOST_MEMORY_MB)}MB"


def is_short_of_memory(memory_limit: str) -> bool:
    """Tell whether a limit is too small for large tables to be kept in memory.

    >>> is_short_of_memory("256MB"), is_short_of_memory("1GB"), is_short_of_memory("0.5 GB")
    (True, False, True)
    """
    found = MEMORY_LIMIT.match(memory_limit)
    if not found:
        return False
    return float(found[1]) * 1000 ** ("KMGT".index(found[2].upper()) - 1) < LEAST_FOR_TABLES_MB


class Engine:
    """A DuckDB database that may spill to ``spill``; closed with ``close`` or ``with``.

    Its tables are in memory, or, where memory is short, in a file there that goes with it.

    Parameters
    ----------
    spill
        Folder for data that does not fit in memory; made when needed.
    memory_limit
        As DuckDB writes it, for example ``1500MB``; if blank, as ``choose_memory_limit`` says.
        What does not fit is spilled; results do not depend on it.
    threads
        Threads; results do not depend on it.
    """

    def __init__(
        self, *, spill: Path | None = None, memory_limit: str = "", threads: int | None = None
    ) -> None:
        memory_limit = memory_limit or choose_memory_limit(find_free_bytes())
        settings: dict[str, Any] = {
            "memory_limit": memory_limit,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
            # A database in memory has no log to shorten; packing its tables anew costs more than reading.
            "checkpoint_threshold": "1TB",
        }
        if threads:
            settings["threads"] = threads
        if spill is not None:
            settings["temp_directory"] = str(spill)
        self._kinds: dict[str, str] = {}  # TABLE or VIEW, by name
        self._rows_of: dict[str, str] = {}  # of a view that numbers rows, the table that holds them
        self._spill = spill
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._is_in_order = False
        if spill is not None and is_short_of_memory(memory_limit):
            self._connection = duckdb.connect(self.scratch / TABLES_FILE, config=settings)
            # They are read once or twice: packing them, or tidying a file that goes, would cost more.
            self.run("PRAGMA force_compression = 'uncompressed'")
            self.run("PRAGMA disable_checkpoint_on_shutdown")
        else:
            self._connection = duckdb.connect(":memory:", config=settings)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()
        if self._scratch is not None:
            self._scratch.cleanup()

    @property
    def scratch(self) -> Path:
        """A folder for files that views read; it goes when the engine is closed."""
        if self._scratch is None:
            if self._spill is not None:
                self._spill.mkdir(parents=True, exist_ok=True)
            self._scratch = tempfile.TemporaryDirectory(prefix="helpers-", dir=self._spill)
        return Path(self._scratch.name)

    def run(self, sql: str, **parameters: Any) -> None:
        """Run one statement."""
        self._execute(sql, parameters)

    def create(self, name: str, sql: str, **parameters: Any) -> None:
        """Make or replace a table from a SELECT; it may read the table it replaces."""
        self._execute(f"CREATE OR REPLACE TABLE {_check(name)} AS {sql}", parameters)
        self._kinds[name] = "TABLE"

    def create_numbered(self, name: str, number: str, sql: str, **parameters: Any) -> None:
        """Make or replace a table from a SELECT, its rows numbered from 0 in a column ``number``.

        No number is left out; they are in no order. Rows put at its end go on from there. The number is
        the row's place, which costs nothing: counting rows as they are read holds them to one thread.
        """
        self.drop(name)
        rows = f"{name}_rows"
        self.create(rows, sql, **parameters)
        self.create_view(name, f"SELECT rowid AS {_check(number)}, * FROM {rows}")
        self._rows_of[name] = rows

    def create_view(self, name: str, sql: str) -> None:
        """Make or replace a view: a SELECT without parameters, worked out when it is read."""
        self.drop(name)
        self._execute(f"CREATE VIEW {_check(name)} AS {sql}", {})
        self._kinds[name] = "VIEW"

    def frame(self, sql: str, **parameters: Any) -> pd.DataFrame:
        """Return the rows of a SELECT as a frame: text as `str`, whole numbers as int64 or Int64."""
        return self._execute(sql, parameters).df()

    def arrow(self, sql: str, **parameters: Any) -> pa.Table:
        """Return the rows of a SELECT as an Arrow table: for many rows that pass on to a file."""
        return self._connection.sql(sql, params=parameters or None).to_arrow_table()

    def add_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Make or replace a table from a frame."""
        self._connection.register("incoming_frame", frame)
        try:
            self.create(name, "SELECT * FROM incoming_frame")
        finally:
            self._connection.unregister("incoming_frame")

    def add_csv(
        self,
        name: str,
        path: Path,
        columns: list[str],
        *,
        keep: Sequence[str],
        delimiter: str = ",",
    ) -> None:
        """Make a table of some columns of a UTF-8 text file: all text, ``row_number`` counts from 1.

        The header line is passed over; ``columns`` names the fields in the file's order. Nothing is
        guessed: a row with another number of fields, or an unclosed quote, raises ``ReadError``.
        """
        self._read_in_order(name, _select_numbered(path, columns, keep, delimiter))

    def open_csv(
        self,
        name: str,
        path: Path,
        columns: list[str],
        *,
        keep: Sequence[str],
        delimiter: str = ",",
    ) -> None:
        """Make a view of some columns of a UTF-8 text file, as ``add_csv`` reads it.

        Nothing is read until it is asked for, and then each time again.
        """
        self.create_view(name, _select_numbered(path, columns, keep, delimiter))

    def add_numbered(
        self,
        name: str,
        path: Path,
        columns: list[str],
        sql: str,
        *,
        delimiter: str = ",",
        missing: Sequence[str] = (),
    ) -> None:
        """Make a table of a SELECT over a text file's rows, in their order, with ``row_number`` from 1.

        In ``sql`` the file's rows, as ``add_csv`` reads them, are the table ``incoming_rows``; a field
        that is one of the texts ``missing`` is NULL there. On several threads at once, which numbering
        the rows as they are read would not allow.
        """
        source = _select_csv(path, columns, delimiter, missing)
        self._read_in_order(
            name,
            f"WITH incoming_rows AS (SELECT * FROM {source}) "
            f"SELECT *, CAST(NULL AS BIGINT) AS row_number FROM ({sql}) AS typed_rows",
        )
        n_rows = self.count(name)
        for first in range(
            0, n_rows, NUMBERED_AT_ONCE
        ):  # what an update holds to undo it stays small
            self.run(
                f"UPDATE {name} SET row_number = rowid + 1 "
                f"WHERE rowid >= {first} AND rowid < {first + NUMBERED_AT_ONCE}"
            )

    def _read_in_order(self, name: str, sql: str) -> None:
        """Make a table of what a SELECT reads from a file, in the file's order."""
        with self.in_order():
            try:
                self.create(name, sql)
            except (duckdb.InvalidInputException, duckdb.IOException) as error:
                raise ReadError.from_engine(str(error)) from None

    @contextmanager
    def in_order(self) -> Iterator[None]:
        """Keep rows in the order they are read, in every statement of a block; it may hold another such."""
        is_outer, self._is_in_order = not self._is_in_order, True
        if is_outer:
            self.run("SET preserve_insertion_order = true")
        try:
            yield
        finally:
            if is_outer:
                self.run("SET preserve_insertion_order = false")
                self._is_in_order = False

    @contextmanager
    def joins_as_written(self) -> Iterator[None]:
        """In a block's statements, keep in memory the right side of a join and read its left side past it.

        For a SELECT whose filters make the engine think many rows few: it would keep them (decision D-430).
        """
        self.run(f"SET disabled_optimizers = '{SIDES_BY_GUESS}'")
        try:
            yield
        finally:
            self.run("RESET disabled_optimizers")

    def add_parquet_text(self, name: str, path: Path, columns: dict[str, str]) -> None:
        """Make a table of a Parquet file, its columns cast to text and renamed by ``columns``."""
        place = str(path).replace("'", "''")
        fields = ", ".join(
            f'CAST("{theirs.replace(chr(34), chr(34) * 2)}" AS VARCHAR) AS "{ours}"'
            for theirs, ours in columns.items()
        )
        with self.in_order():
            try:
                self.create(
                    name,
                    f"SELECT {fields}, row_number() OVER () AS row_number FROM read_parquet('{place}')",
                )
            except duckdb.Error as error:
                raise ReadError.from_engine(str(error)) from None

    def add_parquet(self, name: str, path: Path) -> None:
        """Make a view of a Parquet file; nothing is read until it is asked for."""
        place = str(path).replace("'", "''")
        self.create_view(name, f"SELECT * FROM read_parquet('{place}')")

    def write_parquet(self, name: str, path: Path, *, order_by: str = "") -> None:
        """Write a table, sorted, so that the same rows give the same bytes."""
        place = str(path).replace("'", "''")
        order = f" ORDER BY {order_by}" if order_by else ""
        with self.in_order():
            self.run(
                f"COPY (SELECT * FROM {_check(name)}{order}) TO '{place}' "
                "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
            )

    def remove_rows(self, name: str, condition: str) -> int:
        """Take the rows that meet a condition out of a table; return how many."""
        found = self._execute(f"DELETE FROM {_check(name)} WHERE {condition}", {})
        return int(found.fetchall()[0][0])

    def append_rows(self, name: str, sql: str, **parameters: Any) -> None:
        """Put the rows of a SELECT, whose columns are the table's in order, at a table's end."""
        table = self._rows_of.get(name, name)
        self._execute(f"INSERT INTO {_check(table)} {sql}", parameters)

    def put_values(self, name: str, column: str, values: str) -> None:
        """Put new values in one column of a table, in the rows that have one.

        ``values`` is a SELECT of ``row_number``, each at most once, and ``new_value`` of the column's type.
        """
        self._execute(
            f'UPDATE {_check(name)} SET "{column}" = fresh.new_value FROM ({values}) AS fresh '
            f"WHERE {name}.row_number = fresh.row_number",
            {},
        )

    def add_column(self, name: str, column: str, kind: str, value: str, **parameters: Any) -> None:
        """Add a column to a table: an expression of its other columns, and the type it has."""
        self.run(f'ALTER TABLE {_check(name)} ADD COLUMN "{column}" {kind}')
        self._execute(f'UPDATE {name} SET "{column}" = {value}', parameters)

    def has_repeats(self, name: str, columns: Sequence[str]) -> bool:
        """Tell whether two rows of a table may have the same values in some columns, each an expression.

        False is certain; True may also be said of rows without a value. Keys mostly stand in rising
        order (`T9` before `T10`), which one look at neighbours shows.
        """
        if len(columns) == 1:
            one = columns[0]
            neighbours = f"SELECT {one} AS here, lag({one}) OVER () AS before FROM {_check(name)}"
            later = (
                "strlen(here) > strlen(before) OR (strlen(here) = strlen(before) AND here > before)"
            )
            found = self._execute(
                f"SELECT count(*), count(CASE WHEN {later} THEN 1 END) FROM ({neighbours})", {}
            )
            n_rows, n_later = found.fetchall()[0]
            if n_rows <= n_later + 1:
                return False
            found = self._execute(f"SELECT count(*) - count(DISTINCT {one}) FROM {name}", {})
            return bool(found.fetchall()[0][0])
        by = ", ".join(columns)
        found = self._execute(
            f"SELECT 1 FROM {_check(name)} GROUP BY {by} HAVING count(*) > 1 LIMIT 1", {}
        )
        return bool(found.fetchall())

    def rename(self, name: str, to: str) -> None:
        """Give a table another name; a table that has that name already is forgotten."""
        self.drop(to)
        self.run(f"ALTER TABLE {_check(name)} RENAME TO {_check(to)}")
        self._kinds[to] = self._kinds.pop(name)

    def has(self, name: str) -> bool:
        return name in self._kinds

    def columns(self, name: str) -> list[str]:
        return [row[0] for row in self._execute(f"DESCRIBE {_check(name)}", {}).fetchall()]

    def count(self, name: str) -> int:
        return int(self._execute(f"SELECT count(*) FROM {_check(name)}", {}).fetchall()[0][0])

    def drop(self, *names: str) -> None:
        for name in names:
            kind = self._kinds.pop(name, None)
            if kind:
                self.run(f"DROP {kind} IF EXISTS {_check(name)}")
            if name in self._rows_of:
                self.drop(self._rows_of.pop(name))

    @contextmanager
    def _on_one_thread(self) -> Iterator[None]:
        """Run what is in a block on one thread."""
        threads = self._connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
        self._connection.execute("SET threads = 1")
        try:
            yield
        finally:
            self._connection.execute(f"SET threads = {int(threads)}")

    def _execute(self, sql: str, parameters: dict[str, Any]) -> duckdb.DuckDBPyConnection:
        try:
            try:
                return self._connection.execute(sql, parameters or None)
            except duckdb.OutOfMemoryException:  # each thread holds memory of its own (D-423)
                with self._on_one_thread():
                    return self._connection.execute(sql, parameters or None)
        except duckdb.OutOfMemoryException as error:
            raise HelpersError(
                "The query engine ran out of memory and could not spill to disk.\n"
                "Close other programs or free disk space, then run the same command again."
            ) from error
        except duckdb.IOException as error:
            if os.strerror(errno.ENOSPC) in str(error):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
            raise


def _select_numbered(path: Path, columns: list[str], keep: Sequence[str], delimiter: str) -> str:
    """Return the SELECT of some columns of a text file, its rows numbered from 1."""
    kept = ", ".join(f'"{column}"' for column in keep)
    source = _select_csv(path, columns, delimiter)
    return f"SELECT {kept}, row_number() OVER () AS row_number FROM {source}"


def _select_csv(path: Path, columns: list[str], delimiter: str, missing: Sequence[str] = ()) -> str:
    """Return the source that reads a UTF-8 text file, its header passed over, every field as text."""
    fields = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
    place = str(path).replace("'", "''")
    words = ", ".join("'" + word.replace("'", "''") + "'" for word in missing)
    blank = f", nullstr = [{words}], allow_quoted_nulls = true" if missing else ""
    return (
        f"read_csv('{place}', columns = {{{fields}}}, header = false, skip = 1, auto_detect = false, "
        f"delim = '{delimiter}', quote = '\"', escape = '\"', strict_mode = true{blank})"
    )


def open_engine(name: str = "duckdb", **settings: Any) -> Any:
    """Open the engine a run asks for: an ``Engine``, or a ``SparkEngine`` with the same door."""
    if name == "duckdb":
        return Engine(**settings)
    if name == "spark":
        from helpers.engine_spark import SparkEngine

        return SparkEngine(**settings)
    raise CommandError(f"The engine `{name}` is not known. Use `duckdb` or `spark`.")


def _check(name: str) -> str:
    if not NAME.match(name):
        raise ValueError(f"not a table name: {name!r}")
    return name
