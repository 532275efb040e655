"""The last look at a public edition: does anything in it name a patient, an event or a consultant?

Protection does not rest on this search: pages can only read protected tables. It is here because a
fault in the program would otherwise be found by the wrong reader.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pyarrow.parquet as pq

from helpers.errors import DisclosureError
from helpers.run import Run

# Of the analyst's tables: columns whose values may stand nowhere in a public edition.
IDENTIFIERS = {
    "patient_events": ("event_id", "spell_id", "consultant_code"),
    "clean_apc_episodes": ("patient_key", "episode_id", "consultant_code"),
    "clean_op_attendances": ("patient_key", "consultant_code"),
    "clean_ed_attendances": ("patient_key", "consultant_code"),
    "clean_ward_stays": ("stay_id",),
    "clean_consultants": ("consultant_code", "pseudonym"),
}
# A shorter value, or one without both a letter and a digit, would be found by accident: as an amount or a word.
SHORTEST = 5
TOKEN = re.compile(r"[A-Za-z0-9]+(?:[-_./:][A-Za-z0-9]+)*")
PIECE = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
DATA = re.compile(r"data:[\w/+.-]+(?:;charset=[\w-]+)?(;base64)?,([^\"'\s>]*)")
HAS_BOTH = re.compile(r"(?=.*[A-Za-z])(?=.*\d)")


def check_no_identifiers(analyst: Run, folder: Path) -> None:
    """Refuse an edition in which a patient's, an event's or a consultant's code is found.

    Parameters
    ----------
    analyst
        The run whose report the edition was made from.
    folder
        The edition: every file in it is searched, Parquet, CSV, HTML, and what is inside pages.

    Raises
    ------
    DisclosureError
        With the kinds and numbers found and the files, and no code itself.
    """
    found = find_identifiers(read_texts(folder), read_identifiers(analyst.published / "tables"))
    if found:
        words = "; ".join(f"{kind} in {name} ({n})" for (name, kind), n in sorted(found.items()))
        raise DisclosureError(
            f"The public edition would name patients or consultants: {words}.\n"
            "Nothing was published. This is a fault in the program, not in your files."
        )


def read_identifiers(tables: Path) -> Iterable[tuple[str, set[str]]]:
    """Return the values of each column that names somebody, a column at a time."""
    for table, columns in IDENTIFIERS.items():
        path = tables / f"{table}.parquet"
        if not path.is_file():
            continue
        there = set(pq.read_schema(path).names)
        for name in columns:
            if name in there:
                values = pd.read_parquet(path, columns=[name])[name].dropna().unique()
                yield name, {str(value) for value in values if is_telling(str(value))}


def is_telling(value: str) -> bool:
    """Tell whether a value would hardly stand in a page by accident."""
    return len(value) >= SHORTEST and HAS_BOTH.match(value) is not None


def read_texts(folder: Path) -> dict[str, str]:
    """Return every file of an edition as text, with what is packed inside pages unpacked."""
    texts = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            texts[path.name] = pd.read_parquet(path).to_csv(index=False)
        elif path.is_file():
            texts[path.name] = unpack(path.read_bytes().decode("utf-8", errors="replace"))
    return texts


def unpack(text: str) -> str:
    """Return a page's text with its pictures and downloads, which are written in other letters, added."""
    parts = [text]
    for is_base64, payload in DATA.findall(text):
        if not is_base64:
            parts.append(unquote(payload))
            continue
        try:
            parts.append(base64.b64decode(unquote(payload)).decode("utf-8"))
        except (binascii.Error, UnicodeDecodeError):
            continue  # a picture in points holds no words
    return "\n".join(parts)


def find_identifiers(
    texts: Mapping[str, str], identifiers: Iterable[tuple[str, set[str]]]
) -> dict[tuple[str, str], int]:
    """Return how many codes of each kind stand in each text."""
    tokens = {
        name: {token for kind in (TOKEN, PIECE) for token in kind.findall(text)}
        for name, text in texts.items()
    }
    found: dict[tuple[str, str], set[str]] = {}
    for kind, values in identifiers:
        for name, words in tokens.items():
            if words & values:
                found.setdefault((name, kind), set()).update(words & values)
    return {place: len(codes) for place, codes in found.items()}
