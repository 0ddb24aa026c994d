"""Reading a database that is not ours: what tables it has, and their rows in batches, without ever writing to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy import types as sql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from index.catalogue.model import ColumnType
from index.engine import open_engine
from index.errors import SourceError

_TYPES: tuple[tuple[type[sql.TypeEngine[Any]], ColumnType], ...] = (
    (sql.Boolean, "boolean"),
    (sql.Integer, "integer"),
    (sql.Numeric, "number"),  # Float and Double are Numerics too
    (sql.DateTime, "datetime"),
    (sql.Date, "date"),
    (sql.String, "text"),
    (sql.Uuid, "text"),
)


@dataclass(frozen=True)
class ForeignColumn:
    """A column of a foreign table; `type` is None where the database does not say, `binary` columns are not read."""

    name: str
    type: ColumnType | None
    binary: bool = False


@dataclass(frozen=True)
class ForeignTable:
    """A table or view of a foreign database with its primary key, else its first unique key, else nothing."""

    name: str
    columns: tuple[ForeignColumn, ...]
    key: tuple[str, ...]


class ForeignDatabase:
    """A foreign database opened for reading. Failures are `SourceError` naming the database without its password."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url, read_only=True)
        self._where = self._engine.url.render_as_string(hide_password=True)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _decode_tolerantly)

    @property
    def where(self) -> str:
        """The database's URL without its password."""
        return self._where

    def close(self) -> None:
        """Give the connections back; idempotent."""
        self._engine.dispose()

    def table_names(self) -> list[str]:
        """The names of the tables (no views), sorted."""
        with self._errors():
            return sorted(sa.inspect(self._engine).get_table_names())

    def table(self, name: str) -> ForeignTable | None:
        """What is known of a table or view, or None where there is none of that name."""
        with self._errors():
            inspector = sa.inspect(self._engine)
            if not inspector.has_table(name) and name not in inspector.get_view_names():
                return None
            columns = tuple(
                ForeignColumn(c["name"], _column_type(c["type"]), isinstance(c["type"], sql.LargeBinary))
                for c in inspector.get_columns(name)
            )
            key = tuple(inspector.get_pk_constraint(name).get("constrained_columns") or ())
            if not key:
                unique = [u["column_names"] for u in inspector.get_unique_constraints(name) if u["column_names"]]
                key = tuple(c for c in unique[0] if c is not None) if unique else ()
            return ForeignTable(name, columns, key)

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with self._errors(), self._engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) or 0

    def rows(
        self, table: str, columns: Sequence[str], *, cursor: str = "", since: object = None, batch: int = 5_000
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The values of `columns` in batches, as the driver gives them.

        With `cursor` only the rows from `since` on (that value included) or without a value there.
        """
        wanted: list[sa.ColumnClause[Any]] = [sa.column(c) for c in columns]
        query = sa.select(*wanted).select_from(sa.table(table))
        if cursor and since is not None:
            moving: sa.ColumnClause[Any] = sa.column(cursor)
            query = query.where(sa.or_(moving >= since, moving.is_(None)))
        with self._errors(), self._engine.connect() as connection:
            result = connection.execution_options(stream_results=True).execute(query)
            for part in result.partitions(batch):
                yield [tuple(row) for row in part]

    def fingerprint(self) -> str:
        """For a SQLite file: its size and time of change (its write-ahead log's too); empty for any other database."""
        if self._engine.dialect.name != "sqlite":
            return ""
        return sqlite_fingerprint(self._where)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            said = getattr(error, "orig", None) or error
            raise SourceError(
                f"the database {self._where} cannot be read: {said}", hint="check its URL and that it is running"
            ) from error


def sqlite_fingerprint(url: str) -> str:
    """Size and time of change of a SQLite database's files by its URL; empty where it is no SQLite file."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return ""
    name = parsed.database.removeprefix("file:").partition("?")[0]
    parts: list[str] = []
    for path in (Path(name), Path(f"{name}-wal")):
        if path.is_file() and path.stat().st_size:
            status = path.stat()
            parts.append(f"{status.st_size}:{status.st_mtime_ns}")
    return "|".join(parts)


def absolute_url(url: str, base: Path) -> str:
    """`url` with a relative SQLite path made absolute from `base`; any other URL as it is."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or Path(parsed.database).is_absolute():
        return url
    return parsed.set(database=(base / parsed.database).as_posix()).render_as_string(hide_password=False)


def _column_type(kind: sql.TypeEngine[Any]) -> ColumnType | None:
    return next((ours for theirs, ours in _TYPES if isinstance(kind, theirs)), None)


def _decode_tolerantly(connection: Any, _record: object) -> None:
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
