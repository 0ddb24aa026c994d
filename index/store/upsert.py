"""Upserts and deletes by key, for tables too long to hold their keys in memory, and what a row was before a change.

`RowWriter` compares with all that is held and suits a table that is read whole; this asks about one batch.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence

import sqlalchemy as sa

from index.forgetting.suppression import NOTHING, Suppression
from index.store.schema import HASH, KEY, ORIGIN
from index.store.tables import Cell, Changes, DataColumn, DataRow, DataTable, batches, insert_rows, put_table, sql_table

VALID_FROM, VALID_TO = "valid_from", "valid_to"


class RowUpserter:
    """Writes batches of rows by key into one data table.

    `version` is a column that only grows: a row whose version is lower than the held one's is stale and not written.
    `history` is the table that keeps what rows were (`history_table`).
    """

    def __init__(
        self,
        connection: sa.Connection,
        table: DataTable,
        version: str = "",
        history: DataTable | None = None,
        suppression: Suppression = NOTHING,
    ) -> None:
        self._connection = connection
        self._described = table
        self._suppression = suppression
        self._table = sql_table(table)
        self._names = [KEY, HASH, ORIGIN, *(c.name for c in table.columns)]
        self._version = version if version in self._table.c else ""
        self._history = history
        self._now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)

    def upsert(self, rows: Sequence[DataRow], *, stale: bool = False) -> Changes:
        """Write what is new or different; each key at most once. With `stale` lower versions are written too."""
        held = self._held([row.key for row in rows])
        fresh: list[tuple[Cell, ...]] = []
        changed: list[tuple[Cell, ...]] = []
        kept = self._suppression.kept(self._described, rows)
        if len(kept) < len(rows):
            self._delete(sorted({row.key for row in rows} - {row.key for row in kept}))
        for row in kept:
            content, before = row.hash(), held.get(row.key)
            if before is None:
                fresh.append((row.key, content, row.origin, *row.values))
            elif before[0] != content and (stale or not self._is_stale(row, before[1])):
                changed.append((row.key, content, row.origin, *row.values))
        self._keep([str(row[0]) for row in changed])
        self._delete([str(row[0]) for row in changed])
        insert_rows(self._connection, self._table, [*fresh, *changed])
        written = len(fresh) + len(changed)
        return Changes(loaded=written, unchanged=len(rows) - written)

    def delete(self, keys: Collection[str]) -> Changes:
        """Remove rows; keys that are not held are no error."""
        self._keep(list(keys))
        return Changes(deleted=self._delete(list(keys)))

    def keys_not_in(self, there: Collection[str]) -> list[str]:
        """The held keys that are not in `there`."""
        return [key for key in self._keys() if key not in there]

    def count(self) -> int:
        """How many rows are held."""
        return self._connection.scalar(sa.select(sa.func.count()).select_from(self._table)) or 0

    def missing(self, there: Collection[str]) -> set[str]:
        """Those of `there` that are not held, and were not forgotten."""
        lacking = self._suppression.without(self._described.name, there)
        for key in self._keys():
            lacking.discard(key)
        return lacking

    def _keys(self) -> Iterator[str]:
        found = self._connection.execution_options(yield_per=10_000).execute(sa.select(self._table.c[KEY]))
        yield from found.scalars()

    def _held(self, keys: Sequence[str]) -> dict[str, tuple[str, Cell]]:
        version = self._table.c[self._version] if self._version else sa.literal(None)
        held: dict[str, tuple[str, Cell]] = {}
        for part in batches(keys, 5_000):
            query = sa.select(self._table.c[KEY], self._table.c[HASH], version).where(self._table.c[KEY].in_(part))
            held.update({key: (content, moment) for key, content, moment in self._connection.execute(query)})
        return held

    def _is_stale(self, row: DataRow, before: Cell) -> bool:
        if not self._version or before is None:
            return False
        now = row.values[self._names.index(self._version) - 3]
        return now is not None and type(now) is type(before) and now < before  # type: ignore[operator]

    def _delete(self, keys: Sequence[str]) -> int:
        gone = 0
        for part in batches(keys, 5_000):
            gone += self._connection.execute(sa.delete(self._table).where(self._table.c[KEY].in_(part))).rowcount
        return gone

    def _keep(self, keys: Sequence[str]) -> None:
        """Copy rows into the history before they change or go."""
        if self._history is None or not keys:
            return
        target = sql_table(self._history)
        columns = [name for name in self._names[3:] if name in target.c]
        since = self._table.c[self._version] if self._version else sa.literal(None, sa.DateTime())
        rows: list[tuple[Cell, ...]] = []
        for part in batches(keys, 5_000):
            query = sa.select(
                self._table.c[KEY],
                self._table.c[HASH],
                self._table.c[ORIGIN],
                since,
                *(self._table.c[c] for c in columns),
            ).where(self._table.c[KEY].in_(part))
            for key, content, origin, began, *values in self._connection.execute(query):
                start = began if isinstance(began, dt.date) else None
                rows.append((f"{key}|{content[:16]}", content, origin, *values, start, self._now))
        names = [KEY, HASH, ORIGIN, *columns, VALID_FROM, VALID_TO]
        keys_now = [str(row[0]) for row in rows]
        for part in batches(keys_now, 5_000):  # the same content again: it ended once more, now
            self._connection.execute(sa.delete(target).where(target.c[KEY].in_(part)))
        insert_rows(self._connection, target, rows, names)


def history_table(table: DataTable) -> DataTable:
    """The table that keeps what the rows of `table` were: its columns, and from when to when they said so."""
    times = (DataColumn(VALID_FROM, "datetime"), DataColumn(VALID_TO, "datetime"))
    own = tuple(c for c in table.columns if c.name not in (VALID_FROM, VALID_TO))
    return DataTable(f"{table.name}_history", table.source, (*own, *times))


def put_history(connection: sa.Connection, table: DataTable) -> DataTable:
    """Create or evolve the history of `table`."""
    wanted = history_table(table)
    return put_table(connection, wanted)
