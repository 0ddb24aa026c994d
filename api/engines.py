"""The query engines of a workspace: one for each sight, shared by all who see the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from index.scope import Scope

if TYPE_CHECKING:
    from index.search.passages import PassageIndex
    from query.engine import QueryEngine

MOST = 64  # different sights held at a time; each holds the names and values that it shows
Built = tuple["QueryEngine", str]  # with the generation of the vector index that it reads


class Engines:
    """Made by `make` when first asked for; the longest unused go. Not safe between threads: its owner has the lock."""

    def __init__(self, make: Callable[[Scope], Built]) -> None:
        self._make = make
        self._built: OrderedDict[str, Built] = OrderedDict()

    def of(self, scope: Scope) -> Built:
        """The engine for what `scope` shows, and the generation that it reads."""
        sight = scope.sight()
        built = self._built.get(sight)
        if built is None:
            built = self._built[sight] = self._make(scope)
            while len(self._built) > MOST:
                self._built.popitem(last=False)
        self._built.move_to_end(sight)
        return built

    def clear(self) -> None:
        """Forget all of them: what they read to plan has changed."""
        self._built.clear()

    def take(self, passages: PassageIndex, generation: str) -> None:
        """From the next question on they search `passages`. What they read to plan, the names and values of the tables,
        is not the vector index's and stays."""
        for sight, (engine, _) in list(self._built.items()):
            if engine.parts.passages is None:
                del self._built[sight]  # built before there were passages
            else:
                self._built[sight] = engine.over(passages), generation
