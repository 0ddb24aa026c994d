"""The vector gateway: the one door to a vector engine. A search without a Scope cannot be written.

Points carry a dense and a sparse vector and this payload, and nothing else: `chunk_id`, `doc_id`, `source`,
`tags` (list), `entities` (list of `entity:key`), `date`, `hash`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from index.scope import Scope


@dataclass(frozen=True)
class SparseVector:
    """Term ids and weights, same length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Point:
    """One chunk in the vector index. `dense` is unit length and free of NaN."""

    chunk_id: str
    doc_id: str
    source: str
    tags: tuple[str, ...]
    entities: tuple[str, ...]
    date: str
    hash: str
    dense: Sequence[float]
    sparse: SparseVector


@dataclass(frozen=True)
class Narrow:
    """What the question itself asks for, on top of policy: all given parts must hold; empty parts do not narrow.

    `entities` is a list of `entity:key`, of which a passage must carry at least one. An `entities` of None does not
    narrow; an empty tuple matches nothing (a join with no keys has no passages).
    """

    sources: tuple[str, ...] = ()
    entities: tuple[str, ...] | None = None
    doc_ids: tuple[str, ...] | None = None
    since: str = ""
    until: str = ""


@dataclass(frozen=True)
class Hit:
    """A point that matched: `dense` is the cosine similarity, `sparse` the keyword score, either None if not found
    by that leg."""

    chunk_id: str
    doc_id: str
    hash: str
    dense: float | None
    sparse: float | None


class VectorGateway(Protocol):
    """A vector engine behind policy. Raises `PolicyError` for a scope that sees no document tag at all only when
    asked to `search`; a scope that sees nothing gets no hits."""

    def upsert(self, points: Iterable[Point]) -> int:
        """Insert or replace points by `chunk_id`; durable when it returns. NaN is refused with `ModelError`."""
        ...

    def delete(self, chunk_ids: Sequence[str]) -> None:
        """Remove points; unknown ids are no error."""
        ...

    def search(
        self, scope: Scope, dense: Sequence[float] | None, sparse: SparseVector | None, *, narrow: Narrow, limit: int
    ) -> list[Hit]:
        """The best `limit` points of each leg within `scope` and `narrow`, merged by chunk, unfused."""
        ...

    def count(self) -> int:
        """Points held."""
        ...

    def close(self) -> None:
        """Release the engine; idempotent."""
        ...
