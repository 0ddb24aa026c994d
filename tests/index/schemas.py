"""Generated schemas, rows and scopes for the guard's oracle, on SQLite and on PostgreSQL, from a seed.

A schema has three to five tables that refer to each other, with names that need quoting, all column types, NULLs, and
values that begin with SECRET wherever some scope hides them. Eight roles see different parts of it. For each role
there is a world that physically holds only the allowed rows and columns, masks in place.
"""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine, create_engine

from index.catalogue.model import Catalogue, Column, ColumnType, Table
from index.engine import open_engine
from index.errors import SqlRejected
from index.guard.guard import guard
from index.readers import Readers
from index.scope import Principal, Scope, TableScope, Visibility
from index.sql import SqlDatabase

ROLES = 8
LIMIT = 3000
TIMEOUT_S = 2.0
SLOW = "too slow"
SECRET = "SECRET"
_TABLE_NAMES = (
    "accounts",
    "Order Lines",
    "users",
    "Ledger",
    "events",
    "select",
    "notes",
    "stock",
    "price_list",
    "Group",
)
_COLUMN_NAMES = {
    "text": ("name", "region", "status", "e mail", "Phone", "note", "kind", "order", "city"),
    "integer": ("amount", "count_of", "rank", "Year", "level"),
    "number": ("total", "price", "unit price", "score"),
    "boolean": ("active", "paid"),
    "date": ("made_on", "Due"),
}
_WORDS = ("EMEA", "APAC", "open", "closed", "tent", "rope", "stove", "x", "Ann", "Bo", "", "O'Hara", "50%", "a_b")
_SQLITE = {"text": "TEXT", "integer": "INTEGER", "number": "REAL", "boolean": "INTEGER", "date": "TEXT"}
_POSTGRES = {"text": "TEXT", "integer": "BIGINT", "number": "DOUBLE PRECISION", "boolean": "BOOLEAN", "date": "DATE"}


def quote(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


@dataclass
class Made:
    """One generated table: its columns with their types (the first is its key), and its rows."""

    name: str
    columns: dict[str, ColumnType]
    rows: list[tuple[Any, ...]]
    refers: str = ""  # the table that its column `ref` points into

    @property
    def key(self) -> str:
        return next(iter(self.columns))


@dataclass
class Schema:
    """A generated schema with its roles."""

    seed: int
    dialect: str
    tables: dict[str, Made]
    catalogue: Catalogue
    roles: list[Scope] = field(default_factory=list)

    def visible(self, role: int) -> dict[str, dict[str, ColumnType]]:
        """The tables and columns that a role sees; a masked one is there too."""
        scope = self.roles[role]
        return {
            name: {c: made.columns[c] for c in made.columns if c in scope.tables[name].columns}
            for name, made in self.tables.items()
            if name in scope.tables
        }


def make(seed: int, dialect: str) -> Schema:
    """The schema of a seed."""
    chance = random.Random(seed)
    names = chance.sample(_TABLE_NAMES, chance.randint(3, 5))
    tables: dict[str, Made] = {}
    for at, name in enumerate(names):
        columns: dict[str, ColumnType] = {"id": chance.choice(["integer", "text"])}  # type: ignore[dict-item]
        refers = chance.choice(names[:at]) if at and chance.random() < 0.8 else ""
        if refers:
            columns["ref"] = tables[refers].columns["id"]
        for kind, choices in _COLUMN_NAMES.items():
            wanted = chance.randint(1, 3) if kind == "text" else chance.randint(0, 2)
            columns.update(dict.fromkeys(chance.sample(choices, min(wanted, len(choices))), kind))  # type: ignore[arg-type]
        made = Made(name, columns, [], refers)
        made.rows = [_row(chance, made, tables, number, dialect) for number in range(chance.randint(4, 9))]
        tables[name] = made
    catalogue = Catalogue(
        tuple(
            Table(name, name, tuple(Column(c, kind, c) for c, kind in made.columns.items()), key=("id",))
            for name, made in tables.items()
        )
    )
    schema = Schema(seed, dialect, tables, catalogue)
    schema.roles = [_role(chance, schema, number) for number in range(ROLES)]
    return schema


def _row(chance: random.Random, made: Made, tables: dict[str, Made], number: int, dialect: str) -> tuple[Any, ...]:
    values: list[Any] = []
    for name, kind in made.columns.items():
        if name == "id":
            values.append(number if kind == "integer" else f"K{number}")
        elif name == "ref":
            rows = tables[made.refers].rows
            values.append(chance.choice(rows)[0] if chance.random() < 0.85 else None)
        else:
            values.append(_value(chance, kind, dialect))
    return tuple(values)


def _value(chance: random.Random, kind: str, dialect: str) -> Any:
    if chance.random() < 0.15:
        return None
    if kind == "text":
        word = chance.choice(_WORDS)
        return f"{SECRET} {word}" if chance.random() < 0.4 else word
    if kind == "integer":
        return chance.randint(-3, 9)
    if kind == "number":
        return chance.randint(-8, 40) / 4  # quarters add up exactly in any order
    if kind == "boolean":
        truth = chance.random() < 0.5
        return truth if dialect == "postgres" else int(truth)
    return f"2026-0{chance.randint(1, 9)}-{chance.randint(10, 28)}"


def _role(chance: random.Random, schema: Schema, number: int) -> Scope:
    """One role: the first sees everything, the others random parts, one of them next to nothing."""
    tables: dict[str, TableScope] = {}
    for name, made in schema.tables.items():
        if number == 0:
            tables[name] = TableScope(dict.fromkeys(made.columns, "visible"))
            continue
        if (number == 7 and tables) or chance.random() < 0.12:
            continue
        levels: dict[str, Visibility] = {}
        for column in made.columns:
            roll = chance.random()
            if roll < 0.72:
                levels[column] = "visible"
            elif roll < 0.87:
                levels[column] = "masked"
        if levels:
            tables[name] = TableScope(levels, _rule(chance, schema, made) if chance.random() < 0.75 else "")
    return Scope(Principal(f"role {number}"), tables, frozenset())


def _rule(chance: random.Random, schema: Schema, made: Made) -> str:
    """A row rule over any column of the table, hidden ones too, or one that looks into the table it refers to."""
    if made.refers and chance.random() < 0.35:
        other = schema.tables[made.refers]
        inner = _condition(chance, other, "o.")
        return f"ref IN (SELECT o.id FROM {quote(other.name)} o WHERE {inner})"
    rule = _condition(chance, made, "")
    if chance.random() < 0.3:
        rule += f" {chance.choice(['OR', 'AND'])} {_condition(chance, made, '')}"
    return rule


def _condition(chance: random.Random, made: Made, prefix: str) -> str:
    column, kind = chance.choice([(c, k) for c, k in made.columns.items() if c != "id"] or [("id", "text")])
    name = prefix + quote(column)
    if chance.random() < 0.12:
        return f"{name} IS {chance.choice(['', 'NOT '])}NULL"
    if kind == "text":
        return chance.choice(
            [f"{name} NOT LIKE '{SECRET}%'", f"{name} = 'EMEA'", f"length({name}) > 3", f"{name} <> ''"]
        )
    if kind == "boolean":
        return f"{name} = {'TRUE' if made_true(chance) else 'FALSE'}"
    if kind == "date":
        return f"{name} >= '2026-05-01'"
    return f"{name} {chance.choice(['>', '<', '<=', '<>'])} {chance.randint(0, 5)}"


def made_true(chance: random.Random) -> bool:
    """Heads or tails."""
    return chance.random() < 0.5


class Oracle(Protocol):
    """The two worlds of one schema."""

    schema: Schema

    def guarded(self, sql: str, role: int) -> list[tuple[Any, ...]] | SqlRejected:
        """The guarded query on the full world."""
        ...

    def original(self, sql: str, role: int) -> list[tuple[Any, ...]] | str:
        """The original on the world of a role, or the engine's error."""
        ...


def _allowed_rows(schema: Schema, made: Made, shown: TableScope) -> tuple[list[str], list[str]]:
    """Names, and the expressions that give their values, masks in place."""
    names = [c for c in made.columns if c in shown.columns]
    kinds = _SQLITE if schema.dialect == "sqlite" else _POSTGRES
    parts = []
    for name in names:
        kind = made.columns[name]
        masked = "'***'" if kind == "text" else f"CAST(NULL AS {kinds[kind]})"
        parts.append(quote(name) if shown.columns[name] == "visible" else masked)
    return names, parts


class SqliteOracle:
    """Implements `Oracle` with files and memory."""

    def __init__(self, schema: Schema, folder: Path) -> None:
        self.schema = schema
        path = folder / f"full-{schema.seed}.sqlite"
        full = sqlite3.connect(path)
        for made in schema.tables.values():
            full.execute(f"CREATE TABLE {quote(made.name)} ({_definition(made.columns, _SQLITE)})")
            marks = ", ".join("?" * len(made.columns))
            full.executemany(f"INSERT INTO {quote(made.name)} VALUES ({marks})", made.rows)
        full.execute("CREATE TABLE vault (content TEXT)")
        full.execute(f"INSERT INTO vault VALUES ('{SECRET} gold')")
        full.commit()
        self.worlds = [self._world(full, scope) for scope in schema.roles]
        full.close()
        self.engine = open_engine(f"sqlite:///{path}", read_only=True)
        self.reader = SqlDatabase(self.engine, timeout_s=TIMEOUT_S)

    def _world(self, full: sqlite3.Connection, scope: Scope) -> sqlite3.Connection:
        world = sqlite3.connect(":memory:", check_same_thread=False)
        for name, shown in scope.tables.items():
            made = self.schema.tables[name]
            names, parts = _allowed_rows(self.schema, made, shown)
            world.execute(f"CREATE TABLE {quote(name)} ({_definition({c: made.columns[c] for c in names}, _SQLITE)})")
            rows = full.execute(
                f"SELECT {', '.join(parts)} FROM {quote(name)} WHERE {shown.rows or 1} ORDER BY rowid"
            ).fetchall()
            world.executemany(f"INSERT INTO {quote(name)} VALUES ({', '.join('?' * len(names))})", rows)
        return world

    def guarded(self, sql: str, role: int) -> list[tuple[Any, ...]] | SqlRejected:
        """The guarded query on everything."""
        return _guarded(self.reader, self.schema, sql, role)

    def original(self, sql: str, role: int) -> list[tuple[Any, ...]] | str:
        """The original on what the role sees."""
        world, deadline = self.worlds[role], time.monotonic() + TIMEOUT_S
        world.set_progress_handler(lambda: time.monotonic() > deadline, 20_000)
        try:
            return [tuple(row) for row in world.execute(sql).fetchmany(LIMIT + 1)]
        except sqlite3.Error as error:
            return SLOW if "interrupt" in str(error) else str(error)

    def close(self) -> None:
        """Let go of the files."""
        self.engine.dispose()
        for world in self.worlds:
            world.close()


class PostgresOracle:
    """Implements `Oracle` with schemas of one database: `full` and one for each role. With `readers` the guarded
    queries run as roles that can read what the scope shows."""

    def __init__(self, schema: Schema, url: str, *, readers: bool = False) -> None:
        self.schema = schema
        self.url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.prefix = f"s{schema.seed}"
        setup = create_engine(self.url)
        with setup.begin() as connection:
            run = connection.exec_driver_sql
            run(f"CREATE SCHEMA {self.prefix}_full")
            run(f"SET search_path = {self.prefix}_full")
            for made in schema.tables.values():
                run(f"CREATE TABLE {quote(made.name)} ({_definition(made.columns, _POSTGRES)})")
                marks = ", ".join(["%s"] * len(made.columns))
                run(f"INSERT INTO {quote(made.name)} VALUES ({marks})", made.rows)
            run("CREATE TABLE vault (content TEXT)")
            for number, scope in enumerate(schema.roles):
                run(f"CREATE SCHEMA {self.prefix}_{number}")
                for name, shown in scope.tables.items():
                    names, parts = _allowed_rows(schema, schema.tables[name], shown)
                    listed = ", ".join(f"{p} AS {quote(n)}" for p, n in zip(parts, names, strict=True))
                    run(
                        f"CREATE TABLE {self.prefix}_{number}.{quote(name)} AS SELECT {listed} FROM {quote(name)} "
                        f"WHERE {shown.rows or 'TRUE'}".replace("%", "%%")
                    )
        setup.dispose()
        self.engine = self._at("full")
        self.readers = Readers(self.engine) if readers else None
        self.reader = SqlDatabase(self.engine, timeout_s=TIMEOUT_S, readers=self.readers)
        self.engines: list[Engine] = [self._at(str(number)) for number in range(ROLES)]

    def _at(self, name: str) -> Engine:
        options = {"options": f"-csearch_path={self.prefix}_{name} -cstatement_timeout={int(TIMEOUT_S * 1000)}"}
        return create_engine(self.url, connect_args=options, pool_size=1)

    def guarded(self, sql: str, role: int) -> list[tuple[Any, ...]] | SqlRejected:
        """The guarded query on everything."""
        return _guarded(self.reader, self.schema, sql, role)

    def original(self, sql: str, role: int) -> list[tuple[Any, ...]] | str:
        """The original on what the role sees."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self.engines[role].connect() as connection:
                found = connection.exec_driver_sql(sql.replace("%", "%%"))
                return [tuple(row) for row in found.fetchmany(LIMIT + 1)]
        except SQLAlchemyError as error:
            return SLOW if "statement timeout" in str(error) else str(error)

    def slipped(self, sql: str, role: int) -> list[tuple[Any, ...]] | str:
        """The original on everything, as if the guard had let it through as it is; only with `readers`."""
        from sqlalchemy.exc import SQLAlchemyError

        assert self.readers is not None
        shown = guard("SELECT 1 AS one", self.schema.catalogue, self.schema.roles[role], dialect="postgres")
        reader = self.readers.of(shown.views)
        try:
            with self.engine.connect() as connection, connection.begin() as transaction:
                self.readers.enter(connection, reader)
                found = connection.exec_driver_sql(sql.replace("%", "%%"))
                rows = [tuple(row) for row in found.fetchmany(LIMIT + 1)]
                transaction.rollback()
                return rows
        except SQLAlchemyError as error:
            return SLOW if "statement timeout" in str(error) else str(error)

    def close(self) -> None:
        """Drop the schemas, and let go of the connections."""
        for engine in self.engines:
            engine.dispose()
        if self.readers is not None:
            self.readers.remove(before=dt.date.max)
        with self.engine.begin() as connection:
            for name in ("full", *map(str, range(ROLES))):
                connection.exec_driver_sql(f"DROP SCHEMA {self.prefix}_{name} CASCADE")
        self.engine.dispose()


def _guarded(reader: SqlDatabase, schema: Schema, sql: str, role: int) -> list[tuple[Any, ...]] | SqlRejected:
    try:
        query = guard(sql, schema.catalogue, schema.roles[role], dialect=schema.dialect, limit=LIMIT)
        return [tuple(row) for row in reader.read(query).rows]
    except SqlRejected as error:
        return error


def _definition(columns: dict[str, ColumnType], kinds: dict[str, str]) -> str:
    return ", ".join(f"{quote(name)} {kinds[kind]}" for name, kind in columns.items())


@contextmanager
def oracle(
    seed: int, dialect: str, place: Path | str, *, readers: bool = False
) -> Iterator[SqliteOracle | PostgresOracle]:
    """The worlds of a seed, in a folder or on a server, for the time of the block."""
    schema = make(seed, dialect)
    found: SqliteOracle | PostgresOracle
    if dialect == "sqlite":
        found = SqliteOracle(schema, Path(place))
    else:
        found = PostgresOracle(schema, str(place), readers=readers)
    try:
        yield found
    finally:
        found.close()


def canonical(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """Rows in a form that two results can be compared in: any order, floats to nine digits, dates as text."""
    return sorted(repr([_plain(value) for value in row]) for row in rows)


def _plain(value: Any) -> Any:
    from decimal import Decimal

    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (float, Decimal)):
        number = round(float(value), 9) + 0.0
        return int(number) if number.is_integer() else number
    if isinstance(value, (int, str)) or value is None:
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
