"""Where a cell comes from: its record at the source, and the sync that last changed it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from index.errors import NotFoundError
from index.store import schema
from index.store.status import RunRecord
from index.store.store import Store
from index.store.tables import sql_table


@dataclass(frozen=True)
class Lineage:
    """One row's way here: `stream` is the file, table or stream that the record stood in, `key` the record's key there.

    `run` is the sync that last changed the row, where the source records it; `values` are the row's cells.
    """

    table: str
    key: str
    source: str
    stream: str
    run: RunRecord | None
    values: dict[str, Any]


def lineage(store: Store, table: str, key: str) -> Lineage:
    """The lineage of a row by its key; `NotFoundError` where there is no such row."""
    held = store.tables().get(table)
    if held is None:
        there = ", ".join(store.tables()) or "none yet"
        raise NotFoundError(f"no table {table!r} in the SQL index", hint=f"there are {there}")
    built = sql_table(held)
    names = [column.name for column in held.columns]
    row = next((r for r in store.row(built, key)), None)
    if row is None:
        raise NotFoundError(f"no row {key!r} in {table}", hint="a compound key's parts are put apart by |")
    source, _, rest = str(row._mapping[schema.ORIGIN]).partition("|")
    stream, _, run_id = rest.rpartition("#") if "#" in rest else (rest, "", "")
    run = next((r for r in store.runs(source, limit=1_000_000) if r.run_id == run_id), None)
    if run is None:
        stream = rest
    return Lineage(table, key, source, stream, run, {name: row._mapping[name] for name in names})
