"""The guard: SQL in, SQL that shows only what a Scope shows out, regenerated from a checked tree.

Placeholder for the contract; replaced by its owner.
"""

from __future__ import annotations

from dataclasses import dataclass

from index.catalogue import Catalogue
from index.scope import Scope


@dataclass(frozen=True)
class GuardedQuery:
    """SQL that passed the guard. Only `guard` makes it; `SqlReader.read` accepts nothing else.

    `text` is the query as planned or typed, normalised; `sql` is what runs: every table replaced by the rows and
    columns that the scope shows, and a limit of `limit` + 1 rows. `tables` lists the base tables read.
    """

    text: str
    sql: str
    dialect: str
    tables: tuple[str, ...]
    limit: int


def guard(sql: str, catalogue: Catalogue, scope: Scope, *, dialect: str = "sqlite", limit: int = 1000) -> GuardedQuery:
    """Check `sql` and rewrite it for `scope`; raises `SqlRejected` with the reason."""
    raise SystemExit
