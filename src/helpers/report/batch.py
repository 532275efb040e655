"""Many trusts at once: as many as the cores and the memory bear, none able to spoil another's run."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from helpers.errors import HelpersError, name_a_few
from helpers.memory import find_free_bytes
from helpers.report.apart import begin_child, find_way
from helpers.report.public import is_edition_unchanged, make_edition
from helpers.report.stopping import hold_signals, stop_on_signals
from helpers.run import Run, show_path

Say = Callable[[str], None]

# A run of XYZ was measured at 0.80 GB with 23 MB of files and 1.54 GB with 112 MB
# (docs/benchmarks.md); this gives a tenth more than both.
BASE_NEED_BYTES = 700_000_000
NEED_BYTES_PER_INPUT_BYTE = 9
# Part of the free memory that runs may be planned to use.
USABLE_MEMORY_PROP = 0.85


@dataclass(frozen=True)
class Job:
    """One trust's run: what it is expected to need, and the size of its files."""

    run: Run
    need_bytes: int
    input_bytes: int


@dataclass(frozen=True)
class Outcome:
    """How one trust's run ended: ``done``, ``unchanged`` or ``failed``, with the reason and place."""

    trust: str
    state: str
    words: str
    seconds: float


@dataclass
class _Running:
    job: Job
    process: Any
    ear: Connection
    began: float


def make_reports(
    runs: Sequence[Run], *, jobs: int, memory_bytes: int, say: Say = print
) -> list[Outcome]:
    """Run many trusts, and say a line as each ends, with the time left.

    Parameters
    ----------
    runs
        One a trust.
    jobs
        The most to run at once.
    memory_bytes
        Memory that the runs may use together.

    Returns
    -------
    list of Outcome
        In the order of ``runs``. A trust that fails is among them; it stops no other.
    """
    ended = {one.trust: one for one in map(_judge, runs) if one is not None}
    for position, outcome in enumerate(ended.values(), start=1):
        say(describe_progress(outcome, position, len(runs)))
    waiting = sorted(
        (plan_job(run) for run in runs if run.trust not in ended), key=lambda job: -job.input_bytes
    )
    if waiting:
        from helpers.report.execute import warm_up

        warm_up()
    total, began = sum(job.input_bytes for job in waiting) or 1, time.monotonic()
    running: list[_Running] = []
    done_bytes = 0
    with _end_all(running):
        while waiting or running:
            for job in choose_next(waiting, [one.job for one in running], jobs, memory_bytes):
                waiting.remove(job)
                running.append(_start(job))
            for one in _wait_for_any(running):
                running.remove(one)
                outcome = ended[one.job.run.trust] = _finish(one)
                done_bytes += one.job.input_bytes
                left = (time.monotonic() - began) * (total - done_bytes) / max(done_bytes, 1)
                say(describe_progress(outcome, len(ended), len(runs), left))
    return [ended[run.trust] for run in runs]


@contextmanager
def _end_all(running: Sequence[_Running]) -> Iterator[None]:
    """End the runs that still go on when this one is stopped; each clears up after itself."""
    with stop_on_signals():
        try:
            yield
        finally:
            for one in running:
                one.process.terminate()
            for one in running:
                one.process.join()


def _judge(run: Run) -> Outcome | None:
    """Return the outcome of a trust whose report stands already, without a process of its own."""
    began = time.monotonic()
    try:
        if is_edition_unchanged(run):
            page = show_path(run.published / "index.html")
            return Outcome(run.trust, "unchanged", page, time.monotonic() - began)
    except (HelpersError, OSError):  # the run will say what is wrong
        pass
    return None


def plan_job(run: Run) -> Job:
    """Return what a run is expected to need, from the size of its files."""
    size = sum(path.stat().st_size for path in run.input_dir.glob("*") if path.is_file())
    return Job(run, BASE_NEED_BYTES + NEED_BYTES_PER_INPUT_BYTE * size, size)


def choose_next(
    waiting: Sequence[Job], running: Sequence[Job], jobs: int, memory_bytes: int
) -> list[Job]:
    """Return which waiting runs may start now, largest first.

    A run starts beside others only if all of them fit in the memory together; one that does not fit
    at all runs alone.
    """
    chosen: list[Job] = []
    for job in waiting:
        beside = [*running, *chosen]
        needed = job.need_bytes + sum(other.need_bytes for other in beside)
        if len(beside) < jobs and (not beside or needed <= memory_bytes):
            chosen.append(job)
    return chosen


def find_memory_bytes() -> int:
    """Return the memory that runs may use together: a part of what is free."""
    return int(find_free_bytes() * USABLE_MEMORY_PROP)


def find_jobs(asked: int | None) -> int:
    """Return how many runs may go on at once: as asked, or one a core."""
    return asked or len(
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )


def describe_progress(
    outcome: Outcome, n_ended: int, n_all: int, seconds_left: float | None = None
) -> str:
    """Return one line for a trust that has ended, with the time left where it can be told.

    >>> describe_progress(Outcome("XYZ", "done", "", 31.2), 2, 6, 62.0)
    'XYZ    done        31.2 s   2 of 6, about 62 s left'
    """
    is_told = seconds_left is not None and n_ended < n_all
    left = f", about {seconds_left:.0f} s left" if is_told else ""
    return f"{outcome.trust:<6} {outcome.state:<9}{outcome.seconds:7.1f} s   {n_ended} of {n_all}{left}"


def describe_outcomes(outcomes: Sequence[Outcome]) -> str:
    """Return the final table: each trust, how it ended, and for a failure why and where to look."""
    rows = [f"{one.trust:<6} {one.state:<9} {one.words}".rstrip() for one in outcomes]
    counts = ", ".join(
        f"{sum(one.state == state for one in outcomes)} {state}"
        for state in ("done", "unchanged", "failed")
    )
    return "\n".join([*rows, counts])


def refuse_folder(name: str) -> Outcome:
    """Return the outcome for a folder among the trusts' whose name is not a trust's code."""
    words = "ignored: its name is not a trust code of 3 to 5 capital letters and digits. Rename it."
    return Outcome(name_a_few([repr(name)]), "failed", words, 0.0)


def _start(job: Job) -> _Running:
    context = multiprocessing.get_context(find_way())
    ear, mouth = context.Pipe(duplex=False)
    process = context.Process(target=_run_job, args=(job.run, mouth))
    with hold_signals():
        process.start()
    mouth.close()
    return _Running(job, process, ear, time.monotonic())


def _run_job(run: Run, mouth: Connection) -> None:
    begin_child()
    try:
        made = make_edition(run, say=lambda line: None)
        mouth.send(("unchanged" if made.is_unchanged else "done", show_path(made.page)))
    except HelpersError as error:
        mouth.send(("failed", " ".join(str(error).split("\n"))))
    except KeyboardInterrupt:
        mouth.send(("failed", "stopped"))
    except Exception as error:
        words = f"an unexpected {type(error).__name__}: a fault in the program, not in the files"
        mouth.send(("failed", words))


def _wait_for_any(running: Sequence[_Running]) -> list[_Running]:
    ready = wait([one.process.sentinel for one in running])
    return [one for one in running if one.process.sentinel in ready]


def _finish(one: _Running) -> Outcome:
    one.process.join()
    try:
        state, words = (
            one.ear.recv() if one.ear.poll() else ("failed", "its process was ended from outside")
        )
    except EOFError:
        state, words = "failed", "its process was ended from outside"
    return Outcome(one.job.run.trust, state, words, time.monotonic() - one.began)
