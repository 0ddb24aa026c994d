"""Any sentence-transformers model from a folder, on torch: for other models, and for a GPU.

Importing this module is cheap; torch is loaded at the first text, and costs seconds.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.embedding.asked import AskedVectors
from index.embedding.embedder import Vectors
from index.errors import ModelError

_WEIGHTS = ("*.safetensors", "*.bin")
_BATCH_TEXTS = 64


class TransformerModel:
    """An `Embedder` on the sentence-transformers model in `folder`. Its identity names the folder and the hash of its
    weights, so that vectors of two models never mix. Raises `ModelError` where the folder holds no weights.

    `device` is torch's name of one; None is a GPU where there is one. fp32 on each: on an H100 neither half precision
    nor larger batches were quicker, as making tensors of tokens is what takes the time there (docs/benchmarks.md)."""

    def __init__(self, folder: Path, *, device: str | None = None) -> None:
        self._folder = folder
        self._device = device
        self._weights = sorted(path for pattern in _WEIGHTS for path in folder.rglob(pattern))
        if not self._weights:
            raise ModelError(
                f"no embedding model at {folder}: no file {' or '.join(_WEIGHTS)} in it",
                hint="`embedding.model` in tower.yaml names the folder of a sentence-transformers model",
            )
        self._loading = threading.Lock()
        self._loaded: Any = None
        self._asked = AskedVectors()

    @cached_property
    def identity(self) -> str:
        """The folder's name, the hash of the weights, runtime and precision."""
        total = hashlib.sha256()
        for path in self._weights:
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        return f"{self._folder.name}/{total.hexdigest()[:8]}/sentence-transformers/fp32"

    @cached_property
    def dimension(self) -> int:
        """What the model gives."""
        return int(self._model().get_embedding_dimension())

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), dimension), in the order of `texts`."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        found = self._model().encode(
            list(texts), batch_size=_BATCH_TEXTS, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(found, dtype=np.float32)

    def embed_query(self, text: str, asker: str = "") -> npt.NDArray[np.float32]:
        """The vector of one text, read-only; the last few hundred are remembered for their asker."""
        return self._asked.of(text, asker, lambda: self.embed([text])[0])

    def _model(self) -> Any:
        with self._loading:
            if self._loaded is None:
                from sentence_transformers import SentenceTransformer

                try:
                    self._loaded = SentenceTransformer(
                        str(self._folder),
                        device=self._device,
                        local_files_only=True,
                        model_kwargs={"dtype": "float32"},  # weights that are kept in half of it too
                    )
                except (OSError, ValueError, KeyError) as error:
                    raise ModelError(f"the embedding model at {self._folder} does not load: {error}") from error
            return self._loaded
