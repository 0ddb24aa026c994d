"""The best points of one segment for weighted terms, without adding up lists that cannot change who is best.

Lists are added up from the one that can give a point the most. When what the rest can give is less than what the best
points have already (MaxScore: H. Turtle and J. Flood, "Query evaluation: strategies and optimizations", 1995), the long
lists of common words are only looked up for the points that can still be among the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.vectors.word_segment import Array, Mask, Segment

Floats = npt.NDArray[np.float32]
_WORTH = 8_192  # entries of lists not yet added from which it pays to see what can be left out
_LOOKUP = 16  # entries added up in the time that finding one point in a list takes
_ROUNDING = 1e-5  # sums in another order differ by less


@dataclass(frozen=True)
class TermList:
    """The points with one term: their rows, ascending, the term's weight in each, and its weight in the question."""

    rows: Array
    impacts: Array
    weight: np.float32
    most: float  # what the term gives a point at most

    def of(self, rows: Array) -> Floats:
        """What the term gives each of `rows`."""
        places = np.minimum(self.rows.searchsorted(rows), len(self.rows) - 1)
        given: Floats = np.where(self.rows[places] == rows, self.impacts[places] * self.weight, np.float32(0))
        return given


def term_lists(segment: Segment, weighted: Sequence[tuple[int, float]]) -> list[TermList]:
    """The lists of terms that some point has; weights are positive."""
    lists = []
    for term, weight in weighted:
        rows, impacts, most = segment.postings(term)
        if len(rows):
            lists.append(TermList(rows, impacts, np.float32(weight), weight * most))
    return lists


def scores_of(lists: Sequence[TermList], rows: Array) -> Floats:
    """The score of each of `rows`, added up in the order of the question's terms; 0 for one without any of them."""
    scores = np.zeros(len(rows), dtype=np.float32)
    rows = rows.astype(np.uint32)  # as in the lists: in another type, a whole list would be copied to look rows up
    for one in lists:
        scores += one.of(rows)
    return scores


def best(lists: Sequence[TermList], shown: Mask, limit: int) -> tuple[Array, Floats]:
    """The best `limit` rows that are shown and share a term, the best first, and their scores; equal ones by row."""
    rows = np.unique(_candidates(lists, shown, limit))  # a weight of nothing would count a row twice
    values = scores_of(lists, rows)
    rows, values = rows[values > 0], values[values > 0]
    order = np.lexsort((rows, -values))[:limit]
    return rows[order], values[order]


def _candidates(lists: Sequence[TermList], shown: Mask, limit: int) -> Array:
    """Rows that are shown, the best `limit` among them."""
    chosen: Array = np.zeros(0, dtype=np.uint32)
    ordered = sorted(lists, key=lambda one: (-one.most, len(one.rows)))
    partial = np.zeros(len(shown), dtype=np.float32)
    everything = bool(shown.all())
    touched: list[Array] = []
    left = sum(len(one.rows) for one in ordered)
    most = 0.0
    for place, one in enumerate(ordered, 1):
        listed = one.rows.astype(np.intp)  # what numpy makes of rows each time that they are an index
        held = partial[listed]  # a row stands once in a list
        fresh = listed[held == 0] if touched else listed
        touched.append(fresh if everything else fresh[shown[fresh]])
        partial[listed] = held + one.impacts * one.weight
        left -= len(one.rows)
        most, rest = most + one.most, sum(other.most for other in ordered[place:])
        if (left < _WORTH or most <= rest) and place < len(ordered):
            continue  # not worth it, or no point has more yet than the other terms can give
        rows = np.concatenate(touched)
        touched = [rows]
        values = partial[rows]
        floor = np.partition(values, len(values) - limit)[len(values) - limit] if len(values) > limit else 0.0
        if floor <= rest and place < len(ordered):
            continue  # a point with the other terms alone may be among the best
        chosen = rows[values + np.float32(rest) >= floor * (1 - _ROUNDING)]
        if place == len(ordered) or len(chosen) * _LOOKUP * (len(ordered) - place) < left:
            break
    return chosen
