"""One contract for every vector gateway; the cases mirror what stock filters let through."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qdrant_client import QdrantClient

from index.errors import ModelError, UsageError
from index.scope import Principal, Scope
from index.vectors.edge import EdgeGateway
from index.vectors.gateway import Hit, Narrow, Point, SparseVector, VectorGateway
from index.vectors.memory import MemoryGateway
from index.vectors.server import ServerGateway, VectorServer, drop_collection

DIMENSION = 8
EVERYTHING = Narrow()


def scope(*tags: str) -> Scope:
    return Scope(Principal("tester"), {}, frozenset(tags))


def direction(*weights: float) -> np.ndarray:
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[: len(weights)] = weights
    return vector / np.linalg.norm(vector)


def point(chunk_id: str, **changes: Any) -> Point:
    given: dict[str, Any] = {
        "chunk_id": chunk_id,
        "doc_id": chunk_id.partition("#")[0],
        "source": "library",
        "tags": ("public",),
        "entities": (),
        "date": "2026-03-01",
        "hash": "h1",
        "dense": direction(1.0),
        "sparse": SparseVector((7,), (1.0,)),
    }
    return Point(**(given | changes))


def on_server(client: QdrantClient, collection: str) -> ServerGateway:
    return ServerGateway(client, collection, create=True, dimension=DIMENSION)


@pytest.fixture(params=["edge", "memory", "client in memory", "client on disk", "server"])
def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorGateway]:
    built: VectorGateway
    if request.param == "edge":
        built = EdgeGateway(tmp_path / "shard", create=True, dimension=DIMENSION)
    elif request.param == "memory":
        built = MemoryGateway(DIMENSION)
    elif request.param == "server":
        yield from a_real_server()
        return
    else:
        place = {"path": str(tmp_path)} if "disk" in request.param else {"location": ":memory:"}
        built = on_server(QdrantClient(**place), "tower_g1")
    yield built
    built.close()


def a_real_server() -> Iterator[VectorGateway]:
    """A collection of its own on the server that TOWER_TEST_QDRANT_URL names, removed afterwards."""
    url = os.environ.get("TOWER_TEST_QDRANT_URL")
    if not url:
        pytest.skip("TOWER_TEST_QDRANT_URL names no Qdrant server")
    server, collection = VectorServer(url), f"tower_test_{uuid.uuid4().hex}"
    built = on_server(server.connect(), collection)
    yield built
    built.close()
    client = server.connect()
    drop_collection(client, collection)
    client.close()


def found(gateway: VectorGateway, who: Scope, narrow: Narrow = EVERYTHING, limit: int = 50) -> set[str]:
    """What both legs find together; each leg alone must not find more."""
    dense, sparse = direction(1.0), SparseVector((7,), (1.0,))
    both = {hit.chunk_id for hit in gateway.search(who, dense, sparse, narrow=narrow, limit=limit)}
    for leg in (
        gateway.search(who, dense, None, narrow=narrow, limit=limit),
        gateway.search(who, None, sparse, narrow=narrow, limit=limit),
    ):
        assert {hit.chunk_id for hit in leg} <= both
    return both


def test_a_point_is_found_by_its_vector_and_by_its_words(gateway: VectorGateway) -> None:
    gateway.upsert(
        [
            point("near#0", dense=direction(1.0, 0.1), sparse=SparseVector((1,), (1.0,))),
            point("words#0", dense=direction(0.0, 1.0), sparse=SparseVector((7, 9), (1.5, 1.0))),
            point("far#0", dense=direction(-1.0), sparse=SparseVector((3,), (1.0,))),
        ]
    )
    hits = {
        h.chunk_id: h
        for h in gateway.search(scope("public"), direction(1.0), SparseVector((7,), (1.0,)), narrow=EVERYTHING, limit=1)
    }
    assert set(hits) == {"near#0", "words#0"}
    assert hits["near#0"].dense == pytest.approx(0.99504, abs=1e-4) and hits["near#0"].sparse is None
    assert hits["words#0"].dense == pytest.approx(0.0, abs=1e-6)
    assert hits["words#0"].sparse == pytest.approx(1.5 * np.log(1 + 2.5 / 1.5), rel=1e-4)


def test_each_leg_s_hits_have_the_score_of_the_other(gateway: VectorGateway) -> None:
    gateway.upsert(
        [
            point("near#0", dense=direction(1.0, 0.1), sparse=SparseVector((7,), (0.5,))),
            point("words#0", dense=direction(0.0, 1.0), sparse=SparseVector((7,), (1.5,))),
        ]
    )
    hits = gateway.search(scope("public"), direction(1.0), SparseVector((7,), (1.0,)), narrow=EVERYTHING, limit=1)
    scores = {hit.chunk_id: (hit.dense, hit.sparse) for hit in hits}
    assert scores["near#0"] == pytest.approx((0.99504, 0.5 * np.log(1 + 0.5 / 2.5)), abs=1e-4)
    assert scores["words#0"] == pytest.approx((0.0, 1.5 * np.log(1 + 0.5 / 2.5)), abs=1e-4)
    vectors = {hit.chunk_id: np.asarray(hit.vector) for hit in hits}
    assert vectors["near#0"] == pytest.approx(direction(1.0, 0.1), abs=3e-4)  # half precision
    assert vectors["words#0"] == pytest.approx(direction(0.0, 1.0), abs=3e-4)


def test_a_hit_carries_document_and_hash(gateway: VectorGateway) -> None:
    gateway.upsert([point("crm:a b,c/é.md#3", doc_id="crm:a b,c/é.md", hash="abc")])
    [hit] = gateway.search(scope("public"), direction(1.0), None, narrow=EVERYTHING, limit=5)
    assert hit == Hit("crm:a b,c/é.md#3", "crm:a b,c/é.md", "abc", hit.dense, None)


def test_upserting_again_replaces(gateway: VectorGateway) -> None:
    gateway.upsert([point("a#0"), point("b#0")])
    assert gateway.upsert([point("a#0", hash="h2", tags=("secret",))]) == 1
    assert gateway.count() == 2
    assert found(gateway, scope("public")) == {"b#0"}
    assert found(gateway, scope("secret")) == {"a#0"}


def test_deleted_points_are_gone_and_unknown_ids_are_no_error(gateway: VectorGateway) -> None:
    gateway.upsert([point("a#0"), point("b#0")])
    gateway.delete(["a#0", "never#0"])
    gateway.delete([])
    assert gateway.count() == 1
    assert found(gateway, scope("public")) == {"b#0"}


def test_a_scope_without_tags_sees_nothing(gateway: VectorGateway) -> None:
    gateway.upsert([point("a#0"), point("untagged#0", tags=())])
    assert found(gateway, scope()) == set()


def test_an_untagged_point_is_seen_by_nobody(gateway: VectorGateway) -> None:
    gateway.upsert([point("untagged#0", tags=()), point("blank#0", tags=("",))])
    assert found(gateway, scope("public", "untagged", "None")) == set()


def test_a_tag_with_a_comma_is_one_tag(gateway: VectorGateway) -> None:
    gateway.upsert(
        [point("emea#0", tags=("EMEA",)), point("apac#0", tags=("APAC",)), point("both#0", tags=("EMEA,APAC",))]
    )
    assert found(gateway, scope("EMEA,APAC")) == {"both#0"}


def test_narrowing_cannot_widen_policy(gateway: VectorGateway) -> None:
    gateway.upsert(
        [
            point("mine#0", entities=("account:1",)),
            point("theirs#0", tags=("secret",), source="hr", entities=("account:1",)),
        ]
    )
    for narrow in (
        Narrow(sources=("hr", "library")),
        Narrow(doc_ids=("theirs", "mine")),
        Narrow(entities=("account:1",)),
        Narrow(since="2000-01-01", until="2100-01-01"),
    ):
        assert found(gateway, scope("public"), narrow) == {"mine#0"}


def test_all_parts_of_a_narrowing_must_hold(gateway: VectorGateway) -> None:
    gateway.upsert(
        [
            point("all#0", source="crm", entities=("account:1", "product:9"), date="2026-05-01"),
            point("other_source#0", entities=("account:1",), date="2026-05-01"),
            point("other_key#0", source="crm", entities=("account:11",), date="2026-05-01"),
            point("too_old#0", source="crm", entities=("account:1",), date="2026-04-30"),
        ]
    )
    narrow = Narrow(sources=("crm",), entities=("account:1", "account:2"), since="2026-05-01", until="2026-05-01")
    assert found(gateway, scope("public"), narrow) == {"all#0"}


def follower(*about: str, unconditional: frozenset[str] = frozenset()) -> Scope:
    """A scope of the tags `public` and `guide` whose documents follow the rows of accounts."""
    return Scope(
        Principal("tester"), {}, frozenset({"public", "guide"}), follows=frozenset({"account"}),
        about=frozenset(about), unconditional=unconditional,
    )  # fmt: skip


SUBJECTS = (
    point("none#0"),
    point("one#0", entities=("account:1",)),
    point("both#0", entities=("account:1", "account:2")),
    point("mixed#0", entities=("account:1", "product:9")),
    point("other#0", entities=("account:2",)),
    point("guide#0", tags=("guide",), entities=("account:2",)),
    point("secret#0", tags=("secret",), entities=("account:1",)),
)


@pytest.mark.parametrize(
    ("who", "shown"),
    [
        (follower("account:1"), {"none#0", "one#0"}),
        (follower("account:1", "product:9"), {"none#0", "one#0", "mixed#0"}),
        (follower("account:1", "account:2"), {"none#0", "one#0", "both#0", "other#0", "guide#0"}),
        (follower("account:11"), {"none#0"}),
        (follower(), {"none#0"}),
        (follower("account:1", unconditional=frozenset({"guide"})), {"none#0", "one#0", "guide#0"}),
        (follower(unconditional=frozenset({"public"})), {"none#0", "one#0", "both#0", "mixed#0", "other#0"}),
    ],
)
def test_a_document_that_follows_rows_is_seen_where_everything_it_is_about_is(
    gateway: VectorGateway, who: Scope, shown: set[str]
) -> None:
    gateway.upsert(SUBJECTS)
    assert found(gateway, who) == shown
    assert (
        found(gateway, who, Narrow(entities=("account:2",)))
        == {p.chunk_id for p in SUBJECTS if "account:2" in p.entities} & shown
    )


def test_terms_are_counted_over_what_rows_show(gateway: VectorGateway) -> None:
    """The keyword score of a visible point is the same whether or not hidden points share its words."""
    mine = point("mine#0", entities=("account:1",), sparse=SparseVector((7,), (1.5,)))
    theirs = [point(f"theirs{n}#0", entities=("account:2",)) for n in range(9)]

    def weight() -> float | None:
        [hit] = gateway.search(follower("account:1"), None, SparseVector((7,), (1.0,)), narrow=EVERYTHING, limit=20)
        return hit.sparse

    gateway.upsert([mine])
    alone = weight()
    gateway.upsert(theirs)
    assert weight() == pytest.approx(alone, rel=1e-6)


@pytest.mark.parametrize("narrow", [Narrow(entities=()), Narrow(doc_ids=())])
def test_a_join_without_keys_has_no_passages(gateway: VectorGateway, narrow: Narrow) -> None:
    gateway.upsert([point("a#0", entities=("account:1",)), point("b#0")])
    assert found(gateway, scope("public"), narrow) == set()


def test_an_undated_point_is_in_no_period(gateway: VectorGateway) -> None:
    gateway.upsert(
        [point("dated#0", date="2026-05-01T10:00:00"), point("undated#0", date=""), point("odd#0", date="May")]
    )
    assert found(gateway, scope("public"), Narrow(since="2026-05-01")) == {"dated#0"}
    assert found(gateway, scope("public"), Narrow(until="2026-05-01")) == {"dated#0"}
    assert found(gateway, scope("public"), Narrow(until="2026-04-30")) == set()


def test_thousands_of_keys_can_be_asked_for(gateway: VectorGateway) -> None:
    gateway.upsert([point(f"d{n}#0", entities=(f"account:{n}",)) for n in range(20)])
    keys = tuple(f"account:{n}" for n in range(5, 8_000))
    assert found(gateway, scope("public"), Narrow(entities=keys)) == {f"d{n}#0" for n in range(5, 20)}


@pytest.mark.parametrize("values", [[np.nan] + [0.0] * 7, [np.inf] + [0.0] * 7, [0.0] * 8, [1.0] * 7])
def test_a_vector_that_is_no_direction_is_refused_and_nothing_is_stored(
    gateway: VectorGateway, values: list[float]
) -> None:
    with pytest.raises(ModelError, match=r"bad#0"):
        gateway.upsert([point("good#0"), point("bad#0", dense=values)])
    assert gateway.count() == 0
    with pytest.raises(ModelError, match=r"question"):
        gateway.search(scope("public"), values, None, narrow=EVERYTHING, limit=5)


def test_a_search_without_any_vector_finds_nothing(gateway: VectorGateway) -> None:
    gateway.upsert([point("a#0")])
    who = scope("public")
    assert gateway.search(who, None, None, narrow=EVERYTHING, limit=5) == []
    assert gateway.search(who, None, SparseVector((), ()), narrow=EVERYTHING, limit=5) == []
    assert gateway.search(who, direction(1.0), None, narrow=EVERYTHING, limit=0) == []


def test_a_point_without_words_is_found_by_its_vector(gateway: VectorGateway) -> None:
    gateway.upsert([point("silent#0", sparse=SparseVector((), ()))])
    assert found(gateway, scope("public")) == {"silent#0"}


def test_keyword_scores_tell_nothing_of_hidden_points(gateway: VectorGateway) -> None:
    gateway.upsert([point("seen#0"), point("seen#1", sparse=SparseVector((8,), (1.0,)))])
    asked = SparseVector((7,), (1.0,))
    [before] = gateway.search(scope("public"), None, asked, narrow=EVERYTHING, limit=5)
    gateway.upsert([point(f"hidden{n}#0", tags=("secret",)) for n in range(30)])
    [after] = gateway.search(scope("public"), None, asked, narrow=EVERYTHING, limit=5)
    assert after.sparse == pytest.approx(before.sparse)


def test_closing_twice_is_no_error(gateway: VectorGateway) -> None:
    gateway.close()
    gateway.close()


@pytest.mark.parametrize(
    "part", [{"entities": "account:1"}, {"doc_ids": "a"}, {"sources": "crm"}, {"since": "yesterday"}]
)
def test_a_text_in_place_of_a_list_is_refused(part: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Narrow(**part)


def test_a_purge_keeps_what_was_not_deleted(gateway: VectorGateway) -> None:
    gateway.upsert([point("a", tags=("public",)), point("b", tags=("public",)), point("c", tags=("public",))])
    gateway.delete(["b"])
    gateway.purge()
    assert found(gateway, scope("public")) == {"a", "c"} and gateway.count() == 2
    gateway.upsert([point("b", tags=("public",))])
    assert found(gateway, scope("public")) == {"a", "b", "c"}
