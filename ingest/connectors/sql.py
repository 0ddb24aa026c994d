"""A database by its SQLAlchemy URL through the contract: its tables as streams.

Syncs of `kind: sql` go by `ingest.sync.sql`, which knows a database's own types and fingerprints; this face is what
tests the connection and lists the tables.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from pydantic import SecretStr

from index.foreign import ForeignDatabase, absolute_url
from ingest.connectors.support.contract import Batch, Connector, Field, Json, Key, Options, Stream
from ingest.cursors import cursor_json, cursor_value


class SqlOptions(Options):
    """A database. `cursors` names the column of a table that grows with every change."""

    url: SecretStr
    cursors: dict[str, str] = {}  # noqa: RUF012 - a pydantic default, copied for each value


class SqlConnector(Connector):
    """Reads the tables of one database."""

    Options = SqlOptions
    options: SqlOptions

    def open(self) -> None:
        """Make ready; the first question connects."""
        self._database = ForeignDatabase(absolute_url(self.options.url.get_secret_value(), self.base))

    def test(self) -> str:
        """List the tables."""
        return f"{self._database.where}: {len(self._database.table_names())} tables"

    def describe(self) -> Sequence[Stream]:
        """Every table with its key."""
        streams = []
        for name in self._database.table_names():
            table = self._database.table(name)
            if table is not None and not name.startswith(("sqlite_", "_tower_", "pg_")):
                fields = tuple(Field(c.name, c.type) for c in table.columns if not c.binary)
                cursor = self.options.cursors.get(name, "")
                streams.append(Stream(name, table.key, fields, cursor, "keys" if cursor else "scan"))
        return streams

    def read(self, stream: Stream, cursor: Json) -> Iterator[Batch]:
        """The rows from the cursor on, that value included."""
        names = [f.name for f in stream.fields]
        since = cursor_value(cursor)
        place = names.index(stream.cursor) if stream.cursor else -1
        highest = since
        asked = stream.cursor if since is not None else ""
        for rows in self._database.rows(stream.name, names, cursor=asked, since=since):
            for row in rows if place >= 0 else ():
                value = row[place]
                highest = value if highest is None or (value is not None and value > highest) else highest
            yield Batch([dict(zip(names, map(_plain, row), strict=True)) for row in rows])
        if place >= 0 and highest is not None:
            yield Batch((), cursor_json(highest))

    def keys(self, stream: Stream) -> Iterator[Sequence[Key]]:
        """The keys of all rows."""
        for rows in self._database.rows(stream.name, stream.key):
            yield [tuple(map(_plain, row)) for row in rows]

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()


def _plain(value: Any) -> Any:
    """A driver's value as JSON has it, so that a cursor can be kept."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, dt.date) else value
