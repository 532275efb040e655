"""The review's own checks, arranged for reading: whether its findings can be relied on."""

from __future__ import annotations

import pandas as pd

from helpers.report.formats import format_gbp, format_prop
from helpers.report.words.plain import name_term

CHECK_COLUMNS = {"label": "What was checked", "found": "Found"}
ROBUST_COLUMNS = {
    "label": "Consultant",
    "capped": "Costs capped at the trim point",
    "odd": "Odd months alone",
    "even": "Even months alone",
}
CALIBRATION_COLUMNS = {
    "outcome_words": "Outcome",
    "n_spells": "Patients",
    "observed": "Events",
    "expected": "Expected",
    "over_expected": "Events over expected",
}
LEAST_EXPECTED = 10.0  # events, below which a ratio is mostly chance
PLACES = {"log units": 3, "ratio": 2, "-1 to 1": 2}


def arrange_checks(checks: pd.DataFrame) -> pd.DataFrame:
    """Return each check with what was found in words of its unit; those not tried say so."""
    found = [
        _write_value(value, unit)
        for value, unit in zip(checks["value"], checks["unit"], strict=True)
    ]
    return checks.assign(found=pd.Series(found, index=checks.index, dtype="str"))


def _write_value(value: float, unit: str) -> str:
    if pd.isna(value):
        return "could not be tried"
    if unit == "pence":
        return format_gbp(round(value))
    if unit == "0-1":
        return format_prop(value)
    if unit in PLACES:
        return f"{value:.{PLACES[unit]}f}" + (" log units" if unit == "log units" else "")
    return f"{value:,.0f}"


def arrange_robust(robust: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """Return whether each name holds when the cases are changed, by pseudonym."""
    keys = ["line_id", "consultant_code"]
    cost = named[named["measure"] == "cost"]
    who = cost[[*keys, "pseudonym", "line_name"]]
    table = robust.merge(who, on=keys, how="left", validate="one_to_one")
    table["label"] = (table["pseudonym"] + ", " + table["line_name"]).astype("str")
    for name in ("capped", "odd", "even"):
        again = table[f"is_named_{name}"].astype("boolean")
        words = again.map({True: "named again", False: "not named"}).astype("object")
        table[name] = words.where(again.notna(), "could not be tried").astype("str")
    return table.sort_values("label", ignore_index=True)


def arrange_calibration(calibration: pd.DataFrame) -> pd.DataFrame:
    """Return events beside expected events by outcome and third of risk: low, middle, high.

    Tenths of the patients are joined, as rare outcomes have few events in each.
    """
    if calibration.empty:
        return calibration.assign(outcome_words="", n_spells=0, over_expected=0.0)
    third = pd.cut(calibration["decile"], [0, 3, 7, 10], labels=["low risk", "middle", "high risk"])
    sums = (
        calibration.assign(third=third)
        .groupby(["outcome", "third"], observed=True, sort=True)[["n", "observed", "expected"]]
        .sum()
        .reset_index()
    )
    names = sums["outcome"].map(lambda code: name_term("outcome", code))
    sums["outcome_words"] = (names + ", " + sums["third"].astype("str")).astype("str")
    sums["n_spells"] = sums["n"]
    ratio = sums["observed"] / sums["expected"]
    sums["over_expected"] = ratio.where(sums["expected"] >= LEAST_EXPECTED)
    return sums
