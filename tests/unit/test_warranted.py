"""What the trust has found out for itself takes a difference out of the saving, and only that."""

import pandas as pd
import pytest

from helpers.contracts.terms import WARRANTED
from helpers.outliers.consultants import review_consultants
from helpers.outliers.saving import add_all_cost_share
from helpers.outliers.warranted import find_warranted, take_latest_reviews
from helpers.report.words.plain import name_term
from unit.review_trust import invent_spells, make_sample, name_consultants


def reviews(*rows):
    """Rows of (subject, status, reason, date)."""
    frame = pd.DataFrame(rows, columns=["subject", "status", "reason_code", "date"])
    frame["review_id"] = [f"R{k}" for k in range(len(frame))]
    return frame.assign(action="", owner="", value_pence=pd.NA)


def test_a_closed_finding_with_a_listed_reason_is_warranted():
    assert find_warranted(reviews(("C1", "closed", "W1", "2024-02-01"))) == {"C1": "W1"}


@pytest.mark.parametrize(
    ("status", "code"), [("open", "W1"), ("closed", ""), ("closed", "W9"), ("proposed", "W8")]
)
def test_an_open_one_or_one_without_a_listed_reason_is_not(status, code):
    assert find_warranted(reviews(("C1", status, code, "2024-02-01"))) == {}


def test_the_newest_row_of_a_subject_counts_whatever_its_place_in_the_file():
    rows = reviews(
        ("C1", "open", "", "2025-01-05"),
        ("C1", "closed", "W1", "2024-02-01"),
        ("C2", "closed", "w3 ", "2024-06-01"),
        ("C2", "open", "", "2023-06-01"),
    )
    assert find_warranted(rows) == {"C2": "W3"}
    assert take_latest_reviews(rows)["subject"].tolist() == ["C1", "C2"]


def test_no_file_and_missing_cells_warrant_nothing():
    assert find_warranted(None) == {}
    assert find_warranted(reviews(("C1", None, None, None))) == {}


def test_every_reason_of_the_method_has_words():
    assert tuple(f"W{k}" for k in range(1, 9)) == WARRANTED
    assert all(name_term("warranted", code) != code for code in WARRANTED)


@pytest.fixture(scope="module")
def dear_trust():
    """Two consultants 45% dearer, patients no better."""
    spells = invent_spells(3, n_spells=300, planted={(0, 1): 1.45, (1, 2): 1.45})
    return make_sample(spells), name_consultants(spells)


def test_a_warranted_excess_leaves_the_headline_and_nothing_is_lost(dear_trust):
    sample, people = dear_trust
    before = review_consultants(sample, people, seed=1)
    named = before.saving[before.saving["saving_pence"] > 0]["consultant_code"]
    named = [code for code in named if code != "TOTAL"]
    assert set(named) == {"C0000001", "C0010002"}
    after = review_consultants(sample, people, seed=1, warranted={"C0000001": "W2"})
    old = before.saving_totals.set_index("measure")["amount_pence"]
    new = after.saving_totals.set_index("measure")["amount_pence"]
    assert new["identified"] == old["identified"]
    assert new["warranted"] > 0
    assert new["counted"] + new["warranted"] == old["counted"]
    assert new["identified"] == new[["counted", "better", "not_known", "warranted"]].sum()
    row = after.saving.set_index("consultant_code").loc["C0000001"]
    assert (row["saving_pence"], row["reason_code"]) == (0, "W2")
    assert row["excess_pence"] == new["warranted"]


def test_a_reason_for_someone_who_is_not_named_changes_nothing(dear_trust):
    sample, people = dear_trust
    before = review_consultants(sample, people, seed=1)
    after = review_consultants(sample, people, seed=1, warranted={"C0000005": "W1", "WARD": "W7"})
    pd.testing.assert_frame_equal(before.saving_totals, after.saving_totals)


def test_the_saving_is_set_against_all_that_the_trust_spends():
    totals = pd.DataFrame({"measure": ["counted"], "amount_pence": pd.array([50], dtype="Int64")})
    # 50 of 20,000 is a quarter of one per cent
    assert add_all_cost_share(totals, 20_000)["all_cost_prop"].tolist() == [0.0025]
    assert add_all_cost_share(totals, 0)["all_cost_prop"].isna().all()
