"""Fusing the two legs."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from index.search.fusion import fuse
from index.vectors.gateway import Hit

SCORES = st.none() | st.floats(-1, 30)


def hit(name: str, dense: float | None, sparse: float | None) -> Hit:
    return Hit(name, name, "h", dense, sparse)


def test_a_hit_that_both_legs_like_beats_the_best_of_one() -> None:
    ranked = fuse([hit("words", 0.1, 5.0), hit("both", 0.6, 4.0), hit("near", 0.7, None), hit("weak", 0.2, 1.0)])
    assert ranked[0][0].chunk_id == "both"


def test_one_leg_alone_keeps_its_order() -> None:
    assert [h.chunk_id for h, _ in fuse([hit("b", None, 2.0), hit("a", None, 9.0)])] == ["a", "b"]
    assert [h.chunk_id for h, _ in fuse([hit("b", 0.2, None), hit("a", 0.1, None)])] == ["b", "a"]


def placed(name: str, dense: float, *direction: float, sparse: float | None = None) -> Hit:
    vector = np.array(direction, dtype=np.float32)
    return Hit(name, name, "h", dense, sparse, vector / np.linalg.norm(vector))


def test_a_hit_that_resembles_the_best_rises_above_one_that_resembles_nothing() -> None:
    question = [1.0, 0.0, 0.0]
    hits = [
        placed("best", 0.8, 0.8, 0.6, 0.0),
        placed("alike", 0.6, 0.6, 0.8, 0.0),
        placed("alone", 0.62, 0.62, 0.0, 0.78),
    ]
    assert [h.chunk_id for h, _ in fuse(hits)] == ["best", "alone", "alike"]
    assert [h.chunk_id for h, _ in fuse(hits, question)] == ["best", "alike", "alone"]


def test_a_score_says_more_where_the_question_has_a_good_hit() -> None:
    question = [1.0, 0.0, 0.0]
    good = fuse([placed("a", 0.8, 0.8, 0.6, 0.0, sparse=4.0), placed("b", 0.7, 0.7, 0.7, 0.0)], question)
    poor = fuse([placed("a", 0.2, 0.2, 0.98, 0.0), placed("b", 0.1, 0.1, 0.99, 0.0)], question)
    assert good[0][1] > 0.5 > 0.1 > poor[0][1]


def test_no_hits_give_nothing() -> None:
    assert fuse([]) == []


@given(st.lists(st.tuples(SCORES, SCORES), max_size=30))
def test_scores_are_in_range_sorted_and_complete(pairs: list[tuple[float | None, float | None]]) -> None:
    hits = [hit(str(n), dense, sparse) for n, (dense, sparse) in enumerate(pairs)]
    ranked = fuse(hits)
    scores = [score for _, score in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 and math.isfinite(score) for score in scores)
    assert {h.chunk_id for h, _ in ranked} == {h.chunk_id for h in hits}
