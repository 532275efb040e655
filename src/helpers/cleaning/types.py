"""From text to types: the first stage, and what is done about text that cannot be read.

Large tables: a value that cannot be read is taken as missing and logged (TYP-001); a row without
its key, or without the date that says when it happened, is set aside (TYP-002); parts of a penny
are rounded (TYP-003). Codes that came without their leading zeros or with footnote stars were repaired
while they were read; that is logged here (TYP-006, TYP-007). Small tables steer the whole run, so there the run stops (TYP-004), and the
ledger has its own codes (LED-003 for amounts, LED-004 for months).
"""

from __future__ import annotations

import pandas as pd

from helpers.cleaning.model import Rule, SqlRule
from helpers.cleaning.values import (
    NUMERIC_KINDS,
    POUNDS_AND_PENCE,
    digits,
    matches,
    quote,
    select_present,
    typed,
)
from helpers.contracts import INPUTS, REPAIRS, ROW_NUMBER, STORED_AS, QueryEngine, Table
from helpers.errors import InputError, name_a_few

# The date without which an event cannot be placed in a year.
PLACING_DATES = (
    ("apc_episodes", ("admission_dt", "episode_start_dt")),
    ("op_attendances", ("appointment_dt",)),
    ("ed_attendances", ("arrival_dt",)),
    ("ward_stays", ("start_dt",)),
    ("theatre_cases", ("into_dt", "out_dt")),
    ("critical_care", ("start_dt",)),
    ("tests", ("requested_dt",)),
    ("drug_issues", ("issue_dt",)),
    ("implants", ("used_dt",)),
    ("therapy_contacts", ("start_dt",)),
    ("outcomes", ()),
)
LEDGER, AMOUNT, MONTH = "general_ledger", "amount", "month"

SMALL_WORDS = (
    ("LED-003", "An amount of the ledger is not pounds with at most two decimals."),
    ("TYP-004", "A value cannot be read as its kind, or is missing where one is needed."),
    ("TYP-005", "A value is not in its closed list."),
)
REPAIR_CODES = {"zeros": "TYP-006", "stars": "TYP-007"}
_WORDS = {
    "TYP-001": ("A value cannot be read as a date or number.", "taken as missing"),
    "TYP-002": ("The row has no key, or no date that says when it happened.", "set aside"),
    "TYP-003": ("An amount has parts of a penny.", "rounded to a whole penny, half away from zero"),
    "TYP-006": (
        "A code had lost its leading zeros; one code of the map or list is the same with them.",
        "zeros put back",
    ),
    "TYP-007": ("A code has footnote stars after it.", "taken off"),
}


def describe_type_rules() -> list[Rule]:
    """Return the rules of this stage as they are described to readers."""
    large = [table for table in INPUTS.values() if table.large]
    effects = {"TYP-001": ("W", "note"), "TYP-002": ("X", "set aside"), "TYP-003": ("R", "note")}
    effects |= dict.fromkeys(REPAIR_CODES.values(), ("R", "note"))
    rules = [
        Rule(code, table.name, "types", *effects[code], *_WORDS[code])  # type: ignore[arg-type]
        for code in _WORDS
        for table in large
        if code != "TYP-003" or any(column.kind == "money" for column in table.columns.values())
    ]
    for code in REPAIR_CODES.values():
        small = [name for name, table in INPUTS.items() if not table.large]
        words, action = (
            _WORDS[code][0].replace("A code", "In a map or the ledger, a code", 1),
            _WORDS[code][1],
        )
        rules += [Rule(code, name, "types", "R", "note", words, action) for name in small]
    for code, words in SMALL_WORDS:
        files = (
            [LEDGER] if code == "LED-003" else [name for name, t in INPUTS.items() if not t.large]
        )
        rules += [Rule(code, name, "types", "F", "stop", words, "the run stops") for name in files]
    return rules


def type_table(db: QueryEngine, table: Table) -> None:
    """Make ``clean_<table>`` from ``raw_<table>``: every column of the contract, typed.

    Columns that the file lacks, and blanks in a column with a default, take the default.
    """
    db.create(f"clean_{table.name}", _typed_sql(db, table))


def _typed_sql(db: QueryEngine, table: Table) -> str:
    given = [name for name in table.columns if name in set(db.columns(f"raw_{table.name}"))]
    texts, numbers, values = [], [], []
    for name, column in table.columns.items():
        text = quote(name) if name in given else "CAST(NULL AS VARCHAR)"
        if column.default is not None:
            text = f"coalesce({text}, '{column.default}')"
        texts.append(f"{text} AS {quote(name)}")
        numbers.append(f"{digits(name, column.kind)} AS {quote(name)}")
        value = typed(name, column, round_money=table.large)
        kind = STORED_AS[column.kind][0]
        values.append(f"CAST({value} AS {kind}) AS {quote(table.stored_name(name))}")
    source = select_present(f"raw_{table.name}", given)
    return (
        f"SELECT {', '.join(values)}, {ROW_NUMBER} FROM (SELECT {', '.join(numbers)}, {ROW_NUMBER} FROM "
        f"(SELECT {', '.join(texts)}, {ROW_NUMBER} FROM ({source}) AS given) AS texts) AS numbers"
    )


def count_unread(db: QueryEngine, table: Table) -> dict[str, int]:
    """Return, for each column whose text did not all become values, how many did not."""
    names = [name for name, _ in _readable_columns(db, table)]
    if not names:
        return {}
    source = select_present(f"raw_{table.name}", names)
    given = ", ".join(f"count({quote(name)}) AS c{i}" for i, name in enumerate(names))
    kept = ", ".join(
        f"count({quote(table.stored_name(name))}) AS c{i}" for i, name in enumerate(names)
    )
    before = db.frame(f"SELECT {given} FROM ({source}) AS given").iloc[0]
    after = db.frame(f"SELECT {kept} FROM clean_{table.name}").iloc[0]
    unread = {name: int(before.iloc[i] - after.iloc[i]) for i, name in enumerate(names)}
    return {name: n for name, n in unread.items() if n > 0}


def _select_unread(table: Table, name: str) -> str:
    """Return the SELECT of rows whose text in one column could not be read."""
    return (
        f"SELECT clean.row_number, given.{quote(name)} AS old_value FROM clean_{table.name} AS clean "
        f"JOIN ({select_present(f'raw_{table.name}', [name])}) AS given "
        f"ON given.row_number = clean.row_number WHERE given.{quote(name)} IS NOT NULL "
        f"AND clean.{quote(table.stored_name(name))} IS NULL"
    )


def _readable_columns(db: QueryEngine, table: Table) -> list[tuple[str, object]]:
    given = set(db.columns(f"raw_{table.name}"))
    return [
        (name, column)
        for name, column in table.columns.items()
        if name in given and column.kind not in ("text", "code")
    ]


def make_type_rules(db: QueryEngine, table: Table) -> list[SqlRule]:
    """Return the rules of the first stage for a large table whose raw text is still at hand."""
    rules = [_unread_rule(table, name) for name in count_unread(db, table)]
    for name, column in table.columns.items():
        if column.kind == "money" and name in db.columns(f"raw_{table.name}"):
            rules.append(_rounded_rule(table, name))
    rules.append(_unplaced_rule(table))
    if db.has(REPAIRS):
        rules += [_repaired_rule(table, why) for why in REPAIR_CODES]
    return rules


def _repaired_rule(table: Table, why: str) -> SqlRule:
    sql = (
        "SELECT row_number, column_name, old_value, new_value, CAST(NULL AS BIGINT) AS amount_pence "
        f"FROM {REPAIRS} WHERE file = '{table.name}' AND why = '{why}'"
    )
    return _type_rule(REPAIR_CODES[why], table, "R", "note", sql)


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
        action=rules.map({code: words[1] for code, words in _WORDS.items()}),
        amount_pence=pd.array([pd.NA] * len(found), dtype="Int64"),
    )


def _unread_rule(table: Table, name: str) -> SqlRule:
    sql = (
        f"SELECT row_number, '{name}' AS column_name, old_value, CAST(NULL AS VARCHAR) AS new_value, "
        f"CAST(NULL AS BIGINT) AS amount_pence FROM ({_select_unread(table, name)}) AS unread"
    )
    return _type_rule("TYP-001", table, "W", "note", sql)


def _rounded_rule(table: Table, name: str) -> SqlRule:
    given = f"({select_present(f'raw_{table.name}', [name])}) AS texts"
    number = f"(SELECT row_number, {quote(name)} AS given, {digits(name, 'money')} AS value FROM {given})"
    stored = quote(table.stored_name(name))
    sql = (
        f"SELECT clean.row_number, '{name}' AS column_name, raw.given AS old_value, "
        f"CAST(clean.{stored} AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence "
        f"FROM clean_{table.name} AS clean JOIN {number} AS raw ON clean.row_number = raw.row_number "
        f"WHERE clean.{stored} IS NOT NULL AND NOT {matches('raw.value', POUNDS_AND_PENCE)}"
    )
    return _type_rule("TYP-003", table, "R", "note", sql)


def _unplaced_rule(table: Table) -> SqlRule:
    dates = next((names for file, names in PLACING_DATES if file == table.name), ())
    needed = [*table.key, *dates]
    condition = " OR ".join(f"{quote(name)} IS NULL" for name in needed)
    first = " ".join(f"WHEN {quote(name)} IS NULL THEN '{name}'" for name in needed)
    sql = (
        f"SELECT row_number, CASE {first} END AS column_name, CAST(NULL AS VARCHAR) AS old_value, "
        "CAST(NULL AS VARCHAR) AS new_value, CAST(NULL AS BIGINT) AS amount_pence "
        f"FROM clean_{table.name} WHERE {condition}"
    )
    return _type_rule("TYP-002", table, "X", "set aside", sql)


def _type_rule(code: str, table: Table, severity: str, effect: str, sql: str) -> SqlRule:
    words, action = _WORDS[code]
    return SqlRule(code, table.name, "types", severity, effect, words, action, sql=sql)  # type: ignore[arg-type]


def read_small_table(db: QueryEngine, table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a small table typed, with ``row_number``, or refuse what cannot be read.

    Raises
    ------
    InputError
        LED-003 for an amount of the ledger, TYP-004 for another value that cannot be read or that
        is missing where one is needed, TYP-005 for a value outside its closed list.
    """
    db.add_frame(f"raw_{table.name}", frame)
    type_table(db, table)
    for name in count_unread(db, table):
        if (table.name, name) != (LEDGER, MONTH):
            unread = db.frame(f"{_select_unread(table, name)} ORDER BY clean.row_number")
            _refuse_unread(table, name, unread)
    clean = db.frame(f"SELECT * FROM clean_{table.name} ORDER BY row_number")
    db.drop(f"raw_{table.name}", f"clean_{table.name}")
    _refuse_missing(table, clean)
    _refuse_unlisted(table, clean)
    return clean.astype(table.pandas_kinds)


def _refuse_unread(table: Table, name: str, unread: pd.DataFrame) -> None:
    wanted = {
        "money": "pounds with at most two decimals",
        "int": "a whole number",
        "number": "a number",
        "bool": "yes or no (1 or 0)",
    }.get(table.columns[name].kind, "a date, as 2024-07-03 or 03/07/2024")
    rule = "LED-003" if (table.name, name) == (LEDGER, AMOUNT) else "TYP-004"
    raise InputError(
        f"{table.name}, column {name}: {len(unread):,} values are not {wanted}: "
        f"{name_a_few(unread['old_value'])}.\nThe first is in data row {unread['row_number'].iloc[0]:,}. "
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
        values = clean[table.stored_name(name)]
        wrong = values.notna() & ~values.isin(column.allowed)
        if column.allowed and wrong.any():
            raise InputError(
                f"{table.name}, column {name}: {wrong.sum():,} rows hold values that are not in its list: "
                f"{name_a_few(values[wrong])}.\nIt can be: {', '.join(column.allowed)}.",
                rule="TYP-005",
            )
