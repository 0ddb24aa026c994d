"""Questions at the same time: each gets its own vector, in fewer runs."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from index.embedding.batcher import MOST, Batcher
from index.embedding.embedder import Vectors


class Encoder:
    """Gives each text its first token; the first run waits until it is let go."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.let_go = threading.Event()

    def __call__(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        self.sizes.append(len(tokens))
        if len(self.sizes) == 1:
            self.let_go.wait(20)
        if any(ids[0] < 0 for ids in tokens):
            raise ValueError("a bad one")
        return np.array([[ids[0]] for ids in tokens], dtype=np.float32)


def test_what_gathers_while_the_encoder_is_busy_is_one_run() -> None:
    encoder = Encoder()
    batcher = Batcher(encoder)
    with ThreadPoolExecutor(30) as pool:
        running = [pool.submit(batcher.run, [number]) for number in range(30)]
        while len(batcher._waiting) + sum(encoder.sizes) < 30:
            pass
        encoder.let_go.set()
        assert [float(one.result()[0]) for one in running] == list(range(30))
    assert len(encoder.sizes) <= 4 and max(encoder.sizes) <= MOST


def test_a_question_alone_is_run_at_once() -> None:
    encoder = Encoder()
    encoder.let_go.set()
    assert float(Batcher(encoder).run([5])[0]) == 5
    assert encoder.sizes == [1]


def test_an_error_reaches_who_asked_and_the_next_question_is_answered() -> None:
    encoder = Encoder()
    encoder.let_go.set()
    batcher = Batcher(encoder)
    with pytest.raises(ValueError, match="a bad one"):
        batcher.run([-1])
    assert float(batcher.run([2])[0]) == 2
