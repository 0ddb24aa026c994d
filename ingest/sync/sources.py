"""Bringing sources up to date: every source's tables first, then the documents, which name what the tables hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rapidfuzz import process

from index.catalogue.model import Catalogue
from index.errors import NotFoundError, SourceError, StorageError, TowerError
from index.store.store import Store
from index.store.writer import RunTotals
from ingest.config import FileSource, SourcesConfig, SqlSource
from ingest.files import list_files
from ingest.likeness import mark_alike
from ingest.linking import EntityDictionary, build_dictionary
from ingest.object_store import is_object_url, mirror
from ingest.progress import Listener, Progress, SyncReport, silent
from ingest.readers.pool import ReaderPool
from ingest.row_documents import prose_documents
from ingest.sync.collecting import seldom_collecting
from ingest.sync.documents import sync_documents
from ingest.sync.source_run import SourceRun
from ingest.sync.sql import sync_sql_tables
from ingest.sync.streams import sync_stream_tables
from ingest.sync.tables import sync_file_tables


def ignored(_source: str) -> None:
    """Nobody wants to know."""


def sync(
    sources: SourcesConfig,
    store: Store,
    catalogue: Catalogue | None,
    *,
    only: Sequence[str] = (),
    full: bool = False,
    reconcile: bool = False,
    progress: Listener = silent,
    lost: Callable[[str], None] = ignored,
) -> list[SyncReport]:
    """Bring the sources up to date, or those named in `only`; one report a source, in the order of tower.yaml.

    A source that tower.yaml no longer has is removed, with a report of its own behind the others, unless `only` names
    some. A source that fails leaves the others alone: its report says why. A full disk ends the whole sync with
    `StorageError`, since no other source could be written either. `full` reads everything again, and accepts that
    what a source no longer has is gone; `reconcile` compares the keys of streams whose turn it is not yet. Documents
    are linked to the entities of `catalogue`. `lost` is told the name of a source of which something was deleted when
    its tables, and when its documents, are done: the other sources may take hours. Cut off at any moment, the next
    sync ends in the state that this one would have ended in.
    """
    store.create()
    removed = [] if only else _remove_others(sources, store)
    runs = [_open(name, sources, store, full, reconcile, progress) for name in _chosen(sources, only)]
    versions = _versions(sources, store)
    reports: dict[str, SyncReport] = {}
    for run in runs:
        run.versions = versions
        if catalogue is not None and _chooses_by_itself(run):
            run.row_documents, warnings = prose_documents(catalogue, run.name)
            run.warnings += warnings
    for run in _referenced_first(runs):
        _attempt(run, reports, _sync_tables, lost)
    names = build_dictionary(store, catalogue)
    with ReaderPool() as readers:
        for run in runs:
            if run.name not in reports:
                _attempt(run, reports, lambda r: _sync_documents(r, names, readers), lost)
            if run.name not in reports:
                reports[run.name] = run.report("ok")
    mark_alike(store)
    return [*(reports[run.name] for run in runs), *removed]


def _remove_others(sources: SourcesConfig, store: Store) -> list[SyncReport]:
    """Forget the sources that are not configured any more."""
    gone = [name for name in store.sources() if name not in sources.sources]
    return [
        SyncReport(name, "ok", RunTotals(deleted=store.forget_source(name)), 0.0, "no longer in tower.yaml: removed")
        for name in gone
    ]


def _chosen(sources: SourcesConfig, only: Sequence[str]) -> list[str]:
    for name in only:
        if name not in sources.sources:
            near = process.extractOne(name, list(sources.sources), score_cutoff=60)
            there = ", ".join(sources.sources) or "none"
            raise NotFoundError(
                f"no source {name!r} in tower.yaml", hint=f"did you mean {near[0]!r}?" if near else f"there are {there}"
            )
    return [name for name in sources.sources if not only or name in only]


def _open(
    name: str, sources: SourcesConfig, store: Store, full: bool, reconcile: bool, progress: Listener
) -> SourceRun:
    run = SourceRun(name, sources.sources[name], sources.base, store, full, reconcile, progress)
    run.open()
    return run


def _chooses_by_itself(run: SourceRun) -> bool:
    """True for a source of which tower.yaml names no tables: all of a database, all of a folder."""
    return run.config.automatic if isinstance(run.config, FileSource) else run.config.tables is None


def _versions(sources: SourcesConfig, store: Store) -> dict[str, str]:
    """What every loaded table was built from, of the sources that are not synced now too."""
    versions: dict[str, str] = {}
    for name in sources.sources:
        tables = store.source_state(name).state.get("tables")
        for table, held in tables.items() if isinstance(tables, dict) else ():
            versions[table] = held.get("inputs", "")
    return versions


def _referenced_first(runs: Sequence[SourceRun]) -> list[SourceRun]:
    """The runs in an order in which a source comes after those whose tables it refers to."""
    owner = {table: run.name for run in runs for table in run.config.tables or {}}
    waiting, ordered = list(runs), list[SourceRun]()
    while waiting:
        names = {run.name for run in waiting}
        free = [run for run in waiting if not (_needs(run, owner) - {run.name}) & names] or waiting[:1]
        ordered += free
        waiting = [run for run in waiting if run not in free]
    return ordered


def _needs(run: SourceRun, owner: dict[str, str]) -> set[str]:
    targets = [t for config in (run.config.tables or {}).values() for t in config.reference.values()]
    return {owner[t.partition(".")[0]] for t in targets if t.partition(".")[0] in owner}


def _sync_tables(run: SourceRun) -> None:
    with seldom_collecting():
        _sync_tables_of(run)


def _sync_tables_of(run: SourceRun) -> None:
    if isinstance(run.config, FileSource):
        if is_object_url(run.config.path):
            gone = run.store.suppression().file_is_gone
            done = mirror(
                run.config.path, run.config.storage, run.root, full=run.full, skip=lambda name: gone(run.name, name)
            )
            run.warnings += [f"{run.name}: not read: {line}" for line in done.left_out]
        run.files = list_files(run.root)
        _check_not_emptied(run)
        sync_file_tables(run)
    elif isinstance(run.config, SqlSource):
        sync_sql_tables(run)
    else:
        sync_stream_tables(run)


def _sync_documents(run: SourceRun, names: EntityDictionary, readers: ReaderPool) -> None:
    sync_documents(run, names, readers)
    run.finish()


def _check_not_emptied(run: SourceRun) -> None:
    """A folder that had files and has none is more likely not mounted than meant."""
    if run.files or run.full:
        return
    held = len(run.documents.get("files", {})) + sum(len(t.get("files", {})) for t in run.tables.values())
    if held:
        raise SourceError(
            f"{run.root} is empty, and held {held} files at the last sync; nothing was deleted",
            hint="if that is meant run `tower ingest --full`, else bring the files back",
        )


def _attempt(
    run: SourceRun, reports: dict[str, SyncReport], step: Callable[[SourceRun], None], lost: Callable[[str], None]
) -> None:
    since, deleted = time.monotonic(), run.totals.deleted
    message = hint = ""
    try:
        step(run)
    except StorageError:
        raise
    except TowerError as error:
        message, hint = error.message, error.hint
    except Exception as error:  # a source must not take the others with it, whatever its reader stumbled over
        message, hint = f"{run.name}: {type(error).__name__}: {error}", "this is a fault of Tower: please report it"
    run.seconds += time.monotonic() - since
    if message:
        message, hint = run.redacted(message), run.redacted(hint)
        run.fail(message)
        reports[run.name] = run.report("failed", message, hint)
    if run.totals.deleted > deleted:
        lost(run.name)


__all__ = ["Progress", "SyncReport", "sync"]
