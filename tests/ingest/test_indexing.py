"""Keeping a generation of the vector index equal to the SQL index."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from index.errors import ModelError
from index.store.store import Store
from index.store.writer import StoredDocument
from index.vectors.gateway import Narrow, SparseVector
from index.vectors.memory import MemoryGateway
from ingest.indexing import IndexReport, index_vectors
from tests.index.shelf import WordEmbedder, document, put, reader, remove, store_at

G = "g0001"


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


class Fragile:
    """Passes calls through to `inner`, and kills the run before or after the call number `at`."""

    def __init__(self, inner: Any, at: int, *, after: bool) -> None:
        self._inner, self._left, self._after = inner, at, after

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)
        if name not in {"upsert", "delete", "acknowledge", "forget"}:
            return call

        def fragile(*args: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Killed
            result = call(*args)
            if self._left == 0:
                raise Killed
            return result

        return fragile


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_at(tmp_path)


def held(gateway: MemoryGateway) -> dict[str, str]:
    """Chunk ids and hashes in the vector index."""
    hits = gateway.search(reader("public"), [1.0] * 384, SparseVector((), ()), narrow=Narrow(), limit=10_000)
    return {hit.chunk_id: hit.hash for hit in hits}


def shelf(store: Store, numbers: Sequence[int], edition: int = 1) -> None:
    put(store, *[document(f"library:{n}", f"Text {n} of edition {edition}.", f"More of {n}.") for n in numbers])


def test_everything_is_embedded_once_with_its_context(store: Store) -> None:
    gateway, embedder = MemoryGateway(), WordEmbedder()
    shelf(store, range(5))
    seen: list[tuple[int, int]] = []
    report = index_vectors(store, gateway, embedder, G, lambda done, total: seen.append((done, total)))
    assert report == IndexReport(embedded=10, deleted=0, total=10)
    assert seen[-1] == (10, 10)
    assert store.count_pending(G) == 0 and store.count_vectors(G) == 10


def test_a_chunk_is_embedded_with_its_title_and_headings_once(store: Store) -> None:
    def titled(doc_id: str, text: str, context: str) -> StoredDocument:
        stored = document(doc_id, text)
        return replace(stored, chunks=(replace(stored.chunks[0], context=context),))

    embedder = WordEmbedder()
    put(
        store,
        titled("a:1", "Five years.", "Warranty > Tents"),
        titled("a:2", "# Broken zipper\nIt broke.", "Broken zipper"),
    )
    index_vectors(store, MemoryGateway(), embedder, G)
    assert embedder.embedded == ["Warranty > Tents\nFive years.", "# Broken zipper\nIt broke."]


def test_what_has_not_changed_costs_no_embedding_and_no_write(store: Store) -> None:
    gateway, embedder = MemoryGateway(), WordEmbedder()
    shelf(store, range(5))
    index_vectors(store, gateway, embedder, G)
    untouched = Fragile(store, 1, after=False)
    assert index_vectors(untouched, Fragile(gateway, 1, after=False), embedder, G) == IndexReport(0, 0, 10)
    assert len(embedder.embedded) == 10


def test_changed_chunks_are_replaced_and_removed_ones_go(store: Store) -> None:
    gateway, embedder = MemoryGateway(), WordEmbedder()
    shelf(store, range(4))
    index_vectors(store, gateway, embedder, G)
    before = held(gateway)
    shelf(store, [1], edition=2)
    remove(store, "library:3")
    assert index_vectors(store, gateway, embedder, G) == IndexReport(embedded=1, deleted=2, total=6)
    after = held(gateway)
    assert after.keys() == before.keys() - {"library:3#0", "library:3#1"}
    assert {i for i in after if after[i] != before[i]} == {"library:1#0"}


def test_a_change_of_tags_reaches_the_vector_index(store: Store) -> None:
    gateway, embedder = MemoryGateway(), WordEmbedder()
    put(store, document("library:0", "Text."))
    index_vectors(store, gateway, embedder, G)
    put(store, document("library:0", "Text.", tags=frozenset({"secret"})))
    index_vectors(store, gateway, embedder, G)
    assert held(gateway) == {}


def test_one_source_can_be_brought_up_to_date_alone(store: Store) -> None:
    gateway, embedder = MemoryGateway(), WordEmbedder()
    put(store, document("a:1", "One.", source="a"), document("b:1", "Two.", source="b"))
    assert index_vectors(store, gateway, embedder, G, sources=["a"]).embedded == 1
    assert set(held(gateway)) == {"a:1#0"}
    assert index_vectors(store, gateway, embedder, G).total == 2


def test_a_kill_at_any_write_ends_in_the_same_state_after_a_second_run(tmp_path: Path) -> None:
    chance = random.Random(7)
    for at in range(1, 9):
        for after in (False, True):
            (tmp_path / f"{at}{after}").mkdir()
            store = store_at(tmp_path / f"{at}{after}")
            gateway, embedder = MemoryGateway(), WordEmbedder()
            shelf(store, range(3))
            index_vectors(store, gateway, embedder, G)
            shelf(store, range(1, 200), edition=2)
            remove(store, "library:0")
            weak: Any = [store, gateway]
            which = chance.randrange(2)
            weak[which] = Fragile(weak[which], at, after=after)
            try:
                index_vectors(*weak, embedder, G)
            except Killed:
                remove(store, "library:199", "library:150")
            index_vectors(store, gateway, embedder, G)
            wanted = {c.chunk.chunk_id: c.hash for c in store.read_chunks("none")}
            assert held(gateway) == wanted
            assert store.count_vectors(G) == gateway.count() == len(wanted)


@pytest.mark.parametrize("at", [1, 2])
def test_a_document_that_comes_back_after_a_kill_during_its_removal_is_found(
    store: Store, at: int, caplog: pytest.LogCaptureFixture
) -> None:
    gateway, embedder = MemoryGateway(), WordEmbedder()
    shelf(store, range(3))
    index_vectors(store, gateway, embedder, G)
    remove(store, "library:1")
    with pytest.raises(Killed):
        index_vectors(Fragile(store, at, after=False), gateway, embedder, G)
    shelf(store, [1])
    assert index_vectors(store, gateway, embedder, G).total == 6
    assert {"library:1#0", "library:1#1"} <= held(gateway).keys()
    assert "filling it again" not in caplog.text


def test_a_vector_index_that_was_lost_is_filled_again(store: Store) -> None:
    gateway, embedder = MemoryGateway(), WordEmbedder()
    shelf(store, range(3))
    index_vectors(store, gateway, embedder, G)
    assert index_vectors(store, MemoryGateway(), embedder, G) == IndexReport(6, 0, 6)
    gateway.delete(["library:1#0"])
    assert index_vectors(store, gateway, embedder, G).total == 6
    assert len(held(gateway)) == 6


def test_a_model_that_gives_nan_stores_and_acknowledges_nothing(store: Store) -> None:
    class Broken(WordEmbedder):
        def embed(self, texts: Sequence[str]) -> Any:
            return super().embed(texts) * float("nan")

    shelf(store, range(3))
    gateway = MemoryGateway()
    with pytest.raises(ModelError):
        index_vectors(store, gateway, Broken(), G)
    assert gateway.count() == 0 and store.count_pending(G) == 6
