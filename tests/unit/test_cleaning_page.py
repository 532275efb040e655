"""What the data cleaning page says and draws, and the page of rules."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.cleaning import describe_rules, write_rules_page
from helpers.cleaning.measures import (
    count_months,
    measure_completeness,
    measure_months,
    value_findings,
)
from helpers.cleaning.rules import list_rules
from helpers.report.figures import cleaning as figures
from helpers.report.tables import cleaning as tables
from helpers.report.words import cleaning as words
from small_trust import FILES, add_rows, clean_small

DOCS = Path(__file__).resolve().parents[2] / "docs"
EPISODE = FILES["apc_episodes.csv"].splitlines()[1]
SECOND = EPISODE.replace("E1,S1", "E2,S2").replace(",p1,", ",p2,")
PRICES = "hrg,pod,unit_price\nDZ11K,NEL,3000.00\nDZ11K,EL,2000.01\nDZ11K,OPPROC,1.00\nWF01A,OPFA,200.00\n"


def test_the_page_of_rules_is_current():
    page = (DOCS / "cleaning-rules.md").read_text(encoding="utf-8")
    assert page == write_rules_page(), "write it again with write_rules_page()"


def test_every_rule_has_words_and_one_meaning():
    rules = describe_rules()
    assert (rules[["words", "action"]] != "").all().all()
    assert not rules.duplicated(["rule", "file", "severity"]).any()
    kinds = {"F": "stop", "X": "set aside"}
    for rule in list_rules():
        assert kinds.get(rule.severity, rule.effect) == rule.effect


def test_completeness_counts_not_known_as_no_value(tmp_path):
    _, db = clean_small(
        tmp_path,
        apc_episodes=add_rows(
            "apc_episodes", SECOND.replace("C1234567", "").replace(",68,", ",99,")
        ),
    )
    shares = measure_completeness(db).set_index(["file", "field"])["present_prop"]
    # one of two consultants is C9999998; an age of 99 is an age
    assert shares["apc_episodes", "consultant_code"] == 0.5
    assert shares["apc_episodes", "age"] == 1.0


def test_months_run_from_april(tmp_path):
    cleaned, db = clean_small(
        tmp_path,
        op_attendances=add_rows(
            "op_attendances", "O2,p2,2025-03-31T09:00,300,C1234567,1,5,20,WF01A,0,01,QKK"
        ),
    )
    months = count_months(db, cleaned.settings)
    assert months[months["file"] == "op_attendances"][["month", "n_rows"]].to_numpy().tolist() == [
        [5, 1],
        [12, 1],
    ]


def test_findings_are_valued_at_the_mean_admitted_price_of_their_hrg(tmp_path):
    cleaned, db = clean_small(
        tmp_path,
        prices=PRICES,
        apc_episodes=add_rows(
            "apc_episodes",
            SECOND,
            SECOND,
            SECOND.replace("E2,S2", "E3,S3").replace(",p2,", ",p3,").replace(",300,", ",999,"),
        ),
    )
    worth = value_findings(db, cleaned.frames).set_index("rule")
    # (3,000.00 + 2,000.01) / 2 = 2,500.005, rounded down to a penny; the outpatient price plays no part
    assert worth.loc["APC-001", "income_pence"] == 250_000
    assert worth.loc["APC-013", "stake_pence"] == 250_000


def test_sentences_state_the_trusts_figures():
    accounts = pd.DataFrame(
        {"file": ["a", "b"], "n_read": [1_000, 500], "n_kept": [990, 500], "n_repaired": [3, 0],
         "n_excluded": [10, 0], "n_added": [1, 0], "n_warned": [0, 7]}
    )  # fmt: skip
    assert words.describe_accounts(accounts) == (
        "Of 1,500 rows read, 1,490 were kept and 10 (0.7%) set aside. Among the kept ones 3 were repaired and "
        "7 carry a warning. 1 row was made where one was missing."
    )
    completeness = pd.DataFrame(
        {
            "file": ["tests", "apc_episodes"],
            "field": ["patient_key", "age"],
            "n_rows": [4, 4],
            "present_prop": [0.5, 1.0],
        }
    )
    assert words.describe_completeness(completeness) == (
        "1 of the 2 fields that matter most are full. The emptiest: patient in tests and images (50%)."
    )
    months = pd.DataFrame({"file": "tests", "month": range(1, 13), "n_rows": [10] * 11 + [4]})
    assert words.describe_months(months) == (
        "Look for missing extracts: tests and images in March hold less than half of the usual rows."
    )
    assert words.describe_months(months.assign(n_rows=10)).startswith("No file has a month")


def test_a_clean_trust_says_so_and_draws_nothing_of_findings(tmp_path):
    cleaned, db = clean_small(tmp_path)
    assert (
        words.describe_findings(cleaned.summary)
        == "No rule found anything: every row was kept as it came."
    )
    assert figures.plot_findings(cleaned.summary) is None
    stakes = tables.build_stakes_table(value_findings(db, cleaned.frames), cleaned.summary)
    assert words.describe_stakes(stakes) == "No finding touches a row whose money is known."
    assert words.describe_files(cleaned.input_files, "slr").endswith(
        "every figure about patients is an average."
    )


def test_the_tables_total_adds_up_and_facts_are_not_faults(tmp_path):
    missed = "O2,p2,2024-08-01T09:00,300,C1234567,1,3,20,WF01A,0,01,QKK"
    late = "O3,p3,2024-08-01T09:00,300,C1234567,1,5,,WF01A,0,01,QKK"
    cleaned, db = clean_small(
        tmp_path, prices=PRICES, op_attendances=add_rows("op_attendances", missed, late)
    )
    accounts = tables.build_accounts_table(cleaned.accounts)
    assert accounts["n_read"].iloc[-1] == accounts["n_read"].iloc[:-1].sum()
    stakes = tables.build_stakes_table(value_findings(db, cleaned.frames), cleaned.summary)
    assert stakes["rule"].tolist() == ["OP-003"]
    assert stakes["stake_pence"].tolist() == [20_000]


def test_figures_draw_one_mark_for_each_finding_and_field(tmp_path):
    cleaned, db = clean_small(tmp_path, apc_episodes=add_rows("apc_episodes", SECOND, SECOND))
    completeness = measure_completeness(db)
    figure = figures.plot_completeness(completeness)
    assert len(figure.axes[0].get_yticklabels()) == len(completeness)
    findings = figures.plot_findings(cleaned.summary)
    labels = [label.get_text() for label in findings.axes[0].get_yticklabels()]
    # S2 has nights and no ward stay, so one is made; most frequent at the top
    assert labels == ["WRD-003 ward stays", "APC-001 episodes"]
    months = count_months(db, cleaned.settings)
    shown = [axes for axes in figures.plot_months(months).axes if axes.get_visible()]
    assert len(shown) == months["file"].nunique()


def test_completeness_by_month_shows_the_month_that_was_not_filled_in(tmp_path):
    header = (
        "attendance_id,patient_key,appointment_dt,tfc,consultant_code,first_attendance,attended,"
    )
    header += "booked_minutes,hrg,procedure_flag,admin_category,commissioner\n"
    rows = [
        f"O{month}{n},p{month}{n},2024-{month:02}-0{n + 1}T09:00,300,C1234567,1,5,20,"
        f"{'' if (month, n) in ((5, 0), (6, 0), (6, 1)) else 'WF01A'},0,01,QKK"
        for month in (4, 5, 6, 7)
        for n in range(2)
    ]
    cleaned, db = clean_small(tmp_path, op_attendances=header + "\n".join(rows) + "\n")
    found = measure_months(db, cleaned.settings)
    hrg = found[found["file"].eq("op_attendances") & found["field"].eq("hrg")]
    # April 2 of 2, May 1 of 2, June none, July 2 of 2: the middle month is 0.75 full
    assert hrg[["month", "n_rows", "n_present"]].to_numpy().tolist() == [
        [1, 2, 2], [2, 2, 1], [3, 2, 0], [4, 2, 2]
    ]  # fmt: skip
    sentence = words.describe_field_months(found)
    assert sentence.startswith("1 field falls off in some month:")
    assert sentence.endswith("(June: 0% filled).")
    texts = {text.get_text() for text in figures.plot_field_months(hrg).axes[0].texts}
    assert texts == {"50", "0"}
