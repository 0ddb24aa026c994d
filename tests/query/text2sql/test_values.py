"""Which stored values the words of a question find."""

from __future__ import annotations

from dataclasses import replace

from index.catalogue.model import Catalogue, Column
from query.text2sql.values import ValueIndex
from tests.query.text2sql.shop import CATALOGUE, database, everything


def _with_titles(*titles: str) -> Catalogue:
    customers, *others = CATALOGUE.tables
    title = Column("segment", "text", "title", values=titles)
    columns = tuple(title if c.name == "segment" else c for c in customers.columns)
    return replace(CATALOGUE, tables=(replace(customers, columns=columns), *others))


def test_a_word_finds_the_kinds_that_it_ends_unless_it_is_all_of_them_or_in_many() -> None:
    index = ValueIndex(_with_titles("Head of Purchasing", "Buyer"), database(), everything())
    assert [v.literal for v in index.kinds("purchasing")] == ["Head of Purchasing"]
    assert index.kinds("buyer") == index.kinds("head") == []
    many = _with_titles(*(f"Buyer {n} of marketing" for n in range(6)))
    assert ValueIndex(many, database(), everything()).kinds("marketing") == []
