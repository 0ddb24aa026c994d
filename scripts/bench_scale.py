"""Many passages: hybrid search from the question to the stored text, beside the stock LlamaIndex stack.

Vectors are synthetic (clusters with noise), texts are drawn from SciFact's words where shared/evals lies in or next to
the checkout, else from made-up words whose frequencies fall as those of a language do. FOLDER keeps what was built
between runs.

  bench_scale.py FOLDER [--points N] [--stock] [--write]

Each question is embedded (its own text, on the runtime in use) and then asked with a synthetic vector, on both sides.
Each side is measured in a process of its own, which holds nothing else, so that memory is the search's. `--stock`
builds and asks QdrantVectorStore on qdrant-client's local mode with HuggingFaceEmbedding too, which takes minutes;
`--write` puts the table into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import numpy.typing as npt

from index.scope import Principal, Scope
from scripts.bench_page import ROOT, evals_folder, machine, publish, table

DIMENSION, CLUSTERS, QUERIES, STOCK_QUERIES = 384, 2_000, 500, 30
TOP = 10
ALL = Scope(Principal("bench"), {}, frozenset({"all"}))
FEW = Scope(Principal("bench"), {}, frozenset({"few"}))  # one point in a hundred
Vectors = npt.NDArray[np.float32]
Figures = dict[str, float]
ROWS = {
    "search_ms": ("hybrid search, everything visible, p50", "{:,.1f} ms"),
    "search_p99_ms": ("p99", "{:,.1f} ms"),
    "search_cpu_ms": ("processor time, p50", "{:,.1f} ms"),
    "few_ms": ("1 % visible, p50", "{:,.1f} ms"),
    "few_p99_ms": ("1 % visible, p99", "{:,.1f} ms"),
    "embedding_ms": ("of it the question's embedding, p50", "{:,.1f} ms"),
    "recall": ("recall@10 of the search by meaning against exact", "{:.4f}"),
    "open_s": ("opening the index", "{:,.2f} s"),
    "memory_mb": ("anonymous memory of the process after all searches", "{:,.0f} MB"),
}


class Synthetic:
    """Vectors and texts, the same for the same seed."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._centres = np.random.default_rng(1).standard_normal((CLUSTERS, DIMENSION)).astype(np.float32)

    def vectors(self, count: int, seed: int) -> Vectors:
        """Unit vectors around common centres."""
        random_numbers = np.random.default_rng(seed)
        places = random_numbers.integers(0, CLUSTERS, count)
        noise = random_numbers.standard_normal((count, DIMENSION)).astype(np.float32)
        found = self._centres[places] + np.float32(0.8) * noise
        unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit

    def text(self, seed: int, length: int) -> str:
        """Words that stand together somewhere."""
        start = random.Random(seed).randrange(len(self._words) - length)
        return " ".join(self._words[start : start + length])


def words_of(folder: Path | None) -> list[str]:
    """The words of a corpus, or made-up ones with the frequencies of a language."""
    if folder is not None:
        lines = (folder / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
        return [word for line in lines for word in json.loads(line)["text"].split()]
    ranks = np.random.default_rng(3).zipf(1.2, 1_000_000) % 200_000
    return [f"w{rank}" for rank in ranks]


# --- building ----------------------------------------------------------------------------------------------------


def tags(number: int) -> tuple[str, ...]:
    """The tags of a point."""
    return ("all", "few") if number % 100 == 0 else ("all",)


def build(folder: Path, made: Synthetic, points: int) -> None:
    """The vector index and the SQL index; what is there already is kept."""
    from index.vectors.edge import EdgeGateway

    gateway = EdgeGateway(folder / "index", create=True)
    started, held = time.perf_counter(), gateway.count()
    for first in range(held, points, 1_000):
        gateway.upsert(points_of(made, first))
    say(f"{points - held} points stored in {time.perf_counter() - started:.0f} s")
    started = time.perf_counter()
    say(f"graph built: {gateway.optimise()}, {time.perf_counter() - started:.0f} s")
    gateway.close()
    started = time.perf_counter()
    store_documents(folder, made, points)
    say(f"SQL index: {time.perf_counter() - started:.0f} s")


def points_of(made: Synthetic, first: int) -> list[Any]:
    """A thousand points."""
    from index.vectors.gateway import Point
    from index.vectors.keywords import document_vector

    vectors = made.vectors(1_000, first + 7)
    return [
        Point(
            f"d{n}#0", f"d{n}", "bench", tags(n), (f"account:{n % 5_000}",),
            "2026-01-01", "h", vector, document_vector(made.text(n, 100)),
        )
        for n, vector in zip(range(first, first + 1_000), vectors, strict=True)
    ]  # fmt: skip


def store_documents(folder: Path, made: Synthetic, points: int) -> None:
    """A document of one chunk for each point that has none yet."""
    from index.documents import Chunk, Document
    from index.engine import open_engine
    from index.store.store import Store
    from index.store.writer import StoredDocument

    engine = open_engine(f"sqlite:///{folder / 'tower.db'}")
    store = Store(engine)
    store.create()
    with sqlite3.connect(folder / "tower.db") as connection:
        held = connection.execute("SELECT COUNT(*) FROM _tower_documents").fetchone()[0]
    for first in range(held, points, 5_000):
        stored = []
        for n in range(first, min(first + 5_000, points)):
            text, about = made.text(n, 100), {"account": (str(n % 5_000),)}
            document = Document(f"d{n}", "bench", f"Text {n}", text, frozenset(tags(n)), "", "", "2026-01-01", about)
            stored.append(StoredDocument(document, (Chunk(f"d{n}#0", f"d{n}", 0, 0, len(text)),), ""))
        with store.begin() as writer:
            writer.put_documents(stored)
    engine.dispose()
    with sqlite3.connect(folder / "tower.db") as connection:
        connection.execute("UPDATE _tower_chunks SET hash = 'h' WHERE hash <> 'h'")  # as the points have it


def write_questions(folder: Path, made: Synthetic, points: int) -> None:
    """The questions, their vectors, and the exactly nearest of some: what the measuring processes read."""
    vectors = made.vectors(QUERIES, 5)
    asked = vectors[:50]
    best = np.full((len(asked), 0), 0), np.zeros((len(asked), 0), np.float32)
    for first in range(0, points, 1_000):
        scores = np.concatenate([best[1], asked @ made.vectors(1_000, first + 7).T], axis=1)
        numbers = np.concatenate([best[0], np.broadcast_to(np.arange(first, first + 1_000), (len(asked), 1_000))], 1)
        order = np.argsort(-scores, axis=1)[:, :TOP]
        best = np.take_along_axis(numbers, order, 1), np.take_along_axis(scores, order, 1)
    np.savez(folder / "questions.npz", vectors=vectors, exact=best[0])
    texts = [made.text(10_000_000 + n, 4 + n % 9) for n in range(QUERIES)]
    (folder / "questions.json").write_text(json.dumps(texts))


# --- measuring ---------------------------------------------------------------------------------------------------


def timed(ask: Callable[[int], Any], count: int) -> tuple[float, float, float]:
    """p50 and p99 of wall time and p50 of processor time in milliseconds, after a few questions to warm up."""
    for number in range(min(5, count)):
        ask(number)
    walls, used = [], []
    for number in range(count):
        begun, spent = time.perf_counter(), time.process_time()
        ask(number)
        walls.append((time.perf_counter() - begun) * 1000)
        used.append((time.process_time() - spent) * 1000)
    p50, p99 = (float(value) for value in np.percentile(walls, [50, 99]))
    return p50, p99, float(np.median(used))


def anonymous_mb() -> int:
    """Memory of this process that no file backs."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) // 1024
    return 0


class Asked:
    """The embedder in use, which embeds each question for real and then says its synthetic vector."""

    def __init__(self, embedder: Any, vectors: Vectors) -> None:
        self.identity, self.dimension = embedder.identity, DIMENSION
        self._embedder, self._vectors = embedder, vectors

    def embed(self, texts: Sequence[str]) -> Any:
        """As the embedder in use does."""
        return self._embedder.embed(texts)

    def embed_query(self, text: str, asker: str = "") -> Any:
        """The vector of the question with the number that `text` begins with."""
        number, _, question = text.partition(" ")
        self._embedder._asked.clear()  # nothing is remembered from an earlier round
        self._embedder.embed_query(question)
        return self._vectors[int(number)]


def measure_tower(folder: Path) -> Figures:
    """What one fresh process sees."""
    from index.embedding.choice import choose_embedder
    from index.engine import open_engine
    from index.reading import SqlDocuments
    from index.search.passages import PassageIndex
    from index.vectors.edge import EdgeGateway
    from index.vectors.gateway import Narrow

    texts, kept = json.loads((folder / "questions.json").read_text()), np.load(folder / "questions.npz")
    vectors, exact = kept["vectors"], kept["exact"]
    started = time.perf_counter()
    gateway = EdgeGateway(folder / "index", create=False)
    opened = time.perf_counter() - started
    embedder = choose_embedder("auto", None, folder / "models")
    documents = SqlDocuments(open_engine(f"sqlite:///{folder / 'tower.db'}", read_only=True))
    passages = PassageIndex(gateway, Asked(embedder, vectors), documents)

    def search(scope: Scope, number: int) -> None:
        assert passages.search(f"{number} {texts[number]}", scope, k=TOP)

    whole = timed(lambda n: search(ALL, n), QUERIES)
    few = timed(lambda n: search(FEW, n), QUERIES)
    embedding = timed(lambda n: Asked(embedder, vectors).embed_query(f"{n} {texts[n]}"), QUERIES)
    memory = anonymous_mb()
    found = [gateway.search(ALL, v, None, narrow=Narrow(), limit=TOP) for v in vectors[: len(exact)]]
    shares = [
        len({hit.doc_id for hit in hits} & {f"d{n}" for n in best}) / TOP
        for hits, best in zip(found, exact.tolist(), strict=True)
    ]
    gateway.close()
    return {
        "search_ms": whole[0], "search_p99_ms": whole[1], "search_cpu_ms": whole[2], "few_ms": few[0],
        "few_p99_ms": few[1], "embedding_ms": embedding[0], "recall": float(np.mean(shares)), "open_s": opened,
        "memory_mb": memory,
    }  # fmt: skip


def measure_stock(folder: Path) -> Figures:
    """The retriever of a VectorStoreIndex, by meaning only, whole and with a filter that leaves 1 %."""
    from llama_index.core import VectorStoreIndex
    from llama_index.core.vector_stores import MetadataFilter, MetadataFilters
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    from llama_index.vector_stores.qdrant import QdrantVectorStore
    from qdrant_client import QdrantClient

    from index.embedding.minilm import model_folder

    texts, vectors = json.loads((folder / "questions.json").read_text()), np.load(folder / "questions.npz")["vectors"]

    class Embedding(HuggingFaceEmbedding):
        """Embeds for real, then says the synthetic vector."""

        def _get_query_embedding(self, query: str) -> list[float]:
            number, _, question = query.partition(" ")
            super()._get_query_embedding(question)
            spoken: list[float] = vectors[int(number)].tolist()
            return spoken

    started = time.perf_counter()
    store = QdrantVectorStore("bench", client=QdrantClient(path=str(folder / "stock")))
    opened = time.perf_counter() - started
    embedding = Embedding(model_name=str(model_folder()))
    index = VectorStoreIndex.from_vector_store(store, embed_model=embedding)
    few = MetadataFilters(filters=[MetadataFilter(key="tag", value="few")])

    def ask(filters: Any, number: int) -> None:
        assert index.as_retriever(similarity_top_k=TOP, filters=filters).retrieve(f"{number} {texts[number]}")

    whole, narrow = timed(lambda n: ask(None, n), STOCK_QUERIES), timed(lambda n: ask(few, n), STOCK_QUERIES)
    alone = timed(lambda n: embedding.get_query_embedding(f"{n} {texts[n]}"), STOCK_QUERIES)
    return {
        "search_ms": whole[0], "search_p99_ms": whole[1], "search_cpu_ms": whole[2], "few_ms": narrow[0],
        "few_p99_ms": narrow[1], "embedding_ms": alone[0], "recall": 1.0, "open_s": opened,
        "memory_mb": anonymous_mb(),
    }  # fmt: skip


def build_stock(folder: Path, made: Synthetic, points: int) -> None:
    """The same passages in the stock store, on disk; one that is there already is kept."""
    from llama_index.core.schema import TextNode
    from llama_index.vector_stores.qdrant import QdrantVectorStore
    from qdrant_client import QdrantClient

    done = folder / f"stock-{points}"
    if done.is_file():
        return
    started = time.perf_counter()
    client = QdrantClient(path=str(folder / "stock"))
    store = QdrantVectorStore("bench", client=client)
    for first in range(0, points, 1_000):
        vectors = made.vectors(1_000, first + 7)
        store.add(
            [
                TextNode(id_=f"{n:032x}", text=made.text(n, 100), embedding=v, metadata={"tag": tags(n)[-1]})
                for n, v in zip(range(first, first + 1_000), vectors.tolist(), strict=True)
            ]
        )
    client.close()
    done.touch()
    say(f"stock: {points} points stored in {time.perf_counter() - started:.0f} s")


def child(side: str, folder: Path) -> Figures:
    """The figures of a process that only measures."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, __file__, str(folder), "--child", side], capture_output=True, text=True, check=False,
        env=environment,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{side} failed:\n{done.stderr[-3000:]}")
    figures: Figures = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def report(points: int, corpus: Path | None, tower: Figures, stock: Figures | None) -> str:
    """The table as Markdown."""
    head = ["", "Tower", *(["stock", "ratio"] if stock else [])]
    rows = []
    for key, (label, form) in ROWS.items():
        row = [label, form.format(tower[key])]
        if stock:
            ratio = "" if key in ("recall", "embedding_ms") else f"{stock[key] / tower[key]:,.0f}"
            row += [form.format(stock[key]), ratio]
        rows.append(row)
    origin = "SciFact's words" if corpus else "made-up words"
    return f"### {points:,} passages\n\nSynthetic vectors, {origin}. {machine()}\n\n{table(head, rows)}\n"


def say(line: str) -> None:
    """A line of progress."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main() -> None:
    """Build, ask in fresh processes, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--stock", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--child", choices=("tower", "stock"))
    chosen = parser.parse_args()
    if chosen.child:
        measure = measure_tower if chosen.child == "tower" else measure_stock
        sys.stdout.write("\n" + json.dumps(measure(chosen.folder)) + "\n")
        return
    corpus = evals_folder("retrieval/scifact")
    made = Synthetic(words_of(corpus))
    build(chosen.folder, made, chosen.points)
    write_questions(chosen.folder, made, chosen.points)
    if chosen.stock:
        build_stock(chosen.folder, made, chosen.points)
    tower = child("tower", chosen.folder)
    text = report(chosen.points, corpus, tower, child("stock", chosen.folder) if chosen.stock else None)
    if chosen.write:
        publish(f"{chosen.points} passages", text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
