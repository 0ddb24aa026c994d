"""The writing side of the SQL index. Only ingestion, the vector builder and `status` hold a `Store`.

Questions never come this way: they read through `index.sql` with a Scope.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from index.documents import Chunk, Document
from index.errors import StorageError
from index.forgetting.suppression import NOTHING, Suppression, load
from index.store import schema
from index.store.base import RECORDS, StoreBase, alone, storage_errors
from index.store.jobs import JobBoard
from index.store.likeness import LikenessLedger
from index.store.status import StatusReads
from index.store.tables import Cell, DataTable, sql_table, stored_table, stored_tables
from index.store.vectors import VectorLedger
from index.store.writer import RunTotals, SourceState, StoredDocument, Writer

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    """The present moment in UTC."""
    return dt.datetime.now(dt.UTC)


class Store(VectorLedger, LikenessLedger, StatusReads, JobBoard, StoreBase):
    """Reads and writes everything that the SQL index holds.

    Every failure of the database (full disk, lock, damage) is a `StorageError`; what a failed transaction wrote is
    not there afterwards.
    """

    def __init__(self, engine: sa.Engine, *, clock: Clock = utc_now) -> None:
        super().__init__(engine)
        self._clock = clock
        self._suppression = NOTHING

    def create(self) -> None:
        """Make the system tables that are missing, also those that an index made earlier does not have yet. An index of
        another schema version is a `StorageError`."""
        name = "schema_version"
        version = sa.select(schema.meta.c.value).where(schema.meta.c.name == name)
        with self._reading() as connection:
            held = set(sa.inspect(connection).get_table_names())
            found = connection.scalar(version) if schema.meta.name in held else None
        if found is None or (found == str(schema.SCHEMA_VERSION) and not held.issuperset(schema.metadata.tables)):
            with self._transaction() as connection:
                alone(connection, "create")
                schema.metadata.create_all(connection)
                if connection.scalar(version) is None:
                    connection.execute(sa.insert(schema.meta).values(name=name, value=str(schema.SCHEMA_VERSION)))
        elif found != str(schema.SCHEMA_VERSION):
            raise StorageError(
                f"the SQL index has schema version {found}, this Tower writes {schema.SCHEMA_VERSION}",
                hint="ingest into a new workspace (--home DIR)",
            )

    @contextmanager
    def begin(self) -> Iterator[Writer]:
        """One transaction. It commits when the block ends well, else nothing of it is there."""
        with self._transaction() as connection:
            alone(connection, RECORDS, shared=True)
            self._suppression = load(connection, self._suppression)
            yield Writer(connection, self._now(), self._suppression)

    def suppression(self) -> Suppression:
        """What was forgotten, and must not come in again."""
        with self._reading() as connection:
            self._suppression = load(connection, self._suppression)
        return self._suppression

    def start_run(self, source: str) -> str:
        """Record that a run of `source` begins; returns its id. An earlier one, cut off or still at work, becomes
        `failed` and can write nothing more: see `Writer.holds_run`."""
        run_id = uuid.uuid4().hex
        runs = schema.runs
        with self._transaction() as connection:
            connection.execute(
                sa.update(runs)
                .where(runs.c.source == source, runs.c.status == "running")
                .values(status="failed", message="interrupted", finished_at=self._now())
            )
            connection.execute(
                sa.insert(runs).values(run_id=run_id, source=source, started_at=self._now(), status="running")
            )
        return run_id

    def fail_run(self, run_id: str, source: str, totals: RunTotals, message: str) -> None:
        """Record that a run failed, in its source's status too; what is remembered of the source stays. Where another
        run has begun meanwhile the status is that one's."""
        with self.begin() as writer:
            if writer.holds_run(run_id):
                held = self.source_state(source)
                writer.put_state(SourceState(source, held.state, "failed", held.synced_at, message))
            writer.put_run(run_id, "failed", totals, message)

    def sources(self) -> list[str]:
        """The names of the sources that were ever synced, and not forgotten."""
        with self._reading() as connection:
            return list(connection.scalars(sa.select(schema.sources.c.source).order_by(schema.sources.c.source)))

    def source_state(self, source: str) -> SourceState:
        """What is remembered of a source; an empty state where it was never read."""
        table = schema.sources
        with self._reading() as connection:
            row = connection.execute(sa.select(table).where(table.c.source == source)).one_or_none()
        if row is None:
            return SourceState(source)
        return SourceState(source, json.loads(row.state), row.status, row.synced_at or "", row.message)

    def forget_source(self, source: str) -> int:
        """Remove everything that came from a source: tables, documents, quarantine, state. Runs stay as history.

        Returns how many rows and documents went.
        """
        gone = 0
        with self._transaction() as connection:
            writer = Writer(connection, self._now())
            for table in writer.tables().values():
                if table.source == source:
                    gone += writer.drop_table(table.name)
            query = sa.select(schema.documents.c.doc_id).where(schema.documents.c.source == source)
            gone += writer.delete_documents(list(connection.scalars(query)))
            for system in (schema.quarantine, schema.sources):
                connection.execute(sa.delete(system).where(system.c.source == source))
        return gone

    def tables(self) -> dict[str, DataTable]:
        """Every data table by name."""
        with self._reading() as connection:
            return stored_tables(connection)

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Cell, ...]]:
        """The values of `columns` of every row, in the order of the key; nothing where the table is not there.

        A column that the table does not have gives None.
        """
        with self._reading() as connection:
            held = stored_table(connection, table)
            if held is None:
                return
            built = sql_table(held)
            cells = [built.c[c] if c in built.c else sa.literal(None) for c in columns]
            for row in connection.execute(sa.select(*cells).order_by(built.c[schema.KEY])):
                yield tuple(row)

    def row(self, table: sa.Table, key: str) -> list[sa.Row[Any]]:
        """The row of a data table with that key, as a list of one or none."""
        with self._reading() as connection:
            return list(connection.execute(sa.select(table).where(table.c[schema.KEY] == key)))

    def documents(self, source: str, *, with_chunks: bool = True) -> Iterator[StoredDocument]:
        """Every document of a source with its chunks, in the order of `doc_id`; `sections` are not kept."""
        table, chunks = schema.documents, schema.chunks
        with self._reading() as connection:
            cut: dict[str, list[Chunk]] = {}
            if with_chunks:
                query = sa.select(chunks).join(table).where(table.c.source == source).order_by(chunks.c.ordinal)
                for row in connection.execute(query):
                    chunk = Chunk(
                        row.chunk_id, row.doc_id, row.ordinal, row.start, row.end, row.heading, row.page, row.context
                    )
                    cut.setdefault(row.doc_id, []).append(chunk)
            held = connection.execute(sa.select(table).where(table.c.source == source).order_by(table.c.doc_id))
            for row in held:
                yield StoredDocument(document_of(row), tuple(cut.get(row.doc_id, ())), row.origin)

    def document_origins(self, source: str) -> dict[str, str]:
        """`doc_id` to origin for every document of a source."""
        table = schema.documents
        with self._reading() as connection:
            query = sa.select(table.c.doc_id, table.c.origin).where(table.c.source == source)
            return {row.doc_id: row.origin for row in connection.execute(query)}

    def _now(self) -> str:
        return self._clock().astimezone(dt.UTC).isoformat(timespec="seconds")


def document_of(row: sa.Row[tuple[object, ...]]) -> Document:
    """A row of `_tower_documents` as a value, without sections."""
    entities = {name: tuple(keys) for name, keys in json.loads(row.entities).items()}
    return Document(
        row.doc_id,
        row.source,
        row.title,
        row.text,
        frozenset(json.loads(row.tags)),
        row.uri,
        row.kind,
        row.date,
        entities,
        (),
        json.loads(row.meta),
    )


__all__ = ["Store", "document_of", "storage_errors", "utc_now"]
