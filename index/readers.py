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
_REMEMBERED = 512  # readers that a process knows to be there; asked for another, it looks
_LOCK_MS = 500  # how long to wait for a table that is being read or written
_OURS = "relnamespace = CAST(current_schema() AS regnamespace) AND relkind IN ('r', 'p')"
# No such table, schema or role; no right to something; locks taken crosswise with an ingest that takes views away: what
# the database says of a reader that is not whole.
_LACKING = frozenset({"42P01", "3F000", "42704", "22023", "42501", "40P01"})


class Readers:
    """Makes readers in the database of `engine`, whose user owns the tables. Safe to share between threads."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._place = ""
        self._used: dict[tuple[View, ...], tuple[str, float]] = {}
        self._mutex = threading.Lock()

    def check(self) -> None:
        """Raises `SettingsError`, with what to run, where the database's user may not make roles and schemas, or does
        not own the tables."""
        may = sa.text(
            "SELECT current_user, current_database(), rolsuper OR rolcreaterole, "
            "has_database_privilege(current_database(), 'CREATE') FROM pg_roles WHERE rolname = current_user"
        )
        foreign = sa.text(
            f"SELECT relname FROM pg_class WHERE {_OURS} AND NOT pg_has_role(relowner, 'USAGE') ORDER BY relname"
        )
        with storage_errors(self._engine), self._engine.connect() as connection:
            user, database, roles, schemas = connection.execute(may).one()
            tables = [*connection.scalars(foreign)]
        quote = self._engine.dialect.identifier_preparer.quote_identifier
        lacking = [
            *([] if roles else [f"ALTER ROLE {quote(user)} CREATEROLE"]),
            *([] if schemas else [f"GRANT CREATE ON DATABASE {quote(database)} TO {quote(user)}"]),
            *(f"ALTER TABLE {quote(table)} OWNER TO {quote(user)}" for table in tables),
        ]
        if lacking:
            raise SettingsError(
                f"index.row_level_security: the database user {user!r} must be allowed to make roles and schemas, and "
                "own the tables",
                hint=f"an administrator of the database can see to it: {'; '.join(lacking)}",
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
        self._close()
        with self._mutex:
            self._used.pop(views, None)
            self._used[views] = (name, time.monotonic() + _DAY_S)
            if len(self._used) > _REMEMBERED:
                del self._used[next(iter(self._used))]
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

    def _close(self) -> None:
        """Switch row-level security on for the tables. As they have no policy, they give nobody but their owner a row,
        whatever is granted. One that is in use stays as it is for now: no reader has a right to it anyhow."""
        query = sa.text(f"SELECT relname FROM pg_class WHERE {_OURS} AND NOT relrowsecurity")
        quote = self._engine.dialect.identifier_preparer.quote_identifier
        with storage_errors(self._engine), self._engine.connect() as connection:
            tables = [*connection.scalars(query)]
        for table in tables:
            with storage_errors(self._engine), self._engine.begin() as connection:
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_MS}")
                _tried(connection, f"ALTER TABLE {quote(table)} ENABLE ROW LEVEL SECURITY".replace("%", "%%"))

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
            _tried(connection, statement)  # a table that is not there yet has no view
        connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {name}")


def _make_role(connection: sa.Connection, name: str) -> None:
    if connection.scalar(sa.text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": name}) is None:
        connection.exec_driver_sql(f"CREATE ROLE {name} NOLOGIN NOINHERIT")
        connection.exec_driver_sql(f"GRANT {name} TO CURRENT_USER")  # only a member may take a role on


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
