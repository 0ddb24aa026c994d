"""Questions that come at the same time are embedded together: twice the questions a second, and no waiting for more.

Whoever finds the encoder free runs what has gathered while it was busy, its own question with it. A question alone is
run at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from index.embedding.embedder import Vectors

MOST = 16  # questions in one run


@dataclass
class _Job:
    tokens: Sequence[int]
    done: threading.Event = field(default_factory=threading.Event)
    vector: npt.NDArray[np.float32] | None = None
    error: BaseException | None = None


class Batcher:
    """`run` gives the row of `encode` for one question, from any number of threads. An error of a batch reaches each
    question of it."""

    def __init__(self, encode: Callable[[Sequence[Sequence[int]]], Vectors]) -> None:
        self._encode = encode
        self._waiting: list[_Job] = []
        self._gathering = threading.Lock()
        self._encoding = threading.Lock()

    def run(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """The vector of one question."""
        job = _Job(tokens)
        with self._gathering:
            self._waiting.append(job)
        while not job.done.is_set():
            with self._encoding:
                if not job.done.is_set():
                    self._run_waiting()
        if job.error is not None:
            raise job.error
        assert job.vector is not None
        return job.vector

    def _run_waiting(self) -> None:
        """Encode the oldest of those that wait; the encoder is held."""
        with self._gathering:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        try:
            vectors = self._encode([job.tokens for job in batch])
            for job, vector in zip(batch, vectors, strict=True):
                job.vector = vector.copy()
        except BaseException as error:
            for job in batch:
                job.error = error
        finally:
            for job in batch:
                job.done.set()
