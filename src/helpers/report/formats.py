"""How numbers are written on a page: rounded for reading, never in a table that others compute with."""

from __future__ import annotations

import math

import pandas as pd

NOT_KNOWN = "not known"
MISSING = "–"
GBP_SIZES = ((1e9, "bn"), (1e6, "m"), (1e3, "k"))


def format_gbp(pence: float, *, signed: bool = False) -> str:
    """Return pence as pounds with three significant figures: £1.23m, −£45.6k, £789.

    >>> format_gbp(123_456_789), format_gbp(-4_560_000), format_gbp(78_900), format_gbp(0)
    ('£1.23m', '−£45.6k', '£789', '£0')
    """
    if _is_missing(pence):
        return NOT_KNOWN
    pounds = abs(float(pence)) / 100
    text = f"£{pounds:.0f}"
    for size, letter in GBP_SIZES:
        if pounds >= size * 0.9995:
            value = pounds / size
            decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
            text = f"£{value:,.{decimals}f}{letter}"
            break
    if text == "£0":
        return text
    sign = "−" if pence < 0 else "+" if signed else ""
    return sign + text


def format_tick_gbp(pence: float) -> str:
    """Return pence as an axis writes them, without idle zeros: £1m, −£2.5m, £250k, £0.

    >>> format_tick_gbp(100_000_000), format_tick_gbp(-250_000_000), format_tick_gbp(200_000_000_000)
    ('£1m', '−£2.5m', '£2bn')
    """
    text = format_gbp(pence)
    head, point, tail = text.partition(".")
    if not point:
        return text
    letter = tail.lstrip("0123456789")
    digits = tail.removesuffix(letter).rstrip("0")
    return f"{head}.{digits}{letter}" if digits else head + letter


def format_exact_gbp(pence: int) -> str:
    """Return pence as pounds and pence: £1,234,567.89."""
    whole = abs(int(pence))
    return f"{'−' if pence < 0 else ''}£{whole // 100:,}.{whole % 100:02d}"


def format_prop(prop: float, decimals: int = 0) -> str:
    """Return a share from 0 to 1 as a percentage."""
    if _is_missing(prop):
        return NOT_KNOWN
    return true_minus(f"{prop * 100:.{decimals}f}%")


def format_count(n: int) -> str:
    """Return a count with commas."""
    return true_minus(f"{int(n):,}")


def format_days(days: float, *, signed: bool = False) -> str:
    """Return days with one decimal."""
    if _is_missing(days):
        return NOT_KNOWN
    text = f"{days:+.1f}" if signed else f"{days:.1f}"
    return true_minus(f"{text} days")


def count_words(n: int, one: str, many: str = "") -> str:
    """Return a count and its noun: `1 line`, `12 lines`, `no lines`.

    >>> count_words(1, "line"), count_words(0, "line"), count_words(2, "inquiry", "inquiries")
    ('1 line', 'no lines', '2 inquiries')
    """
    noun = one if n == 1 else many or f"{one}s"
    return f"{format_count(n) if n else 'no'} {noun}"


def join_words(words: list[str]) -> str:
    """Return `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def true_minus(text: str) -> str:
    """Return a written number with a true minus; a zero that rounding left negative loses its sign.

    >>> true_minus("-1.5"), true_minus("-0.0%")
    ('−1.5', '0.0%')
    """
    if text.startswith("-") and not any(digit in text for digit in "123456789"):
        text = text[1:]
    return text.replace("-", "−")


def _is_missing(value: float) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
