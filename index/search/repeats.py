"""Texts that say again what one before them said: equal ones, and those with nearly all runs of words in common."""

from __future__ import annotations

import re
from collections.abc import Sequence

SHINGLE = 4  # words
ALIKE = 0.8  # of the shingles of two texts together are in both
LEAST = 12  # words; shorter texts are alike too easily
_WORD = re.compile(r"\w+")
Shingle = tuple[str, ...]


def words_of(text: str) -> list[str]:
    """The words of a text in lower case."""
    return _WORD.findall(text.lower())


def shingles(words: Sequence[str]) -> set[Shingle]:
    """Every run of `SHINGLE` words; none for a text of a few words."""
    return set(zip(*(words[n:] for n in range(SHINGLE)), strict=False)) if len(words) >= LEAST else set()


class Said:
    """What the texts so far have said."""

    def __init__(self) -> None:
        self._whole: set[Shingle] = set()
        self._known: set[Shingle] = set()  # the shingles of all of them
        self._held: list[set[Shingle]] = []

    def again(self, text: str) -> bool:
        """True for a text that was said already; else it counts as said."""
        words = tuple(words_of(text))
        held = shingles(words)
        # Few texts have so much in common with all the others that it is worth comparing them one by one.
        near = held and len(held & self._known) >= ALIKE * len(held)
        if words in self._whole or (near and any(_alike(held, other) for other in self._held)):
            return True
        self._whole.add(words)
        self._known |= held
        self._held.append(held)
        return False


def _alike(one: set[Shingle], other: set[Shingle]) -> bool:
    shared = len(one & other)
    return shared > 0 and shared >= ALIKE * (len(one) + len(other) - shared)
