"""Which language a text is in: by its script, and among those that share one by their commonest little words.

A library that knows a hundred languages takes a second to load and several milliseconds a document; what a company
files is told apart by thirty words a language. Where two languages are close, nothing is said.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

_SAMPLE = 4_000  # characters
_LETTERS = 20  # fewer are a guess
_WORD = re.compile(r"[^\W\d_]+")
_SCRIPTS = (
    ("\u3040", "\u30ff", "ja"), ("\uac00", "\ud7a3", "ko"), ("\u4e00", "\u9fff", "zh"), ("\u0370", "\u03ff", "el"),
    ("\u0590", "\u05ff", "he"), ("\u0600", "\u06ff", "ar"), ("\u0900", "\u097f", "hi"), ("\u0e00", "\u0e7f", "th"),
    ("\u0400", "\u04ff", "ru"),
)  # fmt: skip


@lru_cache(maxsize=1)
def _common_words() -> dict[str, frozenset[str]]:
    lines = Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").splitlines()
    entries = (line.split(": ") for line in lines if not line.startswith("#"))
    return {code: frozenset(words.split()) for code, words in entries}


def language_of(text: str) -> str:
    """The ISO 639-1 code of the language that most of `text` is in; empty where there is too little to tell."""
    start = len(text) // 4 if len(text) > 3 * _SAMPLE else 0  # a long text may begin with a menu of other languages
    sample = text[start : start + _SAMPLE]
    words = [word.lower() for word in _WORD.findall(sample)]
    letters = sum(map(len, words))
    if letters < (_LETTERS if sample.isascii() else _LETTERS // 2):
        return ""
    return _by_script("".join(words)) or _by_words(words)


def _by_script(letters: str) -> str:
    if letters.isascii():
        return ""
    counts = Counter(code for sign in letters if sign > "\u036f" for code in [_script(sign)] if code)
    if not counts or counts.total() * 2 < len(letters):
        return ""
    if counts["ja"] * 10 >= counts.total():  # Japanese writes half of its words with Chinese signs
        return "ja"
    code = counts.most_common(1)[0][0]
    if code == "ar" and any(sign in letters for sign in "پچژگ"):
        return "fa"
    if code == "ru":
        return "uk" if any(sign in letters for sign in "іїєґ") else "ru" if any(s in letters for s in "ыэё") else "bg"
    return code


def _script(sign: str) -> str:
    return next((code for first, last, code in _SCRIPTS if first <= sign <= last), "")


def _by_words(words: list[str]) -> str:
    scores = sorted(((sum(w in common for w in words), code) for code, common in _common_words().items()), reverse=True)
    (best, code), (second, _) = scores[0], scores[1]
    enough = best >= 2 and best * 8 >= len(words)  # in running text every third word is among them
    return code if enough and best * 4 >= second * 5 else ""
