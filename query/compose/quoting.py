"""What to quote of the passages that were found: the sentence that answers, with the rest of its section."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from index.documents import Passage
from index.embedding.embedder import Embedder
from index.search.quotes import Quote, quotes, sentence_spans
from index.vectors.keywords import terms

WEAKEST = 0.30  # score below which a sentence does not speak of the question
CANDIDATES = 24
LOOKED_INTO = 3  # passages whose sentences are compared; the rest is shown as found
SHORT_SECTION = 900  # characters of a passage that is told whole, sentence by sentence
MOST_OF_ONE = 7
MOST_BESIDE = 2
MOST_SAID = 6
HEADING, TITLE = 0.85, 0.7  # what a sentence inherits of the nearness of its heading and of its document's title
NEARLY = 0.85  # of the best score, for sentences of other passages
_SHORTEST = 15
_MAIL_HEADER = re.compile(r"(?:from|to|cc|date|sent|subject): ", re.I)


def pick(query: str, passages: Sequence[Passage], embedder: Embedder) -> tuple[Quote, ...]:
    """The quotes that answer `query`, best passage first and in its own order; none when nothing speaks of it.

    A sentence counts by its nearness to the question or that of the heading it stands under, by the words of the
    question that it holds together with its title, by those that its whole passage holds, and by that passage's rank.
    """
    near = quotes(query, passages[:LOOKED_INTO], embedder, CANDIDATES)
    found = [_lifted(q, near) for q in near if _says_something(q.text, q.passage)]
    ranks = _ranks(passages)
    asked = frozenset(terms(query))

    def weight(quote: Quote) -> float:
        passage = quote.passage
        title = frozenset(terms(f"{passage.title} {passage.heading}"))
        shared = len(asked & (title | frozenset(terms(quote.text)))) / max(1, len(asked))
        covered = len(asked & (title | frozenset(terms(passage.text)))) / max(1, len(asked))
        return quote.score + 0.7 * shared + 0.5 * covered + 0.4 * ranks[passage.chunk_id]

    found = sorted((q for q in found if q.score >= WEAKEST), key=lambda q: -weight(q))
    if not found:
        return ()
    best = found[0]
    told = _section(best, found)
    beside = [q for q in found if q.passage.chunk_id != best.passage.chunk_id and weight(q) >= NEARLY * weight(best)]
    seen = {_plain(q.text) for q in told}
    unlike = list({_plain(q.text): q for q in reversed(beside) if _plain(q.text) not in seen}.values())
    unlike.sort(key=lambda q: -weight(q))
    return (*told, *unlike[:MOST_BESIDE])


def _ranks(passages: Sequence[Passage]) -> dict[str, float]:
    """The rank of each passage as 1, 1/2, 1/3 ..., and half of what other passages of its document have."""
    own = {p.chunk_id: 1 / (1 + place) for place, p in reversed(list(enumerate(passages)))}
    documents: dict[str, float] = {}
    for passage in {p.chunk_id: p for p in passages}.values():
        documents[passage.doc_id] = documents.get(passage.doc_id, 0.0) + own[passage.chunk_id]
    return {p.chunk_id: (own[p.chunk_id] + documents[p.doc_id]) / 2 for p in passages}


def _lifted(quote: Quote, near: Sequence[Quote]) -> Quote:
    """`quote` with the score of the heading or title it stands under, where that is nearer to the question."""
    before = [q for q in near if q.passage.chunk_id == quote.passage.chunk_id and q.end <= quote.start]
    above = [q for q in before if not _says_something(q.text, q.passage)]
    title = max((q.score for q in above if _plain(q.text) == _plain(quote.passage.title)), default=0.0)
    heading = max(above, key=lambda q: q.start).score if above else 0.0
    return replace(quote, score=max(quote.score, HEADING * heading, TITLE * title))


def one_each(query: str, passages: Sequence[Passage], embedder: Embedder) -> tuple[Quote, ...]:
    """The sentence closest to `query` of each document, in the order of the passages: what several people said."""
    told: dict[str, Quote] = {}
    for quote in quotes(query, passages, embedder, 3 * len(passages)):
        if _says_something(quote.text, quote.passage):
            told.setdefault(quote.doc_id, quote)
    return tuple(told[p.doc_id] for p in {p.doc_id: p for p in passages}.values() if p.doc_id in told)[:MOST_SAID]


def _section(best: Quote, found: Sequence[Quote]) -> list[Quote]:
    """The sentences of the best one's passage: all of a short one, else those that speak of the question."""
    passage = best.passage
    if len(passage.text) <= SHORT_SECTION:
        spans = [(a, b) for a, b in sentence_spans(passage.text) if _says_something(passage.text[a:b], passage)]
        scored = {(q.start, q.end): q for q in found if q.passage.chunk_id == passage.chunk_id}
        told = [
            scored.get((passage.start + a, passage.start + b))
            or Quote(passage.doc_id, passage.start + a, passage.start + b, passage.text[a:b], 0.0, passage)
            for a, b in spans
        ]
    else:
        told = [q for q in found if q.passage.chunk_id == passage.chunk_id and q.score >= 0.6 * best.score]
        told.sort(key=lambda q: q.start)
    at = next((i for i, q in enumerate(told) if (q.start, q.end) == (best.start, best.end)), 0)
    first = max(0, min(at - 1, len(told) - MOST_OF_ONE))
    return told[first : first + MOST_OF_ONE]


def _says_something(text: str, passage: Passage) -> bool:
    """False for titles and headings, which say what a passage is about and not what it says."""
    plain = _plain(text)
    if _MAIL_HEADER.match(text):
        return False
    if len(text) < 45 and (text.endswith(":") or not re.search(r"[.!?:;\d]", text)):
        return False  # a heading that the reader did not mark as one
    titles = {_plain(passage.title), *(_plain(part) for part in passage.heading.split(">")), _plain(passage.heading)}
    return len(text) >= _SHORTEST and bool(plain) and plain not in titles and not text.lstrip().startswith("#")


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()
