"""Documents of the SQL index, reading side: every read takes a Scope, and what it does not show is not there.

`DocumentReader` is what retrieval needs; `SqlDocuments` reads it from the system tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
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


class _Text:
    """`_CHUNKS` for a number of ids, as a driver takes it."""

    def __init__(self, engine: sa.Engine, count: int) -> None:
        compiled = _CHUNKS.compile(engine)
        places = [_Place(place) for place in range(count)]
        state = compiled.construct_expanded_state({"ids": places})
        self._dialect, self._statement = engine.dialect, state.statement
        self._named = None if compiled.positional else dict(state.parameters)
        self._listed = tuple(state.positional_parameters) if compiled.positional else ()

    def asked(self, connection: sa.PoolProxiedConnection, ids: Sequence[str]) -> Sequence[tuple[Any, ...]]:
        """The rows for these ids. Raises what SQLAlchemy raises."""
        given: Any
        if self._named is None:
            given = tuple(ids[one] if isinstance(one, _Place) else one for one in self._listed)
        else:
            given = {name: ids[one] if isinstance(one, _Place) else one for name, one in self._named.items()}
        dbapi = self._dialect.loaded_dbapi
        try:
            with closing(connection.cursor()) as cursor:
                cursor.execute(self._statement, given)
                return cursor.fetchall()
        except dbapi.Error as error:
            raise sa.exc.DBAPIError.instance(
                self._statement, given, error, dbapi.Error, dialect=self._dialect
            ) from error


class _Place(int):
    """Which of the ids stands at a place of a statement."""


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
        self._texts: dict[int, _Text] = {}

    def chunks(self, ids: Sequence[str], scope: Scope) -> dict[str, StoredChunk]:
        """The chunks that exist and that `scope` shows, by chunk id; the text is cut out in the database."""
        if not scope.tags:
            return {}
        found: dict[str, StoredChunk] = {}
        for values in self._rows(ids):
            document = _document(*values[len(_CHUNK) + 2 :], text="")
            if _visible(document, scope):
                found[values[0]] = StoredChunk(document, *values[: len(_CHUNK) + 2])
        return found

    def _rows(self, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        """The rows of `_CHUNKS`, from the driver: every search asks for them, and what SQLAlchemy works out for each
        asking takes longer than the answer."""
        rows: list[tuple[Any, ...]] = []
        with storage_errors(self._engine), closing(self._engine.raw_connection()) as connection:
            for first in range(0, len(ids), _BATCH):
                some = ids[first : first + _BATCH]
                text = self._texts.get(len(some)) or self._texts.setdefault(len(some), _Text(self._engine, len(some)))
                rows.extend(text.asked(connection, some))
        return rows

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
