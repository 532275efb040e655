"""The public edition of a trust's report, made from its finished analyst's report and from nothing else.

First the protected tables are written; then the pages are made by notebooks that can read those tables
alone; last, everything is searched for what names a patient or a consultant. The edition appears only
if nothing is found. Executed notebooks are not part of it: they hold the code of pages whose figures
stand in ``tables/`` beside them, and paths of the machine that made them (decision D-243).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace

from helpers.errors import StepError, describe_disk_error
from helpers.report.apart import Apart
from helpers.report.checksums import hash_code, hash_project_file, hash_text
from helpers.report.execute import warm_up
from helpers.report.glossary import GLOSSARY
from helpers.report.lock import hold_lock
from helpers.report.runner import (
    Made,
    check_writable,
    execute_step,
    is_complete,
    is_unchanged,
    make_report,
)
from helpers.report.series import (
    NOTEBOOKS,
    PAGE_CODE,
    Record,
    list_files,
    list_parameters,
    list_steps,
    publish,
    recover,
)
from helpers.report.stopping import stop_on_signals
from helpers.run import PUBLIC, Run

Say = Callable[[str], None]
PROTECTED = "protected tables"


def make_edition(run: Run, *, say: Say = print, way: str = "") -> Made:
    """Make the edition that a run asks for; a public one after the analyst's it is made from."""
    if run.audience != PUBLIC:
        return make_report(run, say=say, way=way)
    analyst = find_analyst_run(run)
    make_report(analyst, say=say, way=way)
    return make_public_report(run, analyst, say=say, way=way)


def is_edition_unchanged(run: Run) -> bool:
    """Tell whether the edition that a run asks for stands already, whole; nothing is started."""
    if run.audience != PUBLIC:
        return is_unchanged(run)
    analyst = find_analyst_run(run)
    return is_unchanged(analyst) and _is_current(run, Record.read(analyst.published))


def _is_current(run: Run, source: Record) -> bool:
    last = Record.read(run.published)
    return last.whole and last.pages == find_key(run, source) and is_complete(run, last)


def find_analyst_run(run: Run) -> Run:
    """Return the run whose report a public edition is made from: the same trust, year and method."""
    published = run.out / run.trust / run.year
    building = published.with_name(f".{run.year}.building")
    return replace(run, audience="analyst", published=published, folder=building)


def make_public_report(run: Run, analyst: Run, *, say: Say = print, way: str = "") -> Made:
    """Make the public edition from a whole analyst's report; whole or not at all.

    Raises
    ------
    DisclosureError
        If something in it could tell of a patient or a consultant. Nothing is published then.
    HelpersError
        If a page cannot be made. The last whole edition stands as it was.
    """
    check_writable(run.published.parent)
    lock = run.published.parent / f".{run.year}.lock"
    try:
        with hold_lock(lock, f"{run.trust} {run.year}"), stop_on_signals() as check_stopped:
            return _make(run, analyst, say, way, check_stopped)
    except OSError as error:
        raise StepError(f"{run.trust} stopped: {describe_disk_error(error)}") from error


def _make(run: Run, analyst: Run, say: Say, way: str, check_stopped: Callable[[], None]) -> Made:
    from helpers.report.leaks import check_no_identifiers
    from helpers.report.pages import render_public_pages
    from helpers.sources.public_tables import write_public_tables

    recover(run.folder, run.published)
    page = run.published / "index.html"
    source = Record.read(analyst.published)
    if not source.whole:
        raise StepError(
            f"There is no whole analyst's report of {run.trust} {run.year} to make it from."
        )
    key = find_key(run, source)
    if _is_current(run, source):
        say(f"{run.trust} {run.year}: nothing has changed since the last public edition.")
        return Made(page, is_unchanged=True)
    try:
        warm_up()
        run.folder.mkdir(parents=True)
        with Apart(way) as child:
            child.call(write_public_tables, analyst, run)
            for step in list_steps(run):
                execute_step(run, step, child)
        render_public_pages(run, source.inputs)
        shutil.rmtree(run.folder / "notebooks")
        check_no_identifiers(analyst, run.folder)
        check_stopped()
        files = sorted(name for name in list_files(run.folder) if name.startswith("tables/"))
        made = {"parts": {"analyst's report": source.pages}, "why": "made", "files": files}
        Record({}, list_parameters(run), {PROTECTED: made}, key, whole=True).write(run.folder)
        publish(run.folder, run.published)
    finally:
        shutil.rmtree(run.folder, ignore_errors=True)
    say(f"  public edition: {len(files)} files of tables, {len(list_steps(run))} pages")
    return Made(page, is_unchanged=False)


def find_key(run: Run, source: Record) -> str:
    """Return the checksum of everything an edition is made from."""
    steps = list_steps(run)
    parts = {
        "source": source.pages,
        "parameters": list_parameters(run),
        "code": [hash_code(step.all_code) for step in steps] + [hash_code(PAGE_CODE)],
        "notebooks": [hash_project_file(NOTEBOOKS / f"{step.name}.ipynb") for step in steps],
        "glossary": hash_project_file(GLOSSARY),
    }
    return hash_text(json.dumps(parts, sort_keys=True))
