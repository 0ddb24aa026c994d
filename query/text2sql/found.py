"""What readings find: readings that find the same rows are one answer, however they are written.

Only the readings near the best one are looked at, and only where there is more than one: their rows tell apart what is
worded otherwise from what says something else. What is not looked at counts as something else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence

from index.catalogue.model import Catalogue
from index.errors import SqlRejected, StorageError
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlReader

LOOKED_AT = 16  # readings of a question
NEAR = 4.0  # logits behind the best one
SECONDS = 0.3  # for all of them; then no further one is begun


def fingerprint(rows: Iterable[Sequence[object]]) -> str:
    """A short text that is the same for the same rows, in any order of rows and of columns."""
    kept = sorted(tuple(sorted(map(_plain, row))) for row in rows)
    return hashlib.md5(repr(kept).encode(), usedforsecurity=False).hexdigest()[:16]


def looked_at(scores: Sequence[float]) -> int:
    """How many of some readings, best first, are looked at by their scores; none where there is nothing to compare."""
    near = sum(scores[0] - s < NEAR for s in scores[:LOOKED_AT]) if scores else 0
    return near if near > 1 else 0


class Finder:
    """Runs readings through the guard within `scope` to tell what they find."""

    def __init__(self, catalogue: Catalogue, reader: SqlReader, scope: Scope) -> None:
        self._catalogue, self._reader, self._scope = catalogue, reader, scope

    def found(self, queries: Sequence[str]) -> list[str]:
        """The fingerprint of what each query finds; "" for one that fails or that there was no time for."""
        until, out = time.monotonic() + SECONDS, [""] * len(queries)
        for at, sql in enumerate(queries):
            if time.monotonic() > until:
                break
            try:
                query = guard(sql, self._catalogue, self._scope, dialect=self._reader.dialect)
                out[at] = fingerprint(self._reader.read(query).rows)
            except (SqlRejected, StorageError):
                continue
        return out


def _plain(value: object) -> str:
    if isinstance(value, int | float):
        return repr(round(float(value), 4))
    return "" if value is None else str(value).strip()
