"""What upkeep holds of a workspace that has sources of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.workspace import Workspace
    from index.vectors.gateway import VectorGateway


class Owned:
    """The parts of a workspace that has sources of its own, for upkeep; none of them is None."""

    def __init__(self, workspace: Workspace) -> None:
        store, sources = workspace._store, workspace._sources
        generations, embedder = workspace._generations, workspace._embedder
        assert store is not None and sources is not None and generations is not None and embedder is not None
        self.store, self.sources, self.generations, self.embedder = store, sources, generations, embedder
        assert workspace._live is not None
        self.workspace, self.live = workspace, workspace._live
        self.engines = workspace._engines

    def gateway(self) -> tuple[str, VectorGateway]:
        """The live generation and its gateway, begun where there is none; it stays open for questions."""
        live = self.live
        if live.opened() is None:
            _, gateway = self.generations.live_or_first(self.embedder)
            gateway.close()
            live.opened()
        assert live.gateway is not None
        return live.generation, live.gateway
