"""Python's collector of cyclic garbage, seldom run while many rows are in memory."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NEW_OBJECTS = 200_000  # between two collections of the youngest; Python's own is 700
_counting = threading.Lock()
_inside = 0
_before = gc.get_threshold()


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Inside, the collector runs after 200,000 new objects. Rows are in no cycles, and looking at each of them again
    and again took a quarter of a sync's time, more the more rows there were."""
    global _inside, _before
    with _counting:
        if not _inside:
            _before = gc.get_threshold()
            gc.set_threshold(_NEW_OBJECTS, *_before[1:])
        _inside += 1
    try:
        yield
    finally:
        with _counting:
            _inside -= 1
            if not _inside:
                gc.set_threshold(*_before)
