"""The SQL index, reading side: guarded queries in, rows out. The only other door is `index.store.store`, which writes.

A `SqlDatabase` may also be a foreign database that is asked in place.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from index.errors import SqlRejected, StorageError
from index.stages import stage

if TYPE_CHECKING:  # the parser takes a while to load, and not every command has SQL to run
    from index.guard.guard import GuardedQuery
    from index.readers import Readers

Value = str | int | float | bool | None | dt.date | dt.datetime | Decimal | bytes
BINARY = "<binary>"
_STEPS = 20_000  # SQLite instructions between two looks at the clock: about a millisecond
_NAME = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|:([A-Za-z_]\w*)|:""")
_MAX_VALUE = 32_000_000  # bytes of one text in SQLite: a query cannot fill the memory by doubling a string
_HEAP = 1 << 30  # bytes that SQLite may take in this process; sorts and groups that need more fail, and nothing else
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: _MAX_VALUE,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_REPAIRS = 2  # how often what a query reads may be lacking for its reader, and is made good
_RECURSIVE = 33  # SQLITE_RECURSIVE, which the sqlite3 module does not name


@dataclass(frozen=True)
class Rows:
    """A result set. `truncated` says that the engine had more rows than the guard's limit let through."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    truncated: bool = False


class SqlReader(Protocol):
    """Runs guarded queries. Raises `StorageError` when the engine fails, `SqlRejected` on a bad parameter."""

    @property
    def dialect(self) -> str:
        """The guard's name of the database's dialect."""
        ...

    def read(self, query: GuardedQuery, parameters: Mapping[str, Value] | None = None) -> Rows:
        """Run `query` read-only, with named parameters, within a time limit."""
        ...

    def accepts(self, query: GuardedQuery) -> bool:
        """True where the engine can run `query`, of which nothing is run."""
        ...


class SqlDatabase:
    """A SQLAlchemy engine that runs guarded queries and nothing else. Safe to share between threads.

    Under the guard stands the engine's own protection. SQLite: `query_only`, an authorizer that knows only the tables
    and columns of the query, limits on the length of a value and on the heap, and a progress handler that stops it
    after `timeout_s` seconds. PostgreSQL: a read-only transaction with a `statement_timeout`; with `readers` it runs as
    a role that can read what the scope of the query shows, and nothing else.

    Decimals come back as floats (as integers where they have no decimal places), binary values as `<binary>`, dates
    and times as ISO text, text that does not decode with replacement characters.
    """

    def __init__(self, engine: Engine, *, timeout_s: float = 10, readers: Readers | None = None) -> None:
        self.engine = engine
        self.readers = readers
        self.timeout_s = timeout_s

    @cached_property
    def dialect(self) -> str:
        """The guard's name of the engine's dialect."""
        from index.guard.dialects import canonical

        return canonical(self.engine.dialect.name)

    def read(self, query: GuardedQuery, parameters: Mapping[str, Value] | None = None) -> Rows:
        """Run `query` and return at most `query.limit` rows.

        Raises `SqlRejected` for a missing parameter, a time-out or SQL that the engine does not accept,
        `StorageError` when the database cannot be read.
        """
        from index.guard.guard import GuardedQuery

        if not isinstance(query, GuardedQuery) or not query.sealed:
            raise TypeError("only a query that index.guard.guard.guard made may run")
        if query.dialect != self.dialect:
            raise SqlRejected(f"the query was guarded for {query.dialect}, but the database is {self.dialect}")
        values = _bind(query.sql, parameters or {})
        run = self._read_sqlite if self.dialect == "sqlite" else self._read_other
        with stage("sql") as mark:
            columns, rows = run(query, values)
            mark.note(rows=min(len(rows), query.limit))
        kept = tuple(tuple(plain(value) for value in row) for row in rows[: query.limit])
        return Rows(query.columns or columns, kept, truncated=len(rows) > query.limit)

    def accepts(self, query: GuardedQuery) -> bool:
        """True where the engine takes `query`, without parameters: its names and types hold. Nothing is run.

        SQLite, which checks no types, accepts what the guard lets through.
        """
        if self.dialect == "sqlite":
            return True
        try:
            self._read_other(query, _bind(query.sql, {}), explain=True)
        except SqlRejected:
            return False
        return True

    def _read_sqlite(
        self, query: GuardedQuery, values: dict[str, Value]
    ) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
        started = time.monotonic()
        try:
            raw = self.engine.raw_connection()
        except SQLAlchemyError as error:
            raise StorageError(f"the database cannot be opened: {_reason(error)}") from error
        try:
            connection: sqlite3.Connection = raw.driver_connection  # type: ignore[assignment]
            with _confined(connection, query, started + self.timeout_s):
                cursor = connection.execute(query.sql, {k: _sqlite_value(v) for k, v in values.items()})
                try:
                    columns = tuple(item[0] for item in cursor.description)
                    return columns, cursor.fetchmany(query.limit + 1)
                finally:
                    cursor.close()
        except sqlite3.Error as error:
            if time.monotonic() - started >= self.timeout_s and "interrupt" in str(error):
                raise _too_slow(self.timeout_s) from error
            raise _sqlite_error(error) from error
        except MemoryError as error:
            raise SqlRejected("the query needs too much memory", hint="ask about less at a time") from error
        except (OverflowError, ValueError) as error:
            raise SqlRejected(f"a parameter does not fit the database: {error}") from error
        finally:
            raw.close()

    def _read_other(
        self, query: GuardedQuery, values: dict[str, Value], *, explain: bool = False
    ) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
        if self.readers is None:
            return self._run(query, values, explain)
        reader = self.readers.of(query.views)
        for _ in range(_REPAIRS):
            try:
                return self._run(query.through(reader), values, explain, reader)
            except _Lacking:  # a table was made anew, or the reader was removed
                reader = self.readers.make(query.views)
        return self._run(query.through(reader), values, explain, reader)

    def _run(
        self, query: GuardedQuery, values: dict[str, Value], explain: bool, reader: str = ""
    ) -> tuple[tuple[str, ...], list[Sequence[Any]]]:
        # A colon that is no parameter is escaped for SQLAlchemy, which would also look inside strings.
        sql = _NAME.sub(lambda m: m[0] if m[1] else m[0].replace(":", r"\:"), query.sql)
        statement = text(f"EXPLAIN {sql}" if explain else sql)
        try:
            with self.engine.connect() as connection, connection.begin() as transaction:
                connection.execute(text("SET TRANSACTION READ ONLY"))
                connection.execute(text(f"SET LOCAL statement_timeout = {int(self.timeout_s * 1000)}"))
                if self.readers is not None:
                    self.readers.enter(connection, reader)
                result = connection.execute(statement, values)
                columns, rows = tuple(result.keys()), [tuple(row) for row in result.fetchmany(query.limit + 1)]
                transaction.rollback()
                return columns, rows  # type: ignore[return-value]
        except SQLAlchemyError as error:
            reason = _reason(error)
            if "statement timeout" in reason:
                raise _too_slow(self.timeout_s) from error
            if self.readers is not None and self.readers.lacks(error):
                raise _Lacking(f"the database does not accept the SQL: {reason}") from error
            if getattr(error, "connection_invalidated", False) or "connect" in reason:
                raise StorageError(f"the database cannot be read: {reason}") from error
            raise SqlRejected(f"the database does not accept the SQL: {reason}") from error


class _Lacking(SqlRejected):
    """Something that the query reads is not there for its reader."""


@contextmanager
def _confined(connection: sqlite3.Connection, query: GuardedQuery, deadline: float) -> Iterator[None]:
    """Let the connection read what `query` may read until `deadline`, then give it back as it was."""
    text_factory = connection.text_factory
    connection.execute(f"PRAGMA hard_heap_limit = {_HEAP}")
    writable = connection.execute("PRAGMA query_only").fetchone()[0] == 0
    if writable:
        connection.execute("PRAGMA query_only = ON")
    connection.text_factory = _text
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    connection.set_authorizer(_authorizer(query))
    before = {limit: connection.setlimit(limit, most) for limit, most in _LIMITS.items()}
    try:
        yield
    finally:
        for limit, most in before.items():
            connection.setlimit(limit, most)
        connection.set_authorizer(None)
        connection.set_progress_handler(None, 0)
        connection.text_factory = text_factory
        if writable:
            connection.execute("PRAGMA query_only = OFF")


def _authorizer(query: GuardedQuery) -> Callable[..., int]:
    """SQLite's own check: selects and functions, and only the tables and columns that the guard wrote into the query.

    A view is in the list by its own name, and what it reads carries that name as its origin.
    """
    allowed = {table.lower(): {c.lower() for c in columns} for table, columns in query.reads}

    def authorize(action: int, first: str | None, second: str | None, db: str | None, origin: str | None) -> int:
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, _RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            if db is None:  # a subquery or a common table expression, not a table
                return sqlite3.SQLITE_OK
            columns = allowed.get((first or "").lower())
            if columns is not None and (not second or second.lower() in columns):
                return sqlite3.SQLITE_OK
            if origin is not None and origin.lower() in allowed:
                return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    return authorize


def _bind(sql: str, parameters: Mapping[str, Value]) -> dict[str, Value]:
    names = {match[1] for match in _NAME.finditer(sql) if match[1]}
    missing = sorted(names - parameters.keys())
    if missing:
        raise SqlRejected(f"the query needs a value for :{missing[0]}")
    return {name: parameters[name] for name in names}


def _sqlite_value(value: Value) -> str | int | float | bytes | None:
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def plain(value: Any) -> Value:
    """A driver's value as `SqlDatabase` gives it."""
    if isinstance(value, Decimal):
        whole = value.is_finite() and value.as_tuple().exponent == 0
        return int(value) if whole else float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return BINARY
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, list | dict | tuple):  # arrays and JSON of PostgreSQL
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def _sqlite_error(error: sqlite3.Error) -> SqlRejected | StorageError:
    code = getattr(error, "sqlite_errorcode", 1) & 0xFF
    if code in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE):
        return SqlRejected(f"the database does not accept the SQL: {error}")
    if code in (sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY):
        return SqlRejected("the query reads something that the catalogue does not list")
    if code == sqlite3.SQLITE_INTERRUPT:
        return SqlRejected("the query was stopped")
    return StorageError(f"the database cannot be read: {error}", hint="check the disk and the file")


def _too_slow(seconds: float) -> SqlRejected:
    return SqlRejected(f"the query took longer than {seconds:g} s and was stopped", hint="ask about less at a time")


def _reason(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]
