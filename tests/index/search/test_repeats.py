"""Texts that say again what was said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.search.repeats import Said, shingles, words_of

TERMS = "Returns are taken back within thirty days of delivery if the tag is still on the product and it was not worn."
OTHER = "Tents carry a warranty of five years, poles that break in a storm are replaced, and zips are mended for free."


@pytest.mark.parametrize(
    ("text", "again"),
    [
        (TERMS, True),
        (f"  {TERMS.upper()}\n", True),
        (TERMS + " One more word.", True),
        (TERMS.replace("thirty", "ninety").replace("delivery", "order").replace("tag", "label"), False),
        (OTHER, False),
        ("Returns are taken back", False),
    ],
)
def test_a_text_that_says_the_same_is_said_again(text: str, again: bool) -> None:
    said = Said()
    assert not said.again(TERMS)
    assert said.again(text) is again
    assert said.again(text)


def test_short_texts_are_said_again_only_when_they_are_equal() -> None:
    said = Said()
    assert [said.again(text) for text in ("One year.", "one  YEAR", "Two years.", "", "")] == [
        False, True, False, False, True,
    ]  # fmt: skip


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=10, max_size=16).map(" ".join), max_size=8))
def test_a_text_is_said_again_where_it_resembles_one_that_counts(texts: list[str]) -> None:
    said, kept = Said(), list[str]()
    for text in texts:
        held = shingles(words_of(text))
        alike = [len(held & o) / max(1, len(held | o)) for o in (shingles(words_of(k)) for k in kept)]
        expected = text in kept or any(share >= 0.8 for share in alike)
        assert said.again(text) is expected
        if not expected:
            kept.append(text)
