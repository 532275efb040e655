"""Run the series for one trust, and publish its report when it is whole."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.errors import CommandError, HelpersError, StepError
from helpers.report.checksums import hash_inputs
from helpers.report.execute import STOP_SIGNALS
from helpers.report.lock import hold_lock
from helpers.report.series import (
    NOTEBOOKS,
    STEPS,
    Record,
    Step,
    explain_key,
    find_keys,
    find_page_key,
    list_files,
    list_parameters,
    publish,
    recover,
    reuse_step,
)
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
    check_input_dir(run)
    _check_writable(run.published.parent)
    name = f"{run.trust} {run.year}"
    lock = run.published.parent / f".{run.year}.lock"
    with hold_lock(lock, name), _stop_on_signals() as check_stopped:
        recover(run.folder, run.published)
        seen = run.published.parent / f".{run.year}.seen"
        inputs = hash_inputs(run.input_dir, seen)
        keys = find_keys(run, inputs)
        last, failed = Record.read(run.published), Record.read(_failed_folder(run))
        if last.whole and last.pages == find_page_key(keys) and _is_complete(run.published, last):
            shutil.rmtree(_failed_folder(run), ignore_errors=True)
            say(f"{name}: nothing has changed since the last report.")
            return Made(run.published / "index.html", is_unchanged=True)
        record = Record(inputs=inputs, parameters=list_parameters(run), pages=find_page_key(keys))
        try:
            _run_steps(run, keys, record, last, failed, say, way)
            if hash_inputs(run.input_dir, seen) != inputs:
                raise StepError(
                    f"the files in {run.input_dir} changed during the run. Run the same command again."
                )
            _render(run, inputs, say)
            check_stopped()
            record.whole = True
            record.write(run.folder)
            publish(run.folder, run.published)
        except BaseException:
            _keep_failure(run, record)
            raise
        shutil.rmtree(_failed_folder(run), ignore_errors=True)
    return Made(run.published / "index.html", is_unchanged=False)


def _run_steps(
    run: Run, keys: dict[str, str], record: Record, last: Record, failed: Record, say: Say, way: str
) -> None:
    run.folder.mkdir(parents=True)
    for position, step in enumerate(STEPS, start=1):
        label = f"  {position} of {len(STEPS)}  {step.title.lower():<24}"
        began = time.monotonic()
        reason = _reuse(run, step, keys[step.name], record, last, failed)
        if reason:
            before = list_files(run.folder)
            _execute(run, step, way)
            shutil.rmtree(run.spill, ignore_errors=True)
            written = sorted(list_files(run.folder) - before)
            record.steps[step.name] = {"key": keys[step.name], "why": reason, "files": written}
            say(f"{label}{time.monotonic() - began:6.1f} s")
        else:
            say(f"{label}unchanged")


def _reuse(run: Run, step: Step, key: str, record: Record, last: Record, failed: Record) -> str:
    """Take a step's files from an earlier run, or return why it must be done again."""
    reasons = []
    for earlier, folder in ((last, run.published), (failed, _failed_folder(run))):
        reason = explain_key(step.name, key, earlier)
        if not reason and reuse_step(step.name, earlier, folder, run.folder):
            record.steps[step.name] = {**earlier.steps[step.name], "why": "unchanged"}
            return ""
        reasons.append(reason or "its files were gone")
    return reasons[0]


def _execute(run: Run, step: Step, way: str) -> None:
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
        "out": show_path(run.published.parents[1]),
        "folder": str(run.folder),
        "allow_unreconciled": run.allow_unreconciled,
    }
    try:
        execute_notebook(NOTEBOOKS / f"{step.name}.ipynb", executed, parameters, way=way)
    except HelpersError as error:
        kept = _failed_folder(run) / "notebooks" / executed.name
        stopped = StepError(
            f"{run.trust} stopped in {step.title.lower()}: {error}\nIts notebook: {kept}"
        )
        stopped.exit_code = error.exit_code
        raise stopped from error


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
    try:
        record.write(run.folder)
        run.folder.rename(target)
    except OSError:
        shutil.rmtree(run.folder, ignore_errors=True)


def _is_complete(folder: Path, record: Record) -> bool:
    """Tell whether every file a whole report should hold is still there."""
    files = [name for step in record.steps.values() for name in step["files"]]
    return all((folder / name).is_file() for name in [*files, *(step.page for step in STEPS)])


def _check_writable(folder: Path) -> None:
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


@contextmanager
def _stop_on_signals() -> Iterator[Callable[[], None]]:
    """Turn Ctrl-C and a request to end (SIGTERM) into the same tidy stop.

    Yields a function that stops now if a request was made: Python can lose one that arrives while
    it clears up an object.
    """
    asked: list[int] = []

    def stop(number: int, _: object) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    def check_stopped() -> None:
        if asked:
            raise KeyboardInterrupt

    usual = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield check_stopped
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
