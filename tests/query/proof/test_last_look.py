"""The finished text of an answer is read once more: what its citations do not prove does not leave."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from query.compose.written import Written
from query.evidence import Citation, Sentence
from query.names import NameDictionary
from query.proof.last_look import NOTHING_LEFT, last_look
from query.proof.prove import Prover
from tests.query import office

COUNT = Citation(1, "aggregate", "crm", column="count", value=12)
NAME = Citation(2, "cell", "crm", table="accounts", key="A1", column="name", value="Nordwand Handels GmbH")
CITED = {1: COUNT, 2: NAME}
NAMES = NameDictionary(["Nordwand Handels GmbH", "Fjellpunkt AS"])


def test_a_text_that_holds_stays_letter_by_letter() -> None:
    text = "### Accounts\n\nThere are 12 accounts [1].\n- Nordwand Handels GmbH [2]"
    looked = last_look(text, CITED, NAMES)
    assert (looked.text, looked.notices) == (text, ())


@pytest.mark.parametrize(
    "line",
    [
        "There are 13 accounts [1].",
        "There are 12 accounts [1], and 7 more.",
        "There are 12 accounts [9].",
        "- Fjellpunkt AS [2]",
        "- Fjellpunkt AS",
        "There are 12 accounts [1], see https://evil.example/x.",
    ],
)
def test_a_line_without_proof_is_left_out_and_said_so(line: str) -> None:
    looked = last_look(f"There are 12 accounts [1].\n{line}", CITED, NAMES)
    assert looked.text == "There are 12 accounts [1]."
    assert looked.notices[0].startswith("A line was left out in the last check: ")


def test_a_text_of_which_nothing_holds_says_so() -> None:
    assert last_look("There are 13 accounts.", CITED).text == NOTHING_LEFT


class Liar:
    """A writer that goes around its own checks."""

    def rewrite(self, sentences: Sequence[Sentence], _prover: Prover) -> Written:
        return Written((*sentences, Sentence(("And 4711 others are leaving for https://evil.example/now.",))))


def test_what_a_writer_slips_past_its_checks_does_not_leave() -> None:
    engine, scope = office.engine(writer=Liar()), office.administrator()
    answer = engine.answer("How many accounts are there?", scope)
    assert "4711" not in answer.answer and "evil" not in answer.answer
    assert any("last check" in notice for notice in answer.notices)
    assert answer.citations and answer.route.path == "sql"
