"""One table of a connector's source on its way through a sync.

Records are read from the cursor on and written by key; a batch commits together with the cursor behind it, so that a
sync that dies goes on where it was. `ingest.sync.stream_deletes` finds what is gone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from index.store.tables import DataRow, DataTable
from index.store.upsert import RowUpserter
from index.store.writer import Rejected, RunTotals, Writer, digest
from ingest.coercion import ColumnCoercer
from ingest.config import ConnectorSource, StreamTableConfig
from ingest.connectors.support.contract import Batch, Connector, Json, Key, Stream
from ingest.records import Built, RawRow, TableSpec, build_table
from ingest.sync.source_run import SourceRun
from ingest.sync.stream_order import Deliveries
from ingest.sync.stream_rows import StreamShape
from ingest.sync.tables import align, reference_versions, table_spec

VERSION = "1"  # counts up when the same records give other rows
BATCH = 5_000  # records that are written together


class StreamTable:
    """Reads and writes one table. `seen` has the keys of a read that began anew, `read` counts its records."""

    def __init__(
        self, run: SourceRun, connector: Connector, name: str, config: StreamTableConfig, stream: Stream
    ) -> None:
        assert isinstance(run.config, ConnectorSource)
        self.sync, self.connector, self.name, self.config = run, connector, name, config
        cursor = stream.cursor if config.cursor is None else config.cursor
        deletes = stream.deletes if stream.key or config.key else "scan" if stream.deletes != "never" else "never"
        self.stream = replace(
            stream, cursor=cursor, overlap=run.config.overlap, key=stream.key or config.key, deletes=deletes
        )
        self.shape = StreamShape(config, self.stream)
        self.held: dict[str, Any] = run.tables.get(name, {})
        prior = self.table()
        self._settings = digest(
            VERSION, config.model_dump(mode="json"), self.stream.key, cursor, reference_versions(run, config)
        )
        self.anew = run.full or prior is None or self.held.get("settings") != self._settings
        self._fixed = prior is not None and not run.full
        spec = table_spec(run, name, config)
        self._spec, drifted = self.shape.spec(spec, prior, anew=run.full or prior is None)
        run.warnings += drifted
        self._changes = int(self.held.get("changes", 0))
        self._times: dict[str, int] = {}
        self._deliveries = Deliveries(self.shape, dict(self.held.get("graves", {})))
        self._since = time.monotonic()
        self.seen: set[str] | None = None
        self.read = 0
        self.untold = False  # deletes have to be found by comparing keys
        self.unchanged = False  # the source says that a whole read would give what it gave

    @property
    def resumed(self) -> bool:
        """True where the read goes on with a whole one that was cut off."""
        return not self.anew and not self.held.get("complete")

    def table(self) -> DataTable | None:
        """The table as it is held now."""
        return self.sync.store.tables().get(self.name)

    def upserter(self, writer: Writer, table: DataTable) -> RowUpserter:
        """A writer of the table's rows, in a transaction."""
        return writer.upserter(table, self.shape.cursor, history=self.config.history)

    def known_whole(self) -> Json:
        """What the last whole read left to tell by whether it would be the same again; None where it must be read."""
        scan = self.stream.deletes == "scan"
        return self.held.get("cursor") if scan and self.held.get("complete") and not self.anew else None

    def pull(self, cursor: Json, *, whole: bool) -> None:
        """Read batches from `cursor` on, and write them in parts of about `BATCH` records."""
        if whole:
            self.seen = set()
        waiting: list[Batch] = []
        size = wrote = 0
        for batch in self.connector.read(self.stream, cursor):
            waiting.append(batch)
            self.unchanged = self.unchanged or batch.unchanged
            self.untold = self.untold or batch.untold
            if batch.restarted:
                self.seen = set()
            size += len(batch.records) + len(batch.deleted) + len(batch.gone) + len(batch.broken)
            if size >= BATCH:
                self._write(waiting)
                waiting, size, wrote = [], 0, wrote + 1
        if waiting or not wrote:
            self._write(waiting or [Batch()])

    def remove(self, gone: Sequence[str]) -> None:
        """Delete rows by their keys, with what stands in quarantine of them."""
        table = self.table()
        assert table is not None
        with self.sync.begin() as writer:
            deleted = self.upserter(writer, table).delete(gone).deleted
            self._changes += 1 if deleted else 0
            self.sync.totals += RunTotals(deleted=deleted)
            self._quarantine(writer, [], [], gone)
            self.save(writer)

    def save(self, writer: Writer, cursor: Json = None, *, complete: bool = False, **more: str) -> None:
        """Put what is remembered of the table into a transaction; the cursor stays where none is given."""
        held = self.held
        done = complete or (bool(held.get("complete")) and not self.anew)
        kept = None if self.anew and not done and self.read == 0 else held.get("cursor")
        self.held = self.sync.tables[self.name] = {
            "settings": self._settings,
            "cursor": kept if cursor is None else cursor,
            "complete": done,
            "changes": self._changes,
            "inputs": digest(self._settings, self._changes),
            "reconciled_at": held.get("reconciled_at"),
            "graves": self._deliveries.graves,
            **more,
        }
        self.sync.versions[self.name] = str(self.held["inputs"])
        self.sync.save(writer)

    def _write(self, batches: Sequence[Batch]) -> None:
        """One transaction: rows in, deleted ones out, quarantine, and the cursor behind them."""
        run, prior = self.sync, self.table()
        came = self._deliveries.sort(batches, self._known(prior))
        kept, raws = came.kept, came.came
        fixed = self._fixed or self.read > 0
        built = build_table(self._typed(kept, prior), kept, prior, fixed=fixed, times=self._times)
        broken = [Rejected(f"{self.stream.name}#{b.place}", b.reason, b.raw) for x in batches for b in x.broken]
        rejected = [*built.rejected, *broken]
        loaded = deleted = 0
        with run.begin() as writer:
            table = self._put_table(writer, built, prior)
            gone: list[str] = []
            if table is not None:
                rows = self.upserter(writer, table)
                origin = f"{run.name}|{self.stream.name}#{run.run_id}"
                ready = [DataRow(row.key, origin, row.values) for row in align(built, table)]
                gone = self.shape.key_texts([*came.told, *(self._raw_key(raw) for raw in came.removed)], table)
                loaded = rows.upsert(ready, stale=run.full).loaded
                deleted = rows.delete(gone).deleted
                if self.seen is not None:
                    self.seen.update(row.key for row in ready)
                    self.seen.update(self._set_aside(kept, built, table))
                    self.seen.difference_update(gone)
            self._quarantine(writer, rejected, raws, gone)
            read = len(raws) + len(broken)
            run.totals += RunTotals(read, loaded, read - loaded - len(rejected), len(rejected), deleted)
            self._changes += 1 if loaded or deleted else 0
            self.save(writer, batches[-1].cursor)
        self.read += read
        run.tell(self.name, self.read, max(b.total for b in batches), self._since, "rows")

    def _known(self, prior: DataTable | None) -> frozenset[str]:
        return frozenset((*self._spec.columns, *(c.name for c in (prior.columns if prior is not None else ()))))

    def _typed(self, raws: Sequence[RawRow], prior: DataTable | None) -> TableSpec:
        """The specification; where a table is read anew, held types that still fit every value stay."""
        if self._fixed or self.read or prior is None:
            return self._spec
        types = dict(self._spec.types)
        for column in prior.columns:
            if column.name not in types and column.type != "text":
                values = [raw.values.get(column.name) for raw in raws]
                if not ColumnCoercer(column.name, values, declared=column.type).misfits():
                    types[column.name] = column.type
        return replace(self._spec, types=types)

    def _put_table(self, writer: Writer, built: Built, prior: DataTable | None) -> DataTable | None:
        """The table as it stands with the columns of this batch; what it did not have before is announced."""
        if not built.table.columns:
            return prior
        table = writer.put_table(built.table)
        if prior is not None and (self.held.get("complete") or self.read):
            known = {c.name for c in prior.columns}
            if new := [c.name for c in table.columns if c.name not in known]:
                self.sync.warnings.append(
                    f"{self.name}: new at the source: {', '.join(new)}; hidden until the catalogue lists it"
                )
        return table

    def _set_aside(self, raws: Sequence[RawRow], built: Built, table: DataTable) -> list[str]:
        """The keys of records that do not fit: they are there at the source, and what is held of them stays."""
        misfit = {r.origin for r in built.rejected}
        return self.shape.key_texts([self._raw_key(r) for r in raws if r.where in misfit], table) if misfit else []

    def _raw_key(self, raw: RawRow) -> Key:
        return tuple(raw.values.get(name) for name in self.shape.key)

    def _quarantine(
        self, writer: Writer, rejected: Sequence[Rejected], raws: Sequence[RawRow], gone: Sequence[str]
    ) -> None:
        """Carry over what stands there, but for records that were read again or are gone."""
        if not (rejected or raws or gone):
            return
        held = writer.quarantine_of(self.sync.name, self.name)
        if held or rejected:
            settled = {raw.where for raw in raws} | {f"{self.stream.name}#{key}" for key in gone}
            left = [r for r in held if r.origin not in settled]
            writer.put_quarantine(self.sync.name, self.name, [*left, *rejected])
