"""What the tests of search share: a quick embedder that means something, and a small stored library."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.documents import Chunk, Document
from index.embedding.embedder import Vectors
from index.engine import open_engine
from index.scope import Principal, Scope
from index.store.store import Store
from index.store.writer import StoredDocument
from index.vectors.keywords import terms


class WordEmbedder:
    """An `Embedder` without weights: a text is the sum of fixed random directions of its terms."""

    dimension = 384

    def __init__(self, identity: str = "words/1") -> None:
        self.identity = identity
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded.extend(texts)
        return np.array([_direction(text) for text in texts], dtype=np.float32).reshape(len(texts), self.dimension)

    def embed_query(self, text: str, asker: str = "") -> npt.NDArray[np.float32]:
        return _direction(text)


def _direction(text: str) -> npt.NDArray[np.float32]:
    total = np.full(384, 1e-3)
    for term in terms(text):
        seed = int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "big")
        total += np.random.default_rng(seed).normal(size=384)
    unit: npt.NDArray[np.float32] = (total / np.linalg.norm(total)).astype(np.float32)
    return unit


def reader(*tags: str) -> Scope:
    """A Scope that sees documents with one of `tags`."""
    return Scope(Principal("tester"), {}, frozenset(tags))


def document(doc_id: str, *paragraphs: str, **changes: object) -> StoredDocument:
    """A document in source `library`, tagged `public`, with a chunk a paragraph."""
    text = "\n\n".join(paragraphs)
    given: dict[str, object] = {"source": "library", "title": doc_id.title(), "tags": frozenset({"public"})}
    chunks, start = [], 0
    for ordinal, paragraph in enumerate(paragraphs):
        start = text.index(paragraph, start)
        chunks.append(Chunk(f"{doc_id}#{ordinal}", doc_id, ordinal, start, start + len(paragraph), f"Part {ordinal}"))
        start += len(paragraph)
    return StoredDocument(Document(doc_id=doc_id, text=text, **(given | changes)), tuple(chunks), "library|test")  # type: ignore[arg-type]


def store_at(home: Path) -> Store:
    """A new SQL index in `home`."""
    store = Store(open_engine(f"sqlite:///{home / 'tower.sqlite'}"))
    store.create()
    return store


def put(store: Store, *documents: StoredDocument) -> None:
    """Write documents in one transaction."""
    with store.begin() as writer:
        writer.put_documents(documents)


def remove(store: Store, *doc_ids: str) -> None:
    """Delete documents in one transaction."""
    with store.begin() as writer:
        writer.delete_documents(doc_ids)
