"""Rebuilding the vector index beside the live one: build → check → switch → remove what is older.

Questions go on against the live generation throughout. A failed check, an error or a kill leaves it as it is; a build
that was cut off goes on with the next call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from index.embedding.embedder import Embedder, Progress
from index.errors import BusyError, StorageError, TowerError
from index.scope import Scope
from index.vectors.gateway import Narrow, VectorGateway
from index.vectors.generations import Generations
from index.vectors.keywords import query_vector
from ingest.indexing import Ledger, embedded_text, index_vectors, optimise

log = logging.getLogger(__name__)

Check = Callable[[VectorGateway], str]  # the reason why this index may not go live; empty when it may
_STAYS = "the one before it stays"
_ROUNDS = 3  # of catching up with an ingestion that ran during the build


@dataclass(frozen=True)
class ReindexReport:
    """A finished rebuild: the generation that answers now, what was embedded for it, and what was removed."""

    generation: str
    embedded: int
    total: int
    removed: tuple[str, ...]


Fill = Callable[[str], int]  # fills the generation of that name somewhere else; how many passages were embedded
Take = Callable[[str, VectorGateway], None]  # puts a generation that is open already to use


def no_check(_gateway: VectorGateway) -> str:
    """Lets every complete index go live."""
    return ""


def reindex(
    generations: Generations,
    store: Ledger,
    embedder: Embedder,
    *,
    check: Check = no_check,
    progress: Progress | None = None,
    anew: bool = False,
    keep: int = 1,
    fill: Fill | None = None,
    take: Take | None = None,
    note: Callable[[], str] = str,
) -> ReindexReport:
    """Build a generation with `embedder`, check it, make it live, keep `keep` old ones for a roll-back.

    Raises `StorageError` when the new index is incomplete or `check` gives a reason against it; the live generation
    then stays. `anew` does not go on with a build that was cut off. `fill` does the work in a process of its own; what
    it leaves out is done here. `take` is given the new index open and warm, and it stays its own; without it the index
    is closed. `note` says what the ledger keeps about the build.
    """
    building = generations.begin(embedder, anew=anew)
    try:
        already = fill(building.generation) if fill is not None else 0
        gateway = generations.open(building, embedder)
        try:
            embedded, total = build(building.generation, gateway, store, embedder, progress)
            if reason := check(gateway):
                raise StorageError(f"the new vector index was not put to use: {reason}", hint=_STAYS)
        except BaseException:
            gateway.close()
            raise
    except BusyError:
        raise  # another process fills it: its build is not ours to give up
    except TowerError as error:
        generations.fail(building.generation, error.message)
        raise
    generations.switch(building.generation, note())
    if take is None:
        gateway.close()
    else:
        take(building.generation, gateway)
    return ReindexReport(building.generation, already + embedded, total, tuple(generations.collect(keep)))


def roll_back(
    generations: Generations,
    store: Ledger,
    embedder: Embedder,
    progress: Progress | None = None,
    take: Take | None = None,
) -> str:
    """Make the newest old generation live again, after it caught up with the SQL index; returns its name."""
    previous = generations.previous()
    gateway = generations.open(previous, embedder)
    try:
        index_vectors(store, gateway, embedder, previous.generation, progress)
        generations.switch(previous.generation, previous.message)
    except BaseException:
        gateway.close()
        raise
    if take is None:
        gateway.close()
    else:
        take(previous.generation, gateway)
    return previous.generation


def unfound(
    store: Ledger, gateway: VectorGateway, embedder: Embedder, scope: Scope, sample: int = 40
) -> tuple[int, list[str]]:
    """How many passages were looked for by their own words, and which are not among the best `sample` then.

    Passages that `scope` does not show are not looked for. They are taken evenly from the first thousands.
    """
    held = [p for p in islice(store.read_chunks(""), 50 * sample) if scope.shows(frozenset(p.tags), p.entities)]
    taken = held[:: max(1, len(held) // sample)][:sample]
    missing: list[str] = []
    for pending in taken:
        text = embedded_text(pending)
        vector = embedder.embed([text])[0]
        hits = gateway.search(scope, vector, query_vector(text[:500]), narrow=Narrow(), limit=sample)
        if pending.chunk.chunk_id not in {hit.chunk_id for hit in hits}:
            missing.append(pending.chunk.chunk_id)
    return len(taken), missing


def build(
    generation: str, gateway: VectorGateway, store: Ledger, embedder: Embedder, progress: Progress | None = None
) -> tuple[int, int]:
    """Fill a generation and make it quick; chunks embedded and chunks held. `StorageError` where some are missing."""
    embedded = 0
    for _ in range(_ROUNDS):
        embedded += index_vectors(store, gateway, embedder, generation, progress).embedded
        if not store.count_pending(generation):
            break
    missing = store.count_pending(generation)
    held, known = gateway.count(), store.count_vectors(generation)
    if missing or held != known:
        raise StorageError(
            f"the new vector index holds {held} of {known + missing} passages",
            hint="run `tower reindex` when no ingestion is running",
        )
    optimise(gateway)
    return embedded, held
