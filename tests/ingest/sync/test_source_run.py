"""A run of a source: what it remembers, and that an older run writes nothing over a newer one."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.engine import open_engine
from index.errors import BusyError
from index.store.store import Store
from ingest.config import load_sources
from ingest.sync.source_run import SourceRun


def _runs(home: Path, count: int) -> tuple[Store, list[SourceRun]]:
    store = Store(open_engine(f"sqlite:///{home / 'tower.sqlite'}"))
    store.create()
    config = load_sources({"notes": {"kind": "files", "path": "notes"}}, home, {}).sources["notes"]
    return store, [SourceRun("notes", config, home, store) for _ in range(count)]


def test_a_run_begins_with_what_the_one_before_saved(tmp_path: Path) -> None:
    _, (first, second) = _runs(tmp_path, 2)
    first.open()
    first.documents["links"] = "a"
    with first.begin() as writer:
        first.save(writer)
    second.open()
    assert second.documents == {"links": "a"}


def test_an_older_run_writes_nothing_over_a_newer_one(tmp_path: Path) -> None:
    store, (older, newer) = _runs(tmp_path, 2)
    older.open()
    newer.open()
    older.documents["links"] = "stale"
    with pytest.raises(BusyError, match="another sync of notes has begun"), older.begin() as writer:
        older.save(writer)
    with pytest.raises(BusyError):
        older.finish()
    older.fail("another sync of notes has begun")
    assert (store.source_state("notes").status, store.source_state("notes").state) == ("never", {})
    newer.documents["links"] = "b"
    newer.finish()
    assert store.source_state("notes").state == {"tables": {}, "documents": {"links": "b"}}
