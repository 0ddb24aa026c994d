"""Documents from files, from lines of JSON, and from the rows of a table, with tags, entities and chunks."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from index.documents import SENDER, Document
from index.errors import SourceError
from index.store.tables import Cell
from index.store.writer import Rejected, StoredDocument
from ingest.chunking import chunk
from ingest.config import AUTHORS, DocumentsConfig, RowDocumentsConfig
from ingest.files import FileEntry
from ingest.linking import EntityDictionary, merge
from ingest.readers import Broken, ParsedDocument, Part, read_records
from ingest.readers.clean import one_line, tidy
from ingest.readers.text import iso_date
from ingest.records import key_text, raw_json

_LINES = (".jsonl", ".ndjson")
_PATH_KEY = "path"  # in `meta`: the path under the source's folder, which entities are found in again


def documents_of_file(
    source: str,
    entry: FileEntry,
    uri: str,
    config: DocumentsConfig,
    names: EntityDictionary,
    parts: Callable[[Path], Sequence[Part]],
) -> Iterator[StoredDocument | Rejected]:
    """The documents of one file: one, one a member of an archive, or one a line of a JSON-lines file.

    `parts` reads the file; what cannot be read is `Rejected`.
    """
    if is_lines(entry.path):
        yield from _documents_of_lines(source, entry, uri, config, names)
        return
    for part in parts(entry.path):
        origin = f"{entry.name}#{part.place}" if part.place else entry.name
        if part.document is None:
            yield Rejected(origin, part.reason + (f" ({part.hint})" if part.hint else ""), "")
        else:
            name = f"{entry.name}/{part.place}" if part.place else entry.name
            document = _document_of_part(source, name, part.document, config)
            yield finish(replace(document, uri=uri), config.entities, names, origin)


def is_lines(path: Path) -> bool:
    """True for a file with a document a line."""
    return path.suffix.lower() in _LINES


def _document_of_part(source: str, name: str, parsed: ParsedDocument, config: DocumentsConfig) -> Document:
    kind, date = config.kind or parsed.kind, parsed.date or _date_in(name)
    meta = {**parsed.meta, _PATH_KEY: name}
    tags = frozenset(config.tags)
    return Document(
        f"{source}:{name}", source, parsed.title, parsed.text, tags, "", kind, date, {}, parsed.sections, meta
    )


def _date_in(name: str) -> str:
    """The ISO date in a file's name, or empty."""
    found = re.search(r"(?<!\d)(?:19|20)\d{2}-\d{2}-\d{2}(?!\d)", name)
    return iso_date(found.group()) if found else ""


def _documents_of_lines(
    source: str, entry: FileEntry, uri: str, config: DocumentsConfig, names: EntityDictionary
) -> Iterator[StoredDocument | Rejected]:
    try:
        for item in read_records(entry.path):
            origin = f"{entry.name}#{item.place}"
            if isinstance(item, Broken):
                yield Rejected(origin, item.reason, item.raw)
                continue
            found = _document_of_line(source, item.values, item.place, entry.name)
            if isinstance(found, str):
                yield Rejected(origin, found, raw_json(item.values))
                continue
            document = replace(found, tags=frozenset(config.tags), uri=uri, kind=config.kind or found.kind)
            yield finish(document, config.entities, names, origin)
    except SourceError as error:
        yield Rejected(entry.name, error.message, "")


def _document_of_line(source: str, values: Mapping[str, Any], place: str, name: str) -> Document | str:
    """The document in one JSON object, or the reason why there is none in it."""
    key = next((values[k] for k in ("_id", "id", "doc_id") if values.get(k) not in (None, "")), None)
    if key is None:
        return "missing key _id"
    title, text = one_line(str(values.get("title") or "")), tidy(str(values.get("text") or values.get("body") or ""))
    if not text and not title:
        return "no text"
    whole = f"{title}\n\n{text}" if title and not text.startswith(title) else text
    known = ("_id", "id", "doc_id", "title", "text", "body")
    meta = {k: one_line(str(v)) for k, v in values.items() if k not in known and isinstance(v, str | int | float)}
    date = next((iso_date(values[k]) for k in ("date", "created_at", "published") if values.get(k)), "")
    kind = str(values.get("kind") or "")
    meta = {k: v for k, v in meta.items() if len(v) <= 500} | {_PATH_KEY: name}
    return Document(
        f"{source}:{key}", source, title or f"{name} {place}", whole, frozenset(), "", kind, date, meta=meta
    )


def document_of_row(
    source: str, table: str, config: RowDocumentsConfig, row: Mapping[str, Cell], key: str, names: EntityDictionary
) -> StoredDocument | None:
    """The document of one row of a finished table; None where it has no text or no id."""
    parts = [tidy(str(row[c])) for c in config.text if row.get(c) not in (None, "")]
    text = "\n\n".join(part for part in parts if part)
    doc_key = key_text([row.get(config.id)]) if config.id else f"{table}/{key}"
    if not text or not doc_key:
        return None
    date = row.get(config.date) if config.date else None
    day = date.isoformat()[:10] if isinstance(date, dt.date) else iso_date(date or "")
    entities = {e: (str(row[c]),) for e, c in config.entities.items() if row.get(c) not in (None, "")}
    title = one_line(str(row.get(config.title) or "")) if config.title else ""
    wrote = next((str(row[c]) for c in ((config.author,) if config.author else AUTHORS) if row.get(c)), "")
    meta = {"table": table, "key": key} | ({SENDER: one_line(wrote)[:200]} if wrote else {})
    document = Document(
        f"{source}:{doc_key}", source, title or f"{table} {key}", text, frozenset(config.tags), "",
        config.kind or table, day, merge(entities, names.in_text(f"{title}\n{text}")), (), meta,
    )  # fmt: skip
    return StoredDocument(document, chunk(document), f"{table}#{key}")


def finish(document: Document, rules: Mapping[str, str], names: EntityDictionary, origin: str) -> StoredDocument:
    """`document` with its entities and its chunks."""
    linked = link(document, rules, names)
    return StoredDocument(linked, chunk(linked), origin)


def link(document: Document, rules: Mapping[str, str], names: EntityDictionary) -> Document:
    """`document` with the entities that its rules and the dictionary give. What it held before is not kept."""
    ruled = {entity: _by_rule(document, entity, rule, names) for entity, rule in rules.items()}
    return replace(document, entities=merge(ruled, names.in_text(f"{document.title}\n{document.text}")))


def _by_rule(document: Document, entity: str, rule: str, names: EntityDictionary) -> tuple[str, ...]:
    if rule == "{contact_email}":
        return names.by_email(entity, document.meta.get("emails", ""))
    found = re.search(rule, document.meta.get(_PATH_KEY, ""))
    return (found["key"],) if found and found["key"] else ()


def entities_json(document: Document) -> str:
    """The entities of a document in a form that is equal where they are."""
    return json.dumps({k: sorted(v) for k, v in sorted(document.entities.items())})
