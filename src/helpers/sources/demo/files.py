"""Demonstration tables as text: ids, codes, times and money as a trust's extract writes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from helpers.sources.demo.recipe import DAY

BLANK = np.iinfo("int64").min
HASH = 2_654_435_761  # odd, so that patient numbers map one to one onto 8 hexadecimal digits
FIRST_PATIENT = 7_919
DAYS_SHOWN = 1200


def write_csv(table: pd.DataFrame | pa.Table, path: Path) -> None:
    """Write a table as UTF-8 CSV with LF line ends; arrow tables hold no commas or quotes."""
    if isinstance(table, pd.DataFrame):
        table.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")
        return
    with path.open("wb") as file:
        file.write((",".join(table.column_names) + "\n").encode())
        options = pa_csv.WriteOptions(include_header=False, quoting_style="none", batch_size=65536)
        pa_csv.write_csv(table, file, options)


def as_ids(prefix: str, numbers: np.ndarray, width: int = 7) -> pa.Array:
    """Return `X0000123`; blank where the number is negative."""
    numbers = np.asarray(numbers)
    text = pc.utf8_lpad(pc.cast(pa.array(numbers, mask=numbers < 0), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, text, "")


def as_patients(numbers: np.ndarray) -> pa.Array:
    """Return pseudonyms of 8 hexadecimal digits; blank where the number is negative."""
    numbers = np.asarray(numbers, dtype="int64")
    hashed = (((numbers + FIRST_PATIENT) * HASH) % 2**32).astype(np.uint32)
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    octets = hashed[:, None] >> np.arange(28, -1, -4, dtype=np.uint32)[None, :] & np.uint32(15)
    flat = digits[octets].astype(np.uint8).ravel()
    offsets = np.arange(len(numbers) + 1, dtype=np.int64) * 8
    text = pa.LargeStringArray.from_buffers(
        len(numbers), pa.py_buffer(offsets), pa.py_buffer(flat.tobytes())
    )
    return pc.if_else(
        pa.array(numbers < 0), pa.scalar(None, pa.string()), pc.cast(text, pa.string())
    )


def as_times(start: np.datetime64, minutes: np.ndarray, *, date_only: bool = False) -> pa.Array:
    """Return ISO times from minutes since the year's start; blank for BLANK."""
    minutes = np.asarray(minutes, dtype="int64")
    blank = minutes == BLANK
    safe = np.where(blank, 0, minutes)
    first = start.astype("datetime64[D]") - DAYS_SHOWN
    days = pa.array(np.datetime_as_string(first + np.arange(3 * DAYS_SHOWN)).astype(object))
    taken = days.take(pa.array(safe // DAY + DAYS_SHOWN, mask=blank))
    if date_only:
        return taken
    clock = pa.array([f"{value // 60:02d}:{value % 60:02d}" for value in range(DAY)])
    return pc.binary_join_element_wise(taken, clock.take(pa.array(safe % DAY, mask=blank)), "T")


def as_pounds(pence: np.ndarray) -> pa.Array:
    """Return `-12.05` from whole pence; blank for BLANK."""
    pence = np.asarray(pence, dtype="int64")
    blank = pence == BLANK
    size = np.abs(np.where(blank, 0, pence))
    pounds = pc.cast(pa.array(size // 100, mask=blank), pa.string())
    pennies = pc.utf8_lpad(pc.cast(pa.array(size % 100), pa.string()), 2, "0")
    text = pc.binary_join_element_wise(pounds, pennies, ".")
    signed = pc.binary_join_element_wise("-", text, "")
    return pc.if_else(pa.array((pence < 0) & ~blank), signed, text)


def as_codes(values: np.ndarray | pd.Series) -> pa.Array:
    """Return text values as an arrow array; blank for empty text."""
    array = pa.array(np.asarray(values, dtype=object), type=pa.string(), from_pandas=True)
    return array


def take(lookup: list[str] | np.ndarray | pd.Series, numbers: np.ndarray) -> pa.Array:
    """Return ``lookup[number]`` for each number; blank where the number is negative."""
    numbers = np.asarray(numbers)
    source = pa.array(np.asarray(lookup, dtype=object), type=pa.string())
    return source.take(pa.array(numbers, mask=numbers < 0))
