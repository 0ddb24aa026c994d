"""One open transaction of the SQL index: rows, documents, chunks, quarantine, source state and run totals together.

A `Writer` comes from `Store.begin()`. What it wrote becomes visible all at once, or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from index.documents import Chunk, Document
from index.forgetting.suppression import NOTHING, Suppression
from index.store import schema
from index.store.tables import (
    Changes,
    DataTable,
    RowWriter,
    batches,
    drop_table,
    put_table,
    stored_table,
    stored_tables,
)
from index.store.upsert import RowUpserter, put_history

RECORD_LIMIT = 4_000


@dataclass(frozen=True)
class Rejected:
    """A record that was not taken: where it stood, why, and the raw record as text."""

    origin: str
    reason: str
    record: str


@dataclass(frozen=True)
class StoredDocument:
    """A document with its chunks and the place it was read from, on the way into the index."""

    document: Document
    chunks: tuple[Chunk, ...]
    origin: str


@dataclass(frozen=True)
class RunTotals:
    """What one run did. `read == loaded + unchanged + quarantined` always; `deleted` is on top."""

    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    quarantined: int = 0
    deleted: int = 0

    def __add__(self, other: RunTotals) -> RunTotals:
        return RunTotals(
            self.read + other.read,
            self.loaded + other.loaded,
            self.unchanged + other.unchanged,
            self.quarantined + other.quarantined,
            self.deleted + other.deleted,
        )

    @property
    def balanced(self) -> bool:
        """True when every record that was read is accounted for."""
        return self.read == self.loaded + self.unchanged + self.quarantined


@dataclass(frozen=True)
class SourceState:
    """What is remembered of a source between runs; `state` is JSON-ready."""

    source: str
    state: Mapping[str, object] = field(default_factory=dict)
    status: str = "never"
    synced_at: str = ""
    message: str = ""


def digest(*parts: object) -> str:
    """A hash over the JSON of `parts`, 32 hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def document_hash(stored: StoredDocument) -> str:
    """The hash of everything that is stored of a document, its cut into chunks included."""
    document = stored.document
    chunks = [(c.start, c.end, c.heading, c.page, c.context) for c in stored.chunks]
    return digest(_document_row(document), document.title, document.text, stored.origin, chunks)


def chunk_hash(document: Document, chunk: Chunk) -> str:
    """The hash of everything that the vector index holds of a chunk: its text, context and payload."""
    return payload_hash(document, chunk.chunk_id, chunk.context, document.text[chunk.start : chunk.end])


def payload_hash(document: Document, chunk_id: str, context: str, text: str) -> str:
    """`chunk_hash` from the parts, for callers that hold the text of the chunk only."""
    entities = entity_pairs(document.entities)
    return digest(
        chunk_id, document.doc_id, document.source, sorted(document.tags), entities, document.date, context, text
    )


def entity_pairs(entities: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Entities as the vector payload has them: sorted `entity:key`."""
    return tuple(sorted(f"{name}:{key}" for name, keys in entities.items() for key in keys))


class Writer:
    """The writing methods of one transaction. See `Store.begin`. What `suppression` holds is left out of everything."""

    def __init__(self, connection: sa.Connection, now: str, suppression: Suppression = NOTHING) -> None:
        self._connection = connection
        self._now = now
        self.suppression = suppression

    # data tables

    def put_table(self, table: DataTable) -> DataTable:
        """Create or evolve a data table; returns it with the columns that it has now."""
        return put_table(self._connection, table)

    def rows(self, table: DataTable) -> RowWriter:
        """A writer of the rows of a table that `put_table` returned."""
        return RowWriter(self._connection, table, self.suppression)

    def upserter(self, table: DataTable, version: str = "", *, history: bool = False) -> RowUpserter:
        """A writer by key of a table that `put_table` returned; see `RowUpserter`."""
        kept = put_history(self._connection, table) if history else None
        return RowUpserter(self._connection, table, version, kept, self.suppression)

    def drop_table(self, name: str) -> int:
        """Drop a data table; returns how many rows went with it."""
        return drop_table(self._connection, name)

    def table(self, name: str) -> DataTable | None:
        """The data table as this transaction sees it."""
        return stored_table(self._connection, name)

    def tables(self) -> dict[str, DataTable]:
        """Every data table as this transaction sees it."""
        return stored_tables(self._connection)

    # documents

    def put_documents(self, documents: Iterable[StoredDocument]) -> Changes:
        """Write documents and their chunks where they differ from what is held."""
        loaded = unchanged = 0
        batch: list[StoredDocument] = []
        for document in documents:
            batch.append(document)
            if len(batch) >= 200:
                written = self._put_documents(batch)
                loaded, unchanged, batch = loaded + written, unchanged + len(batch) - written, []
        written = self._put_documents(batch)
        return Changes(loaded=loaded + written, unchanged=unchanged + len(batch) - written)

    def _put_documents(self, documents: Sequence[StoredDocument]) -> int:
        table = schema.documents
        dropped = [d.document.doc_id for d in documents if self.suppression.drops_document(d.document)]
        self.delete_documents(dropped)
        documents = [d for d in documents if d.document.doc_id not in dropped] if dropped else documents
        ids = [d.document.doc_id for d in documents]
        held: dict[str, str] = {}
        for batch in batches(ids):
            query = sa.select(table.c.doc_id, table.c.hash).where(table.c.doc_id.in_(batch))
            held.update((doc_id, content) for doc_id, content in self._connection.execute(query))
        hashed = [(stored, document_hash(stored)) for stored in documents]
        changed = [(stored, content) for stored, content in hashed if held.get(stored.document.doc_id) != content]
        self.delete_documents([s.document.doc_id for s, _ in changed if s.document.doc_id in held])
        if changed:
            rows = [_stored_row(stored, content) for stored, content in changed]
            self._connection.execute(sa.insert(table), rows)
            chunks = [_chunk_row(stored.document, chunk) for stored, _ in changed for chunk in stored.chunks]
            if chunks:
                self._connection.execute(sa.insert(schema.chunks), chunks)
        return len(changed)

    def delete_documents(self, doc_ids: Sequence[str]) -> int:
        """Remove documents and their chunks; unknown ids are no error. Returns how many documents went."""
        gone = 0
        for batch in batches(doc_ids):
            self._connection.execute(sa.delete(schema.chunks).where(schema.chunks.c.doc_id.in_(batch)))
            result = self._connection.execute(sa.delete(schema.documents).where(schema.documents.c.doc_id.in_(batch)))
            gone += result.rowcount
        return gone

    # quarantine

    def put_quarantine(self, source: str, target: str, rejected: Collection[Rejected]) -> None:
        """Make `rejected` the whole quarantine of one target (a table, or "document") of a source."""
        table = schema.quarantine
        mine = sa.and_(table.c.source == source, table.c.target == target)
        held = {
            o: (r, seen)
            for o, r, seen in self._connection.execute(
                sa.select(table.c.origin, table.c.reason, table.c.seen_at).where(mine)
            )
        }
        others = sa.select(table.c.origin).where(table.c.source == source, table.c.target != target)
        taken = set(self._connection.scalars(others))
        self._connection.execute(sa.delete(table).where(mine))
        rows: dict[str, dict[str, str]] = {}
        for item in rejected:
            if self.suppression.drops_record(target, item.origin, item.record):
                continue
            origin = item.origin if item.origin not in taken else f"{item.origin} [{target}]"
            reason, seen = held.get(origin, ("", ""))
            rows[origin] = {
                "source": source,
                "origin": origin,
                "target": target,
                "reason": _storable(item.reason),
                "record": _storable(item.record)[:RECORD_LIMIT],
                "seen_at": seen if reason == _storable(item.reason) else self._now,
            }
        if rows:
            self._connection.execute(sa.insert(table), list(rows.values()))

    def quarantine_of(self, source: str, target: str) -> list[Rejected]:
        """What stands in quarantine for one target of a source."""
        table = schema.quarantine
        query = sa.select(table.c.origin, table.c.reason, table.c.record).where(
            table.c.source == source, table.c.target == target
        )
        return [Rejected(*row) for row in self._connection.execute(query)]

    # source state and runs

    def put_state(self, state: SourceState) -> None:
        """Replace what is remembered of a source; the time of a success becomes `synced_at`."""
        table = schema.sources
        self._connection.execute(sa.delete(table).where(table.c.source == state.source))
        synced = self._now if state.status == "ok" else state.synced_at
        self._connection.execute(
            sa.insert(table).values(
                source=state.source,
                state=json.dumps(state.state),
                synced_at=synced or None,
                status=state.status,
                message=state.message,
            )
        )

    def holds_run(self, run_id: str) -> bool:
        """True while the run goes on and no other run of its source has begun, nor can before this transaction ends."""
        runs = schema.runs
        chosen = sa.select(runs.c.status).where(runs.c.run_id == run_id).with_for_update()
        return self._connection.scalar(chosen) == "running"

    def put_run(self, run_id: str, status: str, totals: RunTotals, message: str = "") -> None:
        """Record how far a run is: `running`, or its end as `ok` or `failed`."""
        table = schema.runs
        values: dict[str, object] = {
            "status": status,
            "read": totals.read,
            "loaded": totals.loaded,
            "unchanged": totals.unchanged,
            "quarantined": totals.quarantined,
            "deleted": totals.deleted,
            "message": message,
        }
        if status != "running":
            values["finished_at"] = self._now
        self._connection.execute(sa.update(table).where(table.c.run_id == run_id).values(**values))


def _storable(text: str) -> str:
    """`text` without what no database takes: NUL, and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _document_row(document: Document) -> dict[str, str]:
    return {
        "doc_id": document.doc_id,
        "source": document.source,
        "kind": document.kind,
        "uri": document.uri,
        "date": document.date,
        "tags": json.dumps(sorted(document.tags)),
        "entities": json.dumps({k: sorted(v) for k, v in sorted(document.entities.items())}, ensure_ascii=False),
        "meta": json.dumps(dict(sorted(document.meta.items())), ensure_ascii=False),
    }


def _stored_row(stored: StoredDocument, content: str) -> dict[str, str]:
    document = stored.document
    row = _document_row(document)
    return row | {"title": document.title, "text": document.text, "hash": content, "origin": stored.origin}


def _chunk_row(document: Document, chunk: Chunk) -> dict[str, object]:
    return {
        "chunk_id": chunk.chunk_id,
        "doc_id": chunk.doc_id,
        "ordinal": chunk.ordinal,
        "start": chunk.start,
        "end": chunk.end,
        "heading": chunk.heading,
        "page": chunk.page,
        "context": chunk.context,
        "hash": chunk_hash(document, chunk),
    }
