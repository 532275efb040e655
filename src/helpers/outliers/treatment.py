"""How care differs: theatre time, tests, drugs, implants, day cases and follow-ups by consultant.

Cost says that something differs; these measures say what. Each consultant's patients are set beside
those of the line's other consultants with the same HRG and way of coming. A difference here is a
fact to talk about. It names nobody and enters no saving (decision D-186).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from helpers.contracts import QueryEngine
from helpers.outliers.multiplicity import adjust_p_values
from helpers.outliers.spells import SPELL_SQL
from helpers.outliers.stay_expected import assign_cells, expect_days, pair_groups
from helpers.outliers.stay_groups import (
    estimate_natural_variation,
    find_p_values,
    measure_shuffles,
)

MIN_SPELLS = 20
MIN_CONSULTANTS = 5
MIN_EXPECTED_EVENTS = 5.0  # of a measure that is yes or no
MAX_Q_VALUE = 0.05
MATERIAL_PROP = 0.10
RANGE_Z = 1.96
KEYS = ["line_id", "consultant_code"]
COLUMNS = [
    *KEYS, "measure", "n", "observed", "expected", "rate", "peer_rate", "ratio", "range_low",
    "range_high", "natural_prop", "p_value", "q_value", "flag",
]  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """One thing that consultants do more or less of.

    Attributes
    ----------
    name
        As in the table of results.
    value
        Column of the rows: an amount, or 0 and 1.
    is_event
        The value is yes or no, so that few expected events are not tested.
    """

    name: str
    value: str
    is_event: bool = False


MEASURES = (
    Measure("theatre_minutes", "theatre_minutes"),
    Measure("tests", "n_tests"),
    Measure("drugs", "drug_gbp"),
    Measure("implants", "implant_gbp"),
    Measure("day_case", "is_day_case", is_event=True),
    Measure("follow_up", "is_follow_up", is_event=True),
)

# One row a spell; a quantity that no file records for any patient stays missing for all of them.
FEEDS = {
    "theatre_minutes": (
        "clean_theatre_cases",
        "SELECT spell_id, sum(date_diff('second', into_dt, out_dt)) / 60e0 AS theatre_minutes "
        "FROM clean_theatre_cases WHERE spell_id IS NOT NULL GROUP BY spell_id",
    ),
    "n_tests": (
        "clean_tests",
        'SELECT spell_or_attendance_id AS spell_id, sum("count") * 1e0 AS n_tests FROM clean_tests '
        "WHERE spell_or_attendance_id IS NOT NULL GROUP BY spell_or_attendance_id",
    ),
    "drug_gbp": (
        "clean_drug_issues",
        "SELECT spell_or_attendance_id AS spell_id, sum(cost_pence) / 100e0 AS drug_gbp "
        "FROM clean_drug_issues WHERE spell_or_attendance_id IS NOT NULL "
        "GROUP BY spell_or_attendance_id",
    ),
    "implant_gbp": (
        "clean_implants",
        "SELECT spell_id, sum(cost_pence) / 100e0 AS implant_gbp FROM clean_implants "
        "WHERE spell_id IS NOT NULL GROUP BY spell_id",
    ),
}
# Every spell is compared on these, a spell without any counting as none; on the others only spells
# that have some: how long an operation takes, not whether there is one.
COUNTS_NONE = ("n_tests", "drug_gbp")
VISIT_SQL = """
SELECT line_id, tfc, consultant_code, CASE WHEN pod = 'OPFU' THEN 1e0 ELSE 0e0 END AS is_follow_up
FROM patient_events
WHERE event_kind = 'op' AND pod IN ('OPFA', 'OPFU') AND consultant_code IS NOT NULL
  AND consultant_code NOT IN ('', 'C9999998')
ORDER BY line_id, tfc, consultant_code, is_follow_up
"""


def select_care(db: QueryEngine) -> dict[str, pd.DataFrame]:
    """Return the rows of every measure whose file is there: ``line_id, consultant_code, cell`` and value.

    A cell is what is alike: the HRG and way of coming within a line for spells, the treatment
    function within a line for attendances. Records that carry no spell's number are not counted.
    """
    db.create("care_spells", SPELL_SQL)
    names = [name for name, (table, _) in FEEDS.items() if db.has(table)]
    joins = " ".join(
        f"LEFT JOIN ({FEEDS[name][1]}) f{k} ON f{k}.spell_id = s.spell_id"
        for k, name in enumerate(names)
    )
    columns = "".join(f", f{k}.{name}" for k, name in enumerate(names))
    spells = db.frame(
        "SELECT s.line_id, s.consultant_code, s.hrg, s.admission_type, s.patient_classification"
        f"{columns} FROM care_spells s {joins} WHERE s.reason = 'kept' ORDER BY s.spell_id"
    )
    visits = db.frame(VISIT_SQL)
    db.drop("care_spells")
    return split_care(spells, visits)


def split_care(spells: pd.DataFrame, visits: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return rows by measure from spells (one row each) and attendances (one row each)."""
    whole = spells.copy()
    for name in COUNTS_NONE:
        if name in whole and whole[name].notna().any():
            whole[name] = whole[name].fillna(0.0).clip(lower=0.0)
    elective = (whole["admission_type"] == "EL") & whole["patient_classification"].isin(["1", "2"])
    whole["is_day_case"] = (whole["patient_classification"] == "2").astype("float64")
    whole["is_day_case"] = whole["is_day_case"].where(elective)
    found = {}
    for measure in MEASURES:
        if measure.name == "follow_up":
            rows = visits.assign(cell=visits["line_id"] + "|" + visits["tfc"].fillna(""))
        elif measure.value in whole:
            rows = whole[whole[measure.value].notna()]
            rows = rows.assign(cell=_cell_within_line(rows))
        else:
            continue
        if len(rows):
            found[measure.name] = rows[[*KEYS, "cell", measure.value]].reset_index(drop=True)
    return found


def _cell_within_line(rows: pd.DataFrame) -> pd.Series:
    """Return the casemix cell of each spell among those of its line."""
    cells = [assign_cells(group) for _, group in rows.groupby("line_id", sort=True)]
    cell = pd.concat(cells) if cells else pd.Series(dtype="str")
    return rows["line_id"] + "|" + cell.reindex(rows.index)


def review_care(care: dict[str, pd.DataFrame], *, min_spells: int = MIN_SPELLS) -> pd.DataFrame:
    """Set each consultant beside the line's others, measure by measure.

    Parameters
    ----------
    care
        From ``select_care``.
    min_spells
        Fewest spells or attendances of a consultant who is tested.

    Returns
    -------
    pd.DataFrame
        One row a line, consultant and measure. ``rate`` and ``peer_rate`` are per spell or
        attendance; ``range_low`` to ``range_high`` is where 95% of consultants who treat as their
        peers do would fall, by chance and natural variation. ``flag`` is ``more``, ``less``,
        ``none``, or ``not_tested`` (too few patients, peers or expected events). The false discovery
        rate (Benjamini-Hochberg) is over all tests of all measures.
    """
    parts = [
        _review_measure(measure, care[measure.name], min_spells)
        for measure in MEASURES
        if measure.name in care
    ]
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(parts, ignore_index=True)
    tested = table["p_value"].notna().to_numpy()
    q_value = np.full(len(table), np.nan)
    q_value[tested] = adjust_p_values(table["p_value"].to_numpy()[tested])
    table["q_value"] = q_value
    far = (table["ratio"] - 1).abs() >= MATERIAL_PROP
    differs = (table["q_value"] <= MAX_Q_VALUE) & far
    more = np.where(table["ratio"] > 1, "more", "less")
    table["flag"] = np.select([~tested, differs], ["not_tested", more], "none")
    return table[COLUMNS].sort_values([*KEYS, "measure"], ignore_index=True)


def _review_measure(measure: Measure, rows: pd.DataFrame, min_spells: int) -> pd.DataFrame:
    """Compare one measure: expected values leave the consultant out, and so does the test."""
    cell = pd.factorize(rows["cell"], sort=True)[0]
    amount = rows[measure.value].to_numpy(dtype="float64")
    pairs = pair_groups(rows["line_id"] + "\t" + rows["consultant_code"], cell)
    found = expect_days(pairs, amount, cell)
    n, expected = found["n_spells"], found["expected_days"].to_numpy()
    keys = found.index.to_series().str.split("\t", n=1, expand=True)
    excess, spread, skew = measure_shuffles(pairs, amount, cell)
    enough = (n >= min_spells).to_numpy() & (expected > 0) & ~np.isnan(spread)
    if measure.is_event:
        enough &= expected >= MIN_EXPECTED_EVENTS
    in_line = pd.Series(enough, index=keys[0]).groupby(level=0).transform("sum")
    tested = enough & (in_line >= MIN_CONSULTANTS).to_numpy()
    natural = estimate_natural_variation(excess[tested], spread[tested], expected[tested])
    p_values = find_p_values(excess, spread, skew, natural * expected)
    known = np.where(expected > 0, expected, np.nan)
    width = RANGE_Z * np.sqrt((spread / known) ** 2 + natural**2)
    many = n.where(n > 0).to_numpy(dtype="float64")
    return pd.DataFrame(
        {
            "line_id": keys[0].to_numpy(),
            "consultant_code": keys[1].to_numpy(),
            "measure": measure.name,
            "n": n.to_numpy(),
            "observed": found["observed_days"].to_numpy(),
            "expected": expected,
            "rate": found["observed_days"].to_numpy() / many,
            "peer_rate": expected / many,
            "ratio": found["observed_days"].to_numpy() / known,
            "range_low": np.maximum(1 - width, 0.0),
            "range_high": 1 + width,
            "natural_prop": natural,
            "p_value": np.where(tested, p_values, np.nan),
        }
    )
