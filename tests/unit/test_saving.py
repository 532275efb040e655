"""The saving: what counts, its interval, and the share that could be released."""

import numpy as np
import pandas as pd
import pytest

from helpers.outliers.consultants import review_consultants
from helpers.outliers.contamination import State, fit_contamination
from helpers.outliers.natural import fix_natural
from helpers.outliers.posterior import split_at_state, split_posterior
from helpers.outliers.saving import (
    empty_saving,
    estimate_saving,
    expect_excess,
    find_quantiles,
    measure_variable_prop,
)
from unit.review_trust import invent_spells, make_sample, name_consultants


def peers_with(benefits, theta=0.35):
    """Two lines of ten; the first consultants of each are named and classed."""
    n = 20
    flags = ["outlier"] * len(benefits) + ["none"] * (n - len(benefits))
    return pd.DataFrame(
        {
            "line_id": ["A"] * 10 + ["B"] * 10,
            "consultant_code": [f"C{k:07d}" for k in range(n)],
            "theta": [theta] * len(benefits) + [0.0] * (n - len(benefits)),
            "std_error": 0.03,
            "base": 100_000.0,
            "flag": flags,
            "benefit": [*benefits, *["not_assessed"] * (n - len(benefits))],
        }
    )


def save(peers, **more):
    line = pd.factorize(peers["line_id"])[0]
    theta, error = peers["theta"].to_numpy(), peers["std_error"].to_numpy()
    model = fit_contamination(theta, error, line)
    mixture = split_posterior(theta, error, line, model)
    settings = {"controllable_pence": 200_000_000, "variable_prop": 0.4, "seed": 1} | more
    return estimate_saving(peers, mixture, model, line, **settings)


def test_the_expected_excess_of_one_certain_effect_is_the_ratio_times_the_norm():
    # tau and error so small that the effect is known: £100,000 x (e^0.3 - 1) at a norm of zero
    state = State(np.array([0.0]), np.array([1.0, 0.0, 0.0]), np.array([1.0]))
    mixture = split_at_state(
        np.array([0.3]), np.array([1e-6]), np.array([0]), fix_natural(0.32), state
    )
    found = expect_excess(np.array([100_000.0]), mixture)
    assert found[0] == pytest.approx(100_000 * np.expm1(0.3), rel=1e-6)


def test_only_no_better_and_worse_count():
    found = save(peers_with(["no_better", "worse", "better", "inconclusive", "unknown"]))
    rows = found.by_consultant.set_index("consultant_code")
    counted = rows.loc[["C0000000", "C0000001"], "excess_pence"].sum()
    assert rows.loc["TOTAL", "saving_pence"] == counted
    assert (rows.loc[["C0000002", "C0000003", "C0000004"], "saving_pence"] == 0).all()
    totals = found.totals.set_index("measure")["amount_pence"]
    assert totals["identified"] == totals["counted"] + totals["better"] + totals["not_known"]
    assert rows.loc["TOTAL", "excess_pence"] == totals["identified"]


def test_the_interval_holds_the_estimate_and_the_release_is_a_share_of_it():
    totals = save(peers_with(["no_better", "worse"])).totals.set_index("measure")
    counted = totals.loc["counted"]
    assert counted["ci_low_pence"] < counted["amount_pence"] < counted["ci_high_pence"]
    assert totals.loc["releasable", "amount_pence"] == round(counted["amount_pence"] * 0.4)
    assert counted["controllable_prop"] == counted["amount_pence"] / 200_000_000


def test_an_unknown_variable_share_leaves_the_release_missing():
    totals = save(peers_with(["worse"]), variable_prop=float("nan")).totals.set_index("measure")
    assert pd.isna(totals.loc["releasable", "amount_pence"])


def test_another_seed_moves_the_interval_and_not_the_estimate():
    first, second = save(peers_with(["worse"])), save(peers_with(["worse"]), seed=2)
    assert first.totals["amount_pence"][1] == second.totals["amount_pence"][1]
    assert first.totals["ci_low_pence"][1] != second.totals["ci_low_pence"][1]


def test_nobody_to_compare_means_a_saving_of_zero():
    found = empty_saving()
    assert found.by_consultant["saving_pence"].tolist() == [0]
    assert found.totals["amount_pence"].tolist() == [0] * 10


def test_quantiles_of_lines_are_numpys():
    values = np.array([4.0, 9.0, 1.0, 3.0, 2.0, 7.0])
    line = np.array([0, 1, 0, 0, 0, 1])
    # line 0 holds 1, 2, 3, 4: a quarter of the way is at place 0.75, so 1.75; line 1 holds 7 and 9
    assert find_quantiles(values, line, 0.25).tolist() == [1.75, 7.5]
    assert find_quantiles(values, line, 0.5).tolist() == [2.5, 8.0]


def test_the_headline_is_smaller_than_bringing_everyone_to_the_median_or_further():
    spells = invent_spells(21, planted={(0, 3): 1.4})
    found = review_consultants(make_sample(spells), name_consultants(spells), seed=1)
    totals = found.saving_totals.set_index("measure")["amount_pence"]
    assert 0 < totals["counted"] < totals["to_median"] < totals["to_quartile"]


def test_variable_share_follows_the_ledger_of_clinical_departments():
    ledger = pd.DataFrame(
        {
            "cost_centre": ["1000", "1000", "2000", "1000"],
            "expense_code": ["DRUG", "NURSE", "DRUG", "SALE"],
            "amount_pence": [30_000, 70_000, 900_000, -50_000],
        }
    )
    expenses = pd.DataFrame(
        {
            "expense_code": ["DRUG", "NURSE", "SALE"],
            "account_type": ["expenditure", "expenditure", "clinical_income"],
            "element": ["DRUGS", "PAY_NURSING", None],
            "variable_share_12m": [1.0, 0.2, None],
        }
    )
    centres = pd.DataFrame({"cost_centre": ["1000", "2000"], "department_id": ["WARD", "ESTATES"]})
    departments = pd.DataFrame(
        {"department_id": ["WARD", "ESTATES"], "kind": ["clinical", "service"]}
    )
    found = measure_variable_prop(ledger, expenses, centres, departments, ("DRUGS", "PAY_NURSING"))
    # (300 x 1.0 + 700 x 0.2) / 1,000
    assert found == pytest.approx(0.44)
    none = measure_variable_prop(
        ledger, expenses.drop(columns="variable_share_12m"), centres, departments, ("DRUGS",)
    )
    assert np.isnan(none)
