"""Quotes: the sentences of found passages that speak to a question, with their exact place in the stored text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from index.documents import Passage
from index.embedding.embedder import Embedder
from index.vectors.keywords import terms

SENTENCES = 16  # embedded for one call: more would cost more than the search itself
_KEYWORD_SHARE = 0.3  # of a sentence's score; the rest is the cosine similarity
_SHORTEST, _LONGEST = 12, 400  # characters of a sentence worth quoting

_BREAK = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9À-Þ])|\n\s*\n|\n(?=\s*(?:[-*•|#>]|\d+[.)]\s))")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|no|nos|fig|art|sec|mr|mrs|ms|dr|prof|inc|ltd|co|corp|st|approx|dept|est)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_MARGIN = re.compile(r"[\s>#*•|\-]+")


@dataclass(frozen=True)
class Quote:
    """A sentence of a document: `text` is the stored text between `start` and `end`; `score` is in 0..1."""

    doc_id: str
    start: int
    end: int
    text: str
    score: float
    passage: Passage


def quotes(query: str, passages: Sequence[Passage], embedder: Embedder, limit: int) -> tuple[Quote, ...]:
    """The `limit` sentences of `passages` closest to `query`, the best first, none of them twice.

    Sentences are taken from the best passages first, those that share words with the query before the others, and
    embedded in one call.
    """
    if limit <= 0 or not query.strip():
        return ()
    asked = frozenset(terms(query))
    found = _sentences(passages)
    shared = [_overlap(asked, text) for _, _, _, text in found]
    order = sorted(range(len(found)), key=lambda row: (-shared[row], row))
    chosen = sorted(order[: max(SENTENCES, limit)])
    if not chosen:
        return ()
    vectors = embedder.embed([found[row][3] for row in chosen])
    near = vectors @ embedder.embed_query(query)
    scored = [
        Quote(passage.doc_id, start, end, text, _score(float(cosine), shared[row]), passage)
        for row, cosine in zip(chosen, near, strict=True)
        for passage, start, end, text in [found[row]]
    ]
    return tuple(sorted(scored, key=lambda quote: (-quote.score, quote.doc_id, quote.start))[:limit])


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence, list item or paragraph of `text`, without markup and white space around it.

    >>> text = "Returns take 30 days, e.g. for boots. Ask Dr. Lund."
    >>> [text[start:end] for start, end in sentence_spans(text)]
    ['Returns take 30 days, e.g. for boots.', 'Ask Dr. Lund.']
    """
    first = 0
    for match in _BREAK.finditer(text):
        if "\n" not in match.group() and _ABBREVIATION.search(text, first, match.start()):
            continue
        yield from _trimmed(text, first, match.end())
        first = match.end()
    yield from _trimmed(text, first, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span without its margins; a long one comes in pieces that are cut at white space."""
    left = _MARGIN.match(text[start:end])
    start += left.end() if left else 0
    end = start + len(text[start:end].rstrip(" \t\r\n|"))
    while end - start > _LONGEST:
        cut = text.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
        cut = cut if cut > start else start + _LONGEST
        yield start, cut
        start = cut + len(text[cut:end]) - len(text[cut:end].lstrip())
    if end > start:
        yield start, end


def _sentences(passages: Sequence[Passage]) -> list[tuple[Passage, int, int, str]]:
    """Different sentences of the passages with their places in the document; passages that overlap give one."""
    found: list[tuple[Passage, int, int, str]] = []
    seen: set[tuple[str, int]] = set()
    for passage in passages:
        for start, end in sentence_spans(passage.text):
            place = (passage.doc_id, passage.start + end)
            if end - start >= _SHORTEST and place not in seen:
                seen.add(place)
                found.append((passage, passage.start + start, passage.start + end, passage.text[start:end]))
    return found


def _overlap(asked: frozenset[str], text: str) -> float:
    """The share of the question's terms that stand in `text`."""
    return len(asked.intersection(terms(text))) / len(asked) if asked else 0.0


def _score(cosine: float, shared: float) -> float:
    return min(1.0, max(0.0, (1 - _KEYWORD_SHARE) * cosine + _KEYWORD_SHARE * shared))
