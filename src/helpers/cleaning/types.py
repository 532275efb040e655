"""From text to types: the first stage, and what is done about text that cannot be read.

Large tables: a value that cannot be read is taken as missing and logged (TYP-001); a row without
its key, or without the date that says when it happened, is set aside (TYP-002); parts of a penny
are rounded (TYP-003). Codes that came without their leading zeros or with footnote stars were repaired
while they were read; that is logged here (TYP-006, TYP-007). Small tables steer the whole run, so there the run stops (TYP-004), and the
ledger has its own codes (LED-003 for amounts, LED-004 for months).
"""

from __future__ import annotations

from collections.abc import Sequence

from helpers.cleaning.model import Rule, SqlRule
from helpers.cleaning.values import (
    NOTHING_KNOWN,
    NUMERIC_KINDS,
    POUNDS_AND_PENCE,
    Known,
    digits,
    matches,
    plain_number,
    quote,
    select_present,
    settled,
    typed,
)
from helpers.contracts import INPUTS, REPAIRS, ROW_NUMBER, STORED_AS, QueryEngine, Table

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
LEDGER = "general_ledger"

SMALL_WORDS = (
    ("LED-003", "An amount of the ledger is not pounds with at most two decimals."),
    ("TYP-004", "A value cannot be read as its kind, or is missing where one is needed."),
    ("TYP-005", "A value is not in its closed list."),
)
REPAIR_CODES = {"zeros": "TYP-006", "stars": "TYP-007"}
RULE_WORDS = {
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
        Rule(code, table.name, "types", *effects[code], *RULE_WORDS[code])  # type: ignore[arg-type]
        for code in RULE_WORDS
        for table in large
        if code != "TYP-003" or any(column.kind == "money" for column in table.columns.values())
    ]
    for code in REPAIR_CODES.values():
        small = [name for name, table in INPUTS.items() if not table.large]
        words, action = (
            RULE_WORDS[code][0].replace("A code", "In a map or the ledger, a code", 1),
            RULE_WORDS[code][1],
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
    given = [name for name in db.columns(f"raw_{table.name}") if name in table.columns]
    sql = write_typed(table, given, f"raw_{table.name}", keep=(ROW_NUMBER,))
    db.create(f"clean_{table.name}", sql)


def write_typed(
    table: Table,
    given: Sequence[str],
    source: str,
    *,
    known: Known = NOTHING_KNOWN,
    keep: Sequence[str] = (),
) -> str:
    """Return the SELECT of a table's columns, typed, from text.

    ``given`` names the columns that the source has, ``known`` what is known of their text, and ``keep``
    the columns that are handed on as they are.
    """
    texts, plains, values = [], [], []
    for name, column in table.columns.items():
        text = settled(name, known) if name in given else "CAST(NULL AS VARCHAR)"
        if column.default is not None:
            text = f"coalesce({text}, '{column.default}')"
        texts.append(f"{text} AS {quote(name)}")
        plain = f"plain_{name}" if column.kind in NUMERIC_KINDS else ""
        plains += [f"{plain_number(name, column.kind)} AS {plain}"] if plain else []
        value = typed(name, column, round_money=table.large, plain=plain)
        kind = STORED_AS[column.kind][0]
        values.append(f"CAST({value} AS {kind}) AS {quote(table.stored_name(name))}")
    return (
        f"SELECT {', '.join([*values, *keep])} FROM (SELECT {', '.join(['texts.*', *plains])} FROM "
        f"(SELECT {', '.join([*texts, *keep])} FROM {source} AS given) AS texts) AS numbers"
    )


def count_unread(db: QueryEngine, table: Table, *, held: str = "clean") -> dict[str, int]:
    """Return, for each column whose text did not all become values, how many did not.

    A column that is full has no such text; the file is read again for the others alone. The values are
    in the table ``<held>_<table>``.
    """
    names = [name for name, _ in _readable_columns(db, table)]
    kept = _count_values(db, f"{held}_{table.name}", [table.stored_name(name) for name in names])
    n_rows = db.count(f"{held}_{table.name}")
    short = [name for name, n in zip(names, kept, strict=True) if n < n_rows]
    if not short:
        return {}
    given = _count_values(db, f"({select_texts(db, table, short)}) AS given", short)
    held = dict(zip(names, kept, strict=True))
    texts = {  # a blank is the default's text where there is one
        name: n if table.columns[name].default is None else n_rows
        for name, n in zip(short, given, strict=True)
    }
    unread = {name: n - held[name] for name, n in texts.items()}
    return {name: n for name, n in unread.items() if n > 0}


def _count_values(db: QueryEngine, source: str, names: list[str]) -> list[int]:
    if not names:
        return []
    counts = ", ".join(f"count({quote(name)}) AS c{i}" for i, name in enumerate(names))
    return [int(n) for n in db.frame(f"SELECT {counts} FROM {source}").iloc[0]]


def select_texts(db: QueryEngine, table: Table, names: list[str]) -> str:
    """Return the SELECT of columns of a file's text, by row number, agreed corrections put in."""
    texts = select_present(f"raw_{table.name}", names)
    if not db.has(f"corrected_{table.name}"):
        return texts
    values, joins = [], []
    for place, name in enumerate(names):
        joins.append(
            f"LEFT JOIN (SELECT row_number, new_value FROM corrected_{table.name} "
            f"WHERE column_name = '{name}') AS new_{place} ON new_{place}.row_number = texts.row_number"
        )
        values.append(
            f"CASE WHEN new_{place}.row_number IS NULL THEN texts.{quote(name)} "
            f"ELSE new_{place}.new_value END AS {quote(name)}"
        )
    return f"SELECT {', '.join(values)}, texts.row_number FROM ({texts}) AS texts {' '.join(joins)}"


def _select_unread(db: QueryEngine, table: Table, name: str) -> str:
    """Return the SELECT of rows whose text in one column could not be read."""
    return (
        f"SELECT clean.row_number, given.{quote(name)} AS old_value FROM clean_{table.name} AS clean "
        f"JOIN ({select_texts(db, table, [name])}) AS given "
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
    rules = [_unread_rule(db, table, name) for name in count_unread(db, table)]
    for name, column in table.columns.items():
        if column.kind == "money" and name in db.columns(f"raw_{table.name}"):
            rules.append(_rounded_rule(db, table, name))
    rules.append(_unplaced_rule(table))
    if db.has(REPAIRS):
        found = db.frame(f"SELECT DISTINCT why FROM {REPAIRS} WHERE file = '{table.name}'")["why"]
        rules += [_repaired_rule(table, why) for why in REPAIR_CODES if why in set(found)]
    return rules


def _repaired_rule(table: Table, why: str) -> SqlRule:
    sql = (
        "SELECT row_number, column_name, old_value, new_value, CAST(NULL AS BIGINT) AS amount_pence "
        f"FROM {REPAIRS} WHERE file = '{table.name}' AND why = '{why}'"
    )
    return _type_rule(REPAIR_CODES[why], table, "R", "note", sql)


def _unread_rule(db: QueryEngine, table: Table, name: str) -> SqlRule:
    sql = (
        f"SELECT row_number, '{name}' AS column_name, old_value, CAST(NULL AS VARCHAR) AS new_value, "
        f"CAST(NULL AS BIGINT) AS amount_pence FROM ({_select_unread(db, table, name)}) AS unread"
    )
    return _type_rule("TYP-001", table, "W", "note", sql)


def _rounded_rule(db: QueryEngine, table: Table, name: str) -> SqlRule:
    given = f"({select_texts(db, table, [name])}) AS texts"
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
    return _type_rule("TYP-002", table, "X", "set aside", sql, where=condition)


def _type_rule(
    code: str, table: Table, severity: str, effect: str, sql: str, *, where: str = ""
) -> SqlRule:
    words, action = RULE_WORDS[code]
    return SqlRule(
        code,
        table.name,
        "types",
        severity,
        effect,
        words,
        action,
        sql=sql,
        where=where,  # type: ignore[arg-type]
    )
