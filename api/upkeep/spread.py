"""Vectors computed by several processes: batches of passages go into a queue, and their vectors come back by it.

Who wants the vectors writes them into the vector index, and nobody else. A batch names its passages; a worker reads
them from the SQL index, and says which state of them it saw, so that a passage that changed meanwhile is not taken for
the one that was asked for. What no worker gives is computed here.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from api.upkeep.durable import APP, VERSION
from api.upkeep.fleet import AT_HAND, EMBED, queues
from index.embedding.embedder import Embedder, Vectors
from ingest.indexing import Ready, embedded_text

if TYPE_CHECKING:
    from index.store.store import Store
    from index.store.vectors import PendingChunk

log = logging.getLogger(__name__)
PIECE = 32  # passages in a batch: about a second of work, so that workers end together
_LOOK_S = 0.1  # between two looks for vectors
_COUNT_S = 1.0  # between two looks for workers


class SpreadEmbedder:
    """An `Embedder` over another one, whose `spread` lets the workers of a shared workspace compute, too.

    `client` makes a client of the queue, `lease_s` is how long a silent worker counts as alive.
    """

    def __init__(self, inner: Embedder, store: Store, client: Callable[[], Any], lease_s: float) -> None:
        self.inner = inner
        self._store, self._connect, self._lease_s = store, client, lease_s
        self._one = threading.Lock()
        self._counted = (0.0, 0)  # when the workers were counted, and how many there were

    @property
    def identity(self) -> str:
        """Model, runtime and precision."""
        return self.inner.identity

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self.inner.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors, computed here."""
        return self.inner.embed(texts)

    def embed_query(self, text: str, asker: str = "") -> npt.NDArray[np.float32]:
        """The vector of one text, computed here."""
        return self.inner.embed_query(text, asker)

    def warm(self) -> None:
        """Load what the model has to load."""
        warm = getattr(self.inner, "warm", None)
        if warm is not None:
            warm()

    def spread(self, batches: Iterator[list[PendingChunk]]) -> Ready:
        """Batches with their vectors, in any order: from the workers that are alive, from here while there are none."""
        pieces = (batch[at : at + PIECE] for batch in batches for at in range(0, len(batch), PIECE))
        with _Errand(self._connect, self.identity) as errand:
            while True:
                helpers = self._helpers()
                while len(errand.out) < helpers * (AT_HAND + 1) and (piece := next(pieces, None)) is not None:
                    errand.hand_out(piece)
                done = errand.collect()
                for piece, found in done:
                    yield piece, self._completed(piece, found)
                if done:
                    continue
                if not helpers:
                    own = errand.take_back() or next(pieces, None)
                    if own is None:
                        return
                    yield own, self._completed(own, {})
                elif not errand.out:
                    return
                else:
                    time.sleep(_LOOK_S)

    def answer(self, chunk_ids: Sequence[str]) -> str:
        """What a worker gives for a batch: the passages that are there, the states that it saw, and their vectors. One
        batch at a time: the threads are the model's."""
        with self._one:
            found = self._store.passages(chunk_ids)
            vectors = self.inner.embed([embedded_text(one) for one in found])
        states = [(one.chunk.chunk_id, one.hash) for one in found]
        return json.dumps({"states": states, "vectors": base64.b64encode(vectors.tobytes()).decode("ascii")})

    def _completed(
        self, piece: Sequence[PendingChunk], found: dict[tuple[str, str], npt.NDArray[np.float32]]
    ) -> Vectors:
        """A vector for each passage; those that were not found in the state that is wanted are computed here."""
        missing = [one for one in piece if (one.chunk.chunk_id, one.hash) not in found]
        if missing:
            own = self.inner.embed([embedded_text(one) for one in missing])
            found = found | {(one.chunk.chunk_id, one.hash): own[at] for at, one in enumerate(missing)}
        return np.array([found[one.chunk.chunk_id, one.hash] for one in piece], dtype=np.float32)

    def _helpers(self) -> int:
        """How many processes compute vectors of this model for others."""
        if time.monotonic() - self._counted[0] > _COUNT_S:
            helpers = sum(one.embeds == self.identity for one in self._store.workers(self._lease_s))
            self._counted = (time.monotonic(), helpers)
        return self._counted[1]


class _Errand:
    """The batches of one run that are out with the workers. Whatever ends it, none is left in the queue."""

    def __init__(self, connect: Callable[[], Any], model: str) -> None:
        self._connect, self._queue = connect, queues(model)[1]
        self._client: Any = None
        self.out: dict[str, list[PendingChunk]] = {}

    def __enter__(self) -> _Errand:
        """Nothing is connected before there is somebody to help."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take everything back."""
        if self._client is not None:
            try:
                self._client.delete_workflows([*self.out])
            finally:
                self._client.destroy()

    def hand_out(self, piece: list[PendingChunk]) -> None:
        """Put a batch into the queue."""
        if self._client is None:
            self._client = self._connect()
            left = self._client.list_workflows(name=EMBED, load_input=False, load_output=False)
            self._client.delete_workflows([one.workflow_id for one in left])  # by a run that a kill cut off
        name = f"batch-{uuid.uuid4().hex}"
        options = {"queue_name": self._queue, "workflow_name": EMBED, "workflow_id": name, "app_version": VERSION}
        self._client.enqueue(options, [one.chunk.chunk_id for one in piece])
        self.out[name] = piece

    def collect(self) -> list[tuple[list[PendingChunk], dict[tuple[str, str], npt.NDArray[np.float32]]]]:
        """The batches that came back; without vectors where a worker could not compute them."""
        if not self.out:
            return []
        ids = [*self.out]
        states = self._client.list_workflows(workflow_ids=ids, load_input=False, load_output=False)
        under_way = {one.workflow_id for one in states if one.status in ("ENQUEUED", "PENDING", "DELAYED")}
        back = [name for name in ids if name not in under_way]
        if not back:
            return []
        outputs = {
            one.workflow_id: one.output
            for one in self._client.list_workflows(workflow_ids=back, load_input=False)
            if one.status == "SUCCESS"
        }
        self._client.delete_workflows(back)
        return [(self.out.pop(name), _vectors(outputs.get(name))) for name in back]

    def take_back(self) -> list[PendingChunk] | None:
        """One of the batches that are out, for which nobody is left."""
        if not self.out:
            return None
        name = next(iter(self.out))
        self._client.delete_workflows([name])
        return self.out.pop(name)


def _vectors(output: str | None) -> dict[tuple[str, str], npt.NDArray[np.float32]]:
    if output is None:
        return {}
    given = json.loads(output)
    states = [(chunk_id, state) for chunk_id, state in given["states"]]
    vectors = np.frombuffer(base64.b64decode(given["vectors"]), dtype=np.float32)
    return dict(zip(states, vectors.reshape(len(states), -1), strict=True)) if states else {}


def connected(store: str) -> Any:
    """A client of the queue that is kept in `store`."""
    from dbos import DBOSClient

    return DBOSClient(system_database_url=store, application_name=APP)
