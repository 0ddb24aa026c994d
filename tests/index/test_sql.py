"""The reading side of the SQL index: only guarded queries, read-only, bounded, and values that can be shown."""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from index.catalogue.model import Catalogue, Column, Table
from index.engine import open_engine
from index.errors import SqlRejected, StorageError
from index.guard.guard import GuardedQuery, guard
from index.scope import Scope
from index.sql import BINARY, SqlDatabase

CATALOGUE = Catalogue(
    (
        Table(
            "items",
            "items",
            (
                Column("id", "integer", "id"),
                Column("name", "text", "name"),
                Column("bought", "date", "bought"),
                Column("picture", "text", "picture"),
            ),
        ),
        Table("overview", "overview", (Column("name", "text", "name"),)),
    )
)
SCOPE = Scope.administrator(CATALOGUE, frozenset())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "items.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, bought TEXT, picture BLOB, hidden TEXT);"
            "INSERT INTO items VALUES (1, 'a', '2026-01-02', x'89504e47', 'h'), (2, 'b:c ''x'' :id', NULL, NULL, 'h'),"
            " (3, CAST(x'ff41' AS TEXT), '2026-01-03', NULL, 'h');"
            "CREATE VIEW overview AS SELECT name FROM items"
        )
    return path


@pytest.fixture
def database(path: Path) -> SqlDatabase:
    return SqlDatabase(open_engine(f"sqlite:///{path}"), timeout_s=1)


def ask(sql: str, limit: int = 1000) -> GuardedQuery:
    return guard(sql, CATALOGUE, SCOPE, limit=limit)


def test_rows_come_with_names_and_say_when_there_were_more(database: SqlDatabase) -> None:
    rows = database.read(ask("SELECT id, name FROM items ORDER BY id", limit=2))
    assert rows.columns == ("id", "name")
    assert [row[0] for row in rows.rows] == [1, 2] and rows.truncated
    assert not database.read(ask("SELECT id FROM items", limit=3)).truncated


def test_values_are_plain(database: SqlDatabase) -> None:
    rows = database.read(ask("SELECT name, bought, picture FROM items ORDER BY id"))
    assert rows.rows[0] == ("a", "2026-01-02", BINARY)
    assert rows.rows[2][0] == "\ufffdA"


def test_parameters_are_bound_and_a_colon_in_a_string_is_none(database: SqlDatabase) -> None:
    sql = "SELECT id FROM items WHERE name = :who OR name = 'b:c ''x'' :id'"
    assert database.read(ask(sql), {"who": "a", "unused": 1}).rows == ((1,), (2,))
    on = ask("SELECT id FROM items WHERE bought <= :day AND id < :most")
    assert database.read(on, {"day": dt.date(2026, 1, 2), "most": Decimal("2.5")}).rows == ((1,),)
    with pytest.raises(SqlRejected, match=":who"):
        database.read(ask(sql), {})
    with pytest.raises(SqlRejected, match="does not fit"):
        database.read(ask("SELECT id FROM items WHERE id = :n"), {"n": 10**30})


def test_only_a_query_that_the_guard_made_runs(database: SqlDatabase) -> None:
    made = ask("SELECT id FROM items")
    forged = GuardedQuery(made.text, "SELECT hidden FROM items", "sqlite", (), 10)
    with pytest.raises(TypeError):
        database.read(forged)
    with pytest.raises(TypeError):
        database.read("SELECT 1")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sql",
    ["SELECT hidden FROM items", "SELECT name FROM sqlite_master", "DELETE FROM items", "DROP TABLE items",
     "ATTACH ':memory:' AS x", "PRAGMA query_only = OFF", "CREATE TABLE x (a)"],
)  # fmt: skip
def test_the_engine_refuses_what_the_guard_would_have_missed(sql: str, database: SqlDatabase) -> None:
    with pytest.raises(SqlRejected):
        database.read(replace(ask("SELECT id FROM items"), sql=sql))
    assert len(database.read(ask("SELECT id FROM items")).rows) == 3


def test_a_view_is_read_by_its_own_name(database: SqlDatabase) -> None:
    assert len(database.read(ask("SELECT name FROM overview")).rows) == 3


def test_a_query_that_does_not_end_is_stopped(database: SqlDatabase) -> None:
    endless = ask("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r")
    started = time.monotonic()
    with pytest.raises(SqlRejected, match="longer than 1 s"):
        database.read(endless)
    assert time.monotonic() - started < 5
    assert len(database.read(ask("SELECT id FROM items")).rows) == 3


def test_the_connection_can_write_again_afterwards(database: SqlDatabase) -> None:
    database.read(ask("SELECT id FROM items"))
    with database.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO items (id, name) VALUES (9, 'z')")
        assert connection.exec_driver_sql("SELECT hidden FROM items WHERE id = 1").scalar() == "h"
    assert database.read(ask("SELECT name FROM items WHERE id = 9")).rows == (("z",),)


def test_many_threads_read_at_once(database: SqlDatabase) -> None:
    def read(number: int) -> int:
        return int(str(database.read(ask(f"SELECT count(*) + {number % 7} FROM items")).rows[0][0]))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(read, range(80))) == [3 + n % 7 for n in range(80)]


def test_a_damaged_file_is_a_storage_error(path: Path) -> None:
    path.write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(StorageError):
        SqlDatabase(open_engine(f"sqlite:///{path}", read_only=True)).read(ask("SELECT id FROM items"))


def test_a_table_that_went_away_is_a_clear_rejection(path: Path, database: SqlDatabase) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DROP VIEW overview")
    with pytest.raises(SqlRejected, match="no such table"):
        database.read(ask("SELECT name FROM overview"))


def test_a_query_for_another_dialect_does_not_run(database: SqlDatabase) -> None:
    with pytest.raises(SqlRejected, match="postgres"):
        database.read(guard("SELECT id FROM items", CATALOGUE, SCOPE, dialect="postgres"))
