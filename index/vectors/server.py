"""A Qdrant server as the vector engine: many processes share it. The only module that imports qdrant-client.

The same points, filters and checks as the embedded engine's (`index.vectors.edge`): policy stands in `must` of every
leg, terms are counted over what the scope shows, and what comes back is checked once more before it leaves.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from index.errors import NotFoundError, SourceError, StorageError, UsageError
from index.scope import Scope
from index.vectors.filter import (
    DATE_FIELD,
    DENSE,
    KEYWORD_FIELDS,
    SPARSE,
    About,
    AnyOf,
    Empty,
    Part,
    admitted,
    parts,
    point_id,
)
from index.vectors.gateway import Hit, Narrow, Point, SparseVector, checked, sees_nothing

if TYPE_CHECKING:
    from qdrant_client import QdrantClient
    from qdrant_client.http import models

log = logging.getLogger(__name__)

_BATCH = 256  # points in one update
_TIMEOUT_S = 30
_OLDEST = (1, 19)  # the first that counts terms over what a filter shows; one before it would ignore being told to


@dataclass(frozen=True)
class VectorServer:
    """Where the collections live: `url`, `api_key` (empty for none), and how a new one is laid out.

    An empty `collection_prefix` stands for one made from the workspace's folder.
    """

    url: str
    api_key: str = ""
    collection_prefix: str = ""
    shards: int = 1
    replicas: int = 1

    def connect(self) -> QdrantClient:
        """A client; it connects when it is first used."""
        from qdrant_client import QdrantClient

        try:
            return QdrantClient(
                url=self.url, api_key=self.api_key or None, timeout=_TIMEOUT_S, check_compatibility=False
            )
        except ValueError as error:
            raise UsageError(
                f"vectors.url is no address: {self.url!r}: {error}", hint="for example http://localhost:6333"
            ) from error


class ServerGateway:
    """A `VectorGateway` on the collection `collection`, made when there is none and `create` is given.

    `client` is closed with the gateway where it is `owned`. Writes have reached the collection when `upsert` and
    `delete` return. A server that does not answer is `SourceError`, one that refuses `StorageError`.
    """

    def __init__(
        self,
        client: QdrantClient,
        collection: str,
        *,
        create: bool,
        dimension: int = 384,
        shards: int = 1,
        replicas: int = 1,
        owned: bool = True,
    ) -> None:
        self._client: QdrantClient | None = client
        self._owned = owned
        self._collection = collection
        self._dimension = dimension
        self._prepare(create, shards, replicas)

    def upsert(self, points: Iterable[Point]) -> int:
        """Insert or replace points by `chunk_id`; nothing of a batch is stored when one of its vectors is bad."""
        stored = 0
        iterator = iter(points)
        while batch := list(islice(iterator, _BATCH)):
            ready = [_server_point(point, self._dimension) for point in batch]
            self._ask("written", lambda client: client.upsert(self._collection, ready, wait=True))  # noqa: B023
            stored += len(ready)
        return stored

    def delete(self, chunk_ids: Sequence[str]) -> None:
        """Remove points; unknown ids are no error."""
        if chunk_ids:
            from qdrant_client.http import models

            chosen = models.PointIdsList(points=[point_id(chunk_id) for chunk_id in chunk_ids])
            self._ask("written", lambda client: client.delete(self._collection, chosen, wait=True))

    def search(
        self,
        scope: Scope,
        dense: Sequence[float] | npt.NDArray[np.float32] | None,
        sparse: SparseVector | None,
        *,
        narrow: Narrow,
        limit: int,
    ) -> list[Hit]:
        """The best `limit` points of each leg within `scope` and `narrow`, merged by chunk, unfused."""
        from qdrant_client.http import models

        if limit <= 0 or sees_nothing(scope, narrow):
            return []
        condition = render(parts(scope, narrow))
        vector = None if dense is None else checked(dense, self._dimension, "the question").tolist()
        near = [] if vector is None else self._query(vector, DENSE, condition, limit)
        words: list[models.ScoredPoint] = []
        if sparse is not None and sparse.indices:
            terms = models.SparseVector(indices=list(sparse.indices), values=list(sparse.values))
            # Terms are counted over what the scope shows, so that scores tell nothing of the rest.
            corpus = models.IdfCorpusParams(corpus=render(parts(scope, Narrow())))
            words = self._query(terms, SPARSE, condition, limit, params=models.SearchParams(idf=corpus))
        cosines, keywords = _scores(near), _scores(words)
        if words and (unread := cosines.keys() - keywords.keys()):
            among = models.Filter(must=[condition, models.HasIdCondition(has_id=list(unread))])
            counted = models.SearchParams(idf=corpus)
            keywords |= _scores(self._query(terms, SPARSE, among, len(unread), params=counted, bare=True))
        if vector is not None and (rest := keywords.keys() - cosines.keys()):
            among = models.Filter(must=[condition, models.HasIdCondition(has_id=list(rest))])
            cosines |= _scores(self._query(vector, DENSE, among, len(rest), bare=True))
        found = {point.id: (point.payload or {}, point.vector) for point in (*near, *words)}
        return [
            _hit(payload, cosines.get(place), keywords.get(place), vectors)
            for place, (payload, vectors) in found.items()
            if admitted(payload, scope, narrow)
        ]

    def count(self) -> int:
        """Points held."""
        return int(self._ask("read", lambda client: client.count(self._collection, exact=True)).count)

    def optimise(self) -> bool:
        """The server builds its search graphs by itself."""
        return False

    def purge(self) -> None:
        """The server clears deleted points away by itself, when a tenth or so of a segment is deleted."""

    def close(self) -> None:
        """Close the connections; idempotent."""
        if self._client is not None and self._owned:
            self._client.close()
        self._client = None

    def _query(
        self,
        query: Any,
        using: str,
        condition: models.Filter,
        limit: int,
        *,
        params: models.SearchParams | None = None,
        bare: bool = False,
    ) -> list[models.ScoredPoint]:
        """One leg; `bare` leaves the payloads out."""
        found = self._ask(
            "searched",
            lambda client: client.query_points(
                self._collection,
                query=query,
                using=using,
                query_filter=condition,
                limit=limit,
                with_payload=not bare,
                with_vectors=False if bare else [DENSE],
                search_params=params,
            ),
        )
        return list(found.points)

    def _prepare(self, create: bool, shards: int, replicas: int) -> None:
        """Make the collection and its payload indexes where they are missing; what a kill cut off is completed."""
        self._ask("opened", _require_version)
        known = self._ask("opened", lambda client: client.collection_exists(self._collection))
        if not known and not create:
            raise NotFoundError(f"no vector index {self._collection!r} on the server", hint="run `tower ingest`")
        if not known:
            layout = _layout(self._dimension) | {"shard_number": shards, "replication_factor": replicas}
            self._ask("made", lambda client: client.create_collection(self._collection, **layout))
        if create:
            self._ask("made", self._index_payload)

    def _index_payload(self, client: QdrantClient) -> None:
        """An index on every field that policy and questions filter by; making one again changes nothing."""
        from qdrant_client.http.models import PayloadSchemaType

        for field in KEYWORD_FIELDS:
            client.create_payload_index(self._collection, field, PayloadSchemaType.KEYWORD)
        client.create_payload_index(self._collection, DATE_FIELD, PayloadSchemaType.DATETIME)

    def _ask(self, done: str, call: Any) -> Any:
        """One call to the engine, with its failures as ours."""
        if self._client is None:
            raise StorageError(f"the vector index {self._collection!r} is closed")
        return _asked(self._client, f"the vector index {self._collection!r} cannot be {done}", call)


def _require_version(client: QdrantClient) -> None:
    """Raises `StorageError` for a server that would let scores tell of what is hidden."""
    version = str(client.info().version)
    number = tuple(int(part) for part in version.split("-")[0].split(".")[:2] if part.isdigit())
    if number < _OLDEST:
        raise StorageError(
            f"the vector server is Qdrant {version}; {'.'.join(map(str, _OLDEST))} or newer is needed",
            hint="keyword scores of an older one tell of documents that are hidden",
        )


def drop_collection(client: QdrantClient, collection: str) -> None:
    """Remove a collection; one that is not there is no error."""
    _asked(client, f"the vector index {collection!r} cannot be removed", lambda c: c.delete_collection(collection))


def collections(client: QdrantClient) -> list[str]:
    """The names of all collections on the server."""
    found = _asked(client, "the vector server's collections cannot be listed", lambda c: c.get_collections())
    return [one.name for one in found.collections]


def _asked(client: QdrantClient, what: str, call: Callable[[QdrantClient], Any]) -> Any:
    """One call; `SourceError` when the server does not answer, `StorageError` when it refuses."""
    from httpx import HTTPError
    from qdrant_client.http.exceptions import ApiException, ResponseHandlingException

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Local mode performs exact")
            warnings.filterwarnings("ignore", message="Payload indexes have no effect in the local Qdrant")
            return call(client)
    except (ResponseHandlingException, HTTPError, OSError) as error:
        raise SourceError(
            f"{what}: the vector server does not answer: {error}",
            hint="is it running? `vectors.url` in tower.yaml names it",
        ) from error
    except (ApiException, ValueError) as error:
        raise StorageError(f"{what}: {str(error).strip()}", hint="the server's log may say more") from error


def render(must: Sequence[Part]) -> models.Filter:
    """The filter in the server's words."""
    from qdrant_client.http import models

    return models.Filter(must=[_condition(part) for part in must])


def _condition(part: Part) -> Any:
    from qdrant_client.http import models

    if isinstance(part, AnyOf):
        return models.FieldCondition(key=part.field, match=models.MatchAny(any=list(part.values)))
    if isinstance(part, About):
        other = models.FieldCondition(key="entities", match=models.MatchExcept(**{"except": list(part.allowed)}))
        free = [_condition(AnyOf("tags", part.unconditional))] if part.unconditional else []
        return models.Filter(should=[models.Filter(must_not=[other]), *free])
    if isinstance(part, Empty):
        return models.IsEmptyCondition(is_empty=models.PayloadField(key=part.field))
    day = models.DatetimeRange.model_validate({"gte": part.since or None, "lte": part.until or None})
    return models.FieldCondition(key=part.field, range=day)


def _scores(points: Sequence[models.ScoredPoint]) -> dict[Any, float]:
    return {point.id: point.score for point in points}


def _hit(payload: dict[str, Any], dense: float | None, sparse: float | None, vectors: Any) -> Hit:
    vector = vectors[DENSE] if isinstance(vectors, dict) and dense is not None else None
    return Hit(payload["chunk_id"], payload["doc_id"], payload["hash"], dense, sparse, vector)


def _server_point(point: Point, dimension: int) -> models.PointStruct:
    from qdrant_client.http import models

    vectors: dict[str, Any] = {DENSE: checked(point.dense, dimension, point.chunk_id).tolist()}
    if point.sparse.indices:
        vectors[SPARSE] = models.SparseVector(indices=list(point.sparse.indices), values=list(point.sparse.values))
    return models.PointStruct(id=point_id(point.chunk_id), vector=vectors, payload=point.payload())


def _layout(dimension: int) -> dict[str, Any]:
    """Cosine vectors and keyword weights with inverse document frequency, as in the embedded engine."""
    from qdrant_client.http import models

    return {
        "vectors_config": {DENSE: models.VectorParams(size=dimension, distance=models.Distance.COSINE)},
        "sparse_vectors_config": {SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
    }
