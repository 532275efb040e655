"""The stand-alone review: any table of cases through the same engine as the report's own review."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
import pandas as pd

from helpers.outliers.consultants import Review
from helpers.outliers.spells import SpellSample, prepare_spells

MIN_CASES_NAMED = 15
OUTCOME_COLUMNS = (
    ("readmit30", "readmit_30d"),
    ("died", "death_30d"),
    ("complication", "complication"),
)
SEX_CODES = (("M", "1"), ("F", "2"))
DRIVER_WORDS = (("stay", "los"), ("intensity", "nonstay"), ("both", "both"))
DECIDED = ("better", "no_better", "worse")
SUMMARY_ROWS = (
    ("identified_saving_to_peer", "identified"),
    ("identified_saving", "divergent_named"),
    ("total_saving", "divergent"),
    ("headline_saving", "counted"),
    ("to_median_not_from_outliers", "to_median"),
    ("to_cheapest_quarter_not_from_outliers", "to_quartile"),
)
CONSULTANT_COLUMNS = (
    ("line_id", "specialty"),
    ("n", "n_episodes"),
    ("observed", "actual"),
    ("expected", "expected"),
    ("ratio", "ratio"),
    ("ci_low", "ratio_lo"),
    ("ci_high", "ratio_hi"),
    ("prob_material", "prob_above_15_percent"),
    ("flag", "tier"),
    ("tau", "natural_sd"),
    ("reliability", "reliability"),
    ("odds_ratio", "odds_ratio"),
    ("odds_low", "odds_lo"),
    ("odds_high", "odds_hi"),
    ("status", "status"),
)


def build_sample(cases: pd.DataFrame) -> SpellSample:
    """Return cases as the review's engine takes them.

    Parameters
    ----------
    cases
        Columns of the contract ``episodes`` that the file has, typed; money in pence with names
        that end ``_pence``. Every row has a specialty, a consultant and an HRG.

    Returns
    -------
    SpellSample
        Costs that are missing stay missing; those below £1 count as £1. A case without a date, an
        age or another patient's column takes no part in the adjustment for it.
    """
    outcomes = tuple(ours for theirs, ours in OUTCOME_COLUMNS if _has(cases, theirs))
    n = len(cases)
    spells = pd.DataFrame(
        {
            "spell_id": cases["episode_id"].to_numpy(),
            "line_id": cases["specialty"].to_numpy(),
            "consultant_code": cases["consultant_id"].to_numpy(),
            "hrg": cases["hrg"].to_numpy(),
            "admission_type": _take(cases, "admission_method", "EL"),
            "patient_classification": "1",
            "discharge_method": np.where(_number(cases, "died") == 1, "4", "1"),
            "age": _number(cases, "age"),
            "sex": _take(cases, "sex", "9"),
            "imd_decile": _number(cases, "imd_quintile") * 2,
            "los_days": _number(cases, "los_days"),
            "controllable_pence": _number(cases, "total_cost_pence"),
            "ward_pence": _number(cases, "ward_cost_pence"),
        },
        index=range(n),
    )
    spells["sex"] = spells["sex"].astype("str").str.upper().replace(dict(SEX_CODES))
    if _has(cases, "charlson"):
        spells["charlson"] = _number(cases, "charlson")
    if _has(cases, "admission_date"):
        spells["month"] = pd.to_datetime(cases["admission_date"]).dt.month.to_numpy()
    for theirs, ours in OUTCOME_COLUMNS:
        if ours in outcomes:
            spells[f"value_{ours}"] = _number(cases, theirs)
            spells[f"expected_{ours}"] = np.nan
    ready = prepare_spells(spells.sort_values("spell_id", ignore_index=True), outcomes)
    totals = spells.groupby("line_id", as_index=False)["controllable_pence"].sum()
    totals["controllable_pence"] = np.rint(totals["controllable_pence"]).astype("int64")
    kept = {"reason": ["kept"], "words": ["compared"], "n_spells": [n]}
    exclusions = pd.DataFrame(kept | {"controllable_pence": [totals["controllable_pence"].sum()]})
    return SpellSample(ready, exclusions, totals, outcomes)


def _has(cases: pd.DataFrame, name: str) -> bool:
    return name in cases and bool(cases[name].notna().any())


def _number(cases: pd.DataFrame, name: str) -> np.ndarray:
    if name not in cases:
        return np.full(len(cases), np.nan)
    return pd.to_numeric(cases[name]).astype("float64").to_numpy()


def _take(cases: pd.DataFrame, name: str, missing: str) -> np.ndarray:
    if name not in cases:
        return np.full(len(cases), missing, dtype=object)
    return cases[name].astype("object").where(cases[name].notna(), missing).to_numpy()


def list_consultants(sample: SpellSample) -> pd.DataFrame:
    """Return consultants' own codes as their names: who runs this review knows them."""
    codes = sorted(sample.spells["consultant_code"].unique())
    return pd.DataFrame({"consultant_code": codes, "pseudonym": codes}).astype("str")


def has_costs(sample: SpellSample) -> bool:
    """Tell whether any case has a cost."""
    return bool(sample.spells["cost_gbp"].notna().any())


def tabulate_consultants(review: Review, *, by_cost: bool) -> pd.DataFrame:
    """Return the consultants' table: one row a consultant and specialty, pounds and days as they are.

    Parameters
    ----------
    by_cost
        Whether cost was compared; if not, ``flag_high`` is of stay and the excess is missing.
    """
    shown = review.consultant_review["measure"] == ("cost" if by_cost else "los")
    rows = review.consultant_review[shown].merge(
        review.everyone, on=["line_id", "consultant_code"], how="left", validate="one_to_one"
    )
    classes = rows["own_benefit"].where(rows["own_benefit"].notna(), rows["benefit"])
    table = pd.DataFrame(
        {
            "consultant_id": rows["consultant_code"],
            "flag_high": (rows["flag"] == "outlier").astype("int64"),
            "prob_outlier": rows["probability"].round(4),
            "excess_cost": rows["excess_pence"] / 100,
            "excess_lo": rows["excess_low_pence"] / 100,
            "excess_hi": rows["excess_high_pence"] / 100,
            "outcome_class": classes.where(classes.isin(DECIDED), "inconclusive"),
            "driver": rows["own_driver"].map(dict(DRIVER_WORDS)),
        }
    )
    for ours, theirs in CONSULTANT_COLUMNS:
        is_number = pd.api.types.is_float_dtype(rows[ours])
        table[theirs] = rows[ours].round(4) if is_number else rows[ours]
    order = table.sort_values(
        ["flag_high", "prob_outlier", "specialty", "consultant_id"],
        ascending=[False, False, True, True],
    )
    return order.reset_index(drop=True)


def tabulate_summary(review: Review, *, by_cost: bool) -> pd.DataFrame:
    """Return ``measure, value, lo, hi`` in pounds; missing where cost was not compared."""
    totals = review.saving_totals.set_index("measure")
    names = ("amount_pence", "ci_low_pence", "ci_high_pence")
    rows = [
        (name, *(totals.loc[ours, names].to_numpy() / 100 if by_cost else [np.nan] * 3))
        for name, ours in SUMMARY_ROWS
    ]
    return pd.DataFrame(rows, columns=["measure", "value", "lo", "hi"])


def describe_cases(
    review: Review,
    consultants: pd.DataFrame,
    summary: pd.DataFrame,
    *,
    file: str,
    n_cases: int,
    seed: int,
    notices: Sequence[str],
    not_judged: Sequence[str],
) -> str:
    """Return the method notes: what was found, what could not be judged, how, and how sure.

    Parameters
    ----------
    consultants, summary
        As they are written.
    notices, not_judged
        From reading the file.
    """
    by_cost = summary["value"].notna().any()
    shown = review.specialty_variation["measure"] == ("cost" if by_cost else "los")
    lines = review.specialty_variation[shown]
    parts = [
        f"# Consultant review of {escape(file)}",
        _describe_finding(consultants, summary, n_cases),
        _list("What could not be judged", not_judged or ["Nothing was missing."]),
        _list("What was set aside or noticed", notices or ["Nothing."]),
        _list("By specialty", lines["line_id"].map(escape) + ": " + lines["words"]),
        _list("Checks", _describe_checks(review.review_checks)),
        _list("How to read the files", FILE_NOTES),
        _list("Method", [*METHOD_NOTES, f"Seed of the draws: {seed}."]),
    ]
    return "\n\n".join(parts) + "\n"


def _list(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"## {title}", "", *[f"- {line}" for line in lines]])


def _describe_finding(consultants: pd.DataFrame, summary: pd.DataFrame, n_cases: int) -> str:
    n_named = int(consultants["flag_high"].sum())
    tested = int((consultants["tier"] != "not_tested").sum())
    words = (
        f"{n_cases:,} cases of {consultants['consultant_id'].nunique():,} consultants; {tested:,} could be "
        f"tested. {n_named:,} differ{'s' if n_named == 1 else ''} from peers by more than natural variation and "
        "chance explain."
    )
    saving = summary.set_index("measure").loc["identified_saving_to_peer"]
    if pd.isna(saving["value"]):
        return words
    return (
        f"{words} Bringing those named to the typical peer would save £{saving['value']:,.0f} (90% interval "
        f"£{saving['lo']:,.0f} to £{saving['hi']:,.0f}); only what goes with outcomes that are no better, or "
        "worse, is counted in `headline_saving`."
    )


def _describe_checks(checks: pd.DataFrame | None) -> list[str]:
    if checks is None:
        return []
    shown = checks[checks["value"].notna()]
    return [
        f"{row.label}: £{row.value / 100:,.2f}"
        if row.unit == "pence"
        else f"{row.label}: {row.value:,.3g} {row.unit}".replace(" 0-1", " (0 to 1)")
        for row in shown.itertuples()
    ]


FILE_NOTES = (
    "`consultants.csv` has a row for each consultant and specialty. `flag_high` is 1 for those who differ from "
    "peers. `tier` says more: `outlier`, `material` (surely more than 15% dearer, but within what peers may differ "
    "by), `indicative` (a specialty of five to seven), `none` or `not_tested`. Where `prob_outlier` is empty the "
    "consultant could not be tested.",
    "`excess_cost` is the expected excess over the typical peer for the same patients, with its 90% interval. Chance "
    "has been taken out, so it is less than actual less expected of those who stand out.",
    "`outcome_class` is `inconclusive` wherever the data cannot tell, also where no outcome is recorded.",
    "`driver` says where the difference comes from: days in bed (`los`), what is done (`nonstay`), or both.",
    "`summary.csv`: `identified_saving_to_peer` brings those named to the typical peer; `identified_saving` takes "
    "away their divergent part alone and leaves natural variation; `total_saving` does so for everyone, named or "
    "not; `headline_saving` counts those named whose outcomes are no better, or worse; the last two rows are "
    "what bringing everybody to the median, or to the cheapest quarter, would give: no savings from outliers.",
)
METHOD_NOTES = (
    "Peers are the consultants of one specialty with at least 15 cases; at least eight of them are needed.",
    "Names come from a Gamma model of cost with patients' casemix and one effect a consultant, pounds from a "
    "quasi-Poisson model. Stay uses the latter.",
    "Effects are split into natural variation (its size each specialty's own, its tails normal or heavy as the "
    "data say), chance, and divergent practice. The fits are weighed by the data: how many may be divergent, nobody "
    "among them, is not assumed. Named is the largest set whose mean probability of being wrongly named is at most "
    "20% by this cautious reckoning, nobody below 60% probability, or 88% where tails may be heavy or hardly "
    "anybody may be divergent, and nobody in a specialty whose natural variation is above 15%.",
    "A finding is a reason to ask, not a verdict: coding, shared care and casemix that is not measured look "
    "like cost.",
)
