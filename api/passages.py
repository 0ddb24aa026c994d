"""The passage index of the generation that answers, and how the next one takes its place while questions run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.running import Running
    from index.embedding.asked import Asked
    from index.embedding.embedder import Embedder
    from index.reading import SqlDocuments
    from index.search.passages import PassageIndex
    from index.search.signals import Signals
    from index.vectors.gateway import VectorGateway
    from index.vectors.generations import Generations


LONGEST_QUESTION_S = 120.0  # what a question that runs is waited for before what it reads from is closed


class LivePassages:
    """Opened when first needed. A generation that another takes the place of stays open for the questions that read
    from it; safe between threads, and no question waits for one that is being opened to take over."""

    def __init__(
        self,
        running: Running,
        generations: Generations,
        embedder: Embedder,
        documents: SqlDocuments,
        signals: Callable[[], Signals],
    ) -> None:
        self._running = running
        self._generations, self._embedder = generations, embedder
        self._documents, self._signals = documents, signals
        self._opening = threading.RLock()
        self._index: PassageIndex | None = None
        self._retired: VectorGateway | None = None
        self.gateway: VectorGateway | None = None
        self.generation = ""

    @classmethod
    def of(
        cls,
        running: Running,
        generations: Generations | None,
        embedder: Embedder | None,
        documents: SqlDocuments | None,
        signals: Callable[[], Signals] | None,
    ) -> LivePassages | None:
        """None for a database that is asked in place, which has none of these."""
        if generations is None or embedder is None or documents is None or signals is None:
            return None
        return cls(running, generations, embedder, documents, signals)

    def count(self) -> int:
        """The passages of the live generation, counted by its engine."""
        return self.gateway.count() if self.opened() is not None and self.gateway is not None else 0

    def opened(self) -> PassageIndex | None:
        """The index of the live generation; None before the first build."""
        if self._index is not None:
            return self._index
        with self._opening:
            if self._index is None and self._generations.live() is not None:
                live, gateway = self._generations.open_live(self._embedder)
                self._hold(live.generation, gateway, self.over(gateway))
            return self._index

    def prepare(self, asked: Sequence[Asked]) -> None:
        """Embed what will be searched for, together."""
        from index.embedding.embedder import prepare_queries

        prepare_queries(self._embedder, asked)

    def over(self, gateway: VectorGateway) -> PassageIndex:
        """An index on another generation's gateway, which stays its opener's."""
        from index.search.passages import PassageIndex

        return PassageIndex(gateway, self._embedder, self._documents, self._signals())

    def take(self, generation: str, gateway: VectorGateway) -> PassageIndex:
        """From here on `generation` answers, through a gateway that is open already."""
        index = self.over(gateway)
        with self._opening:
            self._retired = self.gateway
            self._hold(generation, gateway, index)
        return index

    def retire(self) -> None:
        """The next question opens the generation that is live now; those that run go on with the one they have."""
        with self._opening:
            self._retired, self.gateway, self._index = self.gateway, None, None

    def close_retired(self, wait_s: float = LONGEST_QUESTION_S) -> None:
        """Close the generation before, when the questions that may read from it have ended."""
        if self._retired is not None:
            self._running.wait(wait_s)
            self._retired.close()
            self._retired = None

    def close(self) -> None:
        """Let go of the live generation; the next question opens it again."""
        with self._opening:
            if self.gateway is not None:
                self.gateway.close()
            self.gateway = self._index = None

    def _hold(self, generation: str, gateway: VectorGateway, index: PassageIndex) -> None:
        self.gateway, self.generation, self._index = gateway, generation, index
