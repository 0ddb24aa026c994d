"""Documents of the SQL index, reading side: every read takes a Scope, and what it does not show is not there.

`DocumentReader` is what retrieval needs; `SqlDocuments` reads it from the system tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import sqlalchemy as sa

from index.documents import Document
from index.errors import NotFoundError
from index.scope import Scope
from index.store.base import storage_errors
from index.store.schema import chunks, documents, likeness

_BATCH = 500  # ids in one query: every engine takes as many parameters
_REMEMBERED = 4_096  # texts of each kind
_CHUNK = (chunks.c.chunk_id, chunks.c.hash, chunks.c.start, chunks.c.end, chunks.c.heading, chunks.c.page)
_ABOUT = tuple(
    documents.c[name] for name in ("doc_id", "source", "title", "uri", "kind", "date", "tags", "entities", "meta")
)
_PASSAGE = sa.func.substr(documents.c.text, chunks.c.start + 1, chunks.c.end - chunks.c.start).label("passage")
_CHUNKS = (  # put together once: that takes as long as running it
    sa.select(*_CHUNK, _PASSAGE, likeness.c.group, *_ABOUT)
    .join(documents, documents.c.doc_id == chunks.c.doc_id)
    .outerjoin(likeness, likeness.c.doc_id == chunks.c.doc_id)
    .where(chunks.c.chunk_id.in_(sa.bindparam("ids", expanding=True)))
)


@dataclass(frozen=True)
class StoredChunk:
    """A chunk as the SQL index holds it. `document.text` is left empty; `text` is the passage,
    `document text[start:end]`; `hash` is that of the state that the vector index must have seen.
    `alike` names the group of documents that say nearly the same as this one, where there is one."""

    document: Document
    chunk_id: str
    hash: str
    start: int
    end: int
    heading: str
    page: int | None
    text: str
    alike: str | None = None


class DocumentReader(Protocol):
    """Reads stored documents within a Scope."""

    def chunks(self, ids: Sequence[str], scope: Scope) -> dict[str, StoredChunk]:
        """The chunks that exist and that `scope` shows, by chunk id; others are left out."""
        ...

    def document(self, doc_id: str, scope: Scope) -> Document:
        """One document without its sections; one that is not there or not visible is `NotFoundError`."""
        ...

    def text(self, doc_id: str, start: int, end: int, scope: Scope) -> str:
        """`document.text[start:end]`, with `document`'s errors."""
        ...


class SqlDocuments:
    """A `DocumentReader` over the SQL index behind `engine`, which may be read-only."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def chunks(self, ids: Sequence[str], scope: Scope) -> dict[str, StoredChunk]:
        """The chunks that exist and that `scope` shows, by chunk id; the text is cut out in the database."""
        if not scope.tags:
            return {}
        found: dict[str, StoredChunk] = {}
        with storage_errors(self._engine), self._engine.connect() as connection:
            for first in range(0, len(ids), _BATCH):
                for row in connection.execute(_CHUNKS, {"ids": ids[first : first + _BATCH]}):
                    values: tuple[Any, ...] = tuple(row)
                    document = _document(*values[len(_CHUNK) + 2 :], text="")
                    if _visible(document, scope):
                        found[values[0]] = StoredChunk(document, *values[: len(_CHUNK) + 2])
        return found

    def document(self, doc_id: str, scope: Scope) -> Document:
        """One document without its sections; an invisible one is as missing as one that is not there."""
        with storage_errors(self._engine), self._engine.connect() as connection:
            query = sa.select(*_ABOUT, documents.c.text).where(documents.c.doc_id == doc_id)
            row = connection.execute(query).one_or_none()
        if row is not None:
            document = _document(*row[:-1], text=row[-1])
            if _visible(document, scope):
                return document
        raise NotFoundError(f"no document {doc_id!r}", hint="`tower search` shows the ids of documents")

    def text(self, doc_id: str, start: int, end: int, scope: Scope) -> str:
        """The characters `start` to `end` of a document's text."""
        return self.document(doc_id, scope).text[start:end]

    def subjects(self) -> frozenset[str]:
        """Everything that some document is about, as `entity:key`: the rest of policy is worked out of it, and it
        goes nowhere else."""
        with storage_errors(self._engine), self._engine.connect() as connection:
            held = connection.execute(sa.select(documents.c.entities).distinct()).scalars().all()
        return frozenset(
            f"{entity}:{key}" for text in held for entity, keys in json.loads(text).items() for key in keys
        )


def _visible(document: Document, scope: Scope) -> bool:
    return scope.shows(document.tags, (f"{entity}:{key}" for entity, keys in document.entities.items() for key in keys))


def _document(
    doc_id: str,
    source: str,
    title: str,
    uri: str,
    kind: str,
    date: str,
    tags: str,
    entities: str,
    meta: str,
    *,
    text: str,
) -> Document:
    """A document from the columns `_ABOUT` in their order."""
    return Document(doc_id, source, title, text, _tags(tags), uri, kind, date, _about(entities), meta=_meta(meta))


# Documents share most of these, and reading them again takes as long as reading the row.


@lru_cache(maxsize=_REMEMBERED)
def _tags(text: str) -> frozenset[str]:
    return frozenset(json.loads(text))


@lru_cache(maxsize=_REMEMBERED)
def _about(text: str) -> Mapping[str, tuple[str, ...]]:
    return {entity: tuple(keys) for entity, keys in json.loads(text).items()}


@lru_cache(maxsize=_REMEMBERED)
def _meta(text: str) -> Mapping[str, str]:
    meta: dict[str, str] = json.loads(text)
    return meta
