"""The vector server: what it is sent, what its failures become, and generations as collections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from qdrant_client import QdrantClient

from index.errors import NotFoundError, SourceError, StorageError, UsageError
from index.scope import Principal, Scope
from index.vectors.gateway import Narrow, Point, SparseVector
from index.vectors.generations import Generations
from index.vectors.server import ServerGateway, VectorServer
from index.vectors.shelves import ServerShelf
from tests.index.shelf import WordEmbedder, store_at

SCOPE = Scope(Principal("ann"), {}, frozenset({"public"}))


class Wire:
    """Stands in for the server's end of the wire: keeps what was sent, answers as told."""

    def __init__(self, hits: list[dict[str, Any]] | None = None, status: int = 200, version: str = "1.19.0") -> None:
        self.sent: list[tuple[str, str, Any]] = []
        self.hits, self.status, self.version = hits or [], status, version

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.sent.append((request.method, request.url.path, body))
        if request.url.path == "/":
            return httpx.Response(self.status, json={"title": "qdrant", "version": self.version})
        result: Any = {"points": self.hits} if request.url.path.endswith("/query") else True
        if request.url.path.endswith("/exists"):
            result = {"exists": False}
        elif request.method == "PUT" and request.url.path.endswith(("/points", "/index")):
            result = {"operation_id": 1, "status": "completed"}
        return httpx.Response(self.status, json={"result": result, "status": "ok", "time": 0.0})

    def gateway(self) -> ServerGateway:
        client = QdrantClient(url="http://q:6333", check_compatibility=False, transport=httpx.MockTransport(self))
        return ServerGateway(client, "tower_g1", create=True, dimension=2, shards=3, replicas=2)


def hit(**payload: Any) -> dict[str, Any]:
    held = {"chunk_id": "a#0", "doc_id": "a", "hash": "h", "tags": ["public"], "entities": [], "source": "s"} | payload
    return {"id": 1, "version": 0, "score": 0.5, "payload": held}


def test_a_new_collection_has_both_vectors_and_an_index_on_every_field_that_is_filtered_by() -> None:
    wire = Wire()
    wire.gateway()
    made = next(body for method, path, body in wire.sent if (method, path) == ("PUT", "/collections/tower_g1"))
    assert made["vectors"] == {"dense": {"size": 2, "distance": "Cosine"}}
    assert made["sparse_vectors"] == {"keywords": {"modifier": "idf"}}
    assert (made["shard_number"], made["replication_factor"]) == (3, 2)
    indexed = {body["field_name"]: body["field_schema"] for _, path, body in wire.sent if path.endswith("/index")}
    keyword = dict.fromkeys(("tags", "entities", "source", "doc_id"), "keyword")
    assert indexed == {**keyword, "date": "datetime"}


def test_policy_stands_in_must_of_every_leg_and_in_the_corpus_that_terms_are_counted_over() -> None:
    wire = Wire()
    wire.gateway().search(
        SCOPE, [1.0, 0.0], SparseVector((7,), (1.0,)), narrow=Narrow(doc_ids=("a",), since="2026-01-01"), limit=5
    )
    policy = {"key": "tags", "match": {"any": ["public"]}}
    near, words = [body for _, path, body in wire.sent if path.endswith("/query")]
    for leg in (near, words):
        assert leg["filter"]["must"][0] == policy
        assert leg["filter"]["must"][1] == {"key": "doc_id", "match": {"any": ["a"]}}
        assert leg["filter"]["must"][2]["range"]["gte"].startswith("2026-01-01")
    assert words["params"]["idf"] == {"corpus": {"must": [policy]}}


def test_a_point_that_the_server_should_not_have_returned_does_not_leave() -> None:
    wire = Wire([hit(), hit(chunk_id="b#0", tags=["secret"]) | {"id": 2}])
    found = wire.gateway().search(SCOPE, [1.0, 0.0], None, narrow=Narrow(), limit=5)
    assert [one.chunk_id for one in found] == ["a#0"]


def test_a_server_that_refuses_and_one_that_does_not_answer_are_told_apart() -> None:
    with pytest.raises(StorageError, match="tower_g1"):
        Wire(status=500).gateway()
    with pytest.raises(SourceError, match="does not answer"):
        ServerGateway(VectorServer("http://127.0.0.1:9").connect(), "tower_g1", create=True)
    with pytest.raises(UsageError, match=r"vectors\.url"):
        VectorServer("ftp://nowhere:x").connect()


def test_a_server_that_cannot_count_terms_within_a_scope_is_refused() -> None:
    with pytest.raises(StorageError, match=r"1\.18\.2; 1\.19 or newer"):
        Wire(version="1.18.2").gateway()
    assert Wire(version="2.0.0-dev").gateway()


def test_a_missing_collection_is_not_made_by_accident() -> None:
    client = QdrantClient(location=":memory:")
    with pytest.raises(NotFoundError, match="g1"):
        ServerGateway(client, "g1", create=False)
    assert client.get_collections().collections == []


def test_generations_are_collections_of_their_own_and_what_nobody_names_goes(tmp_path: Path) -> None:
    client = QdrantClient(location=":memory:")
    shelf = ServerShelf(VectorServer("http://q:6333"), tmp_path, client)
    other = ServerShelf(VectorServer("http://q:6333"), tmp_path / "other", client)
    other.open("g0009", 384).close()
    generations = Generations(tmp_path, store_at(tmp_path), shelf)
    live, gateway = generations.live_or_first(WordEmbedder())
    gateway.upsert([Point("a#0", "a", "s", ("t",), (), "", "h", [1.0] * 384, SparseVector((), ()))])
    gateway.close()
    shelf.open("g0777", 384).close()
    built = generations.begin(WordEmbedder())
    generations.open(built, WordEmbedder()).close()
    generations.switch(built.generation)
    assert generations.collect(keep=0) == [live.generation, "g0777"]
    assert shelf.names() == [built.generation]
    assert other.names() == ["g0009"]
