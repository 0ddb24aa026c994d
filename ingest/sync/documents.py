"""The documents of a source: changed files are parsed, the others at most linked anew to the entities they name.

Files are read in batches. A batch and its part of the ledger commit together, so that a sync that is cut off goes on
where it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from index.errors import SourceError
from index.store.store import Store
from index.store.writer import Rejected, RunTotals, StoredDocument, Writer, digest
from ingest.chunking import CHUNKING_VERSION
from ingest.config import DocumentsConfig, FileSource, RowDocumentsConfig, TableConfig
from ingest.documents import document_of_row, documents_of_file, entities_json, is_lines, link
from ingest.files import FileEntry, FileMark, mark, matching
from ingest.linking import EntityDictionary
from ingest.object_store import is_object_url
from ingest.readers import DOCUMENTS, Part
from ingest.readers.base import MAX_BYTES
from ingest.readers.pool import ReaderPool
from ingest.sync.source_run import SourceRun

DOCUMENT_VERSION = "2"  # counts up when the same file gives another document
BATCH = 100
TARGET = "document"


def sync_documents(run: SourceRun, names: EntityDictionary, readers: ReaderPool) -> None:
    """Bring the documents of a source up to date: those of its rows, then those of its files, read by `readers`."""
    links = names.fingerprint()
    _sync_rows(run, names, links)
    if isinstance(run.config, FileSource):
        _FileSync(run, names, links, readers).run()
    run.documents["cut"] = CHUNKING_VERSION


def cut_another_way(store: Store) -> int:
    """How many documents were cut into passages by another version than this: the next sync of their sources cuts them
    again, and embeds what comes of it."""
    held = {one.source: one.documents for one in store.status().sources}
    return sum(count for name, count in held.items() if _cut(store, name) not in ("", CHUNKING_VERSION))


def _cut(store: Store, source: str) -> str:
    """The version that cut the documents of a source; empty where it is not known."""
    documents = store.source_state(source).state.get("documents")
    return str(documents.get("cut", "")) if isinstance(documents, dict) else ""


def _sync_rows(run: SourceRun, names: EntityDictionary, links: str) -> None:
    held: dict[str, str] = run.documents.setdefault("rows", {})
    tables: Mapping[str, TableConfig] = run.config.tables or {}
    wanted = {name: config.documents for name, config in tables.items() if config.documents is not None}
    wanted = wanted or run.row_documents
    for name in [n for n in held if n not in wanted]:
        with run.begin() as writer:
            writer.delete_documents(_row_ids(run, name))
            del held[name]
            run.save(writer)
    for name, config in wanted.items():
        version = digest(run.versions.get(name, ""), config.model_dump(), links, CHUNKING_VERSION)
        if held.get(name) != version:
            _write_rows(run, name, config, names, version)


def _write_rows(run: SourceRun, name: str, config: RowDocumentsConfig, names: EntityDictionary, version: str) -> None:
    table = run.store.tables().get(name)
    since = time.monotonic()
    documents: dict[str, StoredDocument] = {}
    columns = ["_key", *(c.name for c in table.columns)] if table else []
    if table is not None:
        _check_columns(run, name, config, set(columns))
    for number, row in enumerate(run.store.rows(name, columns), 1):
        values = dict(zip(columns, row, strict=True))
        built = document_of_row(run.name, name, config, values, str(values["_key"]), names)
        if built is not None:
            documents.setdefault(built.document.doc_id, built)
        if number % 500 == 0:
            run.tell(f"{name} documents", number, 0, since, "rows")
    gone = [doc_id for doc_id in _row_ids(run, name) if doc_id not in documents]
    with run.begin() as writer:
        writer.delete_documents(gone)
        writer.put_documents(documents.values())
        run.documents["rows"][name] = version
        run.save(writer)


def _check_columns(run: SourceRun, name: str, config: RowDocumentsConfig, columns: set[str]) -> None:
    named = [*config.text, *config.entities.values(), *(c for c in (config.id, config.title, config.date) if c)]
    for column in named:
        if column not in columns:
            raise SourceError(
                f"{run.name}.{name}.documents: the table has no column {column!r}",
                hint=f"it has {', '.join(sorted(columns - {'_key'}))}",
            )


def _row_ids(run: SourceRun, table: str) -> list[str]:
    return [d for d, origin in run.store.document_origins(run.name).items() if origin.startswith(f"{table}#")]


class _FileSync:
    """The document files of one source on their way into the index."""

    def __init__(self, run: SourceRun, names: EntityDictionary, links: str, readers: ReaderPool) -> None:
        self._run = run
        self._names = names
        self._links = links
        self._readers = readers
        self._rules: dict[str, DocumentsConfig] = {}
        self._versions: dict[int, str] = {}
        self._known: set[str] = set()

    def run(self) -> None:
        """Compare the files with the ledger, and read, link anew or remove what differs."""
        run = self._run
        forgotten = run.store.suppression()
        entries = [entry for entry in self._entries() if not forgotten.file_is_gone(run.name, entry.name)]
        held: dict[str, list[object]] = run.documents.setdefault("files", {})
        ledger, unread = _marks(entries, {} if run.full else held)
        entries = [e for e in entries if e.name in ledger]
        self._known = {*held, *ledger}
        changed = [e for e in entries if run.full or not self._is_held(e.name, ledger[e.name])]
        again = {e.name for e in changed}
        gone = [name for name in held if name not in ledger and name not in unread]
        relink = bool(held) and run.documents.get("links") != self._links
        self._count_unchanged([e.name for e in entries if e.name not in again])
        self._note_unread(unread)
        touched = [n for n, m in ledger.items() if n not in again and held[n][:3] != _mark_list(m)]
        if not (changed or gone or touched or run.documents.get("links") != self._links):
            return
        self._remove(gone, relink, again)
        for start in range(0, len(changed), BATCH):
            self._read(changed[start : start + BATCH], ledger, start, len(changed))
        with run.begin() as writer:
            for name in touched:
                held[name][:3] = _mark_list(ledger[name])
            run.documents["links"] = self._links
            run.save(writer)

    def _entries(self) -> list[FileEntry]:
        """The document files, each with the first rule that it fits."""
        run = self._run
        assert isinstance(run.config, FileSource)
        if run.config.automatic:
            rule = DocumentsConfig(files="**/*", tags=(run.name,))
            found = [e for n, e in run.files.items() if PurePosixPath(n).suffix.lower() in DOCUMENTS]
            self._rules = {e.name: rule for e in found}
            return found
        chosen: dict[str, FileEntry] = {}
        for number, config in enumerate(run.config.documents or ()):
            entries = matching(run.files, config.files, run.root)
            if not entries:
                run.warnings.append(f"documents[{number}]: no file matches {config.files!r}")
            for entry in entries:
                if entry.name not in chosen:
                    chosen[entry.name], self._rules[entry.name] = entry, config
        return [chosen[name] for name in sorted(chosen)]

    def _is_held(self, name: str, mark: FileMark) -> bool:
        """True where the file was read with this content, under this rule."""
        held = self._run.documents["files"].get(name)
        return held is not None and held[2] == mark.sha256 and held[5] == self._rule_version(name)

    def _rule_version(self, name: str) -> str:
        rule = self._rules[name]
        known = self._versions.get(id(rule))
        if known is None:
            known = self._versions[id(rule)] = digest(DOCUMENT_VERSION, CHUNKING_VERSION, rule.model_dump())
        return known

    def _count_unchanged(self, names: list[str]) -> None:
        for name in names:
            documents, rejected = self._run.documents["files"][name][3:5]
            self._run.totals += RunTotals(documents + rejected, 0, documents, rejected)

    def _note_unread(self, unread: Mapping[str, SourceError]) -> None:
        """A file that cannot be opened today says nothing about what it said before: its documents stay."""
        if not unread:
            return
        self._run.warnings += [error.message for error in unread.values()][:20]
        with self._run.begin() as writer:
            self._quarantine(writer, {*unread}, [Rejected(n, e.message, "") for n, e in unread.items()])
        self._run.totals += RunTotals(len(unread), 0, 0, len(unread))

    def _remove(self, gone: list[str], relink: bool, changed: set[str]) -> None:
        """Take out the documents of files that are gone, and link those of unchanged files anew."""
        run = self._run
        lost = [d for d, origin in self._origins().items() if self._file_of(origin) in gone]
        moved: list[StoredDocument] = []
        for stored in run.store.documents(run.name) if relink else ():
            file = self._file_of(stored.origin)
            rule = self._rules.get(file)
            if rule is None or file in changed:
                continue
            linked = link(stored.document, rule.entities, self._names)
            if entities_json(linked) != entities_json(stored.document):
                moved.append(StoredDocument(linked, stored.chunks, stored.origin))
        with run.begin() as writer:
            run.totals += RunTotals(deleted=writer.delete_documents(lost))
            writer.put_documents(moved)
            for name in gone:
                del run.documents["files"][name]
            self._quarantine(writer, {*gone}, [])
            run.save(writer)

    def _origins(self) -> dict[str, str]:
        """`doc_id` to origin, of documents from files only."""
        tables = self._run.documents.get("rows", {})
        held = self._run.store.document_origins(self._run.name).items()
        return {d: origin for d, origin in held if origin.partition("#")[0] not in tables or origin in self._known}

    def _read(self, batch: list[FileEntry], ledger: Mapping[str, FileMark], done: int, total: int) -> None:
        """Parse a batch of files, and write their documents with their part of the ledger."""
        run = self._run
        since = time.monotonic()
        owners = run.store.document_origins(run.name)
        names = {entry.name for entry in batch}
        mine = {d for d, origin in owners.items() if self._file_of(origin) in names}
        taken = {d: origin for d, origin in owners.items() if d not in mine}
        documents: dict[str, StoredDocument] = {}
        rejected: list[Rejected] = []
        counts: dict[str, list[int]] = {name: [0, 0] for name in names}
        readings = self._readers.read_all([entry.path for entry in batch if not is_lines(entry.path)])

        def parts(_path: Path) -> tuple[Part, ...]:
            return next(readings).parts

        for number, entry in enumerate(batch, 1):
            rule = self._rules[entry.name]
            for item in documents_of_file(run.name, entry, self._uri(entry), rule, self._names, parts):
                if isinstance(item, StoredDocument):
                    item = _once(item, documents, taken)
                if isinstance(item, Rejected):
                    rejected.append(item)
                counts[entry.name][isinstance(item, Rejected)] += 1
            run.tell("documents", done + number, total, since)
        gone = [d for d in mine if d not in documents]
        with run.begin() as writer:
            deleted = writer.delete_documents(gone)
            changes = writer.put_documents(documents.values())
            repeated = sum(c[0] for c in counts.values()) - len(documents)
            self._quarantine(writer, names, rejected)
            for name, count in counts.items():
                run.documents["files"][name] = [*_mark_list(ledger[name]), *count, self._rule_version(name)]
            unchanged = changes.unchanged + repeated
            read = changes.loaded + unchanged + len(rejected)
            run.totals += RunTotals(read, changes.loaded, unchanged, len(rejected), deleted)
            run.save(writer)

    def _file_of(self, origin: str) -> str:
        """The file of an origin: all of it, or what stands before a `#`. A file's own name may have that sign too."""
        file = origin.removesuffix(f" [{TARGET}]")
        while file not in self._known and "#" in file:
            file = file.rpartition("#")[0]
        return file if file in self._known else origin.partition("#")[0]

    def _uri(self, entry: FileEntry) -> str:
        assert isinstance(self._run.config, FileSource)
        if is_object_url(self._run.config.path):
            return f"{self._run.config.path.rstrip('/')}/{entry.name}"
        path = PurePosixPath(self._run.config.path)
        return path.as_posix() if self._run.root.is_file() else (path / entry.name).as_posix()

    def _quarantine(self, writer: Writer, files: set[str], rejected: list[Rejected]) -> None:
        """Replace what stands in quarantine of `files`."""
        others = [r for r in writer.quarantine_of(self._run.name, TARGET) if self._file_of(r.origin) not in files]
        writer.put_quarantine(self._run.name, TARGET, [*others, *rejected])


def _once(
    item: StoredDocument, documents: dict[str, StoredDocument], taken: Mapping[str, str]
) -> StoredDocument | Rejected:
    """`item` where its id is free or it says the same again; else why it is not taken."""
    doc_id = item.document.doc_id
    held = documents.get(doc_id)
    if doc_id in taken or (held is not None and held.document.text != item.document.text):
        other = taken.get(doc_id) or (held.origin if held else "")
        return Rejected(item.origin, f"duplicate key {doc_id}: {other} has it already", item.document.text)
    documents.setdefault(doc_id, item)
    return item


def _marks(
    entries: Iterable[FileEntry], held: Mapping[str, object]
) -> tuple[dict[str, FileMark], dict[str, SourceError]]:
    """The marks of files by name, and the files that cannot be opened."""
    found: dict[str, FileMark] = {}
    unread: dict[str, SourceError] = {}
    for entry in entries:
        limit = None if is_lines(entry.path) else MAX_BYTES
        try:
            found[entry.name] = mark(entry, FileMark.of(held.get(entry.name)), limit)
        except SourceError as error:
            unread[entry.name] = error
    return found, unread


def _mark_list(mark: FileMark) -> list[object]:
    return [mark.size, mark.mtime_ns, mark.sha256]
