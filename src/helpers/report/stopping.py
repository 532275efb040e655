"""How a run is stopped from outside, tidily and once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Turn Ctrl-C and a request to end (SIGTERM) into one tidy stop; what is left is then cleared up.

    A second signal does not disturb the clearing up.
    """

    def stop(*_: object) -> None:
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    usual = {number: signal.getsignal(number) for number in STOPS}
    for number in STOPS:
        if usual[number] is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number in STOPS:
            signal.signal(number, usual[number])
