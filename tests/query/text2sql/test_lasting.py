"""Questions for how long something takes, in the words of the metrics that say so."""

from __future__ import annotations

import pytest

from query.text2sql.lasting import how_long
from query.text2sql.tokens import tokenise


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How long does it take to resolve a ticket?", "time to resolve a ticket ?"),
        ("How long does it usually take us to close tickets on average", "time to close tickets"),
        ("In EMEA, how quickly do we ship orders?", "in emea , time to ship orders ?"),
        ("How long do open tickets take to be resolved in May", "time to resolved open tickets in may"),
        ("How fast were urgent tickets resolved?", "time to resolved urgent tickets ?"),
        ("How long does delivery take?", "time to delivery ?"),
        ("Which region has the longest delivery time?", "which region has the highest delivery time ?"),
        ("How long is the contract of Fell?", "how long is the contract of fell ?"),
        ("Which contract is the longest?", "which contract is the longest ?"),
    ],
)
def test_how_long_is_said_as_a_time(question: str, words: str) -> None:
    assert " ".join(token.lower for token in how_long(tokenise(question))) == words


def test_every_token_keeps_a_place_in_the_question() -> None:
    question = "How long do open tickets take to be resolved in May?"
    tokens = how_long(tokenise(question))
    assert [question[t.start : t.end] for t in tokens[:3]] == ["How long do "] * 3
    assert [question[t.start : t.end] for t in tokens[3:]] == ["open", "tickets", "in", "May", "?"]
