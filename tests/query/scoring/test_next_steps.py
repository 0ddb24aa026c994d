from __future__ import annotations

from query.evidence import Contribution, EntityScore
from query.scoring.next_steps import StepFinder, query_of, rank_steps, spans
from tests.query import company


def scored(*reasons: tuple[str, str, float]) -> EntityScore:
    made = tuple(Contribution(name, f"{hint} 42", 42, logit, next_step=hint) for name, hint, logit in reasons)
    return EntityScore("churn", "account", "A1", 0.8, -1.0, made, "v1", company.TODAY)


def finder(passages: company.WordPassages | None = None) -> StepFinder:
    return StepFinder(passages or company.WordPassages(), company.administrator())


def test_each_strong_reason_gets_a_step_quoted_from_its_playbook() -> None:
    steps = finder().find(scored(("usage", "falling portal logins", 1.4), ("tickets", "unresolved tickets", 0.6)))
    assert [s.feature for s in steps] == ["usage", "tickets"]
    assert "working session" in steps[0].text and "engineer" in steps[1].text
    for step in steps:
        assert company.DOCUMENTS[step.passage.doc_id][step.start : step.end] == step.text


def test_reasons_that_lower_the_score_call_for_no_step() -> None:
    assert (
        finder().find(scored(("usage", "falling portal logins", -0.9), ("tickets", "unresolved tickets", 0.01))) == ()
    )


def test_no_step_is_given_twice() -> None:
    steps = finder().find(scored(("a", "falling portal logins", 1.0), ("b", "falling portal logins", 0.9)))
    assert len({(s.passage.doc_id, s.start) for s in steps}) == len(steps) == 2


def test_a_reason_shared_by_many_is_searched_once() -> None:
    passages = company.WordPassages()
    found = finder(passages)
    for _ in range(40):
        found.find(scored(("usage", "falling portal logins", 1.4)))
    assert len(passages.asked) == 1


def test_documents_about_an_entity_are_no_guides_where_no_tag_says_which_are() -> None:
    passages = company.WordPassages(
        {"tickets:1": "# Falling logins\n\n- Offer me a free session on logins.\n", "guides:a": company.PLAYBOOK},
        {"tickets:1": {"account": ("A1",)}},
    )
    scope = company.Scope.administrator(company.CATALOGUE, frozenset({"everything"}))
    steps = StepFinder(passages, scope).find(scored(("usage", "falling portal logins", 1.4)))
    assert steps and steps[0].passage.doc_id == "guides:a"


def test_a_reason_without_a_hint_is_searched_by_its_words_without_the_value() -> None:
    reason = Contribution("usage", "portal sessions fell by -42.3 % this quarter", -42.3, 1.0)
    assert query_of(reason) == "portal sessions fell by this quarter"


def test_sentences_that_say_when_and_how_to_measure_are_no_steps() -> None:
    text = "## When to use\n\nOffer this when logins fall.\n\n## First step\n\nCall the buyer about logins.\n"
    passages = company.WordPassages({"guide:x": text}, {})
    found = rank_steps("falling logins", passages.search("falling logins", company.administrator(), k=5))
    assert [s.text for s in found] == ["Call the buyer about logins."]


def test_spans_know_their_heading_and_their_place() -> None:
    for passage in company.WordPassages().search("tickets engineer renewal", company.administrator(), k=9):
        for span in spans(passage):
            assert company.DOCUMENTS[passage.doc_id][span.start : span.end] == span.text
            assert not span.text.startswith("#") and span.heading
