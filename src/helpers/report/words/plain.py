"""Codes in plain words."""

from __future__ import annotations

from functools import cache
from importlib import resources

import pandas as pd


@cache
def _load() -> dict[tuple[str, str], str]:
    with (
        resources.files("helpers.report.words").joinpath("terms.csv").open(encoding="utf-8") as text
    ):
        frame = pd.read_csv(text, dtype="str", keep_default_na=False)
    return dict(zip(zip(frame["kind"], frame["code"], strict=True), frame["words"], strict=True))


def name_term(kind: str, code: str) -> str:
    """Return a code in words; one that is not listed is shown as it is, `_` as a blank.

    >>> name_term("feed", "ward"), name_term("driver", "visits_made")
    ('Wards', 'visits made')
    """
    return _load().get((kind, code), code.replace("_", " "))


def name_lines(codes: pd.Series, service_lines: pd.DataFrame) -> pd.Series:
    """Return the names of lines and of the columns beside them."""
    names = dict(zip(service_lines["line_id"], service_lines["line_name"], strict=True))
    return codes.map(lambda code: names.get(code) or name_term("line", code)).astype("str")
