"""Page 4's words, tables, figures and sheets on care: true to the tables, and never empty-handed."""

from pathlib import Path

import pandas as pd
import pytest

from helpers.outliers.challenge import CHECK_COLUMNS, check_consultants, list_cases
from helpers.outliers.consultants import review_consultants
from helpers.outliers.other_methods import compare_methods
from helpers.outliers.resources import BUCKETS, find_patient_outliers, measure_drivers
from helpers.outliers.tracker import track_findings
from helpers.outliers.treatment import COLUMNS, review_care
from helpers.report import sheets
from helpers.report.figures import care as figures
from helpers.report.figures.style import to_svg
from helpers.report.tables import care as tables
from helpers.report.tables.outliers import name_review
from helpers.report.words import care as words
from unit.care_rows import invent
from unit.review_trust import invent_spells, make_sample, name_consultants

LINES = pd.DataFrame({"line_id": ["L0", "L1"], "line_name": ["Cardiology", "Ear nose and throat"]})


@pytest.fixture(scope="module")
def trust():
    """Two consultants 45% dearer; and everything that the page shows of a trust."""
    raw = invent_spells(3, n_spells=300, planted={(0, 1): 1.45, (1, 2): 1.45})
    review = review_consultants(make_sample(raw), name_consultants(raw), seed=1)
    spells = raw.drop(columns="discharge_method")
    spells["other_pence"] = raw["controllable_pence"] - raw["ward_pence"]
    for name in BUCKETS:
        spells[f"{name}_pence"] = spells.get(f"{name}_pence", 0)
    facts = pd.DataFrame(
        {
            "spell_id": raw["spell_id"], "month": 4, "n_consultants": 1, "admission_method": "11",
            "discharge_method": "1", "discharge_destination": "19", "admin_category": "01", "is_waiting": 0,
        }
    )  # fmt: skip
    facts.loc[::2, "month"] = 11
    return review, spells, facts, name_review(review.consultant_review, LINES)


def test_the_sheet_shows_every_step_and_how_to_answer(trust):
    review, spells, facts, named = trust
    page = sheets.show_sheets(
        named, measure_drivers(spells), list_cases(spells), check_consultants(spells, facts),
        pd.DataFrame(columns=COLUMNS), review.outcome_review, number="4.6",
    )._repr_html_()  # fmt: skip
    assert page.count("<details") == 2
    assert page.count("Table 4.6.1d") == page.count("Table 4.6.2d") == 1
    assert "Readmitted within 30 days" in page  # outcomes stand on each sheet
    for number in "abcdef":
        assert f"Table 4.6.1{number}" in page
    assert "does not rest on a few patients" in page
    assert "W8 deliberate" in page
    assert "C0000001" not in page  # consultants stand under pseudonyms only


def test_measured_again_the_planted_excess_holds_on_every_part(trust):
    _, spells, facts, _ = trust
    found = check_consultants(spells, facts)
    again = found[(found["kind"] == "again") & (found["consultant_code"] == "C0000001")]
    values = again.set_index("item")["value"]
    # planted 1.45; natural variation 5% and chance of some 4% on halves
    for part in ("all", "first_half", "second_half", "without_dearest"):
        assert 1.25 < values[part] < 1.65


def test_facts_are_shares_beside_the_lines_others(trust):
    _, spells, facts, _ = trust
    mine = spells["consultant_code"] == "C0000001"
    ids = spells.loc[mine, "spell_id"]
    changed = facts.assign(
        n_consultants=facts["n_consultants"].where(~facts["spell_id"].isin(ids[:60]), 2)
    )
    found = check_consultants(spells, changed)
    row = found[
        (found["consultant_code"] == "C0000001") & (found["item"] == "several_consultants")
    ].iloc[0]
    # 60 of 300 spells, and none of the others'
    assert (row["value"], row["peers_value"], row["n"]) == (0.2, 0.0, 300)


def test_cases_list_own_and_peers_means():
    raw = pd.DataFrame(
        {
            "line_id": "L0", "consultant_code": ["C1", "C1", "C2", "C2", "C1"],
            "hrg": ["AA1", "AA1", "AA1", "AA1", "BB2"], "admission_type": "EL",
            "controllable_pence": [100, 300, 50, 70, 10],
        }
    )  # fmt: skip
    rows = list_cases(raw)
    first = rows.iloc[0]
    assert (first["n"], first["mean_pence"], first["n_peers"], first["peers_mean_pence"]) == (
        2,
        200,
        2,
        60,
    )
    assert pd.isna(rows.iloc[1]["peers_mean_pence"])


def test_usual_methods_name_more_than_this_review_does(trust):
    review, _, _, _ = trust
    table = compare_methods(review.consultant_review).set_index("method")
    assert table.loc["this_review", "n_named"] == 2
    assert table.loc["chance_95", "n_named"] >= table.loc["chance_998", "n_named"] >= 2
    assert (table["n_also_here"] <= table["n_named"]).all()
    named = review.saving[review.saving["consultant_code"] == "TOTAL"]["excess_pence"].iloc[0]
    assert abs(table.loc["this_review", "excess_pence"] - named) <= 1


def test_a_wild_line_cannot_make_other_methods_fail():
    empty = pd.DataFrame(columns=["measure", "std_error", "crude_ratio"])
    assert compare_methods(empty).empty
    assert "nothing to say" in words.describe_other_methods(compare_methods(empty))


def test_differences_in_care_are_told_and_drawn(trust):
    _, _, _, named = trust
    care = review_care({"tests": invent(1, more={3: 1.5})})
    care["consultant_code"] = "C00000" + care["consultant_code"].str[1:]
    text = words.describe_care(care, named)
    assert "14 comparisons" in text
    assert "1 consultant treats like patients differently" in text
    assert "tests and images +" in text
    assert to_svg(figures.plot_care(care, named)).startswith("<svg")
    assert len(tables.arrange_care(care, named)) == 1
    assert tables.count_care(care).loc[0, ["n_tested", "n_more", "n_less"]].tolist() == [14, 1, 0]


def test_without_files_the_page_says_so(trust):
    _, _, _, named = trust
    nothing = pd.DataFrame(columns=COLUMNS)
    assert "hold no theatre times" in words.describe_care(nothing, named)
    assert figures.plot_care(nothing, named) is None
    assert tables.arrange_care(nothing, named).empty
    nobody = named.assign(flag="none")
    assert figures.plot_drivers(pd.DataFrame(), nobody) is None
    assert "Nobody is named" in words.describe_drivers(pd.DataFrame(), nobody)
    blank = pd.DataFrame(columns=CHECK_COLUMNS)
    assert "Nobody is named" in repr(
        sheets.show_sheets(nobody, blank, blank, blank, blank, blank, number="4.6")
    )
    assert "job plans" in words.describe_leads(pd.DataFrame(), (0.0, 0.0, 0.0))
    assert "too few stays" in words.describe_stay_variation(pd.DataFrame())
    assert "too few stays" in words.describe_trend(pd.DataFrame(), {})
    assert figures.plot_variation(pd.DataFrame(columns=["factor"])) is None
    assert figures.plot_trend(pd.DataFrame(), {}) is None


def test_dear_patients_are_shown_by_row_and_line_only():
    rows = [(f"SECRET{k}", 1_000_00 + 100 * k) for k in range(11)] + [("SECRET99", 9_000_00)]
    frame = pd.DataFrame(rows, columns=["spell_id", "ward_pence"]).assign(
        line_id="L0", consultant_code="C1234567", hrg="AA11A", los_days=2
    )
    for name in BUCKETS:
        frame[f"{name}_pence"] = frame.get(f"{name}_pence", 0)
    frame["controllable_pence"] = frame["ward_pence"]
    found = find_patient_outliers(frame)
    shown = tables.arrange_patients(found, LINES)[list(tables.PATIENT_COLUMNS)]
    assert shown.loc[0, "place"] == "1"
    assert "SECRET" not in shown.to_string() and "C1234567" not in shown.to_string()
    assert tables.count_patients(found, LINES).loc[0, "n_dear"] == 1
    assert "1 spell cost far more" in words.describe_patients(found)
    assert "No spell" in words.describe_patients(found.head(0))
    assert tables.arrange_patients(found.head(0), LINES).empty
    assert tables.count_patients(found.head(0), LINES).empty


def test_last_years_findings_are_told(trust):
    review, _, _, named = trust
    before = review.consultant_review
    tracker = track_findings(review.consultant_review, before, None)
    text = words.describe_tracker(tracker, year_before=Path("there"))
    assert text.startswith("Of last year’s")
    assert "found again" in text
    shown = tables.arrange_tracker(tracker, named)
    assert shown.loc[0, "reviewed"] == "nothing yet"
    assert words.describe_tracker(tracker.head(0), year_before=None).startswith(
        "There is no report"
    )


def test_variation_is_told_with_its_share_and_not_where_nothing_is_explained():
    rows = pd.DataFrame(
        {
            "factor": ["casemix", "ward", "explained", "unexplained"],
            "explained_prop": [0.9, 0.1, 1.0, float("nan")],
            "all_prop": [0.27, 0.03, 0.30, 0.70],
        }
    )
    text = words.describe_stay_variation(rows)
    assert "predicts 30% of the variation" in text
    assert "HRG and way of coming 90%" in text
    assert "nothing that is known" in words.describe_stay_variation(rows.assign(all_prop=0.002))
