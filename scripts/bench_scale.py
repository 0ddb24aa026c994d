"""A hundred thousand passages: hybrid search with the query's embedding, beside qdrant-client's local mode.

Vectors are synthetic (clusters with noise), texts are drawn from the words of FILE (JSON lines with `text`) or, without
one, from made-up words whose frequencies fall as those of a language do. Usage: bench_scale.py FOLDER [--points N]
[--words FILE] [--stock]. FOLDER keeps the index between runs. Prints wall and processor time, because a shared
machine's wall time says little; `--stock` builds and asks the stock store too, which takes minutes.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.embedding.choice import choose_embedder
from index.scope import Principal, Scope
from index.search.fusion import fuse
from index.vectors.edge import EdgeGateway
from index.vectors.gateway import Narrow, Point
from index.vectors.keywords import document_vector, query_vector

DIMENSION, CLUSTERS, QUERIES = 384, 2_000, 200
CANDIDATES = 60
ALL = Scope(Principal("bench"), {}, frozenset({"all"}))
FEW = Scope(Principal("bench"), {}, frozenset({"few"}))  # one point in a hundred
Vectors = npt.NDArray[np.float32]


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


def words_of(path: Path | None) -> list[str]:
    """The words of a corpus, or made-up ones with the frequencies of a language."""
    if path is not None:
        return [w for line in path.read_text(encoding="utf-8").splitlines() for w in json.loads(line)["text"].split()]
    ranks = np.random.default_rng(3).zipf(1.2, 1_000_000) % 200_000
    return [f"w{rank}" for rank in ranks]


def build(folder: Path, made: Synthetic, points: int) -> EdgeGateway:
    """The index, made when it is missing."""
    gateway = EdgeGateway(folder / "index", create=True)
    if gateway.count() == points:
        return gateway
    started = time.perf_counter()
    for first in range(0, points, 1_000):
        gateway.upsert(points_of(made, first))
    inserted = time.perf_counter()
    built = gateway.optimise()
    say(f"stored {points} points in {inserted - started:.0f} s; graph {built}: {time.perf_counter() - inserted:.0f} s")
    return gateway


def points_of(made: Synthetic, first: int) -> list[Point]:
    """A thousand points."""
    vectors = made.vectors(1_000, first + 7)
    return [
        Point(
            f"d{n}#0", f"d{n}", "bench", ("all", "few") if n % 100 == 0 else ("all",), (f"account:{n % 5_000}",),
            "2026-01-01", "h", vector, document_vector(made.text(n, 100)),
        )
        for n, vector in zip(range(first, first + 1_000), vectors, strict=True)
    ]  # fmt: skip


def timed(ask: Callable[[int], Any], count: int = QUERIES) -> str:
    """Percentiles of wall and processor time in milliseconds."""
    ask(0)
    walls, used = [], []
    for number in range(count):
        begun, spent = time.perf_counter(), time.process_time()
        ask(number)
        walls.append((time.perf_counter() - begun) * 1000)
        used.append((time.process_time() - spent) * 1000)
    wall, cpu = np.percentile(walls, [50, 99]), np.percentile(used, [50, 99])
    return f"wall p50 {wall[0]:7.2f} p99 {wall[1]:7.2f}   processor p50 {cpu[0]:7.2f} p99 {cpu[1]:7.2f}  ms"


def anonymous_mb() -> int:
    """Memory of this process that no file backs."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) // 1024
    return 0


def ask_tower(gateway: EdgeGateway, embedder: Any, made: Synthetic) -> None:
    """Hybrid searches, with and without the query's embedding, and with a filter that leaves 1 %."""
    queries = [made.text(10_000_000 + n, 4 + n % 9) for n in range(QUERIES)]
    vectors = made.vectors(QUERIES, 5)

    def hybrid(scope: Scope, number: int, *, embed: bool) -> Any:
        vector = vectors[number]
        if embed:
            embedder.embed_query(f"{queries[number]} {embed}")
        words = query_vector(queries[number])
        return fuse(gateway.search(scope, vector, words, narrow=Narrow(), limit=CANDIDATES), vector)

    for name, scope in (("everything visible", ALL), ("1 % visible", FEW)):
        say(f"{name}: search      {timed(lambda n, s=scope: hybrid(s, n, embed=False))}")
    embedder.warm()
    embedder._queries.clear()
    say(f"with the embedding: search {timed(lambda n: hybrid(ALL, n, embed=True))}")
    say(f"recall@10 of the dense leg against the exact nearest: {recall(gateway, made, vectors):.4f}")
    say(f"anonymous memory after the searches: {anonymous_mb()} MB")


def recall(gateway: EdgeGateway, made: Synthetic, vectors: Vectors, asked: int = 50) -> float:
    """The share of the ten exactly nearest that a search finds."""
    count = gateway.count()
    scores = np.concatenate([vectors[:asked] @ made.vectors(1_000, n + 7).T for n in range(0, count, 1_000)], axis=1)
    exact = np.argsort(-scores, axis=1)[:, :10]
    shares = []
    for vector, best in zip(vectors[:asked], exact, strict=True):
        hits = gateway.search(ALL, vector, None, narrow=Narrow(), limit=10)
        shares.append(len({hit.doc_id for hit in hits} & {f"d{n}" for n in best}) / 10)
    return float(np.mean(shares))


def ask_stock(made: Synthetic, points: int) -> None:
    """The same vectors in qdrant-client's local mode, by meaning only, whole and with a filter that leaves 1 %."""
    from qdrant_client import QdrantClient
    from qdrant_client.http import models

    client = QdrantClient(location=":memory:")
    client.create_collection("bench", models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE))
    for first in range(0, points, 1_000):
        vectors = made.vectors(1_000, first + 7)
        payloads = [{"tags": ["all", "few"] if n % 100 == 0 else ["all"]} for n in range(first, first + 1_000)]
        batch = models.Batch(ids=list(range(first, first + 1_000)), vectors=vectors.tolist(), payloads=payloads)
        client.upsert("bench", batch)
    asked = made.vectors(QUERIES, 5)
    few = models.Filter(must=[models.FieldCondition(key="tags", match=models.MatchValue(value="few"))])
    for name, condition in (("everything visible", None), ("1 % visible", few)):
        figures = timed(lambda n, c=condition: client.query_points("bench", asked[n].tolist(), query_filter=c), 20)
        say(f"stock, {name}: search      {figures}")


def say(line: str) -> None:
    """A line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Build, open, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--words", type=Path)
    parser.add_argument("--stock", action="store_true")
    chosen = parser.parse_args()
    made = Synthetic(words_of(chosen.words))
    build(chosen.folder, made, chosen.points).close()
    before, begun = anonymous_mb(), time.perf_counter()
    gateway = EdgeGateway(chosen.folder / "index", create=False)
    opened = time.perf_counter() - begun
    say(f"opened in {opened:.2f} s, anonymous memory {before} MB before, {anonymous_mb()} MB after")
    ask_tower(gateway, choose_embedder("auto", None, chosen.folder / "models"), made)
    gateway.close()
    if chosen.stock:
        ask_stock(made, chosen.points)


if __name__ == "__main__":
    main()
