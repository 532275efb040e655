"""The consultant review: who differs from peers, how sure that is, with what outcomes, at what cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from helpers.outliers.casemix import estimate_effects
from helpers.outliers.line_cases import read_line_cases
from helpers.outliers.outcomes import OutcomeReview, review_outcomes, stack_risks
from helpers.outliers.peers import COST, MIN_SPELLS_PEER, STAY, Fit, fit_measure
from helpers.outliers.robustness import calibrate_risk, check_review, list_robust
from helpers.outliers.saving import Saving, empty_saving, estimate_saving
from helpers.outliers.spells import SpellSample
from helpers.outliers.wording import describe_peer_status

MIN_SPELLS_NAMED = 20
STAY_SHARE = (0.25, 0.75)  # of the excess that is ward cost: below, intensity; above, stay
INPATIENT_CLASSES = ("1", "5")
REVIEW_NUMBERS = (
    "n", "observed", "expected", "ratio", "ci_low", "ci_high", "probability", "prob_low",
    "prob_material", "crude_ratio", "std_error", "tau", "reliability", "excess",
    "odds_ratio", "odds_low", "odds_high",
)  # fmt: skip
REVIEW_TEXTS = (("flag", "not_tested"), ("benefit", "not_assessed"), ("driver", ""))
ACCOUNT_COLUMNS = ("actual_pence", "expected_pence", "identified_pence", "residual_pence")


@dataclass(frozen=True)
class Review:
    """What the review found; the frames follow the output contracts of the same names.

    Attributes
    ----------
    outcome_review
        Each consultant's events, outcome by outcome.
    review_exclusions
        Spells left out, by reason, with those kept first.
    review_checks, review_robustness, risk_calibration
        Whether the review can be trusted, by ``check_review`` and its like; None if not asked for.
    everyone
        Everyone in the model of cost, named or not: ``line_id, consultant_code, excess_pence,
        excess_low_pence, excess_high_pence, own_benefit, own_driver``. Not a table of the report,
        which gives outcomes and drivers of those who stand out alone.
    """

    consultant_review: pd.DataFrame
    saving: pd.DataFrame
    saving_totals: pd.DataFrame
    specialty_variation: pd.DataFrame
    outcome_review: pd.DataFrame
    review_accounts: pd.DataFrame
    review_exclusions: pd.DataFrame
    everyone: pd.DataFrame
    review_checks: pd.DataFrame | None = None
    review_robustness: pd.DataFrame | None = None
    risk_calibration: pd.DataFrame | None = None


def review_consultants(
    sample: SpellSample,
    consultants: pd.DataFrame,
    *,
    seed: int,
    min_spells: int = MIN_SPELLS_NAMED,
    variable_prop: float = float("nan"),
    warranted: Mapping[str, str] | None = None,
    drivers_of_all: bool = False,
    with_checks: bool = True,
) -> Review:
    """Compare each consultant with the peers of the same line, on cost and on stay.

    Parameters
    ----------
    sample
        From ``select_spells``.
    consultants
        Consultants' codes and pseudonyms.
    seed
        Seed of the interval's draws; the same seed and spells give the same review.
    min_spells
        Fewest spells of a consultant who may be named.
    variable_prop
        Share of controllable cost that varies within twelve months (``measure_variable_prop``).
    warranted
        Reason code of each consultant whose difference has a good reason (``find_warranted``).
    drivers_of_all
        Whether to work out what drives the cost of everyone compared, not only of those named.
    with_checks
        Whether to try the names again with dear cases capped and on each half of the year.
    """
    spells = sample.spells
    stays = spells[
        spells["patient_classification"].isin(INPATIENT_CLASSES) & spells["los_days"].notna()
    ]
    costed = spells[spells["cost_gbp"].notna()]
    cost = fit_measure(costed, COST, min_spells=min_spells)
    stay = fit_measure(stays, STAY, min_spells=min_spells)
    outcomes = _review_lines_outcomes(
        spells, sample.outcomes, stay.peers if costed.empty else cost.peers
    )
    cost = _add_outcomes(cost, outcomes.table)
    if costed.empty:
        stay = _add_outcomes(stay, outcomes.table)
    cost = _add_drivers(cost, costed, everyone=drivers_of_all)
    cost = _add_reasons(cost, warranted or {})
    saving = _estimate_saving(cost, sample.controllable, variable_prop=variable_prop, seed=seed)
    review = pd.concat([_complete(cost, costed), _complete(stay, stays)], ignore_index=True)
    found = Review(
        consultant_review=_add_pseudonyms(review, consultants),
        saving=saving.by_consultant,
        saving_totals=saving.totals,
        specialty_variation=pd.concat([cost.variation, stay.variation], ignore_index=True),
        outcome_review=outcomes.by_measure,
        review_accounts=_account(cost),
        review_exclusions=sample.exclusions,
        everyone=_list_everyone(cost, saving),
    )
    return _add_checks(found, cost, costed, outcomes.risks, min_spells) if with_checks else found


def _add_checks(
    found: Review, cost: Fit, spells: pd.DataFrame, risks: pd.DataFrame, min_spells: int
) -> Review:
    """Return the review with its own checks."""
    named = found.consultant_review.query("measure == 'cost' and flag == 'outlier'")
    robust = list_robust(spells, named, min_spells=min_spells)
    calibration = calibrate_risk(risks)
    checks = check_review(cost, spells, found.review_accounts, robust, calibration)
    return replace(
        found, review_checks=checks, review_robustness=robust, risk_calibration=calibration
    )


def _list_everyone(cost: Fit, saving: Saving) -> pd.DataFrame:
    keys, own = ["line_id", "consultant_code"], ["own_benefit", "own_driver"]
    if cost.mixture is None:
        return saving.everyone.assign(**{name: pd.Series(dtype="str") for name in own})
    return saving.everyone.merge(
        cost.peers[[*keys, *own]], on=keys, how="left", validate="one_to_one"
    )


def _review_lines_outcomes(
    spells: pd.DataFrame, measures: tuple[str, ...], peers: pd.DataFrame
) -> OutcomeReview:
    tables, by_measure, risks = [], [], []
    for line_id, group in peers.groupby("line_id", sort=True):
        rows = spells[spells["line_id"] == line_id]
        found = review_outcomes(rows, measures, group["consultant_code"].tolist())
        tables.append(found.table.assign(line_id=line_id))
        by_measure.append(found.by_measure.assign(line_id=line_id))
        risks.append(found.risks)
    empty = review_outcomes(spells.iloc[0:0], (), [])
    return OutcomeReview(
        pd.concat(tables, ignore_index=True) if tables else empty.table.assign(line_id=""),
        pd.concat(by_measure, ignore_index=True)
        if by_measure
        else empty.by_measure.assign(line_id=""),
        stack_risks(risks),
    )


def _add_outcomes(fit: Fit, outcomes: pd.DataFrame) -> Fit:
    """Add the outcome class to the flagged, and the odds ratio to all."""
    if fit.peers.empty:
        return fit
    kept = outcomes[
        [
            "line_id",
            "consultant_code",
            "benefit",
            "odds_ratio",
            "odds_low",
            "odds_high",
            "n_outcomes",
        ]
    ]
    peers = fit.peers.merge(
        kept, on=["line_id", "consultant_code"], how="left", validate="one_to_one"
    )
    flagged = peers["flag"].isin(["outlier", "material", "indicative"])
    peers["own_benefit"] = peers["benefit"]
    peers["benefit"] = peers["benefit"].where(flagged, "not_assessed")
    known = peers["n_outcomes"] > 0
    for name in ("odds_ratio", "odds_low", "odds_high"):
        peers[name] = peers[name].where(known)
    return replace(fit, peers=peers)


def _add_drivers(fit: Fit, spells: pd.DataFrame, *, everyone: bool = False) -> Fit:
    """Add what the excess of each flagged consultant comes from: stay, intensity or both."""
    if fit.peers.empty:
        return fit
    own = pd.Series("", index=fit.peers.index, dtype="str")
    flagged = fit.peers["flag"].isin(["outlier", "material"])
    wanted = set(fit.peers.loc[flagged, "line_id"])
    if everyone:
        wanted = set(fit.peers["line_id"].iloc[: len(fit.line)])
    for line_id in sorted(wanted):
        rows = spells[(spells["line_id"] == line_id) & spells["ward_gbp"].notna()]
        if rows.empty:
            continue
        share = _measure_ward_share(rows.assign(other_gbp=rows["cost_gbp"] - rows["ward_gbp"]))
        mine = fit.peers["line_id"] == line_id
        part = fit.peers.loc[mine, "consultant_code"].map(share)
        words = np.select(
            [part > STAY_SHARE[1], part < STAY_SHARE[0]], ["stay", "intensity"], "both"
        )
        own[mine] = np.where(part.isna(), "", words)
    peers = fit.peers.assign(own_driver=own, driver=own.where(flagged, ""))
    return replace(fit, peers=peers)


def _add_reasons(fit: Fit, warranted: Mapping[str, str]) -> Fit:
    """Add the reason that the trust has found for a consultant's difference; blank without one."""
    if fit.peers.empty:
        return fit
    codes = fit.peers["consultant_code"].map(lambda code: warranted.get(code, "")).astype("str")
    return replace(fit, peers=fit.peers.assign(reason_code=codes))


def _measure_ward_share(rows: pd.DataFrame) -> pd.Series:
    """Return the share of each consultant's excess over the median peer that is ward cost."""
    excess, cases = [], read_line_cases(rows)
    for value in ("ward_gbp", "other_gbp"):
        table = estimate_effects(
            rows, value=value, kind="poisson", min_spells=MIN_SPELLS_PEER, cases=cases
        ).table.set_index("consultant_code")
        excess.append(table["base"] * (np.exp(table["theta"]) - np.exp(table["theta"].median())))
    ward, other = excess[0].align(excess[1], fill_value=0.0)
    total = ward + other
    return (ward / total.where(total > 0)).clip(0, 1)


def _estimate_saving(
    cost: Fit, controllable: pd.DataFrame, *, variable_prop: float, seed: int
) -> Saving:
    if cost.mixture is None:
        return empty_saving()
    peers = cost.peers.iloc[: len(cost.line)]
    total = int(controllable["controllable_pence"].sum())
    return estimate_saving(
        peers, cost.mixture, cost.model, cost.line,
        controllable_pence=total, variable_prop=variable_prop, seed=seed,
    )  # fmt: skip


def _complete(fit: Fit, spells: pd.DataFrame) -> pd.DataFrame:
    """Return a row for every consultant with a spell: those not compared say why."""
    value = fit.measure.value
    keys = ["line_id", "consultant_code"]
    everyone = spells.groupby(keys, as_index=False).agg(
        n_all=(value, "size"), sum_all=(value, "sum")
    )
    table = everyone.astype({"line_id": "str", "consultant_code": "str"}).merge(
        fit.peers, on=keys, how="left", validate="one_to_one"
    )
    for name in REVIEW_NUMBERS:
        table[name] = table[name].astype("float64") if name in table else np.nan
    for name, missing in REVIEW_TEXTS:
        given = table[name] if name in table else pd.Series(missing, index=table.index)
        table[name] = given.where(given.notna(), missing).astype("str")
    table["n"] = table["n"].where(table["n"].notna(), table["n_all"]).astype("int64")
    table["observed"] = table["observed"].where(table["observed"].notna(), table["sum_all"])
    if "z" not in table:
        table["z"] = np.nan
    status = [
        describe_peer_status(row.flag, measure=fit.measure.name, n=row.n, ratio=row.ratio, z=row.z)
        for row in table.itertuples()
    ]
    table = table.assign(measure=fit.measure.name, status=pd.Series(status, dtype="str"))
    texts = [name for name, _ in REVIEW_TEXTS]
    return table[[*keys, "measure", *REVIEW_NUMBERS, *texts, "status"]]


def _add_pseudonyms(review: pd.DataFrame, consultants: pd.DataFrame) -> pd.DataFrame:
    """Add the name used in the report; a consultant without one gets a neutral label, not the code."""
    names = consultants[["consultant_code", "pseudonym"]]
    table = review.merge(
        names.astype("str"), on="consultant_code", how="left", validate="many_to_one"
    )
    blank = table["pseudonym"].isna() | (table["pseudonym"].astype("str").str.strip() == "")
    order = pd.factorize(table["consultant_code"].where(blank), sort=True)[0] + 1
    labels = pd.Series(order, index=table.index).map("Unlisted-{:02d}".format)
    table["pseudonym"] = table["pseudonym"].where(~blank, labels).astype("str")
    return table


def _account(fit: Fit) -> pd.DataFrame:
    """Return, by line, actual = expected at the typical peer + named excess + the rest, in pence."""
    table = fit.peers.iloc[: len(fit.line)]
    if table.empty:
        return pd.DataFrame(
            {"line_id": pd.Series(dtype="str")}
            | {name: pd.Series(dtype="int64") for name in ACCOUNT_COLUMNS}
        )
    named = table["excess"].where(table["flag"] == "outlier", 0.0)
    pence = pd.DataFrame(
        {
            "line_id": table["line_id"],
            "actual_pence": np.rint(table["observed"] * 100).astype("int64"),
            "expected_pence": np.rint(table["expected"] * 100).astype("int64"),
            "identified_pence": np.rint(named * 100).astype("int64"),
        }
    )
    sums = pence.groupby("line_id", as_index=False).sum()
    sums["residual_pence"] = (
        sums["actual_pence"] - sums["expected_pence"] - sums["identified_pence"]
    )
    return sums
