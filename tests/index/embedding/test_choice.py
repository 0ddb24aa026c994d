"""Choosing what embeds, and that the choices give the same vectors as far as they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from index.embedding import openvino as openvino_runtime
from index.embedding.choice import choose_embedder
from index.embedding.minilm import MiniLM
from index.embedding.transformer import TransformerModel
from index.errors import ModelError

HERE = Path(__file__).resolve().parents[3]
TEXTS = ["Which customers are at risk?", "A tent. " * 90, "", "Zips are covered for two years.", *"abcdefghij"]
needs_quick_bfloat16 = pytest.mark.skipif(not openvino_runtime.is_quicker(), reason="this processor has fp32 quicker")
needs_bfloat16 = pytest.mark.skipif(not openvino_runtime.is_available(), reason="this processor has no bfloat16")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@needs_bfloat16
def test_the_quick_runtime_gives_the_vectors_of_the_exact_one(cache: Path) -> None:
    exact, quick = MiniLM(cache), MiniLM(cache, runtime="openvino")
    assert exact.identity != quick.identity and quick.identity.endswith("openvino/bf16")
    vectors = quick.embed(TEXTS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-3)
    assert (vectors * exact.embed(TEXTS)).sum(axis=1).min() > 0.999
    alone = np.array([quick.embed_query(text) for text in TEXTS])
    assert (alone * vectors).sum(axis=1).min() > 0.999


@needs_bfloat16
def test_a_question_has_the_vector_beside_others_that_it_has_alone(cache: Path) -> None:
    model = MiniLM(cache, runtime="openvino")
    tokens = model._tokens([f"{'word ' * (n % 7)}question number {n}" for n in range(40)], "few")
    alone = np.concatenate([model._run_few([one]) for one in tokens])
    beside = np.concatenate([model._run_few(tokens[n : n + 8]) for n in range(0, 40, 8)])
    assert np.abs(alone - beside).max() < 1e-6


@needs_quick_bfloat16
def test_auto_takes_the_quick_runtime_and_loads_no_telemetry(cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from index.embedding.choice import choose_embedder\n"
        f"chosen = choose_embedder('auto', None, Path({str(cache)!r})); chosen.embed_query('a tent')\n"
        "heavy = ('torch', 'transformers', 'sentence_transformers', 'openvino_telemetry.main')\n"
        "print(chosen.identity.split('/')[2], [name for name in heavy if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "openvino []"


@needs_bfloat16
def test_the_first_inference_is_over_before_threads_share_a_session(cache: Path) -> None:
    """Two threads that make a process's first inference together can wait for each other for good."""
    code = (
        "import sys, threading; from pathlib import Path; from index.embedding.minilm import MiniLM\n"
        "from index.embedding.openvino import OpenVinoSession as Session\n"
        "ran, run = [], Session.run\n"
        "Session.run = lambda self, tokens: (ran.append(1), run(self, tokens))[1]\n"
        f"MiniLM(Path({str(cache)!r}), runtime='openvino').warm(); print(len(ran))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "1"


def test_auto_is_onnxruntime_on_another_processor(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_runtime, "_processor", lambda: {"flags": "avx2", "vendor_id": ""})
    assert choose_embedder("auto", None, cache).identity.endswith("onnxruntime/fp32")
    with pytest.raises(ModelError, match="bfloat16"):
        choose_embedder("openvino", None, cache)


@pytest.mark.parametrize(
    ("vendor", "flags", "available", "quicker"),
    [
        ("AuthenticAMD", "fpu sse2 avx512_bf16", True, True),
        ("GenuineIntel", "fpu avx512_bf16 amx_bf16", True, True),
        ("GenuineIntel", "fpu sse2 avx512_bf16", True, False),
        ("AuthenticAMD", "fpu avx2", False, False),
    ],
)
def test_vendor_and_flags_of_the_processor_decide(
    vendor: str, flags: str, available: bool, quicker: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = f"processor\t: {{}}\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n\n"
    (tmp_path / "cpuinfo").write_text(core.format(0) + core.format(1))
    monkeypatch.setattr(openvino_runtime, "_CPU_FLAGS", tmp_path / "cpuinfo")
    openvino_runtime._processor.cache_clear()
    try:
        assert (openvino_runtime.is_available(), openvino_runtime.is_quicker()) == (available, quicker)
        runtime = "openvino/bf16" if quicker else "onnxruntime/fp32"
        assert choose_embedder("auto", None, tmp_path).identity.endswith(runtime)
    finally:
        openvino_runtime._processor.cache_clear()


def test_a_model_of_ones_own_is_named_by_its_weights(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/model.safetensors").write_bytes(b"weights")
    chosen = choose_embedder("auto", tmp_path / "mine", tmp_path)
    assert isinstance(chosen, TransformerModel)
    first = chosen.identity
    assert first.startswith("mine/") and first.endswith("/sentence-transformers/fp32")
    (tmp_path / "mine/model.safetensors").write_bytes(b"other weights")
    assert choose_embedder("auto", tmp_path / "mine", tmp_path).identity != first
    with pytest.raises(ModelError, match="sentence-transformers"):
        choose_embedder("onnxruntime", tmp_path / "mine", tmp_path)
    with pytest.raises(ModelError, match="no embedding model"):
        choose_embedder("auto", tmp_path / "nothing", tmp_path)


@pytest.mark.slow
def test_sentence_transformers_is_a_runtime_of_the_same_weights(cache: Path) -> None:
    chosen = choose_embedder("sentence-transformers", None, cache)
    assert chosen.dimension == 384
    vectors = chosen.embed(TEXTS)
    assert (vectors * MiniLM(cache).embed(TEXTS)).sum(axis=1).min() > 0.99999
    assert chosen.embed_query(TEXTS[0]) @ vectors[0] == pytest.approx(1.0, abs=1e-5)
    assert chosen.embed([]).shape == (0, 384)
