"""The search graph: built beside, switched to while questions go on, and never half."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

import index.vectors.edge as edge
from index.errors import StorageError
from index.scope import Principal, Scope
from index.vectors import edge_graph
from index.vectors.edge import EdgeGateway
from index.vectors.gateway import Narrow, Point, SparseVector

SCOPE = Scope(Principal("ann"), {}, frozenset({"public"}))
COUNT, DIMENSION = 12_000, 64


def points(count: int, seed: int = 1) -> list[Point]:
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return [
        Point(f"s{seed}d{n}#0", f"d{n}", "library", ("public",), (), "", "h", vector, SparseVector((n % 50,), (1.0,)))
        for n, vector in enumerate(vectors)
    ]


@pytest.fixture
def due(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard of this test's size counts as large."""
    monkeypatch.setattr(edge, "is_due", lambda path, held: edge_graph.is_due(path, held, 10_000))


@pytest.fixture
def gateway(tmp_path: Path) -> EdgeGateway:
    built = EdgeGateway(tmp_path / "g1", create=True, dimension=DIMENSION)
    built.upsert(points(COUNT))
    return built


def found(gateway: EdgeGateway, vector: object) -> list[str]:
    hits = gateway.search(SCOPE, vector, None, narrow=Narrow(), limit=10)  # type: ignore[arg-type]
    return [hit.chunk_id for hit in hits]


def test_a_small_shard_is_left_as_it_is(gateway: EdgeGateway, tmp_path: Path) -> None:
    assert gateway.optimise() is False
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g1", "g1.lock", "g1.owner"]


def test_a_large_shard_gets_a_graph_and_finds_the_same_while_questions_go_on(
    gateway: EdgeGateway, due: None, tmp_path: Path
) -> None:
    asked = [point.dense for point in points(20)]
    exact = [found(gateway, vector) for vector in asked]
    stop, failures = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            if found(gateway, asked[0])[0] != "s1d0#0":
                failures.append("another point was nearest")

    asking = threading.Thread(target=ask)
    asking.start()
    assert gateway.optimise() is True
    stop.set()
    asking.join(20)
    assert failures == []
    assert gateway.count() == COUNT
    shared = [len(set(found(gateway, vector)) & set(best)) for vector, best in zip(asked, exact, strict=True)]
    assert np.mean(shared) >= 8.5
    assert gateway.optimise() is False
    gateway.upsert(points(1, seed=2))
    gateway.close()
    again = EdgeGateway(tmp_path / "g1", create=False, dimension=DIMENSION)
    assert again.count() == COUNT + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g1", "g1.lock", "g1.owner"]
    again.close()


def test_what_is_written_while_the_graph_is_built_is_kept(
    gateway: EdgeGateway, due: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(path: Path, held: int) -> Path:
        gateway.upsert(points(1, seed=3))
        return edge_graph.build_beside(path, held)

    monkeypatch.setattr(edge, "build_beside", build)
    assert gateway.optimise() is False
    assert gateway.count() == COUNT + 1
    assert not (tmp_path / "g1.building").exists()


def test_a_graph_that_cannot_be_built_leaves_the_shard_as_it_is(
    gateway: EdgeGateway, due: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(StorageError, match="was not built"):
        gateway.optimise()
    assert gateway.count() == COUNT
    assert not (tmp_path / "g1.building").exists()


def test_a_kill_between_the_two_renames_loses_nothing(gateway: EdgeGateway, tmp_path: Path) -> None:
    gateway.close()
    (tmp_path / "g1").rename(tmp_path / "g1.replaced")
    again = EdgeGateway(tmp_path / "g1", create=False, dimension=DIMENSION)
    assert again.count() == COUNT
    again.close()
