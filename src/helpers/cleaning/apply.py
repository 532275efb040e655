"""Run one rule on one table: find, log, and do what the rule says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from helpers.cleaning.model import FrameRule, Rule, Settings, SqlRule
from helpers.cleaning.values import quote
from helpers.contracts import INPUTS, ROW_NUMBER, STORED_AS, QueryEngine, Table

LOG = "cleaning_log"
FOUND = "rule_findings"  # what the rule that runs has found
LOG_COLUMNS = (
    "file", "row_key", "rule", "severity", "effect", "action", "column", "old_value", "new_value",
    "amount_pence", ROW_NUMBER,
)  # fmt: skip


class Log:
    """The findings of all rules so far: the engine's table ``cleaning_log``."""

    def __init__(self, db: QueryEngine) -> None:
        self._db = db
        kinds = {"amount_pence": "BIGINT", ROW_NUMBER: "BIGINT"}
        empty = [f"CAST(NULL AS {kinds.get(n, 'VARCHAR')}) AS {quote(n)}" for n in LOG_COLUMNS]
        db.create(LOG, f"SELECT {', '.join(empty)} WHERE FALSE")

    def add(self, sql: str) -> None:
        """Add what a SELECT finds, whose columns are ``LOG_COLUMNS`` in order."""
        self._db.append_rows(LOG, sql)

    def add_frame(self, frame: pd.DataFrame) -> None:
        """Add findings about small tables."""
        if len(frame):
            self._db.add_frame("log_rows", frame[list(LOG_COLUMNS)])
            self.add("SELECT * FROM log_rows")
            self._db.drop("log_rows")


def bind(sql: str, settings: Settings) -> dict[str, Any]:
    """Return the parameters that a statement uses: the year's first and last day."""
    return {name: settings[name] for name in ("period_start", "period_end") if f"${name}" in sql}


def write_row_key(table: Table, prefix: str = "") -> str:
    """Return the SQL of a row's key, or of its place in the file where it has none."""
    place = f"'row ' || CAST({prefix}{ROW_NUMBER} AS VARCHAR)"
    if not table.key:
        return place
    parts = ", ".join(
        f"CAST({prefix}{quote(table.stored_name(name))} AS VARCHAR)" for name in table.key
    )
    return f"coalesce(nullif(concat_ws(':', {parts}), ''), {place})"


def write_text(text: str) -> str:
    """Return a text as a SQL literal; only for words of the rules themselves."""
    return "'" + text.replace("'", "''") + "'"


def apply_sql_rule(db: QueryEngine, rule: SqlRule, settings: Settings, log: Log) -> int:
    """Find what a rule finds in ``clean_<file>``, log it, act on it; return the number of findings."""
    table = INPUTS[rule.file]
    db.create(FOUND, rule.sql, **bind(rule.sql, settings))
    n_found = db.count(FOUND)
    if n_found == 0:
        return 0
    source, key = f"{FOUND} AS found", "found.row_key"
    if rule.effect != "add rows":
        source += f" JOIN clean_{rule.file} AS clean ON clean.row_number = found.row_number"
        key = write_row_key(table, "clean.")
    log.add(
        f"SELECT {write_text(rule.file)} AS file, {key} AS row_key, {write_text(rule.code)} AS rule, "
        f"{write_text(rule.severity)} AS severity, {write_text(rule.effect)} AS effect, "
        f"{write_text(rule.action)} AS action, "
        'found.column_name AS "column", found.old_value, found.new_value, found.amount_pence, '
        f"found.row_number FROM {source}"
    )
    if rule.effect == "set aside":
        set_aside(db, rule.file)
    elif rule.effect == "rewrite":
        kinds = {table.stored_name(c): STORED_AS[one.kind][0] for c, one in table.columns.items()}
        rewrite(db, f"clean_{rule.file}", kinds)
    elif rule.effect == "add rows":
        add_rows(db, rule, settings)
    return n_found


def set_aside(db: QueryEngine, file: str) -> None:
    """Move the rows that were found from ``clean_<file>`` to ``excluded_<file>``."""
    moved = (
        f"SELECT rows.* FROM clean_{file} AS rows WHERE EXISTS "
        f"(SELECT 1 FROM {FOUND} AS found WHERE found.row_number = rows.row_number)"
    )
    if db.has(f"excluded_{file}"):
        db.append_rows(f"excluded_{file}", moved)
    else:
        db.create(f"excluded_{file}", moved)
    db.remove_rows(f"clean_{file}", f"row_number IN (SELECT row_number FROM {FOUND})")


def rewrite(db: QueryEngine, name: str, kinds: Mapping[str, str]) -> None:
    """Put the new values that were found into a table."""
    touched = db.frame(f"SELECT DISTINCT column_name AS name FROM {FOUND} ORDER BY name")["name"]
    for column in touched:
        db.put_values(
            name,
            column,
            f"SELECT row_number, CAST(new_value AS {kinds[column]}) AS new_value FROM {FOUND} "
            f"WHERE column_name = '{column}'",
        )


def add_rows(db: QueryEngine, rule: SqlRule, settings: Settings) -> None:
    """Add the rows a rule makes; they have no row number, because no file holds them."""
    columns = ", ".join(quote(column) for column in db.columns(f"clean_{rule.file}"))
    sql = f"SELECT {columns} FROM ({rule.new_rows}) AS made"
    db.append_rows(f"clean_{rule.file}", sql, **bind(rule.new_rows, settings))


def apply_frame_rule(
    rule: FrameRule, frames: dict[str, pd.DataFrame], settings: Settings, log: Log
) -> dict[str, pd.DataFrame]:
    """Run a rule on small tables, log what it finds, and return the frames after it."""
    if rule.find is None:
        raise ValueError(f"{rule.code} has no function")
    findings = rule.find(frames, settings)
    if findings.empty:
        return frames
    frame = frames[rule.file]
    log.add_frame(describe_findings(rule, findings, frame))
    if rule.effect != "set aside":
        return frames
    kept = frame[~frame[ROW_NUMBER].isin(findings["row_number"])].reset_index(drop=True)
    return {**frames, rule.file: kept}


def describe_findings(rule: Rule, findings: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Return findings about a small table as rows of the log."""
    table = INPUTS[rule.file]
    if "row_key" not in findings:
        rows = frame.set_index(ROW_NUMBER).reindex(findings["row_number"].astype("int64"))
        place = "row " + findings["row_number"].astype("int64").astype("str")
        parts = [rows[table.stored_name(name)].astype("str").fillna("") for name in table.key]
        keys = parts[0].str.cat(parts[1:], sep=":").to_numpy() if parts else place.to_numpy()
        findings = findings.assign(row_key=keys)
    return findings.rename(columns={"column_name": "column"}).assign(
        file=rule.file,
        rule=rule.code,
        severity=rule.severity,
        effect=rule.effect,
        action=rule.action,
    )
