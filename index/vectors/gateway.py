"""The vector gateway: the one door to a vector engine. A search without a Scope cannot be written.

Points carry a dense and a sparse vector and this payload, and nothing else: `chunk_id`, `doc_id`, `source`,
`tags` (list), `entities` (list of `entity:key`), `date`, `hash`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from index.errors import ModelError, UsageError
from index.scope import Scope

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class SparseVector:
    """Term ids and weights, same length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Point:
    """One chunk in the vector index. `dense` is unit length and free of NaN; `date` is an ISO date or empty."""

    chunk_id: str
    doc_id: str
    source: str
    tags: tuple[str, ...]
    entities: tuple[str, ...]
    date: str
    hash: str
    dense: Sequence[float] | npt.NDArray[np.float32]
    sparse: SparseVector

    def payload(self) -> dict[str, Any]:
        """What the engine holds next to the vectors; dates are cut to the day."""
        return {
            "chunk_id": self.chunk_id,
            "doc_id": self.doc_id,
            "source": self.source,
            "tags": list(self.tags),
            "entities": list(self.entities),
            "date": self.date[:10],
            "hash": self.hash,
        }


@dataclass(frozen=True)
class Narrow:
    """What the question itself asks for, on top of policy: all given parts must hold; empty parts do not narrow.

    `entities` is a list of `entity:key`, of which a passage must carry at least one. An `entities` of None does not
    narrow; an empty tuple matches nothing (a join with no keys has no passages). The same goes for `doc_ids`.
    `since` and `until` are ISO days, both included; a passage without a date is in no period. `general` keeps the
    passages of documents that are about no entity in particular: policies, guides, terms.
    """

    sources: tuple[str, ...] = ()
    entities: tuple[str, ...] | None = None
    doc_ids: tuple[str, ...] | None = None
    since: str = ""
    until: str = ""
    general: bool = False

    def __post_init__(self) -> None:
        """Refuse a text where a list is meant, and a day that is none: both would match the wrong passages."""
        for name in ("sources", "entities", "doc_ids"):
            if isinstance(getattr(self, name), str):
                raise UsageError(f"{name} is a list of texts, not one text: {getattr(self, name)!r}")
        for name in ("since", "until"):
            day = getattr(self, name)
            if day and not _DAY.fullmatch(day[:10]):
                raise UsageError(f"{name} is not an ISO day: {day!r}", hint="for example 2026-05-01")


@dataclass(frozen=True)
class Hit:
    """A point that matched. `dense` is the cosine similarity, given for every hit of a search with a dense vector;
    `sparse` is the keyword score, given for every hit that shares a term with the question. `vector` is the point's
    own, at unit length, given where the search had a dense vector."""

    chunk_id: str
    doc_id: str
    hash: str
    dense: float | None
    sparse: float | None
    vector: Sequence[float] | npt.NDArray[np.float32] | None = field(default=None, compare=False, repr=False)


class VectorGateway(Protocol):
    """A vector engine behind policy: a point is returned only where `Scope.shows` its tags and entities, and terms
    are counted over such points only. A scope without tags, and a `Narrow` that matches nothing, get no hits and do
    not reach the engine."""

    def upsert(self, points: Iterable[Point]) -> int:
        """Insert or replace points by `chunk_id` and return how many; durable when it returns.

        A vector with NaN, of length zero or of another dimension is refused with `ModelError`, and none is stored.
        """
        ...

    def delete(self, chunk_ids: Sequence[str]) -> None:
        """Remove points; unknown ids are no error."""
        ...

    def search(
        self,
        scope: Scope,
        dense: Sequence[float] | npt.NDArray[np.float32] | None,
        sparse: SparseVector | None,
        *,
        narrow: Narrow,
        limit: int,
    ) -> list[Hit]:
        """The best `limit` points of each leg within `scope` and `narrow`, merged by chunk, unfused."""
        ...

    def count(self) -> int:
        """Points held."""
        ...

    def optimise(self) -> bool:
        """Build what makes a large index quick to search, where that pays; True when it was built."""
        ...

    def purge(self) -> None:
        """Leave nothing of deleted points in the engine's files, as far as it lets us."""
        ...

    def close(self) -> None:
        """Release the engine; idempotent."""
        ...


def sees_nothing(scope: Scope, narrow: Narrow) -> bool:
    """True when no point at all can match, whatever the index holds."""
    return not scope.tags or narrow.entities == () or narrow.doc_ids == ()


def matches(payload: Mapping[str, Any], scope: Scope, narrow: Narrow) -> bool:
    """True when a point with `payload` may be returned: policy first, then what the question asks for."""
    if not scope.shows(payload.get("tags") or (), payload.get("entities") or ()):
        return False
    if narrow.general and payload.get("entities"):
        return False
    if narrow.sources and payload.get("source") not in narrow.sources:
        return False
    if narrow.entities is not None and not _overlap(payload.get("entities") or (), narrow.entities):
        return False
    if narrow.doc_ids is not None and payload.get("doc_id") not in narrow.doc_ids:
        return False
    return not (narrow.since or narrow.until) or _within(str(payload.get("date") or ""), narrow)


def _overlap(held: Collection[str], wanted: Collection[str]) -> bool:
    return not set(held).isdisjoint(wanted)


def _within(date: str, narrow: Narrow) -> bool:
    if not _DAY.fullmatch(date):
        return False
    return date >= narrow.since[:10] and (not narrow.until or date <= narrow.until[:10])


def checked(vector: Sequence[float] | npt.NDArray[np.float32], dimension: int, what: str) -> npt.NDArray[np.float32]:
    """`vector` as float32, or `ModelError` when it cannot be compared: an engine would store NaN silently."""
    array = np.asarray(vector, dtype=np.float32)
    if array.shape != (dimension,):
        raise ModelError(
            f"the vector of {what} has shape {array.shape}, the index holds {dimension} dimensions",
            hint="run `tower reindex`",
        )
    length = float(np.linalg.norm(array))
    if not np.isfinite(length) or length < 1e-6:
        raise ModelError(f"the vector of {what} is not a direction: its length is {length}")
    return array
