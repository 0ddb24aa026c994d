"""Whose turn it is to bring a workspace up to date."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from index.store.store import Store

UPKEEP = "upkeep"


class Turn:
    """`with turn:` one ingest, reindex or training at a time, over all threads and, where the SQL index is on
    PostgreSQL, over all processes. Questions go on beside it.

    A process that others take for dead and that is not, holds its turn: who goes on with its job waits for it.
    """

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._lock = self.here = threading.Lock()  # of this process's threads alone
        self._held = ExitStack()

    def __enter__(self) -> None:
        """Wait for the turn."""
        self._lock.acquire()
        try:
            if self._store is not None:
                self._held.enter_context(self._store.exclusive(UPKEEP))
        except BaseException:
            self._lock.release()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next one have it."""
        try:
            self._held.close()
        finally:
            self._lock.release()
