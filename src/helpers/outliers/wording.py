"""The words that go into the review's own tables, so that a row explains itself."""

from __future__ import annotations

import math

MIN_PEERS = 8
TAU_WARNING = 0.15  # log units; above it, natural variation is as wide as outliers are far
ALERT_Z, ALARM_Z = 1.96, 3.09  # of a consultant in a line of few, against the others
MEASURE_WORDS = (("cost", "dearer", "cheaper"), ("los", "longer", "shorter"))


def describe_variation(tau: float, *, n_compared: int, n_peers: int) -> str:
    """Return what can be said of a line's consultants.

    Parameters
    ----------
    tau
        Natural standard deviation, log units; NaN where the model could not be used.
    n_compared, n_peers
        Consultants compared, and consultants with enough spells.
    """
    if math.isfinite(tau):
        spread = f"Natural variation ±{math.expm1(tau) * 100:.0f}% between {n_compared} consultants"
        if tau > TAU_WARNING:
            return f"{spread}: outliers cannot be separated reliably, so none is named."
        return f"{spread}."
    if n_compared:
        return f"{n_compared} consultants: too few for the model, so differences are an indication only."
    people = f"{n_peers} consultant{'' if n_peers == 1 else 's'} with enough spells"
    if n_peers >= MIN_PEERS:
        return f"{people}, but too little in common to compare them: shown, not tested."
    return f"{people}: shown, not tested."


def describe_peer_status(
    flag: str, *, measure: str, n: int, ratio: float, z: float = math.nan
) -> str:
    """Return one consultant's standing in words; ``z`` is the score in a line of few consultants."""
    more, less = next((up, down) for name, up, down in MEASURE_WORDS if name == measure)
    if flag == "not_tested":
        reason = "too few to be named" if math.isfinite(ratio) else "too few, or too few peers"
        return f"Not tested: {n} spells ({reason})."
    gap = f"{abs(ratio - 1) * 100:.0f}% {more if ratio >= 1 else less} than the typical peer"
    if flag == "none" and abs(z) > ALERT_Z:
        side = "beyond the alarm" if abs(z) > ALARM_Z else "short of the alarm"
        return f"An alert in a line of few consultants (z {z:.1f}, {side} at {ALARM_Z}): {gap}."
    if flag == "none":
        return "Within what peers differ by."
    if flag == "indicative":
        return f"Indication only, in a line of few consultants: {gap}."
    if flag == "material":
        return f"{gap.capitalize()}, but within what peers may differ by: may be casemix that is not measured."
    return (
        f"Differs from peers: {gap}, more than natural variation explains. "
        "Check coding, shared care and casemix first."
    )
