"""How a run is stopped from outside: tidily, and without a request being lost."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Callable[[], None]]:
    """Turn Ctrl-C and a request to end (SIGTERM) into the same tidy stop.

    Yields a function that stops now if a request was made: Python can lose one that arrives while
    it clears up an object. A process that was told to pass over a signal still does.
    """
    asked: list[int] = []

    def stop(number: int, _: object) -> None:
        asked.append(number)
        raise KeyboardInterrupt

    def check_stopped() -> None:
        if asked:
            raise KeyboardInterrupt

    usual = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    for number, handler in usual.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield check_stopped
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def hold_signals() -> Iterator[None]:
    """Keep a request to stop waiting: while a process is forked, where Python would lose it, and
    while what a stopped run left is cleared up, which a second Ctrl-C must not disturb.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        take_signals()


def take_signals() -> None:
    """Take requests to stop again; a child is born with them held back."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
