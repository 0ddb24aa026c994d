"""Where the generations of a workspace's vector index lie: folders of its own, or collections on a server."""

from __future__ import annotations

import hashlib
import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from index.errors import StorageError

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

    from index.vectors.gateway import VectorGateway
    from index.vectors.server import VectorServer


class Shelf(Protocol):
    """Opens, lists and removes generations by their names."""

    def open(self, generation: str, dimension: int) -> VectorGateway:
        """The gateway of a generation, made when it is missing (it is filled from SQL again)."""
        ...

    def names(self) -> list[str]:
        """Every generation that takes up room, whether the ledger knows it or not."""
        ...

    def remove(self, generation: str) -> None:
        """Let the room go; one that is not there is no error."""
        ...


class FolderShelf:
    """The embedded engine, a folder for each generation in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, generation: str, dimension: int) -> VectorGateway:
        """Raises `BusyError` when another process has it open."""
        from index.vectors.edge import EdgeGateway

        return EdgeGateway(self.folder / generation, create=True, dimension=dimension)

    def names(self) -> list[str]:
        """The folders."""
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir()) if self.folder.is_dir() else []

    def remove(self, generation: str) -> None:
        """Remove the folder, its lock and what names its owner."""
        folder = self.folder / generation
        try:
            if folder.is_dir():
                shutil.rmtree(folder)
            for beside in (".lock", ".owner"):
                folder.with_name(folder.name + beside).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"the vector index at {folder} cannot be removed: {error}") from error


class ServerShelf:
    """A vector server, a collection for each generation. The names of this workspace's collections begin with
    `prefix`, and nothing else on the server may: what begins with it and is not known is removed.

    `client` replaces the connection, for tests; it is then closed by who gave it.
    """

    def __init__(self, server: VectorServer, home: Path, client: QdrantClient | None = None) -> None:
        self._server = server
        self.prefix = server.collection_prefix or f"tower_{_fingerprint(home)}_"
        self._given = client

    @cached_property
    def _client(self) -> QdrantClient:
        return self._given or self._server.connect()

    def open(self, generation: str, dimension: int) -> VectorGateway:
        """Raises `SourceError` when the server does not answer."""
        from index.vectors.server import ServerGateway

        return ServerGateway(
            self._given or self._server.connect(),
            self.prefix + generation,
            create=True,
            dimension=dimension,
            shards=self._server.shards,
            replicas=self._server.replicas,
            owned=self._given is None,
        )

    def names(self) -> list[str]:
        """The collections with this workspace's prefix, without it."""
        from index.vectors.server import collections

        names = collections(self._client)
        return sorted(name.removeprefix(self.prefix) for name in names if name.startswith(self.prefix))

    def remove(self, generation: str) -> None:
        """Remove the collection."""
        from index.vectors.server import drop_collection

        drop_collection(self._client, self.prefix + generation)


def _fingerprint(home: Path) -> str:
    """A short name of this workspace's folder, so that two workspaces do not meet in one collection."""
    return hashlib.sha256(str(home.absolute()).encode()).hexdigest()[:10]
