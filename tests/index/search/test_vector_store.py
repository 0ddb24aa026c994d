"""LlamaIndex's store face: the seven ways in which the stock store returns what policy excludes, each closed here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

from index.engine import open_engine
from index.errors import UsageError
from index.reading import SqlDocuments
from index.scope import Scope
from index.search.retriever import TowerEmbedding
from index.search.vector_store import TowerVectorStore
from index.vectors.memory import MemoryGateway
from ingest.indexing import index_vectors
from tests.index.shelf import WordEmbedder, document, put, reader, store_at

EMBEDDER = WordEmbedder()
MINE = {"library:warranty.md#0", "library:returns.md#0", "emea:prices.md#0"}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[MemoryGateway, SqlDocuments]]:
    store, gateway = store_at(tmp_path), MemoryGateway()
    put(
        store,
        document("library:warranty.md", "Tents carry a warranty of five years."),
        document("library:returns.md", "Boots may be sent back within thirty days.", date="2026-03-01"),
        document("emea:prices.md", "Prices of tents in EMEA.", source="emea"),
        document("hr:salaries.md", "The warranty clerk earns a salary.", source="hr", tags=frozenset({"secret"})),
    )
    index_vectors(store, gateway, EMBEDDER, "g0001")
    engine = open_engine(f"sqlite:///{tmp_path / 'tower.sqlite'}")
    yield gateway, SqlDocuments(engine)
    engine.dispose()


@pytest.fixture
def store(opened: tuple[MemoryGateway, SqlDocuments]) -> TowerVectorStore:
    return TowerVectorStore(*opened, reader("public"))


def ask(store: TowerVectorStore, filters: MetadataFilters | None = None, **rest: Any) -> set[str]:
    query = VectorStoreQuery(EMBEDDER.embed_query("warranty salary").tolist(), 10, filters=filters, **rest)
    return set(store.query(query).ids or [])


def where(*filters: Any, condition: FilterCondition = FilterCondition.AND) -> MetadataFilters:
    return MetadataFilters(filters=list(filters), condition=condition)


def one(key: str, value: Any, operator: FilterOperator = FilterOperator.EQ) -> MetadataFilter:
    return MetadataFilter(key=key, value=value, operator=operator)


def test_without_filters_the_scope_alone_decides(store: TowerVectorStore) -> None:
    assert ask(store) == MINE


def test_filters_narrow(store: TowerVectorStore) -> None:
    assert ask(store, where(one("source", "emea"))) == {"emea:prices.md#0"}
    assert ask(store, where(one("source", ["emea", "hr"], FilterOperator.IN))) == {"emea:prices.md#0"}
    assert ask(store, where(one("date", "2026-01-01", FilterOperator.GTE))) == {"library:returns.md#0"}
    assert ask(store, doc_ids=["library:returns.md", "hr:salaries.md"]) == {"library:returns.md#0"}


def test_1_empty_filters_are_refused_and_never_mean_everything(store: TowerVectorStore) -> None:
    with pytest.raises(UsageError, match="empty"):
        ask(store, where())


def test_2_nested_empty_filters_are_refused(store: TowerVectorStore) -> None:
    with pytest.raises(UsageError, match="empty"):
        ask(store, where(where(), one("source", "hr")))


def test_3_a_filter_of_the_caller_is_never_joined_to_the_policy_by_or(store: TowerVectorStore) -> None:
    with pytest.raises(UsageError, match="joined by"):
        ask(store, where(one("source", "hr"), one("source", "emea"), condition=FilterCondition.OR))
    assert ask(store, where(one("source", "hr"), condition=FilterCondition.OR)) == set()


def test_4_a_text_in_place_of_a_list_is_not_split(store: TowerVectorStore) -> None:
    with pytest.raises(UsageError, match="in takes a list"):
        ask(store, where(one("source", "emea,hr", FilterOperator.IN)))


def test_5_a_raw_filter_does_not_replace_the_policy(store: TowerVectorStore) -> None:
    with pytest.raises(UsageError, match="qdrant_filters"):
        store.query(VectorStoreQuery(EMBEDDER.embed_query("salary").tolist(), 10), qdrant_filters=object())


def test_6_nodes_read_by_id_are_within_the_scope(store: TowerVectorStore) -> None:
    nodes = store.get_nodes(["hr:salaries.md#0", "library:warranty.md#0", "never#0"])
    assert [node.node_id for node in nodes] == ["library:warranty.md#0"]
    with pytest.raises(UsageError):
        store.get_nodes(filters=where(one("source", "hr")))


def test_7_there_is_no_document_store_or_engine_to_read_around_it(store: TowerVectorStore) -> None:
    assert store.client is None
    index = VectorStoreIndex.from_vector_store(store, embed_model=TowerEmbedding(EMBEDDER))
    assert index.docstore.docs == {}


def test_a_filter_that_turns_round_passes_nothing_untagged(opened: tuple[MemoryGateway, SqlDocuments]) -> None:
    store = TowerVectorStore(*opened, reader("public"))
    for refused in (one("tags", "secret", FilterOperator.NE), one("source", "hr", FilterOperator.NE)):
        with pytest.raises(UsageError, match="not supported"):
            ask(store, where(refused))
    with pytest.raises(UsageError):
        ask(store, where(one("source", "hr"), condition=FilterCondition.NOT))


def test_a_scope_without_policy_sees_nothing(opened: tuple[MemoryGateway, SqlDocuments]) -> None:
    assert ask(TowerVectorStore(*opened, Scope.nothing("nobody"))) == set()


def test_modes_choose_the_legs(store: TowerVectorStore) -> None:
    sparse = ask(store, mode=VectorStoreQueryMode.SPARSE, query_str="boots")
    assert sparse == {"library:returns.md#0"}
    assert ask(store, mode=VectorStoreQueryMode.HYBRID, query_str="boots") == MINE
    with pytest.raises(UsageError, match="mode"):
        ask(store, mode=VectorStoreQueryMode.MMR)


def test_it_is_read_only(store: TowerVectorStore) -> None:
    with pytest.raises(UsageError, match="read-only"):
        store.add([TextNode(text="a")])
    with pytest.raises(UsageError, match="read-only"):
        store.delete("library:warranty.md")


def test_a_llamaindex_program_retrieves_with_exact_places(store: TowerVectorStore) -> None:
    index = VectorStoreIndex.from_vector_store(store, embed_model=TowerEmbedding(EMBEDDER))
    [best, *_] = index.as_retriever(similarity_top_k=3).retrieve("how long is the warranty of tents")
    assert best.node.node_id == "library:warranty.md#0"
    assert (best.node.start_char_idx, best.node.end_char_idx) == (0, len(best.node.get_content()))
