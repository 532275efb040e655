"""Which published files are there, and what each is: told by what it holds, not by its name.

Archives are opened, also inside one another; each file in them is a file of its own, shown as
``outer.zip: inner.csv``.
"""

from __future__ import annotations

import gzip
import re
import shutil
import zipfile
import zlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import IO

import pandas as pd

from helpers.contracts import Column, Table
from helpers.errors import InputError, name_a_few
from helpers.parameters import PROJECT
from helpers.sources.encodings import as_utf8
from helpers.sources.headers import find_text_header, tidy
from helpers.sources.workbooks import open_workbook

REFERENCE = PROJECT / "data" / "reference"
TEXT_ENDINGS = (".csv", ".tsv", ".txt")
MOST_UNPACKED_BYTES = 4_000_000_000  # of all files in one archive; a year of costs is about 0.2 GB
MOST_NESTED = 3  # archives inside archives
YEAR_IN_TEXT = re.compile(r"20(\d\d)\s*[-_/ ]{1,2}\s*(?:20)?(\d\d)(?!\d)")
YEAR_IN_NAME = re.compile(r"(?<!\d)(\d\d)(\d\d)(?!\d)")

COSTS = Table(
    "published_rows",
    "Activity and cost by currency, as NHS England publishes them.",
    {
        "currency_code": Column("code", "Currency."),
        **{
            name: Column("text", name, required=False)
            for name in (
                "org_code", "org_type", "supplier_type", "year", "department_code", "service_code",
                "currency_name", "activity", "unit_cost", "cost", "bed_days", "mean_cost",
                "expected_cost",
            )
        },
    },
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """One file of the folder, or of an archive in it.

    ``kind`` is a kind of ``KINDS``, or blank with ``problem`` saying why. ``year`` is ``2022/23``,
    or blank where the rows tell it or it does not matter.
    """

    name: str
    path: Path
    kind: str = ""
    year: str = ""
    problem: str = ""


KINDS = {
    "organisations": "National Cost Collection by organisation",
    "organisation_totals": "total cost by organisation",
    "schedule": "national schedule of costs",
    "tariff": "national tariff, Annex A: prices and market forces factors",
    "beds": "KH03: overnight beds",
    "names": "list of organisations",
    "successors": "successor organisations",
    "peers": "groups of peers",
}
COLUMNS_OF_KIND = (
    ("successors", {"old_code", "new_code"}),
    ("peers", {"procode", "peer"}),
    ("organisation_totals", {"org_code", "total_cost", "total_activity"}),
    ("names", {"organisation_code", "name"}),
    ("names", {"name", "value"}),
    ("names", {"procode", "name"}),
)


@cache
def read_reference(name: str) -> pd.DataFrame:
    """Return a lookup of ``data/reference`` as text."""
    return pd.read_csv(REFERENCE / f"{name}.csv", dtype="str", keep_default_na=False)


def find_files(folder: Path, workspace: Path) -> list[Found]:
    """Return every published file, recognised where it can be.

    Parameters
    ----------
    folder, workspace
        Where the downloads are, and where archives are unpacked.
    """
    found: list[Found] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.is_file() and not path.name.startswith(".") and path.name != "README.md":
            found += [recognise(one, workspace) for one in _unpack(path, workspace)]
    return found


def _unpack(path: Path, workspace: Path) -> list[Found]:
    ending = path.suffix.lower()
    if ending == ".zip":
        return _unzip(path, path.name, workspace / "unpacked" / path.name, 1)
    if ending == ".gz":
        plain = workspace / "unpacked" / path.name / path.stem
        plain.parent.mkdir(parents=True, exist_ok=True)
        try:
            with gzip.open(path, "rb") as source, plain.open("wb") as target:
                _copy(source, target, path.name, MOST_UNPACKED_BYTES)
        except (OSError, EOFError, zlib.error):
            return [Found(path.name, path, problem="it is damaged: it cannot be unpacked")]
        return [Found(f"{path.name}", plain)]
    return [Found(path.name, path)]


def _unzip(path: Path, shown: str, target: Path, depth: int) -> list[Found]:
    found: list[Found] = []
    room = MOST_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            for number, member in enumerate(archive.infolist()):
                ending = Path(member.filename).suffix.lower()
                if member.is_dir() or ending not in (*TEXT_ENDINGS, ".zip", ".xlsx"):
                    continue
                # A name of ours: a member's own could name a place outside the folder.
                plain = target / f"{number}{ending}"
                plain.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, plain.open("wb") as copy:
                    room -= _copy(source, copy, shown, room)
                inner = f"{shown}: {Path(member.filename.replace(chr(92), '/')).name}"
                if ending == ".zip" and depth < MOST_NESTED:
                    found += _unzip(plain, inner, target / str(number), depth + 1)
                else:
                    found.append(Found(inner, plain))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError):
        found.append(Found(shown, path, problem="it is damaged or locked: it cannot be unpacked"))
    if not found:
        found.append(Found(shown, path, problem="it holds no .csv, .txt, .tsv, .xlsx or .zip"))
    return found


def _copy(source: IO[bytes], target: IO[bytes], name: str, room: int) -> int:
    done = 0
    while chunk := source.read(1 << 20):
        done += len(chunk)
        if done > room:
            raise InputError(
                f"{name} unpacks to more than {MOST_UNPACKED_BYTES / 1e9:.0f} GB, which no published file "
                "does.\nTake it out of the folder, or unpack the one file that is wanted."
            )
        target.write(chunk)
    return done


def recognise(file: Found, workspace: Path) -> Found:
    """Return a file with its kind and year, or with the reason why it is not known."""
    if file.problem:
        return file
    try:
        if file.path.suffix.lower() == ".xlsx":
            return _recognise_workbook(file)
        if file.path.suffix.lower() in TEXT_ENDINGS:
            return _recognise_text(file, workspace)
    except InputError as error:
        return replace(file, problem=str(error).replace(file.path.name, file.name))
    return replace(file, problem="it is not a .csv, .txt, .tsv, .xlsx, .gz or .zip")


def _recognise_text(file: Found, workspace: Path) -> Found:
    plain, _ = as_utf8(file.path, workspace / "utf8" / file.name.replace(": ", "_"))
    renames = list_renames()
    header = find_text_header(plain, COSTS, renames, file=file.name)
    names = {tidy(name) for name in header.fields}
    for kind, needed in COLUMNS_OF_KIND:
        if needed <= names:
            return replace(file, kind=kind)
    ours = {tidy(theirs): name for theirs, name in renames.items()}
    known = {ours[name] for name in names if name in ours}
    if "currency_code" in known and known & {"activity", "cost", "unit_cost"}:
        kind = "organisations" if "org_code" in known else "schedule"
        year = "" if "year" in known else find_year(file.name, in_name=True)
        if not year and "year" not in known:
            return replace(file, kind="", problem=_say_no_year(file.name))
        return replace(file, kind=kind, year=year)
    shown = name_a_few(name for name in header.fields if name.strip())
    return replace(file, problem=f"its columns are not those of a file that is known: {shown}")


def _recognise_workbook(file: Found) -> Found:
    book = open_workbook(file.path)
    sheets = {tidy(name): name for name in book.sheet_names}
    top = _read_top(book)
    if any("mff" in name for name in sheets) and any("apc" in name for name in sheets):
        return _with_year(replace(file, kind="tariff"), top)
    if "occupied by specialty" in sheets or "nhs trust by sector" in sheets:
        return replace(file, kind="beds")
    if "index" in sheets or any(name.startswith("total hrg") for name in sheets):
        return _with_year(replace(file, kind="schedule"), top)
    return replace(file, problem="its sheets are not those of a workbook that is known")


def _read_top(book: object) -> str:
    """Return the words at the top of the first sheets, where the year stands."""
    words: list[str] = []
    for name in book.sheet_names[:3]:  # type: ignore[attr-defined]
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True, nrows=20)  # type: ignore[attr-defined]
        words += [cell for row in rows for cell in row if isinstance(cell, str)]
    return " ".join(words)


def _with_year(file: Found, text: str) -> Found:
    year = find_year(text) or find_year(file.name, in_name=True)
    return (
        replace(file, year=year)
        if year
        else replace(file, kind="", problem=_say_no_year(file.name))
    )


def find_year(text: str, *, in_name: bool = False) -> str:
    """Return the first financial year in a text as ``2022/23``; blank if there is none.

    In a file's name ``2324`` is a year too.

    >>> find_year("National Schedule of NHS Costs, 2016-17"), find_year("Org_1920 v2", in_name=True)
    ('2016/17', '2019/20')
    """
    patterns = (YEAR_IN_TEXT, YEAR_IN_NAME) if in_name else (YEAR_IN_TEXT,)
    for pattern in patterns:
        for first, second in pattern.findall(text):
            if (int(first) + 1) % 100 == int(second):
                return f"20{first}/{second}"
    return ""


def _say_no_year(name: str) -> str:
    return f"it does not say of which year it is. Put the financial year in its name, as 2022-23_{name.split(': ')[0]}"


def list_renames() -> dict[str, str]:
    """Return every name that the published files have given to a column, and ours."""
    headers = read_reference("published_headers")
    return dict(zip(headers["theirs"], headers["ours"], strict=True))


def remove_unpacked(workspace: Path) -> None:
    """Remove what was unpacked."""
    shutil.rmtree(workspace / "unpacked", ignore_errors=True)
    shutil.rmtree(workspace / "utf8", ignore_errors=True)
