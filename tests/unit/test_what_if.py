"""What if: every answer by hand, and reconciled."""

from __future__ import annotations

import four_lines
import pandas as pd
import pytest

from helpers.contracts.questions import Question, read_questions
from helpers.errors import CommandError
from helpers.report.tables.what_if import arrange_answers, arrange_costs, arrange_lines
from helpers.report.words.what_if import describe_answers, write_question
from helpers.subsidy.answers import answer_questions
from helpers.subsidy.behaviour import total_services
from helpers.subsidy.position import build_position
from helpers.subsidy.what_if import Costed, ask_usual_questions

# Of direct and indirect cost a tenth moves in a year, half in three, all in the long run. Of estates, IT
# and HR a tenth, three tenths and four tenths move in a year.
SERVICE_MOVES = {"ESTATES": 0.1, "IT": 0.3, "HR": 0.4}


def behaviour():
    table = four_lines.behaviour()
    own = table["department_id"].map(SERVICE_MOVES)
    return table.assign(**{"12m": own.fillna(table["12m"])})


def line_costs():
    """The four lines, their overheads by service as the reciprocal method has them (rounded)."""
    costs = four_lines.line_costs()
    care = costs[costs["tier"] != "overhead"]
    overhead = four_lines.overhead_allocation().rename(
        columns={"department_id": "line_id", "service_id": "source_department"}
    )
    return pd.concat(
        [care, overhead.assign(tier="overhead").drop(columns="method")], ignore_index=True
    )


def costed():
    position = build_position(
        four_lines.statement(), four_lines.service_lines(), four_lines.line_costs()
    )
    income = pd.DataFrame(
        {
            "line_id": four_lines.LINES,
            "row_id": "I1",
            "pod": "NEL",
            "amount_pence": [pounds * 100 for pounds in four_lines.INCOME],
        }
    )
    wards = pd.DataFrame(
        {
            "feed": ["ward", "ward", "theatre"],
            "line_id": ["GENMED", "GENMED", "GENMED"],
            "tier": ["indirect", "overhead", "indirect"],
            "element": "PAY_OTHER",
            "source_department": ["ANY", "HR", "ANY"],
            "amount_pence": [80_000_000, 20_000_000, 5_000_000],
        }
    )
    costs = line_costs()
    overhead = costs[costs["tier"] == "overhead"].groupby("line_id")["amount_pence"].sum()
    moves = behaviour()
    return Costed(
        position=position,
        line_income=income,
        line_pods=four_lines.line_activity(),
        line_costs=costs,
        pool_line_costs=wards,
        overhead_without_line=four_lines.overhead_without_line(),
        stays=pd.DataFrame(
            {"line_id": "GENMED", "los_days": [1, 4], "n_spells": [100, 100]}
        ),  # 500 bed days
        behaviour=moves,
        services=total_services(moves, four_lines.department_costs()),
        overhead=overhead,
    )


def ask(text):
    return answer_questions(read_questions(text), costed())


def get(answers, column, horizon="12m"):
    rows = answers.what_if[answers.what_if["horizon"] == horizon]
    return int(rows[column].iloc[0])


def by_line(answers, column="surplus_change_pence", horizon="12m"):
    rows = answers.what_if_lines[answers.what_if_lines["horizon"] == horizon]
    return rows.set_index("line_id")[column].to_dict()


def test_prices_move_income_and_no_cost():
    answers = ask("prices:+2%")
    # 2% of 17,650,000
    assert get(answers, "trust_effect_pence") == 35_300_000
    assert get(answers, "cost_touched_pence") == 0
    assert by_line(answers) == {
        "TO": 10_400_000, "GENMED": 12_000_000, "ED": 6_300_000, "MAT": 6_600_000,
    }  # fmt: skip
    assert by_line(ask("prices:TO:-1%")) == {"TO": -5_200_000}


def test_shorter_stays_free_the_part_of_ward_cost_that_moves():
    answers = ask("stays:GENMED:-2")
    # one night less for the 100 of one night, two for the 100 of four: 300 of 500 days, 0.6
    # full cost suggests 0.6 x (800,000 + 200,000); 0.1 and HR's 0.4 of it move
    assert get(answers, "cost_touched_pence") == -60_000_000
    assert get(answers, "cost_moves_pence") == -(4_800_000 + 4_800_000)
    assert get(answers, "trust_effect_pence") == 9_600_000
    assert get(answers, "cost_stays_pence") == -50_400_000
    assert by_line(answers, "surplus_after_pence")["GENMED"] == -12_000_000 + 9_600_000


def test_longer_stays_cost_what_moves():
    # half a day more for 200 stays: 100 of 500 days, 0.2 x (80 + 20m pence); 0.1 and 0.4 of it
    assert get(ask("stays:GENMED:+0.5"), "trust_effect_pence") == -(1_600_000 + 1_600_000)


def test_cases_moved_between_settings_earn_and_cost_as_the_average_there():
    answers = ask("move:TO:EL>TO:DC:40")
    # income: 40 x (90m / 900 - 230m / 400) pence; cost: 40 x (76m / 900 - 195m / 400)
    assert get(answers, "income_change_pence") == 4_000_000 - 23_000_000
    assert get(answers, "cost_touched_pence") == pytest.approx(3_377_778 - 19_500_000, abs=6)
    long_run = get(answers, "cost_moves_pence", "long")
    assert long_run == pytest.approx(3_377_778 - 19_500_000, abs=6)


def test_a_service_is_cut_no_further_than_its_cost_moves():
    answers = ask("service:ESTATES:-25%")
    # a quarter of 800,000; in a year only a tenth of the whole can go
    assert get(answers, "cost_touched_pence") == pytest.approx(-20_000_000, abs=3)
    assert get(answers, "cost_moves_pence") == pytest.approx(-8_000_000, abs=3)
    assert get(answers, "cost_moves_pence", "3y") == pytest.approx(-20_000_000, abs=3)
    # maternity bears 73/315 of estates
    assert by_line(answers)["MAT"] == pytest.approx(8_000_000 * 73 / 315, abs=1)
    small = ask("service:ESTATES:-5%")
    assert get(small, "cost_moves_pence") == pytest.approx(-4_000_000, abs=3)


def test_more_cost_of_a_service_comes_at_once():
    assert get(ask("service:IT:+10%"), "trust_effect_pence") == pytest.approx(-6_400_000, abs=3)


def test_a_transferred_line_takes_its_own_departments_and_leaves_the_rest():
    answers = ask("transfer:MAT")
    # direct 2,650,000 goes wholly, a tenth of indirect 320,000, and of overheads
    # 0.1 x 185,396.83 + 0.3 x 99,555.56 + 0.4 x 55,047.62 = 70,425.40
    moves = 265_000_000 + 3_200_000 + 7_042_540
    assert get(answers, "cost_moves_pence") == pytest.approx(-moves, abs=2)
    assert get(answers, "trust_effect_pence") == pytest.approx(moves - 330_000_000, abs=2)
    lines = by_line(answers)
    # its deficit goes with it (services' cost ends in whole pence here: 34,000,001 in maternity)
    assert lines["MAT"] == 1_000_001
    assert lines["CENTRAL"] == -28_800_000  # nine tenths of indirect cost stay
    assert by_line(answers, "surplus_after_pence")["MAT"] == 1
    assert sum(lines.values()) == get(answers, "trust_effect_pence")


def test_every_answer_of_every_question_reconciles():
    answers = ask(
        "prices:+1%; stays:GENMED:-0.5; move:TO:NEL>TO:DC:7; service:HR:-3%; transfer:ED; transfer:TO"
    )
    identity = answers.identities.iloc[0]
    assert identity["left_pence"] == identity["right_pence"]
    keys = ["question_no", "horizon"]
    lines = answers.what_if_lines.groupby(keys)["surplus_change_pence"].sum()
    effects = answers.what_if.set_index(keys)["trust_effect_pence"]
    assert len(effects) == 18
    assert (lines.reindex(effects.index) == effects).all()
    kinds = answers.what_if_costs.groupby(keys)["cost_moves_pence"].sum()
    moves = answers.what_if.set_index(keys)["cost_moves_pence"]
    assert (kinds.reindex(moves.index, fill_value=0) == moves).all()


def test_the_usual_questions_name_what_weighs_most():
    asked = [question.text for question in ask_usual_questions(costed())]
    assert asked == ["prices:+1%", "stays:GENMED:-0.5", "service:ESTATES:-5%", "transfer:GENMED"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prices:XX:+1%", "no line called XX"),
        ("stays:TO:-1", "no line with stays in beds called TO"),
        ("service:MAT:-1%", "no overhead service called MAT"),
        ("transfer:XX", "There are ED, GENMED, MAT, TO"),
        ("move:TO:EL>GENMED:EL:4", "GENMED has no activity of the kind EL"),
        ("move:TO:EL>TO:DC:401", "TO has 400 EL cases. Move no more"),
    ],
)
def test_a_question_about_what_is_not_there_is_refused(text, words):
    with pytest.raises(CommandError, match=words):
        ask(text)


def test_no_question_gives_empty_tables():
    answers = answer_questions((), costed())
    assert answers.what_if.empty and answers.what_if_lines.empty and answers.what_if_costs.empty
    assert (answers.identities["left_pence"] == answers.identities["right_pence"]).all()


def test_answers_are_told_in_words_with_names():
    answers = ask("transfer:MAT; prices:+2%")
    position = costed().position
    first, second = describe_answers(answers.what_if, answers.what_if_costs, position)
    assert first.startswith("Maternity transferred to another provider, with its own departments:")
    assert "£3.30m less income; full cost suggests £3.31m less cost" in first
    assert "the trust is £548k worse off within 12 months" in first
    assert second == (
        "Prices up by 2%: £353k more income and no cost that moves, so the trust is £353k better off "
        "within 12 months."
    )
    question = Question("move", 100, "TO", "EL", "TO", "DC").text
    assert write_question(question, position) == (
        "100 cases of Trauma and orthopaedics moved from elective inpatient to day case"
    )


def test_tables_hold_what_the_answers_hold():
    answers = ask("service:HR:-3%; transfer:MAT")
    position = costed().position
    table = arrange_answers(answers.what_if, position)
    year = answers.what_if[answers.what_if["horizon"] == "12m"]
    assert table["effect_12m_pence"].tolist() == year["trust_effect_pence"].tolist()
    assert arrange_costs(answers.what_if_costs, position)["words"].tolist()[0].endswith("by 3%")
    lines = arrange_lines(answers.what_if_lines, position)
    assert lines["surplus_change_pence"].sum() == year["trust_effect_pence"].sum()
