from __future__ import annotations

from index.scope import Scope
from query.planning.entity_names import EntityNames, Named
from tests.query import company


def names(scope: Scope | None = None) -> EntityNames:
    return EntityNames(company.CATALOGUE, company.reader(), scope or company.administrator())


def found(question: str) -> list[tuple[str, bool]]:
    return [(named.key, mention.whole) for mention in names().find(question) for named in mention.meant]


def test_a_whole_name_is_found_whatever_its_case_and_accents() -> None:
    assert found("how is NORDWAND handels gmbh doing?") == [("A1", True)]


def test_a_company_is_known_by_the_first_part_of_its_name() -> None:
    assert found("What does Fjellpunkt pay?") == [("A2", False)]


def test_a_thing_is_not_known_by_the_first_part_of_its_name() -> None:
    assert found("Which Cirrus clouds are there?") == []


def test_a_possessive_does_not_hide_a_name() -> None:
    assert found("What is Ridgeline Supply's last ticket?") == [("A3", True)]


def test_a_hidden_table_gives_no_names() -> None:
    assert names(Scope.nothing("stranger")).find("Fjellpunkt AS") == ()


def test_words_that_any_question_begins_with_are_no_name() -> None:
    held = names()
    held._add([Named("account", "A9", "What Is")])
    assert held.find("What is the status of Ridgeline Supply?")[0].meant[0].key == "A3"
