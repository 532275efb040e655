"""The words that go into the review's own tables, so that a row explains itself."""

from __future__ import annotations

import math

TAU_WARNING = 0.15  # log units; above it, natural variation is as wide as outliers are far
MEASURE_WORDS = (("cost", "dearer", "cheaper"), ("los", "longer", "shorter"))


def describe_variation(tau: float, *, n_compared: int, n_peers: int) -> str:
    """Return what can be said of a line's consultants, given how much they differ by nature."""
    if math.isfinite(tau):
        spread = f"Natural variation ±{math.expm1(tau) * 100:.0f}% between {n_compared} consultants"
        if tau > TAU_WARNING:
            return f"{spread}: outliers cannot be separated reliably, so none is named."
        return f"{spread}."
    if n_compared:
        return f"{n_compared} consultants: too few for the model, so differences are an indication only."
    return f"{n_peers} consultants with enough spells: shown, not tested."


def describe_peer_status(flag: str, *, measure: str, n: int, ratio: float, n_peers: int) -> str:
    """Return one consultant's standing in words."""
    more, less = next((up, down) for name, up, down in MEASURE_WORDS if name == measure)
    gap = f"{abs(ratio - 1) * 100:.0f}% {more if ratio >= 1 else less} than the typical peer"
    if flag == "outlier":
        return f"Differs from peers: {gap}, more than natural variation explains. Check coding, shared care and casemix first."
    if flag == "material":
        return f"{gap.capitalize()}, surely above 15%, but within what peers may differ by; may be casemix that is not measured."
    if flag == "indicative":
        return f"Indication only, in a line of few consultants: {gap}."
    if flag == "none":
        return "Within what peers differ by." if n_peers else "Not compared."
    if math.isfinite(ratio):
        return f"Too few spells to be named ({n})."
    return f"Not tested: {n} spells, {n_peers} consultants with enough spells in the line."
