"""Search: a question and a Scope in, the passages that fit out, cut from the stored text.

dense leg + keyword leg → fused → looked up in the SQL index → checked once more → capped per document.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence

from index.documents import Passage
from index.embedder import Embedder
from index.fusion import fuse
from index.keywords import query_vector
from index.reading import DocumentReader, StoredChunk
from index.scope import Scope
from index.vectors import Hit, Narrow, VectorGateway, sees_nothing

log = logging.getLogger(__name__)

CANDIDATES = 60  # of each leg, before fusion
EVERYTHING = Narrow()


class PassageIndex:
    """Finds passages: vectors propose, the SQL index has the last word on text, state and visibility."""

    def __init__(self, gateway: VectorGateway, embedder: Embedder, documents: DocumentReader) -> None:
        self._gateway = gateway
        self._embedder = embedder
        self._documents = documents

    def search(
        self, query: str, scope: Scope, *, k: int = 8, narrow: Narrow = EVERYTHING, per_document: int = 3
    ) -> tuple[Passage, ...]:
        """The best `k` passages for `query`, the best first, at most `per_document` of one document.

        `score` ranks, `relevance` is the cosine similarity; both can be compared across searches.
        Nothing is returned for a blank query, or for a scope or narrowing that shows nothing.
        """
        if not query.strip() or k <= 0 or sees_nothing(scope, narrow):
            return ()
        question = self._embedder.embed_query(query)
        hits = self._gateway.search(
            scope,
            question,
            query_vector(query),
            narrow=narrow,
            limit=max(CANDIDATES, k * per_document),
        )
        found: list[Passage] = []
        taken: Counter[str] = Counter()
        for passage in self._stored(fuse(hits, question), scope, step=2 * k):
            if taken[passage.doc_id] < per_document:
                taken[passage.doc_id] += 1
                found.append(passage)
            if len(found) == k:
                break
        return tuple(found)

    def _stored(self, ranked: Sequence[tuple[Hit, float]], scope: Scope, *, step: int) -> Iterator[Passage]:
        """The ranked hits as passages, looked up `step` at a time; hits that the SQL index does not confirm are
        dropped: the chunk is gone, has changed since, or its document is not visible."""
        for first in range(0, len(ranked), step):
            wave = ranked[first : first + step]
            stored = self._documents.chunks([hit.chunk_id for hit, _ in wave], scope)
            for hit, score in wave:
                chunk = stored.get(hit.chunk_id)
                if chunk is None or chunk.hash != hit.hash:
                    log.info("passage %s is not what was indexed: left out", hit.chunk_id)
                else:
                    yield _passage(chunk, hit, score)


def _passage(chunk: StoredChunk, hit: Hit, score: float) -> Passage:
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
        relevance=min(1.0, hit.dense or 0.0),
        heading=chunk.heading,
        page=chunk.page,
        date=document.date,
        uri=document.uri,
        entities=document.entities,
    )
