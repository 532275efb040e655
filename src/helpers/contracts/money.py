"""How whole pence are shared out: exactly, and the same way every time."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from helpers.errors import AllocationError


def hamilton(
    pence: int, weights: Sequence[int | float | Fraction], keys: Sequence[str] | None = None
) -> list[int]:
    """Share whole pence in proportion to weights, by largest remainder.

    Exact shares are rounded down and the pence left over go to the largest remainders; ties go to
    the smallest key. A negative amount is shared as its absolute value and negated. The result adds
    up to ``pence``: £100.00 over 1:1:1 is £33.34, £33.33, £33.33.

    Parameters
    ----------
    pence
        Amount to share, whole pence.
    weights
        One weight a receiver, zero or more; floats are taken at their exact binary value.
    keys
        One name a receiver, to settle ties; their order in the list if absent.

    Raises
    ------
    AllocationError
        ALLOC-E02 if money has only zero weights to follow; ALLOC-E03 if a weight is negative.
    """
    parts = _to_whole(weights)
    if any(part < 0 for part in parts):
        raise AllocationError("a weight is negative; a share cannot be.", rule="ALLOC-E03")
    total = sum(parts)
    if total == 0:
        if pence == 0:
            return [0] * len(parts)
        raise AllocationError(
            f"£{abs(pence) / 100:,.2f} has nothing to follow: every weight is zero.",
            rule="ALLOC-E02",
        )
    names = list(keys) if keys is not None else list(range(len(parts)))
    amount = abs(int(pence))
    whole = [amount * part // total for part in parts]
    over = [amount * part % total for part in parts]
    order = sorted(range(len(parts)), key=lambda i: (-over[i], names[i]))
    for position in order[: amount - sum(whole)]:
        whole[position] += 1
    return whole if pence >= 0 else [-share for share in whole]


def _to_whole(weights: Sequence[int | float | Fraction]) -> list[int]:
    """Return weights in their exact proportion as whole numbers, with which sharing is quick (D-353)."""
    if all(type(weight) is int for weight in weights):
        return list(weights)
    ratios = [Fraction(weight).as_integer_ratio() for weight in weights]
    scale = lcm(*(bottom for _, bottom in ratios))
    return [top * (scale // bottom) for top, bottom in ratios]
