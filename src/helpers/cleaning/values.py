"""SQL that turns text into typed values: dates, whole numbers, and money as exact whole pence.

The work is in layers, each a SELECT over the one before, because an expression used twice is worked
out twice: ``trimmed`` (no outer blanks), ``present`` (NULL for "no value") and ``typed``. What can be
shown not to matter, for a whole file (``Known``) or for a value, is passed over. Missing text, and text that cannot be read as its kind, both end
as NULL; ``types`` tells the two apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from helpers.contracts import ROW_NUMBER, Column
from helpers.contracts.model import Kind

# What an extract writes for "no value".
MISSING = (
    "", "NULL", "Null", "null", "N/A", "n/a", "N/a", "#N/A", "NaN", "nan", "-", "--", "\u2013", "\u2014",
    "*", "**", "?",
)  # fmt: skip
NO_BREAK_SPACE, MINUS_SIGN = "\u00a0", "\u2212"
TRUE_WORDS = ("1", "Y", "YES", "T", "TRUE")
FALSE_WORDS = ("0", "N", "NO", "F", "FALSE")
NUMERIC_KINDS: tuple[Kind, ...] = ("int", "number", "money")
PLAIN_NUMBER = r"^-?[0-9]+([.][0-9]+)?$"  # most are; the rest of the work is for the others
WHOLE_NUMBER = r"^[+-]?[0-9]{1,18}([.]0*)?$"
DECIMAL_NUMBER = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$"
# Whole pence: two decimals at most, zeros after them change nothing; 15 digits of pounds fit int64.
POUNDS_AND_PENCE = r"^[+-]?([0-9]{1,15}([.][0-9]{0,2}0*)?|[.][0-9]{1,2}0*)$"
ANY_POUNDS = r"^[+-]?([0-9]{1,15}[.]?[0-9]*|[.][0-9]+)$"
# A comma stands before three digits; 1234,56 is not taken for 123456.
THOUSANDS = r"^[^0-9,]*[0-9]{1,3}(,[0-9]{3})+([^0-9,].*)?$"
# A percentage: one sign, at the end or before a closing bracket.
PERCENT = r"^[^%]*[0-9.] ?%[)]?$"
# A day as a spreadsheet counts it (45476 is 3 July 2024), its time as the fraction of a day. Five digits:
# from 18 May 1927 on.
DAY_NUMBER = r"^[0-9]{5}([.][0-9]+)?$"
DAY_ZERO = "1899-12-30"
SECONDS_IN_DAY = 86_400
COMPACT_DATE = r"^(19|20)[0-9]{6}$"  # 20240703
UNREADABLE = "unreadable"


def quote(name: str) -> str:
    """Return a column name that may also be a word of SQL (`from`, `to`, `column`)."""
    return f'"{name}"'


def list_texts(values: tuple[str, ...]) -> str:
    """Return values as a SQL list."""
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def matches(text: str, pattern: str) -> str:
    """Return the test that a text has a pattern (a function whose name differs between engines)."""
    return f"regexp_matches({text}, '{pattern}')"


@dataclass(frozen=True)
class Known:
    """What is known of a whole file before its values are looked at: work that need not be done.

    Attributes
    ----------
    is_marked
        A field that is exactly one of ``MISSING`` has come as NULL.
    has_blanks
        Some character of the file is a blank of some kind.
    has_odd_blanks
        Some may be a tab or a no-break space.
    missing
        The words for "no value" that may be among its fields: those whose every character it has (D-300).
    """

    is_marked: bool = False
    has_blanks: bool = True
    has_odd_blanks: bool = True
    missing: tuple[str, ...] = MISSING


NOTHING_KNOWN = Known()


def trimmed(name: str) -> str:
    """Return a column's text without outer blanks, whatever kind of blank they are."""
    text = quote(name)
    return (
        f"CASE WHEN {_has_odd_blanks(text)} "
        f"THEN trim(translate({text}, '{NO_BREAK_SPACE}\t', '  ')) ELSE trim({text}) END"
    )


def _has_odd_blanks(text: str) -> str:
    return f"{text} LIKE '%{NO_BREAK_SPACE}%' OR {text} LIKE '%\t%'"


def present(name: str) -> str:
    """Return a trimmed text; NULL where the extract writes "no value"."""
    return _unless_missing(quote(name))


def _unless_missing(text: str) -> str:
    return f"CASE WHEN {text} IN ({list_texts(MISSING)}) THEN NULL ELSE {text} END"


def settled(name: str, known: Known) -> str:
    """Return a column's text as ``select_present`` gives it, with the work that a file needs.

    Most values have no blanks round them, and two cheap tests show it: the first character does not
    come before ``!``, and the last is no blank.
    """
    text = quote(name)
    if known.is_marked and not known.has_blanks:
        return text
    whole = _unless_missing(trimmed(name))
    if not known.is_marked:
        return whole
    odd = f" OR {_has_odd_blanks(text)}" if known.has_odd_blanks else ""
    return f"CASE WHEN {text} < '!' OR {text} LIKE '% '{odd} THEN {whole} ELSE {text} END"


def select_present(source: str, names: list[str]) -> str:
    """Return the SELECT of columns of text, trimmed and with NULL for "no value", by row number."""
    first = ", ".join(f"{trimmed(name)} AS {quote(name)}" for name in names)
    then = ", ".join(f"{present(name)} AS {quote(name)}" for name in names)
    return (
        f"SELECT {then}, {ROW_NUMBER} FROM (SELECT {first}, {ROW_NUMBER} FROM {source}) AS trimmed"
    )


def digits(name: str, kind: Kind) -> str:
    """Return the plain number in an amount; other kinds as they are.

    `£1,234.50` is 1234.50; `(12.30)` and `12.30-` are -12.30; of a number that is not money or a
    count, `20%` is 0.2.
    """
    text = quote(name)
    if kind not in NUMERIC_KINDS:
        return text
    bare = f"translate({text}, '{MINUS_SIGN}£, ', '-')"
    power = ""
    if kind == "number":
        is_percent = f"{text} LIKE '%!%%' ESCAPE '!' AND {matches(text, PERCENT)}"
        bare = f"CASE WHEN {is_percent} THEN replace({bare}, '%', '') ELSE {bare} END"
        power = f" || CASE WHEN {is_percent} THEN 'e-2' ELSE '' END"
    bare = f"({bare})"
    return (
        f"CASE WHEN {matches(text, PLAIN_NUMBER)} THEN {text} "
        f"WHEN {text} LIKE '%,%' AND NOT {matches(text, THOUSANDS)} THEN '{UNREADABLE}' "
        f"WHEN {bare} LIKE '(%)' THEN '-' || substr({bare}, 2, length({bare}) - 2){power} "
        f"WHEN {bare} LIKE '%-' THEN '-' || substr({bare}, 1, length({bare}) - 1){power} "
        f"ELSE {bare}{power} END"
    )


# How a number of each kind is most often written, and within what size it is taken at once: the engine's
# type for it, its largest size, and what may be left away at its end.
PLAINLY: dict[str, tuple[str, str, str]] = {
    "int": ("BIGINT", "999999999999999999", ""),
    "number": ("DOUBLE", "1e14", ".0"),
    "money": ("DECIMAL(18, 2)", "99999999999999.99", ".00"),
}


def plain_number(name: str, kind: Kind) -> str:
    """Return the number of a text written plainly (`12`, `-3.5`), NULL for most others."""
    return f"TRY_CAST({quote(name)} AS {PLAINLY[kind][0]})"


def _is_plain(text: str, plain: str, kind: Kind) -> str:
    """Return the test that a text is how its number is plainly written, so that nothing else need be tried."""
    _, largest, end = PLAINLY[kind]
    written = f"CAST({plain} AS VARCHAR)"
    short = f" OR {written} = {text} || '{end}'" if end else ""
    return f"{plain} BETWEEN -{largest} AND {largest} AND ({written} = {text}{short})"


def typed(name: str, column: Column, *, round_money: bool = False, plain: str = "") -> str:
    """Return the typed value of a column of text, as ``select_present`` gives it.

    Money is whole pence. With ``round_money`` an amount with parts of a penny is rounded, half away
    from zero; without it such an amount is unreadable. ``plain`` names the column that holds the
    text's ``plain_number``, where it has been worked out: what is written so needs no more work.
    """
    text, kind = quote(name), column.kind
    if kind in NUMERIC_KINDS:
        full = _typed_number(f"({digits(name, kind)})", kind, round_money=round_money)
        if not plain:
            return full
        value = f"CAST({plain} * 100 AS BIGINT)" if kind == "money" else plain
        return f"CASE WHEN {_is_plain(text, plain, kind)} THEN {value} ELSE {full} END"
    if kind == "datetime":
        return _moment(text)
    if kind == "date":
        return f"CAST({_moment(text)} AS DATE)"
    if kind == "bool":
        return (
            f"CASE WHEN upper({text}) IN ({list_texts(TRUE_WORDS)}) THEN TRUE "
            f"WHEN upper({text}) IN ({list_texts(FALSE_WORDS)}) THEN FALSE END"
        )
    return text


def _typed_number(text: str, kind: Kind, *, round_money: bool) -> str:
    if kind == "int":
        return _when(WHOLE_NUMBER, text, f"TRY_CAST(split_part({text}, '.', 1) AS BIGINT)")
    if kind == "number":
        return _when(DECIMAL_NUMBER, text, f"TRY_CAST({text} AS DOUBLE)")
    exact = f"CAST(CAST(TRY_CAST({text} AS DECIMAL(18, 2)) AS DECIMAL(38, 2)) * 100 AS BIGINT)"
    return _when(ANY_POUNDS if round_money else POUNDS_AND_PENCE, text, exact)


def _when(pattern: str, text: str, value: str) -> str:
    return f"CASE WHEN {matches(text, pattern)} THEN {value} END"


def _moment(text: str) -> str:
    """Return a timestamp from `2024-07-03T07:30`, `2024-07-03`, `03/07/2024 07:30`, `20240703` or `45476.3125`.

    The last is the day as a spreadsheet counts it; its time is rounded to whole seconds.
    """
    year_and_time = f"split_part({text}, '/', 3)"
    british = (
        f"substr({year_and_time}, 1, 4) || '-' || lpad(split_part({text}, '/', 2), 2, '0') || '-' || "
        f"lpad(split_part({text}, '/', 1), 2, '0') || substr({year_and_time}, 5)"
    )
    compact = f"substr({text}, 1, 4) || '-' || substr({text}, 5, 2) || '-' || substr({text}, 7, 2)"
    days = f"TRY_CAST(split_part({text}, '.', 1) AS INTEGER)"
    part = f"coalesce(TRY_CAST('0.' || nullif(split_part({text}, '.', 2), '') AS DOUBLE), 0)"
    counted = (
        f"TIMESTAMP '{DAY_ZERO} 00:00:00' + {days} * INTERVAL 1 DAY "
        f"+ CAST(round({part} * {SECONDS_IN_DAY}) AS INTEGER) * INTERVAL 1 SECOND"
    )
    return (
        f"CASE WHEN {text} LIKE '____-__-__%' THEN TRY_CAST({text} AS TIMESTAMP) "
        f"WHEN {text} LIKE '%/%/____%' THEN TRY_CAST({british} AS TIMESTAMP) "
        f"WHEN {matches(text, COMPACT_DATE)} THEN TRY_CAST({compact} AS TIMESTAMP) "
        f"WHEN {matches(text, DAY_NUMBER)} THEN {counted} END"
    )
