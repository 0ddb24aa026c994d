"""The vectors of questions that were embedded lately, each asker's own: a question that others asked is not quicker."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from index.embedding.embedder import Embedder, Vectors

REMEMBERED = 512  # questions
Vector = npt.NDArray[np.float32]


class Asked(NamedTuple):
    """A question and who asks it."""

    text: str
    asker: str = ""


class AskedVectors:
    """Holds the last few hundred. Safe to use from several threads."""

    def __init__(self) -> None:
        self._held: OrderedDict[Asked, Vector] = OrderedDict()
        self._mutex = threading.Lock()

    def of(self, text: str, asker: str, embed: Callable[[], Vector]) -> Vector:
        """The vector that `asker` has asked for before, or else what `embed` gives; read-only."""
        asked = Asked(text, asker)
        with self._mutex:
            known = self._held.get(asked)
            if known is not None:
                self._held.move_to_end(asked)
                return known
        vector = embed()
        self.keep({asked: vector})
        return vector

    def holds(self, asked: Asked) -> bool:
        """True where its vector is held."""
        with self._mutex:
            return asked in self._held

    def keep(self, vectors: Mapping[Asked, Vector]) -> None:
        """Hold vectors, which nobody can change from now on."""
        for vector in vectors.values():
            vector.setflags(write=False)
        with self._mutex:
            self._held.update(vectors)
            while len(self._held) > REMEMBERED:
                self._held.popitem(last=False)

    def clear(self) -> None:
        """Forget all of them."""
        with self._mutex:
            self._held.clear()


@dataclass(frozen=True)
class OwnEmbedder:
    """An `Embedder` in the hands of one asker."""

    inner: Embedder
    asker: str

    @property
    def identity(self) -> str:
        """Model, runtime and precision."""
        return self.inner.identity

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self.inner.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of `texts`; none is remembered."""
        return self.inner.embed(texts)

    def embed_query(self, text: str, asker: str = "") -> Vector:
        """The vector of one text, remembered for this asker, whatever `asker` says."""
        return self.inner.embed_query(text, self.asker)
