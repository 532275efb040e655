"""Trusts on which nothing can be found: the whole of page 4 says so, names nobody and does not fail."""

import numpy as np
import pandas as pd
import pytest

from helpers.outliers.challenge import check_consultants, list_cases
from helpers.outliers.consultants import review_consultants
from helpers.outliers.other_methods import compare_methods
from helpers.outliers.resources import BUCKETS, find_patient_outliers, measure_drivers
from helpers.outliers.saving import add_all_cost_share
from helpers.outliers.tracker import track_findings
from helpers.outliers.treatment import review_care, split_care
from helpers.report import sheets
from helpers.report.figures import care as care_figures
from helpers.report.figures import outliers as figures
from helpers.report.figures.style import to_svg
from helpers.report.tables import care as care_tables
from helpers.report.tables import outliers as tables
from helpers.report.words import care as care_words
from helpers.report.words import outliers as words
from unit.review_trust import OUTCOMES, invent_spells, make_sample, name_consultants

LINES = pd.DataFrame({"line_id": ["L0", "L1"], "line_name": ["Cardiology", "Ear nose and throat"]})
NO_VISITS = pd.DataFrame(columns=["line_id", "tfc", "consultant_code", "is_follow_up"])


def one_consultant(raw):
    return raw.assign(consultant_code="C0000001")


def equal_costs(raw):
    return raw.assign(controllable_pence=123_456, ward_pence=60_000, los_days=3)


def zero_costs(raw):
    return raw.assign(controllable_pence=0, ward_pence=0, los_days=0)


def negative_costs(raw):
    return raw.assign(controllable_pence=-raw["controllable_pence"], ward_pence=0)


def some_negative_costs(raw):
    sign = np.where(np.arange(len(raw)) % 10 == 0, -1, 1)
    return raw.assign(controllable_pence=raw["controllable_pence"] * sign)


def one_case_a_cell(raw):
    return raw.assign(
        hrg=[
            f"{chr(65 + k // 2600 % 26)}{chr(65 + k // 100 % 26)}{k % 100:02d}A"
            for k in range(len(raw))
        ]
    )


def a_cell_of_one_consultant_each(raw):
    return raw.assign(
        hrg="A" + raw["consultant_code"].str[-1] + raw["consultant_code"].str[-2:] + "Z"
    )


def no_outcomes(raw):
    return raw.assign(**{f"value_{name}": np.nan for name in OUTCOMES})


def nobody(raw):
    return raw.head(0)


CHANGES = [
    one_consultant, equal_costs, zero_costs, negative_costs, some_negative_costs, one_case_a_cell,
    a_cell_of_one_consultant_each, no_outcomes, nobody,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
def test_nobody_is_named_and_every_exhibit_says_something(change):
    raw = change(invent_spells(5, n_spells=60))
    review = review_consultants(make_sample(raw), name_consultants(raw), seed=1)
    assert not review.consultant_review["flag"].isin(["outlier", "material", "indicative"]).any()
    totals = add_all_cost_share(review.saving_totals, 10**9)
    assert totals.set_index("measure")["amount_pence"][["identified", "counted"]].tolist() == [0, 0]
    named = tables.name_review(review.consultant_review, LINES)
    said = [
        words.describe_findings(named), words.describe_benefit(named), words.describe_stay_findings(named),
        words.describe_funnel(named), words.describe_lines_drawn(named), *words.describe_saving(totals),
        words.describe_natural_variation(review.specialty_variation, LINES),
        care_words.describe_other_methods(compare_methods(review.consultant_review)),
    ]  # fmt: skip
    assert all(len(text) > 20 and "nan" not in text for text in said)
    for figure in (
        figures.plot_funnel(named), figures.plot_lines(named), figures.plot_cost_and_outcome(named),
        figures.plot_saving(totals),
    ):  # fmt: skip
        if isinstance(figure, str):
            assert figure in (figures.NOBODY, figures.NO_OUTCOMES)
        else:
            assert to_svg(figure).startswith("<svg")


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
def test_what_stands_beside_the_review_does_not_fail_either(change):
    raw = change(invent_spells(5, n_spells=60)).drop(columns="discharge_method")
    review = review_consultants(
        make_sample(raw.assign(discharge_method="1")), name_consultants(raw), seed=1
    )
    named = tables.name_review(review.consultant_review, LINES)
    spells = raw.assign(other_pence=raw["controllable_pence"] - raw["ward_pence"])
    for name in BUCKETS:
        spells[f"{name}_pence"] = spells.get(f"{name}_pence", 0)
    facts = pd.DataFrame(
        {
            "spell_id": raw["spell_id"], "month": 4, "n_consultants": 1, "admission_method": "11",
            "discharge_method": "1", "discharge_destination": "19", "admin_category": "01", "is_waiting": 0,
        }
    )  # fmt: skip
    care = review_care(split_care(raw.assign(n_tests=raw["los_days"].astype("float64")), NO_VISITS))
    assert not care["flag"].isin(["more", "less"]).any() if len(care) else True
    drivers, cases = measure_drivers(spells), list_cases(spells)
    checks = check_consultants(spells, facts)
    page = sheets.show_sheets(
        named, drivers, cases, checks, care, review.outcome_review, number="4.6"
    )
    assert "Nobody is named" in repr(page)
    assert len(care_words.describe_care(care, named)) > 20
    assert len(care_words.describe_drivers(drivers, named)) > 20
    outliers = find_patient_outliers(spells)
    assert len(care_words.describe_patients(outliers)) > 20
    care_tables.count_patients(outliers, LINES)
    care_tables.arrange_patients(outliers, LINES)
    figure = care_figures.plot_care(care, named)
    assert figure is None or to_svg(figure).startswith("<svg")
    assert track_findings(named, None, None).empty


def test_outcomes_are_not_called_missing_where_nobody_is_compared():
    raw = invent_spells(5, n_consultants=3, n_spells=40)
    review = review_consultants(make_sample(raw), name_consultants(raw), seed=1)
    named = tables.name_review(review.consultant_review, LINES)
    assert words.describe_benefit(named) == words.NOBODY
    assert len(words.describe_saving(add_all_cost_share(review.saving_totals, 1))) == 1
