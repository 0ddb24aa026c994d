"""The encoder's graph on OpenVINO in bfloat16, for processors that are quick in it: about four times the fp32 rate.

The same ONNX file as onnxruntime's, and the same vectors within bfloat16's rounding: `scripts/eval_retrieval.py` prints
what that costs in ranking. Importing this module is cheap.
"""

from __future__ import annotations

import importlib.util
import queue
import sys
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from index.embedding.embedder import Vectors
from index.embedding.rows import Tokens, one_row, rows_apart

_CPU_FLAGS = Path("/proc/cpuinfo")
_STEP = 32  # tokens: texts are padded to a multiple, as each shape is compiled when it is first seen
_SHORT = 16  # what most questions fit in
_first = threading.Lock()


def is_available() -> bool:
    """True where the processor computes in bfloat16 and OpenVINO is installed."""
    flags = _processor()["flags"].split()
    return not {"amx_bf16", "avx512_bf16"}.isdisjoint(flags) and importlib.util.find_spec("openvino") is not None


def is_quicker() -> bool:
    """True where bfloat16 is quicker than onnxruntime in fp32 too: with AMX, and on AMD's processors. Intel's without
    AMX (or a virtual machine that hides it) take 2.4 times as long for a question and half as long again for many."""
    known = _processor()
    return is_available() and ("amx_bf16" in known["flags"].split() or known["vendor_id"] == "AuthenticAMD")


@lru_cache(maxsize=1)
def _processor() -> dict[str, str]:
    """What Linux tells of the first core; elsewhere nothing."""
    try:
        lines = _CPU_FLAGS.read_text(errors="replace").partition("\n\n")[0].splitlines()
    except OSError:
        lines = []
    told = (line.partition(":") for line in lines)
    return {"flags": "", "vendor_id": ""} | {name.strip(): value.strip() for name, _, value in told}


class OpenVinoSession:
    """Runs batches of tokens; safe to use from several threads, each batch on one core.

    `cache` is where OpenVINO keeps what it compiled; a model that was compiled before loads in a tenth of a second.
    """

    def __init__(self, model: Path | bytes, cache: Path, threads: int) -> None:
        # OpenVINO's import would load its telemetry, and nothing of Tower reports anything to anybody; and its
        # converter of models, which there is no use for.
        for unwanted in ("openvino_telemetry", "openvino.tools.ovc"):
            sys.modules.setdefault(unwanted, None)  # type: ignore[arg-type]
        import openvino

        core = openvino.Core()
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
            "ENABLE_CPU_PINNING": False,
        }
        if isinstance(model, Path):
            self._model = _compiled(core, model, cache, options)
        else:
            self._model = core.compile_model(core.read_model(model), "CPU", options)
        # Made here, all of them: a request that is made while another runs can wait for it with the interpreter's lock.
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(threads):
            self._requests.put(self._model.create_infer_request())
        # OpenVINO's Python side sets up what it keeps at the first inference of a process. Two threads that come to it
        # together wait for each other for good: one holds the interpreter's lock, the other the guard of the set-up.
        with _first:
            self.run([[0]])

    def run(self, tokens: Tokens, *, together: bool = False) -> Vectors:
        """Vectors of texts, given as their token ids; `together` computes them in one row."""
        if together:
            inputs = one_row(tokens, _SHORT)
        else:
            longest = max(map(len, tokens))
            inputs = rows_apart(tokens, _SHORT if longest <= _SHORT else -(-longest // _STEP) * _STEP)
        request = self._requests.get()
        try:
            found: Vectors = request.infer(inputs)[0].copy()
        finally:
            self._requests.put(request)
        return found


def _compiled(core: Any, model: Path, cache: Path, options: dict[str, Any]) -> Any:
    """The model, from OpenVINO's cache where it can be kept there."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        return core.compile_model(str(model), "CPU", {**options, "CACHE_DIR": str(cache)})
    except (OSError, RuntimeError):  # a folder that cannot be written, or a kept model that does not load
        return core.compile_model(str(model), "CPU", options)
