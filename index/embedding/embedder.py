"""What the rest of Tower knows of an embedding model."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from index.embedding.asked import Asked

log = logging.getLogger(__name__)
Vectors = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]  # texts done, texts in all


class Embedder(Protocol):
    """Texts to unit vectors. `identity` names model, runtime and precision; vectors of two identities never mix."""

    @property
    def identity(self) -> str:
        """Model, runtime and precision."""
        ...

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), dimension), float32, unit length; long texts are cut at the model's window."""
        ...

    def embed_query(self, text: str, asker: str = "") -> npt.NDArray[np.float32]:
        """The vector of one text, shape (dimension,); quick, and remembered for when `asker` asks it again."""
        ...


def warm_beside(embedder: Embedder) -> None:
    """Load what the embedder has to load in a thread of its own: it takes as long as opening an index, and needs no
    Python. The first text waits for it, and tells what went wrong. The process does not end in the middle of it."""
    warm = getattr(embedder, "warm", None)
    if warm is not None:
        threading.Thread(target=_quietly, args=(warm,), name="warm").start()


def prepare_queries(embedder: Embedder, asked: Sequence[Asked]) -> None:
    """Have questions that come together embedded together, where the embedder can: `embed_query` finds them then."""
    prepare = getattr(embedder, "prepare", None)
    if prepare is not None:
        prepare(asked)


def _quietly(warm: Callable[[], None]) -> None:
    try:
        warm()
    except Exception as error:
        log.info("the embedder did not load: %s", error)
