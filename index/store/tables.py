"""The typed data tables of the SQL index: their making, their evolution, and the difference that a sync writes.

What a table looks like is kept in `_tower_meta` under `table:<name>`, so that no type has to be guessed back from
the database.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from index.catalogue.model import ColumnType
from index.errors import SourceError
from index.store.base import alone
from index.store.schema import HASH, KEY, ORIGIN
from index.store.schema import meta as meta_table

if TYPE_CHECKING:
    from index.forgetting.suppression import Suppression

Cell = str | int | float | bool | None | dt.date | dt.datetime
BATCH = 500
_RESERVED = ("_tower_", "sqlite_", "pg_")
READER = "tower_reader_"  # what the names of readers begin with: roles, and schemas of views (`index.readers`)


@dataclass(frozen=True)
class DataColumn:
    """One column of a data table: its name and its catalogue type."""

    name: str
    type: ColumnType


@dataclass(frozen=True)
class DataTable:
    """One data table: who fills it, its columns in order, and the columns that make its key (empty: the content)."""

    name: str
    source: str
    columns: tuple[DataColumn, ...]
    key: tuple[str, ...] = ()


class DataRow(NamedTuple):
    """One row to write: `key` is `_key`, `origin` is `_origin`, `values` stand in the order of the table's columns."""

    key: str
    origin: str
    values: tuple[Cell, ...]

    def hash(self) -> str:
        """The hash of the row's content, 32 hexadecimal digits. Empty cells at the end do not count, so that a column
        that comes later leaves the rows that have nothing in it as they were."""
        filled = len(self.values)
        while filled and self.values[filled - 1] is None:
            filled -= 1
        content = repr(self.values[:filled])
        return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Changes:
    """What a write did: rows written, rows found as they already were, rows removed."""

    loaded: int = 0
    unchanged: int = 0
    deleted: int = 0

    def __add__(self, other: Changes) -> Changes:
        return Changes(self.loaded + other.loaded, self.unchanged + other.unchanged, self.deleted + other.deleted)


def sql_type(kind: ColumnType) -> TypeEngine[Any]:
    """The SQL type of a catalogue type; on SQLite dates and times are ISO text without fractions of a second."""
    iso_time: TypeEngine[Any] = sqlite.DATETIME(truncate_microseconds=True)  # type: ignore[no-untyped-call]
    types: dict[str, TypeEngine[Any]] = {
        "integer": sa.BigInteger(),
        "number": sa.Float(),
        "text": sa.Text(),
        "date": sa.Date(),
        "datetime": sa.DateTime().with_variant(iso_time, "sqlite"),
        "boolean": sa.Boolean(),
    }
    return types[kind]


def sql_table(table: DataTable) -> sa.Table:
    """`table` as a SQLAlchemy table of its own metadata."""
    columns: list[sa.Column[Any]] = [sa.Column(c.name, sql_type(c.type)) for c in table.columns]
    return sa.Table(
        table.name,
        sa.MetaData(),
        sa.Column(KEY, sa.String, primary_key=True),
        sa.Column(HASH, sa.String, nullable=False),
        sa.Column(ORIGIN, sa.Text, nullable=False),
        *columns,
    )


def stored_tables(connection: sa.Connection) -> dict[str, DataTable]:
    """Every data table by name, as last written."""
    query = sa.select(meta_table.c.name, meta_table.c.value).where(meta_table.c.name.like("table:%"))
    found = (_from_json(name.removeprefix("table:"), value) for name, value in connection.execute(query))
    return {table.name: table for table in sorted(found, key=lambda t: t.name)}


def stored_table(connection: sa.Connection, name: str) -> DataTable | None:
    """The data table of that name as last written, or None."""
    value = connection.scalar(sa.select(meta_table.c.value).where(meta_table.c.name == f"table:{name}"))
    return None if value is None else _from_json(name, value)


def put_table(connection: sa.Connection, table: DataTable) -> DataTable:
    """Create `table`, or bring the stored one to its columns; returns it as it now stands.

    New columns are added in place. A column that the source no longer has stays (its values become null), so that a
    catalogue that names it still holds. Where a type changed the table is made anew, and its rows must be written
    again. Raises `SourceError` when the name is reserved or another source fills that table.
    """
    if table.name.lower().startswith(_RESERVED):
        raise SourceError(f"the table name {table.name!r} is reserved", hint="give the table another name")
    stored = stored_table(connection, table.name)
    if stored is not None and stored.source != table.source:
        raise SourceError(
            f"table {table.name!r} of source {table.source!r} is already filled by source {stored.source!r}",
            hint="give one of the two another name under `tables:` in tower.yaml",
        )
    if stored is None:
        sql_table(table).create(connection)
        _create_indexes(connection, table, table.columns)
        return _remember(connection, table)
    return _evolve(connection, stored, table)


def _evolve(connection: sa.Connection, stored: DataTable, table: DataTable) -> DataTable:
    wanted = {c.name: c for c in table.columns}
    kept = tuple(wanted.get(c.name, c) for c in stored.columns)
    names = {c.name for c in stored.columns}
    added = tuple(c for c in table.columns if c.name not in names)
    merged = DataTable(table.name, table.source, kept + added, table.key)
    if kept != stored.columns:
        _drop(connection, sql_table(stored))
        sql_table(merged).create(connection)
        _create_indexes(connection, merged, merged.columns)
    else:
        quote = connection.dialect.identifier_preparer.quote
        for column in added:
            kind = sql_type(column.type).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {quote(table.name)} ADD COLUMN {quote(column.name)} {kind}")
        _create_indexes(connection, merged, added)
    return merged if merged == stored else _remember(connection, merged)


def drop_table(connection: sa.Connection, name: str) -> int:
    """Drop a data table and what is remembered of it; returns how many rows it had."""
    stored = stored_table(connection, name)
    if stored is None:
        return 0
    table = sql_table(stored)
    rows = connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
    _drop(connection, table)
    connection.execute(sa.delete(meta_table).where(meta_table.c.name == f"table:{name}"))
    return rows


def _drop(connection: sa.Connection, table: sa.Table) -> None:
    """Drop a table, and the views of it that readers have: they are made anew when somebody reads."""
    if connection.dialect.name == "postgresql":
        quote = connection.dialect.identifier_preparer.quote_identifier
        alone(connection, "readers")  # nobody makes another view of it before it is gone
        views = sa.text(
            "SELECT DISTINCT n.nspname, v.relname FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid "
            "JOIN pg_class v ON v.oid = r.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace "
            "WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass "
            "AND d.refobjid = to_regclass(:table) AND n.nspname LIKE :like ORDER BY 1, 2"
        )
        like = READER.replace("_", r"\_") + "%"
        for schema, view in connection.execute(views, {"table": quote(table.name), "like": like}).all():
            connection.exec_driver_sql(f"DROP VIEW {schema}.{quote(view)}".replace("%", "%%"))
    table.drop(connection)


class RowWriter:
    """Writes the rows of one data table as a difference: new and changed rows in, the vanished ones out. A row of
    somebody forgotten is not written, and counts as unchanged."""

    def __init__(self, connection: sa.Connection, table: DataTable, suppression: Suppression) -> None:
        self._connection = connection
        self._described = table
        self._suppression = suppression
        self._table = sql_table(table)
        self._names = tuple(c.name for c in table.columns)
        query = sa.select(self._table.c[KEY], self._table.c[HASH], self._table.c[ORIGIN])
        self._held = {key: (content, origin) for key, content, origin in connection.execute(query)}

    def upsert(self, rows: Iterable[DataRow]) -> Changes:
        """Write what is new or different. The caller gives each key once."""
        total = Changes()
        remaining = iter(rows)
        while batch := list(islice(remaining, 5_000)):
            total += self._upsert(batch)
        return total

    def _upsert(self, rows: Sequence[DataRow]) -> Changes:
        fresh: list[tuple[Cell, ...]] = []
        replaced: list[str] = []
        kept = self._suppression.kept(self._described, rows)
        if len(kept) < len(rows):
            self._drop({row.key for row in rows} - {row.key for row in kept})
        for row in kept:
            content = row.hash()
            held = self._held.get(row.key)
            if held == (content, row.origin):
                continue
            if held is not None:
                replaced.append(row.key)
            fresh.append((row.key, content, row.origin, *row.values))
            self._held[row.key] = (content, row.origin)
        self._delete(replaced)
        if fresh:
            self._insert(fresh)
        return Changes(loaded=len(fresh), unchanged=len(rows) - len(fresh))

    def _insert(self, rows: Sequence[tuple[Cell, ...]]) -> None:
        insert_rows(self._connection, self._table, rows)

    def keys_from(self, origins: Collection[str]) -> set[str]:
        """The keys of the held rows that came from one of `origins`."""
        return {key for key, (_, origin) in self._held.items() if origin in origins}

    def holds(self, row: DataRow) -> bool:
        """True where exactly this content is held under the row's key, or would not be written."""
        held, _ = self._held.get(row.key, ("", ""))
        return all(held == kept.hash() for kept in self._suppression.kept(self._described, [row]))

    def delete_missing(self, keep: set[str] | frozenset[str]) -> Changes:
        """Remove the rows whose key is not in `keep`."""
        return Changes(deleted=self._drop([key for key in self._held if key not in keep]))

    def _drop(self, keys: Iterable[str]) -> int:
        gone = [key for key in keys if key in self._held]
        self._delete(gone)
        for key in gone:
            del self._held[key]
        return len(gone)

    def _delete(self, keys: Sequence[str]) -> None:
        for batch in batches(keys):
            self._connection.execute(sa.delete(self._table).where(self._table.c[KEY].in_(batch)))


def insert_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Cell, ...]], names: Sequence[str] = ()
) -> None:
    """Insert rows whose values stand in the order of `names`, by default the table's columns."""
    if not rows:
        return
    wanted = list(names) or [c.name for c in table.columns]
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows, wanted)
        return
    if connection.dialect.name != "sqlite":
        connection.execute(sa.insert(table), [dict(zip(wanted, row, strict=True)) for row in rows])
        return
    # SQLAlchemy's own way to SQLite takes three times as long, and a first load is mostly this.
    dated = [n for n, name in enumerate(wanted) if isinstance(table.c[name].type, sa.Date | sa.DateTime)]
    insert = sa.insert(table).values(dict.fromkeys(wanted))
    statement = str(insert.compile(dialect=connection.dialect, column_keys=wanted))
    connection.exec_driver_sql(statement, [_with_text(row, dated) for row in rows])


def _copy(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[Cell, ...]], names: Sequence[str]) -> None:
    """COPY: PostgreSQL takes rows that way several times as fast as by INSERT."""
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f"COPY {quote(table.name)} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([v.replace("\x00", "") if v.__class__ is str else v for v in row])


def _with_text(row: tuple[Cell, ...], dated: Sequence[int]) -> tuple[Cell, ...]:
    """`row` with the dates and times at the places `dated` as the ISO text that SQLite holds."""
    if not dated:
        return row
    cells = list(row)
    for place in dated:
        value = cells[place]
        if isinstance(value, dt.datetime):
            cells[place] = value.isoformat(" ", "seconds")
        elif isinstance(value, dt.date):
            cells[place] = value.isoformat()
    return tuple(cells)


def batches(items: Sequence[str], size: int = BATCH) -> Iterator[Sequence[str]]:
    """`items` in slices that fit into one IN list."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _create_indexes(connection: sa.Connection, table: DataTable, columns: Sequence[DataColumn]) -> None:
    built = sql_table(table)
    for column in columns:
        if column.name in table.key or column.name.endswith("_id"):
            name = f"ix_{table.name}_{column.name}"[:60]
            sa.Index(name, built.c[column.name]).create(connection, checkfirst=True)


def _remember(connection: sa.Connection, table: DataTable) -> DataTable:
    name = f"table:{table.name}"
    value = {"source": table.source, "columns": [[c.name, c.type] for c in table.columns], "key": list(table.key)}
    connection.execute(sa.delete(meta_table).where(meta_table.c.name == name))
    connection.execute(sa.insert(meta_table).values(name=name, value=json.dumps(value)))
    return table


def _from_json(name: str, value: str) -> DataTable:
    body = json.loads(value)
    columns = tuple(DataColumn(column, kind) for column, kind in body["columns"])
    return DataTable(name, body["source"], columns, tuple(body["key"]))
