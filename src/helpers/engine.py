"""One door to the query engine: DuckDB, embedded, spilling to disk.

Calculation modules write SQL in the subset that Spark shares, bind every parameter, and are handed
this engine; they never open it.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from helpers.errors import CommandError, HelpersError

NAME = re.compile(r"^[a-z][a-z0-9_]*$")


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


class Engine:
    """A DuckDB database in memory that may spill to ``spill``; closed with ``close`` or ``with``.

    Parameters
    ----------
    spill
        Folder for data that does not fit in memory; made when needed.
    memory_limit
        As DuckDB writes it, for example ``1500MB``.
    threads
        Threads; results do not depend on it.
    """

    def __init__(
        self, *, spill: Path | None = None, memory_limit: str = "1200MB", threads: int | None = None
    ) -> None:
        settings: dict[str, Any] = {
            "memory_limit": memory_limit,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }
        if threads:
            settings["threads"] = threads
        if spill is not None:
            settings["temp_directory"] = str(spill)
        self._connection = duckdb.connect(":memory:", config=settings)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def run(self, sql: str, **parameters: Any) -> None:
        """Run one statement."""
        self._execute(sql, parameters)

    def create(self, name: str, sql: str, **parameters: Any) -> None:
        """Make or replace a table from a SELECT; it may read the table it replaces."""
        self._execute(f"CREATE OR REPLACE TABLE {_check(name)} AS {sql}", parameters)

    def create_view(self, name: str, sql: str) -> None:
        """Make or replace a view: a SELECT without parameters, worked out when it is read."""
        if self.has(name):
            self.drop(name)
        self._execute(f"CREATE VIEW {_check(name)} AS {sql}", {})

    def frame(self, sql: str, **parameters: Any) -> pd.DataFrame:
        """Return the rows of a SELECT as a frame: text as `str`, whole numbers as int64 or Int64."""
        return self._execute(sql, parameters).df()

    def add_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Make or replace a table from a frame."""
        self._connection.register("incoming_frame", frame)
        try:
            self.run(f"CREATE OR REPLACE TABLE {_check(name)} AS SELECT * FROM incoming_frame")
        finally:
            self._connection.unregister("incoming_frame")

    def add_csv(self, name: str, path: Path, columns: list[str], *, delimiter: str = ",") -> None:
        """Make a table of a UTF-8 text file: every column is text, ``row_number`` counts from 1.

        The header line is passed over; ``columns`` names the fields in the file's order. Nothing is
        guessed: a row with another number of fields, or an unclosed quote, raises ``ReadError``.
        """
        fields = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
        place = str(path).replace("'", "''")
        self.run("SET preserve_insertion_order = true")
        try:
            self.run(
                f"CREATE OR REPLACE TABLE {_check(name)} AS SELECT *, row_number() OVER () AS row_number "
                f"FROM read_csv('{place}', columns = {{{fields}}}, header = false, skip = 1, "
                f"auto_detect = false, delim = '{delimiter}', quote = '\"', escape = '\"', "
                "strict_mode = true)"
            )
        except (duckdb.InvalidInputException, duckdb.IOException) as error:
            raise ReadError.from_engine(str(error)) from None
        finally:
            self.run("SET preserve_insertion_order = false")

    def add_parquet_text(self, name: str, path: Path, columns: dict[str, str]) -> None:
        """Make a table of a Parquet file, its columns cast to text and renamed by ``columns``."""
        place = str(path).replace("'", "''")
        fields = ", ".join(
            f'CAST("{theirs.replace(chr(34), chr(34) * 2)}" AS VARCHAR) AS "{ours}"'
            for theirs, ours in columns.items()
        )
        self.run("SET preserve_insertion_order = true")
        try:
            self.run(
                f"CREATE OR REPLACE TABLE {_check(name)} AS SELECT {fields}, "
                f"row_number() OVER () AS row_number FROM read_parquet('{place}')"
            )
        except duckdb.Error as error:
            raise ReadError.from_engine(str(error)) from None
        finally:
            self.run("SET preserve_insertion_order = false")

    def add_parquet(self, name: str, path: Path) -> None:
        """Make a view of a Parquet file; nothing is read until it is asked for."""
        place = str(path).replace("'", "''")
        self.run(f"CREATE OR REPLACE VIEW {_check(name)} AS SELECT * FROM read_parquet('{place}')")

    def write_parquet(self, name: str, path: Path, *, order_by: str = "") -> None:
        """Write a table, sorted, so that the same rows give the same bytes."""
        place = str(path).replace("'", "''")
        order = f" ORDER BY {order_by}" if order_by else ""
        self.run("SET preserve_insertion_order = true")
        self.run(
            f"COPY (SELECT * FROM {_check(name)}{order}) TO '{place}' "
            "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
        )
        self.run("SET preserve_insertion_order = false")

    def has(self, name: str) -> bool:
        found = self._execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_name = $name",
            {"name": name},
        )
        return bool(found.fetchall()[0][0])

    def columns(self, name: str) -> list[str]:
        return [row[0] for row in self._execute(f"DESCRIBE {_check(name)}", {}).fetchall()]

    def count(self, name: str) -> int:
        return int(self._execute(f"SELECT count(*) FROM {_check(name)}", {}).fetchall()[0][0])

    def drop(self, *names: str) -> None:
        for name in names:
            kind = self._execute(
                "SELECT table_type FROM information_schema.tables WHERE table_name = $name",
                {"name": name},
            ).fetchall()
            if kind:
                self.run(f"DROP {'VIEW' if kind[0][0] == 'VIEW' else 'TABLE'} {_check(name)}")

    def _execute(self, sql: str, parameters: dict[str, Any]) -> duckdb.DuckDBPyConnection:
        try:
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
