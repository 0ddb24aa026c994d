"""Bringing a generation of the vector index up to date with the SQL index: embed, store, acknowledge.

A chunk is acknowledged in SQL after the vector index has made it durable. Before it is stored or deleted it is
announced, so that a kill at any point leaves work to repeat and nothing that is forgotten. What has not changed costs
two counting queries.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Protocol

from index.embedding.embedder import Embedder, Progress, Vectors
from index.errors import StorageError
from index.store.vectors import PendingChunk
from index.vectors.gateway import Point, VectorGateway
from index.vectors.keywords import document_vector

log = logging.getLogger(__name__)

Ready = Generator[tuple[list[PendingChunk], Vectors], None, None]
Embed = Callable[[Iterator[list[PendingChunk]]], Ready]
"""Batches with their vectors, in any order."""

_BATCH = 256  # chunks between two acknowledgements: a few seconds of work
_AHEAD = 2  # batches that are given to the embedder before the oldest of them is asked for
_ANNOUNCED = ""  # the hash of a chunk that may or may not have reached the vector index


class Ledger(Protocol):
    """What of the SQL store the vector index needs; `index.store.store.Store` is one."""

    def read_chunks(self, generation: str, sources: Sequence[str] = ()) -> Iterator[PendingChunk]:
        """The chunks whose present state the generation has not acknowledged."""
        ...

    def count_pending(self, generation: str, sources: Sequence[str] = ()) -> int:
        """How many `read_chunks` would give."""
        ...

    def stale_vectors(self, generation: str) -> list[str]:
        """Acknowledged or announced chunks that exist no more."""
        ...

    def acknowledge(self, generation: str, held: Sequence[tuple[str, str]]) -> None:
        """Record that the vector index holds these `(chunk_id, hash)`."""
        ...

    def forget(self, generation: str, chunk_ids: Sequence[str] | None = None) -> None:
        """Remove acknowledgements, all of them for None."""
        ...

    def count_vectors(self, generation: str) -> int:
        """How many chunks are acknowledged."""
        ...


@dataclass(frozen=True)
class IndexReport:
    """What one run did: chunks embedded and stored, chunks removed, chunks the generation holds now."""

    embedded: int
    deleted: int
    total: int


def index_vectors(
    store: Ledger,
    gateway: VectorGateway,
    embedder: Embedder,
    generation: str,
    progress: Progress | None = None,
    *,
    sources: Sequence[str] = (),
) -> IndexReport:
    """Make `generation` hold exactly the chunks of the SQL index, those of `sources` where given.

    `progress(done, total)` counts chunks. A vector index that does not hold what it acknowledged (its folder was lost
    or restored) is filled again.
    """
    if store.count_vectors(generation) and not gateway.count():
        log.warning("the vector index of %s is empty and should not be: filling it again", generation)
        store.forget(generation)
    deleted = delete_stale(store, gateway, generation)
    embedded = _embed_pending(store, gateway, embedder, generation, progress, sources)
    if gateway.count() != store.count_vectors(generation) and not store.count_pending(generation):
        log.warning("the vector index of %s does not hold what it acknowledged: filling it again", generation)
        store.forget(generation)
        embedded += _embed_pending(store, gateway, embedder, generation, progress, ())
    return IndexReport(embedded, deleted, gateway.count())


def optimise(gateway: VectorGateway) -> None:
    """Let the vector index build what makes it quick. Without it the index is right and slow, so a failure is only
    told in the log."""
    try:
        gateway.optimise()
    except StorageError as error:
        log.warning("%s; searches look at every passage until it is", error.message)


def embedded_text(pending: PendingChunk) -> str:
    """What is embedded and counted as keywords of a chunk: the title and headings it stands under, and its text.

    A text that begins with its title (a ticket's subject, a page's heading) is not given it twice: it costs time.
    """
    context, text = pending.chunk.context, pending.text
    return text if not context or text.lstrip("# ").startswith(context) else f"{context}\n{text}"


def delete_stale(store: Ledger, gateway: VectorGateway, generation: str) -> int:
    """Take what the SQL index no longer holds out of a generation; how many passages."""
    stale = store.stale_vectors(generation)
    if stale:
        # A chunk that comes back unchanged after a kill right here must not count as held.
        store.acknowledge(generation, [(chunk_id, _ANNOUNCED) for chunk_id in stale])
        gateway.delete(stale)
        store.forget(generation, stale)
    return len(stale)


def _embed_pending(
    store: Ledger,
    gateway: VectorGateway,
    embedder: Embedder,
    generation: str,
    progress: Progress | None,
    sources: Sequence[str],
) -> int:
    total = store.count_pending(generation, sources)
    done = 0
    if not total:
        return done
    spread = getattr(embedder, "spread", None)  # other processes compute vectors, too
    embed: Embed = spread if spread is not None else partial(_embedded, embedder)
    with closing(embed(_batches(store.read_chunks(generation, sources)))) as ready:
        for batch, vectors in ready:
            store.acknowledge(generation, [(pending.chunk.chunk_id, _ANNOUNCED) for pending in batch])
            texts = [embedded_text(pending) for pending in batch]
            gateway.upsert(_point(*each) for each in zip(batch, texts, vectors, strict=True))
            store.acknowledge(generation, [(pending.chunk.chunk_id, pending.hash) for pending in batch])
            done += len(batch)
            if progress is not None:
                progress(done, max(done, total))
    return done


def _embedded(embedder: Embedder, batches: Iterator[list[PendingChunk]]) -> Ready:
    """Each batch with its vectors. While one is written the next is embedded: writing waits for the disk, and
    embedding is most of the work."""
    ahead = ThreadPoolExecutor(1, thread_name_prefix="embedding")
    waiting: deque[tuple[list[PendingChunk], Future[Vectors]]] = deque()
    try:
        for batch in batches:
            waiting.append((batch, ahead.submit(embedder.embed, [embedded_text(pending) for pending in batch])))
            if len(waiting) > _AHEAD:
                yield _done(*waiting.popleft())
        while waiting:
            yield _done(*waiting.popleft())
    finally:
        ahead.shutdown(cancel_futures=True)


def _done(batch: list[PendingChunk], vectors: Future[Vectors]) -> tuple[list[PendingChunk], Vectors]:
    return batch, vectors.result()


def _batches(pending: Iterable[PendingChunk]) -> Iterator[list[PendingChunk]]:
    iterator = iter(pending)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def _point(pending: PendingChunk, text: str, vector: Sequence[float]) -> Point:
    return Point(
        chunk_id=pending.chunk.chunk_id,
        doc_id=pending.chunk.doc_id,
        source=pending.source,
        tags=pending.tags,
        entities=pending.entities,
        date=pending.date,
        hash=pending.hash,
        dense=vector,
        sparse=document_vector(text),
    )
