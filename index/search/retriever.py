"""LlamaIndex's faces of search: any LlamaIndex program can retrieve from Tower, within a Scope.

The only module of `index` that imports llama_index; nothing on the path of the command line imports it.
"""

from __future__ import annotations

from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.callbacks import CallbackManager
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from index.documents import Passage
from index.embedding.embedder import Embedder
from index.scope import Scope
from index.search.passages import EVERYTHING, PassageIndex
from index.vectors.gateway import Narrow


class TowerRetriever(BaseRetriever):
    """A `BaseRetriever` over a `PassageIndex`, bound to one Scope: there is no way to ask it without one."""

    def __init__(
        self,
        index: PassageIndex,
        scope: Scope,
        *,
        k: int = 8,
        narrow: Narrow = EVERYTHING,
        per_document: int = 3,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        self._index = index
        self._scope = scope
        self._k = k
        self._narrow = narrow
        self._per_document = per_document
        super().__init__(callback_manager=callback_manager)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        passages = self._index.search(
            query_bundle.query_str, self._scope, k=self._k, narrow=self._narrow, per_document=self._per_document
        )
        return [passage_node(passage) for passage in passages]


class TowerEmbedding(BaseEmbedding):
    """An `Embedder` as LlamaIndex's embedding model."""

    _embedder: Any = PrivateAttr()

    def __init__(self, embedder: Embedder, **settings: Any) -> None:
        super().__init__(model_name=embedder.identity, **settings)
        self._embedder = embedder

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serializes."""
        return "TowerEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return [float(value) for value in self._embedder.embed_query(query)]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        rows: list[list[float]] = self._embedder.embed(texts).tolist()
        return rows


def passage_node(passage: Passage) -> NodeWithScore:
    """A passage as a scored node; its metadata carries all that a citation needs, and is not shown to a model."""
    metadata = {
        "chunk_id": passage.chunk_id,
        "doc_id": passage.doc_id,
        "source": passage.source,
        "title": passage.title,
        "heading": passage.heading,
        "start": passage.start,
        "end": passage.end,
        "page": passage.page,
        "date": passage.date,
        "uri": passage.uri,
        "relevance": passage.relevance,
        "entities": {entity: list(keys) for entity, keys in passage.entities.items()},
    }
    node = TextNode(
        id_=passage.chunk_id,
        text=passage.text,
        metadata=metadata,
        excluded_llm_metadata_keys=list(metadata),
        excluded_embed_metadata_keys=list(metadata),
        start_char_idx=passage.start,
        end_char_idx=passage.end,
    )
    return NodeWithScore(node=node, score=passage.score)
