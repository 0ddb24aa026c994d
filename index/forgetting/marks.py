"""Marks: texts that tell who somebody is (a name, an e-mail address, a key), as sequences of words.

A mark of several words is looked for in lower case, one of a single word as it is written, so that a company that is
called Summit does not take every summit with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

WORD = re.compile(r"[^\W_]+")
_LONGEST, _MOST = 80, 8  # characters and words; what is longer is no name
_SHORTEST = 5  # letters of a name that is a single word


@dataclass(frozen=True)
class Mark:
    """A text to find; `words` is how it is compared, `count` how many words that are."""

    words: str
    count: int


def mark_of(text: str, *, alone: bool = False) -> Mark | None:
    """`text` as a mark; None where it would match what it does not mean. A single word counts where it may stand
    `alone` and is long, or where letters and digits are mixed in it."""
    words = WORD.findall(text)
    if not words or len(text) > _LONGEST or len(words) > _MOST:
        return None
    if len(words) > 1:
        return Mark(" ".join(words).lower(), len(words)) if len("".join(words)) >= _SHORTEST else None
    word = words[0]
    mixed = any(c.isdigit() for c in word) and any(c.isalpha() for c in word) and len(word) >= _SHORTEST
    return Mark(f"={word}", 1) if mixed or (alone and len(word) >= _SHORTEST and not word.isdigit()) else None


def runs(spans: list[re.Match[str]], place: int, counts: frozenset[int]) -> Iterator[tuple[str, int]]:
    """The marks that could begin at word number `place`, each with the number of its last word."""
    for count in counts:
        if place + count <= len(spans):
            words = [span.group() for span in spans[place : place + count]]
            yield (f"={words[0]}" if count == 1 else " ".join(words).lower()), place + count - 1
