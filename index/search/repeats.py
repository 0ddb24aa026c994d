"""Texts that say again what one before them said: equal ones, and those with nearly all runs of words in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SHINGLE = 4  # words
ALIKE = 0.8  # of the shingles of two texts together are in both
LEAST = 12  # words; shorter texts are alike too easily
_WORD = re.compile(r"\w+")
_APART = {code: " " for code in range(128) if not _WORD.match(chr(code))}  # what is between the words of plain text
Shingle = tuple[str, ...]


def words_of(text: str) -> list[str]:
    """The words of a text in lower case."""
    lowered = text.lower()
    return lowered.translate(_APART).split() if lowered.isascii() else _WORD.findall(lowered)


def shingles(words: Sequence[str]) -> set[Shingle]:
    """Every run of `SHINGLE` words; none for a text of a few words."""
    return set(_runs(words))


def _runs(words: Sequence[str]) -> Iterable[Shingle]:
    return zip(*(words[n:] for n in range(SHINGLE)), strict=False) if len(words) >= LEAST else ()


class Said:
    """What the texts so far have said. Shingles go by their hashes, of 64 bits, which take a third of the time."""

    def __init__(self) -> None:
        self._whole: set[Shingle] = set()
        self._known: set[int] = set()  # the shingles of all of them
        self._held: list[set[int]] = []

    def again(self, text: str) -> bool:
        """True for a text that was said already; else it counts as said."""
        words = tuple(words_of(text))
        held = set(map(hash, _runs(words)))
        # Few texts have so much in common with all the others that it is worth comparing them one by one.
        near = held and len(held & self._known) >= ALIKE * len(held)
        if words in self._whole or (near and any(_alike(held, other) for other in self._held)):
            return True
        self._whole.add(words)
        self._known |= held
        self._held.append(held)
        return False


def _alike(one: set[int], other: set[int]) -> bool:
    shared = len(one & other)
    return shared > 0 and shared >= ALIKE * (len(one) + len(other) - shared)
