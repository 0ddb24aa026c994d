"""A model may word a letter, behind the checks of the writer: asked over real HTTP by a server that says what the test
wrote, slow, down, lying and injecting links among it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from index.masking.known import KnownPersons
from query.answer import Answer
from query.drafts.lint import DraftLinter
from query.models.openai_like import OpenAILike
from query.models.writer import ModelWriter
from tests.query import company, office
from tests.scripted_model import Reply, Request, Scripted, ScriptedModel, drips, fails, garbage, hangs, says

QUESTION = "Prepare a follow-up email for Nordwand Handels GmbH"
SEVERAL = "Which customers are at risk of churn and draft a retention email for each"
PERSONS = KnownPersons.of(["Lena Vogt", "Ola Berg", "Maya Stone", "Ines Haller", "Tom Reyes"])


def worded(change: Callable[[str], str]) -> Callable[[Request], Reply]:
    """A server that gives the lines back with `change` made to each."""

    def reply(request: Request) -> Reply:
        lines = [line for line in request.messages[1][1].splitlines() if line.strip()]
        return says("\n".join(change(line) for line in lines))

    return reply


def kindly(line: str) -> str:
    """Other words around the same placeholders."""
    return re.sub(r"^(\s*(?:- )?)", r"\1so, ", line, count=1)


def asked(
    *replies: Scripted, question: str = QUESTION, within_s: float = 5.0, most: int = 200_000
) -> tuple[Answer, ScriptedModel]:
    with ScriptedModel(*replies) as server:
        writer = ModelWriter(OpenAILike(server.base_url, "scripted"), lambda: PERSONS, within_s)
        engine = office.engine(writer=writer, egress_characters=most)
        return engine.answer(question, office.administrator()), server


def bodies(answer: Answer) -> list[str]:
    return [draft.body for draft in answer.drafts]


def plain(question: str = QUESTION) -> list[str]:
    return bodies(office.engine().answer(question, office.administrator()))


def test_a_letter_in_other_words_keeps_every_slot_and_passes_the_lint() -> None:
    answer, server = asked(worded(kindly))
    (draft,), (before,) = answer.drafts, plain()
    assert draft.body != before and "so, " in draft.body
    assert re.findall(r"\[\d+\]", draft.body) == re.findall(r"\[\d+\]", before)
    assert draft.body.splitlines()[0] == before.splitlines()[0]  # the greeting is the template's
    engine = office.engine()
    assert DraftLinter(engine.parts, office.administrator()).findings(draft, proposed=draft.body) == ()
    assert server.requests


def test_no_value_and_no_name_leaves_and_what_leaves_is_recorded() -> None:
    answer, server = asked(worded(kindly), question=SEVERAL)
    sent = "\n".join(request.prompt for request in server.requests)
    people = ("Lena", "Vogt", "Berg", "Stone", "Haller", "Reyes")
    assert not [name for name in (*people, *(row[1] for row in company.ACCOUNTS)) if name in sent]
    told = "\n".join(request.messages[1][1] for request in server.requests)
    assert "{f1}" in told and not re.search(r"\d", re.sub(r"\{f\d+\}", "", told))
    (record,) = answer.egress
    assert record["model"] == "scripted"
    assert record["characters"] == sum(len(text) for r in server.requests for _, text in r.messages)


LIES = [
    lambda line: f"{line} And 25 percent off.",
    lambda line: f"{line} Fjellpunkt AS agrees.",
    lambda line: f"{line} See https://evil.example/x.",
    lambda line: f"{line} ![](x)",
    lambda line: f"{line} write to a@b.example",
    lambda line: f"{line} we guarantee it.",
    lambda line: f"{line} you get a refund.",
    lambda line: f"{line} it is not so.",
    lambda line: re.sub(r"\{f\d+\}", "", line) + " {f1}{f2}{f3}{f4}",
]


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_sent_back_twice_and_then_the_letter_stays_as_it_was(lie: Callable[[str], str]) -> None:
    answer, server = asked(worded(lie))
    assert bodies(answer) == plain()
    assert len(server.requests) % 3 == 0  # a text and its two rewrites
    assert any("could not be proven" in notice for notice in answer.drafts[0].notices)


@pytest.mark.parametrize("trouble", [hangs(), drips("x" * 400, 0.05), garbage(), fails(500)], ids=lambda r: r.manner)
def test_a_model_in_trouble_leaves_all_letters_as_they_were_within_one_deadline(trouble: Reply) -> None:
    start = time.monotonic()
    answer, _ = asked(trouble, question=SEVERAL, within_s=0.5)
    assert time.monotonic() - start < 4  # the answer's text, then all of its letters
    assert bodies(answer) == plain(SEVERAL) and len(answer.drafts) > 1
    assert any("Written without the model" in notice for notice in answer.notices)


def test_what_is_over_the_budget_of_a_question_does_not_leave() -> None:
    answer, server = asked(worded(kindly), question=SEVERAL, most=1_500)
    sent = sum(len(text) for request in server.requests for _, text in request.messages)
    assert 0 < sent <= 1_500
    assert sum(one["characters"] for one in answer.egress) == sent
    assert any("may send 1,500 characters" in notice for notice in answer.notices)
    assert answer.drafts


def test_with_no_budget_nothing_leaves() -> None:
    answer, server = asked(worded(kindly), question=SEVERAL, most=0)
    assert (server.requests, answer.egress) == ([], [])
    assert bodies(answer) == plain(SEVERAL)
