"""Fusing the two legs."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from index.fusion import fuse
from index.vectors import Hit

SCORES = st.none() | st.floats(-1, 30)


def hit(name: str, dense: float | None, sparse: float | None) -> Hit:
    return Hit(name, name, "h", dense, sparse)


def test_a_hit_that_both_legs_like_beats_the_best_of_one() -> None:
    ranked = fuse([hit("words", 0.1, 5.0), hit("both", 0.6, 4.0), hit("near", 0.7, None), hit("weak", 0.2, 1.0)])
    assert ranked[0][0].chunk_id == "both"


def test_one_leg_alone_keeps_its_order() -> None:
    assert [h.chunk_id for h, _ in fuse([hit("b", None, 2.0), hit("a", None, 9.0)])] == ["a", "b"]
    assert [h.chunk_id for h, _ in fuse([hit("b", 0.2, None), hit("a", 0.1, None)])] == ["b", "a"]


def test_a_score_is_the_same_whatever_else_was_found() -> None:
    one, other = hit("a", 0.3, 4.0), hit("b", 0.9, 9.0)
    assert fuse([one])[0][1] == fuse([one, other])[1][1]
    assert fuse([]) == []


@given(st.lists(st.tuples(SCORES, SCORES), max_size=30))
def test_scores_are_in_range_sorted_and_complete(pairs: list[tuple[float | None, float | None]]) -> None:
    hits = [hit(str(n), dense, sparse) for n, (dense, sparse) in enumerate(pairs)]
    ranked = fuse(hits)
    scores = [score for _, score in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 and math.isfinite(score) for score in scores)
    assert {h.chunk_id for h, _ in ranked} == {h.chunk_id for h in hits}
