"""The series: which step reads what, what must be done again, and how a whole report appears.

A report is built in a folder of its own and takes its final name only when it is whole. What a step
needs (the trust's files, the code it uses, its notebook, the parameters, the versions, the steps
before it) is told by a checksum; a step whose checksum stands in the last run is not done again.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.parameters import PROJECT, TRUST_CODE, YEAR
from helpers.report.checksums import (
    hash_code,
    hash_file,
    hash_lookups,
    hash_project_file,
    hash_text,
)
from helpers.report.glossary import GLOSSARY
from helpers.run import PUBLIC, Run

NOTEBOOKS = PROJECT / "notebooks"
RECORD = "run.json"
COMMON_CODE = (
    "errors.py", "parameters.py", "run.py", "memory.py", "engine.py", "engine_spark.py", "contracts", "sources/tables.py", "sources/cleaned.py",
    "report/cells.py", "report/fitness.py", "report/exhibits.py", "report/formats.py", "report/execute.py", "report/apart.py",
    "report/figures/style.py", "report/figures/picture.py", "report/figures/narrow.py", "report/figures/phone.py", "report/figures/labels.py",
    "report/tables/drawn.py", "report/downloads.py",
    "sources/spreadsheets.py", "report/words/plain.py", "report/words/terms.csv",
)  # fmt: skip
# What stands around the notebooks: its change makes the pages again, and no step.
PAGE_CODE = (
    "report/render.py",
    "report/idle.py",
    "report/pages.py",
    "report/glossary.py",
    "report/template",
)
PRESENTED = ("report/figures/{}.py", "report/words/{}.py", "report/tables/{}.py")


@dataclass(frozen=True)
class Step:
    """One notebook of the series: its page, and the code that can change its result.

    ``needs`` names the steps whose tables it reads. ``code`` names calculation and source code under
    ``src/helpers``; ``subjects`` the modules that draw and describe it, alike in
    ``report/figures``, ``report/words`` and ``report/tables``.
    """

    name: str
    title: str
    page: str
    needs: tuple[str, ...]
    code: tuple[str, ...]
    subjects: tuple[str, ...]
    uses_files: bool = False
    uses_year_before: tuple[str, ...] = ()
    answers_questions: bool = False

    @property
    def heading(self) -> str:
        """The title as the pages' navigation has it: numbered, but for the summary."""
        return self.title if self.page == "index.html" else f"{int(self.name[1])} {self.title}"

    @property
    def all_code(self) -> tuple[str, ...]:
        presented = [pattern.format(subject) for subject in self.subjects for pattern in PRESENTED]
        return (*COMMON_CODE, *self.code, *presented)


CLEANED, COSTED = "01_data_cleaning", "02_service_line_costing"
STEPS = (
    Step(
        CLEANED, "Data cleaning", "01_data_cleaning.html", (),
        ("cleaning", "sources"), ("cleaning",), uses_files=True,
    ),
    Step(
        COSTED, "Service line costing", "02_service_line_costing.html", (CLEANED,),
        ("costing", "sources"), ("costing", "line_detail", "trace"),
        uses_year_before=("service_line_statement", "line_hrgs"),
    ),
    Step(
        "03_cross_subsidy", "Cross-subsidy", "03_cross_subsidy.html", (CLEANED, COSTED),
        ("subsidy", "sources"),
        (
            "subsidy", "flows", "rules", "reasons", "closure", "retention", "inside", "downstream",
            "portfolio", "what_if",
        ),
        answers_questions=True,
    ),
    Step(
        "04_outlier_review", "Outlier review", "04_outlier_review.html", (CLEANED, COSTED),
        ("outliers", "sources", "report/sheets.py"), ("outliers", "stays", "stay_hours", "care", "review_checks"),
        uses_year_before=("consultant_review",),
    ),
    Step(
        "05_summary", "Summary", "index.html",
        (CLEANED, COSTED, "03_cross_subsidy", "04_outlier_review"), (), ("summary", "board", "answers"),
    ),
)  # fmt: skip
READ, COMPARED = "11_published_data", "12_published_costs"
_PUBLISHED_CODE = ("published", "sources", "outliers/funnel.py", "outliers/multiplicity.py")
PUBLISHED_STEPS = (
    Step(
        READ, "Published data", "11_published_data.html", (),
        _PUBLISHED_CODE, ("published",), uses_files=True,
    ),
    Step(
        COMPARED, "Cost against the nation", "12_published_costs.html", (READ,),
        _PUBLISHED_CODE, ("published",),
    ),
    Step(
        "13_published_subsidy", "Cost against price", "13_published_subsidy.html", (READ, COMPARED),
        _PUBLISHED_CODE, ("published",),
    ),
    Step(
        "14_published_outliers", "Unusual unit costs", "14_published_outliers.html", (READ,),
        _PUBLISHED_CODE, ("published",),
    ),
    Step(
        "15_published_trusts", "All trusts", "15_published_trusts.html", (READ,),
        _PUBLISHED_CODE, ("published",),
    ),
    Step(
        "16_published_summary", "Summary", "index.html",
        (READ, COMPARED, "13_published_subsidy", "14_published_outliers", "15_published_trusts"),
        _PUBLISHED_CODE, ("published",),
    ),
)  # fmt: skip
_PUBLIC_CODE = ("disclosure", "sources", "subsidy", "report/leaks.py", "report/public.py")
_PUBLIC_SUBJECTS = ("public", "summary", "board", "flows", "stays", "care")
PUBLIC_STEPS = tuple(
    Step(name, title, page, (), _PUBLIC_CODE, _PUBLIC_SUBJECTS)
    for name, title, page in (
        ("21_public_data", "What the figures rest on", "21_public_data.html"),
        ("22_public_lines", "Income, cost and activity", "22_public_lines.html"),
        ("23_public_subsidy", "Cross-subsidy", "23_public_subsidy.html"),
        ("24_public_care", "Stays and practice", "24_public_care.html"),
        ("25_public_summary", "Summary", "index.html"),
    )
)
ALL_STEPS = (*STEPS, *PUBLISHED_STEPS, *PUBLIC_STEPS)


def list_steps(run: Run) -> tuple[Step, ...]:
    """Return the series for a run: the trust's own files win over published ones (decision D-220)."""
    if run.audience == PUBLIC:
        return PUBLIC_STEPS
    return PUBLISHED_STEPS if run.is_on_published else STEPS


@dataclass
class Record:
    """What ``run.json`` says of a run: what went in, and which files each step wrote."""

    inputs: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: str = ""
    whole: bool = False

    @classmethod
    def read(cls, folder: Path) -> Record:
        """Return the record in a folder, or an empty one if there is none that can be read."""
        try:
            told = json.loads((folder / RECORD).read_text(encoding="utf-8"))
            record = cls(**{name: told[name] for name in cls.__dataclass_fields__})
            is_whole = all({"parts", "files", "why"} <= set(one) for one in record.steps.values())
            return record if is_whole else cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def write(self, folder: Path) -> None:
        text = json.dumps(self.__dict__, indent=1, sort_keys=True)
        (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def find_parts(run: Run, inputs: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return, for each step, the checksum of every part of what it is made from."""
    versions = json.dumps([sys.version_info[:2], hash_project_file(PROJECT / "requirements.lock")])
    lookups = hash_lookups(PROJECT / "data" / "reference")
    found: dict[str, dict[str, str]] = {}
    for step in list_steps(run):
        parts = {
            "parameters": hash_text(json.dumps(list_parameters(run))),
            "versions": hash_text(versions),
            "code": hash_code(step.all_code),
            "notebook": hash_project_file(NOTEBOOKS / f"{step.name}.ipynb"),
        }
        if step.uses_files:
            parts["files"] = hash_text(json.dumps(inputs, sort_keys=True))
            parts["reference tables"] = hash_text(json.dumps(lookups, sort_keys=True))
        if step.uses_year_before:
            parts["the report of the year before"] = _hash_year_before(run, step.uses_year_before)
        if step.answers_questions:
            parts["what-if questions"] = hash_text(run.what_if)
            names = ("retention", "line_activity")
            years = [hash_file(path) for name in names for path in run.list_earlier(name)]
            parts["earlier years"] = hash_text(json.dumps(years))
        if step.needs:
            before = {name: found[name] for name in step.needs}
            parts["an earlier step"] = hash_text(json.dumps(before, sort_keys=True))
        found[step.name] = parts
    return found


def _hash_year_before(run: Run, names: tuple[str, ...]) -> str:
    """Return the checksum of last year's tables that a step compares with; none is a state too."""
    paths = [run.find_year_before(name) for name in names]
    return hash_text(json.dumps([hash_file(path) if path else "" for path in paths]))


def find_page_key(parts: dict[str, dict[str, str]]) -> str:
    """Return the checksum of everything the pages are made from."""
    return hash_text(
        json.dumps(parts, sort_keys=True) + hash_code(PAGE_CODE) + hash_project_file(GLOSSARY)
    )


def list_parameters(run: Run) -> dict[str, str]:
    """Return what changes a result; where it is written does not."""
    return {
        "trust": run.trust,
        "year": run.year,
        "audience": run.audience,
        "method": run.method,
        "engine": run.engine,
        "allow_unreconciled": str(run.allow_unreconciled),
    }


def explain_step(step: str, parts: dict[str, str], last: Record) -> str:
    """Return why a step is done again, or blank if the last run's result stands."""
    if step not in last.steps:
        return "no earlier result"
    old = last.steps[step]["parts"]
    changed = [name for name in sorted({*old, *parts}) if old.get(name) != parts.get(name)]
    return f"changed: {', '.join(changed)}" if changed else ""


def reuse_step(step: str, record: Record, source: Path, target: Path) -> bool:
    """Link a step's files from an earlier run; false if any of them is gone."""
    files = record.steps[step]["files"]
    if any(not (source / name).is_file() for name in files):
        return False
    for name in files:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source / name, place)
        except OSError:
            shutil.copy2(source / name, place)
    return True


def list_files(folder: Path) -> set[str]:
    """Return the relative names of the files under a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def publish(building: Path, final: Path) -> None:
    """Give a whole report its final name; the one it replaces stands until that moment."""
    aside = building.with_name(building.name + ".old")
    shutil.rmtree(aside, ignore_errors=True)
    if final.exists():
        final.rename(aside)
    try:
        building.rename(final)
    except OSError:
        if aside.exists():
            aside.rename(final)
        raise
    lab = aside / "lab"
    if lab.is_dir():
        lab.rename(final / "lab")
    shutil.rmtree(aside, ignore_errors=True)


def recover(building: Path, final: Path) -> None:
    """Undo what a run that was killed left: a half-built folder, or a report between two names."""
    aside = building.with_name(building.name + ".old")
    if aside.exists() and not final.exists():
        aside.rename(final)
    for folder in (aside, building):
        shutil.rmtree(folder, ignore_errors=True)


def remove_reports(out: Path) -> int:
    """Remove every report under a folder of reports, public editions too; return how many."""
    removed = _remove_reports(out) + _remove_reports(out / PUBLIC)
    if (out / PUBLIC).is_dir() and not any((out / PUBLIC).iterdir()):
        (out / PUBLIC).rmdir()
    return removed


def _remove_reports(out: Path) -> int:
    """Remove every report directly under a folder of reports, finished or not; return how many.

    A folder is a report's if its name says so and its record is in it: a trust's own files, put
    there by mistake, stay.
    """
    removed = 0
    for folder in sorted(out.glob("*/*")):
        year = folder.name.removeprefix(".").split(".")[0]
        if not TRUST_CODE.match(folder.parent.name) or not YEAR.match(year):
            continue
        is_unfinished = folder.name in (f".{year}.building", f".{year}.building.old")
        if folder.is_dir() and (is_unfinished or (folder / RECORD).is_file()):
            shutil.rmtree(folder)
            removed += 1
        elif folder.name in (f".{year}.lock", f".{year}.seen"):
            folder.unlink()
    for name in ("index.html", "trust_comparison.csv", "public_trusts.csv", ".comparison.lock"):
        (out / name).unlink(missing_ok=True)
    shutil.rmtree(out / "comparison", ignore_errors=True)
    for trust in out.glob("*"):
        if trust.is_dir() and TRUST_CODE.match(trust.name) and not any(trust.iterdir()):
            trust.rmdir()
    return removed
