"""Every parameter: its name, type, default, and what it may be. There are no others.

The notebooks' parameters cells, the command line and the Makefile hold these names (tests compare
them); a value of another type or out of its range is refused before anything is made or run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.contracts.questions import FORMS, read_questions
from helpers.contracts.terms import METHODS
from helpers.errors import CommandError, name_a_few

PROJECT = Path(__file__).resolve().parents[2]
TRUST_CODE = re.compile(r"^(?:[A-Z0-9]{3,5}|ENGLAND)$", re.ASCII)
YEAR = re.compile(r"^20(\d\d)-(\d\d)$", re.ASCII)
AUDIENCES = ("analyst", "public")
ENGINES = ("duckdb", "spark")
DEFAULT_YEAR = "2024-25"


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Attributes
    ----------
    check
        Returns the value in its own type, or refuses it.
    default
        None where a value must be given (or, for ``jobs``, is found from the machine).
    in_notebook, in_make
        Whether notebooks' parameters cells have it, and whether the Makefile does.
    """

    name: str
    check: Callable[[str, Any], Any]
    default: str | bool | float | None
    words: str
    in_notebook: bool = True
    in_make: bool = True


def check_trust(trust: object) -> str:
    """Return a trust's code in capitals, or refuse anything that is not one."""
    code = _check_text("TRUST", trust).upper()
    if not TRUST_CODE.match(code):
        raise CommandError(
            f"TRUST is {name_a_few([repr(trust)])}, which is not a trust code.\n"
            "A code is 3 to 5 letters and digits, as R0A or XYZ, or ENGLAND: `make report TRUST=xyz`."
        )
    return code


def check_year(year: object) -> str:
    """Return a financial year as 2024-25; 2024/25 is taken too."""
    text = _check_text("YEAR", year).replace("/", "-")
    found = YEAR.match(text)
    if not found or (int(found[1]) + 1) % 100 != int(found[2]):
        raise CommandError(
            f"YEAR is {name_a_few([repr(year)])}, which is not a financial year. Write it as 2024-25."
        )
    return text


def place(path: str | Path) -> Path:
    """Return an absolute path; a relative one starts at the project's folder."""
    given = Path(path).expanduser()
    return given if given.is_absolute() else PROJECT / given


def show_path(path: Path) -> str:
    """Return a path as a reader would type it: from the project's folder where it is inside."""
    return path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else str(path)


def _check_text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise CommandError(
            f"{name} is {name_a_few([repr(value)])}, which is not text. Write it in quotation marks."
        )
    return value.strip()


def _check_choice(allowed: tuple[str, ...]) -> Callable[[str, Any], str]:
    def check(name: str, value: object) -> str:
        text = _check_text(name, value)
        if text not in allowed:
            choices = ", ".join(choice for choice in allowed if choice)
            raise CommandError(f"{name} is {name_a_few([repr(value)])}; it can be {choices}.")
        return text

    return check


def _check_folder(name: str, value: object) -> str:
    """Return a path that is a folder, or could become one."""
    text = str(value) if isinstance(value, Path) else _check_text(name, value)
    if not text or "\0" in text:
        raise CommandError(f"{name} is {name_a_few([repr(text)])}; it must name a folder.")
    whole = place(text)
    for part in (whole, *whole.parents):
        if part.exists() and not part.is_dir():
            what = "which" if part == whole else f"but {part}"
            raise CommandError(f"{name} is {whole}, {what} is a file. Name a folder.")
    return text


def _check_own_folder(name: str, value: object) -> str:
    return "" if value == "" else _check_folder(name, value)


def _check_yes_or_no(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise CommandError(f"{name} is {name_a_few([repr(value)])}; it can be True or False.")
    return value


def _check_jobs(name: str, value: object) -> int | None:
    if value is None:
        return None
    found = _read_number(value)
    if found is None or found < 1 or found != int(found):
        raise CommandError(
            f"{name} is {name_a_few([repr(value)])}; it must be a whole number from 1.\n"
            "Leave it out to run one trust a core."
        )
    return int(found)


def _check_size(name: str, value: object) -> float:
    found = _read_number(value)
    if found is None or found <= 0:
        raise CommandError(
            f"{name} is {name_a_few([repr(value)])}; it must be a number above 0, as 0.05 or 1."
        )
    return found


def _check_questions(name: str, value: object) -> str:
    text = _check_text(name, value)
    read_questions(text)
    return text


def _read_number(value: object) -> float | None:
    """Return a finite number, from text too; None for anything else."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


PARAMETERS = {
    one.name: one
    for one in (
        Parameter("trust", lambda _, value: check_trust(value), "XYZ", "trust code, as R0A; XYZ is invented"),
        Parameter("year", lambda _, value: check_year(value), DEFAULT_YEAR, "financial year"),
        Parameter("audience", _check_choice(AUDIENCES), "analyst", " or ".join(AUDIENCES)),
        Parameter(
            "method", _check_choice(("", *METHODS)), "",
            f"{', '.join(METHODS)}; the trust's own if absent",
        ),
        Parameter("engine", _check_choice(ENGINES), "duckdb", " or ".join(ENGINES)),
        Parameter("data", _check_folder, "data/raw", "folder of trusts"),
        Parameter("out", _check_folder, "outputs", "folder of reports"),
        Parameter(
            "folder", _check_own_folder, "", "where a run writes; set by the runner", in_make=False
        ),
        Parameter(
            "allow_unreconciled", _check_yes_or_no, False,
            "go on when an identity fails; stamps every page", in_make=False,
        ),
        Parameter(
            "what_if", _check_questions, "",
            f"questions of part 3, `;` between: {'; '.join(FORMS.values())}",
        ),
        Parameter(
            "jobs", _check_jobs, None, "the most trusts at once; one a core if absent",
            in_notebook=False,
        ),
        Parameter("size", _check_size, 1.0, "size of the demonstration trusts", in_notebook=False),
    )
}  # fmt: skip


def check_values(given: Mapping[str, object]) -> dict[str, Any]:
    """Return every value in its own type.

    Raises
    ------
    CommandError
        If a name is not a parameter, or a value is not one that it can have.
    """
    unknown = set(given) - set(PARAMETERS)
    if unknown:
        raise CommandError(
            f"There is no parameter named {name_a_few(unknown)}; "
            f"the parameters are {', '.join(PARAMETERS)}."
        )
    return {name: PARAMETERS[name].check(name.upper(), value) for name, value in given.items()}


def list_defaults() -> dict[str, Any]:
    """Return the parameters of a notebook with their defaults, in the order of its cell."""
    return {one.name: one.default for one in PARAMETERS.values() if one.in_notebook}
