"""The spells that consultants are compared on: one row a completed spell, and why others are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import UNMAPPED
from helpers.outliers.scores import SCORES

NO_CONSULTANT = "C9999998"
UNGROUPABLE = "UZ%"
READMISSION = "readmit_30d"
FRIENDS_AND_FAMILY = "fft"  # 1 where the patient found the care good or very good, 0 where not
BINARY_OUTCOMES = ("readmit_30d", "death_30d", "complication", "return_theatre", FRIENDS_AND_FAMILY)
MIN_COST_GBP = 1.0

EXCLUSION_WORDS = (
    ("kept", "compared"),
    (
        "not_whole",
        "began before the year or not ended in it, so that part of the cost is elsewhere",
    ),
    ("regular", "regular day or night attenders"),
    ("no_consultant", "consultant not known"),
    ("ungroupable", "no HRG, or an ungroupable one"),
    ("unmapped", "no service line"),
)

SPELL_SQL = f"""
WITH totals AS (
    SELECT spell_id,
           sum(controllable_pence) AS controllable_pence,
           sum(ward_pence) AS ward_pence,
           max(CASE WHEN completion = 1 THEN 0 ELSE 1 END) AS is_part
    FROM patient_events
    WHERE event_kind = 'episode'
    GROUP BY spell_id
)
SELECT e.spell_id, e.line_id, e.consultant_code, e.hrg_spell AS hrg,
       CASE WHEN e.admission_method IN ('11', '12', '13') THEN 'EL' ELSE 'EM' END AS admission_type,
       e.patient_classification, e.discharge_method, e.age, e.sex, e.imd_decile, e.los_days,
       extract(month FROM e.discharge_dt) AS month,
       t.controllable_pence, t.ward_pence,
       CASE WHEN t.is_part = 1 THEN 'not_whole'
            WHEN e.patient_classification IN ('3', '4') THEN 'regular'
            WHEN e.consultant_code IS NULL OR e.consultant_code IN ('', '{NO_CONSULTANT}')
                THEN 'no_consultant'
            WHEN e.hrg_spell IS NULL OR e.hrg_spell = '' OR e.hrg_spell LIKE '{UNGROUPABLE}'
                THEN 'ungroupable'
            WHEN e.line_id IS NULL OR e.line_id = '{UNMAPPED}' THEN 'unmapped'
            ELSE 'kept' END AS reason
FROM patient_events e
JOIN totals t ON t.spell_id = e.spell_id
WHERE e.event_kind = 'episode' AND e.is_discharging
"""


@dataclass(frozen=True)
class SpellSample:
    """Spells to compare, what was left out, and the money they are part of.

    Attributes
    ----------
    spells
        One row a spell: ``line_id, consultant_code, hrg, admission_type, patient_classification,
        age, sex, imd_decile, los_days, month`` (of discharge) ``, cost_gbp, ward_gbp``, and for each outcome a ``value_`` and
        an ``expected_`` column (missing where not recorded).
    exclusions
        ``reason, words, n_spells, controllable_pence``; reason ``kept`` comes first.
    controllable
        ``line_id, controllable_pence``: all events of each line, attendances among them.
    outcomes
        Outcome measures found.
    """

    spells: pd.DataFrame
    exclusions: pd.DataFrame
    controllable: pd.DataFrame
    outcomes: tuple[str, ...]


def select_spells(db: QueryEngine) -> SpellSample:
    """Build the comparison's spells from ``patient_events`` and, where present, ``clean_outcomes``.

    A spell belongs to the consultant and line of its discharging episode, and its cost is the
    controllable cost (direct and indirect, above EBITDA) of all its episodes, so that no cost is
    counted under two consultants.
    """
    db.create("review_spells", SPELL_SQL)
    counts = db.frame(
        "SELECT reason, count(*) AS n_spells, "
        "CAST(sum(controllable_pence) AS BIGINT) AS controllable_pence "
        "FROM review_spells GROUP BY reason ORDER BY reason"
    )
    controllable = db.frame(
        "SELECT line_id, CAST(sum(controllable_pence) AS BIGINT) AS controllable_pence "
        "FROM patient_events GROUP BY line_id ORDER BY line_id"
    )
    measures = _find_outcomes(db)
    spells = db.frame(_outcome_sql(measures))
    db.drop("review_spells")
    return SpellSample(
        prepare_spells(spells, measures), _describe_exclusions(counts), controllable, measures
    )


def prepare_spells(spells: pd.DataFrame, outcomes: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return spells with costs in pounds, numbers as floats, and no cost below £1.

    A cost at or below zero cannot stand in a model of ratios; it becomes £1 and is counted by
    ``is_floored``. A readmission cannot follow a death in hospital: those rows lose it. Friends and
    Family answers are turned round, so that 1 is the bad event as in the other outcomes; if any is
    not from 0 to 1, all are left out, as the national codes run the other way (decision D-333).
    """
    ready = spells.copy()
    for name in ("age", "imd_decile", "los_days"):
        ready[name] = pd.to_numeric(ready[name]).astype("float64")
    cost_gbp = ready["controllable_pence"].astype("float64") / 100
    ready["is_floored"] = cost_gbp < MIN_COST_GBP
    ready["cost_gbp"] = np.maximum(cost_gbp, MIN_COST_GBP)
    ready["ward_gbp"] = np.clip(ready["ward_pence"].astype("float64") / 100, 0.0, ready["cost_gbp"])
    ready["los_days"] = ready["los_days"].clip(lower=0.0)
    for measure in outcomes:
        ready[f"value_{measure}"] = pd.to_numeric(ready[f"value_{measure}"]).astype("float64")
        ready[f"expected_{measure}"] = pd.to_numeric(ready[f"expected_{measure}"]).astype("float64")
    if FRIENDS_AND_FAMILY in outcomes:
        answers = ready[f"value_{FRIENDS_AND_FAMILY}"]
        is_share = bool(answers.dropna().between(0, 1).all())
        ready[f"value_{FRIENDS_AND_FAMILY}"] = (1 - answers) if is_share else np.nan
        ready[f"expected_{FRIENDS_AND_FAMILY}"] = 1 - ready[f"expected_{FRIENDS_AND_FAMILY}"]
    if READMISSION in outcomes:
        died = ready["discharge_method"] == "4"
        ready.loc[died, f"value_{READMISSION}"] = np.nan
    return ready


def _find_outcomes(db: QueryEngine) -> tuple[str, ...]:
    if not db.has("clean_outcomes"):
        return ()
    found = set(db.frame("SELECT DISTINCT measure FROM clean_outcomes")["measure"])
    return tuple(measure for measure in (*BINARY_OUTCOMES, *SCORES) if measure in found)


def _outcome_sql(measures: tuple[str, ...]) -> str:
    """Return the SELECT of kept spells with one pair of columns for each outcome."""
    kept = "SELECT s.* FROM review_spells s WHERE s.reason = 'kept' ORDER BY s.spell_id"
    if not measures:
        return kept
    pairs = ", ".join(
        f"max(CASE WHEN measure = '{m}' THEN value END) AS value_{m}, "
        f"max(CASE WHEN measure = '{m}' THEN expected END) AS expected_{m}"
        for m in measures
    )
    names = ", ".join(f"o.value_{m}, o.expected_{m}" for m in measures)
    return (
        f"WITH o AS (SELECT event_id, {pairs} FROM clean_outcomes GROUP BY event_id) "
        f"SELECT s.*, {names} FROM review_spells s LEFT JOIN o ON o.event_id = s.spell_id "
        "WHERE s.reason = 'kept' ORDER BY s.spell_id"
    )


def _describe_exclusions(counts: pd.DataFrame) -> pd.DataFrame:
    words = pd.DataFrame(list(EXCLUSION_WORDS), columns=["reason", "words"])
    table = words.merge(counts, on="reason", how="left", validate="one_to_one")
    for name in ("n_spells", "controllable_pence"):
        table[name] = pd.to_numeric(table[name]).fillna(0).astype("int64")
    return table
