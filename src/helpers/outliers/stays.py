"""Length of stay between groups of patients: which stay longer than their casemix, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from helpers.contracts import QueryEngine
from helpers.contracts.terms import UNMAPPED
from helpers.outliers.stay_expected import assign_cells
from helpers.outliers.stay_groups import COLUMNS, MIN_GROUP_SPELLS, review_groups
from helpers.outliers.stay_hours import COLUMNS as HOURS_COLUMNS
from helpers.outliers.stay_hours import add_hours, measure_hours
from helpers.outliers.stay_trend import COLUMNS as TREND_COLUMNS
from helpers.outliers.stay_trend import trend_stays
from helpers.outliers.stay_trim import TRIM_FLOOR_DAYS, add_excess_days, find_trim_points
from helpers.outliers.stay_variation import COLUMNS as VARIATION_COLUMNS
from helpers.outliers.stay_variation import split_variation
from helpers.outliers.stay_waiting import (
    count_long_stays,
    split_gaps,
    split_waiting,
    value_excess_days,
)

AGE_EDGES_YEARS = (0, 18, 45, 65, 75, 85, 200)
AGE_BANDS = ("0-17", "18-44", "45-64", "65-74", "75-84", "85+")
DECILES_PER_QUINTILE = 2
NOT_GROUPS = ("", "nan", "<NA>", "None", "C9999998", "WARD_UNKNOWN", UNMAPPED)
SEXES = ("1", "2")
PATIENT_FACTORS = ("age_band", "sex", "imd_quintile", "admission_weekday")
NOT_KNOWN_CODES = ("98", "99")
HAD_NO_DATE = "No patient has a date of being ready to leave, so waiting cannot be told from the rest of the stay."
NO_STAYS = "There are no completed stays to compare: this trust's files hold no admitted patients."

# One row a spell, from its discharging episode; the first reason that applies is the one counted.
STAY_SQL = """
WITH whole AS (
    SELECT spell_id,
           CAST(SUM(full_cost_pence) AS BIGINT) AS full_cost_pence,
           CAST(SUM(ward_pence) AS BIGINT) AS ward_pence,
           MIN(completion) AS lowest_completion,
           MAX(completion) AS highest_completion
    FROM patient_events
    WHERE event_kind = 'episode'
    GROUP BY spell_id
)
SELECT e.spell_id, e.line_id, e.consultant_code, e.hrg_spell AS hrg, e.admission_dt, e.discharge_dt,
       CASE WHEN e.admission_method IN ('11', '12', '13') THEN 'EL' ELSE 'EM' END AS admission_type,
       e.admission_method, CAST(e.admission_dt AS DATE) AS admission_date,
       CAST(e.discharge_dt AS DATE) AS discharge_date,
       CAST(e.discharge_ready_date AS DATE) AS ready_date,
       e.discharge_destination, e.los_days, e.main_ward_id, e.age, e.sex, e.imd_decile,
       e.commissioner, w.full_cost_pence, w.ward_pence,
       (w.lowest_completion = 1 AND w.highest_completion = 1) AS is_whole_cost,
       CASE WHEN w.highest_completion >= 3 OR e.discharge_dt IS NULL THEN 'open'
            WHEN e.patient_classification IN ('2', '3', '4') THEN 'day_or_regular'
            WHEN e.discharge_method = '4' THEN 'died'
            WHEN e.los_days IS NULL OR e.los_days < 0 THEN 'no_stay'
            WHEN e.hrg_spell IS NULL OR e.hrg_spell = '' OR SUBSTRING(e.hrg_spell, 1, 2) = 'UZ'
            THEN 'no_hrg'
            ELSE 'kept' END AS reason
FROM patient_events e
JOIN whole w ON w.spell_id = e.spell_id
WHERE e.event_kind = 'episode' AND e.is_discharging
"""
REASONS = pd.DataFrame(
    [
        ("kept", "Completed stays compared"),
        ("open", "Still in hospital when the year ended"),
        ("day_or_regular", "Day cases and regular attenders, who do not stay"),
        ("died", "Patients who died in hospital, shown apart"),
        ("no_stay", "Stays without usable dates"),
        ("no_hrg", "Stays without a usable HRG"),
    ],
    columns=["reason", "label"],
)
AWAITING_COLUMNS = [
    "grouping", "group", "n_spells", "n_waiting", "bed_days", "awaiting_days", "awaiting_prop",
    "effect_days", "own_effect_days", "awaiting_effect_days", "is_mostly_waiting",
]  # fmt: skip
MIX_COLUMNS = [
    "grouping", "group", "within", "n_spells", "n_others", "mean_days", "others_mean_days", "gap_days",
    "mix_days", "practice_days",
]  # fmt: skip
TRIM_COLUMNS = [
    "hrg",
    "admission_type",
    "n_spells",
    "mean_days",
    "trim_days",
    "excess_days",
    "source",
]
LONG_COLUMNS = ["line_id", "threshold_days", "n_spells", "spells_prop", "bed_days", "bed_days_prop"]
VALUE_COLUMNS = [
    "line_id", "n_spells", "bed_days", "excess_days", "awaiting_days", "full_day_pence",
    "ward_day_pence", "variable_day_pence", "full_value_pence", "variable_value_pence",
]  # fmt: skip


@dataclass(frozen=True)
class StaySettings:
    """Choices of the review.

    ``trim_floor_days`` lowest trim point; ``min_group_spells`` spells a group needs to be tested;
    ``variable_share`` share of ward cost that varies within a year, None if not known.
    """

    trim_floor_days: float = TRIM_FLOOR_DAYS
    min_group_spells: int = MIN_GROUP_SPELLS
    variable_share: float | None = None


@dataclass(frozen=True)
class StayReview:
    """The tables of the review, by name as written, and sentences on what could not be done.

    ``exclusions`` has one row a reason (the first is the stays compared); ``n_transfers`` counts
    compared stays that ended in a move to another hospital.
    """

    stay_groups: pd.DataFrame
    stay_trim: pd.DataFrame
    stay_awaiting: pd.DataFrame
    stay_mix: pd.DataFrame
    stay_long: pd.DataFrame
    stay_value: pd.DataFrame
    stay_variation: pd.DataFrame
    stay_trend: pd.DataFrame
    stay_hours: pd.DataFrame
    exclusions: pd.DataFrame
    n_transfers: int = 0
    notes: list[str] = field(default_factory=list)


def review_stays(
    db: QueryEngine,
    *,
    prices: pd.DataFrame | None = None,
    settings: StaySettings | None = None,
    seed: int = 1,
) -> StayReview:
    """Compare stays between groups of patients with the same casemix.

    Parameters
    ----------
    db
        Engine that holds ``patient_events``.
    prices
        The trust's price list, for trim points of HRGs with few local stays.
    settings
        Choices of the review.
    seed
        Seed of the bootstrap.
    """
    settings = settings or StaySettings()
    selected = select_stays(db)
    exclusions = count_exclusions(selected)
    kept = selected[selected["reason"] == "kept"].reset_index(drop=True)
    if kept.empty:
        return _review_nothing(exclusions)
    spells = prepare_stays(kept)
    trim = find_trim_points(spells, prices, floor_days=settings.trim_floor_days)
    spells = add_excess_days(spells, trim)
    groupings = list_groupings(spells)
    cell_names = assign_cells(spells)
    cell = pd.factorize(cell_names, sort=True)[0]
    has_dates = bool(spells["ready_date"].notna().any())
    some = {name: groupings[name] for name in ("ward", "line", "consultant")}
    return StayReview(
        stay_groups=review_groups(
            spells, groupings, cell, seed=seed, min_spells=settings.min_group_spells
        ),
        stay_trim=trim,
        stay_awaiting=split_waiting(spells, some, cell)[AWAITING_COLUMNS]
        if has_dates
        else pd.DataFrame(columns=AWAITING_COLUMNS),
        stay_mix=_split_all_gaps(spells, groupings, cell),
        stay_long=count_long_stays(spells),
        stay_value=value_excess_days(spells, variable_share=settings.variable_share)[VALUE_COLUMNS],
        stay_variation=_split_variation(spells, groupings, cell_names),
        stay_trend=trend_stays(spells, cell),
        stay_hours=measure_hours(add_hours(spells), groupings, cell),
        exclusions=exclusions,
        n_transfers=int(spells["is_transfer"].sum()),
        notes=[] if has_dates else [HAD_NO_DATE],
    )


def select_stays(db: QueryEngine) -> pd.DataFrame:
    """Return one row a spell from ``patient_events``, with the reason it is kept or left out."""
    if not db.has("patient_events"):
        return pd.DataFrame(
            {"reason": pd.Series(dtype="str"), "los_days": pd.Series(dtype="float64")}
        )
    return db.frame(STAY_SQL).sort_values("spell_id", ignore_index=True)


def count_exclusions(selected: pd.DataFrame) -> pd.DataFrame:
    """Count spells and days by reason; the rows add up to all spells.

    Returns
    -------
    pd.DataFrame
        ``reason, label, n_spells, bed_days, mean_days``; reasons that never apply are shown as 0.
    """
    days = selected.assign(los_days=selected["los_days"].astype("float64").clip(lower=0))
    found = days.groupby("reason")["los_days"].agg(n_spells="size", bed_days="sum").reset_index()
    found["reason"] = found["reason"].astype("str")
    table = REASONS.merge(found, on="reason", how="left", validate="one_to_one")
    table = table.fillna({"n_spells": 0, "bed_days": 0.0}).astype({"n_spells": "int64"})
    table["mean_days"] = table["bed_days"] / table["n_spells"].where(table["n_spells"] > 0)
    return table


def prepare_stays(kept: pd.DataFrame) -> pd.DataFrame:
    """Add waiting days, and whether the stay ended in a transfer.

    Waiting runs from the day the patient was ready to leave to the day of leaving; without a date of
    being ready it is taken as none, and it never exceeds the stay.
    """
    spells = kept.astype({"los_days": "float64"})
    spells["line_id"] = spells["line_id"].astype("str").fillna(UNMAPPED)
    leaving, ready = pd.to_datetime(spells["discharge_date"]), pd.to_datetime(spells["ready_date"])
    waited = (leaving - ready).dt.days.astype("float64").fillna(0.0)
    spells["awaiting_days"] = np.minimum(waited.clip(lower=0.0), spells["los_days"])
    spells["is_transfer"] = spells["discharge_destination"].isin(["51", "52", "53"])
    return spells


def list_groupings(spells: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the group of each spell under every grouping; blank where it is not known."""
    admitted, left = (
        pd.to_datetime(spells["admission_date"]),
        pd.to_datetime(spells["discharge_date"]),
    )
    age = pd.to_numeric(spells["age"]).astype("float64")
    quintile = np.ceil(pd.to_numeric(spells["imd_decile"]).astype("float64") / DECILES_PER_QUINTILE)
    sex = spells["sex"].astype("str")
    groupings = {
        "consultant": spells["consultant_code"],
        "ward": spells["main_ward_id"],
        "line": spells["line_id"],
        "age_band": pd.cut(age, AGE_EDGES_YEARS, labels=AGE_BANDS, right=False),
        "sex": sex.where(sex.isin(SEXES), ""),
        "admission_method": _blank_unknown(spells["admission_method"]),
        "admission_weekday": admitted.dt.day_name(),
        "discharge_weekday": left.dt.day_name(),
        "imd_quintile": quintile.astype("Int64").astype("str"),
        "discharge_destination": _blank_unknown(spells["discharge_destination"]),
        "commissioner": spells["commissioner"],
    }
    return {name: _blank_missing(group) for name, group in groupings.items()}


def _blank_unknown(codes: pd.Series) -> pd.Series:
    texts = codes.astype("str")
    return texts.where(~texts.isin(NOT_KNOWN_CODES), "")


def _blank_missing(group: pd.Series) -> pd.Series:
    texts = group.astype("object").where(group.notna(), "").astype("str")
    return texts.where(~texts.isin(NOT_GROUPS), "")


def _split_all_gaps(
    spells: pd.DataFrame, groupings: dict[str, pd.Series], cell: np.ndarray
) -> pd.DataFrame:
    """Split wards' and consultants' gaps to the other patients of their main service line."""
    days = spells["los_days"].to_numpy()
    parts = [
        split_gaps(days, groupings[name], cell, groupings["line"]).assign(grouping=name)
        for name in ("ward", "consultant")
    ]
    return pd.concat(parts, ignore_index=True)[MIX_COLUMNS]


def _split_variation(
    spells: pd.DataFrame, groupings: dict[str, pd.Series], cell: pd.Series
) -> pd.DataFrame:
    """Divide variation between what patients bring and where and by whom they are treated."""
    patients = {"casemix": cell} | {name: groupings[name] for name in PATIENT_FACTORS}
    settings = {name: groupings[name] for name in ("ward", "consultant")}
    return split_variation(spells["los_days"].to_numpy(), patients, settings)


def _review_nothing(exclusions: pd.DataFrame) -> StayReview:
    return StayReview(
        stay_groups=pd.DataFrame(columns=COLUMNS),
        stay_trim=pd.DataFrame(columns=TRIM_COLUMNS),
        stay_awaiting=pd.DataFrame(columns=AWAITING_COLUMNS),
        stay_mix=pd.DataFrame(columns=MIX_COLUMNS),
        stay_long=pd.DataFrame(columns=LONG_COLUMNS),
        stay_value=pd.DataFrame(columns=VALUE_COLUMNS),
        stay_variation=pd.DataFrame(columns=VARIATION_COLUMNS),
        stay_trend=pd.DataFrame(columns=TREND_COLUMNS),
        stay_hours=pd.DataFrame(columns=HOURS_COLUMNS),
        exclusions=exclusions,
        notes=[NO_STAYS],
    )
