"""Texts that say again what one before them said: equal ones, and those with nearly all runs of words in common."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

SHINGLE = 4  # words
ALIKE = 0.8  # of the shingles of two texts together are in both
LEAST = 12  # words; shorter texts are alike too easily
_WORD = re.compile(r"\w+")
Shingle = tuple[str, ...]


def words_of(text: str) -> list[str]:
    """The words of a text in lower case."""
    return _WORD.findall(text.lower())


def shingles(words: list[str]) -> set[Shingle]:
    """Every run of `SHINGLE` words; none for a text of a few words."""
    return set(zip(*(words[n:] for n in range(SHINGLE)), strict=False)) if len(words) >= LEAST else set()


class Said:
    """What the texts so far have said."""

    def __init__(self) -> None:
        self._whole: set[Shingle] = set()
        self._sizes: list[int] = []
        self._holders: dict[Shingle, list[int]] = defaultdict(list)  # which of the texts has it

    def again(self, text: str) -> bool:
        """True for a text that was said already; else it counts as said."""
        words = words_of(text)
        held = shingles(words)
        shared = Counter(number for one in held for number in self._holders.get(one, ()))
        if tuple(words) in self._whole or any(
            count >= ALIKE * (len(held) + self._sizes[number] - count) for number, count in shared.items()
        ):
            return True
        self._whole.add(tuple(words))
        for one in held:
            self._holders[one].append(len(self._sizes))
        self._sizes.append(len(held))
        return False
