"""Fusing the dense and the keyword leg into one score.

The sum of the cosine and a share of the keyword score, both as they are: measured on SciFact's training questions and
on Cranfield this ranks better than reciprocal ranks and as well as scaling each leg to the range of its hits, and it
means the same for every question.
"""

from __future__ import annotations

from collections.abc import Sequence

from index.vectors import Hit

KEYWORD_WEIGHT = 0.18  # of the keyword score, which is an average over the question's terms


def fuse(hits: Sequence[Hit], *, keyword_weight: float = KEYWORD_WEIGHT) -> list[tuple[Hit, float]]:
    """Hits with a score in 0..1, the best first; equal scores in the order of their chunk ids.

    A leg that did not find a hit adds nothing to it. The score is `x / (1 + x)` of the weighted sum x.
    """
    scored = [(hit, _squashed((hit.dense or 0.0) + keyword_weight * (hit.sparse or 0.0))) for hit in hits]
    return sorted(scored, key=lambda pair: (-pair[1], pair[0].chunk_id))


def _squashed(value: float) -> float:
    positive = max(0.0, value)
    return positive / (1.0 + positive)
