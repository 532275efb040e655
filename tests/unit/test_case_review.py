"""The stand-alone review: any table of cases, complete, partial or damaged."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.cli import main
from helpers.errors import InputError
from helpers.outliers.cases import build_sample, list_consultants
from helpers.outliers.consultants import review_consultants
from helpers.sources.case_file import read_cases
from helpers.sources.case_review import review_cases

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from simulated_trusts import BASE, SCENARIOS, draw_trust

SMALL = replace(BASE, n_specialties=2, tau=(0.02, 0.04))


@pytest.fixture(scope="module")
def trust():
    return draw_trust(SMALL, 4)


@pytest.fixture
def episodes(trust):
    return trust.episodes.copy()


def write(folder, episodes, name="episodes.csv"):
    episodes.to_csv(folder / name, index=False)
    return folder / name


def run(folder, episodes):
    review_cases(write(folder, episodes), folder / "out")
    return (
        pd.read_csv(folder / "out" / "consultants.csv"),
        pd.read_csv(folder / "out" / "summary.csv").set_index("measure"),
        (folder / "out" / "notes.md").read_text(encoding="utf-8"),
    )


def test_planted_consultants_are_found_and_the_files_have_their_columns(tmp_path, trust, episodes):
    consultants, summary, notes = run(tmp_path, episodes)
    assert list(consultants)[:8] == [
        "consultant_id", "flag_high", "prob_outlier", "excess_cost", "excess_lo", "excess_hi",
        "outcome_class", "driver",
    ]  # fmt: skip
    truth = trust.truth.set_index("consultant_id")
    named = consultants.loc[consultants["flag_high"] == 1, "consultant_id"]
    assert len(named) >= 2
    assert set(truth.loc[named, "kind"]) == {"high"}
    assert {"identified_saving_to_peer", "identified_saving", "total_saving"} <= set(summary.index)
    saving = summary.loc["identified_saving_to_peer"]
    true = (truth.loc[named, "actual_gbp"] - truth.loc[named, "peer_gbp"]).sum()
    assert saving["lo"] < true < saving["hi"]
    assert set(consultants["outcome_class"]) <= {"better", "no_better", "worse", "inconclusive"}
    assert set(consultants["driver"].dropna()) <= {"los", "nonstay", "both"}
    assert "Nothing was missing." in notes


def test_the_command_writes_three_files_and_the_same_file_gives_the_same_bytes(tmp_path, episodes):
    path = write(tmp_path, episodes)
    texts = []
    for name in ("one", "two"):
        assert main(["review", "--episodes", str(path), "--out", str(tmp_path / name)]) == 0
        files = sorted((tmp_path / name).iterdir())
        assert [file.name for file in files] == ["consultants.csv", "notes.md", "summary.csv"]
        texts.append([file.read_bytes() for file in files])
    assert texts[0] == texts[1]


def test_it_is_the_same_engine_as_the_reports_review(tmp_path, episodes):
    consultants, _, _ = run(tmp_path, episodes)
    cases = read_cases(tmp_path / "episodes.csv").cases
    sample = build_sample(cases)
    review = review_consultants(sample, list_consultants(sample), seed=1, min_spells=15)
    cost = review.consultant_review.query("measure == 'cost'").set_index("consultant_code")
    own = consultants.set_index("consultant_id").loc[cost.index]
    assert own["ratio"].tolist() == cost["ratio"].round(4).tolist()
    assert own["flag_high"].tolist() == (cost["flag"] == "outlier").astype(int).tolist()


def test_without_costs_stay_is_judged_and_no_saving_is_made_up(tmp_path, episodes):
    keep = ["episode_id", "specialty", "consultant_id", "hrg", "los_days"]
    consultants, summary, notes = run(tmp_path, episodes[keep])
    assert summary["value"].isna().all()
    assert consultants["excess_cost"].isna().all()
    assert consultants["prob_outlier"].notna().any()
    assert "there is no total_cost" in notes
    assert "Readmissions: there is no readmit30" in notes


def test_the_least_that_can_be_given_is_five_columns(tmp_path, episodes):
    keep = ["episode_id", "specialty", "consultant_id", "hrg", "total_cost"]
    consultants, summary, notes = run(tmp_path, episodes[keep])
    assert (consultants["outcome_class"] == "inconclusive").all()
    assert consultants["driver"].isna().all()
    assert summary.loc["headline_saving", "value"] == 0
    for words in ("Stay: there is no los_days", "Deaths", "Age", "Comorbidity", "ward_cost"):
        assert words in notes


def test_parts_are_added_up_where_there_is_no_total(tmp_path, episodes):
    cases = read_cases(write(tmp_path, episodes.drop(columns="total_cost")))
    whole = np.rint(episodes["total_cost"] * 100).astype("int64")
    assert cases.cases["total_cost_pence"].tolist() == whole.tolist()
    assert "added up" in cases.notices[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"total_cost": "dear"}, r"total_cost: \d[\d,]* values not a money: dear"),
        ({"los_days": -1}, "los_days: .* below zero: -1"),
        ({"died": 7}, "died: .* not one of 0, 1: 7"),
        ({"admission_method": "21"}, "admission_method: .* not one of EL, EM: 21"),
        ({"age": 400}, "age: .* above 120 years"),
        ({"episode_id": "E1"}, "repeat an episode_id"),
        ({"episode_id": None}, "have no episode_id"),
        ({"consultant_id": None}, "No case is left"),
    ],
    ids=str,
)
def test_a_damaged_file_is_refused_in_one_message(tmp_path, episodes, change, words):
    path = write(tmp_path, episodes.head(40).assign(**change))
    with pytest.raises(InputError, match=words):
        review_cases(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("column", ["episode_id", "specialty", "consultant_id", "hrg"])
def test_a_file_without_a_needed_column_is_refused_by_name(tmp_path, episodes, column):
    path = write(tmp_path, episodes.head(40).drop(columns=column))
    with pytest.raises(InputError, match=column):
        review_cases(path, tmp_path / "out")


def test_a_file_without_cost_and_stay_is_refused(tmp_path, episodes):
    drop = ["total_cost", "ward_cost", "other_cost", "los_days"]
    with pytest.raises(InputError, match="neither total_cost nor los_days"):
        review_cases(write(tmp_path, episodes.drop(columns=drop)), tmp_path / "out")


def test_a_missing_file_is_a_message_and_not_a_traceback(tmp_path, capsys):
    words = ["review", "--episodes", str(tmp_path / "no.csv"), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "is not a file" in capsys.readouterr().err


def test_a_review_that_stops_leaves_what_stood_there(tmp_path, episodes):
    run(tmp_path, episodes)
    before = (tmp_path / "out" / "consultants.csv").read_bytes()
    with pytest.raises(InputError):
        run(tmp_path, episodes.assign(total_cost="dear"))
    assert (tmp_path / "out" / "consultants.csv").read_bytes() == before


def test_cases_without_a_consultant_are_set_aside_with_their_cost(tmp_path, episodes):
    episodes.loc[:2, "consultant_id"] = None
    episodes["total_cost"] = 100.5
    file = read_cases(write(tmp_path, episodes))
    assert len(file.cases) == len(episodes) - 3
    # 3 cases of £100.50
    assert "3 cases without consultant_id were left out (£301.50)." in file.notices


@pytest.mark.parametrize(
    "change",
    [
        {"total_cost": 250.0, "ward_cost": 100.0},
        {"total_cost": 0.0, "ward_cost": 0.0},
        {"total_cost": -50.0, "ward_cost": 0.0},
        {"los_days": 0},
        {"consultant_id": "ONE"},
        {"hrg": "cell"},
        {"readmit30": None, "died": None, "complication": None},
        {"age": None, "sex": None, "charlson": None, "imd_quintile": None, "admission_date": None},
    ],
    ids=str,
)
def test_degenerate_cases_give_a_sentence_never_a_wrong_flag_or_a_crash(tmp_path, change):
    nobody = draw_trust(replace(SMALL, high=0.0, low=0.0, n_specialties=1), 6).episodes
    if change.get("hrg") == "cell":  # one case per casemix cell
        change = {"hrg": [f"H{k:05d}" for k in range(len(nobody))]}
    consultants, summary, notes = run(tmp_path, nobody.assign(**change))
    assert consultants["flag_high"].sum() == 0
    is_saving = ~summary.index.str.endswith("not_from_outliers")
    assert summary.loc[is_saving, "value"].lt(1e6).all()
    assert "## By specialty" in notes


def test_markup_in_a_code_is_escaped_in_the_notes_and_kept_in_the_table(tmp_path, episodes):
    bad = 'A|"x"<script>'
    episodes["specialty"] = episodes["specialty"].replace("S00", bad)
    consultants, _, notes = run(tmp_path, episodes)
    assert bad in set(consultants["specialty"])
    assert "<script>" not in notes
    assert "&lt;script&gt;" in notes


def test_a_code_that_looks_like_a_formula_is_text_in_a_spreadsheet(tmp_path, episodes):
    episodes["specialty"] = episodes["specialty"].replace("S00", "=1+1")
    consultants, _, _ = run(tmp_path, episodes)
    assert "'=1+1" in set(consultants["specialty"])


def test_a_simulated_trust_is_what_its_plan_says():
    for name in ("tailmech", "base", "heavytail"):
        plan = replace(SCENARIOS[name], n_specialties=5)
        trust = draw_trust(plan, 9)
        truth, episodes = trust.truth, trust.episodes
        planted = truth["actual_gbp"] / truth["unplanted_gbp"]
        # each mechanism is set so that expected cost is the planted ratio times what it would be
        np.testing.assert_allclose(planted, truth["ratio"], rtol=1e-9)
        assert truth.loc[truth["kind"] == "high", "ratio"].between(1.25, 1.60).all()
        assert truth.loc[truth["kind"] == "low", "ratio"].between(0.65, 0.80).all()
        # what was drawn has the expected cost: about 24,000 cases of relative spread near 1
        assert episodes["total_cost"].sum() == pytest.approx(truth["actual_gbp"].sum(), rel=0.03)
        pd.testing.assert_frame_equal(draw_trust(plan, 9).episodes, episodes)


def test_a_trust_with_heavy_tails_has_the_same_spread_and_more_extremes():
    plain, heavy = (
        np.concatenate([draw_trust(replace(SCENARIOS[name], n_specialties=4), seed).truth["natural"]
                        for seed in range(6)])
        for name in ("null", "t4-null")
    )  # fmt: skip
    kurtosis = [float(((x - x.mean()) ** 4).mean() / x.var() ** 2) for x in (plain, heavy)]
    assert heavy.std() == pytest.approx(plain.std(), rel=0.2)
    assert kurtosis[1] > kurtosis[0] + 0.5
