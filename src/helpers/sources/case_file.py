"""Read and judge the one file of the stand-alone review.

What a review cannot survive stops it with one message; what it can is set aside and counted. Nothing
is taken from a column that is not there: a sentence then says what could not be judged.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers.cleaning.types import count_unread, type_table
from helpers.cleaning.values import quote, select_present
from helpers.contracts.episodes import EPISODES
from helpers.contracts.model import Table
from helpers.engine import Engine
from helpers.errors import InputError, name_a_few
from helpers.sources.readers import ENDINGS, read_file

NEEDED = ("specialty", "consultant_id", "hrg")
PARTS = ("ward_cost", "other_cost")
MOST_AGE_YEARS = 120
ABSENT_WORDS = (
    (
        "total_cost",
        "Cost, its excess and every saving: there is no total_cost. `flag_high` speaks of stay.",
    ),
    ("los_days", "Stay: there is no los_days."),
    ("ward_cost", "What drives an excess, stay or intensity: there is no ward_cost."),
    ("readmit30", "Readmissions: there is no readmit30."),
    ("died", "Deaths: there is no column `died`."),
    ("complication", "Complications: there is no column `complication`."),
    ("age", "Age: patients' ages are not adjusted for."),
    ("sex", "Sex: it is not adjusted for."),
    (
        "charlson",
        "Comorbidity: it is not adjusted for, so sicker patients may look like high cost.",
    ),
    ("admission_method", "Emergencies: they are not told from planned admissions."),
    ("imd_quintile", "Deprivation: it is not adjusted for."),
    ("admission_date", "Whether names hold in odd and in even months: there is no admission_date."),
)
OUTCOMES = ("readmit30", "died", "complication")


@dataclass(frozen=True)
class CaseFile:
    """A file of cases, read.

    Attributes
    ----------
    cases
        One row a case that can be compared, typed; money in pence, names ending ``_pence``. Columns
        that the file lacks, or that hold nothing, are left out.
    notices
        Sentences: what was set aside or noticed, with counts.
    not_judged
        Sentences: what the absent columns keep the review from judging.
    """

    cases: pd.DataFrame
    notices: tuple[str, ...]
    not_judged: tuple[str, ...]


def read_cases(path: Path) -> CaseFile:
    """Read a file of cases (CSV, TSV, Parquet or the first sheet of a workbook).

    Raises
    ------
    InputError
        If there is no such file, it lacks a column that must be there, a value cannot be read or is
        outside what its column may hold, or a case stands twice.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a file. Name the table of cases: --episodes episodes.csv")
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"{path.name} must end in {', '.join(ENDINGS)}.")
    with Engine() as db, tempfile.TemporaryDirectory(prefix="helpers-") as workspace:
        read = read_file(path, EPISODES, db, renames={}, workspace=Path(workspace))
        type_table(db, EPISODES)
        _check_readable(db, path.name)
        frame = db.frame("SELECT * FROM clean_episodes ORDER BY row_number")
    cases = frame.loc[:, frame.notna().any()]
    _check_values(cases, path.name)
    cases, notices = _complete_costs(cases)
    _check_measures(cases, path.name)
    cases, more = _set_aside(cases)
    absent = tuple(words for name, words in ABSENT_WORDS if _stored(name) not in cases)
    return CaseFile(
        cases.drop(columns="row_number").reset_index(drop=True),
        (*read.notices, *notices, *more),
        absent,
    )


def _stored(name: str) -> str:
    return EPISODES.stored_name(name)


def _check_readable(db: Engine, file: str) -> None:
    """Stop on text that is not what its column holds; nothing is taken as missing in silence."""
    unread = count_unread(db, EPISODES)
    if not unread:
        return
    lines = []
    for name, n in unread.items():
        kind = EPISODES.columns[name].kind
        values = _find_unread(db, EPISODES, name)
        lines.append(f"  {name}: {n:,} {'value' if n == 1 else 'values'} not a {kind}: {values}")
    raise InputError(
        f"{file} has values that cannot be read.\n"
        + "\n".join(lines)
        + "\nCorrect them, or leave them empty where the value is not known."
    )


def _find_unread(db: Engine, table: Table, name: str) -> str:
    given = select_present(f"raw_{table.name}", [name])
    rows = db.frame(
        f"SELECT DISTINCT given.{quote(name)} AS text FROM clean_{table.name} AS clean "
        f"JOIN ({given}) AS given ON given.row_number = clean.row_number "
        f"WHERE given.{quote(name)} IS NOT NULL AND clean.{quote(table.stored_name(name))} IS NULL"
    )
    return name_a_few(rows["text"])


def _check_values(cases: pd.DataFrame, file: str) -> None:
    """Stop on cases without an identifier or standing twice, and on values no case can have."""
    ids = cases.get("episode_id")
    blank = len(cases) if ids is None else int(ids.isna().sum())
    if blank:
        raise InputError(f"{file}: {blank:,} rows have no episode_id. Give each case its own.")
    twice = cases["row_number"][ids.duplicated(keep=False)]
    if len(twice):
        raise InputError(
            f"{file}: {int(ids.duplicated().sum()):,} rows repeat an episode_id "
            f"(rows {name_a_few(twice.map('{:,}'.format))}, counted from the first row of data).\n"
            "A case counted twice weighs twice: keep one row of each."
        )
    wrong = [
        f"  {name}: {int(bad.sum()):,} {words}: {name_a_few(cases.loc[bad, name])}"
        for name, words, bad in _find_impossible(cases)
        if bad.any()
    ]
    if wrong:
        raise InputError(
            f"{file} has values that no case can have.\n"
            + "\n".join(wrong)
            + "\nCorrect them, or leave them empty where the value is not known."
        )


def _find_impossible(cases: pd.DataFrame):
    """Yield columns, what is wrong with them, and the rows where it is."""
    for name, column in EPISODES.columns.items():
        if name not in cases or not column.allowed:
            continue
        if column.kind == "code":
            good = cases[name].isna() | cases[name].isin(column.allowed)
        else:
            good = cases[name].isna() | cases[name].isin([float(x) for x in column.allowed])
        yield name, f"not one of {', '.join(column.allowed)}", ~good
    for name in ("los_days", "charlson", "age"):
        if name in cases:
            yield name, "below zero", cases[name] < 0
    if "age" in cases:
        yield "age", f"above {MOST_AGE_YEARS} years", cases["age"] > MOST_AGE_YEARS


def _complete_costs(cases: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Add the two parts up where no case has a total."""
    ward, other = (_stored(name) for name in PARTS)
    if "total_cost_pence" in cases or ward not in cases or other not in cases:
        return cases, []
    total = cases[ward] + cases[other]
    words = "There is no total_cost: ward_cost and other_cost were added up."
    return cases.assign(total_cost_pence=total), [words]


def _check_measures(cases: pd.DataFrame, file: str) -> None:
    if "total_cost_pence" not in cases and "los_days" not in cases:
        raise InputError(
            f"{file} has neither total_cost nor los_days, so there is nothing to compare.\n"
            "Add one of them: pounds, or days."
        )


def _set_aside(cases: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Leave out cases without what a comparison needs, and say how many and what they cost."""
    notices = []
    measure = "total_cost_pence" if "total_cost_pence" in cases else "los_days"
    for name in (*NEEDED, measure):
        values = cases.get(name)
        missing = pd.Series(True, index=cases.index) if values is None else values.isna()
        if missing.any():
            column = name.removesuffix("_pence")
            notices.append(
                f"{int(missing.sum()):,} cases without {column} were left out{_cost_of(cases[missing])}."
            )
            cases = cases[~missing]
    if cases.empty:
        raise InputError("No case is left to compare.\n" + "\n".join(notices))
    if "total_cost_pence" in cases:
        low = cases["total_cost_pence"] < 100
        if low.any():
            notices.append(
                f"{int(low.sum()):,} cases cost less than £1 (zero and credits among them) and count as £1"
                f"{_cost_of(cases[low])}."
            )
    return cases, notices


def _cost_of(cases: pd.DataFrame) -> str:
    if "total_cost_pence" not in cases:
        return ""
    return f" (£{int(cases['total_cost_pence'].sum()) / 100:,.2f})"
