"""The national tariff's Annex A workbook: prices by setting, trim points and market forces factors.

Each sheet's header is found by its words; prices are kept as pounds, ``-`` as no price and 0 as a
price. Notes below a table are told from its rows by the shape of the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from helpers.errors import InputError, name_a_few
from helpers.sources.headers import tidy
from helpers.sources.published.files import Found, find_year
from helpers.sources.workbooks import as_text, open_workbook

HRG = re.compile(r"^[A-Z]{2}[0-9]{2}[A-Z]$")
FUNCTION = re.compile(r"^[0-9]{3}$")
PROVIDER = re.compile(r"^[A-Z0-9]{3}$")
WITHIN = 40  # rows in which a sheet's header is looked for
PRICE_COLUMNS = ["basis", "currency_code", "treatment_function_code", "price_gbp"]
# Basis of a price, the words its heading begins with.
ADMITTED = {
    "OPROC": "outpatient procedure", "PLANNED": "combined day case", "NEL": "non-elective spell",
    "NES": "reduced short stay emergency adjustment (",
}  # fmt: skip
TRIMS = {"PLANNED": "ordinary elective long stay", "NEL": "non-elective long stay trim"}
ATTENDANCES = ("WF01A", "WF01B", "WF02A", "WF02B")


@dataclass(frozen=True)
class Tariff:
    """One year's prices.

    Attributes
    ----------
    prices
        ``basis`` (PLANNED, NEL, NES, OPROC, OP, EM12, EM3, IMAG, OTHER), ``currency_code``,
        ``treatment_function_code`` (OP only), ``price_gbp``.
    trim_points
        ``currency_code, basis, trim_days``.
    factors
        Market forces factor: ``org_code, year, factor``, one row a trust and year.
    """

    year: str
    name: str
    prices: pd.DataFrame
    trim_points: pd.DataFrame
    factors: pd.DataFrame


def read_tariff(file: Found) -> Tariff:
    """Read every priced sheet of an Annex A workbook.

    Raises
    ------
    InputError
        If the sheet of admitted care is not as expected.
    """
    book = open_workbook(file.path)
    sheets = {
        name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in book.sheet_names
    }
    admitted = _find_sheet(sheets, "apc")
    prices, trims = _read_admitted(admitted, file)
    prices += _read_attendances(_find_sheet(sheets, "outpatients"))
    prices += _read_emergency(_find_sheet(sheets, "a&e"))
    prices += [("IMAG", *row) for row in _read_lists(_find_sheet(sheets, "national prices"))]
    prices += [("OTHER", *row) for row in _read_lists(_find_sheet(sheets, "unbundled prices"))]
    frame = pd.DataFrame(
        prices, columns=["basis", "currency_code", "price_gbp", "treatment_function_code"]
    )
    return Tariff(
        year=file.year,
        name=file.name,
        prices=frame[PRICE_COLUMNS].drop_duplicates(PRICE_COLUMNS[:3]).reset_index(drop=True),
        trim_points=pd.DataFrame(trims, columns=["currency_code", "basis", "trim_days"]),
        factors=_read_factors(_find_sheet(sheets, "mff")),
    )


def _find_sheet(sheets: dict[str, list[list[Any]]], word: str) -> list[list[Any]]:
    return next((rows for name, rows in sheets.items() if word in tidy(name)), [])


def _find_header(rows: list[list[Any]], *starts: str, after: int = 0) -> tuple[int, dict[str, int]]:
    """Return the line of the first header from ``after`` with a heading for each start, and their places."""
    for line in range(after, min(len(rows), after + WITHIN)):
        names = [tidy(cell) for cell in rows[line]]
        places = {
            start: next((at for at, name in enumerate(names) if name.startswith(start)), -1)
            for start in starts
        }
        if all(place >= 0 for place in places.values()):
            return line, places
    return -1, {}


def _list_rows(
    rows: list[list[Any]], place: int, shape: re.Pattern[str]
) -> Iterator[tuple[str, list[Any]]]:
    """Give each row whose code has the shape; footnote stars are taken off."""
    for row in rows:
        code = (as_text(row[place]) or "").strip().rstrip("*").strip()
        if shape.fullmatch(code):
            yield code, row


def _price(cell: Any) -> float | None:
    """Return a price in pounds; a dash or a blank is none, nought is a price."""
    return float(cell) if isinstance(cell, (int, float)) and not isinstance(cell, bool) else None


def _read_admitted(rows: list[list[Any]], file: Found) -> tuple[list[tuple], list[tuple]]:
    line, places = _find_header(rows, "hrg code", *ADMITTED.values(), *TRIMS.values())
    if line < 0:
        raise InputError(
            f"{file.name}: its sheet of admitted care has no columns that begin with "
            f"{name_a_few([*ADMITTED.values()])}.\nDownload the Annex A workbook again."
        )
    prices, trims = [], []
    for code, row in _list_rows(rows[line + 1 :], places["hrg code"], HRG):
        for basis, heading in ADMITTED.items():
            price = _price(row[places[heading]])
            if price is not None:
                prices.append((basis, code, price, ""))
        for basis, heading in TRIMS.items():
            days = _price(row[places[heading]])
            if days is not None:
                trims.append((code, basis, days))
    priced = {(basis, code) for basis, code, _, _ in prices}
    # Without a reduced price a short emergency stay is paid as any other (decision D-223).
    prices += [
        ("NES", code, price, "")
        for basis, code, price, _ in list(prices)
        if basis == "NEL" and ("NES", code) not in priced
    ]
    return prices, trims


def _read_attendances(rows: list[list[Any]]) -> list[tuple]:
    line, places = _find_header(
        rows, "treatment function code", *(code.lower() for code in ATTENDANCES)
    )
    found = []
    for function, row in _list_rows(
        rows[line + 1 :], places.get("treatment function code", 0), FUNCTION
    ):
        for code in ATTENDANCES:
            price = _price(row[places[code.lower()]])
            if price is not None:
                found.append(("OP", code, price, function))
    return found


def _read_emergency(rows: list[list[Any]]) -> list[tuple]:
    line, places = _find_header(rows, "hrg code", "type 1", "type 3")
    found = []
    for code, row in _list_rows(rows[line + 1 :], places.get("hrg code", 0), HRG):
        for basis, heading in (("EM12", "type 1"), ("EM3", "type 3")):
            price = _price(row[places[heading]])
            if price is not None:
                found.append((basis, code, price, ""))
    return found


def _read_lists(rows: list[list[Any]]) -> list[tuple]:
    """Return the prices of a sheet that holds one or more lists, each with a header of its own."""
    found, line = [], 0
    while True:
        line, places = _find_header(rows, "hrg code", after=line)
        if line < 0:
            return found
        names = [tidy(cell) for cell in rows[line]]
        price_at = next(
            (at for at, name in enumerate(names) if name.startswith(("price", "tariff"))), -1
        )
        after, _ = _find_header(rows, "hrg code", after=line + 1)
        body = rows[line + 1 : after if after > 0 else len(rows)]
        if price_at >= 0:
            for code, row in _list_rows(body, places["hrg code"], HRG):
                price = _price(row[price_at])
                if price is not None:
                    found.append((code, price, ""))
        line += 1


def _read_factors(rows: list[list[Any]]) -> pd.DataFrame:
    line, places = _find_header(rows, "provider code")
    found = []
    if line >= 0:
        years = {at: find_year(str(cell)) for at, cell in enumerate(rows[line])}
        for code, row in _list_rows(rows[line + 1 :], places["provider code"], PROVIDER):
            for at, year in years.items():
                factor = _price(row[at])
                if year and factor:
                    found.append((code, year, factor))
    return pd.DataFrame(found, columns=["org_code", "year", "factor"])
