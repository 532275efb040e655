"""One run of a trust and year at a time: a lock that the system frees when its holder ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from helpers.errors import CommandError


@contextlib.contextmanager
def hold_lock(path: Path, what: str) -> Iterator[None]:
    """Hold a file's lock, or refuse because another run has it.

    Raises
    ------
    CommandError
        If another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _try_lock(handle):
            raise CommandError(
                f"Another run of {what} is going on. Wait until it has ended, then run this again."
            )
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    if os.name == "nt":
        import msvcrt

        lock, refused = lambda: msvcrt.locking(handle, msvcrt.LK_NBLCK, 1), OSError
    else:
        import fcntl

        lock, refused = lambda: fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB), BlockingIOError
    try:
        lock()
    except refused:
        return False
    return True
