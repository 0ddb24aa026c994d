"""Databases: the contract, and whole syncs, on SQLite and on the servers that run on loopback."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.config import load_sources
from ingest.connectors import connect
from ingest.connectors.files import FilesOptions
from ingest.connectors.sql import SqlOptions
from ingest.sync.sources import sync
from tests.ingest.company import open_store

SERVERS = {
    "postgresql": ("postgresql+psycopg://postgres@127.0.0.1:5432/postgres", 5432),
    "mariadb": ("mysql+pymysql://root@127.0.0.1:3306/test", 3306),
}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=["sqlite", *SERVERS])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine of an empty database of each kind; skipped where no such server runs here."""
    if request.param == "sqlite":
        yield sa.create_engine(f"sqlite:///{tmp_path / 'source.sqlite'}")
        return
    url, port = SERVERS[request.param]
    if not _listens(port):
        pytest.skip(f"no {request.param} listens on 127.0.0.1:{port}")
    engine = sa.create_engine(url)
    try:
        _drop(engine)
    except sa.exc.OperationalError as error:
        pytest.skip(f"{request.param} does not let us in: {error.orig}")
    yield engine
    _drop(engine)
    engine.dispose()


TABLE = "tower_test_orders"


def _drop(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {TABLE}"))


def _fill(engine: sa.Engine, rows: int = 60) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY, label VARCHAR(40), amount NUMERIC(10,2), "
                "changed TIMESTAMP NULL, paid BOOLEAN)"
            )
        )
        values = [
            {"i": n, "l": f"Bäcker {n} 山", "a": n * 1.25, "c": f"2026-01-01 10:00:{n % 60:02d}", "p": n % 2 == 0}
            for n in range(rows)
        ]
        connection.execute(sa.text(f"INSERT INTO {TABLE} VALUES (:i, :l, :a, :c, :p)"), values)


def _execute(engine: sa.Engine, text: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(text))


def test_a_database_is_synced_and_kept_in_step(database: sa.Engine, tmp_path: Path) -> None:
    _fill(database)
    url = database.url.render_as_string(hide_password=False)
    table = {"orders": {"from": TABLE, "cursor": "changed"}}
    config = load_sources({"db": {"kind": "sql", "url": url, "tables": table}}, tmp_path, {})
    store = open_store(tmp_path)
    (report,) = sync(config, store, None)
    assert report.ok, report.message
    assert report.totals.loaded == 60
    types = {c.name: c.type for c in store.tables()["orders"].columns}
    assert types["amount"] == "number" and types["changed"] == "datetime" and types["label"] == "text"
    assert next(store.rows("orders", ["label", "amount"])) == ("Bäcker 0 山", 0.0)
    _execute(database, f"UPDATE {TABLE} SET label = 'x', changed = '2026-02-01 00:00:00' WHERE id = 5")
    _execute(database, f"DELETE FROM {TABLE} WHERE id = 6")
    (report,) = sync(config, store, None)
    assert (report.totals.loaded, report.totals.deleted) == (1, 1)


def test_the_contract_speaks_of_the_same_tables(database: sa.Engine, tmp_path: Path) -> None:
    _fill(database)
    url = database.url.render_as_string(hide_password=False)
    connector = connect("sql", SqlOptions.model_validate({"url": url, "cursors": {TABLE: "changed"}}), tmp_path)
    assert "tables" in connector.test()
    stream = next(s for s in connector.describe() if s.name == TABLE)
    assert stream.key == ("id",) and stream.cursor == "changed"
    batches = list(connector.read(stream, None))
    assert sum(len(b.records) for b in batches) == 60
    rest = [r for b in connector.read(stream, batches[-1].cursor) for r in b.records]
    assert [r["id"] for r in rest] == [59]
    assert {k for part in connector.keys(stream) for k in part} == {(n,) for n in range(60)}
    connector.close()


def test_a_password_in_a_url_is_not_in_the_report(tmp_path: Path) -> None:
    url = "postgresql+psycopg://tower:very-secret@127.0.0.1:1/none?connect_timeout=1"
    (report,) = sync(load_sources({"db": {"kind": "sql", "url": url}}, tmp_path, {}), open_store(tmp_path), None)
    assert not report.ok and "very-secret" not in str(report)


def test_oracle_is_declared_with_its_thin_driver(tmp_path: Path) -> None:
    """No Oracle runs here: what is checked is that its URL finds the driver, and that the failure is told as ours."""
    url = "oracle+oracledb://tower:very-secret@127.0.0.1:1/?service_name=none"
    (report,) = sync(load_sources({"db": {"kind": "sql", "url": url}}, tmp_path, {}), open_store(tmp_path), None)
    assert not report.ok and "cannot be read" in report.message and "very-secret" not in str(report)


def test_a_folder_speaks_the_contract_too(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("id,name\n1,x\n2,y\n")
    sqlite3.connect(tmp_path / "data" / "b.txt").close()
    connector = connect("files", FilesOptions(path="data"), tmp_path)
    (stream,) = connector.describe()
    records: list[Any] = [r for b in connector.read(stream, None) for r in b.records]
    assert [r["name"] for r in records] == ["x", "y"] and "2 files" in connector.test()
