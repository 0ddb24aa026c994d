"""The collector of cyclic garbage while rows are brought in."""

import gc
import weakref

import pytest

from ingest.sync.collecting import seldom_collecting


class Knot:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_the_collector_runs_seldom_inside_and_as_before_outside() -> None:
    before = gc.get_threshold()
    with seldom_collecting():
        with seldom_collecting():
            assert gc.get_threshold()[0] >= 200_000
        assert gc.get_threshold()[0] >= 200_000  # an inner one that ends leaves the outer one alone
    assert gc.get_threshold() == before


def test_it_is_as_before_after_a_failure() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError), seldom_collecting():
        raise ValueError("a source that fails")
    assert gc.get_threshold() == before


def test_garbage_is_still_collected_inside() -> None:
    with seldom_collecting():
        knot = Knot()
        gone = weakref.ref(knot)
        del knot
        kept = [[] for _ in range(1_000_000)]  # type: ignore[var-annotated]
        assert len(kept) and gone() is None
