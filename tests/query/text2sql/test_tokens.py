"""Tokens, numbers and words of identifiers."""

from __future__ import annotations

import pytest

from query.text2sql.tokens import tokenise, value_key, words_of


def test_offsets_lead_back_to_the_text() -> None:
    question = "Show Anna's 12,500 \"top deals\" over $50k, don't stop!"
    for token in tokenise(question):
        assert token.text in question[token.start : token.end] or token.kind == "quoted"


@pytest.mark.parametrize(
    ("text", "number"),
    [("50k", 50_000), ("$1,200", 1200), ("12.5%", 12.5), ("three", 3), ("2 million", 2_000_000), ("1.5m", 1_500_000)],
)
def test_numbers_are_read_in_the_ways_people_write_them(text: str, number: float) -> None:
    (token,) = tokenise(text)
    assert token.number == number


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        ("ShipCountry", ("ship", "country")),
        ("customer_id", ("customer", "id")),
        ("Order Details", ("order", "details")),
        ("LName", ("last", "name")),
        ("qty_sold", ("quantity", "sold")),
    ],
)
def test_identifiers_are_split_into_words(identifier: str, words: tuple[str, ...]) -> None:
    assert words_of(identifier) == words


def test_values_compare_without_case_and_punctuation() -> None:
    assert value_key("Sport Sp. z o.o.") == value_key("sport sp z o o")
