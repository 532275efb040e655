"""A child process that calls functions for us, so that nothing they open or change reaches this one.

It is forked from a parent that has imported the libraries, or started afresh where fork is absent.
"""

from __future__ import annotations

import contextlib
import gc
import json
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any

from helpers.errors import DEBUG, HelpersError, StepError, describe_disk_error
from helpers.report.stopping import hold_signals, take_signals

ENDING_SECONDS = 5.0
# What runs a notebook's cells: no place to name when a cell fails.
RUNNING = {Path(__file__), Path(__file__).with_name("execute.py")}


class Apart:
    """A child process that calls one function after another; used with ``with``.

    It starts with the first call. Forking and the memory that a child touches first, or on Windows
    starting Python and loading the libraries, are paid once for all calls.

    Parameters
    ----------
    way
        How the process starts, ``fork`` or ``spawn``; the fastest one that the system has if blank.
    """

    def __init__(self, way: str = "") -> None:
        self._way = way or find_way()
        self._child: Any = None
        self._line: Connection | None = None

    def __enter__(self) -> Apart:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.end(at_once=error is not None)

    def call(self, work: Callable[..., None], *given: Any) -> None:
        """Call a function of a module in the child, and wait for it; what it returns is lost.

        Raises
        ------
        StepError, or the HelpersError the function raised
            With the message shown to the user.
        """
        if self._line is None:
            self._start()
        with contextlib.suppress(OSError):  # it has died: there will be no answer
            self._line.send((work, given))
        told = self._hear()
        if told is None:
            child = self._child
            self.end()
            raise StepError(_describe_death(child.exitcode))
        if told["message"]:
            raise _rebuild_error(told)

    def end(self, *, at_once: bool = False) -> None:
        """End the child, if there is one; the next call starts another."""
        if self._line is None:
            return
        if not at_once:
            with contextlib.suppress(OSError):
                self._line.send(None)
            self._child.join(ENDING_SECONDS)
        for stop in (self._child.terminate, self._child.kill):
            if self._child.is_alive():
                stop()
                self._child.join(ENDING_SECONDS)
        self._line.close()
        self._child = self._line = None

    def _start(self) -> None:
        context = multiprocessing.get_context(self._way)
        ours, theirs = context.Pipe()
        child = context.Process(target=_serve, args=(theirs,))
        sys.stdout.flush()
        self._child, self._line = child, ours
        with hold_signals(), _shared_memory_kept():
            child.start()
        theirs.close()

    def _hear(self) -> dict[str, Any] | None:
        """Wait for what the child says of a call; None if it ended without a word."""
        try:
            return json.loads(self._line.recv_bytes())
        except (EOFError, OSError):
            return None


@contextlib.contextmanager
def _shared_memory_kept() -> Iterator[None]:
    """Keep what is loaded out of a forked child's garbage collection, which would copy it all."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _describe_death(exit_code: int | None) -> str:
    names = {-one.value: one.name for one in signal.Signals}
    if exit_code in names:
        name = names[exit_code]
        return (
            f"its process was ended from outside ({name}), as happens when memory runs out.\n"
            "Close other programs and run the same command again; finished steps are not redone."
        )
    return (
        f"its process ended with code {exit_code} and said nothing.\n"
        "Run the same command again; finished steps are not redone."
    )


def _rebuild_error(told: dict[str, Any]) -> HelpersError:
    error: HelpersError = StepError(told["message"])
    error.exit_code = told["exit_code"]
    return error


def _serve(line: Connection) -> None:
    """Run in the child: do what is asked, say how it went, until told that there is no more."""
    begin_child()
    os.environ.setdefault("MPLBACKEND", "agg")
    while (asked := line.recv()) is not None:
        work, given = asked
        line.send_bytes(json.dumps(_do(work, given)).encode())
    line.close()


def _do(work: Callable[..., None], given: tuple[Any, ...]) -> dict[str, Any]:
    """Call a function; return its error's message, blank for none, and exit code."""
    told: dict[str, Any] = {"message": "", "exit_code": 1}
    try:
        work(*given)
    except HelpersError as error:
        told = {"message": str(error), "exit_code": error.exit_code}
    except MemoryError:
        told["message"] = (
            "it ran out of memory. Close other programs and run the same command again."
        )
    except OSError as error:
        told["message"] = describe_disk_error(error)
    except BaseException as error:
        told["message"] = shorten_error(error)
    return told


def find_way() -> str:
    """Return how a process is started best here: ``fork``, or ``spawn`` where the system has no fork."""
    return "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"


def begin_child() -> None:
    """Settle a child process: Ctrl-C, which reaches all, is its parent's to decide on; SIGTERM ends it.

    It also ends when its parent has gone, so that no orphan goes on writing. A child is born with the
    requests to stop held back; here it takes them again.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    take_signals()
    parent = multiprocessing.parent_process()

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def shorten_error(error: BaseException) -> str:
    """Return an unexpected error as one line, with the place in our code but no values from data."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error, file=sys.__stderr__)
    places = list_places(error)
    where = f" at {places[-1]}" if places else ""
    return (
        f"an unexpected {type(error).__name__}{where}. This is a fault in the program, not in your "
        f"files. {DEBUG}=1 shows more, values from data among it."
    )


def list_places(error: BaseException) -> list[str]:
    """Return where an error came through our code, outermost first: file, line, function."""
    return [
        f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "helpers" in frame.filename and Path(frame.filename) not in RUNNING
    ]
