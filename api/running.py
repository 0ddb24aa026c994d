"""Which questions run, so that what they read from is not closed under them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count


class Running:
    """Counts what runs; safe between threads."""

    def __init__(self) -> None:
        self._numbers = count()
        self._running: set[int] = set()
        self._ended = threading.Condition()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Something runs as long as the block lasts."""
        with self._ended:
            number = next(self._numbers)
            self._running.add(number)
        try:
            yield
        finally:
            with self._ended:
                self._running.discard(number)
                self._ended.notify_all()

    def any(self) -> bool:
        """True where something runs now."""
        with self._ended:
            return bool(self._running)

    def wait(self, seconds: float) -> bool:
        """Wait until all that run now have ended, whatever begins meanwhile; False where they did not in time."""
        with self._ended:
            earlier = set(self._running)
            return self._ended.wait_for(lambda: earlier.isdisjoint(self._running), timeout=seconds)
