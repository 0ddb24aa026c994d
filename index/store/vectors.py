"""The ledger of the vector index: what each generation has acknowledged, what it lacks and what it must forget."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import sqlalchemy as sa

from index.documents import Chunk
from index.errors import NotFoundError
from index.store.base import StoreBase, alone
from index.store.schema import chunks, documents, generations, vectors
from index.store.tables import batches
from index.store.writer import entity_pairs

GenerationStatus = Literal["building", "live", "old", "failed"]


@dataclass(frozen=True)
class PendingChunk:
    """A chunk that a generation lacks or holds in an older state, with all that its point needs.

    `text` is what the passage says, `chunk.context` what stands before it when it is embedded; `entities` are sorted
    `entity:key`; `hash` is what to acknowledge.
    """

    chunk: Chunk
    hash: str
    text: str
    source: str
    title: str
    tags: tuple[str, ...]
    entities: tuple[str, ...]
    date: str


@dataclass(frozen=True)
class Generation:
    """One build of the vector index. `model` names model, runtime and precision."""

    generation: str
    created_at: str
    model: str
    status: GenerationStatus
    message: str = ""


class VectorLedger(StoreBase):
    """What the vector index holds, as the SQL index knows it."""

    def read_chunks(self, generation: str, sources: Sequence[str] = ()) -> Iterator[PendingChunk]:
        """The chunks whose state `generation` has not acknowledged, in the order of document and ordinal.

        The chunks are read in batches, each in a transaction of its own, so that acknowledging between two of them
        is fine. `sources` narrows to some sources.
        """
        last = ("", -1)
        while batch := self._pending(generation, sources, last, 500):
            yield from batch
            last = (batch[-1].chunk.doc_id, batch[-1].chunk.ordinal)

    def _pending(
        self, generation: str, sources: Sequence[str], after: tuple[str, int], limit: int
    ) -> list[PendingChunk]:
        query = (
            _passages()
            .outerjoin(vectors, sa.and_(vectors.c.generation == generation, vectors.c.chunk_id == chunks.c.chunk_id))
            .where(sa.or_(vectors.c.hash.is_(None), vectors.c.hash != chunks.c.hash))
            .where(
                sa.or_(chunks.c.doc_id > after[0], sa.and_(chunks.c.doc_id == after[0], chunks.c.ordinal > after[1]))
            )
            .order_by(chunks.c.doc_id, chunks.c.ordinal)
            .limit(limit)
        )
        if sources:
            query = query.where(documents.c.source.in_(sources))
        with self._reading() as connection:
            return [_pending_chunk(row) for row in connection.execute(query)]

    def passages(self, chunk_ids: Sequence[str]) -> list[PendingChunk]:
        """Those of these chunks that are there, as they are now."""
        with self._reading() as connection:
            found = [
                _pending_chunk(row)
                for batch in batches(chunk_ids)
                for row in connection.execute(_passages().where(chunks.c.chunk_id.in_(batch)))
            ]
        return found

    def count_pending(self, generation: str, sources: Sequence[str] = ()) -> int:
        """How many chunks `read_chunks` would give."""
        query = (
            sa.select(sa.func.count())
            .select_from(chunks)
            .join(documents, documents.c.doc_id == chunks.c.doc_id)
            .outerjoin(vectors, sa.and_(vectors.c.generation == generation, vectors.c.chunk_id == chunks.c.chunk_id))
            .where(sa.or_(vectors.c.hash.is_(None), vectors.c.hash != chunks.c.hash))
        )
        if sources:
            query = query.where(documents.c.source.in_(sources))
        with self._reading() as connection:
            return connection.scalar(query) or 0

    def stale_vectors(self, generation: str) -> list[str]:
        """Chunk ids that `generation` has acknowledged and that are no longer there."""
        query = (
            sa.select(vectors.c.chunk_id)
            .outerjoin(chunks, chunks.c.chunk_id == vectors.c.chunk_id)
            .where(vectors.c.generation == generation, chunks.c.chunk_id.is_(None))
            .order_by(vectors.c.chunk_id)
        )
        with self._reading() as connection:
            return list(connection.scalars(query))

    def acknowledge(self, generation: str, held: Sequence[tuple[str, str]]) -> None:
        """Record that the vector index durably holds these `(chunk_id, hash)`. Repeating it is no error."""
        with self._transaction() as connection:
            remaining = iter(dict(held).items())
            while batch := list(islice(remaining, 500)):
                ids = [chunk_id for chunk_id, _ in batch]
                connection.execute(
                    sa.delete(vectors).where(vectors.c.generation == generation, vectors.c.chunk_id.in_(ids))
                )
                rows = [{"generation": generation, "chunk_id": i, "hash": h} for i, h in batch]
                connection.execute(sa.insert(vectors), rows)

    def forget(self, generation: str, chunk_ids: Sequence[str] | None = None) -> None:
        """Remove acknowledgements: of the given chunks, or of the whole generation where None is given."""
        with self._transaction() as connection:
            if chunk_ids is None:
                connection.execute(sa.delete(vectors).where(vectors.c.generation == generation))
                return
            for batch in batches(chunk_ids):
                connection.execute(
                    sa.delete(vectors).where(vectors.c.generation == generation, vectors.c.chunk_id.in_(batch))
                )

    def count_vectors(self, generation: str) -> int:
        """How many chunks a generation has acknowledged."""
        query = sa.select(sa.func.count()).where(vectors.c.generation == generation)
        with self._reading() as connection:
            return connection.scalar(query) or 0

    # generations

    def create_generation(self, model: str) -> str:
        """Begin a generation (`building`) for vectors of `model`; returns its name, `g0001` and so on."""
        with self._transaction() as connection:
            alone(connection, "generations")
            names = connection.scalars(sa.select(generations.c.generation))
            number = max((int(n[1:]) for n in names if n[1:].isdigit()), default=0) + 1
            name = f"g{number:04d}"
            connection.execute(
                sa.insert(generations).values(
                    generation=name,
                    created_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                    model=model,
                    status="building",
                    message="",
                )
            )
        return name

    def set_generation_status(self, generation: str, status: GenerationStatus, message: str = "") -> None:
        """Change a generation's status. Making one `live` makes the one that was live `old`, in one step."""
        with self._transaction() as connection:
            alone(connection, "generations")
            if status == "live":
                connection.execute(
                    sa.update(generations)
                    .where(generations.c.status == "live", generations.c.generation != generation)
                    .values(status="old")
                )
            result = connection.execute(
                sa.update(generations)
                .where(generations.c.generation == generation)
                .values(status=status, message=message)
            )
            if not result.rowcount:
                raise NotFoundError(f"no generation {generation!r}", hint="`tower status` names the live one")

    def drop_generation(self, generation: str) -> None:
        """Remove a generation and its acknowledgements from the ledger."""
        with self._transaction() as connection:
            connection.execute(sa.delete(vectors).where(vectors.c.generation == generation))
            connection.execute(sa.delete(generations).where(generations.c.generation == generation))

    def generations(self) -> list[Generation]:
        """Every generation, the oldest first."""
        with self._reading() as connection:
            rows = connection.execute(sa.select(generations).order_by(generations.c.generation))
            return [Generation(r.generation, r.created_at, r.model, r.status, r.message) for r in rows]

    def live_generation(self) -> Generation | None:
        """The generation that answers questions, or None before the first build."""
        return next((g for g in self.generations() if g.status == "live"), None)


def _passages() -> sa.Select[Any]:
    return sa.select(
        chunks,
        documents.c.source,
        documents.c.title,
        documents.c.tags,
        documents.c.entities,
        documents.c.date,
        sa.func.substr(documents.c.text, chunks.c.start + 1, chunks.c.end - chunks.c.start).label("passage"),
    ).join(documents, documents.c.doc_id == chunks.c.doc_id)


def _pending_chunk(row: sa.Row[tuple[object, ...]]) -> PendingChunk:
    chunk = Chunk(row.chunk_id, row.doc_id, row.ordinal, row.start, row.end, row.heading, row.page, row.context)
    entities = entity_pairs(json.loads(row.entities))
    return PendingChunk(
        chunk, row.hash, row.passage, row.source, row.title, tuple(json.loads(row.tags)), entities, row.date
    )
