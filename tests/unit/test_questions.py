"""What-if questions as an analyst writes them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.contracts.questions import MOST_QUESTIONS, Question, read_questions
from helpers.errors import CommandError


def test_every_form_is_read():
    text = (
        "prices:+2%; prices:to:-0.5%; stays:GENMED:-0.5; move:TO:EL>TO:DC:100; "
        "service:ESTATES:-10%; transfer:MAT"
    )
    assert read_questions(text) == (
        Question("prices", 0.02),
        Question("prices", -0.005, "TO"),
        Question("stays", -0.5, "GENMED"),
        Question("move", 100.0, "TO", "EL", "TO", "DC"),
        Question("service", -0.1, "ESTATES"),
        Question("transfer", 0.0, "MAT"),
    )


def test_nothing_asked_is_no_question():
    assert read_questions("") == () == read_questions(" ; ")


percent = st.integers(-10_000, 99_999).filter(bool).map(lambda n: n / 10_000)


@settings(deadline=None)
@given(
    st.one_of(
        st.builds(Question, st.just("prices"), percent, st.sampled_from(["", "TO"])),
        st.builds(Question, st.just("service"), percent, st.just("IT")),
        st.builds(
            Question,
            st.just("stays"),
            st.integers(-900, 900).filter(bool).map(lambda n: n / 100),
            st.just("ED"),
        ),
    )
)
def test_what_is_written_is_read_again(question):
    assert read_questions(question.text) == (question,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prices:2%", "with a sign before a change"),
        ("prices:+0%", "not nought"),
        ("prices:-101%", "cannot be read"),
        ("prices:+2", "cannot be read"),
        ("stays:GENMED:-0.5%", "cannot be read"),
        ("stays:-0.5", "cannot be read"),
        ("move:TO:EL>TO:EL:5", "cannot be read"),
        ("move:TO:XX>TO:DC:5", "Points of delivery are EL, DC"),
        ("move:TO:EL>TO:DC:0", "cannot be read"),
        ("close:MAT", "asks nothing that can be answered"),
        ("+2%", "asks nothing that can be answered"),
        ("prices:+2%;prices:+2.00%", "the same more than once"),
        ("transfer:<script>", "cannot be read"),
        ("transfer:ＭＡＴ", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(text, words):
    with pytest.raises(CommandError, match=words):
        read_questions(text)


def test_too_many_questions_are_refused():
    text = ";".join(f"prices:+{n}%" for n in range(1, MOST_QUESTIONS + 2))
    with pytest.raises(CommandError, match="13 questions; at most 12"):
        read_questions(text)
