"""Keyword vectors."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.vectors.keywords import document_vector, query_vector, term_id, terms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Renewals are renewing", ["renew", "renew"]),
        ("ACC-0042", ["acc0042", "acc", "0042"]),
        ("SKU_12/A", ["sku12a", "sku", "12"]),
        ("Zoë's Café naïve", ["zoe", "cafe", "naiv"]),
        ("well-known", ["wellknown", "well", "known"]),
        ("don’t the and", ["dont"]),
        ("2026-05-01", ["20260501", "2026", "05", "01"]),
        ("Straße 北京", ["strass", "北京"]),
        ("IL6 CD4+", ["il", "6", "il6", "cd", "4", "cd4"]),
        ("TNF-α TNFα", ["tnf", "alpha", "tnfalpha", "tnf", "alpha"]),
        ("λόγος", ["λογοσ"]),
        ("3.5 percent", ["3", "5", "percent"]),
        ("!?  …", []),
    ],
)
def test_terms_of_a_text(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_an_identifier_matches_whole_before_its_parts() -> None:
    asked = set(query_vector("what about ACC-0042?").indices)
    assert len(asked & set(document_vector("invoice of ACC-0042").indices)) == 3
    assert len(asked & set(document_vector("invoice 0042 of ACC-0041").indices)) == 2


@pytest.mark.parametrize(
    ("one", "other"), [("follow-up", "followup"), ("IL-6", "IL6"), ("TNF-α", "TNF alpha"), ("ACC-0042", "acc0042")]
)
def test_what_is_written_in_two_ways_is_found_by_both(one: str, other: str) -> None:
    assert set(query_vector(one).indices) & set(document_vector(other).indices)
    assert set(query_vector(other).indices) & set(document_vector(one).indices)


def test_a_term_id_never_changes() -> None:
    assert term_id("renew") == 3714768596
    assert 0 <= term_id("北京") < 2**32


def test_a_repeated_term_counts_less_each_time_and_a_long_text_is_held_against_it() -> None:
    def weight(text: str) -> float:
        vector = document_vector(text)
        return vector.values[vector.indices.index(term_id("tent"))]

    once, twice, often = (weight("tent " * n + "pole " * (20 - n)) for n in (1, 2, 10))
    assert once < twice < often < 2.2
    assert twice - once > (often - twice) / 8
    assert weight("tent " + "pole " * 300) < once


@given(st.text(max_size=200))
def test_any_text_gives_a_vector_that_an_engine_takes(text: str) -> None:
    for vector in (document_vector(text), query_vector(text)):
        assert list(vector.indices) == sorted(set(vector.indices))
        assert len(vector.indices) == len(vector.values)
        assert all(0 < value < 1e6 and math.isfinite(value) for value in vector.values)
