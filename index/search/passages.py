"""Search: a question and a Scope in, the passages that fit out, cut from the stored text.

dense leg + keyword leg → fused → looked up in the SQL index → checked once more → weighed by the workspace's signals →
capped per document, author and sender, and not said twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.utils import parseaddr

from index.documents import SENDER, Passage
from index.embedding.embedder import Embedder
from index.reading import DocumentReader, StoredChunk
from index.scope import Scope
from index.search.fusion import fuse
from index.search.repeats import Said
from index.search.signals import Signals
from index.stages import stage
from index.vectors.gateway import Hit, Narrow, VectorGateway, sees_nothing
from index.vectors.keywords import query_vector

log = logging.getLogger(__name__)

CANDIDATES = 60  # of each leg, before fusion
FLOODED = 600  # where one sender fills the candidates
EVERYTHING = Narrow()
PLAIN = Signals()


class PassageIndex:
    """Finds passages: vectors propose, the SQL index has the last word on text, state and visibility."""

    def __init__(
        self, gateway: VectorGateway, embedder: Embedder, documents: DocumentReader, signals: Signals = PLAIN
    ) -> None:
        self._gateway = gateway
        self._embedder = embedder
        self._documents = documents
        self._signals = signals

    def search(
        self,
        query: str,
        scope: Scope,
        *,
        k: int = 8,
        narrow: Narrow = EVERYTHING,
        per_document: int = 3,
        repeats: bool = True,
    ) -> tuple[Passage, ...]:
        """The best `k` passages for `query`, the best first, at most `per_document` of one document; without `repeats`
        none that says again what a better one says.

        `score` is how likely the passage is relevant (see `Passage.likely`), `relevance` is the cosine
        similarity; both can be compared across searches.
        Nothing is returned for a blank query, or for a scope or narrowing that shows nothing.
        """
        if not query.strip() or k <= 0 or sees_nothing(scope, narrow):
            return ()
        with stage("search") as mark:
            found = self._found(query, scope, k, narrow, per_document, repeats)
            mark.note(passages=len(found))
        return found

    def _found(
        self, query: str, scope: Scope, k: int, narrow: Narrow, per_document: int, repeats: bool
    ) -> tuple[Passage, ...]:
        question, words = self._embedder.embed_query(query, scope.principal.name), query_vector(query)
        capped = narrow.entities is None or len(narrow.entities) != 1  # about one, its own letters are the evidence
        found: tuple[Passage, ...] = ()
        for limit in (max(CANDIDATES, k * per_document), FLOODED):
            hits = self._gateway.search(scope, question, words, narrow=narrow, limit=limit)
            ranked = fuse(hits, question)
            if not self._signals.reorders:
                step = _enough(ranked, k, per_document)
                passages: Iterable[Passage] = read_passages(self._documents, ranked, scope, step=step)
            else:
                every = list(read_passages(self._documents, ranked, scope, step=len(ranked) or 1))
                passages = self._signals.order(query, every)
            found, flooded = self._capped(passages, k, per_document, repeats=repeats, senders=capped)
            if not flooded:
                break
        return found

    def _capped(
        self, passages: Iterable[Passage], k: int, per_document: int, *, repeats: bool, senders: bool
    ) -> tuple[tuple[Passage, ...], bool]:
        """The first `k` of which no document, and no author or sender where that is capped, has more than its share;
        and whether there are fewer than `k` because somebody has sent in so many."""
        said = Said()
        found: list[Passage] = []
        documents, authors, sent = Counter[str](), Counter[str](), Counter[str]()
        per_author, per_sender = self._signals.per_author, self._signals.of_sender(k) if senders else 0
        left_out = 0
        for passage in passages:
            full = passage.author and per_author and authors[passage.author] >= per_author
            if documents[passage.doc_id] >= per_document or full:
                continue
            if passage.sender and per_sender and sent[passage.sender] >= per_sender:
                left_out += 1
                continue
            if repeats or not said.again(passage.text):
                documents[passage.doc_id] += 1
                authors[passage.author] += 1
                sent[passage.sender] += 1
                found.append(passage)
            if len(found) == k:
                break
        return tuple(found), len(found) < k and left_out >= k


def _enough(ranked: Sequence[tuple[Hit, float]], k: int, per_document: int) -> int:
    """How many of the hits must be read for `k` passages, where each is what was indexed and says something new."""
    documents: Counter[str] = Counter()
    wanted = 0
    for place, (hit, _) in enumerate(ranked, 1):
        documents[hit.doc_id] += 1
        wanted += documents[hit.doc_id] <= per_document
        if wanted == k:
            return place
    return max(1, len(ranked))


def read_passages(
    documents: DocumentReader, ranked: Sequence[tuple[Hit, float]], scope: Scope, *, step: int
) -> Iterator[Passage]:
    """The ranked hits as passages, looked up `step` at a time; hits that the SQL index does not confirm are dropped:
    the chunk is gone, has changed since, or its document is not visible."""
    for first in range(0, len(ranked), step):
        wave = ranked[first : first + step]
        stored = documents.chunks([hit.chunk_id for hit, _ in wave], scope)
        for hit, score in wave:
            chunk = stored.get(hit.chunk_id)
            if chunk is None or chunk.hash != hit.hash:
                log.info("passage %s is not what was indexed: left out", hit.chunk_id)
            else:
                yield stored_passage(chunk, score, min(1.0, hit.dense or 0.0))


def stored_passage(chunk: StoredChunk, score: float = 0.0, relevance: float = 0.0) -> Passage:
    """A stored chunk as a passage."""
    document = chunk.document
    return Passage(
        chunk_id=chunk.chunk_id,
        doc_id=document.doc_id,
        source=document.source,
        title=document.title,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        score=score,
        relevance=relevance,
        heading=chunk.heading,
        page=chunk.page,
        date=document.date,
        uri=document.uri,
        entities=document.entities,
        author=document.meta.get("author", ""),
        sender=sender_of(document.meta),
    )


def sender_of(meta: Mapping[str, str]) -> str:
    """Who sent a document in, as one text however it is written; empty where it came from nobody in particular."""
    sender = meta.get(SENDER) or meta.get("from", "")
    return (parseaddr(sender)[1] or sender).strip().lower()
