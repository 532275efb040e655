"""Numbers that page 4 repeats in its own words are those the calculation uses."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.outliers import (
    cases,
    contamination,
    outcomes,
    peers,
    posterior,
    resources,
    robustness,
    saving,
    small_groups,
    stay_expected,
    stay_groups,
    stay_trend,
    stay_waiting,
    treatment,
    wording,
)
from helpers.report import sheets
from helpers.report.figures import stays as stay_figures
from helpers.report.tables import care as care_tables
from helpers.report.words import outliers as words
from helpers.report.words import review_checks as check_words
from helpers.report.words import stays as stay_words

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "04_outlier_review.ipynb"
IN_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
IN_WORDS += ("eleven", "twelve", "thirteen", "fourteen", "fifteen")


def read_page() -> str:
    book = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return "\n".join("".join(cell["source"]) for cell in book["cells"])


def percent(prop: float) -> str:
    return f"{prop * 100:.0f}%"


PHRASES = (
    f"Above {percent(wording.TAU_WARNING)} nobody is named",
    f"with {percent(saving.INTERVAL[1] - saving.INTERVAL[0])} interval",
    f"lines of {IN_WORDS[small_groups.MIN_CONSULTANTS]} to {IN_WORDS[wording.MIN_PEERS - 1]} consultants",
    f"modified z is beyond {resources.MOST_MODIFIED_Z}",
    f"fewer than {IN_WORDS[resources.MIN_HRG_SPELLS]} spells",
    f"The {IN_WORDS[care_tables.MOST_PATIENTS]} spells furthest",
    f"fewer than {IN_WORDS[int(robustness.MIN_EVENTS)]} events are expected",
    f"mean and {stay_trend.LIMIT_FACTOR} mean moving ranges",
    f"or {IN_WORDS[stay_trend.RUN_LENGTH]} in a row",
    f"a run of {IN_WORDS[stay_trend.RUN_LENGTH]} months",
    f"at least {stay_waiting.LONG_STAY_DAYS[0]}, {stay_waiting.LONG_STAY_DAYS[1]} and "
    f"{stay_waiting.LONG_STAY_DAYS[2]} days",
    f"the {percent(stay_expected.INTERVAL[1] - stay_expected.INTERVAL[0])} interval",
)


@pytest.mark.parametrize("phrase", PHRASES)
def test_the_page_repeats_the_constant(phrase):
    assert phrase in read_page()


def test_parts_of_a_whole_are_those_of_the_constants():
    page = read_page()
    assert treatment.MATERIAL_PROP == 1 / 10 and "differ by a tenth or more" in page
    assert stay_groups.MATERIAL_DAYS == 1 / 4 and "a quarter of a day or more" in page


def test_every_share_of_fifteen_percent_is_the_material_one():
    # "dearer by 15% or more" stands in fixed words; the model's tier starts at the same place
    given = peers.summarise_posterior.__kwdefaults__["material_prop"]
    assert percent(given) == "15%"
    stated = re.findall(r"(?:Dearer by|more than) (\d+%)", read_page() + words.MODEL_LIMIT)
    assert set(stated) == {percent(given)}
    assert words.WIDE_TAU == wording.TAU_WARNING


def test_words_and_figures_use_the_days_of_a_long_stay_that_are_counted():
    assert stay_waiting.LONG_STAY_DAYS[-1] == stay_words.VERY_LONG_DAYS
    assert tuple(days for days, _ in stay_figures.LONG_SHADES) == stay_waiting.LONG_STAY_DAYS


def test_the_weight_assumed_beforehand_is_the_models():
    checks = {
        "n_lines": 3.0, "n_named": 0.0, "heavy_tails": 0.12, "heavy_assumed": 0.25, "least_probability": 0.641,
        "agree_indirect": np.nan, "risk_top": np.nan,
    }  # fmt: skip
    table = pd.DataFrame({"check_id": list(checks), "value": list(checks.values())})
    said = check_words.describe_checks(table)
    assert "a weight of 12%, where 25% was assumed beforehand" in said
    assert "needs a probability of 64%" in said


def test_the_notes_of_the_review_of_any_table_repeat_the_constants():
    notes = " ".join(cases.METHOD_NOTES)
    assert f"at least {peers.MIN_SPELLS_PEER} cases" in notes
    assert f"at least {IN_WORDS[wording.MIN_PEERS]} of them" in notes
    assert f"is at most {percent(posterior.FALSE_DISCOVERY_RATE)}" in notes
    least, most = percent(posterior.LEAST_SURE), percent(posterior.LEAST_DOUBTFUL)
    assert f"nobody below {least} probability, or {most}" in notes
    assert f"natural variation is above {percent(wording.TAU_WARNING)}" in notes


def test_the_methods_own_page_repeats_the_constants():
    page = " ".join(
        (NOTEBOOK.parents[1] / "docs" / "outlier-review.md").read_text(encoding="utf-8").split()
    )
    least, most = percent(posterior.LEAST_SURE), percent(posterior.LEAST_DOUBTFUL)
    some, much = (percent(chance) for chance in posterior.HEAVY_DOUBT)
    for phrase in (
        f"{least} where",
        f"{most} where",
        f"{some} to {much}",
        f"is at most {percent(posterior.FALSE_DISCOVERY_RATE)}",
        f"at most {percent(posterior.FEW_SHARE)} of consultants",
        f"Below {sheets.RELIABLE}",
        f"at least {percent(peers.MATERIAL_PROBABILITY)} of being",
        f"standard deviation {outcomes.PRIOR_SD}",
        f"below {outcomes.MATERIAL_ODDS:.2f} has at most {percent(outcomes.RULED_OUT)} probability",
        f"none to {percent(contamination.SHARES[0])}",
        f"above {percent(wording.TAU_WARNING)} nobody is named",
    ):
        assert phrase in page, phrase
