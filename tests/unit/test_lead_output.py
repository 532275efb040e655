"""Clinical output of leads: activity for each session of care, beside the line's others."""

import numpy as np
import pandas as pd
import pytest

from helpers.outliers.lead_output import compare_leads, measure_output, pool_leads


def people(*rows):
    """Rows of (consultant, leads, from)."""
    frame = pd.DataFrame(rows, columns=["consultant_code", "is_line_lead", "lead_from"])
    return frame.assign(line_id="L0", lead_from=pd.to_datetime(frame["lead_from"]), lead_to=pd.NaT)


def plans(**pas):
    rows = [(who, activity, n) for who, given in pas.items() for activity, n in given.items()]
    frame = pd.DataFrame(rows, columns=["consultant_code", "activity", "pas"])
    return frame.assign(**{"from": pd.Timestamp("2024-04-01"), "to": pd.NaT})


def activity(**pence):
    months = [202404 + k for k in range(9)] + [202501, 202502, 202503]
    rows = [(who, month, amount) for who, amount in pence.items() for month in months]
    return pd.DataFrame(rows, columns=["consultant_code", "month", "activity_pence"])


def four(lead_from="2023-04-01"):
    care = {"clinic": 4.0, "spa": 2.0}
    return measure_output(
        activity(C1=8_000, C2=4_000, C3=6_000, C4=10_000),
        people(("C1", True, lead_from), ("C2", False, None), ("C3", False, None), ("C4", False, None)),
        plans(C1=care, C2=care, C3=care, C4=care),
        year=2024,
    )  # fmt: skip


def test_only_direct_care_counts_and_peers_are_the_median():
    output = four()
    assert len(output) == 4 * 12
    assert output["care_pas"].eq(4.0).all()
    row = compare_leads(output).iloc[0]
    # 8,000 / 4 = 2,000 against the median of 1,000, 1,500 and 2,500
    assert (row["pence_per_pa"], row["peers_pence_per_pa"], row["n_peers"]) == (2_000, 1_500, 3)
    assert row["ratio"] == pytest.approx(4 / 3)
    assert np.isnan(row["ratio_before"])


def test_months_before_leading_are_kept_apart():
    output = four("2024-10-01")
    assert output[output["is_lead"]]["month"].min() == "2024-10"
    row = compare_leads(output).iloc[0]
    assert (row["n_months"], row["n_months_before"]) == (6, 6)
    assert row["ratio_before"] == pytest.approx(4 / 3)


def test_a_lead_with_two_peers_is_not_compared():
    output = four()
    assert compare_leads(output[output["consultant_code"] != "C4"]).empty


def test_the_typical_ratio_has_an_interval_and_needs_three_leads():
    summary = pd.DataFrame({"ratio": [0.8, 1.0, 1.25]})
    centre, low, high = pool_leads(summary)
    # logs -0.2231, 0, 0.2231: mean 0, error 0.2231 / sqrt 3; t(2) at 95% is 2.92
    assert centre == pytest.approx(1.0)
    assert high == pytest.approx(np.exp(2.919986 * 0.223144 / np.sqrt(3)), rel=1e-5)
    assert low == pytest.approx(1 / high)
    assert np.isnan(pool_leads(summary.head(2))).all()
