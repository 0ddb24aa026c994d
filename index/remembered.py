"""Rows that were read once, for as long as the data stays what it was.

Who makes a `RememberingReader` drops it when the data changes: a workspace's own index changes by its own upkeep only.
A database that is asked in place is read anew each time.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.guard.guard import GuardedQuery
    from index.sql import Rows, SqlReader, Value

    _Key = tuple[str, str, int, tuple[tuple[str, Value], ...]]  # asker, query, limit, parameters

MOST_CELLS = 500_000  # held at a time; the oldest results go first
LONGEST = 50_000  # cells of one result that is held
_TEXT = 32  # characters of a query that weigh as much as a cell: many small results have more text than cells
_CHANGES_BY_ITSELF = re.compile(
    r"now|random|current_|clock|today|uuid|\b(?:date|time|datetime|julianday|unixepoch)\s*\(\s*\)|"
    r"\bstrftime\s*\(\s*'[^']*'\s*\)",
    re.I,
)


class RememberingReader:
    """`SqlReader`s over another one, one for each asker: nobody can tell by a quick answer what others asked, even
    where they see the same. Safe to share between threads.

    What a query gives that asks for the time or for chance is not remembered.
    """

    def __init__(self, inner: SqlReader) -> None:
        self._inner = inner
        self._held: OrderedDict[_Key, Rows] = OrderedDict()
        self._cells = 0
        self._mutex = threading.Lock()

    def of(self, asker: str) -> SqlReader:
        """The reader that remembers what `asker` read."""
        return _Own(self, self._inner, asker)

    def read(self, asker: str, query: GuardedQuery, parameters: Mapping[str, Value] | None = None) -> Rows:
        """The rows of `query`; raises what the other reader raises, and remembers no failure."""
        key = (asker, query.sql, query.limit, tuple(sorted((parameters or {}).items())))
        with self._mutex:
            held = self._held.get(key)
            if held is not None:
                self._held.move_to_end(key)
                return held
        rows = self._inner.read(query, parameters)
        if _cells(rows) <= LONGEST and not _CHANGES_BY_ITSELF.search(query.sql):
            with self._mutex:
                if key not in self._held:
                    self._held[key] = rows
                    self._cells += _weight(query.sql, rows)
                while self._cells > MOST_CELLS:
                    (_, sql, *_), oldest = self._held.popitem(last=False)
                    self._cells -= _weight(sql, oldest)
        return rows


@dataclass(frozen=True)
class _Own:
    """What one asker reads with."""

    memory: RememberingReader
    inner: SqlReader
    asker: str

    @property
    def dialect(self) -> str:
        return self.inner.dialect

    def accepts(self, query: GuardedQuery) -> bool:
        return self.inner.accepts(query)

    def read(self, query: GuardedQuery, parameters: Mapping[str, Value] | None = None) -> Rows:
        return self.memory.read(self.asker, query, parameters)


def _weight(sql: str, rows: Rows) -> int:
    return _cells(rows) + len(sql) // _TEXT


def _cells(rows: Rows) -> int:
    return (len(rows.rows) + 1) * max(1, len(rows.columns))
