"""Opening transactions and readings of the SQL index, and turning a database's failures into ours."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, InterfaceError, SQLAlchemyError

from index.errors import StorageError

log = logging.getLogger(__name__)
RECORDS = "records"  # what is locked while records are written, and by whoever forgets somebody
_LOOK_S = 0.25  # between two looks whether it is one's turn
_CAUSES = (  # what the engine says, what we say, what to try
    (("disk is full", "no space left", "could not extend"), "the disk is full", "free some space, then run it again"),
    (("locked", "busy"), "another process is writing to it", "wait for the other command to end, then run it again"),
    (("readonly", "read-only"), "it may not be written", "check the permissions of the workspace's folder"),
    (
        ("malformed", "not a database", "disk i/o"),
        "it is damaged",
        "move the file away and run `tower ingest` again: everything in it comes from the sources",
    ),
    (("no such table", "does not exist"), "it has not been set up", "run `tower ingest` first"),
)


@contextmanager
def storage_errors(engine: sa.Engine) -> Iterator[None]:
    """Turn what a database engine raises into a `StorageError` that says where, why and what to try."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        said = str(error.orig or error)
        lowered = said.lower()
        where = engine.url.database or engine.url.render_as_string(hide_password=True)
        for words, cause, hint in _CAUSES:
            if any(word in lowered for word in words):
                raise StorageError(f"the SQL index at {where} failed: {cause} ({said})", hint=hint) from error
        raise StorageError(f"the SQL index at {where} failed: {said}") from error
    except SQLAlchemyError as error:
        raise StorageError(f"the SQL index failed: {error}") from error


class StoreBase:
    """Holds the engine; subclasses read and write through `_reading` and `_transaction` only."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with storage_errors(self._engine), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with storage_errors(self._engine), self._engine.connect() as connection, connection.begin():
            if connection.dialect.name == "sqlite":
                # The driver begins by itself only before INSERT, UPDATE and DELETE: a CREATE TABLE would commit alone.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def exclusive(self, what: str) -> Iterator[None]:
        """Let only one process at a time do `what`, and wait for the turn. It ends with the process, however that
        ends. On SQLite, whose workspace one process owns, nothing is waited for."""
        if self._engine.dialect.name != "postgresql":
            yield
            return
        connection = self._wait_for(what)
        try:
            yield
        finally:
            connection.invalidate()  # closes the session, and with it the lock, whatever state it is in
            connection.close()

    def _wait_for(self, what: str) -> sa.Connection:
        """A session of its own that has the lock."""
        lock, waiting = {"what": f"tower:{what}"}, False
        with storage_errors(self._engine):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            while not connection.scalar(sa.text("SELECT pg_try_advisory_lock(hashtext(:what))"), lock):
                if not waiting:
                    log.info("waiting for another process: %s", what)
                waiting = True
                time.sleep(_LOOK_S)
        return connection


def alone(connection: sa.Connection, what: str, *, shared: bool = False) -> None:
    """Let only one transaction at a time do `what`, or, where `shared`, any number of them while none does it alone.

    SQLite has one writing transaction anyhow; on PostgreSQL the lock lasts to the end of the transaction.
    """
    if connection.dialect.name == "postgresql":
        lock = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
        connection.execute(sa.text(f"SELECT {lock}(hashtext(:what))"), {"what": f"tower:{what}"})
