"""LlamaIndex's vector store over the gateway, bound to a Scope: any LlamaIndex program can query Tower's vectors.

The stock store fails open in seven ways (an empty filter, nested empty filters, a filter that is OR-ed with the policy,
an IN list given as one text, a raw filter that replaces the policy, `get_nodes`, and reading the document store). Here
the policy is no filter of the caller's: filters can only narrow, and what cannot be expressed is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
    VectorStoreQueryResult,
)

from index.documents import Passage
from index.errors import UsageError
from index.reading import DocumentReader
from index.scope import Scope
from index.search.fusion import fuse
from index.search.passages import CANDIDATES, read_passages, stored_passage
from index.search.retriever import passage_node
from index.vectors.gateway import Narrow, VectorGateway
from index.vectors.keywords import query_vector

_FIELDS = {"source": "sources", "doc_id": "doc_ids", "entities": "entities"}
_DATES = {FilterOperator.GTE: "since", FilterOperator.LTE: "until"}


class TowerVectorStore(BasePydanticVectorStore):
    """A read-only `BasePydanticVectorStore`: documents come in by `tower ingest`, so `add` and `delete` refuse.

    A query's filters may be on `source`, `doc_id`, `entities` (`==`, `in`) and `date` (`>=`, `<=`), joined by AND.
    Anything else is `UsageError`: it is never left out silently. Nodes carry the stored text and its place.
    """

    stores_text: bool = True
    is_embedding_query: bool = True
    flat_metadata: bool = False
    modes: ClassVar = (VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.HYBRID, VectorStoreQueryMode.SPARSE)
    _gateway: Any = PrivateAttr()
    _documents: Any = PrivateAttr()
    _scope: Any = PrivateAttr()

    def __init__(self, gateway: VectorGateway, documents: DocumentReader, scope: Scope) -> None:
        super().__init__(stores_text=True)
        self._gateway, self._documents, self._scope = gateway, documents, scope

    @classmethod
    def class_name(cls) -> str:
        """The name that LlamaIndex serializes."""
        return "TowerVectorStore"

    @property
    def client(self) -> None:
        """No engine is given out: it would be a way round the policy."""
        return None

    def query(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        """The nodes that fit, within the Scope and the filters; the modes are default, hybrid and sparse."""
        if kwargs:
            raise UsageError(f"not understood: {', '.join(sorted(kwargs))}", hint="narrow with `filters`")
        if query.mode not in self.modes:
            raise UsageError(f"the mode {query.mode} is not supported", hint="default, hybrid or sparse")
        narrow = narrowing(query.filters, query.doc_ids, query.node_ids)
        dense = None if query.mode == VectorStoreQueryMode.SPARSE else query.query_embedding
        words = None if query.mode == VectorStoreQueryMode.DEFAULT else query_vector(query.query_str or "")
        count = query.similarity_top_k
        hits = self._gateway.search(self._scope, dense, words, narrow=narrow, limit=max(CANDIDATES, count))
        found = list(read_passages(self._documents, fuse(hits, dense), self._scope, step=2 * count))[:count]
        return _result(found)

    def get_nodes(self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None) -> list[BaseNode]:
        """The chunks with these ids that the Scope shows; others are left out. Filters are not supported here."""
        if filters is not None or node_ids is None:
            raise UsageError("nodes are read by their ids", hint="`query` takes filters")
        stored = self._documents.chunks(node_ids, self._scope)
        return [passage_node(stored_passage(stored[name])).node for name in node_ids if name in stored]

    def add(self, nodes: Sequence[BaseNode], **_kwargs: Any) -> list[str]:
        """Refused: what is indexed follows the SQL index."""
        raise UsageError("this store is read-only", hint="bring documents in with `tower ingest`")

    def delete(self, ref_doc_id: str, **_kwargs: Any) -> None:
        """Refused, as `add` is."""
        raise UsageError("this store is read-only", hint="remove documents at their source and run `tower ingest`")


def narrowing(
    filters: MetadataFilters | None, doc_ids: Sequence[str] | None = None, node_ids: Sequence[str] | None = None
) -> Narrow:
    """LlamaIndex's filters as a `Narrow`; `UsageError` for what it cannot say. No filters narrow nothing."""
    if node_ids:  # LlamaIndex's retriever says "all" with an empty list
        raise UsageError("a query cannot be narrowed to nodes", hint="narrow to doc_ids")
    parts: dict[str, Any] = {} if doc_ids is None else {"doc_ids": tuple(doc_ids)}
    for one in _all_of(filters):
        name, value = _part(one)
        if name in parts:
            raise UsageError(f"{one.key} is filtered twice", hint="give one list of values")
        parts[name] = value
    return Narrow(**parts)


def _all_of(filters: MetadataFilters | None) -> list[MetadataFilter]:
    if filters is None:
        return []
    if filters.condition not in (None, FilterCondition.AND) and len(filters.filters) != 1:
        raise UsageError(f"filters joined by {filters.condition} are not supported", hint="join them by AND")
    if filters.condition == FilterCondition.NOT:
        raise UsageError("a filter cannot be turned round", hint="say what is wanted")
    if not filters.filters:
        raise UsageError("an empty list of filters says nothing", hint="leave `filters` away")
    found: list[MetadataFilter] = []
    for one in filters.filters:
        found += _all_of(one) if isinstance(one, MetadataFilters) else [one]
    return found


def _part(one: MetadataFilter) -> tuple[str, Any]:
    if one.key == "date" and one.operator in _DATES:
        return _DATES[one.operator], str(one.value)
    if one.key not in _FIELDS or one.operator not in (FilterOperator.EQ, FilterOperator.IN):
        raise UsageError(
            f"the filter {one.key} {one.operator.value} is not supported",
            hint="source, doc_id and entities with == or in; date with >= or <=",
        )
    if one.operator == FilterOperator.IN:
        if not isinstance(one.value, list):
            raise UsageError(f"in takes a list, not {one.value!r}")
        return _FIELDS[one.key], tuple(str(value) for value in one.value)
    return _FIELDS[one.key], (str(one.value),)


def _result(found: Sequence[Passage]) -> VectorStoreQueryResult:
    nodes = [passage_node(passage) for passage in found]
    return VectorStoreQueryResult(
        nodes=[one.node for one in nodes],
        similarities=[one.score or 0.0 for one in nodes],
        ids=[one.node.node_id for one in nodes],
    )
