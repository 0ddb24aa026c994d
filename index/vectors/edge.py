"""The embedded vector engine: Qdrant's own, in process (qdrant-edge), with a keyword index of our own beside it. The
only module that imports the engine.

One process owns a shard; a second one is told who does. Policy stands in `must` of the filter of every leg, and what
comes back is checked once more before it leaves.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import qdrant_edge as engine
from filelock import FileLock, Timeout

from index.errors import BusyError, NotFoundError, StorageError
from index.scope import Scope
from index.vectors.edge_graph import build_beside, discard, fresh_beside, is_due, put_in_place, recover
from index.vectors.filter import DATE_FIELD, DENSE, KEYWORD_FIELDS, About, AnyOf, Empty, Part, admitted, parts
from index.vectors.filter import point_id as point_id
from index.vectors.gateway import Hit, Narrow, Point, SparseVector, checked, sees_nothing
from index.vectors.words import WordIndex

Vector = npt.NDArray[np.float32]
log = logging.getLogger(__name__)

_READY = "ready"  # a file that says that the shard was created completely
_WORDS = "words"  # the folder of the keyword index, in the shard's
_BATCH = 1000  # points in one update


class EdgeGateway:
    """A `VectorGateway` on a shard in the folder `path`.

    With `create` a shard is made when there is none (also over one whose creation was cut off); without it a missing
    shard is `NotFoundError`. A shard that another process has open is `BusyError`. Writes are in the write-ahead log
    and flushed when `upsert` and `delete` return.
    """

    def __init__(self, path: Path, *, create: bool, dimension: int = 384) -> None:
        self._path = path
        self._dimension = dimension
        self._mutex = threading.RLock()
        self._changes = 0
        recover(path)
        if not create and not (path / _READY).is_file():
            raise NotFoundError(f"no vector index at {path}", hint="run `tower ingest`")
        self._lock = _acquire(path)
        try:
            self._shard: engine.EdgeShard | None = _open(path, dimension)
            self._words = WordIndex(path / _WORDS)
        except BaseException:
            self._lock.release()
            raise

    def upsert(self, points: Iterable[Point]) -> int:
        """Insert or replace points by `chunk_id`; nothing of a batch is stored when one of its vectors is bad."""
        stored = 0
        iterator = iter(points)
        while batch := list(islice(iterator, _BATCH)):
            ready = [_engine_point(point, self._dimension) for point in batch]
            words = [(point_id(point.chunk_id), point) for point in batch]
            self._write(engine.UpdateOperation.upsert_points(ready), words)
            stored += len(ready)
        return stored

    def delete(self, chunk_ids: Sequence[str]) -> None:
        """Remove points; unknown ids are no error."""
        if chunk_ids:
            ids: list[int | uuid.UUID | str] = [point_id(chunk_id) for chunk_id in chunk_ids]
            self._write(engine.UpdateOperation.delete_points(ids), removed=[str(one) for one in ids])

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
        if limit <= 0 or sees_nothing(scope, narrow):
            return []
        question = None if dense is None else _unit(checked(dense, self._dimension, "the question"))
        near = [] if question is None else self._nearest(question, scope, narrow, limit)
        view = self._words.view(scope, narrow, sparse)
        places = view.places([point.id for point in near])
        there = places >= 0  # what was removed meanwhile is not
        places, scored = places[there], list(compress((point.score for point in near), there))
        rest = sorted(set(view.best(limit).tolist()).difference(places.tolist()))
        places = np.concatenate([places, np.array(rest, dtype=np.int64)])
        vectors: Sequence[Any] = [None] * len(places)
        cosines: Sequence[float | None] = [None] * len(places)
        if question is not None:
            held = view.vectors(places)
            cosines = scored + np.vecdot(held[len(scored) :], question).tolist() if len(places) else []
            vectors = list(held)
        keywords = view.scores(places).tolist()
        return [
            Hit(payload["chunk_id"], payload["doc_id"], payload["hash"], cosine, keyword or None, vector)
            for payload, cosine, keyword, vector in zip(view.payloads(places), cosines, keywords, vectors, strict=True)
            if admitted(payload, scope, narrow)
        ]

    def count(self) -> int:
        """Points held by both indices; a kill between the two leaves some in one, which are not acknowledged."""
        with self._mutex:
            return min(self._open_shard().count(engine.CountRequest(exact=True)), self._words.points)

    def optimise(self) -> bool:
        """Build the search graph of a large shard in another process, and switch to it; questions go on meanwhile.

        What is written meanwhile wins: the graph is then left for the next time.
        """
        with self._mutex:
            self._words.compact()
            points, changes = self.count(), self._changes
        if not is_due(self._path, points):
            return False
        copy = build_beside(self._path, points)
        with self._mutex:
            if self._shard is None or self._changes != changes:
                discard(copy)
                return False
            self._replace(copy)
        return True

    def purge(self) -> None:
        """Write the index anew from its points: the engine keeps deleted ones in its files. Questions wait meanwhile;
        a kill leaves the old files or the new ones."""
        with self._mutex:
            copy = fresh_beside(self._path)
            shard = _open(copy, self._dimension)
            try:
                for batch in self._points():
                    shard.update(engine.UpdateOperation.upsert_points(batch))
                shard.flush()
            except Exception as error:
                shard.close()
                discard(copy)
                raise StorageError(
                    f"the vector index at {self._path} cannot be written anew: {error}", hint="is the disk full?"
                ) from error
            shard.close()
            self._words.compact(whole=True)
            shutil.copytree(self._path / _WORDS, copy / _WORDS, dirs_exist_ok=True)
            self._replace(copy)

    def _points(self) -> Iterator[list[engine.Point]]:
        """Every point with its vector, in batches."""
        place: Any = None
        while True:
            request = engine.ScrollRequest(offset=place, limit=_BATCH, with_payload=True, with_vector=True)
            held, place = self._open_shard().scroll(request)
            yield [engine.Point(point.id, point.vector or {}, point.payload) for point in held]
            if place is None:
                return

    def _replace(self, copy: Path) -> None:
        """Make `copy` the shard."""
        self._open_shard().close()
        put_in_place(self._path, copy)
        self._shard = _open(self._path, self._dimension)
        self._words = WordIndex(self._path / _WORDS)

    def close(self) -> None:
        """Flush, release the engine and the owner's lock; idempotent."""
        with self._mutex:
            if self._shard is not None:
                self._shard.close()
                self._shard = None
                _owner_file(self._path).unlink(missing_ok=True)
                self._lock.release()

    def _nearest(self, question: Vector, scope: Scope, narrow: Narrow, limit: int) -> list[Any]:
        """The dense leg: points with their cosines. The engine need not look at a filter that every point passes."""
        query = engine.Query.Nearest(question.tolist(), using=DENSE)
        with self._mutex:
            everything = narrow == Narrow() and self._words.shows_all(scope)
            condition = None if everything else _filter(scope, narrow)
            try:
                return self._open_shard().query(engine.QueryRequest(limit=limit, query=query, filter=condition))
            except StorageError:
                raise
            except Exception as error:
                raise StorageError(
                    f"the vector index at {self._path} cannot be searched: {error}", hint="run `tower reindex`"
                ) from error

    def _write(
        self, change: engine.UpdateOperation, points: Sequence[tuple[str, Point]] = (), removed: Sequence[str] = ()
    ) -> None:
        with self._mutex:
            shard = self._open_shard()
            self._changes += 1
            try:
                shard.update(change)
                shard.flush()
            except Exception as error:
                raise StorageError(
                    f"the vector index at {self._path} cannot be written: {error}", hint="is the disk full?"
                ) from error
            self._words.write(points, removed)

    def _open_shard(self) -> engine.EdgeShard:
        if self._shard is None:
            raise StorageError(f"the vector index at {self._path} is closed")
        return self._shard


def _unit(vector: Vector) -> Vector:
    unit: Vector = vector / np.linalg.norm(vector)
    return unit


def _filter(scope: Scope, narrow: Narrow) -> engine.Filter:
    """Policy and question as one filter in the engine's words."""
    return engine.Filter(must=[_condition(part) for part in parts(scope, narrow)])


def _condition(part: Part) -> Any:
    if isinstance(part, AnyOf):
        return _any(part.field, part.values)
    if isinstance(part, About):
        return _about(part)
    if isinstance(part, Empty):
        return engine.IsEmptyCondition(part.field)
    period = engine.RangeDateTime(gte=part.since or None, lte=part.until or None)
    return engine.FieldCondition(part.field, range=period)


def _about(part: About) -> engine.Filter:
    """Only what is about nothing outside the allow-list, or carries a tag that shows it whatever it is about."""
    other = engine.FieldCondition("entities", match=engine.MatchExcept(list(part.allowed)))
    free = [_any("tags", part.unconditional)] if part.unconditional else []
    return engine.Filter(should=[engine.Filter(must_not=[other]), *free])


def _any(field: str, values: Sequence[str]) -> engine.FieldCondition:
    return engine.FieldCondition(field, match=engine.MatchAny(list(values)))


def _engine_point(point: Point, dimension: int) -> engine.Point:
    vectors: dict[str, Any] = {DENSE: checked(point.dense, dimension, point.chunk_id).tolist()}
    return engine.Point(point_id(point.chunk_id), vectors, point.payload())


def _open(path: Path, dimension: int) -> engine.EdgeShard:
    """Load the shard, or create one where there is none; `ready` is written last, so half a shard is made anew."""
    try:
        if (path / _READY).is_file():
            return engine.EdgeShard.load(str(path))
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True)
        shard = engine.EdgeShard.create(str(path), _config(dimension))
        for field in KEYWORD_FIELDS:
            shard.update(engine.UpdateOperation.create_field_index(field, engine.PayloadSchemaType.Keyword))
        shard.update(engine.UpdateOperation.create_field_index(DATE_FIELD, engine.PayloadSchemaType.Datetime))
        shard.flush()
        (path / _READY).touch()
        return shard
    except OSError as error:
        raise StorageError(f"no vector index can be made at {path}: {error}", hint="is the disk full?") from error
    except Exception as error:
        raise StorageError(
            f"the vector index at {path} cannot be opened: {error}", hint="run `tower reindex` to build it again"
        ) from error


def _config(dimension: int) -> engine.EdgeConfig:
    """Cosine vectors; one search thread costs half the CPU."""
    return engine.EdgeConfig(
        vectors={DENSE: engine.EdgeVectorParams(size=dimension, distance=engine.Distance.Cosine)},
        max_search_threads=1,
        wal_enabled=True,
    )


def _owner_file(path: Path) -> Path:
    return path.with_name(path.name + ".owner")


def _acquire(path: Path) -> FileLock:
    """The lock beside the shard: two processes in one shard would corrupt it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(str(path.with_name(path.name + ".lock")), timeout=0)
        lock.acquire()
        _owner_file(path).write_text(str(os.getpid()))
    except Timeout as error:
        owner = _owner_file(path)
        pid = owner.read_text().strip() if owner.is_file() else "unknown"
        raise BusyError(
            f"the vector index at {path} is open in another process (pid {pid})",
            hint="stop that process, or ask it: `tower serve` answers the other commands",
        ) from error
    except OSError as error:
        raise StorageError(f"the vector index at {path} cannot be locked: {error}") from error
    return lock
