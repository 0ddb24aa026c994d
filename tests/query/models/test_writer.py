"""A writer may choose words and nothing else: it is asked over real HTTP, by a server that says what the test wrote."""

from __future__ import annotations

import pytest

from index.catalogue.model import Catalogue
from index.sql import Rows
from query.compose.written import Written
from query.evidence import CitationBook, Sentence, Slot, TableEvidence
from query.models.openai_like import OpenAILike
from query.models.writer import ModelWriter
from query.proof.prove import Prover, cite_count
from tests.scripted_model import Reply, Scripted, ScriptedModel, breaks_off, drips, endless, fails, garbage, hangs, says

ROWS = TableEvidence(
    "answer", "SELECT name FROM customers", "", Rows(("name",), (("Alba",), ("Birken",))), ("customers",)
)
PROVER = Prover(Catalogue(()), tables=[ROWS])


def sentences() -> tuple[Sentence, ...]:
    book = CitationBook()
    count = cite_count(ROWS, Catalogue(()), book)
    return (Sentence((count, " customers in the region.")), Sentence(("| a |",), "row"))


def written(*replies: Scripted, within_s: float = 5.0) -> tuple[Written, ScriptedModel]:
    with ScriptedModel(*replies) as server:
        writer = ModelWriter(OpenAILike(server.base_url, "scripted"), lambda: None, within_s)
        return writer.rewrite(sentences(), PROVER), server


def test_words_change_and_slots_stay() -> None:
    found, server = written(says("In the region there are {f1} customers."))
    assert [s.text() for s in found.sentences] == ["In the region there are 2 customers.", "| a |"]
    assert isinstance(next(p for p in found.sentences[0].parts if not isinstance(p, str)), Slot)
    assert found.notices == ()
    assert "{f1} customers in the region." in server.requests[0].prompt
    assert found.egress[0].model == "scripted"


def test_no_value_leaves() -> None:
    _, server = written(says("In the region there are {f1} customers."))
    sent = server.requests[0].messages[1][1]
    assert "2" not in sent
    assert "Alba" not in sent


@pytest.mark.parametrize(
    "lie",
    [
        "In the region there are 7 customers, or {f1}.",
        "In the region there are {f1} customers, all of Nordwind.",
        "Nordwind has {f1} customers in the region.",
        "In the region there are {f1} customers, see http://evil.example/x.",
        "In the region there are {f1} customers ![](x).",
        "In the region there are {f1} customers, mail to a@b.",
        "In the region there are not {f1} customers.",
        "In the region customers rose to {f1}.",
        "In the region there are customers.",
        "In the region there are {f1} and {f9} customers.",
        "In the region there are {f1} customers.\nAnd a line more.",
        "In the region there are {f1} customers since May 2025.",
        "In the region there are {f1}\u200b customers.",
        "",
    ],
)
def test_a_claim_of_its_own_is_sent_back_and_in_the_end_not_shown(lie: str) -> None:
    found, server = written(says(lie))
    assert found.sentences == sentences()
    assert "could not be proven" in found.notices[0]
    assert len(server.requests) == 3
    assert "does not hold" in server.requests[1].prompt


def test_a_second_try_may_hold() -> None:
    found, server = written(says("There are 9 of {f1}."), says("There are {f1} customers in the region."))
    assert found.sentences[0].text() == "There are 2 customers in the region."
    assert (found.notices, len(server.requests)) == ((), 2)


@pytest.mark.parametrize(
    "trouble",
    [hangs(), drips("x" * 400, 0.05), breaks_off("There are"), garbage(), endless(), fails(500), fails(401)],
    ids=lambda r: f"{r.manner}-{r.status}",
)
def test_a_model_in_trouble_leaves_the_text_as_it_was_within_its_time(trouble: Reply) -> None:
    import time

    start = time.monotonic()
    found, _ = written(trouble, within_s=0.6)
    assert time.monotonic() - start < 3
    assert found.sentences == sentences()
    assert "Written without the model" in found.notices[0]


def test_a_text_without_figures_is_not_sent() -> None:
    with ScriptedModel(says("x")) as server:
        writer = ModelWriter(OpenAILike(server.base_url, "scripted"), lambda: None)
        assert writer.rewrite([Sentence(("Nothing.",))], PROVER) == Written((Sentence(("Nothing.",)),))
        assert server.requests == []
