"""What-if questions, as an analyst writes them: `prices:+2%; stays:GENMED:-0.5`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from helpers.contracts.terms import PODS
from helpers.errors import CommandError, name_a_few

QuestionKind = Literal["prices", "stays", "move", "service", "transfer"]
FORMS = {
    "prices": "prices:+2% (all lines) or prices:TO:+2%",
    "stays": "stays:GENMED:-0.5 (days a stay)",
    "move": "move:GENMED:NEL>GENMED:NES:200 (episodes or attendances)",
    "service": "service:ESTATES:-10%",
    "transfer": "transfer:MAT",
}
MOST_QUESTIONS = 12
CODE = r"([A-Z0-9_]{1,20})"
PATTERNS = {
    "prices": re.compile(rf"^(?:{CODE}:)?([+-]\d{{1,3}}(?:\.\d{{1,2}})?)%$", re.ASCII),
    "stays": re.compile(rf"^{CODE}:([+-]\d{{1,2}}(?:\.\d{{1,2}})?)$", re.ASCII),
    "move": re.compile(rf"^{CODE}:{CODE}>{CODE}:{CODE}:(\d{{1,7}})$", re.ASCII),
    "service": re.compile(rf"^{CODE}:([+-]\d{{1,3}}(?:\.\d{{1,2}})?)%$", re.ASCII),
    "transfer": re.compile(rf"^{CODE}$", re.ASCII),
}
LEAST_PERCENT = -100.0


@dataclass(frozen=True)
class Question:
    """One what-if question.

    Attributes
    ----------
    amount
        Change of prices or of a service's cost (-0.1 is a tenth less), days a stay, or the number of
        cases moved; nought for a transfer.
    subject
        Line or overhead service asked about; blank for all lines.
    """

    kind: QuestionKind
    amount: float = 0.0
    subject: str = ""
    pod: str = ""
    to_line: str = ""
    to_pod: str = ""

    @property
    def text(self) -> str:
        """The question as it is written."""
        percent = f"{self.amount * 100:+.10g}%"
        if self.kind == "prices":
            return f"prices:{self.subject}:{percent}" if self.subject else f"prices:{percent}"
        if self.kind == "stays":
            return f"stays:{self.subject}:{self.amount:+g}"
        if self.kind == "service":
            return f"service:{self.subject}:{percent}"
        if self.kind == "move":
            return f"move:{self.subject}:{self.pod}>{self.to_line}:{self.to_pod}:{self.amount:.0f}"
        return f"transfer:{self.subject}"


def read_questions(text: str) -> tuple[Question, ...]:
    """Return the questions in a text, `;` between them; none for a blank.

    Raises
    ------
    CommandError
        If a question is not in one of the five forms, asks for no change, or comes twice.
    """
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if len(parts) > MOST_QUESTIONS:
        raise CommandError(
            f"WHAT_IF asks {len(parts)} questions; at most {MOST_QUESTIONS} can be answered in a report."
        )
    questions = tuple(_read_question(part) for part in parts)
    twice = {question.text for question in questions if questions.count(question) > 1}
    if twice:
        raise CommandError(f"WHAT_IF asks the same more than once: {name_a_few(sorted(twice))}.")
    return questions


def _read_question(part: str) -> Question:
    kind, _, rest = re.sub(r"\s", "", part).partition(":")
    kind, rest = kind.lower(), rest.upper()
    if kind not in PATTERNS:
        raise CommandError(
            f"WHAT_IF has {name_a_few([repr(part)])}, which asks nothing that can be answered.\n"
            f"The questions are: {'; '.join(FORMS.values())}."
        )
    found = PATTERNS[kind].match(rest)
    if not found:
        raise _refuse(part, kind)
    if kind == "move":
        line, pod, to_line, to_pod, number = found.groups()
        unknown = [name for name in (pod, to_pod) if name not in PODS]
        if unknown or (line, pod) == (to_line, to_pod) or int(number) == 0:
            raise _refuse(part, kind, f" Points of delivery are {', '.join(PODS)}.")
        return Question("move", float(number), line, pod, to_line, to_pod)
    if kind == "transfer":
        return Question("transfer", 0.0, found[1])
    amount = float(found[2])
    is_percent = kind != "stays"
    if amount == 0 or (is_percent and amount < LEAST_PERCENT):
        raise _refuse(part, kind)
    amount = round(amount / 100, 6) if is_percent else amount
    return Question(kind, amount, found[1] or "")


def _refuse(part: str, kind: str, more: str = "") -> CommandError:
    return CommandError(
        f"WHAT_IF has {name_a_few([repr(part)])}, which cannot be read. Write {FORMS[kind]}, with a sign "
        f"before a change that is not nought.{more}"
    )
