"""The review beside plain arithmetic and a mixed model, and the words about it."""

import numpy as np
import pandas as pd
import pytest

from helpers.outliers.consultants import review_consultants
from helpers.outliers.plain_checks import check_plainly, measure_plainly
from helpers.report.tables.review_checks import (
    arrange_calibration,
    arrange_checks,
    arrange_robust,
)
from helpers.report.words.review_checks import describe_checks
from unit.review_trust import invent_spells, make_sample, name_consultants


def two_hrgs():
    """Return spells of A and B: HRG X costs A 200 and B 100 each; A alone has 2 of HRG Y at 500."""
    rows = [("A", "X", 200.0)] * 12 + [("B", "X", 100.0)] * 12 + [("A", "Y", 500.0)] * 2
    spells = pd.DataFrame(rows, columns=["consultant_code", "hrg", "cost_gbp"])
    known = {"line_id": "L", "admission_type": "EL", "age": 60.0, "sex": "1", "imd_decile": 2.0}
    return spells.assign(**known)


def test_plain_methods_on_a_table_that_can_be_done_by_hand():
    spells = two_hrgs()
    peers = pd.DataFrame({"line_id": "L", "consultant_code": ["A", "B"]})
    found = measure_plainly(spells, peers).set_index("consultant_code")
    # the other's norm of X: A 200 / 100, B 100 / 200; nobody else treats Y
    assert found["indirect"].tolist() == [2.0, 0.5]
    # X alone is treated by both: 200 and 100 against the mean of 150
    assert found["direct"].tolist() == pytest.approx([200 / 150, 100 / 150])


def test_a_planted_consultant_is_dear_by_every_plain_method():
    spells = make_sample(invent_spells(21, planted={(0, 3): 1.5})).spells
    peers = spells[["line_id", "consultant_code"]].drop_duplicates()
    found = measure_plainly(spells, peers).set_index("consultant_code")
    found = found[found["line_id"] == "L0"]
    assert found["indirect"].idxmax() == found["direct"].idxmax() == "C0000003"
    # 50% dearer, but a mixed model draws a lone consultant to the mean
    assert found["mixed_probability"].idxmax() == "C0000003"
    assert found["mixed_probability"].drop("C0000003").max() < 0.5


def test_the_same_order_has_a_correlation_of_one_and_no_order_has_none():
    spells = make_sample(invent_spells(21, planted={(0, 3): 1.5})).spells
    spells = spells[spells["line_id"] == "L0"]
    peers = spells[["line_id", "consultant_code"]].drop_duplicates()
    plain = measure_plainly(spells, peers)
    same = plain.assign(ratio=plain["indirect"], flag="none")
    rows = {name: value for name, _, value, _ in check_plainly(spells, same)}
    assert rows["agree_indirect"] == pytest.approx(1.0)
    turned = plain.assign(ratio=-plain["indirect"], flag="none")
    rows = {name: value for name, _, value, _ in check_plainly(spells, turned)}
    assert rows["agree_indirect"] == pytest.approx(-1.0)
    few = same.head(4)
    rows = {name: value for name, _, value, _ in check_plainly(spells, few)}
    assert np.isnan(rows["agree_indirect"])


@pytest.mark.parametrize("value", [100.0, 1.0])
def test_equal_costs_have_no_order_and_stop_nothing(value):
    spells = make_sample(invent_spells(11)).spells.assign(cost_gbp=value)
    peers = spells[["line_id", "consultant_code"]].drop_duplicates()
    rows = check_plainly(spells, peers.assign(ratio=1.0, flag="none"))
    found = {name: number for name, _, number, _ in rows}
    assert np.isnan(found["agree_indirect"])
    assert found["n_mixed"] == 0


def review(**settings):
    spells = invent_spells(21, **settings).assign(month=np.tile([1, 2], 1800))
    return review_consultants(make_sample(spells), name_consultants(spells), seed=1)


def test_words_and_tables_say_what_was_checked():
    found = review(planted={(0, 3): 1.5})
    words = describe_checks(found.review_checks)
    assert words.startswith("Of 1 consultant named on cost, named again: 1 with costs capped")
    assert "rank correlation" in words
    table = arrange_checks(found.review_checks)
    assert (table["found"].str.len() > 0).all()
    assert not table["found"].str.contains("nan").any()
    named = found.consultant_review.assign(line_name="Line")
    held = arrange_robust(found.review_robustness, named)
    assert held["capped"].tolist() == ["named again"]
    assert held["label"].iloc[0].startswith("Cons-")


def test_nobody_named_and_nobody_compared_are_said_plainly():
    assert describe_checks(review().review_checks).startswith("Nobody is named on cost")
    alone = review_consultants(
        make_sample(invent_spells(3, n_consultants=3)), name_consultants(invent_spells(3)), seed=1
    )
    assert describe_checks(alone.review_checks) == (
        "No line has enough consultants for the model, so there is nothing to check."
    )
    assert arrange_checks(alone.review_checks)["found"].notna().all()


def test_calibration_is_joined_to_thirds_of_risk():
    tenths = pd.DataFrame(
        {"outcome": "death_30d", "decile": range(1, 11), "n": 100, "observed": 2.0, "expected": 4.0}
    )
    found = arrange_calibration(tenths)
    # three tenths of low risk (6 of 12 expected), four in the middle, three of high risk
    assert found["n_spells"].tolist() == [300, 400, 300]
    assert found["over_expected"].tolist() == [0.5, 0.5, 0.5]
    few = arrange_calibration(tenths.assign(expected=3.0))
    # nine expected are too few for a ratio, twelve are enough
    assert few["over_expected"].notna().tolist() == [False, True, False]
    assert arrange_calibration(tenths.head(0)).empty
