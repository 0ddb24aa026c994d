"""Vectors that workers compute: each passage gets the one of its own present state, whoever dies or changes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from api.upkeep.spread import PIECE, SpreadEmbedder
from index.documents import Chunk
from index.embedding.embedder import Vectors
from index.errors import ModelError
from index.store.jobs import BoardWorker
from index.store.vectors import PendingChunk
from tests.index.shelf import WordEmbedder


def passage(number: int, text: str = "") -> PendingChunk:
    text = text or f"ridge {number} of {number * 7}"
    chunk = Chunk(f"d{number}#0", f"d{number}", 0, 0, len(text))
    return PendingChunk(chunk, f"hash of {text}", text, "notes", "", ("all",), (), "")


class Shelf:
    """What the SQL index would say: the passages as they are now, and who is alive."""

    def __init__(self, passages: Sequence[PendingChunk], helpers: int) -> None:
        self.now = {one.chunk.chunk_id: one for one in passages}
        self.helpers = helpers

    def passages(self, chunk_ids: Sequence[str]) -> list[PendingChunk]:
        return [self.now[one] for one in chunk_ids if one in self.now]

    def workers(self, _silent_s: float) -> list[BoardWorker]:
        others = [BoardWorker("other", "other", "another model", 0.0)]
        return [BoardWorker(str(n), str(n), "words/1", 0.0) for n in range(self.helpers)] + others


@dataclass
class Status:
    workflow_id: str
    status: str
    output: str | None = None


@dataclass
class Client:
    """A queue whose workers answer at once, fail, or die with what they hold."""

    worker: SpreadEmbedder
    how: str = "well"
    held: dict[str, Status] = field(default_factory=dict)
    handed: int = 0
    destroyed: bool = False

    def enqueue(self, options: Any, chunk_ids: list[str]) -> None:
        self.handed += 1
        name = options["workflow_id"]
        if self.how == "well":
            self.held[name] = Status(name, "SUCCESS", self.worker.answer(chunk_ids))
        else:
            self.held[name] = Status(name, "ERROR" if self.how == "fail" else "PENDING")

    def list_workflows(self, workflow_ids: list[str] | None = None, **_: Any) -> list[Status]:
        return [s for name, s in self.held.items() if workflow_ids is None or name in workflow_ids]

    def delete_workflows(self, names: list[str]) -> None:
        for name in names:
            self.held.pop(name, None)

    def destroy(self) -> None:
        self.destroyed = True


class World:
    def __init__(self, count: int, helpers: int, how: str = "well") -> None:
        self.passages = [passage(number) for number in range(count)]
        self.shelf = Shelf(self.passages, helpers)
        self.here, self.there = WordEmbedder(), WordEmbedder()
        worker = SpreadEmbedder(self.there, self.shelf, lambda: None, 1.0)  # type: ignore[arg-type]
        self.client = Client(worker, how)
        self.embedder = SpreadEmbedder(self.here, self.shelf, lambda: self.client, 1.0)  # type: ignore[arg-type]

    def spread(self) -> dict[str, Vectors]:
        found: dict[str, Vectors] = {}
        for piece, vectors in self.embedder.spread(iter([self.passages[:100], self.passages[100:]])):
            for one, vector in zip(piece, vectors, strict=True):
                assert one.chunk.chunk_id not in found
                found[one.chunk.chunk_id] = vector
        return found

    def check(self, found: dict[str, Vectors]) -> None:
        assert set(found) == {one.chunk.chunk_id for one in self.passages}
        for one in self.passages:
            np.testing.assert_array_equal(found[one.chunk.chunk_id], WordEmbedder().embed([one.text])[0])


@pytest.mark.parametrize(("helpers", "how"), [(0, "well"), (1, "well"), (3, "well"), (2, "fail")])
def test_every_passage_gets_its_vector_once(helpers: int, how: str) -> None:
    world = World(300, helpers, how)
    world.check(world.spread())
    if helpers and how == "well":
        assert not world.here.embedded and len(world.there.embedded) == 300
        assert world.client.handed == -(-100 // PIECE) + -(-200 // PIECE) and world.client.destroyed
    else:
        assert len(world.here.embedded) == 300 and not world.there.embedded
    assert not world.client.held


def test_a_passage_that_changed_meanwhile_is_not_taken_for_the_one_that_was_asked_for() -> None:
    world = World(150, 2)
    world.shelf.now["d3#0"] = passage(3, "quite another text")
    del world.shelf.now["d120#0"]
    world.check(world.spread())
    assert sorted(world.here.embedded) == sorted([world.passages[3].text, world.passages[120].text])


def test_what_the_dead_hold_is_computed_here(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(300, 2, "die")
    monkeypatch.setattr("api.upkeep.spread._COUNT_S", 0.0)
    looked = 0

    def workers(_silent_s: float) -> list[BoardWorker]:
        nonlocal looked
        looked += 1
        return [BoardWorker("w", "w", "words/1", 0.0)] if looked < 4 else []

    world.shelf.workers = workers  # type: ignore[method-assign]
    world.check(world.spread())
    assert world.client.handed and not world.client.held and len(world.here.embedded) == 300


def test_what_a_killed_run_left_in_the_queue_is_removed_and_so_is_what_an_interrupted_one_leaves() -> None:
    world = World(300, 1, "die")
    world.client.held["batch-old"] = Status("batch-old", "ENQUEUED")
    world.client.enqueue({"workflow_id": "x"}, [])

    def interrupted() -> Iterator[list[PendingChunk]]:
        yield world.passages[:PIECE]
        assert "batch-old" not in world.client.held and len(world.client.held) == 1
        raise ModelError("stop")

    with pytest.raises(ModelError):
        list(world.embedder.spread(interrupted()))
    assert not world.client.held and world.client.destroyed


def test_it_is_the_embedder_that_it_stands_before() -> None:
    world = World(1, 0)
    assert (world.embedder.identity, world.embedder.dimension) == ("words/1", 384)
    np.testing.assert_array_equal(world.embedder.embed_query("ridge"), world.embedder.embed(["ridge"])[0])
    world.embedder.warm()
    assert world.embedder.answer([]) == '{"states": [], "vectors": ""}'
