"""The SQL index, reading side: guarded queries in, rows out. The only other door is `index.store`, which writes.

A `SqlIndex` may also be a foreign database that is asked in place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from index.guard import GuardedQuery

Value = str | int | float | bool | None | dt.date | dt.datetime | Decimal | bytes


@dataclass(frozen=True)
class Rows:
    """A result set. `truncated` says that the engine had more rows than the guard's limit let through."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    truncated: bool = False


class SqlReader(Protocol):
    """Runs guarded queries. Raises `StorageError` when the engine fails, `SqlRejected` on a bad parameter."""

    dialect: str

    def read(self, query: GuardedQuery, parameters: Mapping[str, Value] | None = None) -> Rows:
        """Run `query` read-only, with named parameters, within a time limit."""
        ...
