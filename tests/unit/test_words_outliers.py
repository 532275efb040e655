"""The words, tables and figures of the consultant review: plain, never by code, never empty-handed."""

import pandas as pd
import pytest

from helpers.outliers.consultants import review_consultants
from helpers.outliers.wording import describe_peer_status, describe_variation
from helpers.report.figures import outliers as figures
from helpers.report.figures.style import to_svg
from helpers.report.tables import outliers as tables
from helpers.report.words import outliers as words
from unit.review_trust import invent_spells, make_sample, name_consultants

LINES = pd.DataFrame({"line_id": ["L0", "L1"], "line_name": ["Cardiology", "Ear nose and throat"]})


def person(**more):
    row = {
        "line_id": "L0",
        "consultant_code": "C0000001",
        "pseudonym": "Cons-01",
        "measure": "cost",
        "n": 200,
        "observed": 500_000.0,
        "expected": 400_000.0,
        "ratio": 1.25,
        "ci_low": 1.10,
        "ci_high": 1.40,
        "probability": 0.95,
        "flag": "outlier",
        "benefit": "no_better",
        "driver": "stay",
        "excess": 100_000.0,
        "std_error": 0.05,
        "tau": 0.06,
        "crude_ratio": 1.25,
        "odds_ratio": 1.0,
        "odds_low": 0.8,
        "odds_high": 1.25,
    }
    return row | more


def named(*rows):
    return tables.name_review(pd.DataFrame([person(**row) for row in rows]), LINES)


def totals(**pence):
    measures = [
        "identified",
        "counted",
        "better",
        "not_known",
        "releasable",
        "divergent",
        "to_median",
        "to_quartile",
    ]
    frame = pd.DataFrame({"measure": measures, "label": measures})
    frame["amount_pence"] = pd.array([pence.get(m, 0) for m in measures], dtype="Int64")
    frame["ci_low_pence"], frame["ci_high_pence"] = (
        frame["amount_pence"] // 2,
        frame["amount_pence"] * 2,
    )
    frame["controllable_prop"] = frame["amount_pence"].astype("float64") / 1_000_000_000
    frame["all_cost_prop"] = frame["amount_pence"].astype("float64") / 2_000_000_000
    return frame


def test_a_finding_names_the_pseudonym_the_line_and_how_sure_it_is():
    text = words.describe_findings(named({}, {"flag": "none", "pseudonym": "Cons-02"}))
    assert text == (
        "Of 2 consultants compared, 1 differs from peers on cost by more than natural variation explains: "
        "Cons-01, Cardiology (25% dearer). The estimated share of wrong names among them is about 5%."
    )


def test_no_finding_says_that_someone_is_always_highest():
    text = words.describe_findings(named({"flag": "none"}))
    assert "none differs from peers" in text
    assert "that alone is not a finding" in text


@pytest.mark.parametrize(
    ("benefit", "expected"),
    [
        ("better", "Their patients do better"),
        ("no_better", "A material benefit to patients is ruled out."),
        ("worse", "look at this first"),
        ("inconclusive", "too few to tell, so nothing is counted"),
        ("unknown", "not recorded"),
    ],
)
def test_each_outcome_class_has_its_sentence(benefit, expected):
    (sentence,) = words.describe_each(named({"benefit": benefit}))
    assert sentence.startswith("Cons-01, Cardiology: 25% dearer than the typical peer")
    assert "90% interval 10% to 40%, 200 spells" in sentence
    assert expected in sentence


def test_the_material_tier_says_that_it_does_not_count():
    (sentence,) = words.describe_each(named({"flag": "material"}))
    assert sentence.endswith("within what peers may differ by, so no saving is counted.")


def test_no_code_of_a_consultant_is_written_anywhere():
    spells = invent_spells(21, planted={(0, 3): 1.4})
    review = review_consultants(make_sample(spells), name_consultants(spells), seed=1)
    shown = tables.name_review(review.consultant_review, LINES)
    texts = [
        words.describe_findings(shown), *words.describe_each(shown), words.describe_benefit(shown),
        words.describe_stay_findings(shown), words.describe_lines_drawn(shown), words.describe_funnel(shown),
        *shown["status"],
    ]  # fmt: skip
    pages = [
        tables.arrange_named(shown)[list(tables.NAMED_COLUMNS)],
        tables.arrange_named(shown, "los")[list(tables.STAY_COLUMNS)],
        tables.arrange_outcomes(review.outcome_review, shown)[list(tables.OUTCOME_COLUMNS)],
    ]
    texts += [page.to_string() for page in pages]
    assert len(pages[0]) == 1
    assert not any("C000" in text or "C001" in text for text in texts)


def test_the_saving_is_a_range_gross_and_as_cash():
    first, second, third = words.describe_saving(
        totals(
            identified=30_000_000, counted=20_000_000, releasable=8_000_000, to_median=90_000_000
        )
    )
    assert (
        "£200k (90% interval £100k to £400k), 2.00% of the lines’ controllable cost and 1.00% of all cost"
        in first
    )
    assert "about £80.0k of it could be released as cash" in first
    assert "all divergent practice" in second
    assert "£900k" in third
    assert "no saving from outliers" in third


def test_a_saving_without_a_known_variable_share_says_so():
    given = totals(identified=20_000_000, counted=20_000_000)
    given.loc[given["measure"] == "releasable", "amount_pence"] = pd.NA
    assert "cannot be said" in words.describe_saving(given)[0]


def test_named_but_not_counted_is_told_from_nobody_named():
    assert "none of it counts" in words.describe_saving(totals(identified=10_000_000))[0]
    assert "nobody is named" in words.describe_saving(totals())[0]


def test_stay_findings_warn_against_adding_them_to_cost():
    text = words.describe_stay_findings(named({"measure": "los", "excess": 300.2, "ratio": 1.3}))
    assert "Cons-01, Cardiology (30% longer, about 300 bed days) differs from peers" in text
    assert "do not add them" in text


def test_wide_lines_are_named_as_such():
    variation = pd.DataFrame(
        {"line_id": ["L0", "L1"], "measure": "cost", "tau": [0.05, 0.2], "n_consultants": 10, "n_spells": 1, "no_comparator_prop": 0.0, "words": ""}
    )  # fmt: skip
    text = words.describe_natural_variation(variation, LINES)
    assert "±5% in the most alike line and ±20% in the least alike" in text
    assert "In Ear nose and throat that is too wide" in text


def test_small_lines_say_what_has_no_comparator_and_that_two_can_mask_each_other():
    variation = pd.DataFrame(
        {
            "line_id": ["L0", "L1"], "measure": "cost", "tau": [float("nan")] * 2, "n_spells": [900, 80],
            "n_no_comparator": pd.array([40, pd.NA], dtype="Int64"),
        }
    )  # fmt: skip
    text = words.describe_small_lines(variation, LINES)
    assert "have too few consultants" in text
    assert (
        "In Cardiology each consultant is set against the others; 40 of 900 spells have no comparator"
        in text
    )
    assert text.endswith("each makes the other’s peers look dearer.")
    every = words.describe_small_lines(variation.assign(n_no_comparator=[0, pd.NA]), LINES)
    assert "each of 900 spells has a comparator. Two consultants" in every
    none = words.describe_small_lines(variation.assign(n_no_comparator=pd.NA), LINES)
    assert "comparator" not in none and "mask" not in none


def test_status_and_variation_in_words():
    assert describe_peer_status("outlier", measure="los", n=90, ratio=1.3).startswith(
        "Differs from peers: 30% longer than the typical peer"
    )
    assert "too few to be named" in describe_peer_status(
        "not_tested", measure="cost", n=9, ratio=1.1
    )
    assert "none is named" in describe_variation(0.2, n_compared=9, n_peers=9)
    assert describe_variation(float("nan"), n_compared=0, n_peers=1).startswith("1 consultant with")


def test_exclusions_add_up_to_all_spells():
    given = pd.DataFrame(
        {
            "reason": ["kept", "regular", "unmapped"],
            "words": ["compared", "regular attenders", "no line"],
            "n_spells": [90, 10, 0],
            "controllable_pence": [900, 100, 0],
        }
    )
    table = tables.arrange_exclusions(given)
    assert table["words"].tolist() == [
        "Compared",
        "Left out: regular attenders",
        "All discharged spells",
    ]
    assert table["n_spells"].tolist() == [90, 10, 100]
    assert words.describe_sample(given).startswith("90 spells are compared, with £9 of")


def test_a_trust_without_patient_events_gets_sentences():
    spells = invent_spells(1).head(0)
    review = review_consultants(make_sample(spells, outcomes=()), name_consultants(spells), seed=1)
    shown = tables.name_review(review.consultant_review, LINES)
    assert "no patient spells" in words.describe_sample(review.review_exclusions)
    assert words.describe_findings(shown) == words.NOBODY
    assert words.describe_each(shown) == []
    assert words.describe_benefit(shown) == words.NOBODY
    assert words.describe_stay_findings(shown)
    assert words.describe_natural_variation(review.specialty_variation, LINES).startswith(
        "No line has enough consultants"
    )
    assert tables.arrange_named(shown).empty
    assert tables.leave_out_empty(tables.arrange_named(shown)) is None
    assert tables.arrange_outcomes(review.outcome_review, shown).empty
    assert tables.arrange_accounts(review.review_accounts, LINES)["actual_pence"].tolist() == [0]
    for figure in (
        figures.plot_funnel(shown),
        figures.plot_lines(shown),
        figures.plot_cost_and_outcome(shown),
    ):
        assert figure == "no consultants could be compared."
    assert "<svg" in to_svg(figures.plot_saving(review.saving_totals))


def test_figures_are_the_same_bytes_each_time():
    shown = named({}, *({"flag": "none", "ratio": 1 + k / 100, "n": 100 + k} for k in range(9)))
    for plot in (figures.plot_funnel, figures.plot_lines, figures.plot_cost_and_outcome):
        assert to_svg(plot(shown)) == to_svg(plot(shown))
