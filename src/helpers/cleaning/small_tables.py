"""Small tables: every value typed in one go, and what cannot be read refused, because they steer the run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.cleaning.types import LEDGER, REPAIR_CODES, RULE_WORDS
from helpers.cleaning.values import NOTHING_KNOWN, NUMERIC_KINDS, quote, settled, typed
from helpers.contracts import INPUTS, REPAIRS, ROW_NUMBER, STORED_AS, Column, QueryEngine, Table
from helpers.contracts.model import Kind
from helpers.errors import InputError, name_a_few

AMOUNT, MONTH = "amount", "month"
TEXT_KINDS: tuple[Kind, ...] = ("text", "code")
TYPED_KINDS: tuple[Kind, ...] = ("int", "number", "money", "datetime", "date", "bool")


def read_small_tables(
    db: QueryEngine, texts: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Return small tables typed, by file name, each with ``row_number``, or refuse what cannot be read.

    Raises
    ------
    InputError
        LED-003 for an amount of the ledger, TYP-004 for another value that cannot be read or that
        is missing where one is needed, TYP-005 for a value outside its closed list.
    """
    tables = {name: INPUTS[name] for name in texts}
    values = type_texts(db, _list_texts(tables, texts))
    by_kind = _split_by_kind(values)
    return {name: _build(table, texts[name], by_kind) for name, table in tables.items()}


def read_small_table(db: QueryEngine, table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return one small table typed, as ``read_small_tables`` does."""
    values = type_texts(db, _list_texts({table.name: table}, {table.name: frame}))
    return _build(table, frame, _split_by_kind(values))


def _split_by_kind(values: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return what ``type_texts`` found, one frame a kind, by the text as given."""
    return {str(kind): some.set_index("given") for kind, some in values.groupby("kind", sort=False)}


def type_texts(db: QueryEngine, texts: pd.DataFrame) -> pd.DataFrame:
    """Return the value of each text as each kind that is asked for.

    Parameters
    ----------
    texts
        ``kind`` and ``given``, each pair once.

    Returns
    -------
    pd.DataFrame
        kind, given, ``text`` (trimmed; missing for "no value") and one column a typed kind.
    """
    db.add_frame("small_texts", texts)
    parts = ", ".join(
        f"CASE WHEN kind = '{kind}' THEN CAST({typed('text', Column(kind, ''))} AS {STORED_AS[kind][0]}) END "
        f"AS {quote(kind)}"
        for kind in TYPED_KINDS
    )
    found = db.frame(
        f"SELECT kind, given, text, {parts} FROM (SELECT kind, given, {settled('given', NOTHING_KNOWN)} AS text "
        "FROM small_texts) AS texts"
    )
    db.drop("small_texts")
    return found


def _list_texts(tables: Mapping[str, Table], texts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return each text of each kind once: a ledger repeats few codes and few words many times."""
    found: dict[str, list[pd.Series]] = {}
    for name, table in tables.items():
        for column, one in table.columns.items():
            kind = "text" if one.kind in TEXT_KINDS else one.kind
            if column in texts[name]:
                found.setdefault(kind, []).append(texts[name][column])
            if one.default is not None:
                found.setdefault(kind, []).append(pd.Series([one.default], dtype="str"))
    parts = [
        pd.DataFrame({"kind": kind, "given": pd.concat(columns).dropna().unique()})
        for kind, columns in found.items()
    ]
    empty = pd.DataFrame({"kind": pd.Series(dtype="str"), "given": pd.Series(dtype="str")})
    return pd.concat([empty, *parts], ignore_index=True).astype("str")


def _build(table: Table, frame: pd.DataFrame, known: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return a table with the values of its texts, once nothing in it is refused."""
    frame = frame.sort_values(ROW_NUMBER, kind="stable").reset_index(drop=True)
    columns, texts = {}, {}
    for name, column in table.columns.items():
        kind = "text" if column.kind in TEXT_KINDS else column.kind
        given = frame.get(name)
        texts[name], value = _look_up(given, frame.index, kind, column.default, known.get(kind))
        columns[table.stored_name(name)] = value.astype(STORED_AS[column.kind][1])
    clean = pd.DataFrame(columns).assign(**{ROW_NUMBER: frame[ROW_NUMBER]})
    for name, column in table.columns.items():
        if column.kind in TEXT_KINDS:
            continue
        is_unread = texts[name].notna() & clean[table.stored_name(name)].isna()
        if is_unread.any() and (table.name, name) != (LEDGER, MONTH):
            _refuse_unread(table, name, texts[name][is_unread], clean[ROW_NUMBER][is_unread])
    _refuse_missing(table, clean)
    _refuse_unlisted(table, clean)
    return clean.astype(table.pandas_kinds)


def _look_up(
    given: pd.Series | None,
    rows: pd.Index,
    kind: str,
    default: str | None,
    known: pd.DataFrame | None,
) -> tuple[pd.Series, pd.Series]:
    """Return the trimmed text and the value of each row's text; the default's where it has none."""
    if known is None or (given is None and default is None):
        nothing = pd.Series(pd.NA, rows, dtype="str")
        return nothing, nothing
    places = np.full(len(rows), -1) if given is None else known.index.get_indexer(given)
    text = _take(known["text"], places, rows).astype("str")
    if default is not None:
        places = np.where(text.isna(), known.index.get_loc(default), places)
        text = text.fillna(default)
    return text, text if kind == "text" else _take(known[kind], places, rows)


def _take(values: pd.Series, places: np.ndarray, rows: pd.Index) -> pd.Series:
    """Return values by their places; missing where a place is -1."""
    return pd.Series(values.array.take(places, allow_fill=True), index=rows)


def find_small_repairs(db: QueryEngine, frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the repairs of small tables' codes as rows of the log (large ones have rules)."""
    found = db.frame(f"SELECT * FROM {REPAIRS} ORDER BY file, row_number, column_name, why")
    found = found[found["file"].isin(list(frames))].rename(columns={"column_name": "column"})
    rules = found["why"].map(REPAIR_CODES)
    return found.drop(columns="why").assign(
        row_key="row " + found[ROW_NUMBER].astype("str"),
        rule=rules,
        severity="R",
        effect="note",
        action=rules.map({code: words[1] for code, words in RULE_WORDS.items()}),
        amount_pence=pd.array([pd.NA] * len(found), dtype="Int64"),
    )


def _refuse_unread(table: Table, name: str, texts: pd.Series, rows: pd.Series) -> None:
    wanted = {
        "money": "pounds with at most two decimals",
        "int": "a whole number",
        "number": "a number",
        "bool": "yes or no (1 or 0)",
    }.get(table.columns[name].kind, "a date, as 2024-07-03 or 03/07/2024")
    rule = "LED-003" if (table.name, name) == (LEDGER, AMOUNT) else "TYP-004"
    raise InputError(
        f"{table.name}, column {name}: {len(texts):,} values are not {wanted}: "
        f"{name_a_few(texts)}.\nThe first is in data row {rows.iloc[0]:,}. "
        "Correct them in the extract.",
        rule=rule,
    )


def _refuse_missing(table: Table, clean: pd.DataFrame) -> None:
    """Refuse blanks in a key, an amount or a code that must be there."""
    for name in table.required_columns:
        column = table.columns[name]
        is_needed = name in table.key or column.kind in (*NUMERIC_KINDS, "code")
        blank = clean[table.stored_name(name)].isna()
        if not is_needed or not blank.any() or (table.name, name) == (LEDGER, MONTH):
            continue
        is_amount = (table.name, name) == (LEDGER, AMOUNT)
        raise InputError(
            f"{table.name}, column {name}: {blank.sum():,} of {len(clean):,} rows have no value.\n"
            f"The first is data row {clean.loc[blank, ROW_NUMBER].iloc[0]:,}. Every row needs one.",
            rule="LED-003" if is_amount else "TYP-004",
        )


def _refuse_unlisted(table: Table, clean: pd.DataFrame) -> None:
    for name, column in table.columns.items():
        if not column.allowed:
            continue
        values = clean[table.stored_name(name)]
        wrong = values.notna() & ~values.isin(column.allowed)
        if wrong.any():
            raise InputError(
                f"{table.name}, column {name}: {wrong.sum():,} rows hold values that are not in its list: "
                f"{name_a_few(values[wrong])}.\nIt can be: {', '.join(column.allowed)}.",
                rule="TYP-005",
            )
