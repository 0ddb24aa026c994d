"""Ranking the hits of both legs: what a question's words and meaning say, then what the hits say of each other.

1. The sum of the cosine and a share of the keyword score, both as they are.
2. The question is moved towards its best hits (pseudo-relevance feedback), and the cosines are taken again.
3. A hit takes on some of the value of the hits that it resembles.

Each step was kept because it ranks better on training questions of two collections: docs/decisions/0016.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from index.vectors.gateway import Hit

Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """What ranking is made of; the values were chosen by `scripts/eval_retrieval.py`.

    `keywords` is the share of the keyword score, which is an average over the question's terms. The question moves by
    `feedback` towards the mean of its `leaders` best hits, each weighted by how far it stands behind the first, in
    units of `closeness`. `smoothing` is how much of its neighbours' mean value a hit takes on, the similarity of two
    hits raised to `selectivity`.
    """

    keywords: float = 0.18
    feedback: float = 0.5
    leaders: int = 4
    closeness: float = 0.1
    smoothing: float = 0.5
    selectivity: float = 8.0


WEIGHTS = Weights()
_CONSIDERED = 60  # hits that the second and third step look at


def fuse(
    hits: Sequence[Hit],
    question: Sequence[float] | npt.NDArray[np.float32] | None = None,
    *,
    weights: Weights = WEIGHTS,
) -> list[tuple[Hit, float]]:
    """Hits with a score in 0..1, the best first; equal ones in the order of their chunk ids.

    The score is an estimate of how likely the hit is relevant, comparable across questions: see `likelihood`. Without
    the `question`'s vector, or for hits without theirs, there is the first step alone. A leg that did not find a hit
    adds nothing to it.
    """
    if not hits:
        return []
    first = np.array([(h.dense or 0.0) + weights.keywords * (h.sparse or 0.0) for h in hits], dtype=np.float32)
    ordered = [hits[place] for place in _order(first, hits)]
    values = np.sort(first)[::-1].copy()
    top = values[0]
    near = next((n for n, hit in enumerate(ordered) if hit.vector is None), len(ordered))
    near = min(near, _CONSIDERED)
    if question is not None and near > 1:
        values[:near] = _among_themselves(ordered[:near], values[:near], question, weights)
        values[near:] = np.minimum(values[near:], values[:near].min())
    scores = likelihoods(values, float(top)).tolist()
    return [(ordered[place], scores[place]) for place in _order(values, ordered)]


def _order(values: Array, hits: Sequence[Hit]) -> list[int]:
    """The places of hits, the largest value first; equal ones in the order of their chunk ids."""
    names = [hit.chunk_id for hit in hits]
    by_name = np.array(sorted(range(len(hits)), key=names.__getitem__))
    places: list[int] = by_name[np.argsort(-values[by_name], kind="stable")].tolist()
    return places


def _among_themselves(
    hits: Sequence[Hit], values: Array, question: Sequence[float] | npt.NDArray[np.float32], weights: Weights
) -> Array:
    """The values of hits, best first, after the second and the third step."""
    vectors = np.array([hit.vector for hit in hits], dtype=np.float32)
    asked = np.asarray(question, dtype=np.float32)
    shares = np.exp((values[: weights.leaders] - values[0]) / np.float32(weights.closeness))
    leader = shares @ vectors[: weights.leaders]
    moved = asked / np.linalg.norm(asked) + weights.feedback * leader / np.linalg.norm(leader)
    words = np.array([weights.keywords * (hit.sparse or 0.0) for hit in hits], dtype=np.float32)
    # Dot products one by one: so small a matrix product is not worth the threads that a BLAS library would wait for.
    value = np.vecdot(vectors, moved / np.linalg.norm(moved)) + words
    alike = np.clip(np.vecdot(vectors[:, None], vectors[None]), 0.0, 1.0) ** weights.selectivity
    smoothed: Array = value + weights.smoothing * (alike @ value) / alike.sum(axis=1)
    return smoothed


def likelihood(value: float, top: float) -> float:
    """How likely a hit of this `value` is relevant, where the best of its question had the value `top` at first.

    A logistic fitted by `scripts/eval_retrieval.py --calibrate` on the judged hits of two collections, with the
    questions of each asked of the other for what "nothing relevant" looks like.
    """
    return float(likelihoods(np.float64(value), top))


def likelihoods(values: Any, top: float) -> Any:
    """As `likelihood`, for an array of values."""
    return 1.0 / (1.0 + np.exp(-(_SLOPE * np.asarray(values, np.float64) + _TOP * top + _BASE)))


def strength(score: float) -> float:
    """How much speaks for a hit with this `score`, in 0..1 and so that shares of the best one's can be compared: the
    odds of two likely hits differ many times, what speaks for them does not."""
    bounded = min(1 - 1e-9, max(1e-9, score))
    value = max(0.0, (math.log(bounded / (1 - bounded)) - _BASE) / _SLOPE) / (1 + WEIGHTS.smoothing)
    return value / (1 + value)


_SLOPE, _TOP, _BASE = 4.81, -0.95, -7.64
