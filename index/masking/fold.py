"""Words without case and accents, so that "MÜLLER", "Müller" and "Muller" are one."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"})


def fold(word: str) -> str:
    """`word` without case and accents.

    >>> fold("Łukasz"), fold("MÜLLER"), fold("Strauß")
    ('lukasz', 'muller', 'strauss')
    """
    return word.lower() if word.isascii() else _fold(word)


@lru_cache(maxsize=65_536)
def _fold(word: str) -> str:
    spread = unicodedata.normalize("NFKD", word.casefold()).translate(_LETTERS)
    return "".join(letter for letter in spread if not unicodedata.combining(letter))
