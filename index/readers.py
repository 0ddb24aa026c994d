"""Roles of PostgreSQL that can read what one scope shows, and nothing else: the wall behind the guard.

A reader is a role that cannot sign in and a schema, both of one name, which is made from what they hold. The schema has
a view for each table that the scope shows; the role may read those views, and has no right to any table. Nothing in
a reader is ever changed: another scope, or a changed policy, has another name, and so another reader.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from index.errors import SettingsError
from index.store.base import alone, storage_errors
from index.store.tables import READER

if TYPE_CHECKING:
    from index.guard.views import View

_DAY_S = 86_400.0
_KEPT_DAYS = 7  # after so many days without a query a reader is removed
_LOCK_MS = 500  # how long a query waits to switch row-level security on for a table that is being written
# No such table, schema or role; no right to something: what the database says of a reader that is not whole.
_LACKING = frozenset({"42P01", "3F000", "42704", "22023", "42501"})


class Readers:
    """Makes readers in the database of `engine`, whose user owns the tables. Safe to share between threads."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._place = ""
        self._used: dict[tuple[View, ...], tuple[str, float]] = {}
        self._mutex = threading.Lock()

    def check(self) -> None:
        """Raises `SettingsError`, with what to run, where the database's user may not make roles and schemas."""
        query = """SELECT current_user, current_database(), rolsuper OR rolcreaterole,
            has_database_privilege(current_database(), 'CREATE') FROM pg_roles WHERE rolname = current_user"""
        with storage_errors(self._engine), self._engine.connect() as connection:
            user, database, roles, schemas = connection.exec_driver_sql(query).one()
        quote = self._engine.dialect.identifier_preparer.quote_identifier
        lacking = [
            *([] if roles else [f"ALTER ROLE {quote(user)} CREATEROLE"]),
            *([] if schemas else [f"GRANT CREATE ON DATABASE {quote(database)} TO {quote(user)}"]),
        ]
        if lacking:
            raise SettingsError(
                f"index.row_level_security: the database user {user!r} may not make the roles and schemas that it needs",
                hint=f"an administrator of the database can allow it: {'; '.join(lacking)}",
            )

    def of(self, views: tuple[View, ...]) -> str:
        """The reader that sees `views`. It is made, or marked as used, when first asked for in a day."""
        with self._mutex:
            name, until = self._used.get(views, ("", 0.0))
        if time.monotonic() < until:
            return name
        return self.make(views)

    def make(self, views: tuple[View, ...]) -> str:
        """Make what is lacking of the reader that sees `views`, and remove readers that nobody used for a while."""
        with storage_errors(self._engine), self._engine.begin() as connection:
            alone(connection, "readers")
            name = self._name(connection, views)
            _make_role(connection, name)
            self._make_views(connection, name, views)
            day = dt.datetime.now(dt.UTC).date()
            connection.exec_driver_sql(f"COMMENT ON SCHEMA {name} IS 'A reader of Tower, used {day.isoformat()}'")
            _remove(connection, day - dt.timedelta(days=_KEPT_DAYS))
        with self._mutex:
            self._used = {key: held for key, held in self._used.items() if held[1] > time.monotonic()}
            self._used[views] = (name, time.monotonic() + _DAY_S)
        return name

    def remove(self, *, before: dt.date) -> None:
        """Remove the readers that were last used before that day. One that somebody asks for is made again."""
        with storage_errors(self._engine), self._engine.begin() as connection:
            alone(connection, "readers")
            _remove(connection, before)

    def enter(self, connection: sa.Connection, reader: str) -> None:
        """Let the rest of the transaction run as `reader`; a table's name without a schema is that of its view."""
        connection.exec_driver_sql(f"SET LOCAL search_path = {reader}")
        connection.exec_driver_sql(f"SET LOCAL ROLE {reader}")

    def lacks(self, error: SQLAlchemyError) -> bool:
        """True where `error` may say that the reader is not whole, and `make` may help."""
        return getattr(getattr(error, "orig", None), "sqlstate", "") in _LACKING

    def _name(self, connection: sa.Connection, views: Sequence[View]) -> str:
        if not self._place:  # roles are the whole server's: another database's reader has another name
            place = connection.exec_driver_sql("SELECT current_database(), current_schema()").one()
            self._place = json.dumps([*place])
        content = json.dumps([self._place, sorted((v.table, v.query, v.filtered) for v in views)])
        return READER + hashlib.sha256(content.encode()).hexdigest()[:24]

    def _make_views(self, connection: sa.Connection, name: str, views: Sequence[View]) -> None:
        quote = connection.dialect.identifier_preparer.quote_identifier
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {name}")
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {name} TO {name}")
        held = set(
            connection.scalars(
                sa.text("SELECT c.relname FROM pg_class c WHERE c.relnamespace = CAST(:name AS regnamespace)"),
                {"name": name},
            )
        )
        for view in views:
            if view.table in held:
                continue
            # A barrier: no condition of a question sees a row before the row rule has let it through.
            options = " WITH (security_barrier)" if view.filtered else ""
            statement = f"CREATE VIEW {name}.{quote(view.table)}{options} AS {view.query}".replace("%", "%%")
            if _tried(connection, statement):  # a table that is not there yet has no view
                _close(connection, quote(view.table))
        connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {name}")


def _make_role(connection: sa.Connection, name: str) -> None:
    if connection.scalar(sa.text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name}) is None:
        connection.exec_driver_sql(f"CREATE ROLE {name} NOLOGIN NOINHERIT")
        connection.exec_driver_sql(f"GRANT {name} TO CURRENT_USER")  # only a member may take a role on


def _close(connection: sa.Connection, table: str) -> None:
    """Switch row-level security on for a table. As it has no policy, it gives nobody but its owner a row, whatever
    is granted. A table that is being written stays as it is: no reader has a right to it anyhow."""
    query = sa.text("SELECT relrowsecurity FROM pg_class WHERE oid = to_regclass(:table) AND relkind IN ('r', 'p')")
    if connection.scalar(query, {"table": table}) is False:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_MS}")
        _tried(connection, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY".replace("%", "%%"))
        connection.exec_driver_sql("SET LOCAL lock_timeout = DEFAULT")


def _tried(connection: sa.Connection, statement: str) -> bool:
    """True where the database took `statement`."""
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(statement)
    except SQLAlchemyError:
        return False
    return True


def _remove(connection: sa.Connection, before: dt.date) -> None:
    query = sa.text("SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname LIKE :like")
    for name, comment in connection.execute(query, {"like": READER.replace("_", r"\_") + "%"}).all():
        if (comment or "")[-10:] < before.isoformat():
            connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
            _tried(connection, f"DROP ROLE {name}")
