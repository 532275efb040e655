"""What the review's own checks say, in words."""

from __future__ import annotations

import pandas as pd

from helpers.report.formats import count_words, format_prop, join_words

AGREES = 0.8  # rank correlation, from which a plain method is said to agree well
WELL_FORETOLD = 0.15  # events over expected events, off by less than this
HEAVY = 0.5


def describe_checks(checks: pd.DataFrame) -> str:
    """Say whether names hold, whether plain arithmetic agrees, and what the tails look like.

    Parameters
    ----------
    checks
        ``review_checks``.
    """
    value = checks.set_index("check_id")["value"]
    if not value.get("n_lines", 0):
        return "No line has enough consultants for the model, so there is nothing to check."
    parts = [_describe_names(value), _describe_agreement(value), _describe_tails(value)]
    return " ".join(part for part in [*parts, _describe_risk(value)] if part)


def _describe_names(value: pd.Series) -> str:
    n = int(value["n_named"])
    if not n:
        return "Nobody is named on cost, so no name could be tried again."
    words = (("capped", "with costs capped"), ("odd", "on odd months"), ("even", "on even months"))
    again = [
        f"{int(value[f'named_{name}']) or 'none'} {text}"
        for name, text in words
        if pd.notna(value.get(f"named_{name}"))
    ]
    start = f"Of {count_words(n, 'consultant')} named on cost, named again: "
    return f"{start}{join_words(again)}." if again else ""


def _describe_agreement(value: pd.Series) -> str:
    agree = value.get("agree_indirect")
    if pd.isna(agree):
        return ""
    how = "agrees well with" if agree >= AGREES else "differs in part from"
    n_here = int(value["n_mixed_here"])
    return (
        f"The order of consultants {how} plain standardisation by HRG (rank correlation {agree:.2f} in the middle "
        f"line). A mixed model of log cost would call {count_words(int(value['n_mixed']), 'consultant')} more than "
        f"15% dearer, {n_here or 'none'} of them named here; it does not ask whether peers differ as much."
    )


def _describe_tails(value: pd.Series) -> str:
    heavy, assumed, least = (
        format_prop(value[name]) for name in ("heavy_tails", "heavy_assumed", "least_probability")
    )
    extremes = (
        " Some of those named may be extremes of ordinary variation."
        if value["heavy_tails"] >= HEAVY
        else ""
    )
    return (
        f"The data give heavy tails of natural variation a weight of {heavy}, where {assumed} was assumed "
        f"beforehand.{extremes} The likelier heavy tails are, or that hardly anybody is divergent, the surer a name "
        f"must be: here it needs a probability of {least}."
    )


def _describe_risk(value: pd.Series) -> str:
    top = value.get("risk_top")
    if pd.isna(top):
        return ""
    end = (
        "so risk is foretold well where it matters most."
        if abs(top - 1) < WELL_FORETOLD
        else "so outcomes of those at high risk should be read with care."
    )
    return f"Among the tenth of patients at highest risk {top:.2f} times the expected events happened, {end}"
