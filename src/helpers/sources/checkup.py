"""Check a trust's folder without making a report: what is right, what is wrong, what more would add.

Every file is read by itself, so that all that is wrong is said at once and not the first thing alone.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.cleaning import clean
from helpers.cleaning.small_tables import read_small_table
from helpers.cleaning.types import count_unread
from helpers.contracts import INPUTS, Table
from helpers.engine import Engine
from helpers.errors import HelpersError, InputError, name_a_few
from helpers.parameters import DEFAULT_YEAR, TRUST_CODE, YEAR
from helpers.run import Run, open_run
from helpers.sources.codes import repair_codes
from helpers.sources.extracts import (
    PROPOSED_FILE,
    check_mandatory,
    describe_unread,
    find_mode,
    is_needed,
    read_trust,
    sort_files,
)
from helpers.sources.headers import MissingColumns, tidy
from helpers.sources.readers import read_file
from helpers.sources.settings import COLUMNS_FILE, TRUST_FILE, read_renames, read_settings

PROPOSAL_HEAD = (
    "# Closest names, proposed by `python -m helpers check`; nothing here is used yet. Where one is",
    f"# right, take the `# ` away from its line and its file's line, and keep both in {COLUMNS_FILE}.",
)
CLOSE_ENOUGH = 0.5  # of 1: how like a name must be to be proposed


@dataclass
class FileCheck:
    """What was found of one file."""

    name: str
    found: str = ""
    right: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass
class FolderCheck:
    """What was found of a folder."""

    folder: Path
    title: str
    files: list[FileCheck]
    absent: list[Table]
    proposals: dict[str, dict[str, str]]
    proposed_file: Path | None = None

    @property
    def n_wrong(self) -> int:
        return sum(len(one.wrong) for one in self.files)


def check_folder(folder: Path) -> FolderCheck:
    """Check every file of a trust's folder; write proposals for `columns.yml` where names differ.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder. Name the folder of one trust and year, as data/raw/R0A/2024-25."
        )
    settings_check, run = _check_settings(folder)
    folder_check = FileCheck("folder")
    renames = _try(lambda: read_renames(folder), folder_check.wrong) or {}
    found, doubled = sort_files(folder)
    folder_check.wrong += doubled.values()
    mode = find_mode(found)
    files = [settings_check]
    proposals: dict[str, dict[str, str]] = {}
    with Engine() as db, tempfile.TemporaryDirectory(prefix="helpers-") as workspace:
        frames: dict[str, pd.DataFrame] = {}
        for name, path in found.items():
            one = FileCheck(name, path.name)
            files.append(one)
            try:
                _check_file(db, path, renames.get(name, {}), Path(workspace), one, frames)
            except MissingColumns as error:
                one.wrong.append(str(error))
                proposals[name] = propose_names(error.unknown, INPUTS[name], error.missing)
            except InputError as error:
                one.wrong.append(str(error))
        _check_codes(db, frames, files)
    if found:
        _try(lambda: check_mandatory(found, mode, folder), folder_check.wrong)
    elif not folder_check.wrong:
        folder_check.wrong.append(_explain_empty(folder))
    folder_check.notes += describe_unread(folder)
    if folder_check.wrong or folder_check.notes:
        files.append(folder_check)
    check = FolderCheck(folder, _write_title(run, mode), files, [], proposals)
    check.absent = [
        table
        for name, table in INPUTS.items()
        if name not in found and not is_needed(table, mode) and table.panel
        if not (mode == "plics" and name in ("line_drivers", "costed_patients", "cost_names"))
    ]
    if run is not None and check.n_wrong == 0:
        _check_together(run, files)
    check.proposed_file = _write_proposals(folder, proposals)
    return check


def _check_settings(folder: Path) -> tuple[FileCheck, Run | None]:
    """Read `trust.yml` for the trust and year that the folder's own place says, if it says one."""
    check = FileCheck("trust", TRUST_FILE)
    in_place = TRUST_CODE.match(folder.parent.name.upper()) and YEAR.match(folder.name)
    trust, year = (folder.parent.name, folder.name) if in_place else ("", "")
    if not in_place:
        stated = _try(lambda: read_settings(folder), check.wrong)
        if stated is None:
            return check, None
        trust, year = stated[0]["trust_code"], stated[0]["fy"]
    try:
        run = open_run(trust=trust, year=year or DEFAULT_YEAR, folder=folder)
        run = Run(**{**vars(run), "input_dir": folder})
        settings, notices = read_settings(folder, run)
    except HelpersError as error:
        check.wrong.append(str(error))
        return check, None
    check.right.append(f"{settings['trust_name']}, {settings['fy']}, MFF {settings['mff']}")
    check.notes += notices
    return check, run


def _check_file(
    db: Engine,
    path: Path,
    renames: dict[str, str],
    workspace: Path,
    check: FileCheck,
    frames: dict[str, pd.DataFrame],
) -> None:
    """Read one file and its values; say what is right and what is not."""
    table = INPUTS[check.name]
    read = read_file(path, table, db, renames=renames, workspace=workspace)
    given = [name for name in table.columns if name in db.columns(f"raw_{table.name}")]
    check.right.append(
        f"{read.n_rows:,} {table.row_words}, {len(given)} of {len(table.columns)} columns"
    )
    check.notes += read.notices
    lacking = [name for name in table.columns if name not in given]
    if lacking:
        check.notes.append(f"Optional columns not there: {', '.join(lacking)}.")
    if table.large:
        for name, n in count_unread(db, table, held="typed").items():
            kind = table.columns[name].kind
            check.notes.append(
                f"{name}: {n:,} of {read.n_rows:,} values cannot be read as a {kind}; they will be taken as "
                "missing (TYP-001)."
            )
        return
    frame = db.frame(f"SELECT * FROM raw_{table.name} ORDER BY row_number")
    frames[table.name] = frame
    read_small_table(db, table, frame)


def _check_codes(db: Engine, frames: dict[str, pd.DataFrame], files: list[FileCheck]) -> None:
    notices = repair_codes(db, frames)
    for check in files:
        check.notes += notices.get(check.name, [])


def _check_together(run: Run, files: list[FileCheck]) -> None:
    """Run the rules that compare files: totals, maps, overheads. The first that fails is said."""
    check = FileCheck("all files together")
    files.append(check)
    try:
        with Engine() as db:
            cleaned = clean(read_trust(run, db), db)
    except InputError as error:
        check.wrong.append(str(error))
        return
    n_read, n_kept = cleaned.accounts["n_read"].sum(), cleaned.accounts["n_kept"].sum()
    check.right.append(
        f"no rule stops the run; of {n_read:,} rows {n_kept:,} are kept (rows made by a rule included)"
    )


def _explain_empty(folder: Path) -> str:
    inside = sorted(path.name for path in folder.iterdir() if path.is_dir())
    more = f" It holds the folders {name_a_few(inside)}: name one of them." if inside else ""
    return f"{folder} holds no file of a report.{more}"


def _write_title(run: Run | None, mode: str) -> str:
    ways = {
        "plics": "costs by patient",
        "costed": "costs by patient, from its own system",
        "slr": "costs by line, without activity feeds",
    }
    way = ways[mode]
    return f"{run.trust} {run.fy}, {way}" if run else way


def _try(read: Callable[[], Any], wrong: list[str]) -> Any:
    try:
        return read()
    except InputError as error:
        wrong.append(str(error))
        return None


def propose_names(theirs: list[str], table: Table, missing: list[str]) -> dict[str, str]:
    """Return, for each missing column, the closest of a file's other names; each name once.

    >>> from helpers.contracts import INPUTS
    >>> propose_names(["Net Amount", "Note"], INPUTS["general_ledger"], ["amount"])
    {'Net Amount': 'amount'}
    """
    pairs = sorted((-_find_likeness(name, ours), name, ours) for name in theirs for ours in missing)
    proposed: dict[str, str] = {}
    for likeness, name, ours in pairs:
        if -likeness < CLOSE_ENOUGH or name in proposed or ours in proposed.values():
            continue
        proposed[name] = ours
    return {name: proposed[name] for name in theirs if name in proposed}


def _find_likeness(theirs: str, ours: str) -> float:
    """Return how alike two names are, 0 to 1; all the words of ours inside theirs count for much."""
    left, right = tidy(theirs.replace("_", " ")), ours.replace("_", " ")
    likeness = SequenceMatcher(None, left, right).ratio()
    if set(right.split()) <= set(left.split()):
        likeness = (1 + likeness) / 2
    return likeness


def _write_proposals(folder: Path, proposals: dict[str, dict[str, str]]) -> Path | None:
    """Write proposals, commented out, beside the files; a `columns.yml` that is there is left alone."""
    lines = []
    for file, names in proposals.items():
        if names:
            lines += [f"# {file}:"]
            lines += [f"#   {_quote(theirs)}: {ours}" for theirs, ours in names.items()]
    if not lines:
        return None
    path = folder / COLUMNS_FILE
    text = "\n".join([*PROPOSAL_HEAD, *lines]) + "\n"
    if path.exists() and path.read_bytes() != text.encode():
        path = folder / PROPOSED_FILE
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _quote(name: str) -> str:
    return (
        name
        if name.replace(" ", "").replace("_", "").isalnum()
        else json.dumps(name, ensure_ascii=False)
    )


def describe_check(check: FolderCheck) -> str:
    """Return a folder's check as the lines of a terminal."""
    lines = [f"{check.folder}: {check.title}", ""]
    for one in check.files:
        lines.append(one.found or one.name)
        for word, texts in (("right", one.right), ("note", one.notes), ("WRONG", one.wrong)):
            for text in texts:
                first, *rest = text.splitlines()
                lines += [f"  {word:<6} {first}", *(f"         {line}" for line in rest)]
    if check.absent:
        lines += ["", "Not there, and what each would add:"]
        width = max(len(table.name) for table in check.absent)
        lines += [f"  {table.name:<{width}}  {table.panel}" for table in check.absent]
    if check.proposed_file:
        lines += [
            "",
            f"Wrote {check.proposed_file.name} with the closest names; nothing in it is used yet.",
        ]
    n = check.n_wrong
    result = (
        "Nothing stops a run."
        if n == 0
        else f"{n:,} {'thing stops' if n == 1 else 'things stop'} a run."
    )
    return "\n".join([*lines, "", result])
