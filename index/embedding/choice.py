"""Which embedder a workspace uses: model and runtime of its settings, and what this machine has."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from index.embedding.embedder import Embedder
from index.errors import ModelError

RuntimeChoice = Literal["auto", "onnxruntime", "openvino", "sentence-transformers"]


def choose_embedder(runtime: RuntimeChoice, model: Path | None, cache: Path, threads: int | None = None) -> Embedder:
    """The embedder for `runtime`; `auto` is OpenVINO where the processor is quick in bfloat16, else onnxruntime.

    A `model` of one's own runs on sentence-transformers. Raises `ModelError` for a combination that there is not.
    """
    from index.embedding.minilm import MiniLM, model_folder
    from index.embedding.openvino import is_available, is_quicker

    if model is not None or runtime == "sentence-transformers":
        if runtime not in ("auto", "sentence-transformers"):
            raise ModelError(
                f"a model of one's own runs on sentence-transformers, not on {runtime}",
                hint="leave `embedding.runtime` away in tower.yaml",
            )
        from index.embedding.transformer import TransformerModel

        return TransformerModel(model or model_folder())
    if runtime == "openvino" and not is_available():
        raise ModelError(
            "this processor does not compute in bfloat16, or OpenVINO is not installed",
            hint="set `embedding.runtime` to auto",
        )
    quick = runtime == "openvino" or (runtime == "auto" and is_quicker())
    return MiniLM(cache, threads=threads, runtime="openvino" if quick else "onnxruntime")
