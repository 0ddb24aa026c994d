"""Opening SQL engines, with the settings that each engine needs to be safe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import QueuePool

from index.errors import NotFoundError, UsageError

# What a URL without a driver means: the drivers that are installed with us.
DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
CONNECT_S = 10  # seconds to wait for a database server


def open_engine(url: str, *, read_only: bool = False) -> Engine:
    """An engine for any SQLAlchemy URL.

    A URL that names no driver (`postgresql://`, `mysql://`) gets the one that is installed with us. SQLite files get
    write-ahead logging, foreign keys and a busy time-out; `read_only` opens them with `mode=ro` and `query_only`, and
    a file that does not exist is a `NotFoundError` instead of a new empty database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError(f"not a database URL: {url!r}", hint="for example sqlite:///company.sqlite") from error
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed.database or "", read_only)
    if parsed.drivername in DRIVERS:
        parsed = parsed.set(drivername=DRIVERS[parsed.drivername])
    options: dict[str, object] = {"connect_timeout": CONNECT_S} if parsed.drivername in DRIVERS.values() else {}
    if read_only and parsed.drivername == "postgresql+psycopg":
        # Every statement prepared: PostgreSQL then refuses several in one text, whatever the text is.
        options["prepare_threshold"] = 0
    try:
        return create_engine(parsed, pool_pre_ping=True, connect_args=options)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageError(
            f"no driver for {parsed.drivername!r}: {error}", hint="install the driver's package, then try again"
        ) from error


def _open_sqlite(database: str, read_only: bool) -> Engine:
    path = Path(database)
    if read_only and not path.is_file():
        raise NotFoundError(f"no database file at {path}", hint="check the path after sqlite:///")
    target = f"file:{path.as_posix()}?mode={'ro' if read_only else 'rwc'}&uri=true"
    engine = create_engine(f"sqlite:///{target}", poolclass=QueuePool)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        if read_only:
            cursor.execute("PRAGMA query_only = ON")
        else:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA busy_timeout = 10000")
        cursor.close()

    return engine
