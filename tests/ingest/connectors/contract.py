"""The suite that every connector passes.

A test module subclasses `ConnectorContract` and says how its system looks (`source`), and how a record is written,
changed and removed there. What is checked is the state of the SQL index after syncs, not how it came about.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from index.store.store import Store
from ingest.config import SourcesConfig, load_sources
from ingest.connectors import connect
from ingest.connectors.support.contract import Connector, Stream
from ingest.progress import SyncReport
from ingest.sync.sources import sync
from tests.ingest.company import open_store


class ConnectorContract:
    """What holds for every connector, whatever it reads."""

    table: ClassVar[str] = "things"
    column: ClassVar[str] = "name"
    first: ClassVar[int] = 37
    secret: ClassVar[str] = ""

    # a subclass says

    @pytest.fixture
    def system(self) -> Iterator[Any]:
        raise AssertionError("a subclass gives the system")

    def source(self, system: Any, home: Path) -> dict[str, Any]:
        raise AssertionError("a subclass gives the source's mapping")

    def write(self, system: Any, number: int, text: str) -> None:
        raise AssertionError("a subclass writes a record")

    def remove(self, system: Any, number: int) -> None:
        raise AssertionError("a subclass removes a record")

    def key(self, number: int) -> str:
        return str(number)

    # what is checked

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return open_store(tmp_path)

    def config(self, system: Any, home: Path, **more: Any) -> SourcesConfig:
        return load_sources({"it": {**self.source(system, home), **more}}, home, {})

    def fill(self, system: Any) -> None:
        for number in range(self.first):
            self.write(system, number, f"name {number}")

    def sync(self, system: Any, home: Path, store: Store, *, ok: bool = True, **options: Any) -> SyncReport:
        (report,) = sync(self.config(system, home), store, None, **options)
        assert report.totals.balanced
        assert report.ok is ok, report.message
        return report

    def held(self, store: Store) -> dict[str, Any]:
        return {str(key): value for key, value in store.rows(self.table, ["_key", self.column])}

    def opened(self, system: Any, home: Path) -> tuple[Connector, Stream]:
        source: Any = self.config(system, home).sources["it"]
        connector = connect(source.kind, source.options, home)
        configured = source.tables[self.table] if source.tables else None
        wanted = (configured.from_ or self.table) if configured else None
        streams = connector.describe()
        return connector, next(s for s in streams if wanted is None or s.name == wanted)

    def test_it_says_where_it_is_connected(self, system: Any, tmp_path: Path) -> None:
        self.fill(system)
        connector, stream = self.opened(system, tmp_path)
        try:
            assert len(connector.test()) > 5
            assert stream.deletes in ("told", "keys", "scan", "never")
        finally:
            connector.close()
            connector.close()

    def test_everything_there_is_read_with_its_key(self, system: Any, tmp_path: Path, store: Store) -> None:
        self.fill(system)
        report = self.sync(system, tmp_path, store)
        assert self.held(store) == {self.key(n): f"name {n}" for n in range(self.first)}
        assert report.totals.loaded == self.first

    def test_the_keys_are_those_of_the_records(self, system: Any, tmp_path: Path) -> None:
        self.fill(system)
        connector, stream = self.opened(system, tmp_path)
        keys = {"|".join(map(str, key)) for part in connector.keys(stream) for key in part}
        connector.close()
        assert keys == {self.key(n) for n in range(self.first)}

    def test_a_read_goes_on_from_every_cursor_it_gave(self, system: Any, tmp_path: Path) -> None:
        self.fill(system)
        connector, stream = self.opened(system, tmp_path)
        batches = list(connector.read(stream, None))
        every = {_key(r, stream) for b in batches for r in b.records}
        before: set[Any] = set()
        for batch in batches[:4]:
            before |= {_key(r, stream) for r in batch.records}
            if batch.cursor is not None and stream.deletes != "scan":
                rest = {_key(r, stream) for b in connector.read(stream, batch.cursor) for r in b.records}
                assert before | rest == every
        connector.close()

    def test_new_and_changed_records_come_and_removed_ones_go(self, system: Any, tmp_path: Path, store: Store) -> None:
        self.fill(system)
        self.sync(system, tmp_path, store)
        self.write(system, 3, "changed")
        self.write(system, 100, "new")
        self.remove(system, 5)
        report = self.sync(system, tmp_path, store)
        expected = {self.key(n): f"name {n}" for n in range(self.first)}
        expected |= {self.key(3): "changed", self.key(100): "new"}
        del expected[self.key(5)]
        assert self.held(store) == expected
        assert (report.totals.loaded, report.totals.deleted) == (2, 1)

    def test_a_second_sync_of_what_did_not_change_writes_nothing(
        self, system: Any, tmp_path: Path, store: Store
    ) -> None:
        self.fill(system)
        self.sync(system, tmp_path, store)
        report = self.sync(system, tmp_path, store)
        assert (report.totals.loaded, report.totals.deleted, report.warnings) == (0, 0, ())

    def test_a_source_that_gives_nothing_deletes_nothing(self, system: Any, tmp_path: Path, store: Store) -> None:
        self.fill(system)
        self.sync(system, tmp_path, store)
        for number in range(self.first):
            self.remove(system, number)
        report = self.silenced(system, tmp_path, store)
        if report is not None:
            assert not report.ok and "none was deleted" in report.message
            assert len(self.held(store)) == self.first

    def silenced(self, system: Any, home: Path, store: Store) -> SyncReport | None:
        """The sync of a source that gives nothing; None for a source whose deletes are told one by one."""
        return self.sync(system, home, store, ok=False)

    def test_no_secret_is_in_what_is_shown_or_logged(
        self, system: Any, tmp_path: Path, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.fill(system)
        caplog.set_level(logging.DEBUG)
        report = self.sync(system, tmp_path, store)
        config = self.config(system, tmp_path)
        shown = [repr(config), str(config.sources), caplog.text, str(report), str(store.source_state("it"))]
        assert not self.secret or not any(self.secret in text for text in shown)


def _key(record: Any, stream: Stream) -> tuple[Any, ...]:
    return tuple(record.get(name) for name in stream.key) if stream.key else tuple(sorted(record.items()))
