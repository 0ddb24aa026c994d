"""Two worlds for the guard's oracle: a full database, and one that physically holds only what a scope shows."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError

from index.catalogue.model import Catalogue, Column, ColumnType, Join, Table
from index.engine import open_engine
from index.errors import SqlRejected
from index.guard.guard import guard
from index.scope import Principal, Scope, TableScope
from index.sql import SqlDatabase

SECRET = "SECRET"
_SCRIPT = """
CREATE TABLE accounts (account_id TEXT PRIMARY KEY, name TEXT, region TEXT, segment TEXT, phone TEXT, email TEXT,
  revenue REAL, _key TEXT);
INSERT INTO accounts VALUES
  ('ACC-1', 'Alder', 'EMEA', 'Enterprise', 'SECRET 1', 'SECRET a@x', 10.5, 'SECRET k1'),
  ('ACC-2', 'Birch', 'EMEA', 'SMB', 'SECRET 2', 'SECRET b@x', 20.5, 'SECRET k2'),
  ('ACC-3', 'Cedar', 'EMEA', NULL, 'SECRET 2', NULL, NULL, 'SECRET k3'),
  ('ACC-8', 'SECRET Hazel', 'APAC', 'Enterprise', 'SECRET 8', 'SECRET h@x', 80.5, 'SECRET k8'),
  ('ACC-9', 'SECRET Ivy', 'AMER', 'SMB', 'SECRET 9', 'SECRET i@x', 90.5, 'SECRET k9');
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, account_id TEXT, total REAL, status TEXT, placed_on TEXT, note TEXT);
INSERT INTO orders VALUES
  (1, 'ACC-1', 100, 'open', '2026-01-05', 'SECRET n1'), (2, 'ACC-1', 250, 'closed', '2026-02-05', 'SECRET n2'),
  (3, 'ACC-2', 75, 'open', '2026-02-20', NULL), (4, 'ACC-3', 40, 'void', NULL, 'SECRET n4'),
  (5, 'ACC-8', 9000, 'SECRET open', '2026-03-01', 'SECRET n5'), (6, 'ACC-9', 800, 'closed', '2026-03-02', 'SECRET n6'),
  (7, NULL, 5, 'SECRET lost', '2026-03-03', 'SECRET n7');
CREATE TABLE "Order Details" (order_id INTEGER, product TEXT, "unit price" REAL, quantity INTEGER, cost TEXT);
INSERT INTO "Order Details" VALUES (1, 'tent', 50, 2, 'SECRET 1'), (2, 'stove', 125, 2, 'SECRET 2'),
  (3, 'rope', 25, 3, 'SECRET 3'), (5, 'kayak', 900, 10, 'SECRET 5'), (6, 'rope', 8, 100, NULL), (4, NULL, 40, 1, '');
CREATE TABLE staff (name TEXT, password TEXT);
INSERT INTO staff VALUES ('SECRET root', 'SECRET pw');
CREATE TABLE vault (content TEXT);
INSERT INTO vault VALUES ('SECRET gold');
"""
_EMEA = "account_id IN (SELECT account_id FROM accounts WHERE region = 'EMEA')"
_MASKS = {"text": "***"}


def _column(name: str, kind: ColumnType = "text") -> Column:
    return Column(name, kind, name)


CATALOGUE = Catalogue(
    tables=(
        Table(
            "accounts",
            "accounts",
            (*map(_column, "account_id name region segment phone email".split()), _column("revenue", "number")),
            key=("account_id",),
        ),
        Table(
            "orders",
            "orders",
            (
                _column("order_id", "integer"),
                _column("account_id"),
                _column("total", "number"),
                *map(_column, "status placed_on note".split()),
            ),
            key=("order_id",),
        ),
        Table(
            "Order Details",
            "order details",
            (
                _column("order_id", "integer"),
                _column("product"),
                _column("unit price", "number"),
                _column("quantity", "integer"),
                _column("cost"),
            ),
        ),
        Table("staff", "staff", (_column("name"), _column("password"))),
    ),
    joins=(Join("orders", ("account_id",), "accounts", ("account_id",)),),
)
SCOPE = Scope(
    Principal("anna"),
    {
        "accounts": TableScope(
            {"account_id": "visible", "name": "visible", "region": "visible", "segment": "visible", "email": "masked",
             "revenue": "masked"},
            "region = 'EMEA'",
        ),
        "orders": TableScope(
            dict.fromkeys(("order_id", "account_id", "total", "status", "placed_on"), "visible"), _EMEA
        ),
        "Order Details": TableScope(
            dict.fromkeys(("order_id", "product", "unit price", "quantity"), "visible")
        ),
    },
    frozenset(),
)  # fmt: skip
ADMINISTRATOR = Scope.administrator(CATALOGUE, frozenset())


@dataclass
class Worlds:
    """`full` runs guarded queries on everything; `allowed` runs anything on what `scope` shows."""

    full: SqlDatabase
    allowed: sqlite3.Connection
    scope: Scope

    def guarded(self, sql: str) -> list[tuple[object, ...]] | SqlRejected:
        """The rows of the guarded query, or why it was rejected."""
        try:
            query = guard(sql, CATALOGUE, self.scope)
            return [tuple(row) for row in self.full.read(query).rows]
        except SqlRejected as error:
            return error

    def original(self, sql: str) -> list[tuple[object, ...]] | sqlite3.Error:
        """The rows of the original where only the allowed rows and columns exist, or the engine's error."""
        try:
            return [tuple(row) for row in self.allowed.execute(sql).fetchmany(1000)]
        except sqlite3.Error as error:
            return error


@dataclass
class PostgresWorlds:
    """The same two worlds as two schemas of a PostgreSQL database."""

    full: SqlDatabase
    allowed: Engine
    scope: Scope

    def guarded(self, sql: str) -> list[tuple[object, ...]] | SqlRejected:
        """The rows of the guarded query, or why it was rejected."""
        try:
            query = guard(sql, CATALOGUE, self.scope, dialect="postgres")
            return [tuple(row) for row in self.full.read(query).rows]
        except SqlRejected as error:
            return error

    def original(self, sql: str) -> list[tuple[object, ...]] | str:
        """The rows of the original where only the allowed rows and columns exist, or the engine's error."""
        try:
            with self.allowed.connect() as connection:
                found = connection.exec_driver_sql(sql.replace("public.", "").replace("%", "%%"))
                return [tuple(map(_number, row)) for row in found.fetchmany(1000)]
        except SQLAlchemyError as error:
            return str(error)


def build_postgres(url: str, scope: Scope = SCOPE) -> PostgresWorlds:
    """Both worlds on a server, in schemas that are made anew."""
    address = url.replace("postgresql://", "postgresql+psycopg://", 1)
    setup = create_engine(address)
    with setup.begin() as connection:
        run = connection.exec_driver_sql
        for schema in ("attacked", "allowed"):
            run(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
            run(f"CREATE SCHEMA {schema}")
        run("SET search_path = attacked")
        for statement in _SCRIPT.replace("REAL", "DOUBLE PRECISION").split(";"):
            if statement.strip():
                run(statement)
        for table in CATALOGUE.tables:
            shown = scope.tables.get(table.name)
            if shown is not None:
                names = [c.name for c in table.columns if c.name in shown.columns]
                listed = ", ".join(f"{_typed(table, name, shown)} AS {_quoted(name)}" for name in names)
                where = shown.rows or "TRUE"
                run(
                    f"CREATE TABLE allowed.{_quoted(table.name)} AS "
                    f"SELECT {listed} FROM {_quoted(table.name)} WHERE {where}"
                )
    setup.dispose()
    full, allowed = (
        create_engine(address, connect_args={"options": f"-csearch_path={schema}"})
        for schema in ("attacked", "allowed")
    )
    return PostgresWorlds(SqlDatabase(full, timeout_s=5), allowed, scope)


def _typed(table: Table, name: str, shown: TableScope) -> str:
    value = _value(table, name, shown)
    return value if value != "NULL" else "CAST(NULL AS DOUBLE PRECISION)"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _number(value: object) -> object:
    """A decimal as the reader gives it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    return value


def build(folder: Path, scope: Scope = SCOPE) -> Worlds:
    """Both worlds for a scope, in files below `folder`."""
    path = folder / "full.sqlite"
    full = sqlite3.connect(path)
    full.executescript(_SCRIPT)
    allowed = sqlite3.connect(":memory:")
    for table in CATALOGUE.tables:
        shown = scope.tables.get(table.name)
        if shown is None:
            continue
        declared = {row[1]: row[2] for row in full.execute(f'PRAGMA table_info("{table.name}")')}
        names = [c.name for c in table.columns if c.name in shown.columns]
        parts = [_value(table, name, shown) for name in names]
        rows = full.execute(f'SELECT {", ".join(parts)} FROM "{table.name}" WHERE {shown.rows or 1} ORDER BY rowid')
        definition = ", ".join(f'"{name}" {declared[name]}' for name in names)
        allowed.execute(f'CREATE TABLE "{table.name}" ({definition})')
        allowed.executemany(f'INSERT INTO "{table.name}" VALUES ({", ".join("?" * len(names))})', rows.fetchall())
    full.close()
    return Worlds(SqlDatabase(open_engine(f"sqlite:///{path}", read_only=True), timeout_s=5), allowed, scope)


def _value(table: Table, name: str, shown: TableScope) -> str:
    if shown.columns[name] == "visible":
        return f'"{name}"'
    column = table.column(name)
    return "'***'" if column is not None and column.type == "text" else "NULL"


def same(left: list[tuple[object, ...]], right: list[tuple[object, ...]]) -> bool:
    """True when two results hold the same rows, in any order, floats to nine digits."""
    return sorted(map(_row, left)) == sorted(map(_row, right))


def _row(row: tuple[object, ...]) -> str:
    return repr([round(value, 9) + 0.0 if isinstance(value, float) else value for value in row])
