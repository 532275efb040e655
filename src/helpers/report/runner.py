"""Run the series for one trust, and publish its report when it is whole."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import CommandError, HelpersError, StepError, describe_disk_error
from helpers.report.apart import Apart
from helpers.report.checksums import hash_inputs, mark_inputs
from helpers.report.lock import hold_lock
from helpers.report.series import (
    NOTEBOOKS,
    Record,
    Step,
    explain_step,
    find_page_key,
    find_parts,
    list_files,
    list_parameters,
    list_steps,
    publish,
    recover,
    reuse_step,
)
from helpers.report.stopping import hold_signals, stop_on_signals
from helpers.run import Run, check_input_dir, show_path

Say = Callable[[str], None]


@dataclass(frozen=True)
class Made:
    """A whole report: the page to open, and whether anything had to be done for it."""

    page: Path
    is_unchanged: bool


def make_report(run: Run, *, say: Say = print, way: str = "") -> Made:
    """Run what must be run for one trust and year.

    Parameters
    ----------
    run
        Its ``folder`` is where the report is built; ``published`` where it appears when whole.
    say
        Takes each line of progress.
    way
        How notebooks' processes start (``fork`` or ``spawn``); the fastest one if blank.

    Raises
    ------
    HelpersError
        If a step or an identity fails. The last whole report stands as it was, and
        ``<YEAR>.failed/`` beside it holds the executed notebook of the step that stopped.
    """
    if not run.is_on_published:
        check_input_dir(run)
    check_writable(run.published.parent)
    lock = run.published.parent / f".{run.year}.lock"
    try:
        with hold_lock(lock, f"{run.trust} {run.year}"), stop_on_signals() as check_stopped:
            return _make_report(run, say, way, check_stopped)
    except OSError as error:
        raise StepError(f"{run.trust} stopped: {describe_disk_error(error)}") from error


def is_unchanged(run: Run) -> bool:
    """Tell whether a whole report of the same inputs stands already; nothing is started."""
    last = Record.read(run.published)
    if not last.whole or _failed_folder(run).exists() or not run.files_dir.is_dir():
        return False
    return _is_current(run, last, find_parts(run, hash_inputs(run.files_dir, _seen(run))))


def _is_current(run: Run, last: Record, parts: dict[str, dict[str, str]]) -> bool:
    return last.whole and last.pages == find_page_key(parts) and is_complete(run, last)


def _seen(run: Run) -> Path:
    return run.published.parent / f".{run.year}.seen"


def _make_report(run: Run, say: Say, way: str, check_stopped: Callable[[], None]) -> Made:
    recover(run.folder, run.published)
    folder = run.files_dir
    marks, inputs = mark_inputs(folder), hash_inputs(folder, _seen(run))
    parts = find_parts(run, inputs)
    last, failed = Record.read(run.published), Record.read(_failed_folder(run))
    page = run.published / "index.html"
    if _is_current(run, last, parts):
        shutil.rmtree(_failed_folder(run), ignore_errors=True)
        say(f"{run.trust} {run.year}: nothing has changed since the last report.")
        return Made(page, is_unchanged=True)
    record = Record(inputs=inputs, parameters=list_parameters(run), pages=find_page_key(parts))
    try:
        _run_steps(run, parts, record, last, failed, say, way)
        if mark_inputs(folder) != marks:
            raise StepError(
                f"the files in {folder} changed during the run. Run the same command again."
            )
        _render(run, inputs, say)
        check_stopped()
        record.whole = True
        record.write(run.folder)
        publish(run.folder, run.published)
    except BaseException as error:
        if mark_inputs(folder) != marks:
            record.steps.clear()  # a step may have read some files before and some after the change
        with hold_signals():
            _keep_failure(run, record)
        if isinstance(error, _Stopped):
            raise error.name_place(_failed_folder(run)) from error
        raise
    shutil.rmtree(_failed_folder(run), ignore_errors=True)
    return Made(page, is_unchanged=False)


class _Stopped(StepError):
    """A step stopped; ``notebook`` is the name of its executed copy."""

    def __init__(self, message: str, notebook: str, exit_code: int) -> None:
        super().__init__(message)
        self.notebook, self.exit_code = notebook, exit_code

    def name_place(self, folder: Path) -> StepError:
        """Return the same stop, with the place of the notebook if it could be kept."""
        kept = folder / "notebooks" / self.notebook
        told = StepError(f"{self}\nIts notebook: {kept}" if kept.exists() else str(self))
        told.exit_code = self.exit_code
        return told


def _run_steps(
    run: Run,
    parts: dict[str, dict[str, str]],
    record: Record,
    last: Record,
    failed: Record,
    say: Say,
    way: str,
) -> None:
    run.folder.mkdir(parents=True)
    steps = list_steps(run)
    with Apart(way) as child:
        for position, step in enumerate(steps, start=1):
            label = f"  {position} of {len(steps)}  {step.title.lower():<24}"
            began = time.monotonic()
            own = parts[step.name]
            reason = _reuse(run, step, own, record, last, failed)
            if reason:
                before = list_files(run.folder)
                execute_step(run, step, child)
                shutil.rmtree(run.spill, ignore_errors=True)
                written = sorted(list_files(run.folder) - before)
                record.steps[step.name] = {"parts": own, "why": reason, "files": written}
                say(f"{label}{time.monotonic() - began:6.1f} s")
            else:
                say(f"{label}unchanged")


def _reuse(
    run: Run, step: Step, parts: dict[str, str], record: Record, last: Record, failed: Record
) -> str:
    """Take a step's files from an earlier run, or return why it must be done again."""
    reasons = []
    for earlier, folder in ((last, run.published), (failed, _failed_folder(run))):
        reason = explain_step(step.name, parts, earlier)
        if not reason and reuse_step(step.name, earlier, folder, run.folder):
            record.steps[step.name] = {**earlier.steps[step.name], "why": "unchanged"}
            return ""
        reasons.append(reason or "its files were gone")
    return reasons[0]


def execute_step(run: Run, step: Step, child: Apart) -> None:
    """Run one step's notebook in the trust's child process.

    Raises
    ------
    StepError
        With the name of the step; its exit code is that of the error it stands for.
    """
    from helpers.report.execute import execute_notebook, warm_up

    warm_up()
    executed = run.folder / "notebooks" / f"{step.name}.ipynb"
    parameters = {
        "trust": run.trust,
        "year": run.year,
        "audience": run.audience,
        "method": run.method,
        "engine": run.engine,
        "data": show_path(run.input_dir.parents[1]),
        "out": show_path(run.out),
        "folder": str(run.folder),
        "allow_unreconciled": run.allow_unreconciled,
        "what_if": run.what_if,
    }
    try:
        execute_notebook(NOTEBOOKS / f"{step.name}.ipynb", executed, parameters, child=child)
    except HelpersError as error:
        words = f"{run.trust} stopped in {step.title.lower()}: {error}"
        raise _Stopped(words, executed.name, error.exit_code) from error
    if run.engine == "spark":
        child.end()  # a session of Spark ends with its process


def _render(run: Run, inputs: dict[str, str], say: Say) -> None:
    from helpers.report.pages import render_pages

    began = time.monotonic()
    render_pages(run, inputs)
    say(f"  pages{time.monotonic() - began:33.1f} s")


def _failed_folder(run: Run) -> Path:
    return run.published.with_name(f"{run.year}.failed")


def _keep_failure(run: Run, record: Record) -> None:
    """Put what a failed run made where its message says; steps that ended are used next time."""
    target = _failed_folder(run)
    shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(run.spill, ignore_errors=True)
    try:
        try:
            record.write(run.folder)
        except OSError:  # the disk is full: make room for the notebook that says what happened
            shutil.rmtree(run.tables, ignore_errors=True)
            record.write(run.folder)
        run.folder.rename(target)
    except OSError:
        shutil.rmtree(run.folder, ignore_errors=True)


def is_complete(run: Run, record: Record) -> bool:
    """Tell whether every file a whole report should hold is still there."""
    files = [name for step in record.steps.values() for name in step["files"]]
    pages = [step.page for step in list_steps(run)]
    folder = str(run.published)
    # Of 250 files a report: pathlib takes twice the time.
    return all(os.path.isfile(f"{folder}/{name}") for name in [*files, *pages])  # noqa: PTH113


def check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise CommandError(
            f"The report cannot be written to {folder}: {error.strerror}.\n"
            "Choose another folder with OUT, or ask for the right to write there."
        ) from error
