"""The line of those who search: what waits while others are at work is prepared together, and then let through.

Embedding sixteen questions together takes half the processor time of embedding each, and with a few requests at work at
a time the threads do not contend for the interpreter. Where there is no line nobody waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from index.embedding.asked import Asked

MOST = 16  # prepared together
Prepare = Callable[[Sequence[Asked]], None]
log = logging.getLogger("tower.http")


class Line:
    """`prepare` makes ready what the work on several questions has in common, in a thread of its own; where it fails,
    each request meets what is wrong by itself. For one event loop."""

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare
        self._waiting: list[tuple[Asked, asyncio.Future[None]]] = []
        self._at_work = 0
        self._preparing: asyncio.Task[None] | None = None
        self._thread: CapacityLimiter | None = None

    @contextlib.asynccontextmanager
    async def turn(self, asked: Asked) -> AsyncIterator[None]:
        """Wait for the turn of a request about `asked`; the next ones wait while the block lasts."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, turn))
        self._advance()
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._at_work -= 1
            self._advance()

    def _advance(self) -> None:
        """Let the next ones through, or prepare them: in time, so that those at work do not run out."""
        self._waiting = [
            (asked, turn) for asked, turn in self._waiting if not turn.done()
        ]  # who left is not waited for
        next_ones = self._waiting[:MOST]
        if self._preparing is not None or not next_ones or self._at_work > 1 + len(next_ones) // 2:
            return
        del self._waiting[:MOST]
        if len(next_ones) == 1:
            self._let_through(next_ones)
        else:
            self._preparing = asyncio.get_running_loop().create_task(self._prepared(next_ones))

    async def _prepared(self, next_ones: Sequence[tuple[Asked, asyncio.Future[None]]]) -> None:
        self._thread = self._thread or CapacityLimiter(1)
        try:
            await run_sync(self._prepare, [asked for asked, _ in next_ones], limiter=self._thread)
        except Exception as error:
            log.info("questions were not prepared together: %s", error)
        finally:
            self._preparing = None
            self._let_through(next_ones)
            self._advance()

    def _let_through(self, next_ones: Sequence[tuple[Asked, asyncio.Future[None]]]) -> None:
        for _, turn in next_ones:
            if not turn.done():
                self._at_work += 1
                turn.set_result(None)
