"""Counts of what the SQL index holds, for `tower status`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from index.store import schema
from index.store.base import StoreBase
from index.store.tables import DataTable, sql_table, stored_tables


@dataclass(frozen=True)
class RunRecord:
    """One run of one source, as recorded. `status` is running, ok or failed; times are ISO in UTC."""

    run_id: str
    source: str
    started_at: str
    finished_at: str
    status: str
    read: int
    loaded: int
    unchanged: int
    quarantined: int
    deleted: int
    message: str


@dataclass(frozen=True)
class QuarantinedRecord:
    """A record that was not taken, and why."""

    source: str
    origin: str
    target: str
    reason: str
    record: str
    seen_at: str


@dataclass(frozen=True)
class SourceStatus:
    """How one source stands: rows by table, documents, quarantined records, and its last run."""

    source: str
    status: str
    synced_at: str
    message: str
    tables: Mapping[str, int]
    documents: int
    quarantined: int
    last_run: RunRecord | None


@dataclass(frozen=True)
class StoreStatus:
    """How the SQL index stands. `vectors` counts what the live generation has acknowledged."""

    sources: tuple[SourceStatus, ...]
    tables: Mapping[str, int]
    documents: int
    chunks: int
    quarantined: int
    generation: str
    model: str
    vectors: int


class StatusReads(StoreBase):
    """Reads for `tower status`."""

    def status(self) -> StoreStatus:
        """Everything that `tower status` shows of the SQL index, read in one transaction."""
        with self._reading() as connection:
            held = stored_tables(connection)
            tables = {name: _count(connection, table) for name, table in held.items()}
            documents = _by_source(connection, schema.documents)
            quarantined = _by_source(connection, schema.quarantine)
            last = {run.source: run for run in _runs(connection)}
            rows = connection.execute(sa.select(schema.sources).order_by(schema.sources.c.source)).all()
            chunks = connection.scalar(sa.select(sa.func.count()).select_from(schema.chunks)) or 0
            live = connection.execute(
                sa.select(schema.generations).where(schema.generations.c.status == "live")
            ).one_or_none()
            acknowledged = 0
            if live is not None:
                count = sa.select(sa.func.count()).where(schema.vectors.c.generation == live.generation)
                acknowledged = connection.scalar(count) or 0
        sources = tuple(
            SourceStatus(
                row.source,
                row.status,
                row.synced_at or "",
                row.message,
                {n: tables[n] for n, t in held.items() if t.source == row.source},
                documents.get(row.source, 0),
                quarantined.get(row.source, 0),
                last.get(row.source),
            )
            for row in rows
        )
        return StoreStatus(
            sources,
            tables,
            sum(documents.values()),
            chunks,
            sum(quarantined.values()),
            live.generation if live is not None else "",
            live.model if live is not None else "",
            acknowledged,
        )

    def runs(self, source: str = "", limit: int = 100) -> list[RunRecord]:
        """The latest runs, the newest last; of one source where it is named."""
        with self._reading() as connection:
            return [run for run in _runs(connection) if not source or run.source == source][-limit:]

    def quarantined(self, source: str = "", limit: int = 1_000) -> list[QuarantinedRecord]:
        """Records in quarantine, by source and origin."""
        table = schema.quarantine
        query = sa.select(table).order_by(table.c.source, table.c.origin).limit(limit)
        if source:
            query = query.where(table.c.source == source)
        with self._reading() as connection:
            return [
                QuarantinedRecord(r.source, r.origin, r.target, r.reason, r.record, r.seen_at)
                for r in connection.execute(query)
            ]


def _count(connection: sa.Connection, table: DataTable) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(sql_table(table))) or 0


def _by_source(connection: sa.Connection, table: sa.Table) -> dict[str, int]:
    rows = connection.execute(sa.select(table.c.source, sa.func.count().label("held")).group_by(table.c.source))
    return {row.source: row.held for row in rows}


def _runs(connection: sa.Connection) -> list[RunRecord]:
    rows = connection.execute(sa.select(schema.runs).order_by(schema.runs.c.started_at, schema.runs.c.run_id))
    return [
        RunRecord(
            r.run_id,
            r.source,
            r.started_at,
            r.finished_at or "",
            r.status,
            r.read,
            r.loaded,
            r.unchanged,
            r.quarantined,
            r.deleted,
            r.message,
        )
        for r in rows
    ]
