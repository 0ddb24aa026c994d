"""Random scoped searches on every gateway: nothing foreign is found. `scripts/fuzz_vectors.py` is the long run.

The ways in which LlamaIndex's Qdrant store lets through what a policy excludes, by what stands against each here:
an empty filter, and nested empty ones (a scope without tags sees nothing); a user's filter OR-ed with the policy (a
`Narrow` only takes away); a text split at its commas (tags are lists, and a text is refused); a filter argument that
replaces the policy (`search` takes a scope and no filter); reading points by id, and neighbours from a docstore (the
gateway has no such door: passages are read through `SqlDocuments`, which takes a scope). `tests/index/
test_vector_contract.py` and `tests/index/search/test_passages.py` hold one test to each.
"""

from __future__ import annotations

import inspect
import itertools
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from index.reading import SqlDocuments
from index.vectors.edge import EdgeGateway
from index.vectors.filter import admitted
from index.vectors.gateway import VectorGateway
from index.vectors.memory import MemoryGateway
from index.vectors.server import ServerGateway
from tests.index.scoped_search import DIMENSION, allowed, faults, points, questions, wanted


@pytest.mark.parametrize("engine", ["edge", "server", "memory"])
def test_random_scoped_searches_find_nothing_foreign(engine: str, tmp_path: Path) -> None:
    gateway: VectorGateway
    if engine == "edge":
        gateway = EdgeGateway(tmp_path / "shard", create=True, dimension=DIMENSION)
    elif engine == "server":
        gateway = ServerGateway(QdrantClient(location=":memory:"), "tower_g1", create=True, dimension=DIMENSION)
    else:
        gateway = MemoryGateway(DIMENSION)
    held = {point.chunk_id: point for point in points(5, 120)}
    gateway.upsert(held.values())
    asked = list(itertools.islice(questions(5), 300))
    assert [fault for one in asked for fault in faults(gateway, held, one)] == []
    gateway.close()
    shown = [sum(allowed(point, one.scope) for point in held.values()) for one in asked]
    assert min(shown) == 0 and max(shown) > 60 and len(set(shown)) > 20  # the scopes tell points apart


def test_no_door_of_a_gateway_gives_points_without_a_scope() -> None:
    """A method that gives something of what is held takes a scope; there is none that reads by id or takes a filter."""
    for kind in (EdgeGateway, ServerGateway, MemoryGateway):
        public = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
        assert public <= {"upsert", "delete", "search", "count", "optimise", "purge", "close"}
        parameters = inspect.signature(kind.search).parameters
        assert list(parameters) == ["self", "scope", "dense", "sparse", "narrow", "limit"]
    for name, method in inspect.getmembers(SqlDocuments, inspect.isfunction):
        if not name.startswith("_") and name != "subjects":  # `subjects` gives keys, to make a scope of
            assert "scope" in inspect.signature(method).parameters, name


def test_a_point_that_an_engine_gives_in_error_does_not_leave() -> None:
    """The second look, as if the engine's own filter had failed."""
    held = points(6, 200)
    asked = list(itertools.islice(questions(6), 100))
    told = [(one, point) for one in asked for point in held if admitted(point.payload(), one.scope, one.narrow)]
    assert told and all(allowed(point, one.scope) and wanted(point, one.narrow) for one, point in told)
    refused = [point for one in asked for point in held if not admitted(point.payload(), one.scope, one.narrow)]
    assert len(refused) > len(told)
