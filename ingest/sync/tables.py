"""The tables of a file source: read anew where a file, the configuration or a referenced table changed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import PurePosixPath

from index.errors import SourceError
from index.store.tables import DataRow, DataTable
from index.store.writer import Rejected, RunTotals, digest
from ingest.config import FileSource, FileTableConfig, TableConfig
from ingest.files import FileEntry, FileMark, marks, matching
from ingest.names import Normaliser, snake_case, unique
from ingest.readers import STRUCTURED, Broken, read_records
from ingest.records import Built, RawRow, TableSpec, build_table
from ingest.sync.source_run import SourceRun

READER_VERSION = "1"  # counts up when the same file gives other records


def sync_file_tables(run: SourceRun) -> None:
    """Bring every table of a file source up to date, referenced tables first, each in its own transaction."""
    assert isinstance(run.config, FileSource)
    tables = automatic_tables(run) if run.config.automatic else dict(run.config.tables or {})
    found = {name: matching(run.files, config.files, run.root) for name, config in tables.items()}
    for name, entries in found.items():
        _check_there(run, name, tables[name], entries)
    for name in by_reference(tables):
        _sync_table(run, name, tables[name], found[name])
    drop_tables(run, set(tables))


def automatic_tables(run: SourceRun) -> dict[str, FileTableConfig]:
    """A table for every structured file, named after it; a name that another source has gets this source's before."""
    taken = {t.name for t in run.store.tables().values() if t.source != run.name}
    tables: dict[str, FileTableConfig] = {}
    for name in run.files:
        path = PurePosixPath(name)
        if path.suffix.lower() in STRUCTURED:
            wanted = snake_case(path.stem)
            if wanted in taken or wanted.startswith(("sqlite_", "pg_")):
                wanted = f"{snake_case(run.name)}_{wanted}"
            tables[unique(wanted, {*tables, *taken})] = FileTableConfig(files=name.replace("[", "[[]"))
    return tables


def by_reference(tables: Mapping[str, TableConfig]) -> list[str]:
    """The tables in an order in which referenced ones come first; those in a circle stay as they are."""
    ordered: list[str] = []
    waiting = list(tables)
    while waiting:
        free = [
            n for n in waiting if not ({r.split(".")[0] for r in tables[n].reference.values()} - {n}) & set(waiting)
        ]
        for name in free or waiting[:1]:
            ordered.append(name)
            waiting.remove(name)
    return ordered


def drop_tables(run: SourceRun, wanted: set[str]) -> None:
    """Drop the tables of this source that its configuration or its files no longer have."""
    mine = {t.name for t in run.store.tables().values() if t.source == run.name}
    for name in sorted((mine | set(run.tables)) - wanted):
        with run.begin() as writer:
            run.tables.pop(name, None)
            run.versions.pop(name, None)
            run.totals += RunTotals(deleted=writer.drop_table(name))
            writer.put_quarantine(run.name, name, ())
            run.save(writer)


def table_spec(run: SourceRun, name: str, config: TableConfig) -> TableSpec:
    """What the configuration says of a table, with the keys that it may refer to."""
    references: dict[str, tuple[str, frozenset[str]]] = {}
    held = run.store.tables()
    for column, target in config.reference.items():
        table, _, key = target.partition(".")
        if table != name and (table not in held or key not in {c.name for c in held[table].columns}):
            raise SourceError(
                f"{run.name}.{name}.reference: there is no column {target} to refer to",
                hint="name a table and a column that a source loads",
            )
        if table != name:
            keys = frozenset(str(value) for (value,) in run.store.rows(table, [key]) if value is not None)
            references[column] = (target, keys)
    return TableSpec(name, run.name, config.key, config.types, config.derive, references)


def reference_versions(run: SourceRun, config: TableConfig) -> list[str]:
    """The state of the tables that a table refers to."""
    return [run.versions.get(target.partition(".")[0], "") for target in config.reference.values()]


def align(built: Built, table: DataTable) -> Iterator[DataRow]:
    """The rows of `built` with their values in the order of the stored table's columns."""
    names = [c.name for c in table.columns]
    own = {c.name: place for place, c in enumerate(built.table.columns)}
    if names == list(own):
        yield from built.rows
        return
    places = [own.get(name) for name in names]
    for row in built.rows:
        yield DataRow(row.key, row.origin, tuple(None if p is None else row.values[p] for p in places))


def _check_there(run: SourceRun, name: str, config: FileTableConfig, entries: Sequence[FileEntry]) -> None:
    if entries or (run.full and name in run.tables):
        return
    if run.tables.get(name, {}).get("files"):
        raise SourceError(
            f"{run.name}.{name}: all its files are gone; nothing matches {config.files!r} under {run.root}",
            hint="if they were deleted on purpose run `tower ingest --full`, else bring them back",
        )
    raise SourceError(
        f"{run.name}.{name}: no file matches {config.files!r} under {run.root}",
        hint=f"there are {', '.join(list(run.files)[:8]) or 'no files'}",
    )


def _sync_table(run: SourceRun, name: str, config: FileTableConfig, entries: Sequence[FileEntry]) -> None:
    held = run.tables.get(name, {})
    ledger = marks(entries, {} if run.full else held.get("files", {}))
    contents = sorted((n, m.sha256) for n, m in ledger.items())
    inputs = digest(READER_VERSION, config.model_dump(mode="json"), contents, reference_versions(run, config))
    files = {n: list(asdict(m).values()) for n, m in ledger.items()}
    if held.get("inputs") == inputs and not run.full:
        run.versions[name] = inputs
        run.totals += RunTotals(held["read"], 0, held["read"] - held["quarantined"], held["quarantined"])
        if files != held.get("files"):
            with run.begin() as writer:
                run.tables[name] = held | {"files": files}
                run.save(writer)
        return
    raws, rejected, unread = _read(run, name, config, entries, ledger)
    prior = run.store.tables().get(name)
    try:
        built = build_table(table_spec(run, name, config), raws, prior, fixed=bool(unread and prior))
    except SourceError as error:
        if not (isinstance(run.config, FileSource) and run.config.automatic):
            raise
        # Nobody said that this file holds records: it is set aside, and the others are read.
        rejected = [Rejected(entry.name, error.message, "") for entry in entries]
        built = Built(DataTable(name, run.name, ()), (), ())
    run.warnings += built.warnings
    _write(run, name, built, [*rejected, *built.rejected], unread, {"inputs": inputs, "files": files})


def _read(
    run: SourceRun, name: str, config: FileTableConfig, entries: Sequence[FileEntry], ledger: Mapping[str, FileMark]
) -> tuple[list[RawRow], list[Rejected], set[str]]:
    """The raw rows of all files, what is broken in them, and the files that could not be read to their end."""
    normalise = Normaliser(config.rename)
    raws: list[RawRow] = []
    rejected: list[Rejected] = []
    unread: set[str] = set()
    since = time.monotonic()
    for number, entry in enumerate(entries, 1):
        try:
            for item in read_records(entry.path, config.records, config.encoding):
                if isinstance(item, Broken):
                    rejected.append(Rejected(f"{entry.name}#{item.place}", item.reason, item.raw))
                else:
                    raws.append(RawRow(entry.name, item.place, normalise(item.values)))
        except SourceError as error:
            unread.add(entry.name)
            rejected.append(Rejected(f"{entry.name}", error.message, ""))
        run.tell(name, number, len(ledger), since)
    return raws, rejected, unread


def _write(
    run: SourceRun, name: str, built: Built, rejected: Sequence[Rejected], unread: set[str], state: Mapping[str, object]
) -> None:
    """One transaction: the rows, what is in quarantine, and what is remembered of the table."""
    origins = {f"{run.name}|{file}" for file in unread}
    with run.begin() as writer:
        loaded = unchanged = deleted = 0
        if built.table.columns or writer.table(name) is not None:
            table = writer.put_table(built.table if built.table.columns else DataTable(name, run.name, ()))
            rows = writer.rows(table)
            # A file that cannot be read today says nothing about the rows that it gave before: they stay.
            keep = {row.key for row in built.rows} | rows.keys_from(origins)
            changes = rows.upsert(align(built, table)) + rows.delete_missing(keep)
            loaded, unchanged, deleted = changes.loaded, changes.unchanged, changes.deleted
        writer.put_quarantine(run.name, name, rejected)
        read = loaded + unchanged + built.repeated + len(rejected)
        run.totals += RunTotals(read, loaded, unchanged + built.repeated, len(rejected), deleted)
        run.tables[name] = {**state, "read": read, "quarantined": len(rejected)}
        run.versions[name] = str(state["inputs"])
        run.save(writer)
