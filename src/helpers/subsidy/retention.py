"""What each line could keep: four rules, and what keeping does to the surplus the trust needs.

A line that keeps part of what it earned may spend it on its own service. Whatever lines keep is not
there for the rest of the trust, so nothing is kept before the trust's required surplus is met.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import pdtrc

from helpers.contracts import QueryEngine
from helpers.contracts.money import hamilton
from helpers.contracts.terms import UNMAPPED

RULES = ("R0", "R1", "R2", "R3")
KEPT_OF_GAIN_PROP = 0.5  # R1: of a contribution above plan
MARGIN_GIVEN_PROP = 0.02  # R3: of income, given up before anything is kept
WEAK_GRADES = ("D", "E")
ALARM_PROP = 0.001  # chance of as many bad outcomes if the line were like the others
QUALITY, CREDIBILITY, OPEN = "quality", "credibility", ""

OUTCOMES = """
SELECT e.line_id, o.measure, count(*) AS n, sum(o.value) AS observed, sum(o.expected) AS expected
FROM outcomes o
JOIN (
    SELECT DISTINCT spell_id AS event_id, line_id FROM patient_events
    WHERE event_kind = 'episode' AND is_discharging
    UNION ALL
    SELECT event_id, line_id FROM patient_events WHERE event_kind <> 'episode'
) e ON e.event_id = o.event_id
WHERE o.value IS NOT NULL AND o.expected IS NOT NULL
  AND o.measure IN ('readmit_30d', 'death_30d', 'return_theatre', 'complication')
GROUP BY e.line_id, o.measure
ORDER BY e.line_id, o.measure
"""
NO_OUTCOMES = pd.DataFrame(
    {
        "line_id": pd.Series(dtype="str"),
        "measure": pd.Series(dtype="str"),
        "n": pd.Series(dtype="int64"),
        "observed": pd.Series(dtype="float64"),
        "expected": pd.Series(dtype="float64"),
        "chance_prop": pd.Series(dtype="float64"),
    }
)


@dataclass(frozen=True)
class Retention:
    """Tables ``retention``, ``retention_totals`` and ``quality_gates``."""

    retention: pd.DataFrame
    retention_totals: pd.DataFrame
    quality_gates: pd.DataFrame


def score_outcomes(db: QueryEngine) -> pd.DataFrame:
    """Hold each line's bad outcomes against their risk, from ``outcomes`` and ``patient_events``.

    Risks are first set to the trust's level of each measure, so that a line is held against the
    others. The chance is that of as many bad outcomes or more (Poisson, exact for small numbers).

    Returns
    -------
    pd.DataFrame
        Table ``quality_gates``: ``line_id, measure, n, observed, expected, chance_prop``.
    """
    found = db.frame(OUTCOMES)
    if found.empty:
        return NO_OUTCOMES.copy()
    sums = found.groupby("measure")[["observed", "expected"]].transform("sum")
    level = (sums["observed"] / sums["expected"].where(sums["expected"] > 0)).fillna(1.0)
    found["observed"] = found["observed"].round(6)
    found["expected"] = (found["expected"] * level).round(6)
    at_least_one = found["observed"] >= 1
    chance = pdtrc(np.floor(found["observed"]).clip(lower=1) - 1, found["expected"])
    found["chance_prop"] = chance.where(at_least_one, 1.0).round(9)
    return found.astype({"n": "int64"})[list(NO_OUTCOMES)]


def find_gates(lines: pd.Series, credibility: pd.DataFrame, outcomes: pd.DataFrame) -> pd.Series:
    """Return for each line which gate keeps it from retaining: quality, credibility or blank.

    Quality closes when a bad outcome is so frequent that chance alone would give it to fewer than one
    line in a thousand; credibility when too little of the line's cost is traced (grade D or E).
    """
    weak = credibility.loc[credibility["grade"].isin(WEAK_GRADES), "line_id"]
    alarm = outcomes[outcomes["chance_prop"] < ALARM_PROP]
    gates = pd.Series(OPEN, index=lines.index, dtype="str")
    gates = gates.mask(lines.isin(weak), CREDIBILITY)
    return gates.mask(lines.isin(alarm["line_id"]), QUALITY)


def total_plan(plan: pd.DataFrame) -> pd.Series:
    """Return each line's planned contribution (T2) of the year, whole pence."""
    planned = plan["income_pence"] - plan["direct_pence"] - plan["indirect_pence"]
    return planned.astype("int64").groupby(plan["line_id"]).sum()


def find_retention(
    position: pd.DataFrame,
    planned: pd.Series,
    gates: pd.Series,
    outcomes: pd.DataFrame,
    *,
    trust_surplus_pence: int,
    required_surplus_pence: int,
    fy: str,
) -> Retention:
    """Return what each line would claim and keep under each rule.

    R0 nothing. R1 half of a contribution above plan. R2 what the trust can spare, shared by surplus.
    R3 what a surplus holds beyond 2% of income. Claims beyond what the trust can spare, its surplus less
    the required one, are scaled down alike, to the penny.

    Parameters
    ----------
    planned
        ``total_plan``; a line without a plan claims nothing under R1.
    gates
        ``find_gates`` for ``position``; a claim behind a closed gate is nought.
    fy
        The year, as ``2024/25``.
    """
    spare = max(0, trust_surplus_pence - required_surplus_pence)
    lines = position.assign(gate=gates.to_numpy())
    lines = lines[lines["line_id"] != UNMAPPED].sort_values("line_id", ignore_index=True)
    tables, totals = [], []
    for rule in RULES:
        ungated = _claim(rule, lines, planned, spare)
        claims = ungated.where(lines["gate"] == OPEN, 0)
        kept = _scale_down(claims, lines["line_id"], spare)
        columns = {
            "line_id": lines["line_id"], "fy": fy, "rule": rule, "ungated_pence": ungated,
            "gate": lines["gate"], "claim_pence": claims, "kept_pence": kept,
        }  # fmt: skip
        tables.append(pd.DataFrame(columns))
        totals.append(
            {
                "fy": fy,
                "rule": rule,
                "claim_pence": int(claims.sum()),
                "kept_pence": int(kept.sum()),
                "trust_surplus_pence": trust_surplus_pence,
                "required_pence": required_surplus_pence,
                "left_pence": trust_surplus_pence - int(kept.sum()),
                "required_next_pence": required_surplus_pence + int(kept.sum()),
            }
        )
    return Retention(pd.concat(tables, ignore_index=True), pd.DataFrame(totals), outcomes)


def check_retention(found: Retention) -> pd.DataFrame:
    """Compare what lines keep and what is left with the trust's surplus, rule by rule (R20)."""
    kept = found.retention.groupby("rule")["kept_pence"].sum()
    totals = found.retention_totals
    left = int((totals["left_pence"] + totals["rule"].map(kept)).sum())
    words = "Kept by lines and left to the trust, four rules added = four times its surplus"
    rows = [("R20", words, left, int(totals["trust_surplus_pence"].sum()))]
    return pd.DataFrame(rows, columns=["id", "description", "left_pence", "right_pence"])


def _claim(rule: str, lines: pd.DataFrame, planned: pd.Series, spare: int) -> pd.Series:
    if rule == "R1":
        above = lines["contribution_pence"] - lines["line_id"].map(planned)
        return _round_half_down(above.fillna(0).clip(lower=0).astype("float64") * KEPT_OF_GAIN_PROP)
    if rule == "R2":
        surplus = lines["surplus_pence"].clip(lower=0)
        if surplus.sum() == 0:
            return surplus
        shared = hamilton(
            min(spare, int(surplus.sum())), surplus.tolist(), lines["line_id"].tolist()
        )
        return pd.Series(shared, index=lines.index, dtype="int64")
    if rule == "R3":
        given = (lines["income_pence"] * MARGIN_GIVEN_PROP).round().astype("int64")
        return (lines["surplus_pence"] - given).clip(lower=0)
    return pd.Series(0, index=lines.index, dtype="int64")


def _scale_down(claims: pd.Series, names: pd.Series, spare: int) -> pd.Series:
    """Return claims, or what is to spare shared in proportion to them if they ask for more."""
    if int(claims.sum()) <= spare:
        return claims.astype("int64")
    shared = hamilton(spare, claims.tolist(), names.tolist())
    return pd.Series(shared, index=claims.index, dtype="int64")


def _round_half_down(amounts: pd.Series) -> pd.Series:
    """Return whole pence; half a penny is not claimed."""
    return np.ceil(amounts - 0.5).astype("int64")
