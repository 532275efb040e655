"""One run: the trust, the year, the audience and the paths; every parameter is checked here first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from helpers.contracts.terms import METHODS
from helpers.errors import CommandError, InputError, name_a_few

PROJECT = Path(__file__).resolve().parents[2]
TRUST_CODE = re.compile(r"^[A-Z0-9]{3,5}$")
YEAR = re.compile(r"^20(\d\d)-(\d\d)$")
AUDIENCES = ("analyst", "public")
ENGINES = ("duckdb", "spark")
DEMO_TRUSTS = ("XYZ", "XY1", "XY2", "XY3", "XY4", "XY5")
DEFAULT_YEAR = "2024-25"
LAB = "lab"  # where notebooks run by hand write, inside the published report


@dataclass(frozen=True)
class Run:
    """What a step needs to know. Made by ``open_run``, which refuses bad values.

    Attributes
    ----------
    trust, year
        ODS code in capitals; financial year as ``2024-25``.
    method
        Overhead method; blank leaves the choice to the trust's ``trust.yml``.
    folder
        Where this run writes: ``tables/`` and ``notebooks/`` are made in it.
    published
        Where the last whole report of the trust and year stands. A notebook run by hand reads
        there the tables that its own ``folder`` lacks; a report being built never does.
    """

    trust: str
    year: str
    audience: str
    method: str
    engine: str
    input_dir: Path
    folder: Path
    published: Path
    allow_unreconciled: bool = False

    @property
    def tables(self) -> Path:
        return self.folder / "tables"

    @property
    def spill(self) -> Path:
        """Where the engine puts what does not fit in memory."""
        return self.folder / "spill"

    @property
    def read_folders(self) -> tuple[Path, ...]:
        """Where tables are looked for, in order."""
        is_by_hand = self.folder == self.published / LAB
        return (self.tables, self.published / "tables") if is_by_hand else (self.tables,)

    @property
    def fy(self) -> str:
        """The year as the trust's files write it: ``2024/25``."""
        return self.year.replace("-", "/")

    @property
    def is_demo(self) -> bool:
        return self.trust in DEMO_TRUSTS

    @property
    def source_note(self) -> str:
        """What stands under every exhibit."""
        invented = ", invented for demonstration" if self.is_demo else ""
        return f"{self.trust}'s own files for {self.fy}{invented}; this project's method."


def open_run(
    *,
    trust: str,
    year: str = DEFAULT_YEAR,
    audience: str = "analyst",
    method: str = "",
    engine: str = "duckdb",
    data: str | Path = "data/raw",
    out: str | Path = "outputs",
    folder: str | Path = "",
    allow_unreconciled: bool = False,
) -> Run:
    """Check every parameter and return the run.

    Relative paths are taken from the project's folder, so that a notebook works wherever it is
    opened. Without ``folder`` (a notebook run by hand) tables are written to ``lab/`` beside the
    published report, which stays as it is.

    Raises
    ------
    CommandError
        If a value is not one the run can use. Nothing is made or run before that.
    """
    code = check_trust(trust)
    year = check_year(year)
    _check_choice("AUDIENCE", audience, AUDIENCES)
    _check_choice("ENGINE", engine, ENGINES)
    if method:
        _check_choice("METHOD", method, METHODS)
    if audience == "public":
        raise CommandError(
            "The public edition is not built yet: its disclosure rules are not in this version.\n"
            "Leave AUDIENCE out, or use AUDIENCE=analyst, and do not publish the result."
        )
    if engine == "spark":
        raise CommandError(
            "ENGINE=spark is not built yet. Leave ENGINE out, or use ENGINE=duckdb, which spills to disk."
        )
    published = place(out) / code / year
    return Run(
        trust=code,
        year=year,
        audience=audience,
        method=method,
        engine=engine,
        input_dir=place(data) / code / year,
        folder=Path(folder).resolve() if folder else published / LAB,
        published=published,
        allow_unreconciled=allow_unreconciled,
    )


def place(path: str | Path) -> Path:
    """Return an absolute path; a relative one starts at the project's folder."""
    given = Path(path).expanduser()
    return given if given.is_absolute() else PROJECT / given


def show_path(path: Path) -> str:
    """Return a path as a reader would type it: from the project's folder where it is inside."""
    return path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else str(path)


def check_trust(trust: str) -> str:
    """Return a trust's code in capitals, or refuse anything that is not one."""
    code = str(trust).strip().upper()
    if not TRUST_CODE.match(code):
        raise CommandError(
            f"TRUST is {name_a_few([repr(trust)])}, which is not a trust code.\n"
            "A code is 3 to 5 letters and digits, as R0A or XYZ: `make report TRUST=xyz`."
        )
    return code


def check_year(year: str) -> str:
    """Return a financial year as 2024-25; 2024/25 is taken too."""
    text = str(year).strip().replace("/", "-")
    found = YEAR.match(text)
    if not found or (int(found[1]) + 1) % 100 != int(found[2]):
        raise CommandError(
            f"YEAR is {name_a_few([repr(year)])}, which is not a financial year. Write it as 2024-25."
        )
    return text


def check_input_dir(run: Run) -> Path:
    """Return the trust's folder for the year, or say what is there instead."""
    if run.input_dir.is_dir():
        return run.input_dir
    data = run.input_dir.parents[1]
    trusts = sorted(path.name for path in data.glob("*") if path.is_dir()) if data.is_dir() else []
    years = sorted(path.name for path in run.input_dir.parent.glob("*") if path.is_dir())
    if years:
        found = f"For {run.trust} there are: {name_a_few(years)}. Choose one with YEAR."
    elif trusts:
        found = f"There are files for: {name_a_few(trusts)}."
    else:
        found = "There are no trusts there yet."
    raise InputError(
        f"There are no files for {run.trust} in {run.year}: {run.input_dir} does not exist.\n{found}\n"
        "Put the trust's files there (docs/your-own-data.md lists them), or try `make report TRUST=xyz`."
    )


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise CommandError(
            f"{name} is {name_a_few([repr(value)])}; it can be {', '.join(allowed)}."
        )
