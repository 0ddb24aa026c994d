"""What a stream's source no longer has: by a whole read, or by comparing the keys there with the keys held.

A source that returns nothing, or suddenly half of what it had, is more likely broken than emptied: nothing is deleted
then, and the sync says so.
"""

from __future__ import annotations

import datetime as dt

from index.errors import SourceError
from ingest.config import ConnectorSource
from ingest.sync.stream_table import StreamTable

MOST_GONE = 0.5  # of the rows may be gone at once without a word, where there are at least
FEW = 20


def sync_stream(table: StreamTable) -> None:
    """Read what changed in a stream, then remove what is gone."""
    run = table.sync
    whole = table.anew or table.stream.deletes == "scan" or table.held.get("cursor") is None
    resumed = table.resumed
    table.pull(table.known_whole() if whole else table.held["cursor"], whole=whole)
    more: dict[str, str] = {}
    if table.stream.deletes != "never" and not table.unchanged:
        if table.seen is not None and not table.untold:
            _compare(table, table.seen or set())
            more = {"reconciled_at": _now()}
        elif resumed or table.untold or run.reconcile or (table.stream.deletes == "keys" and _is_due(table)):
            _compare_keys(table)
            more = {"reconciled_at": _now()}
    with run.begin() as writer:
        table.save(writer, complete=True, **more)


def _is_due(table: StreamTable) -> bool:
    """True where the key sets were last compared longer ago than the source's `reconcile`."""
    assert isinstance(table.sync.config, ConnectorSource)
    last, interval = table.held.get("reconciled_at"), table.sync.config.reconcile
    if not last or not interval:
        return True
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(str(last))
    return not 0 <= age.total_seconds() < interval  # a clock that was set back must not put it off


def _compare_keys(table: StreamTable) -> None:
    """Compare with the keys that the source lists; what is there and not held is read, whatever its cursor says."""
    there = _listed(table)
    lacking = _lacking(table, there)
    _compare(table, there)
    if lacking:
        table.sync.warnings.append(
            f"{table.name}: {lacking} records that were changed behind the cursor were read after all"
        )
        table.pull(None, whole=True)


def _listed(table: StreamTable) -> set[str]:
    held = table.table()
    there: set[str] = set()
    for part in table.connector.keys(table.stream):
        if held is not None:
            there.update(table.shape.key_texts(part, held))
    return there


def _lacking(table: StreamTable, there: set[str]) -> int:
    """How many of the keys are neither held nor in quarantine."""
    held = table.table()
    if held is None:
        return len(there)
    with table.sync.begin() as writer:
        missing = table.upserter(writer, held).missing(there)
        if not missing:
            return 0
        aside = writer.quarantine_of(table.sync.name, table.name)
    return len(missing - {r.origin.partition("#")[2] for r in aside})


def _compare(table: StreamTable, there: set[str]) -> None:
    """Remove the held rows whose key is not `there`."""
    held = table.table()
    if held is None:
        return
    with table.sync.begin() as writer:
        rows = table.upserter(writer, held)
        gone, count = rows.keys_not_in(there), rows.count()
    if not gone:
        return
    if not table.sync.full:
        _check_share(table, len(gone), count, len(there))
    if table.stream.drifts:
        # A page that shifted while it was read hides a record from one of two reads, hardly from both.
        again = _listed(table)
        gone = [key for key in gone if key not in again]
    if gone:
        table.remove(gone)


def _check_share(table: StreamTable, gone: int, held: int, there: int) -> None:
    where = f"{table.sync.name}.{table.name}"
    hint = "if that is meant run `tower ingest --full`, else look at the source"
    if not there:
        raise SourceError(f"{where}: the source gives no record, and {held} are held; none was deleted", hint=hint)
    if held >= FEW and gone > held * MOST_GONE:
        raise SourceError(f"{where}: {gone} of {held} records are gone at once; none was deleted", hint=hint)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
