"""The financial year of a run, and lengths of time as SQL text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from helpers.errors import InputError

YEAR = re.compile(r"^(20\d\d)[/-](\d\d)$")
MONTH = "month"  # of a run's settings: one month of the year, April = 1
MONTHS_A_YEAR = 12
SECONDS_AN_HOUR = 3600
SECONDS_A_MINUTE = 60


@dataclass(frozen=True)
class Period:
    """A financial year, or one month of it: from ``start``, 00:00, up to but not including ``end``."""

    start: datetime
    end: datetime


def find_period(settings: Mapping[str, Any]) -> Period:
    """Return the financial year that ``fy`` of trust.yml names, as 2024/25; or its ``month``, April = 1.

    Raises
    ------
    InputError
        If ``fy`` is not a financial year.
    """
    found = YEAR.match(str(settings.get("fy", "")).strip())
    if not found:
        raise InputError(
            f"trust.yml: fy is {settings.get('fy')!r}, which is not a financial year. Write it as 2024/25."
        )
    first = int(found[1])
    month = settings.get(MONTH)
    if not month:
        return Period(datetime(first, 4, 1), datetime(first + 1, 4, 1))
    return Period(_start_month(first, int(month)), _start_month(first, int(month) + 1))


def _start_month(first_year: int, month: int) -> datetime:
    """Return the first moment of a month of the financial year; month 13 is the next April."""
    at = month + 2  # months since January of the first year
    return datetime(first_year + at // MONTHS_A_YEAR, at % MONTHS_A_YEAR + 1, 1)


def seconds_between(start: str, end: str) -> str:
    """Return SQL for the seconds from one moment to another (whole, negative if reversed)."""
    return f"date_diff('second', {start}, {end})"


def days_between(start: str, end: str) -> str:
    """Return SQL for the midnights between two moments."""
    return f"date_diff('day', CAST({start} AS DATE), CAST({end} AS DATE))"
