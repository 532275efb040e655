"""How numbers are written on a page: rounded for reading, never in a table that others compute with."""

from __future__ import annotations

import math


def format_gbp(pence: float, *, signed: bool = False) -> str:
    """Return pence as pounds with three significant figures: £1.23m, −£45.6k, £789.

    >>> format_gbp(123_456_789), format_gbp(-4_560_000), format_gbp(78_900), format_gbp(0)
    ('£1.23m', '−£45.6k', '£789', '£0')
    """
    if pence is None or (isinstance(pence, float) and math.isnan(pence)):
        return "not known"
    pounds = abs(pence) / 100
    for size, letter in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if pounds >= size * 0.99995:
            value = pounds / size
            decimals = 2 if value < 9.995 else 1 if value < 99.95 else 0
            text = f"£{value:.{decimals}f}{letter}"
            break
    else:
        text = f"£{pounds:.0f}"
    if text in ("£0",):
        return text
    sign = "−" if pence < 0 else "+" if signed else ""
    return sign + text


def format_exact_gbp(pence: int) -> str:
    """Return pence as pounds and pence: £1,234,567.89."""
    whole = abs(int(pence))
    return f"{'−' if pence < 0 else ''}£{whole // 100:,}.{whole % 100:02d}"


def format_prop(prop: float, decimals: int = 0) -> str:
    """Return a share from 0 to 1 as a percentage."""
    if prop is None or math.isnan(prop):
        return "not known"
    return f"{prop * 100:.{decimals}f}%".replace("-", "−")


def format_count(n: int) -> str:
    """Return a count with commas."""
    return f"{int(n):,}".replace("-", "−")


def format_days(days: float, *, signed: bool = False) -> str:
    """Return days with one decimal."""
    text = f"{days:+.1f}" if signed else f"{days:.1f}"
    return f"{text} days".replace("-", "−")


def join_words(words: list[str]) -> str:
    """Return `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
