"""A vector gateway in memory: exact and small. It stands in for the engine where nothing may touch the disk, and
passes the same contract tests.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from index.scope import Scope
from index.vectors.gateway import Hit, Narrow, Point, SparseVector, checked, matches, sees_nothing


class MemoryGateway:
    """A `VectorGateway` over a dictionary, by brute force."""

    def __init__(self, dimension: int = 384) -> None:
        self._dimension = dimension
        self._points: dict[str, tuple[Point, npt.NDArray[np.float32]]] = {}

    def upsert(self, points: Iterable[Point]) -> int:
        """Insert or replace points by `chunk_id`; all or none."""
        ready = [(point, checked(point.dense, self._dimension, point.chunk_id)) for point in points]
        self._points.update({point.chunk_id: (point, _unit(vector)) for point, vector in ready})
        return len(ready)

    def delete(self, chunk_ids: Sequence[str]) -> None:
        """Remove points; unknown ids are no error."""
        for chunk_id in chunk_ids:
            self._points.pop(chunk_id, None)

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
        if limit <= 0 or sees_nothing(scope, narrow):
            return []
        question = None if dense is None else _unit(checked(dense, self._dimension, "the question"))
        seen = [entry for entry in self._points.values() if matches(entry[0].payload(), scope, narrow)]
        near = {point.chunk_id: float(vector @ question) for point, vector in seen} if question is not None else {}
        words = self._keyword_scores(scope, [point for point, _ in seen], sparse)
        chosen = dict.fromkeys([*_best(near, limit), *_best(words, limit)])
        points = {chunk_id: self._points[chunk_id][0] for chunk_id in chosen}
        return [
            Hit(
                chunk_id,
                point.doc_id,
                point.hash,
                near.get(chunk_id),
                words.get(chunk_id),
                self._points[chunk_id][1] if question is not None else None,
            )
            for chunk_id, point in points.items()
        ]

    def count(self) -> int:
        """Points held."""
        return len(self._points)

    def optimise(self) -> bool:
        """Nothing to build."""
        return False

    def purge(self) -> None:
        """Nothing is kept of what was deleted."""

    def close(self) -> None:
        """Nothing to release."""

    def _keyword_scores(self, scope: Scope, seen: Sequence[Point], sparse: SparseVector | None) -> dict[str, float]:
        """Weights times inverse document frequency over what `scope` shows, for points that share a term."""
        if sparse is None or not sparse.indices:
            return {}
        corpus = [point for point, _ in self._points.values() if scope.shows(point.tags, point.entities)]
        frequency = Counter(term for point in corpus for term in point.sparse.indices)
        scores: dict[str, float] = {}
        for point in seen:
            held = dict(zip(point.sparse.indices, point.sparse.values, strict=True))
            shared = [
                (term, weight) for term, weight in zip(sparse.indices, sparse.values, strict=True) if term in held
            ]
            if shared:
                scores[point.chunk_id] = sum(
                    weight * held[term] * _rarity(len(corpus), frequency[term]) for term, weight in shared
                )
        return scores


def _rarity(documents: int, frequency: int) -> float:
    return math.log(1 + (documents - frequency + 0.5) / (frequency + 0.5))


def _best(scores: dict[str, float], limit: int) -> list[str]:
    return sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))[:limit]


def _unit(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return (vector / np.linalg.norm(vector)).astype(np.float32)
