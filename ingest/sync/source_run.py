"""One source on its way through one sync: what is remembered of it, what it did so far, and how it is saved."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from index.errors import BusyError
from index.store.store import Store
from index.store.writer import RunTotals, SourceState, Writer
from ingest.config import ConnectorSource, FileSource, RowDocumentsConfig, SqlSource
from ingest.files import FileEntry
from ingest.object_store import is_object_url
from ingest.progress import Listener, Progress, SyncReport, silent


@dataclass
class SourceRun:
    """The state of one source's sync. `state` is the JSON that is saved with every transaction."""

    name: str
    config: FileSource | SqlSource | ConnectorSource
    base: Path
    store: Store
    full: bool = False
    reconcile: bool = False
    listener: Listener = silent
    versions: dict[str, str] = field(default_factory=dict)  # of every loaded table, of all sources
    totals: RunTotals = field(default_factory=RunTotals)
    row_documents: dict[str, RowDocumentsConfig] = field(default_factory=dict)  # by table
    warnings: list[str] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)
    files: dict[str, FileEntry] = field(default_factory=dict)
    seconds: float = 0.0
    run_id: str = ""
    _held: SourceState | None = None

    def open(self) -> None:
        """Record that the run begins, and read what is remembered: what other runs saved until then."""
        self.run_id = self.store.start_run(self.name)
        self._held = self.store.source_state(self.name)
        self.state = json.loads(json.dumps(self._held.state))
        for name, table in self.tables.items():
            self.versions.setdefault(name, table.get("inputs", ""))

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        """What is remembered of each table."""
        held: dict[str, dict[str, Any]] = self.state.setdefault("tables", {})
        return held

    @property
    def documents(self) -> dict[str, Any]:
        """What is remembered of the documents."""
        held: dict[str, Any] = self.state.setdefault("documents", {})
        return held

    @property
    def root(self) -> Path:
        """The folder or file of a file source."""
        assert isinstance(self.config, FileSource)
        if is_object_url(self.config.path):
            return self.base / "objects" / self.name
        return self.base / Path(self.config.path).expanduser()

    @contextmanager
    def begin(self) -> Iterator[Writer]:
        """A transaction of this run. Raises `BusyError` where another run of the source has begun: that one has read
        what this one saved so far, and what this one would write may be older than what it reads."""
        with self.store.begin() as writer:
            if not writer.holds_run(self.run_id):
                raise BusyError(
                    f"another sync of {self.name} has begun: this one writes nothing more",
                    hint="let the other one end; one at a time is enough",
                )
            yield writer

    def save(self, writer: Writer) -> None:
        """Put what is remembered, and the totals so far, into the transaction of `writer`."""
        held = self._held or SourceState(self.name)
        writer.put_state(SourceState(self.name, self.state, held.status, held.synced_at, held.message))
        writer.put_run(self.run_id, "running", self.totals)

    def finish(self) -> None:
        """Record that the run ended well."""
        with self.begin() as writer:
            writer.put_state(SourceState(self.name, self.state, "ok"))
            writer.put_run(self.run_id, "ok", self.totals, "; ".join(self.warnings)[:2_000])

    def fail(self, message: str) -> None:
        """Record that the run failed."""
        self.store.fail_run(self.run_id, self.name, self.totals, message)

    def redacted(self, text: str) -> str:
        """`text` without the source's secrets, which the libraries that read it may put into their messages."""
        return self.config.redacted(text)

    def report(self, status: str, message: str = "", hint: str = "") -> SyncReport:
        """What the run came to."""
        return SyncReport(self.name, status, self.totals, self.seconds, message, hint, tuple(self.warnings))

    def tell(self, item: str, done: int, total: int, since: float, unit: str = "files") -> None:
        """Tell the listener how far `item` is, `since` a `time.monotonic()`."""
        elapsed = max(time.monotonic() - since, 1e-6)
        self.listener(Progress(self.name, item, done, total, done / elapsed, unit))
