"""The sources that `tower init` drafts."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from index.errors import NotFoundError, UsageError
from ingest.auto import auto_sources
from ingest.config import load_sources
from ingest.sync.sources import sync
from tests.ingest.company import open_store


def test_drafted_sources_are_valid_and_can_be_synced(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "North Wind.sqlite") as connection:
        connection.execute('CREATE TABLE "Order Details" (OrderID INTEGER, Price REAL, PRIMARY KEY (OrderID))')
        connection.execute('INSERT INTO "Order Details" VALUES (1, 2.5)')
    connection.close()
    (tmp_path / "handbook" / "content").mkdir(parents=True)
    (tmp_path / "handbook" / "content" / "time-off.md").write_text("# Time off\n\nTake it.")
    (tmp_path / "corpus.jsonl").write_text('{"_id": "1", "title": "T", "text": "Text."}')
    home = tmp_path / "home"
    home.mkdir()
    mapping = auto_sources(
        [f"sqlite:///{tmp_path / 'North Wind.sqlite'}"],
        [tmp_path / "handbook" / "content", tmp_path / "handbook"],
        [tmp_path / "corpus.jsonl"],
        home,
    )
    assert list(mapping) == ["north_wind", "handbook", "handbook_2", "corpus"]
    store = open_store(home)
    reports = sync(load_sources(mapping, home, {}), store, None)
    assert all(r.ok for r in reports), reports
    assert store.status().tables == {"order_details": 1}
    assert [d.document.doc_id for d in store.documents("corpus")] == ["corpus:1"]
    assert [d.document.doc_id for d in store.documents("handbook")] == ["handbook:time-off.md"]


def test_paths_under_the_workspace_are_written_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    assert auto_sources([], [tmp_path / "docs"], [], tmp_path) == {
        next(iter(auto_sources([], [tmp_path / "docs"], [], tmp_path))): {"kind": "files", "path": "docs"}
    }


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    for arguments in (([], [tmp_path / "x"], []), ([], [], [tmp_path / "x"]), ([f"sqlite:///{tmp_path}/x.db"], [], [])):
        with pytest.raises(NotFoundError):
            auto_sources(*arguments, tmp_path)
    with pytest.raises(UsageError):
        auto_sources(["not a url"], [], [], tmp_path)
