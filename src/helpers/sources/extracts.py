"""A trust's folder, read whole; and its clean tables, written and read again."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.contracts import (
    ACTIVITY_EVENTS,
    COSTED_FILE,
    COSTED_MANDATORY,
    INPUTS,
    PLICS_MANDATORY,
    Cleaned,
    Received,
    Table,
)
from helpers.contracts.terms import NOT_NEEDED
from helpers.engine import Engine
from helpers.errors import CommandError, InputError, name_a_few
from helpers.run import Run, check_input_dir
from helpers.sources.codes import repair_codes
from helpers.sources.encodings import find_sha256
from helpers.sources.readers import ENDINGS, FileRead, read_file
from helpers.sources.settings import COLUMNS_FILE, TRUST_FILE, read_renames, read_settings
from helpers.sources.tables import has_table, open_table, read_table, write_table

PROPOSED_FILE = (
    "columns.proposed.yml"  # `check` writes it where the trust has a columns.yml already
)
# Files of a trust's folder that hold no table.
OUR_FILES = (TRUST_FILE, COLUMNS_FILE, PROPOSED_FILE, "readme.md", "readme.txt")
DATE_SETTINGS = ("period_start", "period_end")
PACKED = (".zip", ".gz", ".7z", ".rar")


def read_trust(run: Run, db: Engine) -> Received:
    """Read every file of a trust's folder.

    Large tables go to the engine, as text (``raw_<file>``) and typed (``typed_<file>``); small ones are
    frames of text.

    Raises
    ------
    InputError
        If the folder is another trust's, a mandatory file is missing, two files hold one table, or
        a file cannot be read.
    """
    if run.audience == "public":
        raise CommandError(
            "Pages 1 to 6 are the analyst's. The public edition is made from a finished report, never from the "
            f"trust's files: `make report TRUST={run.trust} AUDIENCE=public`."
        )
    folder = check_input_dir(run)
    settings, notices = read_settings(folder, run)
    renames = read_renames(folder)
    found = find_files(folder)
    mode = find_mode(found)
    check_mandatory(found, mode, folder)
    settings["mode"] = mode
    frames: dict[str, pd.DataFrame] = {}
    notices += describe_unread(folder)
    records: list[dict[str, Any]] = [_describe_settings_file(folder, notices)]
    with (
        ThreadPoolExecutor(max_workers=1) as beside,  # a file's checksum, while it is being read
        db.in_order(),
    ):
        for name, table in INPUTS.items():
            if name not in found:
                db.drop(f"raw_{name}", f"typed_{name}")
                records.append(_describe_absent(table, mode))
                continue
            path = found[name]
            checksum = beside.submit(find_sha256, path)
            read = read_file(path, table, db, renames=renames.get(name, {}), workspace=db.scratch)
            if not table.large:
                frames[name] = db.frame(f"SELECT * FROM raw_{name} ORDER BY row_number")
                db.drop(f"raw_{name}")
            records.append(_describe_found(table, path, read, checksum.result()))
    repaired = repair_codes(db, frames)
    for record in records:
        said = [record["notice"], *repaired.get(str(record["file"]), [])]
        record["notice"] = " ".join(filter(None, said))
    return Received(settings, mode, frames, pd.DataFrame(records))


def find_files(folder: Path) -> dict[str, Path]:
    """Return the file of each table: ``<name>.<ending>``, in capitals or small letters.

    Raises
    ------
    InputError
        If two files hold one table.
    """
    found, doubled = sort_files(folder)
    for told in doubled.values():
        raise InputError(told)
    return found


def sort_files(folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the first file of each table, and what to say of each table that has several."""
    listed: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        name = path.stem.lower()
        if path.suffix.lower() in ENDINGS and name in INPUTS and path.is_file():
            listed.setdefault(name, []).append(path)
    doubled = {
        name: (
            f"{len(paths)} files hold {name}: {name_a_few(path.name for path in paths)}.\n"
            "Leave the one to be used in the folder and move the others out."
        )
        for name, paths in listed.items()
        if len(paths) > 1
    }
    return {name: paths[0] for name, paths in listed.items()}, doubled


def describe_unread(folder: Path) -> list[str]:
    """Return what to say of files that no table has the name of: they are not read."""
    unread = [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_file()
        and not path.name.startswith(".")
        and path.name.lower() not in OUR_FILES
        and not (path.suffix.lower() in ENDINGS and path.stem.lower() in INPUTS)
    ]
    if not unread:
        return []
    return [
        f"Not read, as no file of the report has the name: {name_a_few(unread)}. "
        "docs/your-own-data.md lists the names."
    ]


def find_mode(found: dict[str, Path]) -> str:
    """Return ``costed`` where patients come costed; ``slr`` with line drivers and no feed; else ``plics``."""
    if COSTED_FILE in found:
        return "costed"
    has_activity = any(name in found for name in ACTIVITY_EVENTS)
    return "slr" if "line_drivers" in found and not has_activity else "plics"


def check_mandatory(found: dict[str, Path], mode: str, folder: Path) -> None:
    """Refuse a folder that lacks a mandatory file, and say what is there."""
    missing = [
        name for name, table in INPUTS.items() if name not in found and is_needed(table, mode)
    ]
    if not missing:
        return
    packed = [path.name for path in folder.iterdir() if path.suffix.lower() in PACKED]
    unpack = f"\nUnpack {name_a_few(packed)}: files are read as they are." if packed else ""
    there = name_a_few((path.name for path in folder.iterdir()), few=40)
    without_feeds = (
        "\nA trust without activity feeds needs none of apc_episodes, op_attendances and ward_stays, but "
        "line_drivers.csv."
        if "apc_episodes" in missing
        else ""
    )
    raise InputError(
        f"{folder} lacks {len(missing)} of the files that a report needs: {', '.join(missing)}.\n"
        f"It holds: {there}.\nAdd each as <name>.csv (or {', '.join(ENDINGS[1:])}); docs/your-own-data.md "
        f"lists their columns.{unpack}{without_feeds}"
    )


def is_needed(table: Table, mode: str) -> bool:
    """Tell whether a report cannot be made without a file."""
    by_mode = {"slr": (), "costed": COSTED_MANDATORY, "plics": PLICS_MANDATORY}
    return table.name in by_mode[mode] or (table.mandatory and table.name not in PLICS_MANDATORY)


def _describe_settings_file(folder: Path, notices: list[str]) -> dict[str, Any]:
    path = folder / TRUST_FILE
    return {
        "file": "trust",
        "found": TRUST_FILE,
        "n_rows": 0,
        "sha256": find_sha256(path),
        "panel": "",
        "is_on": True,
        "notice": " ".join(notices),
    }


def _describe_found(table: Table, path: Path, read: FileRead, sha256: str) -> dict[str, Any]:
    return {
        "file": table.name,
        "found": path.name,
        "n_rows": read.n_rows,
        "sha256": sha256,
        "panel": table.panel,
        "is_on": True,
        "notice": " ".join(read.notices),
    }


def _describe_absent(table: Table, mode: str) -> dict[str, Any]:
    notice = f"There is no {table.name} file: the report goes without {table.panel}."
    if mode == "slr" and table.name in PLICS_MANDATORY:
        notice = (
            f"{NOT_NEEDED}: this trust's costs go to lines by line_drivers, without activity feeds."
        )
    if mode == "plics" and table.name in ("line_drivers", "costed_patients", "cost_names"):
        notice = f"{NOT_NEEDED}: this trust has activity feeds."
    if mode == "costed" and table.name in (*PLICS_MANDATORY, "line_drivers"):
        notice = f"{NOT_NEEDED}: this trust's patients come costed by its own system."
    return {
        "file": table.name,
        "found": "",
        "n_rows": 0,
        "sha256": "",
        "panel": table.panel,
        "is_on": False,
        "notice": notice,
    }


def write_cleaned(run: Run, db: Engine, cleaned: Cleaned) -> None:
    """Write the clean tables, the log, the accounts and the settings for the steps that follow."""
    settings = [
        {"key": key, "value": json.dumps(value, default=_date_as_text)}
        for key, value in cleaned.settings.items()
    ]
    write_table(run, "clean_settings", pd.DataFrame(settings))
    write_table(run, "input_files", cleaned.input_files)
    write_table(run, "cleaning_accounts", cleaned.accounts)
    write_table(run, "cleaning_summary", cleaned.summary)
    with db.in_order():
        write_table(run, "cleaning_log", db)
        for name, table in INPUTS.items():
            if table.large and db.has(f"clean_{name}"):
                write_table(run, f"clean_{name}", db)
            elif not table.large and name in cleaned.frames:
                write_table(run, f"clean_{name}", cleaned.frames[name])
            else:
                _forget_table(run, f"clean_{name}")


def _forget_table(run: Run, name: str) -> None:
    """Take away what an earlier run wrote, so that a file taken out of the folder is gone."""
    for ending in (".parquet", ".csv"):
        (run.tables / f"{name}{ending}").unlink(missing_ok=True)


def _date_as_text(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"a setting cannot be {type(value).__name__}")


def read_clean(run: Run, db: Engine) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Return the small clean tables by file name, and the settings; open the large in the engine.

    Large tables become views ``clean_<file>``; a file that the trust did not supply has neither.
    """
    settings = read_clean_settings(run)
    received = read_table(run, "input_files")
    given = set(received.loc[received["is_on"], "file"])
    frames = {}
    for name, table in INPUTS.items():
        db.drop(f"clean_{name}")
        if name not in given or not has_table(run, f"clean_{name}"):
            continue
        if table.large:
            open_table(run, db, f"clean_{name}")
        else:
            frames[name] = hold_types(read_table(run, f"clean_{name}"), table)
    return frames, settings


def read_clean_settings(run: Run) -> dict[str, Any]:
    """Return the trust's settings as the cleaning step handed them on."""
    table = read_table(run, "clean_settings")
    settings = {row.key: json.loads(row.value) for row in table.itertuples()}
    for key in DATE_SETTINGS:
        settings[key] = dt.date.fromisoformat(settings[key])
    return settings


def hold_types(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return a frame with each column held as its contract says (Parquet may hand back another)."""
    return frame.astype(table.pandas_kinds)
