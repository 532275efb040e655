"""One run: the trust, the year, the audience and the paths; every parameter is checked here first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from helpers.errors import CommandError, InputError, name_a_few
from helpers.parameters import DEFAULT_YEAR, check_values, place
from helpers.parameters import PROJECT as PROJECT
from helpers.parameters import TRUST_CODE as TRUST_CODE
from helpers.parameters import show_path as show_path

DEMO_TRUSTS = ("XYZ", "XY1", "XY2", "XY3", "XY4", "XY5")
PUBLIC = "public"  # folder of everything that may be published, inside the folder of reports
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
    what_if
        Questions of the cross-subsidy step (``contracts.questions``); blank asks the usual ones.
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
    what_if: str = ""

    @property
    def tables(self) -> Path:
        return self.folder / "tables"

    @property
    def out(self) -> Path:
        """The folder of reports, as it was given; the public edition has a folder of its own in it."""
        return self.published.parents[2 if self.audience == PUBLIC else 1]

    @property
    def spill(self) -> Path:
        """Where the engine puts what does not fit in memory."""
        return self.folder / "spill"

    @property
    def read_folders(self) -> tuple[Path, ...]:
        """Where tables are looked for, in order."""
        is_by_hand = self.folder == self.published / LAB
        return (self.tables, self.published / "tables") if is_by_hand else (self.tables,)

    def is_out_of_date(self, path: Path) -> bool:
        """Tell whether a table that was written by hand is older than the report it stands in.

        A report that is made again would otherwise be read with what somebody tried before it.
        """
        report = self.published / "run.json"
        is_by_hand = self.tables in path.parents and self.folder == self.published / LAB
        return is_by_hand and report.is_file() and path.stat().st_mtime < report.stat().st_mtime

    def find_year_before(self, name: str) -> Path | None:
        """Return a table of the report of the year before, if one stands beside this one (D-087)."""
        first = int(self.year[:4]) - 1
        folder = self.published.parent / f"{first}-{(first + 1) % 100:02}" / "tables"
        path = folder / f"{name}.parquet"
        return path if path.is_file() else None

    def list_earlier(self, table: str) -> list[Path]:
        """Return where earlier years' reports of the trust hold a table, oldest first."""
        years = sorted(path for path in self.published.parent.glob("20*") if path.name < self.year)
        paths = [year / "tables" / f"{table}.parquet" for year in years]
        return [path for path in paths if path.is_file()]

    @property
    def public_dir(self) -> Path:
        """Where NHS England's files stand: `published/` beside the folder of trusts (decision D-220)."""
        return self.input_dir.parents[1].parent / "published"

    @property
    def is_on_published(self) -> bool:
        """Whether the trust has no files of its own for the year, and published files are there."""
        if self.is_demo or self.input_dir.is_dir() or not self.public_dir.is_dir():
            return False
        return any(
            path.is_file() and not path.name.startswith(".") and path.name != "README.md"
            for path in self.public_dir.iterdir()
        )

    @property
    def files_dir(self) -> Path:
        """Where the files that this run reads stand."""
        return self.public_dir if self.is_on_published else self.input_dir

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
        if self.is_on_published:
            return f"NHS England’s published files for {self.fy}; this project’s method."
        invented = ", invented for demonstration" if self.is_demo else ""
        note = f"{self.trust}'s own files for {self.fy}{invented}; this project's method"
        return f"{note}, made safe to publish." if self.audience == PUBLIC else f"{note}."


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
    what_if: str = "",
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
    given = check_values(
        {
            "trust": trust, "year": year, "audience": audience, "method": method, "engine": engine,
            "data": data, "out": out, "folder": folder, "allow_unreconciled": allow_unreconciled,
            "what_if": what_if,
        }
    )  # fmt: skip
    code, year = given["trust"], given["year"]
    input_dir = place(given["data"]) / code / year
    published = find_reports_folder(given["out"], given["audience"]) / code / year
    _check_apart(input_dir, published)
    _refuse_other_case(input_dir)
    run = Run(
        trust=code,
        year=year,
        audience=given["audience"],
        method=given["method"],
        engine=given["engine"],
        input_dir=input_dir,
        folder=Path(given["folder"]).resolve() if given["folder"] else published / LAB,
        published=published,
        allow_unreconciled=given["allow_unreconciled"],
        what_if=given["what_if"],
    )
    _check_publishable(run)
    return run


def find_reports_folder(out: str | Path, audience: str) -> Path:
    """Return where the reports of an audience stand: the public ones apart, in a folder to publish."""
    return place(out) / PUBLIC if audience == PUBLIC else place(out)


def _check_publishable(run: Run) -> None:
    """Refuse a public edition where there is none to make, or where it would mislead."""
    if run.audience != PUBLIC:
        return
    if run.allow_unreconciled:
        raise CommandError(
            "A report whose money does not reconcile may not be published: --allow-unreconciled and "
            "AUDIENCE=public exclude each other."
        )
    if run.what_if:
        raise CommandError("The public edition answers no WHAT_IF questions: leave WHAT_IF out.")
    if run.is_on_published:
        raise CommandError(
            f"{run.trust} has no files of its own: its report is made from what NHS England publishes, and may "
            "be published as it stands.\nLeave AUDIENCE out."
        )


def _check_apart(input_dir: Path, published: Path) -> None:
    """Refuse a report that would take the place of the trust's own files."""
    files, report = input_dir.resolve(), published.resolve()
    if files == report or files in report.parents or report in files.parents:
        raise CommandError(
            f"The report would be written over the trust's own files in {input_dir}.\n"
            "DATA and OUT must be different folders."
        )


def _refuse_other_case(input_dir: Path) -> None:
    """Say so if the trust's folder is there under another case, as `r0a`, and the system tells cases apart."""
    data, code = input_dir.parents[1], input_dir.parent.name
    if input_dir.parent.is_dir() or not data.is_dir():
        return
    alike = sorted(path.name for path in data.iterdir() if path.name.upper() == code)
    if alike:
        raise InputError(
            f"The folder {data / alike[0]} is there, and {code} is looked for.\n"
            f"Rename it {code}, in capitals."
        )


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
