"""The other engine: the same SQL on Spark, started only where a run asks for it.

It has the door of ``helpers.engine.Engine`` as far as costing needs it. Reading a trust's own files stays
on the embedded engine: what costing reads are the clean tables, in Parquet. A cluster is found through
Spark's own configuration (``SPARK_REMOTE``, ``SPARK_HOME``, ``SPARK_CONF_DIR``, ``spark-defaults.conf``);
without any, Spark runs inside this machine on all its cores.

Differences of dialect are few, and are translated here and nowhere else (``translate``).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import shutil
import subprocess
import tempfile
import uuid
import warnings
import weakref
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from helpers.errors import CommandError, HelpersError

OLDEST_JAVA = 17
CONFIGURED_BY = ("SPARK_REMOTE", "SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS", "MASTER")
OWN_SERVER = "local"  # SPARK_REMOTE begins so where Connect starts a server on this machine
PARTITIONS_A_CORE = 2
ROW_GROUP_ROWS = 122_880  # as the embedded engine writes Parquet
NAME = re.compile(r"^[a-z][a-z0-9_]*$")
PARAMETER = re.compile(r"\$([a-z][a-z0-9_]*)")
DATE_DIFF = "date_diff("
# Settings of the session that make one SQL mean the same on both engines.
SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}


class SparkEngine:
    """A Spark session. Tables live in its catalogue under names of this run, and go with ``close``.

    Parameters
    ----------
    spill
        Folder for what Spark writes on this machine; unused on a cluster.
    memory_limit
        Memory of Spark inside this machine, for example ``1500MB``; unused on a cluster.
    threads
        Cores to use inside this machine; all if absent. Results do not depend on it.
    """

    def __init__(
        self, *, spill: Path | None = None, memory_limit: str = "1200MB", threads: int | None = None
    ) -> None:
        self._own_spill = "" if spill else tempfile.mkdtemp(prefix="slr-spark-")
        self._spark = start_session(spill or Path(self._own_spill), memory_limit, threads)
        self._prefix = f"slr_{uuid.uuid4().hex[:12]}"
        self._n_made = 0
        self._held: dict[str, str] = {}  # name -> the table behind it; blank for views
        self._numbers: dict[str, str] = {}  # of a table of numbered rows, their column
        # A notebook leaves its engine open: its tables must not stay on a cluster for that.
        self._end = weakref.finalize(self, _forget, self._spark, self._held, self._own_spill)

    def __enter__(self) -> SparkEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget every table of this run, and let Spark go, as happens when nothing holds the engine any more."""
        self._end()

    def create(self, name: str, sql: str, **parameters: Any) -> None:
        """Make or replace a table from a SELECT; it may read the table it replaces."""
        self._n_made += 1
        table = f"{self._prefix}_{self._n_made}"
        self._query(sql, parameters).write.format("parquet").saveAsTable(table)
        old = self._held.get(_check(name), "")
        self._spark.table(table).createOrReplaceTempView(name)
        self._held[name] = table
        if old:
            self._spark.sql(f"DROP TABLE IF EXISTS {old}")

    def create_numbered(self, name: str, number: str, sql: str, **parameters: Any) -> None:
        """Make or replace a table from a SELECT, its rows numbered from 0 in a column ``number``.

        No number is left out; they are in no order. Rows put at its end go on from there.
        """
        self.create(name, _number_rows(sql, number), **parameters)
        self._numbers[name] = number

    def joins_as_written(self) -> contextlib.AbstractContextManager[None]:
        """Change nothing: a cluster sorts and deals out both sides of a large join."""
        return contextlib.nullcontext()

    def append_rows(self, name: str, sql: str, **parameters: Any) -> None:
        """Put the rows of a SELECT, whose columns are the table's in order, at a table's end."""
        if name in self._numbers:
            sql = _number_rows(sql, self._numbers[name], before=self.count(name))
        rows = self._query(sql, parameters).toDF(*self.columns(name))  # by place, not by name
        table = self._held[name]
        rows.write.format("parquet").mode("append").saveAsTable(table)
        self._spark.catalog.refreshTable(table)  # else the view goes on with the files it knows
        self._spark.table(table).createOrReplaceTempView(name)

    def create_view(self, name: str, sql: str) -> None:
        """Make or replace a view: a SELECT without parameters, worked out when it is read."""
        self._show(name, self._query(sql, {}))

    def frame(self, sql: str, **parameters: Any) -> pd.DataFrame:
        """Return the rows of a SELECT as a frame, of the types that the embedded engine gives."""
        return self._convert(self._query(sql, parameters).toArrow())

    def arrow(self, sql: str, **parameters: Any) -> pa.Table:
        """Return the rows of a SELECT as an Arrow table."""
        return self._query(sql, parameters).toArrow()

    def add_frame(self, name: str, frame: pd.DataFrame) -> None:
        """Make or replace a table from a small frame."""
        with duckdb.connect(":memory:") as types:
            types.register("incoming_frame", frame)
            table = types.sql("SELECT * FROM incoming_frame").to_arrow_table()
        if len(table):
            rows = self._spark.createDataFrame(table)
        else:  # Spark Connect finds no types where there are no rows: it is given one, and keeps none
            blank = [pa.nulls(1, field.type) for field in table.schema]
            rows = self._spark.createDataFrame(pa.table(blank, names=table.schema.names)).limit(0)
        self._show(name, rows)

    def add_parquet(self, name: str, path: Path) -> None:
        """Make a view of a Parquet file, which every worker must be able to read."""
        self._show(name, self._spark.read.parquet(str(path)))

    def write_parquet(self, name: str, path: Path, *, order_by: str = "") -> None:
        """Write a table, sorted, as one file of this machine; its rows pass through this process."""
        rows = self._spark.table(_check(name))
        columns = [column.strip().strip('"') for column in order_by.split(",") if column.strip()]
        if columns:
            rows = rows.orderBy(*[rows[column].asc_nulls_last() for column in columns])
        pq.write_table(rows.toArrow(), path, compression="zstd", row_group_size=ROW_GROUP_ROWS)

    def has(self, name: str) -> bool:
        return name in self._held

    def columns(self, name: str) -> list[str]:
        return list(self._spark.table(_check(name)).columns)

    def count(self, name: str) -> int:
        return int(self._spark.table(_check(name)).count())

    def drop(self, *names: str) -> None:
        for name in names:
            table = self._held.pop(name, None)
            self._numbers.pop(name, None)
            if table is None:
                continue
            self._spark.catalog.dropTempView(_check(name))
            if table:
                self._spark.sql(f"DROP TABLE IF EXISTS {table}")

    def _show(self, name: str, rows: Any) -> None:
        self.drop(_check(name))
        rows.createOrReplaceTempView(name)
        self._held[name] = ""

    def _query(self, sql: str, parameters: dict[str, Any]) -> Any:
        text = translate(sql, parameters)
        bound = {key: _bind(value) for key, value in parameters.items()}
        return self._spark.sql(text, args=bound) if bound else self._spark.sql(text)

    @staticmethod
    def _convert(table: pa.Table) -> pd.DataFrame:
        with duckdb.connect(":memory:") as types:
            return types.from_arrow(table).df()


def _forget(session: Any, held: dict[str, str], own_spill: str) -> None:
    """Drop what a session holds under each name, view or table, and end it."""
    for name, table in held.items():
        session.catalog.dropTempView(name)
        if table:
            session.sql(f"DROP TABLE IF EXISTS {table}")
    held.clear()
    session.stop()
    if own_spill:
        shutil.rmtree(own_spill, ignore_errors=True)


def _number_rows(sql: str, number: str, before: int = 0) -> str:
    place = f"row_number() OVER (ORDER BY 1) - 1 + {before}"
    return f"SELECT CAST({place} AS BIGINT) AS {_check(number)}, r.* FROM ({sql}) AS r"


def translate(sql: str, parameters: dict[str, Any] | None = None) -> str:
    """Return SQL of the project as Spark reads it.

    Named parameters take a colon, text is STRING, and lengths of time are counted as the embedded
    engine counts them: seconds and midnights passed.

    >>> translate("SELECT CAST(x AS VARCHAR), date_diff('second', a, b) FROM t WHERE y = $y")
    'SELECT CAST(x AS STRING), (unix_seconds(b) - unix_seconds(a)) FROM t WHERE y = :y'
    """
    given = parameters or {}

    def name(found: re.Match[str]) -> str:
        bound = f":{found[1]}"
        is_moment = isinstance(given.get(found[1]), dt.datetime)
        return f"CAST({bound} AS TIMESTAMP)" if is_moment else bound

    text = PARAMETER.sub(name, sql)
    text = re.sub(r"\bVARCHAR\b", "STRING", text)
    while DATE_DIFF in text:
        text = _translate_first_difference(text)
    return text


def _translate_first_difference(text: str) -> str:
    """Replace the first ``date_diff(unit, start, end)``."""
    start = text.index(DATE_DIFF)
    depth, parts, since = 0, [], start + len(DATE_DIFF)
    for place in range(since, len(text)):
        letter = text[place]
        if letter == ")" and depth == 0:
            break
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(text[since:place].strip())
            since = place + 1
    else:
        raise ValueError("date_diff( without its end")
    unit, first, last = [*parts, text[since:place].strip()]
    forms = {
        "'second'": f"(unix_seconds({last}) - unix_seconds({first}))",
        "'day'": f"datediff({last}, {first})",
    }
    return text[:start] + forms[unit] + text[place + 1 :]


def start_session(spill: Path, memory_limit: str, threads: int | None) -> Any:
    """Return a Spark session: the cluster that Spark's own configuration names, or this machine.

    Raises
    ------
    CommandError
        Without pyspark, or without Java where Spark is to run here.
    HelpersError
        If Spark does not answer.
    """
    # Frames cross over as Arrow tables, so pyspark's doubts about pandas 3 do not touch them.
    warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise CommandError(
            "ENGINE=spark needs pyspark, which is not installed here.\n"
            "Run `python setup_env.py --spark`, or leave ENGINE out: the embedded engine gives the same "
            "figures."
        ) from None
    remote = os.environ.get("SPARK_REMOTE", "")
    if not remote or remote.startswith(OWN_SERVER):
        check_java()
    builder = SparkSession.builder.appName("service line reporting")
    settings = _describe_local(spill, memory_limit, threads)
    if remote.startswith(OWN_SERVER):
        del settings["spark.master"]  # SPARK_REMOTE says it; both are an error
    elif any(os.environ.get(name) for name in CONFIGURED_BY):
        settings = {}
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
        for key, value in SESSION.items():
            session.conf.set(key, value)
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise HelpersError(
            f"Spark did not start: {first[:200]}\nLook at SPARK_REMOTE and spark-defaults.conf, or leave "
            "ENGINE out: the embedded engine gives the same figures."
        ) from error
    with contextlib.suppress(Exception):  # a remote session has no log of its own
        session.sparkContext.setLogLevel("ERROR")
    return session


def check_java() -> None:
    """Refuse, in one sentence, a machine without a Java that Spark can use."""
    home = os.environ.get("JAVA_HOME", "")
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    found = None
    if java:
        told = subprocess.run([java, "-version"], capture_output=True, text=True).stderr
        found = re.search(r'version "(\d+)', told)
    if not found or int(found[1]) < OLDEST_JAVA:
        what = f"Java {found[1]} is" if found else "there is none"
        raise CommandError(
            f"ENGINE=spark needs Java {OLDEST_JAVA} or later; {what} on this machine.\n"
            "Install it (`apt-get install openjdk-17-jre-headless`), set SPARK_REMOTE to use a cluster, or "
            "leave ENGINE out: the embedded engine gives the same figures."
        )


def _describe_local(spill: Path, memory_limit: str, threads: int | None) -> dict[str, str]:
    """Return the settings of Spark inside this machine."""
    cores = threads or os.cpu_count() or 1
    return {
        "spark.master": f"local[{threads or '*'}]",
        "spark.driver.memory": memory_limit.lower().replace("gb", "g").replace("mb", "m"),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": str(PARTITIONS_A_CORE * cores),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(spill / "spark"),
        "spark.sql.warehouse.dir": (spill / "warehouse").resolve().as_uri(),
    }


def _bind(value: Any) -> Any:
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value


def _check(name: str) -> str:
    if not NAME.match(name):
        raise ValueError(f"not a table name: {name!r}")
    return name
