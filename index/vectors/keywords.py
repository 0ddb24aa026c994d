"""Keyword vectors: BM25 weights as sparse vectors. The engine multiplies each term by its inverse document frequency.

A text's terms are its words, lower-cased, without accents and stop words, as English stems. What is written in several
ways is found by each of them: `ACC-0042` and `acc0042`, `follow-up` and `followup`, `IL6` and `IL-6`, `TNF-α` and
`TNF-alpha`. A term's id is a stable 32-bit hash of it, so no vocabulary is kept.
"""

from __future__ import annotations

import re
import threading
import unicodedata
import zlib
from collections import Counter
from functools import lru_cache
from typing import Any

from index.vectors.gateway import SparseVector

K1 = 1.2  # how soon a repeated term stops counting
B = 0.75  # how much a long text is held against it
AVERAGE_LENGTH = 80.0  # terms of a typical chunk; fixed, so that a weight never depends on other documents

_TOKEN = re.compile(r"[^\W_]+(?:['’.\-_/][^\W_]+)*")
_PART = re.compile(r"[^\W_]+")
_IDENTIFIER = re.compile(r"(?=.*[^\W\d_])(?=.*\d\d)")  # letters and a number of two digits or more
_HALVES = re.compile(r"([^\W\d_]+)(\d+)|(\d+)([^\W\d_]+)")  # letters and a number run together
_DECIMAL = re.compile(r"[\d.]+")
_JOINED = 3  # parts of a compound that is also written as one word
_GREEK = {c: unicodedata.name(c).split()[-1].lower() for c in "αβγδεζηθικμνξοπρστυφχψω"} | {"λ": "lambda"}
_SYMBOL = re.compile(r"(?<![α-ω])[α-ω](?![α-ω])")  # a Greek letter alone is a symbol, several are a word
_POSSESSIVE = re.compile(r"['’]s?$")
_STOP = """a about above after again against all am an and any are as at be because been before being below between both
    but by can could did do does doing down during each few for from further had has have having he her here hers
    herself him himself his how i if in into is it its itself just me more most my myself no nor not now of off on
    once only or other our ours ourselves out over own same she should so some such than that the their theirs them
    themselves then there these they this those through to too under until up very was we were what when where which
    while who whom why will with would you your yours yourself yourselves"""
STOP_WORDS = frozenset(_STOP.split())


def terms(text: str) -> list[str]:
    """The terms of `text` in order, repeated as often as they occur.

    >>> terms("Renewals of ACC-0042 at Zoë's")
    ['renew', 'acc0042', 'acc', '0042', 'zoe']
    """
    found: list[str] = []
    for token in _TOKEN.findall(_fold(text)):
        if token.isalpha():
            if token not in STOP_WORDS:
                found.append(_stem(token))
        else:
            found.extend(_compound(token))
    return found


@lru_cache(maxsize=65_536)
def _compound(token: str) -> tuple[str, ...]:
    """The terms of a token with a number, a hyphen or the like in it."""
    found: list[str] = []
    parts = _PART.findall(token)
    if "'" in token and not _IDENTIFIER.match(token):
        parts = _PART.findall(_POSSESSIVE.sub("", token)) if token.endswith("'s") else ["".join(parts)]
    elif _DECIMAL.fullmatch(token):
        pass  # 3.5 is not 35
    elif 1 < len(parts) <= _JOINED or (len(parts) > 1 and _IDENTIFIER.match(token)):
        found.append(_stem("".join(parts)))
    for part in parts:
        halves = _HALVES.fullmatch(part)
        found.extend(half for half in (halves.groups() if halves else ()) if half)
    found.extend(_stem(part) for part in parts if part not in STOP_WORDS)
    return tuple(found)


def document_vector(text: str) -> SparseVector:
    """BM25 weights of a chunk's terms; empty for a text without terms."""
    found = terms(text)
    norm = K1 * (1 - B + B * len(found) / AVERAGE_LENGTH)
    weights: dict[int, float] = {}
    for term, count in Counter(found).items():
        identity = term_id(term)
        weights[identity] = weights.get(identity, 0.0) + count * (K1 + 1) / (count + norm)
    return _vector(weights)


def query_vector(text: str) -> SparseVector:
    """The different terms of a question, each with weight 1 / their number; empty for a text without terms.

    So a keyword score is an average over the question's terms, and short and long questions score alike.
    """
    found = dict.fromkeys(map(term_id, terms(text)))
    return _vector(dict.fromkeys(found, 1.0 / max(1, len(found))))


def term_id(term: str) -> int:
    """A stable 32-bit id of a term."""
    return zlib.crc32(term.encode("utf-8", "surrogatepass"))


def _vector(weights: dict[int, float]) -> SparseVector:
    ordered = sorted(weights.items())
    return SparseVector(tuple(identity for identity, _ in ordered), tuple(weight for _, weight in ordered))


def _fold(text: str) -> str:
    """Lower case without accents; typographic apostrophes become plain ones, Greek symbols their names."""
    lowered = text.casefold().replace("’", "'")
    if lowered.isascii():
        return lowered
    decomposed = unicodedata.normalize("NFKD", lowered)
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _SYMBOL.sub(lambda symbol: f"-{_GREEK.get(symbol.group(), '')}-", plain)


_stemmers = threading.local()  # a PyStemmer stemmer may not be shared between threads


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    stemmer: Any = getattr(_stemmers, "english", None)
    if stemmer is None:
        import Stemmer

        stemmer = _stemmers.english = Stemmer.Stemmer("english")
    stem: str = stemmer.stemWord(word)
    return stem
