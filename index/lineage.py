"""Where a cell comes from: its record at the source, and the sync that last changed it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from index.catalogue.model import Catalogue
from index.errors import NotFoundError
from index.guard.guard import guard
from index.scope import Scope
from index.sql import SqlReader
from index.store import schema
from index.store.status import QuarantinedRecord, RunRecord
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


def seen_lineage(store: Store, table: str, key: str, catalogue: Catalogue, reader: SqlReader, scope: Scope) -> Lineage:
    """`lineage` as far as `scope` shows the row: its cells as they may be seen. A row or a table that is not shown is
    one that is not there."""
    shown, held = scope.tables.get(table), catalogue.table(table)
    if shown is None or held is None:
        there = ", ".join(scope.tables) or "none"
        raise NotFoundError(f"no table {table!r} in the SQL index", hint=f"there are {there}")
    strange = NotFoundError(f"no row {key!r} in {table}", hint="a compound key's parts are put apart by |")
    clear = list(shown.columns)  # a hidden one is not among them
    if not held.key or any(shown.columns.get(name) != "visible" for name in held.key):
        raise strange  # which row it is may not be seen
    try:
        found = lineage(store, table, key)
    except NotFoundError:
        raise strange from None
    where = " AND ".join(f"{_quoted(name)} = :k{at}" for at, name in enumerate(held.key))
    query = guard(
        f"SELECT {', '.join(map(_quoted, clear))} FROM {_quoted(table)} WHERE {where}",
        catalogue, scope, dialect=reader.dialect, limit=1,
    )  # fmt: skip
    rows = reader.read(query, {f"k{at}": found.values.get(name) for at, name in enumerate(held.key)})
    if not rows.rows:
        raise strange
    return replace(found, values=dict(zip(clear, rows.rows[0], strict=True)))


def seen_record(record: QuarantinedRecord, catalogue: Catalogue, scope: Scope) -> QuarantinedRecord:
    """A record in quarantine as `scope` may see it: what it holds, and the reason, which may quote it, only where the
    scope shows the source's tables whole and in the clear. A record that was not taken is in no row rule."""
    tables = [table for table in catalogue.tables if table.source == record.source]
    shown = [(scope.tables.get(table.name), table) for table in tables]
    whole = all(
        one is not None and not one.rows and all(one.columns.get(c.name) == "visible" for c in table.columns)
        for one, table in shown
    )
    if tables and whole:
        return record
    return replace(record, reason="why is not shown: it may quote the record", record="")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
