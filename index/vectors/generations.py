"""Generations of the vector index: folders `<home>/vectors/<generation>/`, or collections on a server, named in the
SQL index.

Which one answers is one row in SQL, so that switching is one transaction. A generation is opened only with the model
that its vectors came from.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

from index.embedding.embedder import Embedder
from index.errors import ModelError, NotFoundError
from index.store.vectors import Generation, GenerationStatus
from index.vectors.gateway import VectorGateway
from index.vectors.shelves import FolderShelf, Shelf

log = logging.getLogger(__name__)


class GenerationLedger(Protocol):
    """What of the SQL store generations need; `index.store.store.Store` is one."""

    def create_generation(self, model: str) -> str:
        """Begin a generation and return its name."""
        ...

    def set_generation_status(self, generation: str, status: GenerationStatus, message: str = "") -> None:
        """Change a status; making one live makes the one that was live old, in one step."""
        ...

    def drop_generation(self, generation: str) -> None:
        """Remove a generation and its acknowledgements."""
        ...

    def generations(self) -> list[Generation]:
        """Every generation, the oldest first."""
        ...


class Generations:
    """The vector index of a workspace through its builds. They lie on `shelf`, by default in folders under `home`."""

    def __init__(self, home: Path, ledger: GenerationLedger, shelf: Shelf | None = None) -> None:
        self._folder = home / "vectors"
        self._ledger = ledger
        self._shelf = shelf or FolderShelf(self._folder)

    def live(self) -> Generation | None:
        """The generation that answers, or None before the first build."""
        return next((one for one in self._ledger.generations() if one.status == "live"), None)

    def open(self, generation: Generation, embedder: Embedder) -> VectorGateway:
        """The gateway of a generation, made when its folder is missing (it is filled from SQL again).

        Raises `ModelError` when its vectors are of another model, `BusyError` when another process has it open.
        """
        if generation.model != embedder.identity:
            raise ModelError(
                f"the vector index {generation.generation} was built with {generation.model}, "
                f"this Tower embeds with {embedder.identity}: their vectors cannot be compared",
                hint="run `tower reindex`",
            )
        return self._shelf.open(generation.generation, embedder.dimension)

    def open_live(self, embedder: Embedder) -> tuple[Generation, VectorGateway]:
        """The live generation and its gateway; `NotFoundError` before the first build."""
        live = self.live()
        if live is None:
            raise NotFoundError(f"no vector index under {self._folder}", hint="run `tower ingest`")
        return live, self.open(live, embedder)

    def live_or_first(self, embedder: Embedder) -> tuple[Generation, VectorGateway]:
        """The live generation for ingestion to add to. Before the first build one is begun and is live at once:
        there is nothing beside which it could be built."""
        live = self.live()
        if live is None:
            live = self.begin(embedder)
            self._ledger.set_generation_status(live.generation, "live")
        return live, self.open(live, embedder)

    def begin(self, embedder: Embedder, *, anew: bool = False) -> Generation:
        """A generation to build: one that was cut off and has the same model goes on, unless `anew`."""
        for one in self._ledger.generations():
            if one.status == "building":
                if one.model == embedder.identity and not anew:
                    return one
                self._drop(one.generation)
        name = self._ledger.create_generation(embedder.identity)
        return self._get(name)

    def switch(self, generation: str, message: str = "") -> None:
        """Make `generation` the one that answers; the one before it becomes old. One transaction. `message` is what the
        ledger keeps about it."""
        self._ledger.set_generation_status(generation, "live", message)

    def fail(self, generation: str, message: str) -> None:
        """Give up a build: its reason stays in the ledger, its folder goes."""
        self._ledger.set_generation_status(generation, "failed", message)
        self._shelf.remove(generation)

    def previous(self) -> Generation:
        """The newest old generation, for a roll-back; `NotFoundError` when none was kept."""
        old = [one for one in self._ledger.generations() if one.status == "old"]
        if not old:
            raise NotFoundError("no earlier vector index was kept", hint="run `tower reindex` to build one")
        return old[-1]

    def collect(self, keep: int = 1, *, unfinished: bool = False) -> list[str]:
        """Remove all old generations but the newest `keep`, failed ones, and folders that no generation names.

        Returns the names of what went. The live generation is never touched, one that is being built only with
        `unfinished`.
        """
        known = self._ledger.generations()
        old = [one.generation for one in known if one.status == "old"]
        gone = old[: max(0, len(old) - keep)] + [one.generation for one in known if one.status == "failed"]
        gone += [one.generation for one in known if one.status == "building"] if unfinished else []
        for name in gone:
            self._drop(name)
        named = {one.generation for one in self._ledger.generations()}
        for name in self._shelf.names():
            if name not in named:
                self._shelf.remove(name)
                gone.append(name)
        return sorted(set(gone))

    def folder(self, generation: str) -> Path:
        """Where a generation's shard lies."""
        return self._folder / generation

    def _get(self, name: str) -> Generation:
        return next(one for one in self._ledger.generations() if one.generation == name)

    def _drop(self, generation: str) -> None:
        """Ledger first: a kill in between leaves a folder without a name, which `collect` removes."""
        self._ledger.drop_generation(generation)
        self._shelf.remove(generation)
