"""LlamaIndex's faces of search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from index.engine import open_engine
from index.reading import SqlDocuments
from index.scope import Scope
from index.search.passages import PassageIndex
from index.vectors.gateway import Narrow
from index.vectors.memory import MemoryGateway
from ingest.indexing import index_vectors
from tests.index.shelf import WordEmbedder, document, put, reader, store_at


@pytest.fixture
def index(tmp_path: Path) -> PassageIndex:
    store, gateway, embedder = store_at(tmp_path), MemoryGateway(), WordEmbedder()
    put(
        store,
        document("library:a.md", "Preface.", "Tents carry a warranty.", entities={"product": ("P-1",)}),
        document("hr:b.md", "Warranty of secrets.", tags=frozenset({"secret"})),
    )
    index_vectors(store, gateway, embedder, "g0001")
    engine = open_engine(f"sqlite:///{tmp_path / 'tower.sqlite'}")
    return PassageIndex(gateway, embedder, SqlDocuments(engine))


def test_nodes_carry_what_a_citation_needs(index: PassageIndex) -> None:
    from index.search.retriever import TowerRetriever

    [best, *_] = TowerRetriever(index, reader("public")).retrieve("warranty of tents")
    assert best.get_content() == "Tents carry a warranty."
    kept = {name: best.metadata[name] for name in ("doc_id", "start", "end", "title", "entities")}
    assert kept == {
        "doc_id": "library:a.md",
        "start": 10,
        "end": 33,
        "title": "Library:A.Md",
        "entities": {"product": ["P-1"]},
    }
    assert 0 < best.score < 1


def test_a_retriever_is_bound_to_its_scope_and_narrowing(index: PassageIndex) -> None:
    from index.search.retriever import TowerRetriever

    def ids(scope: Scope, narrow: Narrow) -> set[str]:
        found = TowerRetriever(index, scope, narrow=narrow).retrieve("warranty")
        return {node.metadata["doc_id"] for node in found}

    assert ids(reader("public"), Narrow()) == {"library:a.md"}
    assert ids(reader("secret"), Narrow()) == {"hr:b.md"}
    assert ids(reader("public"), Narrow(doc_ids=("hr:b.md",))) == set()
    assert ids(Scope.nothing("nobody"), Narrow()) == set()


def test_llamaindex_embeds_with_our_vectors() -> None:
    from index.search.retriever import TowerEmbedding

    embedder = WordEmbedder()
    face = TowerEmbedding(embedder)
    assert face.get_query_embedding("a tent") == pytest.approx(embedder.embed_query("a tent").tolist())
    many = face.get_text_embedding_batch(["a tent", "a boot"])
    assert np.allclose(many, embedder.embed(["a tent", "a boot"]))
    assert face.model_name == "words/1"
