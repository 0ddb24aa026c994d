"""What of a text tells who somebody is, and where it is found again."""

import pytest

from index.forgetting.marks import mark_of
from index.forgetting.suppression import FIRST, WORDS, Suppression


def _forgotten(*texts: str) -> Suppression:
    held = Suppression(b"k" * 32)
    marks = [mark for text in texts if (mark := mark_of(text, alone=True)) is not None]
    hashes = [held.hash(WORDS, mark.words) for mark in marks]
    hashes += [held.hash(FIRST, mark.words.lstrip("=").split()[0].lower()) for mark in marks]
    return held.with_more(hashes, {}, marks)


@pytest.mark.parametrize(
    "text", ["A1", "42", "1234567", "Ann", "", "-", "one two three four five six seven eight nine"]
)
def test_what_would_match_something_else_is_no_mark(text: str) -> None:
    assert mark_of(text) is None


def test_a_single_word_names_somebody_only_where_it_may() -> None:
    assert mark_of("Summit") is None
    assert mark_of("Summit", alone=True) is not None
    assert mark_of("ACC0042") is not None and mark_of("ACC-0042") is not None


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("of Ann & Co. today", "of ████████. today"),
        ("ANN, CO", "███████"),
        ("Anna Co", "Anna Co"),
        ("write to a.b@c.example!", "write to █████████████!"),
        ("Summit and the summit", "██████ and the summit"),
        ("Zoë Müller-Ångström", "███████████████████"),
        ("ann", "ann"),
    ],
)
def test_marks_are_found_as_words_and_covered_as_long_as_they_were(text: str, masked: str) -> None:
    forgotten = _forgotten("Ann & Co", "a.b@c.example", "Summit", "Zoë Müller-Ångström")
    assert forgotten.masked(text) == masked
    assert forgotten.names(text) == (text != masked)


def test_another_key_finds_nothing() -> None:
    held = _forgotten("Ann & Co")
    other = Suppression(b"o" * 32, held.held, {}, held.counts)
    assert held.names("Ann & Co") and not other.names("Ann & Co")
