"""A database as a source: types, cursors, deletes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from index.foreign import ForeignDatabase
from index.store.store import Store
from ingest.progress import SyncReport
from ingest.sync.sources import sync
from tests.ingest.company import open_store, sources

CURSOR = "db: {kind: sql, url: 'sqlite:///db.sqlite', tables: {items: {from: Items, cursor: changed}}}"
EVERY = "db: {kind: sql, url: 'sqlite:///db.sqlite'}"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "db.sqlite", isolation_level=None)
    connection.execute(
        "CREATE TABLE Items (ItemID INTEGER PRIMARY KEY, Name TEXT, Price NUMERIC(8,2), changed INTEGER)"
    )
    connection.executemany("INSERT INTO Items VALUES (?, ?, ?, ?)", [(n, f"n{n}", n / 4, n) for n in range(10)])
    yield connection
    connection.close()


def _sync(home: Path, store: Store, text: str = CURSOR, **options: bool) -> SyncReport:
    (report,) = sync(sources(home, text), store, None, **options)
    assert report.ok, report.message
    assert report.totals.balanced
    return report


def _names(store: Store) -> dict[object, object]:
    return dict(store.rows("items", ["item_id", "name"]))


def test_every_table_is_taken_with_its_key_and_types(tmp_path: Path, db: sqlite3.Connection) -> None:
    db.execute('CREATE TABLE "Order Details" (a TEXT, b TEXT, note, born DATETIME, day DATE, PRIMARY KEY (a, b))')
    db.execute("""INSERT INTO "Order Details" VALUES ('x', '007', 5, '1998-05-06', '1998-05-06')""")
    db.execute("CREATE TABLE empty (id INTEGER PRIMARY KEY, label TEXT)")
    store = open_store(tmp_path)
    _sync(tmp_path, store, EVERY)
    tables = store.tables()
    assert list(tables) == ["empty", "items", "order_details"]
    assert tables["order_details"].key == ("a", "b")
    assert [c.type for c in tables["order_details"].columns] == ["text", "text", "integer", "datetime", "date"]
    assert [c.name for c in tables["empty"].columns] == ["id", "label"]
    assert [key for (key,) in store.rows("order_details", ["_key"])] == ["x|007"]


def test_only_rows_from_the_cursor_on_are_read_again(tmp_path: Path, db: sqlite3.Connection) -> None:
    store = open_store(tmp_path)
    _sync(tmp_path, store)
    db.execute("UPDATE Items SET Name = 'new', changed = 12 WHERE ItemID = 3")
    db.execute("INSERT INTO Items VALUES (50, 'late', 1, 9)")  # the same value as the cursor stood at
    db.execute("DELETE FROM Items WHERE ItemID = 4")
    read: list[int] = []
    original = ForeignDatabase.rows

    def _spy(self: ForeignDatabase, *args: object, **options: object) -> Iterator[list[tuple[object, ...]]]:
        for part in original(self, *args, **options):  # type: ignore[arg-type]
            read.append(len(part) if options.get("cursor") else 0)
            yield part

    with patch.object(ForeignDatabase, "rows", _spy):
        totals = _sync(tmp_path, store).totals
    assert sum(read) == 3  # the two changes, and the row that the cursor stands on
    assert (totals.read, totals.loaded, totals.unchanged, totals.deleted) == (10, 2, 8, 1)
    assert _names(store)[3] == "new" and 50 in _names(store) and 4 not in _names(store)


def test_a_row_written_behind_the_cursor_is_found_by_its_key(tmp_path: Path, db: sqlite3.Connection) -> None:
    store = open_store(tmp_path)
    _sync(tmp_path, store)
    db.execute("INSERT INTO Items VALUES (60, 'old stamp', 1, 1)")
    assert _sync(tmp_path, store).totals.loaded == 1
    assert _names(store)[60] == "old stamp"


def test_quarantined_rows_are_carried_over_until_they_change(tmp_path: Path, db: sqlite3.Connection) -> None:
    db.execute("UPDATE Items SET Price = 'on request' WHERE ItemID = 2")
    db.executemany("INSERT INTO Items VALUES (?, 'x', 1, 9)", [(n,) for n in range(100, 200)])
    store = open_store(tmp_path)
    assert _sync(tmp_path, store).totals.quarantined == 1
    db.execute("UPDATE Items SET Name = 'other', changed = 20 WHERE ItemID = 5")
    totals = _sync(tmp_path, store).totals
    assert (totals.quarantined, totals.loaded, totals.read) == (1, 1, 110)
    assert [q.origin for q in store.quarantined()] == ["Items#2"]
    db.execute("UPDATE Items SET Price = 3, changed = 21 WHERE ItemID = 2")
    assert _sync(tmp_path, store).totals.quarantined == 0
    assert 2 in _names(store)


def test_an_unchanged_database_is_not_opened_for_rows(tmp_path: Path, db: sqlite3.Connection) -> None:
    store = open_store(tmp_path)
    _sync(tmp_path, store)
    with patch.object(ForeignDatabase, "rows", side_effect=AssertionError("read")):
        assert _sync(tmp_path, store).totals.unchanged == 10


def test_a_new_column_at_the_source_is_taken(tmp_path: Path, db: sqlite3.Connection) -> None:
    store = open_store(tmp_path)
    _sync(tmp_path, store)
    db.execute("ALTER TABLE Items ADD COLUMN Colour TEXT")
    db.execute("UPDATE Items SET Colour = 'red' WHERE ItemID = 1")
    assert _sync(tmp_path, store).totals.loaded == 1
    assert ("red",) in list(store.rows("items", ["colour"]))


def test_long_tables_are_read_in_parts(tmp_path: Path, db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE log (line TEXT)")
    db.executemany("INSERT INTO log VALUES (?)", [(f"l{n % 7}",) for n in range(30)])
    store = open_store(tmp_path)
    with patch("ingest.sync.sql.HEAD", 4):
        totals = _sync(tmp_path, store, EVERY).totals
        assert (totals.read, totals.loaded) == (40, 40)
        assert store.status().tables == {"items": 10, "log": 30}
        db.execute("DELETE FROM log WHERE rowid <= 5")
        assert _sync(tmp_path, store, EVERY).totals.deleted == 5


def test_what_is_not_there_is_named_with_what_is_near(tmp_path: Path, db: sqlite3.Connection) -> None:
    store = open_store(tmp_path)
    for text, said, hint in (
        ("db: {kind: sql, url: 'sqlite:///db.sqlite', tables: {items: {from: Itemz}}}", "no table 'Itemz'", "'Items'"),
        (
            "db: {kind: sql, url: 'sqlite:///db.sqlite', tables: {items: {from: Items, cursor: c}}}",
            "no column 'c'",
            "Price",
        ),
        ("db: {kind: sql, url: 'sqlite:///gone.sqlite'}", "no database file", "sqlite:///"),
    ):
        (report,) = sync(sources(tmp_path, text), store, None)
        assert report.status == "failed" and said in report.message and hint in report.hint


def test_the_source_is_never_written_to(tmp_path: Path, db: sqlite3.Connection) -> None:
    before = (tmp_path / "db.sqlite").read_bytes()
    _sync(tmp_path, open_store(tmp_path), EVERY)
    assert (tmp_path / "db.sqlite").read_bytes() == before
