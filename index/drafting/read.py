"""Introspection: what a database says of its tables, and a sample of what is in them."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SAWarning, SQLAlchemyError

from index.errors import NotFoundError, StorageError
from index.store.schema import HASH, KEY, ORIGIN
from index.store.tables import READER, stored_tables

SAMPLE = 400
LARGE = 100_000  # rows up to which whole columns are read for values and ranges
MAX_VALUES = 200
_OURS = {KEY, HASH, ORIGIN}


@dataclass
class RawColumn:
    """A column as found: its declared type and sampled values, without nulls."""

    name: str
    declared: str
    sample: list[Any] = field(default_factory=list)


@dataclass
class RawTable:
    """A table as found. `foreign` are declared foreign keys: (columns, table, columns there)."""

    name: str
    columns: list[RawColumn]
    key: tuple[str, ...] = ()
    foreign: list[tuple[tuple[str, ...], str, tuple[str, ...]]] = field(default_factory=list)
    rows: int = 0
    source: str = ""
    types: Mapping[str, str] = field(default_factory=dict)
    schema: str = ""

    @property
    def own_name(self) -> str:
        """The name without its schema."""
        return self.name.removeprefix(f"{self.schema}.") if self.schema else self.name

    def column(self, name: str) -> RawColumn | None:
        """The column of that name in any case, or None."""
        return next((c for c in self.columns if c.name.lower() == name.lower()), None)


class Reader:
    """Reads one database for drafting, over one connection; use it as a context manager."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._sqlite = engine.dialect.name == "sqlite"
        self._quote = engine.dialect.identifier_preparer.quote_identifier

    def __enter__(self) -> Reader:
        try:
            self._connection = self._engine.connect()
        except SQLAlchemyError as error:
            where = self._engine.url.render_as_string(hide_password=True)
            raise StorageError(f"the database {where} cannot be opened: {_reason(error)}") from error
        if self._sqlite:
            raw: Any = self._connection.connection.driver_connection
            self._text_factory = raw.text_factory
            raw.text_factory = _text
        return self

    def __exit__(self, *_: object) -> None:
        if self._sqlite:
            raw: Any = self._connection.connection.driver_connection
            raw.text_factory = self._text_factory
        self._connection.close()

    def tables(self, names: Sequence[str] | None, keys: Mapping[str, Sequence[str]]) -> list[RawTable]:
        """The tables (or `names`, which may be views) with their columns, keys and a sample.

        Without `names`, views are taken only where there is no table. Raises `NotFoundError` for an unknown name,
        `StorageError` when the file is no database.
        """
        try:
            found = self._names(names)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SAWarning)  # a type that SQLAlchemy does not know is read as text
                tables = self._from_sqlite(found) if self._sqlite else self._from_inspector(found)
        except SQLAlchemyError as error:
            raise StorageError(f"the database cannot be read: {_reason(error)}", hint="is it a database?") from error
        stored = {}
        with suppress(SQLAlchemyError):
            stored = stored_tables(self._connection) if self._has("_tower_meta") else {}
        for table in tables:
            known = stored.get(table.name)
            if known is not None:
                table.source, table.types = known.source, {c.name: c.type for c in known.columns}
            hint = keys.get(table.name) or (known.key if known else ())
            if hint and all(table.column(c) for c in hint):
                table.key = tuple(hint)
            table.columns = [c for c in table.columns if c.name not in _OURS]
            table.key = () if set(table.key) & _OURS else table.key
            self._sample(table)
        return [table for table in tables if table.columns]

    def schema(self) -> dict[str, tuple[str, ...]]:
        """Every table and view with its columns."""
        names = [*self._all("table"), *self._all("view")]
        tables = self._from_sqlite(names) if self._sqlite else self._from_inspector(names)
        return {t.name: tuple(c.name for c in t.columns) for t in tables}

    def values(self, table: RawTable, column: str) -> list[Any] | None:
        """The distinct values of a column, or None where there are more than `MAX_VALUES`."""
        name = self._quote(column)
        rows = self.query(
            f"SELECT DISTINCT {name} FROM {self._scan(table, name)} WHERE {name} IS NOT NULL LIMIT {MAX_VALUES + 1}"
        )
        return [row[0] for row in rows] if len(rows) <= MAX_VALUES else None

    def ranges(self, table: RawTable, columns: Sequence[str]) -> dict[str, tuple[Any, Any]]:
        """Smallest and largest value of each column."""
        if not columns:
            return {}
        names = [self._quote(c) for c in columns]
        parts = ", ".join(f"MIN({n}), MAX({n})" for n in names)
        rows = self.query(f"SELECT {parts} FROM {self._scan(table, ', '.join(names))}")
        return {c: (rows[0][2 * at], rows[0][2 * at + 1]) for at, c in enumerate(columns)} if rows else {}

    def distinct(self, table: RawTable, columns: Sequence[str]) -> bool:
        """True when no two of (at most `LARGE`) rows agree in `columns` and none is null there."""
        names = ", ".join(self._quote(c) for c in columns)
        scan = self._scan(table, names)
        empty = " OR ".join(f"{self._quote(c)} IS NULL" for c in columns)
        rows = self.query(
            f"SELECT (SELECT COUNT(*) FROM {scan}), (SELECT COUNT(*) FROM (SELECT DISTINCT {names} FROM {scan}) AS d),"
            f" (SELECT COUNT(*) FROM {scan} WHERE {empty})"
        )
        return bool(rows) and rows[0][0] == rows[0][1] > 0 == rows[0][2]

    def included(self, left: RawTable, column: str, right: RawTable, key: str) -> float | None:
        """The share of (up to 100) values of `left.column` found in `right.key`; None when `left` has none."""
        name, target = self._quote(column), self._quote(key)
        values = f"SELECT DISTINCT {name} AS v FROM {self._table(left)} WHERE {name} IS NOT NULL LIMIT 100"
        found = f"SELECT {target} FROM {self._table(right)}"
        rows = self.query(f"SELECT COUNT(*), SUM(CASE WHEN v IN ({found}) THEN 1 ELSE 0 END) FROM ({values}) AS s")
        return rows[0][1] / rows[0][0] if rows and rows[0][0] else None

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query of ours; no rows where the engine does not take it (a comparison of unlike types)."""
        try:
            result = self._connection.exec_driver_sql(sql if self._sqlite else sql.replace("%", "%%"))
            return [tuple(row) for row in result]
        except (SQLAlchemyError, sqlite3.Error):
            self._connection.rollback()
            return []

    def _scan(self, table: RawTable, names: str) -> str:
        name = self._table(table)
        return name if table.rows <= LARGE else f"(SELECT {names} FROM {name} LIMIT {LARGE}) AS scan"

    def _table(self, table: RawTable) -> str:
        schema, name = (None, table.name) if self._sqlite else _split(table.name)
        return f"{self._quote(schema)}.{self._quote(name)}" if schema else self._quote(name)

    def _names(self, wanted: Sequence[str] | None) -> list[str]:
        tables = self._all("table")
        if wanted is None:
            return tables or self._all("view")
        known = {name.lower(): name for name in (*self._all("view"), *tables)}
        for name in wanted:
            if name.lower() not in known:
                listed = ", ".join(sorted(known.values())[:20])
                raise NotFoundError(f"the database has no table {name!r}", hint=f"it has {listed}")
        return [known[name.lower()] for name in wanted]

    def _all(self, kind: str) -> list[str]:
        if self._sqlite:
            sql = f"SELECT name FROM sqlite_master WHERE type = '{kind}' ORDER BY rowid"
            names = [str(row[0]) for row in self._connection.exec_driver_sql(sql)]
        else:
            names = []
            inspector = sa.inspect(self._connection)
            for schema in self._schemas(inspector):
                read = inspector.get_table_names if kind == "table" else inspector.get_view_names
                names += [f"{schema}.{name}" if schema else name for name in read(schema=schema)]
        return [name for name in names if not name.startswith(("_tower_", "sqlite_"))]

    def _schemas(self, inspector: sa.Inspector) -> list[str | None]:
        """The default schema as None, then every other one that is not the engine's own."""
        default = inspector.default_schema_name
        own = {default, "information_schema", "sys", "mysql", "performance_schema"}
        return [None, *(n for n in inspector.get_schema_names() if n not in own and not n.startswith(("pg_", READER)))]

    def _has(self, name: str) -> bool:
        return bool(sa.inspect(self._connection).has_table(name))

    def _from_sqlite(self, names: Iterable[str]) -> list[RawTable]:
        # SQLite's own pragmas read any schema, also one with types and references that SQLAlchemy stumbles over.
        tables = []
        for name in names:
            quoted = self._quote(name)
            info = list(self._connection.exec_driver_sql(f"PRAGMA table_info({quoted})"))
            references: dict[int, list[Any]] = {}
            for row in self._connection.exec_driver_sql(f"PRAGMA foreign_key_list({quoted})"):
                references.setdefault(row[0], []).append(row)
            tables.append(
                RawTable(
                    name,
                    [RawColumn(str(row[1]), str(row[2] or "").upper()) for row in info],
                    tuple(str(row[1]) for row in sorted((r for r in info if r[5]), key=lambda r: int(r[5]))),
                    [
                        (tuple(r[3] for r in rows), rows[0][2], tuple(r[4] for r in rows if r[4] is not None))
                        for rows in (sorted(group, key=lambda r: int(r[1])) for group in references.values())
                    ],
                )
            )
        return tables

    def _from_inspector(self, names: Iterable[str]) -> list[RawTable]:
        inspector = sa.inspect(self._connection)
        tables = []
        for full in names:
            schema, name = _split(full)
            foreign = [
                (tuple(f["constrained_columns"]), _joined(f["referred_schema"], f["referred_table"]),
                 tuple(f["referred_columns"]))
                for f in inspector.get_foreign_keys(name, schema=schema)
            ]  # fmt: skip
            columns = [RawColumn(c["name"], str(c["type"]).upper()) for c in inspector.get_columns(name, schema=schema)]
            key = tuple(inspector.get_pk_constraint(name, schema=schema).get("constrained_columns") or ())
            tables.append(RawTable(full, columns, key, foreign, schema=schema or ""))
        return tables

    def _sample(self, table: RawTable) -> None:
        counted = self.query(f"SELECT COUNT(*) FROM {self._table(table)}")
        table.rows = int(counted[0][0]) if counted else 0
        names = ", ".join(self._quote(c.name) for c in table.columns)
        rows = self.query(f"SELECT {names} FROM {self._table(table)} LIMIT {SAMPLE}") if names else []
        for at, column in enumerate(table.columns):
            column.sample = [row[at] for row in rows if row[at] is not None]


def _split(name: str) -> tuple[str | None, str]:
    schema, _, last = name.rpartition(".")
    return schema or None, last


def _joined(schema: str | None, name: str) -> str:
    return f"{schema}.{name}" if schema else name


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def _reason(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]


def database_schema(engine: sa.Engine) -> dict[str, tuple[str, ...]]:
    """Every table and view of a database with its columns, as `check_against` takes it."""
    with Reader(engine) as reader:
        return reader.schema()
