"""Whether the review can be trusted: what to look at before anybody is asked about a finding.

``check_review`` gathers it in one table, ``list_robust`` says of each consultant named whether the
name holds with dear cases capped and in each half of the year, and ``calibrate_risk`` sets events
beside the risk that was expected.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.outliers.contamination import NORMAL_CHANCE
from helpers.outliers.peers import Fit, screen_cost
from helpers.outliers.plain_checks import check_plainly
from helpers.outliers.posterior import find_least

MIN_CASES_CAP = 20  # of an HRG and kind of admission, for a cap of its own
CAP_SPANS = 1.5  # interquartile ranges above the third quartile
DECILES = 10
MIN_EVENTS = 10.0  # expected in a tenth of the patients, to hold observed events against
CHECK_COLUMNS = ("check_id", "label", "value", "unit")


def list_robust(spells: pd.DataFrame, named: pd.DataFrame, *, min_spells: int) -> pd.DataFrame:
    """Return, for each consultant named, whether the name holds when the cases are changed.

    Parameters
    ----------
    spells
        Cases compared, with ``month`` (1-12) where the date is known.
    named
        ``line_id, consultant_code`` of those named.

    Returns
    -------
    pd.DataFrame
        Those rows with ``is_named_capped``, ``is_named_odd`` and ``is_named_even``; missing where
        it could not be tried. A half of the year has half the cases, so a name that is lost in one
        is weaker evidence, not an error.
    """
    table = named[["line_id", "consultant_code"]].reset_index(drop=True)
    if table.empty:
        return table.assign(
            **{f"is_named_{name}": pd.Series(dtype="boolean") for name in ("capped", "odd", "even")}
        )
    capped = spells.assign(cost_gbp=cap_costs(spells))
    tried = {"capped": screen_cost(capped, min_spells=min_spells)}
    if "month" in spells and spells["month"].notna().any():
        is_odd = spells["month"] % 2 == 1
        is_even = spells["month"] % 2 == 0
        for name, rows in (("odd", spells[is_odd]), ("even", spells[is_even])):
            tried[name] = screen_cost(rows, min_spells=max(min_spells // 2, 1))
    for name in ("capped", "odd", "even"):
        table[f"is_named_{name}"] = _look_up(table, tried.get(name))
    return table


def _look_up(table: pd.DataFrame, found: pd.DataFrame | None) -> pd.Series:
    if found is None:
        return pd.Series(pd.NA, index=table.index, dtype="boolean")
    both = table.merge(found, on=["line_id", "consultant_code"], how="left", validate="one_to_one")
    return both["is_named"].astype("boolean")


def cap_costs(spells: pd.DataFrame) -> pd.Series:
    """Return costs, none above the trim point of its HRG and kind of admission.

    The point is the third quartile plus 1.5 interquartile ranges; with fewer than 20 cases that of
    the HRG, and failing that none.
    """
    cost = spells["cost_gbp"]
    point = pd.Series(np.inf, index=spells.index)
    for keys in (["line_id", "hrg"], ["line_id", "hrg", "admission_type"]):
        groups = spells.groupby(keys)["cost_gbp"]
        quartiles = groups.quantile([0.25, 0.75]).unstack()
        top = quartiles[0.75] + CAP_SPANS * (quartiles[0.75] - quartiles[0.25])
        top = top.where(groups.size() >= MIN_CASES_CAP)
        own = pd.Series(
            top.reindex(pd.MultiIndex.from_frame(spells[keys])).to_numpy(), index=spells.index
        )
        point = own.where(own.notna(), point)
    return np.minimum(cost, point)


def calibrate_risk(risks: pd.DataFrame) -> pd.DataFrame:
    """Return events beside expected events, by outcome and tenth of the patients from low risk to high.

    Parameters
    ----------
    risks
        One row a case and outcome: ``outcome, event`` (0 or 1) ``, risk``.

    Returns
    -------
    pd.DataFrame
        ``outcome, decile, n, observed, expected``.
    """
    parts = []
    for outcome, rows in risks.groupby("outcome", sort=True):
        order = np.argsort(rows["risk"].to_numpy(), kind="stable")
        decile = np.empty(len(rows), dtype=np.int64)
        decile[order] = np.arange(len(rows)) * DECILES // len(rows) + 1
        sums = rows.assign(decile=decile).groupby("decile", as_index=False)
        sums = sums.agg(n=("event", "size"), observed=("event", "sum"), expected=("risk", "sum"))
        parts.append(sums.assign(outcome=outcome))
    if not parts:
        numbers = {"decile": "int64", "n": "int64", "observed": "float64", "expected": "float64"}
        return pd.DataFrame({"outcome": pd.Series(dtype="str")}).assign(
            **{name: pd.Series(dtype=kind) for name, kind in numbers.items()}
        )
    found = pd.concat(parts, ignore_index=True)
    return found[["outcome", "decile", "n", "observed", "expected"]]


def check_review(
    fit: Fit,
    spells: pd.DataFrame,
    accounts: pd.DataFrame,
    robust: pd.DataFrame,
    calibration: pd.DataFrame,
) -> pd.DataFrame:
    """Return the review's own checks, one row each: ``check_id, label, value, unit``.

    Parameters
    ----------
    fit, spells
        Cost, fitted, and the cases it was fitted to.
    accounts
        ``review_accounts``: actual = expected + named excess + the rest, by line.
    robust, calibration
        From ``list_robust`` and ``calibrate_risk``.
    """
    rows = [*_check_model(fit), *_check_accounts(accounts), *_check_names(robust)]
    if len(fit.line):
        rows += check_plainly(spells, fit.peers.iloc[: len(fit.line)])
    rows += _check_risk(calibration)
    table = pd.DataFrame(rows, columns=list(CHECK_COLUMNS))
    return table.astype({"check_id": "str", "label": "str", "value": "float64", "unit": "str"})


def _check_model(fit: Fit) -> list[tuple]:
    lines = fit.variation[fit.variation["tau"].notna()]
    if fit.screen is None or lines.empty:
        return [
            ("n_lines", "Lines in which consultants could be compared by the model", 0.0, "lines")
        ]
    weights = lines["n_spells"].to_numpy(dtype=float)
    alone = float(np.average(lines["no_comparator_prop"], weights=weights))
    return [
        ("n_lines", "Lines in which consultants could be compared by the model", float(len(lines)), "lines"),
        ("tau", "Natural variation between consultants, middle line (standard deviation)",
         float(lines["tau"].median()), "log units"),
        ("phi", "Spread of consultants’ effects over that of chance alone, middle line",
         float(lines["phi"].median()), "ratio"),
        ("heavy_tails", "Weight of the shape with heavy tails, given the trust’s data",
         fit.screen.measure_heavy(), "0-1"),
        ("heavy_assumed", "The same weight before the data", 1 - NORMAL_CHANCE, "0-1"),
        ("least_probability", "Probability of divergent practice that a name needs here",
         find_least(fit.screen), "0-1"),
        ("share_divergent", "Estimated share of consultants who are divergent and dearer", fit.screen.measure_share(), "0-1"),
        ("no_comparator", "Share of cost in HRGs that one consultant alone treats", alone, "0-1"),
    ]  # fmt: skip


def _check_accounts(accounts: pd.DataFrame) -> list[tuple]:
    names = ("actual_pence", "expected_pence", "identified_pence", "residual_pence")
    actual, expected, named, rest = (int(accounts[name].sum()) for name in names)
    return [
        ("actual", "Actual cost of those compared", float(actual), "pence"),
        ("expected", "Expected with the typical peer", float(expected), "pence"),
        ("identified", "Excess of those named", float(named), "pence"),
        ("residual", "The rest: natural variation and chance", float(rest), "pence"),
        ("difference", "Actual less the three parts", float(actual - expected - named - rest), "pence"),
    ]  # fmt: skip


def _check_names(robust: pd.DataFrame) -> list[tuple]:
    rows = [("n_named", "Consultants named", float(len(robust)), "consultants")]
    words = (
        ("capped", "Of those, named again with costs capped at the trim point"),
        ("odd", "Of those, named again on odd months alone"),
        ("even", "Of those, named again on even months alone"),
    )
    for name, label in words:
        again = robust[f"is_named_{name}"]
        value = float(again.fillna(False).sum()) if again.notna().any() else np.nan
        rows.append((f"named_{name}", label, value, "consultants"))
    both = robust["is_named_odd"].fillna(False) == robust["is_named_even"].fillna(False)
    agree = float(both.mean()) if robust["is_named_odd"].notna().any() else np.nan
    rows.append(("agree_halves", "Of those, the share on which the two halves agree", agree, "0-1"))
    return rows


def _check_risk(calibration: pd.DataFrame) -> list[tuple]:
    if calibration.empty:
        return []
    enough = calibration[calibration["expected"] >= MIN_EVENTS]
    if enough.empty:
        return []
    ratio = enough["observed"] / enough["expected"]
    top = enough["decile"] == DECILES
    return [
        ("risk_worst", "Events over expected events, the tenth of patients that is furthest from 1",
         float(ratio.iloc[int((ratio - 1).abs().to_numpy().argmax())]), "ratio"),
        ("risk_top", "Events over expected events, the tenth of patients at highest risk",
         float(enough.loc[top, "observed"].sum() / enough.loc[top, "expected"].sum()), "ratio"),
    ]  # fmt: skip
