"""How the cells of a table are written: by their column's name, and one unit of money a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from helpers.report.formats import MISSING, format_count, format_exact_gbp, format_prop, true_minus


@dataclass(frozen=True)
class MoneyUnit:
    """A unit for a column of money.

    Amounts whose largest reaches ``from_gbp`` pounds are written in units of ``size_gbp`` pounds,
    with so many decimals.
    """

    name: str
    from_gbp: float
    size_gbp: float
    decimals: int


MONEY_UNITS = (
    MoneyUnit("£m", 1e9, 1e6, 1),
    MoneyUnit("£m", 1e6, 1e6, 2),
    MoneyUnit("£000", 1e5, 1e3, 1),
    MoneyUnit("£", 0, 1, 0),
)
POUND = MONEY_UNITS[-1]
HIDDEN = "hidden"  # column that names what of a row may not be shown
HIDDEN_MARK = "*"
HIDDEN_NOTE = "* Hidden: a number from 1 to 7, what belongs to one, or what would tell one."
# A column that would need more digits than this before the point is written in a larger unit.
MOST_UNITS = 1e6


def is_numeric(values: pd.Series) -> bool:
    """Tell whether a column holds numbers (yes and no are not numbers)."""
    is_number = pd.api.types.is_numeric_dtype(values)
    return bool(is_number and not pd.api.types.is_bool_dtype(values))


def is_money(name: str, values: pd.Series) -> bool:
    """Tell whether a column holds sums of money in pence."""
    return name.endswith("_pence") and is_numeric(values)


def find_table_unit(columns: Sequence[pd.Series]) -> MoneyUnit:
    """Return one unit for all of a table's money, so that its columns can be compared and added.

    It is the unit that the smallest column needs, unless the largest would then have more than
    six digits before the point; then it is the next one up.
    """
    known = [values.dropna() for values in columns if values.notna().any()]
    largest_gbp = max((float(values.abs().max()) / 100 for values in known), default=0.0)
    smallest = min((find_money_unit(values).size_gbp for values in known), default=1)
    sizes = sorted({unit.size_gbp for unit in MONEY_UNITS if unit.size_gbp >= smallest})
    size = next((size for size in sizes if largest_gbp / size < MOST_UNITS), sizes[-1])
    alike = [unit for unit in MONEY_UNITS if unit.size_gbp == size]
    return next((unit for unit in alike if largest_gbp >= unit.from_gbp), alike[-1])


def find_money_unit(values: pd.Series) -> MoneyUnit:
    """Return the unit in which a column of pence is read most easily."""
    largest_gbp = values.abs().max() / 100
    if pd.isna(largest_gbp):
        return POUND
    return next(unit for unit in MONEY_UNITS if largest_gbp >= unit.from_gbp)


def write_cells(
    name: str, values: pd.Series, *, unit: MoneyUnit = POUND, exact: bool = False
) -> list[str]:
    """Return a column as plain text, not escaped; a missing value is a dash.

    A zero is ``0``; an amount too small for the table's unit is ``0.00``.
    """
    decimals = 0 if _is_whole(values) else 2
    return [
        MISSING
        if pd.isna(value)
        else _write(name, value, unit if is_money(name, values) else None, decimals, exact=exact)
        for value in values
    ]


def star_cells(name: str, texts: list[str], frame: pd.DataFrame) -> list[str]:
    """Return a column's texts with ``*`` in the rows whose ``hidden`` names the column."""
    if HIDDEN not in frame.columns:
        return texts
    marks = [name in str(words).split() for words in frame[HIDDEN].fillna("")]
    return [
        HIDDEN_MARK if is_hidden else text for text, is_hidden in zip(texts, marks, strict=True)
    ]


def describe_hidden(frame: pd.DataFrame, names: Sequence[str]) -> str:
    """Return what ``*`` means, if a table has any; blank otherwise."""
    if HIDDEN not in frame.columns:
        return ""
    hidden = {name for words in frame[HIDDEN].fillna("") for name in str(words).split()}
    return HIDDEN_NOTE if hidden & set(names) else ""


def _write(name: str, value: object, unit: MoneyUnit | None, decimals: int, *, exact: bool) -> str:
    if isinstance(value, str):
        return value
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        return f"{value.day} {value:%B %Y}"
    if not pd.api.types.is_number(value):
        return str(value)
    if unit and exact:
        return format_exact_gbp(value).replace("£", "")
    if unit:
        return write_amount(value, unit)
    if name.endswith("_prop"):
        return format_prop(value, 0 if name.endswith("_whole_prop") else 1)
    if name.endswith("_days") and not name.startswith("n_"):
        return true_minus(f"{value:,.1f}")
    return format_count(value) if name.startswith("n_") else true_minus(f"{value:,.{decimals}f}")


def write_amount(pence: float, unit: MoneyUnit) -> str:
    """Return pence in a unit, without its name.

    >>> write_amount(-123_456_789, MONEY_UNITS[1]), write_amount(0, MONEY_UNITS[1])
    ('−1.23', '0')
    """
    if pence == 0:
        return "0"
    return true_minus(f"{pence / 100 / unit.size_gbp:,.{unit.decimals}f}")


def _is_whole(values: pd.Series) -> bool:
    if not is_numeric(values):
        return False
    known = values.dropna()
    return bool((known == known.round()).all())
