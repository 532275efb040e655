"""How a run stops, and how a list of values is shortened."""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Iterable

FEW = 5
LONGEST_VALUE = 40
DEBUG = "SLR_DEBUG"  # set to 1, the terminal shows whole tracebacks


class HelpersError(Exception):
    """A stop with one clear message: what is wrong, where, how much it touches, what to do.

    ``exit_code`` is what the command line returns: 1 when a step or an identity failed, 2 when the
    command or its input is wrong. Messages hold codes, counts and totals; never a patient's row.
    """

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """Show the message alone where a notebook stops; the way there says nothing to its reader."""
        if os.environ.get(DEBUG):
            return traceback.format_exception(self)
        return [f"Stopped: {self}"]


class CommandError(HelpersError):
    """The command or one of its parameters is wrong."""

    exit_code = 2


class InputError(HelpersError):
    """A file of the trust is missing, cannot be read, or breaks a rule that stops the run.

    ``rule`` is the code of the cleaning or costing rule (for example ``LED-005``), where there is one.
    """

    exit_code = 2

    def __init__(self, message: str, *, rule: str = "") -> None:
        super().__init__(f"{rule}: {message}" if rule else message)
        self.rule = rule


class AllocationError(InputError):
    """A sum of money cannot be shared out: no driver, a negative driver, or a closed loop."""


class ReconciliationError(HelpersError):
    """Pounds in and pounds out differ."""


class DisclosureError(HelpersError):
    """Something may not stand in the public edition, because a patient or a consultant could be told."""


class StepError(HelpersError):
    """A step of the series stopped; the message says which, and where its notebook is."""


def describe_disk_error(error: OSError) -> str:
    """Return in a sentence why the disk refused, and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            "the disk is full.\nFree some space, or choose another folder with OUT, then run the same "
            "command again; finished steps are not redone."
        )
    where = f" ({error.filename})" if error.filename else ""
    return (
        f"the disk refused: {error.strerror or type(error).__name__}{where}.\n"
        "Put that right, then run the same command again."
    )


def name_a_few(values: Iterable[object], few: int = FEW) -> str:
    """Return up to five values in reading order, and how many more there are.

    >>> name_a_few(["b", "a", "c"])
    'a, b, c'
    """
    texts = sorted({_shorten(str(value)) for value in values})
    shown = ", ".join(texts[:few])
    return f"{shown} and {len(texts) - few:,} more" if len(texts) > few else shown


def _shorten(text: str) -> str:
    text = " ".join(text.split()) or "(blank)"
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
