"""The filter itself, before any engine: policy first, and an empty list admits nothing."""

from dataclasses import replace

from index.scope import Principal, Scope
from index.vectors.filter import About, AnyOf, parts
from index.vectors.gateway import Narrow

READER = Scope(Principal("eva"), {}, frozenset({"handbook", "tickets"}))


def test_the_tags_of_a_scope_come_first() -> None:
    assert parts(READER, Narrow()) == (AnyOf("tags", ("handbook", "tickets")),)


def test_a_scope_without_tags_admits_nothing() -> None:
    assert parts(replace(READER, tags=frozenset()), Narrow()) == (AnyOf("tags", ()),)


def test_a_narrowing_to_no_keys_and_to_no_documents_admits_nothing() -> None:
    found = parts(READER, Narrow(entities=(), doc_ids=()))
    assert found[1:] == (AnyOf("entities", ()), AnyOf("doc_id", ()))


def test_documents_that_follow_rows_are_held_to_what_the_rows_show() -> None:
    scope = replace(READER, follows=frozenset({"tickets"}), about=frozenset({"account:A1"}))
    assert parts(scope, Narrow())[1] == About(("account:A1",), ())
